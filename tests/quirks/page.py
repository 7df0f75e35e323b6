"""Writes docs/quirks.md from the table of quirks and its cases: `python -m tests.quirks.page`."""

from __future__ import annotations

import itertools
import pathlib
from collections.abc import Iterator

from tests.quirks.cases import Case
from tests.quirks.numbered import CASES, Row, read_table

PAGE = pathlib.Path(__file__).parent.parent.parent / "docs" / "quirks.md"
HEAD = """# Quirks

Written by `python -m tests.quirks.page` from `tests/quirks/numbers.toml` and the cases beside it. Each provider does something that no other does; this is
what we know of and handle, so that a call reads the same whoever answers. What cannot be said to a provider is a warning of the answer (`answer.warnings`),
or an error before anything is sent where leaving it out would change the meaning.

Each line under a quirk is a case: a request that must become something, or an answer that must mean something, at the provider it names.
`make quirks` undoes each quirk in turn, by setting a field of an adapter back or by putting plain code in place of ours, and a case of that
number must fail then.
"""


def cases_of(number: int) -> Iterator[tuple[str, list[Case]]]:
    """Yield the cases of a number by provider, in their order."""
    held = sorted((case for case in CASES if case.number == number), key=lambda case: case.adapter)
    for adapter, found in itertools.groupby(held, key=lambda case: case.adapter):
        yield adapter, list(found)


def section(row: Row) -> str:
    """Return what the page says of one quirk."""
    lines = [f"### {row.number}. {row.name}", ""]
    lines += [f"- `{adapter}`: " + "; ".join(case.says for case in found) for adapter, found in cases_of(row.number)]
    lines += ["- tests: " + ", ".join(_link(test) for test in row.tests)] if row.tests else []
    return "\n".join(lines) + "\n"


def _link(test: str) -> str:
    path, _, name = test.partition("::")
    return f"[{name.removeprefix('test_')}](../{path})"


def render() -> str:
    """Return the page."""
    parts = [HEAD]
    for who, rows in itertools.groupby(read_table(), key=lambda row: row.who):
        parts += [f"## {who}\n", *map(section, rows)]
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
