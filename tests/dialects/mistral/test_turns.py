"""Conversations brought into an order that Mistral takes."""

from __future__ import annotations

import pathlib

import pytest

from llmclient.dialects.mistral import MistralChat
from llmclient.errors import InvalidRequestError
from llmclient.types.messages import Audio, File, Image, Message, Other, Text
from tests.dialects.kit import encode, notes, sent

MISTRAL = MistralChat(provider="acme")
USER = {"role": "user", "content": "hi"}
CALLED = {"role": "assistant", "content": "", "tool_calls": [{"id": "aB3dE6gH9", "type": "function", "function": {"name": "add", "arguments": "{}"}}]}
RESULT = {"role": "tool", "tool_call_id": "aB3dE6gH9", "content": "3"}
NAMED = {"role": "tool", "tool_call_id": "aB3dE6gH9", "name": "add", "content": "3"}


def test_a_usual_conversation_stays_as_it_is() -> None:
    """Nothing is touched that need not be."""
    talk = [{"role": "system", "content": "be brief"}, USER, CALLED, NAMED, {"role": "assistant", "content": "3"}, USER]
    assert talk == sent(MISTRAL, *talk)
    assert [] == notes(MISTRAL, talk)


def test_a_bridge_stands_where_an_empty_turn_stood() -> None:
    """Between a tool's result and a user's message."""
    talk = [USER, CALLED, RESULT, {"role": "assistant", "content": ""}, USER]
    assert [USER, CALLED, NAMED, {"role": "assistant", "content": "OK."}, USER] == sent(MISTRAL, *talk)


def test_several_results_are_no_reason_for_a_bridge() -> None:
    """Tools follow tools."""
    assert [USER, CALLED, NAMED, NAMED] == sent(MISTRAL, USER, CALLED, RESULT, RESULT)


@pytest.mark.parametrize("mark", [{}, {"prefix": True}, {"prefix": False}, {"prefix": None}])
def test_the_prefix_is_marked_once_and_where_it_belongs(mark: dict[str, bool | None]) -> None:
    """Whatever the caller's own mark says, and without a word about it."""
    said = {"role": "assistant", "content": "Sure"}
    assert [USER, said, USER, {**said, "prefix": True}] == sent(MISTRAL, USER, {**said, **mark}, USER, {**said, **mark})
    assert [] == notes(MISTRAL, [USER, {**said, **mark}])


def test_an_empty_prefix_is_left_out() -> None:
    """Then the user's message is the last."""
    assert [USER] == sent(MISTRAL, USER, {"role": "assistant", "content": ""})


def test_images_may_be_anything() -> None:
    """By address or inline, as recordings show."""
    parts = sent(MISTRAL, Message("user", (Image("https://acme.example/a.png"), Image(data=b"\x89PNG\r\n\x1a\n"))))[0]["content"]
    assert ["https://acme.example/a.png", "data:image/png;base64,iVBORw0KGgo="] == [part["image_url"]["url"] for part in parts]


def test_parts_of_mistrals_own_go_as_they_are() -> None:
    """Those that only it knows."""
    part = {"type": "document_url", "document_url": "https://acme.example/a.pdf", "document_name": "a"}
    assert [part] == sent(MISTRAL, Message("user", (Other(part),)))[0]["content"]


def test_a_document_is_named_after_its_file(tmp_path: pathlib.Path) -> None:
    """Unless it has a name of its own."""
    path = tmp_path / "report.pdf"
    path.write_bytes(b"%PDF-")
    (part,) = sent(MISTRAL, Message("user", (File(path=path),)))[0]["content"]
    assert ("report.pdf", "data:application/pdf;base64,JVBERi0=") == (part["document_name"], part["document_url"])


def test_a_document_that_is_not_there_is_refused() -> None:
    """Before anything is sent."""
    with pytest.raises(InvalidRequestError, match="cannot read"):
        sent(MISTRAL, Message("user", (File(path="/nonexistent/a.pdf"),)))


@pytest.mark.parametrize(("part", "kind"), [(File("https://acme.example/a.pdf"), "file"), (Audio(data=b"a"), "audio")])
def test_kinds_that_a_dialect_does_not_take_are_named(part: File | Audio, kind: str) -> None:
    """Where a host of Mistral's models takes fewer."""
    with pytest.raises(InvalidRequestError, match=f"{kind} parts are not taken"):
        sent(MistralChat(parts=frozenset({"text"})), Message("user", (part,)))


def test_documents_stand_in_tool_results_too() -> None:
    """Parts are written for all roles."""
    out = sent(MISTRAL, USER, CALLED, Message("tool", (Text("see"), File("https://acme.example/a.pdf")), tool_call_id="aB3dE6gH9"))
    assert {"type": "document_url", "document_url": "https://acme.example/a.pdf"} == out[-1]["content"][1]


def test_a_system_message_alone_is_the_users() -> None:
    """Somebody must have asked."""
    assert [USER] == sent(MISTRAL, {"role": "system", "content": "hi"})


def test_an_odd_field_is_named() -> None:
    """So that nobody wonders."""
    wire = encode(MISTRAL, [{**USER, "weight": 1}])
    assert ["messages.extra was dropped: weight is not taken here"] == [warning.message for warning in wire.warnings]
