"""Which adapter a name means, and that a name never means another vendor."""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import os
import pathlib
import subprocess
import sys
import threading
import types
import warnings

import pytest

from llmclient import registry
from llmclient.dialects.openai import OpenAIChat
from llmclient.errors import ConfigurationError, InvalidRequestError
from llmclient.provider import Provider

ROOT = pathlib.Path(__file__).parents[1]


class Acme(Provider):
    name = "acme"
    aliases = ("acme_ai", "wile-e")
    chat = OpenAIChat()


class Groq(Provider):
    name = "groq"
    chat = OpenAIChat()


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """Give each test a registry that nobody has added to, without the entry points of this machine."""
    monkeypatch.setattr(registry, "_registry", registry._Registry())
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: ())


def entry_points(monkeypatch, *points):
    """Install packages that offer adapters; returns how often somebody has looked."""
    looks = []

    def find(group):
        looks.append(group)
        return points

    monkeypatch.setattr(importlib.metadata, "entry_points", find)
    return looks


def point(name, value):
    """Return an entry point of a package."""
    return importlib.metadata.EntryPoint(name, value, "llmclient.adapters")


@pytest.fixture
def plugin(monkeypatch):
    """Return a module of somebody else's package."""
    module = types.ModuleType("acme_plugin")
    module.Acme = Acme
    module.number = 7
    monkeypatch.setitem(sys.modules, "acme_plugin", module)
    return module


# Resolving.


@pytest.mark.parametrize(
    ("model", "found"),
    [
        ("groq/llama-3.3-70b", ("groq", "llama-3.3-70b")),
        ("groq:llama-3.3-70b", ("groq", "llama-3.3-70b")),
        ("GROQ/x", ("groq", "x")),
        (" groq/x", ("groq", "x")),
        ("together/meta-llama/Llama-3:free", ("together", "meta-llama/Llama-3:free")),
        ("together:meta-llama/Llama-3", ("together", "meta-llama/Llama-3")),
        ("together-ai/x", ("together", "x")),
        ("together_ai/x", ("together", "x")),
        ("Together-AI:x", ("together", "x")),
        ("openrouter/openai/gpt-4o:extended", ("openrouter", "openai/gpt-4o:extended")),
        ("openai/ft:gpt-4o:me::1", ("openai", "ft:gpt-4o:me::1")),
        ("deepseek/unknown model", ("deepseek", "unknown model")),
        ("meta-llama/Llama-3", ("meta_llama", "Llama-3")),
        ("gpt-4o-mini", ("openai", "gpt-4o-mini")),
        ("gpt-4o-mini-2024-07-18", ("openai", "gpt-4o-mini-2024-07-18")),
        ("gpt-4o-mini-2099-01-01", ("openai", "gpt-4o-mini-2099-01-01")),
        ("gpt-4o-mini@20990101", ("openai", "gpt-4o-mini@20990101")),
        ("ft:gpt-3.5-turbo", ("openai", "ft:gpt-3.5-turbo")),
        ("grok-4.3", ("xai", "grok-4.3")),
        ("deepseek-v4-flash", ("deepseek", "deepseek-v4-flash")),
    ],
)
def test_a_model_resolves(model, found):
    """The first of `/` and `:` splits, a known head wins, and a bare name means its one maker."""
    assert registry.resolve(model) == found


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("opena/gpt-4o", "llmclient: unknown provider 'opena' in 'opena/gpt-4o'; did you mean 'openai'?"),
        ("gorq:x", "llmclient: unknown provider 'gorq' in 'gorq:x'; did you mean 'groq'?"),
        ("qqqqqqqq/x", "llmclient: unknown provider 'qqqqqqqq' in 'qqqqqqqq/x'; llmclient.providers() lists the known ones"),
        ("/x", "llmclient: unknown provider '' in '/x'; llmclient.providers() lists the known ones"),
        ("glm-4.6", "llmclient: 'glm-4.6' is served by several providers; write zai/glm-4.6 or zhipu/glm-4.6"),
        ("openai", "llmclient: 'openai' names a provider but no model; write openai/<model>"),
        ("Together-AI", "llmclient: 'Together-AI' names a provider but no model; write together/<model>"),
        ("groq/", "llmclient: 'groq/' names a provider but no model; write groq/<model>"),
        ("qqqqqqqq", "llmclient: no maker serves a model 'qqqqqqqq'; write provider/qqqqqqqq"),
        ("llama-3.3-70b-versatile", "llmclient: no maker serves a model 'llama-3.3-70b-versatile'; write provider/llama-3.3-70b-versatile"),
    ],
)
def test_anything_else_is_an_error_with_the_nearest_name(model, message):
    """A model never goes to a provider that was not named."""
    with pytest.raises(ConfigurationError) as caught:
        registry.resolve(model)
    assert str(caught.value) == message
    assert caught.value.provider == "llmclient"


def test_a_misspelt_model_is_suggested():
    """A bare name that is nearly one of a maker's models is met with that."""
    with pytest.raises(ConfigurationError, match=r"^llmclient: no maker serves a model 'gpt-4o-mimi'; write provider/gpt-4o-mimi; did you mean 'gpt-4o-mini'"):
        registry.resolve("gpt-4o-mimi")


@pytest.mark.parametrize(
    ("model", "found"),
    [
        ("azure-eu/gpt-4o", ("azure-eu", "gpt-4o")),
        ("azure_eu:gpt-4o", ("azure-eu", "gpt-4o")),
        ("AZURE-EU/gpt-4o", ("azure-eu", "gpt-4o")),
        ("groq/x", ("groq", "x")),
        ("together-ai/x", ("together", "x")),
    ],
)
def test_a_callers_own_names_come_first(model, found):
    """An instance is found in any spelling, and named as its owner spelt it."""
    assert registry.resolve(model, {"azure-eu": {"adapter": "openai"}, "groq": {}}) == found


def test_a_callers_own_names_are_suggested():
    """A misspelt instance is told apart from a misspelt provider."""
    with pytest.raises(ConfigurationError, match=r"unknown provider 'azur-eu' in 'azur-eu/x'; did you mean .*'azure-eu'\?$"):
        registry.resolve("azur-eu/x", {"azure-eu": {}})


def test_a_callers_own_name_needs_a_model():
    """An instance alone is no model."""
    with pytest.raises(ConfigurationError, match=r"'mine' names a provider but no model; write mine/<model>$"):
        registry.resolve("mine", {"mine": {}})


# Adapters.


@pytest.mark.parametrize("name", ["groq", "GROQ", " groq "])
def test_an_adapter_is_a_class(name):
    """A name in any spelling gives the generated class."""
    cls = registry.adapter(name)
    assert issubclass(cls, Provider)
    assert cls.name == "groq"
    assert registry.adapter("groq") is cls


@pytest.mark.parametrize(("name", "found"), [("groq", "groq"), ("Together-AI", "together"), ("pplx", "perplexity")])
def test_a_canonical_name(name, found):
    """An alias means the adapter's own name."""
    assert registry.canonical(name) == found


@pytest.mark.parametrize("call", [registry.adapter, registry.canonical])
def test_an_unknown_name_is_an_error(call):
    """The nearest names are suggested."""
    with pytest.raises(ConfigurationError, match=r"^llmclient: unknown provider 'togehter'; did you mean 'together'"):
        call("togehter")


def test_names_are_sorted_and_without_aliases():
    """What `llmclient.providers()` gives."""
    names = registry.names()
    assert list(names) == sorted(set(names))
    assert {"groq", "openai", "openai_compatible", "simulator", "together"} <= set(names)
    assert not {"together_ai", "pplx", "_index"} & set(names)


def test_an_adapter_that_cannot_be_imported_says_why(monkeypatch):
    """A missing package is an error of configuration, and the next try starts afresh."""
    monkeypatch.setitem(sys.modules, "llmclient.adapters.groq", None)
    with pytest.raises(ConfigurationError) as caught:
        registry.adapter("groq")
    assert str(caught.value).startswith("groq: its adapter cannot be imported: ")
    assert caught.value.cause.startswith("ModuleNotFoundError(")
    assert caught.value.__cause__ is None
    monkeypatch.delitem(sys.modules, "llmclient.adapters.groq")
    assert registry.adapter("groq").name == "groq"


# Registering.


def test_a_registered_adapter_is_known_by_all_its_names():
    """Name and aliases, in any spelling."""
    registry.register(Acme)
    assert registry.resolve("acme/x") == ("acme", "x")
    assert registry.resolve("Acme-AI:x") == ("acme", "x")
    assert registry.resolve("wile_e/x") == ("acme", "x")
    assert registry.adapter("acme") is Acme
    assert "acme" in registry.names()
    assert "wile_e" not in registry.names()


def test_registering_twice_is_no_error():
    """A module that is imported again may register its class again."""
    registry.register(Acme)
    registry.register(Acme)
    assert registry.adapter("acme") is Acme


@pytest.mark.parametrize(("name", "aliases", "taken"), [("groq", (), "groq"), ("new", ("Together-AI",), "together_ai"), ("pplx", (), "pplx")])
def test_a_name_that_is_taken_is_refused(name, aliases, taken):
    """A built-in name, or an alias of one, is not taken over by accident; nothing is registered then."""
    cls = type("Mine", (Provider,), {"name": name, "aliases": aliases})
    with pytest.raises(ConfigurationError) as caught:
        registry.register(cls)
    assert str(caught.value) == f"llmclient: the name {taken!r} is taken; pass replace=True to put Mine in its place"
    assert "new" not in registry.names()


def test_another_registered_name_is_taken_too():
    """Two plugins of one name collide loudly."""
    registry.register(Acme)
    with pytest.raises(ConfigurationError, match=r"the name 'acme' is taken"):
        registry.register(type("Other", (Provider,), {"name": "acme"}))


def test_replacing_a_built_in():
    """With replace=True the name, and the aliases that lead to it, mean the new class."""
    registry.adapter("groq")
    registry.register(Groq, replace=True)
    assert registry.adapter("groq") is Groq
    mine = type("Mine", (Provider,), {"name": "together"})
    registry.register(mine, replace=True)
    assert registry.adapter("together_ai") is mine


def test_an_alias_becomes_a_name():
    """A registered name wins over a built-in alias."""
    mine = type("Mine", (Provider,), {"name": "pplx"})
    registry.register(mine, replace=True)
    assert registry.adapter("pplx") is mine
    assert registry.adapter("perplexity") is not mine


def test_replacing_drops_the_former_aliases():
    """Aliases belong to the class that was registered last."""
    registry.register(Acme)
    registry.register(type("Other", (Provider,), {"name": "acme"}), replace=True)
    with pytest.raises(ConfigurationError):
        registry.canonical("acme_ai")


@pytest.mark.parametrize("name", ["", " ", "a/b", "a:b", "a b"])
def test_a_name_that_nobody_could_write_is_refused(name):
    """A name must survive `provider/model`."""
    with pytest.raises(ConfigurationError, match="cannot be a provider's name"):
        registry.register(type("Mine", (Provider,), {"name": name}))


@pytest.mark.parametrize("thing", [7, Acme(), OpenAIChat, object], ids=["a number", "an instance", "a dialect", "a class"])
def test_only_providers_are_registered(thing):
    """What is no Provider is refused by what it is."""
    with pytest.raises(ConfigurationError, match=r"is no subclass of llmclient\.Provider$"):
        registry.register(thing)


# Entry points.


def test_an_entry_point_is_found(monkeypatch, plugin):
    """An installed package adds a provider, which is loaded when it is first used, and once."""
    looks = entry_points(monkeypatch, point("Acme-2", "acme_plugin:Acme"))
    assert registry.resolve("acme-2/x") == ("acme_2", "x")
    assert registry.adapter("acme_2") is Acme
    assert registry.adapter("acme_2") is Acme
    assert "acme_2" in registry.names()
    assert looks == ["llmclient.adapters"]


def test_known_names_do_not_look_for_entry_points(monkeypatch):
    """Looking through all installed packages costs more than anything else here."""
    looks = entry_points(monkeypatch)
    registry.resolve("groq/x")
    registry.resolve("gpt-4o")
    registry.adapter("together-ai")
    registry.register(Acme)
    assert looks == []


@pytest.mark.parametrize("name", ["groq", "together_ai"])
def test_built_ins_beat_entry_points(monkeypatch, plugin, name):
    """An installed package cannot take over a name without being asked."""
    entry_points(monkeypatch, point(name, "acme_plugin:Acme"))
    assert registry.adapter(name) is not Acme


def test_registering_beats_entry_points(monkeypatch, plugin):
    """The program has the last word."""
    entry_points(monkeypatch, point("groq2", "acme_plugin:Acme"))
    mine = type("Mine", (Provider,), {"name": "groq2"})
    registry.register(mine)
    assert registry.adapter("groq2") is mine


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("no_such_module:Acme", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("acme_plugin:Nothing", "AttributeError: module 'acme_plugin' has no attribute 'Nothing'"),
        ("acme_plugin:number", "it is no subclass of llmclient.Provider"),
    ],
)
def test_a_broken_entry_point_is_reported_when_it_is_used(monkeypatch, plugin, value, problem):
    """It breaks nothing else, and says what is wrong with it each time."""
    entry_points(monkeypatch, point("broken", value), point("acme2", "acme_plugin:Acme"))
    assert {"broken", "acme2"} <= set(registry.names())
    assert registry.adapter("acme2") is Acme
    for _ in range(2):
        with pytest.raises(ConfigurationError) as caught:
            registry.adapter("broken")
        assert str(caught.value) == f"broken: the adapter {value!r} cannot be loaded: {problem}"


def test_a_broken_entry_point_names_its_package(monkeypatch, plugin):
    """Who wrote it is said where it is known."""
    dist = types.SimpleNamespace(name="acme-plugin")
    broken = point("broken", "acme_plugin:number")
    vars(broken)["dist"] = dist
    entry_points(monkeypatch, broken)
    with pytest.raises(ConfigurationError, match=r"^broken: the adapter 'acme_plugin:number' of acme-plugin cannot be loaded"):
        registry.adapter("broken")


# Threads, and what it costs.


def test_many_threads_get_one_class(monkeypatch, plugin):
    """Adapters, entry points and the index are found once, whoever comes first."""
    looks = entry_points(monkeypatch, point("acme2", "acme_plugin:Acme"))
    gate = threading.Barrier(16)
    found = []

    def ask():
        gate.wait()
        found.append((registry.adapter("acme2"), registry.adapter("groq"), registry.names()))

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 16
    assert len(set(found)) == 1
    assert len(looks) == 1


def test_a_thread_that_waited_finds_the_work_done(monkeypatch):
    """Who comes second into the lock does not look for entry points again."""
    looks = entry_points(monkeypatch)
    mine = registry._registry

    class Lock:
        def __enter__(self):
            mine._points = {}

        def __exit__(self, *problem):
            return None

    mine._lock = Lock()
    assert mine.points() == {}
    assert looks == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_child_is_not_hurt_by_a_lock_that_was_held():
    """A thread that held it is not there any more."""
    held, release = threading.Event(), threading.Event()

    def hold():
        with registry._registry._lock:
            held.set()
            release.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(10)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if not child:
        os._exit(0 if registry._registry._lock.acquire(timeout=5) else 1)
    release.set()
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_subclass_of_an_adapter_does_not_inherit_its_aliases():
    """They are still those of its parent."""
    parent = registry.adapter("together")
    mine = type("MyTogether", (parent,), {"name": "my_together"})
    registry.register(mine)
    assert registry.adapter("my_together") is mine
    assert registry.adapter("together_ai") is parent


def test_registering_from_many_threads_loses_nothing():
    """Every class that was registered is there in the end."""
    classes = [type(f"C{index}", (Provider,), {"name": f"thread_{index}", "aliases": (f"alias_{index}",)}) for index in range(32)]
    threads = [threading.Thread(target=registry.register, args=(cls,)) for cls in classes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(registry.adapter(f"alias_{index}") is cls for index, cls in enumerate(classes))


def test_resolving_imports_no_adapter():
    """A name is resolved from strings: neither an adapter nor a dialect nor an HTTP library is loaded."""
    code = (
        "import json, sys; from llmclient import registry\n"
        "for model in ('groq/x', 'together-ai:x', 'gpt-4o'): registry.resolve(model)\n"
        "print(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    loaded = set(json.loads(done.stdout))
    assert {name for name in loaded if name.startswith("llmclient.adapters.")} == {"llmclient.adapters._index"}
    assert not loaded & {"requests", "urllib3", "cattrs", "orjson", "llmclient.provider", "llmclient.dialects", "importlib.metadata"}


FIRST_USES = """
import sys, threading
from llmclient import registry

names, failed = sys.argv[1:], []
sys.setswitchinterval(1e-6)
together = threading.Barrier(len(names))

def load(name):
    together.wait()
    try:
        registry.adapter(name)
    except BaseException as error:
        failed.append(f"{name}: {error!r}")

threads = [threading.Thread(target=load, args=(name,)) for name in names]
for each in threads: each.start()
for each in threads: each.join()
sys.exit("; ".join(failed) or 0)
"""


def test_many_threads_may_load_their_first_adapters_at_once():
    """Adapters that share dialects do not get in each other's way, however the threads' turns fall."""
    names = "openai anthropic gemini bedrock cohere mistral azure_openai ollama vertex_ai vertex_ai_anthropic".split()
    command = [sys.executable, "-c", FIRST_USES, *names, *names]
    tries = [subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    assert [""] * len(tries) == [each.communicate(timeout=60)[1] for each in tries]


@pytest.mark.parametrize("name", [None, 5, b"openai", ["openai"]], ids=str)
def test_a_name_that_is_no_text_is_refused(name):
    """Of a provider, of a model, and of an adapter that is registered."""
    with pytest.raises(ConfigurationError, match='a provider is named by a str such as "openai"'):
        registry.adapter(name)
    with pytest.raises(InvalidRequestError, match="model must be a str"):
        registry.resolve(name)
    with pytest.raises(ConfigurationError, match="a provider is named by a str"):
        registry.register(type("Odd", (Provider,), {"name": name}))


def test_aliases_are_a_tuple():
    """A text alone would be an alias for each of its letters."""
    with pytest.raises(ConfigurationError, match=r"write \('odd',\)"):
        registry.register(type("Odd", (Provider,), {"name": "quite_odd", "aliases": "odd"}))


def test_an_api_that_nobody_asks_for_is_not_loaded():
    """OpenAI's Responses take a tenth of the start of a program that chats."""
    code = "import sys; from llmclient import registry; cls = registry.adapter('openai'); assert 'responses' in cls.chat_apis; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "llmclient.dialects.openai.chat" in done.stdout.split()
    assert "llmclient.dialects.responses.chat" not in done.stdout.split()
    cls = registry.adapter("openai")
    assert ("responses", 1, cls.chat_apis["responses"]) == (cls.chat_apis["responses"].name, len(cls.chat_apis), dict(cls.chat_apis)["responses"])
