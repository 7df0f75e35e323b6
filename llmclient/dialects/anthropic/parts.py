"""Content parts on their way out, as content blocks."""

from __future__ import annotations

import base64
import pathlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from llmclient.errors import InvalidRequestError
from llmclient.types.messages import Audio, File, Image, JSONObject, Media, Other, Part, ReasoningBlock, Refusal, Text

if TYPE_CHECKING:
    from llmclient.dialects.anthropic.chat import AnthropicMessages

Drop = Callable[[str, str], None]
"""Notes that something is left out, once."""

_NATIVE: Final = frozenset(
    "text image document search_result container_upload tool_use tool_result tool_reference server_tool_use mcp_tool_use thinking redacted_thinking "
    "compaction tool_addition tool_removal browser_state fallback advisor_use".split()
)
"""Types of the API's own blocks, which the caller may pass as they are; so are all whose name ends in _tool_result."""


def write(dialect: AnthropicMessages, part: Part, drop: Drop) -> JSONObject | None:
    """Return the part as a block, None for blank text; raises InvalidRequestError for what cannot be carried."""
    match part:
        case Text():
            return {"type": "text", "text": part.text, **part.extra} if part.text.strip() else None
        case Refusal():
            return {"type": "text", "text": part.refusal} if part.refusal.strip() else None
        case Image():
            if part.detail is not None:
                drop("messages.detail", "pictures have no level of detail here")
            return {"type": "image", "source": _image(dialect, part), **part.extra}
        case File():
            return _document(dialect, part)
        case Audio():
            raise InvalidRequestError("", "audio parts are not taken here", param="messages")
        case ReasoningBlock():
            raise InvalidRequestError("", "reasoning may only stand in an assistant's message", param="messages")
        case Other():
            return _other(part)


def _other(part: Other) -> JSONObject:
    kind = str(part.value.get("type"))
    if kind in _NATIVE or kind.endswith("_tool_result"):
        return part.value
    raise InvalidRequestError("", f"parts of the type {kind!r} are not known here", param="messages")


def _image(dialect: AnthropicMessages, part: Image | File) -> JSONObject:
    if part.remote_url is not None:
        return {"type": "url", "url": _address(dialect, part)}
    data, kind = part.base64()
    return {"type": "base64", "media_type": kind, "data": data}


def _address(dialect: AnthropicMessages, part: Media) -> str:
    url = part.remote_url or ""
    if not dialect.url_sources or not url.startswith(("https://", "http://")):
        raise InvalidRequestError("", f"media at {url} cannot be fetched here; pass the bytes or a path", param="messages")
    return url


def _document(dialect: AnthropicMessages, part: File) -> JSONObject:
    if part.file_id is not None:
        return _titled(part, {"type": "file", "file_id": part.file_id})
    if part.remote_url is not None:
        return _titled(part, {"type": "url", "url": _address(dialect, part)})
    data, kind = part.base64()
    if kind.startswith("image/"):
        return {"type": "image", "source": _image(dialect, part), **part.extra}
    if kind == "application/pdf":
        return _titled(part, {"type": "base64", "media_type": kind, "data": data})
    if kind.startswith("text/") or kind in ("application/json", "application/xml"):
        return _titled(part, {"type": "text", "media_type": "text/plain", "data": _decode(data, kind)})
    raise InvalidRequestError("", f"files of the type {kind} are not taken here; PDF, text and pictures are", param="messages")


def _titled(part: File, source: JSONObject) -> JSONObject:
    name = part.filename or (pathlib.Path(part.path).name if part.path is not None else None)
    title = {"title": name} if name is not None and part.file_id is None else {}
    return {"type": "document", "source": source, **title, **part.extra}


def _decode(data: str, kind: str) -> str:
    try:
        return base64.b64decode(data).decode()
    except ValueError:
        pass
    raise InvalidRequestError("", f"a file of the type {kind} is no text in UTF-8", param="messages")
