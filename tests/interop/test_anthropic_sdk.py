"""The simulator, held against Anthropic's own client: what that client reads without complaint has Anthropic's shape."""

import json

import pytest

from llmclient.simulator import Simulator

anthropic = pytest.importorskip("anthropic", reason="the package anthropic is not installed")

pytestmark = pytest.mark.sdk

USER = {"role": "user", "content": "Hello there, world"}
TOOL = {"name": "get_weather", "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}


@pytest.fixture(scope="module")
def simulator():
    """A simulator for this file."""
    with Simulator(api_key="sk-right") as running:
        yield running


@pytest.fixture
def client(simulator):
    """Anthropic's client, which neither retries nor waits for long."""
    with anthropic.Anthropic(api_key="sk-right", base_url=simulator.url + "/anthropic", max_retries=0, timeout=10, _strict_response_validation=True) as made:
        yield made


def said(answer):
    """Return what the blocks of an answer hold, without what the client makes of it."""
    return [{key: value for key, value in block.to_dict().items() if key != "parsed_output"} for block in answer.content]


def test_a_message(client):
    """A plain answer has its text, its reason, its usage and its request id."""
    answer = client.messages.create(model="echo", max_tokens=100, system="Be brief.", messages=[USER], stop_sequences=["END"])
    assert "Hello there, world" == answer.content[0].text
    assert ("end_turn", "msg_") == (answer.stop_reason, answer.id[:4])
    assert answer.usage.input_tokens > answer.usage.output_tokens > 0
    assert answer._request_id.startswith("req_")


def test_no_field_is_unknown_to_the_client(client):
    """Every field of an answer is one that Anthropic documents."""
    answer = client.messages.create(model="reasoner", max_tokens=100, messages=[USER])
    assert [{}] * 4 == [part.model_extra or {} for part in (answer, *answer.content, answer.usage)]


def test_a_stream(client):
    """The helper assembles what a plain call gives."""
    with client.messages.stream(model="echo", max_tokens=100, messages=[USER]) as stream:
        assert "Hello there, world" == "".join(stream.text_stream)
        final = stream.get_final_message()
    plain = client.messages.create(model="echo", max_tokens=100, messages=[USER])
    assert (said(plain), plain.stop_reason) == (said(final), final.stop_reason)
    assert (plain.usage.input_tokens, plain.usage.output_tokens) == (final.usage.input_tokens, final.usage.output_tokens)


def test_raw_events(client):
    """Each event has a type that the client knows."""
    kinds = [type(event).__name__ for event in client.messages.create(model="echo", max_tokens=100, messages=[USER], stream=True)]
    assert ("RawMessageStartEvent", "RawMessageStopEvent") == (kinds[0], kinds[-1])
    assert 3 == kinds.count("RawContentBlockDeltaEvent")


@pytest.mark.parametrize("streamed", [False, True])
def test_a_round_of_tools(client, streamed):
    """The call has its input, and the result is answered."""
    options = {"model": "echo", "max_tokens": 100, "tools": [TOOL]}
    if streamed:
        with client.messages.stream(messages=[USER], **options) as stream:
            answer = stream.get_final_message()
    else:
        answer = client.messages.create(messages=[USER], **options)
    call = answer.content[0]
    assert ("tool_use", "get_weather", ["city"]) == (answer.stop_reason, call.name, list(call.input))
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "sunny"}
    talk = [USER, answer.to_param() if hasattr(answer, "to_param") else {"role": "assistant", "content": answer.content}, {"role": "user", "content": [result]}]
    assert "The tool says: sunny" == client.messages.create(messages=talk, **options).content[0].text


def test_thoughts(client):
    """Signed, whole and streamed."""
    options = {"model": "reasoner", "max_tokens": 3000, "messages": [USER], "thinking": {"type": "enabled", "budget_tokens": 1024}}
    answer = client.messages.create(**options)
    with client.messages.stream(**options) as stream:
        final = stream.get_final_message()
    assert ("thinking", "text") == tuple(block.type for block in answer.content)
    assert said(answer) == said(final)


def test_a_schema(client):
    """The answer satisfies it."""
    schema = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"], "additionalProperties": False}
    answer = client.messages.create(model="echo", max_tokens=100, messages=[USER], output_config={"format": {"type": "json_schema", "schema": schema}})
    assert int is type(json.loads(answer.content[0].text)["age"])


def test_counting_and_listing(client):
    """The other operations."""
    assert 9 == client.messages.count_tokens(model="echo", messages=[USER]).input_tokens
    assert "echo" in [model.id for model in client.models.list()]
    assert "echo" == client.models.retrieve("echo").id


@pytest.mark.parametrize(
    ("model", "error"),
    [
        ("missing-x", "NotFoundError"),
        ("fail", "InternalServerError"),
        ("fault/status=429", "RateLimitError"),
        ("fault/status=529", "OverloadedError"),
        ("fault/status=400", "BadRequestError"),
        ("fault/status=403", "PermissionDeniedError"),
    ],
)
def test_failures(client, model, error):
    """Each is the client's error for its status."""
    with pytest.raises(anthropic.APIStatusError) as caught:
        client.messages.create(model=model, max_tokens=100, messages=[USER])
    expected = getattr(anthropic, error, anthropic.InternalServerError)
    assert isinstance(caught.value, expected)
    assert "error" == caught.value.body["type"]


def test_a_wrong_key(simulator):
    """It is refused."""
    with anthropic.Anthropic(api_key="wrong", base_url=simulator.url, max_retries=0) as client, pytest.raises(anthropic.AuthenticationError):
        client.messages.create(model="echo", max_tokens=100, messages=[USER])


def test_a_failure_within_a_stream(client):
    """The client raises it."""
    with pytest.raises(anthropic.APIError), client.messages.stream(model="fault/error=3", max_tokens=100, messages=[USER]) as stream:
        stream.get_final_message()
