"""Each fault in each dialect, as a plain call and as a stream: the exact class, the attempts, the time, and the pool afterwards."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import llmclient.dialects
from llmclient.dialects.base import ChatDialect
from tests.faults import catalogue, statuses
from tests.faults.play import Fault, play_all
from tests.faults.wires import WIRES

FAULTS = (*catalogue.FAULTS, *statuses.FAULTS)
NOT_CHAT_OF_ITS_OWN = frozenset({"azure"})
"""Packages whose chats write what another row writes."""


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name.replace(" ", "-"))
def test_a_fault_ends_as_the_table_says(fault: Fault) -> None:
    """In every dialect and mode; the next call on the same pool gets its own answer, and no connection is left open."""
    assert [] == play_all(fault, WIRES)


def test_the_matrix_is_as_large_as_promised() -> None:
    """At least 40 faults, each under a name of its own, and each played somewhere."""
    names = [fault.name for fault in FAULTS]
    assert len(names) == len(set(names)) >= 40
    assert [] == [fault.name for fault in FAULTS if not any(fault.only(wire, mode) for wire in WIRES for mode in ("chat", "stream"))]


def test_every_dialect_of_chat_is_in_the_matrix() -> None:
    """A new dialect is a new row in `wires.py`."""
    packages = {each.name for each in pkgutil.iter_modules(llmclient.dialects.__path__) if each.ispkg}
    chats = {name for name in packages if _has_chat(importlib.import_module(f"llmclient.dialects.{name}"))}
    assert chats - NOT_CHAT_OF_ITS_OWN == {wire.dialect.split(":")[0].rpartition(".")[2] for wire in WIRES}


def _has_chat(module: object) -> bool:
    names = getattr(module, "__all__", ())
    return any(isinstance(each, type) and issubclass(each, ChatDialect) for name in names if (each := getattr(module, name)) is not None)
