"""OpenAI's embeddings, and the quirks of those who speak it too."""

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
from llmclient.dialects.openai.paths import fill_model
from llmclient.dialects.openai.usage import read_usage
from llmclient.dialects.shapes import is_array, is_object
from llmclient.errors import InvalidRequestError, ProviderError, ResponseParsingError
from llmclient.types.context import RequestContext, WireRequest
from llmclient.types.embeddings import EmbeddingRequest, EmbeddingResponse, Vector
from llmclient.types.messages import EMPTY, JSONObject
from llmclient.types.usage import Usage

_PARAMS: Final = ("dimensions", "encoding_format", "input_type", "truncate", "user")
_KNOWN: Final = frozenset({"object", "data", "model", "usage", "id"})


@attrs.frozen(kw_only=True)
class OpenAIEmbeddings(Dialect[EmbeddingRequest, EmbeddingResponse]):
    """Turn texts into vectors. Each field is a quirk; its default is what OpenAI does."""

    name: ClassVar[str] = "openai_embeddings"

    path: str = "/embeddings"
    base64: bool = False
    """Whether vectors are offered in base64, which is then asked for where the caller asks for nothing: it is much quicker."""
    max_batch: int | None = None
    """The most texts in one request; more are refused before anything is sent."""
    wrap_single: bool = True
    """Whether a single text is sent in a list, too; a few hosts take only that, and a few only the bare text."""
    dimensions_field: str = "dimensions"
    """The field that asks for shorter vectors; "" where they cannot be had."""
    input_type_field: str = ""
    """The field that says what the texts are for; "" where there is none."""
    truncate_field: str = ""
    """The field that says how texts that are too long are cut; "" where there is none."""
    formats: Mapping[str, str] = attrs.field(default=EMPTY, hash=False)
    """Portable encoding format -> the provider's word, such as float -> raw."""
    unsupported: frozenset[str] = frozenset()
    """Portable parameters that this provider refuses or ignores."""
    token_input: bool = True
    """Whether lists of token numbers are taken in place of texts."""
    body: Mapping[str, Any] = attrs.field(default=EMPTY, hash=False)
    """Constant fields of every request; what the caller gives wins."""
    error_codes: Mapping[str, failure.Kind] = attrs.field(default=EMPTY, hash=False)
    """The provider's own error codes -> what they mean."""

    def supported_params(self, model: str) -> frozenset[str]:
        """Return exactly the portable parameters that `encode` can carry."""
        return frozenset(name for name in _PARAMS if self._field(name))

    def _field(self, name: str) -> str:
        """Return a parameter's name on the wire, "" where it cannot be carried."""
        if name in self.unsupported:
            return ""
        own = {"dimensions": self.dimensions_field, "input_type": self.input_type_field, "truncate": self.truncate_field}
        return own.get(name, name)

    def encode(self, request: EmbeddingRequest, context: RequestContext) -> WireRequest:
        """Return what to send; raises InvalidRequestError for too many texts, or token lists where only texts are taken."""
        notes = Notes()
        body: dict[str, Any] = {"model": request.model, "input": self._input(request), **self.body}
        for name in _PARAMS:
            value = getattr(request, name)
            if name == "encoding_format":
                value = self._format(value)
            if value is None:
                continue
            field = self._field(name)
            if field:
                body[field] = value
            else:
                notes.drop(name, "the provider does not take it")
        merge_extra(body, request.extra, notes)
        return WireRequest(path=fill_model(self.path, request.model), body=body, warnings=tuple(notes.warnings))

    def _format(self, given: str | None) -> str | None:
        if given is None and self.base64 and "encoding_format" not in self.unsupported:
            given = "base64"
        return given if given is None else self.formats.get(given, given)

    def _input(self, request: EmbeddingRequest) -> Any:
        texts = request.input
        if self.max_batch is not None and len(texts) > self.max_batch:
            raise InvalidRequestError("", f"at most {self.max_batch} texts are taken in one request, got {len(texts)}", param="input")
        if not self.token_input and not all(isinstance(text, str) for text in texts):
            raise InvalidRequestError("", "only texts are taken here, no token numbers", param="input")
        items = [text if isinstance(text, str) else list(text) for text in texts]
        return items[0] if len(items) == 1 and not self.wrap_single else items

    def decode(self, raw: bytes, model: str, request_id: str) -> EmbeddingResponse:
        """Return the vectors in the order of the texts.

        Raises ResponseParsingError where one is missing or comes twice, or the error that the body reports.
        """
        value = parse(raw)
        error = failure.find_failure(value, model=model, codes=self.error_codes)
        if error is not None:
            raise error
        if not is_object(value) or not is_array(value.get("data")):
            raise lacking(raw, "embeddings", model)
        return read_response(value)

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """Return (never raise) the error that a status other than 2xx means."""
        return failure.map_failure(status, headers, body, codes=self.error_codes)


def read_response(value: JSONObject) -> EmbeddingResponse:
    """Read embeddings in OpenAI's shape, such as `EmbeddingResponse.to_dict` writes; raises ResponseParsingError for any other."""
    rows = value.get("data")
    if not is_array(rows) or isinstance(rows, str):
        raise ResponseParsingError("", "the answer holds no embeddings")
    model, identity = value.get("model"), value.get("id")
    extra = {key: item for key, item in value.items() if key not in _KNOWN and item is not None} if value.keys() - _KNOWN else EMPTY
    return EmbeddingResponse(
        vectors=_order(rows),
        model=model if isinstance(model, str) and model else None,
        id=identity if isinstance(identity, str) and identity else None,
        usage=_usage(value.get("usage")),
        extra=extra or EMPTY,
    )


def _usage(value: Any) -> Usage | None:
    """Return the usage; where only the total is given it is the prompt's."""
    usage = read_usage(value if is_object(value) else None)
    if usage is None or usage.prompt_tokens is not None or usage.completion_tokens is not None:
        return usage
    return attrs.evolve(usage, prompt_tokens=usage.total_tokens)


def _order(rows: Sequence[Any]) -> list[Vector]:
    out: list[Vector | None] = [None] * len(rows)
    for position, row in enumerate(rows):
        if not is_object(row):
            raise ResponseParsingError("", f"embedding {position} of the answer is a {type(row).__name__}, not an object")
        index = row.get("index")
        index = index if isinstance(index, int) else position
        if not 0 <= index < len(out) or out[index] is not None:
            raise ResponseParsingError("", f"the answer has {len(rows)} embeddings, but one is numbered {index}, or two are")
        out[index] = _read_vector(row.get("embedding"), index)
    return cast("list[Vector]", out)


def _read_vector(value: Any, index: int) -> Vector:
    """Return the floats as they were parsed, or unpacked from base64 without a copy of each."""
    if isinstance(value, list):
        return cast("list[float]", value)
    if not isinstance(value, str):
        raise ResponseParsingError("", f"embedding {index} of the answer is a {type(value).__name__}, not a vector")
    vector = array.array("f")
    try:
        vector.frombytes(binascii.a2b_base64(value, strict_mode=True))
    except ValueError:
        broken = True
    else:
        broken = False
    if broken:
        raise ResponseParsingError("", f"embedding {index} of the answer is no base64 of 32-bit floats")
    if sys.byteorder == "big":
        vector.byteswap()
    return vector
