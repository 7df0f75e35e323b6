"""Recorded exchanges of the Messages API, and what Anthropic's own SDKs send, against the dialect."""

import base64
import copy
import functools
import json
import os
import pathlib

import pytest
import responses

import llmclient
from llmclient import errors
from llmclient.dialects.anthropic import AnthropicCountTokens, AnthropicMessages, AnthropicModels
from llmclient.dialects.anthropic.families import family_of
from llmclient.types.config import ProviderConfig
from llmclient.types.context import RequestContext
from llmclient.types.listing import ListModelsRequest
from llmclient.types.tokens import CountTokensRequest
from tests.conformance import extract_anthropic as extractor
from tests.conformance import read_anthropic as reader

SHARED = pathlib.Path(os.environ.get("LLMCLIENT_SHARED") or pathlib.Path(__file__).parents[3] / "shared")
WIRE, ORACLE = SHARED / "wire", SHARED / "oracle"
DIALECT = AnthropicMessages(provider=reader.PROVIDER)
CONTEXT = RequestContext(provider=reader.PROVIDER, config=ProviderConfig(provider=reader.PROVIDER))
BASE = "http://127.0.0.1:9"

pytestmark = pytest.mark.skipif(not WIRE.is_dir(), reason=f"there is no {WIRE}; LLMCLIENT_SHARED may name the folder of recorded exchanges")


@functools.cache
def rows(*apis):
    """Return the index rows of some APIs that speak this dialect."""
    if not WIRE.is_dir():
        return ()
    with (WIRE / "index.jsonl").open(encoding="utf-8") as lines:
        found = [row for row in map(json.loads, lines) if row["api"] in apis]
    return tuple(row for row in found if row["api"] == "messages" or row["provider"] in ("anthropic", "azure_anthropic"))


@functools.cache
def exchange(path):
    """Return one recorded exchange."""
    return json.loads((WIRE / path).read_text(encoding="utf-8"))


def recorded(*apis, streamed=None):
    """Return the exchanges of some APIs as parameters."""
    return [
        pytest.param(row["path"], id=f"{row['provider']}-{row['id']}")
        for row in rows(*apis)
        if streamed is None or streamed is (row["resp_kind"] in ("sse", "eventstream"))
    ]


def raw(exchange):
    """Return the bytes of a recorded answer; Amazon's frames become the events that they carry."""
    answer = exchange["response"]
    if answer["body_kind"] == "eventstream":
        return b"".join(f"data: {event}\n\n".encode() for event in extractor.frames(base64.b64decode(answer["body_base64"])))
    return answer["body_text"].encode()


def told(response):
    """Return what the library says of an answer, in the extractor's words."""
    usage, blocks = response.usage, response.message.reasoning
    return {
        "id": response.id,
        "model": response.model,
        "text": response.text,
        "reasoning": [(block.text, block.signature) for block in blocks if block.redacted is None],
        "redacted": [block.redacted for block in blocks if block.redacted is not None],
        "calls": [(call.id, call.function.name, extractor.arguments(call.function.arguments)) for call in response.tool_calls],
        "citations": list(response.message.annotations),
        "finish": response.finish_reason,
        "finish_raw": response.finish_reason_raw,
        "usage": (
            usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens, usage.cache_write_tokens, usage.cache_write_1h_tokens, usage.reasoning_tokens,
        ),
    }  # fmt: skip


def feed(body, sizes):
    """Return the decoder and the chunks of a stream that comes in reads of some sizes."""
    decoder, chunks, start, turn = DIALECT.stream("m", "r"), [], 0, 0
    while start < len(body):
        size = sizes[turn % len(sizes)]
        chunks += decoder.feed(body[start : start + size])
        start, turn = start + size, turn + 1
    return decoder, chunks + decoder.finish()


def normal(response):
    """Return a response with its arguments parsed: a stream keeps the text that came."""
    value = response.to_dict()
    for call in value["choices"][0]["message"].get("tool_calls", ()):
        call["function"]["arguments"] = extractor.arguments(call["function"]["arguments"])
    return value


@pytest.mark.parametrize("path", recorded("messages", streamed=False))
def test_plain_answers(path):
    """Text, thoughts, calls, citations, finish reason and usage are what the extractor finds."""
    recording = exchange(path)
    assert extractor.of_exchange(recording) == told(DIALECT.decode(raw(recording), "m", "r"))


@pytest.mark.parametrize("path", recorded("messages", streamed=True))
def test_streamed_answers(path):
    """The same for streams; the chunks add up, and finish reason and usage stand on the last one only."""
    recording = exchange(path)
    decoder, chunks = feed(raw(recording), [1 << 16])
    response = decoder.response()
    assert (None, True) == (decoder.error, decoder.done)
    assert extractor.of_exchange(recording) == told(response)
    assert (response.text, response.reasoning or "") == ("".join(chunk.text for chunk in chunks), "".join(chunk.reasoning or "" for chunk in chunks))
    assert [response.finish_reason] == [chunk.finish_reason for chunk in chunks if chunk.finish_reason] == [chunks[-1].finish_reason]
    assert [response.usage] == [chunk.usage for chunk in chunks if chunk.usage] == [chunks[-1].usage]
    for index, call in enumerate(response.tool_calls):
        pieces = [piece for chunk in chunks for piece in chunk.tool_calls if piece.index == index]
        assert (call.id, call.function.name) == (pieces[0].id, pieces[0].function.name)
        assert call.function.arguments == "".join(piece.function.arguments for piece in pieces)


@pytest.mark.parametrize("path", recorded("messages", streamed=True))
def test_a_stream_and_its_plain_twin(path):
    """The message that the events add up to, sent whole, gives the same response."""
    recording = exchange(path)
    events = extractor.events_of(recording)
    twin = extractor.gather(events)
    for block in twin["content"]:
        if isinstance(block.get("input"), str):
            block["input"] = json.loads(block["input"])
    for event in events:
        if event["type"] == "message_delta":
            twin.update({key: value for key, value in event.items() if key not in ("type", "delta", "usage") and value is not None})
    grow_oddly(twin, events)
    decoder, _ = feed(raw(recording), [1 << 16])
    assert normal(DIALECT.decode(json.dumps(twin).encode(), "m", "r")) == normal(decoder.response())


def grow_oddly(twin, events):
    """Add the deltas that the extractor has no word for."""
    for event in events:
        if event["type"] == "content_block_delta" and event["delta"]["type"] == "compaction_delta":
            twin["content"][event["index"]]["content"] = event["delta"]["content"]


@pytest.mark.parametrize("path", recorded("messages", streamed=True))
def test_any_split_gives_the_same(path):
    """Reads of one byte, of odd lengths, and at the borders that were recorded."""
    recording = exchange(path)
    body = raw(recording)
    decoder, chunks = feed(body, [1 << 16])
    splits = [[61], [1, 5000, 3], recording["response"].get("chunk_sizes") or [1 << 10]]
    for sizes in [*splits, *([[1]] if len(body) < 8_000 else [])]:
        other, pieces = feed(body, sizes)
        assert (chunks, decoder.response(), decoder.events) == (pieces, other.response(), other.events)


@pytest.mark.parametrize("path", recorded("messages", streamed=True))
def test_a_cut_off_stream_is_no_answer(path):
    """At the borders of events: an error, no finish reason, no usage. Long streams are cut at some of them."""
    events = extractor.events_of(exchange(path))
    decoder, chunks = DIALECT.stream("m", "r"), []
    step = max(1, len(events) // 40)
    for number, event in enumerate(events):
        if number % step == 0 or len(events) - number < 5:
            cut = copy.deepcopy(decoder)
            cut.finish()
            assert isinstance(cut.error, errors.StreamTruncatedError)
            assert not cut.done
            assert cut.response().finish_reason is None
        chunks += decoder.feed(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())
    assert all(chunk.finish_reason is None and chunk.usage is None for chunk in chunks[:-1])
    assert decoder.done


# Requests.

WIDER = {"cache_control", "system", "tools"}
"""Fields whose null or emptiness says what leaving them out says."""


@pytest.mark.parametrize("path", recorded("messages"))
def test_requests(path):
    """A recorded request, written with this library, is an equivalent one again, without a warning."""
    recording = exchange(path)
    body = recording["request"]["body"]
    if not isinstance(body, dict):
        pytest.skip("the request was not recorded")
    request = reader.read(body, {name: value for name, value in recording["request"]["headers"].items() if name == "anthropic-beta"})
    wire = DIALECT.encode(request, CONTEXT)
    assert same(body) == same(wire.body)
    silent = {"messages.blank", "messages.content"}
    assert [] == [warning for warning in wire.warnings if warning.param not in silent]
    assert wire.stream is (body["max_tokens"] > 21_333)


def same(body):
    """Return a request with all that means the same written the same."""
    body = prune(json.loads(json.dumps(body)))
    body.pop("stream", None)
    if not body.get("model"):
        body.pop("model", None)
    if body.get("thinking") == {"type": "disabled"} and family_of(body.get("model", "")).thinking == "none":
        del body["thinking"]
    for tool in body.get("tools", ()):
        if tool.get("strict") is False:
            del tool["strict"]
    if "system" in body:
        body["system"] = said(body["system"])
        if not body["system"]:
            del body["system"]
    body["messages"] = merged(body["messages"])
    return body


def prune(value):
    """Return a value without the fields that say nothing."""
    if isinstance(value, dict):
        return {key: prune(item) for key, item in value.items() if not (key in WIDER and not item)}
    return [prune(item) for item in value] if isinstance(value, list) else value


def said(content):
    """Return content as blocks that say something."""
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    return [block for block in blocks if block["type"] != "text" or block["text"].strip()]


def merged(messages):
    """Return turns that alternate, results first."""
    turns = []
    for message in messages:
        blocks = said(message["content"])
        for block in blocks:
            if isinstance(block.get("content"), str) and block["type"] == "tool_result":
                block["content"] = [{"type": "text", "text": block["content"]}]
        if blocks and turns and turns[-1]["role"] == message["role"]:
            turns[-1]["content"] += blocks
        elif blocks:
            turns.append({"role": message["role"], "content": blocks})
    for turn in turns:
        turn["content"].sort(key=lambda block: turn["role"] == "user" and block["type"] != "tool_result")
    last = turns[-1]["content"][-1]
    if turns[-1]["role"] == "assistant" and last["type"] == "text":
        last["text"] = last["text"].rstrip()
    return turns


# Failures and other operations.

KINDS = {400: errors.InvalidRequestError, 401: errors.AuthenticationError, 404: errors.ModelNotFoundError}


@pytest.mark.parametrize("path", recorded("error"))
def test_failures(path):
    """Each has the class of its status, the message and the request id of its body."""
    answer = exchange(path)["response"]
    error = DIALECT.error(answer["status"], answer["headers"], answer["body_text"].encode())
    body = json.loads(answer["body_text"])
    assert KINDS[answer["status"]] is type(error)
    assert (body["error"]["message"], body["error"]["type"], answer["status"]) == (error.message, error.type, error.status)
    assert (answer["headers"].get("request-id") or body.get("request_id")) == error.request_id
    assert not error.retryable


@pytest.mark.parametrize("path", recorded("count_tokens"))
def test_counts(path):
    """The request is an equivalent one again, and the count is read."""
    recording = exchange(path)
    body = recording["request"]["body"]
    request = reader.read({"max_tokens": 1, **body})
    extra = {name: body[name] for name in ("thinking", "tool_choice", "cache_control") if name in body}
    wire = AnthropicCountTokens().encode(CountTokensRequest(model=request.model, messages=request.messages, tools=request.tools, extra=extra), CONTEXT)
    assert same(body) == same(wire.body)
    assert json.loads(recording["response"]["body_text"])["input_tokens"] == AnthropicCountTokens().decode(raw(recording), "m", "r").tokens


@pytest.mark.parametrize("path", recorded("models"))
def test_lists_of_models(path):
    """Every id is there; and what the API says of a model is what its name tells the dialect."""
    recording = exchange(path)
    data = json.loads(recording["response"]["body_text"])["data"]
    listed = AnthropicModels().decode(raw(recording), "", "r")
    assert [row["id"] for row in data] == list(listed)
    assert all(model.created is not None for model in listed.models)
    for row in data:
        if "capabilities" in row:
            assert_family(row)


def assert_family(row):
    """Compare what the API says of a model with its family."""
    family, able = family_of(row["id"]), row["capabilities"]
    ways = {kind for kind, way in able["thinking"]["types"].items() if way["supported"]}
    assert {"budget": {"enabled"}, "both": {"enabled", "adaptive"}, "adaptive": {"adaptive"}, "none": set()}[family.thinking] == ways
    assert family.efforts == tuple(word for word, effort in able["effort"].items() if isinstance(effort, dict) and effort["supported"])
    assert family.structured is able["structured_outputs"]["supported"]


# What Anthropic's own SDKs send.

VERSIONS = {"sdk": "2026-10-21", "sdk-older": None}
DIFFERENCES = {
    ("sdk", "chat_system_params"): "the newer version refuses temperature, top_p and top_k, which the case forces in as extra fields: they are dropped here",
    ("sdk", "models_list"): "the list is asked for whole",
    ("sdk-older", "models_list"): "the list is asked for whole",
}
"""Cases whose request is another one here, and why."""


def cases(kind):
    """Return the oracle's cases; the failures repeat the request of `chat`."""
    folder = ORACLE / kind / "anthropic"
    return [pytest.param(kind, path.stem, id=f"{kind}-{path.stem}") for path in sorted(folder.glob("*.json")) if not path.stem.startswith("error_")]


def case(kind, name):
    """Return one case of an SDK."""
    return json.loads((ORACLE / kind / "anthropic" / f"{name}.json").read_text(encoding="utf-8"))


def client(kind):
    """Return a client that speaks the version of an SDK."""
    settings = {"api_key": "sk-ant-test", "api_base": BASE}
    version = VERSIONS[kind]
    return llmclient.Client(providers={"anthropic": settings | ({"api_version": version} if version else {})}, retry=llmclient.Retry(max_attempts=1))


def ask(client, name, body, *, stream):
    """Make the call of a case."""
    provider = client.provider("anthropic")
    if name == "models_list":
        return provider.perform(ListModelsRequest())
    if name == "count_tokens":
        request = reader.read({"max_tokens": 1, **body})
        return provider.perform(CountTokensRequest(model=request.model, messages=request.messages))
    request = reader.read({key: value for key, value in body.items() if key != "stream"})
    return provider.chat_completion_stream(request).read() if stream else provider.chat_completion(request)


@pytest.mark.parametrize(("kind", "name"), [*cases("sdk"), *cases("sdk-older")])
@responses.activate
def test_the_request_of_anthropics_sdk(kind, name):
    """Method, path, version, the header of the key and the body are those of the SDK; its canned answer is read."""
    recording = case(kind, name)
    theirs, answer = recording["requests"][0], recording["responses"][0]
    canned = "".join(answer["frames"]) if "frames" in answer else json.dumps(answer["body"])
    responses.add(theirs["method"], BASE + theirs["path"], body=canned.encode(), headers=answer["headers"])
    got = ask(client(kind), name, theirs.get("body"), stream="frames" in answer)
    ours = responses.calls[0].request
    wanted = {key.lower(): value for key, value in theirs["headers"]}
    assert (theirs["method"], theirs["path"]) == (ours.method, ours.path_url.partition("?")[0])
    assert wanted["anthropic-version"] == ours.headers["anthropic-version"]
    keys = {"authorization", "x-api-key"}
    assert keys & set(wanted) == keys & {header.lower() for header in ours.headers}
    assert ("authorization" in wanted) is (ours.headers.get("Authorization") == "Bearer sk-ant-test")
    body = json.loads(ours.body) if ours.body else None
    if (kind, name) in DIFFERENCES:
        assert (theirs.get("body"), theirs["query"]) != (body, ours.path_url.partition("?")[2])
        assert {"temperature", "top_p", "top_k"}.isdisjoint(body or {})
    else:
        assert (theirs.get("body"), theirs["query"]) == (body, ours.path_url.partition("?")[2])
    if isinstance(got, llmclient.ChatResponse):
        assert extractor.of_message(recording["parsed"] if "frames" not in answer else whole(answer["frames"])) == told(got)


def whole(frames):
    """Return the message that canned frames add up to."""
    return extractor.gather([json.loads(text) for text in extractor.payloads("".join(frames))])


@pytest.mark.parametrize("kind", VERSIONS)
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("error_400", errors.InvalidRequestError),
        ("error_401", errors.AuthenticationError),
        ("error_404", errors.InvalidRequestError),
        ("error_429_then_ok", errors.RateLimitError),
        ("error_500_then_ok", errors.ApiError),
        ("error_503_always", errors.ProviderUnavailableError),
        ("error_529_then_ok", errors.ProviderUnavailableError),
    ],
)
def test_the_failures_of_anthropics_sdk(kind, name, expected):
    """What the SDK raises at once is not retryable, and what it tries again is."""
    recording = case(kind, name)
    answer = recording["responses"][0]
    error = DIALECT.error(answer["status"], answer["headers"], json.dumps(answer["body"]).encode())
    assert isinstance(error, expected)
    assert error.retryable is (recording["attempts"] > 1)
    assert ("req_lab1", answer["status"]) == (error.request_id, error.status)


# Where requests go.

HOSTS = {"anthropic": "anthropic", "azure_anthropic": "azure_anthropic", "vertex": "vertex_ai_anthropic"}


def settings(provider, url):
    """Return the settings that lead to a recorded address, and the model in it."""
    words = url.split("/")
    if provider == "vertex":
        model = words[-1].partition(":")[0]
        return {"api_key": "ya29.test", "project": words[words.index("projects") + 1], "region": words[words.index("locations") + 1]}, model
    return ({"api_key": "k", "resource": "example-resource"} if provider == "azure_anthropic" else {"api_key": "k"}), "m"


@pytest.mark.parametrize("provider", HOSTS)
def test_addresses(provider):
    """The adapter's address and path are those that were recorded, and so is the header of the key."""
    seen = set()
    for row in rows("messages"):
        recording = exchange(row["path"])
        request = recording["request"]
        url = request["url"].partition("?")[0]
        if row["provider"] != provider or recording["fidelity"]["url_inferred"] or "/api/v1/" in url:
            continue
        seen.add((url, row["stream"], *request["auth"]))
    assert seen
    for url, streamed, *auth in seen:
        config, model = settings(provider, url)
        adapter = llmclient.Client(providers={HOSTS[provider]: config}).provider(HOSTS[provider])
        context = RequestContext(provider=adapter.label, config=adapter.config, stream=streamed)
        wire = adapter.transform_request(llmclient.ChatRequest.make(model, "hi"), context)
        assert url == adapter.address() + wire.path
        for kind in auth:
            assert kind.partition(":")[0] in adapter.auth.secret_headers
