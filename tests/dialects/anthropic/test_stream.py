"""Streams of the Messages API: any cut gives the same chunks, and no cut-off answer counts as whole."""

import copy
import functools
import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmclient.dialects.anthropic import AnthropicMessages
from llmclient.errors import ApiError, ProviderError, ProviderUnavailableError, RateLimitError, ResponseParsingError, StreamTruncatedError
from tests.dialects.anthropic.kit import decode, events, message, run, wire

CALL = {"type": "tool_use", "id": "t1", "name": "add", "input": {"a": 1, "b": "ü"}}
OTHER = {"type": "tool_use", "id": "t2", "name": "now", "input": {}}
THOUGHT = {"type": "thinking", "thinking": "hm hm", "signature": "sig"}
HIDDEN = {"type": "redacted_thinking", "data": "xyz"}
SERVER = {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "x"}}
FOUND = {"type": "web_search_tool_result", "tool_use_id": "s1", "content": [{"type": "web_search_result", "url": "u"}]}
CITED = {"type": "text", "text": "so", "citations": [{"type": "web_search_result_location", "url": "u"}]}
RICH = message(THOUGHT, HIDDEN, "I ", SERVER, FOUND, CITED, CALL, OTHER, stop="tool_use", container={"id": "c"})
ANSWERS = {
    "text": message("hello"),
    "thought": message(THOUGHT, "so"),
    "calls": message("I add.", CALL, OTHER, stop="tool_use"),
    "rich": RICH,
    "nothing": message(),
    "refusal": message("no", stop="refusal"),
}


def normal(response):
    """Return a response with the arguments of its calls parsed: a stream keeps the text as it came."""
    value = response.to_dict()
    for choice in value["choices"]:
        for call in choice["message"].get("tool_calls", ()):
            call["function"]["arguments"] = json.loads(call["function"]["arguments"])
    return value


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_a_stream_gives_the_response_of_a_plain_call(answer):
    """Text, thoughts, calls, finish reason, usage, state and odd fields."""
    decoder, chunks = run(wire(*events(answer)))
    assert decoder.error is None
    assert decoder.done
    assert normal(decode(answer)) == normal(decoder.response())
    assert decode(answer).text == "".join(chunk.text for chunk in chunks)
    assert (decode(answer).reasoning or "") == "".join(chunk.reasoning or "" for chunk in chunks)


def test_calls_are_keyed_by_our_own_order():
    """Whatever blocks stand before them; id and name come once, and the pieces are the arguments."""
    _, chunks = run(wire(*events(RICH)))
    pieces = [piece for chunk in chunks for piece in chunk.tool_calls]
    assert {0, 1} == {piece.index for piece in pieces}
    assert [(0, "t1", "add"), (1, "t2", "now")] == [(piece.index, piece.id, piece.function.name) for piece in pieces if piece.id or piece.function.name]
    assert CALL["input"] == json.loads("".join(piece.function.arguments for piece in pieces if piece.index == 0))
    assert "{}" == "".join(piece.function.arguments for piece in pieces if piece.index == 1)


def test_arguments_that_come_at_once_are_given():
    """Some hosts put the whole input into the start of its block."""
    start = {"type": "content_block_start", "index": 0, "content_block": CALL}
    raw = events(message(CALL, stop="tool_use"))
    raw = [event if event["type"] != "content_block_start" else start for event in raw if event["type"] != "content_block_delta"]
    decoder, chunks = run(wire(*raw))
    assert CALL["input"] == decoder.response().tool_calls[0].parse()
    assert CALL["input"] == json.loads("".join(piece.function.arguments for chunk in chunks for piece in chunk.tool_calls))


def test_finish_reason_and_usage_come_once_and_last():
    """Both stand on the last chunk, which nothing follows."""
    _, chunks = run(wire(*events(RICH)))
    assert ["tool_calls"] == [chunk.finish_reason for chunk in chunks if chunk.finish_reason]
    assert ["tool_use"] == [chunk.finish_reason_raw for chunk in chunks if chunk.finish_reason_raw]
    assert [chunks[-1].usage] == [chunk.usage for chunk in chunks if chunk.usage]
    assert "tool_calls" == chunks[-1].finish_reason
    assert "message_delta" == chunks[-1].event["type"]


def test_peers_25_usage_is_merged_from_both_events():
    """The input comes with the start unless the end says better; counts are totals, and null says nothing."""
    raw = events(message("x", usage={"input_tokens": 3, "cache_read_input_tokens": 10, "cache_creation": {"ephemeral_1h_input_tokens": 0}, "output_tokens": 9}))
    decoder, _ = run(wire(*raw))
    usage = decoder.response().usage
    assert (13, 9, 10, 0) == (usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens, usage.cache_write_1h_tokens)
    raw[-2]["usage"] = {"input_tokens": 40, "cache_read_input_tokens": None, "output_tokens": 9}
    decoder, _ = run(wire(*raw))
    assert (50, 10) == (decoder.response().usage.prompt_tokens, decoder.response().usage.cached_tokens)
    raw[-2]["usage"] = None
    assert (13, 1) == (run(wire(*raw))[1][-1].usage.prompt_tokens, run(wire(*raw))[1][-1].usage.completion_tokens)


def test_usage_within_the_delta_counts():
    """Where Anthropic's documentation once had it, and some hosts still do."""
    whole = events(message("x"))
    for event in whole:
        if event["type"] == "message_delta":
            event["delta"]["usage"] = {**event.pop("usage"), "output_tokens": 15}
    decoder, _ = run(wire(*whole))
    assert 15 == decoder.response().usage.completion_tokens
    assert decoder.response().usage.prompt_tokens is not None
    assert "usage" not in decoder.response().extra


def test_several_events_may_tell_the_end():
    """The last one counts, and the reason is still told once."""
    raw = events(message("x"))
    early = {"type": "message_delta", "delta": {"stop_reason": "max_tokens"}, "usage": {"output_tokens": 1}, "context_management": {"applied_edits": []}}
    decoder, chunks = run(wire(*raw[:-2], early, *raw[-2:]))
    assert ["stop"] == [chunk.finish_reason for chunk in chunks if chunk.finish_reason]
    assert 5 == chunks[-1].usage.completion_tokens
    assert {"context_management": {"applied_edits": []}} == decoder.response().extra


def test_an_end_without_a_reason_is_unknown():
    """The message has ended, though nobody says why."""
    raw = [event for event in events(message("x")) if event["type"] != "message_delta"]
    decoder, chunks = run(wire(*raw))
    assert ("unknown", None) == (decoder.response().finish_reason, decoder.error)
    assert "message_stop" == chunks[-1].event["type"]
    assert 3 == chunks[-1].usage.prompt_tokens


def test_events_are_counted_and_comments_are_not():
    """Pings count, since they are events; what says nothing gives no chunk."""
    decoder, chunks = run(b": hello\n\n" + wire(*events(message("hello"))))
    assert len(events(message("hello"))) == decoder.events
    assert ["he", "llo"] == [chunk.text for chunk in chunks if chunk.text]
    assert all(chunk.text or chunk.finish_reason for chunk in chunks)


def test_what_follows_the_end_is_ignored():
    """A gateway adds [DONE]."""
    raw = wire(*events(message("hello"))) + b"event: data\ndata: [DONE]\n\n"
    decoder, chunks = run(raw)
    assert (True, None) == (decoder.done, decoder.error)
    assert [] == decoder.feed(raw)
    assert [] == decoder.finish()
    assert "hello" == "".join(chunk.text for chunk in chunks)


# Any cut.

RAW = wire(*events(RICH))


def seen(chunks):
    """Return what chunks bring, without how it was cut."""
    return [(chunk.text, chunk.reasoning, chunk.tool_calls, chunk.finish_reason, chunk.usage) for chunk in chunks]


WHOLE = run(RAW)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 1000])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])
def test_peers_68_any_split_gives_the_same_chunks(size, end):
    """Wherever reads are cut, and whatever ends lines."""
    decoder, chunks = run(RAW.replace(b"\n", end), size=size)
    assert seen(WHOLE[1]) == seen(chunks)
    assert WHOLE[0].response() == decoder.response()
    assert WHOLE[0].events == decoder.events


@given(st.lists(st.integers(1, 400), min_size=1, max_size=30))
def test_peers_68_any_uneven_split_gives_the_same_chunks(sizes):
    """Reads of any length."""
    decoder = AnthropicMessages(provider="acme").stream("m", "req")
    chunks, start = [], 0
    while start < len(RAW):
        size = sizes[start % len(sizes)]
        chunks += decoder.feed(RAW[start : start + size])
        start += size
    assert seen(WHOLE[1]) == seen(chunks + decoder.finish())


def test_events_without_names():
    """The data of each event is enough."""
    raw = b"".join(b"data:" + line[6:] + b"\n\n" for line in RAW.split(b"\n") if line.startswith(b"data: "))
    assert seen(WHOLE[1]) == seen(run(raw)[1])


def test_text_that_looks_like_a_name_stays_text():
    """Only whole lines are names."""
    answer = message("event: ping\nevent: message_stop\n\ndata: x")
    for size in (1, 5, 1 << 20):
        assert answer["content"][0]["text"] == run(wire(*events(answer)), size=size)[0].response().text


# Ends that are none.


@pytest.mark.parametrize("count", range(len(events(RICH))))
def test_peers_69_a_stream_that_is_cut_is_no_answer(count):
    """At every border of events: StreamTruncatedError, and what had come is a part of the answer without a reason of its end."""
    decoder, chunks = run(wire(*events(RICH)[:count]))
    assert isinstance(decoder.error, StreamTruncatedError)
    assert not decoder.done
    assert all(chunk.finish_reason is None and chunk.usage is None for chunk in chunks)
    partial = decoder.response()
    assert (None, "".join(chunk.text for chunk in chunks)) == (partial.finish_reason, partial.text)
    assert [] == decoder.finish()


def test_a_stream_that_is_cut_within_an_event():
    """Half an event is none, unless it is a whole line that only lacks its blank line."""
    assert isinstance(run(RAW[:-10])[0].error, (StreamTruncatedError, ResponseParsingError))
    assert run(RAW[:-1])[0].done
    assert run(RAW[:-2])[0].done


def test_done_is_not_the_end_of_a_message():
    """A gateway that says [DONE] before the message has ended has lost some of it."""
    decoder, _ = run(wire(*events(message("hello"))[:-1]) + b"data: [DONE]\n\n")
    assert isinstance(decoder.error, StreamTruncatedError)


def test_an_empty_body_is_no_answer():
    """Nor are blanks."""
    for raw in (b"", b"\n\n \n"):
        assert isinstance(run(raw)[0].error, StreamTruncatedError)


# Failures.


@pytest.mark.parametrize(
    ("kind", "error"),
    [("overloaded_error", ProviderUnavailableError), ("rate_limit_error", RateLimitError), ("api_error", ApiError)],
)
def test_peers_25_a_failure_within_a_stream(kind, error):
    """Its class is that of its status, and it waits until the chunks before it were handed over."""
    failure = {"type": "error", "error": {"type": kind, "message": "oops"}, "request_id": "req_1"}
    decoder, chunks = run(wire(*events(message("hello"))[:4], failure, *events(message("hello"))[4:]))
    assert isinstance(decoder.error, error)
    assert ("oops", "req_1", True) == (decoder.error.message, decoder.error.request_id, decoder.error.retryable)
    assert "he" == "".join(chunk.text for chunk in chunks)
    assert not decoder.done
    assert [] == decoder.feed(RAW)


def test_a_failure_of_another_shape():
    """A gateway may report one in OpenAI's way."""
    decoder, _ = run(wire(*events(message("hello"))[:4]) + b'data: {"error": {"message": "slow down", "code": "rate_limit_exceeded"}}\n\n')
    assert isinstance(decoder.error, RateLimitError)


@pytest.mark.parametrize(
    "garbage",
    [
        b"data: {broken\n\n",
        b"data: 5\n\n",
        b'data: {"type": 5, "x": []}\n\ndata: []\n\n',
        b'data: {"type": "content_block_delta", "index": 7, "delta": {"type": "text_delta", "text": "x"}}\n\n',
        b'data: {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": 5}}\n\n',
        b'data: {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": 5}}\n\n',
        b'data: {"type": "content_block_delta", "index": 0}\n\n',
        b'data: {"type": "content_block_start", "index": 1}\n\n',
        b'data: {"type": "message_start"}\n\n',
        b'data: {"type": "message_delta"}\n\n',
    ],
    ids=["no json", "number", "list", "unknown block", "text is none", "thought is none", "no delta", "no block", "no message", "no change"],
)
def test_garbage_is_an_error(garbage):
    """The chunks before it are good, and the error shows what came."""
    decoder, chunks = run(wire(*events(message("hello"))[:4]) + garbage)
    assert isinstance(decoder.error, ResponseParsingError)
    assert "he" == "".join(chunk.text for chunk in chunks)
    assert "he" == decoder.response().text


@pytest.mark.parametrize("kind", ["message_stop", "message_delta"])
def test_an_end_without_a_beginning_is_an_error(kind):
    """Nothing was said, so nothing has ended."""
    decoder, _ = run(wire({"type": kind, "delta": {}}))
    assert isinstance(decoder.error, ResponseParsingError)
    assert () == decoder.response().choices


def test_unknown_events_are_read_over():
    """The API may add some."""
    raw = events(message("hello"))
    decoder, chunks = run(wire(*raw[:3], {"type": "something_new", "x": 1}, *raw[3:]))
    assert (None, "hello") == (decoder.error, "".join(chunk.text for chunk in chunks))


def test_unknown_blocks_and_deltas_are_kept():
    """Text grows, anything else is replaced; the block goes back as it came."""
    odd = {"type": "compaction", "content": "a", "keep": None}
    raw = events(message(odd, "x"))
    deltas = [{"type": "compaction_delta", "content": "b", "keep": None}, {"type": "compaction_delta", "signed": {"x": 1}}]
    raw[3:3] = [{"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas]
    decoder, _ = run(wire(*raw))
    assert {**odd, "content": "ab", "signed": {"x": 1}} == decoder.response().message.provider_state.data["content"][0]


def test_a_line_that_is_too_long():
    """The decoder's limit is an error of the stream, at once or at its end."""
    decoder = AnthropicMessages().stream("m", "req")
    decoder._sse = type(decoder._sse)(max_line=100)
    decoder.feed(b"data: " + b"x" * 200)
    assert isinstance(decoder.error, ResponseParsingError)
    decoder = AnthropicMessages().stream("m", "req")
    decoder._sse = type(decoder._sse)(max_line=100)
    decoder.feed(b"data: x")
    decoder._sse._lines.limit = 1
    decoder.finish()
    assert isinstance(decoder.error, ResponseParsingError)


# Anything at all.

ODD = (None, True, -1, 5, 1.5, "x", "", [], [1], [None], {}, {"type": 5}, {"a": [None]})


def places(value, path=()):
    """Yield the path of everything within a value."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in children:
        yield (*path, key)
        yield from places(item, (*path, key))


def spoiled(value, chance):
    """Return a copy in which something is odd, or gone."""
    value = copy.deepcopy(value)
    *path, last = chance.choice(list(places(value)))
    holder = functools.reduce(lambda inner, key: inner[key], path, value)
    if chance.random() < 0.3 and isinstance(holder, dict):
        del holder[last]
    else:
        holder[last] = copy.deepcopy(chance.choice(ODD))
    return value


@pytest.mark.parametrize("seed", range(20))
def test_odd_answers_are_read_or_refused(seed):
    """Whatever a host sends: an answer of the right types, or one of our errors."""
    chance = random.Random(seed)
    for _ in range(60):
        try:
            response = decode(spoiled(RICH, chance))
        except ProviderError:
            continue
        assert_typed(response)


@pytest.mark.parametrize("seed", range(20))
def test_odd_streams_are_read_or_refused(seed):
    """Likewise, and nothing is raised while the stream is read."""
    chance = random.Random(seed)
    for _ in range(60):
        raw = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in spoiled(events(RICH), chance))
        decoder, chunks = run(raw)
        assert decoder.done or decoder.error is not None
        assert_typed(decoder.response())
        assert all(isinstance(chunk.text, str) and isinstance(chunk.reasoning or "", str) for chunk in chunks)
        assert all(isinstance(piece.function.arguments, str) for chunk in chunks for piece in chunk.tool_calls)


def assert_typed(response):
    """Check that a response is what its types say."""
    json.dumps(response.to_dict())
    assert isinstance(response.text, str)
    assert isinstance(response.reasoning or "", str)
    assert all(isinstance(call.id, str) and isinstance(call.function.name, str) and isinstance(call.function.arguments, str) for call in response.tool_calls)


# Bodies that are no stream.


@pytest.mark.parametrize("size", [1, 50, 1 << 20])
def test_a_whole_message_where_a_stream_was_asked_for(size):
    """It is given as one chunk."""
    answer = message(THOUGHT, "hello", CALL, stop="tool_use")
    decoder, chunks = run(b"\n " + json.dumps(answer).encode(), size=size)
    assert 1 == len(chunks) == decoder.events
    assert ("hello", "hm hm", "tool_calls", 3) == (chunks[0].text, chunks[0].reasoning, chunks[0].finish_reason, chunks[0].usage.prompt_tokens)
    assert [(0, "t1", "add")] == [(piece.index, piece.id, piece.function.name) for piece in chunks[0].tool_calls]
    assert decode(answer) == decoder.response()
    assert decoder.done


def test_a_failure_where_a_stream_was_asked_for():
    """A body of JSON with a failure in it, and a page that is none at all."""
    decoder, _ = run(json.dumps({"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}).encode())
    assert isinstance(decoder.error, ProviderUnavailableError)
    decoder, _ = run(b"<html>hello</html>")
    assert isinstance(decoder.error, ResponseParsingError)
    assert () == decoder.response().choices


def test_a_body_without_end_is_bounded(monkeypatch):
    """What is no stream is kept until its end, but not for ever."""
    monkeypatch.setattr("llmclient.dialects.anthropic.stream._WHOLE_LIMIT", 100)
    decoder = AnthropicMessages().stream("m", "req")
    decoder.feed(b"{" + b" " * 200)
    assert isinstance(decoder.error, ResponseParsingError)


def test_blanks_before_the_first_event():
    """Servers send them to keep a connection warm."""
    for size in (1, 1 << 20):
        assert seen(WHOLE[1]) == seen(run(b"\n\n" + RAW, size=size)[1])


def test_an_id_is_made_for_a_call_without_one():
    """The same as in a plain answer, on its first piece."""
    answer = message({**CALL, "id": None}, stop="tool_use")
    decoder, chunks = run(wire(*events(answer)))
    made = decode(answer).tool_calls[0].id
    assert made == decoder.response().tool_calls[0].id == next(piece.id for chunk in chunks for piece in chunk.tool_calls)


def test_text_and_thoughts_at_the_start_of_a_block():
    """Some hosts begin a block with its first words."""
    raw = events(message(THOUGHT, "hello"))
    starts = [event for event in raw if event["type"] == "content_block_start"]
    starts[0]["content_block"]["thinking"], starts[1]["content_block"]["text"] = "ah ", "so: "
    decoder, chunks = run(wire(*raw))
    assert ("ah hm hm", "so: hello") == ("".join(chunk.reasoning or "" for chunk in chunks), "".join(chunk.text for chunk in chunks))
    assert ("ah hm hm", "so: hello") == (decoder.response().reasoning, decoder.response().text)


def test_a_cut_off_call_keeps_what_came():
    """Its arguments are half an object, which parse() says."""
    raw = events(message(CALL, stop="max_tokens"))
    last = max(index for index, event in enumerate(raw) if event["type"] == "content_block_delta")
    del raw[last]
    decoder, _ = run(wire(*raw))
    made = decoder.response().tool_calls[0]
    assert ("length", '{"a') == (decoder.response().finish_reason, made.function.arguments)
    with pytest.raises(ResponseParsingError):
        made.parse()


def test_a_cut_off_server_call_goes_back_empty():
    """The API wants an object."""
    raw = events(message(SERVER, stop="max_tokens"))
    del raw[max(index for index, event in enumerate(raw) if event["type"] == "content_block_delta")]
    assert {} == run(wire(*raw))[0].response().message.provider_state.data["content"][0]["input"]
