"""The head of a request, written at once.

http.client writes a head field by field, through checks that `prepare` has made already, and urllib3 repeats them: a fifth of
the time of a short call. What they would write otherwise is left to them, and so is everything while somebody watches them.
"""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from operator import attrgetter
from types import FunctionType
from typing import Any, Final

from urllib3.connection import HTTPConnection

_METHODS: Final = frozenset({"POST", "PUT", "PATCH"})
_FILLED_IN: Final = frozenset({"user-agent", "accept-encoding", "content-length"})
"""Fields that urllib3 adds where they are missing."""
_FRAMING: Final = frozenset({"host", "transfer-encoding"})
_STEPS: Final = attrgetter("request", "putrequest", "putheader", "endheaders", "send", "getresponse")
_USUAL: Final = (_STEPS(http.client.HTTPConnection), _STEPS(HTTPConnection))


def is_watched(conn: Any) -> bool:
    """Whether somebody looks on as a connection works: by http.client's debug output, or a tracing tool in place of its methods."""
    return conn.debuglevel > 0 or (_STEPS(http.client.HTTPConnection), _STEPS(HTTPConnection)) != _USUAL or _WAS_WATCHED


def write_head(method: str, url: str, host: str, headers: Mapping[str, str], length: int) -> bytes | None:
    """Return what http.client would send ahead of a body of this length; None for what it should write, or refuse, itself."""
    fields: dict[str, tuple[str, str]] | None = getattr(headers, "_store", None)
    if fields is None or method not in _METHODS or not url.startswith("/") or not (url.isascii() and url.isprintable() and " " not in url):
        return None
    if not fields.keys() >= _FILLED_IN or not fields.keys().isdisjoint(_FRAMING) or fields["content-length"][1] != str(length):
        return None
    try:
        lines = "\r\n".join(map(": ".join, fields.values()))
        head = f"{method} {url} HTTP/1.1\r\nHost: {host}\r\n{lines}\r\n\r\n".encode("latin-1")
    except (TypeError, UnicodeEncodeError):
        return None
    # A line break within a field would begin another one.
    return head if head.count(b"\n") == head.count(b"\r") == head.count(b"\r\n") == len(fields) + 3 else None


def _is_original(method: object) -> bool:
    return isinstance(method, FunctionType) and method.__globals__["__name__"] in ("http.client", "urllib3.connection")


_WAS_WATCHED: Final = not all(_is_original(method) for methods in _USUAL for method in methods)
"""Whether somebody had come before us."""
