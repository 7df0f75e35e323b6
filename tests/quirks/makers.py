"""The numbered quirks of those who make models and speak OpenAI's dialect: OpenAI and the Chinese ones."""

from __future__ import annotations

from typing import Final

from llmclient import errors
from llmclient.types.messages import Text
from tests.quirks.cases import ABSENT, Case, Fails, Reads, Refuses, Sends
from tests.quirks.probes import SCHEMA, TOOL
from tests.quirks.samples import (
    AS_SYSTEM,
    DEVELOPER,
    FORMAT,
    MORE,
    PDF,
    REMOTE_PDF,
    SOUND,
    SPOKEN,
    STRICT,
    THOUGHT,
    THOUGHTLESS,
    USER,
    completion,
    event,
    thought_call,
    usage,
)

OPENAI: Final[tuple[Case, ...]] = (
    Sends(1, "openai", "reasoning models refuse max_tokens", "o3", {"max_completion_tokens": 9, "max_tokens": ABSENT}, options={"max_tokens": 9}),
    Sends(2, "openai", "no sampling while o3 reasons", "o3", {"temperature": ABSENT}, options={"temperature": 0}, warns=["dropped temperature"]),
    Sends(
        2, "openai", "no sampling while gpt-5.1 reasons", "gpt-5.1", {"top_p": ABSENT}, options={"top_p": 0.5, "reasoning_effort": "low"},
        warns=["dropped top_p"],
    ),
    Sends(
        2, "openai", "sampling at the effort none", "gpt-5.1", {"top_p": 0.5, "reasoning_effort": "none"}, options={"top_p": 0.5, "reasoning_effort": "none"},
    ),
    Sends(2, "openai", "gpt-5.6 reasons by default", "gpt-5.6", {"temperature": ABSENT}, options={"temperature": 1}, warns=["dropped temperature"]),
    Sends(
        3, "openai", "minimal is no effort of gpt-5.6", "gpt-5.6", {"reasoning_effort": "low"}, options={"reasoning_effort": "minimal"},
        warns=["clamped reasoning_effort"],
    ),
    Sends(
        3, "openai", "xhigh is no effort of gpt-5", "gpt-5", {"reasoning_effort": "high"}, options={"reasoning_effort": "xhigh"},
        warns=["clamped reasoning_effort"],
    ),
    Sends(
        3, "openai", "gpt-5-chat does not reason", "gpt-5-chat-latest", {"reasoning_effort": ABSENT}, options={"reasoning_effort": "low"},
        warns=["dropped reasoning_effort"],
    ),
    Sends(
        3, "openai", "gpt-5.1-chat knows medium only", "gpt-5.1-chat-latest", {"reasoning_effort": "medium"}, options={"reasoning_effort": "high"},
        warns=["clamped reasoning_effort"],
    ),
    Sends(
        3, "openai", "xhigh is one of gpt-5.2", "gpt-5.2", {"reasoning_effort": "xhigh"}, options={"reasoning_effort": "xhigh"},
    ),
    Sends(4, "openai", "o-series models know developers", "o3", {"messages": [DEVELOPER[0], USER]}, ask=DEVELOPER),
    Sends(4, "openai", "o1-mini knows users only", "o1-mini", {"messages": [{"role": "user", "content": "Be brief."}, USER]}, ask=DEVELOPER),
    Sends(
        4, "openai", "o1-mini knows no system message", "o1-mini", {"messages": [{"role": "user", "content": "Be brief."}, USER]},
        options={"system": "Be brief."},
    ),
    Sends(5, "openai", "a strict schema is the caller's, and travels unchanged", "gpt-4o", {"response_format": STRICT}, options={"response_format": STRICT}),
    Sends(
        6, "openai", "parallel_tool_calls needs tools", "gpt-4o", {"parallel_tool_calls": ABSENT}, options={"parallel_tool_calls": False},
        warns=["dropped parallel_tool_calls"],
    ),
    Sends(6, "openai", "with tools it goes out", "gpt-4o", {"parallel_tool_calls": False}, options={"parallel_tool_calls": False, "tools": [TOOL]}),
    Fails(
        7, "openai", "json_object needs the word json among the messages", "gpt-4o",
        {"error": {"message": "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.", "param": "messages"}},
        errors.InvalidRequestError, status=400, facts={"retryable": False},
    ),
    Sends(8, "openai", "usage in a stream must be asked for", "gpt-4o", {"stream": True, "stream_options": {"include_usage": True}}, stream=True),
    Reads(
        8, "openai", "usage comes last, without choices", "gpt-4o", [event({"content": "hi"}, "stop"), {"choices": [], "usage": usage(1, 2, 3)}],
        {"text": "hi", "usage.total_tokens": 3},
    ),
    Refuses(9, "openai", "files are taken as bytes, not by address", "gpt-4o", "messages", ask=[REMOTE_PDF]),
    Fails(
        11, "openai", "an error within a stream has its own class", "gpt-4o",
        [event({"content": "h"}), {"error": {"message": "slow down", "type": "requests", "code": "rate_limit_exceeded"}}], errors.RateLimitError,
    ),
    Reads(
        11, "openai", "a refusal is told as such", "gpt-4o", completion({"role": "assistant", "content": None, "refusal": "No."}),
        {"text": "", "finish_reason": "content_filter"},
    ),
    Fails(
        11, "openai", "no money is no reason to try again", "gpt-4o", {"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}},
        errors.QuotaExceededError, status=429, facts={"retryable": False},
    ),
    Fails(12, "openai", "a page of HTML is no answer", "gpt-4o", b"<!doctype html><title>Hi</title>", errors.ResponseParsingError),
    Fails(12, "openai", "plain text is no answer", "gpt-4o", b"upstream connect error", errors.ResponseParsingError),
)  # fmt: skip

CHINA: Final[tuple[Case, ...]] = (
    Sends(52, "deepseek", "it knows max_tokens only", "deepseek-v4-flash", {"max_tokens": 9}, options={"max_tokens": 9}),
    Sends(52, "deepseek", "reasoning must come back with a call", "deepseek-v4-flash", {"messages": thought_call(reasoning_content="hm")}, ask=THOUGHT),
    Reads(
        52, "deepseek", "blank lines come before the JSON", "deepseek-v4-flash",
        b"\n\n\n" + b'{"choices":[{"message":{"content":"hi"},"finish_reason":"stop"}]}', {"text": "hi"},
    ),
    Reads(52, "deepseek", "comments keep a stream alive", "deepseek-v4-flash", [b": keep-alive\n\n", event({"content": "hi"}, "stop")], {"text": "hi"}),
    Refuses(
        52, "deepseek", "no call can be forced while it thinks", "deepseek-v4-flash", "tool_choice",
        options={"tools": [TOOL], "tool_choice": "required", "reasoning_effort": "high"},
    ),
    Refuses(52, "deepseek", "nor that of a named tool", "deepseek-reasoner", "tool_choice", options={"tools": [TOOL], "tool_choice": "add"}),
    Sends(52, "deepseek", "without thinking it can", "deepseek-v4-flash", {"tool_choice": "required"}, options={"tools": [TOOL], "tool_choice": "required"}),
    Refuses(52, "deepseek", "there is json_object only", "deepseek-v4-flash", "response_format", options={"response_format": SCHEMA}),
    Reads(
        52, "deepseek", "cached tokens have a name of their own", "deepseek-v4-flash", completion(usage=usage(9, 1, 10, prompt_cache_hit_tokens=4)),
        {"usage.cached_tokens": 4},
    ),
    Sends(
        52, "deepseek", "sampling is lost while it thinks", "deepseek-v4-flash", {"temperature": ABSENT}, options={"temperature": 1, "reasoning_effort": "max"},
        warns=["dropped temperature"],
    ),
    Sends(
        52, "deepseek", "deepseek-reasoner always thinks", "deepseek-reasoner", {"temperature": ABSENT}, options={"temperature": 1},
        warns=["dropped temperature"],
    ),
    Sends(
        52, "deepseek", "an effort also switches", "deepseek-v4-flash", {"thinking": {"type": "enabled"}, "reasoning_effort": "max"},
        options={"reasoning_effort": "max"},
    ),
    Sends(
        52, "deepseek", "none switches off", "deepseek-v4-flash", {"thinking": {"type": "disabled"}, "reasoning_effort": ABSENT},
        options={"reasoning_effort": "none"},
    ),
    Sends(
        52, "deepseek", "there is a switch and no budget", "deepseek-v4-flash", {"thinking": {"type": "enabled"}},
        options={"thinking": {"type": "enabled", "budget_tokens": 2048}}, warns=["dropped thinking.budget_tokens"],
    ),
    Sends(
        52, "deepseek", "a user's text is a string", "deepseek-v4-flash", {"messages": [{"role": "user", "content": "ab"}]},
        ask=[{"role": "user", "content": [Text("a"), Text("b")]}],
    ),
    Sends(52, "deepseek", "it knows no developer", "deepseek-v4-flash", {"messages": AS_SYSTEM}, ask=DEVELOPER),
    Sends(53, "moonshot", "temperature ends at 1", "moonshot-v1-8k", {"temperature": 1}, options={"temperature": 1.5}, warns=["clamped temperature"]),
    Sends(
        53, "moonshot", "several answers need some temperature", "moonshot-v1-8k", {"temperature": 0.3, "n": 2}, options={"temperature": 0.1, "n": 2},
        warns=["clamped temperature"],
    ),
    Sends(
        53, "moonshot", "a reasoning model has its own temperature", "kimi-k2.6", {"temperature": ABSENT}, options={"temperature": 0.5},
        warns=["dropped temperature"],
    ),
    Refuses(53, "moonshot", "no call can be forced", "kimi-k2.6", "tool_choice", options={"tools": [TOOL], "tool_choice": "required"}),
    Sends(53, "moonshot", "a call needs reasoning", "kimi-k2.6", {"messages": thought_call(reasoning_content="hm")}, ask=THOUGHT),
    Sends(53, "moonshot", "if only a blank", "kimi-k2.6", {"messages": thought_call(reasoning_content=" ")}, ask=THOUGHTLESS),
    Sends(
        53, "moonshot", "none is no effort of K3", "kimi-k3", {"reasoning_effort": "low"}, options={"reasoning_effort": "none"},
        warns=["clamped reasoning_effort"],
    ),
    Sends(53, "moonshot", "K2.6 has a switch", "kimi-k2.6", {"thinking": {"type": "disabled"}}, options={"reasoning_effort": "none"}),
    Sends(
        53, "moonshot", "an answer is gone on with by partial", "moonshot-v1-8k", {"messages": [USER, {"role": "assistant", "content": "I", "partial": True}]},
        ask=["hi", {"role": "assistant", "content": "I"}],
    ),
    Reads(
        53, "moonshot", "usage stands in the last choice", "kimi-k2.6",
        [event({"content": "hi"}), {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop", "usage": usage(1, 2, 3, cached_tokens=1)}]}],
        {"usage.total_tokens": 3, "usage.cached_tokens": 1},
    ),
    Sends(
        53, "moonshot", "logit_bias is none of its fields", "moonshot-v1-8k", {"logit_bias": ABSENT}, options={"logit_bias": {"1": 1}},
        warns=["dropped logit_bias"],
    ),
    Sends(54, "dashscope", "open models can think in streams only", "qwen3-32b", {"stream": True}, streams=True),
    Sends(54, "dashscope", "some models can only stream", "qwq-plus", {"stream": True, "stream_options": {"include_usage": True}}, streams=True),
    Sends(54, "dashscope", "others need not", "qwen-plus", {"stream": ABSENT}, streams=False),
    Sends(
        54, "dashscope", "thinking is a switch", "qwen-plus", {"enable_thinking": True}, options={"reasoning_effort": "high"}, warns=["moved reasoning_effort"],
    ),
    Sends(
        54, "dashscope", "with a budget", "qwen-plus", {"enable_thinking": True, "thinking_budget": 2048},
        options={"thinking": {"type": "enabled", "budget_tokens": 2048}},
    ),
    Refuses(54, "dashscope", "files are refused", "qwen-plus", "messages", ask=[PDF]),
    Sends(
        54, "dashscope", "a recording is an address with data in it", "qwen3-omni-flash",
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "a"}, {"type": "input_audio", "input_audio": {"data": "data:audio/wav;base64,UklGRg==", "format": "wav"}},
                    ],
                },
            ],
        },
        ask=[SOUND], streams=True,
    ),
    Fails(
        54, "dashscope", "a 200 can hold an error", "qwen-plus",
        {"code": "Arrearage", "message": "Access denied, please make sure your account is in good standing.", "request_id": "r"}, errors.QuotaExceededError,
    ),
    Refuses(
        54, "dashscope", "no call can be forced while it thinks", "qwen-plus", "tool_choice",
        options={"tools": [TOOL], "tool_choice": "add", "reasoning_effort": "high"},
    ),
    Sends(54, "dashscope", "max_tokens and top_k are documented", "qwen-plus", {"max_tokens": 9, "top_k": 5}, options={"max_tokens": 9, "top_k": 5}),
    Fails(
        55, "minimax", "a 200 can hold a code", "MiniMax-M2", {"choices": None, "base_resp": {"status_code": 1004, "status_msg": "login fail"}},
        errors.AuthenticationError,
    ),
    Fails(
        55, "minimax", "1008 is no server's failure", "MiniMax-M2", {"choices": None, "base_resp": {"status_code": 1008, "status_msg": "x"}},
        errors.QuotaExceededError, facts={"retryable": False},
    ),
    Reads(55, "minimax", "the code 0 is a success", "MiniMax-M2", completion(base_resp={"status_code": 0, "status_msg": ""}), {"text": "hi"}),
    Reads(
        55, "minimax", "some events have no delta, or only usage", "MiniMax-M2", [event(None), event({"content": "hi"}, "stop"), {"usage": usage(1, 2, 3)}],
        {"text": "hi", "usage.total_tokens": 3},
    ),
    Reads(
        55, "minimax", "thoughts stand in the text", "MiniMax-M2", completion({"role": "assistant", "content": "<think>hm</think>\n\nhi"}),
        {"text": "hi", "reasoning": "hm"},
    ),
    Sends(55, "minimax", "and go back there", "MiniMax-M2", {"messages": [USER, {"role": "assistant", "content": "<think>hm</think>one"}, MORE]}, ask=SPOKEN),
    Sends(55, "minimax", "0 is no temperature", "MiniMax-M2", {"temperature": 0.01}, options={"temperature": 0}, warns=["clamped temperature"]),
    Sends(55, "minimax", "nor is 1.5", "MiniMax-M2", {"temperature": 1}, options={"temperature": 1.5}, warns=["clamped temperature"]),
    Refuses(55, "minimax", "there is one answer", "MiniMax-M2", "n", options={"n": 2}),
    Refuses(55, "minimax", "answers are not formatted", "MiniMax-M2", "response_format", options={"response_format": FORMAT}),
    Sends(
        56, "zai", "thinking is an object", "glm-4.7", {"thinking": {"type": "enabled"}}, options={"reasoning_effort": "high"},
        warns=["moved reasoning_effort"],
    ),
    Sends(
        56, "zai", "GLM-5.2 has low, high and max", "glm-5.2", {"thinking": {"type": "enabled"}, "reasoning_effort": "low"},
        options={"reasoning_effort": "medium"}, warns=["clamped reasoning_effort"],
    ),
    Sends(
        56, "zai", "a small effort does not switch thinking off", "glm-5.2", {"thinking": {"type": "enabled"}, "reasoning_effort": "low"},
        options={"reasoning_effort": "minimal"}, warns=["clamped reasoning_effort"],
    ),
    Sends(56, "zai", "none switches it off", "glm-5.2", {"thinking": {"type": "disabled"}}, options={"reasoning_effort": "none"}),
    Reads(56, "zai", "sensitive is a filter", "glm-4.7", completion(finish="sensitive"), {"finish_reason": "content_filter", "finish_reason_raw": "sensitive"}),
    Reads(
        56, "zai", "a network error is no stop", "glm-4.7", completion(finish="network_error"),
        {"finish_reason": "error", "finish_reason_raw": "network_error"},
    ),
    Fails(
        56, "zai", "nor is one without a word", "glm-4.7", completion({"role": "assistant", "content": ""}, finish="network_error"),
        errors.ProviderUnavailableError,
    ),
    Refuses(56, "zai", "tools are chosen by the model", "glm-4.7", "tool_choice", options={"tools": [TOOL], "tool_choice": "required"}),
    Refuses(56, "zai", "always", "glm-4.7", "tool_choice", options={"tools": [TOOL], "tool_choice": "add"}),
    Refuses(56, "zai", "there is one stop", "glm-4.7", "stop", options={"stop": ["a", "b"]}),
    Sends(56, "zai", "user has another name", "glm-4.7", {"user_id": "u", "user": ABSENT}, options={"user": "u"}),
    Sends(56, "zai", "the seed is none of its fields", "glm-4.7", {"seed": ABSENT}, options={"seed": 7}, warns=["dropped seed"]),
    Sends(56, "zhipu", "thinking is an object", "glm-4.7", {"thinking": {"type": "disabled"}}, options={"thinking": {"type": "disabled"}}),
    Sends(56, "zhipu", "temperature ends at 1", "glm-4.7", {"temperature": 1}, options={"temperature": 2}, warns=["clamped temperature"]),
    Refuses(56, "zhipu", "tools are chosen by the model", "glm-4.7", "tool_choice", options={"tools": [TOOL], "tool_choice": "required"}),
)  # fmt: skip
