"""The dialect of Cohere, version 2: chat, plain and streamed, embeddings, reranking and models, in the shapes that api.cohere.com sends.

The routes stand at the usual paths and below /cohere, where the list of models has Cohere's shape, too.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from llmclient.simulator import vectors
from llmclient.simulator.answers import IMAGE_TOKENS, MODELS, Answer, Prompt, Tool, Turn, answer, check_model, pieces, tokens, usage_of
from llmclient.simulator.exchange import DONE, EVENTS, Dialect, Failure, Reply, Request, Route, Setting, is_dict, is_list, named_event
from llmclient.simulator.openai.operations import rerank as rank
from llmclient.simulator.wording import Wording, rephrased

_FIELDS = frozenset(
    "model messages stream tools strict_tools tool_choice documents citation_options response_format safety_mode max_tokens stop_sequences temperature seed "
    "frequency_penalty presence_penalty k p logprobs thinking priority raw_prompting".split()
)
_ROLES = ("system", "user", "assistant", "tool")
_REASONS = {"stop": "COMPLETE", "length": "MAX_TOKENS", "tool_calls": "TOOL_CALL"}
_RANGES = {"p": (0.01, 0.99), "k": (0, 500), "frequency_penalty": (0, 1), "presence_penalty": (0, 1), "temperature": (0, 2)}
_INPUT_TYPES = ("search_document", "search_query", "classification", "clustering", "image")
_KINDS = ("float", "base64")
_MOST_STOPS = 5
_MOST_TEXTS = 96
_SIZES = (256, 512, 1_024, 1_536)
_WORDINGS = {
    "unknown": Wording(404, "model '{model}' not found, make sure the correct model ID was used and that you have access to the model."),
    "broken": Wording(500, "internal server error"),
    "long": Wording(400, "too many tokens: {message}", code="TOO_MANY_TOKENS"),
    "schema": Wording(400, "invalid request: {message}"),
}


def refuse(message: str) -> Failure:
    """Return the failure of a request that is wrong."""
    return Failure(400, f"invalid request: {message}")


# Chat.


@rephrased(_WORDINGS)
def complete(request: Request, setting: Setting) -> Reply:
    """POST /v2/chat."""
    prompt = _prompt(request, setting)
    one = answer(prompt)
    used = usage_of(prompt, [one])
    usage: dict[str, Any] = {
        "billed_units": {"input_tokens": used.prompt, "output_tokens": used.completion},
        "tokens": {"input_tokens": used.prompt, "output_tokens": used.completion},
        "cached_tokens": used.cached,
    }
    if one.reasoning:
        usage["tokens"]["reasoning_tokens"] = used.reasoning
    if request.json.get("stream"):
        return _stream(request, one, usage)
    message: dict[str, Any] = {"role": "assistant"}
    if one.calls:
        message |= {"tool_plan": _plan(one), "tool_calls": [_call(call.id, call.name, call.arguments) for call in one.calls]}
    if content := _content(one):
        message["content"] = content
    return Reply.of({"id": _identity(request), "finish_reason": _REASONS[one.finish], "message": message, "usage": usage})


def _identity(request: Request) -> str:
    return str(uuid.UUID(f"{request.digest:0<32}"))


def _plan(one: Answer) -> str:
    return f"I will use {one.calls[0].name}."


def _content(one: Answer) -> list[dict[str, Any]]:
    parts = [{"type": "thinking", "thinking": "".join(one.reasoning)}] if one.reasoning else []
    return parts + ([{"type": "text", "text": "".join(one.text)}] if one.text or not (one.calls or parts) else [])


def _call(identity: str, name: str, arguments: str) -> dict[str, Any]:
    return {"id": identity, "type": "function", "function": {"name": name, "arguments": arguments}}


def _stream(request: Request, one: Answer, usage: dict[str, Any]) -> Reply:
    start: dict[str, Any] = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
    events: list[dict[str, Any]] = [{"id": _identity(request), "type": "message-start", "delta": {"message": start}}]
    for index, part in enumerate(_content(one)):
        kind = part["type"]
        events.append(_delta("content-start", {"content": {"type": kind, kind: ""}}, index))
        events += [_delta("content-delta", {"content": {kind: token}}, index) for token in (one.reasoning if kind == "thinking" else one.text)]
        events.append({"type": "content-end", "index": index})
    if one.calls:
        events += [{"type": "tool-plan-delta", "delta": {"message": {"tool_plan": token}}} for token in tokens(_plan(one))]
    for index, call in enumerate(one.calls):
        events.append(_delta("tool-call-start", {"tool_calls": _call(call.id, call.name, "")}, index))
        events += [_delta("tool-call-delta", {"tool_calls": {"function": {"arguments": piece}}}, index) for piece in pieces(call.arguments)]
        events.append({"type": "tool-call-end", "index": index})
    last = {"type": "message-end", "delta": {"finish_reason": _REASONS[one.finish], "usage": usage}}
    return Reply(content_type=EVENTS, events=[named_event(event) for event in events], closing=[named_event(last)], end=DONE)


def _delta(kind: str, message: dict[str, Any], index: int) -> dict[str, Any]:
    return {"type": kind, "index": index, "delta": {"message": message}}


# Requests of chat.


def _prompt(request: Request, setting: Setting) -> Prompt:
    body = request.json
    _check_fields(body)
    tools = tuple(_tool(tool) for tool in body.get("tools") or ())
    thinking = body.get("thinking")
    off = is_dict(thinking) and thinking.get("type") == "disabled"
    return Prompt(
        model=body["model"],
        turns=_turns(body["messages"]),
        digest=request.digest,
        seed=setting.seed,
        tools=tools,
        tool_choice=_choice(body.get("tool_choice"), tools),
        shape=_shape(body.get("response_format")),
        max_tokens=body.get("max_tokens"),
        stop=tuple(body.get("stop_sequences") or ()),
        effort="none" if off else None,
    )


def _check_fields(body: Mapping[str, Any]) -> None:
    if not isinstance(body.get("model"), str):
        raise refuse("model is required")
    if not is_list(body.get("messages")) or not body["messages"]:
        raise refuse("messages must be at least 1 message long")
    unknown = next((name for name in body if name not in _FIELDS), None)
    if unknown is not None:
        raise refuse(f"unknown field: {unknown}")
    for name, (low, high) in _RANGES.items():
        value = body.get(name)
        if value is not None and (not isinstance(value, int | float) or not low <= value <= high):
            raise refuse(f"{name} must be between {low} and {high}, received {value}")
    if len(body.get("stop_sequences") or ()) > _MOST_STOPS:
        raise refuse(f"stop_sequences may hold at most {_MOST_STOPS} sequences")


def _turns(messages: list[Any]) -> list[Turn]:
    turns: list[Turn] = []
    waiting: set[str] = set()
    for message in messages:
        role = message.get("role") if is_dict(message) else None
        if not is_dict(message) or role not in _ROLES:
            raise refuse(f"role must be one of {', '.join(_ROLES)}")
        if role == "tool" and message.get("tool_call_id") not in waiting:
            raise refuse(f"tool call id not found in previous tool calls: {message.get('tool_call_id')}")
        waiting |= {call["id"] for call in message.get("tool_calls") or ()}
        turns.append(Turn(str(role), *_read(message.get("content"), str(role))))
    return turns


def _read(content: Any, role: str) -> tuple[str, int]:
    """Return the text of a message, and the tokens of its pictures."""
    if content is None or isinstance(content, str):
        return content or "", 0
    texts: list[str] = []
    media = 0
    for part in content:
        match part.get("type") if is_dict(part) else None:
            case "text":
                texts.append(part["text"])
            case "thinking" if role == "assistant":
                pass
            case "document" if role == "tool":
                data = part["document"].get("data")
                texts.append(data if isinstance(data, str) else orjson.dumps(data).decode())
            case "image_url" if role == "user":
                media += IMAGE_TOKENS
            case kind:
                raise refuse(f"content of type {kind} is not valid for the role {role}")
    return "".join(texts), media


def _tool(tool: Any) -> Tool:
    function = tool.get("function") if is_dict(tool) else None
    if not is_dict(function) or not isinstance(function.get("name"), str) or not is_dict(function.get("parameters")):
        raise refuse("tools must be functions with a name and parameters")
    return Tool(function["name"], function["parameters"])


def _choice(choice: Any, tools: Sequence[Tool]) -> str:
    if choice is None:
        return "auto"
    if choice not in ("REQUIRED", "NONE"):
        raise refuse("tool_choice must be one of REQUIRED, NONE")
    if not tools:
        raise refuse("tool_choice needs tools")
    return str(choice).lower()


def _shape(form: Any) -> Mapping[str, Any] | bool | None:
    if not is_dict(form) or form.get("type") == "text":
        return None
    if form.get("type") != "json_object":
        raise refuse("response_format.type must be one of text, json_object")
    schema = form.get("json_schema") or form.get("schema")
    return schema if is_dict(schema) else True


# Other operations.


def embed(request: Request, setting: Setting) -> Reply:
    """POST /v2/embed."""
    body = request.json
    _check_model(body)
    if body.get("input_type") not in _INPUT_TYPES:
        raise refuse("valid input_type must be provided with the provided model")
    kinds: list[Any] = body.get("embedding_types") or ["float"]
    if any(kind not in _KINDS for kind in kinds):
        raise refuse(f"embedding_types must be among {', '.join(_KINDS)}")
    texts: list[Any] = body.get("texts") or []
    if not texts or len(texts) > _MOST_TEXTS or not all(isinstance(text, str) for text in texts):
        raise refuse(f"texts must hold 1 to {_MOST_TEXTS} texts")
    size = body.get("output_dimension") or vectors.DIMENSIONS
    if size not in (vectors.DIMENSIONS, *_SIZES):
        raise refuse(f"output_dimension must be one of {', '.join(map(str, _SIZES))}")
    found = [vectors.embed(text, size, setting.seed) for text in texts]
    shown: dict[str, list[Any]] = {}
    for kind in kinds:
        shown[kind] = [vectors.encoded(vector, kind) for vector in found]
    meta = {"api_version": {"version": "2"}, "billed_units": {"input_tokens": sum(len(tokens(text)) for text in texts)}}
    return Reply.of({"id": _identity(request), "embeddings": shown, "texts": texts, "meta": meta, "response_type": "embeddings_by_type"})


def rerank(request: Request, setting: Setting) -> Reply:
    """POST /v2/rerank."""
    body = request.json
    _check_model(body)
    if not isinstance(body.get("query"), str) or not body["query"]:
        raise refuse("query must not be empty")
    documents = body.get("documents")
    if not is_list(documents) or not documents or not all(isinstance(document, str) for document in documents):
        raise refuse("documents must be a list of texts that is not empty")
    results = orjson.loads(rank(request, setting).body)["results"]
    meta = {"api_version": {"version": "2"}, "billed_units": {"search_units": 1}}
    return Reply.of({"id": _identity(request), "results": results, "meta": meta})


def models(_request: Request, _setting: Setting) -> Reply:
    """GET /v1/models."""
    rows = [{"name": name, "endpoints": ["embed" if name == "embed" else "chat"], "finetuned": False, "context_length": 128_000} for name in MODELS]
    return Reply.of({"models": rows})


@rephrased(_WORDINGS)
def _check_model(body: Mapping[str, Any]) -> None:
    name = body.get("model")
    if not isinstance(name, str):
        raise refuse("model is required")
    check_model(name)


# Failures.


def _failure(failure: Failure) -> Reply:
    body = {"id": "failed", "message": failure.message}
    return Reply(failure.status, orjson.dumps({**body, "error_type": failure.code} if failure.code else body), headers=failure.headers)


def _failure_event(failure: Failure) -> bytes:
    delta: dict[str, Any] = {"finish_reason": "ERROR", "usage": {}, "error": failure.message}
    return named_event({"type": "message-end", "delta": {**delta, "error_type": failure.code} if failure.code else delta})


DIALECT = Dialect(
    "cohere",
    (
        *(
            Route("POST", f"{base}/v2/{path}", handler)
            for base in ("", "/cohere")
            for path, handler in (("chat", complete), ("embed", embed), ("rerank", rerank))
        ),
        Route("GET", "/cohere/v1/models", models),
    ),
    _failure,
    _failure_event,
)
