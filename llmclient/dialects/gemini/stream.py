"""Streamed answers: bytes in, chunks out, and in the end the response that a plain call would have given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import attrs
import orjson

from llmclient.dialects.bodies import show
from llmclient.dialects.chunks import TextChunk
from llmclient.dialects.decoding import StreamDecoder
from llmclient.dialects.gemini import answer
from llmclient.dialects.gemini.framing import EventSplitter, ObjectSplitter
from llmclient.dialects.gemini.pieces import CandidatePieces
from llmclient.dialects.gemini.usage import fold_usage, read_finish, read_usage
from llmclient.dialects.shapes import is_object
from llmclient.errors import ProviderError, ResponseParsingError
from llmclient.types.chat import ChatChunk, ChatResponse, ToolCallDelta
from llmclient.types.messages import JSONObject

if TYPE_CHECKING:
    from llmclient.dialects.gemini.chat import GeminiChat

_BLANK: Final = b" \t\r\n\xef\xbb\xbf"
_FIRST: Final = b":deir{["
"""How bodies begin: an event stream with a comment, data, event, id or retry; others with an object or an array."""
_SHOWN: Final = 800
_PLAIN: Final = frozenset({"candidates", "usageMetadata", "modelVersion", "responseId", "createTime"})
_PLAIN_CANDIDATE: Final = frozenset({"content", "index"})
_LONG_NUMBER: Final = b'"functionCall"'


class GeminiChatDecoder(StreamDecoder["GeminiChat", bytes]):
    """Decodes one stream of GenerateContentResponse objects.

    There is no end marker: an answer is complete at the end of the body when each candidate has its finish reason. Some models
    say STOP with every event, and may take it back. So reasons, and the usage, which each event holds so far, wait until the end.
    """

    def __init__(self, dialect: GeminiChat, model: str, request_id: str) -> None:
        super().__init__(dialect, model, request_id)
        self._source: EventSplitter | ObjectSplitter | None = None
        self._garbage = bytearray()
        self._candidates: dict[int, CandidatePieces] = {}
        self._top: dict[str, Any] = {}
        self._usage: dict[str, Any] = {}
        self._last: JSONObject | None = None
        self._ended = False
        # The shape of the last event that held nothing but a piece of candidate 0's text; 0 when there was none.
        self._width = 0
        self._candidate_width = 0

    def _cut(self, data: bytes) -> list[bytes]:
        if self._source is None:
            data = self._begin(data)
        return [] if self._source is None or self._ended else self._source.feed(data)

    def _cut_rest(self) -> tuple[list[bytes], bytes | None]:
        if self._garbage:
            raise answer.unreadable(bytes(self._garbage), self._model)
        return self._source.finish() if isinstance(self._source, EventSplitter) else [], None

    def _end(self, chunks: list[ChatChunk]) -> list[ChatChunk]:
        if not self._candidates or any(candidate.finish is None for candidate in self._candidates.values()):
            return super()._end(chunks)
        self._ended = True
        usage, last = read_usage(self._usage), max(self._candidates)
        for index in sorted(self._candidates):
            pieces = self._candidates[index]
            reason = read_finish(pieces.finish, called=bool(pieces.calls))
            calls = tuple(pieces.close_call())
            end = ChatChunk("", None, calls, reason, None, index, pieces.finish, pieces.event)
            chunks.append(end if index != last else attrs.evolve(end, usage=usage, event=self._last or pieces.event))
        return chunks

    def _build(self) -> ChatResponse:
        """Return the answer of the candidates so far; those that have not ended have no finish reason."""
        candidates = [self._candidates[index].whole() for index in sorted(self._candidates)]
        value = {**self._top, "candidates": candidates, "usageMetadata": self._usage}
        return answer.build(self._dialect, value, self._model, self._request_id, whole=self._ended)

    def _is_over(self) -> bool:
        return self.error is not None or self._ended

    def _begin(self, data: bytes) -> bytes:
        """Find out by the first byte that says something what the body is, and return what there is to read of it."""
        start = data if self._garbage else data.lstrip(_BLANK)
        if self._garbage or start[:1] not in _FIRST:
            self._garbage += start[: _SHOWN - len(self._garbage)]
        elif start:
            self._source = ObjectSplitter() if start[:1] in b"{[" else EventSplitter()
        return start

    # Events.

    def _take(self, pieces: list[bytes]) -> list[ChatChunk]:
        chunks: list[ChatChunk] = []
        append, loads = chunks.append, orjson.loads
        piece, frozen = TextChunk, ChatChunk
        usages: list[JSONObject] = []
        width, candidate_width, say = self._width, self._candidate_width, self._say()
        event: Any = None
        for count, payload in enumerate(pieces, 1):
            try:
                event = loads(payload)
                # Nearly every event of nearly every stream is one more piece of text; anything odd leaves this way.
                if say is not None and len(event) == width:
                    (candidate,) = event["candidates"]
                    if len(candidate) == candidate_width and "finishReason" not in candidate and not candidate.get("index"):
                        (part,) = candidate["content"]["parts"]
                        text = part["text"]
                        if text and len(part) == 1 and text.__class__ is str and "error" not in event:
                            usages.append(event["usageMetadata"])
                            say(text)
                            chunk = piece(text, event)
                            chunk.__class__ = frozen  # type: ignore[assignment]  # the layout is the same
                            append(chunk)
                            continue
            except (KeyError, ValueError, TypeError):
                event = self._reread(payload)
            self._fold(usages)
            self._read(event, payload, chunks)
            if self.error is not None:
                self.events += count
                break
            width, candidate_width, say = self._width, self._candidate_width, self._say()
        else:
            self.events += len(pieces)
        if usages:
            self._fold(usages)
            self._last = event
        return chunks

    def _fold(self, usages: list[JSONObject]) -> None:
        """Add what events of text have used, before that of an event after them."""
        if usages:
            fold_usage(self._usage, usages)
            usages.clear()

    def _say(self) -> Any:
        return self._candidates[0].run.append if self._width else None

    def _reread(self, payload: bytes) -> Any:
        try:
            return answer.loads(payload)
        except ValueError:
            return None

    def _read(self, event: Any, payload: bytes, chunks: list[ChatChunk]) -> None:
        """Read an event of any shape."""
        self._width = 0
        if not is_object(event):
            if b"\n" in payload:
                # A middleman took the blank lines away, so that events became lines of one.
                for line in payload.split(b"\n"):
                    if self.error is None:
                        self._read(self._reread(line), line, chunks)
                return
            self._fail(ResponseParsingError("", f"an event of the stream is no JSON object: {show(payload)}", model=self._model), chunks)
            return
        if _LONG_NUMBER in payload:
            event = answer.loads(payload)
        self._keep_top(event)
        error = answer.find_error(event, self._model)
        candidates = answer.array_of(event.get("candidates"))
        try:
            for position, candidate in enumerate(candidates):
                chunk = self._read_candidate(event, candidate, position)
                if chunk is not None:
                    chunks.append(chunk)
        except ProviderError as failed:
            error = failed
        if error is not None:
            self._fail(error, chunks)
        else:
            self._learn(event, candidates)

    def _keep_top(self, event: JSONObject) -> None:
        usage = event.get("usageMetadata")
        if is_object(usage):
            fold_usage(self._usage, (usage,))
            self._last = event
        top = self._top
        for key, value in event.items():
            if value is not None and key not in ("candidates", "usageMetadata", "error"):
                top.setdefault(key, value)

    def _read_candidate(self, event: JSONObject, candidate: Any, position: int) -> ChatChunk | None:
        if not is_object(candidate):
            raise ResponseParsingError("", f"a candidate of the stream is a {type(candidate).__name__}, not an object", model=self._model)
        index = candidate.get("index")
        pieces = self._pieces(index if isinstance(index, int) else position)
        text, thought, calls, odd = _take_parts(pieces, answer.parts_of(candidate), self._model)
        pieces.take_fields(candidate)
        if candidate.get("finishReason") and pieces.finish is not None:
            pieces.event = event
            calls += pieces.close_call()
            if read_finish(pieces.finish, called=bool(pieces.calls)) == "error" and not pieces.has_said:
                raise answer.failed(candidate, pieces.finish, self._model)
        if not (text or thought or calls or odd):
            return None
        return ChatChunk(text, thought or None, tuple(calls), index=pieces.index, event=event)

    def _pieces(self, index: int) -> CandidatePieces:
        pieces = self._candidates.get(index)
        if pieces is None:
            seed = f"{self._top.get('responseId') or self._request_id}/{index}"
            pieces = self._candidates[index] = CandidatePieces(index, seed)
        return pieces

    def _learn(self, event: JSONObject, candidates: Sequence[Any]) -> None:
        """Note the shape of an event that holds only text of the one candidate 0, for the events after it."""
        if len(candidates) != 1 or len(self._candidates) != 1 or not event.keys() <= _PLAIN or "usageMetadata" not in event:
            return
        candidate, pieces = candidates[0], self._candidates.get(0)
        if pieces is not None and pieces.run and not pieces.is_thought and pieces.finish is None and candidate.keys() <= _PLAIN_CANDIDATE:
            self._width, self._candidate_width = len(event), len(candidate)


def _take_parts(pieces: CandidatePieces, parts: Sequence[Any], model: str) -> tuple[str, str, list[ToolCallDelta], bool]:
    """Return the new text, thought and calls, and whether there is anything else to see."""
    text, thought, odd = "", "", False
    calls: list[ToolCallDelta] = []
    for part in parts:
        if not is_object(part):
            raise ResponseParsingError("", f"a part of the stream is a {type(part).__name__}, not an object", model=model)
        if part.get("thought"):
            thought += pieces.take_text(part, thought=True)
        elif is_object(part.get("functionCall")):
            calls += pieces.take_call(part)
        elif "text" in part:
            text += pieces.take_text(part, thought=False)
        else:
            pieces.take_other(part)
            odd = odd or "inlineData" in part or "fileData" in part
    return text, thought, calls, odd
