"""How much a model is to think, in the shape of its family, among the fields of the model's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from llmclient.dialects.anthropic import families as claude_families
from llmclient.dialects.anthropic.chat import AnthropicMessages
from llmclient.dialects.anthropic.thoughts import Thinker
from llmclient.dialects.base import Notes
from llmclient.dialects.bedrock.families import Family
from llmclient.dialects.params import OFF
from llmclient.types.chat import ChatRequest

if TYPE_CHECKING:
    from llmclient.dialects.bedrock.chat import BedrockConverse

_RANKS: Final = ("minimal", "low", "medium", "high", "xhigh", "max")
_CLAUDE: Final = AnthropicMessages()
_NO_CAP: Final = 1 << 40
"""Without a cap of the caller's, an answer may be as long as the model allows."""
_HIGHEST_ALONE: Final = ("temperature", "topP")
"""What Nova refuses beside its highest effort, as it does a cap of the answer."""


def write(
    dialect: BedrockConverse, family: Family, claude: claude_families.Family, request: ChatRequest, body: dict[str, Any], fields: dict[str, Any], notes: Notes
) -> None:
    """Add what the request says of thinking to `fields`, the model's own, and take back from the body what is refused beside it."""
    if family.thinking == "claude":
        _write_claude(dialect, claude, request, body, fields, notes)
        return
    given = request.reasoning_effort
    if given is None or family.thinking == "none" or "reasoning_effort" in dialect.unsupported:
        return
    if given in OFF:
        if not family.off:
            _put(family, _clamped(given, family.efforts[0], notes), fields)
        elif family.thinking == "nova":
            fields["reasoningConfig"] = {"type": "disabled"}
        return
    if given not in _RANKS:
        notes.drop("reasoning_effort", f"{given!r} is none of {', '.join(_RANKS)}")
        return
    sent = _nearest(given, family.efforts)
    if family.thinking == "nova" and sent == family.efforts[-1]:
        sent = _beside_cap(sent, family, body, notes)
    _put(family, sent if sent == given else _clamped(given, sent, notes), fields)


def _put(family: Family, effort: str, fields: dict[str, Any]) -> None:
    match family.thinking:
        case "nova":
            fields["reasoningConfig"] = {"type": "enabled", "maxReasoningEffort": effort}
        case "effort":
            fields["reasoning_effort"] = effort
        case _:
            fields["reasoning_config"] = effort


def _clamped(given: str, sent: str, notes: Notes) -> str:
    notes.clamp("reasoning_effort", given, sent)
    return sent


def _nearest(given: str, efforts: tuple[str, ...]) -> str:
    rank = _RANKS.index(given)
    return min(efforts, key=lambda word: (abs(_RANKS.index(word) - rank), -_RANKS.index(word)))


def _beside_cap(sent: str, family: Family, body: dict[str, Any], notes: Notes) -> str:
    """The highest effort stands alone: a cap of the answer goes before it, and it goes before the sampling."""
    config = body.get("inferenceConfig", {})
    if "maxTokens" in config:
        return family.efforts[-2]
    for name in _HIGHEST_ALONE:
        if config.pop(name, None) is not None:
            notes.drop({"topP": "top_p"}.get(name, name), "it is not taken beside the highest reasoning_effort")
    return sent


def _write_claude(
    dialect: BedrockConverse, claude: claude_families.Family, request: ChatRequest, body: dict[str, Any], fields: dict[str, Any], notes: Notes
) -> None:
    scratch: dict[str, Any] = {"max_tokens": request.max_tokens or _NO_CAP}
    forced = body.get("toolConfig", {}).get("toolChoice", {}).keys() & {"any", "tool"}
    if forced:
        scratch["tool_choice"] = {"type": "any"}
    rules = AnthropicMessages(unsupported=dialect.unsupported) if dialect.unsupported else _CLAUDE
    Thinker(rules, claude, request, scratch, notes).write()
    fields.update((name, scratch[name]) for name in ("thinking", "output_config") if name in scratch)
