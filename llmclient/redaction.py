"""Which values are secrets, and how they are kept out of what is shown: errors, and the record of what was sent.

`errors.redact` blanks what looks like a key, whoever's it is; here is what is known to be one: the settings of an account, and what
stands in the headers of its requests, tokens included that were fetched on the way.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NoReturn, cast
from urllib.parse import quote, quote_plus

from llmclient.errors import ProviderError, redact

SHORTEST: Final = 4
"""A value of fewer characters is no secret: blanking it would garble every message, and it would still be guessed."""
SHORTEST_FACT: Final = 8
"""A value of fewer characters is left in codes and the like: a placeholder such as "test" may well be one."""
MASK: Final = "***"

_WORDS: Final = ("authorization", "cookie", "credential", "key", "passw", "secret", "signature", "token")
_ABOUT: Final = ("_type", "_uri", "_url")
"""How a name ends that only speaks of a secret: `token_uri`, `token_type`."""
_SAID: Final = ("message", "body", "cause")
_FACTS: Final = ("code", "type", "param", "request_id")
_CONTEXTS: Final = ("", "Bearer ", "api_key=")
_DEPTH: Final = 4


def is_secret_name(name: str) -> bool:
    """Return whether a header or setting of this name holds a secret, as far as its name tells."""
    lower = name.lower().replace("-", "_")
    return any(word in lower for word in _WORDS) and not lower.endswith(_ABOUT)


def of_settings(settings: Mapping[str, Any], depth: int = _DEPTH) -> Iterator[str]:
    """Yield the secrets among settings: what is named as one, and what credentials hold that are a mapping or its JSON."""
    for name, value in settings.items():
        if not is_secret_name(str(name)):
            continue
        held = _mapping(value)
        if held is not None and depth:
            yield from of_settings(held, depth - 1)
        elif isinstance(value, str):
            yield value


def _mapping(value: Any) -> Mapping[str, Any] | None:
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else None


def of_headers(headers: Mapping[str, Any], marked: frozenset[str] = frozenset()) -> Iterator[str]:
    """Yield the secrets in headers: the values of those that are marked (in lower case) or named as one, without a scheme such as Bearer."""
    for name, value in headers.items():
        if isinstance(value, str) and (name.lower() in marked or is_secret_name(name)):
            scheme, _, rest = value.partition(" ")
            yield rest or value
            if scheme.lower() == "basic":
                yield from _basic(rest)


def _basic(packed: str) -> Iterator[str]:
    """Yield what basic authentication packs: `user:password`, and the password."""
    try:
        text = base64.b64decode(packed, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return
    user, _, password = text.partition(":")
    yield from (text, password or user)


class Secrets:
    """Values that must show nowhere, in each spelling that answers give them. Shows none of them itself, and does not pickle."""

    __slots__ = ("_marks", "_values")

    def __init__(self, values: Iterable[str]) -> None:
        self._values: tuple[str, ...] = tuple(dict.fromkeys(value for value in values if len(value) >= SHORTEST))
        self._marks: tuple[tuple[str, int], ...] | None = None

    def __repr__(self) -> str:
        return f"<{len(self._values)} secrets>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("secrets are not pickled")

    def __or__(self, values: Iterable[str]) -> Secrets:
        """Return these and more."""
        more = [value for value in values if value not in self._values]
        return Secrets((*self._values, *more)) if more else self

    def hide(self, text: str, shortest: int = SHORTEST) -> str:
        """Return a text without the secrets of at least so many characters."""
        marks = self._marks
        if marks is None:
            found = {spelling: len(value) for value in self._values for spelling in spellings(value)}
            marks = self._marks = tuple(sorted(found.items(), key=lambda mark: -len(mark[0])))
        for spelling, length in marks:
            if length >= shortest and spelling in text:
                text = text.replace(spelling, MASK) if length >= SHORTEST_FACT else _without_word(text, spelling)
        if shortest == SHORTEST:
            for value in self._values:
                text = _without_end(text, value)
        return text

    def is_in(self, text: str) -> bool:
        """Return whether a text holds one of them as it is."""
        return any(value in text for value in self._values)

    def clean(self, error: ProviderError) -> ProviderError:
        """Blank the secrets out of an error, and return the same error."""
        if not self._values:
            return error
        for names, shortest in ((_SAID, SHORTEST), (_FACTS, SHORTEST_FACT)):
            for name in names:
                value = getattr(error, name)
                if isinstance(value, str):
                    setattr(error, name, self.hide(value, shortest))
        notes = getattr(error, "__notes__", None)
        if notes:
            error.__notes__ = [self.hide(note) for note in notes]
        error.args = (error.provider, error.message)
        return error


def of_account(key: str | None, settings: Mapping[str, Any], headers: Mapping[str, str]) -> Secrets:
    """Return the secrets that an account was set up with."""
    return Secrets((key or "", *of_settings(settings), *of_headers(headers)))


def spellings(value: str) -> Iterator[str]:
    """Yield each way in which an answer may write a value: as it is, and as JSON, addresses, HTML, Python, base64 and a wrong charset write it.

    What the general redaction leaves of a value, of which it knows the beginning only, is one of them.
    """
    found = dict.fromkeys((value, *_misread(value)))
    for text in tuple(found):
        for written in dict.fromkeys(_escaped(text)):
            found.update(dict.fromkeys((written, *_in_json(written))))
    yield from found
    for written in found:
        for context in _CONTEXTS:
            rest = redact(context + written).removeprefix(context)
            if rest != written and len(rest) >= len(MASK) + SHORTEST:
                yield rest
    raw = value.encode("utf-8", "surrogatepass")
    for packed in (raw, raw + b":"):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            # Without the padding, which some leave out: the rest of it says nothing.
            yield encode(packed).decode().rstrip("=")


def _misread(value: str) -> Iterator[str]:
    """Yield what a value becomes where one side writes latin-1, as HTTP does, and the other reads UTF-8, or the other way round."""
    if value.isascii():
        return
    yield value.encode("utf-8", "replace").decode("latin-1")
    yield value.encode("latin-1", "replace").decode("utf-8", "replace")
    yield value.encode("ascii", "replace").decode()


def _escaped(text: str) -> Iterator[str]:
    yield from _in_json(text)
    for charset in ("utf-8", "latin-1"):
        quoted = (quote(text, safe="", encoding=charset, errors="replace"), quote(text, encoding=charset, errors="replace"))
        for each in (*quoted, quote_plus(text, encoding=charset, errors="replace")):
            yield from (each, _lower_hex(each))
    import html  # here, since its tables take longer to load than all else of this module

    yield from (html.escape(text), html.escape(text, quote=False), html.escape(text).replace("&#x27;", "&#39;"))
    yield repr(text)[1:-1]


def _in_json(text: str) -> Iterator[str]:
    """Yield how JSON writes a text, which may be JSON itself, as routers quote the provider behind them."""
    for ascii_only in (True, False):
        once = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        yield from (once, once.replace("/", "\\/"))


def _lower_hex(quoted: str) -> str:
    head, *rest = quoted.split("%")
    return "%".join((head, *(piece[:2].lower() + piece[2:] for piece in rest)))


def _without_word(text: str, word: str) -> str:
    """Return a text without a short value where it stands alone: the key "test" is no part of "latest"."""
    return re.sub(rf"(?<![^\W_]){re.escape(word)}(?![^\W_])", MASK, text)


def _without_end(text: str, value: str) -> str:
    """Return a text without the beginning of a value with which it ends: a message is cut to a length, in the middle of whatever is there."""
    stem = text.removesuffix("…").removesuffix("...")
    at = stem.find(value[:SHORTEST_FACT], max(0, len(stem) - len(value))) if len(value) > SHORTEST_FACT else -1
    while at >= 0:
        if value.startswith(stem[at:]):
            return stem[:at] + MASK + text[len(stem) :]
        at = stem.find(value[:SHORTEST_FACT], at + 1)
    return text


class Hidden(Mapping[str, str]):
    """Headers that the caller gave. They show by their names alone: tracebacks draw the variables of every frame, and some look into dicts."""

    __slots__ = ("_headers",)

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers

    def __getitem__(self, name: str) -> str:
        return self._headers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._headers)

    def __len__(self) -> int:
        return len(self._headers)

    def __repr__(self) -> str:
        return f"<headers: {', '.join(map(str, self._headers)) or 'none'}>"

    __sentry_repr__ = __repr__  # Sentry looks into every mapping that does not say how to show it


def hide_headers(options: dict[str, Any]) -> None:
    """Put the headers among a call's options where nothing shows their values; what is no mapping stays, and is refused later."""
    given = options.get("headers")
    if isinstance(given, Mapping) and not isinstance(given, Hidden):
        options["headers"] = Hidden(cast("Mapping[str, str]", given))
