"""Who takes part when a conversation changes its provider: an answer of each, as it comes on the wire, and how to read what each is sent.

Nothing here knows llmclient's dialects: what goes out is read by the vendors' documents.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

THOUGHT: Final = "The user wants the weather, so I must call the tool for both cities."
SPOKEN: Final = "Let me look."
NAME: Final = "get_weather"
ARGUMENTS: Final = ({"city": "Paris"}, {"city": "Oslo"})

Wire = Mapping[str, Any]


@attrs.frozen
class Sent:
    """The calls and results in a request, in their order."""

    calls: tuple[tuple[str | None, str, Any], ...]
    """Id (None where the wire has none), name and arguments."""
    results: tuple[tuple[str | None, str], ...]
    """Id of the call, or the name where the wire has no ids, and all that was sent as the result, as text."""


@attrs.frozen
class Party:
    """A provider that answers first, or goes on."""

    adapter: str
    model: str
    answer: Wire
    """With reasoning, a text and two calls at once."""
    secrets: tuple[str, ...]
    """What only this provider understands."""
    read: Callable[[Wire], Sent]
    api: str | None = None
    own: tuple[str, ...] = ()
    """What of it must come back to the provider itself."""
    by_name: bool = False
    """Whether results are matched by name and order."""


def _openai(body: Wire) -> Sent:
    calls, results = [], []
    for message in body["messages"]:
        for call in message.get("tool_calls") or ():
            arguments = call["function"]["arguments"]
            calls.append((call.get("id"), call["function"]["name"], json.loads(arguments) if isinstance(arguments, str) else arguments))
        if message["role"] == "tool":
            results.append((message.get("tool_call_id") or message.get("tool_name"), json.dumps(message["content"])))
    return Sent(tuple(calls), tuple(results))


def _anthropic(body: Wire) -> Sent:
    blocks = [block for message in body["messages"] if not isinstance(message["content"], str) for block in message["content"]]
    calls = [(block["id"], block["name"], block["input"]) for block in blocks if block["type"] == "tool_use"]
    results = [(block["tool_use_id"], json.dumps(block["content"])) for block in blocks if block["type"] == "tool_result"]
    return Sent(tuple(calls), tuple(results))


def _gemini(body: Wire) -> Sent:
    parts = [part for content in body["contents"] for part in content["parts"]]
    calls = [part["functionCall"] for part in parts if "functionCall" in part]
    results = [part["functionResponse"] for part in parts if "functionResponse" in part]
    return Sent(
        tuple((call.get("id"), call["name"], call["args"]) for call in calls),
        tuple((result.get("id") or result["name"], json.dumps(result["response"])) for result in results),
    )


def _bedrock(body: Wire) -> Sent:
    blocks = [block for message in body["messages"] for block in message["content"]]
    calls = [block["toolUse"] for block in blocks if "toolUse" in block]
    results = [block["toolResult"] for block in blocks if "toolResult" in block]
    return Sent(
        tuple((call["toolUseId"], call["name"], call["input"]) for call in calls),
        tuple((result["toolUseId"], json.dumps(result["content"])) for result in results),
    )


def _responses(body: Wire) -> Sent:
    items = body["input"]
    calls = [item for item in items if item.get("type") == "function_call"]
    results = [item for item in items if item.get("type") == "function_call_output"]
    return Sent(
        tuple((call["call_id"], call["name"], json.loads(call["arguments"])) for call in calls),
        tuple((result["call_id"], json.dumps(result["output"])) for result in results),
    )


def _calls(ids: tuple[str, str], *, text: bool = True) -> list[Wire]:
    """Return both calls in OpenAI's shape."""
    return [
        {"id": name, "type": "function", "function": {"name": NAME, "arguments": json.dumps(arguments) if text else arguments}}
        for name, arguments in zip(ids, ARGUMENTS, strict=True)
    ]


_OPENAI_USAGE: Final = {"prompt_tokens": 90, "completion_tokens": 60, "total_tokens": 150}

PARTIES: Final[Mapping[str, Party]] = {
    "openai": Party(
        "openrouter", "anthropic/claude-sonnet-4.5",
        {
            "id": "gen-1", "object": "chat.completion", "created": 1767213401, "model": "anthropic/claude-sonnet-4.5", "provider": "Anthropic",
            "choices": [
                {
                    "index": 0, "finish_reason": "tool_calls", "native_finish_reason": "tool_use",
                    "message": {
                        "role": "assistant", "content": SPOKEN, "reasoning": THOUGHT, "tool_calls": _calls(("toolu_vrtx_01", "toolu_vrtx_02")),
                        "reasoning_details": [
                            {"type": "reasoning.text", "text": THOUGHT, "signature": "c2lnLW9wZW5yb3V0ZXI=", "format": "anthropic-claude-v1", "index": 0},
                            {"type": "reasoning.encrypted", "data": "ZW5jLW9wZW5yb3V0ZXI=", "format": "anthropic-claude-v1", "index": 1},
                        ],
                    },
                }
            ],
            "usage": _OPENAI_USAGE,
        },
        ("c2lnLW9wZW5yb3V0ZXI=", "ZW5jLW9wZW5yb3V0ZXI=", "reasoning_details"), _openai, own=("c2lnLW9wZW5yb3V0ZXI=", "ZW5jLW9wZW5yb3V0ZXI="),
    ),
    "openai (deepseek)": Party(
        "deepseek", "deepseek-v4-flash",
        {
            "id": "d1", "object": "chat.completion", "created": 1767213401, "model": "deepseek-v4-flash",
            "choices": [
                {
                    "index": 0, "finish_reason": "tool_calls",
                    "message": {"role": "assistant", "content": SPOKEN, "reasoning_content": THOUGHT, "tool_calls": _calls(("call_00_a1", "call_01_b2"))},
                }
            ],
            "usage": _OPENAI_USAGE,
        },
        (), _openai, own=(THOUGHT,),
    ),
    "openai (github_copilot)": Party(
        "github_copilot", "claude-sonnet-4.5",
        {
            "id": "g1", "created": 1767213401, "model": "claude-sonnet-4.5",
            "choices": [
                {
                    "index": 0, "finish_reason": "tool_calls",
                    "message": {
                        "role": "assistant", "content": SPOKEN, "reasoning_text": THOUGHT, "reasoning_opaque": "enc-copilot",
                        "tool_calls": [{**call, "extra_content": {"google": {"sig": "sig-copilot"}}} for call in _calls(("tooluse_a", "tooluse_b"))],
                    },
                }
            ],
            "usage": _OPENAI_USAGE,
        },
        ("enc-copilot", "sig-copilot", "reasoning_opaque"), _openai, own=(THOUGHT, "enc-copilot", "sig-copilot"),
    ),
    "responses": Party(
        "openai", "gpt-5",
        {
            "id": "resp_1", "object": "response", "created_at": 1767213401, "status": "completed", "model": "gpt-5-2025-08-07",
            "output": [
                {"id": "rs_0123", "type": "reasoning", "summary": [{"type": "summary_text", "text": THOUGHT}], "encrypted_content": "gAAAAAenc-responses"},
                {
                    "id": "msg_0123", "type": "message", "role": "assistant", "status": "completed",
                    "content": [{"type": "output_text", "text": SPOKEN, "annotations": [], "logprobs": []}],
                },
                *(
                    {"id": f"fc_{n}", "type": "function_call", "status": "completed", "call_id": f"call_{n}", "name": NAME, "arguments": json.dumps(arguments)}
                    for n, arguments in enumerate(ARGUMENTS)
                ),
            ],
            "usage": {"input_tokens": 90, "output_tokens": 60, "total_tokens": 150, "output_tokens_details": {"reasoning_tokens": 20}},
        },
        ("gAAAAAenc-responses", "rs_0123", "msg_0123", "fc_0"), _responses, api="responses", own=("gAAAAAenc-responses", "rs_0123"),
    ),
    "anthropic": Party(
        "anthropic", "claude-sonnet-4-5",
        {
            "id": "msg_01", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5-20250929", "stop_reason": "tool_use", "stop_sequence": None,
            "content": [
                {"type": "thinking", "thinking": THOUGHT, "signature": "EqsBsig-anthropic"},
                {"type": "redacted_thinking", "data": "EmwKred-anthropic"},
                {"type": "text", "text": SPOKEN},
                *({"type": "tool_use", "id": f"toolu_0{index}", "name": NAME, "input": arguments} for index, arguments in enumerate(ARGUMENTS)),
            ],
            "usage": {"input_tokens": 90, "output_tokens": 60, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0},
        },
        ("EqsBsig-anthropic", "EmwKred-anthropic", "redacted_thinking"), _anthropic, own=("EqsBsig-anthropic", "EmwKred-anthropic"),
    ),
    "gemini": Party(
        "gemini", "gemini-3-pro-preview",
        {
            "candidates": [
                {
                    "index": 0, "finishReason": "STOP",
                    "content": {
                        "role": "model",
                        "parts": [
                            {"text": THOUGHT, "thought": True},
                            {"text": SPOKEN},
                            {"functionCall": {"name": NAME, "args": ARGUMENTS[0]}, "thoughtSignature": "c2lnLWdlbWluaQ=="},
                            {"functionCall": {"name": NAME, "args": ARGUMENTS[1]}},
                        ],
                    },
                }
            ],
            "usageMetadata": {"promptTokenCount": 90, "candidatesTokenCount": 40, "thoughtsTokenCount": 20, "totalTokenCount": 150},
            "modelVersion": "gemini-3-pro-preview", "responseId": "r1",
        },
        ("c2lnLWdlbWluaQ==",), _gemini, own=("c2lnLWdlbWluaQ==",), by_name=True,
    ),
    "bedrock": Party(
        "bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        {
            "output": {
                "message": {
                    "role": "assistant",
                    "content": [
                        {"reasoningContent": {"reasoningText": {"text": THOUGHT, "signature": "EtEBsig-bedrock"}}},
                        {"text": SPOKEN},
                        *({"toolUse": {"toolUseId": f"tooluse_{index}", "name": NAME, "input": arguments}} for index, arguments in enumerate(ARGUMENTS)),
                    ],
                }
            },
            "stopReason": "tool_use", "usage": {"inputTokens": 90, "outputTokens": 60, "totalTokens": 150}, "metrics": {"latencyMs": 900},
        },
        ("EtEBsig-bedrock", "reasoningContent"), _bedrock, own=("EtEBsig-bedrock",),
    ),
    "cohere": Party(
        "cohere", "command-a-reasoning-08-2025",
        {
            "id": "c1", "finish_reason": "TOOL_CALL",
            "message": {
                "role": "assistant", "content": [{"type": "thinking", "thinking": THOUGHT}, {"type": "text", "text": SPOKEN}],
                "tool_calls": _calls(("get_weather_aa11bb22", "get_weather_cc33dd44")),
            },
            "usage": {"billed_units": {"input_tokens": 40.0, "output_tokens": 60.0}, "tokens": {"input_tokens": 90.0, "output_tokens": 60.0}},
        },
        (), _openai, own=(THOUGHT,),
    ),
    "mistral": Party(
        "mistral", "magistral-medium-latest",
        {
            "id": "m1", "object": "chat.completion", "created": 1767213401, "model": "magistral-medium-latest",
            "choices": [
                {
                    "index": 0, "finish_reason": "tool_calls",
                    "message": {
                        "role": "assistant", "tool_calls": _calls(("D681PevKs", "a9ZbXk3Qw")),
                        "content": [{"type": "thinking", "thinking": [{"type": "text", "text": THOUGHT}]}, {"type": "text", "text": SPOKEN}],
                    },
                }
            ],
            "usage": _OPENAI_USAGE,
        },
        (), _openai, own=(THOUGHT,),
    ),
    "ollama": Party(
        "ollama", "qwen3",
        {
            "model": "qwen3", "created_at": "2026-01-01T00:00:00Z",
            "message": {
                "role": "assistant", "content": SPOKEN, "thinking": THOUGHT,
                "tool_calls": [{"function": {"name": NAME, "arguments": arguments}} for arguments in ARGUMENTS],
            },
            "done": True, "done_reason": "stop", "prompt_eval_count": 90, "eval_count": 60,
        },
        (), _openai, own=(THOUGHT,), by_name=True,
    ),
}  # fmt: skip
"""One for each dialect of chat; those of adapters that are not there are left out by the tests."""
