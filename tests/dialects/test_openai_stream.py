"""Streams in OpenAI's shape: chunks as they come, one usage, one end, and the same response as a plain answer."""

from __future__ import annotations

import base64
import contextlib
import gc
import json
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from llmclient import errors
from llmclient.dialects.openai import OpenAIChat
from llmclient.types.chat import ChatChunk, FunctionDelta, ToolCallDelta
from llmclient.types.usage import Usage
from tests.dialects.kit import choice, completion, decode, delta, run, wire

USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
TOTAL = Usage(prompt_tokens=3, completion_tokens=2, total_tokens=5)

FIELDS = "id choices index delta message content role tool_calls function name arguments usage error text type thinking reasoning_details logprobs".split()
WHOLE = [
    completion(
        {"role": "assistant", "content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "a"}]},
        usage={"prompt_tokens": 1, "prompt_tokens_details": {"cached_tokens": 1}},
    ),
    delta(
        {
            "role": "assistant",
            "content": "a",
            "reasoning_details": [{"type": "reasoning.text", "text": "hm", "index": 0}],
            "tool_calls": [{"index": 0, "id": "a", "type": "function", "function": {"name": "add", "arguments": "{}"}}],
            "refusal": "no",
            "annotations": [{"type": "url"}],
            "audio": {"id": "a", "data": "YQ==", "transcript": "t"},
        },
        "stop",
        usage={"prompt_tokens": 1},
    ),
]


def usage_event(**usage):
    return {"id": "c1", "object": "chat.completion.chunk", "choices": [], "usage": usage or USAGE}


def call(index=0, identity=None, name=None, arguments=None, **more):
    function = {} if name is None else {"name": name}
    if arguments is not None:
        function["arguments"] = arguments
    piece = {"index": index, "function": function, **more}
    if index is None:
        del piece["index"]
    return piece if identity is None else piece | {"id": identity, "type": "function"}


def calls(*pieces):
    return delta({"tool_calls": list(pieces)})


def told(decoder):
    return [(c.function.name, c.function.arguments) for c in decoder.response().tool_calls]


PLAIN = (delta({"role": "assistant", "content": ""}), delta({"content": "hel"}), delta({"content": "lo"}), delta({}, "stop"))


def test_a_plain_stream():
    """Text as it comes, the reason once, usage at the end, and the marker ends it."""
    decoder, chunks = run(wire(*PLAIN, usage_event()))
    assert [(c.text, c.finish_reason, c.usage) for c in chunks] == [("hel", None, None), ("lo", None, None), ("", "stop", None), ("", None, TOTAL)]
    assert decoder.done
    assert decoder.error is None
    assert decoder.events == 6
    assert chunks[0].event == PLAIN[1]
    assert all(type(chunk) is ChatChunk for chunk in chunks)
    r = decoder.response()
    assert (r.text, r.finish_reason, r.finish_reason_raw, r.usage, r.id, r.model) == ("hello", "stop", "stop", TOTAL, "c1", "m-1")


def test_chunks_are_frozen():
    """Those made the quick way, too."""
    _, chunks = run(wire(*PLAIN))
    for chunk in chunks:
        with pytest.raises(AttributeError):
            chunk.text = "x"
        with pytest.raises(AttributeError):
            del chunk.text
    assert chunks[1] == ChatChunk("lo")


@pytest.mark.parametrize("size", [1, 2, 7, 37, 300])
def test_the_bytes_may_be_split_anywhere(size):
    """The chunks and the response are the same."""
    raw = b": hello\n\n" + wire(*PLAIN, calls(call(0, "a", "add", "{}")), usage_event()).replace(b"\n", b"\r\n")
    whole, chunks = run(raw)
    split, pieces = run(raw, size=size)
    assert pieces == chunks
    assert split.response() == whole.response()
    assert split.events == whole.events


def test_what_comes_after_the_marker_is_ignored():
    """In the same bytes or in later ones."""
    decoder, chunks = run(wire(*PLAIN) + wire(delta({"content": "junk"})))
    assert "".join(c.text for c in chunks) == "hello"
    assert decoder.feed(wire(delta({"content": "junk"}))) == []
    assert decoder.finish() == []


@pytest.mark.parametrize("marker", [b"data: [DONE]\n\n", b"data:[DONE]\r\n\r\n", b"data:  [DONE] \n\n", b"data: [DONE]"])
def test_the_marker_in_its_spellings(marker):
    """With blanks, with other line ends, and without the last blank line."""
    decoder, chunks = run(wire(*PLAIN, done=False) + marker)
    assert decoder.done
    assert chunks[-1].finish_reason == "stop"


# The ends.


def test_an_end_of_body_after_the_reason_is_an_end():
    """Cerebras, Cohere and others send no marker."""
    decoder, chunks = run(wire(*PLAIN, usage_event(), done=False))
    assert decoder.error is None
    assert chunks[-1].usage == TOTAL
    assert decoder.response().finish_reason == "stop"


def test_an_end_of_body_without_a_reason_is_truncation():
    """What came is there, and has no finish reason."""
    decoder, chunks = run(wire(*PLAIN[:3], done=False))
    assert type(decoder.error) is errors.StreamTruncatedError
    assert "3 events" in decoder.error.message
    assert [c.text for c in chunks] == ["hel", "lo"]
    r = decoder.response()
    assert (r.text, r.finish_reason) == ("hello", None)


@pytest.mark.parametrize("empty", [{}, {"prompt_tokens": None, "completion_tokens": None, "total_tokens": None}])
def test_a_usage_without_a_count_takes_nothing_back(empty):
    """Hosts send such before the real one and after it."""
    without = {**usage_event(), "usage": empty}
    decoder, chunks = run(wire(without, *PLAIN, without, usage_event(), without))
    assert [TOTAL] == [c.usage for c in chunks if c.usage is not None] == [decoder.response().usage]


def test_usage_before_a_truncation_is_handed_over():
    """It was billed."""
    decoder, chunks = run(wire(*PLAIN[:3], usage_event(), done=False))
    assert type(decoder.error) is errors.StreamTruncatedError
    assert chunks[-1].usage == TOTAL


def test_one_unfinished_choice_of_two_is_truncation():
    """The other one's reason does not count for it."""
    decoder, _ = run(wire(delta({"content": "a"}, "stop"), delta({"content": "b"}, index=1), done=False))
    assert type(decoder.error) is errors.StreamTruncatedError
    assert [c.finish_reason for c in decoder.response().choices] == ["stop", None]


def test_a_marker_without_a_reason_ends_for_an_unknown_reason():
    """The provider says that it is done, not why."""
    decoder, chunks = run(wire(*PLAIN[:3]))
    assert decoder.error is None
    assert (chunks[-1].finish_reason, chunks[-1].text) == ("unknown", "")
    assert decoder.response().finish_reason == "unknown"


def test_a_marker_after_calls_without_a_reason():
    """Calls say themselves why the turn ended."""
    decoder, chunks = run(wire(calls(call(0, "a", "add", "{}"))))
    assert chunks[-1].finish_reason == "tool_calls"
    assert decoder.response().finish_reason == "tool_calls"


@pytest.mark.parametrize("events", [(), (delta({"role": "assistant", "content": ""}),), (usage_event(),), ({"choices": [], "prompt_filter_results": []},)])
def test_a_marker_after_nothing_is_truncation(events):
    """A success must say something."""
    decoder, _ = run(wire(*events))
    assert type(decoder.error) is errors.StreamTruncatedError
    assert not decoder.done


@pytest.mark.parametrize("raw", [b"", b"\n\n", b": keep-alive\n\n", b"\xef\xbb\xbf", b" " * 200])
def test_a_body_without_events_is_truncation(raw):
    """Comments and blank lines are no answer."""
    for size in (1, 1000):
        decoder, chunks = run(raw, size=size)
        assert type(decoder.error) is errors.StreamTruncatedError
        assert chunks == []


def test_a_reason_of_no_content_at_all_is_an_end():
    """A model may have nothing to say."""
    decoder, chunks = run(wire(delta({"role": "assistant"}), delta({}, "stop")))
    assert decoder.error is None
    assert [c.finish_reason for c in chunks] == ["stop"]
    assert decoder.response().text == ""


def test_an_empty_reason_is_no_end():
    """Some send "" with each event; when nothing else comes, it stays to be seen."""
    decoder, chunks = run(wire(delta({"content": "a"}, ""), delta({"content": "b"}, "stop")))
    assert [c.finish_reason for c in chunks] == [None, "stop"]
    decoder, _ = run(wire(delta({"content": "a"}, ""), done=False))
    assert type(decoder.error) is errors.StreamTruncatedError
    decoder, _ = run(wire(delta({"content": "a"}, "")))
    assert (decoder.response().finish_reason, decoder.response().finish_reason_raw) == ("unknown", "")


def test_a_second_reason_is_not_told():
    """Routers repeat it with the usage."""
    decoder, chunks = run(wire(delta({"content": "a"}, "stop"), delta({}, "length") | {"usage": USAGE}))
    assert [(c.text, c.finish_reason, c.usage) for c in chunks] == [("a", "stop", None), ("", None, TOTAL)]
    assert decoder.response().finish_reason_raw == "stop"


# Failures.


def test_an_error_in_the_stream():
    """Typed as its status would have been, after the chunks before it, and once."""
    decoder, chunks = run(wire(*PLAIN[:3], {"error": {"code": 429, "message": "slow down", "metadata": {}}}))
    assert type(decoder.error) is errors.RateLimitError
    assert [c.text for c in chunks] == ["hel", "lo"]
    assert not decoder.done
    assert decoder.feed(wire(*PLAIN)) == []
    assert decoder.response().finish_reason is None


def test_an_error_beside_choices():
    """OpenRouter sends both, with usage, and goes on to the marker; the text beside it is handed over."""
    failed = delta({"content": "!"}, "error") | {"error": {"code": 400, "message": "Token limit reached"}, "usage": USAGE}
    decoder, chunks = run(wire(*PLAIN[:3], failed))
    assert type(decoder.error) is errors.InvalidRequestError
    assert [(c.text, c.usage, c.finish_reason) for c in chunks] == [("hel", None, None), ("lo", None, None), ("!", None, None), ("", TOTAL, None)]


def test_an_error_event():
    """Named by its event, with the failure under `error` or bare."""
    raw = wire(*PLAIN[:2], done=False)
    decoder, _ = run(raw + b'event: error\ndata: {"error": {"type": "overloaded_error", "message": "x"}}\n\n')
    assert type(decoder.error) is errors.ProviderUnavailableError
    decoder, _ = run(raw + b'event: error\ndata: {"object": "error", "message": "x", "type": "invalid_request_error"}\n\n')
    assert type(decoder.error) is errors.InvalidRequestError
    decoder, _ = run(raw + b'event: error\ndata: {"message": "x", "code": "rate_limit_exceeded"}\n\n')
    assert type(decoder.error) is errors.RateLimitError


def test_groqs_own_error():
    """It stands beside empty choices."""
    decoder, _ = run(wire(*PLAIN[:3], {"choices": [], "x_groq": {"error": "over capacity"}}))
    assert "over capacity" in decoder.error.message


@pytest.mark.parametrize(
    ("event", "message"),
    [(b"not json", "not JSON: 'not json'"), (b"[1]", "a list, not an object"), (b'"x"', "a str"), (b'{"choices": [1]}', "a choice of the stream is a int")],
)
def test_events_that_cannot_be_read(event, message):
    """A broken event is said; the chunks before it are there."""
    decoder, chunks = run(wire(*PLAIN[:3], event))
    assert type(decoder.error) is errors.ResponseParsingError
    assert message in decoder.error.message
    assert [c.text for c in chunks] == ["hel", "lo"]


def test_numbers_that_only_the_standard_library_reads():
    """An integer beyond 64 bits, and NaN."""
    decoder, chunks = run(wire(b'{"id": "c", "big": 123456789012345678901234567890, "choices": [{"index": 0, "delta": {"content": "a"}, "p": NaN}]}', *PLAIN))
    assert "".join(c.text for c in chunks) == "ahello"
    assert decoder.error is None


def test_a_line_beyond_the_cap():
    """The failure of the line decoder is the stream's failure."""
    decoder = OpenAIChat().stream("m", "r")
    decoder._framing._sse._lines.limit = 100
    decoder.feed(b"data: " + b"x" * 200)
    assert type(decoder.error) is errors.ResponseParsingError
    decoder = OpenAIChat().stream("m", "r")
    decoder.feed(b"data: xxxxx")
    decoder._framing._sse._lines.limit = 5
    decoder.finish()
    assert type(decoder.error) is errors.ResponseParsingError


def test_an_end_by_failure():
    """Without content it raises, by the choice's own error where there is one; with content it is told."""
    decoder, _ = run(wire(delta({"role": "assistant"}), delta({}, "network_error")))
    assert type(decoder.error) is errors.ProviderUnavailableError
    assert decoder.response().choices[0].finish_reason is None
    failed = delta({}, "error")
    failed["choices"][0]["error"] = {"code": 429, "message": "slow"}
    assert type(run(wire(failed))[0].error) is errors.RateLimitError
    decoder, chunks = run(wire(delta({"content": "half"}), delta({}, "network_error")))
    assert decoder.error is None
    assert chunks[-1].finish_reason == "error"
    assert (decoder.response().finish_reason, decoder.response().text) == ("error", "half")


# Bodies that are no stream.


@pytest.mark.parametrize("size", [1, 5, 1000])
def test_an_error_document_in_place_of_a_stream(size):
    """The content type lies on errors: JSON comes as an event stream."""
    raw = b'\n{\n  "error": {\n    "code": 429,\n    "message": "slow down"\n  }\n}\n'
    decoder, chunks = run(raw, size=size)
    assert type(decoder.error) is errors.RateLimitError
    assert chunks == []
    assert type(run(b'[{"error": {"code": 400, "message": "x"}}]', size=size)[0].error) is errors.InvalidRequestError


@pytest.mark.parametrize("raw", [b"<html>Sign in</html>", b"{}", b"3", b"upstream timed out", b"{", b'"x"', b'{"choices": []}'])
def test_another_document_in_place_of_a_stream(raw):
    """It is no answer, and the error shows it."""
    for size in (1, 1000):
        decoder, _ = run(raw, size=size)
        assert type(decoder.error) is errors.ResponseParsingError
        assert raw.decode()[:3] in decoder.error.message


def test_a_whole_answer_in_place_of_a_stream():
    """Given in chunks, one a choice, with the usage on the last."""
    message = {"role": "assistant", "content": "hi", "reasoning": "hm", "tool_calls": [{"id": "a", "type": "function", "function": {"name": "add"}}]}
    value = completion(message, "stop", usage=USAGE)
    value["choices"].append(choice({"content": "second"}, "length", index=1))
    decoder, chunks = run(json.dumps(value).encode())
    assert decoder.error is None
    assert [(c.index, c.text, c.reasoning, c.finish_reason, c.usage) for c in chunks] == [
        (0, "hi", "hm", "tool_calls", None),
        (1, "second", None, "length", TOTAL),
    ]
    assert chunks[0].tool_calls == (ToolCallDelta(0, "a", FunctionDelta("add", "{}")),)
    assert decoder.response() == decode(value)
    assert decoder.events == 1
    without = run(json.dumps(completion()).encode())[1]
    assert without[0].usage is None


def test_a_document_beyond_the_cap(monkeypatch):
    """What is no stream is kept until its end, but not without limit."""
    monkeypatch.setattr("llmclient.dialects.framing._BODY_LIMIT", 10)
    decoder, _ = run(b'{"choices": [1, 2, 3]}', size=8)
    assert "longer than 10 bytes" in decoder.error.message


def test_a_whole_answer_as_an_event():
    """Perplexity sends the whole message beside each delta; others send it alone."""
    both = delta({"content": "hi"}, "stop")
    both["choices"][0]["message"] = {"role": "assistant", "content": "all of it"}
    assert run(wire(both))[0].response().text == "hi"
    _, chunks = run(wire(completion({"role": "assistant", "content": "hello"})))
    assert [(c.text, c.finish_reason) for c in chunks] == [("hello", "stop")]
    repeated = completion({"role": "assistant", "content": "hello"}, None)
    assert run(wire(*PLAIN[:3], repeated, PLAIN[3]))[0].response().text == "hello"


def test_completions_of_the_older_kind():
    """Their text stands in the choice itself."""
    event = {"id": "c", "choices": [{"index": 0, "text": "hi", "finish_reason": "stop"}]}
    assert run(wire(event))[0].response().text == "hi"


# Usage.


@pytest.mark.parametrize(
    "events",
    [
        (*PLAIN, usage_event()),
        (*PLAIN[:3], PLAIN[3] | {"usage": USAGE}),
        (*PLAIN[:3], PLAIN[3] | {"x_groq": {"id": "r", "usage": USAGE}}),
        (*PLAIN[:3], PLAIN[3] | {"x_groq": {"usage": USAGE}, "usage": USAGE}, usage_event()),
        (*PLAIN[:3], PLAIN[3] | {"usage": USAGE}, {"choices": []}),
        (*PLAIN[:2], PLAIN[2] | {"usage": USAGE}, PLAIN[3]),
        (*PLAIN[:2], usage_event(), *PLAIN[2:]),
        (PLAIN[1] | {"usage": {"prompt_tokens": 1}}, PLAIN[2] | {"usage": {"prompt_tokens": 2}}, PLAIN[3] | {"usage": USAGE}),
        (*PLAIN[:3], {**PLAIN[3], "choices": [{**PLAIN[3]["choices"][0], "usage": USAGE}]}),
        (*PLAIN[:2], usage_event(prompt_tokens=1), *PLAIN[2:], usage_event()),
    ],
    ids=["alone", "with the reason", "x_groq", "thrice", "then nothing", "early with text", "early alone", "running", "choice", "twice"],
)
@pytest.mark.parametrize("done", [True, False])
def test_usage_is_on_one_chunk_only(events, done):
    """The last that came, on one chunk at the end, never summed, wherever the host says it."""
    decoder, chunks = run(wire(*events, done=done))
    assert decoder.error is None
    assert [c.usage for c in chunks if c.usage is not None] == [TOTAL]
    assert chunks[-1].usage == TOTAL
    assert [c.finish_reason for c in chunks if c.finish_reason] == ["stop"]
    assert "".join(c.text for c in chunks) == "hello"
    assert decoder.response().usage == TOTAL


def test_usage_on_the_last_chunk_needs_no_chunk_of_its_own():
    """The chunk that carried it is given with it."""
    chunks = run(wire(*PLAIN[:3], PLAIN[3] | {"usage": USAGE}))[1]
    assert len(chunks) == 3
    assert (chunks[-1].finish_reason, chunks[-1].usage) == ("stop", TOTAL)


def test_usage_that_says_nothing():
    """Empty objects and nulls are no usage."""
    chunks = run(wire(*PLAIN, {"choices": [], "usage": {}}))[1]
    assert all(c.usage is None for c in chunks)
    assert len(chunks) == 3


def test_usage_with_the_quirk_and_a_cost_beside_it():
    """As in a plain answer."""
    event = {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 9}, "cost": 0.5}
    decoder, chunks = run(wire(*PLAIN, event), OpenAIChat(reasoning_outside=True))
    assert chunks[-1].usage.completion_tokens == 6
    assert decoder.response().usage == chunks[-1].usage


# Calls.


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([call(0, "a", "add", ""), call(0, None, None, '{"x"'), call(0, None, None, ": 1}")], [("add", '{"x": 1}')]),
        ([call(0, "a", "add", '{"x": 1}')], [("add", '{"x": 1}')]),
        ([call(0, "a", "add", "{}"), call(1, "b", "sub", "{}")], [("add", "{}"), ("sub", "{}")]),
        ([call(1, "a", "add", ""), call(2, "b", "sub", ""), call(1, None, None, "{}"), call(2, None, None, '{"y":2}')], [("add", "{}"), ("sub", '{"y":2}')]),
        ([call(0, "a", "add", '{"x'), call(0, "", "", '":1}', type="")], [("add", '{"x":1}')]),
        ([call(0, "a", "add", '{"x'), call(0, "a", "add", '":1}')], [("add", '{"x":1}')]),
        ([call(0, "a", "add", '{"x'), call(0, "b", None, '":1}')], [("add", '{"x":1}')]),
        ([call(0, "a", "add", "{}"), call(0, "b", "sub", "{}")], [("add", "{}"), ("sub", "{}")]),
        ([call(0, "a", "add", "{}"), call(0, "b", "add", "{}")], [("add", "{}"), ("add", "{}")]),
        ([call(0, "", "add", "{}"), call(0, "", "sub", "{}")], [("add", "{}"), ("sub", "{}")]),
        ([call(None, "a", "add", "{}"), call(None, "b", "sub", "{}")], [("add", "{}"), ("sub", "{}")]),
        ([call(None, "a", "add", '{"x'), call(None, "a", None, '":1}')], [("add", '{"x":1}')]),
        ([call(None, "a", "add", '{"x'), call(None, None, None, '":1}')], [("add", '{"x":1}')]),
        ([call(None, None, "add", "{}"), call(None, None, "sub", '{"y":'), call(None, None, None, "2}")], [("add", "{}"), ("sub", '{"y":2}')]),
        ([call(0, "a", None, None), call(0, None, "add", None), call(0, None, None, "{}")], [("add", "{}")]),
        ([call(0, "a", "add", None)], [("add", "{}")]),
        ([call(0, "a", "add", {"x": 1})], [("add", '{"x":1}')]),
        ([call(0, "a", "add", "null")], [("add", "{}")]),
        ([call(0, None, "add", '{"x":'), call(0, None, "add", "1}")], [("add", '{"x":1}')]),
        ([call(0, None, "add", '{"x": "}'), call(0, None, "add", '"}')], [("add", '{"x": "}"}')]),
    ],
)
def test_pieces_of_calls(pieces, expected):
    """Every way in which hosts number, name and repeat them; the deltas add up to the same."""
    decoder, chunks = run(wire(*(calls(piece) for piece in pieces), delta({}, "stop")))
    assert told(decoder) == expected
    assert decoder.response().finish_reason == "tool_calls"
    assert chunks[-1].finish_reason == "tool_calls"
    seen = [piece for chunk in chunks for piece in chunk.tool_calls]
    for order, (name, arguments) in enumerate(expected):
        mine = [piece for piece in seen if piece.index == order]
        assert [piece.id for piece in mine if piece.id] == [decoder.response().tool_calls[order].id]
        assert mine[0].id
        assert [piece.function.name for piece in mine if piece.function.name] == [name]
        assert "".join(piece.function.arguments for piece in mine) in (arguments, "" if arguments == "{}" else arguments, "null")
    assert {piece.index for piece in seen} == set(range(len(expected)))


def test_several_pieces_in_one_event():
    """Whole calls in one delta are one chunk."""
    chunks = run(wire(calls(call(0, "a", "add", "{}"), call(1, "b", "sub", "{}")), delta({}, "tool_calls")))[1]
    assert chunks[0].tool_calls == (ToolCallDelta(0, "a", FunctionDelta("add", "{}")), ToolCallDelta(1, "b", FunctionDelta("sub", "{}")))


def test_pieces_with_nothing_in_them_give_no_chunk():
    """An empty piece of a known call, and things that are no pieces."""
    chunks = run(wire(calls(call(0, "a", "add", "{}")), calls(call(0, None, None, "")), calls("odd"), delta({}, "stop")))[1]
    assert len(chunks) == 2


def test_ids_are_made_as_in_plain_answers():
    """So that both give the same response."""
    decoder, chunks = run(wire(calls(call(0, "", "add", "{}")), delta({}, "stop")))
    plain = decode(completion({"role": "assistant", "content": None, "tool_calls": [{"id": "", "function": {"name": "add"}}]}))
    assert decoder.response().tool_calls == plain.tool_calls
    assert chunks[0].tool_calls[0].id == plain.tool_calls[0].id


def test_the_older_function_call():
    """In pieces, without number and id."""
    pieces = ({"name": "add", "arguments": ""}, {"arguments": "{}"})
    decoder, _ = run(wire(*(delta({"function_call": piece}) for piece in pieces), delta({}, "function_call")))
    assert told(decoder) == [("add", "{}")]


def test_custom_calls():
    """Their input is text in pieces."""
    first = {"index": 0, "id": "c", "type": "custom", "custom": {"name": "code", "input": ""}}
    more = [calls({"index": 0, "custom": {"input": piece}}) for piece in ("print", "(1)")]
    decoder, _ = run(wire(calls(first), *more, delta({}, "tool_calls")))
    made = decoder.response().tool_calls[0]
    assert (made.type, made.function.name, made.function.arguments) == ("custom", "code", "print(1)")


def test_signatures_of_calls_are_kept():
    """Fields of the provider's own, wherever they come."""
    decoder, _ = run(wire(calls(call(0, "a", "add", "{}", extra_content={"s": 1}, none=None)), delta({}, "stop")))
    assert decoder.response().tool_calls[0].extra == {"extra_content": {"s": 1}}


# Reasoning and odd deltas.


def test_reasoning_in_pieces():
    """Under either name, beside the content or within it."""
    last = delta({"content": "yes", "reasoning": None}, "stop")
    decoder, chunks = run(wire(delta({"reasoning_content": "h"}), delta({"reasoning": "m", "content": ""}), last))
    assert [(c.text, c.reasoning) for c in chunks] == [("", "h"), ("", "m"), ("yes", None)]
    assert decoder.response().reasoning == "hm"
    thinking = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]
    decoder, chunks = run(wire(delta({"content": thinking}), delta({"content": [{"type": "text", "text": "yes"}]}, "stop")))
    assert [(c.text, c.reasoning) for c in chunks] == [("", "hm"), ("yes", None)]
    assert (decoder.response().text, decoder.response().reasoning) == ("yes", "hm")


def test_content_that_is_no_text():
    """A number in place of text is a failure, not silence."""
    assert type(run(wire(delta({"content": 3})))[0].error) is errors.ResponseParsingError


def test_reasoning_details_are_joined():
    """Pieces of one detail make it up again; the state is the same as that of a plain answer."""
    pieces = [
        [{"type": "reasoning.text", "text": "h", "index": 0, "format": "f"}],
        [{"type": "reasoning.text", "text": "m", "index": 0, "signature": None}, "odd"],
        [{"type": "reasoning.text", "index": 0, "signature": "s"}],
        [{"type": "reasoning.encrypted", "data": "x", "index": 1}],
        [{"type": "reasoning.summary", "index": 2}, {"type": "reasoning.summary", "index": 2, "summary": "t"}],
    ]
    events = [delta({"reasoning_details": piece, "content": ""}) for piece in pieces]
    decoder, chunks = run(wire(*events, delta({"content": "yes"}, "stop")))
    details = [
        {"type": "reasoning.text", "text": "hm", "index": 0, "format": "f", "signature": "s"},
        {"type": "reasoning.encrypted", "data": "x", "index": 1},
        {"type": "reasoning.summary", "index": 2, "summary": "t"},
    ]
    plain = decode(completion({"role": "assistant", "content": "yes", "reasoning_details": details}))
    assert decoder.response() == plain
    assert [c.reasoning for c in chunks] == ["h", "m", "t", None]


@pytest.mark.parametrize(
    "text", ["<think>hm</think>yes", " \n<think>\nhm\n</think>\n\nyes", "<think>hm", "plain <think>", "<thi", "a</think>b", "<think>a</thi"]
)
@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_think_tags_in_pieces(text, size):
    """However the text is cut, thought and text add up to the same, and the response is that of a plain answer."""
    dialect = OpenAIChat(think_tags=True)
    events = [delta({"content": text[start : start + size]}) for start in range(0, len(text), size)]
    plain = decode(completion({"role": "assistant", "content": text}), dialect)
    for end in ((delta({}, "stop"),), ()):
        decoder, chunks = run(wire(*events, *end), dialect)
        assert "".join(c.text for c in chunks) == plain.text
        assert "".join(c.reasoning or "" for c in chunks).strip() == (plain.reasoning or "")
        assert (decoder.response().text, decoder.response().reasoning) == (plain.text, plain.reasoning)


def test_refusals_annotations_audio_and_own_fields():
    """All that a plain answer can hold comes in pieces, too."""
    first, second = base64.b64encode(b"ab").decode(), base64.b64encode(b"cd").decode()
    events = [
        delta({"role": "assistant", "content": None}),
        delta({"refusal": "I "}),
        delta({"refusal": "can't"}),
        delta({"annotations": [{"type": "a"}]}),
        delta({"annotations": [{"type": "b"}]}),
        delta({"audio": {"id": "audio_1", "transcript": "he"}}),
        delta({"audio": {"data": first, "transcript": "y", "none": None}}),
        delta({"audio": {"data": second}}),
        delta({"images": [{"u": 1}], "channel": "final", "nothing": None, "token_id": 7}),
        delta({"images": [{"u": 2}]}),
    ]
    decoder, chunks = run(wire(*events, delta({}, "stop")))
    message = decoder.response().message
    assert message.refusal == "I can't"
    assert message.annotations == ({"type": "a"}, {"type": "b"})
    assert message.audio == {"id": "audio_1", "transcript": "hey", "data": base64.b64encode(b"abcd").decode()}
    assert message.extra == {"images": [{"u": 1}, {"u": 2}], "channel": "final"}
    assert decoder.response().finish_reason == "content_filter"
    assert [chunk.event for chunk in chunks] == [*events[1:8], delta({}, "stop")]


def test_recordings_are_joined():
    """Pieces without padding are one text; broken ones are left as they came."""
    whole = run(wire(delta({"audio": {"id": "a", "data": "YWJj"}}), delta({"audio": {"data": "ZGVm"}}, "stop")))[0].response().message.audio
    assert whole["data"] == "YWJjZGVm"
    broken = run(wire(delta({"audio": {"id": "a", "data": "YQ="}}), delta({"audio": {"data": "ZA=="}}, "stop")))[0].response().message.audio
    assert broken["data"] == "YQ=ZA=="


def test_logprobs_are_collected():
    """Each event brings those of its tokens."""
    events = [delta({"content": letter}) for letter in "ab"]
    for event, letter in zip(events, "ab", strict=True):
        event["choices"][0]["logprobs"] = {"content": [{"token": letter}], "refusal": None}
    decoder, chunks = run(wire(delta({"content": "x"}), *events, delta({"content": "c"}), delta({}, "stop")))
    assert decoder.response().choices[0].logprobs == {"content": [{"token": "a"}, {"token": "b"}]}
    assert "".join(c.text for c in chunks) == "xabc"


# Tops and choices.


def test_several_choices():
    """Chunks say whose they are, and the response has all in order."""
    events = [delta({"content": "b"}, index=1), delta({"content": "a"}), delta({"content": "B"}, index=1), delta({}, "length", index=1), delta({}, "stop")]
    decoder, chunks = run(wire(*events))
    assert [(c.index, c.text, c.finish_reason) for c in chunks] == [(1, "b", None), (0, "a", None), (1, "B", None), (1, "", "length"), (0, "", "stop")]
    r = decoder.response()
    assert [(c.index, c.message.content, c.finish_reason) for c in r.choices] == [(0, "a", "stop"), (1, "bB", "length")]
    assert r.text == "a"


def test_two_choices_in_one_event():
    """Each gives a chunk of its own; a missing number is the place in the list."""
    event = delta()
    event["choices"] = [{"delta": {"content": "a"}, "finish_reason": "stop"}, {"delta": {"content": "b"}, "finish_reason": "stop"}]
    assert [(c.index, c.text) for c in run(wire(event))[1]] == [(0, "a"), (1, "b")]


def test_azures_first_and_last_chunks():
    """No choices, empty names, choices without delta: the names come from the events that have them."""
    first = {"id": "", "model": "", "object": "", "created": 0, "choices": [], "prompt_filter_results": [{"prompt_index": 0}]}
    offsets = {"id": "", "model": "", "choices": [{"index": 0, "finish_reason": None, "content_filter_offsets": {"start": 0}}]}
    decoder, chunks = run(wire(first, *PLAIN, offsets, usage_event()))
    r = decoder.response()
    assert (r.id, r.model, r.created.year) == ("c1", "m-1", 2023)
    assert r.extra["prompt_filter_results"] == [{"prompt_index": 0}]
    assert [c.text for c in chunks] == ["hel", "lo", "", ""]


def test_fields_of_the_providers_own():
    """The last word counts, for fields that come with each event."""
    events = [PLAIN[1] | {"citations": ["a"], "provider": "Google"}, PLAIN[2] | {"citations": ["a", "b"], "provider": "Google"}, PLAIN[3] | {"x": None}]
    assert run(wire(*events))[0].response().extra == {"citations": ["a", "b"], "upstream_provider": "Google"}


def test_events_without_choices():
    """Null and missing ones are events with nothing in them; they count as signs of life."""
    decoder, chunks = run(wire({"id": "c1"}, {"id": "c1", "choices": None}, *PLAIN))
    assert decoder.events == 7
    assert [c.text for c in chunks] == ["hel", "lo", ""]


def test_an_odd_event_among_plain_ones():
    """The quick way is left and taken up again; nothing that differs slips through it."""
    text = [delta({"content": letter}) for letter in "abcdefgh"]
    odd = [
        text[0], text[1], text[2],
        text[3] | {"usage": {"prompt_tokens": 9}},
        delta({"content": ""}), delta({"content": None}), delta({"refusal": "r"}), delta({"content": "i"}, index=1),
        text[4], delta({"content": "!"}, ""), text[5],
    ]  # fmt: skip
    decoder, chunks = run(wire(*PLAIN[:3], *odd, delta({}, "stop"), delta({}, "stop", index=1)))
    r = decoder.response()
    assert r.text == "helloabcde!f"
    assert r.usage.prompt_tokens == 9
    assert r.choices[1].message.content == "i"
    assert r.message.refusal == "r"
    assert "".join(c.text for c in chunks if c.index == 0) == r.text


def test_an_envelope_in_a_stream():
    """Cloudflare's native events hold bare text."""
    dialect = OpenAIChat(envelope="result")
    decoder, chunks = run(wire({"response": "hel"}, {"response": "lo", "p": "x"}, {"response": "", "usage": USAGE}), dialect)
    assert decoder.error is None
    assert [c.text for c in chunks if c.text] == ["hel", "lo"]
    assert (decoder.response().text, decoder.response().finish_reason, decoder.response().usage) == ("hello", "unknown", TOTAL)


@pytest.mark.parametrize(
    "message",
    [
        {"role": "assistant", "content": "hello there"},
        {"role": "assistant", "content": "hello", "reasoning_content": "hm"},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "a", "type": "function", "function": {"name": "add", "arguments": '{"x": 1}'}}]},
        {"role": "assistant", "content": None, "refusal": "no"},
        {"role": "assistant", "content": ""},
    ],
)
def test_the_response_equals_a_plain_one(message):
    """The same answer, streamed piece by piece, gives the same response."""
    pieces = [{"role": "assistant"}]
    pieces += [{"reasoning_content": letter} for letter in message.get("reasoning_content", "")]
    pieces += [{"content": letter} for letter in message["content"] or ""] or [{"content": message["content"]}]
    pieces += [{"refusal": letter} for letter in message.get("refusal", "")]
    for made in message.get("tool_calls", ()):
        pieces.append({"tool_calls": [call(0, made["id"], made["function"]["name"], "")]})
        pieces += [{"tool_calls": [call(0, None, None, letter)]} for letter in made["function"]["arguments"]]
    decoder, _ = run(wire(*map(delta, pieces), delta({}, "stop"), usage_event()))
    plain = decode(completion(message, "stop", usage=USAGE))
    if message["content"] is None and not message.get("tool_calls"):
        plain = decode(completion(message | {"content": ""}, "stop", usage=USAGE))
    assert decoder.response() == plain


@pytest.mark.slow
def test_a_plain_stream_takes_two_microseconds_an_event():
    """The promise of speed, on a quiet machine; twice as much is allowed here."""
    raw = wire(delta({"role": "assistant", "content": ""}), *(delta({"content": f" word{n % 90}"}) for n in range(2000)), delta({}, "stop"))
    best = 1.0
    for _ in range(7):
        gc.collect()
        start = time.perf_counter()
        decoder, chunks = run(raw, size=65536)
        best = min(best, time.perf_counter() - start)
    assert decoder.error is None
    assert len(chunks) == 2001
    assert best / 2003 < 4e-6


# Whatever comes.

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 3) | st.floats(allow_nan=True) | st.sampled_from(["", "x", "stop", "error", "<think>", "function"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4),
    max_leaves=8,
)


def replaced(value, path, other):
    """Return a value in which what stands at a path is another."""
    if not path:
        return other
    if isinstance(value, dict) and value:
        key = sorted(value)[path[0] % len(value)]
        return value | {key: replaced(value[key], path[1:], other)}
    if isinstance(value, list) and value:
        at = path[0] % len(value)
        return [*value[:at], replaced(value[at], path[1:], other), *value[at + 1 :]]
    return other


@given(st.sampled_from(WHOLE), st.lists(st.integers(0, 9), max_size=7), JSON, st.booleans())
@example(WHOLE[1], [1, 0, 0, 0, 2], 3, False)
def test_odd_shapes_never_escape(value, path, other, tags):
    """Any field may be of any kind: a plain answer then raises an error of the tree, a stream keeps one, and no other comes out."""
    dialect = OpenAIChat(provider="acme", think_tags=tags)
    raw = json.dumps(replaced(value, path, other)).encode()
    with contextlib.suppress(errors.ProviderError):
        dialect.decode(raw, "m", "r")
    decoder, chunks = run(wire(raw, delta({"content": "x"}, "stop")), dialect)
    assert decoder.done or decoder.error is not None
    assert all(isinstance(chunk.text, str) for chunk in chunks)
    assert all(choice.message.role for choice in decoder.response().choices)


def test_a_field_of_another_kind_is_a_failure_of_the_stream():
    """The chunks before it are handed over."""
    decoder, chunks = run(wire(*PLAIN[:3], delta({"tool_calls": 5})))
    assert type(decoder.error) is errors.ResponseParsingError
    assert "odd shape" in decoder.error.message
    assert [c.text for c in chunks] == ["hel", "lo"]


def test_text_beside_empty_fields_is_plain_text():
    """Hosts repeat the role and send nulls; a field that says something is not overlooked."""
    empty = {"role": "assistant", "reasoning": None, "reasoning_details": [], "refusal": ""}
    events = [delta({**empty, "content": letter}) for letter in "abc"]
    odd = delta({**empty, "content": "d", "reasoning": "hm"})
    decoder, chunks = run(wire(*PLAIN[:1], *events, odd, *events, delta({}, "stop")))
    assert [(c.text, c.reasoning) for c in chunks[:5]] == [("a", None), ("b", None), ("c", None), ("d", "hm"), ("a", None)]
    assert (decoder.response().text, decoder.response().reasoning) == ("abcdabc", "hm")
