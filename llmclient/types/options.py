"""The keyword arguments of chat, stream and map: their types, and their check at run time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from llmclient.errors import InvalidRequestError
from llmclient.types import checks
from llmclient.types.chat import PARAMS
from llmclient.types.media import EMPTY, is_list, is_object
from llmclient.types.messages import JSONObject, Tool


class ChatOptions(TypedDict, total=False):
    """What may be given to `chat`, `stream` and `map` besides model and messages; None means not given."""

    system: str | None
    tools: Sequence[Tool | JSONObject] | None
    tool_choice: str | JSONObject | None
    parallel_tool_calls: bool | None
    response_format: JSONObject | str | None
    temperature: float | None
    top_p: float | None
    top_k: int | None
    max_tokens: int | None
    max_completion_tokens: int | None
    stop: str | Sequence[str] | None
    seed: int | None
    n: int | None
    presence_penalty: float | None
    frequency_penalty: float | None
    logprobs: bool | None
    top_logprobs: int | None
    logit_bias: Mapping[str, float] | None
    reasoning_effort: str | None
    thinking: JSONObject | None
    verbosity: str | None
    modalities: Sequence[str] | None
    audio: JSONObject | None
    prediction: JSONObject | None
    user: str | None
    metadata: Mapping[str, str] | None
    service_tier: str | None
    store: bool | None
    prompt_cache_key: str | None
    safety_identifier: str | None
    web_search_options: JSONObject | None
    extra: Mapping[str, Any] | None
    headers: Mapping[str, str] | None
    api: str | None
    timeout: Any
    retry: Any
    strict: bool | None
    api_key: str | None
    api_base: str | None


_KNOWN = frozenset(ChatOptions.__annotations__)
_REPLACED = {
    "stream": "call stream() instead of chat(stream=True)",
    "stream_options": "usage is always asked for in a stream; pass it in extra={} to send something else",
    "functions": "pass tools=[...]",
    "function_call": "pass tool_choice=...",
    "base_url": "pass api_base=...",
    "extra_body": "pass extra={...}",
    "extra_headers": "pass headers={...}",
    "max_retries": "pass retry=Retry(max_attempts=...)",
}
_NUMBERS = {"temperature", "top_p", "presence_penalty", "frequency_penalty"}
_INTEGERS = {"top_k": 0, "max_tokens": 1, "seed": None, "n": 1, "top_logprobs": 0}
_BOOLEANS = {"parallel_tool_calls", "logprobs", "store"}
_STRINGS = {"reasoning_effort", "verbosity", "user", "service_tier", "prompt_cache_key", "safety_identifier", "api"}
_MAPPINGS = {"thinking", "audio", "prediction", "metadata", "web_search_options", "extra", "headers"}


def check_names(options: Mapping[str, Any], known: frozenset[str] = _KNOWN, call: str = "chat") -> None:
    """Raise TypeError, with the nearest name or the replacement, for a keyword that nobody knows."""
    for name in options:
        if name in known:
            continue
        if name in _REPLACED:
            raise TypeError(f"{call}() takes no {name!r}: {_REPLACED[name]}")
        import difflib

        near = difflib.get_close_matches(name, sorted(known), 1)
        hint = f"did you mean {near[0]!r}?" if near else "what a provider alone knows goes into extra={...}"
        raise TypeError(f"{call}() got an unknown keyword {name!r}; {hint}")


def read_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a ChatRequest; raises InvalidRequestError for a value of the wrong type."""
    fields: dict[str, Any] = {}
    for name, value in options.items():
        if value is None:
            continue
        if name == "max_completion_tokens":
            if options.get("max_tokens") is not None:
                raise InvalidRequestError("", "max_tokens and max_completion_tokens mean the same here; pass one of them", param=name)
            name = "max_tokens"
        fields[name] = _read(name, value)
    return fields


def _read(name: str, value: Any) -> Any:
    if name in _NUMBERS:
        return checks.number(name, value)
    if name in _INTEGERS:
        return checks.integer(name, value, _INTEGERS[name])
    if name in _BOOLEANS:
        return checks.typed(name, value, bool, "a bool")
    if name in _STRINGS:
        return checks.typed(name, value, str, "a str")
    if name in _MAPPINGS:
        return checks.mapping(name, value)
    reader = _READERS.get(name)
    if reader is None:
        check_names({name: value}, frozenset(PARAMS))
        raise TypeError(f"{name!r} is no parameter of a request")
    return reader(name, value)


def _stop(name: str, value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else checks.strings(name, value)


def _logit_bias(name: str, value: Any) -> Mapping[str, float]:
    """Return the biases by token number, which callers write as a number and JSON as a text."""
    checks.typed(name, value, Mapping, "a dict of token numbers and biases")
    plain = {str(token) if isinstance(token, int) else token: checks.number(f"{name}[{token!r}]", bias) for token, bias in value.items()}
    return checks.mapping(name, plain)


def _tools(name: str, value: Any) -> tuple[Tool | JSONObject, ...]:
    if not is_list(value):
        raise InvalidRequestError("", f"{name} must be a list of tools, got {type(value).__name__}", param=name)
    return tuple(Tool.of(tool) for tool in value)


def _tool_choice(name: str, value: Any) -> str | JSONObject:
    if isinstance(value, str) or is_object(value):
        return value
    raise InvalidRequestError("", f'{name} must be "auto", "none", "required", a tool\'s name or a dict, got {type(value).__name__}', param=name)


def _response_format(name: str, value: Any) -> JSONObject:
    if isinstance(value, str) and value in ("text", "json_object"):
        return {"type": value}
    if not is_object(value):
        raise InvalidRequestError("", f'{name} must be "json_object" or a dict with a type, got {type(value).__name__}{_model_hint(value)}', param=name)
    if not isinstance(value.get("type"), str) or value["type"] not in ("text", "json_object", "json_schema", "grammar"):
        raise InvalidRequestError("", f'{name} must have the type "text", "json_object" or "json_schema"', param=name)
    form = value.get("json_schema", EMPTY)
    if not is_object(form) or not is_object(form.get("schema", EMPTY)):
        raise InvalidRequestError("", f'{name} must have the form {{"type": "json_schema", "json_schema": {{"name": "…", "schema": {{…}}}}}}', param=name)
    return value


def _model_hint(value: object) -> str:
    """Say how to pass a pydantic model, which callers try first."""
    schema = '{"type": "json_schema", "json_schema": {"name": "…", "schema": Model.model_json_schema()}}'
    return f"; of a pydantic model pass {schema}" if hasattr(value, "model_json_schema") else ""


_READERS = {
    "stop": _stop,
    "logit_bias": _logit_bias,
    "modalities": checks.strings,
    "tools": _tools,
    "tool_choice": _tool_choice,
    "response_format": _response_format,
}
