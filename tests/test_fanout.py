"""Fan-out: order, errors as items, little pulled ahead, and nothing left behind."""

from __future__ import annotations

import concurrent.futures
import contextvars
import threading
import time

import pytest

from llmclient import errors, fanout
from llmclient.fanout import Item
from llmclient.retry import CallGroup


def double(value):
    """A call that any process can run."""
    if value == 3:
        raise errors.ProviderError.network("groq", "no")
    return value * 2


class Unpicklable:
    def __reduce__(self):
        raise TypeError("cannot be sent")


@pytest.mark.parametrize("ordered", [True, False])
def test_each_input_gives_one_item(ordered):
    """Errors are items, and the run goes on."""
    items = list(fanout.run(double, range(20), workers=4, ordered=ordered))
    assert sorted(item.index for item in items) == list(range(20))
    assert {item.index: item.response for item in items if item.ok} == {i: i * 2 for i in range(20) if i != 3}
    [bad] = [item for item in items if not item.ok]
    assert (bad.index, type(bad.error), bad.response) == (3, errors.NetworkError, None)


def test_items_come_in_order_even_if_the_first_is_slowest():
    """Order is that of the inputs."""
    second_done = threading.Event()

    def call(value):
        if value == 0:
            assert second_done.wait(5)
        else:
            second_done.set()
        return value

    assert [item.index for item in fanout.run(call, range(4), workers=4)] == [0, 1, 2, 3]


def test_items_come_as_they_complete_when_order_does_not_matter():
    """A slow first input does not hold the others back."""
    release = threading.Event()

    def call(value):
        if value == 0:
            assert release.wait(5)
        return value

    items = fanout.run(call, range(4), workers=4, ordered=False)
    assert {next(items).index for _ in range(3)} == {1, 2, 3}
    release.set()
    assert next(items).index == 0


@pytest.mark.parametrize("ordered", [True, False])
def test_little_is_pulled_ahead(ordered):
    """At most two inputs a worker, however long the generator."""
    pulled = []

    def endless():
        for number in range(1_000_000):
            pulled.append(number)
            yield number

    items = fanout.run(double, endless(), workers=3, ordered=ordered)
    for expected in range(1, 50):
        next(items)
        assert len(pulled) <= expected + 2 * 3
    items.close()


def test_nothing_is_read_before_the_first_item_is_asked_for():
    """The iterator is lazy."""
    def inputs():
        raise AssertionError("read too early")
        yield

    fanout.run(double, inputs(), workers=1)


def test_the_callers_context_variables_are_seen():
    """A trace id set by the caller is there in the workers."""
    variable = contextvars.ContextVar("variable", default="unset")
    variable.set("set")
    assert [item.response for item in fanout.run(lambda _: variable.get(), range(3), workers=2)] == ["set"] * 3


def test_leaving_early_cancels_the_calls_that_run():
    """A loop that is broken off waits for nothing."""
    group = CallGroup()
    stalled = threading.Event()

    class Call:
        def cancel(self):
            stalled.set()

    def call(value):
        if value:
            running = Call()
            group.add(running)
            assert stalled.wait(10)
        return value

    started = time.monotonic()
    items = fanout.run(call, range(8), workers=4, group=group)
    assert next(items).index == 0
    items.close()
    assert time.monotonic() - started < 2
    assert stalled.is_set()


def test_calls_inside_calls_do_not_deadlock():
    """Each run has an executor of its own."""
    def call(value):
        return [item.response for item in fanout.run(double, [value], workers=1)]

    assert [item.response for item in fanout.run(call, [1, 2], workers=1)] == [[2], [4]]


def test_any_executor_will_do():
    """Here processes; an error crosses the border too."""
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=__import__("multiprocessing").get_context("spawn")) as executor:
        items = list(fanout.run(double, [1, 3, Unpicklable()], workers=2, executor=executor))
    assert items[0] == Item(0, response=2)
    assert isinstance(items[1].error, errors.NetworkError)
    assert isinstance(items[2].error, TypeError)


def test_a_callers_executor_is_left_open():
    """Who made it closes it."""
    with concurrent.futures.ThreadPoolExecutor(2) as executor:
        assert len(list(fanout.run(double, range(3), workers=2, executor=executor))) == 3
        assert executor.submit(double, 1).result() == 2


def test_an_error_while_reading_inputs_is_raised():
    """It is the caller's own, and comes after the items that were due."""
    def inputs():
        yield 1
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        list(fanout.run(double, inputs(), workers=2))


@pytest.mark.parametrize("workers", [0, -1, True, 1.5, "4"])
def test_a_senseless_number_of_workers_is_refused(workers):
    """Before anything is read."""
    with pytest.raises(errors.ConfigurationError, match="workers must be a whole number from 1"):
        fanout.run(double, [], workers=workers)


def test_progress_is_told_to_a_function():
    """With the number done and, where it is known, the total."""
    seen = []
    list(fanout.run(double, [1, 2], workers=1, progress=lambda done, total: seen.append((done, total))))
    list(fanout.run(double, iter([1]), workers=1, progress=lambda done, total: seen.append((done, total))))
    assert seen == [(1, 2), (2, 2), (1, None)]


def test_progress_is_shown_only_where_it_was_asked_for(capsys):
    """On standard error, so that output can be piped."""
    list(fanout.run(double, [1, 2], workers=1))
    assert capsys.readouterr() == ("", "")
    list(fanout.run(double, [1, 2], workers=1, progress=True))
    out, err = capsys.readouterr()
    assert out == ""
    assert "2/2" in err


@pytest.mark.parametrize("inputs", ["abc", b"abc", {"role": "user", "content": "hi"}, None, 5], ids=lambda value: type(value).__name__)
def test_one_input_in_place_of_many_is_refused(inputs):
    """A text would be asked letter by letter, and a message key by key."""
    with pytest.raises(errors.InvalidRequestError, match=f"map takes many prompts.*got {type(inputs).__name__}; put one alone in a list"):
        fanout.run(len, inputs, workers=1)


@pytest.mark.parametrize(("name", "value"), [("executor", "threads"), ("executor", []), ("progress", "yes"), ("progress", 1)])
def test_settings_of_the_wrong_type_are_refused(name, value):
    """Before anything is read."""
    with pytest.raises(errors.ConfigurationError, match=f"{name} must be"):
        fanout.run(len, iter(()), workers=1, **{name: value})
