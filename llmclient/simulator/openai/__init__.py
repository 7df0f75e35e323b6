"""The dialect of OpenAI, which most other providers speak too."""

from __future__ import annotations

from typing import Any

import orjson

from llmclient.simulator.exchange import Dialect, Failure, Reply, Route, event_of
from llmclient.simulator.openai import chat, operations

_USUAL: dict[int, tuple[str, str | None]] = {
    401: ("invalid_request_error", "invalid_api_key"),
    429: ("requests", "rate_limit_exceeded"),
}


def _error(failure: Failure) -> dict[str, Any]:
    kind, code = _USUAL.get(failure.status, ("server_error" if failure.status >= 500 else "invalid_request_error", None))
    if failure.code == "insufficient_quota":
        kind = "insufficient_quota"
    return {"error": {"message": failure.message, "type": failure.type or kind, "param": failure.param, "code": failure.code or code}}


def _failure(failure: Failure) -> Reply:
    return Reply(failure.status, orjson.dumps(_error(failure)), headers={"x-request-id": "req_failed", **failure.headers})


def _failure_event(failure: Failure) -> bytes:
    return event_of(_error(failure))


DIALECT = Dialect(
    "openai",
    (
        Route("POST", "/v1/chat/completions", chat.complete),
        Route("POST", "/v1/embeddings", operations.embeddings),
        Route("GET", "/v1/models", operations.models),
        Route("GET", "/v1/models/{model}", operations.model),
        Route("POST", "/v1/moderations", operations.moderations),
        Route("POST", "/v1/audio/speech", operations.speech),
        Route("POST", "/v1/audio/transcriptions", operations.transcriptions),
        Route("POST", "/v1/audio/translations", operations.transcriptions),
        Route("POST", "/v1/images/generations", operations.images),
        Route("POST", "/v1/images/edits", operations.edits),
        Route("GET", "/v1/images/files/{name}", operations.picture),
        Route("POST", "/v1/rerank", operations.rerank),
    ),
    _failure,
    _failure_event,
)
