"""The fields that chat completions and the Responses API share but for where they stand: tools, the choice among them, the answer's shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from llmclient.simulator.answers import Tool
from llmclient.simulator.openai.checks import need, one_of, refuse, typed

_SHAPES = ("text", "json_object", "json_schema")


def tool_of(function: Mapping[str, Any], path: str) -> Tool:
    """Read a function that may be called; raises Failure for what is wrong with it."""
    parameters: dict[str, Any] = function.get("parameters") or {"type": "object"}
    return Tool(need(function, "name", "string", f"{path}.name"), typed(parameters, "object", f"{path}.parameters"))


def choice_of(choice: Any, tools: Sequence[Tool], *, nested: bool) -> str:
    """Read which tool to call, as a prompt has it; `nested` is whether the name stands in an object named for the kind of tool."""
    if choice is None:
        return "auto"
    if isinstance(choice, str):
        return str(one_of(choice, ("none", "auto", "required"), "tool_choice"))
    kind = need(typed(choice, "object", "tool_choice"), "type", "string", "tool_choice.type")
    path = f"tool_choice.{kind}" if nested else "tool_choice"
    holder = need(choice, kind, "object", path) if nested else choice
    name = need(holder, "name", "string", f"{path}.name")
    if all(tool.name != name for tool in tools):
        raise refuse(f"Tool choice '{name}' not found in 'tools' parameter.", None, "tool_choice")
    return f"={name}"


def shape_of(form: Mapping[str, Any] | None, path: str, *, nested: bool) -> Mapping[str, Any] | bool | None:
    """Read the shape of the answer, as a prompt has it; `nested` is whether the schema and its name stand in an object of their own."""
    if form is None:
        return None
    kind = one_of(need(form, "type", "string", f"{path}.type"), _SHAPES, f"{path}.type")
    if kind != "json_schema":
        return True if kind == "json_object" else None
    path = f"{path}.{kind}" if nested else path
    holder = need(form, kind, "object", path) if nested else form
    need(holder, "name", "string", f"{path}.name")
    schema: Mapping[str, Any] = need(holder, "schema", "object", f"{path}.schema")
    return schema
