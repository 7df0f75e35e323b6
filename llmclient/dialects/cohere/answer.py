"""Answers on their way in; a streamed one is brought to the shape of a plain one first, so that both are read alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from llmclient.dialects import bodies, failure
from llmclient.dialects.bodies import is_event_stream, parse
from llmclient.dialects.cohere import problems
from llmclient.dialects.cohere.messages import PLAN
from llmclient.dialects.cohere.usage import read_finish, read_usage
from llmclient.dialects.decoding import replay
from llmclient.dialects.openai.answer import make_id
from llmclient.dialects.shapes import is_array, is_object, read_text
from llmclient.errors import ProviderError, ResponseParsingError
from llmclient.types.chat import ChatResponse, Choice
from llmclient.types.messages import EMPTY, FunctionCall, JSONObject, Message, ProviderState, ReasoningBlock, ToolCall, read_arguments

if TYPE_CHECKING:
    from llmclient.dialects.cohere.chat import CohereChat

_SHOWN: Final = 200
_TOP: Final = frozenset({"id", "message", "finish_reason", "usage", "logprobs"})
_MESSAGE: Final = frozenset({"role", "content", "tool_plan", "tool_calls", "citations"})
_USAGE: Final = frozenset({"tokens", "cached_tokens"})
_USUAL: Final = (["text"], ["thinking"], ["thinking", "text"])
"""The parts of a message that says all by itself what it was."""


def decode(dialect: CohereChat, raw: bytes, model: str, request_id: str) -> ChatResponse:
    """Return the answer in a 2xx body; raises ResponseParsingError, or the error that the body reports."""
    value = parse(raw)
    if value is None and is_event_stream(raw):
        return replay(dialect.stream(model, request_id), raw)
    error = problems.of_body(value, model, dialect.error_codes)
    if error is not None:
        raise error
    if not is_object(value) or not is_object(value.get("message")):
        raise unreadable(raw, model)
    response = build(dialect, value, model, request_id)
    failed = failure_of(response)
    if failed is not None:
        raise failed
    return response


def unreadable(raw: bytes, model: str) -> ResponseParsingError:
    """Return the error for a body that is no answer of this dialect."""
    return bodies.unreadable(raw, "holds no message", "Cohere's API, version 2", model)


def failure_of(response: ChatResponse) -> ProviderError | None:
    """Return the error of an answer that ended by a failure before it said anything."""
    message = response.message
    if response.finish_reason != "error" or message.content or message.tool_calls or message.reasoning:
        return None
    return failure.of_finish_reason(str(response.finish_reason_raw).lower())


def build(dialect: CohereChat, value: JSONObject, model: str, request_id: str, *, ended: bool = True) -> ChatResponse:
    """Return the response made of an answer in the API's shape; raises ResponseParsingError for a part that is none."""
    identity = read_text(value.get("id"))
    message = _message(dialect, value["message"], model, identity or request_id)
    raw = read_text(value.get("finish_reason"))
    reason = read_finish(raw, called=bool(message.tool_calls)) if ended else None
    return ChatResponse(
        id=identity,
        choices=(Choice(0, message, reason, raw, read_logprobs(value.get("logprobs"))),),
        usage=read_usage(value.get("usage")),
        extra=_extra(value),
    )


def _extra(value: JSONObject) -> JSONObject:
    """Return the provider's own fields: those of the answer, of its usage (such as what is billed), and of the message."""
    out = {key: item for key, item in value.items() if key not in _TOP and item is not None}
    usage = value.get("usage")
    if is_object(usage):
        out.update((key, item) for key, item in usage.items() if key not in _USAGE and item is not None)
    unknown = {key: item for key, item in value["message"].items() if key not in _MESSAGE and item is not None}
    if unknown:
        out["message"] = unknown
    return out or EMPTY


def _array(value: Any) -> Sequence[Any]:
    return value if is_array(value) else ()


def _message(dialect: CohereChat, value: JSONObject, model: str, seed: str) -> Message:
    content = value.get("content")
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else _array(content)
    kinds = [_kind(block) for block in blocks]
    texts = [block["text"] for block, kind in zip(blocks, kinds, strict=True) if kind == "text"]
    thoughts = [block["thinking"] for block, kind in zip(blocks, kinds, strict=True) if kind == "thinking"]
    reasoning = [ReasoningBlock(thought, None, None, dialect.provider, model, dialect.name) for thought in thoughts]
    plan = read_text(value.get("tool_plan"))
    if plan is not None:
        reasoning.append(ReasoningBlock(plan, None, None, dialect.provider, model, dialect.name, PLAN))
    return Message(
        "assistant",
        "".join(texts) if texts else None,
        tool_calls=tuple(_call(call, seed, index) for index, call in enumerate(_array(value.get("tool_calls")))),
        reasoning=tuple(reasoning),
        annotations=tuple(_array(value.get("citations"))),
        provider_state=None if not kinds or kinds in _USUAL else ProviderState(dialect.provider, dialect.name, {"content": list(blocks)}),
    )


def _kind(block: Any) -> str:
    kind = block.get("type") if is_object(block) else None
    if isinstance(kind, str) and (kind not in ("text", "thinking") or isinstance(block.get(kind), str)):
        return kind
    raise ResponseParsingError("", f"a part of the answer is not understood: {str(block)[:_SHOWN]}")


def _call(call: Any, seed: str, index: int) -> ToolCall:
    function = call.get("function") if is_object(call) else None
    if not is_object(function) or not isinstance(function.get("name"), str):
        raise ResponseParsingError("", "a tool call of the answer names no function")
    return ToolCall(read_text(call.get("id")) or make_id(seed, index), FunctionCall(function["name"], read_arguments(function.get("arguments"))))


def read_logprobs(value: Any) -> JSONObject | None:
    """Return log probabilities in OpenAI's shape, or None when there are none.

    An entry is a piece of text of one token or more; its `logprob` is that of the whole piece, `logprobs` those of its tokens.
    """
    rows = [row for row in _array(value) if is_object(row)]
    return {"content": [_read_piece(row) for row in rows]} if rows else None


def _read_piece(row: JSONObject) -> JSONObject:
    text = row.get("text")
    numbers = [number for number in _array(row.get("logprobs")) if isinstance(number, (int, float))]
    whole = {"token": text if isinstance(text, str) else "", "logprob": sum(numbers) if numbers else None}
    return {**whole, **{key: item for key, item in row.items() if key != "text"}}
