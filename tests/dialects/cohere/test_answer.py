"""Answers of Cohere on their way in, plain and streamed."""

import json

import hypothesis
import hypothesis.strategies as st
import pytest

from llmclient import errors
from llmclient.dialects.cohere import CohereChat
from llmclient.types.messages import Message
from tests.dialects.cohere.kit import CALL, USER, answer, decode, events, run, said, sent, wire

CITATION = {"start": 0, "end": 2, "text": "hi", "sources": [{"type": "document", "id": "d"}], "type": "TEXT_CONTENT"}
THOUGHT = {"type": "thinking", "thinking": "hmm"}
WHOLE = {
    "text": answer("hello"),
    "thinking": answer(THOUGHT, "hello", message={"citations": [CITATION]}),
    "plan": answer(message={"content": None, "tool_plan": "I will add", "tool_calls": [CALL, {**CALL, "id": "add_2"}]}, finish="TOOL_CALL"),
    "no arguments": answer(message={"tool_calls": [{"id": "a", "type": "function", "function": {"name": "now", "arguments": ""}}]}, finish="TOOL_CALL"),
    "length": answer("hel", finish="MAX_TOKENS"),
    "novel": answer("a", {"type": "novel", "x": 1}, "b"),
    "failed late": answer("hel", finish="ERROR"),
    "nothing": answer(),
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_stream_gives_what_a_plain_answer_gives(name):
    """And it is over with its last event, whether a mark follows or not."""
    for done in (True, False):
        decoder, _ = run(wire(*events(WHOLE[name]), done=done))
        assert (None, True) == (decoder.error, decoder.done)
        assert decode(WHOLE[name]) == decoder.response()


@hypothesis.given(st.sampled_from(sorted(WHOLE)), st.integers(1, 90))
@hypothesis.settings(max_examples=60, deadline=None)
def test_any_split_gives_the_same(name, size):
    """Reads of any size."""
    raw = wire(*events(WHOLE[name]))
    decoder, chunks = run(raw)
    other, pieces = run(raw, size=size)
    assert (chunks, decoder.response(), decoder.events) == (pieces, other.response(), other.events)


@pytest.mark.parametrize("name", WHOLE)
def test_a_stream_that_is_cut_is_no_answer(name):
    """After any event but the last."""
    given = events(WHOLE[name])
    for number in range(len(given)):
        decoder, chunks = run(wire(*given[:number], done=number % 2 == 0))
        assert isinstance(decoder.error, errors.StreamTruncatedError)
        assert all(chunk.finish_reason is None and chunk.usage is None for chunk in chunks)
        assert decoder.response().finish_reason is None


def test_peers_50_the_plan_is_reasoning():
    """It can be told from thoughts by its id, and goes back as the plan."""
    response = decode(WHOLE["plan"])
    (block,) = response.message.reasoning
    assert ("I will add", "tool_plan", "acme", "cohere", "m") == (block.text, block.id, block.provider, block.dialect, block.model)
    assert ("", "I will add", "tool_calls") == (response.text, response.reasoning, response.finish_reason)
    assert "I will add" == sent(Message.of(USER), response.message)[1]["tool_plan"]


def test_peers_50_citations_are_annotations():
    """Verbatim, in an answer and in a stream."""
    assert (CITATION,) == decode(WHOLE["thinking"]).message.annotations


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("COMPLETE", "stop"),
        ("STOP_SEQUENCE", "stop"),
        ("MAX_TOKENS", "length"),
        ("ERROR", "error"),
        ("TIMEOUT", "error"),
        ("ERROR_TOXIC", "content_filter"),
        ("ERROR_LIMIT", "length"),
        ("USER_CANCEL", "error"),
        ("NOVEL", "unknown"),
        (None, "unknown"),
    ],
)
def test_peers_50_finish_reasons(raw, reason):
    """Failures never become stop, and what nobody knows is unknown."""
    response = decode(answer("x", finish=raw))
    assert (reason, raw) == (response.finish_reason, response.finish_reason_raw)


@pytest.mark.parametrize(("raw", "kind"), [("ERROR", errors.ApiError), ("TIMEOUT", errors.ProviderUnavailableError)])
def test_a_failure_that_says_nothing_is_raised(raw, kind):
    """In a plain answer and in a stream."""
    value = answer(finish=raw)
    with pytest.raises(kind):
        decode(value)
    decoder, chunks = run(wire(*events(value)))
    assert (kind, [], False) == (type(decoder.error), chunks, decoder.done)


def test_peers_51_the_last_event_may_carry_an_error():
    """What came before it is handed over first."""
    given = events(answer("hello"))
    given[-1]["delta"] |= {"finish_reason": "ERROR", "error": "went wrong"}
    decoder, chunks = run(wire(*given))
    assert (errors.ApiError, "went wrong", "hello") == (type(decoder.error), decoder.error.message, "".join(chunk.text for chunk in chunks))
    assert not decoder.done


def test_peers_51_usage_comes_as_floats():
    """And becomes whole numbers; what is billed stands beside it, or stands in."""
    usage = {"tokens": {"input_tokens": 10.0, "output_tokens": 4.0}, "billed_units": {"input_tokens": 2.0, "output_tokens": 4.0}, "cached_tokens": 8.0}
    response = decode(answer("x", usage=usage))
    got = response.usage
    assert (10, 4, 14, 8, None) == (got.prompt_tokens, got.completion_tokens, got.total_tokens, got.cached_tokens, got.reasoning_tokens)
    assert isinstance(got.prompt_tokens, int)
    assert {"billed_units": usage["billed_units"]} == response.extra
    del usage["tokens"]
    assert 2 == decode(answer("x", usage=usage)).usage.prompt_tokens


@pytest.mark.parametrize("usage", [None, {}, {"tokens": {"input_tokens": True}}, {"tokens": {"input_tokens": -1.0}}, {"tokens": []}])
def test_missing_counts_are_none(usage):
    """They are never made up."""
    assert decode({**answer("x"), "usage": usage}).usage is None


def test_fields_of_the_api_that_come_later_are_kept():
    """Of the answer, the message and the usage."""
    value = answer("x", usage={"tokens": {}, "novel": 1}, message={"mood": "good"}, prompt="p")
    assert {"prompt": "p", "novel": 1, "message": {"mood": "good"}} == decode(value).extra


def test_log_probabilities():
    """A piece of text has that of all its tokens together; a stream gives the same."""
    rows = [{"text": "hel", "token_ids": [1, 2], "logprobs": [-0.5, -0.25]}, {"token_ids": [3]}]
    plain = decode(answer("hello", logprobs=rows))
    first, second = plain.choices[0].logprobs["content"]
    assert {"token": "hel", "logprob": -0.75, "token_ids": [1, 2], "logprobs": [-0.5, -0.25]} == first
    assert ("", None) == (second["token"], second["logprob"])
    given = events(answer("hello"))
    given[2] |= {"logprobs": rows[0]}
    given[3] |= {"logprobs": [rows[1]]}
    assert plain == run(wire(*given))[0].response()


def test_calls():
    """Missing ids are made, the same in a stream; arguments stay the text that came."""
    call = {"type": "function", "function": {"name": "add", "arguments": '{"a": 1'}}
    value = answer(message={"tool_calls": [call, call]}, finish="COMPLETE")
    plain = decode(value)
    assert (2, '{"a": 1', "tool_calls") == (len({call.id for call in plain.tool_calls}), plain.tool_calls[0].function.arguments, plain.finish_reason)
    decoder, chunks = run(wire(*events(value)))
    assert plain == decoder.response()
    pieces = [piece for chunk in chunks for piece in chunk.tool_calls]
    assert [(0, plain.tool_calls[0].id, "add"), (1, plain.tool_calls[1].id, "add")] == [(p.index, p.id, p.function.name) for p in pieces if p.id]


def test_a_call_without_arguments_gets_an_empty_object():
    """In the chunks as well as in the answer."""
    decoder, chunks = run(wire(*events(WHOLE["no arguments"])))
    assert "{}" == decoder.response().tool_calls[0].function.arguments == "".join(p.function.arguments for c in chunks for p in c.tool_calls)


def test_content_as_a_text():
    """A host may leave the list out."""
    assert "x" == decode(answer(message={"content": "x"})).text


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"<html>",
        b"[]",
        {},
        {"message": {"content": [1]}},
        {"message": {"content": [{"type": "text"}]}},
        {"message": {"tool_calls": [{"id": "a"}]}},
        {"message": {"tool_calls": [1]}},
    ],
)
def test_what_is_no_answer(value):
    """Raises ResponseParsingError, where a stream was asked for as well."""
    with pytest.raises(errors.ResponseParsingError):
        decode(value)


def test_a_failure_in_a_200():
    """Has the class that it would have with its status; in a stream and at its start, too."""
    body = b'{"id":"x","message":"model \'m\' not found"}'
    with pytest.raises(errors.ModelNotFoundError):
        decode(body)
    assert isinstance(run(body)[0].error, errors.ModelNotFoundError)
    for event in (b"data: " + body + b"\n\n", b'data: {"type":"error","message":"model \'m\' not found"}\n\n'):
        decoder, chunks = run(wire(*events(answer("hello"))[:3], event))
        assert (errors.ModelNotFoundError, "he") == (type(decoder.error), "".join(chunk.text for chunk in chunks))


def test_a_stream_where_a_plain_answer_was_asked_for():
    """And the other way round."""
    assert decode(answer("hello")) == decode(wire(*events(answer("hello"))))
    with pytest.raises(errors.StreamTruncatedError):
        decode(wire(*events(answer("hello"))[:-1]))
    decoder, chunks = run(json.dumps(WHOLE["plan"]).encode(), size=7)
    assert (decode(WHOLE["plan"]), True, 1) == (decoder.response(), decoder.done, len(chunks))
    assert 2 == len(chunks[0].tool_calls)
    assert isinstance(run(b"<html>")[0].error, errors.ResponseParsingError)
    assert isinstance(run(b"")[0].error, errors.StreamTruncatedError)


GARBAGE = [
    b"data: {\n\n",
    b"data: []\n\n",
    b"data: {}\n\n",
    b'data: {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": 1}}}}\n\n',
    b'data: {"type": "content-delta", "index": 0, "delta": null}\n\n',
    b'data: {"type": "content-start", "index": 1, "delta": {"message": {"content": {"type": 1}}}}\n\n',
    b'data: {"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "text", "text": ""}}}}\n\n',
    b'data: {"type": "tool-plan-delta", "delta": {"message": {"tool_plan": 1}}}\n\n',
    b'data: {"type": "tool-call-start", "index": 0, "delta": {"message": {"tool_calls": {"function": {"name": 1}}}}}\n\n',
    b'data: {"type": "tool-call-start", "index": 0, "delta": {"message": {"tool_calls": {"function": {"name": "a", "arguments": {"a": 1}}}}}}\n\n',
    b'data: {"type": "tool-call-delta", "index": 7, "delta": {"message": {"tool_calls": {"function": {"arguments": "1"}}}}}\n\n',
]


@pytest.mark.parametrize("garbage", GARBAGE)
def test_garbage_in_a_stream(garbage):
    """The chunks before it are handed over, and nothing after it is read."""
    given = events(answer("hello"))
    decoder, chunks = run(wire(*given[:3], garbage, *given[3:]))
    assert (errors.ResponseParsingError, "he", False) == (type(decoder.error), "".join(chunk.text for chunk in chunks), decoder.done)
    assert [] == decoder.feed(wire(*given)) == decoder.finish()


def test_events_that_say_nothing_new():
    """Unknown types, parts without a start, empty pieces, and a comment."""
    given = events(answer("hello"))
    odd = [{"type": "debug", "prompt": "x"}, b": warm\n\n", said("tool-plan-delta", {"tool_plan": ""}), said("content-delta", {"content": {"text": ""}}, 0)]
    bare = [said("content-delta", {"content": {"thinking": "t"}}, 5), said("content-delta", {"content": {"text": "!"}}, 6)]
    decoder, _ = run(wire(*given[:4], *odd, *bare, {**given[5], "delta": {**given[5]["delta"]}}))
    assert (None, "hello!", "t") == (decoder.error, decoder.response().text, decoder.response().reasoning)
    assert "hello" == run(wire(*given[:-1], {"type": "message-end", "delta": {"finish_reason": "COMPLETE", "message": "m"}}))[0].response().text
    cited = said("citation-start", {"citations": [CITATION, CITATION]}, 0)
    assert (CITATION, CITATION) == run(wire(*given[:-1], cited, given[-1]))[0].response().message.annotations


def test_other_line_ends():
    """CRLF, and no blank after the colon."""
    raw = wire(*events(answer("hello"))).replace(b"\n", b"\r\n").replace(b"data: ", b"data:")
    assert decode(answer("hello")) == run(raw)[0].response() == run(raw, size=1)[0].response()


def test_a_line_without_end(monkeypatch):
    """Is refused before it fills the memory, both while it comes and at the end."""
    from llmclient.dialects.cohere import stream

    class Full(stream.Framing):
        def feed(self, data):
            raise errors.ResponseParsingError("", "too long")

        def finish(self):
            return self.feed(b"")

    monkeypatch.setattr(stream, "Framing", Full)
    assert isinstance(run(b"data: x")[0].error, errors.ResponseParsingError)
    decoder = CohereChat().stream("m", "r")
    assert [] == decoder.finish()
    assert isinstance(decoder.error, errors.ResponseParsingError)


@pytest.mark.parametrize(
    ("status", "body", "kind", "retryable"),
    [
        (400, '{"id":"x","message":"invalid request"}', errors.InvalidRequestError, False),
        (400, '{"error_type":"TOO_MANY_TOKENS","message":"too long"}', errors.ContextLengthExceededError, False),
        (422, '{"message":"unprocessable"}', errors.InvalidRequestError, False),
        (401, '{"message":"invalid api token"}', errors.AuthenticationError, False),
        (402, '{"message":"pay"}', errors.QuotaExceededError, False),
        (403, '{"message":"no"}', errors.PermissionDeniedError, False),
        (404, '{"message":"model \'m\' not found, make sure"}', errors.ModelNotFoundError, False),
        (429, '{"message":"You are limited to 40 API calls / minute"}', errors.RateLimitError, True),
        (429, '{"message":"You are limited to 1000 API calls / month"}', errors.QuotaExceededError, False),
        (498, '{"id":"x","message":"blocked token"}', errors.ContentFilteredError, False),
        (499, '{"message":"request cancelled"}', errors.ApiError, False),
        (500, '{"message":"oops"}', errors.ApiError, True),
        (503, "", errors.ProviderUnavailableError, True),
    ],
)
def test_failures(status, body, kind, retryable):
    """Each status has its class; 498 is a token that may not be used, and a monthly allowance is a quota."""
    error = CohereChat().error(status, {"retry-after": "3"}, body.encode())
    assert (kind, status, retryable) == (type(error), error.status, error.retryable)
    assert ("x" if '"x"' in body else None) == error.request_id
    assert (body or None) == error.body


def test_codes_of_a_host():
    """The quirk `error_codes` is looked up, in a status, in a body and in an event."""
    dialect = CohereChat(error_codes={"NOVEL": "quota"})
    assert isinstance(dialect.error(400, {}, b'{"error_type":"NOVEL","message":"a"}'), errors.QuotaExceededError)
    assert type(CohereChat().error(400, {}, b'{"error_type":"NOVEL","message":"a"}')) is errors.InvalidRequestError
    with pytest.raises(errors.QuotaExceededError):
        decode(b'{"error_type":"NOVEL","message":"a"}', dialect)
    given = events(answer("hello"))
    given[-1]["delta"] |= {"error": "went wrong", "error_type": "NOVEL"}
    assert isinstance(run(wire(*given), dialect)[0].error, errors.QuotaExceededError)
