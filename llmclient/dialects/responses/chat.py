"""OpenAI's Responses API, and the quirks of those who speak it too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import attrs

from llmclient.dialects import failure
from llmclient.dialects.base import ChatDialect, Notes
from llmclient.dialects.responses import answer, params, problems, turns
from llmclient.dialects.responses.families import UNKNOWN, Family, family_of
from llmclient.dialects.responses.stream import ResponsesDecoder
from llmclient.errors import ProviderError
from llmclient.types.chat import PARAMS, ChatRequest, ChatResponse
from llmclient.types.context import RequestContext, WireRequest
from llmclient.types.messages import EMPTY


@attrs.frozen(kw_only=True)
class OpenAIResponses(ChatDialect):
    """Speak OpenAI's Responses API. Each field is a quirk; its default is what OpenAI does.

    The whole output of a turn is kept in the message's `provider_state`, and goes back to the same provider item by item.
    Items that are neither text, reasoning nor calls of the caller's functions stand in the response's `extra["output"]`.
    A content part that is an item of the API, such as {"type": "mcp_approval_response", …}, is sent as an item of its own.
    In `extra`, the objects `reasoning` and `text` are laid over ours field by field, and `include` adds to ours.
    """

    name: ClassVar[str] = "responses"

    path: str = "/responses"

    # Which parameters, and how far.
    unsupported: frozenset[str] = frozenset()
    """Portable parameters that this provider refuses or ignores."""
    also: frozenset[str] = frozenset()
    """Portable parameters that this provider takes under their own names although OpenAI does not, such as top_k."""
    body: Mapping[str, Any] = attrs.field(default=EMPTY, hash=False)
    """Constant fields of every request; what the caller gives wins."""
    profile_field: str = ""
    """Another field that holds the model's name, if there is one."""
    least_max_tokens: int = 16
    """The least cap of an answer; a lower one is raised to it, with a warning."""
    temperature_range: tuple[float, float] | None = None
    """Least and greatest temperature; others are moved to the nearest, with a warning."""
    logprobs_in: Literal["include", "field"] = "include"
    """Whether log probabilities are asked for by a word in `include`, or by a field of their own as in chat completions."""
    efforts: tuple[str, ...] = ()
    """The efforts that are taken, lowest first, whatever the model; empty for those of its family."""
    families: bool = True
    """Whether models that go by OpenAI's names take what they take at OpenAI."""
    encrypted_reasoning: Literal["by_model", "always", "never"] = "by_model"
    """When reasoning is asked for in encrypted form, to be sent back without the provider storing it: OpenAI refuses it for models that do not reason."""
    reasoning_last: bool = False
    """Whether a turn that is sent back may end with reasoning; OpenAI refuses it."""
    replay_text: bool = False
    """Whether reasoning goes back as plain text where that is all there is."""

    # Messages.
    system: Literal["items", "instructions"] = "items"
    """Where the system messages at the beginning stand; later ones are always items."""
    system_role: Literal["system", "developer", "user"] = "system"
    """The role that system messages are sent in."""
    developer_role: Literal["developer", "system", "user"] = "developer"
    """The role that developer messages are sent in."""
    item_type: bool = False
    """Whether messages need `type`: "message"; an assistant's has it always."""
    parts: frozenset[str] = frozenset({"text", "image", "file"})
    """The kinds of content parts that are taken; `audio` is another."""
    file_urls: bool = True
    """Whether a file may be a remote address."""
    call_id_max: int = 64
    """Call ids longer than this are replaced by a hash, the same in call and result."""

    # Tools and structured answers.
    tool_strict: bool = True
    """Whether `strict` is taken in tools. It is always said then, since leaving it out means true here."""
    tool_choice_forced: bool = True
    """Whether a call can be forced, of any tool or of one."""
    web_search_tool: str = "web_search"
    """The type of the tool that `web_search_options` become; "" where there is none."""
    structured: frozenset[str] = frozenset({"json_object", "json_schema"})
    """The types of `response_format` that are taken, besides "text"."""

    # Streams and failures.
    silent_cut: bool = False
    """Whether an answer that the cap has cut off is called completed; it is then told by its number of tokens."""
    stream_only: bool = False
    """Whether the provider can only stream; a plain call then streams behind the scenes."""
    error_codes: Mapping[str, failure.Kind] = attrs.field(default=EMPTY, hash=False)
    """The provider's own error codes -> what they mean."""

    provider: str = attrs.field(default="", metadata={"quirk": False})
    """Who speaks this dialect; set once by the provider, and noted in what must only go back to it."""
    cap: int | None = attrs.field(default=None, metadata={"quirk": False})
    """The most tokens that the answer to this request may have, where that must be remembered."""

    def family_of(self, model: str) -> Family:
        """Return what a model takes here."""
        family = family_of(model) if self.families else UNKNOWN
        return attrs.evolve(family, efforts=self.efforts) if self.efforts else family

    def gives_encrypted(self, model: str) -> bool:
        """Return whether a model's reasoning can be asked for in encrypted form."""
        return self.encrypted_reasoning == "always" or (self.encrypted_reasoning == "by_model" and self.family_of(model).reasons is True)

    def supported_params(self, model: str) -> frozenset[str]:
        """Return exactly the portable parameters that `encode` can carry for this model."""
        family = self.family_of(model)
        return frozenset(name for name in PARAMS if params.refusal(self, family, name) is None)

    def encode(self, request: ChatRequest, context: RequestContext) -> WireRequest:
        """Return what to send; raises InvalidRequestError for what the dialect cannot say."""
        notes = Notes()
        stream = context.stream or self.stream_only
        body: dict[str, Any] = {"model": request.model, **self.body}
        if self.profile_field:
            body[self.profile_field] = request.model
        turns.write(self, request, self.provider or context.provider, body, notes)
        params.write(self, request, body, notes)
        if stream:
            body["stream"] = True
        params.merge(body, request.extra, notes)
        turns.check(body)
        cap = body.get("max_output_tokens")
        dialect = attrs.evolve(self, cap=cap) if self.silent_cut and isinstance(cap, int) else None
        return WireRequest(path=self.path, body=body, warnings=tuple(notes.warnings), stream=stream, dialect=dialect)

    def decode(self, raw: bytes, model: str, request_id: str) -> ChatResponse:
        """Return the answer in a 2xx body; raises ResponseParsingError, or the error that the body reports."""
        return answer.decode(self, raw, model, request_id)

    def stream(self, model: str, request_id: str) -> ResponsesDecoder:
        """Return a new decoder for one streamed answer."""
        return ResponsesDecoder(self, model, request_id)

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """Return (never raise) the error that a status other than 2xx means."""
        return failure.map_failure(status, headers, body, codes=problems.codes_of(self.error_codes))
