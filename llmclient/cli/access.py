"""What is known of a provider before it is called: whether it has a key and from where, its address, whether it is local."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import urlsplit

from llmclient import registry
from llmclient.errors import ProviderError
from llmclient.provider import Provider


class Access(NamedTuple):
    """How a provider would be reached with the environment as it is."""

    name: str
    provider: Provider
    key: str | None
    """The variable that holds the key, never the key; None where there is none."""
    address: str | None
    """None where it is not known, since a setting is missing."""
    source: str | None
    """The variable that gives the address; None for the provider's usual one."""
    problem: str | None
    """What is missing, as one sentence; None when calls can be made."""

    @property
    def is_local(self) -> bool:
        """Whether the address is this machine."""
        host = urlsplit(self.address or "").hostname or ""
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"

    @property
    def is_configured(self) -> bool:
        """Whether somebody has set it up: calls can be made, and something was set to make that so."""
        return self.problem is None and (self.key is not None or self.source is not None)


def find(name: str) -> Access:
    """Look a provider up; raises ConfigurationError, with the nearest name, for an unknown one."""
    adapter = registry.adapter(name)
    provider = adapter.from_env()
    address, missing = _address(provider)
    problem = missing or _problem(provider)
    return Access(adapter.name, provider, _variable(adapter, "api_key"), address, _variable(adapter, "api_base"), problem)


def find_all() -> Iterable[Access]:
    """Look all providers up, in the order of their names."""
    return (find(name) for name in registry.names())


def _variable(adapter: type[Provider], setting: str) -> str | None:
    return next((name for name in adapter.env.get(setting, ()) if os.environ.get(name)), None)


def _address(provider: Provider) -> tuple[str | None, str | None]:
    try:
        return provider.address(), None
    except ProviderError as error:
        return None, error.message


def _problem(provider: Provider) -> str | None:
    if provider.retired is not None:
        instead = f"; use {provider.retired.successor}" if provider.retired.successor else ""
        return f"it was retired on {provider.retired.date}{instead}"
    try:
        provider.auth.bind(provider.config, provider.env.get("api_key", ()))
    except ProviderError as error:
        return error.message
    return None
