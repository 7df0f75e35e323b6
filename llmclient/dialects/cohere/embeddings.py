"""Cohere's embeddings, version 2: one or several kinds of vector for each text."""

from __future__ import annotations

import array
import binascii
import sys
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, cast

import attrs

from llmclient.dialects import failure
from llmclient.dialects.base import Dialect, Notes, merge_extra
from llmclient.dialects.bodies import lacking, parse
from llmclient.dialects.cohere import problems
from llmclient.dialects.cohere.usage import read_billed
from llmclient.dialects.shapes import is_array, is_object
from llmclient.errors import InvalidRequestError, ProviderError, ResponseParsingError
from llmclient.types.context import RequestContext, WireRequest
from llmclient.types.embeddings import EmbeddingRequest, EmbeddingResponse, Vector
from llmclient.types.messages import EMPTY, JSONObject

_KNOWN: Final = frozenset({"id", "embeddings", "texts"})
_PARAMS: Final = ("dimensions", "encoding_format", "input_type", "truncate")
_KINDS: Final = ("float", "base64", "int8", "uint8", "binary", "ubinary")
_INPUT_TYPES: Final = {"query": "search_query", "document": "search_document", "passage": "search_document"}


@attrs.frozen(kw_only=True)
class CohereEmbeddings(Dialect[EmbeddingRequest, EmbeddingResponse]):
    """Turn texts into vectors. Each field is a quirk; its default is what Cohere does."""

    name: ClassVar[str] = "cohere_embeddings"

    path: str = "/v2/embed"
    max_batch: int | None = 96
    """The most texts in one request; more are refused before anything is sent."""
    input_type: str = "search_document"
    """What texts are for unless the caller says so: the API wants it said, and no guess suits all."""
    base64: bool = False
    """Whether vectors are asked for in base64 where the caller asks for nothing."""
    unsupported: frozenset[str] = frozenset()
    """Portable parameters that this provider refuses or ignores."""
    error_codes: Mapping[str, failure.Kind] = attrs.field(default=EMPTY, hash=False)
    """The provider's own error codes -> what they mean."""

    expected: int = attrs.field(default=0, metadata={"quirk": False})
    """How many vectors the answer must hold; 0 for any number."""

    def supported_params(self, model: str) -> frozenset[str]:
        """Return exactly the portable parameters that `encode` can carry."""
        return frozenset(_PARAMS) - self.unsupported

    def encode(self, request: EmbeddingRequest, context: RequestContext) -> WireRequest:
        """Return what to send; raises InvalidRequestError for too many texts and for token lists.

        Pictures go through `extra`: `images` (data URLs), or `inputs`, where texts and pictures are mixed.
        """
        notes = Notes()
        texts = self._texts(request)
        body: dict[str, Any] = {"model": request.model}
        if texts:
            body["texts"] = texts
        body["input_type"] = self._input_type(request, notes)
        body["embedding_types"] = [self._kind(request, notes)]
        self._add_rest(request, body, notes)
        kinds = request.extra.get("embedding_types")
        if is_array(kinds) and request.encoding_format is None:
            body["embedding_types"] = kinds
        merge_extra(body, request.extra, notes)
        return WireRequest(path=self.path, body=body, warnings=tuple(notes.warnings), dialect=attrs.evolve(self, expected=len(texts)))

    def _texts(self, request: EmbeddingRequest) -> list[str]:
        texts = [text for text in request.input if isinstance(text, str)]
        if len(texts) < len(request.input):
            raise InvalidRequestError("", "only texts are taken here, no token numbers", param="input")
        if self.max_batch is not None and len(texts) > self.max_batch:
            raise InvalidRequestError("", f"at most {self.max_batch} texts are taken in one request, got {len(texts)}", param="input")
        return texts

    def _input_type(self, request: EmbeddingRequest, notes: Notes) -> str:
        given = request.input_type
        if given is not None and "input_type" not in self.unsupported:
            return _INPUT_TYPES.get(given, given)
        if "input_type" in request.extra:
            return str(request.extra["input_type"])
        if "images" in request.extra:
            return "image"
        if given is None:
            notes.move("input_type", f"is needed here and was not given: {self.input_type!r} was sent; questions are better embedded as 'search_query'")
        else:
            notes.drop("input_type", "the provider does not take it")
        return self.input_type

    def _kind(self, request: EmbeddingRequest, notes: Notes) -> str:
        if request.encoding_format is None:
            return "base64" if self.base64 else "float"
        if "encoding_format" not in self.unsupported:
            return request.encoding_format
        if request.encoding_format != "float":
            notes.drop("encoding_format", "the provider does not take it")
        return "float"

    def _add_rest(self, request: EmbeddingRequest, body: dict[str, Any], notes: Notes) -> None:
        cut = None if request.truncate is None else request.truncate.upper()
        for name, field, value in (("truncate", "truncate", cut), ("dimensions", "output_dimension", request.dimensions), ("user", "", request.user)):
            if value is None:
                continue
            if field and name not in self.unsupported:
                body[field] = value
            else:
                notes.drop(name, "the provider does not take it")

    def decode(self, raw: bytes, model: str, request_id: str) -> EmbeddingResponse:
        """Return the vectors in the order of the texts; of several kinds the first that Cohere names goes there, the others to `extra`.

        Raises ResponseParsingError where a vector is missing, or the error that the body reports.
        """
        value = parse(raw)
        error = problems.of_body(value, model, self.error_codes)
        if error is not None:
            raise error
        kind, rows = _find(value.get("embeddings")) if is_object(value) else ("", None)
        if rows is None or not is_object(value):
            raise lacking(raw, "embeddings", model)
        if self.expected and len(rows) != self.expected:
            raise ResponseParsingError("", f"{self.expected} texts were sent, but {len(rows)} embeddings came back", model=model)
        identity = value.get("id")
        return EmbeddingResponse(
            vectors=[_vector(row, kind, position, model) for position, row in enumerate(rows)],
            id=identity if isinstance(identity, str) and identity else None,
            usage=read_billed(value),
            extra=_extra(value, kind),
        )

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """Return (never raise) the error that a status other than 2xx means."""
        return problems.of_status(status, headers, body, self.error_codes)


def _find(value: Any) -> tuple[str, Sequence[Any] | None]:
    """Return the kind of vector that an answer holds, and the vectors; the API's first version gives a bare list."""
    if is_array(value):
        return "float", value
    if is_object(value):
        for kind in (*_KINDS, *value):
            rows = value.get(kind)
            if is_array(rows):
                return kind, rows
    return "", None


def _extra(value: JSONObject, kind: str) -> JSONObject:
    extra = {key: item for key, item in value.items() if key not in _KNOWN and item is not None}
    vectors = value["embeddings"]
    others = {name: rows for name, rows in vectors.items() if name != kind and rows is not None} if is_object(vectors) else None
    return {**extra, "embeddings": others} if others else extra


def _vector(row: Any, kind: str, position: int, model: str) -> Vector:
    """Return the numbers as they were parsed, or unpacked from base64 without a copy of each."""
    if isinstance(row, list):
        return cast("list[float]", row)
    vector = array.array("f")
    if isinstance(row, str) and kind == "base64":
        try:
            vector.frombytes(binascii.a2b_base64(row, strict_mode=True))
        except ValueError:
            vector = array.array("f")
    if not vector:
        raise ResponseParsingError("", f"embedding {position} of the answer is no vector of the kind {kind}", model=model)
    if sys.byteorder == "big":
        vector.byteswap()
    return vector
