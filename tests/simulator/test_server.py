"""The server: HTTP as it comes off the socket, gauges and journal, fork and end."""

import json
import os
import socket
import threading
import time

import pytest

from llmclient.simulator import Simulator, serve, shared, start

MODELS = b"GET /v1/models HTTP/1.1\r\nhost: x\r\n"


@pytest.fixture
def connect(simulator):
    """Open a connection to the simulator."""
    opened = []

    def make():
        sock = socket.create_connection(("127.0.0.1", simulator.port), timeout=5)
        opened.append(sock)
        return sock

    yield make
    for sock in opened:
        sock.close()


def read(sock):
    """Return all that comes until the end."""
    data = b""
    while piece := sock.recv(65_536):
        data += piece
    return data


def read_answer(sock, data=b""):
    """Return the status and body of one answer with a Content-Length, and what came after it."""
    while b"\r\n\r\n" not in data:
        data += sock.recv(65_536)
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    while len(body) < length:
        body += sock.recv(65_536)
    return int(head.split()[1]), body[:length], body[length:]


def test_a_connection_serves_many_requests(simulator, connect):
    """One after the other."""
    sock = connect()
    for _ in range(3):
        sock.sendall(MODELS + b"\r\n")
        assert read_answer(sock)[0] == 200
    assert simulator.accepted == 1


def test_requests_may_come_all_at_once(connect):
    """Answers keep their order, and bytes that belong to the next request are not lost."""
    sock = connect()
    sock.sendall(MODELS + b"\r\n" + b"GET /v1/models/a HTTP/1.1\r\nhost: x\r\n\r\n" + b"GET /v1/models/b HTTP/1.1\r\nhost: x\r\n\r\n")
    status, _, rest = read_answer(sock)
    second = read_answer(sock, rest)
    third = read_answer(sock, second[2])
    assert (status, json.loads(second[1])["id"], json.loads(third[1])["id"]) == (200, "a", "b")


def test_a_request_may_come_byte_by_byte(connect):
    """Head and body are put together."""
    sock = connect()
    for byte in b"POST /v1/moderations HTTP/1.1\r\nHost: x\r\nContent-Length: 14\r\n\r\n" + b'{"input": "x"}':
        sock.sendall(bytes([byte]))
    assert read_answer(sock)[0] == 200


def test_a_body_may_come_in_chunks(connect):
    """With extensions and trailers."""
    sock = connect()
    sock.sendall(
        b'POST /v1/moderations HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n5;x=y\r\n{"inp\r\n9\r\nut": "x"}\r\n0\r\ntrailer: 1\r\n\r\n' + MODELS + b"\r\n"
    )
    status, body, rest = read_answer(sock)
    assert (status, json.loads(body)["results"][0]["flagged"]) == (200, False)
    assert read_answer(sock, rest)[0] == 200


def test_a_client_may_wait_for_continue(connect):
    """It is told to go on."""
    sock = connect()
    sock.sendall(b"POST /v1/moderations HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 14\r\n\r\n")
    assert sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    sock.sendall(b'{"input": "x"}')
    assert read_answer(sock)[0] == 200


@pytest.mark.parametrize(
    ("request_head", "closes"),
    [
        (MODELS + b"connection: close\r\n\r\n", True),
        (MODELS + b"Connection: Keep-Alive\r\n\r\n", False),
        (b"GET /v1/models HTTP/1.0\r\n\r\n", True),
        (b"GET /v1/models HTTP/1.0\r\nconnection: keep-alive\r\n\r\n", False),
    ],
)
def test_the_connection_closes_when_it_should(connect, request_head, closes):
    """And says so."""
    sock = connect()
    sock.sendall(request_head)
    if closes:
        assert b"connection: close\r\n" in read(sock)
    else:
        assert read_answer(sock)[0] == 200
        sock.sendall(request_head)
        assert read_answer(sock)[0] == 200


def test_head_gets_no_body(connect):
    """The status of a method that is not allowed, then the next answer."""
    sock = connect()
    sock.sendall(b"HEAD /v1/models HTTP/1.1\r\nhost: x\r\n\r\n")
    assert sock.recv(65_536).startswith(b"HTTP/1.1 405")
    sock.sendall(MODELS + b"connection: close\r\n\r\n")
    assert read(sock).startswith(b"HTTP/1.1 200")


def test_a_proxys_form_of_the_address_is_understood(connect):
    """With scheme and host before the path."""
    sock = connect()
    sock.sendall(b"GET http://example.com/v1/models?limit=3 HTTP/1.1\r\nhost: example.com\r\n\r\n")
    assert read_answer(sock)[0] == 200


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"POST /v1/embeddings HTTP/1.1\r\ncontent-length: many\r\n\r\n", 400),
        (b"POST /v1/embeddings HTTP/1.1\r\ncontent-length: -1\r\n\r\n", 400),
        (b"POST /v1/embeddings HTTP/1.1\r\ncontent-length: 999999999999\r\n\r\n", 413),
        (b"POST /v1/embeddings HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n", 400),
        (b"GET / HTTP/1.1\r\nx: " + b"y" * 70_000, 431),
    ],
)
def test_what_is_no_http_is_refused(connect, request_bytes, status):
    """And the connection is closed, since nobody knows where the next request would begin."""
    sock = connect()
    sock.sendall(request_bytes)
    assert read(sock).startswith(b"HTTP/1.1 %d " % status)


def test_a_client_that_leaves_early_harms_nobody(simulator, connect):
    """In the middle of a head, of a body, or without a word."""
    for part in (
        b"",
        b"POST /v1",
        b"POST /v1/embeddings HTTP/1.1\r\ncontent-length: 9\r\n\r\nx",
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n5\r\nx",
    ):
        sock = connect()
        sock.sendall(part)
        sock.close()
    sock = connect()
    sock.sendall(MODELS + b"\r\n")
    assert read_answer(sock)[0] == 200
    assert until(lambda: simulator.connections == 1)


def until(condition):
    """Wait for what another thread does; gives whether it came true in five seconds."""
    deadline = time.monotonic() + 5
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.002)
    return condition()


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/", 404), ("POST", "/v1/chat", 404), ("GET", "/v1/chat/completions", 405), ("PUT", "/v1/models/a", 405)]
)
def test_unknown_paths_and_methods(simulator, http, method, path, status):
    """In OpenAI's shape of errors."""
    response = http.request(method, simulator.url + path)
    assert response.status_code == status
    assert set(response.json()["error"]) == {"message", "type", "param", "code"}
    assert path in response.json()["error"]["message"]


def test_the_journal_has_the_requests(simulator, http):
    """Method, path, headers in lower case, the parsed body; keys are masked."""
    http.post(
        simulator.url + "/v1/moderations?a=b", json={"input": "x"}, headers={"Authorization": "Bearer sk-secret", "X-API-Key": "secret", "X-Other": "seen"}
    )
    http.post(simulator.url + "/v1/moderations", data=b"{oops", headers={"content-type": "application/json"})
    http.post(simulator.url + "/v1/moderations", data=b"raw", headers={"content-type": "text/plain"})
    http.get(simulator.url + "/elsewhere")
    first, second, third, fourth = simulator.requests
    assert (first.method, first.path, first.body) == ("POST", "/v1/moderations", {"input": "x"})
    assert (first.headers["authorization"], first.headers["x-api-key"], first.headers["x-other"]) == ("***", "***", "seen")
    assert "secret" not in repr(simulator.requests)
    assert (second.body, third.body, fourth.path, fourth.body) == (b"{oops", b"raw", "/elsewhere", b"")
    simulator.clear()
    assert simulator.requests == []


def test_the_journal_is_bounded(simulator, connect):
    """A thousand requests, the newest of all."""
    sock = connect()
    for block in range(11):
        sock.sendall(b"".join(b"GET /%d HTTP/1.1\r\nhost: x\r\n\r\n" % (block * 100 + index) for index in range(100)))
        rest = b""
        for _ in range(100):
            _, _, rest = read_answer(sock, rest)
    assert [recorded.path for recorded in (simulator.requests[0], simulator.requests[-1])] == ["/100", "/1099"]
    assert len(simulator.requests) == 1_000


def test_gauges_count_connections(simulator, connect):
    """How many are open, how many were at most, how many there were."""
    socks = [connect() for _ in range(3)]
    assert until(lambda: simulator.connections == 3)
    for sock in socks:
        sock.close()
    assert until(lambda: simulator.connections == 0)
    connect()
    assert until(lambda: simulator.connections == 1)
    assert (simulator.max_connections, simulator.accepted) == (3, 4)


def test_many_threads_get_their_own_answers(simulator):
    """Nobody gets somebody else's."""
    wrong = []

    def run(name):
        with socket.create_connection(("127.0.0.1", simulator.port), timeout=5) as sock:
            for turn in range(20):
                body = json.dumps({"model": "echo", "messages": [{"role": "user", "content": f"{name} {turn}"}]}).encode()
                sock.sendall(b"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
                text = json.loads(read_answer(sock)[1])["choices"][0]["message"]["content"]
                if text != f"{name} {turn}":
                    wrong.append(text)

    threads = [threading.Thread(target=run, args=(name,)) for name in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert wrong == []
    assert len(simulator.requests) == 320


def test_close_drops_connections_and_frees_the_port(http):
    """It may be called twice, and the simulator may start again on its port."""
    simulator = start()
    with socket.create_connection(("127.0.0.1", simulator.port), timeout=5) as sock:
        sock.sendall(MODELS + b"\r\n")
        read_answer(sock)
        simulator.close()
        simulator.close()
        assert read(sock) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", simulator.port), timeout=5)
    with simulator.start():
        assert http.get(simulator.url + "/v1/models", headers={"connection": "close"}).status_code == 200


def test_a_simulator_that_never_started_can_be_closed():
    """Nothing happens."""
    Simulator().close()


def test_a_port_that_is_taken_is_an_error(simulator):
    """An OSError, as from any server."""
    with pytest.raises(OSError, match="in use"):
        Simulator(port=simulator.port).start()


def test_every_address_of_the_machine_only_when_asked(simulator):
    """The default is this machine alone."""
    assert simulator.url.startswith("http://127.0.0.1:")
    with Simulator(host="0.0.0.0") as open_to_all, socket.create_connection(("127.0.0.1", open_to_all.port), timeout=5) as sock:
        sock.sendall(MODELS + b"connection: close\r\n\r\n")
        assert read(sock).startswith(b"HTTP/1.1 200")


@pytest.mark.skipif(not socket.has_ipv6, reason="this system has no IPv6")
def test_an_address_of_the_newer_kind(http):
    """It stands in brackets in the address."""
    try:
        simulator = Simulator(host="::1").start()
    except OSError as error:
        pytest.skip(f"this machine has no ::1 ({error})")
    with simulator:
        assert simulator.url == f"http://[::1]:{simulator.port}"
        assert http.get(simulator.url + "/v1/models").status_code == 200


def test_serve_runs_until_it_is_told(http):
    """It says where it listens, and each request and its status."""
    urls, lines, ready, until_then = [], [], threading.Event(), threading.Event()
    thread = threading.Thread(target=serve, kwargs={"port": 0, "ready": lambda url: (urls.append(url), ready.set()), "log": lines.append, "until": until_then})
    thread.start()
    assert ready.wait(5)
    assert http.get(urls[0] + "/v1/models").status_code == 200
    until_then.set()
    thread.join(5)
    assert not thread.is_alive()
    assert lines == ["GET /v1/models 200"]


def test_shared_is_one_simulator(http):
    """However often and from whatever thread it is asked for."""
    found = []
    threads = [threading.Thread(target=lambda: found.append(shared())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert {id(simulator) for simulator in found} == {id(shared())}
    assert http.get(shared().url + "/v1/models").status_code == 200


def ask_in_child(simulator, inherited, stopped):
    """Run in a forked child: return what it finds."""
    own = shared()
    with socket.create_connection(("127.0.0.1", own.port), timeout=5) as sock:
        sock.sendall(MODELS + b"connection: close\r\n\r\n")
        works = read(sock).startswith(b"HTTP/1.1 200")
    simulator.close()
    stopped.close()
    return {"works": works, "port": own.port, "held": [connection._sock.fileno() for connection in inherited], "listening": simulator._listener is not None}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_has_its_own(connect, simulator):
    """It lets go of the parent's sockets, and the parent's connections go on."""
    parents = shared().port
    sock = connect()
    sock.sendall(MODELS + b"\r\n")
    read_answer(sock)
    inherited = list(simulator._open)
    stopped = Simulator().start()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writer, json.dumps(ask_in_child(simulator, inherited, stopped)).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        found = json.load(pipe)
    os.waitpid(child, 0)
    assert found["works"]
    assert found["port"] != parents
    assert found["held"] == [-1]
    assert not found["listening"]
    stopped.close()
    sock.sendall(MODELS + b"\r\n")
    assert read_answer(sock)[0] == 200
