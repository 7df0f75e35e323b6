"""Messages on their way out: texts and pictures apart, arguments as objects, results by the name of their tool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from llmclient.dialects.base import Notes
from llmclient.dialects.calls import arguments_of
from llmclient.dialects.turns import MessageWriter
from llmclient.errors import InvalidRequestError
from llmclient.types.context import RequestContext
from llmclient.types.messages import Audio, File, Image, Message, Other, ReasoningBlock, Refusal, Text, ToolCall

if TYPE_CHECKING:
    from llmclient.dialects.ollama.chat import OllamaChat

Wire = dict[str, Any]

_ROLES: Final[Mapping[str, str]] = {"developer": "system"}


def write(dialect: OllamaChat, messages: Sequence[Message], context: RequestContext, notes: Notes) -> list[Wire]:
    """Return the conversation; raises InvalidRequestError for a part that cannot be carried."""
    writer = _Writer(dialect, dialect.provider or context.provider, notes)
    out: list[Wire] = []
    places: list[int] = []
    for message in messages:
        wire = writer.write(message)
        at, place = len(out), -1
        if message.role == "tool":
            # Two calls of one tool can only be told apart by their order, so results come in that of the calls.
            place = writer.place
            while at and places[at - 1] > place:
                at -= 1
        out.insert(at, wire)
        places.insert(at, place)
    return out


class _Writer(MessageWriter["OllamaChat"]):
    """Writes the messages of one request, and says each warning once."""

    def __init__(self, dialect: OllamaChat, provider: str, notes: Notes) -> None:
        super().__init__(dialect, provider, notes)
        self._calls: dict[str, tuple[int, str]] = {}
        """Id of a call -> its place in its turn and the tool's name, which is all that a result may say of it."""
        self._open: list[tuple[str, int, str]] = []
        self.place = -1
        """Which of the calls of the turn before the last result answers."""

    def write(self, message: Message) -> Wire:
        self._note_lost(message)
        out: Wire = {"role": _ROLES.get(message.role, message.role)}
        content, images, thoughts = self._read(message)
        if content or message.content is not None or not message.tool_calls:
            out["content"] = content or message.refusal or ""
        if images:
            out["images"] = images
        thought = "".join(block.text for block in (*message.reasoning, *thoughts) if self._may_replay(block))
        if thought and message.role == "assistant":
            out["thinking"] = thought
        if message.tool_calls:
            self._open = []
            out["tool_calls"] = [self._call(call) for call in message.tool_calls]
        if message.role == "tool":
            out["tool_name"] = self._answered(message)
        return out

    def _note_lost(self, message: Message) -> None:
        if message.name is not None and message.role != "tool":
            self._drop_once("messages.name", "names of speakers are not taken here")
        self._drop_audio(message)
        if message.extra:
            self._drop_unknown(message)

    # Content.

    def _read(self, message: Message) -> tuple[str, list[str], list[ReasoningBlock]]:
        """Return the text of a message, its pictures in base64, and the thoughts among its parts."""
        texts: list[str] = []
        images: list[str] = []
        thoughts: list[ReasoningBlock] = []
        for part in message.parts:
            match part:
                case Text():
                    texts.append(part.text)
                case Refusal():
                    texts.append(part.refusal)
                case Image():
                    images.append(self._image(part))
                case ReasoningBlock() if message.role == "assistant":
                    thoughts.append(part)
                case ReasoningBlock():
                    raise InvalidRequestError("", "reasoning may only stand in an assistant's message", param="messages")
                case Audio() | File():
                    raise InvalidRequestError("", f"{type(part).__name__.lower()} parts are not taken here", param="messages")
                case Other():
                    raise InvalidRequestError("", f"parts of the type {part.value.get('type')!r} are not known here", param="messages")
        return "".join(texts), images, thoughts

    def _image(self, image: Image) -> str:
        if image.remote_url is not None:
            raise InvalidRequestError("", f"the picture at {image.remote_url} is not fetched here; pass its bytes or a path", param="messages")
        if image.detail is not None:
            self._drop_once("messages.detail", "pictures have no level of detail here")
        return image.base64()[0]

    # Tools.

    def _call(self, call: ToolCall) -> Wire:
        name, place = call.function.name, len(self._open)
        self._calls[call.id] = place, name
        self._open.append((call.id, place, name))
        return {"function": {"name": name, "arguments": arguments_of(call)}}

    def _answered(self, message: Message) -> str:
        """Return the name of the tool whose result this is; one without an id answers the first call that is open."""
        given = message.tool_call_id
        if given in self._calls:
            self.place, found = self._calls[given]
            self._open = [call for call in self._open if call[0] != given]
        elif message.name is not None:
            self.place, found = len(self._calls), message.name
        elif not given and self._open:
            _, self.place, found = self._open.pop(0)
        else:
            raise InvalidRequestError("", f"no tool call before this result has the id {given!r}; a name= would do, too", param="messages")
        return found
