"""What callers pass is checked by type, and the error names the parameter and what it must be."""

from __future__ import annotations

import array
import math

import pytest

from llmclient.errors import InvalidRequestError
from llmclient.types import checks


@pytest.mark.parametrize("value", [True, "1", None, b"1", [1], 1j])
def test_what_is_no_number_is_refused(value):
    """True and a text that looks like one are none either."""
    with pytest.raises(InvalidRequestError, match="^llm: x must be a number") as caught:
        refuse(checks.number, "x", value)
    assert "x" == caught.value.param
    with pytest.raises(InvalidRequestError, match="^llm: x must be a whole number"):
        refuse(checks.integer, "x", value, 0)


def refuse(check, *arguments):
    """Call a check, and give its error the provider that a client would."""
    try:
        check(*arguments)
    except InvalidRequestError as error:
        raise error.with_facts(provider="llm") from None


def test_numbers_pass_as_they_are():
    """Also those that are huge, as long as Python writes them."""
    assert [0, 0.5, 10**30] == [checks.number("x", value) for value in (0, 0.5, 10**30)]
    assert math.isnan(checks.number("x", math.nan))
    assert 3 == checks.integer("x", 3, 1)
    assert -3 == checks.integer("x", -3, None)


def test_a_number_has_bounds():
    """The least that is allowed, and the longest that Python writes."""
    with pytest.raises(InvalidRequestError, match="x must be at least 1, got 0"):
        checks.integer("x", 0, 1)
    for check in (lambda value: checks.number("x", value), lambda value: checks.integer("x", value, None)):
        with pytest.raises(InvalidRequestError, match=r"more than 4,000 digits"):
            check(10**5000)


def test_texts_in_a_list():
    """A text alone is no list of its letters."""
    assert ("a", "b") == checks.strings("x", ["a", "b"])
    for wrong in ("ab", [1], None, b"ab"):
        with pytest.raises(InvalidRequestError, match="x must be a list of str"):
            checks.strings("x", wrong)


def test_a_dict_has_texts_as_keys():
    """JSON and headers have no others."""
    assert {"a": 1} == checks.mapping("x", {"a": 1})
    with pytest.raises(InvalidRequestError, match="x must be a dict, got list"):
        checks.mapping("x", [])
    with pytest.raises(InvalidRequestError, match="x must be a dict with str as keys"):
        checks.mapping("x", {None: 1})


@pytest.mark.parametrize(
    ("given", "read"),
    [("ab", ("ab",)), (["a", "b"], ("a", "b")), ([1, 2], ((1, 2),)), ([[1, 2], "a"], ([1, 2], "a")), ([array.array("i", [1])], (array.array("i", [1]),)), ([], ())],
    ids=str,
)
def test_what_is_embedded(given, read):
    """A text, texts, token numbers, or lists of them."""
    assert read == checks.texts("texts", given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (None, "texts must be a str or a list of str, got NoneType"),
        (b"ab", "texts must be a str or a list of str, got bytes"),
        ({"a": 1}, "texts must be a str or a list of str, got dict"),
        (["a", None], r"texts\[1\] must be a str or a list of token numbers, got NoneType"),
        ([{"a": 1}], r"texts\[0\] must be a str or a list of token numbers, got dict"),
        ([["a"]], r"texts\[0\] must be a str or a list of token numbers, got list"),
        ([1, "a"], r"texts\[0\] must be a str or a list of token numbers, got int"),
        ([True], r"texts\[0\] must be a str or a list of token numbers, got bool"),
    ],
)
def test_what_cannot_be_embedded(given, message):
    """The error says which."""
    with pytest.raises(InvalidRequestError, match=message):
        checks.texts("texts", given)
