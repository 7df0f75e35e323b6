"""What is wrong with the TOML files, said so that it can be put right: file, path and a suggestion."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from typing import Final, TypeAlias

import attrs

Steps: TypeAlias = tuple[str | int, ...]
"""The way from the top of a file to a value: keys and positions in lists."""

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")


@attrs.frozen
class Problem:
    """One thing that is wrong."""

    file: str
    steps: Steps
    message: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.file, spell(self.steps), self.message) if part)


class MetadataError(Exception):
    """Some TOML files are wrong; nothing was written. `problems` says all that is."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class Problems:
    """Collects what is wrong within one file."""

    def __init__(self, file: str) -> None:
        self.file = file
        self._found: list[Problem] = []

    def add(self, steps: Steps, message: str) -> None:
        """Note a problem."""
        self._found.append(Problem(self.file, steps, message))

    def __iter__(self) -> Iterator[Problem]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


def spell(steps: Steps) -> str:
    """Return a path as TOML would write it: `models."gpt-4.1".prices`, `options[0].name`."""
    text = ""
    for step in steps:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            key = step if _BARE.fullmatch(step) else f'"{step}"'
            text += f".{key}" if text else key
    return text


def suggest(word: str, known: Iterable[str]) -> str:
    """Return "; did you mean 'x'?" for the nearest known word, or a list of the known ones if they are few, or nothing."""
    words = sorted(known)
    near = difflib.get_close_matches(word, words, 1)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; known are {', '.join(words)}" if 0 < len(words) <= 12 else ""
