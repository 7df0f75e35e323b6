"""What writers of conversations have in common: warnings that are said once, whose thoughts go back to whom, and turns made of blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from llmclient.dialects.base import ChatDialect, Notes
from llmclient.dialects.calls import answered
from llmclient.types.messages import JSONObject, Message, ReasoningBlock, ToolCall

D = TypeVar("D", bound=ChatDialect)
B = TypeVar("B", bound=JSONObject)


def thoughts_of(message: Message) -> tuple[ReasoningBlock, ...]:
    """Return what a message's author thought, also what stands among the parts."""
    within = message.content if isinstance(message.content, tuple) else ()
    return (*message.reasoning, *(part for part in within if isinstance(part, ReasoningBlock)))


def may_replay(block: ReasoningBlock, provider: str, dialect: str) -> bool:
    """Return whether a thought may go to this provider in this dialect: only to whom it came from, if anything tells."""
    return block.provider in (None, provider) and block.dialect in (None, dialect)


def said_otherwise(message: Message) -> str | None:
    """Return what an assistant's message says besides its content: why it refused, or what its recording says."""
    transcript = message.audio.get("transcript") if message.audio is not None else None
    return message.refusal or (transcript if isinstance(transcript, str) else None)


class MessageWriter(Generic[D]):
    """Writes the messages of one request, and says each warning once."""

    def __init__(self, dialect: D, provider: str, notes: Notes) -> None:
        self._dialect = dialect
        self._provider = provider
        self._notes = notes
        self._said: set[str] = set()

    def _came_from_here(self, message: Message) -> bool:
        """Whether the same provider gave this message in the same dialect."""
        state = message.provider_state
        return state is not None and state.provider == self._provider and state.dialect == self._dialect.name

    def _is_ours(self, message: Message) -> bool:
        """Whether fields that only their maker understands may go out: they came from here, or were written by the caller."""
        return message.provider_state is None or self._came_from_here(message)

    def _may_replay(self, block: ReasoningBlock) -> bool:
        return may_replay(block, self._provider, self._dialect.name)

    def _drop_unknown(self, message: Message, known: frozenset[str] = frozenset()) -> None:
        """Note which of a message's fields of its own are left out."""
        unknown = [key for key, value in message.extra.items() if key not in known and value is not None]
        if unknown:
            self._drop_once("messages.extra", f"{', '.join(sorted(unknown))} is not taken here")

    def _drop_audio(self, message: Message) -> None:
        if message.audio is not None:
            self._drop_once("messages.audio", "spoken answers are sent back as text here")

    def _drop_once(self, param: str, why: str) -> None:
        if param not in self._said:
            self._said.add(param)
            self._notes.drop(param, why)

    def _move_once(self, param: str, where: str) -> None:
        if param not in self._said:
            self._said.add(param)
            self._notes.move(param, where)


class BlockWriter(MessageWriter[D], Generic[D, B]):
    """Writes turns of blocks, as Claude and what is modelled on it want them: one role after the other, and results in the user's turns."""

    def __init__(self, dialect: D, provider: str, notes: Notes) -> None:
        super().__init__(dialect, provider, notes)
        self._turns: list[dict[str, Any]] = []
        self._unanswered: list[str] = []

    def _add_turn(self, role: str, blocks: list[B]) -> None:
        """Add blocks to the last turn, where it is of the same role, or as one of their own."""
        if not blocks:
            return
        last = self._turns[-1] if self._turns else None
        if last is not None and last["role"] == role:
            last["content"] += blocks
        else:
            self._turns.append({"role": role, "content": blocks})

    def _assistant(self, message: Message) -> list[B]:
        """Return the blocks of an assistant's message, as they came where it is from here."""
        ours = self._came_from_here(message)
        blocks = self._kept(message) if ours else None
        if blocks is None:
            blocks = [*self._thoughts(message), *self._spoken(message), *(self._call(call, ours) for call in message.tool_calls)]
        else:
            self._unanswered += self._ids_of(blocks)
        return self._marked(message, blocks)

    def _kept(self, message: Message) -> list[B] | None:
        """Return the blocks as they came, None when the message has none or was changed since."""
        state = message.provider_state
        kept: Sequence[JSONObject] | None = state.data.get("content") if state is not None else None
        if kept is None:
            return None
        text, ids = self._text_of(kept), self._ids_of(kept)
        if text != message.text or ids != [call.id for call in message.tool_calls]:
            return None
        return self._without_blanks(kept)

    def _thoughts(self, message: Message) -> list[B]:
        replayed = (self._thought(block) for block in thoughts_of(message) if self._may_replay(block))
        return [thought for thought in replayed if thought is not None]

    def _open_call(self, call: ToolCall) -> str:
        """Return the id of a call, as its result will name it, and note that there is none yet."""
        identity = self._identify(call.id or f"{len(self._turns)}/{len(self._unanswered)}/{call.function.name}")
        self._unanswered.append(identity)
        return identity

    def _answered(self, given: str) -> str:
        return answered(self._unanswered, given, self._identify)

    # What a format says in its own way.

    def _identify(self, given: str) -> str:
        """Return an id that the API takes; another provider's may hold what it refuses."""
        raise NotImplementedError

    def _text_of(self, blocks: Sequence[JSONObject]) -> str:
        """Return the visible text of blocks."""
        raise NotImplementedError

    def _ids_of(self, blocks: Sequence[JSONObject]) -> list[Any]:
        """Return the ids, which may be missing, of the calls among blocks that the caller answers."""
        raise NotImplementedError

    def _without_blanks(self, blocks: Sequence[JSONObject]) -> list[B]:
        """Return blocks without texts that say nothing, which are refused."""
        raise NotImplementedError

    def _thought(self, block: ReasoningBlock) -> B | None:
        """Return a thought as a block, None for one that cannot go back."""
        raise NotImplementedError

    def _spoken(self, message: Message) -> list[B]:
        """Return what an assistant said."""
        raise NotImplementedError

    def _call(self, call: ToolCall, ours: bool) -> B:
        """Return a call as a block, with the fields of its own where it is from here."""
        raise NotImplementedError

    def _marked(self, message: Message, blocks: list[B]) -> list[B]:
        """Return the blocks with the mark that a message asks for."""
        raise NotImplementedError
