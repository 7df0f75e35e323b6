"""Parameters of the Responses API: each is carried, moved with a warning, or refused; none is lost in silence."""

import json

import attrs
import pytest

from llmclient.dialects.responses import OpenAIResponses
from llmclient.errors import InvalidRequestError
from llmclient.types.chat import PARAMS, ChatRequest
from llmclient.types.messages import Message, Tool
from tests.dialects.responses.kit import OURS, TOOL, body, context, encode, notes, params

SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
FORMAT = {"type": "json_schema", "json_schema": {"name": "person", "schema": SCHEMA, "strict": True}}
SAMPLES = {
    "tools": (Tool("add"),),
    "tool_choice": "required",
    "parallel_tool_calls": False,
    "response_format": FORMAT,
    "temperature": 0,
    "top_p": 0.5,
    "top_k": 1,
    "max_tokens": 64,
    "stop": ("x",),
    "seed": 1,
    "n": 2,
    "presence_penalty": 0.1,
    "frequency_penalty": 0.1,
    "logprobs": True,
    "top_logprobs": 2,
    "logit_bias": {"1": -100},
    "reasoning_effort": "high",
    "thinking": {"type": "enabled", "budget_tokens": 2048},
    "verbosity": "low",
    "modalities": ("text", "audio"),
    "audio": {"voice": "alloy", "format": "wav"},
    "prediction": {"type": "content", "content": "x"},
    "user": "u",
    "metadata": {"a": "b"},
    "service_tier": "flex",
    "store": False,
    "prompt_cache_key": "k",
    "safety_identifier": "s",
    "web_search_options": {},
}


def requested(model, **fields):
    """Return a request with exactly these fields."""
    return ChatRequest(model=model, messages=(Message("user", "hi"),), **fields)


MODELS = pytest.mark.parametrize("model", ["m", "gpt-4o", "gpt-5", "gpt-5.1", "gpt-6", "o3"])
REFUSED = ("n", "stop")
CONDITIONAL = ("parallel_tool_calls", "temperature", "top_p", "logprobs", "top_logprobs")
"""Carried, but not beside everything: without tools, or while the model reasons, they are dropped."""


@MODELS
@pytest.mark.parametrize("name", [name for name in PARAMS if name not in REFUSED])
def test_no_parameter_is_lost_in_silence(name, model):
    """Alone, each changes the body or gives a warning; what is said to be supported is carried where it can be."""
    plain = OURS.encode(requested(model), context())
    wire = OURS.encode(requested(model, **{name: SAMPLES[name]}), context())
    told = [warning for warning in wire.warnings if warning.kind == "dropped"]
    assert (wire.body != plain.body) != bool(told)
    assert (name in OURS.supported_params(model)) == (not told) or name in CONDITIONAL


@MODELS
@pytest.mark.parametrize("name", REFUSED)
def test_some_are_refused(name, model):
    """They would change the answer, and are not said to be supported."""
    with pytest.raises(InvalidRequestError, match="not supported") as caught:
        OURS.encode(requested(model, **{name: SAMPLES[name]}), context())
    assert caught.value.param == name
    assert name not in OURS.supported_params(model)


def test_what_is_carried():
    """Exactly these, for a model that nobody knows."""
    refused = {"top_k", "stop", "seed", "n", "presence_penalty", "frequency_penalty", "logit_bias", "thinking", "modalities", "audio", "prediction"}
    assert OURS.supported_params("m") == set(PARAMS) - refused


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        ({"max_tokens": 64}, {"max_output_tokens": 64}),
        ({"temperature": 0}, {"temperature": 0}),
        ({"reasoning_effort": "low"}, {"reasoning": {"effort": "low"}}),
        ({"verbosity": "low"}, {"text": {"verbosity": "low"}}),
        ({"response_format": FORMAT}, {"text": {"format": {"type": "json_schema", "name": "person", "schema": SCHEMA, "strict": True}}}),
        ({"response_format": "json_object", "verbosity": "low"}, {"text": {"format": {"type": "json_object"}, "verbosity": "low"}}),
        ({"response_format": "text"}, {"text": {"format": {"type": "text"}}}),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"schema": SCHEMA}}},
            {"text": {"format": {"type": "json_schema", "name": "response", "schema": SCHEMA}}},
        ),
        ({"logprobs": True}, {"include": ["message.output_text.logprobs"]}),
        ({"top_logprobs": 3}, {"include": ["message.output_text.logprobs"], "top_logprobs": 3}),
        ({"logprobs": True, "top_logprobs": 0}, {"include": ["message.output_text.logprobs"], "top_logprobs": 0}),
        ({"store": False, "user": "u", "metadata": {"a": "b"}}, {"store": False, "user": "u", "metadata": {"a": "b"}}),
        ({"web_search_options": {"search_context_size": "low"}}, {"tools": [{"type": "web_search", "search_context_size": "low"}]}),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, dict) else None,
)
def test_parameters_in_their_place(options, sent):
    """Each where the API wants it."""
    assert params(**options) == sent


@pytest.mark.parametrize(
    "options",
    [{"n": 1}, {"stop": []}, {"tools": []}, {"logprobs": False}, {"modalities": ["text"]}, {"logit_bias": {}}],
    ids=lambda options: next(iter(options)),
)
def test_what_says_nothing_is_left_out(options):
    """Without a warning."""
    assert params(**options) == {}
    assert notes(**options) == []


def test_a_low_cap_is_raised():
    """The API takes 16 at least; the warning says so."""
    assert params(max_tokens=5) == {"max_output_tokens": 16}
    assert notes(max_tokens=5) == [("clamped", "max_tokens")]
    assert params(OpenAIResponses(least_max_tokens=0), max_tokens=5) == {"max_output_tokens": 5}


def test_the_range_of_temperatures():
    """A quirk moves what is out of it."""
    dialect = OpenAIResponses(temperature_range=(0.1, 1))
    assert [params(dialect, temperature=value)["temperature"] for value in (0, 0.5, 2)] == [0.1, 0.5, 1]
    assert notes(dialect=dialect, temperature=2) == [("clamped", "temperature")]


def test_what_a_host_refuses_is_dropped():
    """A quirk names it."""
    dialect = OpenAIResponses(unsupported=frozenset({"user", "tools"}))
    assert notes(dialect=dialect, user="u") == [("dropped", "user")]
    assert "user" not in dialect.supported_params("m")
    with pytest.raises(InvalidRequestError, match="tools"):
        encode(dialect=dialect, tools=[TOOL])


def test_what_a_host_takes_besides():
    """A quirk names it."""
    dialect = OpenAIResponses(also=frozenset({"top_k", "seed", "thinking"}))
    assert params(dialect, top_k=3, seed=0, thinking={"type": "disabled"}) == {"top_k": 3, "seed": 0, "thinking": {"type": "disabled"}}
    assert dialect.supported_params("m") - OURS.supported_params("m") == {"top_k", "seed", "thinking"}


def test_a_model_can_have_a_second_name():
    """The quirk `profile_field`: an agent is told by a field of its own, which `extra` may change."""
    dialect = OpenAIResponses(profile_field="agent_profile", provider="acme")
    sent = encode("hi", dialect, "m-1").body
    assert ("m-1", "m-1") == (sent["model"], sent["agent_profile"])
    assert "other" == body("hi", dialect, "m-1", extra={"agent_profile": "other"})["agent_profile"]


def test_constant_fields():
    """The caller's go before them."""
    dialect = OpenAIResponses(body={"store": False, "truncation": "auto", "include": ["file_search_call.results"], "text": {"verbosity": "high"}})
    assert params(dialect, logprobs=True, response_format="json_object", store=True) == {
        "store": True,
        "truncation": "auto",
        "include": ["file_search_call.results", "message.output_text.logprobs"],
        "text": {"verbosity": "high", "format": {"type": "json_object"}},
    }


def test_log_probabilities_in_a_field():
    """As xAI has it."""
    dialect = OpenAIResponses(logprobs_in="field")
    assert params(dialect, logprobs=True) == {"logprobs": True}
    assert params(dialect, top_logprobs=2) == {"logprobs": True, "top_logprobs": 2}


def test_forms_of_answers_that_a_host_does_not_take_are_refused():
    """A quirk names those that it takes."""
    with pytest.raises(InvalidRequestError, match="json_object"):
        encode(dialect=OpenAIResponses(structured=frozenset({"json_schema"})), response_format="json_object")
    nothing = OpenAIResponses(structured=frozenset())
    assert "response_format" not in nothing.supported_params("m")
    with pytest.raises(InvalidRequestError, match="formats no answers"):
        encode(dialect=nothing, response_format=FORMAT)


# Streams.


def test_a_stream():
    """One field asks for it."""
    assert body("hi", stream=True) == {"input": [{"role": "user", "content": "hi"}], "stream": True}
    assert encode(stream=True).stream


def test_a_host_that_can_only_stream():
    """A plain call streams behind the scenes."""
    wire = encode(dialect=OpenAIResponses(stream_only=True))
    assert wire.stream
    assert wire.body["stream"] is True


# Reasoning.


def test_efforts_that_a_host_takes():
    """Others are moved to the nearest, of two the lower; what is no effort is dropped."""
    dialect = OpenAIResponses(efforts=("low", "high"))
    assert [params(dialect, reasoning_effort=word)["reasoning"]["effort"] for word in ("minimal", "low", "medium", "max")] == ["low", "low", "low", "high"]
    assert notes(dialect=dialect, reasoning_effort="max") == [("clamped", "reasoning_effort")]
    assert notes(dialect=dialect, reasoning_effort="hard") == [("dropped", "reasoning_effort")]
    assert params(OURS, reasoning_effort="hard") == {"reasoning": {"effort": "hard"}}


@pytest.mark.parametrize(
    ("model", "options", "asked"),
    [
        ("gpt-5", {}, True),
        ("gpt-5", {"store": False}, True),
        ("gpt-5", {"store": True}, False),
        ("gpt-5", {"extra": {"store": True}}, False),
        ("gpt-5", {"extra": {"background": True}}, False),
        ("gpt-4o", {"store": False}, False),
        ("llama", {"store": False}, False),
    ],
)
def test_encrypted_reasoning_is_asked_for(model, options, asked):
    """Of models that reason, unless the provider keeps the response anyway."""
    assert ("reasoning.encrypted_content" in params(model=model, **options).get("include", [])) == asked


@pytest.mark.parametrize(("when", "models"), [("always", ["gpt-5", "gpt-4o", "llama"]), ("never", [])])
def test_when_encrypted_reasoning_is_asked_for(when, models):
    """A quirk says so for all models."""
    dialect = OpenAIResponses(encrypted_reasoning=when)
    assert [model for model in ("gpt-5", "gpt-4o", "llama") if "include" in params(dialect, model)] == models


def test_names_that_mean_nothing():
    """A quirk says that a model by one of OpenAI's names is like any other."""
    dialect = OpenAIResponses(families=False)
    assert params(dialect, "gpt-5", temperature=1, reasoning_effort="max") == {"temperature": 1, "reasoning": {"effort": "max"}}


# Extra.


def test_extra_wins_and_says_so():
    """Over what the parameters said; new fields are no news."""
    assert params(user="a", extra={"user": "b", "truncation": "auto"}) == {"user": "b", "truncation": "auto"}
    assert notes(user="a", extra={"user": "b", "truncation": "auto"}) == [("moved", "user")]


def test_extra_stands_beside_what_the_parameters_put_in_an_object():
    """Only what it replaces is news."""
    extra = {"reasoning": {"summary": "auto"}, "text": {"verbosity": "high"}}
    assert params(reasoning_effort="low", verbosity="low", extra=extra) == {"reasoning": {"effort": "low", "summary": "auto"}, "text": {"verbosity": "high"}}
    assert notes(reasoning_effort="low", verbosity="low", extra=extra) == [("moved", "text.verbosity")]
    assert params(extra=extra) == extra
    assert notes(reasoning_effort="low", extra={"reasoning": {"effort": "low"}}) == []


def test_extra_adds_to_what_is_included():
    """An empty list takes all away."""
    assert params(model="gpt-5", extra={"include": ["file_search_call.results"]})["include"] == ["reasoning.encrypted_content", "file_search_call.results"]
    assert params(model="gpt-5", extra={"include": []})["include"] == []
    assert notes(model="gpt-5", extra={"include": ["file_search_call.results"]}) == []


def test_extra_is_not_changed():
    """Neither is anything in it."""
    extra = {"reasoning": {"summary": "auto"}, "include": ["file_search_call.results"]}
    before = json.dumps(extra)
    encode(model="gpt-5", reasoning_effort="low", extra=extra)
    assert json.dumps(extra) == before


# Tools.


def test_a_function():
    """Flat, and strict or not is always said: what says nothing would be strict."""
    assert params(tools=[TOOL])["tools"] == [
        {"type": "function", "name": "add", "description": "Add", "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}}, "strict": False}
    ]
    assert params(tools=[Tool("f", strict=True, extra={"defer_loading": True})])["tools"] == [
        {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}, "strict": True, "defer_loading": True}
    ]


def test_where_strict_is_not_taken():
    """A quirk leaves it out, with a warning where it was asked for."""
    dialect = OpenAIResponses(tool_strict=False)
    assert "strict" not in params(dialect, tools=[Tool("f", strict=True)])["tools"][0]
    assert notes(dialect=dialect, tools=[Tool("f", strict=True), Tool("g", strict=True)]) == [("dropped", "strict")]
    assert notes(dialect=dialect, tools=[Tool("f")]) == []


@pytest.mark.parametrize(
    ("tool", "sent"),
    [
        ({"type": "web_search"}, {"type": "web_search"}),
        ({"type": "function", "name": "f", "parameters": {}}, {"type": "function", "name": "f", "parameters": {}}),
        ({"type": "custom", "custom": {"name": "sql"}}, {"type": "custom", "name": "sql"}),
        ({"type": "mcp", "server_label": "x"}, {"type": "mcp", "server_label": "x"}),
    ],
    ids=["of the provider", "flat", "custom", "mcp"],
)
def test_other_tools(tool, sent):
    """As they are, or flat."""
    assert params(tools=[tool])["tools"] == [sent]


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        ("auto", "auto"),
        ("none", "none"),
        ("required", "required"),
        ("any", "required"),
        ("add", {"type": "function", "name": "add"}),
        ("web_search", {"type": "web_search"}),
        ({"type": "function", "function": {"name": "add"}}, {"type": "function", "name": "add"}),
        ({"type": "function", "name": "add"}, {"type": "function", "name": "add"}),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "add"}}]}},
            {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "add"}]},
        ),
    ],
    ids=str,
)
def test_choices_of_a_tool(choice, sent):
    """Words, names, and both shapes of an object."""
    assert params(tools=[TOOL, {"type": "web_search"}], tool_choice=choice)["tool_choice"] == sent


@pytest.mark.parametrize("choice", ["required", "add", {"type": "allowed_tools", "mode": "auto", "tools": []}], ids=["any", "one", "some"])
def test_where_a_call_cannot_be_forced(choice):
    """A quirk refuses it; the model's own choice and none stay."""
    dialect = OpenAIResponses(tool_choice_forced=False)
    with pytest.raises(InvalidRequestError, match="forced"):
        encode(dialect=dialect, tools=[TOOL], tool_choice=choice)
    assert [params(dialect, tools=[TOOL], tool_choice=word)["tool_choice"] for word in ("auto", "none")] == ["auto", "none"]


def test_a_tool_that_is_called_any():
    """Its name goes before the word."""
    assert params(tools=[Tool("any")], tool_choice="any")["tool_choice"] == {"type": "function", "name": "any"}


def test_a_flat_tool_is_known_by_its_name():
    """As one that says its function within."""
    assert params(tools=[{"type": "function", "name": "f"}], tool_choice="f")["tool_choice"] == {"type": "function", "name": "f"}


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        ({"user_location": {"type": "approximate", "approximate": {"country": "FR"}}}, {"user_location": {"type": "approximate", "country": "FR"}}),
        ({"user_location": {"type": "approximate", "country": "FR"}}, {"user_location": {"type": "approximate", "country": "FR"}}),
        ({"user_location": {"approximate": "x"}}, {"user_location": {"type": "approximate"}}),
    ],
    ids=["nested", "flat", "odd"],
)
def test_a_search_of_the_web(options, sent):
    """It is a tool here, and stands beside the caller's."""
    assert params(tools=[Tool("f")], web_search_options=options)["tools"][1] == {"type": "web_search", **sent}


def test_a_host_without_such_a_tool():
    """A quirk drops the options."""
    dialect = OpenAIResponses(web_search_tool="")
    assert notes(dialect=dialect, web_search_options={}) == [("dropped", "web_search_options")]
    assert params(OpenAIResponses(web_search_tool="web_search_preview"), web_search_options={})["tools"] == [{"type": "web_search_preview"}]


def test_every_quirk_says_what_it_is():
    """Each field of the dialect has a docstring, and the default of a collection cannot be changed."""
    dialect = OpenAIResponses()
    assert hash(dialect) == hash(OpenAIResponses())
    assert {field.name for field in attrs.fields(OpenAIResponses) if field.metadata.get("quirk") is False} == {"provider", "cap"}
