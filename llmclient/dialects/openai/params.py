"""Parameters on their way out: renamed, moved into range, or refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from llmclient.dialects.base import Notes
from llmclient.dialects.openai import schemas
from llmclient.dialects.params import OFF, check_stops, within
from llmclient.dialects.shapes import is_object
from llmclient.types.chat import PARAMS, ChatRequest
from llmclient.types.messages import JSONObject, Tool, write_tool

if TYPE_CHECKING:
    from llmclient.dialects.openai.chat import OpenAIChat

_EFFORTS: Final = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_SAMPLING: Final = frozenset({"temperature", "top_p", "presence_penalty", "frequency_penalty", "logprobs", "top_logprobs", "logit_bias"})
_LEAST_TEMPERATURE: Final = 0.01


def refusal(dialect: OpenAIChat, name: str) -> str | None:
    """Return why a portable parameter cannot be carried, or None if it can."""
    if name in dialect.unsupported or (dialect.allow is not None and name not in dialect.allow):
        return "the provider does not take it"
    if (name == "top_k" and not dialect.top_k) or (name == "thinking" and dialect.thinking_param == "none"):
        return "the provider has no such parameter"
    if name == "reasoning_effort" and dialect.reasoning_param == "none":
        return "the provider has no such parameter"
    if name == "parallel_tool_calls" and not dialect.parallel_tools:
        return "a turn holds one call only"
    if name == "response_format" and not dialect.structured:
        return "the provider formats no answers"
    return None


def write(dialect: OpenAIChat, request: ChatRequest, stream: bool, body: dict[str, Any], notes: Notes) -> None:
    """Add what the request gives to the body; raises InvalidRequestError for what must not be dropped and cannot be sent."""
    _Writer(dialect, request, stream, body, notes).write()


class _Writer:
    """Writes the parameters of one request into its body."""

    def __init__(self, dialect: OpenAIChat, request: ChatRequest, stream: bool, body: dict[str, Any], notes: Notes) -> None:
        self._dialect = dialect
        self._request = request
        self._stream = stream
        self._body = body
        self._notes = notes

    def write(self) -> None:
        silenced = self._reasons() and not self._dialect.sampling_with_reasoning
        for name in PARAMS:
            value = getattr(self._request, name)
            if value is None:
                continue
            why = refusal(self._dialect, name)
            if why is None and silenced and name in _SAMPLING:
                why = "it is not taken while the model reasons"
            if why is None and name == "parallel_tool_calls" and self._dialect.parallel_needs_tools and not self._request.tools:
                why = "it is refused where there are no tools"
            if why is None:
                special = _SPECIAL.get(name)
                special(self, value) if special else self._put(name, value)
            elif not self._is_moot(name, value):
                self._notes.drop(name, why)

    def _put(self, name: str, value: Any) -> None:
        self._body[self._dialect.rename.get(name, name)] = value

    def _is_moot(self, name: str, value: Any) -> bool:
        """Whether leaving the parameter out says the same."""
        if name == "tool_choice" and value == "none":
            self._without_tools()
            return True
        return (
            (name == "n" and value == 1)
            or (name == "tool_choice" and value == "auto")
            or (name in ("tools", "stop") and not value)
            or (name == "response_format" and value.get("type") == "text")
        )

    def _reasons(self) -> bool:
        effort = self._request.reasoning_effort
        if effort is not None:
            return effort not in OFF
        thinking = self._request.thinking
        return self._dialect.reasons_by_default if thinking is None else thinking.get("type") != "disabled"

    # Limits.

    def _max_tokens(self, value: int) -> None:
        self._body[self._dialect.rename.get("max_tokens", self._dialect.max_tokens_field)] = value

    def _temperature(self, value: float) -> None:
        sent = within(value, self._dialect.temperature_range)
        least = self._dialect.temperature_with_n
        if least is not None and (self._request.n or 1) > 1:
            sent = max(sent, least)
        if sent == 0 and self._dialect.temperature_exclusive_zero:
            sent = _LEAST_TEMPERATURE
        if sent != value:
            self._notes.clamp("temperature", value, sent)
        self._put("temperature", sent)

    def _stop(self, value: tuple[str, ...]) -> None:
        most = self._dialect.max_stop
        if most is not None:
            check_stops(value, most)
        if value:
            self._put("stop", list(value))

    def _modalities(self, value: tuple[str, ...]) -> None:
        self._put("modalities", list(value))

    # Reasoning.

    def _effort(self, given: str) -> None:
        effort = self._clamp_effort(given)
        if effort is None:
            return
        on = effort not in OFF
        match self._dialect.reasoning_param:
            case "reasoning_object":
                self._merge("reasoning", {"effort": effort})
            case "thinking_type":
                self._switch(given, "thinking", {"type": "enabled" if on else "disabled"})
            case "thinking_and_effort":
                self._body["thinking"] = {"type": "enabled" if on else "disabled"}
                if on:
                    self._put("reasoning_effort", effort)
            case "enable_thinking":
                self._switch(given, "enable_thinking", on)
            case "chat_template":
                self._switch(given, "chat_template_kwargs", {"enable_thinking": on})
            case _:
                self._put("reasoning_effort", effort)

    def _clamp_effort(self, given: str) -> str | None:
        known = self._dialect.efforts
        if not known or given in known:
            return given
        off = given in OFF
        # What is to think a little must not be told to stop thinking.
        ranks = {word: _EFFORTS.index(word) for word in known if word in _EFFORTS and (off or word not in OFF)}
        if not ranks or not (off or given in _EFFORTS):
            self._notes.drop("reasoning_effort", f"{given!r} is none of {', '.join(known)}")
            return None
        rank = 0 if off else _EFFORTS.index(given)
        # Of two that are equally near, the lower is cheaper.
        sent = min(ranks, key=lambda word: (abs(ranks[word] - rank), ranks[word]))
        self._notes.clamp("reasoning_effort", given, sent)
        return sent

    def _switch(self, given: str, name: str, value: Any) -> None:
        if given not in OFF:
            self._notes.move("reasoning_effort", f"{given!r} was sent as {name}; the provider knows only on and off")
        self._merge(name, value) if is_object(value) else self._body.update({name: value})

    def _thinking(self, value: JSONObject) -> None:
        on, budget = value.get("type") != "disabled", value.get("budget_tokens")
        match self._dialect.thinking_param:
            case "thinking_type":
                self._merge("thinking", {"type": "enabled" if on else "disabled"})
                self._lose_budget(budget)
            case "reasoning_object":
                self._merge("reasoning", {"enabled": on} if budget is None or not on else {"max_tokens": budget})
            case "enable_thinking":
                self._body["enable_thinking"] = on
                if budget is not None:
                    self._body["thinking_budget"] = budget
            case "chat_template":
                self._merge("chat_template_kwargs", {"enable_thinking": on})
                self._lose_budget(budget)
            case _:
                self._body["thinking"] = value

    def _lose_budget(self, budget: Any) -> None:
        if budget is not None:
            self._notes.drop("thinking.budget_tokens", "the provider knows only on and off")

    def _merge(self, name: str, value: JSONObject) -> None:
        before = self._body.get(name)
        self._body[name] = {**before, **value} if is_object(before) else value

    # Tools and structured answers.

    def _tools(self, value: tuple[Tool | JSONObject, ...]) -> None:
        if value and "tools" not in self._dropped():
            self._put("tools", [self._tool(tool) for tool in value])

    def _dropped(self) -> tuple[str, ...]:
        drops = self._request.tool_choice == "none" and self._dialect.none_drops_tools
        return ("tools",) if drops else ()

    def _without_tools(self) -> None:
        if self._body.pop(self._dialect.rename.get("tools", "tools"), None) is not None or self._dropped():
            self._notes.move("tool_choice", '"none" was said by sending no tools')

    def _tool(self, tool: Tool | JSONObject) -> JSONObject:
        written = write_tool(tool)
        function = written.get("function")
        if not is_object(function):
            return written
        return {**written, "function": self._tidy(function, "parameters", "tools")}

    def _tidy(self, holder: JSONObject, key: str, param: str) -> JSONObject:
        """Return a function or a named schema of a parameter, in which the schema under `key` is one that the provider takes."""
        if "strict" in holder and not self._dialect.tool_strict:
            self._drop_once("strict", "schemas are not enforced here")
            holder = {name: value for name, value in holder.items() if name != "strict"}
        schema = holder.get(key)
        if not is_object(schema):
            return holder
        if self._dialect.inline_refs:
            schema = schemas.inline(schema, param)
        if self._dialect.schema_drop:
            schema, gone = schemas.without(schema, self._dialect.schema_drop)
            for keyword in sorted(gone):
                self._drop_once(f"schema.{keyword}", "the keyword is not taken here")
        return holder if schema is holder[key] else {**holder, key: schema}

    def _drop_once(self, param: str, why: str) -> None:
        if all(warning.param != param for warning in self._notes.warnings):
            self._notes.drop(param, why)

    def _tool_choice(self, value: str | JSONObject) -> None:
        if value == "none" and self._dialect.none_drops_tools:
            self._without_tools()
            return
        names = _tool_names(self._request.tools or ())
        if isinstance(value, str) and (value in ("auto", "none", "required") or (value == "any" and value not in names)):
            self._put(self._dialect.tool_choice_field, self._required() if value in ("required", "any") else value)
            return
        named = {"type": "function", "function": {"name": value}} if isinstance(value, str) else value
        if named.get("type") not in ("auto", "none"):
            self._check_reasoning()
            if not self._dialect.tool_choice_named:
                self._notes.drop("tool_choice", "no tool can be forced by name")
        self._put("tool_choice", named)

    def _check_reasoning(self) -> None:
        if not self._dialect.tool_choice_with_reasoning and self._reasons():
            self._notes.drop("tool_choice", "a call cannot be forced while the model reasons")

    def _required(self) -> str:
        self._check_reasoning()
        word = self._dialect.tool_choice_required
        if word == "unsupported":
            self._notes.drop("tool_choice", "a call cannot be forced")
        return word

    def _response_format(self, value: JSONObject) -> None:
        kind = value["type"]
        if kind != "text":
            self._check_structured(kind)
        schema = value.get("json_schema")
        if is_object(schema):
            value = {**value, "json_schema": self._tidy(schema, "schema", "response_format")}
        self._put("response_format", value)

    def _check_structured(self, kind: str) -> None:
        if kind not in self._dialect.structured:
            self._notes.drop("response_format", f"{kind} is none of {', '.join(sorted(self._dialect.structured))}")
        if self._request.tools and not self._dialect.structured_with_tools:
            self._notes.drop("response_format", "it cannot stand beside tools")
        if self._stream and not self._dialect.structured_with_stream:
            self._notes.drop("response_format", "a formatted answer cannot be streamed")


def _tool_names(tools: tuple[Tool | JSONObject, ...]) -> set[str]:
    return {tool.name for tool in tools if isinstance(tool, Tool)}


_SPECIAL: Final[Mapping[str, Callable[[_Writer, Any], None]]] = {
    "tools": _Writer._tools,
    "tool_choice": _Writer._tool_choice,
    "response_format": _Writer._response_format,
    "temperature": _Writer._temperature,
    "max_tokens": _Writer._max_tokens,
    "stop": _Writer._stop,
    "modalities": _Writer._modalities,
    "reasoning_effort": _Writer._effort,
    "thinking": _Writer._thinking,
}
