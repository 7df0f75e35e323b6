"""Messages on their way to Ollama."""

import pytest

from llmclient.errors import InvalidRequestError
from llmclient.types.messages import Audio, File, Image, Message, Other, ReasoningBlock, Refusal, Text
from tests.dialects.ollama.kit import CALL, USER, encode, notes, sent

ASSISTANT = {"role": "assistant", "content": None, "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "2"}


def test_roles():
    """System messages keep their place, and a developer's are the same."""
    messages = [{"role": "system", "content": "a"}, USER, {"role": "developer", "content": "b"}, {"role": "assistant", "content": "c"}]
    assert [("system", "a"), ("user", "hi"), ("system", "b"), ("assistant", "c")] == [(m["role"], m["content"]) for m in sent(*messages)]


def test_peers_65_arguments_go_as_objects():
    """And a result by the name of its tool, looked up by its id; numbers keep their size."""
    called = {**ASSISTANT, "tool_calls": [CALL, {"id": "call_2", "type": "function", "function": {"name": "now", "arguments": '{"a":123456789012345678901}'}}]}
    wire = sent(USER, called, {**RESULT, "tool_call_id": "call_2"}, RESULT)
    calls = [{"function": {"name": "add", "arguments": {"a": 1}}}, {"function": {"name": "now", "arguments": {"a": 123456789012345678901}}}]
    assert {"role": "assistant", "tool_calls": calls} == wire[1]
    assert [{"role": "tool", "content": "2", "tool_name": "add"}, {"role": "tool", "content": "2", "tool_name": "now"}] == wire[2:]


def test_results_come_in_the_order_of_their_calls():
    """Nothing else tells two calls of one tool apart; each turn is for itself."""
    first, second = {**ASSISTANT, "tool_calls": [CALL, {**CALL, "id": "call_2"}]}, {**ASSISTANT, "tool_calls": [{**CALL, "id": "call_3"}]}
    results = [{**RESULT, "tool_call_id": f"call_{number}", "content": str(number)} for number in (1, 2, 3)]
    wire = sent(USER, first, results[1], results[0], second, results[2], USER)
    assert ["hi", "1", "2", "3", "hi"] == [message["content"] for message in wire if "content" in message]


@pytest.mark.parametrize("arguments", ["[1]", "{", "1"])
def test_arguments_that_are_no_object_are_refused(arguments):
    """They cannot be said."""
    with pytest.raises(InvalidRequestError, match="no JSON object"):
        encode([USER, {**ASSISTANT, "tool_calls": [{**CALL, "function": {"name": "add", "arguments": arguments}}]}])


def test_results_without_an_id():
    """They answer the open calls in their order, or the tool that they name."""
    called = {**ASSISTANT, "tool_calls": [CALL, {"id": "call_2", "type": "function", "function": {"name": "now", "arguments": "{}"}}]}
    bare = {"role": "tool", "content": "1"}
    assert ["add", "now"] == [message["tool_name"] for message in sent(USER, called, bare, bare)[2:]]
    assert ["add", "now"] == [message["tool_name"] for message in sent(USER, called, RESULT, bare)[2:]]
    assert "later" == sent(USER, {**bare, "name": "later"})[1]["tool_name"]


@pytest.mark.parametrize("result", [{"role": "tool", "content": "1"}, {"role": "tool", "tool_call_id": "x", "content": "1"}])
def test_a_result_of_nothing_is_refused(result):
    """There is no call before it that it could answer."""
    with pytest.raises(InvalidRequestError, match="no tool call before this result"):
        encode([USER, result])


def test_calls_without_ids_are_told_apart_by_their_order():
    """Another server may leave ids out."""
    calls = [{"type": "function", "function": {"name": name, "arguments": "{}"}} for name in ("add", "now")]
    bare = {"role": "tool", "content": "1"}
    assert ["add", "now"] == [message["tool_name"] for message in sent(USER, {**ASSISTANT, "tool_calls": calls}, bare, bare)[2:]]


def test_pictures():
    """Base64 alone, in a list of their own, from bytes, a data URL and a path."""
    parts = (Text("a"), Image(data=b"\x89PNG\r\n"), Text("b"), Image("data:image/gif;base64,R0lG"))
    assert {"role": "user", "content": "ab", "images": ["iVBORw0K", "R0lG"]} == sent(Message("user", parts))[0]


def test_a_picture_by_address_is_refused():
    """The server fetches none."""
    with pytest.raises(InvalidRequestError, match=r"https://x/y\.png is not fetched here; pass its bytes"):
        encode([Message("user", (Image("https://x/y.png"),))])


@pytest.mark.parametrize(
    ("part", "word"), [(Audio(data=b"a"), "audio"), (File(data=b"a"), "file"), (Other({"type": "novel"}), "'novel'"), (ReasoningBlock("t"), "reasoning")]
)
def test_a_part_that_cannot_be_carried_is_refused(part, word):
    """The error names it."""
    with pytest.raises(InvalidRequestError, match=word):
        encode([Message("user", (part,))])


def test_thoughts_go_back():
    """This provider's and nobody's, from the message and among its parts."""
    blocks = (ReasoningBlock("a", provider="acme", dialect="ollama"), ReasoningBlock("b"))
    message = Message("assistant", (Text("x"), ReasoningBlock("c")), reasoning=blocks)
    assert {"role": "assistant", "content": "x", "thinking": "abc"} == sent(USER, message)[1]


@pytest.mark.parametrize("who", [{"provider": "other"}, {"provider": "acme", "dialect": "anthropic"}, {"dialect": "openai"}])
def test_the_thoughts_of_others_stay_here(who):
    """Neither they nor their signatures go on the wire."""
    message = Message("assistant", "x", reasoning=(ReasoningBlock("t", "sig", **who),))
    assert {"role": "assistant", "content": "x"} == sent(USER, message)[1]


def test_refusals_are_texts():
    """Both as parts and as the message's own; nothing is an empty text."""
    assert "no" == sent(USER, {"role": "assistant", "content": None, "refusal": "no"})[1]["content"]
    assert "no" == sent(USER, Message("assistant", (Refusal("no"),)))[1]["content"]
    assert "" == sent(USER, {"role": "assistant", "content": None})[1]["content"]


def test_what_is_lost_is_told_once():
    """Names, audio, levels of detail, and fields that the API does not know."""
    named = {"role": "user", "content": "a", "name": "bob", "colour": "red"}
    spoken = {"role": "assistant", "content": "x", "audio": {"id": "a"}}
    seen = Message("user", (Image(data=b"a", detail="low"),))
    wanted = [("dropped", name) for name in ("messages.name", "messages.extra", "messages.audio", "messages.detail")]
    assert wanted == notes([named, named, spoken, seen])
