"""Requests to the Responses API, checked as OpenAI checks them and brought into the simulator's form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from llmclient.simulator.answers import FILE_TOKENS, IMAGE_TOKENS, Prompt, Tool, Turn
from llmclient.simulator.exchange import Request, Setting, is_dict, object_in
from llmclient.simulator.openai.checks import Rule, check, need, one_of, refuse, typed
from llmclient.simulator.openai.fields import choice_of, shape_of, tool_of

_RULES = {
    "temperature": Rule("decimal", 0, 2),
    "top_p": Rule("decimal", 0, 1),
    "max_output_tokens": Rule("integer", 16),
    "top_logprobs": Rule("integer", 0, 20),
    "stream": Rule("boolean"),
    "store": Rule("boolean"),
    "tools": Rule("array"),
    "include": Rule("array"),
    "parallel_tool_calls": Rule("boolean"),
    "reasoning": Rule("object"),
    "text": Rule("object"),
    "metadata": Rule("object"),
    "instructions": Rule("string"),
    "user": Rule("string"),
}
_UNKNOWN = ("messages", "max_tokens", "max_completion_tokens", "n", "stop", "seed", "response_format", "reasoning_effort", "logit_bias")
"""Fields of chat completions, which the API does not know."""
_ROLES = ("assistant", "system", "developer", "user")
_PARTS = ("input_text", "input_image", "input_file", "output_text", "refusal")
_MEDIA = {"input_image": IMAGE_TOKENS, "input_file": FILE_TOKENS}
_CALLS = {"function_call": "function_call_output", "custom_tool_call": "custom_tool_call_output"}
_INCLUDES = (
    *("file_search_call.results", "web_search_call.results", "web_search_call.action.sources", "message.input_image.image_url"),
    *("computer_call_output.output.image_url", "code_interpreter_call.outputs", "reasoning.encrypted_content", "message.output_text.logprobs"),
)


def prompt_of(request: Request, setting: Setting) -> Prompt:
    """Read a request; raises Failure in OpenAI's words for what is wrong with it."""
    body = request.json
    if body.get("model") is None:
        raise refuse("Missing required parameter: 'model'.", "missing_required_parameter", "model")
    unknown = next((name for name in _UNKNOWN if name in body), None)
    if unknown is not None:
        raise refuse(f"Unknown parameter: '{unknown}'.", "unknown_parameter", unknown)
    check(body, _RULES)
    for index, word in enumerate(body.get("include") or ()):
        one_of(word, _INCLUDES, f"include[{index}]")
    tools = tuple(tool for index, given in enumerate(body.get("tools") or ()) for tool in _tools(given, f"tools[{index}]"))
    turns = _turns(body)
    return Prompt(
        model=typed(body["model"], "string", "model"),
        turns=turns,
        digest=request.digest,
        seed=setting.seed,
        tools=tools,
        tool_choice=_choice(body.get("tool_choice"), tools),
        parallel=body.get("parallel_tool_calls") is not False,
        shape=_shape(body, turns),
        max_tokens=body.get("max_output_tokens"),
        effort=object_in(body, "reasoning").get("effort"),
    )


def _turns(body: Mapping[str, Any]) -> list[Turn]:
    given = body.get("input")
    system = [Turn("system", body["instructions"])] if body.get("instructions") else []
    if isinstance(given, str) and given:
        return [*system, Turn("user", given)]
    if not given:
        raise refuse("Missing required parameter: 'input'.", "missing_required_parameter", "input")
    items = [typed(item, "object", f"input[{index}]") for index, item in enumerate(typed(given, "array", "input"))]
    _check_reasoning(items)
    _check_results(items)
    return [*system, *(turn for index, item in enumerate(items) if (turn := _turn(item, f"input[{index}]")) is not None)]


def _turn(item: Mapping[str, Any], path: str) -> Turn | None:
    """Return what an item says; None for what the provider's own tools did."""
    kind = item.get("type", "message")
    if kind == "message":
        role = one_of(need(item, "role", "string", f"{path}.role"), _ROLES, f"{path}.role")
        text, media = _content(item.get("content"), f"{path}.content")
        return Turn("system" if role == "developer" else role, text, media)
    if kind in _CALLS:
        arguments = need(item, "arguments" if kind == "function_call" else "input", "string", f"{path}.arguments")
        return Turn("assistant", need(item, "name", "string", f"{path}.name") + arguments)
    if kind in _CALLS.values():
        return Turn("tool", *_content(item.get("output"), f"{path}.output"))
    return None


def _content(content: Any, path: str) -> tuple[str, int]:
    """Return the text of a content, and the tokens of its media."""
    if isinstance(content, str):
        return content, 0
    if content is None:
        raise refuse(f"Missing required parameter: '{path}'.", "missing_required_parameter", path)
    texts: list[str] = []
    media = 0
    for index, part in enumerate(typed(content, "array", path)):
        where = f"{path}[{index}]"
        kind = one_of(need(typed(part, "object", where), "type", "string", f"{where}.type"), _PARTS, f"{where}.type")
        if kind in _MEDIA:
            media += _MEDIA[kind]
        else:
            name = "refusal" if kind == "refusal" else "text"
            texts.append(need(part, name, "string", f"{where}.{name}"))
    return "".join(texts), media


def _check_reasoning(items: list[Mapping[str, Any]]) -> None:
    """Reasoning is taken only with what came of it."""
    if items[-1].get("type") == "reasoning":
        raise refuse(f"Item '{items[-1].get('id')}' of type 'reasoning' was provided without its required following item.", None, "input")


def _check_results(items: list[Mapping[str, Any]]) -> None:
    """Each result must answer a call before it, and each call needs its result."""
    waiting: list[str] = []
    for index, item in enumerate(items):
        kind = item.get("type")
        if kind in _CALLS:
            waiting.append(need(item, "call_id", "string", f"input[{index}].call_id"))
        elif kind in _CALLS.values():
            identity = need(item, "call_id", "string", f"input[{index}].call_id")
            if identity not in waiting:
                raise refuse(f"No tool call found for function call output with call_id {identity}.", None, "input")
            waiting.remove(identity)
    if waiting:
        raise refuse(f"No tool output found for function call {waiting[0]}.", None, "input")


def _tools(tool: Any, path: str) -> list[Tool]:
    """Return the function that a tool is; none for what the provider would run itself."""
    kind = need(typed(tool, "object", path), "type", "string", f"{path}.type")
    if kind not in ("function", "custom"):
        return []
    return [tool_of(tool, path)]


def _choice(choice: Any, tools: Sequence[Tool]) -> str:
    if is_dict(choice) and choice.get("type") == "allowed_tools":
        return str(one_of(need(choice, "mode", "string", "tool_choice.mode"), ("auto", "required"), "tool_choice.mode"))
    return choice_of(choice, tools, nested=False)


def _shape(body: Mapping[str, Any], turns: list[Turn]) -> Mapping[str, Any] | bool | None:
    shape = shape_of(object_in(body, "text").get("format"), "text.format", nested=False)
    spoken = turns[1:] if body.get("instructions") else turns
    if shape is True and not any("json" in turn.text.lower() for turn in spoken):
        raise refuse("Response input messages must contain the word 'json' in some form to use 'text.format' of type 'json_object'.", None, "input")
    return shape
