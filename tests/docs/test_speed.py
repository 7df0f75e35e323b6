"""The table of measurements in the README is that of docs/benchmarks.md; `make bench` writes both."""

from __future__ import annotations

import pathlib
import re

ROOT = pathlib.Path(__file__).parent.parent.parent
README = ROOT / "README.md"
MARKED = re.compile(r"(?<=<!-- measured -->\n).*?(?=<!-- /measured -->)", re.DOTALL)
LEFT_OUT = {"ratio (CPU)", "budget", "verdict"}


def cells(line: str) -> list[str]:
    """Return the cells of a row, without what stands in brackets."""
    return [re.sub(r" \([^)]*\d[^)]*\)", "", cell).strip() for cell in line.strip().strip("|").split("|")]


def table() -> str:
    """Return the measurements of docs/benchmarks.md, without ratios and budgets."""
    lines = [line for line in (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    head = cells(lines[0])
    kept = [index for index, name in enumerate(head) if name not in LEFT_OUT]
    rows = [[cells(line)[index] for index in kept] for line in lines]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def test_the_readme_shows_what_was_measured() -> None:
    """The figures of the README are those of the last run."""
    shown = MARKED.search(README.read_text(encoding="utf-8"))
    assert shown is not None
    assert table() == shown[0]


def main() -> None:
    """Write the table into the README."""
    README.write_text(MARKED.sub(lambda _: table(), README.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
