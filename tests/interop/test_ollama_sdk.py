"""The simulator, held against Ollama's own client: what that client reads without complaint has Ollama's shape."""

import pytest

from llmclient.simulator import Simulator

ollama = pytest.importorskip("ollama", reason="the package ollama is not installed")

pytestmark = pytest.mark.sdk

USER = {"role": "user", "content": "Hello there, world"}
TOOL = {
    "type": "function",
    "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}},
}


@pytest.fixture(scope="module")
def client():
    """Ollama's client, told to ask a simulator."""
    with Simulator() as running:
        made = ollama.Client(host=running.url, timeout=10)
        yield made
        made._client.close()


def test_a_chat(client):
    """A plain answer has its text, its reason and its counts."""
    answer = client.chat(model="echo", messages=[USER], options={"temperature": 0.2, "num_predict": 50}, keep_alive="5m")
    assert ("Hello there, world", "stop", True) == (answer.message.content, answer.done_reason, answer.done)
    assert answer.prompt_eval_count > answer.eval_count > 0


def test_a_stream(client):
    """The pieces add up, and the last line is done."""
    lines = list(client.chat(model="reasoner", messages=[USER], stream=True, think="high"))
    assert "Hello there, world" == "".join(line.message.content or "" for line in lines)
    assert any(line.message.thinking for line in lines)
    assert [line.done for line in lines] == [False] * (len(lines) - 1) + [True]


def test_a_round_of_tools(client):
    """The call has its arguments as an object, and the result is answered."""
    answer = client.chat(model="echo", messages=[USER], tools=[TOOL])
    (call,) = answer.message.tool_calls
    assert ("get_weather", ["city"]) == (call.function.name, list(call.function.arguments))
    result = {"role": "tool", "content": "sunny", "tool_name": "get_weather"}
    assert "The tool says: sunny" == client.chat(model="echo", messages=[USER, answer.message, result], tools=[TOOL]).message.content


def test_formats_and_embeddings_and_models(client):
    """Each is read."""
    assert client.chat(model="echo", messages=[USER], format="json").message.content.startswith("{")
    assert [8, 8] == [len(vector) for vector in client.embed(model="embed", input=["a", "b"], dimensions=8).embeddings]
    assert "echo" in [model.model for model in client.list().models]


@pytest.mark.parametrize("streamed", [False, True])
def test_failures(client, streamed):
    """The client has one class, with the status and the message."""
    with pytest.raises(ollama.ResponseError) as caught:
        list(client.chat(model="missing", messages=[USER], stream=streamed))
    assert (404, "model 'missing' not found") == (caught.value.status_code, caught.value.error)
