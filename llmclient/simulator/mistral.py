"""The dialect of Mistral: chat, completion of code, embeddings and models, in the shapes that api.mistral.ai sends.

The routes stand below /mistral/v1, since Mistral's paths are OpenAI's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from llmclient.simulator import vectors
from llmclient.simulator.answers import MODELS, Answer, Call, Prompt, Usage, answer, check_model, identifier, tokens, usage_of
from llmclient.simulator.exchange import DONE, EVENTS, Dialect, Failure, Reply, Request, Route, Setting, event_of
from llmclient.simulator.mistral_prompts import completion_of, prompt_of, texts_of
from llmclient.simulator.wording import Wording, rephrased

_FILLER = "abcdefghijklmnopqrstuvwxyz0123456789"
_USUAL = {
    429: ("rate_limited", "1300"),
    500: ("internal_server_error", "3000"),
    503: ("unreachable_backend", "1100"),
}
_LONG = "Prompt contains {given} tokens and 0 draft tokens, too large for model with {longest} maximum context length"
_WORDINGS = {
    "unknown": Wording(400, "Invalid model: {model}", "invalid_model", "1500"),
    "broken": Wording(500, "Service unavailable."),
    "long": Wording(400, _LONG, "invalid_request_prompt", "3051"),
}


def complete(request: Request, setting: Setting) -> Reply:
    """POST /mistral/v1/chat/completions."""
    return _reply(request, setting, prompt_of(request, setting))


def fill(request: Request, setting: Setting) -> Reply:
    """POST /mistral/v1/fim/completions."""
    return _reply(request, setting, completion_of(request, setting))


@rephrased(_WORDINGS)
def embeddings(request: Request, setting: Setting) -> Reply:
    """POST /mistral/v1/embeddings."""
    texts, body = texts_of(request), request.json
    check_model(body["model"])
    dimensions = body.get("output_dimension") or vectors.DIMENSIONS
    data: list[dict[str, Any]] = []
    for index, text in enumerate(texts):
        vector = vectors.embed(text, dimensions, setting.seed)
        data.append({"object": "embedding", "embedding": vectors.encoded(vector, body.get("encoding_format") or "float"), "index": index})
    count = sum(len(tokens(text)) for text in texts)
    usage = {"prompt_tokens": count, "total_tokens": count, "completion_tokens": 0, "prompt_audio_seconds": None}
    return Reply(body=orjson.dumps({"id": request.digest, "object": "list", "data": data, "model": body["model"], "usage": usage}), headers=headers(request))


def models(_request: Request, setting: Setting) -> Reply:
    """GET /mistral/v1/models."""
    return Reply.of({"object": "list", "data": [_listed(name, setting) for name in MODELS]})


@rephrased(_WORDINGS)
def model(request: Request, setting: Setting) -> Reply:
    """GET /mistral/v1/models/{model}."""
    check_model(request.params["model"])
    return Reply.of(_listed(request.params["model"], setting))


def _listed(name: str, setting: Setting) -> dict[str, Any]:
    able = {"completion_chat": True, "function_calling": True, "completion_fim": True, "fine_tuning": False, "vision": True, "classification": False}
    return {
        "id": name,
        "object": "model",
        "created": setting.created,
        "owned_by": "mistralai",
        "capabilities": able,
        "name": name,
        "description": "A model of the simulator.",
        "max_context_length": 128_000,
        "aliases": [],
        "deprecation": None,
        "default_model_temperature": 0.3,
        "type": "base",
    }


def headers(request: Request) -> dict[str, str]:
    """Return what Mistral says beside an answer."""
    return {
        "mistral-correlation-id": request.digest,
        "x-kong-request-id": request.digest,
        "x-ratelimit-limit-req-minute": "300",
        "x-ratelimit-remaining-req-minute": "299",
        "x-ratelimit-limit-tokens-minute": "500000",
        "x-ratelimit-remaining-tokens-minute": "499990",
        "x-ratelimit-tokens-query-cost": "10",
    }


# Answers.


@rephrased(_WORDINGS)
def _reply(request: Request, setting: Setting, prompt: Prompt) -> Reply:
    check_model(prompt.model)
    answers = [_own(answer(prompt, index)) for index in range(request.json.get("n") or 1)]
    usage = _usage(usage_of(prompt, answers))
    top = {"id": request.digest, "created": setting.created, "model": request.model}
    if request.json.get("stream"):
        return _stream(request, top, answers, usage)
    choices = [{"index": index, "finish_reason": one.finish, "message": _message(one)} for index, one in enumerate(answers)]
    whole = {**top, "usage": usage, "object": "chat.completion", "choices": choices}
    return Reply(body=orjson.dumps(whole), headers=headers(request))


def _own(one: Answer) -> Answer:
    """Return the answer with ids that Mistral could have made."""
    calls = [call._replace(id=identifier(call.id)[:9]) for call in one.calls]
    return Answer(one.text, one.reasoning, calls, one.finish)


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.prompt,
        "total_tokens": usage.prompt + usage.completion,
        "completion_tokens": usage.completion,
        "prompt_tokens_details": {"cached_tokens": usage.cached},
        "service_tier": "standard",
    }


def _message(one: Answer) -> dict[str, Any]:
    text = "".join(one.text)
    thoughts = [_thinking("".join(one.reasoning)) | {"closed": True}] if one.reasoning else []
    content = [*thoughts, {"type": "text", "text": text}] if thoughts else text
    return {"role": "assistant", "tool_calls": [_call(call, index) for index, call in enumerate(one.calls)] or None, "content": content}


def _thinking(text: str) -> dict[str, Any]:
    return {"type": "thinking", "thinking": [{"type": "text", "text": text}]}


def _call(call: Call, index: int) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}, "index": index}


def _stream(request: Request, top: dict[str, Any], answers: Sequence[Answer], usage: dict[str, Any]) -> Reply:
    def event(number: int, choice: dict[str, Any], more: dict[str, Any]) -> bytes:
        """Each has padding, so that its length does not tell what is in it."""
        return event_of({**top, "object": "chat.completion.chunk", "choices": [choice], **more, "p": _FILLER[: number * 7 % 36]})

    deltas = [(index, delta) for index, one in enumerate(answers) for delta in _deltas(one)]
    events = [event(number, {"index": index, "delta": delta, "finish_reason": None}, {}) for number, (index, delta) in enumerate(deltas)]
    closing: list[bytes] = []
    for index, one in enumerate(answers):
        # Calls come whole with the reason, and the usage with the last of all.
        calls = [_call(call, number) for number, call in enumerate(one.calls)]
        choice = {"index": index, "delta": {"tool_calls": calls} if calls else {"content": ""}, "finish_reason": one.finish}
        closing.append(event(index, choice, {"usage": usage} if index == len(answers) - 1 else {}))
    return Reply(content_type=EVENTS, headers=headers(request), events=events, closing=closing, end=DONE)


def _deltas(one: Answer) -> Iterator[dict[str, Any]]:
    yield {"role": "assistant", "content": ""}
    for token in one.reasoning:
        yield {"content": [_thinking(token)]}
    for token in one.text:
        yield {"content": token}


# Failures.


def _error(failure: Failure) -> dict[str, Any]:
    if failure.status in (401, 403, 404, 405):
        return {"detail": "Invalid API Key" if failure.status == 401 else failure.message}
    kind, code = _USUAL.get(failure.status, ("internal_server_error" if failure.status >= 500 else "invalid_request_error", None))
    message = orjson.loads(failure.message) if failure.status == 422 and failure.message.startswith("{") else failure.message
    shown = {"message": message, "type": failure.type or kind, "param": failure.param, "code": failure.code or code}
    return {"object": "error", **shown, "raw_status_code": failure.status}


def _failure(failure: Failure) -> Reply:
    return Reply(failure.status, orjson.dumps(_error(failure)), headers={"x-kong-request-id": "failed", **failure.headers})


def _failure_event(failure: Failure) -> bytes:
    return event_of(_error(failure))


DIALECT = Dialect(
    "mistral",
    (
        Route("POST", "/mistral/v1/chat/completions", complete),
        Route("POST", "/mistral/v1/fim/completions", fill),
        Route("POST", "/mistral/v1/embeddings", embeddings),
        Route("GET", "/mistral/v1/models", models),
        Route("GET", "/mistral/v1/models/{model}", model),
    ),
    _failure,
    _failure_event,
)
