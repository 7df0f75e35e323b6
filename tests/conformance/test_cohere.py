"""Recorded exchanges of Cohere's API, version 2, and what Cohere's own SDKs send, against the dialect."""

import copy
import functools
import json
import os
import pathlib

import pytest
import responses

import llmclient
from llmclient import errors
from llmclient.dialects.cohere import CohereChat, CohereEmbeddings, CohereModels, CohereRerank
from llmclient.types.config import ProviderConfig
from llmclient.types.context import RequestContext
from llmclient.types.embeddings import EmbeddingRequest
from llmclient.types.rerank import RerankRequest
from tests.conformance import extract_cohere as extractor
from tests.conformance import read_cohere as reader

SHARED = pathlib.Path(os.environ.get("LLMCLIENT_SHARED") or pathlib.Path(__file__).parents[3] / "shared")
WIRE, ORACLE = SHARED / "wire", SHARED / "oracle"
DIALECT = CohereChat(provider=reader.PROVIDER)
CONTEXT = RequestContext(provider=reader.PROVIDER, config=ProviderConfig(provider=reader.PROVIDER))
BASE = "http://127.0.0.1:9"
FAILED = {"8aea699d604198fd": "the stream tells of a failure in its last event"}

pytestmark = pytest.mark.skipif(not WIRE.is_dir(), reason=f"there is no {WIRE}; LLMCLIENT_SHARED may name the folder of recorded exchanges")


@functools.cache
def exchange(path):
    """Return one recorded exchange."""
    return json.loads((WIRE / path).read_text(encoding="utf-8"))


@functools.cache
def rows(api, version):
    """Return the paths of the exchanges of one API in one version."""
    folder = WIRE / "exchanges" / "cohere" / api
    paths = sorted(str(path.relative_to(WIRE)) for path in folder.glob("*.json")) if WIRE.is_dir() else []
    return tuple(path for path in paths if f"/{version}/" in exchange(path)["request"]["url"])


def recorded(api, *, version="v2", streamed=None, failed=False):
    """Return the exchanges of one API as parameters."""
    return [
        pytest.param(path, id=exchange(path)["id"])
        for path in rows(api, version)
        if (streamed is None or streamed is exchange(path)["stream"]) and (failed or exchange(path)["id"] not in FAILED)
    ]


def raw(recording):
    """Return the bytes of a recorded answer."""
    return recording["response"]["body_text"].encode()


def told(response):
    """Return what the library says of an answer, in the extractor's words."""
    usage = response.usage
    return {
        "id": response.id,
        "text": response.text,
        "reasoning": response.reasoning or "",
        "calls": [(call.id, call.function.name, call.parse()) for call in response.tool_calls],
        "citations": list(response.message.annotations),
        "finish": response.finish_reason,
        "finish_raw": response.finish_reason_raw,
        "usage": (usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens, usage.reasoning_tokens),
    }


def feed(body, sizes):
    """Return the decoder and the chunks of a stream that comes in reads of some sizes."""
    decoder, chunks, start, turn = DIALECT.stream("m", "r"), [], 0, 0
    while start < len(body):
        size = sizes[turn % len(sizes)]
        chunks += decoder.feed(body[start : start + size])
        start, turn = start + size, turn + 1
    return decoder, chunks + decoder.finish()


@pytest.mark.parametrize("path", recorded("chat", streamed=False))
def test_plain_answers(path):
    """Text, thoughts, plans, calls, citations, finish reason and usage are what the extractor finds."""
    recording = exchange(path)
    assert extractor.of_answer(json.loads(raw(recording))) == told(DIALECT.decode(raw(recording), "m", "r"))


@pytest.mark.parametrize("path", recorded("chat", streamed=True))
def test_streamed_answers(path):
    """The same for streams; the chunks add up, and finish reason and usage stand on the last one only."""
    recording = exchange(path)
    decoder, chunks = feed(raw(recording), [1 << 16])
    response = decoder.response()
    assert (None, True) == (decoder.error, decoder.done)
    assert extractor.of_answer(extractor.gather(extractor.events_of(recording["response"]["body_text"]))) == told(response)
    assert (response.text, response.reasoning or "") == ("".join(chunk.text for chunk in chunks), "".join(chunk.reasoning or "" for chunk in chunks))
    assert [response.finish_reason] == [chunk.finish_reason for chunk in chunks if chunk.finish_reason] == [chunks[-1].finish_reason]
    assert [response.usage] == [chunk.usage for chunk in chunks if chunk.usage] == [chunks[-1].usage]
    for index, call in enumerate(response.tool_calls):
        pieces = [piece for chunk in chunks for piece in chunk.tool_calls if piece.index == index]
        assert (call.id, call.function.name) == (pieces[0].id, pieces[0].function.name)
        assert call.function.arguments == "".join(piece.function.arguments for piece in pieces)


@pytest.mark.parametrize("path", recorded("chat", streamed=True))
def test_a_stream_and_its_plain_twin(path):
    """The answer that the events add up to, sent whole, gives the same response."""
    recording = exchange(path)
    twin = extractor.gather(extractor.events_of(recording["response"]["body_text"]))
    decoder, _ = feed(raw(recording), [1 << 16])
    assert DIALECT.decode(json.dumps(twin).encode(), "m", "r") == decoder.response()


@pytest.mark.parametrize("path", recorded("chat", streamed=True, failed=True))
def test_any_split_gives_the_same(path):
    """Reads of one byte, and of odd lengths."""
    body = raw(exchange(path))
    decoder, chunks = feed(body, [1 << 16])
    for sizes in [[61], [1, 5000, 3], *([[1]] if len(body) < 8_000 else [])]:
        other, pieces = feed(body, sizes)
        assert (chunks, decoder.response(), decoder.events, repr(decoder.error)) == (pieces, other.response(), other.events, repr(other.error))


@pytest.mark.parametrize("path", recorded("chat", streamed=True))
def test_a_cut_off_stream_is_no_answer(path):
    """At the borders of events: an error, no finish reason, no usage. Long streams are cut at some of them."""
    events = extractor.events_of(exchange(path)["response"]["body_text"])
    decoder, chunks = DIALECT.stream("m", "r"), []
    step = max(1, len(events) // 40)
    for number, event in enumerate(events):
        if number % step == 0 or len(events) - number < 5:
            cut = copy.deepcopy(decoder)
            cut.finish()
            assert isinstance(cut.error, errors.StreamTruncatedError)
            assert (False, None) == (cut.done, cut.response().finish_reason)
        chunks += decoder.feed(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())
    assert all(chunk.finish_reason is None and chunk.usage is None for chunk in chunks[:-1])
    assert decoder.done


@pytest.mark.parametrize("path", [path for path in recorded("chat", failed=True) if path.id in FAILED])
def test_a_failure_at_the_end_of_a_stream(path):
    """The chunks before it are handed over, and then the failure is raised."""
    decoder, chunks = feed(raw(exchange(path)), [1 << 16])
    assert "".join(chunk.reasoning or "" for chunk in chunks) == decoder.response().reasoning
    assert (errors.InvalidRequestError, "INVALID_TOOL_GENERATION", False) == (type(decoder.error), decoder.error.code, decoder.done)


# Requests.


@pytest.mark.parametrize("path", recorded("chat", failed=True))
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
    for tool in body.get("tools", ()):
        tool["function"].setdefault("parameters", {"type": "object", "properties": {}})
        tool["function"]["parameters"] = tool["function"]["parameters"] or {"type": "object", "properties": {}}
    for message in body["messages"]:
        for key in ("tool_plan", "citations", "content"):
            if key in message and not message[key]:
                del message[key]
    return body


# Failures and other operations.

KINDS = {400: errors.ContextLengthExceededError, 401: errors.AuthenticationError, 404: errors.ModelNotFoundError}


@pytest.mark.parametrize("path", recorded("error"))
def test_failures(path):
    """Each has the class of its code or status, and the message and the id of its body."""
    answer = exchange(path)["response"]
    body = json.loads(answer["body_text"])
    error = DIALECT.error(answer["status"], answer["headers"], answer["body_text"].encode())
    assert KINDS[answer["status"]] is type(error)
    assert (body["message"], body["id"], answer["status"], False) == (error.message, error.request_id, error.status, error.retryable)


@pytest.mark.parametrize("path", recorded("embeddings"))
def test_embeddings(path):
    """The request is an equivalent one again, and the vectors and the count are read."""
    recording = exchange(path)
    body, answer = recording["request"]["body"], json.loads(raw(recording))
    got = CohereEmbeddings().decode(raw(recording), "m", "r")
    assert answer["embeddings"]["float"] == got.vectors
    assert answer["meta"]["billed_units"]["input_tokens"] == got.usage.prompt_tokens
    if body is not None:
        given = {"dimensions": body.get("output_dimension"), "input_type": body["input_type"], "truncate": body.get("truncate")}
        wire = CohereEmbeddings().encode(EmbeddingRequest(model=body["model"], input=tuple(body["texts"]), **given), CONTEXT)
        assert {key: value for key, value in body.items() if value is not None} == wire.body
        assert () == wire.warnings


@pytest.mark.parametrize("path", [*recorded("rerank"), *recorded("rerank", version="v1")])
def test_reranking(path):
    """The request is an equivalent one again, and the order and the scores are read."""
    recording = exchange(path)
    body, answer = recording["request"]["body"], json.loads(raw(recording))
    is_old = "/v1/" in recording["request"]["url"]
    dialect = CohereRerank(objects=is_old, returns_documents=is_old)
    got = dialect.decode(raw(recording), "m", "r")
    assert [(row["index"], row["relevance_score"], row.get("document")) for row in answer["results"]] == [(r.index, r.score, r.document) for r in got]
    assert (answer["id"], answer["meta"]["billed_units"]["search_units"]) == (got.id, got.usage.requests)
    if body is not None:
        names = ("top_n", "max_tokens_per_doc", "return_documents")
        given = {name: body.get(name) for name in names}
        # The first version chose a model itself where none was named.
        wire = dialect.encode(RerankRequest(model=body.get("model", ""), query=body["query"], documents=tuple(body["documents"]), **given), CONTEXT)
        assert {key: value for key, value in body.items() if value is not None} == {key: value for key, value in wire.body.items() if value != ""}


# What Cohere's own SDKs send.

CHATS = ("chat", "chat_system_params", "documents", "image_base64", "json_schema", "multi_turn_tools", "stream", "stream_tools", "tool_choice_forced", "tools")
DIFFERENCES = {"stream": "false is what the API takes for granted"}
"""Fields of the SDK's body that are left out here, and why."""
CASES = [(kind, name) for kind in ("sdk", "sdk-older") for name in (*CHATS, "embeddings", "rerank")]


def case(kind, name):
    """Return one case of an SDK."""
    path = ORACLE / kind / "cohere" / f"{name}.json"
    if not path.is_file():
        pytest.skip(f"there is no {path}")
    return json.loads(path.read_text(encoding="utf-8"))


def ask(name, body, *, stream):
    """Make the call of a case."""
    client = llmclient.Client(providers={"cohere": {"api_key": "co-test", "api_base": BASE}}, retry=llmclient.Retry(max_attempts=1))
    provider = client.provider("cohere")
    if name == "embeddings":
        return provider.embeddings(
            EmbeddingRequest(model=body["model"], input=tuple(body["texts"]), input_type=body["input_type"], dimensions=body["output_dimension"])
        )
    if name == "rerank":
        return provider.perform(RerankRequest(model=body["model"], query=body["query"], documents=tuple(body["documents"]), top_n=body["top_n"]))
    request = reader.read(body)
    return provider.chat_completion_stream(request).read() if stream else provider.chat_completion(request)


@pytest.mark.parametrize(("kind", "name"), CASES)
@responses.activate
def test_the_request_of_coheres_sdk(kind, name):
    """Method, path, the header of the key and the body are those of the SDK; its canned answer is read."""
    recording = case(kind, name)
    theirs, answer = recording["requests"][0], recording["responses"][0]
    stream = "frames" in answer
    canned = "".join(answer["frames"]) if stream else json.dumps(answer["body"])
    responses.add(theirs["method"], BASE + theirs["path"], body=canned.encode(), headers=answer["headers"])
    got = ask(name, theirs["body"], stream=stream)
    ours = responses.calls[0].request
    assert (theirs["method"], theirs["path"], "Bearer co-test") == (ours.method, ours.path_url, ours.headers["Authorization"])
    assert {key: value for key, value in theirs["body"].items() if key not in DIFFERENCES or value} == json.loads(ours.body)
    if isinstance(got, llmclient.ChatResponse):
        whole = extractor.gather(extractor.events_of(canned)) if stream else answer["body"]
        assert extractor.of_answer(whole) == told(got)


@pytest.mark.parametrize("kind", ["sdk", "sdk-older"])
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
def test_the_failures_of_coheres_sdk(kind, name, expected):
    """What the SDK raises at once is not retryable, and what it tries again is."""
    recording = case(kind, name)
    answer = recording["responses"][0]
    error = DIALECT.error(answer["status"], answer["headers"], json.dumps(answer["body"]).encode())
    assert isinstance(error, expected)
    assert (recording["attempts"] > 1, answer["status"]) == (error.retryable, error.status)


def test_models():
    """A recorded model, in a list, is read with all that is said of it."""
    row = json.loads(raw(exchange(rows("models", "v1")[0])))
    (model,) = CohereModels().decode(json.dumps({"models": [row]}).encode(), "", "r").models
    assert (row["name"], row["context_length"]) == (model.id, model.extra["context_length"])
