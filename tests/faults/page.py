"""Writes docs/faults.md from the catalogue: `python -m tests.faults.page`."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator, Mapping, Sequence

from tests.faults import catalogue, statuses
from tests.faults.play import RETRY, End, Fault, Mode
from tests.faults.wires import WIRES

PAGE = pathlib.Path(__file__).parent.parent.parent / "docs" / "faults.md"
HEAD = """# Faults

Written by `python -m tests.faults.page` from the catalogue in `tests/faults/`; `tests/faults/test_matrix.py` plays each row on real sockets, in each of
these dialects, as a plain call and as a stream: {wires}.

A call here may be tried {attempts} times, and waits at most {hint:g} s for a hint. *Attempts* are what the server saw. After each fault two ordinary calls go through the
same pool, which has room for one connection: they must get their own answers, and no connection may be left open. A call under a limit ends within
the limit and {grace}. Where a stream had handed over chunks before the fault, they are kept, and nothing is tried again.
"""


def outcome(fault: Fault, mode: Mode) -> str:
    """Return what comes of a call, in words."""
    if not any(fault.only(wire, mode) for wire in WIRES):
        return "–"
    end: End = fault.end(mode)
    if not end.error:
        return "the answer"
    facts = [f"limit `{end.limit}`"] if end.limit else []
    facts += ["after the chunks"] if end.chunks and mode == "stream" else []
    facts += [f"`retry_after` {hint(end.hint)}"] if end.hint is not None else []
    return f"{end.error}" + (f" ({', '.join(facts)})" if facts else "")


def hint(span: tuple[float, float]) -> str:
    """Return a wait in words."""
    low, high = span
    return f"{low:g}" if low == high else f"up to {high:g}"


def attempts(fault: Fault) -> str:
    """Return the attempts in both modes."""
    counts = [str(fault.end(mode).attempts) for mode in ("chat", "stream") if any(fault.only(wire, mode) for wire in WIRES)]
    return counts[0] if len(set(counts)) == 1 else " / ".join(counts)


def table(faults: Sequence[Fault]) -> Iterator[str]:
    """Yield the lines of a table."""
    yield "| what the server does | a plain call | a stream | attempts | within | connection |"
    yield "|---|---|---|---|---|---|"
    for fault in faults:
        within = "" if fault.within is None else f"{fault.within:g} s"
        kept = {True: "kept", False: "dropped", None: ""}[fault.kept]
        yield f"| {fault.name} | {outcome(fault, 'chat')} | {outcome(fault, 'stream')} | {attempts(fault)} | {within} | {kept} |"


def render() -> str:
    """Return the page."""
    wires = ", ".join(wire.name for wire in WIRES)
    parts = [HEAD.format(wires=wires, attempts=RETRY.max_attempts, hint=RETRY.max_hint, grace="half a second")]
    groups: Mapping[str, Sequence[Fault]] = {**catalogue.GROUPS, **statuses.GROUPS}
    for title, faults in groups.items():
        parts.append("\n".join([f"## {title}", "", *table(faults), ""]))
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
