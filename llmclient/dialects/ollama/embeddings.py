"""Ollama's embeddings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final, cast

import attrs

from llmclient.dialects import failure
from llmclient.dialects.base import Dialect, Notes, merge_extra
from llmclient.dialects.bodies import lacking, parse
from llmclient.dialects.shapes import is_array, is_object
from llmclient.errors import InvalidRequestError, ProviderError, ResponseParsingError
from llmclient.types.context import RequestContext, WireRequest
from llmclient.types.embeddings import EmbeddingRequest, EmbeddingResponse, Vector
from llmclient.types.messages import EMPTY
from llmclient.types.usage import Usage

_KNOWN: Final = frozenset({"model", "embeddings", "prompt_eval_count"})
_PARAMS: Final = frozenset({"dimensions", "truncate"})
_CUTS: Final[Mapping[str, bool]] = {"NONE": False, "END": True}


@attrs.frozen(kw_only=True)
class OllamaEmbeddings(Dialect[EmbeddingRequest, EmbeddingResponse]):
    """Turn texts into vectors. Each field is a quirk; its default is what Ollama does."""

    name: ClassVar[str] = "ollama_embeddings"

    path: str = "/api/embed"
    unsupported: frozenset[str] = frozenset()
    """Portable parameters that this provider refuses or ignores."""
    error_codes: Mapping[str, failure.Kind] = attrs.field(default=EMPTY, hash=False)
    """The provider's own error codes -> what they mean."""

    expected: int = attrs.field(default=0, metadata={"quirk": False})
    """How many vectors the answer must hold; 0 for any number."""

    def supported_params(self, model: str) -> frozenset[str]:
        """Return exactly the portable parameters that `encode` can carry."""
        return _PARAMS - self.unsupported

    def encode(self, request: EmbeddingRequest, context: RequestContext) -> WireRequest:
        """Return what to send; raises InvalidRequestError for token lists."""
        notes = Notes()
        texts = [text for text in request.input if isinstance(text, str)]
        if len(texts) < len(request.input):
            raise InvalidRequestError("", "only texts are taken here, no token numbers", param="input")
        body: dict[str, Any] = {"model": request.model, "input": texts}
        self._add(request, body, notes)
        merge_extra(body, request.extra, notes)
        return WireRequest(path=self.path, body=body, warnings=tuple(notes.warnings), dialect=attrs.evolve(self, expected=len(texts)))

    def _add(self, request: EmbeddingRequest, body: dict[str, Any], notes: Notes) -> None:
        for name in ("dimensions", "input_type", "truncate", "user"):
            value = getattr(request, name)
            if value is None:
                continue
            if name not in self.supported_params(request.model):
                notes.drop(name, "the provider does not take it")
            elif name == "dimensions":
                body["dimensions"] = value
            elif value.upper() in _CUTS:
                body["truncate"] = _CUTS[value.upper()]
            else:
                notes.drop("truncate", f"{value!r} is none of NONE and END")
        if request.encoding_format not in (None, "float"):
            notes.drop("encoding_format", "vectors come as lists of numbers only")

    def decode(self, raw: bytes, model: str, request_id: str) -> EmbeddingResponse:
        """Return the vectors in the order of the texts.

        Raises ResponseParsingError where one is missing, or the error that the body reports.
        """
        value = parse(raw)
        error = failure.find_failure(value, model=model, codes=self.error_codes)
        if error is not None:
            raise error
        rows = value.get("embeddings") if is_object(value) else None
        if not is_object(value) or not is_array(rows) or not all(isinstance(row, list) for row in rows):
            raise lacking(raw, "embeddings", model)
        if self.expected and len(rows) != self.expected:
            raise ResponseParsingError("", f"{self.expected} texts were sent, but {len(rows)} embeddings came back", model=model)
        count, answered = value.get("prompt_eval_count"), value.get("model")
        return EmbeddingResponse(
            vectors=cast("list[Vector]", list(rows)),
            model=answered if isinstance(answered, str) and answered else None,
            usage=Usage(prompt_tokens=count, total_tokens=count) if isinstance(count, int) and not isinstance(count, bool) else None,
            extra={key: item for key, item in value.items() if key not in _KNOWN and item is not None} or EMPTY,
        )

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """Return (never raise) the error that a status other than 2xx means."""
        return failure.map_failure(status, headers, body, codes=self.error_codes)
