"""What a failure means: one class of the error tree, whatever shape the provider gave it.

The order: a structured code in the body, then the status, then the type, and last a few narrow phrases, which only make
a class more exact. The same failure means the same whether it came with a status, in a 200 body, or within a stream.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, TypeAlias

from llmclient import errors
from llmclient.dialects import hints
from llmclient.dialects.failcodes import CODES, IMPLIED, PROVIDER_CODES, phrase_kind, read_limits, speaks_of_model
from llmclient.dialects.failshapes import Facts, read_facts, reports_failure
from llmclient.errors import ApiError, ContextLengthExceededError, ProviderError
from llmclient.types.messages import EMPTY

Kind: TypeAlias = Literal[
    "authentication",
    "permission",
    "rate_limit",
    "quota",
    "invalid",
    "model_not_found",
    "context_length",
    "content_filter",
    "unavailable",
    "timeout",
    "not_supported",
    "server",
]

_CLASSES: Final[Mapping[str, Callable[..., ProviderError]]] = {
    "authentication": errors.AuthenticationError,
    "permission": errors.PermissionDeniedError,
    "rate_limit": errors.RateLimitError,
    "quota": errors.QuotaExceededError,
    "invalid": errors.InvalidRequestError,
    "model_not_found": errors.ModelNotFoundError,
    "context_length": ContextLengthExceededError,
    "content_filter": errors.ContentFilteredError,
    "unavailable": errors.ProviderUnavailableError,
    "timeout": errors.RequestTimeoutError,
    "not_supported": errors.NotSupportedError,
    "server": ApiError,
}
_STATUSES: Final[Mapping[int, Kind]] = {
    400: "invalid", 401: "authentication", 402: "quota", 403: "permission", 404: "model_not_found", 408: "timeout", 413: "context_length",
    422: "invalid", 429: "rate_limit", 501: "not_supported", 502: "unavailable", 503: "unavailable", 504: "timeout", 520: "unavailable",
    521: "unavailable", 522: "unavailable", 523: "unavailable", 524: "timeout", 529: "unavailable",
}  # fmt: skip
_REFINES: Final[Mapping[str, frozenset[str]]] = {
    "rate_limit": frozenset({"quota"}),
    "permission": frozenset({"quota", "content_filter", "model_not_found"}),
    "model_not_found": frozenset({"model_not_found", "invalid", "content_filter", "context_length"}),
    "context_length": frozenset({"rate_limit", "quota"}),
    "invalid": frozenset(_CLASSES) - {"server"},
    "server": frozenset({"unavailable", "timeout", "context_length", "not_supported", "rate_limit", "quota"}),
    "": frozenset(_CLASSES),
}
"""What a type or a phrase may still make of a status."""
_BODY_LIMIT: Final = 65_536
_REQUEST_IDS: Final = (
    "x-request-id", "request-id", "x-amzn-requestid", "x-amzn-request-id", "apim-request-id", "x-ms-request-id", "x-goog-request-id",
    "mistral-correlation-id", "x-kong-request-id", "x-log-id", "x-global-transaction-id", "x-generation-id", "inference-id", "x-inference-request-id",
    "x-trace-id", "cf-ray",
)  # fmt: skip


def map_failure(
    status: int, headers: Mapping[str, str], body: bytes, *, model: str | None = None, codes: Mapping[str, Kind] = EMPTY
) -> ProviderError:
    """Return (never raise) the error that a status other than 2xx means.

    `codes` are codes of the provider's own, in any spelling of case and punctuation, and what they mean.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    value = hints.read_body(body)
    facts = read_facts(value, lower)
    error = _make(facts, status, lower, value, codes, model)
    error.body = errors.redact(body[:_BODY_LIMIT].decode("utf-8", "replace")) if body else None
    return error


def find_failure(value: Any, *, model: str | None = None, codes: Mapping[str, Kind] = EMPTY) -> ProviderError | None:
    """Return the error that a parsed 200 body or an event of a stream reports, or None when it reports none."""
    if not reports_failure(value):
        return None
    facts = read_facts(value, EMPTY)
    return _make(facts, facts.status or _implied(facts), EMPTY, value, codes, model)


def of_finish_reason(reason: str) -> ProviderError:
    """Return the error of an answer that ended by a failure, where the finish reason is all that is known."""
    message = f"the answer ended with {reason!r} before it said anything"
    if reason in ("error", "malformed_function_call", "unexpected_tool_call"):
        return ApiError("", message, code=reason)
    return errors.ProviderUnavailableError("", message, code=reason)


def request_id(headers: Mapping[str, str]) -> str | None:
    """Return the provider's id of a request from its headers: urllib3's, or a mapping whose names are in lower case."""
    # So many look-ups in urllib3's own mapping would cost more than reading a short answer; it holds lower-case names too.
    present: Any = getattr(headers, "_container", headers)
    for name in _REQUEST_IDS:
        if name in present and headers[name]:
            return headers[name]
    return None


def _make(facts: Facts, status: int | None, headers: Mapping[str, str], body: Any, codes: Mapping[str, Kind], model: str | None) -> ProviderError:
    kind = _classify(facts, status, codes)
    known: dict[str, Any] = {
        "status": status,
        "code": facts.code,
        "type": facts.type,
        "param": facts.param,
        "model": model,
        "request_id": request_id(headers) or facts.request_id,
        "retry_after": hints.retry_after_hint(headers, body, status=status),
        "retryable": _retryable(kind, facts, headers),
    }
    if kind == "context_length":
        known["limit"], known["actual"] = facts.limits or read_limits(facts.message)
    return _CLASSES[kind]("", _message(facts, status, headers), **known)


def _classify(facts: Facts, status: int | None, codes: Mapping[str, Kind]) -> Kind:
    own: dict[str, Kind] = {fold(name): kind for name, kind in codes.items()}
    for code in facts.codes:
        kind = own.get(fold(code)) or (PROVIDER_CODES.get(code) if facts.foreign_codes else CODES.get(fold(code)))
        if kind is not None:
            return kind
    base = _by_status(status, facts)
    allowed = _REFINES.get(base, frozenset())
    typed = own.get(fold(facts.type)) or CODES.get(fold(facts.type)) if facts.type else None
    for finer in (typed, phrase_kind(facts.message)):
        if finer is not None and finer in allowed:
            return finer
    return base or "server"


def fold(code: str) -> str:
    """Return a code in lower case without punctuation and without a final "error" or "exception"."""
    folded = "".join(letter for letter in code.lower() if letter.isalnum())
    for end in ("error", "exception"):
        folded = folded.removesuffix(end) or folded
    return folded


def _by_status(status: int | None, facts: Facts) -> Kind | Literal[""]:
    """Return the kind that the status stands for, "" for none that says anything."""
    if status is None or status < 300:
        return ""
    if status == 404:
        return _not_found(facts)
    return _STATUSES.get(status, "server")


def _not_found(facts: Facts) -> Kind:
    """A 404 means the model unless it says that something else is the matter."""
    about_model = facts.param == "model" or speaks_of_model(facts.message) or any("model" in code.lower() for code in facts.codes)
    return "model_not_found" if about_model or facts.says_nothing else "invalid"


def _implied(facts: Facts) -> int | None:
    """Return the status with which the same failure would have come outside of a 200 body."""
    for word in (*facts.codes, facts.type or ""):
        status = IMPLIED.get(fold(word))
        if status is not None:
            return status
    return None


def _retryable(kind: Kind, facts: Facts, headers: Mapping[str, str]) -> bool | None:
    said = headers.get("x-should-retry", "").lower()
    if said in ("true", "false"):
        return said == "true"
    if kind == "rate_limit" and "request too large" in facts.message.lower():
        # More tokens than a minute's allowance: no wait will do.
        return False
    return None


def _host(address: str) -> str:
    from urllib.parse import urlsplit

    try:
        return urlsplit(address).netloc
    except ValueError:
        return ""


def _message(facts: Facts, status: int | None, headers: Mapping[str, str]) -> str:
    if status is not None and 300 <= status < 400:
        host = _host(headers.get("location", "")) or "another place"
        return f"the address redirects to {host}, which is not followed; set api_base to the final address"
    if facts.message:
        return facts.message
    if status is None:
        return "the provider reports a failure without saying which"
    import http

    try:
        phrase = f" {http.HTTPStatus(status).phrase}"
    except ValueError:
        phrase = ""
    return f"status {status}{phrase}, and nothing more was said"
