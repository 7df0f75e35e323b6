"""What a Claude model takes, read from its name: the API refuses what a model does not know, so one request does not fit all.

The facts are from https://platform.claude.com/docs/en/about-claude/models/overview and the models' own pages.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

import attrs

Thinking: TypeAlias = Literal["none", "budget", "both", "adaptive"]
"""How a model is told to think: not at all, by a budget of tokens, in either way, or only by an effort of its own choice."""
Off: TypeAlias = Literal["omit", "disabled", "between_tools", "never"]
"""How a model is kept from thinking: by saying nothing, by a word, or not at all."""
Version: TypeAlias = tuple[int, int]

EFFORTS: Final = ("low", "medium", "high", "xhigh", "max")


@attrs.frozen(kw_only=True)
class Family:
    """What the models of one generation take; the defaults are those of the fifth."""

    thinking: Thinking = "adaptive"
    off: Off = "disabled"
    efforts: tuple[str, ...] = EFFORTS
    """The words of `output_config.effort`, lowest first; none if it is refused."""
    sampling: bool = False
    """Whether temperature, top_p and top_k are taken."""
    both_samplers: bool = True
    """Whether temperature and top_p are taken together."""
    structured: bool = True
    """Whether answers and tool calls can be held to a schema."""
    forced_tools: bool = True
    """Whether a tool call can be forced."""
    system_turns: bool = True
    """Whether a system message may stand within the conversation."""
    omits_thoughts: bool = True
    """Whether the text of thoughts comes only when it is asked for."""


_OLD: Final = Family(thinking="none", off="omit", efforts=(), sampling=True, structured=False, system_turns=False, omits_thoughts=False)
_BUDGET: Final = attrs.evolve(_OLD, thinking="budget")
_SCHEMAS: Final = attrs.evolve(_BUDGET, structured=True, both_samplers=False)
_OPUS_4_5: Final = attrs.evolve(_SCHEMAS, efforts=("low", "medium", "high"))
_BOTH: Final = attrs.evolve(_SCHEMAS, thinking="both", efforts=("low", "medium", "high", "max"))
_OPUS_4_7: Final = Family(off="omit", system_turns=False)
_OPUS_4_8: Final = Family(off="omit")
_FIVE: Final = Family()
_ALWAYS: Final = Family(off="never")
_UNFORCED: Final = Family(off="never", forced_tools=False)
_SONNET_5_5: Final = Family(off="between_tools", forced_tools=False)
UNKNOWN: Final = Family(thinking="both", sampling=True, system_turns=False, omits_thoughts=False)
"""A name that tells nothing, such as a deployment's: what the caller gives is sent as it is, and the API has the last word."""

_FABLES: Final = (((5, 0), _ALWAYS), ((5, 1), _UNFORCED))
_LINES: Final[Mapping[str, tuple[tuple[Version, Family], ...]]] = {
    "haiku": (((0, 0), _OLD), ((4, 5), _SCHEMAS), ((5, 0), _FIVE)),
    "sonnet": (((0, 0), _OLD), ((3, 7), _BUDGET), ((4, 5), _SCHEMAS), ((4, 6), _BOTH), ((5, 0), _FIVE), ((5, 5), _SONNET_5_5)),
    "opus": (
        ((0, 0), _OLD), ((4, 0), _BUDGET), ((4, 1), _SCHEMAS), ((4, 5), _OPUS_4_5), ((4, 6), _BOTH), ((4, 7), _OPUS_4_7), ((4, 8), _OPUS_4_8),
        ((5, 0), _FIVE), ((5, 5), _UNFORCED),
    ),
    "fable": _FABLES,
    "mythos": _FABLES,
    "instant": (((0, 0), _OLD),),
    "": (((0, 0), _OLD), ((3, 0), UNKNOWN)),
}  # fmt: skip
"""Of each line of models: from which version on it is of which family. A newer one is taken to be like the newest known."""
_SEPARATORS: Final = re.compile(r"[-._@:/]")


@functools.lru_cache(maxsize=256)
def family_of(model: str) -> Family:
    """Return what a model takes; names with a vendor's prefix, a date or a host's suffix are understood."""
    named = _read_name(model.lower())
    if named is None:
        return UNKNOWN
    line, version = named
    if version is None:
        return _UNFORCED if line == "mythos" else UNKNOWN
    found = UNKNOWN
    for since, family in _LINES[line]:
        if version >= since:
            found = family
    return found


def _read_name(model: str) -> tuple[str, Version | None] | None:
    """Return the line and version in `claude-3-5-haiku-20241022`, `us.anthropic.claude-opus-4-6-v1`, `claude-haiku-4.5@20251001`."""
    _, found, rest = model.rpartition("claude-")
    if not found:
        return None
    line = ""
    numbers: list[int] = []
    for word in _SEPARATORS.split(rest):
        if word in _LINES and word:
            line = word
        elif word.isdecimal() and len(word) < 3 and len(numbers) < 2:
            numbers.append(int(word))
        elif word in ("v1", "v2") and not numbers and not line:
            numbers.append(int(word[1:]))
        else:
            break
    if not numbers:
        return line, None
    return line, (numbers[0], numbers[1] if len(numbers) > 1 else 0)
