"""Clocks: wall time and CPU time of a call, alone or in many threads. Needs the standard library only, since peers run it too."""

from __future__ import annotations

import gc
import statistics
import threading
import time
from collections.abc import Callable
from typing import NamedTuple


class Sample(NamedTuple):
    """What one round gave, in seconds a call."""

    wall: float
    """The median of the round's calls; with threads, the round's time divided by its calls."""
    cpu: float
    """The CPU time of the whole process, divided by the round's calls."""


def alone(call: Callable[[], object], count: int) -> Sample:
    """Make `count` calls one after the other."""
    gc.collect()
    times: list[float] = []
    clock = time.perf_counter
    started = time.process_time()
    for _ in range(count):
        begin = clock()
        call()
        times.append(clock() - begin)
    return Sample(statistics.median(times), (time.process_time() - started) / count)


def together(call: Callable[[], object], count: int, workers: int = 64) -> Sample:
    """Make at least `count` calls in `workers` threads that start at once."""
    gc.collect()
    share = -(-count // workers)
    failures: list[BaseException] = []
    barrier = threading.Barrier(workers + 1)
    threads = [threading.Thread(target=_work, args=(call, share, barrier, failures)) for _ in range(workers)]
    for thread in threads:
        thread.start()
    barrier.wait()
    begin, started = time.perf_counter(), time.process_time()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return Sample((time.perf_counter() - begin) / (share * workers), (time.process_time() - started) / (share * workers))


def whole(run: Callable[[int], object], count: int) -> Sample:
    """Time one run that makes `count` calls by itself."""
    gc.collect()
    begin, started = time.perf_counter(), time.process_time()
    run(count)
    return Sample((time.perf_counter() - begin) / count, (time.process_time() - started) / count)


def _work(call: Callable[[], object], share: int, barrier: threading.Barrier, failures: list[BaseException]) -> None:
    barrier.wait()
    try:
        for _ in range(share):
            call()
    except BaseException as error:  # noqa: BLE001  it is raised again by the thread that waits
        failures.append(error)
