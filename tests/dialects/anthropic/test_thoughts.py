"""How much a model thinks: the portable effort and Anthropic's own shape, as each family of models takes them."""

import pytest

from llmclient.dialects.anthropic import AnthropicMessages
from tests.dialects.anthropic.kit import TOOL, notes, params

BUDGET = {"type": "enabled", "budget_tokens": 2048}
SHOWN = {"type": "adaptive", "display": "summarized"}
HAIKU, OPUS_4_5, SONNET_4_6, OPUS_4_8, OPUS_5 = "claude-haiku-4-5", "claude-opus-4-5", "claude-sonnet-4-6", "claude-opus-4-8", "claude-opus-5"


@pytest.mark.parametrize(
    ("model", "effort", "sent"),
    [
        (HAIKU, "low", {"thinking": {"type": "enabled", "budget_tokens": 2048}}),
        (HAIKU, "minimal", {"thinking": {"type": "enabled", "budget_tokens": 1024}}),
        (HAIKU, "high", {"thinking": {"type": "enabled", "budget_tokens": 16384}, "max_tokens": 20480}),
        (OPUS_4_5, "high", {"thinking": {"type": "enabled", "budget_tokens": 16384}, "output_config": {"effort": "high"}, "max_tokens": 20480}),
        (SONNET_4_6, "max", {"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}),
        (OPUS_4_8, "xhigh", {"thinking": SHOWN, "output_config": {"effort": "xhigh"}}),
        ("claude-lab", "low", {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}),
    ],
    ids=["budget", "least budget", "more than the usual cap", "budget and effort", "both", "adaptive", "unknown"],
)
def test_peers_22_an_effort_by_family(model, effort, sent):
    """A budget for the older, an effort for the newer; the cap makes room for the budget."""
    assert sent == params(model=model, reasoning_effort=effort)


@pytest.mark.parametrize(
    ("model", "given", "sent"),
    [(OPUS_5, "minimal", "low"), (SONNET_4_6, "xhigh", "high"), (OPUS_4_5, "max", "high")],
    ids=["below", "between", "above"],
)
def test_peers_22_an_effort_that_the_model_does_not_know_is_moved(model, given, sent):
    """To the nearest, the cheaper of two, with a warning."""
    assert sent == params(model=model, reasoning_effort=given)["output_config"]["effort"]
    assert [("clamped", "reasoning_effort")] == notes(model=model, reasoning_effort=given)


def test_an_effort_that_nobody_knows_is_noted():
    """Only words of the scale are understood."""
    assert [("dropped", "reasoning_effort")] == notes(model=OPUS_5, reasoning_effort="hard")


@pytest.mark.parametrize(
    ("model", "sent"),
    [
        (HAIKU, {}),
        ("claude-3-haiku-20240307", {}),
        (OPUS_5, {"thinking": {"type": "disabled"}}),
        ("claude-sonnet-5-5", {"thinking": {"type": "between_tools"}}),
        ("claude-opus-5-5", {"output_config": {"effort": "low"}}),
    ],
    ids=["says nothing", "cannot think", "disabled", "between tools", "never off"],
)
def test_thinking_is_switched_off_by_family(model, sent):
    """Each in its way; a model that always thinks is told to think least, with a warning."""
    assert sent == params(model=model, reasoning_effort="none")
    assert ([("clamped", "reasoning_effort")] if "output_config" in sent else []) == notes(model=model, reasoning_effort="none")


def test_an_old_model_takes_no_effort():
    """It does not reason at all: a warning says so."""
    assert [("dropped", "reasoning_effort")] == notes(model="claude-3-haiku-20240307", reasoning_effort="low")
    assert [("dropped", "thinking")] == notes(model="claude-3-haiku-20240307", thinking=BUDGET)


def test_budgets_are_a_quirk():
    """`budgets`: what an effort is in tokens."""
    own = AnthropicMessages(budgets={"low": 3000})
    assert 3000 == params(own, HAIKU, reasoning_effort="low")["thinking"]["budget_tokens"]
    assert 2048 == params(model=HAIKU, reasoning_effort="low")["thinking"]["budget_tokens"]


@pytest.mark.parametrize(
    ("way", "sent"),
    [
        ("budget", {"thinking": {"type": "enabled", "budget_tokens": 2048}}),
        ("adaptive", {"thinking": {"type": "adaptive"}}),
        ("none", {}),
    ],
)
def test_the_way_of_thinking_is_a_quirk(way, sent):
    """`thinking`: other vendors' names tell nothing of how their models think."""
    assert sent == params(AnthropicMessages(thinking=way), "MiniMax-M2", reasoning_effort="low")
    assert sent != params(model="MiniMax-M2", reasoning_effort="low")


# Anthropic's own shape.


@pytest.mark.parametrize("model", [HAIKU, SONNET_4_6, "claude-lab"])
def test_a_budget_goes_as_it_is_where_it_is_taken(model):
    """Fields beside it, too."""
    given = {**BUDGET, "display": "omitted"}
    assert given == params(model=model, thinking=given)["thinking"]


def test_a_budget_becomes_adaptive_where_none_is_taken():
    """Newer models set their own: a warning says so."""
    assert SHOWN == params(model=OPUS_5, thinking=BUDGET)["thinking"]
    assert {"type": "adaptive", "display": "omitted"} == params(model=OPUS_5, thinking={**BUDGET, "display": "omitted"})["thinking"]
    assert [("moved", "thinking")] == notes(model=OPUS_5, thinking=BUDGET)


def test_adaptive_becomes_a_budget_where_one_is_needed():
    """Older models set none of their own."""
    assert {"type": "enabled", "budget_tokens": 8192} == params(model=HAIKU, thinking={"type": "adaptive"})["thinking"]
    assert [("moved", "thinking")] == notes(model=HAIKU, thinking={"type": "adaptive"})
    assert {"type": "adaptive"} == params(model=OPUS_5, thinking={"type": "adaptive"})["thinking"]


def test_switching_off_goes_as_near_as_it_can():
    """A model that cannot be kept from thinking thinks as little as it can."""
    off = {"type": "disabled"}
    assert off == params(model=HAIKU, thinking=off)["thinking"]
    assert {"type": "between_tools"} == params(model="claude-sonnet-5-5", thinking=off)["thinking"]
    assert {"output_config": {"effort": "low"}} == params(model="claude-fable-5", thinking=off)
    assert ("moved", "thinking") == notes(model="claude-fable-5", thinking=off)[0]
    assert [] == notes(model="claude-3-haiku-20240307", thinking=off)


def test_thinking_and_effort_together():
    """The effort goes beside the thinking where the model knows one; a budget and an effort say the same otherwise."""
    both = params(model=SONNET_4_6, thinking=BUDGET, reasoning_effort="low")
    assert (BUDGET, {"effort": "low"}) == (both["thinking"], both["output_config"])
    assert BUDGET == params(model=HAIKU, thinking=BUDGET, reasoning_effort="low")["thinking"]
    assert [("dropped", "reasoning_effort")] == notes(model=HAIKU, thinking=BUDGET, reasoning_effort="low")
    assert [] == notes(model=HAIKU, thinking=BUDGET, reasoning_effort="none")


def test_an_effort_stands_beside_a_schema():
    """Both are parts of one field."""
    shape = {"type": "json_schema", "json_schema": {"schema": {"type": "string"}}}
    config = params(model=OPUS_5, reasoning_effort="low", response_format=shape)["output_config"]
    assert {"format": {"type": "json_schema", "schema": {"type": "string"}}, "effort": "low"} == config


# Room for the answer.


def test_peers_22_a_budget_is_smaller_than_the_cap():
    """With a cap of the caller's the budget shrinks, with a warning."""
    assert 1999 == params(model=HAIKU, thinking=BUDGET, max_tokens=2000)["thinking"]["budget_tokens"]
    assert [("clamped", "thinking.budget_tokens")] == notes(model=HAIKU, thinking=BUDGET, max_tokens=2000)
    assert [("clamped", "reasoning_effort.budget_tokens")] == notes(model=HAIKU, reasoning_effort="medium", max_tokens=2000)


def test_a_cap_without_room_for_thoughts():
    """Below the smallest budget there are none: max_tokens is never dropped, thinking is."""
    assert {"max_tokens": 1000} == params(model=HAIKU, reasoning_effort="low", max_tokens=1000)
    assert [("dropped", "reasoning_effort")] == notes(model=HAIKU, reasoning_effort="low", max_tokens=1000)


def test_without_a_cap_the_cap_grows():
    """The thoughts do not eat the answer."""
    assert 16384 + 4096 == params(model=HAIKU, thinking={"type": "enabled", "budget_tokens": 16384})["max_tokens"]


def test_interleaved_thinking_may_be_larger_than_the_cap():
    """With its beta the budget counts for the whole turn."""
    wide = {"type": "enabled", "budget_tokens": 9000}
    headers = {"anthropic-beta": "interleaved-thinking-2025-05-14"}
    assert wide == params(model=HAIKU, thinking=wide, max_tokens=2000, headers=headers)["thinking"]


# What thinking excludes.


@pytest.mark.parametrize(
    "options", [{"reasoning_effort": "low"}, {"thinking": BUDGET}, {"thinking": {"type": "adaptive"}}], ids=["effort", "budget", "adaptive"]
)
def test_peers_22_a_forced_call_excludes_a_budget(options):
    """The call is never dropped, the thinking is, with a warning."""
    sent = params(model=HAIKU, tools=[TOOL], tool_choice="required", **options)
    assert "thinking" not in sent
    assert {"type": "any"} == sent["tool_choice"]
    assert [("dropped", next(iter(options)))] == notes(model=HAIKU, tools=[TOOL], tool_choice="required", **options)


def test_a_forced_call_and_adaptive_thinking_go_together():
    """Newer models take both."""
    sent = params(model=SONNET_4_6, tools=[TOOL], tool_choice="add", reasoning_effort="low")
    assert ({"type": "adaptive"}, {"type": "tool", "name": "add"}) == (sent["thinking"], sent["tool_choice"])


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"temperature": 0.5}, {}),
        ({"temperature": 1}, {"temperature": 1}),
        ({"top_p": 0.5}, {}),
        ({"top_p": 0.95}, {"top_p": 0.95}),
        ({"top_k": 5}, {}),
    ],
    ids=["temperature", "temperature 1", "top_p", "high top_p", "top_k"],
)
@pytest.mark.parametrize("thinker", [{"model": HAIKU, "thinking": BUDGET}, {"model": SONNET_4_6, "reasoning_effort": "low"}], ids=["budget", "adaptive"])
def test_peers_22_sampling_beside_thoughts(thinker, given, kept):
    """Most of it is refused while the model thinks: it is dropped with a warning."""
    sent = params(**thinker, **given)
    assert kept == {name: value for name, value in sent.items() if name in ("temperature", "top_p", "top_k")}
    assert ([] if kept else [("dropped", next(iter(given)))]) == notes(**thinker, **given)


def test_temperature_and_top_p_exclude_each_other():
    """From Opus 4.1 on a model takes one of them: top_p is dropped with a warning."""
    both = {"temperature": 0.5, "top_p": 0.9}
    assert {"temperature": 0.5} == params(model=HAIKU, **both)
    assert [("dropped", "top_p")] == notes(model=HAIKU, **both)
    assert both == params(model="claude-sonnet-4-0", **both)
    assert {"top_p": 0.9} == params(model=HAIKU, top_p=0.9)
