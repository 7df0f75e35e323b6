"""Embeddings on Azure, in OpenAI's words."""

from __future__ import annotations

import attrs

from llmclient.dialects.azure import surface
from llmclient.dialects.openai.embeddings import OpenAIEmbeddings
from llmclient.types.context import RequestContext, WireRequest
from llmclient.types.embeddings import EmbeddingRequest


@attrs.frozen(kw_only=True)
class AzureEmbeddings(OpenAIEmbeddings):
    """Turn texts into vectors by a deployment on Azure. Each field is a quirk; its default is what Azure does."""

    path: str = "/embeddings"
    """Where to post, below the address of the deployment or of the v1 surface."""
    api_version: str = "v1"
    """The version of the API where none is set."""

    def encode(self, request: EmbeddingRequest, context: RequestContext) -> WireRequest:
        """Return what to send; raises InvalidRequestError for too many texts, or token lists where only texts are taken."""
        return surface.place(super().encode(request, context), surface.version_of(context.config, self.api_version), request.model)


@attrs.frozen(kw_only=True)
class FoundryEmbeddings(OpenAIEmbeddings):
    """Turn texts into vectors by a model of Azure AI Foundry. Each field is a quirk; its default is what Foundry does."""

    path: str = "/embeddings"
    """Where to post, below the address of the surface."""
    api_version: str = "2024-05-01-preview"
    """The version of the API where none is set."""
    input_type_field: str = "input_type"
    """The field that says what the texts are for."""

    def encode(self, request: EmbeddingRequest, context: RequestContext) -> WireRequest:
        """Return what to send; raises InvalidRequestError for too many texts, or token lists where only texts are taken."""
        return surface.place_model(super().encode(request, context), context.config, surface.version_of(context.config, self.api_version))
