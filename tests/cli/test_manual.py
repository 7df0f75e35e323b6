"""docs/cli.md shows every command as it is."""

from __future__ import annotations

import importlib.util
import pathlib

import pytest

from llmclient.cli.root import COMMANDS

HERE = pathlib.Path(__file__).parent


@pytest.fixture(scope="module")
def page(root: pathlib.Path) -> str:
    """The page."""
    return (root / "docs" / "cli.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_documented(page: str, name: str) -> None:
    """With a section of its own."""
    assert f"\n## llmclient {name}\n" in page


def test_the_help_in_the_documentation_is_current(page: str) -> None:
    """Run `python tests/cli/manual.py` after a change; line breaks may differ between versions of click."""
    spec = importlib.util.spec_from_file_location("manual", HERE / "manual.py")
    assert spec is not None
    assert spec.loader is not None
    manual = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(manual)
    assert page.split() == manual.write().split()
