"""Streams of lines, each a JSON object with the next piece of the message, decoded as they come."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from llmclient.dialects import failure
from llmclient.dialects.base import truncated
from llmclient.dialects.chunks import TextChunk
from llmclient.dialects.decoding import EventDecoder, not_understood
from llmclient.dialects.ollama import answer
from llmclient.dialects.shapes import is_array
from llmclient.errors import ProviderError
from llmclient.types.chat import ChatChunk, ChatResponse, FunctionDelta, ToolCallDelta
from llmclient.types.messages import EMPTY, JSONObject
from llmclient.wire import jsons
from llmclient.wire.ndjson import NDJSONDecoder

if TYPE_CHECKING:
    from llmclient.dialects.ollama.chat import OllamaChat


class OllamaDecoder(EventDecoder["OllamaChat", bytes]):
    """Turns the bytes of one streamed answer into chunks, and into the response that a plain call would have given."""

    def __init__(self, dialect: OllamaChat, model: str, request_id: str) -> None:
        super().__init__(dialect, model, request_id)
        self._lines = NDJSONDecoder()
        self._is_last = False
        self._text: list[str] = []
        self._thoughts: list[str] = []
        self._calls: list[JSONObject] = []
        self._logprobs: list[Any] = []
        self._last: JSONObject = EMPTY

    def _cut(self, data: bytes) -> list[bytes]:
        return self._lines.feed(data)

    def _cut_rest(self) -> tuple[list[bytes], bytes | None]:
        """The last line may have no end."""
        self._is_last = True
        return self._lines.finish(), None

    def _build(self) -> ChatResponse:
        message = {"content": jsons.join(self._text), "thinking": jsons.join(self._thoughts), "tool_calls": self._calls}
        value = {**self._last, "message": message, "logprobs": self._logprobs}
        return answer.build(self._dialect, value, self._model, self._request_id, ended=self.done)

    # Lines.

    def _read(self, pieces: Iterator[bytes], chunks: list[ChatChunk]) -> None:
        add = chunks.append
        loads = answer.loads
        texts, thoughts = self._text, self._thoughts
        for line in pieces:
            event = loads(line)
            message = event.get("message")
            if message is not None and event.get("done") is False and len(event) == 4:
                # Role, content, perhaps a thought, and nothing else: nearly every line.
                text, thought = message.get("content"), message.get("thinking", "")
                if text.__class__ is str and thought.__class__ is str and len(message) == 2 + ("thinking" in message) and "role" in message:
                    self._last = event
                    if text or thought:
                        texts.append(text)
                        piece = TextChunk(text, event)
                        if thought:
                            thoughts.append(thought)
                            piece.reasoning = thought  # type: ignore[misc]  # frozen in the end, not yet
                        piece.__class__ = ChatChunk  # type: ignore[assignment]  # a subclass without fields of its own
                        add(piece)
                    continue
            chunk = self._on(event)
            if chunk is not None:
                add(chunk)
            if self.done or self.error is not None:
                return

    def _garbage(self, piece: bytes, error: Exception) -> ProviderError:
        if self._is_last and self.events and piece.startswith(b"{") and isinstance(error, ValueError):
            return truncated(self.events, "the stream ended within a line")
        return not_understood(piece, error, self._model, "a line")

    def _on(self, event: JSONObject) -> ChatChunk | None:
        if "error" in event or "message" not in event:
            self.error = failure.find_failure(event, model=self._model, codes=self._dialect.error_codes)
            if self.error is not None:
                return None
        message = event["message"]
        text, thought = message.get("content") or "", message.get("thinking") or ""
        if not (isinstance(text, str) and isinstance(thought, str)):
            raise TypeError(message)
        calls = self._take_calls(message.get("tool_calls"))
        self._text.append(text)
        self._thoughts.append(thought)
        logprobs = event.get("logprobs")
        if is_array(logprobs):
            self._logprobs += logprobs
        self._last = event
        if event.get("done"):
            return self._stop(text, thought, calls, event)
        return ChatChunk(text, thought or None, calls, event=event) if text or thought or calls else None

    def _take_calls(self, calls: Any) -> tuple[ToolCallDelta, ...]:
        """Return whole calls, as each comes in one line; the server numbers them anew in each, or not at all."""
        pieces: list[ToolCallDelta] = []
        for call in calls if is_array(calls) else ():
            order = len(self._calls)
            whole = answer.read_call(call, self._request_id, order)
            self._calls.append(call)
            pieces.append(ToolCallDelta(order, whole.id, FunctionDelta(whole.function.name, whole.function.arguments)))
        return tuple(pieces)

    def _stop(self, text: str, thought: str, calls: tuple[ToolCallDelta, ...], event: JSONObject) -> ChatChunk:
        self.done = True
        response = self.response()
        return ChatChunk(text, thought or None, calls, response.finish_reason, response.usage, 0, response.finish_reason_raw, event)
