"""Streams of the Responses API: deltas out, and in the end what a plain call would have given."""

import itertools
import json

import hypothesis
import pytest
from hypothesis import strategies

from llmclient.errors import (
    ApiError,
    ContentFilteredError,
    InvalidRequestError,
    ProviderUnavailableError,
    RateLimitError,
    ResponseParsingError,
    StreamTruncatedError,
)
from llmclient.types.chat import ChatChunk, FunctionDelta, ToolCallDelta
from tests.dialects.responses.kit import CALL, OURS, REASONING, decode, events, message, response, run, wire

CITED = {"type": "output_text", "text": "Hello.", "annotations": [{"type": "url_citation", "url": "https://x.test"}], "logprobs": []}
SEARCH = {"id": "ws_1", "type": "web_search_call", "status": "completed"}
RICH = response({**REASONING, "content": []}, SEARCH, message(CITED, phase="commentary"), CALL, {**CALL, "id": "fc_2", "call_id": "call_2"}, message("Bye."))
CUSTOM = {"id": "ctc_1", "type": "custom_tool_call", "call_id": "call_1", "name": "sql", "input": "select 1"}


def texts(chunks):
    """Return the text of chunks."""
    return "".join(chunk.text for chunk in chunks)


def thoughts(chunks):
    """Return the reasoning of chunks."""
    return "".join(chunk.reasoning or "" for chunk in chunks)


def without(value, *kinds):
    """Return the events of a response but for those of some kinds."""
    return [event for event in events(value) if event["type"] not in kinds]


@pytest.mark.parametrize("named", [True, False], ids=["with names", "without names"])
@pytest.mark.parametrize(
    "value",
    [RICH, response("a"), response(message({"type": "refusal", "refusal": "I cannot."})), response(CUSTOM), response("a", status="incomplete"), response()],
    ids=["rich", "text", "refusal", "custom", "cut off", "empty"],
)
def test_a_stream_gives_what_a_plain_call_gives(value, named):
    """The whole response is the same, and the chunks add up to it."""
    decoder, chunks = run(wire(*events(value), named=named))
    plain = decode(value)
    assert decoder.error is None
    assert decoder.done
    assert decoder.response() == plain
    assert (texts(chunks), thoughts(chunks)) == (plain.text, plain.reasoning or "")
    assert chunks[-1] == ChatChunk(finish_reason=plain.finish_reason, usage=plain.usage, finish_reason_raw=plain.finish_reason_raw)
    assert [chunk.usage for chunk in chunks if chunk.usage] == [plain.usage]
    assert decoder.events == len(events(value))


@pytest.mark.parametrize("size", [1, 2, 7, 61, 4096])
def test_any_split_gives_the_same(size):
    """One byte at a time as well."""
    raw = wire(*events(RICH))
    decoder, chunks = run(raw)
    again, pieces = run(raw, size=size)
    assert (pieces, again.response(), again.events) == (chunks, decoder.response(), decoder.events)


@hypothesis.given(strategies.lists(strategies.integers(0, len(wire(*events(RICH)))), max_size=8))
def test_splits_anywhere_give_the_same(borders):
    """Wherever the network cuts."""
    raw = wire(*events(RICH))
    decoder, chunks = run(raw)
    again = OURS.stream("m", "req")
    edges = [0, *sorted(borders), len(raw)]
    pieces = [chunk for start, end in itertools.pairwise(edges) for chunk in again.feed(raw[start:end])] + again.finish()
    assert (pieces, again.response()) == (chunks, decoder.response())


def test_every_event_that_is_missing_at_the_end_is_noticed():
    """Cut at any border, it is StreamTruncatedError; what came before is kept, without a reason to finish."""
    given = events(RICH)
    for count in range(len(given)):
        decoder, chunks = run(wire(*given[:count]))
        partial = decoder.response()
        assert type(decoder.error) is StreamTruncatedError
        assert not decoder.done
        assert (partial.finish_reason, partial.usage) == (None, None)
        assert (partial.text, partial.reasoning or "") == (texts(chunks), thoughts(chunks))
        assert partial.id == ("resp_1" if count else None)
        assert len(partial.tool_calls) == len({piece.index for chunk in chunks for piece in chunk.tool_calls})


def test_an_end_marker_is_no_end():
    """Without the event that carries the response, [DONE] means nothing."""
    decoder, _ = run(wire(*without(RICH, "response.completed"), b"data: [DONE]\n\n"))
    assert type(decoder.error) is StreamTruncatedError


def test_what_comes_after_the_end_is_not_read():
    """Neither an end marker nor garbage nor another response."""
    decoder, chunks = run(wire(*events(response("a")), b"data: [DONE]\n\n", b"data: oops\n\n", *events(response("b"))), size=50)
    assert (decoder.response().text, decoder.error) == ("a", None)
    assert decoder.feed(b"data: x\n\n") == decoder.finish() == []
    assert texts(chunks) == "a"


def test_a_refusal_that_breaks_off():
    """What came of it is kept."""
    delta = {"type": "response.refusal.delta", "output_index": 0, "content_index": 0, "delta": "I can"}
    cited = {"type": "response.output_text.annotation.added", "output_index": 1, "annotation": {"type": "file_citation"}}
    partial = run(wire(delta, cited))[0].response()
    assert (partial.message.refusal, partial.text, partial.message.annotations) == ("I can", "", ({"type": "file_citation"},))


def test_pieces_of_calls():
    """Numbered in our own order; id and name once, with the first piece."""
    _, chunks = run(wire(*events(response(REASONING, CALL, message("a"), {**CALL, "call_id": "call_2"}))))
    assert [piece for chunk in chunks for piece in chunk.tool_calls] == [
        ToolCallDelta(0, "call_1", FunctionDelta("add", "")),
        ToolCallDelta(0, None, FunctionDelta(None, '{"a')),
        ToolCallDelta(0, None, FunctionDelta(None, '":1}')),
        ToolCallDelta(1, "call_2", FunctionDelta("add", "")),
        ToolCallDelta(1, None, FunctionDelta(None, '{"a')),
        ToolCallDelta(1, None, FunctionDelta(None, '":1}')),
    ]


def test_pieces_of_a_custom_tools_call():
    """Of their own type."""
    _, chunks = run(wire(*events(response(CUSTOM))))
    pieces = [piece for chunk in chunks for piece in chunk.tool_calls]
    assert {piece.type for piece in pieces} == {"custom"}
    assert "".join(piece.function.arguments for piece in pieces) == "select 1"


@pytest.mark.parametrize(
    "kinds",
    [
        ["response.output_item.added"],
        ["response.function_call_arguments.delta", "response.output_text.delta", "response.reasoning_summary_text.delta", "response.reasoning_text.delta"],
        ["response.output_item.done"],
        ["response.output_item.added", "response.output_item.done"],
        [
            "response.output_item.added", "response.output_item.done", "response.function_call_arguments.delta", "response.output_text.delta",
            "response.reasoning_summary_text.delta", "response.output_text.annotation.added",
        ],
    ],
    ids=["no beginnings", "no pieces", "no ends", "neither beginnings nor ends", "nothing but the response"],
)  # fmt: skip
def test_hosts_that_leave_events_out(kinds):
    """What no piece told comes with a later event; nothing is told twice."""
    decoder, chunks = run(wire(*without(RICH, *kinds)))
    plain = decode(RICH)
    assert decoder.response() == plain
    pieces = [piece for chunk in chunks for piece in chunk.tool_calls]
    calls = ["".join(piece.function.arguments for piece in pieces if piece.index == index) for index in (0, 1)]
    assert calls == [call.function.arguments for call in plain.tool_calls]
    assert [piece.id for piece in pieces if piece.id] == ["call_1", "call_2"]
    assert (texts(chunks), thoughts(chunks)) == (plain.text, plain.reasoning)


def test_a_response_without_its_output():
    """The items are those that the events gave, as from ChatGPT's own back end."""
    given = events(RICH)
    decoder, _ = run(wire(*given[:-1], {"type": "response.completed", "response": {**RICH, "output": []}}))
    assert decoder.response() == decode(RICH)
    decoder, _ = run(
        wire(*without(RICH, "response.completed", "response.output_item.done"), {"type": "response.completed", "response": {**RICH, "output": []}})
    )
    assert (decoder.response().text, decoder.response().reasoning) == (decode(RICH).text, "Hm.")
    assert decoder.response().tool_calls == decode(RICH).tool_calls


def test_items_are_known_by_their_number():
    """Some hosts give an item another id in each event."""
    given = [{**event, "item_id": f"other-{number}"} if "item_id" in event else event for number, event in enumerate(events(RICH))]
    assert run(wire(*given))[0].response() == decode(RICH)


@pytest.mark.parametrize("number", [None, 0], ids=["no numbers", "all numbered alike"])
def test_hosts_that_number_no_items(number):
    """Their ids, or the order in which they begin, tell them apart."""
    given = [{key: value for key, value in event.items() if key != "output_index"} for event in events(RICH)]
    if number is not None:
        given = [{**event, "output_index": number} if {"item", "item_id"} & event.keys() else event for event in given]
    decoder, chunks = run(wire(*given))
    assert decoder.response() == decode(RICH)
    assert texts(chunks) == decode(RICH).text


def test_parts_of_reasoning_are_set_off():
    """By a blank line, in chunks as in the whole."""
    value = response(
        {**REASONING, "summary": [{"type": "summary_text", "text": text} for text in ("one", "two")], "content": [{"type": "reasoning_text", "text": "three"}]}
    )
    decoder, chunks = run(wire(*events(value)))
    assert thoughts(chunks) == decoder.response().reasoning == "one\n\ntwo\n\nthree"


def test_what_else_is_handed_over():
    """Refusals, citations, sketches, code and the results of the provider's own tools are events of chunks without text."""
    sketch = {"type": "response.image_generation_call.partial_image", "output_index": 0, "partial_image_b64": "AAAA"}
    code = {"type": "response.code_interpreter_call_code.delta", "output_index": 0, "delta": "1+1"}
    quiet = {"type": "response.web_search_call.searching", "output_index": 0, "item_id": "ws_1"}
    _, chunks = run(wire(sketch, quiet, code, *events(response(SEARCH, message(CITED)))))
    shown = [chunk.event["type"] for chunk in chunks if chunk == ChatChunk()]
    assert shown == [sketch["type"], code["type"], "response.output_item.done", "response.output_text.annotation.added"]


def test_log_probabilities():
    """They are collected, and the text beside them is a text like any other."""
    scored = {"token": "a", "logprob": -0.1}
    delta = {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "a", "logprobs": [scored]}
    decoder, chunks = run(wire(delta, delta))
    assert texts(chunks) == "aa"
    assert decoder.response().choices[0].logprobs == {"content": [scored, scored]}


def test_events_beside_a_text():
    """A delta without text, one of another part, and a number of another kind leave the quick way without harm."""
    delta = {"type": "response.output_text.delta", "output_index": 0, "content_index": 0}
    given = [{**delta, "delta": text} for text in ("a", "b", "", "c")]
    given += [{**delta, "content_index": 1, "delta": "d"}, {**delta, "delta": "e"}, {"type": "response.output_text.delta", "output_index": 0, "delta": "f"}]
    decoder, chunks = run(wire(*given))
    assert texts(chunks) == "abcdef"
    assert decoder.response().text == "abcefd"
    assert (len(chunks), decoder.events) == (6, 7)


@pytest.mark.parametrize("kind", ["function_call_arguments", "reasoning_text", "reasoning_summary_text"])
def test_empty_pieces_are_swallowed(kind):
    """But they count as events."""
    decoder, chunks = run(wire({"type": f"response.{kind}.delta", "output_index": 0, "delta": ""}))
    assert (chunks, decoder.events) == ([], 1)


def test_events_of_kinds_that_nobody_knows_are_read_over():
    """New ones come without notice; null fields of an error say nothing."""
    decoder, _ = run(wire({"type": "keepalive"}, {"type": "response.new.delta", "error": None}, *events(response("a"))))
    assert decoder.response().text == "a"


def test_fields_beside_the_response():
    """They are the provider's own, as if they stood in it."""
    given = events(response("a"))
    given[-1]["copilot_usage"] = {"tokens": 1}
    assert run(wire(*given))[0].response().extra == {"copilot_usage": {"tokens": 1}}


# Failures.


@pytest.mark.parametrize(
    ("event", "kind", "code"),
    [
        ({"type": "error", "code": "rate_limit_exceeded", "message": "Slow.", "param": None}, RateLimitError, "rate_limit_exceeded"),
        ({"type": "error", "error": {"type": "tokens", "code": "rate_limit_exceeded", "message": "Slow."}}, RateLimitError, "rate_limit_exceeded"),
        ({"type": "error", "code": None, "message": "Oops."}, ApiError, None),
        ({"type": "error"}, ApiError, None),
        ({"error": {"code": 503, "message": "Busy."}}, ProviderUnavailableError, "503"),
        (
            {"type": "response.failed", "response": response(status="failed", error={"code": "invalid_prompt", "message": "No."})},
            ContentFilteredError,
            "invalid_prompt",
        ),
        ({"type": "response.failed", "response": {"error": {"code": "image_too_small", "message": "No."}}}, InvalidRequestError, "image_too_small"),
        ({"type": "response.failed", "response": {"id": "resp_1"}}, ApiError, "failed"),
        ({"type": "response.failed", "response": response(status="failed", error={"code": "vector_store_timeout", "message": "No."})}, TimeoutError, None),
    ],
    ids=["flat", "nested", "without a code", "without anything", "without a type", "failed", "failed barely", "failed silently", "a code of its own"],
)
def test_a_failure_comes_after_the_chunks_before_it(event, kind, code):
    """With the class that its code means, once."""
    decoder, chunks = run(wire(*events(response("abcd"))[:-2], event, {"type": "response.failed", "response": response(status="failed")}))
    assert isinstance(decoder.error, kind)
    assert code is None or decoder.error.code == code
    assert texts(chunks) == "abcd"
    assert not decoder.done


def test_a_cancelled_response():
    """With something said it is an answer that ended by an error; without, it is the error."""
    begun = events(response("abcd"))[:-1]
    end = {"type": "response.cancelled", "response": response(status="cancelled")}
    decoder, chunks = run(wire(*begun, end))
    assert (decoder.response().finish_reason, decoder.response().text, texts(chunks)) == ("error", "abcd", "abcd")
    assert isinstance(run(wire(end))[0].error, ApiError)


@pytest.mark.parametrize(
    "payload",
    [b"oops", b"[1]", b'"x"', b"{}", b'{"type": 7}', b'{"choices": []}', b'{"type": "response.completed"}', b'{"type": "response.output_item.added", "item": 7}',
     b'{"type": "response.output_text.delta", "delta": 7}', b'{"type": "response.refusal.delta", "delta": null}', b'{"type": "response.completed", "response": {"output": [{"type": 7}]}}'],
)  # fmt: skip
def test_garbage(payload):
    """It is a ResponseParsingError, after the chunks before it."""
    decoder, chunks = run(wire(*events(response("abcd"))[:-2], b"data: " + payload + b"\n\n", b"data: x\n\n"))
    assert type(decoder.error) is ResponseParsingError
    assert texts(chunks) == "abcd"


def test_numbers_beyond_64_bits():
    """They are read, though the quick reader refuses them."""
    delta = b'data: {"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"a","sequence_number":123456789012345678901234567890}\n\n'
    assert texts(run(delta + delta)[1]) == "aa"


def test_a_line_that_never_ends(monkeypatch):
    """Its error is the stream's."""
    decoder = OURS.stream("m", "req")
    monkeypatch.setattr(decoder._framing._sse._lines, "limit", 100)
    assert decoder.feed(b"data: " + b"x" * 200) == []
    assert type(decoder.error) is ResponseParsingError
    again = OURS.stream("m", "req")
    again.feed(b"data: x")
    monkeypatch.setattr(again._framing._sse, "_error", ResponseParsingError("", "too long"))
    assert again.finish() == []
    assert type(again.error) is ResponseParsingError


# Bodies that are no event stream.


@pytest.mark.parametrize("size", [1, 3, 4096])
def test_a_host_that_cannot_stream(size):
    """A plain answer is handed over as one chunk."""
    decoder, chunks = run(b"\n\n" + json.dumps(RICH).encode(), size=size)
    plain = decode(RICH)
    assert decoder.response() == plain
    assert decoder.done
    (chunk,) = chunks
    assert (chunk.text, chunk.reasoning, chunk.finish_reason, chunk.usage) == (plain.text, plain.reasoning, plain.finish_reason, plain.usage)
    assert [piece.id for piece in chunk.tool_calls] == ["call_1", "call_2"]


@pytest.mark.parametrize(
    ("raw", "kind"),
    [(b'{"error": {"message": "Slow.", "code": "rate_limit_exceeded"}}', RateLimitError), (b"<html>", ResponseParsingError), (b"oh", ResponseParsingError)],
    ids=["an error", "a page", "two letters"],
)
def test_other_bodies(raw, kind):
    """They mean what they would mean without a stream."""
    assert type(run(raw)[0].error) is kind


@pytest.mark.parametrize("raw", [b"", b"\n\n", b"\xef\xbb\xbf", b": x\n\n", b" " * 200], ids=["nothing", "blanks", "a mark", "a comment", "many blanks"])
def test_no_body(raw):
    """The stream has no end."""
    assert type(run(raw)[0].error) is StreamTruncatedError


def test_many_blank_lines_before_a_stream():
    """They are not kept."""
    decoder, chunks = run(b"\r\n" * 100 + wire(*events(response("a"))), size=16)
    assert (texts(chunks), decoder.error) == ("a", None)


def test_a_body_that_is_too_long(monkeypatch):
    """Not all of the world is kept in memory."""
    monkeypatch.setattr("llmclient.dialects.framing._BODY_LIMIT", 10)
    assert type(run(b'{"a": "' + b"x" * 20)[0].error) is ResponseParsingError


@pytest.mark.parametrize("start", [b"", b": hello\n\n", b"\n"], ids=["an event", "a comment", "a blank line"])
def test_a_stream_that_nobody_asked_for(start):
    """Some servers always stream; a plain call reads that too."""
    assert decode(start + wire(*events(RICH), named=False)) == decode(RICH)
    assert decode(start + wire(*events(RICH))) == decode(RICH)


def test_a_stream_that_nobody_asked_for_and_that_fails():
    """Its failure is raised."""
    with pytest.raises(StreamTruncatedError):
        decode(wire(*events(RICH)[:-1]))
