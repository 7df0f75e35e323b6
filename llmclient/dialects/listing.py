"""What lists of models have in common."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs

from llmclient.dialects.base import Dialect
from llmclient.dialects.shapes import is_object
from llmclient.types.context import RequestContext, WireRequest
from llmclient.types.listing import ListedModel, ListModelsRequest, ListModelsResponse


@attrs.frozen(kw_only=True)
class ModelList(Dialect[ListModelsRequest, ListModelsResponse]):
    """Ask for the list of models, which takes no parameters."""

    def supported_params(self, model: str) -> frozenset[str]:
        """Return the empty set: listing takes no parameters."""
        return frozenset()

    def encode(self, request: ListModelsRequest, context: RequestContext) -> WireRequest:
        """Return a GET; `extra` goes into the query."""
        return WireRequest(path=self.path, method="GET", query=query_of(request))


def query_of(request: ListModelsRequest) -> dict[str, str]:
    """Return what a request adds to the query."""
    return {name: str(value) for name, value in request.extra.items()}


def named_models(rows: Iterable[Any]) -> tuple[ListedModel, ...]:
    """Return the models of rows whose id stands in `name`; what has none is no model."""
    named = [row for row in rows if is_object(row) and isinstance(row.get("name"), str)]
    extras = [{key: item for key, item in row.items() if key != "name" and item is not None} for row in named]
    return tuple(ListedModel(id=row["name"], extra=extra) for row, extra in zip(named, extras, strict=True))
