"""Requests of generateContent, checked as Google checks them and brought into the simulator's form."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from llmclient.simulator.answers import AUDIO_TOKENS, FILE_TOKENS, IMAGE_TOKENS, Prompt, Tool, Turn, identifier
from llmclient.simulator.exchange import Failure, Request, Setting, is_dict, is_list, object_in

DUMMY = "skip_thought_signature_validator"

_FIELDS = frozenset(
    "model contents systemInstruction tools toolConfig safetySettings generationConfig cachedContent labels modelArmorConfig serviceTier store".split()
)
_CONFIG = frozenset(
    """
    stopSequences responseMimeType responseSchema responseJsonSchema responseModalities candidateCount maxOutputTokens temperature topP topK seed
    presencePenalty frequencyPenalty responseLogprobs logprobs enableEnhancedCivicAnswers speechConfig thinkingConfig imageConfig mediaResolution
    audioTimestamp routingConfig
    """.split()
)
_HELD = ("text", "inlineData", "fileData", "functionCall", "functionResponse", "executableCode", "codeExecutionResult", "toolCall", "toolResponse")
_MODES = {"AUTO": "auto", "ANY": "required", "NONE": "none", "VALIDATED": "auto", "MODE_UNSPECIFIED": "auto"}
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}")
_BUDGETS = ((16_000, "high"), (4_000, "medium"), (1, "low"), (0, "none"))
_VERBATIM = frozenset({"args", "response", "parameters", "parametersJsonSchema", "responseSchema", "responseJsonSchema", "labels"})


def refuse(message: str) -> Failure:
    """Return the failure of a request that is wrong."""
    return Failure(400, message)


def camel(value: Any) -> Any:
    """Return a request with its keys in camel case: snake case is taken, too. What the caller names himself stays."""
    if is_list(value):
        return [camel(item) for item in value]
    if not is_dict(value):
        return value
    named = {re.sub(r"_([a-z])", lambda match: match[1].upper(), key): item for key, item in value.items()}
    return {key: item if key in _VERBATIM else camel(item) for key, item in named.items()}


def signature_of(*parts: object) -> str:
    """Return the signature of a part, which a later request must repeat with it."""
    return base64.b64encode(identifier("signature", *parts).encode()).decode()


def prompt_of(request: Request, setting: Setting, body: dict[str, Any]) -> Prompt:
    """Read a request whose keys are in camel case; raises Failure in Google's words for what is wrong with it."""
    _check_names(body, _FIELDS, "")
    config = object_in(body, "generationConfig")
    _check_names(config, _CONFIG, " at 'generation_config'")
    _check_settings(config)
    tools = tuple(_tools(body))
    choice, allowed = _choice(object_in(object_in(body, "toolConfig"), "functionCallingConfig"), tools)
    if body.get("cachedContent") and (body.get("systemInstruction") or body.get("tools") or body.get("toolConfig")):
        raise refuse("CachedContent can not be used with GenerateContent request setting system_instruction, tools or tool_config.")
    return Prompt(
        model=request.model,
        turns=_turns(body, request.model),
        digest=request.digest,
        seed=setting.seed,
        tools=[tool for tool in tools if not allowed or tool.name in allowed],
        tool_choice=choice,
        shape=_shape(config),
        max_tokens=config.get("maxOutputTokens"),
        stop=tuple(config.get("stopSequences") or ()),
        effort=_effort(object_in(config, "thinkingConfig")),
    )


def _check_names(body: Mapping[str, Any], known: frozenset[str], where: str) -> None:
    unknown = next((name for name in body if name not in known), None)
    if unknown is not None:
        raise refuse(f'Invalid JSON payload received. Unknown name "{unknown}"{where}: Cannot find field.')


def _check_settings(config: Mapping[str, Any]) -> None:
    temperature, stops = config.get("temperature", 0), config.get("stopSequences", ())
    if not isinstance(temperature, int | float) or not 0 <= temperature <= 2:
        raise refuse("* GenerateContentRequest.generation_config.temperature: temperature must be in the range [0.0, 2.0].")
    limit = config.get("maxOutputTokens", 1)
    if not isinstance(limit, int) or limit < 1:
        raise refuse("* GenerateContentRequest.generation_config.max_output_tokens: max_output_tokens must be positive.")
    if len(stops or ()) > 5:
        raise refuse("* GenerateContentRequest.generation_config.stop_sequences: at most 5 stop sequences are allowed.")
    count = config.get("candidateCount", 1)
    if not isinstance(count, int) or not 1 <= count <= 8:
        raise refuse("* GenerateContentRequest.generation_config.candidate_count: candidate_count must be in the range [1, 8].")
    thinking = object_in(config, "thinkingConfig")
    if "thinkingBudget" in thinking and "thinkingLevel" in thinking:
        raise refuse("You can only set only one of thinking budget and thinking level.")


# Contents.


def _turns(body: Mapping[str, Any], model: str) -> list[Turn]:
    contents = body.get("contents")
    contents = [contents] if is_dict(contents) else contents
    if not is_list(contents) or not contents:
        raise refuse("* GenerateContentRequest.contents: contents is not specified")
    system = object_in(body, "systemInstruction")
    turns = [Turn("system", "".join(str(part.get("text") or "") for part in _parts(system, "system_instruction")))] if system else []
    called: list[dict[str, Any]] = []
    for index, content in enumerate(contents):
        where = f"contents[{index}]"
        if not is_dict(content) or content.get("role", "user") not in ("user", "model", "function"):
            raise refuse("Please use a valid role: user, model.")
        parts = _parts(content, where)
        _check_results(parts, called)
        if content.get("role") == "model":
            called = [part["functionCall"] for part in parts if is_dict(part.get("functionCall"))]
            _check_signature(parts, model, where)
        elif not any("functionResponse" in part for part in parts):
            called = []
        turns.append(_turn(content.get("role", "user"), parts))
    return turns


def _parts(content: Mapping[str, Any], where: str) -> list[dict[str, Any]]:
    parts = content.get("parts")
    parts = [parts] if is_dict(parts) else parts
    if not is_list(parts) or not parts:
        raise refuse(f"* GenerateContentRequest.{where}.parts: contents.parts must not be empty.")
    for part in parts:
        if not is_dict(part) or not ([name for name in _HELD if name in part] or part.get("thoughtSignature")):
            raise refuse(f"* GenerateContentRequest.{where}.parts: required oneof field 'data' must have one initialized field")
    return [part for part in parts if is_dict(part)]


def _check_results(parts: Sequence[Mapping[str, Any]], called: Sequence[Mapping[str, Any]]) -> None:
    """The turn after calls holds a result for each, by name, and nothing else."""
    results = [part["functionResponse"] for part in parts if "functionResponse" in part]
    if not results:
        return
    if len(results) != len(called) or len(results) != len(parts):
        raise refuse("Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.")
    for result, call in zip(results, called, strict=True):
        if result.get("name") != call.get("name"):
            raise refuse(f"The function response {result.get('name')!r} does not answer the function call {call.get('name')!r}.")
        if not is_dict(result.get("response")):
            raise refuse("Invalid value at 'contents.parts.function_response.response': must be a Struct.")
        if _refers(result["response"]):
            raise refuse("The function response refers to a part with `$ref` that is not there.")


def _refers(value: Any) -> bool:
    if is_dict(value):
        return bool({"$ref", "$defs"} & value.keys()) or any(map(_refers, value.values()))
    return is_list(value) and any(map(_refers, value))


def _check_signature(parts: Sequence[Mapping[str, Any]], model: str, where: str) -> None:
    """From Gemini 3 on the first call of a turn must be signed."""
    first = next((part for part in parts if "functionCall" in part), None)
    if first is None or not model.startswith("gemini-3"):
        return
    call, given = first["functionCall"], first.get("thoughtSignature")
    if given not in (signature_of(call.get("name"), call.get("args")), DUMMY, base64.b64encode(DUMMY.encode()).decode()):
        raise refuse(f"Function call is missing a thought_signature in functionCall parts. {where}, function call `{call.get('name')}`.")


def _turn(role: str, parts: Sequence[Mapping[str, Any]]) -> Turn:
    if any("functionResponse" in part for part in parts):
        return Turn("tool", "\n".join(orjson.dumps(part["functionResponse"]["response"]).decode() for part in parts))
    text = "".join(str(part.get("text") or "") for part in parts if not part.get("thought"))
    called = "".join(orjson.dumps(part["functionCall"]).decode() for part in parts if "functionCall" in part)
    kinds = [str(held.get("mimeType")) for part in parts if is_dict(held := part.get("inlineData") or part.get("fileData"))]
    media = sum(0 if kind.startswith("audio/") else IMAGE_TOKENS if kind.startswith("image/") else FILE_TOKENS for kind in kinds)
    audio = AUDIO_TOKENS * sum(kind.startswith("audio/") for kind in kinds)
    return Turn("assistant" if role == "model" else "user", text + called, media, audio)


# Tools and settings.


def _tools(body: Mapping[str, Any]) -> Iterator[Tool]:
    for tool in body.get("tools") or ():
        for function in object_in({"tool": tool}, "tool").get("functionDeclarations") or ():
            name = function.get("name") if is_dict(function) else None
            if not isinstance(name, str) or not _NAME.fullmatch(name):
                where = "GenerateContentRequest.tools[0].function_declarations[0].name"
                raise refuse(f"* {where}: Invalid function name. Must start with a letter or an underscore.")
            yield Tool(name, function.get("parametersJsonSchema") or _lower(function.get("parameters") or {}))


def _lower(schema: Any) -> Any:
    """Return a schema of OpenAPI's language, whose types may be in upper case, as JSON Schema."""
    if is_list(schema):
        return [_lower(item) for item in schema]
    if not is_dict(schema):
        return schema
    return {key: item.lower() if key == "type" and isinstance(item, str) else _lower(item) for key, item in schema.items()}


def _choice(config: Mapping[str, Any], tools: Sequence[Tool]) -> tuple[str, Sequence[str]]:
    if not config:
        return "auto", ()
    if not tools:
        raise refuse("Function calling config is set without function_declarations.")
    mode, allowed = str(config.get("mode") or "AUTO").upper(), config.get("allowedFunctionNames") or ()
    if mode not in _MODES:
        raise refuse(f"Invalid value at 'tool_config.function_calling_config.mode', {mode!r}")
    if allowed and mode not in ("ANY", "VALIDATED"):
        raise refuse("allowed_function_names can only be set when function calling mode is set to ANY.")
    return _MODES[mode], allowed


def _shape(config: Mapping[str, Any]) -> Mapping[str, Any] | bool | None:
    kind = config.get("responseMimeType")
    schema = config.get("responseJsonSchema") or _lower(config.get("responseSchema"))
    if schema and kind != "application/json":
        raise refuse("Response schema is only supported for JSON response MIME type.")
    return (schema or True) if kind == "application/json" else None


def _effort(config: Mapping[str, Any]) -> str | None:
    level, budget = config.get("thinkingLevel"), config.get("thinkingBudget")
    if isinstance(level, str):
        return level.lower()
    return next((effort for least, effort in _BUDGETS if budget >= least), None) if isinstance(budget, int) else None
