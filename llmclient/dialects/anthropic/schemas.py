"""JSON Schemas as the API takes them where it holds an answer or a call to one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from llmclient.dialects.base import Notes
from llmclient.dialects.shapes import is_array, is_object
from llmclient.types.messages import JSONObject

if TYPE_CHECKING:
    from llmclient.dialects.anthropic.chat import AnthropicMessages

REFUSED: Final = frozenset(
    {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "maxItems", "uniqueItems"}
    | {"minProperties", "maxProperties"}
)
"""Keywords that are answered with status 400."""
_NAMED: Final = frozenset({"properties", "$defs", "definitions"})
"""Keywords whose value maps names of the caller's own to schemas."""
_DATA: Final = frozenset({"enum", "const", "default", "examples", "required"})


def fit(dialect: AnthropicMessages, schema: JSONObject, notes: Notes) -> JSONObject:
    """Return the schema with its objects closed and without what the API refuses, which is noted."""
    gone: set[str] = set()
    fitted: JSONObject = _fit(schema, dialect.schema_drop, gone, close=dialect.close_schemas)
    for keyword in sorted(gone):
        if all(warning.param != f"schema.{keyword}" for warning in notes.warnings):
            notes.drop(f"schema.{keyword}", "answers are not held to it")
    return fitted


def _fit(node: Any, refused: frozenset[str], gone: set[str], *, close: bool) -> Any:
    if is_array(node):
        return [_fit(item, refused, gone, close=close) for item in node]
    if not is_object(node):
        return node
    lost = {key for key in node if key in refused or (key == "minItems" and "maxItems" in refused and node[key] not in (0, 1))}
    gone |= lost
    out = {key: _under(key, value, refused, gone, close=close) for key, value in node.items() if key not in lost}
    kind = node.get("type")
    if close and (kind == "object" or (is_array(kind) and "object" in kind)) and "additionalProperties" not in out:
        out["additionalProperties"] = False
    return out


def _under(key: str, value: Any, refused: frozenset[str], gone: set[str], *, close: bool) -> Any:
    if key in _DATA:
        return value
    if key in _NAMED and is_object(value):
        return {name: _fit(item, refused, gone, close=close) for name, item in value.items()}
    return _fit(value, refused, gone, close=close)
