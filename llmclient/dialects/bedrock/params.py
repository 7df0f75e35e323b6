"""Parameters on their way out: renamed, moved into range, put where the model looks for them, or refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from llmclient.dialects.anthropic import families as claude_families
from llmclient.dialects.anthropic import schemas
from llmclient.dialects.anthropic.params import hush
from llmclient.dialects.base import Notes
from llmclient.dialects.bedrock import thinking
from llmclient.dialects.bedrock.families import Family
from llmclient.dialects.bedrock.tools import STRICT
from llmclient.dialects.params import OFF, clamp, find_tier, given, schema_of
from llmclient.errors import InvalidRequestError
from llmclient.types.chat import ChatRequest
from llmclient.types.messages import JSONObject
from llmclient.wire import jsons

if TYPE_CHECKING:
    from llmclient.dialects.bedrock.chat import BedrockConverse

FIELDS: Final = "additionalModelRequestFields"
_SAMPLING: Final = frozenset({"temperature", "top_p", "top_k"})
_CARRIED: Final = _SAMPLING | {
    "tools", "tool_choice", "response_format", "max_tokens", "stop", "reasoning_effort", "thinking", "metadata", "service_tier",
}  # fmt: skip
_ELSEWHERE: Final = frozenset({"tools", "tool_choice", "reasoning_effort", "thinking"})
_TIERS: Final[Mapping[str, str]] = {"default": "default", "standard": "default", "flex": "flex", "priority": "priority", "reserved": "reserved"}


def refusal(dialect: BedrockConverse, family: Family, claude: claude_families.Family, name: str) -> str | None:
    """Return why a portable parameter cannot be carried, or None if it can."""
    if name not in _CARRIED:
        return "the API has no such parameter; what a model alone knows goes into extra={'additionalModelRequestFields': {…}}"
    if name in dialect.unsupported:
        return "the provider does not take it"
    if name in _SAMPLING and not claude.sampling:
        return "it is not taken by this model"
    if name == "top_k" and family.top_k == "none":
        return "where it stands is not known for this model"
    if name == "response_format" and not claude.structured:
        return "this model's answers cannot be held to a schema; force a tool call instead"
    if name in ("reasoning_effort", "thinking") and not _thinks(family, claude, name):
        return "this model takes a reasoning_effort instead" if family.efforts else "this model is not known to reason"
    return None


def _thinks(family: Family, claude: claude_families.Family, name: str) -> bool:
    if family.thinking == "claude":
        return claude.thinking != "none"
    return name == "reasoning_effort" and family.thinking != "none"


def write(
    dialect: BedrockConverse, family: Family, claude: claude_families.Family, request: ChatRequest, body: dict[str, Any], notes: Notes
) -> None:
    """Add what the request gives to the body; raises InvalidRequestError for what must not be dropped and cannot be sent."""
    _Writer(dialect, family, claude, request, body, notes).write()


class _Writer:
    """Writes the parameters of one request into its body."""

    def __init__(
        self, dialect: BedrockConverse, family: Family, claude: claude_families.Family, request: ChatRequest, body: dict[str, Any], notes: Notes
    ) -> None:
        self._dialect = dialect
        self._family = family
        self._claude = claude
        self._request = request
        self._body = body
        self._notes = notes
        self._config: dict[str, Any] = {}
        self._fields: dict[str, Any] = {}

    def write(self) -> None:
        for name, value in given(self._request):
            if self._is_moot(name, value):
                continue
            why = refusal(self._dialect, self._family, self._claude, name)
            if why is not None:
                self._notes.drop(name, why)
            elif name not in _ELSEWHERE:
                _SPECIAL[name](self, value)
        if self._config:
            self._body["inferenceConfig"] = self._config
        thinking.write(self._dialect, self._family, self._claude, self._request, self._body, self._fields, self._notes)
        self._hush()
        if not self._config:
            self._body.pop("inferenceConfig", None)
        if self._fields:
            self._body[FIELDS] = self._fields

    def _is_moot(self, name: str, value: Any) -> bool:
        """Whether leaving the parameter out says the same."""
        return (
            (name == "service_tier" and value == "auto")
            or (name == "thinking" and not _thinks(self._family, self._claude, name) and self._family.off and value.get("type") == "disabled")
            or (name == "reasoning_effort" and not _thinks(self._family, self._claude, name) and value in OFF)
        )

    def _max_tokens(self, value: int) -> None:
        self._config["maxTokens"] = value

    def _temperature(self, value: float) -> None:
        self._config["temperature"] = clamp("temperature", value, self._dialect.temperature_range, self._notes)

    def _top_p(self, value: float) -> None:
        self._config["topP"] = value

    def _top_k(self, value: int) -> None:
        if self._family.top_k == "nested":
            self._fields["inferenceConfig"] = {"topK": value}
        else:
            self._fields["top_k"] = value

    def _stop(self, value: tuple[str, ...]) -> None:
        if not all(value):
            raise InvalidRequestError("", "a stop sequence must not be empty here", param="stop")
        self._config["stopSequences"] = list(value)

    def _metadata(self, value: Mapping[str, str]) -> None:
        self._body["requestMetadata"] = dict(value)

    def _service_tier(self, value: str) -> None:
        sent = find_tier(value, _TIERS, self._notes)
        if sent is not None:
            self._body["serviceTier"] = {"type": sent}

    def _response_format(self, value: JSONObject) -> None:
        if value["type"] != "json_schema":
            self._notes.drop("response_format", f"{value['type']} cannot be asked for; pass a json_schema")
        schema, wrapper = schema_of(value), value["json_schema"]
        # The API wants the schema as text.
        shape: dict[str, Any] = {"schema": jsons.dumps(schemas.fit(STRICT, schema, self._notes)).decode()}
        shape |= {key: wrapper[key] for key in ("name", "description") if wrapper.get(key)}
        self._body["outputConfig"] = {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": shape}}}

    def _hush(self) -> None:
        """Drop the sampling parameters that are refused beside a budget of Claude's thoughts."""
        if self._fields.get("thinking", {}).get("type") == "enabled":
            hush((("temperature", "temperature", self._config), ("top_p", "topP", self._config), ("top_k", "top_k", self._fields)), self._notes)


_SPECIAL: Final[Mapping[str, Callable[[_Writer, Any], None]]] = {
    "response_format": _Writer._response_format,
    "temperature": _Writer._temperature,
    "top_p": _Writer._top_p,
    "top_k": _Writer._top_k,
    "max_tokens": _Writer._max_tokens,
    "stop": _Writer._stop,
    "metadata": _Writer._metadata,
    "service_tier": _Writer._service_tier,
}
