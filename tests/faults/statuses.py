"""Statuses as faults: each one with and without a wait that the provider asks for, in every form in which providers say it."""

from __future__ import annotations

import datetime
import email.utils
import itertools
import json
from collections.abc import Callable, Iterator

from tests.faults.play import Case, End, Fault, Mode
from tests.faults.wires import Wire
from tests.wireserver import Steps, http_response

CLASSES = {
    400: "InvalidRequestError",
    401: "AuthenticationError",
    402: "QuotaExceededError",
    403: "PermissionDeniedError",
    404: "ModelNotFoundError",
    405: "ApiError",
    408: "RequestTimeoutError",
    409: "ApiError",
    413: "ContextLengthExceededError",
    418: "ApiError",
    422: "InvalidRequestError",
    425: "ApiError",
    429: "RateLimitError",
    500: "ApiError",
    501: "NotSupportedError",
    502: "ProviderUnavailableError",
    503: "ProviderUnavailableError",
    504: "RequestTimeoutError",
    520: "ProviderUnavailableError",
    521: "ProviderUnavailableError",
    522: "ProviderUnavailableError",
    523: "ProviderUnavailableError",
    524: "RequestTimeoutError",
    529: "ProviderUnavailableError",
}
RETRIED = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529})
FORBIDDEN_BODY = (204, 205, 304)
AT_ONCE, LONG = (0.0, 0.0), (30.0, 30.0)


def in_seconds(seconds: float) -> str:
    """Return a date as HTTP writes it."""
    return email.utils.format_datetime(datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds), usegmt=True)


def reset_at(seconds: float) -> str:
    """Return a time as Anthropic writes it."""
    return (datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)).isoformat()


def info(delay: str) -> object:
    """Return Google's RetryInfo."""
    return [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}]


Form = tuple[str, Callable[[], dict[str, str]], str, "tuple[float, float] | None", bool]
FORMS: tuple[Form, ...] = (
    ("Retry-After in seconds", lambda: {"Retry-After": "0"}, "", AT_ONCE, False),
    ("Retry-After in long seconds", lambda: {"Retry-After": "30"}, "", LONG, False),
    ("Retry-After as a float", lambda: {"Retry-After": "0.02"}, "", (0.02, 0.02), False),
    ("Retry-After as a date", lambda: {"Retry-After": in_seconds(30)}, "", (28.0, 30.0), False),
    ("Retry-After as a date just gone", lambda: {"Retry-After": in_seconds(-2)}, "", AT_ONCE, False),
    ("Retry-After that says nothing", lambda: {"Retry-After": "soon"}, "", None, False),
    ("retry-after-ms", lambda: {"retry-after-ms": "20"}, "", (0.02, 0.02), False),
    ("reset headers, in spans", lambda: {"x-ratelimit-reset-requests": "20ms"}, "", (0.02, 0.02), True),
    ("reset headers, as times", lambda: {"anthropic-ratelimit-requests-reset": reset_at(30)}, "", (28.0, 30.0), True),
    ("RetryInfo in the body", dict, "0.02s", (0.02, 0.02), False),
    ("a long RetryInfo in the body", dict, "30s", LONG, False),
)
"""Name, headers, RetryInfo, the hint that is read, and whether it counts with status 429 only."""


def failure(status: int, headers: Callable[[], dict[str, str]], delay: str) -> Callable[[Case], Steps]:
    """Return the script of an answer with a status."""
    error: dict[str, object] = {"message": "the model m was not found" if status == 404 else "no"} | ({"details": info(delay)} if delay else {})
    body = json.dumps({"error": error}).encode()
    return lambda case: [http_response(status, {"Content-Type": "application/json"} | headers(), body)]


def plain(status: int) -> Fault:
    """Return a status without a hint."""
    end = End(CLASSES[status], 2 if status in RETRIED else 1)
    return Fault(f"status {status}", failure(status, dict, ""), end, end)


def hinted(status: int, form: Form, only: Callable[[Wire, Mode], bool]) -> Fault:
    """Return a status with a hint; it is waited for, or raised at once where it is long."""
    name, headers, delay, hint, only_429 = form
    hint = None if only_429 and status != 429 else hint
    waits = hint is None or hint[1] < 1
    end = End(CLASSES[status], 2 if status in RETRIED and waits else 1, hint=hint)
    return Fault(f"status {status} with {name}", failure(status, headers, delay), end, end, only=only)


def everywhere(wire: Wire, mode: Mode) -> bool:
    """Play it in every dialect and mode."""
    return True


def once(wire: Wire, mode: Mode) -> bool:
    """Play it once: that every dialect reads hints alike is shown with 429 and 503."""
    return wire.name == "openai" and mode == "chat"


def redirects() -> Iterator[Fault]:
    """Yield redirects, none of which is followed."""
    for status in (301, 302, 303, 307, 308):
        script = failure(status, lambda: {"Location": "http://127.0.0.1:1/elsewhere"}, "")
        yield Fault(f"status {status}, to another host", script, End("ApiError"), End("ApiError"), kept=None)


def odd() -> Iterator[Fault]:
    """Yield statuses that are no failure and no answer."""
    for status in FORBIDDEN_BODY[:2]:
        end, cut = End("ResponseParsingError"), End("StreamTruncatedError", chunks="")
        yield Fault(f"status {status}, which has no body", lambda case, status=status: [http_response(status)], end, cut)
    end = End("ApiError")
    yield Fault("status 304, which has no body", lambda case: [http_response(304, length=None)], end, end)


PLAIN = tuple(map(plain, CLASSES))
HINTED = tuple(hinted(status, form, everywhere if status in (429, 503) else once) for status, form in itertools.product(CLASSES, FORMS))
GROUPS = {"Statuses": PLAIN, "Statuses with a hint": HINTED, "Redirects and statuses without a body": (*redirects(), *odd())}
FAULTS = tuple(itertools.chain(*GROUPS.values()))
