"""What a call used."""

from __future__ import annotations

import decimal
from typing import Any

import attrs


@attrs.frozen(kw_only=True)
class Usage:
    """How much a call used. None means that the provider did not say; it is never made up.

    Counts are inclusive: `prompt_tokens` counts cache reads and writes, `completion_tokens` counts reasoning;
    the subsets say how many of them.
    """

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    """The provider's total, or the sum of both when it gives none."""
    cached_tokens: int | None = None
    """Of the prompt: read from the cache."""
    cache_write_tokens: int | None = None
    """Of the prompt: written to the cache."""
    reasoning_tokens: int | None = None
    """Of the completion: spent on thinking."""
    audio_tokens: int | None = None
    """Of prompt and completion together: audio."""
    prompt_audio_tokens: int | None = None
    completion_audio_tokens: int | None = None
    image_tokens: int | None = None
    cache_write_1h_tokens: int | None = None
    """Of the cache writes: kept for an hour, which is dearer."""
    characters: int | None = None
    """Unicode code points."""
    seconds: float | None = None
    """Of audio."""
    images: int | None = None
    requests: int | None = None
    """Searches or other units billed by the piece."""
    billed_prompt_tokens: int | None = None
    """What the provider bills of the prompt, where that is not what the model read."""
    billed_completion_tokens: int | None = None
    cost: decimal.Decimal | None = None
    """US dollars, where the provider reports them."""

    def to_dict(self) -> dict[str, Any]:
        """Return the usage in OpenAI's shape, without what is not known; counts that OpenAI has no name for keep ours."""
        out: dict[str, Any] = {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "total_tokens": self.total_tokens,
        }
        prompt = {"cached_tokens": self.cached_tokens, "cache_write_tokens": self.cache_write_tokens, "audio_tokens": self.prompt_audio_tokens}
        completion = {"reasoning_tokens": self.reasoning_tokens, "audio_tokens": self.completion_audio_tokens}
        out["prompt_tokens_details"] = _known(prompt) or None
        out["completion_tokens_details"] = _known(completion) or None
        for name in (*_OWN_NAMES, "characters", "seconds", "images", "requests"):
            out[name] = getattr(self, name)
        if self.cost is not None:
            out["cost"] = str(self.cost)
        return _known(out)


_OWN_NAMES = ("audio_tokens", "image_tokens", "cache_write_1h_tokens", "billed_prompt_tokens", "billed_completion_tokens")


def _known(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def total_of(prompt: int | None, completion: int | None) -> int | None:
    """Return the sum of what is known, or None if neither is."""
    if prompt is None or completion is None:
        return prompt if completion is None else completion
    return prompt + completion
