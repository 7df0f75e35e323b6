"""The simulator, held against Mistral's own client: what that client reads without complaint has Mistral's shape."""

import pytest

from llmclient.simulator import Simulator

pytest.importorskip("mistralai.client", reason="the package mistralai is not installed")
from mistralai.client import Mistral
from mistralai.client.errors import SDKError

pytestmark = pytest.mark.sdk

USER = {"role": "user", "content": "Hello there, world"}
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL = {"type": "function", "function": {"name": "get_weather", "description": "Tells it.", "parameters": PARAMETERS}}


@pytest.fixture(scope="module")
def simulator():
    """A simulator for this file."""
    with Simulator(api_key="right") as running:
        yield running


@pytest.fixture
def client(simulator):
    """Mistral's client."""
    with Mistral(api_key="right", server_url=simulator.url + "/mistral", timeout_ms=10_000) as made:
        yield made


def test_chat(client):
    """A plain answer has its text, its reason and its usage."""
    answer = client.chat.complete(model="echo", messages=[{"role": "system", "content": "Be brief."}, USER], temperature=0.5, random_seed=7)
    (choice,) = answer.choices
    assert ("Hello there, world", "stop") == (choice.message.content, choice.finish_reason)
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0


def test_a_stream(client):
    """Its events add up to the plain answer, the last with the usage."""
    events = [event.data for event in client.chat.stream(model="echo", messages=[USER])]
    assert "Hello there, world" == "".join(event.choices[0].delta.content or "" for event in events)
    assert [None] * (len(events) - 1) == [event.usage for event in events[:-1]]
    assert ("stop", True) == (events[-1].choices[0].finish_reason, events[-1].usage.total_tokens > 0)


def test_thoughts(client):
    """The client takes them for chunks of their own kind, and they go back as they came."""
    answer = client.chat.complete(model="reasoner", messages=[USER], reasoning_effort="high")
    thought, said = answer.choices[0].message.content
    assert ("thinking", "Hello there, world", True) == (thought.type, said.text, bool(thought.thinking[0].text))
    again = client.chat.complete(model="echo", messages=[USER, answer.choices[0].message, USER])
    assert "Hello there, world" == again.choices[0].message.content
    pieces = [event.data.choices[0].delta.content for event in client.chat.stream(model="reasoner", messages=[USER], reasoning_effort="high")]
    assert thought.thinking[0].text == "".join(part.thinking[0].text for piece in pieces if isinstance(piece, list) for part in piece)


@pytest.mark.parametrize("streamed", [False, True])
def test_a_round_of_tools(client, streamed):
    """The call has its arguments, and the result is answered."""
    options = {"model": "echo", "messages": [USER], "tools": [TOOL], "tool_choice": "any"}
    if streamed:
        calls = [call for event in client.chat.stream(**options) for call in event.data.choices[0].delta.tool_calls or ()]
    else:
        calls = client.chat.complete(**options).choices[0].message.tool_calls
    (call,) = calls
    assert ("get_weather", 9) == (call.function.name, len(call.id))
    result = {"role": "tool", "tool_call_id": call.id, "name": "get_weather", "content": "sunny"}
    answer = client.chat.complete(model="echo", messages=[USER, {"role": "assistant", "content": "", "tool_calls": [call]}, result], tools=[TOOL])
    assert "The tool says: sunny" == answer.choices[0].message.content


def test_formats_and_parts(client):
    """A schema is kept to, and every part that the client has is taken."""
    form = {"type": "json_schema", "json_schema": {"name": "person", "schema_definition": {"const": {"a": 1}}, "strict": True}}
    assert '{"a":1}' == client.chat.complete(model="echo", messages=[USER], response_format=form).choices[0].message.content
    parts = [
        {"type": "text", "text": "hi"},
        {"type": "image_url", "image_url": "https://acme.example/a.png"},
        {"type": "document_url", "document_url": "https://acme.example/a.pdf"},
        {"type": "file", "file_id": "00000000-0000-0000-0000-000000000000"},
    ]
    assert "hi" == client.chat.complete(model="echo", messages=[{"role": "user", "content": parts}]).choices[0].message.content


def test_other_operations(client):
    """Completion of code, embeddings, and models."""
    assert "def f(" == client.fim.complete(model="echo", prompt="def f(", suffix="return 1").choices[0].message.content
    assert "def f(" == "".join(event.data.choices[0].delta.content or "" for event in client.fim.stream(model="echo", prompt="def f("))
    answer = client.embeddings.create(model="embed", inputs=["a", "b"], output_dimension=8)
    assert [8, 8] == [len(row.embedding) for row in answer.data]
    assert "echo" in [model.id for model in client.models.list().data]
    assert "echo" == client.models.retrieve(model_id="echo").id


@pytest.mark.parametrize(
    ("options", "status"), [({"model": "missing"}, 400), ({"model": "fail"}, 500), ({"model": "echo", "messages": [{"role": "assistant", "content": "x"}]}, 400)]
)
def test_failures(client, options, status):
    """Each is one that the client knows by its status."""
    with pytest.raises(SDKError) as caught:
        client.chat.complete(**{"messages": [USER], **options})
    assert (status, "error") == (caught.value.status_code, caught.value.raw_response.json()["object"])


def test_a_wrong_key(simulator):
    """Is refused in other words."""
    with Mistral(api_key="wrong", server_url=simulator.url + "/mistral") as client, pytest.raises(SDKError) as caught:
        client.chat.complete(model="echo", messages=[USER])
    assert 401 == caught.value.status_code
