"""Embeddings from Google."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest

from llmclient.dialects.gemini import GeminiEmbeddings
from llmclient.errors import InvalidRequestError, ProviderError, RateLimitError, ResponseParsingError
from llmclient.types.context import WireRequest
from llmclient.types.embeddings import EmbeddingRequest
from tests.dialects.gemini.kit import context

GEMINI = GeminiEmbeddings()
VERTEX = GeminiEmbeddings(
    path="/{api_version}/projects/{project}/locations/{region}/{model}",
    express_path="/{api_version}/{model}",
    api_version="v1",
    region="global",
    publisher="google",
    method="predict",
    method_by_model=(("gemini-embedding-2*", "embedContent"),),
    nested=True,
)


def encode(*texts: Any, dialect: GeminiEmbeddings = GEMINI, model: str = "gemini-embedding-001", settings: dict[str, Any] | None = None, **options: Any) -> WireRequest:
    """Return what a call with these arguments sends."""
    return dialect.encode(EmbeddingRequest(model=model, input=texts, **options), context(**(settings or {})))


def content(text: str) -> dict[str, Any]:
    """Return a text as content."""
    return {"content": {"parts": [{"text": text}], "role": "user"}}


def test_texts_go_in_one_batch() -> None:
    """Each with the model and what is asked."""
    wire = encode("one", "two", dimensions=8, input_type="search_query")
    each = {"model": "models/gemini-embedding-001", "taskType": "RETRIEVAL_QUERY", "outputDimensionality": 8}
    assert "/v1beta/models/gemini-embedding-001:batchEmbedContents" == wire.path
    assert {"requests": [each | content("one"), each | content("two")]} == wire.body


@pytest.mark.parametrize(("given", "sent"), [("search_document", "RETRIEVAL_DOCUMENT"), ("clustering", "CLUSTERING"), ("RETRIEVAL_QUERY", "RETRIEVAL_QUERY")])
def test_what_a_text_is_for_has_googles_names(given: str, sent: str) -> None:
    """Portable words are translated, others go as they are."""
    body = encode("a", input_type=given).body
    assert isinstance(body, dict)
    assert sent == body["requests"][0]["taskType"]


def test_vertex_predicts() -> None:
    """The task belongs to each text there."""
    wire = encode("one", "two", dialect=VERTEX, settings={"project": "p"}, dimensions=8, input_type="query", truncate="END")
    assert "/v1/projects/p/locations/global/publishers/google/models/gemini-embedding-001:predict" == wire.path
    instances = [{"content": text, "task_type": "RETRIEVAL_QUERY"} for text in ("one", "two")]
    assert {"instances": instances, "parameters": {"outputDimensionality": 8, "autoTruncate": True}} == wire.body
    assert {"instances": [{"content": "one"}]} == encode("one", dialect=VERTEX, settings={"project": "p"}).body


def test_a_model_may_have_another_method() -> None:
    """One text, or a batch in the same form."""
    settings = {"project": "p"}
    one = encode("one", dialect=VERTEX, model="gemini-embedding-2", settings=settings, dimensions=8, truncate="NONE")
    assert one.path.endswith("gemini-embedding-2:embedContent")
    assert content("one") | {"embedContentConfig": {"outputDimensionality": 8, "autoTruncate": False}} == one.body
    two = encode("one", "two", dialect=VERTEX, model="gemini-embedding-2", settings=settings)
    assert two.path.endswith("gemini-embedding-2:batchEmbedContents")
    assert {"requests": [content("one"), content("two")]} == two.body


def test_a_key_without_a_project_needs_none() -> None:
    """Express mode."""
    assert "/v1/publishers/google/models/m:predict" == encode("a", dialect=VERTEX, model="m", settings={"api_key": "k"}).path


def test_what_cannot_be_said_gives_a_warning() -> None:
    """A float is what comes anyway."""
    wire = encode("a", encoding_format="base64", truncate="END", user="u")
    assert {"truncate", "encoding_format", "user"} == {warning.param for warning in wire.warnings}
    assert () == encode("a", encoding_format="float").warnings


@pytest.mark.parametrize("dialect", [GEMINI, VERTEX, attrs.evolve(VERTEX, nested=False, method="embedContent", method_by_model=())], ids=["gemini", "vertex", "flat"])
@pytest.mark.parametrize("name", ["dimensions", "encoding_format", "input_type", "truncate", "user"])
def test_a_parameter_is_carried_exactly_where_it_is_said_to_be(name: str, dialect: GeminiEmbeddings) -> None:
    """One that is supported changes the body, another gives a warning."""
    sample = {"dimensions": 8, "encoding_format": "base64", "input_type": "query", "truncate": "END", "user": "u"}[name]
    plain = encode("a", dialect=dialect, settings={"project": "p"})
    wire = encode("a", dialect=dialect, settings={"project": "p"}, **{name: sample})
    supported = name in dialect.supported_params("gemini-embedding-001")
    assert supported == (wire.body != plain.body)
    assert supported != any(warning.param == name for warning in wire.warnings)


def test_extra_goes_on_the_wire() -> None:
    """It wins."""
    body = encode("a", extra={"odd": 1}).body
    assert isinstance(body, dict)
    assert 1 == body["odd"]


def test_token_numbers_are_refused() -> None:
    """Only texts are taken."""
    with pytest.raises(InvalidRequestError, match="texts"):
        encode([1, 2])


@pytest.mark.parametrize(
    ("value", "vectors"),
    [
        ({"embeddings": [{"values": [0.5, 1]}, {"values": [2]}]}, [[0.5, 1], [2]]),
        ({"embedding": {"values": [0.5]}}, [[0.5]]),
        ({"predictions": [{"embeddings": {"values": [0.5]}}]}, [[0.5]]),
    ],
    ids=["batch", "one", "predict"],
)
def test_vectors_are_read_from_each_method(value: Any, vectors: list[list[float]]) -> None:
    """In the order of the texts."""
    assert vectors == GEMINI.decode(json.dumps(value).encode(), "m", "r").vectors


def test_usage_is_read_where_it_is() -> None:
    """Tokens of the whole, of each text, or characters."""
    one = GEMINI.decode(json.dumps({"embeddings": [{"values": [1]}], "usageMetadata": {"promptTokenCount": 3, "totalTokenCount": 3}, "odd": 1}).encode(), "m", "r")
    assert (3, {"odd": 1}) == (one.usage and one.usage.prompt_tokens, one.extra)
    rows = [{"embeddings": {"values": [1], "statistics": {"token_count": 2.0, "truncated": False}}}, {"embeddings": {"values": [1], "statistics": {"token_count": 3}}}]
    two = GEMINI.decode(json.dumps({"predictions": rows, "metadata": {"billableCharacterCount": 20}}).encode(), "m", "r").usage
    assert two is not None
    assert (5, 5, 20) == (two.prompt_tokens, two.total_tokens, two.characters)
    assert GEMINI.decode(b'{"embeddings": [{"values": [1]}]}', "m", "r").usage is None


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b'{"embeddings": 1}', b'{"embeddings": [7]}', b'{"embeddings": [{"values": 1}]}', b'{"predictions": [7]}', b"<html>"]
)
def test_a_body_without_vectors_is_told(body: bytes) -> None:
    """Whatever else it holds."""
    with pytest.raises(ResponseParsingError):
        GEMINI.decode(body, "m", "r")


def test_a_wrong_number_of_vectors_is_told() -> None:
    """There is no index, so that the count is all that can be held against the request."""
    dialect = encode("a", "b").dialect
    with pytest.raises(ResponseParsingError, match="2 texts"):
        dialect.decode(b'{"embeddings": [{"values": [1]}]}', "m", "r")


def test_an_error_in_a_success_is_the_error() -> None:
    """With its class."""
    with pytest.raises(RateLimitError):
        GEMINI.decode(b'{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "slow"}}', "m", "r")
    assert isinstance(GEMINI.error(500, {}, b""), ProviderError)
