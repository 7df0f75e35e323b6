"""Fills a requests.PreparedRequest by hand: what a provider call needs, checked, and nothing looked up."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, cast
from urllib.parse import quote

import requests
from requests.cookies import RequestsCookieJar
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from llmclient._version import __version__
from llmclient.errors import ConfigurationError

USER_AGENT = f"llmclient/{__version__}"

_OURS = frozenset({"content-length", "transfer-encoding", "host", "connection"})
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_SAFE = "/?:@!$&'()*+,;=-._~%[]"
_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")


class _NoCookies(RequestsCookieJar):
    """A jar that takes nothing in: a provider's cookie must not follow one user's calls into another's."""

    def __init__(self) -> None:
        CookieJar.__init__(self, DefaultCookiePolicy(allowed_domains=[]))

    def extract_cookies(self, response: Any, request: Any) -> None:
        """Do nothing."""

    def set_cookie(self, cookie: Any, *args: Any, **kwargs: Any) -> None:
        """Do nothing."""


NO_COOKIES = _NoCookies()


def prepare(provider: str, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> requests.PreparedRequest:
    """Return a request that `Session.send` takes as it is.

    Raises ConfigurationError for an address that is not http(s) with a host, and for header names or values that HTTP
    cannot carry; the message names the header and never shows its value.
    """
    request = requests.PreparedRequest()
    request.method = _method(method)
    request.url = _address(provider, url)
    filled: CaseInsensitiveDict[str] = CaseInsensitiveDict()
    filled["User-Agent"] = USER_AGENT
    filled["Accept-Encoding"] = "gzip, deflate"
    problem = _fill(filled, headers)
    if problem is not None:
        headers = filled = CaseInsensitiveDict()
        raise ConfigurationError(provider, problem)
    if body is not None:
        filled["Content-Length"] = str(len(body))
    elif request.method in _WITH_BODY:
        filled["Content-Length"] = "0"
    request.headers = cast("Any", filled)
    request.body = body
    # Redirects are not followed, but requests works out where they would go, and wants a jar for that.
    request._cookies = NO_COOKIES
    return request


def check_headers(provider: str, headers: Mapping[str, str]) -> None:
    """Raise ConfigurationError if HTTP cannot carry these headers; the message names the header and never shows its value."""
    problem = next((found for name, value in headers.items() if (found := _problem(name, value)) is not None), None)
    if problem is not None:
        headers = {}
        raise ConfigurationError(provider, problem)


def _fill(filled: CaseInsensitiveDict[str], headers: Mapping[str, str]) -> str | None:
    for name, value in headers.items():
        problem = _problem(name, value)
        if problem is not None:
            return problem
        if name.lower() in _OURS:
            return f"header {name!r} is set by the library and cannot be given"
        filled[name] = value
    return None


def _problem(name: object, value: object) -> str | None:
    """Return what is wrong with a header, without its value."""
    if not isinstance(name, str) or not _is_token(name):
        return f"{name!r} is not a header name"
    if not isinstance(value, str):
        return f"header {name!r} must be a str, got {type(value).__name__}"
    if value.isascii() and value.isprintable():
        return None
    if _CONTROLS.search(value) is not None:
        return f"header {name!r} holds a control character, perhaps a line break at the end of a key"
    return None if _is_latin(value) else f"header {name!r} holds a character outside of latin-1"


@functools.lru_cache(maxsize=512)
def _is_token(name: str) -> bool:
    return re.fullmatch(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+", name) is not None


def _is_latin(value: str) -> bool:
    return all(ord(each) < 256 for each in value)


@functools.lru_cache(maxsize=64)
def _method(method: str) -> str:
    if not _is_token(method):
        raise ConfigurationError("llmclient", f"{method!r} is not an HTTP method")
    return method.upper()


def origin_of(url: str) -> str:
    """Return the part of a prepared address before its path: `https://host:port`."""
    return url[: url.index("/", 8)]


def _address(provider: str, url: str) -> str:
    """Return the address in the form that goes on the wire."""
    end = min((at for at in (url.find("/", 8), url.find("?", 8), url.find("#", 8)) if at >= 0), default=len(url))
    origin = _origin(url[:end])
    if origin.startswith("!"):
        raise ConfigurationError(provider, f"api_base {url[:end]!r} is not a URL: {origin[1:]}")
    path = url[end:] or "/"
    if not path.startswith("/"):
        path = "/" + path
    if not (path.isascii() and path.isprintable() and " " not in path and "#" not in path):
        path = _target(provider, path)
    return origin + path


def _target(provider: str, path: str) -> str:
    if "#" in path:
        raise ConfigurationError(provider, f"the address {path!r} holds a fragment (#), which is never sent")
    if _CONTROLS.search(path) is not None:
        raise ConfigurationError(provider, f"the address {path!r} holds a control character")
    return quote(path, safe=_SAFE)


@functools.lru_cache(maxsize=1024)
def _origin(text: str) -> str:
    """Return `scheme://host:port` in its normal form, or "!" and what is wrong with it."""
    if not text.lower().startswith(("http://", "https://")):
        return "!it must begin with https:// or http://"
    if _CONTROLS.search(text) is not None or " " in text:
        return "!it holds a space or control character"
    try:
        parsed = parse_url(text)
    except LocationParseError:
        return "!its host or port is malformed"
    if not parsed.host:
        return "!it has no host"
    if parsed.auth is not None:
        return "!it must not hold a user name or password"
    port = "" if parsed.port is None else f":{parsed.port}"
    return f"{parsed.scheme}://{parsed.host}{port}"
