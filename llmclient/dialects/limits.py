"""How much of its limits a key has left, in the headers by which providers say it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Final

from llmclient.dialects.hints import read_reset
from llmclient.types.limits import RateLimit, RateLimits

_FORMS: Final = {
    "requests": ("x-ratelimit-{}-requests", "anthropic-ratelimit-requests-{}", "x-ratelimit-{}-req-minute", "x-ratelimit-{}", "ratelimit-{}"),
    "tokens": ("x-ratelimit-{}-tokens", "anthropic-ratelimit-tokens-{}", "x-ratelimit-{}-tokens-minute"),
}


def read_limits(headers: Mapping[str, str]) -> RateLimits | None:
    """Return what the headers of an answer say of the key's limits, None if nothing; what is malformed counts as not said."""
    lower = {name.lower(): value for name, value in headers.items()}
    now = _sent(lower)
    found = RateLimits(requests=_read(lower, "requests", now), tokens=_read(lower, "tokens", now))
    return None if found == RateLimits() else found


def _sent(headers: Mapping[str, str]) -> float:
    """Return when the answer was made: times in it are by the clock of its server."""
    try:
        return parsedate_to_datetime(headers.get("date", "")).timestamp()
    except ValueError:
        return time.time()


def _read(headers: Mapping[str, str], kind: str, now: float) -> RateLimit:
    limit, remaining, reset = (_find(headers, kind, word) for word in ("limit", "remaining", "reset"))
    return RateLimit(limit=_count(limit), remaining=_count(remaining), reset=None if reset is None else read_reset(reset, lambda: now))


def _find(headers: Mapping[str, str], kind: str, word: str) -> str | None:
    return next((headers[name] for form in _FORMS[kind] if (name := form.format(word)) in headers), None)


def _count(value: str | None) -> int | None:
    return int(value) if value is not None and value.isascii() and value.isdigit() and len(value) < 19 else None
