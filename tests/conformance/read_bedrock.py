"""Reads a recorded request of Converse into a ChatRequest, as somebody would have written it with this library."""

import json

from llmclient.types.chat import ChatRequest
from llmclient.types.messages import Audio, File, FunctionCall, Image, Message, Other, ProviderState, ReasoningBlock, Text, Tool, ToolCall

PROVIDER = "bedrock"
RANKS = {"reasoningContent": 0, "text": 1, "toolUse": 2}
TYPES = {
    "pdf": "application/pdf",
    "txt": "text/plain",
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def read(model, body):
    """Return the request whose encoding should be equivalent to the body."""
    extra = {key: value for key, value in body.items() if key not in ("messages", "system", "inferenceConfig", "toolConfig", "outputConfig")}
    options = {}
    config = dict(body.get("inferenceConfig") or {})
    for name, wire in (("max_tokens", "maxTokens"), ("temperature", "temperature"), ("top_p", "topP"), ("stop", "stopSequences")):
        if config.get(wire) is not None:
            options[name] = tuple(config[wire]) if name == "stop" else config[wire]
    tier, metadata = extra.pop("serviceTier", None), extra.pop("requestMetadata", None)
    if tier is not None:
        options["service_tier"] = tier["type"]
    if metadata is not None:
        options["metadata"] = metadata
    read_fields(extra, options)
    read_output(body, options)
    read_tools(body.get("toolConfig"), options)
    messages = [Message("system", content(body["system"]))] if body.get("system") else []
    messages += [one for turn in body["messages"] for one in read_turn(turn)]
    return ChatRequest(model=model, messages=tuple(messages), extra=extra, **options)


def read_fields(extra, options):
    """Read what the portable parameters say of the model's own fields; the rest stays as it is."""
    fields = dict(extra.pop("additionalModelRequestFields", None) or {})
    if set(fields) == {"top_k"}:
        options["top_k"] = fields.pop("top_k")
    elif set(fields) == {"inferenceConfig"} and set(fields["inferenceConfig"]) == {"topK"}:
        options["top_k"] = fields.pop("inferenceConfig")["topK"]
    elif set(fields) == {"thinking"}:
        options["thinking"] = fields.pop("thinking")
    elif set(fields) == {"thinking", "output_config"} and fields["thinking"] == {"type": "adaptive"}:
        options["reasoning_effort"] = fields.pop("output_config")["effort"]
        del fields["thinking"]
    elif set(fields) == {"reasoning_effort"}:
        options["reasoning_effort"] = fields.pop("reasoning_effort")
    elif isinstance(fields.get("reasoning_config"), str):
        options["reasoning_effort"] = fields.pop("reasoning_config")
    elif set(fields) == {"reasoningConfig"} and fields["reasoningConfig"]["type"] == "enabled":
        options["reasoning_effort"] = fields.pop("reasoningConfig")["maxReasoningEffort"]
    if fields:
        extra["additionalModelRequestFields"] = fields


def read_output(body, options):
    """Read the schema of the answer."""
    config = body.get("outputConfig")
    if config is not None:
        shape = config["textFormat"]["structure"]["jsonSchema"]
        options["response_format"] = {"type": "json_schema", "json_schema": {**shape, "schema": json.loads(shape["schema"])}}


def read_tools(config, options):
    """Read the tools, and which of them must be called."""
    if not config:
        return
    tools = []
    for entry in config["tools"]:
        if "cachePoint" in entry:
            last = tools.pop()
            tools.append(Tool(last.name, last.description, last.parameters, last.strict, {"cache_control": mark(entry["cachePoint"])}))
        else:
            tools.append(read_tool(entry))
    options["tools"] = tuple(tools)
    choice = config.get("toolChoice")
    if choice is not None:
        options["tool_choice"] = {"auto": "auto", "any": "required"}.get(next(iter(choice))) or choice["tool"]["name"]


def read_tool(entry):
    """Read a function; what is no function stays as it is."""
    spec = entry.get("toolSpec")
    return entry if spec is None else Tool(spec["name"], spec.get("description"), spec["inputSchema"]["json"], spec.get("strict"))


def mark(point):
    """Return a cache point as the mark that asks for it."""
    return {"type": "ephemeral"} | ({"ttl": point["ttl"]} if "ttl" in point else {})


def read_turn(turn):
    """Read one turn: tool results become messages of their own."""
    if turn["role"] == "assistant":
        return [read_assistant(turn["content"])]
    results = [read_result(block["toolResult"]) for block in turn["content"] if "toolResult" in block]
    rest = [block for block in turn["content"] if "toolResult" not in block]
    return [*results, *([Message(turn["role"], content(rest))] if rest else [])]


def read_result(result):
    """Read the result of a call."""
    extra = {"status": result["status"]} if result.get("status") else {}
    return Message("tool", content(result["content"]), tool_call_id=result["toolUseId"], extra=extra)


def content(blocks):
    """Read blocks; a cache point is a mark on the block before it."""
    found = []
    for block in blocks:
        if "cachePoint" in block and found and isinstance(found[-1], Text):
            found[-1] = Text(found[-1].text, {"cache_control": mark(block["cachePoint"])})
        else:
            found.append(read_block(block))
    return tuple(found)


def read_block(block):
    """Read one block of a user's, system's or tool's content."""
    kind, value = next(iter(block.items()))
    if kind == "text":
        return Text(value)
    if kind not in ("image", "document", "video", "audio") or "text" in value["source"] or "content" in value["source"]:
        return Other({"type": kind, **block})
    form = TYPES.get(value["format"]) if kind == "document" else f"{kind}/{value['format']}"
    extra = {key: value[key] for key in value if key not in ("format", "name", "source")}
    place = value["source"].get("s3Location")
    if place is not None and "bucketOwner" in place:
        extra["bucketOwner"] = place["bucketOwner"]
    url = place["uri"] if place is not None else f"data:{form};base64,{value['source']['bytes']}"
    if kind == "image":
        return Image(url, media_type=form, extra=extra)
    if kind == "audio":
        return Audio(url, media_type=form, extra=extra)
    return File(url, media_type=form, filename=value.get("name"), extra=extra)


def read_assistant(blocks):
    """Read an earlier answer; an order that only this API knows is its state."""
    ranks = [RANKS.get(next(iter(block)), 9) for block in blocks]
    text = "".join(block.get("text", "") for block in blocks)
    calls = tuple(
        ToolCall(block["toolUse"]["toolUseId"], FunctionCall(block["toolUse"]["name"], json.dumps(block["toolUse"]["input"])))
        for block in blocks
        if "toolUse" in block and block["toolUse"].get("type") != "server_tool_use"
    )
    thoughts = tuple(read_thought(block["reasoningContent"]) for block in blocks if "reasoningContent" in block)
    state = None
    if ranks != sorted(ranks) or ranks.count(1) > 1 or 9 in ranks:
        state = ProviderState(PROVIDER, "bedrock", {"content": blocks})
    return Message("assistant", text or None, tool_calls=calls, reasoning=thoughts, provider_state=state)


def read_thought(value):
    """Read a thought, hidden or not."""
    if "redactedContent" in value:
        return ReasoningBlock("", redacted=value["redactedContent"], provider=PROVIDER, dialect="bedrock")
    told = value["reasoningText"]
    return ReasoningBlock(told["text"], told.get("signature"), provider=PROVIDER, dialect="bedrock")
