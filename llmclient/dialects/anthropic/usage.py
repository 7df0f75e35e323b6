"""Usage and finish reasons, brought to the inclusive sense: the API counts what was cached beside its input tokens."""

from __future__ import annotations

import decimal
from collections.abc import Mapping
from typing import Any, Final

from llmclient.dialects.shapes import is_object
from llmclient.types.chat import FinishReason
from llmclient.types.messages import EMPTY, JSONObject
from llmclient.types.usage import Usage, total_of

FINISH_REASONS: Final[Mapping[Any, FinishReason]] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "pause_turn": "pause",
    "compaction": "pause",
    "refusal": "content_filter",
}
_NOTHING: Final = Usage()


def read_finish(raw: Any, *, called: bool) -> FinishReason:
    """Return the portable reason; what nobody knows, and null, are `unknown`."""
    reason: FinishReason = FINISH_REASONS.get(raw if isinstance(raw, str) else "", "unknown")
    return "tool_calls" if called and reason in ("stop", "unknown") else reason


def read_usage(value: Any) -> Usage | None:
    """Return the counts, or None when there are none."""
    if not is_object(value):
        return None
    fresh, read, written = _count(value, "input_tokens"), _count(value, "cache_read_input_tokens"), _count(value, "cache_creation_input_tokens")
    prompt = fresh if fresh is None else fresh + (read or 0) + (written or 0)
    completion = _count(value, "output_tokens")
    usage = Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=total_of(prompt, completion),
        cached_tokens=read,
        cache_write_tokens=written,
        reasoning_tokens=_count(_inner(value, "output_tokens_details"), "thinking_tokens"),
        cache_write_1h_tokens=_count(_inner(value, "cache_creation"), "ephemeral_1h_input_tokens"),
        requests=_count(_inner(value, "server_tool_use"), "web_search_requests"),
        cost=_cost(value.get("cost")),
    )
    return None if usage == _NOTHING else usage


def merge(before: JSONObject, after: Any) -> JSONObject:
    """Return the usage of an earlier event with what a later one says; counts are totals, and null says nothing."""
    if not is_object(after):
        return before
    return {**before, **{name: count for name, count in after.items() if count is not None}}


def _inner(value: JSONObject, name: str) -> JSONObject:
    inner = value.get(name)
    return inner if is_object(inner) else EMPTY


def _count(value: JSONObject, name: str) -> int | None:
    number = value.get(name)
    return number if isinstance(number, int) and not isinstance(number, bool) and number >= 0 else None


def _cost(value: Any) -> decimal.Decimal | None:
    """Gateways report US dollars here."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= 0:
        return None
    return decimal.Decimal(str(value))
