"""The simulator's Bedrock: Amazon's shapes, its checks and its complaints; and the library against it."""

import base64
import json

import pytest

import llmclient
from llmclient import errors
from llmclient.simulator import Simulator
from llmclient.types.messages import Tool
from llmclient.types.tokens import CountTokensRequest
from llmclient.wire.eventstream import EventStreamDecoder

USER = {"role": "user", "content": [{"text": "Hello there, world"}]}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = {"tools": [{"toolSpec": {"name": "f", "description": "F.", "inputSchema": {"json": SCHEMA}}}, {"cachePoint": {"type": "default"}}]}
CALL = {"role": "assistant", "content": [{"toolUse": {"toolUseId": "t1", "name": "f", "input": {"city": "x"}}}]}
RESULT = {"role": "user", "content": [{"toolResult": {"toolUseId": "t1", "content": [{"text": "5"}]}}]}
FUNCTION = {"type": "function", "function": {"name": "f", "parameters": SCHEMA}}
MODEL = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"


@pytest.fixture
def say(simulator, http):
    """Post a request; gives the response."""

    def post(*messages, model="echo", method="converse", headers=None, **body):
        return http.post(f"{simulator.url}/model/{model}/{method}", json={"messages": list(messages or (USER,)), **body}, headers=headers, timeout=10)

    return post


@pytest.fixture
def client(simulator):
    """The library, pointed at the simulator."""
    with llmclient.Client(providers={"bedrock": {"api_key": "any", "api_base": simulator.url, "region": "us-east-1"}}) as made:
        yield made


def events(response):
    """Return the events of a stream, whose checksums hold; each has a filler."""
    assert response.headers["content-type"] == "application/vnd.amazon.eventstream"
    decoder = EventStreamDecoder()
    found = decoder.feed(response.content)
    assert not decoder.finish()
    values = [(message.headers[":event-type"], json.loads(message.payload)) for message in found]
    return [(kind, {key: item for key, item in value.items() if key != "p"}) for kind, value in values]


def refused(response):
    """Return the kind and the words of a refusal, which has Amazon's shape."""
    kind, _, tail = response.headers["x-amzn-errortype"].partition(":")
    assert tail.startswith("http://internal.amazon.com")
    return response.status_code, kind, response.json()["message"]


def test_a_plain_answer_in_full(say):
    """Every field, with its value."""
    response = say()
    assert response.json() == {
        "output": {"message": {"role": "assistant", "content": [{"text": "Hello there, world"}]}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 9, "outputTokens": 3, "totalTokens": 12, "cacheReadInputTokens": 0, "cacheWriteInputTokens": 0},
        "metrics": {"latencyMs": 1},
    }
    assert [8, 4, 4, 4, 12] == [len(part) for part in response.headers["x-amzn-requestid"].split("-")]


def test_a_stream_in_full(say):
    """Text has no beginning of its own, and the usage comes after the reason."""
    assert [
        ("messageStart", {"role": "assistant"}),
        *(("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": text}}) for text in ("Hello", " there,", " world")),
        ("contentBlockStop", {"contentBlockIndex": 0}),
        ("messageStop", {"stopReason": "end_turn"}),
        ("metadata", {"usage": say().json()["usage"], "metrics": {"latencyMs": 1}}),
    ] == events(say(method="converse-stream"))


def test_calls(say):
    """Whole in a plain answer; in pieces, behind a beginning, in a stream."""
    plain = say(toolConfig=TOOLS).json()
    call = plain["output"]["message"]["content"][0]["toolUse"]
    assert ("tool_use", "f", {"toolUseId", "name", "input"}, True) == (plain["stopReason"], call["name"], set(call), call["toolUseId"].startswith("tooluse_"))
    found = events(say(method="converse-stream", toolConfig=TOOLS))
    start = next(value for kind, value in found if kind == "contentBlockStart")
    assert {"toolUse": {"name", "toolUseId"}} == {kind: set(value) for kind, value in start["start"].items()}
    pieces = [value["delta"]["toolUse"]["input"] for kind, value in found if kind == "contentBlockDelta"]
    assert set(SCHEMA["required"]) == set(json.loads("".join(pieces)))
    forced = say(USER, CALL, RESULT, toolConfig={**TOOLS, "toolChoice": {"tool": {"name": "f"}}}).json()
    assert "tool_use" == forced["stopReason"]


def test_thoughts_are_signed(say):
    """In a plain answer and in a stream."""
    told = say(model="reasoner").json()["output"]["message"]["content"][0]["reasoningContent"]["reasoningText"]
    deltas = [value["delta"] for kind, value in events(say(model="reasoner", method="converse-stream")) if kind == "contentBlockDelta"]
    thoughts = [delta["reasoningContent"] for delta in deltas if "reasoningContent" in delta]
    assert told["text"] == "".join(thought.get("text", "") for thought in thoughts)
    assert [True] == [bool(thought["signature"]) for thought in thoughts if "signature" in thought]


@pytest.mark.parametrize(
    ("fields", "count"),
    [
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, 1),
        ({"thinking": {"type": "enabled", "budget_tokens": 5000}}, 2),
        ({"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}}, 1),
        ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}, 1),
        ({"reasoning_effort": "low"}, 1),
        ({"reasoning_config": "low"}, 1),
        ({}, 2),
    ],
)
def test_how_much_it_thinks(say, fields, count):
    """In the shape of any family."""
    told = say(model="reasoner", additionalModelRequestFields=fields).json()["output"]["message"]["content"][0]["reasoningContent"]["reasoningText"]
    assert count == told["text"].count(".")


def test_limits(say):
    """An answer ends at its cap, or before a stop sequence."""
    assert "max_tokens" == say(model="lorem", inferenceConfig={"maxTokens": 3}).json()["stopReason"]
    stopped = say(inferenceConfig={"stopSequences": ["there"]}).json()
    assert ("stop_sequence", "Hello ") == (stopped["stopReason"], stopped["output"]["message"]["content"][0]["text"])
    cut = say(toolConfig=TOOLS, inferenceConfig={"maxTokens": 1}).json()
    assert ("max_tokens", {}) == (cut["stopReason"], cut["output"]["message"]["content"][0]["toolUse"]["input"])


def test_answers_of_a_shape(say):
    """The schema is text."""
    config = {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": json.dumps(SCHEMA)}}}}
    assert {"city"} == set(json.loads(say(outputConfig=config).json()["output"]["message"]["content"][0]["text"]))


def test_what_is_cached_stands_beside_the_input(say):
    """A long prompt is, but for its last message."""
    long = {"role": "user", "content": [{"text": "word " * 2000}]}
    usage = say(long, {"role": "assistant", "content": [{"text": "a"}]}, USER).json()["usage"]
    assert usage["cacheReadInputTokens"] > 1000
    assert usage["totalTokens"] == usage["inputTokens"] + usage["outputTokens"] + usage["cacheReadInputTokens"]


@pytest.mark.parametrize(
    ("messages", "body", "words"),
    [
        ([USER], {"stream": True}, "extraneous key [stream]"),
        ([USER], {"inferenceConfig": {"top_p": 1}}, "extraneous key [top_p]"),
        ([USER], {"inferenceConfig": {"temperature": 2}}, "temperature"),
        ([USER], {"inferenceConfig": {"maxTokens": 0}}, "maxTokens"),
        ([USER], {"inferenceConfig": []}, "must be an object"),
        ([], {"messages": []}, "at least one message"),
        ([{"role": "assistant", "content": [{"text": "a"}]}], {}, "must start with a user message"),
        ([USER, USER], {}, "must alternate"),
        ([{"role": "user", "content": []}], {}, "is empty"),
        ([{"role": "user", "content": [{"text": " "}]}], {}, "is blank"),
        ([{"role": "user", "content": [{"type": "text", "text": "a"}]}], {}, "malformed"),
        ([{"role": "user", "content": [{"document": {"name": "a"}}]}], {}, "text content block is required"),
        ([{"role": "user", "content": [{"text": "a"}, {"document": {"name": "a.pdf"}}]}], {}, "document file name"),
        ([{"role": "user", "content": [{"text": "a"}, {"document": {"name": "a"}}, {"document": {"name": "a"}}]}], {}, "duplicate document names"),
        ([USER, CALL, RESULT], {}, "toolConfig field must be defined"),
        ([USER, CALL, USER], {"toolConfig": TOOLS}, "Expected toolResult blocks"),
        ([RESULT], {"toolConfig": TOOLS}, "exceeds the number of toolUse blocks"),
        ([USER], {"toolConfig": {"tools": []}}, "length greater than or equal to 1"),
        ([USER], {"toolConfig": {"tools": [{"toolSpec": {"name": "a.b", "inputSchema": {"json": SCHEMA}}}]}}, "regular expression"),
        ([USER], {"toolConfig": {"tools": [{"toolSpec": {"name": "a", "inputSchema": {"json": {}}}}]}}, "inputSchema"),
        ([USER], {"toolConfig": {**TOOLS, "toolChoice": {"none": {}}}}, "toolChoice is invalid"),
        ([USER], {"toolConfig": {**TOOLS, "toolChoice": {"tool": {"name": "g"}}}}, "not among the tools"),
        ([USER], {"outputConfig": {"textFormat": {"structure": {"jsonSchema": {"schema": SCHEMA}}}}}, "written as a string"),
        ([USER], {"outputConfig": {"textFormat": {"structure": {"jsonSchema": {"schema": "{"}}}}}, "written as a string"),
        ([{"role": "user", "content": [{"text": "a"}, *[{"cachePoint": {"type": "default"}}] * 5]}], {}, "more than 4 cachePoint"),
        ([{"role": "user", "content": [{"text": "word " * 200_000}]}], {}, "prompt is too long"),
    ],
)
def test_what_is_wrong_is_refused(say, messages, body, words):
    """In Amazon's words, as a failure of validation."""
    status, kind, message = refused(say(*messages, **body))
    assert (400, "ValidationException", True) == (status, kind, words in message), message


def test_models_that_fail(say):
    """One is not there, the other is always broken."""
    assert (400, "ValidationException", "The provided model identifier is invalid.") == refused(say(model="missing-1"))
    assert (500, "InternalServerException") == refused(say(model="fail"))[:2]


def test_embeddings(say):
    """By the vendor's body, with the count in a header."""
    titan = say(method="invoke", model="amazon.titan-embed-text-v2:0", inputText="a b", dimensions=8)
    assert (8, 2, "2") == (len(titan.json()["embedding"]), titan.json()["inputTextTokenCount"], titan.headers["x-amzn-bedrock-input-token-count"])
    cohere = say(method="invoke", model="cohere.embed-v4:0", texts=["a b", "c"], input_type="search_query", output_dimension=8).json()
    assert titan.json()["embedding"] == cohere["embeddings"]["float"][0]
    nova = say(method="invoke", model="amazon.nova-x", singleEmbeddingParams={"embeddingDimension": 8, "text": {"value": "a b"}}).json()
    assert titan.json()["embedding"] == nova["embeddings"][0]["embedding"]
    for body in ({}, {"texts": ["a"]}):
        assert "ValidationException" == refused(say(method="invoke", model="embed", **body))[1]
    assert 400 == say(method="invoke", model="missing", inputText="a").status_code


def test_counts(say):
    """Of the conversation within; nothing else is counted here."""
    body = {"input": {"converse": {"messages": [USER], "system": [{"text": "Be brief."}]}}}
    assert {"inputTokens": 14} == say(method="count-tokens", **body).json()
    assert 400 == say(method="count-tokens").status_code


def test_claude_by_invoke_model(say):
    """Anthropic's bodies, its events in Amazon's messages; what its own address takes is refused."""
    body = {"messages": [{"role": "user", "content": "Hello there, world"}], "max_tokens": 50, "anthropic_version": "bedrock-2023-05-31"}
    plain = say(method="invoke", model=MODEL, **body).json()
    assert ("Hello there, world", MODEL) == (plain["content"][0]["text"], plain["model"])
    found = events(say(method="invoke-with-response-stream", model=MODEL, **body))
    assert {"chunk"} == {kind for kind, _ in found}
    inner = [json.loads(base64.b64decode(value["bytes"])) for _, value in found]
    assert ("message_start", "message_stop") == (inner[0]["type"], inner[-1]["type"])
    for change in ({"stream": True}, {"anthropic_version": "2023-06-01"}, {"max_tokens": 0}):
        assert (400, "ValidationException") == refused(say(method="invoke-with-response-stream", model=MODEL, **body | change))[:2]


# The library against it.


def test_a_chat(client):
    """A stream gives what a plain call gives."""
    plain = client.chat(f"bedrock/{MODEL}", "Hello there, world", system="Be brief.", temperature=0)
    with client.stream(f"bedrock/{MODEL}", "Hello there, world", system="Be brief.", temperature=0) as stream:
        assert "Hello there, world" == "".join(chunk.text for chunk in stream)
    assert (plain.text, plain.usage, plain.finish_reason) == (stream.response.text, stream.response.usage, stream.response.finish_reason)
    assert plain.cost > 0


def test_a_conversation_with_tools(client):
    """Names that are fitted come back; results are taken, also without tools."""
    tool = Tool("city.of", "Name it.", SCHEMA)
    first = client.chat("bedrock/echo", "city Paris", tools=[tool])
    assert ("tool_calls", "city.of") == (first.finish_reason, first.tool_calls[0].function.name)
    messages = ["city Paris", first.message, {"role": "tool", "tool_call_id": first.tool_calls[0].id, "content": "5"}]
    assert "The tool says: 5" == client.chat("bedrock/echo", messages).text
    assert "The tool says: 5" == client.chat("bedrock/echo", messages, tools=[tool]).text


@pytest.mark.parametrize("model", ["meta.llama3-3-70b-instruct-v1:0", "mistral.pixtral-large-2502-v1:0", "writer.palmyra-x5-v1:0", MODEL, "vendor.x"])
def test_awkward_conversations(client, model):
    """Whatever the family, what goes out is taken."""
    call = {"id": "weird id #1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    document = {"type": "file", "file": {"filename": "a report.v1.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}}
    messages = [
        {"role": "assistant", "content": "I begin"},
        {"role": "user", "content": [document]},
        {"role": "user", "content": [document]},
        {"role": "assistant", "content": " ", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "weird id #1", "content": [document]},
        {"role": "user", "content": [{"type": "text", "text": "and?"}]},
        {"role": "assistant", "content": ""},
        {"role": "user", "content": ""},
    ]
    client.chat(f"bedrock/{model}", messages)
    client.chat(f"bedrock/{model}", messages, tools=[FUNCTION])


def test_claude_by_the_other_api(client):
    """The same answer by InvokeModel."""
    plain = client.chat(f"bedrock/{MODEL}", "Hello there, world", api="invoke")
    with client.stream(f"bedrock/{MODEL}", "Hello there, world", api="invoke") as stream:
        assert plain.text == "".join(chunk.text for chunk in stream) == "Hello there, world"
    assert plain.usage == stream.response.usage


def test_the_other_operations(client):
    """Embeddings, counts and the list of models."""
    assert [8, 8] == [len(vector) for vector in client.embed("bedrock/cohere.embed-v4:0", ["a", "b"], dimensions=8).vectors]
    assert [8] == [len(vector) for vector in client.embed("bedrock/amazon.titan-embed-text-v2:0", ["a"], dimensions=8).vectors]
    provider = client.provider("bedrock")
    assert "echo" in list(provider.available_models())
    messages = llmclient.types.messages.read_messages("Hello there, world")
    assert 9 == provider.perform(CountTokensRequest(model="echo", messages=messages)).tokens


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("status=429", errors.RateLimitError),
        ("status=429;code=insufficient_quota", errors.QuotaExceededError),
        ("status=403", errors.PermissionDeniedError),
        ("status=404", errors.ModelNotFoundError),
        ("status=503", errors.ProviderUnavailableError),
        ("status=424;code=ModelNotReadyException", errors.ProviderUnavailableError),
        ("error=2", errors.ApiError),
        ("truncate=3", errors.StreamTruncatedError),
        ("cut=100", errors.NetworkError),
        ("garbage", errors.ResponseParsingError),
        ("empty", errors.StreamTruncatedError),
        ("error-200", errors.ApiError),
    ],
)
def test_faults(client, simulator, fault, expected):
    """Each is a typed error, never an answer."""
    simulator.fault(fault)
    with pytest.raises(expected):  # noqa: PT012 - the stream may fail at its opening or later
        with client.stream("bedrock/echo", "one two three four five", retry=llmclient.Retry(max_attempts=1)) as stream:
            for _ in stream:
                pass
        _ = stream.response


def test_keys():
    """A bearer token, or the id of an access key."""
    for settings in ({"api_key": "right"}, {"access_key_id": "right", "secret_access_key": "s"}):
        with Simulator(api_key="right") as simulator:
            base = {"api_base": simulator.url, "region": "us-east-1"}
            with llmclient.Client(providers={"bedrock": {**settings, **base}}) as client:
                assert "hi" == client.chat("bedrock/echo", "hi").text
            wrong = {name: value.replace("right", "wrong") for name, value in settings.items()}
            with llmclient.Client(providers={"bedrock": {**wrong, **base}}) as client, pytest.raises(errors.AuthenticationError) as caught:
                client.chat("bedrock/echo", "hi")
            assert (403, "UnrecognizedClientException") == (caught.value.status, caught.value.code)
