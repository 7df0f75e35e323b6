"""Cuts a body into the messages of Amazon's event stream, quickly: nearly all of a stream's messages have the same headers.

Checksums and limits are those of `llmclient.wire.eventstream`, which still reads each message whose headers are new.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from typing import Final, TypeAlias

from llmclient.errors import ResponseParsingError
from llmclient.wire.eventstream import MAX_MESSAGE, EventStreamDecoder

Frame: TypeAlias = tuple[Mapping[str, object], bytes]
"""Headers and payload."""

_PRELUDE: Final = struct.Struct(">III")
_CRC: Final = struct.Struct(">I")
_LEAST: Final = _PRELUDE.size + _CRC.size
_REMEMBERED_AT_MOST: Final = 64


class FrameSplitter:
    """Gives each message whose checksums hold."""

    __slots__ = ("_error", "_held", "_known", "_need")

    def __init__(self) -> None:
        self._held = bytearray()
        self._need = _PRELUDE.size
        self._known: dict[bytes, Mapping[str, object]] = {}
        self._error: ResponseParsingError | None = None

    def feed(self, data: bytes) -> list[Frame]:
        """Return the messages that these bytes complete.

        Raises ResponseParsingError for a wrong checksum or an impossible length. When messages came before it in the same
        bytes, they are returned, and the next call raises.
        """
        self._check()
        if self._held:
            self._held += data
            if len(self._held) < self._need:
                return []
            data = bytes(self._held)
            self._held.clear()
        frames: list[Frame] = []
        try:
            start = self._cut(data, frames)
        except ResponseParsingError as error:
            self._error = error
            if frames:
                return frames
            raise
        if start < len(data):
            self._held += data[start:]
        return frames

    def finish(self) -> bool:
        """The body has ended: return whether it ended inside a message. Raises the error that `feed` put off."""
        self._check()
        return bool(self._held)

    def _check(self) -> None:
        if self._error is not None:
            raise self._error

    def _cut(self, data: bytes, frames: list[Frame]) -> int:
        """Add the whole messages to `frames`, and return where the rest begins."""
        crc32, unpack, tail, known = zlib.crc32, _PRELUDE.unpack_from, _CRC.unpack_from, self._known
        size, start = len(data), 0
        self._need = _PRELUDE.size
        while size - start >= 12:
            total, length, given = unpack(data, start)
            check = crc32(data[start : start + 8])
            body, end = start + 12, start + total
            if check != given or total > MAX_MESSAGE or total < _LEAST or length > total - _LEAST:
                # The decoder says what is wrong with it.
                EventStreamDecoder().feed(data[start : start + 12])
            if end > size:
                self._need = total
                break
            if crc32(data[start + 8 : end - 4], check) != tail(data, end - 4)[0]:
                EventStreamDecoder().feed(data[start:end])
            block = data[body : body + length]
            headers = known.get(block)
            if headers is None:
                headers = self._read(data[start:end], block)
            frames.append((headers, data[body + length : end - 4]))
            start = end
        return start

    def _read(self, frame: bytes, block: bytes) -> Mapping[str, object]:
        (message,) = EventStreamDecoder().feed(frame)
        if len(self._known) < _REMEMBERED_AT_MOST:
            self._known[block] = message.headers
        return message.headers
