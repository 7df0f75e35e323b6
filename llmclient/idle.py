"""The connections of one host that are free, and who waits for one."""

from __future__ import annotations

import os
import queue
import threading
from collections import deque
from time import monotonic
from typing import TYPE_CHECKING

from llmclient.deadline import LONGEST_WAIT, Call, Gate

if TYPE_CHECKING:
    from urllib3.connection import HTTPConnection

EXPIRY = 90.0
"""Seconds after which an idle connection is closed: many servers and middleboxes drop one after 100 or 120, in silence."""
PRUNE_EVERY = 30.0

_inherited: list[object] = []
"""What a forked child has from its parent: kept for ever, since even dropping it would close things."""


class Forks:
    """How many forks lie between the process that first loaded this and the present one."""

    count = 0
    lock = threading.Lock()

    @classmethod
    def enter_child(cls) -> None:
        """Note that this is a new process; called by Python in a forked child."""
        cls.count += 1
        cls.lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=Forks.enter_child)


def keep_for_ever(*things: object) -> None:
    """Keep what a forked child has from its parent, untouched: closing it would cut off the parent's connections."""
    _inherited.append(things)


class _Ticket(Gate):
    """A place in the line for a free connection."""

    def __init__(self) -> None:
        super().__init__()
        self.connection: HTTPConnection | None = None
        self.served = False


class IdleConnections:
    """A bounded stack of free connections that urllib3's pools take for their LifoQueue.

    It differs in what a busy process needs: waiters are served in the order in which they came, whoever waits can be
    cancelled, connections that were idle for too long are closed wherever in the stack they are, a slot without a
    connection never hides a live one, finalizers may call it while it is being called (the lock is re-entrant), and in
    a forked child it starts afresh.
    """

    def __init__(self, maxsize: int) -> None:
        self.maxsize = maxsize
        self._slots = 0
        self._start()

    def _start(self) -> None:
        self._lock = threading.RLock()
        self._idle: list[tuple[HTTPConnection, float]] = []
        self._waiters: deque[_Ticket] = deque()
        self._pruned = monotonic()
        self._pid = os.getpid()

    def _enter_child(self) -> None:
        with Forks.lock:
            if self._pid != os.getpid():
                keep_for_ever(self._lock, self._idle, self._waiters)
                self._slots = self.maxsize
                self._start()

    def qsize(self) -> int:
        """Return how many connections could be had at once."""
        return self._slots + len(self._idle)

    def get(self, block: bool = True, timeout: float | None = None, call: Call | None = None) -> HTTPConnection | None:
        """Take the connection that was used last, or None for the right to open one; raises queue.Empty after `timeout` seconds."""
        if self._pid != os.getpid():
            self._enter_child()
        with self._lock:
            if self._idle:
                return self._pop()
            if self._slots:
                self._slots -= 1
                return None
            if not block:
                raise queue.Empty
            ticket = _Ticket()
            self._waiters.append(ticket)
            # A finalizer may have put something back between the look and the append.
            self._serve()
        return self._await(ticket, LONGEST_WAIT if timeout is None else timeout, call)

    def put(self, connection: HTTPConnection | None, block: bool = True) -> None:
        """Give a connection back, or None for one that is gone; raises queue.Full when more come back than were taken."""
        if self._pid != os.getpid():
            self._enter_child()
            return
        now = monotonic()
        with self._lock:
            if self._slots + len(self._idle) >= self.maxsize:
                raise queue.Full
            if connection is None:
                self._slots += 1
            else:
                self._idle.append((connection, now))
            self._serve()
            expired = self._prune(now) if now - self._pruned > PRUNE_EVERY else ()
        for each in expired:
            each.close()

    def clear(self) -> None:
        """Close every idle connection; those in use are not touched."""
        with self._lock:
            idle, self._idle = self._idle, []
            self._slots += len(idle)
        for connection, _ in idle:
            connection.close()

    def _pop(self) -> HTTPConnection | None:
        connection, since = self._idle.pop()
        if monotonic() - since <= EXPIRY:
            return connection
        # What lies below is older still.
        connection.close()
        self.clear()
        return None

    def _prune(self, now: float) -> list[HTTPConnection]:
        self._pruned = now
        fresh = [each for each in self._idle if now - each[1] <= EXPIRY]
        expired = [connection for connection, since in self._idle if now - since > EXPIRY]
        self._idle = fresh
        self._slots += len(expired)
        return expired

    def _serve(self) -> None:
        while self._waiters and (self._idle or self._slots):
            ticket = self._waiters.popleft()
            if self._idle:
                ticket.connection = self._pop()
            else:
                self._slots -= 1
            ticket.served = True
            ticket.set()

    def _await(self, ticket: _Ticket, seconds: float, call: Call | None) -> HTTPConnection | None:
        try:
            if call is None:
                ticket.wait(seconds)
            else:
                call.wait(ticket, seconds)
        except BaseException:
            self._leave(ticket)
            if ticket.served:
                self.put(ticket.connection)
            raise
        self._leave(ticket)
        if not ticket.served:
            raise queue.Empty
        return ticket.connection

    def _leave(self, ticket: _Ticket) -> None:
        with self._lock:
            if not ticket.served:
                self._waiters.remove(ticket)
