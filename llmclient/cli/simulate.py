"""`llmclient simulate`: a provider on this machine, for tests and for trying things out."""

from __future__ import annotations

import signal
import threading

import click

from llmclient.cli.output import note, put
from llmclient.cli.root import Command


@click.command(
    "simulate",
    cls=Command,
    short_help="Run a provider on this machine, for tests.",
    epilog="Example: llmclient simulate --port 8321 --pace 0.05",
)
@click.option("--port", type=click.IntRange(0, 65_535), default=8321, show_default=True, help="0 takes any that is free.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at; others than this machine's own let strangers in.")
@click.option("--pace", type=click.FloatRange(min=0), default=0.0, show_default=True, metavar="SECONDS", help="The pause between the events of a stream.")
@click.option("--seed", type=int, default=0, show_default=True, help="Another seed gives other answers; the same gives the same.")
@click.option("--api-key", metavar="KEY", help="The only key to be accepted; any is without it.")
@click.option("-v", "--verbose", is_flag=True, help="Tell each request on standard error.")
def command(port: int, host: str, pace: float, seed: int, api_key: str | None, *, verbose: bool) -> None:
    """Run the simulator until it is interrupted: a server that speaks the providers' dialects, with faults on demand.

    Point any client at the address that it prints, with /v1 for OpenAI's dialect. The model's name chooses how it answers: echo,
    canned, lorem, reasoner, embed, fail.
    """
    from llmclient.simulator import Simulator

    ended = threading.Event()
    with Simulator(host=host, port=port, pace=pace, seed=seed, api_key=api_key, log=note if verbose else None) as simulator:
        # Handlers, since whoever reads the address may interrupt before the wait has begun.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda _number, _frame: ended.set())
        note(f"OPENAI_BASE_URL={simulator.url}/v1 makes it OpenAI; Ctrl-C ends it")
        put(f"{simulator.url}\n")
        ended.wait()
