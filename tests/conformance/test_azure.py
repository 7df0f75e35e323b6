"""Recorded exchanges of Azure OpenAI and Azure AI Foundry, and what Microsoft's and OpenAI's own SDKs send there, against the adapters."""

import copy
import functools
import json
import os
import pathlib
import re
from urllib.parse import parse_qsl, urlsplit

import attrs
import pytest
import responses

import llmclient
from llmclient import errors, registry
from llmclient.types.chat import ChatRequest
from llmclient.types.context import RequestContext
from llmclient.types.embeddings import EmbeddingRequest
from llmclient.types.listing import ListModelsRequest
from llmclient.types.options import ChatOptions
from tests.conformance import extract_mistral as extractor
from tests.conformance import read_responses

SHARED = pathlib.Path(os.environ.get("LLMCLIENT_SHARED") or pathlib.Path(__file__).parents[3] / "shared")
WIRE, ORACLE = SHARED / "wire", SHARED / "oracle"
BASE = "http://127.0.0.1:9"
OPTIONS = frozenset(ChatOptions.__annotations__) - {"extra", "headers", "api", "timeout", "retry", "strict", "api_key", "api_base", "system"}

pytestmark = pytest.mark.skipif(not WIRE.is_dir(), reason=f"there is no {WIRE}; LLMCLIENT_SHARED may name the folder of recorded exchanges")


@functools.cache
def rows():
    """Return the index rows of Azure's exchanges."""
    if not WIRE.is_dir():
        return ()
    with (WIRE / "index.jsonl").open(encoding="utf-8") as lines:
        return tuple(row for row in map(json.loads, lines) if row["provider"] in ("azure_openai", "azure_ai"))


@functools.cache
def exchange(path):
    """Return one recorded exchange."""
    return json.loads((WIRE / path).read_text(encoding="utf-8"))


def recorded(*apis, kind=None, asked=False):
    """Return the exchanges of some APIs as parameters; those whose request was not recorded only where it is not asked for."""
    found = [row for row in rows() if row["api"] in apis and kind in (None, row["resp_kind"]) and (not asked or row["req_kind"] == "json")]
    return [pytest.param(row["path"], id=f"{row['provider']}-{row['id']}") for row in found]


def raw(recording):
    """Return the bytes of a recorded answer."""
    return recording["response"]["body_text"].encode()


def model_of(recording):
    """Return the deployment that was asked."""
    steps = urlsplit(recording["request"]["url"]).path.split("/")
    if "deployments" in steps:
        return steps[steps.index("deployments") + 1]
    body = recording["request"]["body"]
    return body["model"] if isinstance(body, dict) else json.loads(extractor.payloads(recording["response"]["body_text"])[1])["model"]


def version_of(url):
    """Return the version in an address; where a recorder left out the query, the one that it names elsewhere."""
    if urlsplit(url).query:
        return dict(parse_qsl(urlsplit(url).query))["api-version"]
    return None if "/openai/v1/" in url or "/models/" in url else "2025-04-01-preview"


def provider_of(recording):
    """Return the provider whose settings lead to a recorded address."""
    url = urlsplit(recording["request"]["url"])
    version = version_of(recording["request"]["url"])
    settings = {"api_key": "key-1"} | ({"api_version": version} if version else {})
    if recording["provider"] == "azure_ai":
        return registry.adapter("azure_ai")({**settings, "resource": "example-resource"})
    if url.hostname.endswith(".cognitiveservices.azure.com"):
        return registry.adapter("azure_cognitive_services")({**settings, "resource": "example-resource"})
    return registry.adapter("azure_openai")({**settings, "api_base": f"https://{url.hostname}/"})


def dialect_of(recording):
    """Return the dialect that a recorded deployment speaks."""
    return provider_of(recording).chat_dialect(model_of(recording))


def told(response):
    """Return what the library says of an answer, in the extractor's words."""
    usage = response.usage
    counts = (None,) * 5 if usage is None else (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens, usage.cached_tokens, usage.reasoning_tokens)
    return {"id": response.id, "model": response.model, "choices": [said(choice) for choice in response.choices], "usage": counts}


def said(choice):
    """Return what the library says of a choice."""
    message = choice.message
    calls = [(call.id, call.function.name, extractor.arguments(call.function.arguments)) for call in message.tool_calls]
    thought = message.reasoning_text or ""
    return {"text": message.text, "thought": thought, "calls": calls, "finish": choice.finish_reason, "raw": choice.finish_reason_raw}


def feed(dialect, body, sizes):
    """Return the decoder and the chunks of a stream that comes in reads of some sizes."""
    decoder, chunks, start, turn = dialect.stream("m", "r"), [], 0, 0
    while start < len(body):
        size = sizes[turn % len(sizes)]
        chunks += decoder.feed(body[start : start + size])
        start, turn = start + size, turn + 1
    return decoder, chunks + decoder.finish()


@pytest.mark.parametrize("path", recorded("chat", kind="json"))
def test_plain_answers(path):
    """Text, thoughts, calls, finish reason and usage are what the extractor finds; what the filter found of the prompt is kept."""
    recording = exchange(path)
    response = dialect_of(recording).decode(raw(recording), "m", "r")
    assert extractor.of_body(recording["response"]["body_text"]) == told(response)
    assert json.loads(raw(recording)).get("prompt_filter_results") == response.extra.get("prompt_filter_results")


@pytest.mark.parametrize("path", recorded("chat", kind="sse"))
def test_streamed_answers(path):
    """The same for streams; the chunks add up, each choice ends once, and usage stands on the last chunk only."""
    recording = exchange(path)
    decoder, chunks = feed(dialect_of(recording), raw(recording), [1 << 16])
    response = decoder.response()
    assert (None, True) == (decoder.error, decoder.done)
    assert extractor.of_stream(recording["response"]["body_text"]) == told(response)
    for choice in response.choices:
        own = [chunk for chunk in chunks if chunk.index == choice.index]
        assert choice.message.text == "".join(chunk.text for chunk in own)
        assert (choice.message.reasoning_text or "") == "".join(chunk.reasoning or "" for chunk in own)
        assert [choice.finish_reason] == [chunk.finish_reason for chunk in own if chunk.finish_reason]
    assert [response.usage] * (response.usage is not None) == [chunk.usage for chunk in chunks if chunk.usage]
    assert response.usage == chunks[-1].usage
    found = [event["prompt_filter_results"] for event in extractor.events(recording["response"]["body_text"]) if "prompt_filter_results" in event]
    assert (found[-1] if found else None) == response.extra.get("prompt_filter_results")


@pytest.mark.parametrize("path", recorded("chat", kind="sse"))
def test_a_stream_and_its_plain_twin(path):
    """The answer that the events add up to, sent whole, gives the same response."""
    recording = exchange(path)
    twin = extractor.gather(recording["response"]["body_text"])
    for choice in twin["choices"]:
        message = choice["message"]
        calls = message.pop("tool_calls", [])
        if calls:
            message["tool_calls"] = [{"id": call["id"], "function": {"name": call["name"], "arguments": call["arguments"]}} for call in calls]
            message["content"] = message["content"] or None
    dialect = dialect_of(recording)
    decoder, _ = feed(dialect, raw(recording), [1 << 16])
    assert normal(dialect.decode(json.dumps(twin).encode(), "m", "r")) == normal(decoder.response())


def normal(response):
    """Return a response with its arguments parsed; a time of 0 is none."""
    value = response.to_dict()
    value["created"] = value["created"] or None
    for choice in value["choices"]:
        for call in choice["message"].get("tool_calls", ()):
            call["function"]["arguments"] = extractor.arguments(call["function"]["arguments"])
    return value


@pytest.mark.parametrize("path", recorded("chat", kind="sse"))
def test_any_split_gives_the_same(path):
    """Reads of one byte, of odd lengths, and at the borders that were recorded."""
    recording = exchange(path)
    dialect, body = dialect_of(recording), raw(recording)
    decoder, chunks = feed(dialect, body, [1 << 16])
    for sizes in [[61], [1, 5000, 3], recording["response"].get("chunk_sizes") or [1 << 10], *([[1]] if len(body) < 8_000 else [])]:
        other, pieces = feed(dialect, body, sizes)
        assert (chunks, decoder.response(), decoder.events) == (pieces, other.response(), other.events)


@pytest.mark.parametrize("path", recorded("chat", kind="sse"))
def test_a_cut_off_stream_is_no_answer(path):
    """At the borders of events: an error until every choice has said why it ended. Long streams are cut at some of them."""
    recording = exchange(path)
    events = extractor.events(recording["response"]["body_text"])
    decoder, open_choices, ended = dialect_of(recording).stream("m", "r"), set(), set()
    step = max(1, len(events) // 40)
    for number, event in enumerate(events):
        if number % step == 0 or len(events) - number < 5:
            cut = copy.deepcopy(decoder)
            cut.finish()
            if open_choices and open_choices == ended:
                assert cut.error is None
            else:
                assert isinstance(cut.error, errors.StreamTruncatedError)
                assert all(choice.finish_reason is None for choice in cut.response().choices if choice.index not in ended)
        open_choices |= {choice.get("index", 0) for choice in event["choices"]}
        ended |= {choice.get("index", 0) for choice in event["choices"] if choice.get("finish_reason")}
        decoder.feed(b"data: " + json.dumps(event).encode() + b"\n\n")
    assert not decoder.done


# Requests.

def read(body, model, **more):
    """Return a recorded body as the request that a caller would have made."""
    options = {name: value for name, value in body.items() if name in OPTIONS}
    extra = {name: value for name, value in body.items() if name not in OPTIONS | {"model", "messages", "stream", "stream_options"}}
    return ChatRequest.make(model, body["messages"], extra=extra, **options, **more)


def whole_address(provider, dialect, wire):
    """Return where a request goes, its query last."""
    query = "".join(f"?{name}={value}" for name, value in wire.query.items())
    return provider.address(dialect.base_url) + wire.path + query


def same_address(recording, address):
    """Return whether an address is the recorded one; some were recorded without their query, and one with a slash too many."""
    wanted = recording["request"]["url"].replace(".com//", ".com/")
    return wanted == (address if urlsplit(wanted).query else address.partition("?")[0])


@pytest.mark.parametrize("path", recorded("chat", asked=True))
def test_requests(path):
    """A recorded request, taken in as arguments and encoded, is the same request at the same address again, without a warning."""
    recording = exchange(path)
    provider, body, model = provider_of(recording), recording["request"]["body"], model_of(recording)
    context = RequestContext(provider=provider.name, config=provider.config, stream=bool(body.get("stream")))
    wire = provider.transform_request(read(body, model), context)
    assert (same(body), ()) == (same(wire.body), wire.warnings)
    assert same_address(recording, whole_address(provider, provider.chat_dialect(model), wire))
    assert wire.stream is bool(body.get("stream"))
    assert {"authorization", "api-key"} >= set(recording["request"]["auth"])
    assert {"authorization", "api-key"} == provider.auth.secret_headers


def same(body):
    """Return a request with all that means the same written the same."""
    body = json.loads(json.dumps(body))
    for name in ("stream", "stream_options", "model"):
        body.pop(name, None)
    if "max_tokens" in body:
        body["max_completion_tokens"] = body.pop("max_tokens")
    if isinstance(body.get("stop"), str):
        body["stop"] = [body["stop"]]
    body["messages"] = [same_message(message) for message in body["messages"]]
    return body


def same_message(message):
    """Return a message with all that means the same written the same."""
    message = {"content": None} | {name: value for name, value in message.items() if value is not None and value != []}
    for call in message.get("tool_calls", ()):
        call.setdefault("type", "function")
        call["function"]["arguments"] = extractor.arguments(call["function"]["arguments"])
    return message


@pytest.mark.parametrize("path", recorded("responses", asked=True))
def test_requests_of_the_responses_api(path):
    """The same for the other API; its answers are read with those of all other providers."""
    recording = exchange(path)
    provider, body = provider_of(recording), recording["request"]["body"]
    request = read_responses.read_request(body)
    context = RequestContext(provider=read_responses.PROVIDER, config=provider.config, stream=bool(body.get("stream")))
    dialect = attrs.evolve(provider.chat_apis["responses"], provider=read_responses.PROVIDER)
    wire = dialect.encode(request, context)
    assert read_responses.same(body) == read_responses.same(wire.body)
    assert same_address(recording, whole_address(provider, dialect, wire))


@pytest.mark.parametrize("path", recorded("embeddings"))
def test_embeddings(path):
    """The request is the same again, at the same address, and every vector is there."""
    recording = exchange(path)
    provider, body, answer = provider_of(recording), recording["request"]["body"], json.loads(recording["response"]["body_text"])
    texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
    wire = provider.transform_request(EmbeddingRequest(model=model_of(recording), input=tuple(texts), encoding_format="float"))
    assert {"input": texts, "model": model_of(recording), "encoding_format": "float"} == wire.body
    assert same_address(recording, whole_address(provider, provider.embed, wire))
    read = provider.transform_response(raw(recording), "m", operation="embed")
    assert [row["embedding"] for row in answer["data"]] == read.vectors
    assert answer["usage"]["prompt_tokens"] == read.usage.prompt_tokens


# Failures.

FAILURES = {
    "565ba58ffcecbb1c": (errors.AuthenticationError, "401", "Access denied", False, None),
    "56d6d3385cdddfd5": (errors.RateLimitError, "RateLimitReached", "Your requests to grok", True, 1.0),
    "955a6242bb701b4f": (errors.AuthenticationError, "401", "Access denied", False, None),
    "9c6ee8c9baf2770a": (errors.ModelNotFoundError, "404", "Resource not found", False, None),
    "d173a1cf7b3eedb9": (errors.ModelNotFoundError, "404", "Resource not found", False, None),
    "d54fd1aac8d87f6e": (errors.InvalidRequestError, "Invalid input", "invalid input error: body.tool_choice: Input should be", False, None),
    "fc41687dfc8f3408": (errors.ModelNotFoundError, "DeploymentNotFound", "The API deployment", False, None),
}


@pytest.mark.parametrize("path", recorded("error"))
def test_failures(path):
    """Each has its class, its code, its message, what it says of waiting, and the request's id."""
    recording = exchange(path)
    answer = recording["response"]
    expected, code, message, retryable, wait = FAILURES[recording["id"]]
    error = provider_of(recording).get_error_mapper("m")(answer["status"], answer["headers"], answer["body_text"].encode())
    assert (expected, code, retryable, wait, answer["status"]) == (type(error), error.code, error.retryable, error.retry_after, error.status)
    assert error.message.startswith(message)
    assert answer["headers"].get("apim-request-id") == error.request_id


# What the SDKs send.

SCOPE = ("image_generate", "speech", "transcription")
"""Cases of operations that have no dialect here."""
RENAMED = "the model behind the deployment is not known, and all of OpenAI's models of today know this name"
COUNTED = "usage is always asked for in a stream"
DIFFERENCES = {"chat_system_params": RENAMED, "stream": COUNTED, "stream_tools": COUNTED}
"""Cases whose body is another one here, and why."""


def cases(kind, sdk):
    """Return the oracle's cases; the failures repeat the request of `chat`."""
    found = [path.stem for path in sorted((ORACLE / kind / sdk).glob("*.json"))]
    return [pytest.param(kind, name, id=f"{kind}-{name}") for name in found if not name.startswith("error_") and name not in SCOPE]


def case(kind, sdk, name):
    """Return one case of an SDK."""
    return json.loads((ORACLE / kind / sdk / f"{name}.json").read_text(encoding="utf-8"))


def ask(provider, name, theirs):
    """Make the call of a case."""
    body = theirs.get("body")
    if name == "models_list":
        return provider.perform(ListModelsRequest())
    if name.startswith("embeddings"):
        texts = (body["input"],) if isinstance(body["input"], str) else tuple(body["input"])
        options = {"dimensions": body.get("dimensions"), "encoding_format": None if body["encoding_format"] == "base64" else body["encoding_format"]}
        return provider.perform(EmbeddingRequest(model=body["model"], input=texts, **options))
    if name == "responses_text":
        request = ChatRequest.make(
            body["model"], body["input"], system=body["instructions"], temperature=body["temperature"], top_p=body["top_p"], max_tokens=50, api="responses"
        )
        return provider.chat_completion(request)
    request = read(body, body.get("model") or "lab-model")
    return provider.chat_completion_stream(request).read() if body.get("stream") else provider.chat_completion(request)


def exchanged(name, settings, recording):
    """Make the call of a case against the canned answer; return the request that was sent, and what came of it."""
    theirs, answer = recording["requests"][0], recording["responses"][0]
    canned = "".join(answer["frames"]) if "frames" in answer else json.dumps(answer["body"])
    responses.add(theirs["method"], re.compile(f"{BASE}/.*"), body=canned.encode(), headers=answer["headers"])
    client = llmclient.Client(providers={name: {"api_key": "key-1", "api_base": BASE, **settings}}, retry=llmclient.Retry(max_attempts=1))
    got = ask(client.provider(name), recording["case"], theirs)
    return responses.calls[0].request, got, canned


@pytest.mark.parametrize(("kind", "name"), [*cases("sdk", "azure-openai"), *cases("sdk-older", "azure-openai")])
@responses.activate
def test_the_request_of_openais_sdk(kind, name):
    """Method, path, version, the header of the key and the body are those of the SDK; its canned answer is read."""
    recording = case(kind, "azure-openai", name)
    theirs = recording["requests"][0]
    ours, got, canned = exchanged("azure_openai", {"api_version": "2024-10-21"}, recording)
    assert (theirs["method"], theirs["path"], theirs["query"]) == (ours.method, *ours.path_url.partition("?")[::2])
    assert ("***", "key-1") == (dict(theirs["headers"])["api-key"], ours.headers["api-key"])
    assert "Authorization" not in ours.headers
    body = json.loads(ours.body) if ours.body else None
    if name == "responses_text":
        body["instructions"] = body["input"].pop(0)["content"]
        body["input"] = body["input"][0]["content"]
    wanted = theirs.get("body")
    if name == "embeddings_float_dimensions":
        # One text is sent in a list here.
        wanted = wanted | {"input": [wanted["input"]]}
    assert (wanted == body) is (name not in DIFFERENCES)
    if DIFFERENCES.get(name) == RENAMED:
        body["max_tokens"] = body.pop("max_completion_tokens")
    elif DIFFERENCES.get(name) == COUNTED:
        assert {"include_usage": True} == body.pop("stream_options")
    assert wanted == body
    if isinstance(got, llmclient.ChatResponse) and name != "responses_text":
        whole = extractor.gather(canned) if "frames" in recording["responses"][0] else json.loads(canned)
        assert [choice["message"]["content"] or "" for choice in whole["choices"]] == [choice.message.text for choice in got.choices]


@pytest.mark.parametrize(("kind", "name"), cases("sdk", "azure-ai-inference"))
@responses.activate
def test_the_request_of_microsofts_sdk(kind, name):
    """The SDK is given the address with /models, and says nothing of the model when it is not told one; it sends the key in both headers."""
    recording = case(kind, "azure-ai-inference", name)
    theirs = recording["requests"][0]
    ours, got, _ = exchanged("azure_ai", {}, recording)
    assert (theirs["method"], "/models" + theirs["path"], theirs["query"]) == (ours.method, *ours.path_url.partition("?")[::2])
    assert "key-1" == ours.headers["api-key"]
    assert "extra-parameters" not in ours.headers
    body = json.loads(ours.body)
    if name == "stream":
        assert {"include_usage": True} == body.pop("stream_options")
    assert {"model": "lab-model", **theirs["body"]} == body
    assert isinstance(got, llmclient.ChatResponse)


@pytest.mark.parametrize(("kind", "sdk"), [("sdk", "azure-openai"), ("sdk-older", "azure-openai"), ("sdk", "azure-ai-inference")])
@pytest.mark.parametrize(
    ("name", "expected", "retryable"),
    [
        ("error_400", errors.InvalidRequestError, False),
        ("error_401", errors.AuthenticationError, False),
        ("error_404", errors.InvalidRequestError, False),
        ("error_429_then_ok", errors.RateLimitError, True),
        ("error_500_then_ok", errors.ApiError, True),
        ("error_503_always", errors.ProviderUnavailableError, True),
    ],
)
def test_the_failures_of_the_sdks(kind, sdk, name, expected, retryable):
    """What an SDK raises at once is not retryable, and what it tries again is."""
    recording = case(kind, sdk, name)
    answer = recording["responses"][0]
    error = registry.adapter("azure_openai")().get_error_mapper("m")(answer["status"], answer["headers"], json.dumps(answer["body"]).encode())
    assert isinstance(error, expected)
    assert (retryable, answer["status"]) == (error.retryable, error.status)
    assert (recording["attempts"] > 1) is error.retryable
