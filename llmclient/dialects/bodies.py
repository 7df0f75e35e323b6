"""What the bodies of answers have in common, whatever their shape: JSON or not, a stream or not, readable or not."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any, Final

from llmclient.errors import ResponseParsingError
from llmclient.wire import jsons

ODD_SHAPES: Final = (AttributeError, KeyError, TypeError, ValueError)
"""What goes wrong where a field is of another kind than it should be."""
_SHOWN: Final = 200
BLANK: Final = b" \t\r\n\xef\xbb\xbf"
"""What may come before the first field of a stream; what reads streams and what asks whether this is one must agree on it."""
_EVENTS: Final = (b"event:", b"data: ", b"data:{")


def parse(raw: bytes, loads: Callable[[bytes], Any] = jsons.loads) -> Any:
    """Return the JSON of a body, None where it is none; `loads` raises ValueError there."""
    try:
        return loads(raw)
    except ValueError:
        return None


def make_loads(mark: bytes) -> Callable[[bytes], Any]:
    """Return what reads JSON so that the arguments of calls, of which `mark` tells, keep numbers of any size; it raises ValueError for what is none."""

    def loads(data: bytes) -> Any:
        if mark in data and _long_number().search(data):
            return jsons.loads_exactly(data)
        return jsons.loads(data)

    return loads


@functools.cache
def _long_number() -> re.Pattern[bytes]:
    return re.compile(rb"\d{19}")


def is_event_stream(raw: bytes) -> bool:
    """Return whether a body is a stream of events, which some hosts send although nobody asked them to."""
    return raw.lstrip(BLANK).startswith(_EVENTS)


def show(raw: bytes) -> str:
    """Return the beginning of a body, or of one event or line, as an error shows it."""
    return repr(raw[:_SHOWN].decode("utf-8", "replace"))


def unreadable(raw: bytes, problem: str, place: str, model: str | None) -> ResponseParsingError:
    """Return the error for a body that is no answer at all, as of a wrong address: "the answer `problem`: …; is the address that of `place`?"."""
    shown = raw[: 4 * _SHOWN].decode("utf-8", "replace").strip()[:_SHOWN]
    said = f"the answer {problem}: {shown!r}" if shown else "the answer is empty"
    return ResponseParsingError("", f"{said}; is the address that of {place}?", model=model)


def lacking(raw: bytes, what: str, model: str | None = None) -> ResponseParsingError:
    """Return the error for an answer that lacks what was asked for: "the answer holds no `what`: …"."""
    return ResponseParsingError("", f"the answer holds no {what}: {show(raw)}", model=model)


def odd(error: Exception, model: str, where: str = "the answer") -> ResponseParsingError:
    """Return the error for a field of another kind than it should be."""
    return ResponseParsingError("", f"{where} has an odd shape: {type(error).__name__}: {error}", model=model)
