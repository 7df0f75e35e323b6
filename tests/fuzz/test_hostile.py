"""Requests of hostile size or shape: a clear error or a request, in a moment, in every dialect."""

from __future__ import annotations

import sys
import time
from typing import Any

import pytest

from llmclient.dialects.gemini import schemas
from llmclient.errors import InvalidRequestError, ProviderError
from llmclient.types.chat import ChatRequest
from llmclient.wire import jsons
from tests.faults.test_fuzz import assert_clear, deep, endless
from tests.faults.wires import WIRES, Wire

SECONDS = 2.0


def nested(levels: int, key: str) -> Any:
    """Return schemas in schemas, each the only one of the other's `key`."""
    schema: dict[str, Any] = {"type": "object"}
    for _ in range(levels):
        schema = {key: [schema]}
    return schema


def looped(key: str) -> dict[str, Any]:
    """Return a schema that holds itself in a list."""
    schema: dict[str, Any] = {"type": "object"}
    schema[key] = [schema]
    return schema


def chain(links: int, **beside: Any) -> dict[str, Any]:
    """Return definitions each of which refers to the next."""
    return {f"d{n}": {"$ref": f"#/$defs/d{n + 1}", **beside} for n in range(links)} | {f"d{links}": {"type": "string"}}


def round_dict() -> dict[str, Any]:
    """Return a dict that holds itself."""
    box: dict[str, Any] = {}
    box["a"] = box
    return box


ROUND = round_dict()
DEEP_LIST: list[Any] = []
for _ in range(10_000):
    DEEP_LIST = [DEEP_LIST]

SCHEMAS: dict[str, Any] = {
    "10,000 levels of objects": deep(10_000),
    "10,000 levels of anyOf": nested(10_000, "anyOf"),
    "10,000 levels of allOf": nested(10_000, "allOf"),
    "itself in anyOf": looped("anyOf"),
    "itself in allOf": looped("allOf"),
    "the root in its own allOf": {"type": "object", "allOf": [{"$ref": "#"}]},
    "a circle of allOf": {"allOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"allOf": [{"$ref": "#/$defs/b"}]}, "b": {"allOf": [{"$ref": "#/$defs/a"}]}}},
    "the root in a field's allOf": {"type": "object", "properties": {"a": {"allOf": [{"$ref": "#"}]}}},
    "20,000 references": {"$ref": "#/$defs/d0", "$defs": chain(20_000)},
    "20,000 references with words": {"type": "object", "properties": {"p": {"$ref": "#/$defs/d0", "description": "x"}}, "$defs": chain(20_000, description="y")},
    "20,000 references in allOf": {"allOf": [{"$ref": "#/$defs/d0"}], "$defs": chain(20_000)},
    "words in a circle": {"enum": [endless()], "const": endless(), "default": ROUND},
    "200,000 words": {"enum": ["word"] * 200_000},
    "a long name": {"type": "object", "properties": {"x" * 1_000_000: {"type": "string"}}},
    "an infinite bound": {"type": "number", "maximum": float("inf")},
    "a bound of 5,000 digits": {"type": "integer", "maximum": 10**5000},
    "a bound of 400 digits": {"type": "integer", "exclusiveMaximum": 10**400},
    "names that are no strings": {"type": "object", "properties": {1: {"type": "string"}, None: {}, (1, 2): 3}},
    "a set": {"enum": {1, 2}},
    **{f"{key} of {kind}": {"type": "object", key: value} for key in ("enum", "anyOf", "allOf", "prefixItems", "items", "properties", "required", "type", "format", "$ref")
       for kind, value in {"a number": 5, "an object": {"a": 1}, "a list": [1, None, {}, ["x"]]}.items()},
}  # fmt: skip


@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.name)
def test_hostile_schemas_give_a_clear_error_or_a_request(wire: Wire) -> None:
    """As a tool's parameters and as the format of the answer, strict or not."""
    one = wire.provider()({"api_key": "k", "api_base": "http://127.0.0.1:1"})
    for name, schema in SCHEMAS.items():
        tool = {"type": "function", "function": {"name": "f", "description": "d", "parameters": schema}}
        forms = [{"type": "json_schema", "json_schema": {"name": "s", "schema": schema} | extra} for extra in ({"strict": True}, {})]
        for options in ({"tools": [tool]}, *({"response_format": form} for form in forms)):
            assert_quick(one, name, "hi", options)


def assert_quick(one: Any, name: str, messages: Any, options: dict[str, Any]) -> None:
    """Make a request, up to its bytes; says which one broke the rules."""
    start = time.process_time()
    try:
        assert_clear(one, messages, options)
    except Exception as error:
        error.add_note(name)
        raise
    # Measuring coverage slows each line down, which is not what is asked here.
    assert time.process_time() - start < SECONDS * (1 if sys.gettrace() is None else 5), name


def said(**fields: Any) -> list[dict[str, Any]]:
    """Return a user's message with other fields."""
    return [{"role": "user", "content": "x"} | fields]


def called(arguments: Any) -> list[dict[str, Any]]:
    """Return a conversation with a call."""
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": arguments}}
    return [*said(), {"role": "assistant", "content": None, "tool_calls": [call]}, {"role": "tool", "tool_call_id": "1", "content": "x"}]


MESSAGES: dict[str, Any] = {
    "100,000 turns": [{"role": ("user", "assistant")[n % 2], "content": "x"} for n in range(100_001)],
    "10 MB of text": "x" * 10_000_000,
    "10 MB of a picture": said(content=[{"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 10_000_000}}]),
    "a list of itself": endless(),
    "content of itself": said(content=endless()),
    "10,000 levels of content": said(content=DEEP_LIST),
    "a part of itself": said(content=[{"type": "text", "text": "x", "cache_control": ROUND}]),
    "a picture of itself": said(content=[{"type": "image_url", "image_url": ROUND}]),
    "a field of itself": said(zzz=ROUND),
    "10,000 levels in a field": said(zzz=DEEP_LIST),
    "a role that is a list": said(role=[1]),
    "a key that is no string": [{1: 2, "role": "user", "content": "x"}],
    "calls that are a number": [{"role": "assistant", "content": "x", "tool_calls": 5}],
    "a call of the wrong kinds": [*said(), {"role": "assistant", "tool_calls": [{"id": {}, "function": {"name": [1], "arguments": 5}}]}],
    "annotations that are a number": [{"role": "assistant", "content": "x", "annotations": 5}],
    "reasoning that is a number": [{"role": "assistant", "content": "x", "reasoning_blocks": 5}],
    "reasoning of another shape": [{"role": "assistant", "content": "x", "reasoning_blocks": [{"smell": 1}]}],
    "a state of another shape": [{"role": "assistant", "content": "x", "provider_state": {"smell": 1}}],
    "a state that is a number": [{"role": "assistant", "content": "x", "provider_state": 5}],
    "arguments 100,000 deep": called("[" * 100_000 + "]" * 100_000),
    "arguments of 5,000 digits": called('{"a": ' + "9" * 5000 + "}"),
    "arguments with NaN": called('{"a": NaN, "b": 1e999}'),
    "arguments of themselves": called(ROUND),
    "a result of itself": [*called("{}")[:2], {"role": "tool", "tool_call_id": "1", "content": endless()}],
    "bytes": said(content=b"x"),
    "a text that is a number": said(content=[{"type": "text", "text": 5}]),
    "an address that is none": said(content=[{"type": "image_url", "image_url": {"url": "http://[::1"}}]),
    "a file's name that is a number": said(content=[{"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA", "filename": 5}}]),
    "a recording of the wrong kinds": said(content=[{"type": "input_audio", "input_audio": {"data": 5, "format": []}}]),
    "a set": {1},
}


@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.name)
def test_hostile_messages_give_a_clear_error_or_a_request(wire: Wire) -> None:
    """Whatever is said."""
    one = wire.provider()({"api_key": "k", "api_base": "http://127.0.0.1:1"})
    for name, messages in MESSAGES.items():
        assert_quick(one, name, messages, {})


NAMES = (
    "temperature top_p max_tokens stop seed n logprobs user metadata tools tool_choice response_format reasoning_effort extra thinking logit_bias audio "
    "prediction modalities service_tier verbosity parallel_tool_calls presence_penalty frequency_penalty web_search_options system"
).split()
VALUES: dict[str, Any] = {
    "400 digits": 10**400,
    "5,000 digits": 10**5000,
    "71 bits": 2**70,
    "less than nothing": -1,
    "NaN": float("nan"),
    "infinity": float("inf"),
    "a dict of itself": ROUND,
    "a list of itself": endless(),
    "10,000 levels": DEEP_LIST,
    "a set": {1},
    "bytes": b"x",
    "an object": object(),
    "a lone surrogate": "\ud800",
    "a key that is no string": {1: 2},
    "a key with a lone surrogate": {"\ud800": 1},
    "100,000 words": ["a"] * 100_000,
    "a tool of itself": [ROUND],
    "a tool whose field holds itself": [{"type": "function", "function": {"name": "f", "parameters": {}, "x": ROUND}}],
    "a format of itself": {"type": "json_schema", "json_schema": ROUND},
    "a format of the wrong kinds": {"type": "json_schema", "json_schema": {"name": [1], "schema": {}, "strict": ROUND}},
    "a choice of itself": {"type": "function", "function": ROUND},
    "a choice of the wrong kinds": {"type": "function", "function": {"name": [1]}},
}


@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.name)
def test_hostile_parameters_give_a_clear_error_or_a_request(wire: Wire) -> None:
    """Each parameter may be given each of them."""
    one = wire.provider()({"api_key": "k", "api_base": "http://127.0.0.1:1"})
    for name in NAMES:
        for kind, value in VALUES.items():
            assert_quick(one, f"{name}: {kind}", "hi", {name: value})


@pytest.mark.slow
def test_100_megabytes_are_written_in_a_moment() -> None:
    """A long text is checked and written once."""
    one = WIRES[0].provider()({"api_key": "k", "api_base": "http://127.0.0.1:1"})
    assert_quick(one, "100 MB", "x" * 100_000_000, {})


@pytest.mark.parametrize("schema", [SCHEMAS[name] for name in ("the root in its own allOf", "a circle of allOf", "the root in a field's allOf")])
def test_circles_through_all_of_end_by_themselves(schema: dict[str, Any]) -> None:
    """Where Gemini's schemas are written, and not by the stack's end."""
    lost: list[tuple[str, str]] = []
    written = schemas.to_openapi(schema, lambda key, why: lost.append((key, why)), "tools")
    assert ("$ref", "the schema refers to itself in allOf") in lost
    assert len(repr(written)) < 1000


def test_what_all_of_refers_to_is_joined_once() -> None:
    """Two parts may refer to the same, side by side."""
    base = {"type": "object", "properties": {"a": {"type": "string"}}}
    lost: list[tuple[str, str]] = []
    written = schemas.to_openapi({"allOf": [{"$ref": "#/$defs/b"}, {"$ref": "#/$defs/b"}], "$defs": {"b": base}}, lambda *said: lost.append(said), "tools")
    assert base == written
    assert [] == lost


def test_a_number_that_python_refuses_to_write_is_named() -> None:
    """More than 4,300 digits are refused by the interpreter."""
    with pytest.raises(InvalidRequestError, match=r"\$\.a\[0\] is a number of more than"):
        jsons.dumps({"a": [10**5000]})
    assert str(10**3900).encode() == jsons.dumps(10**3900)


@pytest.mark.parametrize(
    ("messages", "word"),
    [
        (MESSAGES["a role that is a list"], "role"),
        (MESSAGES["calls that are a number"], "tool_calls"),
        (MESSAGES["annotations that are a number"], "annotations"),
        (MESSAGES["reasoning of another shape"], "reasoning_blocks"),
        (MESSAGES["a state of another shape"], "provider_state"),
        (MESSAGES["a key that is no string"], "key"),
        (MESSAGES["a file's name that is a number"], "filename"),
    ],
)
def test_the_error_names_what_is_wrong(messages: Any, word: str) -> None:
    """With the word that the caller wrote."""
    with pytest.raises(InvalidRequestError, match=word):
        ChatRequest.make("m", messages)


def test_a_system_prompt_of_another_kind_is_refused() -> None:
    """It is a text, or parts."""
    with pytest.raises(ProviderError, match="system must be"):
        ChatRequest.make("m", "hi", system=5)
    assert "be brief" == ChatRequest.make("m", "hi", system=[{"type": "text", "text": "be brief"}]).messages[0].text
