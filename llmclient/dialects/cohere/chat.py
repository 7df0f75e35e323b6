"""Cohere's chat API, version 2."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any, ClassVar, Final

import attrs

from llmclient.dialects import failure
from llmclient.dialects.base import ChatDialect, Notes, merge_extra
from llmclient.dialects.cohere import answer, messages, params, problems
from llmclient.dialects.cohere.stream import CohereDecoder
from llmclient.errors import ProviderError
from llmclient.types.chat import PARAMS, ChatRequest, ChatResponse
from llmclient.types.context import RequestContext, WireRequest
from llmclient.types.messages import EMPTY

BUDGETS: Final[Mapping[str, int]] = {"minimal": 512, "low": 2_048, "medium": 8_192, "high": 16_384}


@attrs.frozen(kw_only=True)
class CohereChat(ChatDialect):
    """Speak Cohere's chat API, version 2. Each field is a quirk; its default is what Cohere does."""

    name: ClassVar[str] = "cohere"

    path: str = "/v2/chat"
    unsupported: frozenset[str] = frozenset()
    """Portable parameters that this provider refuses or ignores."""
    max_stop: int = 5
    """How many stop sequences may be given."""
    top_p_range: tuple[float, float] | None = (0.01, 0.99)
    """Least and greatest `p`; others are moved to the nearest, with a warning."""
    top_k_range: tuple[float, float] | None = (0, 500)
    """Least and greatest `k`, likewise."""
    penalty_range: tuple[float, float] | None = (0.0, 1.0)
    """Least and greatest frequency and presence penalty, likewise."""
    reasoning_models: tuple[str, ...] = ("command-a-reasoning*", "command-a-plus*", "north-*")
    """Families that may be told how much to think by an effort."""
    budgets: Mapping[str, int] = attrs.field(default=BUDGETS, hash=False)
    """Tokens of thought for an effort; efforts above these think without a bound."""
    error_codes: Mapping[str, failure.Kind] = attrs.field(default=EMPTY, hash=False)
    """The provider's own error codes -> what they mean."""

    provider: str = attrs.field(default="", metadata={"quirk": False})
    """Who speaks this dialect; set once by the provider, and noted in what must only go back to it."""

    def reasons(self, model: str) -> bool:
        """Return whether a model can be told how much to think."""
        return any(fnmatchcase(model, pattern) for pattern in self.reasoning_models)

    def supported_params(self, model: str) -> frozenset[str]:
        """Return exactly the portable parameters that `encode` can carry for this model."""
        return frozenset(name for name in PARAMS if params.refusal(self, name, model) is None)

    def encode(self, request: ChatRequest, context: RequestContext) -> WireRequest:
        """Return what to send; raises InvalidRequestError for what the dialect cannot say."""
        notes = Notes()
        body: dict[str, Any] = {"model": request.model, "messages": messages.write(self, request.messages, context, notes)}
        params.write(self, request, body, notes)
        merge_extra(body, request.extra, notes)
        if context.stream:
            body["stream"] = True
        return WireRequest(path=self.path, body=body, warnings=tuple(notes.warnings), stream=context.stream)

    def decode(self, raw: bytes, model: str, request_id: str) -> ChatResponse:
        """Return the answer in a 2xx body; raises ResponseParsingError, or the error that the body reports."""
        return answer.decode(self, raw, model, request_id)

    def stream(self, model: str, request_id: str) -> CohereDecoder:
        """Return a new decoder for one streamed answer."""
        return CohereDecoder(self, model, request_id)

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """Return (never raise) the error that a status other than 2xx means."""
        return problems.of_status(status, headers, body, self.error_codes)
