"""Parameters on their way out: renamed, moved into range, or refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from llmclient.dialects.base import Notes
from llmclient.dialects.params import OFF, check_stops, clamp, given, schema_of
from llmclient.errors import InvalidRequestError
from llmclient.types.chat import ChatRequest
from llmclient.types.messages import JSONObject, Tool

if TYPE_CHECKING:
    from llmclient.dialects.cohere.chat import CohereChat

_CARRIED: Final = frozenset({
    "tools", "tool_choice", "response_format", "temperature", "top_p", "top_k", "max_tokens", "stop", "seed", "presence_penalty",
    "frequency_penalty", "logprobs", "reasoning_effort", "thinking",
})  # fmt: skip
_UNBOUNDED: Final = frozenset({"xhigh", "max"})
_ANY_OBJECT: Final[JSONObject] = {"type": "object", "properties": {}}


def refusal(dialect: CohereChat, name: str, model: str) -> str | None:
    """Return why a portable parameter cannot be carried, or None if it can."""
    if name not in _CARRIED:
        return "the dialect has no such parameter"
    if name in dialect.unsupported:
        return "the provider does not take it"
    if name == "reasoning_effort" and not dialect.reasons(model):
        return "this model is not known to reason; pass thinking= to ask for it anyway"
    return None


def write(dialect: CohereChat, request: ChatRequest, body: dict[str, Any], notes: Notes) -> None:
    """Add what the request gives to the body; raises InvalidRequestError for what must not be dropped and cannot be sent."""
    writer = _Writer(dialect, request, body, notes)
    for name, value in given(request):
        why = refusal(dialect, name, request.model)
        if why is None:
            _WRITERS[name](writer, value)
        elif not (name == "reasoning_effort" and value in OFF):
            notes.drop(name, why)


class _Writer:
    """Writes the parameters of one request into its body."""

    def __init__(self, dialect: CohereChat, request: ChatRequest, body: dict[str, Any], notes: Notes) -> None:
        self._dialect = dialect
        self._request = request
        self._body = body
        self._notes = notes

    # Tools.

    def tools(self, value: tuple[Tool | JSONObject, ...]) -> None:
        self._body["tools"] = [_write_tool(tool) for tool in value]
        strict = [tool.strict for tool in value if isinstance(tool, Tool)]
        if True in strict:
            self._body["strict_tools"] = True
            if False in strict or None in strict:
                self._notes.move("tools.strict", "was sent as strict_tools, which holds for all tools")

    def tool_choice(self, value: str | JSONObject) -> None:
        word = _choice_word(value, {tool.name for tool in self._request.tools or () if isinstance(tool, Tool)})
        if word != "auto":
            self._body["tool_choice"] = word

    # Answers.

    def response_format(self, value: JSONObject) -> None:
        match value["type"]:
            case "json_object":
                self._body["response_format"] = value
            case "json_schema":
                self._body["response_format"] = {"type": "json_object", "json_schema": schema_of(value)}
            case kind:
                self._notes.drop("response_format", f"{kind} cannot be asked for")

    def stop(self, value: tuple[str, ...]) -> None:
        check_stops(value, self._dialect.max_stop)
        self._body["stop_sequences"] = list(value)

    def same(self, name: str) -> Callable[[Any], None]:
        return lambda value: self._body.update({name: value})

    def ranged(self, name: str, field: str, bounds: tuple[float, float] | None, value: float) -> None:
        self._body[field] = clamp(name, value, bounds, self._notes)

    # Thoughts.

    def thinking(self, value: JSONObject) -> None:
        """Say Anthropic's shape in Cohere's words; Cohere's own fields pass as they are."""
        out = {"token_budget" if key == "budget_tokens" else key: item for key, item in value.items()}
        if out.get("type") == "adaptive":
            out["type"] = "enabled"
        self._body["thinking"] = out

    def reasoning_effort(self, value: str) -> None:
        if self._request.thinking is not None and "thinking" not in self._dialect.unsupported:
            self._notes.drop("reasoning_effort", "thinking is given, and there is no effort beside it")
        elif value in OFF:
            self._body["thinking"] = {"type": "disabled"}
        elif value in self._dialect.budgets:
            self._body["thinking"] = {"type": "enabled", "token_budget": self._dialect.budgets[value]}
        elif value in _UNBOUNDED:
            self._body["thinking"] = {"type": "enabled"}
        else:
            known = ", ".join([*self._dialect.budgets, *sorted(_UNBOUNDED)])
            self._notes.drop("reasoning_effort", f"{value!r} is none of {known}")


_WRITERS: Final[Mapping[str, Callable[[_Writer, Any], None]]] = {
    "tools": _Writer.tools,
    "tool_choice": _Writer.tool_choice,
    "response_format": _Writer.response_format,
    "temperature": lambda writer, value: writer.same("temperature")(value),
    "top_p": lambda writer, value: writer.ranged("top_p", "p", writer._dialect.top_p_range, value),
    "top_k": lambda writer, value: writer.ranged("top_k", "k", writer._dialect.top_k_range, value),
    "max_tokens": lambda writer, value: writer.same("max_tokens")(value),
    "stop": _Writer.stop,
    "seed": lambda writer, value: writer.same("seed")(value),
    "presence_penalty": lambda writer, value: writer.ranged("presence_penalty", "presence_penalty", writer._dialect.penalty_range, value),
    "frequency_penalty": lambda writer, value: writer.ranged("frequency_penalty", "frequency_penalty", writer._dialect.penalty_range, value),
    "logprobs": lambda writer, value: writer.same("logprobs")(value),
    "reasoning_effort": _Writer.reasoning_effort,
    "thinking": _Writer.thinking,
}


def _write_tool(tool: Tool | JSONObject) -> JSONObject:
    if not isinstance(tool, Tool):
        raise InvalidRequestError("", f"tools of the type {tool.get('type')!r} are not known here; functions are", param="tools")
    function: dict[str, Any] = {"name": tool.name}
    if tool.description is not None:
        function["description"] = tool.description
    function["parameters"] = tool.parameters or _ANY_OBJECT
    return {"type": "function", "function": function, **tool.extra}


def _choice_word(value: str | JSONObject, names: set[str]) -> str:
    """Return the choice on the wire; raises InvalidRequestError for a tool by name, which cannot be asked for."""
    word = value if isinstance(value, str) else str(value.get("type"))
    if word not in names:
        if word in ("required", "any", "REQUIRED"):
            return "REQUIRED"
        if word in ("none", "NONE"):
            return "NONE"
        if word == "auto":
            return word
    raise InvalidRequestError("", "tool_choice may be auto, required or none here: one tool cannot be named; pass only that tool", param="tool_choice")
