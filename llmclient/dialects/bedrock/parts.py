"""Content parts on their way out, as content blocks."""

from __future__ import annotations

import mimetypes
import pathlib
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from llmclient.dialects.shapes import is_object
from llmclient.errors import InvalidRequestError
from llmclient.types.media import guess_remote
from llmclient.types.messages import Audio, File, Image, JSONObject, Media, Other, Part, ReasoningBlock, Refusal, Text

Block = dict[str, Any]
Drop = Callable[[str, str], None]
"""Notes that something is left out, once."""

CACHE: Final = "cache_control"
_NATIVE: Final = frozenset(
    "text image document video audio guardContent cachePoint searchResult citationsContent reasoningContent toolUse toolResult toolAddition "
    "toolRemoval json".split()
)
"""The API's own blocks, which the caller may pass as they are, with a `type` beside them."""
_S3: Final = "s3://"
_OWNER: Final = "bucketOwner"
_BESIDE: Final[Mapping[str, frozenset[str]]] = {"document": frozenset({"citations", "context"})}
"""What else may stand in a block."""
_IMAGES: Final = {"image/png": "png", "image/jpeg": "jpeg", "image/jpg": "jpeg", "image/gif": "gif", "image/webp": "webp"}
_VIDEOS: Final = {
    "video/mp4": "mp4", "video/webm": "webm", "video/quicktime": "mov", "video/x-matroska": "mkv", "video/matroska": "mkv", "video/x-flv": "flv",
    "video/mpeg": "mpeg", "video/x-ms-wmv": "wmv", "video/3gpp": "three_gp",
}  # fmt: skip
_AUDIO: Final = {
    "audio/mpeg": "mp3", "audio/mp3": "mp3", "audio/wav": "wav", "audio/wave": "wav", "audio/x-wav": "wav", "audio/aac": "aac", "audio/flac": "flac",
    "audio/x-flac": "flac", "audio/ogg": "ogg", "audio/opus": "opus", "audio/mp4": "mp4", "audio/m4a": "m4a", "audio/x-m4a": "m4a", "audio/webm": "webm",
    "audio/pcm": "pcm", "audio/x-aac": "x-aac", "audio/x-matroska": "mka",
}  # fmt: skip
_DOCUMENTS: Final = {
    "application/pdf": "pdf", "text/csv": "csv", "text/html": "html", "text/markdown": "md", "text/x-markdown": "md", "text/plain": "txt",
    "application/msword": "doc", "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.ms-excel": "xls", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/json": "txt", "application/xml": "txt", "application/yaml": "txt", "application/x-yaml": "txt",
}  # fmt: skip
_FORMATS: Final[Mapping[str, Mapping[str, str]]] = {"image": _IMAGES, "video": _VIDEOS, "audio": _AUDIO, "document": _DOCUMENTS}
_ENDINGS: Final = frozenset(_DOCUMENTS.values()) | {"json", "xml", "yaml", "yml", "log", "htm", "text"}


class Titles:
    """Names of the documents of one request: the API takes few characters in them, and none twice."""

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._taken: set[str] = set()

    def name(self, given: str | None) -> str:
        """Return a name that is free, as near to the given one as it can be."""
        base = self._tidy(given or "") or "document"
        found, number = base, 2
        while found in self._taken:
            found, number = f"{base[: self._longest - 5]} {number}", number + 1
        self._taken.add(found)
        return found

    def _tidy(self, given: str) -> str:
        stem, dot, ending = given.rpartition(".")
        text = stem if dot and ending.lower() in _ENDINGS else given
        return " ".join(re.sub(r"[^A-Za-z0-9_()\[\]-]+", " ", text).split())[: self._longest].strip()


def write(part: Part, titles: Titles, drop: Drop) -> Block:
    """Return the part as a block; raises InvalidRequestError, naming the part, for what cannot be carried."""
    match part:
        case Text():
            _beside(part.extra, "text", drop)
            return {"text": part.text}
        case Refusal():
            return {"text": part.refusal}
        case Image():
            if part.detail is not None:
                drop("messages.detail", "pictures have no level of detail here")
            return _media(part, "image", part.media_type, drop)
        case Audio():
            return _audio(part, drop)
        case File():
            return _file(part, titles, drop)
        case Other():
            return _other(part.value, titles, drop)
        case ReasoningBlock():
            raise InvalidRequestError("", "reasoning may only stand in an assistant's message", param="messages")


def kind_of(block: Mapping[str, Any]) -> str:
    """Return what a block is: each has one key."""
    return next(iter(block))


def mark_of(part: Part) -> Any:
    """Return the cache mark on a part, None if there is none."""
    return None if isinstance(part, ReasoningBlock | Refusal | Other) else part.extra.get(CACHE)


def _beside(extra: JSONObject, kind: str, drop: Drop) -> dict[str, Any]:
    """Return what may stand in the block, and note what is left out."""
    known = _BESIDE.get(kind, frozenset())
    for key in extra:
        if key not in known and key not in (CACHE, _OWNER) and extra[key] is not None:
            drop(f"messages.content.{key}", "the field is not taken here")
    return {key: extra[key] for key in extra if key in known and extra[key] is not None}


def _audio(part: Audio, drop: Drop) -> Block:
    if part.id is not None:
        raise InvalidRequestError("", "audio parts by the id of an earlier answer are not taken here", param="messages")
    given = {"mp3": "audio/mpeg"}.get(part.format or "", f"audio/{part.format}") if part.format else part.media_type
    return _media(part, "audio", given, drop)


def _file(part: File, titles: Titles, drop: Drop) -> Block:
    if part.file_id is not None:
        if not part.file_id.startswith(_S3):
            raise InvalidRequestError("", "file parts by id are not taken here; pass the bytes, a path or an s3:// address", param="messages")
        part = File(part.file_id, media_type=part.media_type, filename=part.filename, extra=part.extra)
    form = part.media_type or (_guess(part.filename) if part.filename else None)
    kind = _kind(form or _type_of(part))
    block = _media(part, kind, form, drop)
    if kind == "document":
        block[kind]["name"] = titles.name(part.filename or (pathlib.Path(part.path).name if part.path is not None else None))
    return block


def _kind(form: str) -> str:
    kind = form.partition("/")[0]
    return kind if kind in ("image", "video", "audio") else "document"


def _type_of(part: Media) -> str:
    if part.remote_url is not None:
        return guess_remote(part.remote_url) or "application/pdf"
    return part.base64()[1]


def _guess(name: str) -> str | None:
    return mimetypes.guess_type(name)[0]


def _media(part: Media, kind: str, form: str | None, drop: Drop) -> Block:
    """Return a block with its bytes, or with where they are in S3; raises InvalidRequestError for a format or address that is not taken."""
    beside = _beside(part.extra, kind, drop)
    if part.remote_url is not None:
        return {kind: {"format": _format(kind, form or _type_of(part)), "source": _place(part), **beside}}
    encoded, found = part.base64()
    return {kind: {"format": _format(kind, form or found), "source": {"bytes": encoded}, **beside}}


def _place(part: Media) -> Block:
    address = part.remote_url or ""
    if not address.startswith(_S3):
        raise InvalidRequestError("", f"media at {address} cannot be fetched here; pass the bytes, a path or an s3:// address", param="messages")
    owner = part.extra.get(_OWNER)
    return {"s3Location": {"uri": address} | ({_OWNER: owner} if owner else {})}


def _format(kind: str, form: str) -> str:
    found = _FORMATS[kind].get(form.lower())
    if found is None and kind == "document" and form.startswith("text/"):
        found = "txt"
    if found is None:
        taken = ", ".join(sorted(set(_FORMATS[kind].values())))
        raise InvalidRequestError("", f"{kind} parts of the type {form} are not taken here; {taken} are", param="messages")
    return found


def _other(value: JSONObject, titles: Titles, drop: Drop) -> Block:
    """Return a block of the API's own, or a video in the shape that others use."""
    kind = value.get("type")
    native = {key: item for key, item in value.items() if key != "type"}
    if len(native) == 1 and _NATIVE & native.keys():
        return native
    video = value.get(kind) if kind in ("video_url", "input_video") else None
    address = video.get("url", video.get("data")) if is_object(video) else video
    if not isinstance(address, str):
        raise InvalidRequestError("", f"parts of the type {kind!r} are not known here", param="messages")
    given = video.get("media_type") if is_object(video) else None
    return _file(File(address, media_type=given or (None if address.startswith("data:") else _guess(address) or "video/mp4")), titles, drop)
