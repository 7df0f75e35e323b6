"""The quick way makes the same values as the usual one."""

from __future__ import annotations

import copy
import pickle

import attrs
import pytest

from llmclient.types.answer import Meta, Sent
from llmclient.types.chat import ChatChunk, ChatRequest, ChatResponse, Choice
from llmclient.types.context import WireRequest
from llmclient.types.making import maker
from llmclient.types.messages import Message
from llmclient.types.usage import Usage


@attrs.frozen
class Point:
    """A value with every kind of field that is understood."""

    x: int
    y: int = 2
    tags: list[str] = attrs.field(factory=list)
    z: int = attrs.field(default=3, kw_only=True)


make = maker(Point)


@pytest.mark.parametrize("arguments", [{"x": 1}, {"x": 1, "y": 5}, {"x": 1, "tags": ["a"]}, {"x": 1, "z": 9}])
def test_it_makes_the_same_value(arguments):
    """Equal, of the same class, and looking the same."""
    quick, usual = make(**arguments), Point(**arguments)
    assert quick == usual
    assert type(quick) is Point
    assert repr(quick) == repr(usual)
    assert hash(make(1, tags=())) == hash(Point(1, tags=()))


def test_it_takes_places_and_refuses_what_the_class_refuses():
    """Its signature is that of the class."""
    assert make(1, 2) == Point(1, 2)
    for wrong in ({}, {"x": 1, "w": 2}):
        with pytest.raises(TypeError):
            make(**wrong)
    with pytest.raises(TypeError):
        make(1, 2, [], 3)


def test_a_value_is_frozen():
    """From the moment that it is handed out."""
    value = make(1)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        value.x = 2
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        del value.x


def test_a_default_that_is_made_is_made_each_time():
    """No two values share a list."""
    assert make(1).tags is not make(1).tags


def test_a_value_copies_pickles_and_evolves():
    """Like any other."""
    value = make(1, tags=["a"])
    assert copy.copy(value) == copy.deepcopy(value) == pickle.loads(pickle.dumps(value)) == value
    assert attrs.evolve(value, y=7) == Point(1, 7, ["a"])


@pytest.mark.parametrize("field", [attrs.field(converter=int), attrs.field(validator=lambda *_: None), attrs.field(default=1, init=False)])
def test_a_class_that_wants_more_is_refused(field):
    """What would be left out must not be left out in silence."""
    with pytest.raises(TypeError, match="wants more than to be assigned"):
        maker(attrs.make_class("Odd", {"x": field}, frozen=True))


@pytest.mark.parametrize(
    ("cls", "arguments"),
    [
        (ChatRequest, {"model": "m", "messages": (Message("user", "?"),)}),
        (Message, {"role": "user"}),
        (Choice, {"index": 0, "message": Message("user")}),
        (ChatResponse, {}),
        (ChatChunk, {}),
        (Usage, {"prompt_tokens": 1}),
        (Meta, {}),
        (Sent, {"method": "GET", "url": "u", "headers": {}, "body": None}),
        (WireRequest, {"path": "/"}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_the_values_of_a_call_can_be_made_quickly(cls, arguments):
    """All of those that are."""
    quick = maker(cls)(**arguments)
    assert quick == cls(**arguments)
    assert type(quick) is cls
