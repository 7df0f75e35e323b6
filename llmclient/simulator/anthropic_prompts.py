"""Requests of the Messages API, checked as Anthropic checks them and brought into the simulator's form."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from llmclient.simulator.answers import FILE_TOKENS, IMAGE_TOKENS, Prompt, Tool, Turn, identifier
from llmclient.simulator.exchange import Failure, Request, Setting, is_dict, is_list, object_in

NO_SAMPLING_SINCE = "2026-10-21"

_FIELDS = frozenset(
    "model messages max_tokens system stream tools tool_choice temperature top_p top_k stop_sequences thinking output_config output_format metadata "
    "service_tier cache_control container context_management mcp_servers inference_geo speed diagnostics".split()
)
_SAMPLING = ("temperature", "top_p", "top_k")
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_ID = re.compile(r"[a-zA-Z0-9_-]+")
_LEAST_BUDGET = 1_024
_EFFORTS = ((16_000, "high"), (8_000, "medium"), (0, "low"))


def refuse(message: str) -> Failure:
    """Return the failure of a request that is wrong."""
    return Failure(400, message)


def prompt_of(request: Request, setting: Setting, *, counting: bool = False) -> Prompt:
    """Read a request; raises Failure in Anthropic's words for what is wrong with it."""
    body = request.json
    version = request.headers.get("anthropic-version", "")
    if not version:
        raise refuse("anthropic-version: header is required")
    _check_fields(body, version, counting=counting)
    tools = tuple(_tool(tool, f"tools.{index}") for index, tool in enumerate(body.get("tools") or ()))
    choice = _choice(body.get("tool_choice"), tools)
    return Prompt(
        model=body["model"],
        turns=_turns(body),
        digest=request.digest,
        seed=setting.seed,
        tools=tools,
        tool_choice=choice,
        parallel=not object_in(body, "tool_choice").get("disable_parallel_tool_use"),
        shape=_shape(body),
        max_tokens=body.get("max_tokens"),
        stop=tuple(body.get("stop_sequences") or ()),
        effort=_effort(body, choice),
    )


def _check_fields(body: Mapping[str, Any], version: str, *, counting: bool) -> None:
    for name in ("model", "messages", *(() if counting else ("max_tokens",))):
        if body.get(name) is None:
            raise refuse(f"{name}: Field required")
    if not isinstance(body["model"], str):
        raise refuse("model: Input should be a valid string")
    unknown = next((name for name in body if name not in _FIELDS or (version >= NO_SAMPLING_SINCE and name in _SAMPLING)), None)
    if unknown is not None:
        raise refuse(f"{unknown}: Extra inputs are not permitted")
    limit = body.get("max_tokens", 1)
    if not isinstance(limit, int) or limit < 1:
        raise refuse("max_tokens: Input should be greater than or equal to 1")
    temperature = body.get("temperature", 0)
    if not isinstance(temperature, int | float) or not 0 <= temperature <= 1:
        raise refuse("temperature: range: 0..1")
    if not all(isinstance(stop, str) and stop.strip() for stop in body.get("stop_sequences") or ()):
        raise refuse("stop_sequences: each stop sequence must contain non-whitespace")


# Messages.


def _turns(body: Mapping[str, Any]) -> list[Turn]:
    messages = body["messages"]
    if not is_list(messages) or not messages:
        raise refuse("messages: at least one message is required")
    turns = [Turn("system", _content(body["system"], "system")[0])] if body.get("system") else []
    waiting: list[str] = []
    for index, message in enumerate(messages):
        where = f"messages.{index}"
        if not is_dict(message) or message.get("role") not in ("user", "assistant", "system"):
            raise refuse(f'{where}: Input should be a valid dictionary with the role "user" or "assistant"')
        _check_results(message, where, waiting)
        waiting = [block["id"] for block in _blocks_of(message, "tool_use")] if message["role"] == "assistant" else []
        turns += _turn(message, where, is_last=index == len(messages) - 1)
    if waiting:
        raise refuse(_unanswered(len(messages) - 1, waiting))
    return turns


def _blocks_of(message: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    content = message.get("content")
    return [block for block in content if is_dict(block) and block.get("type") == kind] if is_list(content) else []


def _unanswered(index: int, waiting: Sequence[str]) -> str:
    ids = ", ".join(waiting)
    return f"messages.{index}: `tool_use` ids were found without `tool_result` blocks immediately after: {ids}."


def _check_results(message: Mapping[str, Any], where: str, waiting: Sequence[str]) -> None:
    """Each call needs its result at the start of the next user's turn, and each result its call."""
    content = message.get("content")
    given = [block.get("tool_use_id") for block in _blocks_of(message, "tool_result")]
    for identity in given:
        if identity not in waiting:
            raise refuse(f"{where}.content: unexpected `tool_use_id` found in `tool_result` blocks: {identity}.")
    missing = [identity for identity in waiting if identity not in given]
    index = int(where.rpartition(".")[2])
    leading = content[: len(given)] if is_list(content) else []
    if missing or any(block.get("type") != "tool_result" for block in leading):
        raise refuse(_unanswered(index - 1, missing or waiting))


def _turn(message: Mapping[str, Any], where: str, *, is_last: bool) -> list[Turn]:
    """Return the turns that one message is: each result is one of its own."""
    role, content = message["role"], message.get("content")
    if not content and not (is_last and role == "assistant"):
        raise refuse(f"{where}: all messages must have non-empty content except for the optional final assistant message")
    text, media = _content(content, where)
    if is_last and role == "assistant" and text != text.rstrip():
        raise refuse("messages: final assistant content cannot end with trailing whitespace")
    results = [Turn("tool", *_content(block.get("content") or "", where)) for block in _blocks_of(message, "tool_result")]
    return [*results, *([Turn(role, text, media)] if text or media or not results else [])]


def _content(content: Any, where: str) -> tuple[str, int]:
    """Return the text of a message, and the tokens of its media."""
    if isinstance(content, str):
        if content and not content.strip():
            raise refuse(f"{where}: text content blocks must contain non-whitespace text")
        return content, 0
    texts: list[str] = []
    media = 0
    for index, block in enumerate(content or ()):
        if not is_dict(block) or not isinstance(block.get("type"), str):
            raise refuse(f"{where}.content.{index}.type: Field required")
        said, cost = _block(block, f"{where}.content.{index}")
        texts.append(said)
        media += cost
    return "".join(texts), media


def _block(block: Mapping[str, Any], where: str) -> tuple[str, int]:
    match block["type"]:
        case "text":
            if not isinstance(block.get("text"), str) or not block["text"].strip():
                raise refuse(f"{where}: text content blocks must contain non-whitespace text")
            return block["text"], 0
        case "image":
            _need_source(block, where)
            return "", IMAGE_TOKENS
        case "document":
            _need_source(block, where)
            return "", FILE_TOKENS
        case "tool_use":
            _check_call(block, where)
            return "", 0
        case "thinking":
            if block.get("signature") != "sig_" + identifier("thought", block.get("thinking")):
                raise refuse(f"{where}: Invalid `signature` in `thinking` block")
            return "", 0
        case _:
            return "", 0


def _need_source(block: Mapping[str, Any], where: str) -> None:
    if not is_dict(block.get("source")):
        raise refuse(f"{where}.{block['type']}.source: Field required")


def _check_call(block: Mapping[str, Any], where: str) -> None:
    if not _ID.fullmatch(str(block.get("id") or "")):
        raise refuse(f"{where}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'")
    if not is_dict(block.get("input")):
        raise refuse(f"{where}.tool_use.input: Input should be a valid dictionary")


# Tools, thoughts and shapes.


def _tool(tool: Any, where: str) -> Tool:
    name = tool.get("name") if is_dict(tool) else None
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise refuse(f"{where}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'")
    if tool.get("type", "custom") != "custom":
        return Tool(name, {"type": "object"})
    schema = tool.get("input_schema")
    if not is_dict(schema) or schema.get("type") != "object":
        raise refuse(f"{where}.custom.input_schema.type: Field required")
    return Tool(name, schema)


def _choice(choice: Any, tools: Sequence[Tool]) -> str:
    if choice is None:
        return "auto"
    if not tools:
        raise refuse("tool_choice: may only be specified while providing tools")
    kind = choice.get("type") if is_dict(choice) else None
    if kind == "tool":
        name = choice.get("name")
        if all(tool.name != name for tool in tools):
            raise refuse(f"tool_choice: Tool '{name}' not found in provided tools")
        return f"={name}"
    if kind not in ("auto", "any", "none"):
        raise refuse("tool_choice.type: Input should be 'auto', 'any', 'tool' or 'none'")
    return {"any": "required"}.get(str(kind), str(kind))


def _shape(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    form: Any = object_in(body, "output_config").get("format") or body.get("output_format")
    if form is None:
        return None
    schema = form.get("schema") if is_dict(form) else None
    if not is_dict(schema):
        raise refuse("output_config.format.schema: Field required")
    if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
        raise refuse("output_config.format.schema: For 'object' type, 'additionalProperties' must be explicitly set to false")
    return schema


def _effort(body: Mapping[str, Any], choice: str) -> str | None:
    """Return how much to think: by the effort, by the budget, or as usual."""
    thinking = body.get("thinking")
    kind = thinking.get("type") if is_dict(thinking) else None
    if kind in ("disabled", "between_tools"):
        return "none"
    effort: str | None = object_in(body, "output_config").get("effort")
    if kind != "enabled" or not is_dict(thinking):
        return effort
    budget = thinking.get("budget_tokens")
    if not isinstance(budget, int) or budget < _LEAST_BUDGET:
        raise refuse(f"thinking.enabled.budget_tokens: Input should be greater than or equal to {_LEAST_BUDGET}")
    if budget >= body.get("max_tokens", budget + 1):
        raise refuse("`max_tokens` must be greater than `thinking.budget_tokens`")
    if choice == "required" or choice.startswith("="):
        raise refuse("Thinking may not be enabled when tool_choice forces tool use.")
    return effort or next(word for least, word in _EFFORTS if budget >= least)
