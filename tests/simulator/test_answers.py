"""What the simulator says, without HTTP."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmclient.simulator.answers import CONTEXT, Prompt, Tool, Turn, answer, tokens, usage_of
from llmclient.simulator.exchange import Failure

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = Tool("get_weather", CITY)
TIME = Tool("get_time", CITY)


def prompt(question="Hello there, world", **more):
    """Return a prompt of one question."""
    return Prompt(**{"model": "echo", "turns": [Turn("user", question)], "digest": "d", **more})


def said(one):
    """Return an answer's text."""
    return "".join(one.text)


@pytest.mark.parametrize("text", ["", " ", "a", "Hello there, world", "  two\n\nlines \n", "x" * 100, "žluťoučký 🐎\u2028", "\t" * 40])
def test_tokens_are_the_text_again(text):
    """Nothing is lost and nothing added."""
    assert "".join(tokens(text)) == text
    assert all(tokens(text))


def test_the_rule_of_tokens():
    """A word with the blanks before it, sixteen characters at most; blanks at the end count as one."""
    assert tokens("Hello  world \n") == ["Hello", "  world", " \n"]
    assert tokens("x" * 40) == ["x" * 16, "x" * 16, "x" * 8]


def test_echo_says_the_last_users_text():
    """Whatever stands before or after it."""
    turns = [Turn("system", "Be brief."), Turn("user", "first"), Turn("assistant", "no"), Turn("user", "  second\n"), Turn("assistant", "Well")]
    assert said(answer(prompt(turns=turns))) == "  second\n"


def test_echo_without_a_user_says_nothing():
    """And finishes as usual."""
    one = answer(prompt(turns=[Turn("system", "Be brief.")]))
    assert (said(one), one.finish) == ("", "stop")


@pytest.mark.parametrize("question", ["What is the capital of France?", "  what is  the capital of france "])
def test_canned_knows_some_answers(question):
    """Case, blanks and the question mark do not matter."""
    assert said(answer(prompt(question, model="canned"))) == "The capital of France is Paris."


def test_canned_says_when_it_does_not_know():
    """One sentence for all other questions."""
    assert "no answer" in said(answer(prompt("What is love?", model="canned")))


def test_lorem_is_as_long_as_asked():
    """200 tokens, or as many as the limit allows, which then is the reason to finish."""
    assert (len(answer(prompt(model="lorem")).text), answer(prompt(model="lorem")).finish) == (200, "stop")
    one = answer(prompt(model="lorem", max_tokens=1_000))
    assert (len(one.text), one.finish) == (1_000, "length")


def test_lorem_depends_on_question_seed_and_index():
    """Only the same gives the same."""
    texts = {said(answer(prompt(question, model="lorem", seed=seed), index)) for question in "ab" for seed in (0, 1) for index in (0, 1)}
    assert len(texts) == 8
    assert said(answer(prompt("a", model="lorem"))) == said(answer(prompt("a", model="lorem")))


def test_a_stop_sequence_cuts_the_text():
    """At the first of those that occur, which is not part of the answer."""
    one = answer(prompt("one, two. three", stop=(".", ",", "zero")))
    assert (said(one), one.finish) == ("one", "stop")


def test_a_stop_sequence_ends_lorem_for_its_own_reason():
    """The limit was not what ended it."""
    assert answer(prompt(model="lorem", max_tokens=100, stop=(".",))).finish == "stop"


def test_max_tokens_cuts_the_text():
    """After whole tokens."""
    one = answer(prompt("one two three", max_tokens=2))
    assert (said(one), one.finish, one.tokens) == ("one two", "length", 2)


def test_max_tokens_that_is_just_enough_cuts_nothing():
    """The answer is complete."""
    assert answer(prompt("one two three", max_tokens=3)).finish == "stop"


@pytest.mark.parametrize(("effort", "sentences"), [("none", 0), ("minimal", 1), ("low", 1), (None, 2), ("medium", 2), ("high", 3), ("unheard-of", 2)])
def test_reasoning_grows_with_the_effort(effort, sentences):
    """And precedes the answer."""
    one = answer(prompt("one two three", model="reasoner", effort=effort))
    assert "".join(one.reasoning).count(".") == sentences
    assert said(one) == "one two three"


def test_reasoning_is_cut_first():
    """A low limit leaves no room for an answer."""
    one = answer(prompt(model="reasoner", max_tokens=3))
    assert (len(one.reasoning), one.text, one.finish) == (3, [], "length")


def test_the_first_tool_is_called():
    """With arguments that satisfy its schema, and a word of the prompt where it fits."""
    one = answer(prompt("Is it warm in city=Rome?", tools=[WEATHER, TIME]))
    assert [(call.name, json.loads(call.arguments)) for call in one.calls] == [("get_weather", {"city": "Rome"})]
    assert (one.finish, one.text) == ("tool_calls", [])


def test_a_tool_that_is_named_is_called():
    """Rather than the first."""
    assert [call.name for call in answer(prompt("Please get_time", tools=[WEATHER, TIME])).calls] == ["get_time"]


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("get_time and get_weather", ["get_weather", "get_time"]),
        ("get_time twice", ["get_time", "get_time"]),
        ("the weather of two cities", ["get_weather", "get_weather"]),
    ],
)
def test_several_calls_at_once(question, names):
    """Those that the prompt names, or one of them twice; each has its own id."""
    calls = answer(prompt(question, tools=[WEATHER, TIME])).calls
    assert [call.name for call in calls] == names
    assert len({call.id for call in calls}) == 2
    assert len(answer(prompt(question, tools=[WEATHER, TIME], parallel=False)).calls) == 1


def test_a_result_is_answered_with_text():
    """Until a tool must be called."""
    turns = [Turn("user", "Is it warm?"), Turn("assistant", ""), Turn("tool", "21 degrees")]
    assert said(answer(prompt(turns=turns, tools=[WEATHER]))) == "The tool says: 21 degrees"
    assert answer(prompt(turns=turns, tools=[WEATHER], tool_choice="required")).calls


@pytest.mark.parametrize(("choice", "names"), [("none", []), ("auto", ["get_weather"]), ("required", ["get_weather"]), ("=get_time", ["get_time"])])
def test_tool_choice(choice, names):
    """It decides whether and which."""
    assert [call.name for call in answer(prompt(tools=[WEATHER, TIME], tool_choice=choice)).calls] == names


@pytest.mark.parametrize("model", ["lorem", "canned"])
def test_other_models_call_tools_only_when_they_must(model):
    """They are about text."""
    assert answer(prompt(model=model, tools=[WEATHER])).calls == []
    assert answer(prompt(model=model, tools=[WEATHER], tool_choice="required")).calls


def test_a_tool_without_parameters_gets_an_empty_object():
    """Its arguments are JSON all the same."""
    assert answer(prompt(tools=[Tool("ping", {})])).calls[0].arguments == "{}"


def test_the_limit_cuts_arguments():
    """As it does with real models, which leaves broken JSON."""
    one = answer(prompt("city Llanfairpwllgwyngyll get_time and get_weather", tools=[WEATHER, TIME], max_tokens=2))
    assert [call.arguments for call in one.calls] == ['{"city":"Llanfai']
    assert (one.finish, one.tokens) == ("length", 2)
    assert answer(prompt(tools=[Tool("x" * 50, CITY)], max_tokens=2)).calls == []


def test_an_object_is_answered_where_json_is_asked():
    """The question itself if it is an object, else an object with it."""
    assert said(answer(prompt('{"a": 1}', shape=True))) == '{"a": 1}'
    assert json.loads(said(answer(prompt("[1]", shape=True)))) == {"echo": "[1]"}
    assert json.loads(said(answer(prompt("hello", shape=True)))) == {"echo": "hello"}


def test_a_schema_is_satisfied():
    """And what the prompt says goes into the answer."""
    assert json.loads(said(answer(prompt("city Oslo", shape=CITY, model="lorem", max_tokens=50)))) == {"city": "Oslo"}


@pytest.mark.parametrize("schema", [{"enum": []}, {"type": 5}, {"properties": [1]}, {"$ref": "#/x"}, {"type": "string", "pattern": "("}, {"multipleOf": 0}])
def test_a_bad_schema_is_refused(schema):
    """With status 400."""
    with pytest.raises(Failure, match="Invalid schema") as caught:
        answer(prompt(shape=schema))
    assert caught.value.status == 400


KEYWORDS = [
    *("type", "properties", "required", "items", "anyOf", "oneOf", "allOf", "enum", "minimum", "maximum", "multipleOf", "minItems", "maxItems", "pattern"),
    *("$ref", "minLength", "maxLength", "format", "additionalProperties", "minProperties", "uniqueItems", "prefixItems", "not", "if", "then", "propertyNames"),
]
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.floats(-2, 2),
    st.sampled_from(["object", "array", "string", "integer", "#", "#/items", "^a+$", "date", "x"]),
)
trees = st.recursive(leaves, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(KEYWORDS), inner, max_size=4)), max_leaves=12)


@given(st.dictionaries(st.sampled_from(KEYWORDS), trees, max_size=5))
def test_no_schema_breaks_the_simulator(schema):
    """Any JSON object as a schema gives an answer that is JSON, or a refusal."""
    with contextlib.suppress(Failure):
        json.loads(said(answer(prompt(shape=schema))))


def test_models_that_fail():
    """One always fails, others do not exist."""
    with pytest.raises(Failure) as caught:
        answer(prompt(model="fail"))
    assert caught.value.status == 500
    with pytest.raises(Failure) as caught:
        answer(prompt(model="missing-model"))
    assert (caught.value.status, caught.value.code) == (404, "model_not_found")


def test_usage_counts_all_there_is():
    """Messages, media, tools; answers with their reasoning."""
    plain = prompt("one two", model="reasoner")
    one = answer(plain)
    assert usage_of(plain, [one, one]) == (3 + 3 + 2, 2 * one.tokens, 0, 2 * len(one.reasoning), 0)
    assert usage_of(prompt(turns=[Turn("user", "one", 85, 25)]), []).prompt == 3 + 3 + 1 + 85 + 25
    assert usage_of(prompt("one", tools=[WEATHER]), []).prompt > 3 + 3 + 1 + 5


def test_a_long_prompt_counts_as_cached_up_to_its_last_message():
    """In steps of 128 tokens, from 1,024 on."""
    turns = [Turn("system", "word " * 1_100), Turn("user", "one")]
    assert usage_of(prompt(turns=turns), []).cached == 1_024
    assert usage_of(prompt("word " * 1_000), []).cached == 0
    assert usage_of(prompt(turns=[]), []).cached == 0


def test_a_prompt_beyond_the_context_is_refused():
    """The message has the limit and the size, as OpenAI's has."""
    with pytest.raises(Failure, match=f"maximum context length is {CONTEXT} tokens.*resulted in 128007 tokens") as caught:
        usage_of(prompt("x " * 128_000), [])
    assert caught.value.code == "context_length_exceeded"
