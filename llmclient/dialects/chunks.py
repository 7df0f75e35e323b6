"""The quick way to make the chunk that nearly every event of a stream is: a piece of text."""

from __future__ import annotations

from llmclient.types.chat import ChatChunk
from llmclient.types.messages import JSONObject


class TextChunk(ChatChunk):
    """A chunk on its way into being: assign `ChatChunk` to its `__class__`, and it is frozen, and like any other.

    A frozen `__init__` writes each field through a call, and takes longer than all the rest of reading an event.
    """

    __slots__ = ()

    # Both, or attribute access stays on the slow path of the frozen class.
    __setattr__ = object.__setattr__
    __delattr__ = object.__delattr__

    def __init__(self, text: str, event: JSONObject) -> None:
        self.text = text  # type: ignore[misc]  # frozen in the end, not yet
        self.reasoning = None  # type: ignore[misc]
        self.tool_calls = ()  # type: ignore[misc]
        self.finish_reason = None  # type: ignore[misc]
        self.usage = None  # type: ignore[misc]
        self.index = 0  # type: ignore[misc]
        self.finish_reason_raw = None  # type: ignore[misc]
        self.event = event  # type: ignore[misc]
