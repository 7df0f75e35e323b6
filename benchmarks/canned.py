"""The questions and the answers: made once and always the same, so that every contestant sends and reads the same bytes."""

from __future__ import annotations

import base64
import json
import random
import struct
from typing import Any, Final, NamedTuple

MODEL: Final = "gpt-4o-mini"
EMBEDDING_MODEL: Final = "text-embedding-3-small"
MESSAGES: Final = [{"role": "system", "content": "You are brief."}, {"role": "user", "content": "Why is the sky blue?"}]
WORDS: Final = 2_000
CHUNKS: Final = WORDS + 3
"""The role, the words, the finish reason and the usage."""
TEXTS: Final = [f"Passage {number}: light of short wavelengths is scattered more than light of long ones." for number in range(64)]
DIMENSIONS: Final = 1_536
ANSWER: Final = "Air scatters short wavelengths more than long ones, so the light that reaches us from all over the sky is blue."

_USAGE: Final = {
    "prompt_tokens": 23,
    "completion_tokens": 26,
    "total_tokens": 49,
    "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0, "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0},
}
_HEAD: Final = {"id": "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT", "created": 1_741_569_952, "model": "gpt-4o-mini-2024-07-18"}


class Page(NamedTuple):
    """One canned answer: where it is, what it is, and whether each event is an HTTP chunk of its own."""

    path: str
    media_type: str
    pieces: tuple[bytes, ...]
    chunked: bool = False

    @property
    def body(self) -> bytes:
        """The whole body, without framing."""
        return b"".join(self.pieces)


def pages() -> tuple[Page, ...]:
    """Return all answers. The first folder of the path names the benchmark; the rest is OpenAI's."""
    events = stream_events()
    return (
        Page("/chat/v1/chat/completions", "application/json", (chat_answer(),)),
        Page("/stream/v1/chat/completions", "text/event-stream", events),
        Page("/chunked/v1/chat/completions", "text/event-stream", events, chunked=True),
        Page("/embed/v1/embeddings", "application/json", (embedding_answer("float"),)),
        Page("/base64/v1/embeddings", "application/json", (embedding_answer("base64"),)),
    )


def chat_answer() -> bytes:
    """Return a chat completion in the form that OpenAI's service gives it."""
    message: dict[str, Any] = {"role": "assistant", "content": ANSWER, "refusal": None, "annotations": []}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    answer = {**_HEAD, "object": "chat.completion", "choices": [choice], "usage": _USAGE, "service_tier": "default", "system_fingerprint": "fp_06737a9306"}
    return json.dumps(answer, indent=2).encode()


def stream_events() -> tuple[bytes, ...]:
    """Return the events of a streamed answer of 2,003 chunks, and the end marker."""
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": "", "refusal": None}]
    deltas += [{"content": word} for word in words()]
    events = [_event([{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}]) for delta in deltas]
    events.append(_event([{"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}]))
    events.append(_event([], _USAGE))
    return (*events, b"data: [DONE]\n\n")


def words() -> list[str]:
    """Return the streamed words."""
    vocabulary = ANSWER.split()
    return [f" {vocabulary[number % len(vocabulary)]}" for number in range(WORDS)]


def _event(choices: list[dict[str, Any]], usage: dict[str, Any] | None = None) -> bytes:
    chunk = {**_HEAD, "object": "chat.completion.chunk", "service_tier": "default", "system_fingerprint": "fp_06737a9306", "choices": choices, "usage": usage}
    return b"data: " + json.dumps(chunk, separators=(",", ":")).encode() + b"\n\n"


def embedding_answer(form: str) -> bytes:
    """Return 64 vectors of 1,536 numbers, as floats or in base64."""
    source = random.Random(20_260_101)
    data: list[dict[str, Any]] = []
    for index in range(len(TEXTS)):
        vector = [round(source.gauss(0, 0.0255), 8) for _ in range(DIMENSIONS)]
        written = vector if form == "float" else base64.b64encode(struct.pack(f"<{DIMENSIONS}f", *vector)).decode()
        data.append({"object": "embedding", "index": index, "embedding": written})
    usage = {"prompt_tokens": 1_024, "total_tokens": 1_024}
    return json.dumps({"object": "list", "data": data, "model": EMBEDDING_MODEL, "usage": usage}, separators=(",", ":")).encode()
