"""Whatever comes, and whatever is asked for: only ProviderError leaves, and nothing hangs."""

from __future__ import annotations

import itertools
import json
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmclient import registry
from llmclient.errors import ProviderError
from llmclient.provider import Provider
from llmclient.types.chat import ChatRequest
from llmclient.types.context import OPERATIONS
from llmclient.wire import jsons
from tests.faults.wires import BY_NAME, WIRES, Wire, dump

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["error", "stop", "2" * 400, "\ud800"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
ODD = st.one_of(st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=4), JSON)
places = st.lists(st.integers(0, 12), max_size=8)


def replaced(value: Any, path: list[int], other: Any) -> Any:
    """Return a value in which what stands at a path is another."""
    if path and isinstance(value, dict) and value:
        key = sorted(value)[path[0] % len(value)]
        return value | {key: replaced(value[key], path[1:], other)}
    if path and isinstance(value, list) and value:
        at = path[0] % len(value)
        return [*value[:at], replaced(value[at], path[1:], other), *value[at + 1 :]]
    return other


@st.composite
def damaged(draw: st.DrawFn, good: bytes) -> bytes:
    """Return good bytes in which some are changed, lost, doubled or added; or any bytes at all."""
    if draw(st.integers(0, 5)) == 0:
        return draw(st.binary(max_size=200))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(good)))
        to = min(len(good), at + draw(st.integers(0, 20)))
        good = good[:at] + draw(st.one_of(st.binary(max_size=6), st.just(good[at:to] * 2), st.sampled_from([b"null", b"[]", b"{}", b'"', b"1e999", b"\xff"]))) + good[to:]
    return good


def feed(wire: Wire, raw: bytes, cuts: list[int]) -> None:
    """Stream bytes, cut anywhere, to the end; nothing may be raised, and the end is one of the three."""
    decoder = wire.provider().chat.stream("m", "r")
    places = sorted({0, len(raw), *(cut % (len(raw) + 1) for cut in cuts)})
    texts = [chunk.text for start, stop in itertools.pairwise(places) for chunk in decoder.feed(raw[start:stop])]
    texts += [chunk.text for chunk in decoder.finish()]
    assert all(isinstance(text, str) for text in texts)
    assert decoder.done or decoder.error is not None or decoder.response().finish_reason is not None
    assert decoder.error is None or (isinstance(decoder.error, ProviderError) and type(decoder.error) is not ProviderError)
    decoder.response()


def decode(dialect: Any, raw: bytes) -> None:
    """Decode a body; an error is one of the tree's classes."""
    failure: ProviderError | None = None
    try:
        dialect.decode(raw, "m", "r")
    except ProviderError as error:
        failure = error
    assert type(failure) is not ProviderError


@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.name)
def test_damaged_answers_give_errors_of_the_tree(wire: Wire) -> None:
    """Bytes changed, lost and added anywhere in a good body."""

    @given(damaged(wire.body()))
    def check(raw: bytes) -> None:
        decode(wire.provider().chat, raw)

    check()


@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.name)
def test_damaged_streams_give_errors_of_the_tree(wire: Wire) -> None:
    """Bytes changed, lost and added anywhere in a good stream, cut anywhere."""

    @given(damaged(b"".join(wire.frames())), st.lists(st.integers(0, 4000), max_size=4))
    def check(raw: bytes, cuts: list[int]) -> None:
        feed(wire, raw, cuts)

    check()


@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.name)
def test_odd_shapes_give_errors_of_the_tree(wire: Wire) -> None:
    """Any field of an answer, or of an event of a stream, may be of any kind."""

    @given(places, ODD)
    def check(path: list[int], other: Any) -> None:
        raw = dump(replaced(wire.answer("Hello", wire.stop), path, other))
        decode(wire.provider().chat, raw)
        feed(wire, b"".join(wire.frames()[: wire.opening]) + wire.event(raw), [])

    check()


@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.name)
def test_an_error_mapper_takes_anything(wire: Wire) -> None:
    """Status, headers and body of any kind make an error, and are never raised."""
    headers = st.dictionaries(
        st.sampled_from(["retry-after", "retry-after-ms", "x-ratelimit-reset-requests", "x-amzn-errortype", "location", "x-should-retry", "x-request-id"]),
        st.text(max_size=30) | st.sampled_from(["1e999", "-5", "Tue, 99 Foo 2026", "nan", "9" * 400]),
        max_size=3,
    )

    odd = st.builds(dump, st.tuples(places, ODD).map(lambda p: replaced(wire.failure, *p)))

    @given(st.integers(300, 999), headers, st.one_of(damaged(dump(wire.failure)), odd))
    def check(status: int, given: dict[str, str], raw: bytes) -> None:
        error = wire.provider().chat.error(status, given, raw)
        assert isinstance(error, ProviderError)
        assert type(error) is not ProviderError
        assert error.retry_after is None or 0 <= error.retry_after < 1e7
        assert str(error)

    check()


def test_an_error_mapper_takes_a_lone_surrogate() -> None:
    """JSON can spell one, though UTF-8 cannot carry it."""
    assert BY_NAME["openai"].provider().chat.error(503, {}, b'{"error": {"code": "\\ud800"}}').status == 503


def others() -> dict[str, Any]:
    """Return each kind of dialect that any adapter has in any slot but chat, once."""
    found: dict[str, Any] = {}
    for name in registry.names():
        adapter: type[Provider] = registry.adapter(name)
        for slot in OPERATIONS:
            dialect = getattr(adapter, slot)
            if slot != "chat" and dialect is not None:
                found.setdefault(type(dialect).__name__, dialect)
    return found


OTHERS = others()


@pytest.mark.parametrize("dialect", OTHERS.values(), ids=OTHERS)
def test_other_operations_take_anything(dialect: Any) -> None:
    """Answers and errors of embeddings, lists, and whatever else has a slot."""

    @settings(max_examples=40)
    @given(JSON.map(json.dumps).map(str.encode) | st.binary(max_size=60), st.integers(300, 599))
    def check(raw: bytes, status: int) -> None:
        decode(dialect, raw)
        assert isinstance(dialect.error(status, {}, raw), ProviderError)

    check()


# What a caller may ask for.


def deep(levels: int, kind: str = "object") -> Any:
    """Return a schema so many levels deep."""
    schema: Any = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"a": schema}, "required": ["a"]} if kind == "object" else {"type": "array", "items": schema}
    return schema


def looped() -> Any:
    """Return a schema that holds itself."""
    schema: dict[str, Any] = {"type": "object", "properties": {}}
    schema["properties"]["self"] = schema
    return schema


def crossed() -> Any:
    """Return definitions that refer to each other in a circle."""
    return {
        "$ref": "#/$defs/a",
        "$defs": {"a": {"type": "object", "properties": {"b": {"$ref": "#/$defs/b"}}}, "b": {"anyOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/b"}]}},
    }


def doubling(levels: int = 40) -> Any:
    """Return a small schema that is huge when its references are filled in."""
    definitions = {f"d{n}": {"type": "object", "properties": {side: {"$ref": f"#/$defs/d{n + 1}"} for side in "ab"}} for n in range(levels)}
    return {"$ref": "#/$defs/d0", "$defs": definitions | {f"d{levels}": {"type": "string"}}}


SCHEMAS: dict[str, Any] = {
    "500 levels of objects": deep(500),
    "20,000 levels of lists": deep(20_000, "array"),
    "a schema that holds itself": looped(),
    "references in a circle": crossed(),
    "a reference to itself": {"$ref": "#"},
    "a reference to nowhere": {"$ref": "#/$defs/none"},
    "references that double": doubling(),
    "10,000 fields": {"type": "object", "properties": {f"f{n}": {"type": "string"} for n in range(10_000)}},
    "an enum of 100,000": {"enum": [str(n) for n in range(100_000)]},
    "keys that are no strings": {1: {"type": "string"}},
    "a list": [1, 2],
    "NaN": {"type": "number", "default": float("nan")},
    "bytes": {"type": "string", "default": b"\xff"},
    "an object of Python's": {"type": object()},
    "a lone surrogate": {"description": "\ud800"},
    "any and all": {"anyOf": [{"allOf": [{"oneOf": [{}]}]}], "not": {}, "if": {}, "then": None},
}


@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.name)
@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
def test_hostile_schemas_give_a_clear_error_or_a_request(schema: Any, wire: Wire) -> None:
    """As a tool's parameters and as the format of the answer; in a moment."""
    one = wire.provider()({"api_key": "k", "api_base": "http://127.0.0.1:1"})
    tool = {"type": "function", "function": {"name": "f", "description": "d", "parameters": schema}}
    form = {"type": "json_schema", "json_schema": {"name": "s", "schema": schema, "strict": True}}
    start = time.process_time()
    for options in ({"tools": [tool]}, {"response_format": form}):
        assert_clear(one, "hi", options)
    assert time.process_time() - start < 3


def assert_clear(one: Provider, messages: Any, options: dict[str, Any]) -> None:
    """Make a request with these, up to its bytes; an error is one of the tree's classes, and says something."""
    failure: ProviderError | None = None
    try:
        request = ChatRequest.make("m", messages, **options)
        jsons.dumps(one.transform_request(request).body)
    except ProviderError as error:
        failure = error
    assert type(failure) is not ProviderError
    assert failure is None or failure.message


def endless() -> list[Any]:
    """Return a list that holds itself."""
    box: list[Any] = []
    box.append(box)
    return box


MESSAGES: dict[str, Any] = {
    "a megabyte of text": "x" * (1 << 20),
    "10,000 turns": [{"role": ("user", "assistant")[n % 2], "content": "x"} for n in range(10_001)],
    "an empty list": [],
    "no strings": [1, 2],
    "a role of nobody's": [{"role": "king", "content": "x"}],
    "no role": [{"content": "x"}],
    "content of None": [{"role": "user", "content": None}],
    "content that holds itself": [{"role": "user", "content": endless()}],
    "a part of no kind": [{"role": "user", "content": [{"type": "smell", "smell": "x"}]}],
    "an image of nothing": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": ""}}]}],
    "an image that is no data": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,%%%"}}]}],
    "a lone surrogate": "\ud800",
    "NUL": "\0",
    "a call without a name": [{"role": "user", "content": "x"}, {"role": "assistant", "content": None, "tool_calls": [{"id": "1", "type": "function"}]}],
    "arguments that are no JSON": [
        {"role": "user", "content": "x"},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{" * 100_000}}]},
        {"role": "tool", "tool_call_id": "1", "content": "x"},
    ],
    "a result without a call": [{"role": "tool", "tool_call_id": "1", "content": "x"}],
    "a dict": {"role": "user", "content": "x"},
    "a number": 42,
}


@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.name)
@pytest.mark.parametrize("messages", MESSAGES.values(), ids=MESSAGES)
def test_hostile_messages_give_a_clear_error_or_a_request(messages: Any, wire: Wire) -> None:
    """In a moment."""
    one = wire.provider()({"api_key": "k", "api_base": "http://127.0.0.1:1"})
    start = time.process_time()
    assert_clear(one, messages, {})
    assert time.process_time() - start < 3


NAMES = ("temperature", "top_p", "max_tokens", "stop", "seed", "n", "logprobs", "user", "metadata", "tools", "tool_choice", "response_format", "reasoning_effort", "extra")


@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.name)
def test_parameters_of_any_kind_give_a_clear_error_or_a_request(wire: Wire) -> None:
    """Each may be given anything."""
    one = wire.provider()({"api_key": "k", "api_base": "http://127.0.0.1:1"})

    @settings(suppress_health_check=[HealthCheck.too_slow])
    @given(st.dictionaries(st.sampled_from(NAMES), ODD | st.just(object()) | st.just(b"x"), min_size=1, max_size=3))
    def check(options: dict[str, Any]) -> None:
        assert_clear(one, "hi", options)

    check()
