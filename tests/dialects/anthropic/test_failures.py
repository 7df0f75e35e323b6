"""What the Messages API's failures mean."""

import json

import pytest

from llmclient import errors
from llmclient.dialects.anthropic import AnthropicCountTokens, AnthropicMessages, AnthropicModels


def failure(status, kind, text, headers=None, dialect=None, **more):
    """Return the error of a failure in the API's shape."""
    body = {"type": "error", "error": {"type": kind, "message": text, **more}, "request_id": "req_1"}
    return (dialect or AnthropicMessages()).error(status, headers or {}, json.dumps(body).encode())


@pytest.mark.parametrize(
    ("status", "kind", "text", "expected"),
    [
        (400, "invalid_request_error", "messages: field required", errors.InvalidRequestError),
        (401, "authentication_error", "invalid x-api-key", errors.AuthenticationError),
        (402, "billing_error", "pay", errors.QuotaExceededError),
        (403, "permission_error", "not yours", errors.PermissionDeniedError),
        (404, "not_found_error", "model: claude-9", errors.ModelNotFoundError),
        (413, "request_too_large", "too large", errors.ContextLengthExceededError),
        (429, "rate_limit_error", "slow down", errors.RateLimitError),
        (500, "api_error", "oops", errors.ApiError),
        (504, "timeout_error", "too slow", errors.RequestTimeoutError),
        (529, "overloaded_error", "busy", errors.ProviderUnavailableError),
        (400, "invalid_request_error", "Your credit balance is too low to access the Anthropic API", errors.QuotaExceededError),
    ],
)
def test_the_class_of_a_failure(status, kind, text, expected):
    """By its status and type; message, type and request id are kept."""
    error = failure(status, kind, text)
    assert expected is type(error)
    assert (text, kind, "req_1", status) == (error.message, error.type, error.request_id, error.status)


def test_peers_27_usage_limits_are_a_quota():
    """A 400 that speaks of the specified API usage limits is no invalid request: waiting will not help, nor will changing it."""
    error = failure(400, "invalid_request_error", "You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.")
    assert errors.QuotaExceededError is type(error)
    assert not error.retryable


def test_a_prompt_that_is_too_long():
    """The numbers are read from the message."""
    error = failure(400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum")
    assert errors.ContextLengthExceededError is type(error)
    assert (200_000, 210_000) == (error.limit, error.actual)


def test_prompt_and_answer_that_are_too_long_together():
    """Another message for the same."""
    error = failure(400, "invalid_request_error", "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000, decrease input length")
    assert errors.ContextLengthExceededError is type(error)


def test_the_request_id_is_also_a_header():
    """The header goes first."""
    assert "req_h" == failure(500, "api_error", "oops", {"request-id": "req_h"}).request_id


def test_peers_70_hints_and_verdicts_in_headers():
    """How long to wait, and whether the same call may succeed."""
    error = failure(429, "rate_limit_error", "slow down", {"retry-after": "7", "x-should-retry": "false"})
    assert (7.0, False) == (error.retry_after, error.retryable)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("enforced_spend_limit_reached", errors.QuotaExceededError),
        ("ramp_limit_exceeded", errors.RateLimitError),
        ("organization_on_hold", errors.PermissionDeniedError),
        ("cmek_key_unreachable", errors.ProviderUnavailableError),
        ("request_body_timeout", errors.RequestTimeoutError),
        ("image_dimensions_too_large", errors.InvalidRequestError),
    ],
)
def test_codes_in_the_details_go_before_the_status(code, expected):
    """They name the cause; the body is kept as it came."""
    error = failure(400, "invalid_request_error", "no", details={"error_code": code})
    assert (expected, code) == (type(error), error.code)
    assert {"error_code": code} == json.loads(error.body)["error"]["details"]


def test_a_host_may_have_codes_of_its_own():
    """The quirk `error_codes`, for failures in a status and in a 200 body."""
    own = AnthropicMessages(error_codes={"house_rule": "content_filter"})
    details = {"error_code": "house_rule"}
    assert errors.ContentFilteredError is type(failure(400, "invalid_request_error", "no", dialect=own, details=details))
    assert errors.InvalidRequestError is type(failure(400, "invalid_request_error", "no", details=details))
    with pytest.raises(errors.ContentFilteredError):
        own.decode(json.dumps({"type": "error", "error": {"type": "invalid_request_error", "message": "no", "details": details}}).encode(), "m", "")


@pytest.mark.parametrize(
    "body", [b"", b"<html>Bad gateway</html>", b"[1]", b'{"error": "no"}', b'{"error": {"details": []}}'], ids=["empty", "html", "list", "text", "odd details"]
)
def test_bodies_of_other_shapes_are_failures_too(body):
    """Never an exception, whatever came."""
    assert errors.ProviderUnavailableError is type(AnthropicMessages().error(503, {}, body))


@pytest.mark.parametrize("dialect", [AnthropicModels(), AnthropicCountTokens()], ids=["models", "count"])
def test_every_operation_maps_alike(dialect):
    """Listing and counting fail as a chat does."""
    assert errors.AuthenticationError is type(failure(401, "authentication_error", "invalid x-api-key", dialect=dialect))
