"""Server-sent events, decoded from bytes as they come.

The result never depends on how the bytes are split. Lines end with CR, LF or CRLF; a byte order mark is dropped at the start
only; comments, unknown fields and `retry` are read over. In two points this is not a browser's reading of events: an event
whose data is empty is swallowed (servers send such as heartbeats), and an event without its closing blank line at the end
of the body is delivered.
"""

from __future__ import annotations

from typing import Generic, NamedTuple, TypeVar

from llmclient.errors import ResponseParsingError
from llmclient.wire.lines import MAX_LINE, LineBuffer, too_long

T = TypeVar("T")


class Event(NamedTuple):
    """One event with its name."""

    event: str
    """The event's name, "" when it has none."""
    data: bytes
    """The data lines, joined by LF; never empty."""
    id: str
    """The last id seen so far, "" when none was."""


class _Decoder(Generic[T]):
    """What both decoders share: line ends, fields, limits."""

    __slots__ = ("_after_cr", "_counted", "_data", "_error", "_id", "_lines", "_name", "_size")

    def __init__(self, max_line: int = MAX_LINE) -> None:
        self._lines = LineBuffer(max_line)
        self._after_cr = False
        self._data: list[bytes] = []
        self._counted = 0
        self._size = 0
        self._name = ""
        self._id = ""
        self._error: ResponseParsingError | None = None

    def feed(self, data: bytes) -> list[T]:
        """Return the events that these bytes complete.

        Raises ResponseParsingError for a line, or an event's data, over `max_line` bytes. When events came before it in the
        same bytes, they are returned, and the next call raises.
        """
        if self._error is not None:
            raise self._error
        if self._after_cr or b"\r" in data:
            data = self._unify(data)
        block = self._lines.take(data)
        events = [] if block is None else self._read(block)
        return self._checked(events)

    def finish(self) -> list[T]:
        """The body has ended: return the event that lacks its closing blank line, if there is one. Raises as `feed` does."""
        if self._error is not None:
            raise self._error
        return self._checked(self._read(self._lines.rest() + b"\n"))

    def _read(self, block: bytes) -> list[T]:
        # Most blocks are too small to break a limit, which spares a look at each line.
        if len(block) + self._size + self._counted > self._lines.limit:
            return self._read_guarded(block)
        return self._read_lines(block.split(b"\n"))

    def _read_lines(self, lines: list[bytes]) -> list[T]:
        events: list[T] = []
        data = self._data
        for line in lines:
            if line.startswith(b"data: "):
                data.append(line[6:])
            elif line:
                self._field(line)
            else:
                if data:
                    value = data[0] if len(data) == 1 else b"\n".join(data)
                    data.clear()
                    self._counted = self._size = 0
                    if value:
                        events.append(self._event(value))
                self._name = ""
        if data:
            # Only what is new: an event of many lines is measured in linear time.
            self._size += sum(map(len, data[self._counted :]))
            self._counted = len(data)
        return events

    def _read_guarded(self, block: bytes) -> list[T]:
        events: list[T] = []
        limit = self._lines.limit
        for line in block.split(b"\n"):
            if self._error is None and len(line) > limit:
                self._error = too_long("a line of the event stream", limit)
            if self._error is not None:
                break
            events += self._read_lines([line])
            if self._size + self._counted - 1 > limit:
                self._error = too_long("an event's data", limit)
        return events

    def _field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        if value.startswith(b" "):
            value = value[1:]
        if name == b"data":
            self._data.append(value)
        elif name == b"event":
            self._name = value.decode("utf-8", "replace")
        elif name == b"id" and b"\0" not in value:
            self._id = value.decode("utf-8", "replace")

    def _event(self, data: bytes) -> T:
        raise NotImplementedError

    def _unify(self, data: bytes) -> bytes:
        """Make every line end an LF. An LF that follows the CR of the read before belongs to it."""
        if not data:
            return data
        if self._after_cr and data.startswith(b"\n"):
            data = data[1:]
        self._after_cr = data.endswith(b"\r")
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _checked(self, events: list[T]) -> list[T]:
        """Return the events; if there was a failure and none came before it, raise it. What is held is forgotten then."""
        if self._error is None and self._lines.is_full:
            self._error = too_long("a line of the event stream", self._lines.limit)
        if self._error is None:
            return events
        self._lines.rest()
        self._data.clear()
        if events:
            return events
        raise self._error


class SSEDecoder(_Decoder[bytes]):
    """Gives the data of each event, for dialects that do not need its name."""

    __slots__ = ()

    def feed(self, data: bytes) -> list[bytes]:
        """Return the data of the events that these bytes complete; see `_Decoder.feed` for the error."""
        # A read that holds whole events of the usual shape needs no buffer.
        if data.endswith(b"\n\n") and self._lines.is_empty and not self._data and not self._after_cr and self._error is None and b"\r" not in data:
            events = self._split(data, 2)
            if events is not None:
                return events
        return super().feed(data)

    def _event(self, data: bytes) -> bytes:
        return data

    def _read(self, block: bytes) -> list[bytes]:
        if not self._data and block.endswith(b"\n"):
            events = self._split(block, 1)
            if events is not None:
                return events
        return super()._read(block)

    def _split(self, block: bytes, ends: int) -> list[bytes] | None:
        """Return the events of a block in which each is one line of data and one blank line, as nearly every provider sends them.

        `ends` counts the LFs at the end, which are one or two. None when the block has any other shape.
        """
        if block.startswith(b"data: ") and len(block) <= self._lines.limit:
            events = block[6:-ends].split(b"\n\ndata: ")
            if block.count(b"\n") == 2 * len(events) - 2 + ends and all(events):
                return events
        return None


class SSEEventDecoder(_Decoder[Event]):
    """Gives each event with its name and id, for dialects whose events are typed by name."""

    __slots__ = ()

    def _event(self, data: bytes) -> Event:
        return Event(self._name, data, self._id)
