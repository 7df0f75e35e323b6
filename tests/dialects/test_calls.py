"""Arguments of calls as objects."""

from __future__ import annotations

import pytest

from llmclient.dialects.calls import arguments_of
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
