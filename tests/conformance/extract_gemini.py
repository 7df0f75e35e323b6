"""What recorded generateContent exchanges say, read by hand: this imports nothing of the library that it judges."""

from __future__ import annotations

import json
import pathlib
import re
from collections.abc import Iterator
from typing import Any, NamedTuple


class Said(NamedTuple):
    """What one candidate says."""

    text: str
    thought: str
    calls: list[tuple[str | None, str, Any]]
    finish: str | None


class Counts(NamedTuple):
    """What an answer used; None where the provider does not say."""

    prompt: int | None
    completion: int | None
    total: int | None
    cached: int | None
    thoughts: int | None


def load(folder: pathlib.Path, api: str, *providers: str) -> Iterator[dict[str, Any]]:
    """Yield the recorded exchanges of an API."""
    for line in (folder / "wire" / "index.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["api"] == api and row["provider"] in providers:
            yield json.loads((folder / "wire" / row["path"]).read_text(encoding="utf-8"))


def payloads(exchange: dict[str, Any]) -> list[Any]:
    """Return the GenerateContentResponse objects of an answer, one or many."""
    text = exchange["response"]["body_text"]
    if exchange["response"]["body_kind"] == "sse":
        return [json.loads(line[5:]) for line in text.replace("\r\n", "\n").split("\n") if line.startswith("data:")]
    value = json.loads(text)
    return value if isinstance(value, list) else [value]


def extract(values: list[Any]) -> dict[int, Said]:
    """Return what each candidate says, by its index."""
    found: dict[int, Said] = {}
    for value in values:
        for position, candidate in enumerate(value.get("candidates") or []):
            index = candidate.get("index", position)
            said = found.get(index) or Said("", "", [], None)
            finish = candidate.get("finishReason") or said.finish
            text, thought = said.text, said.thought
            for part in (candidate.get("content") or {}).get("parts") or []:
                if part.get("thought"):
                    thought += part.get("text", "")
                elif "functionCall" in part:
                    add_call(said.calls, part["functionCall"])
                else:
                    text += part.get("text", "")
            found[index] = Said(text, thought, said.calls, finish)
    return found


def add_call(calls: list[tuple[str | None, str, Any]], call: dict[str, Any]) -> None:
    """Add a call, or a piece of the last one."""
    if call.get("name"):
        calls.append((call.get("id"), call["name"], dict(call.get("args") or {})))
    for piece in call.get("partialArgs", ()):
        place = re.findall(r"\w+", piece["jsonPath"])
        value = piece.get("stringValue", piece.get("numberValue", piece.get("boolValue")))
        calls[-1][2].setdefault(PIECES, []).append((place, value))


PIECES = "\0pieces"


def whole(args: dict[str, Any]) -> Any:
    """Return arguments that came in pieces as one value: pieces of one place are joined, places with numbers are lists."""
    if PIECES not in args:
        return args
    joined: dict[tuple[str, ...], Any] = {}
    for place, value in args[PIECES]:
        key = tuple(place)
        joined[key] = joined[key] + value if isinstance(joined.get(key), str) else value
    tree: dict[str, Any] = {}
    for key, value in joined.items():
        holder = tree
        for step in key[:-1]:
            holder = holder.setdefault(step, {})
        holder[key[-1]] = value
    return with_lists(tree)


def with_lists(value: Any) -> Any:
    """Return a tree whose levels with numbers for names are lists."""
    if not isinstance(value, dict):
        return value
    inner = {key: with_lists(item) for key, item in value.items()}
    return list(inner.values()) if inner and all(key.isdigit() for key in inner) else inner


def counts(values: list[Any]) -> Counts:
    """Return the usage: the last of each total."""
    last: dict[str, int] = {}
    for value in values:
        last |= {name: number for name, number in (value.get("usageMetadata") or {}).items() if isinstance(number, int)}

    def add(*names: str) -> int | None:
        known = [last[name] for name in names if name in last]
        return sum(known) if known else None

    prompt = add("promptTokenCount", "toolUsePromptTokenCount")
    completion = add("candidatesTokenCount", "thoughtsTokenCount")
    total = last.get("totalTokenCount")
    if total is None and (prompt is not None or completion is not None):
        total = (prompt or 0) + (completion or 0)
    return Counts(prompt, completion, total, last.get("cachedContentTokenCount"), last.get("thoughtsTokenCount"))
