"""Every promise of the documentation names tests that there are."""

from __future__ import annotations

import ast
import functools
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parent.parent.parent
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


@functools.cache
def names_in(path: pathlib.Path) -> frozenset[str]:
    """Return the names of a file's tests."""
    return frozenset(node.name for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, ast.FunctionDef))


def rows(page: str) -> list[tuple[str, str]]:
    """Return the rows of a page's tables of promises: what is promised, and the tests."""
    lines = (ROOT / page).read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    return [(first, rest[-1]) for first, *rest in cells if rest and first not in {"promise", "page"} and not set(first) <= {"-"}]


@pytest.mark.parametrize(("promise", "tests"), rows("docs/guarantees.md"), ids=lambda text: text[:40])
def test_a_promise_is_held_by_tests_that_exist(promise: str, tests: str) -> None:
    """Each row names at least one test, and each named test is there."""
    named = NAMED.findall(tests)
    assert named, promise
    assert [] == [f"{path}::{name}" for path, name in named if not (ROOT / path).is_file() or name not in names_in(ROOT / path)]


def test_the_promises_of_the_readme_link_to_their_tests() -> None:
    """Each clause of the README's list links to a file of tests."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    clauses = [line for line in text.partition("## Why")[2].partition("## Install")[0].splitlines() if line.startswith("- ")]
    assert 6 == len(clauses)
    assert [] == [clause for clause in clauses if not re.search(r"\]\(tests/[\w/]+\.py\)", clause)]
