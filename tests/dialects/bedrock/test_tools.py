"""Tools and the choice among them."""

import pytest

from llmclient.dialects.bedrock import BedrockConverse
from llmclient.errors import InvalidRequestError
from llmclient.types.messages import Tool
from tests.dialects.bedrock.kit import CALL, CLAUDE, DIALECT, LLAMA, NOVA, RESULT, TOOL, USER, answer, body, encode, events, notes, params

ANY = {"json": {"type": "object", "properties": {}}}
LONG = "x" * 70


def config(model=CLAUDE, dialect=DIALECT, **options):
    """Return toolConfig of a request."""
    return params(model, dialect, **options).get("toolConfig")


def spec(tool, **options):
    """Return how one tool is declared."""
    return config(tools=[tool], **options)["tools"][0]["toolSpec"]


def test_a_function():
    """Name, description and schema."""
    schema = {"json": {"type": "object", "properties": {"a": {"type": "integer"}}}}
    assert {"name": "add", "description": "Add", "inputSchema": schema} == spec(TOOL)


def test_peers_43_a_description_is_not_empty():
    """43: A blank one is left out, as is a missing one."""
    for description in (None, "", "  "):
        assert {"name": "add", "inputSchema": ANY} == spec(Tool("add", description))


def test_a_schema_is_that_of_an_object():
    """The type is added where it is missing."""
    assert {"json": {"type": "object", "properties": {"a": {}}}} == spec(Tool("add", None, {"properties": {"a": {}}}))["inputSchema"]


def test_strict_calls():
    """The schema is closed and cleared; models that do not know it get a warning, and `False` says nothing."""
    tool = Tool("add", None, {"type": "object", "properties": {"a": {"type": "integer", "maximum": 3}}}, strict=True)
    sent = spec(tool)
    assert (True, False, {"a": {"type": "integer"}}) == (
        sent["strict"], sent["inputSchema"]["json"]["additionalProperties"], sent["inputSchema"]["json"]["properties"],
    )  # fmt: skip
    assert [("dropped", "schema.maximum")] == notes(tools=[tool])
    old = "anthropic.claude-3-haiku-20240307-v1:0"
    assert "strict" not in config(old, tools=[tool])["tools"][0]["toolSpec"]
    assert [("dropped", "strict")] == notes(model=old, tools=[tool])
    assert "strict" not in spec(Tool("add", strict=False))


@pytest.mark.parametrize("tool", [{"systemTool": {"name": "nova_code_interpreter"}}, {"type": "cachePoint", "cachePoint": {"type": "default"}}])
def test_tools_of_the_apis_own(tool):
    """They go as they are."""
    assert [{key: value for key, value in tool.items() if key != "type"}] == config(tools=[tool])["tools"]


def test_other_tools_are_refused():
    """Leaving one out would change the answer."""
    with pytest.raises(InvalidRequestError, match="web_search") as caught:
        encode(tools=[{"type": "web_search"}])
    assert caught.value.param == "tools"


def test_unknown_fields_of_a_tool_are_dropped():
    """With a warning."""
    assert [("dropped", "tools.returns")] == notes(tools=[Tool("add", extra={"returns": "x"})])


@pytest.mark.parametrize(("given", "sent"), [("a.b c", "a_b_c"), (LONG, "x" * 64)])
def test_peers_43_names_are_fitted_and_restored(given, sent):
    """43: Few characters are taken, and 64 of them; answers, streamed ones too, give the caller's name back."""
    wire = encode(tools=[Tool(given)])
    assert sent == wire.body["toolConfig"]["tools"][0]["toolSpec"]["name"]
    value = answer({"toolUse": {"toolUseId": "t", "name": sent, "input": {}}}, stop="tool_use")
    decoder = wire.dialect.stream("m", "r")
    chunks = decoder.feed(b"".join(events(value)))
    assert (given, given) == (chunks[0].tool_calls[0].function.name, decoder.response().tool_calls[0].function.name)
    short = BedrockConverse(tool_name_max=3)
    assert sent[:3] == encode(tools=[Tool(given)], dialect=short).body["toolConfig"]["tools"][0]["toolSpec"]["name"]


def test_names_that_become_one_are_refused():
    """The error tells both."""
    with pytest.raises(InvalidRequestError, match=r"a_b"):
        encode(tools=[Tool("a.b"), Tool("a b")])


def test_calls_of_earlier_turns_are_renamed_alike():
    """So is the name that a choice forces."""
    call = {**CALL, "tool_calls": [{"id": "c", "function": {"name": "a.b", "arguments": "{}"}}]}
    sent = body([USER, call, {**RESULT, "tool_call_id": "c"}], tools=[Tool("a.b")], tool_choice="a.b")
    assert "a_b" == sent["messages"][1]["content"][0]["toolUse"]["name"] == sent["toolConfig"]["toolChoice"]["tool"]["name"]


# History.


def test_peers_40_tools_are_declared_wherever_there_were_calls():
    """40: By name, where the request has none; with a warning. Other providers may not want it."""
    messages = [USER, CALL, RESULT]
    assert {"tools": [{"toolSpec": {"name": "add", "inputSchema": ANY}}]} == body(messages)["toolConfig"]
    assert [("moved", "tools")] == notes(messages)
    assert "toolConfig" not in body(messages, dialect=BedrockConverse(tools_with_history=False))


def test_declared_names_are_fitted_too():
    """Names that become one are declared once, and the first is given back."""
    calls = [{"id": f"c{index}", "function": {"name": name, "arguments": "{}"}} for index, name in enumerate(("a.b", "a b"))]
    wire = encode([USER, {**CALL, "tool_calls": calls}, *({**RESULT, "tool_call_id": f"c{index}"} for index in range(2))])
    assert ["a_b"] == [tool["toolSpec"]["name"] for tool in wire.body["toolConfig"]["tools"]]
    assert {"a_b": "a.b"} == wire.dialect.names


def test_a_result_alone_declares_a_tool():
    """By the name that it bears, or a general one."""
    assert ["tool"] == [tool["toolSpec"]["name"] for tool in body([USER, RESULT])["toolConfig"]["tools"]]
    assert ["sum"] == [tool["toolSpec"]["name"] for tool in body([USER, {**RESULT, "name": "sum"}])["toolConfig"]["tools"]]


# Choices.


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("auto", {"auto": {}}),
        ("required", {"any": {}}),
        ("any", {"any": {}}),
        ("add", {"tool": {"name": "add"}}),
        ({"type": "function", "function": {"name": "add"}}, {"tool": {"name": "add"}}),
        ({"type": "tool", "name": "add"}, {"tool": {"name": "add"}}),
        ({"type": "any"}, {"any": {}}),
        ({"tool": {"name": "add"}}, {"tool": {"name": "add"}}),
    ],
)
def test_choices(given, sent):
    """In whichever shape they are given."""
    assert sent == config(tools=[TOOL], tool_choice=given)["toolChoice"]
    assert [] == notes(tools=[TOOL], tool_choice=given)


def test_the_usual_choice_is_said_only_where_it_is_known():
    """Some models refuse the word, and it says nothing new."""
    assert "toolChoice" not in config(LLAMA, tools=[TOOL], tool_choice="auto")
    assert "toolChoice" in config(NOVA, tools=[TOOL], tool_choice="auto")


def test_models_that_cannot_be_forced():
    """The request is refused; models that nobody knows are asked."""
    for model in (LLAMA, "anthropic.claude-sonnet-5-5"):
        with pytest.raises(InvalidRequestError, match="forced") as caught:
            encode(model=model, tools=[TOOL], tool_choice="required")
        assert caught.value.param == "tool_choice"
    assert {"any": {}} == config("vendor.model", tools=[TOOL], tool_choice="required")["toolChoice"]


def test_peers_43_none_is_said_by_leaving_the_tools_out():
    """43: The API has no word for it; beside earlier calls the tools must stay, and the choice is lost, which strict callers are told."""
    assert config(tools=[TOOL], tool_choice="none") is None
    assert [("moved", "tool_choice")] == notes(tools=[TOOL], tool_choice="none")
    sent = body([USER, CALL, RESULT], tools=[TOOL], tool_choice="none")["toolConfig"]
    assert ({"tools"}, "add") == (set(sent), sent["tools"][0]["toolSpec"]["name"])
    assert [("dropped", "tool_choice")] == notes([USER, CALL, RESULT], tools=[TOOL], tool_choice="none")
    free = BedrockConverse(tools_with_history=False)
    assert "toolConfig" not in body([USER, CALL, RESULT], dialect=free, tools=[TOOL], tool_choice="none")


def test_a_choice_without_tools():
    """What forces a call is refused; the rest says nothing, with a warning."""
    for choice in ("required", "add", {"type": "function", "function": {"name": "add"}}):
        with pytest.raises(InvalidRequestError, match="no tools"):
            encode(tool_choice=choice)
    for choice in ("auto", "none"):
        assert [("moved", "tool_choice")] == notes(tool_choice=choice)


def test_calls_in_one_stream_are_numbered_by_us():
    """From 0, whatever stands between them; arguments that never come are an empty object."""
    value = answer("a", {"toolUse": {"toolUseId": "t", "name": "f", "input": {"a": 1}}}, {"toolUse": {"toolUseId": "u", "name": "g", "input": {}}})
    decoder = DIALECT.stream("m", "r")
    pieces = [piece for chunk in decoder.feed(b"".join(events(value))) for piece in chunk.tool_calls]
    assert [(0, "t", "f"), (1, "u", "g")] == [(piece.index, piece.id, piece.function.name) for piece in pieces if piece.id]
    assert ["{}"] == [piece.function.arguments for piece in pieces if piece.index == 1 and not piece.id]


@pytest.mark.parametrize("given", [[1, 2], [], "type", 5], ids=["list", "empty list", "text", "number"])
def test_a_schema_that_is_no_object_is_refused(given):
    """As a tool's parameters and as the answer's shape; the error names which."""
    with pytest.raises(InvalidRequestError, match="'add'") as tool:
        params(tools=[Tool("add", parameters=given)])
    with pytest.raises(InvalidRequestError) as form:
        params(response_format={"type": "json_schema", "json_schema": {"name": "s", "schema": given}})
    assert ("tools", "response_format") == (tool.value.param, form.value.param)
