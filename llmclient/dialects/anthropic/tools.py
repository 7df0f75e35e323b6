"""Tools on their way out: their names, their schemas, and which of them must be called."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from llmclient.dialects.anthropic import schemas
from llmclient.dialects.anthropic.families import Family
from llmclient.dialects.base import Notes
from llmclient.dialects.shapes import is_object
from llmclient.errors import InvalidRequestError
from llmclient.types.messages import EMPTY, JSONObject, Tool

if TYPE_CHECKING:
    from llmclient.dialects.anthropic.chat import AnthropicMessages

_REFUSED: Final = re.compile(r"[^a-zA-Z0-9_-]")
_ANY_OBJECT: Final[JSONObject] = {"type": "object", "properties": {}}


class Names:
    """The names of tools as the API takes them, and the way back. One name always becomes the same other one."""

    def __init__(self, tools: Sequence[Tool | JSONObject], longest: int) -> None:
        """Read the names of a request's tools; raises InvalidRequestError when two of them become one."""
        self._longest = longest
        self.given: Mapping[str, str] = EMPTY
        """Name on the wire -> the caller's, for those that differ."""
        self.known: frozenset[str] = frozenset(name for tool in tools if (name := _name(tool)))
        """The caller's names."""
        renamed = {name: self.wire(name) for name in self.known if self.wire(name) != name}
        if renamed or len(self.known) < len(tools):
            self._check(tools)
        if renamed:
            self.given = {wire: name for name, wire in renamed.items()}

    def wire(self, name: str) -> str:
        """Return the name as it goes on the wire."""
        return _REFUSED.sub("_", name)[: self._longest] or "_"

    def _check(self, tools: Sequence[Tool | JSONObject]) -> None:
        owners: dict[str, str] = {}
        for name in filter(None, map(_name, tools)):
            wire = self.wire(name)
            if wire in owners:
                clash = f"{owners[wire]!r} and {name!r} both become {wire!r}" if owners[wire] != name else f"{name!r} is there twice"
                raise InvalidRequestError("", f"the names of tools must differ: {clash}", param="tools")
            owners[wire] = name


def _name(tool: Tool | JSONObject) -> str | None:
    name = tool.name if isinstance(tool, Tool) else tool.get("name")
    return name if isinstance(name, str) and name else None


def write(dialect: AnthropicMessages, family: Family, tools: Sequence[Tool | JSONObject], names: Names, notes: Notes) -> list[JSONObject]:
    """Return the tools as they go on the wire; a dict that is no function (web search, …) goes as it is."""
    return [_write(dialect, family, tool, names, notes) if isinstance(tool, Tool) else tool for tool in tools]


def _write(dialect: AnthropicMessages, family: Family, tool: Tool, names: Names, notes: Notes) -> JSONObject:
    out: dict[str, Any] = {"name": names.wire(tool.name)}
    if tool.description is not None:
        out["description"] = tool.description
    out["input_schema"] = write_schema(tool)
    if tool.strict is not None and dialect.tool_strict and family.structured:
        out["strict"] = tool.strict
        if tool.strict:
            out["input_schema"] = schemas.fit(dialect, out["input_schema"], notes)
    elif tool.strict:
        drop_once(notes, "strict", "calls are not held to their schema here")
    out.update(tool.extra)
    return out


def write_schema(tool: Tool) -> JSONObject:
    """Return the schema of what a tool takes, with the type that it must have; raises InvalidRequestError for one that is no object."""
    schema: object = _ANY_OBJECT if tool.parameters is None else tool.parameters
    if not is_object(schema):
        raise InvalidRequestError("", f"the parameters of the tool {tool.name!r} must be a JSON Schema that is an object", param="tools")
    schema = schema or _ANY_OBJECT
    return schema if "type" in schema else {"type": "object", **schema}


def drop_once(notes: Notes, param: str, why: str) -> None:
    """Note that something is left out, if it is not noted yet."""
    if all(warning.param != param for warning in notes.warnings):
        notes.drop(param, why)


# Which tool must be called.


def write_choice(family: Family, value: str | JSONObject, names: Names, notes: Notes) -> dict[str, Any]:
    """Return the choice as it goes on the wire; raises InvalidRequestError for one that cannot be said."""
    choice = _choice(value, names)
    if choice["type"] in ("any", "tool") and not family.forced_tools:
        notes.drop("tool_choice", "this model cannot be forced to call a tool")
    return choice


def _choice(value: str | JSONObject, names: Names) -> dict[str, Any]:
    if isinstance(value, str):
        if value in ("auto", "none"):
            return {"type": value}
        if value in ("required", "any") and value not in names.known:
            return {"type": "any"}
        return {"type": "tool", "name": names.wire(value)}
    kind = value.get("type")
    named: Any = value.get(kind) if kind in ("function", "custom") else None
    if is_object(named) and isinstance(named.get("name"), str):
        return {"type": "tool", "name": names.wire(named["name"])}
    if kind == "tool" and isinstance(value.get("name"), str):
        return {**value, "name": names.wire(value["name"])}
    if kind in ("auto", "any", "none"):
        return dict(value)
    raise InvalidRequestError("", f"tool_choice of the type {kind!r} cannot be said here", param="tool_choice")
