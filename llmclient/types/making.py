"""The quick way to make the values that every call makes.

attrs fills a frozen value through `object.__setattr__`, which takes many times as long as a plain assignment, and a call makes
ten values of a hundred fields in all. `maker` fills one while it belongs to a draft, a subclass that is not frozen, and gives
it its real class before anybody sees it: from then on it is as attrs made the class.
"""

from __future__ import annotations

from typing import Any, TypeVar, cast

import attrs

T = TypeVar("T")


def maker(cls: type[T]) -> type[T]:
    """Return a function that takes what the frozen attrs class takes, and returns the same value sooner.

    Raises TypeError for a class whose fields are converted, validated or left out of `__init__`.
    """
    # Both, or attribute access stays on the slow path of the frozen class.
    thawed = {"__slots__": (), "__setattr__": object.__setattr__, "__delattr__": object.__delattr__}
    known: dict[str, Any] = {"_new": object.__new__, "_draft": type(cls.__name__, (cls,), thawed), "_final": cls}
    arguments: list[str] = []
    lines: list[str] = []
    fields = sorted(attrs.fields(cast("type[attrs.AttrsInstance]", cls)), key=lambda field: field.kw_only)
    for field in fields:
        if field.converter is not None or field.validator is not None or not field.init:
            raise TypeError(f"{cls.__name__}.{field.name} wants more than to be assigned")
        if field.kw_only and "*" not in arguments:
            arguments.append("*")
        argument, value = _assignment(field, known)
        arguments.append(argument)
        lines.append(f"    _value.{field.name} = {value}\n")
    source = f"def make({', '.join(arguments)}):\n    _value = _new(_draft)\n{''.join(lines)}    _value.__class__ = _final\n    return _value\n"
    exec(source, known)  # noqa: S102 - made of the names of our own fields, as attrs makes its __init__
    return cast("type[T]", known["make"])


def _assignment(field: attrs.Attribute[Any], known: dict[str, Any]) -> tuple[str, str]:
    """Return a field's place in the signature and the value that it gets; a default is added to `known`."""
    name = field.name
    default: Any = field.default
    if default is attrs.NOTHING:
        return name, name
    if hasattr(default, "factory"):
        known[f"_make_{name}"] = default.factory
        known["_NOTHING"] = attrs.NOTHING
        return f"{name}=_NOTHING", f"_make_{name}() if {name} is _NOTHING else {name}"
    known[f"_default_{name}"] = default
    return f"{name}=_default_{name}", name
