"""Parameters of Cohere's chat on their way out."""

import pytest

from llmclient.dialects.base import NEVER_DROPPED
from llmclient.dialects.cohere import CohereChat
from llmclient.errors import InvalidRequestError
from llmclient.types.chat import PARAMS
from tests.dialects.cohere.kit import MODEL, REASONER, TOOL, encode, notes, params

SCHEMA = {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}
SAMPLES = {
    "tools": [TOOL],
    "tool_choice": "required",
    "parallel_tool_calls": False,
    "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA}},
    "temperature": 0.0,
    "top_p": 0.5,
    "top_k": 5,
    "max_tokens": 9,
    "stop": ["x"],
    "seed": 0,
    "n": 2,
    "presence_penalty": 0.5,
    "frequency_penalty": 0.5,
    "logprobs": True,
    "top_logprobs": 2,
    "logit_bias": {"1": 1.0},
    "reasoning_effort": "low",
    "thinking": {"type": "enabled", "budget_tokens": 9},
    "verbosity": "low",
    "modalities": ["text", "audio"],
    "audio": {"voice": "a"},
    "prediction": {"type": "content", "content": "a"},
    "user": "u",
    "metadata": {"a": "b"},
    "service_tier": "auto",
    "store": True,
    "prompt_cache_key": "k",
    "safety_identifier": "s",
    "web_search_options": {"a": 1},
}


@pytest.mark.parametrize("model", [MODEL, REASONER])
@pytest.mark.parametrize("name", PARAMS)
def test_a_parameter_is_carried_or_told_of(name, model):
    """Alone it changes the body, if it is among the supported ones, or gives a warning or an error."""
    supported = name in CohereChat().supported_params(model)
    try:
        wire = encode(model=model, **{name: SAMPLES[name]})
    except InvalidRequestError:
        assert not supported
    else:
        assert (len(wire.body) > 2, bool(wire.warnings)) == (supported, not supported)


@pytest.mark.parametrize("name", sorted(CohereChat().supported_params(REASONER)))
def test_an_unsupported_parameter_is_left_out(name):
    """The quirk `unsupported` takes a parameter off the wire, with a warning or an error."""
    dialect = CohereChat(unsupported=frozenset({name}))
    if name in NEVER_DROPPED:
        with pytest.raises(InvalidRequestError, match=name):
            encode(model=REASONER, dialect=dialect, **{name: SAMPLES[name]})
    else:
        wire = encode(model=REASONER, dialect=dialect, **{name: SAMPLES[name]})
        assert [("dropped", name)] == [(warning.kind, warning.param) for warning in wire.warnings]
        assert {"model", "messages"} == set(wire.body)


def test_peers_51_names_of_the_sampling_parameters():
    """top_p is p, top_k is k, stop is stop_sequences."""
    assert {"p": 0.5, "k": 3, "stop_sequences": ["a"], "max_tokens": 4, "seed": 0} == params(top_p=0.5, top_k=3, stop="a", max_tokens=4, seed=0)


@pytest.mark.parametrize(
    ("given", "sent", "quirk"),
    [
        ({"top_p": 1.0}, {"p": 0.99}, "top_p_range"),
        ({"top_p": 0}, {"p": 0.01}, "top_p_range"),
        ({"top_k": 900}, {"k": 500}, "top_k_range"),
        ({"presence_penalty": -1.5}, {"presence_penalty": 0.0}, "penalty_range"),
        ({"frequency_penalty": 2}, {"frequency_penalty": 1.0}, "penalty_range"),
    ],
)
def test_peers_51_ranges(given, sent, quirk):
    """What is out of range is moved to its edge, with a warning; without the quirk it goes as it is."""
    (name, value), (field, _) = *given.items(), *sent.items()
    assert sent == params(**given)
    assert [("clamped", name)] == notes(**given)
    assert {field: value} == params(CohereChat(**{quirk: None}), **given)


@pytest.mark.parametrize(
    ("given", "sent"),
    [("required", {"tool_choice": "REQUIRED"}), ("any", {"tool_choice": "REQUIRED"}), ("none", {"tool_choice": "NONE"}), ("auto", {}), ({"type": "auto"}, {})],
)
def test_peers_51_tool_choice(given, sent):
    """REQUIRED and NONE are all that can be said; what goes without saying is left out."""
    body = params(tools=[TOOL], tool_choice=given)
    del body["tools"]
    assert sent == body


@pytest.mark.parametrize("given", ["add", {"type": "function", "function": {"name": "add"}}])
def test_peers_51_a_named_tool_is_refused(given):
    """No single tool can be forced, and the choice is never dropped."""
    with pytest.raises(InvalidRequestError, match="one tool cannot be named"):
        encode(tools=[TOOL], tool_choice=given)


def test_a_tool_that_is_called_as_a_choice_is_not_mistaken_for_it():
    """A tool may be called none."""
    tool = {"type": "function", "function": {"name": "none"}}
    with pytest.raises(InvalidRequestError, match="cannot be named"):
        encode(tools=[tool], tool_choice="none")


def test_tools():
    """A function without parameters takes none; the rest is OpenAI's shape."""
    bare = {"type": "function", "function": {"name": "now"}}
    assert [TOOL, {"type": "function", "function": {"name": "now", "parameters": {"type": "object", "properties": {}}}}] == params(tools=[TOOL, bare])["tools"]


def test_a_tool_that_is_no_function_is_refused():
    """The API knows functions only."""
    with pytest.raises(InvalidRequestError, match="'web_search'"):
        encode(tools=[{"type": "web_search"}])


def test_strict_tools_hold_for_all():
    """The flag of the tools becomes one of the request, and says so where not all tools ask for it."""
    strict = {"type": "function", "function": {**TOOL["function"], "strict": True}}
    assert params(tools=[strict])["strict_tools"] is True
    assert "strict" not in params(tools=[strict])["tools"][0]["function"]
    assert [] == notes(tools=[strict])
    assert [("moved", "tools.strict")] == notes(tools=[strict, TOOL])
    assert "strict_tools" not in params(tools=[TOOL])


def test_response_formats():
    """A schema goes within json_object; text is what goes without saying; Cohere's own shape passes as it is."""
    assert {"response_format": {"type": "json_object", "json_schema": SCHEMA}} == params(response_format=SAMPLES["response_format"])
    assert {"response_format": {"type": "json_object"}} == params(response_format="json_object")
    assert {} == params(response_format="text")
    own = {"type": "json_object", "schema": SCHEMA}
    assert {"response_format": own} == params(response_format=own)


@pytest.mark.parametrize("given", [{"type": "json_schema"}, {"type": "json_schema", "json_schema": {"name": "a"}}, {"type": "grammar"}])
def test_a_response_format_that_cannot_be_said_is_refused(given):
    """It is never dropped."""
    with pytest.raises(InvalidRequestError, match="response_format"):
        encode(response_format=given)


def test_too_many_stop_sequences_are_refused():
    """None may be lost; the bound is a quirk."""
    with pytest.raises(InvalidRequestError, match="at most 5"):
        encode(stop=list("abcdef"))
    assert 6 == len(params(CohereChat(max_stop=6), stop=list("abcdef"))["stop_sequences"])


@pytest.mark.parametrize(
    ("effort", "sent"),
    [
        ("none", {"type": "disabled"}),
        ("minimal", {"type": "enabled", "token_budget": 512}),
        ("high", {"type": "enabled", "token_budget": 16_384}),
        ("max", {"type": "enabled"}),
    ],
)
def test_efforts(effort, sent):
    """An effort becomes a budget of thoughts, the greatest no bound at all."""
    assert {"thinking": sent} == params(model=REASONER, reasoning_effort=effort)


def test_efforts_of_models_that_do_not_reason():
    """They are dropped, and none is what is the case anyway; which models reason is a quirk, and so are the budgets."""
    assert [("dropped", "reasoning_effort")] == notes(reasoning_effort="low")
    assert [] == notes(reasoning_effort="none")
    assert {} == params(reasoning_effort="none")
    dialect = CohereChat(reasoning_models=("command-*",), budgets={"low": 7})
    assert {"thinking": {"type": "enabled", "token_budget": 7}} == params(dialect, reasoning_effort="low")


def test_an_unknown_effort_is_dropped():
    """The warning says which there are."""
    assert [("dropped", "reasoning_effort")] == notes(model=REASONER, reasoning_effort="furious")


def test_thinking():
    """Anthropic's shape is said in Cohere's words, and Cohere's passes; it goes before an effort."""
    assert {"thinking": {"type": "enabled", "token_budget": 9}} == params(thinking={"type": "enabled", "budget_tokens": 9})
    assert {"thinking": {"type": "enabled"}} == params(thinking={"type": "adaptive"})
    assert {"thinking": {"type": "disabled"}} == params(thinking={"type": "disabled"})
    assert {"thinking": {"type": "enabled", "token_budget": 8}} == params(thinking={"type": "enabled", "token_budget": 8})
    both = {"model": REASONER, "thinking": {"type": "enabled"}, "reasoning_effort": "low"}
    assert {"thinking": {"type": "enabled"}} == params(**both)
    assert [("dropped", "reasoning_effort")] == notes(**both)


def test_one_answer_is_what_there_is():
    """n=1 says nothing, more are refused."""
    assert [] == notes(n=1)
    with pytest.raises(InvalidRequestError, match="n is not supported"):
        encode(n=2)


def test_extra_goes_verbatim_and_wins():
    """Documents, safety mode and the rest; what it replaces is told of."""
    extra = {"documents": [{"id": "a", "data": {"text": "b"}}], "safety_mode": "STRICT", "temperature": 0.5}
    assert extra == params(temperature=0.1, extra=extra)
    assert [("moved", "temperature")] == notes(temperature=0.1, extra=extra)


def test_a_stream_is_asked_for_in_the_body():
    """Nothing is said where none is wanted."""
    wire = encode(stream=True)
    assert (True, True, "/v2/chat") == (wire.body["stream"], wire.stream, wire.path)
    assert "stream" not in encode().body
