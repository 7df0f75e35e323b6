"""Reads recorded requests of generateContent into our own types, and brings two requests that say the same into one form."""

from __future__ import annotations

import json
import re
from typing import Any

from llmclient.types.chat import ChatRequest
from llmclient.types.messages import Audio, File, FunctionCall, Image, Media, Message, Part, ProviderState, Text, Tool, ToolCall

OPTIONS = {
    "temperature": "temperature", "topP": "top_p", "topK": "top_k", "maxOutputTokens": "max_tokens", "seed": "seed", "candidateCount": "n",
    "presencePenalty": "presence_penalty", "frequencyPenalty": "frequency_penalty", "responseLogprobs": "logprobs", "logprobs": "top_logprobs",
}  # fmt: skip
"""Settings of a recorded request -> our parameters."""
VERBATIM = frozenset({"args", "response", "parameters", "parametersJsonSchema", "responseSchema", "responseJsonSchema", "labels"})
"""Keys whose value is the caller's, so that its keys are no keywords."""
OWN_TOOLS = frozenset({"googleSearch", "codeExecution", "urlContext", "fileSearch"})


def camel(value: Any) -> Any:
    """Return a value with the keys that the API also takes in snake case in camel case."""
    if isinstance(value, list):
        return [camel(item) for item in value]
    if not isinstance(value, dict):
        return value
    out = {}
    for key, item in value.items():
        name = re.sub(r"_([a-z])", lambda match: match[1].upper(), key)
        out[name] = item if name in VERBATIM else camel(item)
    return out


def canonical(body: dict[str, Any]) -> dict[str, Any]:
    """Return a request in the one form in which two that say the same are equal."""
    out = camel(json.loads(json.dumps(body)))
    out.pop("model", None)
    turns = out.get("contents", [])
    turns = [turns] if isinstance(turns, dict) else turns
    out["contents"] = [each for turn in turns for each in split(turn.get("role", "user"), [part(item) for item in turn["parts"]])]
    system = out.get("systemInstruction")
    if system:
        held = system["parts"]
        out["systemInstruction"] = [part(item) for item in ([held] if isinstance(held, dict) else held)]
    functions = [function(item) for tool in out.get("tools", []) for item in tool.get("functionDeclarations", [])]
    for name in ("responseSchema", "responseJsonSchema"):
        if name in (out.get("generationConfig") or {}):
            out["generationConfig"][name] = keywords(out["generationConfig"][name])
    others = [{key: item for key, item in tool.items() if key != "functionDeclarations"} for tool in out.get("tools", [])]
    out["tools"] = [functions, sorted([tool for tool in others if tool], key=str)]
    return prune(out)


def split(role: str, parts: list[Any]) -> list[dict[str, Any]]:
    """Return a turn without anything beside results: what stood there follows in a turn of its own."""
    results = [item for item in parts if "functionResponse" in item]
    rest = [item for item in parts if "functionResponse" not in item]
    return [{"role": role, "parts": held} for held in (results, rest) if held]


def keywords(schema: Any) -> Any:
    """Return a schema with the keywords that Google's SDK writes in snake case as everybody else writes them."""
    if isinstance(schema, list):
        return [keywords(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {{"property_ordering": "propertyOrdering", "any_of": "anyOf"}.get(key, key): keywords(item) for key, item in schema.items()}


def prune(out: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is empty and says nothing."""
    if out["tools"] == [[], []]:
        del out["tools"]
    config = {key: item for key, item in (out.get("generationConfig") or {}).items() if item not in ({}, [], None)}
    return {key: item for key, item in {**out, "generationConfig": config}.items() if item not in ({}, [], None)}


def part(item: dict[str, Any]) -> dict[str, Any]:
    """Return a part without `thought: false`, and base64 in its usual alphabet."""
    out = {key: value for key, value in item.items() if not (key == "thought" and value is False)}
    if "thoughtSignature" in out:
        out["thoughtSignature"] = out["thoughtSignature"].replace("-", "+").replace("_", "/")
    if "inlineData" in out:
        out["inlineData"] = {**out["inlineData"], "data": out["inlineData"]["data"].replace("-", "+").replace("_", "/")}
    if "functionCall" in out:
        out["functionCall"] = {"args": {}, **out["functionCall"]}
    return out


def function(item: dict[str, Any]) -> dict[str, Any]:
    """Return a declaration with its schema under one name, whichever it had; without properties it is left out."""
    schema = item.get("parametersJsonSchema") or item.get("parameters")
    out = {key: value for key, value in item.items() if key not in ("parametersJsonSchema", "parameters")}
    out["description"] = out.get("description") or ""
    return out | ({"schema": schema} if schema and schema.get("properties") else {})


def uses_openapi(body: dict[str, Any]) -> bool:
    """Return whether a request writes its schemas in OpenAPI's language."""
    whole = camel(body)
    declared = [item for tool in whole.get("tools") or [] for item in tool.get("functionDeclarations", [])]
    return any("parameters" in item for item in declared) or "responseSchema" in (whole.get("generationConfig") or {})


class Reader:
    """Reads one request."""

    def __init__(self, body: dict[str, Any], provider: str) -> None:
        self.body = camel(json.loads(json.dumps(body)))
        self.provider = provider
        self.count = 0
        self.open: list[tuple[str, dict[str, Any]]] = []
        """Calls that wait for their result: our id, and the call."""

    def read(self, model: str) -> ChatRequest:
        """Return the request as a caller of ours would make it."""
        body = dict(self.body)
        turns = body.pop("contents")
        messages = self.system(body.pop("systemInstruction", None))
        for turn in [turns] if isinstance(turns, dict) else turns:
            messages += self.turn(turn)
        options, config = self.settings(body.pop("generationConfig", None) or {})
        tools = [read_tool(item) for tool in body.get("tools", []) for item in split_tool(tool)]
        body.pop("tools", None)
        choice = body.pop("toolConfig", None)
        body.pop("model", None)
        extra = {**body, **({"generationConfig": config} if config else {}), **({"toolConfig": choice} if choice else {})}
        return ChatRequest.make(model, messages, tools=tools or None, extra=extra, **options)

    def system(self, value: Any) -> list[Message]:
        """Return the system message."""
        if not value:
            return []
        held = value["parts"]
        parts = [held] if isinstance(held, dict) else held
        return [Message("system", tuple(Text(item["text"], extra(item, "text")) for item in parts))]

    def turn(self, turn: dict[str, Any]) -> list[Message]:
        """Return the messages that a turn stands for."""
        parts = turn["parts"]
        if turn.get("role") == "model":
            return [self.model(parts)]
        results = [self.result(item["functionResponse"]) for item in parts if "functionResponse" in item]
        rest = tuple(read_part(item) for item in parts if "functionResponse" not in item)
        return results + ([Message("user", rest)] if rest else [])

    def model(self, parts: list[dict[str, Any]]) -> Message:
        """Return what the model said, with its parts as they came."""
        calls = []
        for item in parts:
            if "functionCall" in item:
                call = item["functionCall"]
                self.count += 1
                identity = f"own_{self.count}"
                self.open.append((identity, call))
                calls.append(ToolCall(identity, FunctionCall(call["name"], json.dumps(call.get("args") or {}, separators=(",", ":"), ensure_ascii=False))))
        text = "".join(item.get("text", "") for item in parts if not item.get("thought"))
        state = ProviderState(self.provider, "gemini", {"parts": parts})
        return Message("assistant", text or None, tool_calls=tuple(calls), provider_state=state)

    def result(self, response: dict[str, Any]) -> Message:
        """Return a tool's message, for the first open call of this id, or of this name."""
        for index, (identity, call) in enumerate(self.open):
            if call["name"] == response["name"] and call.get("id") == response.get("id"):
                del self.open[index]
                media = tuple(read_part(item) for item in response.get("parts", []))
                return Message("tool", (Text(json.dumps(response["response"])), *media), tool_call_id=identity)
        return Message("tool", json.dumps(response["response"]), name=response["name"])

    def settings(self, config: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return our parameters, and the settings that have no portable name."""
        options: dict[str, Any] = {}
        rest: dict[str, Any] = {}
        for key, value in config.items():
            if key in OPTIONS:
                options[OPTIONS[key]] = int(value) if key == "topK" else value
            elif key == "stopSequences":
                options["stop"] = value
            elif key == "responseModalities":
                options["modalities"] = [word.lower() for word in value]
            elif key in ("responseSchema", "responseJsonSchema") and config.get("responseMimeType") == "application/json":
                options["response_format"] = {"type": "json_schema", "json_schema": {"name": "answer", "schema": value}}
            elif key == "responseMimeType" and value == "application/json":
                options.setdefault("response_format", {"type": "json_object"})
            else:
                rest[key] = value
        return options, rest


def split_tool(tool: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the functions of a tool, and what the provider runs itself."""
    rest = {key: value for key, value in tool.items() if key != "functionDeclarations"}
    return [*tool.get("functionDeclarations", []), *([rest] if rest else [])]


def read_tool(item: dict[str, Any]) -> Any:
    """Return a tool of ours."""
    if "name" not in item:
        return item
    return Tool(item["name"], item.get("description"), item.get("parametersJsonSchema") or item.get("parameters"))


def extra(item: dict[str, Any], *known: str) -> dict[str, Any]:
    """Return the fields beside what a part holds."""
    return {key: value for key, value in item.items() if key not in known}


def read_part(item: dict[str, Any]) -> Part:
    """Return a part of a user's turn."""
    if "text" in item:
        return Text(item["text"], extra(item, "text"))
    inline, remote = item.get("inlineData"), item.get("fileData")
    kind = (inline or remote).get("mimeType")
    where = f"data:{kind};base64,{inline['data']}" if inline else remote["fileUri"]
    beside = extra(item, "inlineData", "fileData")
    holder: type[Media] = Image if (kind or "").startswith("image/") else Audio if (kind or "").startswith("audio/") else File
    return holder(where, media_type=kind, extra=beside)  # type: ignore[return-value]
