"""Mistral's chat completions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import attrs

from llmclient.dialects.base import Notes, merge_extra
from llmclient.dialects.mistral import fields, problems, thoughts, turns
from llmclient.dialects.mistral.stream import MistralChatDecoder
from llmclient.dialects.openai.chat import OpenAIChat, ReplayReasoning
from llmclient.errors import ProviderError
from llmclient.types.chat import ChatRequest, ChatResponse
from llmclient.types.context import RequestContext, WireRequest
from llmclient.types.messages import EMPTY

_TAKEN = frozenset(
    """
    tools tool_choice parallel_tool_calls response_format temperature top_p top_k max_tokens stop seed n presence_penalty frequency_penalty logprobs
    top_logprobs reasoning_effort prediction metadata service_tier prompt_cache_key
    """.split()
)


@attrs.frozen(kw_only=True)
class MistralChat(OpenAIChat):
    """Speak Mistral's chat completions. Each field is a quirk; its default is what Mistral does.

    Parameters of Mistral's own, such as safe_prompt, prompt_mode and guardrails, go through `extra`.
    """

    name: ClassVar[str] = "mistral"

    # Parameters.
    allow: frozenset[str] | None = _TAKEN
    """The only portable parameters that it takes; others are refused as extra fields, `user` among them."""
    rename: Mapping[str, str] = attrs.field(default={"seed": "random_seed"}, hash=False)
    """Portable name -> name on the wire."""
    max_tokens_field: Literal["max_completion_tokens", "max_tokens"] = "max_tokens"
    """The field that caps the whole answer."""
    top_k: bool = True
    """Whether `top_k` is taken."""
    efforts: tuple[str, ...] = ("none", "high")
    """The efforts that are taken, lowest first; others are moved to the nearest, with a warning."""
    stream_options: bool = False
    """Whether usage in a stream is asked for by `stream_options`, which is refused: it comes unasked with the last event."""

    # Tools.
    tool_choice_required: Literal["required", "any", "unsupported"] = "any"
    """The word for "call some tool"."""
    none_drops_tools: bool = True
    """Whether `tool_choice="none"` must be said by sending no tools: beside tools it garbles the answer."""
    tool_result_name: bool = True
    """Whether a tool's message repeats the function's name, which Mistral's own client does."""
    tool_id_length: int | None = 9
    """Call ids must be this many letters and digits; others are replaced by a hash, the same in call and result."""
    schema_drop: frozenset[str] = frozenset({"$id", "$schema"})
    """Keywords of JSON Schema that are refused and left out."""
    inline_refs: bool = True
    """Whether `$ref` must be replaced by what it points to."""
    function_strict: bool = False
    """Whether `strict` is taken in tools; in a response format it always is."""
    function_parameters: bool = True
    """Whether a tool must have parameters; an object without properties stands in for them."""

    # Messages.
    replay_reasoning: ReplayReasoning = "content_list"
    """Where the reasoning of earlier turns is sent back."""
    developer_role: Literal["developer", "system", "user"] = "system"
    """The role that developer messages are sent in."""
    tool_bridge: str = "OK."
    """The text of an assistant's turn put between a tool's result and a user's message, an order that some models refuse."""
    prefill_field: Literal["", "prefix", "partial"] = "prefix"
    """The field that marks a last assistant message as one to be continued; without it such an end is refused."""
    empty_turns: bool = False
    """Whether an assistant's turn may say nothing; if not, it is left out."""
    ends_with_system: bool = False
    """Whether a conversation may end with a system message; if not, that message is sent as the user's."""
    drop_message_name: bool = True
    """Whether `name` is refused in messages of others than tools."""
    drop_unknown_message_fields: bool = True
    """Whether fields of a message that it does not define are refused."""
    null_content: Literal["null", "omit", "empty"] = "empty"
    """What stands for the content of a turn that has only tool calls."""
    nulls: bool = False
    """Whether optional fields may be null; if not, they are left out."""
    parts: frozenset[str] = frozenset({"text", "image", "audio", "file"})
    """The kinds of content parts that are taken."""
    document_urls: bool = True
    """Whether a document is a part of type document_url, by its address or inline, instead of one of type file."""
    audio_text: bool = True
    """Whether a recording is the bare address or base64 text, instead of an object with a format."""
    file_id_flat: bool = True
    """Whether an uploaded file's id stands directly in the part."""

    def encode(self, request: ChatRequest, context: RequestContext) -> WireRequest:
        """Return what to send; raises InvalidRequestError or TransformationError for what the dialect cannot say."""
        notes = Notes()
        messages = turns.mend(self, request.messages, context.provider, notes)
        tools = fields.mend_tools(self, request.tools, notes)
        if messages is not request.messages or tools is not request.tools or request.extra:
            mended = attrs.evolve(request, messages=messages, tools=tools, extra=EMPTY)
        else:
            mended = request
        wire = super().encode(mended, context)
        body: dict[str, Any] = dict(wire.body) if isinstance(wire.body, Mapping) else {}
        if not self.nulls:
            fields.drop_nulls(body)
        merge_extra(body, request.extra, notes)
        return attrs.evolve(wire, body=body, warnings=(*notes.warnings, *wire.warnings))

    def decode(self, raw: bytes, model: str, request_id: str) -> ChatResponse:
        """Return the answer in a 2xx body; raises ResponseParsingError, or the error that the body reports."""
        response = super().decode(raw, model, request_id)
        return thoughts.sign(self, response, raw) if thoughts.MARK in raw else response

    def stream(self, model: str, request_id: str) -> MistralChatDecoder:
        """Return a new decoder for one streamed answer."""
        return MistralChatDecoder(self, model, request_id)

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """Return (never raise) the error that a status other than 2xx means."""
        return problems.map_failure(status, headers, body, self.error_codes)
