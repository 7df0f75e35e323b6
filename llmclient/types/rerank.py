"""Reranking: a question and documents in, their order of relevance out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, TypeAlias

import attrs

from llmclient.errors import InvalidRequestError
from llmclient.types import checks
from llmclient.types.answer import Answer
from llmclient.types.media import is_list, is_object
from llmclient.types.messages import EMPTY, JSONObject

Document: TypeAlias = str | JSONObject
"""A text, or an object whose fields are read together."""


@attrs.frozen(kw_only=True)
class RerankRequest:
    """Documents to be put in the order in which they answer a question. None means not given."""

    operation: ClassVar[str] = "rerank"

    model: str
    query: str
    documents: tuple[Document, ...]
    top_n: int | None = None
    """How many of the best to return; None for all."""
    return_documents: bool | None = None
    """Whether each result holds its document."""
    max_tokens_per_doc: int | None = None
    """Documents that are longer are cut there."""
    extra: Mapping[str, Any] = EMPTY
    headers: Mapping[str, str] = attrs.field(default=EMPTY, repr=False)

    def __attrs_post_init__(self) -> None:
        """Raise InvalidRequestError for a value of the wrong type."""
        checks.typed("query", self.query, str, "a str")
        object.__setattr__(self, "documents", _read_documents(self.documents))
        for name in ("top_n", "max_tokens_per_doc"):
            if getattr(self, name) is not None:
                checks.integer(name, getattr(self, name), 1)
        checks.typed("return_documents", self.return_documents, (bool, type(None)), "a bool")
        for name in ("extra", "headers"):
            checks.mapping(name, getattr(self, name))


def _read_documents(value: Any) -> tuple[Document, ...]:
    if not is_list(value):
        raise InvalidRequestError("", f"documents must be a list of texts, got {type(value).__name__}", param="documents")
    for place, document in enumerate(value):
        if not isinstance(document, str) and not is_object(document):
            raise InvalidRequestError("", f"documents[{place}] must be a str or a dict, got {type(document).__name__}", param="documents")
    return tuple(value)


@attrs.frozen
class RerankResult:
    """One document and how well it answers."""

    index: int
    """The document's place in the request, from 0."""
    score: float
    """How relevant it is, on the provider's scale: usually from 0 to 1, and never to be compared between models."""
    document: Document | None = None


@attrs.frozen(kw_only=True)
class RerankResponse(Answer):
    """The documents, the most relevant first; iterating gives the results."""

    results: tuple[RerankResult, ...] = ()
    model: str | None = None
    id: str | None = None
    extra: JSONObject = attrs.field(default=EMPTY, repr=False)

    def __iter__(self) -> Iterator[RerankResult]:
        return iter(self.results)

    def __len__(self) -> int:
        return len(self.results)
