"""What a provider's calls are made with where neither the call nor its client says otherwise."""

from __future__ import annotations

from typing import NamedTuple

import attrs

from llmclient.deadline import Timeout
from llmclient.retry import Gate, Retry
from llmclient.transport import Transport


class Policies(NamedTuple):
    """How long calls may take, how often they are tried, who holds them back, and by what way they go."""

    timeout: Timeout
    retry: Retry
    gate: Gate
    transport: Transport


def make_policies(timeout: Timeout | float | None, retry: Retry | None, max_retries: int | None, gate: Gate | None, transport: Transport | None) -> Policies:
    """Return the policies, with defaults for what is None; `max_retries` of the settings goes before `retry`."""
    retry = retry or Retry()
    if max_retries is not None:
        retry = attrs.evolve(retry, max_attempts=max_retries + 1)
    return Policies(Timeout.of(timeout), retry, gate or Gate(), transport or Transport())
