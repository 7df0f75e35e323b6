"""`python -m llmclient.simulator` as a process."""

import re
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest

from llmclient.simulator import __main__ as command
from llmclient.simulator import server


@pytest.fixture
def run(root):
    """Start the command; gives the process."""
    # A shell's background job ignores Ctrl-C, and its children would too.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    started = []

    def make(*arguments):
        process = subprocess.Popen(
            [sys.executable, "-m", "llmclient.simulator", *arguments], cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        started.append(process)
        return process

    yield make
    for process in started:
        process.kill()
        process.communicate(timeout=10)
    signal.signal(signal.SIGINT, before)


def test_it_says_where_it_listens_and_ends_with_ctrl_c(run):
    """The address can be used at once; with -v each request is shown."""
    process = run("--port", "0", "-v")
    url = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())[0]
    with urllib.request.urlopen(url + "/v1/models") as response:
        assert response.status == 200
    assert process.stdout.readline() == "GET /v1/models 200\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=10)[1] == ""
    assert process.returncode == 0


def test_a_port_that_is_taken_is_one_sentence(run):
    """Exit code 1, no traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = run("--port", str(taken.getsockname()[1]))
        error = process.communicate(timeout=10)[1]
    assert process.returncode == 1
    assert "choose another --port" in error
    assert "Traceback" not in error


def test_options_reach_the_simulator(monkeypatch, capsys):
    """All of them."""
    seen = {}

    def serve(*, ready, log, **options):
        seen.update(options)
        ready("http://127.0.0.1:1")
        if log is not None:
            log("GET / 404")

    monkeypatch.setattr(command, "serve", serve)
    assert command.main(["--host", "::1", "--port", "1", "--pace", "0.5", "--seed", "3", "--api-key", "k", "--clock", "-v"]) == 0
    assert seen.pop("clock")() > 1_700_000_000
    assert seen == {"host": "::1", "port": 1, "pace": 0.5, "seed": 3, "api_key": "k"}
    assert "http://127.0.0.1:1/v1" in capsys.readouterr().out
    command.main([])
    assert (seen["clock"], seen["port"], seen["host"]) == (None, 8_321, "127.0.0.1")


def test_ctrl_c_is_no_failure(monkeypatch):
    """Exit code 0."""

    def interrupted(**options):
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "serve", interrupted)
    assert command.main([]) == 0


def test_only_the_standard_library_and_orjson_are_imported(root):
    """The simulator starts quickly and needs none of the library's other dependencies."""
    code = "import sys; before = set(sys.modules); import llmclient.simulator; print(*set(sys.modules) - before)"
    names = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True).stdout.split()
    assert "llmclient.simulator.server" in names
    others = {name for name in names if name.partition(".")[0] not in sys.stdlib_module_names | {"orjson"}}
    assert {name for name in others if not name.startswith("llmclient.simulator")} == {"llmclient", "llmclient._version"}


def test_the_simulator_needs_no_lock_of_its_parent():
    """After a fork the lock is new, since a thread of the parent may have held it."""
    before = server._shared_lock
    server._after_fork()
    assert server._shared_lock is not before
