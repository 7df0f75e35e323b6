"""The faults, as data: what the server does, and what must come of it. `docs/faults.md` is made from this."""

from __future__ import annotations

import gzip
import itertools
import time
import zlib
from collections.abc import Callable
from typing import Any

from llmclient.deadline import Timeout
from tests.faults import certificates
from tests.faults.play import Case, End, Fault
from tests.faults.wires import LEFT, TEXT, Wire, dump
from tests.sending import ca_file
from tests.wireserver import Peer, Step, Steps, chunked, close, drip, half_close, http_response, reset, stall

ANSWER = End()
NETWORK = End("NetworkError", 2)
REFUSED = End("NetworkError", 1)
GARBLED = End("ResponseParsingError")
CUT = End("StreamTruncatedError", chunks=LEFT)
SLOW = End("RateLimitError", 2)
Script = Callable[[Case], Steps]


def said(answer: Any) -> bool:
    """Return whether the answer is the whole text."""
    return bool(answer.text == TEXT)


def limited(limit: str, attempts: int = 1, chunks: str | None = None) -> End:
    """Return the end by a limit."""
    return End("RequestTimeoutError", attempts, limit, chunks=chunks)


def same(name: str, script: Script | None, end: End, **more: Any) -> Fault:
    """Return a fault that ends both kinds of call alike."""
    if end is ANSWER:
        more.setdefault("check", said)
    return Fault(name, script, end, end, **more)


def repeat(data: bytes, delay: float) -> Step:
    """Return a step that sends the same for ever."""

    def send(peer: Peer) -> None:
        while not peer.server.stopping.wait(delay):
            peer.send(data)

    return send


def pause(peer: Peer) -> None:
    """Let what was sent be read before what comes next."""
    time.sleep(0.03)


def streams(wire: Wire, mode: str) -> bool:
    """Return whether it is a stream."""
    return mode == "stream"


def chats(wire: Wire, mode: str) -> bool:
    """Return whether it is a plain call."""
    return mode == "chat"


def commented(wire: Wire, mode: str) -> bool:
    """Return whether it is a stream that may hold comments."""
    return mode == "stream" and bool(wire.comment)


def textual(wire: Wire, mode: str) -> bool:
    """Return whether the body is text."""
    return mode == "chat" or bool(wire.comment)


def close_at_once(peer: Peer) -> None:
    """Close without having read anything."""
    peer.close()


def refuse_handshake(peer: Peer) -> None:
    """Close within the handshake."""
    peer.read(5)
    peer.close()


def answer_plainly(peer: Peer) -> None:
    """Answer a handshake in plain HTTP."""
    peer.send(http_response(400, body=b"plain HTTP"))
    peer.half_close()
    peer.stall()


HTTPS: dict[str, Any] = {"scheme": "https", "verify": ca_file}
TLS: dict[str, Any] = {"tls": certificates.good, "verify": ca_file}
CONNECTING = (
    same("nothing listens at the port", None, NETWORK),
    same("the name cannot be looked up", lambda c: [], NETWORK, host="nowhere.invalid", echo=False),
    same("closed before the request was read", None, NETWORK, before=close_at_once),
    same("reset before the request was read", None, NETWORK, before=reset),
    same("a self-signed certificate", lambda c: [], REFUSED, tls=certificates.self_signed, verify=ca_file, echo=False),
    same("an expired certificate", lambda c: [], REFUSED, tls=certificates.expired, verify=ca_file, echo=False),
    same("a certificate that is not valid yet", lambda c: [], REFUSED, tls=certificates.early, verify=ca_file, echo=False),
    same("a certificate of another host", lambda c: [], REFUSED, tls=certificates.of_another_host, verify=ca_file, echo=False),
    same("a certificate of an unknown authority", lambda c: [], REFUSED, tls=certificates.of_a_stranger, verify=ca_file, echo=False),
    same("https to a server that speaks plain HTTP", None, REFUSED, before=answer_plainly, **HTTPS, echo=False),
    same("plain HTTP to a server that speaks TLS", lambda c: [], NETWORK, tls=certificates.good, scheme="http", echo=False),
    same("closed within the handshake", None, NETWORK, before=refuse_handshake, **HTTPS, echo=False),
    same(
        "a handshake that stalls", None, limited("connect", 2), before=stall(), **HTTPS, echo=False, timeout=Timeout(connect=0.1, pool=1, total=20), within=0.2
    ),
)

LATE = Timeout(connect=5, pool=1, read=0.1, total=20)
SHORT = Timeout(connect=5, pool=1, total=0.25)
EVENTS = Timeout(connect=5, pool=1, first_event=0.1, idle=0.1, total=20)
HEADS = (
    same("reset before the headers", lambda c: [reset], NETWORK),
    same("closed before the headers", lambda c: [close], NETWORK),
    same("half-closed before the headers", lambda c: [half_close, stall()], NETWORK),
    same("reset within the headers", lambda c: [c.head()[:40], pause, reset], NETWORK),
    same("closed within the headers", lambda c: [c.head()[:40], close], NETWORK),
    same("headers that stall, under `read`", lambda c: [c.head()[:40], stall()], limited("read", 2), timeout=LATE, within=0.2),
    same("no headers at all, under `read`", lambda c: [stall()], limited("read", 2), timeout=LATE, within=0.2),
    same("no headers at all, under `total`", lambda c: [stall()], limited("total"), timeout=SHORT, within=0.25),
    same("headers that drip", lambda c: [drip(c.head(), 0.02)], limited("total"), timeout=SHORT, within=0.25),
    same("another protocol", lambda c: [b"SSH-2.0-OpenSSH_9.6\r\n", close], NETWORK),
    same("ten thousand headers", lambda c: [http_response(200, [(f"x-{n}", "y") for n in range(10_000)], c.body)], NETWORK),
    same("a header line of a megabyte", lambda c: [http_response(200, {"x-long": "y" * (1 << 20)}, c.body)], NETWORK),
    same("a status that is no number", lambda c: [b"HTTP/1.1 OK 200\r\n\r\n", close], NETWORK),
    same("an interim answer before the answer", lambda c: [b"HTTP/1.1 100 Continue\r\n\r\n" + c.whole()], ANSWER, kept=True),
    same("early hints, and the answer later", lambda c: [b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", pause, c.whole()], ANSWER, kept=True),
    same("HTTP/1.0, ended by closing", lambda c: [b"HTTP/1.0 200 OK\r\nContent-Type: " + c.content_type["Content-Type"].encode() + b"\r\n\r\n" + c.body, close], ANSWER),
    same("cookies are set", lambda c: [c.whole(headers={"Set-Cookie": "session=1; Path=/"})], ANSWER, kept=True),
)

FRAMING = (
    same("in chunks", lambda c: [c.head() + chunked(c.parts)], ANSWER, kept=True),
    same("in chunks of a byte", lambda c: [c.head() + chunked([bytes([byte]) for byte in c.body])], ANSWER, kept=True),
    same("in chunks, with trailers", lambda c: [c.head() + chunked(c.parts)[:-2] + b"X-Sum: 1\r\n\r\n"], ANSWER),
    same("ended by closing", lambda c: [c.whole(length=None, headers={"Connection": "close"}), close], ANSWER, kept=False),
    same("`Connection: close`", lambda c: [c.whole(headers={"Connection": "close"})], ANSWER, kept=False),
    Fault("cut off by closing, without a length", lambda c: [c.whole(c.first, length=None), close], GARBLED, CUT, kept=False),
    Fault("cut off within an event, without a length", lambda c: [c.whole(c.body[: len(c.first) + 12], length=None), close], GARBLED, CUT, kept=False),
    Fault("reset within the body", lambda c: [c.whole(c.first, length=len(c.body)), pause, reset], NETWORK, CUT),
    Fault("closed within the body", lambda c: [c.whole(c.first, length=len(c.body)), close], NETWORK, CUT),
    Fault("half-closed within the body", lambda c: [c.whole(c.first, length=len(c.body)), half_close, stall()], NETWORK, CUT),
    same("closed after the headers", lambda c: [c.head(), close], NETWORK),
    same("reset after the headers", lambda c: [c.head(), pause, reset], NETWORK),
    Fault("a length that is too short", lambda c: [c.whole(c.first + c.rest, length=len(c.first))], GARBLED, CUT, kept=False),
    Fault("a length that is too long, then closed", lambda c: [c.whole(length=len(c.body) + 100), close], NETWORK, ANSWER, only=lambda w, m: w.marked or m == "chat"),
    Fault(
        "a length that is too long, then silence", lambda c: [c.whole(length=len(c.body) + 100), stall()], limited("read", 2), ANSWER,
        timeout=LATE, within=0.2, only=lambda w, m: w.marked or m == "chat", kept=False,
    ),
    Fault("a length that is no number", lambda c: [c.whole(headers={"Content-Length": "many"}, length=None), close], ANSWER, ANSWER),
    Fault("two lengths that differ", lambda c: [c.whole(headers={"content-length": "3"})], NETWORK, NETWORK),
    same("a transfer coding that nobody asked for", lambda c: [http_response(200, c.content_type | {"Transfer-Encoding": "br"}, c.body, length=None)], NETWORK),
    Fault("a chunk size that is no number", lambda c: [c.head() + c.chunk(c.first) + b"zz\r\n" + c.rest], NETWORK, CUT),
    Fault("a negative chunk size", lambda c: [c.head() + c.chunk(c.first) + b"-5\r\n" + c.rest], NETWORK, CUT),
    Fault("a chunk that is longer than its size", lambda c: [c.head() + c.chunk(c.first), pause, b"1\r\n" + c.rest + b"\r\n0\r\n\r\n"], NETWORK, CUT),
    Fault("a missing last chunk, then closed", lambda c: [c.head() + c.chunk(c.first), close], NETWORK, CUT),
    Fault("reset between chunks", lambda c: [c.head() + c.chunk(c.first), pause, reset], NETWORK, CUT),
    same("compressed by gzip", lambda c: [c.whole(gzip.compress(c.body), {"Content-Encoding": "gzip"})], ANSWER, kept=True),
    same("compressed by deflate", lambda c: [c.whole(zlib.compress(c.body), {"Content-Encoding": "deflate"})], ANSWER, kept=True),
    same("truncated gzip", lambda c: [c.whole(gzip.compress(c.body, 0)[:20], {"Content-Encoding": "gzip"})], NETWORK),
    same("corrupt gzip", lambda c: [c.whole(gzip.compress(c.body)[:10] + b"\xff" * 40, {"Content-Encoding": "gzip"})], NETWORK),
    same("said to be gzip, and is not", lambda c: [c.whole(headers={"Content-Encoding": "gzip"})], NETWORK),
    same("an encoding that nobody asked for", lambda c: [c.whole(headers={"Content-Encoding": "br"})], GARBLED),
    same("a body of 2 GB, by its length", lambda c: [c.whole(c.first, length=2 << 30), close], GARBLED, only=chats, kept=False),
    Fault("a stream of 2 GB, by its length", lambda c: [c.whole(length=2 << 30), stall()], ANSWER, ANSWER, only=lambda w, m: m == "stream" and w.marked, kept=False),
)

NESTED = b"[" * 100_000
PAGE = b"<!doctype html><html><body><h1>502 Bad Gateway</h1></body></html>"
BODIES = (
    same("an empty body", lambda c: [c.whole(b"")], GARBLED, only=chats),
    same("an empty stream", lambda c: [c.whole(b"")], End("StreamTruncatedError", chunks=""), only=streams),
    same("blanks only", lambda c: [c.whole(b" \n \n")], GARBLED, only=chats),
    same("a page of HTML", lambda c: [http_response(200, {"Content-Type": "text/html"}, PAGE)], GARBLED),
    same("invalid UTF-8", lambda c: [c.whole(c.text(b'{"id": "\xff\xfe"}'))], GARBLED),
    same("invalid JSON", lambda c: [c.whole(c.text(b'{"id": nope}'))], GARBLED),
    Fault("invalid JSON in the middle", lambda c: [c.whole(c.first + c.text(b'{"id": nope}') + c.rest)], GARBLED, End("ResponseParsingError", chunks=LEFT)),
    Fault("invalid UTF-8 in the middle", lambda c: [c.whole(c.first + c.text(b'{"id": "\xff"}') + c.rest)], GARBLED, End("ResponseParsingError", chunks=LEFT)),
    same("JSON nested a hundred thousand deep", lambda c: [c.whole(c.text(NESTED))], GARBLED),
    same("a list", lambda c: [c.whole(c.text(b"[]"))], GARBLED, only=chats),
    same("a number", lambda c: [c.whole(c.text(b"42"))], GARBLED),
    same("an empty object", lambda c: [c.whole(c.text(b"{}"))], GARBLED, only=chats),
    same("an error object", lambda c: [c.whole(dump(c.wire.failure))], SLOW),
    same("an error before the first event", lambda c: [c.whole(c.wire.stream_failure)], SLOW, only=streams),
    same("an error in the middle", lambda c: [c.whole(c.first + c.wire.stream_failure)], End("RateLimitError", chunks=LEFT), only=streams),
    same("no end", lambda c: [c.whole(c.first)], CUT, only=streams),
    Fault(
        "a finish reason that nobody knows",
        lambda c: [c.whole(c.wire.body(finish="odd_reason") if c.mode == "chat" else b"".join(c.wire.frames(finish="odd_reason")))],
        ANSWER,
        ANSWER,
        check=lambda answer: (answer.text, answer.finish_reason) == (TEXT, "unknown"),
        kept=True,
    ),
    same("keepalive comments before and between events", lambda c: [c.whole(c.wire.comment.join([b"", *c.parts]))], ANSWER, only=commented, kept=True),
    same("each byte by itself", lambda c: [c.whole()[: -len(c.body)], drip(c.body, 0)], ANSWER, kept=True),
)

TIME = (
    Fault("a body that drips", lambda c: [c.whole(length=len(c.body))[:-len(c.body)], drip(c.body, 0.02)], limited("total"), limited("total"), timeout=SHORT, within=0.25),
    Fault("a body that stalls, under `total`", lambda c: [c.whole(c.first, length=len(c.body)), stall()], limited("total"), limited("total", chunks=LEFT), timeout=SHORT, within=0.25),
    Fault("a body that stalls, under `read`", lambda c: [c.whole(c.first, length=len(c.body)), stall()], limited("read", 2), limited("read", chunks=LEFT), timeout=LATE, within=0.2),
    same("silence before the first event", lambda c: [c.head(), stall()], limited("first_event", 2), only=streams, timeout=EVENTS, within=0.2),
    same("silence between events", lambda c: [c.head() + c.chunk(c.first), stall()], limited("idle", chunks=LEFT), only=streams, timeout=EVENTS, within=0.1),
    same("comments for ever before the first event", lambda c: [c.head(), repeat(c.chunk(c.wire.comment), 0.01)], limited("first_event", 2), only=commented, timeout=EVENTS, within=0.2),
    same(
        "comments for ever between events", lambda c: [c.head() + c.chunk(c.first), repeat(c.chunk(c.wire.comment), 0.01)], limited("idle", chunks=LEFT),
        only=commented, timeout=EVENTS, within=0.1,
    ),
    same("an endless line", lambda c: [c.head(), c.chunk(c.body[:10]), repeat(c.chunk(b"x" * 16384), 0.01)], limited("total"), only=textual, timeout=SHORT, within=0.25),
    same("an endless error", lambda c: [http_response(500, {"Transfer-Encoding": "chunked"}, length=None), repeat(c.chunk(b"x" * 65536), 0.0)], End("ApiError", 2), within=1.0),
    same("an error that stalls", lambda c: [http_response(500, {}, b'{"error":', length=99), stall()], End("ApiError", 1), timeout=SHORT, within=0.25),
)

AFTER = (
    same("bytes past the length", lambda c: [c.whole() + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"], ANSWER, kept=False),
    same("two answers to one question", lambda c: [c.whole() + c.whole()], ANSWER, kept=False),
    same("two answers to one question, in chunks", lambda c: [(c.head() + chunked(c.parts)) * 2], ANSWER, kept=False),
    same("bytes past the length, in one TLS record", lambda c: [c.whole() + c.whole()], ANSWER, kept=False, **TLS),
    same("an answer nobody asked for, a moment later", lambda c: [c.whole(), pause, c.whole()], ANSWER, settle=0.15, kept=False),
    same("events after the end marker", lambda c: [c.whole(c.body + c.body)], ANSWER, only=lambda w, m: m == "stream" and w.marked),
    same("events for ever after the end marker", lambda c: [c.head() + c.chunk(c.body), repeat(c.chunk(c.wire.event(b"{}")), 0.01)], ANSWER, only=lambda w, m: m == "stream" and w.marked, within=0.1, kept=False),
    same("silence after the end marker", lambda c: [c.head() + c.chunk(c.body), stall()], ANSWER, only=lambda w, m: m == "stream" and w.marked, within=0.1, kept=False),
    same("blanks after the JSON", lambda c: [c.whole(c.body + b"\r\n\r\n ")], ANSWER, only=chats, kept=True),
    same("other bytes after the JSON", lambda c: [c.whole(c.body + b"}")], GARBLED, only=chats, kept=True),
    same("closed after the answer", lambda c: [c.whole(), close], ANSWER),
    same("reset after the answer", lambda c: [c.whole(), pause, reset], ANSWER),
    same("over TLS", lambda c: [c.whole()], ANSWER, kept=True, **TLS),
    Fault("reset within the body, over TLS", lambda c: [c.whole(c.first, length=len(c.body)), pause, reset], NETWORK, CUT, kept=False, **TLS),
    Fault("closed within the body without TLS's farewell", lambda c: [c.whole(c.first, length=None), pause, close], GARBLED, CUT, kept=False, **TLS),
)

GROUPS = {"Connecting": CONNECTING, "Headers": HEADS, "Framing": FRAMING, "Bodies": BODIES, "Time": TIME, "Afterwards": AFTER}
FAULTS = tuple(itertools.chain(*GROUPS.values()))
