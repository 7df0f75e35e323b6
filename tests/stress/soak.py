"""Ten minutes of mixed load with faults: `python -m tests.stress.soak [--seconds N]`; writes its figures to docs/soak.md."""

from __future__ import annotations

import argparse
import datetime
import pathlib
import platform
import sys
import time

from tests.faults.play import Lateness
from tests.stress.load import GRACE, NAMES, TOTAL, TROUBLE, Crowd, Rude, growth, resident

PAGE = pathlib.Path(__file__).parent.parent.parent / "docs" / "soak.md"
ROUND = 5_000
ROUNDS = 5
GROWTH = 0.01
HEAD = """# Soak

Written by `make soak`. {threads} threads share one pool of 100 connections and ask in {dialects} dialects, by calls and by streams. {share:.0%} of the
server's answers go wrong (reset, cut off, closed, busy, nonsense, bytes left over), and one stream in ten is left early. A nonce stands in each question.

"""


def soak(seconds: float, threads: int, calls: int = 0) -> tuple[list[tuple[str, str]], list[str]]:
    """Load the library for so long, and for so many calls; return the figures, and what was wrong."""
    start = time.monotonic()
    memory: list[int] = []
    with Lateness() as clock, Rude() as server:
        with Crowd(server.url, threads) as crowd:
            while time.monotonic() - start < seconds or len(memory) < max(ROUNDS, calls // ROUND):
                crowd.run(ROUND)
                memory.append(resident())
        spent = time.monotonic() - start
        closed = server.wait_closed()
        tally = crowd.tally
        grown = growth(memory)
        problems = list(tally.problems)
        checks = {
            "a call overran its deadline": tally.slowest <= TOTAL + GRACE + clock.worst,
            "too many connections": server.most <= 100,
            "connections were left open": closed,
            "too few answers": tally.ends["answer"] > tally.calls * 0.7,
            f"memory grew by {grown:.1%}": grown < GROWTH,
        }
        problems += [problem for problem, holds in checks.items() if not holds]
    figures = [
        ("date", datetime.datetime.now(datetime.UTC).date().isoformat()),
        ("Python", platform.python_version()),
        ("minutes", f"{spent / 60:.1f}"),
        ("calls and streams", f"{tally.calls:,}"),
        ("a second", f"{tally.calls / spent:,.0f}"),
        ("answers of another question", str(len(tally.problems))),
        ("most connections at once", str(server.most)),
        ("connections opened", f"{server.connections:,}"),
        (f"slowest call, of {TOTAL:g} s allowed", f"{tally.slowest:.2f} s"),
        ("memory after the warm-up", f"{memory[len(memory) // 5] / 1e6:.1f} MB"),
        ("memory at the end", f"{memory[-1] / 1e6:.1f} MB ({grown:+.1%})"),
        *((f"ended as: {end}", f"{count:,}") for end, count in tally.ends.most_common()),
    ]
    return figures, problems


def main() -> int:
    """Run, write the page, and say what was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--calls", type=int, default=0)
    parser.add_argument("--threads", type=int, default=100)
    parser.add_argument("--page", type=pathlib.Path, default=PAGE)
    given = parser.parse_args()
    figures, problems = soak(given.seconds, given.threads, given.calls)
    head = HEAD.format(threads=given.threads, dialects=len(NAMES), share=TROUBLE)
    rows = "\n".join(f"| {name} | {value} |" for name, value in figures)
    given.page.write_text(f"{head}| figure | |\n|---|---|\n{rows}\n", encoding="utf-8")
    print("\n".join(problems) or "nothing was wrong")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
