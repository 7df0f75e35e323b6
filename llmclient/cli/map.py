"""`llmclient map`: the same question of many prompts, many at once."""

from __future__ import annotations

import contextlib
import decimal
import os
import pathlib
import stat
import sys
import time
from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any, Final, TextIO

import click

from llmclient.cli.options import call, read_call
from llmclient.cli.output import note, write_cost
from llmclient.cli.root import Command
from llmclient.cli.rows import NOTHING_DONE, Done, Output, Row, read_rows, recover, write_row
from llmclient.errors import AuthenticationError, ConfigurationError, PermissionDeniedError

if TYPE_CHECKING:
    from llmclient.fanout import Item
    from llmclient.types.chat import ChatResponse

_POOL: Final = 100
Tick = Callable[[], object]


@click.command(
    "map",
    cls=Command,
    short_help="Ask a model many prompts at once, and write JSONL.",
    epilog="Example: llmclient map openai/gpt-4o-mini prompts.jsonl --output answers.jsonl --workers 64 --resume",
)
@click.argument("model")
@click.argument("source", metavar="[INPUT]", type=click.File(encoding="utf-8-sig"), default="-")
@click.option("-O", "--output", type=click.Path(dir_okay=False, path_type=pathlib.Path), metavar="FILE", help="Where the answers go; else standard output.")
@click.option("--resume", is_flag=True, help="Go on where an earlier run has stopped: rows that are in the output are not asked again.")
@click.option("--retry-failed", is_flag=True, help="With --resume: ask again for the rows that have failed.")
@click.option("--overwrite", is_flag=True, help="Start again where the output is there already.")
@click.option("--format", "form", type=click.Choice(["auto", "jsonl", "lines"]), default="auto", show_default=True, help="What the input is.")
@click.option("-w", "--workers", type=click.IntRange(1, 1_000), default=32, show_default=True, metavar="COUNT", help="How many calls are made at once.")
@click.option("--ordered/--unordered", default=True, show_default=True, help="Write in the order of the input, or as the answers come.")
@call
def command(model: str, source: TextIO, output: pathlib.Path | None, form: str, workers: int, *, ordered: bool, **given: Any) -> None:
    """Ask MODEL each prompt of INPUT, and write a line of JSON for each answer as it comes.

    INPUT is a file, or standard input: a prompt a line, or JSONL with objects that have "prompt" or "messages" and, if you like,
    "id". A row of the output has index, id, input, ok, text, finish_reason, usage, cost and error. The rows written are
    valid whenever the run is killed; --resume does the rest. The exit code is 1 when any row has failed.
    """
    resume, retry_failed, overwrite = (given.pop(name) for name in ("resume", "retry_failed", "overwrite"))
    options = read_call(given)
    if source.isatty():
        raise click.UsageError("there is no INPUT; name a file, or pipe prompts in")
    if output is None and (resume or overwrite):
        raise click.UsageError("--resume and --overwrite need an --output")
    if retry_failed and not resume:
        raise click.UsageError("--retry-failed goes with --resume")
    done = _prepare(output, resume=resume, retry_failed=retry_failed, overwrite=overwrite)
    run = _Run(model, read_rows(source, str(getattr(source, "name", "-")), form), done, options, workers, ordered=ordered)
    with contextlib.closing(Output(output, fresh=overwrite)) as answers, _progress(_count(source)) as tick:
        failed = run.write(answers, tick, resumable=output is not None)
    if failed:
        click.get_current_context().exit(1)


def _prepare(output: pathlib.Path | None, *, resume: bool, retry_failed: bool, overwrite: bool) -> Done:
    if output is None or not output.exists() or not output.is_file():
        return NOTHING_DONE
    if resume:
        return recover(output, retry_failed=retry_failed)
    if output.stat().st_size and not overwrite:
        raise click.UsageError(f"{output} is there already; --resume goes on with it, --overwrite starts again")
    return NOTHING_DONE


class _Run:
    """One run: what is asked, what has come back, and what it took."""

    def __init__(self, model: str, rows: Iterator[Row], done: Done, options: dict[str, Any], workers: int, *, ordered: bool) -> None:
        self._model = model
        self._rows = rows
        self._done = done
        self._options = options
        self._workers = workers
        self._ordered = ordered
        self._waiting: dict[int, Row] = {}
        self._skipped = 0
        self._ok = 0
        self._failed = 0
        self._tokens = 0
        self._cost = decimal.Decimal(0)
        self._unpriced: str | None = None
        self._priced = 0

    def write(self, output: Output, tick: Tick, *, resumable: bool) -> int:
        """Ask and write until the input ends; return how many rows have failed, those of earlier runs too."""
        from llmclient.client import Client  # here, since it takes a while

        started = time.monotonic()
        with Client(max_connections=max(self._workers, _POOL)) as client:
            items = client.map(self._model, self._prompts(tick), workers=self._workers, ordered=self._ordered, **self._options)
            try:
                for item in items:
                    self._check(item)
                    output.write(write_row(self._waiting.pop(item.index), item))
                    self._add(item)
                    tick()
                output.open()
            except KeyboardInterrupt:
                if resumable:
                    note("stopped; --resume goes on from here")
                raise
            finally:
                # Closing the iterator cancels the calls that are still out.
                getattr(items, "close", int)()
                if self._ok or self._failed or self._skipped:
                    note(self._summary(time.monotonic() - started))
        return self._failed + self._done.failed

    def _prompts(self, tick: Tick) -> Iterator[Any]:
        place = 0
        for row in self._rows:
            if self._done.has(row):
                self._skipped += 1
                tick()
                continue
            self._waiting[place] = row
            place += 1
            yield row.prompt

    def _check(self, item: Item[ChatResponse]) -> None:
        """Raise an error that every row would meet, so that it is told once and no row counts as failed for it."""
        kinds = (ConfigurationError,) if self._ok else (ConfigurationError, AuthenticationError)
        if isinstance(item.error, kinds) and not isinstance(item.error, PermissionDeniedError):
            raise item.error

    def _add(self, item: Item[ChatResponse]) -> None:
        if item.response is None:
            self._failed += 1
            return
        self._ok += 1
        usage, cost = item.response.usage, item.response.cost
        self._tokens += (usage and usage.total_tokens) or 0
        if cost is None:
            self._unpriced = item.response.cost_note
        else:
            self._priced += 1
            self._cost += cost

    def _summary(self, seconds: float) -> str:
        calls = self._ok + self._failed
        parts = [f"{self._ok:,} ok, {self._failed:,} failed"]
        if self._skipped:
            parts.append(f"{self._skipped:,} done before" + (f" ({self._done.failed:,} of them failed)" if self._done.failed else ""))
        parts.append(f"{self._tokens:,} tokens")
        parts.append(self._bill())
        parts.append(f"{seconds:.1f} s, {calls / seconds if seconds else 0:,.1f} calls/s")
        return ", ".join(parts)

    def _bill(self) -> str:
        if self._priced and self._unpriced:
            return f"at least {write_cost(self._cost)} ({self._ok - self._priced:,} rows without a price: {self._unpriced})"
        return write_cost(self._cost if self._priced or not self._ok else None, self._unpriced)


def _count(source: TextIO) -> int | None:
    """Return how many rows a regular file holds, None for anything else."""
    try:
        descriptor = source.fileno()
        if not stat.S_ISREG(os.fstat(descriptor).st_mode) or not sys.stderr.isatty():
            return None
        with pathlib.Path(source.name).open("rb") as file:
            return sum(1 for line in file if line.strip())
    except (OSError, ValueError):
        return None


@contextlib.contextmanager
def _progress(total: int | None) -> Generator[Tick, None, None]:
    """Show a bar while standard error is a terminal; yields what counts a row."""
    if not sys.stderr.isatty():
        yield int
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (TextColumn("rows"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("rows", total=total)
        yield lambda: progress.advance(task)
