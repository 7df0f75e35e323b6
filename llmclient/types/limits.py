"""How much a key may still ask."""

from __future__ import annotations

import attrs


@attrs.frozen(kw_only=True)
class RateLimit:
    """One allowance of the key, as the provider told it with an answer; None for what it does not say."""

    limit: int | None = None
    remaining: int | None = None
    reset: float | None = None
    """Seconds from the answer until it is whole again."""


@attrs.frozen(kw_only=True)
class RateLimits:
    """How much the key may still ask before it is refused."""

    requests: RateLimit = RateLimit()
    tokens: RateLimit = RateLimit()
