"""Marks of what is to be cached: the API takes a few of them, and none on tools that are loaded later."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from llmclient.dialects.base import Notes
from llmclient.dialects.shapes import is_object

_MARK: Final = "cache_control"

Place = tuple[list[Any], int]


def limit(body: dict[str, Any], most: int, notes: Notes) -> None:
    """Keep the last marks, which cover the longest prefixes; what the caller passed is not changed, and the loss is noted."""
    if "tools" in body:
        _free_deferred(body, notes)
    marked = list(_marked(body))
    surplus = len(marked) + (_MARK in body) - most
    if surplus <= 0:
        return
    for holder, index in marked[:surplus]:
        holder[index] = _without_mark(holder[index])
    notes.drop(_MARK, f"at most {most} marks are taken, so the first {surplus} were left out")


def _free_deferred(body: dict[str, Any], notes: Notes) -> None:
    for index, tool in enumerate(body["tools"]):
        if tool.get("defer_loading") and tool.get(_MARK):
            body["tools"][index] = _without_mark(tool)
            notes.drop(f"tools.{_MARK}", "a tool that is loaded later cannot be cached")


def _without_mark(holder: Any) -> dict[str, Any]:
    return {key: value for key, value in holder.items() if key != _MARK}


def _marked(body: dict[str, Any]) -> Iterator[Place]:
    """Yield where marks stand, in the order of the prompt."""
    lists: list[list[Any] | str] = [body.get("tools", []), body.get("system", ""), *(turn["content"] for turn in body["messages"])]
    for blocks in lists:
        if isinstance(blocks, list):
            yield from ((blocks, index) for index, block in enumerate(blocks) if is_object(block) and block.get(_MARK) is not None)
