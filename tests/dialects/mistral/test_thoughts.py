"""What the model thought: in the content, with signatures, and back again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llmclient.dialects.mistral import MistralChat
from llmclient.types.chat import ChatResponse
from llmclient.types.messages import Message, ReasoningBlock, Text
from tests.dialects.kit import choice, completion, decode, delta, run, sent, wire

MISTRAL = MistralChat(provider="acme")
USER = {"role": "user", "content": "hi"}


def thinking(*texts: str, **more: Any) -> dict[str, Any]:
    """Return a part of thoughts."""
    return {"type": "thinking", "thinking": [{"type": "text", "text": text} for text in texts], **more}


def block(text: str, signature: str | None = None) -> ReasoningBlock:
    """Return the block that a part becomes."""
    return ReasoningBlock(text, signature, provider="acme", dialect="mistral")


def text(value: str) -> dict[str, Any]:
    """Return a part of text."""
    return {"type": "text", "text": value}


def answered(*parts: Any) -> ChatResponse:
    """Return what an answer of these parts means."""
    return decode(completion({"role": "assistant", "content": list(parts), "tool_calls": None}), MISTRAL)


def streamed(*contents: Any, size: int = 1 << 16) -> ChatResponse:
    """Return what a stream of these contents means."""
    events = [delta({"content": content}) for content in contents]
    decoder, _ = run(wire(*events, delta({}, "stop")), MISTRAL, size)
    assert decoder.error is None
    return decoder.response()


def test_thoughts_without_a_signature_are_one_block() -> None:
    """The text is what stands beside them."""
    response = answered(thinking("hm, ", "well"), text("four"))
    assert ("four", (block("hm, well"),)) == (response.text, response.message.reasoning)


def test_signed_thoughts_are_a_block_each() -> None:
    """So that each goes back with its own signature."""
    response = answered(thinking("one", signature="s1"), thinking("two"), text("four"), thinking("three", signature="s3"))
    assert (block("one", "s1"), block("two"), block("three", "s3")) == response.message.reasoning
    assert ("four", "onetwothree") == (response.text, response.reasoning)


def test_a_signature_may_stand_alone() -> None:
    """Thoughts that are not told are signed, too."""
    assert (block("", "s1"),) == answered(thinking(signature="s1"), text("four")).message.reasoning


def test_a_whole_answer_to_a_stream_keeps_its_signatures() -> None:
    """Some hosts answer at once, though a stream was asked for."""
    body = json.dumps(completion({"role": "assistant", "content": [thinking("one", signature="s1"), text("four")], "tool_calls": None})).encode()
    decoder, _ = run(body, MISTRAL, 1 << 16)
    assert decoder.error is None
    assert (block("one", "s1"),) == decoder.response().message.reasoning


@pytest.mark.parametrize("size", [1 << 16, 61, 1])
def test_a_stream_gathers_a_block_until_its_signature(size: int) -> None:
    """It may come with the last thought, in an event of its own, or never."""
    parts = ([thinking("o")], [thinking("ne", signature="s1")], [thinking("two")], [thinking(signature="s2")], [thinking("three")], "fo", [text("ur")])
    response = streamed(*parts, size=size)
    assert (block("one", "s1"), block("two", "s2"), block("three")) == response.message.reasoning
    assert ("four", "onetwothree") == (response.text, response.reasoning)


def test_a_stream_and_a_plain_answer_mean_the_same() -> None:
    """Closed thoughts are a block of their own in both."""
    parts = thinking("one", signature="s1"), thinking("two", closed=True), thinking("three", signature="s3")
    assert answered(*parts, text("four")).message == streamed(*[[part] for part in parts], "four").message


def test_unsigned_thoughts_of_a_stream_are_one_block() -> None:
    """As in a plain answer."""
    assert (block("one two"),) == streamed([thinking("one ")], [thinking("two", closed=True)], "four").message.reasoning


def test_each_choice_has_its_own() -> None:
    """They are not mixed up."""
    first, second = [thinking("a", signature="s1"), text("x")], [thinking("b"), text("y")]
    plain = decode({"id": "c", "choices": [choice({"content": first}, index=0), choice({"content": second}, index=1)]}, MISTRAL)
    decoder, _ = run(wire(delta({"content": first}), delta({"content": second}, index=1), delta({}, "stop"), delta({}, "stop", index=1)), MISTRAL)
    for response in (plain, decoder.response()):
        assert [(block("a", "s1"),), (block("b"),)] == [item.message.reasoning for item in response.choices]


def test_a_stream_that_was_not_asked_for_is_read() -> None:
    """Its body is no JSON, and its signatures are kept all the same."""
    body = wire(delta({"content": [thinking("one", signature="s1"), text("four")]}), delta({}, "stop"))
    assert (block("one", "s1"),) == decode(body, MISTRAL).message.reasoning


def test_an_answer_in_the_form_of_an_event_is_read() -> None:
    """A delta stands for the message, and a choice of neither says nothing."""
    response = decode({"choices": [{"delta": {"content": [thinking("one", signature="s1")]}}, {"text": "x"}]}, MISTRAL)
    assert [(block("one", "s1"),), ()] == [item.message.reasoning for item in response.choices]


def test_the_word_signature_in_a_text_is_nothing() -> None:
    """Only that of a thought counts."""
    response = decode(completion({"role": "assistant", "content": json.dumps({"signature": "x"})}), MISTRAL)
    assert ('{"signature": "x"}', ()) == (response.text, response.message.reasoning)


def test_signed_thoughts_go_back_as_they_came() -> None:
    """In their order, before the text, each with its signature."""
    message = answered(thinking("one", signature="s1"), thinking(signature="s2"), thinking("three"), text("four")).message
    content = [thinking("one", signature="s1"), thinking(signature="s2"), thinking("three"), text("four")]
    assert content == sent(MISTRAL, USER, message, USER)[1]["content"]


def test_thoughts_within_the_content_go_back_too() -> None:
    """As parts of the library's own."""
    message = Message("assistant", (block("one", "s1"), Text("four")))
    assert [thinking("one", signature="s1"), text("four")] == sent(MISTRAL, USER, message, USER)[1]["content"]


@pytest.mark.parametrize("stranger", [ReasoningBlock("one", "s1", provider="other"), ReasoningBlock("one", "s1", provider="acme", dialect="anthropic")])
def test_thoughts_of_others_stay_here(stranger: ReasoningBlock) -> None:
    """No byte of another vendor's signature goes out."""
    for message in (Message("assistant", "four", reasoning=(stranger,)), Message("assistant", (stranger, Text("four")))):
        out = json.dumps(sent(MISTRAL, USER, message, USER))
        assert "s1" not in out
        assert "one" not in out


def test_a_turn_of_others_thoughts_alone_says_nothing() -> None:
    """It is left out, and one of its own thoughts is not."""
    stranger = ReasoningBlock("one", provider="other")
    assert [USER, USER] == sent(MISTRAL, USER, Message("assistant", None, reasoning=(stranger,)), USER)
    assert [USER, USER] == sent(MISTRAL, USER, Message("assistant", (stranger,)), USER)
    assert [thinking("one")] == sent(MISTRAL, USER, Message("assistant", None, reasoning=(block("one"),)), USER)[1]["content"]
    assert [thinking("one")] == sent(MISTRAL, USER, Message("assistant", (block("one"),)), USER)[1]["content"]


def test_odd_parts_are_no_crash() -> None:
    """Other kinds of parts are kept, or passed over in a stream."""
    reference = {"type": "reference", "reference_ids": [1]}
    response = answered(thinking("one", signature="s1"), text("see "), reference)
    assert ("see ", (block("one", "s1"),)) == (response.text, response.message.reasoning)
    assert (block("one", "s1"),) == streamed([thinking("one", signature="s1"), "odd", reference]).message.reasoning
