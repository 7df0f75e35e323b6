"""Filling in the middle: a model of code continues a text, or writes what belongs between it and a suffix."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import attrs

from llmclient.dialects.mistral.chat import MistralChat
from llmclient.errors import InvalidRequestError
from llmclient.types.chat import ChatRequest
from llmclient.types.context import RequestContext, WireRequest
from llmclient.types.messages import Message, Text

_TAKEN: Final = frozenset({"temperature", "top_p", "max_tokens", "stop", "seed", "metadata", "prompt_cache_key"})


@attrs.frozen(kw_only=True)
class MistralFIM(MistralChat):
    """Complete code. The one message is what stands before; what stands behind goes through `extra={"suffix": …}`."""

    name: ClassVar[str] = "mistral_fim"

    path: str = "/fim/completions"
    allow: frozenset[str] | None = _TAKEN
    """The only portable parameters that it takes."""

    def encode(self, request: ChatRequest, context: RequestContext) -> WireRequest:
        """Return what to send; raises InvalidRequestError unless there is one message, the user's, made of text."""
        prompt = _prompt(request.messages)
        wire = super().encode(request, context)
        body: Mapping[str, Any] = wire.body if isinstance(wire.body, Mapping) else {}
        return attrs.evolve(wire, body={"prompt" if key == "messages" else key: prompt if key == "messages" else value for key, value in body.items()})


def _prompt(messages: tuple[Message, ...]) -> str:
    if len(messages) != 1 or messages[0].role != "user" or not all(isinstance(part, Text) for part in messages[0].parts):
        raise InvalidRequestError("", "code is completed after one user message made of text; there may be nothing else", param="messages")
    return messages[0].text
