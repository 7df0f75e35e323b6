"""Reads a recorded request of Cohere's chat into a ChatRequest, as somebody would have written it with this library."""

from llmclient.types.chat import ChatRequest
from llmclient.types.messages import FunctionCall, Image, Message, Other, ReasoningBlock, Text, Tool, ToolCall

PROVIDER = "cohere"
NAMES = {"temperature": "temperature", "p": "top_p", "k": "top_k", "max_tokens": "max_tokens", "seed": "seed", "logprobs": "logprobs"} | {
    name: name for name in ("frequency_penalty", "presence_penalty", "response_format", "thinking")
}


def read(body):
    """Return the request whose encoding should be equivalent to the body."""
    options = {ours: body[theirs] for theirs, ours in NAMES.items() if body.get(theirs) is not None}
    if body.get("stop_sequences"):
        options["stop"] = tuple(body["stop_sequences"])
    if body.get("tools"):
        options["tools"] = tuple(read_tool(tool, body.get("strict_tools")) for tool in body["tools"])
    if body.get("tool_choice"):
        options["tool_choice"] = body["tool_choice"].lower()
    known = {*NAMES, "model", "messages", "stream", "stop_sequences", "tools", "strict_tools", "tool_choice"}
    extra = {key: value for key, value in body.items() if key not in known}
    return ChatRequest(model=body["model"], messages=tuple(map(read_message, body["messages"])), extra=extra, **options)


def read_tool(tool, strict):
    """Read a function."""
    function = tool["function"]
    return Tool(function["name"], function.get("description"), function.get("parameters"), strict)


def read_message(message):
    """Read a message; the plan of a call is a thought."""
    content = message.get("content")
    if content is not None and not isinstance(content, str):
        content = tuple(map(read_part, content))
    plan = message.get("tool_plan")
    calls = tuple(ToolCall(call["id"], FunctionCall(**call["function"])) for call in message.get("tool_calls") or ())
    reasoning = (ReasoningBlock(plan, provider=PROVIDER, dialect="cohere", id="tool_plan"),) if plan else ()
    return Message(message["role"], content, tool_calls=calls, tool_call_id=message.get("tool_call_id"), reasoning=reasoning)


def read_part(part):
    """Read a part; a document is one that only this API has."""
    if part["type"] == "text":
        return Text(part["text"])
    if part["type"] == "image_url":
        image = part["image_url"]
        return Image(image["url"], detail=image.get("detail"))
    return Other(part)
