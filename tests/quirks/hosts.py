"""The numbered quirks of those who host models of others and speak OpenAI's dialect: clouds, routers and servers of one's own."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from llmclient import errors
from tests.quirks.cases import ABSENT, Case, Fails, Reads, Refuses, Sends, Signs
from tests.quirks.probes import RICH, SCHEMA, TOOL
from tests.quirks.samples import (
    AGAIN,
    AS_SYSTEM,
    ASKED,
    BOTH,
    DEVELOPER,
    FORMAT,
    MORE,
    PDF,
    PICTURE,
    RESULT_A,
    RESULT_B,
    SPOKEN,
    STRICT,
    THOUGHT,
    USER,
    completion,
    event,
    thought_call,
    usage,
    wire_call,
)

_TOGETHER: Final = {"role": "assistant", "content": "one", "tool_calls": []}
_ODD: Final = {"role": "user", "content": "hi", "cache_control": {"type": "ephemeral"}}

HOSTS: Final[tuple[Case, ...]] = (
    Fails(
        57, "groq", "what the model made of a tool is kept", "llama-3.3-70b-versatile",
        {"error": {"message": "Failed to call a function.", "code": "tool_use_failed", "failed_generation": "<function=add"}},
        errors.InvalidRequestError, status=400,
        facts={
            "code": "tool_use_failed",
            "body": '{"error": {"message": "Failed to call a function.", "code": "tool_use_failed", "failed_generation": "<function=add"}}',
        },
    ),
    Refuses(
        57, "groq", "a formatted answer cannot be streamed", "llama-3.3-70b-versatile", "response_format", options={"response_format": FORMAT}, stream=True,
    ),
    Refuses(57, "groq", "nor stand beside tools", "llama-3.3-70b-versatile", "response_format", options={"response_format": FORMAT, "tools": [TOOL]}),
    Refuses(57, "groq", "there is one answer", "llama-3.3-70b-versatile", "n", options={"n": 2}),
    Sends(57, "groq", "messages have no name", "llama-3.3-70b-versatile", {"messages": [USER]}, ask=[{**USER, "name": "ann"}], warns=["dropped messages.name"]),
    Reads(
        57, "groq", "usage comes three times", "llama-3.3-70b-versatile",
        [event({"content": "hi"}, "stop", x_groq={"usage": usage(1, 2, 3)}), {"choices": [], "usage": usage(1, 2, 3)}], {"usage.total_tokens": 3},
    ),
    Reads(
        57, "groq", "or once, in its own field", "llama-3.3-70b-versatile", [event({"content": "hi"}, "stop", x_groq={"usage": usage(1, 2, 3)})],
        {"usage.total_tokens": 3},
    ),
    Reads(
        57, "groq", "a call without arguments has null in words", "llama-3.3-70b-versatile",
        completion({"content": None, "tool_calls": [{"id": "a", "type": "function", "function": {"name": "now", "arguments": "null"}}]}, "tool_calls"),
        {"arguments": ["{}"]},
    ),
    Sends(
        57, "groq", "gpt-oss cannot be told not to think", "openai/gpt-oss-120b", {"reasoning_effort": "low"}, options={"reasoning_effort": "none"},
        warns=["clamped reasoning_effort"],
    ),
    Sends(57, "groq", "Qwen knows none and default", "qwen/qwen3-32b", {"reasoning_effort": "none"}, options={"reasoning_effort": "none"}),
    Sends(
        57, "groq", "and no other effort", "qwen/qwen3-32b", {"reasoning_effort": ABSENT}, options={"reasoning_effort": "high"},
        warns=["dropped reasoning_effort"],
    ),
    Sends(
        58, "together", "no empty list of calls", "meta/llama", {"messages": [USER, {"role": "assistant", "content": "one"}, MORE]},
        ask=["hi", _TOGETHER, "more"],
    ),
    Sends(58, "together", "a format is nested as OpenAI's", "meta/llama", {"response_format": SCHEMA}, options={"response_format": SCHEMA}),
    Reads(
        58, "together", "events without choices", "meta/llama", [{"choices": []}, event({"content": "hi"}, "eos")],
        {"text": "hi", "finish_reason": "stop", "finish_reason_raw": "eos"},
    ),
    Sends(58, "together", "usage comes unasked", "meta/llama", {"stream": True, "stream_options": ABSENT}, stream=True),
    Sends(58, "together", "it knows max_tokens only", "meta/llama", {"max_tokens": 9}, options={"max_tokens": 9}),
    Sends(59, "fireworks", "no unknown fields in messages", "accounts/fireworks/models/x", {"messages": [USER]}, ask=[_ODD], warns=["dropped messages.extra"]),
    Fails(
        59, "fireworks", "an overloaded server says 429", "accounts/fireworks/models/x", {"error": {"message": "server overloaded, please try again later"}},
        errors.RateLimitError, status=429, facts={"retryable": True},
    ),
    Sends(
        59, "fireworks", "its word for some tool is any", "accounts/fireworks/models/x", {"tool_choice": "any"},
        options={"tools": [TOOL], "tool_choice": "required"},
    ),
    Sends(
        59, "fireworks", "references are filled in, and strict is left out", "accounts/fireworks/models/x",
        {
            "tools": [
                {
                    "type": "function",
                    "function": {
                        "name": "add", "description": "Adds.",
                        "parameters": {
                            "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "properties": {"a": {"type": "integer"}},
                            "additionalProperties": False,
                        },
                    },
                },
            ],
        },
        options={"tools": [RICH]}, warns=["dropped strict"],
    ),
    Refuses(59, "fireworks", "files are refused", "accounts/fireworks/models/x", "messages", ask=[PDF]),
    Sends(
        60, "cerebras", "penalties are refused", "llama3.1-8b", {"presence_penalty": ABSENT}, options={"presence_penalty": 1},
        warns=["dropped presence_penalty"],
    ),
    Sends(60, "cerebras", "so are biases", "llama3.1-8b", {"logit_bias": ABSENT}, options={"logit_bias": {"1": 1}}, warns=["dropped logit_bias"]),
    Sends(60, "cerebras", "and tiers", "llama3.1-8b", {"service_tier": ABSENT}, options={"service_tier": "flex"}, warns=["dropped service_tier"]),
    Refuses(60, "cerebras", "there is one answer", "llama3.1-8b", "n", options={"n": 2}),
    Refuses(60, "cerebras", "a format cannot stand beside tools", "llama3.1-8b", "response_format", options={"response_format": STRICT, "tools": [TOOL]}),
    Sends(60, "cerebras", "a strict schema travels unchanged", "llama3.1-8b", {"response_format": STRICT}, options={"response_format": STRICT}),
    Sends(
        60, "cerebras", "gpt-oss cannot be told not to think", "gpt-oss-120b", {"reasoning_effort": "low"}, options={"reasoning_effort": "none"},
        warns=["clamped reasoning_effort"],
    ),
    Sends(
        60, "cerebras", "GLM wants its thoughts back in the text", "zai-glm-4.7",
        {"messages": [USER, {"role": "assistant", "content": "<think>hm</think>one"}, MORE]}, ask=SPOKEN,
    ),
    Fails(
        60, "cerebras", "its words for a prompt too long", "llama3.1-8b",
        {"message": "Please reduce the length of the messages or completion. Current length is 9000 while limit is 8192"}, errors.ContextLengthExceededError,
        status=400,
    ),
    Reads(
        60, "cerebras", "there is no end marker", "llama3.1-8b", [event({"content": "hi"}), event({}, "stop", usage=usage(1, 2, 3))],
        {"text": "hi", "finish_reason": "stop"},
    ),
    Refuses(61, "xai", "Grok 4 refuses stop", "grok-4-0709", "stop", options={"stop": "x"}),
    Sends(
        61, "xai", "and penalties", "grok-4-0709", {"presence_penalty": ABSENT, "frequency_penalty": ABSENT},
        options={"presence_penalty": 1, "frequency_penalty": 1}, warns=["dropped presence_penalty", "dropped frequency_penalty"],
    ),
    Sends(61, "xai", "and efforts", "grok-4-0709", {"reasoning_effort": ABSENT}, options={"reasoning_effort": "low"}, warns=["dropped reasoning_effort"]),
    Sends(61, "xai", "Grok 3 mini has efforts", "grok-3-mini", {"reasoning_effort": "low"}, options={"reasoning_effort": "low"}),
    Refuses(61, "xai", "but no stop", "grok-3-mini", "stop", options={"stop": "x"}),
    Reads(
        61, "xai", "reasoning is no part of the completion, and usage comes before an empty event", "grok-3-mini",
        [
            event(
                {"content": "hi"}, "stop",
                usage=usage(5, 7, 20, completion_tokens_details={"reasoning_tokens": 8}, prompt_tokens_details={"cached_tokens": 2, "text_tokens": 5}),
            ),
            {"choices": []},
        ],
        {"usage.completion_tokens": 15, "usage.total_tokens": 20, "usage.cached_tokens": 2, "usage.prompt_tokens": 5},
    ),
    Sends(
        61, "xai", "results come in the order of the calls", "grok-3",
        {"messages": [ASKED, {"role": "assistant", "content": None, "tool_calls": [wire_call("a"), wire_call("b")]}, RESULT_A, RESULT_B]}, ask=BOTH,
    ),
    Sends(61, "xai", "messages have no name", "grok-3", {"messages": [USER]}, ask=[{**USER, "name": "ann"}], warns=["dropped messages.name"]),
    Fails(
        61, "xai", "a bad key is a 400 with a text", "grok-3",
        {"code": "Client specified an invalid argument", "error": "Incorrect API key provided: sk***. You can obtain an API key from https://console.x.ai."},
        errors.AuthenticationError, status=400,
    ),
    Sends(62, "perplexity", "user and assistant alternate", "sonar", {"messages": [{"role": "user", "content": "a\n\nb"}]}, ask=AGAIN),
    Reads(
        62, "perplexity", "each event repeats the whole message and a running total, and there is no end marker", "sonar",
        [
            event({"content": "h"}, message={"content": "h"}, usage=usage(1, 1, 2)),
            event({"content": "i"}, "stop", message={"content": "hi"}, usage=usage(1, 2, 3, cost={"total_cost": 0.005})),
        ],
        {"text": "hi", "usage.total_tokens": 3, "usage.cost": Decimal("0.005")},
    ),
    Reads(
        62, "perplexity", "citations stand at the top", "sonar", completion(citations=["https://x.test"], search_results=[{"url": "https://x.test"}]),
        {"extra": {"citations": ["https://x.test"], "search_results": [{"url": "https://x.test"}]}},
    ),
    Reads(
        62, "perplexity", "sonar-reasoning thinks in the text", "sonar-reasoning", completion({"content": "<think>hm</think>hi"}),
        {"text": "hi", "reasoning": "hm"},
    ),
    Refuses(62, "perplexity", "there are no tools", "sonar", "tools", options={"tools": [TOOL]}),
    Refuses(62, "perplexity", "and no stop", "sonar", "stop", options={"stop": "x"}),
    Reads(63, "openrouter", "comments say that it works on it", "a/b", [b": OPENROUTER PROCESSING\n\n", event({"content": "hi"}, "stop")], {"text": "hi"}),
    Fails(63, "openrouter", "a 200 can be an error", "a/b", {"error": {"code": 429, "message": "Rate limit exceeded"}, "user_id": "u"}, errors.RateLimitError),
    Fails(
        63, "openrouter", "so can an event beside choices", "a/b",
        [event({"content": "h"}), event({"content": ""}, "error", error={"code": 502, "message": "Provider disconnected"})], errors.ProviderUnavailableError,
    ),
    Reads(63, "openrouter", "choices can be null for a while", "a/b", [{"choices": None}, event({"content": "hi"}, "stop")], {"text": "hi"}),
    Reads(
        63, "openrouter", "the host and the cost are told", "a/b", completion(provider="Cerebras", usage=usage(1, 2, 3, cost=0.5)),
        {"extra": {"upstream_provider": "Cerebras"}, "usage.total_tokens": 3, "usage.cost": Decimal("0.5")},
    ),
    Reads(
        63, "openrouter", "at times the whole answer stands where the host's name should", "a/b",
        {"id": None, "choices": None, "model": None, "provider": completion(provider="Google", usage=usage(1, 2, 3))},
        {"text": "hi", "id": "c1", "model": "m-1", "extra": {"upstream_provider": "Google"}, "usage.total_tokens": 3},
    ),
    Fails(
        63, "openrouter", "beside null an error still counts", "a/b", {"id": None, "choices": None, "error": {"code": 400, "message": "no"}, "user_id": "u"},
        errors.InvalidRequestError,
    ),
    Reads(
        63, "openrouter", "arguments can be null", "a/b",
        completion({"content": None, "tool_calls": [{"id": "a", "function": {"name": "now", "arguments": None}}]}, "tool_calls"), {"arguments": ["{}"]},
    ),
    Sends(63, "openrouter", "it wants max_tokens", "a/b", {"max_tokens": 9}, options={"max_tokens": 9}),
    Sends(
        63, "openrouter", "effort stands in an object", "a/b", {"reasoning": {"effort": "high"}, "reasoning_effort": ABSENT},
        options={"reasoning_effort": "high"},
    ),
    Sends(63, "openrouter", "so does a budget", "a/b", {"reasoning": {"max_tokens": 2048}}, options={"thinking": {"type": "enabled", "budget_tokens": 2048}}),
    Sends(63, "openrouter", "reasoning goes back", "a/b", {"messages": thought_call(reasoning="hm")}, ask=THOUGHT),
    Sends(63, "openrouter", "top_k is passed on", "a/b", {"top_k": 5}, options={"top_k": 5}),
)  # fmt: skip

_ENVELOPE: Final = {"success": True, "errors": [], "messages": [], "result": {"response": "hi", "usage": usage(1, 2, 3)}}

SERVERS: Final[tuple[Case, ...]] = (
    Reads(64, "vllm", "reasoning by its older name", "qwen", completion({"content": "hi", "reasoning_content": "hm"}), {"text": "hi", "reasoning": "hm"}),
    Reads(64, "vllm", "reasoning by its newer name", "qwen", [event({"reasoning": "hm"}), event({"content": "hi"}, "stop")], {"text": "hi", "reasoning": "hm"}),
    Sends(64, "vllm", "its own parameters go through extra", "qwen", {"guided_regex": "x", "top_k": 5}, options={"extra": {"guided_regex": "x"}, "top_k": 5}),
    Sends(64, "vllm", "templates know no developer", "qwen", {"messages": AS_SYSTEM}, ask=DEVELOPER),
    Reads(
        65, "openai_compatible", "all pieces of calls have the index 0", "qwen3",
        [
            event({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "add", "arguments": '{"a":1}'}}]}),
            event({"tool_calls": [{"index": 0, "id": "b", "function": {"name": "add", "arguments": '{"a":2}'}}]}, "tool_calls"),
        ],
        {"ids": ["a", "b"], "arguments": ['{"a":1}', '{"a":2}']},
    ),
    Reads(
        65, "openai_compatible", "arguments can be an object", "qwen3",
        completion({"content": "", "tool_calls": [{"id": "a", "function": {"name": "add", "arguments": {"a": 1}}}]}),
        {"arguments": ['{"a":1}'], "finish_reason": "tool_calls"},
    ),
    Reads(65, "openai_compatible", "a finish reason can be null to the end", "qwen3", [event({"content": "hi"})], {"text": "hi", "finish_reason": "unknown"}),
    Fails(
        66, "huggingface", "a model that wakes up says 503", "x/y", {"error": "Model x/y is currently loading", "estimated_time": 20.0},
        errors.ProviderUnavailableError, status=503, facts={"retryable": True},
    ),
    Fails(66, "huggingface", "an error can be a list", "x/y", {"error": ["Error in `parameters`: bad"]}, errors.InvalidRequestError, status=422),
    Sends(66, "huggingface", "it knows max_tokens only", "x/y", {"max_tokens": 9}, options={"max_tokens": 9}),
    Sends(
        66, "watsonx", "the project pays, the model has another name, the version is in the address", "ibm/granite",
        {"model_id": "ibm/granite", "model": ABSENT, "project_id": "p1", "max_tokens": 9}, options={"max_tokens": 9}, path="/ml/v1/text/chat",
        query={"version": "2024-03-13"},
    ),
    Sends(
        66, "watsonx", "streams have a path of their own", "ibm/granite", {"stream": ABSENT, "stream_options": ABSENT}, stream=True,
        path="/ml/v1/text/chat_stream", streams=True,
    ),
    Sends(
        66, "watsonx", "a choice in words has its own field", "ibm/granite", {"tool_choice_option": "required", "tool_choice": ABSENT},
        options={"tools": [TOOL], "tool_choice": "required"},
    ),
    Sends(
        66, "watsonx", "a named one has not", "ibm/granite", {"tool_choice": {"type": "function", "function": {"name": "add"}}},
        options={"tools": [TOOL], "tool_choice": "add"},
    ),
    Sends(
        66, "watsonx", "strict and additionalProperties are refused", "ibm/granite",
        {"response_format": {"type": "json_schema", "json_schema": {"name": "sum", "schema": {"type": "object"}}}},
        options={
            "response_format": {
                "type": "json_schema", "json_schema": {"name": "sum", "strict": True, "schema": {"type": "object", "additionalProperties": False}},
            },
        },
        warns=["dropped strict", "dropped schema.additionalProperties"],
    ),
    Reads(
        66, "databricks", "Claude's thoughts come in a list", "databricks-claude-3-7-sonnet",
        completion({"content": [{"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]}, {"type": "text", "text": "hi"}]}),
        {"text": "hi", "reasoning": "hm"},
    ),
    Reads(
        66, "databricks", "usage comes with every event", "databricks-claude-3-7-sonnet",
        [event({"content": "h"}, usage=usage(1, 1, 2)), event({"content": "i"}, "stop", usage=usage(1, 2, 3))], {"usage.total_tokens": 3},
    ),
    Sends(66, "databricks", "and is not asked for", "databricks-claude-3-7-sonnet", {"stream_options": ABSENT}, stream=True),
    Sends(
        66, "databricks", "each call has its own turn", "databricks-claude-3-7-sonnet",
        {
            "messages": [
                ASKED, {"role": "assistant", "content": None, "tool_calls": [wire_call("a")]}, RESULT_A,
                {"role": "assistant", "content": "", "tool_calls": [wire_call("b")]}, RESULT_B,
            ],
        },
        ask=BOTH,
    ),
    Sends(
        66, "databricks", "thinking is Anthropic's", "databricks-claude-3-7-sonnet", {"thinking": {"type": "enabled", "budget_tokens": 2048}},
        options={"thinking": {"type": "enabled", "budget_tokens": 2048}},
    ),
    Sends(
        66, "databricks", "penalties are none of its fields", "databricks-claude-3-7-sonnet", {"presence_penalty": ABSENT}, options={"presence_penalty": 1},
        warns=["dropped presence_penalty"],
    ),
    Sends(66, "snowflake", "Claude's effort stands in an object", "claude-sonnet-4-6", {"reasoning": {"effort": "low"}}, options={"reasoning_effort": "low"}),
    Sends(66, "snowflake", "OpenAI's models have it plain", "openai-gpt-5", {"reasoning_effort": "low"}, options={"reasoning_effort": "low"}),
    Sends(
        66, "snowflake", "others do not reason", "llama3.1-8b", {"reasoning_effort": ABSENT}, options={"reasoning_effort": "low"},
        warns=["dropped reasoning_effort"],
    ),
    Sends(
        66, "snowflake", "$schema is refused", "claude-sonnet-4-6",
        {"response_format": {"type": "json_schema", "json_schema": {"name": "sum", "schema": {"type": "object"}}}},
        options={"response_format": {"type": "json_schema", "json_schema": {"name": "sum", "schema": {"$schema": "x", "type": "object"}}}},
        warns=["dropped schema.$schema"],
    ),
    Refuses(66, "snowflake", "there is no stop", "llama3.1-8b", "stop", options={"stop": "x"}),
    Reads(66, "snowflake", "finish reasons can be empty", "llama3.1-8b", completion(finish=""), {"text": "hi", "finish_reason": "unknown"}),
    Reads(66, "cloudflare", "an answer can be wrapped", "@cf/meta/llama", _ENVELOPE, {"text": "hi", "usage.total_tokens": 3}),
    Fails(
        66, "cloudflare", "so can an error", "@cf/meta/llama",
        {"success": False, "errors": [{"code": 10000, "message": "Authentication error"}], "messages": [], "result": None}, errors.AuthenticationError,
        status=401,
    ),
    Reads(
        66, "cloudflare", "what a schema asked for comes as an object", "@cf/meta/llama", completion({"role": "assistant", "content": {"name": "Ada"}}),
        {"text": '{"name":"Ada"}'},
    ),
    Sends(66, "cloudflare", "it knows max_tokens only", "@cf/meta/llama", {"max_tokens": 9}, options={"max_tokens": 9}),
    Reads(
        66, "github_copilot", "reasoning has a name of its own", "claude-sonnet-4.5",
        completion({"role": "assistant", "content": "hi", "reasoning_text": "hm"}), {"text": "hi", "reasoning": "hm"},
    ),
    Reads(
        66, "github_copilot", "in streams too", "claude-sonnet-4.5",
        [event({"reasoning_text": "h"}), event({"reasoning_text": "m"}), event({"content": "hi"}, "stop")],
        {"text": "hi", "reasoning": "hm"},
    ),
    Sends(66, "github_copilot", "and goes back under it", "claude-sonnet-4.5", {"messages": thought_call(reasoning_text="hm")}, ask=THOUGHT),
    Sends(66, "github_copilot", "images need a header", "gpt-4o", {}, ask=[PICTURE], headers={"Copilot-Vision-Request": "true"}),
    Sends(66, "github_copilot", "texts do not", "gpt-4o", {}, headers={}),
    Signs(67, "llama_cpp", "no key is needed, and none is made up", {"Authorization": ""}, settings={"api_key": None}),
    Signs(67, "llama_cpp", "one that is given is sent", {"Authorization": "Bearer key-1"}),
    Fails(67, "openai_compatible", "an empty finish reason at the end neither", "m", [event({"content": "h"}, "")], errors.StreamTruncatedError, whole=False),
    Reads(
        67, "openai_compatible", "an empty finish reason is no end", "m", [event({"content": "h"}, ""), event({"content": "i"}, "stop")],
        {"text": "hi", "finish_reason": "stop"},
    ),
)  # fmt: skip
