"""Recorded exchanges with Amazon Bedrock, and what Amazon's own SDK sends, against the dialects."""

import base64
import copy
import functools
import hashlib
import hmac
import json
import os
import pathlib
import re
import urllib.parse

import pytest
import responses

import llmclient
from llmclient import errors
from llmclient.dialects.bedrock import BedrockConverse, BedrockCountTokens, BedrockEmbeddings, BedrockMessages
from llmclient.types.chat import ChatRequest
from llmclient.types.config import ProviderConfig
from llmclient.types.context import RequestContext
from llmclient.types.embeddings import EmbeddingRequest
from llmclient.types.tokens import CountTokensRequest
from tests.conformance import extract_anthropic, read_anthropic
from tests.conformance import extract_bedrock as extractor
from tests.conformance import read_bedrock as reader

SHARED = pathlib.Path(os.environ.get("LLMCLIENT_SHARED") or pathlib.Path(__file__).parents[3] / "shared")
WIRE, ORACLE = SHARED / "wire", SHARED / "oracle" / "sdk" / "bedrock"
DIALECT = BedrockConverse(provider=reader.PROVIDER)
INVOKE = BedrockMessages(provider=reader.PROVIDER)
CONTEXT = RequestContext(provider=reader.PROVIDER, config=ProviderConfig(provider=reader.PROVIDER))

pytestmark = pytest.mark.skipif(not WIRE.is_dir(), reason=f"there is no {WIRE}; LLMCLIENT_SHARED may name the folder of recorded exchanges")


@functools.cache
def rows(api):
    """Return the index rows of an API of this provider."""
    if not WIRE.is_dir():
        return ()
    with (WIRE / "index.jsonl").open(encoding="utf-8") as lines:
        return tuple(row for row in map(json.loads, lines) if row["provider"] == "bedrock" and row["api"] == api)


@functools.cache
def exchange(path):
    """Return one recorded exchange."""
    return json.loads((WIRE / path).read_text(encoding="utf-8"))


def recorded(api, streamed=None):
    """Return the exchanges of an API as parameters."""
    return [pytest.param(row["path"], id=row["id"]) for row in rows(api) if streamed is None or streamed is (row["resp_kind"] == "eventstream")]


def raw(exchange):
    """Return the bytes of a recorded answer."""
    answer = exchange["response"]
    return base64.b64decode(answer["body_base64"]) if answer["body_kind"] == "eventstream" else answer["body_text"].encode()


def told(response):
    """Return what the library says of an answer, in the extractor's words."""
    usage, blocks = response.usage, response.message.reasoning
    return {
        "text": response.text,
        "reasoning": [(block.text, block.signature) for block in blocks if block.redacted is None],
        "redacted": [block.redacted for block in blocks if block.redacted is not None],
        "calls": [(call.id, call.function.name, extractor.arguments(call.function.arguments)) for call in response.tool_calls],
        "citations": list(response.message.annotations),
        "finish": response.finish_reason,
        "finish_raw": response.finish_reason_raw,
        "usage": usage and (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens, usage.cached_tokens, usage.cache_write_tokens),
    }


def feed(body, sizes, dialect=DIALECT):
    """Return the decoder and the chunks of a stream that comes in reads of some sizes."""
    decoder, chunks, start, turn = dialect.stream("m", "r"), [], 0, 0
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


# Answers.


@pytest.mark.parametrize("path", recorded("converse", streamed=False))
def test_plain_answers(path):
    """Text, thoughts, calls, citations, finish reason and usage are what the extractor finds."""
    recording = exchange(path)
    assert extractor.of_exchange(recording) == told(DIALECT.decode(raw(recording), "m", "r"))


@pytest.mark.parametrize("path", recorded("converse", streamed=True))
def test_streamed_answers(path):
    """The same for streams; the chunks add up, the finish reason stands on one of them, and the usage on the last."""
    recording = exchange(path)
    decoder, chunks = feed(raw(recording), [1 << 16])
    response = decoder.response()
    assert (None, True) == (decoder.error, decoder.done)
    assert extractor.of_exchange(recording) == told(response)
    assert (response.text, response.reasoning or "") == ("".join(chunk.text for chunk in chunks), "".join(chunk.reasoning or "" for chunk in chunks))
    assert [response.finish_reason] == [chunk.finish_reason for chunk in chunks if chunk.finish_reason]
    assert [response.usage] == [chunk.usage for chunk in chunks if chunk.usage] == [chunks[-1].usage]
    for index, call in enumerate(response.tool_calls):
        pieces = [piece for chunk in chunks for piece in chunk.tool_calls if piece.index == index]
        assert (call.id, call.function.name) == (pieces[0].id, pieces[0].function.name)
        assert call.function.arguments == "".join(piece.function.arguments for piece in pieces)


@pytest.mark.parametrize("path", recorded("converse", streamed=True))
def test_a_stream_and_its_plain_twin(path):
    """The answer that the events add up to, sent whole, gives the same response."""
    recording = exchange(path)
    twin = extractor.gather(extractor.events_of(raw(recording)))
    decoder, _ = feed(raw(recording), [1 << 16])
    assert normal(DIALECT.decode(json.dumps(twin).encode(), "m", "r")) == normal(decoder.response())


@pytest.mark.parametrize("path", recorded("converse", streamed=True))
def test_any_split_gives_the_same(path):
    """Reads of one byte, of odd lengths, and at the borders that were recorded."""
    recording = exchange(path)
    body = raw(recording)
    decoder, chunks = feed(body, [1 << 16])
    splits = [[61], [1, 5000, 3], recording["response"].get("chunk_sizes") or [1 << 10]]
    for sizes in [*splits, *([[1]] if len(body) < 12_000 else [])]:
        other, pieces = feed(body, sizes)
        assert (chunks, decoder.response(), decoder.events) == (pieces, other.response(), other.events)


@pytest.mark.parametrize("path", recorded("converse", streamed=True))
def test_a_cut_off_stream_is_no_answer(path):
    """Until the event that gives the reason, the end of the body is an error, within a message too; after it, only the usage is missing."""
    frames = list(extractor.cut(raw(exchange(path))))
    kinds = [kind for kind, _ in extractor.events_of(raw(exchange(path)))]
    decoder, chunks = DIALECT.stream("m", "r"), []
    step = max(1, len(frames) // 40)
    for number, (kind, frame) in enumerate(zip(kinds, frames, strict=True)):
        if kind == "metadata":
            break
        if number % step == 0 or len(frames) - number < 5:
            for more in (frame[:20], b""):
                ended = copy.deepcopy(decoder)
                ended.feed(more)
                ended.finish()
                assert isinstance(ended.error, errors.StreamTruncatedError)
                assert (False, None) == (ended.done, ended.response().finish_reason)
        chunks += decoder.feed(frame)
    assert all(chunk.finish_reason is None for chunk in chunks[:-1])
    decoder.finish()
    assert (True, None, None) == (decoder.done, decoder.error, decoder.response().usage)


@pytest.mark.parametrize("path", recorded("messages"))
def test_claude_by_invoke_model(path):
    """Anthropic's answers, plain ones and those in Amazon's frames, are what the extractor of that API finds."""
    recording = exchange(path)
    body = raw(recording)
    wanted = extract_anthropic.of_exchange(recording)
    if recording["response"]["body_kind"] != "eventstream":
        response = INVOKE.decode(body, "m", "r")
    else:
        decoder, chunks = feed(body, [1 << 16], INVOKE)
        response = decoder.response()
        assert (None, True) == (decoder.error, decoder.done)
        other, pieces = feed(body, [61], INVOKE)
        assert (chunks, response) == (pieces, other.response())
        assert response == INVOKE.decode(body, "m", "r")
    usage = response.usage
    assert (wanted["id"], wanted["text"], wanted["finish"]) == (response.id, response.text, response.finish_reason)
    assert wanted["calls"] == [(call.id, call.function.name, extractor.arguments(call.function.arguments)) for call in response.tool_calls]
    assert wanted["usage"][:4] == (usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens, usage.cache_write_tokens)


@pytest.mark.parametrize("path", recorded("messages", streamed=True))
def test_claude_by_invoke_model_cut_off(path):
    """At the borders of messages: an error, and no finish reason."""
    frames = list(extractor.cut(raw(exchange(path))))
    decoder = INVOKE.stream("m", "r")
    for number, frame in enumerate(frames[:-1]):
        decoder.feed(frame)
        if number % 7 == 0 or number > len(frames) - 4:
            cut = copy.deepcopy(decoder)
            cut.finish()
            assert isinstance(cut.error, errors.StreamTruncatedError)
            assert cut.response().finish_reason is None


# Requests.

UNLIKE = {
    "fba95c1071f520d0": "its body is no JSON",
    "713dd1ae30ed19b9": "a document beside a tool's result, which Claude took then and refuses now: it follows in a turn of its own",
}
"""Recorded requests that are other ones here, and why."""


@pytest.mark.parametrize("path", recorded("converse"))
def test_requests(path):
    """A recorded request, written with this library, is an equivalent one again, without a loss."""
    recording = exchange(path)
    body = recording["request"]["body"]
    if not isinstance(body, dict):
        assert recording["id"] in UNLIKE
        return
    wire = DIALECT.encode(reader.read(recording["model"], body), CONTEXT)
    assert [] == [warning for warning in wire.warnings if warning.kind in ("dropped", "clamped")]
    assert (same(body) == same(wire.body)) is (recording["id"] not in UNLIKE)
    assert recording["id"] in UNLIKE or [] == [warning for warning in wire.warnings if warning.param != "schema"]


def same(body):
    """Return a request with all that means the same written the same."""
    body = json.loads(json.dumps(body))
    for name in ("system", "inferenceConfig", "additionalModelRequestFields"):
        if not body.get(name):
            body.pop(name, None)
    config = body.get("inferenceConfig", {})
    if config.get("stopSequences") == []:
        del config["stopSequences"]
    body["messages"] = merged(body["messages"])
    for turn in body["messages"]:
        if turn["role"] == "user":
            turn["content"].sort(key=lambda block: "toolResult" not in block)
    shape = body.get("outputConfig", {}).get("textFormat", {}).get("structure", {}).get("jsonSchema")
    if shape:
        shape["schema"] = json.loads(shape["schema"])
    return body


def merged(turns):
    """Return turns that alternate."""
    found = []
    for turn in turns:
        if found and found[-1]["role"] == turn["role"]:
            found[-1]["content"] += turn["content"]
        else:
            found.append(turn)
    return found


def test_addresses():
    """The adapter's address and path are those that were recorded, the model's id encoded or not."""
    found = [exchange(row["path"]) for row in rows("converse")]
    seen = {(one["request"]["url"], one["model"], one["stream"]) for one in found if not one["fidelity"]["url_inferred"]}
    assert len(seen) > 50
    for url, model, streamed in seen:
        adapter = llmclient.Client(providers={"bedrock": {"api_key": "k", "region": url.split(".")[1]}}).provider("bedrock")
        context = RequestContext(provider=adapter.label, config=adapter.config, stream=streamed)
        wire = adapter.transform_request(ChatRequest.make(model, "hi"), context)
        assert urllib.parse.unquote(url) == urllib.parse.unquote(adapter.address() + wire.path)


@pytest.mark.parametrize("path", recorded("messages"))
def test_requests_of_claude_by_invoke_model(path):
    """A recorded request of InvokeModel is an equivalent one again."""
    recording = exchange(path)
    body = recording["request"]["body"]
    if not isinstance(body, dict) or "messages" not in body:
        pytest.skip("the request was not recorded")
    betas = {"anthropic-beta": ",".join(body["anthropic_beta"])} if body.get("anthropic_beta") else {}
    request = read_anthropic.read({key: value for key, value in body.items() if key not in ("anthropic_version", "anthropic_beta")}, betas)
    wire = INVOKE.encode(ChatRequest(**{name: getattr(request, name) for name in NAMES} | {"model": recording["model"]}), CONTEXT)
    assert body["anthropic_version"] == wire.body["anthropic_version"]
    assert (body["max_tokens"], "model" in wire.body, body.get("anthropic_beta")) == (wire.body["max_tokens"], False, wire.body.get("anthropic_beta"))
    assert spoken(body["messages"]) == spoken(wire.body["messages"])
    assert urllib.parse.unquote(recording["request"]["url"].partition(".com")[2]).removesuffix("-with-response-stream") == urllib.parse.unquote(wire.path)


NAMES = [field for field in ChatRequest.__slots__ if not field.startswith("__")]


def spoken(value):
    """Return the texts of messages in order, whichever way they are written."""
    if isinstance(value, list):
        return "".join(map(spoken, value))
    if not isinstance(value, dict):
        return ""
    texts = [value[key] for key in ("text", "content") if isinstance(value.get(key), str)]
    return "".join(texts) + "".join(spoken(item) for item in value.values())


# Failures.

KINDS = {
    "ValidationException": errors.InvalidRequestError,
    "AccessDeniedException": errors.PermissionDeniedError,
    "ExpiredTokenException": errors.AuthenticationError,
    "ResourceNotFoundException": errors.ModelNotFoundError,
}


@pytest.mark.parametrize("path", recorded("error"))
def test_failures(path):
    """Each has the class of its kind, which stands in a header, its status, its message and its request id."""
    answer = exchange(path)["response"]
    error = DIALECT.error(answer["status"], answer["headers"], answer["body_text"].encode())
    message = json.loads(answer["body_text"])["message"]
    kind = answer["headers"].get("x-amzn-errortype", "").partition(":")[0] or None
    wanted = KINDS[kind or "ValidationException"]
    if "identifier is invalid" in message:
        wanted = errors.ModelNotFoundError
    elif "exceeds maximum length" in message:
        wanted = errors.ContextLengthExceededError
    assert wanted is type(error)
    assert (kind, message, answer["status"]) == (error.code, error.message, error.status)
    assert answer["headers"].get("x-amzn-requestid") == error.request_id
    assert not error.retryable


# Other operations.


@pytest.mark.parametrize("path", recorded("embeddings"))
def test_embeddings(path):
    """The request is an equivalent one again, and every vector is read."""
    recording = exchange(path)
    body, answer = dict(recording["request"]["body"]), json.loads(recording["response"]["body_text"])
    texts = tuple(body["texts"]) if "texts" in body else (body["inputText"],)
    dimensions = body.get("output_dimension", body.get("dimensions"))
    extra = {key: body[key] for key in ("normalize", "embedding_types", "max_tokens") if key in body}
    request = EmbeddingRequest(
        model=recording["model"], input=texts, dimensions=dimensions, input_type=body.get("input_type"), truncate=body.get("truncate"), extra=extra
    )
    wire = BedrockEmbeddings().encode(request, CONTEXT)
    assert (body, ()) == (json.loads(json.dumps(wire.body)), wire.warnings)
    assert urllib.parse.unquote(recording["request"]["url"].partition(".com")[2]) == urllib.parse.unquote(wire.path)
    if "data" in answer:
        # A recorder's own form, which no vendor sends.
        answer = {"embeddings": [row["embedding"] for row in answer["data"]]}
    found = answer.get("embeddings", [answer.get("embedding")])
    response = wire.dialect.decode(raw(recording), recording["model"], "r")
    assert (found["float"] if isinstance(found, dict) else found) == [list(vector) for vector in response.vectors]
    assert answer.get("inputTextTokenCount") == (response.usage and response.usage.prompt_tokens)


@pytest.mark.parametrize("path", recorded("count_tokens"))
def test_counts(path):
    """The request is an equivalent one again, and the count is read."""
    recording = exchange(path)
    body = recording["request"]["body"]["input"]["converse"]
    request = reader.read(recording["model"], body)
    wire = BedrockCountTokens().encode(CountTokensRequest(model=request.model, messages=request.messages, tools=request.tools, extra=request.extra), CONTEXT)
    wanted = same(body)
    wanted.get("toolConfig", {}).pop("toolChoice", None)  # the usual one
    assert wanted == same(wire.body["input"]["converse"])
    assert json.loads(recording["response"]["body_text"])["inputTokens"] == BedrockCountTokens().decode(raw(recording), "m", "r").tokens


# What Amazon's own SDK sends.

ACCESS, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
DIFFERENCES = {
    "embeddings_titan_invoke": "the SDK says what it accepts, which is the usual thing, and signs that too",
}
"""Cases whose signed headers are other ones here, and why."""


def signature(request, region, secret=SECRET):
    """Return the signature of a request, worked out with the standard library alone."""
    headers = {name.lower(): value for name, value in request["headers"]}
    signed = re.search(r"SignedHeaders=([^,]+)", headers["authorization"])[1].split(";")
    path = "/".join(urllib.parse.quote(step, safe="-_.~") for step in request["path"].split("/"))
    lines = [request["method"], path, request["query"], *(f"{name}:{headers[name].strip()}" for name in signed), ""]
    canonical = "\n".join([*lines, ";".join(signed), hashlib.sha256(request["body"]).hexdigest()])
    date = headers["x-amz-date"]
    key = ("AWS4" + secret).encode()
    for part in (date[:8], region, "bedrock", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    told = "\n".join(["AWS4-HMAC-SHA256", date, f"{date[:8]}/{region}/bedrock/aws4_request", hashlib.sha256(canonical.encode()).hexdigest()])
    return hmac.new(key, told.encode(), hashlib.sha256).hexdigest(), signed


def cases(*, failing=False):
    """Return the oracle's cases."""
    return [pytest.param(path, id=path.stem) for path in sorted(ORACLE.glob("*.json")) if path.stem.startswith("error_") is failing]


def ask(provider, path, body, *, stream):
    """Make the call of a case."""
    model = urllib.parse.unquote(path.split("/")[2])
    if path.endswith("/invoke"):
        return provider.embeddings(
            EmbeddingRequest(model=model, input=(body["inputText"],), dimensions=body["dimensions"], extra={"normalize": body["normalize"]})
        )
    request = reader.read(model, body)
    return provider.chat_completion_stream(request).read() if stream else provider.chat_completion(request)


@pytest.mark.parametrize("path", cases())
@responses.activate
def test_the_request_of_amazons_sdk(path):
    """Method, path, body and what proves who we are agree with the SDK's; both signatures are right; its canned answer is read."""
    recording = json.loads(path.read_text(encoding="utf-8"))
    theirs, answer = recording["requests"][0], recording["responses"][0]
    wanted = {name.lower(): value for name, value in theirs["headers"]}
    base = f"http://{wanted['host']}"
    streamed = theirs["path"].endswith("-stream")
    responses.add(theirs["method"], base + theirs["path"], body=canned(answer), headers={"Content-Type": "application/json"})
    scope = re.search(r"Credential=[^/]+/\d+/([^/]+)/", wanted["authorization"])
    region = scope[1] if scope else "us-east-1"
    keys = {"access_key_id": ACCESS, "secret_access_key": SECRET, "session_token": wanted.get("x-amz-security-token")} if scope else {"api_key": "token"}
    client = llmclient.Client(providers={"bedrock": {"region": region, "api_base": base, **keys}}, retry=llmclient.Retry(max_attempts=1))
    got = ask(client.provider("bedrock"), theirs["path"], theirs["body"], stream=streamed)
    ours = responses.calls[0].request
    assert (theirs["method"], theirs["path"]) == (ours.method, ours.path_url)
    assert theirs["body"] == json.loads(ours.body)
    if not scope:
        assert ours.headers["Authorization"] == "Bearer token"
    else:
        assert_signed(path.stem, theirs, wanted, ours, region)
    if isinstance(got, llmclient.ChatResponse):
        assert extractor.of_answer(whole(answer)) == told(got)


def assert_signed(case, theirs, wanted, ours, region):
    """Check both signatures by the same independent arithmetic."""
    headers = {**ours.headers, "host": wanted["host"]}
    request = {"method": ours.method, "path": ours.path_url, "query": "", "headers": list(headers.items()), "body": ours.body}
    made, signed = signature(request, region)
    theirs_made, theirs_signed = signature({**theirs, "body": theirs["body_bytes"].encode()}, region)
    assert ours.headers["Authorization"].endswith(f"Signature={made}")
    assert wanted["authorization"].endswith(f"Signature={theirs_made}")
    assert (signed == theirs_signed) is (case not in DIFFERENCES)
    assert wanted.get("x-amz-security-token") == ours.headers.get("X-Amz-Security-Token")


def canned(answer):
    """Return the bytes of a canned answer."""
    if "frames" in answer:
        return b"".join(map(base64.b64decode, answer["frames"]))
    return json.dumps(answer["body"]).encode()


def whole(answer):
    """Return the canned answer in the shape of a plain one."""
    return answer["body"] if "body" in answer else extractor.gather(extractor.events_of(canned(answer)))


@pytest.mark.parametrize("path", cases(failing=True))
def test_the_failures_of_amazons_sdk(path):
    """What the SDK raises at once is not retryable, and what it tries again is."""
    recording = json.loads(path.read_text(encoding="utf-8"))
    answer = recording["responses"][0]
    error = DIALECT.error(answer["status"], dict(answer["headers"]), json.dumps(answer["body"]).encode())
    wanted = {400: errors.InvalidRequestError, 401: errors.AuthenticationError, 404: errors.ModelNotFoundError, 429: errors.RateLimitError}
    assert type(error) is wanted.get(answer["status"], {500: errors.ApiError, 503: errors.ProviderUnavailableError}.get(answer["status"]))
    assert error.retryable is (recording["attempts"] > 1)
