"""Usage and finish reasons in the many spellings of OpenAI's shape."""

from __future__ import annotations

import decimal
from collections.abc import Mapping
from typing import Any, Final

from llmclient.dialects.shapes import is_object
from llmclient.types.chat import FinishReason
from llmclient.types.making import maker
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
    for holder in (value.get("x_groq"), *(value.get("choices") or ())):
        if is_object(holder) and is_object(found := holder.get("usage")):
            return found
    return None


def read_usage(value: JSONObject | None, *, reasoning_outside: bool = False, cost: Any = None) -> Usage | None:
    """Return the counts in OpenAI's inclusive sense, or None when there are none; `cost` is one that stands outside."""
    if value is None:
        return None
    prompt, completion, total = _count(value.get("prompt_tokens")), _count(value.get("completion_tokens")), _count(value.get("total_tokens"))
    fields: dict[str, Any] = {}
    asked, answered = value.get("prompt_tokens_details"), value.get("completion_tokens_details")
    if asked or answered:
        _read_details(asked if is_object(asked) else EMPTY, answered if is_object(answered) else EMPTY, fields)
    if cost is not None or not value.keys() <= _USUAL:
        # Most hosts say no more than OpenAI does.
        prompt = _first(value, "input_tokens") if prompt is None else prompt
        completion = _first(value, "output_tokens") if completion is None else completion
        _read_rest(value, cost, fields)
    if reasoning_outside:
        fields["reasoning_tokens"], completion = _take_in(fields.get("reasoning_tokens"), prompt, completion, total)
    if prompt is None and completion is None and total is None and not any(item is not None for item in fields.values()):
        return None
    total = total_of(prompt, completion) if total is None else total
    return _make_usage(prompt_tokens=prompt, completion_tokens=completion, total_tokens=total, **fields)


_make_usage: Final = maker(Usage)
_USUAL: Final = frozenset({"prompt_tokens", "completion_tokens", "total_tokens", "prompt_tokens_details", "completion_tokens_details"})


_ASKED: Final = {
    "cached_tokens": "cached_tokens",
    "cache_write_tokens": "cache_write_tokens",
    "audio_tokens": "prompt_audio_tokens",
    "image_tokens": "image_tokens",
}
_ASKED_ELSEWHERE: Final = {"cache_read_tokens": "cached_tokens", "cache_creation_tokens": "cache_write_tokens"}
_ANSWERED: Final = {"reasoning_tokens": "reasoning_tokens", "audio_tokens": "completion_audio_tokens"}


def _read_details(asked: JSONObject, answered: JSONObject, fields: dict[str, Any]) -> None:
    # Only what is there is looked at: most answers have few of these.
    for names, details in ((_ASKED, asked), (_ASKED_ELSEWHERE, asked), (_ANSWERED, answered)):
        for name, number in details.items():
            field = names.get(name)
            if field is not None and field not in fields and (counted := _count(number)) is not None:
                fields[field] = counted
    if "image_tokens" in answered:
        fields["image_tokens"] = total_of(fields.get("image_tokens"), _count(answered["image_tokens"]))
    heard, spoken = fields.get("prompt_audio_tokens"), fields.get("completion_audio_tokens")
    if heard is not None or spoken is not None:
        fields["audio_tokens"] = total_of(heard, spoken)


def _read_rest(value: JSONObject, cost: Any, fields: dict[str, Any]) -> None:
    """Read what stands elsewhere than at OpenAI; its own place comes first."""
    if fields.get("cached_tokens") is None:
        fields["cached_tokens"] = _first(value, "prompt_cache_hit_tokens", "cached_tokens", "cache_read_input_tokens", "num_cached_tokens")
    if fields.get("cache_write_tokens") is None:
        fields["cache_write_tokens"] = _first(value, "cache_creation_input_tokens")
    if fields.get("reasoning_tokens") is None:
        fields["reasoning_tokens"] = _count(value.get("reasoning_tokens"))
    created = value.get("cache_creation")
    fields["cache_write_1h_tokens"] = _count(created.get("ephemeral_1h_input_tokens")) if is_object(created) else _first(value, "cache_write_1h_tokens")
    for name in ("audio_tokens", "image_tokens", "billed_prompt_tokens", "billed_completion_tokens"):
        # What `Usage.to_dict` writes beside OpenAI's own names.
        if fields.get(name) is None:
            fields[name] = _first(value, name)
    fields["characters"], fields["images"] = _count(value.get("characters")), _count(value.get("images"))
    fields["requests"] = _first(value, "requests", "num_search_queries")
    fields["seconds"] = _seconds(value)
    fields["cost"] = _cost(value, cost)


def _take_in(reasoning: int | None, prompt: int | None, completion: int | None, total: int | None) -> tuple[int | None, int | None]:
    """Return reasoning, and a completion that counts it, unless the total shows that it does so already.

    Gemini's endpoint does not tell the reasoning at all: it is what the total has above the sum.
    """
    if completion is None or total == total_of(prompt, completion):
        return reasoning, completion
    if reasoning is None and prompt is not None and total is not None and total > prompt + completion:
        reasoning = total - prompt - completion
    return reasoning, completion + (reasoning or 0)


def _count(number: Any) -> int | None:
    """Return a whole number from zero on, or None for anything else."""
    if number.__class__ is int:
        return number if number >= 0 else None
    if isinstance(number, float) and number.is_integer() and number >= 0:
        return int(number)
    return None


def _first(value: JSONObject, *names: str) -> int | None:
    for name in names:
        number = _count(value.get(name))
        if number is not None:
            return number
    return None


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
