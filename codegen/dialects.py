"""Which class a dialect's name in a TOML file means: one line a dialect and slot. A slot is an operation of Provider."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, Final

DIALECTS: Final[Mapping[str, Mapping[str, str]]] = {
    "chat": {
        "openai": "llmclient.dialects.openai:OpenAIChat",
    },
    "embed": {
        "openai": "llmclient.dialects.openai:OpenAIEmbeddings",
    },
    "rerank": {},
    "image": {},
    "edit_image": {},
    "speech": {},
    "transcribe": {},
    "translate_audio": {},
    "moderate": {},
    "list_models": {
        "openai": "llmclient.dialects.openai:OpenAIModels",
    },
    "count_tokens": {},
    "files": {},
    "batches": {},
}

BASES: Final[Mapping[str, str]] = {
    "provider": "llmclient.provider:Provider",
    "simulator": "llmclient.simulator.provider:SimulatorProvider",
}
"""What an adapter is a subclass of; another than the first where finding the address needs code."""

AUTHS: Final[Mapping[str, str]] = {
    "basic": "llmclient.auth:Basic",
    "bearer": "llmclient.auth:Bearer",
    "header": "llmclient.auth:HeaderKey",
    "none": "llmclient.auth:NoAuth",
    "query": "llmclient.auth:QueryKey",
}


def load(place: str) -> type[Any]:
    """Return the class at "module:Class"; raises ImportError or AttributeError for a line of the tables that is wrong."""
    module, _, name = place.partition(":")
    found: type[Any] = getattr(importlib.import_module(module), name)
    return found
