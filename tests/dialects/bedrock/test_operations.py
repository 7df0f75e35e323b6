"""Embeddings, token counts and lists of models."""

import json

import pytest

from llmclient.dialects.bedrock import BedrockCountTokens, BedrockEmbeddings, BedrockModels
from llmclient.errors import InvalidRequestError, RateLimitError, ResponseParsingError
from llmclient.types.embeddings import EmbeddingRequest
from llmclient.types.listing import ListModelsRequest
from llmclient.types.messages import Message, Tool
from llmclient.types.tokens import CountTokensRequest
from tests.dialects.bedrock.kit import context

TITAN, TITAN_1, TITAN_IMAGE = "amazon.titan-embed-text-v2:0", "amazon.titan-embed-text-v1", "amazon.titan-embed-image-v1"
NOVA, COHERE, COHERE_3 = "amazon.nova-2-multimodal-embeddings-v1:0", "us.cohere.embed-v4:0", "cohere.embed-english-v3"
FAILURE = json.dumps({"__type": "ThrottlingException", "message": "slow down"}).encode()


def embed(model, *texts, dialect=None, **options):
    """Return what a call sends."""
    return (dialect or BedrockEmbeddings()).encode(EmbeddingRequest(model=model, input=texts or ("a",), **options), context())


@pytest.mark.parametrize(
    ("model", "options", "body"),
    [
        (TITAN, {"dimensions": 256}, {"inputText": "a", "dimensions": 256}),
        (TITAN_1, {}, {"inputText": "a"}),
        ("vendor.embed", {}, {"inputText": "a"}),
        (TITAN_IMAGE, {"dimensions": 256}, {"inputText": "a", "embeddingConfig": {"outputEmbeddingLength": 256}}),
        (COHERE, {"dimensions": 256, "truncate": "end"}, {"texts": ["a"], "input_type": "search_document", "truncate": "END", "output_dimension": 256}),
        (COHERE_3, {"input_type": "search_query"}, {"texts": ["a"], "input_type": "search_query"}),
    ],
)
def test_the_bodies_of_the_vendors(model, options, body):
    """InvokeModel takes that of the model's own."""
    wire = embed(model, **options)
    assert (body, (), f"/model/{model.replace(':', '%3A')}/invoke") == (wire.body, wire.warnings, wire.path)


@pytest.mark.parametrize(("given", "sent"), [(None, "GENERIC_INDEX"), ("search_query", "GENERIC_RETRIEVAL"), ("text_retrieval", "TEXT_RETRIEVAL")])
def test_novas_body(given, sent):
    """What the texts are for, in Cohere's words or in its own."""
    wire = embed(NOVA, input_type=given, dimensions=1024, truncate="end")
    params = {"embeddingPurpose": sent, "embeddingDimension": 1024, "text": {"truncationMode": "END", "value": "a"}}
    assert {"taskType": "SINGLE_EMBEDDING", "singleEmbeddingParams": params} == wire.body
    assert "embeddingDimension" not in embed(NOVA).body["singleEmbeddingParams"]


@pytest.mark.parametrize("model", [TITAN, TITAN_1, TITAN_IMAGE, NOVA, COHERE, COHERE_3])
@pytest.mark.parametrize(
    ("name", "value"), [("dimensions", 256), ("encoding_format", "base64"), ("input_type", "classification"), ("truncate", "END"), ("user", "u")]
)
def test_supported_is_exactly_what_is_carried(model, name, value):
    """A parameter changes the body, or a warning tells."""
    wire = embed(model, **{name: value})
    supported = name in BedrockEmbeddings().supported_params(model)
    assert (supported, [] if supported else [name]) == (wire.body != embed(model).body, [warning.param for warning in wire.warnings])


def test_plain_numbers_need_no_word():
    """They are what comes anyway; extra goes last."""
    assert () == embed(TITAN, encoding_format="float").warnings
    assert {"inputText": "a", "normalize": False} == embed(TITAN, extra={"normalize": False}).body


def test_several_texts():
    """Cohere takes them; the others are refused before anything is sent, as are token numbers."""
    assert ["a", "b"] == embed(COHERE, "a", "b").body["texts"]
    for model in (TITAN, NOVA):
        with pytest.raises(InvalidRequestError, match="one text at a time"):
            embed(model, "a", "b")
    with pytest.raises(InvalidRequestError, match="token numbers"):
        embed(COHERE, (1, 2))


@pytest.mark.parametrize(
    ("answer", "vectors"),
    [
        ({"embedding": [1.0, 2.0], "inputTextTokenCount": 4, "embeddingsByType": {"float": [1.0]}}, [[1.0, 2.0]]),
        ({"embeddings": [[1.0], [2.0]], "id": "i"}, [[1.0], [2.0]]),
        ({"embeddings": {"float": [[1.0]]}}, [[1.0]]),
        ({"embeddings": {"int8": [[1]]}}, [[1]]),
        ({"embeddings": [{"embeddingType": "TEXT", "embedding": [1.0]}]}, [[1.0]]),
        ({"data": [{"embedding": [1.0]}]}, [[1.0]]),
    ],
)
def test_the_answers_of_the_vendors(answer, vectors):
    """Each holds its vectors elsewhere."""
    response = BedrockEmbeddings().decode(json.dumps(answer).encode(), TITAN, "r")
    assert (vectors, answer.get("inputTextTokenCount"), answer.get("id")) == (
        [list(vector) for vector in response.vectors], response.usage and response.usage.prompt_tokens, response.id,
    )  # fmt: skip
    assert {"embeddingsByType": {"float": [1.0]}} if "embeddingsByType" in answer else response.extra == {}


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b'{"embeddings": [1]}', b'{"embeddings": {}}'])
def test_what_is_no_embedding(raw):
    """It is no success."""
    with pytest.raises(ResponseParsingError):
        BedrockEmbeddings().decode(raw, TITAN, "r")


def test_a_vector_that_is_missing():
    """As many come back as texts were sent."""
    dialect = embed(COHERE, "a", "b").dialect
    with pytest.raises(ResponseParsingError, match="2 texts"):
        dialect.decode(b'{"embeddings": [[1.0]]}', COHERE, "r")


def test_another_use_and_other_shapes():
    """Quirks of providers that serve other models."""
    assert "clustering" == embed(COHERE, dialect=BedrockEmbeddings(input_type="clustering")).body["input_type"]
    assert "texts" in embed("vendor.embed", dialect=BedrockEmbeddings(shapes=(("vendor.*", "cohere"),))).body
    assert "texts" not in embed(COHERE, dialect=BedrockEmbeddings(region_prefixes=frozenset())).body


@pytest.mark.parametrize("dialect", [BedrockEmbeddings(), BedrockCountTokens(), BedrockModels()])
def test_failures(dialect):
    """As a status, and inside a 200."""
    assert RateLimitError is type(dialect.error(429, {}, FAILURE))
    with pytest.raises(RateLimitError):
        dialect.decode(FAILURE, "m", "r")


# Counting.


def test_a_count():
    """The conversation is written as for a chat; the model is named without its region."""
    messages = (Message("system", "s"), Message("user", "hi"))
    request = CountTokensRequest(
        model="us.anthropic.claude-sonnet-4-20250514-v1:0", messages=messages, tools=(Tool("add"),), extra={"additionalModelRequestFields": {"a": 1}, "b": 2}
    )
    wire = BedrockCountTokens(provider="acme").encode(request, context())
    tools = [{"toolSpec": {"name": "add", "inputSchema": {"json": {"type": "object", "properties": {}}}}}]
    converse = {
        "system": [{"text": "s"}],
        "messages": [{"role": "user", "content": [{"text": "hi"}]}],
        "toolConfig": {"tools": tools},
        "additionalModelRequestFields": {"a": 1},
    }
    assert ({"input": {"converse": converse}}, ()) == (wire.body, wire.warnings)
    assert "/model/anthropic.claude-sonnet-4-20250514-v1%3A0/count-tokens" == wire.path
    assert {"tools"} == BedrockCountTokens().supported_params("m")
    kept = BedrockCountTokens(region_prefixes=frozenset()).encode(request, context())
    assert kept.path.startswith("/model/us.")


def test_the_answer_to_a_count():
    """A number, or an error."""
    assert 11 == int(BedrockCountTokens().decode(b'{"inputTokens": 11}', "m", "r"))
    for raw in (b"", b"{}", b'{"inputTokens": "11"}'):
        with pytest.raises(ResponseParsingError):
            BedrockCountTokens().decode(raw, "m", "r")


# Listing.


def test_a_list_of_models():
    """A GET to the control plane; what it is narrowed by goes into the query."""
    wire = BedrockModels().encode(ListModelsRequest(extra={"byProvider": "Anthropic"}), context())
    assert ("GET", "/foundation-models", {"byProvider": "Anthropic"}, None) == (wire.method, wire.path, wire.query, wire.body)
    assert "https://bedrock.{region}.amazonaws.com" == BedrockModels().base_url
    assert frozenset() == BedrockModels().supported_params("")


def test_the_answer_to_a_list():
    """Ids and owners; what is no model is passed over."""
    row = {"modelId": "a.b", "providerName": "A", "inputModalities": ["TEXT"]}
    listed = BedrockModels().decode(json.dumps({"modelSummaries": [row, {"modelId": "c"}, {}, 1, {"modelId": ""}]}).encode(), "", "r")
    assert ["a.b", "c"] == list(listed)
    assert ("A", {"inputModalities": ["TEXT"]}, None) == (listed.models[0].owned_by, listed.models[0].extra, listed.models[1].owned_by)
    for raw in (b"", b"{}", b'{"modelSummaries": 1}'):
        with pytest.raises(ResponseParsingError):
            BedrockModels().decode(raw, "", "r")
