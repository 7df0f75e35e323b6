"""What OpenAI's models take, told by their names."""

import pytest

from llmclient.dialects.responses.families import UNKNOWN, family_of


@pytest.mark.parametrize(
    ("model", "reasons", "sampling", "efforts"),
    [
        ("gpt-4o-mini", False, "always", ""),
        ("gpt-4.1", False, "always", ""),
        ("chatgpt-4o-latest", False, "always", ""),
        ("ft:gpt-4o-mini:acme::1", False, "always", ""),
        ("gpt-5-chat-latest", False, "always", ""),
        ("gpt-5.3-chat-latest", False, "always", ""),
        ("o1-pro", True, "never", "low medium high"),
        ("o3-mini", True, "never", "low medium high"),
        ("ft:o4-mini:acme", True, "never", "low medium high"),
        ("o4-mini-deep-research", True, "never", "medium"),
        ("codex-mini-latest", True, "never", "low medium high"),
        ("computer-use-preview", True, "never", ""),
        ("gpt-5", True, "never", "minimal low medium high"),
        ("openai/gpt-5-nano", True, "never", "minimal low medium high"),
        ("gpt-5-pro", True, "never", "high"),
        ("gpt-5-codex", True, "never", "low medium high"),
        ("gpt-5.1", True, "unless_reasoning", "none low medium high"),
        ("gpt-5.1-chat-latest", True, "never", "medium"),
        ("gpt-5.1-codex", True, "never", "low medium high"),
        ("gpt-5.1-codex-max", True, "never", "low medium high xhigh"),
        ("gpt-5.2-codex", True, "never", "low medium high xhigh"),
        ("gpt-5.2-pro", True, "never", "medium high xhigh"),
        ("gpt-5.4-nano", True, "unless_reasoning", "none low medium high xhigh"),
        ("openai.gpt-5.6-luna", True, "unless_reasoning", "none low medium high xhigh max"),
        ("gpt-6-sol", True, "unless_reasoning", "none low medium high xhigh max"),
        ("GPT-6.1-Terra", True, "unless_reasoning", "none low medium high xhigh max"),
        ("gpt-daybreak-blue-latest", True, "always", ""),
    ],
)
def test_models(model, reasons, sampling, efforts):
    """Whatever stands before the name."""
    family = family_of(model)
    assert (family.reasons, family.sampling, " ".join(family.efforts)) == (reasons, sampling, efforts)


@pytest.mark.parametrize("model", ["grok-4", "gpt-oss-120b", "llama-3", "", "deployment-1"])
def test_other_models(model):
    """Nothing is known of them, and nothing held back."""
    assert family_of(model) == UNKNOWN


@pytest.mark.parametrize(("model", "by_default"), [("gpt-5.1", False), ("gpt-5.4", False), ("gpt-5.5", True), ("gpt-6", True)])
def test_whether_a_model_reasons_unasked(model, by_default):
    """From GPT-5.5 on it does."""
    assert family_of(model).by_default == by_default
