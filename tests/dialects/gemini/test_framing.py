"""Bodies cut into their objects, in each way in which Google frames them."""

from __future__ import annotations

import itertools
import json

import hypothesis
import hypothesis.strategies as st
import pytest

from llmclient.dialects.gemini.framing import EventSplitter, ObjectSplitter
from llmclient.errors import ResponseParsingError
from llmclient.wire.sse import SSEDecoder
from tests.dialects.gemini.kit import GEMINI


def feed(splitter: EventSplitter | ObjectSplitter | SSEDecoder, data: bytes, size: int = 1 << 20) -> list[bytes]:
    """Return the payloads of a body that comes in pieces."""
    return [payload for start in range(0, len(data), size) for payload in splitter.feed(data[start : start + size])]


@hypothesis.given(pieces=st.lists(st.sampled_from([b"data: ", b"data:", b"d", b"a", b'{"x": 1}', b"\r", b"\n", b"\r\n", b"\r\n\r\n", b": c", b"\xef\xbb\xbf", b" "])), size=st.integers(1, 9))
def test_events_are_those_of_the_general_decoder(pieces: list[bytes], size: int) -> None:
    """Whatever the bytes and however they are cut."""
    data = b"".join(pieces)
    plain, general = EventSplitter(), SSEDecoder()
    assert feed(general, data, size) + general.finish() == feed(plain, data, size) + plain.finish()


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 1 << 20])
def test_an_event_is_given_as_soon_as_its_last_byte_has_come(end: bytes, size: int) -> None:
    """Whichever way lines end, and however the bytes are cut; nothing waits for what follows."""
    splitter = EventSplitter()
    for number in range(3):
        assert [b"{%d}" % number] == feed(splitter, b"data: {%d}" % number + 2 * end, size)


@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("begun", range(1, 7))
def test_an_event_is_given_although_the_next_has_begun_in_the_same_read(end: bytes, begun: int) -> None:
    """Anywhere within its first bytes."""
    splitter = EventSplitter()
    following = b"data: y" + 2 * end
    assert [b"x"] == splitter.feed(b"data: x" + 2 * end + following[:begun])
    assert [b"y"] == splitter.feed(following[begun:])


def test_a_read_that_ends_within_the_next_event_keeps_the_fast_path() -> None:
    """Reads are cut anywhere, in a stream as Google sends it."""
    splitter = EventSplitter()
    feed(splitter, b"data: x\r\n\r\n" * 20, 7)
    assert splitter._is_plain


@hypothesis.given(cuts=st.lists(st.integers(0, 60), max_size=6), end=st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_any_cut_gives_the_same_events(cuts: list[int], end: bytes) -> None:
    """Also within a line's end."""
    data = b"".join(b"data: {%d}" % number + 2 * end for number in range(4))
    splitter = EventSplitter()
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    events = [event for start, stop in itertools.pairwise(places) for event in splitter.feed(data[start:stop])]
    assert [b"{0}", b"{1}", b"{2}", b"{3}"] == events + splitter.finish()


def test_an_event_without_data_is_passed_over() -> None:
    """As a heartbeat."""
    assert [b"x"] == feed(EventSplitter(), b"data: \r\n\r\ndata: x\r\n\r\n")


def test_a_long_event_is_left_to_the_general_decoder() -> None:
    """Which looks at no byte twice; what came before is handed on with it."""
    splitter = EventSplitter()
    assert [] == feed(splitter, b"data: " + b"A" * 70_000, 1_000)
    assert not splitter._is_plain
    assert [b"A" * 70_001] == splitter.feed(b"A\r\n\r\n")


def test_no_byte_of_a_long_object_is_looked_at_twice() -> None:
    """A picture of some megabytes, in small reads."""
    splitter = ObjectSplitter()
    assert [] == feed(splitter, b'{"x": "' + b"A" * 300_000, 1_000)
    assert len(splitter._held) == splitter._seen == 300_007


@hypothesis.given(
    values=st.lists(st.dictionaries(st.text(max_size=3), st.one_of(st.text(max_size=5), st.lists(st.dictionaries(st.text(max_size=2), st.none()), max_size=2)))),
    size=st.integers(1, 9),
    ascii_only=st.booleans(),
)
def test_objects_of_an_array_are_found(values: list[object], size: int, ascii_only: bool) -> None:
    """Any JSON, however it is cut."""
    body = json.dumps(values, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    splitter = ObjectSplitter()
    assert values == [json.loads(payload) for payload in feed(splitter, body, size)]


def test_a_closing_brace_too_many_is_passed_over() -> None:
    """There is nothing to close."""
    assert [b"{}"] == feed(ObjectSplitter(), b"}}{}]")


def test_an_object_that_is_too_long_is_an_error() -> None:
    """Memory is bounded."""
    with pytest.raises(ResponseParsingError, match="longer than 5"):
        feed(ObjectSplitter(limit=5), b'{"x": "abcdefgh')


def test_a_stream_fails_by_it() -> None:
    """feed never raises."""
    decoder = GEMINI.stream("m", "r")
    decoder._source = ObjectSplitter(limit=5)
    assert [] == decoder.feed(b'{"x": "abcdefgh')
    assert isinstance(decoder.error, ResponseParsingError)


def test_a_stream_fails_by_it_at_its_end_too() -> None:
    """What was held is read then."""

    class Failing(EventSplitter):
        def finish(self) -> list[bytes]:
            raise ResponseParsingError("", "too long")

    decoder = GEMINI.stream("m", "r")
    decoder._source = Failing()
    assert [] == decoder.finish()
    assert isinstance(decoder.error, ResponseParsingError)
