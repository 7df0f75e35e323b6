"""Credentials that expire. Threads that need new ones wait for the one that fetches them; a forked child does not wait for its parent's."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import TypeAlias

from llmclient.auth import Prepared

Fetch: TypeAlias = Callable[[], tuple[str, float]]
"""Returns a token and when it is to be replaced, some time before it expires, in seconds since 1970."""


class Renewing:
    """A lock around what is renewed, for the process that it is used in."""

    __slots__ = ("_lock", "_pid")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pid = os.getpid()

    def _own_lock(self) -> threading.Lock:
        """Return the lock of this process: the parent's may have been held, by a thread that is not here."""
        if self._pid != os.getpid():
            self._lock, self._pid = threading.Lock(), os.getpid()
            self._enter_child()
        return self._lock

    def _enter_child(self) -> None:
        """Forget, in a forked child, what must not be shared with the parent: nothing, unless a subclass knows of something."""


class RenewedToken(Renewing):
    """Puts `Authorization: Bearer <token>` on requests, and fetches another token when it is time."""

    __slots__ = ("_ends", "_fetch", "_value")

    def __init__(self, fetch: Fetch) -> None:
        super().__init__()
        self._fetch = fetch
        self._value = ""
        self._ends = 0.0

    def __call__(self, request: Prepared) -> Prepared:
        """Sign the request, with a new token where the old one is about to expire; raises what fetching one raises."""
        if time.time() >= self._ends:
            self._renew()
        request.headers["Authorization"] = f"Bearer {self._value}"
        return request

    def __repr__(self) -> str:
        return "<Authorization: Bearer ***>"

    def _renew(self) -> None:
        with self._own_lock():
            # Another thread may have been quicker.
            if time.time() >= self._ends:
                self._value, self._ends = self._fetch()
