"""Cache points: made of marks in Anthropic's shape, where the model takes them."""

import pytest

from llmclient.dialects.bedrock import BedrockConverse
from llmclient.types.messages import File, Message, Text, Tool
from tests.dialects.bedrock.kit import CALL, LLAMA, NOVA, RESULT, TOOL, USER, body, notes, turns

MARK = {"cache_control": {"type": "ephemeral"}}
HOUR = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
POINT = {"cachePoint": {"type": "default"}}
PDF = File(data=b"%PDF-", media_type="application/pdf", filename="a")


def kinds(content):
    """Return what each block is."""
    return [next(iter(block)) for block in content]


def test_a_point_stands_behind_what_was_marked():
    """A part, a message, a system prompt, a tool; the time to keep it goes along."""
    assert [{"text": "a"}, POINT, {"text": "b"}] == turns(Message("user", (Text("a", MARK), Text("b"))))[0]["content"]
    assert [{"text": "hi"}, {"cachePoint": {"type": "default", "ttl": "1h"}}] == turns({**USER, **HOUR})[0]["content"]
    assert [{"text": "s"}, POINT] == body([{"role": "system", "content": "s", **MARK}, USER])["system"]
    assert ["toolSpec", "cachePoint"] == kinds(body(tools=[Tool("add", extra=MARK)])["toolConfig"]["tools"])
    assert [] == notes([{"role": "system", "content": "s", **MARK}, {**USER, **MARK}], tools=[Tool("add", extra=MARK)])


def test_a_point_behind_a_result():
    """It stands in the turn, behind its result and before what the user says."""
    sent = turns(USER, CALL, {**RESULT, **MARK}, "and?", tools=[TOOL])
    assert ["toolResult", "cachePoint", "text"] == kinds(sent[2]["content"])


def test_no_point_stands_behind_a_document():
    """It stands before it, or nowhere, with a warning."""
    assert ["text", "cachePoint", "document"] == kinds(turns(Message("user", (Text("?"), PDF), extra=MARK))[0]["content"])
    alone = Message("user", (PDF,), extra=MARK)
    assert ["text", "document"] == kinds(turns(alone)[0]["content"])
    assert ("dropped", "cache_control") in notes([alone])


def test_two_marks_at_one_place_are_one_point():
    """The part's and the message's."""
    assert ["text", "cachePoint"] == kinds(turns(Message("user", (Text("a", MARK),), extra=MARK))[0]["content"])


@pytest.mark.parametrize(("model", "places"), [(LLAMA, []), (NOVA, ["system", "messages"])])
def test_models_that_cannot_be_told(model, places):
    """Marks are dropped with a warning, each kind once: a refused point would cost the whole request."""
    messages = [{"role": "system", "content": "s", **MARK}, {**USER, **MARK}, {"role": "assistant", "content": "a"}, {**USER, **MARK}]
    sent = body(messages, model, tools=[Tool("add", extra=MARK)])
    found = {"system": sent["system"], "messages": sent["messages"][0]["content"], "tools": sent["toolConfig"]["tools"]}
    assert places == [place for place, blocks in found.items() if POINT in blocks]
    dropped = [param for kind, param in notes(messages, model, tools=[Tool("add", extra=MARK)]) if kind == "dropped"]
    assert (["tools.cache_control"] if places else ["cache_control", "tools.cache_control"]) == dropped
    assert POINT in body(messages, model, BedrockConverse(families=()))["system"]


def test_the_last_points_are_kept():
    """The API takes four, and the last ones cover the longest prefixes."""
    messages = [{"role": "system", "content": "s", **MARK}, *({**USER, **HOUR} for _ in range(4))]
    sent = body(messages, tools=[Tool("add", extra=MARK)])
    assert (["text"], ["toolSpec"]) == (kinds(sent["system"]), kinds(sent["toolConfig"]["tools"]))
    assert ["text", "cachePoint"] * 4 == kinds(sent["messages"][0]["content"])
    assert [("dropped", "cache_control")] == notes(messages, tools=[Tool("add", extra=MARK)])
    assert 2 == str(body(messages, dialect=BedrockConverse(max_cache_points=2))).count("cachePoint")
