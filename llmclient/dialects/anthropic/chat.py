"""Anthropic's Messages API, and the quirks of those who speak it too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final, Literal, Self

import attrs

from llmclient.dialects import failure
from llmclient.dialects.anthropic import answer, caching, families, params, problems, schemas, turns
from llmclient.dialects.anthropic.families import Family
from llmclient.dialects.anthropic.paths import fill_model
from llmclient.dialects.anthropic.stream import AnthropicDecoder
from llmclient.dialects.anthropic.tools import Names
from llmclient.dialects.base import ChatDecoder, ChatDialect, Notes, merge_extra
from llmclient.errors import ProviderError
from llmclient.types.chat import PARAMS, ChatRequest, ChatResponse
from llmclient.types.config import ProviderConfig
from llmclient.types.context import RequestContext, WireRequest
from llmclient.types.messages import EMPTY

BUDGETS: Final[Mapping[str, int]] = {"minimal": 1_024, "low": 2_048, "medium": 8_192, "high": 16_384, "xhigh": 24_576, "max": 24_576}
_SCHEMAS_BETA: Final = "structured-outputs-2025-11-13"


@attrs.frozen(kw_only=True)
class AnthropicMessages(ChatDialect):
    """Speak Anthropic's Messages API. Each field is a quirk; its default is what Anthropic does."""

    name: ClassVar[str] = "anthropic"

    path: str = "/v1/messages"
    """Where to post; with {model} in it the model is left out of the body."""
    stream_path: str = ""
    """Where to post for a stream, if that is elsewhere."""
    version: str = "2023-06-01"
    """The API version; the setting `api_version` goes before it."""
    version_in: Literal["header", "body"] = "header"
    """Where the version and the names of betas stand."""
    version_setting: bool = True
    """Whether the setting `api_version` is meant for this API, and not for another one of the same provider's."""
    stream_in_body: bool = True
    """Whether a stream is asked for in the body."""

    # Which parameters, and how far.
    unsupported: frozenset[str] = frozenset()
    """Portable parameters that this provider refuses or ignores."""
    default_max_tokens: int = 4_096
    """The cap of an answer when none is given, since the API wants one."""
    stream_above: int | None = 21_333
    """A plain answer of more tokens is streamed behind the scenes, as it may outlast the connection; None for never."""
    temperature_range: tuple[float, float] | None = (0.0, 1.0)
    """Least and greatest temperature; others are moved to the nearest, with a warning."""

    # Reasoning.
    thinking: Literal["by_model", "none", "budget", "both", "adaptive"] = "by_model"
    """How thinking is asked for, where the model's name does not tell."""
    budgets: Mapping[str, int] = attrs.field(default=BUDGETS, hash=False)
    """Tokens of thought for an effort, with models that take a budget."""
    unsigned_thinking: bool = False
    """Whether thoughts of earlier turns are taken without a signature."""

    # Structured answers and tools.
    structured: Literal["output_config", "output_format", "none"] = "output_config"
    """Where the schema of an answer stands; `output_format` is the older place, behind a beta."""
    close_schemas: bool = True
    """Whether each object of a schema must say that it has no other properties."""
    schema_drop: frozenset[str] = schemas.REFUSED
    """Keywords of JSON Schema that are refused where answers or calls are held to it; they are left out, with a warning."""
    tool_strict: bool = True
    """Whether calls can be held to their schema."""
    tool_name_max: int = 128
    """The longest name of a tool; longer ones are cut, and restored in answers."""

    # Messages.
    system_turns: Literal["by_model", "never"] = "by_model"
    """Whether a later system message may stay where it is; else it is moved to the system prompt, with a warning."""
    url_sources: bool = True
    """Whether pictures and documents may be addresses."""
    max_cache_marks: int = 4
    """How many `cache_control` marks are taken."""

    # Failures.
    error_codes: Mapping[str, failure.Kind] = attrs.field(default=EMPTY, hash=False)
    """The provider's own error codes -> what they mean."""

    provider: str = attrs.field(default="", metadata={"quirk": False})
    """Who speaks this dialect; set once by the provider, and noted in what must only go back to it."""
    names: Mapping[str, str] = attrs.field(default=EMPTY, hash=False, metadata={"quirk": False})
    """Names of tools that were changed in this request -> the caller's."""

    def family_of(self, model: str) -> Family:
        """Return what a model takes here."""
        family = families.family_of(model)
        return family if self.thinking == "by_model" else attrs.evolve(family, thinking=self.thinking, efforts=())

    def supported_params(self, model: str) -> frozenset[str]:
        """Return exactly the portable parameters that `encode` can carry for this model."""
        family = self.family_of(model)
        return frozenset(name for name in PARAMS if params.refusal(self, family, self.version, name) is None)

    def configured(self, config: ProviderConfig) -> Self:
        """Return the dialect as it is spoken with these settings: the version of the API decides on parameters, too."""
        version = self._version(config)
        return self if version == self.version else attrs.evolve(self, version=version)

    def encode(self, request: ChatRequest, context: RequestContext) -> WireRequest:
        """Return what to send; raises InvalidRequestError for what the dialect cannot say."""
        notes = Notes()
        family, version = self.family_of(request.model), self._version(context.config)
        names = Names(request.tools or (), self.tool_name_max)
        body: dict[str, Any] = {} if "{model}" in self.path else {"model": request.model}
        system, body["messages"] = turns.write(self, family, request.messages, context, names, notes)
        if system is not None:
            body["system"] = system
        params.write(self, family, version, request, names, body, notes)
        caching.limit(body, self.max_cache_marks, notes)
        headers = self._head(version, request.headers, body)
        merge_extra(body, request.extra, notes)
        stream = context.stream or self._is_long(body["max_tokens"])
        if stream and self.stream_in_body:
            body["stream"] = True
        return WireRequest(
            path=fill_model(self.stream_path if stream and self.stream_path else self.path, request.model),
            body=body,
            headers=headers,
            warnings=tuple(notes.warnings),
            stream=stream,
            dialect=attrs.evolve(self, names=names.given) if names.given else None,
        )

    def _version(self, config: ProviderConfig) -> str:
        return config.api_version or self.version if self.version_setting and self.version_in == "header" else self.version

    def _head(self, version: str, given: Mapping[str, str], body: dict[str, Any]) -> Mapping[str, str]:
        """Return the headers of the dialect; where the body takes their place, put them there."""
        betas = [beta.strip() for name, value in given.items() if name.lower() == "anthropic-beta" for beta in value.split(",")]
        if "output_format" in body and _SCHEMAS_BETA not in betas:
            betas.append(_SCHEMAS_BETA)
        if self.version_in == "body":
            body["anthropic_version"] = version
            if betas:
                body["anthropic_beta"] = betas
            return EMPTY
        return {"anthropic-version": version, "anthropic-beta": ",".join(betas)} if betas else {"anthropic-version": version}

    def _is_long(self, max_tokens: Any) -> bool:
        return self.stream_above is not None and isinstance(max_tokens, int) and max_tokens > self.stream_above

    def decode(self, raw: bytes, model: str, request_id: str) -> ChatResponse:
        """Return the answer in a 2xx body; raises ResponseParsingError, or the error that the body reports."""
        return answer.decode(self, raw, model, request_id)

    def stream(self, model: str, request_id: str) -> ChatDecoder:
        """Return a new decoder for one streamed answer."""
        return AnthropicDecoder(self, model, request_id)

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """Return (never raise) the error that a status other than 2xx means."""
        return problems.of_status(status, headers, body, self.error_codes)
