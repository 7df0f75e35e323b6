"""Recorded exchanges of Mistral's API, and what Mistral's own SDKs send, against the dialect."""

import copy
import functools
import json
import os
import pathlib

import pytest
import responses

import llmclient
from llmclient import errors, registry
from llmclient.dialects.mistral import MistralChat
from llmclient.types.chat import ChatRequest
from llmclient.types.context import RequestContext
from llmclient.types.embeddings import EmbeddingRequest
from llmclient.types.listing import ListModelsRequest
from llmclient.types.options import ChatOptions
from tests.conformance import extract_mistral as extractor

SHARED = pathlib.Path(os.environ.get("LLMCLIENT_SHARED") or pathlib.Path(__file__).parents[3] / "shared")
WIRE, ORACLE = SHARED / "wire", SHARED / "oracle"
PROVIDER = registry.adapter("mistral")({"api_key": "key-1"})
DIALECT = MistralChat(provider="mistral")
CONTEXT = RequestContext(provider="mistral", config=PROVIDER.config)
BASE = "http://127.0.0.1:9"

pytestmark = pytest.mark.skipif(not WIRE.is_dir(), reason=f"there is no {WIRE}; LLMCLIENT_SHARED may name the folder of recorded exchanges")


@functools.cache
def rows():
    """Return the index rows of Mistral's exchanges."""
    if not WIRE.is_dir():
        return ()
    with (WIRE / "index.jsonl").open(encoding="utf-8") as lines:
        return tuple(row for row in map(json.loads, lines) if row["provider"] == "mistral")


@functools.cache
def exchange(path):
    """Return one recorded exchange."""
    return json.loads((WIRE / path).read_text(encoding="utf-8"))


def recorded(*apis, kind=None, asked=False):
    """Return the exchanges of some APIs as parameters; those whose request was not recorded only where it is not asked for."""
    found = [row for row in rows() if row["api"] in apis and kind in (None, row["resp_kind"]) and (not asked or row["req_kind"] == "json")]
    return [pytest.param(row["path"], id=row["id"]) for row in found]


def with_calls():
    """Return the chats in which there are calls of earlier turns."""
    bodies = [(param, exchange(param.values[0])["request"]["body"]) for param in recorded("chat", asked=True)]
    return [param for param, body in bodies if any(message.get("tool_calls") for message in body["messages"])]


def raw(recording):
    """Return the bytes of a recorded answer."""
    return recording["response"]["body_text"].encode()


def told(response):
    """Return what the library says of an answer, in the extractor's words."""
    usage = response.usage
    return {
        "id": response.id,
        "model": response.model,
        "choices": [said(choice) for choice in response.choices],
        "usage": (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens, usage.cached_tokens, usage.reasoning_tokens),
    }


def said(choice):
    """Return what the library says of a choice."""
    message = choice.message
    calls = [(call.id, call.function.name, extractor.arguments(call.function.arguments)) for call in message.tool_calls]
    thought = message.reasoning_text or ""
    return {"text": message.text, "thought": thought, "calls": calls, "finish": choice.finish_reason, "raw": choice.finish_reason_raw}


def feed(body, sizes):
    """Return the decoder and the chunks of a stream that comes in reads of some sizes."""
    decoder, chunks, start, turn = DIALECT.stream("m", "r"), [], 0, 0
    while start < len(body):
        size = sizes[turn % len(sizes)]
        chunks += decoder.feed(body[start : start + size])
        start, turn = start + size, turn + 1
    return decoder, chunks + decoder.finish()


@pytest.mark.parametrize("path", recorded("chat", kind="json"))
def test_plain_answers(path):
    """Text, thoughts, calls, finish reason and usage are what the extractor finds."""
    recording = exchange(path)
    assert extractor.of_body(recording["response"]["body_text"]) == told(DIALECT.decode(raw(recording), "m", "r"))


@pytest.mark.parametrize("path", recorded("chat", kind="sse"))
def test_streamed_answers(path):
    """The same for streams; the chunks add up, each choice ends once, and usage stands on the last chunk only."""
    recording = exchange(path)
    decoder, chunks = feed(raw(recording), [1 << 16])
    response = decoder.response()
    assert (None, True) == (decoder.error, decoder.done)
    assert extractor.of_stream(recording["response"]["body_text"]) == told(response)
    for choice in response.choices:
        own = [chunk for chunk in chunks if chunk.index == choice.index]
        assert choice.message.text == "".join(chunk.text for chunk in own)
        assert (choice.message.reasoning_text or "") == "".join(chunk.reasoning or "" for chunk in own)
        assert [choice.finish_reason] == [chunk.finish_reason for chunk in own if chunk.finish_reason]
        for index, call in enumerate(choice.message.tool_calls):
            pieces = [piece for chunk in own for piece in chunk.tool_calls if piece.index == index]
            assert (call.id, call.function.name) == (pieces[0].id, pieces[0].function.name)
    assert [response.usage] == [chunk.usage for chunk in chunks if chunk.usage] == [chunks[-1].usage]


@pytest.mark.parametrize("path", recorded("chat", kind="sse"))
def test_a_stream_and_its_plain_twin(path):
    """The answer that the events add up to, sent whole, gives the same response."""
    twin = extractor.gather(exchange(path)["response"]["body_text"])
    for choice in twin["choices"]:
        message = choice["message"]
        calls = message.pop("tool_calls", [])
        if calls:
            message["tool_calls"] = [{"id": call["id"], "function": {"name": call["name"], "arguments": call["arguments"]}} for call in calls]
            message["content"] = message["content"] or None
        if "thought" in message:
            thinking = {"type": "thinking", "thinking": [{"type": "text", "text": message.pop("thought")}]}
            message["content"] = [thinking, {"type": "text", "text": message["content"]}]
    decoder, _ = feed(raw(exchange(path)), [1 << 16])
    assert normal(DIALECT.decode(json.dumps(twin).encode(), "m", "r")) == normal(decoder.response())


def normal(response):
    """Return a response with its arguments parsed; times that were replaced by 0 are none."""
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
    body = raw(recording)
    decoder, chunks = feed(body, [1 << 16])
    for sizes in [[61], [1, 5000, 3], recording["response"].get("chunk_sizes") or [1 << 10], *([[1]] if len(body) < 8_000 else [])]:
        other, pieces = feed(body, sizes)
        assert (chunks, decoder.response(), decoder.events) == (pieces, other.response(), other.events)


@pytest.mark.parametrize("path", recorded("chat", kind="sse"))
def test_a_cut_off_stream_is_no_answer(path):
    """At the borders of events: an error until every choice has said why it ended; from then on it is the whole answer."""
    text = exchange(path)["response"]["body_text"]
    decoder, open_choices, ended = DIALECT.stream("m", "r"), set(), set()
    whole, _ = feed(text.encode(), [1 << 16])
    for event in extractor.events(text):
        cut = copy.deepcopy(decoder)
        cut.finish()
        if open_choices and open_choices == ended:
            assert (None, told(whole.response())["choices"]) == (cut.error, told(cut.response())["choices"])
        else:
            assert isinstance(cut.error, errors.StreamTruncatedError)
            assert all(choice.finish_reason is None for choice in cut.response().choices if choice.index not in ended)
        open_choices |= {choice["index"] for choice in event["choices"]}
        ended |= {choice["index"] for choice in event["choices"] if choice["finish_reason"]}
        decoder.feed(b"data: " + json.dumps(event).encode() + b"\n\n")
    assert not decoder.done


# Requests.

OPTIONS = frozenset(ChatOptions.__annotations__) - {"extra", "headers", "api", "timeout", "retry", "strict", "api_key", "api_base", "system"}
BRIDGED = "a user's message follows a tool's: older models refuse that, so that an assistant's turn is put between them"
DIFFERENCES = {
    "215786933ea26937": BRIDGED,
    "e83d7a6dbd009d76": BRIDGED,
    "51b140496d924b94": BRIDGED,
    "6948aa18d5b0068c": BRIDGED,
    "6c50e2de4f334ea7": BRIDGED,
    "741c0295f16ee923": BRIDGED,
}
"""Requests that are others here, and why."""


def read(body):
    """Return a recorded body as the request that a caller would have made."""
    body = dict(body)
    seed = {"seed": body.pop("random_seed")} if "random_seed" in body else {}
    options = {name: value for name, value in body.items() if name in OPTIONS}
    extra = {name: value for name, value in body.items() if name not in OPTIONS | {"model", "messages", "stream"}}
    return ChatRequest.make(body["model"], body["messages"], extra=extra, **options, **seed)


@pytest.mark.parametrize("path", recorded("chat", "error", asked=True))
def test_requests(path):
    """A recorded request, taken in as arguments and encoded, is the same request again, without a warning."""
    recording = exchange(path)
    body = recording["request"]["body"]
    wire = DIALECT.encode(read(body), CONTEXT)
    assert (same(body) == same(wire.body)) is (recording["id"] not in DIFFERENCES)
    if recording["id"] in DIFFERENCES:
        sent = json.loads(json.dumps(wire.body))
        sent["messages"] = [message for message in sent["messages"] if message != {"role": "assistant", "content": "OK."}]
        assert same(body) == same(sent)
    silent = [warning for warning in wire.warnings if (warning.kind, warning.param) != ("moved", "tool_choice")]
    assert [] == silent


def same(body):
    """Return a request with all that means the same written the same."""
    body = json.loads(json.dumps(body))
    body.pop("stream", None)
    if body.get("tool_choice") == "none":
        # Tools that must not be called are not sent here.
        del body["tools"], body["tool_choice"]
    if not body.get("tools"):
        body.pop("parallel_tool_calls", None)
    if body.get("tool_choice") == "required":
        body["tool_choice"] = "any"
    for tool in body.get("tools", ()):
        tool.setdefault("type", "function")
    ids = {}
    body["messages"] = [same_message(message, ids) for message in body["messages"]]
    return body


def same_message(message, ids):
    """Return a message with all that means the same written the same; ids are numbered, since those of some recordings are made up."""
    if message["role"] == "tool":
        # The name of the function goes with its result here, as Mistral's own client sends it.
        message.pop("name", None)
        message["tool_call_id"] = ids.get(message["tool_call_id"], message["tool_call_id"])
    if message.get("prefix") is False:
        del message["prefix"]
    if message.get("tool_calls") == []:
        del message["tool_calls"]
    for call in message.get("tool_calls", ()):
        call["id"] = ids.setdefault(call["id"], f"call {len(ids)}")
        call.pop("index", None)
        call.setdefault("type", "function")
        call["function"]["arguments"] = extractor.arguments(call["function"]["arguments"])
    for part in message["content"] if isinstance(message.get("content"), list) else ():
        if isinstance(part.get("image_url"), str):
            part["image_url"] = {"url": part["image_url"]}
        if isinstance(part.get("input_audio"), dict):
            part["input_audio"] = part["input_audio"]["data"]
        if part["type"] == "thinking":
            part["thinking"] = "".join(piece["text"] for piece in part["thinking"])
    return message


@pytest.mark.parametrize("path", with_calls())
def test_ids_of_mistrals_own_stay(path):
    """Nine letters and digits are sent as they came; others become such, the same in call and result."""
    body = exchange(path)["request"]["body"]
    calls = [call["id"] for message in body["messages"] for call in message.get("tool_calls") or ()]
    sent = DIALECT.encode(read(body), CONTEXT).body["messages"]
    ours = [call["id"] for message in sent for call in message.get("tool_calls") or ()]
    assert [own for own in calls if len(own) == 9] == [own for own, theirs in zip(ours, calls, strict=True) if len(theirs) == 9]
    assert all(len(own) == 9 and own.isalnum() for own in ours)
    assert {message["tool_call_id"] for message in sent if message["role"] == "tool"} <= set(ours)


# Failures and other operations.

KINDS = {
    "Invalid API Key": errors.AuthenticationError,
    "Invalid model: definitely-not-a-model": errors.ModelNotFoundError,
    "Invalid model: mistral-does-not-exist": errors.ModelNotFoundError,
    "Logprobs are not enabled for this model": errors.InvalidRequestError,
}


@pytest.mark.parametrize("path", recorded("error"))
def test_failures(path):
    """Each has the class of its code, and the code, the message and the request id of its body and headers."""
    answer = exchange(path)["response"]
    error = DIALECT.error(answer["status"], answer["headers"], answer["body_text"].encode())
    body = json.loads(answer["body_text"])
    assert KINDS[error.message] is type(error)
    assert (body.get("message") or body["detail"], body.get("code"), body.get("type"), answer["status"]) == (error.message, error.code, error.type, error.status)
    assert (answer["headers"].get("mistral-correlation-id") or answer["headers"].get("x-kong-request-id")) == error.request_id
    assert not error.retryable


@pytest.mark.parametrize("path", recorded("embeddings"))
def test_embeddings(path):
    """The request is the same again, and every vector is there."""
    recording = exchange(path)
    body, answer = recording["request"]["body"], json.loads(recording["response"]["body_text"])
    if isinstance(body, dict):
        texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
        wire = PROVIDER.transform_request(EmbeddingRequest(model=body["model"], input=tuple(texts), dimensions=body.get("output_dimension")))
        assert (body | {"input": texts}, ()) == (wire.body, wire.warnings)
    read = PROVIDER.transform_response(raw(recording), "m", operation="embed")
    assert [row["embedding"] for row in answer["data"]] == read.vectors
    assert (answer["usage"]["prompt_tokens"], answer["usage"]["total_tokens"]) == (read.usage.prompt_tokens, read.usage.total_tokens)


@pytest.mark.parametrize("path", recorded("models"))
def test_lists_of_models(path):
    """Every id is there, with what the API says of the model."""
    recording = exchange(path)
    data = json.loads(recording["response"]["body_text"])["data"]
    listed = PROVIDER.transform_response(raw(recording), "", operation="list_models")
    assert [row["id"] for row in data] == list(listed)
    assert [row["max_context_length"] for row in data] == [model.extra["max_context_length"] for model in listed.models]


# What Mistral's own SDKs send.

def cases(kind):
    """Return the oracle's cases; the failures repeat the request of `chat`."""
    folder = ORACLE / kind / "mistralai"
    return [pytest.param(kind, path.stem, id=f"{kind}-{path.stem}") for path in sorted(folder.glob("*.json")) if not path.stem.startswith("error_")]


def case(kind, name):
    """Return one case of an SDK."""
    return json.loads((ORACLE / kind / "mistralai" / f"{name}.json").read_text(encoding="utf-8"))


def ask(client, name, body):
    """Make the call of a case."""
    provider = client.provider("mistral")
    if name == "models_list":
        return provider.perform(ListModelsRequest())
    if name == "embeddings":
        return provider.perform(EmbeddingRequest(model=body["model"], input=tuple(body["input"])))
    if name == "fim":
        extra = {key: value for key, value in body.items() if key not in ("model", "prompt", "top_p", "stream")}
        options = {"top_p": body["top_p"]} if "top_p" in body else {}
        return client.chat(f"mistral/{body['model']}", body["prompt"], api="fim", extra=extra, **options)
    request = read(body)
    return provider.chat_completion_stream(request).read() if body["stream"] else provider.chat_completion(request)


@pytest.mark.parametrize(("kind", "name"), [*cases("sdk"), *cases("sdk-older")])
@responses.activate
def test_the_request_of_mistrals_sdk(kind, name):
    """Method, path, the header of the key and the body are those of the SDK; its canned answer is read."""
    recording = case(kind, name)
    theirs, answer = recording["requests"][0], recording["responses"][0]
    canned = "".join(answer["frames"]) if "frames" in answer else json.dumps(answer["body"])
    responses.add(theirs["method"], BASE + theirs["path"], body=canned.encode(), headers=answer["headers"])
    client = llmclient.Client(providers={"mistral": {"api_key": "key-1", "api_base": BASE + "/v1"}}, retry=llmclient.Retry(max_attempts=1))
    got = ask(client, name, theirs.get("body"))
    ours = responses.calls[0].request
    assert (theirs["method"], theirs["path"], theirs["query"]) == (ours.method, *ours.path_url.partition("?")[::2])
    assert ("Bearer ***", "Bearer key-1") == (dict(theirs["headers"])["Authorization"], ours.headers["Authorization"])
    body = json.loads(ours.body) if ours.body else None
    if body is not None and "messages" in body:
        assert exact(theirs["body"]) == exact(body)
    elif body is not None:
        wanted = dict(theirs["body"])
        if wanted.get("stream") is False:
            del wanted["stream"]
        assert wanted == body
    if isinstance(got, llmclient.ChatResponse):
        whole = json.dumps(extractor.gather(canned)) if "frames" in answer else canned
        assert [choice["text"] for choice in told(got)["choices"]] == [choice["message"]["content"] or "" for choice in json.loads(whole)["choices"]]


def exact(body):
    """Return a request of the SDK's without what it writes although it is the default: stream, prefix, index, type."""
    body = json.loads(json.dumps(body))
    if body.get("stream") is False:
        del body["stream"]
    for message in body["messages"]:
        if message.get("prefix") is False:
            del message["prefix"]
        for call in message.get("tool_calls", ()):
            call.pop("index", None)
            call.setdefault("type", "function")
        for part in message["content"] if isinstance(message["content"], list) else ():
            if isinstance(part.get("image_url"), str):
                part["image_url"] = {"url": part["image_url"]}
    return body


@pytest.mark.parametrize("kind", ["sdk", "sdk-older"])
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
def test_the_failures_of_mistrals_sdk(kind, name, expected, retryable):
    """Each has the class of its status; the SDK itself retries nothing unless told to."""
    answer = case(kind, name)["responses"][0]
    error = DIALECT.error(answer["status"], answer["headers"], json.dumps(answer["body"]).encode())
    assert isinstance(error, expected)
    assert (retryable, answer["headers"].get("x-request-id"), answer["status"]) == (error.retryable, error.request_id, error.status)


def test_addresses():
    """The adapter's address and path are those that were recorded."""
    urls = {exchange(row["path"])["request"]["url"] for row in rows() if row["api"] in ("chat", "embeddings", "models")}
    made = {PROVIDER.address() + path for path in (DIALECT.path, PROVIDER.embed.path, PROVIDER.list_models.path)}
    assert made == urls
