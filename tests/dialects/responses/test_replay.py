"""What goes back to the provider that gave it: its own items in their order, or its reasoning; never another's."""

import json

import attrs
import pytest

from llmclient.dialects.responses import OpenAIResponses
from llmclient.types.messages import FunctionCall, Message, ProviderState, ReasoningBlock, Text, ToolCall
from tests.dialects.responses.kit import CALL, OURS, REASONING, USER, decode, encode, items, message, response, result, turn

SEARCH = {"id": "ws_1", "type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "q"}}
PLAIN = {"id": "rs_2", "type": "reasoning", "summary": []}
SHOWN = {"id": "rs_3", "type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "Hm."}]}


def test_the_whole_output_goes_back_in_its_order():
    """Verbatim: ids, statuses, phases, encrypted reasoning, searches, and calls in between."""
    output = [REASONING, SEARCH, message("Let me see.", phase="commentary"), {**REASONING, "id": "rs_9"}, {**CALL, "namespace": "n"}]
    answer = decode(response(*output))
    assert items(USER, answer.message, result()) == [USER, *output, {"type": "function_call_output", "call_id": "call_1", "output": "2"}]


def test_it_survives_a_store():
    """A message that was written as JSON and read again says the same."""
    answer = decode(response(REASONING, CALL))
    stored = Message.of(json.loads(json.dumps(answer.message.to_dict())))
    assert items(USER, stored, result()) == items(USER, answer.message, result())


@pytest.mark.parametrize("change", [{"content": "Else."}, {"tool_calls": ()}], ids=["text", "calls"])
def test_a_turn_that_was_changed_is_written_anew(change):
    """What the caller says now counts; the reasoning goes back all the same."""
    answer = decode(response(REASONING, "Well.", CALL))
    sent = items(USER, attrs.evolve(answer.message, **change))
    assert sent[1] == {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm."}], "encrypted_content": "gAAA"}
    assert sent[2] == {"type": "message", "role": "assistant", "content": change.get("content", "Well.")}
    assert len(sent) == (4 if "content" in change else 3)


def test_arguments_that_were_changed_count():
    """The call is no longer the provider's."""
    answer = decode(response(CALL))
    changed = attrs.evolve(answer.message, tool_calls=(ToolCall("call_1", FunctionCall("add", '{"a":2}')),))
    assert items(USER, changed, result())[1] == {"type": "function_call", "call_id": "call_1", "name": "add", "arguments": '{"a":2}'}


@pytest.mark.parametrize(("provider", "dialect"), [("other", "responses"), ("acme", "openai")], ids=["another provider", "another dialect"])
def test_nothing_of_anothers_turn_goes_out_but_what_was_said(provider, dialect):
    """No id, no reasoning, no encrypted byte."""
    given = turn(REASONING, "Well.", CALL, provider=provider, dialect=dialect)
    given = attrs.evolve(given, reasoning=(ReasoningBlock("Hm.", "sig", "gAAA", provider, "m", dialect, "rs_1"),))
    wire = json.dumps(encode([USER, given, result()]).body)
    assert not any(trace in wire for trace in ("gAAA", "rs_1", "fc_1", "msg_1", "sig", "Hm."))
    assert "Well." in wire


def test_the_callers_own_reasoning_goes_out_where_it_can_be_read():
    """A block that names nobody may go to anybody, but only what is encrypted is taken as reasoning."""
    block = ReasoningBlock("Hm.", redacted="gXXX")
    (sent,) = [item for item in items(USER, Message("assistant", "a", reasoning=(block, ReasoningBlock("plain")))) if item.get("type") == "reasoning"]
    assert sent == {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}], "encrypted_content": "gXXX"}


def test_reasoning_among_the_parts():
    """It goes before what was said."""
    block = ReasoningBlock("", redacted="gXXX", id="rs_1")
    assert items(USER, Message("assistant", (block, Text("a"))))[1] == {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gXXX"}


def test_reasoning_as_text_where_a_host_wants_it():
    """A quirk sends back what is only readable."""
    dialect = OpenAIResponses(provider="acme", replay_text=True)
    given = Message("assistant", "a", reasoning=(ReasoningBlock("Hm.", provider="acme", dialect="responses"), ReasoningBlock("")))
    assert items(USER, given, dialect=dialect)[1] == {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "Hm."}]}
    assert items(USER, given)[1:] == [{"type": "message", "role": "assistant", "content": "a"}]


@pytest.mark.parametrize("kept", [True, False], ids=["kept", "written anew"])
def test_reasoning_that_nothing_follows_is_left_out(kept):
    """As in a turn that was cut off: the API refuses it, other hosts do not."""
    given = turn(REASONING) if kept else Message("assistant", None, reasoning=(ReasoningBlock("", redacted="gXXX"),))
    assert items(USER, given) == [USER]
    assert len(items(USER, given, dialect=OpenAIResponses(provider="acme", reasoning_last=True))) == 2


def test_reasoning_that_was_not_stored_and_is_not_encrypted_is_left_out():
    """The provider could not know it by its id, nor the items that came with it."""
    given = turn(PLAIN, SEARCH, "Well.", CALL)
    assert items(USER, given, result(), store=True)[1:5] == [PLAIN, SEARCH, message("Well."), CALL]
    sent = items(USER, given, result(), store=False)[1:4]
    assert sent[0] == SEARCH
    assert [item.get("id") for item in sent[1:]] == [None, None]


@pytest.mark.parametrize("item", [REASONING, SHOWN], ids=["encrypted", "shown"])
def test_reasoning_that_can_be_read_needs_no_store(item):
    """It goes back with its id, whatever `store` says."""
    assert items(USER, turn(item, "Well."), store=False)[1:] == [item, message("Well.")]


@pytest.mark.parametrize("how", ["extra", "body"])
def test_what_is_stored_is_told_in_other_places_too(how):
    """`extra` and constant fields count."""
    dialect = OpenAIResponses(provider="acme", body={"store": False} if how == "body" else {})
    extra = {"store": False} if how == "extra" else {}
    assert items(USER, turn(PLAIN, "Well."), dialect=dialect, extra=extra)[1] == {key: value for key, value in message("Well.").items() if key != "id"}


def test_a_call_that_came_without_an_id_gets_the_one_of_its_result():
    """The id that the answer made up for it."""
    nameless = {key: value for key, value in CALL.items() if key not in ("id", "call_id")}
    answer = decode(response(nameless))
    (call,) = answer.tool_calls
    assert [item["call_id"] for item in items(USER, answer.message, result(call.id))[1:]] == [call.id, call.id]


def test_a_custom_tools_call_goes_back():
    """And its result is of its kind."""
    call = {"id": "ctc_1", "type": "custom_tool_call", "call_id": "call_1", "name": "sql", "input": "select 1"}
    answer = decode(response(call))
    assert answer.tool_calls == (ToolCall("call_1", FunctionCall("sql", "select 1"), "custom"),)
    assert items(USER, answer.message, result())[1:] == [call, {"type": "custom_tool_call_output", "call_id": "call_1", "output": "2"}]


def test_an_item_in_the_short_form_of_a_message():
    """Its content may be a text."""
    short = {"role": "assistant", "content": "Well.", "phase": "final_answer"}
    given = Message("assistant", "Well.", provider_state=ProviderState("acme", "responses", {"items": [short]}))
    assert items(USER, given, dialect=OURS) == [USER, short]
