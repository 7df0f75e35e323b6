"""What a parsed JSON value is, said so that type checkers know what is in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeGuard

from llmclient.types.media import is_object

__all__ = ["is_array", "is_object", "read_text"]


def is_array(value: Any) -> TypeGuard[Sequence[Any]]:
    """Return whether a value is a JSON array; a string is none."""
    return value.__class__ is list or isinstance(value, (list, tuple))


def read_text(value: Any) -> str | None:
    """Return a text that says something, or None for "" and for what is no text."""
    return value if isinstance(value, str) and value else None
