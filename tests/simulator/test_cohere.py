"""The simulator's Cohere API: its shapes, its checks and its complaints; and the library against it."""

import json

import pytest

import llmclient
from llmclient import errors
from llmclient.dialects.cohere import CohereChat
from llmclient.simulator import Simulator
from llmclient.types.embeddings import EmbeddingRequest
from llmclient.types.listing import ListModelsRequest
from llmclient.types.rerank import RerankRequest

USER = {"role": "user", "content": "Hello there, world"}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}}}


@pytest.fixture
def say(simulator, http):
    """Post a chat; gives the response."""

    def post(messages=(USER,), *, path="/v2/chat", **body):
        return http.post(simulator.url + path, json={"model": "echo", "messages": list(messages), **body}, timeout=10)

    return post


@pytest.fixture
def client(simulator):
    """The library, told to ask the simulator."""
    return llmclient.Client(providers={"cohere": {"api_key": "k", "api_base": simulator.url + "/cohere"}}, retry=llmclient.Retry(max_attempts=1))


def test_a_plain_answer_in_full(say):
    """Every field, with its value."""
    answer = say().json()
    assert 36 == len(answer.pop("id"))
    usage = {"billed_units": {"input_tokens": 9, "output_tokens": 3}, "tokens": {"input_tokens": 9, "output_tokens": 3}, "cached_tokens": 0}
    message = {"role": "assistant", "content": [{"type": "text", "text": "Hello there, world"}]}
    assert {"finish_reason": "COMPLETE", "message": message, "usage": usage} == answer


def test_a_stream_in_full(say):
    """The types of its events, in their order; each is named as its data says."""
    blocks = say(stream=True).text.split("\n\n")[:-1]
    assert "data: [DONE]" == blocks.pop()
    events = [json.loads(block.partition("\n")[2].removeprefix("data: ")) for block in blocks]
    assert [f"event: {event['type']}" for event in events] == [block.partition("\n")[0] for block in blocks]
    kinds = ["message-start", "content-start", *["content-delta"] * 3, "content-end", "message-end"]
    assert kinds == [event["type"] for event in events]


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"model": None}, "model is required"),
        ({"messages": []}, "at least 1 message"),
        ({"top_p": 1}, "unknown field: top_p"),
        ({"p": 1.0}, "p must be between"),
        ({"stop_sequences": list("abcdef")}, "at most 5"),
        ({"messages": [{"role": "developer", "content": "a"}]}, "role must be one of"),
        ({"messages": [USER, {"role": "tool", "tool_call_id": "x", "content": "a"}]}, "tool call id not found"),
        ({"messages": [{"role": "user", "content": [{"type": "document"}]}]}, "content of type document"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "must be functions"),
        ({"tools": [TOOL], "tool_choice": "auto"}, "must be one of REQUIRED"),
        ({"tool_choice": "REQUIRED"}, "needs tools"),
        ({"response_format": {"type": "json_schema"}}, "response_format.type"),
    ],
)
def test_complaints_about_a_chat(say, body, word):
    """In Cohere's shape."""
    response = say(**body)
    assert 400 == response.status_code
    assert word in response.json()["message"]


@pytest.mark.parametrize(
    ("path", "body", "word"),
    [
        ("/v2/embed", {"texts": ["a"], "input_type": "search_query"}, "model is required"),
        ("/v2/embed", {"model": "embed", "texts": ["a"]}, "input_type"),
        ("/v2/embed", {"model": "embed", "texts": ["a"], "input_type": "search_query", "embedding_types": ["x"]}, "embedding_types"),
        ("/v2/embed", {"model": "embed", "texts": [], "input_type": "search_query"}, "texts must"),
        ("/v2/embed", {"model": "embed", "texts": ["a"], "input_type": "search_query", "output_dimension": 7}, "output_dimension"),
        ("/v2/rerank", {"model": "echo", "query": "", "documents": ["a"]}, "query"),
        ("/v2/rerank", {"model": "echo", "query": "a", "documents": [{"text": "a"}]}, "documents"),
    ],
)
def test_complaints_about_the_rest(simulator, http, path, body, word):
    """In Cohere's shape."""
    response = http.post(simulator.url + path, json=body, timeout=10)
    assert 400 == response.status_code
    assert word in response.json()["message"]


@pytest.mark.parametrize("model", ["echo", "reasoner"])
def test_the_library_reads_both_ways_alike(client, model):
    """A stream gives what a plain answer gives."""
    plain = client.chat(f"cohere/{model}", "Hello there, world")
    with client.stream(f"cohere/{model}", "Hello there, world") as stream:
        assert "Hello there, world" == "".join(chunk.text for chunk in stream)
    assert (plain.text, plain.reasoning, plain.usage, plain.finish_reason) == (
        stream.response.text, stream.response.reasoning, stream.response.usage, "stop",
    )  # fmt: skip
    assert (model == "reasoner") is bool(plain.reasoning)


def test_thoughts_can_be_switched_off(client):
    """By Cohere's own words."""
    assert client.chat("cohere/reasoner", "hi", thinking={"type": "disabled"}).reasoning is None


@pytest.mark.parametrize("streamed", [False, True])
def test_a_round_of_tools(client, streamed):
    """The plan goes back with the calls, and the result is answered."""
    messages = [USER]
    response = client.stream("cohere/echo", messages, tools=[TOOL]).read() if streamed else client.chat("cohere/echo", messages, tools=[TOOL])
    (call,) = response.tool_calls
    assert ("f", ["a"], "tool_calls", "I will use f.") == (call.function.name, list(call.parse()), response.finish_reason, response.reasoning)
    result = {"role": "tool", "tool_call_id": call.id, "content": [{"type": "document", "document": {"data": "sunny"}}]}
    assert "The tool says: sunny" == client.chat("cohere/echo", [*messages, response.message, result], tools=[TOOL]).text


def test_structured_answers_and_pictures(client):
    """A schema is kept to, any object will do, and a picture costs tokens."""
    shape = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}}}
    assert isinstance(json.loads(client.chat("cohere/echo", "hi", response_format=shape).text)["n"], int)
    assert {"echo": "hi"} == json.loads(client.chat("cohere/echo", "hi", response_format="json_object").text)
    parts = [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "https://x/y.png"}}]
    assert client.chat("cohere/echo", [{"role": "user", "content": parts}]).usage.prompt_tokens > 85
    assert "length" == client.chat("cohere/lorem", "hi", max_tokens=3).finish_reason


def test_failures(client):
    """A missing model, one that fails, and a prompt that is too long."""
    with pytest.raises(errors.ModelNotFoundError):
        client.chat("cohere/missing", "hi")
    with pytest.raises(errors.ApiError):
        client.chat("cohere/fail", "hi")
    with pytest.raises(errors.ContextLengthExceededError):
        client.chat("cohere/echo", "a " * 128_001)
    with pytest.raises(errors.ModelNotFoundError):
        client.provider("cohere").embeddings(EmbeddingRequest(model="missing", input=("a",)))


def test_a_key_is_asked_for():
    """Where the simulator has one."""
    with Simulator(api_key="right") as running:
        client = llmclient.Client(providers={"cohere": {"api_key": "wrong", "api_base": running.url}}, retry=llmclient.Retry(max_attempts=1))
        with pytest.raises(errors.AuthenticationError):
            client.chat("cohere/echo", "hi")


def test_embeddings_and_reranking(client):
    """The library reads both, and base64 gives the same vectors."""
    provider = client.provider("cohere")
    plain = provider.embeddings(EmbeddingRequest(model="embed", input=("a b", "c"), input_type="search_query"))
    packed = provider.embeddings(EmbeddingRequest(model="embed", input=("a b", "c"), input_type="search_query", encoding_format="base64"))
    assert plain.vectors == [pytest.approx(vector.tolist()) for vector in packed.vectors]
    assert (64, 3) == (plain.dimensions, plain.usage.prompt_tokens)
    ranked = provider.perform(RerankRequest(model="echo", query="blue sky", documents=("grass", "the sky is blue"), top_n=1, return_documents=True))
    assert [(1, 1.0, "the sky is blue")] == [(result.index, result.score, result.document) for result in ranked]
    assert "echo" in list(provider.perform(ListModelsRequest()))


def test_a_failure_within_a_stream():
    """Comes as the last event, and has its code."""
    from llmclient.simulator.cohere import DIALECT
    from llmclient.simulator.exchange import Failure

    decoder = CohereChat().stream("m", "r")
    decoder.feed(DIALECT.failure_event(Failure(400, "too long", code="TOO_MANY_TOKENS")))
    assert isinstance(decoder.error, errors.ContextLengthExceededError)
    decoder = CohereChat().stream("m", "r")
    decoder.feed(DIALECT.failure_event(Failure(500, "oops")))
    assert "oops" == decoder.error.message
