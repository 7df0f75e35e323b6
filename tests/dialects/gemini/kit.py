"""What the tests of Google's dialect share."""

from __future__ import annotations

import json
from typing import Any

from llmclient.dialects.gemini import GeminiChat
from llmclient.types.chat import ChatChunk, ChatRequest, ChatResponse
from llmclient.types.config import ProviderConfig
from llmclient.types.context import RequestContext, WireRequest
from llmclient.types.messages import Message

GEMINI = GeminiChat(provider="gemini")


def context(provider: str = "gemini", *, stream: bool = False, **settings: Any) -> RequestContext:
    """Return the context of a call."""
    return RequestContext(provider=provider, config=ProviderConfig(provider=provider, **settings), stream=stream)


def encode(
    messages: Any = "hi", *, dialect: GeminiChat = GEMINI, model: str = "gemini-2.5-flash", stream: bool = False, provider: str = "gemini", **options: Any
) -> WireRequest:
    """Return what a call with these arguments sends."""
    return dialect.encode(ChatRequest.make(model, messages, **options), context(provider, stream=stream))


def body(messages: Any = "hi", **arguments: Any) -> dict[str, Any]:
    """Return the body after a passage through JSON."""
    found: dict[str, Any] = json.loads(json.dumps(encode(messages, **arguments).body))
    return found


def turns(*messages: Any, **arguments: Any) -> list[dict[str, Any]]:
    """Return the turns of a conversation."""
    found: list[dict[str, Any]] = body(list(messages), **arguments)["contents"]
    return found


def config(**arguments: Any) -> dict[str, Any]:
    """Return the generationConfig of a call, empty when there is none."""
    found: dict[str, Any] = body(**arguments).get("generationConfig", {})
    return found


def notes(messages: Any = "hi", **arguments: Any) -> list[tuple[str, str]]:
    """Return kind and parameter of each warning."""
    return [(warning.kind, warning.param) for warning in encode(messages, **arguments).warnings]


def answer(*parts: dict[str, Any], finish: Any = "STOP", **top: Any) -> dict[str, Any]:
    """Return a parsed answer of one candidate."""
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
    if finish is not None:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], "modelVersion": "gemini-2.5-flash", "responseId": "r1", **top}


def text(words: str, **more: Any) -> dict[str, Any]:
    """Return a part of text."""
    return {"text": words, **more}


def call(name: str, args: Any = None, **more: Any) -> dict[str, Any]:
    """Return a part with a call; an id or the like goes into the call, a signature beside it."""
    signature = {"thoughtSignature": more.pop("signature")} if "signature" in more else {}
    return {"functionCall": {"name": name, "args": args or {}, **more}, **signature}


def decode(value: Any, dialect: GeminiChat = GEMINI) -> ChatResponse:
    """Return the answer in a parsed or raw body."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return dialect.decode(raw, "gemini-2.5-flash", "req")


def event(*parts: dict[str, Any], finish: Any = None, **top: Any) -> dict[str, Any]:
    """Return a parsed event of a stream."""
    return answer(*parts, finish=finish, **top)


def sse(*events: Any) -> bytes:
    """Return a stream as Google frames it."""
    return b"".join(b"data: " + (each if isinstance(each, bytes) else json.dumps(each).encode()) + b"\r\n\r\n" for each in events)


def stream(raw: bytes, dialect: GeminiChat = GEMINI, size: int | None = None) -> tuple[list[ChatChunk], ChatResponse]:
    """Return the chunks and the response of a whole stream; raises its failure."""
    decoder = dialect.stream("gemini-2.5-flash", "req")
    chunks: list[ChatChunk] = []
    for start in range(0, len(raw), size or len(raw) or 1):
        chunks += decoder.feed(raw[start : start + (size or len(raw))])
    chunks += decoder.finish()
    if decoder.error is not None:
        raise decoder.error
    return chunks, decoder.response()


def assistant(*calls: tuple[str, str, str], content: str | None = None, **more: Any) -> dict[str, Any]:
    """Return an assistant's message in OpenAI's shape; each call is (id, name, arguments)."""
    listed = [{"id": identity, "type": "function", "function": {"name": name, "arguments": arguments}} for identity, name, arguments in calls]
    return {"role": "assistant", "content": content, **({"tool_calls": listed} if listed else {}), **more}


def result(identity: str, content: Any, **more: Any) -> dict[str, Any]:
    """Return a tool's message in OpenAI's shape."""
    return {"role": "tool", "tool_call_id": identity, "content": content, **more}


def told(*parts: dict[str, Any]) -> Message:
    """Return the message of an answer with these parts, to be appended to a conversation."""
    return decode(answer(*parts)).message
