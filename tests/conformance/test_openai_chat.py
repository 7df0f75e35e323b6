"""Recorded exchanges of 38 providers in OpenAI's shape, read by the library and by a plain extractor of its own."""

from __future__ import annotations

import functools
import json
import pathlib
from typing import Any

import pytest

from llmclient import errors
from llmclient.dialects.openai import OpenAIChat, OpenAIEmbeddings, OpenAIModels
from llmclient.types.chat import ChatRequest, ChatResponse
from llmclient.types.config import ProviderConfig
from llmclient.types.context import RequestContext
from llmclient.types.options import ChatOptions
from tests.conformance import openai_extractor as extractor

CHAT = OpenAIChat(provider="acme")
UNENDED = {"6a0ce302e557a120", "ad898bcb93390185"}
"""Streams with a marker and nothing else: no answer at all."""
FAILED = {"d20cb8a3074eb1fb": errors.InvalidRequestError}
"""Streams that report a failure."""
SETTINGS = {"extra", "headers", "api", "timeout", "retry", "strict", "api_key", "api_base", "system", "max_retries"}
OPTIONS = frozenset(ChatOptions.__annotations__) - SETTINGS


@functools.cache
def found(folder: pathlib.Path, api: str) -> dict[str, list[dict[str, Any]]]:
    """Return the index rows of an API by provider."""
    by_provider: dict[str, list[dict[str, Any]]] = {}
    for row in extractor.rows(folder, frozenset({api}), frozenset({"chat.completions", "chat", "embeddings", "models"})):
        by_provider.setdefault(row["provider"], []).append(row)
    return by_provider


def exchanges(folder: pathlib.Path, provider: str, api: str = "chat") -> list[tuple[str, dict[str, Any]]]:
    """Return a provider's exchanges with their ids; skips where there are none."""
    rows = found(folder, api).get(provider)
    if not rows:
        pytest.skip(f"no {api} of {provider} was recorded")
    return [(row["id"], extractor.exchange(folder, row)) for row in rows]


def told(response: ChatResponse) -> extractor.Told:
    """Return what the library read, in the extractor's terms."""
    calls = tuple((call.function.name, extractor.arguments(call.function.arguments)) for call in response.tool_calls)
    usage = response.usage
    counts = (None, None) if usage is None else (usage.prompt_tokens, usage.completion_tokens)
    return extractor.Told(response.text, bool(response.reasoning), calls, response.finish_reason_raw, *counts)


def stream(raw: bytes, sizes: list[int]) -> tuple[Any, list[Any]]:
    """Feed a recorded stream in pieces of these sizes, the last of them again and again."""
    decoder = CHAT.stream("m", "r")
    chunks = []
    start, at = 0, 0
    while start < len(raw):
        size = sizes[min(at, len(sizes) - 1)]
        chunks += decoder.feed(raw[start : start + size])
        start, at = start + size, at + 1
    return decoder, chunks + decoder.finish()


@pytest.mark.parametrize("provider", sorted(extractor.SPEAKERS))
def test_plain_answers(shared_folder, provider):
    """Text, calls, reason and usage agree; and each answer is read back from what `to_dict` writes."""
    for identity, exchange in exchanges(shared_folder, provider):
        body = exchange["response"].get("body_text")
        if exchange["response"]["body_kind"] != "json" or body is None:
            continue
        response = CHAT.decode(body.encode(), "m", "r")
        assert told(response) == extractor.answer(body), identity
        assert response.finish_reason not in (None, "unknown") or response.finish_reason_raw in (None, ""), identity
        again = ChatResponse.from_dict(json.loads(json.dumps(response.to_dict())))
        assert (again.choices, again.extra, again.id) == (response.choices, response.extra, response.id), identity


@pytest.mark.parametrize("provider", sorted(extractor.SPEAKERS))
def test_streamed_answers(shared_folder, provider):
    """The same for streams; chunks add up to the response, in whatever pieces the bytes come, and usage stands on the last one."""
    for identity, exchange in exchanges(shared_folder, provider):
        body = exchange["response"].get("body_text")
        if exchange["response"]["body_kind"] != "sse" or body is None:
            continue
        raw = body.encode()
        decoder, chunks = stream(raw, [1 << 20])
        if identity in UNENDED or identity in FAILED:
            assert type(decoder.error) is FAILED.get(identity, errors.StreamTruncatedError)
            continue
        response = decoder.response()
        assert decoder.error is None, identity
        assert told(response) == extractor.stream(body), identity
        assert "".join(chunk.text for chunk in chunks if chunk.index == 0) == response.text, identity
        assert [chunk.finish_reason for chunk in chunks if chunk.finish_reason and chunk.index == 0] == [response.finish_reason], identity
        assert [chunk.usage for chunk in chunks if chunk.usage] == ([] if response.usage is None else [chunks[-1].usage]), identity
        assert chunks[-1].usage == response.usage, identity
        split, pieces = stream(raw, exchange["response"].get("chunk_sizes") or [61])
        assert (pieces, split.response()) == (chunks, response), identity


KINDS = {
    400: errors.InvalidRequestError,
    401: errors.AuthenticationError,
    403: errors.AuthenticationError,
    404: errors.InvalidRequestError,
    422: errors.InvalidRequestError,
    429: errors.RateLimitError,
    500: errors.ApiError,
    501: errors.NotSupportedError,
}


@pytest.mark.parametrize("provider", sorted(extractor.SPEAKERS))
def test_errors(shared_folder, provider):
    """Each has its class, its status and a message that stands in the body."""
    with (shared_folder / "wire" / "index.jsonl").open(encoding="utf-8") as lines:
        rows = [row for row in map(json.loads, lines) if row["api"] == "error" and row["provider"] == provider]
    if not rows:
        pytest.skip(f"no error of {provider} was recorded")
    for row in rows:
        answer = extractor.exchange(shared_folder, row)["response"]
        body = answer.get("body_text") or ""
        error = CHAT.error(answer["status"], answer["headers"], body.encode())
        kind = KINDS[answer["status"]]
        misleading = (errors.AuthenticationError, errors.ContentFilteredError) if answer["status"] in (400, 403) else ()
        assert isinstance(error, (kind, *misleading)), row["id"]
        assert error.status == answer["status"]
        assert error.message[:15] in body.replace('\\"', '"') or not body, row["id"]


@pytest.mark.parametrize("provider", sorted(extractor.SPEAKERS))
def test_requests(shared_folder, provider):
    """A recorded request, taken in as arguments and encoded, is the same request again."""
    dialect = OpenAIChat(top_k=True, thinking_param="verbatim", file_urls=True, replay_reasoning="reasoning_content", parallel_needs_tools=False)
    context = RequestContext(provider="acme", config=ProviderConfig())
    for identity, exchange in exchanges(shared_folder, provider):
        body = exchange["request"]["body"]
        if not isinstance(body, dict) or "messages" not in body:
            continue
        options = {name: value for name, value in body.items() if name in OPTIONS}
        extra = {name: value for name, value in body.items() if name not in OPTIONS | {"model", "messages", "stream", "stream_options"}}
        wire = dialect.encode(ChatRequest.make(body.get("model") or "", body["messages"], extra=extra, **options), context)
        assert wire.warnings == (), identity
        assert same(dict(wire.body)) == same({"model": "", **body}), identity


def same(body: dict[str, Any]) -> dict[str, Any]:
    """Return a request with all that means the same written the same."""
    body = {name: value for name, value in json.loads(json.dumps(body)).items() if value is not None and value != []}
    body.setdefault("model", "")
    for name in ("stream", "stream_options"):
        body.pop(name, None)
    if "max_tokens" in body:
        body["max_completion_tokens"] = body.pop("max_tokens")
    if isinstance(body.get("stop"), str):
        body["stop"] = [body["stop"]]
    if body.get("tool_choice") == "any":
        body["tool_choice"] = "required"
    for tool in body.get("tools", ()):
        tool.setdefault("type", "function")
    body["messages"] = [same_message(message) for message in body["messages"]]
    return body


def same_message(message: dict[str, Any]) -> dict[str, Any]:
    """Return a message with all that means the same written the same."""
    message = {"content": None} | {name: value for name, value in message.items() if value is not None and value != []}
    thought = message.pop("reasoning", None) or message.pop("reasoning_content", None)
    message.pop("reasoning_content", None)
    for part in message["content"] if isinstance(message["content"], list) else ():
        if part["type"] == "image_url" and isinstance(part["image_url"], str):
            part["image_url"] = {"url": part["image_url"]}
        if part["type"] == "file" and "file" in part:
            part["file"].setdefault("filename", "document.pdf")
    for call in message.get("tool_calls", ()):
        call.setdefault("type", "function")
        call.pop("index", None)
        call["function"]["arguments"] = extractor.arguments(call["function"].get("arguments"))
    return message | ({"thought": thought} if thought else {})


@pytest.mark.parametrize("provider", sorted(extractor.SPEAKERS))
def test_embeddings(shared_folder, provider):
    """As many vectors as texts, in their order, with the usage."""
    for identity, exchange in exchanges(shared_folder, provider, "embeddings"):
        body = json.loads(exchange["response"]["body_text"])
        if "data" not in body:
            continue
        response = OpenAIEmbeddings().decode(exchange["response"]["body_text"].encode(), "m", "r")
        rows = sorted(body["data"], key=lambda row: row.get("index", 0))
        assert len(response.vectors) == len(rows), identity
        for vector, row in zip(response.vectors, rows, strict=True):
            assert list(vector) == row["embedding"] if isinstance(row["embedding"], list) else len(vector) > 1, identity
        total = (body.get("usage") or {}).get("total_tokens")
        assert (response.usage and response.usage.total_tokens) == total, identity


@pytest.mark.parametrize("provider", sorted(extractor.SPEAKERS))
def test_lists_of_models(shared_folder, provider):
    """All ids, in their order."""
    for identity, exchange in exchanges(shared_folder, provider, "models"):
        body = json.loads(exchange["response"]["body_text"])
        if not isinstance(body, dict) or not isinstance(body.get("data"), list) or not all("id" in row for row in body["data"]):
            continue
        response = OpenAIModels().decode(exchange["response"]["body_text"].encode(), "", "r")
        assert list(response) == [row["id"] for row in body["data"]], identity
