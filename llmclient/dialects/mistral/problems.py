"""Failures in Mistral's words: what is wrong with a field is told in a list, which stands under `detail` or within the message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from llmclient.dialects import failure
from llmclient.dialects.shapes import is_array, is_object
from llmclient.errors import ProviderError, redact
from llmclient.wire import jsons

_BODY_LIMIT: Final = 65_536


def map_failure(status: int, headers: Mapping[str, str], body: bytes, codes: Mapping[str, failure.Kind]) -> ProviderError:
    """Return (never raise) the error that a status other than 2xx means; the first field that is at fault is its `param`."""
    flat = _flatten(body) if b'"detail"' in body else None
    error = failure.map_failure(status, headers, body if flat is None else flat, codes=codes)
    if flat is not None:
        error.body = redact(body[:_BODY_LIMIT].decode("utf-8", "replace"))
    return error


def _flatten(body: bytes) -> bytes | None:
    """Return the body with its list of details as one message, None where there is no such list."""
    try:
        value = jsons.loads(body)
    except ValueError:
        return None
    if not is_object(value):
        return None
    message = value.get("message")
    details = (message if is_object(message) else value).get("detail")
    found = [item for item in details if is_object(item) and isinstance(item.get("msg"), str)] if is_array(details) else []
    if not found:
        return None
    lines = "; ".join(f"{place}: {item['msg']}" if (place := _place(item)) else item["msg"] for item in found)
    kept = {key: item for key, item in value.items() if key != "detail"}
    return jsons.rewrite({**kept, "message": lines, "param": value.get("param") or _place(found[0]) or None})


def _place(item: Mapping[str, Any]) -> str:
    """Return where in the request the fault lies, such as messages.0.user.name."""
    where = item.get("loc")
    steps = [str(step) for step in where] if is_array(where) else []
    return ".".join(steps[1:] if steps[:1] == ["body"] else steps)
