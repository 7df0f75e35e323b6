"""Cohere's reranking, version 2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import attrs

from llmclient.dialects import failure
from llmclient.dialects.base import Dialect, Notes, merge_extra
from llmclient.dialects.bodies import lacking, parse
from llmclient.dialects.cohere import problems
from llmclient.dialects.cohere.usage import read_billed
from llmclient.dialects.shapes import is_array, is_object
from llmclient.errors import InvalidRequestError, ProviderError, ResponseParsingError
from llmclient.types.context import RequestContext, WireRequest
from llmclient.types.messages import EMPTY
from llmclient.types.rerank import Document, RerankRequest, RerankResponse, RerankResult
from llmclient.wire import jsons

_KNOWN: Final = frozenset({"id", "results", "model"})


@attrs.frozen(kw_only=True)
class CohereRerank(Dialect[RerankRequest, RerankResponse]):
    """Put documents in the order in which they answer a question. Each field is a quirk; its default is what Cohere does."""

    name: ClassVar[str] = "cohere_rerank"

    path: str = "/v2/rerank"
    objects: bool = False
    """Whether documents may be objects, as in the API's first version; else they are written as lines of fields."""
    returns_documents: bool = False
    """Whether the API can be asked to return the documents; else they are filled in from the request."""
    error_codes: Mapping[str, failure.Kind] = attrs.field(default=EMPTY, hash=False)
    """The provider's own error codes -> what they mean."""

    sent: tuple[Document, ...] = attrs.field(default=(), hash=False, metadata={"quirk": False})
    """The documents to be filled into the answer."""
    expected: int | None = attrs.field(default=None, metadata={"quirk": False})
    """How many documents were sent; None if that is not known."""

    def supported_params(self, model: str) -> frozenset[str]:
        """Return exactly the portable parameters that `encode` can carry."""
        return frozenset({"top_n", "return_documents", "max_tokens_per_doc"})

    def encode(self, request: RerankRequest, context: RequestContext) -> WireRequest:
        """Return what to send; raises InvalidRequestError when there is no document."""
        notes = Notes()
        if not request.documents:
            raise InvalidRequestError("", "documents is empty; pass at least one document", param="documents")
        body: dict[str, Any] = {"model": request.model, "query": request.query, "documents": [self._write(one, notes) for one in request.documents]}
        for name in ("top_n", "max_tokens_per_doc"):
            value = getattr(request, name)
            if value is not None:
                body[name] = value
        if self.returns_documents and request.return_documents is not None:
            body["return_documents"] = request.return_documents
        merge_extra(body, request.extra, notes)
        sent = request.documents if request.return_documents and not self.returns_documents else ()
        dialect = attrs.evolve(self, sent=sent, expected=len(request.documents))
        return WireRequest(path=self.path, body=body, warnings=tuple(notes.warnings), dialect=dialect)

    def _write(self, document: Document, notes: Notes) -> Document:
        if self.objects or isinstance(document, str):
            return document
        if document.keys() == {"text"} and isinstance(document["text"], str):
            return document["text"]
        if all(warning.param != "documents" for warning in notes.warnings):
            notes.move("documents", "were written as lines of fields: only texts are taken here")
        return "\n".join(f"{key}: {item if isinstance(item, str) else jsons.dumps(item).decode()}" for key, item in document.items())

    def decode(self, raw: bytes, model: str, request_id: str) -> RerankResponse:
        """Return the documents in their order.

        Raises ResponseParsingError for a result without a place or a score, or the error that the body reports.
        """
        value = parse(raw)
        error = problems.of_body(value, model, self.error_codes)
        if error is not None:
            raise error
        rows = value.get("results") if is_object(value) else None
        if not is_object(value) or not is_array(rows):
            raise lacking(raw, "results", model)
        identity, answered = value.get("id"), value.get("model")
        return RerankResponse(
            results=tuple(self._read(row, model) for row in rows),
            id=identity if isinstance(identity, str) and identity else None,
            model=answered if isinstance(answered, str) and answered else None,
            usage=read_billed(value),
            extra={key: item for key, item in value.items() if key not in _KNOWN and item is not None} or EMPTY,
        )

    def _read(self, row: Any, model: str) -> RerankResult:
        index, score = (row.get("index"), row.get("relevance_score")) if is_object(row) else (None, None)
        if not isinstance(index, int) or not isinstance(score, (int, float)) or index < 0 or (self.expected is not None and index >= self.expected):
            raise ResponseParsingError("", f"a result of the answer is not understood: {str(row)[:200]}", model=model)
        document = row.get("document")
        if document is None and self.sent:
            document = self.sent[index]
        return RerankResult(index, float(score), document if isinstance(document, str) or is_object(document) else None)

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """Return (never raise) the error that a status other than 2xx means."""
        return problems.of_status(status, headers, body, self.error_codes)
