"""Requests of Converse, checked as Amazon Bedrock checks them and brought into the simulator's form."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from llmclient.simulator.answers import AUDIO_TOKENS, FILE_TOKENS, IMAGE_TOKENS, Prompt, Tool, Turn
from llmclient.simulator.exchange import Failure, Request, Setting, is_dict, is_list

_FIELDS = frozenset(
    """
    messages system inferenceConfig toolConfig guardrailConfig additionalModelRequestFields promptVariables additionalModelResponseFieldPaths
    requestMetadata performanceConfig serviceTier outputConfig projectIdentifier
    """.split()
)
_CONFIG = frozenset({"maxTokens", "temperature", "topP", "stopSequences"})
_BLOCKS = frozenset(
    """
    text image document video audio toolUse toolResult guardContent cachePoint reasoningContent citationsContent searchResult toolAddition toolRemoval
    """.split()
)
_MEDIA = {"image": IMAGE_TOKENS, "document": FILE_TOKENS, "video": FILE_TOKENS}
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_DOCUMENT = re.compile(r"[a-zA-Z0-9_()\[\]-]+( [a-zA-Z0-9_()\[\]-]+)*")
_LEADING = re.compile(r"claude|qwen|glm|kimi")
"""Models whose assistant may speak first."""
_BUDGETS = ((16_000, "high"), (4_000, "medium"), (1, "low"))
_MOST_POINTS = 4


def refuse(message: str) -> Failure:
    """Return the failure of a request that is wrong."""
    return Failure(400, message)


def prompt_of(request: Request, setting: Setting) -> Prompt:
    """Read a request; raises Failure in Amazon's words for what is wrong with it."""
    body = request.json
    _check_names(body, _FIELDS)
    config = _object(body, "inferenceConfig")
    _check_settings(config)
    messages = _messages(body, request.model)
    tools = _tools(_object(body, "toolConfig"))
    if not body.get("toolConfig") and any(block.keys() & {"toolUse", "toolResult"} for message in messages for block in message["content"]):
        raise refuse("The toolConfig field must be defined when using toolUse and toolResult content blocks.")
    if orjson.dumps(body).count(b'"cachePoint":') > _MOST_POINTS:
        raise refuse(f"You provided more than {_MOST_POINTS} cachePoint blocks.")
    system = [Turn("system", "".join(str(block.get("text") or "") for block in body.get("system") or ()))] if body.get("system") else []
    return Prompt(
        model=request.model,
        turns=[*system, *map(_turn, messages)],
        digest=request.digest,
        seed=setting.seed,
        tools=tools,
        tool_choice=_choice(_object(_object(body, "toolConfig"), "toolChoice"), tools),
        shape=_shape(_object(body, "outputConfig")),
        max_tokens=config.get("maxTokens"),
        stop=tuple(config.get("stopSequences") or ()),
        effort=_effort(_object(body, "additionalModelRequestFields")),
    )


def _object(body: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = body.get(name)
    if value is not None and not is_dict(value):
        raise refuse(f"1 validation error detected: Value at '{name}' failed to satisfy constraint: Member must be an object")
    return value or {}


def _check_names(body: Mapping[str, Any], known: frozenset[str]) -> None:
    unknown = next((name for name in body if name not in known), None)
    if unknown is not None:
        raise refuse(f"Malformed input request: #: extraneous key [{unknown}] is not permitted, please reformat your input and try again.")


def _check_settings(config: Mapping[str, Any]) -> None:
    _check_names(config, _CONFIG)
    for name in ("temperature", "topP"):
        value = config.get(name, 0)
        if not isinstance(value, int | float) or not 0 <= value <= 1:
            limit = "Member must have value less than or equal to 1"
            raise refuse(f"1 validation error detected: Value '{value}' at 'inferenceConfig.{name}' failed to satisfy constraint: {limit}")
    most = config.get("maxTokens", 1)
    if not isinstance(most, int) or most < 1:
        limit = "Member must have value greater than or equal to 1"
        raise refuse(f"1 validation error detected: Value '{most}' at 'inferenceConfig.maxTokens' failed to satisfy constraint: {limit}")


# Messages.


def _messages(body: Mapping[str, Any], model: str) -> list[dict[str, Any]]:
    messages = body.get("messages")
    if not is_list(messages) or not messages:
        raise refuse("The conversation must have at least one message. Add a message and try again.")
    names: set[str] = set()
    called: list[str] = []
    for index, message in enumerate(messages):
        _check_message(message, index, names)
        if index and messages[index - 1]["role"] == message["role"]:
            raise refuse("A conversation must alternate between user and assistant roles. Make sure the conversation alternates and try again.")
        _check_results(message["content"], called, index)
        called = [str(block["toolUse"].get("toolUseId")) for block in message["content"] if is_dict(block.get("toolUse"))]
    if messages[0]["role"] != "user" and not _LEADING.search(model):
        raise refuse("A conversation must start with a user message. Try again with a conversation that starts with a user message.")
    return messages


def _check_message(message: Any, index: int, names: set[str]) -> None:
    content = message.get("content") if is_dict(message) else None
    if not is_dict(message) or message.get("role") not in ("user", "assistant") or not is_list(content) or not content:
        raise refuse(f"The content field in the Message object at messages.{index} is empty. Add a ContentBlock object to the content field and try again.")
    for place, block in enumerate(content):
        where = f"messages.{index}.content.{place}"
        if not is_dict(block) or len(block) != 1 or not block.keys() <= _BLOCKS:
            raise refuse(f"The content block at {where} is malformed: it must have one of {', '.join(sorted(_BLOCKS))}.")
        if "text" in block and not str(block["text"]).strip():
            raise refuse(f"The text field in the ContentBlock object at {where} is blank. Add text to the text field, and try again.")
        if "document" in block:
            _check_document(block["document"], names)
    if any("document" in block for block in content) and not any("text" in block for block in content):
        raise refuse("A text content block is required when a document is included in the message.")


def _check_document(document: Any, names: set[str]) -> None:
    name = str(document.get("name")) if is_dict(document) else ""
    if not _DOCUMENT.fullmatch(name) or len(name) > 200:
        raise refuse(
            "The document file name can only contain alphanumeric characters, whitespace characters, hyphens, parentheses, and square brackets. "
            "The name can't contain more than one consecutive whitespace character."
        )
    if name in names:
        raise refuse("Your request contains duplicate document names. Each document in a request must have a unique name.")
    names.add(name)


def _check_results(content: Sequence[Mapping[str, Any]], called: Sequence[str], index: int) -> None:
    """The turn after calls holds a result for each, and there are no others."""
    given = [str(block["toolResult"].get("toolUseId")) for block in content if is_dict(block.get("toolResult"))]
    if sorted(given) == sorted(called):
        return
    if len(given) > len(called):
        raise refuse(f"The number of toolResult blocks at messages.{index}.content exceeds the number of toolUse blocks of previous turn.")
    missing = ", ".join(identity for identity in called if identity not in given)
    raise refuse(f"Expected toolResult blocks at messages.{index}.content for the following Ids: {missing}")


def _turn(message: Mapping[str, Any]) -> Turn:
    content: list[dict[str, Any]] = message["content"]
    results = [block["toolResult"] for block in content if "toolResult" in block]
    if results:
        said = [str(part.get("text") or json.dumps(part.get("json"))) for result in results for part in result.get("content") or ()]
        asked = "".join(str(block["text"]) for block in content if "text" in block)
        return Turn("user", asked) if asked else Turn("tool", "\n".join(said))
    text = "".join(str(block["text"]) for block in content if "text" in block)
    called = "".join(orjson.dumps(block["toolUse"]).decode() for block in content if "toolUse" in block)
    media = sum(size for block in content for kind, size in _MEDIA.items() if kind in block)
    return Turn(message["role"], text + called, media, AUDIO_TOKENS * sum("audio" in block for block in content))


# Tools and settings.


def _tools(config: Mapping[str, Any]) -> list[Tool]:
    if not config:
        return []
    found: list[Tool] = []
    for entry in config.get("tools") or ():
        spec = entry.get("toolSpec") if is_dict(entry) else None
        if not is_dict(spec):
            continue
        name, schema = spec.get("name"), _object(_object(spec, "inputSchema"), "json")
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            constraint = "Member must satisfy regular expression pattern: [a-zA-Z0-9_-]+"
            raise refuse(f"1 validation error detected: Value '{name}' at 'toolConfig.tools.1.member.toolSpec.name' failed to satisfy constraint: {constraint}")
        if spec.get("description") == "" or schema.get("type") != "object":
            raise refuse(f"The toolSpec of {name} is invalid: its description must not be empty, and the type of its inputSchema must be object.")
        found.append(Tool(name, schema))
    if not config.get("tools"):
        least = "Member must have length greater than or equal to 1"
        raise refuse(f"1 validation error detected: Value at 'toolConfig.tools' failed to satisfy constraint: {least}")
    return found


def _choice(choice: Mapping[str, Any], tools: Sequence[Tool]) -> str:
    if not choice.keys() <= {"auto", "any", "tool"} or len(choice) > 1:
        raise refuse("The value of toolChoice is invalid: it must have one of auto, any, tool.")
    if "tool" in choice:
        name = str(_object(choice, "tool").get("name"))
        if name not in [tool.name for tool in tools]:
            raise refuse(f"The tool {name} of toolChoice is not among the tools.")
        return "=" + name
    return "required" if "any" in choice else "auto"


def _shape(config: Mapping[str, Any]) -> Mapping[str, Any] | None:
    if not config.get("textFormat"):
        return None
    given = _object(_object(_object(config, "textFormat"), "structure"), "jsonSchema").get("schema")
    try:
        schema: Any = orjson.loads(given) if isinstance(given, str) else None
    except orjson.JSONDecodeError:
        schema = None
    if is_dict(schema):
        return schema
    raise refuse("The schema of outputConfig.textFormat must be a JSON Schema, written as a string.")


def _effort(fields: Mapping[str, Any]) -> str | None:
    """Read how much to think, in the shape of any family."""
    thinking = fields.get("thinking")
    budget = thinking.get("budget_tokens") if is_dict(thinking) else None
    if isinstance(budget, int):
        return next((effort for least, effort in _BUDGETS if budget >= least), None)
    nova, claude = fields.get("reasoningConfig"), fields.get("output_config")
    given = nova.get("maxReasoningEffort") if is_dict(nova) else claude.get("effort") if is_dict(claude) else None
    given = given or fields.get("reasoning_effort") or fields.get("reasoning_config")
    return given if isinstance(given, str) else None
