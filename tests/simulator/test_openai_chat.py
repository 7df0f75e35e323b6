"""Chat completions over HTTP: OpenAI's shapes, its checks and its complaints."""

import json
import time

import pytest

from llmclient.simulator import Simulator

TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}}}
OTHER = {"type": "function", "function": {"name": "g"}}
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
USER = {"role": "user", "content": "hi"}


def chunks(response):
    """Return the events of a stream; its end marker must be there."""
    events = response.content.split(b"\n\n")
    assert events[-2:] == [b"data: [DONE]", b""]
    return [json.loads(event.removeprefix(b"data: ")) for event in events[:-2]]


def test_a_plain_answer_in_full(ask):
    """Every field, with its value."""
    response = ask("Hello there, world")
    answer = response.json()
    assert answer.pop("id").startswith("chatcmpl-")
    assert answer == {
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "echo",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Hello there, world", "refusal": None, "annotations": []},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": 9,
            "completion_tokens": 3,
            "total_tokens": 12,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0, "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0},
        },
        "service_tier": "default",
        "system_fingerprint": "fp_simulator",
    }
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-request-id"].startswith("req_")


def test_the_same_request_gets_the_same_answer(ask):
    """Another gets another id."""
    assert ask("a").content == ask("a").content
    assert ask("a").json()["id"] != ask("b").json()["id"]


def test_another_seed_and_a_clock_change_answers(http):
    """Ids and words differ, and the time is the clock's."""
    body = {"model": "lorem", "messages": [USER]}
    answers = []
    for seed in (0, 1):
        with Simulator(seed=seed, clock=lambda: 1_234.5) as simulator:
            answers.append(http.post(simulator.url + "/v1/chat/completions", json=body).json())
    assert answers[0]["id"] != answers[1]["id"]
    assert answers[0]["choices"] != answers[1]["choices"]
    assert {answer["created"] for answer in answers} == {1_234}


def test_a_stream_in_full(ask):
    """The role first, text by words, the reason to finish, the usage, the end marker."""
    response = ask("Hello there", stream=True, stream_options={"include_usage": True, "include_obfuscation": False})
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    events = chunks(response)
    shared = {"object": "chat.completion.chunk", "created": 1_700_000_000, "model": "echo", "service_tier": "default", "system_fingerprint": "fp_simulator"}
    assert all(shared.items() <= event.items() and event["id"].startswith("chatcmpl-") for event in events)
    choice = {"index": 0, "logprobs": None, "finish_reason": None}
    assert [event["choices"] for event in events] == [
        [choice | {"delta": {"role": "assistant", "content": "", "refusal": None}}],
        [choice | {"delta": {"content": "Hello"}}],
        [choice | {"delta": {"content": " there"}}],
        [choice | {"delta": {}, "finish_reason": "stop"}],
        [],
    ]
    assert [event["usage"] for event in events] == [None] * 4 + [ask("Hello there").json()["usage"]]


def test_a_long_stream_comes_whole(ask):
    """Two thousand chunks, all there and in order."""
    events = chunks(ask(model="lorem", max_tokens=2_000, stream=True))
    assert len(events) == 2_002
    text = "".join(event["choices"][0]["delta"].get("content", "") for event in events)
    assert text == ask(model="lorem", max_tokens=2_000).json()["choices"][0]["message"]["content"]


def test_usage_comes_only_when_asked_for(ask):
    """Without the option, chunks have no such field, but the filler that OpenAI adds."""
    events = chunks(ask("Hello there", stream=True))
    assert not any("usage" in event for event in events)
    assert all("obfuscation" in event for event in events)
    assert events[-1]["choices"][0]["finish_reason"] == "stop"


def test_tool_calls_come_in_pieces(ask):
    """The first piece has id and name, the others more of the arguments; each call has its index."""
    body = {"tools": [TOOL, OTHER], "model": "echo"}
    whole = ask("f and g", **body).json()["choices"][0]
    events = chunks(ask("f and g", stream=True, **body))
    pieces = [event["choices"][0]["delta"]["tool_calls"][0] for event in events if "tool_calls" in event["choices"][0]["delta"]]
    for index, call in enumerate(whole["message"]["tool_calls"]):
        own = [piece for piece in pieces if piece["index"] == index]
        assert own[0]["function"] == {"name": call["function"]["name"], "arguments": ""}
        assert own[0]["type"] == "function"
        assert "".join(piece["function"]["arguments"] for piece in own) == call["function"]["arguments"]
        assert not any("id" in piece or "name" in piece["function"] for piece in own[1:])
    assert len(pieces) > 4
    assert whole["message"]["content"] is None
    assert whole["finish_reason"] == events[-1]["choices"][0]["finish_reason"] == "tool_calls"


def test_a_named_tool_finishes_with_stop(ask):
    """As it does at OpenAI."""
    choice = ask(tools=[TOOL], tool_choice={"type": "function", "function": {"name": "f"}}).json()["choices"][0]
    assert choice["message"]["tool_calls"][0]["function"] == {"name": "f", "arguments": '{"a":1}'}
    assert choice["finish_reason"] == "stop"


def test_reasoning_comes_before_the_answer(ask):
    """In its own field, counted among the completion tokens."""
    plain = ask("one two", model="reasoner", reasoning_effort="low").json()
    message = plain["choices"][0]["message"]
    assert message["reasoning_content"] == "The user wrote 2 words."
    assert message["content"] == "one two"
    assert plain["usage"]["completion_tokens"] == 7
    assert plain["usage"]["completion_tokens_details"]["reasoning_tokens"] == 5
    deltas = [event["choices"][0]["delta"] for event in chunks(ask("one two", model="reasoner", reasoning_effort="low", stream=True))]
    kinds = [next(iter(delta)) for delta in deltas if delta and "role" not in delta]
    assert kinds == ["reasoning_content"] * 5 + ["content"] * 2


def test_several_answers_take_turns_in_a_stream(ask):
    """Each chunk has one choice, and each choice its own reason to finish."""
    events = chunks(ask("one two", n=2, stream=True))
    assert [event["choices"][0]["index"] for event in events] == [0, 1] * 4
    assert ask("one two", n=2).json()["usage"]["completion_tokens"] == 4


def test_likelihoods_are_the_same_in_a_stream(ask):
    """Token by token."""
    body = {"logprobs": True, "top_logprobs": 2}
    whole = ask("of the", **body).json()["choices"][0]["logprobs"]
    events = chunks(ask("of the", stream=True, **body))
    assert [score for event in events if event["choices"][0]["logprobs"] for score in event["choices"][0]["logprobs"]["content"]] == whole["content"]
    first = whole["content"][0]
    assert (first["token"], first["bytes"]) == ("of", [111, 102])
    assert [score["token"] for score in whole["content"][1]["top_logprobs"]] == [" the", " a"]
    assert first["logprob"] == first["top_logprobs"][0]["logprob"] > first["top_logprobs"][1]["logprob"]
    assert ask("of the", logprobs=True).json()["choices"][0]["logprobs"]["content"][0]["top_logprobs"] == []


def test_limits_and_stops(ask):
    """Both names of the limit, and one or several stops."""
    assert ask("a b c", max_tokens=1).json()["choices"][0]["finish_reason"] == "length"
    assert ask("a b c", max_completion_tokens=2).json()["choices"][0]["message"]["content"] == "a b"
    assert ask("a b c", stop="b").json()["choices"][0]["message"]["content"] == "a "
    assert ask("a b c", stop=["", "c", "b"]).json()["choices"][0]["message"]["content"] == "a "


def test_json_answers(ask):
    """An object, or what satisfies a schema, however the model is called."""
    assert json.loads(ask("hi", response_format={"type": "json_object"}).json()["choices"][0]["message"]["content"]) == {"echo": "hi"}
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object", "properties": {"n": {"type": "integer", "minimum": 7}}}}}
    assert json.loads(ask("hi", response_format=form).json()["choices"][0]["message"]["content"]) == {"n": 7}
    assert ask("hi", response_format={"type": "text"}).json()["choices"][0]["message"]["content"] == "hi"


def test_null_is_as_good_as_not_given(ask):
    """For every optional parameter."""
    names = "temperature top_p n max_tokens max_completion_tokens logprobs top_logprobs seed stream stream_options user stop"
    more = "tools tool_choice parallel_tool_calls response_format reasoning_effort"
    assert ask("hi", **dict.fromkeys([*names.split(), *more.split()])).json()["choices"] == ask("hi").json()["choices"]


def test_all_roles_and_parts_are_read(ask):
    """A conversation with everything in it."""
    messages = [
        {"role": "system", "content": [{"type": "text", "text": "Be brief."}]},
        {"role": "developer", "content": "Be kind."},
        {"role": "user", "content": "first", "name": "ann"},
        {"role": "assistant", "content": None, "refusal": "no"},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}, {"type": "text", "text": "well"}]},
        {"role": "assistant", "content": None, "audio": {"id": "a1"}},
        {"role": "assistant", "content": None, "tool_calls": [CALL, CALL | {"id": "c2"}]},
        {"role": "tool", "tool_call_id": "c2", "content": "2"},
        {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "1"}]},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "a "},
                {"type": "image_url", "image_url": {"url": "x"}},
                {"type": "text", "text": "b"},
                {"type": "audio", "audio": {}},
            ],
        },
    ]
    assert ask(messages=messages).json()["choices"][0]["message"]["content"] == "a b"


WRONG = {
    "no model": ({"model": None}, "model parameter", None, None),
    "model of another type": ({"model": 5}, "Invalid type for 'model': expected a string, but got an integer", "invalid_type", "model"),
    "no messages": ({"messages": None}, "Missing required parameter: 'messages'", "missing_required_parameter", "messages"),
    "messages of another type": ({"messages": "hi"}, "expected an array, but got a string", "invalid_type", "messages"),
    "no message": ({"messages": []}, "empty array", "empty_array", "messages"),
    "message of another type": ({"messages": ["hi"]}, "Invalid type for 'messages[0]'", "invalid_type", "messages[0]"),
    "no role": ({"messages": [{"content": "hi"}]}, "messages[0].role", "missing_required_parameter", "messages[0].role"),
    "unknown role": ({"messages": [{"role": "king", "content": "hi"}]}, "Supported values are: 'system', ", "invalid_value", "messages[0].role"),
    "null from a user": ({"messages": [{"role": "user", "content": None}]}, "got null", None, "messages[0].content"),
    "content of another type": ({"messages": [{"role": "user", "content": {}}]}, "but got an object", "invalid_type", "messages[0].content"),
    "unknown part": ({"messages": [{"role": "user", "content": [{"type": "smell"}]}]}, "'smell'", "invalid_value", "messages[0].content[0].type"),
    "part without its text": (
        {"messages": [{"role": "user", "content": [{"type": "text"}]}]},
        "Missing",
        "missing_required_parameter",
        "messages[0].content[0].text",
    ),
    "picture without address": (
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]},
        "Missing",
        "missing_required_parameter",
        "messages[0].content[0].image_url.url",
    ),
    "result without a call": ({"messages": [USER, {"role": "tool", "tool_call_id": "x", "content": "1"}]}, "must be a response", None, "messages.[1].role"),
    "call without a result": ({"messages": [{"role": "assistant", "tool_calls": [CALL]}, USER]}, "did not have response messages: c1", None, "messages"),
    "call without a name": (
        {"messages": [{"role": "assistant", "tool_calls": [{"id": "a", "type": "function", "function": {}}]}]},
        "Missing",
        "missing_required_parameter",
        "messages[0].tool_calls[0].function.name",
    ),
    "temperature too high": ({"temperature": 2.5}, "Expected a value <= 2, but got 2.5 instead", "decimal_above_max_value", "temperature"),
    "temperature too low": ({"temperature": -1}, "Expected a value >= 0, but got -1 instead", "decimal_below_min_value", "temperature"),
    "temperature as text": ({"temperature": "hot"}, "expected a decimal, but got a string", "invalid_type", "temperature"),
    "n below one": ({"n": 0}, "integer below minimum", "integer_below_min_value", "n"),
    "n as a boolean": ({"n": True}, "expected an integer, but got a boolean", "invalid_type", "n"),
    "both limits": ({"max_tokens": 1, "max_completion_tokens": 1}, "at the same time", "invalid_parameter_combination", "max_tokens"),
    "top_logprobs alone": ({"top_logprobs": 1}, "'logprobs' parameter must be set", None, "top_logprobs"),
    "stream_options alone": ({"stream_options": {}}, "only allowed when 'stream'", None, "stream_options"),
    "tool_choice alone": ({"tool_choice": "auto"}, "only allowed when 'tools'", None, "tool_choice"),
    "no tools": ({"tools": []}, "empty array", "empty_array", "tools"),
    "unknown type of tool": ({"tools": [{"type": "hammer"}]}, "'hammer'", "invalid_value", "tools[0].type"),
    "tool without a name": ({"tools": [{"type": "function", "function": {}}]}, "Missing", "missing_required_parameter", "tools[0].function.name"),
    "unknown tool_choice": ({"tools": [TOOL], "tool_choice": "maybe"}, "'maybe'", "invalid_value", "tool_choice"),
    "tool_choice of another tool": ({"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "g"}}}, "'g' not found", None, "tool_choice"),
    "unknown response_format": ({"response_format": {"type": "xml"}}, "'xml'", "invalid_value", "response_format.type"),
    "schema without a name": (
        {"response_format": {"type": "json_schema", "json_schema": {"schema": {}}}},
        "Missing",
        "missing_required_parameter",
        "response_format.json_schema.name",
    ),
    "too many stops": ({"stop": ["a"] * 5}, "maximum length 4", "array_above_max_length", "stop"),
    "impossible schema": (
        {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"enum": []}}}},
        "Invalid schema",
        "invalid_json_schema",
        None,
    ),
}


@pytest.mark.parametrize(("change", "message", "code", "param"), WRONG.values(), ids=WRONG)
def test_a_wrong_request_is_refused_in_openais_words(http, simulator, change, message, code, param):
    """With status 400, and the code and parameter that OpenAI names."""
    response = http.post(simulator.url + "/v1/chat/completions", json={"model": "echo", "messages": [USER], **change})
    error = response.json()["error"]
    assert response.status_code == 400
    assert message in error["message"]
    assert (error["type"], error["code"], error["param"]) == ("invalid_request_error", code, param)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"\xff", b'{"model": "echo", "messages": [{"role": "user", "content": "\\ud800"}]}'])
def test_a_body_that_is_no_object_is_refused(http, simulator, body):
    """With status 400 and OpenAI's shape."""
    response = http.post(simulator.url + "/v1/chat/completions", data=body, headers={"content-type": "application/json"})
    assert response.status_code == 400
    assert response.json()["error"]["type"] == "invalid_request_error"


def test_models_that_fail(ask):
    """404 and 500, with OpenAI's types."""
    missing, failing = ask(model="missing-one"), ask(model="fail")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "model_not_found")
    assert (failing.status_code, failing.json()["error"]["type"]) == (500, "server_error")


def test_a_key_is_checked_where_one_was_set(http):
    """A wrong key and none are told apart; neither is shown."""
    with Simulator(api_key="sk-right") as simulator:
        url = simulator.url + "/v1/models"
        assert http.get(url, headers={"authorization": "Bearer sk-right"}).status_code == 200
        wrong, none = http.get(url, headers={"authorization": "Bearer sk-wrong"}), http.get(url)
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (401, "invalid_api_key")
    assert "sk-wrong" not in wrong.text
    assert (none.status_code, none.json()["error"]["code"]) == (401, "missing_api_key")


def test_pace_spaces_the_events_of_a_stream(ask):
    """By header, for one request; the first event comes at once."""
    start = time.monotonic()
    assert len(chunks(ask("one two three", stream=True, headers={"x-simulator-pace": "0.02"}))) == 5
    assert time.monotonic() - start >= 0.08
    assert ask("one", headers={"x-simulator-pace": "soon"}).status_code == 400
    assert ask("one", headers={"x-simulator-pace": "inf"}).status_code == 400


def test_pace_of_the_whole_simulator(http):
    """For every stream; plain answers come at once."""
    with Simulator(pace=0.02) as simulator:
        url, body = simulator.url + "/v1/chat/completions", {"model": "echo", "messages": [USER]}
        start = time.monotonic()
        http.post(url, json=body | {"stream": True})
        assert time.monotonic() - start >= 0.04
        assert http.post(url, json=body).status_code == 200
