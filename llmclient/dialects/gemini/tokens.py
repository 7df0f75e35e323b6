"""How long a prompt is, as Google counts it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import attrs

from llmclient.dialects.base import Dialect, Notes, merge_extra
from llmclient.dialects.bodies import lacking, parse
from llmclient.dialects.gemini import problems
from llmclient.dialects.gemini.chat import GeminiChat
from llmclient.dialects.gemini.paths import resource
from llmclient.dialects.shapes import is_object
from llmclient.errors import ProviderError
from llmclient.types.chat import ChatRequest
from llmclient.types.context import RequestContext, WireRequest
from llmclient.types.messages import EMPTY
from llmclient.types.tokens import CountTokensRequest, CountTokensResponse

_KNOWN: Final = frozenset({"totalTokens", "cachedContentTokenCount"})


@attrs.frozen(kw_only=True)
class GeminiCountTokens(Dialect[CountTokensRequest, CountTokensResponse]):
    """Count the tokens of a prompt. Each field is a quirk; its default is what the Gemini API does."""

    name: ClassVar[str] = "gemini_count_tokens"

    path: str = "/{api_version}/{model}"
    """The path of a model, to which the method is added."""
    express_path: str = ""
    """The path with an API key and no project; "" where a key is all there is anyway."""
    api_version: str = "v1beta"
    """The version of the API unless the settings name another."""
    region: str = ""
    """Where requests go when the settings name no region."""
    publisher: str = ""
    """Whose models those without a publisher are; "" where models have none."""
    wrap: bool = True
    """Whether system message and tools are only taken within a whole request, under `generateContentRequest`."""

    provider: str = attrs.field(default="", metadata={"quirk": False})

    def supported_params(self, model: str) -> frozenset[str]:
        """Return what counts besides the messages."""
        return frozenset({"tools"})

    def encode(self, request: CountTokensRequest, context: RequestContext) -> WireRequest:
        """Return what to send; raises as a chat with the same messages does."""
        chat = GeminiChat(
            path=self.path,
            express_path=self.express_path,
            api_version=self.api_version,
            region=self.region,
            publisher=self.publisher,
            provider=self.provider,
        )
        asked = ChatRequest(model=request.model, messages=request.messages, tools=request.tools)
        wire = chat.encode(asked, attrs.evolve(context, stream=False))
        body: dict[str, Any] = dict(wire.body) if isinstance(wire.body, Mapping) else {}
        if self.wrap and body.keys() - {"contents"}:
            body = {"generateContentRequest": {"model": resource(request.model, self.publisher), **body}}
        notes = Notes()
        notes.warnings += wire.warnings
        merge_extra(body, request.extra, notes)
        path = f"{chat.address(request.model, context)}:countTokens"
        return WireRequest(path=path, body=body, warnings=tuple(notes.warnings))

    def decode(self, raw: bytes, model: str, request_id: str) -> CountTokensResponse:
        """Return the count; raises ResponseParsingError when there is none, or the error that the body reports."""
        value = parse(raw)
        error = problems.find_failure(value, model)
        if error is not None:
            raise error
        tokens = value.get("totalTokens") if is_object(value) else None
        if not is_object(value) or not isinstance(tokens, int):
            raise lacking(raw, "count of tokens", model)
        cached = value.get("cachedContentTokenCount")
        extra = {key: item for key, item in value.items() if key not in _KNOWN}
        return CountTokensResponse(tokens=tokens, cached_tokens=cached if isinstance(cached, int) else None, extra=extra or EMPTY)

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """Return (never raise) the error that a status other than 2xx means."""
        return problems.map_failure(status, headers, body)
