"""Answers on their way in; a streamed one is brought to the shape of a plain one first, so that both are read alike."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from llmclient.dialects import bodies
from llmclient.dialects.bodies import ODD_SHAPES, odd, parse
from llmclient.dialects.decoding import replay
from llmclient.dialects.openai.answer import read_time
from llmclient.dialects.responses import problems
from llmclient.dialects.responses.usage import read_finish, read_usage
from llmclient.dialects.shapes import is_array, is_object, read_text
from llmclient.errors import ApiError, ResponseParsingError
from llmclient.types.chat import ChatResponse, Choice
from llmclient.types.messages import EMPTY, FunctionCall, JSONObject, Message, ProviderState, ReasoningBlock, ToolCall, read_arguments

if TYPE_CHECKING:
    from llmclient.dialects.responses.chat import OpenAIResponses

_SHOWN: Final = 200
_EVENT_STREAMS: Final = (b"event:", b"data:", b": ")
_ECHOED: Final = frozenset(
    """
    id object created_at completed_at status error incomplete_details model output output_text usage service_tier instructions max_output_tokens
    max_tool_calls parallel_tool_calls previous_response_id prompt prompt_cache_key prompt_cache_options prompt_cache_retention reasoning
    safety_identifier store temperature text tool_choice tools top_logprobs top_p truncation user metadata background frequency_penalty presence_penalty
    """.split()
)
"""Fields that are read, and those that only repeat the request."""
_PLAIN: Final = frozenset({"message", "reasoning", "function_call", "custom_tool_call"})
_CALL: Final = frozenset({"type", "id", "call_id", "name", "arguments", "input", "status"})
_BREAK: Final = "\n\n"
"""What stands between the parts of a summary."""


def decode(dialect: OpenAIResponses, raw: bytes, model: str, request_id: str) -> ChatResponse:
    """Return the answer in a 2xx body; raises ResponseParsingError, or the error that the body reports."""
    value = parse(raw)
    if value is None and raw.lstrip()[:8].startswith(_EVENT_STREAMS):
        return replay(dialect.stream(model, request_id), raw)
    return read(dialect, value, model, request_id, raw)


def read(dialect: OpenAIResponses, value: Any, model: str, request_id: str, raw: bytes) -> ChatResponse:
    """Return the answer in a parsed body; raises as `decode` does."""
    if not is_object(value) or not _is_response(value):
        error = problems.find(value, model, dialect.error_codes) if value is not None else None
        raise error or unreadable(raw, model)
    error = problems.of_response(value, model, dialect.error_codes)
    if error is not None:
        raise error
    response = build(dialect, value, model, request_id)
    if response.finish_reason == "error" and not (response.text or response.tool_calls):
        raise ApiError("", f"the response was {value.get('status')} before it said anything", code=str(value.get("status")), model=model)
    return response


def _is_response(value: JSONObject) -> bool:
    """Return whether an object is a response; one that is still to be written may have no output yet."""
    return is_array(value.get("output")) or (value.get("object") == "response" and value.get("output") is None)


def unreadable(raw: bytes, model: str) -> ResponseParsingError:
    """Return the error for a body that is no answer of this dialect."""
    return bodies.unreadable(raw, "is no response object", "a Responses API", model)


def build(dialect: OpenAIResponses, value: JSONObject, model: str, request_id: str, *, ended: bool = True) -> ChatResponse:
    """Return the response made of a response object; raises ResponseParsingError for an item that is none."""
    try:
        return _build(dialect, value, model, request_id, ended)
    except ODD_SHAPES as error:
        failed = odd(error, model)
    raise failed


def _build(dialect: OpenAIResponses, value: JSONObject, model: str, request_id: str, ended: bool) -> ChatResponse:
    identity = read_text(value.get("id"))
    answered = read_text(value.get("model"))
    reader = _Reader(dialect, answered or model, identity or request_id)
    items: Sequence[Any] = value["output"] if value.get("output") is not None else ()
    for item in items:
        reader.add(item)
    message = reader.message(items)
    reason, raw = read_finish(value, called=bool(message.tool_calls), refused=message.refusal is not None)
    usage = read_usage(value)
    if dialect.cap is not None and reason == "stop" and usage is not None and (usage.completion_tokens or 0) >= dialect.cap:
        reason = "length"
    return ChatResponse(
        id=identity,
        model=answered,
        choices=(Choice(0, message, reason if ended else None, raw if ended else None, reader.logprobs()),),
        created=read_time(value.get("created_at")),
        service_tier=read_text(value.get("service_tier")),
        usage=usage,
        extra=_extra(value, items),
    )


def _extra(value: JSONObject, items: Sequence[JSONObject]) -> JSONObject:
    """Return the provider's own fields. `provider`, the host that a router chose, goes by `upstream_provider`: `provider` is ours."""
    unknown = value.keys() - _ECHOED
    extra = {"upstream_provider" if key == "provider" else key: value[key] for key in value if key in unknown and value[key] is not None}
    output = [item for item in items if item["type"] not in _PLAIN]
    if output:
        extra["output"] = output
    return extra or EMPTY


class _Reader:
    """Makes one message of the items of an output."""

    def __init__(self, dialect: OpenAIResponses, model: str, seed: str) -> None:
        self._dialect = dialect
        self._model = model
        self._seed = seed
        self._texts: list[str] = []
        self._refusals: list[str] = []
        self._annotations: list[JSONObject] = []
        self._logprobs: list[Any] = []
        self._calls: list[ToolCall] = []
        self._thoughts: list[ReasoningBlock] = []

    def add(self, item: Any) -> None:
        """Read an item; what is of another kind than these stays in the state."""
        match item.get("type") if is_object(item) else None:
            case "message":
                for part in item.get("content") or ():
                    self._add_part(part)
            case "reasoning":
                self._thoughts.append(self._thought(item))
            case "function_call":
                self._calls.append(self._call(item, "function", read_arguments(item.get("arguments"))))
            case "custom_tool_call":
                self._calls.append(self._call(item, "custom", item.get("input") or ""))
            case str():
                pass
            case _:
                raise ResponseParsingError("", f"an item of the answer is not understood: {str(item)[:_SHOWN]}")

    def _add_part(self, part: JSONObject) -> None:
        if isinstance(text := part.get("text"), str):
            self._texts.append(text)
        if refusal := part.get("refusal"):
            self._refusals.append(refusal)
        self._annotations += part.get("annotations") or ()
        self._logprobs += part.get("logprobs") or ()

    def _thought(self, item: JSONObject) -> ReasoningBlock:
        encrypted = read_text(item.get("encrypted_content"))
        return ReasoningBlock(thought_of(item), None, encrypted, self._dialect.provider, self._model, self._dialect.name, read_text(item.get("id")))

    def _call(self, item: JSONObject, kind: str, arguments: str) -> ToolCall:
        name = item.get("name")
        if not isinstance(name, str):
            raise ResponseParsingError("", "a tool call of the answer names no function")
        unknown = item.keys() - _CALL
        extra = {key: item[key] for key in item if key in unknown and item[key] is not None} if unknown else EMPTY
        identity = call_id(item, self._seed, len(self._calls))
        return ToolCall(identity, FunctionCall(name, arguments), kind, extra or EMPTY)

    def message(self, items: Sequence[JSONObject]) -> Message:
        """Return what was read."""
        return Message(
            "assistant",
            "".join(self._texts) if self._texts else None,
            tool_calls=tuple(self._calls),
            reasoning=tuple(self._thoughts),
            refusal="".join(self._refusals) or None,
            annotations=tuple(self._annotations),
            provider_state=ProviderState(self._dialect.provider, self._dialect.name, {"items": list(items)}) if items else None,
        )

    def logprobs(self) -> JSONObject | None:
        """Return the log probabilities in the shape of chat completions."""
        return {"content": self._logprobs} if self._logprobs else None


def call_id(item: JSONObject, seed: str, index: int) -> str:
    """Return the id that a call's result must name; where the host left it out, one that is the same for plain and streamed answers."""
    given = read_text(item.get("call_id")) or read_text(item.get("id"))
    return given or f"call_{hashlib.sha256(f'{seed}/{index}'.encode()).hexdigest()[:24]}"


def thought_of(item: JSONObject) -> str:
    """Return the readable text of a reasoning item: its summary, and what of the reasoning itself is shown."""
    pieces = [piece.get("text") for name in ("summary", "content") for piece in item.get(name) or ()]
    return _BREAK.join(piece for piece in pieces if piece)
