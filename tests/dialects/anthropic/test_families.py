"""What a model's name tells."""

import pytest

from llmclient.dialects.anthropic.families import UNKNOWN, family_of


@pytest.mark.parametrize(
    ("name", "same"),
    [
        ("us.anthropic.claude-opus-4-6-v1", "claude-opus-4-6"),
        ("eu.anthropic.claude-haiku-4-5-20251001-v1:0", "claude-haiku-4-5"),
        ("claude-opus-4-1@20250805", "claude-opus-4-1"),
        ("anthropic/claude-haiku-4.5", "claude-haiku-4-5"),
        ("claude-4-opus-20250514", "claude-opus-4-0"),
        ("claude-3.7-sonnet", "claude-3-7-sonnet-20250219"),
        ("Claude-Sonnet-5-5", "claude-sonnet-5-5"),
        ("claude-opus-4-20250514", "claude-opus-4-0"),
        ("anthropic.claude-v2", "claude-2.1"),
        ("claude-instant-1.2", "claude-2.1"),
        ("claude-opus-9", "claude-opus-5-5"),
        ("claude-fable-5-2", "claude-fable-5-1"),
        ("claude-mythos-preview", "claude-mythos-5-1"),
    ],
)
def test_one_model_has_many_names(name, same):
    """Hosts write versions, dates and regions in their own ways; a model to come is like the newest of its line."""
    assert family_of(same) == family_of(name)
    assert UNKNOWN != family_of(name)


@pytest.mark.parametrize("name", ["", "claude-lab", "my-deployment", "MiniMax-M2", "kimi-for-coding", "claude-sonnet-latest", "claude-7", "claude-"])
def test_a_name_that_tells_nothing(name):
    """The API has the last word then."""
    assert UNKNOWN == family_of(name)


def test_the_model_rows_agree():
    """What the adapter's list says of each model is what its family takes."""
    anthropic = pytest.importorskip("llmclient.adapters.anthropic", reason="the adapter is generated").Anthropic
    assert len(anthropic.rows) > 30
    for row in anthropic.rows:
        family = family_of(row[0])
        facts = dict(fact.split("=") for fact in row[7].split())
        assert ("temperature" in facts.get("rejects", "")) is not family.sampling, row[0]
        assert ("reasoning" in row[5]) is (family.thinking != "none"), row[0]
        assert "json_schema" not in row[5] or family.structured, row[0]
        assert facts.get("efforts", "").split(",") in ([""], list(family.efforts)), row[0]
