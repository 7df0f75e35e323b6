"""Parameters on their way out: renamed, moved into range, or refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from llmclient.dialects.base import Notes, merge_extra
from llmclient.dialects.params import OFF, clamp
from llmclient.dialects.responses import tools
from llmclient.dialects.responses.families import Family
from llmclient.dialects.shapes import is_array, is_object
from llmclient.types.chat import PARAMS, ChatRequest
from llmclient.types.messages import JSONObject, Tool

if TYPE_CHECKING:
    from llmclient.dialects.responses.chat import OpenAIResponses

_CARRIED: Final = frozenset(
    """
    tools tool_choice parallel_tool_calls response_format temperature top_p max_tokens logprobs top_logprobs reasoning_effort verbosity user metadata
    service_tier store prompt_cache_key safety_identifier web_search_options
    """.split()
)
_SAMPLING: Final = frozenset({"temperature", "top_p", "logprobs", "top_logprobs"})
_EFFORTS: Final = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_ENCRYPTED: Final = "reasoning.encrypted_content"
_LOGPROBS: Final = "message.output_text.logprobs"
_LAID_OVER: Final = ("reasoning", "text")
"""Objects in which what `extra` gives goes beside what the parameters gave."""


def refusal(dialect: OpenAIResponses, family: Family, name: str) -> str | None:
    """Return why a portable parameter cannot be carried, or None if it can."""
    if name in dialect.unsupported:
        return "the provider does not take it"
    if name not in _CARRIED and name not in dialect.also:
        return "the Responses API has no such parameter"
    if name in _SAMPLING and family.sampling == "never":
        return "it is not taken by this model"
    if name == "reasoning_effort" and family.reasons is False:
        return "this model does not reason"
    if name == "response_format" and not dialect.structured:
        return "the provider formats no answers"
    if name == "web_search_options" and not dialect.web_search_tool:
        return "the provider has no such tool"
    return None


def write(dialect: OpenAIResponses, request: ChatRequest, body: dict[str, Any], notes: Notes) -> None:
    """Add what the request gives to the body; raises InvalidRequestError for what must not be dropped and cannot be sent."""
    _Writer(dialect, request, body, notes).write()


def merge(body: dict[str, Any], extra: Mapping[str, Any], notes: Notes) -> None:
    """Lay `extra` over the body: it wins, but for what only stands beside it in `reasoning`, `text` and `include`."""
    laid = dict(extra)
    for name in _LAID_OVER:
        if is_object(given := laid.get(name)) and is_object(ours := body.get(name)):
            for key in given.keys() & ours.keys():
                if given[key] != ours[key]:
                    notes.move(f"{name}.{key}", "was replaced by extra")
            body[name] = laid[name] = {**ours, **given}
    if is_array(wanted := laid.get("include")) and wanted and is_array(ours := body.get("include")):
        body["include"] = laid["include"] = list(dict.fromkeys([*ours, *wanted]))
    merge_extra(body, laid, notes)


class _Writer:
    """Writes the parameters of one request into its body."""

    def __init__(self, dialect: OpenAIResponses, request: ChatRequest, body: dict[str, Any], notes: Notes) -> None:
        self._dialect = dialect
        self._family = dialect.family_of(request.model)
        self._request = request
        self._body = body
        self._notes = notes
        self._include: list[str] = list(body.get("include", ()))

    def write(self) -> None:
        silenced = self._family.sampling == "unless_reasoning" and self._reasons()
        for name in PARAMS:
            value = getattr(self._request, name)
            if value is None or self._is_moot(name, value):
                continue
            why = refusal(self._dialect, self._family, name)
            if why is None and silenced and name in _SAMPLING:
                why = "it is not taken while the model reasons"
            if why is None:
                special = _SPECIAL.get(name)
                special(self, value) if special else self._body.update({name: value})
            else:
                self._notes.drop(name, why)
        if self._wants_encrypted():
            self._include.append(_ENCRYPTED)
        if self._include:
            self._body["include"] = self._include

    def _is_moot(self, name: str, value: Any) -> bool:
        """Whether leaving the parameter out says the same."""
        return (
            (name == "n" and value == 1)
            or (name in ("tools", "stop", "logit_bias") and not value)
            or (name == "logprobs" and not value)
            or (name == "modalities" and tuple(value) == ("text",))
            or (name == "reasoning_effort" and self._family.reasons is False and value in OFF)
        )

    def _reasons(self) -> bool:
        effort = self._request.reasoning_effort
        given = self._request.extra.get("reasoning")
        if effort is None and is_object(given):
            effort = given.get("effort")
        return self._family.by_default if effort is None else effort not in OFF

    def _wants_encrypted(self) -> bool:
        """Whether to ask for reasoning that the provider need not store; not where it does, or answers later from its store."""
        extra = self._request.extra
        stored = extra.get("store", self._body.get("store"))
        return stored is not True and not extra.get("background") and self._dialect.gives_encrypted(self._request.model)

    # Limits.

    def _max_tokens(self, value: int) -> None:
        sent = max(value, self._dialect.least_max_tokens)
        if sent != value:
            self._notes.clamp("max_tokens", value, sent)
        self._body["max_output_tokens"] = sent

    def _temperature(self, value: float) -> None:
        self._body["temperature"] = clamp("temperature", value, self._dialect.temperature_range, self._notes)

    def _logprobs(self, value: bool) -> None:
        if self._dialect.logprobs_in == "field":
            self._body["logprobs"] = value
        elif _LOGPROBS not in self._include:
            self._include.append(_LOGPROBS)

    def _top_logprobs(self, value: int) -> None:
        self._body["top_logprobs"] = value
        self._logprobs(True)

    # Reasoning.

    def _effort(self, given: str) -> None:
        effort = self._clamp_effort(given)
        if effort is not None:
            self._body["reasoning"] = {"effort": effort}

    def _clamp_effort(self, given: str) -> str | None:
        known = self._family.efforts
        if not known or given in known:
            return given
        if given not in _EFFORTS:
            self._notes.drop("reasoning_effort", f"{given!r} is none of {', '.join(known)}")
            return None
        rank = _EFFORTS.index(given)
        ranks = {word: _EFFORTS.index(word) for word in known if word in _EFFORTS}
        # Of two that are equally near, the lower is cheaper.
        sent = min(ranks, key=lambda word: (abs(ranks[word] - rank), ranks[word]))
        self._notes.clamp("reasoning_effort", given, sent)
        return sent

    # Tools and structured answers.

    def _tools(self, value: tuple[Tool | JSONObject, ...]) -> None:
        self._body["tools"] = tools.write(self._dialect, value, self._notes)

    def _tool_choice(self, value: str | JSONObject) -> None:
        choice = tools.write_choice(value, self._request.tools or ())
        if choice not in ("auto", "none") and not self._dialect.tool_choice_forced:
            self._notes.drop("tool_choice", "a call cannot be forced")
        self._body["tool_choice"] = choice

    def _parallel(self, value: bool) -> None:
        request, extra = self._request, self._request.extra
        if request.tools or request.web_search_options is not None or extra.get("tools") or extra.get("prompt"):
            self._body["parallel_tool_calls"] = value
        else:
            self._notes.drop("parallel_tool_calls", "there are no tools, and then it is refused")

    def _web_search(self, value: JSONObject) -> None:
        tool = tools.web_search(self._dialect.web_search_tool, value)
        self._body["tools"] = [*self._body.get("tools", ()), tool]

    def _response_format(self, value: JSONObject) -> None:
        kind = value["type"]
        if kind != "text" and kind not in self._dialect.structured:
            self._notes.drop("response_format", f"{kind} is none of {', '.join(sorted(self._dialect.structured))}")
        schema = value.get("json_schema")
        flat = {"type": kind, "name": "response", **schema} if is_object(schema) else value
        self._body["text"] = {**self._body.get("text", {}), "format": flat}

    def _verbosity(self, value: str) -> None:
        self._body["text"] = {**self._body.get("text", {}), "verbosity": value}


_SPECIAL: Final[Mapping[str, Callable[[_Writer, Any], None]]] = {
    "tools": _Writer._tools,
    "tool_choice": _Writer._tool_choice,
    "parallel_tool_calls": _Writer._parallel,
    "response_format": _Writer._response_format,
    "temperature": _Writer._temperature,
    "max_tokens": _Writer._max_tokens,
    "logprobs": _Writer._logprobs,
    "top_logprobs": _Writer._top_logprobs,
    "reasoning_effort": _Writer._effort,
    "verbosity": _Writer._verbosity,
    "web_search_options": _Writer._web_search,
}
