"""The rules that all tests run under hold."""

from __future__ import annotations

import os
import socket

import pytest


@pytest.mark.parametrize("address", [("93.184.215.14", 443), ("10.0.0.1", 80), ("169.254.169.254", 80)], ids=["public", "private", "metadata"])
@pytest.mark.parametrize("method", ["connect", "connect_ex"])
def test_other_machines_cannot_be_reached(method: str, address: tuple[str, int]) -> None:
    """A connection that would leave this machine raises, before a packet is sent."""
    with socket.socket() as sock, pytest.raises(RuntimeError, match="loopback only"):
        getattr(sock, method)(address)


def test_names_of_other_machines_are_not_looked_up() -> None:
    """A name lookup of another host raises."""
    with pytest.raises(RuntimeError, match="loopback only"):
        socket.create_connection(("api.openai.com", 443))


def test_reserved_names_do_not_resolve() -> None:
    """A name that cannot exist fails as it does everywhere."""
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo("api.invalid", 443)


def test_loopback_can_be_reached() -> None:
    """A connection to this machine works, by address and by name."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(("localhost", listener.getsockname()[1])) as sock:
        assert sock.getpeername() == listener.getsockname()


FOREIGN = ("OPENAI_API_KEY", "GROQ_API_BASE", "OPENAI_BASE_URL", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "REQUESTS_CA_BUNDLE", "OLLAMA_HOST", "AWS_REGION")


@pytest.mark.parametrize("name", FOREIGN)
def test_the_environment_is_clean(name: str) -> None:
    """No key, address, proxy or certificate bundle of the outside is seen by a test."""
    assert name not in os.environ
