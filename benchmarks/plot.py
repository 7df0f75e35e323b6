"""Draws the results as dots, a panel for each kind of work."""

from __future__ import annotations

import pathlib
import statistics
from collections.abc import Sequence
from typing import Any, Final

from benchmarks.benches import Result
from benchmarks.report import TITLES

_COLUMNS: Final = 3
_COLOURS: Final = {
    "urllib3": "#9aa5b1",
    "requests": "#7b8794",
    "llmclient": "#1f6feb",
    "openai": "#d4a017",
    "any-llm": "#c8553d",
    "litellm": "#8d3b72",
    "python": "#cbd2d9",
}


def draw(results: Sequence[Result], path: pathlib.Path) -> None:
    """Write the plot as PNG; raises ImportError where matplotlib is not installed."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    rows = -(-len(results) // _COLUMNS)
    figure, axes = pyplot.subplots(rows, _COLUMNS, figsize=(5 * _COLUMNS, 2.7 * rows), squeeze=False, layout="constrained")
    for panel, result in zip(axes.flat, results, strict=False):
        _dots(panel, result)
    for panel in axes.flat[len(results) :]:
        panel.set_visible(False)
    figure.suptitle("llmclient beside bare urllib3, bare requests and its peers: medians of one run (logarithmic scales)")
    figure.savefig(path, dpi=110, metadata={"Software": None})
    pyplot.close(figure)


def _dots(panel: Any, result: Result) -> None:
    names = [name for name in TITLES if name in result.samples]
    unit = result.bench.unit
    values = [unit.of(result.wall(name)) for name in names]
    titles = [TITLES[name] for name in names]
    # Dots, not bars: on a logarithmic scale the length of a bar means nothing.
    panel.scatter(values, titles, color=[_COLOURS[name] for name in names], s=60, zorder=3)
    for name, value, title in zip(names, values, titles, strict=True):
        panel.annotate(unit.write(result.wall(name)), (value, title), xytext=(8, 0), textcoords="offset points", va="center", fontsize=8)
    panel.set_xscale("log")
    panel.set_xlim(min(values) / 2, max(values) * 4)
    panel.set_ylim(len(names) - 0.5, -0.5)
    panel.set_title(result.bench.title, fontsize=10)
    panel.set_xlabel(f"{unit.name} ({'more' if unit.rate else 'less'} is better)", fontsize=8)
    panel.set_ylabel("contestant", fontsize=8)
    panel.tick_params(labelsize=8)
    panel.grid(axis="x", color="#e4e7eb")
    _mark(panel, result)


def _mark(panel: Any, result: Result) -> None:
    budget = result.bench.budget
    if budget is None or not result.reference:
        return
    limit = result.bench.unit.of(statistics.median(sample.wall for sample in result.reference)) * budget
    panel.axvline(limit, color="#1f6feb", linestyle=":", linewidth=1.2, label="llmclient's budget")
    panel.legend(fontsize=7, loc="lower right" if result.bench.unit.rate else "upper right")
