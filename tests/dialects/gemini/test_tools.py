"""Tools on their way to Google."""

from __future__ import annotations

from typing import Any

import pytest

from llmclient.dialects.gemini import GeminiChat
from llmclient.errors import InvalidRequestError
from llmclient.types.messages import Tool
from tests.dialects.gemini.kit import body, notes

PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False}
WEATHER = Tool("weather", "Tell the weather.", PARAMETERS)
TIME = Tool("time")


def test_functions_stand_together() -> None:
    """In one tool, with their schema as JSON Schema."""
    declared = [
        {"name": "weather", "description": "Tell the weather.", "parametersJsonSchema": PARAMETERS},
        {"name": "time", "description": ""},
    ]
    assert [{"functionDeclarations": declared}] == body(tools=[WEATHER, TIME])["tools"]


def test_schemas_go_in_openapis_language_where_that_is_wanted() -> None:
    """A quirk; an object without properties is left out, since it is refused."""
    sent = body(tools=[WEATHER, Tool("now", parameters={"type": "object", "properties": {}})], dialect=GeminiChat(schema="openapi"))
    weather, now = sent["tools"][0]["functionDeclarations"]
    assert {key: value for key, value in PARAMETERS.items() if key != "additionalProperties"} == weather["parameters"]
    assert {"name": "now", "description": ""} == now


def test_what_the_provider_runs_goes_verbatim() -> None:
    """After the functions, whatever their order."""
    assert [{"googleSearch": {}}, {"codeExecution": {}}] == body(tools=[{"googleSearch": {}}, WEATHER, {"codeExecution": {}}])["tools"][1:]


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"type": "google_search"}, {"googleSearch": {}}),
        ({"type": "google_search", "google_search": {"excludeDomains": ["x"]}}, {"googleSearch": {"excludeDomains": ["x"]}}),
        ({"type": "file_search", "fileSearchStoreNames": ["s"]}, {"fileSearch": {"fileSearchStoreNames": ["s"]}}),
        ({"type": "urlContext"}, {"urlContext": {}}),
    ],
    ids=["type", "nested", "flat", "camel"],
)
def test_what_the_provider_runs_may_be_named_by_its_type(given: dict[str, Any], sent: dict[str, Any]) -> None:
    """As those write it who come from elsewhere."""
    assert [sent] == body(tools=[given])["tools"]


def test_an_unknown_type_is_refused_by_name() -> None:
    """Tools are never dropped; the error says what there is."""
    with pytest.raises(InvalidRequestError, match=r"'web_search'.*google_search"):
        body(tools=[{"type": "web_search"}])


def test_web_search_options_ask_for_googles_search() -> None:
    """Its fields have no counterpart."""
    assert [{"googleSearch": {}}] == body(web_search_options={"search_context_size": "low"})["tools"]
    assert [("dropped", "web_search_options.search_context_size")] == notes(web_search_options={"search_context_size": "low"})


def test_what_cannot_be_said_of_a_function_is_dropped_with_a_warning() -> None:
    """Google knows behavior, but neither strict nor cache marks."""
    tools = [Tool("a", strict=True, extra={"behavior": "NON_BLOCKING", "cache_control": 1}), Tool("b", strict=True), Tool("c", strict=False)]
    assert "NON_BLOCKING" == body(tools=tools)["tools"][0]["functionDeclarations"][0]["behavior"]
    assert [("dropped", "strict"), ("dropped", "tools.cache_control")] == notes(tools=tools)


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        ("auto", {"mode": "AUTO"}),
        ("none", {"mode": "NONE"}),
        ("required", {"mode": "ANY"}),
        ("any", {"mode": "ANY"}),
        ("time", {"mode": "ANY", "allowedFunctionNames": ["time"]}),
        ({"type": "function", "function": {"name": "time"}}, {"mode": "ANY", "allowedFunctionNames": ["time"]}),
        ({"type": "required"}, {"mode": "ANY"}),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [{"type": "function", "function": {"name": "time"}}, {"type": "x"}]}},
            {"mode": "ANY", "allowedFunctionNames": ["time"]},
        ),
        ({"functionCallingConfig": {"mode": "VALIDATED"}}, {"mode": "VALIDATED"}),
    ],
    ids=["auto", "none", "required", "any", "name", "function", "type", "allowed", "verbatim"],
)
def test_a_choice_is_a_mode_and_names(choice: Any, sent: dict[str, Any]) -> None:
    """Modes are AUTO, NONE and ANY."""
    assert {"functionCallingConfig": sent} == body(tools=[WEATHER, TIME], tool_choice=choice)["toolConfig"]


def test_a_choice_that_cannot_be_said_is_refused() -> None:
    """Such as a choice among some tools, without a must."""
    with pytest.raises(InvalidRequestError, match="allowed_tools"):
        body(tools=[WEATHER], tool_choice={"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}})


def test_a_choice_counts_for_functions_declared_verbatim() -> None:
    """They are functions, too."""
    sent = body(tools=[{"functionDeclarations": [{"name": "f"}]}], tool_choice="required")
    assert {"functionCallingConfig": {"mode": "ANY"}} == sent["toolConfig"]


def test_none_is_said_by_sending_no_tools_where_there_are_no_functions() -> None:
    """The mode would not stop the search."""
    sent = body(tools=[{"googleSearch": {}}], tool_choice="none")
    assert {"tools", "toolConfig"}.isdisjoint(sent)
    assert [("moved", "tool_choice")] == notes(tools=[{"googleSearch": {}}], tool_choice="none")


@pytest.mark.parametrize("choice", ["auto", "none"])
def test_a_choice_among_nothing_is_left_out_with_a_word(choice: str) -> None:
    """The API refuses a choice without functions."""
    assert "toolConfig" not in body(tool_choice=choice)
    assert [("moved", "tool_choice")] == notes(tool_choice=choice)


@pytest.mark.parametrize("tools", [None, [{"googleSearch": {}}]], ids=["none", "search"])
def test_a_call_cannot_be_asked_for_without_functions(tools: Any) -> None:
    """It is never dropped."""
    with pytest.raises(InvalidRequestError, match="no functions"):
        body(tools=tools, tool_choice="required")


def test_extra_tool_settings_are_joined_with_the_choice() -> None:
    """Both stand in toolConfig."""
    sent = body(tools=[WEATHER], tool_choice="auto", extra={"toolConfig": {"includeServerSideToolInvocations": True}})
    assert {"functionCallingConfig": {"mode": "AUTO"}, "includeServerSideToolInvocations": True} == sent["toolConfig"]
