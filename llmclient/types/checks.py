"""Checks of what callers pass: each returns the value, or raises InvalidRequestError that names the parameter and what it must be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from llmclient.errors import InvalidRequestError
from llmclient.types.media import is_list
from llmclient.wire import jsons


def typed(name: str, value: Any, kind: type | tuple[type, ...], words: str) -> Any:
    """Return a value of the type."""
    if not isinstance(value, kind):
        raise InvalidRequestError("", f"{name} must be {words}, got {type(value).__name__}", param=name)
    return value


def number(name: str, value: Any) -> float:
    """Return a number; True and False are none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InvalidRequestError("", f"{name} must be a number, got {type(value).__name__}", param=name)
    return writable(name, value)


def writable(name: str, value: float) -> float:
    """Refuse what Python would not write, in the request or in a message about it."""
    if isinstance(value, int) and value.bit_length() > jsons.MAX_BITS:
        raise InvalidRequestError("", f"{name} is a number of more than 4,000 digits", param=name)
    return value


def integer(name: str, value: Any, least: int | None) -> int:
    """Return a whole number that is not below `least`."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidRequestError("", f"{name} must be a whole number, got {type(value).__name__}", param=name)
    writable(name, value)
    if least is not None and value < least:
        raise InvalidRequestError("", f"{name} must be at least {least}, got {value}", param=name)
    return value


def strings(name: str, value: Any) -> tuple[str, ...]:
    """Return a list of texts as a tuple."""
    if not is_list(value) or not all(isinstance(item, str) for item in value):
        raise InvalidRequestError("", f"{name} must be a list of str", param=name)
    return tuple(value)


def mapping(name: str, value: Any) -> Mapping[str, Any]:
    """Return a dict whose keys are texts."""
    typed(name, value, Mapping, "a dict")
    if not all(isinstance(key, str) for key in value):
        raise InvalidRequestError("", f"{name} must be a dict with str as keys", param=name)
    checked: Mapping[str, Any] = value
    return checked


def texts(name: str, value: Any) -> tuple[str | Sequence[int], ...]:
    """Return what is to be embedded: a text, texts, or lists of token numbers, as a tuple."""
    if isinstance(value, str):
        return (value,)
    if not is_list(value):
        raise InvalidRequestError("", f"{name} must be a str or a list of str, got {type(value).__name__}", param="input")
    if value and _is_tokens(value):
        return (tuple(value),)
    for place, item in enumerate(value):
        if not isinstance(item, str) and not _is_tokens(item):
            raise InvalidRequestError("", f"{name}[{place}] must be a str or a list of token numbers, got {type(item).__name__}", param="input")
    return tuple(value)


def _is_tokens(value: Any) -> bool:
    return is_list(value) and all(isinstance(item, int) and not isinstance(item, bool) for item in value)
