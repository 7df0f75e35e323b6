"""Chat on Azure, in OpenAI's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, Self

import attrs

from llmclient.dialects.azure import surface
from llmclient.dialects.openai.chat import OpenAIChat
from llmclient.types.chat import ChatRequest
from llmclient.types.context import RequestContext, WireRequest

_SECOND: Final = "2024-09-01"
"""The version that brought max_completion_tokens and stream_options."""
_FORCED: Final = "2024-06-01"
"""The version that brought the tool choice `required`."""
_EXTRA: Final = "extra-parameters"
_KNOWN: Final = frozenset(
    """
    model messages frequency_penalty stream stream_options presence_penalty temperature top_p max_tokens response_format stop tools tool_choice seed
    """.split()
)
"""The fields that Foundry itself knows; it passes others on to the model only when it is told to."""


@attrs.frozen(kw_only=True)
class AzureChat(OpenAIChat):
    """Speak OpenAI's chat completions with a deployment on Azure. Each field is a quirk; its default is what Azure does.

    A deployment's name hides its model, and models differ in what they take: the cap is called `max_completion_tokens`, unless the
    name, or the model that the option `deployments` gives for it, is one of those that an adapter knows to want `max_tokens`.
    """

    path: str = "/chat/completions"
    """Where to post, below the address of the deployment or of the v1 surface."""
    api_version: str = "v1"
    """The version of the API where none is set."""
    parts: frozenset[str] = frozenset({"text", "image", "audio", "refusal"})
    """The kinds of content parts that are taken; documents are not."""

    def encode(self, request: ChatRequest, context: RequestContext) -> WireRequest:
        """Return what to send; raises InvalidRequestError or TransformationError for what the dialect cannot say."""
        version = surface.version_of(context.config, self.api_version)
        wire = OpenAIChat.encode(self._aged(version), request, context)
        return surface.place(wire, version, request.model)

    def _aged(self, version: str) -> Self:
        """Return the dialect as an old version of the API speaks it."""
        if not surface.is_dated(version) or version >= _SECOND:
            return self
        required = self.tool_choice_required if version >= _FORCED else "unsupported"
        return attrs.evolve(self, max_tokens_field="max_tokens", stream_options=False, tool_choice_required=required)


@attrs.frozen(kw_only=True)
class FoundryChat(OpenAIChat):
    """Speak Azure AI Foundry's chat completions, which are OpenAI's. Each field is a quirk; its default is what Foundry does."""

    path: str = "/chat/completions"
    """Where to post, below the address of the surface."""
    api_version: str = "2024-05-01-preview"
    """The version of the API where none is set."""
    max_tokens_field: Literal["max_completion_tokens", "max_tokens"] = "max_tokens"
    """The field that caps the whole answer; models of OpenAI that reason want the other."""
    parts: frozenset[str] = frozenset({"text", "image", "audio", "refusal"})
    """The kinds of content parts that are taken; documents are not."""
    pass_through: bool = True
    """Whether fields that Foundry does not know reach the model only with the header `extra-parameters: pass-through`."""

    def encode(self, request: ChatRequest, context: RequestContext) -> WireRequest:
        """Return what to send; raises InvalidRequestError or TransformationError for what the dialect cannot say."""
        version = surface.version_of(context.config, self.api_version)
        wire = super().encode(request, context)
        if self.pass_through and surface.is_dated(version) and self._says_more(wire.body) and not _is_told(request.headers, context.config.headers):
            wire = attrs.evolve(wire, headers={**wire.headers, _EXTRA: "pass-through"})
        return surface.place_model(wire, context.config, version)

    def _says_more(self, body: Any) -> bool:
        return not body.keys() <= _KNOWN


def _is_told(*headers: Mapping[str, str]) -> bool:
    return any(name.lower() == _EXTRA for given in headers for name in given)
