"""Reads Mistral's answers, and Azure's, in the plainest way, so that the library has something to agree with; imports nothing of it."""

from __future__ import annotations

import json
from typing import Any

FINISH = {"stop": "stop", "length": "length", "model_length": "length", "tool_calls": "tool_calls", "tool_call": "tool_calls", "content_filter": "content_filter"}


def events(text: str) -> list[dict[str, Any]]:
    """Return the parsed events of a recorded stream."""
    return [json.loads(data) for data in payloads(text) if data != "[DONE]"]


def payloads(text: str) -> list[str]:
    """Return what stands behind `data:` in each event."""
    lines = [line[5:].strip() for line in text.replace("\r\n", "\n").split("\n") if line.startswith("data:")]
    return [line for line in lines if line]


def gather(text: str) -> dict[str, Any]:
    """Return the body that the events of a stream add up to."""
    body: dict[str, Any] = {}
    choices: dict[int, dict[str, Any]] = {}
    for event in events(text):
        for key, value in event.items():
            if key not in ("choices", "object") and value is not None and (key not in ("id", "model", "created") or not body.get(key)):
                body[key] = value
        for choice in event["choices"]:
            index = choice.get("index", 0)
            whole = choices.setdefault(index, {"index": index, "message": {"role": "assistant", "content": ""}, "finish_reason": None})
            add(whole["message"], choice.get("delta") or {})
            whole["finish_reason"] = whole["finish_reason"] or choice.get("finish_reason")
    return body | {"object": "chat.completion", "choices": [choices[index] for index in sorted(choices)]}


def add(message: dict[str, Any], delta: dict[str, Any]) -> None:
    """Add a delta to a message."""
    content = delta.get("content")
    if isinstance(content, list):
        for part in content:
            if part["type"] == "thinking":
                message["thought"] = message.get("thought", "") + "".join(piece["text"] for piece in part["thinking"])
            else:
                message["content"] += part["text"]
    elif content:
        message["content"] += content
    for name in ("refusal", "reasoning_content"):
        if delta.get(name):
            message[name] = message.get(name, "") + delta[name]
    for call in delta.get("tool_calls") or []:
        calls = message.setdefault("tool_calls", [])
        number = call.get("index", len(calls))
        known = next((other for other in calls if other["number"] == number), None)
        if known is None:
            calls.append({"number": number, "id": call.get("id") or "", "name": call["function"].get("name") or "", "arguments": call["function"].get("arguments") or ""})
        else:
            known["arguments"] += call["function"].get("arguments") or ""


def of_stream(text: str) -> dict[str, Any]:
    """Return what a stream says."""
    return told(gather(text))


def of_body(text: str) -> dict[str, Any]:
    """Return what an unstreamed answer says."""
    body = json.loads(text)
    for choice in body["choices"]:
        message = choice["message"]
        calls = message.get("tool_calls") or []
        if calls:
            message["tool_calls"] = [{"id": call["id"], "name": call["function"]["name"], "arguments": call["function"]["arguments"]} for call in calls]
        if isinstance(message.get("content"), list):
            parts, whole = message["content"], {"content": ""}
            add(whole, {"content": parts})
            message.update(whole)
    return told(body)


def told(body: dict[str, Any]) -> dict[str, Any]:
    """Return what a body says, in words of our own."""
    usage = body.get("usage") or {}
    asked, answered = usage.get("prompt_tokens_details") or {}, usage.get("completion_tokens_details") or {}
    return {
        "id": body["id"],
        "model": body["model"],
        "choices": [said(choice) for choice in sorted(body["choices"], key=lambda choice: choice["index"])],
        "usage": (
            usage.get("prompt_tokens"),
            usage.get("completion_tokens"),
            usage.get("total_tokens"),
            asked.get("cached_tokens", usage.get("num_cached_tokens", usage.get("prompt_cache_hit_tokens"))),
            answered.get("reasoning_tokens", usage.get("reasoning_tokens")),
        ),
    }


def said(choice: dict[str, Any]) -> dict[str, Any]:
    """Return what a choice says; thoughts at the start of a text, in tags, are none of it."""
    message = choice["message"]
    text, thought = message.get("content") or "", message.get("thought") or message.get("reasoning_content") or ""
    if text.startswith("<think>"):
        thought, _, text = text.removeprefix("<think>").partition("</think>")
        thought, text = thought.strip(), text.lstrip()
    calls = [(call["id"], call["name"], arguments(call["arguments"])) for call in message.get("tool_calls") or []]
    finish = FINISH[choice["finish_reason"]]
    return {
        "text": text,
        "thought": thought,
        "calls": calls,
        "finish": "tool_calls" if calls and finish == "stop" else finish,
        "raw": choice["finish_reason"],
    }


def arguments(text: str) -> Any:
    """Return a call's arguments parsed; those that were cut off stay the text that they are."""
    try:
        return json.loads(text or "{}") or {}
    except ValueError:
        return text
