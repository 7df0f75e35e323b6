"""Every example of the documentation runs: Python against the simulator, commands in a shell."""

from __future__ import annotations

import ast
import configparser
import itertools
import json
import os
import pathlib
import re
import subprocess
import sys
from collections.abc import Iterator

import attrs
import pytest

from llmclient.simulator import Simulator, answers, faults

ROOT = pathlib.Path(__file__).parent.parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHELLS = {"sh", "bash", "console", "shell"}
READ_ONLY = {"text", "toml", "json", "html", ""}
"""Languages that cannot be run. TOML examples are read by the tests of the generator's pages."""

RUNNER = """
import contextlib, io, json, sys
space = {"__name__": "__main__"}
for line, code, wanted in json.loads(sys.argv[2]):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile("\\n" * line + code, sys.argv[1], "exec"), space)
    assert wanted is None or out.getvalue() == wanted, f"{sys.argv[1]}:{line}: printed {out.getvalue()!r}, the page says {wanted!r}"
"""

PRELUDE = r"""
set -euo pipefail
make() { command make --no-print-directory -n -C "$CHECKOUT" "$@" >/dev/null; }
llmclient() { "$PYTHON" -m llmclient "$@"; }
pip() { "$PYTHON" "$CHECK_PIP" "$@"; }
git() { test "$1" = clone; }
cd() { test "$#" = 1; }
"""
"""Commands that would change the machine are replaced: make says what it would do, pip's arguments are checked, git clones nothing."""


@attrs.frozen
class Block:
    """A fenced block of a page."""

    page: pathlib.Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: pathlib.Path) -> list[Block]:
    """Return the fenced blocks of a page."""
    text = page.read_text(encoding="utf-8")
    return [Block(page, text.count("\n", 0, match.start()) + 1, match[1], match[2]) for match in FENCE.finditer(text)]


def python_of(page: pathlib.Path) -> list[tuple[int, str, str | None]]:
    """Return the Python blocks with their line and, where a text block follows at once, what they print."""
    pairs = itertools.pairwise([*blocks(page), None])
    return [(block.line, block.text, output(block, follower)) for block, follower in pairs if block is not None and block.language == "python"]


def output(block: Block, follower: Block | None) -> str | None:
    """Return the text block that stands right below another one."""
    below = follower is not None and follower.language == "text" and follower.line == block.line + block.text.count("\n") + 2
    return follower.text if follower is not None and below else None


SHELL_BLOCKS = [block for page in PAGES for block in blocks(page) if block.language in SHELLS]


@pytest.fixture
def environ(outer_environ: dict[str, str], tmp_path: pathlib.Path) -> Iterator[dict[str, str]]:
    """An environment in which OpenAI's address is the simulator's."""
    with Simulator() as simulator:
        yield {
            "PATH": os.pathsep.join([str(pathlib.Path(sys.executable).parent), outer_environ["PATH"]]),
            "HOME": str(tmp_path),
            "PYTHONPATH": str(ROOT),
            "PYTHON": sys.executable,
            "CHECKOUT": str(ROOT),
            "CHECK_PIP": __file__,
            "OPENAI_API_KEY": "sk-made-up",
            "OPENAI_BASE_URL": simulator.url + "/v1",
            "COLUMNS": "120",
        }


@pytest.mark.parametrize("page", [page for page in PAGES if python_of(page)], ids=lambda page: page.stem)
def test_python_examples_run(page: pathlib.Path, environ: dict[str, str], tmp_path: pathlib.Path) -> None:
    """A reader who types a page's examples, one after the other, gets no error and the output that the page shows."""
    command = [sys.executable, "-W", "error", "-c", RUNNER, str(page.relative_to(ROOT)), json.dumps(python_of(page))]
    done = subprocess.run(command, env=environ, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stderr


@pytest.mark.parametrize("block", SHELL_BLOCKS, ids=str)
def test_shell_examples_run(block: Block, environ: dict[str, str], tmp_path: pathlib.Path) -> None:
    """Every command of the pages exists and succeeds."""
    command = ["bash", "-c", PRELUDE + block.text]
    done = subprocess.run(command, env=environ, cwd=tmp_path, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert 0 == done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_block_says_what_it_is(page: pathlib.Path) -> None:
    """A block is Python, a command, or of a kind that is known not to run."""
    assert [] == [str(block) for block in blocks(page) if block.language not in SHELLS | READ_ONLY | {"python"}]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page: pathlib.Path) -> None:
    """A relative link names a file that is there."""
    targets = re.findall(r"\]\((?!https?://|#)([^)#\s]+)", page.read_text(encoding="utf-8"))
    assert [] == [target for target in targets if not (page.parent / target).exists()]


@pytest.mark.parametrize(("module", "first"), [("errors", "    ProviderError\n"), ("retry", "| what came back")], ids=["tree", "retries"])
def test_what_a_page_repeats_of_a_docstring_is_current(module: str, first: str) -> None:
    """The tree of errors and the table of retries stand in the page as they stand in the code."""
    docstring = ast.get_docstring(ast.parse((ROOT / "llmclient" / f"{module}.py").read_text(encoding="utf-8"))) or ""
    start = docstring.index(first)
    part = docstring[start : docstring.index("\n\n", start)]
    assert part in (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")


def test_the_index_lists_every_page() -> None:
    """docs/index.md links to every other page."""
    linked = set(re.findall(r"\]\(([a-z_]+\.md)\)", (ROOT / "docs" / "index.md").read_text(encoding="utf-8")))
    assert {page.name for page in (ROOT / "docs").glob("*.md")} - {"index.md"} == linked


def test_the_page_of_the_simulator_is_complete() -> None:
    """Each model and each fault has its row."""
    text = (ROOT / "docs" / "simulator.md").read_text(encoding="utf-8")
    assert [] == [name for name in answers.MODELS if f"| `{name}` |" not in text]
    assert [] == [name for name, (kind, meaning) in faults.NAMES.items() if f"| `{name}{'=…' if kind else ''}` | {meaning} |" not in text]


def check_pip(args: list[str]) -> None:
    """Check the arguments of `pip install`: our own name, with extras that there are."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    assert args[0] == "install", args
    for arg in args[1:]:
        match = re.fullmatch(r"(?:llmclient|\.)(?:\[([a-z,]+)\])?", arg)
        assert match, f"{arg} is not ours"
        unknown = set((match[1] or "").split(",")) - {"", *config["options.extras_require"]}
        assert not unknown, f"there is no extra {unknown}"


if __name__ == "__main__":
    check_pip(sys.argv[1:])
