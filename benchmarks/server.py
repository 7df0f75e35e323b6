"""Starts the server: nginx where it is installed, else a small process of our own; and says where each answer is."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import NamedTuple

from benchmarks import canned, native
from benchmarks.canned import Page

_ROOT = pathlib.Path(__file__).resolve().parent.parent
_CONFIG = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
{user}
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    sendfile on; tcp_nodelay on; etag off; if_modified_since off; server_tokens off;
    open_file_cache max=100 inactive=1h; open_file_cache_valid 1h;
    client_body_buffer_size 256k;
    keepalive_requests 1000000000; keepalive_timeout 1h;
    root {folder}/www;
    types {{ }}
    # A static file takes no POST: nginx answers 405, which is turned into the file itself.
    error_page 405 =200 $uri;
    server {{
        listen 127.0.0.1:{plain};
        {locations}
    }}
    {tls}
}}
"""
_TLS_SERVER = """
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {certificate}; ssl_certificate_key {certificate};
        ssl_session_cache off; ssl_session_tickets off;
        keepalive_timeout 0;
        {locations}
    }}
"""


class Addresses(NamedTuple):
    """Where the answers are: OpenAI base addresses, without a trailing slash."""

    chat: str
    stream: str
    chunked: str
    embed: str
    base64: str
    native: str
    """Below it stand the other vendors' answers."""
    tls: str | None
    """Chat over TLS, one answer a connection; None where no certificate can be made."""
    authority: str | None
    """The file with the certificate authority of `tls`."""
    server: str
    """What is serving, for the report."""


@contextlib.contextmanager
def running(*, nginx: bool | None = None) -> Iterator[Addresses]:
    """Serve until the block ends; `nginx` None uses it where it is installed."""
    binary = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    with tempfile.TemporaryDirectory(prefix="llmclient-bench-") as name, contextlib.ExitStack() as stack:
        folder = pathlib.Path(name)
        certificate = make_certificate(folder)
        ports = stack.enter_context(_origin(certificate))
        if binary is None or nginx is False:
            yield _addresses("a Python process of its own", ports[0], ports, folder, certificate)
            return
        own = stack.enter_context(_nginx(binary, folder, certificate))
        yield _addresses(_version(binary), own[0], (ports[0], *own[1:]), folder, certificate)


def _addresses(server: str, port: int, ports: tuple[int, ...], folder: pathlib.Path, certificate: pathlib.Path | None) -> Addresses:
    plain, chunked = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{ports[0]}"
    tls = None if certificate is None else f"https://localhost:{ports[1]}/chat/v1"
    authority = None if certificate is None else str(folder / "authority.pem")
    return Addresses(
        chat=f"{plain}/chat/v1",
        stream=f"{plain}/stream/v1",
        chunked=f"{chunked}/chunked/v1",
        embed=f"{plain}/embed/v1",
        base64=f"{plain}/base64/v1",
        native=f"{plain}/native",
        tls=tls,
        authority=authority,
        server=server,
    )


def make_certificate(folder: pathlib.Path) -> pathlib.Path | None:
    """Write a certificate for localhost with its key, and its authority beside it; None where trustme is not installed."""
    try:
        import certifi
        import trustme
    except ImportError:
        return None
    authority = trustme.CA()
    issued = authority.issue_cert("localhost", "127.0.0.1")
    path = folder / "server.pem"
    issued.private_key_and_cert_chain_pem.write_to_path(str(path))
    # Beside the usual authorities, since reading those for each connection is what the benchmark must show.
    (folder / "authority.pem").write_bytes(pathlib.Path(certifi.where()).read_bytes() + authority.cert_pem.bytes())
    return path


@contextlib.contextmanager
def _origin(certificate: pathlib.Path | None) -> Iterator[tuple[int, ...]]:
    command = [sys.executable, "-m", "benchmarks.origin", *([str(certificate)] if certificate else [])]
    with subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            ports = tuple(int(port) for port in process.stdout.readline().split())
            if not ports:
                raise RuntimeError("the server process did not start")
            yield ports
        finally:
            process.terminate()


@contextlib.contextmanager
def _nginx(binary: str, folder: pathlib.Path, certificate: pathlib.Path | None) -> Iterator[tuple[int, ...]]:
    ports = tuple(_free_ports(1 if certificate is None else 2))
    plain = [page for page in (*canned.pages(), *native.pages()) if not page.chunked]
    for page in plain:
        path = folder / "www" / page.path[1:]
        path.parent.mkdir(parents=True)
        path.write_bytes(page.body)
    (folder / "nginx.conf").write_text(_configure(folder, ports, certificate, plain))
    log = folder / "error.log"
    with subprocess.Popen([binary, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(log)], stderr=subprocess.DEVNULL) as process:
        try:
            for port in ports:
                _await_port(process, port, log)
            yield ports
        finally:
            process.terminate()


def _configure(folder: pathlib.Path, ports: tuple[int, ...], certificate: pathlib.Path | None, plain: list[Page]) -> str:
    locations = " ".join(f"location = {page.path} {{ default_type {page.media_type}; }}" for page in plain)
    user = "user root;" if hasattr(os, "geteuid") and os.geteuid() == 0 else ""
    tls = "" if certificate is None else _TLS_SERVER.format(port=ports[1], certificate=certificate, locations=locations)
    return _CONFIG.format(folder=folder, user=user, plain=ports[0], locations=locations, tls=tls)


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for free in sockets:
            free.bind(("127.0.0.1", 0))
        return [free.getsockname()[1] for free in sockets]


def _await_port(process: subprocess.Popen[bytes], port: int, log: pathlib.Path) -> None:
    limit = time.monotonic() + 10
    while time.monotonic() < limit and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    raise RuntimeError(f"nginx did not start: {log.read_text() if log.exists() else 'no log'}")


def _version(binary: str) -> str:
    shown = subprocess.run([binary, "-v"], capture_output=True, text=True, check=False).stderr
    return shown.strip().partition(": ")[2] or "nginx"
