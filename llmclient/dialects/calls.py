"""Calls of tools: their arguments as objects, and which of them a result answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llmclient.dialects.shapes import is_object
from llmclient.errors import InvalidRequestError
from llmclient.types.messages import JSONObject, ToolCall
from llmclient.wire import jsons


def arguments_of(call: ToolCall) -> JSONObject:
    """Return a call's arguments as an object, with numbers of any size; raises InvalidRequestError where they are none."""
    try:
        value = jsons.loads_exactly(call.function.arguments or "{}")
    except ValueError:
        value = None
    if is_object(value):
        return value
    raise InvalidRequestError("", f"the arguments of the call {call.function.name!r} are no JSON object, which is needed here", param="messages")


def settle_arguments(text: str) -> Any:
    """Return the arguments of a streamed call as requests hold them; an empty object for what is no JSON."""
    try:
        return jsons.loads_exactly(text or "{}")
    except ValueError:
        return {}


def answered(unanswered: list[str], given: str | None, identify: Callable[[str], str] = str) -> str:
    """Return the id on the wire of the call that a result answers, and take it off the unanswered; one without an id answers the first of these.

    `identify` gives the id on the wire. Raises InvalidRequestError for a result without an id where no call is unanswered.
    """
    if not given and not unanswered:
        raise InvalidRequestError("", "a tool's message needs a tool_call_id", param="messages")
    identity = identify(given) if given else unanswered[0]
    if identity in unanswered:
        unanswered.remove(identity)
    return identity
