"""Fields of a request that Mistral refuses, and those that it misses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from llmclient.dialects.base import Notes
from llmclient.dialects.shapes import is_array, is_object
from llmclient.types.messages import JSONObject, Tool

if TYPE_CHECKING:
    from llmclient.dialects.mistral.chat import MistralChat

_NOTHING: Final[JSONObject] = {"type": "object", "properties": {}}
"""The schema of a function without parameters."""
_CHECKED: Final = ("messages", "tools", "response_format")
"""Fields of the body that are made of fields of the caller's."""
_OPEN: Final = frozenset({"parameters", "schema"})
"""Fields that hold what the caller's own schema says, where null is a value."""


def mend_tools(dialect: MistralChat, tools: tuple[Tool | JSONObject, ...] | None, notes: Notes) -> tuple[Tool | JSONObject, ...] | None:
    """Return the tools as they are taken; the same tuple when nothing is amiss."""
    if not tools:
        return tools
    read = tuple(Tool.of(tool) for tool in tools)
    mended = tuple(_mend(dialect, tool) for tool in read)
    if any(before is not after and isinstance(before, Tool) and before.strict is not None for before, after in zip(read, mended, strict=True)):
        notes.drop("strict", "calls of tools are not held to their schema here")
    return tools if all(before is after for before, after in zip(tools, mended, strict=True)) else mended


def _mend(dialect: MistralChat, tool: Tool | JSONObject) -> Tool | JSONObject:
    if not isinstance(tool, Tool):
        return tool
    if tool.strict is not None and not dialect.function_strict:
        tool = attrs.evolve(tool, strict=None)
    if tool.parameters is None and dialect.function_parameters:
        tool = attrs.evolve(tool, parameters=_NOTHING)
    return tool


def drop_nulls(body: dict[str, Any]) -> None:
    """Leave out what is null within messages, tools and the response format; no value of the caller's is changed."""
    for name in _CHECKED:
        value = body.get(name)
        if value is not None and _holds_null(value):
            body[name] = _without_nulls(value)


def _holds_null(value: Any) -> bool:
    if is_array(value):
        return any(_holds_null(item) for item in value)
    return is_object(value) and any(item is None or (key not in _OPEN and _holds_null(item)) for key, item in value.items())


def _without_nulls(value: Any) -> Any:
    if is_array(value):
        return [_without_nulls(item) for item in value]
    if not is_object(value):
        return value
    return {key: item if key in _OPEN else _without_nulls(item) for key, item in value.items() if item is not None}
