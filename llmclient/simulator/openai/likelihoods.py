"""How likely each token of an answer was, and what else might have stood in its place."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

_OTHERS = (" the", " a", " of", " and", " to", " in", " is", " it", " that", " for", " on", " with", " as", " at", " by", " from", " or", " an", " be", " not")


def scored(tokens: Sequence[str], start: int, top: int) -> list[dict[str, Any]]:
    """Return tokens, the first of which is the one at `start`, each with its likelihood and the `top` likeliest in its place, led by itself."""
    return [_ranked(token, start + offset, top) for offset, token in enumerate(tokens)]


def _ranked(token: str, position: int, top: int) -> dict[str, Any]:
    logprob = -(zlib.crc32(f"{position}{token}".encode()) % 1_000) / 2_000
    others = [other for other in _OTHERS if other != token][: max(top - 1, 0)]
    scores = [_score(token, logprob), *(_score(other, logprob - 1 - rank) for rank, other in enumerate(others))] if top else []
    return _score(token, logprob) | {"top_logprobs": scores}


def _score(token: str, logprob: float) -> dict[str, Any]:
    return {"token": token, "logprob": logprob, "bytes": list(token.encode())}
