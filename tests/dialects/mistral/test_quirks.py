"""Each quirk in which Mistral differs from OpenAI, with the number that it has in our survey of dialects where it has one."""

from __future__ import annotations

import inspect
import json
import pickle
from collections.abc import Callable
from typing import Any

import attrs
import pytest

from llmclient.dialects.mistral import MistralChat, MistralFIM
from llmclient.dialects.openai import OpenAIChat
from llmclient.errors import InvalidRequestError
from llmclient.types.messages import Audio, File, FunctionCall, Message, ReasoningBlock, Text, Tool, ToolCall
from tests.dialects.kit import body, encode, notes, sent

MISTRAL = MistralChat(provider="acme")
USER = {"role": "user", "content": "hi"}
CALL = {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": "{}"}}
CALLED = {"role": "assistant", "content": None, "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "3"}
TOOL = Tool("add", "Adds.", {"type": "object", "properties": {}})


def tool(**changes: Any) -> Tool:
    """Return a tool that is not quite as it should be."""
    return attrs.evolve(TOOL, **changes)


def only_known_parameters(dialect: MistralChat) -> None:
    """48: `user` is refused."""
    assert "user" not in body(dialect, user="u1")
    assert ("dropped", "user") in notes(dialect, user="u1")


def a_seed_is_called_random(dialect: MistralChat) -> None:
    """48: `seed` is `random_seed`."""
    assert {"random_seed": 7} == body(dialect, seed=7)


def the_cap_is_max_tokens(dialect: MistralChat) -> None:
    """The only name that it knows."""
    assert {"max_tokens": 5} == body(dialect, max_tokens=5)


def top_k_is_taken(dialect: MistralChat) -> None:
    """OpenAI has no such parameter."""
    assert {"top_k": 5} == body(dialect, top_k=5)


def efforts_are_high_and_none(dialect: MistralChat) -> None:
    """48: there is nothing between."""
    assert {"reasoning_effort": "high"} == body(dialect, reasoning_effort="low")
    assert [("clamped", "reasoning_effort")] == notes(dialect, reasoning_effort="low")
    assert {"reasoning_effort": "none"} == body(dialect, reasoning_effort="none")


def streams_have_no_options(dialect: MistralChat) -> None:
    """48: `stream_options` is refused."""
    assert {"stream": True} == body(dialect, stream=True)


def some_tool_is_any(dialect: MistralChat) -> None:
    """46: the word for a forced call."""
    assert "any" == body(dialect, tools=[TOOL], tool_choice="required")["tool_choice"]


def no_tool_is_no_tools(dialect: MistralChat) -> None:
    """46: `none` beside tools garbles the answer."""
    assert {} == body(dialect, tools=[TOOL], tool_choice="none")
    assert [("moved", "tool_choice")] == notes(dialect, tools=[TOOL], tool_choice="none")


def a_result_names_its_function(dialect: MistralChat) -> None:
    """48: names are for tools only, and Mistral's client sends them."""
    assert "add" == sent(dialect, USER, CALLED, RESULT)[-1]["name"]


def ids_are_nine_letters_and_digits(dialect: MistralChat) -> None:
    """45: others are hashed, the same in call and result; Mistral's own stay."""
    _, called, result = sent(dialect, USER, CALLED, RESULT)
    assert called["tool_calls"][0]["id"] == result["tool_call_id"]
    assert len(result["tool_call_id"]) == 9
    assert result["tool_call_id"].isalnum()
    own = sent(dialect, USER, {**CALLED, "tool_calls": [{**CALL, "id": "aB3dE6gH9"}]}, {**RESULT, "tool_call_id": "aB3dE6gH9"})
    assert ("aB3dE6gH9", "aB3dE6gH9") == (own[1]["tool_calls"][0]["id"], own[2]["tool_call_id"])


def schemas_have_no_names(dialect: MistralChat) -> None:
    """48: `$id` and `$schema` are refused, at any depth."""
    inner = {"$id": "a", "$schema": "b", "type": "integer"}
    named = tool(parameters={"$schema": "x", "type": "object", "properties": {"a": inner}})
    schema = body(dialect, tools=[named])["tools"][0]["function"]["parameters"]
    assert {"type": "object", "properties": {"a": {"type": "integer"}}} == schema


def schemas_refer_to_nothing(dialect: MistralChat) -> None:
    """References are replaced by what they point to."""
    pointed = tool(parameters={"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"type": "integer"}}})
    schema = body(dialect, tools=[pointed])["tools"][0]["function"]["parameters"]
    assert {"type": "object", "properties": {"a": {"type": "integer"}}} == schema


def tools_are_not_strict(dialect: MistralChat) -> None:
    """48: `strict` is refused in tools; in a response format it is taken."""
    assert "strict" not in body(dialect, tools=[tool(strict=True)])["tools"][0]["function"]
    assert [("dropped", "strict")] == notes(dialect, tools=[tool(strict=True), tool(name="sub", strict=False)])
    form = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}, "strict": True}}
    assert {"response_format": form} == body(dialect, response_format=form)
    assert [] == notes(dialect, response_format=form)


def tools_have_parameters(dialect: MistralChat) -> None:
    """A function without any has an object without properties."""
    assert {"type": "object", "properties": {}} == body(dialect, tools=[tool(parameters=None)])["tools"][0]["function"]["parameters"]


def thoughts_stand_in_the_content(dialect: MistralChat) -> None:
    """49: as parts of type thinking, before the text."""
    message = Message("assistant", "four", reasoning=(ReasoningBlock("hm", provider="acme", dialect="mistral"),))
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    assert [thought, {"type": "text", "text": "four"}] == sent(dialect, USER, message, USER)[1]["content"]


def developers_are_systems(dialect: MistralChat) -> None:
    """There is no such role."""
    assert {"role": "system", "content": "be brief"} == sent(dialect, {"role": "developer", "content": "be brief"}, USER)[0]


def a_user_does_not_follow_a_tool(dialect: MistralChat) -> None:
    """47: an assistant's turn is put between them."""
    assert ["user", "assistant", "tool", "assistant", "user"] == [message["role"] for message in sent(dialect, USER, CALLED, RESULT, USER)]


def an_assistants_end_is_a_prefix(dialect: MistralChat) -> None:
    """47: the last turn is the user's or a tool's, or is marked."""
    assert {"role": "assistant", "content": "Sure", "prefix": True} == sent(dialect, USER, {"role": "assistant", "content": "Sure"})[-1]


def an_empty_turn_is_left_out(dialect: MistralChat) -> None:
    """47: an assistant that says nothing is refused."""
    for nothing in ("", None, [], [{"type": "text", "text": ""}]):
        assert [USER, USER] == sent(dialect, USER, {"role": "assistant", "content": nothing}, USER)
    assert [("moved", "messages")] == notes(dialect, [USER, {"role": "assistant", "content": ""}, USER])


def the_end_is_not_the_systems(dialect: MistralChat) -> None:
    """47: a system message at the end is sent as the user's."""
    assert [USER, {"role": "user", "content": "be brief"}] == sent(dialect, USER, {"role": "system", "content": "be brief"})
    assert [("moved", "messages")] == notes(dialect, [USER, {"role": "developer", "content": "be brief"}])


def speakers_have_no_names(dialect: MistralChat) -> None:
    """48: `name` is refused, but for tools."""
    assert [USER] == sent(dialect, {**USER, "name": "bob"})
    assert [("dropped", "messages.name")] == notes(dialect, [{**USER, "name": "bob"}])


def messages_have_no_other_fields(dialect: MistralChat) -> None:
    """48: unknown fields are refused; a refusal is what was said."""
    assert [USER] == sent(dialect, {**USER, "weight": 1})
    assert {"role": "assistant", "content": "no"} == sent(dialect, USER, Message("assistant", None, refusal="no"), USER)[1]


def calls_have_an_empty_content(dialect: MistralChat) -> None:
    """48: null is refused."""
    assert "" == sent(dialect, USER, CALLED, RESULT)[1]["content"]


def nothing_is_null(dialect: MistralChat) -> None:
    """48: optional fields are left out; what a schema holds stays."""
    part = {"type": "text", "text": "hi", "cache_control": None}
    assert [{"type": "text", "text": "hi"}] == sent(dialect, {"role": "user", "content": [part]})[0]["content"]
    schema = {"type": "object", "properties": {"a": {"enum": ["x", None], "default": None}}}
    form = {"type": "json_schema", "json_schema": {"name": "a", "description": None, "schema": schema}}
    assert {"name": "a", "schema": schema} == body(dialect, response_format=form)["response_format"]["json_schema"]
    assert None is body(dialect, extra={"prompt_mode": None})["prompt_mode"]


def refusals_are_no_parts(dialect: MistralChat) -> None:
    """Parts of this kind are not taken."""
    with pytest.raises(InvalidRequestError, match="refusal parts"):
        sent(dialect, USER, {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]}, USER)


def documents_have_an_address(dialect: MistralChat) -> None:
    """49: by address, or inline as one; named where they have a name."""
    remote, inline = File("https://acme.example/a.pdf"), File(data=b"%PDF-", filename="b.pdf")
    parts = sent(dialect, Message("user", (Text("read"), remote, inline)))[0]["content"]
    assert {"type": "document_url", "document_url": "https://acme.example/a.pdf"} == parts[1]
    assert {"type": "document_url", "document_url": "data:application/pdf;base64,JVBERi0=", "document_name": "b.pdf"} == parts[2]


def recordings_are_text(dialect: MistralChat) -> None:
    """As an address or as base64."""
    parts = sent(dialect, Message("user", (Audio("https://acme.example/a.mp3"), Audio(data=b"abc", format="wav"))))[0]["content"]
    assert [{"type": "input_audio", "input_audio": "https://acme.example/a.mp3"}, {"type": "input_audio", "input_audio": "YWJj"}] == parts


def uploads_go_by_their_id(dialect: MistralChat) -> None:
    """49: which stands directly in the part."""
    assert [{"type": "file", "file_id": "f1"}] == sent(dialect, Message("user", (File(file_id="f1"),)))[0]["content"]


CASES: dict[str, Callable[[MistralChat], None]] = {
    "allow": only_known_parameters,
    "rename": a_seed_is_called_random,
    "max_tokens_field": the_cap_is_max_tokens,
    "top_k": top_k_is_taken,
    "efforts": efforts_are_high_and_none,
    "stream_options": streams_have_no_options,
    "tool_choice_required": some_tool_is_any,
    "none_drops_tools": no_tool_is_no_tools,
    "tool_result_name": a_result_names_its_function,
    "tool_id_length": ids_are_nine_letters_and_digits,
    "schema_drop": schemas_have_no_names,
    "inline_refs": schemas_refer_to_nothing,
    "function_strict": tools_are_not_strict,
    "function_parameters": tools_have_parameters,
    "replay_reasoning": thoughts_stand_in_the_content,
    "developer_role": developers_are_systems,
    "tool_bridge": a_user_does_not_follow_a_tool,
    "prefill_field": an_assistants_end_is_a_prefix,
    "empty_turns": an_empty_turn_is_left_out,
    "ends_with_system": the_end_is_not_the_systems,
    "drop_message_name": speakers_have_no_names,
    "drop_unknown_message_fields": messages_have_no_other_fields,
    "null_content": calls_have_an_empty_content,
    "nulls": nothing_is_null,
    "parts": refusals_are_no_parts,
    "document_urls": documents_have_an_address,
    "audio_text": recordings_are_text,
    "file_id_flat": uploads_go_by_their_id,
}
OWN: dict[str, Any] = {
    "function_strict": True,
    "function_parameters": False,
    "empty_turns": True,
    "ends_with_system": True,
    "nulls": True,
    "document_urls": False,
    "audio_text": False,
}
PLAIN: dict[str, Any] = OWN | {field.name: field.default for field in attrs.fields(OpenAIChat)}
"""What each field is where Mistral's way is not taken."""


@pytest.mark.parametrize("field", CASES)
def test_a_quirk_is_handled(field: str) -> None:
    """The request becomes what Mistral takes."""
    CASES[field](MISTRAL)


@pytest.mark.parametrize("field", CASES)
def test_a_case_notices_when_its_quirk_is_set_back(field: str) -> None:
    """It fails for a dialect that does in this as OpenAI does."""
    try:
        CASES[field](attrs.evolve(MISTRAL, **{field: PLAIN[field]}))
    except (AssertionError, LookupError, InvalidRequestError, pytest.fail.Exception):
        return
    raise AssertionError(f"nobody would notice if {field} were as it is at OpenAI")


def test_every_difference_has_a_case() -> None:
    """No quirk is left out."""
    fields = [field for field in attrs.fields(MistralChat) if field.metadata.get("quirk") is not False]
    assert {field.name for field in fields if field.default != PLAIN[field.name]} == CASES.keys()


@pytest.mark.parametrize("number", range(45, 50))
def test_every_number_has_a_case(number: int) -> None:
    """The survey's quirks of Mistral are all here."""
    assert any((case.__doc__ or "").startswith(f"{number}:") for case in CASES.values())


@pytest.mark.parametrize("cls", [MistralChat, MistralFIM])
def test_every_field_is_documented(cls: type[MistralChat]) -> None:
    """The line below a field says what it is."""
    lines = inspect.getsource(cls).splitlines()
    for name in set(cls.__annotations__) - {"name", "path"}:
        at = next(number for number, line in enumerate(lines) if line.startswith(f"    {name}:"))
        assert lines[at + 1].strip().startswith('"""'), name


@pytest.mark.parametrize("cls", [MistralChat, MistralFIM])
def test_dialects_are_values(cls: type[MistralChat]) -> None:
    """Equal, hashable, picklable."""
    assert cls() == pickle.loads(pickle.dumps(cls()))
    assert hash(cls()) == hash(cls())
    assert cls() != cls(top_k=False)


def test_the_callers_values_stay_as_they_were() -> None:
    """Nothing that was passed is changed."""
    messages = [{"role": "user", "content": [{"type": "text", "text": "hi", "cache_control": None}]}, {**CALLED, "prefix": None}]
    tools = [{"type": "function", "function": {"name": "add", "strict": True, "parameters": None}, "more": None}]
    before = json.dumps([messages, tools])
    encode(MISTRAL, messages, tools=tools)
    assert before == json.dumps([messages, tools])


def test_a_call_keeps_its_type() -> None:
    """A tool call of another dialect becomes a plain one."""
    message = Message("assistant", None, tool_calls=(ToolCall("toolu_01", FunctionCall("add", '{"a":1}')),))
    called = sent(MISTRAL, USER, message, {**RESULT, "tool_call_id": "toolu_01"})[1]["tool_calls"][0]
    assert {"type": "function", "function": {"name": "add", "arguments": '{"a":1}'}} == {key: value for key, value in called.items() if key != "id"}
