"""Small, valid pictures and sounds."""

from __future__ import annotations

import hashlib
import math
import struct
import zlib

RATE = 24_000
"""Samples in a second."""


def png(prompt: str, size: int = 16) -> bytes:
    """Return a square picture of one colour, which depends on the prompt."""
    colour = hashlib.blake2b(prompt.encode(), digest_size=3).digest()
    rows = (b"\0" + colour * size) * size
    header = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")


def tone(text: str) -> bytes:
    """Return a tone of mono samples of 16 bits, little-endian: the longer the text, the longer, up to a second."""
    length = min(len(text) * RATE // 100, RATE) or RATE // 100
    pitch = 220 + int.from_bytes(hashlib.blake2b(text.encode(), digest_size=1).digest(), "big")
    return struct.pack(f"<{length}h", *(int(8_000 * math.sin(2 * math.pi * pitch * i / RATE)) for i in range(length)))


def wav(samples: bytes) -> bytes:
    """Return samples as a WAV file."""
    form = struct.pack("<HHIIHH", 1, 1, RATE, RATE * 2, 2, 16)
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(samples)) + samples
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
