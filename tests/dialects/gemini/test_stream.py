"""Streams from Google."""

from __future__ import annotations

import itertools
import json
from typing import Any

import hypothesis
import hypothesis.strategies as st
import pytest

from llmclient.errors import ApiError, AuthenticationError, ContentFilteredError, ProviderError, RateLimitError, ResponseParsingError, StreamTruncatedError
from llmclient.types.messages import Image
from tests.dialects.gemini.kit import GEMINI, answer, call, decode, event, sse, stream, text

USAGE = {"promptTokenCount": 5, "candidatesTokenCount": 2, "totalTokenCount": 7}
HELLO = [event(text("Hel"), usageMetadata={"promptTokenCount": 5}), event(text("lo"), finish="STOP", usageMetadata=USAGE)]


def failure(raw: bytes) -> tuple[str, ProviderError]:
    """Return the text before a stream's failure, and the failure."""
    decoder = GEMINI.stream("m", "req")
    chunks = decoder.feed(raw)
    if decoder.error is None:
        chunks += decoder.finish()
    assert decoder.error is not None
    return "".join(chunk.text for chunk in chunks), decoder.error


def test_pieces_of_text_are_chunks() -> None:
    """Deltas, not totals; one reason, and one usage at the end."""
    chunks, response = stream(sse(*HELLO))
    assert ["Hel", "lo", ""] == [chunk.text for chunk in chunks]
    assert [None, None, "stop"] == [chunk.finish_reason for chunk in chunks]
    assert [None, None, "STOP"] == [chunk.finish_reason_raw for chunk in chunks]
    assert [False, False, True] == [chunk.usage is not None for chunk in chunks]
    assert HELLO[0] == chunks[0].event
    assert HELLO[1] == chunks[2].event
    assert ("Hello", "stop", 7) == (response.text, response.finish_reason, response.usage and response.usage.total_tokens)


def test_a_stream_gives_what_a_plain_call_gives() -> None:
    """Text, thoughts, signatures, calls, pictures, sources, usage: all of it."""
    picture = {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}
    events = [
        event(text("hm ", thought=True), usageMetadata={"promptTokenCount": 5, "thoughtsTokenCount": 3}),
        event(text("aha", thought=True)),
        event(text("Hel")),
        event(text("lo")),
        event(text("!", thoughtSignature="c2ln")),
        event(picture, text("Bye")),
        event(call("f", {"a": 1}, signature="c2ln"), call("g", id="own")),
        {**event(finish="STOP"), "usageMetadata": USAGE},
    ]
    events[-1]["candidates"][0] |= {"groundingMetadata": {"a": 1}, "avgLogprobs": -1.5}
    whole = answer(text("hm aha", thought=True), text("Hello"), text("!", thoughtSignature="c2ln"), picture, text("Bye"), *events[6]["candidates"][0]["content"]["parts"])
    whole["candidates"][0] |= {"groundingMetadata": {"a": 1}, "avgLogprobs": -1.5}
    whole["usageMetadata"] = {**USAGE, "thoughtsTokenCount": 3}
    chunks, response = stream(sse(*events))
    assert decode(whole) == response
    assert response.text == "".join(chunk.text for chunk in chunks)
    assert response.reasoning == "".join(chunk.reasoning or "" for chunk in chunks)


def test_calls_come_whole() -> None:
    """Keyed by our own order, in one chunk with what else the event holds."""
    chunks, response = stream(sse(event(text("x"), call("f", {"a": 1}), call("g")), event(call("h", id="own"), finish="STOP")))
    pieces = [piece for chunk in chunks for piece in chunk.tool_calls]
    assert [(0, "f", '{"a":1}'), (1, "g", "{}"), (2, "h", "{}")] == [(piece.index, piece.function.name, piece.function.arguments) for piece in pieces]
    assert [made.id for made in response.tool_calls] == [piece.id for piece in pieces]
    assert "tool_calls" == chunks[-1].finish_reason == response.finish_reason


def piece(path: str = "", more: bool = False, name: str | None = None, **value: Any) -> dict[str, Any]:
    """Return a part with a piece of a call."""
    held: dict[str, Any] = {"name": name} if name else {}
    if path:
        held["partialArgs"] = [{"jsonPath": path, **value}]
    return {"functionCall": {**held, **({"willContinue": True} if more else {})}}


def test_a_call_in_pieces_is_put_together() -> None:
    """Strings go on, paths lead into objects and lists, and the arguments come when they are whole."""
    events = [
        event({**piece(name="f", more=True), "thoughtSignature": "c2ln"}),
        event(piece("$.city", more=True, stringValue="San ")),
        event(piece("$.city", more=True, stringValue="Francisco")),
        event(piece("$.lines[0].n", more=True, numberValue=1)),
        event(piece("$.lines[1]['a key']", more=True, boolValue=True)),
        event(piece('$["b"]', more=True, nullValue="NULL_VALUE")),
        event({"functionCall": {}}),
        event(piece("$.x", name="g", stringValue="y"), finish="STOP"),
    ]
    chunks, response = stream(sse(*events))
    first, second = response.tool_calls
    assert {"city": "San Francisco", "lines": [{"n": 1}, {"a key": True}], "b": None} == first.parse()
    assert {"x": "y"} == second.parse()
    pieces = [each for chunk in chunks for each in chunk.tool_calls]
    assert [(0, "f"), (0, None), (1, "g"), (1, None)] == [(each.index, each.function.name) for each in pieces]
    assert [first.id, None, second.id, None] == [each.id for each in pieces]
    assert first.function.arguments == pieces[0].function.arguments + pieces[1].function.arguments
    state = response.message.provider_state
    assert state is not None
    assert {"functionCall": {"name": "f", "args": first.parse()}, "thoughtSignature": "c2ln"} == state.data["parts"][0]


def test_a_call_in_pieces_that_is_cut_off_says_what_it_has() -> None:
    """The cap came within the arguments."""
    chunks, response = stream(sse(event(piece("$.a", name="f", more=True, stringValue="x")), event(finish="MAX_TOKENS")))
    assert ("length", {"a": "x"}) == (response.finish_reason, response.tool_calls[0].parse())
    assert "length" == chunks[-1].finish_reason


def test_a_call_that_begins_ends_the_one_before() -> None:
    """Even where its end was not said."""
    _, response = stream(sse(event(piece(name="f", more=True)), event(call("g", {"b": 1}), finish="STOP")))
    assert [("f", {}), ("g", {"b": 1})] == [(each.function.name, each.parse()) for each in response.tool_calls]


@pytest.mark.parametrize(
    "parts",
    [
        [piece("$.a", stringValue="x")],
        [piece("oops", name="f", stringValue="x")],
        [piece("$.a[5]", name="f", stringValue="x")],
        [piece("$.a[0]", name="f", more=True, stringValue="x"), piece("$.a.b", more=True, stringValue="y")],
        ["x"],
    ],
    ids=["nameless", "path", "gap", "kinds", "string"],
)
def test_pieces_that_do_not_fit_are_told(parts: list[Any]) -> None:
    """Never a crash."""
    _, error = failure(sse(event(*parts)))
    assert isinstance(error, ResponseParsingError)


def test_candidates_are_told_apart() -> None:
    """Each has its text and its reason."""
    both = {"candidates": [{"content": {"parts": [text("a")]}, "finishReason": "STOP"}, {"index": 1, "content": {"parts": [text("b")]}}]}
    chunks, response = stream(sse(both, {"candidates": [{"index": 1, "content": {"parts": [text("c")]}, "finishReason": "MAX_TOKENS"}]}))
    assert [(0, "a"), (1, "b"), (1, "c"), (0, ""), (1, "")] == [(chunk.index, chunk.text) for chunk in chunks]
    assert [(0, "stop"), (1, "length")] == [(chunk.index, chunk.finish_reason) for chunk in chunks if chunk.finish_reason]
    assert [("a", "stop"), ("bc", "length")] == [(choice.message.text, choice.finish_reason) for choice in response.choices]


@pytest.mark.parametrize(("last", "reason"), [(event(finish="RECITATION"), "content_filter"), (event(call("f"), finish="STOP"), "tool_calls")])
def test_a_reason_that_changes_is_told_when_it_is_final(last: dict[str, Any], reason: str) -> None:
    """Some models say STOP with every event; the last one may take it back."""
    chunks, response = stream(sse(event(text("a"), finish="STOP"), event(text("b"), finish="STOP"), last))
    assert [reason] == [chunk.finish_reason for chunk in chunks if chunk.finish_reason] == [chunks[-1].finish_reason] == [response.finish_reason]
    assert "ab" == "".join(chunk.text for chunk in chunks) == response.text


def test_a_failure_after_a_reason_leaves_no_reason() -> None:
    """Whoever stops at the first reason would take the answer for complete."""
    decoder = GEMINI.stream("m", "req")
    chunks = decoder.feed(sse(event(text("a"), finish="STOP"), {"error": {"code": 500, "message": "broken", "status": "INTERNAL"}}))
    assert isinstance(decoder.error, ApiError)
    assert [("a", None)] == [(chunk.text, chunk.finish_reason) for chunk in chunks]


def test_events_that_say_nothing_give_no_chunk_but_count() -> None:
    """They show that the provider is alive."""
    decoder = GEMINI.stream("m", "req")
    assert [] == decoder.feed(sse({"usageMetadata": {"trafficType": "ON_DEMAND"}}, event(), {"candidates": [{"content": None, "index": 0}]}, event(text(""))))
    assert 4 == decoder.events


def test_a_picture_gives_a_chunk() -> None:
    """Its event holds it."""
    picture = {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}
    chunks, response = stream(sse(event(picture), event(finish="STOP")))
    assert ["", ""] == [chunk.text for chunk in chunks]
    assert picture == chunks[0].event["candidates"][0]["content"]["parts"][0]
    assert isinstance(response.message.parts[0], Image)


def test_running_usage_is_kept_and_told_once() -> None:
    """The last of each count, also over many events of one shape and some of another."""
    events = [event(text("x"), usageMetadata={"promptTokenCount": 5, "candidatesTokenCount": number, "totalTokenCount": number + 5}) for number in range(1, 30)]
    events.insert(10, event(text("x"), usageMetadata={"thoughtsTokenCount": 4}))
    events.append(event(finish="STOP", usageMetadata={"trafficType": "ON_DEMAND"}))
    chunks, response = stream(sse(*events))
    (usage,) = [chunk.usage for chunk in chunks if chunk.usage is not None]
    assert (5, 33, 34, 4) == (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens, usage.reasoning_tokens)
    assert usage == response.usage


def test_the_last_details_of_usage_count() -> None:
    """However the events are cut into reads, and whatever their shape."""
    events = [event(text("x"), usageMetadata={"promptTokenCount": 9, "promptTokensDetails": []}) for _ in range(3)]
    rows = [{"modality": "IMAGE", "tokenCount": 7}]
    raw = sse(*events, event(text("y"), finish="STOP", usageMetadata={"promptTokenCount": 9, "promptTokensDetails": rows}))
    assert [7, 7] == [found.usage and found.usage.image_tokens for found in (stream(raw)[1], stream(raw, size=40)[1])]


def test_log_probabilities_come_token_by_token() -> None:
    """They are joined."""
    events = [event(text("a")), event(text("b"), finish="STOP")]
    for each, token in zip(events, "ab", strict=True):
        each["candidates"][0]["logprobsResult"] = {"chosenCandidates": [{"token": token, "logProbability": -1}]}
    _, response = stream(sse(*events))
    logprobs = response.choices[0].logprobs
    assert logprobs is not None
    assert ["a", "b"] == [row["token"] for row in logprobs["content"]]


def test_numbers_of_any_size_stay_exact_in_arguments() -> None:
    """As in plain answers."""
    _, response = stream(sse(event(call("f", {"n": 123456789012345678901234567890}), finish="STOP")))
    assert {"n": 123456789012345678901234567890} == response.tool_calls[0].parse()


# Framing.

FRAMES = {
    "crlf": sse(*HELLO),
    "lf": sse(*HELLO).replace(b"\r\n", b"\n"),
    "cr": sse(*HELLO).replace(b"\r\n", b"\r"),
    "comments": b": hi\r\n\r\n" + sse(*HELLO),
    "blank": b"\r\n\r\n" + sse(*HELLO),
    "mark": b"\xef\xbb\xbf" + sse(*HELLO),
    "unended": sse(*HELLO)[:-4],
    "half-ended": sse(*HELLO)[:-2],
    "mixed": sse(HELLO[0]) + sse(HELLO[1]).replace(b"\r\n", b"\n"),
    "events": sse(HELLO[0]) + b"event: x\r\n" + sse(HELLO[1]),
    "no-blank-lines": sse(*HELLO).replace(b"\r\n\r\n", b"\n"),
    "pretty": b"".join(b"data: " + line + b"\r\n" for each in HELLO for line in [*json.dumps(each, indent=1).encode().split(b"\n"), b""][:-1]) and b"".join(
        b"".join(b"data: " + line + b"\r\n" for line in json.dumps(each, indent=1).encode().split(b"\n")) + b"\r\n" for each in HELLO
    ),
    "array": json.dumps(HELLO, indent=2).encode().replace(b"\n  {", b"\r\n{"),
    "one": json.dumps(answer(text("Hello"), usageMetadata=USAGE)).encode(),
    "tight": json.dumps(HELLO, separators=(",", ":")).encode(),
}  # fmt: skip


@pytest.mark.parametrize("size", [None, 1, 2, 7, 64])
@pytest.mark.parametrize("name", FRAMES)
def test_each_framing_is_read_however_it_is_cut(name: str, size: int | None) -> None:
    """Line ends, comments, JSON arrays, one whole answer: the same text and usage come out."""
    chunks, response = stream(FRAMES[name], size=size)
    assert ("Hello", "stop") == (response.text, response.finish_reason)
    assert "Hello" == "".join(chunk.text for chunk in chunks)
    assert USAGE["totalTokenCount"] == (response.usage and response.usage.total_tokens)


def test_strings_in_an_array_may_hold_anything() -> None:
    """Braces, brackets, quotes and backslashes are no structure there."""
    words = 'a } ] { " \\ \\" é'
    _, response = stream(json.dumps([event(text(words)), event(finish="STOP")]).encode(), size=3)
    assert words == response.text


@hypothesis.given(cuts=st.lists(st.integers(0, 700), max_size=8), name=st.sampled_from(["crlf", "lf", "mixed", "array", "comments"]))
def test_no_cut_changes_the_answer(cuts: list[int], name: str) -> None:
    """Wherever the network puts them."""
    raw = FRAMES[name]
    decoder = GEMINI.stream("gemini-2.5-flash", "req")
    places = sorted({0, *(min(cut, len(raw)) for cut in cuts), len(raw)})
    chunks = [chunk for start, end in itertools.pairwise(places) for chunk in decoder.feed(raw[start:end])] + decoder.finish()
    assert decoder.error is None
    assert (stream(raw)[0], stream(raw)[1]) == (chunks, decoder.response())


# Ends and failures.


def test_a_stream_is_complete_at_its_end_only() -> None:
    """There is no end marker, so it is never done before."""
    decoder = GEMINI.stream("m", "req")
    decoder.feed(sse(*HELLO))
    assert not decoder.done
    assert decoder.error is None
    assert decoder.finish()
    assert ([], []) == (decoder.feed(sse(*HELLO)), decoder.finish())


@pytest.mark.parametrize("raw", [sse(HELLO[0]), sse(HELLO[0])[:40], b"", b"\r\n", b": hi\n\n", sse({"usageMetadata": USAGE}), json.dumps(HELLO).encode()[:90]])
def test_a_stream_without_a_reason_is_truncated(raw: bytes) -> None:
    """Never a complete answer."""
    _, error = failure(raw)
    assert isinstance(error, StreamTruncatedError | ResponseParsingError)


def test_a_truncated_stream_keeps_what_came() -> None:
    """Without a reason and as an incomplete answer."""
    decoder = GEMINI.stream("m", "req")
    decoder.feed(sse(HELLO[0]))
    decoder.finish()
    assert isinstance(decoder.error, StreamTruncatedError)
    assert ("Hel", None) == (decoder.response().text, decoder.response().finish_reason)


def test_one_of_two_candidates_without_a_reason_is_truncation() -> None:
    """Each must have ended."""
    _, error = failure(sse({"candidates": [{"content": {"parts": [text("a")]}, "finishReason": "STOP"}, {"index": 1, "content": {"parts": [text("b")]}}]}))
    assert isinstance(error, StreamTruncatedError)


def test_an_error_comes_after_the_chunks_before_it() -> None:
    """With its own class."""
    said, error = failure(sse(HELLO[0], {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "slow"}}, HELLO[1]))
    assert "Hel" == said
    assert isinstance(error, RateLimitError)


def test_an_error_document_in_place_of_a_stream_is_the_error() -> None:
    """Google sends it as text/event-stream; as an array, too."""
    document = {"error": {"code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT", "details": [{"reason": "API_KEY_INVALID"}]}}
    for raw in (json.dumps(document, indent=2).encode(), json.dumps([document]).encode(), sse(document)):
        _, error = failure(raw)
        assert isinstance(error, AuthenticationError)


def test_a_blocked_prompt_is_an_error() -> None:
    """As in a plain answer."""
    _, error = failure(sse({"promptFeedback": {"blockReason": "SAFETY"}}))
    assert isinstance(error, ContentFilteredError)


def test_a_blocked_answer_is_an_answer() -> None:
    """What had come before stays."""
    _, response = stream(sse(HELLO[0], event(finish="SAFETY")))
    assert ("Hel", "content_filter") == (response.text, response.finish_reason)


def test_a_failure_without_content_is_an_error() -> None:
    """With content, thoughts aside, it is an answer with that reason."""
    said, error = failure(sse(event(text("hm", thought=True)), event(finish="MALFORMED_FUNCTION_CALL")))
    assert ("", True) == (said, isinstance(error, ApiError))
    _, response = stream(sse(HELLO[0], event(finish="MALFORMED_FUNCTION_CALL")))
    assert "error" == response.finish_reason


@pytest.mark.parametrize(
    "raw",
    [b"data: oops\r\n\r\n", b"data: [1]\r\n\r\n", sse({"candidates": [7]}), b"<html>502 Bad Gateway</html>", b"Service Unavailable", b"{oops}"],
)
def test_garbage_is_told_as_such(raw: bytes) -> None:
    """After the chunks before it."""
    _, error = failure(raw)
    assert isinstance(error, ResponseParsingError)
    said, error = failure(sse(HELLO[0]) + raw) if raw.startswith(b"data") else ("Hel", error)
    assert ("Hel", True) == (said, isinstance(error, ResponseParsingError))


def test_a_page_in_pieces_is_shown_by_its_start() -> None:
    """Only so much of it is kept."""
    decoder = GEMINI.stream("m", "req")
    decoder.feed(b"<html>")
    decoder.feed(b"x" * 5000)
    decoder.feed(b"y" * 5000)
    decoder.finish()
    assert decoder.error is not None
    assert "<html>xxx" in decoder.error.message


def test_nothing_is_read_after_a_failure() -> None:
    """The stream is over."""
    decoder = GEMINI.stream("m", "req")
    decoder.feed(b"data: oops\r\n\r\n")
    assert ([], []) == (decoder.feed(sse(*HELLO)), decoder.finish())
