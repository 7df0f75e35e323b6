"""The decoder of newline-delimited JSON, held against a slow reference and every split."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmclient.errors import ResponseParsingError
from llmclient.wire.ndjson import NDJSONDecoder


def reference(body, max_line=1 << 40):
    """Cut a whole body at its line feeds; the second value is whether a limit was broken."""
    lines = []
    for raw in body.removeprefix(b"\xef\xbb\xbf").split(b"\n"):
        if len(raw) > max_line:
            return lines, True
        if raw.strip():
            lines.append(raw.strip())
    return lines, False


def decode(decoder, pieces):
    """Feed the pieces and return all lines, and whether the decoder raised."""
    lines = []
    try:
        for piece in pieces:
            lines += decoder.feed(piece)
        lines += decoder.finish()
    except ResponseParsingError:
        return lines, True
    return lines, False


def cut(body, sizes):
    """Cut a body into pieces of the given sizes, over and over."""
    pieces, start = [], 0
    while start < len(body):
        for size in sizes:
            pieces.append(body[start : start + size])
            start += size
    return pieces


CASES = {
    "plain": (b'{"a":1}\n{"b":2}\n', [b'{"a":1}', b'{"b":2}']),
    "crlf": (b"1\r\n2\r\n", [b"1", b"2"]),
    "blank lines": (b"\n\n1\n \n\t\r\n2\n\n", [b"1", b"2"]),
    "no last line end": (b"1\n2", [b"1", b"2"]),
    "white space around": (b"  1 \n", [b"1"]),
    "byte order mark": (b"\xef\xbb\xbf1\n", [b"1"]),
    "unicode line separators": ('"\u2028\u0085"\n1'.encode(), ['"\u2028\u0085"'.encode(), b"1"]),
    "nothing": (b"", []),
}


@pytest.mark.parametrize(("body", "expected"), CASES.values(), ids=CASES)
def test_reads_lines_however_they_are_split(body, expected):
    """Each shape gives the same lines whole and by single bytes."""
    assert (expected, False) == decode(NDJSONDecoder(), [body])
    assert (expected, False) == decode(NDJSONDecoder(), cut(body, [1]))


def test_a_line_is_delivered_by_the_bytes_that_end_it():
    """Nothing waits for the next read."""
    decoder = NDJSONDecoder()
    assert decoder.feed(b"{") == []
    assert decoder.feed(b"}\n[") == [b"{}"]
    assert decoder.feed(b"]\n") == [b"[]"]


bodies = st.lists(st.one_of(st.sampled_from([b"\n", b"\r\n", b" ", b"{}", b"\xef\xbb\xbf", b"\xef"]), st.binary(max_size=4)), max_size=30).map(b"".join)
splits = st.lists(st.integers(0, 9), min_size=1, max_size=8).filter(any)


@settings(deadline=None, max_examples=300)
@given(bodies, splits, st.one_of(st.integers(0, 8), st.just(1 << 20)))
def test_any_split_of_any_bytes_gives_what_the_reference_gives(body, sizes, limit):
    """The lines, and the failure where a line is too long, are those of the reference."""
    expected = reference(body, limit)
    assert expected == decode(NDJSONDecoder(limit), cut(body, sizes))
    assert expected == decode(NDJSONDecoder(limit), [body])


def test_a_line_over_the_limit_raises_and_keeps_raising():
    """The failure is a ResponseParsingError of the library, and nothing can be read after it."""
    decoder = NDJSONDecoder(max_line=5)
    with pytest.raises(ResponseParsingError, match="longer than 5 bytes"):
        decoder.feed(b"123456")
    with pytest.raises(ResponseParsingError):
        decoder.feed(b"1\n")
    with pytest.raises(ResponseParsingError):
        decoder.finish()


def test_a_long_last_line_raises_at_the_end_when_lines_came_before_it():
    """The lines before the failure are handed over first."""
    decoder = NDJSONDecoder(max_line=5)
    assert decoder.feed(b"1\n234567") == [b"1"]
    with pytest.raises(ResponseParsingError):
        decoder.finish()


def seconds(body):
    """Return the processor time that a decoder takes for a body in reads of four bytes."""
    decoder, start = NDJSONDecoder(), time.thread_time()
    for position in range(0, len(body), 4):
        decoder.feed(body[position : position + 4])
    decoder.finish()
    return time.thread_time() - start


def test_time_is_linear_in_the_length():
    """Eight times the bytes take far less than the 64 times of a quadratic decoder."""
    best = min(seconds(b"x" * 50_000) for _ in range(3))
    assert seconds(b"x" * 400_000) < 24 * best
