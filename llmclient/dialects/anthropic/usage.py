"""Usage and finish reasons, brought to the inclusive sense: the API counts what was cached beside its input tokens."""

from __future__ import annotations

import decimal
from collections.abc import Mapping
from typing import Any, Final

from llmclient.dialects.counts import count, find_reason, inclusive, inner
from llmclient.dialects.shapes import is_object
from llmclient.types.chat import FinishReason
from llmclient.types.messages import JSONObject
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
    return find_reason(FINISH_REASONS, raw, called=called)


def read_usage(value: Any) -> Usage | None:
    """Return the counts, or None when there are none."""
    if not is_object(value):
        return None
    fresh, read, written = count(value, "input_tokens"), count(value, "cache_read_input_tokens"), count(value, "cache_creation_input_tokens")
    prompt = inclusive(fresh, read, written)
    completion = count(value, "output_tokens")
    usage = Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=total_of(prompt, completion),
        cached_tokens=read,
        cache_write_tokens=written,
        reasoning_tokens=count(inner(value, "output_tokens_details"), "thinking_tokens"),
        cache_write_1h_tokens=count(inner(value, "cache_creation"), "ephemeral_1h_input_tokens"),
        requests=count(inner(value, "server_tool_use"), "web_search_requests"),
        cost=_cost(value.get("cost")),
    )
    return None if usage == _NOTHING else usage


def merge(before: JSONObject, after: Any) -> JSONObject:
    """Return the usage of an earlier event with what a later one says; counts are totals, and null says nothing."""
    if not is_object(after):
        return before
    return {**before, **{name: number for name, number in after.items() if number is not None}}


def _cost(value: Any) -> decimal.Decimal | None:
    """Gateways report US dollars here."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= 0:
        return None
    return decimal.Decimal(str(value))
