"""Parameters of Ollama's chat on their way out."""

import pytest

from llmclient.dialects.base import NEVER_DROPPED
from llmclient.dialects.ollama import OllamaChat
from llmclient.errors import InvalidRequestError
from llmclient.types.chat import PARAMS
from tests.dialects.ollama.kit import TOOL, encode, notes, params

SCHEMA = {"type": "object", "properties": {"x": {"type": "integer"}}}
SAMPLES = {
    "tools": [TOOL],
    "tool_choice": "required",
    "parallel_tool_calls": False,
    "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA}},
    "temperature": 0.0,
    "top_p": 1.0,
    "top_k": 0,
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
    "thinking": {"type": "enabled"},
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


@pytest.mark.parametrize("name", PARAMS)
def test_a_parameter_is_carried_or_told_of(name):
    """Alone it changes the body, if it is among the supported ones, or gives a warning or an error."""
    supported = name in OllamaChat().supported_params("m")
    try:
        wire = encode(**{name: SAMPLES[name]})
    except InvalidRequestError:
        assert not supported
    else:
        assert (len(wire.body) > 3, bool(wire.warnings)) == (supported, not supported)


@pytest.mark.parametrize("name", sorted(OllamaChat().supported_params("m")))
def test_an_unsupported_parameter_is_left_out(name):
    """The quirk `unsupported` takes a parameter off the wire, with a warning or an error."""
    dialect = OllamaChat(unsupported=frozenset({name}))
    if name in NEVER_DROPPED:
        with pytest.raises(InvalidRequestError, match=name):
            encode(dialect=dialect, **{name: SAMPLES[name]})
    else:
        wire = encode(dialect=dialect, **{name: SAMPLES[name]})
        assert [("dropped", name)] == [(warning.kind, warning.param) for warning in wire.warnings]
        assert {"model", "messages", "stream"} == set(wire.body)


def test_options():
    """Most parameters are options; zero is a value."""
    given = {"temperature": 0, "top_p": 0.5, "top_k": 3, "seed": 7, "stop": "a", "max_tokens": 4, "presence_penalty": 1.0, "frequency_penalty": 2.0}
    wanted = {"temperature": 0, "top_p": 0.5, "top_k": 3, "seed": 7, "stop": ["a"], "num_predict": 4, "presence_penalty": 1.0, "frequency_penalty": 2.0}
    assert {"options": wanted} == params(**given)


def test_extra_options_join_the_others():
    """They win over a typed one, and say so; what else is in extra goes beside."""
    extra = {"options": {"num_ctx": 8192, "seed": 1}, "keep_alive": "5m"}
    assert {"options": {"temperature": 0.5, "seed": 1, "num_ctx": 8192}, "keep_alive": "5m"} == params(temperature=0.5, seed=7, extra=extra)
    assert [("moved", "seed")] == notes(temperature=0.5, seed=7, extra=extra)
    assert {"options": {"num_ctx": 1}} == params(extra={"options": {"num_ctx": 1}})
    assert {"options": {"num_ctx": 8192, "seed": 1}, "keep_alive": "5m"} == extra


def test_peers_65_the_stream_is_always_spoken_of():
    """The server streams unless told not to, and a caller's extra cannot turn that round."""
    assert encode().body["stream"] is False
    assert encode(extra={"stream": True}).body["stream"] is False
    wire = encode(stream=True)
    assert (True, True, "/api/chat") == (wire.body["stream"], wire.stream, wire.path)


def test_peers_65_tools_are_never_strict():
    """The flag is dropped, once, with a warning; a function without parameters takes none."""
    strict = {"type": "function", "function": {"name": "now", "strict": True}}
    bare = {"type": "function", "function": {"name": "now", "parameters": {"type": "object", "properties": {}}}}
    assert {"tools": [bare, bare, TOOL]} == params(tools=[strict, strict, TOOL])
    assert [("dropped", "tools.strict")] == notes(tools=[strict, strict, TOOL])


def test_a_tool_that_is_no_function_is_refused():
    """The API knows functions only."""
    with pytest.raises(InvalidRequestError, match="'web_search'"):
        encode(tools=[{"type": "web_search"}])


@pytest.mark.parametrize("given", ["none", {"type": "none"}])
def test_tools_that_must_not_be_called_are_left_out(given):
    """Nothing else can be said; without tools there is nothing to leave out."""
    assert {} == params(tools=[TOOL], tool_choice=given)
    assert [("moved", "tool_choice")] == notes(tools=[TOOL], tool_choice=given)
    assert [("moved", "tool_choice")] == notes(tool_choice=given)


@pytest.mark.parametrize("given", ["required", "add", {"type": "function", "function": {"name": "add"}}])
def test_a_forced_call_is_refused(given):
    """It is never dropped; auto is what is the case anyway."""
    with pytest.raises(InvalidRequestError, match="cannot be forced"):
        encode(tools=[TOOL], tool_choice=given)
    assert {"tools": [TOOL]} == params(tools=[TOOL], tool_choice="auto") == params(tools=[TOOL], tool_choice={"type": "auto"})


def test_formats():
    """json, or the schema itself."""
    assert {"format": "json"} == params(response_format="json_object")
    assert {"format": SCHEMA} == params(response_format=SAMPLES["response_format"])
    assert {} == params(response_format="text")


@pytest.mark.parametrize("given", [{"type": "json_schema"}, {"type": "json_schema", "json_schema": {"name": "a"}}, {"type": "grammar"}])
def test_a_format_that_cannot_be_said_is_refused(given):
    """It is never dropped."""
    with pytest.raises(InvalidRequestError, match="response_format"):
        encode(response_format=given)


@pytest.mark.parametrize(
    ("given", "sent", "warned"),
    [
        ({"reasoning_effort": "none"}, {"think": False}, []),
        ({"reasoning_effort": "medium"}, {"think": "medium"}, []),
        ({"reasoning_effort": "minimal"}, {"think": "low"}, [("clamped", "reasoning_effort")]),
        ({"reasoning_effort": "xhigh"}, {"think": "high"}, [("clamped", "reasoning_effort")]),
        ({"reasoning_effort": "max"}, {"think": "max"}, []),
        ({"reasoning_effort": "furious"}, {}, [("dropped", "reasoning_effort")]),
        ({"thinking": {"type": "disabled"}}, {"think": False}, []),
        ({"thinking": {"type": "adaptive"}}, {"think": True}, []),
        ({"thinking": {"type": "enabled", "budget_tokens": 9}}, {"think": True}, [("dropped", "thinking.budget_tokens")]),
        ({"thinking": {"type": "enabled"}, "reasoning_effort": "low"}, {"think": "low"}, []),
        ({"thinking": {"type": "disabled"}, "reasoning_effort": "low"}, {"think": False}, [("dropped", "reasoning_effort")]),
        ({"thinking": {"type": "disabled"}, "reasoning_effort": "none"}, {"think": False}, []),
    ],
)
def test_thoughts(given, sent, warned):
    """Yes, no, or how hard; a level that is not known becomes the nearest."""
    assert (sent, warned) == (params(**given), notes(**given))


def test_a_server_without_levels():
    """The quirk `efforts` says which there are."""
    assert {"think": True} == params(OllamaChat(efforts=()), reasoning_effort="low")
    assert {"think": "high"} == params(OllamaChat(efforts=("low", "high")), reasoning_effort="max")


def test_log_probabilities():
    """Both parameters stand beside the options; false says nothing."""
    assert {"logprobs": True, "top_logprobs": 3} == params(logprobs=True, top_logprobs=3)
    assert {} == params(logprobs=False, top_logprobs=0, n=1)
