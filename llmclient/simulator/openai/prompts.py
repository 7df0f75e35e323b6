"""OpenAI's chat requests, checked as OpenAI checks them and brought into the simulator's form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llmclient.simulator.answers import AUDIO_TOKENS, FILE_TOKENS, IMAGE_TOKENS, Prompt, Tool, Turn
from llmclient.simulator.exchange import Request, Setting
from llmclient.simulator.openai.checks import Rule, check, need, one_of, refuse, typed
from llmclient.simulator.openai.fields import choice_of, shape_of, tool_of

_RULES = {
    "temperature": Rule("decimal", 0, 2),
    "top_p": Rule("decimal", 0, 1),
    "presence_penalty": Rule("decimal", -2, 2),
    "frequency_penalty": Rule("decimal", -2, 2),
    "n": Rule("integer", 1, 128),
    "max_tokens": Rule("integer", 1),
    "max_completion_tokens": Rule("integer", 1),
    "logprobs": Rule("boolean"),
    "top_logprobs": Rule("integer", 0, 20),
    "seed": Rule("integer"),
    "stream": Rule("boolean"),
    "stream_options": Rule("object"),
    "tools": Rule("array"),
    "parallel_tool_calls": Rule("boolean"),
    "response_format": Rule("object"),
    "reasoning_effort": Rule("string"),
    "logit_bias": Rule("object"),
    "metadata": Rule("object"),
    "user": Rule("string"),
    "store": Rule("boolean"),
}
_ROLES = ("system", "assistant", "user", "function", "tool", "developer")
_PARTS = ("text", "image_url", "input_audio", "refusal", "audio", "file")
_MEDIA = {"image_url": (IMAGE_TOKENS, 0), "input_audio": (0, AUDIO_TOKENS), "file": (FILE_TOKENS, 0)}


def prompt_of(request: Request, setting: Setting) -> Prompt:
    """Read a chat request; raises Failure in OpenAI's words for what is wrong with it."""
    body = request.json
    if body.get("model") is None:
        raise refuse("you must provide a model parameter")
    model = typed(body["model"], "string", "model")
    check(body, _RULES)
    _check_pairs(body)
    turns = _turns(body)
    tools = tuple(_tool(tool, f"tools[{index}]") for index, tool in enumerate(body.get("tools") or ()))
    limit = body.get("max_completion_tokens")
    return Prompt(
        model=model,
        turns=turns,
        digest=request.digest,
        seed=setting.seed if body.get("seed") is None else body["seed"],
        tools=tools,
        tool_choice=choice_of(body.get("tool_choice"), tools, nested=True),
        parallel=body.get("parallel_tool_calls") is not False,
        shape=shape_of(body.get("response_format"), "response_format", nested=True),
        max_tokens=body.get("max_tokens") if limit is None else limit,
        stop=_stop(body.get("stop")),
        effort=body.get("reasoning_effort"),
    )


def _check_pairs(body: Mapping[str, Any]) -> None:
    if body.get("max_tokens") is not None and body.get("max_completion_tokens") is not None:
        raise refuse("Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.", "invalid_parameter_combination", "max_tokens")
    if body.get("top_logprobs") is not None and not body.get("logprobs"):
        raise refuse("The 'logprobs' parameter must be set to true when the 'top_logprobs' parameter is used.", None, "top_logprobs")
    if body.get("stream_options") is not None and not body.get("stream"):
        raise refuse("The 'stream_options' parameter is only allowed when 'stream' is enabled.", None, "stream_options")
    if body.get("tools") is None:
        for name in ("parallel_tool_calls", "tool_choice"):
            if body.get(name) not in (None, "none"):
                raise refuse(f"Invalid value for '{name}': '{name}' is only allowed when 'tools' are specified.", None, name)
    elif not body["tools"]:
        raise refuse("Invalid 'tools': empty array. Expected an array with minimum length 1, but got an empty array instead.", "empty_array", "tools")


def _turns(body: Mapping[str, Any]) -> list[Turn]:
    messages = need(body, "messages", "array")
    if not messages:
        raise refuse("Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.", "empty_array", "messages")
    turns = [_turn(typed(message, "object", f"messages[{index}]"), f"messages[{index}]") for index, message in enumerate(messages)]
    _check_results(messages)
    return turns


def _turn(message: Mapping[str, Any], path: str) -> Turn:
    role = one_of(need(message, "role", "string", f"{path}.role"), _ROLES, f"{path}.role")
    calls = message.get("tool_calls") or ()
    content = message.get("content")
    if content is None and not (role == "assistant" and (calls or message.get("refusal") or message.get("audio") or message.get("function_call"))):
        raise refuse(f"Invalid value for 'content': expected a string, got null. ({path}.content)", None, f"{path}.content")
    text, media, audio = _content(content, f"{path}.content")
    for index, call in enumerate(calls):
        where = f"{path}.tool_calls[{index}]"
        function = need(typed(call, "object", where), "function", "object", f"{where}.function")
        need(call, "id", "string", f"{where}.id")
        text += need(function, "name", "string", f"{where}.function.name") + need(function, "arguments", "string", f"{where}.function.arguments")
    return Turn({"developer": "system", "function": "tool"}.get(role, role), text, media, audio)


def _content(content: Any, path: str) -> tuple[str, int, int]:
    """Return the text of a message, and the tokens of its media and of its audio."""
    if isinstance(content, str) or content is None:
        return content or "", 0, 0
    texts: list[str] = []
    media = audio = 0
    for index, part in enumerate(typed(content, "array", path)):
        where = f"{path}[{index}]"
        kind = one_of(need(typed(part, "object", where), "type", "string", f"{where}.type"), _PARTS, f"{where}.type")
        if kind in ("text", "refusal"):
            texts.append(need(part, kind, "string", f"{where}.{kind}"))
            continue
        inner = need(part, kind, "object", f"{where}.{kind}")
        if kind == "image_url":
            need(inner, "url", "string", f"{where}.image_url.url")
        more = _MEDIA.get(kind, (0, AUDIO_TOKENS))
        media, audio = media + more[0], audio + more[1]
    return "".join(texts), media, audio


def _check_results(messages: list[Mapping[str, Any]]) -> None:
    """Each result must answer a call, and each call needs its result before anything else is said."""
    waiting: list[str] = []
    for index, message in enumerate(messages):
        if message["role"] == "tool":
            identity = need(message, "tool_call_id", "string", f"messages[{index}].tool_call_id")
            if identity not in waiting:
                complaint = "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'."
                raise refuse(complaint, None, f"messages.[{index}].role")
            waiting.remove(identity)
            continue
        if waiting:
            break
        waiting = [call["id"] for call in message.get("tool_calls") or ()]
    if waiting:
        complaint = (
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. "
            f"The following tool_call_ids did not have response messages: {', '.join(waiting)}"
        )
        raise refuse(complaint, None, "messages")


def _tool(tool: Any, path: str) -> Tool:
    kind = need(typed(tool, "object", path), "type", "string", f"{path}.type")
    one_of(kind, ("function", "custom"), f"{path}.type")
    return tool_of(need(tool, kind, "object", f"{path}.{kind}"), f"{path}.{kind}")


def _stop(stop: Any) -> tuple[str, ...]:
    stops = [stop] if isinstance(stop, str) else typed(stop or [], "array", "stop")
    if len(stops) > 4:
        raise refuse(
            f"Invalid 'stop': array too long. Expected an array with maximum length 4, but got an array with length {len(stops)} instead.",
            "array_above_max_length",
            "stop",
        )
    return tuple(typed(item, "string", f"stop[{index}]") for index, item in enumerate(stops) if item != "")
