"""Amazon's binary event stream (`application/vnd.amazon.eventstream`), decoded from bytes as they come.

A message is: total length, headers length, CRC of these two, headers, payload, CRC of all before; numbers are big-endian.
https://smithy.io/2.0/aws/amazon-eventstream.html
"""

from __future__ import annotations

import datetime
import struct
import uuid
import zlib
from collections.abc import Callable
from typing import NamedTuple

from llmclient.errors import ResponseParsingError

MAX_MESSAGE = 16 << 20
"""Bytes in one message, all of it counted."""

_PRELUDE = struct.Struct(">III")
_CRC = struct.Struct(">I")
_OVERHEAD = _PRELUDE.size + _CRC.size
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


class Message(NamedTuple):
    """One message; header values are bool, int, bytes, str, an aware datetime or a UUID."""

    headers: dict[str, object]
    payload: bytes


class EventStreamDecoder:
    """Gives each message whose checksums hold."""

    __slots__ = ("_error", "_held", "_need")

    def __init__(self) -> None:
        self._held = bytearray()
        self._need = _PRELUDE.size
        self._error: ResponseParsingError | None = None

    @property
    def pending(self) -> bool:
        """Whether bytes of a message are held whose end has not come."""
        return bool(self._held)

    def feed(self, data: bytes) -> list[Message]:
        """Return the messages that these bytes complete.

        Raises ResponseParsingError for a wrong checksum, an impossible length or a malformed header. When messages came before
        it in the same bytes, they are returned, and the next call raises.
        """
        self._check()
        self._held += data
        messages: list[Message] = []
        start = 0
        try:
            while len(self._held) - start >= self._need:
                if self._need == _PRELUDE.size:
                    self._need = _length(self._held, start)
                else:
                    messages.append(_message(bytes(memoryview(self._held)[start : start + self._need])))
                    start += self._need
                    self._need = _PRELUDE.size
        except ResponseParsingError as error:
            self._error = error
        del self._held[:start]
        if not messages:
            self._check()
        return messages

    def finish(self) -> bool:
        """The body has ended: return whether it ended inside a message. Raises the error that `feed` put off."""
        self._check()
        return self.pending

    def _check(self) -> None:
        if self._error is not None:
            raise self._error


def _length(held: bytearray, start: int) -> int:
    total, headers, crc = _PRELUDE.unpack_from(held, start)
    if zlib.crc32(memoryview(held)[start : start + 8]) != crc:
        raise _broken("a prelude has the wrong checksum")
    if total > MAX_MESSAGE:
        raise _broken(f"a message of {total} bytes is longer than {MAX_MESSAGE}")
    if total < _OVERHEAD or headers > total - _OVERHEAD:
        raise _broken(f"a message of {total} bytes cannot hold {headers} bytes of headers")
    return int(total)


def _message(frame: bytes) -> Message:
    if zlib.crc32(frame[: -_CRC.size]) != _CRC.unpack(frame[-_CRC.size :])[0]:
        raise _broken("a message has the wrong checksum")
    end = _PRELUDE.size + _PRELUDE.unpack_from(frame)[1]
    return Message(_headers(frame[_PRELUDE.size : end]), frame[end : -_CRC.size])


def _headers(data: bytes) -> dict[str, object]:
    reader = _Reader(data)
    headers: dict[str, object] = {}
    while not reader.is_done:
        try:
            name = reader.take(reader.number(1)).decode()
            kind = reader.number(1)
            headers[name] = _VALUES[kind](reader)
        except (KeyError, UnicodeDecodeError, OverflowError) as error:
            raise _broken(f"a header is malformed ({type(error).__name__})") from None
    return headers


class _Reader:
    __slots__ = ("_data", "_position")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    @property
    def is_done(self) -> bool:
        return self._position == len(self._data)

    def take(self, size: int) -> bytes:
        end = self._position + size
        if end > len(self._data):
            raise _broken("a header is longer than its message says")
        value = self._data[self._position : end]
        self._position = end
        return value

    def number(self, size: int, *, signed: bool = False) -> int:
        return int.from_bytes(self.take(size), "big", signed=signed)


def _timestamp(reader: _Reader) -> datetime.datetime:
    return _EPOCH + datetime.timedelta(milliseconds=reader.number(8, signed=True))


_VALUES: dict[int, Callable[[_Reader], object]] = {
    0: lambda _: True,
    1: lambda _: False,
    2: lambda reader: reader.number(1, signed=True),
    3: lambda reader: reader.number(2, signed=True),
    4: lambda reader: reader.number(4, signed=True),
    5: lambda reader: reader.number(8, signed=True),
    6: lambda reader: reader.take(reader.number(2)),
    7: lambda reader: reader.take(reader.number(2)).decode(),
    8: _timestamp,
    9: lambda reader: uuid.UUID(bytes=reader.take(16)),
}


def _broken(what: str) -> ResponseParsingError:
    return ResponseParsingError("llmclient", f"the event stream is broken: {what}")
