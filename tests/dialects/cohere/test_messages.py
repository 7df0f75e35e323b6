"""Messages on their way to Cohere."""

import pytest

from llmclient.errors import InvalidRequestError
from llmclient.types.messages import Audio, File, Image, Message, Other, ProviderState, ReasoningBlock, Refusal, Text
from tests.dialects.cohere.kit import CALL, USER, encode, notes, sent

ASSISTANT = {"role": "assistant", "content": None, "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "add_1", "content": "2"}


def ours(text, **more):
    """Return a thought of this provider."""
    return ReasoningBlock(text, provider="acme", dialect="cohere", **more)


def test_roles():
    """System messages keep their place, and a developer's are the same."""
    messages = [{"role": "system", "content": "a"}, USER, {"role": "developer", "content": "b"}, {"role": "assistant", "content": "c"}, USER]
    assert ["system", "user", "system", "assistant", "user"] == [message["role"] for message in sent(*messages)]
    assert ["a", "hi", "b", "c", "hi"] == [message["content"] for message in sent(*messages)]


def test_a_round_of_tools():
    """Calls keep OpenAI's shape; a turn without words has no content."""
    assert [{"role": "assistant", "tool_calls": [CALL]}, {"role": "tool", "tool_call_id": "add_1", "content": "2"}] == sent(USER, ASSISTANT, RESULT)[1:]


def test_peers_50_a_plan_goes_back_as_a_plan():
    """The block that holds it becomes tool_plan, thoughts become parts before the text."""
    message = Message("assistant", "x", tool_calls=(sent_call(),), reasoning=(ours("t"), ours("p", id="tool_plan")))
    wire = sent(USER, message)[1]
    assert "p" == wire["tool_plan"]
    assert [{"type": "thinking", "thinking": "t"}, {"type": "text", "text": "x"}] == wire["content"]


def sent_call():
    """Return a call."""
    return Message.of(ASSISTANT).tool_calls[0]


def test_thoughts_without_a_maker():
    """Before calls they are the plan, which every model takes; else they are thoughts."""
    assert "t" == sent(USER, {**ASSISTANT, "reasoning_content": "t"})[1]["tool_plan"]
    wire = sent(USER, {"role": "assistant", "content": "x", "reasoning_content": "t"})[1]
    assert [{"type": "thinking", "thinking": "t"}, {"type": "text", "text": "x"}] == wire["content"]


@pytest.mark.parametrize("who", [{"provider": "other"}, {"provider": "acme", "dialect": "anthropic"}, {"dialect": "openai"}])
def test_the_thoughts_of_others_stay_here(who):
    """Neither they nor their signatures go on the wire."""
    message = Message("assistant", "x", reasoning=(ReasoningBlock("t", "sig", **who),))
    assert {"role": "assistant", "content": "x"} == sent(USER, message)[1]


def test_thoughts_among_the_parts():
    """They are taken out of the content."""
    message = Message("assistant", (ours("t"), Text("x")))
    assert [{"type": "thinking", "thinking": "t"}, {"type": "text", "text": "x"}] == sent(USER, message)[1]["content"]


def test_content_of_a_later_kind_goes_back_as_it_came():
    """Unless the text was changed since, or it is another's."""
    content = [{"type": "text", "text": "x"}, {"type": "novel", "novel": 1}]
    state = ProviderState("acme", "cohere", {"content": content})
    assert content == sent(USER, Message("assistant", "x", provider_state=state))[1]["content"]
    assert "y" == sent(USER, Message("assistant", "y", provider_state=state))[1]["content"]
    assert "x" == sent(USER, Message("assistant", "x", provider_state=ProviderState("other", "cohere", {"content": content})))[1]["content"]


def test_pictures():
    """By address or as data, with their level of detail."""
    parts = [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "low"}}]
    assert parts == sent({"role": "user", "content": parts})[0]["content"]
    wire = sent(Message("user", (Image(data=b"\x89PNG\r\n", media_type="image/png"),)))[0]["content"]
    assert [{"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0K"}}] == wire


@pytest.mark.parametrize(
    ("message", "word"),
    [
        (Message("user", (Audio(data=b"a"),)), "audio"),
        (Message("user", (File(data=b"a"),)), "file"),
        (Message("user", (Other({"type": "novel"}),)), "'novel'"),
        (Message("user", (Other({"type": "document", "document": {"data": "a"}}),)), "'document'"),
        (Message("user", (ReasoningBlock("t"),)), "reasoning"),
        (Message("tool", (Image("https://x/y.png"),), tool_call_id="add_1"), "image"),
    ],
)
def test_a_part_that_cannot_be_carried_is_refused(message, word):
    """The error names it."""
    with pytest.raises(InvalidRequestError, match=word):
        encode([Message("user", "hi"), message])


def test_documents_as_results():
    """A result may hold documents, in Cohere's own shape, and texts."""
    parts = [{"type": "document", "document": {"data": {"a": "b"}, "id": "1"}}, {"type": "text", "text": "x"}]
    assert parts == sent(USER, ASSISTANT, {**RESULT, "content": parts})[2]["content"]


def test_refusals_are_texts():
    """Both as parts and as the message's own."""
    assert "no" == sent(USER, {"role": "assistant", "content": None, "refusal": "no"})[1]["content"]
    assert [{"type": "text", "text": "no"}] == sent(USER, Message("assistant", (Refusal("no"),)))[1]["content"]


def test_missing_ids_are_made():
    """The same each time; results without an id answer the calls in their order."""
    calls = [{"type": "function", "function": {"name": "add", "arguments": "{}"}}] * 2
    messages = [USER, {"role": "assistant", "content": None, "tool_calls": calls}, {"role": "tool", "content": "1"}, {"role": "tool", "content": "2"}]
    wire = sent(*messages)
    ids = [call["id"] for call in wire[1]["tool_calls"]]
    assert 2 == len(set(ids))
    assert ids == [message["tool_call_id"] for message in wire[2:]]
    assert wire == sent(*messages)


def test_a_result_of_nothing_is_refused():
    """There is no call that it could answer."""
    with pytest.raises(InvalidRequestError, match="tool_call_id"):
        encode([USER, {"role": "tool", "content": "1"}])


def test_what_is_lost_is_told_once():
    """Names, audio, and fields that the API does not know."""
    named = {"role": "user", "content": "a", "name": "bob", "colour": "red"}
    spoken = {"role": "assistant", "content": "x", "audio": {"id": "a"}}
    called = {**ASSISTANT, "tool_calls": [{**CALL, "signature": "s"}]}
    wanted = [("dropped", name) for name in ("messages.name", "messages.extra", "messages.audio", "tool_calls.extra")]
    assert wanted == notes([named, named, spoken, called, RESULT])


def test_a_call_that_is_no_function_is_refused():
    """The API knows functions only."""
    with pytest.raises(InvalidRequestError, match="'custom'"):
        encode([USER, {**ASSISTANT, "tool_calls": [{**CALL, "type": "custom"}]}])
