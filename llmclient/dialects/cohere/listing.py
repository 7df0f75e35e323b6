"""Which models a key may use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import attrs

from llmclient.dialects import failure
from llmclient.dialects.bodies import lacking, parse
from llmclient.dialects.cohere import problems
from llmclient.dialects.listing import ModelList, named_models, query_of
from llmclient.dialects.shapes import is_array, is_object
from llmclient.errors import ProviderError
from llmclient.types.context import RequestContext, WireRequest
from llmclient.types.listing import ListModelsRequest, ListModelsResponse
from llmclient.types.messages import EMPTY


@attrs.frozen(kw_only=True)
class CohereModels(ModelList):
    """Ask for the list of models. Each field is a quirk; its default is what Cohere does."""

    name: ClassVar[str] = "cohere_models"

    path: str = "/v1/models"
    limit: int = 1_000
    """How many models to ask for; the API gives 20 unless asked for more, and at most 1,000."""
    error_codes: Mapping[str, failure.Kind] = attrs.field(default=EMPTY, hash=False)
    """The provider's own error codes -> what they mean."""

    def encode(self, request: ListModelsRequest, context: RequestContext) -> WireRequest:
        """Return a GET; `extra` goes into the query (`endpoint`, `default_only`, …)."""
        query = {"page_size": str(self.limit), **query_of(request)}
        return WireRequest(path=self.path, method="GET", query=query)

    def decode(self, raw: bytes, model: str, request_id: str) -> ListModelsResponse:
        """Return the list; raises ResponseParsingError when there is none, or the error that the body reports."""
        value = parse(raw)
        error = problems.of_body(value, model, self.error_codes)
        if error is not None:
            raise error
        rows = value.get("models") if is_object(value) else None
        if not is_array(rows):
            raise lacking(raw, "list of models")
        return ListModelsResponse(models=named_models(rows))

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """Return (never raise) the error that a status other than 2xx means."""
        return problems.of_status(status, headers, body, self.error_codes)
