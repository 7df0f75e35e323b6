"""A command line whose OpenAI is the simulator, in this process and in one of its own."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result

from llmclient.cli.root import root
from llmclient.simulator import Simulator

ROOT = pathlib.Path(__file__).parent.parent.parent
Run = Callable[..., Result]
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """A simulator of the test's own: a call that an ended run had begun must not meet the next test's faults."""
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def environ(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Set a key, and the simulator as OpenAI's address; certificates are the usual ones."""
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    settings = {"OPENAI_API_KEY": "sk-of-the-environment", "OPENAI_BASE_URL": f"{simulator.url}/v1"}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return settings


@pytest.fixture
def run(environ: dict[str, str]) -> Run:
    """Run the command line in this process."""

    def invoke(*args: str, input: str = "") -> Result:
        return CliRunner().invoke(root, list(args), input=input, prog_name="llmclient")

    return invoke


@pytest.fixture
def start(environ: dict[str, str]) -> Iterator[Start]:
    """Start the command line in a process of its own; it is killed at the end of the test."""
    started: list[subprocess.Popen[str]] = []

    def launch(*args: str, **options: Any) -> subprocess.Popen[str]:
        settings: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        process = subprocess.Popen([sys.executable, "-m", "llmclient", *args], env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True, **settings)
        started.append(process)
        return process

    yield launch
    for process in started:
        process.kill()
        process.communicate()


def rows(text: str) -> list[dict[str, Any]]:
    """Parse JSONL; fails for a line that is no JSON."""
    return [json.loads(line) for line in text.splitlines()]
