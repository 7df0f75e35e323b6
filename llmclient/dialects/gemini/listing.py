"""Which models Google lists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import attrs

from llmclient.dialects.bodies import lacking, parse
from llmclient.dialects.gemini import problems
from llmclient.dialects.gemini.paths import bare, fill
from llmclient.dialects.listing import ModelList, query_of
from llmclient.dialects.shapes import is_array, is_object
from llmclient.errors import ProviderError
from llmclient.types.context import RequestContext, WireRequest
from llmclient.types.listing import ListedModel, ListModelsRequest, ListModelsResponse
from llmclient.types.messages import EMPTY

_LISTS: Final = ("models", "publisherModels", "tunedModels")


@attrs.frozen(kw_only=True)
class GeminiModels(ModelList):
    """Ask for the list of models. Each field is a quirk; its default is what the Gemini API does."""

    name: ClassVar[str] = "gemini_models"

    path: str = "/{api_version}/models"
    api_version: str = "v1beta"
    """The version of the API unless the settings name another."""
    page_size: int | None = 1_000
    """How many models to ask for at once, the most that there may be; None not to say."""

    def encode(self, request: ListModelsRequest, context: RequestContext) -> WireRequest:
        """Return a GET; `extra` goes into the query."""
        query = {} if self.page_size is None else {"pageSize": str(self.page_size)}
        query |= query_of(request)
        return WireRequest(path=fill(self.path, context.config, api_version=self.api_version), method="GET", query=query)

    def decode(self, raw: bytes, model: str, request_id: str) -> ListModelsResponse:
        """Return the list, ids without their folder; raises ResponseParsingError when there is none, or the error that the body reports."""
        value = parse(raw)
        error = problems.find_failure(value, model)
        if error is not None:
            raise error
        rows = next((value[name] for name in _LISTS if is_array(value.get(name))), None) if is_object(value) else None
        if rows is None and value != {}:
            raise lacking(raw, "list of models")
        return ListModelsResponse(models=tuple(listed for row in rows or () if (listed := _read(row)) is not None))

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """Return (never raise) the error that a status other than 2xx means."""
        return problems.map_failure(status, headers, body)


def _read(row: Any) -> ListedModel | None:
    name = row.get("name") if is_object(row) else None
    if not isinstance(name, str) or not bare(name):
        return None
    identity = name if name.startswith("tunedModels/") else bare(name)
    return ListedModel(id=identity, extra={key: item for key, item in row.items() if key != "name"} or EMPTY)
