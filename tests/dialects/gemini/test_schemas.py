"""JSON Schemas on their way to Google."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from llmclient.dialects.gemini import GeminiChat
from llmclient.dialects.gemini.schemas import tidy, to_openapi
from llmclient.errors import InvalidRequestError, TransformationError
from llmclient.types.messages import Tool
from tests.dialects.gemini.kit import GEMINI, encode


def convert(schema: dict[str, Any]) -> tuple[Any, list[str]]:
    """Return a schema in OpenAPI's language, and what was lost."""
    lost: list[str] = []
    return to_openapi(schema, lambda keyword, why: lost.append(keyword), "tools"), lost


@pytest.mark.parametrize(
    ("given", "sent", "lost"),
    [
        ({"type": "string", "minLength": 1, "title": "T", "description": "d"}, {"type": "string", "minLength": 1, "title": "T", "description": "d"}, []),
        ({"$schema": "x", "$id": "y", "type": "string", "examples": ["a"]}, {"type": "string"}, []),
        ({"type": ["string", "null"]}, {"type": "string", "nullable": True}, []),
        ({"type": ["string", "integer"]}, {"anyOf": [{"type": "string"}, {"type": "integer"}]}, []),
        ({"type": "object", "properties": {"a": True}}, {"type": "object", "properties": {"a": {}}}, []),
        ({"type": "object", "properties": {"a": False}}, {"type": "object", "properties": {"a": {}}}, ["false"]),
        ({"type": "object", "properties": {}}, {"type": "object"}, []),
        ({"type": "object", "properties": {"$ref": {"type": "string"}}}, {"type": "object", "properties": {"$ref": {"type": "string"}}}, []),
        ({"type": "object", "additionalProperties": False}, {"type": "object"}, []),
        ({"type": "object", "additionalProperties": {"type": "string"}}, {"type": "object"}, ["additionalProperties"]),
        ({"const": "a"}, {"type": "string", "enum": ["a"]}, []),
        ({"const": None}, {"nullable": True}, []),
        ({"const": 1}, {}, ["const"]),
        ({"enum": ["a", "b"]}, {"type": "string", "enum": ["a", "b"]}, []),
        ({"type": "string", "enum": ["a", None]}, {"type": "string", "enum": ["a"], "nullable": True}, []),
        ({"enum": [1, 2]}, {}, ["enum"]),
        ({"type": "integer", "enum": ["1"]}, {"type": "integer"}, ["enum"]),
        ({"type": "array"}, {"type": "array", "items": {"type": "string"}}, ["items"]),
        ({"type": "ARRAY", "items": {"type": "STRING"}}, {"type": "ARRAY", "items": {"type": "STRING"}}, []),
        ({"type": "array", "items": [{"type": "string"}]}, {"type": "array", "items": {"type": "string"}}, ["prefixItems"]),
        (
            {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}, {"type": "string"}], "items": False},
            {"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "integer"}]}},
            ["prefixItems"],
        ),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, {"type": "string", "nullable": True}, []),
        ({"oneOf": [{"type": "string"}, {"type": "integer"}]}, {"anyOf": [{"type": "string"}, {"type": "integer"}]}, []),
        ({"exclusiveMinimum": 0, "exclusiveMaximum": 9, "type": "integer"}, {"type": "integer", "minimum": 1, "maximum": 8}, []),
        ({"type": "number", "exclusiveMinimum": 0}, {"type": "number", "minimum": 0}, ["exclusiveMinimum"]),
        ({"type": "number", "minimum": 0, "exclusiveMinimum": True}, {"type": "number", "minimum": 0}, []),
        ({"type": "string", "format": "date-time"}, {"type": "string", "format": "date-time"}, []),
        ({"type": "string", "format": "email"}, {"type": "string"}, ["format"]),
        ({"type": "string", "not": {}, "propertyNames": {}}, {"type": "string"}, ["not", "propertyNames"]),
        ({"property_ordering": ["a"], "any_of": [{"type": "a"}, {"type": "b"}]}, {"propertyOrdering": ["a"], "anyOf": [{"type": "a"}, {"type": "b"}]}, []),
        ({"default": {"$ref": "x"}, "type": "object"}, {"type": "object", "default": {"$ref": "x"}}, []),
    ],
)  # fmt: skip
def test_a_schema_is_written_in_the_part_of_openapi_that_google_takes(given: dict[str, Any], sent: Any, lost: list[str]) -> None:
    """What means something and cannot be said is told; what means nothing goes in silence."""
    assert (sent, lost) == convert(given)


def test_references_are_written_out() -> None:
    """With what stands beside them."""
    schema = {"$ref": "#/$defs/A", "description": "d", "$defs": {"A": {"type": "object", "properties": {"b": {"$ref": "#/$defs/B"}}}, "B": {"type": "string"}}}
    assert ({"type": "object", "description": "d", "properties": {"b": {"type": "string"}}}, []) == convert(schema)


def test_a_reference_to_itself_is_written_out_so_often() -> None:
    """A tree of three levels, and then any object."""
    schema = {"$ref": "#/$defs/T", "$defs": {"T": {"type": "object", "properties": {"next": {"$ref": "#/$defs/T"}}}}}
    sent, lost = convert(schema)
    depth = 0
    while "properties" in sent:
        sent, depth = sent["properties"]["next"], depth + 1
    assert (3, {"type": "object"}, ["$ref"]) == (depth, sent, lost)


def test_all_of_is_joined() -> None:
    """Properties and what is required, also through references; the nearest wins."""
    schema = {
        "$defs": {"A": {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}, "Z": {"$ref": "#/$defs/A"}},
        "description": "both",
        "allOf": [{"$ref": "#/$defs/Z"}, {"allOf": [{"properties": {"b": {"type": "integer"}}, "required": ["b", "a"]}]}, True],
    }
    sent, lost = convert(schema)
    assert {"a": {"type": "string"}, "b": {"type": "integer"}} == sent["properties"]
    assert (["a", "b"], "both", []) == (sent["required"], sent["description"], lost)


def test_all_of_that_refers_to_itself_ends() -> None:
    """With a note."""
    assert ({}, ["$ref"]) == convert({"$ref": "#/$defs/A", "$defs": {"A": {"allOf": [{"$ref": "#/$defs/A"}]}}})


@pytest.mark.parametrize("pointer", ["#/$defs/B", "other.json", 7, "#/$defs/A/type"])
def test_a_reference_that_points_nowhere_is_an_error(pointer: Any) -> None:
    """It names the place."""
    with pytest.raises(TransformationError, match=str(pointer).replace("$", r"\$")):
        convert({"$ref": pointer, "$defs": {"A": {"type": "string"}}})


def test_a_name_with_odd_characters_is_found() -> None:
    """Pointers escape slashes and tildes."""
    assert ({"type": "string"}, []) == convert({"$ref": "#/$defs/a~1b~0c", "$defs": {"a/b~c": {"type": "string"}}})


# JSON Schema.


def test_a_plain_schema_stays_the_same_object() -> None:
    """Nothing is copied where nothing is to do."""
    schema = {"$ref": "#/$defs/A", "title": "T", "$defs": {"A": {"type": "array", "items": [{"$ref": "#/$defs/A"}]}}}
    assert tidy(schema, lambda keyword, why: None, "tools") is schema


def test_what_stands_beside_a_reference_is_joined_with_its_target() -> None:
    """Google takes nothing beside `$ref`; names and data that look like it are left alone."""
    schema = {
        "type": "object",
        "properties": {"a": {"$ref": "#/$defs/A", "description": "d"}, "list": {"anyOf": [{"$ref": "#/$defs/A"}]}},
        "default": {"$ref": "x", "b": 1},
        "$defs": {"A": {"type": "string"}},
    }
    sent = tidy(schema, lambda keyword, why: None, "tools")
    assert {"type": "string", "description": "d"} == sent["properties"]["a"]
    assert {"anyOf": [{"$ref": "#/$defs/A"}]} == sent["properties"]["list"]
    assert {"$ref": "x", "b": 1} == sent["default"]


def test_a_circle_keeps_its_reference() -> None:
    """What stood beside it within itself is dropped, with a note."""
    schema = {"$defs": {"A": {"properties": {"next": {"$ref": "#/$defs/A", "description": "d"}}}}, "properties": {"first": {"$ref": "#/$defs/A", "description": "d"}}}
    lost: list[str] = []
    sent = tidy(schema, lambda keyword, why: lost.append(keyword), "tools")
    assert {"$ref": "#/$defs/A"} == sent["properties"]["first"]["properties"]["next"]
    assert {"description"} == set(lost)


def doubling(levels: int, beside: str = "") -> dict[str, Any]:
    """Return a schema with definitions each of which holds the next one twice, with something beside each reference or not."""
    note = {"description": beside} if beside else {}
    twice = {f"d{n}": {"type": "object", "properties": {side: {"$ref": f"#/$defs/d{n + 1}", **note} for side in "ab"}} for n in range(levels)}
    return {"$ref": "#/$defs/d0", **note, "$defs": {**twice, f"d{levels}": {"type": "string"}}}


def joined(levels: int) -> dict[str, Any]:
    """Return a schema whose definitions each join the next one twice."""
    twice = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(levels)}
    return {"$ref": "#/$defs/d0", "$defs": {**twice, f"d{levels}": {"type": "string"}}}


@pytest.mark.parametrize(
    ("write", "schema"),
    [(to_openapi, doubling(40)), (to_openapi, joined(40)), (tidy, doubling(40, "d"))],
    ids=["references", "allOf", "what stands beside references"],
)
def test_references_that_double_are_refused(write: Any, schema: dict[str, Any]) -> None:
    """What they stand for is too large to be sent, and takes no time."""
    with pytest.raises(InvalidRequestError, match="10000") as caught:
        write(schema, lambda keyword, why: None, "tools")
    assert "tools" == caught.value.param


@pytest.mark.parametrize("dialect", [GEMINI, attrs.evolve(GEMINI, schema="openapi")], ids=["JSON Schema", "OpenAPI"])
def test_the_error_names_the_parameter(dialect: GeminiChat) -> None:
    """The tools, or the answer's format."""
    form = {"type": "json_schema", "json_schema": {"name": "s", "schema": doubling(40, "d")}}
    with pytest.raises(InvalidRequestError) as tool:
        encode(dialect=dialect, tools=[Tool("a", parameters=doubling(40, "d"))])
    with pytest.raises(InvalidRequestError) as answer:
        encode(dialect=dialect, response_format=form)
    assert ("tools", "response_format") == (tool.value.param, answer.value.param)


def test_what_a_schema_itself_holds_is_not_bounded() -> None:
    """Only what references add to it is."""
    fields = {f"f{n}": {"type": "string"} for n in range(11_000)}
    assert 11_000 == len(convert({"type": "object", "properties": fields})[0]["properties"])
    assert 1 << 9 == str(convert(doubling(9))[0]).count("string")
