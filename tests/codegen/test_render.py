"""What a TOML file becomes, to the letter: `golden/<case>.toml` gives `golden/<case>.expected`."""

from __future__ import annotations

import importlib.util
import pathlib
import subprocess
import sys

import attrs
import pytest

from codegen.literals import classes, literal
from codegen.metadata import load_folder
from codegen.render import render
from llmclient.auth import Bearer, HeaderKey, NoAuth
from llmclient.dialects.openai import OpenAIChat, OpenAIEmbeddings
from llmclient.models import ModelInfo
from llmclient.types.config import Option, Retired

ROOT = pathlib.Path(__file__).parents[2]
GOLDEN = pathlib.Path(__file__).parent / "golden"
CASES = sorted(path.stem for path in GOLDEN.glob("*.toml"))


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    """Return what the golden files become."""
    files = load_folder(GOLDEN)
    return render(files, files, ROOT / "templates", tmp_path_factory.mktemp("scratch"))


@pytest.mark.parametrize("case", [*CASES, "_index", "__init__"])
def test_golden(case, rendered):
    """A file's adapter, and the index of all, are what they were when somebody last looked at them."""
    assert rendered[f"{case}.py"] == (GOLDEN / f"{case}.expected").read_text(encoding="utf-8")


def test_every_case_is_rendered(rendered):
    """Each file becomes one module, and nothing else does but the index."""
    assert sorted(rendered) == sorted(f"{case}.py" for case in [*CASES, "_index", "__init__"])


def test_rendering_again_gives_the_same(rendered, tmp_path):
    """The output depends on the files and templates only, not on their order or on what was there."""
    files = tuple(reversed(load_folder(GOLDEN)))
    assert render(files, files, ROOT / "templates", tmp_path) == rendered


def load(name, text, folder):
    """Import a rendered module from a folder."""
    path = folder / f"{name}.py"
    path.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(f"golden_{name}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_fullest_adapter_means_what_its_file_says(rendered, tmp_path):
    """What is read back from the generated module equals what the file said."""
    most = load("most", rendered["most.py"], tmp_path).MOST
    (metadata,) = [metadata for metadata in load_folder(GOLDEN) if metadata.name == "most"]
    assert (most.name, most.aliases, most.title, most.docs) == ("most", ("more", "mo"), "Most of 'all', möglichst", "https://most.test/docs")
    assert most.auth == HeaderKey("x-key", "Key ")
    assert most.env == metadata.variables
    assert most.options == (Option("account", required=True, description="The account's name."), Option("region", default="eu"))
    assert (most.headers, most.idempotency_header) == ({"X-Client": "most"}, "Idempotency-Key")
    assert most.chat == metadata.slots["chat"] != OpenAIChat()
    assert most.embed == OpenAIEmbeddings(base_url="https://vectors.most.test", auth=Bearer(optional=True))
    assert dict(most.chat_by_model) == {"long-*": metadata.by_model[0][1], "longer-*": metadata.by_model[0][1]}
    assert most.chat_apis == {"plain": OpenAIChat()}
    infos = [ModelInfo.from_row(row, "most") for row in most.rows]
    assert [info.model_id for info in infos] == ["other", "own-1", "own-2"]
    assert (infos[1].api, infos[1].supports_tools, infos[1].price.tiers[0][0]) == ("plain", True, 200_000)
    assert (infos[2].is_embedding, infos[2].dimensions, infos[2].deprecated, str(infos[2].retired_on)) == (True, 1024, True, "2026-12-31")


def test_a_retired_adapter_says_so(rendered, tmp_path):
    """The date, the reason and the successor are facts of the class."""
    gone = load("gone", rendered["gone.py"], tmp_path).Gone
    assert gone.status == "retired"
    assert gone.retired == Retired(date="2026-07-30", successor="least", reason="the service was closed, and its customers were told to go to the other one")


@pytest.mark.parametrize("command", [("ruff", "check", "--ignore", "RUF012"), ("ruff", "format", "--check", "--diff")], ids=["check", "format"])
def test_what_is_rendered_is_tidy(rendered, command, tmp_path):
    """Generated code is as a formatter and a linter want it, so that nobody is tempted to touch it."""
    folder = tmp_path / "adapters"
    folder.mkdir()
    for name, text in rendered.items():
        (folder / name).write_text(text, encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text(encoding="utf-8"), encoding="utf-8")
    done = subprocess.run([sys.executable, "-m", *command, "adapters"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("value", "source"),
    [
        ("plain", '"plain"'),
        ('with "quotes"', "'with \"quotes\"'"),
        ("it's", '"it\'s"'),
        ("both ' and \"", "'both \\' and \"'"),
        ("back\\slash\n", '"back\\\\slash\\n"'),
        (None, "None"),
        (True, "True"),
        (0.1, "0.1"),
        ((), "()"),
        ((1,), "(1,)"),
        ((1, "a"), '(1, "a")'),
        ([1, [2]], "[1, [2]]"),
        ({}, "{}"),
        ({"a": {"b": 1}}, '{"a": {"b": 1}}'),
        (frozenset(), "frozenset()"),
        (frozenset({"b", "a"}), 'frozenset({"a", "b"})'),
        (NoAuth(), "NoAuth()"),
        (Bearer(), "Bearer()"),
        (Bearer(optional=True), "Bearer(optional=True)"),
        (HeaderKey("x"), 'HeaderKey(header="x")'),
        (OpenAIEmbeddings(auth=HeaderKey("x"), max_batch=1), 'OpenAIEmbeddings(auth=HeaderKey(header="x"), max_batch=1)'),
    ],
)
def test_a_literal_is_as_short_as_can_be(value, source):
    """Double quotes, no default repeated, sets sorted."""
    assert literal(value) == source


@pytest.mark.parametrize("value", [b"bytes", object(), {1, 2}, lambda: 0, {"a": object()}])
def test_what_has_no_literal_is_refused(value):
    """A value that cannot be written is an error of the generator, never a repr in the output."""
    with pytest.raises(TypeError, match="has no literal"):
        literal(value)


@attrs.frozen
class Sample:
    """An attrs class with a default that is made anew each time."""

    tags: list[str] = attrs.field(factory=list)
    hidden: int = attrs.field(init=False, default=0)


def test_a_default_that_is_made_anew_is_not_repeated():
    """A factory's value counts as the default."""
    assert literal(Sample()) == "Sample()"
    assert literal(Sample(["x"])) == 'Sample(tags=["x"])'


def test_a_long_value_is_broken_into_lines():
    """A line holds at most 160 columns; sets of words are written as one string where that fits."""
    words = frozenset(f"parameter_{index:02}" for index in range(9))
    assert literal(words) == "frozenset({" + ", ".join(f'"{word}"' for word in sorted(words)) + "})"
    assert literal(words, "    ", 8) == f'frozenset("{" ".join(sorted(words))}".split())'
    assert literal(("x" * 80, "y" * 80), "    ") == f'(\n        "{"x" * 80}",\n        "{"y" * 80}",\n    )'
    long = frozenset(f"parameter_{index:02}" for index in range(30))
    assert literal(long).splitlines()[:3] == ["frozenset(", "    {", '        "parameter_00",']
    numbers = literal(frozenset(range(100, 150)))
    assert numbers.startswith("frozenset(\n    {\n        100,\n")
    assert literal("x" * 200) == f'"{"x" * 200}"'


def test_the_classes_of_a_value_are_found_inside_it():
    """Whatever stands in a quirk is imported too, and a default is not."""
    assert classes({"a": (OpenAIEmbeddings(auth=Bearer(optional=True)),)}) == {OpenAIEmbeddings, Bearer}
    assert classes(OpenAIEmbeddings()) == {OpenAIEmbeddings}
    assert classes("x") == set()
