"""Embeddings and the list of models."""

import json

import pytest

from llmclient import errors
from llmclient.dialects.ollama import OllamaEmbeddings, OllamaModels
from llmclient.types.embeddings import EmbeddingRequest
from llmclient.types.listing import ListModelsRequest
from tests.dialects.ollama.kit import context


def embed(*texts, dialect=None, **options):
    """Return what an embedding sends."""
    return (dialect or OllamaEmbeddings()).encode(EmbeddingRequest(model="m", input=texts, **options), context())


SAMPLES = {"dimensions": 8, "encoding_format": "base64", "input_type": "clustering", "truncate": "NONE", "user": "u"}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_parameter_is_carried_or_told_of(name):
    """Alone it changes the body, or gives a warning; so does the quirk that takes it away."""
    wire = embed("a", **{name: SAMPLES[name]})
    supported = name in OllamaEmbeddings().supported_params("m")
    assert (supported, not supported) == (len(wire.body) > 2, bool(wire.warnings))
    refusing = embed("a", dialect=OllamaEmbeddings(unsupported=frozenset({name})), **{name: SAMPLES[name]})
    assert [("dropped", name)] == [(warning.kind, warning.param) for warning in refusing.warnings]


@pytest.mark.parametrize(("given", "sent"), [("none", False), ("END", True)])
def test_truncation_is_yes_or_no(given, sent):
    """Texts are cut at their end, or not at all."""
    assert sent is embed("a", truncate=given).body["truncate"]


def test_truncation_at_the_start_is_dropped():
    """It cannot be said."""
    wire = embed("a", truncate="START")
    assert ("truncate", False) == (wire.warnings[0].param, "truncate" in wire.body)


def test_request():
    """Texts always go in a list, and the server's own fields through extra."""
    wire = embed("a", encoding_format="float", extra={"keep_alive": "5m"})
    assert ("/api/embed", {"model": "m", "input": ["a"], "keep_alive": "5m"}, ()) == (wire.path, wire.body, wire.warnings)
    with pytest.raises(errors.InvalidRequestError, match="token numbers"):
        embed([1])


def test_vectors():
    """As they came, with the count, and as many as there were texts."""
    body = {"model": "m:latest", "embeddings": [[0.5, 1.0]], "prompt_eval_count": 2, "load_duration": 9}
    got = embed("a").dialect.decode(json.dumps(body).encode(), "m", "r")
    assert ([[0.5, 1.0]], "m:latest", 2, 2, {"load_duration": 9}) == (got.vectors, got.model, got.usage.prompt_tokens, got.usage.total_tokens, got.extra)
    assert OllamaEmbeddings().decode(b'{"embeddings": [[1.0]]}', "m", "r").usage is None
    with pytest.raises(errors.ResponseParsingError, match="2 texts"):
        embed("a", "b").dialect.decode(json.dumps(body).encode(), "m", "r")


@pytest.mark.parametrize("body", [b"", b"{}", b'{"embeddings": 1}', b'{"embeddings": [1]}'])
def test_what_are_no_vectors(body):
    """Raises ResponseParsingError."""
    with pytest.raises(errors.ResponseParsingError):
        OllamaEmbeddings().decode(body, "m", "r")


def test_models():
    """Names with their tags; what is said of them is kept; a new server has none."""
    wire = OllamaModels().encode(ListModelsRequest(extra={"a": 1}), context())
    assert ("GET", "/api/tags", {"a": "1"}) == (wire.method, wire.path, wire.query)
    got = OllamaModels().decode(b'{"models": [{"name": "a:1b", "size": 9, "x": null}, {"x": 1}]}', "", "r")
    assert (["a:1b"], {"size": 9}, frozenset()) == (list(got), got.models[0].extra, OllamaModels().supported_params(""))
    assert [] == list(OllamaModels().decode(b'{"models": null}', "", "r"))
    for body in (b"", b"{}", b'{"models": 1}'):
        with pytest.raises(errors.ResponseParsingError):
            OllamaModels().decode(body, "", "r")


@pytest.mark.parametrize("dialect", [OllamaEmbeddings(), OllamaModels()], ids=lambda dialect: dialect.name)
def test_failures(dialect):
    """In a status and in a 200 body."""
    body = b'{"error": "model \'m\' not found, try pulling it first"}'
    assert isinstance(dialect.error(404, {}, body), errors.ModelNotFoundError)
    with pytest.raises(errors.ModelNotFoundError):
        dialect.decode(body, "m", "r")
    own = type(dialect)(error_codes={"NOVEL": "quota"})
    assert isinstance(own.error(400, {}, b'{"error": {"code": "NOVEL", "message": "no"}}'), errors.QuotaExceededError)
