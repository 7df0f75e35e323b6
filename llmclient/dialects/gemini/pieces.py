"""What has come of one candidate of a stream: parts, some of them in pieces."""

from __future__ import annotations

import functools
import itertools
import re
from typing import Any, Final, cast

from llmclient.dialects.gemini.answer import write_arguments
from llmclient.dialects.gemini.usage import finish_word
from llmclient.dialects.openai.answer import make_id
from llmclient.dialects.shapes import is_array, is_object
from llmclient.errors import ResponseParsingError
from llmclient.types.chat import FunctionDelta, ToolCallDelta
from llmclient.types.messages import EMPTY, JSONObject
from llmclient.wire import jsons

Wire = dict[str, Any]

_PLAIN: Final = frozenset({"text", "thought"})
_VALUES: Final = ("stringValue", "numberValue", "boolValue")
_GROWS: Final = ("chosenCandidates", "topCandidates")


@functools.cache
def _step() -> re.Pattern[str]:
    return re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\['((?:[^'\\]|\\.)*)'\]|\[\"((?:[^\"\\]|\\.)*)\"\]")


class CandidatePieces:
    """One candidate. Pieces of text are joined; a part that is signed stays by itself, in its place."""

    def __init__(self, index: int, seed: str) -> None:
        self.index = index
        self.run: list[str] = []
        """The text since the last part of another kind."""
        self.is_thought = False
        """Whether that text is thought."""
        self.finish: str | None = None
        self.event: JSONObject = EMPTY
        """The event that told why the candidate ended."""
        self.calls = 0
        self._seed = seed
        self._parts: list[JSONObject] = []
        self._fields: Wire = {}
        self._open: Wire | None = None

    @property
    def has_said(self) -> bool:
        """Whether there is an answer, be it a part of one."""
        return bool(self.calls or (self.run and not self.is_thought) or any(_says(part) for part in self._parts))

    def take_text(self, part: JSONObject, *, thought: bool) -> str:
        """Keep a part of text, and return its text."""
        text = part.get("text") or ""
        if part.keys() <= _PLAIN:
            if text:
                if self.is_thought is not thought:
                    self._close_run()
                    self.is_thought = thought
                self.run.append(text)
        else:
            self.take_other(part)
        return text if isinstance(text, str) else ""

    def take_other(self, part: JSONObject) -> None:
        """Keep a part of any kind as it came."""
        self._close_run()
        self._parts.append(part)

    def take_call(self, part: JSONObject) -> list[ToolCallDelta]:
        """Keep a call, or a piece of one, and return what is new of it; raises ResponseParsingError for a call without a name."""
        call = part["functionCall"]
        name = call.get("name")
        deltas: list[ToolCallDelta] = []
        if name:
            deltas += self.close_call()
            self._close_run()
            is_whole = not (call.get("willContinue") or call.get("partialArgs"))
            deltas.append(self._begin_call(part, call, str(name), write_arguments(call.get("args")) if is_whole else ""))
            if is_whole:
                self._open = None
                return deltas
        elif self._open is None:
            raise ResponseParsingError("", "a function call of the stream names no function")
        self._grow(call)
        return deltas if call.get("willContinue") else deltas + self.close_call()

    def _begin_call(self, part: JSONObject, call: JSONObject, name: str, arguments: str) -> ToolCallDelta:
        kept = {key: item for key, item in call.items() if key not in ("partialArgs", "willContinue")}
        self._open = {**part, "functionCall": kept}
        self._parts.append(self._open)
        identity = call.get("id") or make_id(self._seed, self.calls)
        self.calls += 1
        return ToolCallDelta(self.calls - 1, str(identity), FunctionDelta(name, arguments))

    def _grow(self, call: JSONObject) -> None:
        if self._open is None:
            return
        function = self._open["functionCall"]
        args = function.setdefault("args", {})
        for piece in call.get("partialArgs") or ():
            _put(args, str(piece.get("jsonPath") or ""), next((piece[name] for name in _VALUES if name in piece), None))

    def close_call(self) -> list[ToolCallDelta]:
        """The call that came in pieces is whole: return its arguments."""
        if self._open is None:
            return []
        args = self._open["functionCall"].get("args")
        self._open = None
        return [ToolCallDelta(self.calls - 1, None, FunctionDelta(None, write_arguments(args)))]

    def take_fields(self, candidate: JSONObject) -> None:
        """Keep what else an event says of the candidate: the last of each, but log probabilities come token by token."""
        for key, value in candidate.items():
            if key == "finishReason":
                self.finish = finish_word(value) or self.finish
            elif key == "logprobsResult" and is_object(value):
                self._fields[key] = _append(self._fields.get(key), value)
            elif key not in ("content", "index") and value is not None:
                self._fields[key] = value

    def _close_run(self) -> None:
        if self.run:
            self._parts.append(self._run_part())
            self.run.clear()

    def _run_part(self) -> Wire:
        text = {"text": jsons.join(self.run)}
        return {**text, "thought": True} if self.is_thought else text

    def whole(self) -> Wire:
        """Return the candidate as a plain answer would hold it."""
        parts = [*self._parts, self._run_part()] if self.run else list(self._parts)
        out = {"content": {"role": "model", "parts": parts}, "index": self.index, **self._fields}
        return out if self.finish is None else {**out, "finishReason": self.finish}


def _says(part: JSONObject) -> bool:
    return not part.get("thought") and bool(part.get("text") or part.keys() - {"text", "thoughtSignature"})


def _append(before: Any, value: JSONObject) -> JSONObject:
    if not is_object(before):
        return value
    return {**before, **value, **{name: [*(before.get(name) or ()), *(value.get(name) or ())] for name in _GROWS}}


def _put(args: Wire, path: str, value: Any) -> None:
    """Set the value at a path such as `$.place.lines[0]`; a string goes on where one stands already."""
    steps: list[str | int] = [int(number) if number else name or single or double for name, number, single, double in _step().findall(path)]
    if not steps:
        raise ResponseParsingError("", f"a piece of a function call has the path {path!r}")
    holder: Any = args
    for step, after in itertools.pairwise(steps):
        if not (is_object(_get(holder, step)) or is_array(_get(holder, step))):
            _set(holder, step, [] if isinstance(after, int) else {})
        holder = _get(holder, step)
    before = _get(holder, steps[-1])
    _set(holder, steps[-1], before + value if isinstance(before, str) and isinstance(value, str) else value)


def _get(holder: Any, step: str | int) -> Any:
    if is_array(holder):
        return holder[step] if isinstance(step, int) and step < len(holder) else None
    return holder.get(str(step))


def _set(holder: Any, step: str | int, value: Any) -> None:
    if not is_array(holder):
        holder[str(step)] = value
    elif not isinstance(step, int) or step > len(holder):
        raise ResponseParsingError("", "the pieces of a function call do not fit together")
    else:
        cast("list[Any]", holder)[step : step + 1] = [value]
