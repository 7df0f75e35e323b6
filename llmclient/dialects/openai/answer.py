"""Answers on their way in: read liberally, since every host spells OpenAI's shape in its own way."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from llmclient.dialects import bodies, failure
from llmclient.dialects.bodies import ODD_SHAPES, is_event_stream, odd, parse
from llmclient.dialects.decoding import replay
from llmclient.dialects.openai.thoughts import split_tags
from llmclient.dialects.openai.usage import FINISH_REASONS, find_usage, read_usage, settle_finish
from llmclient.dialects.shapes import is_array, is_object, read_text
from llmclient.errors import InvalidRequestError, ProviderError, ResponseParsingError
from llmclient.types.answer import Meta
from llmclient.types.chat import ChatResponse, Choice
from llmclient.types.making import maker
from llmclient.types.messages import EMPTY, FunctionCall, JSONObject, Message, ProviderState, ReasoningBlock, ToolCall, read_arguments
from llmclient.wire import jsons

if TYPE_CHECKING:
    from llmclient.dialects.openai.chat import OpenAIChat

_MILLISECONDS: Final = 100_000_000_000
"""Timestamps above this (the year 5138) are milliseconds."""

FAILING: Final = frozenset({"error", "base_resp", "x_groq"})
"""Fields that may tell of a failure beside choices."""
NOISE: Final = frozenset({"obfuscation", "p", "padding", "token_id", "token_ids"})
"""Fields that pad or number what was sent and mean nothing to anybody."""
_TOP: Final = frozenset({"id", "object", "created", "model", "choices", "usage", "system_fingerprint", "service_tier"}) | NOISE
_PLAIN: Final = frozenset({"role", "content", "refusal", "annotations"})
_MESSAGE: Final = (
    frozenset(
        "role content name tool_calls function_call refusal audio annotations reasoning reasoning_content reasoning_text reasoning_details "
        "reasoning_blocks provider_state tool_call_id".split()
    )
    | NOISE
)


_make_choice: Final = maker(Choice)
_make_message: Final = maker(Message)
_make_response: Final = maker(ChatResponse)


def decode(dialect: OpenAIChat, raw: bytes, model: str, request_id: str) -> ChatResponse:
    """Return the answer in a 2xx body; raises ResponseParsingError, or the error that the body reports."""
    value = parse(raw)
    try:
        return _decode(dialect, raw, value, model, request_id)
    except ODD_SHAPES as error:
        failed = odd(error, model)
    raise failed


def _decode(dialect: OpenAIChat, raw: bytes, value: Any, model: str, request_id: str) -> ChatResponse:
    if value is None and is_event_stream(raw):
        return replay(dialect.stream(model, request_id), raw)
    if not is_object(value):
        if is_array(value) and (error := failure.find_failure(value, model=model, codes=dialect.error_codes)):
            raise error
        raise unreadable(raw, model)
    return read(dialect, value, model, request_id)


def unreadable(raw: bytes, model: str) -> ResponseParsingError:
    """Return the error for a body that is no answer of this dialect."""
    return bodies.unreadable(raw, "is not a chat completion", "an OpenAI-compatible API", model)


def read(dialect: OpenAIChat, value: JSONObject, model: str, request_id: str) -> ChatResponse:
    """Return the answer in a parsed body; raises as `decode` does."""
    plain = _read_plain(dialect, value)
    if plain is not None:
        return plain
    if not value.get("choices") or not value.keys().isdisjoint(FAILING):
        error = failure.find_failure(value, model=model, codes=dialect.error_codes)
        if error is not None:
            raise error
    if dialect.envelope and is_object(value.get(dialect.envelope)):
        value = unwrap(value[dialect.envelope])
    choices = value.get("choices")
    if not is_array(choices) or not choices:
        raise unreadable(write_json(value).encode(), model)
    return build(dialect, value, choices, request_id)


def _read_plain(dialect: OpenAIChat, value: JSONObject) -> ChatResponse | None:
    """Return the answer where it has the shape that nearly all have, one text that ended by itself; None for any other.

    It is the same as the long way gives, in a third of the time.
    """
    choices: Any = value.get("choices")
    identity: Any = value.get("id")
    if choices.__class__ is not list or len(choices) != 1 or identity.__class__ is not str or not value.keys() <= _TOP or dialect.think_tags:
        return None
    choice: Any = choices[0]
    if choice.__class__ is not dict or choice.get("finish_reason") != "stop" or choice.get("index") != 0 or choice.get("logprobs") is not None:
        return None
    message: Any = choice.get("message")
    if message.__class__ is not dict or not message.keys() <= _PLAIN or message.get("refusal") or message.get("annotations"):
        return None
    text: Any = message.get("content")
    if text.__class__ is not str or message.get("role") != "assistant":
        return None
    usage = value.get("usage")
    return _make_response(
        id=identity or None,
        model=read_text(value.get("model")),
        choices=(_make_choice(0, _make_message("assistant", text), "stop", "stop"),),
        created=read_time(value.get("created")),
        system_fingerprint=read_text(value.get("system_fingerprint")),
        service_tier=read_text(value.get("service_tier")),
        usage=read_usage(usage if is_object(usage) else find_usage(value), reasoning_outside=dialect.reasoning_outside),
    )


def unwrap(value: JSONObject) -> JSONObject:
    """Return a native answer of the enveloping kind, {"response", "tool_calls", "usage"}, in OpenAI's shape."""
    if "choices" in value or "response" not in value:
        return value
    text = value["response"]
    message: dict[str, Any] = {"role": "assistant", "content": text if isinstance(text, str) or text is None else write_json(text)}
    if value.get("tool_calls"):
        message["tool_calls"] = [{"function": call} if "function" not in call else call for call in value["tool_calls"]]
    rest = {key: item for key, item in value.items() if key not in ("response", "tool_calls")}
    return {**rest, "choices": [{"index": 0, "message": message, "finish_reason": value.get("finish_reason")}]}


def build(dialect: OpenAIChat, value: JSONObject, choices: Sequence[Any], request_id: str) -> ChatResponse:
    """Return the response made of these choices; raises the error of one that failed and says nothing."""
    identity = value.get("id") or None
    seed = str(identity or request_id)
    read_choices = tuple([_read_choice(dialect, choice, index, seed) for index, choice in enumerate(choices)])
    return ChatResponse(
        id=str(identity) if identity is not None else None,
        model=read_text(value.get("model")),
        choices=read_choices,
        created=read_time(value.get("created")),
        system_fingerprint=read_text(value.get("system_fingerprint")),
        service_tier=read_text(value.get("service_tier")),
        usage=read_usage(find_usage(value), reasoning_outside=dialect.reasoning_outside, cost=value.get("cost")),
        extra=top_extra(value),
    )


def top_extra(value: JSONObject) -> JSONObject:
    """Return the provider's own fields. `provider`, the host that a router chose, goes by `upstream_provider`: `provider` is ours."""
    unknown = value.keys() - _TOP
    if not unknown:
        return EMPTY
    return {"upstream_provider" if key == "provider" else key: item for key, item in value.items() if key in unknown and item is not None} or EMPTY


def read_time(value: Any) -> datetime.datetime | None:
    """Return seconds or milliseconds since 1970 as an aware time, or None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return datetime.datetime.fromtimestamp(value / 1_000 if value > _MILLISECONDS else value, datetime.UTC)
    except (OverflowError, OSError, ValueError):
        return None


def _read_choice(dialect: OpenAIChat, choice: Any, position: int, seed: str) -> Choice:
    if not is_object(choice):
        raise ResponseParsingError("", f"choice {position} of the answer is a {type(choice).__name__}, not an object")
    given = choice.get("message")
    if not is_object(given):
        # Completions of the older kind, and streams sent whole.
        given = choice["delta"] if is_object(choice.get("delta")) else {"content": choice.get("text")}
    index = choice.get("index")
    index = index if isinstance(index, int) else position
    message = read_message(dialect, given, f"{seed}/{index}")
    raw = choice.get("finish_reason")
    reason = settle_finish(raw, called=bool(message.tool_calls), refused=bool(message.refusal))
    if reason == "error" and not (message.content or message.tool_calls):
        raise failed_choice(choice, raw, dialect.error_codes)
    return Choice(index, message, reason, raw if isinstance(raw, str) else None, _logprobs(choice.get("logprobs")))


def failed_choice(choice: JSONObject, raw: Any, codes: Mapping[str, failure.Kind] = EMPTY) -> ProviderError:
    """Return the error of a choice that ended by a failure before it said anything."""
    error = failure.find_failure(choice, codes=codes)
    return error or failure.of_finish_reason(str(raw))


def _logprobs(value: Any) -> JSONObject | None:
    return value if is_object(value) and any(item is not None for item in value.values()) else None


# Messages.


def read_message(dialect: OpenAIChat, value: JSONObject, seed: str) -> Message:
    """Return the assistant's message; ids that the host left out are made from `seed`."""
    role, text = value.get("role"), value.get("content")
    bare = role == "assistant" and text.__class__ is str and value.keys() <= _PLAIN and not dialect.think_tags
    if bare and not value.get("refusal") and not value.get("annotations"):
        return Message("assistant", text)
    content, thoughts = read_content(value.get("content"))
    if dialect.think_tags and isinstance(content, str):
        tagged, content = split_tags(content)
        thoughts = thoughts or tagged
    calls = read_calls(value, seed)
    unknown = value.keys() - _MESSAGE
    extra = {key: value[key] for key in value if key in unknown and value[key] is not None} if unknown else EMPTY
    details = value.get("reasoning_details")
    return Message(
        read_text(value.get("role")) or "assistant",
        content,
        read_text(value.get("name")),
        calls,
        None,
        _read_reasoning(dialect, value, thoughts, details),
        read_text(value.get("refusal")),
        _audio(value.get("audio")),
        tuple(cited) if is_array(cited := value.get("annotations")) else (),
        _read_state(dialect, details, bool(extra) or any(call.extra for call in calls)),
        extra or EMPTY,
    )


def _read_state(dialect: OpenAIChat, details: Any, odd: bool) -> ProviderState | None:
    """Return what must go back verbatim; even when empty it tells where odd fields came from, so that they go nowhere else."""
    if not details and not odd:
        return None
    return ProviderState(dialect.provider, dialect.name, {"reasoning_details": list(details)} if details else EMPTY)


def _audio(value: Any) -> JSONObject | None:
    return value if is_object(value) and (value.get("id") or value.get("data")) else None


def read_content(value: Any) -> tuple[str | tuple[Any, ...] | None, str]:
    """Return the visible content, and the thoughts that stood within it."""
    if value is None or isinstance(value, str):
        return value, ""
    if is_object(value):
        # Cloudflare gives what a schema asked for as an object.
        return write_json(value), ""
    if not is_array(value):
        raise ResponseParsingError("", f"the content of the answer is a {type(value).__name__}, not text")
    visible: list[Any] = []
    thoughts: list[str] = []
    for part in value:
        if is_object(part) and part.get("type") in ("thinking", "reasoning"):
            thoughts.append(part_text(part))
        else:
            visible.append(part)
    if all(isinstance(part, str) or (is_object(part) and isinstance(part.get("text"), str)) for part in visible):
        text = "".join(part if isinstance(part, str) else part["text"] for part in visible)
        return (text if visible else None), "".join(thoughts)
    try:
        return Message.of({"role": "assistant", "content": visible}).content, "".join(thoughts)
    except InvalidRequestError as error:
        reason = error.message
    raise ResponseParsingError("", f"the content of the answer cannot be read: {reason}")


def write_json(value: Any) -> str:
    """Return what a host gives as an object, where OpenAI gives the JSON text of one."""
    try:
        return jsons.dumps(value).decode()
    except InvalidRequestError as error:
        reason = error.message
    raise ResponseParsingError("", f"the answer holds what no JSON can: {reason}")


def part_text(part: JSONObject) -> str:
    """Return the text of a part of thought: {"thinking": [{"text"}] | str}, {"summary": [{"text"}]} or {"text"}."""
    inner = part.get("thinking", part.get("summary", part.get("text")))
    if isinstance(inner, str):
        return inner
    return "".join(str(piece.get("text") or "") for piece in inner or () if is_object(piece))


def _read_reasoning(dialect: OpenAIChat, value: JSONObject, within: str, details: Any) -> tuple[ReasoningBlock, ...]:
    text = reasoning_of(value) or within or details_text(details)
    return (ReasoningBlock(text, provider=dialect.provider, dialect=dialect.name),) if text else ()


def reasoning_of(value: JSONObject) -> str:
    """Return the reasoning beside the content of a message or delta, under any of its names."""
    for name in ("reasoning_content", "reasoning", "reasoning_text"):
        text = value.get(name)
        if isinstance(text, str) and text:
            return text
    return ""


def details_text(details: Any) -> str:
    """Return the readable text of OpenRouter's `reasoning_details`."""
    if not is_array(details) or isinstance(details, str):
        return ""
    return "".join(str(item.get("text") or item.get("summary") or "") for item in details if is_object(item))


def read_calls(value: JSONObject, seed: str) -> tuple[ToolCall, ...]:
    """Return the tool calls of a message, those of the older `function_call` too."""
    calls = value.get("tool_calls")
    if calls:
        return tuple([_read_call(call, seed, index) for index, call in enumerate(calls)])
    legacy = value.get("function_call")
    if is_object(legacy) and legacy.get("name"):
        return (_read_call({"function": legacy}, seed, 0),)
    return ()


def make_id(seed: str, index: int) -> str:
    """Return an id for a call that came without one, the same for plain and streamed answers."""
    import hashlib  # hosts that leave ids out are few

    return f"call_{hashlib.sha256(f'{seed}/{index}'.encode()).hexdigest()[:24]}"


def _read_arguments(value: Any) -> str:
    return read_arguments(value) if value is None or isinstance(value, str) else write_json(value)


def _read_call(call: Any, seed: str, index: int) -> ToolCall:
    if not is_object(call):
        raise ResponseParsingError("", f"a tool call of the answer is a {type(call).__name__}, not an object")
    kind = read_text(call.get("type")) or "function"
    function = call.get("function")
    if not is_object(function):
        function = call.get("custom")
    if not is_object(function) or not isinstance(function.get("name"), str):
        raise ResponseParsingError("", "a tool call of the answer names no function")
    name = function["name"]
    arguments = str(function.get("input") or "") if kind == "custom" else _read_arguments(function.get("arguments"))
    unknown = call.keys() - {"id", "type", "function", "custom", "index"}
    extra = {key: call[key] for key in call if key in unknown and call[key] is not None} if unknown else EMPTY
    return ToolCall(read_text(call.get("id")) or make_id(seed, index), FunctionCall(name, arguments), kind, extra or EMPTY)


# What `to_dict` wrote.


def read_written(value: JSONObject) -> ChatResponse:
    """Read a response in OpenAI's shape, our own spelling of it included; raises ResponseParsingError without choices."""
    from llmclient.dialects.openai.chat import OpenAIChat

    choices = value.get("choices")
    if not is_array(choices) or not all(is_object(choice) and "finish_reason_raw" in choice for choice in choices):
        return read(OpenAIChat(), value, "", "")
    return ChatResponse(
        id=value.get("id"),
        model=value.get("model"),
        choices=tuple(_read_written_choice(choice, index) for index, choice in enumerate(choices)),
        created=read_time(value.get("created")),
        system_fingerprint=value.get("system_fingerprint"),
        service_tier=value.get("service_tier"),
        usage=read_usage(value.get("usage")),
        extra={key: item for key, item in value.items() if key not in _TOP and key != "provider"} or EMPTY,
        meta=Meta(provider=value.get("provider") or ""),
    )


def _read_written_choice(choice: JSONObject, position: int) -> Choice:
    reason = choice.get("finish_reason")
    if reason is not None and reason not in FINISH_REASONS.values() and reason != "unknown":
        raise ResponseParsingError("", f"{reason!r} is no finish reason")
    message = Message.of({"role": "assistant", **choice["message"]})
    return Choice(choice.get("index", position), message, reason, choice["finish_reason_raw"], choice.get("logprobs"))
