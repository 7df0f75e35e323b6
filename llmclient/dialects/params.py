"""What writers of parameters have in common: which say nothing, how far they go, and what they hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from llmclient.dialects.base import Notes, merge_extra
from llmclient.dialects.shapes import is_object
from llmclient.errors import InvalidRequestError
from llmclient.types.chat import PARAMS, ChatRequest
from llmclient.types.messages import JSONObject

OFF: Final = frozenset({"none", "off"})
"""Efforts that are not to think."""
_MOOT_EMPTY: Final = frozenset({"tools", "stop", "logit_bias", "metadata", "logprobs", "top_logprobs", "store"})
_MAY_BE_MOOT: Final = _MOOT_EMPTY | {"n", "response_format", "modalities"}


def given(request: ChatRequest) -> Iterator[tuple[str, Any]]:
    """Yield the portable parameters of a request and their values, but for those whose absence says the same in every format."""
    for name in PARAMS:
        value = getattr(request, name)
        if value is not None and not (name in _MAY_BE_MOOT and _is_moot(name, value)):
            yield name, value


def _is_moot(name: str, value: Any) -> bool:
    return (
        (name == "n" and value == 1)
        or (name in _MOOT_EMPTY and not value)
        or (name == "response_format" and value.get("type") == "text")
        or (name == "modalities" and tuple(value) == ("text",))
    )


def within(value: float, bounds: tuple[float, float] | None) -> float:
    """Return the nearest value that is within bounds, the least and the greatest."""
    return value if bounds is None else min(max(value, bounds[0]), bounds[1])


def clamp(name: str, value: float, bounds: tuple[float, float] | None, notes: Notes) -> float:
    """Return the nearest value of a parameter that is within bounds, and note where that is another."""
    sent = within(value, bounds)
    if sent != value:
        notes.clamp(name, value, sent)
    return sent


def find_tier(value: str, tiers: Mapping[str, str], notes: Notes) -> str | None:
    """Return a tier of service by the vendor's name; None, and note that it is dropped, for one that it does not know."""
    sent = tiers.get(value)
    if sent is None:
        notes.drop("service_tier", f"{value!r} is none of {', '.join(tiers)}")
    return sent


def check_stops(value: tuple[str, ...], most: int) -> None:
    """Raise InvalidRequestError for more stop sequences than are taken."""
    if len(value) > most:
        raise InvalidRequestError("", f"at most {most} stop sequences are taken here, got {len(value)}", param="stop")


def schema_of(response_format: JSONObject) -> JSONObject:
    """Return the JSON Schema of a format of the type json_schema; raises InvalidRequestError where there is none."""
    wrapper = response_format.get("json_schema")
    schema = wrapper.get("schema") if is_object(wrapper) else None
    if not is_object(schema):
        raise InvalidRequestError("", "response_format needs a json_schema with a schema", param="response_format")
    return schema


def lay_over(body: dict[str, Any], extra: Mapping[str, Any], merged: Iterable[str], notes: Notes) -> None:
    """Lay `extra` over the body, but field by field within the `merged`, objects that several parameters fill."""
    rest = dict(extra)
    for name in merged:
        fields, held = rest.get(name), body.get(name)
        if is_object(fields) and is_object(held):
            joined = dict(held)
            merge_extra(joined, fields, notes)
            body[name] = joined
            del rest[name]
    merge_extra(body, rest, notes)
