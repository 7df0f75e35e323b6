"""Messages, answers and events that the cases of quirks share."""

from __future__ import annotations

from typing import Any, Final

from llmclient.types.messages import Audio, File, FunctionCall, Image, Message, ReasoningBlock, Text, ToolCall
from tests.quirks.probes import PNG

USER: Final = {"role": "user", "content": "hi"}
DEVELOPER: Final = [{"role": "developer", "content": "Be brief."}, "hi"]
AS_SYSTEM: Final = [{"role": "system", "content": "Be brief."}, USER]
FORMAT: Final = {"type": "json_object"}
STRICT: Final = {"type": "json_schema", "json_schema": {"name": "sum", "strict": True, "schema": {"type": "object", "properties": {}}}}
PICTURE: Final = {"role": "user", "content": [Text("a"), Image(data=PNG, media_type="image/png")]}
REMOTE_PDF: Final = {"role": "user", "content": [Text("a"), File("https://x.test/a.pdf", filename="a.pdf")]}
PDF: Final = {"role": "user", "content": [Text("a"), File(data=b"%PDF-1.4", filename="a.pdf", media_type="application/pdf")]}
SOUND: Final = {"role": "user", "content": [Text("a"), Audio(data=b"RIFF", format="wav", media_type="audio/wav")]}


def call(identity: str) -> ToolCall:
    """Return a call of the tool."""
    return ToolCall(identity, FunctionCall("add", '{"a":1}'))


def wire_call(identity: str) -> dict[str, Any]:
    """Return the same call as it goes out."""
    return {"id": identity, "type": "function", "function": {"name": "add", "arguments": '{"a":1}'}}


BOTH: Final = [
    "add",
    Message("assistant", None, tool_calls=(call("a"), call("b"))),
    Message("tool", "B", tool_call_id="b"),
    Message("tool", "A", tool_call_id="a"),
]
"""Two calls, and their results in another order."""
ASKED: Final = {"role": "user", "content": "add"}
RESULT_A: Final = {"role": "tool", "tool_call_id": "a", "content": "A"}
RESULT_B: Final = {"role": "tool", "tool_call_id": "b", "content": "B"}
THOUGHT: Final = ["add", Message("assistant", None, tool_calls=(call("a"),), reasoning=(ReasoningBlock("hm"),)), Message("tool", "A", tool_call_id="a")]
THOUGHTLESS: Final = ["add", Message("assistant", None, tool_calls=(call("a"),)), Message("tool", "A", tool_call_id="a")]
SPOKEN: Final = ["hi", Message("assistant", "one", reasoning=(ReasoningBlock("hm"),)), "more"]
MORE: Final = {"role": "user", "content": "more"}
AGAIN: Final = ["a", "b"]


def thought_call(**fields: Any) -> list[dict[str, Any]]:
    """Return THOUGHT as it goes out, with the reasoning where the provider wants it."""
    return [ASKED, {"role": "assistant", "content": None, "tool_calls": [wire_call("a")], **fields}, RESULT_A]


def completion(message: dict[str, Any] | None = None, finish: Any = "stop", **top: Any) -> dict[str, Any]:
    """Return a parsed answer."""
    return {"id": "c1", "model": "m-1", "choices": [{"index": 0, "message": message or {"role": "assistant", "content": "hi"}, "finish_reason": finish}], **top}


def event(delta: dict[str, Any] | None, finish: Any = None, **top: Any) -> dict[str, Any]:
    """Return a parsed event of a stream."""
    return {"id": "c1", "choices": [{"index": 0, **({} if delta is None else {"delta": delta}), "finish_reason": finish}], **top}


def usage(prompt: int, out: int, total: int, **more: Any) -> dict[str, Any]:
    """Return counts as OpenAI gives them."""
    return {"prompt_tokens": prompt, "completion_tokens": out, "total_tokens": total, **more}
