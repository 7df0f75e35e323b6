"""The rows of `map`: prompts in, as lines or JSONL; answers out, as JSONL that is valid whenever the process may die."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import pathlib
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs
import click

from llmclient.cli.options import as_object
from llmclient.cli.output import to_json

if TYPE_CHECKING:
    from llmclient.fanout import Item
    from llmclient.types.chat import ChatResponse

_UNREADABLE: Final[list[Any]] = []
"""Stands for a row that holds no prompt: an empty conversation is refused before anything is sent."""


@attrs.frozen
class Row:
    """One row of the input. `problem` says why there is no prompt in it."""

    index: int
    """The place among the rows that are not blank, from 0."""
    input: Any
    """The row as it was: the text of a line, or the JSON value."""
    prompt: Any
    id: Any = None
    problem: str | None = None


def is_jsonl(name: str, first: str) -> bool:
    """Tell JSONL from lines of text: by the file's name, or because the first row is an object that holds a prompt."""
    if name.endswith((".jsonl", ".ndjson")):
        return True
    try:
        value = json.loads(first)
    except ValueError:
        return False
    return not (as_object(value) or {}).keys().isdisjoint({"prompt", "messages"})


def read_rows(lines: Iterable[str], name: str, form: str = "auto") -> Iterator[Row]:
    """Yield the rows that are not blank, as they are needed; `form` is "auto", "jsonl" or "lines"."""
    index = 0
    for line in lines:
        text = line.rstrip("\r\n")
        if not text.strip():
            continue
        if form == "auto":
            form = "jsonl" if is_jsonl(name, text) else "lines"
        yield _read_json(index, text) if form == "jsonl" else Row(index, text, text)
        index += 1


def _read_json(index: int, text: str) -> Row:
    try:
        value: Any = json.loads(text)
    except ValueError as error:
        return Row(index, text, _UNREADABLE, problem=f"row {index} is not JSON: {error}")
    if isinstance(value, str):
        return Row(index, value, value)
    row = as_object(value) or {}
    prompt, messages = row.get("prompt"), row.get("messages")
    if (prompt is None) == (messages is None):
        return Row(index, value, _UNREADABLE, row.get("id"), f'row {index} must be an object with either "prompt" or "messages"')
    if not isinstance(prompt, str | None) or not isinstance(messages, list | None):
        return Row(index, value, _UNREADABLE, row.get("id"), f"row {index}: a prompt must be a text, and messages a list")
    return Row(index, value, messages if prompt is None else prompt, row.get("id"))


def write_row(row: Row, item: Item[ChatResponse]) -> dict[str, Any]:
    """Return what is written for a row."""
    response, error = item.response, item.error
    done: dict[str, Any] = {"text": None, "finish_reason": None, "usage": None, "cost": None, "error": None}
    if response is not None:
        usage = None if response.usage is None else response.usage.to_dict()
        done |= {"text": response.text, "finish_reason": response.finish_reason, "usage": usage, "cost": response.cost}
        if response.tool_calls:
            done["tool_calls"] = [{"id": call.id, "name": call.function.name, "arguments": call.function.arguments} for call in response.tool_calls]
    if error is not None:
        message = row.problem or getattr(error, "message", str(error))
        done["error"] = {"type": type(error).__name__, "message": message, "retry_after": getattr(error, "retry_after", None)}
    return {"index": row.index, "id": row.id, "input": row.input, "ok": item.ok, **done}


class Output:
    """Where rows go: a file, or standard output for None.

    Each row is one write of a whole line, so that a kill at any moment leaves whole lines, or one torn last line at worst. The file is
    opened with the first row: a run that fails before it changes nothing. `fresh` empties it then.
    """

    def __init__(self, path: pathlib.Path | None, *, fresh: bool = False) -> None:
        self._path = path
        self._mode = "wb" if fresh else "ab"
        self._stream: Any = None

    def open(self) -> Any:
        """Return the stream, opened if it is not yet."""
        if self._stream is None:
            self._stream = sys.stdout.buffer if self._path is None else self._path.open(self._mode, buffering=0)
        return self._stream

    def write(self, row: Mapping[str, Any]) -> None:
        """Write one row, through to the operating system."""
        stream = self.open()
        line = memoryview(to_json(row) + b"\n")
        while line:
            # An unbuffered file may take less than it was given, as when the disk is full or a pipe is slow.
            line = line[stream.write(line) :]
        stream.flush()

    def close(self) -> None:
        """Close the file; standard output stays."""
        if self._stream is not None and self._path is not None:
            self._stream.close()


@attrs.frozen
class Done:
    """What an earlier run has left in the output: the inputs by index, as digests, and how many of the rows have failed."""

    digests: Mapping[int, bytes]
    failed: int

    def has(self, row: Row) -> bool:
        """Whether the row was answered; raises ClickException when the answer under its index belongs to another input."""
        digest = self.digests.get(row.index)
        if digest is not None and digest != _digest(row.input):
            raise click.ClickException(f"row {row.index} of the output answers another input; give the same input again, or another --output")
        return digest is not None


NOTHING_DONE: Final = Done({}, 0)


def recover(path: pathlib.Path, *, retry_failed: bool = False) -> Done:
    """Read what an earlier run has written, and cut off a torn last line; with `retry_failed` take out the rows that have failed.

    Raises ClickException for a file that `map` has not written.
    """
    digests: dict[int, bytes] = {}
    fresh = path.with_name(path.name + ".new")
    failed = whole = 0
    with path.open("rb") as old, fresh.open("wb") if retry_failed else contextlib.nullcontext() as new:
        for number, line in enumerate(old, 1):
            if not line.endswith(b"\n"):
                break
            whole += len(line)
            row = _parse(line, path, number)
            if row["ok"] or new is None:
                digests[row["index"]] = _digest(row.get("input"))
                failed += not row["ok"]
            if row["ok"] and new is not None:
                new.write(line)
    if retry_failed:
        fresh.replace(path)
    else:
        os.truncate(path, whole)
    return Done(digests, failed)


def _parse(line: bytes, path: pathlib.Path, number: int) -> dict[str, Any]:
    try:
        row = as_object(json.loads(line)) or {}
    except ValueError:
        row = {}
    if not isinstance(row.get("index"), int) or not isinstance(row.get("ok"), bool):
        raise click.ClickException(f"line {number} of {path} was not written by `llmclient map`; give another --output")
    return row


def _digest(value: Any) -> bytes:
    return hashlib.blake2b(json.dumps(value, sort_keys=True).encode(), digest_size=16).digest()
