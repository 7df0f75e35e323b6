"""What tools gave back, on its way out: Google wants an object, and pictures apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from llmclient.dialects.shapes import is_array, is_object
from llmclient.types.messages import Message, Part, Text
from llmclient.wire import jsons

Wire = dict[str, Any]

_REFUSED: Final = frozenset({"$ref", "$defs"})
"""Keys that mean something of Google's own within a result, so that a request which holds them is refused."""


class Results:
    """Writes the results of one request."""

    def __init__(self, takes_media: bool, key: str, write_part: Callable[[Part], Wire], move: Callable[[str, str], None]) -> None:
        self._takes_media = takes_media
        self._key = key
        self._write_part = write_part
        self._move = move

    def write(self, message: Message, name: str, wire_id: str | None) -> tuple[Wire, list[Wire]]:
        """Return the function's response, and the parts that must follow in a turn of their own."""
        media = [self._write_part(part) for part in message.parts if not isinstance(part, Text)]
        function: Wire = {"name": name, "response": self._response(message)}
        if wire_id is not None:
            function["id"] = wire_id
        if media and self._takes_media:
            function["parts"] = media
            media = []
        elif media:
            self._move("messages.tool", "pictures and files of a tool's result were sent in a turn of their own")
        return {"functionResponse": function}, media

    def _response(self, message: Message) -> Any:
        failed = message.extra.get("is_error") or message.extra.get("error")
        value = _read(message.text)
        if failed:
            return {"error": value}
        return value if is_object(value) else {self._key: value}


def _read(text: str) -> Any:
    """Return a result that is a JSON object or array as such, anything else as the text that it is."""
    if not text.lstrip().startswith(("{", "[")):
        return text
    try:
        value = jsons.loads_exactly(text)
    except ValueError:
        return text
    return text if _is_refused(value) else value


def _is_refused(value: Any) -> bool:
    if is_object(value):
        return bool(_REFUSED & value.keys()) or any(map(_is_refused, value.values()))
    return is_array(value) and any(map(_is_refused, value))
