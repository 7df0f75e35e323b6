"""Parameters on their way out: generationConfig, tools, and how the model is told to think."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from llmclient.dialects.base import Notes
from llmclient.dialects.gemini import thinking
from llmclient.dialects.gemini.schemas import tidy, to_openapi
from llmclient.dialects.gemini.tools import Tools
from llmclient.dialects.params import check_stops
from llmclient.dialects.shapes import is_object
from llmclient.types.chat import PARAMS, ChatRequest
from llmclient.types.messages import JSONObject

if TYPE_CHECKING:
    from llmclient.dialects.gemini.chat import GeminiChat

_UNKNOWN: Final[Mapping[str, str]] = {
    "parallel_tool_calls": "the model decides by itself how many calls a turn holds",
    "logit_bias": "the provider has no such parameter",
    "verbosity": "the provider has no such parameter",
    "prediction": "the provider has no such parameter",
    "user": "the provider has no such parameter",
    "metadata": "the provider has no such parameter; on Vertex AI, labels go into extra",
    "prompt_cache_key": "the provider caches by itself, or by cachedContent in extra",
    "safety_identifier": "the provider has no such parameter",
}
_PLAIN: Final[Mapping[str, str]] = {
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "max_tokens": "maxOutputTokens",
    "seed": "seed",
    "n": "candidateCount",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
    "logprobs": "responseLogprobs",
}
_TIERS: Final = {"default": "standard"}
_VOICELESS: Final = "recordings come as 16-bit samples only"


def refusal(dialect: GeminiChat, name: str, model: str) -> str | None:
    """Return why a portable parameter cannot be carried to this model, or None if it can."""
    if name in dialect.unsupported:
        return "the provider does not take it"
    if name in ("reasoning_effort", "thinking") and not thinking.thinks(dialect, model):
        return f"{model} is not known to reason"
    return _UNKNOWN.get(name)


def write(dialect: GeminiChat, request: ChatRequest, body: dict[str, Any], notes: Notes) -> None:
    """Add what the request gives to the body; raises InvalidRequestError for what must not be dropped and cannot be sent."""
    writer = _Writer(dialect, request, body, notes)
    for name in PARAMS:
        value = getattr(request, name)
        if value is None:
            continue
        why = refusal(dialect, name, request.model)
        if why is None:
            _SPECIAL.get(name, _Writer.put)(writer, name, value)
        else:
            notes.drop(name, why)
    writer.finish()


class _Writer:
    """Writes the parameters of one request into its body."""

    def __init__(self, dialect: GeminiChat, request: ChatRequest, body: dict[str, Any], notes: Notes) -> None:
        self._dialect = dialect
        self._request = request
        self._body = body
        self._notes = notes
        self._config: dict[str, Any] = {}
        self._tools = Tools(dialect, notes, self._schema)

    def finish(self) -> None:
        """Put down what is said in several places together."""
        self._tools.write(self._request, self._body)
        if self._config:
            self._body["generationConfig"] = self._config

    def put(self, name: str, value: Any) -> None:
        self._config[_PLAIN[name]] = value

    def later(self, name: str, value: Any) -> None:
        """Leave it to `finish`."""

    def _stop(self, name: str, value: tuple[str, ...]) -> None:
        check_stops(value, self._dialect.max_stop)
        if value:
            self._config["stopSequences"] = list(value)

    def _top_logprobs(self, name: str, value: int) -> None:
        self._config.setdefault("responseLogprobs", True)
        self._config["logprobs"] = value

    def _thinking(self, name: str, value: Any) -> None:
        if name == "reasoning_effort" and self._request.thinking is not None:
            self._notes.drop(name, "thinking says more exactly how long to think")
            return
        told = thinking.of_effort if name == "reasoning_effort" else thinking.of_budget
        config = told(self._dialect, self._request.model, value, self._notes)
        if config:
            self._config["thinkingConfig"] = config

    def _modalities(self, name: str, value: tuple[str, ...]) -> None:
        self._config["responseModalities"] = [word.upper() for word in value]

    def _audio(self, name: str, value: JSONObject) -> None:
        voice = value.get("voice")
        if isinstance(voice, str):
            self._config["speechConfig"] = {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": voice}}}
        for key in value:
            if key != "voice" and not (key == "format" and value[key] == "pcm16"):
                self._notes.drop(f"audio.{key}", _VOICELESS if key == "format" else "the field is not taken here")

    def _service_tier(self, name: str, value: str) -> None:
        if value == "auto":
            self._notes.move(name, '"auto" is what happens anyway')
        else:
            self._body["serviceTier"] = _TIERS.get(value, value)

    def _store(self, name: str, value: bool) -> None:
        self._body["store"] = value

    def _response_format(self, name: str, value: JSONObject) -> None:
        kind = value["type"]
        if kind == "text":
            self._config["responseMimeType"] = "text/plain"
            return
        if kind not in ("json_object", "json_schema"):
            self._notes.drop(name, f"{kind} is none of text, json_object, json_schema")
        self._config["responseMimeType"] = "application/json"
        held = value.get("json_schema")
        schema = held.get("schema") if is_object(held) else None
        if is_object(schema):
            field = "responseJsonSchema" if self._dialect.schema == "json_schema" else "responseSchema"
            self._config[field] = self._schema(schema, "response_format")

    def _schema(self, schema: JSONObject, param: str) -> JSONObject:
        """Return the schema of a parameter in the language that the provider takes."""
        return (tidy if self._dialect.schema == "json_schema" else to_openapi)(schema, self._lose, param)

    def _lose(self, keyword: str, why: str) -> None:
        param = f"schema.{keyword}"
        if all(warning.param != param for warning in self._notes.warnings):
            self._notes.drop(param, why)


_SPECIAL: Final[Mapping[str, Callable[[_Writer, str, Any], None]]] = {
    "tools": _Writer.later,
    "tool_choice": _Writer.later,
    "web_search_options": _Writer.later,
    "response_format": _Writer._response_format,
    "stop": _Writer._stop,
    "top_logprobs": _Writer._top_logprobs,
    "reasoning_effort": _Writer._thinking,
    "thinking": _Writer._thinking,
    "modalities": _Writer._modalities,
    "audio": _Writer._audio,
    "service_tier": _Writer._service_tier,
    "store": _Writer._store,
}
