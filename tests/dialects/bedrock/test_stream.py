"""Streams of Converse: binary messages with checksums, in whatever pieces they come."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmclient import errors
from llmclient.dialects.bedrock.frames import FrameSplitter
from llmclient.dialects.openai import OpenAIChat
from llmclient.types.usage import Usage
from llmclient.wire.eventstream import EventStreamDecoder
from tests.dialects.bedrock.kit import DIALECT, answer, event, events, failure, frame, run

THOUGHT = {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "sig"}}}
CALL = {"toolUse": {"toolUseId": "t", "name": "add", "input": {"a": 1}}}
WHOLE = answer(THOUGHT, "héllo wörld", CALL, stop="tool_use")
RAW = b"".join(events(WHOLE))


def delta(value, index=0):
    """Return an event that brings a piece."""
    return event("contentBlockDelta", {"delta": value, "contentBlockIndex": index})


STOP = event("messageStop", {"stopReason": "end_turn"})
USAGE = event("metadata", {"usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3}, "metrics": {"latencyMs": 1}})


def test_chunks():
    """Thoughts, texts, calls in pieces; the reason once, and the usage on the last."""
    _, chunks = run(RAW)
    assert ["hm"] == [chunk.reasoning for chunk in chunks if chunk.reasoning]
    assert ["hé", "llo wörld"] == [chunk.text for chunk in chunks if chunk.text]
    pieces = [(piece.index, piece.id, piece.function.name, piece.function.arguments) for chunk in chunks for piece in chunk.tool_calls]
    assert [(0, "t", "add", ""), (0, None, None, '{"a'), (0, None, None, '": 1}')] == pieces
    assert [None] * 6 + ["tool_calls", None] == [chunk.finish_reason for chunk in chunks]
    assert [None] * 7 + [Usage(prompt_tokens=3, completion_tokens=5, total_tokens=8)] == [chunk.usage for chunk in chunks]


def test_a_chunk_holds_its_event():
    """Under the event's name, as it came."""
    _, chunks = run(delta({"text": "a"}) + STOP + USAGE)
    assert {"contentBlockDelta": {"delta": {"text": "a"}, "contentBlockIndex": 0, "p": "abcd"}} == chunks[0].event
    assert ["contentBlockDelta", "messageStop", "metadata"] == [next(iter(chunk.event)) for chunk in chunks]


@given(st.lists(st.integers(1, 400), min_size=1, max_size=8))
def test_any_split_gives_the_same(sizes):
    """Chunks, response and count of events."""
    whole, chunks = run(RAW)
    decoder, pieces, start, turn = DIALECT.stream("m", "req"), [], 0, 0
    while start < len(RAW):
        size = sizes[turn % len(sizes)]
        pieces += decoder.feed(RAW[start : start + size])
        start, turn = start + size, turn + 1
    pieces += decoder.finish()
    assert (chunks, whole.response(), whole.events) == (pieces, decoder.response(), decoder.events)


def test_one_byte_at_a_time():
    """The same once more."""
    assert run(RAW)[1] == run(RAW, size=1)[1]


@pytest.mark.parametrize("cut", range(len(events(WHOLE)) - 2))
def test_a_stream_that_ends_early_is_no_answer(cut):
    """At each border of messages, and within the next one."""
    frames = events(WHOLE)
    for more in (b"", frames[cut][:20]):
        decoder, chunks = run(b"".join(frames[:cut]) + more)
        assert isinstance(decoder.error, errors.StreamTruncatedError)
        assert (False, None) == (decoder.done, decoder.response().finish_reason)
        assert all(chunk.finish_reason is None and chunk.usage is None for chunk in chunks)


def test_the_reason_is_enough():
    """After it only the usage may be missing, but not half of a message."""
    decoder, _ = run(delta({"text": "a"}) + STOP)
    assert (True, None, "stop", None) == (decoder.done, decoder.error, decoder.response().finish_reason, decoder.response().usage)
    decoder, _ = run(delta({"text": "a"}) + STOP + USAGE[:-1])
    assert isinstance(decoder.error, errors.StreamTruncatedError)


def test_nothing_is_read_after_the_end():
    """The usage is the end, also where the reason follows it."""
    decoder, chunks = run(delta({"text": "a"}) + STOP + USAGE + delta({"text": "b"}) + failure("throttlingException"))
    assert (None, "a", 3) == (decoder.error, decoder.response().text, len(chunks))
    assert [] == decoder.feed(b"more")
    decoder, chunks = run(delta({"text": "a"}) + USAGE + STOP)
    assert (True, "stop", 2) == (decoder.done, decoder.response().finish_reason, decoder.response().usage.completion_tokens)


def test_usage_without_counts():
    """The end all the same."""
    decoder, chunks = run(delta({"text": "a"}) + STOP + event("metadata", {"metrics": {"latencyMs": 1}}))
    assert (True, None, 2) == (decoder.done, decoder.response().usage, len(chunks))


@pytest.mark.parametrize(
    ("kind", "expected", "status", "retryable"),
    [
        ("throttlingException", errors.RateLimitError, 429, True),
        ("validationException", errors.InvalidRequestError, 400, False),
        ("internalServerException", errors.ApiError, 500, True),
        ("serviceUnavailableException", errors.ProviderUnavailableError, 503, True),
        ("modelStreamErrorException", errors.ApiError, 424, False),
        ("modelTimeoutException", errors.RequestTimeoutError, 408, True),
        ("somethingNewException", errors.ApiError, 500, True),
    ],
)
def test_peers_39_failures_within_a_stream(kind, expected, status, retryable):
    """39: A message that is an exception becomes the error of its kind, after the chunks before it."""
    decoder, chunks = run(delta({"text": "a"}) + failure(kind, "so it is") + STOP + USAGE)
    error = decoder.error
    assert (expected, status, retryable, "so it is", kind) == (type(error), error.status, error.retryable, error.message, error.code)
    assert (["a"], False, "m") == ([chunk.text for chunk in chunks], decoder.done, error.model)


def test_the_status_of_the_model_behind():
    """A failure of the model that may pass is retryable."""
    decoder, _ = run(failure("modelStreamErrorException", originalStatusCode=503))
    assert (errors.ApiError, True) == (type(decoder.error), decoder.error.retryable)


def test_a_message_that_is_an_error():
    """Its code and text stand in headers."""
    decoder, _ = run(frame(b"", message_type="error", error_code="ThrottlingException", error_message="slow down"))
    assert (errors.RateLimitError, "slow down") == (type(decoder.error), decoder.error.message)
    decoder, _ = run(frame(b"", message_type="error"))
    assert isinstance(decoder.error, errors.ApiError)


def test_a_broken_beginning():
    """Nothing was handed over; what the end of the body would say is not asked for."""
    decoder, chunks = run(delta({"text": "a"})[:-1] + b"?" + STOP)
    assert (errors.ResponseParsingError, []) == (type(decoder.error), chunks)
    decoder, chunks = run(delta({"text": "a"}) + delta({"text": "b"})[:-1] + b"?")
    assert (errors.ResponseParsingError, ["a"]) == (type(decoder.error), [chunk.text for chunk in chunks])


def test_half_a_call_is_kept_as_no_call():
    """Where the blocks must go back as they came: the text is the model's, the arguments were cut off."""
    start = event("contentBlockStart", {"start": {"toolUse": {"toolUseId": "t", "name": "f"}}, "contentBlockIndex": 0})
    body = start + delta({"toolUse": {"input": '{"a'}}) + delta({"text": "so"}, 1)
    response = run(body + event("messageStop", {"stopReason": "max_tokens"}) + USAGE)[0].response()
    assert ('{"a', "length") == (response.tool_calls[0].function.arguments, response.finish_reason)
    assert {"toolUse": {"toolUseId": "t", "name": "f", "input": {}}} == response.message.provider_state.data["content"][0]


@pytest.mark.parametrize("position", [0, 5, 9, 30, -1, -10])
def test_peers_39_a_wrong_checksum_is_an_error(position):
    """39: Whatever byte of a message was changed; the chunks before it are handed over."""
    second = bytearray(delta({"text": "b"}))
    second[position] ^= 1
    decoder, chunks = run(delta({"text": "a"}) + bytes(second) + STOP + USAGE)
    assert isinstance(decoder.error, (errors.ResponseParsingError, errors.StreamTruncatedError))
    assert (["a"], "a", False) == ([chunk.text for chunk in chunks], decoder.response().text, decoder.done)


@pytest.mark.parametrize(
    "message",
    [
        delta({"text": 1}),
        delta([]) + delta([1]),
        delta({"toolUse": {"input": "{}"}}),
        delta({"toolUse": "x"}),
        event("contentBlockStart", {"start": {"toolUse": {"toolUseId": "t"}}, "contentBlockIndex": 0}),
        event("contentBlockStart", {"start": {"toolUse": {"toolUseId": "t", "name": 1}}, "contentBlockIndex": 0}),
        event("contentBlockStart", {"start": {"toolUse": "t"}, "contentBlockIndex": 0}),
        event("contentBlockDelta", b"{"),
        event("contentBlockDelta", b"[]"),
        event("messageStop", {}),
    ],
)
def test_events_that_are_not_understood(message):
    """A parsing error, after the chunks before it."""
    decoder, chunks = run(delta({"text": "a"}, 1) + message + STOP + USAGE)
    assert (errors.ResponseParsingError, ["a"]) == (type(decoder.error), [chunk.text for chunk in chunks])


def test_events_that_say_nothing_are_passed_over():
    """Unknown ones, and those with nothing in them: they count, and give no chunk."""
    empty = event("contentBlockStart", {"start": {}, "contentBlockIndex": 0}) + delta({})
    decoder, chunks = run(event("somethingNew", {"a": 1}) + empty + delta({"text": "a"}) + STOP + USAGE)
    assert (None, 6, 3, "a") == (decoder.error, decoder.events, len(chunks), decoder.response().text)


def test_pieces_without_text_give_no_chunk():
    """Signatures, hidden thoughts, citations, empty pieces."""
    body = delta({"reasoningContent": {"signature": "s"}}) + delta({"text": ""}, 1) + delta({"text": ""}, 1) + delta({"citation": {"title": "x"}}, 1)
    decoder, chunks = run(body + STOP + USAGE)
    assert 2 == len(chunks)
    assert ("s", ({"title": "x"},)) == (decoder.response().message.reasoning[0].signature, decoder.response().message.annotations)


def test_a_block_of_another_kind_at_the_same_place():
    """It is a block of its own."""
    body = delta({"reasoningContent": {"text": "hm"}}) + delta({"text": "a"}) + delta({"text": "b"})
    decoder, _ = run(body + STOP + USAGE)
    assert ("hm", "ab") == (decoder.response().reasoning, decoder.response().text)


def test_hidden_thoughts_in_pieces():
    """Each was encoded by itself; what is no base64 is joined as it came."""
    for pieces, whole in ((("eA==", "eQ=="), "eHk="), (("e", "A"), "eA")):
        body = b"".join(delta({"reasoningContent": {"redactedContent": piece}}) for piece in pieces)
        assert whole == run(body + delta({"text": "a"}, 1) + STOP + USAGE)[0].response().message.reasoning[0].redacted


def test_kinds_of_blocks_that_come_later_than_this_code():
    """What they bring is kept to be sent back."""
    start = event("contentBlockStart", {"start": {"image": {"format": "png"}}, "contentBlockIndex": 0})
    decoder, _ = run(start + delta({"image": {"source": {"bytes": "AAAA"}}}) + STOP + USAGE)
    assert [{"image": {"format": "png", "source": {"bytes": "AAAA"}}}] == decoder.response().message.provider_state.data["content"]


def test_a_whole_answer_where_a_stream_was_asked_for():
    """It is one chunk, whatever blanks stand before it; a failure is an error."""
    decoder, chunks = run(b"\n " + json.dumps(WHOLE).encode(), size=7)
    assert (None, True, 1, 1) == (decoder.error, decoder.done, len(chunks), decoder.events)
    assert ("héllo wörld", "hm", "tool_calls", "t") == (chunks[0].text, chunks[0].reasoning, chunks[0].finish_reason, chunks[0].tool_calls[0].id)
    assert decoder.response() == DIALECT.decode(json.dumps(WHOLE).encode(), "m", "req")
    decoder, chunks = run(b'{"message": "The security token is wrong", "__type": "UnrecognizedClientException"}')
    assert (errors.AuthenticationError, []) == (type(decoder.error), chunks)


def test_a_text_without_end(monkeypatch):
    """It is given up at a limit."""
    monkeypatch.setattr("llmclient.dialects.bedrock.stream._WHOLE_LIMIT", 10)
    decoder, _ = run(b"<html>" + b"x" * 20, size=3)
    assert (errors.ResponseParsingError, "") == (type(decoder.error), decoder.response().text)


def test_an_empty_body():
    """No answer at all."""
    decoder, chunks = run(b"")
    assert (errors.StreamTruncatedError, [], 0) == (type(decoder.error), chunks, decoder.events)


# Frames.


@given(st.lists(st.binary(max_size=50), max_size=5), st.integers(1, 60))
def test_frames_are_those_of_the_plain_decoder(payloads, size):
    """The quick way gives the same messages as the thorough one, however the bytes are split."""
    raw = b"".join(frame(payload, event_type=f"e{number % 2}") for number, payload in enumerate(payloads))
    quick, plain = FrameSplitter(), EventStreamDecoder()
    pieces = [raw[start : start + size] for start in range(0, len(raw), size)]
    assert [message for piece in pieces for message in plain.feed(piece)] == [found for piece in pieces for found in quick.feed(piece)]
    assert (False, False) == (quick.finish(), plain.finish())


def test_a_failure_waits_until_the_messages_before_it_were_taken():
    """Then every call raises."""
    splitter = FrameSplitter()
    broken = bytearray(frame(b"x", event_type="e"))
    broken[-1] ^= 1
    assert 1 == len(splitter.feed(frame(b"a", event_type="e") + bytes(broken)))
    for call in (lambda: splitter.feed(b"x"), splitter.finish):
        with pytest.raises(errors.ResponseParsingError, match="checksum"):
            call()


def test_impossible_lengths():
    """They are refused before anything is waited for."""
    for raw in (b"\x7f\xff\xff\xff" + frame(b"", event_type="e")[4:], b"\0" * 12):
        with pytest.raises(errors.ResponseParsingError):
            FrameSplitter().feed(raw)


@pytest.mark.slow
def test_speed():
    """A long stream takes no more than half as long again as one of OpenAI's."""
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [{"index": 0, "delta": {"content": "word "}, "finish_reason": None}]}
    theirs = b"".join(f"data: {json.dumps(chunk)}\n\n".encode() for _ in range(2000))
    ours = b"".join(delta({"text": f"word{number} "}) for number in range(2000)) + STOP + USAGE

    def lasts(dialect, body):
        started = time.perf_counter()
        decoder = dialect.stream("m", "r")
        for start in range(0, len(body), 1 << 16):
            decoder.feed(body[start : start + (1 << 16)])
        return time.perf_counter() - started

    ratios = [lasts(DIALECT, ours) / lasts(OpenAIChat(), theirs) for _ in range(30)]
    assert min(ratios) < 1.5


def test_fields_beside_the_one_that_counts():
    """In the start of a block, and in its pieces."""
    start = {"start": {"toolResult": None, "toolUse": {"toolUseId": "t", "name": "add"}}, "contentBlockIndex": 1}
    pieces = [delta({"toolUse": None, "text": "a"}), event("contentBlockStart", start), delta({"text": None, "toolUse": {"input": "{}"}}, 1)]
    decoder, _ = run(b"".join([*pieces, STOP, USAGE]))
    assert ("a", "add", "{}") == (decoder.response().text, *next((call.function.name, call.function.arguments) for call in decoder.response().tool_calls))
