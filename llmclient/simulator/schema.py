"""JSON that satisfies a JSON Schema: what the simulator answers where a shape is asked for, and gives to tools as arguments.

A value is chosen that looks ordinary; where the prompt says `city=Paris`, `city: Paris` or `city Paris`, a property `city` takes it.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from llmclient.simulator.accepts import Schema, accepts, items_of, parts, resolve, same
from llmclient.simulator.exchange import is_dict, is_list
from llmclient.simulator.patterns import PatternError, example

_SHALLOW = 3
"""Levels down to which optional properties are filled in and longer alternatives are taken."""
_TRIES = 64
_BUDGET = 4_000
"""Steps that may be taken in all, so that no schema takes for ever."""

_FORMATS = {
    "date": "2024-01-15",
    "date-time": "2024-01-15T09:30:00Z",
    "time": "09:30:00Z",
    "email": "user@example.com",
    "uri": "https://example.com/",
    "uuid": "3f2b8c1e-5d4a-4e6f-8b7a-9c0d1e2f3a4b",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "hostname": "example.com",
    "duration": "P1D",
}


class UnsatisfiableError(ValueError):
    """No value was found that satisfies the schema."""


def sample(schema: Schema, text: str = "") -> Any:
    """Return a JSON value that satisfies `schema`, the same for the same schema and text.

    Raises UnsatisfiableError where none is found, ValueError for a schema that cannot be read.
    """
    return _Sampler(schema, text).value(schema, "", 0, 0)


class _Sampler:
    def __init__(self, root: Schema, text: str) -> None:
        self._root = root
        self._text = text
        self._heights = _heights(root)
        self._budget = _BUDGET

    def value(self, schema: Schema, name: str, depth: int, turn: int) -> Any:
        """Return a value for the property `name`; another `turn` gives another value where there is a choice."""
        self._spend()
        for flat in itertools.islice(self._flatten(schema, depth), _TRIES):
            for candidate in self._candidates(flat, name, depth, turn):
                if accepts(schema, candidate, self._root):
                    return candidate
        raise UnsatisfiableError(f"no value was found for {name or 'the schema'}")

    def _flatten(self, schema: Schema, depth: int) -> Iterator[Mapping[str, Any]]:
        """Yield the schema without references and alternatives, once for each way of choosing."""
        if isinstance(schema, bool):
            yield from [{}] if schema else []
            return
        groups: list[list[Schema]] = [[part] for part in schema.get("allOf", ())]
        if "$ref" in schema:
            groups.append([resolve(self._root, schema["$ref"])])
        groups += [self._ordered(schema[word], depth) for word in ("anyOf", "oneOf") if word in schema]
        if "then" in schema:
            groups.append([schema["then"], schema.get("else", True)])
        plain = {key: value for key, value in schema.items() if key not in {"$ref", "allOf", "anyOf", "oneOf", "if", "then", "else"}}
        for choice in itertools.product(*groups):
            if all(self._height(part) < math.inf for part in choice):
                for flats in itertools.product(*(list(itertools.islice(self._flatten(part, depth), _TRIES)) for part in choice)):
                    self._spend()
                    yield _merge([plain, *flats])

    def _spend(self) -> None:
        self._budget -= 1
        if self._budget < 0:
            raise ValueError("the schema is too intricate")

    def _ordered(self, branches: list[Schema], depth: int) -> list[Schema]:
        """Return the alternatives that end; deep down the shortest first, so that recursion ends too."""
        finite = [branch for branch in branches if self._height(branch) < math.inf]
        return sorted(finite, key=self._height) if depth >= _SHALLOW else finite

    def _height(self, schema: Schema) -> float:
        return self._heights.get(id(schema), 1)

    def _candidates(self, flat: Mapping[str, Any], name: str, depth: int, turn: int) -> Iterator[Any]:
        if "const" in flat:
            yield flat["const"]
        if "enum" in flat:
            items = flat["enum"]
            hints = [item for item in items if isinstance(item, str) and re.search(rf"\b{re.escape(item)}\b", self._text)] if turn == 0 else []
            yield from hints
            yield from items[turn % len(items) :] if items else []
            yield from items
        for kind in _types(flat):
            if kind == "object":
                yield from self._objects(flat, depth)
            elif kind == "array":
                yield from self._arrays(flat, name, depth)
            elif kind == "string":
                yield from self._strings(flat, name, turn)
            elif kind in ("integer", "number"):
                yield from self._numbers(flat, name, turn, whole=kind == "integer")
            else:
                yield from [None] if kind == "null" else [turn % 2 == 0, turn % 2 == 1]

    def _objects(self, flat: Mapping[str, Any], depth: int) -> Iterator[Any]:
        properties = flat.get("properties", {})
        required = list(flat.get("required", ()))
        if depth < _SHALLOW:
            yield from self._object(flat, [*(name for name in properties if name not in required), *required], required, depth)
        yield from self._object(flat, required, required, depth)
        needs = {need for name in required for need in flat.get("dependentRequired", {}).get(name, ())}
        yield from self._object(flat, [*required, *sorted(needs - set(required))], required, depth)

    def _object(self, flat: Mapping[str, Any], names: list[str], required: list[str], depth: int) -> Iterator[Any]:
        properties = flat.get("properties", {})
        order = {name: index for index, name in enumerate(properties)}
        built: dict[str, Any] = {}
        for name in sorted(names, key=lambda name: order.get(name, len(order))):
            try:
                built[name] = self.value({"allOf": parts(flat, name)}, name, depth + 1, 0)
            except UnsatisfiableError:
                if name in required:
                    return
        for name in self._more_names(flat, built):
            if len(built) >= flat.get("minProperties", 0):
                break
            if name not in built:
                try:
                    built[name] = self.value({"allOf": parts(flat, name)}, name, depth + 1, 0)
                except UnsatisfiableError:
                    continue
        spare = [name for name in built if name not in required]
        while spare and len(built) > flat.get("maxProperties", math.inf):
            del built[spare.pop()]
        yield built

    def _more_names(self, flat: Mapping[str, Any], built: Mapping[str, Any]) -> Iterator[str]:
        yield from flat.get("properties", {})
        yield from (name for number in range(_TRIES) for name in _names(flat, number))

    def _arrays(self, flat: Mapping[str, Any], name: str, depth: int) -> Iterator[Any]:
        first, rest = items_of(flat)
        low, high = flat.get("minItems", 0), flat.get("maxItems", math.inf)
        wanted = max(low, len(first) or 1, flat.get("minContains", 1) if "contains" in flat else 0)
        for length in dict.fromkeys((min(wanted, high) if depth < _SHALLOW else low, low, min(len(first), high), wanted)):
            items = self._items(flat, [first[index] if index < len(first) else rest for index in range(int(length))], name, depth)
            if items is not None:
                yield items

    def _items(self, flat: Mapping[str, Any], schemas: list[Schema], name: str, depth: int) -> list[Any] | None:
        must = flat.get("minContains", 1) if "contains" in flat else 0
        items: list[Any] = []
        for index, schema in enumerate(schemas):
            if len(schemas) - index <= must:
                schema = {"allOf": [schema, flat["contains"]]}
            item = self._item(schema, items, name, depth, unique=flat.get("uniqueItems") is True)
            if item is _NOTHING:
                return None
            items.append(item)
        return items

    def _item(self, schema: Schema, before: list[Any], name: str, depth: int, *, unique: bool) -> Any:
        try:
            for turn in range(len(before), len(before) + _TRIES):
                item = self.value(schema, name, depth + 1, turn)
                if not unique or not any(same(item, other) for other in before):
                    return item
        except UnsatisfiableError:
            return _NOTHING
        return _NOTHING

    def _strings(self, flat: Mapping[str, Any], name: str, turn: int) -> Iterator[str]:
        low, high = flat.get("minLength", 0), flat.get("maxLength", 1 << 16)
        hint = self._hint(name) if turn == 0 else None
        if hint is not None:
            yield hint
        if "format" in flat:
            yield from _formatted(flat["format"], turn)
        if "pattern" in flat:
            yield from _matching(flat["pattern"], turn)
        text = (name or "text") + (f" {turn + 1}" if turn else "")
        yield text if len(text) >= low else (text + " " + "abcdefghijklmnopqrstuvwxyz" * (low // 26 + 1))[:low]
        yield (str(turn + 1) if turn else text)[: int(high)]
        yield chr(97 + turn % 26) * max(low, min(1, int(high)))

    def _numbers(self, flat: Mapping[str, Any], name: str, turn: int, *, whole: bool) -> Iterator[float]:
        hint = self._hint(name) if turn == 0 else None
        if hint is not None and re.fullmatch(r"-?\d{1,15}" if whole else r"-?\d{1,15}(\.\d{1,15})?", hint):
            yield float(hint) if "." in hint else int(hint)
        low, high = _bounds(flat)
        step = flat.get("multipleOf", 1 if whole else None)
        if step is None:
            yield from (turn + 1, turn + 0.5)
            if math.isfinite(low) and math.isfinite(high):
                yield from (low + (high - low) * (turn + 1) / (turn + 2), low, high)
            yield from (number for number in (low + 1 + turn, low, high, high - 1 - turn) if math.isfinite(number))
            return
        start = math.ceil(low / step) if math.isfinite(low) else (math.floor(high / step) - _TRIES if math.isfinite(high) and high < step else 1)
        start = max(start, 1) if max(start, 1) * step <= high else start
        for count in range(start + turn, start + turn + _TRIES * 2):
            yield count * step
        for count in range(start - 1, start - 1 - _TRIES, -1):
            yield count * step

    def _hint(self, name: str) -> str | None:
        """Return the word that follows the property's name in the prompt."""
        if not name or not self._text:
            return None
        match = re.search(rf"(?<!\w){re.escape(name)}\s*(?:=|:|\s)\s*(?:\"([^\"]*)\"|'([^']*)'|([\w.+@/-]*[\w/]))", self._text, re.IGNORECASE)
        return match and next((group for group in match.groups() if group is not None), None)


class _Nothing:
    """Where None is a value, this is none."""


_NOTHING = _Nothing()


def _types(flat: Mapping[str, Any]) -> list[str]:
    given = flat.get("type")
    if isinstance(given, str):
        return [given]
    if given is not None:
        return list(given)
    for kind, words in _SIGNS.items():
        if any(word in flat for word in words):
            return [kind]
    return ["string", "integer", "object", "array", "boolean", "null"]


_SIGNS = {
    "object": ("properties", "required", "additionalProperties", "minProperties", "patternProperties"),
    "array": ("items", "prefixItems", "minItems", "uniqueItems", "contains"),
    "string": ("minLength", "maxLength", "pattern", "format"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}


def _names(flat: Mapping[str, Any], number: int) -> Iterator[str]:
    for pattern in flat.get("patternProperties", {}):
        yield from itertools.islice(_matching(pattern, number), 1)
    names = flat.get("propertyNames")
    if is_dict(names):
        yield from names.get("enum", ())
        yield from _matching(names["pattern"], number) if "pattern" in names else ()
    yield f"property{number + 1}"


def _formatted(kind: str, turn: int) -> Iterator[str]:
    text = _FORMATS.get(kind)
    if text is None:
        return
    if kind in ("date", "date-time"):
        yield text.replace("-01-15", f"-{turn // 28 % 12 + 1:02d}-{turn % 28 + 1:02d}") if turn else text
    elif kind == "uuid":
        yield text[:-4] + f"{turn:04x}" if turn else text
    elif kind == "ipv4":
        yield f"192.0.2.{turn % 254 + 1}"
    elif kind in ("email", "uri"):
        yield text.replace("user", f"user{turn + 1}") if kind == "email" and turn else text + (f"{turn + 1}" if turn else "")
    yield text


def _matching(pattern: str, turn: int) -> Iterator[str]:
    """Yield strings for a pattern, the shortest first; none for a pattern that is not understood."""
    for extra in (0, 1, 2, 3, 5, 8, 16, 32, 64, 128):
        try:
            yield example(pattern, extra, turn)
        except PatternError:
            return


def _bounds(flat: Mapping[str, Any]) -> tuple[float, float]:
    """Return the least and the greatest number allowed; an open bound counts as closed, the final check is `accepts`."""
    lows = [flat.get("minimum"), flat.get("exclusiveMinimum")]
    highs = [flat.get("maximum"), flat.get("exclusiveMaximum")]
    low = max((bound for bound in lows if isinstance(bound, int | float) and not isinstance(bound, bool)), default=-math.inf)
    high = min((bound for bound in highs if isinstance(bound, int | float) and not isinstance(bound, bool)), default=math.inf)
    return low, high


def _merge(schemas: list[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return one schema that asks for all that the given ones ask for, as far as one can; `accepts` has the last word."""
    merged: dict[str, Any] = {}
    for schema in schemas:
        for word, value in schema.items():
            merged[word] = _join(word, merged[word], value) if word in merged else value
    return merged


def _join(word: str, a: Any, b: Any) -> Any:
    if word in ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties", "minContains"):
        return max(a, b)
    if word in ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties", "maxContains"):
        return min(a, b)
    if word == "required":
        return [*a, *(name for name in b if name not in a)]
    if word in ("properties", "patternProperties"):
        return {**a, **{name: {"allOf": [a[name], part]} if name in a else part for name, part in b.items()}}
    if word == "type":
        return _join_types(a, b)
    if word == "enum":
        return [item for item in a if any(same(item, other) for other in b)]
    if word in ("items", "additionalProperties", "contains"):
        return {"allOf": [a, b]}
    if word == "multipleOf" and isinstance(a, int) and isinstance(b, int):
        return math.lcm(a, b)
    if word == "uniqueItems":
        return a or b
    return b


def _join_types(a: Any, b: Any) -> list[str]:
    first, second = ([kind] if isinstance(kind, str) else list(kind) for kind in (a, b))
    joined = [kind for kind in first if kind in second or (kind == "integer" and "number" in second)]
    return joined + (["integer"] if "integer" in second and "number" in first and "integer" not in joined else [])


def _heights(root: Schema) -> dict[int, float]:
    """Return how deep the shallowest value of each part of the schema is, infinite where recursion never ends.

    The heights grow from the leaves: each round settles what is built of settled parts.
    """
    nodes = _nodes(root)
    heights = {id(node): math.inf for node in nodes}
    changed = True
    while changed:
        changed = False
        for node in nodes:
            height = _height(node, root, heights)
            if height < heights[id(node)]:
                heights[id(node)] = height
                changed = True
    return heights


def _height(node: Mapping[str, Any], root: Schema, heights: Mapping[int, float]) -> float:
    def of(part: Schema) -> float:
        return (1 if part else math.inf) if isinstance(part, bool) else heights.get(id(part), 1)

    below = [of(part) for part in node.get("allOf", ())]
    if "$ref" in node:
        below.append(of(resolve(root, node["$ref"])))
    below += [min(map(of, node[word]), default=math.inf) for word in ("anyOf", "oneOf") if word in node]
    if "object" in _types(node):
        properties = node.get("properties", {})
        below += [of(properties[name]) for name in node.get("required", ()) if name in properties]
    if "array" in _types(node) and node.get("minItems", 0) > 0:
        first, rest = items_of(node)
        below += [of(part) for part in first[: node["minItems"]]]
        if len(first) < node["minItems"]:
            below.append(of(rest))
    return 1 + max(below, default=0)


def _nodes(root: Schema) -> list[Mapping[str, Any]]:
    """Return every object within the document that may be a schema, the inner ones first; those which are none do no harm."""
    found: dict[int, Mapping[str, Any]] = {}
    waiting: list[Any] = [root]
    while waiting:
        node = waiting.pop()
        if is_dict(node) and id(node) not in found:
            found[id(node)] = node
            waiting += node.values()
        elif is_list(node):
            waiting += node
    return list(reversed(found.values()))
