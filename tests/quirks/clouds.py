"""The numbered quirks of Azure and of Amazon Bedrock."""

from __future__ import annotations

from typing import Any, Final

from llmclient import errors
from llmclient.types.messages import FunctionCall, Message, Tool, ToolCall
from tests.dialects.bedrock.kit import event as frame_of
from tests.dialects.bedrock.kit import failure as failure_frame
from tests.quirks.cases import ABSENT, Case, Fails, GoesBack, Reads, Refuses, Sends, Signs
from tests.quirks.probes import TOOL
from tests.quirks.samples import BOTH, PDF, RESULT_A, THOUGHTLESS, completion, event, usage

DATED: Final = {"api_version": "2024-10-21"}
_FOUND: Final = [{"prompt_index": 0, "content_filter_results": {"hate": {"filtered": False, "severity": "safe"}}}]
_FIRST: Final = {"id": "", "model": "", "choices": [], "prompt_filter_results": _FOUND}
_OFFSETS: Final = {"id": "", "model": "", "choices": [{"index": 0, "finish_reason": None, "content_filter_offsets": {"check_offset": 44}}]}
_FILTERED: Final = {"error": {"message": "The response was filtered.", "param": "prompt", "code": "content_filter", "status": 400}}
_LARGE: Final = "Mistral-large-2411"

AZURE: Final[tuple[Case, ...]] = (
    Sends(
        13, "azure_openai", "a dated version has the deployment in the path", "prod", {}, path="/openai/deployments/prod/chat/completions",
        query={"api-version": "2024-10-21"}, settings=DATED,
    ),
    Sends(13, "azure_openai", "the surface without a version has it in the body", "prod", {"model": "prod"}, path="/openai/v1/chat/completions", query={}),
    Sends(
        13, "azure_ai", "Foundry has a path for all models", "Llama-3.3-70B-Instruct", {}, path="/models/chat/completions",
        query={"api-version": "2024-05-01-preview"},
    ),
    Sends(
        13, "azure_ai", "a serverless deployment takes no version", "Llama-3.3-70B-Instruct", {}, path="/v1/chat/completions", query={},
        settings={"api_base": "https://own.eastus.models.ai.azure.com"},
    ),
    Signs(
        13, "azure_openai", "the key has a header of its own", {"api-key": "key-1", "Authorization": ""},
        settings={"azure_ad_token": None, "credential": None},
    ),
    Signs(13, "azure_openai", "a token of Entra ID has not", {"api-key": "", "Authorization": "Bearer t1"}, settings={"api_key": None, "azure_ad_token": "t1"}),
    Sends(14, "azure_openai", "a deployment that tells nothing is taken for a model of today", "prod", {"max_completion_tokens": 9}, options={"max_tokens": 9}),
    Sends(14, "azure_openai", "the name can tell the model", _LARGE, {"max_tokens": 9, "max_completion_tokens": ABSENT}, options={"max_tokens": 9}),
    Sends(
        14, "azure_openai", "so can the caller, once for all calls", "prod", {"max_tokens": 9, "max_completion_tokens": ABSENT}, options={"max_tokens": 9},
        settings={"deployments": {"prod": _LARGE}},
    ),
    Sends(
        14, "azure_openai", "what the model refuses is known then", "prod", {"temperature": ABSENT}, options={"temperature": 0.5},
        settings={"deployments": {"prod": "gpt-5-mini"}}, warns=["dropped temperature"],
    ),
    Sends(
        14, "azure_openai", "an old version knows the old name only", "prod", {"max_tokens": 9}, options={"max_tokens": 9},
        settings={"api_version": "2024-06-01"},
    ),
    Reads(
        15, "azure_openai", "the first event says what the filter found, and nothing else", "prod",
        [_FIRST, event({"content": "hi"}, "stop", model="m-1"), {"id": "c1", "model": "m-1", "choices": [], "usage": usage(1, 2, 3)}],
        {"text": "hi", "id": "c1", "model": "m-1", "usage.total_tokens": 3, "extra": {"prompt_filter_results": _FOUND}},
    ),
    Reads(
        15, "azure_openai", "the filter that looks on later adds choices without a delta, after the end too", "prod",
        [_OFFSETS, event({"content": "hi"}, "stop"), _OFFSETS], {"text": "hi", "finish_reason": "stop"},
    ),
    Fails(
        16, "azure_openai", "a prompt can be filtered", "prod", _FILTERED, errors.ContentFilteredError, status=400,
        facts={"param": "prompt", "retryable": False},
    ),
    Reads(
        16, "azure_openai", "so can an answer", "prod", completion({"content": "half"}, "content_filter"),
        {"text": "half", "finish_reason": "content_filter"},
    ),
    Refuses(16, "azure_openai", "documents are not taken", "prod", "messages", ask=[PDF]),
    Refuses(16, "azure_ai", "not for other models either", "Llama-3.3-70B-Instruct", "messages", ask=[PDF]),
    Sends(
        16, "azure_ai", "Mistral's models refuse max_completion_tokens", _LARGE, {"max_tokens": 9, "max_completion_tokens": ABSENT},
        options={"max_tokens": 9},
    ),
    Sends(16, "azure_ai", "and have a word of their own for some tool", _LARGE, {"tool_choice": "any"}, options={"tools": [TOOL], "tool_choice": "required"}),
    Fails(
        17, "azure_openai", "limits of -1 say nothing", "prod", {"error": {"code": "429", "message": "Rate limit is exceeded."}}, errors.RateLimitError,
        status=429, headers={"x-ratelimit-remaining-requests": "-1", "x-ratelimit-reset-requests": "-1", "x-ratelimit-reset-tokens": "0"},
        facts={"retry_after": None},
    ),
    Fails(
        17, "azure_openai", "0 milliseconds neither, beside a true wait", "prod", {"error": {"code": "429", "message": "Rate limit is exceeded."}},
        errors.RateLimitError, status=429, headers={"retry-after-ms": "0", "retry-after": "7"}, facts={"retry_after": 7.0},
    ),
)  # fmt: skip

CLAUDE: Final = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
NOVA: Final = "us.amazon.nova-pro-v1:0"
LLAMA: Final = "meta.llama4-maverick-17b-instruct-v1:0"
MISTRAL: Final = "mistral.mistral-large-2402-v1:0"
PALMYRA: Final = "writer.palmyra-x5-v1:0"
ARN: Final = "arn:aws:bedrock:us-east-1:1:inference-profile/us.amazon.nova-pro-v1:0"
_HI: Final = {"role": "user", "content": [{"text": "hi"}]}
_DOT: Final = {"text": "."}
_USE: Final = {"toolUse": {"toolUseId": "a", "name": "add", "input": {"a": 1}}}
_RESULT: Final = {"toolResult": {"toolUseId": "a", "content": [{"text": "A"}]}}
_ADD: Final = {"role": "user", "content": [{"text": "add"}]}
_CALLED: Final = Message("assistant", None, tool_calls=(ToolCall("a", FunctionCall("add", '{"a":1}')),))
_FAILED: Final = {**RESULT_A, "is_error": True}
_FRAMES: Final = [
    frame_of("messageStart", {"role": "assistant"}),
    frame_of("contentBlockDelta", {"delta": {"text": "hi"}, "contentBlockIndex": 0}),
    frame_of("contentBlockStop", {"contentBlockIndex": 0}),
    frame_of("messageStop", {"stopReason": "end_turn"}),
    frame_of("metadata", {"usage": {"inputTokens": 3, "outputTokens": 5, "totalTokens": 8}}),
]
_THOUGHT: Final = {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "s1"}}}


def spoilt(frame: bytes) -> bytes:
    """Return a frame in which one byte is another."""
    return frame[:-8] + bytes([frame[-8] ^ 1]) + frame[-7:]


def answer(*blocks: Any, stop: str = "end_turn") -> dict[str, Any]:
    """Return a parsed answer."""
    return {
        "output": {"message": {"role": "assistant", "content": list(blocks)}}, "stopReason": stop,
        "usage": {"inputTokens": 3, "outputTokens": 5, "totalTokens": 8},
    }  # fmt: skip


BEDROCK: Final[tuple[Case, ...]] = (
    Signs(39, "bedrock", "a key is a bearer token", {"Authorization": "Bearer key-1"}),
    Signs(
        39, "bedrock", "an access key signs the request", {"Authorization": "AWS4-HMAC-SHA256 Credential=AKID/"},
        settings={"api_key": None, "access_key_id": "AKID", "secret_access_key": "s", "region": "us-east-1"},
    ),
    Reads(39, "bedrock", "streams come in binary frames", CLAUDE, _FRAMES, {"text": "hi", "finish_reason": "stop", "usage.total_tokens": 8}),
    Fails(39, "bedrock", "each with checksums", CLAUDE, [_FRAMES[0], spoilt(_FRAMES[1]), *_FRAMES[2:]], errors.ResponseParsingError),
    Fails(
        39, "bedrock", "an exception comes as a frame", CLAUDE, [*_FRAMES[:2], failure_frame("throttlingException", "Too many tokens")], errors.RateLimitError,
    ),
    Fails(39, "bedrock", "a stream that is cut is no answer", CLAUDE, _FRAMES[:3], errors.StreamTruncatedError),
    Sends(
        40, "bedrock", "tools are declared wherever there were calls", CLAUDE,
        {"toolConfig": {"tools": [{"toolSpec": {"name": "add", "inputSchema": {"json": {"type": "object", "properties": {}}}}}]}}, ask=THOUGHTLESS,
        warns=["moved tools"],
    ),
    Sends(
        41, "bedrock", "the user speaks first", NOVA,
        {"messages": [{"role": "user", "content": [_DOT]}, {"role": "assistant", "content": [{"text": "I am"}]}, _HI]},
        ask=[{"role": "assistant", "content": "I am"}, "hi"], warns=["moved messages"],
    ),
    Sends(
        41, "bedrock", "but with Claude", CLAUDE, {"messages": [{"role": "assistant", "content": [{"text": "I am"}]}, _HI]},
        ask=[{"role": "assistant", "content": "I am"}, "hi"],
    ),
    Sends(
        41, "bedrock", "somebody must", CLAUDE, {"messages": [{"role": "user", "content": [_DOT]}]}, ask=[{"role": "user", "content": " "}],
        warns=["moved messages.blank"],
    ),
    Sends(
        41, "bedrock", "a document has a text beside it", CLAUDE,
        {"messages": [{"role": "user", "content": [_DOT, {"document": {"format": "pdf", "name": "a", "source": {"bytes": "JVBERi0xLjQ="}}}]}]},
        ask=[{"role": "user", "content": PDF["content"][1:]}], warns=["moved messages.document"],
    ),
    Sends(
        42, "bedrock", "Llama wants results alone", LLAMA,
        {"messages": [_ADD, {"role": "assistant", "content": [_USE]}, {"role": "user", "content": [_RESULT]}, {"role": "assistant", "content": [_DOT]}, _HI]},
        ask=[*THOUGHTLESS, "hi"], options={"tools": [TOOL]}, warns=["moved messages"],
    ),
    Sends(
        42, "bedrock", "so does Mistral", MISTRAL,
        {"messages": [_ADD, {"role": "assistant", "content": [_USE]}, {"role": "user", "content": [_RESULT]}, {"role": "assistant", "content": [_DOT]}, _HI]},
        ask=[*THOUGHTLESS, "hi"], options={"tools": [TOOL]}, warns=["moved messages"],
    ),
    Sends(
        42, "bedrock", "Claude takes no document beside them", CLAUDE,
        {
            "messages": [
                _ADD, {"role": "assistant", "content": [_USE]}, {"role": "user", "content": [_RESULT]}, {"role": "assistant", "content": [_DOT]},
                {"role": "user", "content": [{"text": "a"}, {"document": {"format": "pdf", "name": "a", "source": {"bytes": "JVBERi0xLjQ="}}}]},
            ],
        },
        ask=[*THOUGHTLESS, PDF], options={"tools": [TOOL]}, warns=["moved messages"],
    ),
    Sends(
        42, "bedrock", "a text it does", CLAUDE,
        {"messages": [_ADD, {"role": "assistant", "content": [_USE]}, {"role": "user", "content": [_RESULT, {"text": "hi"}]}]}, ask=[*THOUGHTLESS, "hi"],
        options={"tools": [TOOL]},
    ),
    Sends(
        42, "bedrock", "Palmyra's results have no status", PALMYRA,
        {"messages": [_ADD, {"role": "assistant", "content": [_USE]}, {"role": "user", "content": [_RESULT]}]}, ask=["add", _CALLED, _FAILED],
        options={"tools": [TOOL]}, warns=["dropped messages.status"],
    ),
    Sends(
        42, "bedrock", "those of others have", CLAUDE,
        {
            "messages": [
                _ADD, {"role": "assistant", "content": [_USE]}, {"role": "user", "content": [{"toolResult": {**_RESULT["toolResult"], "status": "error"}}]},
            ],
        },
        ask=["add", _CALLED, _FAILED], options={"tools": [TOOL]},
    ),
    Sends(
        43, "bedrock", "none is said by sending no tools", CLAUDE, {"toolConfig": ABSENT}, options={"tools": [TOOL], "tool_choice": "none"},
        warns=["moved tool_choice"],
    ),
    Sends(
        43, "bedrock", "a tool is described, and has a plain name", CLAUDE,
        {"toolConfig": {"tools": [{"toolSpec": {"name": "my_tool", "inputSchema": {"json": {"type": "object", "properties": {}}}}}]}},
        options={"tools": [Tool("my tool", "", {"type": "object", "properties": {}})]},
    ),
    Sends(43, "bedrock", "Claude's top_k is flat", CLAUDE, {"additionalModelRequestFields": {"top_k": 5}}, options={"top_k": 5}),
    Sends(43, "bedrock", "Nova's is not", NOVA, {"additionalModelRequestFields": {"inferenceConfig": {"topK": 5}}}, options={"top_k": 5}),
    Sends(43, "bedrock", "others have none", LLAMA, {"additionalModelRequestFields": ABSENT}, options={"top_k": 5}, warns=["dropped top_k"]),
    Sends(44, "bedrock", "a region stands before an id", NOVA, {}, path="/model/us.amazon.nova-pro-v1%3A0/converse"),
    *(
        Sends(
            44, "bedrock", f"{region} hides no family", f"{region}.amazon.nova-pro-v1:0", {"additionalModelRequestFields": {"inferenceConfig": {"topK": 5}}},
            options={"top_k": 5},
        )
        for region in ("us", "eu", "us-gov", "global")
    ),
    Sends(
        44, "bedrock", "nor does an ARN", ARN, {"additionalModelRequestFields": {"inferenceConfig": {"topK": 5}}}, options={"top_k": 5},
        path="/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fus.amazon.nova-pro-v1%3A0/converse",
    ),
    GoesBack(
        22, "bedrock", "Claude's thoughts go back before the call, unchanged", CLAUDE, answer(_THOUGHT, _USE, stop="tool_use"), [RESULT_A],
        {"messages": [_HI, {"role": "assistant", "content": [_THOUGHT, _USE]}, {"role": "user", "content": [_RESULT]}]}, options={"tools": [TOOL]},
    ),
    Sends(
        19, "bedrock", "results come together", CLAUDE,
        {
            "messages": [
                _ADD, {"role": "assistant", "content": [_USE, {"toolUse": {**_USE["toolUse"], "toolUseId": "b"}}]},
                {"role": "user", "content": [{"toolResult": {"toolUseId": "b", "content": [{"text": "B"}]}}, _RESULT]},
            ],
        },
        ask=BOTH, options={"tools": [TOOL]},
    ),
)  # fmt: skip
