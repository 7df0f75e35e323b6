"""Inflates compressed bodies piece by piece, never more at once than was asked for."""

from __future__ import annotations

import zlib

from llmclient.errors import ResponseParsingError

_GZIP = 16 + zlib.MAX_WBITS
_MAGIC = b"\x1f\x8b"


class Inflater:
    """One gzip or deflate body on its way."""

    def __init__(self, encoding: str) -> None:
        self._gzip = encoding != "deflate"
        self._stream = zlib.decompressobj(_GZIP) if self._gzip else None
        self._rest: bytes = b""
        self._more = False
        self._begun = False

    @property
    def pending(self) -> bool:
        """Whether more can come without new input."""
        return self._more

    @property
    def complete(self) -> bool:
        """Whether the body may end here; an empty one may."""
        return not self._begun or (self._stream is not None and self._stream.eof)

    def feed(self, data: bytes, limit: int) -> bytes:
        """Return what these bytes give, at most `limit` bytes (1 or more); raises zlib.error for what is not compressed so."""
        data = self._rest + data
        self._begun = self._begun or bool(data)
        stream = self._stream or self._choose(data)
        if stream is None:
            self._rest = data
            return b""
        if stream.eof:
            stream = self._next_member(data) or stream
        pieces: list[bytes] = []
        while limit > 0 and not stream.eof:
            piece = stream.decompress(data, limit)
            data = stream.unconsumed_tail
            pieces.append(piece)
            limit -= len(piece)
            if stream.eof:
                data = stream.unused_data
                stream = self._next_member(data) or stream
            elif not data and limit > 0:
                break
        self._stream = stream
        self._rest = data if not stream.eof or _MAGIC.startswith(data) else b""
        # zlib may hold back what did not fit, even when it has taken all the input.
        self._more = limit == 0 and not stream.eof
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _next_member(self, data: bytes) -> zlib._Decompress | None:
        """Return a new stream if another gzip member follows; anything else after the end is padding, and is ignored."""
        return zlib.decompressobj(_GZIP) if self._gzip and data.startswith(_MAGIC) else None

    def _choose(self, data: bytes) -> zlib._Decompress | None:
        """Tell zlib's format from the raw one that some servers send as deflate, once two bytes have come."""
        if len(data) < 2:
            return None
        wrapped = data[0] & 0x0F == zlib.DEFLATED and (data[0] << 8 | data[1]) % 31 == 0
        return zlib.decompressobj(zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS)


def inflater(provider: str, encoding: str | None) -> Inflater | None:
    """Return what undoes a content-encoding, None for none; raises ResponseParsingError for one that was not asked for."""
    name = (encoding or "").strip().lower()
    if name in ("", "identity"):
        return None
    if name in ("gzip", "x-gzip", "deflate"):
        return Inflater(name)
    raise ResponseParsingError(provider, f"the answer's content-encoding {encoding!r} was not asked for")
