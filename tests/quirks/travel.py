"""The numbered quirks of the way of an answer, whoever gives it: events, ends, waits, statuses, and words for what went wrong."""

from __future__ import annotations

import json
from typing import Any, Final

from llmclient import errors
from tests.quirks.cases import Case, Fails, Reads, Waits
from tests.quirks.samples import completion, event

MODEL: Final = "gpt-4o"
_HI: Final = {"text": "hi", "finish_reason": "stop"}


def data(value: Any) -> bytes:
    """Return the JSON of an event."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


_ONE: Final = data(event({"content": "h"}))
_TWO: Final = data(event({"content": "i"}, "stop"))
_DONE: Final = b"data: [DONE]\n\n"
_LINES: Final = data(event({"content": "a\u2028b\u2029é"}, "stop"))
_SPLIT: Final = b'data: {"choices":[{"index":0,\ndata: "delta":{"content":"hi"},"finish_reason":"stop"}]}\n\n'


def stream(end: bytes = b"\n", before: bytes = b"data: ", mark: bytes = b"[DONE]") -> bytes:
    """Return a stream with other ends of lines, another beginning of them, or another end marker."""
    return b"".join(before + piece + end + end for piece in (_ONE, _TWO, mark))


def bytewise(raw: bytes) -> list[bytes]:
    """Return a stream byte by byte."""
    return [raw[place : place + 1] for place in range(len(raw))]


def events(says: str, *raw: bytes, **means: Any) -> Case:
    """Return a case of number 68."""
    return Reads(68, "openai", says, MODEL, list(raw), means or _HI, whole=False)


EVENTS: Final[tuple[Case, ...]] = (
    events("lines can end with CR", stream(b"\r")),
    events("or with CRLF", stream(b"\r\n")),
    events("which can be cut in two", *bytewise(stream(b"\r\n"))),
    events("a blank after data: is no must", stream(before=b"data:")),
    events("data can have several lines", _SPLIT, _DONE),
    events("comments say nothing", b": hello\n\n:\n", stream()),
    events("names and ids of events can be there", stream(before=b"event: message\nid: 1\nretry: 5\ndata: ")),
    events("so can a byte order mark", b"\xef\xbb\xbf" + stream()),
    events("a line separator within JSON is no end of a line", b"data: " + _LINES + b"\n\n" + _DONE, text="a\u2028b\u2029é"),
    events("characters can be cut in two", *bytewise(b"data: " + _LINES + b"\n\n" + _DONE), text="a\u2028b\u2029é"),
    events("the marker can have blanks around it", stream(mark=b" [DONE] ")),
    events("or a CR behind it", stream(mark=b"[DONE]\r")),
    events("it can be missing", stream(mark=b"")),
    events("so can the last blank line", b"data: " + _ONE + b"\n\ndata: " + _TWO),
    events("empty data is a heartbeat", b"data:\n\ndata: \n\n", stream()),
    Reads(
        68, "ollama", "lines of JSON are cut anywhere", "qwen3",
        bytewise(b'{"message":{"content":"h\xc3\xa9"},"done":false}\r\n{"message":{"content":""},"done":true,"done_reason":"stop"}'),
        {"text": "hé", "finish_reason": "stop"},
    ),
    Fails(
        68, "openai", "an error can come as JSON where events are told of", MODEL, [data({"error": {"message": "slow down", "code": "rate_limit_exceeded"}})],
        errors.RateLimitError, whole=False,
    ),
    Reads(68, "openai", "events can come where JSON is told of", MODEL, stream(), _HI),
    Reads(68, "openai", "and JSON where events are asked for", MODEL, [data(completion())], _HI, whole=False),
)  # fmt: skip

_CUT: Final = [event({"content": "h"})]
ENDS: Final[tuple[Case, ...]] = (
    Reads(69, "openai", "the marker is an end", MODEL, [event({"content": "hi"}, "stop"), _DONE], _HI),
    Reads(69, "openai", "a finish reason and the end of the body are", MODEL, [event({"content": "hi"}, "stop")], _HI, whole=False),
    Fails(69, "openai", "the end of the body alone is not", MODEL, _CUT, errors.StreamTruncatedError, whole=False),
    Fails(
        69, "openai", "nor is a call that is cut", MODEL, [event({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "add", "arguments": '{"a'}}]})],
        errors.StreamTruncatedError, whole=False,
    ),
    Reads(69, "openai", "what follows the marker is not read", MODEL, [event({"content": "hi"}, "stop"), _DONE, b"data: nonsense\n\n"], _HI),
)  # fmt: skip

_SLOW: Final = {"error": {"message": "slow down", "code": "rate_limit_exceeded"}}


def wait(says: str, headers: dict[str, str], seconds: float | None, body: Any = _SLOW, status: int = 429) -> Case:
    """Return a case of number 70: how long a failure asks to wait."""
    return Fails(70, "openai", says, MODEL, body, errors.RateLimitError, status=status, headers=headers, facts={"retry_after": seconds})


WAITS: Final[tuple[Case, ...]] = (
    wait("seconds", {"retry-after": "7"}, 7.0),
    wait("parts of seconds", {"retry-after": "0.5"}, 0.5),
    wait("milliseconds", {"retry-after-ms": "1500"}, 1.5),
    wait("milliseconds in Azure's words", {"x-ms-retry-after-ms": "1500"}, 1.5),
    wait("minutes and seconds", {"x-ratelimit-reset-requests": "6m0s"}, 360.0),
    wait("seconds with a unit", {"x-ratelimit-reset-tokens": "1.57s"}, 1.57),
    wait("milliseconds with a unit", {"x-ratelimit-reset-tokens": "20ms"}, 0.02),
    wait("the header without a vendor", {"ratelimit-reset": "5"}, 5.0),
    wait("words", {}, 26.66, {"error": {"message": "Rate limit reached. Please try again in 26.66s.", "code": "rate_limit_exceeded"}}),
    Fails(
        70, "openai", "the provider can forbid another attempt", MODEL, _SLOW, errors.RateLimitError, status=429, headers={"x-should-retry": "false"},
        facts={"retryable": False},
    ),
    Fails(
        70, "openai", "or ask for one", MODEL, {"error": {"message": "x"}}, errors.InvalidRequestError, status=400, headers={"x-should-retry": "true"},
        facts={"retryable": True},
    ),
    Waits(70, "openai", "a hint is waited for", {"retry-after": "7"}, 100.0, 7.0),
    Waits(70, "openai", "an hour is not", {"retry-after": "3600"}, 10_000.0, None),
    Waits(70, "openai", "nor beyond the deadline", {"retry-after": "7"}, 5.0, None),
)  # fmt: skip

_RETRIED: Final = (408, 409, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529)
_FINAL: Final = (400, 401, 402, 403, 404, 405, 413, 422, 451, 501)
STATUSES: Final[tuple[Case, ...]] = (
    *(
        Fails(71, "openai", f"{status} is tried again", MODEL, {}, errors.ProviderError, status=status, facts={"retryable": True}, exact=False)
        for status in _RETRIED
    ),
    *(Fails(71, "openai", f"{status} is not", MODEL, {}, errors.ProviderError, status=status, facts={"retryable": False}, exact=False) for status in _FINAL),
    *(
        Fails(
            71, "openai", f"nor is {code}", MODEL, {"error": {"message": "x", "code": code}}, errors.QuotaExceededError, status=429,
            facts={"retryable": False},
        )
        for code in ("insufficient_quota", "billing_hard_limit_reached", "billing_not_active")
    ),
)  # fmt: skip

_OVERFLOWS: Final = (
    ("openai", "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens."),
    ("anthropic", "prompt is too long: 9000 tokens > 8192 maximum"),
    ("bedrock", "Input is too long for requested model."),
    ("llama_cpp", "the request exceeds the available context size, try increasing it"),
    ("gemini", "The input token count (9000) exceeds the maximum number of tokens allowed (8192)."),
    ("huggingface", "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 8192. Given: 9000 `inputs` tokens"),
    ("cerebras", "Please reduce the length of the messages. Current length is 9000 while limit is 8192"),
)


def told(adapter: str, message: str) -> dict[str, Any]:
    """Return the body in which a provider says what is wrong."""
    return {"message": message} if adapter in ("bedrock", "cerebras") else {"error": {"message": message}}


WORDS: Final[tuple[Case, ...]] = (
    *(
        Fails(72, adapter, f"{adapter} on a prompt too long", "m", told(adapter, message), errors.ContextLengthExceededError, status=400)
        for adapter, message in _OVERFLOWS
    ),
    Fails(
        72, "openai", "a code says it best", MODEL, {"error": {"message": "x", "code": "context_length_exceeded"}}, errors.ContextLengthExceededError,
        status=400,
    ),
    Fails(
        72, "openai", "a field too long is no prompt too long", MODEL,
        {
            "error": {
                "message": "Invalid 'user': string too long. Expected a string with maximum length 64, not of 80: maximum context length.",
            },
        },
        errors.InvalidRequestError, status=400,
    ),
)  # fmt: skip

FINISHES: Final[tuple[Case, ...]] = (
    *(
        Reads(73, "openai", f"{word} is no stop", MODEL, completion(finish=word), {"finish_reason": "error", "finish_reason_raw": word})
        for word in ("error", "network_error", "malformed_function_call", "unexpected_tool_call")
    ),
    Reads(73, "openai", "what nobody knows is unknown", MODEL, completion(finish="tired"), {"finish_reason": "unknown", "finish_reason_raw": "tired"}),
    Fails(73, "openai", "a failure without a word is raised", MODEL, completion({"content": ""}, finish="error"), errors.ApiError),
    Fails(73, "gemini", "Google's too", "gemini-2.5-flash", {"candidates": [{"finishReason": "MALFORMED_FUNCTION_CALL"}]}, errors.ApiError),
)  # fmt: skip

TRAVEL: Final[tuple[Case, ...]] = (*EVENTS, *ENDS, *WAITS, *STATUSES, *WORDS, *FINISHES)
