"""What travels with a request: the provider's settings on the way in, the bytes to send on the way out."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs

from llmclient.types.answer import Warning
from llmclient.types.messages import EMPTY

if TYPE_CHECKING:
    from llmclient.deadline import Timeout
    from llmclient.retry import CallGroup, Retry
    from llmclient.types.config import ProviderConfig


class Capability(enum.StrEnum):
    """What a provider can do; operations are filled slots, the rest comes from its models."""

    CHAT_COMPLETION = "chat_completion"
    CHAT_COMPLETION_STREAM = "chat_completion_stream"
    EMBEDDINGS = "embeddings"
    TOOL_CALLING = "tool_calling"
    VISION_INPUT = "vision_input"
    AUDIO_INPUT = "audio_input"
    AUDIO_OUTPUT = "audio_output"
    IMAGE_GENERATION = "image_generation"
    IMAGE_EDIT = "image_edit"
    TEXT_TO_SPEECH = "text_to_speech"
    SPEECH_TO_TEXT = "speech_to_text"
    MODERATION = "moderation"
    RERANK = "rerank"
    STRUCTURED_OUTPUT = "structured_output"
    REASONING = "reasoning"
    BATCH = "batch"
    FILES = "files"
    LIST_MODELS = "list_models"
    COUNT_TOKENS = "count_tokens"


OPERATIONS: Final[Mapping[str, Capability]] = {
    "chat": Capability.CHAT_COMPLETION,
    "embed": Capability.EMBEDDINGS,
    "rerank": Capability.RERANK,
    "image": Capability.IMAGE_GENERATION,
    "edit_image": Capability.IMAGE_EDIT,
    "speech": Capability.TEXT_TO_SPEECH,
    "transcribe": Capability.SPEECH_TO_TEXT,
    "moderate": Capability.MODERATION,
    "list_models": Capability.LIST_MODELS,
    "count_tokens": Capability.COUNT_TOKENS,
    "files": Capability.FILES,
    "batches": Capability.BATCH,
}
"""Operation, which is the name of a provider's slot -> what it makes the provider able to do."""

ABILITIES: Final[Mapping[str, Capability]] = {
    "tools": Capability.TOOL_CALLING,
    "vision": Capability.VISION_INPUT,
    "audio_input": Capability.AUDIO_INPUT,
    "audio_output": Capability.AUDIO_OUTPUT,
    "json_schema": Capability.STRUCTURED_OUTPUT,
    "reasoning": Capability.REASONING,
}
"""Ability of a model -> what it makes the provider able to do."""


def capabilities_of(slots: Iterable[str], abilities: Iterable[str]) -> frozenset[Capability]:
    """Return what filled slots and the abilities of models come to; whoever can chat can stream."""
    found = {OPERATIONS[slot] for slot in slots} | {ABILITIES[ability] for ability in abilities if ability in ABILITIES}
    return frozenset(found | {Capability.CHAT_COMPLETION_STREAM} if Capability.CHAT_COMPLETION in found else found)


@attrs.frozen(kw_only=True)
class RequestContext:
    """Who is asked, and how: all that a dialect may know besides the request."""

    provider: str
    config: ProviderConfig
    request_id: str = ""
    """Ours; it is sent where the provider has a header for it."""
    stream: bool = False
    """Whether the caller wants a stream."""
    strict: bool = False
    """Whether a parameter that cannot be carried is an error instead of a warning."""
    timeout: Timeout | None = None
    """None for the provider's."""
    retry: Retry | None = None
    """None for the provider's."""
    group: CallGroup | None = None
    """Who can cancel this call together with others."""
    keep: bool = True
    """Whether the answer keeps its raw bytes and the request that was sent."""


@attrs.frozen(kw_only=True)
class WireRequest:
    """What a dialect wants to be sent. Path values are quoted already; host and auth are the provider's business."""

    path: str
    body: Mapping[str, Any] | bytes | None = None
    """A mapping is sent as JSON; bytes go as they are, with a content type in `headers`."""
    method: str = "POST"
    headers: Mapping[str, str] = EMPTY
    query: Mapping[str, str] = EMPTY
    warnings: tuple[Warning, ...] = ()
    stream: bool = False
    """Whether the answer comes as a stream; a dialect may ask for one even where the caller does not."""
    dialect: Any = None
    """The dialect that decodes this answer, when it must remember something of the request (such as renamed tools)."""


@attrs.frozen(kw_only=True)
class HealthStatus:
    """Whether a provider answers, how fast, and if not, why."""

    provider: str
    healthy: bool
    latency: float | None = None
    """Seconds."""
    reason: str | None = None
    checked: str = ""
    """What was asked: the method and path, or "configuration" when nothing was sent."""
