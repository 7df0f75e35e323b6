"""Answers on their way in; a streamed one is brought to the shape of a plain one first, so that both are read alike."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from llmclient.dialects.bedrock import problems
from llmclient.dialects.bedrock.usage import read_finish, read_usage
from llmclient.dialects.bodies import parse
from llmclient.dialects.calls import settle_arguments
from llmclient.dialects.decoding import replay
from llmclient.dialects.shapes import is_array, is_object
from llmclient.errors import ApiError, ResponseParsingError
from llmclient.types.chat import ChatResponse, Choice
from llmclient.types.messages import EMPTY, FunctionCall, JSONObject, Message, ProviderState, ReasoningBlock, ToolCall, read_arguments

if TYPE_CHECKING:
    from llmclient.dialects.bedrock.chat import BedrockConverse

SERVER: Final = "server_tool_use"
"""The type of a call that runs at the provider."""
_SHOWN: Final = 200
_TOP: Final = frozenset({"output", "stopReason", "usage", "serviceTier"})
_CALL: Final = frozenset({"toolUseId", "name", "input", "type"})
_SPOKEN: Final = frozenset({"text", "citationsContent"})
_KINDS: Final = frozenset(
    """
    audio cachePoint citation citationsContent document guardContent image reasoningContent searchResult text toolResult toolUse video
    """.split()
)
_RANKS: Final[Mapping[str, int]] = {"reasoningContent": 0, "text": 1, "toolUse": 2}
"""The order in which a message without a state of its own is written."""


def decode(dialect: BedrockConverse, raw: bytes, model: str, request_id: str) -> ChatResponse:
    """Return the answer in a 2xx body; raises ResponseParsingError, or the error that the body reports."""
    if raw[:1] == b"\0":
        return replay(dialect.stream(model, request_id), raw)
    value = parse(raw)
    error = problems.of_body(value, dialect.error_codes, model)
    if error is not None:
        raise error
    output = value.get("output") if is_object(value) else None
    message = output.get("message") if is_object(output) else None
    blocks = message.get("content") if is_object(message) else None
    if not is_object(value) or not is_array(blocks):
        raise problems.unreadable(raw, model, "answer of Converse")
    response = build(dialect, blocks, value, model, request_id)
    failed = failure_of(response)
    if failed is not None:
        raise failed
    return response


def failure_of(response: ChatResponse) -> ApiError | None:
    """Return the error of an answer that failed before it said anything; None for any other."""
    choice = response.choices[0]
    if choice.finish_reason != "error" or choice.message.content or choice.message.tool_calls:
        return None
    return ApiError("", f"the answer ended with {choice.finish_reason_raw!r} before it said anything", code=choice.finish_reason_raw, model=response.model)


def build(dialect: BedrockConverse, blocks: Sequence[Any], value: JSONObject, model: str, request_id: str, *, ended: bool = True) -> ChatResponse:
    """Return the response made of blocks and of what stands around them; raises ResponseParsingError for a block that is none."""
    message = _message(dialect, blocks, model, request_id)
    raw = value.get("stopReason")
    tier = value.get("serviceTier")
    name = tier.get("type") if is_object(tier) else None
    return ChatResponse(
        id=request_id or None,
        model=_invoked(value) or model or None,
        choices=(Choice(0, message, read_finish(raw, called=bool(message.tool_calls)) if ended else None, raw if isinstance(raw, str) else None),),
        service_tier=name if isinstance(name, str) else None,
        usage=read_usage(value.get("usage")),
        extra={key: value[key] for key in value if key not in _TOP and value[key] is not None} or EMPTY,
    )


def _invoked(value: JSONObject) -> str | None:
    """Return the model that a prompt router chose."""
    trace = value.get("trace")
    router = trace.get("promptRouter") if is_object(trace) else None
    found = router.get("invokedModelId") if is_object(router) else None
    return found if isinstance(found, str) else None


def kind_of(block: Any) -> str:
    """Return what a block is; raises ResponseParsingError for one that is none."""
    if is_object(block) and block:
        return name_of(block)
    raise ResponseParsingError("", f"a content block of the answer is not understood: {str(block)[:_SHOWN]}")


def name_of(union: JSONObject) -> str:
    """Return the member that a union holds; some hosts write the others too, as null, or fields of their own beside it."""
    return next((name for name, value in union.items() if name in _KINDS and value is not None), next(iter(union)))


def _message(dialect: BedrockConverse, blocks: Sequence[Any], model: str, seed: str) -> Message:
    texts: list[str] = []
    calls: list[ToolCall] = []
    thoughts: list[ReasoningBlock] = []
    citations: list[JSONObject] = []
    for block in blocks:
        kind = kind_of(block)
        inner = block[kind]
        if kind == "text" and isinstance(inner, str):
            texts.append(inner)
        elif kind == "toolUse" and is_object(inner):
            if inner.get("type") != SERVER:
                calls.append(_call(dialect, inner, f"{seed}/{len(calls)}"))
        elif kind == "reasoningContent" and is_object(inner):
            thoughts.append(_thought(dialect, inner, model))
        elif kind == "citationsContent" and is_object(inner):
            texts += _cited(inner)
            citations += inner.get("citations") or ()
        # The rest is kept in the state.
    return Message(
        "assistant",
        "".join(texts) if texts else None,
        tool_calls=tuple(calls),
        reasoning=tuple(thoughts),
        annotations=tuple(citations),
        provider_state=None if _is_plain(blocks) else _state(dialect, blocks),
    )


def text_of(blocks: Sequence[JSONObject]) -> str:
    """Return the visible text of blocks."""
    return "".join(block["text"] if "text" in block else "".join(_cited(block["citationsContent"])) for block in blocks if block.keys() & _SPOKEN)


def _cited(inner: JSONObject) -> list[str]:
    return [part["text"] for part in inner.get("content") or () if is_object(part) and isinstance(part.get("text"), str)]


def _thought(dialect: BedrockConverse, inner: JSONObject, model: str) -> ReasoningBlock:
    redacted = inner.get("redactedContent")
    if isinstance(redacted, str):
        return ReasoningBlock("", None, redacted, dialect.provider, model, dialect.name)
    told = inner.get("reasoningText")
    text, signature = (told.get("text"), told.get("signature")) if is_object(told) else (None, None)
    signature = signature if isinstance(signature, str) and signature else None
    return ReasoningBlock(text if isinstance(text, str) else "", signature, None, dialect.provider, model, dialect.name)


def _call(dialect: BedrockConverse, inner: JSONObject, seed: str) -> ToolCall:
    name, identity = inner.get("name"), inner.get("toolUseId")
    if not isinstance(name, str):
        raise ResponseParsingError("", "a tool call of the answer names no function")
    given = identity if isinstance(identity, str) and identity else make_id(seed)
    extra = {key: inner[key] for key in inner if key not in _CALL and inner[key] is not None}
    return ToolCall(given, FunctionCall(dialect.names.get(name, name), read_arguments(inner.get("input"))), extra=extra or EMPTY)


def make_id(seed: str) -> str:
    """Return an id for a call that came without one, the same for plain and streamed answers."""
    return f"tooluse_{hashlib.sha256(seed.encode()).hexdigest()[:22]}"


def _is_plain(blocks: Sequence[JSONObject]) -> bool:
    """Return whether the message alone is enough to write the blocks again."""
    ranks = [_RANKS.get(kind_of(block), 9) for block in blocks]
    return ranks == sorted(ranks) and ranks.count(1) < 2 and 9 not in ranks and all(len(block) == 1 and _is_ours(block) for block in blocks)


def _is_ours(block: JSONObject) -> bool:
    call = block.get("toolUse")
    return not is_object(call) or call.get("type") != SERVER


def _state(dialect: BedrockConverse, blocks: Sequence[JSONObject]) -> ProviderState:
    """Return what must go back as it came. The input of a streamed call is parsed, since requests hold objects."""
    return ProviderState(dialect.provider, dialect.name, {"content": [_settled(block) for block in blocks]})


def _settled(block: JSONObject) -> JSONObject:
    call = block.get("toolUse")
    given = call.get("input") if is_object(call) else None
    if not isinstance(given, str) or not is_object(call):
        return block
    return {"toolUse": {**call, "input": settle_arguments(given)}}
