"""How many tokens a conversation would be, as its provider counts them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import attrs

from llmclient.types.answer import Answer
from llmclient.types.messages import EMPTY, JSONObject, Message, Tool


@attrs.frozen(kw_only=True)
class CountTokensRequest:
    """Ask how long a prompt is, without an answer to it."""

    operation: ClassVar[str] = "count_tokens"

    model: str
    messages: tuple[Message, ...]
    tools: tuple[Tool | JSONObject, ...] | None = None
    extra: Mapping[str, Any] = EMPTY
    headers: Mapping[str, str] = attrs.field(default=EMPTY, repr=False)


@attrs.frozen(kw_only=True)
class CountTokensResponse(Answer):
    """The length of a prompt."""

    tokens: int
    """All of it: messages, system message and tools."""
    cached_tokens: int | None = None
    """How many of them come from a cache, where the provider says so."""
    extra: JSONObject = attrs.field(default=EMPTY, repr=False)
    """Fields of the provider's own, such as counts by kind of content."""

    def __int__(self) -> int:
        return self.tokens
