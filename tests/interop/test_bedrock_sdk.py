"""The simulator, held against Amazon's own client: what botocore reads without complaint has Bedrock's shape. And the other way round:
what the library sends is what botocore's model of the API allows.
"""

from __future__ import annotations

import base64
import copy
import json
from typing import Any

import pytest

from llmclient.dialects.bedrock import BedrockConverse
from llmclient.simulator import Simulator
from llmclient.types.chat import ChatRequest
from llmclient.types.config import ProviderConfig
from llmclient.types.context import RequestContext
from llmclient.types.messages import Audio, File, Image, Message, Text, Tool

session = pytest.importorskip("botocore.session", reason="the package botocore is not installed")
config = pytest.importorskip("botocore.config", reason="the package botocore is not installed")
exceptions = pytest.importorskip("botocore.exceptions", reason="the package botocore is not installed")
validate = pytest.importorskip("botocore.validate", reason="the package botocore is not installed")

pytestmark = pytest.mark.sdk

HELLO = [{"role": "user", "content": [{"text": "Hello there, world"}]}]
TOOLS = {"tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}}]}


@pytest.fixture(scope="module")
def simulator():
    """A simulator for this file."""
    with Simulator(api_key="AKIDRIGHT") as running:
        yield running


def connect(simulator, service="bedrock-runtime", access="AKIDRIGHT"):
    """Return Amazon's client, which neither retries nor waits for long."""
    settings = config.Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=10)
    return session.Session().create_client(
        service, "us-east-1", endpoint_url=simulator.url, aws_access_key_id=access, aws_secret_access_key="s", config=settings
    )


@pytest.fixture(scope="module")
def client(simulator):
    """The client of the runtime."""
    return connect(simulator)


def gathered(events):
    """Return text, calls, reason and usage of a stream."""
    text, calls, rest = "", [], {}
    for event in events:
        delta = event.get("contentBlockDelta", {}).get("delta", {})
        text += delta.get("text", "")
        if "contentBlockStart" in event:
            calls.append([event["contentBlockStart"]["start"]["toolUse"]["name"], ""])
        if "toolUse" in delta:
            calls[-1][1] += delta["toolUse"]["input"]
        rest |= event.get("messageStop", {}) | event.get("metadata", {})
    return text, [(name, json.loads(arguments)) for name, arguments in calls], rest["stopReason"], rest["usage"]


def test_a_chat(client):
    """Text, reason, usage and request id; a stream gives the same."""
    answer = client.converse(modelId="echo", messages=HELLO, system=[{"text": "Be brief."}])
    assert "Hello there, world" == answer["output"]["message"]["content"][0]["text"]
    assert len(answer["ResponseMetadata"]["RequestId"]) == 36
    streamed = client.converse_stream(modelId="echo", messages=HELLO, system=[{"text": "Be brief."}])["stream"]
    assert ("Hello there, world", [], answer["stopReason"], answer["usage"]) == gathered(streamed)


def test_tools(client):
    """A call, plain and in pieces."""
    answer = client.converse(modelId="echo", messages=HELLO, toolConfig=TOOLS)
    call = answer["output"]["message"]["content"][0]["toolUse"]
    _, calls, reason, _ = gathered(client.converse_stream(modelId="echo", messages=HELLO, toolConfig=TOOLS)["stream"])
    assert (answer["stopReason"], [(call["name"], call["input"])]) == (reason, calls)


def test_thoughts(client):
    """They come before the text."""
    content = client.converse(modelId="reasoner", messages=HELLO)["output"]["message"]["content"]
    assert ["reasoningContent", "text"] == [next(iter(block)) for block in content]


def test_an_arn(client):
    """Encoded in the address."""
    arn = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-3-haiku-20240307-v1:0"
    assert client.converse(modelId=arn, messages=HELLO)["output"]


@pytest.mark.parametrize(
    ("model", "fault", "kind"),
    [
        ("missing", None, "ValidationException"),
        ("echo", "status=429", "ThrottlingException"),
        ("echo", "status=404", "ResourceNotFoundException"),
        ("echo", "status=500", "InternalServerException"),
        ("echo", "status=503", "ServiceUnavailableException"),
    ],
)
def test_failures(client, simulator, model, fault, kind):
    """Each becomes the exception of its kind."""
    if fault:
        simulator.fault(fault)
    with pytest.raises(exceptions.ClientError) as caught:
        client.converse(modelId=model, messages=HELLO)
    assert kind == caught.value.response["Error"]["Code"]


def test_a_failure_within_a_stream(client, simulator):
    """It is raised where the events are read."""
    simulator.fault("error=2")
    with pytest.raises(exceptions.EventStreamError, match="internalServerException"):
        list(client.converse_stream(modelId="echo", messages=HELLO)["stream"])


def test_a_wrong_key(simulator):
    """It is told by its kind."""
    with pytest.raises(exceptions.ClientError) as caught:
        connect(simulator, access="AKIDWRONG").converse(modelId="echo", messages=HELLO)
    assert "UnrecognizedClientException" == caught.value.response["Error"]["Code"]


def test_invoke_model(client):
    """Embeddings, and Claude in its own words."""
    answer = client.invoke_model(modelId="amazon.titan-embed-text-v2:0", body=json.dumps({"inputText": "one", "dimensions": 8}))
    assert 8 == len(json.loads(answer["body"].read())["embedding"])
    body = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": [{"role": "user", "content": "Hello there, world"}]}
    events = client.invoke_model_with_response_stream(modelId="anthropic.claude-v2", body=json.dumps(body))["body"]
    assert "message_stop" == [json.loads(event["chunk"]["bytes"])["type"] for event in events][-1]


def test_counts_and_lists(client, simulator):
    """Token counts, and the models of the control plane."""
    assert client.count_tokens(modelId="echo", input={"converse": {"messages": HELLO}})["inputTokens"] > 0
    assert "echo" in [row["modelId"] for row in connect(simulator, "bedrock").list_foundation_models()["modelSummaries"]]


# What the library sends.

MESSAGES = [
    Message("system", "Be brief.", extra={"cache_control": {"type": "ephemeral", "ttl": "1h"}}),
    Message("user", (Text("?"), Image(data=b"\x89PNG\r\n"), File(data=b"%PDF-", filename="a.pdf"), Audio(data=b"x", format="mp3"), Image("s3://bucket/a.png"))),
    {"role": "assistant", "content": "a", "tool_calls": [{"id": "weird id #1", "type": "function", "function": {"name": "city.of", "arguments": "{}"}}]},
    {"role": "tool", "tool_call_id": "weird id #1", "content": "5", "is_error": True},
]
SCHEMA = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object", "properties": {}}}}
OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "sampling": {"max_tokens": 5, "temperature": 0.5, "top_p": 0.5, "stop": ["x"], "top_k": 5, "metadata": {"a": "b"}, "service_tier": "flex"},
    "thinking": {"reasoning_effort": "low"},
    "tools": {"tools": [Tool("city.of", "Name it.", strict=True, extra={"cache_control": {}}), {"systemTool": {"name": "x"}}], "tool_choice": "city.of"},
    "a schema": {"response_format": SCHEMA},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("model", ["us.anthropic.claude-sonnet-4-5-20250929-v1:0", "amazon.nova-2-lite-v1:0", "vendor.x"])
def test_what_is_sent_is_what_the_api_knows(client, model, options):
    """Every field, type and range of the body."""
    context = RequestContext(provider="bedrock", config=ProviderConfig())
    wire = BedrockConverse(provider="bedrock").encode(ChatRequest.make(model, MESSAGES, **copy.deepcopy(options)), context)
    shape = client.meta.service_model.operation_model("Converse").input_shape
    report = validate.ParamValidator().validate({"modelId": model, **unpacked(wire.body)}, shape)
    assert not report.has_errors(), report.generate_report()


def unpacked(value: Any) -> Any:
    """Return a body with its base64 as the bytes that botocore wants."""
    if isinstance(value, list):
        return [unpacked(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: base64.b64decode(item) if key in ("bytes", "redactedContent") else unpacked(item) for key, item in value.items()}
