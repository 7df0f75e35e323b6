"""A workplace for the generator: folders of its own, and the project's templates."""

from __future__ import annotations

import pathlib

import pytest

from codegen.__main__ import Places

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture
def places(tmp_path):
    """Return empty folders to read TOML files from and to write adapters to."""
    for name in ("providers", "adapters"):
        (tmp_path / name).mkdir()
    return Places(providers=tmp_path / "providers", templates=ROOT / "templates", adapters=tmp_path / "adapters")
