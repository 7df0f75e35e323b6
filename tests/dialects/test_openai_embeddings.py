"""Embeddings in OpenAI's dialect: in order, complete, and without a copy of each float."""

from __future__ import annotations

import array
import base64
import json
import sys

import pytest

from llmclient import errors
from llmclient.dialects.openai import OpenAIEmbeddings
from llmclient.types.embeddings import EmbeddingRequest, EmbeddingResponse
from llmclient.types.usage import Usage
from tests.dialects.kit import context


def encode(dialect=None, texts=("a", "b"), **options):
    return (dialect or OpenAIEmbeddings()).encode(EmbeddingRequest(model="m", input=texts, **options), context())


def body(dialect=None, texts=("a", "b"), **options):
    return dict(encode(dialect, texts, **options).body)


def row(vector, index=None):
    return {"object": "embedding", "embedding": vector} | ({} if index is None else {"index": index})


def answer(*rows, **top):
    return {"object": "list", "data": list(rows), "model": "m-1", "usage": {"prompt_tokens": 3, "total_tokens": 3}, **top}


def decode(value, dialect=None):
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return (dialect or OpenAIEmbeddings()).decode(raw, "m", "r")


def packed(*floats):
    little = array.array("f", floats)
    if sys.byteorder == "big":
        little.byteswap()
    return base64.b64encode(little.tobytes()).decode()


def test_the_request():
    """Texts in a list, and nothing that was not given."""
    wire = encode()
    assert (wire.path, wire.method, wire.body) == ("/embeddings", "POST", {"model": "m", "input": ["a", "b"]})
    assert body(texts=("a",))["input"] == ["a"]
    assert body(texts=((1, 2), [3]))["input"] == [[1, 2], [3]]


def test_a_single_text_may_go_bare():
    """A few hosts take only that."""
    assert body(OpenAIEmbeddings(wrap_single=False), ("a",))["input"] == "a"
    assert body(OpenAIEmbeddings(wrap_single=False))["input"] == ["a", "b"]


def test_base64_is_asked_for_only_where_it_is_offered():
    """And where the caller asks for nothing else."""
    assert "encoding_format" not in body()
    assert body(OpenAIEmbeddings(base64=True))["encoding_format"] == "base64"
    assert body(OpenAIEmbeddings(base64=True), encoding_format="float")["encoding_format"] == "float"
    assert body(OpenAIEmbeddings(formats={"float": "raw"}), encoding_format="float")["encoding_format"] == "raw"
    assert "encoding_format" not in body(OpenAIEmbeddings(base64=True, unsupported=frozenset({"encoding_format"})))


SAMPLES = {"dimensions": 8, "encoding_format": "float", "input_type": "query", "truncate": "END", "user": "u"}
DIALECTS = {
    "standard": OpenAIEmbeddings(),
    "nvidia": OpenAIEmbeddings(input_type_field="input_type", truncate_field="truncate", unsupported=frozenset({"user"})),
    "fixed": OpenAIEmbeddings(dimensions_field="", unsupported=frozenset({"encoding_format"})),
    "renamed": OpenAIEmbeddings(dimensions_field="output_dimension", input_type_field="task"),
}


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
def test_supported_is_exactly_what_is_carried(dialect, name):
    """A parameter changes the body, or a warning tells that it does not."""
    wire = encode(dialect, **{name: SAMPLES[name]})
    assert (wire.body != encode(dialect).body) is (name in dialect.supported_params("m"))
    assert bool(wire.warnings) is (name not in dialect.supported_params("m"))


def test_renamed_and_constant_fields():
    """Names are the provider's; the caller's own win over constants."""
    dialect = OpenAIEmbeddings(dimensions_field="output_dimension", body={"task": "x"}, path="/{model}/embed")
    assert body(dialect, dimensions=8) == {"model": "m", "input": ["a", "b"], "task": "x", "output_dimension": 8}
    assert body(dialect, extra={"task": "y"})["task"] == "y"
    assert encode(dialect).path == "/m/embed"


def test_too_many_texts_are_refused_before_sending():
    """With the numbers."""
    with pytest.raises(errors.InvalidRequestError, match="at most 1 texts .* got 2"):
        encode(OpenAIEmbeddings(max_batch=1))
    assert encode(OpenAIEmbeddings(max_batch=2))


def test_token_lists_are_refused_where_only_texts_are_taken():
    """They would be read as something else."""
    with pytest.raises(errors.InvalidRequestError, match="only texts"):
        encode(OpenAIEmbeddings(token_input=False), ("a", [1, 2]))
    assert encode(OpenAIEmbeddings(token_input=False))


def test_vectors_come_in_the_order_of_the_texts():
    """Whatever the order in the answer; without numbers it is theirs."""
    r = decode(answer(row([2.0], 1), row([1.0], 0)))
    assert r.vectors == [[1.0], [2.0]]
    assert decode(answer(row([1]), row([2]))).vectors == [[1], [2]]
    assert (r.model, r.usage, r.dimensions) == ("m-1", Usage(prompt_tokens=3, total_tokens=3), 1)


def test_base64_becomes_an_array_of_floats():
    """Little-endian on the wire, whatever the machine."""
    (vector,) = decode(answer(row(packed(1.0, -0.5), 0))).vectors
    assert vector == array.array("f", [1.0, -0.5])
    assert isinstance(vector, array.array)


def test_base64_on_a_big_endian_machine(monkeypatch):
    """The bytes are swapped there."""
    monkeypatch.setattr(sys, "byteorder", "big")
    swapped = array.array("f", [1.0])
    swapped.byteswap()
    assert decode(answer(row(base64.b64encode(swapped.tobytes()).decode(), 0))).vectors == [array.array("f", [1.0])]


@pytest.mark.parametrize(
    "value",
    [
        answer(row([1.0], 0), row([2.0], 0)),
        answer(row([1.0], 1)),
        answer(row([1.0], -1), row([1.0], 0)),
        answer("odd"),
        answer(row(None, 0)),
        answer(row("###", 0)),
        answer(row("AAA=", 0)),
        {"data": None},
        {"data": "x"},
        {},
        [],
        b"",
        b"<html>",
    ],
)
def test_answers_that_are_none(value):
    """A vector missing, twice, or of no known kind; another document in its place."""
    with pytest.raises(errors.ResponseParsingError):
        decode(value)


def test_failures_in_a_200():
    """Typed as their status would have been, by the provider's own codes too."""
    with pytest.raises(errors.RateLimitError):
        decode({"error": {"code": 429, "message": "x"}})
    with pytest.raises(errors.QuotaExceededError):
        decode({"error": {"code": "77", "message": "x"}}, OpenAIEmbeddings(error_codes={"77": "quota"}))


def test_failures_with_a_status():
    """The mapper is that of all dialects."""
    assert type(OpenAIEmbeddings(error_codes={"77": "quota"}).error(400, {}, b'{"error": {"code": "77"}}')) is errors.QuotaExceededError


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"total_tokens": 7}, Usage(prompt_tokens=7, total_tokens=7)),
        ({"prompt_tokens": 7}, Usage(prompt_tokens=7, total_tokens=7)),
        ({}, None),
        (None, None),
    ],
)
def test_usage(usage, expected):
    """The total is the prompt's where nothing else is said."""
    assert decode(answer(row([1.0], 0), usage=usage)).usage == expected


def test_other_fields_are_kept():
    """An id, and what the provider adds."""
    r = decode(answer(row([1.0], 0), id="e1", meta={"a": 1}, none=None))
    assert (r.id, r.extra) == ("e1", {"meta": {"a": 1}})


def test_to_dict_reads_back():
    """In OpenAI's shape."""
    r = decode(answer(row([1.0, 2.0], 0)))
    again = EmbeddingResponse.from_dict(json.loads(json.dumps(r.to_dict())))
    assert (again.vectors, again.model, again.usage) == (r.vectors, r.model, r.usage)
    with pytest.raises(errors.ResponseParsingError):
        EmbeddingResponse.from_dict({"data": "x"})
