"""A simulator of providers: a real HTTP server on this machine that speaks their dialects, with faults on demand.

    with Simulator() as simulator:
        client = Client(providers={"openai": {"api_key": "any", "api_base": simulator.url + "/v1"}})

The model's name chooses how it answers: `echo`, `canned`, `lorem`, `reasoner`, `embed`, `fail`; see `answers`. The same
request gets the same answer. What can go wrong on request stands in `faults`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from llmclient.simulator.faults import Fault
from llmclient.simulator.server import Recorded, Simulator, shared

__all__ = ["Fault", "Recorded", "Simulator", "serve", "shared", "start"]


def start(*, host: str = "127.0.0.1", port: int = 0, pace: float = 0.0, seed: int = 0, api_key: str | None = None) -> Simulator:
    """Start a simulator in threads of this process and return it; raises OSError when the port is taken."""
    return Simulator(host=host, port=port, pace=pace, seed=seed, api_key=api_key).start()


def serve(
    *,
    host: str = "127.0.0.1",
    port: int = 8321,
    pace: float = 0.0,
    seed: int = 0,
    api_key: str | None = None,
    clock: Callable[[], float] | None = None,
    log: Callable[[str], object] | None = None,
    ready: Callable[[str], object] | None = None,
    until: threading.Event | None = None,
) -> None:
    """Run a simulator until KeyboardInterrupt, or until the event `until` is set.

    `ready` is called with the address once it listens, `log` with a line for each request. Raises OSError when the port is taken.
    """
    with Simulator(host=host, port=port, pace=pace, seed=seed, api_key=api_key, clock=clock, log=log) as simulator:
        if ready is not None:
            ready(simulator.url)
        (until or threading.Event()).wait()
