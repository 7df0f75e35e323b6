"""JSON on both ends: orjson, and the standard library where orjson refuses what JSON allows.

orjson writes NaN as null and refuses integers beyond 64 bits; the standard library reads NaN and lone surrogates.
Neither loses a value here: what JSON cannot carry raises InvalidRequestError naming its path.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import orjson

from llmclient.errors import InvalidRequestError

_MAX_DEPTH = 200
MAX_BITS = 13_000
"""Python refuses to write longer numbers, as denial of service."""


def dumps(value: Any) -> bytes:
    """Write `value` as UTF-8 JSON.

    Raises InvalidRequestError, naming the path, for NaN, infinity, lone surrogates, deep nesting and types that JSON does not have.
    """
    try:
        out = orjson.dumps(value)
    except TypeError:
        return _dumps_slowly(value)
    if b"null" in out:
        # orjson writes NaN and infinity as null, so every null is a suspect.
        _check(value, "$", 0)
    return out


def rewrite(value: Any) -> bytes:
    """Write what was received, whatever it holds: lone surrogates become escapes, NaN may become null.

    For what is read again or shown, never for what is sent.
    """
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, separators=(",", ":"), default=str).encode()


def loads(data: bytes | str) -> Any:
    """Read JSON; raises ValueError when it is none. Integers beyond 64 bits become floats: see `loads_exactly`."""
    try:
        return orjson.loads(data)
    except ValueError:
        return loads_exactly(data)


def loads_exactly(data: bytes | str) -> Any:
    """Read JSON with integers of any size, more slowly; raises ValueError when it is none."""
    try:
        return json.loads(data)
    except RecursionError:
        pass
    raise ValueError("JSON is nested too deeply")


def join(pieces: Iterable[str]) -> str:
    """Return one text of the pieces of a stream. A letter that was cut in half between two of them is whole again.

    Servers written in JavaScript cut texts at any UTF-16 unit, also between the two of an emoji.
    """
    text = "".join(pieces)
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    return text


def _dumps_slowly(value: Any) -> bytes:
    _check(value, "$", 0)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain, allow_nan=False).encode()


def _plain(value: Mapping[str, Any] | tuple[Any, ...]) -> Any:
    return dict(value) if isinstance(value, Mapping) else list(value)


def _check(value: Any, path: str, depth: int) -> None:
    if depth > _MAX_DEPTH:
        raise InvalidRequestError("", f"the request is nested more than {_MAX_DEPTH} levels deep")
    match value:
        case bool() | None:
            return
        case int():
            if value.bit_length() > MAX_BITS:
                raise InvalidRequestError("", f"{path} is a number of more than 4,000 digits")
        case str():
            _check_text(value, path)
        case float():
            if not math.isfinite(value):
                raise InvalidRequestError("", f"{path} is {value}, which JSON cannot carry")
        case Mapping():
            for key, item in _members(value):
                if not isinstance(key, str):
                    raise InvalidRequestError("", f"{path} has the key {key!r}; JSON keys are strings")
                _check_text(key, path)
                _check(item, f"{path}.{key}", depth + 1)
        case list() | tuple():
            items = cast("Sequence[Any]", value)
            for index, item in enumerate(items):
                _check(item, f"{path}[{index}]", depth + 1)
        case _:
            raise InvalidRequestError("", f"{path} is a {type(value).__name__}, which JSON cannot carry")


def _members(value: Any) -> Iterable[tuple[Any, Any]]:
    members: Mapping[Any, Any] = value
    return members.items()


def _check_text(value: str, path: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError:
        position = next(i for i, char in enumerate(value) if 0xD800 <= ord(char) <= 0xDFFF)
    else:
        return
    raise InvalidRequestError("", f"{path} has a lone surrogate at {position}, which UTF-8 cannot carry")
