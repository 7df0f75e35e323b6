"""Runs the benchmarks: all contestants side by side, one after the other within each round."""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from benchmarks import cold, peers
from benchmarks.benches import BENCHES, PEER_ROUNDS, PEER_SHARE, Bench, Result
from benchmarks.contestants import LOCAL, verify
from benchmarks.measure import Sample
from benchmarks.server import Addresses, running

Run = Callable[[Bench, int], Sample]
Say = Callable[[str], object]
_QUICK_ROUNDS: Final = 3


class Plan(NamedTuple):
    """What to run and how thoroughly; `scale` divides the calls of a round."""

    only: tuple[str, ...] = ()
    peers: bool = False
    quick: bool = False
    scale: int = 1
    nginx: bool | None = None
    contestants: tuple[str, ...] = tuple(LOCAL)

    @property
    def benches(self) -> list[Bench]:
        """The benchmarks, in order; `quick` halves the calls and leaves three rounds."""
        chosen = [bench for bench in BENCHES if not self.only or bench.name in self.only]
        scale = self.scale * (2 if self.quick else 1)
        return [bench._replace(calls=max(1, bench.calls // scale), rounds=self._rounds(bench)) for bench in chosen]

    def _rounds(self, bench: Bench) -> int:
        return 1 if self.scale > 1 else min(bench.rounds, _QUICK_ROUNDS) if self.quick else bench.rounds


class Outcome(NamedTuple):
    """All results, and what they were measured with."""

    results: Sequence[Result]
    server: str
    pythons: Mapping[str, str]
    """Contestant -> interpreter."""


def run(plan: Plan, say: Say = lambda line: print(line, file=sys.stderr, flush=True)) -> Outcome:
    """Start the server and the contestants, and measure; raises when a contestant reads wrong answers."""
    pythons = dict.fromkeys(plan.contestants, sys.executable)
    if plan.peers:
        pythons |= {name: peers.install(name) for name in peers.PINS}
    with running(nginx=plan.nginx) as addresses:
        return Outcome([*_warm(plan, addresses, pythons, say), *_cold(plan, addresses, pythons, say)], addresses.server, pythons)


def _warm(plan: Plan, addresses: Addresses, pythons: Mapping[str, str], say: Say) -> Iterator[Result]:
    benches = [bench for bench in plan.benches if bench.clock is not None]
    with contextlib.ExitStack() as stack:
        everyone = list(_contestants(stack, addresses, pythons)) if benches else []
        for bench in benches:
            runs = {name: run for name, offer in everyone if (run := offer(bench)) is not None}
            if bench.beside:
                own = dict(everyone)["llmclient"](bench._replace(name=bench.beside, method=bench.beside))
                runs |= {bench.reference: own} if own is not None else {}
            if bench.name == "tls" and addresses.tls is None:
                say("tls: skipped, since trustme is not installed")
            elif runs:
                say(f"{bench.name}: {bench.rounds} rounds of {bench.calls} calls")
                yield _rounds(bench, runs)


def _rounds(bench: Bench, runs: Mapping[str, Run]) -> Result:
    samples: dict[str, list[Sample]] = {name: [] for name in runs}
    order = list(runs)
    for name in order:
        runs[name](bench, max(1, bench.calls // 10))
    for number in range(bench.rounds):
        shift = number % len(order)
        for name in order[shift:] + order[:shift]:
            if number < PEER_ROUNDS or name not in peers.PINS:
                samples[name].append(runs[name](bench, bench.calls))
    return Result(bench, samples, samples.get(bench.reference, []))


def _contestants(stack: contextlib.ExitStack, addresses: Addresses, pythons: Mapping[str, str]) -> Iterator[tuple[str, Callable[[Bench], Run | None]]]:
    for name, python in pythons.items():
        if name in LOCAL:
            yield name, functools.partial(_local, LOCAL[name](addresses._asdict()))
        else:
            peer = stack.enter_context(peers.started(name, python, addresses._asdict()))
            yield name, functools.partial(_remote, peer, frozenset(peer.ask()))


def _local(contestant: object, bench: Bench) -> Run | None:
    call = getattr(contestant, bench.method, None)
    if call is None or bench.clock is None:
        return None
    verify(contestant, bench.name)
    clock = bench.clock
    return lambda _, count: clock(call, count)


def _remote(peer: peers.Peer, methods: frozenset[str], bench: Bench) -> Run | None:
    if bench.method not in methods or bench.clock is None:
        return None
    peer.ask(verify=bench.name)
    clock = bench.clock.__name__
    return lambda _, count: peer.sample(clock, bench.method, max(1, count // PEER_SHARE))


def _cold(plan: Plan, addresses: Addresses, pythons: Mapping[str, str], say: Say) -> Iterable[Result]:
    benches = [bench for bench in plan.benches if bench.clock is None]
    starts = [bench for bench in benches if bench.name != "memory"]
    if starts:
        say(f"{', '.join(bench.name for bench in starts)}: {starts[0].rounds} rounds of new interpreters")
        yield from cold.measure_starts(starts, pythons, addresses.chat, starts[0].rounds)
    for bench in benches:
        if bench.name == "memory":
            say(f"memory: {bench.rounds} rounds of {bench.calls} calls")
            yield cold.measure_memory(bench, pythons, addresses.chat, bench.rounds, bench.calls)
