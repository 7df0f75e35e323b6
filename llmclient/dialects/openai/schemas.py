"""JSON Schemas made to fit providers that take only part of the language."""

from __future__ import annotations

from typing import Any

from llmclient.dialects.references import NAMED, VALUES, Growth, resolve
from llmclient.dialects.shapes import is_array, is_object
from llmclient.errors import TransformationError
from llmclient.types.messages import JSONObject


def without(schema: JSONObject, keywords: frozenset[str]) -> tuple[JSONObject, set[str]]:
    """Return the schema without these keywords at any depth, and which of them were there."""
    gone: set[str] = set()
    return _without(schema, keywords, gone), gone


def _without(schema: Any, keywords: frozenset[str], gone: set[str]) -> Any:
    if is_array(schema):
        return [_without(item, keywords, gone) for item in schema]
    if not is_object(schema):
        return schema
    gone |= keywords & schema.keys()
    out: dict[str, Any] = {}
    for key, value in schema.items():
        if key in keywords:
            continue
        if key in NAMED and is_object(value):
            out[key] = {name: _without(item, keywords, gone) for name, item in value.items()}
        else:
            out[key] = value if key in VALUES else _without(value, keywords, gone)
    return out


def inline(schema: JSONObject, param: str) -> JSONObject:
    """Return the schema of a parameter with each local `$ref` replaced by what it points to.

    Raises TransformationError for one that points nowhere or, in a circle, to itself, and InvalidRequestError where the result is too large.
    """
    out = _Inliner(schema, param).write(schema, ())
    return {key: value for key, value in out.items() if key not in ("$defs", "definitions")}


class _Inliner:
    """Rewrites one schema."""

    def __init__(self, root: JSONObject, param: str) -> None:
        self._root = root
        self._growth = Growth(param)

    def write(self, node: Any, trail: tuple[str, ...]) -> Any:
        if trail:
            self._growth.add()
        if is_array(node):
            return [self.write(item, trail) for item in node]
        if not is_object(node):
            return node
        pointer = node.get("$ref")
        if isinstance(pointer, str):
            if pointer in trail:
                raise TransformationError("", f"the schema refers to itself at {pointer}, which cannot be written without $ref")
            target = self.write(resolve(pointer, self._root), (*trail, pointer))
            siblings = {key: value for key, value in node.items() if key != "$ref"}
            return {**target, **self.write(siblings, trail)}
        return {key: self._under(key, value, trail) for key, value in node.items()}

    def _under(self, key: str, value: Any, trail: tuple[str, ...]) -> Any:
        if key in VALUES or key in ("$defs", "definitions"):
            return value
        if key in NAMED and is_object(value):
            return {name: self.write(item, trail) for name, item in value.items()}
        return self.write(value, trail)
