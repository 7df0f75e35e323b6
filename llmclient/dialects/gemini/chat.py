"""Google's generateContent and streamGenerateContent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final, Literal

import attrs

from llmclient.dialects.base import ChatDialect, Notes
from llmclient.dialects.gemini import answer, contents, params, problems
from llmclient.dialects.gemini.paths import fill, resource
from llmclient.dialects.gemini.stream import GeminiChatDecoder
from llmclient.dialects.params import lay_over
from llmclient.errors import InvalidRequestError, ProviderError
from llmclient.types.chat import PARAMS, ChatRequest, ChatResponse
from llmclient.types.context import RequestContext, WireRequest

_MERGED: Final = ("generationConfig", "toolConfig")
_NOT_WITH_CACHE: Final = ("systemInstruction", "tools", "toolConfig")


@attrs.frozen(kw_only=True)
class GeminiChat(ChatDialect):
    """Speak Google's generateContent. Each field is a quirk; its default is what the Gemini API does."""

    name: ClassVar[str] = "gemini"

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
    files: str = "https://generativelanguage.googleapis.com/v1beta"
    """The address that names of uploaded files stand under; "" where there are no uploads."""

    unsupported: frozenset[str] = frozenset()
    """Portable parameters that are refused here."""
    schema: Literal["json_schema", "openapi"] = "json_schema"
    """Whether schemas go as JSON Schema (`parametersJsonSchema`, `responseJsonSchema`), or in Google's part of OpenAPI's language."""
    max_stop: int = 5
    """How many stop sequences may be given."""
    call_ids: bool = True
    """Whether ids of calls are taken."""
    result_key: str = "result"
    """Under which name a tool's result goes that is no object."""

    budgets: tuple[tuple[str, int, int], ...] = (
        ("gemini-2.5-pro*", 128, 32_768),
        ("gemini-2.5-flash-lite*", 512, 24_576),
        ("gemini-2.5-flash-image*", 0, 0),
        ("gemini-2.5-*", 0, 24_576),
        ("gemini-robotics-er-1.5*", 0, 24_576),
    )
    """Families that are told how many tokens to think: least and greatest. The first that fits counts; none greatest is no thinking."""
    budgets_off: tuple[str, ...] = ("gemini-2.5-flash*", "gemini-robotics-er-1.5*")
    """Those of them for which 0 turns thinking off, whatever the least is."""
    levels: tuple[tuple[str, tuple[str, ...]], ...] = (
        ("gemini-3-pro*", ("low", "high")),
        ("gemini-3.1-flash-image*", ("minimal", "high")),
        ("gemini-3-flash*", ("minimal", "low", "medium", "high")),
        ("gemini-3.[1-6]-flash*", ("minimal", "low", "medium", "high")),
        ("gemini-flash*-latest", ("minimal", "low", "medium", "high")),
        ("gemini-*-latest", ("low", "medium", "high")),
        ("gemini-[3-9]*", ("low", "medium", "high")),
    )
    """Families that are told how hard to think: their levels, lowest first. The first that fits counts."""
    signed_models: tuple[str, ...] = ("gemini-[3-9]*", "gemini-*-latest")
    """Families that refuse a turn whose first call is not signed."""
    dummy_signature: str = "skip_thought_signature_validator"
    """What stands for the signature of a call that another model made (https://ai.google.dev/gemini-api/docs/thought-signatures)."""
    result_media: tuple[str, ...] = ("gemini-[3-9]*", "gemini-*-latest")
    """Families that take pictures and files within a tool's result; for others they follow in a turn of their own."""

    provider: str = attrs.field(default="", metadata={"quirk": False})
    """Who speaks this dialect; set once by the provider, and noted in what must only go back to it."""

    def supported_params(self, model: str) -> frozenset[str]:
        """Return exactly the portable parameters that `encode` can carry for this model."""
        return frozenset(name for name in PARAMS if params.refusal(self, name, model) is None)

    def encode(self, request: ChatRequest, context: RequestContext) -> WireRequest:
        """Return what to send.

        Raises InvalidRequestError or TransformationError for what the dialect cannot say, and ConfigurationError without a project
        where one is needed.
        """
        notes = Notes()
        system, turns = contents.write(self, request, context, notes)
        body: dict[str, Any] = {"contents": turns}
        if system is not None:
            body["systemInstruction"] = system
        params.write(self, request, body, notes)
        _add_extra(body, request.extra, notes)
        method = "streamGenerateContent" if context.stream else "generateContent"
        return WireRequest(
            path=f"{self.address(request.model, context)}:{method}",
            body=body,
            query={"alt": "sse"} if context.stream else {},
            warnings=tuple(notes.warnings),
            stream=context.stream,
        )

    def address(self, model: str, context: RequestContext) -> str:
        """Return the path of a model."""
        config = context.config
        path = self.express_path if self.express_path and config.api_key and not config.project else self.path
        return fill(path, config, model=resource(model, self.publisher), api_version=self.api_version, region=self.region)

    def decode(self, raw: bytes, model: str, request_id: str) -> ChatResponse:
        """Return the answer in a 2xx body; raises ResponseParsingError, or the error that the body reports."""
        return answer.decode(self, raw, model, request_id)

    def stream(self, model: str, request_id: str) -> GeminiChatDecoder:
        """Return a new decoder for one streamed answer."""
        return GeminiChatDecoder(self, model, request_id)

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """Return (never raise) the error that a status other than 2xx means."""
        return problems.map_failure(status, headers, body)


def _add_extra(body: dict[str, Any], extra: Mapping[str, Any], notes: Notes) -> None:
    """Lay `extra` over the body; the two groups of settings are joined rather than replaced."""
    lay_over(body, extra, _MERGED, notes)
    if body.get("cachedContent"):
        beside = [name for name in _NOT_WITH_CACHE if body.get(name)]
        if beside:
            raise InvalidRequestError("", f"{', '.join(beside)} cannot stand beside cachedContent: the cache holds its own", param="cachedContent")
