"""Turns TOML tables into attrs values by cattrs, strictly: nothing is coerced, and everything that is wrong is collected."""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeGuard, TypeVar

import attrs
import cattrs
from cattrs.errors import ClassValidationError, ForbiddenExtraKeysError, IterableValidationError, IterableValidationNote
from cattrs.gen import make_dict_structure_fn, override

from codegen.dialects import AUTHS, load
from codegen.problems import Problems, Steps, suggest
from llmclient.auth import Auth

T = TypeVar("T")

_NAMES: Final = {str: "a string", int: "a whole number", float: "a number", bool: "true or false"}


class Wrong(ValueError):
    """A value is wrong, in words that can be shown."""


def read(value: object, kind: type[T], steps: Steps, problems: Problems) -> T | None:
    """Return the value as the kind wants it; None when it is wrong, and the problems say how."""
    try:
        return _converter.structure(value, kind)
    except Exception as error:  # noqa: BLE001 - cattrs raises groups, and hooks raise what they like
        for where, message in _explain(error, steps):
            problems.add(where, message)
        return None


def is_table(value: object) -> TypeGuard[dict[str, Any]]:
    """Return whether a value of a TOML file is a table."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Return whether a value of a TOML file is a list."""
    return isinstance(value, list)


def quirks(kind: type[Any]) -> list[str]:
    """Return the names of the fields that a table may set."""
    return [field.name for field in attrs.fields(kind) if field.init and field.metadata.get("quirk", True)]


def _explain(error: Exception, steps: Steps) -> Iterator[tuple[Steps, str]]:
    if isinstance(error, ClassValidationError):
        named, others = error.group_exceptions()
        for inner, field in named:
            yield from _explain(inner, (*steps, field.name))
        for inner in others:
            yield from _explain(inner, steps)
    elif isinstance(error, IterableValidationError):
        for inner, place in error.group_exceptions()[0]:
            yield from _explain(inner, (*steps, place.index))
    elif isinstance(error, ForbiddenExtraKeysError):
        known = quirks(error.cl)
        yield from (((*steps, key), f"unknown{suggest(key, known)}") for key in sorted(error.extra_fields))
    elif isinstance(error, KeyError):
        yield steps, "missing"
    else:
        yield steps, str(error)


def _exact(*kinds: type) -> Callable[[Any, Any], Any]:
    def hook(value: Any, wanted: Any) -> Any:
        if type(value) not in kinds:
            raise Wrong(f"must be {_NAMES[wanted]}, got {value!r}")
        return wanted(value)

    return hook


def _literal(kind: Any) -> Callable[[Any, Any], Any]:
    allowed = typing.get_args(kind)

    def hook(value: Any, _: Any) -> Any:
        if value not in allowed:
            raise Wrong(f"{value!r} is not allowed{suggest(str(value), map(str, allowed))}")
        return value

    return hook


def _sequence(kind: Any, converter: cattrs.BaseConverter) -> Callable[[Any, Any], Any]:
    origin = typing.cast("Callable[[list[Any]], Any]", typing.get_origin(kind))
    kinds = typing.get_args(kind)
    unique = typing.get_origin(kind) in (set, frozenset)
    several = typing.get_origin(kind) is tuple and not (len(kinds) == 2 and kinds[1] is Ellipsis)

    def hook(value: Any, _: Any) -> Any:
        if not is_list(value):
            raise Wrong(f"must be a list, got {value!r}")
        if several and len(value) != len(kinds):
            raise Wrong(f"must be a list of {len(kinds)}, got {value!r}")
        items = [_item(converter, item, kinds[index] if several else kinds[0], index) for index, item in enumerate(value)]
        wrong = [item for item in items if isinstance(item, Exception)]
        if wrong:
            raise _group(wrong, kind)
        if unique and len(set(items)) < len(items):
            raise Wrong("holds something twice")
        return origin(items)

    return hook


def _mapping(kind: Any, converter: cattrs.BaseConverter) -> Callable[[Any, Any], Any]:
    of = typing.get_args(kind)[1]

    def hook(value: Any, _: Any) -> Any:
        if not is_table(value):
            raise Wrong(f"must be a table, got {value!r}")
        items = {key: _item(converter, item, of, key) for key, item in value.items()}
        wrong = [item for item in items.values() if isinstance(item, Exception)]
        if wrong:
            raise _group(wrong, kind)
        return items

    return hook


def _class(kind: Any, converter: cattrs.BaseConverter) -> Callable[[Any, Any], Any]:
    hidden = {field.name: override(omit=True) for field in attrs.fields(kind) if not field.metadata.get("quirk", True)}
    structure = make_dict_structure_fn(kind, converter, **hidden)  # type: ignore[arg-type]  # the names are not those of its options

    def hook(value: Any, wanted: Any) -> Any:
        if not is_table(value):
            raise Wrong(f"must be a table, got {value!r}")
        return structure(value, wanted)

    return hook


def _item(converter: cattrs.BaseConverter, item: Any, kind: Any, index: int | str) -> Any:
    """Return one item of a list or table, or the error that says why it cannot be one."""
    try:
        return converter.structure(item, kind)
    except Exception as error:  # noqa: BLE001 - handed on, with its place
        error.__notes__ = [*getattr(error, "__notes__", []), IterableValidationNote(f"item {index}", index, kind)]
        return error


def _group(errors: list[Exception], kind: Any) -> IterableValidationError:
    return IterableValidationError("some items are wrong", errors, kind)  # pyright: ignore[reportCallIssue]  # its __new__ takes three


def _auth(value: Any, _: Any) -> Auth:
    if not is_table(value) or "kind" not in value:
        raise Wrong("must be a table with a kind")
    place = AUTHS.get(value["kind"])
    if place is None:
        raise Wrong(f"unknown kind {value['kind']!r}{suggest(str(value['kind']), AUTHS)}")
    auth: Auth = _converter.structure({key: item for key, item in value.items() if key != "kind"}, load(place))
    return auth


def _is_one_of(*origins: Any) -> Callable[[Any], bool]:
    return lambda kind: typing.get_origin(kind) in origins


def _is_auth(kind: Any) -> bool:
    return kind is Auth


def _make() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True, detailed_validation=True)
    for kind, kinds in {str: (str,), int: (int,), bool: (bool,), float: (int, float)}.items():
        converter.register_structure_hook(kind, _exact(*kinds))
    converter.register_structure_hook_factory(_is_one_of(typing.Literal), _literal)
    converter.register_structure_hook_factory(_is_one_of(tuple, list, set, frozenset), _sequence)
    converter.register_structure_hook_factory(_is_one_of(dict, Mapping), _mapping)
    converter.register_structure_hook_factory(attrs.has, _class)
    converter.register_structure_hook_func(_is_auth, _auth)
    return converter


_converter: Final = _make()
