"""What would be without a quirk: fields of a dialect set to what they would be, and functions as one would write them at first.

`tests.quirks.reset` sets back what an adapter's TOML says. Most quirks of a vendor with a dialect of its own are no lines of a TOML but
the dialect itself; here they are undone one at a time, and each time some case of the same number must fail.
"""

from __future__ import annotations

import contextlib
import importlib
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol
from unittest import mock

import attrs

from llmclient import registry
from llmclient.dialects.openai import OpenAIChat
from llmclient.provider import Provider
from llmclient.types.messages import Message
from llmclient.types.usage import Usage
from tests.quirks.cases import Case
from tests.quirks.probes import ready


class Setback(Protocol):
    """One quirk undone."""

    number: int

    def notices(self, case: Case) -> bool:
        """Return whether a case fails without the quirk."""
        ...


def fails(case: Case, cls: type[Provider]) -> bool:
    """Return whether a case fails. An error of another kind is no proof, and is raised: it says that what was put in place is no code at all."""
    try:
        case.check(ready(cls))
    except AssertionError:
        return True
    return False


@attrs.frozen
class Field:
    """A field of an adapter's dialect, as it would be."""

    number: int
    adapter: str
    model: str
    """By which the dialect is found; or the name of another slot."""
    field: str
    value: Any = attrs.field(repr=False)
    api: str | None = None

    def __str__(self) -> str:
        return f"{self.number} {self.adapter}.{self.api or self.model}.{self.field}"

    def notices(self, case: Case) -> bool:
        """Return whether a case of this adapter fails so."""
        return case.adapter == self.adapter and fails(case, self._undone())

    def _undone(self) -> type[Provider]:
        cls = registry.adapter(self.adapter)
        if self.model in ("embed", "count_tokens"):
            return _with(cls, {self.model: attrs.evolve(getattr(cls, self.model), **{self.field: self.value})})
        dialect = ready(cls)._find_chat(self.model, self.api)
        other: Any = attrs.evolve(dialect, **{self.field: self.value})
        return _with(
            cls,
            {
                "chat": other if cls.chat == dialect else cls.chat,
                "chat_by_model": tuple((pattern, other if held == dialect else held) for pattern, held in cls.chat_by_model),
                "chat_apis": {api: other if held == dialect else held for api, held in cls.chat_apis.items()},
            },
        )


def _with(cls: type[Provider], changed: dict[str, Any]) -> type[Provider]:
    return type(cls.__name__, (cls,), changed)


@attrs.frozen
class Code:
    """A function or a table, as one would write it at first."""

    number: int
    target: str
    """The module below llmclient, a colon, and the name in it."""
    value: Any = attrs.field(repr=False)

    def __str__(self) -> str:
        return f"{self.number} {self.target}"

    def notices(self, case: Case) -> bool:
        """Return whether a case fails so."""
        with self._undone():
            return fails(case, registry.adapter(case.adapter))

    @contextlib.contextmanager
    def _undone(self) -> Iterator[None]:
        module, _, path = self.target.partition(":")
        *holders, name = path.split(".")
        holder: Any = importlib.import_module(f"llmclient.{module}")
        for step in holders:
            holder = getattr(holder, step)
        with mock.patch.object(holder, name, self.value):
            yield


def as_openai(number: int, adapter: str, model: str, *fields: str) -> tuple[Field, ...]:
    """Return these fields of a dialect made from OpenAI's as they are there."""
    return tuple(Field(number, adapter, model, field, getattr(attrs.fields(OpenAIChat), field).default) for field in fields)


def noticed(setback: Setback, cases: Iterable[Case]) -> bool:
    """Return whether some case of its number notices."""
    return any(setback.notices(case) for case in cases if case.number == setback.number)


# As one would write it at first.


def nothing(*args: Any, **options: Any) -> None:
    """Do nothing."""


def same(value: Any, *args: Any, **options: Any) -> Any:
    """Return what was given."""
    return value


def second(_: Any, value: Any, *args: Any, **options: Any) -> Any:
    """Return what was given to a method."""
    return value


def always(value: Any) -> Callable[..., Any]:
    """Return a function that always returns the same."""
    return lambda *args, **options: value


def append_turn(self: Any, role: str, blocks: list[Any]) -> None:
    """Write a turn a message."""
    if blocks:
        self._turns.append({"role": role, "content": blocks})


def flat_usage(value: Any) -> Usage:
    """Count what is called input and output, and nothing beside it."""
    return Usage(prompt_tokens=value.get("input_tokens"), completion_tokens=value.get("output_tokens"), cached_tokens=value.get("cache_read_input_tokens"))


def candidate_usage(value: Any) -> Usage:
    """Count what is called prompt and candidates."""
    return Usage(
        prompt_tokens=value.get("promptTokenCount"), completion_tokens=value.get("candidatesTokenCount"), reasoning_tokens=value.get("thoughtsTokenCount"),
        total_tokens=value.get("totalTokenCount"),
    )  # fmt: skip


def last_usage(merged: dict[str, Any], usages: Any) -> None:
    """Keep what the last event says."""
    merged.clear()
    merged.update(usages[-1])


def any_text(raw: bytes, *args: Any) -> Any:
    """Take for an answer whatever came, as a client does that trusts a 200."""
    try:
        return json.loads(raw)
    except ValueError:
        return {"choices": [{"message": {"role": "assistant", "content": raw.decode()}, "finish_reason": "stop"}]}


def trusting(read: Callable[..., None]) -> Callable[..., None]:
    """Return a reader of events that takes it for granted that each has a choice, and each choice a delta."""

    def trusted(self: Any, event: Any, chunks: Any) -> None:
        if not event["choices"]:
            raise KeyError(0)
        event["choices"][0]["delta"]
        read(self, event, chunks)

    return trusted


def plain_call(calls: Any) -> Callable[..., Any]:
    """Return an encoder's answer without its query."""
    return lambda self, request, context: attrs.evolve(calls(self, request, context), query={})


def nameless(write: Callable[..., Any]) -> Callable[..., Any]:
    """Return a writer of results that does not say of which function they are."""

    def written(self: Any, message: Message, name: str, wire_id: str | None) -> Any:
        part, media = write(self, message, name, wire_id)
        return {"functionResponse": {key: value for key, value in part["functionResponse"].items() if key != "name"}}, media

    return written


def stop_always(*args: Any, **options: Any) -> Any:
    """Take every end for a good one."""
    return "stop"


def first_wait(headers: Any, now: Any) -> float | None:
    """Believe the first header that holds a number."""
    found = next((value for name, value in headers.items() if "reset" in name or "retry-after" in name), None)
    try:
        return None if found is None else float(found)
    except ValueError:
        return None


def ignore_bounds(self: Any, error: Any, number: int, remaining: float) -> float | None:
    """Wait as long as one is told to."""
    return error.retry_after


def whole_only(self: Any, chunks: Any) -> Any:
    """Take the end of the body for the end of the answer."""
    self.done = True
    return chunks
