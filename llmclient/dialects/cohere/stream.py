"""Streams of typed events, decoded as they come."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from llmclient.dialects.chunks import TextChunk
from llmclient.dialects.cohere import answer, problems
from llmclient.dialects.decoding import NamedEventDecoder, name_lines
from llmclient.dialects.framing import Framing
from llmclient.dialects.openai.answer import make_id
from llmclient.errors import ProviderError
from llmclient.types.chat import ChatChunk, ChatResponse, FunctionDelta, ToolCallDelta
from llmclient.types.messages import EMPTY, JSONObject
from llmclient.wire import jsons

if TYPE_CHECKING:
    from llmclient.dialects.cohere.chat import CohereChat

_NAMES: Final = name_lines(
    "content-delta", "tool-plan-delta", "tool-call-delta", "content-start", "content-end", "citation-start", "citation-end"
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


class CohereDecoder(NamedEventDecoder["CohereChat"]):
    """Turns the bytes of one streamed answer into chunks, and into the response that a plain call would have given."""

    _names = _NAMES

    def __init__(self, dialect: CohereChat, model: str, request_id: str) -> None:
        super().__init__(dialect, model, request_id)
        self._framing = Framing()
        self._id: str | None = None
        self._parts: dict[int, tuple[dict[str, Any], list[str]]] = {}
        """The parts of the content: what each began with, and the pieces of its text or thought."""
        self._plan: list[str] = []
        self._calls: dict[int, _Call] = {}
        self._citations: list[Any] = []
        self._logprobs: list[Any] = []
        self._ending: JSONObject = EMPTY

    def _cut(self, data: bytes) -> list[bytes]:
        return self._framing.feed(self._unnamed(data))

    def _cut_rest(self) -> tuple[list[bytes], bytes | None]:
        return self._framing.finish()

    def _build(self) -> ChatResponse:
        content = [{**begun, begun["type"]: jsons.join(pieces)} if begun["type"] in ("text", "thinking") else begun for begun, pieces in self._parts.values()]
        message = {
            "content": content,
            "tool_plan": jsons.join(self._plan),
            "tool_calls": [call.whole() for call in self._calls.values()],
            "citations": self._citations,
        }
        value = {**self._ending, "id": self._id, "message": message, "logprobs": self._logprobs}
        return answer.build(self._dialect, value, self._model, self._request_id, ended=self.done)

    # Events.

    def _read(self, pieces: Iterator[bytes], chunks: list[ChatChunk]) -> None:
        add = chunks.append
        loads = jsons.loads
        parts = self._parts
        for payload in pieces:
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
            if self.done or self.error is not None:
                return

    def _find_failure(self, value: Any) -> ProviderError | None:
        return problems.of_body(value, self._model, self._dialect.error_codes)

    def _on(self, event: Any) -> ChatChunk | None:
        handle = _HANDLERS.get(event["type"])
        if handle is not None:
            return handle(self, event)
        self.error = self._find_failure(event)
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
        self._ending = {key: value for key, value in event["delta"].items() if value is not None}
        self.error = problems.of_end(self._ending, self._model, self._dialect.error_codes)
        if self.error is not None:
            return None
        self.done = True
        response = self.response()
        self.error = answer.failure_of(response)
        if self.error is not None:
            self.done = False
            return None
        return ChatChunk("", None, (), response.finish_reason, response.usage, 0, response.finish_reason_raw, event)


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
