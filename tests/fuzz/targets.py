"""Everything that reads bytes of somebody else's, as functions of bytes: each returns, or shows by an exception that it broke the rules.

The rules: only ProviderError leaves, one of its classes and never the bare one; and a few kilobytes take a moment.
"""

from __future__ import annotations

import importlib
import io
import itertools
import pkgutil
import time
import zlib
from collections.abc import Callable, Iterator
from typing import Any

from llmclient import dialects, registry
from llmclient.deadline import Call, Timeout
from llmclient.dialects.base import Dialect
from llmclient.errors import ProviderError
from llmclient.failures import FAULTS, explain
from llmclient.inflate import inflater
from llmclient.parser import Answer
from llmclient.types.context import OPERATIONS
from llmclient.wire import jsons
from llmclient.wire.eventstream import EventStreamDecoder
from llmclient.wire.ndjson import NDJSONDecoder
from llmclient.wire.sse import SSEDecoder, SSEEventDecoder

Target = Callable[[bytes], None]
SECONDS = 2.0
"""Of the processor's time, for the few kilobytes of one input."""
STATUSES = (301, 400, 401, 403, 404, 408, 413, 429, 500, 501, 503, 529)
_HINTS = ("retry-after", "retry-after-ms", "x-ratelimit-reset-requests", "x-amzn-errortype", "location", "x-should-retry", "x-request-id", "date")


def subclasses() -> set[type[Any]]:
    """Return every kind of dialect that the library has, whether an adapter uses it or not."""
    for module in pkgutil.walk_packages(dialects.__path__, dialects.__name__ + "."):
        importlib.import_module(module.name)
    found: set[type[Any]] = set()
    waiting: list[type[Any]] = [Dialect]
    while waiting:
        for kind in waiting.pop().__subclasses__():
            if kind not in found:
                found.add(kind)
                waiting.append(kind)
    return {kind for kind in found if kind.__module__.startswith(dialects.__name__) and "decode" in dir(kind) and kind.decode is not Dialect.decode}


def used() -> dict[str, Any]:
    """Return one dialect of each kind: as the first adapter has it that does, else with its defaults."""
    found: dict[str, Any] = {}
    for name in registry.names():
        adapter = registry.adapter(name)
        chats = [dialect for _, dialect in adapter.chat_by_model] + list(adapter.chat_apis.values())
        for dialect in (*(getattr(adapter, slot) for slot in OPERATIONS), *chats):
            if dialect is not None:
                found.setdefault(type(dialect).__name__, dialect)
    for kind in sorted(subclasses(), key=lambda kind: kind.__name__):
        found.setdefault(kind.__name__, kind())
    return found


def decoding(dialect: Any) -> Target:
    """Return the target that decodes a body."""
    return lambda raw: allowed(lambda: dialect.decode(raw, "m", "r"))


def streaming(dialect: Any) -> Target:
    """Return the target that reads a stream, whole and cut where its first bytes say, which must come to the same."""

    def feed(raw: bytes) -> None:
        cuts = sorted({0, len(raw), *(cut * len(raw) // 256 for cut in raw[:3])})
        pieces = [raw[start:stop] for start, stop in itertools.pairwise(cuts)]
        whole, cut = read_stream(dialect, [raw]), read_stream(dialect, pieces)
        assert whole == cut, f"cuts change what is read: {whole} or {cut}"

    return feed


def read_stream(dialect: Any, pieces: list[bytes]) -> tuple[str, Any, Any]:
    """Read a stream to its end and return its text, finish reason and kind of error."""
    decoder = dialect.stream("m", "r")
    chunks = [chunk for piece in pieces for chunk in decoder.feed(piece)] + decoder.finish()
    text = "".join(chunk.text for chunk in chunks)
    error = decoder.error
    assert error is None or (isinstance(error, ProviderError) and type(error) is not ProviderError)
    response = decoder.response() if error is not None else allowed(decoder.response)
    if response is None:
        return text, None, None
    assert decoder.done or error is not None or response.finish_reason is not None
    response.to_dict()
    return text, response.finish_reason, type(error)


def mapping(dialect: Any) -> Target:
    """Return the target that reads a failure; its first bytes choose the status and a header."""

    def read(raw: bytes) -> None:
        status = STATUSES[raw[0] % len(STATUSES)] if raw else 500
        headers = {}
        if len(raw) > 2:
            headers = {_HINTS[raw[1] % len(_HINTS)]: raw[3 : 3 + raw[2] % 32].decode("latin-1")}
        for body in (raw, raw[3:]):
            error = dialect.error(status, headers, body)
            assert isinstance(error, ProviderError)
            assert type(error) is not ProviderError
            assert error.retry_after is None or 0 <= error.retry_after < 1e7
            assert str(error)

    return read


def allowed(read: Callable[[], Any], *others: type[BaseException]) -> Any:
    """Return what is read; None where it fails as it may."""
    failure: ProviderError | None = None
    try:
        return read()
    except others:
        return None
    except ProviderError as error:
        failure = error
    assert type(failure) is not ProviderError
    return None


def feeding(make: Callable[[], Any]) -> Target:
    """Return the target that feeds a decoder of the wire, at once and in three pieces, which must come to the same."""

    def read(pieces: list[bytes]) -> list[Any]:
        decoder, found = make(), []
        for step in [*(lambda piece=piece: decoder.feed(piece) for piece in pieces), decoder.finish]:
            try:
                more = step()
            except ProviderError as error:
                return [*found, type(error)]
            found += more if isinstance(more, list) else [more]
        return found

    def feed(raw: bytes) -> None:
        third = len(raw) // 3 or 1
        read([raw])
        read([raw[at : at + third] for at in range(0, len(raw), third)])

    return feed


def inflating(encoding: str) -> Target:
    """Return the target that inflates, in pieces, never more at once than was asked for."""

    def inflate(raw: bytes) -> None:
        stream = inflater("acme", encoding)
        assert stream is not None
        limit = 1000
        try:
            for piece in (raw[: len(raw) // 2], raw[len(raw) // 2 :]):
                out = stream.feed(piece, limit)
                assert len(out) <= limit
                for _ in range(100):
                    if stream.pending:
                        assert len(stream.feed(b"", limit)) <= limit
        except zlib.error:
            pass

    return inflate


class Socket:
    """A socket from which bytes come that are there already."""

    def __init__(self, raw: bytes) -> None:
        self._bytes = io.BytesIO(raw)

    def recv_into(self, buffer: Any) -> int:
        """Return at most 100 bytes, so that heads and chunks come in pieces too."""
        return self._bytes.readinto(memoryview(buffer)[:100])

    def makefile(self, *args: Any, **options: Any) -> io.BytesIO:
        """Return something to close."""
        return io.BytesIO()

    def gettimeout(self) -> float:
        """Return a timeout."""
        return 1.0

    def settimeout(self, seconds: float) -> None:
        """Do nothing."""

    def shutdown(self, how: int) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


def read_http(raw: bytes) -> None:
    """Read an answer, head and body; what the parser raises, the transport turns into an error of the tree."""
    call = Call(Timeout(total=10), provider="acme", model="m")
    call.begin_attempt()
    try:
        answer: Any = Answer(Socket(raw), method="POST", url=None, call=call)
        answer.begin()
        while answer.read_ready():
            pass
    except ProviderError as error:
        failure = error
    except FAULTS as error:
        failure = explain(error, call, "http://localhost/")
    else:
        return
    assert type(failure) is not ProviderError


def read_json(raw: bytes) -> None:
    """Read JSON, and write again what was read."""
    value = allowed(lambda: jsons.loads(raw), ValueError)
    jsons.rewrite(value)
    allowed(lambda: jsons.dumps(value))


def targets() -> Iterator[tuple[str, Target]]:
    """Yield every target by its name."""
    for name, dialect in used().items():
        yield f"{name}.decode", decoding(dialect)
        yield f"{name}.error", mapping(dialect)
        if hasattr(dialect, "stream"):
            yield f"{name}.stream", streaming(dialect)
    yield "sse", feeding(SSEDecoder)
    yield "sse.events", feeding(SSEEventDecoder)
    yield "ndjson", feeding(NDJSONDecoder)
    yield "eventstream", feeding(EventStreamDecoder)
    yield "json", read_json
    yield "http", read_http
    for encoding in ("gzip", "deflate"):
        yield f"inflate.{encoding}", inflating(encoding)


TARGETS: dict[str, Target] = dict(targets())


def strike(name: str, raw: bytes) -> None:
    """Run a target; raises whatever shows that it broke the rules, and AssertionError where it took too long."""
    start = time.process_time()
    TARGETS[name](raw)
    spent = time.process_time() - start
    assert spent < SECONDS, f"{name} took {spent:.1f} s for {len(raw)} bytes"
