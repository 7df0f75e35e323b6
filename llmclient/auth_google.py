"""Google's credentials: application default ones, service accounts and other files, access tokens, and API keys.

Needs google-auth (`pip install "llmclient[google]"`), but only where there is no API key, and only when a request is signed.
"""

from __future__ import annotations

import functools
import json
import os
import pathlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, cast

import attrs

from llmclient.auth import HeaderKey, Prepared, Signer, import_extra
from llmclient.errors import AuthenticationError, ConfigurationError, NetworkError, ProviderError
from llmclient.redaction import Secrets, of_settings
from llmclient.renewal import Renewing

if TYPE_CHECKING:
    from llmclient.types.config import ProviderConfig

_SCOPES: Final = ("https://www.googleapis.com/auth/cloud-platform",)
_REFRESH_SECONDS: Final = 30
"""How long one request for a token may take; a call whose deadline is nearer than that ends with it as soon as the token is there."""
_ACCESS_TOKEN: Final = "ya29."  # noqa: S105 - how they begin
_KINDS: Final = {
    "authorized_user": ("google.oauth2.credentials", "from_authorized_user_info"),
    "external_account": ("google.auth.identity_pool", "from_info"),
    "external_account_authorized_user": ("google.auth.external_account_authorized_user", "from_info"),
    "impersonated_service_account": ("google.auth.impersonated_credentials", "from_impersonated_service_account_info"),
    "service_account": ("google.oauth2.service_account", "from_service_account_info"),
}
"""The type that a credentials file says -> where google-auth reads it."""
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
            import_extra("google.auth", config.provider, _INSTALL)
            return _Token(config.provider, config.get("credentials"))
        if key.startswith(_ACCESS_TOKEN):
            return HeaderKey("Authorization", "Bearer ").bind(config, env)
        return HeaderKey("x-goog-api-key").bind(config, env)

    @property
    def secret_headers(self) -> frozenset[str]:
        """Both headers, whichever is used."""
        return frozenset({"authorization", "x-goog-api-key"})


class _Token(Renewing):
    """Puts an access token on requests. Threads that need a new one wait for the one that fetches it."""

    __slots__ = ("_credentials", "_provider", "_secrets", "_source")

    def __init__(self, provider: str, source: Any) -> None:
        super().__init__()
        self._provider = provider
        self._source = source
        self._secrets = Secrets(())
        self._credentials: Any = None

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
        with self._own_lock():
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
        failures = import_extra("google.auth.exceptions", self._provider, _INSTALL)
        if source is not None and not isinstance(source, (str, os.PathLike, Mapping)):
            return source
        try:
            if source is None:
                return import_extra("google.auth", self._provider, _INSTALL).default(scopes=_SCOPES)[0]
            return self._make(_read(cast("str | os.PathLike[str] | Mapping[str, Any]", source)))
        except failures.GoogleAuthError as error:
            problem = str(error)
        except (ValueError, OSError) as error:
            # A parser's words may hold what it was given.
            problem = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        how = "run gcloud auth application-default login, or pass credentials= or an api_key"
        raise ConfigurationError(self._provider, f"there are no Google credentials: {problem}; {how}")

    def _make(self, info: Mapping[str, Any]) -> Any:
        """Return the credentials of a file's kind; google-auth warns of its own functions that take any kind."""
        self._secrets = Secrets(of_settings(info))
        kind = info.get("type")
        place = _KINDS.get(kind) if isinstance(kind, str) else None
        if place is None:
            known = ", ".join(sorted(_KINDS))
            raise ConfigurationError(self._provider, f"there are no Google credentials: their type is {kind!r}, and none of {known}")
        module, name = place
        if kind == "external_account":
            module = _external(info.get("credential_source"))
        return getattr(import_extra(module, self._provider, _INSTALL).Credentials, name)(info, scopes=_SCOPES)

    def _refresh(self, credentials: Any) -> None:
        failures = import_extra("google.auth.exceptions", self._provider, _INSTALL)
        transport = import_extra("google.auth.transport.requests", self._provider, _INSTALL)
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
        # google-auth quotes what the token service said.
        raise kind(self._provider, self._secrets.hide(problem))


def _read(source: str | os.PathLike[str] | Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a credentials file holds, given as a mapping, as its text, or by its path; raises ValueError or OSError."""
    if isinstance(source, Mapping):
        return source
    text = os.fspath(source)
    if not text.lstrip().startswith("{"):
        text = pathlib.Path(text).read_text(encoding="utf-8")
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError("no object")  # noqa: TRY004 - as for text that is no JSON
    return cast("dict[str, Any]", value)


def _external(source: Any) -> str:
    """Return where google-auth reads an external account: its kind is told by where its own token comes from."""
    fields: Mapping[str, Any] = cast("Mapping[str, Any]", source) if isinstance(source, Mapping) else {}
    if str(fields.get("environment_id")).startswith("aws"):
        return "google.auth.aws"
    return "google.auth.pluggable" if "executable" in fields else "google.auth.identity_pool"
