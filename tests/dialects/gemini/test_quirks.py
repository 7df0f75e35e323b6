"""What the peers' list of wire quirks says of Google, by its numbers; each test fails when the quirk goes back to another vendor's way."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest

from llmclient.dialects.gemini import GeminiChat
from llmclient.errors import ContentFilteredError, InvalidRequestError, QuotaExceededError, RateLimitError
from llmclient.types.messages import Message, ProviderState, ReasoningBlock, Tool
from tests.dialects.gemini.kit import GEMINI, answer, assistant, body, call, config, decode, encode, event, result, sse, stream, text, told, turns

NO_SIGNATURES = attrs.evolve(GEMINI, signed_models=())


def test_29_results_stand_by_name_in_a_users_turn_without_text() -> None:
    """Right after the call; a text that follows has a turn of its own."""
    sent = turns("hi", assistant(("c1", "f", "{}")), result("c1", "x"), "thanks")
    assert [("user", ["text"]), ("model", ["functionCall"]), ("user", ["functionResponse"]), ("user", ["text"])] == [
        (turn["role"], [key for part in turn["parts"] for key in part]) for turn in sent
    ]
    assert "f" == sent[2]["parts"][0]["functionResponse"]["name"]


def test_30_a_result_is_an_object_without_references() -> None:
    """Scalars are wrapped, `$ref` goes as text."""
    sent = turns("hi", assistant(("c1", "f", "{}"), ("c2", "g", "{}")), result("c1", "5"), result("c2", '{"$ref": "#"}'))
    assert [{"result": "5"}, {"result": '{"$ref": "#"}'}] == [part["functionResponse"]["response"] for part in sent[2]["parts"]]


FULL = {
    "type": "object",
    "properties": {"a": {"$ref": "#/$defs/A"}, "b": {"const": "x"}, "c": {"type": "array"}},
    "additionalProperties": False,
    "$defs": {"A": {"type": "string"}},
}


def test_31_schemas_go_as_json_schema() -> None:
    """Whole, in the fields that take them."""
    assert FULL == body(tools=[Tool("f", parameters=FULL)])["tools"][0]["functionDeclarations"][0]["parametersJsonSchema"]
    assert FULL == config(response_format={"type": "json_schema", "json_schema": {"schema": FULL}})["responseJsonSchema"]


def test_31_schemas_can_go_in_the_subset_of_openapi() -> None:
    """References written out, constants as lists, arrays with items, and nothing that is refused."""
    sent = body(tools=[Tool("f", parameters=FULL)], dialect=GeminiChat(schema="openapi"))["tools"][0]["functionDeclarations"][0]["parameters"]
    properties = {"a": {"type": "string"}, "b": {"type": "string", "enum": ["x"]}, "c": {"type": "array", "items": {"type": "string"}}}
    assert {"type": "object", "properties": properties} == sent


def test_31_nothing_stands_beside_a_reference() -> None:
    """In JSON Schema neither."""
    schema = {"type": "object", "properties": {"a": {"$ref": "#/$defs/A", "description": "d"}}, "$defs": {"A": {"type": "string"}}}
    sent = config(response_format={"type": "json_schema", "json_schema": {"schema": schema}})["responseJsonSchema"]
    assert {"type": "string", "description": "d"} == sent["properties"]["a"]


def test_32_a_signature_goes_back_on_the_same_part() -> None:
    """A signed part is never joined with another."""
    parts = [text("a"), text("b", thoughtSignature="c2ln"), text("c"), call("f", signature="c2lnMg==")]
    message = told(*parts)
    assert parts == turns("hi", message, result(message.tool_calls[0].id, "x"), model="gemini-3-pro-preview")[1]["parts"]


def test_32_signatures_survive_a_stream() -> None:
    """On the parts that they came with."""
    events = [event(text("a")), event(text("b")), event(text("c", thoughtSignature="c2ln")), event(text("d")), event(call("f", signature="c2lnMg=="), finish="STOP")]
    _, response = stream(sse(*events))
    sent = turns("hi", response.message, result(response.tool_calls[0].id, "x"))[1]["parts"]
    assert [text("ab"), text("c", thoughtSignature="c2ln"), text("d"), call("f", signature="c2lnMg==")] == sent


def test_32_signatures_survive_a_dict() -> None:
    """A conversation that is kept as JSON goes on."""
    message = told(text("hm", thought=True), call("f", signature="c2ln"))
    again = json.loads(json.dumps(message.to_dict()))
    sent = turns("hi", again, result(message.tool_calls[0].id, "x"), model="gemini-3-pro-preview")
    assert [text("hm", thought=True), call("f", signature="c2ln")] == sent[1]["parts"]


@pytest.mark.parametrize(("model", "signed"), [("gemini-3-pro-preview", True), ("models/gemini-3.5-flash", True), ("gemini-flash-latest", True), ("gemini-2.5-flash", False)])
def test_32_a_foreign_call_gets_the_documented_dummy(model: str, signed: bool) -> None:
    """The first of its turn only, and only where it is asked for."""
    sent = turns("hi", assistant(("c1", "f", "{}"), ("c2", "g", "{}")), result("c1", "x"), result("c2", "y"), model=model)
    signatures = [part.get("thoughtSignature") for part in sent[1]["parts"]]
    assert (["skip_thought_signature_validator", None] if signed else [None, None]) == signatures
    assert [None, None] == [
        part.get("thoughtSignature")
        for part in turns("hi", assistant(("c1", "f", "{}"), ("c2", "g", "{}")), result("c1", "x"), model=model, dialect=NO_SIGNATURES)[1]["parts"]
    ]


def test_32_no_byte_of_another_vendors_signature_goes_out() -> None:
    """Neither of its thoughts nor of its state; the call gets the dummy."""
    state = ProviderState("anthropic", "anthropic", {"blocks": [{"signature": "SECRET"}]})
    block = ReasoningBlock("hm", "SECRET", "REDACTED", provider="anthropic", dialect="anthropic")
    message = attrs.evolve(Message.of(assistant(("toolu_1", "f", "{}"))), reasoning=(block,), provider_state=state)
    sent = json.dumps(turns("hi", message, result("toolu_1", "x"), model="gemini-3-pro-preview"))
    assert "SECRET" not in sent
    assert "REDACTED" not in sent
    assert "skip_thought_signature_validator" in sent


@pytest.mark.parametrize(
    ("model", "effort", "sent"),
    [
        ("gemini-2.5-flash", "low", {"thinkingBudget": 1024, "includeThoughts": True}),
        ("gemini-3-flash-preview", "low", {"thinkingLevel": "low", "includeThoughts": True}),
        ("gemini-3-pro-preview", "minimal", {"thinkingLevel": "low", "includeThoughts": True}),
        ("gemini-2.5-pro", "none", {"thinkingBudget": 128, "includeThoughts": True}),
    ],
)
def test_33_a_budget_or_a_level_by_the_models_family(model: str, effort: str, sent: dict[str, Any]) -> None:
    """Some lack minimal, and Pro cannot be off."""
    assert sent == config(model=model, reasoning_effort=effort)["thinkingConfig"]


def test_34_usage_is_a_running_total_and_thoughts_stand_beside() -> None:
    """A later event may leave fields out; nothing is summed over events."""
    events = [
        event(text("a"), usageMetadata={"promptTokenCount": 5, "candidatesTokenCount": 2, "thoughtsTokenCount": 16, "totalTokenCount": 23}),
        event(text("b"), finish="STOP", usageMetadata={"promptTokenCount": 5, "candidatesTokenCount": 4}),
    ]
    usage = stream(sse(*events))[1].usage
    assert usage is not None
    assert (5, 20, 16) == (usage.prompt_tokens, usage.completion_tokens, usage.reasoning_tokens)


def test_35_calls_without_ids_get_one() -> None:
    """A stream brings them whole, and with the same id as a plain answer."""
    parts = [call("f", {"a": 1}), call("f", {"a": 2})]
    plain, streamed = decode(answer(*parts)), stream(sse(event(*parts, finish="STOP")))[1]
    assert 2 == len({made.id for made in plain.tool_calls})
    assert plain.tool_calls == streamed.tool_calls


def test_35_no_choice_is_sent_without_functions() -> None:
    """And nothing that a cache holds stands beside it."""
    assert "toolConfig" not in body(tools=[{"googleSearch": {}}], tool_choice="auto")
    with pytest.raises(InvalidRequestError, match="cachedContent"):
        body([{"role": "system", "content": "s"}, "hi"], extra={"cachedContent": "c"})


@pytest.mark.parametrize("word", ["SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR", "IMAGE_SAFETY", "LANGUAGE"])
def test_36_filters_are_content_filter(word: str) -> None:
    """With or without content."""
    assert "content_filter" == decode(answer(finish=word)).finish_reason


@pytest.mark.parametrize("word", ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "MISSING_THOUGHT_SIGNATURE"])
def test_36_failures_are_errors(word: str) -> None:
    """Never a stop."""
    assert "error" == decode(answer(text("x"), finish=word)).finish_reason


def test_36_a_blocked_prompt_has_no_candidates() -> None:
    """It raises."""
    with pytest.raises(ContentFilteredError):
        decode({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}})


def test_37_the_wait_stands_in_the_body_and_a_day_is_not_waited_for() -> None:
    """Also in an array."""
    details: list[dict[str, Any]] = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "45.837906927s"}]
    problem = {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "m", "details": details}}
    error = GEMINI.error(429, {}, json.dumps([problem]).encode())
    assert (RateLimitError, 45.837906927) == (type(error), error.retry_after)
    details.insert(0, {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": "RequestsPerDay-FreeTier"}]})
    assert QuotaExceededError is type(GEMINI.error(429, {}, json.dumps(problem).encode()))


def test_38_streams_are_asked_for_as_events_and_read_as_arrays_too() -> None:
    """Where a middleman lost the query."""
    assert {"alt": "sse"} == encode(stream=True).query
    assert "Hello" == stream(json.dumps([event(text("Hel")), event(text("lo"), finish="STOP")]).encode())[1].text
