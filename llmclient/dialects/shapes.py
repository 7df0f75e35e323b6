"""What a parsed JSON value is, said so that type checkers know what is in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeGuard

_OTHERS: Final = frozenset({str, int, float, bool, list, type(None)})


def is_object(value: Any) -> TypeGuard[Mapping[str, Any]]:
    """Return whether a value is a JSON object."""
    # What orjson gives is one of these, and asking an abstract class takes long.
    kind = value.__class__
    return kind is dict or (kind not in _OTHERS and isinstance(value, Mapping))


def is_array(value: Any) -> TypeGuard[Sequence[Any]]:
    """Return whether a value is a JSON array; a string is none."""
    return value.__class__ is list or isinstance(value, (list, tuple))
