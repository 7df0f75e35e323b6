"""Inflating piece by piece."""

from __future__ import annotations

import gzip
import itertools
import zlib

import hypothesis
import hypothesis.strategies as st
import pytest

from llmclient.errors import ResponseParsingError
from llmclient.inflate import Inflater, inflater

RAW = zlib.compressobj(wbits=-zlib.MAX_WBITS)
TEXT = b"the quick brown fox " * 50
RAW_TEXT = RAW.compress(TEXT) + RAW.flush()


def inflate(stream: Inflater, pieces: list[bytes], limit: int) -> bytes:
    """Feed the pieces, taking out all that can be had after each."""
    out = []
    for piece in pieces:
        out.append(stream.feed(piece, limit))
        while stream.pending:
            out.append(stream.feed(b"", limit))
    assert all(len(each) <= limit for each in out)
    return b"".join(out)


CASES = {
    "gzip": ("gzip", gzip.compress(TEXT), TEXT),
    "members": ("gzip", gzip.compress(TEXT) + gzip.compress(b"more"), TEXT + b"more"),
    "padding": ("x-gzip", gzip.compress(TEXT) + b"\0\0\x1fjunk", TEXT),
    "zlib": ("deflate", zlib.compress(TEXT), TEXT),
    "raw": ("deflate", RAW_TEXT, TEXT),
    "zeros": ("gzip", gzip.compress(b"\0" * 100_000), b"\0" * 100_000),
    "empty": ("gzip", gzip.compress(b""), b""),
}


@pytest.mark.parametrize(("encoding", "data", "expected"), CASES.values(), ids=CASES.keys())
@hypothesis.given(cuts=st.lists(st.integers(0, 400), max_size=6), limit=st.sampled_from([1, 7, 100, 1 << 20]))
def test_any_cut_and_any_limit_give_the_same(encoding: str, data: bytes, expected: bytes, cuts: list[int], limit: int) -> None:
    """However the network cuts the bytes, and however little is taken at once, all comes out, and no more at once than asked for."""
    if len(expected) > 10_000:
        limit = max(limit, 7)
    places = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    stream = Inflater(encoding)
    assert expected == inflate(stream, [data[start:end] for start, end in itertools.pairwise(places)], limit)
    assert stream.complete


@pytest.mark.parametrize("name", ["gzip", "zlib", "raw"])
def test_a_body_is_complete_only_at_its_end(name: str) -> None:
    """Before the first byte and after the last, but at no place between."""
    encoding, data, _ = CASES[name]
    stream = Inflater(encoding)
    assert stream.complete
    for place in range(len(data)):
        stream.feed(data[place : place + 1], 1 << 20)
        assert stream.complete == (place == len(data) - 1)


def test_what_is_not_compressed_raises() -> None:
    """Plain text is told from gzip."""
    with pytest.raises(zlib.error):
        Inflater("gzip").feed(b"plain text", 100)


@pytest.mark.parametrize("encoding", [None, "", "identity", " Identity "])
def test_plain_bodies_need_no_inflater(encoding: str | None) -> None:
    """Most answers are what they are."""
    assert inflater("groq", encoding) is None


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip"])
def test_unknown_encodings_are_refused(encoding: str) -> None:
    """They were not asked for, and the body would be noise."""
    with pytest.raises(ResponseParsingError, match="was not asked for"):
        inflater("groq", encoding)
