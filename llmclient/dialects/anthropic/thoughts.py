"""How much a model is to think: an effort, a budget, or nothing, as its family takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from llmclient.dialects.anthropic.families import EFFORTS, Family
from llmclient.dialects.base import Notes
from llmclient.dialects.params import OFF
from llmclient.types.chat import ChatRequest
from llmclient.types.messages import EMPTY, JSONObject

if TYPE_CHECKING:
    from llmclient.dialects.anthropic.chat import AnthropicMessages

_RANKS: Final = ("minimal", *EFFORTS)
_LEAST_BUDGET: Final = 1_024
_USUAL: Final = "medium"
_INTERLEAVED: Final = "interleaved-thinking"
"""With this beta a budget may be larger than max_tokens."""


class Thinker:
    """Writes `thinking` and `output_config.effort` of one request, after everything else."""

    def __init__(self, dialect: AnthropicMessages, family: Family, request: ChatRequest, body: dict[str, Any], notes: Notes) -> None:
        self._dialect = dialect
        self._family = family
        self._request = request
        self._body = body
        self._notes = notes

    def write(self) -> None:
        """Add what the request says of thinking to the body."""
        thinking, effort = self._request.thinking, self._request.reasoning_effort
        if thinking is not None and self._takes("thinking"):
            self._write_thinking(thinking)
        if effort is not None and self._takes("reasoning_effort"):
            self._write_effort(effort, alone=thinking is None)
        self._fit_budget()

    def _takes(self, name: str) -> bool:
        return name not in self._dialect.unsupported and not (self._family.thinking == "none" and (name == "thinking" or not self._family.efforts))

    # The portable effort.

    def _write_effort(self, given: str, *, alone: bool) -> None:
        if given in OFF:
            if alone:
                self._switch_off("reasoning_effort", given)
            return
        if given not in _RANKS:
            self._notes.drop("reasoning_effort", f"{given!r} is none of {', '.join(_RANKS)}")
            return
        if self._family.efforts:
            self._config(self._nearest(given))
        elif not alone:
            self._notes.drop("reasoning_effort", "thinking is given, and this model knows no effort beside it")
        if alone and self._may_think("reasoning_effort", budget=self._family.thinking == "budget"):
            self._switch_on(given)

    def _nearest(self, given: str) -> str:
        known = self._family.efforts
        if given in known:
            return given
        rank = _RANKS.index(given)
        sent = min(known, key=lambda word: (abs(_RANKS.index(word) - rank), _RANKS.index(word)))
        self._notes.clamp("reasoning_effort", given, sent)
        return sent

    def _config(self, effort: str) -> None:
        self._body["output_config"] = {**self._body.get("output_config", EMPTY), "effort": effort}

    def _switch_on(self, effort: str) -> None:
        if self._family.thinking == "budget":
            self._body["thinking"] = {"type": "enabled", "budget_tokens": self._dialect.budgets[effort]}
        elif self._family.thinking != "none":
            self._body["thinking"] = self._adaptive(EMPTY)

    def _adaptive(self, rest: JSONObject) -> JSONObject:
        shown = {"display": "summarized"} if self._family.omits_thoughts else EMPTY
        return {"type": "adaptive", **shown, **rest}

    def _switch_off(self, param: str, given: str) -> None:
        match self._family.off:
            case "omit":
                return
            case "never":
                lowest = self._family.efforts[0]
                self._config(lowest)
                self._notes.clamp(param, given, lowest)
            case word:
                self._body["thinking"] = {"type": word}

    def _may_think(self, param: str, *, budget: bool = True) -> bool:
        """A forced call and a budget of thoughts exclude each other; the call goes before."""
        if budget and self._body.get("tool_choice", EMPTY).get("type") in ("any", "tool"):
            self._notes.drop(param, "no thoughts are taken beside a forced tool call")
            return False
        return True

    # Anthropic's own shape.

    def _write_thinking(self, given: JSONObject) -> None:
        kind = given.get("type")
        rest = {key: value for key, value in given.items() if key not in ("type", "budget_tokens")}
        if kind == "disabled" and self._family.off in ("between_tools", "never"):
            self._notes.move("thinking", "cannot be switched off in this model; it was kept as little as it can be")
            self._switch_off("thinking", "disabled")
        elif kind == "enabled" and self._family.thinking == "adaptive":
            self._notes.move("thinking", "was sent as adaptive: this model sets its own budget")
            self._body["thinking"] = self._adaptive(rest)
        elif kind == "adaptive" and self._family.thinking == "budget":
            if self._may_think("thinking"):
                self._notes.move("thinking", "was sent as a budget: this model sets none of its own")
                self._body["thinking"] = {"type": "enabled", "budget_tokens": self._dialect.budgets[_USUAL], **rest}
        elif kind != "enabled" or self._may_think("thinking"):
            self._body["thinking"] = given

    # Budgets.

    def _fit_budget(self) -> None:
        """Make room for the answer: without a cap of the caller's the cap grows, with one the budget shrinks."""
        thinking: JSONObject = self._body.get("thinking", EMPTY)
        budget = thinking.get("budget_tokens")
        if not isinstance(budget, int) or budget < self._body["max_tokens"] or self._is_interleaved():
            return
        if self._request.max_tokens is None:
            self._body["max_tokens"] = budget + self._dialect.default_max_tokens
            return
        room = self._request.max_tokens - 1
        param = "reasoning_effort" if self._request.thinking is None else "thinking"
        if room < _LEAST_BUDGET:
            del self._body["thinking"]
            self._notes.drop(param, f"max_tokens leaves no room for the {_LEAST_BUDGET} tokens of the smallest budget")
            return
        self._body["thinking"] = {**thinking, "budget_tokens": room}
        self._notes.clamp(f"{param}.budget_tokens", budget, room)

    def _is_interleaved(self) -> bool:
        return any(name.lower() == "anthropic-beta" and _INTERLEAVED in value for name, value in self._request.headers.items())
