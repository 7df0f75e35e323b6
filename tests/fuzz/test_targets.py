"""Whatever reads somebody else's bytes, fed with damaged ones; `make fuzz` does the same for longer, guided by coverage."""

from __future__ import annotations

import functools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmclient.dialects.base import Dialect
from tests.faults.test_fuzz import damaged
from tests.fuzz import targets
from tests.fuzz.seeds import seeds

planted = functools.cache(seeds)


@pytest.mark.parametrize("name", targets.TARGETS)
def test_a_target_keeps_the_rules(name: str) -> None:
    """Only errors of the tree leave, and in a moment, whatever a good answer is damaged to; of this format or of another."""

    @settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow])
    @given(st.sampled_from(planted()).flatmap(damaged))
    def check(raw: bytes) -> None:
        targets.strike(name, raw)

    check()


def test_every_dialect_is_a_target() -> None:
    """What decodes and what maps errors, of each kind of dialect, and the stream of each that chats."""
    kinds = targets.subclasses()
    assert len(kinds) > 25
    wanted = {f"{kind.__name__}.{what}" for kind in kinds for what in ("decode", "error")}
    wanted |= {f"{kind.__name__}.stream" for kind in kinds if hasattr(kind, "stream")}
    assert set() == wanted - set(targets.TARGETS)


def test_a_dialect_that_is_new_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The list of kinds is made of the classes themselves, whether an adapter uses them or not."""

    class New(Dialect):
        def decode(self, raw: bytes, model: str, request_id: str) -> None:
            return None

    New.__module__ = "llmclient.dialects.new"
    try:
        assert New in targets.subclasses()
    finally:
        New.__module__ = __name__


def test_seeds_are_of_every_kind() -> None:
    """Whole answers, streams, failures, HTTP and compressed bodies."""
    starts = {seed[:1] for seed in planted()}
    assert {b"{", b"d", b"e", b"H", b"\x1f", b"\x78"} <= starts
    assert len(planted()) > 60


LOOPS = {
    "OpenAIChat": b"\x0bevent: x\n\n",
    "CohereChat": b"\x0cdata: {\n\n",
    "AnthropicMessages": b" " * 80 + b"data: {]\n\n",
}


@pytest.mark.parametrize("name", LOOPS)
@pytest.mark.parametrize("what", ["decode", "stream"])
def test_what_is_neither_an_answer_nor_a_stream_is_not_read_for_ever(name: str, what: str) -> None:
    """The one way of reading used to hand it to the other, and back."""
    targets.strike(f"{name}.{what}", LOOPS[name])


def test_a_failed_stream_has_a_partial_answer_even_where_its_pieces_make_none() -> None:
    """An item without a type fails the stream; what is left of it is empty rather than a second failure."""
    dialect = targets.used()["OpenAIResponses"]
    decoder = dialect.stream("m", "r")
    decoder.feed(b'data: {"type": "response.output_item.added", "output_index": 0, "item": {"nt": []}}\n\n')
    decoder.finish()
    assert decoder.error is not None
    assert "" == decoder.response().text


def test_an_address_that_is_none_does_not_stop_an_error_from_being_read() -> None:
    """A redirect's target may be anything."""
    for dialect in targets.used().values():
        assert 301 == dialect.error(301, {"location": "http://[::1"}, b"").status


def test_a_target_that_breaks_the_rules_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any other error than those of the tree leaves `strike`."""

    class Broken:
        def decode(self, raw: bytes, model: str, request_id: str) -> None:
            raise KeyError(raw)

    monkeypatch.setitem(targets.TARGETS, "broken", targets.decoding(Broken()))
    with pytest.raises(KeyError):
        targets.strike("broken", b"x")
