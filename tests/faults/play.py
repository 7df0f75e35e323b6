"""Plays one fault to one call, then an ordinary call on the same pool, and says what came of both.

The pool has room for one connection, so that a place which was not given back, or a connection that was left dirty, shows at once.
"""

from __future__ import annotations

import pickle
import re
import socket
import ssl
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from llmclient.deadline import Timeout
from llmclient.errors import ProviderError
from llmclient.provider import Provider
from llmclient.retry import Retry
from llmclient.transport import Transport
from llmclient.types.chat import ChatRequest
from tests.faults.wires import Wire
from tests.wireserver import CHUNKED, PATIENCE, Peer, Request, Step, Steps, WireServer, chunked, http_response

Mode = Literal["chat", "stream"]
MODES: tuple[Mode, ...] = ("chat", "stream")
KEY = "sk-never-shown-0123456789abcdef"
NONCE = re.compile(rb"nonce-[0-9a-f]{32}")
RETRY = Retry(max_attempts=2, min_wait=0.0, max_hint=0.5)
GRACE = 0.5
"""Seconds by which a call may overrun its limit, on a machine that is not late itself."""
CALM = Timeout(connect=5, pool=1, idle=5, total=20)


@dataclass(frozen=True)
class Case:
    """What the script of a fault is made from."""

    wire: Wire
    mode: Mode

    @property
    def content_type(self) -> dict[str, str]:
        """The header that goes with the body."""
        return {"Content-Type": "application/json" if self.mode == "chat" else self.wire.content_type}

    @property
    def parts(self) -> list[bytes]:
        """A good body in pieces: a stream's frames, or the halves of an answer."""
        return self.wire.frames() if self.mode == "stream" else halves(self.wire.body())

    @property
    def first(self) -> bytes:
        """The beginning of a good body: the half of an answer, or a stream up to its first piece of text."""
        return b"".join(self.wire.frames()[: self.wire.opening]) if self.mode == "stream" else halves(self.wire.body())[0]

    @property
    def body(self) -> bytes:
        """A good body."""
        return b"".join(self.parts)

    @property
    def rest(self) -> bytes:
        """What follows `first`."""
        return self.body[len(self.first) :]

    def text(self, payload: bytes) -> bytes:
        """Return a body that has these bytes where JSON should be."""
        return self.wire.event(payload) if self.mode == "stream" else payload

    def head(self, headers: dict[str, str] | None = None, length: int | None = None) -> bytes:
        """Return the head of an answer, in chunks unless a length is given."""
        return http_response(200, self.content_type | (headers or {}) | ({} if length is not None else CHUNKED), length=length)

    def whole(self, body: bytes | None = None, headers: dict[str, str] | None = None, length: int | None = -1) -> bytes:
        """Return an answer, a good one unless a body is given."""
        return http_response(200, self.content_type | (headers or {}), self.body if body is None else body, length=length)

    def chunk(self, data: bytes) -> bytes:
        """Return one chunk."""
        return chunked([data], last=False)


def halves(body: bytes) -> list[bytes]:
    """Return the two halves."""
    return [body[: len(body) // 2], body[len(body) // 2 :]]


@dataclass(frozen=True)
class End:
    """What must come of a call."""

    error: str = ""
    """The exact class; "" for a complete answer."""
    attempts: int = 1
    """Requests (or connections, where none is read) that reach the server."""
    limit: str = ""
    """The limit that a timeout names."""
    hint: tuple[float, float] | None = None
    """Between which values `retry_after` lies."""
    chunks: str | None = None
    """The text of the chunks that a stream hands over before its end."""


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong, and what must come of it in either mode."""

    name: str
    script: Callable[[Case], Steps] | None
    chat: End
    stream: End
    group: str = ""
    timeout: Timeout = CALM
    within: float | None = None
    """Seconds within which the call ends; None where nothing waits."""
    before: Step | None = None
    """What a connection meets before its request is read; it is what is counted then."""
    tls: Callable[[], ssl.SSLContext] | None = None
    scheme: str = ""
    """The scheme of the address, where the server speaks another."""
    verify: Callable[[], str] | None = None
    host: str = "127.0.0.1"
    kept: bool | None = None
    """Whether the connection serves the next call too; None where either is right."""
    check: Callable[[Any], bool] = bool
    """What else must be true of the answer."""
    settle: float = 0.0
    """Seconds before the next call, for what comes late."""
    echo: bool = True
    """Whether the server can answer an ordinary call afterwards; if not, the same call must end the same way once more."""
    only: Callable[[Wire, Mode], bool] = lambda wire, mode: True
    note: str = ""

    def end(self, mode: Mode) -> End:
        """Return what must come of a call in this mode."""
        return self.chat if mode == "chat" else self.stream


@dataclass
class Outcome:
    """What came of a call."""

    error: ProviderError | None = None
    answer: Any = None
    chunks: list[str] = field(default_factory=list)
    seconds: float = 0.0
    foreign: BaseException | None = None


class Stage:
    """The server of one case: it plays the fault until `is_over`, and from then on answers each request with its own nonce."""

    def __init__(self, fault: Fault, case: Case, listener: socket.socket | None = None) -> None:
        self.fault = fault
        self.case = case
        self.is_over = False
        self.steps: Steps = fault.script(case) if fault.script else ()
        tls = fault.tls() if fault.tls else False
        self.server = Server(self.serve, listener=listener, tls=tls)

    def serve(self, peer: Peer) -> None:
        """Serve one connection."""
        if self.fault.before is not None and not self.is_over:
            self.fault.before(peer)
        while not peer.is_closed:
            request = peer.read_request()
            if self.is_over:
                peer.send(echo(self.case, request))
            else:
                peer.play(self.steps)

    def count(self, expected: int) -> int:
        """Return how many attempts have reached the server, whose threads may be a little behind."""
        until = time.monotonic() + 2
        while self._count() < expected and time.monotonic() < until:
            time.sleep(0.002)
        return self._count()

    def _count(self) -> int:
        return self.server.connections if self.fault.before is not None or self.fault.tls is not None else len(self.server.requests)


class Server(WireServer):
    """A scripted server among many: the descriptor of its listener is not free for another while a thread may still wait at it.

    With `listener` it takes a socket that only now begins to listen.
    """

    def __init__(self, *scripts: Any, listener: socket.socket | None = None, **options: Any) -> None:
        super().__init__(*scripts, **options)
        if listener is not None:
            self._listener.close()
            listener.settimeout(PATIENCE)
            listener.listen()
            self._listener = listener
            self.port = listener.getsockname()[1]
            self.url = f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        """Close everything and wait for the threads, first for the one that accepts."""
        self.stopping.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        if self._threads:
            self._threads[0].join(PATIENCE)
        super().stop()


def echo(case: Case, request: Request) -> bytes:
    """Return an answer that says the nonce of the question."""
    found = NONCE.search(request.body)
    nonce = found[0].decode() if found else "no nonce came"
    body = b"".join(case.wire.frames([nonce])) if case.mode == "stream" else case.wire.body(nonce)
    return case.whole(body)


def provider(case: Case, base: str, transport: Transport, timeout: Timeout) -> Provider:
    """Return a provider that speaks the case's dialect."""
    return case.wire.provider()({"api_key": KEY, "api_base": base}, transport=transport, timeout=timeout, retry=RETRY)


def ask(one: Provider, mode: Mode, text: str) -> Outcome:
    """Make a call and say what came of it; what is no ProviderError is kept too, to be reported."""
    outcome = Outcome()
    start = time.monotonic()
    try:
        request = ChatRequest.make("m", text)
        if mode == "chat":
            outcome.answer = one.chat_completion(request)
        else:
            stream = one.chat_completion_stream(request)
            outcome.chunks.extend(chunk.text for chunk in stream)
            outcome.answer = stream.response
    except ProviderError as error:
        outcome.error = error
    except BaseException as error:
        outcome.foreign = error
    outcome.seconds = time.monotonic() - start
    return outcome


def play(fault: Fault, case: Case, clock: Lateness) -> list[str]:
    """Play a fault to one call; return what was wrong, in words."""
    with refusing(fault) as (listener, dead):
        transport = Transport(max_connections=1, verify=fault.verify() if fault.verify else None)
        stage = None if listener else Stage(fault, case)
        try:
            base = dead or address(fault, stage)
            one = provider(case, base, transport, fault.timeout)
            if stage is not None:
                stage.server.__enter__()
            outcome = ask(one, case.mode, "what?")
            seen = stage.count(fault.end(case.mode).attempts) if stage is not None else None
            problems = list(judge(fault, case, outcome, seen, clock))
            if listener is not None:
                stage = Stage(fault, case, listener)
                stage.server.__enter__()
            assert stage is not None
            problems += after(fault, case, one, stage, transport)
        finally:
            transport.close()
            if stage is not None:
                stage.server.stop()
        if stage.server.errors:
            problems.append(f"the server failed: {stage.server.errors[0]!r}")
    return problems


@contextmanager
def refusing(fault: Fault) -> Iterator[tuple[socket.socket | None, str]]:
    """Bind a port without listening at it, for a fault that has neither script nor host."""
    if fault.script is not None or fault.before is not None or fault.host != "127.0.0.1":
        yield None, ""
        return
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock, f"http://127.0.0.1:{sock.getsockname()[1]}"


def address(fault: Fault, stage: Stage | None) -> str:
    """Return where the call goes."""
    assert stage is not None
    scheme = fault.scheme or stage.server.url.partition(":")[0]
    return f"{scheme}://{fault.host}:{stage.server.port}"


def judge(fault: Fault, case: Case, outcome: Outcome, seen: int | None, clock: Lateness) -> Iterator[str]:
    """Compare what came of the call with what must come."""
    end = fault.end(case.mode)
    error = outcome.error
    if outcome.foreign is not None:
        yield f"{outcome.foreign!r} came out, which is no ProviderError"
        return
    got = type(error).__name__ if error is not None else ""
    if got != end.error:
        yield f"expected {end.error or 'an answer'}, got {error!r}" if error else f"expected {end.error}, got an answer: {outcome.answer.text!r}"
    if seen is not None and fault.host == "127.0.0.1" and seen != end.attempts:
        yield f"expected {end.attempts} attempts, the server saw {seen}"
    if end.chunks is not None and case.mode == "stream" and "".join(outcome.chunks) != end.chunks:
        yield f"expected the chunks {end.chunks!r}, got {outcome.chunks}"
    allowed = (fault.within or 0.0) + GRACE + clock.worst
    if outcome.seconds > allowed:
        yield f"took {outcome.seconds:.2f} s of {allowed:.2f} s"
    yield from judge_error(end, error) if error is not None else judge_answer(fault, outcome)


def judge_error(end: End, error: ProviderError) -> Iterator[str]:
    """Look at the facts of an error."""
    if len(error.attempts) != end.attempts:
        yield f"expected {end.attempts} attempts, the error tells of {len(error.attempts)}"
    if end.limit and getattr(error, "limit", None) != end.limit:
        yield f"expected the limit {end.limit}, got {getattr(error, 'limit', None)}"
    low, high = end.hint or (0.0, float("inf"))
    if end.hint is not None and not (error.retry_after is not None and low <= error.retry_after <= high):
        yield f"expected retry_after within {end.hint}, got {error.retry_after}"
    if error.provider != "acme":
        yield f"the error does not say whose it is: {error.provider!r}"
    if error.__context__ is not None or error.__cause__ is not None:
        yield f"the error is chained to {error.__context__ or error.__cause__!r}"
    shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    again = pickle.loads(pickle.dumps(error))
    if any(KEY in text for text in (shown, str(error), repr(error), repr(again.__dict__), str(error.body))):
        yield "the error shows the key"


def judge_answer(fault: Fault, outcome: Outcome) -> Iterator[str]:
    """Look at the answer."""
    if outcome.answer.finish_reason in (None, "error"):
        yield f"a complete answer ended with {outcome.answer.finish_reason!r}"
    if not fault.check(outcome.answer):
        yield f"the answer is not right: {outcome.answer!r}"


def after(fault: Fault, case: Case, one: Provider, stage: Stage, transport: Transport) -> Iterator[str]:
    """Make ordinary calls on the same pool, and count connections."""
    if not fault.echo:
        again = ask(one, case.mode, "what?")
        got = type(again.error or again.foreign or again.answer).__name__
        if got != fault.end(case.mode).error:
            yield f"the same call again gave {again.error or again.foreign!r}"
        return
    used = stage.server.connections
    stage.is_over = True
    time.sleep(fault.settle)
    other = provider(case, stage.server.url, transport, CALM)
    for number in range(2):
        nonce = f"nonce-{uuid.uuid4().hex}"
        outcome = ask(other, case.mode, nonce)
        if outcome.foreign is not None or outcome.error is not None:
            yield f"the call after it failed: {outcome.foreign or outcome.error!r}"
        elif outcome.answer.text != nonce:
            yield f"the call after it got another's answer: {outcome.answer.text!r}"
        if number == 0 and fault.kept is not None and (stage.server.connections == used) != fault.kept:
            yield "the connection was dropped" if fault.kept else "the connection was kept"
    last = stage.server.requests[-1].headers if stage.server.requests else {}
    if "cookie" in last:
        yield "a cookie was sent"
    transport.close()
    if not stage.server.wait_closed():
        yield f"{stage.server.open} connections are left open"


class Lateness:
    """Notes by how much this machine is late to wake a thread, which no library can help."""

    def __init__(self) -> None:
        self.worst = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        while not self._stop.is_set():
            start = time.monotonic()
            self._stop.wait(0.01)
            self.worst = max(self.worst, time.monotonic() - start - 0.01)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *args: object) -> None:
        self._stop.set()
        self._thread.join()


def play_all(fault: Fault, wires: Iterable[Wire], width: int = 8) -> list[str]:
    """Play a fault in every dialect and mode, many at once; return what was wrong."""
    # Certificates are made once, before threads ask for them.
    for make in (fault.tls, fault.verify):
        if make is not None:
            make()
    cases = [Case(wire, mode) for wire in wires for mode in MODES if fault.only(wire, mode)]
    with Lateness() as clock, ThreadPoolExecutor(width) as pool:
        found = pool.map(lambda case: play(fault, case, clock), cases)
        return [f"{case.wire.name}, {case.mode}: {problem}" for case, problems in zip(cases, found, strict=True) for problem in problems]
