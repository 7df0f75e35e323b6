"""Reads a recorded request of Ollama's own API into a ChatRequest, as somebody would have written it with this library."""

import json

from llmclient.types.chat import ChatRequest
from llmclient.types.messages import FunctionCall, Image, Message, ReasoningBlock, Text, Tool, ToolCall

PROVIDER = "ollama"
OPTIONS = {"temperature": "temperature", "top_p": "top_p", "top_k": "top_k", "seed": "seed", "num_predict": "max_tokens"}


def read(body):
    """Return the request whose encoding should be equivalent to the body."""
    known = {"model", "messages", "stream", "tools", "format", "think", "options"}
    extra = {key: value for key, value in body.items() if key not in known and value is not None}
    options = dict(body.get("options") or {})
    portable = {ours: options.pop(theirs) for theirs, ours in OPTIONS.items() if theirs in options}
    if "stop" in options:
        portable["stop"] = tuple(options.pop("stop"))
    if options:
        extra["options"] = options
    if body.get("format"):
        schema = {"type": "json_schema", "json_schema": {"name": "answer", "schema": body["format"]}}
        portable["response_format"] = {"type": "json_object"} if body["format"] == "json" else schema
    if body.get("think") is not None:
        portable |= {"reasoning_effort": "none"} if body["think"] is False else {"thinking": {"type": "enabled"}}
    if body.get("tools"):
        portable["tools"] = tuple(Tool.of(tool) for tool in body["tools"])
    return ChatRequest(model=body["model"], messages=tuple(read_messages(body["messages"])), extra=extra, **portable)


def read_messages(messages):
    """Read the conversation: calls get ids, and results answer the first call of their tool that is open."""
    waiting = []
    for turn, message in enumerate(messages):
        calls = tuple(read_call(call, f"{turn}-{number}") for number, call in enumerate(message.get("tool_calls") or ()))
        waiting += [(call.function.name, call.id) for call in calls]
        thought = message.get("thinking")
        reasoning = (ReasoningBlock(thought, provider=PROVIDER, dialect="ollama"),) if thought else ()
        answered = None
        if message["role"] == "tool":
            name = message["tool_name"]
            answered = next(identity for known, identity in waiting if known == name)
            waiting.remove((name, answered))
        content = message.get("content")
        if message.get("images"):
            content = (Text(content), *(Image(f"data:image/png;base64,{image}") for image in message["images"]))
        yield Message(message["role"], content, tool_calls=calls, tool_call_id=answered, reasoning=reasoning)


def read_call(call, identity):
    """Read one call."""
    return ToolCall(identity, FunctionCall(call["function"]["name"], json.dumps(call["function"]["arguments"])))
