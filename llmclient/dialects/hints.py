"""How long a provider asks to wait, in every form that providers say it."""

from __future__ import annotations

import datetime
import functools
import math
import re
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from llmclient.dialects.shapes import is_array, is_object
from llmclient.types.messages import EMPTY
from llmclient.wire import jsons

_LONGEST: Final = 31 * 86_400.0
_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_EPOCH: Final = 1_000_000_000.0
"""Seconds above this are no span but a time since 1970."""


def retry_after_hint(
    headers: Mapping[str, str],
    body: bytes | Mapping[str, Any] | list[Any] | None = None,
    *,
    status: int | None = None,
    now: Callable[[], float] = time.time,
) -> float | None:
    """Return how many seconds the provider asks to wait, or None if it does not say so.

    `retry-after-ms` comes before `retry-after`, then the body's own field, then its text; the `…-ratelimit-reset-…` headers count
    with status 429 only, since providers send them with every answer. Negative, infinite and absurd values are no hints.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    value = read_body(body)
    said = _from_headers(lower, now)
    if said is None:
        said = _from_body(value)
    return _from_resets(lower, now) if said is None and status == 429 else said


def read_body(body: Any) -> Any:
    """Return a body parsed, None if it is no JSON; one that is parsed already stays as it is."""
    if not isinstance(body, (bytes, str)):
        return body
    try:
        return jsons.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace") if isinstance(body, bytes) else body


def _sane(seconds: float) -> float | None:
    return seconds if math.isfinite(seconds) and 0 <= seconds <= _LONGEST else None


def _number(text: Any) -> float | None:
    if isinstance(text, bool) or not isinstance(text, (int, float, str)):
        return None
    try:
        return _sane(float(text))
    except ValueError:
        return None


def _from_headers(headers: Mapping[str, str], now: Callable[[], float]) -> float | None:
    for name in ("retry-after-ms", "x-ms-retry-after-ms"):
        milliseconds = _number(headers.get(name))
        # Azure sends 0 here beside a true `retry-after`.
        if milliseconds:
            return milliseconds / 1_000
    said = headers.get("retry-after")
    if said is None:
        return None
    seconds = _number(said)
    return seconds if seconds is not None or _is_number(said) else _until(_read_date(said), now)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _read_date(text: str) -> datetime.datetime | None:
    """Read an HTTP date, or one in the form of RFC 3339; a zone of -0000 is UTC."""
    import email.utils  # here and in the like places: what failures alone need is loaded when one comes

    try:
        date = email.utils.parsedate_to_datetime(text)
    except ValueError:
        try:
            date = datetime.datetime.fromisoformat(text)
        except ValueError:
            return None
    return date if date.tzinfo is not None else date.replace(tzinfo=datetime.UTC)


def _until(date: datetime.datetime | None, now: Callable[[], float]) -> float | None:
    if date is None:
        return None
    seconds = date.timestamp() - now()
    # A date just gone by means "now"; one long past is a clock that is wrong.
    return 0.0 if -60 < seconds < 0 else _sane(seconds)


# Bodies.


def _from_body(value: Any) -> float | None:
    for holder in _holders(value):
        said = _from_fields(holder)
        if said is not None:
            return said
    for text in _texts(value):
        said = _from_text(text)
        if said is not None:
            return said
    return None


def _holders(value: Any) -> Iterator[Mapping[str, Any]]:
    if is_array(value):
        value = value[0] if value else None
    if not is_object(value):
        return
    error = value.get("error")
    inner = error if is_object(error) else EMPTY
    for details in (inner.get("details"), value.get("details")):
        if is_array(details):
            yield from (item for item in details if is_object(item) and "retryDelay" in item)
    metadata = inner.get("metadata")
    yield from (inner, value, metadata if is_object(metadata) else EMPTY)


def _from_fields(holder: Mapping[str, Any]) -> float | None:
    delay = holder.get("retryDelay")
    if isinstance(delay, str):
        return read_span(delay)
    milliseconds = _number(holder.get("retry_after_ms"))
    if milliseconds is not None:
        return milliseconds / 1_000
    for name in ("retry_after", "retry_after_seconds", "estimated_time"):
        seconds = _number(holder.get(name))
        if seconds is not None:
            return seconds
    return None


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for holder in _holders(value):
        for name in ("message", "error", "detail", "raw"):
            if isinstance(holder.get(name), str):
                yield holder[name]


@functools.cache
def _span_pattern() -> re.Pattern[str]:
    return re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


@functools.cache
def _text_pattern() -> re.Pattern[str]:
    words = r"milliseconds?|seconds?|secs?|minutes?|mins?|hours?"
    span = rf"(?P<span>(?:\d+(?:\.\d+)?(?:ms|s|m|h|d)(?![a-z]))+|(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>{words}))"
    ask = r"(?:\b(?:retry|try again)\b[^.\d]{0,40}?\b(?:in|after)|\bwait(?: for)?)"
    return re.compile(rf"{ask}\s+(?:about\s+)?{span}", re.IGNORECASE)


def read_span(text: str) -> float | None:
    """Read `6m0s`, `1.57s`, `20ms`, `1h2m3s`; a bare number is seconds. None for anything else, "" and negative spans too."""
    if not text or len(text) > 40:
        return None
    pieces = _span_pattern().findall(text)
    if "".join(number + unit for number, unit in pieces) != text:
        return _number(text)
    return _sane(sum(float(number) * _UNITS[unit] for number, unit in pieces))


def _from_text(text: str) -> float | None:
    found = _text_pattern().search(text[:4_000])
    if found is None:
        return None
    if found["number"] is None:
        return read_span(found["span"].lower())
    unit = found["unit"].lower()
    scale = 0.001 if unit.startswith("milli") else {"s": 1.0, "m": 60.0, "h": 3_600.0}[unit[0]]
    return _sane(float(found["number"]) * scale)


# Reset headers.


def _from_resets(headers: Mapping[str, str], now: Callable[[], float]) -> float | None:
    """Return the time to the reset of what is used up; when nobody says what that is, the nearest reset."""
    spent: list[float] = []
    other: list[float] = []
    for name, value in headers.items():
        if "ratelimit" not in name or "reset" not in name:
            continue
        seconds = read_reset(value, now)
        if seconds:
            remaining = headers.get(name.replace("reset", "remaining"))
            (spent if remaining is not None and _number(remaining) == 0 else other).append(seconds)
    if spent:
        return max(spent)
    return min(other) if other else None


def read_reset(value: str, now: Callable[[], float]) -> float | None:
    """Return the seconds until a limit is renewed: said as a number, as a span such as `6m0s`, or as a time; None for anything else."""
    try:
        number = float(value)
    except ValueError:
        span = read_span(value.strip())
        return span if span is not None else _until(_read_date(value), now)
    if number > 1_000 * _EPOCH:
        number /= 1_000
    return _sane(number - now() if number > _EPOCH else number)
