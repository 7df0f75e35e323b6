"""Faults on request: what can go wrong between a client and a provider, as a line of text.

A fault is a list of `name` or `name=value`, joined by semicolons, in the header `x-simulator-fault`, in the model name
`fault/<spec>`, or given to `Simulator.fault`. See `NAMES` for what there is.
"""

from __future__ import annotations

import dataclasses
import email.utils
import time
from collections.abc import Callable

from llmclient.simulator.exchange import Dialect, Failure, Reply

MODEL_PREFIX = "fault/"
HEADER = "x-simulator-fault"
PATIENCE = 30.0
"""Seconds after which a stalled connection is given up."""

NAMES: dict[str, tuple[Callable[[str], object] | None, str]] = {
    "status": (int, "answer with this status and an error"),
    "code": (str, "the error's code"),
    "type": (str, "the error's type"),
    "message": (str, "the error's message"),
    "retry-after": (float, "seconds to wait, as a number in Retry-After"),
    "retry-after-date": (float, "seconds to wait, as a date in Retry-After"),
    "retry-after-ms": (float, "milliseconds to wait, in retry-after-ms"),
    "cut": (int, "reset the connection after N bytes of the body"),
    "truncate": (int, "end the body cleanly after N events (a plain body: N bytes)"),
    "no-done": (None, "leave the end marker of a stream out"),
    "stall": (int, "send no more after N events (a plain body: N bytes), and keep the connection open"),
    "keepalive": (None, "send nothing but heartbeats"),
    "garbage": (None, "put an event that is no JSON into the stream (a plain answer: a page of HTML)"),
    "drip": (float, "pause S seconds between single bytes of the body"),
    "error": (int, "put an error into the stream after N events"),
    "error-200": (None, "answer with an error under status 200"),
    "slow-headers": (float, "wait S seconds before the status line"),
    "empty": (None, "answer 200 with an empty body"),
    "times": (int, "only the first K requests with the same body fail"),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Fault:
    """One fault, parsed."""

    spec: str
    values: dict[str, object]

    @classmethod
    def parse(cls, spec: str) -> Fault:
        """Read a fault; raises Failure (400) that names what it does not know."""
        values: dict[str, object] = {}
        for item in filter(None, (part.strip() for part in spec.split(";"))):
            name, given, value = (part.strip() for part in item.partition("="))
            if name not in NAMES:
                raise Failure(400, f"Unknown fault {name!r} in {spec!r}; there are {', '.join(NAMES)}.", code="unknown_fault", param=HEADER)
            values[name] = _value(name, value, spec) if given or NAMES[name][0] is not None else True
        if not values.keys() - {"times"}:
            raise Failure(400, f"The fault {spec!r} names nothing that should go wrong.", code="unknown_fault", param=HEADER)
        return cls(spec, values)

    def number(self, name: str) -> float | None:
        """Return the value of a fault that counts something, None when it was not asked for."""
        value = self.values.get(name)
        return value if isinstance(value, int | float) else None

    def text(self, name: str) -> str | None:
        """Return the value of a fault that says something, None when it was not asked for."""
        value = self.values.get(name)
        return value if isinstance(value, str) else None

    def count(self, name: str) -> int | None:
        """Return the value of a fault that counts whole things, None when it was not asked for."""
        value = self.values.get(name)
        return value if isinstance(value, int) else None

    @property
    def failure(self) -> Failure | None:
        """The error that takes the answer's place, None when the answer itself is spoilt."""
        if not self.values.keys() & {"status", "error-200", *_HINTS}:
            return None
        headers = {name: hint(wait) for given, (name, hint) in _HINTS.items() if (wait := self.number(given)) is not None}
        status = self.count("status") or (500 if "error-200" in self.values else 429)
        return self.error(status, headers)

    def error(self, status: int = 500, headers: dict[str, str] | None = None) -> Failure:
        """Return the error to show, with the code, type and message that were asked for."""
        message = self.text("message") or f"The simulator was asked to fail with status {status}."
        return Failure(status, message, code=self.text("code"), type=self.text("type"), headers=headers)


@dataclasses.dataclass(slots=True)
class Delivery:
    """How a reply is put on the wire."""

    delay: float = 0.0
    """Seconds before the status line."""
    pace: float = 0.0
    """Seconds between events."""
    drip: float = 0.0
    """Seconds between single bytes."""
    reset_after: int | None = None
    """Bytes of the body after which the connection is reset."""
    length: int | None = None
    """What Content-Length says, if not the truth."""
    hang: bool = False
    """Keep the connection open without ending the answer."""
    heartbeat: bytes = b""
    """What to send while hanging."""


def spoil(reply: Reply, fault: Fault, dialect: Dialect, pace: float) -> tuple[Reply, Delivery]:
    """Return what to send in place of a good reply, and how."""
    delivery = Delivery(delay=fault.number("slow-headers") or 0.0, pace=pace, drip=fault.number("drip") or 0.0, reset_after=fault.count("cut"))
    if "empty" in fault.values:
        return Reply(reply.status, b"", reply.content_type), delivery
    if "keepalive" in fault.values:
        delivery.hang = True
        delivery.heartbeat = dialect.heartbeat if reply.events is not None else b"\n"
        return Reply(reply.status, content_type=reply.content_type, events=[]), delivery
    if reply.events is not None:
        return _spoil_stream(reply, reply.events, fault, dialect, delivery), delivery
    return _spoil_body(reply, fault, dialect, delivery), delivery


def _spoil_stream(reply: Reply, events: list[bytes], fault: Fault, dialect: Dialect, delivery: Delivery) -> Reply:
    closing, end = reply.closing, reply.end
    for name in ("truncate", "stall", "error"):
        count = fault.count(name)
        if count is not None:
            events, closing, end = events[:count], [], b""
    if "no-done" in fault.values:
        end = b""
    if "error" in fault.values:
        events = [*events, dialect.failure_event(fault.error())]
    if "garbage" in fault.values:
        middle = (len(events) + 1) // 2
        events = [*events[:middle], dialect.garbage, *events[middle:]]
    delivery.hang = "stall" in fault.values
    return Reply(reply.status, content_type=reply.content_type, headers=reply.headers, events=events, closing=closing, end=end)


def _spoil_body(reply: Reply, fault: Fault, dialect: Dialect, delivery: Delivery) -> Reply:
    if "error" in fault.values:
        shown = dialect.failure(fault.error())
        return Reply(200, shown.body, shown.content_type, reply.headers)
    if "garbage" in fault.values:
        return Reply(200, b"<!DOCTYPE html>\n<html><body><h1>It works!</h1></body></html>\n", "text/html; charset=utf-8")
    body = reply.body
    stall, truncate = fault.count("stall"), fault.count("truncate")
    if stall is not None:
        delivery.length, delivery.hang = len(body), True
        body = body[:stall]
    elif truncate is not None:
        body = body[:truncate]
    return Reply(reply.status, body, reply.content_type, reply.headers)


def _value(name: str, value: str, spec: str) -> object:
    read = NAMES[name][0]
    if read is None:
        raise Failure(400, f"The fault {name!r} in {spec!r} takes no value.", code="unknown_fault", param=HEADER)
    try:
        parsed = read(value)
    except ValueError:
        parsed = None
    if parsed is None or value == "" or (isinstance(parsed, int | float) and not 0 <= parsed < float("inf")):
        raise Failure(400, f"The fault {name!r} in {spec!r} needs a value that is no less than 0.", code="unknown_fault", param=HEADER)
    if name == "status" and (parsed == 304 or parsed not in range(300, 600)):
        raise Failure(400, f"The fault 'status' in {spec!r} needs a status from 300 to 599 that allows a body.", code="unknown_fault", param=HEADER)
    return parsed


def _number(wait: float) -> str:
    return f"{wait:g}"


def _date(wait: float) -> str:
    return email.utils.formatdate(time.time() + wait, usegmt=True)


_HINTS: dict[str, tuple[str, Callable[[float], str]]] = {
    "retry-after": ("retry-after", _number),
    "retry-after-date": ("retry-after", _date),
    "retry-after-ms": ("retry-after-ms", _number),
}
