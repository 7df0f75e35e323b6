"""Cuts incoming bytes into blocks of whole lines, in linear time and bounded memory."""

from __future__ import annotations

from llmclient.errors import ResponseParsingError

MAX_LINE = 64 << 20
"""Bytes in one line by default: room for an image inside an event."""

_BOM = b"\xef\xbb\xbf"


class LineBuffer:
    """Keeps the line that has no end yet; lines end with LF, and a byte order mark at the start is dropped."""

    __slots__ = ("_head", "_held", "is_empty", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.is_empty = False
        """Whether nothing is held and the start, where a byte order mark may be, has passed."""
        self._held = bytearray()
        self._head: bytes | None = b""

    def take(self, data: bytes) -> bytes | None:
        """Return the lines that `data` completes, without the last line's LF, or None when it completes none.

        What follows the last LF is kept. A line that is cut is never looked at twice.
        """
        if self._head is not None:
            data = self._skip_mark(data)
        cut = data.rfind(b"\n")
        if cut < 0:
            self._held += data
            self.is_empty = not self._held and self._head is None
            return None
        if self._held:
            block = b"".join((self._held, memoryview(data)[:cut]))
            self._held = bytearray()
        else:
            block = data[:cut]
        self.is_empty = cut + 1 == len(data)
        if not self.is_empty:
            self._held += memoryview(data)[cut + 1 :]
        return block

    def rest(self) -> bytes:
        """Return the last line, which had no end, and forget it."""
        line = (self._head or b"") + self._held
        self._head = None
        self._held = bytearray()
        return line

    @property
    def is_full(self) -> bool:
        """Whether the line without an end is already too long."""
        return len(self._held) > self.limit

    def _skip_mark(self, data: bytes) -> bytes:
        head = (self._head or b"") + data
        if len(head) < len(_BOM) and _BOM.startswith(head):
            self._head = head
            return b""
        self._head = None
        return head.removeprefix(_BOM)


def too_long(what: str, limit: int) -> ResponseParsingError:
    """Return the error of a line or an event that outgrew its limit."""
    return ResponseParsingError("llmclient", f"{what} is longer than {limit} bytes")
