"""The command: `python -m codegen [--check] [NAME …]`."""

from __future__ import annotations

import argparse
import pathlib
import sys
import tempfile
from collections.abc import Sequence

import attrs

from codegen import render, sync
from codegen.metadata import Metadata, load_folder
from codegen.problems import MetadataError, suggest

ROOT = pathlib.Path(__file__).resolve().parent.parent


@attrs.frozen
class Places:
    """Where things are read from and written to."""

    providers: pathlib.Path = ROOT / "codegen" / "providers"
    templates: pathlib.Path = ROOT / "templates"
    adapters: pathlib.Path = ROOT / "adapters"


def main(arguments: Sequence[str] | None = None, places: Places | None = None) -> int:
    """Run the command; returns 0 when all is well, 1 when something is wrong or, with --check, out of date."""
    options = _parser().parse_args(arguments)
    places = places or Places()
    try:
        return _run(options.names, places, check=options.check)
    except MetadataError as error:
        print(error, file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m codegen", description="Write an adapter for each file in codegen/providers.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these providers (default: all)")
    parser.add_argument("--check", action="store_true", help="write nothing, and fail if something would be written")
    return parser


def _run(names: Sequence[str], places: Places, *, check: bool) -> int:
    files = load_folder(places.providers)
    known = {metadata.name for metadata in files}
    unknown = [name for name in names if name not in known]
    if unknown:
        print("\n".join(f"unknown provider {name!r}{suggest(name, known)}" for name in unknown), file=sys.stderr)
        return 1
    rendered = _render([metadata for metadata in files if not names or metadata.name in names], files, places)
    difference = sync.compare(rendered, places.adapters, whole=not names)
    if check:
        print(_report(difference) or f"{len(rendered)} files are up to date")
        return 1 if difference else 0
    sync.write(rendered, places.adapters, difference)
    print(_summary(difference) or f"{len(rendered)} files were up to date")
    return 0


def _render(files: Sequence[Metadata], everything: Sequence[Metadata], places: Places) -> dict[str, str]:
    with tempfile.TemporaryDirectory() as scratch:
        return render.render(files, everything, places.templates, pathlib.Path(scratch))


def _report(difference: sync.Difference) -> str:
    reasons = {
        "stale": "differs from what its TOML file and the template say; change those, and run python -m codegen",
        "missing": "is missing; run python -m codegen",
        "orphans": "is made by nothing; remove it, or add its TOML file to codegen/providers",
    }
    return "\n".join(f"adapters/{name}: {reason}" for kind, reason in reasons.items() for name in getattr(difference, kind))


def _summary(difference: sync.Difference) -> str:
    done = {"wrote": (*difference.stale, *difference.missing), "removed": difference.orphans}
    return "\n".join(f"{verb} adapters/{name}" for verb, names in done.items() for name in sorted(names))


if __name__ == "__main__":
    sys.exit(main())
