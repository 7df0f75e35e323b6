"""Parameters on their way to Google."""

from __future__ import annotations

from typing import Any

import pytest

from llmclient.dialects.gemini import GeminiChat
from llmclient.errors import InvalidRequestError
from llmclient.types.chat import PARAMS
from tests.dialects.gemini.kit import GEMINI, body, config, encode, notes

FUNCTION = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}}}}
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
SAMPLES: dict[str, Any] = {
    "tools": [FUNCTION], "tool_choice": "required", "parallel_tool_calls": False, "response_format": {"type": "json_object"}, "temperature": 0.5,
    "top_p": 0.9, "top_k": 5, "max_tokens": 7, "stop": ["x"], "seed": 1, "n": 2, "presence_penalty": 0.1, "frequency_penalty": 0.2, "logprobs": True,
    "top_logprobs": 2, "logit_bias": {"1": 1.0}, "reasoning_effort": "low", "thinking": {"type": "enabled", "budget_tokens": 1024},
    "verbosity": "low", "modalities": ["text"], "audio": {"voice": "Kore"}, "prediction": {"type": "content"}, "user": "u", "metadata": {"a": "b"},
    "service_tier": "flex", "store": False, "prompt_cache_key": "k", "safety_identifier": "s", "web_search_options": {},
}  # fmt: skip
MODELS = ["gemini-2.0-flash", "gemini-2.5-flash", "gemini-3-pro-preview", "gemma-3-27b-it"]


def test_there_is_a_sample_for_each_parameter() -> None:
    """So that the next test forgets none."""
    assert set(PARAMS) == set(SAMPLES)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", PARAMS)
@pytest.mark.parametrize("dialect", [GEMINI, GeminiChat(unsupported=frozenset({"store", "seed"}))], ids=["usual", "without"])
def test_a_parameter_is_carried_exactly_where_it_is_said_to_be(name: str, model: str, dialect: GeminiChat) -> None:
    """One that is supported changes the body or, without tools, is refused; another gives a warning or an error. Never silence."""
    plain = encode(model=model, dialect=dialect).body
    try:
        wire = encode(model=model, dialect=dialect, **{name: SAMPLES[name]})
    except InvalidRequestError:
        assert name == "tool_choice"
        return
    supported = name in dialect.supported_params(model)
    assert supported == (wire.body != plain)
    assert supported != any(warning.param == name for warning in wire.warnings)


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"temperature": 0}, {"temperature": 0}),
        ({"top_p": 0.5}, {"topP": 0.5}),
        ({"top_k": 3}, {"topK": 3}),
        ({"max_tokens": 9}, {"maxOutputTokens": 9}),
        ({"stop": "x"}, {"stopSequences": ["x"]}),
        ({"stop": []}, {}),
        ({"seed": 0}, {"seed": 0}),
        ({"n": 2}, {"candidateCount": 2}),
        ({"presence_penalty": 0.0, "frequency_penalty": -1}, {"presencePenalty": 0.0, "frequencyPenalty": -1}),
        ({"logprobs": True}, {"responseLogprobs": True}),
        ({"logprobs": True, "top_logprobs": 0}, {"responseLogprobs": True, "logprobs": 0}),
        ({"top_logprobs": 3}, {"responseLogprobs": True, "logprobs": 3}),
        ({"modalities": ["text", "image"]}, {"responseModalities": ["TEXT", "IMAGE"]}),
        ({"audio": {"voice": "Kore", "format": "pcm16"}}, {"speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}}}),
        ({"response_format": {"type": "text"}}, {"responseMimeType": "text/plain"}),
        ({"response_format": "json_object"}, {"responseMimeType": "application/json"}),
    ],
    ids=lambda value: "+".join(value) or "nothing",
)
def test_settings_go_into_generation_config(given: dict[str, Any], sent: dict[str, Any]) -> None:
    """Under Google's names; 0 is a value."""
    assert sent == config(**given)
    assert [] == notes(**given)


def test_nothing_given_is_nothing_sent() -> None:
    """No generationConfig stands in a plain request."""
    assert {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]} == body()


def test_too_many_stop_sequences_are_refused() -> None:
    """Five are taken."""
    assert 5 == len(config(stop=list("abcde"))["stopSequences"])
    with pytest.raises(InvalidRequestError, match="at most 5"):
        body(stop=list("abcdef"))


def test_more_stop_sequences_are_sent_where_more_are_taken() -> None:
    """A quirk."""
    assert 6 == len(config(stop=list("abcdef"), dialect=GeminiChat(max_stop=6))["stopSequences"])


def test_a_recordings_format_is_dropped_with_a_warning() -> None:
    """Voices are chosen; formats are not."""
    assert [("dropped", "audio.format"), ("dropped", "audio.rate")] == notes(audio={"format": "mp3", "rate": 2})


@pytest.mark.parametrize(("given", "sent"), [("flex", "flex"), ("default", "standard"), ("priority", "priority")])
def test_a_service_tier_goes_beside_the_contents(given: str, sent: str) -> None:
    """OpenAI's default is Google's standard."""
    assert sent == body(service_tier=given)["serviceTier"]


def test_the_automatic_tier_is_what_happens_anyway() -> None:
    """It is left out, and said so."""
    assert "serviceTier" not in body(service_tier="auto")
    assert [("moved", "service_tier")] == notes(service_tier="auto")


def test_store_goes_beside_the_contents() -> None:
    """The Gemini API knows it."""
    assert body(store=True)["store"] is True


def test_a_schema_goes_as_json_schema() -> None:
    """In the field that takes the whole language."""
    sent = config(response_format={"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA, "strict": True}})
    assert {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA} == sent


def test_a_schema_goes_in_openapis_language_where_that_is_wanted() -> None:
    """A quirk; what is lost is told once."""
    given = {"type": "json_schema", "json_schema": {"name": "a", "schema": {**SCHEMA, "patternProperties": {}, "properties": {"a": {"patternProperties": {}}}}}}
    dialect = GeminiChat(schema="openapi")
    assert {"responseMimeType": "application/json", "responseSchema": {"type": "object", "properties": {"a": {}}}} == config(response_format=given, dialect=dialect)
    assert [("dropped", "schema.patternProperties")] == notes(response_format=given, dialect=dialect)


def test_a_schema_format_without_a_schema_asks_for_json() -> None:
    """There is nothing to hold the answer to."""
    assert {"responseMimeType": "application/json"} == config(response_format={"type": "json_schema"})


def test_a_grammar_is_refused() -> None:
    """A response format is never dropped."""
    with pytest.raises(InvalidRequestError, match="grammar"):
        body(response_format={"type": "grammar", "grammar": "x"})


def test_extra_goes_on_the_wire_verbatim() -> None:
    """What only Google knows."""
    given = {"safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}], "labels": {"team": "a"}}
    assert given.items() <= body(extra=given).items()


def test_extra_settings_are_joined_with_the_typed_ones() -> None:
    """extra wins, and says so where it replaces something."""
    sent = config(temperature=1, top_p=0.5, extra={"generationConfig": {"temperature": 0, "mediaResolution": "MEDIA_RESOLUTION_LOW"}})
    assert {"temperature": 0, "topP": 0.5, "mediaResolution": "MEDIA_RESOLUTION_LOW"} == sent
    assert [("moved", "temperature")] == notes(temperature=1, extra={"generationConfig": {"temperature": 0}})


def test_extra_settings_stand_alone_where_none_are_typed() -> None:
    """They are not lost."""
    assert {"seed": 1} == config(extra={"generationConfig": {"seed": 1}})


def test_the_callers_values_are_not_changed() -> None:
    """Arguments are never mutated."""
    given = {"generationConfig": {"seed": 1}}
    body(temperature=0, extra=given)
    assert {"generationConfig": {"seed": 1}} == given


@pytest.mark.parametrize("given", [{"tools": [FUNCTION]}, {"messages": [{"role": "system", "content": "s"}, "hi"]}], ids=["tools", "system"])
def test_nothing_that_a_cache_holds_stands_beside_it(given: dict[str, Any]) -> None:
    """The request would be refused; nothing is sent."""
    with pytest.raises(InvalidRequestError, match="cachedContent"):
        body(extra={"cachedContent": "cachedContents/1"}, **given)


def test_cached_content_goes_alone() -> None:
    """With the contents and settings."""
    assert "cachedContents/1" == body(temperature=0, extra={"cachedContent": "cachedContents/1"})["cachedContent"]


def test_a_stream_has_a_method_of_its_own() -> None:
    """And is asked for as server-sent events."""
    plain, streamed = encode(), encode(stream=True)
    assert ("/v1beta/models/gemini-2.5-flash:generateContent", {}, False) == (plain.path, plain.query, plain.stream)
    assert ("/v1beta/models/gemini-2.5-flash:streamGenerateContent", {"alt": "sse"}, True) == (streamed.path, streamed.query, streamed.stream)
    assert plain.body == streamed.body
