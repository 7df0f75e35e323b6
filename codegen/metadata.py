"""What a provider's TOML file says, as attrs values."""

from __future__ import annotations

import pathlib
import tomllib
from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias

import attrs

from codegen import rules
from codegen.converter import is_list, is_table, quirks, read
from codegen.dialects import DIALECTS, load
from codegen.problems import MetadataError, Problem, Problems, Steps, suggest
from llmclient.auth import Auth, Bearer, NoAuth
from llmclient.types.config import Retired
from llmclient.types.messages import EMPTY

Status: TypeAlias = Literal["verified", "listed", "unverified", "retired"]
"""Verified: seen at work. Listed: two sources agree, or the provider's page says so. Unverified: one source. Retired: gone."""
_BEARER: Final = Bearer()
OptionType: TypeAlias = Literal["str", "int", "float", "bool", "dict"]


@attrs.frozen(kw_only=True)
class OptionTable:
    """A setting of the provider's own: `[[options]]`."""

    name: str
    type: OptionType = "str"
    required: bool = False
    default: str | None = None
    description: str = ""
    env: tuple[str, ...] = ()
    """The variables that it is read from, the first that is set wins."""


@attrs.frozen(kw_only=True)
class ModelTable:
    """What is known of a model: one line of `[models]`, under its id. Words are separated as in `llmclient.models.ModelRow`."""

    name: str = ""
    context: int | None = None
    max_output: int | None = None
    mode: str = "chat"
    abilities: str = ""
    prices: str = ""
    released: str | None = None
    retired: str | None = None
    deprecated: bool = False
    knowledge: str | None = None
    max_input: int | None = None
    dimensions: int | None = None
    api: str | None = None
    efforts: str | None = None
    rejects: str | None = None


@attrs.frozen(kw_only=True)
class Metadata:
    """One file. `slots`, `by_model` and `apis` hold dialects; the rest is as in the file."""

    file: str
    slots: Mapping[str, Any] = EMPTY
    """Operation -> its dialect."""
    by_model: tuple[tuple[tuple[str, ...], Any], ...] = ()
    """Patterns of model names -> chat dialect, the first that matches wins."""
    apis: Mapping[str, Any] = EMPTY
    """Name of a chat API -> chat dialect."""
    facts: Facts

    @property
    def name(self) -> str:
        """The provider's name."""
        return self.facts.name

    @property
    def class_name(self) -> str:
        """The adapter's class."""
        return self.facts.class_name or "".join(word.capitalize() for word in self.name.split("_"))

    @property
    def variables(self) -> dict[str, tuple[str, ...]]:
        """Setting -> the variables it is read from, with those that every provider has."""
        facts, upper = self.facts, self.name.upper()
        given = {key: names for key, names in facts.env.items() if key != rules.SHARED}
        options = {option.name: option.env for option in facts.options if option.env}
        key = () if isinstance(facts.auth, NoAuth) and "api_key" not in given else _with(given.get("api_key", ()), f"{upper}_API_KEY")
        found = {"api_key": key, "api_base": _with(given.get("api_base", ()), f"{upper}_API_BASE")} | options
        found |= {name: names for name, names in given.items() if name not in ("api_key", "api_base")}
        return {name: names for name, names in found.items() if names}


@attrs.frozen(kw_only=True)
class Facts:
    """Everything in a file but the dialects."""

    schema: int
    name: str
    title: str
    docs: str
    checked: str
    """When somebody last looked at the provider's own pages, or at the facts taken from them."""
    status: Status
    base_url: str
    class_name: str = ""
    base: Literal["provider", "azure", "simulator", "vertex"] = "provider"
    """The class that the adapter extends, a name of `codegen.dialects.BASES`."""
    aliases: tuple[str, ...] = ()
    first_party: tuple[str, ...] = ()
    """Patterns of the models that are its own, so that their bare names mean it."""
    local: bool = False
    """Whether it runs on the caller's own machine, so that its address may be plain http."""
    default_port: int | None = None
    """Where set, an address may be a bare host or port, and this port is meant where none is given."""
    idempotency_header: str | None = None
    auth: Auth = _BEARER
    env: Mapping[str, tuple[str, ...]] = EMPTY
    """Setting -> variables that come before the usual ones; `shared` names those that another provider reads too."""
    options: tuple[OptionTable, ...] = ()
    headers: Mapping[str, str] = EMPTY
    setting_headers: Mapping[str, str] = EMPTY
    """Header -> the setting that is sent in it: api_version, organization, project, region, or one of `options`."""
    retired: Retired | None = None
    models: Mapping[str, ModelTable] = EMPTY


def _with(names: tuple[str, ...], usual: str) -> tuple[str, ...]:
    return names if usual in names else (*names, usual)


def load_folder(folder: pathlib.Path) -> tuple[Metadata, ...]:
    """Return what all files of a folder say, sorted by name; raises MetadataError with everything that is wrong in any of them."""
    problems: list[Problem] = []
    found: list[Metadata] = []
    for path in sorted(folder.glob("*.toml")):
        own = Problems(path.name)
        metadata = read_file(path, own)
        if metadata is not None:
            found.append(metadata)
        problems.extend(own)
    problems.extend(rules.check_all(found))
    if problems:
        raise MetadataError(problems)
    return tuple(found)


def read_file(path: pathlib.Path, problems: Problems) -> Metadata | None:
    """Return what one file says; None when it is so wrong that nothing can be said, and the problems say how."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        problems.add((), f"is no TOML: {error}")
        return None
    reader = _Reader(table, problems)
    metadata = reader.read(path.name)
    if metadata is not None:
        rules.check(metadata, path.stem, problems)
    return metadata


class _Reader:
    """Reads the table of one file: the dialects by their own classes, the rest as Facts."""

    def __init__(self, table: dict[str, Any], problems: Problems) -> None:
        self._table = table
        self._problems = problems

    def read(self, file: str) -> Metadata | None:
        """Return what the file says, None when something in it is wrong."""
        base = self._table.get("chat")
        slots: dict[str, Any] = {slot: self._dialect(slot, self._table.pop(slot), (slot,)) for slot in DIALECTS if slot in self._table}
        listed = enumerate(self._list("chat_by_model"))
        entries = tuple(self._entry(entry, ("chat_by_model", index), base) for index, entry in listed)
        apis = {name: self._dialect("chat", table, ("chat_apis", name)) for name, table in self._tables("chat_apis").items()}
        facts = self._facts()
        if facts is None or len(self._problems):
            return None
        return Metadata(file=file, slots=slots, by_model=entries, apis=apis, facts=facts)

    def _list(self, key: str) -> list[Any]:
        value = self._table.pop(key, [])
        if is_list(value):
            return value
        self._problems.add((key,), f"must be tables, [[{key}]], got {value!r}")
        return []

    def _tables(self, key: str) -> dict[str, Any]:
        value = self._table.pop(key, {})
        if is_table(value):
            return value
        self._problems.add((key,), f"must be a table of tables, got {value!r}")
        return {}

    def _facts(self) -> Facts | None:
        known = quirks(Facts)
        for key in sorted(set(self._table) - set(known)):
            self._problems.add((key,), f"unknown{suggest(key, {*known, *DIALECTS, 'chat_by_model', 'chat_apis'})}")
        return read({key: value for key, value in self._table.items() if key in known}, Facts, (), self._problems)

    def _entry(self, entry: Any, steps: Steps, base: Any) -> tuple[tuple[str, ...], Any]:
        """Read one `[[chat_by_model]]`: without a dialect it builds on `[chat]`, and needs reasons only for what it changes."""
        if not is_table(entry):
            return (), self._dialect("chat", entry, steps)
        match = entry.get("match")
        patterns = read([match] if isinstance(match, str) else match, tuple[str, ...], (*steps, "match"), self._problems)
        table = {key: value for key, value in entry.items() if key != "match"}
        return patterns or (), self._dialect("chat", table, steps, base if is_table(base) and "dialect" not in table else None)

    def _dialect(self, slot: str, table: Any, steps: Steps, base: dict[str, Any] | None = None) -> Any:
        """Return the dialect that a table describes, None when it is wrong."""
        if not is_table(table):
            self._problems.add(steps, f"must be a table, got {table!r}")
            return None
        kind = self._kind(slot, (base or table).get("dialect"), steps)
        if kind is None:
            return None
        changes = _quirks(table)
        self._reasons(table.get("because", {}), changes, steps)
        usual = read(_quirks(base or {}), kind, steps, Problems(""))
        if usual is None and base is not None:
            return None  # said where the base is read
        dialect = read({**_quirks(base or {}), **changes}, kind, steps, self._problems)
        if dialect is None or usual is None:
            return dialect
        for key in changes:
            if getattr(dialect, key) == getattr(usual, key):
                self._problems.add((*steps, key), f"{changes[key]!r} is what it is anyway; leave it out")
        return dialect

    def _kind(self, slot: str, name: Any, steps: Steps) -> type[Any] | None:
        if isinstance(name, str) and name in DIALECTS[slot]:
            return load(DIALECTS[slot][name])
        problem = "missing" if name is None else f"unknown dialect {name!r}{suggest(str(name), DIALECTS[slot])}"
        self._problems.add((*steps, "dialect"), problem)
        return None

    def _reasons(self, because: Any, changes: dict[str, Any], steps: Steps) -> None:
        steps = (*steps, "because")
        reasons = read(because, dict[str, str], steps, self._problems)
        if reasons is None:
            return
        for key in sorted(set(changes) - set(reasons)):
            self._problems.add((*steps, key), "missing: every quirk says why")
        for key, reason in sorted(reasons.items()):
            if key not in changes:
                self._problems.add((*steps, key), f"gives a reason for nothing{suggest(key, changes)}")
            elif not reason.strip():
                self._problems.add((*steps, key), "says nothing")


def _quirks(table: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in table.items() if key not in ("dialect", "because")}
