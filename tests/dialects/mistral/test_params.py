"""Which parameters Mistral is sent."""

from __future__ import annotations

from typing import Any

import pytest

from llmclient import registry
from llmclient.dialects.mistral import MistralChat, MistralFIM
from llmclient.errors import InvalidRequestError
from llmclient.types.chat import PARAMS, ChatRequest
from llmclient.types.embeddings import EmbeddingRequest
from llmclient.types.messages import Tool
from tests.dialects.kit import body, context, encode, notes

SAMPLES: dict[str, Any] = {
    "tools": (Tool("add", None, {"type": "object", "properties": {}}),), "tool_choice": "auto", "parallel_tool_calls": True, "temperature": 0.5,
    "response_format": {"type": "json_object"}, "top_p": 0.5, "top_k": 5, "max_tokens": 64, "stop": ("x",), "seed": 7, "n": 2, "presence_penalty": 0.5,
    "frequency_penalty": 0.5, "logprobs": True, "top_logprobs": 2, "logit_bias": {"1": -100}, "reasoning_effort": "high",
    "thinking": {"type": "enabled", "budget_tokens": 2048}, "verbosity": "low", "modalities": ("text",), "audio": {"voice": "alloy", "format": "wav"},
    "prediction": {"type": "content", "content": "x"}, "user": "u1", "metadata": {"a": "b"}, "service_tier": "auto", "store": True,
    "prompt_cache_key": "k", "safety_identifier": "s", "web_search_options": {},
}  # fmt: skip


def test_there_is_a_sample_for_each() -> None:
    """The table is complete."""
    assert set(PARAMS) == SAMPLES.keys()


def outcome(dialect: MistralChat, options: dict[str, Any]) -> Any:
    """Return what is sent and how many warnings there are, or the parameter that is refused."""
    try:
        wire = dialect.encode(ChatRequest.make("m", "hi", **options), context())
    except InvalidRequestError as error:
        return error.param
    return wire.body, len(wire.warnings)


@pytest.mark.parametrize("dialect", [MistralChat(), MistralFIM()], ids=["chat", "fim"])
@pytest.mark.parametrize("name", PARAMS)
def test_what_is_supported_is_what_is_carried(dialect: MistralChat, name: str) -> None:
    """A parameter changes the body if it is supported; if not, there is a warning or an error, and never silence."""
    supported = dialect.supported_params("m")
    with_tools = {"tools": SAMPLES["tools"]} if name in ("tool_choice", "parallel_tool_calls") and "tools" in supported else {}
    plain = dialect.encode(ChatRequest.make("m", "hi", **with_tools), context()).body
    got = outcome(dialect, {**with_tools, name: SAMPLES[name]})
    if name in supported:
        assert got[0] != plain
        assert got[1] == 0
    else:
        # That the model may choose among no tools says nothing.
        assert got in (name, (plain, 1)) or (name, got) == ("tool_choice", (plain, 0))


def test_extra_comes_last() -> None:
    """It wins over what was given otherwise, and says so; Mistral's own parameters go through it."""
    given = {"safe_prompt": True, "temperature": 0.1}
    assert {"temperature": 0.1, "safe_prompt": True} == body(MistralChat(), temperature=0.9, extra=given)
    assert [("moved", "temperature")] == notes(MistralChat(), temperature=0.9, extra=given)


def test_extra_may_replace_the_messages() -> None:
    """They go as they are."""
    raw = [{"role": "user", "content": None}]
    assert raw == encode(MistralChat(), extra={"messages": raw}).body["messages"]


def test_a_named_tool_is_forced_by_its_object() -> None:
    """As recordings show."""
    tools = SAMPLES["tools"]
    assert {"type": "function", "function": {"name": "add"}} == body(MistralChat(), tools=tools, tool_choice="add")["tool_choice"]


def test_tools_of_other_kinds_stay() -> None:
    """What is no function is sent verbatim."""
    search = {"type": "web_search"}
    assert [search] == body(MistralChat(), tools=[search])["tools"]


def test_models_that_always_reason_take_no_effort() -> None:
    """Magistral's; others take it."""
    provider = registry.adapter("mistral")()
    assert "reasoning_effort" not in provider.get_supported_openai_params("magistral-medium-latest")
    assert "reasoning_effort" in provider.get_supported_openai_params("mistral-small-latest")


@pytest.mark.parametrize(("model", "sent"), [("zai-glm-5-3", "low"), ("glm-5-2", "minimal"), ("mistral-small-latest", "high")])
def test_efforts_are_those_of_the_family(model: str, sent: str) -> None:
    """Models of others have others."""
    mapped, _ = registry.adapter("mistral")().map_openai_params({"reasoning_effort": "minimal"}, model)
    assert {"reasoning_effort": sent} == mapped


def test_embeddings() -> None:
    """Their length has another name, and there is no user."""
    provider = registry.adapter("mistral")()
    wire = provider.transform_request(EmbeddingRequest(model="codestral-embed", input=("a",), dimensions=64, user="u"))
    assert {"model": "codestral-embed", "input": ["a"], "output_dimension": 64} == wire.body
    assert ["user"] == [warning.param for warning in wire.warnings]
    with pytest.raises(InvalidRequestError, match="only texts"):
        provider.transform_request(EmbeddingRequest(model="codestral-embed", input=((1, 2),)))
