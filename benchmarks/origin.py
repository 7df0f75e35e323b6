"""A server of canned bytes in a process of its own: where nginx is missing, and for what nginx cannot do (an HTTP chunk for each event).

`python -m benchmarks.origin [CERTIFICATE]` prints its plain port and, with a certificate, its TLS port; it stops when its input ends.
"""

from __future__ import annotations

import asyncio
import ssl
import sys
from collections.abc import Mapping

from benchmarks import canned, native
from benchmarks.canned import Page


def frame(page: Page, *, keep_alive: bool) -> bytes:
    """Return an answer as it goes over the wire."""
    head = [b"HTTP/1.1 200 OK", b"Content-Type: " + page.media_type.encode(), b"Connection: " + (b"keep-alive" if keep_alive else b"close")]
    if page.chunked:
        head.append(b"Transfer-Encoding: chunked")
        body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in page.pieces) + b"0\r\n\r\n"
    else:
        body = page.body
        head.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(head) + b"\r\n\r\n" + body


class Connection(asyncio.Protocol):
    """Answers one request after the other, by path alone."""

    def __init__(self, answers: Mapping[bytes, bytes], *, keep_alive: bool) -> None:
        self._answers = answers
        self._keep_alive = keep_alive
        self._pending = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer as soon as a request is whole."""
        self._pending += data
        while (end := self._request_end()) is not None:
            path = self._pending.split(b" ", 2)[1].partition(b"?")[0]
            self._pending = self._pending[end:]
            self._answer(path)

    def _request_end(self) -> int | None:
        head = self._pending.find(b"\r\n\r\n")
        if head < 0:
            return None
        length = 0
        for line in self._pending[:head].split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        return head + 4 + length if len(self._pending) >= head + 4 + length else None

    def _answer(self, path: bytes) -> None:
        assert self._transport is not None
        self._transport.write(self._answers.get(path, b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"))
        if not self._keep_alive:
            self._transport.close()


async def serve(certificate: str | None) -> None:
    """Serve until the input ends; the plain port keeps connections open, the TLS port closes them after each answer."""
    loop = asyncio.get_running_loop()
    ports = [await _listen(loop, None, keep_alive=True)]
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        ports.append(await _listen(loop, context, keep_alive=False))
    print(*ports, flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


async def _listen(loop: asyncio.AbstractEventLoop, context: ssl.SSLContext | None, *, keep_alive: bool) -> int:
    answers = {page.path.encode(): frame(page, keep_alive=keep_alive) for page in (*canned.pages(), *native.pages())}
    server = await loop.create_server(lambda: Connection(answers, keep_alive=keep_alive), "127.0.0.1", 0, ssl=context)
    port: int = server.sockets[0].getsockname()[1]
    return port


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1] if len(sys.argv) > 1 else None))
