"""Arguments of calls as objects, and which call a result answers."""

from __future__ import annotations

import pytest

from llmclient.dialects.calls import answered, arguments_of, settle_arguments
from llmclient.errors import InvalidRequestError
from llmclient.types.messages import FunctionCall, ToolCall


def call(arguments: str) -> ToolCall:
    """Return a call with these arguments."""
    return ToolCall("c", FunctionCall("add", arguments))


def test_arguments_are_an_object_with_numbers_of_any_size() -> None:
    """None at all are an empty one."""
    assert {"n": 12345678901234567890123} == arguments_of(call('{"n": 12345678901234567890123}'))
    assert {} == arguments_of(call(""))


@pytest.mark.parametrize("arguments", ["[1]", "1", "null", '{"n": ', "oops"])
def test_arguments_that_are_no_object_are_refused(arguments: str) -> None:
    """The error names the function."""
    with pytest.raises(InvalidRequestError, match="the call 'add' are no JSON object") as caught:
        arguments_of(call(arguments))
    assert "messages" == caught.value.param


@pytest.mark.parametrize(("text", "value"), [("", {}), ('{"n": 12345678901234567890123}', {"n": 12345678901234567890123}), ('{"n": ', {})])
def test_arguments_of_a_stream_are_settled(text: str, value: object) -> None:
    """What is no JSON was cut off, and stands for nothing."""
    assert value == settle_arguments(text)


def test_a_result_answers_the_call_that_it_names() -> None:
    """One without an id answers the first that is open."""
    unanswered = ["a", "b", "c"]
    assert ["b", "a", "c"] == [answered(unanswered, given) for given in ("b", None, "")]
    assert [] == unanswered


def test_a_result_names_a_call_by_its_id_on_the_wire() -> None:
    """One of a call that is not known takes nothing off."""
    unanswered = ["A"]
    assert ["X", "A"] == [answered(unanswered, given, str.upper) for given in ("x", "a")]
    assert [] == unanswered


def test_a_result_of_no_call_is_refused() -> None:
    """Without an id there is nothing that it could answer."""
    with pytest.raises(InvalidRequestError, match="needs a tool_call_id"):
        answered([], None)
