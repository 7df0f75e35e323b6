"""The head of a request, written at once.

http.client writes a head field by field, through checks that `prepare` has made already, and urllib3 repeats them: a fifth of
the time of a short call. What they would write otherwise is left to them, and so is everything while somebody watches them.
"""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from types import FunctionType
from typing import Any, Final

_METHODS: Final = frozenset({"POST", "PUT", "PATCH"})
_FILLED_IN: Final = frozenset({"user-agent", "accept-encoding", "content-length"})
"""Fields that urllib3 adds where they are missing."""
_FRAMING: Final = frozenset({"host", "transfer-encoding"})
_USUAL: Final = {name: http.client.HTTPConnection.__dict__[name] for name in ("putrequest", "putheader", "endheaders", "send", "getresponse")}


def is_watched(conn: Any) -> bool:
    """Whether somebody looks on as a connection works: by http.client's debug output, or a tracing tool in place of its methods."""
    methods = http.client.HTTPConnection.__dict__
    return conn.debuglevel > 0 or any(methods[name] is not usual for name, usual in _USUAL.items()) or not _IS_USUAL


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


_IS_USUAL: Final = all(isinstance(method, FunctionType) and method.__globals__ is http.client.__dict__ for method in _USUAL.values())
"""Whether nobody had replaced them before we came."""
