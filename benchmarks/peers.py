"""The peers: each in an environment of its own, and each driven line by line, so that rounds stay side by side."""

from __future__ import annotations

import contextlib
import json
import pathlib
import subprocess
import sys
import venv
from collections.abc import Iterator, Mapping
from typing import Any, Final

from benchmarks.cold import environment
from benchmarks.measure import Sample

_ROOT: Final = pathlib.Path(__file__).resolve().parent.parent
_FOLDER: Final = pathlib.Path(__file__).resolve().parent / ".venvs"
PINS: Final[Mapping[str, tuple[str, ...]]] = {
    "openai": ("openai==3.57.0",),
    "any-llm": ("any-llm-sdk[openai]==1.40.2",),
    "litellm": ("litellm==1.110.2",),
}
PACKAGES: Final = {"openai": "openai", "any-llm": "any-llm-sdk", "litellm": "litellm"}


def install(name: str, folder: pathlib.Path = _FOLDER) -> str:
    """Return the interpreter of a peer's environment; make it first where it is missing or its pins have changed."""
    home = folder / name
    python, stamp = home / "bin" / "python", home / "pins.txt"
    wanted = "\n".join(PINS[name])
    if not stamp.exists() or stamp.read_text() != wanted:
        print(f"installing {wanted} into {home}", file=sys.stderr)
        venv.create(home, clear=True, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PINS[name]], check=True)
        stamp.write_text(wanted)
    return str(python)


class Peer:
    """A contestant in another process."""

    def __init__(self, name: str, process: subprocess.Popen[str]) -> None:
        self.name = name
        self._process = process

    def ask(self, **question: Any) -> Any:
        """Send one command and return its answer; raises RuntimeError when the peer fails."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline() or '{"error": "the process has ended"}')
        if "error" in answer:
            raise RuntimeError(f"{self.name}: {answer['error']}")
        return answer["result"]

    def sample(self, clock: str, method: str, count: int) -> Sample:
        """Measure one round over there."""
        return Sample(*self.ask(clock=clock, method=method, count=count))


@contextlib.contextmanager
def started(name: str, python: str, addresses: Mapping[str, Any]) -> Iterator[Peer]:
    """Start a contestant in another interpreter; it ends with the block."""
    command = [python, "-m", "benchmarks.worker", name, json.dumps(addresses)]
    with subprocess.Popen(command, cwd=_ROOT, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Peer(name, process)
        finally:
            process.terminate()
