"""A battery of requests and answers that between them touch every quirk, and what a provider makes of each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import attrs

from llmclient.errors import ProviderError
from llmclient.provider import Provider
from llmclient.types.chat import PARAMS, ChatRequest
from llmclient.types.context import RequestContext
from llmclient.types.embeddings import EmbeddingRequest
from llmclient.types.listing import ListModelsRequest
from llmclient.types.messages import Audio, File, FunctionCall, Image, Message, ProviderState, ReasoningBlock, Text, Tool, ToolCall
from llmclient.types.tokens import CountTokensRequest
from llmclient.wire import jsons

Outcome = dict[str, Any]
"""What came of a probe, as JSON: fields of the request that would be sent or of the answer that was read, or the error."""

PNG: Final = b"\x89PNG\r\n\x1a\n"
TOOL: Final = Tool("add", "Adds.", {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]})
RICH: Final = Tool(
    "add",
    "Adds.",
    {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {"a": {"$ref": "#/$defs/Number"}},
        "$defs": {"Number": {"type": "integer"}},
        "additionalProperties": False,
    },
    strict=True,
)
SCHEMA: Final = {"type": "json_schema", "json_schema": {"name": "sum", "schema": {"type": "object", "properties": {"a": {"type": "integer"}}}}}
SAMPLES: Final[Mapping[str, Any]] = {
    "tools": (TOOL,), "tool_choice": "auto", "parallel_tool_calls": True, "response_format": {"type": "json_object"}, "temperature": 0.5, "top_p": 0.5,
    "top_k": 5, "max_tokens": 64, "stop": ("x",), "seed": 7, "n": 2, "presence_penalty": 0.5, "frequency_penalty": 0.5, "logprobs": True,
    "top_logprobs": 2, "logit_bias": {"1": -100}, "reasoning_effort": "high", "thinking": {"type": "enabled", "budget_tokens": 2048},
    "verbosity": "low", "modalities": ("text",), "audio": {"voice": "alloy", "format": "wav"}, "prediction": {"type": "content", "content": "x"},
    "user": "u1", "metadata": {"a": "b"}, "service_tier": "flex", "store": True, "prompt_cache_key": "k", "safety_identifier": "s",
    "web_search_options": {},
}  # fmt: skip
"""A value for each portable parameter."""


@attrs.frozen
class Target:
    """Which of an adapter's dialects is meant: a slot, the family of a model, or a chat API."""

    slot: str
    model: str = "model-1"
    api: str | None = None


@attrs.frozen
class Probe:
    """One thing to try."""

    slot: str
    run: Callable[[Provider, Target], Outcome]


def ready(cls: type[Provider], **settings: Any) -> Provider:
    """Return the provider with every setting that its addresses need."""
    options = {option.name: "x1" for option in cls.options if option.type == "str" and option.name not in ("token", "region")}
    base = {} if cls.base_url else {"api_base": "https://own.test/v1"}
    return cls({**options, **base, "project": "p1", "region": "r1", "api_key": "key-1", **settings})


def write(provider: Provider, request: Any, *, stream: bool = False) -> Outcome:
    """Return what would be sent."""
    try:
        wire = provider.transform_request(request, RequestContext(provider=provider.name, config=provider.config, stream=stream))
        dialect = provider.dialect_for(request)
        address = provider.address(dialect.base_url)
    except ProviderError as error:
        return {"error": type(error).__name__, "param": error.param}
    out: Outcome = {"url": address + wire.path, "query": dict(wire.query), "headers": dict(wire.headers), "method": wire.method, "stream": wire.stream}
    out["warnings"] = [f"{warning.kind} {warning.param}" for warning in wire.warnings]
    out["auth"] = repr(dialect.auth)
    body = json.loads(jsons.dumps(wire.body)) if isinstance(wire.body, Mapping) else {}
    return out | {f"body.{key}": value for key, value in body.items()}


def _chat(*messages: Any, stream: bool = False, model: str | None = None, **options: Any) -> Probe:
    def run(provider: Provider, target: Target) -> Outcome:
        conversation = [message(provider) if callable(message) else message for message in messages or ("hi",)]
        return write(provider, ChatRequest.make(model or target.model, conversation, api=target.api, **options), stream=stream)

    return Probe("chat", run)


def _request(slot: str, make: Callable[[str], Any]) -> Probe:
    return Probe(slot, lambda provider, target: write(provider, make(target.model)))


def _settings(probe: Probe, **settings: Any) -> Probe:
    """Return the same probe of a provider that has only these settings."""
    return Probe(probe.slot, lambda provider, target: probe.run(type(provider)(settings), target))


def _version(probe: Probe, version: str) -> Probe:
    """Return the same probe of a provider whose API has another version."""
    return Probe(probe.slot, lambda provider, target: probe.run(provider.with_config(attrs.evolve(provider.config, api_version=version)), target))


def _supported(provider: Provider, target: Target) -> Outcome:
    return {"parameters": sorted(provider.chat_dialect(target.model, target.api).supported_params(target.model))}


def _answer(raw: bytes, *, stream: bool = False) -> Probe:
    def run(provider: Provider, target: Target) -> Outcome:
        try:
            dialect = provider.chat_dialect(target.model, target.api)
            if stream:
                decoder = dialect.stream(target.model, "req")
                decoder.feed(raw)
                decoder.finish()
                if decoder.error is not None:
                    raise decoder.error
                response = decoder.response()
            else:
                response = dialect.decode(raw, target.model, "req")
        except ProviderError as error:
            return {"error": type(error).__name__}
        usage = response.usage
        tokens = None if usage is None else [usage.prompt_tokens, usage.completion_tokens, usage.total_tokens]
        return {"text": response.text, "reasoning": response.reasoning, "finish_reason": response.finish_reason, "tokens": tokens}

    return Probe("chat", run)


def _answer_to(raw: bytes, **options: Any) -> Probe:
    """An answer to a request of which the dialect may have remembered something."""

    def run(provider: Provider, target: Target) -> Outcome:
        try:
            wire = provider.transform_request(ChatRequest.make(target.model, "hi", api=target.api, **options))
            response = (wire.dialect or provider.chat_dialect(target.model, target.api)).decode(raw, target.model, "req")
        except ProviderError as error:
            return {"error": type(error).__name__}
        return {"finish_reason": response.finish_reason}

    return Probe("chat", run)


def _listing(raw: bytes) -> Probe:
    def run(provider: Provider, target: Target) -> Outcome:
        try:
            listed = provider.transform_response(raw, "", operation="list_models")
        except ProviderError as error:
            return {"error": type(error).__name__}
        return {"models": [model.id for model in listed.models]}

    return Probe("list_models", run)


def _call(identity: str) -> ToolCall:
    return ToolCall(identity, FunctionCall("add", '{"a":1}'))


_CALLS: Final = (Message("assistant", None, tool_calls=(_call("call-a"), _call("call-b"))),)
_RESULTS: Final = (Message("tool", "B", tool_call_id="call-b"), Message("tool", "A", tool_call_id="call-a"))
_THOUGHT: Final = (ReasoningBlock("hm"),)


def _details(provider: Provider) -> Message:
    state = ProviderState(provider.name, "openai", {"reasoning_details": [{"type": "reasoning.text", "text": "hm"}]})
    return Message("assistant", "one", provider_state=state)


def _encrypted(provider: Provider) -> Message:
    items = [{"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x"}]
    return Message("assistant", None, provider_state=ProviderState(provider.name, "responses", {"items": items}))


def _event(delta: Any, finish: str | None = None) -> bytes:
    return b"data: " + json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}).encode() + b"\n\n"


def _completion(text: str, **more: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}], **more}


def _raw(value: Any) -> bytes:
    return json.dumps(value).encode()


_USAGE: Final = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 20, "completion_tokens_details": {"reasoning_tokens": 8}}
_ROW: Final = {"id": "by-id", "name": "by-name", "model_id": "by-model-id", "model": "by-model", "key": "by-key"}
_PICTURE: Final = Image(data=PNG, media_type="image/png")


def _parameters() -> Iterator[tuple[str, Probe]]:
    for name in PARAMS:
        with_tools = {"tools": SAMPLES["tools"]} if name in ("tool_choice", "parallel_tool_calls") else {}
        yield name, _chat(**with_tools, **{name: SAMPLES[name]})
    yield "parallel_tool_calls without tools", _chat(parallel_tool_calls=False)
    for effort in ("none", "minimal", "low", "medium", "xhigh", "max", "default"):
        yield f"reasoning_effort={effort}", _chat(reasoning_effort=effort)
    for value in (0, 0.005, 1.2, 1.7, 2):
        yield f"temperature={value}", _chat(temperature=value)
    yield "max_tokens=1", _chat(max_tokens=1)
    yield "temperature of o3", _chat(model="o3", temperature=0.5)
    yield "temperature=0.1 n=2", _chat(temperature=0.1, n=2)
    yield "temperature=0 n=2", _chat(temperature=0.0, n=2)
    for count in (2, 5, 17):
        yield f"{count} stops", _chat(stop=[f"s{number}" for number in range(count)])
    for effort in ("none", "high"):
        for name in ("temperature", "top_p", "presence_penalty", "logprobs"):
            yield f"{name} reasoning_effort={effort}", _chat(reasoning_effort=effort, **{name: SAMPLES[name]})
    for choice in ("required", "none", "add"):
        yield f"tool_choice={choice}", _chat(tools=[TOOL], tool_choice=choice)
        yield f"tool_choice={choice} reasoning_effort=high", _chat(tools=[TOOL], tool_choice=choice, reasoning_effort="high")
    yield "thinking off", _chat(thinking={"type": "disabled"})
    yield "a tool with a rich schema", _chat(tools=[RICH])
    yield "a schema", _chat(response_format=SCHEMA)
    yield "a strict schema", _chat(response_format={**SCHEMA, "json_schema": {**SCHEMA["json_schema"], "strict": True}})
    for kind, given in (("object", {"type": "json_object"}), ("schema", SCHEMA)):
        yield f"{kind} with tools", _chat(tools=[TOOL], response_format=given)
        yield f"{kind} in a stream", _chat(response_format=given, stream=True)


def _conversations() -> Iterator[tuple[str, Probe]]:
    yield "a question", _chat()
    yield "a question with a key only", _settings(_chat(), api_key="key-1")
    yield "a question with a project only", _settings(_chat(), project="p1")
    yield "a question with a version", _version(_chat(), "2024-10-21")
    yield "a stream", _chat(stream=True)
    yield "a system message", _chat({"role": "system", "content": "Be brief."}, "hi")
    yield "a developer message", _chat({"role": "developer", "content": "Be brief."}, "hi")
    yield "two system messages", _chat({"role": "system", "content": "a"}, "hi", {"role": "system", "content": "b"}, "ho")
    yield "two questions", _chat("a", "b")
    yield "a name", _chat({"role": "user", "name": "ann", "content": "hi"})
    yield "an unknown field", _chat({"role": "user", "content": "hi", "cache": True})
    yield "two parts of text", _chat({"role": "user", "content": [Text("a"), Text("b")]})
    yield "a picture", _chat({"role": "user", "content": [Text("a"), _PICTURE]})
    yield "a picture's address", _chat({"role": "user", "content": [Text("a"), Image("https://x.test/a.png")]})
    yield "a recording", _chat({"role": "user", "content": [Text("a"), Audio(data=b"RIFF", format="wav", media_type="audio/wav")]})
    yield "a recording's address", _chat({"role": "user", "content": [Text("a"), Audio("https://x.test/a.wav", format="wav")]})
    yield "a document", _chat({"role": "user", "content": [Text("a"), File(data=b"%PDF-1.4", filename="a.pdf", media_type="application/pdf")]})
    yield "a document's address", _chat({"role": "user", "content": [Text("a"), File("https://x.test/a.pdf", filename="a.pdf")]})
    yield "an uploaded document", _chat({"role": "user", "content": [Text("a"), File(file_id="file-1")]})
    yield "calls and results", _chat("add", *_CALLS, *_RESULTS, tools=[TOOL])
    yield "a question after a result", _chat("add", *_CALLS, *_RESULTS, "thanks", tools=[TOOL])
    yield "thoughts of a turn", _chat("hi", Message("assistant", "one", reasoning=_THOUGHT), "more")
    yield "thoughts of a call", _chat("add", Message("assistant", None, tool_calls=(_call("call-a"),), reasoning=_THOUGHT), _RESULTS[1], tools=[TOOL])
    yield "a turn of thoughts only", _chat("hi", _encrypted, "more")
    yield "details of thoughts", _chat("hi", _details, "more")
    yield "an answer to go on with", _chat("hi", {"role": "assistant", "content": "I am"})
    yield "an empty answer", _chat("hi", {"role": "assistant", "content": ""}, "well?")


def _answers() -> Iterator[tuple[str, Probe]]:
    yield "an answer with thoughts in tags", _answer(_raw(_completion("<think>hm</think>hi")))
    pieces = _event({"content": "<think>hm"}) + _event({"content": "</think>hi"}, "stop") + b"data: [DONE]\n\n"
    yield "a stream with thoughts in tags", _answer(pieces, stream=True)
    yield "an answer with reasoning tokens", _answer(_raw(_completion("hi", usage=_USAGE)))
    full = {"object": "response", "status": "completed", "output": [], "usage": {"input_tokens": 1, "output_tokens": 64, "total_tokens": 65}}
    yield "a response as long as it may be", _answer_to(_raw(full), max_tokens=64)
    yield "an answer in an envelope", _answer(_raw({"result": {"response": "hi"}, "success": True, "errors": [], "messages": []}))
    yield "an answer in the host's place", _answer(_raw({"id": None, "choices": None, "provider": {**_completion("hi"), "provider": "Acme"}}))


def _others() -> Iterator[tuple[str, Probe]]:
    texts: Mapping[str, Any] = {
        "two texts": {"input": ("a", "b")},
        "one text": {"input": ("a",)},
        "tokens": {"input": ((1, 2),)},
        "11 texts": {"input": ("a",) * 11},
        "17 texts": {"input": ("a",) * 17},
        "97 texts": {"input": ("a",) * 97},
        "129 texts": {"input": ("a",) * 129},
        "2049 texts": {"input": ("a",) * 2049},
        "dimensions": {"input": ("a",), "dimensions": 8},
        "float": {"input": ("a",), "encoding_format": "float"},
        "base64": {"input": ("a",), "encoding_format": "base64"},
        "input_type": {"input": ("a",), "input_type": "search_query"},
        "truncate": {"input": ("a",), "truncate": "END"},
        "user": {"input": ("a",), "user": "u1"},
    }
    for name, fields in texts.items():
        yield f"embed {name}", _request("embed", lambda model, fields=fields: EmbeddingRequest(model=model, **fields))
    family = _request("embed", lambda model: EmbeddingRequest(model="gemini-embedding-2", input=("a",), dimensions=8))
    yield "embed with another family", family
    yield "embed with a key only", _settings(family, api_key="key-1")
    yield "embed with a project only", _settings(family, project="p1")
    yield "list models", _request("list_models", lambda model: ListModelsRequest())
    yield "supported parameters", Probe("chat", _supported)
    yield "a list of models", _listing(_raw({"data": [_ROW], "models": [{"id": "m"}], "resources": [{"id": "r", "model_id": "r-id"}], "result": [{"id": "x"}]}))
    count = _request("count_tokens", lambda model: CountTokensRequest(model=model, messages=(Message("user", "hi"),)))
    yield "count tokens", count
    yield "count tokens with a key only", _settings(count, api_key="key-1")
    yield "count tokens with a project only", _settings(count, project="p1")
    yield "count tokens of tools", _request("count_tokens", lambda model: CountTokensRequest(model=model, messages=(Message("user", "hi"),), tools=(TOOL,)))


PROBES: Final[Mapping[str, Probe]] = dict((*_conversations(), *_parameters(), *_answers(), *_others()))
