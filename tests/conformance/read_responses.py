"""Reads recorded requests of the Responses API into the library's types, and says when two bodies mean the same."""

import json

from llmclient.types.chat import ChatRequest
from llmclient.types.messages import FunctionCall, Message, Other, ProviderState, ToolCall

PROVIDER = "acme"
_SAME = frozenset("model temperature top_p parallel_tool_calls user metadata service_tier store prompt_cache_key safety_identifier tool_choice".split())
_READ = _SAME | {"input", "tools", "text", "reasoning", "max_output_tokens", "include", "top_logprobs", "stream"}
_SPOKEN = ("user", "system", "developer")
_LOGPROBS = "message.output_text.logprobs"
_ENCRYPTED = "reasoning.encrypted_content"


def read_request(body):
    """Return a recorded body as a request of ours."""
    options = {name: body[name] for name in _SAME & body.keys() - {"model"}}
    extra = {name: value for name, value in body.items() if name not in _READ}
    options["tools"] = [read_tool(tool) for tool in body.get("tools") or []] or None
    options["max_tokens"] = body.get("max_output_tokens")
    options["top_logprobs"] = body.get("top_logprobs")
    include = [item for item in body.get("include") or [] if item not in (_LOGPROBS, _ENCRYPTED)]
    options["logprobs"] = True if _LOGPROBS in (body.get("include") or []) else None
    if include:
        extra["include"] = include
    reasoning = {**(body.get("reasoning") or {})}
    options["reasoning_effort"] = reasoning.pop("effort", None)
    if reasoning:
        extra["reasoning"] = reasoning
    text = {**(body.get("text") or {})}
    options["response_format"] = read_format(text.pop("format", None))
    options["verbosity"] = text.pop("verbosity", None)
    messages = read_input(body.get("input"))
    return ChatRequest.make(body.get("model") or "", messages, extra=extra, **{name: value for name, value in options.items() if value is not None})


def read_tool(tool):
    """Return a function in the shape of chat completions; any other tool as it is."""
    if tool.get("type") != "function" or "function" in tool:
        return tool
    return {"type": "function", "function": {key: value for key, value in tool.items() if key != "type"}}


def read_format(form):
    """Return the form of an answer in the shape of chat completions."""
    if form is None or form["type"] != "json_schema":
        return form
    return {"type": "json_schema", "json_schema": {key: value for key, value in form.items() if key != "type"}}


def read_input(given):
    """Return the messages of an input; neighbouring items of the assistant are one turn."""
    if not isinstance(given, list):
        return [] if given is None else [Message("user", given)]
    messages = []
    turn = []
    for item in given:
        if item.get("role") in _SPOKEN or item.get("type") == "function_call_output":
            messages += read_turn(turn)
            turn = []
            messages.append(read_spoken(item))
        else:
            turn.append(item)
    return messages + read_turn(turn)


def read_spoken(item):
    """Return what a user, a system message or a tool says."""
    rest = {key: value for key, value in item.items() if key not in ("role", "content", "type", "call_id", "output")}
    if item.get("type") == "function_call_output":
        return Message("tool", read_content(item["output"]), tool_call_id=item["call_id"], extra=rest)
    if item.get("type", "message") != "message":
        return Message(item["role"], (Other(item),))
    return Message(item["role"], read_content(item["content"]), extra=rest)


def read_content(content):
    """Return parts in the shape of chat completions where that has them."""
    if isinstance(content, str):
        return content
    return Message.of({"role": "user", "content": [read_part(part) for part in content]}).content


def read_part(part):
    """Return one part in the shape of chat completions, or as it is."""
    match part["type"]:
        case "input_text":
            return {**part, "type": "text"}
        case "input_image" if part.get("image_url"):
            return {"type": "image_url", "image_url": {key: value for key, value in (("url", part["image_url"]), ("detail", part.get("detail"))) if value}}
        case "input_file" if "file_url" not in part:
            return {"type": "file", "file": {key: value for key, value in part.items() if key != "type"}}
        case _:
            return part


def read_turn(items):
    """Return the assistant's turn that these items are, if there are any."""
    if not items:
        return []
    calls = tuple(ToolCall(item["call_id"], FunctionCall(item["name"], item["arguments"] or "{}")) for item in items if item.get("type") == "function_call")
    text = "".join(text_of(item["content"]) for item in items if item.get("role") == "assistant")
    return [Message("assistant", text or None, tool_calls=calls, provider_state=ProviderState(PROVIDER, "responses", {"items": items}))]


def text_of(content):
    """Return the text of what an assistant said."""
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def same(body):
    """Return a body with all that means the same written the same."""
    body = {
        name: value for name, value in json.loads(json.dumps(body)).items() if value not in (None, [], {}, False) or name in ("store", "parallel_tool_calls")
    }
    body.setdefault("model", "")
    given = body.get("input", [])
    body["input"] = [same_item(item) for item in ([{"role": "user", "content": given}] if isinstance(given, str) else given)]
    # Asked for by the library wherever it can be had, so that reasoning can go back without being stored.
    body["include"] = sorted(item for item in body.get("include", ()) if item != _ENCRYPTED)
    body["tools"] = [same_tool(tool) for tool in body.get("tools", ())]
    for name in ("reasoning", "text"):
        body[name] = {key: value for key, value in body.get(name, {}).items() if value is not None}
    return body


def same_item(item):
    """Return an item with all that means the same written the same; the type of a message may be left out."""
    item = {key: value for key, value in item.items() if value is not None and (key, value) != ("type", "message")}
    for name in ("content", "output"):
        if isinstance(item.get(name), list):
            item[name] = [same_part(part) for part in item[name]]
            if all(part.keys() == {"type", "text"} for part in item[name]) and name == "output":
                item[name] = "".join(part["text"] for part in item[name])
    return item


def same_part(part):
    """Return a part without what says nothing."""
    return {key: value for key, value in part.items() if value is not None}


def same_tool(tool):
    """Return a tool; one that does not say whether it is strict is not, here, and a name said twice is said once."""
    inner = tool.get("function")
    tool = {**tool, **inner} if isinstance(inner, dict) else {**tool}
    tool.pop("function", None)
    if tool.get("type") == "function":
        tool["strict"] = bool(tool.get("strict"))
    return {key: value for key, value in tool.items() if value is not None}
