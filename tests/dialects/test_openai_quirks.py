"""Quirks are plain fields: documented, immutable, and written in TOML."""

from __future__ import annotations

import inspect
import pickle
import tomllib

import attrs
import cattrs
import pytest
from cattrs.gen import make_dict_structure_fn

from llmclient import errors
from llmclient.dialects.openai import OpenAIChat, OpenAIEmbeddings, OpenAIModels

CLASSES = [OpenAIChat, OpenAIEmbeddings, OpenAIModels]
TOML = """
path = "/x"
unsupported = ["seed"]
allow = ["temperature", "max_tokens"]
max_tokens_field = "max_tokens"
temperature_range = [0, 1.99]
efforts = ["low", "high"]
reasoning_param = "thinking_type"
parts = ["text"]
tool_id_length = 9
rename = { seed = "random_seed" }
body = { store = false, nested = { a = [1] } }
error_codes = { 1113 = "quota" }
"""


def converter():
    made = cattrs.Converter(forbid_extra_keys=True)
    made.register_structure_hook_factory(attrs.has, lambda cls: make_dict_structure_fn(cls, made, _cattrs_forbid_extra_keys=True))
    return made


def test_quirks_are_written_in_toml():
    """Each kind of field is read by cattrs without a hook of its own."""
    dialect = converter().structure(tomllib.loads(TOML), OpenAIChat)
    assert dialect.unsupported == frozenset({"seed"})
    assert dialect.temperature_range == (0.0, 1.99)
    assert dialect.efforts == ("low", "high")
    assert dialect.rename == {"seed": "random_seed"}
    assert dialect.body == {"store": False, "nested": {"a": [1]}}
    assert dialect.tool_id_length == 9


@pytest.mark.parametrize("text", ['max_token_field = "max_tokens"', 'max_tokens_field = "tokens"', 'error_codes = { x = "nonsense" }', 'reasoning_param = "x"'])
def test_misspelt_quirks_are_refused(text):
    """An unknown name, and a word that is none of those allowed."""
    with pytest.raises(cattrs.ClassValidationError):
        converter().structure(tomllib.loads(text), OpenAIChat)


@pytest.mark.parametrize("cls", CLASSES)
def test_every_quirk_is_documented(cls):
    """The line below a field says what it is; inherited ones are the base's."""
    source = inspect.getsource(cls).splitlines()
    own = {name for name in cls.__annotations__ if name not in ("name", "path", "provider")}
    for name in own:
        at = next(number for number, line in enumerate(source) if line.startswith(f"    {name}:"))
        below = at + 1
        assert source[below].strip().startswith('"""'), name
    assert own <= {field.name for field in attrs.fields(cls)}


@pytest.mark.parametrize("cls", CLASSES)
def test_dialects_are_values(cls):
    """Equal, hashable, picklable and immutable; a user changes one by evolving it."""
    dialect = cls()
    assert dialect == cls()
    assert hash(dialect) == hash(cls())
    assert pickle.loads(pickle.dumps(dialect)) == dialect
    assert attrs.evolve(dialect, path="/y") != dialect
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        dialect.path = "/y"


def test_the_provider_is_no_quirk():
    """It is set by the provider, not by metadata."""
    fields = attrs.fields_dict(OpenAIChat)
    assert [name for name, field in fields.items() if field.metadata.get("quirk") is False] == ["provider"]
    assert attrs.evolve(OpenAIChat(), provider="acme").provider == "acme"


def test_failures_with_a_status_use_the_providers_codes():
    """`error` returns, and never raises."""
    dialect = OpenAIChat(error_codes={"1113": "quota"})
    assert type(dialect.error(429, {}, b'{"error": {"code": "1113", "message": "x"}}')) is errors.QuotaExceededError
    assert dialect.streams
