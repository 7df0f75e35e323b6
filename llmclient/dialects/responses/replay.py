"""What earlier turns of this provider gave goes back to it: its own items, in their order, or at least its reasoning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from llmclient.dialects.shapes import is_array, is_object
from llmclient.types.messages import JSONObject, Message, ReasoningBlock, read_arguments

if TYPE_CHECKING:
    from llmclient.dialects.responses.chat import OpenAIResponses

CALLS: Final = frozenset({"function_call", "custom_tool_call"})
"""Items that ask the caller to run something, and which become tool calls."""
_SAID: Final = CALLS | {"message"}


def is_ours(message: Message, provider: str, dialect: str) -> bool | None:
    """Return whether the same provider gave this message in the same dialect; None when nothing tells where it is from."""
    state = message.provider_state
    return None if state is None else state.provider == provider and state.dialect == dialect


def kept(message: Message, ours: bool | None, dialect: OpenAIResponses, *, stored: bool) -> list[JSONObject] | None:
    """Return the items as they came; None when there are none, or when the message was changed since."""
    state = message.provider_state
    items = state.data.get("items") if state is not None and ours else None
    if not is_array(items) or not _is_unchanged(items, message):
        return None
    found = _with_ids(items, message)
    readable = [item for item in found if stored or _is_readable(item)]
    if len(readable) < len(found):
        # What goes back without its reasoning must not be known by its id, or the provider misses the reasoning.
        readable = [_without_id(item) if item.get("type") in _SAID else item for item in readable]
    return readable if dialect.reasoning_last else _without_last_thoughts(readable)


def _without_id(item: JSONObject) -> JSONObject:
    return {key: value for key, value in item.items() if key != "id"}


def _is_unchanged(items: Sequence[Any], message: Message) -> bool:
    texts = [text_of(item) for item in items if item.get("type", "message") == "message"]
    calls = [item for item in items if item.get("type") in CALLS]
    if "".join(texts) != message.text or len(calls) != len(message.tool_calls):
        return False
    return all(_is_same_call(item, call.function.name, call.function.arguments) for item, call in zip(calls, message.tool_calls, strict=True))


def text_of(item: JSONObject) -> str:
    """Return the visible text of a message item."""
    content = item.get("content")
    if not is_array(content):
        return content if isinstance(content, str) else ""
    return "".join(part["text"] for part in content if is_object(part) and isinstance(part.get("text"), str))


def _is_same_call(item: JSONObject, name: str, arguments: str) -> bool:
    given = item.get("input") or "" if item["type"] == "custom_tool_call" else read_arguments(item.get("arguments"))
    return item.get("name") == name and given == arguments


def _with_ids(items: Sequence[JSONObject], message: Message) -> list[JSONObject]:
    """Return the items, with the ids of calls that came without one as the results name them."""
    given = iter(message.tool_calls)
    return [{**item, "call_id": next(given).id} if item.get("type") in CALLS else item for item in items]


def _is_readable(item: JSONObject) -> bool:
    """Return whether reasoning can be understood by a provider that stored nothing; all other items can."""
    return item.get("type") != "reasoning" or bool(item.get("encrypted_content") or item.get("content"))


def _without_last_thoughts(items: list[JSONObject]) -> list[JSONObject]:
    """Leave out reasoning that nothing follows, as in a turn that was cut off: the API refuses it."""
    end = len(items)
    while end and items[end - 1].get("type") == "reasoning":
        end -= 1
    return items[:end]


def thoughts(message: Message, provider: str, dialect: OpenAIResponses) -> list[JSONObject]:
    """Return the reasoning of a message that is written anew, as far as this provider may see it and something follows it."""
    within = message.content if isinstance(message.content, tuple) else ()
    blocks = [*message.reasoning, *(part for part in within if isinstance(part, ReasoningBlock))]
    found = [item for block in blocks if (item := _thought(block, provider, dialect)) is not None]
    return found if dialect.reasoning_last or message.tool_calls or message.text else []


def _thought(block: ReasoningBlock, provider: str, dialect: OpenAIResponses) -> JSONObject | None:
    if block.provider not in (None, provider) or block.dialect not in (None, dialect.name):
        return None
    identity = {} if block.id is None else {"id": block.id}
    if block.redacted is not None:
        summary = [{"type": "summary_text", "text": block.text}] if block.text else []
        return {"type": "reasoning", **identity, "summary": summary, "encrypted_content": block.redacted}
    if dialect.replay_text and block.text:
        return {"type": "reasoning", **identity, "summary": [], "content": [{"type": "reasoning_text", "text": block.text}]}
    return None
