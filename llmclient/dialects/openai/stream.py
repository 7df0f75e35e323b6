"""Streamed answers: bytes in, chunks out, and in the end the response that a plain call would have given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs
import orjson

from llmclient.dialects import bodies, failure
from llmclient.dialects.base import truncated
from llmclient.dialects.bodies import ODD_SHAPES
from llmclient.dialects.chunks import TextChunk
from llmclient.dialects.framing import FramedDecoder
from llmclient.dialects.openai import answer
from llmclient.dialects.openai.pieces import ChoicePieces
from llmclient.dialects.openai.usage import find_usage, read_usage, settle_finish
from llmclient.dialects.shapes import is_object
from llmclient.errors import ProviderError, ResponseParsingError
from llmclient.types.chat import ChatChunk, ChatResponse
from llmclient.types.messages import JSONObject
from llmclient.types.usage import Usage
from llmclient.wire import jsons

if TYPE_CHECKING:
    from llmclient.dialects.openai.chat import OpenAIChat

_DONE: Final = b"[DONE]"
_FIRST: Final = frozenset({"id", "model", "created"})
"""Of these the first that says something counts: later events may leave them empty."""
_LATE: Final = ("system_fingerprint", "service_tier", "provider")
"""These may come with any event, and seldom change."""
_PLAIN: Final = frozenset({"id", "object", "created", "model", "choices", "usage", "system_fingerprint", "service_tier", "provider", "obfuscation", "p"})
_PLAIN_CHOICE: Final = frozenset("index delta finish_reason logprobs native_finish_reason content_filter_results matched_stop stop_reason".split())


class OpenAIChatDecoder(FramedDecoder["OpenAIChat"]):
    """Decodes one stream of chat completion chunks.

    An answer is complete at `[DONE]`, or at the end of the body when each choice has its finish reason. Usage is held back
    until then, since hosts send it early, again and again, or alone: it stands on one chunk, the last that had it.
    """

    def __init__(self, dialect: OpenAIChat, model: str, request_id: str) -> None:
        super().__init__(dialect, model, request_id)
        self._choices: dict[int, ChoicePieces] = {}
        self._top: dict[str, Any] = {}
        self._held: ChatChunk | None = None
        self._usage: tuple[Usage | None, JSONObject] | None = None
        self._raw_usage: JSONObject | None = None
        self._named = False
        self._ended = False
        # How many fields the last event had that held nothing but a piece of choice 0's text; 0 when it held more.
        self._width = 0
        self._choice_width = 0

    def _end(self, chunks: list[ChatChunk]) -> list[ChatChunk]:
        """The end marker may be missing, where each choice has its finish reason."""
        if not self._choices or any(choice.finish is None for choice in self._choices.values()):
            return super()._end(chunks)
        self._ended = True
        self._flush(chunks)
        return chunks

    def _build(self) -> ChatResponse:
        """Return the answer of the choices so far; those that have not ended have no finish reason."""
        choices = [self._choices[index].whole(self._ended or self._choices[index].finish is not None) for index in sorted(self._choices)]
        top = dict(self._top)
        if self._raw_usage is not None:
            top["usage"] = self._raw_usage
        made = answer.build(self._dialect, top, choices, self._request_id)
        if self._ended:
            return made
        open_choices = {index for index, choice in self._choices.items() if choice.finish is None or choice.finish == "error"}
        return attrs.evolve(made, choices=tuple(attrs.evolve(c, finish_reason=None) if c.index in open_choices else c for c in made.choices))

    # Events.

    def _take(self, pieces: list[bytes]) -> list[ChatChunk]:
        chunks: list[ChatChunk] = []
        append = chunks.append
        loads = orjson.loads
        piece, frozen = TextChunk, ChatChunk
        before = self.events
        width, choice_width = self._width, self._choice_width
        say = self._choices[0].text.append if width else None
        for count, payload in enumerate(pieces, 1):
            try:
                event = loads(payload)
                # Nearly every event of nearly every stream is one more piece of text; anything odd leaves this way.
                if say is not None and len(event) == width:
                    (choice,) = event["choices"]
                    delta = choice["delta"]
                    if len(choice) == choice_width and choice["finish_reason"] is None and choice["index"] == 0 and "error" not in event:
                        text = delta.get("content")
                        plain = text and text.__class__ is str and (len(delta) == 1 or _is_text(delta))
                        if plain and event.get("usage") is None and choice.get("logprobs") is None:
                            say(text)
                            chunk = piece(text, event)
                            chunk.__class__ = frozen  # type: ignore[assignment]  # the layout is the same
                            append(chunk)
                            continue
            except (KeyError, ValueError, TypeError):
                self.events = before + count
                event = self._reread(payload, chunks)
                if event is None:
                    return chunks
            self.events = before + count
            self._read(event, chunks)
            if self.error is not None:
                return chunks
            width, choice_width = self._width, self._choice_width
            say = self._choices[0].text.append if width else None
        self.events = before + len(pieces)
        return chunks

    def _reread(self, payload: bytes, chunks: list[ChatChunk]) -> Any:
        """Return an event that orjson refused or that is of another shape; None when the stream is over by it."""
        if payload.strip() == _DONE:
            self._finish_with_marker(chunks)
            return None
        try:
            return jsons.loads(payload)
        except ValueError:
            shown = payload[:200].decode("utf-8", "replace")
        self._fail(ResponseParsingError("", f"an event of the stream is not JSON: {shown!r}", model=self._model), chunks)
        return None

    def _read(self, event: Any, chunks: list[ChatChunk]) -> None:
        """Read an event of any shape."""
        try:
            self._read_event(event, chunks)
        except ODD_SHAPES as error:
            failed = bodies.odd(error, self._model, "an event of the stream")
        else:
            return
        self._fail(failed, chunks)

    def _read_event(self, event: Any, chunks: list[ChatChunk]) -> None:
        if not is_object(event):
            self._fail(ResponseParsingError("", f"an event of the stream is a {type(event).__name__}, not an object", model=self._model), chunks)
            return
        width, self._width = self._width, 0
        self._keep_top(event)
        choices = event.get("choices") or ()
        error = None
        if not choices or not event.keys().isdisjoint(answer.FAILING):
            error = failure.find_failure(event, model=self._model, codes=self._dialect.error_codes)
            if not choices and self._dialect.envelope:
                choices = [{"delta": choice["message"], "index": 0} for choice in answer.unwrap(event).get("choices") or ()]
        try:
            made = [chunk for position, choice in enumerate(choices) if (chunk := self._read_choice(event, choice, position, error is not None))]
        except ProviderError as failed:
            made, error = [], failed
        usage = find_usage(event)
        if usage is not None:
            self._hold(made, usage, event, chunks)
        else:
            if made:
                self._release(chunks)
            chunks += made
        if error is not None:
            self._fail(error, chunks)
        elif usage is None:
            self._learn(event, choices, width)

    def _keep_top(self, event: JSONObject) -> None:
        top = self._top
        if self._named and event.keys() <= _PLAIN and all(event.get(name) in (None, top.get(name)) for name in _LATE):
            return
        self._named = all(top.get(name) for name in _FIRST)
        for key, value in event.items():
            if value is None or key in ("choices", "usage", "object", "error"):
                continue
            if key not in _FIRST or (value and not top.get(key)):
                top[key] = value

    def _learn(self, event: JSONObject, choices: Any, width: int) -> None:
        """Note the shape of an event that holds only text of the one choice 0, for the events after it."""
        if len(choices) != 1 or self._held is not None or self._dialect.think_tags or len(self._choices) != 1:
            return
        choice = choices[0]
        if len(event) == width and len(choice) == self._choice_width and choice.get("index") == 0:
            self._width = width
            return
        if not (event.keys() <= _PLAIN and choice.keys() <= _PLAIN_CHOICE and {"finish_reason", "index"} <= choice.keys()):
            return
        if choice["index"] == 0 and choice["finish_reason"] is None and isinstance(choice.get("delta"), dict):
            self._width, self._choice_width = len(event), len(choice)

    def _read_choice(self, event: JSONObject, choice: Any, position: int, failed: bool) -> ChatChunk | None:
        if not is_object(choice):
            raise ResponseParsingError("", f"a choice of the stream is a {type(choice).__name__}, not an object", model=self._model)
        index = choice.get("index")
        pieces = self._pieces(index if isinstance(index, int) else position)
        text, thought, calls, odd = pieces.take(self._delta(choice, pieces))
        if is_object(choice.get("logprobs")):
            pieces.take_logprobs(choice["logprobs"])
        raw = choice.get("finish_reason")
        reason = None
        if isinstance(raw, str) and pieces.finish is None and not failed:
            pieces.raw = raw
            if raw:
                reason = settle_finish(raw, called=bool(pieces.calls), refused=bool(pieces.refusal))
                if reason == "error" and not (pieces.text or pieces.calls):
                    pieces.finish = reason
                    raise answer.failed_choice(choice, raw, self._dialect.error_codes)
                pieces.finish = reason
                if pieces.splitter is not None:
                    held_thought, held_text = pieces.splitter.finish()
                    thought, text = thought + held_thought, text + held_text
        if not (text or thought or calls or odd or reason):
            return None
        return ChatChunk(text, thought or None, calls, reason, None, pieces.index, raw if reason else None, event)

    def _delta(self, choice: JSONObject, pieces: ChoicePieces) -> JSONObject:
        delta = choice.get("delta")
        if is_object(delta):
            return delta
        message = choice.get("message")
        if is_object(message) and not pieces.has_said:
            # The host answers with the whole in one event.
            return message
        return {"content": choice.get("text")}

    def _pieces(self, index: int) -> ChoicePieces:
        pieces = self._choices.get(index)
        if pieces is None:
            seed = f"{self._top.get('id') or self._request_id}/{index}"
            pieces = self._choices[index] = ChoicePieces(index, seed, self._dialect.think_tags)
        return pieces

    # Usage and ends.

    def _hold(self, made: list[ChatChunk], raw: JSONObject, event: JSONObject, chunks: list[ChatChunk]) -> None:
        """Keep the usage of an event back, and its chunk too where that holds nothing that anybody waits for."""
        self._release(chunks)
        usage = read_usage(raw, reasoning_outside=self._dialect.reasoning_outside, cost=event.get("cost"))
        if usage is not None or self._raw_usage is None:
            # One without a count, such as {}, takes nothing back.
            self._raw_usage, self._usage = raw, (usage, event)
        last = made[-1] if made else ChatChunk(event=event)
        if last.text or last.reasoning or last.tool_calls:
            chunks += made
        else:
            chunks += made[:-1]
            self._held = last

    def _release(self, chunks: list[ChatChunk]) -> None:
        """Hand over the chunk that was held back, without its usage, since the stream went on."""
        held, self._held = self._held, None
        if held is not None and held.finish_reason is not None:
            chunks.append(held)

    def _flush(self, chunks: list[ChatChunk]) -> None:
        """Hand over the chunk that was held back, with the final usage."""
        held, self._held = self._held, None
        usage, event = self._usage or (None, {})
        self._usage = None
        if held is None and usage is not None:
            held = ChatChunk(event=event)
        if held is not None and (usage is not None or held.finish_reason is not None):
            chunks.append(attrs.evolve(held, usage=usage))

    def _finish_with_marker(self, chunks: list[ChatChunk]) -> None:
        """The end marker has come: choices that never said why they ended ended for an unknown reason."""
        if not any(choice.has_said or choice.finish is not None for choice in self._choices.values()):
            self._fail(truncated(self.events), chunks)
            return
        for pieces in self._choices.values():
            if pieces.finish is None:
                thought, text = pieces.splitter.finish() if pieces.splitter is not None else ("", "")
                pieces.finish = settle_finish(pieces.raw, called=bool(pieces.calls), refused=bool(pieces.refusal))
                self._release(chunks)
                chunks.append(ChatChunk(text, thought or None, (), pieces.finish, None, pieces.index, pieces.raw))
        self._ended = self.done = True
        self._flush(chunks)

    def _fail(self, error: ProviderError, chunks: list[ChatChunk]) -> list[ChatChunk]:
        """Note the failure, which waits until the chunks before it were handed over."""
        self._flush(chunks)
        return super()._fail(error, chunks)


def _is_text(delta: JSONObject) -> bool:
    """Return whether a delta holds nothing but text: other fields, and the role, come with nothing in them."""
    for key, value in delta.items():  # noqa: SIM110  # a loop is much quicker than a generator here
        if value and key not in ("content", "role"):
            return False
    return True
