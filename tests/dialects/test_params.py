"""What writers of parameters share."""

from __future__ import annotations

from typing import Any

import pytest

from llmclient.dialects.base import Notes
from llmclient.dialects.params import check_stops, clamp, find_tier, given, lay_over, schema_of, within
from llmclient.errors import InvalidRequestError
from llmclient.types.chat import ChatRequest
from llmclient.types.messages import Message


def request(**options: Any) -> ChatRequest:
    """Return a request with these parameters."""
    return ChatRequest(model="m", messages=(Message("user", "hi"),), **options)


MOOT: tuple[dict[str, Any], ...] = (
    {"n": 1},
    {"tools": ()},
    {"stop": ()},
    {"logit_bias": {}},
    {"metadata": {}},
    {"logprobs": False},
    {"top_logprobs": 0},
    {"store": False},
    {"response_format": {"type": "text"}},
    {"modalities": ("text",)},
)


@pytest.mark.parametrize("options", MOOT, ids=lambda options: next(iter(options)))
def test_a_parameter_whose_absence_says_the_same_is_passed_over(options: dict[str, Any]) -> None:
    """Nobody is told that it cannot be carried."""
    assert [] == list(given(request(**options)))


def test_what_says_something_is_given_in_the_order_of_the_parameters() -> None:
    """A temperature of nothing is no absence."""
    found = list(given(request(temperature=0, n=2, stop=("x",), store=True, modalities=("text", "audio"), response_format={"type": "json_object"})))
    assert {"temperature", "n", "stop", "store", "modalities", "response_format"} == {name for name, _ in found}
    assert 0 == dict(found)["temperature"]


@pytest.mark.parametrize(("value", "sent"), [(-1.0, 0.0), (0.5, 0.5), (3.0, 2.0)])
def test_a_value_is_moved_to_the_nearest_within_bounds(value: float, sent: float) -> None:
    """Both bounds are within."""
    assert sent == within(value, (0.0, 2.0))


def test_without_bounds_a_value_stays() -> None:
    """None stands for no bounds."""
    assert 99.0 == within(99.0, None)


def test_a_value_that_was_moved_is_noted() -> None:
    """One that was not is no news."""
    notes = Notes()
    assert (1.0, 0.5) == (clamp("top_p", 7, (0.0, 1.0), notes), clamp("top_p", 0.5, (0.0, 1.0), notes))
    assert [("clamped", "top_p")] == [(warning.kind, warning.param) for warning in notes.warnings]


def test_a_tier_goes_by_the_vendors_name() -> None:
    """One that the vendor has not is dropped, and the warning lists those that it has."""
    notes = Notes()
    assert "standard_only" == find_tier("standard", {"standard": "standard_only", "auto": "auto"}, notes)
    assert find_tier("gold", {"standard": "standard_only", "auto": "auto"}, notes) is None
    assert ["service_tier was dropped: 'gold' is none of standard, auto"] == [warning.message for warning in notes.warnings]


def test_too_many_stop_sequences_are_refused() -> None:
    """As many as are taken are not."""
    check_stops(("a", "b"), 2)
    with pytest.raises(InvalidRequestError, match="at most 2 stop sequences are taken here, got 3"):
        check_stops(("a", "b", "c"), 2)


def test_the_schema_of_a_format_is_found() -> None:
    """It stands in the wrapper that names it."""
    assert {"type": "object"} == schema_of({"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}})


@pytest.mark.parametrize("wrapper", [None, "x", {}, {"schema": True}])
def test_a_format_without_a_schema_is_refused(wrapper: Any) -> None:
    """The error names the parameter."""
    with pytest.raises(InvalidRequestError, match="needs a json_schema with a schema") as caught:
        schema_of({"type": "json_schema", "json_schema": wrapper})
    assert "response_format" == caught.value.param


def test_extra_is_laid_over_field_by_field_where_several_parameters_fill_an_object() -> None:
    """Elsewhere it replaces the whole; what is replaced is told."""
    notes = Notes()
    config = {"a": 1, "b": 2}
    body: dict[str, Any] = {"config": config, "other": {"a": 1}}
    lay_over(body, {"config": {"b": 3, "c": 4}, "other": {"b": 2}}, ("config", "absent"), notes)
    assert {"config": {"a": 1, "b": 3, "c": 4}, "other": {"b": 2}} == body
    assert {"a": 1, "b": 2} == config
    assert ["b", "other"] == [warning.param for warning in notes.warnings]


def test_extra_of_another_kind_replaces_an_object() -> None:
    """A null cannot be joined with fields."""
    body: dict[str, Any] = {"config": {"a": 1}}
    lay_over(body, {"config": None}, ("config",), Notes())
    assert {"config": None} == body
