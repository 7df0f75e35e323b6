"""Mistral's streamed answers: OpenAI's, but for signed thoughts within the content."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmclient.dialects.mistral.thoughts import Thoughts, attach
from llmclient.dialects.openai.stream import OpenAIChatDecoder
from llmclient.dialects.shapes import is_array, is_object
from llmclient.types.chat import ChatChunk, ChatResponse

if TYPE_CHECKING:
    from llmclient.dialects.mistral.chat import MistralChat


class MistralChatDecoder(OpenAIChatDecoder):
    """Decodes one stream of Mistral's."""

    def __init__(self, dialect: MistralChat, model: str, request_id: str) -> None:
        super().__init__(dialect, model, request_id)
        self._mistral = dialect
        self._thoughts: dict[int, Thoughts] = {}

    def response(self) -> ChatResponse:
        """Return the answer assembled so far; choices that have not ended have no finish reason."""
        return attach(self._mistral, super().response(), self._thoughts)

    def _read_event(self, event: Any, chunks: list[ChatChunk]) -> None:
        """Read an event that is more than one more piece of text; a signature may come in one that tells nothing else."""
        super()._read_event(event, chunks)
        choices = event.get("choices") if is_object(event) else None
        for position, choice in enumerate(choices if is_array(choices) else ()):
            delta = choice.get("delta") if is_object(choice) else None
            content = delta.get("content") if is_object(delta) else None
            if is_array(content):
                index = choice.get("index")
                self._thoughts.setdefault(index if isinstance(index, int) else position, Thoughts()).take(content, whole=False)
