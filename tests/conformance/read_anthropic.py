"""Reads a recorded request of the Messages API into a ChatRequest, as somebody would have written it with this library."""

import json

from llmclient.types.chat import ChatRequest
from llmclient.types.messages import File, FunctionCall, Image, Message, Other, ProviderState, ReasoningBlock, Text, Tool, ToolCall

PORTABLE = {"model", "messages", "system", "max_tokens", "stream", "tools", "tool_choice", "stop_sequences", "temperature", "top_p", "top_k", "thinking"}
PROVIDER = "anthropic"


def read(body, headers=None):
    """Return the request whose encoding should be equivalent to the body."""
    messages = [Message("system", content(body["system"]))] if body.get("system") else []
    messages += [one for turn in body["messages"] for one in read_turn(turn)]
    extra = {key: value for key, value in body.items() if key not in PORTABLE and key not in ("output_config", "output_format", "metadata", "service_tier")}
    options = {}
    for name in ("max_tokens", "temperature", "top_p", "top_k", "thinking", "service_tier"):
        value = body.get(name)
        if value is not None:
            # Below zero stands for "not given" with one of the recorders; only extra carries that.
            (extra if name in ("top_p", "top_k") and value < 0 else options)[name] = value
    if body.get("stop_sequences"):
        options["stop"] = tuple(body["stop_sequences"])
    if body.get("tools") is not None:
        options["tools"] = tuple(read_tool(tool) for tool in body["tools"])
    read_choice(body, options)
    read_metadata(body, options, extra)
    read_output(body, options, extra)
    return ChatRequest(model=body.get("model") or "", messages=tuple(messages), extra=extra, headers=headers or {}, **options)


def read_metadata(body, options, extra):
    """Read the id of the end user."""
    metadata = body.get("metadata")
    if metadata and set(metadata) == {"user_id"}:
        options["user"] = metadata["user_id"]
    elif metadata is not None:
        extra["metadata"] = metadata


def read_output(body, options, extra):
    """Read the schema of the answer; efforts are no portable ones where thinking is not adaptive, and stay as they are."""
    config = body.get("output_config")
    if config and set(config) == {"format"}:
        options["response_format"] = {"type": "json_schema", "json_schema": {"name": "answer", "schema": config["format"]["schema"]}}
    elif config is not None:
        extra["output_config"] = config
    if body.get("output_format") is not None:
        extra["output_format"] = body["output_format"]


def read_choice(body, options):
    """Read which tool must be called, and whether several may be."""
    choice = body.get("tool_choice")
    if choice is None:
        return
    options["tool_choice"] = {"auto": "auto", "any": "required", "none": "none"}.get(choice["type"]) or choice["name"]
    if "disable_parallel_tool_use" in choice:
        options["parallel_tool_calls"] = not choice["disable_parallel_tool_use"]
    if choice.get("disable_parallel_tool_use") is False:
        options["tool_choice"] = choice


def read_tool(tool):
    """Read a function; what is no function stays as it is."""
    if "input_schema" not in tool:
        return tool
    known = {"name", "description", "input_schema", "strict"}
    extra = {key: value for key, value in tool.items() if key not in known}
    return Tool(tool["name"], tool.get("description"), tool["input_schema"], tool.get("strict"), extra)


def read_turn(turn):
    """Read one turn: tool results become messages of their own."""
    blocks = turn["content"]
    if turn["role"] == "assistant":
        return [read_assistant(blocks)]
    if isinstance(blocks, str):
        return [Message(turn["role"], blocks)]
    results = [read_result(block) for block in blocks if block["type"] == "tool_result"]
    rest = [block for block in blocks if block["type"] != "tool_result"]
    return [*results, *([Message(turn["role"], content(rest))] if rest else [])]


def read_result(block):
    """Read the result of a call."""
    extra = {key: value for key, value in block.items() if key not in ("type", "tool_use_id", "content")}
    return Message("tool", content(block["content"]) if "content" in block else None, tool_call_id=block["tool_use_id"], extra=extra)


def content(blocks):
    """Read content, whether it is text or blocks."""
    return blocks if isinstance(blocks, str) else tuple(read_block(block) for block in blocks)


def read_block(block):
    """Read one block of a user's, system's or tool's content."""
    extra = {key: value for key, value in block.items() if key not in ("type", "text", "source")}
    source = block.get("source") or {}
    if block["type"] == "text":
        return Text(block["text"], extra)
    if block["type"] == "image" and source.get("type") in ("url", "base64"):
        return Image(address(source), extra=extra)
    if block["type"] == "document" and source.get("type") == "file":
        return File(file_id=source["file_id"], extra=extra)
    if block["type"] == "document" and (source.get("type") == "url" or source.get("media_type") == "application/pdf"):
        return File(address(source), extra=extra)
    if block["type"] == "document" and source.get("type") == "text":
        return File(data=source["data"].encode(), media_type="text/plain", extra=extra)
    return Other(block)


def address(source):
    """Return the address of media, or its bytes as one."""
    return source["url"] if source["type"] == "url" else f"data:{source['media_type']};base64,{source['data']}"


def read_assistant(blocks):
    """Read an earlier answer; blocks that only this API knows are its state."""
    if isinstance(blocks, str):
        return Message("assistant", blocks)
    kinds = [block["type"] for block in blocks]
    text = "".join(block["text"] for block in blocks if block["type"] == "text")
    calls = tuple(read_call(block) for block in blocks if block["type"] == "tool_use")
    thoughts = tuple(read_thought(block) for block in blocks if block["type"] in ("thinking", "redacted_thinking"))
    order = [kind for kind in ("thinking", "redacted_thinking", "text", "tool_use") for _ in range(kinds.count(kind))]
    bare = all(set(block) <= {"type", "text"} for block in blocks if block["type"] == "text")
    state = None
    if kinds != order or kinds.count("text") > 1 or not bare:
        state = ProviderState(PROVIDER, "anthropic", {"content": blocks})
    return Message("assistant", text or None, tool_calls=calls, reasoning=thoughts, provider_state=state)


def read_call(block):
    """Read a call of a tool."""
    extra = {key: value for key, value in block.items() if key not in ("type", "id", "name", "input")}
    return ToolCall(block["id"], FunctionCall(block["name"], json.dumps(block["input"])), extra=extra)


def read_thought(block):
    """Read a thought, hidden or not."""
    if block["type"] == "redacted_thinking":
        return ReasoningBlock("", redacted=block["data"], provider=PROVIDER, dialect="anthropic")
    return ReasoningBlock(block["thinking"], block["signature"], provider=PROVIDER, dialect="anthropic")
