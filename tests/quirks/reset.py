"""Proves that the tables of quirks notice: sets each quirk of each adapter back to the dialect's default, one at a time, and asks whether a case fails then.

`python -m tests.quirks.reset [NAME …]` reports; it ends with 1 if no case notices some quirk, or a case fails as things are. Without names it also
undoes what is no line of a TOML but the dialect itself (`tests/quirks/undone.py`).
`--write` first writes `adapters/NAME.json` anew: for each quirk one probe that tells the adapter from the plain dialect. Read the difference
before you commit it: the file says what the provider is sent, and the TOML only how that is brought about.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import attrs

from codegen.dialects import DIALECTS
from llmclient import registry
from llmclient.provider import Provider
from tests.quirks.cases import Case
from tests.quirks.probes import PROBES, Outcome, Target, ready

FOLDER: Final = pathlib.Path(__file__).parent / "adapters"
_SHOWN_BY: Final[Mapping[str, str]] = {
    "temperature_range": "temperature",
    "temperature_with_n": "temperature",
    "temperature_exclusive_zero": "temperature",
    "tool_choice_required": "tool_choice",
    "tool_choice_named": "tool_choice",
    "tool_choice_with_reasoning": "tool_choice",
    "max_stop": "stop",
    "efforts": "reasoning_effort",
}
"""Quirk -> the parameter without which it cannot show, as in a family that inherits it and refuses the parameter."""
_PATTERN: Final = re.compile(r"\[(.)[^]]*\]|[*?]")


@attrs.frozen
class Place:
    """One dialect of an adapter, and how to reach it."""

    where: str
    """`chat`, `chat_by_model.0`, `chat_apis.responses`, `embed`, …"""
    dialect: Any
    target: Target | None
    """None where no model leads to it, because patterns before it take all."""


@attrs.frozen
class Mutation:
    """One quirk set back."""

    place: Place
    quirk: str
    """The field, and behind a point one member of it where it is a set or a table."""
    dialect: Any

    def __str__(self) -> str:
        return f"{self.place.where}.{self.quirk}"


@attrs.frozen
class Pin:
    """How an adapter differs from the plain dialect in one probe; a line of `adapters/NAME.json`."""

    probe: str
    target: Target
    differs: Mapping[str, Any]
    lacks: tuple[str, ...] = attrs.field(default=(), converter=tuple)
    pins: tuple[str, ...] = attrs.field(default=(), converter=tuple)
    """The quirks for whose sake the line is there."""

    def check(self, provider: Provider) -> None:
        """Raise AssertionError when the probe comes out otherwise."""
        outcome = PROBES[self.probe].run(provider, self.target)
        assert {key: outcome.get(key) for key in self.differs} == dict(self.differs)
        assert not outcome.keys() & set(self.lacks)


def places(cls: type[Provider]) -> Iterator[Place]:
    """Yield every dialect of an adapter."""
    for slot in DIALECTS:
        if (dialect := getattr(cls, slot)) is not None:
            yield Place(slot, dialect, Target(slot))
    seen: list[Any] = []
    for index, (_, dialect) in enumerate(cls.chat_by_model):
        if dialect not in seen:
            seen.append(dialect)
            model = _model(cls, [pattern for pattern, same in cls.chat_by_model if same == dialect], dialect)
            yield Place(f"chat_by_model.{index}", dialect, None if model is None else Target("chat", model))
    for api, dialect in cls.chat_apis.items():
        yield Place(f"chat_apis.{api}", dialect, Target("chat", api=api))


def _model(cls: type[Provider], patterns: Sequence[str], dialect: Any) -> str | None:
    """Return a model that speaks this dialect: one that is listed, else one made up from a pattern."""
    made_up = [_PATTERN.sub(lambda match: match[1] or "1", pattern) for pattern in patterns]
    provider = ready(cls)
    for model in (*(row[0] for row in cls.rows), *made_up):
        if provider._find_chat(model, None) == dialect:
            return model
    return None


def mutations(place: Place) -> Iterator[Mutation]:
    """Yield each quirk that differs from the default set back, whole and member by member."""
    usual = type(place.dialect)()
    taken = place.dialect.supported_params(place.target.model if place.target else "")
    for field in attrs.fields(type(place.dialect)):
        value, default = getattr(place.dialect, field.name), getattr(usual, field.name)
        if field.metadata.get("quirk") is not False and value != default and _SHOWN_BY.get(field.name, "") in {*taken, ""}:
            yield Mutation(place, field.name, attrs.evolve(place.dialect, **{field.name: default}))
            for member, other in _members(value, default):
                yield Mutation(place, f"{field.name}.{member}", attrs.evolve(place.dialect, **{field.name: other}))


def _members(value: Any, default: Any) -> Iterator[tuple[str, Any]]:
    """Yield the members in which a set or a table differs from the default, each with the value without that difference."""
    if isinstance(value, frozenset):
        others = default if isinstance(default, frozenset) else frozenset()
        changed = sorted(value ^ others)
        yield from ((member, value ^ {member}) for member in changed if len(changed) > 1)
    elif isinstance(value, Mapping) and len(value) > 1:
        yield from ((str(key), {other: item for other, item in value.items() if other != key}) for key in value)
    elif isinstance(value, tuple) and len(value) > 1 and all(isinstance(member, str) for member in value):
        yield from ((member, tuple(other for other in value if other != member)) for member in value)


def mutated(cls: type[Provider], place: Place, dialect: Any) -> Provider:
    """Return the provider with one dialect replaced."""
    kind, _, which = place.where.partition(".")
    changed: Any = dialect
    if kind == "chat_by_model":
        changed = tuple((pattern, dialect if other == place.dialect else other) for pattern, other in cls.chat_by_model)
    elif kind == "chat_apis":
        changed = {**cls.chat_apis, which: dialect}
    return ready(type(cls.__name__, (cls,), {kind: changed}))


def fails(case: Case | Pin, provider: Provider) -> bool:
    """Return whether a case fails with this provider."""
    try:
        case.check(provider)
    except AssertionError:
        return True
    return False


def read_pins(name: str) -> tuple[Pin, ...]:
    """Return the lines of an adapter's file; none when there is no file."""
    path = FOLDER / f"{name}.json"
    lines = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
    return tuple(Pin(line["probe"], Target(*line["target"]), line["differs"], line.get("lacks", ()), line["pins"]) for line in lines)


def find_pins(cls: type[Provider]) -> tuple[Pin, ...]:
    """Return for each quirk the first probe that notices when it is set back, with how the adapter differs there from the plain dialect."""
    found: dict[tuple[str, Target], list[str]] = {}
    for place in places(cls):
        if place.target is None:
            continue
        outcomes = _outcomes(ready(cls), place.target)
        for mutation in mutations(place):
            others = mutated(cls, place, mutation.dialect)
            for name, outcome in outcomes.items():
                if PROBES[name].run(others, place.target) != outcome:
                    found.setdefault((name, place.target), []).append(str(mutation))
                    break
    return tuple(_pin(cls, name, target, pins) for (name, target), pins in found.items())


def _outcomes(provider: Provider, target: Target) -> dict[str, Outcome]:
    return {name: probe.run(provider, target) for name, probe in PROBES.items() if probe.slot == target.slot}


def _pin(cls: type[Provider], name: str, target: Target, pins: list[str]) -> Pin:
    """Return the line: all in which the adapter differs from each of the providers that the quirks set back would make of it."""
    here = PROBES[name].run(ready(cls), target)
    differs: dict[str, Any] = {}
    lacks: set[str] = set()
    for place in places(cls):
        for mutation in mutations(place):
            if str(mutation) in pins and place.target == target:
                there = PROBES[name].run(mutated(cls, place, mutation.dialect), target)
                differs |= {key: value for key, value in here.items() if key not in there or there[key] != value}
                lacks |= there.keys() - here.keys()
    return Pin(name, target, dict(sorted(differs.items())), () if "error" in differs else sorted(lacks), pins)


def write_pins(name: str, pins: Iterable[Pin]) -> None:
    """Write an adapter's file, a line a probe."""
    lines = [json.dumps(_line(pin), ensure_ascii=False, sort_keys=False) for pin in pins]
    path = FOLDER / f"{name}.json"
    if lines:
        path.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")
    else:
        path.unlink(missing_ok=True)


def _line(pin: Pin) -> dict[str, Any]:
    target = [pin.target.slot, pin.target.model] + ([pin.target.api] if pin.target.api else [])
    line = {"probe": pin.probe, "target": target, "differs": pin.differs, "lacks": pin.lacks, "pins": pin.pins}
    return {key: value for key, value in line.items() if value or key == "differs"}


@attrs.frozen
class Report:
    """What was found for one adapter."""

    name: str
    failing: tuple[str, ...]
    """Cases that fail as things are."""
    unnoticed: tuple[str, ...]
    """Quirks that no case notices."""
    unreachable: tuple[str, ...]
    """Dialects to which no model leads."""
    quirks: int
    by_hand: int
    """How many quirks a numbered case notices, besides the probes."""
    numbers: frozenset[int]
    """The numbers of the cases that notice some quirk."""


def examine(name: str, cases: Iterable[Case] = ()) -> Report:
    """Set back each quirk of one adapter, and say what the cases make of it."""
    cls = registry.adapter(name)
    pins, own = read_pins(name), [case for case in cases if case.adapter == name]
    failing = [str(case) for case in (*own, *pins) if fails(case, ready(cls))]
    unnoticed: list[str] = []
    numbers: set[int] = set()
    quirks = by_hand = 0
    found = list(places(cls))
    for place in found:
        for mutation in mutations(place):
            others = mutated(cls, place, mutation.dialect)
            hand = {case.number for case in own if fails(case, others)}
            numbers |= hand
            quirks, by_hand = quirks + 1, by_hand + bool(hand)
            if not hand and not any(fails(pin, others) for pin in pins):
                unnoticed.append(str(mutation))
    unreachable = tuple(place.where for place in found if place.target is None)
    return Report(name, tuple(failing), tuple(unnoticed), unreachable, quirks, by_hand, frozenset(numbers))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns 1 when there is something to report."""
    from tests.quirks.numbered import CASES, ELSEWHERE, read_table
    from tests.quirks.setbacks import noticed
    from tests.quirks.undone import SETBACKS

    parser = argparse.ArgumentParser(prog="python -m tests.quirks.reset", description="Set each quirk back, and see which case notices.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="adapters; all when none is given")
    parser.add_argument("--write", action="store_true", help="write tests/quirks/adapters/NAME.json first")
    given = parser.parse_args(arguments)
    names = given.names or sorted(registry.names())
    if given.write:
        for name in names:
            write_pins(name, find_pins(registry.adapter(name)))
    reports = [examine(name, CASES) for name in names]
    for report in reports:
        for title, items in (("fails", report.failing), ("unnoticed", report.unnoticed), ("unreachable", report.unreachable)):
            for item in items:
                print(f"{report.name}: {title}: {item}")
    quirks, by_hand = sum(report.quirks for report in reports), sum(report.by_hand for report in reports)
    unnoticed = sum(len(report.unnoticed) for report in reports)
    print(f"{len(reports)} adapters, {quirks} quirks set back: {quirks - unnoticed} noticed, {by_hand} of them by a numbered case; {unnoticed} unnoticed")
    lost = [] if given.names else [setback for setback in SETBACKS if not noticed(setback, CASES)]
    for setback in lost:
        print(f"unnoticed: {setback}")
    if not given.names:
        proven = {number for report in reports for number in report.numbers} | {setback.number for setback in SETBACKS} | ELSEWHERE
        print(f"{len(SETBACKS)} quirks of dialects undone: {len(SETBACKS) - len(lost)} noticed; of {len(read_table())} numbers {len(proven)} can be undone")
    return int(bool(lost) or any(report.failing or report.unnoticed or report.unreachable for report in reports))


if __name__ == "__main__":
    sys.exit(main())
