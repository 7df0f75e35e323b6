"""Streams end complete, with a typed error, or truncated; never otherwise. Played by a server that scripts bytes."""

from __future__ import annotations

import gc
import json
import os
import pickle
import threading
import time
import weakref

import pytest

from llmclient import errors
from llmclient.deadline import Timeout
from llmclient.dialects.openai import OpenAIChat
from llmclient.provider import Provider
from llmclient.retry import Retry
from llmclient.types.chat import ChatRequest
from tests.wireserver import CHUNKED, WireServer, answers, chunked, close, drip, half_close, http_response, reset, signal, sse, stall

STREAM = {"Content-Type": "text/event-stream"}


class Adapter(Provider):
    """An adapter of one slot."""

    name = "acme"
    chat = OpenAIChat()


def event(text: str | None = None, finish: str | None = None, **more: object) -> str:
    """Return one event's JSON as OpenAI writes it."""
    delta = {} if text is None else {"content": text}
    return json.dumps({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]} | more)


WHOLE = (event("Hel"), event("lo"), event(finish="stop"))


def head(body: bytes = b"", length: int | None = None) -> bytes:
    """Return a stream's head, with chunked framing unless a length is given."""
    return http_response(200, STREAM | ({} if length is not None else CHUNKED), body, length=length)


def provider(server: WireServer, retry: Retry | None = None, timeout: Timeout | float | None = None) -> Adapter:
    """Return a provider that talks to the server; a failed attempt is repeated at once."""
    return Adapter({"api_key": "k-123456", "api_base": server.url}, retry=retry or Retry(min_wait=0.0), timeout=timeout)


def ask(server: WireServer, **how: object):
    """Open a stream on the server."""
    return provider(server, **how).chat_completion_stream(ChatRequest.make("m", "hi"))


def complete(*payloads: str) -> bytes:
    """Return a whole stream."""
    return http_response(200, STREAM, sse(*payloads))


def test_a_stream_gives_chunks_and_then_the_response():
    """Both tell the same story."""
    with WireServer(complete(*WHOLE)) as server, ask(server) as stream:
        assert [chunk.text for chunk in stream] == ["Hel", "lo", ""]
        assert (stream.response.text, stream.response.finish_reason, stream.response.provider) == ("Hello", "stop", "acme")
        assert stream.response.attempts[0].status == 200
        assert stream.response.request.json()["stream"] is True


def test_with_is_not_needed():
    """A stream is an iterator."""
    with WireServer(complete(*WHOLE)) as server:
        stream = ask(server)
        assert next(stream).text == "Hel"
        assert [chunk.text for chunk in stream] == ["lo", ""]
        with pytest.raises(StopIteration):
            next(stream)
        assert stream.response.text == "Hello"


def test_a_loop_that_was_left_can_be_taken_up_again():
    """No chunk is lost between two loops."""
    with WireServer(complete(*WHOLE)) as server:
        stream = ask(server)
        for chunk in stream:
            assert chunk.text == "Hel"
            break
        assert [chunk.text for chunk in stream] == ["lo", ""]


def test_read_gives_the_whole_response():
    """For those who want chunks only sometimes."""
    with WireServer(complete(*WHOLE)) as server:
        assert ask(server).read().text == "Hello"


def test_the_connection_is_used_again():
    """After the end marker it goes back to the pool."""
    with WireServer(complete(*WHOLE)) as server:
        one = provider(server)
        for _ in range(3):
            assert one.chat_completion_stream(ChatRequest.make("m", "hi")).read().text == "Hello"
        assert server.connections == 1


CUTS = {
    "a clean end of chunks": [head(), chunked([sse(event("Hel"), done=False)])],
    "a clean end by length": [http_response(200, STREAM, sse(event("Hel"), done=False))],
    "the end of the connection": [http_response(200, STREAM | {"Connection": "close"}, sse(event("Hel"), done=False), length=None), close],
    "a missing last chunk": [head(), chunked([sse(event("Hel"), done=False)], last=False), close],
    "a reset": [head(), chunked([sse(event("Hel"), done=False)], last=False), drip(b"", 0), lambda peer: time.sleep(0.05), reset],
    "a half-closed connection": [head(), chunked([sse(event("Hel"), done=False)], last=False), half_close],
    "a length that is too long": [http_response(200, STREAM, sse(event("Hel"), done=False), length=5000), close],
}


@pytest.mark.parametrize("script", CUTS.values(), ids=CUTS)
def test_a_stream_without_an_end_is_truncated(script):
    """Whatever the framing says; what came is kept, and nothing is repeated."""
    with WireServer(script) as server:
        stream = ask(server)
        assert next(stream).text == "Hel"
        with pytest.raises(errors.StreamTruncatedError) as raised:
            next(stream)
        assert (raised.value.provider, raised.value.partial.text, len(server.requests)) == ("acme", "Hel", 1)
        assert [attempt.number for attempt in raised.value.attempts] == [1]
        with pytest.raises(errors.StreamTruncatedError):
            _ = stream.response
        assert pickle.loads(pickle.dumps(raised.value)).partial.text == "Hel"


@pytest.mark.parametrize("cut", [7, 20, -3], ids=["the first letter", "the middle", "the end"])
def test_a_stream_that_ends_within_an_event_is_truncated(cut):
    """Even if the connection was closed in good order: half an event is no garbage, but the place of the cut."""
    body = sse(event("Hel"), done=False) + sse(event("lo"), done=False)[:cut]
    with WireServer([http_response(200, STREAM, body)]) as server, pytest.raises(errors.StreamTruncatedError) as caught:
        ask(server).read()
    assert caught.value.partial.text == "Hel"


class Kept:
    """Something that a caller has."""


FAILURES = {"a status": http_response(400, body=b"{}"), "garbage": complete("nonsense"), "a cut": http_response(200, STREAM, sse(event("Hel"), done=False))}


@pytest.mark.parametrize("script", FAILURES.values(), ids=FAILURES)
@pytest.mark.parametrize("way", ["chat", "stream", "iterate"])
def test_an_error_keeps_nothing_of_its_caller(script, way):
    """Whatever the caller's frames hold, an open stream say, goes with the error, and not when the collector comes."""
    gone = []

    def call(one):
        kept = Kept()
        weakref.finalize(kept, gone.append, True)
        if way == "chat":
            one.chat_completion(ChatRequest.make("m", "hi"))
        for _ in one.chat_completion_stream(ChatRequest.make("m", "hi")):
            pass

    with WireServer(script) as server:
        gc.disable()
        try:
            with pytest.raises(errors.ProviderError) as caught:
                call(provider(server))
            del caught
            assert gone
        finally:
            gc.enable()


def test_a_finish_reason_and_the_end_of_the_body_are_an_end():
    """Some hosts send no marker."""
    with WireServer(http_response(200, STREAM, sse(*WHOLE, done=False))) as server:
        assert ask(server).read().text == "Hello"


def test_chunks_before_an_error_are_handed_over_first():
    """The error inside the stream has the class that the status would have had."""
    failed = json.dumps({"error": {"message": "slow down", "type": "rate_limit_error", "code": "rate_limit_exceeded"}})
    with WireServer(complete(event("Hel"), failed)) as server:
        stream = ask(server)
        assert next(stream).text == "Hel"
        with pytest.raises(errors.RateLimitError, match="slow down"):
            next(stream)
        with pytest.raises(errors.RateLimitError):
            next(stream)
        assert len(server.requests) == 1


def test_an_error_before_the_first_chunk_is_tried_again():
    """Nothing was handed over, so nothing can be doubled."""
    failed = json.dumps({"error": {"message": "slow down", "type": "rate_limit_error"}})
    with WireServer(answers(complete(failed), complete(*WHOLE))) as server:
        stream = ask(server)
        assert stream.read().text == "Hello"
        assert [(attempt.number, attempt.error) for attempt in stream.response.attempts] == [(1, "RateLimitError"), (2, None)]


def test_a_connection_lost_before_the_first_chunk_is_tried_again():
    """On a new connection."""
    with WireServer([head(), close], complete(*WHOLE)) as server:
        assert ask(server).read().text == "Hello"
        assert len(server.requests) == 2


def test_attempts_before_the_first_chunk_are_bounded():
    """The last error is raised, with all attempts."""
    with WireServer([head(), close]) as server:
        stream = ask(server, retry=Retry(max_attempts=2, min_wait=0.0))
        with pytest.raises(errors.NetworkError) as raised:
            next(stream)
        assert (len(server.requests), len(raised.value.attempts)) == (2, 2)


def test_a_refused_key_raises_at_the_call():
    """Not at the first chunk."""
    refused = http_response(401, {"Content-Type": "application/json"}, b'{"error": {"message": "bad key"}}')
    with WireServer(refused) as server, pytest.raises(errors.AuthenticationError, match="bad key"):
        ask(server)


def test_a_busy_server_is_tried_again_at_the_call():
    """Before any byte of a stream."""
    busy = http_response(503, {"Content-Type": "application/json"}, b"{}")
    with WireServer(answers(busy, complete(*WHOLE))) as server:
        assert ask(server).read().text == "Hello"


def test_silence_before_the_first_event_has_its_own_limit():
    """Named first_event."""
    with WireServer([head(), stall()]) as server:
        stream = ask(server, timeout=Timeout(first_event=0.1), retry=Retry(max_attempts=1))
        with pytest.raises(errors.RequestTimeoutError, match="first_event"):
            next(stream)


def test_silence_between_events_has_its_own_limit():
    """Named idle; the chunks before it stay valid."""
    with WireServer([head(), chunked([sse(event("Hel"), done=False)], last=False), stall()]) as server:
        stream = ask(server, timeout=Timeout(idle=0.1))
        assert next(stream).text == "Hel"
        with pytest.raises(errors.RequestTimeoutError, match="idle"):
            next(stream)


def test_keepalive_comments_are_no_events():
    """A server that only keeps the line warm is as silent as any."""
    comments = chunked([b": keepalive\n\n"] * 200, last=False)
    with WireServer([head(), chunked([sse(event("Hel"), done=False)], last=False), drip(comments, 0.02, 17)]) as server:
        stream = ask(server, timeout=Timeout(idle=0.15))
        next(stream)
        started = time.monotonic()
        with pytest.raises(errors.RequestTimeoutError, match="idle"):
            next(stream)
        assert time.monotonic() - started < 1


def test_the_callers_own_time_is_not_idle_time():
    """The limit runs only while we wait."""
    released = threading.Event()
    with WireServer([head(), chunked([sse(event("Hel"), done=False)], last=False), stall(released), chunked([sse(event("lo"), event(finish="stop"))])]) as server:
        stream = ask(server, timeout=Timeout(idle=0.15))
        next(stream)
        time.sleep(0.2)
        released.set()
        assert [chunk.text for chunk in stream] == ["lo", ""]


def test_the_total_bounds_everything():
    """Also a stream whose events never pause."""
    with WireServer([head(), drip(chunked([sse(event("x"), done=False)] * 400, last=False), 0.01, 300)]) as server:
        started = time.monotonic()
        with pytest.raises(errors.RequestTimeoutError, match="total"):
            ask(server, timeout=0.3).read()
        assert time.monotonic() - started < 1


def test_a_stream_can_be_closed_from_another_thread():
    """The reader that waits raises CancelledError."""
    sent = threading.Event()
    with WireServer([head(), chunked([sse(event("Hel"), done=False)], last=False), signal(sent), stall()]) as server:
        stream = ask(server)
        next(stream)
        closer = threading.Timer(0.05, stream.close)
        closer.start()
        started = time.monotonic()
        with pytest.raises(errors.CancelledError):
            next(stream)
        assert time.monotonic() - started < 1
        closer.join()
        assert server.wait_closed()


def test_leaving_early_is_no_error():
    """But what came is no whole response."""
    with WireServer([head(), chunked([sse(event("Hel"), done=False)], last=False), stall()]) as server:
        with ask(server) as stream:
            next(stream)
        with pytest.raises(errors.StreamTruncatedError, match="not read to its end") as raised:
            _ = stream.response
        assert raised.value.partial.text == "Hel"
        assert server.wait_closed()


def test_leaving_early_is_noticed_even_if_all_bytes_had_come():
    """The caller has not seen them."""
    with WireServer(complete(*WHOLE)) as server:
        with ask(server) as stream:
            next(stream)
        with pytest.raises(errors.StreamTruncatedError):
            _ = stream.response


def test_having_seen_the_last_chunk_is_enough():
    """One need not ask for one more."""
    with WireServer(complete(*WHOLE)) as server:
        stream = ask(server)
        while next(stream).finish_reason is None:
            pass
        assert stream.response.text == "Hello"


def test_an_abandoned_stream_gives_its_connection_up():
    """As soon as nobody holds it."""
    with WireServer([head(), chunked([sse(event("Hel"), done=False)], last=False), stall()]) as server:
        next(ask(server))
        gc.collect()
        assert server.wait_closed()


def test_closing_twice_or_at_the_end_does_nothing():
    """It is always safe."""
    with WireServer(complete(*WHOLE)) as server:
        stream = ask(server)
        response = stream.read()
        stream.close()
        stream.close()
        assert stream.response is response
        assert server.connections == 1


def test_a_stream_belongs_to_its_process():
    """A child that inherits it must not read its parent's socket."""
    with WireServer([head(), chunked([sse(event("Hel"), done=False)], last=False), stall()]) as server:
        stream = ask(server)
        next(stream)
        # As in a child: the process is another than the one that opened the stream.
        reader = stream._reader
        reader._pid = reader.exchange._pid = os.getpid() + 1
        with pytest.raises(errors.CancelledError, match="before a fork"):
            next(stream)
        stream.close()
        assert server.open == 1
        reader._pid = reader.exchange._pid = os.getpid()
        stream.close()


def test_a_stream_does_not_pickle():
    """Its response does."""
    with WireServer(complete(*WHOLE)) as server:
        stream = ask(server)
        with pytest.raises(TypeError, match="pickle its response"):
            pickle.dumps(stream)
        assert pickle.loads(pickle.dumps(stream.read())).text == "Hello"


def test_headers_and_attempts_are_known_from_the_start():
    """For logging, say."""
    with WireServer(http_response(200, STREAM | {"x-request-id": "r1"}, sse(*WHOLE))) as server, ask(server) as stream:
        assert (stream.provider, stream.request_id, len(stream.attempts), stream.warnings) == ("acme", "r1", 1, ())
        assert stream.headers["X-Request-Id"] == "r1"


def test_a_plain_call_of_a_stream_only_provider_streams_underneath():
    """The caller gets a whole response."""

    class StreamOnly(Provider):
        name = "acme"
        chat = OpenAIChat(stream_only=True)

    with WireServer(answers(complete(*WHOLE), complete(event("Hel")))) as server:
        one = StreamOnly({"api_key": "k-123456", "api_base": server.url})
        response = one.chat_completion(ChatRequest.make("m", "hi"))
        assert (response.text, server.requests[0].method, json.loads(server.requests[0].body)["stream"]) == ("Hello", "POST", True)
    truncated = http_response(200, STREAM, sse(event("Hel"), done=False))
    with WireServer(truncated) as server:
        one = StreamOnly({"api_key": "k-123456", "api_base": server.url})
        with pytest.raises(errors.StreamTruncatedError):
            one.chat_completion(ChatRequest.make("m", "hi"))
