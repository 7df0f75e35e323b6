"""Google's credentials: application default ones, service accounts and other files, access tokens, and API keys.

Needs google-auth (`pip install "llmclient[google]"`), but only where there is no API key, and only when a request is signed.
"""

from __future__ import annotations

import functools
import importlib
import json
import os
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NoReturn, cast

import attrs

from llmclient.auth import HeaderKey, Prepared, Signer
from llmclient.errors import AuthenticationError, ConfigurationError, NetworkError, ProviderError

if TYPE_CHECKING:
    from llmclient.types.config import ProviderConfig

_SCOPES: Final = ("https://www.googleapis.com/auth/cloud-platform",)
_REFRESH_SECONDS: Final = 30
"""How long one request for a token may take; a call whose deadline is nearer than that ends with it as soon as the token is there."""
_ACCESS_TOKEN: Final = "ya29."  # noqa: S105 - how they begin
_INSTALL: Final = 'google-auth is not installed; run pip install "llmclient[google]", or pass an api_key'


@attrs.frozen
class GoogleADC:
    """`Authorization: Bearer <access token>`, fetched and renewed by google-auth; an API key goes as x-goog-api-key instead.

    Where they come from, the first that is set: `api_key` (a key, or an access token that the caller renews), the option
    `credentials` (the path of a file, its JSON text or mapping, or a google.auth Credentials), and what google.auth.default finds.
    """

    def bind(self, config: ProviderConfig, env: tuple[str, ...] = ()) -> Signer:
        """Return the signer; raises ConfigurationError when google-auth is needed and missing. Reads no file before the first request."""
        key = config.get_api_key()
        if key is None:
            _library("google.auth", config.provider)
            return _Token(config.provider, config.get("credentials"))
        if key.startswith(_ACCESS_TOKEN):
            return HeaderKey("Authorization", "Bearer ").bind(config, env)
        return HeaderKey("x-goog-api-key").bind(config, env)

    @property
    def secret_headers(self) -> frozenset[str]:
        """Both headers, whichever is used."""
        return frozenset({"authorization", "x-goog-api-key"})


class _Token:
    """Puts an access token on requests. Threads that need a new one wait for the one that fetches it."""

    __slots__ = ("_credentials", "_lock", "_pid", "_provider", "_source")

    def __init__(self, provider: str, source: Any) -> None:
        self._provider = provider
        self._source = source
        self._credentials: Any = None
        self._lock = threading.Lock()
        self._pid = os.getpid()

    def __call__(self, request: Prepared) -> Prepared:
        """Sign the request, with a new token where the old one is about to expire.

        Raises ConfigurationError without credentials, AuthenticationError where Google refuses them, and NetworkError where it cannot
        be reached.
        """
        credentials = self._credentials
        if credentials is None or not credentials.valid:
            credentials = self._renew()
        credentials.apply(request.headers)
        return request

    def __repr__(self) -> str:
        return "<Authorization: Bearer ***>"

    def _renew(self) -> Any:
        if self._pid != os.getpid():
            # The lock may have been held in the parent, by a thread that is not here.
            self._lock, self._pid = threading.Lock(), os.getpid()
        with self._lock:
            credentials = self._credentials
            if credentials is None:
                credentials = self._load()
            # Another thread may have been quicker.
            if not credentials.valid:
                self._refresh(credentials)
            self._credentials = credentials
            return credentials

    def _load(self) -> Any:
        source = self._source
        auth = _library("google.auth", self._provider)
        failures = _library("google.auth.exceptions", self._provider)
        if source is not None and not isinstance(source, (str, os.PathLike, Mapping)):
            return source
        try:
            if source is None:
                return auth.default(scopes=_SCOPES)[0]
            if isinstance(source, Mapping) or str(source).lstrip().startswith("{"):
                info = cast("Mapping[str, Any]", source) if isinstance(source, Mapping) else json.loads(str(source))
                return auth.load_credentials_from_dict(info, scopes=_SCOPES)[0]
            return auth.load_credentials_from_file(os.fspath(source), scopes=_SCOPES)[0]
        except (failures.GoogleAuthError, ValueError, OSError) as error:
            problem = type(error).__name__ if isinstance(error, ValueError) else str(error)
        self._raise(ConfigurationError, f"there are no Google credentials: {problem}; run gcloud auth application-default login, or pass credentials= or an api_key")

    def _refresh(self, credentials: Any) -> None:
        failures = _library("google.auth.exceptions", self._provider)
        transport = _library("google.auth.transport.requests", self._provider)
        kind: type[ProviderError] = NetworkError
        try:
            credentials.refresh(functools.partial(transport.Request(), timeout=_REFRESH_SECONDS))
        except failures.TransportError as error:
            problem = f"Google's token service cannot be reached: {error}"
        except failures.RefreshError as error:
            kind = NetworkError if getattr(error, "retryable", False) else AuthenticationError
            problem = f"Google refused the credentials: {error}"
        except failures.GoogleAuthError as error:
            kind, problem = AuthenticationError, f"the Google credentials cannot be used: {error}"
        else:
            return
        self._raise(kind, problem)

    def _raise(self, kind: type[ProviderError], message: str) -> NoReturn:
        raise kind(self._provider, message)


def _library(name: str, provider: str) -> Any:
    """Import a part of google-auth; raises ConfigurationError that tells how to install it."""
    try:
        return importlib.import_module(name)
    except ImportError:
        pass
    raise ConfigurationError(provider, _INSTALL)
