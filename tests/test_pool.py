"""Connections: limits, reuse, what is put back and what is dropped."""

from __future__ import annotations

import http.client
import io
import itertools
import socket
import ssl
import sys
import threading
import time
from typing import Any, cast

import hypothesis
import hypothesis.strategies as st
import pytest
import urllib3
from urllib3.util.connection import HAS_IPV6

from llmclient import idle, parser, pool
from llmclient.deadline import Call, Timeout
from llmclient.errors import CancelledError, NetworkError, PoolTimeoutError, RequestTimeoutError
from llmclient.parser import Answer
from llmclient.pool import HTTPPool
from llmclient.transport import Transport
from tests.sending import Running, eventually, new_call, new_transport, send
from tests.wireserver import CHUNKED, Peer, WireServer, answers, chunked, close, drip, half_close, http_response, ok, reset, signal, stall

TLS = pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])


def pools(transport: Transport) -> list[Any]:
    """Return the urllib3 pools of a transport's own session."""
    session: Any = transport._own
    return list(session.get_adapter("https://x")._pools.values())


# The head


@TLS
def test_a_dripped_head_is_bounded_by_the_total(tls: bool) -> None:
    """A byte now and then does not stretch the wait for the head."""
    with WireServer([drip(ok(), 0.02)], tls=tls) as server:
        started = time.monotonic()
        with pytest.raises(RequestTimeoutError) as caught:
            send(server.url, call=new_call(0.3))
        assert 0.25 < time.monotonic() - started < 0.8
        assert "total" == caught.value.limit
        assert server.wait_closed()


@pytest.mark.parametrize("size", [1, 5, 60])
def test_a_head_may_come_in_any_pieces(size: int) -> None:
    """Wherever the network cuts the head, it is read."""
    with WireServer([drip(http_response(200, [("X-A", "1"), ("X-B", "2")], b"body"), 0.0005, size)]) as server:
        exchange = send(server.url)
        assert ("1", "2", b"body") == (exchange.headers["x-a"], exchange.headers["x-b"], exchange.read())


@pytest.mark.parametrize("status", ["100 Continue", "102 Processing", "103 Early Hints", "199 Whatever"])
def test_an_interim_answer_is_skipped(status: str) -> None:
    """What begins with 1 is not the answer, nor are its headers."""
    with WireServer(f"HTTP/1.1 {status}\r\nX-Interim: 1\r\nContent-Length: 9\r\n\r\n".encode() * 2 + ok(b"real")) as server:
        exchange = send(server.url)
        assert (200, b"real", None) == (exchange.status, exchange.read(), exchange.headers.get("x-interim"))


def test_an_answer_that_follows_its_interim_one_late_is_not_left_to_the_next_call() -> None:
    """Early hints come at once and the answer when it is ready; each call gets its own."""
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n"
    with WireServer(answers([drip(hints, 0.05, len(hints)), ok(b"first")], ok(b"second"))) as server:
        transport = new_transport()
        assert [b"first", b"second"] == [send(server.url, transport=transport).read() for _ in range(2)]
    assert 1 == server.connections


def test_a_server_that_switches_protocols_is_left() -> None:
    """Nobody asked for another protocol, and what it says is no answer to anyone."""
    with WireServer(answers(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", ok(b"other"))) as server:
        with pytest.raises(NetworkError, match="did not answer in HTTP"):
            send(server.url)
        assert server.wait_closed()


def test_a_head_with_unusual_lines_is_left_to_the_standard_parser() -> None:
    """Folded lines, tabs, Latin-1 and line feeds alone are read as http.client reads them."""
    head = b"HTTP/1.1 200 OK\r\nX-Folded: one\r\n two\r\nX-Tab:\tv\r\nX-Latin: caf\xe9\r\nContent-Length: 2\n\r\n"
    with WireServer(head + b"{}") as server:
        headers = send(server.url).headers
    assert ("one two", "v", "café") == (headers["x-folded"].replace("\r\n", ""), headers["x-tab"], headers["x-latin"])


def test_an_old_server_is_read_until_it_closes() -> None:
    """HTTP/1.0 without a length ends with the connection, which is not used again."""
    with WireServer([b"HTTP/1.0 200 OK\r\n\r\nbody", close]) as server:
        transport = new_transport()
        assert [b"body"] * 2 == [send(server.url, transport=transport).read() for _ in range(2)]
    assert 2 == server.connections


@pytest.mark.parametrize("head", [b"SSH-2.0-OpenSSH_9.6\r\n\r\n", b"HTTP/1.1 abc Bad\r\n\r\n", b"\r\n\r\n"], ids=["ssh", "no status", "empty"])
def test_what_is_no_http_is_a_network_error(head: bytes) -> None:
    """Another protocol on the port is told as such."""
    with WireServer([head, close]) as server:
        with pytest.raises(NetworkError, match="did not answer in HTTP"):
            send(server.url)
        assert server.wait_closed()


def test_a_transfer_encoding_that_nobody_can_undo_is_an_error() -> None:
    """Compressed framing is refused instead of read as a body."""
    script = [http_response(200, {"Transfer-Encoding": "gzip, chunked"}, b"x", length=None), close]
    with WireServer(script) as server, pytest.raises(NetworkError, match="did not answer in HTTP"):
        send(server.url)


def test_a_connection_that_the_server_closes_is_not_used_again() -> None:
    """`Connection: close` is heeded, with the body read to its end."""
    with WireServer(http_response(200, {"Connection": "close"}, b"last")) as server:
        transport = new_transport()
        assert [b"last"] * 2 == [send(server.url, transport=transport).read() for _ in range(2)]
    assert 2 == server.connections


LINES = st.one_of(
    st.sampled_from(
        [
            "Content-Length: 5",
            "content-length: 7",
            "Content-Length: 5, 5",
            "Content-Length: +5",
            "Content-Length: -1",
            "Content-Length:",
            "Transfer-Encoding: chunked",
            "transfer-encoding: Chunked",
            "Transfer-Encoding: identity",
            "Connection: close",
            "Connection: Keep-Alive, Close",
            "Connection: keep-alive",
            "Keep-Alive: timeout=5",
            "X-Empty:",
            "X-Spaces:   a b  ",
            "X-Tab:\ta",
            " folded",
            "No colon here",
            "Bad Name: x",
            "Name : x",
            ": no name",
            "X-Latin: é",
            "From someone",
            "X-Control: a\x0bb",
            "X-Return: a\rb",
            "X-Feed: a\nb",
            "X: y",
            "X: z",
            "Content-Type: application/json",
        ]
    ),
    st.text(st.characters(min_codepoint=1, max_codepoint=255, exclude_characters="\r\n"), max_size=12),
)
STATUS_LINES = st.sampled_from(
    [
        "HTTP/1.1 200 OK",
        "HTTP/1.1 200",
        "HTTP/1.1 200 ",
        "HTTP/1.1  200 OK",
        "HTTP/1.1 204 No Content",
        "HTTP/1.1 304 Not Modified",
        "HTTP/1.1 500 A  B ",
        "HTTP/1.1 2000 OK",
        "HTTP/1.1 99 Low",
        "HTTP/1.1 100 Continue",
        "HTTP/1.1 200OK",
        "HTTP/1.0 200 OK",
        "HTTP/1.1 ²00 OK",
    ]
)


class Canned:
    """A socket that has these bytes."""

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)

    def makefile(self, mode: str, buffering: int | None = None) -> io.BufferedReader:
        return io.BufferedReader(self._file)  # type: ignore[arg-type]  # BytesIO is as raw as is needed

    def recv_into(self, buffer: Any) -> int:
        return self._file.readinto(buffer)

    def gettimeout(self) -> None:
        return None

    def settimeout(self, seconds: float) -> None:
        pass

    def close(self) -> None:
        pass


def parsed(answer: http.client.HTTPResponse) -> tuple[Any, ...]:
    """Return what a parser made of a head, and the body behind it; or what it raised."""
    try:
        answer.begin()
        chunked = answer.chunked and answer.length != 0
        head = (answer.status, answer.reason, answer.version, chunked, answer.length, answer.will_close, answer.headers.items())
        return *head, answer.read()
    except (http.client.HTTPException, ValueError) as error:
        return (type(error),)


@hypothesis.given(STATUS_LINES, st.lists(LINES, max_size=4), st.sampled_from(["POST", "HEAD"]))
def test_the_quick_way_reads_a_head_as_the_standard_library_does(first: str, lines: list[str], method: str) -> None:
    """For any head, plain or odd, status, headers, framing and body are those of http.client."""
    data = "\r\n".join([first, *lines, "", "0\r\n\r\n123"]).encode("latin-1")
    ours = Answer(Canned(data), method=method, call=new_call())
    theirs = http.client.HTTPResponse(cast("Any", Canned(data)), method=method)
    expected = parsed(theirs)
    if len(expected) > 1 and (coding := (theirs.headers.get("transfer-encoding") or "chunked").strip().lower()) not in ("chunked", "identity"):
        hypothesis.note(coding)
        expected = (http.client.HTTPException,)
    assert expected == parsed(ours)


def test_a_head_has_no_more_lines_than_the_standard_library_allows() -> None:
    """A hundred header fields and no more."""
    for count in (99, 101):
        data = http_response(200, [(f"X-{number}", "v") for number in range(count - 1)])
        ours, theirs = Answer(Canned(data), call=new_call()), http.client.HTTPResponse(cast("Any", Canned(data)))
        assert parsed(theirs)[:3] == parsed(ours)[:3]


# Connecting


def test_a_refused_connection_is_a_network_error() -> None:
    """It names the address, and may be tried again."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(NetworkError, match=f"127.0.0.1:{port} refused the connection") as caught:
        send(f"http://127.0.0.1:{port}")
    assert caught.value.retryable


def test_a_name_that_nobody_knows_is_a_network_error() -> None:
    """A failed lookup is told as such."""
    with pytest.raises(NetworkError, match="the name of nowhere.invalid could not be looked up"):
        send("http://nowhere.invalid")


def test_a_slow_lookup_is_bounded_by_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    """The resolver takes no timeout, so it is left behind."""
    released = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: released.wait(5))
    with pytest.raises(RequestTimeoutError) as caught:
        send("http://slow.example", call=new_call(Timeout(connect=0.1)))
    released.set()
    assert ("connect", "no connection within 0.1 s (connect)") == (caught.value.limit, caught.value.message)


def test_a_slow_lookup_can_be_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    """`cancel` wakes whoever waits for a name."""
    asked, released = threading.Event(), threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: (asked.set(), released.wait(5)))
    call = new_call()
    waiting = Running(lambda: send("http://slow.example", call=call))
    assert asked.wait(5)
    call.cancel()
    assert isinstance(waiting.join(), CancelledError)
    released.set()


def test_an_oddity_of_the_resolver_is_raised_where_it_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is lost in the thread that looks up; a name that the resolver cannot even ask for is a network error."""

    def refuse(*_: Any) -> None:
        raise LookupError("odd")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    with pytest.raises(LookupError, match="odd"):
        send("http://odd.example")


def test_a_name_is_looked_up_even_when_no_thread_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the interpreter's end, or at the system's limit of threads, the lookup is made without a limit."""
    with WireServer(ok(b"found")) as server:
        named(monkeypatch, ("127.0.0.1", server.port))
        real = threading.Thread.start

        def start(thread: threading.Thread) -> None:
            if "lookup" in thread.name:
                raise RuntimeError("can't start new thread")
            real(thread)

        monkeypatch.setattr(threading.Thread, "start", start)
        assert b"found" == send("http://late.example").read()


@pytest.fixture
def dead() -> Any:
    """An address that takes no connection and refuses none: a full backlog."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    fillers = []
    for _ in range(8):
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(listener.getsockname())
        fillers.append(filler)
    yield listener.getsockname()
    for each in (*fillers, listener):
        each.close()


def named(monkeypatch: pytest.MonkeyPatch, *addresses: tuple[str, int]) -> None:
    """Let every name have these addresses."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: found)


def test_several_dead_addresses_share_the_time_to_connect(monkeypatch: pytest.MonkeyPatch, dead: tuple[str, int]) -> None:
    """Four addresses that swallow packets take as long as one."""
    named(monkeypatch, *[dead] * 4)
    started = time.monotonic()
    with pytest.raises(RequestTimeoutError) as caught:
        send("http://four.example", call=new_call(Timeout(connect=0.3)))
    assert "connect" == caught.value.limit
    assert 0.25 < time.monotonic() - started < 0.8


def test_the_total_bounds_connecting_too(monkeypatch: pytest.MonkeyPatch, dead: tuple[str, int]) -> None:
    """When the total is the shorter one, it is the one that is told."""
    named(monkeypatch, dead, dead)
    with pytest.raises(RequestTimeoutError) as caught:
        send("http://two.example", call=new_call(Timeout(connect=5, total=0.15)))
    assert "total" == caught.value.limit


def test_the_next_address_is_tried_when_one_is_dead(monkeypatch: pytest.MonkeyPatch, dead: tuple[str, int]) -> None:
    """A dead first address leaves time for a live second one."""
    with WireServer(ok(b"alive")) as server:
        named(monkeypatch, dead, ("127.0.0.1", server.port))
        assert b"alive" == send("http://both.example", call=new_call(Timeout(connect=0.4))).read()


def test_a_name_without_addresses_is_a_network_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty answer of the resolver is no silence."""
    named(monkeypatch)
    with pytest.raises(NetworkError, match="the name has no address"):
        send("http://none.example")


def test_connecting_can_be_cancelled(monkeypatch: pytest.MonkeyPatch, dead: tuple[str, int]) -> None:
    """`cancel` ends the wait for a connection."""
    named(monkeypatch, dead)
    call = new_call()
    waiting = Running(lambda: send("http://dead.example", call=call))
    assert eventually(lambda: call._socket)
    call.cancel()
    assert isinstance(waiting.join(), CancelledError)


@pytest.mark.skipif(not HAS_IPV6, reason="this machine has no IPv6")
def test_an_ipv6_address_is_reached() -> None:
    """Brackets are for URLs only."""
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as listener:
        serving = Running(lambda: listener.accept()[0])
        waiting = Running(lambda: send(f"http://[::1]:{listener.getsockname()[1]}").read())
        peer = serving.value()
        peer.recv(65536)
        peer.sendall(ok(b"six"))
        assert b"six" == waiting.value()
        peer.close()


def test_a_handshake_that_stalls_is_bounded_by_connect() -> None:
    """A server that accepts and says nothing is not waited for longer than a connection may take."""
    with WireServer(lambda peer: peer.stall()) as server:
        with pytest.raises(RequestTimeoutError) as caught:
            send(server.url.replace("http:", "https:"), call=new_call(Timeout(connect=0.15)))
        assert server.wait_closed()
    assert "connect" == caught.value.limit


def test_a_handshake_can_be_cancelled() -> None:
    """`cancel` ends a handshake, whose socket Python has wrapped meanwhile."""
    started = threading.Event()

    def silent(peer: Peer) -> None:
        peer.read(5)
        started.set()
        peer.stall()

    with WireServer(silent) as server:
        call = new_call()
        waiting = Running(lambda: send(server.url.replace("http:", "https:"), call=call))
        assert started.wait(5)
        cancelled_at = time.monotonic()
        call.cancel()
        assert isinstance(waiting.join(), CancelledError)
        assert waiting.ended_at - cancelled_at < 0.2


@TLS
def test_keepalive_and_nodelay_are_set(tls: bool) -> None:
    """A dead peer is noticed, and small requests go out at once."""
    with WireServer(ok(), tls=tls) as server:
        transport = new_transport()
        send(server.url, transport=transport).read()
        sock = pools(transport)[0].pool._idle[0][0].sock
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        if hasattr(socket, "TCP_KEEPIDLE"):
            assert 60 == sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE)


def test_keepalive_and_nodelay_are_set_through_proxies_too() -> None:
    """urllib3 itself sets nothing on a connection to a proxy."""
    with WireServer(ok()) as proxy:
        transport = new_transport(proxies={"http": proxy.url})
        send("http://api.example/v1", transport=transport).read()
        sock = pools(transport)[0].pool._idle[0][0].sock
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


# Sending


@TLS
def test_an_upload_that_stalls_is_bounded_by_the_total(tls: bool) -> None:
    """A server that stops reading does not hold a call past its total, which is more than connecting may take."""
    with WireServer(lambda peer: peer.stall(threading.Event()), tls=tls) as server:
        started = time.monotonic()
        with pytest.raises(RequestTimeoutError) as caught:
            send(server.url, body=b"x" * (32 << 20), call=new_call(Timeout(connect=0.2, total=0.5)))
        server.stopping.set()
    assert "total" == caught.value.limit
    assert 0.4 < time.monotonic() - started < 1.2


@TLS
def test_an_upload_may_take_longer_than_connecting(tls: bool) -> None:
    """A slow reader is no failed connection."""
    size = 8 << 20

    def slow(peer: Peer) -> None:
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        time.sleep(0.25)
        peer.read_request()
        peer.send(ok(b"got it"))

    with WireServer(slow, tls=tls) as server:
        assert b"got it" == send(server.url, body=b"x" * size, call=new_call(Timeout(connect=0.15))).read()
    assert size == len(server.requests[0].body)


@TLS
def test_an_upload_can_be_cancelled(tls: bool) -> None:
    """`cancel` ends a send that is stuck."""
    with WireServer(lambda peer: peer.stall(threading.Event()), tls=tls) as server:
        call = new_call()
        waiting = Running(lambda: send(server.url, body=b"x" * (32 << 20), call=call))
        assert eventually(lambda: server.open)
        time.sleep(0.1)
        call.cancel()
        assert isinstance(waiting.join(), CancelledError)
        server.stopping.set()


@TLS
def test_an_answer_before_the_upload_ends_is_read(tls: bool) -> None:
    """A server that refuses a body early and stops reading has answered."""

    def refuse(peer: Peer) -> None:
        peer.read(1000)
        peer.send(http_response(413, {"Connection": "close"}, b"too large"))
        peer.half_close()
        while peer.socket.recv(1 << 20):
            pass

    with WireServer(refuse, tls=tls) as server:
        exchange = send(server.url, body=b"x" * (4 << 20))
        assert (413, b"too large") == (exchange.status, exchange.read())


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a reset discards what had come before it")
def test_an_answer_before_a_broken_upload_is_read() -> None:
    """Even when the server breaks off while we still send, what it had answered counts."""

    def refuse(peer: Peer) -> None:
        peer.read(1000)
        peer.send(http_response(413, {"Connection": "close"}, b"too large"))

    with WireServer(refuse) as server:
        exchange = send(server.url, body=b"x" * (16 << 20))
        assert (413, b"too large") == (exchange.status, exchange.read())


def test_the_request_is_sent_as_given() -> None:
    """Method, path, headers and body arrive, with a length and our name."""
    with WireServer(ok()) as server:
        send(f"{server.url}/v1/chat?x=1", headers={"X-A": "1"}, body=b'{"a":1}').read()
    (request,) = server.requests
    assert ("POST", "/v1/chat?x=1", b'{"a":1}', "7", "1") == (
        request.method,
        request.path,
        request.body,
        request.headers["content-length"],
        request.headers["x-a"],
    )
    assert "llmclient/" in request.headers["user-agent"]
    assert "gzip, deflate" == request.headers["accept-encoding"]
    assert "cookie" not in request.headers


# Reuse


@TLS
def test_a_stale_connection_is_replaced_for_free(tls: bool) -> None:
    """A server that closes when the next request comes is asked again, once, on a new connection."""

    def once(peer: Peer) -> None:
        peer.read_request()
        peer.send(ok(b"first"))
        peer.read_request()

    with WireServer(once, ok(b"second"), tls=tls) as server:
        transport = new_transport()
        assert b"first" == send(server.url, transport=transport).read()
        exchange = send(server.url, transport=transport)
        assert (b"second", False) == (exchange.read(), exchange.reused)
    assert 3 == len(server.requests)


def test_a_reset_before_the_answer_is_replaced_for_free() -> None:
    """An RST on a reused connection counts as stale too."""
    with WireServer(answers(ok(b"first"), [reset]), ok(b"second")) as server:
        transport = new_transport()
        assert [b"first", b"second"] == [send(server.url, transport=transport).read() for _ in range(2)]


def test_the_free_retry_is_free_once() -> None:
    """A server that closes again on the new connection has failed."""
    with WireServer(answers(ok(b"first"), [close]), [close]) as server:
        transport = new_transport()
        send(server.url, transport=transport).read()
        with pytest.raises(NetworkError, match="closed the connection without an answer"):
            send(server.url, transport=transport)
    assert (2, 3) == (server.connections, len(server.requests))


def test_a_new_connection_gets_no_free_retry() -> None:
    """What fails on a connection that never served is told."""
    with WireServer([close], ok()) as server, pytest.raises(NetworkError):
        send(server.url)
    assert 1 == len(server.requests)


def test_a_timeout_gets_no_free_retry() -> None:
    """A server that is silent may be working: the request is not sent twice."""
    with WireServer(answers(ok(b"first"), [stall()]), ok()) as server:
        transport = new_transport()
        send(server.url, transport=transport).read()
        with pytest.raises(RequestTimeoutError) as caught:
            send(server.url, transport=transport, call=new_call(Timeout(read=0.1)))
    assert "read" == caught.value.limit
    assert 2 == len(server.requests)


def test_a_timeout_of_the_system_gets_no_free_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is it sent twice when the system gives up on a connection."""
    with WireServer(ok()) as server:
        transport = new_transport()
        send(server.url, transport=transport).read()
        monkeypatch.setattr(parser.Wire, "readinto", lambda *_: (_ for _ in ()).throw(TimeoutError(110, "Connection timed out")))
        with pytest.raises(NetworkError, match="Connection timed out"):
            send(server.url, transport=transport)
    assert 1 == server.connections


def test_a_connection_that_said_something_gets_no_free_retry() -> None:
    """Once a byte has come the server has worked on the request."""
    with WireServer(answers(ok(b"first"), [b"HTTP/1.1 2", close]), ok()) as server:
        transport = new_transport()
        send(server.url, transport=transport).read()
        with pytest.raises(NetworkError):
            send(server.url, transport=transport)
    assert 2 == len(server.requests)


def test_a_cancelled_call_gets_no_free_retry() -> None:
    """Cancelling on a reused connection does not send the request again."""
    asked = threading.Event()
    with WireServer(answers(ok(b"first"), [signal(asked), stall()]), ok()) as server:
        transport, call = new_transport(), new_call()
        send(server.url, transport=transport).read()
        waiting = Running(lambda: send(server.url, transport=transport, call=call))
        assert asked.wait(5)
        cancelled_at = time.monotonic()
        call.cancel()
        assert isinstance(waiting.join(), CancelledError)
        assert waiting.ended_at - cancelled_at < 0.2
    assert 2 == len(server.requests)


def test_one_stale_connection_takes_the_hosts_other_idle_ones_with_it() -> None:
    """A restarted server has dropped them all: the next calls are not each to find out."""
    script = answers(ok(b"first"), [close])
    with WireServer(script, script, script, ok(b"new")) as server:
        transport = new_transport()
        for exchange in [send(server.url, transport=transport) for _ in range(3)]:
            exchange.read()
        assert b"new" == send(server.url, transport=transport).read()
        assert server.wait_closed(1)
        assert 1 == len(pools(transport)[0].pool._idle)


def test_the_free_retry_never_takes_another_idle_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Should another thread put one back meanwhile, it is closed, and a new one opened."""
    with WireServer(answers(ok(b"first"), [close]), answers(ok(b"first"), ok(b"old")), ok(b"new")) as server:
        transport = new_transport()
        both = [send(server.url, transport=transport) for _ in range(2)]
        both[1].read()
        both[0].read()
        monkeypatch.setattr(idle.IdleConnections, "clear", lambda self: None)
        assert b"new" == send(server.url, transport=transport).read()


@TLS
def test_a_connection_closed_while_idle_is_not_used(tls: bool) -> None:
    """What the server has closed meanwhile is noticed before anything is sent."""
    with WireServer([ok(b"first"), close], ok(b"second"), tls=tls) as server:
        transport = new_transport()
        send(server.url, transport=transport).read()
        assert server.wait_closed()
        assert b"second" == send(server.url, transport=transport).read()
    assert 2 == len(server.requests)


@TLS
@pytest.mark.parametrize("extra", [b"junk", ok(b"smuggled")], ids=["junk", "a whole answer"])
def test_bytes_past_the_answer_never_reach_the_next_call(extra: bytes, tls: bool) -> None:
    """More than Content-Length, in the same segment and TLS record, poisons the connection: it is dropped."""
    with WireServer(ok(b"mine") + extra, ok(b"yours"), tls=tls) as server:
        transport = new_transport()
        assert b"mine" == send(server.url, transport=transport).read()
        exchange = send(server.url, transport=transport)
        assert (b"yours", False) == (exchange.read(), exchange.reused)


@TLS
def test_bytes_past_the_last_chunk_never_reach_the_next_call(tls: bool) -> None:
    """The same holds for chunked answers, read piece by piece."""
    with WireServer(http_response(200, CHUNKED, chunked([b"mine"]) + ok(b"smuggled"), length=None), ok(b"yours"), tls=tls) as server:
        transport = new_transport()
        exchange = send(server.url, transport=transport)
        assert b"mine" == b"".join(iter(exchange.read_some, b""))
        assert b"yours" == send(server.url, transport=transport).read()


@TLS
def test_bytes_past_a_large_answer_never_reach_the_next_call(tls: bool) -> None:
    """When the body is read past the buffer, what is left waits in the socket or in the TLS layer."""
    body = b"m" * 200_001
    with WireServer(http_response(200, body=body) + b"junk", ok(b"yours"), tls=tls) as server:
        transport = new_transport()
        assert body == send(server.url, transport=transport).read()
        assert b"yours" == send(server.url, transport=transport).read()


@TLS
def test_bytes_that_come_while_idle_never_reach_the_next_call(tls: bool) -> None:
    """A server that speaks unasked gets its connection dropped."""
    released, said = threading.Event(), threading.Event()
    with WireServer([ok(b"mine"), stall(released), ok(b"unasked"), signal(said)], ok(b"yours"), tls=tls) as server:
        transport = new_transport()
        assert b"mine" == send(server.url, transport=transport).read()
        released.set()
        assert said.wait(5)
        assert b"yours" == send(server.url, transport=transport).read()


def test_decrypted_bytes_left_in_the_tls_layer_are_noticed() -> None:
    """What the TLS layer holds decrypted makes no socket readable, so it is asked."""

    class Layer:
        def pending(self) -> int:
            return 1

    class Nested:
        sslobj = Layer()

    assert pool.is_pending(Layer())
    assert pool.is_pending(Nested())
    assert not pool.is_pending(object())


def test_a_connection_with_decrypted_bytes_is_not_used() -> None:
    """The pool asks the TLS layer before the socket."""

    class Layer:
        def pending(self) -> int:
            return 1

    connection = urllib3.connection.HTTPConnection("127.0.0.1", 9)
    connection.sock = cast("Any", Layer())
    with HTTPPool("127.0.0.1", 9) as hosts:
        assert not hosts._is_usable(connection)


def test_idle_connections_expire(monkeypatch: pytest.MonkeyPatch) -> None:
    """After 90 seconds an idle connection is closed and another one opened."""
    offset = [0.0]
    monkeypatch.setattr(idle, "monotonic", lambda: time.monotonic() + offset[0])
    with WireServer(ok()) as server:
        transport = new_transport()
        send(server.url, transport=transport).read()
        offset[0] = 89.0
        assert send(server.url, transport=transport).reused
        send(server.url, transport=transport).read()
        offset[0] += 91.0
        assert not send(server.url, transport=transport).reused
        assert server.wait_closed(2)


# The pool


def test_waiting_for_a_connection_has_its_own_limit() -> None:
    """When all connections are busy, the wait ends after `pool` seconds, with an error of its own."""
    with WireServer([http_response(200, body=b"x", length=9), stall()]) as server:
        transport = new_transport(max_connections=1)
        exchange = send(server.url, transport=transport)
        with pytest.raises(PoolTimeoutError) as caught:
            send(server.url, transport=transport, call=new_call(Timeout(pool=0.1)))
        exchange.close()
    assert ("pool", "no connection became free for 0.1 s (pool)") == (caught.value.limit, caught.value.message)
    assert 1 == server.connections


def test_waiting_for_a_connection_is_bounded_by_the_total() -> None:
    """The total comes first where it is shorter, and without a limit for the pool."""
    with WireServer([http_response(200, body=b"x", length=9), stall()]) as server:
        transport = new_transport(max_connections=1)
        exchange = send(server.url, transport=transport)
        for timeout in (Timeout(pool=5, total=0.1), Timeout(pool=None, total=0.1)):
            with pytest.raises(RequestTimeoutError) as caught:
                send(server.url, transport=transport, call=new_call(timeout))
            assert "total" == caught.value.limit
        exchange.close()


def test_waiting_for_a_connection_can_be_cancelled() -> None:
    """`cancel` wakes whoever waits for a connection, and leaves the pool whole."""
    with WireServer([http_response(200, body=b"x", length=9), stall()], ok(b"next")) as server:
        transport, call = new_transport(max_connections=1), new_call()
        exchange = send(server.url, transport=transport)
        waiting = Running(lambda: send(server.url, transport=transport, call=call))
        assert eventually(lambda: pools(transport)[0].pool._waiters)
        call.cancel()
        assert isinstance(waiting.join(), CancelledError)
        exchange.close()
        assert b"next" == send(server.url, transport=transport).read()


def test_101_threads_open_no_more_than_100_connections() -> None:
    """100 is a promise: the 101st thread waits for a connection, and gets one."""
    transport, barrier = new_transport(verify=None, proxies={}), threading.Barrier(100, timeout=10)

    def together(peer: Peer) -> None:
        for number in itertools.count():
            peer.read_request()
            if number == 0:
                barrier.wait()
            peer.send(ok())

    with WireServer(together) as server:
        threads = [Running(lambda: send(server.url, transport=transport, call=new_call(20)).read()) for _ in range(101)]
        assert [None] * 101 == [each.join() for each in threads]
        assert (100, 100) == (server.connections, server.max_open)
    transport.close()


def test_each_thread_gets_its_own_answer() -> None:
    """Eight threads over three connections: every answer belongs to its question."""

    def echo(peer: Peer) -> None:
        while True:
            peer.send(ok(peer.read_request().body))

    with WireServer(echo) as server:
        transport = new_transport(max_connections=3)

        def ask(thread: int) -> None:
            for number in range(25):
                question = b"%d-%d" % (thread, number)
                assert question == send(server.url, transport=transport, body=question).read()

        threads = [Running(lambda thread=thread: ask(thread)) for thread in range(8)]  # type: ignore[misc]
        assert [None] * 8 == [each.join() for each in threads]
        assert server.connections <= 3


def test_failures_give_their_slots_back() -> None:
    """After failures of every kind the pool still has all its connections to give."""
    with WireServer([close], [reset], [b"junk\r\n\r\n", close], ok(b"fine")) as server:
        transport = new_transport(max_connections=1)
        for _ in range(3):
            with pytest.raises(NetworkError):
                send(server.url, transport=transport)
        assert b"fine" == send(server.url, transport=transport).read()


def test_an_interrupt_gives_its_slot_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C in the middle of a call leaks neither slot nor connection."""
    with WireServer(ok(b"fine")) as server:
        transport = new_transport(max_connections=1)
        with monkeypatch.context() as patch:
            patch.setattr(Answer, "begin", lambda self: (_ for _ in ()).throw(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                send(server.url, transport=transport)
        assert server.wait_closed()
        assert b"fine" == send(server.url, transport=transport).read()


def test_a_failure_to_make_a_connection_gives_the_slot_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even when a connection object cannot be made, the slot is not lost."""
    with WireServer(ok(b"fine")) as server:
        transport = new_transport(max_connections=1)
        with monkeypatch.context() as patch:
            patch.setattr(HTTPPool, "_new_conn", lambda self: (_ for _ in ()).throw(MemoryError))
            with pytest.raises(MemoryError):
                send(server.url, transport=transport)
        assert b"fine" == send(server.url, transport=transport).read()


def test_a_pool_without_a_call_is_urllib3s_own() -> None:
    """With a plain timeout the pool behaves as its parent."""
    with WireServer(ok(b"plain")) as server, HTTPPool("127.0.0.1", server.port, maxsize=1) as plain:
        assert b"plain" == plain.request("GET", "/").data
        assert b"plain" == plain.request("GET", "/", timeout=1.0).data
    assert 1 == server.connections


def test_a_pool_that_does_not_block_opens_more() -> None:
    """`block=False` means that the size is a suggestion, as in urllib3."""
    with WireServer(ok(b"plain")) as server, HTTPPool("127.0.0.1", server.port, maxsize=1) as plain:
        both = [plain.request("GET", "/", preload_content=False) for _ in range(2)]
        assert [b"plain"] * 2 == [each.read() for each in both]
    assert 2 == server.connections


def test_a_blocking_pool_without_a_call_raises_as_urllib3_does() -> None:
    """A pool timeout of the parent's kind is answered with the parent's error."""
    with WireServer(ok(b"plain")) as server, HTTPPool("127.0.0.1", server.port, maxsize=1, block=True) as plain:
        busy = plain.request("GET", "/", preload_content=False)
        with pytest.raises(urllib3.exceptions.EmptyPoolError):
            plain.urlopen("GET", "/", pool_timeout=0.02)
        busy.close()


def test_a_closed_pool_is_an_error() -> None:
    """A pool that was closed gives nothing."""
    closed = HTTPPool("127.0.0.1", 9)
    closed.close()
    with pytest.raises(urllib3.exceptions.ClosedPoolError):
        closed.urlopen("GET", "/", timeout=cast("Any", Call(Timeout(), provider="groq")))


def test_a_half_closed_server_is_not_used_again() -> None:
    """A server that has ended its side gets no further request."""
    with WireServer([ok(b"first"), half_close], ok(b"second")) as server:
        transport = new_transport()
        send(server.url, transport=transport).read()
        assert eventually(lambda: pool.is_connection_dropped(pools(transport)[0].pool._idle[0][0]))
        assert b"second" == send(server.url, transport=transport).read()
    assert 2 == server.connections


def test_a_kernel_timeout_is_an_error_of_the_connection() -> None:
    """ETIMEDOUT from the system is no limit of ours, and is not waited out."""

    class Dead(Canned):
        def recv_into(self, buffer: Any) -> int:
            raise TimeoutError(110, "Connection timed out")

    with pytest.raises(TimeoutError, match="Connection timed out"):
        parser.Wire(Dead(b""), new_call()).readinto(bytearray(1))


def test_bytes_that_come_after_cancelling_are_not_handed_on() -> None:
    """What a socket still gives once the call is cancelled does not reach the reader."""
    call = new_call()

    class Late(Canned):
        def recv_into(self, buffer: Any) -> int:
            call.cancel()
            return super().recv_into(buffer)

    with pytest.raises(ConnectionAbortedError):
        parser.Wire(Late(b"late"), call).readinto(bytearray(4))


def test_a_socket_that_times_out_early_is_read_again() -> None:
    """The clock decides: a socket's own timeout may be a little off."""

    class Early(Canned):
        early = True

        def recv_into(self, buffer: Any) -> int:
            if self.early:
                self.early = False
                raise TimeoutError("timed out")
            return super().recv_into(buffer)

    assert 2 == parser.Wire(Early(b"ok"), new_call()).readinto(bytearray(2))


def test_tls_sessions_cost_one_context() -> None:
    """All connections with the same trust store share one TLS context."""
    with WireServer(ok(), tls=True) as server:
        one, other = new_transport(), new_transport()
        for transport in (one, other):
            send(server.url, transport=transport).read()
        assert pools(one)[0].conn_kw["ssl_context"] is pools(other)[0].conn_kw["ssl_context"]
        assert isinstance(pools(one)[0].conn_kw["ssl_context"], ssl.SSLContext)
