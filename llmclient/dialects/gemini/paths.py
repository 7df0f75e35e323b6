"""Where Google's models are: the names of resources, and the addresses made of them."""

from __future__ import annotations

import functools
import re
from typing import Final
from urllib.parse import quote

from llmclient.errors import ConfigurationError, InvalidRequestError
from llmclient.types.config import ProviderConfig

_RESOURCES: Final = ("models/", "tunedModels/", "dynamic/", "publishers/", "endpoints/", "projects/")
"""How the names of models begin that say where they are; other slashes are part of a name."""
_PLACE: Final = "/projects/{project}/locations/{region}"


@functools.cache
def _placeholder() -> re.Pattern[str]:
    return re.compile(r"\{(\w+)\}")


@functools.cache
def _version_at_end() -> re.Pattern[str]:
    return re.compile(r"/v\d+(?:(?:alpha|beta)\d*)?$")


def bare(model: str) -> str:
    """Return a model's own name, without the folders before it, by which families are told apart."""
    return model.rpartition("/")[2]


def resource(model: str, publisher: str = "") -> str:
    """Return the quoted path of a model: models/NAME, or publishers/PUBLISHER/models/NAME.

    Raises InvalidRequestError for a name that would change the path.
    """
    steps = _steps(model, publisher)
    if any(step in ("", ".", "..") for step in steps):
        raise InvalidRequestError("", f"{model!r} is no model name", param="model", model=model)
    return "/".join(quote(step, safe="") for step in steps)


def _steps(model: str, publisher: str) -> list[str]:
    name = model.removeprefix("models/") if publisher else model
    if name.startswith(_RESOURCES):
        return name.split("/")
    if not publisher:
        return ["models", name]
    owner, slash, rest = name.partition("/")
    return ["publishers", owner, "models", rest] if slash else ["publishers", publisher, "models", name]


def fill(path: str, config: ProviderConfig, *, model: str = "", **usual: str) -> str:
    """Return the path with its placeholders filled from the settings, else from `usual`; `model` is quoted already.

    A base address that holds the version, or the project too, keeps its own. Raises ConfigurationError for a setting that is missing.
    """
    base = config.get_api_base() or ""
    if model.startswith("projects/"):
        path = path.replace(_PLACE, "")
    elif "/projects/" in base:
        path = path.partition(_PLACE)[2] or path
    if _version_at_end().search(base):
        path = path.removeprefix("/{api_version}")
    return _placeholder().sub(lambda match: model if match[1] == "model" else _setting(match[1], config, usual.get(match[1], "")), path)


def _setting(name: str, config: ProviderConfig, usual: str) -> str:
    value = config.get(name) or usual
    if not value:
        raise ConfigurationError(config.provider, f'{name} is not set; pass Client(providers={{"{config.provider}": {{"{name}": "…"}}}})')
    if not isinstance(value, str) or value in (".", ".."):
        raise ConfigurationError(config.provider, f"{name} {value!r} cannot stand in an address")
    return quote(value, safe="")
