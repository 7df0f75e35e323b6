"""Completion of code."""

from __future__ import annotations

from typing import Any

import pytest

from llmclient import registry
from llmclient.dialects.mistral import MistralFIM
from llmclient.errors import InvalidRequestError
from llmclient.types.chat import ChatRequest
from llmclient.types.messages import Image, Message, Text
from tests.dialects.kit import completion, decode, encode

FIM = MistralFIM(provider="acme")


def test_a_prompt_and_a_suffix() -> None:
    """The message is the prompt, and the suffix goes through extra."""
    wire = encode(FIM, "def f(", max_tokens=9, seed=3, stop="\n", extra={"suffix": "return 1", "min_tokens": 1})
    assert "/fim/completions" == wire.path
    assert {"model": "m", "prompt": "def f(", "max_tokens": 9, "stop": ["\n"], "random_seed": 3, "suffix": "return 1", "min_tokens": 1} == wire.body


def test_a_prompt_may_be_of_parts() -> None:
    """As long as they are text."""
    assert "def f(" == encode(FIM, [Message("user", (Text("def "), Text("f(")))]).body["prompt"]


def test_it_streams() -> None:
    """As chat does."""
    assert encode(FIM, "def f(", stream=True).body["stream"] is True


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "system", "content": "x"}, {"role": "user", "content": "y"}],
        [{"role": "assistant", "content": "x"}],
        [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}],
        [Message("user", (Image("https://acme.example/a.png"),))],
    ],
)
def test_anything_but_one_text_is_refused(messages: list[Any]) -> None:
    """There is no conversation."""
    with pytest.raises(InvalidRequestError) as caught:
        encode(FIM, messages)
    assert "messages" == caught.value.param


def test_tools_are_refused() -> None:
    """They must not be dropped."""
    with pytest.raises(InvalidRequestError):
        encode(FIM, "def f(", tools=[{"type": "function", "function": {"name": "add"}}])


def test_an_answer_is_that_of_a_chat() -> None:
    """It has a message."""
    assert "x): return x" == decode(completion({"role": "assistant", "content": "x): return x"}), FIM).text


@pytest.mark.parametrize("name", ["mistral", "codestral"])
def test_adapters_offer_it(name: str) -> None:
    """As one of their chat APIs."""
    provider = registry.adapter(name)()
    wire = provider.transform_request(ChatRequest.make("codestral-latest", "def f(", api="fim"))
    assert ("/fim/completions", "def f(") == (wire.path, wire.body["prompt"])
    assert "/chat/completions" == provider.transform_request(ChatRequest.make("codestral-latest", "def f(")).path
