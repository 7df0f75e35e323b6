"""Reads recorded exchanges in OpenAI's shape in the plainest way, so that the library has something to agree with.

Written apart from the library on purpose: nothing of it is imported here, and where the two differ one of them is wrong.
"""

from __future__ import annotations

import json
import pathlib
from typing import Any, NamedTuple

SPEAKERS = frozenset(
    "openai openrouter mistral azure_openai deepseek groq xai ollama llamacpp gateway_vercel zai doubleword venice cerebras azure_ai huggingface "
    "perplexity ollama_cloud gpustack databricks github_copilot writer avian cloudflare together crusoe mistralrs snowflake dashscope gateway_litellm "
    "vllm bedrock_mantle anthropic gateway_mirascope gateway_portkey gateway_pydantic gemini voyage".split()
)


class Told(NamedTuple):
    """What an answer says."""

    text: str
    reasoning: bool
    calls: tuple[tuple[str, Any], ...]
    finish: str | None
    prompt: int | None
    completion: int | None


def rows(folder: pathlib.Path, apis: frozenset[str], operations: frozenset[str]) -> list[dict[str, Any]]:
    """Return the index rows of the exchanges in OpenAI's shape."""
    with (folder / "wire" / "index.jsonl").open(encoding="utf-8") as lines:
        found = [json.loads(line) for line in lines]
    shaped = [row for row in found if row["provider"] in SPEAKERS and row["api"] in apis and row["operation"] in operations]
    # Ollama's own chat has another shape; the same provider speaks OpenAI's as well.
    return [row for row in shaped if (row["provider"], row["operation"]) != ("ollama", "chat")]


def exchange(folder: pathlib.Path, row: dict[str, Any]) -> dict[str, Any]:
    """Return one recorded exchange."""
    return json.loads((folder / "wire" / row["path"]).read_text(encoding="utf-8"))


def events(body: str) -> list[dict[str, Any]]:
    """Return the parsed events of a recorded stream."""
    found = []
    for block in body.replace("\r\n", "\n").split("\n\n"):
        data = "\n".join(line[5:].strip() for line in block.split("\n") if line.startswith("data:"))
        if data and data != "[DONE]":
            found.append(json.loads(data))
    return found


def answer(body: str) -> Told:
    """Return what an unstreamed answer says."""
    value = json.loads(body)
    choice = value["choices"][0]
    message = choice["message"]
    calls = [call["function"] for call in message.get("tool_calls") or []]
    legacy = message.get("function_call") or {}
    if not calls and legacy.get("name"):
        calls = [legacy]
    usage = value.get("usage") or {}
    return Told(
        visible(message.get("content")),
        bool(thought(message)),
        tuple((call["name"], arguments(call.get("arguments"))) for call in calls),
        choice.get("finish_reason"),
        usage.get("prompt_tokens"),
        usage.get("completion_tokens"),
    )


def stream(body: str) -> Told:
    """Return what a streamed answer says, all its pieces together."""
    text = ""
    finish = None
    thoughts = False
    calls: list[dict[str, str]] = []
    usage: dict[str, Any] = {}
    for event in events(body):
        usage = event.get("usage") or (event.get("x_groq") or {}).get("usage") or usage
        for choice in event.get("choices") or []:
            if choice.get("index", 0) != 0:
                continue
            delta = choice.get("delta") or {}
            text += visible(delta.get("content"))
            thoughts = thoughts or bool(thought(delta))
            for piece in delta.get("tool_calls") or []:
                add(calls, piece)
            finish = finish or choice.get("finish_reason")
    told = tuple((call["name"], arguments(call["arguments"])) for call in calls)
    return Told(text, thoughts, told, finish, usage.get("prompt_tokens"), usage.get("completion_tokens"))


def add(calls: list[dict[str, str]], piece: dict[str, Any]) -> None:
    """Add a piece of a call: one with a name of its own and another id begins a call, all others continue the one of their number."""
    function = piece.get("function") or {}
    number, identity, name = piece.get("index"), piece.get("id") or "", function.get("name") or ""
    same = [call for call in calls if call["number"] == number]
    if not same or (name and identity and identity != same[-1]["id"]):
        calls.append({"number": number, "id": identity, "name": name, "arguments": function.get("arguments") or ""})
        return
    same[-1]["name"] = same[-1]["name"] or name
    same[-1]["arguments"] += function.get("arguments") or ""


def visible(content: Any) -> str:
    """Return the text of a content; an object that a schema asked for is its JSON."""
    if isinstance(content, dict):
        return json.dumps(content, separators=(",", ":"))
    if isinstance(content, list):
        return "".join(part["text"] for part in content if part.get("type") == "text")
    return content or ""


def thought(message: dict[str, Any]) -> str:
    """Return some of the reasoning beside or within a content."""
    beside = message.get("reasoning_content") or message.get("reasoning") or ""
    content = message.get("content")
    within = "".join(str(part.get("thinking") or "") for part in content if part.get("type") == "thinking") if isinstance(content, list) else ""
    details = "".join(item.get("text") or item.get("summary") or "" for item in message.get("reasoning_details") or [])
    return beside or within or details


def arguments(text: Any) -> Any:
    """Return a call's arguments parsed; nothing and null are no arguments."""
    if not isinstance(text, str):
        return text or {}
    try:
        return json.loads(text or "{}") or {}
    except ValueError:
        return text
