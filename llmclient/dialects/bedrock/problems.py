"""What Amazon's failures mean: the kind stands in a header, in `__type`, or in the headers of a message of a stream."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any, Final

from llmclient.dialects import bodies, failure, hints
from llmclient.dialects.failcodes import read_limits
from llmclient.dialects.shapes import is_object
from llmclient.errors import (
    RETRIED_STATUSES,
    AuthenticationError,
    ContextLengthExceededError,
    InvalidRequestError,
    PermissionDeniedError,
    ProviderError,
    QuotaExceededError,
    RateLimitError,
    ResponseParsingError,
)
from llmclient.types.messages import EMPTY, JSONObject
from llmclient.wire import jsons

_HEADER: Final = "x-amzn-errortype"
_CODES: Final[Mapping[str, failure.Kind]] = {
    "ResourceNotFoundException": "model_not_found",
    "ModelErrorException": "server",
    "ModelStreamErrorException": "server",
    "MissingAuthenticationTokenException": "authentication",
    "SignatureDoesNotMatch": "authentication",
    "NotAuthorized": "permission",
    "OptInRequired": "permission",
}
"""https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html, and the errors of Converse and InvokeModel."""
_STATUSES: Final[Mapping[str, int]] = {
    "accessdenied": 403,
    "internalserver": 500,
    "modelerror": 424,
    "modelnotready": 429,
    "modelstreamerror": 424,
    "modeltimeout": 408,
    "resourcenotfound": 404,
    "servicequotaexceeded": 400,
    "serviceunavailable": 503,
    "throttling": 429,
    "validation": 400,
}
"""The status that a failure within a stream would have had outside of one."""


@functools.cache
def _overflow() -> re.Pattern[str]:
    return re.compile(r"input tokens exceed|too many input tokens|input is too long", re.IGNORECASE)


@functools.cache
def _daily() -> re.Pattern[str]:
    return re.compile(r"tokens per day", re.IGNORECASE)


@functools.cache
def _wrong_key() -> re.Pattern[str]:
    return re.compile(r"api key is (?:in)?valid|api key is expired|security token included in the request is (?:invalid|expired)", re.IGNORECASE)


def of_status(status: int, headers: Mapping[str, str], body: bytes, own: Mapping[str, failure.Kind], model: str | None = None) -> ProviderError:
    """Return the error that a status other than 2xx means."""
    value = hints.read_body(body)
    lower = {name.lower(): text for name, text in headers.items()}
    kind = _kind(value)
    if kind and not lower.get(_HEADER):
        lower[_HEADER] = kind
    error = failure.map_failure(status, lower, body, model=model, codes={**_CODES, **own} if own else _CODES)
    return _refine(error, value if is_object(value) else EMPTY)


def of_message(headers: Mapping[str, object], payload: bytes, own: Mapping[str, failure.Kind], model: str | None) -> ProviderError:
    """Return the error that a message of a stream reports."""
    kind = str(headers.get(":exception-type") or headers.get(":error-code") or "")
    text = headers.get(":error-message")
    body = jsons.rewrite({"message": text}) if isinstance(text, str) and not payload else payload
    return of_status(_STATUSES.get(failure.fold(kind), 500), {_HEADER: kind}, body, own, model)


def of_body(value: Any, own: Mapping[str, failure.Kind], model: str | None) -> ProviderError | None:
    """Return the error that a parsed 200 body reports, or None when it reports none."""
    kind = _kind(value)
    if not kind and not (is_object(value) and isinstance(_message(value), str) and "output" not in value):
        return None
    status = _STATUSES.get(failure.fold(kind), 400 if kind else 500)
    return of_status(status, {_HEADER: kind} if kind else {}, jsons.rewrite(value), own, model)


def unreadable(raw: bytes, model: str, what: str) -> ResponseParsingError:
    """Return the error for a body that is no answer."""
    return bodies.unreadable(raw, f"is no {what}", "the Bedrock runtime", model or None)


def _kind(value: Any) -> str:
    """Return the kind in `__type`, which may stand under `Output`, without its namespace; "" if there is none."""
    if not is_object(value):
        return ""
    inner = value.get("Output")
    kind = value.get("__type") or (inner.get("__type") if is_object(inner) else None)
    return kind.rpartition("#")[2] if isinstance(kind, str) else ""


def _message(value: JSONObject) -> Any:
    return value.get("message") or value.get("Message")


def _refine(error: ProviderError, value: JSONObject) -> ProviderError:
    """Make the class more exact where only the message, or the status of the model behind, tells."""
    if type(error) is InvalidRequestError and _overflow().search(error.message):
        limit, actual = read_limits(error.message)
        return ContextLengthExceededError("", error.message, limit=limit, actual=actual, **_facts(error))
    if type(error) is RateLimitError and _daily().search(error.message):
        return QuotaExceededError("", error.message, **_facts(error))
    if type(error) is PermissionDeniedError and _wrong_key().search(error.message):
        return AuthenticationError("", error.message, **_facts(error))
    if value.get("originalStatusCode") in RETRIED_STATUSES:
        error.retryable = True
    return error


def _facts(error: ProviderError) -> dict[str, Any]:
    names = ("model", "status", "code", "type", "param", "request_id", "retry_after", "body")
    return {name: getattr(error, name) for name in names}
