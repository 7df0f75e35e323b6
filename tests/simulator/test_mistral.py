"""The simulator of Mistral: its shapes, and what it refuses."""

import base64
import json
import struct

import pytest

import llmclient
from llmclient.simulator import Simulator

USER = {"role": "user", "content": "hi"}
PARAMETERS = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
TOOL = {"type": "function", "function": {"name": "f", "parameters": PARAMETERS}}
CALL = {"id": "aB3dE6gH9", "type": "function", "function": {"name": "f", "arguments": "{}"}}
CALLED = {"role": "assistant", "content": "", "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "aB3dE6gH9", "name": "f", "content": "3"}


@pytest.fixture
def post(simulator, http):
    """Ask for something below /mistral/v1; gives the response."""

    def post(path="/chat/completions", **body):
        return http.post(f"{simulator.url}/mistral/v1{path}", json={"model": "echo", **body}, timeout=10)

    return post


def events(response):
    """Return the events of a stream; its end marker must be there."""
    lines = response.content.split(b"\n\n")
    assert [b"data: [DONE]", b""] == lines[-2:]
    return [json.loads(line.removeprefix(b"data: ")) for line in lines[:-2]]


def test_a_plain_answer_in_full(post):
    """Every field, with its value."""
    response = post(messages=[USER])
    answer = response.json()
    assert 24 == len(answer.pop("id"))
    usage = {"prompt_tokens": 7, "total_tokens": 8, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 0}, "service_tier": "standard"}
    message = {"role": "assistant", "tool_calls": None, "content": "hi"}
    choices = [{"index": 0, "finish_reason": "stop", "message": message}]
    assert {"created": 1_700_000_000, "model": "echo", "usage": usage, "object": "chat.completion", "choices": choices} == answer
    assert response.headers["x-kong-request-id"] == response.headers["mistral-correlation-id"]


def test_a_stream_in_full(post):
    """The role first, text by words, and the reason with the usage in one event, unasked."""
    found = events(post(messages=[{"role": "user", "content": "Hello there"}], stream=True))
    assert [{"role": "assistant", "content": ""}, {"content": "Hello"}, {"content": " there"}, {"content": ""}] == [
        event["choices"][0]["delta"] for event in found
    ]
    assert [None, None, None, "stop"] == [event["choices"][0]["finish_reason"] for event in found]
    assert [False, False, False, True] == ["usage" in event for event in found]
    assert len({len(event["p"]) for event in found}) > 1


def test_thoughts_are_parts_of_the_content(post):
    """Whole and closed in a plain answer, word by word in a stream, and none without an effort."""
    asked = {"model": "reasoner", "messages": [USER]}
    content = post(**asked, reasoning_effort="high").json()["choices"][0]["message"]["content"]
    assert (["thinking", "text"], True, "hi") == ([part["type"] for part in content], content[0]["closed"], content[1]["text"])
    thoughts = [event["choices"][0]["delta"]["content"] for event in events(post(**asked, reasoning_effort="high", stream=True))]
    pieces = [part["thinking"][0]["text"] for part in thoughts if isinstance(part, list) for part in part]
    assert content[0]["thinking"][0]["text"] == "".join(pieces)
    assert "hi" == post(**asked).json()["choices"][0]["message"]["content"]


def test_calls_come_whole(post):
    """With ids of nine letters and digits, in a stream together with the reason."""
    asked = {"messages": [{"role": "user", "content": "f twice"}], "tools": [TOOL], "tool_choice": "any"}
    calls = post(**asked).json()["choices"][0]["message"]["tool_calls"]
    assert [(9, "f", 0), (9, "f", 1)] == [(len(call["id"]), call["function"]["name"], call["index"]) for call in calls]
    last = events(post(**asked, stream=True))[-1]["choices"][0]
    assert ("tool_calls", ["f", "f"]) == (last["finish_reason"], [call["function"]["name"] for call in last["delta"]["tool_calls"]])
    assert 1 == len(post(**asked, parallel_tool_calls=False).json()["choices"][0]["message"]["tool_calls"])


def test_several_answers(post):
    """Each has its number, and the usage comes once."""
    assert [0, 1] == [choice["index"] for choice in post(messages=[USER], n=2).json()["choices"]]
    found = events(post(messages=[USER], n=2, stream=True))
    assert [0, 1] == [event["choices"][0]["index"] for event in found if event["choices"][0]["finish_reason"]]
    assert 1 == len([event for event in found if "usage" in event])


@pytest.mark.parametrize(
    ("form", "text"),
    [({"type": "text"}, "hi"), ({"type": "json_object"}, '{"echo":"hi"}'), ({"type": "json_schema", "json_schema": {"name": "a", "schema": {"const": 5}}}, "5")],
)
def test_formats(post, form, text):
    """The answer has the form that was asked for."""
    assert text == post(messages=[USER], response_format=form).json()["choices"][0]["message"]["content"]


@pytest.mark.parametrize("messages", [[USER, CALLED, RESULT], [USER, CALLED, RESULT, {"role": "assistant", "content": "3"}, USER], [{**USER, "role": "system"}, USER]])
def test_orders_that_are_taken(post, messages):
    """A tool's result, a whole round, and a system message first."""
    assert 200 == post(messages=messages).status_code


def test_parts_that_are_taken(post):
    """Every kind that Mistral documents; media cost tokens of their own."""
    url = "https://acme.example/a"
    parts = [
        {"type": "text", "text": "hi"},
        {"type": "image_url", "image_url": url},
        {"type": "document_url", "document_url": url, "document_name": "a"},
        {"type": "input_audio", "input_audio": "AAAA"},
        {"type": "file", "file_id": "f"},
    ]
    assert 7 + 85 + 100 + 25 + 100 == post(messages=[{"role": "user", "content": parts}]).json()["usage"]["prompt_tokens"]


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"messages": [USER], "user": "u"}, "user"),
        ({"messages": [USER], "stream_options": {"include_usage": True}}, "stream_options"),
        ({"messages": [USER], "seed": 1}, "seed"),
        ({"messages": [USER], "temperature": "hot"}, "temperature"),
        ({"messages": [USER], "top_p": 2}, "top_p"),
        ({"messages": [USER], "tool_choice": "some"}, "tool_choice"),
        ({"messages": [USER], "response_format": "text"}, "response_format"),
        ({"messages": [USER], "response_format": {"type": "json_schema"}}, "response_format"),
        ({}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": ["hi"]}, "messages.0"),
        ({"messages": [{**USER, "role": "developer"}]}, "messages.0"),
        ({"messages": [{**USER, "name": "bob"}]}, "messages.0.user.name"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "a", "cache_control": None}]}]}, "messages.0.user.content.0.text.cache_control"),
        ({"messages": [{"role": "user", "content": [{"type": "refusal", "refusal": "a"}]}]}, "messages.0.user.content.0"),
        ({"messages": [USER], "tools": [{"type": "function"}]}, "tools.0.function"),
        ({"messages": [USER], "tools": [{"type": "function", "function": {"name": "f"}}]}, "tools.0.function.parameters"),
        ({"messages": [USER], "tools": [{"type": "function", "function": {**TOOL["function"], "strict": True}}]}, "tools.0.function.strict"),
    ],
)
def test_fields_that_are_wrong_are_told_in_details(post, wrong, where):
    """With status 422, within the message; our own error tells the place."""
    response = post(**wrong)
    (detail,) = response.json()["message"]["detail"]
    assert (422, where.split(".")) == (response.status_code, [str(step) for step in detail["loc"][1:]])
    error = llmclient.Client().provider("mistral").get_error_mapper("m")(422, {}, response.content)
    assert (llmclient.errors.InvalidRequestError, where) == (type(error), error.param)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"messages": [USER, CALLED, RESULT, USER]}, "Unexpected role 'user' after role 'tool'"),
        ({"messages": [USER, RESULT]}, "Unexpected role 'tool' after role 'user'"),
        ({"messages": [USER, CALLED, USER]}, "Not the same number of function calls and responses"),
        ({"messages": [USER, CALLED, RESULT, RESULT]}, "Not the same number of function calls and responses"),
        ({"messages": [USER, CALLED]}, "Expected last role User or Tool (or Assistant with prefix True) for serving but got assistant"),
        ({"messages": [USER, {"role": "assistant", "content": "x"}]}, "Expected last role User or Tool (or Assistant with prefix True) for serving but got assistant"),
        ({"messages": [{**USER, "role": "system"}]}, "Expected last role User or Tool (or Assistant with prefix True) for serving but got system"),
        ({"messages": [USER, {"role": "assistant", "content": ""}, USER]}, "Assistant message must have either content or tool_calls, but not none."),
        ({"messages": [USER, {**CALLED, "tool_calls": [{**CALL, "id": "call_1"}]}]}, "Tool call id was call_1 but must be a-z, A-Z, 0-9, with a length of 9."),
        ({"messages": [USER, CALLED, {**RESULT, "tool_call_id": "a-3dE6gH9"}]}, "Tool call id was a-3dE6gH9 but must be a-z, A-Z, 0-9, with a length of 9."),
        ({"messages": [USER], "tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "g"}}}, "Tool g is not among the tools"),
        (
            {"messages": [USER], "tools": [{"type": "function", "function": {"name": "f", "parameters": {"$schema": "x"}}}]},
            "Invalid tool schema: $schema is not supported",
        ),
        ({"messages": [USER], "model": "missing-model"}, "Invalid model: missing-model"),
    ],
)
def test_what_is_refused(post, wrong, message):
    """With status 400, in Mistral's words."""
    response = post(**wrong)
    assert (400, "error", message) == (response.status_code, response.json()["object"], response.json()["message"])


def test_a_prefix_is_continued(post):
    """The mark makes the end a right one; a forced tool is called by its name."""
    assert 200 == post(messages=[USER, {"role": "assistant", "content": "Sure", "prefix": True}]).status_code
    choice = {"type": "function", "function": {"name": "f"}}
    assert "tool_calls" == post(messages=[USER], tools=[TOOL], tool_choice=choice).json()["choices"][0]["finish_reason"]


def test_a_prompt_that_is_too_long(post):
    """The numbers stand in the message, and are read."""
    response = post(messages=[{"role": "user", "content": "word " * 130_000}])
    error = llmclient.Client().provider("mistral").get_error_mapper("m")(response.status_code, {}, response.content)
    assert isinstance(error, llmclient.errors.ContextLengthExceededError)
    assert (128_000, 130_007) == (error.limit, error.actual)


def test_completion_of_code(post):
    """Its answer is one of chat; other fields are refused."""
    answer = post("/fim/completions", prompt="def f(x): return x", suffix="# end", stop=" return", min_tokens=1).json()
    assert "def f(x):" == answer["choices"][0]["message"]["content"]
    assert 422 == post("/fim/completions", prompt="x", messages=[USER]).status_code
    assert 422 == post("/fim/completions", prompt=5).status_code


def test_embeddings(post):
    """As floats or in base64, as long as was asked for."""
    plain = post("/embeddings", input=["a", "b"], output_dimension=8).json()
    packed = post("/embeddings", input="a", output_dimension=8, encoding_format="base64").json()
    assert [0, 1] == [row["index"] for row in plain["data"]]
    assert plain["data"][0]["embedding"] == pytest.approx(struct.unpack("<8f", base64.b64decode(packed["data"][0]["embedding"])))
    assert 2 == plain["usage"]["prompt_tokens"]
    assert 422 == post("/embeddings", input=[]).status_code
    assert 422 == post("/embeddings", input=["a"], user="u").status_code


def test_models(simulator, http):
    """The list, one of it, and one that is not there."""
    base = f"{simulator.url}/mistral/v1/models"
    rows = http.get(base).json()["data"]
    assert rows[1] == http.get(base + "/echo").json()
    assert 400 == http.get(base + "/missing").status_code


def test_failures(post, http, simulator):
    """A server that fails, a limit, a wrong path, a wrong key, and a failure within a stream."""
    assert {"type": "internal_server_error", "code": "3000"}.items() <= post(model="fail", messages=[USER]).json().items()
    simulator.fault("status=429;retry-after=3")
    limited = post(messages=[USER])
    assert ("rate_limited", "1300", "3") == (limited.json()["type"], limited.json()["code"], limited.headers["retry-after"])
    simulator.fault("error=1")
    assert b'"object":"error"' in post(messages=[USER], stream=True).content
    assert {"detail"} == http.get(f"{simulator.url}/mistral/v1/chat/completions").json().keys()
    with Simulator(api_key="right") as locked:
        answer = http.get(f"{locked.url}/mistral/v1/models", headers={"authorization": "Bearer wrong"})
        assert (401, {"detail": "Invalid API Key"}) == (answer.status_code, answer.json())


def test_our_client_is_never_refused(simulator):
    """Whatever the conversation was elsewhere: names, roles, ids, empty turns, odd fields and an odd end."""
    client = llmclient.Client(providers={"mistral": {"api_key": "k", "api_base": f"{simulator.url}/mistral/v1"}})
    talk = [
        {"role": "developer", "content": "be brief"},
        {"role": "user", "content": "x", "name": "bob"},
        {"role": "assistant", "content": None, "tool_calls": [{**CALL, "id": "call_with_a_long_id"}], "refusal": None},
        {"role": "tool", "tool_call_id": "call_with_a_long_id", "content": "3"},
        {"role": "user", "content": "f"},
        {"role": "assistant", "content": ""},
        {"role": "system", "content": "now f"},
    ]
    tools = [{"type": "function", "function": {"name": "f", "strict": True, "parameters": {"$schema": "x", **PARAMETERS}}}]
    answer = client.chat("mistral/echo", talk, tools=tools, tool_choice="required", user="u", seed=3, reasoning_effort="low")
    assert ["f"] == [call.function.name for call in answer.tool_calls]
    with client.stream("mistral/reasoner", "hi", reasoning_effort="high") as stream:
        assert "hi" == "".join(chunk.text for chunk in stream)
    again = client.chat("mistral/reasoner", [USER, stream.response.message, USER], tools=tools, tool_choice="none")
    assert ("hi", "stop") == (again.text, again.finish_reason)
