"""How models are told to think."""

from __future__ import annotations

from typing import Any

import pytest

from llmclient.dialects.gemini import GeminiChat
from tests.dialects.gemini.kit import GEMINI, config, notes

THOUGHTS = {"includeThoughts": True}


def thinking(model: str, **options: Any) -> Any:
    """Return the thinkingConfig of a call."""
    return config(model=model, **options).get("thinkingConfig")


@pytest.mark.parametrize(
    ("model", "effort", "sent"),
    [
        ("gemini-2.5-flash", "none", {"thinkingBudget": 0}),
        ("gemini-2.5-flash", "low", {"thinkingBudget": 1024, **THOUGHTS}),
        ("gemini-2.5-flash-lite", "none", {"thinkingBudget": 0}),
        ("gemini-2.5-flash-lite", "medium", {"thinkingBudget": 8192, **THOUGHTS}),
        ("gemini-2.5-pro", "none", {"thinkingBudget": 128, **THOUGHTS}),
        ("gemini-2.5-pro", "high", {"thinkingBudget": 24576, **THOUGHTS}),
        ("gemini-2.5-pro", "max", {"thinkingBudget": 32768, **THOUGHTS}),
        ("models/gemini-2.5-flash-preview-09-2025", "minimal", {"thinkingBudget": 1024, **THOUGHTS}),
        ("gemini-3-pro-preview", "medium", {"thinkingLevel": "low", **THOUGHTS}),
        ("gemini-3-pro-preview", "none", {"thinkingLevel": "low", **THOUGHTS}),
        ("gemini-3-flash-preview", "none", {"thinkingLevel": "minimal", **THOUGHTS}),
        ("gemini-3.1-pro-preview", "medium", {"thinkingLevel": "medium", **THOUGHTS}),
        ("gemini-3.8-flash", "minimal", {"thinkingLevel": "low", **THOUGHTS}),
        ("gemini-4-argon", "xhigh", {"thinkingLevel": "high", **THOUGHTS}),
        ("gemini-flash-latest", "minimal", {"thinkingLevel": "minimal", **THOUGHTS}),
        ("publishers/google/models/gemini-3-flash-preview", "high", {"thinkingLevel": "high", **THOUGHTS}),
    ],
)
def test_an_effort_is_a_budget_or_a_level(model: str, effort: str, sent: dict[str, Any]) -> None:
    """By the model's family; thoughts are asked for, so that they can be read."""
    assert sent == thinking(model, reasoning_effort=effort)


@pytest.mark.parametrize(
    ("model", "effort", "warned"),
    [("gemini-2.5-pro", "none", True), ("gemini-2.5-pro", "low", False), ("gemini-3-pro-preview", "medium", True), ("gemini-3-pro-preview", "high", False)],
)
def test_an_effort_that_is_moved_gives_a_warning(model: str, effort: str, warned: bool) -> None:
    """Pro cannot be turned off, and knows two levels."""
    assert ([("clamped", "reasoning_effort")] if warned else []) == notes(model=model, reasoning_effort=effort)


def test_an_unknown_effort_is_dropped_with_a_warning() -> None:
    """Nothing is guessed."""
    assert thinking("gemini-2.5-flash", reasoning_effort="brisk") is None
    assert [("dropped", "reasoning_effort")] == notes(reasoning_effort="brisk")


@pytest.mark.parametrize(
    ("model", "given", "sent"),
    [
        ("gemini-2.5-flash", {"type": "enabled", "budget_tokens": 2048}, {"thinkingBudget": 2048, **THOUGHTS}),
        ("gemini-2.5-flash", {"type": "enabled", "budget_tokens": 99999}, {"thinkingBudget": 24576, **THOUGHTS}),
        ("gemini-2.5-flash", {"type": "enabled", "budget_tokens": -1}, {"thinkingBudget": -1, **THOUGHTS}),
        ("gemini-2.5-flash", {"type": "enabled"}, THOUGHTS),
        ("gemini-2.5-flash", {"type": "disabled"}, {"thinkingBudget": 0}),
        ("gemini-2.5-pro", {"type": "disabled"}, {"thinkingBudget": 128, **THOUGHTS}),
        ("gemini-3-pro-preview", {"type": "enabled", "budget_tokens": 2048}, {"thinkingBudget": 2048, **THOUGHTS}),
        ("gemini-3-pro-preview", {"type": "adaptive"}, THOUGHTS),
        ("gemini-3-pro-preview", {"type": "disabled"}, {"thinkingLevel": "low", **THOUGHTS}),
    ],
)
def test_thinking_in_anthropics_shape_is_a_budget(model: str, given: dict[str, Any], sent: dict[str, Any]) -> None:
    """Moved into the family's range; models with levels take a number, too."""
    assert sent == thinking(model, thinking=given)


def test_of_both_the_more_exact_counts() -> None:
    """And the other is dropped with a warning."""
    given: dict[str, Any] = {"reasoning_effort": "low", "thinking": {"type": "enabled", "budget_tokens": 4096}}
    assert {"thinkingBudget": 4096, **THOUGHTS} == thinking("gemini-2.5-flash", **given)
    assert [("dropped", "reasoning_effort")] == notes(**given)


@pytest.mark.parametrize("model", ["gemini-2.0-flash", "gemini-2.5-flash-image", "gemma-3-27b-it", "tunedModels/mine"])
def test_models_that_do_not_think_are_not_told_to(model: str) -> None:
    """The parameter is dropped with a warning."""
    assert thinking(model, reasoning_effort="low") is None
    assert [("dropped", "reasoning_effort")] == notes(model=model, reasoning_effort="low")
    assert {"reasoning_effort", "thinking"}.isdisjoint(GEMINI.supported_params(model))


def test_families_are_quirks() -> None:
    """A new one needs no code."""
    dialect = GeminiChat(budgets=(("mine-*", 10, 20),), budgets_off=("mine-*",), levels=(("other-*", ("low", "high")),))
    assert {"thinkingBudget": 20, **THOUGHTS} == thinking("mine-1", reasoning_effort="low", dialect=dialect)
    assert {"thinkingBudget": 0} == thinking("mine-1", reasoning_effort="none", dialect=dialect)
    assert {"thinkingLevel": "high", **THOUGHTS} == thinking("other-1", reasoning_effort="high", dialect=dialect)
    assert thinking("gemini-2.5-flash", reasoning_effort="low", dialect=dialect) is None
