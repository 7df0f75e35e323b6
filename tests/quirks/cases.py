"""Cases of the tables of quirks: what a call must become, and what an answer must mean, each with the number of the quirk."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import attrs
import requests

from llmclient.dialects.openai import OpenAIChat
from llmclient.errors import InvalidRequestError, ProviderError
from llmclient.provider import Provider
from llmclient.retry import Retry
from llmclient.types.chat import ChatRequest, ChatResponse
from llmclient.types.context import RequestContext
from llmclient.wire import jsons
from tests.quirks.probes import ready


class Case(Protocol):
    """One row of a table."""

    number: int
    adapter: str

    def check(self, provider: Provider) -> None:
        """Raise AssertionError when the provider does otherwise."""
        ...


ABSENT: Any = type("Absent", (), {"__repr__": lambda self: "ABSENT"})()
"""What a field of the body is that must not be there."""


@attrs.frozen
class Sends:
    """A call becomes a request that holds at least this."""

    number: int
    adapter: str
    says: str
    model: str
    body: Mapping[str, Any]
    """Field of the body -> its value; ABSENT for one that must not be there. `url`, `query` and `headers` go beside the body."""
    ask: Any = "hi"
    options: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
    stream: bool = False
    warns: Sequence[str] = ()
    """Kind and parameter of each warning, in order."""
    path: str | None = None
    query: Mapping[str, str] | None = None
    headers: Mapping[str, str] | None = None
    streams: bool | None = None
    """Whether a stream is asked for."""
    settings: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
    """Settings of the provider, besides those that every case has."""

    def check(self, provider: Provider) -> None:
        """Raise AssertionError when something else is sent."""
        try:
            wire = send(provider, self)
        except ProviderError as error:
            raise AssertionError(f"refused: {error}") from None
        body = json.loads(jsons.dumps(wire.body))
        assert {key: body.get(key, ABSENT) for key in self.body} == dict(self.body)
        assert [f"{warning.kind} {warning.param}" for warning in wire.warnings] == list(self.warns)
        assert self.path in (None, wire.path)
        assert self.query is None or dict(wire.query) == self.query
        assert self.headers is None or dict(wire.headers) == self.headers
        assert self.streams in (None, wire.stream)


@attrs.frozen
class Refuses:
    """A call is refused before anything is sent, naming what is wrong."""

    number: int
    adapter: str
    says: str
    model: str
    param: str
    ask: Any = "hi"
    options: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
    stream: bool = False
    settings: Mapping[str, Any] = attrs.field(factory=dict[str, Any])

    def check(self, provider: Provider) -> None:
        """Raise AssertionError when it is not refused, or for something else."""
        try:
            wire = send(provider, self)
        except InvalidRequestError as error:
            refused = error.param
        else:
            raise AssertionError(f"sent: {wire.body}")
        assert refused == self.param


def send(provider: Provider, case: Sends | Refuses) -> Any:
    """Return what would be sent."""
    if case.settings:
        provider = ready(type(provider), **case.settings)
    request = ChatRequest.make(case.model, case.ask, **case.options)
    return provider.transform_request(request, RequestContext(provider=provider.name, config=provider.config, stream=case.stream))


@attrs.frozen
class Reads:
    """An answer means this."""

    number: int
    adapter: str
    says: str
    model: str
    answer: Any
    """The parsed body, or bytes; a list is the events of a stream, to which OpenAI's `[DONE]` is added unless it is in them."""
    means: Mapping[str, Any]
    """Attribute of the response, or of its usage after `usage.`, or of its message after `message.` -> value."""
    api: str | None = None
    whole: bool = True
    """Whether the end marker is added to a stream."""

    def check(self, provider: Provider) -> None:
        """Raise AssertionError when it is read otherwise."""
        try:
            response = read(provider, self)
        except ProviderError as error:
            raise AssertionError(f"refused: {type(error).__name__}: {error}") from None
        assert {key: _look(response, key) for key in self.means} == dict(self.means)


@attrs.frozen
class Fails:
    """An answer is a failure of this kind."""

    number: int
    adapter: str
    says: str
    model: str
    answer: Any
    kind: type[ProviderError]
    status: int = 200
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str])
    facts: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
    """Attribute of the error -> value."""
    api: str | None = None
    whole: bool = True
    exact: bool = True
    """Whether the kind must be this one, and not one below it."""

    def check(self, provider: Provider) -> None:
        """Raise AssertionError when it is read as an answer, or as another failure."""
        error = self._error(provider)
        assert type(error) is self.kind or (isinstance(error, self.kind) and not self.exact), error
        assert {key: getattr(error, key) for key in self.facts} == dict(self.facts)

    def _error(self, provider: Provider) -> ProviderError:
        if self.status != 200:
            raw = self.answer if isinstance(self.answer, bytes) else json.dumps(self.answer).encode()
            return provider.get_error_mapper(self.model)(self.status, self.headers, raw)
        try:
            response = read(provider, self)
        except ProviderError as error:
            return error
        raise AssertionError(f"answered: {response}")


@attrs.frozen
class GoesBack:
    """An answer, handed back with what follows it, becomes a request that holds at least this."""

    number: int
    adapter: str
    says: str
    model: str
    answer: Any
    then: Sequence[Any]
    """The messages after it."""
    body: Mapping[str, Any]
    options: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
    api: str | None = None
    whole: bool = True

    def check(self, provider: Provider) -> None:
        """Raise AssertionError when something else is sent."""
        try:
            ask = ["hi", read(provider, self).message, *self.then]
        except ProviderError as error:
            raise AssertionError(f"refused: {type(error).__name__}: {error}") from None
        Sends(self.number, self.adapter, self.says, self.model, self.body, ask=ask, options={**self.options, "api": self.api}).check(provider)


@attrs.frozen
class Waits:
    """After a 429 with these headers we wait so long before another attempt; None for none."""

    number: int
    adapter: str
    says: str
    headers: Mapping[str, str]
    remaining: float
    """Seconds to the deadline."""
    seconds: float | None

    def check(self, provider: Provider) -> None:
        """Raise AssertionError when the wait is another."""
        error = provider.get_error_mapper()(429, self.headers, b"{}")
        assert error.retry_after is not None
        assert Retry().plan(error, 1, self.remaining) == self.seconds


@attrs.frozen
class Signs:
    """A request is signed by at least these headers."""

    number: int
    adapter: str
    says: str
    headers: Mapping[str, str]
    settings: Mapping[str, Any] = attrs.field(factory=dict[str, Any])

    def check(self, provider: Provider) -> None:
        """Raise AssertionError when the headers are others."""
        made = ready(type(provider), **self.settings)
        request = requests.Request("POST", made.address() + "/x", headers={}, data=b"{}").prepare()
        signed = made.auth.bind(made.config, ())(request)
        assert {name: str(signed.headers.get(name, ""))[: len(start)] for name, start in self.headers.items()} == dict(self.headers)


@attrs.frozen
class Asks:
    """A request of another operation holds at least this."""

    number: int
    adapter: str
    says: str
    request: Any
    body: Mapping[str, Any]
    warns: Sequence[str] = ()

    def check(self, provider: Provider) -> None:
        """Raise AssertionError when something else is sent."""
        try:
            wire = provider.transform_request(self.request)
        except ProviderError as error:
            raise AssertionError(f"refused: {error}") from None
        body = json.loads(jsons.dumps(wire.body))
        assert {key: body.get(key, ABSENT) for key in self.body} == dict(self.body)
        assert [f"{warning.kind} {warning.param}" for warning in wire.warnings] == list(self.warns)


def read(provider: Provider, case: Reads | Fails | GoesBack) -> ChatResponse:
    """Return what an answer means; raises the error that it reports."""
    dialect, answer = provider.chat_dialect(case.model, case.api), case.answer
    if not isinstance(answer, list):
        return dialect.decode(answer if isinstance(answer, bytes) else json.dumps(answer).encode(), case.model, "req")
    decoder = dialect.stream(case.model, "req")
    lines = [event if isinstance(event, bytes) else b"data: " + json.dumps(event).encode() + b"\n\n" for event in answer]
    for line in lines:
        decoder.feed(line)
    if case.whole and isinstance(dialect, OpenAIChat) and not any(b"[DONE]" in line for line in lines) and not decoder.error:
        decoder.feed(b"data: [DONE]\n\n")
    decoder.finish()
    if decoder.error is not None:
        raise decoder.error
    return decoder.response()


def _look(response: ChatResponse, key: str) -> Any:
    if key.startswith("usage."):
        return None if response.usage is None else getattr(response.usage, key.removeprefix("usage."))
    if key.startswith("message."):
        return getattr(response.message, key.removeprefix("message."))
    if key == "arguments":
        return [call.function.arguments for call in response.tool_calls]
    if key == "ids":
        return [call.id for call in response.tool_calls]
    if key == "has_ids":
        return all(call.id for call in response.tool_calls)
    if key == "extras":
        return [dict(call.extra) for call in response.tool_calls]
    return getattr(response, key)
