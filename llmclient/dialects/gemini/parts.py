"""Parts of a message on their way out: text, media by value or by address, and what only Google knows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from llmclient.dialects.shapes import is_object
from llmclient.errors import InvalidRequestError
from llmclient.types.media import guess_remote
from llmclient.types.messages import Audio, File, Image, JSONObject, Media, Other, Part, Refusal, Text

Wire = dict[str, Any]
Drop = Callable[[str, str], None]
"""Takes note, once, of something that is left out, and why."""

_NATIVE: Final = frozenset(
    "text inlineData fileData functionCall functionResponse executableCode codeExecutionResult toolCall toolResponse thought thoughtSignature".split()
)
_BESIDE: Final = frozenset({"videoMetadata", "mediaResolution", "partMetadata", "thoughtSignature", "thought"})
"""What may stand in a part beside what it holds."""
_SPELLINGS: Final = {
    "inline_data": "inlineData", "file_data": "fileData", "function_call": "functionCall", "function_response": "functionResponse",
    "executable_code": "executableCode", "code_execution_result": "codeExecutionResult", "tool_call": "toolCall", "tool_response": "toolResponse",
    "video_metadata": "videoMetadata", "media_resolution": "mediaResolution", "thought_signature": "thoughtSignature",
}  # fmt: skip
_PATHS_OF_FILES: Final = "files/"


def write(part: Part, files: str, drop: Drop) -> Wire:
    """Return one part; `files` is the address that an uploaded file's name stands under.

    Raises InvalidRequestError, naming the part, for a kind that cannot be carried.
    """
    match part:
        case Text():
            return {"text": part.text, **_beside(part.extra, drop)}
        case Refusal():
            return {"text": part.refusal}
        case Image():
            if part.detail not in (None, "auto"):
                drop("image_url.detail", "it is said by mediaResolution here")
            return _media(part, None, drop)
        case Audio():
            if part.id is not None:
                raise InvalidRequestError("", "audio parts by the id of an earlier answer are not taken here", param="messages")
            return _media(part, f"audio/{part.format}" if part.format else None, drop)
        case File():
            return _file(part, files, drop)
        case Other():
            return _other(part.value)
        case _:
            raise InvalidRequestError("", "reasoning may only stand in an assistant's message", param="messages")


def _media(part: Media, kind: str | None, drop: Drop) -> Wire:
    beside = _beside(part.extra, drop)
    if part.remote_url is not None:
        return {**_by_address(part.remote_url, part.media_type or kind), **beside}
    encoded, found = part.base64()
    return {"inlineData": {"mimeType": part.media_type or kind or found, "data": encoded}, **beside}


def _by_address(address: str, kind: str | None) -> Wire:
    kind = kind or guess_remote(address)
    return {"fileData": {"fileUri": address} if kind is None else {"mimeType": kind, "fileUri": address}}


def _file(part: File, files: str, drop: Drop) -> Wire:
    if part.file_id is None:
        return _media(part, None, drop)
    address = part.file_id
    if "://" not in address:
        if not files:
            raise InvalidRequestError("", "file parts are taken by address here (gs://… or https://…), not by id", param="messages")
        address = f"{files}/{_PATHS_OF_FILES}{address.removeprefix(_PATHS_OF_FILES)}"
    return {**_by_address(address, part.media_type), **_beside(part.extra, drop)}


def _other(value: JSONObject) -> Wire:
    """Return a part of Google's own, given verbatim with a `type` beside it, or a video in the shape that others use."""
    out = {_SPELLINGS.get(key, key): item for key, item in value.items() if key != "type"}
    if _NATIVE & out.keys():
        return out
    kind = value.get("type")
    video = value.get(kind) if kind in ("video_url", "input_video") else None
    address = video.get("url", video.get("data")) if is_object(video) else video
    if not isinstance(address, str):
        raise InvalidRequestError("", f"{kind} parts are not taken here", param="messages")
    given = video.get("media_type") if is_object(video) else None
    media = File(address, media_type=given)
    if media.remote_url is not None:
        return _by_address(address, given)
    encoded, found = media.base64()
    return {"inlineData": {"mimeType": found, "data": encoded}}


def _beside(extra: JSONObject, drop: Drop) -> Wire:
    out: Wire = {}
    for key, item in extra.items():
        name = _SPELLINGS.get(key, key)
        if name in _BESIDE:
            out[name] = item
        else:
            drop(f"messages.content.{key}", "the field is not taken here")
    return out
