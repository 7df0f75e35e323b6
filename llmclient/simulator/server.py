"""The simulator: a real HTTP server on this machine, one thread a connection, for tests and for trying things out."""

from __future__ import annotations

import collections
import os
import socket
import threading
import weakref
from collections.abc import Callable
from typing import NamedTuple, Self

from llmclient.simulator.connection import Connection, Stopped
from llmclient.simulator.dialects import DIALECTS, Router
from llmclient.simulator.exchange import Dialect, Failure, Handler, Reply, Request, Setting
from llmclient.simulator.faults import HEADER, MODEL_PREFIX, Delivery, Fault, spoil

PACE_HEADER = "x-simulator-pace"
_JOURNAL = 1_000
_COUNTERS = 10_000
_MAX_PACE = 60.0
_SECRET_HEADERS = ("authorization", "api-key", "x-api-key", "x-goog-api-key", "cookie")


class Recorded(NamedTuple):
    """One request that the simulator has seen."""

    method: str
    path: str
    headers: dict[str, str]
    """Names are lower case; keys and cookies are masked."""
    body: object
    """The parsed JSON, else the bytes."""


class Simulator:
    """A server that speaks providers' dialects on 127.0.0.1; it starts with `start` or `with`, and ends with `close`.

    `pace` is the seconds between the events of a stream, `seed` changes every answer, `api_key` is the only key to be accepted
    (None: any, or none), `clock` gives the time in answers (None: always the same).
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        pace: float = 0.0,
        seed: int = 0,
        api_key: str | None = None,
        clock: Callable[[], float] | None = None,
        log: Callable[[str], object] | None = None,
    ) -> None:
        self.host = host
        self.port = port
        self.pace = pace
        self.api_key = api_key
        self.max_connections = 0
        """The most connections that were open at once."""
        self.accepted = 0
        """How many connections were opened, all told."""
        self._setting = Setting(seed, clock)
        self._salt = str(seed).encode()
        self._log = log
        self._router = Router(DIALECTS)
        self._listener: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._open: set[Connection] = set()
        self._journal: collections.deque[Recorded] = collections.deque(maxlen=_JOURNAL)
        self._faults: collections.deque[Fault] = collections.deque()
        self._failed: collections.OrderedDict[tuple[str, str], int] = collections.OrderedDict()

    def start(self) -> Self:
        """Listen and answer, in threads of this process, if it does not yet; raises OSError when the port is taken."""
        if self._listener is not None:
            return self
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        self._listener = socket.create_server((self.host, self.port), family=family, backlog=512)
        self.port = self._listener.getsockname()[1]
        self._closing.clear()
        self._thread = threading.Thread(target=self._accept, args=(self._listener,), name="simulator", daemon=True)
        self._thread.start()
        _running.add(self)
        return self

    def close(self) -> None:
        """Stop listening and drop every connection; may be called twice."""
        self._closing.set()
        _running.discard(self)
        if self._listener is None or self._thread is None:
            return
        # A thread in accept() wakes up for a connection, and on every system for nothing else.
        reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 - looked up, not bound
        with socket.create_connection((reachable, self.port), timeout=5):
            self._thread.join(5)
        self._listener.close()
        self._listener = None
        with self._lock:
            for connection in self._open:
                connection.shut()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        """The address; OpenAI's base is this with "/v1"."""
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"

    @property
    def requests(self) -> list[Recorded]:
        """The last thousand requests, oldest first."""
        return list(self._journal)

    @property
    def connections(self) -> int:
        """How many connections are open now."""
        return len(self._open)

    def fault(self, spec: str, times: int = 1) -> None:
        """Let the next `times` requests fail, whatever they are; raises Failure for an unknown fault."""
        fault = Fault.parse(spec)
        self._faults.extend([fault] * times)

    def clear(self) -> None:
        """Forget the requests, and the faults that were not used."""
        self._journal.clear()
        self._faults.clear()
        self._failed.clear()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            sock, _ = listener.accept()
            if self._closing.is_set():
                sock.close()
                return
            connection = Connection(sock, self._closing)
            with self._lock:
                self._open.add(connection)
                self.accepted += 1
                self.max_connections = max(self.max_connections, len(self._open))
            threading.Thread(target=self._serve, args=(connection,), name="simulator-connection", daemon=True).start()

    def _serve(self, connection: Connection) -> None:
        try:
            while connection.keep_alive and not self._closing.is_set():
                self._exchange(connection)
        except (OSError, Stopped):
            # The client went, or the simulator did, or a reset was asked for: there is nobody left to tell.
            return
        finally:
            connection.close()
            with self._lock:
                self._open.discard(connection)

    def _exchange(self, connection: Connection) -> None:
        try:
            request = connection.read(self._salt)
        except Failure as failure:
            connection.write(DIALECTS[0].failure(failure))
            return
        if request is None:
            connection.keep_alive = False
            return
        reply, delivery = self._answer(request)
        if self._log is not None:
            self._log(f"{request.method} {request.path} {reply.status}")
        if delivery is None:
            connection.write(reply)
        else:
            connection.write(reply, delivery)

    def _answer(self, request: Request) -> tuple[Reply, Delivery | None]:
        dialect, route = self._router.find(request)
        try:
            self._record(request)
            if isinstance(route, Failure):
                raise route
            self._check_key(dialect, request)
            fault = self._fault(request)
            pace = self._pace(request)
            reply = self._handle(dialect, route.handler, request, fault)
        except Failure as failure:
            return dialect.failure(failure), None
        if fault is not None:
            return spoil(reply, fault, dialect, pace)
        return reply, Delivery(pace=pace) if pace and reply.events is not None else None

    def _handle(self, dialect: Dialect, handler: Handler, request: Request, fault: Fault | None) -> Reply:
        failure = fault.failure if fault is not None else None
        if fault is None or failure is None:
            return handler(request, self._setting)
        shown = dialect.failure(failure)
        if "error-200" in fault.values:
            shown.status = 200
        return shown

    def _record(self, request: Request) -> None:
        body: object = request.body
        if request.body and "json" in request.headers.get("content-type", "json"):
            try:
                body = request.json
            except Failure:
                # The handler says so; the journal keeps the bytes.
                body = request.body
        headers = {name: "***" if name in _SECRET_HEADERS else value for name, value in request.headers.items()}
        self._journal.append(Recorded(request.method, request.path, headers, body))

    def _check_key(self, dialect: Dialect, request: Request) -> None:
        if self.api_key is None:
            return
        key = dialect.key(request)
        if key == "":
            raise Failure(401, "You didn't provide an API key.", type="invalid_request_error", code="missing_api_key")
        if key != self.api_key:
            raise Failure(401, f"Incorrect API key provided: {key[:3]}***.", type="invalid_request_error", code="invalid_api_key")

    def _fault(self, request: Request) -> Fault | None:
        """Return the fault that this request asks for, or else the next that was queued."""
        spec = request.headers.get(HEADER)
        if spec is None and request.model.startswith(MODEL_PREFIX):
            spec = request.model.removeprefix(MODEL_PREFIX)
        fault = Fault.parse(spec) if spec is not None else self._queued()
        times = None if fault is None else fault.count("times")
        if fault is None or times is None:
            return fault
        with self._lock:
            counter = (fault.spec, request.digest)
            seen = self._failed[counter] = self._failed.get(counter, 0) + 1
            if len(self._failed) > _COUNTERS:
                self._failed.popitem(last=False)
        return fault if seen <= times else None

    def _queued(self) -> Fault | None:
        try:
            return self._faults.popleft()
        except IndexError:
            return None

    def _pace(self, request: Request) -> float:
        given = request.headers.get(PACE_HEADER)
        if given is None:
            return self.pace
        try:
            pace = float(given)
        except ValueError:
            pace = -1.0
        if not 0 <= pace <= _MAX_PACE:
            raise Failure(400, f"{PACE_HEADER} must be a number of seconds from 0 to {_MAX_PACE:g}.", param=PACE_HEADER)
        return pace

    def _abandon(self) -> None:
        """In a forked child: let go of the parent's sockets, so that only the parent decides when they close."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        for connection in self._open:
            connection.abandon()


_running: weakref.WeakSet[Simulator] = weakref.WeakSet()
_shared: dict[int, Simulator] = {}
_shared_lock = threading.Lock()


def shared() -> Simulator:
    """Return the simulator of this process, started on first use; a forked child gets its own."""
    with _shared_lock:
        simulator = _shared.get(os.getpid())
        if simulator is None:
            simulator = _shared[os.getpid()] = Simulator().start()
        return simulator


def _after_fork() -> None:
    global _shared_lock  # noqa: PLW0603 - the parent's lock may be held by a thread that this process does not have
    _shared_lock = threading.Lock()
    for simulator in list(_running):
        simulator._abandon()
    _running.clear()
    _shared.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
