"""Answers of the Responses API, and what they mean."""

import datetime
import decimal
import json

import pytest

from llmclient.dialects.responses import OpenAIResponses
from llmclient.errors import ApiError, InvalidRequestError, ProviderUnavailableError, RateLimitError, ResponseParsingError
from llmclient.types.chat import ChatResponse
from llmclient.types.messages import FunctionCall, ReasoningBlock, ToolCall
from tests.dialects.responses.kit import CALL, REASONING, decode, encode, events, message, response, run, wire


def test_a_text():
    """With everything around it."""
    answer = decode(response("Hello."))
    assert (answer.text, answer.id, answer.model, answer.finish_reason, answer.finish_reason_raw) == ("Hello.", "resp_1", "m-1", "stop", "completed")
    assert answer.created == datetime.datetime(2023, 11, 14, 22, 13, 20, tzinfo=datetime.UTC)
    assert answer.message.role == "assistant"
    assert (answer.reasoning, answer.tool_calls, answer.extra, answer.service_tier) == (None, (), {}, None)


def test_several_messages_are_one():
    """A comment before a call or a search, and the answer after it."""
    answer = decode(response(message("a", "b", phase="commentary"), message("c", phase="final_answer")))
    assert answer.text == "abc"
    assert [item["phase"] for item in answer.message.provider_state.data["items"]] == ["commentary", "final_answer"]


def test_calls():
    """The id is the one that a result names, not the item's own; what is beside it is kept."""
    answer = decode(response(CALL, {**CALL, "call_id": "call_2", "arguments": "", "namespace": "n", "caller": None}))
    assert answer.tool_calls == (
        ToolCall("call_1", FunctionCall("add", '{"a":1}')),
        ToolCall("call_2", FunctionCall("add", "{}"), extra={"namespace": "n"}),
    )
    assert (answer.finish_reason, answer.finish_reason_raw, answer.message.content) == ("tool_calls", "completed", None)


def test_a_call_without_the_id_of_its_result():
    """The item's id takes its place, or one that is always the same."""
    bare = {"type": "function_call", "name": "add", "arguments": "{}"}
    assert decode(response({**bare, "id": "fc_1"})).tool_calls[0].id == "fc_1"
    first, second = decode(response(bare, bare)).tool_calls
    assert first.id != second.id
    assert decode(response(bare, bare)).tool_calls == (first, second)


def test_reasoning():
    """A block for each item, with what is needed to send it back."""
    shown = {"id": "rs_2", "type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "So."}]}
    two = {**REASONING, "summary": [{"type": "summary_text", "text": "a"}, {"type": "summary_text", "text": "b"}]}
    answer = decode(response(REASONING, two, shown, "Hi."))
    assert answer.message.reasoning == (
        ReasoningBlock("Hm.", None, "gAAA", "acme", "m-1", "responses", "rs_1"),
        ReasoningBlock("a\n\nb", None, "gAAA", "acme", "m-1", "responses", "rs_1"),
        ReasoningBlock("So.", None, None, "acme", "m-1", "responses", "rs_2"),
    )
    assert answer.reasoning == "Hm.a\n\nbSo."


def test_a_refusal():
    """It is no text, and the answer was filtered."""
    answer = decode(response(message({"type": "refusal", "refusal": "I cannot."})))
    assert (answer.text, answer.message.refusal, answer.finish_reason) == ("", "I cannot.", "content_filter")


def test_citations_and_log_probabilities():
    """Both as they are; the latter in the shape of chat completions."""
    cited = {"type": "url_citation", "url": "https://x.test"}
    scored = {"token": "a", "logprob": -0.1, "bytes": [97], "top_logprobs": []}
    answer = decode(response(message({"type": "output_text", "text": "a", "annotations": [cited], "logprobs": [scored]})))
    assert answer.message.annotations == (cited,)
    assert answer.choices[0].logprobs == {"content": [scored]}


def test_items_of_other_kinds():
    """Searches, pictures and approvals are in `extra`, and all that came is in the state."""
    search = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
    picture = {"type": "image_generation_call", "id": "ig_1", "result": "AAAA"}
    answer = decode(response(REASONING, search, picture, "Look."))
    assert answer.extra["output"] == [search, picture]
    assert len(answer.message.provider_state.data["items"]) == 4
    assert (answer.message.provider_state.provider, answer.message.provider_state.dialect) == ("acme", "responses")


def test_the_providers_own_fields():
    """Those that only repeat the request are no news."""
    echo = {"instructions": "x", "temperature": 1, "tools": [], "store": False, "user": None, "metadata": {}, "reasoning": {"effort": "low"}}
    answer = decode(response("a", **echo, billing={"payer": "developer"}, content_filters=None, provider="Azure", service_tier="flex"))
    assert answer.extra == {"billing": {"payer": "developer"}, "upstream_provider": "Azure"}
    assert answer.service_tier == "flex"


@pytest.mark.parametrize(
    ("status", "details", "reason", "raw"),
    [
        ("completed", None, "stop", "completed"),
        ("incomplete", {"reason": "max_output_tokens"}, "length", "max_output_tokens"),
        ("incomplete", {"reason": "content_filter"}, "content_filter", "content_filter"),
        ("incomplete", {"reason": "else"}, "unknown", "else"),
        ("incomplete", None, "unknown", "incomplete"),
        ("queued", None, "pause", "queued"),
        ("in_progress", None, "pause", "in_progress"),
        ("running", None, "pause", "running"),
        ("cancelled", None, "error", "cancelled"),
        (None, None, "unknown", None),
        ("new", None, "unknown", "new"),
    ],
)
def test_why_an_answer_ended(status, details, reason, raw):
    """The status, and for an incomplete answer its reason."""
    answer = decode(response("a", status=status, incomplete_details=details))
    assert (answer.finish_reason, answer.finish_reason_raw) == (reason, raw)


@pytest.mark.parametrize(("status", "reason"), [("completed", "tool_calls"), (None, "tool_calls"), ("incomplete", "length")])
def test_calls_and_the_reason(status, reason):
    """They turn stop into tool_calls, but not a cut-off answer."""
    assert decode(response(CALL, status=status, incomplete_details={"reason": "max_output_tokens"})).finish_reason == reason


def test_an_answer_with_nothing_in_it():
    """It is one all the same, such as one that is still being written."""
    answer = decode(response(status="queued", usage=None))
    assert (answer.text, answer.message.content, answer.usage, answer.message.provider_state) == ("", None, None, None)
    assert decode({"id": "resp_1", "object": "response", "status": "running"}).finish_reason == "pause"


@pytest.mark.parametrize(
    ("value", "kind", "code"),
    [
        (response(status="failed", error={"code": "server_error", "message": "Oops."}), ApiError, "server_error"),
        (response("half", status="failed", error={"code": "rate_limit_exceeded", "message": "Slow."}), RateLimitError, "rate_limit_exceeded"),
        (response(status="failed"), ApiError, "failed"),
        (response(status="cancelled"), ApiError, "cancelled"),
        ({"error": {"code": "invalid_prompt_x", "message": "No.", "type": "invalid_request_error"}}, InvalidRequestError, "invalid_prompt_x"),
        ({"error": {"message": "Busy.", "type": "overloaded_error"}}, ProviderUnavailableError, None),
    ],
    ids=["failed", "failed halfway", "failed silently", "cancelled", "error in a 200", "overloaded in a 200"],
)
def test_failures_in_a_200(value, kind, code):
    """The same class as with a status."""
    with pytest.raises(kind) as caught:
        decode(value)
    assert type(caught.value) is kind
    assert caught.value.code == code


@pytest.mark.parametrize(
    "raw",
    [b"", b"<html>Hello</html>", b"[]", b'"x"', b"null", b"{}", b'{"output": "x"}', b'{"choices": [{"message": {"content": "hi"}}]}'],
    ids=["nothing", "a page", "a list", "a text", "null", "an empty object", "a text for output", "a chat completion"],
)
def test_what_is_no_answer(raw):
    """The error says so, and asks about the address."""
    with pytest.raises(ResponseParsingError, match=r"empty|Responses API"):
        decode(raw)


@pytest.mark.parametrize(
    "item",
    [None, "x", {}, {"type": 1}, {"type": "function_call"}, {"type": "message", "content": ["x"]}, {"type": "reasoning", "summary": [1]}],
    ids=["null", "text", "no type", "a number for type", "no name", "a text part", "a number"],
)
def test_items_that_are_none(item):
    """Not a Python error, but one of ours."""
    with pytest.raises(ResponseParsingError):
        decode({**response(), "output": [item]})


def test_blank_lines_before_the_answer():
    """OpenRouter keeps the line warm with them."""
    assert decode(b"\n\n  " + json.dumps(response("a")).encode()).text == "a"


# Usage.


def test_usage():
    """Inclusive counts and their subsets."""
    usage = decode(response("a")).usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens, usage.cached_tokens, usage.reasoning_tokens) == (3, 5, 8, 1, 2)
    assert usage.cache_write_tokens is None


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ({"input_tokens": 3, "output_tokens": 5}, {"total_tokens": 8, "cached_tokens": None}),
        ({"input_tokens": 3, "input_tokens_details": {"cache_write_tokens": 2}}, {"cache_write_tokens": 2, "completion_tokens": None}),
        (
            {"input_tokens": 3, "input_tokens_details": {"cache_read_input_tokens": 1, "cache_creation_input_tokens": 2}},
            {"cached_tokens": 1, "cache_write_tokens": 2},
        ),
        ({"input_tokens": 3, "input_tokens_details": None, "cost_in_usd_ticks": 20_000_000_000}, {"cost": decimal.Decimal(2), "cached_tokens": None}),
        ({"input_tokens": 3, "cost": 0.5}, {"cost": decimal.Decimal("0.5")}),
        ({"input_tokens": 3, "cost": {"total_cost": 0.25}}, {"cost": decimal.Decimal("0.25")}),
    ],
    ids=["no details", "cache writes", "Perplexity's names", "xAI's ticks", "OpenRouter's dollars", "Perplexity's dollars"],
)
def test_usage_in_other_spellings(given, fields):
    """Read where it stands; what is not said is None."""
    usage = decode(response("a", usage=given)).usage
    assert {name: getattr(usage, name) for name in fields} == fields


@pytest.mark.parametrize(
    ("used", "searches"), [({"web_search": {"num_requests": 3}}, 3), ({"web_search": {"num_requests": 0}}, None), ({}, None), (None, None)]
)
def test_searches_are_counted(used, searches):
    """They are billed by the piece."""
    assert decode(response("a", tool_usage=used)).usage.requests == searches


def test_an_answer_is_read_back_from_what_it_is_written_as():
    """OpenAI's shape, with the items beside it."""
    answer = decode(response(REASONING, {"type": "web_search_call", "id": "ws_1"}, "Hi.", CALL))
    again = ChatResponse.from_dict(json.loads(json.dumps(answer.to_dict())))
    assert (again.choices, again.extra) == (answer.choices, answer.extra)


def test_whose_state_it_is():
    """Nobody's, where the dialect belongs to nobody yet."""
    assert decode(response("a"), OpenAIResponses()).message.provider_state.provider == ""


@pytest.mark.parametrize(
    ("output", "cap", "finish"),
    [(("a",), 16, "length"), (("a",), 17, "stop"), ((CALL,), 16, "tool_calls"), (("a",), None, "stop")],
    ids=["as long as the cap", "shorter", "a call", "no cap"],
)
def test_a_cut_that_the_server_does_not_own_up_to(output, cap, finish):
    """An answer as long as the cap is not called complete, plain or streamed, whatever its status says; what was said stays as it was."""
    dialect = encode("hi", OpenAIResponses(silent_cut=True), max_tokens=cap).dialect or OpenAIResponses(silent_cut=True)
    value = response(*output, usage={"input_tokens": 3, "output_tokens": 16, "total_tokens": 19})
    plain, (decoder, chunks) = decode(value, dialect), run(wire(*events(value)), dialect)
    assert (plain.finish_reason, plain.finish_reason_raw) == (finish, "completed")
    assert (decoder.response().finish_reason, [chunk.finish_reason for chunk in chunks if chunk.finish_reason]) == (finish, [finish])


def test_a_cap_is_remembered_only_where_that_is_needed():
    """A server that reports its cuts is believed."""
    assert encode("hi", max_tokens=16).dialect is None
