"""JSON: quick where it can be, right where it must be."""

from __future__ import annotations

import datetime
import json
import types

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmclient.errors import InvalidRequestError
from llmclient.wire import jsons

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_what_is_written_reads_back(value):
    """Integers of any size, floats to the last digit, any text."""
    assert json.loads(jsons.dumps(value)) == value
    assert jsons.loads_exactly(jsons.dumps(value)) == value


@given(st.text(), st.integers(2, 5))
def test_letters_that_were_cut_in_half_are_whole_again(text, size):
    """However a text is cut at UTF-16 units, its pieces make it again."""
    units = text.encode("utf-16-le")
    pieces = [units[start : start + 2 * size].decode("utf-16-le", "surrogatepass") for start in range(0, len(units), 2 * size)]
    assert jsons.join(pieces) == text


def test_a_half_without_the_other_stays():
    """Nothing is made up, and nothing lost."""
    assert jsons.join(["a\ud83d", "b", "\udc4b"]) == "a\ud83db\udc4b"


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("huge", [1, 2**70])
def test_numbers_that_json_lacks_are_refused_with_their_path(bad, huge):
    """On the quick way and on the slow one."""
    with pytest.raises(InvalidRequestError, match=r"\$\.a\[1\]\.b is"):
        jsons.dumps({"h": huge, "a": [None, {"b": bad}]})


@pytest.mark.parametrize("value", [{"a": ["x", "b\ud800"]}, {"a": ["x", {"c\udc00": 1}]}])
def test_lone_surrogates_are_refused_with_their_path(value):
    """UTF-8 cannot carry them."""
    with pytest.raises(InvalidRequestError, match=r"\$\.a\[1\] has a lone surrogate at 1"):
        jsons.dumps(value)


@pytest.mark.parametrize(("value", "hint"), [({"a": object()}, r"\$\.a is a object"), ({1: "a"}, "the key 1"), ({"a": {2}}, "is a set"), ({"a": b"x"}, "is a bytes")])
def test_types_that_json_lacks_are_refused_with_their_path(value, hint):
    """No value is turned into something else in silence."""
    with pytest.raises(InvalidRequestError, match=hint):
        jsons.dumps(value)


def test_read_only_mappings_and_tuples_are_written():
    """Frozen values are values."""
    assert jsons.dumps({"a": types.MappingProxyType({"b": (1, 2)})}) == b'{"a":{"b":[1,2]}}'


def test_nesting_has_a_bound():
    """A hostile structure is an error, not a crash."""
    value: list = []
    for _ in range(2000):
        value = [value, None]
    with pytest.raises(InvalidRequestError, match="nested"):
        jsons.dumps(value)
    with pytest.raises(ValueError, match="nested|recursion|depth"):
        jsons.loads("[" * 200_000)


def test_a_date_is_written_as_text():
    """As everyone expects."""
    assert jsons.dumps({"d": datetime.date(2026, 1, 2)}) == b'{"d":"2026-01-02"}'


@pytest.mark.parametrize(("text", "value"), [('"\\ud800"', "\ud800"), ("[NaN]", None)])
def test_what_orjson_refuses_is_read_all_the_same(text, value):
    """Servers send such things."""
    found = jsons.loads(text)
    assert found == value or (value is None and found[0] != found[0])


def test_large_integers_are_read_exactly_where_it_is_asked():
    """The arguments of a tool call may hold an id of 70 bits."""
    assert jsons.loads_exactly("12345678901234567890123") == 12345678901234567890123


@pytest.mark.parametrize("text", [b"", b"<html>", b"{", b"\xff"])
def test_what_is_no_json_is_a_value_error(text):
    """The dialect makes it a ResponseParsingError."""
    with pytest.raises(ValueError, match="."):
        jsons.loads(text)


@pytest.mark.parametrize("text", ['{"a":"\\ud800"}', '{"a":[NaN,Infinity]}', '{"a":12345678901234567890123}', '{"a":"ü"}'])
def test_what_was_received_can_be_written_again(text):
    """For messages of errors; nothing in it makes the caller look at fault."""
    value = jsons.loads_exactly(text)
    assert repr(jsons.loads_exactly(jsons.rewrite(value))) == repr(value) or "NaN" in text
