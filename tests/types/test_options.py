"""Options: checked by name and type before anything is sent; 0, 0.0, False and "" are values."""

from __future__ import annotations

import pytest

from llmclient.errors import InvalidRequestError
from llmclient.types.chat import PARAMS, ChatRequest
from llmclient.types.messages import Tool
from llmclient.types.options import ChatOptions, check_names, read_options


def test_every_parameter_of_a_request_is_an_option():
    """The two lists cannot drift apart."""
    assert set(PARAMS) <= set(ChatOptions.__annotations__)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("temprature", "did you mean 'temperature'"),
        ("stream", r"call stream\(\)"),
        ("functions", "pass tools"),
        ("function_call", "pass tool_choice"),
        ("base_url", "pass api_base"),
        ("qqq", "extra="),
    ],
)
def test_an_unknown_keyword_is_a_type_error_that_helps(name, hint):
    """It names the nearest, or the replacement."""
    with pytest.raises(TypeError, match=hint):
        check_names({name: 1})


@pytest.mark.parametrize(("name", "value"), [("temperature", 0), ("temperature", 0.0), ("logprobs", False), ("user", ""), ("seed", 0), ("top_k", 0)])
def test_falsy_values_are_values(name, value):
    """Only None means not given."""
    assert read_options({name: value}) == {name: value}


def test_none_means_not_given():
    """For every option."""
    assert read_options(dict.fromkeys(PARAMS)) == {}


WRONG = [
    ("temperature", "hot"),
    ("temperature", True),
    ("max_tokens", 1.5),
    ("max_tokens", 0),
    ("max_tokens", True),
    ("n", 0),
    ("seed", "1"),
    ("top_k", -1),
    ("logprobs", 1),
    ("user", 5),
    ("metadata", []),
    ("extra", "x"),
    ("headers", []),
    ("stop", 5),
    ("stop", ["a", 5]),
    ("modalities", "text"),
    ("tools", {"type": "function"}),
    ("tools", "f"),
    ("tools", 5),
    ("tool_choice", 5),
    ("response_format", 5),
    ("response_format", {}),
    ("response_format", {"type": "xml"}),
    ("response_format", "xml"),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_value_of_the_wrong_type_is_refused(name, value):
    """The error names the parameter."""
    with pytest.raises(InvalidRequestError, match=name) as raised:
        read_options({name: value})
    assert raised.value.param == name


def test_stop_may_be_one_string():
    """It is one stop sequence, not its letters."""
    assert read_options({"stop": "END"}) == {"stop": ("END",)}
    assert read_options({"stop": ["a", "b"], "modalities": ["text"]}) == {"stop": ("a", "b"), "modalities": ("text",)}


def test_tools_may_be_dicts_or_tools():
    """Both are read."""
    assert read_options({"tools": [{"type": "function", "function": {"name": "f"}}, Tool("g")]})["tools"] == (Tool("f"), Tool("g"))


@pytest.mark.parametrize("word", ["json_object", "text"])
def test_a_format_may_be_one_word(word):
    """The short form."""
    assert read_options({"response_format": word}) == {"response_format": {"type": word}}


def test_max_completion_tokens_is_another_name():
    """Both at once are ambiguous."""
    assert read_options({"max_completion_tokens": 5}) == {"max_tokens": 5}
    with pytest.raises(InvalidRequestError, match="pass one of them"):
        read_options({"max_completion_tokens": 5, "max_tokens": 6})


def test_a_name_that_is_no_parameter_is_refused():
    """Also when a request is made by hand."""
    with pytest.raises(TypeError, match="temperature"):
        ChatRequest.make("m", "hi", temprature=1)


def test_a_policy_is_no_parameter_of_a_request():
    """timeout and its like belong to the call."""
    with pytest.raises(TypeError, match="timeout"):
        ChatRequest.make("m", "hi", timeout=1)


def test_a_request_is_made_from_plain_values():
    """As `chat` does it."""
    request = ChatRequest.make("m", "hi", system="s", temperature=0, tool_choice="auto", extra={"a": 1})
    assert (request.messages[0].content, request.temperature, request.extra) == ("s", 0, {"a": 1})


def test_biases_are_by_token_number():
    """Which callers write as numbers, and JSON as texts."""
    given = {50256: -100, "7": 1}
    assert {"logit_bias": {"50256": -100, "7": 1}} == read_options({"logit_bias": given})
    assert [50256, "7"] == list(given)
    for wrong in ({None: 1}, {"7": "much"}, [7]):
        with pytest.raises(InvalidRequestError, match="logit_bias"):
            read_options({"logit_bias": wrong})


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"type": "json_schema", "json_schema": "person"}, 'must have the form {"type": "json_schema"'),
        ({"type": "json_schema", "json_schema": {"name": "p", "schema": 5}}, 'must have the form {"type": "json_schema"'),
        (type("Model", (), {"model_json_schema": None}), "of a pydantic model pass .*Model.model_json_schema"),
    ],
    ids=["form", "schema", "model"],
)
def test_an_answers_form_of_the_wrong_shape_is_refused(given, words):
    """The error shows the right one."""
    with pytest.raises(InvalidRequestError, match=words):
        read_options({"response_format": given})
