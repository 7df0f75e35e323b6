"""The stack of free connections: who gets which, who waits, what is too old."""

from __future__ import annotations

import os
import queue
import time
from typing import Any, cast

import pytest

from llmclient import idle as module
from llmclient.deadline import Call, Gate, Timeout
from llmclient.idle import IdleConnections
from tests.sending import Running, eventually, new_call


class Connection:
    """A connection that only knows whether it is closed."""

    def __init__(self) -> None:
        self.closed = 0

    def close(self) -> None:
        self.closed += 1


def filled(size: int) -> IdleConnections:
    """Return a stack with so many slots and no connection, as urllib3 makes it."""
    stack = IdleConnections(size)
    for _ in range(size):
        stack.put(None)
    return stack


def connection() -> Any:
    """Return a new connection, for a parameter typed as urllib3's."""
    return cast("Any", Connection())


def test_the_connection_used_last_comes_first() -> None:
    """Warm connections are used again, cold ones get old and go."""
    stack, one, two = filled(3), connection(), connection()
    assert [None, None] == [stack.get(), stack.get()]
    stack.put(one)
    stack.put(two)
    assert [two, one, None] == [stack.get(), stack.get(), stack.get()]


def test_an_empty_slot_never_hides_a_live_connection() -> None:
    """A slot that came back without a connection is used only when there is none."""
    stack, live = filled(2), connection()
    stack.get()
    stack.get()
    stack.put(live)
    stack.put(None)
    assert live is stack.get()


def test_qsize_counts_what_could_be_had() -> None:
    """Slots and idle connections alike."""
    stack = filled(2)
    stack.get()
    assert 1 == stack.qsize()
    stack.put(connection())
    assert 2 == stack.qsize()


def test_more_than_was_taken_is_refused() -> None:
    """urllib3 closes what does not fit."""
    with pytest.raises(queue.Full):
        filled(1).put(None)


def test_nothing_free_is_told_at_once_when_not_blocking() -> None:
    """`block=False` does not wait."""
    stack = filled(1)
    stack.get()
    with pytest.raises(queue.Empty):
        stack.get(block=False)


def test_waiting_ends_after_the_timeout() -> None:
    """The place in the line is given up, and does not swallow a later connection."""
    stack, live = filled(1), connection()
    stack.get()
    with pytest.raises(queue.Empty):
        stack.get(timeout=0.02)
    stack.put(live)
    assert live is stack.get(block=False)


def test_who_waits_is_served_in_order() -> None:
    """The first in the line gets the first that is free, and nobody jumps it."""
    stack, order = filled(1), []
    stack.get()
    waiting = []
    for number in range(3):
        waiting.append(Running(lambda number=number: (stack.get(timeout=5), order.append(number), stack.put(None))))  # type: ignore[misc]
        assert eventually(lambda number=number: len(stack._waiters) == number + 1)  # type: ignore[misc]
    stack.put(None)
    assert [None] * 3 == [each.join() for each in waiting]
    assert [0, 1, 2] == order


def test_a_waiter_gets_the_connection_itself() -> None:
    """What is handed over is the connection that came back."""
    stack, live = filled(1), connection()
    stack.get()
    waiting = Running(lambda: stack.get(timeout=5))
    assert eventually(lambda: stack._waiters)
    stack.put(live)
    assert live is waiting.value()


def test_a_waiting_call_can_be_cancelled() -> None:
    """`cancel` wakes whoever waits for a connection."""
    stack, call = filled(1), new_call()
    stack.get()
    waiting = Running(lambda: stack.get(timeout=5, call=call))
    assert eventually(lambda: stack._waiters)
    call.cancel()
    assert isinstance(waiting.join(), queue.Empty)
    assert not stack._waiters


def test_an_interrupted_waiter_loses_nothing() -> None:
    """A Ctrl-C while waiting gives back what was handed over in the same moment."""
    stack, live = filled(1), connection()
    stack.get()

    class Interrupted(Call):
        def wait(self, gate: Gate, seconds: float) -> bool:
            stack.put(live)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stack.get(call=Interrupted(Timeout(), provider="groq"))
    assert live is stack.get(block=False)


def test_a_connection_idle_for_over_90_seconds_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Taking finds it too old, closes it and all below, and gives the right to open a new one."""
    now = [0.0]
    monkeypatch.setattr(module, "monotonic", lambda: now[0])
    stack, old, older = filled(3), connection(), connection()
    stack.get()
    stack.get()
    stack.put(older)
    stack.put(old)
    now[0] = 90.0
    assert old is stack.get()
    stack.put(old)
    now[0] = 181.0
    assert stack.get() is None
    assert (1, 1) == (old.closed, older.closed)
    assert 2 == stack.qsize()


def test_the_bottom_of_the_stack_is_pruned(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that is never popped, since newer ones lie above it, is closed by a later put."""
    now = [0.0]
    monkeypatch.setattr(module, "monotonic", lambda: now[0])
    stack, bottom, top = filled(2), connection(), connection()
    stack.get()
    stack.get()
    stack.put(bottom)
    stack.put(top)
    for now[0] in (60.0, 120.0):
        stack.put(stack.get())
    assert (1, 0) == (bottom.closed, top.closed)
    assert [top, None] == [stack.get(), stack.get()]


def test_clear_closes_the_idle_ones_and_keeps_their_slots() -> None:
    """After clearing, as many connections as before may be opened."""
    stack, one = filled(1), connection()
    stack.get()
    stack.put(one)
    stack.clear()
    assert (1, None) == (one.closed, stack.get(block=False))


def test_a_finalizer_may_put_while_the_stack_is_busy() -> None:
    """The collector can run anywhere, also inside the stack: its lock lets the same thread in again."""
    stack = filled(2)
    stack.get()
    stack.get()
    with stack._lock:
        stack.put(None)
    assert 1 == stack.qsize()


def test_a_put_between_look_and_wait_is_not_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    """If a finalizer puts something back in the moment in which the line is joined, it is served at once."""
    stack = filled(1)
    stack.get()

    class Ticket(module._Ticket):
        def __init__(self) -> None:
            super().__init__()
            stack.put(None)

    monkeypatch.setattr(module, "_Ticket", Ticket)
    started = time.monotonic()
    assert stack.get(timeout=5) is None
    assert time.monotonic() - started < 1


def test_a_forked_child_starts_with_all_slots_and_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the parent had is kept, unclosed and unused; a lock that was held then is not taken."""
    stack, parents = filled(2), connection()
    stack.get()
    stack.put(parents)
    held = Running(lambda lock=stack._lock: lock.acquire())  # type: ignore[misc]
    held.join()
    monkeypatch.setattr(module.os, "getpid", lambda: -1)
    assert [None, None] == [stack.get(block=False), stack.get(block=False)]
    with pytest.raises(queue.Empty):
        stack.get(block=False)
    assert 0 == parents.closed
    lists = [cast("Any", things)[1] for things in module._inherited if isinstance(things, tuple) and len(things) > 1]
    assert any(parents is entry[0] for entries in lists if isinstance(entries, list) for entry in entries)


def test_a_connection_from_before_the_fork_does_not_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Putting back what the parent had taken changes nothing in the child."""
    stack = filled(1)
    stack.get()
    monkeypatch.setattr(module.os, "getpid", lambda: -1)
    stack.put(connection())
    assert (None, 0) == (stack.get(block=False), stack.qsize())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_forks_are_counted() -> None:
    """A child can tell that what it holds was made before the fork."""
    before = module.Forks.count
    module.Forks.enter_child()
    assert before + 1 == module.Forks.count
    module.Forks.count = before
