"""Tools on their way out: functions, what the provider runs itself, and which of them may be called."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from llmclient.dialects.base import Notes
from llmclient.dialects.shapes import is_object
from llmclient.errors import InvalidRequestError
from llmclient.types.chat import ChatRequest
from llmclient.types.messages import JSONObject, Tool

if TYPE_CHECKING:
    from llmclient.dialects.gemini.chat import GeminiChat

_OWN: Final = {
    "google_search": "googleSearch", "google_search_retrieval": "googleSearchRetrieval", "code_execution": "codeExecution", "url_context": "urlContext",
    "file_search": "fileSearch", "google_maps": "googleMaps", "computer_use": "computerUse", "enterprise_web_search": "enterpriseWebSearch",
    "retrieval": "retrieval",
}  # fmt: skip
"""What the provider runs itself, for those who write {"type": "google_search"}."""
_BESIDE: Final = frozenset({"behavior", "response", "responseJsonSchema"})
_DECLARED: Final = ("functionDeclarations", "function_declarations")
_MODES: Final = {"auto": "AUTO", "none": "NONE", "required": "ANY", "any": "ANY", "validated": "VALIDATED"}


class Tools:
    """Writes the tools of one request."""

    def __init__(self, dialect: GeminiChat, notes: Notes, schema: Callable[[JSONObject, str], JSONObject]) -> None:
        self._dialect = dialect
        self._notes = notes
        self._schema = schema

    def write(self, request: ChatRequest, body: dict[str, Any]) -> None:
        """Add `tools` and `toolConfig` to the body; raises InvalidRequestError for a tool or a choice that cannot be said."""
        functions = [self._function(tool) for tool in request.tools or () if isinstance(tool, Tool)]
        tools: list[JSONObject] = [{"functionDeclarations": functions}] if functions else []
        tools += [_native(tool) for tool in request.tools or () if not isinstance(tool, Tool)]
        if request.web_search_options is not None:
            tools.append({"googleSearch": {}})
            for key in request.web_search_options:
                self._notes.drop(f"web_search_options.{key}", "the field is not taken here")
        has_functions = any(tool.get(name) for tool in tools for name in _DECLARED)
        if request.tool_choice is not None:
            self._choose(request.tool_choice, has_functions, tools, body)
        if tools:
            body["tools"] = tools

    def _function(self, tool: Tool) -> JSONObject:
        out: dict[str, Any] = {"name": tool.name, "description": tool.description or ""}
        if tool.parameters is not None:
            written = self._schema(tool.parameters, "tools")
            if self._dialect.schema == "json_schema":
                out["parametersJsonSchema"] = written
            elif written.get("properties"):
                # An object without properties is refused; no parameters say the same.
                out["parameters"] = written
        if tool.strict:
            self._drop_once("strict", "schemas are not enforced here")
        for key, item in tool.extra.items():
            if key in _BESIDE:
                out[key] = item
            else:
                self._drop_once(f"tools.{key}", "the field is not taken here")
        return out

    def _choose(self, choice: str | JSONObject, has_functions: bool, tools: list[JSONObject], body: dict[str, Any]) -> None:
        if is_object(choice) and ("functionCallingConfig" in choice or "function_calling_config" in choice):
            body["toolConfig"] = dict(choice)
            return
        config = _read_choice(choice)
        if has_functions:
            body["toolConfig"] = {"functionCallingConfig": config}
        elif config["mode"] == "NONE" and tools:
            tools.clear()
            self._notes.move("tool_choice", '"none" was said by sending no tools')
        elif config["mode"] in ("AUTO", "NONE"):
            self._notes.move("tool_choice", "was left out, since there is no function to choose")
        else:
            raise InvalidRequestError("", "tool_choice asks for a call, but there are no functions in tools", param="tool_choice")

    def _drop_once(self, param: str, why: str) -> None:
        if all(warning.param != param for warning in self._notes.warnings):
            self._notes.drop(param, why)


def _native(tool: JSONObject) -> JSONObject:
    """Return a tool that the provider runs itself, as it is or from {"type": NAME, …}."""
    kind = tool.get("type")
    if kind is None:
        return tool
    rest = {key: item for key, item in tool.items() if key != "type"}
    if kind in _OWN:
        return {_OWN[kind]: rest.get(kind, rest)}
    if kind in _OWN.values():
        return {kind: rest.get(kind, rest)}
    known = ", ".join(sorted(_OWN))
    raise InvalidRequestError("", f"tools of type {kind!r} are not taken here; there are {known}", param="tools")


def _read_choice(choice: str | JSONObject) -> dict[str, Any]:
    """Return the functionCallingConfig of a portable choice."""
    if isinstance(choice, str):
        mode = _MODES.get(choice)
        return {"mode": "ANY", "allowedFunctionNames": [choice]} if mode is None else {"mode": mode}
    function, allowed = choice.get("function"), choice.get("allowed_tools")
    if is_object(function) and isinstance(function.get("name"), str):
        return {"mode": "ANY", "allowedFunctionNames": [function["name"]]}
    if is_object(allowed) and allowed.get("mode") == "required":
        return {"mode": "ANY", "allowedFunctionNames": [name for tool in allowed.get("tools") or () if (name := _name(tool))]}
    if choice.get("type") in _MODES:
        return {"mode": _MODES[choice["type"]]}
    raise InvalidRequestError("", f"this tool_choice cannot be said here: {choice.get('type')!r}", param="tool_choice")


def _name(tool: Any) -> str | None:
    function = tool.get("function") if is_object(tool) else None
    name = function.get("name") if is_object(function) else None
    return name if isinstance(name, str) else None
