"""The simulator's Messages API: Anthropic's shapes, its checks and its complaints; and the library against it."""

import base64
import json

import pytest

import llmclient
from llmclient import errors
from llmclient.simulator import Simulator
from llmclient.types.listing import ListModelsRequest
from llmclient.types.messages import Message, Tool
from llmclient.types.tokens import CountTokensRequest

HEADERS = {"anthropic-version": "2023-06-01"}
USER = {"role": "user", "content": "Hello there, world"}
TOOL = {"name": "f", "input_schema": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}}
OTHER = {"name": "g", "input_schema": {"type": "object"}}
CALL = {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}}
RESULT = {"type": "tool_result", "tool_use_id": "t1", "content": "2"}
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()


@pytest.fixture
def say(simulator, http):
    """Post a message; gives the response."""

    def post(messages=(USER,), *, headers=HEADERS, path="/v1/messages", **body):
        whole = {"model": "echo", "max_tokens": 1000, "messages": list(messages), **body}
        whole = {name: value for name, value in whole.items() if value is not ...}
        return http.post(simulator.url + path, json=whole, headers=headers, timeout=10)

    return post


def events(response):
    """Return the events of a stream, whose names must be those of their data."""
    found = []
    for block in response.text.split("\n\n")[:-1]:
        name, data = block.split("\n")
        found.append(json.loads(data.removeprefix("data: ")))
        assert f"event: {found[-1]['type']}" == name
    return found


def test_a_plain_answer_in_full(say):
    """Every field, with its value."""
    response = say()
    answer = response.json()
    assert answer.pop("id").startswith("msg_")
    assert answer == {
        "type": "message", "role": "assistant", "model": "echo", "content": [{"type": "text", "text": "Hello there, world"}],
        "stop_reason": "end_turn", "stop_sequence": None, "stop_details": None,
        "usage": {
            "input_tokens": 9, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
            "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
            "output_tokens": 3, "output_tokens_details": {"thinking_tokens": 0}, "service_tier": "standard", "inference_geo": "not_available",
        },
    }  # fmt: skip
    assert response.headers["request-id"].startswith("req_")


def test_a_stream_in_full(say):
    """Typed events, the usage at both ends, no end marker but the last event."""
    response = say(stream=True)
    assert "text/event-stream; charset=utf-8" == response.headers["content-type"]
    found = events(response)
    kinds = ["message_start", "content_block_start", "ping", *["content_block_delta"] * 3, "content_block_stop", "message_delta", "message_stop"]
    assert kinds == [event["type"] for event in found]
    assert ("Hello there, world", 9, 3) == (
        "".join(event["delta"]["text"] for event in found[3:6]), found[0]["message"]["usage"]["input_tokens"], found[-2]["usage"]["output_tokens"],
    )  # fmt: skip
    assert {"stop_reason": "end_turn", "stop_sequence": None, "stop_details": None} == found[-2]["delta"]


def test_a_call_in_full(say):
    """The first tool is called, in pieces when streamed; one without arguments is a single empty piece."""
    answer = say(tools=[TOOL]).json()
    assert ("tool_use", "tool_use", "f", int) == (
        answer["stop_reason"], answer["content"][0]["type"], answer["content"][0]["name"], type(answer["content"][0]["input"]["a"]),
    )  # fmt: skip
    assert answer["content"][0]["id"].startswith("toolu_")
    streamed = [event["delta"] for event in events(say(tools=[TOOL], stream=True)) if event["type"] == "content_block_delta"]
    assert answer["content"][0]["input"] == json.loads("".join(delta["partial_json"] for delta in streamed))
    empty = [event["delta"] for event in events(say(tools=[OTHER], stream=True)) if event["type"] == "content_block_delta"]
    assert [{"type": "input_json_delta", "partial_json": ""}] == empty


def test_the_choice_of_tools(say):
    """Any, one by name, none, and never two at once where that is switched off."""
    both = {"tools": [TOOL, OTHER], "messages": [{"role": "user", "content": "f g"}]}
    assert ["f", "g"] == [block["name"] for block in say(**both).json()["content"]]
    assert ["f"] == [block["name"] for block in say(**both, tool_choice={"type": "auto", "disable_parallel_tool_use": True}).json()["content"]]
    assert ["g"] == [block["name"] for block in say(**both, tool_choice={"type": "tool", "name": "g"}).json()["content"]]
    assert "end_turn" == say(**both, tool_choice={"type": "none"}).json()["stop_reason"]


def test_a_stop_sequence_is_named(say):
    """The first that comes ends the answer; one that does not come does not."""
    answer = say(stop_sequences=["world", "there"]).json()
    assert ("stop_sequence", "there", "Hello ") == (answer["stop_reason"], answer["stop_sequence"], answer["content"][0]["text"])
    assert "end_turn" == say(stop_sequences=["x"]).json()["stop_reason"]


def test_an_answer_is_cut_at_max_tokens(say):
    """A call that is cut off loses its arguments in a plain answer."""
    assert ("max_tokens", "Hello") == (say(max_tokens=1).json()["stop_reason"], say(max_tokens=1).json()["content"][0]["text"])
    assert {} == say(max_tokens=1, tools=[TOOL]).json()["content"][0]["input"]


def test_thoughts_are_signed(say):
    """They come first, and go back only with their signature."""
    answer = say(model="reasoner").json()
    assert ["thinking", "text"] == [block["type"] for block in answer["content"]]
    talk = [USER, {"role": "assistant", "content": answer["content"]}, USER]
    assert 200 == say(talk).status_code
    answer["content"][0]["thinking"] += "!"
    assert "messages.1.content.0: Invalid `signature` in `thinking` block" == say(talk).json()["error"]["message"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"thinking": {"type": "disabled"}}, 0),
        ({"output_config": {"effort": "low"}}, 1),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 2000}, 1),
        ({"thinking": {"type": "enabled", "budget_tokens": 9000}, "max_tokens": 10_000}, 2),
        ({"thinking": {"type": "adaptive"}}, 2),
    ],
    ids=["off", "effort", "small budget", "budget", "adaptive"],
)
def test_how_much_is_thought(say, options, words):
    """By effort and budget."""
    content = say(model="reasoner", **options).json()["content"]
    assert words == (content[0]["thinking"].count(".") if content[0]["type"] == "thinking" else 0)


def test_a_schema_is_satisfied(say):
    """In either place."""
    form = {"type": "json_schema", "schema": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": False}}
    for options in ({"output_config": {"format": form}}, {"output_format": form}):
        assert int is type(json.loads(say(**options).json()["content"][0]["text"])["a"])


def test_media_cost_tokens(say):
    """Pictures and documents are counted, whatever their size."""
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
    document = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x"}}
    used = say([{"role": "user", "content": [picture, document, {"type": "text", "text": "hi"}]}]).json()["usage"]
    assert 85 + 100 + 1 + 3 + 3 == used["input_tokens"]


def test_a_system_turn_and_server_blocks_are_taken(say):
    """Whatever a conversation may hold."""
    talk = [
        USER,
        {"role": "assistant", "content": [{"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}, {"type": "text", "text": "a"}]},
        USER,
        {"role": "system", "content": "Be brief."},
    ]
    answer = say(talk, system=[{"type": "text", "text": "s"}], tools=[{"type": "web_search_20250305", "name": "web_search"}], tool_choice={"type": "none"})
    assert "Hello there, world" == answer.json()["content"][0]["text"]


def test_results_are_answered(say):
    """The tool's words are repeated."""
    talk = [USER, {"role": "assistant", "content": [CALL]}, {"role": "user", "content": [RESULT]}]
    assert "The tool says: 2" == say(talk, tools=[TOOL]).json()["content"][0]["text"]


def test_tokens_are_counted(say):
    """As in an answer's usage."""
    assert {"input_tokens": 9} == say(path="/v1/messages/count_tokens", max_tokens=...).json()
    assert 404 == say(path="/v1/messages/count_tokens", model="missing").status_code


def test_models_below_a_folder_of_their_own(simulator, http):
    """At the usual path OpenAI's list stands; here it is Anthropic's."""
    listed = http.get(simulator.url + "/anthropic/v1/models", timeout=10).json()
    assert ("canned", False, "reasoner") == (listed["first_id"], listed["has_more"], listed["last_id"])
    assert listed["data"][0] == http.get(simulator.url + "/anthropic/v1/models/canned", timeout=10).json()
    assert {"type": "not_found_error", "message": "model: x"} == http.get(simulator.url + "/anthropic/v1/models/x", timeout=10).json()["error"]


ASSISTANT = {"role": "assistant", "content": [CALL]}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"model": ...}, "model: Field required"),
        ({"model": 5}, "model: Input should be a valid string"),
        ({"max_tokens": ...}, "max_tokens: Field required"),
        ({"max_tokens": 0}, "max_tokens: Input should be greater"),
        ({"seed": 1}, "seed: Extra inputs are not permitted"),
        ({"temperature": 1.5}, "temperature: range: 0..1"),
        ({"stop_sequences": [" "]}, "each stop sequence must contain non-whitespace"),
        ({"messages": []}, "at least one message is required"),
        ({"messages": [{"role": "tool", "content": "x"}]}, 'the role "user" or "assistant"'),
        ({"messages": [{"role": "user", "content": ""}]}, "messages.0: all messages must have non-empty content"),
        ({"messages": [{"role": "user", "content": " "}]}, "must contain non-whitespace text"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": ""}]}]}, "must contain non-whitespace text"),
        ({"messages": [{"role": "user", "content": ["x"]}]}, "messages.0.content.0.type: Field required"),
        ({"messages": [{"role": "user", "content": [{"type": "image"}]}]}, "image.source: Field required"),
        ({"messages": [USER, {"role": "assistant", "content": "a "}]}, "cannot end with trailing whitespace"),
        ({"messages": [USER, ASSISTANT]}, "without `tool_result` blocks immediately after: t1"),
        ({"messages": [USER, ASSISTANT, USER]}, "messages.1: `tool_use` ids were found without"),
        ({"messages": [USER, ASSISTANT, {"role": "user", "content": [{"type": "text", "text": "x"}, RESULT]}]}, "without `tool_result` blocks"),
        ({"messages": [{"role": "user", "content": [RESULT]}]}, "unexpected `tool_use_id`"),
        ({"messages": [USER, {"role": "assistant", "content": [{**CALL, "id": "a.b"}]}]}, "should match pattern '^[a-zA-Z0-9_-]+$'"),
        ({"messages": [USER, {"role": "assistant", "content": [{**CALL, "input": "{}"}]}]}, "input: Input should be a valid dictionary"),
        ({"tools": [{**TOOL, "name": "a.b"}]}, "should match pattern '^[a-zA-Z0-9_-]{1,128}$'"),
        ({"tools": [{"name": "f", "input_schema": {}}]}, "tools.0.custom.input_schema.type: Field required"),
        ({"tool_choice": {"type": "auto"}}, "only be specified while providing tools"),
        ({"tools": [TOOL], "tool_choice": {"type": "tool", "name": "x"}}, "'x' not found"),
        ({"tools": [TOOL], "tool_choice": "auto"}, "tool_choice.type"),
        ({"output_config": {"format": {"type": "json_schema"}}}, "schema: Field required"),
        ({"output_config": {"format": {"schema": {"type": "object"}}}}, "'additionalProperties' must be explicitly set to false"),
        ({"thinking": {"type": "enabled", "budget_tokens": 10}}, "greater than or equal to 1024"),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, "must be greater than `thinking.budget_tokens`"),
        (
            {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 2000, "tools": [TOOL], "tool_choice": {"type": "any"}},
            "Thinking may not be enabled",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_is_wrong_is_refused(say, body, words):
    """In Anthropic's words and shape."""
    response = say(**body)
    assert 400 == response.status_code
    assert ("error", "invalid_request_error") == (response.json()["type"], response.json()["error"]["type"])
    assert words in response.json()["error"]["message"]
    assert "false" == response.headers["x-should-retry"]


def test_the_version_is_needed(say):
    """And the newer one takes no sampling parameters."""
    assert "anthropic-version: header is required" == say(headers={}).json()["error"]["message"]
    newer = {"anthropic-version": "2026-10-21"}
    assert "temperature: Extra inputs are not permitted" == say(headers=newer, temperature=0).json()["error"]["message"]
    assert 200 == say(temperature=0).status_code


def test_missing_and_failing_models(say):
    """A model that does not exist, one that always fails, and a prompt that is too long."""
    assert (404, "not_found_error", "model: missing-x") == _told(say(model="missing-x"))
    assert (500, "api_error", "Internal server error") == _told(say(model="fail"))
    status, kind, words = _told(say([{"role": "user", "content": "x " * 130_000}]))
    assert (400, "invalid_request_error") == (status, kind)
    assert "prompt is too long: 130007 tokens > 128000 maximum" == words


def _told(response):
    error = response.json()["error"]
    return response.status_code, error["type"], error["message"]


def test_keys_of_either_kind(http):
    """In the header of its own, or as a bearer token; a wrong one is refused."""
    with Simulator(api_key="right") as simulator:
        body = {"model": "echo", "max_tokens": 9, "messages": [USER]}
        for headers in ({"x-api-key": "right"}, {"Authorization": "Bearer right"}):
            assert 200 == http.post(simulator.url + "/v1/messages", json=body, headers=HEADERS | headers, timeout=10).status_code
        refused = http.post(simulator.url + "/v1/messages", json=body, headers=HEADERS | {"x-api-key": "wrong"}, timeout=10)
        assert (401, "authentication_error") == (refused.status_code, refused.json()["error"]["type"])


# The library against it.


@pytest.fixture
def client(simulator):
    """A client of this library that never tries again."""
    settings = {"api_key": "any", "api_base": simulator.url + "/anthropic"}
    with llmclient.Client(providers={"anthropic": settings}, retry=llmclient.Retry(max_attempts=1)) as made:
        yield made


def test_a_chat(client):
    """Text, reason and usage; the streamed answer is the same."""
    answer = client.chat("anthropic/echo", "Hello there, world", temperature=0)
    assert ("Hello there, world", "stop", 9, 3) == (answer.text, answer.finish_reason, answer.usage.prompt_tokens, answer.usage.completion_tokens)
    assert answer.request_id.startswith("req_")
    with client.stream("anthropic/echo", "Hello there, world") as stream:
        assert "Hello there, world" == "".join(chunk.text for chunk in stream)
    assert answer.usage == stream.response.usage


def test_a_round_of_tools(client):
    """Names with dots, two calls at once, their results, the last word."""
    tools = [Tool("math.add", parameters={"type": "object", "properties": {"a": {"type": "integer"}}}), Tool("now")]
    talk = [Message("user", "math_add now")]
    answer = client.chat("anthropic/echo", talk, tools=tools)
    assert ["math.add", "now"] == [call.function.name for call in answer.tool_calls]
    talk += [answer.message, *(Message("tool", "done", tool_call_id=call.id) for call in answer.tool_calls)]
    assert "The tool says: done" == client.chat("anthropic/echo", talk, tools=tools).text


def test_thoughts_go_back_unchanged(client):
    """The simulator would refuse a signature that does not fit."""
    answer = client.chat("anthropic/reasoner", "Why?")
    assert answer.reasoning
    again = client.chat("anthropic/reasoner", [Message("user", "Why?"), answer.message, Message("user", "And?")])
    assert "And?" == again.text
    with client.stream("anthropic/reasoner", "Why?") as stream:
        assert answer.reasoning == "".join(chunk.reasoning or "" for chunk in stream)
    assert answer.message == stream.response.message


def test_a_long_answer_is_streamed_behind_the_scenes(client, simulator):
    """A plain call for many tokens gets the same answer, by a stream."""
    assert "hi" == client.chat("anthropic/echo", "hi", max_tokens=64_000).text
    assert simulator.requests[-1].body["stream"] is True


def test_a_schema(client):
    """The answer satisfies it."""
    shape = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}}}
    assert int is type(json.loads(client.chat("anthropic/echo", "hi", response_format=shape).text)["a"])


def test_models_and_counts(client):
    """The other operations."""
    provider = client.provider("anthropic")
    assert "echo" in list(provider.perform(ListModelsRequest()))
    assert 9 == provider.perform(CountTokensRequest(model="echo", messages=(Message("user", "Hello there, world"),))).tokens


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("status=429;retry-after=7", errors.RateLimitError),
        ("status=529", errors.ProviderUnavailableError),
        ("status=400;code=enforced_spend_limit_reached", errors.QuotaExceededError),
        ("error-200;status=529", errors.ProviderUnavailableError),
        ("garbage", errors.ResponseParsingError),
    ],
)
def test_faults_of_a_chat(client, fault, expected):
    """Each has its class, in a status and in a 200 body."""
    with pytest.raises(expected) as caught:
        client.chat("anthropic/echo", "hi", headers={"x-simulator-fault": fault})
    assert (7.0 if "retry-after" in fault else None) == caught.value.retry_after


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("error=4", errors.ApiError),
        ("error=4;type=overloaded_error", errors.ProviderUnavailableError),
        ("truncate=5", errors.StreamTruncatedError),
        ("no-done", errors.StreamTruncatedError),
        ("garbage", errors.ResponseParsingError),
        ("cut=1100", errors.StreamTruncatedError),
    ],
)
def test_faults_of_a_stream(client, fault, expected):
    """What came before the failure was handed over, and nothing counts as an answer."""
    with client.stream("anthropic/echo", "Hello there, world", headers={"x-simulator-fault": fault}) as stream:
        with pytest.raises(expected):
            list(stream)
        with pytest.raises(expected):
            _ = stream.response
