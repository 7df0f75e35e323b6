"""Answers of Converse, plain and streamed alike."""

import json

import pytest

from llmclient.dialects.bedrock.usage import FINISH_REASONS
from llmclient.errors import ApiError, ResponseParsingError
from llmclient.types.chat import ChatResponse
from llmclient.types.messages import ReasoningBlock
from llmclient.types.usage import Usage
from tests.dialects.bedrock.kit import DIALECT, answer, decode, events, run

CALL = {"toolUse": {"toolUseId": "t", "name": "add", "input": {"a": 1}}}
THOUGHT = {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "sig"}}}
HIDDEN = {"reasoningContent": {"redactedContent": "eA=="}}
CITED = {"citationsContent": {"content": [{"text": "so"}], "citations": [{"title": "a"}, {"title": "b"}]}}
SERVER = [
    {"toolUse": {"toolUseId": "s", "name": "nova_code_interpreter", "input": {"snippet": "1"}, "type": "server_tool_use"}},
    {"toolResult": {"toolUseId": "s", "type": "nova_code_interpreter_result", "content": [{"json": {"stdOut": "1"}}]}},
]
ANSWERS = {
    "text": answer("hello"),
    "nothing": answer(),
    "empty text": answer(""),
    "a call": answer("let me see", CALL, stop="tool_use"),
    "a call without arguments": answer({"toolUse": {**CALL["toolUse"], "input": {}}}, stop="tool_use"),
    "a marked call": answer({"toolUse": {**CALL["toolUse"], "type": "tool_use"}}, stop="tool_use"),
    "a call with more": answer({"toolUse": {**CALL["toolUse"], "thought": "x"}}, stop="tool_use"),
    "thoughts": answer(THOUGHT, HIDDEN, "hello"),
    "a thought without a signature": answer({"reasoningContent": {"reasoningText": {"text": "hm"}}}, "hello"),
    "a thought at the end": answer("hello", THOUGHT),
    "two texts": answer("hello", " there"),
    "citations": answer(CITED),
    "a tool at the provider": answer(*SERVER, "done"),
    "fields": answer(
        "hello", trace={"guardrail": {}}, serviceTier={"type": "flex"}, performanceConfig={"latency": "optimized"}, additionalModelResponseFields={"a": 1}
    ),
    "a router": answer("hello", trace={"promptRouter": {"invokedModelId": "arn:x"}}),
}


def streamed(value):
    """Return the response of the stream that says the same."""
    decoder, _ = run(b"".join(events(value)))
    assert (None, True) == (decoder.error, decoder.done)
    return decoder.response()


def normal(response):
    """Return a response with its arguments parsed."""
    value = response.to_dict()
    for call in value["choices"][0]["message"].get("tool_calls", ()):
        call["function"]["arguments"] = json.loads(call["function"]["arguments"])
    return value


@pytest.mark.parametrize("value", ANSWERS.values(), ids=ANSWERS)
def test_a_stream_gives_what_a_plain_call_gives(value):
    """The whole response is the same."""
    assert normal(decode(value)) == normal(streamed(value))


@pytest.mark.parametrize("value", ANSWERS.values(), ids=ANSWERS)
def test_an_answer_survives_a_passage_through_json(value):
    """`from_dict` reads what `to_dict` writes."""
    response = decode(value)
    again = ChatResponse.from_dict(json.loads(json.dumps(response.to_dict())))
    assert (response.choices, response.usage, response.id) == (again.choices, again.usage, again.id)


def test_the_whole():
    """Text, model, id, usage and what else there is."""
    response = decode(answer("hello"))
    assert ("hello", "m", "req", "stop", "end_turn") == (response.text, response.model, response.id, response.finish_reason, response.finish_reason_raw)
    assert (Usage(prompt_tokens=3, completion_tokens=5, total_tokens=8), {"metrics": {"latencyMs": 42}}) == (response.usage, response.extra)


def test_fields_around_the_content():
    """The tier and the model behind a router have fields of their own; the rest is kept."""
    response = decode(ANSWERS["fields"])
    assert ("flex", {"additionalModelResponseFields", "metrics", "performanceConfig", "trace"}) == (response.service_tier, set(response.extra))
    assert "arn:x" == decode(ANSWERS["a router"]).model


def test_calls():
    """Their arguments are JSON text; fields that nobody knows are kept."""
    call = decode(ANSWERS["a call with more"]).tool_calls[0]
    assert ("t", "add", {"a": 1}, {"thought": "x"}) == (call.id, call.function.name, call.parse(), call.extra)
    assert "{}" == decode(ANSWERS["a call without arguments"]).tool_calls[0].function.arguments


def test_a_call_without_an_id_gets_one():
    """The same for the same request, in a stream too."""
    value = answer({"toolUse": {"name": "add", "input": {"a": 1}}}, stop="tool_use")
    identity = decode(value).tool_calls[0].id
    assert identity.startswith("tooluse_")
    assert identity == decode(value).tool_calls[0].id == streamed(value).tool_calls[0].id


def test_thoughts():
    """With their signature, or hidden; each says whose it is."""
    response = decode(ANSWERS["thoughts"])
    whose = {"provider": "acme", "model": "m", "dialect": "bedrock"}
    assert (ReasoningBlock("hm", "sig", **whose), ReasoningBlock("", redacted="eA==", **whose)) == response.message.reasoning
    assert ("hm", None) == (response.reasoning, response.message.provider_state)


def test_citations():
    """They are annotations of the text that they stand beside."""
    response = decode(ANSWERS["citations"])
    assert ("so", ({"title": "a"}, {"title": "b"})) == (response.text, response.message.annotations)
    assert [CITED] == response.message.provider_state.data["content"]


def test_tools_that_ran_at_the_provider_are_no_calls():
    """They are kept to be sent back."""
    response = decode(ANSWERS["a tool at the provider"])
    assert ((), "done", "stop") == (response.tool_calls, response.text, response.finish_reason)
    assert SERVER == response.message.provider_state.data["content"][:2]


@pytest.mark.parametrize("raw", FINISH_REASONS)
def test_reasons(raw):
    """Each word of the API has its portable one; the raw one is kept."""
    response = decode(answer("a", stop=raw))
    wanted = {
        "end_turn": "stop",
        "stop_sequence": "stop",
        "tool_use": "tool_calls",
        "max_tokens": "length",
        "model_context_window_exceeded": "length",
        "content_filtered": "content_filter",
        "guardrail_intervened": "content_filter",
    }
    assert (wanted.get(raw, "error"), raw) == (response.finish_reason, response.finish_reason_raw)
    assert normal(response) == normal(streamed(answer("a", stop=raw)))


def test_other_reasons_are_unknown():
    """Nor does a reason that is missing become `stop`; calls turn `stop` into `tool_calls`."""
    assert ("unknown", "new_reason") == (decode(answer("a", stop="new_reason")).finish_reason, decode(answer("a", stop="new_reason")).finish_reason_raw)
    assert ("unknown", None) == (decode(answer("a", stop=None)).finish_reason, decode(answer("a", stop=None)).finish_reason_raw)
    assert ["tool_calls", "length"] == [decode(answer(CALL, stop=stop)).finish_reason for stop in ("end_turn", "max_tokens")]


@pytest.mark.parametrize("raw", ["malformed_model_output", "malformed_tool_use"])
def test_a_failure_that_says_nothing_raises(raw):
    """Plain and streamed alike."""
    with pytest.raises(ApiError, match=raw) as caught:
        decode(answer(stop=raw))
    assert raw == caught.value.code
    decoder, chunks = run(b"".join(events(answer(stop=raw))))
    assert (ApiError, []) == (type(decoder.error), chunks)


def test_usage_is_inclusive():
    """The prompt counts what was read from the cache and written to it; the total is the API's."""
    usage = {"inputTokens": 3, "outputTokens": 5, "totalTokens": 38, "cacheReadInputTokens": 10, "cacheWriteInputTokens": 20}
    details = [{"ttl": "5m", "inputTokens": 15}, {"ttl": "1h", "inputTokens": 5}]
    read = decode(answer("a", usage={**usage, "cacheDetails": details})).usage
    assert (33, 5, 38, 10, 20, 5) == (
        read.prompt_tokens, read.completion_tokens, read.total_tokens, read.cached_tokens, read.cache_write_tokens, read.cache_write_1h_tokens,
    )  # fmt: skip
    assert read == streamed(answer("a", usage={**usage, "cacheDetails": details})).usage


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (None, None),
        ({}, None),
        ({"inputTokens": None, "serverToolUsage": {}}, None),
        ({"outputTokens": 5}, Usage(completion_tokens=5, total_tokens=5)),
        ({"inputTokens": 0, "outputTokens": 0}, Usage(prompt_tokens=0, completion_tokens=0, total_tokens=0)),
        ({"inputTokens": True, "outputTokens": 2}, Usage(completion_tokens=2, total_tokens=2)),
    ],
)
def test_usage_that_is_missing_is_not_made_up(value, wanted):
    """Neither whole nor in part."""
    assert wanted == decode(answer("a", usage=value)).usage


def test_a_stream_where_a_plain_answer_was_asked_for():
    """It is read all the same; one that is cut off is an error."""
    raw = b"".join(events(answer("hello")))
    assert decode(raw) == decode(answer("hello"))
    with pytest.raises(Exception, match="ended"):
        decode(raw[:300])


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"null", b"[]", b"{", b"<html>no</html>", b'{"output": {}}', b'{"output": {"message": {"content": "a"}}}',
        json.dumps(answer("a") | {"output": {"message": {"content": ["a"]}}}).encode(),
        json.dumps(answer({})).encode(),
        json.dumps(answer({"toolUse": {"toolUseId": "t"}})).encode(),
    ],
)  # fmt: skip
def test_what_is_no_answer(raw):
    """It is no success; the error shows how the body begins."""
    with pytest.raises(ResponseParsingError):
        DIALECT.decode(raw, "m", "req")


@pytest.mark.parametrize("block", [{"toolUse": None, "text": "hello"}, {"brandNew": {"a": 1}, "text": "hello"}, {"text": "hello", "brandNew": None}])
def test_fields_beside_the_one_that_counts(block):
    """Hosts that stand in for Amazon write the other members of a union too, as null."""
    assert "hello" == decode(answer(block)).text
