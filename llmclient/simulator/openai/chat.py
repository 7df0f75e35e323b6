"""Chat completions, plain and streamed, in the shapes that api.openai.com sends."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from llmclient.simulator.answers import Answer, Call, Prompt, Usage, answer, pieces, usage_of
from llmclient.simulator.exchange import DONE, EVENTS, Reply, Request, Setting, event_of
from llmclient.simulator.openai.likelihoods import scored
from llmclient.simulator.openai.prompts import prompt_of

FINGERPRINT = "fp_simulator"

_FILLER = "0123456789abcdef"


def complete(request: Request, setting: Setting) -> Reply:
    """POST /v1/chat/completions."""
    prompt, body = prompt_of(request, setting), request.json
    answers = [_finished(answer(prompt, index), prompt) for index in range(body.get("n") or 1)]
    usage = _usage(usage_of(prompt, answers))
    top = (body.get("top_logprobs") or 0) if body.get("logprobs") else None
    if body.get("stream"):
        return _stream(request, setting, answers, usage, top)
    return Reply(body=orjson.dumps(_whole(request, setting, answers, usage, top)), headers=headers(request))


def _finished(one: Answer, prompt: Prompt) -> Answer:
    """OpenAI finishes with `stop` where the request named the tool to call."""
    is_forced = prompt.tool_choice.startswith("=") and one.finish == "tool_calls"
    return dataclasses.replace(one, finish="stop") if is_forced else one


def headers(request: Request) -> dict[str, str]:
    """Return what OpenAI says beside an answer."""
    return {
        "x-request-id": f"req_{request.digest}",
        "openai-version": "2020-10-01",
        "openai-processing-ms": "1",
        "x-ratelimit-limit-requests": "10000",
        "x-ratelimit-limit-tokens": "1000000",
        "x-ratelimit-remaining-requests": "9999",
        "x-ratelimit-remaining-tokens": "999990",
        "x-ratelimit-reset-requests": "6ms",
        "x-ratelimit-reset-tokens": "0s",
    }


def fillers() -> Iterator[str]:
    """Yield without end what OpenAI adds to the events of a stream, so that their length does not tell what is in them."""
    return itertools.cycle(_FILLER[: step * 7 % 16] for step in range(16))


def _whole(request: Request, setting: Setting, answers: Sequence[Answer], usage: object, top: int | None) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{request.digest}",
        "object": "chat.completion",
        "created": setting.created,
        "model": request.model,
        "choices": [
            {"index": index, "message": _message(one), "logprobs": _logprobs(one.text, 0, top), "finish_reason": one.finish}
            for index, one in enumerate(answers)
        ],
        "usage": usage,
        "service_tier": "default",
        "system_fingerprint": FINGERPRINT,
    }


def _message(one: Answer) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": None if one.calls else "".join(one.text), "refusal": None, "annotations": []}
    if one.reasoning:
        message["reasoning_content"] = "".join(one.reasoning)
    if one.calls:
        message["tool_calls"] = [{"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}} for call in one.calls]
    return message


def _stream(request: Request, setting: Setting, answers: Sequence[Answer], usage: object, top: int | None) -> Reply:
    options: dict[str, Any] = request.json.get("stream_options") or {}
    counted, filled = bool(options.get("include_usage")), options.get("include_obfuscation") is not False
    chunk: dict[str, Any] = {
        "id": f"chatcmpl-{request.digest}",
        "object": "chat.completion.chunk",
        "created": setting.created,
        "model": request.model,
        "service_tier": "default",
        "system_fingerprint": FINGERPRINT,
    }
    padding = fillers()

    def event(choices: list[dict[str, Any]], usage: object = None) -> bytes:
        more = {"obfuscation": next(padding)} if filled else {}
        seen = {"usage": usage} if counted else {}
        return event_of(chunk | {"choices": choices} | seen | more)

    # The answers take turns, as they do when several are written at once.
    turns = itertools.zip_longest(*(_choices(one, index, top) for index, one in enumerate(answers)))
    events = [event([choice]) for turn in turns for choice in turn if choice is not None]
    closing = [event([_choice(index, {}, None, one.finish)]) for index, one in enumerate(answers)]
    if counted:
        closing.append(event([], usage))
    return Reply(content_type=EVENTS, headers=headers(request), events=events, closing=closing, end=DONE)


def _choices(one: Answer, index: int, top: int | None) -> Iterator[dict[str, Any]]:
    """Yield the choices of the chunks that carry one answer, but for the one that says why it ended."""
    yield _choice(index, {"role": "assistant", "content": None if one.calls else "", "refusal": None}, _logprobs([], 0, top))
    for token in one.reasoning:
        yield _choice(index, {"reasoning_content": token})
    for position, token in enumerate(one.text):
        yield _choice(index, {"content": token}, _logprobs([token], position, top))
    for position, call in enumerate(one.calls):
        for piece in _pieces(call, position):
            yield _choice(index, {"tool_calls": [piece]})


def _pieces(call: Call, position: int) -> Iterator[dict[str, Any]]:
    yield {"index": position, "id": call.id, "type": "function", "function": {"name": call.name, "arguments": ""}}
    for piece in pieces(call.arguments):
        yield {"index": position, "function": {"arguments": piece}}


def _choice(index: int, delta: dict[str, Any], logprobs: object = None, finish: str | None = None) -> dict[str, Any]:
    return {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}


def _logprobs(tokens: Sequence[str], start: int, top: int | None) -> dict[str, Any] | None:
    return None if top is None else {"content": scored(tokens, start, top), "refusal": None}


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "total_tokens": usage.prompt + usage.completion,
        "prompt_tokens_details": {"cached_tokens": usage.cached, "audio_tokens": usage.audio},
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
