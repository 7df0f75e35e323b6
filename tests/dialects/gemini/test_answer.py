"""Answers from Google."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest

from llmclient.dialects.gemini.usage import FINISH_REASONS
from llmclient.errors import ApiError, ContentFilteredError, RateLimitError, ResponseParsingError
from llmclient.types.chat import ChatResponse
from llmclient.types.messages import Audio, File, Image, Text
from tests.dialects.gemini.kit import answer, call, decode, sse, text


def test_the_text_of_all_parts_is_the_answer() -> None:
    """With the names of answer and model."""
    response = decode(answer(text("Hel"), text("lo"), createTime="2026-05-27T16:53:45.443719Z"))
    assert ("Hello", "r1", "gemini-2.5-flash", "stop", "STOP") == (response.text, response.id, response.model, response.finish_reason, response.finish_reason_raw)
    assert datetime.datetime(2026, 5, 27, 16, 53, 45, 443719, datetime.UTC) == response.created


def test_a_time_that_is_none_is_left_out() -> None:
    """It is no reason to fail."""
    assert decode(answer(text("x"), createTime="soon")).created is None


def test_thoughts_are_reasoning() -> None:
    """Each with its signature and maker; they are not in the text."""
    response = decode(answer(text("hm ", thought=True), text("aha", thought=True, thoughtSignature="c2ln"), text("", thought=True), text("Yes.")))
    assert ("Yes.", "hm aha") == (response.text, response.reasoning)
    first, second = response.message.reasoning
    assert (None, "c2ln", "gemini", "gemini", "gemini-2.5-flash") == (first.signature, second.signature, second.provider, second.dialect, second.model)


def test_plain_text_needs_no_state() -> None:
    """Nothing is kept twice."""
    assert decode(answer(text("Hello"))).message.provider_state is None


def test_anything_else_is_kept_as_it_came() -> None:
    """In the message's state, for the same provider."""
    parts = [text("x"), text("", thoughtSignature="c2ln")]
    state = decode(answer(*parts)).message.provider_state
    assert state is not None
    assert ("gemini", "gemini", {"parts": parts}) == (state.provider, state.dialect, state.data)


def test_calls_are_in_openais_shape() -> None:
    """Arguments are JSON text, and the reason is tool_calls though Google says STOP."""
    response = decode(answer(call("f", {"city": "Köln", "n": 1}, id="own"), call("g")))
    first, second = response.tool_calls
    assert ("own", "f", '{"city":"Köln","n":1}') == (first.id, first.function.name, first.function.arguments)
    assert ("g", "{}") == (second.function.name, second.function.arguments)
    assert ("tool_calls", "STOP") == (response.finish_reason, response.finish_reason_raw)


def test_calls_without_an_id_get_one_that_is_always_the_same() -> None:
    """And differs between calls."""
    value = answer(call("f"), call("f"))
    first, second = decode(value).tool_calls
    again, _ = decode(value).tool_calls
    assert first.id == again.id != second.id
    assert first.id.startswith("call_")


def test_numbers_of_any_size_stay_exact_in_arguments() -> None:
    """More digits than 64 bits hold."""
    (made,) = decode(answer(call("f", {"n": 123456789012345678901234567890}))).tool_calls
    assert {"n": 123456789012345678901234567890} == json.loads(made.function.arguments)


def test_pictures_recordings_and_files_are_parts() -> None:
    """In their order, among the text."""
    response = decode(
        answer(
            text("Here:"),
            {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}},
            {"inlineData": {"mimeType": "audio/L16;rate=24000", "data": "AAAA"}},
            {"fileData": {"mimeType": "video/mp4", "fileUri": "gs://b/v.mp4"}},
            {"inlineData": {"data": "AAAA"}},
        )
    )
    kinds = [type(part) for part in response.message.parts]
    assert [Text, Image, Audio, File, File] == kinds
    picture = response.message.parts[1]
    assert isinstance(picture, Image)
    assert (b"\x89PNG\r\n\x1a\n", "image/png") == picture.load()


def test_an_answer_of_parts_survives_a_dict() -> None:
    """to_dict and from_dict lose nothing."""
    response = decode(answer(text("hm", thought=True), text("Here:"), {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}, call("f", signature="c2ln")))
    again = ChatResponse.from_dict(json.loads(json.dumps(response.to_dict())))
    assert (response.message.provider_state, response.message.reasoning, response.tool_calls) == (
        again.message.provider_state, again.message.reasoning, again.tool_calls
    )  # fmt: skip


def test_sources_are_annotations() -> None:
    """In Google's shape."""
    value = answer(text("x"))
    value["candidates"][0] |= {"groundingMetadata": {"webSearchQueries": ["q"]}, "citationMetadata": {"citationSources": [1]}, "urlContextMetadata": {}}
    response = decode(value)
    assert ({"groundingMetadata": {"webSearchQueries": ["q"]}}, {"citationMetadata": {"citationSources": [1]}}) == response.message.annotations


def test_what_has_no_place_is_kept_beside() -> None:
    """Of the answer, and of each candidate."""
    value = answer(text("x"), promptFeedback={"safetyRatings": []}, odd=None)
    value["candidates"][0] |= {"safetyRatings": [1], "avgLogprobs": -0.5}
    assert {"promptFeedback": {"safetyRatings": []}, "candidates": [{"safetyRatings": [1], "avgLogprobs": -0.5}]} == decode(value).extra


def test_log_probabilities_are_in_openais_shape() -> None:
    """With the best at each place."""
    value = answer(text("é"))
    value["candidates"][0]["logprobsResult"] = {
        "chosenCandidates": [{"token": "é", "logProbability": -0.1, "tokenId": 7}, {"token": None}],
        "topCandidates": [{"candidates": [{"token": "é", "logProbability": -0.1}, {"token": "e", "logProbability": -2.5}]}],
    }
    (choice,) = decode(value).choices
    first = {"token": "é", "logprob": -0.1, "bytes": [195, 169]}
    assert choice.logprobs is not None
    assert choice.logprobs["content"][0] == {**first, "top_logprobs": [first, {"token": "e", "logprob": -2.5, "bytes": [101]}]}
    assert choice.logprobs["content"][1] == {"token": "", "logprob": None, "bytes": None, "top_logprobs": []}


def test_candidates_are_choices_by_their_index() -> None:
    """The first may leave its index out."""
    value = {"candidates": [{"content": {"parts": [text("a")]}, "finishReason": "STOP"}, {"index": 1, "content": {"parts": [text("b")]}, "finishReason": "MAX_TOKENS"}]}
    assert [(0, "a", "stop"), (1, "b", "length")] == [(each.index, each.message.text, each.finish_reason) for each in decode(value).choices]


@pytest.mark.parametrize(("raw", "reason"), sorted(FINISH_REASONS.items()))
def test_each_finish_reason_has_its_meaning(raw: str, reason: str) -> None:
    """Failures never become a stop; with content they are returned."""
    response = decode(answer(text("x"), finish=raw))
    assert (reason, raw) == (response.finish_reason, response.finish_reason_raw)


@pytest.mark.parametrize(
    ("raw", "reason", "word"), [(1, "stop", "STOP"), (2, "length", "MAX_TOKENS"), (3, "content_filter", "SAFETY"), (77, "unknown", "77"), ("NEW", "unknown", "NEW")]
)
def test_reasons_may_be_numbers_or_new(raw: Any, reason: str, word: str) -> None:
    """Numbers come with an option of the API; what nobody knows is unknown."""
    response = decode(answer(text("x"), finish=raw))
    assert (reason, word) == (response.finish_reason, response.finish_reason_raw)


def test_a_reason_that_is_missing_is_unknown() -> None:
    """A whole answer has ended, whyever."""
    response = decode(answer(text("x"), finish=None))
    assert ("unknown", None) == (response.finish_reason, response.finish_reason_raw)


def test_a_call_that_was_not_wanted_is_an_error_with_content() -> None:
    """It does not become tool_calls."""
    response = decode(answer(call("f"), finish="UNEXPECTED_TOOL_CALL"))
    assert ("error", "f") == (response.finish_reason, response.tool_calls[0].function.name)


def test_a_failure_without_content_raises() -> None:
    """With the provider's words, else with the reason."""
    value = answer(finish="MALFORMED_FUNCTION_CALL")
    with pytest.raises(ApiError, match="MALFORMED_FUNCTION_CALL") as caught:
        decode(value)
    assert "MALFORMED_FUNCTION_CALL" == caught.value.code
    value["candidates"][0]["finishMessage"] = "Malformed function call: f("
    with pytest.raises(ApiError, match=r"f\("):
        decode(value)


@pytest.mark.parametrize("content", [{}, {"role": "model"}, None, {"parts": None}, "missing"])
def test_a_blocked_answer_may_have_no_content(content: Any) -> None:
    """It is an answer that was filtered, not a failure of ours."""
    value = answer(finish="SAFETY")
    value["candidates"][0]["content"] = content
    if content == "missing":
        del value["candidates"][0]["content"]
    response = decode(value)
    assert ("", "content_filter") == (response.text, response.finish_reason)


def test_a_blocked_prompt_raises() -> None:
    """There are no candidates then, but a reason."""
    with pytest.raises(ContentFilteredError, match="PROHIBITED_CONTENT") as caught:
        decode({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 5}})
    assert "PROHIBITED_CONTENT" == caught.value.code
    with pytest.raises(ContentFilteredError, match="the words"):
        decode({"candidates": [], "promptFeedback": {"blockReason": "MODEL_ARMOR", "blockReasonMessage": "the words"}})


@pytest.mark.parametrize("body", [b"", b"<html>502</html>", b"[]", b"{}", b'{"candidates": []}', b'{"candidates": [7]}', b'"x"', b"null", b'{"promptFeedback": {}}'])
def test_a_body_that_is_no_answer_is_told_as_such(body: bytes) -> None:
    """Whatever else a host may answer."""
    with pytest.raises(ResponseParsingError):
        decode(body)


@pytest.mark.parametrize("parts", [["x"], [{"functionCall": {}}], [{"functionCall": {"name": 7}}]], ids=["string", "nameless", "number"])
def test_parts_of_a_wrong_shape_are_told(parts: list[Any]) -> None:
    """Never a crash."""
    with pytest.raises(ResponseParsingError):
        decode(answer(*parts))


def test_an_error_in_a_success_is_the_error() -> None:
    """Its class is the one that the status would have given."""
    with pytest.raises(RateLimitError, match="slow"):
        decode({"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "slow"}})


@pytest.mark.parametrize("framed", [lambda events: sse(*events), lambda events: json.dumps(events).encode()], ids=["sse", "array"])
def test_a_stream_in_place_of_an_answer_is_read(framed: Any) -> None:
    """Some middlemen stream what was not asked for."""
    assert "Hello" == decode(framed([answer(text("Hel"), finish=None), answer(text("lo"))])).text


def test_a_stream_without_an_end_in_place_of_an_answer_fails() -> None:
    """It is no complete answer."""
    from llmclient.errors import StreamTruncatedError

    with pytest.raises(StreamTruncatedError):
        decode(json.dumps([answer(text("Hel"), finish=None)]).encode())
