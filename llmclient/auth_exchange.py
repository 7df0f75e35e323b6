"""Keys that must first be exchanged for a token which soon expires: IBM Cloud's and GitHub Copilot's.

The exchange is a request of its own to the vendor's token service. It follows the environment's proxies, no redirect and no .netrc;
a token is kept until a minute before its end, and threads that need a new one wait for the one that fetches it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs

from llmclient.auth import Bearer, Signer, missing_key
from llmclient.errors import AuthenticationError, NetworkError, ProviderError, ResponseParsingError
from llmclient.renewal import RenewedToken
from llmclient.types.media import is_object

if TYPE_CHECKING:
    from llmclient.types.config import ProviderConfig

_SECONDS: Final = (5, 30)
"""How long connecting to the token service and its answer may take."""
_SLACK: Final = 60
"""How many seconds before its end a token is replaced."""
_IBM_GRANT: Final = "urn:ibm:params:oauth:grant-type:apikey"
_COPILOT_TOKEN: Final = "tid="  # noqa: S105 - how they begin


@attrs.frozen(kw_only=True)
class IBMToken:
    """`Authorization: Bearer <token>` of IBM Cloud, got for an API key; the option `token` is sent as it is, and so needs no key."""

    url: str = "https://iam.cloud.ibm.com/identity/token"
    """Where keys are exchanged."""

    def bind(self, config: ProviderConfig, env: tuple[str, ...] = ()) -> Signer:
        """Return the signer; raises ConfigurationError when there is neither key nor token. Fetches nothing before the first request.

        The signer raises AuthenticationError where the service refuses the key, and NetworkError where it cannot be reached.
        """
        ready = config.get("token")
        if ready:
            return Bearer().bind(attrs.evolve(config, api_key=str(ready)), env)
        key = config.get_api_key()
        if key is None:
            raise missing_key(config, env)
        form = {"grant_type": _IBM_GRANT, "apikey": key}

        def fetch() -> tuple[str, float]:
            answer = _ask(config.provider, "POST", self.url, {"Accept": "application/json"}, form)
            return _read(config.provider, answer, "access_token", "expiration")

        return RenewedToken(fetch)

    @property
    def secret_headers(self) -> frozenset[str]:
        """The header of the token."""
        return frozenset({"authorization"})


@attrs.frozen(kw_only=True)
class CopilotToken:
    """`Authorization: Bearer <token>` of GitHub Copilot, got for a GitHub token; a key that is a Copilot token already is sent as it is."""

    url: str = "https://api.github.com/copilot_internal/v2/token"
    """Where GitHub's tokens are exchanged."""

    def bind(self, config: ProviderConfig, env: tuple[str, ...] = ()) -> Signer:
        """Return the signer; raises ConfigurationError when the key is missing. Fetches nothing before the first request.

        The signer raises AuthenticationError where the service refuses the key, and NetworkError where it cannot be reached.
        """
        key = config.get_api_key()
        if key is None:
            raise missing_key(config, env)
        if key.startswith(_COPILOT_TOKEN):
            return Bearer().bind(config, env)
        headers = {"Authorization": f"token {key}", "Accept": "application/json"}

        def fetch() -> tuple[str, float]:
            answer = _ask(config.provider, "GET", self.url, headers, None)
            return _read(config.provider, answer, "token", "expires_at")

        return RenewedToken(fetch)

    @property
    def secret_headers(self) -> frozenset[str]:
        """The header of the token."""
        return frozenset({"authorization"})


def _ask(provider: str, method: str, url: str, headers: Mapping[str, str], form: Mapping[str, str] | None) -> Any:
    """Return the answer of a token service as JSON; raises NetworkError or AuthenticationError without the key."""
    import requests

    host = url.split("/")[2]
    kind: type[ProviderError] = NetworkError
    try:
        with requests.Session() as session:
            # Without an auth of our own, requests would put a password from .netrc in place of our header.
            answer = session.request(method, url, headers=headers, data=form, timeout=_SECONDS, allow_redirects=False, auth=_unchanged)
            if answer.ok and not answer.is_redirect:
                return answer.json()
        problem = f"{host} answered {answer.status_code} when it was asked for a token"
        if 400 <= answer.status_code < 500 and answer.status_code not in (408, 429):
            kind = AuthenticationError
    except requests.JSONDecodeError:
        problem = f"{host} answered with no JSON when it was asked for a token"
    except requests.RequestException as error:
        problem = f"{host} cannot be reached for a token: {type(error).__name__}"
    raise kind(provider, problem)


def _unchanged(request: Any) -> Any:
    return request


def _read(provider: str, answer: Any, name: str, ends: str) -> tuple[str, float]:
    found: Mapping[str, Any] = answer if is_object(answer) else {}
    value, end = found.get(name), found.get(ends)
    if not isinstance(value, str) or not value.isprintable() or not value or isinstance(end, bool) or not isinstance(end, (int, float)):
        raise ResponseParsingError(provider, f"the token service's answer has no {name} with {ends}")
    return value, float(end) - _SLACK
