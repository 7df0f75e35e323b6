"""The skeleton of decoders: what is held back, in which order, and that nothing is raised."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from llmclient.dialects.base import ChatDialect
from llmclient.dialects.decoding import EventDecoder, NamedEventDecoder, StreamDecoder, chunks_of, name_lines, not_understood, replay
from llmclient.errors import ApiError, ProviderError, ResponseParsingError, StreamTruncatedError
from llmclient.types.chat import ChatChunk, ChatResponse, Choice, FunctionDelta, ToolCallDelta
from llmclient.types.messages import FunctionCall, Message, ReasoningBlock, ToolCall
from llmclient.types.usage import Usage
from llmclient.wire.sse import SSEDecoder


class Words(StreamDecoder[ChatDialect, bytes]):
    """Each word that ends with a blank is a chunk; a full stop is the end, "!" cannot be cut, "?" is a failure, "{" begins a whole body."""

    def __init__(self) -> None:
        super().__init__(ChatDialect(), "m", "r")
        self.rest = b""
        self.said: list[str] = []

    def _cut(self, data: bytes) -> list[bytes]:
        if b"!" in data:
            raise ResponseParsingError("", "cannot be cut")
        *words, self.rest = (self.rest + data).split(b" ")
        return words

    def _cut_rest(self) -> tuple[list[bytes], bytes | None]:
        if self.rest == b"~":
            raise ResponseParsingError("", "cannot be cut")
        return ([], self.rest) if self.rest.startswith(b"{") else ([self.rest] if self.rest else [], None)

    def _take(self, pieces: list[bytes]) -> list[ChatChunk]:
        chunks: list[ChatChunk] = []
        for piece in pieces:
            self.events += 1
            if piece == b"?":
                return self._fail(ApiError("", "asked"), chunks)
            self.done = piece == b"."
            self.said.append(piece.decode())
            chunks.append(ChatChunk(piece.decode()))
        return chunks

    def _decode(self, body: bytes) -> ChatResponse:
        if body == b"{}":
            return ChatResponse(choices=(Choice(0, Message("assistant", "whole"), "stop"),))
        raise ResponseParsingError("", "no answer")

    def _build(self) -> ChatResponse:
        return ChatResponse(choices=(Choice(0, Message("assistant", "".join(self.said))),))


def texts(chunks: list[ChatChunk]) -> list[str]:
    """Return what chunks say."""
    return [chunk.text for chunk in chunks]


def kind(decoder: StreamDecoder[ChatDialect, bytes]) -> type[ProviderError] | None:
    """Return the class of a decoder's error."""
    return None if decoder.error is None else type(decoder.error)


def test_chunks_come_as_soon_as_they_are_complete() -> None:
    """And are counted."""
    decoder = Words()
    assert [["a"], [], ["bc"]] == [texts(decoder.feed(data)) for data in (b"a b", b"c", b" ")]
    assert (2, "abc") == (decoder.events, decoder.response().text)


def test_no_bytes_are_no_news() -> None:
    """Nothing is cut or taken."""
    decoder = Words()
    assert ([], 0, None) == (decoder.feed(b""), decoder.events, decoder.error)


def test_what_comes_after_the_end_is_ignored() -> None:
    """The end of the body, too."""
    decoder = Words()
    assert ["a", "."] == texts(decoder.feed(b"a . "))
    assert ([], [], None, True) == (decoder.feed(b"! "), decoder.finish(), decoder.error, decoder.done)


def test_a_failure_waits_beside_the_chunks_before_it() -> None:
    """What comes after it is ignored."""
    decoder = Words()
    assert ["a"] == texts(decoder.feed(b"a ? b "))
    assert (ApiError, [], []) == (kind(decoder), decoder.feed(b"c "), decoder.finish())


@pytest.mark.parametrize("rest", [b"!", b"~"])
def test_bytes_that_cannot_be_cut_are_a_failure(rest: bytes) -> None:
    """It is not raised, neither while they come nor at the end."""
    decoder = Words()
    assert ["a"] == texts(decoder.feed(b"a "))
    assert ([], []) == (decoder.feed(rest), decoder.finish())
    assert (ResponseParsingError, "a") == (kind(decoder), decoder.response().text)


def test_the_last_piece_may_be_the_end() -> None:
    """It need not be followed by anything."""
    decoder = Words()
    decoder.feed(b"a .")
    assert (["."], None, True) == (texts(decoder.finish()), decoder.error, decoder.done)


def test_a_body_that_ends_before_its_answer_is_truncated() -> None:
    """The last piece is handed over nevertheless."""
    decoder = Words()
    decoder.feed(b"a b")
    assert (["b"], StreamTruncatedError) == (texts(decoder.finish()), kind(decoder))
    assert "after 2 events" in str(decoder.error)


def test_a_body_that_is_no_stream_is_an_answer() -> None:
    """In one chunk."""
    decoder = Words()
    assert [] == decoder.feed(b"{}")
    (chunk,) = decoder.finish()
    assert ("whole", "stop", {}) == (chunk.text, chunk.finish_reason, chunk.event)
    assert ("whole", True, 1) == (decoder.response().text, decoder.done, decoder.events)


def test_a_body_that_is_neither_is_a_failure() -> None:
    """No event has come."""
    decoder = Words()
    decoder.feed(b"{oops")
    assert ([], ResponseParsingError, 0, False) == (decoder.finish(), kind(decoder), decoder.events, decoder.done)


def test_a_whole_answer_says_all_in_a_chunk_a_choice() -> None:
    """The usage stands on the last."""
    call = ToolCall("c", FunctionCall("f", "{}"), type="custom")
    first = Choice(0, Message("assistant", "a", reasoning=(ReasoningBlock("hm"),), tool_calls=(call,)), "tool_calls", None)
    second = Choice(1, Message("assistant", "b", reasoning=(ReasoningBlock(""),)), "stop", "end")
    usage = Usage(prompt_tokens=1)
    one, two = chunks_of(ChatResponse(choices=(first, second), usage=usage), {"raw": 1})
    assert ChatChunk("a", "hm", (ToolCallDelta(0, "c", FunctionDelta("f", "{}"), "custom"),), "tool_calls", None, 0, None, {"raw": 1}) == one
    assert ChatChunk("b", None, (), "stop", usage, 1, "end", {"raw": 1}) == two


def test_a_replayed_stream_is_an_answer_or_its_error() -> None:
    """As a plain answer is read or refused."""
    assert "a." == replay(Words(), b"a .").text
    with pytest.raises(StreamTruncatedError):
        replay(Words(), b"a b")


class Letters(EventDecoder[ChatDialect, str]):
    """Each letter is a chunk; a full stop is the end, "?" is a failure that the event tells, "!" is none, and "," is odd."""

    def _read(self, pieces: Iterator[str], chunks: list[ChatChunk]) -> None:
        for piece in pieces:
            if piece == "!":
                raise ResponseParsingError("", "no letter")
            if piece == ",":
                raise KeyError(piece)
            self.done = piece == "."
            self.error = ApiError("", "asked") if piece == "?" else None
            chunks.append(ChatChunk(piece))
            if self.done or self.error is not None:
                return

    def _garbage(self, piece: str, error: Exception) -> ProviderError:
        return ApiError("", f"{piece!r} is odd after {self.events}: {type(error).__name__}")


@pytest.mark.parametrize(
    ("pieces", "said", "error"),
    [
        ("abc", "abc", None), ("ab.c", "ab.", None), ("a?bc", "a?", "asked"), ("ab!c", "ab", "no letter"), ("a,bc", "a", "',' is odd after 1: KeyError"),
        ("ab,", "ab", "',' is odd after 1: KeyError"), ("", "", None),
    ],
)  # fmt: skip
def test_events_are_read_up_to_the_one_that_ends_the_stream(pieces: str, said: str, error: str | None) -> None:
    """Those that were read are counted with it, and the ones behind it are not; an odd event is told by what was counted before."""
    decoder = Letters(ChatDialect(), "m", "r")
    decoder.events = 1
    assert list(said) == texts(decoder._take(list(pieces)))
    raised = error is not None and error != "asked"
    assert 1 + len(said) + raised == decoder.events
    assert error == (None if decoder.error is None else decoder.error.message)


class Named(NamedEventDecoder[ChatDialect]):
    """Knows of events called a and b."""

    _names = name_lines("a", "b")

    def _find_failure(self, value: object) -> ProviderError | None:
        return ApiError("", "told") if value == {"failed": True} else None


LINES = b'event: a\ndata: {"t": "event: b\\n"}\n\nevent: b\ndata: 1\n\nevent: c\ndata: event: a\n\n'


def test_lines_that_name_events_are_left_out() -> None:
    """Those that are known; a name within data is none of them."""
    wanted = b'data: {"t": "event: b\\n"}\n\ndata: 1\n\nevent: c\ndata: event: a\n\n'
    assert wanted == Named(ChatDialect(), "m", "r")._unnamed(LINES)


@pytest.mark.parametrize("size", range(1, 20))
def test_the_data_of_events_is_the_same_however_they_are_cut(size: int) -> None:
    """Half a line is left as it is, and so is what only looks like a line where the cut is."""
    decoder, sse = Named(ChatDialect(), "m", "r"), SSEDecoder()
    found = [data for start in range(0, len(LINES), size) for data in sse.feed(decoder._unnamed(LINES[start : start + size]))]
    assert [b'{"t": "event: b\\n"}', b"1", b"event: a"] == found


def test_an_event_of_another_shape_may_tell_of_a_failure() -> None:
    """Or be the end marker of another format, or not be understood."""
    decoder = Named(ChatDialect(), "m", "r")
    found = [decoder._garbage(payload, KeyError("type")) for payload in (b'{"failed": true}', b" [DONE]", b"{}", b"oops")]
    assert [ApiError, StreamTruncatedError, ResponseParsingError, ResponseParsingError] == [type(error) for error in found]


def test_what_is_not_understood_is_shown() -> None:
    """No more of it than 200 bytes, and what kind of thing it is."""
    error = not_understood(b"x" * 300, KeyError("type"), "m", "a line")
    assert (f"a line of the stream is not understood: '{'x' * 200}'", "m") == (error.message, error.model)
    assert "an event" in not_understood(b"", KeyError("type"), None).message


def test_a_decoder_must_say_how_it_reads() -> None:
    """The skeleton alone reads nothing."""
    bare: StreamDecoder[ChatDialect, bytes] = StreamDecoder(ChatDialect(), "m", "r")
    named: NamedEventDecoder[ChatDialect] = NamedEventDecoder(ChatDialect(), "m", "r")
    events: EventDecoder[ChatDialect, bytes] = EventDecoder(ChatDialect(), "m", "r")
    steps = (lambda: events._read(iter([]), []), lambda: events._garbage(b"", KeyError()))
    for step in (*steps, lambda: bare.feed(b"x"), bare.finish, bare.response, lambda: bare._take([]), lambda: bare._decode(b""), lambda: named._find_failure(0)):
        with pytest.raises(NotImplementedError):
            step()
