"""Answers on their way in; a streamed one is brought to the shape of a plain one first, so that both are read alike."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from llmclient.dialects import bodies
from llmclient.dialects.anthropic import problems
from llmclient.dialects.anthropic.usage import read_finish, read_usage
from llmclient.dialects.bodies import is_event_stream, parse
from llmclient.dialects.calls import settle_arguments
from llmclient.dialects.decoding import replay
from llmclient.dialects.shapes import is_array, is_object, read_text
from llmclient.errors import ResponseParsingError
from llmclient.types.chat import ChatResponse, Choice
from llmclient.types.messages import EMPTY, FunctionCall, JSONObject, Message, ProviderState, ReasoningBlock, ToolCall, read_arguments

if TYPE_CHECKING:
    from llmclient.dialects.anthropic.chat import AnthropicMessages

_SHOWN: Final = 200
_TOP: Final = frozenset({"id", "type", "role", "model", "content", "stop_reason", "usage"})
_CALL: Final = frozenset({"type", "id", "name", "input"})
_RANKS: Final[Mapping[str, int]] = {"thinking": 0, "redacted_thinking": 0, "text": 1, "tool_use": 2}
"""The order in which a message without a state of its own is written."""
_PLAIN_FIELDS: Final = {
    "thinking": frozenset({"type", "thinking", "signature"}),
    "redacted_thinking": frozenset({"type", "data"}),
    "text": frozenset({"type", "text"}),
    "tool_use": _CALL | {"caller"},
}


def decode(dialect: AnthropicMessages, raw: bytes, model: str, request_id: str) -> ChatResponse:
    """Return the answer in a 2xx body; raises ResponseParsingError, or the error that the body reports."""
    value = parse(raw)
    if value is None and is_event_stream(raw):
        return replay(dialect.stream(model, request_id), raw)
    return read(dialect, value, model, request_id, raw)


def read(dialect: AnthropicMessages, value: Any, model: str, request_id: str, raw: bytes) -> ChatResponse:
    """Return the answer in a parsed body; raises as `decode` does."""
    error = problems.of_body(value, model, dialect.error_codes)
    if error is not None:
        raise error
    if not is_object(value) or not is_array(value.get("content")):
        raise unreadable(raw, model)
    return build(dialect, value, model, request_id)


def unreadable(raw: bytes, model: str) -> ResponseParsingError:
    """Return the error for a body that is no answer of this dialect."""
    return bodies.unreadable(raw, "is no message", "a Messages API", model)


def build(dialect: AnthropicMessages, value: JSONObject, model: str, request_id: str, *, ended: bool = True) -> ChatResponse:
    """Return the response made of a message in the API's shape; raises ResponseParsingError for a block that is none."""
    identity = read_text(value.get("id"))
    message = _message(dialect, value, read_text(value.get("model")) or model, identity or request_id)
    raw = read_text(value.get("stop_reason"))
    reason = read_finish(raw, called=bool(message.tool_calls)) if ended else None
    usage = value.get("usage")
    tier = usage.get("service_tier") if is_object(usage) else None
    return ChatResponse(
        id=identity,
        model=read_text(value.get("model")),
        choices=(Choice(0, message, reason, raw),),
        service_tier=read_text(tier),
        usage=read_usage(usage),
        extra=_extra(value),
    )


def _extra(value: JSONObject) -> JSONObject:
    """Return the provider's own fields. `provider`, the host that a gateway chose, goes by `upstream_provider`: `provider` is ours."""
    unknown = value.keys() - _TOP
    return {"upstream_provider" if key == "provider" else key: value[key] for key in value if key in unknown and value[key] is not None} or EMPTY


def _message(dialect: AnthropicMessages, value: JSONObject, model: str, seed: str) -> Message:
    texts: list[str] = []
    calls: list[ToolCall] = []
    thoughts: list[ReasoningBlock] = []
    citations: list[JSONObject] = []
    blocks = value["content"]
    for block in blocks:
        match _kind(block):
            case "text":
                texts.append(block["text"])
                cited = block.get("citations")
                citations += cited if is_array(cited) else ()
            case "tool_use":
                calls.append(_call(dialect, block, f"{seed}/{len(calls)}"))
            case "thinking":
                signature = read_text(block.get("signature"))
                thoughts.append(ReasoningBlock(read_text(block.get("thinking")) or "", signature, None, dialect.provider, model, dialect.name))
            case "redacted_thinking":
                thoughts.append(ReasoningBlock("", None, read_text(block.get("data")) or "", dialect.provider, model, dialect.name))
            case _:
                pass  # kept in the state
    details = value.get("stop_details")
    refusal = details.get("explanation") if value.get("stop_reason") == "refusal" and is_object(details) else None
    return Message(
        "assistant",
        "".join(texts) if texts else None,
        tool_calls=tuple(calls),
        reasoning=tuple(thoughts),
        refusal=read_text(refusal),
        annotations=tuple(citations),
        provider_state=None if _is_plain(blocks) else _state(dialect, blocks),
    )


def _kind(block: Any) -> str:
    kind = block.get("type") if is_object(block) else None
    if isinstance(kind, str) and (kind != "text" or isinstance(block.get("text"), str)):
        return kind
    raise ResponseParsingError("", f"a content block of the answer is not understood: {str(block)[:_SHOWN]}")


def _call(dialect: AnthropicMessages, block: JSONObject, seed: str) -> ToolCall:
    name = block.get("name")
    if not isinstance(name, str):
        raise ResponseParsingError("", "a tool call of the answer names no function")
    identity = read_text(block.get("id")) or make_id(seed)
    unknown = block.keys() - _CALL
    extra = {key: block[key] for key in block if key in unknown and block[key] is not None} if unknown else EMPTY
    return ToolCall(identity, FunctionCall(dialect.names.get(name, name), read_arguments(block.get("input"))), extra=extra or EMPTY)


def make_id(seed: str) -> str:
    """Return an id for a call that came without one, the same for plain and streamed answers."""
    return f"toolu_{hashlib.sha256(seed.encode()).hexdigest()[:24]}"


def _is_plain(blocks: Sequence[JSONObject]) -> bool:
    """Return whether the message alone is enough to write the blocks again."""
    ranks = [_RANKS.get(block["type"], 9) for block in blocks]
    in_order = ranks == sorted(ranks) and ranks.count(1) < 2 and 9 not in ranks
    return in_order and all(_is_bare(block) for block in blocks)


def _is_bare(block: JSONObject) -> bool:
    known = _PLAIN_FIELDS[block["type"]]
    return all(key in known or not block[key] for key in block)


def _state(dialect: AnthropicMessages, blocks: Sequence[JSONObject]) -> ProviderState:
    """Return what must go back as it came. The input of a streamed call is parsed, since requests hold objects."""
    return ProviderState(dialect.provider, dialect.name, {"content": [_settled(block) for block in blocks]})


def _settled(block: JSONObject) -> JSONObject:
    given = block.get("input")
    if not isinstance(given, str):
        return block
    return {**block, "input": settle_arguments(given)}
