"""How many tokens a prompt is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final, Literal

import attrs

from llmclient.dialects import failure
from llmclient.dialects.anthropic import problems
from llmclient.dialects.anthropic.chat import AnthropicMessages
from llmclient.dialects.base import Dialect
from llmclient.dialects.bodies import lacking, parse
from llmclient.dialects.shapes import is_object
from llmclient.errors import ProviderError
from llmclient.types.answer import Warning
from llmclient.types.chat import ChatRequest
from llmclient.types.context import RequestContext, WireRequest
from llmclient.types.messages import EMPTY
from llmclient.types.tokens import CountTokensRequest, CountTokensResponse
from llmclient.types.usage import Usage

_ANSWER: Final = frozenset({"max_tokens", "stop_sequences", "temperature", "top_p", "top_k", "metadata", "service_tier", "stream"})
"""What shapes the answer, and does not count."""
_SERVER_TOOLS: Final = ("web_search_", "web_fetch_", "code_execution_", "tool_search_tool_", "advisor_", "mcp_toolset")


@attrs.frozen(kw_only=True)
class AnthropicCountTokens(Dialect[CountTokensRequest, CountTokensResponse]):
    """Ask for the number of tokens. Each field is a quirk; its default is what Anthropic does."""

    name: ClassVar[str] = "anthropic_count_tokens"

    path: str = "/v1/messages/count_tokens"
    version: str = "2023-06-01"
    """The API version; the setting `api_version` goes before it."""
    version_in: Literal["header", "body"] = "header"
    """Where the version stands."""
    server_tools: bool = False
    """Whether tools that run at the provider can be counted; if not, they are left out, with a warning."""
    error_codes: Mapping[str, failure.Kind] = attrs.field(default=EMPTY, hash=False)
    """The provider's own error codes -> what they mean."""

    provider: str = attrs.field(default="", metadata={"quirk": False})
    """Who speaks this dialect; set once by the provider."""

    def supported_params(self, model: str) -> frozenset[str]:
        """Return the one parameter besides the messages."""
        return frozenset({"tools"})

    @property
    def _chat(self) -> AnthropicMessages:
        return AnthropicMessages(version=self.version, version_in=self.version_in, provider=self.provider)

    def encode(self, request: CountTokensRequest, context: RequestContext) -> WireRequest:
        """Return what to send; raises as a chat does."""
        chat = ChatRequest(model=request.model, messages=request.messages, tools=request.tools, extra=request.extra, headers=request.headers)
        wire = self._chat.encode(chat, context)
        body: dict[str, Any] = {name: value for name, value in wire.body.items() if name not in _ANSWER} if isinstance(wire.body, Mapping) else {}
        warnings = wire.warnings
        if not self.server_tools and "tools" in body:
            warnings += self._leave_out(body)
        return WireRequest(path=self.path, body=body, headers=wire.headers, warnings=warnings)

    def _leave_out(self, body: dict[str, Any]) -> tuple[Warning, ...]:
        """Leave out the tools that the API refuses to count."""
        kinds = [str(tool.get("type")) for tool in body["tools"]]
        gone = [kind for kind in kinds if kind.startswith(_SERVER_TOOLS)]
        body["tools"] = [tool for tool, kind in zip(body["tools"], kinds, strict=True) if not kind.startswith(_SERVER_TOOLS)]
        if not body["tools"]:
            del body["tools"]
            body.pop("tool_choice", None)
        return tuple(Warning("dropped", f"tools.{kind}", f"{kind} was not counted: tools that run at the provider are refused here") for kind in gone)

    def decode(self, raw: bytes, model: str, request_id: str) -> CountTokensResponse:
        """Return the count; raises ResponseParsingError when there is none, or the error that the body reports."""
        value = parse(raw)
        error = problems.of_body(value, model, self.error_codes)
        if error is not None:
            raise error
        count = value.get("input_tokens") if is_object(value) else None
        if not isinstance(count, int):
            raise lacking(raw, "count", model or None)
        return CountTokensResponse(tokens=count, usage=Usage(prompt_tokens=count, total_tokens=count))

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """Return (never raise) the error that a status other than 2xx means."""
        return problems.of_status(status, headers, body, self.error_codes)
