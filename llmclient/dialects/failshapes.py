"""The shapes in which providers report a failure, brought to one."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import attrs

from llmclient.dialects.shapes import is_array, is_object
from llmclient.types.messages import EMPTY
from llmclient.wire import jsons

_TEXT_LIMIT: Final = 1_000
_MESSAGE_KEYS: Final = ("message", "Message", "msg", "error_message", "errorMessage", "error_description", "reason", "title", "status_msg", "description")
_EMPTY_WORDS: Final = frozenset({"", "not found", "resource not found", "404 page not found", "404 not found", "page not found", "http 404", "not_found"})


@attrs.frozen(kw_only=True)
class Facts:
    """What a body says about a failure."""

    message: str = ""
    codes: tuple[str, ...] = ()
    """Structured codes, the most telling first; the HTTP status written as a code is none."""
    type: str | None = None
    param: str | None = None
    status: int | None = None
    """A status that stands in the body."""
    request_id: str | None = None
    limits: tuple[int | None, int | None] | None = None
    """The context's limit and the actual length, where fields give them."""
    foreign_codes: bool = False
    """Whether the codes are numbers of the provider's own."""
    shown_code: str | None = None

    @property
    def code(self) -> str | None:
        """The code to show."""
        return self.shown_code or (self.codes[0] if self.codes else None)

    @property
    def says_nothing(self) -> bool:
        """Whether the message tells no more than the status."""
        return self.message.strip().strip(".").lower() in _EMPTY_WORDS or self.message.startswith("<")


def reports_failure(value: Any) -> bool:
    """Return whether a parsed body, or an event, reports a failure, whatever its status was."""
    if is_array(value):
        return bool(value) and is_object(value[0]) and bool(value[0].get("error"))
    if not is_object(value):
        return False
    error = value.get("error")
    if error and (not is_object(error) or any(error.values())):
        return True
    base, groq = value.get("base_resp"), value.get("x_groq")
    if (is_object(base) and base.get("status_code")) or (is_object(groq) and groq.get("error")):
        return True
    if value.get("choices") or value.get("usage"):
        return False
    if value.get("success") is False or value.get("object") == "error" or value.get("type") == "error" or value.get("detail"):
        return True
    return bool(isinstance(value.get("message"), str) and (value.get("code") or value.get("type") or value.get("error_type")) and "id" not in value)


def read_facts(value: Any, headers: Mapping[str, str]) -> Facts:
    """Return what a parsed body (or the text of one that is no JSON) and its headers, in lower case, say."""
    if is_array(value):
        value = value[0] if value and is_object(value[0]) else {"errors": value}
    if not is_object(value):
        return Facts(message=_readable(value), codes=_header_codes(headers))
    inner = _inner(value)
    base = value.get("base_resp")
    if is_object(base) and base.get("status_code"):
        code = str(base["status_code"])
        return Facts(message=_text(base), codes=(code,), foreign_codes=True)
    raw = _raw(inner)
    codes, status = _codes(inner, value, raw, headers)
    return Facts(
        message=_join(_text(inner) or _text(value) or _dump(value), _details(inner) or (_text(_inner(raw)) if raw else "")),
        codes=codes,
        type=_string(inner.get("type")) or _string(value.get("type")) or _string(_inner(raw).get("type")),
        param=_string(inner.get("param")) or _string(value.get("param")) or _string(_inner(raw).get("param")),
        status=status,
        request_id=_string(value.get("request_id")) or _string(inner.get("request_id")),
        limits=_limits(inner),
        shown_code=_shown(inner.get("code", value.get("code")), codes),
    )


def _inner(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the object that tells of the failure."""
    groq = value.get("x_groq")
    candidates = (value.get("error"), groq.get("error") if is_object(groq) else None, value.get("detail"), _only(value.get("errors")))
    for candidate in candidates:
        if is_object(candidate):
            return candidate
        if isinstance(candidate, str) and candidate:
            return {"message": candidate}
        if is_array(candidate) and candidate:
            return {"message": "; ".join(_lines(candidate))}
    return value


def _only(value: Any) -> Any:
    """Return the first of several failures where they are objects; words stay together."""
    return value[0] if is_array(value) and value and is_object(value[0]) else value


def _text(value: Mapping[str, Any]) -> str:
    for key in _MESSAGE_KEYS:
        text = value.get(key)
        if isinstance(text, str) and text:
            return text[:_TEXT_LIMIT]
        if is_array(text) and text:
            return "; ".join(_lines(text))[:_TEXT_LIMIT]
        if is_object(text) and _text(text):
            return _text(text)
    return ""


def _details(inner: Mapping[str, Any]) -> str:
    """Return which fields are wrong, where a list of details says so."""
    details = inner.get("details")
    found = [item for item in details if is_object(item) and "msg" in item] if is_array(details) else []
    return "; ".join(_lines(found))


def _lines(items: Iterable[Any]) -> list[str]:
    """Return what a list of failures says; {"loc": ["body", "stop"], "msg": "…"} becomes "body.stop: …"."""
    lines: list[str] = []
    for item in items:
        if is_object(item):
            where = item.get("loc")
            place = ".".join(str(step) for step in where) + ": " if is_array(where) else ""
            lines.append(place + (_text(item) or _dump(item)))
        else:
            lines.append(str(item))
    return lines


def _dump(value: Any) -> str:
    if not value or (is_object(value) and not any(any(item.values()) if is_object(item) else item for item in value.values())):
        return ""
    return jsons.rewrite(value).decode("utf-8", "replace")[:300]


def _raw(inner: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a router reports of the provider behind it, in `metadata.raw`."""
    metadata = inner.get("metadata")
    raw = metadata.get("raw") if is_object(metadata) else None
    if isinstance(raw, str) and raw:
        try:
            raw = jsons.loads(raw)
        except ValueError:
            return {"message": raw}
    return raw if is_object(raw) else EMPTY


def _join(message: str, more: str) -> str:
    return f"{message}: {more}"[:_TEXT_LIMIT] if more and more not in message else message


def _codes(inner: Mapping[str, Any], value: Mapping[str, Any], raw: Mapping[str, Any], headers: Mapping[str, str]) -> tuple[tuple[str, ...], int | None]:
    """Return the codes, and the HTTP status that stands among them."""
    found: list[Any] = []
    deeper = inner.get("innererror")
    if is_object(deeper):
        found.append(deeper.get("code"))
    details = inner.get("details")
    found += [_detail_code(item) for item in details if is_object(item)] if is_array(details) else []
    metadata = inner.get("metadata")
    if is_object(metadata) and metadata.get("reasons"):
        found.append("content_filter")
    for holder in (inner, value, _inner(raw)):
        found += [holder.get(key) for key in ("code", "error_code", "error_type", "status", "status_code", "raw_status_code", "http_code", "statusCode")]
    codes: list[str] = []
    status = None
    for code in found:
        number = _status(code)
        if number is not None:
            status = status or number
        elif isinstance(code, (str, int)) and not isinstance(code, bool) and str(code):
            codes.append(str(code))
    return (*codes, *_header_codes(headers)), status


def _detail_code(item: Mapping[str, Any]) -> Any:
    """Return the code in one of Google's details: a reason, or a daily quota, which no wait of a minute refills."""
    violations = item.get("violations")
    if is_array(violations) and any("PerDay" in str(violation.get("quotaId")) for violation in violations if is_object(violation)):
        return "quota_exceeded"
    return item.get("reason")


def _header_codes(headers: Mapping[str, str]) -> tuple[str, ...]:
    kind = headers.get("x-amzn-errortype", "")
    return (kind.partition(":")[0].rpartition("#")[2],) if kind else ()


def _status(code: Any) -> int | None:
    if isinstance(code, str) and code.isdecimal() and len(code) == 3:
        code = int(code)
    return code if isinstance(code, int) and not isinstance(code, bool) and 400 <= code < 600 else None


def _limits(inner: Mapping[str, Any]) -> tuple[int | None, int | None] | None:
    limit, actual = inner.get("n_ctx"), inner.get("n_prompt_tokens")
    return (limit, actual if isinstance(actual, int) else None) if isinstance(limit, int) else None


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _shown(code: Any, codes: tuple[str, ...]) -> str | None:
    """Return the code to show: the provider's own word rather than the status once more."""
    if _status(code) is not None and codes:
        return codes[0]
    return str(code) if isinstance(code, (str, int)) and not isinstance(code, bool) and code != "" else None


@functools.cache
def _title() -> re.Pattern[str]:
    return re.compile(r"<(title|h1)[^>]*>(.*?)</\1>", re.IGNORECASE | re.DOTALL)


@functools.cache
def _tags() -> re.Pattern[str]:
    return re.compile(r"<(script|style)\b.*?</\1>|<[^>]+>|\s+", re.IGNORECASE | re.DOTALL)


def _readable(value: Any) -> str:
    """Return the gist of a body that is no JSON object: the title of a page, or its first words."""
    text = value if isinstance(value, str) else "" if value is None else str(value)
    head = text[:4_000]
    if "<" in head:
        import html

        title = _title().search(head)
        head = html.unescape(_tags().sub(" ", title[2] if title else head))
    return " ".join(head.split())[:300]
