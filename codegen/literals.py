"""Writes values as Python source: shortest form, double quotes, only what differs from a default, broken into lines as ruff would."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, cast

import attrs

WIDTH: Final = 160
_STEP: Final = "    "


def literal(value: Any, indent: str = "", before: int = 0) -> str:
    """Return the source of a value that stands `before` columns into a line indented by `indent`.

    Raises TypeError for a value that has no literal.
    """
    line = _line(value)
    room = WIDTH - len(indent) - before
    opening, items, closing = _parts(value) if _is_compound(value) else ("", [], "")
    if not items or len(line) <= room:
        return line
    words = _words(items) if isinstance(value, frozenset) else ""
    if 0 < len(words) <= room:
        return words
    if isinstance(value, frozenset):
        inner = indent + _STEP
        return f"frozenset(\n{inner}{_block('{', items, '}', inner)}\n{indent})"
    return _block(opening, items, closing, indent)


def _block(opening: str, items: list[tuple[str, Any]], closing: str, indent: str) -> str:
    inner = indent + _STEP
    lines = [f"{inner}{head}{literal(item, inner, len(head) + 1)}," for head, item in items]
    return "\n".join([opening, *lines, indent + closing])


def _words(items: list[tuple[str, Any]]) -> str:
    """Return a long set of words as one string that is split; "" where an item is no word."""
    words = [item for _, item in items if isinstance(item, str) and item and not any(map(str.isspace, item))]
    return f"frozenset({string(' '.join(words))}.split())" if len(words) == len(items) else ""


def classes(value: Any) -> set[type[Any]]:
    """Return the attrs classes whose names the source of a value uses."""
    found: set[type[Any]] = {_kind(value)} if attrs.has(_kind(value)) else set()
    if _is_compound(value):
        found = found.union(*(classes(item) for _, item in _parts(value)[1]))
    return found


def string(text: str) -> str:
    """Return the source of a string, in double quotes unless that would need more escapes."""
    source = repr(text)
    if source[0] == '"' or '"' in text:
        return source
    return f'"{source[1:-1]}"'


def _kind(value: object) -> type[Any]:
    return type(value)


def _is_compound(value: Any) -> bool:
    return attrs.has(_kind(value)) or isinstance(value, Mapping | tuple | list | frozenset)


def _line(value: Any) -> str:
    if isinstance(value, str):
        return string(value)
    if value is None or isinstance(value, bool | int | float):
        return repr(value)
    if not _is_compound(value):
        raise TypeError(f"{type(value).__name__} has no literal")
    opening, items, closing = _parts(value)
    inside = ", ".join(head + _line(item) for head, item in items)
    return f"{opening}{inside},{closing}" if isinstance(value, tuple) and len(items) == 1 else f"{opening}{inside}{closing}"


def _parts(value: Any) -> tuple[str, list[tuple[str, Any]], str]:
    """Return what a compound value opens and closes with, and its items, each with what stands before it."""
    if attrs.has(_kind(value)):
        return f"{type(value).__name__}(", [(f"{name}=", item) for name, item in changes(value)], ")"
    if isinstance(value, Mapping):
        return "{", [(f"{_line(key)}: ", item) for key, item in cast("Iterable[tuple[Any, Any]]", value.items())], "}"
    items = [("", item) for item in cast("Iterable[Any]", value)]
    if isinstance(value, frozenset):
        return ("frozenset({", sorted(items, key=str), "})") if items else ("frozenset(", [], ")")
    opening, closing = ("(", ")") if isinstance(value, tuple) else ("[", "]")
    return opening, items, closing


def changes(value: Any) -> list[tuple[str, Any]]:
    """Return the fields of an attrs value that differ from their defaults, in the order of the class."""
    found = [(field, getattr(value, field.name)) for field in attrs.fields(_kind(value)) if field.init]
    return [(field.name, given) for field, given in found if not _is_default(field.default, given)]


def _is_default(default: Any, value: Any) -> bool:
    if default is attrs.NOTHING:
        return False
    factory: Callable[[], Any] | None = getattr(default, "factory", None)
    return bool((factory() if factory else default) == value)
