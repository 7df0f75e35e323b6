"""Many threads, one pool, a rude server: every answer is its own question's, every failure typed, and nothing is left over."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import threading

import pytest

from tests.faults.play import Lateness
from tests.stress.load import GRACE, TOTAL, Crowd
from tests.stress.rude import Rude

ROOT = pathlib.Path(__file__).parent.parent.parent


def assert_sound(crowd: Crowd, server: Rude, late: float, connections: int) -> None:
    """Look at what came of all calls."""
    tally = crowd.tally
    assert tally.problems == []
    assert tally.slowest <= TOTAL + GRACE + late
    assert server.most <= connections
    assert tally.ends["answer"] > tally.calls * 0.7
    assert not any(thread.name.startswith("llmclient") for thread in threading.enumerate())


def test_threads_get_their_own_answers() -> None:
    """100 threads, 3,000 calls and streams of six dialects, on 20 connections."""
    with Lateness() as clock, Rude() as server:
        with Crowd(server.url, threads=100, connections=20) as crowd:
            crowd.run(3_000)
        assert server.wait_closed()
        assert_sound(crowd, server, clock.worst, 20)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_100_000_calls_leave_nothing_behind(tmp_path: pathlib.Path) -> None:
    """100 threads on 100 connections, and forks in their midst; memory grows by less than one per cent after the warm-up.

    In a process of its own, without the server; with one arena, since the C library's default spreads what is freed over many.
    """
    command = [sys.executable, "-m", "tests.stress.soak", "--seconds", "0", "--calls", "100000", "--page", str(tmp_path / "soak.md")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=800, check=False, env=os.environ | {"MALLOC_ARENA_MAX": "1"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "| calls and streams | 100,000 |" in (tmp_path / "soak.md").read_text(encoding="utf-8")
