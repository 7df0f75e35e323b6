"""Listing models, counting tokens, and the keys of Anthropic."""

import datetime
import json
import types

import pytest

from llmclient.dialects.anthropic import AnthropicCountTokens, AnthropicKey, AnthropicModels
from llmclient.errors import ConfigurationError, ProviderUnavailableError, ResponseParsingError
from llmclient.types.config import ProviderConfig
from llmclient.types.listing import ListModelsRequest
from llmclient.types.messages import Message, Tool
from llmclient.types.tokens import CountTokensRequest
from tests.dialects.anthropic.kit import MODEL, context

BUSY = json.dumps({"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}).encode()


def test_the_list_is_asked_for_whole():
    """The API gives 20 models unless asked for more; `extra` goes into the query."""
    wire = AnthropicModels().encode(ListModelsRequest(extra={"after_id": "x"}), context())
    assert ("GET", "/v1/models", {"limit": "1000", "after_id": "x"}) == (wire.method, wire.path, wire.query)
    assert {"anthropic-version": "2023-06-01"} == wire.headers
    assert {"anthropic-version": "2026-10-21"} == AnthropicModels().encode(ListModelsRequest(), context(api_version="2026-10-21")).headers
    assert "20" == AnthropicModels(limit=20).encode(ListModelsRequest(), context()).query["limit"]
    assert {} == AnthropicModels(version_in="none").encode(ListModelsRequest(), context()).headers
    assert frozenset() == AnthropicModels().supported_params("")


def test_the_list_is_read():
    """Times are aware; 1970 stands for one that nobody knows."""
    rows = [
        {"type": "model", "id": "a", "display_name": "A", "created_at": "2026-07-24T02:00:00+02:00", "max_tokens": 5, "retires_at": None},
        {"type": "model", "id": "b", "created_at": "1970-01-01T00:00:00Z"},
        {"type": "model", "id": "c", "created_at": "2026-07-24T00:00:00"},
        {"type": "model", "id": "d", "created_at": "soon"},
        {"type": "model"},
        "x",
    ]
    listed = AnthropicModels().decode(json.dumps({"data": rows, "has_more": False}).encode(), "", "")
    day = datetime.datetime(2026, 7, 24, tzinfo=datetime.UTC)
    assert [("a", day), ("b", None), ("c", day), ("d", None)] == [(model.id, model.created) for model in listed.models]
    assert {"display_name": "A", "max_tokens": 5} == listed.models[0].extra


@pytest.mark.parametrize("raw", [b"", b"{}", b"[]", b'{"data": {}}'])
def test_a_body_without_a_list_is_refused(raw):
    """The error shows what came."""
    with pytest.raises(ResponseParsingError, match="no list of models"):
        AnthropicModels().decode(raw, "", "")


def test_a_failure_in_place_of_a_list():
    """It is told as anywhere."""
    with pytest.raises(ProviderUnavailableError):
        AnthropicModels().decode(BUSY, "", "")


# Counting.


def count(dialect=None, **options):
    """Return what a count sends."""
    request = CountTokensRequest(model=MODEL, messages=(Message("system", "s"), Message("user", "hi")), **options)
    return (dialect or AnthropicCountTokens()).encode(request, context())


def test_a_count_is_a_chat_without_its_answer():
    """Prompt and tools are sent, the cap of the answer is not."""
    wire = count(tools=(Tool("add"),), extra={"thinking": {"type": "enabled", "budget_tokens": 2048}})
    assert "/v1/messages/count_tokens" == wire.path
    assert {"model", "messages", "system", "tools", "thinking"} == set(wire.body)
    assert {"anthropic-version": "2023-06-01"} == wire.headers
    assert frozenset({"tools"}) == AnthropicCountTokens().supported_params(MODEL)


def test_peers_28_tools_of_the_server_are_not_counted():
    """The API refuses to; the quirk `server_tools`."""
    search = {"type": "web_search_20250305", "name": "web_search"}
    memory = {"type": "memory_20250818", "name": "memory"}
    wire = count(tools=(search, memory))
    assert [memory] == wire.body["tools"]
    assert [("dropped", "tools.web_search_20250305")] == [(warning.kind, warning.param) for warning in wire.warnings]
    assert {"tools", "tool_choice"}.isdisjoint(count(tools=(search,), extra={"tool_choice": {"type": "auto"}}).body)
    assert [search] == count(AnthropicCountTokens(server_tools=True), tools=(search,)).body["tools"]


def test_vertex_counts_with_the_version_in_the_body():
    """The model stays there too."""
    wire = count(AnthropicCountTokens(path="/count-tokens:rawPredict", version="vertex-2023-10-16", version_in="body"))
    assert (MODEL, "vertex-2023-10-16", {}) == (wire.body["model"], wire.body["anthropic_version"], wire.headers)


def test_the_count_is_read():
    """As tokens, and as usage."""
    counted = AnthropicCountTokens().decode(b'{"input_tokens": 14}', MODEL, "")
    assert (14, 14, 14) == (counted.tokens, counted.usage.prompt_tokens, counted.usage.total_tokens)


@pytest.mark.parametrize("raw", [b"", b"{}", b"[]", b'{"input_tokens": "x"}'])
def test_a_body_without_a_count_is_refused(raw):
    """The error shows what came."""
    with pytest.raises(ResponseParsingError, match="holds no count"):
        AnthropicCountTokens().decode(raw, MODEL, "")


def test_a_failure_in_place_of_a_count():
    """It is told as anywhere."""
    with pytest.raises(ProviderUnavailableError):
        AnthropicCountTokens().decode(BUSY, MODEL, "")


# Keys.


def signed(**settings):
    """Return the headers that a request is signed with."""
    request = types.SimpleNamespace(headers={})
    AnthropicKey().bind(ProviderConfig(provider="anthropic", **settings))(request)
    return request.headers


@pytest.mark.parametrize(
    ("settings", "headers"),
    [
        ({"api_key": "sk-ant-1"}, {"x-api-key": "sk-ant-1"}),
        ({"api_key": "sk-ant-1", "api_version": "2023-06-01"}, {"x-api-key": "sk-ant-1"}),
        ({"api_key": "sk-ant-1", "api_version": "2026-10-21"}, {"Authorization": "Bearer sk-ant-1"}),
        ({"api_key": "sk-ant-oat01-1"}, {"Authorization": "Bearer sk-ant-oat01-1"}),
        ({"extra": {"auth_token": "tok"}}, {"Authorization": "Bearer tok"}),
        ({"api_key": "sk-ant-1", "extra": {"auth_token": "tok"}}, {"x-api-key": "sk-ant-1"}),
    ],
    ids=["key", "older version", "newer version", "oauth", "token", "key before token"],
)
def test_where_the_key_stands(settings, headers):
    """In a header of its own, or as a bearer token."""
    assert headers == signed(**settings)


def test_no_key_at_all():
    """The error says what to set."""
    with pytest.raises(ConfigurationError, match="ANTHROPIC_API_KEY is not set"):
        AnthropicKey().bind(ProviderConfig(provider="anthropic"), ("ANTHROPIC_API_KEY",))


def test_both_headers_are_secret():
    """Whichever is used."""
    assert frozenset({"x-api-key", "authorization"}) == AnthropicKey().secret_headers
