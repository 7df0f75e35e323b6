"""The simulator, held against Cohere's own client: what that client reads without complaint has Cohere's shape."""

import pytest

from llmclient.simulator import Simulator

cohere = pytest.importorskip("cohere", reason="the package cohere is not installed")
httpx = pytest.importorskip("httpx", reason="the package httpx is not installed")

pytestmark = pytest.mark.sdk

USER = {"role": "user", "content": "Hello there, world"}
TOOL = {
    "type": "function",
    "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}},
}


@pytest.fixture(scope="module")
def simulator():
    """A simulator for this file."""
    with Simulator(api_key="right") as running:
        yield running


@pytest.fixture
def http():
    """What the clients send with, which is closed in the end: they never close their own."""
    with httpx.Client(timeout=10) as made:
        yield made


@pytest.fixture
def client(simulator, http):
    """Cohere's client, which does not wait for long."""
    return cohere.ClientV2(api_key="right", base_url=simulator.url + "/cohere", httpx_client=http)


ONCE = {"max_retries": 0}


def test_a_chat(client):
    """A plain answer has its text, its reason and its usage."""
    answer = client.chat(model="echo", messages=[USER], temperature=0.2, p=0.9, k=5, stop_sequences=["END"], seed=7)
    assert ("Hello there, world", "COMPLETE") == (answer.message.content[0].text, answer.finish_reason)
    assert answer.usage.tokens.input_tokens > answer.usage.tokens.output_tokens > 0


def test_thoughts(client):
    """They are parts of their own."""
    answer = client.chat(model="reasoner", messages=[USER], thinking={"type": "enabled"})
    assert ["thinking", "text"] == [part.type for part in answer.message.content]


def test_a_stream(client):
    """Each event has a type that the client knows, and the pieces add up."""
    events = list(client.chat_stream(model="echo", messages=[USER]))
    assert ("message-start", "message-end") == (events[0].type, events[-1].type)
    assert "Hello there, world" == "".join(event.delta.message.content.text for event in events if event.type == "content-delta")
    assert "COMPLETE" == events[-1].delta.finish_reason


def test_a_round_of_tools(client):
    """The call has its arguments and a plan, and the result is answered; a stream says the same."""
    answer = client.chat(model="echo", messages=[USER], tools=[TOOL], tool_choice="REQUIRED", strict_tools=True)
    (call,) = answer.message.tool_calls
    assert ("get_weather", "TOOL_CALL", True) == (call.function.name, answer.finish_reason, bool(answer.message.tool_plan))
    result = {"role": "tool", "tool_call_id": call.id, "content": [{"type": "document", "document": {"data": "sunny"}}]}
    turn = {"role": "assistant", "tool_plan": answer.message.tool_plan, "tool_calls": answer.message.tool_calls}
    assert "The tool says: sunny" == client.chat(model="echo", messages=[USER, turn, result], tools=[TOOL]).message.content[0].text
    events = list(client.chat_stream(model="echo", messages=[USER], tools=[TOOL]))
    pieces = [event.delta.message.tool_calls.function.arguments for event in events if event.type == "tool-call-delta"]
    assert call.function.arguments == "".join(pieces)


def test_embeddings_and_reranking(client):
    """Vectors come by their kind, documents in their order."""
    answer = client.embed(model="embed", texts=["a", "b"], input_type="search_document", embedding_types=["float"], output_dimension=256)
    assert [256, 256] == [len(vector) for vector in answer.embeddings.float_]
    ranked = client.rerank(model="echo", query="blue sky", documents=["grass", "the sky is blue"], top_n=1)
    assert [1] == [result.index for result in ranked.results]


def test_failures(client, simulator, http):
    """Each status has its class in the client."""
    with pytest.raises(cohere.NotFoundError):
        client.chat(model="missing", messages=[USER], request_options=ONCE)
    with pytest.raises(cohere.BadRequestError):
        client.chat(model="echo", messages=[USER], p=1.0, request_options=ONCE)
    with pytest.raises(cohere.InternalServerError):
        client.chat(model="fail", messages=[USER], request_options=ONCE)
    with pytest.raises(cohere.UnauthorizedError):
        cohere.ClientV2(api_key="wrong", base_url=simulator.url, httpx_client=http).chat(model="echo", messages=[USER], request_options=ONCE)


def test_models(client):
    """The list has Cohere's shape."""
    assert "echo" in [model.name for model in client.models.list().models]
