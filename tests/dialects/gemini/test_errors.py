"""Failures as Google reports them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llmclient import errors
from llmclient.dialects.gemini import GeminiChat, GeminiCountTokens, GeminiEmbeddings, GeminiModels
from tests.dialects.gemini.kit import GEMINI

INFO = "type.googleapis.com/google.rpc.ErrorInfo"
RETRY = "type.googleapis.com/google.rpc.RetryInfo"
QUOTA = "type.googleapis.com/google.rpc.QuotaFailure"


def status(code: int, word: str, message: str = "words", *details: dict[str, Any]) -> dict[str, Any]:
    """Return a body with a google.rpc.Status."""
    return {"error": {"code": code, "status": word, "message": message, **({"details": list(details)} if details else {})}}


def error(code: int, value: Any, headers: dict[str, str] | None = None) -> errors.ProviderError:
    """Return the error of a status and a body."""
    return GEMINI.error(code, headers or {}, value if isinstance(value, bytes) else json.dumps(value).encode())


@pytest.mark.parametrize(
    ("code", "value", "kind"),
    [
        (400, status(400, "INVALID_ARGUMENT"), errors.InvalidRequestError),
        (400, status(400, "INVALID_ARGUMENT", "API key not valid.", {"@type": INFO, "reason": "API_KEY_INVALID"}), errors.AuthenticationError),
        (400, status(400, "INVALID_ARGUMENT", "API key expired.", {"@type": INFO, "reason": "API_KEY_EXPIRED"}), errors.AuthenticationError),
        (400, status(400, "FAILED_PRECONDITION", "User location is not supported for the API use."), errors.InvalidRequestError),
        (
            400,
            status(400, "INVALID_ARGUMENT", "The input token count (1250074) exceeds the maximum number of tokens allowed (1048576)."),
            errors.ContextLengthExceededError,
        ),
        (401, status(401, "UNAUTHENTICATED", "words", {"@type": INFO, "reason": "CREDENTIALS_MISSING"}), errors.AuthenticationError),
        (401, status(401, "UNAUTHENTICATED", "words", {"@type": INFO, "reason": "ACCESS_TOKEN_EXPIRED"}), errors.AuthenticationError),
        (403, status(403, "PERMISSION_DENIED", "words", {"@type": INFO, "reason": "SERVICE_DISABLED"}), errors.PermissionDeniedError),
        (403, status(403, "PERMISSION_DENIED", "words", {"@type": INFO, "reason": "BILLING_DISABLED"}), errors.QuotaExceededError),
        (404, status(404, "NOT_FOUND", "models/x is not found for API version v1beta"), errors.ModelNotFoundError),
        (404, status(404, "NOT_FOUND", "Publisher Model `projects/p/locations/l/publishers/google/models/x` was not found"), errors.ModelNotFoundError),
        (404, status(404, "NOT_FOUND", "Requested entity was not found."), errors.ModelNotFoundError),
        (404, status(404, "NOT_FOUND", "CachedContent not found: cachedContents/1"), errors.InvalidRequestError),
        (429, status(429, "RESOURCE_EXHAUSTED"), errors.RateLimitError),
        (500, status(500, "INTERNAL"), errors.ApiError),
        (501, status(501, "UNIMPLEMENTED"), errors.NotSupportedError),
        (503, status(503, "UNAVAILABLE", "The model is overloaded."), errors.ProviderUnavailableError),
        (504, status(504, "DEADLINE_EXCEEDED"), errors.RequestTimeoutError),
        (502, b"<html><title>502 Bad Gateway</title></html>", errors.ProviderUnavailableError),
    ],
)
def test_a_failure_has_its_class(code: int, value: Any, kind: type[errors.ProviderError]) -> None:
    """By the structured reason, then by the status."""
    assert kind is type(error(code, value))


@pytest.mark.parametrize(
    "value",
    [
        status(404, "NOT_FOUND", "Requested entity was not found."),
        status(404, "NOT_FOUND", "CachedContent not found: cachedContents/1"),
        status(403, "PERMISSION_DENIED", "words", {"@type": INFO, "reason": "BILLING_DISABLED"}),
        status(429, "RESOURCE_EXHAUSTED"),
        status(503, "UNAVAILABLE"),
    ],
)
def test_a_failure_is_the_same_wherever_it_comes(value: Any) -> None:
    """With a status, in a 200 body, within a stream."""
    raw = json.dumps(value).encode()
    kind = type(GEMINI.error(value["error"]["code"], {}, raw))
    with pytest.raises(errors.ProviderError) as caught:
        GEMINI.decode(raw, "m", "r")
    decoder = GEMINI.stream("m", "r")
    decoder.feed(b"data: " + raw + b"\r\n\r\n")
    assert [kind, kind] == [type(caught.value), type(decoder.error)]


def test_an_error_in_an_array_is_the_same() -> None:
    """Streams without alt=sse put it there."""
    found = error(429, [status(429, "RESOURCE_EXHAUSTED", "slow")])
    assert (errors.RateLimitError, "slow", 429) == (type(found), found.message, found.status)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (status(429, "RESOURCE_EXHAUSTED", "words", {"@type": RETRY, "retryDelay": "45.837906927s"}), 45.837906927),
        (status(429, "RESOURCE_EXHAUSTED", "Quota exceeded. Please retry in 26.66s."), 26.66),
        (status(429, "RESOURCE_EXHAUSTED"), None),
    ],
    ids=["field", "text", "none"],
)
def test_the_wait_is_read_from_the_body(value: Any, seconds: float | None) -> None:
    """There is no header for it."""
    assert seconds == error(429, value).retry_after


def test_a_daily_quota_is_no_rate_limit() -> None:
    """Waiting a minute does not help, whatever RetryInfo says."""
    quota = {"@type": QUOTA, "violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]}
    found = error(429, status(429, "RESOURCE_EXHAUSTED", "words", quota, {"@type": RETRY, "retryDelay": "30s"}))
    assert (errors.QuotaExceededError, False) == (type(found), found.retryable)


def test_a_quota_by_the_minute_is_a_rate_limit() -> None:
    """It refills by itself."""
    quota = {"@type": QUOTA, "violations": [{"quotaId": "GenerateRequestsPerMinutePerProjectPerModel"}]}
    assert errors.RateLimitError is type(error(429, status(429, "RESOURCE_EXHAUSTED", "words", quota)))


def test_the_numbers_of_a_context_that_is_too_long_are_read() -> None:
    """Limit and actual length."""
    found = error(400, status(400, "INVALID_ARGUMENT", "The input token count (1250074) exceeds the maximum number of tokens allowed (1048576)."))
    assert isinstance(found, errors.ContextLengthExceededError)
    assert (1048576, 1250074) == (found.limit, found.actual)


@pytest.mark.parametrize("dialect", [GeminiChat(), GeminiEmbeddings(), GeminiModels(), GeminiCountTokens()], ids=lambda dialect: dialect.name)
def test_each_operation_knows_googles_reasons(dialect: Any) -> None:
    """A bad key is a bad key everywhere."""
    body = json.dumps(status(400, "INVALID_ARGUMENT", "words", {"@type": INFO, "reason": "API_KEY_INVALID"})).encode()
    assert errors.AuthenticationError is type(dialect.error(400, {}, body))
