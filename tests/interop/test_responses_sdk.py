"""The simulator's Responses API, held against OpenAI's own client in its strict mode; and the library against the same server."""

import json

import pytest

import llmclient
from llmclient.simulator import Simulator

openai = pytest.importorskip("openai", reason="the package openai is not installed")
pydantic = pytest.importorskip("pydantic", reason="the package pydantic is not installed")

pytestmark = pytest.mark.sdk

WEATHER = {
    "type": "function",
    "name": "get_weather",
    "strict": True,
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False},
}
QUESTION = "What is the weather in city Paris?"


@pytest.fixture(scope="module")
def simulator():
    """A simulator for this file."""
    with Simulator(api_key="sk-right") as running:
        yield running


@pytest.fixture
def client(simulator):
    """OpenAI's client, which checks every answer against its types, and neither retries nor waits for long."""
    with openai.OpenAI(api_key="sk-right", base_url=simulator.url + "/v1", max_retries=0, timeout=10, _strict_response_validation=True) as made:
        yield made


def test_a_plain_answer(client):
    """Text, usage and request id; and no field that the client does not know."""
    answer = client.responses.create(model="echo", input="Hello there, world", instructions="Be brief.")
    assert answer.output_text == "Hello there, world"
    assert answer.status == "completed"
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens
    assert answer._request_id.startswith("req_")
    assert set(answer.model_extra) <= {"store"}
    assert [part.model_extra for part in (answer.output[0], answer.output[0].content[0], answer.usage)] == [{}] * 3


def test_a_stream(client):
    """Events that the client knows, which add up to what a plain call gives."""
    plain = client.responses.create(model="lorem", input="x", max_output_tokens=30)
    events = list(client.responses.create(model="lorem", input="x", max_output_tokens=30, stream=True))
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == plain.output_text
    assert events[-1].type == "response.incomplete"
    assert events[-1].response.incomplete_details.reason == plain.incomplete_details.reason == "max_output_tokens"
    assert events[-1].response.usage == plain.usage


def test_the_clients_own_accumulator_reads_the_stream(client):
    """`stream()` puts text, reasoning and calls together again."""
    with client.responses.stream(model="reasoner", input=QUESTION, tools=[WEATHER], reasoning={"summary": "auto"}) as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_response()
    assert {"response.function_call_arguments.delta", "response.reasoning_summary_text.delta"} <= kinds
    assert [item.type for item in final.output] == ["reasoning", "function_call"]
    assert json.loads(final.output[1].arguments) == {"city": "Paris"}


def test_a_tool_loop(client):
    """The output goes back as it came, with the result after it."""
    asked = {"model": "reasoner", "tools": [WEATHER], "include": ["reasoning.encrypted_content"], "store": False}
    first = client.responses.create(input=QUESTION, **asked)
    call = first.output[-1]
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "21 degrees"}
    second = client.responses.create(input=[{"role": "user", "content": QUESTION}, *first.output, result], **asked)
    assert second.output_text == "The tool says: 21 degrees"


class Person(pydantic.BaseModel):
    """An answer in a given form."""

    name: str
    age: int


def test_parse_gives_an_object_of_the_callers_class(client):
    """The client's own schema of a class is satisfied."""
    assert isinstance(client.responses.parse(model="echo", input="x", text_format=Person).output_parsed, Person)


def test_log_probabilities(client):
    """They are where the client looks for them."""
    answer = client.responses.create(model="echo", input="one two", include=["message.output_text.logprobs"], top_logprobs=2)
    assert [token.token for token in answer.output[0].content[0].logprobs] == ["one", " two"]


@pytest.mark.parametrize(
    ("options", "kind", "code"),
    [
        ({"model": "missing-model"}, openai.NotFoundError, "model_not_found"),
        ({"model": "fault/status=429;retry-after=1"}, openai.RateLimitError, "rate_limit_exceeded"),
        ({"model": "echo", "max_output_tokens": 1}, openai.BadRequestError, "integer_below_min_value"),
        ({"model": "fail"}, openai.InternalServerError, None),
    ],
    ids=["model", "rate", "request", "server"],
)
def test_errors(client, options, kind, code):
    """Each status becomes the client's class for it."""
    with pytest.raises(kind) as caught:
        client.responses.create(input="Hello", **options)
    assert caught.value.code == code


def test_an_error_inside_a_stream(client):
    """The client knows the event, and it is the last."""
    events = list(client.responses.create(model="fault/error=4", input="Hello", stream=True))
    assert len(events) == 5
    assert (events[-1].type, events[-1].code, events[-1].model_extra) == ("error", "server_error", {})
    assert "asked to fail" in events[-1].message


def test_the_library_sends_what_the_client_sends(simulator, client):
    """The same call leaves the same body in the simulator's journal, but for the form of a lone text."""
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False}
    client.responses.create(model="echo", input=[{"role": "user", "content": QUESTION}], tools=[WEATHER], max_output_tokens=64, store=False)
    theirs = simulator.requests[-1].body
    with llmclient.Client(providers={"openai": {"api_key": "sk-right", "api_base": simulator.url + "/v1"}}) as ours:
        function = {"name": "get_weather", "strict": True, "parameters": schema}
        ours.chat("openai/echo", QUESTION, api="responses", tools=[{"type": "function", "function": function}], max_tokens=64, store=False)
    assert simulator.requests[-1].body == theirs
    assert simulator.requests[-1].path == "/v1/responses"
