"""Parameters of the Messages API: each is carried, moved with a warning, or refused; none is lost in silence."""

import json

import attrs
import pytest

from llmclient.dialects.anthropic import AnthropicMessages
from llmclient.errors import InvalidRequestError
from llmclient.types.chat import PARAMS, ChatRequest
from llmclient.types.config import ProviderConfig
from llmclient.types.messages import Message, Tool
from tests.dialects.anthropic.kit import MODEL, TOOL, body, context, encode, notes, params

SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
FORMAT = {"type": "json_schema", "json_schema": {"name": "person", "schema": SCHEMA, "strict": True}}
SAMPLES = {
    "tools": (Tool("add"),),
    "tool_choice": "required",
    "parallel_tool_calls": False,
    "response_format": FORMAT,
    "max_tokens": 7,
    "stop": ("x",),
    "seed": 1,
    "n": 2,
    "top_k": 1,
    "top_logprobs": 1,
    "logprobs": True,
    "store": True,
    "logit_bias": {"1": -100},
    "thinking": {"type": "enabled", "budget_tokens": 2048},
    "modalities": ("text", "audio"),
    "audio": {"voice": "alloy"},
    "prediction": {"type": "content"},
    "metadata": {"a": "b"},
    "web_search_options": {},
    "reasoning_effort": "low",
    "verbosity": "low",
    "user": "u",
    "service_tier": "auto",
    "prompt_cache_key": "k",
    "safety_identifier": "s",
}
REFUSED = frozenset({"n", "response_format", "stop", "tool_choice"})
"""What is never dropped, and so refused where it is not carried."""
DIALECTS = {
    "standard": AnthropicMessages(),
    "newest version": AnthropicMessages(version="2026-10-21"),
    "refuses": AnthropicMessages(unsupported=frozenset({"stop", "top_k", "service_tier", "thinking", "reasoning_effort"}), structured="none"),
    "unthinking": AnthropicMessages(thinking="none"),
    "adaptive": AnthropicMessages(thinking="adaptive"),
}
MODELS = ("claude-3-haiku-20240307", "claude-sonnet-4-0", MODEL, "claude-opus-4-6", "claude-opus-4-8", "claude-sonnet-5-5", "claude-lab")


@pytest.mark.parametrize("name", PARAMS)
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
def test_supported_is_exactly_what_is_carried(dialect, model, name):
    """A parameter either changes the body, and is said to be supported, or it is not, and a warning or an error tells."""
    tools = (Tool("add"),) if name in ("tool_choice", "parallel_tool_calls") else None
    request = ChatRequest(model=model, messages=(Message("user", "hi"),), tools=tools)
    bare = dialect.encode(request, context()).body
    supported = name in dialect.supported_params(model)
    given = attrs.evolve(request, **{name: SAMPLES.get(name, 0.5)})
    if name in REFUSED and (not supported or (name == "tool_choice" and model == "claude-sonnet-5-5")):
        with pytest.raises(InvalidRequestError) as caught:
            dialect.encode(given, context())
        assert name == caught.value.param
        return
    wire = dialect.encode(given, context())
    assert supported is (wire.body != bare)
    assert supported or [name] == [warning.param for warning in wire.warnings]


@pytest.mark.parametrize("name", [name for name in PARAMS if name not in ("tools", "max_tokens")])
def test_alone_nothing_is_lost_in_silence(name):
    """Without tools, too, each parameter shows in the body, in a warning or in an error."""
    try:
        wire = encode(**{name: SAMPLES.get(name, 0.5)})
    except InvalidRequestError:
        return
    assert wire.warnings or body() != body(**{name: SAMPLES.get(name, 0.5)})


def test_everything_in_the_apis_own_words():
    """Renamed where the API has another name; 0 and 0.0 are values."""
    given = params(model="claude-sonnet-4-0", temperature=0, top_p=0.0, top_k=0, max_tokens=5, stop="x", user="", service_tier="standard_only")
    assert {
        "temperature": 0, "top_p": 0.0, "top_k": 0, "max_tokens": 5, "stop_sequences": ["x"], "metadata": {"user_id": ""}, "service_tier": "standard_only",
    } == given  # fmt: skip


def test_peers_18_an_answer_always_has_a_cap():
    """The API wants max_tokens: without one of the caller's the quirk `default_max_tokens` counts."""
    assert 4096 == body()["max_tokens"]
    assert 100 == body("hi", AnthropicMessages(default_max_tokens=100))["max_tokens"]
    assert 7 == body(max_tokens=7)["max_tokens"]


@pytest.mark.parametrize(("given", "streams"), [(None, False), (21_333, False), (21_334, True)], ids=["usual", "at the limit", "above"])
def test_peers_21_long_answers_are_streamed_behind_the_scenes(given, streams):
    """A plain call for many tokens is made as a stream, in the body and for the provider."""
    wire = encode(max_tokens=given)
    assert streams is wire.stream
    assert streams is wire.body.get("stream", False)


def test_peers_21_the_limit_is_a_quirk():
    """`stream_above` moves it, None takes it away; a cap in `extra` counts as well."""
    assert not encode(dialect=AnthropicMessages(stream_above=None), max_tokens=64_000).stream
    assert encode(max_tokens=64_000).stream
    assert encode(extra={"max_tokens": 64_000}).stream


def test_a_stream_is_asked_for_in_the_body():
    """Unless the quirk `stream_in_body` says that the address is enough."""
    assert encode(stream=True).body["stream"] is True
    elsewhere = AnthropicMessages(path="/m/{model}:call", stream_path="/m/{model}:stream", stream_in_body=False)
    wire = encode(dialect=elsewhere, stream=True)
    assert ("/m/claude-sonnet-4-5:stream", False) == (wire.path, "stream" in wire.body)
    assert "/m/claude-sonnet-4-5:call" == encode(dialect=elsewhere).path


def test_the_version_is_a_header():
    """The usual one, or the setting `api_version`."""
    assert {"anthropic-version": "2023-06-01"} == encode().headers
    assert {"anthropic-version": "2026-10-21"} == encode(config={"api_version": "2026-10-21"}).headers


def test_the_newer_version_takes_no_sampling():
    """From 2026-10-21 on temperature, top_p and top_k are refused by the API, so they are left out with warnings."""
    newer = {"api_version": "2026-10-21"}
    given = {"temperature": 0.2, "top_p": 0.9, "top_k": 5}
    assert [("dropped", name) for name in given] == notes(config=newer, **given)
    assert {} == params(config=newer, **given)
    assert given == params(model="claude-sonnet-4-0", **given)


@pytest.mark.parametrize("version", [None, "2023-06-01", "2026-10-20", "2026-10-21", "2027-01-01", "v2"])
def test_the_parameters_of_a_version_are_those_that_are_sent(version):
    """The dialect as the settings configure it lists what it encodes without a warning."""
    given = {"temperature": 0.2, "top_k": 5, "top_p": 0.99}
    config = ProviderConfig(provider="acme", api_version=version)
    supported = AnthropicMessages(provider="acme").configured(config).supported_params("claude-sonnet-4-0")
    sent = {name for name, value in given.items() if encode(model="claude-sonnet-4-0", config={"api_version": version}, **{name: value}).warnings == ()}
    assert sent == given.keys() & supported


def test_a_version_that_is_not_meant_for_this_api_changes_nothing():
    """The quirk `version_setting`: on Azure the setting is a version of Azure's."""
    azure = AnthropicMessages(version_setting=False, provider="acme")
    assert {"anthropic-version": "2023-06-01"} == encode(dialect=azure, config={"api_version": "2026-10-21"}).headers
    assert azure.configured(ProviderConfig(provider="acme", api_version="2026-10-21")) is azure


def test_newer_models_take_no_sampling():
    """Whatever the version."""
    assert {} == params(model="claude-opus-4-7", temperature=0.2)
    assert [("dropped", "temperature")] == notes(model="claude-opus-4-7", temperature=0.2)


def test_temperatures_above_one_are_moved():
    """The quirk `temperature_range`: OpenAI's 2 is too hot here."""
    assert {"temperature": 1.0} == params(temperature=1.7)
    assert [("clamped", "temperature")] == notes(temperature=1.7)
    assert {"temperature": 1.7} == params(AnthropicMessages(temperature_range=None), temperature=1.7)


def test_peers_23_stop_has_another_name():
    """And blank ones are refused here, as the API would."""
    assert {"stop_sequences": ["a", "b"]} == params(stop=["a", "b"])
    with pytest.raises(InvalidRequestError, match="more than blanks"):
        encode(stop=[" "])


def test_what_says_nothing_is_no_news():
    """Values that mean what happens anyway are left out without a warning."""
    moot = {"n": 1, "tools": [], "stop": [], "logprobs": False, "response_format": "text", "modalities": ["text"], "metadata": {}, "store": False}
    assert [] == notes(**moot)
    assert {} == params(**moot)


def test_several_answers_are_refused():
    """The API gives one; n is never dropped."""
    with pytest.raises(InvalidRequestError) as caught:
        encode(n=2)
    assert "n" == caught.value.param


def test_unknown_tiers_are_noted():
    """OpenAI's default has a name here, its flex has none."""
    assert {"service_tier": "standard_only"} == params(service_tier="default")
    assert [("dropped", "service_tier")] == notes(service_tier="flex")


def test_extra_wins():
    """It goes on the wire as it is, and says where it replaced something."""
    assert {"top_k": 3, "container": "c"} == params(extra={"top_k": 3, "container": "c"})
    assert [("moved", "temperature")] == notes(temperature=0, extra={"temperature": 1})


# Structured answers.


def test_a_schema_goes_to_the_output_config():
    """Named schemas lose their name, which the API has no place for; objects are closed."""
    assert {"output_config": {"format": {"type": "json_schema", "schema": {**SCHEMA, "additionalProperties": False}}}} == params(response_format=FORMAT)


def test_the_older_place_of_a_schema():
    """The quirk `structured`: `output_format` comes with its beta, beside the caller's own."""
    older = AnthropicMessages(structured="output_format")
    wire = encode("hi", older, response_format=FORMAT)
    assert {"type": "json_schema", "schema": {**SCHEMA, "additionalProperties": False}} == wire.body["output_format"]
    assert "structured-outputs-2025-11-13" == wire.headers["anthropic-beta"]
    assert "a,b,structured-outputs-2025-11-13" == encode("hi", older, response_format=FORMAT, headers={"Anthropic-Beta": "a, b"}).headers["anthropic-beta"]
    assert "output_format" not in params(response_format=FORMAT)


def test_peers_28_objects_are_closed_at_every_depth():
    """Each object says that it has no other properties, unless it says something of its own; the quirk `close_schemas`."""
    inner = {"type": ["object", "null"], "properties": {"type": {"type": "string", "enum": ["object"]}}}
    schema = {
        "type": "object",
        "properties": {"a": {"anyOf": [inner, {"$ref": "#/$defs/b"}]}},
        "$defs": {"b": {"type": "object", "additionalProperties": True}},
    }
    given = {"type": "json_schema", "json_schema": {"schema": schema}}
    sent = params(response_format=given)["output_config"]["format"]["schema"]
    closed = {**inner, "additionalProperties": False}
    assert {"anyOf": [closed, {"$ref": "#/$defs/b"}]} == sent["properties"]["a"]
    assert schema["$defs"] == sent["$defs"]
    assert sent["additionalProperties"] is False
    assert schema == params(AnthropicMessages(close_schemas=False), response_format=given)["output_config"]["format"]["schema"]


def test_keywords_that_are_refused_are_left_out():
    """The quirk `schema_drop`, with a warning each; properties of that name stay."""
    schema = {
        "type": "object", "additionalProperties": False,
        "properties": {"minimum": {"type": "integer", "minimum": 1}, "list": {"type": "array", "items": {"type": "string", "maxLength": 3}, "minItems": 2}},
    }  # fmt: skip
    given = {"type": "json_schema", "json_schema": {"schema": schema}}
    sent = params(response_format=given)["output_config"]["format"]["schema"]
    assert {"minimum": {"type": "integer"}, "list": {"type": "array", "items": {"type": "string"}}} == sent["properties"]
    assert [("dropped", f"schema.{word}") for word in ("maxLength", "minItems", "minimum")] == notes(response_format=given)
    assert schema == params(AnthropicMessages(schema_drop=frozenset()), response_format=given)["output_config"]["format"]["schema"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"type": "json_object"}, "json_object cannot be asked for"),
        ({"type": "json_schema", "json_schema": {"name": "x"}}, "needs a json_schema with a schema"),
        ({"type": "json_schema"}, "needs a json_schema with a schema"),
    ],
    ids=["json mode", "no schema", "nothing"],
)
def test_formats_that_cannot_be_said_are_refused(given, words):
    """The format of an answer is never dropped."""
    with pytest.raises(InvalidRequestError, match=words):
        encode(response_format=given)


@pytest.mark.parametrize(
    ("dialect", "model"), [(AnthropicMessages(), "claude-sonnet-4-0"), (AnthropicMessages(structured="none"), MODEL)], ids=["model", "host"]
)
def test_a_schema_is_refused_where_answers_are_not_held_to_it(dialect, model):
    """The error tells what to do instead."""
    with pytest.raises(InvalidRequestError, match="force a tool call instead"):
        encode("hi", dialect, model, response_format=FORMAT)


# Where things stand.


def test_vertex_has_model_and_version_elsewhere():
    """The model is in the address, the version and the betas in the body: the quirks `path` and `version_in`."""
    vertex = AnthropicMessages(
        path="/publishers/anthropic/models/{model}:rawPredict", stream_path="/publishers/anthropic/models/{model}:streamRawPredict",
        version="vertex-2023-10-16", version_in="body",
    )  # fmt: skip
    wire = encode("hi", vertex, "claude-haiku-4-5@20251001", headers={"anthropic-beta": "a,b"}, config={"api_version": "2026-10-21"})
    assert "/publishers/anthropic/models/claude-haiku-4-5@20251001:rawPredict" == wire.path
    assert "model" not in wire.body
    assert ("vertex-2023-10-16", ["a", "b"]) == (wire.body["anthropic_version"], wire.body["anthropic_beta"])
    assert {} == wire.headers
    assert wire.path != encode("hi", vertex, "claude-haiku-4-5@20251001", stream=True).path


def test_a_model_cannot_leave_its_place_in_the_address():
    """Slashes are quoted, and names of folders refused."""
    somewhere = AnthropicMessages(path="/m/{model}:call")
    assert "/m/..%2Fx%3Fy:call" == encode("hi", somewhere, "../x?y").path
    with pytest.raises(InvalidRequestError, match="no model name"):
        encode("hi", somewhere, "..")


# Marks for the cache.


def marked(text):
    """Return a part with a mark."""
    return {"type": "text", "text": text, "cache_control": {"type": "ephemeral"}}


def test_peers_24_at_most_four_marks():
    """The first of more than four are left out with a warning; the quirk `max_cache_marks`."""
    talk = [{"role": "system", "content": [marked("s")]}, {"role": "user", "content": [marked(str(number)) for number in range(4)]}]
    tool = Tool("add", extra={"cache_control": {"type": "ephemeral"}})
    sent = body(talk, tools=[tool])
    assert "cache_control" not in json.dumps([sent["tools"], sent["system"]])
    assert 4 == json.dumps(sent).count("cache_control")
    assert [("dropped", "cache_control")] == notes(talk, tools=[tool])
    assert 6 == json.dumps(body(talk, AnthropicMessages(max_cache_marks=6), tools=[tool])).count("cache_control")
    assert {"cache_control": {"type": "ephemeral"}} == tool.extra


def test_peers_24_no_marks_on_tools_that_load_later():
    """They are left out with a warning."""
    tool = Tool("add", extra={"defer_loading": True, "cache_control": {"type": "ephemeral"}})
    assert {"name": "add", "input_schema": {"type": "object", "properties": {}}, "defer_loading": True} == params(tools=[tool])["tools"][0]
    assert [("dropped", "tools.cache_control")] == notes(tools=[tool])


def test_four_marks_are_fine():
    """Up to the limit nothing is touched."""
    talk = [{"role": "user", "content": [marked(str(number)) for number in range(4)]}]
    assert [] == notes(talk)
    assert 4 == json.dumps(body(talk)).count("cache_control")


def test_the_request_is_not_changed():
    """What the caller gave stays as it was."""
    request = ChatRequest.make(MODEL, "hi", tools=[TOOL], response_format=FORMAT, extra={"top_k": 3}, stop=["x"])
    before = repr(request)
    AnthropicMessages().encode(request, context())
    assert before == repr(request)
