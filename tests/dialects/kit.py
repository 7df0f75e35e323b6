"""What the tests of OpenAI's dialect share."""

from __future__ import annotations

import json
from typing import Any

from llmclient.dialects.openai import OpenAIChat
from llmclient.types.chat import ChatChunk, ChatRequest, ChatResponse
from llmclient.types.config import ProviderConfig
from llmclient.types.context import RequestContext, WireRequest


def context(provider: str = "acme", *, stream: bool = False) -> RequestContext:
    """Return a context of a made-up provider."""
    return RequestContext(provider=provider, config=ProviderConfig(provider=provider), stream=stream)


def encode(dialect: OpenAIChat, messages: Any = "hi", *, provider: str = "acme", stream: bool = False, **options: Any) -> WireRequest:
    """Return what a call with these arguments sends."""
    return dialect.encode(ChatRequest.make("m", messages, **options), context(provider, stream=stream))


def sent(dialect: OpenAIChat, *messages: Any, provider: str = "acme", **options: Any) -> list[dict[str, Any]]:
    """Return the messages that go out, as they are after a passage through JSON."""
    return json.loads(json.dumps(encode(dialect, list(messages), provider=provider, **options).body))["messages"]


def body(dialect: OpenAIChat, messages: Any = "hi", *, stream: bool = False, **options: Any) -> dict[str, Any]:
    """Return the body without model and messages."""
    out = dict(encode(dialect, messages, stream=stream, **options).body)
    del out["model"], out["messages"]
    return out


def notes(dialect: OpenAIChat, messages: Any = "hi", *, stream: bool = False, **options: Any) -> list[tuple[str, str]]:
    """Return kind and parameter of each warning."""
    return [(warning.kind, warning.param) for warning in encode(dialect, messages, stream=stream, **options).warnings]


def completion(message: dict[str, Any] | None = None, finish: Any = "stop", **top: Any) -> dict[str, Any]:
    """Return a parsed answer."""
    message = {"role": "assistant", "content": "hello"} if message is None else message
    return {"id": "c1", "object": "chat.completion", "created": 1_700_000_000, "model": "m-1", "choices": [choice(message, finish)], **top}


def choice(message: dict[str, Any], finish: Any = "stop", index: int = 0, **more: Any) -> dict[str, Any]:
    """Return a parsed choice."""
    return {"index": index, "message": message, "finish_reason": finish, **more}


def decode(value: Any, dialect: OpenAIChat | None = None) -> ChatResponse:
    """Return the answer in a parsed or raw body."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return (dialect or OpenAIChat(provider="acme")).decode(raw, "m", "req")


def delta(content: dict[str, Any] | None = None, finish: Any = None, index: int = 0, **top: Any) -> dict[str, Any]:
    """Return a parsed event."""
    chosen = {"index": index, "delta": content or {}, "logprobs": None, "finish_reason": finish}
    return {"id": "c1", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": "m-1", "choices": [chosen], **top}


def wire(*events: Any, done: bool = True) -> bytes:
    """Return events as a server sends them."""
    lines = [event if isinstance(event, bytes) else json.dumps(event).encode() for event in events]
    return b"".join(b"data: " + line + b"\n\n" for line in [*lines, b"[DONE]"][: len(lines) + done])


def run(raw: bytes, dialect: OpenAIChat | None = None, size: int = 1 << 20) -> tuple[Any, list[ChatChunk]]:
    """Return the decoder after these bytes, fed in pieces of a size, and all chunks."""
    decoder = (dialect or OpenAIChat(provider="acme")).stream("m", "req")
    chunks: list[ChatChunk] = []
    for start in range(0, len(raw), size):
        chunks += decoder.feed(raw[start : start + size])
    return decoder, chunks + decoder.finish()
