"""Claude by InvokeModel: Anthropic's Messages API in Amazon's envelope, chosen by `api="invoke"`."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Literal

import attrs

from llmclient.dialects import bodies
from llmclient.dialects.anthropic import AnthropicMessages
from llmclient.dialects.anthropic.stream import AnthropicDecoder
from llmclient.dialects.bedrock import problems
from llmclient.dialects.bedrock.frames import FrameSplitter
from llmclient.dialects.bedrock.paths import fill_model
from llmclient.dialects.decoding import not_understood, replay
from llmclient.errors import ProviderError, ResponseParsingError
from llmclient.types.chat import ChatChunk, ChatRequest, ChatResponse
from llmclient.types.context import RequestContext, WireRequest
from llmclient.wire import jsons


@attrs.frozen(kw_only=True)
class BedrockMessages(AnthropicMessages):
    """Speak Anthropic's Messages API through InvokeModel. Each field is a quirk; its default is what Amazon Bedrock does."""

    path: str = "/model/{model}/invoke"
    stream_path: str = "/model/{model}/invoke-with-response-stream"
    version: str = "bedrock-2023-05-31"
    version_in: Literal["header", "body"] = "body"
    stream_in_body: bool = False
    url_sources: bool = False
    unsupported: frozenset[str] = frozenset({"service_tier"})

    def encode(self, request: ChatRequest, context: RequestContext) -> WireRequest:
        """Return what to send; raises InvalidRequestError for what the dialect cannot say."""
        wire = super().encode(request, context)
        path = fill_model(self.stream_path if wire.stream else self.path, request.model)
        return attrs.evolve(wire, path=path)

    def decode(self, raw: bytes, model: str, request_id: str) -> ChatResponse:
        """Return the answer in a 2xx body; raises ResponseParsingError, or the error that the body reports."""
        if raw[:1] == b"\0":
            return replay(self.stream(model, request_id), raw)
        try:
            return super().decode(raw, model, request_id)
        except ResponseParsingError as error:
            failure = problems.of_body(bodies.parse(raw), self.error_codes, model or None)
            if failure is None:
                raise
            raise failure from error

    def stream(self, model: str, request_id: str) -> InvokeDecoder:
        """Return a new decoder for one streamed answer."""
        return InvokeDecoder(self, model, request_id)

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """Return (never raise) the error that a status other than 2xx means."""
        return problems.of_status(status, headers, body, self.error_codes)


class InvokeDecoder:
    """Takes Anthropic's events out of the messages of Amazon's event stream, and hands them to the decoder of the Messages API."""

    def __init__(self, dialect: BedrockMessages, model: str, request_id: str) -> None:
        self._dialect = dialect
        self._model = model
        self._inner = AnthropicDecoder(dialect, model, request_id)
        self._frames = FrameSplitter()
        self._is_begun = False
        self._is_whole = False
        self._error: ProviderError | None = None

    @property
    def events(self) -> int:
        """How many events have come."""
        return self._inner.events

    @property
    def done(self) -> bool:
        """Whether the end marker has come."""
        return self._inner.done

    @property
    def error(self) -> ProviderError | None:
        """The failure that waits until the chunks before it were handed over."""
        return self._inner.error or self._error

    def feed(self, data: bytes) -> list[ChatChunk]:
        """Return the chunks that these bytes complete."""
        if self.done or self.error is not None or not data:
            return []
        if not self._is_begun:
            self._is_begun = True
            # No message of the stream is so long that its first byte would be that of a text.
            self._is_whole = data[0] != 0
        if self._is_whole:
            return self._inner.feed(data)
        events: list[bytes] = []
        failure: ProviderError | None = None
        try:
            for headers, payload in self._frames.feed(data):
                if headers.get(":message-type") in ("exception", "error"):
                    failure = problems.of_message(headers, payload, self._dialect.error_codes, self._model or None)
                    break
                events.append(self._unwrapped(payload))
        except ResponseParsingError as error:
            failure = error
        chunks = self._inner.feed(b"".join(events)) if events else []
        if not self._inner.done:
            self._error = failure
        return chunks

    def _unwrapped(self, payload: bytes) -> bytes:
        """Return the event in a message, as the other decoder takes it."""
        try:
            return b"data: " + base64.b64decode(jsons.loads(payload)["bytes"]) + b"\n\n"
        except (ValueError, KeyError, TypeError) as error:
            failed = not_understood(payload, error, self._model or None, "a message")
        raise failed

    def finish(self) -> list[ChatChunk]:
        """The body has ended: set `error` if the answer has no end."""
        if self.done or self.error is not None:
            return []
        try:
            self._frames.finish()
        except ResponseParsingError as error:
            self._error = error
            return []
        return self._inner.finish()

    def response(self) -> ChatResponse:
        """Return the answer assembled so far."""
        return self._inner.response()
