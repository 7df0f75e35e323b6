"""Values that satisfy JSON Schemas: 200 generated ones, and each keyword by itself."""

import json
import random

import jsonschema
import pytest

from llmclient.simulator.accepts import accepts
from llmclient.simulator.schema import UnsatisfiableError, sample

FORMATS = ["date", "date-time", "email", "uri", "uuid", "ipv4"]
PATTERNS = ["^[A-Z]{3}-\\d{4}$", "^(red|green|blue)$", "^[a-z]+$", "^\\d{3}(-\\d{2})?$", "^#[0-9a-f]{6}$", "^v\\d+\\.\\d+\\.\\d+$", "[xyz]"]


class Maker:
    """Makes satisfiable schemas, the same for the same seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def document(self):
        """Return an object with definitions, one of which refers to itself."""
        node = {
            "type": "object",
            "properties": {"value": self.schema(1), "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}},
            "required": ["value", "next"],
        }
        tree = {
            "type": "object",
            "properties": {"label": self.string(), "children": {"type": "array", "items": {"$ref": "#/$defs/tree"}}},
            "required": ["label", "children"],
            "additionalProperties": False,
        }
        leaf = self.schema(0)
        whole = self.object(3)
        whole["$defs"] = {"node": node, "tree": tree, "leaf": leaf}
        for name in ("node", "tree", "leaf"):
            if self.random.random() < 0.5:
                whole["properties"][name] = {"$ref": f"#/$defs/{name}"}
                whole["required"].append(name)
        return whole

    def schema(self, depth):
        """Return a schema that is at most `depth` levels deep."""
        leaves = [
            self.string,
            self.number,
            self.integer,
            self.enum,
            self.const,
            lambda: {"type": "boolean"},
            lambda: {"type": "null"},
            lambda: {"type": ["string", "null"]},
            lambda: True,
        ]
        inner = [
            lambda: self.object(depth),
            lambda: self.array(depth),
            lambda: self.tuple(depth),
            lambda: self.any_of(depth),
            self.one_of,
            lambda: self.all_of(depth),
            lambda: self.map(depth),
        ]
        return self.random.choice(leaves if depth == 0 else leaves + inner + inner)()

    def string(self):
        """Return a schema of a string with one kind of limit."""
        kind = self.random.randrange(4)
        if kind == 0:
            low = self.random.randrange(30)
            return {"type": "string", "minLength": low, "maxLength": low + self.random.randrange(5)}
        if kind == 1:
            return {"type": "string", "format": self.random.choice(FORMATS)}
        if kind == 2:
            return {"type": "string", "pattern": self.random.choice(PATTERNS)}
        return {"type": "string"}

    def integer(self):
        """Return a schema of a whole number."""
        low = self.random.randrange(-50, 50)
        step = self.random.choice([1, 2, 3, 5, 7])
        schema = {
            "type": "integer",
            self.random.choice(["minimum", "exclusiveMinimum"]): low,
            self.random.choice(["maximum", "exclusiveMaximum"]): low + 2 * step + 1,
        }
        return schema | ({"multipleOf": step} if step > 1 else {})

    def number(self):
        """Return a schema of any number."""
        low = round(self.random.uniform(-5, 5), 2)
        kind = self.random.randrange(3)
        if kind == 0:
            return {"type": "number", "minimum": low, "maximum": low}
        if kind == 1:
            return {"type": "number", "exclusiveMinimum": low, "exclusiveMaximum": low + 0.25}
        return {"type": "number", "minimum": 0, "maximum": 10, "multipleOf": 0.5}

    def enum(self):
        """Return a schema that lists its values."""
        return {"enum": self.random.sample(["a", "b", 1, 2.5, None, True, ["x"], {"y": 1}], 3)}

    def const(self):
        """Return a schema of one value."""
        return {"const": self.random.choice(["fixed", 7, None, False, [1, 2]])}

    def object(self, depth):
        """Return a schema of an object, closed or open."""
        names = self.random.sample(["name", "city", "count", "tags", "price", "when"], self.random.randrange(1, 5))
        properties = {name: self.schema(depth - 1) for name in names}
        schema = {"type": "object", "properties": properties, "required": self.random.sample(names, self.random.randrange(len(names) + 1))}
        kind = self.random.randrange(3)
        if kind == 0:
            schema["additionalProperties"] = False
        elif kind == 1:
            schema |= {"additionalProperties": self.schema(0), "minProperties": len(names) + 1}
        return schema

    def map(self, depth):
        """Return a schema of an object whose names are free."""
        return {"type": "object", "additionalProperties": self.schema(depth - 1), "minProperties": self.random.randrange(3)}

    def array(self, depth):
        """Return a schema of a list, of unlike items where they can be."""
        low = self.random.randrange(4)
        if self.random.random() < 0.4:
            items = self.random.choice([self.string, self.integer])()
            many = items.get("type") == "string" and not {"pattern", "maxLength"} & items.keys()
            return {"type": "array", "items": items, "uniqueItems": True} | ({"minItems": low} if many else {"minItems": 1})
        return {"type": "array", "items": self.schema(depth - 1), "minItems": low, "maxItems": low + self.random.randrange(3)}

    def tuple(self, depth):
        """Return a schema of a list whose items each have their own schema."""
        first = [self.schema(depth - 1) for _ in range(self.random.randrange(1, 4))]
        return {"type": "array", "prefixItems": first, "items": False, "minItems": len(first)}

    def any_of(self, depth):
        """Return alternatives, one of which may be impossible."""
        impossible = [False] if self.random.random() < 0.3 else []
        return {"anyOf": impossible + [self.schema(depth - 1) for _ in range(2)]}

    def one_of(self):
        """Return alternatives that overlap: what fits both does not count."""
        return {"oneOf": [{"type": "number", "minimum": 0}, {"type": "integer", "maximum": 10}]}

    def all_of(self, depth):
        """Return parts of one object."""
        return {
            "allOf": [
                {"type": "object", "properties": {"first": self.schema(depth - 1)}, "required": ["first"]},
                {"properties": {"second": self.integer(), "first": True}, "required": ["second"]},
            ]
        }


def validate(value, schema):
    """Raise unless the value satisfies the schema, formats included."""
    jsonschema.validate(value, schema, cls=jsonschema.Draft202012Validator, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)


@pytest.mark.parametrize("block", range(10))
def test_two_hundred_generated_schemas_are_satisfied(block):
    """Each value passes an independent validator, and comes out the same again."""
    for seed in range(block * 20, block * 20 + 20):
        schema = Maker(seed).document()
        value = sample(schema)
        validate(json.loads(json.dumps(value)), schema)
        assert value == sample(schema)


KEYWORDS = {
    "string": {"type": "string"},
    "several types": {"type": ["integer", "string"]},
    "type null": {"type": "null"},
    "boolean schema": True,
    "nothing": {},
    "nullable": {"type": "string", "nullable": True},
    "enum with a limit": {"enum": [1, 2, 30], "minimum": 10},
    "const": {"const": {"a": [1]}},
    "minLength": {"type": "string", "minLength": 100},
    "maxLength 0": {"type": "string", "maxLength": 0},
    "maxLength below the usual text": {"type": "string", "maxLength": 2},
    "pattern and length": {"type": "string", "pattern": "^[a-z]+$", "minLength": 12, "maxLength": 20},
    "pattern that is not anchored": {"type": "string", "pattern": "\\d{2}"},
    "pattern with a group": {"type": "string", "pattern": "^(\\+\\d{1,3} )?\\(?\\d{3}\\)?[-. ]\\d{4}$"},
    "a format that is not known": {"type": "string", "format": "flavour"},
    "a host name": {"type": "string", "format": "hostname"},
    "bounds from two places": {"allOf": [{"type": "integer", "minimum": 3, "maximum": 9}, {"minimum": 5, "maximum": 7}]},
    "exclusive bounds": {"type": "integer", "exclusiveMinimum": 4, "exclusiveMaximum": 6},
    "exclusive bounds of a decimal": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.001},
    "only a maximum": {"type": "integer", "maximum": -100},
    "only a minimum": {"type": "number", "minimum": 1e12},
    "multipleOf": {"type": "integer", "multipleOf": 12, "minimum": 100},
    "multipleOf a decimal": {"type": "number", "multipleOf": 0.01, "minimum": 1},
    "negative multipleOf": {"type": "integer", "multipleOf": 5, "maximum": -3, "minimum": -9},
    "minItems": {"type": "array", "items": {"type": "integer"}, "minItems": 4},
    "maxItems 0": {"type": "array", "items": {"type": "integer"}, "maxItems": 0},
    "unique enum items": {"type": "array", "items": {"enum": ["a", "b", "c"]}, "uniqueItems": True, "minItems": 3},
    "unique booleans": {"type": "array", "items": {"type": "boolean"}, "uniqueItems": True, "minItems": 2},
    "unique dates": {"type": "array", "items": {"type": "string", "format": "date"}, "uniqueItems": True, "minItems": 5},
    "unique mails": {"type": "array", "items": {"type": "string", "format": "email"}, "uniqueItems": True, "minItems": 5},
    "unique addresses": {"type": "array", "items": {"type": "string", "format": "uri"}, "uniqueItems": True, "minItems": 5},
    "unique identities": {"type": "array", "items": {"type": "string", "format": "uuid"}, "uniqueItems": True, "minItems": 5},
    "unique hosts": {"type": "array", "items": {"type": "string", "format": "ipv4"}, "uniqueItems": True, "minItems": 5},
    "unique objects": {"type": "array", "items": {"type": "object", "properties": {"a": {"enum": [1, 2]}}}, "uniqueItems": True},
    "contains": {"type": "array", "items": {"type": "integer"}, "contains": {"minimum": 50}, "minContains": 2},
    "prefixItems with more": {"type": "array", "prefixItems": [{"type": "string"}], "items": {"type": "integer"}, "minItems": 3},
    "minProperties": {"type": "object", "minProperties": 3},
    "minProperties of a pattern": {"type": "object", "patternProperties": {"^x\\d$": {"type": "integer"}}, "additionalProperties": False, "minProperties": 2},
    "propertyNames": {"type": "object", "propertyNames": {"enum": ["a", "b"]}, "minProperties": 2, "additionalProperties": {"type": "integer"}},
    "propertyNames with a pattern": {"type": "object", "propertyNames": {"pattern": "^k\\d$"}, "minProperties": 1},
    "maxProperties": {"type": "object", "properties": {"a": True, "b": True, "c": True}, "required": ["b"], "maxProperties": 1},
    "dependentRequired": {"type": "object", "properties": {"a": True}, "required": ["a"], "dependentRequired": {"a": ["b"]}},
    "required without a schema": {"type": "object", "required": ["a"]},
    "an optional property that is impossible": {"type": "object", "properties": {"a": False, "b": {"type": "string"}}},
    "properties without a type": {"properties": {"a": {"type": "integer"}}, "required": ["a"]},
    "items without a type": {"items": {"type": "integer"}, "minItems": 1},
    "allOf narrows": {"allOf": [{"type": "integer", "minimum": 3}, {"maximum": 4}, {"multipleOf": 2}]},
    "allOf of numbers": {"allOf": [{"type": "number"}, {"type": "integer", "multipleOf": 4}, {"multipleOf": 6}]},
    "allOf of properties": {"allOf": [{"properties": {"a": {"type": "integer"}}}, {"properties": {"a": {"minimum": 9}}, "required": ["a"]}]},
    "allOf of enums": {"allOf": [{"enum": [1, 2, 3]}, {"enum": [3, 4]}]},
    "allOf of lists": {
        "allOf": [{"type": "array", "items": {"type": "integer"}}, {"items": {"minimum": 7}, "minItems": 2, "uniqueItems": True}, {"uniqueItems": False}]
    },
    "anyOf beside properties": {"type": "object", "properties": {"a": {"type": "integer"}}, "anyOf": [{"required": ["b"]}, {"required": ["a"]}]},
    "oneOf that overlaps": {"oneOf": [{"type": "integer"}, {"type": "integer", "minimum": 0}]},
    "not": {"type": "integer", "not": {"multipleOf": 2}},
    "if and then": {
        "type": "object",
        "properties": {"a": {"const": 1}},
        "required": ["a"],
        "if": {"properties": {"a": {"const": 1}}},
        "then": {"required": ["b"]},
        "else": False,
    },
    "a reference with company": {"$defs": {"n": {"type": "integer"}}, "$ref": "#/$defs/n", "minimum": 40},
    "an escaped reference": {"$defs": {"a/b": {"type": "integer"}}, "$ref": "#/$defs/a~1b"},
    "definitions": {"definitions": {"n": {"type": "integer"}}, "type": "object", "properties": {"x": {"$ref": "#/definitions/n"}}, "required": ["x"]},
    "a reference to a place in a list": {"type": "array", "prefixItems": [{"type": "integer"}, {"$ref": "#/prefixItems/0"}], "minItems": 2},
    "recursion through the root": {"type": "object", "properties": {"me": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}, "required": ["me"]},
    "recursion through a list": {"type": "object", "properties": {"us": {"type": "array", "items": {"$ref": "#"}}}, "required": ["us"]},
    "recursion through an option": {"type": "object", "properties": {"me": {"$ref": "#"}}},
    "mutual recursion": {
        "$defs": {
            "a": {"type": "object", "properties": {"b": {"$ref": "#/$defs/b"}}, "required": ["b"]},
            "b": {"oneOf": [{"$ref": "#/$defs/a"}, {"type": "string"}]},
        },
        "$ref": "#/$defs/a",
    },
}


@pytest.mark.parametrize("schema", KEYWORDS.values(), ids=KEYWORDS)
def test_each_keyword_is_satisfied(schema):
    """The value passes an independent validator, and our own agrees."""
    value = sample(schema)
    validate(value, schema)
    assert accepts(schema, value, schema)


def test_a_schema_that_refers_only_to_itself_accepts_nothing():
    """Rather than being followed for ever."""
    with pytest.raises(ValueError, match="without end"):
        accepts({"$ref": "#"}, 1, {"$ref": "#"})


def test_older_drafts_are_read_too():
    """Exclusive bounds may be booleans, and items a list."""
    schema = {
        "type": "array",
        "items": [{"type": "integer", "minimum": 5, "exclusiveMinimum": True}, {"maximum": 3, "exclusiveMaximum": True}],
        "minItems": 2,
        "additionalItems": False,
    }
    value = sample(schema)
    jsonschema.validate(value, schema, cls=jsonschema.Draft4Validator)


def test_optional_properties_are_filled_in_near_the_top():
    """An answer that holds only what must be there would be of little use."""
    assert sample({"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}}) == {"a": "a", "b": 1}


def test_a_word_of_the_prompt_is_taken():
    """`city=Paris`, `city: Paris` and `city Paris` all fill the property `city`; numbers are numbers."""
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer"}, "share": {"type": "number"}, "unit": {"enum": ["c", "f"]}},
    }
    assert sample(schema, 'days=3 in city "New York", unit f, share: 0.5') == {"city": "New York", "days": 3, "share": 0.5, "unit": "f"}


def test_a_word_that_does_not_fit_is_left_alone():
    """The schema goes before the prompt."""
    assert sample({"type": "object", "properties": {"days": {"type": "integer", "maximum": 5}}}, "days=30") == {"days": 1}


IMPOSSIBLE = {
    "false": False,
    "empty enum": {"enum": []},
    "bounds that cross": {"type": "integer", "minimum": 3, "maximum": 2},
    "decimal bounds that cross": {"type": "number", "minimum": 0, "exclusiveMaximum": 0},
    "a format that is too long": {"type": "string", "format": "ipv4", "maxLength": 3},
    "too few names": {"type": "object", "propertyNames": {"enum": ["a"]}, "minProperties": 2},
    "types that exclude each other": {"allOf": [{"type": "string"}, {"type": "integer"}]},
    "endless recursion": {"type": "object", "properties": {"me": {"$ref": "#"}}, "required": ["me"]},
    "a reference to itself": {"$defs": {"a": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"},
    "too few unlike items": {"type": "array", "items": {"const": 1}, "uniqueItems": True, "minItems": 2},
    "a required property that is impossible": {"type": "object", "properties": {"a": False}, "required": ["a"]},
    "a pattern that cannot be met": {"type": "string", "pattern": "^a$", "minLength": 2},
    "a pattern that is not understood": {"type": "string", "pattern": "^(?=x)x$"},
}


@pytest.mark.parametrize("schema", IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_an_impossible_schema_is_refused(schema):
    """No value is made up."""
    with pytest.raises(UnsatisfiableError):
        sample(schema)


UNREADABLE = {
    "a reference that leads nowhere": {"$ref": "#/$defs/x"},
    "a reference to elsewhere": {"$ref": "https://example.com/schema"},
    "a reference to no schema": {"a": [1], "$ref": "#/a/0"},
}


@pytest.mark.parametrize("schema", UNREADABLE.values(), ids=UNREADABLE)
def test_an_unreadable_schema_is_refused(schema):
    """The complaint names the reference."""
    with pytest.raises(ValueError, match="\\$ref"):
        sample(schema)


def test_an_intricate_schema_comes_to_an_end():
    """Eight levels of alternatives that all fail would otherwise take very long."""
    schema = {"type": "integer", "minimum": 3, "maximum": 2}
    for _ in range(8):
        schema = {"type": "object", "properties": {name: {"anyOf": [{"allOf": [schema]}, {"allOf": [schema]}]} for name in "abcd"}, "required": ["a", "b"]}
    with pytest.raises(ValueError, match=r"intricate|no value"):
        sample(schema)


ACCEPTED = [
    ({"type": "integer"}, 1.0, True),
    ({"type": "integer"}, True, False),
    ({"enum": [1]}, True, False),
    ({"enum": [[1, {"a": 2}]]}, [1.0, {"a": 2}], True),
    ({"const": {"a": 1}}, {"a": 1, "b": 2}, False),
    ({"type": "string", "nullable": True}, None, True),
    ({"type": "string", "format": "date"}, "2024-02-30", False),
    ({"type": "string", "format": "date-time"}, "2024-01-01 10:00", False),
    ({"type": "string", "format": "ipv6"}, "::1", True),
    ({"type": "string", "format": "ipv4"}, "256.0.0.1", False),
    ({"type": "string", "format": "unheard-of"}, "x", True),
    ({"not": {"type": "string"}}, "x", False),
    ({"if": {"type": "string"}, "then": {"minLength": 2}}, "x", False),
    ({"if": {"type": "string"}, "else": {"minimum": 2}}, 1, False),
    ({"contains": {"const": 1}, "maxContains": 1}, [1, 1], False),
    ({"prefixItems": [{"type": "string"}]}, [1], False),
    ({"maxItems": 1}, [1, 2], False),
    ({"items": {"type": "string"}}, ["a", 1], False),
    ({"contains": {"const": 2}}, [1, 1], False),
    ({"minProperties": 2}, {"a": 1}, False),
    ({"required": ["a"]}, {}, False),
    ({"uniqueItems": True}, [1, 1.0], False),
    ({"dependentRequired": {"a": ["b"]}}, {"a": 1}, False),
    ({"propertyNames": {"maxLength": 1}}, {"ab": 1}, False),
    ({"patternProperties": {"^a": {"type": "string"}}}, {"ab": 1}, False),
    ({"properties": {"a": True}, "additionalProperties": False}, {"b": 1}, False),
    ({"multipleOf": 0.1}, 0.25, False),
    ({"minimum": 3}, "text", True),
]


@pytest.mark.parametrize(("schema", "value", "expected"), ACCEPTED)
def test_our_validator_decides_as_the_standard_does(schema, value, expected):
    """It is no more lenient and no stricter than it should be; `nullable` is OpenAPI's."""
    assert accepts(schema, value, schema) is expected
    if "nullable" not in schema:
        checker = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)
        assert checker.is_valid(value) is expected or schema.get("format") == "date-time"
