"""Embeddings: texts in, vectors out."""

from __future__ import annotations

import array
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self, TypeAlias

import attrs

from llmclient.errors import ResponseParsingError
from llmclient.types import checks
from llmclient.types.answer import Answer
from llmclient.types.messages import EMPTY, JSONObject

Vector: TypeAlias = "array.array[float] | list[float] | list[int]"


@attrs.frozen(kw_only=True)
class EmbeddingRequest:
    """Texts, or token lists where the provider takes them, to be turned into vectors."""

    operation: ClassVar[str] = "embed"

    model: str
    input: tuple[str | Sequence[int], ...]
    dimensions: int | None = None
    encoding_format: str | None = None
    """"float" or "base64"; None lets the adapter choose what is quickest."""
    input_type: str | None = None
    """What the texts are for, in the provider's words: search_query, search_document, …"""
    truncate: str | None = None
    user: str | None = None
    extra: Mapping[str, Any] = EMPTY
    headers: Mapping[str, str] = attrs.field(default=EMPTY, repr=False)

    def __attrs_post_init__(self) -> None:
        """Read a single text as a list of one; raises InvalidRequestError for a value of the wrong type."""
        object.__setattr__(self, "input", checks.texts("texts", self.input))
        if self.dimensions is not None:
            checks.integer("dimensions", self.dimensions, 1)
        for name in ("encoding_format", "input_type", "truncate", "user"):
            checks.typed(name, getattr(self, name), (str, type(None)), "a str")
        for name in ("extra", "headers"):
            checks.mapping(name, getattr(self, name))


@attrs.frozen(kw_only=True)
class EmbeddingResponse(Answer):
    """One vector for each text, in the order of the request."""

    vectors: list[Vector] = attrs.field(factory=list[Vector], repr=lambda vectors: f"<{len(vectors)} vectors>")
    model: str | None = None
    id: str | None = None
    extra: JSONObject = attrs.field(default=EMPTY, repr=False)

    @property
    def dimensions(self) -> int | None:
        """The length of the vectors, or None if there are none."""
        return len(self.vectors[0]) if self.vectors else None

    def checked(self, provider: str, texts: int) -> Self:
        """Return the response itself; raises ResponseParsingError unless it has one vector for each text, since which is missing cannot be told."""
        if len(self.vectors) != texts:
            message = f"{texts} texts were sent, and {len(self.vectors)} vectors came back"
            raise ResponseParsingError(provider, message, model=self.model, request_id=self.request_id, attempts=self.attempts)
        return self

    def to_dict(self) -> dict[str, Any]:
        """Return the response in OpenAI's shape."""
        data = [{"object": "embedding", "index": index, "embedding": list(vector)} for index, vector in enumerate(self.vectors)]
        return {"object": "list", "model": self.model, "data": data, "usage": None if self.usage is None else self.usage.to_dict()}

    @classmethod
    def from_dict(cls, value: JSONObject) -> EmbeddingResponse:
        """Read a response in OpenAI's shape, such as `to_dict` writes."""
        from llmclient.dialects.openai.embeddings import read_response

        return read_response(value)
