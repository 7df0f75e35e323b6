"""Mixed load: threads that call, stream, embed and leave early on one pool, a nonce in each question, and the tally of what came of it."""

from __future__ import annotations

import collections
import ctypes
import gc
import json
import math
import os
import pathlib
import random
import resource
import select
import signal
import statistics
import threading
import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self

from llmclient.deadline import Timeout
from llmclient.dialects.openai import OpenAIEmbeddings
from llmclient.errors import ProviderError
from llmclient.provider import Provider
from llmclient.retry import Retry
from llmclient.transport import Transport
from llmclient.types.chat import ChatRequest
from llmclient.types.embeddings import EmbeddingRequest
from tests.faults.wires import BY_NAME
from tests.stress.rude import vector

TOTAL = 8.0
GRACE = 0.5
HUNG = 5 * TOTAL
"""Seconds after which a call that has not ended never will."""
NAMES = ("openai", "anthropic", "gemini", "bedrock", "cohere", "ollama")
OPERATIONS = ("chat", "stream", "embed")
STEP = 1.05
"""Each class of the histogram of times is so many times as long as the one before."""


class Times:
    """How long calls took, in so many classes that memory does not grow with the calls."""

    def __init__(self) -> None:
        self._counts: collections.Counter[int] = collections.Counter()
        self.most = 0.0

    def add(self, seconds: float) -> None:
        """Count a call."""
        self._counts[math.ceil(math.log(max(seconds, 1e-5), STEP))] += 1
        self.most = max(self.most, seconds)

    @property
    def calls(self) -> int:
        """How many there were."""
        return self._counts.total()

    def below(self, share: float) -> float:
        """Return the seconds within which this share of the calls ended, to five per cent."""
        seen = 0
        for step, count in sorted(self._counts.items()):
            seen += count
            if seen >= share * self.calls:
                return min(STEP**step, self.most)
        return 0.0


@dataclass
class Tally:
    """What came of all calls."""

    ends: collections.Counter[str] = field(default_factory=collections.Counter)
    times: dict[str, Times] = field(default_factory=lambda: {operation: Times() for operation in OPERATIONS})
    wrong: int = 0
    """Answers that were another question's."""
    problems: list[str] = field(default_factory=list)
    running: dict[int, float] = field(default_factory=dict)
    """Thread -> when its present call began."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self) -> float:
        """Note that this thread makes a call; return when."""
        start = time.monotonic()
        with self.lock:
            self.running[threading.get_ident()] = start
        return start

    def end(self, operation: str, end: str, start: float, problem: str | None = None, *, wrong: bool = False) -> None:
        """Count a call."""
        with self.lock:
            del self.running[threading.get_ident()]
            self.ends[end] += 1
            self.times[operation].add(time.monotonic() - start)
            self.wrong += wrong
            if problem is not None and len(self.problems) < 20:
                self.problems.append(problem)

    @property
    def calls(self) -> int:
        """How many ended."""
        return sum(self.ends.values())

    @property
    def slowest(self) -> float:
        """The seconds that the slowest call took."""
        return max(each.most for each in self.times.values())

    def hung(self) -> int:
        """Return how many calls have been running for so long that they will never end."""
        with self.lock:
            return sum(time.monotonic() - start > HUNG for start in self.running.values())


class Crowd:
    """Many threads that share one pool."""

    def __init__(self, url: str, threads: int, connections: int = 100, seed: int = 7) -> None:
        self._transport = Transport(max_connections=connections, proxies={})  # a session of its own, which can be closed
        timeout = Timeout(connect=5, pool=5, idle=5, total=TOTAL)
        retry = Retry(max_attempts=3, min_wait=0.001)
        self._providers: dict[str, Provider] = {
            name: self._adapter(name)({"api_key": "k-12345678", "api_base": url}, transport=self._transport, timeout=timeout, retry=retry) for name in NAMES
        }
        self._threads = threads
        self._seed = seed
        self.tally = Tally()

    @staticmethod
    def _adapter(name: str) -> type[Provider]:
        adapter = BY_NAME[name].provider()
        if name == "openai":
            adapter.embed = OpenAIEmbeddings()
        return adapter

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *args: object) -> None:
        self._transport.close()

    def run(self, calls: int, threads: int = 0) -> bool:
        """Make so many calls, spread over the threads, all of them unless told; return whether all have ended."""
        threads = threads or self._threads
        workers = [threading.Thread(target=self._work, args=(self._seed + number, calls // threads), daemon=True) for number in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            while worker.is_alive():
                worker.join(1.0)
                if self.tally.hung():
                    return False
        self._seed += self._threads
        return True

    def run_in_child(self, calls: int) -> tuple[int, list[str]]:
        """Fork while other threads are calling; make so many calls on the same providers there. Return how many ended, and what was wrong."""
        source, target = os.pipe()
        child = os.fork()
        if not child:
            self._be_child(target, calls)
        os.close(target)
        with os.fdopen(source, encoding="utf-8") as pipe:
            if not select.select([source], [], [], HUNG)[0]:
                os.kill(child, signal.SIGKILL)
            said = pipe.read()
        status = os.waitpid(child, 0)[1]
        ended, problems = json.loads(said) if said else (0, [])
        return ended, [*problems, *([f"a forked child ended with status {status}"] if status or ended != calls else [])]

    def _be_child(self, target: int, calls: int) -> None:
        """Never return: what the parent's threads were doing is nobody's here."""
        status = 1
        try:
            self.tally = Tally()
            self._work(self._seed - 1, calls)
            os.write(target, json.dumps([self.tally.calls, self.tally.problems]).encode())
            status = 0
        finally:
            os._exit(status)

    def _work(self, seed: int, calls: int) -> None:
        chance = random.Random(seed)
        for _ in range(calls):
            name = chance.choice(NAMES)
            operation = chance.choice(OPERATIONS if name == "openai" else OPERATIONS[:2])
            self._call(name, operation, leaves=chance.random() < 0.1)

    def _call(self, name: str, operation: str, *, leaves: bool) -> None:
        nonce = f"nonce-{uuid.uuid4().hex}"
        question = f"{nonce} dialect-{name}-{operation}"
        start = self.tally.begin()
        problem, wrong = None, False
        try:
            found, end = self._ask(name, operation, question, leaves=leaves)
            if end == "answer" and found != (vector(nonce) if operation == "embed" else nonce):
                problem, wrong = f"{name} {operation}: asked {nonce}, got {found!r}", True
        except ProviderError as error:
            end = type(error).__name__
            if type(error) is ProviderError:
                problem = repr(error)
        except BaseException as error:
            end, problem = type(error).__name__, repr(error)
        self.tally.end(operation, end, start, problem, wrong=wrong)

    def _ask(self, name: str, operation: str, question: str, *, leaves: bool) -> tuple[object, str]:
        provider = self._providers[name]
        if operation == "embed":
            [found] = provider.embeddings(EmbeddingRequest(model="m", input=(question,))).vectors
            return list(found), "answer"
        request = ChatRequest.make("m", question)
        if operation == "chat":
            return provider.chat_completion(request).text, "answer"
        with provider.chat_completion_stream(request) as stream:
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


def descriptors() -> int:
    """Return how many descriptors this process has open."""
    return sum(1 for _ in pathlib.Path("/proc/self/fd").iterdir())


def growth(memory: Sequence[int]) -> float:
    """Return by how much memory has grown since the warm-up, a fifth of the rounds; means of several rounds, since each is a little noisy."""
    fifth = max(1, len(memory) // 5)
    return statistics.fmean(memory[-fifth:]) / statistics.fmean(memory[fifth : 2 * fifth] or memory[:1]) - 1
