"""How each dialect writes a good answer, a good stream, and a failure inside of one; a row is all that a new dialect needs."""

from __future__ import annotations

import base64
import importlib
import json
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from llmclient.provider import Provider

LEFT, RIGHT = "Hel", "lo"
TEXT = LEFT + RIGHT
Frames = list[bytes]


@dataclass(frozen=True)
class Wire:
    """One dialect's way of writing. A stream is a list of frames; the first `opening` of them end with the first piece of text."""

    name: str
    dialect: str
    """`package.module:Class`."""
    answer: Callable[[str, Any], Any]
    """Text and finish reason -> the parsed body of an answer."""
    stream: Callable[[Sequence[str], Any], Frames]
    """Pieces of text and finish reason -> the frames of a stream."""
    opening: int
    event: Callable[[bytes], bytes]
    """JSON, or what stands where JSON should -> a frame as it comes in the middle of a stream."""
    failure: Any
    """The parsed body of an error object that means: slow down."""
    stream_failure: bytes
    """The frame that means the same within a stream."""
    content_type: str = "text/event-stream"
    stop: Any = "stop"
    """The finish reason of a good answer."""
    comment: bytes = b": keepalive\n\n"
    """What keeps a connection alive and is no event; empty where there is no such thing."""
    marked: bool = True
    """Whether a marker ends a stream, so that what follows is not read."""

    def provider(self) -> type[Provider]:
        """Return an adapter whose chat speaks this dialect."""
        module, _, name = self.dialect.partition(":")
        dialect = getattr(importlib.import_module(module), name)()
        return type("Acme", (Provider,), {"name": "acme", "chat": dialect})

    def body(self, text: str = TEXT, finish: Any = None) -> bytes:
        """Return the body of an answer."""
        return dump(self.answer(text, finish or self.stop))

    def frames(self, pieces: Sequence[str] = (LEFT, RIGHT), finish: Any = None) -> Frames:
        """Return the frames of a stream."""
        return self.stream(pieces, finish or self.stop)


def dump(value: Any) -> bytes:
    """Return JSON as servers write it."""
    return json.dumps(value).encode()


def data(payload: bytes) -> bytes:
    """Return an event without a name."""
    return b"data: " + payload + b"\n\n"


def named(value: dict[str, Any]) -> bytes:
    """Return an event named by its type."""
    return f"event: {value['type']}\n".encode() + data(dump(value))


# OpenAI's chat completions, and those like it.


def completion(text: str, finish: Any) -> Any:
    """Return a chat completion."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    return {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}


def delta(text: str | None, finish: Any = None) -> bytes:
    """Return one event of a stream."""
    choice = {"index": 0, "delta": {} if text is None else {"role": "assistant", "content": text}, "finish_reason": finish}
    return data(dump({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}))


def deltas(pieces: Sequence[str], finish: Any) -> Frames:
    """Return a stream of chat completions."""
    return [*map(delta, pieces), delta(None, finish), data(b"[DONE]")]


SLOW_DOWN = {"error": {"message": "slow down", "type": "rate_limit_error", "code": "rate_limit_exceeded"}}
MISTRAL_SLOW_DOWN = {"object": "error", "message": "slow down", "type": "rate_limit_exceeded", "param": None, "code": None}

# OpenAI's Responses.


def response_object(text: str, finish: Any) -> dict[str, Any]:
    """Return a response; its finish reason is the status, or why it is incomplete."""
    content = [{"type": "output_text", "text": text, "annotations": []}]
    message = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": content}
    usage = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
    whole = {"id": "resp_1", "object": "response", "created_at": 1, "status": "completed", "model": "m", "output": [message], "usage": usage}
    return whole if finish == "completed" else {**whole, "status": "incomplete", "incomplete_details": {"reason": finish}}


def response_events(pieces: Sequence[str], finish: Any) -> Frames:
    """Return the events of a response."""
    whole = response_object("".join(pieces), finish)
    item = whole["output"][0]
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": {**whole, "status": "in_progress", "output": [], "usage": None}},
        {"type": "response.output_item.added", "output_index": 0, "item": {**item, "status": "in_progress", "content": []}},
        {"type": "response.content_part.added", **place, "part": {"type": "output_text", "text": "", "annotations": []}},
        *({"type": "response.output_text.delta", **place, "delta": piece} for piece in pieces),
        {"type": "response.output_text.done", **place, "text": "".join(pieces)},
        {"type": "response.content_part.done", **place, "part": item["content"][0]},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed" if finish == "completed" else "response.incomplete", "response": whole},
    ]
    return [named({**event, "sequence_number": number}) for number, event in enumerate(events)]


# Anthropic's Messages.


def message(text: str, finish: Any) -> Any:
    """Return a message."""
    usage = {"input_tokens": 1, "output_tokens": 1}
    content = [{"type": "text", "text": text}]
    return {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": content, "stop_reason": finish, "stop_sequence": None, "usage": usage}


def message_events(pieces: Sequence[str], finish: Any) -> list[dict[str, Any]]:
    """Return the parsed events of a message."""
    return [
        {"type": "message_start", "message": {**message("", None), "content": []}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}} for piece in pieces),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": finish, "stop_sequence": None}, "usage": {"output_tokens": 1}},
        {"type": "message_stop"},
    ]


ANTHROPIC_SLOW_DOWN = {"type": "error", "error": {"type": "rate_limit_error", "message": "slow down"}}

# Gemini.


def candidate(text: str, finish: Any) -> Any:
    """Return a whole answer."""
    content = {"role": "model", "parts": [{"text": text}]}
    chosen = {"content": content, "index": 0} | ({"finishReason": finish} if finish else {})
    usage = {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2}
    return {"candidates": [chosen], "usageMetadata": usage, "modelVersion": "m", "responseId": "r"}


def candidates(pieces: Sequence[str], finish: Any) -> Frames:
    """Return a stream; its last piece brings the finish reason."""
    return [google(dump(candidate(piece, finish if number == len(pieces) else None))) for number, piece in enumerate(pieces, 1)]


def google(payload: bytes) -> bytes:
    """Return an event; Google ends lines by CRLF."""
    return b"data: " + payload + b"\r\n\r\n"


GOOGLE_SLOW_DOWN = {"error": {"code": 429, "message": "slow down", "status": "RESOURCE_EXHAUSTED"}}

# Amazon Bedrock.


def frame(payload: bytes, **headers: str) -> bytes:
    """Return a message of Amazon's event stream."""
    packed = b"".join(_header(":" + name.replace("_", "-"), value) for name, value in headers.items())
    prelude = struct.pack(">II", 16 + len(packed) + len(payload), len(packed))
    body = prelude + struct.pack(">I", zlib.crc32(prelude)) + packed + payload
    return body + struct.pack(">I", zlib.crc32(body))


def _header(name: str, value: str) -> bytes:
    return bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()


def tell(payload: bytes, kind: str = "contentBlockDelta") -> bytes:
    """Return an event."""
    return frame(payload, event_type=kind, content_type="application/json", message_type="event")


THROTTLED = frame(b'{"message": "slow down"}', exception_type="throttlingException", content_type="application/json", message_type="exception")
AMAZON_SLOW_DOWN = {"__type": "ThrottlingException", "message": "slow down"}
BINARY = "application/vnd.amazon.eventstream"


def converse(text: str, finish: Any) -> Any:
    """Return an answer of Converse."""
    usage = {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2}
    return {"output": {"message": {"role": "assistant", "content": [{"text": text}]}}, "stopReason": finish, "usage": usage, "metrics": {"latencyMs": 1}}


def converse_events(pieces: Sequence[str], finish: Any) -> Frames:
    """Return a stream of Converse."""
    whole = converse("", finish)
    events: list[tuple[str, dict[str, Any]]] = [
        ("messageStart", {"role": "assistant"}),
        *(("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": piece}}) for piece in pieces),
        ("contentBlockStop", {"contentBlockIndex": 0}),
        ("messageStop", {"stopReason": finish}),
        ("metadata", {"usage": whole["usage"], "metrics": whole["metrics"]}),
    ]
    return [tell(dump(value), kind) for kind, value in events]


def wrapped(payload: bytes) -> bytes:
    """Return an event of Anthropic's in Amazon's envelope."""
    return tell(dump({"bytes": base64.b64encode(payload).decode()}), "chunk")


# Cohere.


def cohere_message(text: str, finish: Any) -> Any:
    """Return an answer."""
    usage = {"billed_units": {"input_tokens": 1, "output_tokens": 1}, "tokens": {"input_tokens": 1, "output_tokens": 1}}
    return {"id": "c", "finish_reason": finish, "message": {"role": "assistant", "content": [{"type": "text", "text": text}]}, "usage": usage}


def cohere_events(pieces: Sequence[str], finish: Any) -> Frames:
    """Return a stream."""
    events: list[dict[str, Any]] = [
        {"type": "message-start", "id": "c", "delta": {"message": {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}}},
        {"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "text", "text": ""}}}},
        *({"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": piece}}}} for piece in pieces),
        {"type": "content-end", "index": 0},
        {"type": "message-end", "delta": {"finish_reason": finish, "usage": cohere_message("", finish)["usage"]}},
    ]
    return [*map(named, events), data(b"[DONE]")]


COHERE_SLOW_DOWN = {"id": "e", "message": "rate limit exceeded"}
COHERE_FAILED = {"type": "message-end", "delta": {"finish_reason": "ERROR", "error": "rate limit exceeded"}}

# Ollama.


def ollama_message(text: str, finish: Any) -> dict[str, Any]:
    """Return an answer, or the last line of a stream."""
    counts = {"total_duration": 1, "load_duration": 1, "prompt_eval_count": 1, "prompt_eval_duration": 1, "eval_count": 1, "eval_duration": 1}
    return {**ollama_piece(text), "done": True, "done_reason": finish, **counts}


def ollama_piece(text: str) -> dict[str, Any]:
    """Return a line of a stream."""
    return {"model": "m", "created_at": "2026-01-01T00:00:00Z", "message": {"role": "assistant", "content": text}, "done": False}


def line(payload: bytes) -> bytes:
    """Return a line of a stream."""
    return payload + b"\n"


OLLAMA_SLOW_DOWN = {"error": "rate limit exceeded"}

WIRES = (
    Wire("openai", "llmclient.dialects.openai:OpenAIChat", completion, deltas, 1, data, SLOW_DOWN, data(dump(SLOW_DOWN))),
    Wire(
        "responses",
        "llmclient.dialects.responses:OpenAIResponses",
        response_object,
        response_events,
        4,
        data,
        SLOW_DOWN,
        named({"type": "error", "code": "rate_limit_exceeded", "message": "slow down", "param": None, "sequence_number": 9}),
        stop="completed",
    ),
    Wire(
        "anthropic",
        "llmclient.dialects.anthropic:AnthropicMessages",
        message,
        lambda pieces, finish: [named(event) for event in message_events(pieces, finish)],
        3,
        data,
        ANTHROPIC_SLOW_DOWN,
        named(ANTHROPIC_SLOW_DOWN),
        stop="end_turn",
    ),
    Wire(
        "gemini",
        "llmclient.dialects.gemini:GeminiChat",
        candidate,
        candidates,
        1,
        google,
        GOOGLE_SLOW_DOWN,
        google(dump(GOOGLE_SLOW_DOWN)),
        stop="STOP",
        comment=b": keepalive\r\n\r\n",
        marked=False,
    ),
    Wire(
        "bedrock",
        "llmclient.dialects.bedrock:BedrockConverse",
        converse,
        converse_events,
        2,
        tell,
        AMAZON_SLOW_DOWN,
        THROTTLED,
        content_type=BINARY,
        stop="end_turn",
        comment=b"",
    ),
    Wire(
        "bedrock_invoke",
        "llmclient.dialects.bedrock:BedrockMessages",
        message,
        lambda pieces, finish: [wrapped(dump(event)) for event in message_events(pieces, finish)],
        3,
        wrapped,
        ANTHROPIC_SLOW_DOWN,
        THROTTLED,
        content_type=BINARY,
        stop="end_turn",
        comment=b"",
    ),
    Wire(
        "mistral",
        "llmclient.dialects.mistral:MistralChat",
        completion,
        deltas,
        1,
        data,
        MISTRAL_SLOW_DOWN,
        data(dump(MISTRAL_SLOW_DOWN)),
    ),
    Wire(
        "cohere",
        "llmclient.dialects.cohere:CohereChat",
        cohere_message,
        cohere_events,
        3,
        data,
        COHERE_SLOW_DOWN,
        named(COHERE_FAILED),
        stop="COMPLETE",
    ),
    Wire(
        "ollama",
        "llmclient.dialects.ollama:OllamaChat",
        ollama_message,
        lambda pieces, finish: [line(dump(each)) for each in [*map(ollama_piece, pieces), ollama_message("", finish)]],
        1,
        line,
        OLLAMA_SLOW_DOWN,
        line(dump(OLLAMA_SLOW_DOWN)),
        content_type="application/x-ndjson",
        comment=b"\n",
    ),
)
BY_NAME = {wire.name: wire for wire in WIRES}
