"""Usage and finish reasons. Counts are floats in the API's schema, and become whole numbers here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from llmclient.dialects.counts import find_reason, inner
from llmclient.dialects.shapes import is_object
from llmclient.types.chat import FinishReason
from llmclient.types.messages import JSONObject
from llmclient.types.usage import Usage, total_of

FINISH_REASONS: Final[Mapping[str, FinishReason]] = {
    "COMPLETE": "stop",
    "STOP_SEQUENCE": "stop",
    "MAX_TOKENS": "length",
    "ERROR_LIMIT": "length",
    "TOOL_CALL": "tool_calls",
    "ERROR_TOXIC": "content_filter",
    "ERROR": "error",
    "TIMEOUT": "error",
    "USER_CANCEL": "error",
}
_NOTHING: Final = Usage()


def read_finish(raw: Any, *, called: bool) -> FinishReason:
    """Return the portable reason; what nobody knows, and null, are `unknown`."""
    return find_reason(FINISH_REASONS, raw, called=called)


def read_usage(value: Any) -> Usage | None:
    """Return the counts of a chat, or None when there are none.

    `tokens` is what the model read and wrote; where it is missing, what is billed (without the model's own preamble) stands in.
    """
    if not is_object(value):
        return None
    tokens, billed = inner(value, "tokens"), inner(value, "billed_units")
    prompt = _either(tokens, billed, "input_tokens")
    completion = _either(tokens, billed, "output_tokens")
    usage = Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=total_of(prompt, completion),
        cached_tokens=count(value, "cached_tokens"),
        reasoning_tokens=count(tokens, "reasoning_tokens"),
        image_tokens=_either(tokens, billed, "image_tokens"),
        requests=count(billed, "search_units"),
        billed_prompt_tokens=count(billed, "input_tokens") if tokens else None,
        billed_completion_tokens=count(billed, "output_tokens") if tokens else None,
    )
    return None if usage == _NOTHING else usage


def read_billed(value: JSONObject) -> Usage | None:
    """Return the counts of what has no answer in words, which `meta.billed_units` tells; None when there are none."""
    billed = inner(inner(value, "meta"), "billed_units")
    prompt = count(billed, "input_tokens")
    usage = Usage(
        prompt_tokens=prompt,
        total_tokens=prompt,
        image_tokens=count(billed, "image_tokens"),
        images=count(billed, "images"),
        requests=count(billed, "search_units"),
    )
    return None if usage == _NOTHING else usage


def count(value: JSONObject, name: str) -> int | None:
    """Return a count, None for what is none."""
    number = value.get(name)
    if isinstance(number, bool) or not isinstance(number, (int, float)) or not 0 <= number < float("inf"):
        return None
    return int(number)


def _either(first: JSONObject, second: JSONObject, name: str) -> int | None:
    found = count(first, name)
    return count(second, name) if found is None else found
