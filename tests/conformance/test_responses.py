"""Recorded exchanges of the Responses API of 13 providers, and what OpenAI's own client sends, against the library."""

import functools
import json

import pytest

from llmclient import errors, registry
from llmclient.dialects.responses import OpenAIResponses
from llmclient.types.chat import ChatRequest, ChatResponse
from llmclient.types.config import ProviderConfig
from llmclient.types.context import RequestContext
from tests.conformance import extract_responses as extractor
from tests.conformance import read_responses as reader

DIALECT = OpenAIResponses(provider=reader.PROVIDER)
PROVIDERS = (
    *("azure_openai", "bedrock_mantle", "chatgpt_codex", "deepseek", "gateway_mirascope", "gateway_pydantic", "github_copilot", "llamacpp", "lmstudio"),
    *("mistralrs", "openai", "openrouter", "xai"),
)
FAILED = {"6c85c114358e3b1d": errors.RateLimitError}
"""Streams that report a failure, once as an error and once as a failed response."""
THINNED = {"2b02b3524b1c3173"}
"""Streams of which the recorder left deltas out, so that the rest of a text comes with the end of its item."""
NO_INPUT = frozenset(
    """
    017254d4b6742bb0 0310cb5209c96631 56cefc1fa44a70da 787c5e977871b95f 8fab1cfec9603e2a 9c786f632a3d765a d3151ea9be4b554e e8afd74263d52b22
    """.split()
)
"""Requests whose messages are all in a prompt that the provider stores; a request of ours has at least one."""

each_provider = pytest.mark.parametrize("provider", PROVIDERS)


@functools.cache
def by_provider(folder):
    """Return the index rows by provider."""
    found = {}
    for row in extractor.rows(folder):
        found.setdefault(row["provider"], []).append(row)
    return found


def exchanges(folder, provider, kind=None):
    """Return the provider's exchanges with their ids; of those with an answer of a kind, if one is given."""
    found = [(row["id"], extractor.exchange(folder, row)) for row in by_provider(folder).get(provider, [])]
    assert found, "the folder has none"
    return [(identity, each) for identity, each in found if kind is None or each["response"]["body_kind"] == kind]


def told(response):
    """Return what the library read, in the extractor's terms."""
    usage = response.usage
    state = response.message.provider_state
    items = [] if state is None else state.data["items"]
    return {
        "id": response.id,
        "model": response.model,
        "text": response.text,
        "refusal": response.message.refusal,
        "annotations": list(response.message.annotations),
        "calls": [(call.id, call.function.name, extractor.arguments(call.function.arguments)) for call in response.tool_calls],
        "thoughts": [(block.id, block.text, block.redacted) for block in response.message.reasoning],
        "others": [item["type"] for item in items if item["type"] not in ("message", "reasoning", "function_call")],
        "raw": response.finish_reason_raw,
        "prompt": usage and usage.prompt_tokens,
        "completion": usage and usage.completion_tokens,
        "total": usage and usage.total_tokens,
        "cached": usage and usage.cached_tokens,
        "reasoning": usage and usage.reasoning_tokens,
    }


def run(raw, sizes=(1 << 20,)):
    """Feed a recorded stream in pieces of these sizes, the last of them again and again."""
    decoder = DIALECT.stream("m", "r")
    chunks = []
    start, at = 0, 0
    while start < len(raw):
        size = sizes[min(at, len(sizes) - 1)]
        chunks += decoder.feed(raw[start : start + size])
        start, at = start + size, at + 1
    return decoder, chunks + decoder.finish()


@each_provider
def test_plain_answers(shared_folder, provider):
    """Text, refusal, citations, calls, reasoning, reason and usage agree; and each answer is read back from what `to_dict` writes."""
    for identity, exchange in exchanges(shared_folder, provider, "json"):
        body = exchange["response"]["body_text"]
        response = DIALECT.decode(body.encode(), "m", "r")
        assert told(response) == extractor.answer(json.loads(body)), identity
        assert response.finish_reason not in (None, "unknown", "error"), identity
        again = ChatResponse.from_dict(json.loads(json.dumps(response.to_dict())))
        assert (again.choices, again.id, again.created) == (response.choices, response.id, response.created), identity


@each_provider
def test_streamed_answers(shared_folder, provider):
    """The same for streams; the chunks add up to the response, with one reason to finish and one usage, both on the last."""
    for identity, exchange in exchanges(shared_folder, provider, "sse"):
        if identity in FAILED:
            continue
        body = exchange["response"]["body_text"]
        decoder, chunks = run(body.encode())
        response = decoder.response()
        assert decoder.error is None, identity
        assert told(response) == extractor.answer(extractor.final(body)), identity
        pieces = "".join(chunk.text for chunk in chunks), "".join(chunk.reasoning or "" for chunk in chunks)
        assert pieces == (response.text, response.reasoning or ""), identity
        assert pieces == extractor.pieces(body) or identity in THINNED, identity
        assert [chunk.finish_reason for chunk in chunks if chunk.finish_reason] == [chunks[-1].finish_reason] == [response.finish_reason], identity
        assert [chunk.usage for chunk in chunks if chunk.usage] == [chunks[-1].usage] == [response.usage], identity


@each_provider
def test_calls_in_streams(shared_folder, provider):
    """The pieces of each call are numbered in order, have id and name once, and add up to its arguments."""
    for identity, exchange in exchanges(shared_folder, provider, "sse"):
        decoder, chunks = run(exchange["response"]["body_text"].encode())
        if decoder.error is not None:
            continue
        pieces = [piece for chunk in chunks for piece in chunk.tool_calls]
        calls = decoder.response().tool_calls
        assert [(piece.index, piece.id, piece.function.name) for piece in pieces if piece.id] == [
            (index, call.id, call.function.name) for index, call in enumerate(calls)
        ], identity
        assert not any(piece.function.name for piece in pieces if piece.id is None)
        for index, call in enumerate(calls):
            assert "".join(piece.function.arguments for piece in pieces if piece.index == index) == call.function.arguments, identity


@each_provider
def test_any_split_gives_the_same(shared_folder, provider):
    """As the bytes came off the network, in odd pieces, and with an end of line of another kind."""
    for identity, exchange in exchanges(shared_folder, provider, "sse"):
        raw = exchange["response"]["body_text"].encode()
        decoder, chunks = run(raw)
        if decoder.error is not None:
            continue
        for again in (run(raw, exchange["response"].get("chunk_sizes") or (61,)), run(raw.replace(b"\n", b"\r\n"), (977,))):
            assert (again[1], again[0].response()) == (chunks, decoder.response()), identity


def test_one_byte_at_a_time(shared_folder):
    """The shortest stream of each provider, byte by byte."""
    for provider in PROVIDERS:
        bodies = [exchange["response"]["body_text"].encode() for _, exchange in exchanges(shared_folder, provider, "sse")]
        if not bodies:
            continue
        raw = min(bodies, key=len)
        decoder, chunks = run(raw)
        again, pieces = run(raw, (1,))
        assert (pieces, again.response()) == (chunks, decoder.response()), provider


def test_a_stream_that_breaks_off_is_never_complete(shared_folder):
    """Cut at any border of events, it is StreamTruncatedError, and what came before is kept."""
    for provider in PROVIDERS:
        bodies = [each["response"]["body_text"].encode() for identity, each in exchanges(shared_folder, provider, "sse") if identity not in FAILED]
        if not bodies:
            continue
        blocks = min(bodies, key=len).split(b"\n\n")
        last = next(index for index, block in enumerate(blocks) if b'"response.completed"' in block or b'"response.incomplete"' in block)
        text = ""
        for count in range(last + 1):
            decoder, chunks = run(b"".join(block + b"\n\n" for block in blocks[:count]))
            assert type(decoder.error) is errors.StreamTruncatedError
            assert decoder.response().finish_reason is None
            assert decoder.response().text == "".join(chunk.text for chunk in chunks)
            assert decoder.response().text.startswith(text)
            text = decoder.response().text


def test_a_failure_within_a_stream_is_said_once(shared_folder):
    """The first of the two events that tell of it ends the stream."""
    (exchange,) = [each for identity, each in exchanges(shared_folder, "openai", "sse") if identity in FAILED]
    decoder, chunks = run(exchange["response"]["body_text"].encode())
    assert type(decoder.error) is errors.RateLimitError
    assert (decoder.error.code, decoder.error.retryable, chunks) == ("rate_limit_exceeded", False, [])


KINDS = {
    "model_not_found": errors.ModelNotFoundError,
    "invalid_api_key": errors.AuthenticationError,
    "context_length_exceeded": errors.ContextLengthExceededError,
}
PHRASES = {
    "Incorrect API key": errors.AuthenticationError,
    "Could not parse your authentication": errors.AuthenticationError,
    "Model not found": errors.ModelNotFoundError,
}


def test_failures(shared_folder):
    """Each has the class of its code, its status and its message."""
    rows = extractor.rows(shared_folder, "error")
    assert len(rows) > 20
    for row in rows:
        answer = extractor.exchange(shared_folder, row)["response"]
        body = json.loads(answer["body_text"])
        inner = body["error"] if isinstance(body.get("error"), dict) else {"message": body.get("error") or body["detail"], "code": body.get("code")}
        by_phrase = next((kind for phrase, kind in PHRASES.items() if inner["message"].startswith(phrase)), errors.InvalidRequestError)
        error = DIALECT.error(answer["status"], answer["headers"], answer["body_text"].encode())
        assert type(error) is KINDS.get(inner["code"], by_phrase), row["id"]
        assert (error.status, error.code) == (answer["status"], inner["code"])
        assert error.message[:20] == inner["message"][:20], row["id"]


@each_provider
def test_requests(shared_folder, provider):
    """A recorded request, taken in as arguments and turns and encoded, is the same request again, and nothing is dropped."""
    # What the library would keep from a model and the recorders did not: reasoning with nothing after it.
    dialect = OpenAIResponses(provider=reader.PROVIDER, reasoning_last=True)
    for identity, exchange in exchanges(shared_folder, provider):
        body = exchange["request"]["body"]
        if not isinstance(body, dict) or identity in NO_INPUT:
            continue
        context = RequestContext(provider=reader.PROVIDER, config=ProviderConfig(), stream=bool(body.get("stream")))
        wire = dialect.encode(reader.read_request(body), context)
        assert wire.warnings == (), identity
        assert reader.same(dict(wire.body)) == reader.same(body), identity
        assert (wire.method, wire.path, wire.stream) == ("POST", "/responses", bool(body.get("stream")))


# What OpenAI's own client sends.

PNG = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string", "description": "City name"}}, "required": ["city"]},
    },
}
PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
QUESTION = "What is the weather in Paris?"
ASKED = [
    {"role": "user", "content": QUESTION},
    {"role": "assistant", "tool_calls": [{"id": "call_lab_0001", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Paris"}'}}]},
    {"role": "tool", "tool_call_id": "call_lab_0001", "content": "sunny"},
]
PICTURE = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": PNG, "detail": "auto"}}]
CASES = {
    "responses_text": ("Hello", {"temperature": 0.2, "top_p": 0.9, "max_tokens": 50, "extra": {"instructions": "Be brief."}}),
    "responses_items": ([{"role": "developer", "content": "Be brief."}, {"role": "user", "content": PICTURE}], {"store": False}),
    "responses_tools": (QUESTION, {"tools": [WEATHER], "tool_choice": "auto", "parallel_tool_calls": False}),
    "responses_multi_turn_tools": (ASKED, {"tools": [WEATHER]}),
    "responses_json_schema": ("Hello", {"response_format": {"type": "json_schema", "json_schema": {"name": "person", "schema": PERSON, "strict": True}}}),
    "responses_reasoning": ("Hello", {"reasoning_effort": "low", "store": False, "extra": {"reasoning": {"summary": "auto"}}}),
    "responses_stream": ("Hello", {}),
    "responses_stream_tools": (QUESTION, {"tools": [WEATHER]}),
}


@pytest.mark.parametrize("sdk", ["sdk/openai", "sdk-older/openai", "sdk/azure-openai", "sdk-older/azure-openai"])
@pytest.mark.parametrize("case", CASES)
def test_the_same_as_the_official_client(shared_folder, sdk, case):
    """Method, path, place of the key and body are those that OpenAI's own client sends for the same call."""
    path = shared_folder / "oracle" / sdk / f"{case}.json"
    if not path.is_file():
        pytest.skip(f"{sdk} has no {case}")
    recorded = json.loads(path.read_text(encoding="utf-8"))["requests"][0]
    messages, options = CASES[case]
    request = ChatRequest.make(recorded["body"]["model"], messages, **options)
    context = RequestContext(provider=reader.PROVIDER, config=ProviderConfig(), stream="stream" in case)
    wire = DIALECT.encode(request, context)
    assert wire.method == recorded["method"]
    assert recorded["path"].endswith(wire.path)
    assert reader.same(dict(wire.body)) == reader.same(recorded["body"])
    assert ("include" in wire.body) == ("include" in recorded["body"])
    if "azure" not in sdk:
        assert registry.adapter("openai").auth.header.lower() in {name.lower() for name, _ in recorded["headers"]}


@pytest.mark.parametrize("case", CASES)
def test_what_the_official_client_reads(shared_folder, case):
    """The canned answers of those calls read as that client reads them."""
    whole = json.loads((shared_folder / "oracle" / "sdk" / "openai" / f"{case}.json").read_text(encoding="utf-8"))
    answer = whole["responses"][0]
    if "frames" not in answer:
        assert told(DIALECT.decode(json.dumps(answer["body"]).encode(), "m", "r")) == extractor.answer(answer["body"])
        return
    body = "".join(answer["frames"])
    decoder, _ = run(body.encode())
    assert told(decoder.response()) == extractor.answer(extractor.final(body))
