"""Messages on their way out: turns of user and model, calls and their results, and what earlier turns signed."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from llmclient.dialects.base import Notes
from llmclient.dialects.gemini import answer, parts
from llmclient.dialects.gemini.paths import bare
from llmclient.dialects.gemini.results import Results
from llmclient.dialects.shapes import is_array, is_object
from llmclient.dialects.turns import MessageWriter
from llmclient.errors import InvalidRequestError
from llmclient.types.chat import ChatRequest
from llmclient.types.context import RequestContext
from llmclient.types.messages import EMPTY, JSONObject, Message, Other, Part, ReasoningBlock, Text, ToolCall
from llmclient.wire import jsons

if TYPE_CHECKING:
    from llmclient.dialects.gemini.chat import GeminiChat

Wire = dict[str, Any]

_SYSTEM: Final = frozenset({"system", "developer"})
_RESULT_EXTRA: Final = frozenset({"is_error", "error"})


def write(dialect: GeminiChat, request: ChatRequest, context: RequestContext, notes: Notes) -> tuple[Wire | None, list[Wire]]:
    """Return the system instruction and the turns; raises InvalidRequestError for what cannot be carried."""
    return Writer(dialect, request.model, context.provider, notes).write(request.messages)


class Writer(MessageWriter["GeminiChat"]):
    """Writes the conversation of one request, and says each warning once."""

    def __init__(self, dialect: GeminiChat, model: str, provider: str, notes: Notes) -> None:
        super().__init__(dialect, dialect.provider or provider, notes)
        self._sent: set[int] = set()
        self._messages: Sequence[Message] = ()
        self._signed = matches(bare(model), dialect.signed_models)
        self._results = Results(matches(bare(model), dialect.result_media), dialect.result_key, self._part, self._move_once)

    def write(self, messages: Sequence[Message]) -> tuple[Wire | None, list[Wire]]:
        """Return the system instruction, None when there is none, and the turns."""
        self._messages = messages
        system: list[Wire] = []
        turns: list[Wire] = []
        for index, message in enumerate(messages):
            if message.role in _SYSTEM:
                system += self._system(message, late=bool(turns))
            elif message.role == "assistant":
                self._model(message, index, turns)
            elif message.role == "tool":
                if index not in self._sent:
                    self._stray(message, turns)
            else:
                self._user(message, turns)
        if not turns and system:
            self._notes.move("messages", "the system message was sent as the user's, since there is no other")
            return None, [{"role": "user", "parts": system}]
        return {"parts": system, "role": "user"} if system else None, turns

    # Turns.

    def _system(self, message: Message, *, late: bool) -> list[Wire]:
        self._check(message)
        if late:
            self._move_once("messages.system", "stands before the conversation here, wherever it was given")
        for part in message.parts:
            if not isinstance(part, Text):
                raise InvalidRequestError("", f"a system message can only hold text here, got {_kind(part)}", param="messages")
        return [self._part(part) for part in message.parts]

    def _user(self, message: Message, turns: list[Wire]) -> None:
        self._check(message)
        if message.content is None:
            return
        written = [{"text": message.content}] if isinstance(message.content, str) else [self._part(part) for part in message.content]
        turns.append({"role": "user", "parts": written})

    def _model(self, message: Message, index: int, turns: list[Wire]) -> None:
        self._check(message)
        kept = self._state(message)
        written = self._sign(kept or self._spoken(message))
        if written:
            turns.append({"role": "model", "parts": written})
        if message.tool_calls:
            self._answer(message.tool_calls, _native_ids(kept), index, turns)

    def _answer(self, calls: Sequence[ToolCall], ids: Sequence[str | None] | None, after: int, turns: list[Wire]) -> None:
        """Put the results right after the turn that called, in the order of the calls and with nothing else among them."""
        found: list[Wire] = []
        media: list[Wire] = []
        for index, call in enumerate(calls):
            message = self._find_result(call.id, after)
            if message is None:
                continue
            wire_id = (call.id or None) if ids is None else ids[index]
            self._check(message, _RESULT_EXTRA)
            result, rest = self._results.write(message, call.function.name, wire_id if self._dialect.call_ids else None)
            found.append(result)
            media += rest
        if found:
            _append_results(turns, found)
        if media:
            turns.append({"role": "user", "parts": media})

    def _find_result(self, call_id: str, after: int) -> Message | None:
        """Return the next message that answers a call; ids may come again in later turns."""
        for index in range(after + 1, len(self._messages)):
            message = self._messages[index]
            if message.role == "tool" and message.tool_call_id == call_id and index not in self._sent:
                self._sent.add(index)
                return message
        return None

    def _stray(self, message: Message, turns: list[Wire]) -> None:
        """Write a result that answers no call of this conversation, where it stands, if it names its function."""
        if not message.name:
            raise InvalidRequestError("", f"the tool message for {message.tool_call_id!r} answers no call of this conversation", param="messages")
        self._check(message, _RESULT_EXTRA)
        result, media = self._results.write(message, message.name, None)
        _append_results(turns, [result])
        if media:
            turns.append({"role": "user", "parts": media})

    # What the model said.

    def _state(self, message: Message) -> Sequence[Wire] | None:
        """Return the parts as they came, if they came from here and the message was not changed since."""
        state = message.provider_state
        if state is None or state.provider != self._provider or state.dialect != self._dialect.name:
            return None
        kept = state.data.get("parts")
        return kept if is_array(kept) and answer.says(kept, message) else None

    def _spoken(self, message: Message) -> list[Wire]:
        out: list[Wire] = [thought for block in message.reasoning if (thought := self._thought(block))]
        content = message.content
        for part in (Text(content),) if isinstance(content, str) else content or ():
            written = self._thought(part) if isinstance(part, ReasoningBlock) else self._part(part)
            if written and written != {"text": ""}:
                out.append(written)
        if message.refusal and not out:
            out.append({"text": message.refusal})
        if message.audio is not None:
            self._drop_once("messages.audio", "spoken answers cannot be referred to")
        ours = self._is_ours(message)
        return out + [self._call(call, ours) for call in message.tool_calls]

    def _thought(self, block: ReasoningBlock) -> Wire | None:
        if block.provider not in (None, self._provider) or block.dialect not in (None, self._dialect.name):
            return None
        signature: Wire = {} if block.signature is None else {"thoughtSignature": block.signature}
        return {"text": block.text, "thought": True, **signature} if block.text or signature else None

    def _call(self, call: ToolCall, ours: bool) -> Wire:
        function: Wire = {"name": call.function.name, "args": _arguments(call)}
        if call.id and self._dialect.call_ids:
            function["id"] = call.id
        part: Wire = {"functionCall": function}
        signature = _compat_signature(call.extra)
        if signature is not None and ours:
            part["thoughtSignature"] = signature
        elif call.extra:
            self._drop_once("tool_calls.extra", f"{', '.join(sorted(call.extra))} is not taken here")
        return part

    def _sign(self, written: Sequence[Wire]) -> Sequence[Wire]:
        """Return the parts so that the first call is signed where the model insists on it."""
        if not self._signed:
            return written
        for index, part in enumerate(written):
            if "functionCall" in part:
                if part.get("thoughtSignature"):
                    return written
                return [*written[:index], {**part, "thoughtSignature": self._dialect.dummy_signature}, *written[index + 1 :]]
        return written

    # Notes.

    def _part(self, part: Part) -> Wire:
        return parts.write(part, self._dialect.files, self._drop_once)

    def _check(self, message: Message, known: frozenset[str] = frozenset()) -> None:
        if message.name is not None and message.role != "tool":
            self._drop_once("messages.name", "names of speakers are not taken here")
        self._drop_unknown(message, known)


def matches(model: str, patterns: Iterable[str]) -> bool:
    """Return whether a model belongs to one of the families."""
    return any(fnmatch.fnmatchcase(model, pattern) for pattern in patterns)


def _append_results(turns: list[Wire], found: list[Wire]) -> None:
    if turns and turns[-1]["role"] == "user" and all("functionResponse" in part for part in turns[-1]["parts"]):
        turns[-1] = {"role": "user", "parts": [*turns[-1]["parts"], *found]}
    else:
        turns.append({"role": "user", "parts": found})


def _native_ids(kept: Sequence[Wire] | None) -> list[str | None] | None:
    """Return the ids that the model itself gave its calls; None where the parts are ours."""
    if kept is None:
        return None
    return [call.get("id") or None for part in kept if is_object(call := part.get("functionCall"))]


def _arguments(call: ToolCall) -> Any:
    try:
        value = jsons.loads_exactly(call.function.arguments or "{}")
    except ValueError:
        value = None
    if not is_object(value):
        raise InvalidRequestError("", f"the arguments of {call.function.name} must be a JSON object", param="messages")
    return value


def _compat_signature(extra: JSONObject) -> str | None:
    """Return the signature in the place where Google's OpenAI-like endpoint puts it."""
    google = extra.get("extra_content", EMPTY)
    google = google.get("google") if is_object(google) else None
    signature = google.get("thought_signature") if is_object(google) else None
    return signature if isinstance(signature, str) and signature else None


def _kind(part: Part) -> str:
    return str(part.value.get("type")) if isinstance(part, Other) else type(part).__name__.lower()
