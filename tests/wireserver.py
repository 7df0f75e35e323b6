"""A scripted server on real sockets: says exactly the bytes that a test wants, in exactly the way it wants.

    with WireServer(ok(b"hello")) as server:                       # every request on every connection gets this
        requests.post(server.url, data=b"x")
    assert server.requests[0].body == b"x"

What a server is given are *scripts*, one a connection in the order in which connections come; the last one serves all
that follow. A script is

* bytes: each request is read and answered with them;
* a list of steps: each request is read, then the steps run; a step is bytes to send, or a callable that takes the
  `Peer`: `drip(...)`, `stall(event)`, `reset`, `half_close`, `close`, or any function of yours;
* `answers(first, second, ...)`: the first request on the connection gets the first script, and so on, then it closes;
* a function that takes the `Peer` and does as it likes: `peer.read_request()`, `peer.send(...)`, ...

Nothing here waits longer than `PATIENCE` seconds, so that a wrong script fails a test instead of hanging the run.
"""

from __future__ import annotations

import functools
import select
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Self

import pytest

if TYPE_CHECKING:
    import trustme

PATIENCE = 10.0

Step = Callable[["Peer"], None]
Steps = Sequence["bytes | Step"]
Script = bytes | Steps | Step


@dataclass
class Request:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    """Names in lower case; of a repeated header, the values joined by commas."""
    body: bytes
    connection: int
    """The number of its connection, 0 for the first."""
    head: bytes = field(repr=False, default=b"")


class Closed(Exception):
    """The client has gone; a script ends here, and that is no error."""


class Peer:
    """The server's end of one connection."""

    def __init__(self, server: WireServer, sock: socket.socket, number: int) -> None:
        self.server = server
        self.socket = sock
        self.number = number
        self.is_closed = False
        self._buffer = b""

    def read_request(self) -> Request:
        """Read one request, and note it in `server.requests`; raises Closed when the client has gone."""
        while b"\r\n\r\n" not in self._buffer:
            self._fill()
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, path, _ = first.split(" ", 2)
        headers: dict[str, str] = {}
        for line in lines:
            name, _, value = line.partition(":")
            name, value = name.strip().lower(), value.strip()
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        request = Request(method, path, headers, self._read_body(headers), self.number, head)
        self.server.note(request)
        return request

    def _read_body(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding") == "chunked":
            return self._read_chunks()
        return self.read(int(headers.get("content-length", "0")))

    def _read_chunks(self) -> bytes:
        parts: list[bytes] = []
        while True:
            size = int(self._read_line().split(b";")[0], 16)
            parts.append(self.read(size))
            self._read_line()
            if not size:
                return b"".join(parts)

    def _read_line(self) -> bytes:
        while b"\r\n" not in self._buffer:
            self._fill()
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line

    def read(self, size: int) -> bytes:
        """Read exactly so many bytes; raises Closed when fewer come."""
        while len(self._buffer) < size:
            self._fill()
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        return data

    def _fill(self) -> None:
        try:
            data = self.socket.recv(65536)
        except OSError as error:
            raise Closed from error
        if not data:
            raise Closed
        self._buffer += data

    def send(self, data: bytes) -> None:
        """Send bytes; raises Closed when the client has gone."""
        try:
            self.socket.sendall(data)
        except (OSError, ValueError) as error:
            raise Closed from error

    def drip(self, data: bytes, delay: float, size: int = 1) -> None:
        """Send `size` bytes every `delay` seconds."""
        for start in range(0, len(data), size):
            self.send(data[start : start + size])
            self.server.stopping.wait(delay)
            if self.server.stopping.is_set():
                raise Closed

    def stall(self, released: threading.Event | None = None) -> None:
        """Do nothing until the event is set, or, without one, until the server stops or the client goes."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and not self.server.stopping.is_set():
            if released is not None and released.wait(0.01):
                return
            if released is None and self._is_gone():
                return

    def _is_gone(self) -> bool:
        self.socket.settimeout(0.01)
        try:
            return not self.socket.recv(1)
        except (TimeoutError, ssl.SSLWantReadError):
            return False
        except OSError:
            return True
        finally:
            with suppress(OSError):
                self.socket.settimeout(PATIENCE)

    def half_close(self) -> None:
        """Send the end of the stream; reading goes on."""
        with suppress(OSError):
            socket.socket.shutdown(self.socket, socket.SHUT_WR)

    def reset(self) -> None:
        """Break the connection off with an RST."""
        with suppress(OSError):
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self.is_closed = True
        with suppress(OSError):
            self.socket.close()

    def run(self, script: Script) -> None:
        """Serve the connection by a script."""
        if callable(script):
            script(self)
            return
        steps = [script] if isinstance(script, bytes) else script
        while not self.is_closed:
            self.read_request()
            self.play(steps)

    def play(self, steps: Steps) -> None:
        """Run the steps of one answer."""
        for step in steps:
            if callable(step):
                step(self)
            else:
                self.send(step)


def drip(data: bytes, delay: float, size: int = 1) -> Step:
    """A step: send `size` bytes every `delay` seconds."""
    return lambda peer: peer.drip(data, delay, size)


def stall(released: threading.Event | None = None) -> Step:
    """A step: wait until the event is set, or, without one, until the client goes."""
    return lambda peer: peer.stall(released)


def signal(event: threading.Event) -> Step:
    """A step: tell the test that the server has come so far."""
    return lambda peer: event.set()


def reset(peer: Peer) -> None:
    """A step: break the connection off with an RST."""
    peer.reset()


def half_close(peer: Peer) -> None:
    """A step: send the end of the stream, and go on reading."""
    peer.half_close()


def close(peer: Peer) -> None:
    """A step: close the connection."""
    peer.close()


def relay(peer: Peer) -> None:
    """A script: a proxy that connects to whatever loopback port CONNECT names, and passes bytes both ways."""
    port = int(peer.read_request().path.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as target:
        peer.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        # In one thread: a TLS socket must not be read and written at the same time.
        ends = {peer.socket: target, target: peer.socket}
        while not peer.server.stopping.is_set():
            for source in select.select(list(ends), [], [], 0.1)[0]:
                data = source.recv(65536)
                if not data:
                    return
                ends[source].sendall(data)


def answers(*scripts: bytes | Steps) -> Step:
    """A script: each request on the connection gets the next answer; after the last one the connection is closed."""

    def serve(peer: Peer) -> None:
        for script in scripts:
            peer.read_request()
            peer.play([script] if isinstance(script, bytes) else script)

    return serve


def http_response(status: int = 200, headers: Iterable[tuple[str, str]] | dict[str, str] = (), body: bytes = b"", *, length: int | None = -1) -> bytes:
    """Return an answer; `length` replaces the true Content-Length, None leaves the header out."""
    pairs = list(headers.items() if isinstance(headers, dict) else headers)
    if length is not None:
        pairs.append(("Content-Length", str(len(body) if length < 0 else length)))
    lines = "".join(f"{name}: {value}\r\n" for name, value in pairs)
    return f"HTTP/1.1 {status} Whatever\r\n{lines}\r\n".encode("latin-1") + body


def ok(body: bytes = b"{}", headers: dict[str, str] | None = None) -> bytes:
    """Return an answer with status 200."""
    return http_response(200, {"Content-Type": "application/json"} | (headers or {}), body)


def sse(*payloads: str, done: bool = True) -> bytes:
    """Return the body of an event stream, one event a payload, and `[DONE]` at the end."""
    events = [*payloads, "[DONE]"] if done else payloads
    return "".join(f"data: {payload}\n\n" for payload in events).encode()


def chunked(parts: Iterable[bytes], *, last: bool = True) -> bytes:
    """Return a body in chunks, one a part; `last=False` leaves out the end."""
    body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
    return body + (b"0\r\n\r\n" if last else b"")


CHUNKED = {"Transfer-Encoding": "chunked"}


@functools.cache
def authority() -> trustme.CA:
    """Return the CA that signs the servers' certificates; made once a run. Skips the test where trustme cannot be installed."""
    return pytest.importorskip("trustme").CA()


@functools.cache
def server_context(host: str = "127.0.0.1") -> ssl.SSLContext:
    """Return a server's TLS context with a certificate for this host."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority().issue_cert(host).configure_cert(context)
    return context


class WireServer:
    """Serves scripts on a loopback port, a thread a connection. Use it as a context manager.

    `tls=True` speaks TLS with a certificate of `authority()`; a context of your own is used as it is. A script that
    raises anything but Closed makes the `with` block raise it at its end.
    """

    def __init__(self, *scripts: Script, tls: bool | ssl.SSLContext = False, backlog: int = 256) -> None:
        self._scripts = scripts or (ok(),)
        self._tls = server_context() if tls is True else tls or None
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=backlog)
        self._listener.settimeout(PATIENCE)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"
        """The address, without a path."""
        self._lock = threading.Lock()
        self._peers: set[Peer] = set()
        self._threads: list[threading.Thread] = []
        self.stopping = threading.Event()
        self.requests: list[Request] = []
        self.connections = 0
        """How many connections have been opened."""
        self.open = 0
        """How many are open now."""
        self.max_open = 0
        self.errors: list[BaseException] = []

    def note(self, request: Request) -> None:
        """Keep a request for the test to look at."""
        with self._lock:
            self.requests.append(request)

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()
        if error is None and self.errors:
            raise self.errors[0]

    def stop(self) -> None:
        """Close everything and wait for the threads."""
        self.stopping.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        # Closed under a thread that accepts, its descriptor could be another socket's by the time that it looks.
        self._threads[0].join(PATIENCE)
        self._listener.close()
        with self._lock:
            peers = list(self._peers)
        for peer in peers:
            with suppress(OSError):
                socket.socket.shutdown(peer.socket, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENCE)

    def wait_closed(self, open_now: int = 0) -> bool:
        """Wait until no more than so many connections are open; return whether it came to that."""
        until = time.monotonic() + PATIENCE
        while self.open > open_now and time.monotonic() < until:
            time.sleep(0.005)
        return self.open <= open_now

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self.stopping.is_set():
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.settimeout(PATIENCE)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                number = self.connections
                self.connections += 1
                self.open += 1
                self.max_open = max(self.max_open, self.open)
            self._start(self._serve, sock, number)

    def _serve(self, sock: socket.socket, number: int) -> None:
        peer = Peer(self, sock, number)
        try:
            if self._tls is not None:
                peer.socket = self._tls.wrap_socket(sock, server_side=True)
            with self._lock:
                self._peers.add(peer)
            peer.run(self._scripts[min(number, len(self._scripts) - 1)])
        except (Closed, OSError):
            pass
        except BaseException as error:
            self.errors.append(error)
        finally:
            with self._lock:
                self._peers.discard(peer)
            peer.close()
            with suppress(OSError):
                sock.close()
            with self._lock:
                self.open -= 1
