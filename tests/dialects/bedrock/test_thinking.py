"""How much to think, in the shape of each family."""

import pytest

from llmclient.dialects.bedrock import BedrockConverse
from tests.dialects.bedrock.kit import CLAUDE, TOOL, notes, params

NOVA_2 = "us.amazon.nova-2-lite-v1:0"
GPT = "openai.gpt-oss-120b-1:0"
QWEN = "qwen.qwen3-32b-v1:0"
ADAPTIVE = "us.anthropic.claude-sonnet-4-6"


def fields(model, **options):
    """Return the model's own fields of a request."""
    return params(model, **options).get("additionalModelRequestFields")


@pytest.mark.parametrize(
    ("model", "effort", "sent"),
    [
        (CLAUDE, "low", {"thinking": {"type": "enabled", "budget_tokens": 2048}}),
        (CLAUDE, "none", None),
        (ADAPTIVE, "high", {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}}),
        (NOVA_2, "low", {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}}),
        (NOVA_2, "high", {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "high"}}),
        (NOVA_2, "none", {"reasoningConfig": {"type": "disabled"}}),
        (GPT, "medium", {"reasoning_effort": "medium"}),
        (QWEN, "high", {"reasoning_config": "high"}),
    ],
)
def test_efforts_that_a_family_knows(model, effort, sent):
    """They go out in its shape, without a warning."""
    assert sent == fields(model, reasoning_effort=effort)
    assert [] == notes(model=model, reasoning_effort=effort)


@pytest.mark.parametrize(
    ("model", "effort", "sent"),
    [
        (NOVA_2, "minimal", "low"),
        (NOVA_2, "max", "high"),
        (GPT, "xhigh", "high"),
        (GPT, "none", "low"),
        (QWEN, "medium", "high"),
        (QWEN, "none", "low"),
    ],
)
def test_other_efforts_are_moved_to_the_nearest(model, effort, sent):
    """With a warning; what cannot be switched off thinks as little as it can."""
    values = fields(model, reasoning_effort=effort).values()
    assert sent in [value["maxReasoningEffort"] if isinstance(value, dict) else value for value in values]
    assert [("clamped", "reasoning_effort")] == notes(model=model, reasoning_effort=effort)


def test_a_word_that_is_no_effort_is_dropped():
    """It is named in a warning."""
    assert [("dropped", "reasoning_effort")] == notes(model=GPT, reasoning_effort="hard")


@pytest.mark.parametrize("model", ["us.amazon.nova-pro-v1:0", "us.deepseek.r1-v1:0", "vendor.model", "anthropic.claude-3-haiku-20240307-v1:0"])
def test_models_that_are_not_known_to_reason(model):
    """The parameter is dropped with a warning."""
    assert [("dropped", "reasoning_effort")] == notes(model=model, reasoning_effort="low")


def test_novas_highest_effort_stands_alone():
    """Sampling is dropped beside it, and a cap of the answer, which must not be, goes before it."""
    sent = params(NOVA_2, reasoning_effort="high", temperature=0.5, top_p=0.5)
    assert {"additionalModelRequestFields": {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "high"}}} == sent
    assert [("dropped", "temperature"), ("dropped", "top_p")] == notes(model=NOVA_2, reasoning_effort="high", temperature=0.5, top_p=0.5)
    sent = params(NOVA_2, reasoning_effort="high", max_tokens=100, temperature=0.5)
    assert {"type": "enabled", "maxReasoningEffort": "medium"} == sent["additionalModelRequestFields"]["reasoningConfig"]
    assert {"maxTokens": 100, "temperature": 0.5} == sent["inferenceConfig"]
    assert [("clamped", "reasoning_effort")] == notes(model=NOVA_2, reasoning_effort="high", max_tokens=100)


def test_claudes_own_thinking():
    """Anthropic's object goes among the model's own fields; the answer's cap stays as it was given."""
    thinking = {"type": "enabled", "budget_tokens": 1024}
    assert {"inferenceConfig": {"maxTokens": 4000}, "additionalModelRequestFields": {"thinking": thinking}} == params(thinking=thinking, max_tokens=4000)


def test_a_budget_fits_within_the_cap():
    """It shrinks, with a warning."""
    sent = params(reasoning_effort="high", max_tokens=5000)
    assert {"thinking": {"type": "enabled", "budget_tokens": 4999}} == sent["additionalModelRequestFields"]
    assert [("clamped", "reasoning_effort.budget_tokens")] == notes(reasoning_effort="high", max_tokens=5000)


def test_sampling_is_dropped_beside_a_budget():
    """But for values that are taken there; a model that sets its own budget takes them all."""
    options = {"thinking": {"type": "enabled", "budget_tokens": 1024}, "temperature": 0.5, "top_p": 0.96, "top_k": 3}
    sent = params(**options)
    assert ({"topP": 0.96}, {"thinking"}) == (sent["inferenceConfig"], set(sent["additionalModelRequestFields"]))
    assert [("dropped", "temperature"), ("dropped", "top_k")] == notes(**options)
    assert "inferenceConfig" not in params(thinking=options["thinking"], temperature=0.2)
    assert {"temperature": 1.0} == params(thinking=options["thinking"], temperature=1)["inferenceConfig"]
    assert {"temperature": 0.5} == params(ADAPTIVE, reasoning_effort="low", temperature=0.5)["inferenceConfig"]


def test_a_forced_call_goes_before_a_budget():
    """The two exclude each other."""
    sent = params(tools=[TOOL], tool_choice="required", reasoning_effort="low")
    assert "additionalModelRequestFields" not in sent
    assert [("dropped", "reasoning_effort")] == notes(tools=[TOOL], tool_choice="required", reasoning_effort="low")


def test_newer_claudes_take_no_sampling():
    """The parameters are dropped with a warning."""
    model = "anthropic.claude-opus-4-8"
    assert [("dropped", name) for name in ("temperature", "top_p", "top_k")] == notes(model=model, temperature=0.5, top_p=0.5, top_k=3)


def test_a_provider_that_refuses_efforts():
    """Neither shape is sent."""
    dialect = BedrockConverse(unsupported=frozenset({"reasoning_effort", "thinking"}))
    for model in (CLAUDE, NOVA_2):
        assert "additionalModelRequestFields" not in params(model, dialect, reasoning_effort="low")
        assert [("dropped", "reasoning_effort")] == notes(model=model, dialect=dialect, reasoning_effort="low")
