"""`llmclient simulate`: a provider in the foreground."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

import llmclient
from llmclient.simulator import Simulator


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_the_simulator_answers_until_it_is_ended(start: Callable[..., subprocess.Popen[str]], end: signal.Signals) -> None:
    """Its address is the first line; the end is no failure; requests are told on demand."""
    process = start("simulate", "--port", "0", "--api-key", "sk-only", "-v")
    assert process.stdout is not None
    base = process.stdout.readline().strip() + "/v1"
    client = llmclient.Client(providers={"openai": {"api_key": "sk-only", "api_base": base}})
    assert "hi" == client.chat("openai/echo", "hi").text
    process.send_signal(end)
    rest, errors = process.communicate(timeout=30)
    assert (0, "") == (process.returncode, rest)
    assert f"OPENAI_BASE_URL={base} makes it OpenAI; Ctrl-C ends it\nPOST /v1/chat/completions 200\n" == errors


def test_a_port_that_is_taken_is_one_sentence(run: Callable[..., Any], simulator: Simulator) -> None:
    """Exit code 1, no traceback."""
    done = run("simulate", "--port", str(simulator.port))
    assert 1 == done.exit_code
    assert 1 == len(done.stderr.splitlines())
    assert "in use" in done.stderr
