"""What an answer used, as Google counts it."""

from __future__ import annotations

from typing import Any

import pytest

from llmclient.dialects.gemini.usage import fold_usage, read_usage
from tests.dialects.gemini.kit import answer, decode, text

FULL = {
    "promptTokenCount": 100, "toolUsePromptTokenCount": 20, "candidatesTokenCount": 30, "thoughtsTokenCount": 40, "totalTokenCount": 190,
    "cachedContentTokenCount": 60, "serviceTier": "standard", "trafficType": "ON_DEMAND",
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 50}, {"modality": "AUDIO", "tokenCount": 20}, {"modality": "IMAGE", "tokenCount": 30}],
    "toolUsePromptTokensDetails": [{"modality": "TEXT", "tokenCount": 15}, {"modality": "AUDIO", "tokenCount": 5}],
    "candidatesTokensDetails": [{"modality": "AUDIO", "tokenCount": 10}, "odd"],
}  # fmt: skip


def test_counts_are_inclusive() -> None:
    """Thoughts belong to the completion, what tools read to the prompt; cached tokens are a part of it."""
    usage = decode(answer(text("x"), usageMetadata=FULL)).usage
    assert usage is not None
    assert (120, 70, 190, 60, 40) == (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens, usage.cached_tokens, usage.reasoning_tokens)
    assert (25, 10, 35, 30) == (usage.prompt_audio_tokens, usage.completion_audio_tokens, usage.audio_tokens, usage.image_tokens)


def test_the_service_tier_stands_beside() -> None:
    """As the provider reports it."""
    assert "standard" == decode(answer(text("x"), usageMetadata=FULL)).service_tier


def test_the_total_is_the_providers_or_the_sum() -> None:
    """It is not made up."""
    assert 99 == read_usage({"promptTokenCount": 1, "candidatesTokenCount": 2, "totalTokenCount": 99}).total_tokens  # type: ignore[union-attr]
    assert 3 == read_usage({"promptTokenCount": 1, "candidatesTokenCount": 2}).total_tokens  # type: ignore[union-attr]


def test_an_answer_of_thoughts_only_counts_them() -> None:
    """The cap came while the model thought."""
    usage = read_usage({"promptTokenCount": 5, "thoughtsTokenCount": 7, "totalTokenCount": 12})
    assert usage is not None
    assert (7, 7) == (usage.completion_tokens, usage.reasoning_tokens)


def test_what_is_missing_is_none() -> None:
    """Never 0: a blocked answer has no completion."""
    usage = read_usage({"promptTokenCount": 14, "totalTokenCount": 14})
    assert usage is not None
    assert (14, None, None, None) == (usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens, usage.audio_tokens)


@pytest.mark.parametrize("value", [None, {}, [], "x", {"promptTokenCount": -1}, {"promptTokenCount": "5", "totalTokenCount": True}, {"trafficType": "ON_DEMAND"}])
def test_no_usage_is_none(value: Any) -> None:
    """Nor is nonsense counted."""
    assert read_usage(value) is None


def fold(*usages: dict[str, Any]) -> dict[str, Any]:
    """Return the usage of a stream."""
    merged: dict[str, Any] = {}
    fold_usage(merged, usages)
    return merged


def test_totals_are_never_summed() -> None:
    """The last of each counts, be it smaller than one before: an estimate of the prompt comes first."""
    assert {"aCount": 3, "bCount": 2} == fold({"aCount": 1, "bCount": 9}, {"aCount": 3, "bCount": 2})
    assert {"aCount": 3, "bCount": 2, "cCount": 4} == fold({"aCount": 10, "bCount": 9}, {"aCount": 5}, {"aCount": 3, "bCount": 2, "cCount": 4})
    assert {"aCount": 5, "bCount": 9} == fold({"aCount": 10, "bCount": 9}, {"aCount": 5})


def test_a_later_event_may_leave_out_what_an_earlier_had() -> None:
    """It is kept."""
    assert {"a": 5, "b": 2, "kind": "y", "rows": [1]} == fold({"a": 1, "b": 2, "rows": [1]}, {"a": 5, "kind": "x"}, {"kind": "y"})


def test_nonsense_does_not_replace_a_count() -> None:
    """Nor does a count give way to it, in either order."""
    assert {"aCount": 5} == fold({"aCount": 5}, {"aCount": "many"})
    assert {"aCount": 5} == fold({"aCount": None}, {"aCount": 5})


def test_events_with_different_counts_are_joined() -> None:
    """Though each holds as many."""
    assert {"aCount": 5, "bCount": 1} == fold({"aCount": 5}, {"bCount": 1})
