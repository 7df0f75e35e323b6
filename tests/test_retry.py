"""What is tried again and how long is waited, without a clock or a network."""

from __future__ import annotations

import pickle

import pytest

from llmclient import errors
from llmclient.errors import ProviderError
from llmclient.retry import CallGroup, Gate, Retry, Tries


class FakeCall:
    """Stands for the running deadline of a call: it sleeps by remembering."""

    def __init__(self, remaining: float = 100.0) -> None:
        self.left = remaining
        self.slept: list[float] = []
        self.cancelled = False

    def remaining(self) -> float:
        return self.left

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.left -= seconds

    def cancel(self) -> None:
        self.cancelled = True


KEY = ("groq", "account", "model")


def play(outcomes, *, retry=None, call=None, gate=None, hook=None):
    """Run a call whose attempts end as listed; return its tries."""
    script = iter(outcomes)

    def once():
        outcome = next(script)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome, 200

    tries = Tries(retry or Retry(), call or FakeCall(), gate or Gate(), KEY, hook)
    return tries, lambda: tries.run(once)


RETRIED = [
    ProviderError.rate_limit("groq"),
    ProviderError.network("groq", "reset"),
    ProviderError.timeout("groq", "504"),
    ProviderError.provider_unavailable("groq", "503"),
    ProviderError.api_error("groq", 500, "m"),
]
FINAL = [
    ProviderError.authentication("groq", "m"),
    ProviderError.quota_exceeded("groq", "m"),
    ProviderError.invalid_request("groq", "m"),
    ProviderError.api_error("groq", 501, "m"),
    ProviderError.network("groq", "bad certificate", retryable=False),
    errors.PoolTimeoutError("groq", "m"),
    ProviderError.response_parsing("groq", "m"),
    ProviderError.cancelled("groq"),
]


@pytest.mark.parametrize("error", RETRIED, ids=lambda error: type(error).__name__)
def test_a_passing_failure_is_tried_again(error):
    """The second attempt's answer is returned, and both attempts are told."""
    tries, run = play([error, "answer"])
    assert run() == "answer"
    assert [(a.number, a.status, a.error) for a in tries.attempts] == [(1, error.status, type(error).__name__), (2, 200, None)]


@pytest.mark.parametrize("error", FINAL, ids=lambda error: type(error).__name__)
def test_a_lasting_failure_is_raised_at_once(error):
    """Nothing is repeated that cannot help."""
    _, run = play([error, "answer"])
    with pytest.raises(type(error)) as raised:
        run()
    assert len(raised.value.attempts) == 1


def test_the_total_deadline_is_not_retried():
    """There is no time left to try in."""
    error = ProviderError.timeout("groq", "m")
    error.limit = "total"
    with pytest.raises(errors.RequestTimeoutError):
        play([error, "answer"])[1]()


def test_attempts_are_bounded_and_the_first_counts():
    """max_attempts=2 means one repetition; the error tells of both."""
    _, run = play([ProviderError.network("groq", "1"), ProviderError.network("groq", "2"), "answer"], retry=Retry(max_attempts=2))
    with pytest.raises(errors.NetworkError) as raised:
        run()
    assert raised.value.message == "2"
    assert [attempt.number for attempt in raised.value.attempts] == [1, 2]


def test_a_hint_replaces_the_backoff():
    """The provider's seconds are slept, exactly."""
    call = FakeCall()
    play([ProviderError.rate_limit("groq", 7.5), "answer"], call=call)[1]()
    assert call.slept == [7.5]


def test_a_hint_beyond_the_bound_raises_now():
    """An hour is not waited for; the error carries it."""
    call = FakeCall(remaining=10_000)
    with pytest.raises(errors.RateLimitError) as raised:
        play([ProviderError.rate_limit("groq", 3600), "answer"], call=call)[1]()
    assert raised.value.retry_after == 3600
    assert call.slept == []


def test_a_hint_past_the_deadline_raises_now():
    """A sleep never crosses the deadline."""
    call = FakeCall(remaining=5)
    with pytest.raises(errors.RateLimitError) as raised:
        play([ProviderError.rate_limit("groq", 6), "answer"], call=call)[1]()
    assert raised.value.retry_after == 6
    assert call.slept == []


@pytest.mark.parametrize(("number", "bound"), [(1, 0.5), (2, 1.0), (3, 2.0), (4, 4.0), (5, 8.0), (50, 8.0)])
def test_the_backoff_is_drawn_evenly_below_a_doubling_bound(number, bound):
    """Full jitter: from 0 to the bound, all over the range."""
    waits = [Retry(max_attempts=100).plan(RETRIED[1], number, 1000.0) for _ in range(400)]
    assert all(0 <= wait <= bound for wait in waits)
    assert min(waits) < bound * 0.1
    assert max(waits) > bound * 0.9


def test_a_rate_limit_holds_back_the_calls_of_other_threads():
    """One thread's hint shuts the gate for all calls of the account and model."""
    gate = Gate()
    play([ProviderError.rate_limit("groq", 30.0), "answer"], gate=gate)[1]()
    other = FakeCall()
    assert 29.0 < gate.wait(KEY, _Passing(other, gate)) <= 30.0
    assert gate.wait(("groq", "other account", "model"), FakeCall()) == 0.0


class _Passing:
    """A call during whose sleep the gate opens."""

    def __init__(self, call, gate):
        self._call = call
        self._gate = gate

    def remaining(self):
        return self._call.remaining()

    def sleep(self, seconds):
        self._call.sleep(seconds)
        self._gate._until.clear()


def test_a_shut_gate_beyond_the_deadline_raises_with_the_wait():
    """Nothing is sent, and the error says when to come back."""
    gate = Gate()
    gate.shut(KEY, 50.0)
    with pytest.raises(errors.RateLimitError) as raised:
        gate.wait(KEY, FakeCall(remaining=1.0))
    assert 49 < raised.value.retry_after <= 50


def test_the_gate_forgets_what_is_over():
    """Its table does not grow with the number of models."""
    gate = Gate()
    for number in range(2000):
        gate.shut(("groq", "a", str(number)), -1.0)
    assert len(gate._until) <= 257


def test_an_error_that_is_final_leaves_the_gate_open():
    """Only a wait that somebody does is imposed on others."""
    gate = Gate()
    with pytest.raises(errors.RateLimitError):
        play([ProviderError.rate_limit("groq", 30.0)], retry=Retry(max_attempts=1), gate=gate)[1]()
    assert gate.wait(KEY, FakeCall()) == 0.0


def test_the_hook_sees_every_attempt():
    """It is called with provider, model and attempt."""
    seen = []
    play([RETRIED[1], "answer"], hook=lambda *what: seen.append(what))[1]()
    assert [(provider, model, attempt.error) for provider, model, attempt in seen] == [("groq", "model", "NetworkError"), ("groq", "model", None)]


def test_attempts_are_logged_without_prompt_or_key(caplog):
    """One line each at INFO."""
    with caplog.at_level("INFO", logger="llmclient"):
        play([RETRIED[1], "answer"])[1]()
    assert len(caplog.records) == 2
    assert "groq model attempt 1: NetworkError" in caplog.text


def test_a_failure_after_a_seeming_success_replaces_it():
    """A stream that breaks before its first chunk is one attempt, not two."""
    tries, run = play(["connected", "again"])
    run()
    tries.fail(ProviderError.network("groq", "broken"), after_success=True)
    assert run() == "again"
    assert [(a.number, a.error) for a in tries.attempts] == [(1, "NetworkError"), (2, None)]


@pytest.mark.parametrize("bad", [{"max_attempts": 0}, {"max_attempts": True}, {"max_attempts": 1.5}, {"min_wait": -1}, {"max_wait": float("nan")}, {"max_hint": "5"}])
def test_a_malformed_policy_is_refused(bad):
    """The message names the field."""
    with pytest.raises(errors.ConfigurationError, match=f"retry.{next(iter(bad))} must be"):
        Retry(**bad)


def test_a_policy_is_a_value():
    """Equal, hashable, picklable, frozen."""
    assert Retry(max_attempts=2) == pickle.loads(pickle.dumps(Retry(max_attempts=2)))
    assert len({Retry(), Retry()}) == 1
    with pytest.raises(AttributeError):
        Retry().max_attempts = 5


def test_a_group_cancels_all_its_calls_and_those_to_come():
    """Leaving a fan-out leaves nothing behind."""
    group, early, late, gone = CallGroup(), FakeCall(), FakeCall(), FakeCall()
    group.add(early)
    group.add(gone)
    group.discard(gone)
    group.cancel()
    group.add(late)
    assert (early.cancelled, late.cancelled, gone.cancelled) == (True, True, False)
