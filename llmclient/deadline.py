"""How long a call may take: `Timeout` is the value that a caller sets, `Call` the running deadline of one call.

A `Call` travels as `timeout=` through requests and urllib3 down to the socket, where `pool.py` asks it how long it may
still wait. It is also the handle by which another thread cancels the call.
"""

from __future__ import annotations

import math
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol, Self

import attrs
import urllib3.util

from llmclient.errors import CancelledError, ConfigurationError, PoolTimeoutError, ProviderError, RequestTimeoutError

if TYPE_CHECKING:
    from attrs import Attribute

LONGEST_WAIT = 1_000_000.0
"""Seconds; one wait takes no longer timeout than this, since sockets and locks refuse very large ones. Waits are repeated."""

_ENDLESS = 1e300

_MESSAGES = {
    "total": "not finished after {:g} s (total)",
    "pool": "no connection became free for {:g} s (pool)",
    "first_event": "no first event within {:g} s (first_event)",
    "idle": "no event for {:g} s (idle)",
    "read": "no bytes for {:g} s (read)",
    "connect": "no connection within {:g} s (connect)",
}


class Socket(Protocol):
    """What is needed of a socket, plain, TLS, or TLS within TLS."""

    def close(self) -> None:
        """Close it."""
        ...


def _check_seconds(_: Timeout, field: Attribute[float | None], value: object) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < _ENDLESS:
        raise ConfigurationError("llmclient", f"timeout.{field.name} must be a positive number of seconds or None, got {value!r}")


def _limit(default: float | None) -> float | None:
    field: float | None = attrs.field(default=default, validator=_check_seconds)
    return field


@attrs.frozen(kw_only=True)
class Timeout:
    """How long each part of a call may take, in seconds; None leaves a part bounded by `total` only.

    Raises ConfigurationError for anything but a positive number or None.
    """

    connect: float | None = _limit(5.0)
    """Looking up the name, connecting, and the TLS handshake."""
    pool: float | None = _limit(10.0)
    """Waiting for a free connection."""
    read: float | None = _limit(None)
    """Waiting for the next byte."""
    first_event: float | None = _limit(None)
    """From sending to the first event of a stream."""
    idle: float | None = _limit(120.0)
    """Between two events of a stream; comments that keep a connection alive do not count."""
    total: float | None = _limit(300.0)
    """The whole call: waiting, connecting, every attempt, the sleeps between them, and the body."""

    @classmethod
    def of(cls, value: Timeout | float | None) -> Timeout:
        """Return a Timeout: a number means `total`, None the defaults; raises ConfigurationError for anything else."""
        if isinstance(value, Timeout):
            return value
        if value is None:
            return cls()
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ConfigurationError("llmclient", f"timeout must be a Timeout, a number of seconds or None, got {value!r}")
        return cls(total=value)


class Gate:
    """An event that happens once; unlike threading.Event, a finalizer may set it in the very thread that waits for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def set(self) -> None:
        """Let whoever waits go on."""
        with suppress(RuntimeError):
            self._lock.release()

    def wait(self, seconds: float) -> bool:
        """Wait; return whether the gate was opened in time."""
        return self._lock.acquire(timeout=max(0.0, min(seconds, LONGEST_WAIT)))


class Call(urllib3.util.Timeout):
    """The running deadline of one logical call, over all its attempts, and the means to cancel it.

    Made when the call begins; `total` counts from there. Cancelling is allowed from any thread, everything else belongs
    to the thread that makes the call.
    """

    def __init__(self, timeout: Timeout, *, provider: str, model: str | None = None) -> None:
        # The parent's constructor would only check again what Timeout has checked; its properties are all replaced here.
        self.timeout = timeout
        self.provider = provider
        self.model = model
        self.total = timeout.total
        self.cancelled = False
        self.reused = False
        """Whether the attempt's connection has served another request before."""
        self.received = 0
        """How many bytes have come in this attempt."""
        self.tripped: str | None = None
        """The limit that ended this attempt."""
        self.answer: urllib3.HTTPResponse | None = None
        """The answer whose head has come, until somebody takes care of it."""
        self._lock = threading.RLock()
        self._socket: Socket | None = None
        self._owned = False
        self._wake: Callable[[], None] | None = None
        self._deadline = math.inf if timeout.total is None else monotonic() + timeout.total
        self._connect_at = math.inf
        self._event_at = math.inf
        self._event = "first_event"
        self._drain_at = math.inf
        self._until = self._deadline

    def remaining(self) -> float:
        """Return the seconds left of `total`, infinity when there is no such limit; may be negative."""
        return self._deadline if self._deadline == math.inf else self._deadline - monotonic()

    def check(self) -> None:
        """Raise CancelledError if the call was cancelled, RequestTimeoutError if its total is used up."""
        if self.cancelled:
            raise self._cancelled()
        if self.remaining() <= 0:
            raise self.timeout_error("total")

    def sleep(self, seconds: float) -> None:
        """Sleep, but not past the total, and wake at once when cancelled; then raises as `check` does."""
        self.check()
        if seconds > 0:
            self.wait(Gate(), min(seconds, self.remaining()))
        self.check()

    def wait(self, gate: Gate, seconds: float) -> bool:
        """Wait at a gate, which `cancel` opens too; return whether it was opened in time."""
        with self._lock:
            if self.cancelled:
                return True
            self._wake = gate.set
        try:
            return gate.wait(seconds)
        finally:
            self._wake = None

    def expect_first_event(self) -> None:
        """From now on the first event of a stream is waited for."""
        self._expect("first_event", self.timeout.first_event)

    def expect_event(self) -> None:
        """From now on the next event of a stream is waited for."""
        self._expect("idle", self.timeout.idle)

    def hold(self) -> None:
        """No event is waited for: the caller is busy with what it has."""
        self._event_at = math.inf
        self._settle()

    def cancel(self) -> None:
        """End the call, from any thread: whoever waits in it wakes up and raises CancelledError."""
        with self._lock:
            self.cancelled = True
            if self._socket is not None:
                _shut_down(self._socket)
            if self._wake is not None:
                self._wake()

    def begin_attempt(self) -> None:
        """Forget the last attempt; raises as `check` does."""
        self.check()
        self.reused = False
        self.received = 0
        self.tripped = None
        self._connect_at = self._drain_at = math.inf
        if self._event_at != math.inf:
            self.expect_first_event()
        self._settle()

    def begin_connect(self) -> None:
        """A connection is being opened: `connect` counts from now."""
        if self.timeout.connect is not None:
            self._connect_at = monotonic() + self.timeout.connect
            self._settle()

    def end_connect(self) -> None:
        """The connection is open, or has failed."""
        self._connect_at = math.inf
        self._settle()

    def begin_drain(self, seconds: float) -> None:
        """Only a useless rest of the answer is read from here on, and only for so long."""
        self._event_at = math.inf
        self._drain_at = monotonic() + seconds
        self._settle()

    def attach(self, sock: Socket | None, *, owned: bool = False) -> None:
        """From now on `cancel` shuts this socket down; raises ConnectionAbortedError if it has come already.

        An owned socket is closed once it is detached, or another one takes its place.
        """
        with self._lock:
            self._let_go()
            self._socket, self._owned = sock, owned
            if self.cancelled:
                raise ConnectionAbortedError("the call was closed")

    def detach(self) -> None:
        """From now on the socket is no longer this call's."""
        with self._lock:
            self._let_go()

    def _let_go(self) -> None:
        if self._owned and self._socket is not None:
            self._socket.close()
        self._socket, self._owned = None, False

    def pool_seconds(self) -> float | None:
        """Return how long a free connection may be waited for, None for as long as it takes."""
        seconds = self.remaining() if self.timeout.pool is None else min(self.timeout.pool, self.remaining())
        return None if seconds == math.inf else seconds

    def quiet_limit(self) -> float:
        """Return when a wait for bytes that begins now violates `read`, as a time of the clock."""
        return math.inf if self.timeout.read is None or self._connect_at != math.inf else monotonic() + self.timeout.read

    def left(self, quiet_at: float = math.inf) -> float:
        """Return the seconds until the nearest limit, at most `LONGEST_WAIT`; raises TimeoutError once one has passed."""
        # Asked before every read, where calls of `min` would be half of the time.
        until = self._until if self._until < quiet_at else quiet_at  # noqa: FURB136
        if until == math.inf:
            return LONGEST_WAIT
        now = monotonic()
        if until <= now:
            self._trip(now, quiet_at)
        left = until - now
        return left if left < LONGEST_WAIT else LONGEST_WAIT  # noqa: FURB136

    def trip(self, limit: str) -> TimeoutError:
        """Note which limit ended this attempt, and return what to raise below requests."""
        self.tripped = limit
        return TimeoutError(limit)

    def verdict(self) -> ProviderError | None:
        """Return the error when this call was ended by ourselves, by cancelling or by a limit; else None."""
        if self.cancelled:
            return self._cancelled()
        return None if self.tripped is None else self.timeout_error(self.tripped)

    def timeout_error(self, limit: str) -> RequestTimeoutError:
        """Return the error for a limit, named as the field of Timeout."""
        kind = PoolTimeoutError if limit == "pool" else RequestTimeoutError
        seconds: float | None = getattr(self.timeout, limit)
        error = kind(self.provider, _MESSAGES[limit].format(0.0 if seconds is None else seconds), model=self.model)
        error.limit = limit
        return error

    def clone(self) -> Self:
        """Return the call itself: urllib3 clones a Timeout before it is used, and there is only one deadline."""
        return self

    def start_connect(self) -> float:
        """Do nothing: the clock runs since the call began."""
        return monotonic()

    @property
    def connect_timeout(self) -> float | None:
        """Seconds that a connection may take; for pools that know nothing of calls."""
        return _soonest(self.timeout.connect, self.remaining())

    @property
    def read_timeout(self) -> float | None:
        """Seconds that one wait for bytes may take; for pools that know nothing of calls."""
        return _soonest(self.timeout.read, self.remaining(), self._event_at if self._event_at == math.inf else self._event_at - monotonic())

    def __repr__(self) -> str:
        return f"Call({self.timeout!r}, provider={self.provider!r}, model={self.model!r})"

    __str__ = __repr__

    def _cancelled(self) -> CancelledError:
        return CancelledError(self.provider, "the call was closed", model=self.model)

    def _expect(self, event: str, seconds: float | None) -> None:
        self._event = event
        self._event_at = math.inf if seconds is None else monotonic() + seconds
        self._settle()

    def _settle(self) -> None:
        self._until = min(self._deadline, self._connect_at, self._event_at, self._drain_at)

    def _trip(self, now: float, quiet_at: float) -> None:
        limits = (("total", self._deadline), (self._event, self._event_at), ("read", quiet_at), ("connect", self._connect_at))
        for limit, at in limits:
            if at <= now:
                raise self.trip(limit)
        raise TimeoutError("the rest of the answer did not come in time")


def _soonest(*seconds: float | None) -> float | None:
    """Return the smallest, at least a millisecond, since 0 would mean not to wait; None when there is no limit."""
    least = min((each for each in seconds if each is not None), default=math.inf)
    return None if least == math.inf else max(least, 0.001)


def _shut_down(sock: Socket) -> None:
    """Wake whoever reads or writes this socket, without closing it under them.

    The plain socket's method on purpose: the one of SSLSocket drops the TLS layer first, and a reader would get
    ciphertext as if it were the answer.
    """
    inner: Any = getattr(sock, "socket", sock)
    with suppress(OSError):
        socket.socket.shutdown(inner, socket.SHUT_RDWR)
