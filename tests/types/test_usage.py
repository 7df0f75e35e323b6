"""Usage: what is known is written, and reads back as it was."""

from __future__ import annotations

from decimal import Decimal

import attrs
import pytest

from llmclient.dialects.openai.usage import read_usage
from llmclient.types.usage import Usage, total_of

COUNTS = [field.name for field in attrs.fields(Usage) if field.name not in ("seconds", "cost")]


def test_every_count_survives_a_round_trip():
    """None of them is lost on the way through OpenAI's shape."""
    counts = {name: number for number, name in enumerate(COUNTS, 1)}
    counts["audio_tokens"] = counts["prompt_audio_tokens"] + counts["completion_audio_tokens"]
    usage = Usage(**counts, seconds=1.5, cost=Decimal("0.000001"))
    assert read_usage(usage.to_dict()) == usage


@pytest.mark.parametrize("name", [name for name in COUNTS if name not in ("prompt_tokens", "completion_tokens", "total_tokens")])
def test_a_single_count_survives_a_round_trip(name):
    """Also where it is all that is known besides the totals."""
    usage = Usage(prompt_tokens=3, completion_tokens=2, total_tokens=5, **{name: 1})
    found = read_usage(usage.to_dict())
    assert getattr(found, name) == 1


def test_what_is_unknown_is_not_written():
    """Neither as 0 nor as null."""
    assert Usage(prompt_tokens=0).to_dict() == {"prompt_tokens": 0}


@pytest.mark.parametrize(("prompt", "completion", "total"), [(1, 2, 3), (1, None, 1), (None, 2, 2), (None, None, None), (0, 0, 0)])
def test_a_total_is_the_sum_of_what_is_known(prompt, completion, total):
    """None is not 0."""
    assert total_of(prompt, completion) == total
