"""The dialect of Anthropic: messages, plain and streamed, and the counting of tokens, in the shapes that api.anthropic.com sends.

The routes stand at the usual paths and below /anthropic, where the list of models has Anthropic's shape, too.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import orjson

from llmclient.simulator.answers import MODELS, Answer, Call, Prompt, Usage, answer, check_model, identifier, pieces, usage_of
from llmclient.simulator.anthropic_prompts import prompt_of
from llmclient.simulator.exchange import EVENTS, Dialect, Failure, Reply, Request, Route, Setting, bearer, named_event
from llmclient.simulator.wording import Wording, rephrased

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}
_WORDINGS = {
    "unknown": Wording(404, "model: {model}"),
    "broken": Wording(500, "Internal server error"),
    "long": Wording(400, "prompt is too long: {given} tokens > {longest} maximum"),
}


@rephrased(_WORDINGS)
def complete(request: Request, setting: Setting) -> Reply:
    """POST /v1/messages."""
    prompt = prompt_of(request, setting)
    one, stop = _answer(prompt)
    usage = _usage(usage_of(prompt, [one]))
    if request.json.get("stream"):
        return _stream(request, one, stop, usage)
    return Reply(body=orjson.dumps(_message(request, _blocks(one), one, stop, usage)), headers=headers(request))


@rephrased(_WORDINGS)
def count(request: Request, setting: Setting) -> Reply:
    """POST /v1/messages/count_tokens."""
    prompt = prompt_of(request, setting, counting=True)
    check_model(prompt.model)
    return Reply(body=orjson.dumps({"input_tokens": usage_of(prompt, []).prompt}), headers=headers(request))


def models(_request: Request, _setting: Setting) -> Reply:
    """GET /v1/models."""
    rows = [_model(name) for name in MODELS]
    return Reply.of({"data": rows, "has_more": False, "first_id": MODELS[0], "last_id": MODELS[-1]})


def model(request: Request, _setting: Setting) -> Reply:
    """GET /v1/models/{model}."""
    name = request.params["model"]
    if name not in MODELS:
        raise Failure(404, f"model: {name}")
    return Reply.of(_model(name))


def _model(name: str) -> dict[str, Any]:
    return {
        "type": "model",
        "id": name,
        "display_name": name.capitalize(),
        "created_at": "2023-11-14T22:13:20Z",
        "lifecycle": "active",
        "max_input_tokens": 128_000,
        "max_tokens": 64_000,
    }


def headers(request: Request) -> dict[str, str]:
    """Return what Anthropic says beside an answer."""
    return {
        "request-id": f"req_{request.digest}",
        "anthropic-organization-id": "org_simulator",
        "anthropic-ratelimit-requests-limit": "4000",
        "anthropic-ratelimit-requests-remaining": "3999",
        "anthropic-ratelimit-requests-reset": "2023-11-14T22:13:20Z",
        "anthropic-ratelimit-tokens-limit": "1000000",
        "anthropic-ratelimit-tokens-remaining": "999000",
        "anthropic-ratelimit-tokens-reset": "2023-11-14T22:13:20Z",
    }


# What is said.


def _answer(prompt: Prompt) -> tuple[Answer, str | None]:
    """Return the answer, and the stop sequence that ended it."""
    one = answer(prompt)
    if not prompt.stop or one.finish != "stop":
        return one, None
    text = "".join(answer(dataclasses.replace(prompt, stop=())).text)
    found = [(place, stop) for stop in prompt.stop if (place := text.find(stop)) >= 0]
    return one, min(found)[1] if found else None


def _usage(used: Usage) -> dict[str, Any]:
    """Return the counts as Anthropic does: what came from the cache stands beside the input."""
    return {
        "input_tokens": used.prompt - used.cached,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": used.cached,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "output_tokens": used.completion,
        "output_tokens_details": {"thinking_tokens": used.reasoning},
        "service_tier": "standard",
        "inference_geo": "not_available",
    }


def _message(request: Request, blocks: list[dict[str, Any]], one: Answer | None, stop: str | None, usage: dict[str, Any]) -> dict[str, Any]:
    reason = None if one is None else "stop_sequence" if stop is not None else _REASONS[one.finish]
    return {
        "id": f"msg_{request.digest}",
        "type": "message",
        "role": "assistant",
        "model": request.model,
        "content": blocks,
        "stop_reason": reason,
        "stop_sequence": stop,
        "stop_details": None,
        "usage": usage,
    }


def signature_of(thought: str) -> str:
    """Return the signature of a thought, which a later request must repeat with it."""
    return "sig_" + identifier("thought", thought)


def _blocks(one: Answer) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    if one.reasoning:
        thought = "".join(one.reasoning)
        blocks.append({"type": "thinking", "thinking": thought, "signature": signature_of(thought)})
    if one.text:
        blocks.append({"type": "text", "text": "".join(one.text)})
    blocks += [{"type": "tool_use", "id": _call_id(call), "name": call.name, "input": call.parsed, "caller": {"type": "direct"}} for call in one.calls]
    return blocks


def _call_id(call: Call) -> str:
    return call.id.replace("call_", "toolu_", 1)


# Streams.


def _stream(request: Request, one: Answer, stop: str | None, usage: dict[str, Any]) -> Reply:
    first = {key: value for key, value in usage.items() if key != "output_tokens_details"} | {"output_tokens": 1}
    events: list[dict[str, Any]] = [{"type": "message_start", "message": _message(request, [], None, None, first)}]
    for index, block in enumerate(_blocks(one)):
        events.append({"type": "content_block_start", "index": index, "content_block": _empty(block)})
        if index == 0:
            events.append({"type": "ping"})
        events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in _deltas(block, one)]
        events.append({"type": "content_block_stop", "index": index})
    whole = _message(request, [], one, stop, usage)
    delta = {key: whole[key] for key in ("stop_reason", "stop_sequence", "stop_details")}
    counts = {key: value for key, value in usage.items() if key not in ("cache_creation", "service_tier", "inference_geo")}
    closing = [named_event({"type": "message_delta", "delta": delta, "usage": counts})]
    return Reply(
        content_type=EVENTS,
        headers=headers(request),
        events=[named_event(event) for event in events],
        closing=closing,
        end=named_event({"type": "message_stop"}),
    )


def _empty(block: dict[str, Any]) -> dict[str, Any]:
    """Return a block as a stream begins it."""
    blank: dict[str, dict[str, Any]] = {"thinking": {"thinking": "", "signature": ""}, "text": {"text": ""}, "tool_use": {"input": {}}}
    return block | blank[block["type"]]


def _deltas(block: dict[str, Any], one: Answer) -> Iterator[dict[str, Any]]:
    match block["type"]:
        case "thinking":
            yield from ({"type": "thinking_delta", "thinking": token} for token in one.reasoning)
            yield {"type": "signature_delta", "signature": block["signature"]}
        case "text":
            yield from ({"type": "text_delta", "text": token} for token in one.text)
        case _:
            arguments = next(call.arguments for call in one.calls if _call_id(call) == block["id"])
            text = "" if arguments == "{}" else arguments
            yield {"type": "input_json_delta", "partial_json": ""}
            yield from ({"type": "input_json_delta", "partial_json": piece} for piece in pieces(text))


# Failures.


def _error(failure: Failure) -> dict[str, Any]:
    given = failure.type if failure.type in _TYPES.values() and failure.type != "invalid_request_error" else None
    kind = given or _TYPES.get(failure.status, "api_error" if failure.status >= 500 else "invalid_request_error")
    details = {"details": {"error_code": failure.code}} if failure.code and failure.type is None else {}
    return {"type": "error", "error": {"type": kind, "message": failure.message, **details}, "request_id": "req_failed"}


def _failure(failure: Failure) -> Reply:
    retry = "true" if failure.status in (408, 409, 429) or failure.status >= 500 else "false"
    return Reply(failure.status, orjson.dumps(_error(failure)), headers={"request-id": "req_failed", "x-should-retry": retry, **failure.headers})


def _failure_event(failure: Failure) -> bytes:
    return named_event(_error(failure))


def _key(request: Request) -> str:
    return request.headers.get("x-api-key", "").strip() or bearer(request)


DIALECT = Dialect(
    "anthropic",
    (
        Route("POST", "/v1/messages", complete),
        Route("POST", "/v1/messages/count_tokens", count),
        Route("POST", "/anthropic/v1/messages", complete),
        Route("POST", "/anthropic/v1/messages/count_tokens", count),
        Route("GET", "/anthropic/v1/models", models),
        Route("GET", "/anthropic/v1/models/{model}", model),
    ),
    _failure,
    _failure_event,
    _key,
)
