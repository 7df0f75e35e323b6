"""Results of tools on their way to Google."""

from __future__ import annotations

from typing import Any

import pytest

from llmclient.dialects.gemini import GeminiChat
from llmclient.errors import InvalidRequestError
from llmclient.types.messages import Image, Message, Text
from tests.dialects.gemini.kit import GEMINI, assistant, call, notes, result, told, turns


def response_of(content: Any, **more: Any) -> Any:
    """Return what a tool's message becomes."""
    return turns("hi", assistant(("c1", "f", "{}")), result("c1", content, **more))[2]["parts"][0]["functionResponse"]["response"]


@pytest.mark.parametrize(
    ("content", "sent"),
    [
        ("sunny", {"result": "sunny"}),
        ("20", {"result": "20"}),
        ('{"t": 20}', {"t": 20}),
        (" [1, 2]", {"result": [1, 2]}),
        ("{broken", {"result": "{broken"}),
        ("", {"result": ""}),
        ('{"n": 12345678901234567890123}', {"n": 12345678901234567890123}),
    ],
    ids=["text", "number", "object", "array", "broken", "empty", "large"],
)
def test_a_result_becomes_an_object(content: str, sent: Any) -> None:
    """JSON objects go as such, arrays and text under a name."""
    assert sent == response_of(content)


@pytest.mark.parametrize("content", ['{"$ref": "#/a"}', '{"a": [{"$defs": {}}]}'], ids=["ref", "deep"])
def test_a_result_with_keys_of_googles_own_goes_as_text(content: str) -> None:
    """`$ref` and `$defs` inside it are refused."""
    assert {"result": content} == response_of(content)


def test_a_failure_goes_under_error() -> None:
    """The portable flag stands in the message's extra."""
    assert {"error": "no such city"} == response_of("no such city", is_error=True)
    assert [] == notes(["hi", assistant(("c1", "f", "{}")), result("c1", "x", is_error=True)])


def test_the_name_comes_from_the_call() -> None:
    """Results are matched by name, which a tool's message need not repeat."""
    sent = turns("hi", assistant(("c1", "lookup", "{}")), result("c1", "x"))
    assert {"name": "lookup", "id": "c1"} == {key: sent[2]["parts"][0]["functionResponse"][key] for key in ("name", "id")}


def test_results_of_one_turn_stand_together_in_the_order_of_the_calls() -> None:
    """Whatever the order of the messages."""
    sent = turns("hi", assistant(("c1", "f", "{}"), ("c2", "g", "{}")), result("c2", "two"), result("c1", "one"), "next")
    assert ["user", "model", "user", "user"] == [turn["role"] for turn in sent]
    assert ["one", "two"] == [part["functionResponse"]["response"]["result"] for part in sent[2]["parts"]]


def test_a_result_that_comes_late_is_put_right_after_its_call() -> None:
    """Text never stands between a call and its result, nor in one turn with it."""
    sent = turns("hi", assistant(("c1", "f", "{}")), "wait", result("c1", "one"))
    assert ["functionResponse"] == list(sent[2]["parts"][0])
    assert [{"text": "wait"}] == sent[3]["parts"]


def test_an_id_that_comes_again_belongs_to_the_next_call() -> None:
    """Some vendors number the calls of each turn from 0."""
    sent = turns("a", assistant(("call_0", "f", "{}")), result("call_0", "one"), "b", assistant(("call_0", "g", "{}")), result("call_0", "two"))
    found = [part["functionResponse"] for turn in sent for part in turn["parts"] if "functionResponse" in part]
    assert [("f", "one"), ("g", "two")] == [(each["name"], each["response"]["result"]) for each in found]


def test_a_call_without_a_result_stays_alone() -> None:
    """The provider judges that."""
    sent = turns("hi", assistant(("c1", "f", "{}"), ("c2", "g", "{}")), result("c2", "two"))
    assert ["g"] == [part["functionResponse"]["name"] for part in sent[2]["parts"]]


def test_calls_that_the_model_did_not_number_stay_unnumbered() -> None:
    """Neither call nor result gets our id, so that they match."""
    message = told(call("f", {"a": 1}))
    sent = turns("hi", message, result(message.tool_calls[0].id, "ok"))
    assert "id" not in sent[1]["parts"][0]["functionCall"]
    assert "id" not in sent[2]["parts"][0]["functionResponse"]


def test_calls_that_the_model_numbered_keep_their_number() -> None:
    """In call and result."""
    message = told(call("f", {"a": 1}, id="own1"))
    sent = turns("hi", message, result("own1", "ok"))
    assert ("own1", "own1") == (sent[1]["parts"][0]["functionCall"]["id"], sent[2]["parts"][0]["functionResponse"]["id"])


def test_ids_can_be_left_out() -> None:
    """Where they are not taken."""
    sent = turns("hi", assistant(("c1", "f", "{}")), result("c1", "ok"), dialect=GeminiChat(call_ids=False))
    assert "c1" not in str(sent)


def test_a_result_without_a_call_is_refused_unless_it_names_its_function() -> None:
    """A conversation that was cut keeps what can be said."""
    with pytest.raises(InvalidRequestError, match="c9"):
        turns("hi", result("c9", "x"))
    sent = turns("hi", result("c9", "x", name="f"), result("c8", "y", name="g"))
    assert ["f", "g"] == [part["functionResponse"]["name"] for part in sent[1]["parts"]]


PICTURE = Message("tool", (Text("seen"), Image("gs://b/a.png")), tool_call_id="c1")


def test_pictures_of_a_result_stand_in_it_where_the_model_takes_them() -> None:
    """From Gemini 3 on."""
    sent = turns("hi", assistant(("c1", "f", "{}")), PICTURE, model="gemini-3-flash-preview")
    (part,) = sent[2]["parts"]
    assert [{"fileData": {"mimeType": "image/png", "fileUri": "gs://b/a.png"}}] == part["functionResponse"]["parts"]
    assert {"result": "seen"} == part["functionResponse"]["response"]


def test_pictures_of_a_result_follow_it_for_older_models() -> None:
    """In a turn of their own, with a warning."""
    conversation = ["hi", assistant(("c1", "f", "{}")), PICTURE]
    sent = turns(*conversation)
    assert [["functionResponse"], ["fileData"]] == [list(turn["parts"][0]) for turn in sent[2:]]
    assert [("moved", "messages.tool")] == notes(conversation)


def test_pictures_of_a_result_without_a_call_follow_it_too() -> None:
    """The same for a result that only names its function."""
    sent = turns("hi", Message("tool", (Image("gs://b/a.png"),), name="f"))
    assert [["functionResponse"], ["fileData"]] == [list(turn["parts"][0]) for turn in sent[1:]]


def test_the_name_for_what_is_no_object_can_be_changed() -> None:
    """A quirk."""
    sent = turns("hi", assistant(("c1", "f", "{}")), result("c1", "x"), dialect=GeminiChat(result_key="output"))
    assert {"output": "x"} == sent[2]["parts"][0]["functionResponse"]["response"]
    assert "result" == GEMINI.result_key
