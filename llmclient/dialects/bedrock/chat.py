"""Converse, Amazon Bedrock's API for the models of all vendors, and the quirks of its models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import attrs

from llmclient.dialects import failure
from llmclient.dialects.anthropic import families as claude_families
from llmclient.dialects.anthropic.tools import Names
from llmclient.dialects.base import ChatDialect, Notes
from llmclient.dialects.bedrock import answer, caching, families, params, problems, tools, turns
from llmclient.dialects.bedrock.families import FAMILIES, REGIONS, Family
from llmclient.dialects.bedrock.paths import fill_model
from llmclient.dialects.bedrock.stream import BedrockDecoder
from llmclient.dialects.params import lay_over
from llmclient.errors import ProviderError
from llmclient.types.chat import PARAMS, ChatRequest, ChatResponse
from llmclient.types.context import RequestContext, WireRequest
from llmclient.types.messages import EMPTY

_MERGED: Final = ("inferenceConfig", params.FIELDS)
"""Objects into which `extra` is merged, rather than laid over them."""


@attrs.frozen(kw_only=True)
class BedrockConverse(ChatDialect):
    """Speak Converse. Each field is a quirk; its default is what Amazon Bedrock does."""

    name: ClassVar[str] = "bedrock"

    path: str = "/model/{model}/converse"
    stream_path: str = "/model/{model}/converse-stream"
    """Where to post for a stream."""

    # Which models take what.
    families: tuple[tuple[str, Family], ...] = attrs.field(default=FAMILIES, repr=False)
    """Patterns of model ids, without region, and what these models take; the first that fits counts."""
    region_prefixes: frozenset[str] = attrs.field(default=REGIONS, repr=False)
    """What may stand before a vendor in a model's id; it goes on the wire, and tells nothing of the model."""
    unsupported: frozenset[str] = frozenset()
    """Portable parameters that this provider refuses or ignores."""
    temperature_range: tuple[float, float] = (0.0, 1.0)
    """Least and greatest temperature; others are moved to the nearest, with a warning."""

    # Tools.
    tool_name_max: int = 64
    """The longest name of a tool; longer ones are cut, and restored in answers."""
    tools_with_history: bool = True
    """Whether there must be tools wherever earlier turns hold calls; where none are given, they are declared by name."""

    # Messages.
    blank_text: str = "."
    """What is said where something must be said, since blank text is refused."""
    document_name_max: int = 200
    """The longest name of a document."""
    max_cache_points: int = 4
    """How many cache points are taken."""

    # Failures.
    error_codes: Mapping[str, failure.Kind] = attrs.field(default=EMPTY, hash=False)
    """The provider's own error codes -> what they mean."""

    provider: str = attrs.field(default="", metadata={"quirk": False})
    """Who speaks this dialect; set once by the provider, and noted in what must only go back to it."""
    names: Mapping[str, str] = attrs.field(default=EMPTY, hash=False, metadata={"quirk": False})
    """Names of tools that were changed in this request -> the caller's."""

    def family_of(self, model: str) -> tuple[Family, claude_families.Family]:
        """Return what a model takes, and what it takes as a Claude."""
        name = families.bare(model, self.region_prefixes)
        family = families.family_of(name, self.families)
        return family, families.claude_of(name, family)

    def supported_params(self, model: str) -> frozenset[str]:
        """Return exactly the portable parameters that `encode` can carry for this model."""
        family, claude = self.family_of(model)
        return frozenset(name for name in PARAMS if params.refusal(self, family, claude, name) is None)

    def encode(self, request: ChatRequest, context: RequestContext) -> WireRequest:
        """Return what to send; raises InvalidRequestError for what the dialect cannot say."""
        notes = Notes()
        body, names = self.write(request, context, notes)
        lay_over(body, request.extra, _MERGED, notes)
        return WireRequest(
            path=fill_model(self.stream_path if context.stream else self.path, request.model),
            body=body,
            warnings=tuple(notes.warnings),
            stream=context.stream,
            dialect=attrs.evolve(self, names=names.given) if names.given else None,
        )

    def write(self, request: ChatRequest, context: RequestContext, notes: Notes) -> tuple[dict[str, Any], Names]:
        """Return the body without what `extra` adds, and the names of its tools; raises as `encode` does."""
        family, claude = self.family_of(request.model)
        declared, made_up = tools.known(self, request)
        names = Names(declared, self.tool_name_max)
        system, messages = turns.write(self, family, request.messages, context, names, notes)
        body: dict[str, Any] = {"system": system} if system else {}
        body["messages"] = messages
        config = tools.ToolWriter(self, family, claude, names, notes).write(request, declared, made_up=made_up)
        if config is not None:
            body["toolConfig"] = config
        params.write(self, family, claude, request, body, notes)
        caching.limit(body, self.max_cache_points, notes)
        return body, names

    def decode(self, raw: bytes, model: str, request_id: str) -> ChatResponse:
        """Return the answer in a 2xx body; raises ResponseParsingError, or the error that the body reports."""
        return answer.decode(self, raw, model, request_id)

    def stream(self, model: str, request_id: str) -> BedrockDecoder:
        """Return a new decoder for one streamed answer."""
        return BedrockDecoder(self, model, request_id)

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """Return (never raise) the error that a status other than 2xx means."""
        return problems.of_status(status, headers, body, self.error_codes)
