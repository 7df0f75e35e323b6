"""What writers of conversations share."""

from __future__ import annotations

import pytest

from llmclient.dialects.anthropic import AnthropicMessages
from llmclient.dialects.base import Notes
from llmclient.dialects.turns import BlockWriter, MessageWriter, may_replay, said_otherwise, thoughts_of
from llmclient.types.messages import FunctionCall, JSONObject, Message, ProviderState, ReasoningBlock, Text, ToolCall


def writer() -> MessageWriter[AnthropicMessages]:
    """Return a writer of one request to the provider p."""
    return MessageWriter(AnthropicMessages(), "p", Notes())


def test_thoughts_are_found_beside_and_among_the_parts() -> None:
    """Those beside come first."""
    beside, among = ReasoningBlock("a"), ReasoningBlock("b")
    assert (beside, among) == thoughts_of(Message("assistant", (Text("x"), among), reasoning=(beside,)))
    assert (beside,) == thoughts_of(Message("assistant", "x", reasoning=(beside,)))


@pytest.mark.parametrize(
    ("provider", "dialect", "may"),
    [(None, None, True), ("p", "d", True), ("p", None, True), (None, "d", True), ("q", "d", False), ("p", "e", False), (None, "e", False)],
)
def test_thoughts_go_only_to_whom_they_came_from(provider: str | None, dialect: str | None, may: bool) -> None:
    """Those of nobody go to everybody."""
    assert may is may_replay(ReasoningBlock("x", provider=provider, dialect=dialect), "p", "d")


def test_a_refusal_goes_before_a_transcript() -> None:
    """Neither, and a transcript that is no text, are nothing."""
    assert "no" == said_otherwise(Message("assistant", refusal="no", audio={"transcript": "yes"}))
    assert "yes" == said_otherwise(Message("assistant", audio={"transcript": "yes"}))
    assert said_otherwise(Message("assistant", audio={"transcript": 1})) is None
    assert said_otherwise(Message("assistant")) is None


@pytest.mark.parametrize(
    ("state", "here", "ours"),
    [
        (None, False, True),
        (ProviderState("p", "anthropic", {}), True, True),
        (ProviderState("q", "anthropic", {}), False, False),
        (ProviderState("p", "openai", {}), False, False),
    ],
    ids=["nobody's", "ours", "another provider's", "another dialect's"],
)
def test_a_state_tells_where_a_message_came_from(state: ProviderState | None, here: bool, ours: bool) -> None:
    """A message without one was written by the caller, who may set any field."""
    message = Message("assistant", "x", provider_state=state)
    assert (here, ours) == (writer()._came_from_here(message), writer()._is_ours(message))


def test_a_warning_is_said_once() -> None:
    """Whichever of the two kinds it is."""
    one = writer()
    for _ in range(2):
        one._drop_once("a", "why")
        one._move_once("b", "there")
        one._move_once("a", "there")
    assert [("dropped", "a"), ("moved", "b")] == [(warning.kind, warning.param) for warning in one._notes.warnings]


def test_fields_that_are_not_known_are_named_in_order() -> None:
    """Known ones and nulls are no news."""
    one = writer()
    one._drop_unknown(Message("user", "x", extra={"z": 1, "a": 2, "known": 3, "null": None}), frozenset({"known"}))
    assert ["messages.extra was dropped: a, z is not taken here"] == [warning.message for warning in one._notes.warnings]


@pytest.mark.parametrize("extra", [{}, {"known": 1}, {"null": None}])
def test_nothing_unknown_is_no_news(extra: dict[str, object]) -> None:
    """Most messages have no fields of their own."""
    one = writer()
    one._drop_unknown(Message("user", "x", extra=extra), frozenset({"known"}))
    assert [] == one._notes.warnings


def test_a_writer_of_blocks_must_say_how_they_look() -> None:
    """The skeleton alone writes none."""
    bare: BlockWriter[AnthropicMessages, JSONObject] = BlockWriter(AnthropicMessages(), "p", Notes())
    message, call = Message("assistant", "x"), ToolCall("c", FunctionCall("f", "{}"))
    steps = (
        lambda: bare._identify("x"), lambda: bare._text_of([]), lambda: bare._ids_of([]), lambda: bare._without_blanks([]),
        lambda: bare._thought(ReasoningBlock("x")), lambda: bare._spoken(message), lambda: bare._call(call, True), lambda: bare._marked(message, []),
    )  # fmt: skip
    for step in steps:
        with pytest.raises(NotImplementedError):
            step()
