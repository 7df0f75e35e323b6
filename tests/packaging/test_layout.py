"""What setup.cfg says is what lies on disk."""

from __future__ import annotations

import ast
import configparser
import pathlib
import re

import pytest

LINK = pathlib.Path("llmclient/adapters")


@pytest.fixture(scope="module")
def config(root: pathlib.Path) -> configparser.ConfigParser:
    """setup.cfg, read."""
    parser = configparser.ConfigParser()
    parser.read(root / "setup.cfg", encoding="utf-8")
    return parser


def lines(text: str) -> list[str]:
    """Return the non-empty lines of a value."""
    return [line.strip() for line in text.strip().splitlines() if line.strip()]


def test_packages_are_the_folders_on_disk(root: pathlib.Path, config: configparser.ConfigParser) -> None:
    """Every folder of modules is listed by name, and no other."""
    folders = {path.parent for path in (root / "llmclient").rglob("*.py") if "adapters" not in path.relative_to(root).parts}
    found = {".".join(folder.relative_to(root).parts) for folder in folders} | {"llmclient.adapters"}
    assert sorted(found) == lines(config["options"]["packages"])


def test_every_package_has_an_init(root: pathlib.Path, config: configparser.ConfigParser) -> None:
    """A listed package is a regular one: a namespace package would take in strangers."""
    folders = [pathlib.Path("adapters" if name == "llmclient.adapters" else name.replace(".", "/")) for name in lines(config["options"]["packages"])]
    assert [] == [str(folder) for folder in folders if not (root / folder / "__init__.py").is_file()]


def test_adapters_are_mapped_and_linked(root: pathlib.Path, config: configparser.ConfigParser) -> None:
    """An installed llmclient.adapters comes from adapters/; a relative link shows it in a checkout."""
    assert ["llmclient.adapters = adapters"] == lines(config["options"]["package_dir"])
    assert (root / LINK).is_symlink()
    assert pathlib.Path("../adapters") == (root / LINK).readlink()


def test_there_are_five_direct_dependencies(config: configparser.ConfigParser) -> None:
    """The library needs five packages, each with a lower bound and no upper one."""
    names = [re.fullmatch(r"([a-z0-9-]+)>=[0-9.]+", line) for line in lines(config["options"]["install_requires"])]
    assert ["requests", "urllib3", "attrs", "cattrs", "orjson"] == [name and name[1] for name in names]


def test_dev_takes_in_every_other_extra(config: configparser.ConfigParser) -> None:
    """`.[dev]` is enough for the tests of every extra; `stress` stands on it."""
    extras = config["options.extras_require"]
    first = re.fullmatch(r"llmclient\[([a-z,]+)\]", lines(extras["dev"])[0])
    assert first is not None
    assert set(extras) - {"dev", "stress"} == set(first[1].split(","))


def test_the_build_needs_no_import_to_know_the_version(root: pathlib.Path) -> None:
    """_version.py is one literal, so that setuptools reads it without the dependencies."""
    tree = ast.parse((root / "llmclient" / "_version.py").read_text(encoding="utf-8"))
    assigned = [node for node in tree.body if isinstance(node, ast.Assign)]
    assert [str] == [type(ast.literal_eval(node.value)) for node in assigned]


def test_type_checkers_are_told(root: pathlib.Path, config: configparser.ConfigParser) -> None:
    """py.typed is there and ships."""
    assert (root / "llmclient" / "py.typed").is_file()
    assert "py.typed" == config["options.package_data"]["llmclient"]
