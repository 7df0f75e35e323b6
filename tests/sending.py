"""Short ways to send something to a scripted server through the transport."""

from __future__ import annotations

import atexit
import functools
import pathlib
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from llmclient.deadline import Call, Timeout
from llmclient.transport import Exchange, Transport, prepare
from tests.wireserver import PATIENCE, authority

T = TypeVar("T")
SECRET = "sk-secret-0123456789-do-not-show"


@functools.cache
def ca_file() -> str:
    """Return the path of the CA certificate that signs the scripted servers' ones; removed at the end of the run."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="llmclient-ca-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = folder / "ca.pem"
    authority().cert_pem.write_to_path(str(path))
    return str(path)


def new_call(timeout: Timeout | float | None = 5.0) -> Call:
    """Return a call that takes five seconds at most, unless told otherwise."""
    return Call(Timeout.of(timeout), provider="groq", model="m")


def new_transport(**options: Any) -> Transport:
    """Return a transport that shares no connection with other tests, and trusts the scripted servers."""
    return Transport(**{"verify": ca_file()} | options)


def send(
    url: str,
    *,
    transport: Transport | None = None,
    call: Call | None = None,
    method: str = "POST",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = b"{}",
) -> Exchange:
    """Send one request, by default a POST of `{}` through a transport of its own."""
    request = prepare("groq", method, url if url.count("/") > 2 else url + "/v1/chat", {"Authorization": f"Bearer {SECRET}"} | dict(headers or {}), body)
    return (transport or new_transport()).send(request, call or new_call())


class Running:
    """A function that runs in another thread."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self._function = function
        self._value: Any = None
        self.error: BaseException | None = None
        self.ended_at = 0.0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._value = self._function()
        except BaseException as error:
            self.error = error
        self.ended_at = time.monotonic()

    def join(self) -> BaseException | None:
        """Wait for the end, and return what was raised."""
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), "the thread hangs"
        return self.error

    def value(self) -> Any:
        """Wait for the end, and return the value or raise the error."""
        error = self.join()
        if error is not None:
            raise error
        return self._value


def eventually(condition: Callable[[], T]) -> T:
    """Wait until a condition holds, and return it."""
    until = time.monotonic() + PATIENCE
    while not (value := condition()) and time.monotonic() < until:
        time.sleep(0.002)
    return value
