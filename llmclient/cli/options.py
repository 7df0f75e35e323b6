"""The options that several commands share, and what they become in a call."""

from __future__ import annotations

import functools
import json
import pathlib
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar, cast

import click

F = TypeVar("F", bound=Callable[..., Any])
_CALL: Final = ("system", "temperature", "max_tokens", "schema", "option", "api_key", "api_base", "timeout")
_NOT_IN_A_NAME: Final = re.compile(r"[^A-Za-z0-9_-]+")


class Pair(click.ParamType[tuple[str, Any]]):
    """`name=value`, where the value is JSON if it can be read as JSON, else text."""

    name = "NAME=VALUE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, Any]:
        """Split and read; a usage error without a name."""
        name, equals, text = str(value).partition("=")
        if not equals or not name.strip():
            self.fail(f"{value!r} is not of the form name=value", param, ctx)
        try:
            return name.strip(), json.loads(text)
        except ValueError:
            return name.strip(), text


PATH: Final = click.Path(exists=True, dir_okay=False, readable=True, path_type=pathlib.Path)

_account = (
    click.option("--api-key", metavar="KEY", help="The key, instead of the one in the environment."),
    click.option("--api-base", metavar="URL", help="The address, instead of the provider's usual one."),
    click.option("--timeout", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS", help="The most that a call may take in all."),
)
_chat = (
    click.option("-s", "--system", metavar="TEXT", help="What the model is told before the prompt."),
    click.option("--temperature", type=float, metavar="NUMBER", help="How much chance is in the answer; 0 is least."),
    click.option("--max-tokens", type=click.IntRange(min=1), metavar="COUNT", help="The longest answer, reasoning included."),
    click.option("--schema", type=PATH, metavar="FILE", help="A JSON Schema that the answer must satisfy."),
    click.option("-o", "--option", type=Pair(), multiple=True, help="Any other parameter; the value is JSON, or else text. Unknown names go out as they are."),
)


def _all(decorators: tuple[Callable[[F], F], ...], function: F) -> F:
    return functools.reduce(lambda inner, decorate: decorate(inner), reversed(decorators), function)


def account(function: F) -> F:
    """Add --api-key, --api-base and --timeout."""
    return _all(_account, function)


def call(function: F) -> F:
    """Add what shapes a chat call, and what `account` adds."""
    return _all((*_chat, *_account), function)


def read_call(given: dict[str, Any]) -> dict[str, Any]:
    """Take the options of `call` out of a command's arguments, and return the keywords for `Client.chat`."""
    taken = {name: given.pop(name) for name in _CALL}
    pairs, schema = dict(taken.pop("option")), taken.pop("schema")
    keywords = drop_none(taken)
    if schema is not None:
        keywords["response_format"] = read_schema(schema)
    return _merge(keywords, pairs)


def drop_none(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that somebody has given, so that a call keeps its own defaults for the others."""
    return {name: value for name, value in given.items() if value is not None}


def _merge(keywords: dict[str, Any], pairs: Mapping[str, Any]) -> dict[str, Any]:
    from llmclient.types.options import ChatOptions

    twice = sorted(keywords.keys() & pairs.keys())
    if twice:
        raise click.UsageError(f"--option {twice[0]} says again what --{twice[0].replace('_', '-')} says")
    known = ChatOptions.__annotations__
    typed = {name: value for name, value in pairs.items() if name in known}
    unknown = {name: value for name, value in pairs.items() if name not in known}
    if unknown:
        typed["extra"] = {**(typed.get("extra") or {}), **unknown}
    return keywords | typed


def as_object(value: object) -> dict[str, Any] | None:
    """Return parsed JSON if it is an object, else None."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def read_schema(path: pathlib.Path) -> dict[str, Any]:
    """Return a response_format for the JSON Schema in a file; a file that holds a whole response_format is taken as it is."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise click.UsageError(f"{path} is not JSON: {error}") from error
    schema = as_object(found)
    if schema is None:
        raise click.UsageError(f"{path} must hold a JSON object, the schema")
    if schema.get("type") == "json_schema":
        return schema
    name = _NOT_IN_A_NAME.sub("_", str(schema.get("title") or path.stem)).strip("_")[:64] or "answer"
    # Providers that are strict about strict schemas want every object closed.
    strict = schema.get("additionalProperties") is False
    return {"type": "json_schema", "json_schema": {"name": name, "schema": schema, "strict": strict}}
