"""Embeddings: embedContent and batchEmbedContents of the Gemini API, and Vertex AI's predict."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, Literal, TypeAlias, cast

import attrs

from llmclient.dialects.base import Dialect, Notes, merge_extra
from llmclient.dialects.bodies import lacking, parse
from llmclient.dialects.gemini import problems
from llmclient.dialects.gemini.paths import bare, fill, resource
from llmclient.dialects.gemini.usage import read_usage
from llmclient.dialects.shapes import is_array, is_object
from llmclient.errors import InvalidRequestError, ProviderError, ResponseParsingError
from llmclient.types.context import RequestContext, WireRequest
from llmclient.types.embeddings import EmbeddingRequest, EmbeddingResponse, Vector
from llmclient.types.messages import EMPTY, JSONObject
from llmclient.types.usage import Usage, total_of

Method: TypeAlias = Literal["batchEmbedContents", "embedContent", "predict"]

_PARAMS: Final = ("dimensions", "encoding_format", "input_type", "truncate", "user")
_TASKS: Final = {"search_query": "RETRIEVAL_QUERY", "query": "RETRIEVAL_QUERY", "search_document": "RETRIEVAL_DOCUMENT", "document": "RETRIEVAL_DOCUMENT"}
_KNOWN: Final = frozenset({"embeddings", "embedding", "predictions", "usageMetadata"})


@attrs.frozen(kw_only=True)
class GeminiEmbeddings(Dialect[EmbeddingRequest, EmbeddingResponse]):
    """Turn texts into vectors. Each field is a quirk; its default is what the Gemini API does."""

    name: ClassVar[str] = "gemini_embeddings"

    path: str = "/{api_version}/{model}"
    """The path of a model, to which the method is added."""
    express_path: str = ""
    """The path with an API key and no project; "" where a key is all there is anyway."""
    api_version: str = "v1beta"
    """The version of the API unless the settings name another."""
    region: str = ""
    """Where requests go when the settings name no region."""
    publisher: str = ""
    """Whose models those without a publisher are; "" where models have none."""
    method: Method = "batchEmbedContents"
    """What is called. `embedContent` takes one text; several then go to `batchEmbedContents`, in the same form."""
    method_by_model: tuple[tuple[str, Method], ...] = ()
    """Families that another method serves. The first that fits counts."""
    nested: bool = False
    """Whether what is asked of an embedding stands under `embedContentConfig`."""

    expected: int = attrs.field(default=0, metadata={"quirk": False})
    """How many vectors the answer must hold; 0 for any number."""

    def supported_params(self, model: str) -> frozenset[str]:
        """Return exactly the portable parameters that `encode` can carry for this model."""
        return frozenset({"dimensions", "input_type"} | ({"truncate"} if self._truncates(model) else set()))

    def _method(self, model: str) -> Method:
        for pattern, method in self.method_by_model:
            if fnmatch.fnmatchcase(bare(model), pattern):
                return method
        return self.method

    def _truncates(self, model: str) -> bool:
        return self._method(model) == "predict" or self.nested

    def encode(self, request: EmbeddingRequest, context: RequestContext) -> WireRequest:
        """Return what to send; raises InvalidRequestError for token lists, and ConfigurationError without a project where one is needed."""
        notes = Notes()
        texts = [text for text in request.input if isinstance(text, str)]
        if len(texts) < len(request.input):
            raise InvalidRequestError("", "only texts are taken here, no token numbers", param="input")
        method = self._method(request.model)
        if method == "embedContent" and len(texts) != 1:
            method = "batchEmbedContents"
        config = self._config(request, notes)
        if method == "predict":
            body = _predict(texts, config)
        elif method == "embedContent":
            body = self._one(texts[0], config)
        else:
            name = {} if self.nested else {"model": resource(request.model, self.publisher)}
            body = {"requests": [name | self._one(text, config) for text in texts]}
        merge_extra(body, request.extra, notes)
        settings = context.config
        path = self.express_path if self.express_path and settings.api_key and not settings.project else self.path
        address = fill(path, settings, model=resource(request.model, self.publisher), api_version=self.api_version, region=self.region)
        dialect = attrs.evolve(self, expected=len(texts))
        return WireRequest(path=f"{address}:{method}", body=body, warnings=tuple(notes.warnings), dialect=dialect)

    def _config(self, request: EmbeddingRequest, notes: Notes) -> dict[str, Any]:
        config: dict[str, Any] = {}
        if request.input_type is not None:
            config["taskType"] = _TASKS.get(request.input_type.lower(), request.input_type.upper())
        if request.dimensions is not None:
            config["outputDimensionality"] = request.dimensions
        if request.truncate is not None:
            if self._truncates(request.model):
                config["autoTruncate"] = request.truncate.upper() != "NONE"
            else:
                notes.drop("truncate", "the provider does not take it")
        if request.encoding_format is not None and request.encoding_format != "float":
            notes.drop("encoding_format", "vectors come as lists of numbers only")
        if request.user is not None:
            notes.drop("user", "the provider does not take it")
        return config

    def _one(self, text: str, config: JSONObject) -> dict[str, Any]:
        content: dict[str, Any] = {"content": {"parts": [{"text": text}], "role": "user"}}
        if self.nested:
            return {**content, "embedContentConfig": dict(config)} if config else content
        return {**content, **config}

    def decode(self, raw: bytes, model: str, request_id: str) -> EmbeddingResponse:
        """Return the vectors in the order of the texts.

        Raises ResponseParsingError where one is missing, or the error that the body reports.
        """
        value = parse(raw)
        error = problems.find_failure(value, model)
        if error is not None:
            raise error
        rows = _rows(value) if is_object(value) else None
        if rows is None or not is_object(value):
            raise lacking(raw, "embeddings", model)
        if self.expected and len(rows) != self.expected:
            raise ResponseParsingError("", f"{self.expected} texts were sent, but {len(rows)} embeddings came back", model=model)
        extra = {key: item for key, item in value.items() if key not in _KNOWN and item is not None}
        vectors = [_vector(row, position, model) for position, row in enumerate(rows)]
        return EmbeddingResponse(vectors=vectors, usage=_usage(value, rows), extra=extra or EMPTY)

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """Return (never raise) the error that a status other than 2xx means."""
        return problems.map_failure(status, headers, body)


def _predict(texts: list[str], config: dict[str, Any]) -> dict[str, Any]:
    """Return the body of Vertex AI's older method, where the task belongs to each text."""
    task = {"task_type": config["taskType"]} if "taskType" in config else {}
    body: dict[str, Any] = {"instances": [{"content": text, **task} for text in texts]}
    parameters = {key: item for key, item in config.items() if key != "taskType"}
    return {**body, "parameters": parameters} if parameters else body


def _rows(value: JSONObject) -> Sequence[Any] | None:
    """Return what holds one vector each, whatever the method was."""
    if is_object(value.get("embedding")):
        return [value["embedding"]]
    if is_array(value.get("predictions")):
        return [row.get("embeddings") if is_object(row) else row for row in value["predictions"]]
    rows = value.get("embeddings")
    return rows if is_array(rows) else None


def _vector(row: Any, position: int, model: str) -> Vector:
    values = row.get("values") if is_object(row) else None
    if not isinstance(values, list):
        raise ResponseParsingError("", f"embedding {position} of the answer holds no values", model=model)
    return cast("list[float]", values)


def _usage(value: JSONObject, rows: Sequence[Any]) -> Usage | None:
    usage = read_usage(value.get("usageMetadata"))
    if usage is not None:
        return usage
    tokens: int | None = None
    for row in rows:
        counted = row.get("statistics") if is_object(row) else None
        number = counted.get("token_count", counted.get("tokenCount")) if is_object(counted) else None
        tokens = total_of(tokens, int(number) if isinstance(number, (int, float)) else None)
    metadata = value.get("metadata")
    characters = metadata.get("billableCharacterCount") if is_object(metadata) else None
    characters = characters if isinstance(characters, int) else None
    if tokens is None and characters is None:
        return None
    return Usage(prompt_tokens=tokens, total_tokens=tokens, characters=characters)
