"""Recorded exchanges of Ollama's own API, and what Ollama's own SDK sends, against the dialect.

What was recorded of its other API, below /v1, is OpenAI's dialect's, which `api="openai"` picks.
"""

import copy
import functools
import json
import os
import pathlib

import pytest
import responses

import llmclient
from llmclient import errors
from llmclient.dialects.ollama import OllamaChat, OllamaEmbeddings
from llmclient.types.chat import ChatRequest
from llmclient.types.config import ProviderConfig
from llmclient.types.context import RequestContext
from llmclient.types.embeddings import EmbeddingRequest
from llmclient.types.listing import ListModelsRequest
from tests.conformance import extract_ollama as extractor
from tests.conformance import read_ollama as reader

SHARED = pathlib.Path(os.environ.get("LLMCLIENT_SHARED") or pathlib.Path(__file__).parents[3] / "shared")
WIRE, ORACLE = SHARED / "wire", SHARED / "oracle"
DIALECT = OllamaChat(provider=reader.PROVIDER)
CONTEXT = RequestContext(provider=reader.PROVIDER, config=ProviderConfig(provider=reader.PROVIDER))
BASE = "http://127.0.0.1:9"
ELSEWHERE = {
    "9ff39135d4739566": "a chat completion of the API below /v1, to which the recorder gave this address",
    "d17881a97165e843": "a chat completion of the API below /v1, to which the recorder gave this address",
}
"""Recorded answers of another API."""

pytestmark = pytest.mark.skipif(not WIRE.is_dir(), reason=f"there is no {WIRE}; LLMCLIENT_SHARED may name the folder of recorded exchanges")


@functools.cache
def exchange(path):
    """Return one recorded exchange."""
    return json.loads((WIRE / path).read_text(encoding="utf-8"))


@functools.cache
def rows(provider, place):
    """Return the paths of the exchanges of one provider at one address."""
    folder = WIRE / "exchanges" / provider
    paths = sorted(str(path.relative_to(WIRE)) for path in folder.glob("*/*.json")) if WIRE.is_dir() else []
    return tuple(path for path in paths if exchange(path)["request"]["url"].endswith(place))


def recorded(streamed=None):
    """Return the chats as parameters."""
    found = rows("ollama", "/api/chat")
    return [
        pytest.param(path, id=exchange(path)["id"])
        for path in found
        if exchange(path)["id"] not in ELSEWHERE and (streamed is None or streamed is exchange(path)["stream"])
    ]


def raw(recording):
    """Return the bytes of a recorded answer."""
    return recording["response"]["body_text"].encode()


def told(response, given):
    """Return what the library says of an answer, in the extractor's words; ids that were made are not in the `given` answer."""
    usage = response.usage
    ids = [call[0] for call in given["calls"]] + [None] * len(response.tool_calls)
    calls = [(call.id if ids[order] else None, call.function.name, call.parse()) for order, call in enumerate(response.tool_calls)]
    assert all(call.id for call in response.tool_calls)
    return {
        "model": response.model,
        "created": response.created.isoformat()[:19],
        "text": response.text,
        "reasoning": response.reasoning or "",
        "calls": calls,
        "finish": response.finish_reason,
        "finish_raw": response.finish_reason_raw,
        "usage": (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens),
    }


def feed(body, sizes):
    """Return the decoder and the chunks of a stream that comes in reads of some sizes."""
    decoder, chunks, start, turn = DIALECT.stream("m", "r"), [], 0, 0
    while start < len(body):
        size = sizes[turn % len(sizes)]
        chunks += decoder.feed(body[start : start + size])
        start, turn = start + size, turn + 1
    return decoder, chunks + decoder.finish()


@pytest.mark.parametrize("path", recorded(streamed=False))
def test_plain_answers(path):
    """Text, thoughts, calls, finish reason and usage are what the extractor finds."""
    wanted = extractor.of_answer(json.loads(raw(exchange(path))))
    assert wanted == told(DIALECT.decode(raw(exchange(path)), "m", "r"), wanted)


@pytest.mark.parametrize("path", recorded(streamed=True))
def test_streamed_answers(path):
    """The same for streams; the chunks add up, and finish reason and usage stand on the last one only."""
    decoder, chunks = feed(raw(exchange(path)), [1 << 16])
    response = decoder.response()
    assert (None, True) == (decoder.error, decoder.done)
    wanted = extractor.of_answer(extractor.gather(extractor.lines_of(exchange(path)["response"]["body_text"])))
    assert wanted == told(response, wanted)
    assert (response.text, response.reasoning or "") == ("".join(chunk.text for chunk in chunks), "".join(chunk.reasoning or "" for chunk in chunks))
    assert [response.finish_reason] == [chunk.finish_reason for chunk in chunks if chunk.finish_reason] == [chunks[-1].finish_reason]
    assert [response.usage] == [chunk.usage for chunk in chunks if chunk.usage] == [chunks[-1].usage]
    pieces = [(piece.index, piece.id, piece.function.name, piece.function.arguments) for chunk in chunks for piece in chunk.tool_calls]
    assert [(order, call.id, call.function.name, call.function.arguments) for order, call in enumerate(response.tool_calls)] == pieces


@pytest.mark.parametrize("path", recorded(streamed=True))
def test_a_stream_and_its_plain_twin(path):
    """The answer that the lines add up to, sent whole, gives the same response; so does the stream where no stream was asked for."""
    twin = extractor.gather(extractor.lines_of(exchange(path)["response"]["body_text"]))
    decoder, _ = feed(raw(exchange(path)), [1 << 16])
    assert DIALECT.decode(json.dumps(twin).encode(), "m", "r") == decoder.response() == DIALECT.decode(raw(exchange(path)), "m", "r")


@pytest.mark.parametrize("path", recorded(streamed=True))
def test_any_split_gives_the_same(path):
    """Reads of one byte, and of odd lengths."""
    body = raw(exchange(path))
    decoder, chunks = feed(body, [1 << 16])
    for sizes in [[61], [1, 5000, 3], *([[1]] if len(body) < 8_000 else [])]:
        other, pieces = feed(body, sizes)
        assert (chunks, decoder.response(), decoder.events) == (pieces, other.response(), other.events)


@pytest.mark.parametrize("path", recorded(streamed=True))
def test_a_cut_off_stream_is_no_answer(path):
    """At the ends of lines: an error, no finish reason, no usage. Long streams are cut at some of them."""
    lines = exchange(path)["response"]["body_text"].splitlines(keepends=True)
    decoder, chunks = DIALECT.stream("m", "r"), []
    step = max(1, len(lines) // 40)
    for number, line in enumerate(lines):
        if number % step == 0 or len(lines) - number < 5:
            cut = copy.deepcopy(decoder)
            cut.finish()
            assert isinstance(cut.error, errors.StreamTruncatedError)
            assert (False, None) == (cut.done, cut.response().finish_reason)
        chunks += decoder.feed(line.encode())
    assert all(chunk.finish_reason is None and chunk.usage is None for chunk in chunks[:-1])
    assert decoder.done


# Requests.


@pytest.mark.parametrize("path", recorded())
def test_requests(path):
    """A recorded request, written with this library, is an equivalent one again, without a warning."""
    body = exchange(path)["request"]["body"]
    if not isinstance(body, dict):
        pytest.skip("the request was not recorded")
    wire = DIALECT.encode(reader.read(body), CONTEXT)
    assert same(body) == same(wire.body)
    assert () == wire.warnings


def same(body):
    """Return a request with all that means the same written the same."""
    body = json.loads(json.dumps(body))
    body.pop("stream", None)
    for key in ("options", "tools", "format", "keep_alive"):
        if key in body and not body[key]:
            del body[key]
    for message in body["messages"]:
        for call in message.get("tool_calls") or ():
            call.pop("type", None)
        for key in ("tool_calls", "images", "content"):
            if not message.get(key):
                message.pop(key, None)
    return body


def test_other_operations():
    """A recorded embedding is read."""
    for path in rows("ollama", "/api/embed"):
        answer = json.loads(raw(exchange(path)))
        got = OllamaEmbeddings().decode(raw(exchange(path)), "m", "r")
        assert (answer["embeddings"], answer["prompt_eval_count"], answer["model"]) == (got.vectors, got.usage.prompt_tokens, got.model)


@pytest.mark.parametrize("provider", ["ollama", "ollama_cloud"])
def test_the_other_api_is_where_it_was_recorded(provider):
    """`api="openai"` sends to the recorded address, and reads what came from it."""
    client = llmclient.Client(providers={provider: {"api_key": "k"}}, retry=llmclient.Retry(max_attempts=1))
    adapter = client.provider(provider)
    found = rows(provider, "/v1/chat/completions")
    dialect = adapter.chat_dialect("m", "openai")
    wire = dialect.encode(ChatRequest.make("m", "hi"), CONTEXT)
    assert found
    for path in found:
        recording = exchange(path)
        assert recording["request"]["url"].replace("127.0.0.1", "localhost") == adapter.address() + wire.path
        if recording["response"]["status"] == 200 and not recording["stream"]:
            assert json.loads(raw(recording))["choices"][0]["message"]["content"] == dialect.decode(raw(recording), "m", "r").text


# What Ollama's own SDK sends.

CASES = ("chat", "chat_system_params", "image_base64", "json_schema", "multi_turn_tools", "stream", "stream_tools", "think", "tools")
DIFFERENCES = {"tools": "an empty list is left out"}
"""Fields of the SDK's body that are left out here where they are empty, and why."""


def case(name):
    """Return one case of the SDK."""
    path = ORACLE / "sdk" / "ollama" / f"{name}.json"
    if not path.is_file():
        pytest.skip(f"there is no {path}")
    return json.loads(path.read_text(encoding="utf-8"))


def ask(name, body, *, stream):
    """Make the call of a case."""
    provider = llmclient.Client(providers={"ollama": {"api_base": BASE}}, retry=llmclient.Retry(max_attempts=1)).provider("ollama")
    if name == "models_list":
        return provider.perform(ListModelsRequest())
    if name == "embeddings":
        return provider.embeddings(EmbeddingRequest(model=body["model"], input=tuple(body["input"]), dimensions=body["dimensions"]))
    request = reader.read(body)
    return provider.chat_completion_stream(request).read() if stream else provider.chat_completion(request)


@pytest.mark.parametrize("name", [*CASES, "embeddings", "models_list"])
@responses.activate
def test_the_request_of_ollamas_sdk(name, monkeypatch):
    """Method, path, no key and the body are those of the SDK; its canned answer is read."""
    for variable in ("OLLAMA_API_KEY", "OLLAMA_HOST", "OLLAMA_API_BASE"):
        monkeypatch.delenv(variable, raising=False)
    recording = case(name)
    theirs, answer = recording["requests"][0], recording["responses"][0]
    stream = "frames" in answer
    canned = "".join(answer["frames"]) if stream else json.dumps(answer["body"])
    responses.add(theirs["method"], BASE + theirs["path"], body=canned.encode(), headers=answer["headers"])
    got = ask(name, theirs.get("body"), stream=stream)
    ours = responses.calls[0].request
    assert (theirs["method"], theirs["path"]) == (ours.method, ours.path_url)
    assert "Authorization" not in ours.headers
    if theirs.get("body"):
        assert {key: value for key, value in theirs["body"].items() if key not in DIFFERENCES or value} == json.loads(ours.body)
    if isinstance(got, llmclient.ChatResponse):
        wanted = extractor.of_answer(extractor.gather(extractor.lines_of(canned)) if stream else answer["body"])
        assert wanted == told(got, wanted)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("error_400", errors.InvalidRequestError),
        ("error_401", errors.AuthenticationError),
        ("error_404", errors.InvalidRequestError),
        ("error_429_then_ok", errors.RateLimitError),
        ("error_500_then_ok", errors.ApiError),
        ("error_503_always", errors.ProviderUnavailableError),
    ],
)
def test_the_failures_of_ollamas_sdk(name, expected):
    """Each has the class of its status; the SDK itself never tries again."""
    answer = case(name)["responses"][0]
    error = DIALECT.error(answer["status"], answer["headers"], json.dumps(answer["body"]).encode())
    assert isinstance(error, expected)
    assert (answer["status"] in errors.RETRIED_STATUSES, answer["status"]) == (error.retryable, error.status)
