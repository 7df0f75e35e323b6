"""http.client's parser, reading within the limits of a call.

What nearly every answer looks like takes a short way: a head that has come in one piece and is plain, and chunks that
are in hand. Anything else is left to http.client, which reads the same from it (a test holds the two together).
"""

from __future__ import annotations

import http
import http.client
import io
import math
import re
from typing import TYPE_CHECKING, Any, cast

from llmclient.deadline import LONGEST_WAIT

if TYPE_CHECKING:
    import socket

    from llmclient.deadline import Call

BUFFER = 64 * 1024
"""Bytes that one read may take from the socket ahead of what was asked for."""
SLACK = 0.05
"""Seconds by which a socket's timeout may be off before it is set again, which is a system call."""

_NAME = r"[-!#$%&'*+.^_`|~0-9A-Za-z]+"
_PLAIN_HEAD = re.compile(rf"HTTP/1\.1 ([2-9][0-9][0-9])(?: ([ -~]*))?\r\n((?:{_NAME}:[ -~]*\r\n)*)\r\n")
_FIELD = re.compile(r"([^:]+): *([^\r]*)\r\n")
_MOST_FIELDS = 99
"""What http.client allows."""
_FRAMING = frozenset({"connection", "content-length", "transfer-encoding"})
_FRAMING_LENGTHS = frozenset(map(len, _FRAMING))


class Wire(io.RawIOBase):
    """The bytes that come over one connection for one answer. The only place that waits for them."""

    def __init__(self, sock: Any, call: Call) -> None:
        self._socket = sock
        self._call = call
        # Holds the descriptor open until the answer has been read, also when http.client closes the connection before.
        self._hold = sock.makefile("rb", buffering=0)
        armed = sock.gettimeout()
        self._armed: float = LONGEST_WAIT if armed is None else armed
        self._quiet = call.timeout.read is not None
        self.count = 0
        self.ended = False
        """Whether the server has closed its side."""

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
        quiet_at = call.quiet_limit() if self._quiet else math.inf
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
            self.ended = not count
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

    def __init__(self, fields: list[tuple[str, str]]) -> None:
        super().__init__()
        self._headers = fields

    def items(self) -> list[tuple[str, str]]:
        """Return names and values as they came."""
        return self._headers.copy()


class Answer(http.client.HTTPResponse):
    """One answer: its head, its framing, and the way to its body."""

    fp: io.BufferedReader | None  # type: ignore[assignment]  # typeshed leaves out that it becomes None
    length: int | None
    chunk_left: int | None
    _method: str | None

    def __init__(self, sock: Any, debuglevel: int = 0, method: str | None = None, url: str | None = None, *, call: Call) -> None:
        self.wire = Wire(sock, call)
        self._call = call
        super().__init__(cast("socket.socket", self.wire), debuglevel, method, url)

    def begin(self) -> None:
        """Read the head; raises HTTPException for a framing that http.client would not notice that it cannot undo."""
        while not self._begin_plain():
            super().begin()
            if self.wire.ended:
                # http.client takes the end of the connection for the end of the head; a whole head is read without seeing it.
                raise http.client.IncompleteRead(b"")
            if self.status >= 200:
                self._check_coding()
                break
            if self.status == http.HTTPStatus.SWITCHING_PROTOCOLS:
                raise http.client.HTTPException("it switched to a protocol that was not asked for")
            # http.client passes over 100 only; taken for the answer, a hint that comes early leaves the answer to the next call.
            self.headers = self.msg = cast("Any", None)
        if self.length == 0:
            # Answers without a body may name the framing that one would have.
            self.chunked = False

    def _check_coding(self) -> None:
        coding = (self.headers.get("transfer-encoding") or "chunked").strip().lower()
        if coding not in ("chunked", "identity"):
            raise http.client.HTTPException(f"the transfer-encoding {coding!r} was not asked for")

    def _begin_plain(self) -> bool:
        """Read the head if it is in hand and plain; otherwise touch nothing and return False."""
        fp = self._reader()
        seen = fp.peek()
        end = seen.find(b"\r\n\r\n") + 4
        plain = _PLAIN_HEAD.fullmatch(seen[:end].decode("latin-1"))
        if plain is None:
            return False
        fields: list[tuple[str, str]] = _FIELD.findall(plain[3])
        framing = [(name.lower(), value) for name, value in fields if len(name) in _FRAMING_LENGTHS]
        if len(fields) > _MOST_FIELDS or not self._frame(int(plain[1]), [each for each in framing if each[0] in _FRAMING]):
            return False
        fp.read(end)
        self.version = 11
        self.code = self.status = int(plain[1])
        self.reason = (plain[2] or "").strip()
        self.headers = self.msg = Head(fields)
        return True

    def _frame(self, status: int, framing: list[tuple[str, str]]) -> bool:
        """Work out how the body ends, as http.client does; return False for what only http.client should read."""
        closes, chunked, length = False, False, None
        names = [name for name, _ in framing]
        for name, value in framing:
            if name == "connection":
                closes = "close" in value.lower()
            elif name == "content-length" and value.isdigit():
                length = int(value)
            elif name == "transfer-encoding" and value.lower() == "chunked":
                chunked = True
            else:
                return False
        if len(names) != len(set(names)) or (chunked and length is not None):
            return False
        self.chunked = chunked
        self.chunk_left = None
        self.length = 0 if status in (204, 304) or self._method == "HEAD" else length
        self.will_close = closes or not (chunked or self.length is not None)
        return True

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
        fp, left = self._reader(), self.chunk_left
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
            if end < 0 or (left == 0 and seen[at:start] != b"\r\n"):
                break
            size = _size(seen[start:end])
            if not size:
                break
            left, at = size, end + 2
        if not parts:
            return b""
        if left == 0 and seen[at : at + 2] == b"\r\n":
            left, at = None, at + 2
        fp.read(at)
        self.chunk_left = left
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _read_next_chunk_size(self) -> int:
        size = cast("int", super()._read_next_chunk_size())  # type: ignore[misc]  # typeshed leaves it out
        if size < 0:
            raise ValueError("a negative chunk size")
        return size

    def _close_conn(self) -> None:
        """End the answer: called by http.client at the end of the body, and whenever it gives up."""
        fp = self.fp
        if fp is None:
            return
        # A proxy's answer to CONNECT is read without headers, and the connection stays the call's.
        if cast("Any", self.headers) is not None:
            self._call.detach()
        if self.wire.count != fp.tell():
            self.wire.discard()
        super()._close_conn()  # type: ignore[misc]  # typeshed leaves it out

    def _reader(self) -> io.BufferedReader:
        assert self.fp is not None
        return self.fp


def _size(text: bytes) -> int:
    """Return a chunk's size; 0 for the last one and for what is no plain number, both of which are left to http.client."""
    if not text.isalnum():
        return 0
    try:
        return int(text, 16)
    except ValueError:
        return 0
