"""Ten minutes of mixed load with faults: `python -m tests.stress.soak [--seconds N]`; writes its figures to docs/soak.md."""

from __future__ import annotations

import argparse
import datetime
import os
import pathlib
import platform
import sys
import sysconfig
import threading
import time
import warnings
from dataclasses import dataclass, field

from tests.faults.play import Lateness
from tests.stress.load import GRACE, NAMES, OPERATIONS, TOTAL, Crowd, descriptors, growth, resident
from tests.stress.rude import TROUBLE, Apart

PAGE = pathlib.Path(__file__).parent.parent.parent / "docs" / "soak.md"
ROUND = 5_000
ROUNDS = 10
FEW, AMONG = 20, 500
"""Threads and calls in whose midst a process is forked: few, since a child holds its parent's connections open that are closed meanwhile."""
FORKED = 20
"""Calls that the child of each round makes."""
LINES = 12
GROWTH = 0.01
HEAD = """# Soak

Written by `make soak`. {threads} threads share one pool of 100 connections and ask in {dialects} dialects, by calls, streams and embeddings. {share:.0%} of the
server's answers go wrong (reset, cut off, closed, busy, nonsense, bytes left over), and one stream in ten is left early. In each round of {round:,} calls a process
is forked in the midst of it, and makes {forked} calls on the same providers. A nonce stands in each question. The server is a process of its own: memory
and descriptors are those of the client alone, between two rounds. `make soak` gives the C library's allocator one arena: with one for each of many threads,
which is its default, freed memory is spread over them, and memory wanders by a per cent whatever the program does.

"""
Row = tuple[str, ...]


@dataclass(frozen=True)
class Sample:
    """How things stood between two rounds."""

    seconds: float
    calls: int
    memory: int
    descriptors: int
    threads: int
    connections: int


@dataclass
class Record:
    """What was seen."""

    crowd: Crowd
    samples: list[Sample] = field(default_factory=list)
    forked: int = 0
    answered: bool = True
    closed: bool = False
    spent: float = 0.0
    late: float = 0.0
    server: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def growth(self) -> float:
        """By how much memory has grown since the warm-up."""
        return growth([sample.memory for sample in self.samples])

    def judge(self) -> list[str]:
        """Return what was wrong, in words."""
        tally = self.crowd.tally
        checks = {
            "calls hung": self.answered,
            "a call overran its deadline": tally.slowest <= TOTAL + GRACE + self.late,
            "too many connections": self.server["most"] <= 100,
            "connections were left open": self.closed,
            "the server failed": not self.server["failed"],
            "too few answers": tally.ends["answer"] > tally.calls * 0.7,
            f"memory grew by {self.growth:.1%}": self.growth < GROWTH,
            "descriptors were left open": self.samples[-1].descriptors <= self.samples[0].descriptors + 100,
            "threads were left": self.samples[-1].threads <= self.samples[0].threads,
        }
        return [*tally.problems, *self.problems, *(problem for problem, holds in checks.items() if not holds)]


def soak(seconds: float, threads: int, calls: int = 0) -> Record:
    """Load the library for so long, and for so many calls."""
    start = time.monotonic()
    with Apart() as server, Lateness() as clock:
        with Crowd(server.url, threads) as crowd:
            record = Record(crowd)
            while record.answered and (time.monotonic() - start < seconds or len(record.samples) < max(ROUNDS, calls // ROUND)):
                play_round(record)
                open_now = server.figures()["open"]
                record.samples.append(
                    Sample(time.monotonic() - start, crowd.tally.calls, resident(), descriptors(), threading.active_count(), open_now),
                )
        record.spent = time.monotonic() - start
        record.closed = server.wait_closed()
        record.server = server.figures()
        record.late = clock.worst
    return record


def play_round(record: Record) -> None:
    """Let the crowd call, and then a part of it with a fork in its midst."""

    def fork() -> None:
        # Forking with threads around is what this is about; Python 3.12 and later warn of it.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            ended, problems = record.crowd.run_in_child(FORKED)
        record.forked += ended
        record.problems += problems

    forking = threading.Timer(0.1, fork)
    record.answered = record.crowd.run(ROUND - AMONG)
    if has_lock():
        forking.start()
    record.answered = record.crowd.run(AMONG, FEW) and record.answered
    if has_lock():
        forking.join()


def has_lock() -> bool:
    """Return whether Python's global lock is on; without it a child that is forked among running threads is not promised to work."""
    return getattr(sys, "_is_gil_enabled", lambda: True)()


def build() -> str:
    """Return which Python this is, and whether it runs without the global lock."""
    free = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
    return platform.python_version() + (f", free-threaded, the global lock {'on' if has_lock() else 'off'}" if free else "")


def figures(record: Record) -> list[Row]:
    """Return the first table."""
    tally, samples = record.crowd.tally, record.samples
    warm = samples[len(samples) // 5]
    return [
        ("date", datetime.datetime.now(datetime.UTC).date().isoformat()),
        ("Python", build()),
        ("arenas of the C library's allocator", os.environ.get("MALLOC_ARENA_MAX", "its default")),
        ("minutes", f"{record.spent / 60:.1f}"),
        ("calls and streams", f"{tally.calls:,}"),
        ("a second", f"{tally.calls / record.spent:,.0f}"),
        ("calls in forked children", f"{record.forked:,}" if has_lock() else "none without the global lock"),
        ("answers of another question", str(tally.wrong)),
        ("calls that never ended", str(len(tally.running))),
        ("most connections at once, of 100 allowed", str(record.server["most"])),
        ("connections opened", f"{record.server['opened']:,}"),
        ("connections left open at the end", str(record.server["open"])),
        (f"slowest call, of {TOTAL:g} s allowed", f"{tally.slowest:.2f} s"),
        ("memory after the warm-up", f"{warm.memory / 1e6:.1f} MB"),
        ("memory at the end", f"{samples[-1].memory / 1e6:.1f} MB ({record.growth:+.1%})"),
    ]


def ends(record: Record) -> list[Row]:
    """Return how calls ended."""
    tally = record.crowd.tally
    return [(end, f"{count:,}", f"{count / tally.calls:.2%}") for end, count in tally.ends.most_common()]


def times(record: Record) -> list[Row]:
    """Return how long calls took, waits, retries and the queue for a connection included."""
    rows = [(name, record.crowd.tally.times[name]) for name in OPERATIONS]
    spans = ((name, each, [each.below(0.5), each.below(0.9), each.below(0.99), each.below(0.999), each.most]) for name, each in rows)
    return [(name, f"{each.calls:,}", *(f"{span * 1000:,.0f}" for span in found)) for name, each, found in spans]


def course(record: Record) -> list[Row]:
    """Return how things stood over time."""
    samples = record.samples
    chosen = sorted({round(index * (len(samples) - 1) / (LINES - 1)) for index in range(LINES)})
    return [
        (f"{s.seconds:,.0f}", f"{s.calls:,}", f"{s.memory / 1e6:.1f}", str(s.descriptors), str(s.threads), str(s.connections))
        for s in (samples[index] for index in chosen)
    ]


def table(head: Row, rows: list[Row]) -> str:
    """Return a table."""
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, *rows]).replace("|\n", f"|\n{'|---' * len(head)}|\n", 1)


def render(record: Record, threads: int) -> str:
    """Return the page."""
    head = HEAD.format(threads=threads, dialects=len(NAMES), share=TROUBLE, round=ROUND, forked=FORKED)
    parts = [
        head + table(("figure", ""), figures(record)),
        "## How calls ended\n\n" + table(("end", "calls", "share"), ends(record)),
        "## Milliseconds a call\n\n" + table(("operation", "calls", "half", "90 %", "99 %", "99.9 %", "slowest"), times(record)),
        "## Over time\n\n" + table(("seconds", "calls", "MB", "descriptors", "threads", "connections"), course(record)),
    ]
    return "\n\n".join(parts) + "\n"


def main() -> int:
    """Run, write the page, and say what was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--calls", type=int, default=0)
    parser.add_argument("--threads", type=int, default=100)
    parser.add_argument("--page", type=pathlib.Path, default=PAGE)
    given = parser.parse_args()
    record = soak(given.seconds, given.threads, given.calls)
    given.page.write_text(render(record, given.threads), encoding="utf-8")
    problems = record.judge()
    print("\n".join(problems) or "nothing was wrong")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
