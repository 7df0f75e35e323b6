"""One item of an output while it is being streamed."""

from __future__ import annotations

from typing import Any, Final

from llmclient.dialects.responses.answer import thought_of
from llmclient.dialects.responses.replay import CALLS, text_of
from llmclient.dialects.shapes import is_array, is_object
from llmclient.types.messages import JSONObject
from llmclient.wire import jsons

_BREAK: Final = "\n\n"


class Part:
    """A part of a message's content, or of its reasoning."""

    __slots__ = ("annotations", "kind", "logprobs", "text")

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.text: list[str] = []
        self.annotations: list[Any] = []
        self.logprobs: list[Any] = []

    def whole(self) -> dict[str, Any]:
        """Return the part as an answer that is not streamed has it."""
        text = jsons.join(self.text)
        if self.kind == "refusal":
            return {"type": "refusal", "refusal": text}
        out: dict[str, Any] = {"type": self.kind, "text": text}
        if self.annotations:
            out["annotations"] = self.annotations
        if self.logprobs:
            out["logprobs"] = self.logprobs
        return out


class Item:
    """An item of the output: what it was when it began, and what came since."""

    __slots__ = ("arguments", "base", "call", "content", "done", "last", "summary")

    def __init__(self, base: JSONObject) -> None:
        self.base = base
        self.content: dict[int, Part] = {}
        self.summary: dict[int, Part] = {}
        self.arguments: list[str] = []
        self.call: int | None = None
        """Our number of the call that this is."""
        self.done: JSONObject | None = None
        self.last: Part | None = None

    @property
    def kind(self) -> str:
        """The item's type, "" when it has none."""
        kind = self.base.get("type")
        return kind if isinstance(kind, str) else ""

    def part(self, index: int, kind: str) -> Part:
        """Return the part of the content with this number."""
        parts = self.summary if kind == "summary_text" else self.content
        found = parts.get(index)
        if found is None:
            found = parts[index] = Part(kind)
        return found

    def think(self, part: Part, text: str) -> str:
        """Keep a piece of reasoning, and return it with what sets it off from the part before."""
        between = _BREAK if self.last is not None and self.last is not part and self.thought else ""
        self.last = part
        part.text.append(text)
        return between + text

    @property
    def text(self) -> str:
        """The visible text so far."""
        return jsons.join(piece for _, part in sorted(self.content.items()) if part.kind != "refusal" for piece in part.text)

    @property
    def thought(self) -> str:
        """The reasoning so far."""
        return thought_of(self._reasoning())

    def _reasoning(self) -> dict[str, Any]:
        out = {"summary": [part.whole() for _, part in sorted(self.summary.items())]}
        return {**out, "content": [part.whole() for _, part in sorted(self.content.items())]} if self.content else out

    def whole(self) -> JSONObject:
        """Return the item as an answer that is not streamed has it."""
        if self.done is not None:
            return self.done
        if self.kind == "message":
            return {**self.base, "content": [part.whole() for _, part in sorted(self.content.items())]} if self.content else self.base
        if self.kind == "reasoning":
            return {**self.base, **self._reasoning()} if self.summary or self.content else self.base
        if self.kind in CALLS and self.arguments:
            return {**self.base, "input" if self.kind == "custom_tool_call" else "arguments": jsons.join(self.arguments)}
        return self.base

    def missing(self, whole: JSONObject) -> str:
        """Return what a whole item says beyond the pieces that came, "" when it says nothing more or something else."""
        if self.kind == "message":
            said, full = self.text, text_of(whole)
        elif self.kind == "reasoning":
            said, full = self.thought, thought_of(whole)
        else:
            said, full = jsons.join(self.arguments), arguments_of(whole)
        return full[len(said) :] if full.startswith(said) else ""


def arguments_of(item: JSONObject) -> str:
    """Return the arguments of a call, or what its custom tool is given."""
    text = item.get("input" if item.get("type") == "custom_tool_call" else "arguments")
    return text if isinstance(text, str) else ""


def output_of(response: JSONObject) -> list[JSONObject]:
    """Return the items of a response object."""
    output = response.get("output")
    return [item for item in output if is_object(item)] if is_array(output) else []
