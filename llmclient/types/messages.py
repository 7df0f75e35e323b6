"""What is said: messages, their parts, tool calls and tools, in OpenAI's shape.

Everywhere a message is taken, a plain dict in OpenAI's shape is taken too; `Message.of` reads it and keeps
what it does not know in `extra`. All values are frozen, and nothing that the caller passed is ever changed.
"""

from __future__ import annotations

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias, TypeVar

import attrs

from llmclient.errors import InvalidRequestError, ResponseParsingError
from llmclient.types.making import maker
from llmclient.types.media import EMPTY, Audio, File, Image, JSONObject, Media, is_list, is_object
from llmclient.wire import jsons

T = TypeVar("T")

__all__ = [
    "EMPTY",
    "ROLES",
    "Audio",
    "File",
    "FunctionCall",
    "Image",
    "JSONObject",
    "Media",
    "Message",
    "Other",
    "Part",
    "ProviderState",
    "ReasoningBlock",
    "Refusal",
    "Role",
    "Text",
    "Tool",
    "ToolCall",
    "read_arguments",
    "read_messages",
    "read_tool_call",
    "write_message",
    "write_part",
    "write_tool",
    "write_tool_call",
]

Role: TypeAlias = Literal["system", "developer", "user", "assistant", "tool"]
ROLES: Final = frozenset({"system", "developer", "user", "assistant", "tool"})


@attrs.frozen
class Text:
    """Plain text."""

    text: str
    extra: JSONObject = EMPTY


@attrs.frozen
class Refusal:
    """The model declines; the text says why."""

    refusal: str
    extra: JSONObject = EMPTY


@attrs.frozen
class Other:
    """A part of a kind that only some dialects know; sent verbatim by those that speak OpenAI's shape."""

    value: JSONObject


@attrs.frozen
class ReasoningBlock:
    """What the model thought, with what its provider wants back to go on from there."""

    text: str
    signature: str | None = None
    redacted: str | None = None
    """Encrypted thoughts, opaque to us."""
    provider: str | None = None
    """Who thought so; a block is replayed only to the same provider, or to any when None."""
    model: str | None = None
    dialect: str | None = None
    id: str | None = None


@attrs.frozen
class ProviderState:
    """What a provider wants back verbatim with this message; sent only to the same provider and dialect."""

    provider: str
    dialect: str
    data: JSONObject


Part: TypeAlias = Text | Image | Audio | File | Refusal | ReasoningBlock | Other


@attrs.frozen
class FunctionCall:
    """A function's name and its arguments as the JSON text that the model wrote."""

    name: str
    arguments: str = "{}"

    def parse(self) -> Any:
        """Return the arguments as Python values; raises ResponseParsingError if they are no JSON."""
        try:
            return jsons.loads_exactly(self.arguments)
        except ValueError as error:
            reason = str(error)
        raise ResponseParsingError("llmclient", f"the arguments of {self.name} are not JSON: {reason}")


@attrs.frozen
class ToolCall:
    """The model asks for a function to be run."""

    id: str
    function: FunctionCall
    type: str = "function"
    extra: JSONObject = EMPTY
    """Unknown fields, such as a thought signature; sent back to the same dialect."""

    def parse(self) -> Any:
        """Return the arguments as Python values; raises ResponseParsingError if they are no JSON."""
        return self.function.parse()


@attrs.frozen
class Tool:
    """A function that the model may call; `parameters` is a JSON Schema of an object."""

    name: str
    description: str | None = None
    parameters: JSONObject | None = None
    strict: bool | None = None
    extra: JSONObject = EMPTY

    @classmethod
    def of(cls, value: Tool | JSONObject) -> Tool | JSONObject:
        """Read a dict in OpenAI's shape; a tool of another type (web search, …) stays the verbatim dict that it is."""
        if isinstance(value, Tool):
            return value._checked()
        if not is_object(value):
            hint = "; describe a function by Tool(name, description, parameters)" if callable(value) else ""
            raise InvalidRequestError("", f"a tool must be a Tool or a dict, got {type(value).__name__}{hint}", param="tools")
        function = value.get("function")
        if value.get("type", "function") != "function" or not is_object(function):
            return value
        known = {"name", "description", "parameters", "strict"}
        extra = {k: v for k, v in function.items() if k not in known} | {k: v for k, v in value.items() if k not in ("type", "function")}
        name: Any = function.get("name")
        return cls(name, function.get("description"), function.get("parameters"), function.get("strict"), extra or EMPTY)._checked()

    def _checked(self) -> Tool:
        name: object = self.name
        if not isinstance(name, str) or not name:
            raise InvalidRequestError("", "a function tool needs a name", param="tools")
        if self.parameters is not None and not is_object(self.parameters):
            given = type(self.parameters).__name__
            hint = "; of a pydantic model pass Model.model_json_schema()" if hasattr(self.parameters, "model_json_schema") else ""
            raise InvalidRequestError("", f"the parameters of {name!r} must be a dict, a JSON Schema, got {given}{hint}", param="tools")
        return self


@attrs.frozen
class Message:
    """One turn of a conversation."""

    role: str
    content: str | tuple[Part, ...] | None = None
    name: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    """In a tool's message: which call this answers."""
    reasoning: tuple[ReasoningBlock, ...] = ()
    refusal: str | None = None
    audio: JSONObject | None = None
    annotations: tuple[JSONObject, ...] = ()
    """Citations, in the provider's shape."""
    provider_state: ProviderState | None = None
    extra: JSONObject = EMPTY

    @classmethod
    def of(cls, value: str | Message | JSONObject) -> Message:
        """Read a string (a user's message), a Message, or a dict in OpenAI's shape.

        Raises InvalidRequestError for an unknown role or a part of the wrong shape.
        """
        if isinstance(value, str):
            return _make_message("user", value)
        if isinstance(value, Message):
            return _mend(value)
        if is_object(value):
            return _read_message(value)
        hint = "; pass its model_dump()" if hasattr(value, "model_dump") else ""
        raise InvalidRequestError("", f"a message must be a str, a dict or a Message, got {type(value).__name__}{hint}", param="messages")

    @property
    def text(self) -> str:
        """The visible text: the content, or its text parts joined; "" if there is none."""
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content or () if isinstance(part, Text))

    @property
    def parts(self) -> tuple[Part, ...]:
        """The content as parts, whatever its form."""
        if isinstance(self.content, str):
            return (Text(self.content),) if self.content else ()
        return self.content or ()

    @property
    def reasoning_text(self) -> str | None:
        """The text of all reasoning blocks, or None if there are none."""
        return "".join(block.text for block in self.reasoning) if self.reasoning else None

    def to_dict(self) -> dict[str, Any]:
        """Return the message in OpenAI's shape, with `reasoning_blocks` and `provider_state` beside it; `of` reads it back."""
        return write_message(self)


_make_message: Final = maker(Message)


def read_messages(value: str | Message | JSONObject | Sequence[str | Message | JSONObject], system: str | None = None) -> tuple[Message, ...]:
    """Return the conversation, `system` first; raises InvalidRequestError if it is empty or has the wrong shape."""
    if isinstance(value, (str, Message, Mapping)):
        messages: tuple[Message, ...] = (Message.of(value),)
    elif isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        messages = tuple([Message.of(item) for item in value])
    else:
        raise InvalidRequestError("", f"messages must be a str or a list of messages, got {type(value).__name__}", param="messages")
    if not messages:
        raise InvalidRequestError("", "messages is empty; pass at least one message", param="messages")
    return messages if system is None else (_read_system(system), *messages)


def _read_system(value: Any) -> Message:
    if not isinstance(value, str) and not is_list(value):
        raise InvalidRequestError("", f"system must be a str or a list of parts, got {type(value).__name__}", param="system")
    return Message("system", value if isinstance(value, str) else _read_parts(value))


# Reading and writing OpenAI's shape.

_MESSAGE_KEYS: Final = frozenset(
    "role content name tool_calls tool_call_id refusal audio annotations reasoning_content reasoning reasoning_blocks provider_state".split()
)


def _read_role(role: object) -> str:
    if isinstance(role, str) and role in ROLES:
        return role
    given = repr(role) if isinstance(role, str) else type(role).__name__
    raise InvalidRequestError("", f"a message's role must be one of {', '.join(sorted(ROLES))}, got {given}", param="messages")


def _mend(message: Message) -> Message:
    """Return a message that the caller made, with parts and tool calls that are dicts read as those of a dict are."""
    _read_role(message.role)
    content, calls = message.content, message.tool_calls
    read = content if content is None or isinstance(content, str) else _read_parts(content)
    if read == content and all(isinstance(call, ToolCall) for call in calls):
        return message
    return attrs.evolve(message, content=read, tool_calls=tuple(read_tool_call(call) for call in calls))


def _read_message(value: JSONObject) -> Message:
    role = _read_role(value.get("role"))
    content = value.get("content")
    if content is not None and not isinstance(content, str):
        content = _read_parts(content)
    if value.keys() <= {"role", "content"}:
        return Message(role, content)
    unknown = value.keys() - _MESSAGE_KEYS
    if not all(isinstance(key, str) for key in unknown):
        raise InvalidRequestError("", "a message has a key that is no str", param="messages")
    return Message(
        role,
        content,
        _read_text_of(value, "name"),
        tuple(read_tool_call(call) for call in _read_list(value, "tool_calls")),
        _read_text_of(value, "tool_call_id"),
        _read_reasoning(value),
        _read_text_of(value, "refusal"),
        value.get("audio"),
        tuple(_read_list(value, "annotations")),
        _read_state(value.get("provider_state")),
        {key: value[key] for key in value if key in unknown} if unknown else EMPTY,
    )


def _read_text_of(value: JSONObject, name: str) -> str | None:
    text = value.get(name)
    if text is not None and not isinstance(text, str):
        raise InvalidRequestError("", f"a message's {name} must be a str, got {type(text).__name__}", param="messages")
    return text


def _read_list(value: JSONObject, name: str) -> Sequence[Any]:
    items = value.get(name)
    if items is None:
        return ()
    if not is_list(items):
        raise InvalidRequestError("", f"a message's {name} must be a list, got {type(items).__name__}", param="messages")
    return items


def _read_own(value: Any, kind: type[T], name: str) -> T:
    """Return a value of a kind of ours, which may have been written as a dict of its fields."""
    if isinstance(value, kind):
        return value
    if is_object(value):
        try:
            return kind(**value)
        except TypeError:
            pass
    raise InvalidRequestError("", f"a message's {name} must hold what to_dict() wrote of a {kind.__name__}", param="messages")


def _read_state(value: Any) -> ProviderState | None:
    return None if value is None else _read_own(value, ProviderState, "provider_state")


def _read_reasoning(value: JSONObject) -> tuple[ReasoningBlock, ...]:
    blocks = value.get("reasoning_blocks")
    if blocks:
        return tuple(_read_own(block, ReasoningBlock, "reasoning_blocks") for block in _read_list(value, "reasoning_blocks"))
    text = value.get("reasoning_content") or value.get("reasoning")
    return (ReasoningBlock(text),) if isinstance(text, str) and text else ()


def read_tool_call(value: ToolCall | JSONObject) -> ToolCall:
    """Read one tool call in OpenAI's shape; missing, null and `"null"` arguments become `{}`."""
    if isinstance(value, ToolCall):
        return value
    function = value.get("function") if is_object(value) else None
    if not is_object(function) or not isinstance(function.get("name"), str):
        raise InvalidRequestError("", "a tool call needs a function with a name", param="messages")
    known = value.get("id")
    if known is not None and not isinstance(known, str):
        raise InvalidRequestError("", f"a tool call's id must be a str, got {type(known).__name__}", param="messages")
    unknown = value.keys() - {"id", "type", "function", "index"}
    extra = {key: value[key] for key in unknown} if unknown else EMPTY
    return ToolCall(known or "", FunctionCall(function["name"], read_arguments(function.get("arguments"))), value.get("type") or "function", extra)


def read_arguments(value: Any) -> str:
    """Return a call's arguments as JSON text; objects are written, `""`, null and `"null"` become `{}`."""
    if isinstance(value, str):
        return "{}" if value in ("", "null") else value
    return "{}" if value is None else jsons.dumps(value).decode()


def _read_parts(value: Any) -> tuple[Part, ...]:
    if not is_list(value):
        raise InvalidRequestError("", f"a message's content must be a str, a list of parts or None, got {type(value).__name__}", param="messages")
    return tuple(_read_part(part) for part in value)


def _read_part(value: Any) -> Part:
    if isinstance(value, (Text, Image, Audio, File, Refusal, ReasoningBlock, Other)):
        said: Any = value.text if isinstance(value, Text) else value.refusal if isinstance(value, Refusal) else ""
        if not isinstance(said, str):
            raise InvalidRequestError("", f"a part's text must be a str, got {type(said).__name__}", param="messages")
        return value
    if isinstance(value, str):
        return Text(value)
    if not is_object(value) or not isinstance(value.get("type"), str):
        raise InvalidRequestError("", "a content part must be a str, a part or a dict with a type", param="messages")
    reader = _READERS.get(value["type"])
    part = reader(value) if reader else None
    return part or Other(value)


def _rest(value: JSONObject, *known: str) -> JSONObject:
    unknown = [key for key in value if key not in known and key != "type"]
    return {key: value[key] for key in unknown} if unknown else EMPTY


def _read_text(value: JSONObject) -> Part | None:
    return Text(value["text"], _rest(value, "text")) if isinstance(value.get("text"), str) else None


def _read_image(value: JSONObject) -> Part | None:
    image = value.get("image_url")
    if isinstance(image, str):
        return Image(image, extra=_rest(value, "image_url"))
    if not is_object(image) or not isinstance(image.get("url"), str) or image.keys() - {"url", "detail"}:
        return None
    return Image(image["url"], detail=image.get("detail"), extra=_rest(value, "image_url"))


def _read_audio(value: JSONObject) -> Part | None:
    audio = value.get("input_audio")
    if not is_object(audio) or not isinstance(audio.get("data"), str) or audio.keys() - {"data", "format"}:
        return None
    form = audio.get("format")
    url = audio["data"] if audio["data"].startswith("data:") else f"data:audio/{form or 'wav'};base64,{audio['data']}"
    return Audio(url, format=form, extra=_rest(value, "input_audio"))


def _read_file(value: JSONObject) -> Part | None:
    file = value.get("file")
    if not is_object(file) or file.keys() - {"file_data", "filename", "file_id"}:
        return None
    if not all(item is None or isinstance(item, str) for item in file.values()):
        raise InvalidRequestError("", "a file part's file_data, filename and file_id must be str", param="messages")
    data = file.get("file_data")
    return File(data, filename=file.get("filename"), file_id=file.get("file_id"), extra=_rest(value, "file"))


def _read_refusal(value: JSONObject) -> Part | None:
    return Refusal(value["refusal"], _rest(value, "refusal")) if isinstance(value.get("refusal"), str) else None


_READERS: Final = {"text": _read_text, "image_url": _read_image, "input_audio": _read_audio, "file": _read_file, "refusal": _read_refusal}


def write_message(message: Message) -> dict[str, Any]:
    """Return the message in OpenAI's shape; reasoning and state under `reasoning_content`, `reasoning_blocks` and `provider_state`."""
    out: dict[str, Any] = {"role": message.role}
    content = message.content
    out["content"] = content if content is None or isinstance(content, str) else [write_part(part) for part in content]
    for key in ("name", "tool_call_id", "refusal", "audio"):
        if (value := getattr(message, key)) is not None:
            out[key] = value
    if message.tool_calls:
        out["tool_calls"] = [write_tool_call(call) for call in message.tool_calls]
    if message.annotations:
        out["annotations"] = list(message.annotations)
    if message.reasoning:
        out["reasoning_content"] = message.reasoning_text
        out["reasoning_blocks"] = [attrs.asdict(block, recurse=False) for block in message.reasoning]
    if message.provider_state is not None:
        out["provider_state"] = attrs.asdict(message.provider_state, recurse=False)
    out.update(message.extra)
    return out


def write_tool_call(call: ToolCall) -> dict[str, Any]:
    """Return one tool call in OpenAI's shape."""
    return {"id": call.id, "type": call.type, "function": {"name": call.function.name, "arguments": call.function.arguments}, **call.extra}


def write_tool(tool: Tool | JSONObject) -> JSONObject:
    """Return a tool in OpenAI's shape."""
    if not isinstance(tool, Tool):
        return tool
    function: dict[str, Any] = {"name": tool.name}
    for key in ("description", "parameters", "strict"):
        if (value := getattr(tool, key)) is not None:
            function[key] = value
    return {"type": "function", "function": function, **tool.extra}


def write_part(part: Part) -> JSONObject:
    """Return a content part in OpenAI's shape; media that is not remote is read and written as base64."""
    match part:
        case Text():
            return {"type": "text", "text": part.text, **part.extra}
        case Image():
            image = {"url": part.remote_url or (part.url or part.data_url())}
            return {"type": "image_url", "image_url": image if part.detail is None else image | {"detail": part.detail}, **part.extra}
        case Audio():
            encoded, kind = part.base64()
            form = part.format or {"mpeg": "mp3", "x-wav": "wav", "wave": "wav"}.get(kind.partition("/")[2], kind.partition("/")[2])
            return {"type": "input_audio", "input_audio": {"data": encoded, "format": form}, **part.extra}
        case File():
            return {"type": "file", "file": _write_file(part), **part.extra}
        case Refusal():
            return {"type": "refusal", "refusal": part.refusal, **part.extra}
        case ReasoningBlock():
            return {"type": "reasoning", "text": part.text}
        case Other():
            return part.value


def _write_file(part: File) -> JSONObject:
    if part.file_id is not None:
        return {"file_id": part.file_id}
    data = part.url or part.data_url()
    name = part.filename or (pathlib.Path(part.path).name if part.path is not None else "document.pdf")
    return {"filename": name, "file_data": data}
