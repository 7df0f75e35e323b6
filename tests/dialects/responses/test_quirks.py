"""Quirks that clients of many providers have met, by their number: each is handled, and each test fails where the quirk is taken back."""

import json

import pytest

from llmclient.dialects.responses import OpenAIResponses
from llmclient.errors import ContentFilteredError, InvalidRequestError, QuotaExceededError, RateLimitError, ResponseParsingError
from llmclient.types.messages import File, Message, Other, ReasoningBlock, Text
from tests.dialects.responses.kit import (
    CALL,
    OURS,
    REASONING,
    TOOL,
    USER,
    body,
    decode,
    encode,
    events,
    items,
    message,
    notes,
    params,
    response,
    result,
    run,
    turn,
    wire,
)

SYSTEM = {"role": "system", "content": "Answer in JSON."}
INSTRUCTED = OpenAIResponses(provider="acme", system="instructions")


def test_1_the_cap_has_one_name_for_all_models():
    """max_tokens is refused; so is a cap below 16."""
    assert params(model="gpt-5", max_tokens=64)["max_output_tokens"] == 64
    assert params(model="gpt-4o", max_tokens=1) == {"max_output_tokens": 16}


@pytest.mark.parametrize("name", ["temperature", "top_p", "top_logprobs"])
@pytest.mark.parametrize(
    ("model", "effort", "taken"),
    [
        ("gpt-5", None, False),
        ("o3", "low", False),
        ("gpt-5.1", None, True),
        ("gpt-5.1", "none", True),
        ("gpt-5.1", "low", False),
        ("gpt-5.6", None, False),
        ("gpt-5.6", "none", True),
        ("gpt-4.1", None, True),
    ],
)
def test_2_sampling_is_not_taken_while_the_model_reasons(name, model, effort, taken):
    """By the model's family and the effort; else it is dropped with a warning."""
    options = {name: 1, "reasoning_effort": effort}
    assert (name in params(model=model, **options)) == taken
    assert notes(model=model, **options) == ([] if taken else [("dropped", name)])


def test_2_an_effort_in_extra_counts():
    """It is what the model will do."""
    assert "temperature" in params(model="gpt-5.6", temperature=1, extra={"reasoning": {"effort": "none"}})


@pytest.mark.parametrize(
    ("model", "given", "sent"),
    [
        ("gpt-5.6", "minimal", "none"),
        ("gpt-5", "minimal", "minimal"),
        ("gpt-5", "xhigh", "high"),
        ("gpt-5.2", "xhigh", "xhigh"),
        ("gpt-5.1-chat-latest", "high", "medium"),
    ],
)
def test_3_efforts_are_those_of_the_model(model, given, sent):
    """Others are moved to the nearest."""
    assert params(model=model, reasoning_effort=given)["reasoning"] == {"effort": sent}
    assert bool(notes(model=model, reasoning_effort=given)) == (given != sent)


def test_3_models_that_do_not_reason_take_no_effort():
    """They answer 400 to one, and to being asked for encrypted reasoning."""
    assert params(model="gpt-5-chat-latest", reasoning_effort="low") == {}
    assert notes(model="gpt-5-chat-latest", reasoning_effort="low") == [("dropped", "reasoning_effort")]
    assert notes(model="gpt-5-chat-latest", reasoning_effort="none") == []


def test_4_the_role_of_the_system_prompt():
    """Where a host knows only one of the two."""
    assert items(SYSTEM, dialect=OpenAIResponses(system_role="developer"))[0]["role"] == "developer"
    assert items({**SYSTEM, "role": "developer"}, dialect=OpenAIResponses(developer_role="system"))[0]["role"] == "system"


def test_5_a_schema_is_strict_only_where_the_caller_says_so():
    """Left out, it would be strict here, and rewritten so that everything is required."""
    assert [tool["strict"] for tool in params(tools=[TOOL, {**TOOL, "function": {**TOOL["function"], "strict": True}}])["tools"]] == [False, True]


def test_6_parallel_calls_without_tools():
    """They are refused; with tools, or with tools that the provider holds, they are not."""
    assert params(parallel_tool_calls=False) == {}
    assert notes(parallel_tool_calls=False) == [("dropped", "parallel_tool_calls")]
    assert params(parallel_tool_calls=False, tools=[TOOL])["parallel_tool_calls"] is False
    assert params(parallel_tool_calls=False, extra={"prompt": {"id": "p"}})["parallel_tool_calls"] is False
    assert params(parallel_tool_calls=False, web_search_options={})["parallel_tool_calls"] is False


@pytest.mark.parametrize(("asked", "lifted"), [("As JSON, please.", True), ("Please.", False)])
def test_7_json_mode_wants_the_word_in_the_input(asked, lifted):
    """Instructions do not count, so a system prompt stays where it does."""
    sent = body([SYSTEM, {"role": "user", "content": asked}], INSTRUCTED, response_format="json_object")
    assert ("instructions" in sent) == lifted
    assert "json" in json.dumps(sent["input"]).lower()


def test_8_usage_comes_unasked():
    """There is no option for it, and the last event has it."""
    assert set(body(stream=True)) == {"input", "stream"}
    _, chunks = run(wire(*events(response("a"))))
    assert [bool(chunk.usage) for chunk in chunks] == [False] * (len(chunks) - 1) + [True]


def test_9_files_by_address_and_pictures_by_id():
    """Both are taken here, unlike in chat completions."""
    content = (File("https://x.test/a.pdf"), Other({"type": "input_image", "file_id": "file-1"}))
    assert items(Message("user", content))[0]["content"] == [
        {"type": "input_file", "file_url": "https://x.test/a.pdf"},
        {"type": "input_image", "file_id": "file-1"},
    ]


def test_10_reasoning_phase_and_namespace_go_round():
    """With their ids, in their order."""
    output = [REASONING, message("Let me see.", phase="commentary"), {**CALL, "namespace": "crm"}]
    assert items(USER, decode(response(*output)).message, result())[1:4] == output


def test_10_empty_input_is_refused():
    """Before it is sent."""
    with pytest.raises(InvalidRequestError, match="no message"):
        encode([{"role": "assistant", "content": None}])


def test_10_no_encrypted_reasoning_of_what_is_answered_later():
    """It cannot be asked for when the answer is fetched from the provider's store."""
    assert "include" in params(model="gpt-5")
    assert "include" not in params(model="gpt-5", extra={"background": True})


def test_11_failures_inside_a_stream_and_refusals():
    """Neither has a status of its own."""
    decoder, _ = run(wire(*events(response("a"))[:3], {"type": "error", "code": "rate_limit_exceeded", "message": "Slow."}))
    assert type(decoder.error) is RateLimitError
    assert decoder.error.status == 429
    refused = decode(response(message({"type": "refusal", "refusal": "No."})))
    assert (refused.finish_reason, refused.message.refusal) == ("content_filter", "No.")


def test_11_a_quota_that_is_used_up_is_not_tried_again():
    """It is a 429 like any other but for its code."""
    error = OURS.error(429, {}, json.dumps({"error": {"message": "You exceeded your current quota.", "code": "insufficient_quota"}}).encode())
    assert type(error) is QuotaExceededError
    assert not error.retryable


def test_12_a_page_with_a_200():
    """It is no answer."""
    with pytest.raises(ResponseParsingError, match="Responses API"):
        decode(b"<!doctype html><title>Welcome</title>")


def test_16_a_filter_on_the_way_in_and_on_the_way_out():
    """A code on one side, a reason on the other."""
    error = OURS.error(400, {}, json.dumps({"error": {"message": "Filtered.", "code": "content_filter"}}).encode())
    assert type(error) is ContentFilteredError
    assert decode(response("a", status="incomplete", incomplete_details={"reason": "content_filter"})).finish_reason == "content_filter"


def test_17_headers_that_say_nothing():
    """A rate of -1 and a missing time are no hint."""
    headers = {"x-ratelimit-remaining-requests": "-1", "x-ratelimit-reset-requests": "-1", "retry-after-ms": "0"}
    error = OURS.error(429, headers, b'{"error": {"message": "Slow.", "code": "too_many_requests"}}')
    assert (type(error), error.retry_after, error.retryable) == (RateLimitError, None, True)


def test_52_reasoning_that_must_come_back_in_plain_text():
    """DeepSeek gives no other; in a turn that it gave, it comes back as it was."""
    shown = {"id": "rs_1", "type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "Hm."}], "encrypted_content": None}
    assert items(USER, turn(shown, CALL), result(), store=False)[1] == shown
    dialect = OpenAIResponses(provider="acme", replay_text=True)
    block = ReasoningBlock("Hm.", provider="acme", dialect="responses")
    assert items(USER, Message("assistant", (Text("a"),), reasoning=(block,)), dialect=dialect)[1]["content"][0]["text"] == "Hm."


def test_a_body_that_only_the_events_tell():
    """Stream only, nothing stored, instructions in their place, and an end without output: ChatGPT's own back end."""
    dialect = OpenAIResponses(provider="acme", stream_only=True, system="instructions", body={"store": False}, unsupported=frozenset({"max_tokens"}))
    wire_request = encode([SYSTEM, USER], dialect, model="gpt-5.4")
    assert dict(wire_request.body) == {
        "model": "gpt-5.4",
        "store": False,
        "instructions": "Answer in JSON.",
        "input": [USER],
        "include": ["reasoning.encrypted_content"],
        "stream": True,
    }
    decoder, _ = run(wire(*events(response(REASONING, "a"))[:-1], {"type": "response.completed", "response": response()}), dialect)
    assert (decoder.response().text, decoder.response().reasoning) == ("a", "Hm.")
