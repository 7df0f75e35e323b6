"""What decoders of streams have in common, whatever the shape of their events."""

from __future__ import annotations

from llmclient.dialects.base import ChatDecoder
from llmclient.types.chat import ChatResponse


def replay(decoder: ChatDecoder, raw: bytes) -> ChatResponse:
    """Return the answer in a stream that came where a plain answer was asked for; raises the error that ended the stream."""
    decoder.feed(raw)
    decoder.finish()
    if decoder.error is not None:
        raise decoder.error
    return decoder.response()
