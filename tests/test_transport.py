"""The session: what is shared, what is looked up, what is refused, and who else sees a call."""

from __future__ import annotations

import datetime
import gzip
import io
import pathlib
import pickle
import socket
import ssl
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import requests_mock
import responses
import trustme
import urllib3
import vcr

from llmclient import tls, transport
from llmclient.deadline import Timeout
from llmclient.errors import CancelledError, ConfigurationError, NetworkError, ProviderError, RequestTimeoutError
from llmclient.transport import Exchange, PooledAdapter, Transport, check_headers, prepare, session
from tests.sending import SECRET, Running, ca_file, new_call, new_transport, send
from tests.wireserver import CHUNKED, Closed, Peer, WireServer, authority, chunked, close, drip, http_response, ok, relay, reset, server_context, stall

BASE = "http://api.example"
"""A host that does not exist, for tests in which nothing is sent."""


@pytest.fixture
def own_session(monkeypatch: pytest.MonkeyPatch) -> Iterator[requests.Session]:
    """Give the test a process session of its own."""
    monkeypatch.setattr(transport._Process, "session", None)
    yield session()
    session().close()


# What is shared


def test_the_process_shares_one_session() -> None:
    """Every transport without options sends through it; it holds 100 connections a host for up to 1,000 hosts."""
    shared = session()
    assert shared is session()
    assert not shared.trust_env
    for scheme in ("https://", "http://"):
        adapter = shared.get_adapter(f"{scheme}api.example")
        assert isinstance(adapter, PooledAdapter)
        assert isinstance(adapter, requests.adapters.HTTPAdapter)
        assert (100, 1000, True) == (adapter._pool_maxsize, adapter._pool_connections, adapter._pool_block)


def test_threads_that_start_together_share_one_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first look does not make two."""
    monkeypatch.setattr(transport._Process, "session", None)
    barrier = threading.Barrier(8, timeout=5)
    threads = [Running(lambda: (barrier.wait(), session())[1]) for _ in range(8)]
    assert 1 == len({id(each.value()) for each in threads})


def test_transports_without_options_share_connections(own_session: requests.Session) -> None:
    """A second client uses the first one's connection."""
    with WireServer(ok()) as server:
        for _ in range(3):
            send(server.url, transport=Transport()).read()
        own_session.close()
    assert 1 == server.connections


def test_a_transport_with_options_has_connections_of_its_own() -> None:
    """Own limits, own session; closing it closes its connections, and it can be used again."""
    with WireServer(ok()) as server:
        one, other = Transport(max_connections=7), Transport(max_connections=7)
        send(server.url, transport=one).read()
        send(server.url, transport=other).read()
        assert 2 == server.connections
        one.close()
        assert server.wait_closed(1)
        send(server.url, transport=one).read()
        assert 3 == server.connections
        one.close()
        other.close()
        Transport().close()


@pytest.mark.parametrize("value", [0, -1, True, 1.5, "100", None], ids=repr)
def test_max_connections_must_be_a_positive_whole_number(value: Any) -> None:
    """Anything else is an error at once."""
    with pytest.raises(ConfigurationError, match=f"max_connections must be a whole number from 1, got {value!r}"):
        Transport(max_connections=value)


def test_an_adapter_pickles_without_its_connections() -> None:
    """As requests' own does; what arrives has the same limits and empty pools."""
    with WireServer(ok()) as server:
        adapter = PooledAdapter(7)
        with requests.Session() as mounted:
            mounted.mount("http://", adapter)
            send(server.url, transport=Transport(session=mounted)).read()
        again = pickle.loads(pickle.dumps(adapter))
    assert (7, {}) == (again._pool_maxsize, again._pools)


def test_the_memory_of_hosts_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that talks to any number of hosts keeps the settings of the last ones only."""
    monkeypatch.setattr(transport, "MAX_HOSTS", 2)
    with WireServer(ok()) as one, WireServer(ok()) as two, WireServer(ok()) as three:
        shared = new_transport()
        for server in (one, two, three):
            send(server.url, transport=shared).read()
        assert [three.url] == list(shared._routes)
        assert 1 == len(shared._own.get_adapter(one.url)._pools)  # type: ignore[union-attr]


# What is not looked up, and not sent


def test_cookies_are_refused(own_session: requests.Session) -> None:
    """What a provider sets is neither kept nor sent."""
    with WireServer(http_response(200, {"Set-Cookie": "session=1; Path=/"}, b"{}")) as server:
        shared = Transport()
        for _ in range(2):
            send(server.url, transport=shared).read()
        assert [] == list(own_session.cookies)
        own_session.close()
    assert ["cookie" in request.headers for request in server.requests] == [False, False]


def test_the_jar_takes_no_cookie_by_hand_either() -> None:
    """The shared jar stays empty whatever is done to it."""
    jar = session().cookies
    jar.set("a", "b")
    assert [] == list(jar)


def test_netrc_never_replaces_a_key(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path, own_session: requests.Session) -> None:
    """A password for the host in .netrc is not sent, whether there is a key or not."""
    file = tmp_path / "netrc"
    file.write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(file))
    with WireServer(ok()) as server:
        send(server.url, transport=Transport()).read()
        Transport().send(prepare("groq", "GET", server.url, {}, None), new_call()).read()
        own_session.close()
    assert [f"Bearer {SECRET}", None] == [request.headers.get("authorization") for request in server.requests]


def test_the_environments_proxy_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """HTTP_PROXY gets the request, with the whole address in its first line, and the password for the proxy."""
    with WireServer(ok(b"by proxy")) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url.replace("//", "//me:pw@"))
        monkeypatch.setenv("http_proxy", proxy.url.replace("//", "//me:pw@"))
        shared = new_transport(max_connections=3)
        for _ in range(2):
            assert b"by proxy" == send(f"{BASE}/v1?a=b", transport=shared).read()
    assert f"{BASE}/v1?a=b" == proxy.requests[0].path
    assert "Basic bWU6cHc=" == proxy.requests[0].headers["proxy-authorization"]
    assert 1 == proxy.connections


def test_no_proxy_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host in NO_PROXY is reached directly."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with WireServer(ok(b"direct")) as server:
        assert b"direct" == send(server.url).read()


def test_the_environment_is_read_once_a_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """Later calls look nothing up, and later changes change nothing."""
    looked: list[str] = []
    real = requests.utils.get_environ_proxies
    monkeypatch.setattr(requests.utils, "get_environ_proxies", lambda url, **_: (looked.append(url), real(url))[1])
    with WireServer(ok()) as one, WireServer(ok()) as other:
        shared = new_transport()
        for server in (one, one, other):
            send(server.url, transport=shared).read()
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
        send(one.url, transport=shared).read()
    assert [f"{one.url}/v1/chat", f"{other.url}/v1/chat"] == looked


def test_given_proxies_replace_those_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when there are none: `proxies={}` goes directly."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with WireServer(ok(b"direct")) as server, WireServer(ok(b"by proxy")) as proxy:
        assert b"direct" == send(server.url, transport=new_transport(proxies={})).read()
        assert b"by proxy" == send(server.url, transport=new_transport(proxies={"http": proxy.url})).read()


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_the_environments_ca_bundle_is_used(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of the usual variables names the authorities to trust, also when verify=True is given."""
    monkeypatch.setenv(name, ca_file())
    with WireServer(ok(b"trusted"), tls=True) as server:
        assert b"trusted" == send(server.url, transport=Transport(max_connections=3)).read()
        assert b"trusted" == send(server.url, transport=Transport(verify=True)).read()


def test_a_missing_ca_bundle_is_a_mistake_in_the_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told before anything is sent, and does not look like a failure of the network."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
    with WireServer(ok(), tls=True) as server, pytest.raises(ConfigurationError, match="the CA bundle '/nowhere/ca.pem' cannot be used"):
        send(server.url, transport=Transport(max_connections=3))
    assert 0 == server.connections


# Proxies


@pytest.mark.parametrize("proxy_tls", [False, True], ids=["plain proxy", "tls proxy"])
def test_a_tls_host_is_reached_through_a_tunnel(proxy_tls: bool) -> None:
    """CONNECT first, then TLS with the host itself, whose certificate is checked; connections are used again."""
    with WireServer(ok(b"inside"), tls=True) as server, WireServer(relay, tls=proxy_tls) as proxy:
        shared = new_transport(proxies={"https": proxy.url.replace("//", "//me:pw@")})
        for _ in range(2):
            assert b"inside" == send(server.url, transport=shared).read()
        shared.close()
    asked = [(each.method, each.path, each.headers["proxy-authorization"]) for each in proxy.requests]
    assert [("CONNECT", f"127.0.0.1:{server.port}", "Basic bWU6cHc=")] == asked
    assert ["proxy-authorization" in each.headers for each in server.requests] == [False, False]


def test_a_plain_host_is_reached_through_a_tls_proxy() -> None:
    """A proxy that speaks TLS itself forwards plain requests."""
    with WireServer(ok(b"forwarded"), tls=True) as proxy:
        assert b"forwarded" == send(f"{BASE}/v1", transport=new_transport(proxies={"http": proxy.url})).read()
    assert f"{BASE}/v1" == proxy.requests[0].path


def test_a_stream_through_a_tunnel_can_be_cancelled() -> None:
    """TLS within TLS is woken like any other connection."""
    with WireServer([http_response(200, body=b"x", length=9), stall()], tls=True) as server, WireServer(relay, tls=True) as proxy:
        call = new_call()
        exchange = send(server.url, transport=new_transport(proxies={"https": proxy.url}), call=call)
        assert b"x" == exchange.read_some()
        reading = Running(exchange.read_some)
        time.sleep(0.05)
        call.cancel()
        assert isinstance(reading.join(), CancelledError)


@pytest.mark.parametrize(("status", "retryable"), [(407, False), (503, True)])
def test_a_proxy_that_refuses_is_told_as_such(status: int, retryable: bool) -> None:
    """The proxy's answer to CONNECT is in the message; only its own trouble is worth another try."""
    with WireServer(http_response(status, body=b"no")) as proxy:
        with pytest.raises(NetworkError, match=f"the proxy did not connect to api.example: {status}") as caught:
            send("https://api.example/v1", transport=new_transport(proxies={"https": proxy.url}))
        assert proxy.wait_closed()
    assert retryable == caught.value.retryable


def test_a_proxy_that_drips_its_answer_is_bounded_by_connect() -> None:
    """Tunnelling is part of connecting."""
    with WireServer([drip(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100, 0.01)]) as proxy:
        started = time.monotonic()
        with pytest.raises(RequestTimeoutError) as caught:
            send("https://api.example/v1", transport=new_transport(proxies={"https": proxy.url}), call=new_call(Timeout(connect=0.15)))
        assert time.monotonic() - started < 1
    assert "connect" == caught.value.limit


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:9", "nonsense://127.0.0.1:9", "http://"])
def test_a_proxy_that_cannot_be_used_is_a_mistake_in_the_configuration(proxy: str) -> None:
    """An unknown scheme, missing support for SOCKS, a proxy without a host."""
    with pytest.raises(ConfigurationError):
        send(f"{BASE}/v1", transport=new_transport(proxies={"http": proxy}))


# TLS


def expired() -> ssl.SSLContext:
    """Return a server's context whose certificate was good until 2001."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    then = datetime.datetime(2001, 1, 1, tzinfo=datetime.UTC)
    authority().issue_cert("127.0.0.1", not_before=then - datetime.timedelta(days=1), not_after=then).configure_cert(context)
    return context


def of_another_authority() -> ssl.SSLContext:
    """Return a server's context whose authority nobody trusts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.mark.parametrize(
    ("context", "message"),
    [
        (expired, "has expired"),
        (lambda: server_context("other.example"), "is for another host"),
        (of_another_authority, "comes from an unknown authority"),
    ],
    ids=["expired", "wrong host", "unknown authority"],
)
def test_a_bad_certificate_is_told_and_not_tried_again(context: Callable[[], ssl.SSLContext], message: str) -> None:
    """The message says which of the ways to be wrong it is; another try would not help."""
    with WireServer(ok(), tls=context()) as server:
        with pytest.raises(NetworkError, match=f"the TLS certificate of 127.0.0.1:{server.port} {message}") as caught:
            send(server.url)
        assert server.wait_closed()
    assert not caught.value.retryable


def test_a_plain_server_behind_https_is_told() -> None:
    """The wrong scheme in an address shows as such."""

    def answer_plainly(peer: Peer) -> None:
        peer.send(http_response(400, body=b"plain HTTP"))

    with WireServer(answer_plainly) as server, pytest.raises(NetworkError, match="TLS with 127.0.0.1:.* failed") as caught:
        send(server.url.replace("http:", "https:"))
    assert not caught.value.retryable


def test_a_server_that_closes_within_the_handshake_may_be_tried_again() -> None:
    """A closed handshake is the network's trouble."""

    def refuse(peer: Peer) -> None:
        peer.read(5)
        raise Closed

    with WireServer(refuse) as server, pytest.raises(NetworkError) as caught:
        send(server.url.replace("http:", "https:"))
    assert caught.value.retryable


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_verify_false_trusts_anyone() -> None:
    """Switching the check off works, with urllib3's warning."""
    with WireServer(ok(b"whoever"), tls=of_another_authority()) as server:
        assert b"whoever" == send(server.url, transport=new_transport(verify=False)).read()


def test_verify_false_is_warned_about() -> None:
    """An unverified connection is not silent."""
    with WireServer(ok(), tls=True) as server, pytest.warns(urllib3.exceptions.InsecureRequestWarning):
        send(server.url, transport=new_transport(verify=False)).read()


@pytest.mark.parametrize("pair", [False, True], ids=["one file", "two files"])
def test_a_client_certificate_is_sent(pair: bool, tmp_path: pathlib.Path) -> None:
    """A server that asks for one gets it, given as one file or as certificate and key."""
    issued = authority().issue_cert("client.example")
    both, certificate, key = tmp_path / "both.pem", tmp_path / "cert.pem", tmp_path / "key.pem"
    issued.private_key_and_cert_chain_pem.write_to_path(str(both))
    issued.cert_chain_pems[0].write_to_path(str(certificate))
    issued.private_key_pem.write_to_path(str(key))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority().issue_cert("127.0.0.1").configure_cert(context)
    authority().configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    with WireServer(ok(b"known"), tls=context) as server:
        cert = (str(certificate), str(key)) if pair else str(both)
        assert b"known" == send(server.url, transport=new_transport(cert=cert)).read()


# Other eyes


@responses.activate
def test_responses_sees_the_call() -> None:
    """A test that mocks requests with `responses` gets every call, and its answer is read whole or in pieces."""
    responses.post(f"{BASE}/v1/chat", json={"a": 1}, headers={"X-Request-Id": "r1"})
    responses.post(f"{BASE}/v1/chat", body=b"data: 1\n\n", status=429)
    exchange = send(BASE, transport=Transport())
    assert (200, b'{"a": 1}', "r1", False) == (exchange.status, exchange.read(), exchange.headers["X-REQUEST-ID"], exchange.reused)
    exchange = send(BASE, transport=Transport())
    assert (429, [b"data: 1\n\n"]) == (exchange.status, list(iter(exchange.read_some, b"")))
    assert [b"{}"] * 2 == [call.request.body for call in responses.calls]
    assert f"Bearer {SECRET}" == responses.calls[0].request.headers["authorization"]


@responses.activate
def test_a_call_that_responses_does_not_know_is_a_network_error() -> None:
    """Its ConnectionError is requests' own."""
    with pytest.raises(NetworkError):
        send(BASE, transport=Transport())


@responses.activate
def test_what_a_test_tool_raises_on_purpose_passes_through() -> None:
    """An exception of the test's own is not turned into another."""
    responses.post(f"{BASE}/v1/chat", body=LookupError("mine"))
    with pytest.raises(LookupError, match="mine"):
        send(BASE, transport=Transport())


@responses.activate
def test_a_mocked_timeout_is_a_timeout() -> None:
    """requests' own timeouts get a limit's name."""
    for error, limit in ((requests.ConnectTimeout("slow"), "connect"), (requests.ReadTimeout("slow"), "read")):
        responses.reset()
        responses.post(f"{BASE}/v1/chat", body=error)
        with pytest.raises(RequestTimeoutError) as caught:
            send(BASE, transport=Transport())
        assert limit == caught.value.limit


def test_requests_mock_sees_the_call() -> None:
    """The same with requests-mock."""
    with requests_mock.Mocker() as mocker:
        mocker.post(f"{BASE}/v1/chat", text="hello", headers={"X-A": "1"}, status_code=201)
        exchange = send(BASE, transport=Transport())
        assert (201, "1", b"hello") == (exchange.status, exchange.headers["x-a"], exchange.read())
        exchange = send(BASE, transport=Transport())
        assert b"hello" == exchange.read_error()
    assert b"{}" == mocker.request_history[0].body


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_vcrpy_records_and_replays(secure: bool, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cassette is written from real traffic, also through connections that were open before, and replayed without a server."""
    cassette = str(tmp_path / "cassette.yaml")
    shared = new_transport()
    with WireServer(ok(b"live"), http_response(200, CHUNKED, chunked([b"re", b"corded"]), length=None), tls=secure) as server:
        assert b"live" == send(server.url, transport=shared).read()
        with vcr.use_cassette(cassette, filter_headers=["authorization"]):
            assert b"recorded" == send(server.url, transport=shared).read()
        assert 2 == len(server.requests)
    with vcr.use_cassette(cassette, record_mode="none") as played:
        for way in (Exchange.read, lambda exchange: b"".join(iter(exchange.read_some, b""))):
            played.rewind()
            assert b"recorded" == way(send(server.url, transport=shared))
        assert played.all_played
    with pytest.raises(NetworkError):
        send(server.url, transport=shared)
    assert SECRET not in pathlib.Path(cassette).read_text()


def test_a_hook_of_the_given_session_sees_the_answer() -> None:
    """A hook may look, and read; the answer is the same for us."""
    seen: list[Any] = []

    def look(response: requests.Response, **_: Any) -> None:
        seen.append((response.status_code, response.json(), response.headers["content-type"], response.request.method, response.encoding))

    with WireServer(ok(b'{"a": 1}')) as server, requests.Session() as mine:
        mine.hooks["response"].append(look)
        exchange = send(server.url, transport=Transport(session=mine))
        assert b'{"a": 1}' == exchange.read()
    assert [(200, {"a": 1}, "application/json", "POST", "utf-8")] == seen


def test_a_hook_of_the_shared_session_sees_the_answer(own_session: requests.Session) -> None:
    """Hooks on the process's session see all calls; one that reads the body leaves the connection clean."""
    seen: list[bytes] = []
    own_session.hooks = {"response": lambda response, **_: seen.append(response.content)}  # type: ignore[dict-item]  # requests takes a callable too
    with WireServer(ok(b"body")) as server:
        assert [b"body"] * 2 == [send(server.url, transport=Transport()).read() for _ in range(2)]
        own_session.close()
    assert [b"body"] * 2 == seen
    assert 1 == server.connections


def test_a_hook_that_raises_frees_the_connection() -> None:
    """Its exception passes through, and the pool keeps all its slots."""

    def fail(response: requests.Response, **_: Any) -> None:
        raise LookupError("mine")

    with WireServer(ok()) as server:
        own = new_transport(max_connections=1)
        own._own.hooks["response"] = [fail]  # type: ignore[union-attr]
        for _ in range(2):
            with pytest.raises(LookupError, match="mine"):
                send(server.url, transport=own)
        assert server.wait_closed()


def test_a_hook_that_returns_another_answer_frees_the_first() -> None:
    """What a hook puts in the place of an answer is used; the one that came is dropped."""
    other = requests.Response()
    other.status_code, other._content, other.url = 418, b"teapot", BASE
    with WireServer(ok()) as server:
        own = new_transport(max_connections=1)
        own._own.hooks["response"] = [lambda *_, **__: other]  # type: ignore[union-attr]
        for _ in range(2):
            exchange = send(server.url, transport=own)
            assert (418, b"teapot") == (exchange.status, exchange.read())


# A session of the user's own


def test_a_given_session_is_used_as_it_is() -> None:
    """Its adapters, proxies and verify count; its auth, cookies, params and headers do not; it is not closed."""
    with WireServer(ok(b"by proxy")) as proxy, requests.Session() as mine:
        mine.proxies = {"http": proxy.url}
        mine.auth, mine.params = ("me", "pw"), {"q": "1"}
        mine.headers["X-Mine"] = "1"
        mine.cookies.set("a", "b")
        given = Transport(session=mine)
        assert b"by proxy" == send(f"{BASE}/v1", transport=given).read()
        given.close()
        assert b"by proxy" == mine.get(f"{BASE}/again").content
    request = proxy.requests[0]
    assert (f"{BASE}/v1", f"Bearer {SECRET}") == (request.path, request.headers["authorization"])
    assert not {"x-mine", "cookie"} & request.headers.keys()


def test_a_given_sessions_verify_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """requests itself would let the environment win."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", tls.DEFAULT_CA_BUNDLE_PATH)
    with WireServer(ok(b"fine"), tls=True) as server, requests.Session() as mine:
        mine.verify = ca_file()
        assert b"fine" == send(server.url, transport=Transport(session=mine)).read()


def test_a_given_session_may_take_its_bundle_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """As requests does when the session says nothing else."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", ca_file())
    with WireServer(ok(b"fine"), tls=True) as server, requests.Session() as mine:
        assert b"fine" == send(server.url, transport=Transport(session=mine)).read()


def test_options_beside_a_session_win_over_it() -> None:
    """What is said to the transport is nearer than what the session says."""
    with WireServer(ok(b"fine"), tls=True) as server, requests.Session() as mine:
        mine.verify = "/nowhere"
        assert b"fine" == send(server.url, transport=Transport(session=mine, verify=ca_file())).read()


@pytest.mark.parametrize(
    "script",
    [
        [http_response(200, body=b"abc")],
        [http_response(200, CHUNKED, chunked([b"a", b"bc"]), length=None)],
        [http_response(200, {"Content-Encoding": "gzip"}, gzip.compress(b"abc"))],
    ],
    ids=["length", "chunked", "gzip"],
)
def test_a_session_with_requests_own_adapters_works(script: list[bytes]) -> None:
    """Answers from pools that know nothing of calls are read whole and in pieces, and their connections come back."""
    with WireServer(script) as server, requests.Session() as mine:
        given = Transport(session=mine)
        assert b"abc" == send(server.url, transport=given).read()
        assert b"abc" == b"".join(iter(send(server.url, transport=given).read_some, b""))
        send(server.url, transport=given).close()
    assert server.connections <= 2


def test_a_session_with_requests_own_adapters_streams() -> None:
    """The first bytes come at once there too."""
    released = threading.Event()
    script = [http_response(200, CHUNKED, chunked([b"first"], last=False), length=None), stall(released), chunked([b"last"])]
    with WireServer(script) as server, requests.Session() as mine:
        exchange = send(server.url, transport=Transport(session=mine))
        assert b"first" == exchange.read_some()
        released.set()
        assert b"last" == b"".join(iter(exchange.read_some, b""))


@pytest.mark.parametrize("timeout", [Timeout(read=0.1), Timeout(total=0.1)], ids=["read", "total"])
def test_a_session_with_requests_own_adapters_times_out(timeout: Timeout) -> None:
    """A silent server is not waited for longer than the limits say."""
    with WireServer([stall()]) as server, requests.Session() as mine, pytest.raises(RequestTimeoutError):
        send(server.url, transport=Transport(session=mine), call=new_call(timeout))


def test_a_session_with_requests_own_adapters_notices_the_end_of_a_call() -> None:
    """Cancelling and the total are seen at the next read, and a cut body is an error."""
    with WireServer([http_response(200, body=b"abc", length=9), close]) as server, requests.Session() as mine:
        given, call = Transport(session=mine), new_call()
        exchange = send(server.url, transport=given, call=call)
        call.cancel()
        with pytest.raises(CancelledError):
            exchange.read()
        with pytest.raises(NetworkError, match="ended early"):
            send(server.url, transport=given).read()


def test_a_redirect_of_a_session_with_requests_own_adapters_is_an_answer() -> None:
    """requests reads its body while it works out where it would go; we get it all the same."""
    with WireServer(http_response(302, {"Location": "/elsewhere"}, b"moved")) as server, requests.Session() as mine:
        exchange = send(server.url, transport=Transport(session=mine))
        assert (302, b"moved") == (exchange.status, exchange.read())
    assert 1 == len(server.requests)


def test_an_adapter_of_the_users_own_is_asked() -> None:
    """Any adapter will do, also one whose raw is a plain file."""

    class Canned(requests.adapters.BaseAdapter):
        def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
            response = requests.Response()
            response.status_code, response.raw, response.url = 200, io.BytesIO(b"canned"), str(request.url)
            return response

        def close(self) -> None:
            pass

    with requests.Session() as mine:
        mine.mount(BASE, Canned())
        exchange = send(BASE, transport=Transport(session=mine))
        assert (b"canned", b"") == (exchange.read_some(), exchange.read_some())
        mine.adapters.clear()
        with pytest.raises(ConfigurationError):
            send(BASE, transport=Transport(session=mine))


# Secrets


def failing(kind: str) -> Iterator[str]:
    """Yield the address of a server that fails in a certain way."""
    if kind == "refused":
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        yield f"http://127.0.0.1:{port}"
        return
    scripts: dict[str, Any] = {"reset": [reset], "timeout": [stall()], "tls": ok(), "cut": [http_response(200, body=b"x", length=9), close]}
    with WireServer(scripts[kind], tls=of_another_authority() if kind == "tls" else False) as server:
        yield server.url


@pytest.mark.parametrize("kind", ["refused", "reset", "timeout", "tls", "cut"])
def test_no_key_is_in_a_traceback(kind: str) -> None:
    """Error reporters that show each frame's locals, and whatever is chained, find no key."""
    for url in failing(kind):
        request = prepare("groq", "POST", f"{url}/v1?key={SECRET}", {"Authorization": f"Bearer {SECRET}"}, b"{}")
        with pytest.raises(ProviderError) as caught:
            new_transport().send(request, new_call(0.2)).read()
        error = caught.value
        shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
        assert "Error" in shown
        assert SECRET not in shown
        assert SECRET not in repr(error.__dict__)
        assert (None, None) == (error.__cause__, error.__context__)


def test_no_key_of_a_hook_is_in_a_traceback() -> None:
    """An error of ours that comes from below leaves the frames behind that it came through."""

    def fail(response: requests.Response, **_: Any) -> None:
        key = response.request.headers["Authorization"]
        raise ConfigurationError("groq", f"a key of {len(key)} characters is too short")

    with WireServer(ok()) as server:
        own = new_transport()
        own._own.hooks["response"] = [fail]  # type: ignore[union-attr]
        request = prepare("groq", "POST", f"{server.url}/v1", {"Authorization": f"Bearer {SECRET}"}, b"{}")
        with pytest.raises(ConfigurationError, match="too short") as caught:
            own.send(request, new_call())
    assert SECRET not in "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())


@pytest.mark.parametrize("way", ["prepare", "check"])
def test_no_key_is_in_the_traceback_of_a_bad_header(way: str) -> None:
    """A key with a line break is refused in frames that no longer hold it."""

    def bad() -> dict[str, str]:
        return {"Authorization": f"Bearer {SECRET}\n"}

    with pytest.raises(ConfigurationError, match="'Authorization' holds a control character") as caught:
        prepare("groq", "POST", BASE, bad(), None) if way == "prepare" else check_headers("groq", bad())
    assert SECRET not in "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
