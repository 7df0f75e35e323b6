"""Counts and finish reasons that several vendors write alike."""

from __future__ import annotations

from typing import Any

import pytest

from llmclient.dialects.counts import count, find_reason, inclusive, inner
from llmclient.types.chat import FinishReason

REASONS: dict[str, FinishReason] = {"end": "stop", "cap": "length"}


@pytest.mark.parametrize(
    ("raw", "called", "reason"),
    [
        ("end", False, "stop"), ("end", True, "tool_calls"), ("cap", True, "length"), ("new", False, "unknown"), ("new", True, "tool_calls"),
        (None, False, "unknown"), (["end"], False, "unknown"),
    ],
)  # fmt: skip
def test_a_reason_is_found(raw: Any, called: bool, reason: FinishReason) -> None:
    """After a call an answer that just ended, or for a reason that nobody knows, ended by it."""
    assert reason == find_reason(REASONS, raw, called=called)


@pytest.mark.parametrize(("value", "number"), [(0, 0), (7, 7), (-1, None), (True, None), (1.0, None), ("1", None), (None, None)])
def test_a_count_is_a_whole_number_from_zero_on(value: Any, number: int | None) -> None:
    """Anything else counts nothing."""
    assert number == count({"tokens": value}, "tokens")


@pytest.mark.parametrize(("value", "found"), [({"a": 1}, {"a": 1}), ([1], {}), (None, {})])
def test_an_object_within_another_is_found(value: Any, found: dict[str, int]) -> None:
    """What is none is an empty one."""
    assert found == inner({"details": value}, "details")


def test_a_prompt_counts_what_was_cached() -> None:
    """Where the rest was not counted, the prompt was not."""
    assert (10, 3) == (inclusive(3, 5, 2), inclusive(3, None, None))
    assert inclusive(None, 5, 2) is None
