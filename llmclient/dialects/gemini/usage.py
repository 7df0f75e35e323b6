"""Usage and finish reasons, as Google counts and names them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from llmclient.dialects.counts import count, find_reason
from llmclient.dialects.shapes import is_array, is_object
from llmclient.types.chat import FinishReason
from llmclient.types.messages import JSONObject
from llmclient.types.usage import Usage, total_of

_WORDS: Final[Mapping[FinishReason, str]] = {
    "stop": "STOP",
    "length": "MAX_TOKENS",
    "content_filter": """
        SAFETY RECITATION LANGUAGE BLOCKLIST PROHIBITED_CONTENT SPII MODEL_ARMOR ESCALATION PUP_LIMITED_DISABLED
        IMAGE_SAFETY IMAGE_PROHIBITED_CONTENT IMAGE_RECITATION
    """,
    "pause": "CONTINUATION",
    "error": """
        MALFORMED_FUNCTION_CALL UNEXPECTED_TOOL_CALL TOO_MANY_TOOL_CALLS MISSING_THOUGHT_SIGNATURE MALFORMED_RESPONSE NO_IMAGE IMAGE_OTHER
    """,
    "unknown": "OTHER FINISH_REASON_UNSPECIFIED",
}
FINISH_REASONS: Final[Mapping[str, FinishReason]] = {word: reason for reason, words in _WORDS.items() for word in words.split()}
_NUMBERS: Final = ("FINISH_REASON_UNSPECIFIED", "STOP", "MAX_TOKENS", "SAFETY", "RECITATION")
"""The words behind numbers, which come with `$alt=json;enum-encoding=int`; beyond these, Google's two APIs number differently."""
_NOTHING: Final = Usage()


def finish_word(raw: Any) -> str | None:
    """Return the provider's word for why an answer ended, or None where it has not."""
    if isinstance(raw, int) and not isinstance(raw, bool):
        return _NUMBERS[raw] if 0 <= raw < len(_NUMBERS) else str(raw)
    return raw if isinstance(raw, str) and raw else None


def read_finish(word: str | None, *, called: bool) -> FinishReason:
    """Return the portable reason; after a call the provider says STOP, too."""
    return find_reason(FINISH_REASONS, word, called=called)


def fold_usage(merged: dict[str, Any], usages: Sequence[JSONObject]) -> None:
    """Add the usage of further events of a stream: each holds totals, of which the last counts, and may leave out what an earlier one had.

    The first events of a stream hold an estimate of the prompt, which the last one may put right with a smaller number.
    """
    for usage in _condense(usages):
        for key, value in usage.items():
            if value.__class__ is int or merged.get(key).__class__ is not int:
                merged[key] = value


def _condense(usages: Sequence[JSONObject]) -> Sequence[JSONObject]:
    """Return the last usage alone where it says again all that the others say, as it nearly always does."""
    last = usages[-1]
    told = {key for key, value in last.items() if value.__class__ is int or not key.endswith("Count")}
    return usages if any(not usage.keys() <= told for usage in usages) else (last,)


def read_usage(value: Any) -> Usage | None:
    """Return the counts in the inclusive sense, or None when there are none.

    Thoughts stand beside the candidates and what tools read beside the prompt; cached tokens are a part of the prompt.
    """
    if not is_object(value):
        return None
    prompt = total_of(count(value, "promptTokenCount"), count(value, "toolUsePromptTokenCount"))
    thoughts = count(value, "thoughtsTokenCount")
    completion = total_of(count(value, "candidatesTokenCount"), thoughts)
    total = count(value, "totalTokenCount")
    heard = total_of(_modality(value, "promptTokensDetails", "AUDIO"), _modality(value, "toolUsePromptTokensDetails", "AUDIO"))
    spoken = _modality(value, "candidatesTokensDetails", "AUDIO")
    usage = Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=total_of(prompt, completion) if total is None else total,
        cached_tokens=count(value, "cachedContentTokenCount"),
        reasoning_tokens=thoughts,
        audio_tokens=total_of(heard, spoken),
        prompt_audio_tokens=heard,
        completion_audio_tokens=spoken,
        image_tokens=total_of(_modality(value, "promptTokensDetails", "IMAGE"), _modality(value, "toolUsePromptTokensDetails", "IMAGE")),
    )
    return None if usage == _NOTHING else usage


def _modality(value: JSONObject, name: str, kind: str) -> int | None:
    found = None
    rows = value.get(name)
    for row in rows if is_array(rows) else ():
        if is_object(row) and row.get("modality") == kind:
            found = total_of(found, count(row, "tokenCount"))
    return found
