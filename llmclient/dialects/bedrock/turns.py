"""Messages on their way out: system prompts lifted, turns merged, tool results in their place, thoughts replayed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from llmclient.dialects.anthropic.tools import Names
from llmclient.dialects.base import Notes
from llmclient.dialects.bedrock import answer, caching, parts
from llmclient.dialects.bedrock.families import MEDIA, Family
from llmclient.dialects.bedrock.parts import CACHE, Block, kind_of
from llmclient.dialects.calls import arguments_of
from llmclient.errors import InvalidRequestError
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


class _Writer:
    """Writes the messages of one request, and says each warning once."""

    def __init__(self, dialect: BedrockConverse, family: Family, provider: str, names: Names, notes: Notes) -> None:
        self._dialect = dialect
        self._family = family
        self._provider = dialect.provider or provider
        self._names = names
        self._notes = notes
        self._titles = parts.Titles(dialect.document_name_max)
        self._said: set[str] = set()
        self._system: list[Block] = []
        self._turns: list[Turn] = []
        self._unanswered: list[str] = []
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

    def _add_turn(self, role: str, blocks: list[Block]) -> None:
        if not blocks:
            return
        last = self._turns[-1] if self._turns else None
        if last is not None and last["role"] == role:
            last["content"] += blocks
        else:
            self._turns.append({"role": role, "content": blocks})

    def _add_system(self, message: Message) -> None:
        self._system += self._marked(message, self._blocks(message, message.parts, "system"), place="system")
        if self._turns:
            self._say_once("messages.system", "within the conversation was moved to the system prompt")

    def _lower_system(self) -> None:
        """Put the system prompt before what the user says first, for models that know none."""
        blocks = [block for block in self._system if "text" in block]
        self._system = []
        if not blocks:
            return
        self._say_once("messages.system", "was put before the first user's text: this model knows no system prompt")
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
        self._say_once("messages", "begins with a user's turn that says nothing: the API wants one at first")

    def _trim_last(self) -> None:
        """The API refuses a last assistant's turn that ends in blanks."""
        last = self._turns[-1]
        final = last["content"][-1]
        text = final.get("text")
        if last["role"] == "assistant" and isinstance(text, str) and text != text.rstrip():
            last["content"][-1] = {"text": text.rstrip()}
            self._say_once("messages.content", "lost the blanks at its end: the last assistant's message may not end in any")

    def _split(self, turn: Turn) -> list[Turn]:
        """Put results first; what may not stand beside them follows in a turn of its own, behind one of the assistant's."""
        results = [block for block in turn["content"] if _RESULT in block]
        rest = [block for block in turn["content"] if _RESULT not in block]
        if turn["role"] != "user" or not results or not rest:
            return [turn]
        if all(kind_of(block) in self._family.beside_results or caching.POINT in block for block in rest):
            return [{"role": "user", "content": self._in_order(turn["content"])}]
        self._say_once("messages", "was split: this model takes no such content beside a tool's result, so the assistant says nothing in between")
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
            self._say_once("messages.document", "got a text beside it, without which the API takes none")

    # What a message says.

    def _placeholder(self) -> Block:
        self._say_once("messages.blank", "text was replaced by a mark, since the API takes none that is blank")
        return {"text": self._dialect.blank_text}

    def _blocks(self, message: Message, content: Iterable[Part], place: str = "messages") -> list[Block]:
        """Return the blocks of a message, each with the cache point that is asked for behind it."""
        if message.name is not None and message.role != "tool":
            self._drop_once("messages.name", "names of speakers are not taken here")
        blocks: list[Block] = []
        for part in content:
            if isinstance(part, Text) and not part.text.strip():
                if part.text:
                    self._say_once("messages.blank", "text was left out, which is refused here")
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
        unknown = [key for key in message.extra if key not in known and message.extra[key] is not None]
        if unknown:
            self._drop_once("messages.extra", f"{', '.join(sorted(unknown))} is not taken here")
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
        self._say_once("messages.tool", f"handed in its {kind} behind the result: this model takes none within it")
        self._deferred.append(block)
        return {"text": _FOLLOWS}

    def _flush(self) -> None:
        deferred, self._deferred = self._deferred, []
        self._add_turn("user", deferred)

    # Assistants.

    def _assistant(self, message: Message) -> list[Block]:
        ours = self._is_ours(message)
        blocks = self._kept(message) if ours else None
        if blocks is None:
            blocks = [*self._thoughts(message), *self._spoken(message), *(self._call(call, ours) for call in message.tool_calls)]
        else:
            self._unanswered += [block["toolUse"]["toolUseId"] for block in blocks if "toolUse" in block and _is_portable(block)]
        return self._marked(message, blocks)

    def _is_ours(self, message: Message) -> bool:
        state = message.provider_state
        return state is not None and state.provider == self._provider and state.dialect == self._dialect.name

    def _kept(self, message: Message) -> list[Block] | None:
        """Return the blocks as they came, None when the message has none or was changed since."""
        state = message.provider_state
        kept: Sequence[JSONObject] | None = state.data.get("content") if state is not None else None
        if kept is None:
            return None
        calls = [block["toolUse"].get("toolUseId") for block in kept if "toolUse" in block and _is_portable(block)]
        if answer.text_of(kept) != message.text or calls != [call.id for call in message.tool_calls]:
            return None
        return [dict(block) for block in kept if "text" not in block or block["text"].strip()]

    def _thoughts(self, message: Message) -> list[Block]:
        within = message.content if isinstance(message.content, tuple) else ()
        blocks = [*message.reasoning, *(part for part in within if isinstance(part, ReasoningBlock))]
        return [thought for block in blocks if (thought := self._thought(block)) is not None]

    def _thought(self, block: ReasoningBlock) -> Block | None:
        if block.provider not in (None, self._provider) or block.dialect not in (None, self._dialect.name):
            return None
        if block.redacted is not None:
            return {"reasoningContent": {"redactedContent": block.redacted}}
        if block.signature is not None:
            return {"reasoningContent": {"reasoningText": {"text": block.text, "signature": block.signature}}}
        return None

    def _spoken(self, message: Message) -> list[Block]:
        said = tuple(part for part in message.parts if not isinstance(part, ReasoningBlock))
        if message.audio is not None:
            self._drop_once("messages.audio", "spoken answers are sent back as text here")
        if not said:
            transcript = message.audio.get("transcript") if message.audio is not None else None
            text = message.refusal or (transcript if isinstance(transcript, str) else None)
            said = (Text(text),) if text else ()
        return self._blocks(message, said)

    def _call(self, call: ToolCall, ours: bool) -> Block:
        given = call.id or f"{len(self._turns)}/{len(self._unanswered)}/{call.function.name}"
        wire = _identify(given)
        self._unanswered.append(wire)
        if call.extra and not ours:
            self._drop_once("tool_calls.extra", "it came from another provider")
        return {"toolUse": {"toolUseId": wire, "name": self._names.wire(call.function.name), "input": arguments_of(call), **(call.extra if ours else {})}}

    def _answered(self, given: str) -> str:
        """Return the id of the call that a result answers; one without an id answers the first that is open."""
        if not given and not self._unanswered:
            raise InvalidRequestError("", "a tool's message needs a tool_call_id", param="messages")
        wire = _identify(given) if given else self._unanswered[0]
        if wire in self._unanswered:
            self._unanswered.remove(wire)
        return wire

    # Notes.

    def _drop_once(self, param: str, why: str) -> None:
        if param not in self._said:
            self._said.add(param)
            self._notes.drop(param, why)

    def _say_once(self, param: str, what: str) -> None:
        if param not in self._said:
            self._said.add(param)
            self._notes.move(param, what)


def _is_portable(block: JSONObject) -> bool:
    """Return whether a call is one that the caller runs."""
    return bool(block["toolUse"].get("type") != answer.SERVER)


def _identify(given: str) -> str:
    """Return an id that the API takes; another provider's may hold what it refuses."""
    return given if _ID.fullmatch(given) else f"tooluse_{hashlib.sha256(given.encode()).hexdigest()[:22]}"
