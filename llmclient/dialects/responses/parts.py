"""Content parts on their way out."""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING, Any, Final

from llmclient.errors import InvalidRequestError
from llmclient.types.messages import Audio, File, Image, JSONObject, Other, Part, ReasoningBlock, Refusal, Text, write_part

if TYPE_CHECKING:
    from llmclient.dialects.responses.chat import OpenAIResponses

_KINDS: Final[dict[type, str]] = {Text: "text", Image: "image", Audio: "audio", File: "file", Refusal: "refusal"}
_CONTENT: Final = frozenset({"input_text", "input_image", "input_file", "input_audio", "input_video", "output_text", "refusal", "text", "summary_text"})
_ITEMS: Final = frozenset(
    """
    message reasoning function_call function_call_output custom_tool_call custom_tool_call_output web_search_call file_search_call computer_call
    computer_call_output code_interpreter_call image_generation_call local_shell_call local_shell_call_output shell_call shell_call_output
    apply_patch_call apply_patch_call_output mcp_list_tools mcp_call mcp_approval_request mcp_approval_response tool_search_call tool_search_output
    additional_tools configuration_update compaction compaction_trigger program program_output item_reference
    """.split()
)


def as_item(part: Part) -> JSONObject | None:
    """Return the item of the API that a part is, which stands beside messages and not within one; None for every other part."""
    return part.value if isinstance(part, Other) and part.value.get("type") in _ITEMS else None


def write_input(dialect: OpenAIResponses, part: Part) -> JSONObject:
    """Return a part of what a user, a system message or a tool says; raises InvalidRequestError for one that cannot be carried."""
    _check(dialect, part)
    match part:
        case Text():
            return {"type": "input_text", "text": part.text, **part.extra}
        case Image():
            return _image(part)
        case Audio():
            return write_part(part)
        case File():
            return _file(dialect, part)
        case Other():
            return _other(part)
        case Refusal():
            raise InvalidRequestError("", "a refusal may only stand in an assistant's message", param="messages")
        case ReasoningBlock():
            raise InvalidRequestError("", "reasoning may only stand in an assistant's message", param="messages")


def write_output(part: Part) -> JSONObject:
    """Return a part of what an assistant said; raises InvalidRequestError for one that cannot be carried."""
    match part:
        case Text():
            return {"type": "output_text", "text": part.text, **part.extra}
        case Refusal():
            return {"type": "refusal", "refusal": part.refusal, **part.extra}
        case Other():
            return _other(part)
        case _:
            kind = _KINDS.get(type(part), "reasoning")
            raise InvalidRequestError("", f"{kind} parts are not taken in an assistant's message here", param="messages")


def _check(dialect: OpenAIResponses, part: Part) -> None:
    kind = _KINDS.get(type(part))
    if kind in ("text", "image", "audio", "file") and kind not in dialect.parts:
        raise InvalidRequestError("", f"{kind} parts are not taken here", param="messages")


def _other(part: Other) -> JSONObject:
    if part.value.get("type") in _CONTENT:
        return part.value
    raise InvalidRequestError("", f"a content part of type {part.value.get('type')!r} is not known here", param="messages")


def _image(part: Image) -> JSONObject:
    detail: dict[str, Any] = {} if part.detail is None else {"detail": part.detail}
    return {"type": "input_image", "image_url": part.remote_url or part.url or part.data_url(), **detail, **part.extra}


def _file(dialect: OpenAIResponses, part: File) -> JSONObject:
    if part.file_id is not None:
        return {"type": "input_file", "file_id": part.file_id, **part.extra}
    if part.remote_url is not None:
        if not dialect.file_urls:
            raise InvalidRequestError("", "files by address are not taken here; pass the bytes or a path", param="messages")
        return {"type": "input_file", "file_url": part.remote_url, **part.extra}
    name = part.filename or (pathlib.Path(part.path).name if part.path is not None else "document.pdf")
    return {"type": "input_file", "filename": name, "file_data": part.url or part.data_url(), **part.extra}
