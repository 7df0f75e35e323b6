"""What every answer has, whatever the operation: where it came from, what was sent, what it cost."""

from __future__ import annotations

import decimal
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import attrs

from llmclient.errors import Attempt
from llmclient.types.usage import Usage
from llmclient.wire import jsons

if TYPE_CHECKING:
    from llmclient.models import ModelInfo
    from llmclient.types.limits import RateLimits

WarningKind: TypeAlias = Literal["dropped", "renamed", "clamped", "moved", "unknown_field"]


@attrs.frozen
class Warning:
    """Something in the request did not go out as it was given, or something in the answer was not understood."""

    kind: WarningKind
    param: str
    message: str


@attrs.frozen
class Sent:
    """The request as it went out; secret headers are masked."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None = attrs.field(repr=lambda body: "None" if body is None else f"<{len(body)} bytes>")

    def json(self) -> Any:
        """Return the body that was sent, parsed; raises ValueError if it is no JSON."""
        return None if self.body is None else jsons.loads(self.body)


@attrs.frozen(kw_only=True)
class Meta:
    """How an answer came about; filled in by the provider, after the dialect has decoded the answer."""

    provider: str = ""
    request_id: str | None = None
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str], repr=False)
    raw: bytes = attrs.field(default=b"", repr=False)
    attempts: tuple[Attempt, ...] = ()
    request: Sent | None = None
    warnings: tuple[Warning, ...] = ()
    model_info: ModelInfo | None = attrs.field(default=None, repr=False)


NO_META: Final = Meta()


@attrs.frozen(kw_only=True)
class Answer:
    """The base of all responses."""

    usage: Usage | None = None
    notes: tuple[Warning, ...] = attrs.field(default=(), repr=False)
    """What the dialect noticed while it decoded the answer; part of `warnings`."""
    meta: Meta = attrs.field(default=NO_META, repr=False, eq=False)

    @property
    def provider(self) -> str:
        """The name of the provider (or of the instance) that answered."""
        return self.meta.provider

    @property
    def request_id(self) -> str | None:
        """The provider's id of this request, from the response headers."""
        return self.meta.request_id

    @property
    def headers(self) -> Mapping[str, str]:
        """The response headers, looked up in any case."""
        return self.meta.headers

    @property
    def rate_limits(self) -> RateLimits | None:
        """How many requests and tokens are left to the key, from the response headers; None where they say nothing of it."""
        from llmclient.dialects.limits import read_limits  # here, since most callers never ask

        return read_limits(self.meta.headers)

    @property
    def raw(self) -> bytes:
        """The body as it came, decompressed; for a stream, b""."""
        return self.meta.raw

    def json(self) -> Any:
        """Return the body parsed; raises ValueError when it is no JSON, as after a stream."""
        return jsons.loads(self.meta.raw)

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """Every try, the successful one last."""
        return self.meta.attempts

    @property
    def request(self) -> Sent | None:
        """What was sent, with secrets masked; None where it was not kept."""
        return self.meta.request

    @property
    def warnings(self) -> tuple[Warning, ...]:
        """What was dropped, renamed, clamped or not understood, in the order of the request."""
        return self.meta.warnings + self.notes if self.notes else self.meta.warnings

    @property
    def cost(self) -> decimal.Decimal | None:
        """US dollars, never rounded; None when a price or count is unknown (`cost_note` says which)."""
        return self._costing[0]

    @property
    def cost_note(self) -> str | None:
        """Why `cost` is None, or that it was reported by the provider; None when it was computed from the price list."""
        return self._costing[1]

    @property
    def _costing(self) -> tuple[decimal.Decimal | None, str | None]:
        from llmclient import models  # here, since an answer is made without the price arithmetic

        return models.explain_cost(self.meta.model_info, self.usage)


def attach(answer: Answer, meta: Meta) -> None:
    """Complete an answer that has not been handed out yet; the one place where a frozen value is written to."""
    object.__setattr__(answer, "meta", meta)
