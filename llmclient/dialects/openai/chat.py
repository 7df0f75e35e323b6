"""OpenAI's chat completions, and the quirks of those who speak it too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Final, Literal, TypeAlias

import attrs

from llmclient.dialects import failure
from llmclient.dialects.base import ChatDialect, Notes, merge_extra
from llmclient.dialects.openai import answer, messages, params
from llmclient.dialects.openai.paths import fill_model
from llmclient.dialects.openai.stream import OpenAIChatDecoder
from llmclient.errors import ProviderError
from llmclient.types.chat import PARAMS, ChatRequest, ChatResponse
from llmclient.types.context import RequestContext, WireRequest
from llmclient.types.making import maker
from llmclient.types.messages import EMPTY, Image, JSONObject, Message

ReasoningParam: TypeAlias = Literal[
    "reasoning_effort", "reasoning_object", "thinking_type", "thinking_and_effort", "enable_thinking", "chat_template", "none"
]
ThinkingParam: TypeAlias = Literal["none", "verbatim", "thinking_type", "reasoning_object", "enable_thinking", "chat_template"]
ReplayReasoning: TypeAlias = Literal["never", "reasoning_content", "reasoning", "reasoning_text", "reasoning_details", "tags", "content_list"]


_make_wire: Final = maker(WireRequest)


def _frozen_map(default: Mapping[str, Any] = EMPTY) -> Any:
    return attrs.field(default=default, hash=False)


@attrs.frozen(kw_only=True)
class OpenAIChat(ChatDialect):
    """Speak OpenAI chat completions. Each field is a quirk; its default is what OpenAI does."""

    name: ClassVar[str] = "openai"

    path: str = "/chat/completions"
    stream_path: str = ""
    """Where streams are asked for, where they have a path of their own; it says all, so that `stream` is not sent."""
    query: Mapping[str, str] = _frozen_map()
    """Constant parameters of the address, such as a version."""
    image_headers: Mapping[str, str] = _frozen_map()
    """Headers that must go with a request in which there is an image."""

    # Which parameters, and under what name.
    model_field: str = "model"
    """The field that names the model."""
    setting_fields: Mapping[str, str] = _frozen_map()
    """Field of every request -> the caller's setting that is sent in it, where it is set, such as project_id -> project."""
    unsupported: frozenset[str] = frozenset()
    """Portable parameters that this provider refuses or ignores."""
    allow: frozenset[str] | None = None
    """The only portable parameters that it takes; None for all of OpenAI's."""
    rename: Mapping[str, str] = _frozen_map()
    """Portable name -> name on the wire, such as seed -> random_seed."""
    max_tokens_field: Literal["max_completion_tokens", "max_tokens"] = "max_completion_tokens"
    """The field that caps the whole answer; OpenAI's reasoning models refuse the older `max_tokens`, most others know only that."""
    top_k: bool = False
    """Whether `top_k` is taken, which OpenAI itself does not know."""
    body: Mapping[str, Any] = _frozen_map()
    """Constant fields of every request; what the caller gives wins."""

    # Sampling.
    temperature_range: tuple[float, float] | None = None
    """Least and greatest temperature; others are moved to the nearest, with a warning."""
    temperature_exclusive_zero: bool = False
    """Whether a temperature of 0 is refused; 0.01 is sent instead, with a warning."""
    temperature_with_n: float | None = None
    """The least temperature when `n` is above 1."""
    max_stop: int | None = None
    """How many stop sequences may be given."""
    sampling_with_reasoning: bool = True
    """Whether temperature, top_p, penalties and logprobs are taken while the model reasons; else they are dropped with a warning."""
    reasons_by_default: bool = False
    """Whether the model reasons when no effort is given."""

    # Tools.
    tool_choice_required: Literal["required", "any", "unsupported"] = "required"
    """The word for "call some tool"."""
    tool_choice_field: str = "tool_choice"
    """The field of a choice that is a word; one that names a tool stays in `tool_choice`."""
    tool_choice_named: bool = True
    """Whether one tool can be forced by name."""
    tool_choice_with_reasoning: bool = True
    """Whether a call can be forced while the model reasons."""
    none_drops_tools: bool = False
    """Whether `tool_choice="none"` must be said by sending no tools."""
    parallel_tools: bool = True
    """Whether one turn may hold several calls; if not, such turns are split and `parallel_tool_calls` is not sent."""
    parallel_needs_tools: bool = True
    """Whether `parallel_tool_calls` is refused where there are no tools; it is left out then, with a warning."""
    tool_result_name: bool = False
    """Whether a tool's message must repeat the function's name."""
    tool_results_in_order: bool = False
    """Whether the results of several calls must come in the order of the calls."""
    tool_id_length: int | None = None
    """Call ids must be this many letters and digits; others are replaced by a hash, the same in call and result."""
    tool_id_max: int | None = None
    """Call ids longer than this are replaced by a hash."""
    tool_strict: bool = True
    """Whether `strict` is taken in tools and schemas."""
    schema_drop: frozenset[str] = frozenset()
    """Keywords of JSON Schema that are refused and left out, such as $schema."""
    inline_refs: bool = False
    """Whether `$ref` must be replaced by what it points to."""

    # Structured answers and streams.
    structured: frozenset[str] = frozenset({"json_object", "json_schema"})
    """The types of `response_format` that are taken, besides "text"."""
    structured_with_tools: bool = True
    """Whether a response format may stand beside tools."""
    structured_with_stream: bool = True
    """Whether a formatted answer can be streamed."""
    stream_options: bool = True
    """Whether usage in a stream is asked for by `stream_options`; if not, the provider sends it unasked or never."""
    stream_only: bool = False
    """Whether the provider can only stream; a plain call then streams behind the scenes."""

    # Reasoning.
    reasoning_param: ReasoningParam = "reasoning_effort"
    """How the effort is said.

    `reasoning_object`: {"reasoning": {"effort": …}}; `thinking_type`: {"thinking": {"type": "enabled" | "disabled"}};
    `thinking_and_effort`: that and `reasoning_effort`; `enable_thinking`: a bool of this name; `chat_template`: the same
    within `chat_template_kwargs`; `none`: not at all.
    """
    efforts: tuple[str, ...] = ()
    """The efforts that are taken, lowest first; others are moved to the nearest, with a warning. Empty for all."""
    thinking_param: ThinkingParam = "none"
    """How the portable `thinking` (Anthropic's shape) is said; `verbatim` sends it as it is."""
    replay_reasoning: ReplayReasoning = "never"
    """Where the reasoning of earlier turns is sent back.

    `tags`: as <think>…</think> before the text; `content_list`: as parts of type thinking.
    """
    replay_reasoning_blank: bool = False
    """Whether a turn with tool calls needs reasoning even where there was none; a blank is sent then."""
    think_tags: bool = False
    """Whether answers hold their reasoning in the text, as <think>…</think>."""
    reasoning_outside: bool = False
    """Whether `completion_tokens` leaves out the reasoning, which is then added."""

    # Messages.
    system_role: Literal["system", "developer", "user"] = "system"
    """The role that system messages are sent in."""
    developer_role: Literal["developer", "system", "user"] = "developer"
    """The role that developer messages are sent in."""
    merge_system: bool = False
    """Whether there may be but one system message, the first."""
    merge_same_role: bool = False
    """Whether user and assistant must alternate, so that neighbours are joined."""
    tool_bridge: str = ""
    """The text of an assistant's turn put between a tool's result and a user's message, where that order is refused."""
    prefill_field: Literal["", "prefix", "partial"] = ""
    """The field that marks a last assistant message as one to be continued."""
    drop_message_name: bool = False
    """Whether `name` is refused in messages."""
    drop_unknown_message_fields: bool = False
    """Whether fields of a message that OpenAI does not define are refused."""
    null_content: Literal["null", "omit", "empty"] = "null"
    """What stands for the content of a turn that has only tool calls."""
    content_as_string: bool = False
    """Whether text parts must be joined to one string."""
    parts: frozenset[str] = frozenset({"text", "image", "audio", "file", "refusal"})
    """The kinds of content parts that are taken."""
    images_as: Literal["any", "url", "data"] = "any"
    """Whether images may be addresses, inline data, or either."""
    audio_as: Literal["base64", "data_url"] = "base64"
    """How recordings are written; `data_url` also takes remote addresses."""
    file_urls: bool = False
    """Whether a file may be a remote address."""
    file_id_flat: bool = False
    """Whether an uploaded file's id stands directly in the part."""

    # Answers.
    envelope: Literal["", "result", "provider"] = ""
    """The field that the whole answer is wrapped in, always or at times."""
    error_codes: Mapping[str, failure.Kind] = _frozen_map()
    """The provider's own error codes -> what they mean."""

    provider: str = attrs.field(default="", metadata={"quirk": False})
    """Who speaks this dialect; set once by the provider, and noted in what must only go back to it."""

    def supported_params(self, model: str) -> frozenset[str]:
        """Return exactly the portable parameters that `encode` can carry; no model differs within one dialect value."""
        return frozenset(name for name in PARAMS if params.refusal(self, name) is None)

    def encode(self, request: ChatRequest, context: RequestContext) -> WireRequest:
        """Return what to send; raises InvalidRequestError or TransformationError for what the dialect cannot say."""
        notes = Notes()
        stream = context.stream or self.stream_only
        written = messages.write(self, request.messages, context, notes)
        body: dict[str, Any] = {self.model_field: request.model, "messages": written, **self.body}
        if self.setting_fields:
            body.update({field: value for field, name in self.setting_fields.items() if (value := context.config.get(name))})
        params.write(self, request, stream, body, notes)
        if stream:
            self._ask_for_stream(body)
        merge_extra(body, request.extra, notes)
        path = fill_model(self.stream_path if stream and self.stream_path else self.path, request.model)
        headers = self.image_headers if self.image_headers and _shows_image(request.messages) else EMPTY
        return _make_wire(path=path, query=self.query, headers=headers, body=body, warnings=tuple(notes.warnings), stream=stream)

    def _ask_for_stream(self, body: dict[str, Any]) -> None:
        if not self.stream_path:
            body["stream"] = True
        if self.stream_options:
            body["stream_options"] = {"include_usage": True}

    def decode(self, raw: bytes, model: str, request_id: str) -> ChatResponse:
        """Return the answer in a 2xx body; raises ResponseParsingError, or the error that the body reports."""
        return answer.decode(self, raw, model, request_id)

    def stream(self, model: str, request_id: str) -> OpenAIChatDecoder:
        """Return a new decoder for one streamed answer."""
        return OpenAIChatDecoder(self, model, request_id)

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """Return (never raise) the error that a status other than 2xx means."""
        return failure.map_failure(status, headers, body, codes=self.error_codes)


def _shows_image(conversation: Iterable[Message]) -> bool:
    return any(isinstance(part, Image) for message in conversation if isinstance(message.content, tuple) for part in message.content)


def read_response(value: JSONObject) -> ChatResponse:
    """Read a response in OpenAI's shape: a provider's own, or one that `ChatResponse.to_dict` wrote.

    Raises ResponseParsingError if it has no choices.
    """
    return answer.read_written(value)
