"""Thoughts with the signatures by which Mistral knows them again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import attrs

from llmclient.dialects.openai.answer import part_text
from llmclient.dialects.shapes import is_array, is_object, read_text
from llmclient.types.chat import ChatResponse
from llmclient.types.messages import ReasoningBlock
from llmclient.wire import jsons

if TYPE_CHECKING:
    from llmclient.dialects.mistral.chat import MistralChat

MARK: Final = b'"signature"'
"""What stands in each answer in which a thought is signed."""


class Thoughts:
    """The thoughts of one choice, as far as they have come; a block ends with its signature, or where it is closed."""

    __slots__ = ("_blocks", "_open")

    def __init__(self) -> None:
        self._blocks: list[tuple[list[str], list[str]]] = []
        self._open = False

    def take(self, content: Any, *, whole: bool) -> None:
        """Keep the thoughts of a content; where they are whole, each part is a block of its own."""
        for part in content if is_array(content) else ():
            if is_object(part) and part.get("type") == "thinking":
                self._take(part, whole)

    def _take(self, part: Mapping[str, Any], whole: bool) -> None:
        text, signature = part_text(part), read_text(part.get("signature"))
        if not self._open:
            self._blocks.append(([], []))
        texts, signatures = self._blocks[-1]
        texts.append(text)
        if signature is not None:
            signatures.append(signature)
        self._open = not (whole or signature is not None or part.get("closed") is True)

    def blocks(self, provider: str, dialect: str) -> tuple[ReasoningBlock, ...]:
        """Return the blocks, none of them where no thought is signed."""
        if not any(signatures for _, signatures in self._blocks):
            return ()
        made = [ReasoningBlock("".join(texts), "".join(signed) or None, provider=provider, dialect=dialect) for texts, signed in self._blocks]
        return tuple(block for block in made if block.text or block.signature)


def sign(dialect: MistralChat, response: ChatResponse, raw: bytes) -> ChatResponse:
    """Return the response whose thoughts have the signatures that stand in the body."""
    try:
        value = jsons.loads(raw)
    except ValueError:
        # A stream that was sent where none was asked for: its own decoder has signed it.
        return response
    choices = value.get("choices") if is_object(value) else None
    found: dict[int, Thoughts] = {}
    for position, choice in enumerate(choices if is_array(choices) else ()):
        message = choice.get("message", choice.get("delta")) if is_object(choice) else None
        if is_object(message):
            index = choice.get("index")
            found.setdefault(index if isinstance(index, int) else position, Thoughts()).take(message.get("content"), whole=True)
    return attach(dialect, response, found)


def attach(dialect: MistralChat, response: ChatResponse, found: Mapping[int, Thoughts]) -> ChatResponse:
    """Return the response with these thoughts in place of the unsigned ones."""
    signed = {index: blocks for index, thoughts in found.items() if (blocks := thoughts.blocks(dialect.provider, dialect.name))}
    if not signed:
        return response
    choices: Sequence[Any] = response.choices
    replaced = [
        attrs.evolve(choice, message=attrs.evolve(choice.message, reasoning=signed[choice.index])) if choice.index in signed else choice
        for choice in choices
    ]
    return attrs.evolve(response, choices=tuple(replaced))
