"""Who may import whom: a request travels in one direction, so imports do too, and importing the library does nothing else."""

from __future__ import annotations

import ast
import graphlib
import pathlib
import subprocess
import sys
import types
from collections.abc import Iterator

import attrs
import pytest

import llmclient

ROOT = pathlib.Path(__file__).parent.parent
LAYERS: dict[str, tuple[str, str]] = {
    # layer: (its modules, the layers that it may import besides itself)
    "errors": ("_version errors loading redaction", ""),
    "wire": ("wire", "errors"),
    "types": ("types", "errors wire"),
    "auth": ("auth auth_aws auth_azure auth_exchange auth_google renewal", "errors types"),
    "models": ("models", "errors types"),
    "transport": ("deadline dialer exchange failures head idle inflate parser pool prepared tls transport", "errors types"),
    "retry": ("retry", "errors transport"),
    "streaming": ("streaming", "errors types transport"),
    "dialects": ("dialects", "errors types auth models wire"),
    "provider": ("provider endpoints policies sending health", "errors types auth models wire dialects transport retry streaming"),
    "simulator": ("simulator", "errors"),
    "kinds": ("azure simulator.provider vertex", "errors types auth dialects provider simulator"),
    "adapters": ("adapters", "types auth models dialects provider kinds"),
    "registry": ("registry", "errors types models provider"),
    "fanout": ("fanout", "errors types retry"),
    "client": ("client settings", "errors types models retry transport provider registry fanout"),
    "faces": (
        "llmclient __main__ cli testing compat contrib simulator.demo",
        "errors types wire models transport retry streaming provider simulator registry fanout client",
    ),
}
"""Who may import whom. A layer names only layers above it in this list, so there is no circle.

`kinds` are providers that work out their address in a way of their own. `faces` stand on the client, as a user's program would.
"""

LAYER_OF = {module: name for name, (modules, _) in LAYERS.items() for module in modules.split()}
MAY_IMPORT = {name: frozenset(below.split()) for name, (_, below) in LAYERS.items()}

BY_DESIGN: dict[tuple[str, str], str] = {
    ("llmclient.types.answer", "models"): "an answer computes its cost only when asked",
    ("llmclient.types.answer", "dialects"): "an answer reads the limits in its headers only when asked",
    ("llmclient.types.chat", "dialects"): "from_dict reads OpenAI's shape, which the dialect knows",
    ("llmclient.types.embeddings", "dialects"): "likewise",
}
"""Imports inside functions that point up the layers, each with its reason."""


@attrs.frozen
class Import:
    """One import of a module of ours."""

    module: str
    target: str
    line: int
    lazy: bool

    def __str__(self) -> str:
        return f"{self.module}:{self.line} imports {self.target}"


def modules() -> dict[str, ast.Module]:
    """Return all hand-written and generated modules by name."""
    paths = [path for path in (ROOT / "llmclient").rglob("*.py") if "adapters" not in path.relative_to(ROOT).parts]
    named = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in paths}
    named |= {f"llmclient.adapters.{path.stem}".removesuffix(".__init__"): path for path in (ROOT / "adapters").glob("*.py")}
    return {name: ast.parse(path.read_text(encoding="utf-8"), str(path)) for name, path in sorted(named.items())}


MODULES = modules()


def is_typing_only(node: ast.AST) -> bool:
    """Return whether a statement is `if TYPE_CHECKING:`."""
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def statements(node: ast.AST, *, lazy: bool = False) -> Iterator[tuple[ast.AST, bool]]:
    """Yield every node that runs, with whether it runs only when a function is called."""
    inner = lazy or isinstance(node, ast.FunctionDef | ast.Lambda)
    for child in ast.iter_child_nodes(node):
        if not is_typing_only(child):
            yield child, inner
            yield from statements(child, lazy=inner)


def targets(node: ast.AST) -> list[str]:
    """Return the modules of ours that an import statement names."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names if alias.name.split(".")[0] == "llmclient"]
    if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module and node.module.split(".")[0] == "llmclient":
        return [f"{node.module}.{alias.name}" if f"{node.module}.{alias.name}" in MODULES else node.module for alias in node.names]
    return []


def imports(name: str) -> list[Import]:
    """Return a module's imports of ours, those for type checkers left out."""
    return [Import(name, target, node.lineno, lazy) for node, lazy in statements(MODULES[name]) for target in targets(node)]  # type: ignore[attr-defined]


def layer(module: str) -> str:
    """Return the layer of a module: that of its own name, else that of its package."""
    inner = module.removeprefix("llmclient").removeprefix(".") or "llmclient"
    return LAYER_OF.get(inner) or LAYER_OF.get(inner.split(".")[0]) or f"no layer: add {inner} to LAYERS"


@pytest.mark.parametrize("name", MODULES)
def test_a_module_imports_only_the_layers_below_it(name: str) -> None:
    """No import, whether at the top or inside a function, points up or sideways."""
    own = layer(name)
    assert own in LAYERS
    strangers = [item for item in imports(name) if layer(item.target) not in MAY_IMPORT[own] | {own} and not is_by_design(item)]
    assert [] == [str(item) for item in strangers]


def is_by_design(item: Import) -> bool:
    """Return whether an import is on the list of exceptions."""
    return item.lazy and (item.module, layer(item.target)) in BY_DESIGN


def test_the_layers_have_an_order() -> None:
    """The table itself has no circle: each layer names only layers that stand before it."""
    names = list(LAYERS)
    assert [] == [(name, below) for index, name in enumerate(names) for below in MAY_IMPORT[name] if below not in names[:index]]


def test_modules_do_not_import_each_other_in_a_circle() -> None:
    """What is imported at the top of modules has an order, within a layer too."""
    graph = {name: {item.target for item in imports(name) if not item.lazy and item.target in MODULES and item.target != name} for name in MODULES}
    assert set(MODULES) == set(graphlib.TopologicalSorter(graph).static_order())


def test_each_exception_is_still_needed() -> None:
    """An exception that no import uses is taken off the list."""
    used = {(item.module, layer(item.target)) for name in MODULES for item in imports(name) if item.lazy}
    assert set(BY_DESIGN) <= used


def test_only_faces_import_the_client() -> None:
    """Nothing below the client knows it."""
    assert [] == [str(item) for name in MODULES for item in imports(name) if item.target in {"llmclient", "llmclient.client"} and layer(name) != "faces"]


def test_the_provider_knows_no_particular_dialect() -> None:
    """The provider drives any dialect by what all of them have."""
    shared = {"llmclient.dialects.base", "llmclient.dialects.failure"}
    assert [] == [str(item) for item in imports("llmclient.provider") if layer(item.target) == "dialects" and item.target not in shared]


def test_adapters_are_known_by_string_only() -> None:
    """No module imports an adapter; only the registry spells the package's name."""
    assert [] == [str(item) for name in MODULES for item in imports(name) if layer(item.target) == "adapters" and layer(name) != "adapters"]
    spelt = {
        name
        for name, tree in MODULES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("llmclient.adapters")
    }
    assert {"llmclient.registry"} == spelt


def test_no_import_is_relative() -> None:
    """Imports are absolute, so that a moved file breaks loudly."""
    assert [] == [f"{name}:{node.lineno}" for name, tree in MODULES.items() for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level]


def test_no_module_imports_the_inside_of_another() -> None:
    """A name with a leading underscore stays in its file."""
    assert [] == [
        f"{name}:{node.lineno} imports {alias.name}"
        for name, tree in MODULES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("llmclient")
        for alias in node.names
        if alias.name.startswith("_") and alias.name != "__version__"
    ]


THIRD_PARTY = {
    "requests": {"transport"},
    "urllib3": {"transport"},
    "cattrs": set[str](),
    "orjson": {"wire", "dialects", "simulator"},
    "click": {"faces"},
    "rich": {"faces"},
    "pytest": {"faces"},
}
"""Where a package from outside may be imported at the top of a module; attrs may be everywhere, anything else nowhere."""


@pytest.mark.parametrize("name", MODULES)
def test_other_packages_are_imported_where_they_belong(name: str) -> None:
    """HTTP is the transport's, JSON is the wire's; an extra is imported when it is used."""
    found = [
        (node.lineno, module.split(".")[0])
        for node, lazy in statements(MODULES[name])
        if not lazy and isinstance(node, ast.Import | ast.ImportFrom)
        for module in ([alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""])
    ]
    outside = [(line, module) for line, module in found if module not in sys.stdlib_module_names | {"llmclient", "attrs"}]
    assert [] == [(line, module) for line, module in outside if layer(name) not in THIRD_PARTY.get(module, set())]


def run(code: str) -> str:
    """Run Python in a process of its own, and return what it prints."""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stderr
    return done.stdout


def test_importing_the_library_loads_nothing_heavy() -> None:
    """`import llmclient` loads neither requests, nor cattrs, nor attrs, nor an adapter, nor JSON."""
    code = "import sys; old = set(sys.modules); import llmclient; print(*sorted(set(sys.modules) - old))"
    loaded = run(code).split()
    heavy = {"requests", "urllib3", "cattrs", "attr", "attrs", "orjson", "ssl", "http", "json", "click", "rich", "asyncio"}
    assert set() == heavy & {name.split(".")[0] for name in loaded}
    assert [] == [name for name in loaded if name.startswith("llmclient.adapters")]


def test_all_is_exact() -> None:
    """`__all__` holds what type checkers see, sorted; each name is there; nothing else is public."""
    (seen,) = (node for node in MODULES["llmclient"].body if is_typing_only(node))
    typed = {alias.asname or alias.name for node in ast.walk(seen) if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert sorted(typed | {"__version__"}) == llmclient.__all__ == dir(llmclient)
    assert [] == [name for name in llmclient.__all__ if getattr(llmclient, name) is None]
    loaded = {name for name, value in vars(llmclient).items() if not name.startswith("_") and not isinstance(value, types.ModuleType)}
    assert set(llmclient.__all__) >= loaded - {"annotations", "TYPE_CHECKING"}


def test_an_unknown_name_is_an_attribute_error() -> None:
    """A misspelt name fails as it does on any module."""
    with pytest.raises(AttributeError, match="no attribute 'chatt'"):
        llmclient.chatt  # noqa: B018


def seconds(module: str) -> float:
    """Return how long a module takes to import in a fresh interpreter: the quickest of five."""
    code = f"import time; start = time.perf_counter(); import {module}; print(time.perf_counter() - start)"
    return min(float(run(code)) for _ in range(5))


def test_importing_the_library_is_quick() -> None:
    """`import llmclient` takes at most 50 ms, and at most half of what `import requests` takes."""
    own = seconds("llmclient")
    assert own <= 0.05
    assert own <= 0.5 * seconds("requests")


WATCH = """
import importlib, os, random, sys, time
seen = []
def ours(depth):
    frame = sys._getframe(depth)
    while frame.f_code.co_filename in (os.__file__, "<frozen os>", "<frozen _collections_abc>", "<string>"):
        frame = frame.f_back
    return "llmclient" in frame.f_globals.get("__name__", "") and (frame.f_globals["__name__"], frame.f_lineno)
def watched(owner, name):
    real = getattr(owner, name)
    def call(*args, **kwargs):
        where = ours(2)
        if where: seen.append((name, *where))
        return real(*args, **kwargs)
    setattr(owner, name, call)
def audit(event, args):
    if event.startswith(("socket.", "subprocess.", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.putenv")):
        seen.append((event, args))
import attrs, cattrs, logging, orjson, requests, uuid
sys.addaudithook(audit)
sys.argv = ["program"]
for name in ("time", "monotonic", "perf_counter", "time_ns", "monotonic_ns", "sleep"): watched(time, name)
for name in ("__getitem__", "__setitem__", "__contains__", "__iter__"): watched(type(os.environ), name)
for name in ("random", "getrandbits"): watched(random, name)
watched(os, "urandom")
class Out:
    def write(self, text): seen.append(("printed", text))
    def flush(self): pass
outer = sys.stdout, sys.stderr
sys.stdout = sys.stderr = Out()
try:
    for name in NAMES: importlib.import_module(name)
finally:
    sys.stdout, sys.stderr = outer
print(seen)
"""


def test_importing_reads_neither_environment_nor_clock() -> None:
    """Importing every module touches no variable, clock, random number, socket, process or output."""
    names = [name for name in MODULES if not name.endswith("__main__") and (layer(name) != "faces" or name == "llmclient")]
    assert "[]\n" == run(WATCH.replace("NAMES", repr(names)))


@pytest.mark.parametrize("name", [name for name in MODULES if name.split(".")[-1] not in {"demo", "__main__"} and not name.startswith("llmclient.cli")])
def test_the_library_does_not_print(name: str) -> None:
    """No module but the command and the demo prints."""
    calls = [node for node in ast.walk(MODULES[name]) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    assert [] == [f"{name}:{node.lineno}" for node in calls if isinstance(node.func, ast.Name) and node.func.id in {"print", "input", "breakpoint"}]


def sources() -> list[pathlib.Path]:
    """Return the hand-written files."""
    return sorted(path for folder in ("llmclient", "codegen") for path in (ROOT / folder).rglob("*.py") if "adapters" not in path.relative_to(ROOT).parts)


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_is_finished_and_can_be_read_at_a_sitting(path: pathlib.Path) -> None:
    """A hand-written file has at most 500 lines and nothing put off."""
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 500
    assert [] == [mark for mark in ("TODO", "FIXME", "XXX", "HACK") if mark in text]
