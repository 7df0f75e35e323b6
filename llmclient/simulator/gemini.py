"""The dialect of Google: generateContent and its kin, plain and streamed, in the shapes that Google's two APIs send.

The routes stand below any version (/v1beta, /v1, and Vertex AI's projects and locations), but for the list of models, which
stands below /v1beta, /v1beta1/publishers/google and /gemini.
"""

from __future__ import annotations

import urllib.parse
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from llmclient.simulator.answers import MODELS, Answer, Usage, answer, check_model, tokens, usage_of
from llmclient.simulator.exchange import Dialect, Failure, Reply, Request, Route, Setting, bearer, is_dict, is_list, object_in
from llmclient.simulator.gemini_prompts import camel, prompt_of, refuse, signature_of
from llmclient.simulator.vectors import embed
from llmclient.simulator.wording import Wording, rephrased

_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "UNIMPLEMENTED",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_REASONS = {"stop": "STOP", "length": "MAX_TOKENS", "tool_calls": "STOP"}
_UNKNOWN = "models/{model} is not found for API version v1beta, or is not supported for generateContent. Call ListModels to see the list of available models."
_WORDINGS = {
    "unknown": Wording(404, _UNKNOWN),
    "broken": Wording(500, "An internal error has occurred. Please retry."),
    "long": Wording(400, "The input token count ({given}) exceeds the maximum number of tokens allowed ({longest})."),
}
_EVENTS = "text/event-stream"
_DIMENSIONS = 64
_BAD_KEY = [
    {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"},
    {"@type": "type.googleapis.com/google.rpc.LocalizedMessage", "locale": "en-US", "message": "API key not valid. Please pass a valid API key."},
]


def complete(request: Request, setting: Setting) -> Reply:
    """POST …/models/{model}:generateContent."""
    body, answers, usage = _answered(request, setting)
    candidates = [_candidate(body, one, index, _all_parts(body, one), is_last=True) for index, one in enumerate(answers)]
    return Reply(body=orjson.dumps(_response(request, candidates, _metadata(usage))), headers=headers(request))


def stream(request: Request, setting: Setting) -> Reply:
    """POST …/models/{model}:streamGenerateContent: events with alt=sse, else one array."""
    body, answers, usage = _answered(request, setting)
    as_events = ("alt", "sse") in urllib.parse.parse_qsl(request.query)
    found = list(_events(request, body, answers, usage))
    closing = _response(request, [_candidate(body, one, index, [], is_last=True) for index, one in enumerate(answers)], _metadata(usage))
    framed = [_frame(value, as_events=as_events, is_first=index == 0) for index, value in enumerate([*found, closing])]
    return Reply(
        content_type=_EVENTS if as_events else "application/json; charset=UTF-8",
        headers=headers(request),
        events=framed[:-1],
        closing=framed[-1:],
        end=b"" if as_events else b"]",
    )


@rephrased(_WORDINGS)
def count(request: Request, setting: Setting) -> Reply:
    """POST …/models/{model}:countTokens."""
    given = camel(request.json)
    inner = given.get("generateContentRequest")
    prompt = prompt_of(request, setting, inner if is_dict(inner) else given)
    check_model(prompt.model)
    total = usage_of(prompt, []).prompt
    return Reply(body=orjson.dumps({"totalTokens": total, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": total}]}), headers=headers(request))


def headers(request: Request) -> dict[str, str]:
    """Return what Google says beside an answer."""
    return {"vary": "Origin", "x-goog-request-id": request.digest, "x-gemini-service-tier": "standard"}


# What is said.


@rephrased(_WORDINGS)
def _answered(request: Request, setting: Setting) -> tuple[dict[str, Any], list[Answer], Usage]:
    body = camel(request.json)
    prompt = prompt_of(request, setting, body)
    wanted = object_in(body, "generationConfig").get("candidateCount") or 1
    answers = [answer(prompt, index) for index in range(wanted)]
    return body, answers, usage_of(prompt, answers)


def _metadata(usage: Usage, candidates: int | None = None) -> dict[str, Any]:
    """Return the counts as Google does: thoughts stand beside the candidates; `candidates` is what has come so far."""
    said = usage.completion - usage.reasoning if candidates is None else candidates
    rows = [("TEXT", usage.prompt - usage.audio), ("AUDIO", usage.audio)]
    return {
        "promptTokenCount": usage.prompt,
        **({"candidatesTokenCount": said} if said else {}),
        "totalTokenCount": usage.prompt + said + usage.reasoning,
        **({"cachedContentTokenCount": usage.cached} if usage.cached else {}),
        "promptTokensDetails": [{"modality": kind, "tokenCount": number} for kind, number in rows if number],
        **({"thoughtsTokenCount": usage.reasoning} if usage.reasoning else {}),
        "serviceTier": "standard",
    }


def _response(request: Request, candidates: list[dict[str, Any]], metadata: dict[str, Any]) -> dict[str, Any]:
    return {"candidates": candidates, "usageMetadata": metadata, "modelVersion": request.model, "responseId": request.digest}


def _candidate(body: dict[str, Any], one: Answer, index: int, parts: list[dict[str, Any]], *, is_last: bool) -> dict[str, Any]:
    content: dict[str, Any] = {"role": "model", "parts": parts} if parts else {"role": "model"}
    out: dict[str, Any] = {"content": content, **({"finishReason": _REASONS[one.finish]} if is_last else {}), "index": index}
    config = object_in(body, "generationConfig")
    if is_last and config.get("responseLogprobs"):
        out["logprobsResult"] = _logprobs(one.text, config.get("logprobs") or 0)
    return out


def _shows_thoughts(body: dict[str, Any]) -> bool:
    return object_in(object_in(body, "generationConfig"), "thinkingConfig").get("includeThoughts") is True


def _all_parts(body: dict[str, Any], one: Answer) -> list[dict[str, Any]]:
    """Return the parts of a whole answer: thoughts where they are asked for, text, calls; the first of the last is signed."""
    parts: list[dict[str, Any]] = []
    if one.reasoning and _shows_thoughts(body):
        parts.append({"text": "".join(one.reasoning), "thought": True})
    if one.text:
        signed = {"thoughtSignature": signature_of("".join(one.text))} if one.reasoning else {}
        parts.append({"text": "".join(one.text), **signed})
    return parts + _calls(one)


def _calls(one: Answer) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = []
    for call in one.calls:
        part: dict[str, Any] = {"functionCall": {"name": call.name, "args": call.parsed}}
        parts.append(part if parts else {**part, "thoughtSignature": signature_of(call.name, call.parsed)})
    return parts


def _events(request: Request, body: dict[str, Any], answers: Sequence[Answer], usage: Usage) -> Iterator[dict[str, Any]]:
    said = 0
    for index, one in enumerate(answers):
        pieces: list[dict[str, Any]] = [{"text": token, "thought": True} for token in one.reasoning] if _shows_thoughts(body) else []
        pieces += [{"text": token} for token in one.text]
        if one.reasoning and one.text:
            pieces.append({"text": "", "thoughtSignature": signature_of("".join(one.text))})
        for piece in [*pieces, *_calls(one)]:
            said += len(tokens(str(piece.get("text", "")))) if not piece.get("thought") else 0
            yield _response(request, [_candidate(body, one, index, [piece], is_last=False)], _metadata(usage, said))


def _frame(value: dict[str, Any], *, as_events: bool, is_first: bool) -> bytes:
    if as_events:
        return b"data: " + orjson.dumps(value) + b"\r\n\r\n"
    return (b"[" if is_first else b",\r\n") + orjson.dumps(value, option=orjson.OPT_INDENT_2)


def _logprobs(text: Sequence[str], top: int) -> dict[str, Any]:
    chosen = [{"token": token, "tokenId": index, "logProbability": -(zlib.crc32(token.encode()) % 1_000) / 2_000} for index, token in enumerate(text)]
    result: dict[str, Any] = {"chosenCandidates": chosen}
    if top:
        result["topCandidates"] = [{"candidates": [one, *({**one, "token": f"{one['token']}{rank}"} for rank in range(1, top))]} for one in chosen]
    return result


# Embeddings and models.


def embeddings(request: Request, setting: Setting) -> Reply:
    """POST …/models/{model}:batchEmbedContents."""
    asked = camel(request.json).get("requests")
    if not is_list(asked) or not asked:
        raise refuse("* BatchEmbedContentsRequest.requests: requests is not specified")
    rows = [_embedding(one, request, setting) for one in asked]
    return Reply(body=orjson.dumps({"embeddings": [{"values": values} for values, _ in rows], "usageMetadata": _spent(rows)}), headers=headers(request))


def embedding(request: Request, setting: Setting) -> Reply:
    """POST …/models/{model}:embedContent."""
    row = _embedding(camel(request.json), request, setting)
    return Reply(body=orjson.dumps({"embedding": {"values": row[0]}, "usageMetadata": _spent([row])}), headers=headers(request))


@rephrased(_WORDINGS)
def predict(request: Request, setting: Setting) -> Reply:
    """POST …/models/{model}:predict, which serves embeddings on Vertex AI."""
    body = camel(request.json)
    instances, parameters = body.get("instances"), body.get("parameters")
    if not is_list(instances) or not instances:
        raise refuse("Invalid request: instances is empty.")
    check_model(request.model)
    wanted = parameters.get("outputDimensionality") if is_dict(parameters) else None
    rows: list[dict[str, Any]] = []
    for instance in instances:
        text = str(instance.get("content") or "") if is_dict(instance) else ""
        statistics = {"token_count": len(tokens(text)), "truncated": False}
        rows.append({"embeddings": {"values": list(embed(text, wanted or _DIMENSIONS, setting.seed)), "statistics": statistics}})
    characters = sum(len(str(instance.get("content") or "").replace(" ", "")) for instance in instances if is_dict(instance))
    return Reply(body=orjson.dumps({"predictions": rows, "metadata": {"billableCharacterCount": characters}}), headers=headers(request))


@rephrased(_WORDINGS)
def _embedding(value: Any, request: Request, setting: Setting) -> tuple[list[float], int]:
    check_model(request.model)
    content = value.get("content") if is_dict(value) else None
    parts = content.get("parts") if is_dict(content) else None
    if not is_dict(value) or not is_list(parts) or not parts:
        raise refuse("* EmbedContentRequest.content: contents is not specified")
    config = value.get("embedContentConfig")
    wanted = (config if is_dict(config) else value).get("outputDimensionality") or _DIMENSIONS
    text = "".join(str(part.get("text") or "") for part in parts if is_dict(part))
    return list(embed(text, wanted, setting.seed)), len(tokens(text))


def _spent(rows: Sequence[tuple[list[float], int]]) -> dict[str, int]:
    total = sum(number for _, number in rows)
    return {"promptTokenCount": total, "totalTokenCount": total}


def models(_request: Request, _setting: Setting) -> Reply:
    """GET …/models."""
    return Reply.of({"models": [_model(name) for name in MODELS]})


def published(_request: Request, _setting: Setting) -> Reply:
    """GET /v1beta1/publishers/google/models, the list on Vertex AI."""
    return Reply.of({"publisherModels": [{"name": f"publishers/google/models/{name}", "versionId": "default"} for name in MODELS]})


def model(request: Request, _setting: Setting) -> Reply:
    """GET …/models/{model}."""
    name = request.params["model"]
    if name not in MODELS:
        raise Failure(404, f"Model is not found: models/{name} for api version v1beta")
    return Reply.of(_model(name))


def _model(name: str) -> dict[str, Any]:
    methods = ["embedContent", "batchEmbedContents"] if name == "embed" else ["generateContent", "countTokens"]
    return {
        "name": f"models/{name}",
        "version": "001",
        "displayName": name.capitalize(),
        "description": "A model of the simulator.",
        "inputTokenLimit": 128_000,
        "outputTokenLimit": 64_000,
        "supportedGenerationMethods": methods,
    }


# Failures.


def _error(failure: Failure) -> dict[str, Any]:
    if failure.code in ("missing_api_key", "invalid_api_key"):
        # A bad key is a bad argument here.
        return {"error": {"code": 400, "message": "API key not valid. Please pass a valid API key.", "status": "INVALID_ARGUMENT", "details": _BAD_KEY}}
    word = _STATUSES.get(failure.status, "INTERNAL" if failure.status >= 500 else "INVALID_ARGUMENT")
    details = list(_details(failure))
    return {"error": {"code": failure.status, "message": failure.message, "status": word, **({"details": details} if details else {})}}


def _details(failure: Failure) -> Iterator[dict[str, Any]]:
    if failure.code == "insufficient_quota":
        violations = [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]
        yield {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": violations}
    wait = failure.headers.get("retry-after", "")
    if wait.replace(".", "", 1).isdigit():
        yield {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{wait}s"}


def _failure(failure: Failure) -> Reply:
    error = _error(failure)
    # The wait stands in the body only.
    kept = {name: value for name, value in failure.headers.items() if name != "retry-after"} if error["error"].get("details") else failure.headers
    return Reply(error["error"]["code"], orjson.dumps(error, option=orjson.OPT_INDENT_2), headers=dict(kept), content_type="application/json; charset=UTF-8")


def _failure_event(failure: Failure) -> bytes:
    return b"data: " + orjson.dumps(_error(failure)) + b"\r\n\r\n"


def _key(request: Request) -> str:
    given = urllib.parse.parse_qs(request.query).get("key", [""])[0]
    return request.headers.get("x-goog-api-key", "").strip() or bearer(request) or given


_METHODS = {
    "generateContent": complete,
    "streamGenerateContent": stream,
    "countTokens": count,
    "batchEmbedContents": embeddings,
    "embedContent": embedding,
    "predict": predict,
}

DIALECT = Dialect(
    "gemini",
    (
        *(Route("POST", "/{version}/models/{model}:" + name, handler) for name, handler in _METHODS.items()),
        Route("GET", "/v1beta/models", models),
        Route("GET", "/v1beta/models/{model}", model),
        Route("GET", "/v1beta1/publishers/google/models", published),
        Route("GET", "/gemini/{version}/models", models),
        Route("GET", "/gemini/{version}/models/{model}", model),
    ),
    _failure,
    _failure_event,
    _key,
    heartbeat=b": keep-alive\r\n\r\n",
    garbage=b'data: {"candidates": oops\r\n\r\n',
)
