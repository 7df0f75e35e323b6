"""Mixed load with faults: a server that misbehaves at random, callers that leave early, and a nonce in each question and answer."""

from __future__ import annotations

import collections
import ctypes
import gc
import pathlib
import random
import re
import resource
import select
import statistics
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self

from llmclient.deadline import Timeout
from llmclient.errors import ProviderError
from llmclient.provider import Provider
from llmclient.retry import Retry
from llmclient.transport import Transport
from llmclient.types.chat import ChatRequest
from tests.faults.play import Case, Mode, Server, echo
from tests.faults.wires import BY_NAME
from tests.wireserver import Peer, http_response

TOTAL = 8.0
GRACE = 0.5
NAMES = ("openai", "anthropic", "gemini", "bedrock", "cohere", "ollama")
DIALECT = re.compile(rb"dialect-([a-z_]+)-(chat|stream)")
TROUBLE = 0.15
"""The share of answers that go wrong."""


class Rude(Server):
    """Answers each question with its own nonce, unless it feels like doing something else."""

    def __init__(self, seed: int = 1, trouble: float = TROUBLE) -> None:
        super().__init__(self._serve_one, backlog=1024)
        self._random = random.Random(seed)
        self._trouble = trouble
        self.most = 0
        """The most connections that were open at once, without those whose end has come and was not seen yet."""

    def note(self, request: object) -> None:
        """Forget the request: there are too many."""

    def _start(self, target: Callable[..., None], *args: object) -> None:
        """Start a thread, and forget those that are done: memory is measured here."""
        super()._start(target, *args)
        self._threads[1:] = [thread for thread in self._threads[1:] if thread.is_alive()]

    def _count(self) -> None:
        """Count the connections when one is opened: those that the client has closed before say so by then."""
        poll = select.poll()
        with self._lock:
            open_now = [fd for peer in self._peers if (fd := peer.socket.fileno()) >= 0]
            for fd in open_now:
                poll.register(fd, select.POLLRDHUP)
            ended = len(poll.poll(0))
            self.most = max(self.most, len(open_now) - ended)

    def _serve_one(self, peer: Peer) -> None:
        self._count()
        while not peer.is_closed:
            request = peer.read_request()
            found = DIALECT.search(request.body)
            assert found is not None, request.body
            mode: Mode = "chat" if found[2] == b"chat" else "stream"
            case = Case(BY_NAME[found[1].decode()], mode)
            answer = echo(case, request)
            if self._random.random() > self._trouble:
                peer.send(answer)
                continue
            self._misbehave(peer, case, answer)

    def _misbehave(self, peer: Peer, case: Case, answer: bytes) -> None:
        cut = self._random.randrange(1, len(answer))
        match self._random.randrange(8):
            case 0:
                peer.reset()
            case 1:
                peer.send(answer[:cut])
                peer.reset()
            case 2:
                peer.send(answer[:cut])
                peer.close()
            case 3:
                peer.send(http_response(self._random.choice([429, 500, 503]), {"Retry-After": "0.001"}, b"{}"))
            case 4:
                peer.send(answer + case.whole(b'{"left": "over"}'))
            case 5:
                peer.send(answer[:cut])
                time.sleep(0.005)
                peer.send(answer[cut:])
            case 6:
                peer.send(answer)
                peer.close()
            case _:
                peer.send(case.whole(b"<html>nonsense</html>"))


@dataclass
class Tally:
    """What came of all calls."""

    ends: collections.Counter[str] = field(default_factory=collections.Counter)
    problems: list[str] = field(default_factory=list)
    slowest: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, end: str, seconds: float, problem: str | None = None) -> None:
        """Count a call."""
        with self.lock:
            self.ends[end] += 1
            self.slowest = max(self.slowest, seconds)
            if problem is not None and len(self.problems) < 20:
                self.problems.append(problem)

    @property
    def calls(self) -> int:
        """How many there were."""
        return sum(self.ends.values())


class Crowd:
    """Many threads that share one pool."""

    def __init__(self, url: str, threads: int, connections: int = 100, seed: int = 7) -> None:
        self._transport = Transport(max_connections=connections, proxies={})  # a session of its own, which can be closed
        timeout = Timeout(connect=5, pool=5, idle=5, total=TOTAL)
        retry = Retry(max_attempts=3, min_wait=0.001)
        self._providers: dict[str, Provider] = {
            name: BY_NAME[name].provider()({"api_key": "k-12345678", "api_base": url}, transport=self._transport, timeout=timeout, retry=retry) for name in NAMES
        }
        self._threads = threads
        self._seed = seed
        self.tally = Tally()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *args: object) -> None:
        self._transport.close()

    def run(self, calls: int) -> None:
        """Make so many calls, spread over the threads."""
        workers = [threading.Thread(target=self._work, args=(number, calls // self._threads), daemon=True) for number in range(self._threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        self._seed += self._threads

    def _work(self, number: int, calls: int) -> None:
        chance = random.Random(self._seed + number)
        for _ in range(calls):
            name = chance.choice(NAMES)
            self._call(name, chance.choice(("chat", "stream")), leaves=chance.random() < 0.1)

    def _call(self, name: str, mode: Mode, *, leaves: bool) -> None:
        nonce = f"nonce-{uuid.uuid4().hex}"
        request = ChatRequest.make("m", f"{nonce} dialect-{name}-{mode}")
        start = time.monotonic()
        problem = None
        try:
            text, end = self._chat(name, request) if mode == "chat" else self._stream(name, request, leaves=leaves)
            if text is not None and text != nonce:
                problem = f"{name} {mode}: asked {nonce}, got {text!r}"
        except ProviderError as error:
            end = type(error).__name__
            if type(error) is ProviderError:
                problem = repr(error)
        except BaseException as error:
            end, problem = type(error).__name__, repr(error)
        self.tally.add(end, time.monotonic() - start, problem)

    def _chat(self, name: str, request: ChatRequest) -> tuple[str | None, str]:
        return self._providers[name].chat_completion(request).text, "answer"

    def _stream(self, name: str, request: ChatRequest, *, leaves: bool) -> tuple[str | None, str]:
        with self._providers[name].chat_completion_stream(request) as stream:
            for _ in stream:
                if leaves:
                    return None, "left early"
            return stream.response.text, "answer"


def resident() -> int:
    """Return the bytes of memory that this process holds, after a collection, and after the C library has given back what it keeps for later."""
    gc.collect()
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
    return int(pathlib.Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize()


def growth(memory: Sequence[int]) -> float:
    """Return by how much memory has grown since the warm-up, a fifth of the rounds; means of several rounds, since each is a little noisy."""
    fifth = max(1, len(memory) // 5)
    return statistics.fmean(memory[-fifth:]) / statistics.fmean(memory[fifth : 2 * fifth] or memory[:1]) - 1
