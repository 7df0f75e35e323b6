"""One answer whose head has come and whose body has not: read whole, read as it comes, or dropped."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from http.client import IncompleteRead
from typing import TYPE_CHECKING, Any, Protocol

import urllib3
from urllib3._collections import HTTPHeaderDict

from llmclient.errors import CancelledError, NetworkError, ProviderError, ResponseParsingError
from llmclient.failures import FAULTS, explain
from llmclient.idle import Forks
from llmclient.inflate import Inflater, inflater
from llmclient.parser import BUFFER, Answer
from llmclient.pool import drop

if TYPE_CHECKING:
    import requests

    from llmclient.deadline import Call

BODY_CAP = 256 << 20
ERROR_CAP = 1 << 20
DRAIN_CAP = 64 << 10
DRAIN_SECONDS = 0.05
ERROR_SECONDS = 10.0
"""An error whose body does not come is told after this long, with what has come."""

WAKE_SECONDS = 0.2
"""A reader whose connection was shut down has gone by then."""

_AT_ONCE = 16 << 20
"""Bytes that are allocated on the word of a Content-Length."""
_INFLATED = 1 << 20
"""Bytes that one read hands out of a compressed stream."""


class Source(Protocol):
    """Where the bytes of a body come from, still compressed or not."""

    encoding: str | None
    """The content-encoding that is still to be undone."""
    ended: bool
    """Whether the body has ended as its framing says."""

    @property
    def length(self) -> int | None:
        """How many bytes are to come, if that is known."""
        ...

    def read(self, limit: int) -> bytes:
        """Return the rest of the body, or more than `limit` bytes of it; raises what sockets and http.client raise."""
        ...

    def read_some(self) -> bytes:
        """Return the next bytes as soon as any come, b"" at the end."""
        ...

    def release(self) -> None:
        """Give the connection back; the body has ended."""
        ...

    def drop(self) -> None:
        """Close the connection."""
        ...


class Wired:
    """The body of an answer that came through our own pool: http.client frames it, nothing lies between."""

    __slots__ = ("_answer", "_raw", "encoding", "ended")

    def __init__(self, raw: urllib3.HTTPResponse, answer: Answer) -> None:
        self._raw = raw
        self._answer = answer
        self.encoding = raw.headers.get("content-encoding")
        self.ended = False

    @property
    def length(self) -> int | None:
        """What Content-Length says is left."""
        return self._answer.length

    def read(self, limit: int) -> bytes:
        """Return the rest of the body, or more than `limit` bytes of it."""
        answer = self._answer
        length = answer.length
        if length is not None and length <= _AT_ONCE:
            data = answer.read()
            self.ended = True
            return data
        return _gather(self, limit)

    def read_some(self) -> bytes:
        """Return the next bytes as soon as any come, b"" at the end."""
        data = self._answer.read_ready()
        self.ended = self._answer.fp is None
        return data

    def release(self) -> None:
        """Put the connection back into its pool."""
        self._raw.release_conn()

    def drop(self) -> None:
        """Close the connection and free its slot."""
        drop(self._raw)


class Foreign:
    """The body of an answer that something else made: a mocked one, or one from a session with adapters of its own."""

    encoding: str | None = None
    length: int | None = None

    def __init__(self, response: requests.Response, call: Call) -> None:
        self._response = response
        self._call = call
        self.ended = False
        self._ready: bytes | None = None
        if response._content is not False:
            # A hook has read it already.
            self._ready = response._content or b""

    def read(self, limit: int) -> bytes:
        """Return the rest of the body, or more than `limit` bytes of it."""
        return _gather(self, limit)

    def read_some(self) -> bytes:
        """Return the next bytes as soon as any come, b"" at the end."""
        if self._ready is not None:
            data, self._ready = self._ready, b""
        else:
            data = self._pull()
        self.ended = not data
        return data

    def _pull(self) -> bytes:
        raw: Any = self._response.raw
        self._call.check()
        if isinstance(raw, urllib3.BaseHTTPResponse):
            return raw.read1(BUFFER, decode_content=True) or b""
        data: bytes = raw.read(BUFFER)
        return data

    def release(self) -> None:
        """Let the response give its connection back, if it has one."""
        self.drop()

    def drop(self) -> None:
        """Close the response."""
        if self._response.raw is not None:
            self._response.close()


def _gather(source: Source, limit: int) -> bytes:
    pieces: list[bytes] = []
    left = limit
    while left >= 0 and (piece := source.read_some()):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


def _source(response: requests.Response, call: Call) -> Source:
    raw = response.raw
    answer = getattr(raw, "_fp", None)
    if isinstance(answer, Answer) and response._content is False:
        return Wired(raw, answer)
    return Foreign(response, call)


class Exchange:
    """An answer on its way. Read it in one thread; `close` may come from any, also from a finalizer."""

    def __init__(self, response: requests.Response, call: Call) -> None:
        self.status: int = response.status_code
        headers: Mapping[str, str] = response.headers
        self.headers: Mapping[str, str] = headers if isinstance(headers, HTTPHeaderDict) else HTTPHeaderDict(headers)
        self.reused = call.reused
        """Whether it came over a connection that had served before."""
        self._call = call
        self._url = response.url
        self._source = _source(response, call)
        self._inflater: Inflater | None = None
        self._prepared = False
        self._busy = threading.Lock()
        self._forks = Forks.count
        self._pid = os.getpid()
        self._done = False

    def read(self, cap: int = BODY_CAP) -> bytes:
        """Return the whole body, decompressed.

        Raises ResponseParsingError when it is longer than `cap` bytes, NetworkError when it is cut off, and
        RequestTimeoutError or CancelledError as the call says.
        """
        return self._guard(self._read, cap)

    def read_some(self) -> bytes:
        """Return the next bytes of the body, decompressed, as soon as any come; b"" at its end. Raises as `read` does."""
        return self._guard(self._read_some, _INFLATED)

    def read_error(self, cap: int = ERROR_CAP) -> bytes:
        """Return the body of an error, cut off at `cap` bytes; what is missing is no error. Raises CancelledError only."""
        self._call.begin_drain(min(ERROR_SECONDS, max(self._call.remaining(), 0.0)))
        pieces: list[bytes] = []
        size = 0
        try:
            while size < cap and (piece := self._guard(self._read_some, cap)):
                pieces.append(piece)
                size += len(piece)
        except CancelledError:
            raise
        except ProviderError:
            pass
        self.close()
        return b"".join(pieces)[:cap]

    def finish(self) -> None:
        """The stream has said all: keep the connection if the framing ends within 64 KiB and 50 ms, else drop it."""
        if self._done:
            return
        self._call.begin_drain(DRAIN_SECONDS)
        left = DRAIN_CAP
        try:
            while left > 0 and not self._done:
                left -= len(self._guard(self._read_some, DRAIN_CAP))
        except ProviderError:
            return
        self.close()

    def close(self) -> None:
        """Drop the connection, unless the body has been read to its end. A thread that is reading gets CancelledError."""
        if self._done or self._pid != os.getpid():
            return
        if not self._busy.acquire(blocking=False):
            # Never close a socket under its reader: it is woken up, and goes.
            self._call.cancel()
            if not self._busy.acquire(timeout=WAKE_SECONDS):
                return
        try:
            self._drop()
        finally:
            self._busy.release()

    def __del__(self) -> None:
        if not getattr(self, "_done", True):
            self.close()

    def _guard(self, read: Callable[[int], bytes], limit: int) -> bytes:
        """Run a read alone, and turn what fails into our errors, raised where no frame holds a request."""
        if self._forks != Forks.count:
            raise NetworkError(self._call.provider, "this answer belongs to the process that this one was forked from", retryable=False)
        failure: ProviderError
        with self._busy:
            try:
                data = read(limit)
                if self._done or not self._call.cancelled:
                    return data
                failure = self._closed()
            except ProviderError as error:
                failure = error
            except FAULTS as error:
                failure = explain(error, self._call, self._url)
            self._drop()
        raise failure.with_traceback(None)

    def _drop(self) -> None:
        if not self._done:
            self._done = True
            self._source.drop()

    def _end(self) -> None:
        self._done = True
        self._source.release()

    def _start(self) -> None:
        self._prepared = True
        self._inflater = inflater(self._call.provider, self._source.encoding)

    def _read(self, cap: int) -> bytes:
        if self._done:
            return self._after_end()
        if not self._prepared:
            self._start()
        source = self._source
        if source.length is not None and source.length > cap:
            raise self._too_long(cap, f"{source.length} bytes")
        data = source.read(cap)
        if self._inflater is not None and len(data) <= cap:
            data = self._inflate(data, cap)
        if len(data) > cap:
            raise self._too_long(cap, f"more than {cap} bytes")
        self._end()
        return data

    def _inflate(self, data: bytes, cap: int) -> bytes:
        assert self._inflater is not None
        data = self._inflater.feed(data, cap + 1)
        if len(data) <= cap and not self._inflater.complete:
            raise IncompleteRead(b"")
        return data

    def _read_some(self, limit: int) -> bytes:
        if self._done:
            return self._after_end()
        if not self._prepared:
            self._start()
        if self._inflater is not None:
            return self._read_inflated(self._inflater, limit)
        data = self._source.read_some()
        if self._source.ended:
            self._end()
        return data

    def _read_inflated(self, stream: Inflater, limit: int) -> bytes:
        if stream.pending:
            return stream.feed(b"", limit)
        data = b""
        while not data:
            data = stream.feed(self._source.read_some(), limit)
            if self._source.ended and not stream.pending:
                if stream.complete:
                    self._end()
                elif not data:
                    raise IncompleteRead(b"")
                # What came before the body was cut off is handed over first; the next read tells of the cut.
                break
        return data

    def _after_end(self) -> bytes:
        if self._call.cancelled or not self._source.ended:
            raise self._closed()
        return b""

    def _closed(self) -> CancelledError:
        return CancelledError(self._call.provider, "the answer was closed", model=self._call.model)

    def _too_long(self, cap: int, size: str) -> ResponseParsingError:
        return ResponseParsingError(self._call.provider, f"the answer is too long: {size}, and the limit is {cap}", model=self._call.model, status=self.status)
