"""Parameters on their way out: renamed, moved into range, fitted to the model, or refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from llmclient.dialects.anthropic import schemas, tools
from llmclient.dialects.anthropic.families import Family
from llmclient.dialects.anthropic.thoughts import Thinker
from llmclient.dialects.anthropic.tools import Names
from llmclient.dialects.base import Notes
from llmclient.dialects.params import OFF, clamp, find_tier, given, schema_of
from llmclient.errors import InvalidRequestError
from llmclient.types.chat import ChatRequest
from llmclient.types.messages import EMPTY, JSONObject

if TYPE_CHECKING:
    from llmclient.dialects.anthropic.chat import AnthropicMessages

SAMPLING: Final = frozenset({"temperature", "top_p", "top_k"})
NO_SAMPLING_SINCE: Final = "2026-10-21"
"""The API version that refuses sampling parameters for every model."""
_CARRIED: Final = SAMPLING | {
    "tools", "tool_choice", "parallel_tool_calls", "response_format", "max_tokens", "stop", "reasoning_effort", "thinking", "user", "service_tier",
}  # fmt: skip
_LATER: Final = frozenset({"reasoning_effort", "thinking"})
"""They depend on the rest."""
_TIERS: Final[Mapping[str, str]] = {"auto": "auto", "standard_only": "standard_only", "default": "standard_only", "standard": "standard_only"}
_LEAST_TOP_P: Final = 0.95
"""The least top_p beside thoughts."""


def refusal(dialect: AnthropicMessages, family: Family, version: str, name: str) -> str | None:
    """Return why a portable parameter cannot be carried, or None if it can."""
    if name not in _CARRIED:
        return "the dialect has no such parameter"
    if name in dialect.unsupported:
        return "the provider does not take it"
    if name in SAMPLING and (not family.sampling or _is_newer(version)):
        return "it is not taken by this model" if not family.sampling else f"it is not taken since API version {NO_SAMPLING_SINCE}"
    if name == "reasoning_effort" and family.thinking == "none" and not family.efforts:
        return "this model does not reason"
    if name == "thinking" and family.thinking == "none":
        return "this model does not reason"
    if name == "response_format" and (dialect.structured == "none" or not family.structured):
        return "this model's answers cannot be held to a schema; force a tool call instead"
    return None


def _is_newer(version: str) -> bool:
    return version[:1].isdigit() and version >= NO_SAMPLING_SINCE


def hush(places: Iterable[tuple[str, str, dict[str, Any]]], notes: Notes) -> None:
    """Drop the sampling parameters that are refused beside thoughts; of each: its portable name, its name there, and what it stands in."""
    for param, name, holder in places:
        value = holder.get(name)
        if value is None or (param == "temperature" and value == 1) or (param == "top_p" and value >= _LEAST_TOP_P):
            continue
        del holder[name]
        notes.drop(param, "it is not taken while the model reasons")


def write(dialect: AnthropicMessages, family: Family, version: str, request: ChatRequest, names: Names, body: dict[str, Any], notes: Notes) -> None:
    """Add what the request gives to the body; raises InvalidRequestError for what must not be dropped and cannot be sent."""
    _Writer(dialect, family, version, request, names, body, notes).write()


class _Writer:
    """Writes the parameters of one request into its body."""

    def __init__(
        self, dialect: AnthropicMessages, family: Family, version: str, request: ChatRequest, names: Names, body: dict[str, Any], notes: Notes
    ) -> None:
        self._dialect = dialect
        self._family = family
        self._version = version
        self._request = request
        self._names = names
        self._body = body
        self._notes = notes

    def write(self) -> None:
        self._body["max_tokens"] = self._request.max_tokens or self._dialect.default_max_tokens
        for name, value in given(self._request):
            if self._family.thinking == "none" and self._is_moot(name, value):
                continue
            why = refusal(self._dialect, self._family, self._version, name)
            if why is not None:
                self._notes.drop(name, why)
            elif name not in _LATER:
                special = _SPECIAL.get(name)
                special(self, value) if special else self._body.update({name: value})
        Thinker(self._dialect, self._family, self._request, self._body, self._notes).write()
        self._hush()

    def _is_moot(self, name: str, value: Any) -> bool:
        """Whether leaving the parameter out says the same to a model that does not think."""
        return bool((name == "thinking" and value.get("type") == "disabled") or (name == "reasoning_effort" and value in OFF))

    # Tools.

    def _tools(self, value: Any) -> None:
        self._body["tools"] = tools.write(self._dialect, self._family, value, self._names, self._notes)

    def _tool_choice(self, value: str | JSONObject) -> None:
        choice = tools.write_choice(self._family, value, self._names, self._notes)
        if not self._request.tools and choice["type"] in ("auto", "none"):
            self._notes.move("tool_choice", "was left out: there are no tools, and then it is refused")
        else:
            self._body["tool_choice"] = choice

    def _parallel(self, value: bool) -> None:
        choice = self._body.get("tool_choice")
        if choice is None:
            if not self._request.tools:
                self._notes.drop("parallel_tool_calls", "there are no tools")
            elif not value:
                self._body["tool_choice"] = {"type": "auto", "disable_parallel_tool_use": True}
        elif choice["type"] != "none" and (not value or "disable_parallel_tool_use" in choice):
            self._body["tool_choice"] = {**choice, "disable_parallel_tool_use": not value}

    # Answers.

    def _response_format(self, value: JSONObject) -> None:
        if value["type"] != "json_schema":
            self._notes.drop("response_format", f"{value['type']} cannot be asked for; pass a json_schema")
        shape = {"type": "json_schema", "schema": schemas.fit(self._dialect, schema_of(value), self._notes)}
        if self._dialect.structured == "output_format":
            self._body["output_format"] = shape
        else:
            self._body["output_config"] = {"format": shape}

    def _max_tokens(self, value: int) -> None:
        self._body["max_tokens"] = value

    def _stop(self, value: tuple[str, ...]) -> None:
        if not all(stop.strip() for stop in value):
            raise InvalidRequestError("", "a stop sequence must hold more than blanks here", param="stop")
        self._body["stop_sequences"] = list(value)

    def _temperature(self, value: float) -> None:
        self._body["temperature"] = clamp("temperature", value, self._dialect.temperature_range, self._notes)

    def _user(self, value: str) -> None:
        self._body["metadata"] = {"user_id": value}

    def _service_tier(self, value: str) -> None:
        sent = find_tier(value, _TIERS, self._notes)
        if sent is not None:
            self._body["service_tier"] = sent

    def _hush(self) -> None:
        """Drop the sampling parameters that are refused beside thoughts, and top_p where it is refused beside a temperature."""
        if self._body.get("thinking", EMPTY).get("type") in ("enabled", "adaptive"):
            hush([(name, name, self._body) for name in ("temperature", "top_p", "top_k")], self._notes)
        if not self._family.both_samplers and "temperature" in self._body and "top_p" in self._body:
            del self._body["top_p"]
            self._notes.drop("top_p", "this model takes no top_p beside a temperature")


_SPECIAL: Final[Mapping[str, Callable[[_Writer, Any], None]]] = {
    "tools": _Writer._tools,
    "tool_choice": _Writer._tool_choice,
    "parallel_tool_calls": _Writer._parallel,
    "response_format": _Writer._response_format,
    "max_tokens": _Writer._max_tokens,
    "stop": _Writer._stop,
    "temperature": _Writer._temperature,
    "user": _Writer._user,
    "service_tier": _Writer._service_tier,
}
