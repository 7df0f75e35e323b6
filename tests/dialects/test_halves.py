"""Streams of servers that cut texts at UTF-16 units: an emoji comes in two halves, each escaped, in events of their own."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from llmclient.dialects.anthropic import AnthropicMessages
from llmclient.dialects.bedrock import BedrockConverse
from llmclient.dialects.cohere.chat import CohereChat
from llmclient.dialects.gemini import GeminiChat
from llmclient.dialects.ollama.chat import OllamaChat
from llmclient.dialects.openai import OpenAIChat
from llmclient.dialects.responses import OpenAIResponses
from tests.dialects.bedrock import kit as bedrock

HALVES = ("I \ud83d", "\udc4b you")
WHOLE = "I \U0001f44b you"


def sse(events: Iterable[Any]) -> bytes:
    """Return events as they are sent."""
    return b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)


def openai() -> bytes:
    """Deltas of the content."""
    chunks: list[Any] = [{"choices": [{"index": 0, "delta": {"content": half}}]} for half in HALVES]
    return sse([*chunks, {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}]) + b"data: [DONE]\n\n"


def responses() -> bytes:
    """Deltas of a part; the last event leaves the output out."""
    item = {"type": "response.output_item.added", "output_index": 0, "item": {"type": "message", "id": "m", "role": "assistant", "content": []}}
    deltas = [{"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": half} for half in HALVES]
    return sse([item, *deltas, {"type": "response.completed", "response": {"object": "response", "id": "r", "status": "completed", "output": []}}])


def anthropic() -> bytes:
    """Deltas of a block."""
    start = {"type": "message_start", "message": {"id": "m", "type": "message", "role": "assistant", "content": [], "model": "m", "usage": {"input_tokens": 1}}}
    block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    deltas = [{"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": half}} for half in HALVES]
    end = [{"type": "content_block_stop", "index": 0}, {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}}]
    return sse([start, block, *deltas, *end, {"type": "message_stop"}])


def gemini() -> bytes:
    """Parts of a candidate."""
    parts = [{"candidates": [{"content": {"role": "model", "parts": [{"text": half}]}, "index": 0}]} for half in HALVES]
    return sse([*parts, {"candidates": [{"content": {"role": "model", "parts": []}, "finishReason": "STOP", "index": 0}]}])


def cohere() -> bytes:
    """Deltas of a block."""
    start = {"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "text", "text": ""}}}}
    deltas = [{"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": half}}}} for half in HALVES]
    end = [{"type": "content-end", "index": 0}, {"type": "message-end", "delta": {"finish_reason": "COMPLETE"}}]
    return sse([{"type": "message-start", "id": "m", "delta": {"message": {"role": "assistant"}}}, start, *deltas, *end])


def ollama() -> bytes:
    """A line for each piece."""
    lines: list[Any] = [{"model": "m", "message": {"role": "assistant", "content": half}, "done": False} for half in HALVES]
    lines.append({"model": "m", "message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop"})
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def converse() -> bytes:
    """Deltas of a block, in binary frames."""
    deltas = [("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": half}}) for half in HALVES]
    end = [("contentBlockStop", {"contentBlockIndex": 0}), ("messageStop", {"stopReason": "end_turn"})]
    usage = {"usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2}}
    return b"".join(bedrock.event(kind, payload) for kind, payload in [("messageStart", {"role": "assistant"}), *deltas, *end, ("metadata", usage)])


STREAMS = [
    (OpenAIChat(), openai),
    (OpenAIResponses(), responses),
    (AnthropicMessages(), anthropic),
    (GeminiChat(), gemini),
    (CohereChat(), cohere),
    (OllamaChat(), ollama),
    (BedrockConverse(), converse),
]


@pytest.mark.parametrize(("dialect", "make"), STREAMS, ids=[make.__name__ for _, make in STREAMS])
def test_an_emoji_in_two_halves_is_whole_in_the_answer(dialect, make):
    """The chunks hold what the events brought; the answer made of them can be printed, stored and sent back."""
    decoder = dialect.stream("m", "req")
    chunks = [*decoder.feed(make()), *decoder.finish()]
    assert decoder.error is None
    assert [chunk.text for chunk in chunks if chunk.text] == list(HALVES)
    assert decoder.response().text == WHOLE
