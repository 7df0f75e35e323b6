"""Azure's keys and Entra ID's tokens: a key, a token, or credentials of azure-identity.

Needs azure-identity (`pip install "llmclient[azure]"`), but only where there is neither key nor token.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import attrs

from llmclient.auth import Bearer, HeaderKey, Prepared, Signer, import_extra
from llmclient.errors import AuthenticationError, ConfigurationError, NetworkError, ProviderError
from llmclient.renewal import RenewedToken

if TYPE_CHECKING:
    from llmclient.types.config import ProviderConfig

_SLACK: Final = 300
"""How many seconds before its end a token is replaced."""
_TOKEN_START: Final = "eyJ"  # noqa: S105 - how a JSON Web Token begins, since its first part is a JSON object in base64
_TOKEN_DOTS: Final = 2
_INSTALL: Final = 'azure-identity, which would do without one, is not installed; run pip install "llmclient[azure]"'


@attrs.frozen(kw_only=True)
class AzureAD:
    """A key in the header `api-key`, or `Authorization: Bearer <token>` of Entra ID.

    Where they come from, the first that is set: the option `azure_ad_token` (a token, or a callable that returns one), the option
    `credential` (of azure-identity, or anything else with its `get_token`), `api_key` (a key, or a token), and what azure-identity's
    DefaultAzureCredential finds. What was given in code comes before what the environment has.
    """

    header: str = "api-key"
    """The header of keys."""
    scope: str = "https://cognitiveservices.azure.com/.default"
    """What tokens are asked for; the option `scope` goes before, as in other clouds than the public one."""
    bearer_hosts: tuple[str, ...] = ()
    """Ends of hosts that want a key as a token, too."""

    def bind(self, config: ProviderConfig, env: tuple[str, ...] = ()) -> Signer:
        """Return the signer; raises ConfigurationError when azure-identity is needed and missing. Asks nobody before the first request."""
        key, token, credential = config.get_api_key(), config.get("azure_ad_token"), config.get("credential")
        if key is not None and credential is None and "azure_ad_token" in config.sources and "api_key" not in config.sources:
            token = None
        if callable(token):
            return _Called(config.provider, token)
        if token:
            return _bearer(config, str(token), env)
        if credential is not None:
            return _token(config.provider, credential, config.get("scope") or self.scope)
        if key is not None:
            return _bearer(config, key, env) if self._is_token(config, key) else HeaderKey(self.header).bind(config, env)
        wanted = f"{env[0]} is not set, and " if env else "there is no key, and "
        identity = import_extra("azure.identity", config.provider, f"{wanted}{_INSTALL}, or pass an api_key")
        return _token(config.provider, identity.DefaultAzureCredential(), config.get("scope") or self.scope)

    def _is_token(self, config: ProviderConfig, key: str) -> bool:
        host = urlsplit(config.get_api_base() or "").hostname or ""
        return (key.startswith(_TOKEN_START) and key.count(".") == _TOKEN_DOTS) or host.endswith(self.bearer_hosts)

    @property
    def secret_headers(self) -> frozenset[str]:
        """Both headers, whichever is used."""
        return frozenset({self.header.lower(), "authorization"})


def _bearer(config: ProviderConfig, token: str, env: tuple[str, ...]) -> Signer:
    return Bearer().bind(attrs.evolve(config, api_key=token), env)


class _Called:
    """Puts on requests what a function of the caller's returns."""

    __slots__ = ("_fetch", "_provider")

    def __init__(self, provider: str, fetch: Callable[[], Any]) -> None:
        self._provider = provider
        self._fetch = fetch

    def __call__(self, request: Prepared) -> Prepared:
        """Sign the request; raises AuthenticationError where the function returns no token or fails."""
        token = _ask(self._provider, self._fetch)
        if not isinstance(token, str) or not token:
            raise AuthenticationError(self._provider, f"azure_ad_token() must return a str, got {type(token).__name__}")
        request.headers["Authorization"] = f"Bearer {token}"
        return request

    def __repr__(self) -> str:
        return "<Authorization: Bearer ***>"


def _token(provider: str, credential: Any, scope: str) -> Signer:
    """Return the signer with a credential's token.

    It raises ConfigurationError without credentials, AuthenticationError where Entra ID refuses them, and NetworkError where it cannot
    be reached.
    """

    def fetch() -> tuple[str, float]:
        token = credential.get_token(scope)
        return token.token, token.expires_on - _SLACK

    return RenewedToken(lambda: _ask(provider, fetch))


def _ask(provider: str, fetch: Callable[[], Any]) -> Any:
    """Return what a credential gives; its failures become ours, without what they may hold."""
    try:
        return fetch()
    except ProviderError:
        raise
    except Exception as error:  # noqa: BLE001 - a credential of the caller's raises what it likes
        kind, problem = _read(error)
    raise kind(provider, problem)


def _read(error: Exception) -> tuple[type[ProviderError], str]:
    """Return the class that a failure stands for, and the words for it; azure-identity's classes are known by their names."""
    names = {kind.__name__ for kind in type(error).__mro__}
    if "CredentialUnavailableError" in names:
        return ConfigurationError, f"there are no Azure credentials: {_first_line(error)}; run az login, or pass credential= or an api_key"
    if names & {"ServiceRequestError", "ServiceResponseError", "ConnectionError", "TimeoutError"}:
        return NetworkError, f"Entra ID cannot be reached: {type(error).__name__}"
    if "ClientAuthenticationError" in names:
        return AuthenticationError, f"Entra ID refused the credentials: {_first_line(error)}"
    return AuthenticationError, f"the credentials gave no token: {type(error).__name__}"


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:300]
