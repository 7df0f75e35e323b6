"""Many calls at once, on a thread pool of their own or on any concurrent.futures.Executor.

At most two inputs per worker are pulled ahead, so a generator of a million prompts needs no memory. An error is an item.
"""

from __future__ import annotations

import concurrent.futures
import contextvars
import queue
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from typing import Any, Generic, TypeAlias, TypeVar, cast

import attrs

from llmclient.errors import ConfigurationError, InvalidRequestError
from llmclient.retry import CallGroup
from llmclient.types.answer import Answer

A = TypeVar("A", bound=Answer)
Progress: TypeAlias = Callable[[int, int | None], None]
"""Called after each item with the number done and, where it is known, of how many."""
Future: TypeAlias = "concurrent.futures.Future[Item[Any]]"


@attrs.frozen
class Item(Generic[A]):
    """What came of one input: a response or an error, never both."""

    index: int
    """The place of the input, from 0."""
    response: A | None = None
    error: Exception | None = None

    @property
    def ok(self) -> bool:
        """Whether there is a response."""
        return self.error is None


@attrs.frozen
class Job(Generic[A]):
    """The call for one input; picklable when `call` is, so that other processes can run it."""

    call: Callable[[Any], A]

    def __call__(self, index: int, value: Any) -> Item[A]:
        """Make the call; never raises what it raised."""
        try:
            return Item(index, response=self.call(value))
        except Exception as error:  # noqa: BLE001 - an error is an item, never the end of the run
            return Item(index, error=error)


def run(
    call: Callable[[Any], A],
    inputs: Iterable[Any],
    *,
    workers: int,
    ordered: bool = True,
    executor: concurrent.futures.Executor | None = None,
    group: CallGroup | None = None,
    progress: bool | Progress = False,
) -> Iterator[Item[A]]:
    """Call `call` for each input and yield the items, in order or as they complete.

    `group` is cancelled when the caller leaves early or is interrupted, so that nothing is waited for. Raises InvalidRequestError
    for a single input in place of many, and ConfigurationError for settings that are none, before anything is read.
    """
    check_workers(workers)
    if executor is not None and not callable(getattr(executor, "submit", None)):
        raise ConfigurationError("llmclient", f"executor must be a concurrent.futures.Executor, got {type(executor).__name__}")
    total = len(inputs) if isinstance(inputs, Sized) else None
    return _items(Job(call), enumerate(_many(inputs)), workers, ordered, executor, group, _reporter(progress), total)


def _many(inputs: Iterable[Any]) -> Iterator[Any]:
    """Return an iterator; a text, which would be read letter by letter, and a dict are refused."""
    try:
        many = None if isinstance(inputs, (str, bytes, bytearray, Mapping)) else iter(inputs)
    except TypeError:
        many = None
    if many is None:
        given = type(cast("object", inputs)).__name__
        raise InvalidRequestError("llmclient", f"map takes many prompts, such as a list or a generator, got {given}; put one alone in a list", param="prompts")
    return many


def _reporter(progress: bool | Progress) -> Progress | None:
    if isinstance(progress, bool) or progress is None:
        return _counter if progress else None
    if not callable(progress):
        raise ConfigurationError("llmclient", f"progress must be a bool or a function of two numbers, got {type(progress).__name__}")
    return progress


def check_workers(workers: int) -> None:
    """Raise ConfigurationError unless `workers` is a whole number from 1."""
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise ConfigurationError("llmclient", f"workers must be a whole number from 1, got {workers!r}")


def _items(
    job: Job[A],
    inputs: Iterator[tuple[int, Any]],
    workers: int,
    ordered: bool,
    executor: concurrent.futures.Executor | None,
    group: CallGroup | None,
    report: Progress | None,
    total: int | None,
) -> Iterator[Item[A]]:
    own = executor is None
    pool = concurrent.futures.ThreadPoolExecutor(workers, thread_name_prefix="llmclient-map") if executor is None else executor
    collect = _in_order if ordered else _as_completed
    finished = False
    try:
        for done, item in enumerate(collect(pool, job, inputs, workers, own), 1):
            if report is not None:
                report(done, total)
            yield item
        finished = True
    finally:
        if not finished and group is not None:
            group.cancel()
        if own:
            pool.shutdown(wait=finished, cancel_futures=True)


def _submit(pool: concurrent.futures.Executor, job: Job[A], index: int, value: Any, own: bool) -> Future:
    # Each call sees the caller's context variables; a foreign executor may not be able to pickle them.
    return pool.submit(contextvars.copy_context().run, job, index, value) if own else pool.submit(job, index, value)


def _in_order(pool: concurrent.futures.Executor, job: Job[A], inputs: Iterator[tuple[int, Any]], workers: int, own: bool) -> Iterator[Item[A]]:
    waiting: deque[tuple[int, Future]] = deque()
    try:
        for index, value in inputs:
            waiting.append((index, _submit(pool, job, index, value, own)))
            if len(waiting) >= 2 * workers:
                yield _result(*waiting.popleft())
        while waiting:
            yield _result(*waiting.popleft())
    finally:
        for _, future in waiting:
            future.cancel()


def _as_completed(pool: concurrent.futures.Executor, job: Job[A], inputs: Iterator[tuple[int, Any]], workers: int, own: bool) -> Iterator[Item[A]]:
    done: queue.SimpleQueue[tuple[int, Future]] = queue.SimpleQueue()
    waiting: set[Future] = set()

    def submit(index: int, value: Any) -> None:
        future = _submit(pool, job, index, value, own)
        waiting.add(future)
        future.add_done_callback(lambda future: done.put((index, future)))

    try:
        for index, value in inputs:
            submit(index, value)
            if len(waiting) >= 2 * workers:
                yield _take(done, waiting)
        while waiting:
            yield _take(done, waiting)
    finally:
        for future in waiting:
            future.cancel()


def _take(done: queue.SimpleQueue[tuple[int, Future]], waiting: set[Future]) -> Item[Any]:
    index, future = done.get()
    waiting.discard(future)
    return _result(index, future)


def _result(index: int, future: Future) -> Item[Any]:
    try:
        return future.result()
    except Exception as error:  # noqa: BLE001 - a worker that died, or an input that cannot be sent to it
        return Item(index, error=error)


_counting = threading.Lock()


def _counter(done: int, total: int | None) -> None:
    """Show the count on standard error, where the caller asked for it."""
    with _counting:
        sys.stderr.write(f"\r{done}{'' if total is None else f'/{total}'}" + ("\n" if done == total else ""))
        sys.stderr.flush()
