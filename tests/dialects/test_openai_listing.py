"""Lists of models in OpenAI's dialect."""

from __future__ import annotations

import json

import pytest

from llmclient import errors
from llmclient.dialects.openai import OpenAIModels
from llmclient.types.listing import ListModelsRequest
from tests.dialects.kit import context


def decode(value, dialect=None):
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return (dialect or OpenAIModels()).decode(raw, "", "r")


def test_the_request():
    """A GET without a body; what is extra narrows the list."""
    wire = OpenAIModels(query={"type": "text", "limit": "9"}).encode(ListModelsRequest(extra={"limit": 3}), context())
    assert (wire.method, wire.path, wire.body, wire.query) == ("GET", "/models", None, {"type": "text", "limit": "3"})
    assert OpenAIModels().supported_params("m") == frozenset()


def test_the_list():
    """Ids, times and owners; the rest is kept."""
    rows = [{"id": "a", "object": "model", "created": 1_700_000_000, "owned_by": "me", "context_length": 8}, {"id": "b"}]
    r = decode({"object": "list", "data": rows})
    assert list(r) == ["a", "b"]
    assert len(r) == 2
    assert (r.models[0].created.year, r.models[0].owned_by, r.models[0].extra) == (2023, "me", {"context_length": 8})
    assert (r.models[1].created, r.models[1].owned_by, r.models[1].extra) == (None, None, {})


@pytest.mark.parametrize(
    ("value", "dialect"),
    [
        ([{"id": "a"}], OpenAIModels()),
        ({"models": [{"name": "a"}]}, OpenAIModels(list_field="models", id_field="name")),
        ({"data": [{"name": "a"}, {"id": ""}, {"id": 3}, 7]}, OpenAIModels()),
        ({"data": ["a"]}, OpenAIModels()),
    ],
)
def test_lists_of_other_shapes(value, dialect):
    """Bare lists, other names, rows that name nothing."""
    assert list(decode(value, dialect)) == ["a"]


@pytest.mark.parametrize("value", [{}, {"data": None}, {"data": "abc"}, b"", b"<html>", "text"])
def test_what_is_no_list(value):
    """It is said, and shown."""
    with pytest.raises(errors.ResponseParsingError, match="no list of models"):
        decode(value)


def test_failures():
    """In a 200 and with a status."""
    with pytest.raises(errors.AuthenticationError):
        decode({"error": {"code": 401, "message": "x"}})
    assert type(OpenAIModels().error(403, {}, b"")) is errors.PermissionDeniedError
