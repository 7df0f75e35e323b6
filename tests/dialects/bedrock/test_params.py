"""Parameters of Converse: each is carried, moved with a warning, or refused; none is lost in silence."""

import json

import attrs
import pytest

from llmclient.dialects.bedrock import BedrockConverse
from llmclient.errors import InvalidRequestError
from llmclient.types.chat import PARAMS, ChatRequest
from llmclient.types.messages import Message, Tool
from tests.dialects.bedrock.kit import CLAUDE, DIALECT, LLAMA, NOVA, context, encode, notes, params

SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
FORMAT = {"type": "json_schema", "json_schema": {"name": "person", "description": "Somebody", "schema": SCHEMA}}
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
    "service_tier": "flex",
    "prompt_cache_key": "k",
    "safety_identifier": "s",
}
REFUSED = frozenset({"n", "response_format", "stop", "max_tokens", "tool_choice"})
"""What is never dropped, and so refused where it is not carried."""
DIALECTS = {
    "standard": DIALECT,
    "refuses": BedrockConverse(unsupported=frozenset({"stop", "top_k", "service_tier", "thinking", "reasoning_effort", "max_tokens"})),
    "nobody knows the models": BedrockConverse(families=()),
}
MODELS = (
    "anthropic.claude-3-haiku-20240307-v1:0", "anthropic.claude-sonnet-4-20250514-v1:0", CLAUDE, "anthropic.claude-opus-4-6-v1",
    "global.anthropic.claude-opus-4-8", NOVA, "amazon.nova-2-lite-v1:0", "amazon.titan-text-express-v1", LLAMA, "openai.gpt-oss-120b-1:0",
    "qwen.qwen3-32b-v1:0", "deepseek.v3-v1:0", "vendor.model-1",
)  # fmt: skip


@pytest.mark.parametrize("name", PARAMS)
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
def test_supported_is_exactly_what_is_carried(dialect, model, name):
    """A parameter either changes the body, and is said to be supported, or it is not, and a warning or an error tells."""
    request = ChatRequest(model=model, messages=(Message("user", "hi"),), tools=(Tool("add"),) if name == "tool_choice" else None)
    bare = dialect.encode(request, context()).body
    supported = name in dialect.supported_params(model)
    given = attrs.evolve(request, **{name: SAMPLES.get(name, 0.5)})
    if name in REFUSED and (not supported or (name == "tool_choice" and not dialect.family_of(model)[0].forced_choice)):
        with pytest.raises(InvalidRequestError) as caught:
            dialect.encode(given, context())
        assert name == caught.value.param
        return
    wire = dialect.encode(given, context())
    assert supported is (wire.body != bare)
    assert supported or [name] == [warning.param for warning in wire.warnings]


@pytest.mark.parametrize("name", PARAMS)
def test_alone_nothing_is_lost_in_silence(name):
    """Without tools, too, each parameter shows in the body, in a warning or in an error."""
    bare = encode().body
    try:
        wire = encode(**{name: SAMPLES.get(name, 0.5)})
    except InvalidRequestError:
        return
    assert wire.body != bare or wire.warnings


@pytest.mark.parametrize(
    ("name", "value"),
    [("n", 1), ("tools", []), ("stop", []), ("metadata", {}), ("logprobs", False), ("store", False), ("modalities", ["text"]), ("service_tier", "auto"),
     ("response_format", "text"), ("reasoning_effort", "none"), ("thinking", {"type": "disabled"})],
)  # fmt: skip
def test_what_says_nothing_is_left_out(name, value):
    """Values that say what leaving them out says give neither a field nor a warning."""
    wire = encode(model="anthropic.claude-3-haiku-20240307-v1:0", **{name: value})
    assert (["messages"], ()) == (list(wire.body), wire.warnings)


def test_where_each_stands():
    """The portable parameters are fields of inferenceConfig, and of the request."""
    sent = params(max_tokens=5, temperature=0.5, top_p=0.5, stop=["a", "b"], metadata={"team": "x"}, service_tier="priority")
    assert {
        "inferenceConfig": {"maxTokens": 5, "temperature": 0.5, "topP": 0.5, "stopSequences": ["a", "b"]},
        "requestMetadata": {"team": "x"},
        "serviceTier": {"type": "priority"},
    } == sent


def test_zero_is_a_value():
    """A temperature of 0 is sent."""
    assert {"inferenceConfig": {"temperature": 0.0}} == params(temperature=0)


def test_temperature_is_moved_into_range():
    """The API takes 0 to 1; another range is a quirk."""
    assert {"inferenceConfig": {"temperature": 1.0}} == params(temperature=1.5)
    assert [("clamped", "temperature")] == notes(temperature=1.5)
    wide = BedrockConverse(temperature_range=(0.0, 2.0))
    assert {"inferenceConfig": {"temperature": 1.5}} == params(dialect=wide, temperature=1.5)


def test_peers_43_top_k_stands_where_the_family_looks_for_it():
    """43: Claude's among its own fields, Nova's within a nested object; elsewhere its place is not known."""
    assert {"additionalModelRequestFields": {"top_k": 5}} == params(top_k=5)
    assert {"additionalModelRequestFields": {"inferenceConfig": {"topK": 5}}} == params(NOVA, top_k=5)
    assert [("dropped", "top_k")] == notes(model=LLAMA, top_k=5)
    assert [("dropped", "top_k")] == notes(dialect=BedrockConverse(families=()), top_k=5)


def test_an_unknown_tier_is_dropped():
    """It is named in a warning."""
    assert [("dropped", "service_tier")] == notes(service_tier="scale")
    assert {"serviceTier": {"type": "default"}} == params(service_tier="standard")


def test_an_empty_stop_sequence_is_refused():
    """The API takes none, and leaving it out would change the answer."""
    with pytest.raises(InvalidRequestError, match="stop"):
        encode(stop=[""])


def test_schemas_go_as_text():
    """The schema of an answer is closed, cleared of what is refused, and written as JSON within JSON."""
    schema = {**SCHEMA, "properties": {"name": {"type": "string", "minLength": 1}, "age": {"type": "integer", "minimum": 0}}}
    options = {"response_format": {"type": "json_schema", "json_schema": {"name": "person", "description": "Somebody", "schema": schema}}}
    shape = params(**options)["outputConfig"]["textFormat"]
    assert ("json_schema", "person", "Somebody") == (shape["type"], shape["structure"]["jsonSchema"]["name"], shape["structure"]["jsonSchema"]["description"])
    sent = json.loads(shape["structure"]["jsonSchema"]["schema"])
    assert {"name": {"type": "string", "minLength": 1}, "age": {"type": "integer"}} == sent["properties"]
    assert sent["additionalProperties"] is False
    assert [("dropped", "schema.minimum")] == notes(**options)


@pytest.mark.parametrize(
    ("value", "words"),
    [({"type": "json_object"}, "json_object"), ({"type": "json_schema"}, "needs a json_schema"), ({"type": "json_schema", "json_schema": {}}, "with a schema")],
)
def test_other_formats_are_refused(value, words):
    """What is no schema cannot be asked for."""
    with pytest.raises(InvalidRequestError, match=words) as caught:
        encode(response_format=value)
    assert caught.value.param == "response_format"


def test_extra_goes_last():
    """It wins, and says where it replaces something."""
    extra = {"guardrailConfig": {"guardrailIdentifier": "g", "guardrailVersion": "1"}, "requestMetadata": {"a": "c"}}
    wire = encode(metadata={"a": "b"}, extra=extra)
    assert (extra["guardrailConfig"], {"a": "c"}) == (wire.body["guardrailConfig"], wire.body["requestMetadata"])
    assert [("moved", "requestMetadata")] == [(warning.kind, warning.param) for warning in wire.warnings]


def test_extra_is_merged_into_the_objects_that_several_parameters_fill():
    """The model's own fields of both are there; and what the caller passed is not changed."""
    extra = {"additionalModelRequestFields": {"anthropic_beta": ["x"], "top_k": 9}, "inferenceConfig": {"maxTokens": 3}}
    wire = encode(top_k=5, temperature=0.5, extra=extra)
    assert {"top_k": 9, "anthropic_beta": ["x"]} == wire.body["additionalModelRequestFields"]
    assert {"temperature": 0.5, "maxTokens": 3} == wire.body["inferenceConfig"]
    assert [("moved", "top_k")] == [(warning.kind, warning.param) for warning in wire.warnings]
    assert {"additionalModelRequestFields": {"anthropic_beta": ["x"], "top_k": 9}, "inferenceConfig": {"maxTokens": 3}} == extra


def test_a_stream_has_a_path_of_its_own():
    """And nothing in the body tells of it."""
    plain, streamed = encode(), encode(stream=True)
    assert (plain.path, plain.stream) == (f"/model/{CLAUDE.replace(':', '%3A')}/converse", False)
    assert (streamed.path, streamed.stream) == (plain.path + "-stream", True)
    assert plain.body == streamed.body


@pytest.mark.parametrize(
    ("model", "step"),
    [
        ("anthropic.claude-v2:1", "anthropic.claude-v2%3A1"),
        ("arn:aws:bedrock:us-east-1:1:inference-profile/us.a.b", "arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fus.a.b"),
        ("a/../b", "a%2F..%2Fb"),
    ],
)
def test_peers_44_ids_are_encoded(model, step):
    """44: Ids with regions and versions, and ARNs, go into the address as one step."""
    assert f"/model/{step}/converse" == encode(model=model).path


@pytest.mark.parametrize("model", [".", "..", ""])
def test_an_id_that_would_change_the_path_is_refused(model):
    """It is named as the parameter that is wrong."""
    with pytest.raises(InvalidRequestError) as caught:
        encode(model=model)
    assert caught.value.param == "model"
