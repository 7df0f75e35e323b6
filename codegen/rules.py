"""What must hold of metadata beyond the shapes of its tables: within one file, and between files."""

from __future__ import annotations

import datetime
import fnmatch
import keyword
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import attrs

from codegen.dialects import AUTHS, BASES, DIALECTS
from codegen.problems import Problem, Problems, Steps, suggest
from llmclient.models import ABILITIES, MODES, Price
from llmclient.types.chat import PARAMS
from llmclient.types.config import ProviderConfig

if TYPE_CHECKING:
    from codegen.metadata import Facts, Metadata, ModelTable

SHARED: Final = "shared"
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_ALIAS: Final = re.compile(r"[a-z0-9][a-z0-9_.]*")
_CLASS: Final = re.compile(r"[A-Z][A-Za-z0-9]*")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_MONTH: Final = re.compile(r"\d{4}-\d{2}")
_FILLED: Final = frozenset({"organization", "project", "region", "api_version"})
"""Settings of every provider that may fill a placeholder."""
_SETTINGS: Final = frozenset({"api_key", "api_base"}) | _FILLED
_PARAMETERS: Final = ("unsupported", "allow", "rename")
"""Quirks of chat dialects that hold names of portable parameters."""

_PLACES: Final = [place for table in (AUTHS, BASES, *DIALECTS.values()) for place in table.values()]
_IMPORTED: Final = frozenset({"Retired", "Option"}).union(place.rpartition(":")[2] for place in _PLACES)
"""Names that may stand in the import lines of an adapter."""

Say = Callable[[Steps, str], None]


def check(metadata: Metadata, stem: str, problems: Problems) -> None:
    """Add what is wrong within one file; `stem` is the file's name without `.toml`."""
    facts, say = metadata.facts, problems.add
    _check_names(facts, stem, metadata.class_name, say)
    _check_dates(facts, say)
    _check_settings(facts, say)
    _check_base(facts, say)
    _check_dialects(metadata, say)
    _check_models(facts, metadata, say)


def check_all(files: Iterable[Metadata]) -> Iterator[Problem]:
    """Yield what is wrong between files: a name that means two providers, a key that another provider would get."""
    files = list(files)
    owners: dict[str, str] = {metadata.name: metadata.file for metadata in files}
    for metadata in files:
        for index, alias in enumerate(metadata.facts.aliases):
            owner = owners.setdefault(alias, metadata.file)
            if owner != metadata.file:
                yield Problem(metadata.file, ("aliases", index), f"{alias!r} is a name in {owner} already")
    yield from _shared_keys(files)


def _shared_keys(files: list[Metadata]) -> Iterator[Problem]:
    readers: dict[str, list[Metadata]] = defaultdict(list)
    for metadata in files:
        for variable in dict.fromkeys(metadata.variables.get("api_key", ())):
            readers[variable].append(metadata)
    for variable, several in sorted(readers.items()):
        meant = any(variable in metadata.facts.env.get(SHARED, ()) for metadata in several)
        if len(several) > 1 and not meant:
            first, *others = several
            names = ", ".join(other.name for other in others)
            yield Problem(first.file, ("env", "api_key"), f"{variable} is read by {names} too; if that is meant, name it in env.shared")
    for metadata in files:
        for variable in metadata.facts.env.get(SHARED, ()):
            if len(readers[variable]) < 2:
                yield Problem(metadata.file, ("env", SHARED), f"{variable} is read by no other provider")


def _check_names(facts: Facts, stem: str, class_name: str, say: Say) -> None:
    if facts.schema != 1:
        say(("schema",), f"must be 1, got {facts.schema}")
    if not _NAME.fullmatch(facts.name) or keyword.iskeyword(facts.name):
        say(("name",), f"{facts.name!r} is no module name; use small letters, digits and _, a letter first")
    elif facts.name != stem:
        say(("name",), f"must be {stem!r}, as the file is called, got {facts.name!r}")
    if not _CLASS.fullmatch(class_name):
        say(("class_name",), f"{class_name!r} is no class name")
    elif class_name in _IMPORTED:
        say(("class_name",), f"{class_name!r} is a name that adapters import; choose another")
    for key in ("title", "docs"):
        value = getattr(facts, key)
        if not value.strip() or not value.isprintable() or set(value) & set('"\\'):
            say((key,), f"must be one line of text without quotes and backslashes, got {value!r}")
    if not facts.docs.startswith(("https://", "docs/")):
        say(("docs",), f"must be the address of a page, https://…, or a file in docs/, got {facts.docs!r}")
    for index, alias in enumerate(facts.aliases):
        if not _ALIAS.fullmatch(alias):
            say(("aliases", index), f"{alias!r} is no name; use small letters, digits and _ (a user's - is read as _)")
        elif alias == facts.name or alias in facts.aliases[:index]:
            say(("aliases", index), f"{alias!r} is there already")


def _check_dates(facts: Facts, say: Say) -> None:
    _check_date(facts.checked, ("checked",), say)
    if (facts.status == "retired") != (facts.retired is not None):
        say(("retired",), 'missing: status is "retired"' if facts.retired is None else f'needs status = "retired", not {facts.status!r}')
    if facts.retired is not None:
        _check_date(facts.retired.date, ("retired", "date"), say)
        if not facts.retired.reason.strip():
            say(("retired", "reason"), "says nothing")


def _check_date(text: str, steps: Steps, say: Say, *, or_month: bool = False) -> None:
    if not is_date(text, or_month=or_month):
        say(steps, f"must be a date such as {'2026-11-22 or 2026-11' if or_month else '2026-11-22'}, got {text!r}")


def is_date(text: str, *, or_month: bool = False) -> bool:
    """Return whether the text is a day of the calendar, or a month where that will do."""
    day = f"{text}-01" if or_month and _MONTH.fullmatch(text) else text
    try:
        datetime.date.fromisoformat(day)
    except ValueError:
        return False
    return bool(_DAY.fullmatch(day))


def _check_settings(facts: Facts, say: Say) -> None:
    known = _SETTINGS | {option.name for option in facts.options} | {SHARED}
    for setting, variables in facts.env.items():
        if setting not in known:
            say(("env", setting), f"unknown{suggest(setting, known)}")
        _check_variables(variables, ("env", setting), say)
    for index, option in enumerate(facts.options):
        steps: Steps = ("options", index)
        if not _NAME.fullmatch(option.name) or option.name in _TAKEN:
            say((*steps, "name"), f"{option.name!r} cannot be the name of an option")
        elif option.name in [other.name for other in facts.options[:index]]:
            say((*steps, "name"), f"{option.name!r} is there already")
        if option.required and option.default is not None:
            say((*steps, "default"), "is useless: the option is required")
        _check_variables(option.env, (*steps, "env"), say)
    for header, value in facts.headers.items():
        if not _HEADER.fullmatch(header) or not (value.isascii() and value.isprintable()):
            say(("headers", header), f"{header}: {value!r} is no header")
    sent = _FILLED | {option.name for option in facts.options}
    for header, setting in facts.setting_headers.items():
        if not _HEADER.fullmatch(header):
            say(("setting_headers", header), f"{header!r} is no name of a header")
        if setting not in sent:
            say(("setting_headers", header), f"there is no setting {setting!r}{suggest(setting, sent)}")


def _check_variables(variables: tuple[str, ...], steps: Steps, say: Say) -> None:
    for index, variable in enumerate(variables):
        if not _VARIABLE.fullmatch(variable):
            say((*steps, index), f"{variable!r} is no name of a shell variable")
        elif variable in variables[:index]:
            say((*steps, index), f"{variable!r} is there already")


_TAKEN: Final = frozenset(field.name for field in attrs.fields(ProviderConfig)) - _FILLED
"""Settings that every provider has, and that no option may stand for."""


def _check_base(facts: Facts, say: Say) -> None:
    if facts.base_url:
        _check_url(facts.base_url, ("base_url",), facts, say)


def _check_url(url: str, steps: Steps, facts: Facts, say: Say) -> None:
    _check_placeholders(url, steps, _fillable(facts), say)
    plain = _PLACEHOLDER.sub("x", url)
    try:
        parts = urlsplit(plain)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme != "https" and not (facts.local and parts.scheme == "http"):
        say(steps, f"must begin with https:// unless local = true, got {url!r}")
    elif not parts.hostname or parts.query or parts.fragment or "@" in parts.netloc or plain.endswith("/") or not plain.isprintable() or " " in plain:
        say(steps, f"must be a host and perhaps a path, without a slash at the end, got {url!r}")


def _fillable(facts: Facts) -> frozenset[str]:
    return _FILLED | {option.name for option in facts.options}


def _check_placeholders(text: str, steps: Steps, known: Iterable[str], say: Say) -> None:
    for name in _PLACEHOLDER.findall(text):
        if name not in known:
            say(steps, f"{{{name}}} is no option{suggest(name, known)}")
    if set(_PLACEHOLDER.sub("", text)) & set("{}"):
        say(steps, f"has a brace without its partner: {text!r}")


def _check_dialects(metadata: Metadata, say: Say) -> None:
    facts = metadata.facts
    if not (metadata.slots or metadata.by_model or metadata.apis):
        say((), "has no operation; add a table such as [chat]")
    for steps, dialect in _dialects(metadata):
        if dialect.base_url is not None:
            _check_url(dialect.base_url, (*steps, "base_url"), facts, say)
        _check_placeholders(dialect.path, (*steps, "path"), _fillable(facts) | {"model"}, say)
        if dialect.path and not dialect.path.startswith("/"):
            say((*steps, "path"), f"must begin with a slash, got {dialect.path!r}")
    for steps, dialect in _dialects(metadata, chat_only=True):
        for quirk in _PARAMETERS:
            for name in getattr(dialect, quirk, None) or ():
                if name not in PARAMS:
                    say((*steps, quirk), f"{name!r} is no portable parameter{suggest(name, PARAMS)}")
        sent = _fillable(facts)
        for field, setting in getattr(dialect, "setting_fields", {}).items():
            if setting not in sent:
                say((*steps, "setting_fields", field), f"there is no setting {setting!r}{suggest(setting, sent)}")
    seen: set[str] = set()
    for index, (patterns, _) in enumerate(metadata.by_model):
        if not patterns or seen & set(patterns) or not all(pattern.strip() for pattern in patterns):
            say(("chat_by_model", index, "match"), f"{list(patterns)} is empty or there already")
        seen.update(patterns)


def _dialects(metadata: Metadata, *, chat_only: bool = False) -> Iterator[tuple[Steps, Any]]:
    slots = {"chat": metadata.slots["chat"]} if chat_only and "chat" in metadata.slots else {} if chat_only else metadata.slots
    yield from (((slot,), dialect) for slot, dialect in slots.items())
    yield from ((("chat_by_model", index), dialect) for index, (_, dialect) in enumerate(metadata.by_model))
    yield from ((("chat_apis", name), dialect) for name, dialect in metadata.apis.items())


def _check_models(facts: Facts, metadata: Metadata, say: Say) -> None:
    for index, pattern in enumerate(facts.first_party):
        if not any(fnmatch.fnmatchcase(model, pattern) for model in facts.models):
            say(("first_party", index), f"{pattern!r} is none of the models")
    before = ""
    for name, model in facts.models.items():
        steps: Steps = ("models", name)
        if not name.isprintable() or name != name.strip() or not name:
            say(steps, "is no model's id")
        if name < before:
            say(steps, f"out of order: it comes before {before!r}; models are sorted by id")
        before = max(before, name)
        _check_model(name, model, steps, say)
        if model.api is not None and model.api not in metadata.apis:
            say((*steps, "api"), f"there is no [chat_apis.{model.api}]{suggest(model.api, metadata.apis)}")


def _check_model(name: str, model: ModelTable, steps: Steps, say: Say) -> None:
    if model.name == name:
        say((*steps, "name"), "is the id; leave it out")
    for key in ("context", "max_output", "max_input", "dimensions"):
        value = getattr(model, key)
        if value is not None and value <= 0:
            say((*steps, key), f"must be above 0, got {value}")
    if model.mode not in MODES:
        say((*steps, "mode"), f"{model.mode!r} is not allowed{suggest(model.mode, MODES)}")
    words = model.abilities.split()
    if words != sorted(set(words)) or " ".join(words) != model.abilities:
        say((*steps, "abilities"), f"must be sorted words, one blank between two, got {model.abilities!r}")
    for word in words:
        if word not in ABILITIES:
            say((*steps, "abilities"), f"{word!r} is not allowed{suggest(word, ABILITIES)}")
    for key in ("released", "retired", "knowledge"):
        value = getattr(model, key)
        if value is not None:
            _check_date(value, (*steps, key), say, or_month=key != "retired")
    _check_words(model, steps, say)
    _check_prices(model.prices, (*steps, "prices"), say)


def _check_words(model: ModelTable, steps: Steps, say: Say) -> None:
    facts: Mapping[str, str | None] = {"efforts": model.efforts, "rejects": model.rejects, "api": model.api}
    for key, text in facts.items():
        if text is not None and not re.fullmatch(r"[a-z0-9_]+(,[a-z0-9_]+)*", text):
            say((*steps, key), f"must be words with commas between them, got {text!r}")


def _check_prices(text: str, steps: Steps, say: Say) -> None:
    try:
        Price.parse(text)
    except ValueError as error:
        say(steps, str(error))
        return
    names = [word.partition("=")[0] for word in text.split()]
    if len(set(names)) < len(names):
        say(steps, "gives a price twice")
