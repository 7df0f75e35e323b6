"""Reranking: a question and documents in, their order of relevance out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, TypeAlias

import attrs

from llmclient.types.answer import Answer
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
