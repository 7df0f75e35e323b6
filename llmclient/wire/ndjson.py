"""Newline-delimited JSON, cut into lines as the bytes come.

The result never depends on how the bytes are split. White space around a line is cut off, which also covers CRLF; lines with
nothing else are skipped, and so is a byte order mark at the start.
"""

from __future__ import annotations

from llmclient.errors import ResponseParsingError
from llmclient.wire.lines import MAX_LINE, LineBuffer, too_long


class NDJSONDecoder:
    """Gives each line that holds something; the caller parses it."""

    __slots__ = ("_error", "_lines")

    def __init__(self, max_line: int = MAX_LINE) -> None:
        self._lines = LineBuffer(max_line)
        self._error: ResponseParsingError | None = None

    def feed(self, data: bytes) -> list[bytes]:
        """Return the lines that these bytes complete.

        Raises ResponseParsingError for a line over `max_line` bytes. When lines came before it in the same bytes, they are
        returned, and the next call raises.
        """
        if self._error is not None:
            raise self._error
        block = self._lines.take(data)
        return self._checked([] if block is None else self._read(block))

    def finish(self) -> list[bytes]:
        """The body has ended: return the last line, if it lacked its line end. Raises as `feed` does."""
        if self._error is not None:
            raise self._error
        return self._checked(self._read(self._lines.rest()))

    def _read(self, block: bytes) -> list[bytes]:
        guarded = len(block) > self._lines.limit
        lines: list[bytes] = []
        for raw in block.split(b"\n"):
            if guarded and len(raw) > self._lines.limit:
                self._fail()
                break
            line = raw.strip()
            if line:
                lines.append(line)
        return lines

    def _fail(self) -> None:
        self._error = too_long("a line of the NDJSON stream", self._lines.limit)

    def _checked(self, lines: list[bytes]) -> list[bytes]:
        """Return the lines; if there was a failure and none came before it, raise it. What is held is forgotten then."""
        if self._error is None and self._lines.is_full:
            self._fail()
        if self._error is None:
            return lines
        self._lines.rest()
        if lines:
            return lines
        raise self._error
