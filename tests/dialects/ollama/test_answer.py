"""Answers of Ollama on their way in, plain and streamed."""

import datetime
import json

import hypothesis
import hypothesis.strategies as st
import pytest

from llmclient import errors
from llmclient.dialects.ollama import OllamaChat
from llmclient.types.messages import Message
from llmclient.wire import ndjson
from tests.dialects.ollama.kit import USER, answer, call, decode, lines, run, sent, wire

WHOLE = {
    "text": answer("hello wörld"),
    "thinking": answer("hello", thinking="hmm, hmm"),
    "calls": answer("ok", calls=[call(), call(), call("now", {})]),
    "given ids": answer(calls=[call(id="call_9", function={"index": 0, "name": "add", "arguments": {"a": 1}})]),
    "length": answer("hel", "length"),
    "custom": answer("x", "custom"),
    "nothing": answer(),
    "odd lengths": answer("hello", load_duration=1, remote_model="x"),
}


@pytest.mark.parametrize("name", WHOLE)
def test_peers_65_a_stream_gives_what_a_plain_answer_gives(name):
    """Lines, no events; and where no stream was asked for, lines are read, too."""
    decoder, chunks = run(wire(*lines(WHOLE[name])))
    assert (None, True) == (decoder.error, decoder.done)
    assert decode(WHOLE[name]) == decoder.response() == decode(wire(*lines(WHOLE[name])))
    assert (decoder.response().finish_reason, decoder.response().usage) == (chunks[-1].finish_reason, chunks[-1].usage)


@hypothesis.given(st.sampled_from(sorted(WHOLE)), st.integers(1, 90))
@hypothesis.settings(max_examples=60, deadline=None)
def test_any_split_gives_the_same(name, size):
    """Reads of any size, also within a character."""
    raw = wire(*lines(WHOLE[name]))
    decoder, chunks = run(raw)
    other, pieces = run(raw, size=size)
    assert (chunks, decoder.response(), decoder.events) == (pieces, other.response(), other.events)


@pytest.mark.parametrize("name", WHOLE)
def test_a_stream_that_is_cut_is_no_answer(name):
    """After any line but the last, and within a line."""
    raw = wire(*lines(WHOLE[name]))
    given = raw.splitlines(keepends=True)
    for cut in [*(b"".join(given[:number]) for number in range(len(given))), *([raw[:-10]] if len(given) > 1 else [])]:
        decoder, chunks = run(cut)
        assert isinstance(decoder.error, errors.StreamTruncatedError)
        assert all(chunk.finish_reason is None and chunk.usage is None for chunk in chunks)
        assert decoder.response().finish_reason is None if decoder.events else True


def test_a_last_line_without_its_end():
    """Is read all the same."""
    raw = wire(*lines(WHOLE["text"])).rstrip()
    assert decode(WHOLE["text"]) == run(raw)[0].response()


def test_a_plain_answer_that_is_not_done():
    """Is no complete answer."""
    with pytest.raises(errors.StreamTruncatedError):
        decode({**answer("hel"), "done": False})
    with pytest.raises(errors.StreamTruncatedError):
        decode(wire(*lines(answer("hello"))[:2]))


@pytest.mark.parametrize(
    ("raw", "reason"), [("stop", "stop"), ("length", "length"), ("load", "stop"), ("unload", "stop"), ("novel", "unknown"), (None, "unknown")]
)
def test_peers_65_finish_reasons(raw, reason):
    """What nobody knows is unknown, and so is none, as from old servers."""
    response = decode(answer("x", raw))
    assert (reason, raw) == (response.finish_reason, response.finish_reason_raw)
    assert "tool_calls" == decode(answer("x", None, calls=[call()])).finish_reason
    assert "length" == decode(answer("x", "length", calls=[call()])).finish_reason


def test_peers_65_each_call_counts_anew():
    """The server numbers the calls of each line from 0, or not at all; here they count on."""
    numbered = [call(function={"index": 0, "name": name, "arguments": {"a": 1}}) for name in ("add", "now")]
    decoder, chunks = run(wire(*lines(answer(calls=numbered))))
    pieces = [piece for chunk in chunks for piece in chunk.tool_calls]
    assert [(0, "add", '{"a":1}'), (1, "now", '{"a":1}')] == [(piece.index, piece.function.name, piece.function.arguments) for piece in pieces]
    assert [call.id for call in decoder.response().tool_calls] == [piece.id for piece in pieces]


def test_ids():
    """Missing ones are made, each another, the same each time; given ones are kept."""
    made = [call.id for call in decode(WHOLE["calls"]).tool_calls]
    assert 3 == len(set(made))
    assert made == [call.id for call in decode(WHOLE["calls"]).tool_calls]
    assert ["call_9"] == [call.id for call in decode(WHOLE["given ids"]).tool_calls]


def test_arguments():
    """Objects become text, with numbers of any size; a text stays."""
    assert '{"a":12345678901234567890123}' == decode(answer(calls=[call(arguments={"a": 12345678901234567890123})])).tool_calls[0].function.arguments
    assert '{"a": 1}' == decode(answer(calls=[call(arguments='{"a": 1}')])).tool_calls[0].function.arguments
    assert "{}" == decode(answer(calls=[{"function": {"name": "now"}}])).tool_calls[0].function.arguments


def test_a_round_of_tools():
    """An answer goes back, thoughts included, and its result finds the tool by the id that was made."""
    message = decode(answer(thinking="hmm", calls=[call()])).message
    wire_ = sent(USER, message, {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "2"})
    assert ("hmm", "add") == (wire_[1]["thinking"], wire_[2]["tool_name"])
    assert "thinking" not in sent(USER, Message("assistant", "x", reasoning=message.reasoning), dialect=OllamaChat(provider="other"))[1]


def test_facts_of_an_answer():
    """Model, time, counts, and what is this server's own."""
    response = decode(answer("x", load_duration=7))
    assert ("m:latest", datetime.datetime(2025, 8, 20, 13, 48, 23, 241046, datetime.UTC)) == (response.model, response.created)
    assert (3, 5, 8, {"total_duration": 9, "load_duration": 7}) == (
        response.usage.prompt_tokens, response.usage.completion_tokens, response.usage.total_tokens, response.extra,
    )  # fmt: skip
    (block,) = decode(answer("x", thinking="t")).message.reasoning
    assert ("t", "acme", "ollama", "m:latest") == (block.text, block.provider, block.dialect, block.model)


@pytest.mark.parametrize("moment", [None, "", "yesterday", 3])
def test_times_that_are_none(moment):
    """Are left out."""
    assert decode({**answer("x"), "created_at": moment}).created is None


def test_a_time_without_a_zone():
    """Is UTC."""
    assert datetime.datetime(2025, 8, 20, tzinfo=datetime.UTC) == decode({**answer("x"), "created_at": "2025-08-20T00:00:00"}).created


def test_missing_counts_are_none():
    """A prompt from the cache is not counted by older servers; nothing is made up."""
    value = answer("x")
    del value["prompt_eval_count"]
    assert (None, 5, 5) == (decode(value).usage.prompt_tokens, decode(value).usage.completion_tokens, decode(value).usage.total_tokens)
    del value["eval_count"]
    assert decode(value).usage is None
    assert decode({**value, "eval_count": True, "prompt_eval_count": -1}).usage is None


def test_log_probabilities():
    """In OpenAI's shape already, joined in a stream."""
    rows = [{"token": "hel", "logprob": -0.5, "top_logprobs": []}, {"token": "lo", "logprob": -0.25}]
    plain = decode(answer("hello", logprobs=rows))
    assert {"content": rows} == plain.choices[0].logprobs
    given = lines(answer("hello"))
    given[0]["logprobs"], given[1]["logprobs"] = rows[:1], rows[1:]
    assert plain == run(wire(*given))[0].response()


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"<html>",
        b"[]",
        {},
        {"message": "x"},
        {"message": {"content": 1}},
        {"message": {"content": "", "tool_calls": [1]}},
        {"message": {"content": "", "tool_calls": [{"function": {}}]}},
    ],
)
def test_what_is_no_answer(value):
    """Raises ResponseParsingError."""
    with pytest.raises(errors.ResponseParsingError):
        decode(value)


MISSING = "model 'm' not found, try pulling it first"


def test_a_failure_in_a_200():
    """Has the class that it would have with its status: alone, or in a line after others."""
    body = json.dumps({"error": MISSING}).encode()
    with pytest.raises(errors.ModelNotFoundError):
        decode(body)
    decoder, chunks = run(wire(*lines(answer("hello"))[:1], body + b"\n", *lines(answer("hello"))))
    assert (errors.ModelNotFoundError, MISSING, "he", False) == (type(decoder.error), decoder.error.message, "".join(c.text for c in chunks), decoder.done)
    assert [] == decoder.feed(wire(*lines(answer("x")))) == decoder.finish()


GARBAGE = [
    b"{\n",
    b"[]\n",
    b"{}\n",
    b"<html>\n",
    b'{"message": {"content": 1}, "done": false}\n',
    b'{"message": {"content": "", "thinking": 1}, "done": false}\n',
    b'{"message": {"content": "", "tool_calls": [{}]}, "done": false}\n',
    b'{"message": {"role": "assistant", "content": null}, "done": false, "model": 1, "error": ""}\n',
]


@pytest.mark.parametrize("garbage", GARBAGE[:7])
def test_garbage_in_a_stream(garbage):
    """The chunks before it are handed over, and nothing after it is read."""
    given = lines(answer("hello"))
    decoder, chunks = run(wire(given[0], garbage, *given[1:]))
    assert (errors.ResponseParsingError, "he", False) == (type(decoder.error), "".join(chunk.text for chunk in chunks), decoder.done)


def test_lines_that_say_nothing_new():
    """An error that is none, no content, and a blank line."""
    given = lines(answer("hello"))
    decoder, chunks = run(wire(given[0], GARBAGE[7], b"\n", {**given[0], "message": {"role": "assistant", "content": ""}}, *given[1:]))
    assert (None, "hello", 3) == (decoder.error, decoder.response().text, len(chunks))


def test_a_body_that_is_none():
    """Nothing at all, and a page: neither is an answer."""
    assert isinstance(run(b"")[0].error, errors.StreamTruncatedError)
    assert isinstance(run(b"<html>")[0].error, errors.ResponseParsingError)
    assert isinstance(run(b'{"mod')[0].error, errors.ResponseParsingError)


def test_a_line_that_is_too_long(monkeypatch):
    """Is refused before it fills the memory, both while it comes and at the end."""
    from llmclient.dialects.ollama import stream

    monkeypatch.setattr(stream, "NDJSONDecoder", lambda: ndjson.NDJSONDecoder(max_line=50))
    assert isinstance(run(b'{"' + b"a" * 60)[0].error, errors.ResponseParsingError)
    first = json.dumps({"message": {"content": "a"}}).encode() + b"\n"
    decoder, chunks = run(first + b"a" * 60)
    assert (errors.ResponseParsingError, 1) == (type(decoder.error), len(chunks))


@pytest.mark.parametrize(
    ("status", "message", "kind", "retryable"),
    [
        (404, MISSING, errors.ModelNotFoundError, False),
        (404, 'model "m" not found', errors.ModelNotFoundError, False),
        (400, '"m" does not support tools', errors.InvalidRequestError, False),
        (400, "invalid think value", errors.InvalidRequestError, False),
        (401, "unauthorized", errors.AuthenticationError, False),
        (429, "slow down", errors.RateLimitError, True),
        (500, "llama runner process has terminated", errors.ApiError, True),
        (503, "server busy, please try again", errors.ProviderUnavailableError, True),
    ],
)
def test_failures(status, message, kind, retryable):
    """Each status has its class."""
    error = OllamaChat().error(status, {}, json.dumps({"error": message}).encode())
    assert (kind, status, message, retryable) == (type(error), error.status, error.message, error.retryable)


def test_codes_of_a_host():
    """The quirk `error_codes` is looked up, in a status, in a body and in a line."""
    dialect = OllamaChat(error_codes={"NOVEL": "quota"})
    body = b'{"error": {"code": "NOVEL", "message": "a"}}'
    assert isinstance(dialect.error(400, {}, body), errors.QuotaExceededError)
    assert type(OllamaChat().error(400, {}, body)) is errors.InvalidRequestError
    with pytest.raises(errors.QuotaExceededError):
        decode(body, dialect)
    assert isinstance(run(body + b"\n", dialect)[0].error, errors.QuotaExceededError)
