"""The dialect of Amazon Bedrock: Converse, plain and in Amazon's binary event stream, Claude and embeddings by InvokeModel, token counts, models.

Any access key's signature is taken; what is compared with the simulator's key is the bearer token, or the id of the access key.
"""

from __future__ import annotations

import base64
import re
import struct
import uuid
import zlib
from collections.abc import Iterator
from typing import Any

import orjson

from llmclient.simulator import anthropic
from llmclient.simulator.answers import MODELS, Answer, Prompt, Usage, answer, check_model, pieces, tokens, usage_of
from llmclient.simulator.bedrock_prompts import prompt_of, refuse
from llmclient.simulator.exchange import Dialect, Failure, Reply, Request, Route, Setting, bearer, is_dict, is_list
from llmclient.simulator.vectors import embed
from llmclient.simulator.wording import Wording, rephrased

_EVENTS = "application/vnd.amazon.eventstream"
_KINDS = {
    400: "ValidationException",
    401: "UnrecognizedClientException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    408: "ModelTimeoutException",
    424: "ModelErrorException",
    429: "ThrottlingException",
    500: "InternalServerException",
    503: "ServiceUnavailableException",
}
_TAIL = ":http://internal.amazon.com/coral/com.amazon.bedrock/"
_REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}
_WORDINGS = {
    "unknown": Wording(400, "The provided model identifier is invalid."),
    "broken": Wording(500, "The system encountered an unexpected error. Try again."),
    "long": Wording(400, "The model returned the following errors: prompt is too long: {given} tokens > {longest} maximum"),
}
_FILLER = "abcdefghijklmnopqrstuvwxyz"
_DIMENSIONS = 64


def complete(request: Request, setting: Setting) -> Reply:
    """POST /model/{model}/converse."""
    prompt, one, usage = _answered(request, setting)
    message = {"role": "assistant", "content": list(_blocks(one, prompt)) or [{"text": ""}]}
    return _reply(request, {"output": {"message": message}, "stopReason": _reason(one, prompt), "usage": _usage(usage), "metrics": {"latencyMs": 1}})


def stream(request: Request, setting: Setting) -> Reply:
    """POST /model/{model}/converse-stream."""
    prompt, one, usage = _answered(request, setting)
    closing = [
        event("messageStop", {"stopReason": _reason(one, prompt)}),
        event("metadata", {"usage": _usage(usage), "metrics": {"latencyMs": 1}}),
    ]
    return Reply(content_type=_EVENTS, headers=_headers(request), events=list(_events(one, prompt)), closing=closing)


@rephrased(_WORDINGS)
def count(request: Request, setting: Setting) -> Reply:
    """POST /model/{model}/count-tokens, of a conversation with Converse."""
    given = request.json.get("input")
    inner = given.get("converse") if is_dict(given) else None
    if not is_dict(inner):
        raise refuse("The input must hold a converse request.")
    counted = Request(request.method, request.path, request.headers, orjson.dumps(inner), request.salt)
    counted.params = request.params
    prompt = prompt_of(counted, setting)
    check_model(prompt.model)
    return _reply(request, {"inputTokens": usage_of(prompt, []).prompt})


def invoke(request: Request, setting: Setting) -> Reply:
    """POST /model/{model}/invoke: the body of a vendor's own, Anthropic's or one for embeddings."""
    if "anthropic_version" not in request.json:
        return _embeddings(request, setting)
    reply = anthropic.complete(_unwrapped(request, is_stream=False), setting)
    return Reply(body=reply.body, headers=_headers(request))


def invoke_stream(request: Request, setting: Setting) -> Reply:
    """POST /model/{model}/invoke-with-response-stream, of Anthropic's bodies."""
    reply = anthropic.complete(_unwrapped(request, is_stream=True), setting)
    events, closing = ([_chunk(one) for one in found] for found in (reply.events or [], reply.closing + ([reply.end] if reply.end else [])))
    return Reply(content_type=_EVENTS, headers=_headers(request), events=events, closing=closing)


def _unwrapped(request: Request, *, is_stream: bool) -> Request:
    """Return the request as Anthropic would have got it."""
    version = request.json.get("anthropic_version")
    if version != "bedrock-2023-05-31":
        raise refuse(f"The anthropic_version {version!r} is invalid; it must be bedrock-2023-05-31.")
    given = {name: value for name, value in request.json.items() if name not in ("anthropic_version", "anthropic_beta")}
    if given.keys() & {"model", "stream"}:
        raise refuse("Malformed input request: #: extraneous key [model] or [stream] is not permitted, please reformat your input and try again.")
    body = orjson.dumps({**given, "model": request.model, "stream": is_stream})
    return Request(request.method, "/v1/messages", {**request.headers, "anthropic-version": "2023-06-01"}, body, request.salt)


def _chunk(sent: bytes) -> bytes:
    """Return an event of Anthropic's in a message of Amazon's."""
    data = sent.partition(b"data: ")[2].strip()
    return event("chunk", {"bytes": base64.b64encode(data).decode()})


@rephrased(_WORDINGS)
def _embeddings(request: Request, setting: Setting) -> Reply:
    """Turn texts into vectors: Titan's body, Nova's, or Cohere's."""
    body = request.json
    check_model(request.model)
    if is_list(body.get("texts")):
        texts = [str(text) for text in body["texts"]]
        if body.get("input_type") is None:
            raise refuse("Malformed input request: #: required key [input_type] not found, please reformat your input and try again.")
        vectors = [list(embed(text, body.get("output_dimension") or _DIMENSIONS, setting.seed)) for text in texts]
        return _reply(request, {"id": request.digest, "texts": texts, "embeddings": {"float": vectors}, "response_type": "embeddings_by_type"}, *texts)
    params = body.get("singleEmbeddingParams")
    if is_dict(params):
        text = str(params["text"]["value"]) if is_dict(params.get("text")) else ""
        vector = list(embed(text, params.get("embeddingDimension") or _DIMENSIONS, setting.seed))
        return _reply(request, {"embeddings": [{"embeddingType": "TEXT", "embedding": vector}]}, text)
    given = body.get("inputText")
    if not isinstance(given, str):
        raise refuse("Malformed input request: #: required key [inputText] not found, please reformat your input and try again.")
    vector = list(embed(given, body.get("dimensions") or _DIMENSIONS, setting.seed))
    return _reply(request, {"embedding": vector, "inputTextTokenCount": len(tokens(given))}, given)


def models(request: Request, _setting: Setting) -> Reply:
    """GET /foundation-models."""
    return _reply(request, {"modelSummaries": [_summary(name) for name in MODELS]})


def _summary(name: str) -> dict[str, Any]:
    return {
        "modelArn": f"arn:aws:bedrock:us-east-1::foundation-model/{name}",
        "modelId": name,
        "modelName": name.capitalize(),
        "providerName": "Simulator",
        "inputModalities": ["TEXT"],
        "outputModalities": ["EMBEDDING" if name == "embed" else "TEXT"],
        "responseStreamingSupported": name != "embed",
        "inferenceTypesSupported": ["ON_DEMAND"],
        "modelLifecycle": {"status": "ACTIVE"},
    }


# What is said.


@rephrased(_WORDINGS)
def _answered(request: Request, setting: Setting) -> tuple[Prompt, Answer, Usage]:
    prompt = prompt_of(request, setting)
    one = answer(prompt)
    return prompt, one, usage_of(prompt, [one])


def _reason(one: Answer, prompt: Prompt) -> str:
    stopped = one.finish == "stop" and any(stop in prompt.question for stop in prompt.stop)
    return "stop_sequence" if stopped else _REASONS[one.finish]


def _usage(usage: Usage) -> dict[str, Any]:
    """Return the counts as Amazon does: what is cached stands beside the input."""
    return {
        "inputTokens": usage.prompt - usage.cached,
        "outputTokens": usage.completion,
        "totalTokens": usage.prompt + usage.completion,
        "cacheReadInputTokens": usage.cached,
        "cacheWriteInputTokens": 0,
    }


def _signature(one: Answer, prompt: Prompt) -> str:
    return base64.b64encode(f"{prompt.digest}{len(one.reasoning)}".encode()).decode()


def _blocks(one: Answer, prompt: Prompt) -> Iterator[dict[str, Any]]:
    if one.reasoning:
        yield {"reasoningContent": {"reasoningText": {"text": "".join(one.reasoning), "signature": _signature(one, prompt)}}}
    if one.text:
        yield {"text": "".join(one.text)}
    for call in one.calls:
        yield {"toolUse": {"toolUseId": call.id.replace("call_", "tooluse_"), "name": call.name, "input": call.parsed}}


def _events(one: Answer, prompt: Prompt) -> Iterator[bytes]:
    yield event("messageStart", {"role": "assistant"})
    index = 0
    if one.reasoning:
        for token in one.reasoning:
            yield _delta(index, {"reasoningContent": {"text": token}})
        yield _delta(index, {"reasoningContent": {"signature": _signature(one, prompt)}})
        yield event("contentBlockStop", {"contentBlockIndex": index})
        index += 1
    if one.text:
        yield from (_delta(index, {"text": token}) for token in one.text)
        yield event("contentBlockStop", {"contentBlockIndex": index})
        index += 1
    for call in one.calls:
        start = {"toolUse": {"toolUseId": call.id.replace("call_", "tooluse_"), "name": call.name}}
        yield event("contentBlockStart", {"start": start, "contentBlockIndex": index})
        yield from (_delta(index, {"toolUse": {"input": piece}}) for piece in pieces(call.arguments))
        yield event("contentBlockStop", {"contentBlockIndex": index})
        index += 1


def _delta(index: int, delta: dict[str, Any]) -> bytes:
    return event("contentBlockDelta", {"contentBlockIndex": index, "delta": delta})


# On the wire.


def _headers(request: Request) -> dict[str, str]:
    return {"x-amzn-requestid": str(uuid.UUID(f"{request.digest:0>32}"))}


def _reply(request: Request, value: dict[str, Any], *texts: str) -> Reply:
    counted = {"x-amzn-bedrock-input-token-count": str(sum(len(tokens(text)) for text in texts))} if texts else {}
    return Reply(body=orjson.dumps(value), headers={**_headers(request), **counted})


def event(kind: str, payload: dict[str, Any]) -> bytes:
    """Return one event, filled up as Amazon does to hide its length."""
    filled = {**payload, "p": _FILLER[: zlib.crc32(orjson.dumps(payload)) % len(_FILLER)]}
    return frame(orjson.dumps(filled), {":event-type": kind, ":content-type": "application/json", ":message-type": "event"})


def frame(payload: bytes, headers: dict[str, str]) -> bytes:
    """Return one message of Amazon's event stream, with its checksums."""
    block = b"".join(_header(name.encode(), value.encode()) for name, value in headers.items())
    prelude = struct.pack(">II", 16 + len(block) + len(payload), len(block))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + block + payload
    return message + struct.pack(">I", zlib.crc32(message))


def _header(name: bytes, value: bytes) -> bytes:
    return bytes([len(name)]) + name + b"\x07" + struct.pack(">H", len(value)) + value


# Failures.


def _kind(failure: Failure) -> str:
    if failure.code in ("missing_api_key", "invalid_api_key"):
        return "UnrecognizedClientException"
    if failure.code and failure.code.endswith("Exception"):
        return failure.code
    return _KINDS.get(failure.status, "InternalServerException" if failure.status >= 500 else "ValidationException")


def _failure(failure: Failure) -> Reply:
    kind = _kind(failure)
    status = 403 if kind == "UnrecognizedClientException" else failure.status
    message = "The security token included in the request is invalid." if status == 403 and failure.code else failure.message
    if failure.code == "insufficient_quota":
        message = "Too many tokens per day, please wait before trying again."
    headers = {"x-amzn-errortype": kind + _TAIL, "x-amzn-requestid": "00000000-0000-0000-0000-000000000000"}
    return Reply(status, orjson.dumps({"message": message}), headers={**headers, **failure.headers})


def _failure_event(failure: Failure) -> bytes:
    kind = _kind(failure)
    headers = {":exception-type": kind[0].lower() + kind[1:], ":content-type": "application/json", ":message-type": "exception"}
    return frame(orjson.dumps({"message": failure.message}), headers)


def _key(request: Request) -> str:
    found = re.match(r"AWS4-HMAC-SHA256 Credential=([^/]+)/", request.headers.get("authorization", ""))
    return found[1] if found else bearer(request)


DIALECT = Dialect(
    "bedrock",
    (
        Route("POST", "/model/{model}/converse", complete),
        Route("POST", "/model/{model}/converse-stream", stream),
        Route("POST", "/model/{model}/count-tokens", count),
        Route("POST", "/model/{model}/invoke", invoke),
        Route("POST", "/model/{model}/invoke-with-response-stream", invoke_stream),
        Route("GET", "/foundation-models", models),
    ),
    _failure,
    _failure_event,
    _key,
    heartbeat=b"",
    garbage=event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "oops"}})[:-1] + b"?",
)
