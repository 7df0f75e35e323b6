"""Anthropic's keys: in a header of their own, or as a bearer token from API version 2026-10-21 on."""

from __future__ import annotations

from typing import Final

import attrs

from llmclient.auth import Bearer, HeaderKey, Signer, missing_key
from llmclient.types.config import ProviderConfig

BEARER_SINCE: Final = "2026-10-21"
"""The API version whose clients send the key as a bearer token."""
_OAUTH: Final = "sk-ant-oat"


@attrs.frozen
class AnthropicKey:
    """`x-api-key: <key>`; `Authorization: Bearer` with a newer `api_version`, for OAuth tokens, and for the option `auth_token`."""

    def bind(self, config: ProviderConfig, env: tuple[str, ...] = ()) -> Signer:
        """Return the signer; raises ConfigurationError when there is neither a key nor a token."""
        key = config.get_api_key()
        token = config.get("auth_token")
        if key is None and token:
            return Bearer().bind(attrs.evolve(config, api_key=str(token)), env)
        if key is None:
            raise missing_key(config, env)
        if key.startswith(_OAUTH) or (config.api_version or "") >= BEARER_SINCE:
            return Bearer().bind(config, env)
        return HeaderKey("x-api-key").bind(config, env)

    @property
    def secret_headers(self) -> frozenset[str]:
        """Both headers, whichever is used."""
        return frozenset({"x-api-key", "authorization"})
