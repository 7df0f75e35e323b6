"""How a model is told to think: by a number of tokens, or by a level, as its family wants it."""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING, Any, Final

from llmclient.dialects.base import Notes
from llmclient.dialects.gemini.paths import bare
from llmclient.dialects.params import OFF
from llmclient.types.messages import JSONObject

if TYPE_CHECKING:
    from llmclient.dialects.gemini.chat import GeminiChat

_EFFORTS: Final = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_TOKENS: Final = {"minimal": 1_024, "low": 1_024, "medium": 8_192, "high": 24_576}
"""What an effort is in tokens, as Google's own OpenAI-like endpoint reads it (https://ai.google.dev/gemini-api/docs/openai)."""


def thinks(dialect: GeminiChat, model: str) -> bool:
    """Return whether the model belongs to a family that can be told how to think."""
    limits = budget(dialect, model)
    return bool(levels(dialect, model)) if limits is None else limits[1] > 0


def budget(dialect: GeminiChat, model: str) -> tuple[int, int] | None:
    """Return the least and greatest number of tokens to think, None for a family that is told otherwise."""
    name = bare(model)
    return next(((least, most) for pattern, least, most in dialect.budgets if fnmatch.fnmatchcase(name, pattern)), None)


def levels(dialect: GeminiChat, model: str) -> tuple[str, ...]:
    """Return the levels of a family, lowest first; none for one that is told otherwise."""
    name = bare(model)
    return next((known for pattern, known in dialect.levels if fnmatch.fnmatchcase(name, pattern)), ())


def of_effort(dialect: GeminiChat, model: str, effort: str, notes: Notes) -> dict[str, Any]:
    """Return the thinkingConfig of a portable effort, empty when it was dropped; thoughts are asked for, too."""
    if effort not in _EFFORTS and effort not in OFF:
        notes.drop("reasoning_effort", f"{effort!r} is none of {', '.join(_EFFORTS)}")
        return {}
    limits = budget(dialect, model)
    if limits is not None:
        return _tokens(dialect, model, limits, 0 if effort in OFF else _TOKENS.get(effort, limits[1]), "reasoning_effort", effort, notes)
    return _level(levels(dialect, model), effort, notes)


def _level(known: tuple[str, ...], effort: str, notes: Notes) -> dict[str, Any]:
    rank = _EFFORTS.index("none" if effort in OFF else effort)
    # Of two that are equally near, the lower is cheaper.
    sent = min(known, key=lambda word: (abs(_EFFORTS.index(word) - rank), _EFFORTS.index(word)))
    if sent != effort:
        notes.clamp("reasoning_effort", effort, sent)
    return {"thinkingLevel": sent, "includeThoughts": True}


def of_budget(dialect: GeminiChat, model: str, thinking: JSONObject, notes: Notes) -> dict[str, Any]:
    """Return the thinkingConfig of a portable `thinking`; families with levels take a number of tokens, too."""
    limits = budget(dialect, model)
    tokens = thinking.get("budget_tokens")
    if thinking.get("type") == "disabled":
        return _level(levels(dialect, model), "none", notes) if limits is None else _tokens(dialect, model, limits, 0, "thinking", thinking, notes)
    if not isinstance(tokens, int) or isinstance(tokens, bool):
        return {"includeThoughts": True}
    if limits is None:
        return {"thinkingBudget": tokens, "includeThoughts": True}
    return _tokens(dialect, model, limits, tokens, "thinking", tokens, notes)


def _tokens(dialect: GeminiChat, model: str, limits: tuple[int, int], tokens: int, param: str, given: Any, notes: Notes) -> dict[str, Any]:
    least, most = limits
    if tokens == 0 and any(fnmatch.fnmatchcase(bare(model), pattern) for pattern in dialect.budgets_off):
        return {"thinkingBudget": 0}
    sent = tokens if tokens < 0 else min(max(tokens, least), most)  # -1 lets the model decide
    if sent != tokens:
        notes.clamp(param, given, sent)
    return {"thinkingBudget": sent, "includeThoughts": True}
