"""The numbered quirks of Anthropic's Messages API."""

from __future__ import annotations

from typing import Any, Final

from llmclient import errors
from llmclient.types.messages import FunctionCall, Message, ReasoningBlock, ToolCall
from llmclient.types.tokens import CountTokensRequest
from tests.quirks.cases import ABSENT, Asks, Case, Fails, GoesBack, Reads, Refuses, Sends, Signs
from tests.quirks.probes import TOOL
from tests.quirks.samples import BOTH, RESULT_A, USER

OLD: Final = "claude-haiku-4-5"
"""Thinks by a budget, and takes sampling parameters."""
NEW: Final = "claude-opus-4-7"
"""Thinks by an effort of its own, and takes none."""
UNFORCED: Final = "claude-opus-5-5"
THINKING: Final = {"type": "enabled", "budget_tokens": 2048}
_SHAPE: Final = {"type": "object", "properties": {"a": {"type": "object", "properties": {"b": {"type": "integer"}}}}}
_CLOSED: Final = {
    "type": "object", "properties": {"a": {"type": "object", "properties": {"b": {"type": "integer"}}, "additionalProperties": False}},
    "additionalProperties": False,
}  # fmt: skip
_FORMAT: Final = {"type": "json_schema", "json_schema": {"name": "sum", "schema": _SHAPE}}
_MARK: Final = {"cache_control": {"type": "ephemeral"}}
_MARKED: Final = [{"role": "user", "content": [{"type": "text", "text": str(number), **_MARK} for number in range(5)]}]
_LATER: Final = {"name": "find", "input_schema": {"type": "object"}, "type": "custom", "defer_loading": True}
_SEARCH: Final = {"type": "web_search_20250305", "name": "web_search"}
_USAGE: Final = {"input_tokens": 5, "cache_read_input_tokens": 3, "cache_creation_input_tokens": 2, "output_tokens": 7}
_THOUGHT: Final = {"type": "thinking", "thinking": "hm", "signature": "s1"}
_HIDDEN: Final = {"type": "redacted_thinking", "data": "xx"}
_CALL: Final = {"type": "tool_use", "id": "a", "name": "add", "input": {"a": 1}}
_DONE: Final = {"type": "tool_result", "tool_use_id": "a", "content": "A"}
_FOREIGN: Final = Message("assistant", "one", reasoning=(ReasoningBlock("hm", "s1", provider="openai"),))


def message(*content: Any, stop: str = "end_turn", **top: Any) -> dict[str, Any]:
    """Return a parsed answer."""
    return {"type": "message", "id": "m1", "role": "assistant", "content": list(content), "stop_reason": stop, "usage": _USAGE, **top}


def said(text: str) -> dict[str, Any]:
    """Return a block of text."""
    return {"type": "text", "text": text}


def start(**usage: Any) -> dict[str, Any]:
    """Return the first event of a stream."""
    return {"type": "message_start", "message": {"id": "m1", "role": "assistant", "content": [], "usage": usage}}


def piece(text: str) -> dict[str, Any]:
    """Return an event with a piece of text."""
    return {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}


OPEN: Final = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
CLOSE: Final = {"type": "content_block_stop", "index": 0}


def ending(stop: str = "end_turn", **usage: Any) -> dict[str, Any]:
    """Return the event that tells how an answer ended."""
    return {"type": "message_delta", "delta": {"stop_reason": stop}, "usage": usage}


CLAUDE: Final[tuple[Case, ...]] = (
    Sends(18, "anthropic", "an answer has a cap", OLD, {"max_tokens": 4096}),
    Sends(18, "anthropic", "the system prompt stands by itself", OLD, {"system": "Be brief.", "messages": [USER]}, options={"system": "Be brief."}),
    Sends(18, "anthropic", "the version is a header", OLD, {"anthropic_version": ABSENT}, headers={"anthropic-version": "2023-06-01"}),
    Sends(
        18, "anthropic", "so are betas", OLD, {"anthropic_beta": ABSENT}, options={"headers": {"anthropic-beta": "a, b"}},
        headers={"anthropic-version": "2023-06-01", "anthropic-beta": "a,b"},
    ),
    Sends(18, "vertex_ai_anthropic", "or fields, on Vertex AI", OLD, {"anthropic_version": "vertex-2023-10-16", "model": ABSENT}, headers={}),
    Sends(
        18, "azure_openai", "Azure's version is not Anthropic's", OLD, {}, headers={"anthropic-version": "2023-06-01"},
        settings={"api_version": "2024-10-21"},
    ),
    Signs(18, "anthropic", "the key has a header of its own", {"x-api-key": "key-1", "Authorization": ""}),
    Sends(19, "anthropic", "turns of one role are one", OLD, {"messages": [{"role": "user", "content": [said("a"), said("b")]}]}, ask=["a", "b"]),
    Sends(
        19, "anthropic", "results come together, and before what is said", OLD,
        {
            "messages": [
                {"role": "user", "content": "add"},
                {"role": "assistant", "content": [_CALL, {**_CALL, "id": "b"}]},
                {"role": "user", "content": [{**_DONE, "tool_use_id": "b", "content": "B"}, _DONE, said("thanks")]},
            ],
        },
        ask=[*BOTH, "thanks"],
    ),
    Sends(
        19, "anthropic", "even when it was said first", OLD,
        {"messages": [USER, {"role": "assistant", "content": [_CALL]}, {"role": "user", "content": [_DONE, said("wait")]}]},
        ask=["hi", Message("assistant", None, tool_calls=(ToolCall("a", FunctionCall("add", '{"a":1}')),)), "wait", RESULT_A],
    ),
    Sends(
        20, "anthropic", "a turn of calls has no blank text", OLD,
        {"messages": [USER, {"role": "assistant", "content": [_CALL]}, {"role": "user", "content": [_DONE]}]},
        ask=["hi", Message("assistant", "", tool_calls=(ToolCall("a", FunctionCall("add", '{"a":1}')),)), RESULT_A],
    ),
    Sends(
        20, "anthropic", "blanks are no text", OLD, {"messages": [{"role": "user", "content": "b"}]},
        ask=[{"role": "user", "content": [said(" \n"), said("b")]}], warns=["moved messages.blank"],
    ),
    Sends(
        20, "anthropic", "the last answer ends without blanks", OLD, {"messages": [USER, {"role": "assistant", "content": "I am"}]},
        ask=["hi", {"role": "assistant", "content": "I am \n"}], warns=["moved messages.content"],
    ),
    Sends(21, "anthropic", "a long answer is streamed behind the scenes", OLD, {"stream": True}, options={"max_tokens": 32_000}, streams=True),
    Sends(21, "anthropic", "a short one is not", OLD, {"stream": ABSENT}, options={"max_tokens": 8_000}, streams=False),
    GoesBack(
        22, "anthropic", "thoughts go back before the call, unchanged", OLD, message(_THOUGHT, _HIDDEN, _CALL, stop="tool_use"), [RESULT_A],
        {"messages": [USER, {"role": "assistant", "content": [_THOUGHT, _HIDDEN, _CALL]}, {"role": "user", "content": [_DONE]}]},
    ),
    Sends(
        22, "anthropic", "but to nobody else", OLD, {"messages": [USER, {"role": "assistant", "content": "one"}, {"role": "user", "content": "more"}]},
        ask=["hi", _FOREIGN, "more"],
    ),
    Sends(
        22, "anthropic", "a forced call excludes a budget", OLD, {"thinking": ABSENT, "tool_choice": {"type": "any"}},
        options={"tools": [TOOL], "tool_choice": "required", "thinking": THINKING}, warns=["dropped thinking"],
    ),
    Sends(
        22, "anthropic", "the newest models think by themselves", NEW,
        {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "xhigh"}}, options={"reasoning_effort": "xhigh"},
    ),
    Sends(
        22, "anthropic", "they take no budget", NEW, {"thinking": {"type": "adaptive", "display": "summarized"}}, options={"thinking": THINKING},
        warns=["moved thinking"],
    ),
    Sends(22, "anthropic", "nor a temperature", NEW, {"temperature": ABSENT}, options={"temperature": 0.5}, warns=["dropped temperature"]),
    Sends(22, "anthropic", "nor top_p", NEW, {"top_p": ABSENT}, options={"top_p": 0.5}, warns=["dropped top_p"]),
    Sends(
        22, "anthropic", "xhigh is not for all", "claude-opus-4-6", {"output_config": {"effort": "high"}}, options={"reasoning_effort": "xhigh"},
        warns=["clamped reasoning_effort"],
    ),
    Sends(
        23, "anthropic", "some tool is any", OLD, {"tool_choice": {"type": "any"}}, options={"tools": [TOOL], "tool_choice": "required"},
    ),
    Sends(23, "anthropic", "one tool is told by name", OLD, {"tool_choice": {"type": "tool", "name": "add"}}, options={"tools": [TOOL], "tool_choice": "add"}),
    Sends(
        23, "anthropic", "parallel calls are said the other way round", OLD,
        {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}, "parallel_tool_calls": ABSENT},
        options={"tools": [TOOL], "parallel_tool_calls": False},
    ),
    Refuses(23, "anthropic", "some models cannot be forced", UNFORCED, "tool_choice", options={"tools": [TOOL], "tool_choice": "required"}),
    Sends(23, "anthropic", "stop has another name", OLD, {"stop_sequences": ["x"], "stop": ABSENT}, options={"stop": "x"}),
    Sends(
        24, "anthropic", "there are four marks at most", OLD,
        {"messages": [{"role": "user", "content": [said("0"), *({**said(str(number)), **_MARK} for number in range(1, 5))]}]}, ask=_MARKED,
        warns=["dropped cache_control"],
    ),
    Sends(
        24, "anthropic", "and none on a tool that is loaded later", OLD, {"tools": [_LATER]}, options={"tools": [{**_LATER, **_MARK}]},
        warns=["dropped tools.cache_control"],
    ),
    Reads(
        24, "anthropic", "cached tokens are a part of the prompt", OLD, message(said("hi")),
        {"usage.prompt_tokens": 10, "usage.cached_tokens": 3, "usage.cache_write_tokens": 2, "usage.total_tokens": 17},
    ),
    Reads(
        25, "anthropic", "events have types, pings say nothing, and there is no [DONE]", OLD,
        [start(input_tokens=5, output_tokens=1), {"type": "ping"}, OPEN, piece("hi"), CLOSE, ending(output_tokens=7), {"type": "message_stop"}],
        {"text": "hi", "finish_reason": "stop", "usage.prompt_tokens": 5, "usage.completion_tokens": 7},
    ),
    Fails(
        25, "anthropic", "a failure can come after a 200", OLD,
        [start(input_tokens=5), OPEN, piece("h"), {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}],
        errors.ProviderUnavailableError, facts={"status": 529, "retryable": True},
    ),
    Fails(25, "anthropic", "an end without message_stop is none", OLD, [start(input_tokens=5), OPEN, piece("h")], errors.StreamTruncatedError),
    Reads(26, "anthropic", "a turn can pause", OLD, message(said("hm"), stop="pause_turn"), {"finish_reason": "pause", "finish_reason_raw": "pause_turn"}),
    Reads(26, "anthropic", "a refusal is a filter", OLD, message(stop="refusal"), {"finish_reason": "content_filter", "text": ""}),
    Reads(
        26, "anthropic", "a full context cuts off", OLD, message(said("h"), stop="model_context_window_exceeded"),
        {"finish_reason": "length", "truncated": True},
    ),
    Fails(
        27, "anthropic", "a spent allowance is a 400 that nobody need try again", OLD,
        {
            "type": "error",
            "error": {"type": "invalid_request_error", "message": "You have reached your specified API usage limits. You will regain access on 2026-12-01."},
        },
        errors.QuotaExceededError, status=400, facts={"retryable": False},
    ),
    Sends(
        28, "anthropic", "each object of a schema is closed", OLD, {"output_config": {"format": {"type": "json_schema", "schema": _CLOSED}}},
        options={"response_format": _FORMAT},
    ),
    Asks(
        28, "anthropic", "tools of the server are not counted", CountTokensRequest(model=OLD, messages=(Message("user", "hi"),), tools=(_SEARCH,)),
        {"tools": ABSENT}, warns=["dropped tools.web_search_20250305"],
    ),
)  # fmt: skip
