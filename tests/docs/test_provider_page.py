"""The page on adding a provider shows files that work."""

from __future__ import annotations

import pathlib
import re
import tomllib

from codegen.metadata import load_folder

PAGE = pathlib.Path(__file__).parent.parent.parent / "docs" / "providers.md"


def toml_blocks() -> list[str]:
    """Return the TOML files that the page shows."""
    return re.findall(r"^```toml\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_every_toml_example_is_toml() -> None:
    """Each example can be read."""
    assert [dict] * 2 == [type(tomllib.loads(block)) for block in toml_blocks()]


def test_the_metadata_example_is_complete(tmp_path: pathlib.Path) -> None:
    """The generator takes the example as it stands, and finds the differences that it names."""
    (tmp_path / "acme.toml").write_text(toml_blocks()[-1], encoding="utf-8")
    (acme,) = load_folder(tmp_path)
    assert ("max_tokens", 4) == (acme.slots["chat"].max_tokens_field, acme.slots["chat"].max_stop)
    assert ["acme-small"] == list(acme.facts.models)
