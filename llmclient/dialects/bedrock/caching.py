"""Cache points: where what came before them is to be kept. The API takes a few of them, and none after a document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from llmclient.dialects.base import Notes
from llmclient.dialects.bedrock.parts import CACHE, Block, kind_of
from llmclient.dialects.shapes import is_object

POINT: Final = "cachePoint"
_NOT_AFTER: Final = frozenset({"document", "video"})


def point(mark: Any) -> Block:
    """Return the cache point that a mark in Anthropic's shape asks for."""
    lasts = mark.get("ttl") if is_object(mark) else None
    return {POINT: {"type": "default"} | ({"ttl": lasts} if lasts else {})}


def add(blocks: list[Block], mark: Any) -> bool:
    """Put a point behind the blocks, before documents at their end; return whether there was a place for it."""
    place = len(blocks)
    while place and kind_of(blocks[place - 1]) in _NOT_AFTER:
        place -= 1
    if not place:
        return False
    if kind_of(blocks[place - 1]) != POINT:
        blocks.insert(place, point(mark))
    return True


def limit(body: dict[str, Any], most: int, notes: Notes) -> None:
    """Keep the last points, which cover the longest prefixes, and note the loss."""
    marked = list(_marked(body))
    surplus = len(marked) - most
    if surplus <= 0:
        return
    for blocks, block in marked[:surplus]:
        # Points are equal to each other: look for this one.
        del blocks[next(index for index, found in enumerate(blocks) if found is block)]
    notes.drop(CACHE, f"at most {most} points are taken, so the first {surplus} were left out")


def _marked(body: dict[str, Any]) -> Iterator[tuple[list[Block], Block]]:
    """Yield the points with the lists that they stand in, in the order of the prompt."""
    lists: list[list[Block]] = [body.get("toolConfig", {}).get("tools", []), body.get("system", []), *(turn["content"] for turn in body["messages"])]
    for blocks in lists:
        yield from ((blocks, block) for block in blocks if POINT in block)
