"""Chat: what is asked, what is answered, and the pieces of a streamed answer."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, Literal, TypeAlias

import attrs

from llmclient.types.answer import Answer
from llmclient.types.messages import EMPTY, FunctionCall, JSONObject, Message, Tool, ToolCall, read_messages, write_message
from llmclient.types.usage import Usage

FinishReason: TypeAlias = Literal["stop", "length", "tool_calls", "content_filter", "pause", "error", "unknown"]


@attrs.frozen(kw_only=True)
class ChatRequest:
    """One question. None means not given; 0, 0.0, False and "" are values."""

    operation: ClassVar[str] = "chat"

    model: str
    messages: tuple[Message, ...]
    tools: tuple[Tool | JSONObject, ...] | None = None
    tool_choice: str | JSONObject | None = None
    """"auto", "none", "required", the name of a tool, or OpenAI's dict that names one."""
    parallel_tool_calls: bool | None = None
    response_format: JSONObject | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    max_tokens: int | None = None
    """The cap of the whole answer, reasoning included."""
    stop: tuple[str, ...] | None = None
    seed: int | None = None
    n: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    logit_bias: Mapping[str, float] | None = None
    reasoning_effort: str | None = None
    thinking: JSONObject | None = None
    """Anthropic's shape: {"type": "enabled", "budget_tokens": 2048}."""
    verbosity: str | None = None
    modalities: tuple[str, ...] | None = None
    audio: JSONObject | None = None
    prediction: JSONObject | None = None
    user: str | None = None
    metadata: Mapping[str, str] | None = None
    service_tier: str | None = None
    store: bool | None = None
    prompt_cache_key: str | None = None
    safety_identifier: str | None = None
    web_search_options: JSONObject | None = None
    extra: Mapping[str, Any] = EMPTY
    """Goes on the wire verbatim and wins over the typed parameters."""
    headers: Mapping[str, str] = attrs.field(default=EMPTY, repr=False)
    api: str | None = None
    """Which of the provider's chat dialects to speak, such as "responses"; None for its usual one."""

    def __attrs_post_init__(self) -> None:
        """Read messages and options in the forms that `make` takes; raises InvalidRequestError for a value of the wrong type."""
        from llmclient.types.options import read_options

        # Calls make their requests of what was read already; this is for one that is made by hand.
        object.__setattr__(self, "messages", read_messages(self.messages))
        for name, value in read_options({name: getattr(self, name) for name in _OPTIONS}).items():
            object.__setattr__(self, name, value)

    @classmethod
    def make(cls, model: str, messages: str | Sequence[Any], **options: Any) -> ChatRequest:
        """Read messages and options in the forms that `Client.chat` takes.

        Raises InvalidRequestError for a wrong value and TypeError for an unknown name.
        """
        from llmclient.types.options import read_options

        return cls(model=model, messages=read_messages(messages, options.pop("system", None)), **read_options(options))


_OPTIONS: Final = tuple(field.name for field in attrs.fields(ChatRequest) if field.name not in ("model", "messages"))

PARAMS: Final = tuple(
    field.name for field in attrs.fields(ChatRequest) if field.name not in ("model", "messages", "extra", "headers", "api")
)
"""The portable parameters, in the order in which they are written."""


@attrs.frozen
class Choice:
    """One of the answers; most requests have one."""

    index: int
    message: Message
    finish_reason: FinishReason | None = None
    finish_reason_raw: str | None = None
    logprobs: JSONObject | None = None


_NO_CHOICE: Final = Choice(0, Message("assistant"))


@attrs.frozen(kw_only=True)
class ChatResponse(Answer):
    """A whole answer, OpenAI-shaped underneath (`choices[0].message.content`)."""

    id: str | None = None
    model: str | None = None
    """The model that the provider says has answered."""
    choices: tuple[Choice, ...] = ()
    created: datetime.datetime | None = None
    """Aware, UTC."""
    system_fingerprint: str | None = None
    service_tier: str | None = None
    extra: JSONObject = attrs.field(default=EMPTY, repr=False)
    """Fields of the provider's own, such as search results."""

    @property
    def _first(self) -> Choice:
        return self.choices[0] if self.choices else _NO_CHOICE

    @property
    def message(self) -> Message:
        """The first choice's message, to be appended to the conversation."""
        return self._first.message

    @property
    def text(self) -> str:
        """The visible text of the first choice, "" if there is none."""
        return self._first.message.text

    @property
    def reasoning(self) -> str | None:
        """The joined text of the first choice's reasoning, or None."""
        return self._first.message.reasoning_text

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The first choice's tool calls."""
        return self._first.message.tool_calls

    @property
    def finish_reason(self) -> FinishReason | None:
        """Why the first choice ended."""
        return self._first.finish_reason

    @property
    def finish_reason_raw(self) -> str | None:
        """The provider's own word for it."""
        return self._first.finish_reason_raw

    @property
    def truncated(self) -> bool:
        """Whether the answer was cut off by max_tokens or the context's end."""
        return self._first.finish_reason == "length"

    def to_dict(self) -> dict[str, Any]:
        """Return the response in OpenAI's shape; `from_dict` reads it back."""
        return {
            "id": self.id,
            "object": "chat.completion",
            "created": None if self.created is None else int(self.created.timestamp()),
            "model": self.model,
            "provider": self.provider,
            "choices": [_write_choice(choice) for choice in self.choices],
            "usage": None if self.usage is None else self.usage.to_dict(),
            "system_fingerprint": self.system_fingerprint,
            "service_tier": self.service_tier,
            **self.extra,
        }

    @classmethod
    def from_dict(cls, value: JSONObject) -> ChatResponse:
        """Read a response in OpenAI's shape, such as `to_dict` writes."""
        from llmclient.dialects.openai.chat import read_response

        return read_response(value)


def _write_choice(choice: Choice) -> dict[str, Any]:
    return {
        "index": choice.index,
        "message": write_message(choice.message),
        "finish_reason": choice.finish_reason,
        "finish_reason_raw": choice.finish_reason_raw,
        "logprobs": choice.logprobs,
    }


@attrs.frozen
class FunctionDelta:
    """A piece of a function call; the name comes on the first piece only."""

    name: str | None = None
    arguments: str = ""


@attrs.frozen
class ToolCallDelta:
    """A piece of a tool call, keyed by our own 0-based order; the id comes on the first piece only."""

    index: int
    id: str | None = None
    function: FunctionDelta = FunctionDelta()
    type: str = "function"


@attrs.frozen
class ChatChunk:
    """What one event of a stream brought; everything in it is new, nothing is a running total."""

    text: str = ""
    reasoning: str | None = None
    tool_calls: tuple[ToolCallDelta, ...] = ()
    finish_reason: FinishReason | None = None
    """Set once for each choice, on its last chunk."""
    usage: Usage | None = None
    """Set where it is final; never to be summed."""
    index: int = 0
    """Which choice this belongs to."""
    finish_reason_raw: str | None = None
    event: JSONObject = attrs.field(default=EMPTY, repr=False, eq=False)
    """The provider's event as it was parsed."""


__all__ = [
    "PARAMS", "ChatChunk", "ChatRequest", "ChatResponse", "Choice", "FinishReason", "FunctionCall", "FunctionDelta", "ToolCallDelta",
]
