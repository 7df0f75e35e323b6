"""Everything but chat that OpenAI answers: embeddings, models, moderation, speech, pictures; and rerank, as Cohere and Jina do it."""

from __future__ import annotations

import base64
import re
from typing import Any

from llmclient.simulator import answers, media, vectors
from llmclient.simulator.exchange import Failure, Reply, Request, Setting
from llmclient.simulator.multipart import Part, parts_of
from llmclient.simulator.openai.chat import headers
from llmclient.simulator.openai.checks import Rule, check, need, one_of, refuse, typed

_MAX_DIMENSIONS = 4_096
_MAX_INPUTS = 2_048
_FLAGGED = {
    "harassment": {"idiot", "harass"},
    "hate": {"hate"},
    "self-harm": {"suicide"},
    "sexual": {"porn"},
    "violence": {"kill", "murder", "shoot"},
    "illicit": {"bomb"},
}
_CATEGORIES = (
    *("harassment", "harassment/threatening", "hate", "hate/threatening", "illicit", "illicit/violent", "self-harm", "self-harm/instructions"),
    *("self-harm/intent", "sexual", "sexual/minors", "violence", "violence/graphic"),
)
_SPEECH_TYPES = {"mp3": "audio/mpeg", "opus": "audio/ogg", "aac": "audio/aac", "flac": "audio/flac", "wav": "audio/wav", "pcm": "audio/pcm"}
_SCRIPTS = ("json", "text", "srt", "verbose_json", "vtt")


def embeddings(request: Request, setting: Setting) -> Reply:
    """POST /v1/embeddings."""
    body = request.json
    model = _model(body)
    check(body, {"dimensions": Rule("integer", 1, _MAX_DIMENSIONS), "encoding_format": Rule("string"), "user": Rule("string")})
    form = one_of(body.get("encoding_format") or "float", ("float", "base64"), "encoding_format")
    inputs = _inputs(body)
    dimensions = body.get("dimensions") or vectors.DIMENSIONS
    data: list[dict[str, Any]] = []
    for index, text in enumerate(inputs):
        vector = vectors.embed(text if isinstance(text, str) else " ".join(map(str, text)), dimensions, setting.seed)
        data.append({"object": "embedding", "index": index, "embedding": vectors.encoded(vector, form)})
    count = sum(len(answers.tokens(text)) if isinstance(text, str) else len(text) for text in inputs)
    return _answer(request, {"object": "list", "data": data, "model": model, "usage": {"prompt_tokens": count, "total_tokens": count}})


def models(request: Request, setting: Setting) -> Reply:
    """GET /v1/models."""
    return _answer(request, {"object": "list", "data": [_listed(name, setting) for name in answers.MODELS]})


def model(request: Request, setting: Setting) -> Reply:
    """GET /v1/models/{model}; any name is a model, unless it begins with `missing`."""
    name = request.params["model"]
    if name.startswith("missing"):
        raise Failure(404, f"The model '{name}' does not exist", code="model_not_found", type="invalid_request_error", param="model")
    return _answer(request, _listed(name, setting))


def moderations(request: Request, _setting: Setting) -> Reply:
    """POST /v1/moderations; a few harsh words are flagged."""
    body = request.json
    given = body.get("input")
    if given is None:
        raise refuse("Missing required parameter: 'input'.", "missing_required_parameter", "input")
    items: list[Any] = [given] if isinstance(given, str) else typed(given, "array", "input")
    # A list of parts is one thing to judge; a list of texts is several.
    texts = ["".join(part.get("text") or "" for part in items)] if items and all(isinstance(item, dict) for item in items) else items
    results = [_judged(typed(text, "string", f"input[{index}]")) for index, text in enumerate(texts)]
    return _answer(request, {"id": f"modr-{request.digest}", "model": body.get("model") or "omni-moderation-latest", "results": results})


def speech(request: Request, _setting: Setting) -> Reply:
    """POST /v1/audio/speech: a tone as WAV, whatever the format asked for, but for raw samples when that is `pcm`."""
    body = request.json
    _model(body)
    text = need(body, "input", "string")
    need(body, "voice", "object" if isinstance(body.get("voice"), dict) else "string")
    form = one_of(body.get("response_format") or "wav", tuple(_SPEECH_TYPES), "response_format")
    check(body, {"speed": Rule("decimal", 0.25, 4)})
    samples = media.tone(text)
    return Reply(body=samples if form == "pcm" else media.wav(samples), content_type="audio/pcm" if form == "pcm" else "audio/wav", headers=headers(request))


def transcriptions(request: Request, _setting: Setting) -> Reply:
    """POST /v1/audio/transcriptions and /v1/audio/translations: the text tells the size of the file."""
    fields = {part.name: part for part in parts_of(request)}
    _check_named(fields, "file", "model")
    answers.check_model(fields["model"].text)
    form = one_of(fields["response_format"].text if "response_format" in fields else "json", _SCRIPTS, "response_format")
    size = len(fields["file"].data)
    seconds = round(size / (2 * media.RATE), 2)
    text = f"A recording of {size} bytes."
    if form in ("text", "srt", "vtt"):
        return Reply(body=_script(form, text, seconds).encode(), content_type="text/plain; charset=utf-8", headers=headers(request))
    count = len(answers.tokens(text))
    usage = {"type": "tokens", "input_tokens": size // 1_000 + 1, "output_tokens": count, "total_tokens": size // 1_000 + 1 + count}
    if form == "json":
        return _answer(request, {"text": text, "usage": usage})
    scores = {"temperature": 0.0, "avg_logprob": -0.1, "compression_ratio": 1.0, "no_speech_prob": 0.0}
    segment: dict[str, Any] = {"id": 0, "seek": 0, "start": 0.0, "end": seconds, "text": text, "tokens": [0], **scores}
    usage = {"type": "duration", "seconds": int(seconds) + 1}
    return _answer(request, {"task": "transcribe", "language": "english", "duration": seconds, "text": text, "segments": [segment], "usage": usage})


def images(request: Request, setting: Setting) -> Reply:
    """POST /v1/images/generations: a small picture of one colour."""
    body = request.json
    prompt = need(body, "prompt", "string")
    check(body, {"n": Rule("integer", 1, 10), "size": Rule("string"), "response_format": Rule("string")})
    answers.check_model(body.get("model") or "")
    form = one_of(body.get("response_format") or "b64_json", ("url", "b64_json"), "response_format")
    return _pictures(request, setting, prompt, body.get("n") or 1, form)


def edits(request: Request, setting: Setting) -> Reply:
    """POST /v1/images/edits: a picture whose colour depends on the prompt and on the pictures that were sent."""
    parts = parts_of(request)
    fields = {part.name: part for part in parts}
    _check_named(fields, "prompt")
    pictures = [part for part in parts if part.filename is not None]
    if not pictures:
        raise refuse("Missing required parameter: 'image'.", "missing_required_parameter", "image")
    prompt = fields["prompt"].text + "".join(f" {len(part.data)}" for part in pictures)
    return _pictures(request, setting, prompt, 1, "b64_json")


def picture(request: Request, _setting: Setting) -> Reply:
    """GET /v1/images/files/{name}: what the `url` of a picture leads to."""
    return Reply(body=media.png(request.params["name"]), content_type="image/png")


def rerank(request: Request, _setting: Setting) -> Reply:
    """POST /v1/rerank: the share of the query's words that a document has, in Cohere's and Jina's shape."""
    body = request.json
    name, query = _model(body), need(body, "query", "string")
    documents = [_document(item, f"documents[{index}]") for index, item in enumerate(need(body, "documents", "array"))]
    check(body, {"top_n": Rule("integer", 1), "return_documents": Rule("boolean")})
    words = set(_words(query))
    scores = [round(len(words & set(_words(text))) / (len(words) or 1), 6) for text in documents]
    order = sorted(range(len(documents)), key=lambda index: (-scores[index], index))[: body.get("top_n") or None]
    results: list[dict[str, Any]] = [{"index": index, "relevance_score": scores[index]} for index in order]
    if body.get("return_documents"):
        results = [result | {"document": {"text": documents[result["index"]]}} for result in results]
    count = sum(len(answers.tokens(text)) for text in (query, *documents))
    meta = {"api_version": {"version": "1"}, "billed_units": {"search_units": 1}}
    return _answer(request, {"id": request.digest, "object": "list", "model": name, "results": results, "meta": meta, "usage": {"total_tokens": count}})


def _answer(request: Request, value: object) -> Reply:
    reply = Reply.of(value)
    reply.headers = headers(request)
    return reply


def _model(body: dict[str, Any]) -> str:
    if body.get("model") is None:
        raise refuse("you must provide a model parameter")
    name: str = typed(body["model"], "string", "model")
    answers.check_model(name)
    return name


def _listed(name: str, setting: Setting) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": setting.created, "owned_by": "simulator"}


def _inputs(body: dict[str, Any]) -> list[str | list[int]]:
    """Return the texts or lists of tokens to embed."""
    given = body.get("input")
    if given is None:
        raise refuse("Missing required parameter: 'input'.", "missing_required_parameter", "input")
    if isinstance(given, str):
        given = [given]
    items: list[Any] = typed(given, "array", "input")
    if _is_tokens(items):
        items = [items]
    if not 0 < len(items) <= _MAX_INPUTS:
        raise refuse(f"Invalid 'input': expected between 1 and {_MAX_INPUTS} items, but got {len(items)}.", "invalid_value", "input")
    for index, item in enumerate(items):
        if item == "" or not (isinstance(item, str) or _is_tokens(item)):
            raise refuse(f"Invalid 'input[{index}]': expected a string that is not empty, or an array of tokens.", "invalid_value", f"input[{index}]")
    return items


def _is_tokens(item: Any) -> bool:
    return isinstance(item, list) and item != [] and all(isinstance(token, int) for token in typed(item, "array", "input"))


def _judged(text: str) -> dict[str, Any]:
    words = set(_words(text))
    found = {category for category in _CATEGORIES if words & _FLAGGED.get(category, set())}
    return {
        "flagged": bool(found),
        "categories": {category: category in found for category in _CATEGORIES},
        "category_scores": {category: 0.9 if category in found else 0.0001 for category in _CATEGORIES},
        "category_applied_input_types": {category: ["text"] for category in _CATEGORIES},
    }


def _check_named(fields: dict[str, Part], *names: str) -> None:
    for name in names:
        if name not in fields:
            raise refuse(f"Missing required parameter: '{name}'.", "missing_required_parameter", name)


def _script(form: str, text: str, seconds: float) -> str:
    whole, part = divmod(round(seconds * 1_000), 1_000)
    end = f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"
    if form == "srt":
        return f"1\n00:00:00,000 --> {end},{part:03d}\n{text}\n\n"
    return f"WEBVTT\n\n00:00:00.000 --> {end}.{part:03d}\n{text}\n\n" if form == "vtt" else text + "\n"


def _pictures(request: Request, setting: Setting, prompt: str, count: int, form: str) -> Reply:
    names = [f"{prompt} {setting.seed} {index}" if index else prompt for index in range(count)]
    identities = [answers.identifier(name) for name in names]
    if form == "url":
        data = [{"url": f"{request.base}/v1/images/files/{identity}", "revised_prompt": prompt} for identity in identities]
    else:
        data = [{"b64_json": base64.b64encode(media.png(identity)).decode()} for identity in identities]
    text = len(answers.tokens(prompt))
    usage = {
        "input_tokens": text,
        "input_tokens_details": {"image_tokens": 0, "text_tokens": text},
        "output_tokens": answers.IMAGE_TOKENS * count,
        "total_tokens": text + answers.IMAGE_TOKENS * count,
    }
    return _answer(request, {"created": setting.created, "data": data, "output_format": "png", "size": "16x16", "usage": usage})


def _document(item: Any, path: str) -> str:
    if isinstance(item, str):
        return item
    return str(need(typed(item, "object", path), "text", "string", f"{path}.text"))


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())
