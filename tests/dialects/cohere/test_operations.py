"""Embeddings, reranking and the list of models."""

import array
import base64
import json

import pytest

from llmclient import errors
from llmclient.dialects.cohere import CohereEmbeddings, CohereModels, CohereRerank
from llmclient.types.embeddings import EmbeddingRequest
from llmclient.types.listing import ListModelsRequest
from llmclient.types.rerank import RerankRequest
from tests.dialects.cohere.kit import context

DIALECTS = [CohereEmbeddings(), CohereRerank(), CohereModels()]
GIVEN = {"input_type": "search_query"}


def embed(*texts, dialect=None, **options):
    """Return what an embedding sends."""
    return (dialect or CohereEmbeddings()).encode(EmbeddingRequest(model="m", input=texts, **options), context())


def rerank(*documents, dialect=None, **options):
    """Return what reranking sends."""
    return (dialect or CohereRerank()).encode(RerankRequest(model="m", query="q", documents=documents, **options), context())


def notes(wire):
    """Return kind and parameter of each warning."""
    return [(warning.kind, warning.param) for warning in wire.warnings]


def vectors(**kinds):
    """Return the body of an answer."""
    return json.dumps({"id": "e1", "embeddings": kinds, "texts": ["a"], "meta": {"billed_units": {"input_tokens": 2.0}}}).encode()


# Embeddings.


def test_peers_51_input_type_and_embedding_types_are_always_sent():
    """A guess is told of; the quirk says which."""
    wire = embed("a")
    assert {"model": "m", "texts": ["a"], "input_type": "search_document", "embedding_types": ["float"]} == wire.body
    assert [("moved", "input_type")] == notes(wire)
    assert "classification" == embed("a", dialect=CohereEmbeddings(input_type="classification")).body["input_type"]
    assert ("search_query", []) == (embed("a", **GIVEN).body["input_type"], notes(embed("a", **GIVEN)))
    assert "search_query" == embed("a", input_type="query").body["input_type"]


SAMPLES = {"dimensions": 8, "encoding_format": "int8", "input_type": "clustering", "truncate": "end", "user": "u"}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_parameter_is_carried_or_told_of(name):
    """Alone it changes the body, or gives a warning; so does the quirk that takes it away."""
    plain = embed("a", **GIVEN)
    wire = embed("a", **{**GIVEN, name: SAMPLES[name]})
    assert (name in CohereEmbeddings().supported_params("m"), name == "user") == (wire.body != plain.body, bool(wire.warnings))
    refusing = CohereEmbeddings(unsupported=frozenset({name}))
    assert [("dropped", name)] == notes(embed("a", dialect=refusing, **{**GIVEN, name: SAMPLES[name]}))
    assert name not in refusing.supported_params("m")


def test_names_of_parameters():
    """dimensions is output_dimension; truncate is written large."""
    body = embed("a", **SAMPLES | {"user": None}).body
    assert (8, ["int8"], "clustering", "END") == (body["output_dimension"], body["embedding_types"], body["input_type"], body["truncate"])


def test_the_quick_kind_of_vector():
    """Where base64 is offered it is asked for, unless the caller asks for something."""
    dialect = CohereEmbeddings(base64=True)
    assert ["base64"] == embed("a", dialect=dialect).body["embedding_types"]
    assert ["float"] == embed("a", dialect=dialect, encoding_format="float").body["embedding_types"]
    assert [] == notes(embed("a", dialect=CohereEmbeddings(unsupported=frozenset({"encoding_format"})), encoding_format="float", **GIVEN))


def test_pictures_and_several_kinds_through_extra():
    """No text is sent where there is none, and nothing is told that the caller has said."""
    wire = embed(extra={"images": ["data:image/png;base64,AA=="], "embedding_types": ["float", "int8"]})
    assert {"model": "m", "input_type": "image", "embedding_types": ["float", "int8"], "images": ["data:image/png;base64,AA=="]} == wire.body
    assert [] == notes(wire)
    assert [] == notes(embed("a", extra={"input_type": "search_query"}))


def test_inputs_that_are_refused():
    """Token numbers, and more texts than are taken at once."""
    with pytest.raises(errors.InvalidRequestError, match="token numbers"):
        embed([1, 2])
    with pytest.raises(errors.InvalidRequestError, match="at most 96"):
        embed(*["a"] * 97)
    assert 97 == len(embed(*["a"] * 97, dialect=CohereEmbeddings(max_batch=None)).body["texts"])


def test_vectors():
    """As they came; what else was asked for stands beside them."""
    got = CohereEmbeddings().decode(vectors(float=[[0.5, 1.0]], int8=[[1, 2]], binary=None), "m", "r")
    assert ([[0.5, 1.0]], {"int8": [[1, 2]]}, "e1", 2) == (got.vectors, got.extra["embeddings"], got.id, got.usage.prompt_tokens)
    assert [[1, 2]] == CohereEmbeddings().decode(vectors(int8=[[1, 2]]), "m", "r").vectors
    assert [[1, 2]] == CohereEmbeddings().decode(vectors(novel=[[1, 2]]), "m", "r").vectors
    assert [[1.0]] == CohereEmbeddings().decode(b'{"embeddings": [[1.0]]}', "m", "r").vectors


def test_vectors_in_base64():
    """Are unpacked."""
    packed = base64.b64encode(array.array("f", [0.5, -1.0]).tobytes()).decode()
    assert [array.array("f", [0.5, -1.0])] == CohereEmbeddings().decode(vectors(base64=[packed]), "m", "r").vectors


@pytest.mark.parametrize(
    "body", [b"", b"{}", b'{"embeddings": {}}', vectors(float=[1]), vectors(base64=["AA"]), vectors(base64=["!"]), vectors(float=["AAAA"])]
)
def test_what_are_no_vectors(body):
    """Raises ResponseParsingError."""
    with pytest.raises(errors.ResponseParsingError):
        CohereEmbeddings().decode(body, "m", "r")


def test_as_many_vectors_as_texts():
    """One less is an error."""
    with pytest.raises(errors.ResponseParsingError, match="2 texts"):
        embed("a", "b").dialect.decode(vectors(float=[[1.0]]), "m", "r")
    assert 1 == len(embed("a").dialect.decode(vectors(float=[[1.0]]), "m", "r").vectors)


def test_counts_of_pictures():
    """They are units of their own."""
    body = {"embeddings": {"float": [[1.0]]}, "meta": {"billed_units": {"images": 1, "image_tokens": 9}}}
    usage = CohereEmbeddings().decode(json.dumps(body).encode(), "m", "r").usage
    assert (None, 1, 9) == (usage.prompt_tokens, usage.images, usage.image_tokens)
    assert CohereEmbeddings().decode(b'{"embeddings": [[1.0]]}', "m", "r").usage is None


# Reranking.


def test_rerank_request():
    """Texts go as they are, and what is not given is not sent."""
    assert {"model": "m", "query": "q", "documents": ["a", "b"]} == rerank("a", "b").body
    body = rerank("a", top_n=1, max_tokens_per_doc=9, extra={"priority": 1}).body
    assert (1, 9, 1) == (body["top_n"], body["max_tokens_per_doc"], body["priority"])
    assert {"top_n", "return_documents", "max_tokens_per_doc"} == CohereRerank().supported_params("m")
    with pytest.raises(errors.InvalidRequestError, match="documents is empty"):
        rerank()


def test_documents_that_are_objects():
    """Are written as lines where only texts are taken, and the caller is told."""
    wire = rerank({"text": "a"}, {"title": "b", "year": 3}, {"title": "c"})
    assert ["a", "title: b\nyear: 3", "title: c"] == wire.body["documents"]
    assert [("moved", "documents")] == notes(wire)
    assert [{"text": "a"}] == rerank({"text": "a"}, dialect=CohereRerank(objects=True)).body["documents"]


RESULTS = b'{"id": "r", "results": [{"index": 1, "relevance_score": 0.9}, {"index": 0, "relevance_score": 0}], "meta": {"billed_units": {"search_units": 1}}}'


def test_rerank_answer():
    """The best first; documents are filled in where they were asked for."""
    got = rerank("a", {"text": "b"}, return_documents=True).dialect.decode(RESULTS, "m", "r")
    assert [(1, 0.9, {"text": "b"}), (0, 0.0, "a")] == [(result.index, result.score, result.document) for result in got]
    assert (2, "r", 1) == (len(got), got.id, got.usage.requests)
    assert [None, None] == [result.document for result in rerank("a", "b").dialect.decode(RESULTS, "m", "r")]


def test_documents_that_the_api_returns():
    """Where it can, it is asked to."""
    dialect = CohereRerank(returns_documents=True)
    wire = rerank("a", dialect=dialect, return_documents=True)
    assert wire.body["return_documents"] is True
    row = b'{"results": [{"index": 0, "relevance_score": 1, "document": {"text": "a"}}], "model": "m-1"}'
    got = wire.dialect.decode(row, "m", "r")
    assert ({"text": "a"}, "m-1") == (got.results[0].document, got.model)


@pytest.mark.parametrize(
    "row", ["1", "{}", '{"index": 2, "relevance_score": 1}', '{"index": -1, "relevance_score": 1}', '{"index": 0, "relevance_score": "a"}']
)
def test_results_that_are_none(row):
    """A place that was not in the request, or no score."""
    with pytest.raises(errors.ResponseParsingError):
        rerank("a", "b").dialect.decode(f'{{"results": [{row}]}}'.encode(), "m", "r")


# All of them.


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_failures(dialect):
    """In a status and in a 200 body, and what is no answer at all."""
    assert isinstance(dialect.error(401, {}, b'{"message": "no"}'), errors.AuthenticationError)
    with pytest.raises(errors.AuthenticationError):
        dialect.decode(b'{"message": "invalid api key"}', "m", "r")
    with pytest.raises(errors.ResponseParsingError):
        dialect.decode(b"<html>", "m", "r")
    own = type(dialect)(error_codes={"NOVEL": "quota"})
    assert isinstance(own.error(400, {}, b'{"error_type": "NOVEL", "message": "no"}'), errors.QuotaExceededError)


def test_models():
    """All are asked for at once; what is said of them is kept."""
    wire = CohereModels().encode(ListModelsRequest(extra={"endpoint": "chat"}), context())
    assert ("GET", "/v1/models", {"page_size": "1000", "endpoint": "chat"}) == (wire.method, wire.path, wire.query)
    assert {"page_size": "5"} == CohereModels(limit=5).encode(ListModelsRequest(), context()).query
    got = CohereModels().decode(b'{"models": [{"name": "a", "context_length": 9, "x": null}, {"x": 1}]}', "", "r")
    assert (["a"], {"context_length": 9}, frozenset()) == (list(got), got.models[0].extra, CohereModels().supported_params(""))
