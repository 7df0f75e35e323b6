"""Streams of Converse: messages of Amazon's binary event stream, decoded as they come."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from llmclient.dialects.bedrock import answer, problems
from llmclient.dialects.bedrock.frames import Frame, FrameSplitter
from llmclient.dialects.bedrock.usage import read_finish, read_usage
from llmclient.dialects.chunks import TextChunk
from llmclient.dialects.decoding import EventDecoder, not_understood
from llmclient.dialects.shapes import is_array, is_object
from llmclient.errors import ProviderError, ResponseParsingError
from llmclient.types.chat import ChatChunk, ChatResponse, FunctionDelta, ToolCallDelta
from llmclient.types.messages import JSONObject, read_arguments
from llmclient.wire import jsons

if TYPE_CHECKING:
    from llmclient.dialects.bedrock.chat import BedrockConverse

_WHOLE_LIMIT: Final = 64 << 20
_PADDING: Final = "p"


class _Block:
    """A content block that grows: what it began with, and the pieces of text, arguments, thoughts or results that came."""

    __slots__ = ("call", "citations", "kind", "parts", "pieces", "start")

    def __init__(self, kind: str, start: JSONObject, call: int | None = None) -> None:
        self.kind = kind
        self.start = start
        self.call = call
        """The place of a tool call among the calls, from 0."""
        self.pieces: dict[str, list[str]] = {}
        self.parts: list[Any] = []
        self.citations: list[JSONObject] = []

    def add(self, name: str, piece: Any) -> str:
        """Add a piece of text; raises TypeError for one that is none."""
        if not isinstance(piece, str):
            raise TypeError(piece)
        self.pieces.setdefault(name, []).append(piece)
        return piece

    def finished(self) -> dict[str, Any]:
        """Return the block as a plain answer would hold it; the input of a call stays the text that came."""
        text = {name: jsons.join(pieces) for name, pieces in self.pieces.items()}
        match self.kind:
            case "text" if self.citations:
                return {"citationsContent": {"content": [{"text": text.get("text", "")}], "citations": self.citations}}
            case "text":
                return {"text": text.get("text", "")}
            case "toolUse":
                return {"toolUse": {**self.start, "input": text.get("input", "")}}
            case "reasoningContent":
                return {"reasoningContent": self._thought(text)}
            case "toolResult":
                return {"toolResult": {**self.start, "content": self.parts}}
            case _:
                merged: dict[str, Any] = dict(self.start)
                for part in self.parts:
                    merged |= part if is_object(part) else {}
                return {self.kind: merged}

    def _thought(self, text: Mapping[str, str]) -> dict[str, Any]:
        if "redactedContent" in text:
            return {"redactedContent": _joined(self.pieces["redactedContent"])}
        return {"reasoningText": {"text": text.get("text", "")} | ({"signature": text["signature"]} if "signature" in text else {})}


def _joined(pieces: Sequence[str]) -> str:
    """Return pieces of base64, each of which was encoded by itself, as one."""
    if len(pieces) == 1:
        return pieces[0]
    try:
        return base64.b64encode(b"".join(map(base64.b64decode, pieces))).decode()
    except binascii.Error:
        return "".join(pieces)


class BedrockDecoder(EventDecoder["BedrockConverse", Frame]):
    """Turns the bytes of one streamed answer into chunks, and into the response that a plain call would have given."""

    def __init__(self, dialect: BedrockConverse, model: str, request_id: str) -> None:
        super().__init__(dialect, model, request_id)
        self._frames = FrameSplitter()
        self._whole_body: bytearray | None = None
        self._is_begun = False
        self._is_cut = False
        self._blocks: list[_Block] = []
        self._open: dict[int, _Block] = {}
        self._calls = 0
        self._head: dict[str, Any] = {}
        """What stands around the content: stopReason, usage, metrics, trace."""

    def _cut(self, data: bytes) -> list[Frame]:
        if not self._is_begun:
            self._is_begun = True
            # No message of the stream is so long that its first byte would be that of a text.
            self._whole_body = bytearray() if data[0] else None
        if self._whole_body is None:
            return self._frames.feed(data)
        self._whole_body += data
        if len(self._whole_body) > _WHOLE_LIMIT:
            raise ResponseParsingError("", f"the answer is longer than {_WHOLE_LIMIT} bytes and no stream of events", model=self._model or None)
        return []

    def _cut_rest(self) -> tuple[list[Frame], bytes | None]:
        if self._whole_body:
            return [], bytes(self._whole_body)
        self._is_cut = self._frames.finish()
        return [], None

    def _end(self, chunks: list[ChatChunk]) -> list[ChatChunk]:
        """The usage is the last message, but one that is missing makes no answer less whole."""
        if self._is_cut or "stopReason" not in self._head:
            return super()._end(chunks)
        self.done = True
        return chunks

    def _build(self) -> ChatResponse:
        blocks = [block.finished() for block in self._blocks]
        return answer.build(self._dialect, blocks, self._head, self._model, self._request_id, ended="stopReason" in self._head)

    # Messages.

    def _read(self, pieces: Iterator[Frame], chunks: list[ChatChunk]) -> None:
        add = chunks.append
        loads = jsons.loads
        opened = self._open
        for headers, payload in pieces:
            kind = headers.get(":event-type")
            if kind == "contentBlockDelta":
                event = loads(payload)
                block = opened.get(event["contentBlockIndex"])
                text = event["delta"].get("text")
                if text.__class__ is str and block is not None and block.kind == "text":
                    block.pieces["text"].append(text)
                    if text:
                        piece = TextChunk(text, {"contentBlockDelta": event})
                        piece.__class__ = ChatChunk  # type: ignore[assignment]  # a subclass without fields of its own
                        add(piece)
                    continue
                chunk = self._grow(event)
            else:
                chunk = self._on(headers, payload)
            if chunk is not None:
                add(chunk)
            if self.done or self.error is not None:
                return

    def _garbage(self, piece: Frame, error: Exception) -> ProviderError:
        return not_understood(piece[1], error, self._model)

    def _on(self, headers: Mapping[str, object], payload: bytes) -> ChatChunk | None:
        if headers.get(":message-type") in ("exception", "error"):
            self.error = problems.of_message(headers, payload, self._dialect.error_codes, self._model or None)
            return None
        handle = _HANDLERS.get(str(headers.get(":event-type")))
        return None if handle is None else handle(self, jsons.loads(payload))

    def _start(self, event: JSONObject) -> ChatChunk | None:
        index, start = event["contentBlockIndex"], event["start"]
        if not start:
            return None
        kind = answer.name_of(start)
        value = start[kind]
        if not is_object(value):
            raise TypeError(value)
        if kind == "toolUse" and value.get("type") != answer.SERVER:
            call, self._calls = self._calls, self._calls + 1
            identity, name = value.get("toolUseId") or answer.make_id(f"{self._request_id}/{call}"), value["name"]
            if not isinstance(name, str):
                raise TypeError(name)
            self._begin(index, _Block(kind, {**value, "toolUseId": identity}, call))
            delta = ToolCallDelta(call, identity, FunctionDelta(self._dialect.names.get(name, name)))
            return ChatChunk(tool_calls=(delta,), event={"contentBlockStart": event})
        self._begin(index, _Block(kind, value))
        return None

    def _begin(self, index: int, block: _Block) -> _Block:
        self._open[index] = block
        self._blocks.append(block)
        if block.kind == "text":
            block.pieces["text"] = []
        return block

    def _block(self, index: int, kind: str) -> _Block:
        """Return the open block; text and thoughts begin without a word."""
        block = self._open.get(index)
        if block is None or block.kind != kind:
            block = self._begin(index, _Block(kind, {}))
        return block

    def _grow(self, event: JSONObject) -> ChatChunk | None:
        """Read a delta; the usual one, a text for a block that has begun, was read where the messages are."""
        index, delta = event["contentBlockIndex"], event["delta"]
        if not delta:
            return None
        kind = answer.name_of(delta)
        value = delta[kind]
        whole = {"contentBlockDelta": event}
        match kind:
            case "text":
                text = self._block(index, kind).add(kind, value)
                return ChatChunk(text, event=whole) if text else None
            case "toolUse":
                block = self._open[index]
                piece = block.add("input", value["input"])
                if not piece or block.call is None:
                    return None
                return ChatChunk("", None, (ToolCallDelta(block.call, None, FunctionDelta(None, piece)),), None, None, 0, None, whole)
            case "reasoningContent":
                return self._think(self._block(index, kind), value, whole)
            case "citation":
                self._block(index, "text").citations.append(value)
                return None
            case "toolResult" if is_array(value):
                self._block(index, kind).parts += value
                return None
            case _:
                self._block(index, kind).parts.append(value)
                return None

    def _think(self, block: _Block, value: JSONObject, whole: JSONObject) -> ChatChunk | None:
        thought = ""
        for name in ("text", "signature", "redactedContent"):
            if value.get(name) is not None:
                piece = block.add(name, value[name])
                thought = piece if name == "text" else thought
        return ChatChunk("", thought, (), None, None, 0, None, whole) if thought else None

    def _close(self, event: JSONObject) -> ChatChunk | None:
        """A call that has no arguments gets them here."""
        block = self._open.pop(event["contentBlockIndex"], None)
        if block is None or block.call is None or any(block.pieces.get("input", ())):
            return None
        arguments = block.add("input", read_arguments(None))
        return ChatChunk(tool_calls=(ToolCallDelta(block.call, None, FunctionDelta(None, arguments)),), event={"contentBlockStop": event})

    def _stop(self, event: JSONObject) -> ChatChunk | None:
        self._head |= _unpadded(event)
        raw = event["stopReason"]
        self.error = answer.failure_of(self.response())
        if self.error is not None:
            return None
        self.done = "usage" in self._head
        return ChatChunk("", None, (), read_finish(raw, called=self._calls > 0), None, 0, raw, {"messageStop": event})

    def _tell(self, event: JSONObject) -> ChatChunk | None:
        """The usage, which is the end: it comes after the reason."""
        self._head |= _unpadded(event)
        self.done = "stopReason" in self._head
        usage = read_usage(event.get("usage"))
        return None if usage is None else ChatChunk(usage=usage, event={"metadata": event})


def _unpadded(event: JSONObject) -> dict[str, Any]:
    """Return an event without the filler that hides its length."""
    return {key: value for key, value in event.items() if key != _PADDING}


_HANDLERS: Final[Mapping[str, Callable[[BedrockDecoder, JSONObject], ChatChunk | None]]] = {
    "contentBlockStart": BedrockDecoder._start,
    "contentBlockStop": BedrockDecoder._close,
    "messageStop": BedrockDecoder._stop,
    "metadata": BedrockDecoder._tell,
}
