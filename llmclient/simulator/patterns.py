"""Strings that match a regular expression, for the simple expressions that stand in JSON Schemas.

Understood are literals, `.`, classes, groups, alternatives and quantifiers, with anchors around them; not look-arounds or
back-references.
"""

from __future__ import annotations

_ESCAPES = {"d": "0123456789", "w": "abcdefghijklmnopqrstuvwxyz0123456789_", "s": " ", "t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v"}
_NEGATED = {"D": "x", "W": "-", "S": "x"}
_ANY = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-. "
_UNBOUNDED = 1 << 16


class PatternError(ValueError):
    """The expression is beyond what is understood here."""


def example(pattern: str, extra: int = 0, turn: int = 0) -> str:
    """Return a string that `pattern` should match: each open-ended repetition is repeated `extra` times more than it must be.

    `turn` chooses among the characters of a class. Raises PatternError for what is not understood.
    """
    writer = _Writer(pattern, extra, turn)
    text = writer.alternatives()
    if not writer.is_done:
        raise PatternError(f"{pattern!r} is not balanced")
    return text


class _Writer:
    def __init__(self, pattern: str, extra: int, turn: int) -> None:
        self._pattern = pattern
        self._position = 0
        self._extra = extra
        self._turn = turn

    @property
    def is_done(self) -> bool:
        return self._position == len(self._pattern)

    def alternatives(self) -> str:
        """Write the first alternative, and read over the others."""
        first = self._sequence()
        while self._next("|"):
            self._sequence()
        return first

    def _sequence(self) -> str:
        out: list[str] = []
        while not self.is_done and self._peek() not in "|)":
            start = self._position
            atom = self._atom()
            low, high = self._quantifier()
            out.append(atom)
            for _ in range(min(high, low + self._extra) - 1):
                end = self._position
                self._position = start
                out.append(self._atom())
                self._position = end
            if min(high, low + self._extra) == 0:
                out.pop()
        return "".join(out)

    def _atom(self) -> str:
        char = self._take()
        if char in "^$":
            return ""
        if char == "(":
            return self._group()
        if char == "[":
            return self._choose(self._class())
        if char == "\\":
            return self._choose(self._escape())
        if char == ".":
            return self._choose(_ANY)
        if char in "*+?{":
            raise PatternError(f"{self._pattern!r} repeats nothing")
        return char

    def _group(self) -> str:
        if self._next("?"):
            if self._next("P<"):
                self._until(">")
            elif not self._next(":"):
                raise PatternError(f"{self._pattern!r} looks around")
        text = self.alternatives()
        if not self._next(")"):
            raise PatternError(f"{self._pattern!r} is not balanced")
        return text

    def _class(self) -> str:
        negated = self._next("^")
        members = ""
        while not self._next("]") or not members:
            low = self._member()
            if len(low) == 1 and self._pattern[self._position : self._position + 1] == "-" and self._pattern[self._position + 1 : self._position + 2] != "]":
                self._take()
                high = self._member()
                members += "".join(map(chr, range(ord(low), min(ord(high), ord(low) + 300) + 1)))
            else:
                members += low
        if negated:
            members = "".join(char for char in _ANY if char not in members)
        if not members:
            raise PatternError(f"{self._pattern!r} has a class without members")
        return members

    def _member(self) -> str:
        char = self._take()
        return self._escape() if char == "\\" else char

    def _escape(self) -> str:
        char = self._take()
        if char in "bBAZz":
            return ""
        if char in "ux":
            digits = "".join(self._take() for _ in range(4 if char == "u" else 2))
            return chr(int(digits, 16))
        if char.isdigit() or char in "pPk":
            raise PatternError(f"{self._pattern!r} refers back or to properties")
        return _ESCAPES.get(char) or _NEGATED.get(char) or char

    def _quantifier(self) -> tuple[int, int]:
        low, high = 1, 1
        if self._next("*"):
            low, high = 0, _UNBOUNDED
        elif self._next("+"):
            high = _UNBOUNDED
        elif self._next("?"):
            low = 0
        elif self._next("{"):
            first, comma, last = self._until("}").partition(",")
            low = int(first or 0)
            high = (int(last) if last else _UNBOUNDED) if comma else low
        self._next("?")
        return low, high

    def _choose(self, members: str) -> str:
        return members[self._turn % len(members)] if members else ""

    def _until(self, end: str) -> str:
        found = self._pattern.find(end, self._position)
        if found < 0:
            raise PatternError(f"{self._pattern!r} is not balanced")
        text = self._pattern[self._position : found]
        self._position = found + len(end)
        return text

    def _peek(self) -> str:
        return self._pattern[self._position]

    def _take(self) -> str:
        if self.is_done:
            raise PatternError(f"{self._pattern!r} ends too early")
        self._position += 1
        return self._pattern[self._position - 1]

    def _next(self, text: str) -> bool:
        if self._pattern.startswith(text, self._position):
            self._position += len(text)
            return True
        return False
