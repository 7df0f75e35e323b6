"""Embeddings by InvokeModel, whose body is that of the model's vendor: Amazon's Titan and Nova, and Cohere."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, Literal, TypeAlias, cast

import attrs

from llmclient.dialects import failure
from llmclient.dialects.base import Dialect, Notes, merge_extra
from llmclient.dialects.bedrock import problems
from llmclient.dialects.bedrock.families import REGIONS, bare
from llmclient.dialects.bedrock.paths import fill_model
from llmclient.dialects.bodies import parse
from llmclient.dialects.shapes import is_array, is_object
from llmclient.errors import InvalidRequestError, ProviderError, ResponseParsingError
from llmclient.types.context import RequestContext, WireRequest
from llmclient.types.embeddings import EmbeddingRequest, EmbeddingResponse, Vector
from llmclient.types.messages import EMPTY, JSONObject
from llmclient.types.usage import Usage

Shape: TypeAlias = Literal["titan_1", "titan", "titan_image", "nova", "cohere_3", "cohere"]
"""Whose body it is."""

_SHAPES: Final[tuple[tuple[str, Shape], ...]] = (
    ("amazon.titan-embed-image-*", "titan_image"),
    ("amazon.titan-embed-text-v1*", "titan_1"),
    ("amazon.titan-embed-g1-*", "titan_1"),
    ("amazon.titan-*", "titan"),
    ("amazon.nova-*", "nova"),
    ("cohere.embed-*-v3*", "cohere_3"),
    ("cohere.*", "cohere"),
)
_CARRIED: Final[Mapping[Shape, frozenset[str]]] = {
    "titan_1": frozenset(),
    "titan": frozenset({"dimensions"}),
    "titan_image": frozenset({"dimensions"}),
    "nova": frozenset({"dimensions", "input_type", "truncate"}),
    "cohere_3": frozenset({"input_type", "truncate"}),
    "cohere": frozenset({"dimensions", "input_type", "truncate"}),
}
_PARAMS: Final = ("dimensions", "encoding_format", "input_type", "truncate", "user")
_PURPOSES: Final = {"search_document": "GENERIC_INDEX", "search_query": "GENERIC_RETRIEVAL", "classification": "CLASSIFICATION", "clustering": "CLUSTERING"}
"""Cohere's words -> Nova's."""
_KNOWN: Final = frozenset({"embedding", "embeddings", "data", "id", "inputTextTokenCount", "texts"})


@attrs.frozen(kw_only=True)
class BedrockEmbeddings(Dialect[EmbeddingRequest, EmbeddingResponse]):
    """Turn texts into vectors. Each field is a quirk; its default is what Amazon Bedrock does."""

    name: ClassVar[str] = "bedrock_embeddings"

    path: str = "/model/{model}/invoke"
    shapes: tuple[tuple[str, Shape], ...] = _SHAPES
    """Patterns of model ids, without region, and whose body they take; the first that fits counts, and Titan's where none does."""
    region_prefixes: frozenset[str] = REGIONS
    """What may stand before a vendor in a model's id."""
    input_type: str = "search_document"
    """What Cohere's texts are for where the request does not say so, since Cohere wants to know."""
    error_codes: Mapping[str, failure.Kind] = attrs.field(default=EMPTY, hash=False)
    """The provider's own error codes -> what they mean."""

    expected: int = attrs.field(default=0, metadata={"quirk": False})
    """How many vectors the answer must hold; 0 for any number."""

    def _shape(self, model: str) -> Shape:
        name = bare(model, self.region_prefixes)
        for pattern, shape in self.shapes:
            if fnmatch.fnmatchcase(name, pattern):
                return shape
        return "titan"

    def supported_params(self, model: str) -> frozenset[str]:
        """Return exactly the portable parameters that `encode` can carry for this model."""
        return _CARRIED[self._shape(model)]

    def encode(self, request: EmbeddingRequest, context: RequestContext) -> WireRequest:
        """Return what to send; raises InvalidRequestError for token lists, and for several texts where the model takes one."""
        notes = Notes()
        shape = self._shape(request.model)
        texts = [text for text in request.input if isinstance(text, str)]
        if len(texts) < len(request.input):
            raise InvalidRequestError("", "only texts are taken here, no token numbers", param="input")
        if not shape.startswith("cohere") and len(texts) != 1:
            raise InvalidRequestError("", f"{request.model} takes one text at a time, got {len(texts)}; embed each by a call of its own", param="input")
        for name in _PARAMS:
            value = getattr(request, name)
            if value is not None and name not in _CARRIED[shape] and not (name == "encoding_format" and value == "float"):
                notes.drop(name, "this model does not take it")
        body = self._body(shape, request, texts)
        merge_extra(body, request.extra, notes)
        dialect = attrs.evolve(self, expected=len(texts))
        return WireRequest(path=fill_model(self.path, request.model), body=body, warnings=tuple(notes.warnings), dialect=dialect)

    def _body(self, shape: Shape, request: EmbeddingRequest, texts: list[str]) -> dict[str, Any]:
        size = request.dimensions
        match shape:
            case "titan_1":
                return {"inputText": texts[0]}
            case "titan":
                return {"inputText": texts[0]} | ({} if size is None else {"dimensions": size})
            case "titan_image":
                return {"inputText": texts[0]} | ({} if size is None else {"embeddingConfig": {"outputEmbeddingLength": size}})
            case "nova":
                return _nova(request, texts[0])
            case _:
                return self._cohere(shape, request, texts)

    def _cohere(self, shape: Shape, request: EmbeddingRequest, texts: list[str]) -> dict[str, Any]:
        body: dict[str, Any] = {"texts": texts, "input_type": request.input_type or self.input_type}
        if request.truncate is not None:
            body["truncate"] = request.truncate.upper()
        if request.dimensions is not None and shape == "cohere":
            body["output_dimension"] = request.dimensions
        return body

    def decode(self, raw: bytes, model: str, request_id: str) -> EmbeddingResponse:
        """Return the vectors in the order of the texts.

        Raises ResponseParsingError where one is missing, or the error that the body reports.
        """
        value = parse(raw)
        rows = _rows(value) if is_object(value) else None
        if rows is None or not is_object(value):
            raise problems.of_body(value, self.error_codes, model) or problems.unreadable(raw, model, "embedding")
        if self.expected and len(rows) != self.expected:
            raise ResponseParsingError("", f"{self.expected} texts were sent, but {len(rows)} embeddings came back", model=model)
        identity, count = value.get("id"), value.get("inputTextTokenCount")
        return EmbeddingResponse(
            vectors=[_vector(row, position, model) for position, row in enumerate(rows)],
            model=model or None,
            id=identity if isinstance(identity, str) else None,
            usage=Usage(prompt_tokens=count, total_tokens=count) if isinstance(count, int) else None,
            extra={key: item for key, item in value.items() if key not in _KNOWN and item is not None} or EMPTY,
        )

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """Return (never raise) the error that a status other than 2xx means."""
        return problems.of_status(status, headers, body, self.error_codes)


def _nova(request: EmbeddingRequest, text: str) -> dict[str, Any]:
    purpose = request.input_type or "GENERIC_INDEX"
    params: dict[str, Any] = {"embeddingPurpose": _PURPOSES.get(purpose.lower(), purpose.upper())}
    if request.dimensions is not None:
        params["embeddingDimension"] = request.dimensions
    params["text"] = {"truncationMode": (request.truncate or "NONE").upper(), "value": text}
    return {"taskType": "SINGLE_EMBEDDING", "singleEmbeddingParams": params}


def _rows(value: JSONObject) -> Sequence[Any] | None:
    """Return what holds one vector each, whosever body it is."""
    single, several, listed = value.get("embedding"), value.get("embeddings"), value.get("data")
    if is_array(single):
        return [single]
    if is_object(several):
        # Cohere's, by the type of number.
        several = several.get("float") or next(iter(several.values()), None)
    if is_array(several):
        return several
    return listed if is_array(listed) else None


def _vector(row: Any, position: int, model: str) -> Vector:
    values = row.get("embedding") if is_object(row) else row
    if isinstance(values, list):
        return cast("list[float]", values)
    raise ResponseParsingError("", f"embedding {position} of the answer holds no values", model=model)
