"""Messages on their way out: roles, parts, tool calls, and what earlier turns thought."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from llmclient.dialects.base import Notes
from llmclient.dialects.shapes import is_array
from llmclient.dialects.turns import MessageWriter
from llmclient.errors import InvalidRequestError
from llmclient.types.context import RequestContext
from llmclient.types.messages import Audio, File, Image, Message, Other, Part, ReasoningBlock, Refusal, Text, ToolCall, write_part

if TYPE_CHECKING:
    from llmclient.dialects.openai.chat import OpenAIChat

Wire = dict[str, Any]

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_KINDS: Final[dict[type, str]] = {Text: "text", Image: "image", Audio: "audio", File: "file", Refusal: "refusal"}


def write(dialect: OpenAIChat, messages: Sequence[Message], context: RequestContext, notes: Notes) -> list[Wire]:
    """Return the messages as they go on the wire; raises InvalidRequestError for a part that cannot be carried."""
    writer = _Writer(dialect, context, notes)
    out: list[Wire] = []
    for message in messages:
        out += writer.write(message)
    for rule in _rules(dialect):
        out = rule(out)
    if dialect.prefill_field and out and out[-1]["role"] == "assistant":
        out[-1].setdefault(dialect.prefill_field, True)
    return out


class _Writer(MessageWriter["OpenAIChat"]):
    """Writes the messages of one request, and says each warning once."""

    def __init__(self, dialect: OpenAIChat, context: RequestContext, notes: Notes) -> None:
        super().__init__(dialect, context.provider, notes)
        self._names: dict[str, str] = {}

    def write(self, message: Message) -> list[Wire]:
        if message.role == "assistant":
            return self._assistant(message)
        out: Wire = {"role": self._role(message.role)}
        if message.role == "tool":
            if message.tool_call_id is not None:
                out["tool_call_id"] = self._id(message.tool_call_id)
            if self._dialect.tool_result_name and (name := message.name or self._names.get(message.tool_call_id or "")):
                out["name"] = name
        out["content"] = self._content(message.content) if message.content is not None else ""
        self._add_name(message, out)
        self._add_extra(message, out)
        return [out]

    def _role(self, role: str) -> str:
        if role == "system":
            return self._dialect.system_role
        return self._dialect.developer_role if role == "developer" else role

    def _assistant(self, message: Message) -> list[Wire]:
        out: Wire = {"role": "assistant"}
        blocks, content = self._split_reasoning(message)
        spoken = self._content(content) if content else content
        if not spoken and message.refusal is not None:
            spoken = message.refusal if self._dialect.drop_unknown_message_fields else None
        if spoken is not None or self._dialect.null_content != "omit":
            out["content"] = "" if spoken is None and self._dialect.null_content == "empty" else spoken
        self._add_name(message, out)
        if message.refusal is not None and not self._dialect.drop_unknown_message_fields:
            out["refusal"] = message.refusal
        if message.audio is not None and message.audio.get("id"):
            out["audio"] = {"id": message.audio["id"]}
        calls = [self._call(call, self._is_ours(message)) for call in message.tool_calls]
        if calls:
            out["tool_calls"] = calls
        self._replay(message, blocks, out)
        self._add_extra(message, out)
        return [out]

    def _split_reasoning(self, message: Message) -> tuple[tuple[ReasoningBlock, ...], str | tuple[Part, ...] | None]:
        content = message.content
        if isinstance(content, tuple):
            within = tuple(part for part in content if isinstance(part, ReasoningBlock))
            if within:
                return message.reasoning + within, tuple(part for part in content if not isinstance(part, ReasoningBlock)) or None
        return message.reasoning, content

    def _call(self, call: ToolCall, ours: bool) -> Wire:
        if call.id and call.function.name:
            self._names[call.id] = call.function.name
        identity = self._id(call.id)
        out: Wire = {"id": identity} if identity else {}
        out["type"] = call.type
        if call.type == "custom":
            out["custom"] = {"name": call.function.name, "input": call.function.arguments}
        else:
            out["function"] = {"name": call.function.name, "arguments": call.function.arguments}
        if call.extra and not ours:
            self._drop_once("tool_calls.extra", "it came from another provider")
            return out
        return {**out, **call.extra}

    def _id(self, given: str) -> str:
        length, longest = self._dialect.tool_id_length, self._dialect.tool_id_max
        if length is not None and not (len(given) == length and given.isascii() and given.isalnum()):
            return hash_id(given, length)
        if longest is not None and len(given) > longest:
            return hash_id(given, min(longest, 24))
        return given

    # What earlier turns thought.

    def _replay(self, message: Message, blocks: Iterable[ReasoningBlock], out: Wire) -> None:
        how = self._dialect.replay_reasoning
        if how == "never":
            return
        if how == "reasoning_details":
            state = message.provider_state
            if state is not None and self._is_ours(message) and state.data.get("reasoning_details"):
                out["reasoning_details"] = state.data["reasoning_details"]
                return
            how = "reasoning"
        text = "".join(block.text for block in blocks if self._may_replay(block))
        if not text and self._dialect.replay_reasoning_blank and message.tool_calls:
            text = " "
        if not text:
            return
        if how == "tags":
            out["content"] = _before(out.get("content"), f"<think>{text}</think>")
        elif how == "content_list":
            thought = {"type": "thinking", "thinking": [{"type": "text", "text": text}]}
            out["content"] = [thought, *_as_parts(out.get("content"))]
        else:
            out[how] = text

    # Content and odd fields.

    def _content(self, content: str | tuple[Part, ...]) -> str | list[Any]:
        if isinstance(content, str):
            return content
        if self._dialect.content_as_string and all(isinstance(part, Text) for part in content):
            return "".join(part.text for part in content if isinstance(part, Text))
        return [self._part(part) for part in content]

    def _part(self, part: Part) -> Any:
        kind = _KINDS.get(type(part))
        if kind is not None and kind not in self._dialect.parts:
            raise InvalidRequestError("", f"{kind} parts are not taken here", param="messages")
        match part:
            case Image():
                return self._image(part)
            case Audio():
                return self._audio(part)
            case File():
                return self._file(part)
            case ReasoningBlock():
                raise InvalidRequestError("", "reasoning may only stand in an assistant's message", param="messages")
            case Other():
                return part.value
            case Text() | Refusal():
                return write_part(part)

    def _image(self, part: Image) -> Any:
        if self._dialect.images_as == "data" and part.remote_url is not None:
            raise InvalidRequestError("", "images by address are not taken here; pass the bytes or a path", param="messages")
        if self._dialect.images_as == "url" and part.remote_url is None:
            raise InvalidRequestError("", "images are only taken by address here; pass a URL", param="messages")
        return write_part(part)

    def _audio(self, part: Audio) -> Any:
        if self._dialect.audio_as == "base64":
            return write_part(part)
        form = {} if part.format is None else {"format": part.format}
        return {"type": "input_audio", "input_audio": {"data": part.remote_url or part.data_url(), **form}, **part.extra}

    def _file(self, part: File) -> Any:
        if part.file_id is not None and self._dialect.file_id_flat:
            return {"type": "file", "file_id": part.file_id, **part.extra}
        if part.remote_url is not None and not self._dialect.file_urls:
            raise InvalidRequestError("", "files by address are not taken here; pass the bytes or a path", param="messages")
        return write_part(part)

    def _add_name(self, message: Message, out: Wire) -> None:
        if message.name is None or "name" in out:
            return
        if self._dialect.drop_message_name:
            self._drop_once("messages.name", "names of speakers are not taken here")
        else:
            out["name"] = message.name

    def _add_extra(self, message: Message, out: Wire) -> None:
        extra = {key: value for key, value in message.extra.items() if value is not None} if message.extra else None
        if not extra:
            return
        if not self._is_ours(message):
            self._drop_once("messages.extra", f"{', '.join(sorted(extra))} came from another provider")
        elif self._dialect.drop_unknown_message_fields:
            self._drop_once("messages.extra", f"{', '.join(sorted(extra))} is not taken here")
        else:
            out.update(extra)


def hash_id(given: str, length: int) -> str:
    """Return an id of letters and digits that always stands for the same given one."""
    import hashlib

    number = int.from_bytes(hashlib.sha256(given.encode()).digest(), "big")
    letters: list[str] = []
    for _ in range(length):
        number, digit = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[digit])
    return "".join(letters)


# Rules over the whole conversation.


def _rules(dialect: OpenAIChat) -> list[Callable[[list[Wire]], list[Wire]]]:
    rules: list[Callable[[list[Wire]], list[Wire]]] = []
    if dialect.merge_system:
        rules.append(_merge_system)
    if dialect.tool_results_in_order:
        rules.append(_order_results)
    if not dialect.parallel_tools:
        rules.append(_split_calls)
    if dialect.tool_bridge:
        rules.append(lambda messages: _bridge(messages, dialect.tool_bridge))
    if dialect.merge_same_role:
        rules.append(_merge_neighbours)
    return rules


def _merge_system(messages: list[Wire]) -> list[Wire]:
    system = [message for message in messages if message["role"] in ("system", "developer")]
    if len(system) < 2 and (not system or messages[0] is system[0]):
        return messages
    first = dict(system[0])
    for message in system[1:]:
        first["content"] = _join(first["content"], message["content"])
    return [first, *(message for message in messages if message["role"] not in ("system", "developer"))]


def _merge_neighbours(messages: list[Wire]) -> list[Wire]:
    out: list[Wire] = []
    for message in messages:
        last = out[-1] if out else None
        if last is None or last["role"] != message["role"] or message["role"] not in ("user", "assistant") or _holds_calls(last, message):
            out.append(message)
        else:
            out[-1] = {**last, **message, "content": _join(last.get("content"), message.get("content"))}
    return out


def _holds_calls(*messages: Wire) -> bool:
    return any("tool_calls" in message for message in messages)


def _bridge(messages: list[Wire], text: str) -> list[Wire]:
    out: list[Wire] = []
    for message in messages:
        if out and out[-1]["role"] == "tool" and message["role"] == "user":
            out.append({"role": "assistant", "content": text})
        out.append(message)
    return out


def _split_calls(messages: list[Wire]) -> list[Wire]:
    """Give each of several calls a turn of its own, followed by its result."""
    out: list[Wire] = []
    waiting: list[Wire] = []
    for index, message in enumerate(messages):
        calls = message.get("tool_calls") or ()
        if message in waiting:
            waiting.remove(message)
        elif len(calls) < 2:
            out.append(message)
        else:
            results = _results(messages, index)
            for number, call in enumerate(calls):
                answers = [result for result in results if result not in waiting and result.get("tool_call_id") == call.get("id")]
                out += [message | {"tool_calls": [call]} if number == 0 else {"role": "assistant", "content": "", "tool_calls": [call]}, *answers]
                waiting += answers
    return out


def _order_results(messages: list[Wire]) -> list[Wire]:
    out = list(messages)
    for index, message in enumerate(out):
        ids: list[Any] = [call.get("id") for call in message.get("tool_calls") or ()]
        if len(ids) > 1:
            results = _results(out, index)
            answers = [[result for result in results if result.get("tool_call_id") == identity] for identity in dict.fromkeys(ids)]
            others = [result for result in results if result.get("tool_call_id") not in ids]
            out[index + 1 : index + 1 + len(results)] = [*itertools.chain(*answers), *others]
    return out


def _results(messages: list[Wire], index: int) -> list[Wire]:
    """Return the results that follow a turn with calls."""
    return list(itertools.takewhile(lambda later: later["role"] == "tool", messages[index + 1 :]))


def _join(first: Any, second: Any) -> Any:
    if not first or not second:
        return first or second
    if isinstance(first, str) and isinstance(second, str):
        return f"{first}\n\n{second}"
    return [*_as_parts(first), *_as_parts(second)]


def _as_parts(content: Any) -> list[Any]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return list(content or ())


def _before(content: Any, text: str) -> Any:
    if is_array(content):
        return [{"type": "text", "text": text}, *content]
    return text + (content or "")
