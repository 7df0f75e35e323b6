"""The limits of a call: what may be set, what passes when, and what wakes whom."""

from __future__ import annotations

import math
import pickle
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import urllib3.util

from llmclient import deadline
from llmclient.deadline import LONGEST_WAIT, Call, Gate, Timeout
from llmclient.errors import CancelledError, ConfigurationError, PoolTimeoutError, RequestTimeoutError

UNBOUNDED = Timeout(connect=None, pool=None, read=None, first_event=None, idle=None, total=None)


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    """Put a clock of the test's own into the module."""
    fake = Clock()
    monkeypatch.setattr(deadline, "monotonic", fake)
    return fake


def call(timeout: Timeout | float | None = None, **limits: float | None) -> Call:
    """Return a call under these limits, and no others."""
    if limits:
        timeout = Timeout(**(dict.fromkeys(("connect", "pool", "read", "first_event", "idle", "total")) | limits))
    return Call(Timeout.of(timeout), provider="groq", model="m")


def test_the_defaults_are_those_of_the_design() -> None:
    """Connect 5, pool 10, idle 120, total 300; read and first_event have no limit of their own."""
    timeout = Timeout()
    assert (5.0, 10.0, None, None, 120.0, 300.0) == (timeout.connect, timeout.pool, timeout.read, timeout.first_event, timeout.idle, timeout.total)


@pytest.mark.parametrize("value", [-1, 0, -0.0, math.nan, math.inf, True, "5", 10**400, (1, 2)], ids=repr)
@pytest.mark.parametrize("field", ["connect", "pool", "read", "first_event", "idle", "total"])
def test_a_limit_that_is_no_positive_number_is_refused_by_name(field: str, value: object) -> None:
    """The error names the field, says what is allowed, and shows what was given."""
    with pytest.raises(ConfigurationError) as caught:
        Timeout(**{field: value})  # type: ignore[arg-type]
    assert f"timeout.{field} must be a positive number of seconds or None, got {value!r}" == caught.value.message
    assert "llmclient" == caught.value.provider


def test_a_timeout_is_a_value() -> None:
    """Equal ones are equal, hash alike, pickle, show themselves, and cannot be changed."""
    one, other = Timeout(read=2), Timeout(read=2.0)
    assert one == other
    assert hash(one) == hash(other)
    assert one == pickle.loads(pickle.dumps(one))
    assert "Timeout(connect=5.0, pool=10.0, read=2, first_event=None, idle=120.0, total=300.0)" == repr(one)
    with pytest.raises(AttributeError):
        one.read = 3  # type: ignore[misc]


def test_of_takes_a_number_as_the_total() -> None:
    """A number bounds the whole call; the other limits keep their defaults."""
    assert Timeout(total=7) == Timeout.of(7)


def test_of_gives_the_defaults_for_none_and_a_timeout_for_itself() -> None:
    """None is the default, a Timeout is returned as it is."""
    given = Timeout(total=1)
    assert Timeout() == Timeout.of(None)
    assert given is Timeout.of(given)


@pytest.mark.parametrize("value", [True, "5", (1, 2), object], ids=repr)
def test_of_refuses_anything_else(value: object) -> None:
    """A bool, a str or requests' tuple is an error, not a guess."""
    with pytest.raises(ConfigurationError, match="must be a Timeout, a number of seconds or None"):
        Timeout.of(value)  # type: ignore[arg-type]


def test_of_refuses_a_number_that_is_not_positive() -> None:
    """The total is checked like any field."""
    with pytest.raises(ConfigurationError, match="timeout.total must be"):
        Timeout.of(-3)


def test_remaining_counts_from_the_start_of_the_call(clock: Clock) -> None:
    """The total runs from the moment at which the call is made, and goes below zero."""
    running = call(total=10)
    clock.now += 4
    assert 6.0 == running.remaining()
    clock.now += 8
    assert -2.0 == running.remaining()


def test_remaining_is_infinite_without_a_total() -> None:
    """No total, no end."""
    assert math.inf == call(UNBOUNDED).remaining()


def test_check_is_silent_while_there_is_time() -> None:
    """Nothing happens to a call that is neither cancelled nor late."""
    call(total=10).check()


def test_check_raises_when_the_total_is_used_up(clock: Clock) -> None:
    """The error says which limit, how long it was, and carries the model."""
    running = call(total=10)
    clock.now += 10
    with pytest.raises(RequestTimeoutError) as caught:
        running.check()
    assert ("total", "groq", "m", True) == (caught.value.limit, caught.value.provider, caught.value.model, caught.value.retryable)
    assert "not finished after 10 s (total)" == caught.value.message


def test_check_raises_when_cancelled_even_if_late(clock: Clock) -> None:
    """Who cancels does not want to hear of timeouts."""
    running = call(total=10)
    clock.now += 10
    running.cancel()
    with pytest.raises(CancelledError):
        running.check()


def test_a_limit_error_keeps_its_name_through_pickling() -> None:
    """`limit` survives, so that a worker process can report it."""
    error = pickle.loads(pickle.dumps(call(idle=120).timeout_error("idle")))
    assert ("idle", "no event for 120 s (idle)") == (error.limit, error.message)


def test_only_a_pool_timeout_has_a_class_of_its_own() -> None:
    """PoolTimeoutError for the pool, RequestTimeoutError for the rest."""
    assert PoolTimeoutError is type(call(pool=1).timeout_error("pool"))
    assert RequestTimeoutError is type(call(read=1).timeout_error("read"))


def test_left_is_the_nearest_limit(clock: Clock) -> None:
    """Whichever comes first bounds the next wait."""
    running = call(total=10, idle=3, first_event=5, connect=2)
    assert 10.0 == running.left()
    running.expect_first_event()
    assert 5.0 == running.left()
    running.expect_event()
    assert 3.0 == running.left()
    running.begin_connect()
    assert 2.0 == running.left()
    running.end_connect()
    assert 3.0 == running.left()
    running.hold()
    assert 10.0 == running.left()


def test_left_without_limits_is_the_longest_wait() -> None:
    """Sockets take no infinity; a wait that long is simply repeated."""
    assert LONGEST_WAIT == call(UNBOUNDED).left()
    assert LONGEST_WAIT == call(total=1e250).left()


@pytest.mark.parametrize(
    ("limits", "seconds", "limit"),
    [
        ({"total": 5.0, "first_event": 5.0}, 5, "total"),
        ({"first_event": 5.0, "read": 5.0}, 5, "first_event"),
        ({"first_event": 5.0, "total": 9.0}, 6, "first_event"),
        ({"read": 2.0, "total": 9.0}, 3, "read"),
    ],
    ids=["total first", "then the event", "only what has passed", "read last"],
)
def test_the_limit_that_is_named_follows_the_precedence(clock: Clock, limits: dict[str, float], seconds: float, limit: str) -> None:
    """Of the limits that have passed, the first of total, first_event, idle, read is the one told."""
    running = call(**limits)
    running.expect_first_event()
    quiet_at = running.quiet_limit()
    clock.now += seconds
    with pytest.raises(TimeoutError):
        running.left(quiet_at)
    verdict = running.verdict()
    assert isinstance(verdict, RequestTimeoutError)
    assert limit == verdict.limit


def test_idle_is_told_once_an_event_has_come(clock: Clock) -> None:
    """After the first event the same silence has another name."""
    running = call(first_event=1, idle=2)
    running.expect_first_event()
    running.expect_event()
    clock.now += 2
    with pytest.raises(TimeoutError):
        running.left()
    assert "idle" == running.tripped


def test_an_event_limit_of_none_leaves_only_the_total(clock: Clock) -> None:
    """first_event=None does not fall back to idle."""
    running = call(idle=1, total=10)
    running.expect_first_event()
    clock.now += 5
    assert 5.0 == running.left()


def test_read_does_not_count_while_connecting() -> None:
    """A handshake is bounded by connect."""
    running = call(read=1, connect=5)
    running.begin_connect()
    assert math.inf == running.quiet_limit()


def test_a_new_attempt_forgets_the_last_one(clock: Clock) -> None:
    """What tripped, what came and where it came from start afresh, and the first event is awaited anew."""
    running = call(first_event=5, total=20)
    running.expect_first_event()
    running.received, running.reused = 10, True
    clock.now += 6
    with pytest.raises(TimeoutError):
        running.left()
    running.begin_attempt()
    assert (None, 0, False, 5.0) == (running.tripped, running.received, running.reused, running.left())


def test_a_new_attempt_is_refused_when_the_call_is_over(clock: Clock) -> None:
    """No attempt begins past the total."""
    running = call(total=1)
    clock.now += 2
    with pytest.raises(RequestTimeoutError):
        running.begin_attempt()


def test_a_plain_call_gets_no_event_limit_from_a_new_attempt() -> None:
    """Only a call that awaited events awaits them again."""
    running = call(first_event=5)
    running.begin_attempt()
    assert LONGEST_WAIT == running.left()


def test_draining_has_its_own_limit_and_no_verdict(clock: Clock) -> None:
    """What comes too late while draining ends the wait, but is nobody's error."""
    running = call(idle=1, total=10)
    running.expect_event()
    running.begin_drain(0.05)
    clock.now += 0.06
    with pytest.raises(TimeoutError):
        running.left()
    assert running.verdict() is None


def test_sleep_sleeps() -> None:
    """A short sleep takes its time."""
    started = time.monotonic()
    call(total=10).sleep(0.03)
    assert time.monotonic() - started >= 0.03


def test_sleep_never_goes_past_the_total() -> None:
    """It ends with the total, and says so."""
    running = call(total=0.05)
    started = time.monotonic()
    with pytest.raises(RequestTimeoutError) as caught:
        running.sleep(60)
    assert time.monotonic() - started < 1
    assert "total" == caught.value.limit


def test_sleep_wakes_when_cancelled() -> None:
    """Another thread ends the sleep at once."""
    running = call(total=60)
    threading.Timer(0.05, running.cancel).start()
    started = time.monotonic()
    with pytest.raises(CancelledError):
        running.sleep(30)
    assert time.monotonic() - started < 1


def test_sleep_of_nothing_only_checks() -> None:
    """Zero and less do not wait."""
    call(total=60).sleep(0)
    call(total=60).sleep(-1)


def test_a_gate_may_be_opened_by_the_thread_that_waits_and_more_than_once() -> None:
    """A finalizer that runs in the middle of a wait must not block itself, as it would with threading.Event."""
    gate = Gate()
    assert not gate.wait(0)
    assert not gate.wait(-1)
    gate.set()
    gate.set()
    assert gate.wait(0)


def test_wait_returns_at_once_when_cancelled_before() -> None:
    """A wait that begins too late does not begin."""
    running = call(total=60)
    running.cancel()
    assert running.wait(Gate(), 30)


def test_cancel_shuts_the_attached_socket_down() -> None:
    """Whoever reads from it sees the end."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        running = call(total=60)
        running.attach(ours)
        running.cancel()
        assert b"" == ours.recv(1)
        assert ours.fileno() >= 0


def test_cancel_leaves_a_detached_socket_alone() -> None:
    """A connection that has gone back to the pool is somebody else's."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        running = call(total=60)
        running.attach(ours)
        running.detach()
        running.cancel()
        theirs.sendall(b"x")
        assert b"x" == ours.recv(1)


def test_an_owned_socket_is_closed_when_it_is_no_longer_needed() -> None:
    """A duplicate that was made for cancelling only does not outlive its use."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        running = call(total=60)
        for let_go in (running.detach, lambda: running.attach(ours)):
            copy = theirs.dup()
            running.attach(copy, owned=True)
            let_go()
            assert -1 == copy.fileno()
        running.detach()
        assert ours.fileno() >= 0


def test_cancel_does_not_mind_a_closed_socket() -> None:
    """A socket that is gone already is no error."""
    ours, theirs = socket.socketpair()
    running = call(total=60)
    running.attach(ours)
    ours.close()
    theirs.close()
    running.cancel()
    assert running.cancelled


def test_attach_raises_once_cancelled() -> None:
    """No attempt gets a connection after cancelling."""
    running = call(total=60)
    running.cancel()
    with pytest.raises(ConnectionAbortedError):
        running.attach(None)
    assert isinstance(running.verdict(), CancelledError)


def test_pool_seconds_are_the_smaller_of_pool_and_total(clock: Clock) -> None:
    """Waiting for a connection is part of the call."""
    assert 2.0 == call(pool=2, total=10).pool_seconds()
    assert 1.0 == call(pool=2, total=1).pool_seconds()
    assert 7.0 == call(total=7).pool_seconds()
    assert call(UNBOUNDED).pool_seconds() is None


def test_a_call_is_a_timeout_for_pools_that_know_no_calls(clock: Clock) -> None:
    """urllib3 clones it, starts it, and reads how long to connect and to wait."""
    running = call(connect=2, read=4, first_event=3, total=10)
    assert isinstance(running, urllib3.util.Timeout)
    assert running is running.clone()
    assert 1000.0 == running.start_connect()
    assert (2, 4) == (running.connect_timeout, running.read_timeout)
    running.expect_first_event()
    clock.now += 2
    assert 1.0 == running.read_timeout
    clock.now += 9
    assert (0.001, 0.001) == (running.connect_timeout, running.read_timeout)
    assert (None, None) == (call(UNBOUNDED).connect_timeout, call(UNBOUNDED).read_timeout)


def test_a_call_shows_its_limits() -> None:
    """The repr says what it is, and str the same."""
    running = call(7)
    assert f"Call({running.timeout!r}, provider='groq', model='m')" == repr(running) == str(running)


def test_the_limits_of_an_error_name_have_a_default() -> None:
    """A timeout that the provider reports names no limit."""
    assert RequestTimeoutError("groq", "slow").limit is None
