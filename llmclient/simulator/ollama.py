"""The dialect of Ollama: chat, plain and streamed by lines, embeddings and models, in the shapes that its server sends."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

import orjson

from llmclient.simulator import vectors
from llmclient.simulator.answers import IMAGE_TOKENS, MODELS, Answer, Call, Prompt, Tool, Turn, answer, check_model, tokens, usage_of
from llmclient.simulator.exchange import Dialect, Failure, Reply, Request, Route, Setting, is_dict, is_list
from llmclient.simulator.wording import Wording, rephrased

_LINES = "application/x-ndjson"
_ROLES = ("system", "user", "assistant", "tool")
_LEVELS = ("low", "medium", "high", "max")
_NANOSECONDS = 1_000_000
_WORDINGS = {
    "unknown": Wording(404, "model '{model}' not found"),
    "long": Wording(400, "the prompt exceeds the context length: {message}"),
}


@rephrased(_WORDINGS)
def complete(request: Request, setting: Setting) -> Reply:
    """POST /api/chat, which streams unless told not to."""
    body = request.json
    prompt = _prompt(request, setting)
    one = answer(prompt)
    used = usage_of(prompt, [one])
    head = {"model": prompt.model, "created_at": _moment(setting)}
    end = {
        "done": True,
        "done_reason": "length" if one.finish == "length" else "stop",
        "total_duration": 3 * _NANOSECONDS,
        "load_duration": _NANOSECONDS,
        "prompt_eval_count": used.prompt,
        "prompt_eval_duration": _NANOSECONDS,
        "eval_count": used.completion,
        "eval_duration": _NANOSECONDS,
    }
    if body.get("stream") is False:
        return Reply.of({**head, "message": _message(one), **end})
    said: list[dict[str, Any]] = [{"content": "", "thinking": token} for token in one.reasoning]
    said += [{"content": token} for token in one.text]
    said += [{"content": "", "tool_calls": [_call(call, index)]} for index, call in enumerate(one.calls)]
    events = [_line({**head, "message": {"role": "assistant", **piece}, "done": False}) for piece in said]
    return Reply(content_type=_LINES, events=events, end=_line({**head, "message": {"role": "assistant", "content": ""}, **end}))


def _moment(setting: Setting) -> str:
    return datetime.datetime.fromtimestamp(setting.created, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _line(value: object) -> bytes:
    return orjson.dumps(value) + b"\n"


def _message(one: Answer) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": "".join(one.text)}
    if one.reasoning:
        message["thinking"] = "".join(one.reasoning)
    if one.calls:
        message["tool_calls"] = [_call(call, index) for index, call in enumerate(one.calls)]
    return message


def _call(call: Call, index: int) -> dict[str, Any]:
    return {"id": call.id, "function": {"index": index, "name": call.name, "arguments": call.parsed}}


# Requests.


def _prompt(request: Request, setting: Setting) -> Prompt:
    body = request.json
    _check_model(body)
    options: Any = body.get("options") or {}
    if not is_dict(options):
        raise Failure(400, "options must be an object")
    stop: Any = options.get("stop") or ()
    limit = options.get("num_predict")
    think = body.get("think")
    if not (think is None or isinstance(think, bool) or think in _LEVELS):
        levels = ", ".join(f'"{level}"' for level in reversed(_LEVELS))
        raise Failure(400, f'invalid think value: "{think}" (must be {levels}, true, or false)')
    return Prompt(
        model=body["model"],
        turns=_turns(body.get("messages") or []),
        digest=request.digest,
        seed=setting.seed,
        tools=tuple(_tool(tool) for tool in body.get("tools") or ()),
        shape=_shape(body.get("format")),
        max_tokens=limit if isinstance(limit, int) and limit >= 0 else None,
        stop=(stop,) if isinstance(stop, str) else tuple(stop),
        effort="none" if think is False else think if isinstance(think, str) else None,
    )


@rephrased(_WORDINGS)
def _check_model(body: Mapping[str, Any]) -> None:
    name = body.get("model")
    if not isinstance(name, str) or not name:
        raise Failure(400, "model is required")
    check_model(name)


def _turns(messages: Any) -> list[Turn]:
    turns: list[Turn] = []
    for message in messages if is_list(messages) else ():
        content = message.get("content", "") if is_dict(message) else None
        if not is_dict(message) or message.get("role") not in _ROLES or not isinstance(content, str):
            raise Failure(400, "json: cannot unmarshal messages into Go struct field ChatRequest.messages")
        images: Any = message.get("images") or ()
        if any(not isinstance(image, str) or ":" in image for image in images):
            raise Failure(400, "illegal base64 data at input byte 4")
        if any(not is_dict(call["function"].get("arguments")) for call in message.get("tool_calls") or ()):
            raise Failure(400, "json: cannot unmarshal string into Go struct field ToolCallFunction.messages.tool_calls.function.arguments")
        turns.append(Turn(message["role"], content, IMAGE_TOKENS * len(images)))
    return turns


def _tool(tool: Any) -> Tool:
    function = tool.get("function") if is_dict(tool) else None
    if not is_dict(function) or not isinstance(function.get("name"), str):
        raise Failure(400, "json: cannot unmarshal tools into Go struct field ChatRequest.tools")
    parameters: Any = function.get("parameters")
    return Tool(function["name"], parameters if is_dict(parameters) else {"type": "object"})


def _shape(form: Any) -> Mapping[str, Any] | bool | None:
    if form is None or form == "":
        return None
    if form == "json":
        return True
    if is_dict(form):
        return form
    raise Failure(400, f'invalid format: {orjson.dumps(form).decode()}; expected "json" or a valid JSON Schema object')


# Other operations.


def embed(request: Request, setting: Setting) -> Reply:
    """POST /api/embed."""
    body = request.json
    _check_model(body)
    given: Any = body.get("input")
    texts: list[Any] = [given] if isinstance(given, str) else given if is_list(given) else []
    if not all(isinstance(text, str) for text in texts):
        raise Failure(400, "invalid input type")
    found = [vectors.embed(text, body.get("dimensions") or vectors.DIMENSIONS, setting.seed).tolist() for text in texts]
    count = sum(len(tokens(text)) for text in texts)
    return Reply.of({"model": body["model"], "embeddings": found, "total_duration": _NANOSECONDS, "load_duration": _NANOSECONDS, "prompt_eval_count": count})


def models(_request: Request, setting: Setting) -> Reply:
    """GET /api/tags."""
    details = {"parent_model": "", "format": "gguf", "family": "simulator", "families": ["simulator"], "parameter_size": "1B", "quantization_level": "F16"}
    rows = [{"name": name, "model": name, "modified_at": _moment(setting), "size": 1_000, "digest": "0" * 64, "details": details} for name in MODELS]
    return Reply.of({"models": rows})


# Failures.


def _failure(failure: Failure) -> Reply:
    return Reply(failure.status, orjson.dumps({"error": failure.message}), headers=failure.headers)


def _failure_event(failure: Failure) -> bytes:
    return _line({"error": failure.message})


DIALECT = Dialect(
    "ollama",
    (Route("POST", "/api/chat", complete), Route("POST", "/api/embed", embed), Route("GET", "/api/tags", models)),
    _failure,
    _failure_event,
    heartbeat=b"\n",
    garbage=b'{"model": oops\n',
)
