"""What an answer says of the key's limits, in each form that providers use."""

from __future__ import annotations

import pytest
import responses

import llmclient
from llmclient.dialects.limits import read_limits
from llmclient.types.limits import RateLimit, RateLimits

DATE = {"Date": "Tue, 24 Nov 2026 12:00:00 GMT"}


@pytest.mark.parametrize(
    ("headers", "requests", "tokens"),
    [
        (
            {"x-ratelimit-limit-requests": "500", "X-RateLimit-Remaining-Requests": "499", "x-ratelimit-reset-requests": "120ms", "x-ratelimit-remaining-tokens": "7"},
            RateLimit(limit=500, remaining=499, reset=0.12),
            RateLimit(remaining=7),
        ),
        (
            {"anthropic-ratelimit-requests-limit": "50", "anthropic-ratelimit-tokens-reset": "2026-11-24T12:00:30Z"},
            RateLimit(limit=50),
            RateLimit(reset=30.0),
        ),
        ({"x-ratelimit-limit-req-minute": "60", "x-ratelimit-remaining-tokens-minute": "9"}, RateLimit(limit=60), RateLimit(remaining=9)),
        ({"x-ratelimit-remaining": "3", "x-ratelimit-reset": "1795521610"}, RateLimit(remaining=3, reset=10.0), RateLimit()),
    ],
    ids=["openai", "anthropic", "mistral", "plain"],
)
def test_limits_are_read(headers, requests, tokens):
    """Times count from the answer's own date, so that a wrong clock here does no harm."""
    assert RateLimits(requests=requests, tokens=tokens) == read_limits(headers | DATE)


@pytest.mark.parametrize("headers", [{}, DATE, {"x-ratelimit-limit-requests": "many"}, {"x-ratelimit-remaining": "\u00b2"}, {"x-ratelimit-reset": "soon", "date": "x"}])
def test_what_is_not_said_or_malformed_is_none(headers):
    """Never 0, which would mean that nothing is left."""
    assert read_limits(headers) is None


@responses.activate
def test_an_answer_tells_its_limits():
    """Whatever the operation."""
    body = {"object": "list", "model": "m", "data": [{"index": 0, "embedding": [0.5]}], "usage": {"prompt_tokens": 1, "total_tokens": 1}}
    responses.post("https://api.openai.com/v1/embeddings", json=body, headers={"x-ratelimit-remaining-requests": "41"})
    answer = llmclient.Client(providers={"openai": {"api_key": "k"}}).embed("openai/text-embedding-3-small", "a")
    assert answer.rate_limits is not None
    assert (41, None) == (answer.rate_limits.requests.remaining, answer.rate_limits.tokens.limit)
