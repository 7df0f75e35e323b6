"""Calls of tools, as formats want them that hold arguments as objects."""

from __future__ import annotations

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
