"""The pieces of one streamed choice, and the message that they make up."""

from __future__ import annotations

import base64
from typing import Any, Final

from llmclient.dialects.openai.answer import NOISE, details_text, make_id, read_content, reasoning_of, write_json
from llmclient.dialects.openai.thoughts import TagSplitter
from llmclient.dialects.shapes import is_array, is_object, read_text
from llmclient.types.chat import FinishReason, FunctionDelta, ToolCallDelta
from llmclient.types.messages import EMPTY, JSONObject
from llmclient.wire import jsons

_KNOWN: Final = (
    frozenset("role content name tool_calls function_call refusal audio annotations reasoning reasoning_content reasoning_text reasoning_details".split())
    | NOISE
)
_USUAL: Final = frozenset({"role", "content", "tool_calls", "reasoning", "reasoning_content", "reasoning_text", "reasoning_details"})
_JOINED: Final = frozenset({"text", "summary", "data"})


class CallPieces:
    """One tool call, as far as it has come."""

    __slots__ = ("arguments", "extra", "id", "kind", "name", "order")

    def __init__(self, order: int, given: str, made: str) -> None:
        self.order = order
        self.id = given or made
        self.name = ""
        self.kind = "function"
        self.arguments: list[str] = []
        self.extra: dict[str, Any] = {}

    @property
    def is_whole(self) -> bool:
        """Whether the arguments so far are a JSON value of their own."""
        text = "".join(self.arguments)
        if not text.rstrip().endswith("}"):
            return False
        try:
            jsons.loads(text)
        except ValueError:
            return False
        return True

    def whole(self) -> dict[str, Any]:
        """Return the call in the shape of an unstreamed answer."""
        text = jsons.join(self.arguments)
        function = {"name": self.name, "input": text} if self.kind == "custom" else {"name": self.name, "arguments": text}
        return {"id": self.id, "type": self.kind, "custom" if self.kind == "custom" else "function": function, **self.extra}


class ChoicePieces:
    """One choice, as far as it has come."""

    __slots__ = (
        "_audio", "_by_id", "_by_index", "_details", "_extra", "_logprobs", "_role", "_seed", "annotations", "calls", "finish", "index", "raw",
        "reasoning", "refusal", "splitter", "text",
    )  # fmt: skip

    def __init__(self, index: int, seed: str, think_tags: bool) -> None:
        self.index = index
        self.text: list[str] = []
        self.reasoning: list[str] = []
        self.refusal: list[str] = []
        self.annotations: list[Any] = []
        self.calls: list[CallPieces] = []
        self.finish: FinishReason | None = None
        self.raw: str | None = None
        self.splitter = TagSplitter() if think_tags else None
        self._seed = seed
        self._role = ""
        self._by_index: dict[int, CallPieces] = {}
        self._by_id: dict[str, CallPieces] = {}
        self._details: list[dict[str, Any]] = []
        self._audio: dict[str, Any] = {}
        self._logprobs: dict[str, list[Any]] = {}
        self._extra: dict[str, Any] = {}

    @property
    def has_said(self) -> bool:
        """Whether anything but a role has come."""
        return bool(self.text or self.calls or self.reasoning or self.refusal or self._audio or self.annotations)

    def take(self, delta: JSONObject) -> tuple[str, str, tuple[ToolCallDelta, ...], bool]:
        """Keep a delta; return its text, its reasoning, its pieces of calls, and whether there is anything else to see in it."""
        text, thought = self._take_text(delta)
        details = delta.get("reasoning_details")
        if details:
            self._take_details(details)
            if not thought:
                thought = details_text(details)
                self.reasoning.append(thought)
        calls: tuple[ToolCallDelta, ...] = ()
        if delta.get("tool_calls"):
            calls = tuple([piece for call in delta["tool_calls"] if (piece := self._take_call(call)) is not None])
        elif delta.get("function_call"):
            piece = self._take_call({"index": 0, "function": delta["function_call"]})
            calls = () if piece is None else (piece,)
        return text, thought, calls, self._take_rest(delta)

    def _take_text(self, delta: JSONObject) -> tuple[str, str]:
        content = delta.get("content")
        thought = reasoning_of(delta)
        text = content if isinstance(content, str) else ""
        if content and not isinstance(content, str):
            visible, within = read_content(content)
            text = visible if isinstance(visible, str) else ""
            thought = thought or within
        if thought:
            self.reasoning.append(thought)
        if text:
            self.text.append(text)
            if self.splitter is not None:
                tagged, text = self.splitter.feed(text)
                thought += tagged
        return text, thought

    def _take_rest(self, delta: JSONObject) -> bool:
        if delta.keys() <= _USUAL and (self._role or "role" not in delta):
            return False
        seen = False
        self._role = self._role or read_text(delta.get("role")) or ""
        if refusal := read_text(delta.get("refusal")):
            self.refusal.append(refusal)
            seen = True
        if is_array(annotations := delta.get("annotations")) and annotations:
            self.annotations.extend(annotations)
            seen = True
        if is_object(audio := delta.get("audio")) and audio:
            self._take_audio(audio)
            seen = True
        for key in delta.keys() - _KNOWN:
            value = delta[key]
            if is_array(value):
                before = self._extra.get(key)
                self._extra[key] = [*(before if is_array(before) else ()), *value]
            elif value is not None:
                self._extra[key] = value
        return seen

    def _take_details(self, details: list[Any]) -> None:
        """Join OpenRouter's reasoning details: what shares type and index is one, of which each event brings a piece."""
        for item in details:
            if not is_object(item):
                continue
            last = self._details[-1] if self._details else None
            if last is None or last.get("type") != item.get("type") or last.get("index") != item.get("index"):
                self._details.append({key: [value] if key in _JOINED and isinstance(value, str) else value for key, value in item.items()})
                continue
            for key, value in item.items():
                if key in _JOINED and isinstance(value, str):
                    pieces = last.get(key)
                    last[key] = [*pieces, value] if is_array(pieces) else [value]
                elif value is not None:
                    last[key] = value

    def _take_audio(self, audio: JSONObject) -> None:
        for key, value in audio.items():
            if key in ("data", "transcript") and isinstance(value, str):
                self._audio.setdefault(key, []).append(value)
            elif value is not None:
                self._audio[key] = value

    def take_logprobs(self, logprobs: JSONObject) -> None:
        """Keep the log probabilities of one event."""
        for key, value in logprobs.items():
            if is_array(value):
                self._logprobs.setdefault(key, []).extend(value)

    # Calls.

    def _take_call(self, call: Any) -> ToolCallDelta | None:
        """Return what is new in a piece of a call; id and name are told once."""
        if not is_object(call):
            return None
        function = next((part for part in (call.get("function"), call.get("custom")) if is_object(part)), EMPTY)
        name = read_text(function.get("name")) or ""
        pieces, is_new = self._find_call(call, read_text(call.get("id")) or "", name)
        told = ""
        if name and not pieces.name:
            pieces.name = told = name
        arguments = function.get("arguments", function.get("input"))
        arguments = arguments if isinstance(arguments, str) else "" if arguments is None else write_json(arguments)
        if arguments:
            pieces.arguments.append(arguments)
        pieces.kind = read_text(call.get("type")) or pieces.kind
        for key in call.keys() - {"id", "type", "function", "custom", "index"}:
            if call[key] is not None:
                pieces.extra[key] = call[key]
        if not (is_new or told or arguments):
            return None
        return ToolCallDelta(pieces.order, pieces.id if is_new else None, FunctionDelta(told or None, arguments), pieces.kind)

    def _find_call(self, call: JSONObject, given: str, name: str) -> tuple[CallPieces, bool]:
        """Find the call that a piece belongs to.

        Hosts repeat the id or leave it out or send "", number all calls 0, or give no number at all. A name that comes again
        begins another call when the id is another, or when there is none and the call before is whole.
        """
        index = call.get("index")
        found: CallPieces | None
        if isinstance(index, int):
            found = self._by_index.get(index)
        else:
            found = self._by_id.get(given) if given else self.calls[-1] if self.calls else None
        if found is not None and not self._begins_another(found, given, name):
            return found, False
        order = len(self.calls)
        new = CallPieces(order, given, make_id(self._seed, order))
        self.calls.append(new)
        if isinstance(index, int):
            self._by_index[index] = new
        if given:
            self._by_id[given] = new
        return new, True

    def _begins_another(self, call: CallPieces, given: str, name: str) -> bool:
        if not name or not call.name:
            return False
        if given:
            return given != call.id
        return call.is_whole

    # The whole.

    def whole(self, ended: bool) -> dict[str, Any]:
        """Return the choice in the shape of an unstreamed answer."""
        message: dict[str, Any] = {"role": self._role or "assistant", "content": jsons.join(self.text) if self.text or not self.calls else None}
        message.update(self._extra)
        if self.reasoning:
            message["reasoning_content"] = jsons.join(self.reasoning)
        if self._details:
            message["reasoning_details"] = [
                {key: jsons.join(value) if key in _JOINED and is_array(value) else value for key, value in item.items()} for item in self._details
            ]
        if self.refusal:
            message["refusal"] = "".join(self.refusal)
        if self.annotations:
            message["annotations"] = self.annotations
        if self._audio:
            message["audio"] = _join_audio(self._audio)
        if self.calls:
            message["tool_calls"] = [call.whole() for call in self.calls]
        failed = self.finish == "error" and not (self.text or self.calls)
        raw = self.raw if ended and not failed else None
        return {"index": self.index, "message": message, "finish_reason": raw, "logprobs": self._logprobs or None}


def _join_audio(audio: dict[str, Any]) -> dict[str, Any]:
    out = {key: "".join(value) if key == "transcript" else value for key, value in audio.items()}
    if "data" in audio:
        out["data"] = _join_base64(audio["data"])
    return out


def _join_base64(pieces: list[str]) -> str:
    """Each piece may end in padding of its own."""
    if not any("=" in piece for piece in pieces[:-1]):
        return "".join(pieces)
    try:
        return base64.b64encode(b"".join(base64.b64decode(piece) for piece in pieces)).decode("ascii")
    except ValueError:
        return "".join(pieces)
