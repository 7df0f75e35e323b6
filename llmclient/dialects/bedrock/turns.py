"""Messages on their way out: system prompts lifted, turns merged, tool results in their place, thoughts replayed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from llmclient.dialects.anthropic.tools import Names
from llmclient.dialects.base import Notes
from llmclient.dialects.bedrock import answer, caching, parts
from llmclient.dialects.bedrock.families import MEDIA, Family
from llmclient.dialects.bedrock.parts import CACHE, Block, kind_of
from llmclient.dialects.calls import arguments_of
from llmclient.dialects.turns import BlockWriter, said_otherwise
from llmclient.types.context import RequestContext
from llmclient.types.messages import JSONObject, Message, Part, ReasoningBlock, Text, ToolCall

if TYPE_CHECKING:
    from llmclient.dialects.bedrock.chat import BedrockConverse

Turn = dict[str, Any]

_ID: Final = re.compile(r"[a-zA-Z0-9_.:-]{1,64}")
_RESULT: Final = "toolResult"
_RESULT_FIELDS: Final = frozenset({CACHE, "status", "is_error"})
_MESSAGE_FIELDS: Final = frozenset({CACHE})
_FOLLOWS: Final = "The file follows."
"""Stands in a result whose file is beside it."""


def write(
    dialect: BedrockConverse, family: Family, messages: Sequence[Message], context: RequestContext, names: Names, notes: Notes
) -> tuple[list[Block], list[Turn]]:
    """Return the system prompt and the turns; raises InvalidRequestError for a part that cannot be carried."""
    writer = _Writer(dialect, family, context.provider, names, notes)
    for message in messages:
        writer.add(message)
    return writer.finish()


class _Writer(BlockWriter["BedrockConverse", Block]):
    """Writes the messages of one request, and says each warning once."""

    def __init__(self, dialect: BedrockConverse, family: Family, provider: str, names: Names, notes: Notes) -> None:
        super().__init__(dialect, dialect.provider or provider, notes)
        self._family = family
        self._names = names
        self._titles = parts.Titles(dialect.document_name_max)
        self._system: list[Block] = []
        self._deferred: list[Block] = []
        """Files of tools' results that cannot stand within them."""

    def add(self, message: Message) -> None:
        if message.role != "tool":
            self._flush()
        match message.role:
            case "system" | "developer":
                self._add_system(message)
            case "tool":
                self._add_turn("user", self._marked(message, [self._result(message)], _RESULT_FIELDS))
            case "assistant":
                self._unanswered = []
                self._add_turn("assistant", self._assistant(message))
            case _:
                self._add_turn("user", self._marked(message, self._blocks(message, message.parts) or [self._placeholder()]))

    def finish(self) -> tuple[list[Block], list[Turn]]:
        self._flush()
        if not self._family.system:
            self._lower_system()
        self._begin()
        self._trim_last()
        turns = [turn for given in self._turns for turn in self._split(given)]
        for turn in turns:
            self._explain_documents(turn)
        return self._system, turns

    # Turns.

    def _add_system(self, message: Message) -> None:
        self._system += self._marked(message, self._blocks(message, message.parts, "system"), place="system")
        if self._turns:
            self._move_once("messages.system", "within the conversation was moved to the system prompt")

    def _lower_system(self) -> None:
        """Put the system prompt before what the user says first, for models that know none."""
        blocks = [block for block in self._system if "text" in block]
        self._system = []
        if not blocks:
            return
        self._move_once("messages.system", "was put before the first user's text: this model knows no system prompt")
        first = next((turn for turn in self._turns if turn["role"] == "user"), None)
        if first is None:
            self._turns.insert(0, {"role": "user", "content": blocks})
        else:
            first["content"][:0] = blocks

    def _begin(self) -> None:
        """Most models want the user to speak first."""
        if self._turns and (self._turns[0]["role"] == "user" or self._family.leading_assistant):
            return
        self._turns.insert(0, {"role": "user", "content": [{"text": self._dialect.blank_text}]})
        self._move_once("messages", "begins with a user's turn that says nothing: the API wants one at first")

    def _trim_last(self) -> None:
        """The API refuses a last assistant's turn that ends in blanks."""
        last = self._turns[-1]
        final = last["content"][-1]
        text = final.get("text")
        if last["role"] == "assistant" and isinstance(text, str) and text != text.rstrip():
            last["content"][-1] = {"text": text.rstrip()}
            self._move_once("messages.content", "lost the blanks at its end: the last assistant's message may not end in any")

    def _split(self, turn: Turn) -> list[Turn]:
        """Put results first; what may not stand beside them follows in a turn of its own, behind one of the assistant's."""
        results = [block for block in turn["content"] if _RESULT in block]
        rest = [block for block in turn["content"] if _RESULT not in block]
        if turn["role"] != "user" or not results or not rest:
            return [turn]
        if all(kind_of(block) in self._family.beside_results or caching.POINT in block for block in rest):
            return [{"role": "user", "content": self._in_order(turn["content"])}]
        self._move_once("messages", "was split: this model takes no such content beside a tool's result, so the assistant says nothing in between")
        between = {"role": "assistant", "content": [{"text": self._dialect.blank_text}]}
        return [{"role": "user", "content": results}, between, {"role": "user", "content": rest}]

    def _in_order(self, blocks: list[Block]) -> list[Block]:
        """Sort results to the front, each with the cache point behind it."""
        front: list[Block] = []
        back: list[Block] = []
        target = front
        for block in blocks:
            target = front if _RESULT in block else target if caching.POINT in block else back
            target.append(block)
        return front + back

    def _explain_documents(self, turn: Turn) -> None:
        """A document needs a text beside it."""
        content = turn["content"]
        if turn["role"] == "user" and any("document" in block for block in content) and not any("text" in block for block in content):
            place = next(index for index, block in enumerate(content) if "document" in block)
            content.insert(place, {"text": self._dialect.blank_text})
            self._move_once("messages.document", "got a text beside it, without which the API takes none")

    # What a message says.

    def _placeholder(self) -> Block:
        self._move_once("messages.blank", "text was replaced by a mark, since the API takes none that is blank")
        return {"text": self._dialect.blank_text}

    def _blocks(self, message: Message, content: Iterable[Part], place: str = "messages") -> list[Block]:
        """Return the blocks of a message, each with the cache point that is asked for behind it."""
        if message.name is not None and message.role != "tool":
            self._drop_once("messages.name", "names of speakers are not taken here")
        blocks: list[Block] = []
        for part in content:
            if isinstance(part, Text) and not part.text.strip():
                if part.text:
                    self._move_once("messages.blank", "text was left out, which is refused here")
                continue
            blocks.append(parts.write(part, self._titles, self._drop_once))
            self._point(blocks, parts.mark_of(part), place)
        return blocks

    def _point(self, blocks: list[Block], mark: Any, place: str) -> None:
        if mark is None:
            return
        if place not in self._family.caching:
            self._drop_once(CACHE, "this model cannot be told to cache that")
        elif not caching.add(blocks, mark):
            self._drop_once(CACHE, "a point may not stand behind a document or video, and there is nothing before it")

    def _marked(self, message: Message, blocks: list[Block], known: frozenset[str] = _MESSAGE_FIELDS, place: str = "messages") -> list[Block]:
        """Put the message's cache point behind its blocks, and note what else of the message is left out."""
        if not message.extra:
            return blocks
        self._drop_unknown(message, known)
        if blocks:
            self._point(blocks, message.extra.get(CACHE), place)
        return blocks

    # Results of tools.

    def _result(self, message: Message) -> Block:
        content = [self._within(block) for block in self._blocks(message, message.parts) if caching.POINT not in block]
        result: Block = {"toolUseId": self._answered(message.tool_call_id or ""), "content": content or [self._placeholder()]}
        status = message.extra.get("status") or ("error" if message.extra.get("is_error") else None)
        if status is not None and self._family.result_status:
            result["status"] = status
        elif status == "error":
            self._drop_once("messages.status", "this model's results cannot say that they are errors")
        return {_RESULT: result}

    def _within(self, block: Block) -> Block:
        """Return what stands in a result: a file that may not be there is handed in behind it."""
        kind = kind_of(block)
        if kind not in MEDIA or kind in self._family.in_results:
            return block
        self._move_once("messages.tool", f"handed in its {kind} behind the result: this model takes none within it")
        self._deferred.append(block)
        return {"text": _FOLLOWS}

    def _flush(self) -> None:
        deferred, self._deferred = self._deferred, []
        self._add_turn("user", deferred)

    # Assistants.

    def _text_of(self, blocks: Sequence[JSONObject]) -> str:
        return answer.text_of(blocks)

    def _ids_of(self, blocks: Sequence[JSONObject]) -> list[Any]:
        return [block["toolUse"].get("toolUseId") for block in blocks if "toolUse" in block and _is_portable(block)]

    def _without_blanks(self, blocks: Sequence[JSONObject]) -> list[Block]:
        return [dict(block) for block in blocks if "text" not in block or block["text"].strip()]

    def _thought(self, block: ReasoningBlock) -> Block | None:
        if block.redacted is not None:
            return {"reasoningContent": {"redactedContent": block.redacted}}
        if block.signature is not None:
            return {"reasoningContent": {"reasoningText": {"text": block.text, "signature": block.signature}}}
        return None

    def _spoken(self, message: Message) -> list[Block]:
        said = tuple(part for part in message.parts if not isinstance(part, ReasoningBlock))
        self._drop_audio(message)
        if not said and (text := said_otherwise(message)):
            said = (Text(text),)
        return self._blocks(message, said)

    def _call(self, call: ToolCall, ours: bool) -> Block:
        identity = self._open_call(call)
        if call.extra and not ours:
            self._drop_once("tool_calls.extra", "it came from another provider")
        return {"toolUse": {"toolUseId": identity, "name": self._names.wire(call.function.name), "input": arguments_of(call), **(call.extra if ours else {})}}

    def _identify(self, given: str) -> str:
        return given if _ID.fullmatch(given) else answer.make_id(given)


def _is_portable(block: JSONObject) -> bool:
    """Return whether a call is one that the caller runs."""
    return bool(block["toolUse"].get("type") != answer.SERVER)
