"""What every test runs under: no network but loopback, no settings of the person who runs it, repeatable examples."""

from __future__ import annotations

import ipaddress
import os
import pathlib
import re
import socket
from collections.abc import Callable, Iterator
from typing import Any

import hypothesis
import pytest

ROOT = pathlib.Path(__file__).parent.parent
OUTER_ENVIRON = dict(os.environ)
FOREIGN = re.compile(
    r".*(_API_KEY|_API_BASE|_BASE_URL|_API_TOKEN|_ENDPOINT|_SECRET_ACCESS_KEY|_ACCESS_KEY_ID|_SESSION_TOKEN)$"
    r"|(https?|all|no)_proxy|(REQUESTS|CURL|AWS)_CA_BUNDLE|NETRC|OLLAMA_HOST|HF_TOKEN|GITHUB_TOKEN|GOOGLE_APPLICATION_CREDENTIALS"
    r"|(AWS|AZURE|GOOGLE_CLOUD|VERTEX|OPENAI|ANTHROPIC|GEMINI|LLMCLIENT)_.*",
    re.IGNORECASE,
)
KEPT = frozenset({"LLMCLIENT_SHARED", "LLMCLIENT_HYPOTHESIS"})

hypothesis.settings.register_profile("usual", deadline=None, derandomize=True, database=None, max_examples=60, print_blob=True)
hypothesis.settings.register_profile("thorough", hypothesis.settings.get_profile("usual"), derandomize=False, max_examples=2000)
hypothesis.settings.load_profile(os.environ.get("LLMCLIENT_HYPOTHESIS", "usual"))


class OutsideNetworkError(RuntimeError):
    """A test tried to reach another machine."""


def is_loopback(host: str) -> bool:
    """Return whether a host's name or address is this machine's own."""
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host in ("", "localhost") or host.endswith(".localhost")


def guard_connect(real: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap `connect` or `connect_ex` of a socket."""

    def connect(self: socket.socket, address: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not is_loopback(address[0]):
            raise OutsideNetworkError(f"a test connected to {address[0]}:{address[1]}; tests talk to loopback only")
        return real(self, address)

    return connect


def guard_lookup(real: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap `getaddrinfo`: other hosts' names are not even looked up; the reserved ones fail as they would anywhere."""

    def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name is None or is_loopback(name) or is_address(name):
            return real(host, *args, **kwargs)
        if name.rstrip(".").endswith((".invalid", ".test", ".example")):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        raise OutsideNetworkError(f"a test looked up {name}; tests talk to loopback only")

    return getaddrinfo


def is_address(name: str) -> bool:
    """Return whether a name is an address already, so that no server is asked for it."""
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return True


@pytest.fixture(autouse=True, scope="session")
def loopback_only() -> Iterator[None]:
    """Refuse every connection and name lookup that leaves this machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guard_connect(socket.socket.connect))
        patch.setattr(socket.socket, "connect_ex", guard_connect(socket.socket.connect_ex))
        patch.setattr(socket, "getaddrinfo", guard_lookup(socket.getaddrinfo))
        yield


@pytest.fixture(autouse=True)
def clean_environ(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide keys, addresses, proxies and certificate bundles of the person who runs the tests."""
    for name in list(os.environ):
        if FOREIGN.fullmatch(name) and name not in KEPT:
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def root() -> pathlib.Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def outer_environ() -> dict[str, str]:
    """The environment as it was before the tests; for what installs packages."""
    return dict(OUTER_ENVIRON)


@pytest.fixture(scope="session")
def shared_folder() -> pathlib.Path:
    """The folder of recorded exchanges and facts that lies next to the checkout on some machines."""
    folder = pathlib.Path(os.environ.get("LLMCLIENT_SHARED") or ROOT.parent / "shared")
    if not folder.is_dir():
        pytest.skip(f"there is no {folder}; LLMCLIENT_SHARED may name the folder of recorded exchanges")
    return folder
