"""Makes the text of the generated modules out of metadata, by cookiecutter's templates."""

from __future__ import annotations

import fnmatch
import pathlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

from cookiecutter.generate import generate_files  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]  # it has none

from codegen.dialects import BASES
from codegen.literals import changes, classes, literal, string
from codegen.metadata import Metadata, ModelTable
from llmclient.auth import Bearer
from llmclient.dialects.base import ChatDialect
from llmclient.dialects.later import Apis
from llmclient.models import ModelRow
from llmclient.types.config import Option

_ATTRIBUTE: Final = "    "
_FOLDER: Final = "adapters"
_FACTS: Final = ("released", "retired", "deprecated", "knowledge", "max_input", "dimensions", "api", "efforts", "rejects")


def render(files: Iterable[Metadata], everything: Iterable[Metadata], templates: pathlib.Path, scratch: pathlib.Path) -> dict[str, str]:
    """Return the generated modules by file name: the adapters of `files`, and what is made of everything together.

    `scratch` is an empty folder for cookiecutter to write to.
    """
    for metadata in files:
        _generate(templates / "adapter", {"folder": _FOLDER, "provider": adapter_context(metadata)}, scratch)
    _generate(templates / "index", {"folder": _FOLDER, "index": index_context(everything)}, scratch)
    return {path.name: path.read_text(encoding="utf-8") for path in sorted((scratch / _FOLDER).iterdir())}


def _generate(template: pathlib.Path, context: Mapping[str, Any], scratch: pathlib.Path) -> None:
    generate_files(template, {"cookiecutter": {**context, "_new_lines": "\n"}}, scratch, overwrite_if_exists=True, accept_hooks=False)


def adapter_context(metadata: Metadata) -> dict[str, Any]:
    """Return what the template of an adapter needs, everything in Python's syntax already."""
    attributes = _attributes(metadata)
    lines = [f"{name} = {literal(value, _ATTRIBUTE, len(name) + 3)}" for name, value in attributes.items()]
    return {
        "file": f"{metadata.name}.py",
        "source": metadata.file,
        "name": string(metadata.name),
        "class_name": metadata.class_name,
        "summary": f"{metadata.facts.title}: {metadata.facts.docs}",
        "title": metadata.facts.title,
        "base": _base(metadata)[1],
        "imports": _imports(_base(metadata), attributes.values()),
        "public": sorted(["PROVIDER_NAME", metadata.class_name], key=_constants_first),
        "attributes": lines,
        "rows": [_row(name, model) for name, model in metadata.facts.models.items()],
    }


def index_context(files: Iterable[Metadata]) -> dict[str, Any]:
    """Return what the template of the index needs."""
    files = sorted(files, key=lambda metadata: metadata.name)
    aliases = sorted((alias, metadata.name) for metadata in files for alias in metadata.facts.aliases)
    makers: dict[str, list[str]] = defaultdict(list)
    for metadata in files:
        for model in metadata.facts.models:
            if any(fnmatch.fnmatchcase(model, pattern) for pattern in metadata.facts.first_party):
                makers[model].append(metadata.name)
    return {
        "file": "_index.py",
        "init": "__init__.py",
        "adapters": [f"{string(metadata.name)}: {string(metadata.class_name)}" for metadata in files],
        "aliases": [f"{string(alias)}: {string(name)}" for alias, name in aliases],
        "models": [f"{string(model)}: {literal(tuple(names))}" for model, names in sorted(makers.items())],
    }


def _attributes(metadata: Metadata) -> dict[str, Any]:
    """Return the class attributes that differ from those of Provider, in its order."""
    facts = metadata.facts
    options = tuple(
        Option(option.name, type=option.type, required=option.required, default=option.default, description=option.description) for option in facts.options
    )
    given: dict[str, tuple[Any, Any]] = {
        "aliases": (facts.aliases, ()),
        "title": (facts.title, ""),
        "docs": (facts.docs, ""),
        "status": (facts.status, "listed"),
        "retired": (facts.retired, None),
        "base_url": (facts.base_url, ""),
        "auth": (facts.auth, Bearer()),
        "env": (metadata.variables, {}),
        "options": (options, ()),
        "headers": (dict(facts.headers), {}),
        "setting_headers": (dict(facts.setting_headers), {}),
        "default_port": (facts.default_port, None),
        "idempotency_header": (facts.idempotency_header, None),
        **{slot: (dialect, None) for slot, dialect in metadata.slots.items()},
        "chat_by_model": (tuple((pattern, dialect) for patterns, dialect in metadata.by_model for pattern in patterns), ()),
        "chat_apis": (_apis(metadata), {}),
    }
    return {name: value for name, (value, usual) in given.items() if value != usual}


def _apis(metadata: Metadata) -> Apis | dict[str, ChatDialect]:
    """Return the dialects that are asked for by the name of their API, which an adapter does not load before."""
    places = {api: (f"{type(dialect).__module__}:{type(dialect).__name__}", dict(changes(dialect))) for api, dialect in metadata.apis.items()}
    return Apis(places) if places else {}


def _constants_first(name: str) -> tuple[bool, str]:
    """Order names as ruff orders `__all__`."""
    return not name.isupper(), name


def _base(metadata: Metadata) -> tuple[str, str]:
    """Return the module and the name of the class that the adapter extends."""
    module, _, name = BASES[metadata.facts.base].partition(":")
    return module, name


def _imports(base: tuple[str, str], values: Iterable[Any]) -> list[str]:
    """Return the import lines, sorted as ruff sorts them."""
    names: dict[str, set[str]] = defaultdict(set)
    names[base[0]].add(base[1])
    for value in values:
        for kind in classes(value):
            names[kind.__module__].add(kind.__name__)
    return [f"from {module} import {', '.join(sorted(found))}" for module, found in sorted(names.items())]


def row_of(name: str, model: ModelTable) -> ModelRow:
    """Return a model's row, as an adapter holds it."""
    facts = {key: getattr(model, key) for key in _FACTS}
    facts["deprecated"] = "yes" if model.deprecated else None
    more = " ".join(f"{key}={value}" for key, value in facts.items() if value is not None)
    return (name, model.name, model.context, model.max_output, model.mode, model.abilities, model.prices, more)


def _row(name: str, model: ModelTable) -> str:
    return "(" + ", ".join(literal(item) for item in row_of(name, model)) + ")"
