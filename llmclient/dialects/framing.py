"""Whether a body is an event stream at all, and its events if it is."""

from __future__ import annotations

from typing import Final, TypeVar

from llmclient.dialects.base import ChatDialect
from llmclient.dialects.bodies import BLANK
from llmclient.dialects.decoding import StreamDecoder
from llmclient.errors import ResponseParsingError
from llmclient.wire.sse import SSEDecoder

D = TypeVar("D", bound=ChatDialect)

_TELLING: Final = (b"{", b"[", b"<", b'"', b":")
"""First bytes that alone tell what a body is: no event stream, or a comment in one."""
_FIELDS: Final = (b":", b"data", b"event", b"id", b"retry")
_FIELD_WIDTH: Final = 5
"""So many bytes tell whether a body is an event stream."""
_BLANKS_KEPT: Final = 64
_BODY_LIMIT: Final = 64 << 20


class Framing:
    """Cuts an event stream into the data of its events; a body of any other kind is kept whole."""

    def __init__(self) -> None:
        self._sse = SSEDecoder()
        self._head: bytes | None = b""
        self._body: list[bytes] | None = None
        self._size = 0

    def feed(self, data: bytes) -> list[bytes]:
        """Return the data of the events that these bytes complete; raises ResponseParsingError for what is longer than any answer."""
        if self._head is not None:
            data = self._begin(self._head + data)
        if self._body is None:
            return self._sse.feed(data)
        self._size += len(data)
        if self._size > _BODY_LIMIT:
            raise ResponseParsingError("", f"the answer is no event stream, and longer than {_BODY_LIMIT} bytes")
        self._body.append(data)
        return []

    def _begin(self, head: bytes) -> bytes:
        """Look at the first bytes that mean something."""
        start = head.lstrip(BLANK)
        if len(start) < _FIELD_WIDTH and not start.startswith(_TELLING):
            # Blank lines keep a connection warm; of them only a byte order mark may matter.
            self._head = head[:3].rstrip() + start if len(head) > _BLANKS_KEPT else head
            return b""
        self._head = None
        if not start.startswith(_FIELDS):
            self._body = []
        return head

    def finish(self) -> tuple[list[bytes], bytes | None]:
        """The body has ended: return the last event's data, and the body where it is no event stream; raises as `feed` does."""
        if self._head is not None:
            return [], self._head if self._head.strip(BLANK) else None
        if self._body is not None:
            return [], b"".join(self._body)
        return self._sse.finish(), None


class FramedDecoder(StreamDecoder[D, bytes]):
    """A decoder of an event stream, or of a body that is none."""

    def __init__(self, dialect: D, model: str, request_id: str) -> None:
        super().__init__(dialect, model, request_id)
        self._framing = Framing()

    def _cut(self, data: bytes) -> list[bytes]:
        return self._framing.feed(data)

    def _cut_rest(self) -> tuple[list[bytes], bytes | None]:
        return self._framing.finish()
