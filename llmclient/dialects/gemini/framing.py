"""Cuts a body into its JSON objects as the bytes come, in each way in which Google frames them."""

from __future__ import annotations

import functools
import re
from typing import Final

from llmclient.wire.lines import MAX_LINE, too_long
from llmclient.wire.sse import SSEDecoder

_START: Final = b"data: "
_END: Final = b"\r\n\r\n"
_BETWEEN: Final = _END + _START
_HELD_AT_MOST: Final = 1 << 16


@functools.cache
def _marks() -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    """Return what to look for outside of a string, and within one."""
    return re.compile(rb'["{}]'), re.compile(rb'["\\]')


class EventSplitter:
    """Gives the data of each server-sent event.

    Google ends lines by CRLF, and each event is one line: such reads are cut at once, which takes a third of the time. Whatever
    has another shape, and all that follows it, is the general decoder's.
    """

    def __init__(self) -> None:
        self._sse = SSEDecoder()
        self._held = b""
        self._is_plain = True

    def feed(self, data: bytes) -> list[bytes]:
        """Return the data of the events that these bytes complete; raises ResponseParsingError as SSEDecoder does."""
        if not self._is_plain:
            return self._sse.feed(data)
        block = self._held + data
        events = self._split(block) if block.startswith(_START) else None
        if events is not None:
            return events
        if len(block) < len(_START) and _START.startswith(block):
            self._held = block
            return []
        self._is_plain = False
        return self._sse.feed(block)

    def _split(self, block: bytes) -> list[bytes] | None:
        """Return the events of a block that begins with one, and hold what follows the last end; None for any other shape."""
        events = block[len(_START) :].split(_BETWEEN)
        last, end, rest = events.pop().rpartition(_END)
        if end:
            events.append(last)
        # Only a part of Google's end may wait for what follows: any other end of a line may be that of an event.
        tail = rest[len(rest.removesuffix(b"\r").removesuffix(b"\r\n")) :]
        lines = 2 * len(events)
        if block.count(b"\n") != lines + tail.count(b"\n") or block.count(b"\r") != lines + tail.count(b"\r"):
            return None
        if len(rest) > _HELD_AT_MOST or not all(events) or (end and not _START.startswith(rest)):
            return None
        self._held = rest if end else _START + rest
        return events

    def finish(self) -> list[bytes]:
        """The body has ended: return the event that lacks its closing blank line, if there is one."""
        held = self._sse.feed(self._held) if self._is_plain else []
        return held + self._sse.finish()


class ObjectSplitter:
    """Gives each outermost object of a body that is no event stream; what stands between them is passed over.

    Google streams one JSON array where `alt=sse` was lost on the way, and answers a failure with one object, whatever the content type.
    """

    def __init__(self, limit: int = MAX_LINE) -> None:
        self._limit = limit
        self._held = bytearray()
        self._seen = 0
        self._depth = 0
        self._in_string = False

    def feed(self, data: bytes) -> list[bytes]:
        """Return the objects that these bytes complete; raises ResponseParsingError for one that is too long."""
        held = self._held
        held += data
        outside, inside = _marks()
        out: list[bytes] = []
        start, place = 0, self._seen
        while (match := (inside if self._in_string else outside).search(held, place)) is not None:
            place = match.end()
            mark = match[0]
            if mark == b"\\":
                if place >= len(held):
                    # The next byte decides; look at this one again when it is there.
                    place -= 1
                    break
                place += 1
            elif mark == b'"':
                self._in_string = not self._in_string
            elif mark == b"{":
                if self._depth == 0:
                    start = place - 1
                self._depth += 1
            elif self._depth > 0:
                self._depth -= 1
                if self._depth == 0:
                    out.append(bytes(held[start:place]))
                    start = place
        else:
            place = len(held)
        self._forget(start if self._depth else place, place)
        return out

    def _forget(self, start: int, place: int) -> None:
        del self._held[:start]
        self._seen = place - start
        if len(self._held) > self._limit:
            raise too_long("an object of the stream", self._limit)

    @property
    def is_open(self) -> bool:
        """Whether an object has begun that has no end yet."""
        return self._depth > 0


