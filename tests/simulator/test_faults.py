"""Faults on request, seen from the socket."""

import email.utils
import json
import socket
import threading
import time

import pytest

from llmclient.simulator import Fault, Simulator
from llmclient.simulator.exchange import Failure
from llmclient.simulator.faults import NAMES

QUESTION = "one two three"


@pytest.fixture
def talk(simulator):
    """Send one chat request with a fault; gives a socket from which the answer can be read."""
    opened = []

    def send(fault, *, stream=False, version="HTTP/1.1"):
        body = json.dumps({"model": "echo", "messages": [{"role": "user", "content": QUESTION}], "stream": stream}).encode()
        head = f"POST /v1/chat/completions {version}\r\nhost: x\r\nconnection: close\r\nx-simulator-fault: {fault}\r\ncontent-length: {len(body)}\r\n\r\n"
        sock = socket.create_connection(("127.0.0.1", simulator.port), timeout=5)
        opened.append(sock)
        sock.sendall(head.encode() + body)
        return sock

    yield send
    for sock in opened:
        sock.close()


def read(sock):
    """Return all that comes until the end, and whether the connection was reset."""
    data = b""
    try:
        while piece := sock.recv(65_536):
            data += piece
    except ConnectionResetError:
        return data, True
    return data, False


def read_until_quiet(sock):
    """Return all that comes until nothing comes for a while; the end must not come."""
    data = b""
    while True:
        try:
            piece = sock.recv(65_536)
        except TimeoutError:
            return data
        assert piece
        data += piece
        sock.settimeout(0.15)


def body_of(data):
    """Return the body of an answer, without its chunks' sizes; the last chunk need not be there."""
    head, _, body = data.partition(b"\r\n\r\n")
    if b"chunked" not in head:
        return body
    whole = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        whole += body[: int(size, 16)]
        body = body[int(size, 16) + 2 :]
    return whole


def events_of(data):
    """Return the events of a streamed answer."""
    return [event for event in body_of(data).split(b"\n\n") if event]


@pytest.mark.parametrize(
    ("spec", "status", "headers"),
    [
        ("status=429;retry-after=0.1", 429, {"retry-after": "0.1"}),
        ("retry-after=3", 429, {"retry-after": "3"}),
        ("status=503; retry-after-ms=50", 503, {"retry-after-ms": "50"}),
        ("status=500", 500, {}),
        ("status=529", 529, {}),
    ],
)
def test_a_status_with_hints(ask, spec, status, headers):
    """The error has the dialect's shape, and the hint stands in its header."""
    for response in (ask(headers={"x-simulator-fault": spec}), ask(model=f"fault/{spec}")):
        assert response.status_code == status
        assert headers.items() <= {name.lower(): value for name, value in response.headers.items()}.items()
        assert "asked to fail" in response.json()["error"]["message"]
        assert ("retry-after" in response.headers) is ("retry-after" in headers)


def test_a_hint_as_a_date(ask):
    """The date is as many seconds away as was asked for."""
    response = ask(model="fault/status=503;retry-after-date=20")
    wait = email.utils.parsedate_to_datetime(response.headers["retry-after"]).timestamp() - time.time()
    assert 15 < wait <= 21


def test_code_type_and_message_can_be_chosen(ask):
    """For failures that are told apart by them."""
    error = ask(model="fault/status=429;code=insufficient_quota;message=No more money.").json()["error"]
    assert error == {"message": "No more money.", "type": "insufficient_quota", "param": None, "code": "insufficient_quota"}
    assert ask(model="fault/status=400;type=odd").json()["error"]["type"] == "odd"


def test_an_error_under_status_200(ask):
    """Plain and where a stream was asked for: the body is the error."""
    for stream in (False, True):
        response = ask(model="fault/error-200;code=overloaded", stream=stream)
        assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
        assert response.json()["error"]["code"] == "overloaded"
    assert ask(model="fault/error=1").json()["error"]["type"] == "server_error"


@pytest.mark.parametrize("stream", [False, True])
def test_cut_resets_the_connection(talk, stream):
    """After so many bytes of the body, even if that is more than there are."""
    data, reset = read(talk("cut=20", stream=stream))
    assert (len(body_of(data)), reset) == (20, True)
    data, reset = read(talk("cut=0", stream=stream))
    assert (len(body_of(data)), reset) == (0, True)
    assert read(talk("cut=100000", stream=stream))[1]


def test_truncate_ends_a_stream_cleanly(talk):
    """After so many events, without a reason and without the end marker."""
    data, reset = read(talk("truncate=2", stream=True))
    assert (len(events_of(data)), reset) == (2, False)
    assert data.endswith(b"\r\n0\r\n\r\n")
    data, _ = read(talk("truncate=100", stream=True))
    assert b'"finish_reason":"' not in data
    assert b"[DONE]" not in data


def test_truncate_shortens_a_plain_body(ask):
    """Its length is right, its JSON is not."""
    response = ask(model="fault/truncate=7")
    assert (response.status_code, response.content) == (200, b'{"id":"')


def test_no_done_leaves_only_the_end_marker_out(talk):
    """The reason to finish is there."""
    data, _ = read(talk("no-done", stream=True))
    assert b'"finish_reason":"stop"' in data
    assert b"[DONE]" not in data
    assert data.endswith(b"\r\n0\r\n\r\n")


def test_error_comes_after_so_many_events(talk):
    """And nothing after it."""
    data, _ = read(talk("error=2;code=overloaded", stream=True))
    events = events_of(data)
    assert len(events) == 3
    assert json.loads(events[2].removeprefix(b"data: "))["error"]["code"] == "overloaded"


def test_garbage_comes_in_the_middle(talk):
    """One event is no JSON, the others are as they should be."""
    events = events_of(read(talk("garbage", stream=True))[0])
    assert events[2] == b'data: {"id": oops'
    assert events[-1] == b"data: [DONE]"
    assert b"one" in events[1]
    assert b"two" in events[3]


def test_garbage_in_place_of_a_plain_answer(ask):
    """A page of HTML under status 200."""
    response = ask(model="fault/garbage")
    assert (response.status_code, response.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert response.text.startswith("<!DOCTYPE html>")


@pytest.mark.parametrize("stream", [False, True])
def test_stall_keeps_the_connection_open(talk, stream):
    """What came before stays readable, then nothing comes, and the end neither."""
    sock = talk("stall=2", stream=stream)
    data = read_until_quiet(sock)
    if stream:
        assert len(events_of(data)) == 2
    else:
        assert body_of(data) == b'{"'
        assert b"content-length: 2\r\n" not in data


def test_a_stalled_connection_ends_with_the_client(simulator, talk):
    """The thread does not wait for ever, nor for the patience of the simulator."""
    sock = talk("stall=0")
    sock.recv(10)
    sock.close()
    deadline = time.monotonic() + 5
    while simulator.connections and time.monotonic() < deadline:
        time.sleep(0.005)
    assert simulator.connections == 0


def test_a_stalled_connection_takes_what_comes(talk):
    """A client that goes on talking is not cut off, and not answered either."""
    sock = talk("stall=1", stream=True)
    first = read_until_quiet(sock)
    sock.sendall(b"GET /v1/models HTTP/1.1\r\n\r\n")
    assert len(events_of(first)) == 1
    assert read_until_quiet(sock) == b""


def test_a_stalled_connection_ends_with_the_simulators_patience(talk, monkeypatch):
    """Half a minute, here less."""
    monkeypatch.setattr("llmclient.simulator.connection.PATIENCE", 0.05)
    data, reset = read(talk("stall=1", stream=True))
    assert (len(events_of(data)), reset) == (1, False)


def test_a_stalled_connection_ends_with_the_simulator():
    """`close` does not wait for it."""
    with Simulator() as simulator, socket.create_connection(("127.0.0.1", simulator.port), timeout=5) as sock:
        sock.sendall(b"GET /v1/models HTTP/1.1\r\nhost: x\r\nx-simulator-fault: stall=0\r\n\r\n")
        sock.recv(10)
        start = time.monotonic()
        simulator.close()
        read(sock)
    assert time.monotonic() - start < 2


@pytest.mark.parametrize("spec", ["slow-headers=20", "drip=20"])
def test_a_slow_answer_ends_with_the_simulator(spec):
    """A wait of the simulator's own ends at once, too."""
    with Simulator() as simulator, socket.create_connection(("127.0.0.1", simulator.port), timeout=5) as sock:
        sock.sendall(f"GET /v1/models HTTP/1.1\r\nhost: x\r\nx-simulator-fault: {spec}\r\n\r\n".encode())
        while not simulator.requests:
            time.sleep(0.001)
        start = time.monotonic()
        simulator.close()
        read(sock)
    assert time.monotonic() - start < 2


@pytest.mark.parametrize(("stream", "beat"), [(True, b": keep-alive\n\n"), (False, b"\n")])
def test_keepalive_sends_nothing_but_heartbeats(talk, monkeypatch, stream, beat):
    """Again and again, in chunks."""
    monkeypatch.setattr("llmclient.simulator.connection.PATIENCE", 0.2)
    body = body_of(read(talk("keepalive", stream=stream))[0])
    assert len(body) >= len(beat)
    assert body == beat * (len(body) // len(beat))


@pytest.mark.parametrize("stream", [False, True])
def test_drip_pauses_between_single_bytes(talk, stream):
    """The whole answer comes, byte by byte."""
    sock = talk("drip=0.0001", stream=stream)
    data, reset = read(sock)
    assert not reset
    assert (b"[DONE]" if stream else b'"total_tokens"') in body_of(data)
    if stream:
        assert b"\r\n1\r\nd\r\n1\r\na\r\n" in data


def test_slow_headers_delay_the_status_line(talk):
    """Not a byte comes before."""
    start = time.monotonic()
    assert talk("slow-headers=0.1").recv(1) == b"H"
    assert time.monotonic() - start >= 0.1


@pytest.mark.parametrize(("stream", "content_type"), [(False, "application/json"), (True, "text/event-stream; charset=utf-8")])
def test_empty_is_a_success_without_a_body(ask, stream, content_type):
    """With the content type that a good answer has."""
    response = ask(model="fault/empty", stream=stream)
    assert (response.status_code, response.content, response.headers["content-type"]) == (200, b"", content_type)


def test_times_limits_a_fault_to_the_first_requests(ask):
    """Those with the same body count; another body begins anew."""
    spec = {"x-simulator-fault": "status=503;times=2"}
    assert [ask("a", headers=spec).status_code for _ in range(4)] == [503, 503, 200, 200]
    assert ask("b", headers=spec).status_code == 503


def test_counters_are_bounded(ask, monkeypatch):
    """The oldest is forgotten."""
    monkeypatch.setattr("llmclient.simulator.server._COUNTERS", 1)
    spec = {"x-simulator-fault": "status=503;times=1"}
    assert [ask(question, headers=spec).status_code for question in "aaba"] == [503, 200, 503, 503]


def test_times_counts_across_threads(ask):
    """Exactly so many fail."""
    statuses = []
    threads = [threading.Thread(target=lambda: statuses.append(ask(model="fault/status=500;times=3").status_code)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] * 5 + [500] * 3


def test_queued_faults_hit_the_next_requests(simulator, ask):
    """In order, whatever the requests are; a request's own fault goes first."""
    simulator.fault("status=500", times=2)
    simulator.fault("truncate=1")
    assert ask(model="fault/status=400").status_code == 400
    assert [ask().status_code for _ in range(2)] == [500, 500]
    assert ask().content == b"{"
    assert ask().json()["choices"]
    simulator.fault("status=500")
    simulator.clear()
    assert ask().status_code == 200


@pytest.mark.parametrize(
    "spec",
    ["explode", "status", "status=", "status=abc", "status=200", "status=304", "status=600", "cut=-1", "drip=nan", "drip=inf", "no-done=1", "", ";", "times=3"],
)
def test_an_unknown_fault_is_refused_by_name(ask, spec):
    """With status 400, and by an exception where it was to be queued."""
    for response in (ask(headers={"x-simulator-fault": spec}), ask(model=f"fault/{spec}")):
        assert (response.status_code, response.json()["error"]["code"]) == (400, "unknown_fault")
        assert repr(spec) in response.json()["error"]["message"]
    with pytest.raises(Failure):
        Simulator().fault(spec)


def test_every_fault_has_a_description():
    """And its value is read as it should be."""
    assert all(description for _, description in NAMES.values())
    fault = Fault.parse("status=500; drip=0.5;message=a = b")
    assert fault.values == {"status": 500, "drip": 0.5, "message": "a = b"}
    assert (fault.count("drip"), fault.text("status"), fault.number("message"), fault.count("cut")) == (None, None, None, None)


@pytest.mark.parametrize("stream", [False, True])
def test_faults_for_old_clients(talk, stream):
    """HTTP/1.0 knows no chunks: the end of the connection is the end."""
    data, _ = read(talk("drip=0", stream=stream, version="HTTP/1.0"))
    assert b"chunked" not in data
    assert (b"data: [DONE]\n\n" if stream else b"}") in data[-20:]
