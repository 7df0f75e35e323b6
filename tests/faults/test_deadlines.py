"""Whatever a server's delays are, a call ends within its total and half a second; what waits for a retry never crosses it."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from llmclient import errors
from llmclient.deadline import Timeout
from llmclient.provider import Provider
from llmclient.retry import Retry
from llmclient.transport import Transport
from llmclient.types.chat import ChatRequest
from tests.faults.play import CALM, GRACE, MODES, Case, Lateness, Mode, Outcome, ask, provider
from tests.faults.play import Server as WireServer
from tests.faults.wires import BY_NAME, TEXT
from tests.wireserver import Step, Steps, http_response, signal, stall

TOTAL = 0.3
WIDTH = 8
TIMED = (Phase.explicit, Phase.generate)
"""An example that depends on the clock is not worth shrinking."""
OPENAI = BY_NAME["openai"]

delays = st.lists(st.tuples(st.sampled_from([0.0, 0.0, 0.01, 0.05, 0.1, 0.2, 0.5]), st.integers(1, 400)), min_size=1, max_size=12)
scripts = st.tuples(st.sampled_from(sorted(BY_NAME)), st.sampled_from(MODES), st.sampled_from(["length", "chunks", "closing"]), delays)
Script = tuple[str, Mode, str, list[tuple[float, int]]]


def sleep(seconds: float) -> Step:
    """A step: wait."""
    return lambda peer: peer.server.stopping.wait(seconds) and None


def steps(script: Script) -> tuple[Case, Steps]:
    """Return a good answer that comes in pieces with delays before them, the last of which takes the rest."""
    name, mode, framing, cuts = script
    case = Case(BY_NAME[name], mode)
    whole = {
        "length": case.whole(),
        "chunks": case.head() + b"".join(map(case.chunk, case.parts)) + b"0\r\n\r\n",
        "closing": case.whole(length=None),
    }[framing]
    out: list[bytes | Step] = []
    for delay, size in cuts:
        out += [sleep(delay), whole[:size]]
        whole = whole[size:]
    return case, [*out, whole, *([lambda peer: peer.close()] if framing == "closing" else [])]


def needed(script: Script) -> float:
    """Return the seconds that pass before the body has ended."""
    _, played = steps(script)
    seconds = 0.0
    for (delay, _), piece in zip(script[3], played[1::2], strict=False):
        # Closing comes after everything.
        seconds += delay if piece or script[2] == "closing" else 0.0
    return seconds


def run(script: Script) -> Outcome:
    """Make one call to a server with these delays."""
    case, played = steps(script)
    transport = Transport(max_connections=1)
    with WireServer(played) as server:
        one = provider(case, server.url, transport, Timeout(connect=5, pool=1, idle=5, total=TOTAL))
        return ask(one, case.mode, "what?")


@settings(max_examples=10, phases=TIMED)
@given(st.lists(scripts, min_size=WIDTH, max_size=WIDTH))
def test_a_call_ends_within_its_total_whatever_the_delays(batch: list[Script]) -> None:
    """It gives the answer, or names the total; the answer comes where the delays leave time for it."""
    with Lateness() as clock, ThreadPoolExecutor(WIDTH) as pool:
        outcomes = list(pool.map(run, batch))
    for script, outcome in zip(batch, outcomes, strict=True):
        asked = needed(script)
        assert outcome.foreign is None
        assert outcome.seconds <= TOTAL + GRACE + clock.worst
        if outcome.error is not None:
            assert (type(outcome.error), outcome.error.limit) == (errors.RequestTimeoutError, "total")
            assert asked + 0.15 + clock.worst > TOTAL
        else:
            assert outcome.answer.text == TEXT
            # The last frames may bring nothing that the answer needs.
            assert outcome.seconds <= TOTAL + 0.1 + clock.worst


@settings(max_examples=15, phases=TIMED)
@given(st.sampled_from([0.0, 0.02, 0.1, 0.25, 0.35, 1.0, 30.0]), st.sampled_from([429, 503, 500]), st.integers(1, 5), st.sampled_from(MODES))
def test_waiting_for_a_retry_never_crosses_the_deadline(hint: float, status: int, tries: int, mode: Mode) -> None:
    """A hint that would is not waited for: the error comes at once, and says how long the provider asked to wait."""
    busy = http_response(status, {"Retry-After": str(hint)}, b"{}")
    with Lateness() as clock, WireServer(busy) as server:
        settings = {"api_key": "k", "api_base": server.url}
        one = OPENAI.provider()(settings, transport=Transport(max_connections=1), timeout=TOTAL, retry=Retry(max_attempts=tries, min_wait=0.01))
        outcome = ask(one, mode, "what?")
        error = outcome.error
        assert error is not None
        assert outcome.seconds <= TOTAL + GRACE + clock.worst
        assert len(error.attempts) == len(server.requests) <= tries
        if hint >= TOTAL:
            assert (len(server.requests), error.retry_after) == (1, hint)
            assert outcome.seconds < TOTAL + clock.worst
        assert error.retry_after == hint or getattr(error, "limit", "") == "total"


@pytest.mark.parametrize(("timeout", "limit"), [(Timeout(pool=0.1, total=20), "pool"), (Timeout(pool=None, total=0.15), "total")], ids=["pool", "total"])
@pytest.mark.parametrize("mode", MODES)
def test_waiting_for_a_connection_counts(timeout: Timeout, limit: str, mode: Mode) -> None:
    """A pool that stays full ends the call by its own limit, or by the total."""
    busy, over = threading.Event(), threading.Event()
    with Lateness() as clock, WireServer([signal(busy), stall(over)]) as server:
        transport = Transport(max_connections=1)
        holder = threading.Thread(target=ask, args=(provider(Case(OPENAI, "chat"), server.url, transport, CALM), "chat", "what?"))
        holder.start()
        assert busy.wait(5)
        outcome = ask(provider(Case(OPENAI, mode), server.url, transport, timeout), mode, "what?")
        over.set()
        server.stop()
        holder.join(5)
    assert isinstance(outcome.error, errors.RequestTimeoutError)
    assert outcome.error.limit == limit
    assert outcome.seconds <= 0.15 + GRACE + clock.worst


def events(delays: list[float]) -> tuple[Case, Steps]:
    """Return a stream whose events come after these delays, with comments all the while."""
    case = Case(OPENAI, "stream")
    out: list[bytes | Step] = [case.head()]
    for delay, frame in zip(delays, case.parts, strict=False):
        ticks = max(1, round(delay / 0.02))
        out += [step for _ in range(ticks) for step in (sleep(delay / ticks), case.chunk(OPENAI.comment))]
        out.append(case.chunk(frame))
    return case, [*out, b"0\r\n\r\n"]


def stream(delays: list[float]) -> Outcome:
    """Read a stream with these delays before its events."""
    case, played = events(delays)
    with WireServer(played) as server:
        one: Provider = OPENAI.provider()(
            {"api_key": "k", "api_base": server.url},
            transport=Transport(max_connections=1),
            timeout=Timeout(first_event=0.2, idle=0.2, total=20),
            retry=Retry(max_attempts=1),
        )
        return ask(one, case.mode, "what?")


@settings(max_examples=6, phases=TIMED)
@given(st.lists(st.lists(st.sampled_from([0.0, 0.05, 0.5]), min_size=4, max_size=4), min_size=WIDTH, max_size=WIDTH))
def test_first_event_and_idle_count_events_and_not_comments(batch: list[list[float]]) -> None:
    """The first gap that is too long ends the stream, under the name of its limit, though comments come all the while."""
    with Lateness() as clock, ThreadPoolExecutor(WIDTH) as pool:
        outcomes = list(pool.map(stream, batch))
    for gaps, outcome in zip(batch, outcomes, strict=True):
        late = next((number for number, gap in enumerate(gaps) if gap > 0.2), None)
        assert outcome.foreign is None
        if late is None:
            assert outcome.error is None or clock.worst > 0.1
            continue
        assert isinstance(outcome.error, errors.RequestTimeoutError)
        assert outcome.error.limit == ("idle" if late else "first_event") or clock.worst > 0.1
        assert outcome.seconds <= sum(gaps[:late]) + 0.2 + GRACE + clock.worst


def test_a_deadline_that_has_passed_sends_nothing() -> None:
    """A call whose time is over before it begins never reaches the server."""
    with WireServer() as server:
        one = OPENAI.provider()({"api_key": "k", "api_base": server.url}, timeout=Timeout(total=1e-9))
        start = time.monotonic()
        with pytest.raises(errors.RequestTimeoutError):
            one.chat_completion(ChatRequest.make("m", "x"))
        assert time.monotonic() - start < GRACE
        assert server.requests == []
