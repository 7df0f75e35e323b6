"""Opens a connection's socket: names looked up and addresses tried within the time that a call has for connecting."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util.connection import allowed_gai_family
from urllib3.util.ssl_ import is_ipaddress

from llmclient.deadline import Gate

if TYPE_CHECKING:
    from llmclient.deadline import Call

_KEEPALIVE = (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4))
"""Seconds of silence before the first probe, seconds between probes, and how many unanswered ones make a peer dead."""


def socket_options() -> list[tuple[int, int, int | bytes]]:
    """Return urllib3's own option, which ours would replace, and those that make a dead peer noticed within two minutes."""
    options: list[tuple[int, int, int | bytes]] = [
        (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    ]
    options += [(socket.IPPROTO_TCP, getattr(socket, name), value) for name, value in _KEEPALIVE if hasattr(socket, name)]
    return options


def dial(conn: HTTPConnection, call: Call) -> socket.socket:
    """Connect to the first address that answers; in place of urllib3's own way, which gives each address the whole time."""
    addresses = _resolve(conn, call)
    # In a list, since a frame that holds the error it raises is a cycle, and keeps its callers' frames with all that is in them.
    failures = [OSError("the name has no address")]
    for index, (family, kind, proto, _, address) in enumerate(addresses):
        sock = socket.socket(family, kind, proto)
        try:
            _prepare(sock, conn)
            # Each address gets a fair share, so that one that swallows packets leaves time for the next.
            sock.settimeout(call.left() / (len(addresses) - index))
            call.attach(sock)
            sock.connect(address)
            return _connected(conn, call, sock)
        except OSError as error:
            sock.close()
            failures = [error]
    raise failures.pop()


def _prepare(sock: socket.socket, conn: HTTPConnection) -> None:
    for option in conn.socket_options or ():
        sock.setsockopt(*option)
    if conn.source_address:
        sock.bind(conn.source_address)


def _connected(conn: HTTPConnection, call: Call, sock: socket.socket) -> socket.socket:
    sock.settimeout(call.left())
    if isinstance(conn, HTTPSConnection):
        # Wrapping takes the descriptor away from `sock`; a duplicate lets `cancel` end the handshake too.
        call.attach(sock.dup(), owned=True)
    return sock


class _Lookup(Gate):
    """A name being looked up in a thread of its own, since the system's resolver takes no timeout."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__()
        self.found: list[Any] = []
        self.error: Exception | None = None
        self._target = (host, port)

    def run(self) -> None:
        """Look the name up, and wake whoever waits."""
        try:
            self.found = socket.getaddrinfo(*self._target, allowed_gai_family(), socket.SOCK_STREAM)
        except Exception as error:  # noqa: BLE001  # whatever the resolver raises is raised again in the thread that waits
            self.error = error
        self.set()


def _start(lookup: _Lookup, host: str) -> None:
    try:
        threading.Thread(target=lookup.run, name=f"llmclient lookup of {host}", daemon=True).start()
    except RuntimeError:
        # No thread to be had, as when the interpreter is about to end: better without a limit than not at all.
        lookup.run()


def _resolve(conn: HTTPConnection, call: Call) -> list[Any]:
    host: str = conn._dns_host.strip("[]")
    lookup = _Lookup(host, conn.port)
    if is_ipaddress(host) or host == "localhost":
        # Nobody is asked over the network for these, and a thread takes longer than the answer.
        lookup.run()
    else:
        _start(lookup, host)
        while not call.wait(lookup, call.left()):
            pass
    if call.cancelled:
        raise ConnectionAbortedError("the call was closed")
    if lookup.error is not None:
        raise lookup.error
    return lookup.found
