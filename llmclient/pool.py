"""urllib3 connection pools that keep the promises of a `Call`: its limits, its cancellation, and clean connections.

Only what runs under a Call is changed; with any other timeout these pools behave as urllib3's do.
"""

from __future__ import annotations

import functools
import http.client
import queue
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, cast

from urllib3._collections import HTTPHeaderDict
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ClosedPoolError, EmptyPoolError, ProtocolError
from urllib3.response import HTTPResponse
from urllib3.util.connection import is_connection_dropped

from llmclient.deadline import Call
from llmclient.dialer import dial
from llmclient.head import is_watched, write_head
from llmclient.idle import IdleConnections
from llmclient.parser import SLACK, Answer

PIECE = 16 * 1024
"""Bytes of a TLS upload that go under one timeout: one record."""


class _Request(NamedTuple):
    """What is to be sent, as urllib3's pools are told."""

    method: str
    url: str
    body: Any
    headers: Mapping[str, str]
    chunked: bool


class _Bounded(HTTPConnectionPool):
    """What the pools for http and https have in common."""

    QueueCls = IdleConnections  # type: ignore[assignment]  # it has all that urllib3 uses of a queue
    _written: str | None = None
    """The host as urllib3 writes it in a request, once it has written one."""

    def urlopen(self, method: str, url: str, body: Any = None, headers: Mapping[str, str] | None = None, *args: Any, **options: Any) -> Any:
        """Send one request and return the answer once its head has come; under a Call, one that went stale while idle is sent again."""
        call = options.get("timeout")
        if not isinstance(call, Call):
            return super().urlopen(method, url, body, headers, *args, **options)
        request = _Request(method, url, body, headers or {}, bool(options.get("chunked")))
        try:
            return self._attempt(call, request)
        except (OSError, ProtocolError) as error:
            if not _is_stale(error, call):
                raise
        self._idle().clear()
        return self._attempt(call, request, fresh=True)

    def _attempt(self, call: Call, request: _Request, *, fresh: bool = False) -> HTTPResponse:
        conn = self._lease(call, fresh)
        try:
            self._open(conn, call, request.url)
            head = self._head(conn, request)
            self._send(conn, call, request, head)
            return self._receive(conn, call) if head is None else self._read_answer(conn, call, request)
        except http.client.HTTPException as error:
            self._abandon(conn, call)
            if isinstance(error, OSError):
                raise
            raise ProtocolError("Connection aborted.", error) from error
        except BaseException:
            self._abandon(conn, call)
            raise

    def _abandon(self, conn: Any, call: Call) -> None:
        call.detach()
        conn.close()
        self._put_conn(None)

    def _lease(self, call: Call, fresh: bool) -> Any:
        conn = self._get_conn(call)
        if fresh and not conn.is_closed:
            conn.close()
            conn = self._new_conn()
        return conn

    def _get_conn(self, timeout: Call | float | None = None) -> Any:
        conn = self._take(timeout)
        try:
            if conn is not None and not self._is_usable(conn):
                conn.close()
                conn = None
            return conn or self._new_conn()
        except BaseException:
            self._put_conn(None)
            raise

    def _idle(self) -> IdleConnections:
        if self.pool is None:
            raise ClosedPoolError(self, "Pool is closed.")
        return cast("IdleConnections", self.pool)

    def _take(self, timeout: Call | float | None) -> Any:
        try:
            if isinstance(timeout, Call):
                return self._idle().get(self.block, timeout.pool_seconds(), timeout)
            return self._idle().get(self.block, timeout)
        except queue.Empty:
            if isinstance(timeout, Call):
                raise timeout.trip("total" if timeout.remaining() <= 0 else "pool") from None
        if not self.block:
            return None
        raise EmptyPoolError(self, "Pool is empty and a new connection can't be opened due to blocking mode.")

    def _is_usable(self, conn: Any) -> bool:
        """Whether a pooled connection is of the current class (test tools swap it), open, and silent."""
        current: type = self.ConnectionCls
        if not issubclass(type(conn), current):
            return False
        return conn.sock is None or not (is_pending(conn.sock) or is_connection_dropped(conn))

    def _put_conn(self, conn: Any) -> None:
        if conn is not None and (conn.sock is None or conn.sock.fileno() < 0):
            conn.close()
            conn = None
        super()._put_conn(conn)

    def _open(self, conn: Any, call: Call, url: str) -> None:
        """Connect, if the connection is new."""
        call.reused = not conn.is_closed
        if not call.reused:
            self._connect(conn, call, url)
        call.attach(conn.sock)
        self._validate_conn(conn)

    def _connect(self, conn: Any, call: Call, url: str) -> None:
        call.begin_connect()
        conn.timeout = call.left()
        # A proxy's answer to CONNECT is read by it, too, within the limits.
        conn.response_class = functools.partial(Answer, call=call)
        # Test tools bring connections of their own, which are left to connect as they like.
        if type(conn) in (HTTPConnection, HTTPSConnection):
            conn._new_conn = functools.partial(dial, conn, call)
        try:
            if self.proxy is not None and self.scheme == "https" and url.startswith("/"):
                self._prepare_proxy(conn)
            else:
                conn.connect()
        except TimeoutError:
            call.left()
            raise
        finally:
            conn.__dict__.pop("_new_conn", None)
            conn.response_class = http.client.HTTPResponse
            call.end_connect()

    def _head(self, conn: Any, request: _Request) -> bytes | None:
        """Return the head of a short request, to be sent together with its body; None where http.client should write it."""
        body = request.body
        if self._written is None or type(body) is not bytes or len(body) > PIECE or type(conn) not in _OWN or is_watched(conn):
            return None
        return write_head(request.method, request.url, self._written, request.headers, len(body))

    def _send(self, conn: Any, call: Call, request: _Request, head: bytes | None) -> None:
        left = call.left()
        try:
            if head is not None:
                _arm(conn.sock, left)
                conn.sock.sendall(head + request.body)
            else:
                conn.timeout = left
                conn.response_class = functools.partial(Answer, call=call)
                self._request(conn, call, request)
        except TimeoutError:
            call.left()
            raise
        except OSError:
            # The server may have answered before it had read everything; if not, reading fails likewise.
            if call.cancelled or conn.sock is None:
                raise

    def _request(self, conn: Any, call: Call, request: _Request) -> None:
        """Let http.client write a request; learns from it how the host is written."""
        method, url, body, headers, chunked = request
        if self.proxy_headers and not url.startswith("/"):
            headers = {**headers, **self.proxy_headers}
        if type(conn) in _OWN and isinstance(body, bytes) and len(body) <= PIECE:
            written = _send_at_once(conn, method, url, body, headers)
            if "host" not in headers:
                self._written = written
        else:
            conn.request(method, url, body=_pieces(conn, call, body), headers=headers, chunked=chunked, preload_content=False, decode_content=False)

    def _receive(self, conn: Any, call: Call) -> HTTPResponse:
        """Let http.client read the head of an answer."""
        response: HTTPResponse = conn.getresponse()
        conn.response_class = http.client.HTTPResponse
        response._connection = conn
        response._pool = self
        call.answer = response
        return response

    def _read_answer(self, conn: Any, call: Call, request: _Request) -> HTTPResponse:
        """Read the head of an answer as `getresponse` does, without what it does for others."""
        sock = conn.sock
        answer = Answer(sock, method=request.method, call=call)
        try:
            answer.begin()
        except BaseException:
            answer.close()
            raise
        if answer.will_close:
            conn.close()
        call.answer = HTTPResponse(
            body=answer,
            headers=collect(answer.msg.items()),
            status=answer.status,
            version=answer.version,
            version_string=conn._http_vsn_str,
            reason=answer.reason,
            preload_content=False,
            decode_content=False,
            original_response=answer,
            pool=self,
            connection=conn,
            request_method=request.method,
            request_url=request.url,
            sock_shutdown=getattr(sock, "shutdown", None),
        )
        return call.answer


class HTTPPool(_Bounded):
    """Plain connections to one host."""


class HTTPSPool(_Bounded, HTTPSConnectionPool):
    """TLS connections to one host."""


_HOST_FIELD = re.compile(rb"[A-Z]+ /[^\r\n]*\r\nHost: ([^\r\n]*)\r\n")
_OWN = (HTTPConnection, HTTPSConnection)
"""urllib3's own connections; test tools bring others, which send as they like."""

POOLS: dict[str, type[HTTPConnectionPool]] = {"http": HTTPPool, "https": HTTPSPool}


def collect(fields: Iterable[tuple[str, str]]) -> HTTPHeaderDict:
    """Return fields as urllib3 keeps them, which takes it a few steps for each."""
    headers = HTTPHeaderDict()
    known = headers._container
    for name, value in fields:
        lower = name.lower()
        if lower in known:
            headers.add(name, value)
        else:
            known[lower] = [name, value]
    return headers


def drop(response: HTTPResponse) -> None:
    """Close an answer's connection, if it still has one, and free the slot."""
    conn = response._connection
    if conn is not None:
        conn.close()
    if response._fp is not None:
        response._fp.close()
    response.release_conn()


def is_pending(sock: Any) -> bool:
    """Whether the TLS layer holds decrypted bytes that nobody has read."""
    pending = getattr(getattr(sock, "sslobj", sock), "pending", None)
    return pending is not None and pending() > 0


def _is_stale(error: BaseException, call: Call) -> bool:
    """Whether a connection failed in a way that only says that it had been closed while it was idle."""
    return call.reused and not call.received and not isinstance(error, TimeoutError) and call.verdict() is None


def _send_at_once(conn: Any, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> str | None:
    """Send head and body in one system call, and return the host that was written.

    http.client makes a system call for each, and every thread waits its turn twice.
    """
    parts: list[bytes] = []
    conn.send = parts.append
    try:
        conn.request(method, url, body=body, headers=headers, preload_content=False, decode_content=False)
    finally:
        del conn.send
    request = b"".join(parts)
    conn.send(request)
    host = _HOST_FIELD.match(request)
    return None if host is None else host[1].decode("latin-1")


def _arm(sock: Any, left: float) -> None:
    """Bound a socket's waits; the system call that this takes is left out where the bound is near enough."""
    armed: float | None = sock.gettimeout()
    if armed is None or not -SLACK < armed - left < SLACK:
        sock.settimeout(left)


def _pieces(conn: Any, call: Call, body: Any) -> Any:
    """Return the body so that sending it is bounded as a whole: a TLS socket applies its timeout to each record."""
    if not isinstance(body, bytes) or len(body) <= PIECE or not isinstance(conn, HTTPSConnection):
        return body
    return _armed(conn, call, memoryview(body))


def _armed(conn: Any, call: Call, body: memoryview) -> Iterator[memoryview]:
    for start in range(0, len(body), PIECE):
        conn.sock.settimeout(call.left())
        yield body[start : start + PIECE]
