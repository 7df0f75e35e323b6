"""Parameters in OpenAI's dialect: each is carried, moved with a warning, or refused; none is lost in silence."""

from __future__ import annotations

import json

import attrs
import pytest

from llmclient.dialects.base import NEVER_DROPPED
from llmclient.dialects.openai import OpenAIChat
from llmclient.errors import InvalidRequestError, TransformationError
from llmclient.types.chat import PARAMS, ChatRequest
from llmclient.types.messages import Message, Tool
from tests.dialects.kit import body, context, encode, notes

TOOL = {"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}
SAMPLES = {
    "tools": (Tool("add"),),
    "tool_choice": "required",
    "parallel_tool_calls": False,
    "response_format": {"type": "json_object"},
    "stop": ("x",),
    "n": 2,
    "logit_bias": {"1": -100},
    "thinking": {"type": "enabled", "budget_tokens": 2048},
    "modalities": ("text", "audio"),
    "audio": {"voice": "alloy", "format": "wav"},
    "prediction": {"type": "content", "content": "x"},
    "metadata": {"a": "b"},
    "web_search_options": {},
    "reasoning_effort": "low",
    "verbosity": "low",
    "user": "u",
    "service_tier": "flex",
    "prompt_cache_key": "k",
    "safety_identifier": "s",
}
DIALECTS = {
    "standard": OpenAIChat(),
    "plain": OpenAIChat(allow=frozenset({"temperature", "max_tokens"})),
    "refuses": OpenAIChat(unsupported=frozenset({"seed", "stop", "n", "user", "logit_bias"}), structured=frozenset(), reasoning_param="none"),
    "mistral": OpenAIChat(
        rename={"seed": "random_seed"}, max_tokens_field="max_tokens", tool_choice_required="any", unsupported=frozenset({"user", "logit_bias"})
    ),
    "qwen": OpenAIChat(reasoning_param="enable_thinking", thinking_param="enable_thinking", top_k=True, stream_only=True),
    "zai": OpenAIChat(
        reasoning_param="thinking_type",
        thinking_param="thinking_type",
        tool_choice_required="unsupported",
        tool_choice_named=False,
        temperature_range=(0, 1),
        max_stop=1,
    ),
    "router": OpenAIChat(reasoning_param="reasoning_object", thinking_param="reasoning_object", parallel_tools=False),
    "vllm": OpenAIChat(reasoning_param="chat_template", thinking_param="chat_template", schema_drop=frozenset({"$schema"}), tool_strict=False),
}


@pytest.mark.parametrize("name", PARAMS)
@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
def test_supported_is_exactly_what_is_carried(dialect, name):
    """A parameter either changes the body, and is said to be supported, or it is not, and a warning or an error tells."""
    sample = SAMPLES.get(name, 1 if name in ("seed", "top_k", "max_tokens", "top_logprobs") else True if name in ("logprobs", "store") else 0.5)
    tools = {"tools": (Tool("add"),)} if name == "parallel_tool_calls" and "tools" in dialect.supported_params("m") else {}
    bare = dialect.encode(ChatRequest(model="m", messages=(Message("user", "hi"),), **tools), context()).body
    request = ChatRequest(model="m", messages=(Message("user", "hi"),), **tools, **{name: sample})
    supported = name in dialect.supported_params("m")
    if (not supported and name in NEVER_DROPPED) or (name == "tool_choice" and dialect.tool_choice_required == "unsupported"):
        with pytest.raises(InvalidRequestError) as caught:
            dialect.encode(request, context())
        assert caught.value.param == name
        return
    wire = dialect.encode(request, context())
    assert (wire.body != bare) is supported
    assert supported or [warning.param for warning in wire.warnings] == [name]


def test_everything_in_openais_own_shape():
    """Values go out as they were given; 0, 0.0, False and "" are values."""
    given = body(OpenAIChat(), temperature=0, top_p=0.0, max_tokens=5, stop="x", seed=0, store=False, user="", logprobs=True, top_logprobs=0)
    assert given == {
        "temperature": 0, "top_p": 0.0, "max_completion_tokens": 5, "stop": ["x"], "seed": 0, "store": False, "user": "", "logprobs": True,
        "top_logprobs": 0,
    }  # fmt: skip
    assert json.loads(json.dumps(body(OpenAIChat(), modalities=["text"], tools=[TOOL]))) == {"modalities": ["text"], "tools": [TOOL]}


def test_the_request_is_not_changed():
    """What the caller gave stays as it was."""
    schema = {"type": "object", "$schema": "x", "properties": {"$schema": {"type": "string"}}}
    request = ChatRequest.make("m", "hi", tools=[Tool("add", parameters=schema, strict=True)], extra={"top_k": 3})
    before = json.dumps(attrs.asdict(request), default=str)
    OpenAIChat(schema_drop=frozenset({"$schema"}), tool_strict=False, merge_system=True).encode(request, context())
    assert json.dumps(attrs.asdict(request), default=str) == before


def test_renamed_and_capped():
    """Names on the wire are the provider's."""
    dialect = OpenAIChat(rename={"seed": "random_seed"}, max_tokens_field="max_tokens")
    assert body(dialect, seed=7, max_tokens=3) == {"random_seed": 7, "max_tokens": 3}
    assert body(OpenAIChat(rename={"max_tokens": "max_length"}), max_tokens=3) == {"max_length": 3}


def test_constant_fields_lie_below_what_the_caller_gives():
    """A provider may need a field in each request; the caller's own value wins, silently for typed ones, with a word for extra."""
    dialect = OpenAIChat(body={"store": False, "reasoning_split": True})
    assert body(dialect, store=True) == {"store": True, "reasoning_split": True}
    assert body(dialect, extra={"reasoning_split": False}) == {"store": False, "reasoning_split": False}


def test_extra_goes_out_verbatim_and_wins():
    """Unknown fields, nulls too, are the caller's own word."""
    assert body(OpenAIChat(), temperature=1.0, extra={"temperature": 0.5, "x": None}) == {"temperature": 0.5, "x": None}
    assert notes(OpenAIChat(), temperature=1.0, extra={"temperature": 0.5}) == [("moved", "temperature")]
    assert notes(OpenAIChat(), extra={"x": 1}) == []


@pytest.mark.parametrize(
    ("quirks", "given", "goes", "warned"),
    [
        ({"temperature_range": (0, 1)}, 1.5, 1, True),
        ({"temperature_range": (0, 1)}, 0.5, 0.5, False),
        ({"temperature_range": (0.1, 2)}, 0, 0.1, True),
        ({"temperature_exclusive_zero": True}, 0, 0.01, True),
        ({"temperature_exclusive_zero": True}, 0.7, 0.7, False),
        ({"temperature_with_n": 0.3}, 0.1, 0.1, False),
    ],
)
def test_temperature_is_moved_into_range_with_a_warning(quirks, given, goes, warned):
    """The nearest allowed value is sent, and said."""
    assert body(OpenAIChat(**quirks), temperature=given)["temperature"] == goes
    assert notes(OpenAIChat(**quirks), temperature=given) == ([("clamped", "temperature")] if warned else [])


def test_temperature_with_several_choices():
    """Some refuse a low temperature only when more than one answer is asked for."""
    assert body(OpenAIChat(temperature_with_n=0.3), temperature=0.1, n=2)["temperature"] == 0.3


def test_too_many_stops_are_refused():
    """Stops are never dropped."""
    with pytest.raises(InvalidRequestError, match="at most 1 stop"):
        encode(OpenAIChat(max_stop=1), stop=["a", "b"])
    assert body(OpenAIChat(max_stop=1), stop=["a"]) == {"stop": ["a"]}
    assert body(OpenAIChat(), stop=[]) == {}


@pytest.mark.parametrize("options", [{"n": 1}, {"tool_choice": "auto"}, {"tools": []}, {"stop": []}, {"response_format": "text"}])
def test_what_says_nothing_is_left_out_in_silence(options):
    """Where leaving out means the same, nobody needs to hear of it."""
    dialect = OpenAIChat(allow=frozenset({"temperature"}))
    assert body(dialect, **options) == {}
    assert notes(dialect, **options) == []


@pytest.mark.parametrize("options", [{"n": 2}, {"tools": [TOOL]}, {"stop": "x"}, {"max_tokens": 1}, {"response_format": "json_object"}])
def test_what_would_change_the_answer_is_never_dropped(options):
    """These raise where they cannot be carried."""
    with pytest.raises(InvalidRequestError) as caught:
        encode(OpenAIChat(allow=frozenset({"temperature"})), **options)
    assert caught.value.param == next(iter(options))


# Tools.


@pytest.mark.parametrize(
    ("given", "goes"),
    [
        ("auto", "auto"),
        ("none", "none"),
        ("required", "required"),
        ("any", "required"),
        ("add", {"type": "function", "function": {"name": "add"}}),
        ({"type": "function", "function": {"name": "add"}}, {"type": "function", "function": {"name": "add"}}),
        ({"type": "allowed_tools", "x": 1}, {"type": "allowed_tools", "x": 1}),
    ],
)
def test_tool_choice(given, goes):
    """The three words, a tool's bare name, and dicts."""
    assert body(OpenAIChat(), tools=[TOOL], tool_choice=given)["tool_choice"] == goes


def test_a_tool_may_be_called_any():
    """The name of a tool comes before the synonym."""
    assert body(OpenAIChat(), tools=[Tool("any")], tool_choice="any")["tool_choice"] == {"type": "function", "function": {"name": "any"}}


def test_the_word_for_required_is_the_providers():
    """Mistral says any; who cannot be forced refuses."""
    assert body(OpenAIChat(tool_choice_required="any"), tools=[TOOL], tool_choice="required")["tool_choice"] == "any"
    with pytest.raises(InvalidRequestError, match="cannot be forced"):
        encode(OpenAIChat(tool_choice_required="unsupported"), tools=[TOOL], tool_choice="required")


def test_a_tool_by_name_is_refused_where_there_is_no_way_to_say_it():
    """Named choices are never dropped; the plain words remain."""
    dialect = OpenAIChat(tool_choice_named=False)
    for choice in ("add", {"type": "function", "function": {"name": "add"}}):
        with pytest.raises(InvalidRequestError, match="by name"):
            encode(dialect, tools=[TOOL], tool_choice=choice)
    assert body(dialect, tools=[TOOL], tool_choice={"type": "auto"})["tool_choice"] == {"type": "auto"}


@pytest.mark.parametrize("dialect", [OpenAIChat(none_drops_tools=True), OpenAIChat(unsupported=frozenset({"tool_choice"}))])
def test_none_may_be_said_by_sending_no_tools(dialect):
    """It means the same, and a warning says how it went out."""
    assert body(dialect, tools=[TOOL], tool_choice="none") == {}
    assert notes(dialect, tools=[TOOL], tool_choice="none") == [("moved", "tool_choice")]


def test_one_call_a_turn():
    """Where a turn holds one call only, the switch for more has no place."""
    assert notes(OpenAIChat(parallel_tools=False), parallel_tool_calls=True) == [("dropped", "parallel_tool_calls")]


def test_strict_is_dropped_with_one_warning():
    """`strict` of tools and of the answer's schema; twice is said once."""
    dialect = OpenAIChat(tool_strict=False)
    tools = [Tool("a", strict=True), Tool("b", strict=False)]
    assert [tool["function"] for tool in body(dialect, tools=tools)["tools"]] == [{"name": "a"}, {"name": "b"}]
    assert notes(dialect, tools=tools) == [("dropped", "strict")]
    form = {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": {"type": "object"}}}
    assert body(dialect, response_format=form)["response_format"]["json_schema"] == {"name": "x", "schema": {"type": "object"}}


def test_tools_of_other_types_go_out_as_they_are():
    """Web search and the like are the provider's own."""
    assert body(OpenAIChat(tool_strict=False), tools=[{"type": "web_search", "strict": True}])["tools"] == [{"type": "web_search", "strict": True}]


def test_keywords_are_removed_from_schemas_but_not_names():
    """A property may be called like a keyword, and an enum may hold its name."""
    schema = {
        "$schema": "x",
        "type": "object",
        "properties": {"title": {"type": "string", "title": "T"}, "deep": {"items": [{"title": "I"}]}},
        "enum": [{"title": "kept"}],
        "title": "gone",
    }
    dialect = OpenAIChat(schema_drop=frozenset({"title", "$schema"}))
    goes = body(dialect, tools=[Tool("a", parameters=schema)])["tools"][0]["function"]["parameters"]
    assert goes == {"type": "object", "properties": {"title": {"type": "string"}, "deep": {"items": [{}]}}, "enum": [{"title": "kept"}]}
    assert notes(dialect, tools=[Tool("a", parameters=schema)]) == [("dropped", "schema.$schema"), ("dropped", "schema.title")]


def test_references_are_replaced_by_what_they_point_to():
    """Siblings stay, names of properties are no keywords, and escaped pointers are read."""
    schema = {
        "type": "object",
        "properties": {"a": {"$ref": "#/$defs/x~1y", "description": "d"}, "default": {"$ref": "#/$defs/b"}, "list": {"anyOf": [{"$ref": "#/$defs/b"}]}},
        "$defs": {"x/y": {"type": "string"}, "b": {"$ref": "#/$defs/x~1y"}},
        "default": {"$ref": "data"},
    }
    goes = body(OpenAIChat(inline_refs=True), tools=[Tool("a", parameters=schema)])["tools"][0]["function"]["parameters"]
    text = {"type": "string"}
    assert goes["properties"] == {"a": {**text, "description": "d"}, "default": text, "list": {"anyOf": [text]}}
    assert goes["default"] == {"$ref": "data"}
    assert "$defs" not in goes


@pytest.mark.parametrize("pointer", ["#/$defs/node", "#/$defs/none", "other.json", "#"])
def test_references_that_cannot_be_replaced(pointer):
    """One that points to itself, nowhere, or elsewhere."""
    schema = {"$ref": pointer, "$defs": {"node": {"properties": {"next": {"$ref": "#/$defs/node"}}}}}
    with pytest.raises(TransformationError, match="schema refers to"):
        encode(OpenAIChat(inline_refs=True), tools=[Tool("a", parameters=schema)])


def test_a_schema_that_needs_no_change_is_not_copied():
    """Nothing is written anew without need."""
    parameters = {"type": "object"}
    assert body(OpenAIChat(), tools=[Tool("a", parameters=parameters)])["tools"][0]["function"]["parameters"] is parameters


# Structured answers and streams.


@pytest.mark.parametrize(
    ("quirks", "options"),
    [
        ({"structured": frozenset({"json_object"})}, {"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}}),
        ({"structured": frozenset()}, {"response_format": "json_object"}),
        ({"structured_with_tools": False}, {"response_format": "json_object", "tools": [TOOL]}),
        ({"structured_with_stream": False}, {"response_format": "json_object", "stream": True}),
    ],
)
def test_formats_that_cannot_be_had_are_refused(quirks, options):
    """An answer in another form than asked for is no answer."""
    with pytest.raises(InvalidRequestError) as caught:
        encode(OpenAIChat(**quirks), **options)
    assert caught.value.param == "response_format"


def test_formats_that_can_be_had():
    """The combinations that are refused elsewhere."""
    assert body(OpenAIChat(structured_with_stream=False), response_format="json_object")["response_format"] == {"type": "json_object"}
    assert body(OpenAIChat(structured_with_tools=False), response_format="text", tools=[TOOL])["response_format"] == {"type": "text"}


def test_streams_ask_for_usage():
    """Usage comes only when it is asked for, unless the provider takes no such field."""
    assert body(OpenAIChat(), stream=True) == {"stream": True, "stream_options": {"include_usage": True}}
    assert body(OpenAIChat(stream_options=False), stream=True) == {"stream": True}
    assert body(OpenAIChat()) == {}


def test_a_provider_that_only_streams_is_streamed():
    """A plain call then asks for a stream, and the wire request says so."""
    assert encode(OpenAIChat(stream_only=True)).stream
    assert body(OpenAIChat(stream_only=True))["stream"] is True
    assert not encode(OpenAIChat()).stream


# Reasoning.


@pytest.mark.parametrize(
    ("how", "effort", "goes"),
    [
        ("reasoning_effort", "high", {"reasoning_effort": "high"}),
        ("reasoning_object", "high", {"reasoning": {"effort": "high"}}),
        ("thinking_type", "high", {"thinking": {"type": "enabled"}}),
        ("thinking_type", "none", {"thinking": {"type": "disabled"}}),
        ("thinking_and_effort", "high", {"thinking": {"type": "enabled"}, "reasoning_effort": "high"}),
        ("thinking_and_effort", "none", {"thinking": {"type": "disabled"}}),
        ("enable_thinking", "low", {"enable_thinking": True}),
        ("enable_thinking", "none", {"enable_thinking": False}),
        ("chat_template", "low", {"chat_template_kwargs": {"enable_thinking": True}}),
    ],
)
def test_effort_in_each_spelling(how, effort, goes):
    """Where only on and off can be said, the loss of the level is said."""
    dialect = OpenAIChat(reasoning_param=how)
    assert body(dialect, reasoning_effort=effort) == goes
    lossy = how in ("thinking_type", "enable_thinking", "chat_template") and effort != "none"
    assert notes(dialect, reasoning_effort=effort) == ([("moved", "reasoning_effort")] if lossy else [])


@pytest.mark.parametrize(
    ("efforts", "given", "goes", "kind"),
    [
        (("low", "medium", "high"), "high", "high", None),
        (("low", "medium", "high"), "xhigh", "high", "clamped"),
        (("low", "medium", "high"), "minimal", "low", "clamped"),
        (("low", "high"), "medium", "low", "clamped"),
        (("high", "max"), "none", "high", "clamped"),
        (("low", "high"), "gigantic", None, "dropped"),
        (("on", "off"), "low", None, "dropped"),
        ((), "gigantic", "gigantic", None),
        (("none", "low", "high"), "minimal", "low", "clamped"),
        (("none", "max"), "low", "max", "clamped"),
        (("none", "low", "high"), "none", "none", None),
        (("none", "low", "high"), "off", "none", "clamped"),
        (("none",), "high", None, "dropped"),
    ],
)
def test_efforts_are_moved_to_the_nearest(efforts, given, goes, kind):
    """Of two that are equally near the cheaper is taken, but a real effort never becomes none; what has no place is dropped, and said."""
    dialect = OpenAIChat(efforts=efforts)
    assert body(dialect, reasoning_effort=given).get("reasoning_effort") == goes
    assert notes(dialect, reasoning_effort=given) == ([(kind, "reasoning_effort")] if kind else [])


@pytest.mark.parametrize(
    ("how", "thinking", "goes", "lost"),
    [
        ("verbatim", {"type": "enabled", "budget_tokens": 9}, {"thinking": {"type": "enabled", "budget_tokens": 9}}, False),
        ("thinking_type", {"type": "enabled", "budget_tokens": 9}, {"thinking": {"type": "enabled"}}, True),
        ("thinking_type", {"type": "disabled"}, {"thinking": {"type": "disabled"}}, False),
        ("reasoning_object", {"type": "enabled", "budget_tokens": 9}, {"reasoning": {"max_tokens": 9}}, False),
        ("reasoning_object", {"type": "enabled"}, {"reasoning": {"enabled": True}}, False),
        ("reasoning_object", {"type": "disabled"}, {"reasoning": {"enabled": False}}, False),
        ("enable_thinking", {"type": "enabled", "budget_tokens": 9}, {"enable_thinking": True, "thinking_budget": 9}, False),
        ("enable_thinking", {"type": "disabled"}, {"enable_thinking": False}, False),
        ("chat_template", {"type": "enabled", "budget_tokens": 9}, {"chat_template_kwargs": {"enable_thinking": True}}, True),
    ],
)
def test_thinking_in_each_spelling(how, thinking, goes, lost):
    """Anthropic's shape, as far as the provider can say it."""
    dialect = OpenAIChat(thinking_param=how)
    assert body(dialect, thinking=thinking) == goes
    assert notes(dialect, thinking=thinking) == ([("dropped", "thinking.budget_tokens")] if lost else [])


def test_effort_and_thinking_share_an_object():
    """Both may be given; neither wipes out the other."""
    dialect = OpenAIChat(reasoning_param="reasoning_object", thinking_param="reasoning_object")
    assert body(dialect, reasoning_effort="low", thinking={"type": "enabled"}) == {"reasoning": {"effort": "low", "enabled": True}}


@pytest.mark.parametrize(
    ("quirks", "options", "kept"),
    [
        ({}, {"reasoning_effort": "low"}, True),
        ({"sampling_with_reasoning": False}, {}, True),
        ({"sampling_with_reasoning": False}, {"reasoning_effort": "low"}, False),
        ({"sampling_with_reasoning": False}, {"reasoning_effort": "none"}, True),
        ({"sampling_with_reasoning": False, "reasons_by_default": True}, {}, False),
        ({"sampling_with_reasoning": False, "reasons_by_default": True}, {"reasoning_effort": "none"}, True),
        ({"sampling_with_reasoning": False, "thinking_param": "verbatim"}, {"thinking": {"type": "enabled"}}, False),
        ({"sampling_with_reasoning": False, "thinking_param": "verbatim", "reasons_by_default": True}, {"thinking": {"type": "disabled"}}, True),
    ],
)
def test_sampling_while_the_model_reasons(quirks, options, kept):
    """Where sampling parameters are refused by a reasoning model they are dropped, and said."""
    dialect = OpenAIChat(**quirks)
    assert ("temperature" in body(dialect, temperature=0.5, top_p=0.5, **options)) is kept
    dropped = [] if kept else [("dropped", "temperature"), ("dropped", "top_p")]
    assert notes(dialect, temperature=0.5, top_p=0.5, **options) == dropped


def test_the_model_may_stand_in_the_path():
    """Quoted, so that it cannot change the path."""
    request = ChatRequest.make("a/b?c", "hi")
    assert OpenAIChat(path="/run/{model}").encode(request, context()).path == "/run/a%2Fb%3Fc"
    for name in ("", ".", ".."):
        with pytest.raises(InvalidRequestError, match="no model name"):
            OpenAIChat(path="/run/{model}").encode(ChatRequest.make(name, "hi"), context())


def doubling(levels):
    """Return a schema with definitions each of which holds the next one twice."""
    twice = {f"d{n}": {"type": "object", "properties": {side: {"$ref": f"#/$defs/d{n + 1}"} for side in "ab"}} for n in range(levels)}
    return {"$ref": "#/$defs/d0", "$defs": {**twice, f"d{levels}": {"type": "string"}}}


def test_references_that_double_are_refused():
    """What they stand for is too large to be sent, and takes no time; the error names the parameter."""
    dialect = OpenAIChat(inline_refs=True)
    with pytest.raises(InvalidRequestError, match="10000") as tool:
        encode(dialect, tools=[Tool("a", parameters=doubling(40))])
    with pytest.raises(InvalidRequestError, match="10000") as answer:
        encode(dialect, response_format={"type": "json_schema", "json_schema": {"name": "s", "schema": doubling(40)}})
    assert ("tools", "response_format") == (tool.value.param, answer.value.param)
    assert encode(dialect, tools=[Tool("a", parameters=doubling(9))])


def test_what_a_schema_itself_holds_is_not_bounded():
    """Only what references add to it is; each of them may be used often."""
    fields = {f"f{n}": {"type": "string"} for n in range(11_000)} | {f"r{n}": {"$ref": "#/$defs/a"} for n in range(1_000)}
    goes = body(OpenAIChat(inline_refs=True), tools=[Tool("a", parameters={"properties": fields, "$defs": {"a": {"type": "string"}}})])
    assert {"type": "string"} == goes["tools"][0]["function"]["parameters"]["properties"]["r999"]
