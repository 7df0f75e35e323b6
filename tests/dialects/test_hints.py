"""How long to wait, in every form in which providers say it."""

from __future__ import annotations

import json

import pytest

from llmclient.dialects.hints import read_span, retry_after_hint

NOW = 1_700_000_000.0
"""Tue, 14 Nov 2023 22:13:20 GMT."""


def hint(headers=None, body=None, status=429):
    return retry_after_hint(headers or {}, body, status=status, now=lambda: NOW)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("0.5", 0.5),
        ("0", 0.0),
        (" 3 ", 3.0),
        ("Tue, 14 Nov 2023 22:13:50 GMT", 30.0),
        ("Tue, 14 Nov 2023 22:13:50 -0000", 30.0),
        ("Tue, 14 Nov 2023 23:13:50 +0100", 30.0),
        ("2023-11-14T22:13:50Z", 30.0),
        ("Tue, 14 Nov 2023 22:13:00 GMT", 0.0),
    ],
)
def test_retry_after_in_seconds_and_as_a_date(value, seconds):
    """`retry-after` is a number, whole or not, or a date in any zone; one that has just gone by means now."""
    assert hint({"Retry-After": value}) == seconds


@pytest.mark.parametrize("value", ["-1", "nan", "inf", "1e99", "soon", "", "Tue, 14 Nov 2000 22:13:50 GMT", "99999999"])
def test_nonsense_in_retry_after_is_no_hint(value):
    """Negative, infinite and absurd spans, old dates and words say nothing."""
    assert hint({"retry-after": value}) is None


def test_a_date_without_a_zone_is_utc():
    """Some hosts leave the zone out."""
    assert hint({"retry-after": "2023-11-14T22:13:50"}) == 30.0


@pytest.mark.parametrize("name", ["retry-after-ms", "x-ms-retry-after-ms", "Retry-After-Ms"])
def test_milliseconds_come_first(name):
    """The more exact header wins over `retry-after`."""
    assert hint({name: "1500", "retry-after": "9"}) == 1.5


def test_zero_milliseconds_leave_the_word_to_retry_after():
    """Azure sends `retry-after-ms: 0` beside a true `retry-after`."""
    assert hint({"retry-after-ms": "0", "retry-after": "1"}) == 1.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x-ratelimit-reset-requests": "6m0s"}, 360.0),
        ({"x-ratelimit-reset-tokens": "1.57s"}, 1.57),
        ({"x-ratelimit-reset-tokens": "20ms"}, 0.02),
        ({"x-ratelimit-reset": "12"}, 12.0),
        ({"x-ratelimit-reset": str(NOW + 40)}, 40.0),
        ({"x-ratelimit-reset": str(int((NOW + 40) * 1000))}, 40.0),
        ({"ratelimit-reset": "5"}, 5.0),
        ({"anthropic-ratelimit-tokens-reset": "2023-11-14T22:13:26Z"}, 6.0),
        ({"x-ratelimit-reset-requests": "8s", "x-ratelimit-reset-tokens": "2s"}, 2.0),
        ({"x-ratelimit-reset-requests": "8s", "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-tokens": "2s"}, 8.0),
    ],
)
def test_reset_headers_in_every_unit(headers, seconds):
    """Spans, seconds, times since 1970 and dates; what is used up counts before what is not."""
    assert hint(headers) == pytest.approx(seconds)


def test_reset_headers_count_with_429_only():
    """Providers send them with every answer."""
    headers = {"x-ratelimit-reset-requests": "6m0s"}
    assert hint(headers, status=503) is None
    assert hint(headers, status=None) is None


def test_a_reset_that_has_passed_or_is_zero_is_no_hint():
    """`0s` and a time gone by do not say how long to wait."""
    assert hint({"x-ratelimit-reset-tokens": "0s"}) is None
    assert hint({"x-ratelimit-reset-tokens": "soon"}) is None
    assert hint({"x-ratelimit-reset": str(NOW - 500)}) is None


def test_retry_after_comes_before_the_resets():
    """The explicit word of the provider is what counts."""
    assert hint({"retry-after": "2", "x-ratelimit-reset-requests": "6m0s"}) == 2.0


def test_google_says_it_in_the_details():
    """RetryInfo stands in the error's details, as a span with a unit."""
    details = [{"@type": "type.googleapis.com/google.rpc.Help"}, {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "45.837906927s"}]
    body = {"error": {"code": 429, "message": "Quota. Please retry in 99s", "details": details}}
    assert hint(body=json.dumps(body).encode()) == pytest.approx(45.837906927)
    assert hint(body=json.dumps([body]).encode()) == pytest.approx(45.837906927)


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        ({"error": {"retry_after": 4}}, 4.0),
        ({"retry_after": "4.5"}, 4.5),
        ({"retry_after_ms": 250}, 0.25),
        ({"error": {"metadata": {"retry_after_seconds": 3}}}, 3.0),
        ({"error": "Model is loading", "estimated_time": 20.0}, 20.0),
    ],
)
def test_fields_of_the_body(body, seconds):
    """Some say it in a field of their own."""
    assert hint(body=body, status=503) == seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Please retry in 26.66s.", 26.66),
        ("Please try again in 20s. Visit the page", 20.0),
        ("Limit 30000. Please try again in 6m0s.", 360.0),
        ("try again in 1m30.5s", 90.5),
        ("try again in 20ms", 0.02),
        ("Retry after 30 seconds", 30.0),
        ("Retry your request after 2 minutes", 120.0),
        ("try again in 500 milliseconds", 0.5),
        ("Please wait 3 seconds", 3.0),
        ("try again in 1 hour", 3600.0),
        ("Try again later", None),
        ("You sent 20s of audio", None),
        ("", None),
    ],
)
def test_the_text_of_a_message(text, seconds):
    """The last resort: words that ask to wait, followed by a span."""
    assert hint(body={"error": {"message": text}}) == seconds
    assert hint(body=text.encode()) == seconds
    assert hint(body={"detail": text}) == seconds


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"[1]", b"3", b"null", None, {"error": {"details": "none"}}, {"error": {"metadata": 1}}])
def test_bodies_that_say_nothing(body):
    """Any body at all may come; none of them is a reason to fail."""
    assert hint(body=body) is None


def test_a_false_number_is_no_hint():
    """True is no number of seconds."""
    assert hint(body={"retry_after": True}) is None


@pytest.mark.parametrize(("text", "seconds"), [("1h2m3s", 3723.0), ("5", 5.0), ("-5s", None), ("", None), ("1x", None), ("9" * 50, None), ("2d", 172800.0)])
def test_spans(text, seconds):
    """Units follow one another, or there is none; everything else is no span."""
    assert read_span(text) == seconds
