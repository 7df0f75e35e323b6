"""Modules that are loaded when they are first used, one at a time.

Adapters share packages of dialects, whose modules import each other. Where two threads come into one of these from different
ends, Python sees a deadlock and hands one of them a module that is not finished.
"""

from __future__ import annotations

import os
import threading
from importlib import import_module
from typing import Any


class Loading:
    """The lock of this process under which modules are loaded."""

    lock = threading.RLock()

    @classmethod
    def enter_child(cls) -> None:
        """In a forked child: the lock may have been held by a thread that is not there any more."""
        cls.lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=Loading.enter_child)


def load(place: str) -> Any:
    """Return what stands at `module:name`; raises what importing the module raises."""
    module, _, name = place.partition(":")
    with Loading.lock:
        return getattr(import_module(module), name)
