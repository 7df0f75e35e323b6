"""Which models a host serves, in OpenAI's shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import attrs

from llmclient.dialects import failure
from llmclient.dialects.bodies import lacking, parse
from llmclient.dialects.listing import ModelList, query_of
from llmclient.dialects.openai.answer import read_time
from llmclient.dialects.shapes import is_array, is_object
from llmclient.errors import ProviderError
from llmclient.types.context import RequestContext, WireRequest
from llmclient.types.listing import ListedModel, ListModelsRequest, ListModelsResponse
from llmclient.types.messages import EMPTY

_KNOWN: Final = frozenset({"id", "object", "created", "owned_by"})


@attrs.frozen(kw_only=True)
class OpenAIModels(ModelList):
    """Ask for the list of models. Each field is a quirk; its default is what OpenAI does."""

    name: ClassVar[str] = "openai_models"

    path: str = "/models"
    query: Mapping[str, str] = attrs.field(default=EMPTY, hash=False)
    """What narrows the list, such as type=text."""
    list_field: str = "data"
    """Where the list stands in the answer; one that is itself a list is read too."""
    id_field: str = "id"
    """Where a model's id stands in its row."""

    def encode(self, request: ListModelsRequest, context: RequestContext) -> WireRequest:
        """Return a GET; `extra` goes into the query."""
        query = {**self.query, **query_of(request)}
        return WireRequest(path=self.path, method="GET", query=query)

    def decode(self, raw: bytes, model: str, request_id: str) -> ListModelsResponse:
        """Return the list; raises ResponseParsingError when there is none, or the error that the body reports."""
        value = parse(raw)
        error = failure.find_failure(value)
        if error is not None:
            raise error
        rows = value if is_array(value) else value.get(self.list_field) if is_object(value) else None
        if not is_array(rows) or isinstance(rows, str):
            raise lacking(raw, "list of models")
        return ListModelsResponse(models=tuple(listed for row in rows if (listed := self._read(row)) is not None))

    def _read(self, row: Any) -> ListedModel | None:
        if isinstance(row, str):
            return ListedModel(id=row)
        identity = row.get(self.id_field) or row.get("name") if is_object(row) else None
        if not isinstance(identity, str) or not identity:
            return None
        owner = row.get("owned_by")
        extra = {key: item for key, item in row.items() if key not in _KNOWN and key != self.id_field}
        return ListedModel(id=identity, created=read_time(row.get("created")), owned_by=owner if isinstance(owner, str) else None, extra=extra or EMPTY)

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """Return (never raise) the error that a status other than 2xx means."""
        return failure.map_failure(status, headers, body)
