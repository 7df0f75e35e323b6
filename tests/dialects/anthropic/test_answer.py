"""Answers of the Messages API on their way in."""

import decimal
import json

import pytest

from llmclient.dialects.anthropic import AnthropicMessages
from llmclient.errors import ApiError, ProviderUnavailableError, ResponseParsingError
from llmclient.types.chat import ChatResponse
from llmclient.types.messages import Message, ReasoningBlock
from tests.dialects.anthropic.kit import decode, encode, events, message, wire

CALL = {"type": "tool_use", "id": "t1", "name": "add", "input": {"a": 1}}
THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "sig"}


def test_a_plain_answer():
    """Id, model, text and the reason of its end."""
    answer = decode(message("hel", "lo"))
    assert ("msg_1", "claude-x", "hello", "stop", "end_turn") == (answer.id, answer.model, answer.text, answer.finish_reason, answer.finish_reason_raw)
    assert answer.reasoning is None
    assert {} == answer.extra


def test_an_answer_may_hold_nothing():
    """A model may end its turn without a word."""
    answer = decode(message())
    assert ("", None, "stop") == (answer.text, answer.message.content, answer.finish_reason)


def test_thoughts_are_kept_with_what_they_need():
    """Signed and hidden ones, and who thought them."""
    answer = decode(message(THOUGHT, {"type": "redacted_thinking", "data": "xyz"}, "so"))
    assert answer.message.reasoning == (
        ReasoningBlock("hm", "sig", None, "acme", "claude-x", "anthropic"),
        ReasoningBlock("", None, "xyz", "acme", "claude-x", "anthropic"),
    )
    assert "hm" == answer.reasoning


def test_calls_have_openais_shape():
    """Arguments are JSON text, and a field of the API's own is kept."""
    answer = decode(message("I add.", {**CALL, "caller": {"type": "direct"}}, stop="tool_use"))
    made = answer.tool_calls[0]
    assert ("t1", "add", {"a": 1}, "function") == (made.id, made.function.name, made.parse(), made.type)
    assert {"caller": {"type": "direct"}} == made.extra
    assert "tool_calls" == answer.finish_reason


def test_a_call_without_an_id_gets_one():
    """The same each time."""
    answer = message({**CALL, "id": ""}, stop="tool_use")
    assert decode(answer).tool_calls[0].id.startswith("toolu_")
    assert decode(answer).tool_calls == decode(answer).tool_calls


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("pause_turn", "pause"),
        ("refusal", "content_filter"),
        ("something_new", "unknown"),
        (None, "unknown"),
    ],
)
def test_peers_26_finish_reasons(raw, reason):
    """Each has its portable word, and its own is kept."""
    answer = decode(message("x", stop=raw))
    assert (reason, raw) == (answer.finish_reason, answer.finish_reason_raw)


def test_a_call_turns_a_stop_into_tool_calls():
    """But not a cut-off answer."""
    assert "tool_calls" == decode(message(CALL, stop="end_turn")).finish_reason
    assert "length" == decode(message(CALL, stop="max_tokens")).finish_reason


def test_a_refusal_says_why():
    """The explanation is the message's refusal; the details are kept."""
    details = {"type": "refusal", "category": "bio", "explanation": "No."}
    answer = decode(message(stop="refusal", stop_details=details))
    assert ("content_filter", "No.") == (answer.finish_reason, answer.message.refusal)
    assert details == answer.extra["stop_details"]


def test_fields_of_the_apis_own_are_kept():
    """Nulls say nothing; a gateway's host does not hide ours."""
    answer = decode(message("x", container={"id": "c"}, context_management=None, stop_sequence="END", provider="Bedrock"))
    assert {"container": {"id": "c"}, "stop_sequence": "END", "upstream_provider": "Bedrock"} == answer.extra


def test_citations_are_annotations():
    """In the order of the text, in the API's shape; blocks with citations are kept for the next turn."""
    cited = {"type": "text", "text": "so", "citations": [{"type": "char_location", "cited_text": "x"}]}
    answer = decode(message("a ", cited))
    assert ("a so", ({"type": "char_location", "cited_text": "x"},)) == (answer.text, answer.message.annotations)
    assert cited == answer.message.provider_state.data["content"][1]


@pytest.mark.parametrize(
    ("blocks", "plain"),
    [
        (("a",), True),
        ((THOUGHT, "a", CALL), True),
        ((THOUGHT, {**CALL, "caller": {"type": "direct"}}), True),
        (({"type": "text", "text": "a", "citations": []},), True),
        (("a", "b"), False),
        ((CALL, "a"), False),
        (("a", THOUGHT), False),
        (({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}, "a"), False),
    ],
    ids=["text", "all in order", "caller", "no citations", "two texts", "call first", "thought later", "server tool"],
)
def test_blocks_are_kept_only_where_the_message_is_not_enough(blocks, plain):
    """A state costs memory, and most answers need none."""
    assert plain is (decode(message(*blocks)).message.provider_state is None)


@pytest.mark.parametrize(
    "blocks",
    [
        ("a",),
        (THOUGHT, "a", CALL),
        (
            {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "x"}},
            {"type": "web_search_tool_result", "tool_use_id": "s", "content": []},
            "a",
            CALL,
        ),
        (THOUGHT, "a", {**THOUGHT, "thinking": "more"}, CALL, "b"),
    ],
    ids=["text", "in order", "server tool", "interleaved"],
)
def test_an_answer_goes_back_as_it_came(blocks):
    """Also after a passage through OpenAI's shape."""
    answer = decode(message(*blocks, stop="tool_use"))
    came = message(*blocks)["content"]
    for said in (answer.message, ChatResponse.from_dict(json.loads(json.dumps(answer.to_dict()))).message):
        sent = encode([Message("user", "hi"), said, Message("tool", "1", tool_call_id="t1") if CALL in blocks else Message("user", "on")])
        content = sent.body["messages"][1]["content"]
        assert came == ([{"type": "text", "text": content}] if isinstance(content, str) else content)


# Usage.


def test_peers_24_usage_is_inclusive():
    """The API counts what was cached beside its input tokens; here the prompt is all of it."""
    usage = {
        "input_tokens": 3, "cache_read_input_tokens": 10, "cache_creation_input_tokens": 20, "output_tokens": 5, "service_tier": "priority",
        "cache_creation": {"ephemeral_5m_input_tokens": 13, "ephemeral_1h_input_tokens": 7},
        "output_tokens_details": {"thinking_tokens": 2}, "server_tool_use": {"web_search_requests": 1, "web_fetch_requests": 4}, "cost": 0.000112,
    }  # fmt: skip
    answer = decode(message("x", usage=usage))
    counted = answer.usage
    assert (33, 5, 38) == (counted.prompt_tokens, counted.completion_tokens, counted.total_tokens)
    assert (10, 20, 7, 2, 1) == (
        counted.cached_tokens, counted.cache_write_tokens, counted.cache_write_1h_tokens, counted.reasoning_tokens, counted.requests,
    )  # fmt: skip
    assert decimal.Decimal("0.000112") == counted.cost
    assert "priority" == answer.service_tier


@pytest.mark.parametrize("usage", [None, {}, {"input_tokens": None}, {"input_tokens": -1, "output_tokens": True}, "x"], ids=str)
def test_no_counts_are_no_usage(usage):
    """Missing is None, never 0."""
    assert decode(message("x", usage=usage)).usage is None


def test_odd_costs_are_no_costs():
    """Only a number counts."""
    for cost in ("x", True, -1, None):
        assert decode(message("x", usage={"input_tokens": 1, "output_tokens": 1, "cost": cost})).usage.cost is None


# Bodies that are no answer.


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "the answer is empty"),
        (b"<html>hello</html>", "is no message: '<html>hello</html>'"),
        (b"[]", "is no message"),
        (b'{"choices": []}', "is no message"),
        (b'{"content": "x"}', "is no message"),
        (b'{"content": [{"type": "text"}]}', "content block of the answer is not understood"),
        (b'{"content": ["x"]}', "content block of the answer is not understood"),
        (b'{"content": [{"type": "tool_use"}]}', "names no function"),
    ],
    ids=["empty", "html", "list", "openai", "text", "no text", "no block", "no name"],
)
def test_a_body_that_is_no_message(raw, words):
    """The error shows what came."""
    with pytest.raises(ResponseParsingError, match=words):
        decode(raw)


def test_a_failure_in_a_200_body():
    """It is the same class as with its status."""
    with pytest.raises(ProviderUnavailableError, match="busy") as caught:
        decode({"type": "error", "error": {"type": "overloaded_error", "message": "busy"}, "request_id": "req_1"})
    assert ("req_1", 529) == (caught.value.request_id, caught.value.status)


def test_a_stream_where_none_was_asked_for():
    """Its events are read all the same, and so are their failures."""
    assert "hello" == decode(wire(*events(message("hello")))).text
    with pytest.raises(ApiError):
        decode(wire({"type": "error", "error": {"type": "api_error", "message": "oops"}}))


def test_the_provider_of_a_thought_is_who_speaks():
    """A dialect that nobody has bound leaves it empty."""
    assert "" == decode(message(THOUGHT), AnthropicMessages()).message.reasoning[0].provider
