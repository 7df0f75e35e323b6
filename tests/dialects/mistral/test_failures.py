"""Mistral's failures, in the shapes in which they come."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llmclient import errors
from llmclient.dialects.mistral import MistralChat
from tests.dialects.kit import decode, delta, run, wire

MISTRAL = MistralChat(provider="acme")


def failed(status: int, body: Any, **headers: str) -> errors.ProviderError:
    """Return the error of a status and a body."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return MISTRAL.error(status, named, body if isinstance(body, bytes) else json.dumps(body).encode())


def told(message: Any, kind: str, code: str | None = None) -> dict[str, Any]:
    """Return a body in the usual shape."""
    return {"object": "error", "message": message, "type": kind, "param": None, "code": code}


FORBIDDEN = [{"type": "extra_forbidden", "loc": ["body", "messages", 0, "user", "name"], "msg": "Extra inputs are not permitted", "input": "bob"}]


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, told("Invalid model: nope", "invalid_model", "1500"), errors.ModelNotFoundError),
        (400, told("Unexpected role 'user' after role 'tool'", "invalid_request_message_order", "3230"), errors.InvalidRequestError),
        (400, told("Logprobs are not enabled for this model", "invalid_request_invalid_args", "3051"), errors.InvalidRequestError),
        (401, {"detail": "Invalid API Key"}, errors.AuthenticationError),
        (401, {"message": "Unauthorized", "request_id": "r1"}, errors.AuthenticationError),
        (403, {"detail": "Forbidden"}, errors.PermissionDeniedError),
        (429, told("Requests rate limit exceeded", "rate_limited", "1300"), errors.RateLimitError),
        (429, told("Service tier capacity exceeded for this model.", "service_tier_capacity_exceeded", "3505"), errors.RateLimitError),
        (500, told("Service unavailable.", "internal_server_error", "3000"), errors.ApiError),
        (503, b"upstream connect error", errors.ProviderUnavailableError),
        (422, {"detail": FORBIDDEN}, errors.InvalidRequestError),
        (422, told({"detail": FORBIDDEN}, "invalid_request_error"), errors.InvalidRequestError),
    ],
)
def test_a_failure_has_its_class(status: int, body: Any, kind: type[errors.ProviderError]) -> None:
    """By its code, else by its status."""
    error = failed(status, body)
    assert (kind, status) == (type(error), error.status)


@pytest.mark.parametrize("body", [{"detail": FORBIDDEN}, told({"detail": FORBIDDEN}, "invalid_request_error")], ids=["detail", "message"])
def test_a_list_of_details_is_told_line_by_line(body: Any) -> None:
    """The first field at fault is the parameter; the body stays as it came."""
    error = failed(422, body)
    assert ("messages.0.user.name: Extra inputs are not permitted", "messages.0.user.name") == (error.message, error.param)
    assert json.dumps(body) == error.body


def test_several_details_are_all_told() -> None:
    """Also those that name no place."""
    error = failed(422, {"detail": [{"loc": ["body", "top_p"], "msg": "too big"}, {"msg": "nothing fits"}, "odd"]})
    assert ("top_p: too big; nothing fits", "top_p") == (error.message, error.param)


@pytest.mark.parametrize("body", [b'"detail": [', b'["detail"]', b'{"detail": []}', b'{"detail": [{"loc": 1}]}', b'{"message": {"detail": 1}}'])
def test_odd_details_are_no_crash(body: bytes) -> None:
    """The status still says what is the matter."""
    assert isinstance(failed(422, body), errors.InvalidRequestError)


def test_an_overflow_tells_its_numbers() -> None:
    """Mistral has only words for it."""
    message = "Prompt contains 40960 tokens and 0 draft tokens, too large for model with 32768 maximum context length"
    error = failed(400, told(message, "invalid_request_prompt", "3051"))
    assert isinstance(error, errors.ContextLengthExceededError)
    assert (32768, 40960) == (error.limit, error.actual)


def test_a_hint_to_wait_is_read() -> None:
    """From either header."""
    assert 7.0 == failed(429, told("x", "rate_limited", "1300"), retry_after="7").retry_after
    assert 12.0 == failed(429, told("x", "rate_limited", "1300"), ratelimitbysize_reset="12", ratelimitbysize_remaining="0").retry_after


def test_own_codes_come_first() -> None:
    """An adapter may give codes of its own."""
    error = MistralChat(error_codes={"3505": "unavailable"}).error(429, {}, json.dumps(told("x", "y", "3505")).encode())
    assert isinstance(error, errors.ProviderUnavailableError)


def test_a_failure_within_a_200_is_the_same() -> None:
    """In a body, and in a stream after what came before it."""
    body = told("Invalid model: nope", "invalid_model", "1500")
    with pytest.raises(errors.ModelNotFoundError):
        decode(body, MISTRAL)
    decoder, chunks = run(wire(delta({"content": "he"}), body), MISTRAL)
    assert ["he"] == [chunk.text for chunk in chunks]
    assert isinstance(decoder.error, errors.ModelNotFoundError)


@pytest.mark.parametrize(("raw", "reason"), [("model_length", "length"), ("tool_calls", "tool_calls"), ("stop", "stop")])
def test_finish_reasons(raw: str, reason: str) -> None:
    """Mistral's own word for a full context is `length`."""
    decoder, _ = run(wire(delta({"content": "x"}), delta({}, raw)), MISTRAL)
    assert (reason, raw) == (decoder.response().finish_reason, decoder.response().finish_reason_raw)


def test_an_answer_that_ended_by_an_error_fails() -> None:
    """With nothing said there is no answer; with something said there is one."""
    decoder, _ = run(wire(delta({}, "error")), MISTRAL)
    assert isinstance(decoder.error, errors.ApiError)
    decoder, _ = run(wire(delta({"content": "x"}), delta({}, "error")), MISTRAL)
    assert (None, "error") == (decoder.error, decoder.response().finish_reason)
