"""What is built is complete: each distribution is installed in a fresh environment, outside of the checkout."""

from __future__ import annotations

import email
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile

import pytest

pytestmark = [pytest.mark.wheel, pytest.mark.timeout(600)]

IMPORT_ALL = """
import importlib, llmclient.adapters, pathlib, pkgutil, sys
assert pathlib.Path(llmclient.adapters.__file__).is_relative_to(sys.prefix), llmclient.adapters.__file__
for module in pkgutil.iter_modules(llmclient.adapters.__path__):
    importlib.import_module("llmclient.adapters." + module.name)
    print(module.name)
"""
TYPED = """
import llmclient
reveal_type(llmclient.chat("simulator/echo", "hi"))
llmclient.chat("simulator/echo", "hi", temperature="warm")
"""


@pytest.fixture(scope="module")
def environ(outer_environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Just enough of the outer environment to reach the package index; an empty home."""
    wanted = re.compile("(PATH|LANG)$|PIP_|SSL_CERT|(HTTPS?|NO)_PROXY$", re.IGNORECASE)
    kept = {name: value for name, value in outer_environ.items() if wanted.match(name)}
    return kept | {"HOME": str(tmp_path_factory.mktemp("home"))}


@pytest.fixture(scope="module")
def source(root: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A copy of what a clone of this checkout would hold, without what builds and tests left behind."""
    copy = tmp_path_factory.mktemp("source") / "checkout"
    left_behind = shutil.ignore_patterns(".git", ".venv*", ".*_cache", ".hypothesis", ".coverage*", "__pycache__", "*.egg-info", "build", "dist", "htmlcov")
    shutil.copytree(root, copy, symlinks=True, ignore=left_behind)
    return copy


@pytest.fixture(scope="module")
def built(source: pathlib.Path, environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The folder with the wheel and the sdist."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--sdist", "--wheel", "--outdir", str(folder), str(source)]
    done = subprocess.run(command, env=environ, cwd=folder, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def wheel(built: pathlib.Path) -> pathlib.Path:
    """The wheel."""
    (path,) = built.glob("*.whl")
    return path


@pytest.fixture(scope="module", params=["*.whl", "*.tar.gz"], ids=["wheel", "sdist"])
def python(request: pytest.FixtureRequest, built: pathlib.Path, environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The interpreter of a fresh environment in which one distribution was installed."""
    (path,) = built.glob(request.param)
    folder = tmp_path_factory.mktemp("venv")
    python = folder / "bin" / "python"
    # Without pip, since some systems cannot give it to a new environment; ours installs into it.
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True, env=environ)
    pip(python, environ, "install", "--quiet", str(path))
    return python


def pip(python: pathlib.Path, environ: dict[str, str], *args: str) -> None:
    """Run our pip for another interpreter."""
    done = subprocess.run([sys.executable, "-m", "pip", "--python", str(python), *args], env=environ, cwd=python.parent, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stdout + done.stderr


def run(python: pathlib.Path, environ: dict[str, str], *args: str) -> str:
    """Run the interpreter outside of the checkout; return what it prints."""
    done = subprocess.run([python, *args], env=environ, cwd=python.parent.parent, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stdout + done.stderr
    return done.stdout


def test_every_adapter_is_imported(python: pathlib.Path, environ: dict[str, str], root: pathlib.Path) -> None:
    """Each module of adapters/ is in the installed package and can be imported."""
    wanted = sorted(path.stem for path in (root / "adapters").glob("*.py") if path.stem != "__init__")
    assert "openai" in wanted
    assert wanted == sorted(run(python, environ, "-c", IMPORT_ALL).split())


def test_every_module_is_imported(python: pathlib.Path, environ: dict[str, str], root: pathlib.Path) -> None:
    """Each hand-written module imports with nothing but the five dependencies and what they need."""
    optional = {"llmclient.cli", "llmclient.__main__", "llmclient.simulator.demo", "llmclient.simulator.__main__", "llmclient.testing"}
    paths = [path.relative_to(root).with_suffix("") for path in (root / "llmclient").rglob("*.py") if "adapters" not in path.relative_to(root).parts]
    names = sorted({".".join(path.parts).removesuffix(".__init__") for path in paths} - optional)
    names = [name for name in names if not name.startswith(("llmclient.cli.", "llmclient.contrib."))]
    code = f"import importlib\nfor name in {names!r}: importlib.import_module(name)"
    run(python, environ, "-W", "error", "-c", code)


def test_the_first_call_works(python: pathlib.Path, environ: dict[str, str]) -> None:
    """The built-in simulator answers without a key and without an extra."""
    assert "hi\n" == run(python, environ, "-c", "import llmclient; print(llmclient.chat('simulator/echo', 'hi').text)")


def test_only_what_five_dependencies_bring_is_installed(python: pathlib.Path, environ: dict[str, str]) -> None:
    """`pip install llmclient` brings the five and what they need themselves."""
    code = "import importlib.metadata as m; print(*sorted({d.name.lower().replace('_', '-') for d in m.distributions()}))"
    five = {"attrs", "cattrs", "orjson", "requests", "urllib3"}
    theirs = {"certifi", "charset-normalizer", "idna", "typing-extensions"}
    assert five | {"llmclient"} <= set(run(python, environ, "-c", code).split()) <= five | theirs | {"llmclient"}
    pip(python, environ, "check")


def test_the_command_without_its_extra_says_what_to_install(python: pathlib.Path, environ: dict[str, str]) -> None:
    """Without click and rich the command names the extra in one sentence, and ends as a wrong use does."""
    done = subprocess.run([python.parent / "llmclient", "--help"], env=environ, cwd=python.parent, capture_output=True, text=True, check=False)
    assert 2 == done.returncode
    assert "llmclient[cli]" in done.stderr
    assert "Traceback" not in done.stderr


def test_types_are_seen_by_users(python: pathlib.Path, environ: dict[str, str], tmp_path: pathlib.Path) -> None:
    """mypy knows what an installed llmclient returns, and refuses an argument of the wrong type."""
    (tmp_path / "user.py").write_text(TYPED)
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file", os.devnull, "--python-executable", str(python), "user.py"]
    done = subprocess.run(command, env=environ, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert re.search(r'user.py:3: note: Revealed type is "llmclient\.types\.chat\.ChatResponse"', done.stdout), done.stdout + done.stderr
    assert 'user.py:4: error: Argument "temperature"' in done.stdout
    assert "Found 1 error" in done.stdout


def test_the_wheel_holds_one_package(wheel: pathlib.Path) -> None:
    """The top level of the wheel is llmclient and its metadata: other names belong to others."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {name.split("/")[0] for name in names}
    assert {"llmclient"} == {top for top in tops if not re.fullmatch(r"llmclient-[0-9.]+\.dist-info", top)}
    assert "llmclient/py.typed" in names
    assert len(names) == len(set(names))


def test_the_wheel_names_five_dependencies(wheel: pathlib.Path) -> None:
    """The metadata asks for five packages; everything else belongs to an extra."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = email.message_from_bytes(archive.read(name))
    direct = [line for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line]
    assert ["requests", "urllib3", "attrs", "cattrs", "orjson"] == [re.split("[>=]", line)[0] for line in direct]
    assert {"cli", "aws", "google", "azure", "bench", "dev"} <= set(metadata.get_all("Provides-Extra", []))


def test_the_sdist_holds_what_tests_and_generator_need(built: pathlib.Path) -> None:
    """A packager finds tests, generator and templates; adapters are there once."""
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {"Makefile", "LICENSE", "tests/conftest.py", "tests/data/tiny-qwen3-f16.gguf", "codegen/__main__.py", "adapters/openai.py", "llmclient/py.typed"}
    assert wanted <= names
    assert [] == [name for name in names if name.startswith("llmclient/adapters") or "__pycache__" in name]
