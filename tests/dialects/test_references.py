"""References within schemas."""

from __future__ import annotations

from typing import Any

import pytest

from llmclient.dialects.references import resolve
from llmclient.errors import TransformationError

ROOT: dict[str, Any] = {"$defs": {"a/b": {"type": "string"}, "c~d": {"type": "null"}, "odd": [1]}}


@pytest.mark.parametrize(
    ("pointer", "found"), [("#", ROOT), ("#/$defs/a~1b", {"type": "string"}), ("#/$defs/c~0d", {"type": "null"})], ids=["root", "slash", "tilde"]
)
def test_a_local_reference_is_resolved(pointer: str, found: dict[str, Any]) -> None:
    """Slashes and tildes within a name are written otherwise."""
    assert found == resolve(pointer, ROOT)


@pytest.mark.parametrize("pointer", ["#/$defs/none", "#/$defs/odd", "#/$defs/odd/0", "https://example.com/x", "x", 7, None])
def test_a_reference_to_nowhere_is_an_error(pointer: Any) -> None:
    """So is one to what is no schema, and one to another document."""
    with pytest.raises(TransformationError, match="which is not in it"):
        resolve(pointer, ROOT)
