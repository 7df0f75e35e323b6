"""Usage and finish reasons in the many spellings of OpenAI's shape."""

from __future__ import annotations

import decimal
from collections.abc import Mapping
from typing import Any, Final

from llmclient.dialects.shapes import is_object
from llmclient.types.chat import FinishReason
from llmclient.types.messages import EMPTY, JSONObject
from llmclient.types.usage import Usage, total_of

_TICKS_PER_DOLLAR: Final = decimal.Decimal(10_000_000_000)

_WORDS: Final[Mapping[FinishReason, str]] = {
    "stop": "stop eos eos_token stop_sequence stop_token end_turn end_of_text complete completed finished",
    "length": "length max_tokens max_length model_length max_output_tokens model_context_window_exceeded",
    "tool_calls": "tool_calls tool_call tool_use function_call function_calls",
    "content_filter": "content_filter content_filtered content_filter_blocked sensitive safety refusal recitation prohibited_content blocklist spii guardrail",
    "pause": "pause pause_turn",
    "error": "error network_error abort aborted timeout cancelled malformed_function_call unexpected_tool_call insufficient_system_resource engine_overloaded",
}
FINISH_REASONS: Final[Mapping[str, FinishReason]] = {word: reason for reason, words in _WORDS.items() for word in words.split()}


def read_finish(raw: Any) -> FinishReason:
    """Return the portable reason; what nobody knows, null and "" are `unknown`."""
    if not isinstance(raw, str):
        return "unknown"
    return FINISH_REASONS.get(raw) or FINISH_REASONS.get(raw.lower(), "unknown")


def settle_finish(raw: Any, *, called: bool, refused: bool) -> FinishReason:
    """Return the portable reason in the light of the message: hosts say "stop" after a tool call or a refusal, too."""
    reason = read_finish(raw)
    if reason not in ("stop", "unknown"):
        return reason
    if called:
        return "tool_calls"
    return "content_filter" if refused else reason


def find_usage(value: JSONObject) -> JSONObject | None:
    """Return the usage object of an answer or event, wherever the host put it."""
    usage = value.get("usage")
    if is_object(usage):
        return usage
    groq = value.get("x_groq")
    if is_object(groq) and is_object(groq.get("usage")):
        return _mapping(groq["usage"])
    for choice in value.get("choices") or ():
        if is_object(choice) and is_object(choice.get("usage")):
            return _mapping(choice["usage"])
    return None


def read_usage(value: JSONObject | None, *, reasoning_outside: bool = False, cost: Any = None) -> Usage | None:
    """Return the counts in OpenAI's inclusive sense, or None when there are none; `cost` is one that stands outside."""
    if value is None:
        return None
    asked, answered = _mapping(value.get("prompt_tokens_details")), _mapping(value.get("completion_tokens_details"))
    prompt = _first(value, "prompt_tokens", "input_tokens")
    completion = _first(value, "completion_tokens", "output_tokens")
    total = _first(value, "total_tokens")
    reasoning = _either(_first(answered, "reasoning_tokens"), _first(value, "reasoning_tokens"))
    if reasoning_outside:
        reasoning, completion = _take_in(reasoning, prompt, completion, total)
    heard, spoken = _first(asked, "audio_tokens"), _first(answered, "audio_tokens")
    usage = Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=total_of(prompt, completion) if total is None else total,
        cached_tokens=_either(
            _first(asked, "cached_tokens", "cache_read_tokens"),
            _first(value, "prompt_cache_hit_tokens", "cached_tokens", "cache_read_input_tokens", "num_cached_tokens"),
        ),
        cache_write_tokens=_either(_first(asked, "cache_write_tokens", "cache_creation_tokens"), _first(value, "cache_creation_input_tokens")),
        reasoning_tokens=reasoning,
        audio_tokens=total_of(heard, spoken),
        prompt_audio_tokens=heard,
        completion_audio_tokens=spoken,
        image_tokens=total_of(_first(asked, "image_tokens"), _first(answered, "image_tokens")),
        cache_write_1h_tokens=_first(_mapping(value.get("cache_creation")), "ephemeral_1h_input_tokens"),
        characters=_first(value, "characters"),
        seconds=_seconds(value),
        images=_first(value, "images"),
        requests=_first(value, "requests", "num_search_queries"),
        cost=_cost(value, cost),
    )
    return None if usage == _NOTHING else usage


_NOTHING: Final = Usage()


def _take_in(reasoning: int | None, prompt: int | None, completion: int | None, total: int | None) -> tuple[int | None, int | None]:
    """Return reasoning, and a completion that counts it, unless the total shows that it does so already.

    Gemini's endpoint does not tell the reasoning at all: it is what the total has above the sum.
    """
    if completion is None or total == total_of(prompt, completion):
        return reasoning, completion
    if reasoning is None and prompt is not None and total is not None and total > prompt + completion:
        reasoning = total - prompt - completion
    return reasoning, completion + (reasoning or 0)


def _mapping(value: Any) -> JSONObject:
    return value if is_object(value) else EMPTY


def _first(value: JSONObject, *names: str) -> int | None:
    for name in names:
        number = value.get(name)
        if isinstance(number, float) and number.is_integer():
            number = int(number)
        if isinstance(number, int) and not isinstance(number, bool) and number >= 0:
            return number
    return None


def _either(first: int | None, second: int | None) -> int | None:
    return second if first is None else first


def _seconds(value: JSONObject) -> float | None:
    seconds = value.get("seconds", value.get("prompt_audio_seconds"))
    return float(seconds) if isinstance(seconds, (int, float)) and not isinstance(seconds, bool) else None


def _cost(value: JSONObject, outside: Any) -> decimal.Decimal | None:
    ticks = _first(value, "cost_in_usd_ticks")
    if ticks is not None:
        return ticks / _TICKS_PER_DOLLAR
    for cost in (value.get("cost"), value.get("estimated_cost"), outside):
        if is_object(cost):
            cost = next((cost[name] for name in ("total_cost", "usd", "total") if name in cost), None)
        if isinstance(cost, (int, float, str)) and not isinstance(cost, bool):
            try:
                dollars = decimal.Decimal(str(cost))
            except decimal.InvalidOperation:
                continue
            if dollars.is_finite() and dollars >= 0:
                return dollars
    return None
