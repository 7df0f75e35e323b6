"""Tools on their way out: their names, their schemas, and which of them must be called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from llmclient.dialects.anthropic import families as claude_families
from llmclient.dialects.anthropic import schemas
from llmclient.dialects.anthropic.chat import AnthropicMessages
from llmclient.dialects.anthropic.tools import Names, drop_once, write_choice, write_schema
from llmclient.dialects.base import Notes
from llmclient.dialects.bedrock import caching
from llmclient.dialects.bedrock.families import Family
from llmclient.dialects.bedrock.parts import CACHE
from llmclient.errors import InvalidRequestError
from llmclient.types.answer import Warning
from llmclient.types.chat import ChatRequest
from llmclient.types.messages import JSONObject, Message, Tool

if TYPE_CHECKING:
    from llmclient.dialects.bedrock.chat import BedrockConverse

NATIVE: Final = frozenset({"toolSpec", "systemTool", "cachePoint"})
STRICT: Final = AnthropicMessages(
    schema_drop=frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "maxItems"})
)
"""How schemas are fitted where answers or calls are held to them: these keywords are refused."""


def known(dialect: BedrockConverse, request: ChatRequest) -> tuple[Sequence[Tool | JSONObject], bool]:
    """Return the tools to declare, and whether they were made up from the calls of earlier turns, beside which there must be some."""
    if request.tools:
        return request.tools, False
    called = _called(request.messages) if dialect.tools_with_history else []
    wire = Names((), dialect.tool_name_max).wire
    stubs = {wire(name): Tool(name) for name in reversed(called)}
    return list(reversed(stubs.values())), bool(called)


def _called(messages: Sequence[Message]) -> list[str]:
    """Return the names of the tools that were called or have answered, in order."""
    names = [call.function.name for message in messages for call in message.tool_calls]
    if not names and any(message.role == "tool" for message in messages):
        names = [message.name or "tool" for message in messages if message.role == "tool"]
    return list(dict.fromkeys(names))


class ToolWriter:
    """Writes `toolConfig` of one request."""

    def __init__(self, dialect: BedrockConverse, family: Family, claude: claude_families.Family, names: Names, notes: Notes) -> None:
        self._dialect = dialect
        self._family = family
        self._claude = claude
        self._names = names
        self._notes = notes

    def write(self, request: ChatRequest, tools: Sequence[Tool | JSONObject], *, made_up: bool) -> dict[str, Any] | None:
        """Return the configuration, None for none; raises InvalidRequestError for a tool or choice that cannot be said."""
        choice = None if request.tool_choice is None else self._choice(request.tool_choice)
        if not request.tools:
            self._refuse(choice)
        elif choice == {"none": {}}:
            tools, made_up = self._without(request)
        if not tools:
            return None
        if made_up:
            self._notes.move("tools", "were declared by the names of earlier calls, since the API wants tools wherever there were calls")
        config: dict[str, Any] = {"tools": [entry for tool in tools for entry in self._tool(tool)]}
        if choice is not None and request.tools and choice != {"none": {}} and not ("auto" in choice and not self._family.auto_choice):
            config["toolChoice"] = choice
        return config

    def _refuse(self, choice: dict[str, Any] | None) -> None:
        """Without tools, a choice among them says nothing, or cannot be met."""
        if choice is None:
            return
        if choice.keys() & {"any", "tool"}:
            raise InvalidRequestError("", "tool_choice asks for a call, but there are no tools", param="tool_choice")
        self._notes.move("tool_choice", "was left out: there are no tools")

    def _without(self, request: ChatRequest) -> tuple[Sequence[Tool | JSONObject], bool]:
        """The API has no word for `none`: leave the tools out, unless earlier calls want some to be there."""
        if not self._dialect.tools_with_history or not _called(request.messages):
            self._notes.move("tool_choice", "was said by leaving out the tools: the API has no word for none")
            return (), False
        lost = "tool_choice was dropped: the API has no word for none, and wants the tools beside the calls of earlier turns"
        self._notes.warnings.append(Warning("dropped", "tool_choice", lost))
        return request.tools or (), False

    def _choice(self, value: str | JSONObject) -> dict[str, Any]:
        if not isinstance(value, str) and len(value) == 1 and value.keys() <= {"auto", "any", "tool"}:
            return dict(value)
        choice = write_choice(self._claude, value, self._names, self._notes)
        kind = choice["type"]
        if kind in ("any", "tool") and not self._family.forced_choice:
            self._notes.drop("tool_choice", "this model cannot be forced to call a tool")
        return {kind: {"name": choice["name"]} if kind == "tool" else {}}

    def _tool(self, tool: Tool | JSONObject) -> list[dict[str, Any]]:
        if not isinstance(tool, Tool):
            native = {key: item for key, item in tool.items() if key != "type"}
            if len(native) == 1 and NATIVE & native.keys():
                return [native]
            raise InvalidRequestError("", f"tools of the type {tool.get('type')!r} are not known here", param="tools")
        spec: dict[str, Any] = {"name": self._names.wire(tool.name)}
        if tool.description and tool.description.strip():
            spec["description"] = tool.description
        schema = write_schema(tool)
        if tool.strict and self._claude.structured:
            spec["strict"] = True
            schema = schemas.fit(STRICT, schema, self._notes)
        elif tool.strict:
            drop_once(self._notes, "strict", "calls are not held to their schema here")
        spec["inputSchema"] = {"json": schema}
        return [{"toolSpec": spec}, *self._point(tool)]

    def _point(self, tool: Tool) -> list[dict[str, Any]]:
        """Return the cache point behind a tool, and note what else of the tool is left out."""
        for key in tool.extra:
            if key != CACHE:
                drop_once(self._notes, f"tools.{key}", "the field is not taken here")
        mark = tool.extra.get(CACHE)
        if mark is None:
            return []
        if "tools" not in self._family.caching:
            drop_once(self._notes, f"tools.{CACHE}", "this model's tools cannot be cached")
            return []
        return [caching.point(mark)]
