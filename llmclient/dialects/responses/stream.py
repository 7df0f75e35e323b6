"""Streamed answers: bytes in, chunks out, and in the end the response that a plain call would have given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import orjson

from llmclient.dialects import bodies
from llmclient.dialects.base import truncated
from llmclient.dialects.bodies import ODD_SHAPES
from llmclient.dialects.chunks import TextChunk
from llmclient.dialects.framing import FramedDecoder
from llmclient.dialects.responses import answer, problems
from llmclient.dialects.responses.pieces import Item, Part, arguments_of, output_of
from llmclient.dialects.responses.replay import CALLS
from llmclient.dialects.shapes import is_object
from llmclient.errors import ProviderError, ResponseParsingError
from llmclient.types.chat import ChatChunk, ChatResponse, FunctionDelta, ToolCallDelta
from llmclient.types.messages import EMPTY, JSONObject
from llmclient.wire import jsons

if TYPE_CHECKING:
    from llmclient.dialects.responses.chat import OpenAIResponses

_TEXT: Final = "response.output_text.delta"
_ENDS: Final = frozenset({"response.completed", "response.incomplete", "response.failed", "response.cancelled"})
_ENVELOPE: Final = frozenset({"type", "response", "sequence_number"})


class ResponsesDecoder(FramedDecoder["OpenAIResponses"]):
    """Decodes one stream of typed events.

    The kind of an event is told by its data alone, since some hosts send no `event:` lines. The answer is complete with the
    event that carries the whole response, and only then; where that leaves the output out, it is what the events before gave.
    """

    def __init__(self, dialect: OpenAIResponses, model: str, request_id: str) -> None:
        super().__init__(dialect, model, request_id)
        self._begun: JSONObject = EMPTY
        self._items: list[Item] = []
        self._by_index: dict[Any, Item] = {}
        self._calls = 0
        # Where the last piece of text belonged, for the pieces after it.
        self._say: Callable[[str], None] | None = None
        self._place: tuple[Any, Any] = (None, None)

    def _end(self, chunks: list[ChatChunk]) -> list[ChatChunk]:
        return self._fail(truncated(self.events, f"the stream ended after {self.events} events without the last"), chunks)

    def _build(self) -> ChatResponse:
        """Return the answer of the items so far; one that has not ended has no finish reason."""
        value = {**self._begun, "output": [item.whole() for item in self._items]}
        return answer.build(self._dialect, value, self._model, self._request_id, ended=False)

    # Events.

    def _take(self, pieces: list[bytes]) -> list[ChatChunk]:
        chunks: list[ChatChunk] = []
        append = chunks.append
        loads = orjson.loads
        piece, frozen, text_type = TextChunk, ChatChunk, _TEXT
        before = self.events
        say, (output_index, content_index) = self._say, self._place
        for count, payload in enumerate(pieces, 1):
            try:
                event = loads(payload)
                # Nearly every event of nearly every stream is one more piece of text; anything odd leaves this way.
                if event["type"] == text_type and say is not None and event["output_index"] == output_index and event["content_index"] == content_index:
                    text = event["delta"]
                    if text and text.__class__ is str and not event.get("logprobs"):
                        say(text)
                        chunk = piece(text, event)
                        chunk.__class__ = frozen  # type: ignore[assignment]  # the layout is the same
                        append(chunk)
                        continue
            except (KeyError, ValueError, TypeError):
                event = self._reread(payload)
            self.events = before + count
            self._read(event, chunks)
            if self._is_over():
                return chunks
            say, (output_index, content_index) = self._say, self._place
        self.events = before + len(pieces)
        return chunks

    def _reread(self, payload: bytes) -> Any:
        """Return an event that orjson refused or that has no type; None for a marker such as [DONE]."""
        try:
            return jsons.loads(payload)
        except ValueError:
            return None if payload.strip() == b"[DONE]" else payload

    def _read(self, event: Any, chunks: list[ChatChunk]) -> None:
        """Read an event of any shape."""
        if event is None:
            return
        try:
            if is_object(event):
                self._read_event(event, chunks)
                return
            shown = event[:200].decode("utf-8", "replace") if isinstance(event, bytes) else str(event)[:200]
            error: ProviderError = ResponseParsingError("", f"an event of the stream is no JSON object: {shown!r}", model=self._model)
        except ODD_SHAPES as odd:
            error = bodies.odd(odd, self._model, "an event of the stream")
        except ProviderError as failed:
            error = failed
        self._fail(error, chunks)

    def _read_event(self, event: JSONObject, chunks: list[ChatChunk]) -> None:
        self._say = None
        kind = event.get("type")
        reader = _READERS.get(kind) if isinstance(kind, str) else None
        if kind in _ENDS:
            self._finish_with(event, chunks)
        elif reader is not None:
            chunk = reader(self, event)
            if chunk is not None:
                chunks.append(chunk)
        elif kind == "error":
            raise problems.of_event(event, self._model, self._dialect.error_codes)
        elif "error" in event and (error := problems.find(event, self._model, self._dialect.error_codes)) is not None:
            raise error
        elif not isinstance(kind, str):
            raise ResponseParsingError("", f"an event of the stream has no type: {str(event)[:200]!r}", model=self._model)

    def _item(self, event: JSONObject, kind: str) -> Item:
        """Return the item that an event is about, by its number: some hosts give it another id in each event."""
        key = event.get("output_index", event.get("item_id"))
        item = self._by_index.get(key)
        if item is None:
            item = self._begin_item(key, {"type": kind, "id": event.get("item_id")})
        return item

    def _begin_item(self, key: Any, base: JSONObject) -> Item:
        item = self._by_index[key] = Item(base)
        self._items.append(item)
        return item

    # Readers of one kind of event; each returns its chunk, None where there is nothing in it.

    def _created(self, event: JSONObject) -> ChatChunk | None:
        response = event.get("response")
        if is_object(response):
            self._begun = {**response, "output": []}
        return None

    def _added(self, event: JSONObject) -> ChatChunk | None:
        item = self._begin_item(event.get("output_index", event["item"].get("id")), event["item"])
        return self._announce(item, event) if item.kind in CALLS else None

    def _announce(self, item: Item, event: JSONObject) -> ChatChunk:
        """Tell of a call: id and name once, and the arguments as far as they are there already."""
        item.call, self._calls = self._calls, self._calls + 1
        identity = answer.call_id(item.base, str(self._begun.get("id") or self._request_id), item.call)
        arguments = arguments_of(item.base)
        if arguments:
            item.arguments.append(arguments)
        kind = "custom" if item.kind == "custom_tool_call" else "function"
        return ChatChunk(tool_calls=(ToolCallDelta(item.call, identity, FunctionDelta(item.base.get("name"), arguments), kind),), event=event)

    def _text(self, event: JSONObject) -> ChatChunk | None:
        part = self._item(event, "message").part(event.get("content_index", 0), "output_text")
        part.logprobs += event.get("logprobs") or ()
        self._say, self._place = part.text.append, (event.get("output_index"), event.get("content_index"))
        text = _delta(event)
        if not text:
            return None
        part.text.append(text)
        return ChatChunk(text, event=event)

    def _refusal(self, event: JSONObject) -> ChatChunk | None:
        self._item(event, "message").part(event.get("content_index", 0), "refusal").text.append(_delta(event))
        return ChatChunk(event=event)

    def _annotation(self, event: JSONObject) -> ChatChunk | None:
        self._item(event, "message").part(event.get("content_index", 0), "output_text").annotations.append(event["annotation"])
        return ChatChunk(event=event)

    def _summary(self, event: JSONObject) -> ChatChunk | None:
        item = self._item(event, "reasoning")
        return self._think(item, item.part(event.get("summary_index", 0), "summary_text"), event)

    def _reasoning(self, event: JSONObject) -> ChatChunk | None:
        item = self._item(event, "reasoning")
        return self._think(item, item.part(event.get("content_index", 0), "reasoning_text"), event)

    def _think(self, item: Item, part: Part, event: JSONObject) -> ChatChunk | None:
        text = _delta(event)
        return ChatChunk(reasoning=item.think(part, text), event=event) if text else None

    def _arguments(self, event: JSONObject) -> ChatChunk | None:
        item = self._item(event, "function_call")
        delta = _delta(event)
        if item.call is None or not delta:
            # The call is told of with its name, which is not here.
            item.arguments += [delta] if delta else ()
            return None
        item.arguments.append(delta)
        kind = "custom" if item.kind == "custom_tool_call" else "function"
        return ChatChunk(tool_calls=(ToolCallDelta(item.call, None, FunctionDelta(None, delta), kind),), event=event)

    def _show(self, event: JSONObject) -> ChatChunk | None:
        """Hand over an event whose content only the caller knows what to do with, such as a first sketch of a picture."""
        return ChatChunk(event=event)

    def _done_item(self, event: JSONObject) -> ChatChunk | None:
        whole = event["item"]
        key = event.get("output_index", whole.get("id"))
        item = self._by_index.get(key)
        if item is None or item.done is not None:
            item = self._begin_item(key, whole)
        return self._complete(item, whole, event)

    def _complete(self, item: Item, whole: JSONObject, event: JSONObject) -> ChatChunk | None:
        """Take an item as it is in the end, and hand over what its pieces left out."""
        missing = item.missing(whole)
        item.done = whole
        match item.kind:
            case "message":
                return ChatChunk(missing, event=event) if missing else None
            case "reasoning":
                return ChatChunk(reasoning=missing, event=event) if missing else None
            case "function_call" | "custom_tool_call":
                return self._complete_call(item, whole, missing, event)
            case _:
                return ChatChunk(event=event)

    def _complete_call(self, item: Item, whole: JSONObject, missing: str, event: JSONObject) -> ChatChunk | None:
        if item.call is None:
            item.base, item.arguments = whole, []
            return self._announce(item, event)
        if not missing:
            return None
        item.arguments.append(missing)
        kind = "custom" if item.kind == "custom_tool_call" else "function"
        return ChatChunk(tool_calls=(ToolCallDelta(item.call, None, FunctionDelta(None, missing), kind),), event=event)

    # The end.

    def _finish_with(self, event: JSONObject, chunks: list[ChatChunk]) -> None:
        """Read the event that carries the whole response; raises the error that it reports."""
        given = event["response"]
        value = {**given, **{key: item for key, item in event.items() if key not in _ENVELOPE}}
        if value.get("status") is None:
            value["status"] = event["type"].rpartition(".")[2]
        output = output_of(given)
        if not output:
            value["output"] = [item.whole() for item in self._items]
        whole = answer.read(self._dialect, value, self._model, self._request_id, b"")
        left = list(self._items)
        chunks += [chunk for final in output if (chunk := self._catch_up(final, left, event)) is not None]
        choice = whole.choices[0]
        chunks.append(ChatChunk(finish_reason=choice.finish_reason, usage=whole.usage, finish_reason_raw=choice.finish_reason_raw, event=event))
        self._whole, self.done = whole, True

    def _catch_up(self, final: JSONObject, left: list[Item], event: JSONObject) -> ChatChunk | None:
        """Hand over what only the last event tells of an item; `left` are those that no other final item is the end of."""
        same = [item for item in left if item.kind == final.get("type")]
        item = next((item for item in same if item.base.get("id") == final.get("id")), same[0] if same else None)
        if item is None:
            item = self._begin_item(None, final)
        else:
            left.remove(item)
        return None if item.done is not None else self._complete(item, final, event)


def _delta(event: JSONObject) -> str:
    """Return the piece of an event; raises TypeError when it is no text."""
    piece = event["delta"]
    if not isinstance(piece, str):
        raise TypeError(f"a delta is a {type(piece).__name__}")
    return piece


_READERS: Final[Mapping[str, Callable[[ResponsesDecoder, JSONObject], ChatChunk | None]]] = {
    "response.created": ResponsesDecoder._created,
    "response.in_progress": ResponsesDecoder._created,
    "response.queued": ResponsesDecoder._created,
    "response.output_item.added": ResponsesDecoder._added,
    "response.output_item.done": ResponsesDecoder._done_item,
    _TEXT: ResponsesDecoder._text,
    "response.refusal.delta": ResponsesDecoder._refusal,
    "response.output_text.annotation.added": ResponsesDecoder._annotation,
    "response.reasoning_summary_text.delta": ResponsesDecoder._summary,
    "response.reasoning_text.delta": ResponsesDecoder._reasoning,
    "response.function_call_arguments.delta": ResponsesDecoder._arguments,
    "response.custom_tool_call_input.delta": ResponsesDecoder._arguments,
    "response.image_generation_call.partial_image": ResponsesDecoder._show,
    "response.code_interpreter_call_code.delta": ResponsesDecoder._show,
}
