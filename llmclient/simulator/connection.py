"""One connection: reads requests off a socket and writes replies to it, well or badly as asked."""

from __future__ import annotations

import contextlib
import http
import os
import socket
import struct
import threading
import time

from llmclient.simulator.exchange import Failure, Reply, Request
from llmclient.simulator.faults import PATIENCE, Delivery

_READ = 1 << 16
_BATCH = 256
_MAX_HEAD = 1 << 16
_MAX_BODY = 256 << 20
_IDLE = 120.0
_HEARTBEAT = 0.05
_RESET = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
_STATUS = {int(status): f"HTTP/1.1 {status.value} {status.phrase}\r\nserver: llmclient-simulator\r\n" for status in http.HTTPStatus}
_USUAL = Delivery()


class Stopped(Exception):
    """The simulator was closed while an answer was under way."""


class Connection:
    """A socket that speaks HTTP/1.1 from the server's side."""

    def __init__(self, sock: socket.socket, closing: threading.Event) -> None:
        self._sock = sock
        self._closing = closing
        self._buffer = b""
        self._chunks = True
        self._head_only = False
        self.keep_alive = True
        """Whether another request may follow."""
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(_IDLE)

    def read(self, salt: bytes = b"") -> Request | None:
        """Return the next request, None when the client has no more. Raises Failure for what is no HTTP, OSError when the client is gone."""
        head = self._until(b"\r\n\r\n")
        if head is None:
            return None
        line, *fields = head.decode("latin-1").split("\r\n")
        try:
            method, target, version = line.split(" ")
        except ValueError:
            self.keep_alive = False
            raise Failure(400, "The request line is malformed.") from None
        headers = _headers(fields)
        self._chunks = version == "HTTP/1.1"
        self._head_only = method == "HEAD"
        wish = headers.get("connection", "").lower()
        self.keep_alive = "keep-alive" in wish if version == "HTTP/1.0" else "close" not in wish
        if target.startswith("http://"):
            target = "/" + target[7:].partition("/")[2]
        return Request(method, target, headers, self._body(headers), salt)

    def write(self, reply: Reply, delivery: Delivery = _USUAL) -> None:
        """Send a reply. Raises OSError when the client is gone, Stopped when the simulator is."""
        self._wait(delivery.delay)
        framed = reply.events is not None and self._chunks
        self.keep_alive = self.keep_alive and (framed or reply.events is None)
        head = self._head(reply, delivery, framed=framed)
        parts = [reply.body] if reply.events is None else [*reply.events, *reply.closing, *([reply.end] if reply.end else [])]
        if self._head_only:
            self._sock.sendall(head)
        elif delivery is _USUAL:
            self._send(head, parts, framed=framed)
        else:
            self._sock.sendall(head)
            self._send_slowly(parts, delivery, framed=framed)
            if delivery.hang:
                self._hang(delivery.heartbeat, framed=framed)
            elif framed:
                self._sock.sendall(b"0\r\n\r\n")

    def close(self) -> None:
        """Close the socket; the client sees the end of the connection even if a forked child still holds it."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()

    def abandon(self) -> None:
        """Close a forked child's copy of the socket, which leaves the connection alone."""
        self._sock.close()

    def shut(self) -> None:
        """Wake whoever reads or writes here, from another thread."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def _head(self, reply: Reply, delivery: Delivery, *, framed: bool) -> bytes:
        head = _STATUS.get(reply.status) or f"HTTP/1.1 {reply.status} Unknown\r\nserver: llmclient-simulator\r\n"
        head += f"content-type: {reply.content_type}\r\n"
        for name, value in reply.headers.items():
            head += f"{name}: {value}\r\n"
        if reply.events is None:
            head += f"content-length: {len(reply.body) if delivery.length is None else delivery.length}\r\n"
        elif framed:
            head += "transfer-encoding: chunked\r\n"
        return (head + ("\r\n" if self.keep_alive else "connection: close\r\n\r\n")).encode("latin-1")

    def _send(self, head: bytes, parts: list[bytes], *, framed: bool) -> None:
        if framed:
            parts = [_frame(part) for part in parts]
            parts.append(b"0\r\n\r\n")
        self._sock.sendall(b"".join((head, *parts[:_BATCH])))
        for start in range(_BATCH, len(parts), _BATCH):
            self._sock.sendall(b"".join(parts[start : start + _BATCH]))

    def _send_slowly(self, parts: list[bytes], delivery: Delivery, *, framed: bool) -> None:
        left = delivery.reset_after
        for index, part in enumerate(parts):
            self._wait(delivery.pace if index else 0.0)
            for piece in [part[i : i + 1] for i in range(len(part))] if delivery.drip else [part]:
                if left is not None and len(piece) > left:
                    self._sock.sendall(_frame(piece[:left]) if framed else piece[:left])
                    self._reset()
                left = None if left is None else left - len(piece)
                self._sock.sendall(_frame(piece) if framed else piece)
                self._wait(delivery.drip)
        if left is not None:
            self._reset()

    def _hang(self, heartbeat: bytes, *, framed: bool) -> None:
        """Say nothing, or nothing that matters, until the client or the simulator goes, or nobody has gone for long enough."""
        self.keep_alive = False
        deadline = time.monotonic() + PATIENCE
        while (left := deadline - time.monotonic()) > 0:
            self._sock.settimeout(min(left, _HEARTBEAT) if heartbeat else left)
            try:
                if not self._sock.recv(_READ):
                    return
            except TimeoutError:
                if heartbeat:
                    self._sock.sendall(_frame(heartbeat) if framed else heartbeat)

    def _reset(self) -> None:
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._sock.close()
        raise ConnectionResetError("the connection was reset on purpose")

    def _wait(self, seconds: float) -> None:
        if seconds and self._closing.wait(seconds):
            raise Stopped

    def _until(self, end: bytes) -> bytes | None:
        """Return what comes before `end` and drop `end`; None when nothing comes."""
        while True:
            if end in self._buffer:
                found, _, self._buffer = self._buffer.partition(end)
                return found
            if len(self._buffer) > _MAX_HEAD:
                self.keep_alive = False
                raise Failure(431, "The headers are too large.")
            if not self._fill():
                return None

    def _fill(self) -> bool:
        data = self._sock.recv(_READ)
        self._buffer += data
        return bool(data)

    def _body(self, headers: dict[str, str]) -> bytes:
        if headers.get("expect", "").lower() == "100-continue":
            self._sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if "chunked" in headers.get("transfer-encoding", "").lower():
            return self._chunked()
        length = headers.get("content-length", "0")
        if not length.isascii() or not length.isdigit():
            self.keep_alive = False
            raise Failure(400, "Content-Length is malformed.")
        return self._exactly(int(length))

    def _chunked(self) -> bytes:
        chunks: list[bytes] = []
        while True:
            line = self._until(b"\r\n") or b""
            try:
                size = int(line.partition(b";")[0], 16)
            except ValueError:
                self.keep_alive = False
                raise Failure(400, "A chunk's size is malformed.") from None
            if size == 0:
                while self._until(b"\r\n"):
                    pass
                return b"".join(chunks)
            chunks.append(self._exactly(size + 2)[:-2])

    def _exactly(self, size: int) -> bytes:
        if size > _MAX_BODY:
            self.keep_alive = False
            raise Failure(413, "The body is too large.")
        parts, have = [self._buffer], len(self._buffer)
        while have < size:
            data = self._sock.recv(min(size - have, 1 << 20))
            if not data:
                raise ConnectionResetError("the client left in the middle of a request")
            parts.append(data)
            have += len(data)
        body = b"".join(parts)
        self._buffer = body[size:]
        return body[:size]


def _headers(fields: list[str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for field in fields:
        name, _, value = field.partition(":")
        name = name.lower()
        headers[name] = f"{headers[name]}, {value.strip()}" if name in headers else value.strip()
    return headers


def _frame(part: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(part), part)
