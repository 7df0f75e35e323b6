"""What OpenAI checks in a request, and the words in which it complains."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from llmclient.simulator.exchange import Failure

_KINDS: dict[str, tuple[str, Callable[[object], bool]]] = {
    "string": ("a string", lambda value: isinstance(value, str)),
    "boolean": ("a boolean", lambda value: isinstance(value, bool)),
    "integer": ("an integer", lambda value: isinstance(value, int) and not isinstance(value, bool)),
    "decimal": ("a decimal", lambda value: isinstance(value, int | float) and not isinstance(value, bool)),
    "array": ("an array", lambda value: isinstance(value, list)),
    "object": ("an object", lambda value: isinstance(value, dict)),
}


class Rule(NamedTuple):
    """What a parameter may be."""

    kind: str
    low: float | None = None
    high: float | None = None


def refuse(message: str, code: str | None = None, param: str | None = None) -> Failure:
    """Return the failure of a request that is wrong."""
    return Failure(400, message, code=code, type="invalid_request_error", param=param)


def check(body: Mapping[str, Any], rules: Mapping[str, Rule]) -> None:
    """Raise Failure for the first parameter that breaks its rule; null counts as not given."""
    for name, rule in rules.items():
        value = body.get(name)
        if value is not None:
            _check_one(name, value, rule)


def need(body: Mapping[str, Any], name: str, kind: str, path: str = "") -> Any:
    """Return a parameter; raises Failure when it is missing or of another kind."""
    path = path or name
    if body.get(name) is None:
        raise refuse(f"Missing required parameter: '{path}'.", "missing_required_parameter", path)
    return typed(body[name], kind, path)


def typed(value: Any, kind: str, path: str) -> Any:
    """Return the value; raises Failure when it is of another kind."""
    name, fits = _KINDS[kind]
    if not fits(value):
        raise refuse(f"Invalid type for '{path}': expected {name}, but got {_kind_of(value)} instead.", "invalid_type", path)
    return value


def one_of(value: Any, allowed: Sequence[str], path: str) -> Any:
    """Return the value; raises Failure when it is not among the allowed ones."""
    if value not in allowed:
        listed = ", ".join(f"'{item}'" for item in allowed[:-1])
        raise refuse(f"Invalid value: '{value}'. Supported values are: {listed}, and '{allowed[-1]}'.", "invalid_value", path)
    return value


def _check_one(name: str, value: Any, rule: Rule) -> None:
    typed(value, rule.kind, name)
    if rule.low is not None and value < rule.low:
        message = f"Invalid '{name}': {rule.kind} below minimum value. Expected a value >= {rule.low:g}, but got {value} instead."
        raise refuse(message, f"{rule.kind}_below_min_value", name)
    if rule.high is not None and value > rule.high:
        message = f"Invalid '{name}': {rule.kind} above maximum value. Expected a value <= {rule.high:g}, but got {value} instead."
        raise refuse(message, f"{rule.kind}_above_max_value", name)


def _kind_of(value: object) -> str:
    return "null" if value is None else next(name for name, fits in _KINDS.values() if fits(value))
