"""Google's lists of models, and its counts of tokens."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llmclient.dialects.gemini import GeminiCountTokens, GeminiModels
from llmclient.errors import InvalidRequestError, RateLimitError, ResponseParsingError
from llmclient.types.context import WireRequest
from llmclient.types.listing import ListModelsRequest
from llmclient.types.messages import Tool, read_messages
from llmclient.types.tokens import CountTokensRequest
from tests.dialects.gemini.kit import context

MODELS = GeminiModels()
TOKENS = GeminiCountTokens()
FAILED = b'{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "slow"}}'


def test_the_list_is_asked_for_at_once() -> None:
    """As many as there may be on a page; extra goes into the query."""
    wire = MODELS.encode(ListModelsRequest(extra={"pageToken": "t"}), context())
    assert ("GET", "/v1beta/models", {"pageSize": "1000", "pageToken": "t"}, None) == (wire.method, wire.path, wire.query, wire.body)
    assert {} == GeminiModels(page_size=None).encode(ListModelsRequest(), context()).query


@pytest.mark.parametrize("key", ["models", "publisherModels"])
def test_models_are_named_without_their_folder(key: str) -> None:
    """But tuned ones keep it, as calls need it; what else is said is kept."""
    rows = [{"name": "models/gemini-2.5-flash", "inputTokenLimit": 5}, {"name": "publishers/google/models/x"}, {"name": "tunedModels/t"}, {}, 7, {"name": "models/"}]
    listed = MODELS.decode(json.dumps({key: rows}).encode(), "", "r")
    assert ["gemini-2.5-flash", "x", "tunedModels/t"] == list(listed)
    assert {"inputTokenLimit": 5} == listed.models[0].extra


def test_no_models_are_an_empty_list() -> None:
    """Google leaves empty fields out."""
    assert 0 == len(MODELS.decode(b"{}", "", "r"))


@pytest.mark.parametrize("body", [b"", b"[]", b'{"odd": 1}', b"<html>"])
def test_a_body_without_a_list_is_told(body: bytes) -> None:
    """It is some other service."""
    with pytest.raises(ResponseParsingError):
        MODELS.decode(body, "", "r")
    assert frozenset() == MODELS.supported_params("m")


@pytest.mark.parametrize("dialect", [MODELS, TOKENS], ids=["models", "tokens"])
def test_an_error_in_a_success_is_the_error(dialect: Any) -> None:
    """With its class."""
    with pytest.raises(RateLimitError):
        dialect.decode(FAILED, "m", "r")


def count(messages: Any, dialect: GeminiCountTokens = TOKENS, settings: dict[str, Any] | None = None, **options: Any) -> WireRequest:
    """Return what a count of these messages sends."""
    return dialect.encode(CountTokensRequest(model="gemini-2.5-flash", messages=read_messages(messages), **options), context(**(settings or {})))


def test_messages_alone_are_counted_as_contents() -> None:
    """The usual case."""
    wire = count("hi")
    assert "/v1beta/models/gemini-2.5-flash:countTokens" == wire.path
    assert {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]} == wire.body


def test_system_message_and_tools_are_counted_in_a_whole_request() -> None:
    """The Gemini API takes them nowhere else."""
    body = count([{"role": "system", "content": "s"}, "hi"], tools=(Tool("f"),)).body
    assert isinstance(body, dict)
    assert {"model", "contents", "systemInstruction", "tools"} == body["generateContentRequest"].keys()
    assert "models/gemini-2.5-flash" == body["generateContentRequest"]["model"]


def test_vertex_counts_them_beside_the_contents() -> None:
    """A quirk."""
    dialect = GeminiCountTokens(path="/v1/projects/{project}/locations/{region}/{model}", region="global", publisher="google", wrap=False)
    wire = count([{"role": "system", "content": "s"}, "hi"], dialect, {"project": "p"}, extra={"odd": 1})
    assert isinstance(wire.body, dict)
    assert {"contents", "systemInstruction", "odd"} == wire.body.keys()
    assert "/v1/projects/p/locations/global/publishers/google/models/gemini-2.5-flash:countTokens" == wire.path


def test_a_count_raises_and_warns_as_a_chat_does() -> None:
    """It is the same conversation."""
    with pytest.raises(InvalidRequestError):
        count([{"role": "user", "content": [{"type": "widget"}]}])
    assert ["messages.name"] == [warning.param for warning in count([{"role": "user", "content": "x", "name": "Ann"}]).warnings]
    assert {"tools"} == TOKENS.supported_params("m")


def test_a_count_is_read() -> None:
    """With what comes from a cache, and the rest beside it."""
    counted = TOKENS.decode(b'{"totalTokens": 11, "cachedContentTokenCount": 4, "promptTokensDetails": [1]}', "m", "r")
    assert (11, 11, 4, {"promptTokensDetails": [1]}) == (counted.tokens, int(counted), counted.cached_tokens, counted.extra)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"totalTokens": "11"}'])
def test_a_body_without_a_count_is_told(body: bytes) -> None:
    """Never 0 by default."""
    with pytest.raises(ResponseParsingError):
        TOKENS.decode(body, "m", "r")
