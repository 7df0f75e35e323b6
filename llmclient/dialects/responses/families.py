"""What OpenAI's models take, told by their names: whether they reason, at which efforts, and which sampling parameters."""

from __future__ import annotations

import fnmatch
import functools
from typing import Final, Literal

import attrs


@attrs.frozen(kw_only=True)
class Family:
    """What the models of one family have in common."""

    reasons: bool | None = None
    """Whether they can reason; None for models that we do not know."""
    by_default: bool = True
    """Whether they reason when no effort is given."""
    efforts: tuple[str, ...] = ()
    """The efforts that are taken, lowest first; empty for all."""
    sampling: Literal["always", "never", "unless_reasoning"] = "always"
    """When temperature, top_p and log probabilities are taken."""


UNKNOWN: Final = Family()
_TALKS: Final = Family(reasons=False)
_OLD: Final = Family(reasons=True, efforts=("low", "medium", "high"), sampling="never")
_FIRST: Final = Family(reasons=True, efforts=("minimal", "low", "medium", "high"), sampling="never")
_PRO: Final = Family(reasons=True, efforts=("medium", "high", "xhigh"), sampling="never")
_CODEX: Final = Family(reasons=True, efforts=("low", "medium", "high", "xhigh"), sampling="never")

_FAMILIES: Final[tuple[tuple[str, Family], ...]] = (
    ("gpt-3*", _TALKS),
    ("gpt-4*", _TALKS),
    ("chatgpt-*", _TALKS),
    ("gpt-5-chat*", _TALKS),
    ("gpt-5.3-chat*", _TALKS),
    ("o[1-9]*-deep-research*", attrs.evolve(_OLD, efforts=("medium",))),
    ("o1*", _OLD),
    ("o3*", _OLD),
    ("o4-*", _OLD),
    ("codex-mini*", _OLD),
    ("computer-use-preview*", attrs.evolve(_OLD, efforts=())),
    ("gpt-5-pro*", attrs.evolve(_OLD, efforts=("high",))),
    ("gpt-5-codex*", _OLD),
    ("gpt-5", _FIRST),
    ("gpt-5-*", _FIRST),
    ("gpt-5.[12]-chat*", attrs.evolve(_OLD, efforts=("medium",))),
    ("gpt-5.[1-9]-pro*", _PRO),
    ("gpt-5.1-codex-max*", _CODEX),
    ("gpt-5.1-codex*", _OLD),
    ("gpt-5.2-codex*", _CODEX),
    ("gpt-5.1*", Family(reasons=True, by_default=False, efforts=("none", "low", "medium", "high"), sampling="unless_reasoning")),
    ("gpt-5.[2-4]*", Family(reasons=True, by_default=False, efforts=("none", "low", "medium", "high", "xhigh"), sampling="unless_reasoning")),
    ("gpt-[5-9].*", Family(reasons=True, efforts=("none", "low", "medium", "high", "xhigh", "max"), sampling="unless_reasoning")),
    ("gpt-[6-9]*", Family(reasons=True, efforts=("none", "low", "medium", "high", "xhigh", "max"), sampling="unless_reasoning")),
    ("gpt-daybreak-*", Family(reasons=True)),
)
"""The first pattern that fits counts."""


@functools.lru_cache(maxsize=1024)
def family_of(model: str) -> Family:
    """Return what a model takes, whatever vendor's name a router or a fine-tuning puts before it."""
    name = model.rpartition("/")[2].lower().removeprefix("ft:").removeprefix("openai.")
    return next((family for pattern, family in _FAMILIES if fnmatch.fnmatchcase(name, pattern)), UNKNOWN)
