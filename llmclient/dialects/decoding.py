"""What decoders of streams have in common, whatever the shape of their events."""

from __future__ import annotations

from collections.abc import Iterator
from operator import length_hint
from typing import Any, ClassVar, Generic, TypeVar

import attrs

from llmclient.dialects.base import ChatDecoder, ChatDialect, truncated
from llmclient.dialects.bodies import ODD_SHAPES, parse, show
from llmclient.errors import ProviderError, ResponseParsingError
from llmclient.types.chat import ChatChunk, ChatResponse, FunctionDelta, ToolCallDelta
from llmclient.types.messages import JSONObject
from llmclient.wire import jsons

D = TypeVar("D", bound=ChatDialect)
P = TypeVar("P")


class StreamDecoder(Generic[D, P]):
    """Cuts the bytes of one streamed answer into pieces, of an event each, and turns these into chunks and into a response.

    Neither `feed` nor `finish` raises for anything that comes: a failure waits in `error` until the chunks before it were handed over.
    """

    events: int
    done: bool
    error: ProviderError | None

    def __init__(self, dialect: D, model: str, request_id: str) -> None:
        self.events = 0
        self.done = False
        self.error = None
        self._dialect = dialect
        self._model = model
        self._request_id = request_id
        self._whole: ChatResponse | None = None
        self.is_replay = False
        """Whether the bytes were refused as a whole answer before, so that they are a stream or nothing."""

    def feed(self, data: bytes) -> list[ChatChunk]:
        """Return the chunks that these bytes complete; what comes after the end or a failure is ignored."""
        if self.done or self.error is not None or not data:
            return []
        try:
            pieces = self._cut(data)
        except ResponseParsingError as error:
            return self._fail(error, [])
        return self._take(pieces) if pieces else []

    def finish(self) -> list[ChatChunk]:
        """The body has ended: return what was still held back, and set `error` if the answer has no end."""
        if self._is_over():
            return []
        try:
            pieces, body = self._cut_rest()
        except ResponseParsingError as error:
            return self._fail(error, [])
        if body is not None:
            return self._read_whole(body)
        before = self.events
        chunks = self._take(pieces)
        if before and isinstance(self.error, ResponseParsingError) and pieces and _is_cut(pieces[-1]):
            # The body's end cut the event off: nobody wrote it so.
            self.error = truncated(self.events, "the stream ended within an event")
        return chunks if self._is_over() else self._end(chunks)

    def response(self) -> ChatResponse:
        """Return the answer assembled so far; after a failure that left nothing to assemble, an empty one.

        Raises ResponseParsingError for a stream that came to its end, though its pieces make no answer.
        """
        if self._whole is not None:
            return self._whole
        try:
            return self._build()
        except ResponseParsingError as error:
            failure = error
        if self.error is not None:
            # What the stream failed with is the news; that there is no partial answer is no failure of its own.
            return ChatResponse()
        raise failure

    def _is_over(self) -> bool:
        return self.done or self.error is not None

    def _fail(self, error: ProviderError, chunks: list[ChatChunk]) -> list[ChatChunk]:
        """Note the failure, which waits until the chunks before it were handed over."""
        self.error = error
        return chunks

    def _end(self, chunks: list[ChatChunk]) -> list[ChatChunk]:
        """The body has ended, and no piece of it was the end of the answer: that is a failure, unless the format has no such piece."""
        return self._fail(truncated(self.events), chunks)

    def _read_whole(self, body: bytes) -> list[ChatChunk]:
        """Read a body that is no stream: errors, and hosts that cannot stream, send JSON of any content type."""
        if self.is_replay:
            return self._fail(ResponseParsingError("", f"the answer is neither JSON nor a stream: {show(body)}", model=self._model), [])
        try:
            self._whole = self._decode(body)
        except ProviderError as error:
            return self._fail(error, [])
        self.done = True
        self.events += 1
        return chunks_of(self._whole, jsons.loads(body))

    def _cut(self, data: bytes) -> list[P]:
        """Return the pieces that these bytes complete; raises ResponseParsingError."""
        raise NotImplementedError

    def _cut_rest(self) -> tuple[list[P], bytes | None]:
        """Return the last pieces of the body, and the body where it was no stream; raises ResponseParsingError."""
        raise NotImplementedError

    def _take(self, pieces: list[P]) -> list[ChatChunk]:
        """Return the chunks that are in the pieces, and count these."""
        raise NotImplementedError

    def _decode(self, body: bytes) -> ChatResponse:
        """Return the answer in a body that is no stream; raises as a dialect's `decode` does."""
        return self._dialect.decode(body, self._model, self._request_id)

    def _build(self) -> ChatResponse:
        """Return the answer assembled of pieces so far."""
        raise NotImplementedError


class EventDecoder(StreamDecoder[D, P]):
    """A decoder that reads one event after another, each in pieces of its own, until the last or one that is not understood."""

    def _take(self, pieces: list[P]) -> list[ChatChunk]:
        chunks: list[ChatChunk] = []
        left = iter(pieces)
        try:
            self._read(left, chunks)
        except ResponseParsingError as error:
            self.error = error
        except ODD_SHAPES as error:
            self.error = self._garbage(pieces[-1 - length_hint(left)], error)
        self.events += len(pieces)
        if self.done or self.error is not None:
            self.events -= length_hint(left)
        return chunks

    def _read(self, pieces: Iterator[P], chunks: list[ChatChunk]) -> None:
        """Add the chunks that are in the pieces, up to the one that ends the stream; raises ResponseParsingError, or one of ODD_SHAPES at an odd piece."""
        raise NotImplementedError

    def _garbage(self, piece: P, error: Exception) -> ProviderError:
        """Return the error for an event of another shape."""
        raise NotImplementedError


class NamedEventDecoder(EventDecoder[D, bytes]):
    """A decoder of events whose data holds their type, which a line before it holds, too."""

    _names: ClassVar[tuple[bytes, ...]] = ()
    """The usual lines that name events."""

    def __init__(self, dialect: D, model: str, request_id: str) -> None:
        super().__init__(dialect, model, request_id)
        self._at_line_start = True

    def _unnamed(self, data: bytes) -> bytes:
        """Leave out the lines that name events: cutting is quickest without them."""
        starts_line = self._at_line_start
        self._at_line_start = data.endswith(b"\n")
        if b"event: " not in data:
            return data
        if starts_line:
            data = b"\n" + data
        for name in self._names:
            data = data.replace(b"\n" + name, b"\n")
        return data[1:] if starts_line else data

    def _garbage(self, piece: bytes, error: Exception) -> ProviderError:
        """Return the error for an event of another shape, which may be a failure that it reports."""
        if piece.strip() == b"[DONE]":
            return truncated(self.events, "the stream was ended before its message was")
        value = parse(piece)
        return (None if value is None else self._find_failure(value)) or not_understood(piece, error, self._model)

    def _find_failure(self, value: Any) -> ProviderError | None:
        """Return the failure that an event of another shape reports, None when it reports none."""
        raise NotImplementedError


def name_lines(*names: str) -> tuple[bytes, ...]:
    """Return the lines that name events."""
    return tuple(f"event: {name}\n".encode() for name in names)


def not_understood(payload: bytes, error: Exception, model: str | None, what: str = "an event") -> ResponseParsingError:
    """Return the error for a piece of a stream that is no JSON, or of another shape than it should be."""
    return ResponseParsingError("", f"{what} of the stream is not understood: {show(payload)}", model=model, cause=type(error).__name__)


def chunks_of(response: ChatResponse, event: JSONObject) -> list[ChatChunk]:
    """Return a whole answer in chunks, one a choice, the last with the usage."""
    chunks: list[ChatChunk] = []
    for choice in response.choices:
        message = choice.message
        calls = tuple(
            ToolCallDelta(order, call.id, FunctionDelta(call.function.name, call.function.arguments), call.type)
            for order, call in enumerate(message.tool_calls)
        )
        thought = message.reasoning_text or None
        chunks.append(ChatChunk(message.text, thought, calls, choice.finish_reason, None, choice.index, choice.finish_reason_raw, event))
    if chunks and response.usage is not None:
        chunks[-1] = attrs.evolve(chunks[-1], usage=response.usage)
    return chunks


def replay(decoder: ChatDecoder, raw: bytes) -> ChatResponse:
    """Return the answer in a stream that came where a plain answer was asked for; raises the error that ended the stream."""
    if isinstance(decoder, StreamDecoder):
        decoder.is_replay = True
    decoder.feed(raw)
    decoder.finish()
    if decoder.error is not None:
        raise decoder.error
    return decoder.response()


def _is_cut(piece: object) -> bool:
    """Return whether a piece is JSON that has a beginning and no end."""
    return isinstance(piece, bytes) and piece.lstrip().startswith((b"{", b"[")) and parse(piece) is None
