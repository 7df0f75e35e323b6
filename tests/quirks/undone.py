"""Every quirk of the survey that is no line of a TOML, undone: what it would be otherwise."""

from __future__ import annotations

from typing import Final

from llmclient.auth import Bearer
from llmclient.dialects.anthropic.params import _SPECIAL as SPECIAL
from llmclient.dialects.gemini.chat import GeminiChat
from llmclient.dialects.gemini.results import Results
from llmclient.dialects.openai.stream import OpenAIChatDecoder
from tests.quirks import clouds, google
from tests.quirks.claude import NEW, OLD
from tests.quirks.setbacks import (
    Code,
    Field,
    Setback,
    always,
    any_text,
    append_turn,
    as_openai,
    candidate_usage,
    first_wait,
    flat_usage,
    ignore_bounds,
    last_usage,
    nameless,
    nothing,
    plain_call,
    same,
    second,
    stop_always,
    trusting,
    whole_only,
)
from tests.quirks.vendors import MISTRAL_MODEL

_ANY_STATUS: Final = frozenset(range(400, 600))

OPENAI: Final[tuple[Setback, ...]] = (
    Field(1, "openai", "o3", "max_tokens_field", "max_tokens"),
    Field(2, "openai", "o3", "unsupported", frozenset()),
    Field(3, "openai", "gpt-5.6", "efforts", ()),
    Field(4, "openai", "o1-mini", "developer_role", "developer"),
    Field(5, "openai", "gpt-4o", "structured", frozenset({"json_object"})),
    Field(5, "openai", "gpt-4o", "tool_strict", False),
    Field(6, "openai", "gpt-4o", "parallel_needs_tools", False),
    Code(7, "dialects.failure:_STATUSES", {}),
    Field(8, "openai", "gpt-4o", "stream_options", False),
    Code(8, "dialects.openai.stream:OpenAIChatDecoder._read_event", trusting(OpenAIChatDecoder._read_event)),
    Field(9, "openai", "gpt-4o", "file_urls", True),
    Field(10, "openai", "o3", "encrypted_reasoning", "never", api="responses"),
    Code(10, "dialects.responses.replay:kept", nothing),
    Code(10, "dialects.responses.turns:check", nothing),
    Code(11, "dialects.failure:CODES", {}),
    Code(11, "dialects.openai.answer:settle_finish", stop_always),
    Code(12, "dialects.openai.answer:parse", any_text),
    Code(63, "dialects.openai.answer:_read_arguments", same),
    Code(64, "dialects.openai.answer:reasoning_of", lambda value: value.get("reasoning") or ""),
    Code(65, "dialects.openai.pieces:ChoicePieces._begins_another", always(False)),
    Code(65, "dialects.ollama.stream:OllamaDecoder._end", whole_only),
    Code(67, "auth:Bearer.bind", always(same)),
    Code(67, "dialects.openai.stream:OpenAIChatDecoder._end", whole_only),
)

AZURE: Final[tuple[Setback, ...]] = (
    Code(13, "dialects.azure.surface:place", same),
    Code(13, "dialects.azure.surface:is_serverless", always(False)),
    Code(14, "dialects.azure.surface:model_of", second),
    Code(14, "dialects.azure.chat:AzureChat._aged", lambda self, version: self),
    Code(15, "dialects.openai.stream:OpenAIChatDecoder._read_event", trusting(OpenAIChatDecoder._read_event)),
    Code(16, "dialects.failure:CODES", {}),
    *as_openai(16, "azure_openai", "prod", "parts"),
    *as_openai(16, "azure_ai", "Mistral-large-2411", "max_tokens_field", "tool_choice_required"),
    Code(17, "dialects.hints:_from_resets", first_wait),
    Code(17, "dialects.hints:_from_headers", first_wait),
)

ANTHROPIC: Final[tuple[Setback, ...]] = (
    Field(18, "anthropic", OLD, "default_max_tokens", 0),
    Field(18, "anthropic", OLD, "version_in", "body"),
    Field(18, "azure_openai", OLD, "version_setting", True),
    Code(18, "dialects.anthropic.auth:AnthropicKey.bind", lambda self, config, env=(): Bearer().bind(config, env)),
    Code(19, "dialects.anthropic.turns:_Writer._add_turn", append_turn),
    Code(19, "dialects.anthropic.turns:_is_no_result", always(False)),
    Code(19, "dialects.bedrock.turns:_Writer._add_turn", append_turn),
    Code(20, "dialects.anthropic.turns:_Writer._says_something", always(True)),
    Code(20, "dialects.anthropic.turns:_Writer._trim_last", nothing),
    Field(21, "anthropic", OLD, "stream_above", None),
    Code(22, "dialects.anthropic.turns:_Writer._thoughts", always([])),
    Code(22, "dialects.anthropic.thoughts:Thinker.write", nothing),
    Field(22, "anthropic", NEW, "thinking", "budget"),
    Code(23, "dialects.anthropic.tools:_choice", lambda value, names: {"type": value}),
    Code(23, "dialects.anthropic.params:_SPECIAL", {name: writer for name, writer in SPECIAL.items() if name not in ("stop", "parallel_tool_calls")}),
    Field(24, "anthropic", OLD, "max_cache_marks", 99),
    Code(24, "dialects.anthropic.caching:_free_deferred", nothing),
    Code(24, "dialects.anthropic.answer:read_usage", flat_usage),
    Code(25, "dialects.anthropic.stream:merge", lambda before, after: after or before),
    Code(25, "dialects.anthropic.problems:of_body", nothing),
    Code(25, "dialects.anthropic.stream:AnthropicDecoder._end", whole_only),
    Code(26, "dialects.anthropic.answer:read_finish", stop_always),
    Code(27, "dialects.failure:phrase_kind", nothing),
    Field(28, "anthropic", OLD, "close_schemas", False),
    Field(28, "anthropic", "count_tokens", "server_tools", True),
)

GOOGLE: Final[tuple[Setback, ...]] = (
    Code(29, "dialects.gemini.results:Results.write", nameless(Results.write)),
    Code(29, "dialects.gemini.contents:_append_results", lambda turns, found: turns[-1]["parts"].extend(found)),
    Code(30, "dialects.gemini.results:Results._response", lambda self, message: message.text),
    Code(30, "dialects.gemini.results:_is_refused", always(False)),
    Field(31, "gemini", google.OLD, "schema", "openapi"),
    Code(31, "dialects.gemini.params:tidy", same),
    Field(32, "gemini", google.NEW, "dummy_signature", ""),
    Field(32, "gemini", google.NEW, "signed_models", ()),
    Code(32, "dialects.gemini.answer:_read_state", nothing),
    Field(33, "gemini", google.OLD, "budgets", ()),
    Field(33, "gemini", google.OLD, "budgets_off", ("gemini-2.5-*",)),
    Field(33, "gemini", google.NEW, "levels", ()),
    Code(34, "dialects.gemini.stream:fold_usage", last_usage),
    Code(34, "dialects.gemini.answer:read_usage", candidate_usage),
    Code(35, "dialects.gemini.answer:make_id", always("")),
    Code(35, "dialects.gemini.chat:_NOT_WITH_CACHE", ()),
    Code(36, "dialects.gemini.usage:FINISH_REASONS", {}),
    Code(36, "dialects.gemini.answer:find_error", nothing),
    Code(37, "dialects.hints:_from_body", nothing),
    Code(37, "dialects.hints:_from_text", nothing),
    Code(37, "dialects.hints:read_span", nothing),
    Code(38, "dialects.gemini.chat:GeminiChat.encode", plain_call(GeminiChat.encode)),
    Code(38, "dialects.gemini.framing:ObjectSplitter.feed", always([])),
)

BEDROCK: Final[tuple[Setback, ...]] = (
    Code(39, "wire.eventstream:zlib.crc32", always(0)),
    Code(39, "dialects.bedrock.problems:of_message", nothing),
    Code(39, "dialects.bedrock.stream:BedrockDecoder._end", whole_only),
    Field(40, "bedrock", clouds.CLAUDE, "tools_with_history", False),
    Field(41, "bedrock", clouds.CLAUDE, "blank_text", " "),
    Code(41, "dialects.bedrock.turns:_Writer._begin", nothing),
    Code(41, "dialects.bedrock.turns:_Writer._explain_documents", nothing),
    Code(42, "dialects.bedrock.turns:_Writer._split", lambda self, turn: [turn]),
    Field(42, "bedrock", clouds.CLAUDE, "families", ()),
    Field(43, "bedrock", clouds.CLAUDE, "families", ()),
    Code(43, "dialects.bedrock.tools:ToolWriter._without", lambda self, request: (request.tools, False)),
    Code(43, "dialects.anthropic.tools:Names.wire", second),
    Field(44, "bedrock", clouds.CLAUDE, "region_prefixes", frozenset()),
    Code(44, "dialects.bedrock.chat:fill_model", lambda path, model: path.replace("{model}", model)),
)

VENDORS: Final[tuple[Setback, ...]] = (
    *as_openai(45, "mistral", MISTRAL_MODEL, "tool_id_length"),
    *as_openai(46, "mistral", MISTRAL_MODEL, "tool_choice_required", "none_drops_tools"),
    *as_openai(47, "mistral", MISTRAL_MODEL, "tool_bridge", "prefill_field"),
    Field(47, "mistral", MISTRAL_MODEL, "empty_turns", True),
    *as_openai(
        48,
        "mistral",
        MISTRAL_MODEL,
        "allow",
        "rename",
        "efforts",
        "stream_options",
        "schema_drop",
        "inline_refs",
        "developer_role",
        "drop_message_name",
    ),
    Field(48, "mistral", MISTRAL_MODEL, "function_strict", True),
    *as_openai(49, "mistral", "magistral-medium-latest", "replay_reasoning"),
    *as_openai(49, "mistral", MISTRAL_MODEL, "file_id_flat"),
    Code(49, "dialects.openai.answer:read_content", lambda value: (str(value), "")),
    Field(50, "cohere", "command-a-03-2025", "path", "/v1/chat"),
    Code(50, "dialects.cohere.usage:FINISH_REASONS", {}),
    Code(50, "dialects.cohere.stream:CohereDecoder._on", nothing),
    Code(51, "dialects.cohere.params:_choice_word", same),
    Code(51, "dialects.cohere.params:_Writer.ranged", lambda self, name, field, bounds, value: self.same(name)(value)),
    Code(51, "dialects.cohere.usage:count", lambda value, name: value[name] if isinstance(value.get(name), int) else None),
    Code(51, "dialects.cohere.problems:of_end", nothing),
    Field(51, "cohere", "embed", "input_type", ""),
)

TRAVEL: Final[tuple[Setback, ...]] = (
    Code(68, "wire.sse:_Decoder._unify", second),
    Code(68, "wire.sse:_Decoder._field", nothing),
    Code(69, "dialects.openai.stream:OpenAIChatDecoder._end", whole_only),
    Code(70, "dialects.hints:_from_headers", first_wait),
    Code(70, "dialects.hints:_from_resets", first_wait),
    Code(70, "dialects.hints:_from_text", nothing),
    Code(70, "retry:Retry.plan", ignore_bounds),
    Code(71, "errors:RETRIED_STATUSES", frozenset()),
    Code(71, "errors:RETRIED_STATUSES", _ANY_STATUS),
    Code(72, "dialects.failure:phrase_kind", nothing),
    Code(73, "dialects.openai.usage:FINISH_REASONS", {}),
    Code(73, "dialects.openai.usage:read_finish", stop_always),
)

SETBACKS: Final[tuple[Setback, ...]] = (*OPENAI, *AZURE, *ANTHROPIC, *GOOGLE, *BEDROCK, *VENDORS, *TRAVEL)
