"""Compares what was rendered with what is in the folder, and makes them the same."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping

import attrs


@attrs.frozen(kw_only=True)
class Difference:
    """How the folder differs from what the TOML files say, as sorted file names."""

    stale: tuple[str, ...] = ()
    """Another text is there: changed by hand, or made from an older TOML file or template."""
    missing: tuple[str, ...] = ()
    orphans: tuple[str, ...] = ()
    """Nothing generates them."""

    def __bool__(self) -> bool:
        return bool(self.stale or self.missing or self.orphans)


def compare(rendered: Mapping[str, str], folder: pathlib.Path, *, whole: bool = True) -> Difference:
    """Return the difference; orphans are looked for only if `rendered` is the whole of what belongs in the folder."""
    present = {path.name for path in folder.glob("*.py")}
    stale = [name for name in rendered if name in present and (folder / name).read_bytes() != rendered[name].encode()]
    return Difference(
        stale=tuple(sorted(stale)),
        missing=tuple(sorted(set(rendered) - present)),
        orphans=tuple(sorted(present - set(rendered))) if whole else (),
    )


def write(rendered: Mapping[str, str], folder: pathlib.Path, difference: Difference) -> None:
    """Write what is stale or missing, and remove the orphans."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in (*difference.stale, *difference.missing):
        (folder / name).write_bytes(rendered[name].encode())
    for name in difference.orphans:
        (folder / name).unlink()
