"""`python -m benchmarks [--quick] [--peers] [--only chat,stream] [--check]`; a full run writes docs/benchmarks.md and docs/benchmarks.png."""

from __future__ import annotations

import argparse
import datetime
import pathlib
import sys
from collections.abc import Sequence

from benchmarks import report
from benchmarks.benches import NAMES
from benchmarks.run import Outcome, Plan, run

_DOCS = pathlib.Path(__file__).resolve().parent.parent / "docs"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print, write; return 1 when `--check` finds a budget missed by more than 10 %."""
    options = _parser().parse_args(arguments)
    plan = Plan(only=options.only, peers=options.peers, quick=options.quick, nginx=False if options.no_nginx else None)
    outcome = run(plan)
    print("\n".join(report.machine(outcome)), report.plain(outcome.results), sep="\n\n")
    folder = options.output or (None if options.only or options.quick else _DOCS)
    if folder is not None:
        _write(outcome, folder)
    late = report.missed(outcome.results)
    for result in late:
        print(f"{result.bench.name}: the budget is missed by more than 10 % (ratio {result.ratio():.2f}, budget {result.bench.budget:g})", file=sys.stderr)
    return 1 if late and options.check else 0


def _write(outcome: Outcome, folder: pathlib.Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "benchmarks.md").write_text(report.page(outcome, datetime.datetime.now(datetime.UTC)), encoding="utf-8")
    try:
        from benchmarks.plot import draw

        draw(outcome.results, folder / "benchmarks.png")
    except ImportError:
        print('no plot: matplotlib is missing; pip install "llmclient[bench]"', file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds; nothing is written to docs/")
    parser.add_argument("--peers", action="store_true", help="also openai, any-llm and litellm, each installed into an environment of its own")
    parser.add_argument("--only", type=_names, default=(), metavar="NAME,…", help=f"some of {', '.join(NAMES)}; nothing is written to docs/")
    parser.add_argument("--check", action="store_true", help="exit 1 when a budget is missed by more than 10 %%")
    parser.add_argument("--no-nginx", action="store_true", help="use the Python server even where nginx is installed")
    parser.add_argument("--output", type=pathlib.Path, metavar="FOLDER", help="write the page and the plot there, whatever was run")
    return parser


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if unknown := sorted(set(names) - set(NAMES)):
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}; known are {', '.join(NAMES)}")
    return names


if __name__ == "__main__":
    sys.exit(main())
