"""Answers in OpenAI's shape, in the spellings of all who send it."""

from __future__ import annotations

import datetime
import decimal
import json

import pytest

from llmclient import errors
from llmclient.dialects.openai import OpenAIChat
from llmclient.dialects.openai.usage import find_usage, read_finish, read_usage
from llmclient.types.chat import ChatResponse
from llmclient.types.messages import Image, ProviderState, ReasoningBlock
from llmclient.types.usage import Usage
from tests.dialects.kit import choice, completion, decode, delta, wire


def said(**message):
    return completion({"role": "assistant", **message})


def test_a_whole_answer():
    """All that OpenAI sends."""
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    r = decode(completion(usage=usage, system_fingerprint="fp", service_tier="default"))
    assert (r.text, r.finish_reason, r.finish_reason_raw, r.id, r.model) == ("hello", "stop", "stop", "c1", "m-1")
    assert r.created == datetime.datetime(2023, 11, 14, 22, 13, 20, tzinfo=datetime.UTC)
    assert (r.system_fingerprint, r.service_tier) == ("fp", "default")
    assert r.usage == Usage(prompt_tokens=3, completion_tokens=2, total_tokens=5)
    assert r.extra == {}
    assert r.message.provider_state is None


def test_blanks_before_the_json_are_skipped():
    """Hosts keep the line warm with blank lines."""
    assert decode(b"\n\n   \n" + json.dumps(completion()).encode()).text == "hello"


def test_a_stream_in_place_of_an_answer_is_read_too():
    """Some hosts stream without being asked."""
    raw = wire(delta({"content": "hel"}), delta({"content": "lo"}, "stop"))
    assert decode(raw).text == "hello"
    with pytest.raises(errors.RateLimitError):
        decode(wire({"error": {"code": 429, "message": "x"}}))


@pytest.mark.parametrize(
    "raw",
    [b"", b"   ", b"<html>Welcome</html>", b"OK", b'"text"', b"[]", b"3", b"{}", b'{"choices": []}', b'{"choices": null, "id": "x"}', b'{"models": []}'],
)
def test_what_is_no_answer_is_said(raw):
    """Never an empty success: the error shows what came instead."""
    with pytest.raises(errors.ResponseParsingError) as caught:
        decode(raw)
    assert "empty" in caught.value.message or raw.decode().strip().replace(" ", "")[:8] in caught.value.message.replace(" ", "")
    assert caught.value.model == "m"


def test_long_pages_are_cut():
    """Two hundred characters tell enough."""
    with pytest.raises(errors.ResponseParsingError) as caught:
        decode(b"<html>" + b"x" * 10_000)
    assert len(caught.value.message) < 400


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ({"error": {"code": 429, "message": "slow down"}}, errors.RateLimitError),
        ({"error": {"code": 502, "message": "down"}, "choices": [{"message": {"content": ""}}]}, errors.ProviderUnavailableError),
        ([{"error": {"code": 400, "message": "bad"}}], errors.InvalidRequestError),
        ({"base_resp": {"status_code": 1004, "status_msg": "login fail"}, "choices": None}, errors.AuthenticationError),
        ({"code": "InvalidApiKey", "message": "x"}, errors.AuthenticationError),
    ],
)
def test_failures_in_a_200_are_raised(value, kind):
    """The class is that of the status which the failure would have had."""
    with pytest.raises(kind):
        decode(value)


def test_codes_of_the_providers_own_are_known():
    """What the provider's metadata says of its numbers holds in a 200 too."""
    with pytest.raises(errors.QuotaExceededError):
        decode({"error": {"code": "1113", "message": "x"}}, OpenAIChat(error_codes={"1113": "quota"}))


# Text and reasoning.


@pytest.mark.parametrize(
    ("content", "text", "reasoning"),
    [
        ("plain", "plain", None),
        (None, "", None),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "ab", None),
        (["a", "b"], "ab", None),
        ([{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "yes"}], "yes", "hm"),
        ([{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "yes"}], "yes", "hm"),
        ([{"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]}, {"type": "text", "text": "yes"}], "yes", "hm"),
        ([{"type": "reasoning", "text": "hm"}], "", "hm"),
        ([], "", None),
        ({"name": "Ann"}, '{"name":"Ann"}', None),
    ],
)
def test_contents(content, text, reasoning):
    """A string, a list of parts with thoughts among them, or the object that a schema asked for."""
    r = decode(said(content=content))
    assert (r.text, r.reasoning) == (text, reasoning)


def test_content_stays_a_string_where_it_is_all_text():
    """As OpenAI has it."""
    assert decode(said(content=[{"type": "text", "text": "a"}])).choices[0].message.content == "a"
    assert decode(said(content=None)).choices[0].message.content is None


def test_other_parts_are_kept():
    """An image in the answer is a part."""
    content = [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "https://x/y.png"}}]
    r = decode(said(content=content))
    assert r.text == "a"
    assert isinstance(r.message.parts[1], Image)


def test_content_of_no_known_kind():
    """A number is no text."""
    with pytest.raises(errors.ResponseParsingError, match="content of the answer is a int"):
        decode(said(content=3))


@pytest.mark.parametrize(
    "message",
    [
        {"reasoning_content": "hm"},
        {"reasoning": "hm"},
        {"reasoning": "hm", "reasoning_content": "hm"},
        {"reasoning_content": None, "reasoning": "hm"},
        {"reasoning_content": "", "reasoning": "hm"},
        {"reasoning": {"odd": 1}, "reasoning_details": [{"type": "reasoning.text", "text": "h"}, {"type": "reasoning.summary", "summary": "m"}, "odd"]},
    ],
)
def test_reasoning_under_every_name(message):
    """It is read once, under whichever name it stands, and says where it came from."""
    r = decode(said(content="yes", **message))
    assert r.message.reasoning == (ReasoningBlock("hm", provider="acme", dialect="openai"),)


def test_encrypted_details_alone_are_no_reasoning_but_state():
    """They go back to where they came from, and nowhere else."""
    details = [{"type": "reasoning.encrypted", "data": "xyz"}]
    r = decode(said(content="yes", reasoning_details=details))
    assert r.reasoning is None
    assert r.message.provider_state == ProviderState("acme", "openai", {"reasoning_details": details})


@pytest.mark.parametrize(
    ("text", "visible", "thought"),
    [
        ("<think>hm</think>yes", "yes", "hm"),
        ("\n<think>\nhm\n</think>\n\nyes", "yes", "hm"),
        ("<think>hm", "", "hm"),
        ("<think></think>yes", "yes", None),
        ("yes <think>no</think>", "yes <think>no</think>", None),
        ("<thin", "<thin", None),
    ],
)
def test_think_tags(text, visible, thought):
    """Only with the quirk, and only at the start."""
    r = decode(said(content=text), OpenAIChat(think_tags=True))
    assert (r.text, r.reasoning) == (visible, thought)
    assert decode(said(content=text)).text == text


# Calls.


def tool(arguments='{"a": 1}', **more):
    return {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": arguments}, **more}


def test_a_call():
    """OpenAI's shape, and a finish reason that says so whatever the host said."""
    r = decode(completion({"role": "assistant", "content": None, "tool_calls": [tool()]}, "stop"))
    (made,) = r.tool_calls
    assert (made.id, made.type, made.function.name, made.function.arguments) == ("call_1", "function", "add", '{"a": 1}')
    assert (r.finish_reason, r.finish_reason_raw, r.text) == ("tool_calls", "stop", "")


@pytest.mark.parametrize(("arguments", "text"), [("", "{}"), (None, "{}"), ("null", "{}"), ({"a": 1}, '{"a":1}'), ("{broken", "{broken")])
def test_arguments(arguments, text):
    """Always a JSON text; what is broken stays to be looked at."""
    assert decode(said(tool_calls=[tool(arguments)])).tool_calls[0].function.arguments == text


def test_missing_ids_are_made():
    """Gemini's endpoint sends empty ones; those made are distinct and always the same."""
    value = said(tool_calls=[tool(id=""), {"function": {"name": "add"}}])
    first, second = decode(value).tool_calls
    assert first.id.startswith("call_")
    assert first.id != second.id
    assert len(first.id) <= 40
    assert decode(value).tool_calls == (first, second)


def test_the_older_function_call():
    """One call, without an id; an empty one is none."""
    r = decode(completion({"role": "assistant", "content": None, "function_call": {"name": "add", "arguments": "{}"}}, "function_call"))
    assert (r.tool_calls[0].function.name, r.finish_reason) == ("add", "tool_calls")
    assert decode(said(content="x", function_call={"name": "", "arguments": ""})).tool_calls == ()


def test_custom_calls():
    """The input of a custom tool is text of its own, even an empty one."""
    r = decode(said(tool_calls=[{"id": "c", "type": "custom", "custom": {"name": "code", "input": "print(1)"}}]))
    assert (r.tool_calls[0].type, r.tool_calls[0].function.name, r.tool_calls[0].function.arguments) == ("custom", "code", "print(1)")
    assert decode(said(tool_calls=[{"type": "custom", "custom": {"name": "code"}}])).tool_calls[0].function.arguments == ""


@pytest.mark.parametrize("call", ["text", {"id": "x"}, {"function": {"arguments": "{}"}}, {"function": "add"}])
def test_calls_of_no_known_shape(call):
    """A call that names no function cannot be made."""
    with pytest.raises(errors.ResponseParsingError, match="tool call of the answer"):
        decode(said(tool_calls=[call]))


def test_odd_fields_say_where_they_came_from():
    """Signatures in calls and messages carry their origin with them."""
    r = decode(said(tool_calls=[tool(extra_content={"google": {"thought_signature": "s"}}, other=None)]))
    assert r.tool_calls[0].extra == {"extra_content": {"google": {"thought_signature": "s"}}}
    assert r.message.provider_state == ProviderState("acme", "openai", {})
    r = decode(said(content="x", thought_signature="s", nothing=None, padding="abc"))
    assert r.message.extra == {"thought_signature": "s"}
    assert r.message.provider_state == ProviderState("acme", "openai", {})


def test_refusal_annotations_audio_and_name():
    """What else a message may hold; empty fields of hosts that send all are nothing."""
    r = decode(said(content=None, refusal="no", annotations=[{"type": "url_citation"}], audio={"id": "a", "data": "x"}, name="n"))
    assert (r.message.refusal, r.message.annotations, r.message.audio, r.message.name) == ("no", ({"type": "url_citation"},), {"id": "a", "data": "x"}, "n")
    assert r.finish_reason == "content_filter"
    empty = decode(said(content="x", refusal="", annotations=None, audio={"id": "", "data": ""}, name=None))
    assert (empty.message.refusal, empty.message.annotations, empty.message.audio, empty.finish_reason) == (None, (), None, "stop")


@pytest.mark.parametrize(
    "raw",
    [
        b'{"choices": [{"message": {"content": null, "tool_calls": 5}}]}',
        b'{"choices": [{"message": {"content": [{"type": 3}]}}]}',
        b'{"choices": [{"message": {"content": {"a": NaN}}}]}',
        b'{"choices": [{"message": {"tool_calls": [{"function": {"name": "f", "arguments": {"a": Infinity}}}]}}]}',
    ],
)
def test_odd_shapes_are_said(raw):
    """A field of another kind than it should be is an error of the tree."""
    with pytest.raises(errors.ResponseParsingError):
        decode(raw)


# Ends.


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("stop", "stop"),
        ("eos", "stop"),
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("STOP", "stop"),
        ("length", "length"),
        ("max_tokens", "length"),
        ("model_length", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_calls", "tool_calls"),
        ("tool_call", "tool_calls"),
        ("function_call", "tool_calls"),
        ("content_filter", "content_filter"),
        ("sensitive", "content_filter"),
        ("pause_turn", "pause"),
        ("error", "error"),
        ("network_error", "error"),
        ("MALFORMED_FUNCTION_CALL", "error"),
        ("insufficient_system_resource", "error"),
        ("novel", "unknown"),
        ("", "unknown"),
        (None, "unknown"),
    ],
)
def test_finish_reasons(raw, reason):
    """A word that means failure never becomes stop, and what nobody knows stays unknown."""
    r = decode(completion(finish=raw))
    assert (r.finish_reason, r.finish_reason_raw) == (reason, raw)
    assert read_finish(raw) == reason


@pytest.mark.parametrize(("raw", "reason"), [("eos", "tool_calls"), ("", "tool_calls"), ("length", "length"), ("content_filter", "content_filter")])
def test_calls_change_only_the_words_that_leave_it_open(raw, reason):
    """A call that was cut off by the limit was cut off."""
    assert decode(completion({"content": None, "tool_calls": [tool()]}, raw)).finish_reason == reason


def test_an_error_before_anything_was_said_is_raised():
    """By the choice's own error where there is one; with content the answer is returned."""
    with pytest.raises(errors.ProviderUnavailableError):
        decode(completion({"content": ""}, "network_error"))
    with pytest.raises(errors.ApiError):
        decode(completion({"content": None}, "error"))
    failed = completion()
    failed["choices"] = [choice({"content": ""}, "error", error={"code": 429, "message": "slow"})]
    with pytest.raises(errors.RateLimitError):
        decode(failed)
    assert decode(completion({"content": "half"}, "network_error")).finish_reason == "error"


# Choices, logprobs, extras.


def test_several_choices():
    """Each with its own index, which may be missing."""
    value = completion()
    value["choices"] = [choice({"content": "a"}, index=1), {"message": {"content": "b"}, "finish_reason": "length"}]
    r = decode(value)
    assert [(c.index, c.message.content, c.finish_reason) for c in r.choices] == [(1, "a", "stop"), (1, "b", "length")]


def test_choices_of_other_shapes():
    """Completions of the older kind have text, streams sent whole have a delta; anything else is said."""
    value = completion()
    value["choices"] = [{"text": "old", "finish_reason": "stop"}]
    assert decode(value).text == "old"
    value["choices"] = [{"delta": {"content": "new"}, "finish_reason": "stop"}]
    assert decode(value).text == "new"
    value["choices"] = ["odd"]
    with pytest.raises(errors.ResponseParsingError, match="choice 0"):
        decode(value)


def test_logprobs():
    """Kept as they are; those without any are none."""
    value = completion()
    value["choices"] = [choice({"content": "a"}, logprobs={"content": [{"token": "a"}], "refusal": None})]
    assert decode(value).choices[0].logprobs == {"content": [{"token": "a"}], "refusal": None}
    value["choices"] = [choice({"content": "a"}, logprobs={"content": None, "refusal": None})]
    assert decode(value).choices[0].logprobs is None


def test_fields_of_the_providers_own():
    """They are kept, without nulls and padding; who answered behind a router has another name, since `provider` is ours."""
    r = decode(completion(citations=["u"], provider="Google", obfuscation="xx", prompt_logprobs=None))
    assert r.extra == {"citations": ["u"], "upstream_provider": "Google"}


@pytest.mark.parametrize(("created", "year"), [(1_700_000_000_000, 2023), (1_700_000_000.5, 2023), (0, 1970)])
def test_times(created, year):
    """Seconds or milliseconds."""
    assert decode(completion() | {"created": created}).created.year == year


@pytest.mark.parametrize("created", ["yesterday", None, True, 1e300, float("-inf")])
def test_times_that_are_none(created):
    """No time is better than a wrong one."""
    assert decode(completion() | {"created": created}).created is None


def test_ids_may_be_empty_or_numbers():
    """Snowflake sends "", others a number."""
    assert decode(completion() | {"id": ""}).id is None
    assert decode(completion() | {"id": 7}).id == "7"


# Usage.


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"prompt_tokens": 3, "completion_tokens": 2}, {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}),
        ({"input_tokens": 3, "output_tokens": 2, "total_tokens": 9}, {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 9}),
        ({"prompt_tokens": 3, "prompt_tokens_details": {"cached_tokens": 0}}, {"prompt_tokens": 3, "total_tokens": 3, "cached_tokens": 0}),
        ({"prompt_cache_hit_tokens": 4}, {"cached_tokens": 4}),
        ({"cached_tokens": 4}, {"cached_tokens": 4}),
        ({"cache_read_input_tokens": 4, "cache_creation_input_tokens": 5}, {"cached_tokens": 4, "cache_write_tokens": 5}),
        ({"prompt_tokens_details": {"cache_write_tokens": 5}}, {"cache_write_tokens": 5}),
        ({"cache_creation": {"ephemeral_1h_input_tokens": 6}}, {"cache_write_1h_tokens": 6}),
        ({"completion_tokens_details": {"reasoning_tokens": 7}}, {"reasoning_tokens": 7}),
        ({"reasoning_tokens": 7}, {"reasoning_tokens": 7}),
        (
            {"prompt_tokens_details": {"audio_tokens": 1, "image_tokens": 2}, "completion_tokens_details": {"audio_tokens": 3, "image_tokens": 4}},
            {"audio_tokens": 4, "prompt_audio_tokens": 1, "completion_audio_tokens": 3, "image_tokens": 6},
        ),
        ({"cost": 0.25}, {"cost": decimal.Decimal("0.25")}),
        ({"cost": "1e-6"}, {"cost": decimal.Decimal("0.000001")}),
        ({"cost": {"total_cost": 0.5}}, {"cost": decimal.Decimal("0.5")}),
        ({"estimated_cost": 0.5}, {"cost": decimal.Decimal("0.5")}),
        ({"cost_in_usd_ticks": 15_000}, {"cost": decimal.Decimal("0.0000015")}),
        ({"num_search_queries": 2}, {"requests": 2}),
        ({"prompt_audio_seconds": 3}, {"seconds": 3.0}),
        ({"prompt_tokens": 3.0}, {"prompt_tokens": 3, "total_tokens": 3}),
    ],
)
def test_usage_in_every_spelling(value, expected):
    """Counts are inclusive, and what is not said is None."""
    assert read_usage(value) == Usage(**expected)


@pytest.mark.parametrize("value", [None, {}, {"prompt_tokens": None}, {"prompt_tokens": "3"}, {"prompt_tokens": -1}, {"prompt_tokens": True}, {"cost": "x"}])
def test_usage_that_says_nothing(value):
    """No counts are none, never zeros."""
    assert read_usage(value) is None


@pytest.mark.parametrize("cost", [float("nan"), float("inf"), -1, True, [1]])
def test_costs_that_are_none(cost):
    """Money is a finite number from zero on."""
    assert read_usage({"prompt_tokens": 1, "cost": cost}).cost is None


def test_a_cost_beside_the_usage():
    """Some report it at the top level, as dollars or in an object."""
    usage = {"prompt_tokens": 1}
    assert decode(completion(usage=usage, cost=0.5)).usage.cost == decimal.Decimal("0.5")
    assert decode(completion(usage=usage, cost={"usd": 0.5, "diem": 0})).usage.cost == decimal.Decimal("0.5")


@pytest.mark.parametrize(
    ("value", "completion_tokens"),
    [
        ({"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 15, "completion_tokens_details": {"reasoning_tokens": 10}}, 12),
        ({"prompt_tokens": 3, "completion_tokens": 12, "total_tokens": 15, "completion_tokens_details": {"reasoning_tokens": 10}}, 12),
        ({"prompt_tokens": 3, "completion_tokens": 2, "completion_tokens_details": {"reasoning_tokens": 10}}, 12),
        ({"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 15}, 12),
        ({"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}, 2),
    ],
)
def test_reasoning_outside_of_the_completion_is_added(value, completion_tokens):
    """xAI leaves it out, and counts it in the total; where the sum shows that it is inside already nothing is added."""
    usage = read_usage(value, reasoning_outside=True)
    assert usage.completion_tokens == completion_tokens
    assert read_usage(value).completion_tokens == value["completion_tokens"]


@pytest.mark.parametrize(
    "value",
    [
        {"usage": {"prompt_tokens": 1}},
        {"x_groq": {"usage": {"prompt_tokens": 1}}},
        {"choices": [{}, {"usage": {"prompt_tokens": 1}}]},
    ],
)
def test_where_usage_stands(value):
    """At the top, at Groq's own place, or in a choice."""
    assert find_usage(value) == {"prompt_tokens": 1}
    assert find_usage({"usage": None, "x_groq": {"id": 1}, "choices": [{}, "odd"]}) is None


# Envelopes.


def test_an_envelope_is_opened():
    """Cloudflare's native answer, in OpenAI's shape or its own."""
    dialect = OpenAIChat(envelope="result")
    assert decode({"result": completion(), "success": True, "errors": []}, dialect).text == "hello"
    calls = [{"name": "add", "arguments": {"a": 1}}, {"function": {"name": "sub"}}]
    usage = {"prompt_tokens": 1, "completion_tokens": 2}
    r = decode({"result": {"response": None, "tool_calls": calls, "usage": usage}, "success": True}, dialect)
    assert [(c.function.name, c.function.arguments) for c in r.tool_calls] == [("add", '{"a":1}'), ("sub", "{}")]
    assert r.usage.total_tokens == 3
    assert decode({"result": {"response": "hi"}}, dialect).text == "hi"
    assert decode({"result": {"response": {"a": 1}}}, dialect).text == '{"a":1}'
    with pytest.raises(errors.ResponseParsingError):
        decode({"result": {"image": "x"}, "success": True}, dialect)


def test_an_envelope_of_failure():
    """`success: false` is an error, whatever the status said."""
    with pytest.raises(errors.ProviderError, match="no route"):
        decode({"result": None, "success": False, "errors": [{"code": 7003, "message": "no route"}]}, OpenAIChat(envelope="result"))


# There and back.


def test_to_dict_reads_back():
    """Nothing is lost, be it reasoning with its origin, state, raw reasons or odd fields."""
    message = {
        "role": "assistant",
        "content": "yes",
        "reasoning": "hm",
        "reasoning_details": [{"type": "reasoning.text", "text": "hm"}],
        "tool_calls": [tool(extra_content={"x": 1})],
        "annotations": [{"type": "url_citation"}],
        "odd": 1,
    }
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5, "prompt_tokens_details": {"cached_tokens": 1}, "cost": 0.1}
    r = decode(completion(message, "eos", usage=usage, provider="Google", citations=["u"], service_tier="flex"))
    again = ChatResponse.from_dict(json.loads(json.dumps(r.to_dict())))
    assert again == r
    assert again.finish_reason_raw == "eos"
    assert again.message.provider_state == r.message.provider_state


def test_from_dict_reads_a_providers_own_answer():
    """One that was kept as it came."""
    r = ChatResponse.from_dict(completion(usage={"prompt_tokens": 1}))
    assert (r.text, r.finish_reason) == ("hello", "stop")


def test_from_dict_refuses_what_is_no_answer():
    """An answer without choices, or with a reason that nobody writes."""
    with pytest.raises(errors.ResponseParsingError):
        ChatResponse.from_dict({"id": "x"})
    written = decode(completion()).to_dict()
    written["choices"][0]["finish_reason"] = "nonsense"
    with pytest.raises(errors.ResponseParsingError, match="no finish reason"):
        ChatResponse.from_dict(written)
