"""What answers used and why they ended, read in the same way by dialects whose fields and words differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llmclient.dialects.shapes import is_object
from llmclient.types.chat import FinishReason
from llmclient.types.messages import EMPTY, JSONObject


def find_reason(reasons: Mapping[str, FinishReason], raw: Any, *, called: bool) -> FinishReason:
    """Return the portable reason; what nobody knows, and null, are `unknown`. After a call, some say no more than that the answer ended."""
    reason = reasons.get(raw if isinstance(raw, str) else "", "unknown")
    return "tool_calls" if called and reason in ("stop", "unknown") else reason


def count(value: JSONObject, name: str) -> int | None:
    """Return a whole number from zero on, None for anything else."""
    number = value.get(name)
    return number if isinstance(number, int) and not isinstance(number, bool) and number >= 0 else None


def inner(value: JSONObject, name: str) -> JSONObject:
    """Return an object within another, an empty one in place of anything else."""
    found = value.get(name)
    return found if is_object(found) else EMPTY


def inclusive(fresh: int | None, *cached: int | None) -> int | None:
    """Return the tokens of a prompt, whose cached ones are counted beside it; None where nobody counted it."""
    return fresh if fresh is None else fresh + sum(tokens or 0 for tokens in cached)
