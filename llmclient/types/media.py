"""Pictures, recordings and documents: given as bytes, as a path or as an address, read when the request is sent."""

from __future__ import annotations

import base64
import mimetypes
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias, TypeGuard
from urllib.parse import urlsplit

import attrs

from llmclient.errors import InvalidRequestError

JSONObject: TypeAlias = Mapping[str, Any]
EMPTY: Final[JSONObject] = {}
_NO_OBJECTS: Final = frozenset({str, int, float, bool, list, tuple, bytes, type(None)})


def is_object(value: object) -> TypeGuard[JSONObject]:
    """Return whether a value is what JSON calls an object."""
    # What JSON parsers give is one of these, and asking an abstract class takes long.
    kind = value.__class__
    return kind is dict or (kind not in _NO_OBJECTS and isinstance(value, Mapping))


def is_list(value: object) -> TypeGuard[Sequence[Any]]:
    """Return whether a value is a list or tuple, which a text is not."""
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes, bytearray))


_SOURCES: Final = (
    ("url", str, "a str: an address, or data:<type>;base64,<text>"),
    ("data", (bytes, bytearray, memoryview), "bytes; base64 text goes into url as data:<type>;base64,<text>"),
    ("path", (str, os.PathLike), "a str or a pathlib.Path"),
)


@attrs.frozen
class Media:
    """Bytes, a path, or an address; exactly one is set. Paths are read when the request is sent.

    A `data:` URL in `url` counts as bytes.
    """

    url: str | None = None
    data: bytes | None = attrs.field(default=None, repr=lambda data: "None" if data is None else f"<{len(data)} bytes>")
    path: str | pathlib.Path | None = None
    media_type: str | None = None
    """Such as image/png; guessed from the path or URL, or from the first bytes, when None."""
    extra: JSONObject = attrs.field(default=EMPTY, kw_only=True)

    _fallback_type = "application/octet-stream"

    def __attrs_post_init__(self) -> None:
        """Raise InvalidRequestError unless one of url, data and path is given, and each is of its type."""
        kind = type(self).__name__
        for name, types, words in _SOURCES:
            value = getattr(self, name)
            if value is not None and not isinstance(value, types):
                raise InvalidRequestError("llmclient", f"{kind}: {name} must be {words}, got {type(value).__name__}", param="messages")
        given = sum(source is not None for source in (self.url, self.data, self.path))
        if given > 1 or (given == 0 and not self._is_stored):
            raise InvalidRequestError("llmclient", f"{kind} needs one of url, data and path, got {given or 'none'}", param="messages")

    @property
    def _is_stored(self) -> bool:
        """Whether the provider has it already."""
        return False

    @property
    def remote_url(self) -> str | None:
        """The address, if the bytes are not here (http, https, gs, s3, …); None for inline media."""
        return self.url if self.url is not None and not self.url.startswith("data:") else None

    def load(self) -> tuple[bytes, str]:
        """Return the bytes and their media type.

        Raises InvalidRequestError if the file cannot be read, the data URL is broken, or the media is remote.
        """
        encoded, kind = self.base64()
        return base64.b64decode(encoded), kind

    def base64(self) -> tuple[str, str]:
        """Return the bytes in base64 and their media type; raises as `load` does."""
        if self.url is not None and self.url.startswith("data:"):
            return _split_data_url(self.url)
        data = self._bytes()
        return base64.b64encode(data).decode("ascii"), self.media_type or self._guess() or sniff(data) or self._fallback_type

    def data_url(self) -> str:
        """Return the media as `data:<type>;base64,<bytes>`; raises as `load` does."""
        encoded, kind = self.base64()
        return f"data:{kind};base64,{encoded}"

    def _bytes(self) -> bytes:
        if self.data is not None:
            return self.data
        if self.path is None:
            raise InvalidRequestError("", f"the media at {self.url} is remote; pass its bytes or a path")
        try:
            return pathlib.Path(self.path).read_bytes()
        except OSError as error:
            reason = error.strerror or type(error).__name__
        except ValueError as error:  # a path with a zero byte, or with what the file system cannot spell
            reason = type(error).__name__ if isinstance(error, UnicodeError) else str(error)
        raise InvalidRequestError("", f"cannot read {self.path}: {reason}")

    def _guess(self) -> str | None:
        name = self.path or self.url
        return mimetypes.guess_type(str(name))[0] if name else None


@attrs.frozen
class Image(Media):
    """A picture."""

    detail: str | None = attrs.field(default=None, kw_only=True)
    """OpenAI's low, high or auto."""

    _fallback_type = "image/png"


@attrs.frozen
class Audio(Media):
    """A recording; `format` is OpenAI's short word (wav, mp3)."""

    format: str | None = attrs.field(default=None, kw_only=True)
    id: str | None = attrs.field(default=None, kw_only=True)
    """The id of an earlier audio answer."""

    _fallback_type = "audio/wav"

    @property
    def _is_stored(self) -> bool:
        return self.id is not None


@attrs.frozen
class File(Media):
    """A document, such as a PDF; or one that was uploaded before, by `file_id`."""

    filename: str | None = attrs.field(default=None, kw_only=True)
    file_id: str | None = attrs.field(default=None, kw_only=True)

    _fallback_type = "application/pdf"

    @property
    def _is_stored(self) -> bool:
        return self.file_id is not None


def guess_remote(address: str) -> str | None:
    """Guess the media type from the path in an address; raises InvalidRequestError for what is no address."""
    try:
        path = urlsplit(address).path
    except ValueError as error:
        problem = str(error)
    else:
        return mimetypes.guess_type(path)[0]
    raise InvalidRequestError("", f"the address of an image, recording or file is malformed: {problem}", param="messages")


def sniff(data: bytes) -> str | None:
    """Guess the media type from the first bytes."""
    for start, kind in _MAGIC:
        if data.startswith(start):
            return kind
    if data[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav"}.get(data[8:12])
    return None


_MAGIC: Final = (
    (b"\x89PNG\r\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
)


def _split_data_url(url: str) -> tuple[str, str]:
    head, comma, encoded = url.partition(",")
    kind, _, rest = head[5:].partition(";")
    if not comma or "base64" not in rest.split(";"):
        raise InvalidRequestError("", "a data: URL must have the form data:<type>;base64,<bytes>", param="messages")
    return encoded, kind or "application/octet-stream"
