"""Every numbered quirk is handled, has a test that names it, and a test of its number notices when it is undone."""

from __future__ import annotations

import ast
import functools
import pathlib
from collections.abc import Mapping

import attrs
import pytest

from llmclient import registry
from tests.quirks import page, reset
from tests.quirks.numbered import CASES, ELSEWHERE, read_table
from tests.quirks.probes import ready
from tests.quirks.setbacks import Code, Field, noticed
from tests.quirks.undone import SETBACKS

ROOT = pathlib.Path(__file__).parent.parent.parent
NUMBERS = range(1, 75)
ROWS = {row.number: row for row in read_table()}


@functools.cache
def functions(path: str) -> Mapping[str, str]:
    """Return the test functions of a file with their docstrings."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name: ast.get_docstring(node) or "" for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("case", CASES, ids=[f"{case.number}-{case.adapter}-{case.says}" for case in CASES])
def test_a_quirk_is_handled(case):
    """The call becomes what this provider takes, and its answer means what it should."""
    case.check(ready(registry.adapter(case.adapter)))


@pytest.mark.parametrize("number", NUMBERS)
def test_every_number_has_a_test_that_names_it(number):
    """A case, whose id begins with the number; the tests that the table names exist."""
    row = ROWS[number]
    assert number in ELSEWHERE or any(case.number == number for case in CASES)
    for test in row.tests:
        path, _, name = test.partition("::")
        assert name in functions(path), test
    assert number not in ELSEWHERE or any(f"_{number}_" in test for test in row.tests)


def test_the_table_holds_each_number_once():
    """In order, with a name of its own."""
    rows = read_table()
    assert [row.number for row in rows] == list(NUMBERS)
    assert len({row.name for row in rows}) == len(rows)


def test_cases_say_different_things():
    """An id tells which case failed."""
    ids = [(case.number, case.adapter, case.says) for case in CASES]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("setback", SETBACKS, ids=[str(setback) for setback in SETBACKS])
def test_what_is_undone_is_noticed(setback):
    """Without the quirk, a case of its number fails."""
    assert noticed(setback, CASES)


def test_every_number_is_undone():
    """By a field that the TOML sets, or by one of the dialect or a piece of its code."""
    adapters = sorted({case.adapter for case in CASES})
    by_toml = {number for name in adapters for number in reset.examine(name, CASES).numbers}
    assert by_toml | {setback.number for setback in SETBACKS} | ELSEWHERE == set(NUMBERS)


def test_what_is_not_undone_is_not_noticed():
    """A field that stays as it is, code that stays as it is, and the case of another number prove nothing."""
    from llmclient.dialects import failure

    cases = [case for case in CASES if case.number == 27]
    assert not noticed(Field(27, "anthropic", "claude-haiku-4-5", "stream_above", None), cases)
    assert not noticed(Code(27, "dialects.failure:phrase_kind", failure.phrase_kind), cases)
    assert not noticed(Code(26, "dialects.failure:phrase_kind", lambda text: None), cases)


def test_code_is_put_back():
    """What is undone for a case is there again for the next."""
    from llmclient.dialects import failure

    before = failure.phrase_kind
    setback = next(setback for setback in SETBACKS if str(setback) == "27 dialects.failure:phrase_kind")
    assert noticed(setback, CASES)
    assert failure.phrase_kind is before


@pytest.mark.parametrize("kind", sorted({type(case) for case in CASES}, key=lambda kind: kind.__name__))
def test_a_case_of_each_kind_can_fail(kind):
    """With another expectation, the same case fails."""
    case = next(case for case in CASES if type(case) is kind)
    wrong = {"body": {"x": 1}, "means": {"text": "x"}, "kind": KeyError, "param": "x", "headers": {"X": "x"}, "seconds": 0.25}
    field = next(name for name in wrong if name in attrs.fields_dict(kind))
    with pytest.raises(AssertionError):
        attrs.evolve(case, **{field: wrong[field]}).check(ready(registry.adapter(case.adapter)))


def test_the_page_is_up_to_date():
    """`python -m tests.quirks.page` writes it anew."""
    assert page.render() == page.PAGE.read_text(encoding="utf-8")
