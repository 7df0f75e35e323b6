"""The page on retries says what happens: its tables are read, and each row is played on real sockets."""

from __future__ import annotations

import gzip
import pathlib
import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import attrs
import pytest

from llmclient import errors
from llmclient.deadline import Timeout
from llmclient.errors import Attempt, ProviderError
from llmclient.provider import Provider, ProviderConfig, RequestContext
from llmclient.retry import CallGroup, Retry
from llmclient.transport import Transport
from llmclient.types.chat import ChatRequest
from llmclient.types.embeddings import EmbeddingRequest
from tests.faults.play import CALM, Case, Mode, Server
from tests.faults.wires import BY_NAME, dump
from tests.sending import ca_file
from tests.wireserver import Peer, Step, Steps, WireServer, close, http_response, relay, reset, server_context, stall

PAGE = pathlib.Path(__file__).parent.parent.parent / "docs" / "retries.md"
WIRE = BY_NAME["openai"]
ACME = WIRE.provider()
BACKOFF, HINT = 0.02, 0.03
RETRY = Retry(max_attempts=2, min_wait=BACKOFF, max_wait=BACKOFF, max_hint=0.5)
STATUSES = re.compile(r"status ([\d, ]+)")
OTHERS = (301, 405, 418, 451, 505)


def tables() -> Iterator[list[list[str]]]:
    """Yield the page's tables, each a list of rows without its head."""
    for block in re.findall(r"(?:^\|.*\n)+", PAGE.read_text(encoding="utf-8"), re.MULTILINE):
        yield [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in block.splitlines()[2:]]


FIELDS, ROWS, CLASSES = tables()


@dataclass
class Played:
    """What came of a call."""

    attempts: tuple[Attempt, ...]
    error: ProviderError | None = None


@dataclass(frozen=True)
class Scene:
    """What the first attempt meets; every later one gets a good answer."""

    script: Callable[[Case], Steps] = lambda case: ()
    mode: Mode = "chat"
    timeout: Timeout = CALM
    before: Step | None = None
    """What the first connection meets before its request is read."""
    tls: bool = False
    trusted: bool = True
    more: dict[str, Any] = field(default_factory=dict)


class Stage(Server):
    """Plays a scene once, and answers well from then on."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(self._serve_one)
        self._scene = scene
        self._case = Case(WIRE, scene.mode)
        self._played = False

    def _serve_one(self, peer: Peer) -> None:
        if self._scene.before is not None and not self._played:
            self._played = True
            self._scene.before(peer)
            return
        if self._scene.tls:
            peer.socket = server_context().wrap_socket(peer.socket, server_side=True)
        while not peer.is_closed:
            peer.read_request()
            steps = [self._case.whole()] if self._played else self._scene.script(self._case)
            self._played = True
            peer.play(steps)


def ask(base: str, mode: Mode = "chat", *, timeout: Timeout = CALM, group: CallGroup | None = None, transport: Transport | None = None, **more: Any) -> Played:
    """Make a call and say what came of it."""
    transport = transport or Transport(proxies={})
    one: Provider = ACME({"api_key": "k-12345678", "api_base": base}, transport=transport, timeout=timeout, retry=RETRY, **more)
    context = RequestContext(provider="acme", config=one.config, group=group)
    try:
        if mode == "chat":
            return Played(one.chat_completion(ChatRequest.make("m", "what?"), context).attempts)
        stream = one.chat_completion_stream(ChatRequest.make("m", "what?"), context)
        list(stream)
        return Played(stream.response.attempts)
    except ProviderError as error:
        return Played(error.attempts, error)
    finally:
        transport.close()


def play(scene: Scene) -> Played:
    """Play a scene to a call."""
    with Stage(scene) as server:
        base = server.url.replace("http:", "https:") if scene.tls else server.url
        transport = Transport(proxies={}, verify=ca_file() if scene.trusted else None)
        return ask(base, scene.mode, timeout=scene.timeout, transport=transport, **scene.more)


# What each row stands for.


def failure(status: int, body: object = None, headers: dict[str, str] | None = None) -> Callable[[Case], Steps]:
    """Return the script of an answer with a status."""
    return lambda case: [http_response(status, {"Content-Type": "application/json"} | (headers or {}), b"" if body is None else dump(body))]


def told(message: str, code: str | None = None) -> object:
    """Return an error as OpenAI words it."""
    return {"error": {"message": message, "type": "error", "code": code}}


def refused(monkeypatch: pytest.MonkeyPatch) -> Played:
    """Nobody listens at the port until the first attempt is over."""
    servers: list[Server] = []
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))

        def listen(*_: object) -> None:
            if not servers:
                servers.append(Server([Case(WIRE, "chat").whole()], listener=listener).__enter__())

        try:
            return ask(f"http://127.0.0.1:{listener.getsockname()[1]}", on_attempt=listen)
        finally:
            for server in servers:
                server.stop()


def nameless(monkeypatch: pytest.MonkeyPatch) -> Played:
    """The name is known from the second look on."""
    real, asked = socket.getaddrinfo, []

    def look(host: str, *more: Any, **options: Any) -> Any:
        asked.append(host)
        if len(asked) == 1:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return real("127.0.0.1", *more, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look)
    with WireServer([Case(WIRE, "chat").whole()]) as server:
        return ask(server.url.replace("127.0.0.1", "flaky.example"))


def by_proxy(status: int) -> Callable[[pytest.MonkeyPatch], Played]:
    """Return a scene whose proxy answers the first CONNECT with a status."""

    def run(monkeypatch: pytest.MonkeyPatch) -> Played:
        def refuse(peer: Peer) -> None:
            peer.read_request()
            peer.send(http_response(status))
            peer.close()

        with WireServer([Case(WIRE, "chat").whole()], tls=True) as server, WireServer(refuse, relay) as proxy:
            return ask(server.url, transport=Transport(proxies={"https": proxy.url}, verify=ca_file()))

    return run


def full(monkeypatch: pytest.MonkeyPatch) -> Played:
    """The only connection is a stream's that nobody reads."""
    transport = Transport(max_connections=1, proxies={})
    case = Case(WIRE, "stream")
    with WireServer([case.head() + case.chunk(case.first), stall()]) as server:
        held: Provider = ACME({"api_key": "k-12345678", "api_base": server.url}, transport=transport)
        with held.chat_completion_stream(ChatRequest.make("m", "what?")):
            return ask(server.url, timeout=Timeout(pool=0.05, total=20), transport=transport)


def cancelled(monkeypatch: pytest.MonkeyPatch) -> Played:
    """The caller gives up while the server thinks."""
    group = CallGroup()
    return play(Scene(lambda case: [lambda peer: group.cancel(), stall()], more={"group": group}))


def unset(monkeypatch: pytest.MonkeyPatch) -> Played:
    """There is no key."""
    return unsent(lambda one: ACME({"api_base": one.config.api_base}).chat_completion(ChatRequest.make("m", "what?")))


def unsent(call: Callable[[Provider], object]) -> Played:
    """Make a call that must not reach the server."""
    with WireServer() as server:
        with pytest.raises(ProviderError) as raised:
            call(ACME(ProviderConfig(provider="acme", api_key="k-12345678", api_base=server.url)))
        assert not server.connections
    return Played(raised.value.attempts, raised.value)


def no_slot(monkeypatch: pytest.MonkeyPatch) -> Played:
    """The adapter has no embeddings."""
    return unsent(lambda one: one.embeddings(EmbeddingRequest(model="m", input=("x",))))


def beyond_words(monkeypatch: pytest.MonkeyPatch) -> Played:
    """JSON has no NaN."""
    return unsent(lambda one: one.chat_completion(ChatRequest.make("m", "what?", temperature=float("nan"))))


SCENES: dict[str, Scene | Callable[[pytest.MonkeyPatch], Played]] = {
    "status 429, since the quota is used up": Scene(failure(429, told("pay", "insufficient_quota"))),
    "status 429, since the request is larger than a minute's allowance": Scene(failure(429, told("Request too large for m: limit 10, requested 20"))),
    "status 429 with a hint beyond `max_hint`": Scene(failure(429, headers={"Retry-After": "1"})),
    "status 429 with a hint beyond the deadline": Scene(failure(429, headers={"Retry-After": "0.4"}), timeout=Timeout(total=0.3)),
    "status 400 with `x-should-retry: true`": Scene(failure(400, headers={"x-should-retry": "true"})),
    "status 503 with `x-should-retry: false`": Scene(failure(503, headers={"x-should-retry": "false"})),
    "an error object in a 200": Scene(lambda case: [case.whole(dump(WIRE.failure))]),
    "a 200 that is not what the dialect says": Scene(lambda case: [case.whole(b"<html>")]),
    "a refused connection": refused,
    "a name that cannot be looked up": nameless,
    "a connection closed or reset before the answer": Scene(lambda case: [reset]),
    "a body that is cut off": Scene(lambda case: [case.whole(case.first, length=len(case.body)), close]),
    "a body that is not compressed as it says": Scene(lambda case: [case.whole(gzip.compress(case.body)[:10] + b"\xff" * 40, {"Content-Encoding": "gzip"})]),
    "an answer that is not HTTP": Scene(lambda case: [b"SSH-2.0-OpenSSH_9.6\r\n", close]),
    "a certificate that is refused": Scene(tls=True, trusted=False),
    "a proxy that cannot connect, by a status of 500 or more": by_proxy(502),
    "a proxy that refuses": by_proxy(403),
    "the limit `connect`": Scene(before=stall(), tls=True, timeout=Timeout(connect=0.2, total=20)),
    "the limit `read`": Scene(lambda case: [stall()], timeout=Timeout(read=0.1, total=20)),
    "the limit `first_event`": Scene(lambda case: [case.head(), stall()], "stream", Timeout(first_event=0.1, total=20)),
    "the limit `pool`": full,
    "the limit `total`": Scene(lambda case: [stall()], timeout=Timeout(total=0.1)),
    "closed by the caller": cancelled,
    "a stream that fails before its first chunk": Scene(lambda case: [case.whole(WIRE.stream_failure)], "stream"),
    "a stream whose connection is lost before its first chunk": Scene(lambda case: [case.head(), close], "stream"),
    "a stream that ends without an end": Scene(lambda case: [case.whole(b"")], "stream"),
    "a stream that fails after a chunk": Scene(lambda case: [case.whole(case.first + WIRE.stream_failure)], "stream"),
    "a stream whose connection is lost after a chunk": Scene(lambda case: [case.head() + case.chunk(case.first), close], "stream"),
    "a stream that passes `idle` after a chunk": Scene(lambda case: [case.head() + case.chunk(case.first), stall()], "stream", Timeout(idle=0.1, total=20)),
    "a setting that is missing or wrong": unset,
    "an operation that the provider does not have": no_slot,
    "a request that the dialect cannot express": beyond_words,
}


def listed(what: str) -> tuple[int, ...]:
    """Return the statuses that a row names, if it names nothing else."""
    found = STATUSES.fullmatch(what)
    return tuple(map(int, found[1].split(","))) if found else ()


def scenes(what: str) -> list[Scene | Callable[[pytest.MonkeyPatch], Played]]:
    """Return what a row of the page stands for."""
    if what in SCENES:
        return [SCENES[what]]
    return [Scene(failure(status)) for status in (OTHERS if what == "any other status" else listed(what))]


@pytest.mark.parametrize(("what", "error", "again", "after"), [row[:4] for row in ROWS], ids=[row[0].replace(" ", "-") for row in ROWS])
def test_a_row_says_what_happens(what: str, error: str, again: str, after: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Class, attempts and wait of a call whose first attempt meets this."""
    assert {"yes": True, "no": False}[again] == bool(after)
    found = scenes(what)
    assert found, "the page has a row that nothing plays"
    for scene in found:
        check(play(scene) if isinstance(scene, Scene) else scene(monkeypatch), what, error, again, 0.0)
        if after.startswith("hint"):
            assert isinstance(scene, Scene)
            check(play(hinted(scene)), what, error, again, HINT)


def hinted(scene: Scene) -> Scene:
    """Return the same scene with a hint in the head of its answer."""
    hint = f"\r\nretry-after-ms: {HINT * 1000:g}\r\n".encode()
    return Scene(lambda case: [step.replace(b"\r\n", hint, 1) if isinstance(step, bytes) else step for step in scene.script(case)])


def check(played: Played, what: str, error: str, again: str, hint: float) -> None:
    """Compare what happened with what the row says."""
    if again == "yes":
        assert played.error is None
        first, second = played.attempts
        assert error == first.error
        assert hint == second.waited if hint else 0 <= second.waited <= BACKOFF
        return
    assert error == type(played.error).__name__
    assert len(played.attempts) == (0 if played.error.status is None and "nothing was sent" in reason(what) else 1)
    limit = re.search(r"limit `(\w+)`", what)
    assert limit is None or limit[1] == getattr(played.error, "limit", None)
    assert "hint beyond" not in what or played.error.retry_after


def reason(what: str) -> str:
    """Return why a row is not tried again."""
    return next(row[4] for row in ROWS if row[0] == what)


def test_everything_that_is_played_has_a_row() -> None:
    """No row was lost, and none stands there twice."""
    names = [row[0] for row in ROWS]
    assert len(names) == len(set(names))
    assert set(SCENES) <= set(names)


def test_every_status_is_in_the_table() -> None:
    """From 300 to 599: class, and whether it is tried again, as its row says or as the one for any other."""
    by_status = {status: row for row in ROWS for status in listed(row[0])}
    other = next(row for row in ROWS if row[0] == "any other status")
    mapper = ACME({"api_key": "k-12345678"}).get_error_mapper()
    for status in range(300, 600):
        error = mapper(status, {}, b"")
        _, name, again, *_ = by_status.get(status, other)
        assert (status, name, again == "yes") == (status, type(error).__name__, RETRY.plan(error, 1, 100.0) is not None)


def test_every_class_is_in_the_table() -> None:
    """With what `retryable` is where nothing else is known."""
    classes = {name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, ProviderError)}
    said = dict(CLASSES)
    assert set(classes) == set(said)
    assert "by its status" == said.pop("ApiError")
    assert said == {name: "yes" if classes[name]("acme", "m").retryable else "no" for name in said}
    assert [True, False] == [errors.ApiError("acme", "m", status=status).retryable for status in (500, 418)]


def test_every_field_is_in_the_table() -> None:
    """In their order, with their defaults."""
    assert [(f"`{each.name}`", str(each.default)) for each in attrs.fields(Retry)] == [(row[0], row[1]) for row in FIELDS]
