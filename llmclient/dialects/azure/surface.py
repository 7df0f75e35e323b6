"""Which of Azure's addresses a request goes to, told by the version of the API and by the address that the caller gave.

The v1 surface, `/openai/v1/…`, has no version and names the deployment in the body. The older one, of a dated version, has it in the
path: `/openai/deployments/{deployment}/…?api-version=…`. Foundry serves models of all vendors at `/models/…?api-version=…`, and
serverless deployments have a host of their own, which takes no version
(https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import attrs

from llmclient.dialects.openai.paths import fill_model
from llmclient.dialects.shapes import is_object
from llmclient.errors import ConfigurationError
from llmclient.types.config import ProviderConfig
from llmclient.types.context import WireRequest

_V1: Final = "/openai/v1"
_DATED: Final = re.compile(r"\d{4}-\d\d-\d\d(-[A-Za-z0-9]+)?")
_WORDS: Final = ("v1", "preview", "latest")
_SERVERLESS: Final = (".models.ai.azure.com", ".inference.ai.azure.com")


def version_of(config: ProviderConfig, usual: str) -> str:
    """Return the version of the API: the caller's, or the usual one; "v1" where the caller's address is that of the v1 surface.

    Raises ConfigurationError for one that is neither a date nor a word of the v1 surface.
    """
    version = config.api_version or usual
    if version not in _WORDS and not _DATED.fullmatch(version):
        raise ConfigurationError(config.provider, f"api_version must be v1, preview, or a date such as 2024-10-21, got {version!r}")
    return "v1" if version not in _WORDS and (config.get_api_base() or "").endswith(_V1) else version


def is_dated(version: str) -> bool:
    """Return whether a version is a date, and so not one of the v1 surface."""
    return version not in _WORDS


def is_serverless(config: ProviderConfig) -> bool:
    """Return whether the caller's address is that of a serverless deployment."""
    host = urlsplit(config.get_api_base() or "").hostname or ""
    return host.endswith(_SERVERLESS)


def place(wire: WireRequest, version: str, deployment: str = "") -> WireRequest:
    """Return the request at its address on Azure OpenAI; without a deployment it is about the resource as a whole."""
    if not is_dated(version):
        return attrs.evolve(wire, path=_V1 + wire.path, query=_query(wire, "" if version == "v1" else version))
    path = fill_model("/openai/deployments/{model}", deployment) if deployment else "/openai"
    return attrs.evolve(wire, path=path + wire.path, query=_query(wire, version))


def place_model(wire: WireRequest, config: ProviderConfig, version: str) -> WireRequest:
    """Return the request at its address in Foundry."""
    if is_serverless(config):
        return attrs.evolve(wire, path="/v1" + wire.path)
    if not is_dated(version):
        return place(wire, version)
    return attrs.evolve(wire, path="/models" + wire.path, query=_query(wire, version))


def _query(wire: WireRequest, version: str) -> Mapping[str, str]:
    return {**wire.query, "api-version": version} if version else wire.query


def root_of(address: str) -> str:
    """Return an address without the end that names a surface, since requests bring it along: users copy addresses with and without it."""
    base, slash, last = address.rpartition("/")
    if last == "v1" and (base.endswith("/openai") or (urlsplit(base).hostname or "").endswith(_SERVERLESS)):
        return base.removesuffix("/openai")
    return base if slash and last in ("openai", "models") else address


def model_of(config: ProviderConfig, deployment: str) -> str:
    """Return the model behind a deployment, as the option `deployments` says; a deployment that it does not name is called like its model.

    The option is a mapping, or text such as "prod=gpt-5-mini,cheap=gpt-4o-mini". Raises ConfigurationError when it is neither.
    """
    given = config.get("deployments")
    if not given:
        return deployment
    if is_object(given):
        model = given.get(deployment, deployment)
        if isinstance(model, str):
            return model
    elif isinstance(given, str):
        pairs = [pair.partition("=") for pair in given.split(",") if pair.strip()]
        if all(equals and name.strip() and model.strip() for name, equals, model in pairs):
            return next((model.strip() for name, _, model in pairs if name.strip() == deployment), deployment)
    raise ConfigurationError(config.provider, 'deployments must map names to models: a dict, or text such as "prod=gpt-5-mini,cheap=gpt-4o-mini"')
