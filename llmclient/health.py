"""Whether a provider answers, how fast, and if not, why."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from llmclient.errors import ProviderError
from llmclient.types.chat import ChatRequest
from llmclient.types.context import HealthStatus

if TYPE_CHECKING:
    from llmclient.provider import Provider


def check(provider: Provider, model: str | None = None) -> HealthStatus:
    """Ask a model for one token where one is given, else for the list of models, else look at the settings only."""
    if model is not None:
        checked = "a chat of one token"
    else:
        checked = "GET models" if provider.list_models is not None else "configuration"
    started = time.monotonic()
    try:
        if model is not None:
            provider.chat_completion(ChatRequest.make(model, "hi", max_tokens=1))
        elif provider.list_models is not None:
            provider.available_models()
        else:
            provider.check_configuration()
    except ProviderError as error:
        return HealthStatus(provider=provider.label, healthy=False, latency=time.monotonic() - started, reason=str(error), checked=checked)
    latency = None if checked == "configuration" else time.monotonic() - started
    return HealthStatus(provider=provider.label, healthy=True, latency=latency, checked=checked)
