"""JSON Schemas on their way to Google: as they are where it takes them, else in the part of OpenAPI's language that it knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from llmclient.dialects.references import NAMED, VALUES, Growth, resolve
from llmclient.dialects.shapes import is_array, is_object
from llmclient.types.messages import JSONObject

Lose = Callable[[str, str], None]
"""Takes note of a keyword that is left out, and why."""

_IGNORED: Final = frozenset({"title"})
"""What may stand beside a `$ref`, since it says nothing."""
_UNROLLED: Final = 3
"""How often a schema that refers to itself is written out within itself."""

_KEPT: Final = frozenset(
    """
    type title description nullable enum minItems maxItems properties required minProperties maxProperties minLength maxLength pattern
    example anyOf propertyOrdering default items minimum maximum format
    """.split()
)
_SAYS_NOTHING: Final = frozenset(
    "$schema $id $anchor $comment $defs definitions title examples discriminator deprecated readOnly writeOnly xml externalDocs strict".split()
)
_SPELLINGS: Final = {
    "any_of": "anyOf", "max_items": "maxItems", "max_length": "maxLength", "max_properties": "maxProperties", "min_items": "minItems",
    "min_length": "minLength", "min_properties": "minProperties", "property_ordering": "propertyOrdering",
}  # fmt: skip
"""How Google's own SDK writes some keywords."""
_FORMATS: Final = frozenset({"enum", "date-time", "float", "double", "int32", "int64"})


# JSON Schema, but for what may not stand beside a reference.


def tidy(schema: JSONObject, lose: Lose, param: str) -> JSONObject:
    """Return the schema of a parameter with nothing beside its references: what stood there is joined with a copy of what they point to.

    Raises TransformationError for a reference that points nowhere, and InvalidRequestError where the copies are too large.
    """
    return _tidy(schema, schema, (), lose, Growth(param)) if _has_siblings(schema) else schema


def _has_siblings(node: Any) -> bool:
    if is_array(node):
        return any(map(_has_siblings, node))
    if not is_object(node):
        return False
    return bool("$ref" in node and _siblings(node)) or any(map(_has_siblings, node.values()))


def _siblings(node: JSONObject) -> list[str]:
    return [key for key in node if not key.startswith("$") and key not in _IGNORED]


def _tidy(node: Any, root: JSONObject, trail: tuple[str, ...], lose: Lose, growth: Growth) -> Any:
    if trail:
        growth.add()
    if is_array(node):
        return [_tidy(item, root, trail, lose, growth) for item in node]
    if not is_object(node):
        return node
    pointer = node.get("$ref")
    if isinstance(pointer, str) and (beside := _siblings(node)):
        if pointer in trail:
            for key in beside:
                lose(key, "nothing may stand beside a reference")
            return {key: value for key, value in node.items() if key not in beside}
        node = {**resolve(pointer, root), **{key: value for key, value in node.items() if key != "$ref"}}
        trail = (*trail, pointer)
    return {key: _under(key, value, lambda item: _tidy(item, root, trail, lose, growth)) for key, value in node.items()}


def _under(key: str, value: Any, visit: Callable[[Any], Any]) -> Any:
    """Visit the schemas under a keyword; names of the caller's own and data are no schemas."""
    if key in VALUES:
        return value
    if key in NAMED and is_object(value):
        return {name: visit(item) for name, item in value.items()}
    return visit(value)


# OpenAPI's language, or what Google takes of it.


def to_openapi(schema: JSONObject, lose: Lose, param: str) -> JSONObject:
    """Return the schema of a parameter in the subset of OpenAPI 3.0 that Google takes; what is lost on the way is noted.

    Raises TransformationError for a reference that points nowhere, and InvalidRequestError where what references stand for is too large.
    """
    return _Writer(schema, lose, Growth(param)).write(schema, ())


class _Writer:
    """Rewrites one schema."""

    def __init__(self, root: JSONObject, lose: Lose, growth: Growth) -> None:
        self._root = root
        self._lose = lose
        self._growth = growth

    def write(self, node: Any, trail: tuple[str, ...]) -> dict[str, Any]:
        if trail:
            self._growth.add()
        if not is_object(node):
            if node is False:
                self._lose("false", "a value that nothing fits cannot be said")
            return {}
        pointer = node.get("$ref")
        if pointer is not None:
            return self._inline(node, pointer, trail)
        node, trail = self._merge(node, trail)
        out: dict[str, Any] = {}
        for key, value in sorted(node.items(), key=_is_no_type):  # other keywords ask for the type
            keyword = _SPELLINGS.get(key) or key
            special = _SPECIAL.get(keyword)
            if special is not None:
                special(self, out, value, trail)
            elif keyword in _KEPT:
                out[keyword] = value
            elif keyword not in _SAYS_NOTHING:
                self._lose(keyword, "the keyword is not taken here")
        return self._finish(out)

    def _inline(self, node: JSONObject, pointer: Any, trail: tuple[str, ...]) -> dict[str, Any]:
        if trail.count(pointer) >= _UNROLLED:
            self._lose("$ref", f"the schema refers to itself, and was written out {_UNROLLED} times")
            return {"type": "object"}
        target = resolve(pointer, self._root)
        return self.write({**target, **{key: value for key, value in node.items() if key != "$ref"}}, (*trail, pointer))

    def _merge(self, node: JSONObject, trail: tuple[str, ...]) -> tuple[JSONObject, tuple[str, ...]]:
        """Return the node with its `allOf` joined into it, and all references that were followed on the way."""
        parts = node.get("allOf")
        if not is_array(parts):
            return node, trail
        merged: dict[str, Any] = {}
        followed = trail
        for part in [*parts, {key: value for key, value in node.items() if key != "allOf"}]:
            if not is_object(part):
                continue
            flat, inner = self._merge(*self._inline_flat(part, trail))
            followed += inner[len(trail) :]
            for key, value in flat.items():
                merged[key] = _join(merged.get(key), value)
        return merged, followed

    def _inline_flat(self, part: JSONObject, trail: tuple[str, ...]) -> tuple[JSONObject, tuple[str, ...]]:
        """Return what a part of `allOf` refers to, and the references that led there."""
        while "$ref" in part:
            self._growth.add()
            pointer = part["$ref"]
            if pointer in trail:
                self._lose("$ref", "the schema refers to itself in allOf")
                return {}, trail
            rest = {key: value for key, value in part.items() if key != "$ref"}
            part, trail = {**resolve(pointer, self._root), **rest}, (*trail, pointer)
        return part, trail

    def _finish(self, out: dict[str, Any]) -> dict[str, Any]:
        kind = str(out.get("type", "")).lower()
        if kind == "array" and not out.get("items"):
            # Without `items` the whole request is refused.
            self._lose("items", "an array must say what it holds, and strings were assumed")
            out["items"] = {"type": "string"}
        if out.get("enum") and kind not in ("", "string"):
            self._lose("enum", "only strings can be listed")
            del out["enum"]
        if "properties" in out and not out["properties"]:
            del out["properties"]
        return out

    # Keywords.

    def _type(self, out: dict[str, Any], value: Any, trail: tuple[str, ...]) -> None:
        kinds = [kind for kind in value if kind != "null"] if is_array(value) else [value]
        if is_array(value) and "null" in value:
            out["nullable"] = True
        if len(kinds) == 1:
            out["type"] = kinds[0]
        elif kinds:
            out["anyOf"] = [self._finish({"type": kind}) for kind in kinds]

    def _properties(self, out: dict[str, Any], value: Any, trail: tuple[str, ...]) -> None:
        if is_object(value):
            out["properties"] = {name: self.write(item, trail) for name, item in value.items()}

    def _items(self, out: dict[str, Any], value: Any, trail: tuple[str, ...]) -> None:
        if is_array(value):
            self._prefix(out, value, trail)
        elif value is not False:
            out["items"] = self.write(value, trail)

    def _prefix(self, out: dict[str, Any], value: Any, trail: tuple[str, ...]) -> None:
        self._lose("prefixItems", "the items' order cannot be said")
        kinds = [self.write(item, trail) for item in value]
        unique = [kind for index, kind in enumerate(kinds) if kind not in kinds[:index]]
        out["items"] = unique[0] if len(unique) == 1 else {"anyOf": unique}

    def _any(self, out: dict[str, Any], value: Any, trail: tuple[str, ...]) -> None:
        kinds = [self.write(item, trail) for item in value if item != {"type": "null"}]
        if len(kinds) < len(value):
            out["nullable"] = True
        if len(kinds) == 1:
            for key, item in kinds[0].items():
                out.setdefault(key, item)
        else:
            out["anyOf"] = kinds

    def _const(self, out: dict[str, Any], value: Any, trail: tuple[str, ...]) -> None:
        if isinstance(value, str):
            out["type"], out["enum"] = "string", [value]
        elif value is None:
            out["nullable"] = True
        else:
            self._lose("const", "only a string can be prescribed")

    def _enum(self, out: dict[str, Any], value: Any, trail: tuple[str, ...]) -> None:
        words = [item for item in value if item is not None]
        if len(words) < len(value):
            out["nullable"] = True
        if all(isinstance(item, str) for item in words):
            out["enum"] = words
            out.setdefault("type", "string")
        else:
            self._lose("enum", "only strings can be listed")

    def _format(self, out: dict[str, Any], value: Any, trail: tuple[str, ...]) -> None:
        if value in _FORMATS:
            out["format"] = value
        else:
            self._lose("format", "the format is not known here")

    def _above(self, out: dict[str, Any], value: Any, trail: tuple[str, ...]) -> None:
        self._exclusive(out, "minimum", value, 1)

    def _below(self, out: dict[str, Any], value: Any, trail: tuple[str, ...]) -> None:
        self._exclusive(out, "maximum", value, -1)

    def _exclusive(self, out: dict[str, Any], name: str, value: Any, step: int) -> None:
        if isinstance(value, bool):
            return
        if str(out.get("type", "")).lower() == "integer" and isinstance(value, int):
            out[name] = value + step
        else:
            self._lose(f"exclusive{name.capitalize()}", "the bound was made inclusive")
            out[name] = value

    def _closed(self, out: dict[str, Any], value: Any, trail: tuple[str, ...]) -> None:
        if value is not False and value != {}:
            self._lose("additionalProperties", "other properties than the named cannot be said")


def _is_no_type(item: tuple[str, Any]) -> bool:
    return item[0] != "type"


def _join(before: Any, after: Any) -> Any:
    """Return two values of one keyword in `allOf` as one."""
    if is_object(before) and is_object(after):
        return {**before, **after}
    if is_array(before) and is_array(after):
        return [*before, *(item for item in after if item not in before)]
    return after


_SPECIAL: Final[Mapping[str, Callable[[_Writer, dict[str, Any], Any, tuple[str, ...]], None]]] = {
    "type": _Writer._type,
    "properties": _Writer._properties,
    "items": _Writer._items,
    "prefixItems": _Writer._prefix,
    "anyOf": _Writer._any,
    "oneOf": _Writer._any,
    "const": _Writer._const,
    "enum": _Writer._enum,
    "format": _Writer._format,
    "exclusiveMinimum": _Writer._above,
    "exclusiveMaximum": _Writer._below,
    "additionalProperties": _Writer._closed,
}
