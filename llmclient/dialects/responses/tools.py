"""Tools and the choice of one, flat as the API wants them: a function's name stands beside its type."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from llmclient.dialects.base import Notes
from llmclient.dialects.shapes import is_array, is_object
from llmclient.types.messages import EMPTY, JSONObject, Tool

if TYPE_CHECKING:
    from llmclient.dialects.responses.chat import OpenAIResponses

_NO_PARAMETERS: Final[JSONObject] = {"type": "object", "properties": {}}
_WORDS: Final = frozenset({"auto", "none", "required"})


def write(dialect: OpenAIResponses, tools: Sequence[Tool | JSONObject], notes: Notes) -> list[JSONObject]:
    """Return the tools as they go on the wire; those that the provider runs itself stay as they are."""
    if not dialect.tool_strict and any(isinstance(tool, Tool) and tool.strict for tool in tools):
        notes.drop("strict", "schemas are not enforced here")
    return [_write_function(dialect, tool) if isinstance(tool, Tool) else _flatten(tool) for tool in tools]


def _write_function(dialect: OpenAIResponses, tool: Tool) -> JSONObject:
    out: dict[str, Any] = {"type": "function", "name": tool.name}
    if tool.description is not None:
        out["description"] = tool.description
    out["parameters"] = tool.parameters if tool.parameters is not None else _NO_PARAMETERS
    if dialect.tool_strict:
        out["strict"] = bool(tool.strict)
    return {**out, **tool.extra}


def _flatten(value: JSONObject) -> JSONObject:
    """Return {"type": kind, kind: {…}} without its inner object; what is flat already stays as it is."""
    kind = value.get("type")
    inner = value.get(kind) if isinstance(kind, str) else None
    return {"type": kind, **inner} if is_object(inner) else value


def write_choice(value: str | JSONObject, tools: Sequence[Tool | JSONObject]) -> str | JSONObject:
    """Return the choice as it goes on the wire."""
    if not isinstance(value, str):
        return _write_object(value)
    names = {tool.name if isinstance(tool, Tool) else tool.get("name") for tool in tools}
    if value in _WORDS or (value == "any" and value not in names):
        return "required" if value == "any" else value
    kinds = {tool.get("type") for tool in tools if not isinstance(tool, Tool)}
    if value not in names and value in kinds:
        return {"type": value}
    return {"type": "function", "name": value}


def _write_object(value: JSONObject) -> JSONObject:
    flat = _flatten(value)
    allowed = flat.get("tools")
    return {**flat, "tools": [_flatten(tool) for tool in allowed if is_object(tool)]} if is_array(allowed) else flat


def web_search(kind: str, options: JSONObject) -> JSONObject:
    """Return the tool that searches the web as chat completions' `web_search_options` describe it."""
    location = options.get("user_location")
    if is_object(location):
        inner = location.get("approximate")
        options = {**options, "user_location": {"type": "approximate", **(inner if is_object(inner) else EMPTY)} if inner is not None else location}
    return {"type": kind, **options}
