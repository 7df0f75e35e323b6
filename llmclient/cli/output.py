"""How things are written: answers to standard output as they come, everything else to standard error."""

from __future__ import annotations

import decimal
import io
import os
import stat
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, TextIO

import click

if TYPE_CHECKING:
    from llmclient.types.answer import Answer, Warning
    from llmclient.types.chat import ChatResponse
    from llmclient.types.embeddings import EmbeddingResponse
    from llmclient.types.usage import Usage

_PIPED_WIDTH: Final = 400


def put(text: str) -> None:
    """Write text at once; characters that the terminal cannot show become question marks."""
    out = sys.stdout
    try:
        out.write(text)
    except UnicodeEncodeError:
        out.write(text.encode(out.encoding, "replace").decode(out.encoding))
    out.flush()


def note(text: str) -> None:
    """Write a line to standard error."""
    click.echo(text, err=True)


def to_json(value: Any, *, indent: bool = False) -> bytes:
    """Write JSON: amounts of money as exact numbers, what JSON does not have as text."""
    import orjson

    def plain(item: object) -> object:
        return orjson.Fragment(f"{item:f}") if isinstance(item, decimal.Decimal) else str(item)

    return orjson.dumps(value, default=plain, option=orjson.OPT_INDENT_2 if indent else None)


def print_json(value: Any) -> None:
    """Write JSON for people and programs."""
    put(to_json(value, indent=True).decode() + "\n")


def print_response(response: ChatResponse | EmbeddingResponse) -> None:
    """Write a whole response as JSON, with what its `to_dict` leaves out."""
    print_json(response.to_dict() | _describe(response))


def _describe(answer: Answer) -> dict[str, Any]:
    return {
        "cost": answer.cost,
        "cost_note": answer.cost_note,
        "request_id": answer.request_id,
        "attempts": len(answer.attempts),
        "warnings": [warning.message for warning in answer.warnings],
    }


def warn(warnings: Iterable[Warning]) -> None:
    """Tell what did not go out as it was given."""
    for warning in warnings:
        note(f"warning: {warning.message}")


def tell_usage(answer: Answer, seconds: float, first: float | None = None) -> None:
    """Write what a call has used, on one line."""
    parts = [write_usage(answer.usage), write_cost(answer.cost, answer.cost_note), f"{seconds:.2f} s"]
    if first is not None:
        parts.append(f"first text after {first:.2f} s")
    if len(answer.attempts) > 1:
        parts.append(f"{len(answer.attempts)} attempts")
    if answer.request_id:
        parts.append(f"request {answer.request_id}")
    note(", ".join(parts))


def write_usage(usage: Usage | None) -> str:
    """Return the token counts as text."""
    if usage is None:
        return "usage unknown"
    names = {"prompt_tokens": "prompt", "completion_tokens": "completion"}
    counts = [f"{value:,} {word}" for name, word in names.items() if (value := getattr(usage, name)) is not None]
    parts = {"cached_tokens": "cached", "cache_write_tokens": "written to the cache", "reasoning_tokens": "reasoning"}
    subsets = [f"{value:,} {word}" for name, word in parts.items() if (value := getattr(usage, name))]
    total = f"{usage.total_tokens:,} tokens" if usage.total_tokens is not None else "tokens"
    return f"{' + '.join(counts)} = {total}" + (f" ({', '.join(subsets)})" if subsets else "") if counts else total


def write_cost(cost: decimal.Decimal | None, why: str | None = None) -> str:
    """Return an amount of dollars as text, to the last digit."""
    if cost is None:
        return f"cost unknown: {why}" if why else "cost unknown"
    return f"${cost.normalize():f}" + (f" ({why})" if why else "")


def stdin() -> TextIO:
    """Return standard input; an empty one where the process was started without any."""
    given: TextIO | None = sys.stdin
    return io.StringIO() if given is None else given


def is_piped(stream: TextIO) -> bool:
    """Whether something was piped or redirected into a stream.

    Other things that are no terminal, such as an inherited socket, may never end and are not waited for.
    """
    try:
        mode = os.fstat(stream.fileno()).st_mode
    except (OSError, ValueError, AttributeError):
        return not stream.isatty()
    return stat.S_ISFIFO(mode) or stat.S_ISREG(mode)


def print_table(columns: Sequence[tuple[str, bool]], rows: Iterable[Sequence[str]]) -> None:
    """Write a table; a column is its title and whether it holds numbers. Into a pipe each row stays one line."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for title, numeric in columns:
        table.add_column(title, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console = Console(file=sys.stdout, highlight=False, width=None if sys.stdout.isatty() else _PIPED_WIDTH)
    with console.capture() as captured:
        console.print(table)
    put("\n".join(line.rstrip() for line in captured.get().splitlines()) + "\n")
