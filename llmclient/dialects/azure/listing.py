"""Which models an Azure resource could deploy."""

from __future__ import annotations

import attrs

from llmclient.dialects.azure import surface
from llmclient.dialects.openai.listing import OpenAIModels
from llmclient.types.context import RequestContext, WireRequest
from llmclient.types.listing import ListModelsRequest


@attrs.frozen(kw_only=True)
class AzureModels(OpenAIModels):
    """Ask for the models that a resource offers; its deployments are not among them."""

    path: str = "/models"
    """Where to ask, below the address of the resource or of the v1 surface."""
    api_version: str = "v1"
    """The version of the API where none is set."""

    def encode(self, request: ListModelsRequest, context: RequestContext) -> WireRequest:
        """Return a GET; `extra` goes into the query."""
        return surface.place(super().encode(request, context), surface.version_of(context.config, self.api_version))
