"""Recorded exchanges with Google, and requests of its own SDK, held against the dialect."""

from __future__ import annotations

import json
import pathlib
import re
from typing import Any

import pytest

from llmclient import errors
from llmclient.dialects.gemini import GeminiChat, GeminiCountTokens, GeminiEmbeddings, GeminiModels
from llmclient.errors import ProviderError, StreamTruncatedError
from llmclient.types.chat import ChatChunk, ChatRequest, ChatResponse
from llmclient.types.config import ProviderConfig
from llmclient.types.context import RequestContext
from llmclient.types.embeddings import EmbeddingRequest
from llmclient.types.listing import ListModelsRequest
from llmclient.types.messages import Audio, Image, Message, Text, Tool, read_messages
from llmclient.types.tokens import CountTokensRequest
from tests.conformance import extract_gemini as wire
from tests.conformance import read_gemini as reader

GEMINI = GeminiChat(provider="gemini")
PROVIDERS = ("gemini", "vertex", "gateway_mirascope")
NUMBERED = {1: "STOP"}
"""Finish reasons as numbers, which some recordings have."""

BLOCKED = {"069e88f7385ba700"}
"""Answers that are the error of a blocked prompt."""

OTHERWISE = {
    "3469d871a865bfd2": "two turns of the model with calls stand in a row there; here each result follows its call",
    "d9245cfafd1a551e": "the same",
    "7fafe291878f2694": "the results of one turn stand in three turns there, and together here",
    "d9a22031ec3e075e": "a call without a signature goes to gemini-flash-latest, and here it gets the dummy",
    "f101272f3168ffc3": "a schema that may be null is written as nullable here",
}
"""Requests that are sent in another way, each with its reason."""


@pytest.fixture(scope="module")
def exchanges(shared_folder: pathlib.Path) -> list[dict[str, Any]]:
    """The recorded exchanges of generateContent."""
    found = list(wire.load(shared_folder, "generateContent", *PROVIDERS))
    assert len(found) > 700
    return found


def run(exchange: dict[str, Any], *sizes: int) -> tuple[list[ChatChunk], ChatResponse]:
    """Return the chunks and response of a recorded stream, read in pieces of these sizes in turn; raises its failure."""
    raw = exchange["response"]["body_text"].encode()
    decoder = GEMINI.stream("m", "r")
    chunks: list[ChatChunk] = []
    place, turn = 0, 0
    while place < len(raw):
        size = sizes[turn % len(sizes)] if sizes else len(raw)
        chunks += decoder.feed(raw[place : place + size])
        place, turn = place + size, turn + 1
    chunks += decoder.finish()
    if decoder.error is not None:
        raise decoder.error
    return chunks, decoder.response()


def said(response: ChatResponse) -> dict[int, Any]:
    """Return what each choice says, as the extractor has it."""
    return {
        choice.index: (
            choice.message.text,
            choice.message.reasoning_text or "",
            [(call.function.name, call.parse()) for call in choice.message.tool_calls],
            choice.finish_reason_raw,
        )
        for choice in response.choices
    }


def wanted(exchange: dict[str, Any]) -> tuple[dict[int, Any], wire.Counts]:
    """Return what the extractor reads."""
    values = wire.payloads(exchange)
    found = wire.extract(values)
    calls = {index: [(name, wire.whole(args)) for _, name, args in each.calls] for index, each in found.items()}
    return {index: (each.text, each.thought, calls[index], NUMBERED.get(each.finish, each.finish)) for index, each in found.items()}, wire.counts(values)


def counted(response: ChatResponse) -> wire.Counts:
    """Return the usage as the extractor has it."""
    usage = response.usage
    if usage is None:
        return wire.Counts(None, None, None, None, None)
    return wire.Counts(usage.prompt_tokens, usage.completion_tokens, usage.total_tokens, usage.cached_tokens, usage.reasoning_tokens)


def test_every_answer_says_what_was_said(exchanges: list[dict[str, Any]]) -> None:
    """Text, thoughts, calls, finish reason and usage of plain answers and streams agree with the extractor's."""
    wrong: list[str] = []
    blocked: set[str] = set()
    for exchange in exchanges:
        try:
            response = run(exchange)[1] if exchange["stream"] else GEMINI.decode(exchange["response"]["body_text"].encode(), "m", "r")
        except errors.ContentFilteredError:
            blocked.add(exchange["id"])
            continue
        if (said(response), counted(response)) != wanted(exchange):
            wrong.append(exchange["id"])
    assert ([], BLOCKED) == (wrong, blocked)


def test_ids_of_calls_are_kept_or_made(exchanges: list[dict[str, Any]]) -> None:
    """The model's own where it gives one; all of an answer's are different."""
    for exchange in exchanges:
        if exchange["stream"] or exchange["id"] in BLOCKED:
            continue
        response = GEMINI.decode(exchange["response"]["body_text"].encode(), "m", "r")
        given = [call[0] for call in wire.extract(wire.payloads(exchange)).get(0, wire.Said("", "", [], None)).calls]
        made = [call.id for call in response.tool_calls]
        assert len(made) == len(set(made))
        assert all(own in (None, ours) for own, ours in zip(given, made, strict=True))


def test_chunks_add_up_to_the_response(exchanges: list[dict[str, Any]]) -> None:
    """Deltas only, one reason for each choice, one usage."""
    for exchange in exchanges:
        if not exchange["stream"]:
            continue
        chunks, response = run(exchange)
        for choice in response.choices:
            own = [chunk for chunk in chunks if chunk.index == choice.index]
            assert choice.message.text == "".join(chunk.text for chunk in own)
            assert (choice.message.reasoning_text or "") == "".join(chunk.reasoning or "" for chunk in own)
            assert [choice.finish_reason] == [chunk.finish_reason for chunk in own if chunk.finish_reason is not None]
            arguments: dict[int, str] = {}
            for piece in (piece for chunk in own for piece in chunk.tool_calls):
                arguments[piece.index] = arguments.get(piece.index, "") + piece.function.arguments
            assert [call.function.arguments for call in choice.message.tool_calls] == [arguments[index] for index in sorted(arguments)]
        assert [response.usage] == [chunk.usage for chunk in chunks if chunk.usage is not None]


@pytest.mark.parametrize("sizes", [(1,), (2, 3, 5, 7), (64,), (1000, 1)], ids=str)
def test_no_cut_changes_an_answer(exchanges: list[dict[str, Any]], sizes: tuple[int, ...]) -> None:
    """Of any recorded stream; the long ones are left to the coarser cuts."""
    for exchange in exchanges:
        if exchange["stream"] and (max(sizes) > 2 or len(exchange["response"]["body_text"]) < 3_000):
            assert run(exchange) == run(exchange, *sizes)


def test_a_cut_off_stream_is_never_complete(exchanges: list[dict[str, Any]]) -> None:
    """At each border between events before the last reason comes a typed error, and never a whole answer."""
    cut = 0
    for exchange in exchanges:
        if exchange["response"]["body_kind"] != "sse":
            continue
        text = exchange["response"]["body_text"]
        borders = [match.end() for match in re.finditer(r"(?:\r?\n){2}", text)]
        for border in [0, *borders[:-1]]:
            decoder = GEMINI.stream("m", "r")
            decoder.feed(text[:border].encode())
            decoder.finish()
            values = [json.loads(line[5:]) for line in text[:border].splitlines() if line.startswith("data:")]
            ended = {index for index, each in wire.extract(values).items() if each.finish is not None}
            is_whole = bool(ended) and ended == wire.extract(wire.payloads(exchange)).keys()
            assert is_whole == (decoder.error is None), exchange["id"]
            cut += not is_whole
            if not is_whole:
                assert isinstance(decoder.error, StreamTruncatedError)
    assert cut > 300


def test_every_request_can_be_made(exchanges: list[dict[str, Any]]) -> None:
    """Recorded requests, read into our types and sent again, are equivalent; the few that are not have a reason each."""
    different: set[str] = set()
    made = 0
    for exchange in exchanges:
        body = exchange["request"]["body"]
        if not isinstance(body, dict):
            continue
        made += 1
        dialect = GeminiChat(provider="gemini", schema="openapi" if reader.uses_openapi(body) else "json_schema")
        request = reader.Reader(body, "gemini").read(exchange["model"] or "gemini-2.0-flash")
        again = dialect.encode(request, context(stream=exchange["stream"]))
        if reader.canonical(body) != reader.canonical(dict(again.body)):  # type: ignore[arg-type]
            different.add(exchange["id"])
    assert set(OTHERWISE) == different
    assert len(different) <= made / 100


# Errors and the other operations.

ERRORS = {
    (400, "API key not valid. Please pass a valid API key."): errors.AuthenticationError,
    (400, "The input token count (1250074) exceeds the maximum number of tokens allowed (1048576)."): errors.ContextLengthExceededError,
    (400, ""): errors.InvalidRequestError,
    (401, ""): errors.AuthenticationError,
    (404, ""): errors.ModelNotFoundError,
    (429, ""): errors.RateLimitError,
}


def test_every_error_has_its_class(shared_folder: pathlib.Path) -> None:
    """By a table of the recorded ones; streams answer with the same document."""
    seen = 0
    for exchange in wire.load(shared_folder, "error", "gemini", "vertex"):
        status, raw = exchange["response"]["status"], exchange["response"]["body_text"].encode()
        message = json.loads(raw)["error"]["message"]
        kind = ERRORS.get((status, message)) or ERRORS[status, ""]
        error = GEMINI.error(status, exchange["response"]["headers"], raw)
        assert (kind, message, status) == (type(error), error.message, error.status)
        decoder = GEMINI.stream("m", "r")
        decoder.feed(raw)
        decoder.finish()
        assert kind is type(decoder.error)
        seen += 1
    assert seen >= 16


def test_every_embedding_is_read(shared_folder: pathlib.Path) -> None:
    """As many vectors as texts, of the recorded length."""
    seen = 0
    for exchange in wire.load(shared_folder, "embeddings", "gemini", "vertex"):
        value = json.loads(exchange["response"]["body_text"])
        rows = value.get("embeddings") or [row["embeddings"] for row in value.get("predictions", [])] or [value["embedding"]]
        response = GeminiEmbeddings().decode(exchange["response"]["body_text"].encode(), "m", "r")
        assert [row["values"] for row in rows] == response.vectors
        seen += 1
    assert seen >= 7


def test_every_list_of_models_is_read(shared_folder: pathlib.Path) -> None:
    """With the ids that calls take."""
    seen = 0
    for exchange in wire.load(shared_folder, "models", "gemini", "vertex"):
        value = json.loads(exchange["response"]["body_text"])
        rows = [row for row in value.get("models", [value]) if "/operations/" not in row["name"]]
        response = GeminiModels().decode(json.dumps({"models": rows}).encode(), "", "r")
        assert [row["name"].removeprefix("models/") for row in rows] == list(response)
        seen += 1
    assert seen >= 4


def test_every_count_is_read(shared_folder: pathlib.Path) -> None:
    """The total."""
    for exchange in wire.load(shared_folder, "count_tokens", "gemini", "vertex"):
        raw = exchange["response"]["body_text"]
        assert json.loads(raw)["totalTokens"] == GeminiCountTokens().decode(raw.encode(), "m", "r").tokens


# Google's own SDK.

TOOL = Tool("get_weather", "Get the weather", {"type": "object", "properties": {"city": {"type": "string", "description": "City name"}}, "required": ["city"]})
PERSON = {"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}}, "required": ["name", "age"], "additionalProperties": False}
SIGNED = {"functionCall": {"args": {"city": "Paris"}, "name": "get_weather"}, "thoughtSignature": "c2lnbmF0dXJl"}
WEATHER = "What is the weather in Paris?"
DIFFERENCES = {
    "thinking": "our budget asks for the same in camel case, as a model whose family is known",
    "speech": "the voice is said in camel case here",
    "tools_openapi_schema": "types are upper case there; both are taken",
}
"""Cases whose bodies are compared without regard to case, or by another model's name; each with its reason."""


def context(stream: bool = False, **settings: Any) -> RequestContext:
    """Return the context of a call."""
    return RequestContext(provider="gemini", config=ProviderConfig(provider="gemini", **settings), stream=stream)


def turn() -> list[Any]:
    """Return the conversation of the case with a call and its result."""
    message = GEMINI.decode(json.dumps({"candidates": [{"content": {"parts": [SIGNED]}, "finishReason": "STOP"}]}).encode(), "m", "r").message
    return [WEATHER, message, {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": '{"weather": "sunny"}'}]


def inline(case: dict[str, Any]) -> tuple[str, str]:
    """Return type and data of the media of a case."""
    parts = case["requests"][0]["body"]["contents"][0]["parts"]
    found = next(part["inlineData"] for part in parts if "inlineData" in part)
    return found.get("mime_type") or found["mimeType"], found["data"].replace("-", "+").replace("_", "/")


def ask(messages: Any, **options: Any) -> dict[str, Any]:
    """Return the arguments of a call."""
    return {"messages": messages, **options}


CASES: dict[str, Any] = {
    "chat": lambda case: ask("Hello"),
    "chat_system_params": lambda case: ask(
        [{"role": "system", "content": "Be brief."}, "Hello"],
        temperature=0.2, top_p=0.9, top_k=5, max_tokens=50, stop=["END"], presence_penalty=0.1, frequency_penalty=0.2, seed=7,
    ),
    "stream": lambda case: ask("Hello"),
    "tools": lambda case: ask(WEATHER, tools=[TOOL]),
    "tool_choice_forced": lambda case: ask(WEATHER, tools=[TOOL], tool_choice="get_weather"),
    "stream_tools": lambda case: ask(WEATHER, tools=[TOOL]),
    "multi_turn_tools": lambda case: ask(turn(), tools=[TOOL]),
    "json_schema": lambda case: ask("Hello", response_format={"type": "json_schema", "json_schema": {"name": "person", "schema": PERSON}}),
    "safety": lambda case: ask("Hello", extra={"safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]}),
    "image_base64": lambda case: ask(Message("user", (Image("data:{};base64,{}".format(*inline(case))), Text("What is this?")))),
    "audio_input": lambda case: ask(Message("user", (Audio("data:{};base64,{}".format(*inline(case))), Text("Transcribe")))),
    "image_generate": lambda case: ask("a cat", modalities=["text", "image"], extra={"generationConfig": {"imageConfig": {"aspectRatio": "1:1"}}}),
    "speech": lambda case: ask("Say hello", modalities=["audio"], audio={"voice": "Kore"}),
    "thinking": lambda case: ask("Hello", model="gemini-2.5-pro", thinking={"type": "enabled", "budget_tokens": 128}),
    "tools_openapi_schema": lambda case: ask(WEATHER, tools=[Tool("get_weather", "d", {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]})]),
}  # fmt: skip


@pytest.mark.parametrize("folder", ["sdk", "sdk-older"])
@pytest.mark.parametrize("name", CASES)
def test_a_request_is_the_sdks(shared_folder: pathlib.Path, folder: str, name: str) -> None:
    """Method, path, query and body; the key goes in the same header."""
    case = json.loads((shared_folder / "oracle" / folder / "google-genai" / f"{name}.json").read_text(encoding="utf-8"))
    sent = case["requests"][0]
    arguments = CASES[name](case)
    _, version, _, rest = sent["path"].split("/")
    model = arguments.pop("model", rest.partition(":")[0])
    dialect = GeminiChat(provider="gemini", schema="openapi" if name == "tools_openapi_schema" else "json_schema")
    request = ChatRequest.make(model, arguments.pop("messages"), **arguments)
    ours = dialect.encode(request, context(name.startswith("stream"), api_version=version))
    assert (sent["method"], sent["path"].replace(rest.partition(":")[0], model)) == (ours.method, ours.path)
    assert sent["query"] == "&".join(f"{key}={value}" for key, value in ours.query.items())
    theirs, own = reader.canonical(sent["body"]), reader.canonical(dict(ours.body))  # type: ignore[arg-type]
    if name in DIFFERENCES:
        theirs, own = json.loads(json.dumps(theirs).lower()), json.loads(json.dumps(own).lower())
    assert theirs == own
    assert "x-goog-api-key" in {header.lower() for header, _ in sent["headers"]}


@pytest.mark.parametrize("folder", ["sdk", "sdk-older"])
def test_other_requests_are_the_sdks(shared_folder: pathlib.Path, folder: str) -> None:
    """Embeddings, the list of models and a count of tokens."""
    def load(name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((shared_folder / "oracle" / folder / "google-genai" / f"{name}.json").read_text(encoding="utf-8"))["requests"][0]
        return found

    version = load("chat")["path"].split("/")[1]
    embedded = load("embeddings")
    request = EmbeddingRequest(model="gemini-embedding-001", input=("one", "two"), dimensions=8, input_type="search_query")
    ours = GeminiEmbeddings().encode(request, context(api_version=version))
    assert (embedded["path"], embedded["body"]) == (ours.path, ours.body)
    listed = load("models_list")
    asked = GeminiModels(page_size=5).encode(ListModelsRequest(), context(api_version=version))
    assert (listed["method"], listed["path"], "pageSize=5") == (asked.method, asked.path, listed["query"])
    assert {"pageSize": "5"} == asked.query
    counted = load("count_tokens")
    asked = GeminiCountTokens().encode(CountTokensRequest(model="gemini-lab", messages=read_messages("Hello")), context(api_version=version))
    assert (counted["path"], counted["body"]) == (asked.path, asked.body)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("error_400", errors.InvalidRequestError),
        ("error_401", errors.AuthenticationError),
        ("error_404", errors.ModelNotFoundError),
        ("error_429_then_ok", errors.RateLimitError),
        ("error_500_then_ok", errors.ApiError),
        ("error_503_always", errors.ProviderUnavailableError),
    ],
)
def test_the_sdks_errors_have_their_class(shared_folder: pathlib.Path, name: str, kind: type[ProviderError]) -> None:
    """With the wait that the body names."""
    case = json.loads((shared_folder / "oracle" / "sdk" / "google-genai" / f"{name}.json").read_text(encoding="utf-8"))
    answer = case["responses"][0]
    error = GEMINI.error(answer["status"], answer["headers"], json.dumps(answer["body"]).encode())
    assert kind is type(error)
    if answer["status"] == 429:
        assert error.retry_after is not None
