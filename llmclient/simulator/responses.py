"""The Responses API, plain and streamed, in the shapes that api.openai.com sends."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from llmclient.simulator.answers import Answer, Call, Usage, answer, identifier, pieces, usage_of
from llmclient.simulator.exchange import EVENTS, Dialect, Failure, Reply, Request, Route, Setting, named_event, object_in
from llmclient.simulator.openai import DIALECT as OPENAI
from llmclient.simulator.openai.chat import fillers, headers
from llmclient.simulator.openai.likelihoods import scored
from llmclient.simulator.responses_prompts import prompt_of


@dataclasses.dataclass(frozen=True, slots=True)
class _Told:
    """One answer as it is to be told."""

    request: Request
    setting: Setting
    answer: Answer
    usage: Usage

    @property
    def includes(self) -> Sequence[str]:
        """What was asked for besides."""
        included: Sequence[str] = self.request.json.get("include") or ()
        return included

    @property
    def summary(self) -> str:
        """The reasoning, where a summary was asked for."""
        return "".join(self.answer.reasoning) if object_in(self.request.json, "reasoning").get("summary") else ""

    def identity(self, prefix: str, position: int = 0) -> str:
        """Return an item's id."""
        return f"{prefix}_{identifier(self.request.digest, prefix, position)}"


def respond(request: Request, setting: Setting) -> Reply:
    """POST /v1/responses."""
    prompt, body = prompt_of(request, setting), request.json
    given = answer(prompt)
    told = _Told(request, setting, given, usage_of(prompt, [given]))
    if body.get("stream"):
        return _stream(told)
    return Reply(body=orjson.dumps(_response(told, _items(told))), headers=headers(request))


# The whole.


def _response(told: _Told, output: list[dict[str, Any]] | None) -> dict[str, Any]:
    """Return the response object; without output it is one that has only begun."""
    body = told.request.json
    status = "in_progress" if output is None else _status(told)
    reasoning, text = object_in(body, "reasoning"), object_in(body, "text")
    return {
        "id": f"resp_{told.request.digest}",
        "object": "response",
        "created_at": told.setting.created,
        "status": status,
        "background": False,
        "completed_at": told.setting.created if status == "completed" else None,
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "model": told.request.model,
        "output": output or [],
        "parallel_tool_calls": body.get("parallel_tool_calls") is not False,
        "previous_response_id": body.get("previous_response_id"),
        "reasoning": {"effort": reasoning.get("effort"), "summary": reasoning.get("summary")},
        "service_tier": "default",
        "store": body.get("store") is not False,
        "temperature": 1.0 if body.get("temperature") is None else body["temperature"],
        "text": {"format": text.get("format") or {"type": "text"}, "verbosity": text.get("verbosity") or "medium"},
        "tool_choice": body.get("tool_choice") or "auto",
        "tools": body.get("tools") or [],
        "top_logprobs": body.get("top_logprobs") or 0,
        "top_p": 1.0 if body.get("top_p") is None else body["top_p"],
        "truncation": "disabled",
        "usage": None if output is None else _usage(told.usage),
        "user": body.get("user"),
        "metadata": body.get("metadata") or {},
    }


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "input_tokens": usage.prompt,
        "input_tokens_details": {"cached_tokens": usage.cached, "cache_write_tokens": 0},
        "output_tokens": usage.completion,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.prompt + usage.completion,
    }


def _items(told: _Told) -> list[dict[str, Any]]:
    one = told.answer
    items = [_reasoning(told)] if one.reasoning else []
    if one.text or not (one.calls or (one.reasoning and one.finish == "length")):
        items.append(_message(told))
    return [*items, *(_call(told, call, position) for position, call in enumerate(one.calls))]


def _reasoning(told: _Told) -> dict[str, Any]:
    item: dict[str, Any] = {"id": told.identity("rs"), "type": "reasoning", "summary": _parts(told.summary)}
    if "reasoning.encrypted_content" in told.includes:
        item["encrypted_content"] = "gAAA" + identifier(told.request.digest, "".join(told.answer.reasoning))
    return item


def _parts(summary: str) -> list[dict[str, Any]]:
    return [{"type": "summary_text", "text": summary}] if summary else []


def _status(told: _Told) -> str:
    return "incomplete" if told.answer.finish == "length" else "completed"


def _message(told: _Told) -> dict[str, Any]:
    part = {"type": "output_text", "text": "".join(told.answer.text), "annotations": [], "logprobs": _logprobs(told, told.answer.text)}
    return {"id": told.identity("msg"), "type": "message", "status": _status(told), "role": "assistant", "content": [part]}


def _call(told: _Told, call: Call, position: int) -> dict[str, Any]:
    identity = told.identity("fc", position)
    return {"id": identity, "type": "function_call", "status": _status(told), "call_id": call.id, "name": call.name, "arguments": call.arguments}


def _logprobs(told: _Told, tokens: Sequence[str], start: int = 0) -> list[dict[str, Any]]:
    if "message.output_text.logprobs" not in told.includes:
        return []
    top: int = told.request.json.get("top_logprobs") or 0
    return scored(tokens, start, top)


# The stream.


def _stream(told: _Told) -> Reply:
    begun, items = _response(told, None), _items(told)
    events: list[dict[str, Any]] = [{"type": "response.created", "response": begun}, {"type": "response.in_progress", "response": begun}]
    for index, item in enumerate(items):
        events.append({"type": "response.output_item.added", "output_index": index, "item": _begin(item)})
        events += [{**event, "item_id": item["id"], "output_index": index} for event in _pieces(told, item)]
        events.append({"type": "response.output_item.done", "output_index": index, "item": item})
    whole = _response(told, items)
    events.append({"type": f"response.{whole['status']}", "response": whole})
    framed = [named_event({**event, "sequence_number": number}) for number, event in enumerate(events)]
    return Reply(content_type=EVENTS, headers=headers(told.request), events=framed[:-1], closing=framed[-1:])


def _begin(item: dict[str, Any]) -> dict[str, Any]:
    empty: dict[str, dict[str, Any]] = {"message": {"content": []}, "reasoning": {"summary": []}, "function_call": {"arguments": ""}}
    status = {"status": "in_progress"} if "status" in item else {}
    return {**item, **empty[item["type"]], **status}


def _pieces(told: _Told, item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    match item["type"]:
        case "reasoning":
            return _summary_pieces(told)
        case "message":
            return _text_pieces(told, item["content"][0])
        case _:
            return _argument_pieces(item)


def _summary_pieces(told: _Told) -> Iterator[dict[str, Any]]:
    if not told.summary:
        return
    place = {"summary_index": 0}
    yield {"type": "response.reasoning_summary_part.added", **place, "part": {"type": "summary_text", "text": ""}}
    for token in told.answer.reasoning:
        yield {"type": "response.reasoning_summary_text.delta", **place, "delta": token}
    yield {"type": "response.reasoning_summary_text.done", **place, "text": told.summary}
    yield {"type": "response.reasoning_summary_part.done", **place, "part": {"type": "summary_text", "text": told.summary}}


def _text_pieces(told: _Told, part: dict[str, Any]) -> Iterator[dict[str, Any]]:
    place = {"content_index": 0}
    padding = fillers()
    yield {"type": "response.content_part.added", **place, "part": {**part, "text": "", "logprobs": []}}
    for position, token in enumerate(told.answer.text):
        logprobs = _logprobs(told, [token], position)
        yield {"type": "response.output_text.delta", **place, "delta": token, "logprobs": logprobs, "obfuscation": next(padding)}
    yield {"type": "response.output_text.done", **place, "text": part["text"], "logprobs": part["logprobs"]}
    yield {"type": "response.content_part.done", **place, "part": part}


def _argument_pieces(item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    arguments: str = item["arguments"]
    for piece in pieces(arguments):
        yield {"type": "response.function_call_arguments.delta", "delta": piece}
    yield {"type": "response.function_call_arguments.done", "name": item["name"], "arguments": arguments}


# Failures.


def _failure_event(failure: Failure) -> bytes:
    error = orjson.loads(OPENAI.failure(failure).body)["error"]
    return named_event({"type": "error", "code": error["code"] or error["type"], "message": error["message"], "param": error["param"], "sequence_number": 0})


DIALECT = Dialect("responses", (Route("POST", "/v1/responses", respond),), OPENAI.failure, _failure_event)
