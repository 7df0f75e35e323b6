"""The decoder of server-sent events, held against a slow reference and every split."""

import random
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from llmclient.errors import ResponseParsingError
from llmclient.wire.sse import Event, SSEDecoder, SSEEventDecoder


def reference(body, max_line=1 << 40):
    """Decode a whole body a byte at a time, without any thought of speed; the second value is whether a limit was broken."""
    if body[:3] == b"\xef\xbb\xbf":
        body = body[3:]
    lines, line, previous = [], b"", 0
    for byte in body:
        if byte == 13 or (byte == 10 and previous != 13):
            lines.append(line)
            line = b""
        elif byte != 10:
            line += bytes([byte])
        previous = byte
    events, data, name, last_id = [], None, "", ""
    lines += [line, b""]
    for line in lines:
        if len(line) > max_line:
            return events, True
        if line == b"":
            if data:
                events.append(Event(name, data, last_id))
            data, name = None, ""
            continue
        colon = line.find(b":")
        field = line if colon < 0 else line[:colon]
        value = b"" if colon < 0 else line[colon + 1 :]
        if value[:1] == b" ":
            value = value[1:]
        if field == b"data":
            data = value if data is None else data + b"\n" + value
            if len(data) > max_line:
                return events, True
        elif field == b"event":
            name = value.decode("utf-8", "replace")
        elif field == b"id" and 0 not in value:
            last_id = value.decode("utf-8", "replace")
    return events, False


def decode(decoder, pieces):
    """Feed the pieces and return all events, and whether the decoder raised."""
    events = []
    try:
        for piece in pieces:
            events += decoder.feed(piece)
        events += decoder.finish()
    except ResponseParsingError:
        return events, True
    return events, False


def cut(body, sizes):
    """Cut a body into pieces of the given sizes, over and over; a size of 0 gives an empty read."""
    pieces, start = [], 0
    while start < len(body):
        for size in sizes:
            pieces.append(body[start : start + size])
            start += size
    return pieces


def ways(body):
    """Return the body whole, by single bytes, and in some odd pieces."""
    return [[body], [body[i : i + 1] for i in range(len(body))], cut(body, [3, 1, 2]), cut(body, [7]), [b"", body, b""]]


CASES = {
    "plain": (b"data: {}\n\ndata: [1]\n\n", ["{}", "[1]"]),
    "crlf": (b"data: a\r\n\r\ndata: b\r\n\r\n", ["a", "b"]),
    "cr": (b"data: a\r\rdata: b\r\r", ["a", "b"]),
    "mixed line ends": (b"data: a\r\n\ndata: b\n\r\ndata: c\r\n\r", ["a", "b", "c"]),
    "no blank after the colon": (b"data:a\n\ndata:b\n\n", ["a", "b"]),
    "one blank only is cut": (b"data:  a \n\n", [" a "]),
    "two lines of data": (b"data: a\ndata: b\n\n", ["a\nb"]),
    "an empty line of data among others": (b"data: a\ndata\ndata:\ndata: b\n\n", ["a\n\n\nb"]),
    "heartbeats": (b"data:\n\ndata: \n\ndata\n\ndata: a\n\ndata: \n\ndata: b\n\n", ["a", "b"]),
    "comments": (b": hello\n\n:\ndata: a\n: in between\n\n", ["a"]),
    "unknown fields": (b"foo: bar\nretry: 10\ndata: a\nbaz\n\n", ["a"]),
    "a field in other case": (b"Data: a\n\ndata : b\n\n", []),
    "byte order mark": (b"\xef\xbb\xbfdata: a\n\n", ["a"]),
    "byte order mark at the start only": (b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\n\xef\xbb\xbfdata: b\n\ndata: c\n\n", ["c"]),
    "half a byte order mark": (b"\xef\xbbdata: a\n\ndata: b\n\n", ["b"]),
    "byte order mark and nothing else": (b"\xef\xbb", []),
    "no last blank line": (b"data: a\n\ndata: b\n", ["a", "b"]),
    "no last line end": (b"data: a\n\ndata: b", ["a", "b"]),
    "nothing": (b"", []),
    "many blank lines": (b"\n\n\ndata: a\n\n\n\n\ndata: b\n\n\n", ["a", "b"]),
    "unicode line separators": ('data: "\u2028\u2029\u0085\x0b\x0c"\n\n'.encode(), ['"\u2028\u2029\u0085\x0b\x0c"']),
    "nul bytes": (b"data: a\0b\n\n", ["a\0b"]),
    "a colon in the data": (b"data: a: b\n\n", ["a: b"]),
    "data that looks like a field": (b"data: data: a\n\n", ["data: a"]),
    "UTF-8": ("data: žluťoučký 🐎\n\n".encode(), ["žluťoučký 🐎"]),
    "a name and a usual event after it": (b"event: x\ndata: a\n\ndata: b\n\n", ["a", "b"]),
    "a usual event and a line after it": (b"data: a\n\ndata: b\ndata: c\n\n", ["a", "b\nc"]),
}


@pytest.mark.parametrize(("body", "expected"), CASES.values(), ids=CASES)
def test_reads_the_data_of_events_however_they_are_split(body, expected):
    """Each shape of event gives the same data whole, by single bytes and in odd pieces."""
    for pieces in ways(body):
        assert expected == [data.decode() for data in decode(SSEDecoder(), pieces)[0]]


@pytest.mark.parametrize("body", [case[0] for case in CASES.values()], ids=CASES)
def test_the_two_decoders_agree(body):
    """The decoder with names sees the same data as the one without."""
    for pieces in ways(body):
        assert [event.data for event in decode(SSEEventDecoder(), pieces)[0]] == decode(SSEDecoder(), pieces)[0]


def test_names_belong_to_one_event_and_ids_stay():
    """An event's name is forgotten after it, an id is kept until another comes."""
    body = b"event: ping\nid: 7\ndata: a\n\ndata: b\n\nevent:last\nid\ndata: c\n\n"
    assert [Event("ping", b"a", "7"), Event("", b"b", "7"), Event("last", b"c", "")] == SSEEventDecoder().feed(body)


def test_a_name_without_data_is_forgotten():
    """An event that has only a name gives nothing and leaves nothing behind."""
    assert [Event("", b"a", "")] == SSEEventDecoder().feed(b"event: ping\n\ndata: a\n\n")


def test_an_id_with_a_nul_is_ignored():
    """The id before it stays."""
    assert [Event("", b"a", "1")] == SSEEventDecoder().feed(b"id: 1\nid: 2\x003\ndata: a\n\n")


def test_an_event_is_delivered_by_the_bytes_that_end_it():
    """Nothing waits for the next read, not even after a CR that an LF may follow."""
    decoder = SSEDecoder()
    assert decoder.feed(b"data: a\r\n") == []
    assert decoder.feed(b"\r") == [b"a"]
    assert decoder.feed(b"\ndata: b\n\n") == [b"b"]


LETTERS = [
    *(b"\r", b"\n", b"\r\n", b"\n\n", b"\xef\xbb\xbf", b"\xef", b"\0", b"\xe2\x80\xa8", b":", b": ", b" ", b"x", b"{}"),
    *(b"data: x\n\n", b"data: y\r\n\r\n", b"event: a\ndata: z\n\n"),
    *(b"data", b"data: ", b"data:x", b"\n\ndata: ", b"event", b"event: a", b"id: 1", b"id"),
]
bodies = st.lists(st.one_of(st.sampled_from(LETTERS), st.binary(max_size=3)), max_size=40).map(b"".join)
splits = st.lists(st.integers(0, 9), min_size=1, max_size=8).filter(any)


@settings(deadline=None, max_examples=400)
@given(bodies, splits)
@example(b"\xef\xbb", [1])
@example(b"\r", [1])
def test_any_split_of_any_bytes_gives_what_the_reference_gives(body, sizes):
    """The events are those of the reference, for both decoders and any split."""
    expected, _ = reference(body)
    assert (expected, False) == decode(SSEEventDecoder(), cut(body, sizes))
    assert ([event.data for event in expected], False) == decode(SSEDecoder(), cut(body, sizes))
    assert [event.data for event in expected] == decode(SSEDecoder(), [body])[0]


@settings(deadline=None, max_examples=400)
@given(bodies, splits, st.integers(0, 12))
def test_a_limit_is_broken_at_the_same_place_by_any_split(body, sizes, limit):
    """The events before the failure are delivered, and the failure comes, whatever the split."""
    expected, fails = reference(body, limit)
    assert (expected, fails) == decode(SSEEventDecoder(limit), cut(body, sizes))
    assert ([event.data for event in expected], fails) == decode(SSEDecoder(limit), cut(body, sizes))
    assert (expected, fails) == decode(SSEEventDecoder(limit), [body])


def test_a_line_over_the_limit_raises_and_keeps_raising():
    """The failure is a ResponseParsingError of the library, and nothing can be read after it."""
    decoder = SSEDecoder(max_line=10)
    with pytest.raises(ResponseParsingError, match="longer than 10 bytes") as caught:
        decoder.feed(b"data: 123456")
    assert caught.value.provider == "llmclient"
    with pytest.raises(ResponseParsingError):
        decoder.feed(b"data: a\n\n")
    with pytest.raises(ResponseParsingError):
        decoder.finish()


@pytest.mark.parametrize("rest", [b"data: 123456", b"data: 123456\n\ndata: b\n\n", b"data: 1234\ndata: 5678\ndata: 9\n\n"])
def test_events_before_a_failure_are_handed_over_first(rest):
    """The failure waits for the next call, and what follows it is not read."""
    for decoder in (SSEDecoder(max_line=10), SSEEventDecoder(max_line=10)):
        assert [event[-1] if isinstance(event, bytes) else event.data[-1] for event in decoder.feed(b"data: a\n\n" + rest)] == [97]
        with pytest.raises(ResponseParsingError):
            decoder.finish()


def test_an_event_of_many_lines_over_the_limit_raises():
    """Each line is short, but their sum is bounded too."""
    decoder = SSEDecoder(max_line=20)
    assert [decoder.feed(b"data: 1234\n") for _ in range(4)] == [[]] * 4
    with pytest.raises(ResponseParsingError, match="an event's data"):
        decoder.feed(b"data: 1234\n")


def test_comments_without_end_need_no_memory():
    """A server may send comments for ever: each line is forgotten."""
    decoder = SSEDecoder(max_line=50)
    for _ in range(1_000):
        assert decoder.feed(b": keep-alive\n") == []


def seconds(body, step):
    """Return the processor time that a decoder takes for a body in reads of `step` bytes."""
    decoder, start = SSEDecoder(), time.thread_time()
    for position in range(0, len(body), step):
        decoder.feed(body[position : position + step])
    decoder.finish()
    return time.thread_time() - start


@pytest.mark.parametrize("line", [b"x" * 1_000, b"data: x\n"], ids=["one line", "an event of many lines"])
def test_time_is_linear_in_the_length(line):
    """Eight times the bytes, read by few bytes, take far less than the 64 times of a quadratic decoder."""
    small = b"data: " + line * (50_000 // len(line))
    best = min(seconds(small, 4) for _ in range(3))
    assert seconds(small * 8, 4) < 24 * best


def test_a_long_body_gives_all_its_events_in_order():
    """Two thousand usual events come through reads of any size."""
    body = b"".join(b'data: {"index": %d}\n\n' % index for index in range(2_003))
    sizes = random.Random(5)
    pieces, start = [], 0
    while start < len(body):
        size = sizes.choice([1, 5, 100, 65_536])
        pieces.append(body[start : start + size])
        start += size
    assert [b'{"index": %d}' % index for index in range(2_003)] == decode(SSEDecoder(), pieces)[0]
