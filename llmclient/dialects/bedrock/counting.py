"""How many tokens a conversation with Converse is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import attrs

from llmclient.dialects import failure
from llmclient.dialects.base import Dialect, Notes
from llmclient.dialects.bedrock import problems
from llmclient.dialects.bedrock.chat import BedrockConverse
from llmclient.dialects.bedrock.families import REGIONS, bare
from llmclient.dialects.bedrock.paths import fill_model
from llmclient.dialects.bodies import parse
from llmclient.dialects.shapes import is_object
from llmclient.errors import ProviderError
from llmclient.types.chat import ChatRequest
from llmclient.types.context import RequestContext, WireRequest
from llmclient.types.messages import EMPTY
from llmclient.types.tokens import CountTokensRequest, CountTokensResponse
from llmclient.types.usage import Usage

_COUNTED: Final = frozenset({"messages", "system", "toolConfig", "additionalModelRequestFields"})
"""What of a conversation counts; the rest shapes the answer."""


@attrs.frozen(kw_only=True)
class BedrockCountTokens(Dialect[CountTokensRequest, CountTokensResponse]):
    """Ask for the number of tokens. Each field is a quirk; its default is what Amazon Bedrock does."""

    name: ClassVar[str] = "bedrock_count_tokens"

    path: str = "/model/{model}/count-tokens"
    region_prefixes: frozenset[str] = REGIONS
    """What is cut from a model's id: only a model can count, no inference profile."""
    error_codes: Mapping[str, failure.Kind] = attrs.field(default=EMPTY, hash=False)
    """The provider's own error codes -> what they mean."""

    provider: str = attrs.field(default="", metadata={"quirk": False})
    """Who speaks this dialect; set once by the provider."""

    def supported_params(self, model: str) -> frozenset[str]:
        """Return the one parameter besides the messages."""
        return frozenset({"tools"})

    def encode(self, request: CountTokensRequest, context: RequestContext) -> WireRequest:
        """Return what to send; raises as a chat does."""
        notes = Notes()
        chat = ChatRequest(model=request.model, messages=request.messages, tools=request.tools)
        body, _ = BedrockConverse(provider=self.provider).write(chat, context, notes)
        body = {name: value for name, value in {**body, **request.extra}.items() if name in _COUNTED}
        path = fill_model(self.path, bare(request.model, self.region_prefixes))
        return WireRequest(path=path, body={"input": {"converse": body}}, warnings=tuple(notes.warnings))

    def decode(self, raw: bytes, model: str, request_id: str) -> CountTokensResponse:
        """Return the count; raises ResponseParsingError when there is none, or the error that the body reports."""
        value: Any = parse(raw)
        count = value.get("inputTokens") if is_object(value) else None
        if not isinstance(count, int):
            raise problems.of_body(value, self.error_codes, model) or problems.unreadable(raw, model, "count of tokens")
        return CountTokensResponse(tokens=count, usage=Usage(prompt_tokens=count, total_tokens=count))

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """Return (never raise) the error that a status other than 2xx means."""
        return problems.of_status(status, headers, body, self.error_codes)
