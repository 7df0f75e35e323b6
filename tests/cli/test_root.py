"""The command as a whole: how it is started, how it fails, what it promises about exit codes."""

from __future__ import annotations

import importlib.util
import os
import pathlib
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

import llmclient
from llmclient import cli, errors
from llmclient.cli.root import COMMANDS, sentence
from llmclient.errors import ProviderError
from llmclient.simulator import Simulator

HIDES_CLICK = "import importlib.util as u\nreal = u.find_spec\nu.find_spec = lambda name, *rest: None if name == 'click' else real(name, *rest)\n"
LIGHT = "import sys, llmclient.cli.root; print(*sorted({'requests', 'rich', 'attrs', 'orjson', 'llmclient.client'} & set(sys.modules)))"


@pytest.mark.parametrize("missing", [["click"], ["rich"], ["click", "rich"]], ids=" ".join)
def test_without_the_extra_one_sentence_says_how_to_install_it(missing: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, whichever of the two is missing."""
    real = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name in missing else real(name))
    with pytest.raises(SystemExit, match="2"):
        cli.main(["--version"])
    assert f'llmclient: the command line needs {" and ".join(missing)}; run pip install "llmclient[cli]"\n' == capsys.readouterr().err


def test_python_m_works_without_the_extra_too(root: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """`python -m llmclient` in an environment that has neither click nor rich gives the same sentence, and no traceback."""
    (tmp_path / "sitecustomize.py").write_text(HIDES_CLICK)
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(root)])}
    done = subprocess.run([sys.executable, "-m", "llmclient"], env=environ, capture_output=True, text=True, check=False)
    assert (2, "") == (done.returncode, done.stdout)
    assert 'llmclient: the command line needs click; run pip install "llmclient[cli]"\n' == done.stderr


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """`--version` prints one line."""
    with pytest.raises(SystemExit, match="0"):
        cli.main(["--version"])
    assert f"llmclient {llmclient.__version__}\n" == capsys.readouterr().out


def test_starting_loads_little(root: pathlib.Path) -> None:
    """Help and version need neither requests, rich nor the client."""
    done = subprocess.run([sys.executable, "-c", LIGHT], env={**os.environ, "PYTHONPATH": str(root)}, capture_output=True, text=True, check=True)
    assert "\n" == done.stdout


@pytest.mark.parametrize("args", [("chat", "openai/echo", "hi"), ("embed", "openai/embed", "hi"), ("models", "openai", "--live")], ids=lambda args: args[0])
def test_a_failed_call_is_one_sentence_and_exit_code_1(run: Callable[..., Any], simulator: Simulator, args: tuple[str, ...]) -> None:
    """On standard error, without a traceback and without the key."""
    simulator.fault("status=401", 3)
    done = run(*args)
    assert (1, "", 1) == (done.exit_code, done.stdout, len(done.stderr.splitlines()))
    assert done.stderr.startswith("openai: ")
    assert "; `llmclient doctor openai` says which key was used" in done.stderr
    assert "sk-of-the-environment" not in done.stderr


@pytest.mark.parametrize("args", [("--debug", "chat", "openai/echo", "hi"), ("chat", "--debug", "openai/echo", "hi")], ids=["before", "after"])
def test_debug_shows_the_traceback_as_well(run: Callable[..., Any], simulator: Simulator, args: tuple[str, ...]) -> None:
    """The sentence still stands at the end."""
    simulator.fault("status=400")
    done = run(*args)
    assert "Traceback (most recent call last)" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("openai: ")


def test_a_missing_key_says_what_to_set(run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """In the words of the command line, not of Python."""
    monkeypatch.delenv("OPENAI_API_KEY")
    done = run("chat", "openai/echo", "hi")
    assert 1 == done.exit_code
    assert "openai: OPENAI_API_KEY is not set; set it or pass --api-key" in done.stderr
    assert "Client(" not in done.stderr


def test_an_unknown_provider_says_the_nearest_name(run: Callable[..., Any]) -> None:
    """Exit code 1: the command line itself was right."""
    done = run("chat", "opena/echo", "hi")
    assert 1 == done.exit_code
    assert "unknown provider 'opena'" in done.stderr
    assert "did you mean 'openai'" in done.stderr


@pytest.mark.parametrize("args", [("sing",), ("chat",), ("chat", "m", "p", "--nope"), ()], ids=["command", "argument", "option", "nothing"])
def test_a_wrong_command_line_is_exit_code_2(run: Callable[..., Any], args: tuple[str, ...]) -> None:
    """And the help is at hand."""
    done = run(*args)
    assert 2 == done.exit_code
    assert "Usage: llmclient" in done.output


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (errors.PermissionDeniedError("x", "no access."), "x: no access; ask for access, or use another model or key"),
        (errors.QuotaExceededError("x", "used up"), "x: used up; raise the account's budget, or use another provider"),
        (errors.RateLimitError("x", "slow down", retry_after=2.5), "x: slow down; try again later (after 2.5 s)"),
        (errors.ModelNotFoundError("x", "no model", status=404), "x: no model (status 404); `llmclient models x --live` lists what the key may use"),
        (errors.RequestTimeoutError("x", "too late"), "x: too late; allow more time with --timeout, or try again"),
        (errors.ApiError("x", "broken.", status=500), "x: broken (status 500); try again later"),
        (errors.ApiError("x", "teapot", status=418), "x: teapot (status 418)"),
        (errors.InvalidRequestError("x", "two\nlines"), "x: two lines; change the request, since repeating it will not help"),
        (FileNotFoundError(2, "No such file or directory", "a.txt"), "llmclient: a.txt: No such file or directory"),
        (OSError(28, "No space left on device"), "llmclient: [Errno 28] No space left on device"),
        (TypeError("chat() got an unknown keyword"), "llmclient: chat() got an unknown keyword"),
        (KeyError("k"), "llmclient: KeyError: 'k'; run again with --debug to see where"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_each_failure_is_one_sentence_with_what_to_do(error: Exception, said: str) -> None:
    """The message, where it happened, and the next step."""
    assert said == sentence(error)


def test_every_class_of_error_has_advice_or_says_it_itself() -> None:
    """A new class of the tree does not go without."""
    plain = (errors.ApiError, errors.ConfigurationError, errors.TransformationError, errors.CancelledError, errors.RoutingError)
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ProviderError) and kind is not ProviderError]
    assert [] == [kind.__name__ for kind in kinds if not issubclass(kind, plain) and ";" not in sentence(kind("x", "it failed"))]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(run: Callable[..., Any], name: str) -> None:
    """`--help` and `-h` say what it does and show it in use."""
    done = run(name, "--help")
    assert (0, done.stdout) == (done.exit_code, run(name, "-h").stdout)
    assert f"Usage: llmclient {name}" in done.stdout
    assert "Example: " in done.stdout
    assert f"llmclient {name}" in done.stdout.partition("Example: ")[2]
