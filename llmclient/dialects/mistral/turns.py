"""Turns that Mistral refuses, brought into an order and a form that it takes."""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING, Any, Final

import attrs

from llmclient.dialects import turns
from llmclient.dialects.base import Notes
from llmclient.types.messages import Audio, File, Message, Other, Part, ReasoningBlock, Text

if TYPE_CHECKING:
    from llmclient.dialects.mistral.chat import MistralChat

_SYSTEM: Final = ("system", "developer")


def mend(dialect: MistralChat, messages: tuple[Message, ...], provider: str, notes: Notes) -> tuple[Message, ...]:
    """Return the conversation as it is taken; the same tuple when nothing is amiss."""
    mended = [_mend(dialect, message, provider) for message in messages]
    if not dialect.empty_turns:
        mended = _leave_out_empty(dialect, mended, provider, notes)
    if mended and mended[-1].role in _SYSTEM and not dialect.ends_with_system:
        notes.move("messages", "end with a system message, which was sent as the user's")
        mended[-1] = attrs.evolve(mended[-1], role="user")
    return messages if len(mended) == len(messages) and all(map(_is, mended, messages)) else tuple(mended)


def _is(one: Message, other: Message) -> bool:
    return one is other


def _mend(dialect: MistralChat, message: Message, provider: str) -> Message:
    if isinstance(message.content, tuple) and any(isinstance(part, (Audio, File)) for part in message.content):
        message = attrs.evolve(message, content=tuple(_write(dialect, part) for part in message.content))
    if message.role != "assistant":
        return message
    if dialect.prefill_field in message.extra:
        # Where it belongs it is set in any case, and elsewhere it says nothing.
        rest = {key: value for key, value in message.extra.items() if key != dialect.prefill_field}
        message = attrs.evolve(message, extra=rest)
    return _replay_signed(dialect, message, provider)


# Parts.


def _write(dialect: MistralChat, part: Part) -> Part:
    """Return a document or a recording in Mistral's form; parts of other kinds stay as they are."""
    if isinstance(part, File) and "file" in dialect.parts and dialect.document_urls and part.file_id is None:
        return Other(_document(part))
    if isinstance(part, Audio) and "audio" in dialect.parts and dialect.audio_text:
        return Other({"type": "input_audio", "input_audio": part.remote_url or part.base64()[0], **part.extra})
    return part


def _document(part: File) -> dict[str, Any]:
    name = part.filename or (pathlib.Path(part.path).name if part.path is not None else None)
    named = {} if name is None else {"document_name": name}
    return {"type": "document_url", "document_url": part.remote_url or part.data_url(), **named, **part.extra}


# What earlier turns thought.


def may_replay(dialect: MistralChat, block: ReasoningBlock, provider: str) -> bool:
    """Return whether thoughts may go back: only to whom they came from."""
    return dialect.replay_reasoning != "never" and turns.may_replay(block, provider, dialect.name)


def _replay_signed(dialect: MistralChat, message: Message, provider: str) -> Message:
    """Put thoughts that are signed before the content, each with its signature; those without one are left to OpenAI's dialect."""
    blocks = [block for block in turns.thoughts_of(message) if may_replay(dialect, block, provider)]
    if dialect.replay_reasoning != "content_list" or not any(block.signature for block in blocks):
        return message
    visible = tuple(part for part in message.parts if not isinstance(part, ReasoningBlock))
    return attrs.evolve(message, content=(*(Other(_thinking(block)) for block in blocks), *visible), reasoning=())


def _thinking(block: ReasoningBlock) -> dict[str, Any]:
    signature = {} if block.signature is None else {"signature": block.signature}
    return {"type": "thinking", "thinking": [{"type": "text", "text": block.text}] if block.text else [], **signature}


# Turns.


def _leave_out_empty(dialect: MistralChat, messages: list[Message], provider: str, notes: Notes) -> list[Message]:
    kept = [message for message in messages if not _is_empty(dialect, message, provider)]
    if len(kept) < len(messages):
        notes.move("messages", "hold an assistant's turn that says nothing, which was left out")
    return kept


def _is_empty(dialect: MistralChat, message: Message, provider: str) -> bool:
    if message.role != "assistant" or message.tool_calls or message.refusal:
        return False
    if any(block.text and may_replay(dialect, block, provider) for block in message.reasoning):
        return False
    return not any(_says_something(dialect, part, provider) for part in message.parts)


def _says_something(dialect: MistralChat, part: Part, provider: str) -> bool:
    if isinstance(part, ReasoningBlock):
        return bool(part.text) and may_replay(dialect, part, provider)
    return not isinstance(part, Text) or bool(part.text)
