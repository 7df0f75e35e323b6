"""Forked children: connections are not shared, and the parent's stay whole."""

from __future__ import annotations

import os
import socket
import threading
import traceback
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from llmclient import transport as module
from llmclient.errors import NetworkError
from llmclient.idle import _inherited
from llmclient.transport import Transport, session
from tests.sending import ca_file, new_call, new_transport, send
from tests.wireserver import CHUNKED, Peer, WireServer, chunked, http_response, ok, stall

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork"),
    # Python 3.12 and later warn of any fork in a process with threads, which is what is tested here.
    pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning"),
]


def fork(work: Callable[[], None]) -> int:
    """Run a function in a child, and return the child's id; the child ends with 0 if it raised nothing."""
    pid = os.fork()
    if pid:
        return pid
    try:
        work()
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def wait(pid: int) -> int:
    """Wait for a child, and return its exit code; one that hangs is killed after ten seconds."""
    killer = threading.Timer(10, os.kill, (pid, 9))
    killer.start()
    _, status = os.waitpid(pid, 0)
    killer.cancel()
    return os.waitstatus_to_exitcode(status)


def echo(peer: Peer) -> None:
    """Answer each request with its body."""
    while True:
        peer.send(ok(peer.read_request().body))


def ask(url: str, transport: Transport, nonce: bytes) -> None:
    """Send a nonce, and expect it back."""
    answer = send(url, transport=transport, body=nonce, call=new_call(8)).read()
    assert nonce == answer, (nonce, answer)


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("own", [False, True], ids=["shared session", "own session"])
def test_children_share_no_connection_with_their_parent(own: bool, tls: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call in the parent, forty in four children, and one more in the parent: each gets its own answer, the parent over its own connection."""
    monkeypatch.setattr(module._Process, "session", None)
    with WireServer(echo, tls=tls) as server:
        if tls and not own:
            monkeypatch.setenv("SSL_CERT_FILE", ca_file())
        transport = new_transport() if own else Transport()
        ask(server.url, transport, b"parent before")

        def work(child: int) -> None:
            for number in range(10):
                ask(server.url, transport, b"child %d call %d" % (child, number))

        children = [fork(lambda child=child: work(child)) for child in range(4)]  # type: ignore[misc]
        assert [0] * 4 == [wait(child) for child in children]
        exchange = send(server.url, transport=transport, body=b"parent after")
        assert (b"parent after", True) == (exchange.read(), exchange.reused)
        if not own:
            session().close()
        transport.close()
    by_connection = {number: {each.body[:7] for each in server.requests if each.connection == number} for number in range(server.connections)}
    assert 5 == server.connections
    assert all(1 == len(senders) for senders in by_connection.values()), by_connection


def test_a_childs_adapter_has_new_pools_and_keeps_its_parents() -> None:
    """Dropping the parent's pools would close what they hold, so they stay referenced."""
    with WireServer(echo) as server:
        transport = new_transport()
        ask(server.url, transport, b"parent")
        adapter: Any = transport._own.get_adapter(server.url)  # type: ignore[union-attr]
        manager, pools = adapter.poolmanager, adapter._pools

        def work() -> None:
            ask(server.url, transport, b"child")
            assert adapter.poolmanager is not manager
            assert adapter._pools is not pools
            assert any(manager in things and pools in things for things in _inherited)  # type: ignore[operator]  # they are tuples

        assert 0 == wait(fork(work))


def test_a_child_gets_a_session_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """The parent's session is kept, unclosed, and not used."""
    parents = session()

    def work() -> None:
        assert session() is not parents
        assert session() is session()

    assert 0 == wait(fork(work))
    assert parents is session()


def test_a_child_of_a_child_gets_one_too() -> None:
    """Forks may be nested, as with a preloading server that starts workers that start pools."""
    parents = session()

    def work() -> None:
        childs = session()
        assert childs is not parents

        def deeper() -> None:
            assert session() not in (parents, childs)

        assert 0 == wait(fork(deeper))

    assert 0 == wait(fork(work))


def test_a_child_is_not_hurt_by_a_lock_that_was_held() -> None:
    """A fork in the middle of another thread's call finds locks taken that nobody will give back: the child has new ones."""
    with WireServer(echo) as server:
        transport = new_transport()
        ask(server.url, transport, b"parent")
        adapter = transport._own.get_adapter(server.url)  # type: ignore[union-attr]
        pool = next(iter(adapter._pools.values()))  # type: ignore[attr-defined]
        held, release = threading.Event(), threading.Event()

        def hold() -> None:
            with adapter._lock, pool.pool._lock, module._Process.lock:  # type: ignore[attr-defined]
                held.set()
                release.wait(10)

        threading.Thread(target=hold, daemon=True).start()
        assert held.wait(5)
        child = fork(lambda: ask(server.url, transport, b"child"))
        assert 0 == wait(child)
        release.set()


def test_a_child_that_exits_leaves_the_parents_connections_alone() -> None:
    """Also when it ends with all of Python's finalizers, which close what urllib3 registered."""
    with WireServer(echo) as server:
        transport = new_transport()
        ask(server.url, transport, b"before")
        pid = os.fork()
        if not pid:
            # What the interpreter does at its end, without pytest's own part in it.
            weakref.finalize._exitfunc()  # type: ignore[attr-defined]
            os._exit(0)
        assert 0 == wait(pid)
        exchange = send(server.url, transport=transport, body=b"after")
        assert (b"after", True) == (exchange.read(), exchange.reused)


def test_an_answer_on_its_way_stays_with_the_parent() -> None:
    """A child that inherits a half-read stream can neither read nor close it; the parent reads on."""
    released = threading.Event()
    script = [http_response(200, CHUNKED, chunked([b"first"], last=False), length=None), stall(released), chunked([b"last"])]
    with WireServer(script) as server:
        exchange = send(server.url)
        assert b"first" == exchange.read_some()

        def work() -> None:
            with pytest.raises(NetworkError, match="belongs to the process that this one was forked from"):
                exchange.read_some()
            exchange.close()
            exchange.finish()
            exchange.__del__()

        assert 0 == wait(fork(work))
        released.set()
        assert b"last" == b"".join(iter(exchange.read_some, b""))


def test_a_socket_closed_in_a_child_is_still_open_in_the_parent() -> None:
    """The ground on which all this stands: closing a copy of a descriptor closes no connection."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert 0 == wait(fork(ours.close))
        theirs.sendall(b"x")
        assert b"x" == ours.recv(1)
