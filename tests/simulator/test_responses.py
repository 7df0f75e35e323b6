"""The simulator's Responses API: OpenAI's shapes, its checks and its complaints; and the library against it."""

import json

import pytest

import llmclient
from llmclient import errors
from llmclient.simulator import Simulator
from llmclient.types.messages import Message, Tool

TOOL = {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}, "strict": False}
OTHER = {"type": "function", "name": "g"}
CALL = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}
RESULT = {"type": "function_call_output", "call_id": "c1", "output": "21 degrees"}
USER = {"role": "user", "content": "hi"}


@pytest.fixture
def respond(simulator, http):
    """Post a request; gives the response."""

    def post(question="Hello there, world", *, headers=None, **body):
        whole = {"model": "echo", "input": question, **body}
        whole = {name: value for name, value in whole.items() if value is not ...}
        return http.post(simulator.url + "/v1/responses", json=whole, headers=headers, timeout=10)

    return post


@pytest.fixture
def client(simulator):
    """The library, speaking to the simulator as to OpenAI."""
    with llmclient.Client(providers={"openai": {"api_key": "sk-right", "api_base": simulator.url + "/v1"}}, retry=llmclient.Retry(max_attempts=1)) as made:
        yield made


def events(response):
    """Return the events of a stream, whose names must be those of their data, and which are numbered."""
    found = []
    for block in response.text.split("\n\n")[:-1]:
        name, data = block.split("\n")
        found.append(json.loads(data.removeprefix("data: ")))
        assert f"event: {found[-1]['type']}" == name
    assert [event["sequence_number"] for event in found] == list(range(len(found)))
    return found


def test_a_plain_answer_in_full(respond):
    """Every field, with its value."""
    response = respond()
    answer = response.json()
    assert answer.pop("id").startswith("resp_")
    assert answer["output"][0].pop("id").startswith("msg_")
    part = {"type": "output_text", "text": "Hello there, world", "annotations": [], "logprobs": []}
    assert answer == {
        "object": "response",
        "created_at": 1_700_000_000,
        "status": "completed",
        "background": False,
        "completed_at": 1_700_000_000,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": None,
        "model": "echo",
        "output": [{"type": "message", "status": "completed", "role": "assistant", "content": [part]}],
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "service_tier": "default",
        "store": True,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}, "verbosity": "medium"},
        "tool_choice": "auto",
        "tools": [],
        "top_logprobs": 0,
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": {
            "input_tokens": 9,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": 3,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 12,
        },
        "user": None,
        "metadata": {},
    }
    assert response.headers["x-request-id"].startswith("req_")


def test_what_was_asked_is_said_again(respond):
    """As OpenAI does."""
    given = {"instructions": "x", "temperature": 0, "top_p": 0.5, "store": False, "user": "u", "metadata": {"a": "b"}, "max_output_tokens": 16}
    answer = respond(**given).json()
    assert {name: answer[name] for name in given} == given


def test_a_stream_in_full(respond):
    """The beginning, the item, its part, its text by words, the ends of all these, the whole."""
    whole = respond("Hello there").json()
    (item,) = whole["output"]
    (part,) = item["content"]
    found = events(respond("Hello there", stream=True))
    begun = {**found[0]["response"], "id": whole["id"]}
    assert begun == {**whole, "status": "in_progress", "completed_at": None, "output": [], "usage": None}
    place = {"item_id": found[2]["item"]["id"], "output_index": 0}
    inside = {**place, "content_index": 0}
    without = [{key: value for key, value in event.items() if key not in ("sequence_number", "obfuscation", "response", "item")} for event in found]
    assert without == [
        {"type": "response.created"},
        {"type": "response.in_progress"},
        {"type": "response.output_item.added", "output_index": 0},
        {"type": "response.content_part.added", **inside, "part": {**part, "text": ""}},
        {"type": "response.output_text.delta", **inside, "delta": "Hello", "logprobs": []},
        {"type": "response.output_text.delta", **inside, "delta": " there", "logprobs": []},
        {"type": "response.output_text.done", **inside, "text": "Hello there", "logprobs": []},
        {"type": "response.content_part.done", **inside, "part": part},
        {"type": "response.output_item.done", "output_index": 0},
        {"type": "response.completed"},
    ]
    assert found[2]["item"] == {**found[8]["item"], "content": [], "status": "in_progress"}
    assert found[9]["response"]["output"] == [found[8]["item"]]


def test_an_answer_that_is_cut_off(respond):
    """Status, reason and the last event say so."""
    answer = respond(model="lorem", max_output_tokens=20).json()
    assert (answer["status"], answer["incomplete_details"], answer["completed_at"]) == ("incomplete", {"reason": "max_output_tokens"}, None)
    assert answer["output"][0]["status"] == "incomplete"
    assert answer["usage"]["output_tokens"] == 20
    assert events(respond(model="lorem", max_output_tokens=20, stream=True))[-1]["type"] == "response.incomplete"


def test_calls(respond):
    """One item each, whose arguments come in pieces."""
    whole = respond("f and g", tools=[TOOL, OTHER]).json()
    assert [item["name"] for item in whole["output"]] == ["f", "g"]
    assert [set(item) for item in whole["output"]] == [{"id", "type", "status", "call_id", "name", "arguments"}] * 2
    found = events(respond("f and g", tools=[TOOL, OTHER], stream=True))
    for index, item in enumerate(whole["output"]):
        deltas = [event["delta"] for event in found if event["type"] == "response.function_call_arguments.delta" and event["output_index"] == index]
        assert "".join(deltas) == item["arguments"]
    done = [event for event in found if event["type"] == "response.function_call_arguments.done"]
    assert [(event["name"], event["arguments"]) for event in done] == [(item["name"], item["arguments"]) for item in whole["output"]]


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        ("none", []),
        ("required", ["f"]),
        ({"type": "function", "name": "g"}, ["g"]),
        ({"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "f"}]}, ["f"]),
    ],
    ids=["none", "required", "named", "allowed"],
)
def test_the_choice_of_a_tool(respond, choice, names):
    """As in chat completions."""
    output = respond(model="canned", tools=[TOOL, OTHER, {"type": "web_search"}], tool_choice=choice).json()["output"]
    assert [item["name"] for item in output if item["type"] == "function_call"] == names


def test_results(respond):
    """They are answered with text, also those of custom tools."""
    assert respond([USER, CALL, RESULT], tools=[TOOL]).json()["output"][0]["content"][0]["text"] == "The tool says: 21 degrees"
    custom = [{"type": "custom_tool_call", "call_id": "c1", "name": "s", "input": "x"}, {"type": "custom_tool_call_output", "call_id": "c1", "output": "y"}]
    assert respond([USER, *custom], tools=[{"type": "custom", "name": "s"}]).json()["output"][0]["content"][0]["text"] == "The tool says: y"


def test_reasoning(respond):
    """An item of its own; a summary and the encrypted form where they are asked for."""
    plain = respond(model="reasoner").json()
    assert [item["type"] for item in plain["output"]] == ["reasoning", "message"]
    assert plain["output"][0].keys() == {"id", "type", "summary"}
    assert plain["usage"]["output_tokens_details"]["reasoning_tokens"] > 0
    asked = {"reasoning": {"effort": "high", "summary": "auto"}, "include": ["reasoning.encrypted_content"]}
    item = respond(model="reasoner", **asked).json()["output"][0]
    assert item["encrypted_content"].startswith("gAAA")
    found = events(respond(model="reasoner", stream=True, **asked))
    deltas = [event["delta"] for event in found if event["type"] == "response.reasoning_summary_text.delta"]
    assert "".join(deltas) == item["summary"][0]["text"]
    assert not any("summary" in event["type"] for event in events(respond(model="reasoner", stream=True)))
    cut = respond(model="reasoner", max_output_tokens=16, reasoning={"effort": "high"}).json()
    assert [item["type"] for item in cut["output"]] == ["reasoning"]


def test_log_probabilities(respond):
    """Where they are included, with as many others as were asked for."""
    asked = {"include": ["message.output_text.logprobs"], "top_logprobs": 3}
    scored = respond("one two", **asked).json()["output"][0]["content"][0]["logprobs"]
    assert [token["token"] for token in scored] == ["one", " two"]
    assert all(len(token["top_logprobs"]) == 3 and token["top_logprobs"][0]["token"] == token["token"] for token in scored)
    found = events(respond("one two", stream=True, **asked))
    assert [event["logprobs"] for event in found if event["type"] == "response.output_text.delta"] == [[token] for token in scored]
    assert respond("one", include=["message.output_text.logprobs"]).json()["output"][0]["content"][0]["logprobs"][0]["top_logprobs"] == []


@pytest.mark.parametrize(
    ("form", "question"),
    [
        ({"type": "json_schema", "name": "n", "schema": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}}, "x"),
        ({"type": "json_object"}, "as JSON"),
    ],
    ids=["schema", "object"],
)
def test_formatted_answers(respond, form, question):
    """They are JSON, as the schema has it."""
    assert isinstance(json.loads(respond(question, text={"format": form}).json()["output"][0]["content"][0]["text"]), dict)


def test_a_plain_format(respond):
    """It is the usual one."""
    assert respond(text={"format": {"type": "text"}}).json()["output"][0]["content"][0]["text"] == "Hello there, world"
    assert respond(text={"verbosity": "low"}).json()["text"]["verbosity"] == "low"


def test_parts_and_roles(respond):
    """Media count as in chat completions; a refusal is text; what the provider's own tools did says nothing."""
    parts = [{"type": "input_text", "text": "What?"}, {"type": "input_image", "image_url": "data:,"}, {"type": "input_file", "file_id": "f"}]
    given = [
        {"role": "developer", "content": "a"},
        {"type": "web_search_call", "id": "ws_1"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "b"}, {"type": "refusal", "refusal": "c"}]},
        {"role": "user", "content": parts},
    ]
    answer = respond(given, instructions="d").json()
    assert answer["output"][0]["content"][0]["text"] == "What?"
    assert answer["usage"]["input_tokens"] == 3 + 4 * 3 + 4 + 85 + 100


@pytest.mark.parametrize(
    ("body", "code", "param", "words"),
    [
        ({"model": ...}, "missing_required_parameter", "model", "Missing required parameter: 'model'."),
        ({"input": ...}, "missing_required_parameter", "input", "Missing required parameter: 'input'."),
        ({"input": []}, "missing_required_parameter", "input", "Missing required parameter: 'input'."),
        ({"messages": []}, "unknown_parameter", "messages", "Unknown parameter: 'messages'."),
        ({"stop": "x"}, "unknown_parameter", "stop", "Unknown parameter: 'stop'."),
        ({"max_output_tokens": 15}, "integer_below_min_value", "max_output_tokens", "Expected a value >= 16"),
        ({"temperature": 3}, "decimal_above_max_value", "temperature", "Expected a value <= 2"),
        ({"include": ["x"]}, "invalid_value", "include[0]", "Invalid value: 'x'"),
        ({"input": [{"role": "tool", "content": "x"}]}, "invalid_value", "input[0].role", "Invalid value: 'tool'"),
        ({"input": [{"role": "user"}]}, "missing_required_parameter", "input[0].content", "input[0].content"),
        ({"input": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]}, "invalid_value", "input[0].content[0].type", "Invalid value: 'text'"),
        ({"input": [USER, CALL]}, None, "input", "No tool output found for function call c1."),
        ({"input": [USER, RESULT]}, None, "input", "No tool call found for function call output with call_id c1."),
        ({"input": [USER, {"type": "reasoning", "id": "rs_1"}]}, None, "input", "without its required following item"),
        ({"tools": [{"type": "function"}]}, "missing_required_parameter", "tools[0].name", "tools[0].name"),
        ({"tool_choice": "any"}, "invalid_value", "tool_choice", "Invalid value: 'any'"),
        ({"tool_choice": {"type": "function", "name": "x"}}, None, "tool_choice", "not found in 'tools'"),
        ({"text": {"format": {"type": "json_object"}}, "instructions": "JSON"}, None, "input", "must contain the word 'json'"),
        ({"text": {"format": {"type": "json_object"}}}, None, "input", "must contain the word 'json'"),
        ({"text": {"format": {"type": "json_schema"}}}, "missing_required_parameter", "text.format.name", "text.format.name"),
    ],
)
def test_complaints(respond, body, code, param, words):
    """In OpenAI's words, with its codes."""
    question = body.pop("input", "Hello")
    response = respond(question, **body)
    error = response.json()["error"]
    assert (response.status_code, error["code"], error["param"], error["type"]) == (400, code, param, "invalid_request_error")
    assert words in error["message"]


def test_an_error_inside_a_stream(respond):
    """It is an event of its own kind."""
    found = [json.loads(line[6:]) for line in respond(model="fault/error=5", stream=True).text.splitlines() if line.startswith("data: ")]
    assert found[-1] == {
        "type": "error",
        "code": "server_error",
        "message": "The simulator was asked to fail with status 500.",
        "param": None,
        "sequence_number": 0,
    }


# The library against it.


def test_the_library_speaks_to_it(client):
    """A plain answer and a stream are the same."""
    plain = client.chat("openai/echo", "Hello there, world", api="responses", system="Be brief.")
    assert (plain.text, plain.finish_reason, plain.usage.total_tokens) == ("Hello there, world", "stop", 9 + 3 + 2 + 3)
    assert plain.request.url.endswith("/v1/responses")
    with client.stream("openai/echo", "Hello there, world", api="responses", system="Be brief.") as stream:
        assert "".join(chunk.text for chunk in stream) == plain.text
        streamed = stream.response
    assert (streamed.text, streamed.finish_reason, streamed.usage) == (plain.text, plain.finish_reason, plain.usage)
    assert [item["type"] for item in streamed.message.provider_state.data["items"]] == ["message"]


def test_a_tool_loop(client):
    """Reasoning, call, result and answer go round, with the provider's own items in between."""
    tools = [Tool("get_weather", "Weather", {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]})]
    options = {"api": "responses", "tools": tools, "store": False, "extra": {"include": ["reasoning.encrypted_content"]}}
    first = client.chat("openai/reasoner", "What is the weather in city Paris?", **options)
    (call,) = first.tool_calls
    assert (first.finish_reason, call.parse()) == ("tool_calls", {"city": "Paris"})
    assert first.message.reasoning[0].redacted.startswith("gAAA")
    conversation = ["What is the weather in city Paris?", first.message, Message("tool", "21 degrees", tool_call_id=call.id)]
    second = client.chat("openai/reasoner", conversation, **options)
    assert second.text == "The tool says: 21 degrees"
    assert [item["type"] for item in second.request.json()["input"][1:]] == ["reasoning", "function_call", "function_call_output"]


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        ("missing-model", errors.ModelNotFoundError),
        ("fault/status=429;retry-after=1", errors.RateLimitError),
        ("fault/status=429;code=insufficient_quota", errors.QuotaExceededError),
        ("fault/error-200", errors.ApiError),
        ("fault/garbage", errors.ResponseParsingError),
        ("fault/empty", errors.ResponseParsingError),
        ("fault/truncate=20", errors.ResponseParsingError),
        ("fail", errors.ApiError),
    ],
)
def test_failures_of_plain_calls(client, model, kind):
    """Each has its class."""
    with pytest.raises(errors.ProviderError) as caught:
        client.chat(f"openai/{model}", "Hello there, world", api="responses")
    assert type(caught.value) is kind


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("error=6", errors.ApiError),
        ("truncate=6", errors.StreamTruncatedError),
        ("cut=3000", errors.StreamTruncatedError),
        ("garbage", errors.ResponseParsingError),
    ],
)
def test_failures_of_streams(client, fault, kind):
    """After the chunks before them; never a complete answer."""
    texts = []
    with client.stream(f"openai/fault/{fault}", "Hello there, world", api="responses") as stream, pytest.raises(kind):
        texts += (chunk.text for chunk in stream)
    with pytest.raises(kind):
        _ = stream.response
    assert "".join(texts) in "Hello there, world"


def test_the_simulators_own_adapter():
    """It offers the API too."""
    with Simulator() as simulator, llmclient.Client(providers={"simulator": {"api_base": simulator.url + "/v1"}}) as client:
        answer = client.chat("simulator/lorem", "x", api="responses", max_tokens=20)
    assert (answer.finish_reason, answer.truncated, answer.usage.completion_tokens) == ("length", True, 20)
