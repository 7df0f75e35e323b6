"""Messages on their way out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from llmclient.dialects.base import Notes
from llmclient.dialects.calls import answered
from llmclient.dialects.openai.answer import make_id
from llmclient.dialects.turns import MessageWriter, thoughts_of
from llmclient.errors import InvalidRequestError
from llmclient.types.context import RequestContext
from llmclient.types.messages import Audio, File, Image, JSONObject, Message, Other, Part, ReasoningBlock, Refusal, Text, ToolCall

if TYPE_CHECKING:
    from llmclient.dialects.cohere.chat import CohereChat

Wire = dict[str, Any]

PLAN: Final = "tool_plan"
"""The id of the reasoning block that holds what a model says before it calls tools."""
_ROLES: Final[Mapping[str, str]] = {"developer": "system"}
_NATIVE: Final[Mapping[str, frozenset[str]]] = {"tool": frozenset({"document"}), "assistant": frozenset({"thinking"})}
"""Types of the API's own parts that may be passed as they are, by role."""


def write(dialect: CohereChat, messages: Sequence[Message], context: RequestContext, notes: Notes) -> list[Wire]:
    """Return the conversation; raises InvalidRequestError for a part that cannot be carried."""
    writer = _Writer(dialect, dialect.provider or context.provider, notes)
    return [writer.write(message) for message in messages]


class _Writer(MessageWriter["CohereChat"]):
    """Writes the messages of one request, and says each warning once."""

    def __init__(self, dialect: CohereChat, provider: str, notes: Notes) -> None:
        super().__init__(dialect, provider, notes)
        self._open: list[str] = []
        self._turn = 0

    def write(self, message: Message) -> Wire:
        self._turn += 1
        self._note_lost(message)
        match message.role:
            case "assistant":
                return self._assistant(message)
            case "tool":
                # The API makes a document of a text, so that it can be cited as well.
                return {"role": "tool", "tool_call_id": answered(self._open, message.tool_call_id), "content": self._content(message, message.content)}
            case role:
                return {"role": _ROLES.get(role, role), "content": self._content(message, message.content)}

    def _note_lost(self, message: Message) -> None:
        if message.name is not None:
            self._drop_once("messages.name", "names of speakers are not taken here")
        self._drop_audio(message)
        if message.extra:
            self._drop_unknown(message)

    # Assistants.

    def _assistant(self, message: Message) -> Wire:
        out: Wire = {"role": "assistant"}
        blocks, content = _split(message)
        thoughts, plan = self._thoughts(blocks, called=bool(message.tool_calls))
        kept = self._kept(message)
        if kept is not None:
            out["content"] = kept
        elif thoughts:
            out["content"] = [*thoughts, *_as_parts(self._content(message, content))]
        elif content or not message.tool_calls:
            out["content"] = self._content(message, content)
        if plan:
            out["tool_plan"] = plan
        if message.tool_calls:
            self._open = []
            out["tool_calls"] = [self._call(call) for call in message.tool_calls]
        return out

    def _thoughts(self, blocks: Sequence[ReasoningBlock], *, called: bool) -> tuple[list[Wire], str]:
        """Return the thoughts as parts, and the plan. Thoughts of nobody's before a call are its plan, which every model takes."""
        thoughts: list[Wire] = []
        plan: list[str] = []
        for block in blocks:
            if not block.text or not self._may_replay(block):
                continue
            if block.id == PLAN or (called and block.provider is None and block.dialect is None):
                plan.append(block.text)
            else:
                thoughts.append({"type": "thinking", "thinking": block.text})
        return thoughts, "".join(plan)

    def _kept(self, message: Message) -> Sequence[JSONObject] | None:
        """Return the content as it came, None when the message has none of this kind or was changed since."""
        state = message.provider_state
        if state is None or not self._came_from_here(message):
            return None
        kept: Sequence[JSONObject] = state.data.get("content", ())
        text = "".join(str(block.get("text", "")) for block in kept if block.get("type") == "text")
        return kept if kept and text == message.text else None

    def _call(self, call: ToolCall) -> Wire:
        identity = call.id or make_id(f"{self._turn}/{call.function.name}", len(self._open))
        self._open.append(identity)
        if call.type != "function":
            raise InvalidRequestError("", f"tool calls of the type {call.type!r} are not known here", param="messages")
        if call.extra:
            self._drop_once("tool_calls.extra", f"{', '.join(sorted(call.extra))} is not taken here")
        return {"id": identity, "type": "function", "function": {"name": call.function.name, "arguments": call.function.arguments}}

    # Content.

    def _content(self, message: Message, content: str | Sequence[Part] | None) -> str | list[Any]:
        if content is None or isinstance(content, str):
            return content or (message.refusal or "")
        return [self._part(part, message.role) for part in content]

    def _part(self, part: Part, role: str) -> Any:
        match part:
            case Text():
                return {"type": "text", "text": part.text, **part.extra}
            case Refusal():
                return {"type": "text", "text": part.refusal}
            case Image() if role == "user":
                image = {"url": part.remote_url or part.url or part.data_url()}
                return {"type": "image_url", "image_url": image if part.detail is None else {**image, "detail": part.detail}, **part.extra}
            case Image():
                raise InvalidRequestError("", f"image parts are only taken in a user's message here, not in one of the role {role}", param="messages")
            case Audio() | File():
                raise InvalidRequestError("", f"{type(part).__name__.lower()} parts are not taken here", param="messages")
            case ReasoningBlock():
                raise InvalidRequestError("", "reasoning may only stand in an assistant's message", param="messages")
            case Other():
                return _other(part, role)


def _split(message: Message) -> tuple[Sequence[ReasoningBlock], str | tuple[Part, ...] | None]:
    """Return the thoughts of a message, also those among its parts, and the rest of its content."""
    content = message.content
    if content is None or isinstance(content, str):
        return message.reasoning, content
    return thoughts_of(message), tuple(part for part in content if not isinstance(part, ReasoningBlock))


def _other(part: Other, role: str) -> JSONObject:
    kind = part.value.get("type")
    if kind not in _NATIVE.get(role, ()):
        raise InvalidRequestError("", f"parts of the type {kind!r} are not known here in a message of the role {role}", param="messages")
    return part.value


def _as_parts(content: str | list[Any]) -> list[Any]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return content
