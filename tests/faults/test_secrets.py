"""A key shows nowhere: not in what is raised, returned, logged, warned, pickled, nor in the variables of a traceback."""

from __future__ import annotations

import base64
import io
import json
import logging
import pickle
import string
import traceback
import urllib.parse
import warnings
from collections.abc import Callable, Iterator

import pytest
import rich.console
import rich.traceback
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import llmclient
from llmclient.deadline import Timeout
from llmclient.errors import ProviderError
from llmclient.retry import Retry
from llmclient.types.answer import Answer
from tests.faults.play import Case, Mode
from tests.faults.play import Server as WireServer
from tests.faults.wires import BY_NAME
from tests.wireserver import Steps, close, http_response, reset, stall


class Current:
    """The key under test. It is in no variable of any frame, which would show it whatever the library does."""

    key = ""


PREFIXES = ("sk-", "sk-proj-", "sk-ant-api03-", "gsk_", "xai-", "AIza", "hf_", "nvapi-", "pplx-", "r8_", "AKIA", "eyJhbGciOi.", "", "key:", "Zm9v/")
shapes = st.tuples(st.sampled_from(PREFIXES), st.text(string.ascii_letters + string.digits + "-_.~+/=:", min_size=16, max_size=60)).map("".join)

ECHOES: dict[str, Callable[[], bytes]] = {
    "the message": lambda: error(message=f"Incorrect API key provided: {Current.key}."),
    "the message, quoted": lambda: error(message=f"no such key '{Current.key}'"),
    "the message, in a header": lambda: error(message=f"Authorization: Bearer {Current.key} was refused"),
    "the message, in an address": lambda: error(message=f"https://x.example/?api_key={urllib.parse.quote(Current.key, safe='')}&a=1"),
    "the code": lambda: error(message="no", code=Current.key),
    "the type": lambda: error(message="no", type=Current.key),
    "the parameter": lambda: error(message="no", param=Current.key),
    "the body alone": lambda: json.dumps({"error": {"message": "no"}, "debug": {"headers": ["Bearer " + Current.key]}}).encode(),
    "the body, with escapes": lambda: json.dumps({"error": {"message": "no", "seen": Current.key}}).replace("/", "\\/").encode(),
    "no JSON": lambda: b"<html>" + Current.key.encode() + b"</html>",
}


def error(**facts: str) -> bytes:
    """Return an error object."""
    return json.dumps({"error": facts}).encode()


def client(server: WireServer, timeout: Timeout | float = 5) -> llmclient.Client:
    """Return a client that uses the key at the server."""
    return llmclient.Client(providers={"openai": {"api_key": Current.key, "api_base": server.url}}, timeout=timeout, retry=Retry(max_attempts=2, min_wait=0.0))


def attempt(one: llmclient.Client, mode: Mode) -> ProviderError | Answer:
    """Make a call and return what came of it."""
    try:
        if mode == "chat":
            return one.chat("openai/gpt-4o-mini", "hi")
        return one.stream("openai/gpt-4o-mini", "hi").read()
    except ProviderError as failure:
        return failure


def places(thing: ProviderError | Answer) -> Iterator[tuple[str, str]]:
    """Yield every text by which a thing shows itself."""
    yield "repr", repr(thing)
    yield "str", str(thing)
    yield "pickle", pickle.dumps(thing).decode("latin-1")
    if isinstance(thing, ProviderError):
        yield "facts", repr(vars(thing))
        shown = traceback.TracebackException.from_exception(thing, capture_locals=True)
        yield "traceback", "".join(shown.format())
    else:
        yield "request", repr(thing.request) + repr(thing.request and dict(thing.request.headers))
        yield "meta", repr(thing.meta)


def drawn(thing: ProviderError) -> str:
    """Return an error as rich draws it."""
    console = rich.console.Console(file=io.StringIO(), width=400)
    console.print(rich.traceback.Traceback.from_exception(type(thing), thing, thing.__traceback__, show_locals=True, locals_max_string=None))
    return console.file.getvalue()


def showing(thing: ProviderError | Answer) -> list[str]:
    """Return where the key shows, in any spelling that gives it away."""
    spellings = {Current.key, urllib.parse.quote(Current.key, safe=""), json.dumps(Current.key)[1:-1].replace("/", "\\/")}
    spellings.add(base64.b64encode(Current.key.encode()).decode())
    return [place for place, text in places(thing) if any(spelling in text for spelling in spellings)]


@pytest.mark.parametrize("status", [401, 200])
@pytest.mark.parametrize("body", ECHOES.values(), ids=ECHOES)
def test_a_key_that_is_echoed_is_redacted(body: Callable[[], bytes], status: int) -> None:
    """Wherever in the answer the provider repeats it, whatever it looks like."""

    @settings(max_examples=12, phases=(Phase.explicit, Phase.generate))
    @given(shapes)
    def check(key: str) -> None:
        Current.key = key
        answer = http_response(status, {"Content-Type": "application/json"}, body())
        with WireServer(answer) as server:
            found = [attempt(client(server), mode) for mode in ("chat", "stream")]
        assert [[], []] == [showing(thing) for thing in found]

    check()


OPENAI = Case(BY_NAME["openai"], "stream")
WAYS: dict[str, tuple[Mode, Callable[[Case], Steps]]] = {
    "an answer": ("chat", lambda case: [case.whole()]),
    "a stream": ("stream", lambda case: [case.whole()]),
    "a refusal": ("chat", lambda case: [http_response(401, {}, b"{}")]),
    "a reset": ("chat", lambda case: [reset]),
    "a silence": ("chat", lambda case: [stall()]),
    "a redirect": ("chat", lambda case: [http_response(307, {"Location": "http://127.0.0.1:1/"})]),
    "garbage": ("chat", lambda case: [case.whole(b"<html>")]),
    "a stream that is cut off": ("stream", lambda case: [case.whole(case.first, length=len(case.body)), close]),
    "a stream that fails": ("stream", lambda case: [case.whole(case.first + case.wire.stream_failure)]),
    "a stream that stalls": ("stream", lambda case: [case.whole(case.first, length=len(case.body)), stall()]),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_key_shows_in_nothing_that_a_call_leaves_behind(way: tuple[Mode, Callable[[Case], Steps]], caplog: pytest.LogCaptureFixture) -> None:
    """Result, error, traceback with its variables, logs of every library at DEBUG, and warnings."""
    mode, script = way
    Current.key = "sk-proj-0123456789abcdefghijABCDEF"
    caplog.set_level(logging.DEBUG)
    with warnings.catch_warnings(record=True) as caught, WireServer(script(Case(BY_NAME["openai"], mode))) as server:
        warnings.simplefilter("always")
        one = client(server, Timeout(total=0.2))
        thing = attempt(one, mode)
    assert [] == showing(thing)
    assert not isinstance(thing, ProviderError) or Current.key not in drawn(thing)
    assert Current.key not in caplog.text + "".join(str(record.__dict__) for record in caplog.records)
    assert Current.key not in "".join(str(warning.message) for warning in caught)
    assert Current.key not in repr(one) + repr(one.provider("openai")) + repr(one.provider("openai").config)
    assert isinstance(thing, ProviderError) != (script in (WAYS["an answer"][1], WAYS["a stream"][1]))


def test_a_client_shown_by_rich_hides_its_key() -> None:
    """rich looks into attrs classes by itself."""
    Current.key = "sk-proj-0123456789abcdefghijABCDEF"
    with WireServer() as server:
        one = client(server)
        console = rich.console.Console(file=io.StringIO(), width=400)
        console.print(one, one.provider("openai"), one.provider("openai").config, vars(one))
    assert Current.key not in console.file.getvalue()


def test_a_key_in_a_header_of_the_callers_own_is_masked() -> None:
    """The recorded request masks by name what looks secret."""
    Current.key = "sk-proj-0123456789abcdefghijABCDEF"
    with WireServer([OPENAI.whole(BY_NAME["openai"].body())]) as server:
        answer = client(server).chat("openai/gpt-4o-mini", "hi", headers={"X-Api-Key": Current.key, "X-Auth-Token": "abc-secret-1"})
    assert [] == showing(answer)
    assert "abc-secret-1" not in repr(answer.request)


LEAKY = ("a refusal", "a reset", "a silence", "garbage", "a stream that is cut off")


def failed(name: str) -> ProviderError:
    """Return the error that a fault leaves behind."""
    mode, script = WAYS[name]
    Current.key = "sk-proj-0123456789abcdefghijABCDEF"
    with WireServer(script(Case(BY_NAME["openai"], mode))) as server:
        thing = attempt(client(server, Timeout(total=0.2)), mode)
    assert isinstance(thing, ProviderError)
    return thing


@pytest.mark.parametrize("name", LEAKY)
def test_djangos_debug_page_shows_no_key(name: str) -> None:
    """It shows the variables of every frame."""
    conf = pytest.importorskip("django.conf", reason="needs django (make stress)")
    debug = pytest.importorskip("django.views.debug")
    if not conf.settings.configured:
        conf.settings.configure(DEBUG=True, SECRET_KEY="stress", USE_TZ=True)
        pytest.importorskip("django").setup()
    thing = failed(name)
    page = debug.ExceptionReporter(None, type(thing), thing, thing.__traceback__).get_traceback_html()
    assert type(thing).__name__ in page
    assert Current.key not in page


@pytest.mark.parametrize("name", LEAKY)
def test_sentry_is_sent_no_key(name: str) -> None:
    """It sends the variables of every frame, and what was logged before."""
    sentry = pytest.importorskip("sentry_sdk", reason="needs sentry-sdk (make stress)")
    events: list[object] = []
    sentry.init(dsn="http://key@127.0.0.1:9/1", before_send=lambda event, hint: events.append(event), include_local_variables=True, max_value_length=100_000)
    try:
        sentry.capture_exception(failed(name))
    finally:
        sentry.get_client().close(timeout=0)
        sentry.get_global_scope().set_client(None)
    assert events
    assert Current.key not in repr(events)
