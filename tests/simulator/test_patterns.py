"""Strings for regular expressions."""

import re

import pytest

from llmclient.simulator.patterns import PatternError, example

PATTERNS = [
    "^abc$",
    "^[A-Z]{2,3}-\\d+$",
    "^(a|b)(?:c|d)?(?P<name>e)*f$",
    "^[^a-z]+$",
    "^[]x]{2}$",
    "^[a-]{2}$",
    "^[\\d.]+\\s\\w\\W\\D\\S$",
    "^.{3}$",
    "^\\u0041\\x42\\.\\t$",
    "^a{,2}b{2,}$",
    "^x*?y+?$",
    "\\bword\\b",
    "",
]


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("extra", [0, 1, 5])
@pytest.mark.parametrize("turn", [0, 1, 7])
def test_an_example_matches_its_pattern(pattern, extra, turn):
    """However often open repetitions are repeated, and whichever member of a class is chosen."""
    assert re.search(pattern, example(pattern, extra, turn))


def test_more_repetitions_make_longer_examples():
    """A minimum length can be reached that way."""
    assert example("^a+$", 5) == "aaaaaa"


def test_a_repetition_keeps_to_its_limit():
    """At most as many as the pattern allows."""
    assert example("^a{1,3}$", 50) == "aaa"


@pytest.mark.parametrize("pattern", ["(?=a)", "(a", "a)", "[a", "*a", "\\1", "\\p{L}", "a\\", "x{2", "(?P<n", "[^\\w\\W-. A-Z]"])
def test_what_is_not_understood_is_said_so(pattern):
    """Rather than giving a string that does not match."""
    with pytest.raises(PatternError):
        example(pattern)
