"""The numbered quirks of those who speak a dialect of their own, or OpenAI's Responses API: Mistral, Cohere, Ollama."""

from __future__ import annotations

import json
from typing import Any, Final

from llmclient import errors
from llmclient.types.embeddings import EmbeddingRequest
from llmclient.types.messages import Message, Tool
from tests.quirks.cases import ABSENT, Asks, Case, Fails, GoesBack, Reads, Refuses, Sends
from tests.quirks.probes import RICH, TOOL
from tests.quirks.samples import ASKED, DEVELOPER, MORE, RESULT_A, STRICT, THOUGHTLESS, USER, call, completion, event

_PARAMETERS: Final = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
_REASONING: Final = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "xx"}
_CALL: Final = {"type": "function_call", "id": "fc_1", "call_id": "a", "name": "add", "arguments": '{"a":1}', "namespace": "math", "status": "completed"}
_SAID: Final = {
    "type": "message", "id": "msg_1", "role": "assistant", "phase": "commentary", "status": "completed",
    "content": [{"type": "output_text", "text": "So:", "annotations": []}],
}  # fmt: skip
_RESPONSE: Final = {"id": "resp_1", "object": "response", "status": "completed", "output": [_REASONING, _SAID, _CALL]}

RESPONSES: Final[tuple[Case, ...]] = (
    Sends(
        10, "openai", "reasoning is asked for in a form that can come back", "o3", {"include": ["reasoning.encrypted_content"]}, options={"api": "responses"},
    ),
    GoesBack(
        10, "openai", "items go back with their ids, phase and namespace", "o3", _RESPONSE, [RESULT_A],
        {"input": [USER, _REASONING, _SAID, _CALL, {"type": "function_call_output", "call_id": "a", "output": "A"}]}, api="responses",
    ),
    Refuses(10, "openai", "an input of nothing is refused", "o3", "messages", ask=[{"role": "assistant", "content": None}], options={"api": "responses"}),
    Sends(
        10, "openai", "not of what is answered later", "o3", {"include": ABSENT, "background": True},
        options={"api": "responses", "extra": {"background": True}},
    ),
)  # fmt: skip

_LETTERS: Final = "Dhp9Oi1pF"
"""What the id `a` becomes where ids have nine letters and digits."""
_THINKING: Final = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
_TEXT: Final = {"type": "text", "text": "one"}
MISTRAL_MODEL: Final = "mistral-medium-latest"

MISTRAL: Final[tuple[Case, ...]] = (
    Sends(
        45, "mistral", "ids are nine letters and digits, the same in call and result", MISTRAL_MODEL,
        {
            "messages": [
                ASKED,
                {"role": "assistant", "content": "", "tool_calls": [{"id": _LETTERS, "type": "function", "function": {"name": "add", "arguments": '{"a":1}'}}]},
                {**RESULT_A, "tool_call_id": _LETTERS, "name": "add"},
            ],
        },
        ask=THOUGHTLESS,
    ),
    Sends(
        45, "mistral", "those that are stay", MISTRAL_MODEL,
        {
            "messages": [
                ASKED,
                {
                    "role": "assistant", "content": "",
                    "tool_calls": [{"id": "AbcDef123", "type": "function", "function": {"name": "add", "arguments": '{"a":1}'}}],
                },
                {**RESULT_A, "tool_call_id": "AbcDef123", "name": "add"},
            ],
        },
        ask=["add", Message("assistant", None, tool_calls=(call("AbcDef123"),)), Message("tool", "A", tool_call_id="AbcDef123")],
    ),
    Sends(46, "mistral", "some tool is any", MISTRAL_MODEL, {"tool_choice": "any"}, options={"tools": [TOOL], "tool_choice": "required"}),
    Sends(
        46, "mistral", "no tool is no tools", MISTRAL_MODEL, {"tool_choice": ABSENT, "tools": ABSENT}, options={"tools": [TOOL], "tool_choice": "none"},
        warns=["moved tool_choice"],
    ),
    Sends(
        47, "mistral", "an assistant stands between a result and a user", MISTRAL_MODEL,
        {
            "messages": [
                ASKED,
                {"role": "assistant", "content": "", "tool_calls": [{"id": _LETTERS, "type": "function", "function": {"name": "add", "arguments": '{"a":1}'}}]},
                {**RESULT_A, "tool_call_id": _LETTERS, "name": "add"}, {"role": "assistant", "content": "OK."}, MORE,
            ],
        },
        ask=[*THOUGHTLESS, "more"],
    ),
    Sends(
        47, "mistral", "an assistant at the end is a prefix", MISTRAL_MODEL, {"messages": [USER, {"role": "assistant", "content": "I am", "prefix": True}]},
        ask=["hi", {"role": "assistant", "content": "I am"}],
    ),
    Sends(
        47, "mistral", "an empty turn is left out", MISTRAL_MODEL, {"messages": [USER, MORE]}, ask=["hi", {"role": "assistant", "content": ""}, "more"],
        warns=["moved messages"],
    ),
    Sends(48, "mistral", "user is refused", MISTRAL_MODEL, {"user": ABSENT}, options={"user": "u"}, warns=["dropped user"]),
    Sends(48, "mistral", "so are names", MISTRAL_MODEL, {"messages": [USER]}, ask=[{**USER, "name": "ann"}], warns=["dropped messages.name"]),
    Sends(
        48, "mistral", "and strict, $schema and references in tools", MISTRAL_MODEL,
        {
            "tools": [
                {
                    "type": "function",
                    "function": {
                        "name": "add", "description": "Adds.",
                        "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}, "additionalProperties": False},
                    },
                },
            ],
        },
        options={"tools": [RICH]}, warns=["dropped strict", "dropped schema.$schema"],
    ),
    Sends(
        48, "mistral", "and null", MISTRAL_MODEL, {"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}]}]},
        ask=[{"role": "user", "content": [{"type": "text", "text": "a", "cache_control": None}]}],
    ),
    Sends(48, "mistral", "usage comes unasked", MISTRAL_MODEL, {"stream": True, "stream_options": ABSENT}, stream=True),
    Sends(48, "mistral", "the seed has another name", MISTRAL_MODEL, {"random_seed": 7, "seed": ABSENT}, options={"seed": 7}),
    Sends(
        48, "mistral", "efforts are none and high", MISTRAL_MODEL, {"reasoning_effort": "high"}, options={"reasoning_effort": "low"},
        warns=["clamped reasoning_effort"],
    ),
    Sends(48, "mistral", "it knows no developer", MISTRAL_MODEL, {"messages": [{"role": "system", "content": "Be brief."}, USER]}, ask=DEVELOPER),
    Sends(48, "mistral", "a strict answer can be asked for", MISTRAL_MODEL, {"response_format": STRICT}, options={"response_format": STRICT}),
    Reads(
        49, "mistral", "thoughts stand in the content", "magistral-medium-latest", completion({"content": [_THINKING, _TEXT]}),
        {"text": "one", "reasoning": "hm"},
    ),
    Reads(
        49, "mistral", "in a stream too", "magistral-medium-latest", [event({"content": [_THINKING]}), event({"content": "one"}, "stop")],
        {"text": "one", "reasoning": "hm"},
    ),
    GoesBack(
        49, "mistral", "and go back there", "magistral-medium-latest", completion({"role": "assistant", "content": [_THINKING, _TEXT]}), ["more"],
        {"messages": [USER, {"role": "assistant", "content": [_THINKING, _TEXT]}, MORE]},
    ),
    Sends(
        49, "mistral", "an uploaded file is told by its id", MISTRAL_MODEL, {"messages": [{"role": "user", "content": [{"type": "file", "file_id": "f1"}]}]},
        ask=[{"role": "user", "content": [{"type": "file", "file": {"file_id": "f1"}}]}],
    ),
)  # fmt: skip

_COHERE: Final = "command-a-03-2025"


def said(kind: str, index: int = 0, **delta: Any) -> dict[str, Any]:
    """Return an event of Cohere's."""
    return {"type": kind, "index": index, "delta": {"message": delta}}


_ENDED: Final = {"type": "message-end", "delta": {"finish_reason": "TOOL_CALL", "usage": {"tokens": {"input_tokens": 5.0, "output_tokens": 7.0}}}}
_CITED: Final = {"start": 0, "end": 2, "text": "hi", "sources": [{"type": "tool", "id": "a:0"}]}


def cohere(finish: str, *content: Any, **message: Any) -> dict[str, Any]:
    """Return a parsed answer of Cohere's."""
    return {"id": "c1", "message": {"role": "assistant", "content": list(content), **message}, "finish_reason": finish}


COHERE: Final[tuple[Case, ...]] = (
    Sends(50, "cohere", "version 2 has a path of its own", _COHERE, {"messages": [USER]}, path="/v2/chat"),
    Reads(
        50, "cohere", "events have types, and a plan stands beside the calls", _COHERE,
        [
            {"type": "message-start", "id": "c1", "delta": {"message": {"role": "assistant"}}},
            said("tool-plan-delta", tool_plan="I will "), said("tool-plan-delta", tool_plan="add."),
            said("tool-call-start", tool_calls={"id": "a", "type": "function", "function": {"name": "add", "arguments": ""}}),
            said("tool-call-delta", tool_calls={"function": {"arguments": '{"a":1}'}}), {"type": "tool-call-end", "index": 0}, _ENDED,
        ],
        {"ids": ["a"], "arguments": ['{"a":1}'], "reasoning": "I will add.", "finish_reason": "tool_calls", "usage.total_tokens": 12},
    ),
    Reads(
        50, "cohere", "citations are kept", _COHERE, cohere("COMPLETE", {"type": "text", "text": "hi"}, citations=[_CITED]),
        {"text": "hi", "finish_reason": "stop", "message.annotations": (_CITED,)},
    ),
    Reads(50, "cohere", "MAX_TOKENS cuts off", _COHERE, cohere("MAX_TOKENS", {"type": "text", "text": "h"}), {"finish_reason": "length"}),
    Reads(50, "cohere", "ERROR is no stop", _COHERE, cohere("ERROR", {"type": "text", "text": "h"}), {"finish_reason": "error"}),
    Reads(50, "cohere", "TIMEOUT neither", _COHERE, cohere("TIMEOUT", {"type": "text", "text": "h"}), {"finish_reason": "error"}),
    Sends(51, "cohere", "top_p and top_k have short names", _COHERE, {"p": 0.5, "k": 5, "top_p": ABSENT, "top_k": ABSENT}, options={"top_p": 0.5, "top_k": 5}),
    Sends(51, "cohere", "some tool is REQUIRED", _COHERE, {"tool_choice": "REQUIRED"}, options={"tools": [TOOL], "tool_choice": "required"}),
    Sends(51, "cohere", "no tool is NONE", _COHERE, {"tool_choice": "NONE"}, options={"tools": [TOOL], "tool_choice": "none"}),
    Refuses(51, "cohere", "one tool cannot be named", _COHERE, "tool_choice", options={"tools": [TOOL], "tool_choice": "add"}),
    Reads(
        51, "cohere", "counts are floats", _COHERE, cohere("COMPLETE") | {"usage": {"tokens": {"input_tokens": 5.0, "output_tokens": 7.0}}},
        {"usage.prompt_tokens": 5, "usage.completion_tokens": 7},
    ),
    Asks(
        51, "cohere", "texts have a purpose, and vectors a kind", EmbeddingRequest(model="embed-v4.0", input=("a",)),
        {"texts": ["a"], "input_type": "search_document", "embedding_types": ["float"]}, warns=["moved input_type"],
    ),
    Fails(
        51, "cohere", "the last event can tell of a failure", _COHERE,
        [{"type": "message-start", "id": "c1"}, {"type": "message-end", "delta": {"finish_reason": "ERROR", "error": "internal error"}}], errors.ApiError,
        facts={"message": "internal error"},
    ),
)  # fmt: skip


def lines(*values: Any) -> list[bytes]:
    """Return lines of JSON."""
    return [json.dumps(value).encode() + b"\n" for value in values]


def told(text: str = "", **more: Any) -> dict[str, Any]:
    """Return a line of Ollama's."""
    return {"model": "m", "message": {"role": "assistant", "content": text, **more.pop("message", {})}, "done": False, **more}


_SILENT: Final = {"role": "assistant", "content": ""}
_OLLAMA_END: Final = {"model": "m", "message": _SILENT, "done": True, "done_reason": "stop", "prompt_eval_count": 5, "eval_count": 7}
_ADDS: Final = [{"function": {"name": "add", "arguments": {"a": 1}}}]
_ALSO: Final = [{"function": {"name": "add", "arguments": {"a": 2}}}]

OLLAMA: Final[tuple[Case, ...]] = (
    Reads(
        65, "ollama", "its own streams are lines", "qwen3", lines(told("h"), told("i"), _OLLAMA_END),
        {"text": "hi", "finish_reason": "stop", "usage.total_tokens": 12},
    ),
    Reads(
        65, "ollama", "calls have no number, and objects for arguments", "qwen3",
        lines(told(message={"tool_calls": _ADDS}), told(message={"tool_calls": _ALSO}), _OLLAMA_END),
        {"arguments": ['{"a":1}', '{"a":2}'], "finish_reason": "tool_calls"},
    ),
    Sends(
        65, "ollama", "arguments go as objects", "qwen3",
        {
            "messages": [
                ASKED, {"role": "assistant", "tool_calls": [{"function": {"name": "add", "arguments": {"a": 1}}}]},
                {"role": "tool", "content": "A", "tool_name": "add"},
            ],
        },
        ask=THOUGHTLESS,
    ),
    Sends(
        65, "ollama", "tools are not strict", "qwen3",
        {"tools": [{"type": "function", "function": {"name": "add", "description": "Adds.", "parameters": _PARAMETERS}}]},
        options={"tools": [Tool("add", "Adds.", _PARAMETERS, strict=True)]}, warns=["dropped tools.strict"],
    ),
    Fails(65, "ollama", "an end without done is none", "qwen3", lines(told("h")), errors.StreamTruncatedError),
)  # fmt: skip
