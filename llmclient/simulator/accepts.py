"""Whether a value satisfies a JSON Schema: the keywords of draft 2020-12 that schemas for models use."""

from __future__ import annotations

import ipaddress
import math
import re
import uuid
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, cast

from llmclient.simulator.exchange import is_dict, is_list

Schema = Mapping[str, Any] | bool

_MAX_DEPTH = 100


def resolve(root: Schema, reference: str) -> Schema:
    """Return the schema that a `$ref` within the document names; raises ValueError when there is none."""
    node: Any = root
    if reference != "#" and not reference.startswith("#/"):
        raise ValueError(f"$ref {reference!r} is not within the schema")
    for part in reference.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        try:
            node = node[int(key)] if is_list(node) else node[key]
        except (KeyError, IndexError, TypeError, ValueError):
            raise ValueError(f"$ref {reference!r} leads nowhere") from None
    if not isinstance(node, Mapping | bool):
        raise ValueError(f"$ref {reference!r} is no schema")  # noqa: TRY004 - the schema is wrong, not the call
    return cast("Schema", node)


def items_of(schema: Mapping[str, Any]) -> tuple[list[Schema], Schema]:
    """Return the schemas of an array's first items, and that of all others, in the spelling of any draft."""
    rest = schema.get("items", True)
    return (rest, schema.get("additionalItems", True)) if is_list(rest) else (schema.get("prefixItems", []), rest)


def same(a: object, b: object) -> bool:
    """Whether two JSON values are equal; true is not 1, but 1.0 is."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if is_list(a) and is_list(b):
        return len(a) == len(b) and all(map(same, a, b))
    if is_dict(a) and is_dict(b):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    return a == b


def accepts(schema: Schema, value: object, root: Schema, depth: int = 0) -> bool:
    """Whether `value` satisfies `schema`, whose references are looked up in `root`; raises ValueError for a schema that cannot be read."""
    if isinstance(schema, bool):
        return schema
    if depth > _MAX_DEPTH:
        raise ValueError("the schema refers to itself without end")
    if "$ref" in schema and not accepts(resolve(root, schema["$ref"]), value, root, depth + 1):
        return False
    if not _logic(schema, value, root, depth):
        return False
    if "type" in schema and not _typed(schema, value):
        return False
    if "enum" in schema and not any(same(value, item) for item in schema["enum"]):
        return False
    if "const" in schema and not same(value, schema["const"]):
        return False
    if isinstance(value, str):
        return _string(schema, value)
    if is_list(value):
        return _array(schema, value, root, depth)
    if is_dict(value):
        return _object(schema, value, root, depth)
    return _number(schema, value) if isinstance(value, int | float) and not isinstance(value, bool) else True


_TYPES: dict[str, Callable[[object], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: not isinstance(value, bool) and (isinstance(value, int) or (isinstance(value, float) and value.is_integer())),
    "number": lambda value: not isinstance(value, bool) and isinstance(value, int | float),
    "string": lambda value: isinstance(value, str),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}


def _typed(schema: Mapping[str, Any], value: object) -> bool:
    types = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    if value is None and schema.get("nullable") is True:
        return True
    return any(kind in _TYPES and _TYPES[kind](value) for kind in types)


def _logic(schema: Mapping[str, Any], value: object, root: Schema, depth: int) -> bool:
    def holds(part: Schema) -> bool:
        return accepts(part, value, root, depth + 1)

    if not all(map(holds, schema.get("allOf", ()))):
        return False
    if "anyOf" in schema and not any(map(holds, schema["anyOf"])):
        return False
    if "oneOf" in schema and sum(map(holds, schema["oneOf"])) != 1:
        return False
    if "not" in schema and holds(schema["not"]):
        return False
    return "if" not in schema or holds(schema.get("then" if holds(schema["if"]) else "else", True))


def _number(schema: Mapping[str, Any], value: float) -> bool:
    if value < schema.get("minimum", -math.inf) or value > schema.get("maximum", math.inf):
        return False
    low: Any = schema.get("exclusiveMinimum")
    high: Any = schema.get("exclusiveMaximum")
    # Drafts up to 4 have booleans here, which tighten `minimum` and `maximum`.
    low = schema.get("minimum") if low is True else low
    high = schema.get("maximum") if high is True else high
    if (_is_bound(low) and value <= low) or (_is_bound(high) and value >= high):
        return False
    step = schema.get("multipleOf")
    if step is None:
        return True
    return value % step == 0 if isinstance(value, int) and isinstance(step, int) else (value / step).is_integer()


def _is_bound(limit: object) -> bool:
    return isinstance(limit, int | float) and not isinstance(limit, bool)


def _string(schema: Mapping[str, Any], value: str) -> bool:
    if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", math.inf):
        return False
    if "pattern" in schema and not re.search(schema["pattern"], value):
        return False
    check = _FORMATS.get(schema.get("format", ""))
    if check is None:
        return True
    try:
        return bool(check(value))
    except ValueError:
        return False


def _array(schema: Mapping[str, Any], value: list[object], root: Schema, depth: int) -> bool:
    if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", math.inf):
        return False
    if schema.get("uniqueItems") is True and any(same(a, b) for i, a in enumerate(value) for b in value[:i]):
        return False
    first, rest = items_of(schema)
    if not all(accepts(part, item, root, depth + 1) for part, item in zip(first, value, strict=False)):
        return False
    if not all(accepts(rest, item, root, depth + 1) for item in value[len(first) :]):
        return False
    if "contains" not in schema:
        return True
    count = sum(accepts(schema["contains"], item, root, depth + 1) for item in value)
    return bool(schema.get("minContains", 1) <= count <= schema.get("maxContains", math.inf))


def _object(schema: Mapping[str, Any], value: dict[str, object], root: Schema, depth: int) -> bool:
    if not schema.get("minProperties", 0) <= len(value) <= schema.get("maxProperties", math.inf):
        return False
    if any(name not in value for name in schema.get("required", ())):
        return False
    for name, needs in schema.get("dependentRequired", {}).items():
        if name in value and any(need not in value for need in needs):
            return False
    if "propertyNames" in schema and not all(accepts(schema["propertyNames"], name, root, depth + 1) for name in value):
        return False
    return all(accepts(part, item, root, depth + 1) for name, item in value.items() for part in parts(schema, name))


def parts(schema: Mapping[str, Any], name: str) -> list[Schema]:
    """Return the schemas that a property of this name must satisfy."""
    found: list[Schema] = [schema["properties"][name]] if name in schema.get("properties", {}) else []
    found += [part for pattern, part in schema.get("patternProperties", {}).items() if re.search(pattern, name)]
    return found or [schema.get("additionalProperties", True)]


_FORMATS: dict[str, Callable[[str], object]] = {
    "date": lambda text: re.fullmatch(r"\d{4}-\d\d-\d\d", text) and date.fromisoformat(text),
    "date-time": lambda text: re.match(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$", text) and datetime.fromisoformat(text),
    "time": lambda text: re.fullmatch(r"\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", text),
    "email": lambda text: re.fullmatch(r"[^@\s]+@[^@\s]+", text),
    "uri": lambda text: re.match(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s]+$", text),
    "uuid": lambda text: re.fullmatch(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", text) and uuid.UUID(text),
    "ipv4": ipaddress.IPv4Address,
    "ipv6": ipaddress.IPv6Address,
}
