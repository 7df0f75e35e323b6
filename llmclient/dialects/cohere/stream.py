"""Streams of typed events, decoded as they come."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from llmclient.dialects.base import truncated
from llmclient.dialects.chunks import TextChunk
from llmclient.dialects.cohere import answer, problems
from llmclient.dialects.openai.answer import make_id
from llmclient.dialects.responses.framing import Framing
from llmclient.errors import ProviderError, ResponseParsingError
from llmclient.types.chat import ChatChunk, ChatResponse, FunctionDelta, ToolCallDelta
from llmclient.types.messages import EMPTY, JSONObject
from llmclient.wire import jsons

if TYPE_CHECKING:
    from llmclient.dialects.cohere.chat import CohereChat

_NAMES: Final = tuple(
    f"event: {name}\n".encode()
    for name in ("content-delta", "tool-plan-delta", "tool-call-delta", "content-start", "content-end", "citation-start", "citation-end")
)


class _Call:
    """A tool call that grows."""

    __slots__ = ("arguments", "id", "name", "order")

    def __init__(self, order: int, identity: str, name: str) -> None:
        self.order = order
        self.id = identity
        self.name = name
        self.arguments: list[str] = []

    def whole(self) -> JSONObject:
        """Return the call as a plain answer would hold it."""
        return {"id": self.id, "type": "function", "function": {"name": self.name, "arguments": jsons.join(self.arguments)}}


class CohereDecoder:
    """Turns the bytes of one streamed answer into chunks, and into the response that a plain call would have given."""

    def __init__(self, dialect: CohereChat, model: str, request_id: str) -> None:
        self.events = 0
        self.done = False
        self.error: ProviderError | None = None
        self._dialect = dialect
        self._model = model
        self._request_id = request_id
        self._framing = Framing()
        self._at_line_start = True
        self._whole: ChatResponse | None = None
        self._id: str | None = None
        self._parts: dict[int, tuple[dict[str, Any], list[str]]] = {}
        """The parts of the content: what each began with, and the pieces of its text or thought."""
        self._plan: list[str] = []
        self._calls: dict[int, _Call] = {}
        self._citations: list[Any] = []
        self._logprobs: list[Any] = []
        self._end: JSONObject = EMPTY

    def feed(self, data: bytes) -> list[ChatChunk]:
        """Return the chunks that these bytes complete."""
        if self._is_over() or not data:
            return []
        try:
            payloads = self._framing.feed(self._unnamed(data))
        except ResponseParsingError as error:
            self.error = error
            return []
        return self._read(payloads)

    def finish(self) -> list[ChatChunk]:
        """The body has ended: return what was still held back, and set `error` if the answer has no end."""
        if self._is_over():
            return []
        try:
            payloads, body = self._framing.finish()
        except ResponseParsingError as error:
            self.error = error
            return []
        if body is not None:
            return self._read_whole(body)
        chunks = self._read(payloads)
        if not self._is_over():
            self.error = truncated(self.events)
        return chunks

    def response(self) -> ChatResponse:
        """Return the answer assembled so far."""
        if self._whole is not None:
            return self._whole
        content = [{**begun, begun["type"]: jsons.join(pieces)} if begun["type"] in ("text", "thinking") else begun for begun, pieces in self._parts.values()]
        message = {
            "content": content,
            "tool_plan": jsons.join(self._plan),
            "tool_calls": [call.whole() for call in self._calls.values()],
            "citations": self._citations,
        }
        value = {**self._end, "id": self._id, "message": message, "logprobs": self._logprobs}
        return answer.build(self._dialect, value, self._model, self._request_id, ended=self.done)

    def _is_over(self) -> bool:
        return self.done or self.error is not None

    def _unnamed(self, data: bytes) -> bytes:
        """Leave out the lines that name events, since each event's data holds its type: the decoder is quickest without them."""
        starts_line = self._at_line_start
        self._at_line_start = data.endswith(b"\n")
        if b"event: " not in data:
            return data
        if starts_line:
            data = b"\n" + data
        for name in _NAMES:
            data = data.replace(b"\n" + name, b"\n")
        return data[1:] if starts_line else data

    # Events.

    def _read(self, payloads: list[bytes]) -> list[ChatChunk]:
        chunks: list[ChatChunk] = []
        add = chunks.append
        loads = jsons.loads
        parts = self._parts
        count = 0
        payload = b""
        try:
            for payload in payloads:
                count += 1
                event = loads(payload)
                if event["type"] == "content-delta" and "logprobs" not in event and (part := parts.get(event["index"])) is not None:
                    kind = part[0]["type"]
                    text = event["delta"]["message"]["content"].get(kind)
                    if text.__class__ is str and kind in ("text", "thinking"):
                        part[1].append(text)
                        if text:
                            piece = TextChunk(text, event)
                            if kind == "thinking":
                                piece.text, piece.reasoning = "", text  # type: ignore[misc]  # frozen in the end, not yet
                            piece.__class__ = ChatChunk  # type: ignore[assignment]  # a subclass without fields of its own
                            add(piece)
                        continue
                chunk = self._on(event)
                if chunk is not None:
                    add(chunk)
                if self._is_over():
                    break
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            self.error = self._garbage(payload, error)
        self.events += count
        return chunks

    def _garbage(self, payload: bytes, error: Exception) -> ProviderError:
        if payload.strip() == b"[DONE]":
            return truncated(self.events, "the stream was ended before its message was")
        reported = self._reported(payload)
        if reported is not None:
            return reported
        shown = payload[:200].decode("utf-8", "replace")
        return ResponseParsingError("", f"an event of the stream is not understood: {shown!r}", model=self._model, cause=type(error).__name__)

    def _reported(self, payload: bytes) -> ProviderError | None:
        """Return the failure that an event of another shape reports, None when it reports none."""
        try:
            value = jsons.loads(payload)
        except ValueError:
            return None
        return problems.of_body(value, self._model, self._dialect.error_codes)

    def _on(self, event: Any) -> ChatChunk | None:
        handle = _HANDLERS.get(event["type"])
        if handle is not None:
            return handle(self, event)
        self.error = problems.of_body(event, self._model, self._dialect.error_codes)
        return None

    def _start(self, event: JSONObject) -> None:
        identity = event.get("id")
        self._id = identity if isinstance(identity, str) and identity else None

    def _open(self, event: JSONObject) -> ChatChunk | None:
        """A part begins; one of a kind that comes later than this code is kept as it is."""
        begun = event["delta"]["message"]["content"]
        kind = begun["type"]
        if not isinstance(kind, str):
            raise TypeError(kind)
        if event["index"] in self._parts:
            raise KeyError(event["index"])
        self._parts[event["index"]] = (begun, [])
        return self._grow_part(event) if kind in ("text", "thinking") else None

    def _grow(self, event: JSONObject) -> ChatChunk | None:
        delta = event["delta"]["message"]["content"]
        if event["index"] not in self._parts:
            self._parts[event["index"]] = ({"type": "thinking" if "thinking" in delta else "text"}, [])
        logprobs = event.get("logprobs")
        if logprobs is not None:
            self._logprobs += logprobs if isinstance(logprobs, list) else [logprobs]
        return self._grow_part(event)

    def _grow_part(self, event: JSONObject) -> ChatChunk | None:
        begun, pieces = self._parts[event["index"]]
        kind = begun["type"]
        piece = event["delta"]["message"]["content"].get(kind) or ""
        if not isinstance(piece, str):
            raise TypeError(piece)
        pieces.append(piece)
        if not piece:
            return None
        return ChatChunk(piece, event=event) if kind == "text" else ChatChunk("", piece, event=event)

    def _grow_plan(self, event: JSONObject) -> ChatChunk | None:
        piece = event["delta"]["message"]["tool_plan"]
        if not isinstance(piece, str):
            raise TypeError(piece)
        self._plan.append(piece)
        return ChatChunk("", piece, event=event) if piece else None

    def _open_call(self, event: JSONObject) -> ChatChunk:
        value = event["delta"]["message"]["tool_calls"]
        function = value["function"]
        name = function["name"]
        if not isinstance(name, str):
            raise TypeError(name)
        if event["index"] in self._calls:
            raise KeyError(event["index"])
        order, given = len(self._calls), value.get("id")
        identity = given if isinstance(given, str) and given else make_id(self._id or self._request_id, order)
        call = self._calls[event["index"]] = _Call(order, identity, name)
        arguments = _piece(function)
        call.arguments.append(arguments)
        return ChatChunk(tool_calls=(ToolCallDelta(order, call.id, FunctionDelta(name, arguments)),), event=event)

    def _grow_call(self, event: JSONObject) -> ChatChunk | None:
        return self._add_arguments(event, _piece(event["delta"]["message"]["tool_calls"]["function"]))

    def _close_call(self, event: JSONObject) -> ChatChunk | None:
        """A call whose arguments are none gets an empty object."""
        return None if any(self._calls[event["index"]].arguments) else self._add_arguments(event, "{}")

    def _add_arguments(self, event: JSONObject, piece: str) -> ChatChunk | None:
        call = self._calls[event["index"]]
        call.arguments.append(piece)
        return ChatChunk("", None, (ToolCallDelta(call.order, None, FunctionDelta(None, piece)),), event=event) if piece else None

    def _cite(self, event: JSONObject) -> None:
        cited = event["delta"]["message"]["citations"]
        self._citations += cited if isinstance(cited, list) else [cited]

    def _stop(self, event: JSONObject) -> ChatChunk | None:
        """The end, which may be a failure: then what came before it is no answer."""
        self._end = {key: value for key, value in event["delta"].items() if value is not None}
        self.error = problems.of_end(self._end, self._model, self._dialect.error_codes)
        if self.error is not None:
            return None
        self.done = True
        response = self.response()
        self.error = answer.failure_of(response)
        if self.error is not None:
            self.done = False
            return None
        return ChatChunk("", None, (), response.finish_reason, response.usage, 0, response.finish_reason_raw, event)

    def _read_whole(self, body: bytes) -> list[ChatChunk]:
        """Read a body that was no stream, and give a whole answer as one chunk."""
        self.events += 1
        try:
            response = answer.decode(self._dialect, body, self._model, self._request_id)
        except ProviderError as error:
            self.error = error
            return []
        self._whole = response
        self.done = True
        choice = response.choices[0]
        calls = tuple(
            ToolCallDelta(index, call.id, FunctionDelta(call.function.name, call.function.arguments)) for index, call in enumerate(choice.message.tool_calls)
        )
        value: Mapping[str, Any] = jsons.loads(body)
        return [ChatChunk(response.text, response.reasoning, calls, choice.finish_reason, response.usage, 0, choice.finish_reason_raw, value)]


def _piece(function: JSONObject) -> str:
    piece = function.get("arguments") or ""
    if not isinstance(piece, str):
        raise TypeError(piece)
    return piece


def _ignore(decoder: CohereDecoder, event: JSONObject) -> None:
    """Pass over an event that says nothing new."""


_HANDLERS: Final[Mapping[str, Callable[[CohereDecoder, JSONObject], ChatChunk | None]]] = {
    "message-start": CohereDecoder._start,
    "content-start": CohereDecoder._open,
    "content-delta": CohereDecoder._grow,
    "content-end": _ignore,
    "tool-plan-delta": CohereDecoder._grow_plan,
    "tool-call-start": CohereDecoder._open_call,
    "tool-call-delta": CohereDecoder._grow_call,
    "tool-call-end": CohereDecoder._close_call,
    "citation-start": CohereDecoder._cite,
    "citation-end": _ignore,
    "message-end": CohereDecoder._stop,
}
