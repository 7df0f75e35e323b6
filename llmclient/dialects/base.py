"""What every dialect is: a frozen value for one operation in one wire format, whose fields are its quirks.

A dialect is pure. `encode` turns a request into bytes-to-be, `decode` and `stream` turn bytes into answers, `error` turns
a failure into one class of the error tree. Errors made here carry the provider name "": the provider fills it in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar

import attrs

from llmclient.auth import Auth
from llmclient.errors import InvalidRequestError, ProviderError, StreamTruncatedError
from llmclient.types.answer import Answer, Warning
from llmclient.types.chat import ChatChunk, ChatRequest, ChatResponse
from llmclient.types.config import ProviderConfig
from llmclient.types.context import RequestContext, WireRequest

Q = TypeVar("Q", contravariant=True)
R = TypeVar("R", bound=Answer)

NEVER_DROPPED = frozenset({"messages", "tools", "tool_choice", "response_format", "n", "max_tokens", "stop"})
"""Parameters whose loss would change the meaning of an answer: where one cannot be carried, the request is refused."""


@attrs.frozen(kw_only=True)
class Dialect(Generic[Q, R]):
    """One operation in one wire format. Each field is a quirk, and its default is the standard's value."""

    name: ClassVar[str] = ""
    """The dialect's name, in warnings, provider states and docs."""

    path: str = ""
    """Where to post, below the base address; may hold {model} and the provider's options in braces."""
    base_url: str | None = None
    """Another host for this operation only."""
    auth: Auth | None = None
    """Another way to sign for this operation only."""

    def supported_params(self, model: str) -> frozenset[str]:
        """Return exactly the portable parameters that `encode` can carry for this model."""
        raise NotImplementedError

    def encode(self, request: Q, context: RequestContext) -> WireRequest:
        """Return what to send; raises InvalidRequestError or TransformationError for what the dialect cannot say."""
        raise NotImplementedError

    def decode(self, raw: bytes, model: str, request_id: str) -> R:
        """Return the answer in a 2xx body; raises ResponseParsingError, or the error that the body reports."""
        raise NotImplementedError

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """Return (never raise) the error that a status other than 2xx means."""
        raise NotImplementedError


class ChatDecoder(Protocol):
    """Turns the bytes of one streamed answer into chunks, and into the response that a plain call would have given.

    `feed` never raises: chunks decoded before a failure are returned, and the failure waits in `error` until they were handed over.
    """

    @property
    def events(self) -> int:
        """How many events have come, also those that gave no chunk; comments do not count."""
        ...

    @property
    def done(self) -> bool:
        """Whether the end marker has come: nothing after it is read."""
        ...

    @property
    def error(self) -> ProviderError | None:
        """What ended the stream early, if anything did."""
        ...

    def feed(self, data: bytes) -> list[ChatChunk]:
        """Return the chunks that these bytes complete."""
        ...

    def finish(self) -> list[ChatChunk]:
        """The body has ended: return what was still held back, and set `error` (StreamTruncatedError) if the answer has no end."""
        ...

    def response(self) -> ChatResponse:
        """Return the answer assembled so far."""
        ...


@attrs.frozen(kw_only=True)
class ChatDialect(Dialect[ChatRequest, ChatResponse]):
    """A dialect of chat, which can also stream."""

    def configured(self, config: ProviderConfig) -> Self:
        """Return the dialect as it is spoken with these settings."""
        return self

    def stream(self, model: str, request_id: str) -> ChatDecoder:
        """Return a new decoder for one streamed answer."""
        raise NotImplementedError

    @property
    def streams(self) -> bool:
        """Whether this dialect can stream at all."""
        return True


class Notes:
    """Collects the warnings of one request, in order, and refuses what must never be dropped."""

    def __init__(self) -> None:
        self.warnings: list[Warning] = []

    def drop(self, param: str, why: str) -> None:
        """Note that a parameter is left out; raises InvalidRequestError for one that must not be."""
        if param in NEVER_DROPPED:
            raise InvalidRequestError("", f"{param} is not supported here: {why}", param=param)
        self.warnings.append(Warning("dropped", param, f"{param} was dropped: {why}"))

    def clamp(self, param: str, given: Any, sent: Any) -> None:
        """Note that a value was moved to the nearest allowed one."""
        self.warnings.append(Warning("clamped", param, f"{param}={given!r} is out of range here; {sent!r} was sent"))

    def rename(self, param: str, sent: str) -> None:
        """Note that a parameter goes by another name with another meaning; plain renames are no news."""
        self.warnings.append(Warning("renamed", param, f"{param} was sent as {sent}"))

    def move(self, param: str, where: str) -> None:
        """Note that something was sent elsewhere or in another form than given."""
        self.warnings.append(Warning("moved", param, f"{param} {where}"))


def truncated(decoder_events: int, message: str | None = None) -> StreamTruncatedError:
    """Return the error of a stream that ended before its answer did; the stream adds `partial`."""
    return StreamTruncatedError("", message or f"the stream ended after {decoder_events} events without a finish reason")


def merge_extra(body: dict[str, Any], extra: Mapping[str, Any], notes: Notes) -> None:
    """Lay `extra` over the body: it wins, and says so where it replaces something."""
    for name, value in extra.items():
        if name in body and body[name] != value:
            notes.move(name, "was replaced by extra")
        body[name] = value
