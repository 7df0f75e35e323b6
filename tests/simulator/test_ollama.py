"""The simulator's Ollama API: its shapes, its checks and its complaints; and the library against it."""

import json

import pytest

import llmclient
from llmclient import errors
from llmclient.simulator.exchange import Failure
from llmclient.simulator.ollama import DIALECT
from llmclient.types.embeddings import EmbeddingRequest
from llmclient.types.listing import ListModelsRequest

USER = {"role": "user", "content": "Hello there, world"}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}}}


@pytest.fixture
def say(simulator, http):
    """Post a chat; gives the response."""

    def post(messages=(USER,), *, path="/api/chat", **body):
        return http.post(simulator.url + path, json={"model": "echo", "messages": list(messages), "stream": False, **body}, timeout=10)

    return post


@pytest.fixture
def client(simulator):
    """The library, told to ask the simulator."""
    return llmclient.Client(providers={"ollama": {"api_base": simulator.url}}, retry=llmclient.Retry(max_attempts=1))


def test_a_plain_answer_in_full(say):
    """Every field; the durations are whole numbers."""
    answer = say().json()
    durations = {answer.pop(f"{name}_duration") for name in ("total", "load", "prompt_eval", "eval")}
    assert all(isinstance(duration, int) for duration in durations)
    assert {
        "model": "echo", "created_at": "2023-11-14T22:13:20.000000Z", "message": {"role": "assistant", "content": "Hello there, world"},
        "done": True, "done_reason": "stop", "prompt_eval_count": 9, "eval_count": 3,
    } == answer  # fmt: skip


def test_a_stream_is_what_comes_unasked(say):
    """Lines of JSON, the last of which is done."""
    response = say(stream=None)
    lines = [json.loads(line) for line in response.text.splitlines()]
    assert ("application/x-ndjson", [False, False, False, True]) == (response.headers["content-type"], [line["done"] for line in lines])


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"model": ""}, "model is required"),
        ({"options": [1]}, "options"),
        ({"think": "hard"}, "invalid think value"),
        ({"messages": [{"role": "developer", "content": "a"}]}, "messages"),
        ({"messages": [{"role": "user", "content": ["a"]}]}, "messages"),
        ({"messages": [{"role": "user", "content": "a", "images": ["https://x/y.png"]}]}, "base64"),
        ({"messages": [{"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}]}, "arguments"),
        ({"tools": [{"type": "function"}]}, "tools"),
        ({"format": "yaml"}, "invalid format"),
    ],
)
def test_complaints(say, body, word):
    """In Ollama's shape."""
    response = say(**body)
    assert 400 == response.status_code
    assert word in response.json()["error"]


@pytest.mark.parametrize("model", ["echo", "reasoner"])
def test_the_library_reads_both_ways_alike(client, model):
    """A stream gives what a plain answer gives."""
    plain = client.chat(f"ollama/{model}", "Hello there, world")
    with client.stream(f"ollama/{model}", "Hello there, world") as stream:
        assert "Hello there, world" == "".join(chunk.text for chunk in stream)
    assert plain == stream.response
    assert (model == "reasoner") is bool(plain.reasoning)


def test_thoughts_can_be_switched_off_and_up(client):
    """By a portable effort."""
    little, much = (client.chat("ollama/reasoner", "hi", reasoning_effort=effort).reasoning for effort in ("low", "high"))
    assert client.chat("ollama/reasoner", "hi", reasoning_effort="none").reasoning is None
    assert len(little) < len(much)


@pytest.mark.parametrize("streamed", [False, True])
def test_a_round_of_tools(client, streamed):
    """The call has its arguments as a text, and the result finds its tool."""
    messages = [USER]
    response = client.stream("ollama/echo", messages, tools=[TOOL]).read() if streamed else client.chat("ollama/echo", messages, tools=[TOOL])
    (call,) = response.tool_calls
    assert ("f", ["a"], "tool_calls") == (call.function.name, list(call.parse()), response.finish_reason)
    result = {"role": "tool", "tool_call_id": call.id, "content": "sunny"}
    assert "The tool says: sunny" == client.chat("ollama/echo", [*messages, response.message, result], tools=[TOOL]).text


def test_a_call_that_is_cut_off_loses_its_arguments(client):
    """As an object cannot be half one."""
    response = client.chat("ollama/echo", "hi", tools=[TOOL], max_tokens=1)
    assert ("{}", "length") == (response.tool_calls[0].function.arguments, response.finish_reason)


def test_structured_answers_stops_and_pictures(client):
    """A schema is kept to, any object will do, an answer ends where it must, and a picture costs tokens."""
    shape = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}}}
    assert isinstance(json.loads(client.chat("ollama/echo", "hi", response_format=shape).text)["n"], int)
    assert {"echo": "hi"} == json.loads(client.chat("ollama/echo", "hi", response_format="json_object").text)
    assert "Hello " == client.chat("ollama/echo", "Hello there", stop="there").text
    assert "Hello " == client.chat("ollama/echo", "Hello there", extra={"options": {"stop": "there"}}).text
    parts = [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0K"}}]
    assert client.chat("ollama/echo", [{"role": "user", "content": parts}]).usage.prompt_tokens > 85


def test_failures(client):
    """A missing model, one that fails, and a prompt that is too long."""
    with pytest.raises(errors.ModelNotFoundError):
        client.chat("ollama/missing", "hi")
    with pytest.raises(errors.ApiError):
        client.chat("ollama/fail", "hi")
    with pytest.raises(errors.ContextLengthExceededError):
        client.chat("ollama/echo", "a " * 128_001)


def test_embeddings_and_models(client, simulator, http):
    """The library reads both."""
    provider = client.provider("ollama")
    got = provider.embeddings(EmbeddingRequest(model="embed", input=("a b", "c"), dimensions=8))
    assert (8, 2, 3) == (got.dimensions, len(got.vectors), got.usage.prompt_tokens)
    assert "echo" in list(provider.perform(ListModelsRequest()))
    one = http.post(simulator.url + "/api/embed", json={"model": "embed", "input": "a b", "dimensions": 8}, timeout=10).json()
    assert got.vectors[:1] == one["embeddings"]
    assert 400 == http.post(simulator.url + "/api/embed", json={"model": "embed", "input": [1]}, timeout=10).status_code


def test_a_failure_within_a_stream():
    """Is a line like any other."""
    assert {"error": "oops"} == json.loads(DIALECT.failure_event(Failure(500, "oops")))
