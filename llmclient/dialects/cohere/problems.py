"""What this vendor's failures mean, where its words are not everybody's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from llmclient.dialects import failure, hints
from llmclient.dialects.shapes import is_object
from llmclient.errors import ContentFilteredError, ProviderError, QuotaExceededError, RateLimitError
from llmclient.types.messages import EMPTY, JSONObject

_CODES: Final[Mapping[str, failure.Kind]] = {"TOO_MANY_TOKENS": "context_length", "INVALID_TOOL_GENERATION": "invalid"}
"""`error_type`."""
_DENIED: Final = 498
"""Request or answer held a token that may not be used (https://docs.cohere.com/reference/chat)."""
_MONTHLY: Final = ("calls / month", "calls/month")
"""How a trial key's monthly allowance is told from its allowance of a minute."""


def of_status(status: int, headers: Mapping[str, str], body: bytes, own: Mapping[str, failure.Kind] = EMPTY) -> ProviderError:
    """Return the error that a status other than 2xx means."""
    error = _refine(failure.map_failure(status, headers, body, codes=_codes(own)))
    value = hints.read_body(body)
    identity = value.get("id") if is_object(value) else None
    return error.with_facts(request_id=identity if isinstance(identity, str) and identity else None)


def of_body(value: Any, model: str, own: Mapping[str, failure.Kind] = EMPTY) -> ProviderError | None:
    """Return the error that a parsed 200 body, or an event, reports; None when it reports none."""
    if is_object(value) and isinstance(value.get("message"), str):
        value = {"error": value}
    error = failure.find_failure(value, model=model or None, codes=_codes(own))
    return None if error is None else _refine(error)


def of_end(delta: JSONObject, model: str, own: Mapping[str, failure.Kind] = EMPTY) -> ProviderError | None:
    """Return the error with which a stream's last event says that the answer failed, None when it did not."""
    if not delta.get("error"):
        return None
    return of_body({"error": {"message": delta["error"], "code": delta.get("error_type")}}, model, own)


def _codes(own: Mapping[str, failure.Kind]) -> Mapping[str, failure.Kind]:
    return {**_CODES, **own} if own else _CODES


def _refine(error: ProviderError) -> ProviderError:
    if error.status == _DENIED:
        return _as(ContentFilteredError, error)
    if type(error) is RateLimitError and any(words in error.message for words in _MONTHLY):
        return _as(QuotaExceededError, error)
    return error


def _as(kind: type[ProviderError], error: ProviderError) -> ProviderError:
    facts = ("model", "status", "code", "type", "param", "request_id", "retry_after", "body")
    return kind("", error.message, **{name: getattr(error, name) for name in facts})
