"""Bodies: whole, piece by piece, cut off, too long, compressed, dropped."""

from __future__ import annotations

import gc
import gzip
import pickle
import threading
import time
import zlib

import pytest

from llmclient import exchange as module
from llmclient.deadline import Timeout
from llmclient.errors import CancelledError, NetworkError, ProviderError, RequestTimeoutError, ResponseParsingError
from llmclient.inflate import Inflater
from llmclient.transport import Exchange
from tests.sending import Running, eventually, new_call, new_transport, send
from tests.wireserver import CHUNKED, Peer, Step, WireServer, answers, chunked, close, drip, http_response, ok, reset, sse, stall

BODY = b"".join(b"line %d of the answer\n" % number for number in range(2000))
GZIP = {"Content-Encoding": "gzip"}
MIB = 1 << 20


def raw_deflate(data: bytes) -> bytes:
    """Return data as those servers send it that take "deflate" at its word."""
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush()


FRAMINGS: dict[str, list[bytes | Step]] = {
    "length": [http_response(200, body=BODY)],
    "chunked": [http_response(200, CHUNKED, chunked([BODY[:10], BODY[10:5000], BODY[5000:]]), length=None)],
    "until close": [http_response(200, body=BODY, length=None), close],
    "length, gzip": [http_response(200, GZIP, gzip.compress(BODY))],
    "chunked, gzip": [http_response(200, GZIP | CHUNKED, chunked([gzip.compress(BODY)[:9], gzip.compress(BODY)[9:]]), length=None)],
    "until close, gzip": [http_response(200, GZIP, gzip.compress(BODY), length=None), close],
    "x-gzip": [http_response(200, {"Content-Encoding": "X-GZIP"}, gzip.compress(BODY))],
    "two gzip members": [http_response(200, GZIP, gzip.compress(BODY[:7]) + gzip.compress(BODY[7:]))],
    "deflate, zlib": [http_response(200, {"Content-Encoding": "deflate"}, zlib.compress(BODY))],
    "deflate, raw": [http_response(200, {"Content-Encoding": "deflate"}, raw_deflate(BODY))],
    "identity": [http_response(200, {"Content-Encoding": "identity"}, BODY)],
}
framings = pytest.mark.parametrize("script", FRAMINGS.values(), ids=FRAMINGS.keys())


def read_all(exchange: Exchange) -> bytes:
    """Read piece by piece to the end."""
    return b"".join(iter(exchange.read_some, b""))


@framings
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_the_whole_body_is_read(script: list[bytes | Step], tls: bool) -> None:
    """However an answer is framed and compressed, `read` returns its body."""
    with WireServer(script, tls=tls) as server:
        exchange = send(server.url)
        assert (200, BODY) == (exchange.status, exchange.read())


@framings
def test_the_body_is_read_piece_by_piece(script: list[bytes | Step]) -> None:
    """The pieces of `read_some` make up the body, and after the end it keeps returning nothing."""
    with WireServer(script) as server:
        exchange = send(server.url)
        assert BODY == read_all(exchange)
        assert b"" == exchange.read_some()


@pytest.mark.parametrize("size", [1, 2, 3, 7])
@pytest.mark.parametrize("parts", [[b"a"], [b"hello", b"", b"x" * 20, b"end"], [b"ab"] * 9], ids=["one", "mixed", "many"])
def test_chunks_may_be_cut_anywhere(parts: list[bytes], size: int) -> None:
    """Wherever the network cuts a chunked body, also within borders, the same bytes come out."""
    parts = [part for part in parts if part]
    with WireServer([http_response(200, CHUNKED, length=None), drip(chunked(parts), 0.0005, size)]) as server:
        assert b"".join(parts) == read_all(send(server.url))


def test_chunk_extensions_and_trailers_are_read_over() -> None:
    """What may stand beside the data is not data."""
    body = b'5;name="v"\r\nhello\r\n6 ; x\r\n world\r\n0\r\nX-Trailer: yes\r\n\r\n'
    with WireServer([http_response(200, CHUNKED, body, length=None)]) as server:
        assert b"hello world" == read_all(send(server.url))


FIRST, SECOND = b"data: first\n\n", b"data: second\n\n"


def flushed(*parts: bytes) -> list[bytes]:
    """Return the gzip of each part, flushed so that each can be read at once."""
    compressor = zlib.compressobj(wbits=31)
    return [compressor.compress(part) + compressor.flush(zlib.Z_SYNC_FLUSH) for part in parts[:-1]] + [compressor.compress(parts[-1]) + compressor.flush()]


def halves(name: str) -> tuple[bytes, bytes]:
    """Return an answer in two parts, split after the first event."""
    one, two = flushed(FIRST, SECOND)
    return {
        "length": (http_response(200, body=FIRST, length=len(FIRST + SECOND)), SECOND),
        "chunked": (http_response(200, CHUNKED, chunked([FIRST], last=False), length=None), chunked([SECOND])),
        "until close": (http_response(200, body=FIRST, length=None), SECOND),
        "gzip": (http_response(200, GZIP, one, length=len(one + two)), two),
        "chunked, gzip": (http_response(200, GZIP | CHUNKED, chunked([one], last=False), length=None), chunked([two])),
    }[name]


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("framing", ["length", "chunked", "until close", "gzip", "chunked, gzip"])
def test_the_first_bytes_are_handed_over_at_once(framing: str, tls: bool) -> None:
    """`read_some` returns what has come while the server still holds back the rest."""
    first, second = halves(framing)
    released = threading.Event()
    with WireServer([first, stall(released), second, close], tls=tls) as server:
        exchange = send(server.url)
        assert FIRST == exchange.read_some()
        released.set()
        assert SECOND == read_all(exchange)


CUT = {
    "short length": [http_response(200, body=BODY, length=len(BODY) + 1), close],
    "no last chunk": [http_response(200, CHUNKED, chunked([BODY], last=False), length=None), close],
    "within a chunk": [http_response(200, CHUNKED, chunked([BODY])[:2000], length=None), close],
    "within a border": [http_response(200, CHUNKED, chunked([b"abc"], last=False) + b"2", length=None), close],
    "no length of a chunk": [http_response(200, CHUNKED, b"xyz\r\n", length=None), close],
    "negative chunk": [http_response(200, CHUNKED, b"-5\r\nhello\r\n0\r\n\r\n", length=None), stall()],
    "reset": [http_response(200, body=BODY, length=len(BODY) + 1), drip(b"", 0), reset],
    "gzip, length": [http_response(200, GZIP, gzip.compress(BODY)[:-9])],
    "gzip, chunked": [http_response(200, GZIP | CHUNKED, chunked([gzip.compress(BODY)[:-9]]), length=None)],
    "gzip, until close": [http_response(200, GZIP, gzip.compress(BODY)[:-1], length=None), close],
    "deflate of one byte": [http_response(200, {"Content-Encoding": "deflate"}, b"x")],
    "no gzip": [http_response(200, GZIP, BODY)],
}


@pytest.mark.parametrize("way", ["read", "read_some"])
@pytest.mark.parametrize("script", CUT.values(), ids=CUT.keys())
def test_a_body_that_is_cut_off_is_an_error(script: list[bytes | Step], way: str) -> None:
    """Less than was announced, in whatever framing, is a NetworkError that may be tried again, never an answer."""
    with WireServer(script) as server:
        exchange = send(server.url)
        with pytest.raises(NetworkError) as caught:
            exchange.read() if way == "read" else read_all(exchange)
    assert caught.value.retryable
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None


def test_what_a_cut_off_compressed_body_holds_is_handed_over_before_the_error() -> None:
    """Events that have come are not lost because the end of their compression has not."""
    stream = zlib.compressobj(wbits=31)
    body = stream.compress(BODY) + stream.flush(zlib.Z_SYNC_FLUSH)
    with WireServer([http_response(200, GZIP, body)]) as server:
        exchange = send(server.url)
        assert BODY == exchange.read_some()
        with pytest.raises(NetworkError):
            exchange.read_some()


def test_a_compressed_body_beyond_the_cap_is_not_inflated(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is too long as it comes would only cost time and memory."""
    monkeypatch.setattr(Inflater, "feed", lambda *_: pytest.fail("inflated"))
    with WireServer([http_response(200, GZIP | CHUNKED, chunked([b"x" * 100] * 5), length=None)]) as server, pytest.raises(ResponseParsingError, match="too long"):
        send(server.url).read(cap=99)


@pytest.mark.parametrize("way", ["read", "read_some"])
def test_a_body_without_anything_needs_no_end_of_compression(way: str) -> None:
    """An empty body that claims to be gzip is empty."""
    with WireServer([http_response(200, GZIP, b"")]) as server:
        exchange = send(server.url)
        assert b"" == (exchange.read() if way == "read" else read_all(exchange))


def test_what_follows_a_gzip_member_is_ignored() -> None:
    """Padding after the end is no error, as with every other client."""
    with WireServer([http_response(200, GZIP, gzip.compress(b"body") + b"\0" * 20)]) as server:
        assert b"body" == send(server.url).read()


@pytest.mark.parametrize("way", ["read", "read_some"])
def test_an_encoding_that_was_not_asked_for_is_an_error(way: str) -> None:
    """Bytes that nobody can read are not passed off as JSON."""
    with WireServer([http_response(200, {"Content-Encoding": "br"}, b"?")]) as server:
        exchange = send(server.url)
        with pytest.raises(ResponseParsingError, match="'br' was not asked for"):
            exchange.read() if way == "read" else exchange.read_some()
        assert server.wait_closed()


def test_an_announced_length_over_the_cap_is_refused_unread() -> None:
    """Two gigabytes are refused on their word, before any of them is read."""
    with WireServer([http_response(200, body=b"x" * 100, length=2 << 30), stall()]) as server:
        with pytest.raises(ResponseParsingError, match="too long: 2147483648 bytes, and the limit is 268435456"):
            send(server.url).read()
        assert server.wait_closed()


LONG = {
    "chunked": [http_response(200, CHUNKED, chunked([b"x" * 600] * 5), length=None)],
    "until close": [http_response(200, body=b"x" * 3000, length=None), close],
    "gzip": [http_response(200, GZIP, gzip.compress(b"x" * 3000))],
}


@pytest.mark.parametrize("script", LONG.values(), ids=LONG.keys())
def test_a_body_that_turns_out_too_long_is_refused(script: list[bytes | Step]) -> None:
    """What announces no length is counted while it comes."""
    with WireServer(script) as server:
        transport = new_transport()
        assert b"x" * 3000 == send(server.url, transport=transport).read(3000)
        with pytest.raises(ResponseParsingError, match="more than 2999 bytes, and the limit is 2999"):
            send(server.url, transport=transport).read(2999)
        assert server.wait_closed()


def test_a_compressed_bomb_takes_no_more_memory_than_the_cap() -> None:
    """A megabyte that would inflate to a gigabyte is stopped at the cap."""
    compressor = zlib.compressobj(9, wbits=31)
    bomb = b"".join([compressor.compress(b"\0" * MIB) for _ in range(64)] + [compressor.flush()])
    with WireServer([http_response(200, GZIP, bomb)]) as server:
        transport = new_transport()
        with pytest.raises(ResponseParsingError, match="more than 1048576 bytes"):
            send(server.url, transport=transport).read(MIB)
        pieces = list(iter(send(server.url, transport=transport).read_some, b""))
    assert 64 * MIB == sum(map(len, pieces))
    assert max(map(len, pieces)) <= MIB


def test_a_large_body_is_read_without_one_allocation_for_all() -> None:
    """Over 16 MiB the announced length is not believed at once, but it is read all the same."""
    body = b"0123456789abcdef" * (17 * MIB // 16)
    with WireServer([http_response(200, body=body)]) as server:
        assert body == send(server.url).read()


@pytest.mark.parametrize("framing", [{}, {"Content-Length": "5"}, CHUNKED, CHUNKED | {"X-Odd": "\t"}], ids=["none", "length", "chunked", "odd"])
@pytest.mark.parametrize(("status", "method"), [(204, "POST"), (304, "GET"), (200, "HEAD")])
def test_answers_that_have_no_body_end_at_once(status: int, method: str, framing: dict[str, str]) -> None:
    """No content, not modified, and an answer to HEAD end with their head, whatever it announces; their connection is used again."""
    with WireServer([http_response(status, framing, length=None)]) as server:
        transport = new_transport()
        assert b"" == send(server.url, transport=transport, method=method, body=None).read()
        assert b"" == send(server.url, transport=transport, method=method, body=None).read_some()
        send(server.url, transport=transport, method=method, body=None).read()
    assert 1 == server.connections


def test_a_whole_body_gives_the_connection_back() -> None:
    """The next call goes over the same connection, and says so."""
    with WireServer(FRAMINGS["chunked, gzip"]) as server:
        transport = new_transport()
        first, second = send(server.url, transport=transport), None
        assert not first.reused
        first.read()
        second = send(server.url, transport=transport)
        assert second.reused
        assert BODY == read_all(second)
        assert b"" == second.read()
        send(server.url, transport=transport).read()
    assert 1 == server.connections


def test_the_last_byte_gives_the_connection_back() -> None:
    """A stream of known length need not be asked once more."""
    with WireServer([http_response(200, body=b"all")]) as server:
        transport = new_transport(max_connections=1)
        exchange = send(server.url, transport=transport)
        assert b"all" == exchange.read_some()
        assert b"all" == send(server.url, transport=transport).read()
    assert 1 == server.connections


def test_headers_are_found_in_any_case_and_pickle() -> None:
    """Headers keep their spelling and order, repeated ones are joined."""
    with WireServer([http_response(200, [("X-Request-Id", "r1"), ("Via", "a"), ("via", "b")], b"{}")]) as server:
        headers = send(server.url).headers
    again = pickle.loads(pickle.dumps(headers))
    assert ("r1", "r1", "a, b", "2") == (headers["x-request-id"], again["X-REQUEST-ID"], headers["Via"], headers.get("content-length"))


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_an_answer(status: int) -> None:
    """Nothing is followed: the key stays with the host that it was meant for."""
    with WireServer([http_response(status, {"Location": "http://127.0.0.1:9/elsewhere"}, b"moved")]) as server:
        exchange = send(server.url)
        assert (status, b"moved") == (exchange.status, exchange.read())
        assert "http://127.0.0.1:9/elsewhere" == exchange.headers["location"]
    assert 1 == len(server.requests)


def test_an_error_body_is_cut_at_its_cap() -> None:
    """More than the cap is dropped without a word, and the connection with it."""
    with WireServer([http_response(500, body=b"e" * 500_000)]) as server:
        exchange = send(server.url)
        assert b"e" * 100 == exchange.read_error(100)
        assert server.wait_closed()


def test_a_short_error_body_gives_the_connection_back() -> None:
    """An error is an answer like any other."""
    with WireServer([http_response(500, GZIP, gzip.compress(b"wrong"))]) as server:
        transport = new_transport()
        for _ in range(2):
            assert b"wrong" == send(server.url, transport=transport).read_error()
    assert 1 == server.connections


BROKEN = {
    "cut": [http_response(500, body=b"what came", length=500), close],
    "no gzip": [http_response(500, CHUNKED | GZIP, chunked([gzip.compress(b"what came")]) + b"junk", length=None), close],
    "unknown encoding": [http_response(500, {"Content-Encoding": "br"}, b"?")],
}


@pytest.mark.parametrize(("script", "expected"), [(BROKEN["cut"], b"what came"), (BROKEN["unknown encoding"], b"")], ids=["cut", "unknown encoding"])
def test_a_broken_error_body_is_what_came(script: list[bytes | Step], expected: bytes) -> None:
    """The status is the news; a body that fails to come must not hide it."""
    with WireServer(script) as server:
        assert expected == send(server.url).read_error()
        assert server.wait_closed()


def test_an_error_body_that_stalls_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error is told after a while, with what has come."""
    monkeypatch.setattr(module, "ERROR_SECONDS", 0.1)
    with WireServer([http_response(500, body=b"so far", length=500), stall()]) as server:
        started = time.monotonic()
        assert b"so far" == send(server.url).read_error()
    assert time.monotonic() - started < 2


def test_reading_an_error_body_can_be_cancelled() -> None:
    """Cancelling is the one thing that is raised instead of returning what came."""
    with WireServer([http_response(500, body=b"so far", length=500), stall()]) as server:
        call = new_call()
        exchange = send(server.url, call=call)
        threading.Timer(0.05, call.cancel).start()
        with pytest.raises(CancelledError):
            exchange.read_error()


DONE = sse('{"a":1}')


def stream_body(end: bytes) -> bytes:
    """Return a stream's answer up to its end marker, and these bytes of framing after it."""
    return http_response(200, CHUNKED, chunked([DONE], last=False) + end, length=None)


def read_until_done(exchange: Exchange) -> None:
    """Read until the stream's own end marker."""
    seen = b""
    while b"[DONE]" not in seen:
        seen += exchange.read_some()


def test_a_finished_stream_gives_its_connection_back() -> None:
    """When the framing ends right after the marker, the connection is used again."""
    with WireServer([stream_body(b"0\r\n\r\n")]) as server:
        transport = new_transport()
        for _ in range(3):
            exchange = send(server.url, transport=transport)
            read_until_done(exchange)
            exchange.finish()
    assert 1 == server.connections


def test_a_stream_without_its_end_is_dropped_soon() -> None:
    """When the framing's end is not in hand within 50 ms, nobody waits for it, and the next call gets another connection."""
    with WireServer([stream_body(b""), stall()], [stream_body(b"0\r\n\r\n")]) as server:
        transport = new_transport()
        exchange = send(server.url, transport=transport)
        read_until_done(exchange)
        started = time.monotonic()
        exchange.finish()
        assert time.monotonic() - started < 0.5
        assert not send(server.url, transport=transport).reused
    assert 2 == server.connections


def test_a_long_rest_is_not_drained() -> None:
    """More than 64 KiB after the marker is not worth reading."""
    with WireServer([stream_body(chunked([b"x" * 40_000] * 4))], tls=True) as server:
        exchange = send(server.url)
        read_until_done(exchange)
        exchange.finish()
        assert server.wait_closed()


def test_a_broken_rest_is_no_error() -> None:
    """The stream has said all; how it ends does not matter."""
    with WireServer([stream_body(b"zz\r\n"), close]) as server:
        exchange = send(server.url)
        read_until_done(exchange)
        exchange.finish()
        exchange.finish()


def test_close_is_idempotent_and_frees_the_slot() -> None:
    """Dropping an answer closes its connection and lets the next call open one."""
    with WireServer([http_response(200, body=b"x", length=100), stall()], ok(b"next")) as server:
        transport = new_transport(max_connections=1)
        exchange = send(server.url, transport=transport)
        exchange.close()
        exchange.close()
        assert b"next" == send(server.url, transport=transport).read()


@pytest.mark.parametrize("way", ["read", "read_some"])
def test_reading_after_close_raises(way: str) -> None:
    """A dropped answer is not an empty one."""
    with WireServer([http_response(200, body=b"x", length=100), stall()]) as server:
        exchange = send(server.url)
        exchange.close()
        with pytest.raises(CancelledError):
            exchange.read() if way == "read" else exchange.read_some()


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("how", ["cancel", "close"])
def test_closing_from_another_thread_wakes_the_reader(how: str, tls: bool) -> None:
    """A reader that waits for bytes raises CancelledError within 0.2 s, and the slot is free again."""
    with WireServer([http_response(200, body=b"x", length=100), stall()], ok(b"next"), tls=tls) as server:
        transport, call = new_transport(max_connections=1), new_call()
        exchange = send(server.url, transport=transport, call=call)
        assert b"x" == exchange.read_some()
        reading = Running(exchange.read_some)
        time.sleep(0.05)
        closed_at = time.monotonic()
        (call.cancel if how == "cancel" else exchange.close)()
        assert isinstance(reading.join(), CancelledError)
        assert reading.ended_at - closed_at < 0.2
        assert b"next" == send(server.url, transport=transport).read()


def test_cancelling_an_ended_call_leaves_the_next_one_alone() -> None:
    """Once its answer has been read, a call no longer holds the connection that another one uses."""
    released = threading.Event()
    with WireServer(answers(ok(b"one"), [stall(released), ok(b"two")])) as server:
        transport, first = new_transport(), new_call()
        send(server.url, transport=transport, call=first).read()
        waiting = Running(lambda: send(server.url, transport=transport).read())
        assert eventually(lambda: len(server.requests) == 2)
        first.cancel()
        released.set()
        assert b"two" == waiting.value()
    assert 1 == server.connections


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_a_reader_never_gets_bytes_after_cancelling(tls: bool) -> None:
    """While the server keeps sending, a cancelled reader raises, and gets neither rest nor ciphertext."""
    event = b"data: 0123456789\n\n"

    def pour(peer: Peer) -> None:
        peer.read_request()
        peer.send(http_response(200, length=None))
        while True:
            peer.send(event)

    with WireServer(pour, tls=tls) as server:
        for _ in range(6):
            call = new_call()
            exchange = send(server.url, call=call)
            seen: list[bytes] = []
            reading = Running(lambda exchange=exchange, seen=seen: [seen.append(exchange.read_some()) for _ in iter(int, 1)])  # type: ignore[misc]
            eventually(lambda seen=seen: seen)  # type: ignore[misc]
            call.cancel()
            assert isinstance(reading.join(), CancelledError)
            assert not b"".join(seen).replace(event, b"").strip(event)


def test_closing_in_the_moment_of_a_read_drops_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Though the read in progress still gets its bytes, nobody is left with the connection."""
    with WireServer([http_response(200, body=b"x", length=100), stall()], ok(b"next")) as server:
        transport = new_transport(max_connections=1)
        exchange = send(server.url, transport=transport)

        def read_some() -> bytes:
            closing.append(Running(exchange.close))
            assert eventually(lambda: exchange._call.cancelled)
            return b"x"

        closing: list[Running] = []
        monkeypatch.setattr(module.Wired, "read_some", lambda _: read_some())
        with pytest.raises(CancelledError):
            exchange.read_some()
        assert closing[0].join() is None
        monkeypatch.undo()
        assert b"next" == send(server.url, transport=transport).read()


def test_a_reader_that_does_not_wake_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """`close` leaves a reader that is busy elsewhere to drop the connection itself."""
    monkeypatch.setattr(module, "WAKE_SECONDS", 0.01)
    with WireServer([http_response(200, body=b"x", length=100), stall()]) as server:
        exchange = send(server.url)
        with exchange._busy:
            exchange.close()
        assert exchange._call.cancelled
        with pytest.raises(CancelledError):
            exchange.read_some()
        assert server.wait_closed()


def test_an_abandoned_answer_frees_its_slot() -> None:
    """Nobody needs to close what nobody holds."""
    with WireServer([http_response(200, body=b"x", length=100), stall()], ok(b"next")) as server:
        transport = new_transport(max_connections=1)
        exchange = send(server.url, transport=transport)
        exchange.read_some()
        del exchange
        gc.collect()
        assert b"next" == send(server.url, transport=transport).read()


def test_a_dripped_body_is_bounded_by_the_total() -> None:
    """A byte now and then does not keep a call alive past its total."""
    with WireServer([http_response(200, length=1000), drip(b"x" * 1000, 0.02)]) as server:
        started = time.monotonic()
        exchange = send(server.url, call=new_call(0.2))
        with pytest.raises(RequestTimeoutError) as caught:
            exchange.read()
    assert "total" == caught.value.limit
    assert 0.15 < time.monotonic() - started < 0.6


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_a_silent_body_is_bounded_by_read(tls: bool) -> None:
    """`read` is the longest silence, however much time is left in total."""
    with WireServer([http_response(200, body=b"x", length=1000), stall()], tls=tls) as server:
        exchange = send(server.url, call=new_call(Timeout(read=0.1)))
        with pytest.raises(RequestTimeoutError) as caught:
            exchange.read()
        assert server.wait_closed()
    assert ("read", "no bytes for 0.1 s (read)") == (caught.value.limit, caught.value.message)


def test_comments_do_not_move_the_idle_limit() -> None:
    """Bytes keep coming, events do not: the stream ends as idle, with the words of the promise."""
    with WireServer([http_response(200, length=None), drip(b": keepalive\n\n" * 200, 0.02, 13)]) as server:
        call = new_call(Timeout(first_event=5, idle=0.2))
        exchange = send(server.url, call=call)
        call.expect_event()
        with pytest.raises(RequestTimeoutError) as caught:
            read_all(exchange)
    assert ("idle", "no event for 0.2 s (idle)") == (caught.value.limit, caught.value.message)


def test_the_first_event_has_a_limit_of_its_own() -> None:
    """Before the first event the silence is called first_event."""
    with WireServer([http_response(200, length=None), stall()]) as server:
        call = new_call(Timeout(first_event=0.1, idle=5))
        call.expect_first_event()
        exchange = send(server.url, call=call)
        with pytest.raises(RequestTimeoutError) as caught:
            exchange.read_some()
    assert "first_event" == caught.value.limit


def test_held_time_does_not_count_as_idle() -> None:
    """While the caller holds a chunk no event is waited for."""
    with WireServer([http_response(200, length=None), drip(b"a" * 10, 0.02), close]) as server:
        call = new_call(Timeout(idle=0.05))
        exchange = send(server.url, call=call)
        call.expect_event()
        exchange.read_some()
        call.hold()
        time.sleep(0.08)
        assert b"a" in exchange.read_some()


def test_errors_are_raised_without_what_led_to_them() -> None:
    """The raised error chains nothing: a chained exception's frames would hold the request."""
    with WireServer([http_response(200, body=b"x", length=100), close]) as server:
        exchange = send(server.url)
        with pytest.raises(ProviderError) as caught:
            exchange.read()
    assert (None, None) == (caught.value.__context__, caught.value.__cause__)
    assert "IncompleteRead" in (caught.value.cause or "")


def test_a_second_answer_on_a_connection_is_told_from_the_first() -> None:
    """Each request gets its own answer, in order."""
    with WireServer(answers(ok(b"one"), ok(b"two"))) as server:
        transport = new_transport()
        assert [b"one", b"two"] == [send(server.url, transport=transport).read() for _ in range(2)]
    assert 1 == server.connections
