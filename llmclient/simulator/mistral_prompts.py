"""Mistral's requests, checked as Mistral checks them and brought into the simulator's form.

What its models have refused at some time is refused here: ids of calls that are not nine letters and digits, turns that say nothing, a
user's message after a tool's, an end that is the assistant's without `prefix`, and every field that Mistral does not define.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from llmclient.simulator.answers import AUDIO_TOKENS, FILE_TOKENS, IMAGE_TOKENS, Prompt, Tool, Turn
from llmclient.simulator.exchange import Failure, Request, Setting, is_dict, is_list

_SHARED = "model temperature top_p max_tokens min_tokens stream stop random_seed metadata prompt_cache_key"
_CHAT = frozenset(
    f"""
    {_SHARED} messages response_format tools tool_choice presence_penalty frequency_penalty repetition_penalty top_k logprobs top_logprobs n prediction
    parallel_tool_calls reasoning_effort prompt_mode guardrails service_tier safe_prompt
    """.split()
)
_FIM = frozenset(f"{_SHARED} prompt suffix".split())
_EMBEDDINGS = frozenset({"model", "input", "metadata", "output_dimension", "output_dtype", "encoding_format"})
_MESSAGES = {
    "system": frozenset({"role", "content"}),
    "user": frozenset({"role", "content"}),
    "assistant": frozenset({"role", "content", "tool_calls", "prefix"}),
    "tool": frozenset({"role", "content", "tool_call_id", "name"}),
}
_PARTS = {
    "text": frozenset({"type", "text"}),
    "image_url": frozenset({"type", "image_url"}),
    "document_url": frozenset({"type", "document_url", "document_name"}),
    "input_audio": frozenset({"type", "input_audio"}),
    "file": frozenset({"type", "file_id"}),
    "reference": frozenset({"type", "reference_ids"}),
    "thinking": frozenset({"type", "thinking", "signature", "closed"}),
}
_TOKENS = {"image_url": (IMAGE_TOKENS, 0), "input_audio": (0, AUDIO_TOKENS), "document_url": (FILE_TOKENS, 0), "file": (FILE_TOKENS, 0)}
_FUNCTION = frozenset({"name", "description", "parameters"})
_NUMBERS = {"temperature": 1.5, "top_p": 1.0}
_AFTER = {
    "": ("system", "user", "assistant"),
    "system": ("system", "user", "assistant"),
    "user": ("system", "user", "assistant"),
    "assistant": ("system", "user", "tool"),
    "tool": ("tool", "assistant"),
}
"""What may follow a message of each role."""


def prompt_of(request: Request, setting: Setting) -> Prompt:
    """Read a chat request; raises Failure in Mistral's words for what is wrong with it."""
    body = request.json
    check(body, _CHAT, ("model", "messages"))
    _check_numbers(body)
    messages = body["messages"]
    if not is_list(messages) or not messages:
        raise invalid(("messages",), "List should have at least 1 item after validation, not 0", "too_short")
    turns = [_turn(message, index) for index, message in enumerate(messages)]
    _check_order(messages)
    tools = tuple(_tool(tool, index) for index, tool in enumerate(body.get("tools") or ()))
    return Prompt(
        model=body["model"],
        turns=turns,
        digest=request.digest,
        seed=body.get("random_seed") or setting.seed,
        tools=tools,
        tool_choice=_choice(body.get("tool_choice"), tools),
        parallel=body.get("parallel_tool_calls") is not False,
        shape=_shape(body.get("response_format")),
        max_tokens=body.get("max_tokens"),
        stop=_stop(body.get("stop")),
        effort=body.get("reasoning_effort") or "none",
    )


def completion_of(request: Request, setting: Setting) -> Prompt:
    """Read a request to complete code; the answer is the prompt over again, up to a stop."""
    body = request.json
    check(body, _FIM, ("model", "prompt"))
    _check_numbers(body)
    prompt = body["prompt"]
    if not isinstance(prompt, str):
        raise invalid(("prompt",), "Input should be a valid string", "string_type")
    turns = (Turn("user", prompt),)
    return Prompt(body["model"], turns, request.digest, setting.seed, max_tokens=body.get("max_tokens"), stop=_stop(body.get("stop")))


def texts_of(request: Request) -> Sequence[str]:
    """Read a request for embeddings."""
    body = request.json
    check(body, _EMBEDDINGS, ("model", "input"))
    given = [body["input"]] if isinstance(body["input"], str) else body["input"]
    if not is_list(given) or not given or not all(isinstance(text, str) for text in given):
        raise invalid(("input",), "Input should be a valid string", "string_type")
    return given


# Complaints.


def invalid(where: Sequence[str | int], message: str, kind: str, given: object = None) -> Failure:
    """Return the failure of a field that is wrong; its list of details is the message."""
    detail = [{"type": kind, "loc": ["body", *where], "msg": message, "input": given}]
    return Failure(422, orjson.dumps({"detail": detail}).decode(), type="invalid_request_error")


def refuse(message: str, kind: str = "invalid_request_error", code: str | None = None) -> Failure:
    """Return the failure of a request that is wrong as a whole."""
    return Failure(400, message, type=kind, code=code)


def check(value: Mapping[str, Any], known: frozenset[str], needed: Sequence[str] = (), where: Sequence[str | int] = ()) -> None:
    """Raise Failure for a field that is missing, unknown, or null though it is needed."""
    for name in value:
        if name not in known:
            raise invalid((*where, name), "Extra inputs are not permitted", "extra_forbidden", value[name])
    for name in needed:
        if value.get(name) is None:
            raise invalid((*where, name), "Field required", "missing")


def _check_numbers(body: Mapping[str, Any]) -> None:
    for name, most in _NUMBERS.items():
        value = body.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most):
            raise invalid((name,), f"Input should be a valid number from 0 to {most:g}", "float_type", value)


# Messages.


def _turn(message: Any, index: int) -> Turn:
    role = message.get("role") if is_dict(message) else None
    if role not in _MESSAGES:
        raise invalid(("messages", index), "Input tag does not match any of the expected tags: 'assistant', 'system', 'tool', 'user'", "union_tag_invalid")
    where = ("messages", index, role)
    check(message, _MESSAGES[role], (), where)
    calls = message.get("tool_calls") or ()
    if role == "assistant" and not message.get("content") and not calls:
        raise refuse("Assistant message must have either content or tool_calls, but not none.", "invalid_request_assistant_message", "3240")
    text, media, audio = _content(message.get("content"), (*where, "content"))
    for call in calls:
        _check_id(call.get("id"))
        text += call["function"]["name"] + str(call["function"]["arguments"])
    if role == "tool":
        _check_id(message.get("tool_call_id"))
    return Turn(role, text, media, audio)


def _check_id(identity: object) -> None:
    if not isinstance(identity, str) or len(identity) != 9 or not (identity.isascii() and identity.isalnum()):
        raise refuse(f"Tool call id was {identity} but must be a-z, A-Z, 0-9, with a length of 9.", "invalid_function_call", "3280")


def _content(content: Any, where: tuple[str | int, ...]) -> tuple[str, int, int]:
    """Return the text of a message, and the tokens of its media and of its audio."""
    if content is None or isinstance(content, str):
        return content or "", 0, 0
    texts: list[str] = []
    media = audio = 0
    for index, part in enumerate(content):
        kind = part.get("type") if is_dict(part) else None
        if kind not in _PARTS:
            raise invalid((*where, index), f"Input tag {kind!r} does not match any of the expected tags", "union_tag_invalid")
        check(part, _PARTS[kind], (), (*where, index, kind))
        texts.append(part.get("text") or "")
        more = _TOKENS.get(kind, (0, 0))
        media, audio = media + more[0], audio + more[1]
    return "".join(texts), media, audio


def _check_order(messages: Sequence[Mapping[str, Any]]) -> None:
    before, waiting = "", 0
    for message in messages:
        role = message["role"]
        if role not in _AFTER[before]:
            raise refuse(f"Unexpected role '{role}' after role '{before}'", "invalid_request_message_order", "3230")
        if (waiting > 0) is not (role == "tool"):
            raise refuse("Not the same number of function calls and responses", "invalid_request_message_order", "3230")
        waiting = waiting - 1 if role == "tool" else len(message.get("tool_calls") or ())
        before = role
    last = messages[-1]
    if waiting or (last["role"] not in ("user", "tool") and not last.get("prefix")):
        complaint = f"Expected last role User or Tool (or Assistant with prefix True) for serving but got {last['role']}"
        raise refuse(complaint, "invalid_request_message_order", "3230")


# Tools and forms.


def _tool(tool: Any, index: int) -> Tool:
    where = ("tools", index)
    function = tool.get("function") if is_dict(tool) else None
    if not is_dict(function):
        raise invalid((*where, "function"), "Field required", "missing")
    check(function, _FUNCTION, ("name", "parameters"), (*where, "function"))
    parameters: Mapping[str, Any] = function["parameters"]
    for name in ("$schema", "$id", "$ref"):
        if name.encode() in orjson.dumps(parameters):
            raise refuse(f"Invalid tool schema: {name} is not supported", "invalid_request_invalid_args", "3051")
    return Tool(function["name"], parameters)


def _choice(choice: Any, tools: Sequence[Tool]) -> str:
    if is_dict(choice):
        function = choice.get("function")
        name = function.get("name") if is_dict(function) else None
        if all(tool.name != name for tool in tools):
            raise refuse(f"Tool {name} is not among the tools", "invalid_request_invalid_args", "3051")
        return f"={name}"
    words = {None: "auto", "auto": "auto", "none": "none", "any": "required", "required": "required"}
    if choice not in words:
        raise invalid(("tool_choice",), "Input should be 'auto', 'none', 'any' or 'required'", "enum", choice)
    return words[choice]


def _shape(form: Any) -> Mapping[str, Any] | bool | None:
    if form is None:
        return None
    given: Mapping[str, Any] = form if is_dict(form) else {}
    kind = given.get("type")
    if kind in ("text", "json_object"):
        return True if kind == "json_object" else None
    inner = given.get("json_schema") if kind == "json_schema" else None
    if not is_dict(inner) or not is_dict(inner.get("schema")):
        raise invalid(("response_format",), "Input should be 'text', 'json_object' or 'json_schema' with a schema", "enum")
    schema: Mapping[str, Any] = inner["schema"]
    return schema


def _stop(stop: Any) -> tuple[str, ...]:
    return (stop,) if isinstance(stop, str) else tuple(stop or ())
