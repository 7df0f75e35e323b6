"""Usage and finish reasons, brought to the inclusive sense: the API counts what was cached beside its input tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from llmclient.dialects.counts import count, find_reason, inclusive
from llmclient.dialects.shapes import is_array, is_object
from llmclient.types.chat import FinishReason
from llmclient.types.messages import JSONObject
from llmclient.types.usage import Usage, total_of

FINISH_REASONS: Final[Mapping[Any, FinishReason]] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "content_filtered": "content_filter",
    "guardrail_intervened": "content_filter",
    "malformed_model_output": "error",
    "malformed_tool_use": "error",
}
_HOUR: Final = "1h"
_NOTHING: Final = Usage()


def read_finish(raw: Any, *, called: bool) -> FinishReason:
    """Return the portable reason; what nobody knows, and null, are `unknown`."""
    return find_reason(FINISH_REASONS, raw, called=called)


def read_usage(value: Any) -> Usage | None:
    """Return the counts, or None when there are none."""
    if not is_object(value):
        return None
    fresh, read, written = count(value, "inputTokens"), count(value, "cacheReadInputTokens"), count(value, "cacheWriteInputTokens")
    prompt = inclusive(fresh, read, written)
    completion = count(value, "outputTokens")
    total = count(value, "totalTokens")
    usage = Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=total_of(prompt, completion) if total is None else total,
        cached_tokens=read,
        cache_write_tokens=written,
        cache_write_1h_tokens=_hourly(value),
    )
    return None if usage == _NOTHING else usage


def _hourly(value: JSONObject) -> int | None:
    """Return how many tokens were written to the cache for an hour; None where the API does not tell them apart."""
    details = value.get("cacheDetails")
    if not is_array(details):
        return None
    return sum(count(detail, "inputTokens") or 0 for detail in details if is_object(detail) and detail.get("ttl") == _HOUR)
