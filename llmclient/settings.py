"""What a client is made with, and how one call may differ from it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, cast

import attrs

from llmclient import registry
from llmclient.errors import ConfigurationError
from llmclient.provider import Provider, ProviderConfig, RequestContext
from llmclient.redaction import hide_headers

if TYPE_CHECKING:
    import requests

    from llmclient.deadline import Timeout
    from llmclient.retry import OnAttempt, Retry

POLICY: Final = frozenset({"timeout", "retry", "strict", "api_key", "api_base"})
"""The options of a call that say how it is made, not what is asked."""


def _is_cert(value: Any) -> bool:
    paths = cast("tuple[object, ...]", value) if isinstance(value, tuple) else (value,)
    return all(isinstance(path, str | os.PathLike) for path in paths)


_SHAPES: Final[tuple[tuple[str, Callable[[Any], bool], str], ...]] = (
    ("strict", lambda value: isinstance(value, bool), "True or False"),
    ("session", lambda value: hasattr(value, "merge_environment_settings"), "a requests.Session"),
    ("proxies", lambda value: isinstance(value, Mapping), 'a dict such as {"https": "http://proxy:3128"}'),
    ("verify", lambda value: isinstance(value, bool | str | os.PathLike), "True, False or the path of a certificate bundle"),
    ("cert", _is_cert, "a path, or a tuple of the paths of certificate and key"),
    ("on_attempt", callable, "a function"),
)


@attrs.frozen(kw_only=True)
class Settings:
    """What a client was made with; all of it pickles except a session and a hook that do not."""

    timeout: Timeout | None = None
    retry: Retry | None = None
    max_connections: int = 100
    strict: bool = False
    providers: Mapping[str, ProviderConfig] = attrs.field(factory=dict[str, ProviderConfig])
    session: requests.Session | None = None
    proxies: Mapping[str, str] | None = attrs.field(default=None, repr=False)
    verify: bool | str | None = None
    cert: str | tuple[str, str] | None = None
    on_attempt: OnAttempt | None = None

    def __attrs_post_init__(self) -> None:
        """Raise ConfigurationError for a value of the wrong type, which would else show only when a call is made."""
        for name, fits, words in _SHAPES:
            value = getattr(self, name)
            if value is not None and not fits(value):
                raise ConfigurationError("llmclient", f"{name} must be {words}, got {type(value).__name__}")


@attrs.frozen(kw_only=True)
class Policy:
    """How one call differs from its client's settings. The key shows in no repr."""

    timeout: Timeout | None = None
    retry: Retry | None = None
    strict: bool | None = None
    api_key: str | None = attrs.field(default=None, repr=False)
    api_base: str | None = None

    def account(self, provider: Provider) -> Provider:
        """Return the provider with this call's key and address."""
        if self.api_key is None and self.api_base is None:
            return provider
        config = provider.config
        return provider.with_config(attrs.evolve(config, api_key=self.api_key or config.api_key, api_base=self.api_base or config.api_base))

    def context(self, provider: Provider, settings: Settings) -> RequestContext:
        """Return the context of the call."""
        strict = settings.strict if self.strict is None else self.strict
        return RequestContext(provider=provider.name, config=provider.config, strict=strict, timeout=self.timeout, retry=self.retry)


def take_policy(options: dict[str, Any]) -> Policy | None:
    """Take the policy out of a call's options; None where there is none. Raises ConfigurationError for a malformed one."""
    if not options:
        return None
    hide_headers(options)
    if POLICY.isdisjoint(options):
        return None
    # The key is put away first: whatever is raised from here on shows this frame's locals.
    policy = Policy(api_key=options.pop("api_key", None), api_base=options.pop("api_base", None))
    timeout, retry = read_timeout(options.pop("timeout", None)), options.pop("retry", None)
    check_retry(retry)
    strict = options.pop("strict", None)
    if not isinstance(strict, bool | None):
        raise ConfigurationError("llmclient", f"strict must be True or False, got {type(strict).__name__}")
    return attrs.evolve(policy, timeout=timeout, retry=retry, strict=strict)


def read_timeout(value: Timeout | float | None) -> Timeout | None:
    """Return a Timeout for seconds in total; raises ConfigurationError for anything senseless."""
    from llmclient.deadline import Timeout

    return None if value is None else Timeout.of(value)


def check_retry(retry: Any) -> None:
    """Raise ConfigurationError unless it is a Retry, or None."""
    from llmclient.retry import Retry

    if retry is not None and not isinstance(retry, Retry):
        raise ConfigurationError("llmclient", f"retry must be a Retry, such as Retry(max_attempts=3), got {type(retry).__name__}")


def read_providers(providers: Mapping[str, ProviderConfig | Mapping[str, Any]]) -> dict[str, ProviderConfig] | ConfigurationError:
    """Return the settings by name, or the error of one that is malformed.

    The error is returned, not raised: every frame that it passes through holds keys among its locals.
    """
    if not isinstance(providers, Mapping):
        return ConfigurationError("llmclient", f'providers must be a dict such as {{"groq": {{"api_key": "…"}}}}, got {type(providers).__name__}')
    try:
        return {name: _read_provider(name, value) for name, value in providers.items()}
    except ConfigurationError as error:
        return error.with_traceback(None)


def _read_provider(name: str, value: ProviderConfig | Mapping[str, Any]) -> ProviderConfig:
    adapter = value.adapter if isinstance(value, ProviderConfig) else value.get("adapter") if isinstance(value, Mapping) else None
    for checked in cast("tuple[object, ...]", (name, adapter or name)):
        if not isinstance(checked, str):
            raise ConfigurationError("llmclient", f'a provider is named by a str such as "openai", got {type(checked).__name__}')
    known = registry.adapter(registry.canonical(adapter or name))
    config = known.read_settings(ProviderConfig.of(name, value, known.option_names()))
    config.validate()
    return config
