"""Where a provider's requests go: its address, the settings that fill it, and what must never move it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import urlsplit

import attrs

from llmclient.auth import Signer
from llmclient.errors import ConfigurationError, redact
from llmclient.redaction import MASK, Secrets, is_secret_name
from llmclient.types.config import Option, ProviderConfig, Retired

_HOST_PART: Final = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"


@attrs.frozen
class Endpoint:
    """Where one dialect's requests go and how they are signed, worked out once."""

    url: str
    sign: Signer = attrs.field(repr=False)
    headers: Mapping[str, str] = attrs.field(repr=False)
    masked: Mapping[str, str]
    json_headers: Mapping[str, str] = attrs.field(repr=False)
    """What a request with a JSON body has before it is signed, where nothing else was asked for."""
    json_masked: Mapping[str, str]
    is_constant: bool
    """Whether the signer gives every request the same headers, which were checked when the endpoint was made."""
    secret: frozenset[str]
    """The lower-case names of the headers that the signer sets."""
    secrets: Secrets
    """The account's."""


def make_endpoint(url: str, sign: Signer, headers: Mapping[str, str], secret: frozenset[str], secrets: Secrets, is_constant: bool) -> Endpoint:
    """Return an endpoint; `secret` names the headers that the signer sets."""
    masked = {name: mask(name, value, secrets, secret) for name, value in headers.items()} | dict.fromkeys(secret, MASK)
    content = {"Content-Type": "application/json"}
    return Endpoint(url, sign, headers, masked, content | dict(headers), content | masked, is_constant, secret, secrets)


def base_address(config: ProviderConfig, template: str, options: Iterable[Option], env: Mapping[str, tuple[str, ...]]) -> str:
    """Return the caller's address, or the template with its options filled in; without a slash at its end.

    Raises ConfigurationError for an address that is missing or malformed, and for an option that could move the request to another host.
    """
    given = config.get_api_base()
    if given is None and not template:
        variables = env.get("api_base", ())
        if config.adapter is not None:  # the address of an instance is its own: the environment says nothing of it
            where = f"pass api_base=, or {in_client(config.provider, 'api_base')}"
        else:
            where = f"set {variables[0] if variables else 'api_base'} or pass api_base="
        raise ConfigurationError(config.provider, f"there is no address; {where}")
    known = {option.name: option for option in options}
    base = given or re.sub(r"\{(\w+)\}", lambda match: _host_part(config, match[1], known.get(match[1]), env), template).rstrip("/")
    try:
        parts = urlsplit(base)
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ConfigurationError(config.provider, f"api_base {redact(base)!r} is not a plain http(s) address with a host")
    return base


def in_client(provider: str, name: str) -> str:
    """Return how a provider's own setting is written: with the client, since a call takes only those that all have."""
    return f'Client(providers={{"{provider}": {{"{name}": "…"}}}})'


def whole_address(given: str, port: int) -> str:
    """Return the URL that a server's own variable means: `0.0.0.0:11434`, `box`, `:8080` or a URL.

    A missing scheme is http, a missing port the given one, and the address on which a server listens to all means this machine.
    """
    scheme, separator, rest = given.strip().rpartition("://")
    place, slash, path = rest.partition("/")
    host, colon, number = place.rpartition(":") if not place.endswith("]") else (place, "", "")
    if not colon:
        host, number = place, ""
    host = "127.0.0.1" if host in ("", "0.0.0.0", "[::]", "*") else host  # noqa: S104 - compared, not bound
    usual = {"http": "80", "https": "443"}.get(scheme) if separator else str(port)
    return f"{scheme or 'http'}://{host}:{number or usual}{slash}{path}".removesuffix("/")


def _host_part(config: ProviderConfig, name: str, option: Option | None, env: Mapping[str, tuple[str, ...]]) -> str:
    value = config.get(name) or (option.default if option else None)
    if not value:
        variables = env.get(name, ())
        how = f"{f'set {variables[0]}, or ' if variables else ''}pass {in_client(config.provider, name)}"
        raise ConfigurationError(config.provider, f"{name} is not set; {how}")
    if isinstance(value, str) and value.startswith("https://"):
        # Vendors' variables hold a host with its scheme as often as without.
        value = value.removeprefix("https://").removesuffix("/")
    if not isinstance(value, str) or not re.fullmatch(_HOST_PART, value) or ".." in value:
        raise ConfigurationError(config.provider, f"{name} may hold letters, digits, dots, dashes and underscores only")
    return value


def retirement(provider: str, gone: Retired) -> ConfigurationError:
    """Return the error of a service that is no more."""
    instead = f"; use {gone.successor!r} instead" if gone.successor else ""
    return ConfigurationError(provider, f"this service was retired on {gone.date}: {gone.reason}{instead}")


def mask(name: str, value: str, secrets: Secrets, secret: frozenset[str] = frozenset()) -> str:
    """Return a header's value as it may be shown: `***` for one that is secret by list or by name, or holds a secret."""
    return MASK if name.lower() in secret or is_secret_name(name) or secrets.is_in(value) else value
