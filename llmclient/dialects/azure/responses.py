"""The Responses API on Azure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from llmclient.dialects.azure import surface
from llmclient.dialects.responses.chat import OpenAIResponses
from llmclient.types.chat import ChatRequest
from llmclient.types.context import RequestContext, WireRequest


@attrs.frozen(kw_only=True)
class AzureResponses(OpenAIResponses):
    """Speak OpenAI's Responses API with a deployment on Azure. Each field is a quirk; its default is what Azure does."""

    path: str = "/responses"
    """Where to post, below the address of the resource or of the v1 surface."""
    api_version: str = "v1"
    """The version of the API where none is set."""

    def encode(self, request: ChatRequest, context: RequestContext) -> WireRequest:
        """Return what to send; raises InvalidRequestError for what the dialect cannot say."""
        model = surface.model_of(context.config, request.model)
        wire = super().encode(request if model == request.model else attrs.evolve(request, model=model), context)
        if model != request.model and "model" not in request.extra:
            body: Mapping[str, Any] = wire.body if isinstance(wire.body, Mapping) else {}
            wire = attrs.evolve(wire, body={**body, "model": request.model})
        return surface.place(wire, surface.version_of(context.config, self.api_version))
