"""urllib3 connection pools that keep the promises of a `Call`: its limits, its cancellation, and clean connections.

Only what runs under a Call is changed; with any other timeout these pools behave as urllib3's do.
"""

from __future__ import annotations

import functools
import http.client
import io
import queue
import re
import socket
import threading
from collections.abc import Iterator, Mapping
from typing import Any, cast

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ClosedPoolError, EmptyPoolError, ProtocolError
from urllib3.response import HTTPResponse
from urllib3.util.connection import allowed_gai_family, is_connection_dropped
from urllib3.util.ssl_ import is_ipaddress

from llmclient.deadline import LONGEST_WAIT, Call
from llmclient.idle import IdleConnections

BUFFER = 64 * 1024
"""Bytes that one read may take from the socket ahead of what was asked for."""
SLACK = 0.05
"""Seconds by which a socket's timeout may be off before it is set again, which is a system call."""
PIECE = 16 * 1024
"""Bytes of a TLS upload that go under one timeout: one record."""



def _keepalive() -> list[tuple[int, int, int]]:
    """Return urllib3's own option, which ours would replace, and those that make a dead peer noticed within two minutes."""
    options = [*HTTPConnection.default_socket_options, (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    for name, value in (("TCP_KEEPIDLE", 60), ("TCP_KEEPALIVE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4)):
        if hasattr(socket, name) and not (name == "TCP_KEEPALIVE" and hasattr(socket, "TCP_KEEPIDLE")):
            options.append((socket.IPPROTO_TCP, getattr(socket, name), value))
    return options  # type: ignore[return-value]  # urllib3 allows bytes too


SOCKET_OPTIONS = _keepalive()

Connection = HTTPConnection | HTTPSConnection


class Wire(io.RawIOBase):
    """The bytes that come over one connection for one answer. The only place that waits for them."""

    def __init__(self, sock: Any, call: Call) -> None:
        self._socket = sock
        self._call = call
        # Holds the descriptor open until the answer has been read, also when http.client closes the connection before.
        self._hold = sock.makefile("rb", buffering=0)
        armed = sock.gettimeout()
        self._armed: float = LONGEST_WAIT if armed is None else armed
        self.count = 0

    def makefile(self, mode: str) -> io.BufferedReader:
        """Return the reader that http.client reads from."""
        return io.BufferedReader(self, BUFFER)

    def readable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return how many bytes have come."""
        return self.count

    def readinto(self, buffer: Any) -> int:
        """Wait for bytes, within the limits of the call; whatever comes after cancelling is not handed on."""
        call, sock = self._call, self._socket
        quiet_at = call.quiet_limit()
        while True:
            left = call.left(quiet_at)
            if not -SLACK < self._armed - left < SLACK:
                sock.settimeout(left)
                self._armed = left
            try:
                count: int = sock.recv_into(buffer)
            except TimeoutError as error:
                if error.errno is not None:
                    raise
                # The clock decides, not the socket, whose timeout may be a little off.
                continue
            if call.cancelled:
                raise ConnectionAbortedError("the call was closed")
            self.count += count
            call.received += count
            return count

    def close(self) -> None:
        """Let go of the socket."""
        if not self.closed:
            self._hold.close()
        super().close()

    def discard(self) -> None:
        """Close the connection: it holds bytes that belong to no request."""
        self._socket.close()


class Head(http.client.HTTPMessage):
    """Header fields that are known to be plain, which email's parser and policies need not look at again."""

    def items(self) -> list[tuple[str, str]]:  # type: ignore[override]  # urllib3 takes a list, and so does email's own
        """Return names and values as they came."""
        return list(self.raw_items())


@functools.lru_cache(maxsize=1024)
def _is_token(name: str) -> bool:
    return re.fullmatch(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+", name) is not None


class Answer(http.client.HTTPResponse):
    """http.client's parser, reading within the limits of a call.

    A head that has come in one piece and is as plain as nearly all are is split here, which takes a fifth of the time
    that email's parser needs; anything unusual in it is left to http.client.
    """

    fp: io.BufferedReader | None  # type: ignore[assignment]  # typeshed leaves out that it becomes None
    length: int | None

    def __init__(self, sock: Any, debuglevel: int = 0, method: str | None = None, url: str | None = None, *, call: Call) -> None:
        self.wire = Wire(sock, call)
        self._call = call
        super().__init__(cast("socket.socket", self.wire), debuglevel, method, url)

    def begin(self) -> None:
        """Read the head; raises HTTPException for a framing that http.client would not notice that it cannot undo."""
        if self.headers is None and not self._begin_plain():
            super().begin()
            coding = (self.headers.get("transfer-encoding") or "chunked").strip().lower()
            if coding not in ("chunked", "identity"):
                raise http.client.HTTPException(f"the transfer-encoding {coding!r} was not asked for")

    def _begin_plain(self) -> bool:
        """Read the head if it is in hand and plain; otherwise touch nothing and return False."""
        fp = self.fp
        assert fp is not None
        seen = fp.peek()
        end = seen.find(b"\r\n\r\n")
        if end < 0 or not seen.startswith(b"HTTP/1.1 "):
            return False
        lines = seen[:end].decode("latin-1").split("\r\n")
        head = _plain_head(lines)
        if head is None:
            return False
        fp.read(end + 4)
        self._frame(lines[0], head)
        return True

    def _frame(self, status_line: str, head: Head) -> None:
        """Set what http.client sets once it has read a head."""
        self.version = 11
        self.code = self.status = int(status_line[9:12])
        self.reason = status_line[13:].strip()
        self.headers = self.msg = head
        self.chunked = head.get("transfer-encoding") is not None
        self.chunk_left = None
        length = head.get("content-length")
        self.length = int(length) if length is not None and not self.chunked else None
        if self.status in (204, 304) or self._method == "HEAD":
            self.length = 0
        connection = head.get("connection")
        self.will_close = (connection is not None and "close" in connection.lower()) or (not self.chunked and self.length is None)

    def read_ready(self) -> bytes:
        """Return what is in hand of the body, waiting only while that is nothing; b"" at its end.

        Raises IncompleteRead when the connection ends before the body does.
        """
        data = self._take_chunks() if self.chunked and self.fp is not None else b""
        if data:
            return data
        data = self.read1(BUFFER)
        if self.length == 0:
            # Before Python 3.13 http.client does not notice here that this was all.
            self._close_conn()
        elif not data and self.length is not None:
            raise http.client.IncompleteRead(b"", self.length)
        return data

    def _take_chunks(self) -> bytes:
        """Return the data of all chunks that are in hand; borders that are not plain or not all here are left to http.client."""
        fp, left = self.fp, self.chunk_left
        assert fp is not None
        seen = fp.peek()
        parts: list[bytes] = []
        at = 0
        while True:
            if left:
                part = seen[at : at + left]
                at += len(part)
                left -= len(part)
                parts.append(part)
                if left or not part:
                    break
            start = at if left is None else at + 2
            end = seen.find(b"\r\n", start)
            size = seen[start:end]
            if end < 0 or not size.isalnum() or seen[at:start] not in (b"", b"\r\n"):
                break
            ahead = _hexadecimal(size)
            if not ahead:
                break
            left, at = ahead, end + 2
        if not parts:
            return b""
        if left == 0 and seen[at : at + 2] == b"\r\n":
            left, at = None, at + 2
        fp.read(at)
        self.chunk_left = left
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _read_next_chunk_size(self) -> int:
        size: int = super()._read_next_chunk_size()  # type: ignore[misc]  # typeshed leaves it out
        if size < 0:
            raise ValueError("a negative chunk size")
        return size

    def _close_conn(self) -> None:
        fp = self.fp
        if fp is None:
            return
        # A proxy's answer to CONNECT is read without headers, and the connection stays the call's.
        if self.headers is not None:
            self._call.detach()
        if self.wire.count != fp.tell():
            self.wire.discard()
        super()._close_conn()  # type: ignore[misc]  # typeshed leaves it out


def _plain_head(lines: list[str]) -> Head | None:
    """Return the header fields if http.client would read the same: final status, ASCII, tokens, one framing; else None."""
    first = lines[0]
    status = first[9:12]
    if not (status.isdigit() and "200" <= status <= "999" and first[12:13] in ("", " ") and "".join(lines).isascii() and "".join(lines).isprintable()):
        return None
    head = Head()
    framings = 0
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon or not _is_token(name):
            return None
        value = value.lstrip(" ")
        kind = name.lower()
        if kind == "content-length":
            framings += 1 if value.isdigit() else 2
        elif kind == "transfer-encoding":
            framings += 1 if value.lower() == "chunked" else 2
        head.set_raw(name, value)
    return head if framings <= 1 and len(lines) <= _MAX_LINES else None


_MAX_LINES = 100
"""Header fields that http.client allows."""


def _hexadecimal(size: bytes) -> int:
    """Return a chunk's size, 0 if it is none, which http.client then tells."""
    try:
        return int(size, 16)
    except ValueError:
        return 0


class _Bounded(HTTPConnectionPool):
    """What the pools for http and https have in common."""

    QueueCls = IdleConnections  # type: ignore[assignment]  # it has all that urllib3 uses of a queue

    def urlopen(self, method: str, url: str, body: Any = None, headers: Mapping[str, str] | None = None, *args: Any, **options: Any) -> Any:
        """Send one request and return the answer once its head has come; under a Call, one that went stale while idle is sent again."""
        call = options.get("timeout")
        if not isinstance(call, Call):
            return super().urlopen(method, url, body, headers, *args, **options)
        try:
            return self._attempt(call, method, url, body, headers or {}, options)
        except (OSError, ProtocolError) as error:
            if not _is_stale(error, call):
                raise
        self._idle().clear()
        return self._attempt(call, method, url, body, headers or {}, options, fresh=True)

    def _attempt(self, call: Call, method: str, url: str, body: Any, headers: Mapping[str, str], options: Mapping[str, Any], fresh: bool = False) -> Any:
        conn = self._lease(call, fresh)
        try:
            self._open(conn, call, url)
            return self._converse(conn, call, method, url, body, headers, bool(options.get("chunked")))
        except http.client.HTTPException as error:
            self._abandon(conn, call)
            if isinstance(error, OSError):
                raise
            raise ProtocolError("Connection aborted.", error) from error
        except BaseException:
            self._abandon(conn, call)
            raise

    def _abandon(self, conn: Connection, call: Call) -> None:
        call.detach()
        conn.close()
        self._put_conn(None)

    def _lease(self, call: Call, fresh: bool) -> Connection:
        conn = self._get_conn(call)  # type: ignore[arg-type]  # a Call stands for its own pool timeout
        if fresh and not conn.is_closed:
            conn.close()
            conn = self._new_conn()
        return cast("Connection", conn)

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

    def _take(self, timeout: Call | float | None) -> HTTPConnection | None:
        call = timeout if isinstance(timeout, Call) else None
        seconds = call.pool_seconds() if call is not None else cast("float | None", timeout)
        try:
            return self._idle().get(self.block, seconds, call)
        except queue.Empty:
            if call is not None:
                raise call.trip("total" if call.remaining() <= 0 else "pool") from None
            if not self.block:
                return None
        raise EmptyPoolError(self, "Pool is empty and a new connection can't be opened due to blocking mode.")

    def _is_usable(self, conn: Any) -> bool:
        """Whether a pooled connection is of the current class (test tools swap it), open, and silent."""
        if not isinstance(conn, self.ConnectionCls):
            return False
        sock = conn.sock
        return sock is None or not (_pending(sock) or is_connection_dropped(conn))

    def _put_conn(self, conn: Any) -> None:
        if conn is not None and (conn.sock is None or conn.sock.fileno() < 0):
            conn.close()
            conn = None
        super()._put_conn(conn)

    def _open(self, conn: Any, call: Call, url: str) -> None:
        """Connect, if the connection is new."""
        call.reused = not conn.is_closed
        conn.response_class = functools.partial(Answer, call=call)
        if not call.reused:
            self._connect(conn, call, url)
        call.attach(conn.sock)

    def _connect(self, conn: Any, call: Call, url: str) -> None:
        call.begin_connect()
        conn.timeout = call.left()
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
            call.end_connect()

    def _converse(self, conn: Any, call: Call, method: str, url: str, body: Any, headers: Mapping[str, str], chunked: bool) -> HTTPResponse:
        self._validate_conn(conn)
        conn.timeout = call.left()
        if self.proxy_headers and not url.startswith("/"):
            headers = {**headers, **self.proxy_headers}
        try:
            conn.request(method, url, body=_pieces(conn, call, body), headers=headers, chunked=chunked, preload_content=False, decode_content=False)
        except TimeoutError:
            call.left()
            raise
        except OSError:
            # The server may have answered before it had read everything; if not, reading fails likewise.
            if call.cancelled or conn.sock is None:
                raise
        response: HTTPResponse = conn.getresponse()
        conn.response_class = http.client.HTTPResponse
        response._connection = conn
        response._pool = self
        return response


class HTTPPool(_Bounded):
    """Plain connections to one host."""


class HTTPSPool(_Bounded, HTTPSConnectionPool):  # type: ignore[misc]  # the two parents type ConnectionCls differently
    """TLS connections to one host."""


POOLS = {"http": HTTPPool, "https": HTTPSPool}


def _is_stale(error: BaseException, call: Call) -> bool:
    """Whether a connection failed in a way that only says that it had been closed while it was idle."""
    return call.reused and not call.received and not isinstance(error, TimeoutError) and call.verdict() is None


def _pending(sock: Any) -> bool:
    """Whether the TLS layer holds decrypted bytes that nobody has read."""
    pending = getattr(getattr(sock, "sslobj", sock), "pending", None)
    return pending is not None and pending() > 0


def _pieces(conn: Any, call: Call, body: Any) -> Any:
    """Return the body so that sending it is bounded as a whole: a TLS socket applies its timeout to each record."""
    if not isinstance(body, bytes) or len(body) <= PIECE or not isinstance(conn, HTTPSConnection):
        return body
    return _armed(conn, call, memoryview(body))


def _armed(conn: HTTPSConnection, call: Call, body: memoryview) -> Iterator[memoryview]:
    for start in range(0, len(body), PIECE):
        conn.sock.settimeout(call.left())
        yield body[start : start + PIECE]


def dial(conn: Connection, call: Call) -> socket.socket:
    """Connect to the first address that answers, within the call's limit for connecting."""
    addresses = _resolve(conn, call)
    failure: OSError = OSError("the name has no address")
    for index, (family, kind, proto, _, address) in enumerate(addresses):
        sock = socket.socket(family, kind, proto)
        try:
            for option in conn.socket_options or ():
                sock.setsockopt(*option)
            # Each address gets a fair share, so that one that swallows packets leaves time for the next.
            sock.settimeout(call.left() / (len(addresses) - index))
            call.attach(sock)
            if conn.source_address:
                sock.bind(conn.source_address)
            sock.connect(address)
            return _connected(conn, call, sock)
        except OSError as error:
            sock.close()
            call.left()
            failure = error
    raise failure


def _connected(conn: Connection, call: Call, sock: socket.socket) -> socket.socket:
    sock.settimeout(call.left())
    if isinstance(conn, HTTPSConnection):
        # Wrapping takes the descriptor away from `sock`; a duplicate lets `cancel` end the handshake too.
        call.attach(_Handle(sock.dup()))
    return sock


class _Handle:
    """A duplicate of a socket, closed when it is forgotten."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock

    def fileno(self) -> int:
        """Return the descriptor."""
        return self.socket.fileno()

    def __del__(self) -> None:
        self.socket.close()


class _Lookup(threading.Event):
    """A name being looked up in a thread of its own, since the system's resolver takes no timeout."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__()
        self.found: list[Any] = []
        self.error: Exception | None = None
        self._target = (host, port)

    def run(self) -> None:
        """Look the name up, and wake whoever waits."""
        try:
            self.found = socket.getaddrinfo(*self._target, allowed_gai_family(), socket.SOCK_STREAM)
        except Exception as error:  # noqa: BLE001  # whatever the resolver raises is raised again in the thread that waits
            self.error = error
        self.set()


def _resolve(conn: Connection, call: Call) -> list[Any]:
    host = conn._dns_host.strip("[]")
    lookup = _Lookup(host, conn.port)
    if is_ipaddress(host):
        lookup.run()
    else:
        threading.Thread(target=lookup.run, name=f"llmclient lookup of {host}", daemon=True).start()
        while not call.wait(lookup, call.left()):
            pass
    if call.cancelled:
        raise ConnectionAbortedError("the call was closed")
    if lookup.error is not None:
        raise lookup.error
    return lookup.found
