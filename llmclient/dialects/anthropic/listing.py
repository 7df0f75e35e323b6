"""Which models a key may use."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, ClassVar, Final, Literal

import attrs

from llmclient.dialects import failure
from llmclient.dialects.anthropic import problems
from llmclient.dialects.bodies import lacking, parse
from llmclient.dialects.listing import ModelList, query_of
from llmclient.dialects.shapes import is_array, is_object
from llmclient.errors import ProviderError
from llmclient.types.context import RequestContext, WireRequest
from llmclient.types.listing import ListedModel, ListModelsRequest, ListModelsResponse
from llmclient.types.messages import EMPTY, JSONObject

_KNOWN: Final = frozenset({"id", "type", "created_at"})


@attrs.frozen(kw_only=True)
class AnthropicModels(ModelList):
    """Ask for the list of models. Each field is a quirk; its default is what Anthropic does."""

    name: ClassVar[str] = "anthropic_models"

    path: str = "/v1/models"
    version: str = "2023-06-01"
    """The API version; the setting `api_version` goes before it."""
    limit: int = 1_000
    """How many models to ask for; the API gives 20 unless asked for more, and at most 1,000."""
    version_in: Literal["header", "none"] = "header"
    """Where the version stands."""
    error_codes: Mapping[str, failure.Kind] = attrs.field(default=EMPTY, hash=False)
    """The provider's own error codes -> what they mean."""

    def encode(self, request: ListModelsRequest, context: RequestContext) -> WireRequest:
        """Return a GET; `extra` goes into the query."""
        query = {"limit": str(self.limit), **query_of(request)}
        headers = {"anthropic-version": context.config.api_version or self.version} if self.version_in == "header" else EMPTY
        return WireRequest(path=self.path, method="GET", headers=headers, query=query)

    def decode(self, raw: bytes, model: str, request_id: str) -> ListModelsResponse:
        """Return the list; raises ResponseParsingError when there is none, or the error that the body reports."""
        value = parse(raw)
        error = problems.of_body(value, model, self.error_codes)
        if error is not None:
            raise error
        rows = value.get("data") if is_object(value) else None
        if not is_array(rows):
            raise lacking(raw, "list of models")
        return ListModelsResponse(models=tuple(_read(row) for row in rows if is_object(row) and isinstance(row.get("id"), str)))

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """Return (never raise) the error that a status other than 2xx means."""
        return problems.of_status(status, headers, body, self.error_codes)


def _read(row: JSONObject) -> ListedModel:
    extra = {key: value for key, value in row.items() if key not in _KNOWN and value is not None}
    return ListedModel(id=row["id"], created=_time(row.get("created_at")), extra=extra or EMPTY)


def _time(value: Any) -> datetime.datetime | None:
    """Return a time as the API writes it; 1970 stands for one that is not known."""
    try:
        moment = datetime.datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return moment.astimezone(datetime.UTC) if moment.timestamp() else None
