"""What a response used, and why it ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from llmclient.dialects.openai import usage
from llmclient.dialects.shapes import is_object
from llmclient.types.chat import FinishReason
from llmclient.types.messages import JSONObject
from llmclient.types.usage import Usage

_STATUSES: Final[Mapping[str, FinishReason]] = {
    "completed": "stop", "queued": "pause", "pending": "pause", "in_progress": "pause", "running": "pause", "cancelled": "error", "failed": "error",
}  # fmt: skip
"""What pauses is an answer that is still being written, and can be fetched by its id later."""
_NAMES: Final = {"input_tokens_details": "prompt_tokens_details", "output_tokens_details": "completion_tokens_details"}

_CACHES: Final = {"cache_read_input_tokens": "cached_tokens", "cache_creation_input_tokens": "cache_write_tokens"}


def read_usage(value: JSONObject) -> Usage | None:
    """Return the counts of a response, None when it has none."""
    given = value.get("usage")
    if not is_object(given):
        return None
    shaped: dict[str, Any] = {_NAMES.get(name, name): _rename(item) for name, item in given.items()}
    searches = _searches(value)
    return usage.read_usage(shaped if searches is None else {**shaped, "requests": searches})


def _rename(details: Any) -> Any:
    """Return the details of a count under OpenAI's names; Perplexity has Anthropic's."""
    return {_CACHES.get(name, name): item for name, item in details.items()} if is_object(details) else details


def _searches(value: JSONObject) -> int | None:
    """Return how often the provider searched the web, which it bills by the piece."""
    used = value.get("tool_usage")
    web = used.get("web_search") if is_object(used) else None
    count = web.get("num_requests") if is_object(web) else None
    return count if isinstance(count, int) and count else None


def read_finish(value: JSONObject, *, called: bool, refused: bool) -> tuple[FinishReason, str | None]:
    """Return the portable reason and the provider's own word for it."""
    status = value.get("status")
    raw: Any = status
    if status == "incomplete":
        details = value.get("incomplete_details")
        raw = (details.get("reason") if is_object(details) else None) or status
    if not isinstance(raw, str):
        raw = None
    reason = _STATUSES.get(raw or "") or usage.read_finish(raw)
    if reason in ("stop", "unknown") and raw != "incomplete":
        reason = "tool_calls" if called else "content_filter" if refused else reason
    return reason, raw
