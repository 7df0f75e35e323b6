"""Ollama's own chat API, which streams lines of JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import attrs

from llmclient.dialects import failure
from llmclient.dialects.base import ChatDialect, Notes
from llmclient.dialects.ollama import answer, messages, params
from llmclient.dialects.ollama.stream import OllamaDecoder
from llmclient.dialects.params import lay_over
from llmclient.errors import ProviderError
from llmclient.types.chat import PARAMS, ChatRequest, ChatResponse
from llmclient.types.context import RequestContext, WireRequest
from llmclient.types.messages import EMPTY


@attrs.frozen(kw_only=True)
class OllamaChat(ChatDialect):
    """Speak Ollama's own chat API. Each field is a quirk; its default is what Ollama does."""

    name: ClassVar[str] = "ollama"

    path: str = "/api/chat"
    unsupported: frozenset[str] = frozenset()
    """Portable parameters that this provider refuses or ignores."""
    efforts: tuple[str, ...] = ("low", "medium", "high", "max")
    """How hard a model may be told to think, lowest first; models without levels take any of them for yes."""
    error_codes: Mapping[str, failure.Kind] = attrs.field(default=EMPTY, hash=False)
    """The provider's own error codes -> what they mean."""

    provider: str = attrs.field(default="", metadata={"quirk": False})
    """Who speaks this dialect; set once by the provider, and noted in what must only go back to it."""

    def supported_params(self, model: str) -> frozenset[str]:
        """Return exactly the portable parameters that `encode` can carry for this model."""
        return frozenset(name for name in PARAMS if params.refusal(self, name) is None)

    def encode(self, request: ChatRequest, context: RequestContext) -> WireRequest:
        """Return what to send; raises InvalidRequestError for what the dialect cannot say.

        `extra` carries the server's own fields, such as `keep_alive`; its `options` are joined with those of the portable parameters.
        """
        notes = Notes()
        body: dict[str, Any] = {"model": request.model, "messages": messages.write(self, request.messages, context, notes), "stream": context.stream}
        params.write(self, request, body, notes)
        lay_over(body, request.extra, ("options",), notes)
        # The server streams unless told not to.
        body["stream"] = context.stream
        return WireRequest(path=self.path, body=body, warnings=tuple(notes.warnings), stream=context.stream)

    def decode(self, raw: bytes, model: str, request_id: str) -> ChatResponse:
        """Return the answer in a 2xx body; raises ResponseParsingError, or the error that the body reports."""
        return answer.decode(self, raw, model, request_id)

    def stream(self, model: str, request_id: str) -> OllamaDecoder:
        """Return a new decoder for one streamed answer."""
        return OllamaDecoder(self, model, request_id)

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """Return (never raise) the error that a status other than 2xx means."""
        return failure.map_failure(status, headers, body, codes=self.error_codes)
