"""Real servers of real applications, real workers, forks and spawns: no wrong answer, and no connection that two processes share."""

from __future__ import annotations

import collections
import concurrent.futures
import importlib.util
import json
import multiprocessing
import os
import pathlib
import pickle
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

import llmclient
from llmclient.retry import Retry
from tests.faults.play import Case, Server, echo
from tests.faults.wires import BY_NAME
from tests.wireserver import Peer, Request

ROOT = pathlib.Path(__file__).parent.parent.parent
PID = re.compile(rb"pid-(\d+)-")
CASES = {mode: Case(BY_NAME["openai"], mode) for mode in ("chat", "stream")}
pytestmark = [pytest.mark.slow, pytest.mark.timeout(180), pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")]


class Echo(Server):
    """Answers each question with its nonce, and notes which processes each connection has served."""

    def __init__(self) -> None:
        super().__init__(self._serve_one, backlog=1024)
        self.users: dict[int, set[int]] = collections.defaultdict(set)

    def note(self, request: Request) -> None:
        """Note who asked."""
        found = PID.search(request.body)
        if found:
            self.users[request.connection].add(int(found[1]))

    def _serve_one(self, peer: Peer) -> None:
        while not peer.is_closed:
            request = peer.read_request()
            peer.send(echo(CASES["stream" if b'"stream":true' in request.body else "chat"], request))

    def processes(self) -> set[int]:
        """Return all processes that asked; raises AssertionError where two used one connection."""
        shared = {number: pids for number, pids in self.users.items() if len(pids) > 1}
        assert not shared
        return set().union(*self.users.values())


def new_nonce() -> str:
    """Return a new nonce."""
    return f"nonce-{uuid.uuid4().hex}"


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextmanager
def running(server: Server, *command: str, **environ: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program in the checkout, and end it."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "STRESS_URL": server.url, **environ}
    process = subprocess.Popen([sys.executable, "-m", *command], cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(20)
        assert process.stdout is not None
        print(process.stdout.read().decode(errors="replace")[-4000:])
        process.stdout.close()


def need(*modules: str) -> None:
    """Skip the test where these are not installed."""
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)} (make stress)")


def get(url: str) -> dict[str, object]:
    """Fetch JSON, directly."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=30) as answer:
        return json.loads(answer.read())


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until somebody listens at a port."""
    until = time.monotonic() + 30
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the server did not start")


@pytest.mark.parametrize("workers", [("sync", "1"), ("gthread", "8")], ids=["sync", "gthread"])
@pytest.mark.parametrize("framework", ["flask", "django"])
def test_gunicorn_workers_share_nothing(framework: str, workers: tuple[str, str]) -> None:
    """--preload: the client, and an open connection, are there before the fork."""
    need("gunicorn", framework)
    port = free_port()
    kind, threads = workers
    options = ["--preload", "-w", "3", "-k", kind, "--threads", threads, "-b", f"127.0.0.1:{port}", "--no-control-socket"]
    with Echo() as server, running(server, "gunicorn", *options, f"tests.stress.apps:{framework}()") as process:
        wait_for(port, process)
        nonces = [new_nonce() for _ in range(300)]
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda nonce: get(f"http://127.0.0.1:{port}/{nonce}"), nonces))
        assert [answer["text"] for answer in answers] == nonces
        # The parent, which asked before the fork, and at least two workers.
        assert len(server.processes()) >= 3


def test_celery_workers_share_nothing(tmp_path: pathlib.Path) -> None:
    """Prefork, with a broker in a folder."""
    need("celery")
    environ = {"STRESS_FOLDER": str(tmp_path)}
    script = "import os\nfrom tests.stress import apps\napp = apps.celery()\napps.ask('nonce-' + '1' * 32)\n"
    (tmp_path / "stress_tasks.py").write_text(script)
    sender = f"{script}import json, sys\nnonces = json.load(sys.stdin)\nresults = [app.send_task('ask', [n]) for n in nonces]\nprint('RESULTS' + json.dumps([r.get(timeout=60) for r in results]))\n"
    with Echo() as server:
        env = {**os.environ, **environ, "PYTHONPATH": f"{ROOT}:{tmp_path}", "STRESS_URL": server.url}
        options = ["-A", "stress_tasks:app", "worker", "--pool", "prefork", "-c", "3", "--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "WARNING"]
        with running(server, "celery", *options, **environ, PYTHONPATH=env["PYTHONPATH"]):
            nonces = [new_nonce() for _ in range(60)]
            done = subprocess.run([sys.executable, "-c", sender], input=json.dumps(nonces), env=env, capture_output=True, text=True, timeout=120, cwd=ROOT, check=False)
            assert done.returncode == 0, done.stderr[-3000:]
            answers = json.loads(done.stdout.partition("RESULTS")[2])
        assert [answer["text"] for answer in answers] == nonces
        assert len(server.processes()) >= 3


def child(client: llmclient.Client, nonces: list[str]) -> list[tuple[str, int]]:
    """Ask in another process; the client came by a fork or a pickle."""
    return [(client.chat("openai/gpt-4o-mini", f"{nonce} pid-{os.getpid()}-").text, os.getpid()) for nonce in nonces]


def connect(server: Server, **options: object) -> llmclient.Client:
    """Return a client whose key stands in its settings."""
    return llmclient.Client(providers={"openai": {"api_key": "k-12345678", "api_base": server.url}}, timeout=20, **options)


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("max_connections", [100, 7], ids=["shared session", "own session"])
def test_multiprocessing_children_share_nothing(method: str, max_connections: int) -> None:
    """Whichever way a process is made, also while the parent goes on calling."""
    with Echo() as server:
        client = connect(server, max_connections=max_connections)
        assert child(client, [new_nonce()])
        over = threading.Event()
        mine: list[bool] = []

        def busy() -> None:
            while not over.is_set():
                nonce = new_nonce()
                mine.append(child(client, [nonce])[0][0] == nonce)

        parent = threading.Thread(target=busy)
        parent.start()
        try:
            with concurrent.futures.ProcessPoolExecutor(3, mp_context=multiprocessing.get_context(method)) as pool:
                batches = [[new_nonce() for _ in range(20)] for _ in range(9)]
                found = list(pool.map(child, [client] * 9, batches, timeout=60))
        finally:
            over.set()
            parent.join(20)
        assert [[text for text, _ in batch] for batch in found] == batches
        assert all(mine)
        assert os.getpid() in server.processes()
        assert len(server.processes()) >= 3


def test_a_fan_out_over_processes_brings_everything_back() -> None:
    """Prompts, options, answers and errors cross by pickling."""
    with Echo() as server:
        client = connect(server, retry=Retry(max_attempts=1))
        nonces = [new_nonce() for _ in range(40)]
        with concurrent.futures.ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
            items = list(client.map("openai/gpt-4o-mini", nonces, executor=pool, temperature=0, keep=True))
            wrong = list(client.map("openai/gpt-4o-mini", ["x"], executor=pool, api_base="http://127.0.0.1:9/v1"))
        assert [item.response.text for item in items] == nonces
        assert items[0].response.request is not None
        assert pickle.loads(pickle.dumps(items[0])).response == items[0].response
        assert type(wrong[0].error) is llmclient.errors.NetworkError


