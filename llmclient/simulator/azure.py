"""Azure's addresses for OpenAI's dialect: deployments, the v1 surface, and Foundry's models, with what its filter adds.

A deployment may have any name; it behaves like the model of that name. A prompt with the word `jailbreak` is filtered.
"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Callable
from typing import Any

import orjson

from llmclient.simulator.exchange import Dialect, Failure, Handler, Reply, Request, Route, Setting, bearer, event_of
from llmclient.simulator.openai import chat, operations
from llmclient.simulator.openai.prompts import prompt_of
from llmclient.simulator.responses import respond

_SAFE = {kind: {"filtered": False, "severity": "safe"} for kind in ("hate", "self_harm", "sexual", "violence")}
_FILTERED = (
    "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify your prompt and retry."
)
_KEY = (
    "Access denied due to invalid subscription key or wrong API endpoint. "
    "Make sure to provide a valid key for an active subscription and use a correct regional API endpoint for your resource."
)
_DEPLOYMENT = (
    "The API deployment for this resource does not exist. "
    "If you created the deployment within the last 5 minutes, please wait a moment and try again."
)


def complete(request: Request, setting: Setting) -> Reply:
    """POST …/chat/completions."""
    named = _named(request)
    if "jailbreak" in re.findall(r"[\w-]+", prompt_of(named, setting).question.lower()):
        raise Failure(400, _FILTERED, code="content_filter", param="prompt")
    reply = chat.complete(named, setting)
    found = [{"prompt_index": 0, "content_filter_results": _SAFE}]
    if reply.events is None:
        reply.body = orjson.dumps(_seen(orjson.loads(reply.body)) | {"prompt_filter_results": found})
        return reply
    first = {"choices": [], "created": 0, "id": "", "model": "", "object": "", "prompt_filter_results": found}
    reply.events = [event_of(first), *map(_seen_event, reply.events)]
    reply.closing = [_seen_event(event) for event in reply.closing]
    return reply


def embeddings(request: Request, setting: Setting) -> Reply:
    """POST …/embeddings."""
    return operations.embeddings(_named(request), setting)


def _named(request: Request) -> Request:
    """Return the request with the deployment of its path as the model of its body."""
    if "model" not in request.params:
        return request
    target = f"{request.path}?{request.query}"
    return Request(request.method, target, request.headers, orjson.dumps({**request.json, "model": request.params["model"]}), request.salt)


def _seen(value: dict[str, Any]) -> dict[str, Any]:
    """Return an answer or an event with what the filter found in each choice."""
    return {**value, "choices": [{**choice, "content_filter_results": _SAFE} for choice in value["choices"]]}


def _seen_event(event: bytes) -> bytes:
    return event_of(_seen(orjson.loads(event.removeprefix(b"data: "))))


# Addresses.


def _versioned(handler: Handler) -> Handler:
    """Return a handler that is found only under a version."""

    def handle(request: Request, setting: Setting) -> Reply:
        if not dict(urllib.parse.parse_qsl(request.query)).get("api-version"):
            raise Failure(404, "Resource not found")
        return _identified(request, handler(request, setting))

    return handle


def _unversioned(handler: Handler) -> Handler:
    """Return a handler that is found without a version, or under one that is no date."""

    def handle(request: Request, setting: Setting) -> Reply:
        version = dict(urllib.parse.parse_qsl(request.query)).get("api-version", "v1")
        if version[:1].isdigit():
            raise Failure(400, "API version not supported", code="BadRequest")
        return _identified(request, handler(request, setting))

    return handle


def _identified(request: Request, reply: Reply) -> Reply:
    limits = {name: value for name, value in reply.headers.items() if "ratelimit" in name}
    reply.headers = {"apim-request-id": request.digest, "x-request-id": request.digest, "x-ms-region": "Simulator", **limits}
    return reply


def _key(request: Request) -> str:
    return request.headers.get("api-key") or bearer(request)


# Failures.


def _error(failure: Failure) -> dict[str, Any]:
    if failure.status == 401:
        return {"error": {"code": "401", "message": _KEY}}
    if failure.code == "model_not_found":
        return {"error": {"type": "invalid_request_error", "code": "DeploymentNotFound", "message": _DEPLOYMENT}}
    if failure.code == "content_filter":
        found = _SAFE | {"jailbreak": {"filtered": True, "detected": True}}
        inner = {"code": "ResponsibleAIPolicyViolation", "content_filter_result": found}
        known = {"message": failure.message, "type": None, "param": failure.param, "code": failure.code, "status": failure.status}
        return {"error": {**known, "innererror": inner}}
    code = failure.code or ("RateLimitReached" if failure.status == 429 else str(failure.status))
    more = {name: value for name, value in (("type", failure.type), ("param", failure.param)) if value is not None}
    return {"error": {"code": code, "message": failure.message, **more}}


def _failure(failure: Failure) -> Reply:
    return Reply(failure.status, orjson.dumps(_error(failure)), headers={"apim-request-id": "failed", **failure.headers})


def _failure_event(failure: Failure) -> bytes:
    return event_of(_error(failure))


def _routes(prefix: str, guard: Callable[[Handler], Handler], **handlers: tuple[str, str, Handler]) -> tuple[Route, ...]:
    return tuple(Route(method, prefix + path, guard(handler)) for method, path, handler in handlers.values())


_CHAT = ("POST", "/chat/completions", complete)
_EMBED = ("POST", "/embeddings", embeddings)
_LIST = ("GET", "/models", operations.models)
_RESPOND = ("POST", "/responses", respond)

DIALECT = Dialect(
    "azure",
    (
        *_routes("/openai/v1", _unversioned, chat=_CHAT, embed=_EMBED, models=_LIST, responses=_RESPOND),
        *_routes("/openai/deployments/{model}", _versioned, chat=_CHAT, embed=_EMBED),
        *_routes("/openai", _versioned, models=_LIST, responses=_RESPOND),
        *_routes("/models", _versioned, chat=_CHAT, embed=_EMBED),
    ),
    _failure,
    _failure_event,
    key=_key,
)
