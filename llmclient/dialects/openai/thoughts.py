"""Reasoning that stands in the text as <think>…</think>, whole and in pieces."""

from __future__ import annotations

from typing import Final

_OPEN: Final = "<think>"
_CLOSE: Final = "</think>"


def split_tags(text: str) -> tuple[str, str]:
    """Return the reasoning at the start of a text, and what follows it; ("", text) when there is none."""
    start = text.lstrip()
    if not start.startswith(_OPEN):
        return "", text
    thought, _, rest = start[len(_OPEN) :].partition(_CLOSE)
    return thought.strip(), rest.lstrip()


class TagSplitter:
    """Splits text that comes in pieces; a tag cut in two is held back until it is whole."""

    __slots__ = ("_held", "_state")

    def __init__(self) -> None:
        self._state: str = "start"
        self._held = ""

    def feed(self, piece: str) -> tuple[str, str]:
        """Return the new reasoning and the new text."""
        if self._state == "text":
            return "", piece
        thought = ""
        text = self._held + piece
        self._held = ""
        if self._state == "start":
            start = text.lstrip()
            if len(start) < len(_OPEN) and _OPEN.startswith(start):
                self._held = text
                return "", ""
            if not start.startswith(_OPEN):
                self._state = "text"
                return "", text
            self._state, text = "thought", start[len(_OPEN) :]
        if self._state == "thought":
            thought, found, text = text.partition(_CLOSE)
            if not found:
                thought, self._held = _hold_tail(thought)
                return thought, ""
            self._state = "gap"
        text = text.lstrip()
        if text:
            self._state = "text"
        return thought, text

    def finish(self) -> tuple[str, str]:
        """Return what was still held back, as reasoning and as text."""
        held, self._held = self._held, ""
        return (held, "") if self._state == "thought" else ("", held)


def _hold_tail(text: str) -> tuple[str, str]:
    """Split off an end that may be the start of the closing tag."""
    for size in range(min(len(_CLOSE) - 1, len(text)), 0, -1):
        if _CLOSE.startswith(text[-size:]):
            return text[:-size], text[-size:]
    return text, ""
