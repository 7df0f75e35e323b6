"""A server that misbehaves at random, in this process or (`Apart`) in one of its own, so that the client's memory and descriptors are the client's alone."""

from __future__ import annotations

import json
import pathlib
import random
import re
import select
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Self

from tests.faults.play import NONCE, Case, Mode, Server, echo
from tests.faults.wires import BY_NAME, dump
from tests.wireserver import Peer, Request, http_response

ROOT = pathlib.Path(__file__).parent.parent.parent
ASKED = re.compile(rb"dialect-([a-z_]+)-(chat|stream|embed)")
TROUBLE = 0.15
"""The share of answers that go wrong."""


def vector(nonce: str) -> list[float]:
    """Return the vector that stands for a nonce: eight numbers that any float carries exactly."""
    digits = nonce.removeprefix("nonce-")
    return [float(int(digits[start : start + 4], 16)) for start in range(0, len(digits), 4)]


def embedding(request: Request) -> bytes:
    """Return the body of an answer whose vector says the nonce of the question."""
    found = NONCE.search(request.body)
    assert found is not None, request.body
    data = [{"object": "embedding", "index": 0, "embedding": vector(found[0].decode())}]
    return dump({"object": "list", "data": data, "model": "m", "usage": {"prompt_tokens": 1, "total_tokens": 1}})


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
            found = ASKED.search(request.body)
            assert found is not None, request.body
            mode: Mode = "stream" if found[2] == b"stream" else "chat"
            case = Case(BY_NAME[found[1].decode()], mode)
            answer = case.whole(embedding(request)) if found[2] == b"embed" else echo(case, request)
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


class Apart:
    """The same server in a process of its own."""

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "tests.stress.rude"]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url: str = self._read()["url"]
        return self

    def __exit__(self, *args: object) -> None:
        self._process.communicate(timeout=60)

    def figures(self) -> dict[str, int]:
        """Return the most connections at once, how many were opened, how many are open, and how often the server failed."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self._read()

    def wait_closed(self) -> bool:
        """Wait until no connection is open; return whether it came to that."""
        until = time.monotonic() + 10
        while (left := self.figures()["open"]) and time.monotonic() < until:
            time.sleep(0.02)
        return not left

    def _read(self) -> dict[str, object]:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())


def main() -> None:
    """Serve until standard input ends, and tell the figures for each line that comes."""
    with Rude() as server:
        print(json.dumps({"url": server.url}), flush=True)
        for _ in sys.stdin:
            print(json.dumps({"most": server.most, "opened": server.connections, "open": server.open, "failed": len(server.errors)}), flush=True)


if __name__ == "__main__":
    main()
