"""Streams of typed events, decoded as they come."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from llmclient.dialects.anthropic import answer, problems
from llmclient.dialects.anthropic.usage import merge, read_finish, read_usage
from llmclient.dialects.chunks import TextChunk
from llmclient.dialects.decoding import NamedEventDecoder, name_lines
from llmclient.errors import ProviderError, ResponseParsingError
from llmclient.types.chat import ChatChunk, ChatResponse, FunctionDelta, ToolCallDelta
from llmclient.types.messages import EMPTY, JSONObject, read_arguments
from llmclient.types.usage import Usage
from llmclient.wire import jsons
from llmclient.wire.sse import SSEDecoder

if TYPE_CHECKING:
    from llmclient.dialects.anthropic.chat import AnthropicMessages

_NAMES: Final = name_lines(
    "content_block_delta", "content_block_start", "content_block_stop", "ping", "message_start", "message_delta", "message_stop"
)
_GROWING: Final = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature", "input_json_delta": "input"}
_WORDS: Final = ("text", "thinking", "name", "id")
"""Fields of blocks that are strings, or nothing."""
_NOT_SSE: Final = (b"{", b"[", b"<")
_BLANKS_KEPT: Final = 4_096
_WHOLE_LIMIT: Final = 64 << 20


class _Block:
    """A content block that grows: what it began with, and the pieces of the field that pieces belong to."""

    __slots__ = ("call", "pieces", "value")

    def __init__(self, value: dict[str, Any], call: int | None) -> None:
        self.value = value
        self.pieces: dict[str, list[str]] = {}
        self.call = call
        """The place of a tool call among the calls, from 0."""

    def finished(self) -> dict[str, Any]:
        """Return the block as a plain answer would hold it; the input of a call stays the text that came."""
        out = dict(self.value)
        for key, pieces in self.pieces.items():
            before = out.get(key)
            out[key] = (before if isinstance(before, str) else "") + jsons.join(pieces)
        return out


class AnthropicDecoder(NamedEventDecoder["AnthropicMessages"]):
    """Turns the bytes of one streamed answer into chunks, and into the response that a plain call would have given."""

    _names = _NAMES

    def __init__(self, dialect: AnthropicMessages, model: str, request_id: str) -> None:
        super().__init__(dialect, model, request_id)
        self._sse = SSEDecoder()
        self._is_stream = False
        self._head = bytearray()
        self._message: dict[str, Any] | None = None
        self._usage: JSONObject = EMPTY
        self._blocks: dict[int, _Block] = {}
        self._calls = 0
        self._last: JSONObject = EMPTY
        """The event that told how the answer ended."""

    def _build(self) -> ChatResponse:
        if self._message is None:
            return ChatResponse()
        content = [block.finished() for block in self._blocks.values()]
        value = {**self._message, "content": content, "usage": self._usage}
        return answer.build(self._dialect, value, self._model, self._request_id, ended=self.done)

    # Bytes.

    def _cut(self, data: bytes) -> list[bytes]:
        if not self._is_stream:
            data = self._begin(data)
        return self._sse.feed(self._unnamed(data)) if data else []

    def _cut_rest(self) -> tuple[list[bytes], bytes | None]:
        return ([], bytes(self._head)) if self._head.strip() else (self._sse.finish(), None)

    def _begin(self, data: bytes) -> bytes:
        """Look at the first bytes: a host may answer with a whole message, or a failure, where a stream was asked for.

        Return what belongs to a stream, b"" while that is not known and for any other body; raises ResponseParsingError for too long a one.
        """
        head = self._head
        head += data
        start = bytes(head[:_BLANKS_KEPT]).lstrip()[:1]
        if start and start not in _NOT_SSE:
            self._head = bytearray()
            self._is_stream = True
            return bytes(head)
        if len(head) > _WHOLE_LIMIT:
            raise ResponseParsingError("", f"the answer is longer than {_WHOLE_LIMIT} bytes and no stream of events", model=self._model)
        return b""

    # Events.

    def _read(self, pieces: Iterator[bytes], chunks: list[ChatChunk]) -> None:
        add = chunks.append
        loads = jsons.loads
        blocks = self._blocks
        for payload in pieces:
            event = loads(payload)
            if event["type"] == "content_block_delta":
                delta = event["delta"]
                if delta["type"] == "text_delta":
                    text = delta["text"]
                    if text.__class__ is not str:
                        raise TypeError(text)
                    blocks[event["index"]].pieces["text"].append(text)
                    if text:
                        piece = TextChunk(text, event)
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
        if "error" in event or event["type"] == "error":
            self.error = self._find_failure(event)
        return None

    def _start(self, event: JSONObject) -> None:
        message = event["message"]
        self._message = {key: value for key, value in message.items() if key not in ("content", "usage")}
        self._usage = merge(EMPTY, message.get("usage"))

    def _open(self, event: JSONObject) -> ChatChunk | None:
        value = dict(event["content_block"])
        if not isinstance(value["type"], str) or any(not isinstance(value[key], str) for key in _WORDS if value.get(key) is not None):
            raise TypeError(value)
        call = None
        if value["type"] == "tool_use":
            if not value.get("name"):
                raise TypeError(value)
            call, self._calls = self._calls, self._calls + 1
        block = self._blocks[event["index"]] = _Block(value, call)
        match value["type"]:
            case "text":
                block.pieces["text"] = []
                return ChatChunk(value["text"], event=event) if value.get("text") else None
            case "thinking":
                return ChatChunk(reasoning=value["thinking"], event=event) if value.get("thinking") else None
            case "tool_use":
                return ChatChunk(tool_calls=(self._opened(value, call),), event=event)
            case _:
                return None

    def _opened(self, value: dict[str, Any], call: int | None) -> ToolCallDelta:
        assert call is not None
        name = value["name"]
        if not value.get("id"):
            identity = (self._message or EMPTY).get("id") or self._request_id
            value["id"] = answer.make_id(f"{identity}/{call}")
        return ToolCallDelta(call, value["id"], FunctionDelta(self._dialect.names.get(name, name)))

    def _grow(self, event: JSONObject) -> ChatChunk | None:
        block, delta = self._blocks[event["index"]], event["delta"]
        kind = delta["type"]
        key = _GROWING.get(kind)
        if key is None:
            self._grow_oddly(block, delta)
            return None
        piece = delta["partial_json"] if kind == "input_json_delta" else delta[key]
        if not isinstance(piece, str):
            raise TypeError(piece)
        block.pieces.setdefault(key, []).append(piece)
        if not piece:
            return None
        if kind == "thinking_delta":
            return ChatChunk("", piece, (), None, None, 0, None, event)
        if kind == "input_json_delta" and block.call is not None:
            return ChatChunk("", None, (ToolCallDelta(block.call, None, FunctionDelta(None, piece)),), None, None, 0, None, event)
        return None

    def _grow_oddly(self, block: _Block, delta: JSONObject) -> None:
        """Keep what a delta brings for kinds of blocks that come later than this code."""
        if delta["type"] == "citations_delta":
            block.value["citations"] = [*(block.value.get("citations") or ()), delta["citation"]]
            return
        for key, value in delta.items():
            if key == "type" or value is None:
                continue
            before = block.value.get(key)
            block.value[key] = before + value if isinstance(before, str) and isinstance(value, str) else value

    def _close(self, event: JSONObject) -> ChatChunk | None:
        """A call whose arguments came at once, or that has none, gets them here."""
        block = self._blocks[event["index"]]
        if block.call is None or any(block.pieces.get("input", ())):
            return None
        arguments = read_arguments(block.value.get("input"))
        block.pieces["input"] = [arguments]
        return ChatChunk(tool_calls=(ToolCallDelta(block.call, None, FunctionDelta(None, arguments)),), event=event)

    def _change(self, event: JSONObject) -> None:
        message = self._message
        if message is None:
            raise KeyError("message_start")
        delta = event["delta"]
        changes = {**delta, **{key: value for key, value in event.items() if key not in ("type", "delta")}}
        message.update((key, value) for key, value in changes.items() if value is not None and key != "usage")
        # Some hosts write it within the delta, as Anthropic's documentation once had it.
        self._usage = merge(self._usage, event.get("usage") or delta.get("usage"))
        self._last = event

    def _stop(self, event: JSONObject) -> ChatChunk:
        """The end: the finish reason and the usage are final only now, since several events may tell them."""
        if self._message is None:
            raise KeyError("message_start")
        self.done = True
        raw = self._message.get("stop_reason")
        usage: Usage | None = read_usage(self._usage)
        return ChatChunk("", None, (), read_finish(raw, called=self._calls > 0), usage, 0, raw, self._last or event)


_HANDLERS: Final[Mapping[str, Callable[[AnthropicDecoder, JSONObject], ChatChunk | None]]] = {
    "message_start": AnthropicDecoder._start,
    "content_block_start": AnthropicDecoder._open,
    "content_block_delta": AnthropicDecoder._grow,
    "content_block_stop": AnthropicDecoder._close,
    "message_delta": AnthropicDecoder._change,
    "message_stop": AnthropicDecoder._stop,
}
