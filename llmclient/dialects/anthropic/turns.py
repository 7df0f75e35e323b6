"""Messages on their way out: system prompts lifted, turns merged, tool results in their place, thoughts replayed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from llmclient.dialects.anthropic import answer, parts
from llmclient.dialects.anthropic.families import Family
from llmclient.dialects.anthropic.tools import Names
from llmclient.dialects.base import Notes
from llmclient.dialects.calls import arguments_of
from llmclient.dialects.turns import BlockWriter, said_otherwise
from llmclient.errors import InvalidRequestError
from llmclient.types.context import RequestContext
from llmclient.types.messages import JSONObject, Message, ReasoningBlock, Text, ToolCall

if TYPE_CHECKING:
    from llmclient.dialects.anthropic.chat import AnthropicMessages

Block = JSONObject
Wire = dict[str, Any]

_ID: Final = re.compile(r"[a-zA-Z0-9_-]+")
_THOUGHTS: Final = frozenset({"thinking", "redacted_thinking"})
_CALL_FIELDS: Final = frozenset({"caller", "cache_control", "toolset_name"})
_RESULT_FIELDS: Final = frozenset({"is_error", "cache_control", "toolset_name"})
_MESSAGE_FIELDS: Final = frozenset({"cache_control"})


def write(
    dialect: AnthropicMessages, family: Family, messages: Sequence[Message], context: RequestContext, names: Names, notes: Notes
) -> tuple[str | list[Block] | None, list[Wire]]:
    """Return the system prompt and the turns; raises InvalidRequestError for a part that cannot be carried, and when nothing is said."""
    writer = _Writer(dialect, family, context.provider, names, notes)
    for message in messages:
        writer.add(message)
    return writer.finish()


class _Writer(BlockWriter["AnthropicMessages", Block]):
    """Writes the messages of one request, and says each warning once."""

    def __init__(self, dialect: AnthropicMessages, family: Family, provider: str, names: Names, notes: Notes) -> None:
        super().__init__(dialect, dialect.provider or provider, notes)
        self._system_turns = family.system_turns and dialect.system_turns == "by_model"
        self._names = names
        self._system: list[Block] = []

    def add(self, message: Message) -> None:
        match message.role:
            case "system" | "developer":
                self._add_system(message)
            case "tool":
                self._add_turn("user", [self._result(message)])
            case "assistant":
                self._unanswered = []
                self._add_turn("assistant", self._assistant(message))
            case _:
                self._add_turn("user", self._marked(message, self._blocks(message)))

    def finish(self) -> tuple[str | list[Block] | None, list[Wire]]:
        self._trim_last()
        if not self._turns:
            raise InvalidRequestError("", "there is no message with text in it, besides the system prompt", param="messages")
        for turn in self._turns:
            if turn["role"] == "user" and len(turn["content"]) > 1:
                # The API wants results first; sorting keeps the rest in order.
                turn["content"].sort(key=_is_no_result)
            turn["content"] = _short(turn["content"])
        return _short(self._system) if self._system else None, self._turns

    # Turns.

    def _add_turn(self, role: str, blocks: list[Block]) -> None:
        if blocks and role == "user" and self._turns and self._turns[-1]["role"] == "system":
            # A system turn is only taken before an answer.
            self._lift(self._turns.pop()["content"])
        super()._add_turn(role, blocks)

    def _add_system(self, message: Message) -> None:
        blocks = self._marked(message, self._blocks(message))
        if not self._turns:
            self._system += blocks
        elif self._system_turns and self._turns[-1]["role"] in ("user", "system"):
            self._add_turn("system", blocks)
        else:
            self._lift(blocks)

    def _lift(self, blocks: Iterable[Block]) -> None:
        self._system += blocks
        self._move_once("messages.system", "within the conversation was moved to the system prompt")

    def _trim_last(self) -> None:
        """The API refuses a last assistant's turn that ends in blanks."""
        last = self._turns[-1] if self._turns else None
        if last is None or last["role"] != "assistant":
            return
        final = last["content"][-1]
        if final["type"] == "text" and final["text"] != final["text"].rstrip():
            last["content"][-1] = {**final, "text": final["text"].rstrip()}
            self._move_once("messages.content", "lost the blanks at its end: the last assistant's message may not end in any")

    # What a message says.

    def _blocks(self, message: Message) -> list[Block]:
        content = message.content
        if message.name is not None:
            self._drop_once("messages.name", "names of speakers are not taken here")
        if isinstance(content, str):
            return [{"type": "text", "text": content}] if self._says_something(content) else []
        written = [parts.write(self._dialect, part, self._drop_once) for part in content or () if not self._is_blank(part)]
        return [block for block in written if block is not None]

    def _is_blank(self, part: Any) -> bool:
        return isinstance(part, Text) and not self._says_something(part.text)

    def _says_something(self, text: str) -> bool:
        if text.strip():
            return True
        if text:
            self._move_once("messages.blank", "text was left out, which is refused here")
        return False

    def _marked(self, message: Message, blocks: list[Block]) -> list[Block]:
        """Put the message's cache mark on its last block that can carry one, and note what else is left out."""
        if not message.extra:
            return blocks
        self._drop_unknown(message, _MESSAGE_FIELDS)
        mark = message.extra.get("cache_control")
        if mark is not None:
            place = next((index for index in reversed(range(len(blocks))) if blocks[index]["type"] not in _THOUGHTS), None)
            if place is not None:
                blocks[place] = {**blocks[place], "cache_control": mark}
        return blocks

    def _result(self, message: Message) -> Block:
        content = message.content
        block: Wire = {"type": "tool_result", "tool_use_id": self._answered(message.tool_call_id or "")}
        if isinstance(content, str):
            block["content"] = content
        elif content is not None:
            block["content"] = self._blocks(message)
        if message.extra:
            block.update((key, value) for key, value in message.extra.items() if key in _RESULT_FIELDS and value is not None)
            self._drop_unknown(message, _RESULT_FIELDS)
        return block

    # Assistants.

    def _text_of(self, blocks: Sequence[Block]) -> str:
        return "".join(block["text"] for block in blocks if block["type"] == "text")

    def _ids_of(self, blocks: Sequence[Block]) -> list[Any]:
        return [block.get("id") for block in blocks if block["type"] == "tool_use"]

    def _without_blanks(self, blocks: Sequence[Block]) -> list[Block]:
        return [block for block in blocks if block["type"] != "text" or block["text"].strip()]

    def _thought(self, block: ReasoningBlock) -> Block | None:
        if block.redacted is not None:
            return {"type": "redacted_thinking", "data": block.redacted}
        if block.signature is not None:
            return {"type": "thinking", "thinking": block.text, "signature": block.signature}
        return {"type": "thinking", "thinking": block.text} if self._dialect.unsigned_thinking and block.text else None

    def _spoken(self, message: Message) -> list[Block]:
        content = message.content
        if isinstance(content, tuple):
            content = tuple(part for part in content if not isinstance(part, ReasoningBlock))
        self._drop_audio(message)
        return self._blocks(Message(message.role, content or said_otherwise(message), message.name))

    def _call(self, call: ToolCall, ours: bool) -> Block:
        identity = self._open_call(call)
        extra = call.extra
        if extra and not (ours or extra.keys() <= _CALL_FIELDS):
            self._drop_once("tool_calls.extra", "it came from another provider")
            extra = {key: value for key, value in extra.items() if key in _CALL_FIELDS}
        return {"type": "tool_use", "id": identity, "name": self._names.wire(call.function.name), "input": arguments_of(call), **extra}

    def _identify(self, given: str) -> str:
        return given if _ID.fullmatch(given) else answer.make_id(given)


def _is_no_result(block: Block) -> bool:
    return bool(block["type"] != "tool_result")


def _short(blocks: list[Block]) -> str | list[Block]:
    """Return plain text as the string that the API takes for it."""
    if len(blocks) == 1 and blocks[0]["type"] == "text" and len(blocks[0]) == 2:
        text: str = blocks[0]["text"]
        return text
    return blocks
