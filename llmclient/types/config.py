"""The typed settings of one provider."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Self, cast

import attrs

from llmclient.errors import ConfigurationError
from llmclient.types.media import EMPTY, is_object

_ALIASES = {"base_url": "api_base"}


@attrs.frozen
class Option:
    """A setting of the provider's own, such as a region or an account; fills the placeholder of its name in addresses."""

    name: str
    type: str = attrs.field(default="str", kw_only=True)
    required: bool = attrs.field(default=False, kw_only=True)
    default: str | None = attrs.field(default=None, kw_only=True)
    description: str = attrs.field(default="", kw_only=True)


@attrs.frozen(kw_only=True)
class Retired:
    """A service that is gone: since when, and what took its place."""

    date: str
    reason: str
    successor: str | None = None


@attrs.frozen(kw_only=True)
class ProviderConfig:
    """Where a provider is and how we prove who we are. The key is never shown by repr or str, and stays out of errors.

    `provider` is the name under which the caller uses it; `adapter` is the adapter's name when that differs
    (two accounts of one provider). Values that were read from the environment are remembered as such, so that
    a pickle holds only what was given in code.
    """

    provider: str = "llmclient"
    adapter: str | None = None
    api_key: str | None = attrs.field(default=None, repr=False)
    api_base: str | None = None
    timeout: Any = None
    """A `Timeout`, or seconds in total; None for the client's."""
    max_retries: int | None = None
    """Attempts after the first; None for the client's."""
    headers: Mapping[str, str] = attrs.field(default=EMPTY, repr=lambda headers: repr(sorted(headers)))
    organization: str | None = None
    project: str | None = None
    region: str | None = None
    api_version: str | None = None
    extra: Mapping[str, Any] = attrs.field(default=EMPTY, repr=lambda extra: repr(sorted(extra)))
    """The provider's own options (resource, account, deployment, …), as its metadata names them."""
    sources: Mapping[str, tuple[str, ...]] = attrs.field(default=EMPTY, repr=False, eq=False)
    """Which settings were read from the environment, and from which variables; a pickle leaves their values out."""

    @classmethod
    def of(cls, provider: str, value: ProviderConfig | Mapping[str, Any], options: frozenset[str] = frozenset()) -> ProviderConfig:
        """Read a dict of settings; names in `options` are the provider's own and go to `extra`.

        Raises ConfigurationError, with the nearest name, for an unknown one.
        """
        if isinstance(value, ProviderConfig):
            return attrs.evolve(value, provider=provider)
        if not isinstance(value, Mapping):
            raise ConfigurationError(provider, f"its settings must be a dict or a ProviderConfig, got {type(value).__name__}")
        fields: dict[str, Any] = {}
        given: Any = value.get("extra") or EMPTY
        if not is_object(given):
            raise ConfigurationError(provider, f"extra must be a dict, got {type(given).__name__}")
        extra: dict[str, Any] = dict(given)
        for name, item in value.items():
            name = _ALIASES.get(name, name)
            if name in options and name not in _FIELDS:
                extra[name] = item
            elif name in _FIELDS and name != "provider":
                fields |= {} if item is None else {name: item}
            else:
                raise ConfigurationError(provider, _unknown(name, _FIELDS - {"provider"} | options))
        fields |= {"provider": provider, "extra": extra or EMPTY}
        return cls(**fields)

    @classmethod
    def from_env(cls, provider: str, names: Mapping[str, tuple[str, ...]], environ: Mapping[str, str] | None = None) -> ProviderConfig:
        """Read the settings from the environment; `names` maps a setting to its variables, first found wins, "" counts as unset."""
        return cls(provider=provider).filled(names, environ)

    def filled(self, names: Mapping[str, tuple[str, ...]], environ: Mapping[str, str] | None = None) -> Self:
        """Return a copy in which what is not given is read from the environment."""
        environ = os.environ if environ is None else environ
        found: dict[str, Any] = {}
        extra = dict(self.extra)
        for setting, variables in names.items():
            given = getattr(self, setting) if setting in _FIELDS else extra.get(setting)
            value = next((environ[name] for name in variables if environ.get(name)), None) if given in (None, "") else None
            if value is None:
                continue
            if setting in _FIELDS:
                found[setting] = value
            else:
                extra[setting] = value
        sources = {setting: names[setting] for setting in names if setting in found or (setting in extra and setting not in self.extra)}
        return attrs.evolve(self, **found, extra=extra or EMPTY, sources={**self.sources, **sources})

    def __reduce__(self) -> tuple[Any, ...]:
        given = {name: getattr(self, name) for name in _FIELDS if name not in self.sources}
        given["extra"] = {name: value for name, value in self.extra.items() if name not in self.sources}
        return _restore, (type(self), given, dict(self.sources))

    def validate(self) -> None:
        """Check the shapes; raises ConfigurationError for an address that is no URL, a negative count, a key of the wrong type."""
        for name in ("adapter", "api_key", "api_base", "organization", "project", "region", "api_version"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, str):
                raise ConfigurationError(self.provider, f"{name} must be a str, got {type(value).__name__}")
        for name in ("headers", "extra"):
            value = getattr(self, name)
            if not is_object(value) or not all(isinstance(cast("object", key), str) for key in value):
                raise ConfigurationError(self.provider, f"{name} must be a dict with str as keys, got {type(value).__name__}")
        for name, value in self.headers.items():
            if not isinstance(cast("object", value), str):
                raise ConfigurationError(self.provider, f"the header {name!r} must be a str, got {type(value).__name__}")
        if self.max_retries is not None and (not isinstance(self.max_retries, int) or isinstance(self.max_retries, bool) or self.max_retries < 0):
            raise ConfigurationError(self.provider, f"max_retries must be a whole number from 0, got {self.max_retries!r}")
        if self.api_base is not None and not self.api_base.startswith(("http://", "https://")):
            raise ConfigurationError(self.provider, f"api_base {self.api_base!r} is not a URL; it must begin with https:// or http://")

    def get_api_key(self) -> str | None:
        """Return the key, or None."""
        return self.api_key or None

    def get_api_base(self) -> str | None:
        """Return the address without a trailing slash, or None for the provider's usual one."""
        return self.api_base.rstrip("/") if self.api_base else None

    def get(self, name: str) -> Any:
        """Return a setting by name, whether a field or one of the provider's own; None if it is not set."""
        return getattr(self, name) if name in _FIELDS else self.extra.get(name)


_FIELDS = frozenset(field.name for field in attrs.fields(ProviderConfig)) - {"sources"}


def _restore(kind: type[ProviderConfig], given: dict[str, Any], sources: Mapping[str, tuple[str, ...]]) -> ProviderConfig:
    return kind(**given).filled(sources)


def _unknown(name: str, known: frozenset[str]) -> str:
    import difflib

    near = difflib.get_close_matches(str(name), sorted(known), 1)
    return f"unknown option {name!r}" + (f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(sorted(known))}")
