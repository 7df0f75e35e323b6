"""Number 74, on a real socket: what requests does by itself, and we do not."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Callable

import pytest
import requests

from llmclient import Client, ProviderError, Retry
from tests.wireserver import WireServer, http_response

KEY = "Bearer key-1"
NETRC = "Basic " + base64.b64encode(b"me:secret").decode()
ANSWER = b'{"choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}]}'
Call = Callable[[str], None]


def ours(url: str) -> None:
    """Ask twice by this library."""
    with Client(retry=Retry(max_attempts=1), providers={"local": {"adapter": "openai_compatible", "api_base": url, "api_key": "key-1"}}) as client:
        for _ in range(2):
            with contextlib.suppress(ProviderError):
                client.chat("local/m", "hi")


def plain(url: str) -> None:
    """Ask twice as one would with requests."""
    with requests.Session() as session:
        for _ in range(2):
            session.post(url + "/chat/completions", json={}, headers={"Authorization": KEY}, timeout=5)


def as_written(asks: Call) -> bool:
    """Return whether a call does what the quirk needs: ours does, and the plain one proves that the test would notice."""
    return asks is ours


@pytest.fixture(autouse=True)
def netrc(tmp_path, monkeypatch) -> None:
    """A password for this machine, where requests looks for one."""
    file = tmp_path / "netrc"
    file.write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(file))


BOTH = pytest.mark.parametrize("asks", [ours, plain])


@BOTH
def test_74_netrc_replaces_no_key(asks: Call) -> None:
    """The key that was given is the one that is sent; requests sends the password of .netrc instead."""
    with WireServer(http_response(200, {"Content-Type": "application/json"}, ANSWER)) as server:
        asks(server.url)
    assert {request.headers.get("authorization") for request in server.requests} == {KEY if as_written(asks) else NETRC}


@BOTH
def test_74_a_redirect_takes_the_key_nowhere(asks: Call) -> None:
    """Another host never sees the request; requests sends it there."""
    with WireServer(http_response(200, {"Content-Type": "application/json"}, ANSWER)) as other:
        with WireServer(http_response(307, {"Location": other.url + "/chat/completions"}, b"")) as server:
            asks(server.url)
        assert bool(other.requests) is not as_written(asks)


@BOTH
def test_74_cookies_are_not_kept(asks: Call) -> None:
    """What a provider sets is not sent with the next call; requests sends it."""
    with WireServer(http_response(200, {"Content-Type": "application/json", "Set-Cookie": "a=b; Path=/"}, ANSWER)) as server:
        asks(server.url)
    assert [bool(request.headers.get("cookie")) for request in server.requests] == [False, not as_written(asks)]
