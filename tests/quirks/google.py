"""The numbered quirks of Google's generateContent, on the Gemini API and on Vertex AI."""

from __future__ import annotations

from typing import Any, Final

from llmclient import errors
from llmclient.types.messages import FunctionCall, Message, ReasoningBlock, ToolCall
from tests.quirks.cases import ABSENT, Case, Fails, GoesBack, Reads, Refuses, Sends, Signs
from tests.quirks.probes import RICH, TOOL
from tests.quirks.samples import RESULT_A, THOUGHTLESS

OLD: Final = "gemini-2.5-flash"
NEW: Final = "gemini-3-pro-preview"
DUMMY: Final = "skip_thought_signature_validator"
_CALLED: Final = {"functionCall": {"name": "add", "args": {"a": 1}}}
_HI: Final = {"role": "user", "parts": [{"text": "hi"}]}
_ADD: Final = {"role": "user", "parts": [{"text": "add"}]}
_LISTED: Final = {
    "type": "json_schema",
    "json_schema": {
        "name": "list",
        "schema": {
            "type": "object", "$defs": {"N": {"type": "integer"}}, "additionalProperties": False,
            "properties": {"a": {"type": "array"}, "b": {"$ref": "#/$defs/N"}, "c": {"const": "x"}, "d": {"oneOf": [{"type": "string"}, {"type": "null"}]}},
        },
    },
}  # fmt: skip
_FILTERS: Final = (
    "SAFETY RECITATION BLOCKLIST PROHIBITED_CONTENT SPII MODEL_ARMOR IMAGE_SAFETY IMAGE_PROHIBITED_CONTENT IMAGE_RECITATION"
).split()  # fmt: skip
_FAILURES: Final = "MALFORMED_FUNCTION_CALL UNEXPECTED_TOOL_CALL MISSING_THOUGHT_SIGNATURE IMAGE_OTHER NO_IMAGE".split()
_SIGNED: Final = {"functionCall": {"id": "a", "name": "add", "args": {"a": 1}}, "thoughtSignature": "c2lnbmVk"}


def answer(*parts: Any, finish: str | None = "STOP", **top: Any) -> dict[str, Any]:
    """Return a parsed answer, or an event of a stream."""
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
    return {"responseId": "r1", "candidates": [candidate if finish is None else {**candidate, "finishReason": finish}], **top}


def result(response: Any, **more: Any) -> dict[str, Any]:
    """Return the turn with a function's result."""
    return {"role": "user", "parts": [{"functionResponse": {"name": "add", "response": response, **more}}]}


def called(identity: str, text: str | None = None) -> Message:
    """Return an assistant's turn that calls the tool."""
    return Message("assistant", text, tool_calls=(ToolCall(identity, FunctionCall("add", '{"a":1}')),))


def limited(violation: str = "", **info: Any) -> dict[str, Any]:
    """Return the body of a 429."""
    details: list[Any] = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", **info}] if info else []
    if violation:
        details.append({"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": violation}]})
    return {"error": {"code": 429, "message": "You exceeded your current quota.", "status": "RESOURCE_EXHAUSTED", "details": details}}


GOOGLE: Final[tuple[Case, ...]] = (
    Sends(
        29, "gemini", "an assistant is a model, and a result a user's turn, by name", OLD,
        {"contents": [_ADD, {"role": "model", "parts": [{"functionCall": {"id": "a", "name": "add", "args": {"a": 1}}}]}, result({"result": "A"}, id="a")]},
        ask=THOUGHTLESS,
    ),
    Sends(
        29, "gemini", "no text stands beside a result", OLD,
        {
            "contents": [
                _ADD, {"role": "model", "parts": [{"functionCall": {"id": "a", "name": "add", "args": {"a": 1}}}]}, result({"result": "A"}, id="a"),
                {"role": "user", "parts": [{"text": "thanks"}]},
            ],
        },
        ask=[*THOUGHTLESS, "thanks"],
    ),
    Sends(
        29, "gemini", "the system prompt stands by itself", OLD, {"contents": [_HI], "systemInstruction": {"parts": [{"text": "Be brief."}], "role": "user"}},
        options={"system": "Be brief."},
    ),
    Sends(
        30, "gemini", "a result that is an object stays one", OLD,
        {"contents": [_ADD, {"role": "model", "parts": [{"functionCall": {"id": "a", "name": "add", "args": {"a": 1}}}]}, result({"sum": 2}, id="a")]},
        ask=["add", called("a"), {**RESULT_A, "content": '{"sum":2}'}],
    ),
    Sends(
        30, "gemini", "one that holds references is text", OLD,
        {
            "contents": [
                _ADD, {"role": "model", "parts": [{"functionCall": {"id": "a", "name": "add", "args": {"a": 1}}}]},
                result({"result": '{"$ref":"#/x"}'}, id="a"),
            ],
        },
        ask=["add", called("a"), {**RESULT_A, "content": '{"$ref":"#/x"}'}],
    ),
    Sends(
        31, "gemini", "schemas go as JSON Schema", OLD,
        {"tools": [{"functionDeclarations": [{"name": "add", "description": "Adds.", "parametersJsonSchema": RICH.parameters}]}]}, options={"tools": [RICH]},
        warns=["dropped strict"],
    ),
    Sends(
        31, "gemini", "those of answers too", OLD,
        {"generationConfig": {"responseMimeType": "application/json", "responseJsonSchema": _LISTED["json_schema"]["schema"]}},
        options={"response_format": _LISTED},
    ),
    Sends(
        31, "gemini", "nothing stands beside a reference", OLD,
        {
            "generationConfig": {
                "responseMimeType": "application/json",
                "responseJsonSchema": {"properties": {"a": {"type": "integer", "description": "x"}}, "$defs": {"N": {"type": "integer"}}},
            },
        },
        options={
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "n", "schema": {"properties": {"a": {"$ref": "#/$defs/N", "description": "x"}}, "$defs": {"N": {"type": "integer"}}}},
            },
        },
    ),
    GoesBack(
        32, "gemini", "a signature goes back on its own part", NEW, answer({"text": "So:"}, _SIGNED), [RESULT_A],
        {"contents": [_HI, {"role": "model", "parts": [{"text": "So:"}, _SIGNED]}, result({"result": "A"}, id="a")]},
    ),
    GoesBack(
        32, "gemini", "after a stream as well, and is merged with no other part", NEW,
        [answer({"text": "a"}, finish=None), answer({"text": "b", "thoughtSignature": "c2ln"}, finish=None), answer({"text": "c"})], ["more"],
        {
            "contents": [
                _HI, {"role": "model", "parts": [{"text": "a"}, {"text": "b", "thoughtSignature": "c2ln"}, {"text": "c"}]},
                {"role": "user", "parts": [{"text": "more"}]},
            ],
        },
    ),
    Sends(
        32, "gemini", "a call of another model gets the documented dummy", NEW,
        {
            "contents": [
                _ADD, {"role": "model", "parts": [{"functionCall": {"id": "a", "name": "add", "args": {"a": 1}}, "thoughtSignature": DUMMY}]},
                result({"result": "A"}, id="a"),
            ],
        },
        ask=THOUGHTLESS,
    ),
    Reads(
        32, "openai_compatible", "the surface in OpenAI's words keeps it with the call", "gemini-3-pro",
        {
            "choices": [
                {
                    "message": {
                        "tool_calls": [{"id": "a", "function": {"name": "add", "arguments": "{}"}, "extra_content": {"google": {"thought_signature": "c2ln"}}}],
                    },
                    "finish_reason": "tool_calls",
                },
            ],
        },
        {"extras": [{"extra_content": {"google": {"thought_signature": "c2ln"}}}]},
    ),
    Sends(
        33, "gemini", "2.5 has a budget", OLD, {"generationConfig": {"thinkingConfig": {"thinkingBudget": 24_576, "includeThoughts": True}}},
        options={"reasoning_effort": "high"},
    ),
    Sends(
        33, "gemini", "3 has levels", NEW, {"generationConfig": {"thinkingConfig": {"thinkingLevel": "high", "includeThoughts": True}}},
        options={"reasoning_effort": "high"},
    ),
    Sends(
        33, "gemini", "3 Pro has no minimal one", NEW, {"generationConfig": {"thinkingConfig": {"thinkingLevel": "low", "includeThoughts": True}}},
        options={"reasoning_effort": "minimal"}, warns=["clamped reasoning_effort"],
    ),
    Sends(
        33, "gemini", "2.5 Pro cannot be kept from thinking", "gemini-2.5-pro",
        {"generationConfig": {"thinkingConfig": {"thinkingBudget": 128, "includeThoughts": True}}}, options={"reasoning_effort": "none"},
        warns=["clamped reasoning_effort"],
    ),
    Sends(33, "gemini", "2.5 Flash can", OLD, {"generationConfig": {"thinkingConfig": {"thinkingBudget": 0}}}, options={"reasoning_effort": "none"}),
    Reads(
        34, "gemini", "each event holds the usage so far, and may leave some out", OLD,
        [
            answer(
                {"text": "h"}, finish=None, usageMetadata={"promptTokenCount": 5, "candidatesTokenCount": 1, "thoughtsTokenCount": 4, "totalTokenCount": 10},
            ),
            answer({"text": "i"}, usageMetadata={"promptTokenCount": 5, "candidatesTokenCount": 2, "totalTokenCount": 11}),
        ],
        {"usage.prompt_tokens": 5, "usage.completion_tokens": 6, "usage.reasoning_tokens": 4, "usage.total_tokens": 11},
    ),
    Reads(
        34, "gemini", "thoughts are not among the candidate's tokens", OLD,
        answer({"text": "hi"}, usageMetadata={"promptTokenCount": 5, "candidatesTokenCount": 2, "thoughtsTokenCount": 4, "totalTokenCount": 11}),
        {"usage.completion_tokens": 6, "usage.reasoning_tokens": 4},
    ),
    Reads(35, "gemini", "a call without an id gets one", OLD, answer(_CALLED), {"finish_reason": "tool_calls", "has_ids": True}),
    Sends(
        35, "gemini", "there is nothing to choose without functions", OLD, {"toolConfig": ABSENT}, options={"tool_choice": "auto"},
        warns=["moved tool_choice"],
    ),
    Refuses(35, "gemini", "nor can a call be forced", OLD, "tool_choice", options={"tool_choice": "required"}),
    Refuses(35, "gemini", "a cache holds its own tools", OLD, "cachedContent", options={"tools": [TOOL], "extra": {"cachedContent": "cachedContents/1"}}),
    Refuses(35, "gemini", "and its own system prompt", OLD, "cachedContent", options={"system": "x", "extra": {"cachedContent": "cachedContents/1"}}),
    *(
        Reads(36, "gemini", f"{word} is a filter", OLD, answer({"text": "h"}, finish=word), {"finish_reason": "content_filter", "finish_reason_raw": word})
        for word in _FILTERS
    ),
    *(Fails(36, "gemini", f"{word} is a failure", OLD, answer(finish=word), errors.ApiError, facts={"code": word}) for word in _FAILURES),
    Fails(
        36, "gemini", "a blocked prompt has no candidates", OLD, {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {}},
        errors.ContentFilteredError, facts={"code": "SAFETY"},
    ),
    Fails(
        37, "gemini", "the wait stands in the body", OLD, limited(retryDelay="45.837906927s"), errors.RateLimitError, status=429,
        facts={"retry_after": 45.837906927, "retryable": True},
    ),
    Fails(
        37, "gemini", "or in the text only", OLD,
        {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "Quota exceeded. Please retry in 26.66s."}}, errors.RateLimitError, status=429,
        facts={"retry_after": 26.66},
    ),
    Fails(
        37, "gemini", "a day is not waited for", OLD, limited("GenerateRequestsPerDayPerProjectPerModel-FreeTier", retryDelay="45s"), errors.QuotaExceededError,
        status=429, facts={"retryable": False},
    ),
    Fails(
        37, "gemini", "an error can stand in an array", OLD, [{"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}],
        errors.ProviderUnavailableError, status=503,
    ),
    Sends(
        38, "gemini", "a stream of events is asked for in the query", OLD, {}, stream=True, path="/v1beta/models/gemini-2.5-flash:streamGenerateContent",
        query={"alt": "sse"},
    ),
    Sends(38, "gemini", "a plain answer is not", OLD, {}, path="/v1beta/models/gemini-2.5-flash:generateContent", query={}),
    Reads(
        38, "gemini", "an array is streamed where that is lost", OLD,
        [b'[{"candidates":[{"content":{"parts":[{"text":"h"}]}}]}\n,\r\n', b'{"candidates":[{"content":{"parts":[{"text":"i"}]},"finishReason":"STOP"}]}]'],
        {"text": "hi", "finish_reason": "stop"},
    ),
    Signs(38, "gemini", "the key has a header of its own", {"x-goog-api-key": "key-1", "Authorization": ""}),
    Sends(
        38, "vertex_ai", "Vertex AI has regions in the path", OLD, {},
        path="/v1/projects/p1/locations/r1/publishers/google/models/gemini-2.5-flash:generateContent", settings={"api_key": None},
    ),
    Sends(
        29, "gemini", "thoughts of others stay with them", OLD,
        {"contents": [_HI, {"role": "model", "parts": [{"text": "one"}]}, {"role": "user", "parts": [{"text": "more"}]}]},
        ask=["hi", Message("assistant", "one", reasoning=(ReasoningBlock("hm", "s1", provider="anthropic"),)), "more"],
    ),
)  # fmt: skip
