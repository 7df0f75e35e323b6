"""The page docs/interop.md, made from what the servers answered."""

from __future__ import annotations

import datetime
import platform
from collections.abc import Iterator, Sequence

import attrs

import llmclient
from tests.real.asks import ASKS, Front, Outcome
from tests.real.servers import ROOT

PAGE = ROOT / "docs" / "interop.md"
WORDS = {"yes": "yes", "no": "no", "WRONG": "**wrong**", "MENDED": "**yes, against our notes**"}
HEAD = """# Servers of other projects

Written by `make real-all` ({date}; llmclient {version}, Python {python}): do not edit. Each server runs on this machine and is called through the
adapter named, as a user would. The models are tiny and know the answers by heart, or the server has been told them, so that every
answer can be compared: text, finish reason, tool calls, usage, and a stream with the plain answer.

*yes*: as it should be. *no*: the server does otherwise or does not have it, and we knew. **wrong**: neither; somebody has a defect.
"""


@attrs.frozen
class Table:
    """What a server answered in one dialect."""

    front: Front
    outcomes: tuple[Outcome, ...]


@attrs.frozen
class Section:
    """What became of one server."""

    title: str
    link: str
    version: str
    tables: tuple[Table, ...]
    missing: str = ""
    """Why it did not run."""

    def count(self, *results: str) -> int:
        """Return how many asks had one of these results."""
        return sum(outcome.result in results for table in self.tables for outcome in table.outcomes)

    def wrong(self) -> Iterator[str]:
        """Yield what is not as expected of it, in words."""
        if self.missing:
            yield f"not run: {self.missing.splitlines()[-1]}"
        for table in self.tables:
            for outcome in table.outcomes:
                if outcome.failed:
                    yield f"{table.front.dialect}, {outcome.ask}: {outcome.result} {outcome.words}"


def write(sections: Sequence[Section]) -> None:
    """Write the page."""
    today = datetime.datetime.now(tz=datetime.UTC).date().isoformat()
    parts = [HEAD.format(date=today, version=llmclient.__version__, python=platform.python_version()), *_summary(sections), *_asked()]
    for section in sections:
        parts += _section(section)
    PAGE.write_text("\n".join(parts).rstrip() + "\n", encoding="utf-8")


def _summary(sections: Sequence[Section]) -> Iterator[str]:
    yield "| server | version | dialects | yes | no | wrong |\n|---|---|---|---|---|---|"
    for section in sections:
        if section.missing:
            yield f"| {section.title} | did not run | | | | |"
            continue
        wrong = section.count("WRONG", "MENDED")
        yield f"| {section.title} | {section.version} | {len(section.tables)} | {section.count('yes')} | {section.count('no')} | {wrong} |"


def _asked() -> Iterator[str]:
    yield "\n## What is asked\n\n| ask | what |\n|---|---|"
    for name, act in ASKS.items():
        yield f"| {name} | {_cell((act.__doc__ or '').rstrip('.'))} |"


def _section(section: Section) -> Iterator[str]:
    yield f"\n## {section.title}\n"
    if section.missing:
        yield f"It did not run: {_cell(section.missing)}"
        return
    yield f"[{section.title}]({section.link}), version {section.version}."
    for table in section.tables:
        yield from _table(table)


def _table(table: Table) -> Iterator[str]:
    front = table.front
    api = f', `api="{front.api}"`' if front.api else ""
    yield f"\n### {front.dialect}\n\nAdapter `{front.adapter}`{api}.\n\n| asked | | what came back |\n|---|---|---|"
    for outcome in table.outcomes:
        yield f"| {outcome.ask} | {WORDS[outcome.result]} | {_cell(outcome.words)} |"
    noticed = dict.fromkeys(words for outcome in table.outcomes for words in outcome.noticed)
    if noticed:
        yield "\nNoticed: " + "; ".join(_cell(words) for words in noticed) + "."


def _cell(words: str) -> str:
    """Return words that fit into a cell: one line, no bar, nothing of where this checkout is, and no half letters."""
    line = " ".join(words.replace(str(ROOT), ".").replace("|", "\\|").split())
    return line.encode("utf-8", "backslashreplace").decode()[:400].replace("<", "&lt;")
