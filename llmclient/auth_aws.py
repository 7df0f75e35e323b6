"""Amazon's credentials: signature version 4 with an access key, a profile or a role, and Bedrock's API keys.

Needs botocore (`pip install "llmclient[aws]"`), but only where there is no API key, and only when a request is signed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import attrs

from llmclient.auth import HeaderKey, Prepared, Signer, import_extra
from llmclient.errors import AuthenticationError, ConfigurationError, NetworkError, ProviderError
from llmclient.renewal import Renewing

if TYPE_CHECKING:
    from llmclient.types.config import ProviderConfig

_INSTALL: Final = 'botocore is not installed; run pip install "llmclient[aws]", or pass an api_key'
_HOST: Final = r"https?://(?:[a-z0-9-]+\.)*?([a-z]{2,4}(?:-[a-z]+)+-\d)\."
_NO_CREDENTIALS: Final = (
    "there are no AWS credentials: set AWS_BEARER_TOKEN_BEDROCK, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, "
    "or pass api_key=, access_key_id= and secret_access_key=, or profile="
)
_SIGNED: Final = ("content-type", "x-amz")
"""How the names of headers begin that are signed; a proxy may change the others on the way."""
_UNREACHABLE: Final = frozenset({"HTTPClientError", "MetadataRetrievalError", "ConnectionError", "EndpointConnectionError", "ConnectTimeoutError"})


@attrs.frozen
class SigV4:
    """`Authorization: AWS4-HMAC-SHA256 …`; a Bedrock API key goes as a bearer token instead.

    Where the credentials come from, the first that is set: what was given in code (`api_key`; the options `access_key_id`,
    `secret_access_key` and `session_token`; the option `profile`), an API key in the environment, and what botocore finds:
    variables, profiles, single sign-on, roles of containers and machines. Those that expire are renewed.
    """

    service: str = "bedrock"
    """The name under which requests are signed."""

    def bind(self, config: ProviderConfig, env: tuple[str, ...] = ()) -> Signer:
        """Return the signer; raises ConfigurationError when botocore is needed and missing, when half of a key is missing, or no region is known.

        Reads no file before the first request.
        """
        access, secret = config.get("access_key_id"), config.get("secret_access_key")
        if bool(access) != bool(secret):
            missing = "secret_access_key" if access else "access_key_id"
            raise ConfigurationError(config.provider, f"{missing} is not set: an access key has two halves")
        chosen = access or config.get("profile")
        key = config.get_api_key()
        if key is not None and not (chosen and "api_key" in config.sources):
            return HeaderKey("Authorization", "Bearer ").bind(config, env)
        for name in ("botocore.auth", "botocore.awsrequest"):
            import_extra(name, config.provider, _INSTALL)
        return _Signature(config, self.service)

    @property
    def secret_headers(self) -> frozenset[str]:
        """The signature, and the token of a session."""
        return frozenset({"authorization", "x-amz-security-token"})


class _Signature(Renewing):
    """Signs requests. Threads that need credentials wait for the one that fetches them."""

    __slots__ = ("_config", "_credentials", "_region", "_service")

    def __init__(self, config: ProviderConfig, service: str) -> None:
        super().__init__()
        self._config = config
        self._service = service
        self._region: str | None = None
        self._credentials: Any = None

    def __call__(self, request: Prepared) -> Prepared:
        """Sign the request.

        Raises ConfigurationError without credentials or region, AuthenticationError where they cannot be used any more, and NetworkError
        where the service that gives them cannot be reached.
        """
        credentials, region = self._load()
        aws: Any = import_extra("botocore.awsrequest", self._config.provider, _INSTALL)
        auth: Any = import_extra("botocore.auth", self._config.provider, _INSTALL)
        headers = {name: value for name, value in request.headers.items() if name.lower().startswith(_SIGNED)}
        signed = aws.AWSRequest(method=request.method, url=request.url, data=request.body, headers=headers)
        auth.SigV4Auth(credentials, self._service, region).add_auth(signed)
        for name in ("X-Amz-Date", "X-Amz-Security-Token", "Authorization"):
            if name in signed.headers:
                request.headers[name] = signed.headers[name]
        return request

    def __repr__(self) -> str:
        return "<Authorization: AWS4-HMAC-SHA256 ***>"

    def _load(self) -> tuple[Any, str]:
        """Return credentials as they are now, and the region."""
        lock = self._own_lock()
        exceptions: Any = import_extra("botocore.exceptions", self._config.provider, _INSTALL)
        try:
            with lock:
                if self._credentials is None:
                    self._credentials, self._region = self._find()
            return self._credentials.get_frozen_credentials(), self._region or ""
        except (exceptions.BotoCoreError, exceptions.ClientError) as error:
            failure = self._failure(error)
        raise failure

    def _enter_child(self) -> None:
        # The locks of botocore may have been held in the parent, too.
        self._credentials = None

    def _find(self) -> tuple[Any, str]:
        config = self._config
        access = config.get("access_key_id")
        region = config.region or region_of(config.api_base or "")
        if access and region:
            keys: Any = import_extra("botocore.credentials", config.provider, _INSTALL)
            return keys.Credentials(access, config.get("secret_access_key"), config.get("session_token") or None), region
        session = import_extra("botocore.session", config.provider, _INSTALL).get_session()
        if config.get("profile"):
            session.set_config_variable("profile", config.get("profile"))
        if access:
            session.set_credentials(access, config.get("secret_access_key"), config.get("session_token") or None)
        region = region or session.get_config_variable("region")
        if not region:
            raise ConfigurationError(config.provider, "region is not set, and requests are signed for one; set AWS_REGION or pass region=")
        credentials = session.get_credentials()
        if credentials is None:
            raise ConfigurationError(config.provider, _NO_CREDENTIALS)
        return credentials, region

    def _failure(self, error: Exception) -> ProviderError:
        name, provider = type(error).__name__, self._config.provider
        if name in ("ProfileNotFound", "PartialCredentialsError", "ConfigParseError", "ConfigNotFound", "NoCredentialsError"):
            return ConfigurationError(provider, f"the AWS credentials cannot be read: {error}")
        if name in _UNREACHABLE or any(base.__name__ in _UNREACHABLE for base in type(error).__mro__):
            return NetworkError(provider, f"the service that gives AWS credentials cannot be reached: {error}")
        return AuthenticationError(provider, f"the AWS credentials cannot be used: {error}")


def region_of(address: str) -> str | None:
    """Return the region that an address of AWS names, None if it names none."""
    match = re.match(_HOST, address)
    return match[1] if match else None
