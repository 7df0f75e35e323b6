"""Parameters on their way out: most are options of the model's runner, some stand beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from llmclient.dialects.base import Notes
from llmclient.dialects.params import OFF, given, schema_of
from llmclient.errors import InvalidRequestError
from llmclient.types.chat import ChatRequest
from llmclient.types.messages import JSONObject, Tool, write_tool

if TYPE_CHECKING:
    from llmclient.dialects.ollama.chat import OllamaChat

_OPTIONS: Final[Mapping[str, str]] = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "max_tokens": "num_predict",
    "stop": "stop",
    "seed": "seed",
    "presence_penalty": "presence_penalty",
    "frequency_penalty": "frequency_penalty",
}
"""Portable parameter -> the option it is."""
_CARRIED: Final = _OPTIONS.keys() | {"tools", "response_format", "logprobs", "top_logprobs", "reasoning_effort", "thinking"}
_RANKS: Final = ("minimal", "low", "medium", "high", "xhigh", "max")


def refusal(dialect: OllamaChat, name: str) -> str | None:
    """Return why a portable parameter cannot be carried, or None if it can."""
    if name not in _CARRIED:
        return "the dialect has no such parameter"
    return "the provider does not take it" if name in dialect.unsupported else None


def write(dialect: OllamaChat, request: ChatRequest, body: dict[str, Any], notes: Notes) -> None:
    """Add what the request gives to the body; raises InvalidRequestError for what must not be dropped and cannot be sent."""
    writer = _Writer(dialect, request, body, notes)
    for name, value in given(request):
        why = refusal(dialect, name)
        if name == "tool_choice":
            writer.tool_choice(value)
        elif why is not None:
            notes.drop(name, why)
        elif name in _OPTIONS:
            body.setdefault("options", {})[_OPTIONS[name]] = list(value) if name == "stop" else value
        else:
            _WRITERS[name](writer, value)


class _Writer:
    """Writes the parameters of one request that are no options into its body."""

    def __init__(self, dialect: OllamaChat, request: ChatRequest, body: dict[str, Any], notes: Notes) -> None:
        self._dialect = dialect
        self._request = request
        self._body = body
        self._notes = notes

    def tools(self, value: tuple[Tool | JSONObject, ...]) -> None:
        self._body["tools"] = [self._tool(tool) for tool in value]

    def _tool(self, tool: Tool | JSONObject) -> JSONObject:
        if not isinstance(tool, Tool):
            raise InvalidRequestError("", f"tools of the type {tool.get('type')!r} are not known here; functions are", param="tools")
        if tool.strict and all(warning.param != "tools.strict" for warning in self._notes.warnings):
            self._notes.drop("tools.strict", "calls are not held to their schema here")
        return write_tool(Tool(tool.name, tool.description, tool.parameters or {"type": "object", "properties": {}}, None, tool.extra))

    def tool_choice(self, value: str | JSONObject) -> None:
        """Tools that must not be called are left out; nothing else can be said."""
        if value in ("auto", {"type": "auto"}):
            return
        if value in ("none", {"type": "none"}):
            if self._body.pop("tools", None) is not None:
                self._notes.move("tool_choice", "cannot be said here: the tools were left out instead")
            else:
                self._notes.move("tool_choice", "was left out: there are no tools")
        else:
            self._notes.drop("tool_choice", "a call cannot be forced")

    def response_format(self, value: JSONObject) -> None:
        match value["type"]:
            case "json_object":
                self._body["format"] = "json"
            case "json_schema":
                self._body["format"] = schema_of(value)
            case kind:
                self._notes.drop("response_format", f"{kind} cannot be asked for")

    def logprobs(self, value: bool) -> None:
        self._body["logprobs"] = value

    def top_logprobs(self, value: int) -> None:
        self._body["top_logprobs"] = value

    # Thoughts.

    def thinking(self, value: JSONObject) -> None:
        is_on = value.get("type") != "disabled"
        if not (is_on and self._body.get("think")):
            # How hard to think was said by an effort before.
            self._body["think"] = is_on
        if is_on and value.get("budget_tokens") is not None:
            self._notes.drop("thinking.budget_tokens", "thoughts have no budget here")

    def reasoning_effort(self, value: str) -> None:
        thinking = self._request.thinking
        if thinking is not None and "thinking" not in self._dialect.unsupported and (thinking.get("type") == "disabled") is not (value in OFF):
            self._notes.drop("reasoning_effort", "thinking is given, and says otherwise")
        elif value in OFF:
            self._body["think"] = False
        elif value in _RANKS:
            self._body["think"] = self._nearest(value)
        else:
            self._notes.drop("reasoning_effort", f"{value!r} is none of {', '.join(_RANKS)}")

    def _nearest(self, given: str) -> str | bool:
        known = self._dialect.efforts
        if given in known or not known:
            return given if known else True
        rank = _RANKS.index(given)
        sent = min(known, key=lambda word: abs(_RANKS.index(word) - rank))
        self._notes.clamp("reasoning_effort", given, sent)
        return sent


_WRITERS: Final[Mapping[str, Callable[[_Writer, Any], None]]] = {
    "tools": _Writer.tools,
    "response_format": _Writer.response_format,
    "logprobs": _Writer.logprobs,
    "top_logprobs": _Writer.top_logprobs,
    "reasoning_effort": _Writer.reasoning_effort,
    "thinking": _Writer.thinking,
}
