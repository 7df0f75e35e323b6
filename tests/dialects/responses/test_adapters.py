"""What providers of the Responses API are sent, each by its own adapter: how they differ from OpenAI."""

import json

import pytest

from llmclient import registry
from llmclient.errors import InvalidRequestError
from llmclient.types.chat import ChatRequest
from llmclient.types.context import RequestContext
from llmclient.types.messages import File, Image, Message, ReasoningBlock
from tests.dialects.responses.kit import REASONING, TOOL, USER, turn

BESIDE = (
    *("dashscope", "deepseek", "fireworks", "github_copilot", "groq", "hosted_vllm", "huggingface", "lemonade", "lm_studio", "meta", "minimax", "novita"),
    *("openai", "openrouter", "ovhcloud", "poe", "simulator", "vllm", "volcengine", "xai", "zhipu"),
)
"""Providers that offer it beside chat completions."""
ALONE = ("chatgpt", "manus", "perplexity_agent")
"""Providers that offer nothing else."""
SYSTEM = {"role": "system", "content": "Be brief."}
DEVELOPER = {"role": "developer", "content": "Be brief."}


def sent(name, messages="hi", model="model-1", **options):
    """Return the body that goes to a provider, and kind and parameter of each warning."""
    provider = registry.adapter(name)()
    request = ChatRequest.make(model, messages, api="responses", **options)
    wire = provider.transform_request(request, RequestContext(provider=name, config=provider.config))
    return json.loads(json.dumps(wire.body)), [f"{warning.kind} {warning.param}" for warning in wire.warnings]


@pytest.mark.parametrize("name", [*BESIDE, *ALONE])
def test_each_speaks_it(name):
    """Asked for by name, or because there is nothing else."""
    provider = registry.adapter(name)()
    assert provider.chat_dialect("model-1", "responses").name == "responses"
    assert (provider.chat_dialect("model-1").name == "responses") == (name in ALONE)
    body, warnings = sent(name, "Why?")
    assert "Why?" in json.dumps(body["input"])
    assert warnings == []


def test_its_own_address():
    """Where a provider has it elsewhere than its chat completions."""
    provider = registry.adapter("zhipu")()
    dialect = provider.chat_dialect("glm-5", "responses")
    assert provider.address(dialect.base_url) + dialect.path == "https://open.bigmodel.cn/api/v1/responses"


@pytest.mark.parametrize(
    ("name", "options", "body"),
    [
        ("xai", {}, {"include": ["reasoning.encrypted_content"]}),
        ("xai", {"logprobs": True, "top_logprobs": 2}, {"logprobs": True, "top_logprobs": 2}),
        ("openrouter", {"top_k": 3}, {"top_k": 3}),
        ("volcengine", {"thinking": {"type": "disabled"}}, {"thinking": {"type": "disabled"}}),
        ("simulator", {"max_tokens": 3}, {"max_output_tokens": 3}),
        ("perplexity_agent", {"max_tokens": 3, "model": "openai/gpt-5", "temperature": 0.5}, {"max_output_tokens": 3, "temperature": 0.5}),
        ("perplexity_agent", {"messages": [SYSTEM, USER]}, {"instructions": "Be brief.", "input": [USER]}),
        ("manus", {"model": "gpt-5", "temperature": 0.5}, {"temperature": 0.5}),
        ("meta", {}, {"include": ["reasoning.encrypted_content"]}),
        ("meta", {"reasoning_effort": "none"}, {"reasoning": {"effort": "minimal"}}),
        ("meta", {"reasoning_effort": "max"}, {"reasoning": {"effort": "xhigh"}}),
        ("chatgpt", {}, {"stream": True, "store": False, "input": [{"type": "message", **USER}]}),
        ("chatgpt", {"messages": [SYSTEM, USER]}, {"instructions": "Be brief."}),
        ("deepseek", {"messages": [DEVELOPER, USER]}, {"input": [SYSTEM, USER]}),
        ("vllm", {"messages": [DEVELOPER, USER]}, {"input": [SYSTEM, USER]}),
        ("hosted_vllm", {"messages": [DEVELOPER, USER]}, {"input": [SYSTEM, USER]}),
    ],
)
def test_what_goes_out(name, options, body):
    """Fields of the body, as the provider wants them."""
    written, _ = sent(name, **options)
    assert {key: written[key] for key in body} == body


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("groq", {"store": False}),
        ("groq", {"prompt_cache_key": "k"}),
        ("groq", {"safety_identifier": "s"}),
        ("groq", {"logprobs": True}),
        ("groq", {"top_logprobs": 1}),
        ("openrouter", {"logprobs": True}),
        ("openrouter", {"top_logprobs": 1}),
        ("xai", {"service_tier": "flex"}),
        ("chatgpt", {"temperature": 1}),
        ("chatgpt", {"top_p": 1}),
        ("chatgpt", {"user": "u"}),
        ("chatgpt", {"metadata": {"a": "b"}}),
        ("chatgpt", {"safety_identifier": "s"}),
        *(("perplexity_agent", {name: "x"}) for name in ("prompt_cache_key", "safety_identifier", "service_tier", "user", "verbosity")),
        *(("perplexity_agent", {name: True}) for name in ("logprobs", "store")),
        ("perplexity_agent", {"top_logprobs": 1}),
        ("perplexity_agent", {"metadata": {"a": "b"}}),
        ("perplexity_agent", {"parallel_tool_calls": False, "tools": [TOOL]}),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, dict) else value,
)
def test_what_is_dropped(name, options):
    """With a warning."""
    body, warnings = sent(name, **options)
    first = next(iter(options))
    assert first not in body
    assert warnings == [f"dropped {first}"]


@pytest.mark.parametrize(
    ("name", "options", "param"),
    [
        ("chatgpt", {"max_tokens": 64}, "max_tokens"),
        ("perplexity_agent", {"response_format": "json_object"}, "response_format"),
        ("perplexity_agent", {"tools": [TOOL], "tool_choice": "required"}, "tool_choice"),
        ("meta", {"tools": [TOOL], "tool_choice": "required"}, "tool_choice"),
        ("zhipu", {"tools": [TOOL], "tool_choice": "add"}, "tool_choice"),
        ("lm_studio", {"response_format": "json_object"}, "response_format"),
        ("deepseek", {"messages": [Message("user", (File(file_id="f"),))]}, "messages"),
        ("fireworks", {"messages": [Message("user", (File(file_id="f"),))]}, "messages"),
    ],
)
def test_what_is_refused(name, options, param):
    """What must not be lost, and cannot be sent."""
    with pytest.raises(InvalidRequestError) as caught:
        sent(name, **options)
    assert caught.value.param == param


@pytest.mark.parametrize("name", ["deepseek", "fireworks"])
def test_pictures_are_taken_where_files_are_not(name):
    """Among the parts."""
    body, _ = sent(name, [Message("user", (Image("https://x.test/a.png"),))])
    assert body["input"][0]["content"][0]["type"] == "input_image"


def test_reasoning_after_the_text_goes_back_to_openrouter():
    """Where OpenAI would refuse it."""
    body, _ = sent("openrouter", [USER, turn("Well.", REASONING, provider="openrouter"), USER])
    assert [item.get("type") for item in body["input"]] == [None, "message", "reasoning", None]


def test_reasoning_in_plain_text_goes_back_to_deepseek():
    """It stores nothing, and gives no other."""
    block = ReasoningBlock("Hm.", provider="deepseek", dialect="responses")
    body, _ = sent("deepseek", [USER, Message("assistant", "Well.", reasoning=(block,)), USER])
    assert body["input"][1]["content"] == [{"type": "reasoning_text", "text": "Hm."}]


def test_whose_account_it_is():
    """ChatGPT wants it in a header, an agent's key stands in another."""
    assert registry.adapter("chatgpt").setting_headers == {"ChatGPT-Account-Id": "account_id"}
    assert registry.adapter("manus").auth.header == "API_KEY"
