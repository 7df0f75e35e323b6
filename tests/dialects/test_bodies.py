"""What the bodies of answers have in common."""

from __future__ import annotations

from typing import Any

import pytest

from llmclient.dialects import bodies
from llmclient.wire import jsons


@pytest.mark.parametrize(("raw", "value"), [(b'{"a": 1}', {"a": 1}), (b"null", None), (b"<html>", None), (b"", None), (b"\xff", None)])
def test_what_is_no_json_is_none(raw: bytes, value: Any) -> None:
    """As is null, which no answer is."""
    assert value == bodies.parse(raw)


def test_another_reader_may_be_given() -> None:
    """Its ValueError means the same."""
    assert 1.5 == bodies.parse(b"1.5", float)
    assert bodies.parse(b"one", float) is None


BIG = 12345678901234567890123


def test_long_numbers_of_calls_are_kept() -> None:
    """To the last digit, as they may be keys of something."""
    assert {"call": {"n": BIG}} == bodies.make_loads(b'"call"')(b'{"call": {"n": %d}}' % BIG)


@pytest.mark.parametrize("raw", [b'{"n": %d}' % BIG, b'{"call": {"n": 1}}'])
def test_anything_else_is_read_the_quick_way(raw: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a call, or without a long number."""
    monkeypatch.delattr(jsons, "loads_exactly")
    assert jsons.loads(raw) == bodies.make_loads(b'"call"')(raw)


@pytest.mark.parametrize("raw", [b"data: {}", b'data:{"a": 1}', b"\n\nevent: x\ndata: {}"])
def test_a_stream_of_events_is_recognised(raw: bytes) -> None:
    """By its first line, blank ones left out."""
    assert bodies.is_event_stream(raw)


@pytest.mark.parametrize("raw", [b"", b"{}", b"database", b": comment", b"<html>"])
def test_other_bodies_are_no_stream(raw: bytes) -> None:
    """Nor is a word that begins alike."""
    assert not bodies.is_event_stream(raw)


def test_an_unreadable_body_is_shown_and_its_address_doubted() -> None:
    """No more of it than 200 characters, without the blanks around."""
    error = bodies.unreadable(b"  <html>" + b"x" * 900, "is no message", "a Messages API", "m")
    assert f"the answer is no message: '<html>{'x' * 194}'; is the address that of a Messages API?" == error.message
    assert "m" == error.model


def test_an_empty_body_is_called_empty() -> None:
    """There is nothing to show."""
    assert "the answer is empty; is the address that of a Messages API?" == bodies.unreadable(b" \n", "is no message", "a Messages API", None).message


def test_what_an_answer_lacks_is_named() -> None:
    """With what came in its place."""
    error = bodies.lacking(b'{"data": \xff' + b"y" * 900, "embeddings", "m")
    assert (f"""the answer holds no embeddings: '{{"data": \ufffd{"y" * 190}'""", "m") == (error.message, error.model)


def test_an_odd_shape_is_told_by_what_went_wrong() -> None:
    """In an answer, or in what is named."""
    error = bodies.odd(KeyError("choices"), "m")
    assert ("the answer has an odd shape: KeyError: 'choices'", "m") == (error.message, error.model)
    assert "an event has an odd shape: TypeError: x" == bodies.odd(TypeError("x"), "m", "an event").message
