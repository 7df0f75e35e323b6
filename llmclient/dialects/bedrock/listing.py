"""Which models Amazon Bedrock has in a region; its control plane has an address of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import attrs

from llmclient.dialects import failure
from llmclient.dialects.bedrock import problems
from llmclient.dialects.bodies import parse
from llmclient.dialects.listing import ModelList
from llmclient.dialects.shapes import is_array, is_object
from llmclient.errors import ProviderError
from llmclient.types.listing import ListedModel, ListModelsResponse
from llmclient.types.messages import EMPTY


@attrs.frozen(kw_only=True)
class BedrockModels(ModelList):
    """Ask for the list of foundation models. Each field is a quirk; its default is what Amazon Bedrock does.

    `extra`, such as byProvider and byInferenceType, goes into the query.
    """

    name: ClassVar[str] = "bedrock_models"

    path: str = "/foundation-models"
    base_url: str | None = "https://bedrock.{region}.amazonaws.com"
    """The address of the control plane."""
    error_codes: Mapping[str, failure.Kind] = attrs.field(default=EMPTY, hash=False)
    """The provider's own error codes -> what they mean."""

    def decode(self, raw: bytes, model: str, request_id: str) -> ListModelsResponse:
        """Return the list; raises ResponseParsingError when there is none, or the error that the body reports."""
        value = parse(raw)
        rows = value.get("modelSummaries") if is_object(value) else None
        if not is_array(rows):
            raise problems.of_body(value, self.error_codes, model) or problems.unreadable(raw, model, "list of models")
        return ListModelsResponse(models=tuple(listed for row in rows if (listed := _read(row)) is not None))

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """Return (never raise) the error that a status other than 2xx means."""
        return problems.of_status(status, headers, body, self.error_codes)


def _read(row: Any) -> ListedModel | None:
    identity = row.get("modelId") if is_object(row) else None
    if not isinstance(identity, str) or not identity:
        return None
    owner = row.get("providerName")
    extra = {key: item for key, item in row.items() if key not in ("modelId", "providerName")}
    return ListedModel(id=identity, owned_by=owner if isinstance(owner, str) else None, extra=extra or EMPTY)
