"""Tools of the Messages API: their names, schemas and choice."""

import json

import pytest

from llmclient.dialects.anthropic import AnthropicMessages
from llmclient.errors import InvalidRequestError
from llmclient.types.messages import Tool
from tests.dialects.anthropic.kit import MODEL, TOOL, USER, body, decode, encode, events, message, notes, params, run, wire

SEARCH = {"type": "web_search_20250305", "name": "web_search", "max_uses": 3}


def test_a_function_in_the_apis_shape():
    """Its schema has another name."""
    assert [{"name": "add", "description": "Add", "input_schema": TOOL["function"]["parameters"]}] == params(tools=[TOOL])["tools"]


@pytest.mark.parametrize("given", [None, {}, {"properties": {"a": {}}}], ids=["none", "empty", "no type"])
def test_a_schema_always_says_that_it_is_an_object(given):
    """The API refuses one without a type."""
    schema = params(tools=[Tool("add", parameters=given)])["tools"][0]["input_schema"]
    assert "object" == schema["type"]
    assert (given or {}).get("properties", {}) == schema["properties"]


def test_tools_of_the_server_go_as_they_are():
    """So do functions written in the API's own shape."""
    own = {"name": "mine", "input_schema": {"type": "object"}}
    assert [SEARCH, own] == params(tools=[SEARCH, own])["tools"]


def test_extra_fields_of_a_tool_are_sent():
    """Marks for the cache, and whatever the API knows of tools."""
    assert {"type": "ephemeral"} == params(tools=[Tool("add", extra={"cache_control": {"type": "ephemeral"}})])["tools"][0]["cache_control"]


def test_strict_tools_have_closed_schemas():
    """A call can be held to its schema, which must be closed then."""
    tool = Tool("add", parameters={"type": "object", "properties": {"a": {"type": "integer", "minimum": 0}}}, strict=True)
    sent = params(tools=[tool])["tools"][0]
    assert sent["strict"] is True
    assert {"type": "object", "properties": {"a": {"type": "integer"}}, "additionalProperties": False} == sent["input_schema"]
    assert [("dropped", "schema.minimum")] == notes(tools=[tool])


@pytest.mark.parametrize(
    ("dialect", "model"), [(AnthropicMessages(), "claude-sonnet-4-0"), (AnthropicMessages(tool_strict=False), MODEL)], ids=["model", "host"]
)
def test_strict_is_noted_where_it_is_not_taken(dialect, model):
    """The quirk `tool_strict`; false means what happens anyway."""
    assert [("dropped", "strict")] == notes("hi", dialect, model, tools=[Tool("add", strict=True), Tool("sub", strict=True)])
    assert "strict" not in params(dialect, model, tools=[Tool("add", strict=True)])["tools"][0]
    assert [] == notes("hi", dialect, model, tools=[Tool("add", strict=False)])
    assert params(AnthropicMessages(), MODEL, tools=[Tool("add", strict=True)])["tools"][0]["strict"] is True


# Names.


def test_names_that_the_api_refuses_are_changed_and_restored():
    """Dots become underscores on the way out, and dots again in the answer, whole or streamed."""
    made = encode([USER], tools=[Tool("math.add")], tool_choice="math.add")
    assert "math_add" == made.body["tools"][0]["name"]
    assert {"type": "tool", "name": "math_add"} == made.body["tool_choice"]
    answer = message({"type": "tool_use", "id": "t1", "name": "math_add", "input": {"a": 1}}, stop="tool_use")
    assert "math.add" == decode(answer, made.dialect).tool_calls[0].function.name
    decoder, chunks = run(wire(*events(answer)), made.dialect)
    assert "math.add" == decoder.response().tool_calls[0].function.name
    assert ["math.add"] == [call.function.name for chunk in chunks for call in chunk.tool_calls if call.id]


def test_names_that_are_fine_need_no_memory():
    """Then the answer is decoded by the provider's own dialect."""
    assert encode(tools=[TOOL]).dialect is None


def test_names_in_earlier_turns_are_changed_alike():
    """So that calls match their tools."""
    talk = [USER, {"role": "assistant", "tool_calls": [{"id": "t1", "type": "function", "function": {"name": "math.add", "arguments": "{}"}}]}]
    assert "math_add" == body(talk, tools=[Tool("math.add")])["messages"][1]["content"][0]["name"]


def test_long_names_are_cut():
    """The quirk `tool_name_max`."""
    assert 128 == len(params(tools=[Tool("x" * 200)])["tools"][0]["name"])
    assert 64 == len(params(AnthropicMessages(tool_name_max=64), tools=[Tool("x" * 200)])["tools"][0]["name"])


@pytest.mark.parametrize(
    ("tools", "words"),
    [
        ([Tool("a.b"), Tool("a_b")], "'a.b' and 'a_b' both become 'a_b'"),
        ([Tool("add"), Tool("add")], "'add' is there twice"),
        ([Tool("x" * 130), Tool("x" * 131)], "both become"),
        ([Tool("web.search"), SEARCH], "both become 'web_search'"),
    ],
    ids=["letters", "twice", "length", "server tool"],
)
def test_names_that_become_one_are_refused(tools, words):
    """A call of such a name could mean either."""
    with pytest.raises(InvalidRequestError, match=words):
        encode(tools=tools)


# Which tool must be called.


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("auto", {"type": "auto"}),
        ("none", {"type": "none"}),
        ("required", {"type": "any"}),
        ("any", {"type": "any"}),
        ("add", {"type": "tool", "name": "add"}),
        ({"type": "function", "function": {"name": "add"}}, {"type": "tool", "name": "add"}),
        ({"type": "tool", "name": "add", "disable_parallel_tool_use": True}, {"type": "tool", "name": "add", "disable_parallel_tool_use": True}),
        ({"type": "any"}, {"type": "any"}),
    ],
    ids=["auto", "none", "required", "any", "name", "openai", "anthropic", "anthropic any"],
)
def test_peers_23_the_choice_of_a_tool(given, sent):
    """Required is `any` here, and a name is a `tool`."""
    assert sent == params(tools=[TOOL], tool_choice=given)["tool_choice"]


def test_a_tool_may_be_called_required():
    """The caller's names go before the words."""
    assert {"type": "tool", "name": "required"} == params(tools=[Tool("required")], tool_choice="required")["tool_choice"]


def test_a_choice_that_cannot_be_said_is_refused():
    """The choice of a tool is never dropped."""
    with pytest.raises(InvalidRequestError, match="'allowed_tools' cannot be said"):
        encode(tools=[TOOL], tool_choice={"type": "allowed_tools", "allowed_tools": {"mode": "auto"}})


@pytest.mark.parametrize("model", ["claude-fable-5-1", "claude-opus-5-5", "claude-sonnet-5-5"])
def test_peers_23_a_model_that_cannot_be_forced(model):
    """Some models refuse a forced call: the request is refused here, before it is sent."""
    with pytest.raises(InvalidRequestError, match="cannot be forced"):
        encode("hi", model=model, tools=[TOOL], tool_choice="required")
    assert {"type": "auto"} == params(model=model, tools=[TOOL], tool_choice="auto")["tool_choice"]


def test_a_choice_without_tools_is_left_out():
    """The API refuses it then; what was forced cannot be left out."""
    assert {} == params(tool_choice="auto")
    assert [("moved", "tool_choice")] == notes(tool_choice="none")
    assert {"tool_choice": {"type": "any"}} == params(tool_choice="required")


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        ({"parallel_tool_calls": False}, {"type": "auto", "disable_parallel_tool_use": True}),
        ({"parallel_tool_calls": True}, None),
        ({"parallel_tool_calls": False, "tool_choice": "required"}, {"type": "any", "disable_parallel_tool_use": True}),
        ({"parallel_tool_calls": True, "tool_choice": "required"}, {"type": "any"}),
        ({"parallel_tool_calls": False, "tool_choice": "none"}, {"type": "none"}),
        (
            {"parallel_tool_calls": True, "tool_choice": {"type": "any", "disable_parallel_tool_use": True}},
            {"type": "any", "disable_parallel_tool_use": False},
        ),
    ],
    ids=["off", "on", "off and forced", "on and forced", "off and none", "on against the choice"],
)
def test_peers_23_parallel_calls_are_said_the_other_way_round(options, sent):
    """What OpenAI allows is what Anthropic disables."""
    assert sent == params(tools=[TOOL], **options).get("tool_choice")


def test_parallel_calls_without_tools_are_noted():
    """There is nothing to say it of."""
    assert [("dropped", "parallel_tool_calls")] == notes(parallel_tool_calls=False)


def test_a_call_without_arguments_is_an_empty_object():
    """Whole and streamed, the arguments are `{}`."""
    answer = message({"type": "tool_use", "id": "t1", "name": "now", "input": {}}, stop="tool_use")
    decoder, chunks = run(wire(*events(answer)))
    assert "{}" == decode(answer).tool_calls[0].function.arguments == decoder.response().tool_calls[0].function.arguments
    assert "{}" == "".join(call.function.arguments for chunk in chunks for call in chunk.tool_calls)
    assert "tool_calls" == decoder.response().finish_reason


def test_arguments_stay_text():
    """A plain answer holds an object, which becomes the JSON text that callers of OpenAI know."""
    answer = message({"type": "tool_use", "id": "t1", "name": "add", "input": {"a": [1, None]}}, stop="tool_use")
    assert {"a": [1, None]} == json.loads(decode(answer).tool_calls[0].function.arguments)


@pytest.mark.parametrize("given", [[1, 2], [], "type", 5], ids=["list", "empty list", "text", "number"])
def test_a_schema_that_is_no_object_is_refused(given):
    """As a tool's parameters and as the answer's shape; the error names which."""
    with pytest.raises(InvalidRequestError, match="'add'") as tool:
        params(tools=[Tool("add", parameters=given)])
    with pytest.raises(InvalidRequestError) as answer:
        params(response_format={"type": "json_schema", "json_schema": {"name": "s", "schema": given}})
    assert ("tools", "response_format") == (tool.value.param, answer.value.param)
