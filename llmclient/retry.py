"""What is tried again, how long we wait before it, and why not.

| what came back | tried again | after |
|---|---|---|
| 429 | yes | the provider's hint, else the backoff |
| quota used up, 402 | no: waiting will not help | |
| 408, 409, 425, 500, 502, 503, 504, 520 to 524, 529 | yes | the hint, else the backoff |
| any other status | no | |
| no connection, connection lost, connect or read limit | yes | the backoff |
| a certificate that is refused | no | |
| the pool stayed full, the total passed, closed by the caller | no | |
| anything once a chunk was handed over | no: the caller has part of the answer | |

`x-should-retry: true` or `false` from the provider overrides its status. The backoff is drawn evenly from 0 up to 0.5, 1, 2, 4, 8
seconds. A hint beyond `max_hint`, or one that would cross the deadline, is not waited for: the error is raised at once with `retry_after`.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

import attrs

from llmclient.errors import Attempt, ConfigurationError, PoolTimeoutError, ProviderError, RateLimitError, RequestTimeoutError

if TYPE_CHECKING:
    from llmclient.deadline import Call

T = TypeVar("T")
GateKey = tuple[str, str, str]
_log: Final = logging.getLogger("llmclient")
_EXPIRED_AT_MOST = 256


def _positive(_: Retry, attribute: attrs.Attribute[float], value: float) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < float("inf"):
        raise ConfigurationError("llmclient", f"retry.{attribute.name} must be a number of seconds from 0, got {value!r}")


def _count(_: Retry, attribute: attrs.Attribute[int], value: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigurationError("llmclient", f"retry.{attribute.name} must be a whole number from 1, got {value!r}")


@attrs.frozen(kw_only=True)
class Retry:
    """How often a call is tried, and how long we wait in between. An immutable value: share it freely."""

    max_attempts: int = attrs.field(default=3, validator=_count)
    """The first one counts: 1 means never again."""
    min_wait: float = attrs.field(default=0.5, validator=_positive)
    """Seconds: the bound of the first random wait; it doubles each time."""
    max_wait: float = attrs.field(default=8.0, validator=_positive)
    """Seconds: the largest bound."""
    max_hint: float = attrs.field(default=60.0, validator=_positive)
    """Seconds: a provider that wants a longer wait gets none, and the error is raised at once."""

    def plan(self, error: ProviderError, number: int, remaining: float) -> float | None:
        """Return the seconds to wait before attempt `number` + 1, or None to give up."""
        if number >= self.max_attempts or not _may_help(error):
            return None
        wait = error.retry_after
        if wait is None:
            wait = random.uniform(0, min(self.max_wait, self.min_wait * 2 ** min(number - 1, 32)))  # noqa: S311 - jitter is no secret
        elif wait > self.max_hint:
            return None
        return wait if wait < remaining else None


def _may_help(error: ProviderError) -> bool:
    if isinstance(error, PoolTimeoutError) or (isinstance(error, RequestTimeoutError) and error.limit == "total"):
        return False
    return error.retryable


class Gate:
    """Holds back the calls of all threads while a provider has asked one of them to wait."""

    def __init__(self) -> None:
        # No lock: each step is one operation on a dict, and a lost race costs a wait that is a little shorter.
        self._until: dict[GateKey, float] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        return Gate, ()

    def shut(self, key: GateKey, seconds: float) -> None:
        """Hold back new calls under this key for so many seconds."""
        now = time.monotonic()
        if len(self._until) >= _EXPIRED_AT_MOST:
            for other, until in list(self._until.items()):
                if until <= now:
                    self._until.pop(other, None)
        self._until[key] = max(self._until.get(key, 0.0), now + seconds)

    def wait(self, key: GateKey, call: Call) -> float:
        """Wait until the gate is open, and return how long; raises RateLimitError if the call's deadline comes first."""
        if not self._until:
            return 0.0
        waited = 0.0
        while (wait := self._until.get(key, 0.0) - time.monotonic()) > 0:
            if wait >= call.remaining():
                raise RateLimitError(key[0], "other calls were asked to wait, beyond the deadline of this one", retry_after=wait, model=key[2])
            call.sleep(wait)
            waited += wait
        return waited


class CallGroup:
    """Calls that are cancelled together."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: set[Call] = set()
        self._cancelled = False

    def add(self, call: Call) -> None:
        """Count a call in; if the group is cancelled already, the call is too."""
        with self._lock:
            self._calls.add(call)
            cancelled = self._cancelled
        if cancelled:
            call.cancel()

    def discard(self, call: Call) -> None:
        """Forget a call that is over."""
        with self._lock:
            self._calls.discard(call)

    def cancel(self) -> None:
        """Cancel every call of the group, those to come included."""
        with self._lock:
            self._cancelled = True
            calls = list(self._calls)
        for call in calls:
            call.cancel()


OnAttempt = Callable[[str, str, Attempt], None]
"""Called after each attempt with the provider's name, the model and what came of it."""


class Tries:
    """The attempts of one call, and the decision on the next."""

    def __init__(self, retry: Retry, call: Call, gate: Gate, key: GateKey, on_attempt: OnAttempt | None = None) -> None:
        self._retry = retry
        self._call = call
        self._gate = gate
        self._key = key
        self._on_attempt = on_attempt
        self._waited = 0.0
        self._started = 0.0
        self.attempts: tuple[Attempt, ...] = ()

    def run(self, once: Callable[[], tuple[T, int]]) -> T:
        """Call `once`, which returns a value and a status, until it succeeds or must not be repeated; raises its last error."""
        if not self.attempts:
            self._waited = self._gate.wait(self._key, self._call)
        while True:
            self._started = time.monotonic()
            try:
                value, status = once()
            except ProviderError as error:
                failure = error
            else:
                self._note(status, None)
                return value
            self.fail(failure)
            del failure

    def fail(self, error: ProviderError, *, after_success: bool = False) -> None:
        """Note a failed attempt and wait for the next one; raises the error when there is none.

        `after_success` replaces the last attempt, which had looked like a success (a stream that broke before its first chunk).
        """
        if after_success:
            self.attempts = self.attempts[:-1]
        self._note(error.status, type(error).__name__)
        error.attempts = self.attempts
        wait = self._retry.plan(error, len(self.attempts), self._call.remaining())
        if wait is None:
            raise error
        if isinstance(error, RateLimitError) and error.retry_after is not None:
            self._gate.shut(self._key, wait)
        self._call.sleep(wait)
        self._waited = wait

    def _note(self, status: int | None, error: str | None) -> None:
        attempt = Attempt(len(self.attempts) + 1, status, error, time.monotonic() - self._started, self._waited)
        self.attempts += (attempt,)
        if _log.isEnabledFor(logging.INFO):
            outcome = error or status
            _log.info("%s %s attempt %d: %s in %.3f s", self._key[0], self._key[2], attempt.number, outcome, attempt.seconds)
        if self._on_attempt is not None:
            self._on_attempt(self._key[0], self._key[2], attempt)
