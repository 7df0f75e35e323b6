"""Answers on their way in: candidates, their parts, and why there may be none."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from llmclient.dialects import bodies
from llmclient.dialects.bodies import make_loads, parse
from llmclient.dialects.decoding import replay
from llmclient.dialects.gemini import problems
from llmclient.dialects.gemini.usage import finish_word, read_finish, read_usage
from llmclient.dialects.openai.answer import make_id
from llmclient.dialects.shapes import is_array, is_object
from llmclient.errors import ApiError, ContentFilteredError, ProviderError, ResponseParsingError
from llmclient.types.chat import ChatResponse, Choice, FinishReason
from llmclient.types.messages import EMPTY, Audio, File, FunctionCall, Image, JSONObject, Message, Part, ProviderState, ReasoningBlock, Text, ToolCall
from llmclient.wire import jsons

if TYPE_CHECKING:
    from llmclient.dialects.gemini.chat import GeminiChat

loads: Final = make_loads(b'"functionCall"')
_TOP: Final = frozenset({"candidates", "usageMetadata", "modelVersion", "responseId", "createTime"})
_CANDIDATE: Final = frozenset({"content", "index", "finishReason", "logprobsResult", "groundingMetadata", "citationMetadata", "urlContextMetadata"})
CITATIONS: Final = ("groundingMetadata", "citationMetadata", "urlContextMetadata")
"""Where an answer says what it rests on; each becomes an annotation of the message."""


def decode(dialect: GeminiChat, raw: bytes, model: str, request_id: str) -> ChatResponse:
    """Return the answer in a 2xx body; raises ResponseParsingError, or the error that the body reports."""
    value = parse(raw, loads)
    if is_object(value):
        return read(dialect, value, model, request_id)
    if (is_array(value) and value) or raw.lstrip()[:5] == b"data:":
        return replay(dialect.stream(model, request_id), raw)
    raise unreadable(raw, model)


def unreadable(raw: bytes, model: str) -> ResponseParsingError:
    """Return the error for a body that is no answer of this dialect."""
    return bodies.unreadable(raw, "holds no candidates", "Google's generateContent", model)


def read(dialect: GeminiChat, value: JSONObject, model: str, request_id: str) -> ChatResponse:
    """Return the answer in a parsed body; raises as `decode` does."""
    error = find_error(value, model)
    if error is not None:
        raise error
    if not value.get("candidates"):
        raise unreadable(jsons.rewrite(value), model)
    return build(dialect, value, model, request_id)


def find_error(value: JSONObject, model: str) -> ProviderError | None:
    """Return the failure that a body or an event reports, or None: an error, or a prompt that was blocked."""
    if value.get("error"):
        return problems.find_failure(value, model)
    feedback = value.get("promptFeedback")
    if value.get("candidates") or not is_object(feedback) or not feedback.get("blockReason"):
        return None
    reason = str(feedback["blockReason"])
    message = feedback.get("blockReasonMessage") or f"the prompt was blocked: {reason}"
    return ContentFilteredError("", str(message), model=model, code=reason)


def build(dialect: GeminiChat, value: JSONObject, model: str, request_id: str, *, whole: bool = True) -> ChatResponse:
    """Return the response made of a body's candidates; raises the error of one that failed and says nothing.

    Without `whole`, candidates that have not finished have no finish reason.
    """
    identity = text_or_none(value.get("responseId"))
    seed = identity or request_id
    candidates = array_of(value.get("candidates"))
    choices = tuple([_read_choice(dialect, item, position, seed, model, whole=whole) for position, item in enumerate(candidates)])
    usage = value.get("usageMetadata")
    return ChatResponse(
        id=identity,
        model=text_or_none(value.get("modelVersion")),
        choices=choices,
        created=_read_time(value.get("createTime")),
        service_tier=text_or_none(usage.get("serviceTier")) if is_object(usage) else None,
        usage=read_usage(usage),
        extra=_extra(value, candidates),
    )


def _extra(value: JSONObject, candidates: Sequence[Any]) -> JSONObject:
    """Return the provider's own fields; those of the candidates stand under `candidates`, in their order."""
    out = {key: item for key, item in value.items() if key not in _TOP and item is not None}
    own = [{key: item for key, item in candidate.items() if key not in _CANDIDATE} for candidate in candidates]
    if any(own):
        out["candidates"] = own
    return out or EMPTY


def array_of(value: Any) -> Sequence[Any]:
    """Return an array, an empty one in place of anything else."""
    return value if is_array(value) else ()


def text_or_none(value: Any) -> str | None:
    """Return a string that says something, else None."""
    return value if isinstance(value, str) and value else None


def _read_time(value: Any) -> datetime.datetime | None:
    try:
        return datetime.datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _read_choice(dialect: GeminiChat, candidate: Any, position: int, seed: str, model: str, *, whole: bool) -> Choice:
    if not is_object(candidate):
        raise ResponseParsingError("", f"candidate {position} of the answer is a {type(candidate).__name__}, not an object", model=model)
    index = candidate.get("index")
    index = index if isinstance(index, int) else position
    message = read_message(dialect, candidate, f"{seed}/{index}", model)
    word = finish_word(candidate.get("finishReason"))
    reason: FinishReason | None = read_finish(word, called=bool(message.tool_calls)) if whole or word is not None else None
    if reason == "error" and whole and not (message.content or message.tool_calls):
        raise failed(candidate, word or "", model)
    return Choice(index, message, reason, word, read_logprobs(candidate.get("logprobsResult")))


def failed(candidate: JSONObject, word: str, model: str) -> ProviderError:
    """Return the error of a candidate that ended by a failure before it said anything."""
    said = text_or_none(candidate.get("finishMessage"))
    return ApiError("", said or f"the answer ended with {word} before it said anything", model=model, code=word)


# Messages.


def parts_of(candidate: JSONObject) -> Sequence[Any]:
    """Return the parts of a candidate, whose content may be missing, null or empty."""
    content = candidate.get("content")
    return array_of(content.get("parts")) if is_object(content) else ()


def read_message(dialect: GeminiChat, candidate: JSONObject, seed: str, model: str) -> Message:
    """Return the model's message; ids that it left out are made from `seed`."""
    parts = parts_of(candidate)
    content: list[Part] = []
    calls: list[ToolCall] = []
    thoughts: list[ReasoningBlock] = []
    for part in parts:
        if not is_object(part):
            raise ResponseParsingError("", f"a part of the answer is a {type(part).__name__}, not an object", model=model)
        if part.get("thought"):
            block = _read_thought(dialect, part, model)
            thoughts += [block] if block is not None else []
        elif is_object(part.get("functionCall")):
            calls.append(read_call(part["functionCall"], make_id(seed, len(calls)), model))
        else:
            shown = _read_part(part)
            content += [shown] if shown is not None else []
    return Message(
        "assistant",
        _join(content),
        tool_calls=tuple(calls),
        reasoning=tuple(thoughts),
        annotations=tuple({key: candidate[key]} for key in CITATIONS if candidate.get(key)),
        provider_state=_read_state(dialect, parts),
    )


def _read_thought(dialect: GeminiChat, part: JSONObject, model: str) -> ReasoningBlock | None:
    text, signature = part.get("text"), text_or_none(part.get("thoughtSignature"))
    if not text and signature is None:
        return None
    return ReasoningBlock(text if isinstance(text, str) else "", signature, provider=dialect.provider, model=model, dialect=dialect.name)


def _read_part(part: JSONObject) -> Part | None:
    text = part.get("text")
    if isinstance(text, str):
        return Text(text) if text else None
    inline, remote = part.get("inlineData"), part.get("fileData")
    if is_object(inline):
        kind = str(inline.get("mimeType") or "application/octet-stream")
        return _media(f"data:{kind};base64,{inline.get('data') or ''}", kind)
    if is_object(remote):
        return _media(str(remote.get("fileUri") or ""), str(remote.get("mimeType") or ""))
    return None


def _media(url: str, kind: str) -> Part:
    if kind.startswith("image/"):
        return Image(url, media_type=kind)
    return Audio(url, media_type=kind) if kind.startswith("audio/") else File(url, media_type=kind or None)


def _join(content: list[Part]) -> str | tuple[Part, ...] | None:
    """Return content of nothing but text as one string."""
    texts = [part.text for part in content if isinstance(part, Text)]
    if len(texts) == len(content):
        return "".join(texts) if texts else None
    return tuple(content)


def _read_state(dialect: GeminiChat, parts: Sequence[Any]) -> ProviderState | None:
    """Return the parts as they came, if they hold more than plain text: they go back unchanged and in this order."""
    if all(part.keys() <= {"text"} for part in parts):
        return None
    return ProviderState(dialect.provider, dialect.name, {"parts": parts})


def read_call(call: JSONObject, fallback: str, model: str) -> ToolCall:
    """Return one call; the arguments are written as JSON text."""
    name = call.get("name")
    if not isinstance(name, str) or not name:
        raise ResponseParsingError("", "a function call of the answer names no function", model=model)
    return ToolCall(text_or_none(call.get("id")) or fallback, FunctionCall(name, write_arguments(call.get("args"))))


def write_arguments(args: Any) -> str:
    """Return a call's arguments as JSON text."""
    return jsons.rewrite(args).decode() if args else "{}"


def says(parts: Sequence[Any], message: Message) -> bool:
    """Return whether these parts still say what the message says, which its owner may have changed."""
    shown = [part for part in parts if is_object(part) and not part.get("thought")]
    text = "".join(part["text"] for part in shown if isinstance(part.get("text"), str))
    calls = [part["functionCall"] for part in shown if is_object(part.get("functionCall"))]
    if text != message.text or len(calls) != len(message.tool_calls):
        return False
    return all(
        call.get("name") == given.function.name and write_arguments(call.get("args")) == given.function.arguments
        for call, given in zip(calls, message.tool_calls, strict=True)
    )


# Log probabilities.


def read_logprobs(value: Any) -> JSONObject | None:
    """Return log probabilities in OpenAI's shape, or None when there are none."""
    chosen = array_of(value.get("chosenCandidates")) if is_object(value) else ()
    if not chosen:
        return None
    tops = array_of(value.get("topCandidates"))
    rows: list[JSONObject] = []
    for position, token in enumerate(chosen):
        top = tops[position] if position < len(tops) else None
        tokens = array_of(top.get("candidates")) if is_object(top) else ()
        rows.append(_read_token(token) | {"top_logprobs": [_read_token(item) for item in tokens]})
    return {"content": rows}


def _read_token(token: Any) -> dict[str, Any]:
    token = token if is_object(token) else EMPTY
    text = token.get("token")
    spelt = list(text.encode()) if isinstance(text, str) else None
    return {"token": text if isinstance(text, str) else "", "logprob": token.get("logProbability"), "bytes": spelt}
