"""Answers on their way in; a streamed one is brought to the shape of a plain one first, so that both are read alike."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from llmclient.dialects import bodies, failure
from llmclient.dialects.base import truncated
from llmclient.dialects.bodies import make_loads, parse
from llmclient.dialects.counts import count, find_reason
from llmclient.dialects.decoding import replay
from llmclient.dialects.openai.answer import make_id
from llmclient.dialects.shapes import is_array, is_object, read_text
from llmclient.errors import ResponseParsingError
from llmclient.types.chat import ChatResponse, Choice, FinishReason
from llmclient.types.messages import EMPTY, FunctionCall, JSONObject, Message, ReasoningBlock, ToolCall, read_arguments
from llmclient.types.usage import Usage, total_of

if TYPE_CHECKING:
    from llmclient.dialects.ollama.chat import OllamaChat

loads: Final = make_loads(b'"tool_calls"')
FINISH_REASONS: Final[Mapping[str, FinishReason]] = {"stop": "stop", "length": "length", "load": "stop", "unload": "stop"}
_TOP: Final = frozenset({"model", "created_at", "message", "done", "done_reason", "prompt_eval_count", "eval_count", "logprobs"})


def decode(dialect: OllamaChat, raw: bytes, model: str, request_id: str) -> ChatResponse:
    """Return the answer in a 2xx body; raises ResponseParsingError, or the error that the body reports."""
    value = parse(raw, loads)
    if value is None and raw.lstrip()[:1] == b"{":
        # Proxies that forget `stream` get lines, which is what the server sends unless told otherwise.
        return replay(dialect.stream(model, request_id), raw)
    error = failure.find_failure(value, model=model, codes=dialect.error_codes)
    if error is not None:
        raise error
    if not is_object(value) or not is_object(value.get("message")):
        raise unreadable(raw, model)
    if value.get("done") is False:
        raise truncated(1, "the answer says that it is not done")
    return build(dialect, value, model, request_id)


def unreadable(raw: bytes, model: str) -> ResponseParsingError:
    """Return the error for a body that is no answer of this dialect."""
    return bodies.unreadable(raw, "holds no message", "Ollama's own API, without /v1", model)


def build(dialect: OllamaChat, value: JSONObject, model: str, request_id: str, *, ended: bool = True) -> ChatResponse:
    """Return the response made of an answer in the API's shape; raises ResponseParsingError for a call that is none."""
    answered = read_text(value.get("model"))
    message = _message(dialect, value["message"], answered or model, request_id)
    raw = read_text(value.get("done_reason"))
    reason = read_finish(raw, called=bool(message.tool_calls)) if ended else None
    return ChatResponse(
        model=answered,
        choices=(Choice(0, message, reason, raw, read_logprobs(value.get("logprobs"))),),
        created=_time(value.get("created_at")),
        usage=read_usage(value),
        extra={key: item for key, item in value.items() if key not in _TOP and item is not None} or EMPTY,
    )


def read_finish(raw: str | None, *, called: bool) -> FinishReason:
    """Return the portable reason; what nobody knows, and none at all as from old servers, are `unknown`."""
    return find_reason(FINISH_REASONS, raw, called=called)


def read_usage(value: JSONObject) -> Usage | None:
    """Return the counts, or None when there are none: a prompt that was in the server's cache is not counted by older ones."""
    prompt, completion = count(value, "prompt_eval_count"), count(value, "eval_count")
    if prompt is None and completion is None:
        return None
    return Usage(prompt_tokens=prompt, completion_tokens=completion, total_tokens=total_of(prompt, completion))


def read_logprobs(value: Any) -> JSONObject | None:
    """Return log probabilities, which have OpenAI's shape already, or None when there are none."""
    return {"content": list(value)} if is_array(value) and value else None


def _time(value: Any) -> datetime.datetime | None:
    try:
        moment = datetime.datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=datetime.UTC)).astimezone(datetime.UTC)


def _message(dialect: OllamaChat, value: JSONObject, model: str, seed: str) -> Message:
    content, thought = value.get("content"), read_text(value.get("thinking"))
    if content is not None and not isinstance(content, str):
        raise ResponseParsingError("", f"the content of the answer is a {type(content).__name__}, not a text")
    calls: Sequence[Any] = found if is_array(found := value.get("tool_calls")) else ()
    return Message(
        "assistant",
        content or None,
        tool_calls=tuple(read_call(call, seed, order) for order, call in enumerate(calls)),
        reasoning=() if thought is None else (ReasoningBlock(thought, None, None, dialect.provider, model, dialect.name),),
    )


def read_call(call: Any, seed: str, order: int) -> ToolCall:
    """Return one call; older servers give no ids, and then one is made, the same for plain and streamed answers."""
    function = call.get("function") if is_object(call) else None
    if not is_object(function) or not isinstance(function.get("name"), str):
        raise ResponseParsingError("", "a tool call of the answer names no function")
    name = function["name"]
    arguments = read_arguments(function.get("arguments"))
    return ToolCall(read_text(call.get("id")) or make_id(f"{seed}/{name}/{arguments}", order), FunctionCall(name, arguments))
