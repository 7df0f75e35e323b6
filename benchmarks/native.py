"""The same streamed answer as other vendors frame it: 2,003 events each, by which their dialects are held to OpenAI's."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator
from typing import Any, Final

from benchmarks.canned import CHUNKS, Page, words

ANTHROPIC_MODEL: Final = "claude-sonnet-4-5"
GEMINI_MODEL: Final = "gemini-2.5-flash"
BEDROCK_MODEL: Final = "anthropic.claude-v2"
_PROMPT, _TOKENS = 23, 2_000


def pages() -> tuple[Page, ...]:
    """Return the answers, each at the path to which the vendor's API posts."""
    return (
        Page("/native/anthropic/v1/messages", "text/event-stream", tuple(_server_sent(anthropic_events()))),
        Page(f"/native/gemini/v1beta/models/{GEMINI_MODEL}:streamGenerateContent", "text/event-stream", tuple(gemini_events())),
        Page(f"/native/bedrock/model/{BEDROCK_MODEL}/converse-stream", "application/vnd.amazon.eventstream", tuple(bedrock_events())),
    )


def anthropic_events() -> Iterator[dict[str, Any]]:
    """Yield the events of Anthropic's Messages API; a ping fills up to the 2,003."""
    message = {"id": "msg_013Zva2CMHLNnXjNJJKqJ2EF", "type": "message", "role": "assistant", "model": ANTHROPIC_MODEL, "content": []}
    yield {"type": "message_start", "message": {**message, "stop_reason": None, "usage": {"input_tokens": _PROMPT, "output_tokens": 1}}}
    yield {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    for word in words()[: CHUNKS - 5]:
        yield {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}}
    yield {"type": "content_block_stop", "index": 0}
    yield {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": {"output_tokens": _TOKENS}}
    yield {"type": "message_stop"}


def _server_sent(events: Iterator[dict[str, Any]]) -> Iterator[bytes]:
    for event in events:
        yield f"event: {event['type']}\ndata: {json.dumps(event, separators=(',', ':'))}\n\n".encode()


def gemini_events() -> Iterator[bytes]:
    """Yield the events of Gemini's streamGenerateContent, each of which repeats the counts."""
    for number in range(CHUNKS):
        text = words()[number] if number < len(words()) else ""
        last = {"finishReason": "STOP"} if number == CHUNKS - 1 else {}
        candidate = {"content": {"parts": [{"text": text}], "role": "model"}, "index": 0, **last}
        counts = {"promptTokenCount": _PROMPT, "candidatesTokenCount": number, "totalTokenCount": _PROMPT + number}
        event = {"candidates": [candidate], "usageMetadata": counts, "modelVersion": GEMINI_MODEL, "responseId": "mAitaLmkHPPlz7IPvtfUqQ4"}
        yield b"data: " + json.dumps(event).encode() + b"\r\n\r\n"


def bedrock_events() -> Iterator[bytes]:
    """Yield the messages of Bedrock's ConverseStream, in Amazon's event stream."""
    yield _message("messageStart", {"p": "abcdefghijklm", "role": "assistant"})
    for word in words()[: CHUNKS - 4]:
        yield _message("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": word}, "p": "abcdefghijklmnop"})
    yield _message("contentBlockStop", {"contentBlockIndex": 0, "p": "abcdef"})
    yield _message("messageStop", {"p": "abcdefg", "stopReason": "end_turn"})
    usage = {"inputTokens": _PROMPT, "outputTokens": _TOKENS, "totalTokens": _PROMPT + _TOKENS}
    yield _message("metadata", {"metrics": {"latencyMs": 512}, "p": "abc", "usage": usage})


def _message(kind: str, payload: dict[str, Any]) -> bytes:
    fields = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    headers = b"".join(struct.pack(">B", len(name)) + name.encode() + struct.pack(">BH", 7, len(value)) + value.encode() for name, value in fields.items())
    body = json.dumps(payload, separators=(",", ":")).encode()
    start = struct.pack(">II", 16 + len(headers) + len(body), len(headers))
    message = start + struct.pack(">I", zlib.crc32(start)) + headers + body
    return message + struct.pack(">I", zlib.crc32(message))
