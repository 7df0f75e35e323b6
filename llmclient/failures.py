"""What a failure below requests means: one ProviderError for whatever requests, urllib3, ssl or a socket raised."""

from __future__ import annotations

import http.client
import socket
import ssl
import zlib
from collections.abc import Iterator
from typing import TypeVar
from urllib.parse import urlsplit

import requests
import urllib3.exceptions

from llmclient import tls
from llmclient.deadline import Call
from llmclient.errors import ConfigurationError, NetworkError, ProviderError

E = TypeVar("E", bound=BaseException)

FAULTS: tuple[type[BaseException], ...] = (OSError, http.client.HTTPException, urllib3.exceptions.HTTPError, zlib.error)
"""What may come from below; anything else was raised on purpose by a hook or a test tool, or is a bug."""

_MISTAKES = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidProxyURL,
    urllib3.exceptions.LocationParseError,
    urllib3.exceptions.LocationValueError,
    urllib3.exceptions.ProxySchemeUnknown,
    urllib3.exceptions.ProxySchemeUnsupported,
)
_DEPTH = 12


def explain(error: BaseException, call: Call, url: str) -> ProviderError:
    """Return the error to raise; the cause is kept as text, since a chained exception would keep the key in its frames."""
    verdict = call.verdict()
    if verdict is not None:
        return verdict
    causes = list(_causes(error))
    host = urlsplit(url).netloc
    if _find(causes, _MISTAKES) is not None:
        return ConfigurationError(call.provider, f"{host or url}: {_text(causes)}", model=call.model)
    if (limit := _limit(causes)) is not None:
        return call.timeout_error(limit)
    message, retryable = _describe(causes, host)
    return NetworkError(call.provider, message, model=call.model, retryable=retryable, cause=f"{type(causes[-1]).__name__}: {causes[-1]}")


def _causes(error: BaseException, depth: int = _DEPTH) -> Iterator[BaseException]:
    """Yield the error and what it wraps, the outermost first: requests and urllib3 wrap in arguments, in `reason`, and by chaining."""
    yield error
    if depth == 0:
        return
    inner = [getattr(error, "reason", None), *error.args, error.__cause__, error.__context__]
    for each in inner:
        if isinstance(each, BaseException):
            yield from _causes(each, depth - 1)
            return


def _find(causes: list[BaseException], kinds: type[E] | tuple[type[E], ...]) -> E | None:
    return next((each for each in causes if isinstance(each, kinds)), None)


def _text(causes: list[BaseException]) -> str:
    return str(causes[-1]) or type(causes[-1]).__name__


def _limit(causes: list[BaseException]) -> str | None:
    """Return which limit a foreign pool's timeout stands for, if it is one."""
    if _find(causes, (requests.exceptions.ConnectTimeout, urllib3.exceptions.ConnectTimeoutError)):
        return "connect"
    if _find(causes, (requests.exceptions.ReadTimeout, urllib3.exceptions.ReadTimeoutError)):
        return "read"
    if _find(causes, urllib3.exceptions.EmptyPoolError):
        return "pool"
    if _find(causes, (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError)):
        return "read"
    quiet = _find(causes, TimeoutError)
    return "read" if quiet is not None and quiet.errno is None else None


def _describe(causes: list[BaseException], host: str) -> tuple[str, bool]:
    """Return what happened in a sentence, and whether another try may help."""
    secure = _find(causes, ssl.SSLError)
    if secure is not None:
        return tls.explain(secure, host)
    name = _find(causes, socket.gaierror)
    if name is not None:
        return f"the name of {host} could not be looked up: {name.strerror or name}", True
    for kind, message in _SENTENCES:
        if _find(causes, kind) is not None:
            return message.format(host=host), True
    if _text(causes).startswith("Tunnel connection failed"):
        return f"the proxy did not connect to {host}: {_text(causes).partition(': ')[2]}", " 5" in _text(causes)
    return f"no answer from {host}: {_text(causes)}", True


_SENTENCES: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], str], ...] = (
    (ConnectionRefusedError, "{host} refused the connection"),
    (http.client.IncompleteRead, "the answer of {host} ended early"),
    (zlib.error, "the answer of {host} is not what its content-encoding says"),
    (http.client.RemoteDisconnected, "{host} closed the connection without an answer"),
    (ConnectionError, "{host} broke off the connection"),
    ((http.client.HTTPException, urllib3.exceptions.InvalidHeader), "{host} did not answer in HTTP"),
)
