"""Writes the results: the table, the verdicts, and what they were measured on."""

from __future__ import annotations

import datetime
import os
import pathlib
import platform
import sys
from collections.abc import Iterable, Sequence
from typing import Final

from benchmarks import cold
from benchmarks.benches import NOTES, SLACK, Result
from benchmarks.peers import PACKAGES
from benchmarks.run import Outcome

TITLES: Final = {
    "urllib3": "bare urllib3 + json",
    "requests": "bare requests",
    "llmclient": "llmclient",
    "openai": "openai SDK",
    "any-llm": "any-llm",
    "litellm": "litellm",
    "python": "bare Python",
}
_LIBRARIES: Final = ("urllib3", "requests", "orjson", "attrs", "cattrs")


def page(outcome: Outcome, when: datetime.datetime) -> str:
    """Return docs/benchmarks.md."""
    return "\n".join(
        [
            "# Benchmarks",
            "",
            f"Written by `make bench` on {when:%Y-%m-%d}; not to be edited by hand.",
            "",
            "Each row is one kind of work, done by all contestants side by side in one run, round by round, against one server on the",
            "loopback interface that answers with canned bytes. Figures are medians over the rounds: wall time, and in brackets CPU time.",
            "A ratio is the median of the rounds' ratios of llmclient to the reference; for calls a second more is better, else less.",
            "Before a contestant is measured it must have read the right answer.",
            "",
            *table(outcome.results),
            "",
            "![The same figures as dots](benchmarks.png)",
            "",
            "## What the rows mean",
            "",
            *(f"* {result.bench.title}: {NOTES[result.bench.name]}." for result in outcome.results),
            "",
            "## Measured with",
            "",
            *(f"* {line}" for line in machine(outcome)),
            "",
        ]
    )


def table(results: Sequence[Result]) -> list[str]:
    """Return the results as lines of a Markdown table."""
    names = [name for name in TITLES if name != "python" and any(name in result.samples for result in results)]
    head = ["work", *(TITLES[name] for name in names), "ratio (CPU)", "budget", "verdict"]
    rows = [[_title(result), *(_cell(result, name) for name in names), _ratio(result), budget(result), verdict(result)] for result in results]
    rule = ["---", *("---:" for _ in head[1:-1]), "---"]
    return ["| " + " | ".join(row) + " |" for row in (head, rule, *rows)]


def _title(result: Result) -> str:
    return f"{result.bench.title}, {result.bench.unit.name}"


def _cell(result: Result, name: str) -> str:
    if name not in result.samples:
        return "–"
    unit = result.bench.unit
    wall, cpu = unit.write(result.wall(name)), result.cpu(name)
    if unit.rate:
        return f"{wall} ({cpu * 1e6:,.0f} µs)"
    return f"{wall} ({unit.write(cpu)})" if cpu else wall


def _ratio(result: Result) -> str:
    ratio, cpu = result.ratio(), result.cpu_ratio()
    if ratio is None:
        return "–"
    return f"{ratio:.2f}" + (f" ({cpu:.2f})" if cpu is not None else "")


def budget(result: Result) -> str:
    """Return the budget as text."""
    bench = result.bench
    return "–" if bench.budget is None else f"{'≥' if bench.at_least else '≤'} {bench.budget:g} × {TITLES.get(bench.reference, f'`{bench.reference}`')}"


def verdict(result: Result) -> str:
    """Return "pass", "close" (missed by at most 10 %), "miss", or a dash where nothing is promised or measured."""
    if result.holds() is None:
        return "–"
    return "pass" if result.holds() else "close" if result.holds(SLACK) else "**miss**"


def missed(results: Iterable[Result]) -> list[Result]:
    """Return the results that miss their budget by more than 10 %."""
    return [result for result in results if result.holds(SLACK) is False]


def machine(outcome: Outcome) -> list[str]:
    """Return lines about the machine, the server and all versions."""
    lines = [
        f"{_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}",
        f"{platform.python_implementation()} {platform.python_version()}",
        f"server: {outcome.server}",
        _written(sys.executable, _LIBRARIES),
    ]
    lines += [_written(python, (PACKAGES[name], *_PEER_PARTS)) for name, python in outcome.pythons.items() if name in PACKAGES]
    if any("python" in result.samples for result in outcome.results):
        memory = next(result for result in outcome.results if "python" in result.samples)
        lines.append(f"bare Python's resident set: {memory.bench.unit.write(memory.wall('python'))} MB")
    return lines


_PEER_PARTS: Final = ("httpx", "httpx2", "openai", "pydantic")


def _written(python: str, names: Iterable[str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in sorted(cold.versions(python, names).items()))


def _processor() -> str:
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())


def plain(results: Sequence[Result]) -> str:
    """Return the results for a terminal."""
    rows = [[cell.strip().replace("**", "") for cell in line.strip("| ").split(" | ")] for line in table(results) if not line.startswith("| ---")]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
