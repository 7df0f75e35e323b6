"""Tokens that expire: fetched once for all threads, again before they end, and anew in a forked child."""

from __future__ import annotations

import os
import threading
import time
from typing import Any

import pytest
import requests

from llmclient.errors import NetworkError
from llmclient.renewal import RenewedToken, Renewing


class Service:
    """Gives out token-1, token-2 and so on."""

    def __init__(self, lasting: float) -> None:
        self.lasting = lasting
        self.asked = 0

    def __call__(self) -> tuple[str, float]:
        """Return the next token."""
        self.asked += 1
        return f"token-{self.asked}", time.time() + self.lasting


def signed(signer: RenewedToken) -> str:
    """Return the header that a request gets."""
    request: Any = requests.Request("GET", "http://127.0.0.1:1/").prepare()
    assert signer(request) is request
    return str(request.headers["Authorization"])


def test_nothing_is_fetched_before_the_first_request() -> None:
    """Nor more than once while it lasts."""
    service = Service(60)
    signer = RenewedToken(service)
    assert 0 == service.asked
    assert ["Bearer token-1"] * 2 == [signed(signer), signed(signer)]


def test_a_token_whose_time_is_over_is_replaced() -> None:
    """At the next request."""
    signer = RenewedToken(Service(-1))
    assert ["Bearer token-1", "Bearer token-2"] == [signed(signer), signed(signer)]


def test_a_failure_leaves_nothing_behind() -> None:
    """The next request asks again."""
    answers: list[NetworkError | tuple[str, float]] = [NetworkError("p", "down"), ("fine", time.time() + 60)]

    def fetch() -> tuple[str, float]:
        answer = answers.pop(0)
        if isinstance(answer, NetworkError):
            raise answer
        return answer

    signer = RenewedToken(fetch)
    with pytest.raises(NetworkError, match="down"):
        signed(signer)
    assert "Bearer fine" == signed(signer)


def test_threads_that_come_meanwhile_wait_for_the_one_that_fetches() -> None:
    """They all sign with what it got."""
    entered, go, service = threading.Event(), threading.Event(), Service(60)

    def fetch() -> tuple[str, float]:
        entered.set()
        assert go.wait(5)
        return service()

    signer = RenewedToken(fetch)
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(signed(signer))) for _ in range(8)]
    for thread in threads:
        thread.start()
    assert entered.wait(5)
    go.set()
    for thread in threads:
        thread.join(5)
    assert (["Bearer token-1"] * 8, 1) == (found, service.asked)


def test_a_child_takes_a_lock_of_its_own_and_forgets_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The parent's may be held for ever, by a thread that does not exist."""
    entered: list[int] = []

    class Counted(Renewing):
        def _enter_child(self) -> None:
            entered.append(os.getpid())

    renewing = Counted()
    parents = renewing._own_lock()
    assert parents is renewing._own_lock()
    with parents:
        monkeypatch.setattr(os, "getpid", lambda: -1)
        assert renewing._own_lock().acquire(blocking=False)
    assert renewing._own_lock() is not parents
    assert [-1] == entered


def test_the_token_is_not_shown() -> None:
    """Not in what a debugger prints."""
    signer = RenewedToken(Service(60))
    signed(signer)
    assert "<Authorization: Bearer ***>" == repr(signer)
