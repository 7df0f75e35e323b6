"""Ways to prove who we are. Each is a value in an adapter; bound to a provider's settings it becomes a plain callable
that signs a prepared request, as requests takes for `auth=`.

A bound callable shows no key in its repr, and a key never stands in a URL unless the provider takes it nowhere else.
"""

from __future__ import annotations

import base64
import importlib
from collections.abc import Callable, MutableMapping
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias
from urllib.parse import quote

import attrs

from llmclient.errors import ConfigurationError

if TYPE_CHECKING:
    from llmclient.types.config import ProviderConfig


class Prepared(Protocol):
    """What a signer needs of requests.PreparedRequest."""

    method: str | None
    url: str | None
    headers: MutableMapping[str, Any]
    body: Any


Signer: TypeAlias = Callable[[Any], Any]


class Auth(Protocol):
    """How one provider wants its key."""

    def bind(self, config: ProviderConfig, env: tuple[str, ...] = ()) -> Signer:
        """Return the callable that signs requests; raises ConfigurationError naming the variables in `env` when the key is missing."""
        ...

    @property
    def secret_headers(self) -> frozenset[str]:
        """The lower-case names of the headers that carry a secret."""
        ...


def missing_key(config: ProviderConfig, env: tuple[str, ...]) -> ConfigurationError:
    """Return the error that tells how to set a key."""
    wanted = f"{env[0]} is not set; set it or " if env else "there is no key; "
    return ConfigurationError(config.provider, f'{wanted}pass Client(providers={{"{config.provider}": {{"api_key": "…"}}}})')


def import_extra(name: str, provider: str, problem: str) -> Any:
    """Import a library that is no requirement of ours; raises ConfigurationError with `problem` where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        pass
    raise ConfigurationError(provider, problem)


class _SetHeader:
    """Puts a header on a request."""

    __slots__ = ("_name", "_value")

    is_constant = True
    """Whether every request gets the same, so that it need be checked but once."""

    def __init__(self, name: str, value: str) -> None:
        self._name = name
        self._value = value

    def __call__(self, request: Prepared) -> Prepared:
        request.headers[self._name] = self._value
        return request

    def __repr__(self) -> str:
        return f"<{self._name}: ***>"


def unsigned(request: Prepared) -> Prepared:
    """Leave the request as it is."""
    return request


@attrs.frozen
class HeaderKey:
    """The key in a header of its own."""

    header: str
    prefix: str = ""
    optional: bool = False
    """Whether calls without a key are allowed, as at local servers."""

    def bind(self, config: ProviderConfig, env: tuple[str, ...] = ()) -> Signer:
        """Return the signer; raises ConfigurationError when the key is missing."""
        key = config.get_api_key()
        if key is None:
            if self.optional:
                return unsigned
            raise missing_key(config, env)
        return _SetHeader(self.header, self.prefix + key)

    @property
    def secret_headers(self) -> frozenset[str]:
        """The header's name."""
        return frozenset({self.header.lower()})


@attrs.frozen
class Bearer(HeaderKey):
    """`Authorization: Bearer <key>`."""

    header: str = attrs.field(default="Authorization", kw_only=True)
    prefix: str = attrs.field(default="Bearer ", kw_only=True)
    optional: bool = attrs.field(default=False, kw_only=True)


@attrs.frozen
class Basic:
    """HTTP basic authentication with the key as the user name."""

    def bind(self, config: ProviderConfig, env: tuple[str, ...] = ()) -> Signer:
        """Return the signer; raises ConfigurationError when the key is missing."""
        key = config.get_api_key()
        if key is None:
            raise missing_key(config, env)
        return _SetHeader("Authorization", "Basic " + base64.b64encode(f"{key}:".encode()).decode())

    @property
    def secret_headers(self) -> frozenset[str]:
        """The header's name."""
        return frozenset({"authorization"})


class _AddQuery:
    """Puts a parameter at the end of a request's address."""

    __slots__ = ("_name", "_value")

    def __init__(self, name: str, value: str) -> None:
        self._name = name
        self._value = value

    def __call__(self, request: Prepared) -> Prepared:
        url = request.url or ""
        request.url = f"{url}{'&' if '?' in url else '?'}{quote(self._name, safe='')}={quote(self._value, safe='')}"
        return request

    def __repr__(self) -> str:
        return f"<?{self._name}=***>"


@attrs.frozen
class QueryKey:
    """The key in the address: only where the provider takes it nowhere else, since addresses are logged."""

    param: str = "key"

    def bind(self, config: ProviderConfig, env: tuple[str, ...] = ()) -> Signer:
        """Return the signer; raises ConfigurationError when the key is missing."""
        key = config.get_api_key()
        if key is None:
            raise missing_key(config, env)
        return _AddQuery(self.param, key)

    @property
    def secret_headers(self) -> frozenset[str]:
        """None: the key is in the address."""
        return frozenset()


@attrs.frozen
class NoAuth:
    """Nothing to prove."""

    def bind(self, config: ProviderConfig, env: tuple[str, ...] = ()) -> Signer:
        """Return a signer that leaves the request as it is."""
        return unsigned

    @property
    def secret_headers(self) -> frozenset[str]:
        """None."""
        return frozenset()
