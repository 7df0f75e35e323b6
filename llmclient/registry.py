"""Which adapter a name means.

Names are looked up in this order: the caller's own instances, adapters registered by the program, the built-in ones, and those
that installed packages offer as entry points of the group `llmclient.adapters`. Nothing is imported to resolve a name; an adapter
is imported when it is first used. Names are compared in lower case, with `-` read as `_`. This is the library's one table that
a program may add to, and every function here may be called from any thread.
"""

from __future__ import annotations

import importlib
import os
import threading
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Final, TypeGuard

from llmclient.errors import ConfigurationError, InvalidRequestError
from llmclient.loading import Loading

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from llmclient.provider import Provider

_PACKAGE: Final = "llmclient.adapters"
_LIBRARY: Final = "llmclient"
_NEAR_ENOUGH: Final = 0.75
_SHOWN: Final = 3


class _Registry:
    """What is known so far. The generated index and the entry points are read once, when they are first needed."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._index: _Index | None = None
        self._points: Mapping[str, EntryPoint] | None = None
        self._classes: dict[str, type[Provider]] = {}
        self._aliases: dict[str, str] = {}

    def index(self) -> _Index:
        """Return the generated index."""
        index = self._index
        if index is None:
            index = self._index = _Index()  # two threads may both do this, with the same result
        return index

    def points(self) -> Mapping[str, EntryPoint]:
        """Return the entry points by name, without those that a built-in adapter beats."""
        if self._points is None:
            with self._lock:  # a thread that waited for another finds the work done
                if self._points is None:
                    self._points = self._find_points()
        return self._points

    def renew_lock(self) -> None:
        """In a forked child: the lock may have been held by a thread that is not there any more."""
        self._lock = threading.RLock()

    def _find_points(self) -> Mapping[str, EntryPoint]:
        from importlib.metadata import entry_points  # here, since it costs more than the whole registry

        index = self.index()
        return {_plain(point.name): point for point in entry_points(group=_PACKAGE) if index.canonical(_plain(point.name)) is None}

    def find(self, name: str) -> str | None:
        """Return the adapter that a plain name or alias means; None if there is none."""
        return self._own(name) or (name if name in self.points() else None)

    def _own(self, name: str) -> str | None:
        """Return what a name means without the entry points, which anything else beats."""
        return name if name in self._classes else self._aliases.get(name) or self.index().canonical(name)

    def load(self, name: str) -> type[Provider]:
        """Return an adapter's class by its canonical name."""
        cls = self._classes.get(name)
        if cls is None:
            with Loading.lock:
                cls = self._classes.get(name)
                if cls is None:
                    found = self._import(name) if name in self.index().adapters else _load(name, self.points()[name])
                    cls = self._classes.setdefault(name, found)
        return cls

    def _import(self, name: str) -> type[Provider]:
        try:
            cls: type[Provider] = getattr(importlib.import_module(f"{_PACKAGE}.{name}"), self.index().adapters[name])
        except ImportError as error:
            failure = ConfigurationError(name, f"its adapter cannot be imported: {error}", cause=repr(error))
        else:
            return cls
        raise failure

    def add(self, cls: type[Provider], *, replace: bool) -> None:
        """Register a class under its name and aliases."""
        aliases = vars(cls).get("aliases", ())  # those of a parent stay the parent's
        if isinstance(aliases, str):
            raise ConfigurationError(_LIBRARY, f"the aliases of {cls.__name__} must be a tuple of names; write ({aliases!r},)")
        with self._lock:
            for name in (cls.name, *aliases):
                self._check(cls, name, replace=replace)
            own = _plain(cls.name)
            self._classes = {**self._classes, own: cls}
            kept = {alias: name for alias, name in self._aliases.items() if name != own}
            self._aliases = {**kept, **{_plain(alias): own for alias in aliases}}

    def _check(self, cls: type[Provider], name: str, *, replace: bool) -> None:
        check_name(name)
        plain = _plain(name)
        if not plain or any(char.isspace() or char in "/:" for char in plain):
            raise ConfigurationError(_LIBRARY, f"{name!r} cannot be a provider's name; it may hold neither '/' nor ':' nor blanks")
        known = self._own(plain)
        if known is not None and not replace and self._classes.get(known) is not cls:
            raise ConfigurationError(_LIBRARY, f"the name {plain!r} is taken; pass replace=True to put {cls.__name__} in its place")

    def names(self) -> set[str]:
        """Return the canonical names of all adapters."""
        return {*self.index().adapters, *self._classes, *self.points()}

    def spellings(self) -> set[str]:
        """Return all names and aliases."""
        return {*self.names(), *self.index().aliases, *self._aliases}


class _Index:
    """The generated tables: adapters and their classes, aliases, and the models that makers serve themselves."""

    def __init__(self) -> None:
        module = importlib.import_module(f"{_PACKAGE}._index")
        self.adapters: Mapping[str, str] = module.ADAPTERS
        self.aliases: Mapping[str, str] = module.ALIASES
        self.models: Mapping[str, tuple[str, ...]] = module.MODELS

    def canonical(self, name: str) -> str | None:
        """Return the adapter that a name or alias means."""
        return name if name in self.adapters else self.aliases.get(name)


_registry = _Registry()


def _enter_child() -> None:
    _registry.renew_lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_enter_child)


def resolve(model: str, instances: Collection[str] = ()) -> tuple[str, str]:
    """Return the provider's name and the model's id in `provider/model`, `provider:model`, or the bare name of a model.

    Whichever of `/` and `:` comes first splits, and a known provider before it always wins. `instances` are the caller's own names
    for providers. A bare name means the one maker that serves a model of that name. Raises ConfigurationError, with the nearest
    names, for anything else: a model never goes to a provider that was not named.
    """
    if not isinstance(model, str):
        raise InvalidRequestError(_LIBRARY, f'model must be a str such as "openai/gpt-4o-mini", got {type(model).__name__}', param="model")
    head, separator, rest = _split(model)
    if separator:
        name = _instance(head, instances) or _registry.find(_plain(head))
        if name is not None and rest:
            return name, rest
        if name is not None:
            raise ConfigurationError(_LIBRARY, f"{model!r} names a provider but no model; write {name}/<model>")
    makers = _makers(model)
    if len(makers) == 1:
        return makers[0], model
    if makers:
        raise ConfigurationError(_LIBRARY, f"{model!r} is served by several providers; write {_either(f'{maker}/{model}' for maker in makers)}")
    raise ConfigurationError(_LIBRARY, _unknown(model, head if separator else None, instances))


def adapter(name: str) -> type[Provider]:
    """Return the adapter's class for a name or alias, imported when it is first asked for.

    Raises ConfigurationError for an unknown name, and for an adapter that cannot be imported.
    """
    return _registry.load(canonical(name))


def canonical(name: str) -> str:
    """Return the adapter's own name for a name or alias; raises ConfigurationError, with the nearest names, for an unknown one."""
    check_name(name)
    found = _registry.find(_plain(name))
    if found is None:
        raise ConfigurationError(_LIBRARY, f"unknown provider {name!r}{_suggest(_plain(name), _registry.spellings())}")
    return found


def check_name(name: object) -> None:
    """Raise ConfigurationError for a provider's name that is no text."""
    if not isinstance(name, str):
        raise ConfigurationError(_LIBRARY, f'a provider is named by a str such as "openai", got {type(name).__name__}')


def names() -> tuple[str, ...]:
    """Return the names of all adapters, sorted, without aliases."""
    return tuple(sorted(_registry.names()))


def register(cls: type[Provider], *, replace: bool = False) -> None:
    """Make an adapter known under its name and aliases, to all clients of this process.

    Raises ConfigurationError for a class that is no Provider or has no usable name, and for a name that is taken unless `replace`
    is true. A client that has used the name before keeps what it has.
    """
    if not _is_adapter(cls):
        raise ConfigurationError(_LIBRARY, f"{cls!r} is no subclass of llmclient.Provider")
    _registry.add(cls, replace=replace)


def _plain(name: str) -> str:
    return name.strip().lower().replace("-", "_")


def _split(model: str) -> tuple[str, str, str]:
    slash, colon = model.find("/"), model.find(":")
    at = min((place for place in (slash, colon) if place >= 0), default=-1)
    return (model, "", "") if at < 0 else (model[:at], model[at], model[at + 1 :])


def _instance(head: str, instances: Collection[str]) -> str | None:
    """Return the caller's own name that is meant, spelt as the caller spelt it; None if there is none."""
    if head in instances:
        return head
    plain = _plain(head)
    return next((name for name in instances if _plain(name) == plain), None)


def _makers(model: str) -> tuple[str, ...]:
    """Return the providers that make and serve a model of this name, or of this name without a date."""
    from llmclient.models import find  # here, since most names say their provider

    return find(_registry.index().models, model) or ()


def _unknown(model: str, head: str | None, instances: Collection[str]) -> str:
    """Say what is wrong with a model's name, and what may have been meant."""
    if head is not None:
        return f"unknown provider {head!r} in {model!r}{_suggest(_plain(head), {*_registry.spellings(), *instances})}"
    known = _instance(model, instances) or _registry.find(_plain(model))
    if known is not None:
        return f"{model!r} names a provider but no model; write {known}/<model>"
    import difflib

    near = difflib.get_close_matches(model, _registry.index().models, _SHOWN, _NEAR_ENOUGH)
    meant = f"; did you mean {_either(map(repr, near))}?" if near else ""
    return f"no maker serves a model {model!r}; write provider/{model}{meant}"


def _suggest(name: str, known: Iterable[str]) -> str:
    import difflib

    near = difflib.get_close_matches(name, sorted(known), _SHOWN, _NEAR_ENOUGH)
    return f"; did you mean {_either(map(repr, near))}?" if near else "; llmclient.providers() lists the known ones"


def _either(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last


def _load(name: str, point: EntryPoint) -> type[Provider]:
    problem, cause = "it is no subclass of llmclient.Provider", ""
    try:
        cls = point.load()
        if _is_adapter(cls):
            return cls
    except Exception as error:  # noqa: BLE001 - somebody else's module may fail in any way
        problem, cause = f"{type(error).__name__}: {error}", repr(error)
    package = f" of {point.dist.name}" if point.dist else ""
    raise ConfigurationError(name, f"the adapter {point.value!r}{package} cannot be loaded: {problem}", cause=cause)


def _is_adapter(value: object) -> TypeGuard[type[Provider]]:
    from llmclient.provider import Provider  # here, since a name is resolved without it

    return isinstance(value, type) and issubclass(value, Provider)
