"""Embeddings without a model: equal texts have equal vectors, and texts that share words are near each other.

Each word has a few places in the vector, found by its hash; a text is the sum of its words, of unit length.
"""

from __future__ import annotations

import array
import base64
import functools
import hashlib
import math
import re
import sys

DIMENSIONS = 64
_PLACES = 8
_OWN_WEIGHT = 0.05


def embed(text: str, dimensions: int = DIMENSIONS, seed: int = 0) -> array.array[float]:
    """Return the vector of a text: `dimensions` floats of 32 bits, of unit length."""
    vector = [0.0] * dimensions
    # What sets texts of the same words apart, and gives one without words a vector too.
    _add(vector, f"\0{text}", _OWN_WEIGHT, seed)
    for word in re.findall(r"\w+", text.lower()):
        _add(vector, word, 1.0, seed)
    norm = math.sqrt(sum(value * value for value in vector))
    return array.array("f", [value / norm for value in vector] if norm else [1.0, *vector[1:]])


def packed(vector: array.array[float]) -> bytes:
    """Return the floats as little-endian bytes."""
    if sys.byteorder == "big":
        vector = vector[:]
        vector.byteswap()
    return vector.tobytes()


def encoded(vector: array.array[float], form: str) -> list[float] | str:
    """Return the floats as JSON holds them: a list, or text where `form` is base64."""
    return base64.b64encode(packed(vector)).decode() if form == "base64" else vector.tolist()


def _add(vector: list[float], word: str, weight: float, seed: int) -> None:
    for place, sign in _places(word, seed):
        vector[place % len(vector)] += sign * weight


@functools.lru_cache(maxsize=10_000)
def _places(word: str, seed: int) -> tuple[tuple[int, int], ...]:
    digest = hashlib.blake2b(f"{seed}\0{word}".encode(), digest_size=4 * _PLACES).digest()
    numbers = [int.from_bytes(digest[start : start + 4], "big") for start in range(0, len(digest), 4)]
    return tuple((number >> 1, 1 if number & 1 else -1) for number in numbers)
