"""Heads of requests: what is written at once is what http.client would have written."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from typing import Any, cast

import hypothesis
import hypothesis.strategies as st
import pytest
from requests.structures import CaseInsensitiveDict
from urllib3._collections import HTTPHeaderDict
from urllib3.connection import HTTPConnection

from llmclient import pool
from llmclient.head import is_watched, write_head
from llmclient.pool import collect
from llmclient.prepared import prepare
from tests.sending import new_call, new_transport
from tests.wireserver import WireServer, ok

VISIBLE = st.characters(min_codepoint=0x20, max_codepoint=0x7E)
NAMES = st.from_regex(r"\Ax-[a-z0-9!#$%&'*+.^_`|~-]{1,10}\Z")
VALUES = st.text(VISIBLE | st.characters(min_codepoint=0xA0, max_codepoint=0xFF), max_size=30)


def fields(body: bytes = b"{}", **others: str) -> CaseInsensitiveDict[str]:
    """Return the headers of a usual request."""
    given = {name.replace("_", "-"): value for name, value in others.items()}
    return CaseInsensitiveDict({"User-Agent": "u", "Accept-Encoding": "gzip", "Content-Length": str(len(body)), **given})


def sent_by_urllib3(method: str, url: str, headers: Any, body: bytes, connection: HTTPConnection) -> bytes:
    """Return the bytes of a request as urllib3 and http.client write it."""
    parts: list[bytes] = []
    connection.send = parts.append  # type: ignore[method-assign, assignment]  # there is no socket
    connection.request(method, url, body=body, headers=headers, preload_content=False, decode_content=False)
    return b"".join(parts)


@hypothesis.given(
    st.sampled_from(["POST", "PUT", "PATCH"]),
    st.text(VISIBLE, max_size=20),
    st.dictionaries(NAMES, VALUES, max_size=5),
    st.binary(max_size=30),
    st.sampled_from([("api.example.com", 443), ("localhost", 80), ("::1", 8080)]),
)
def test_a_head_is_what_urllib3_writes(method: str, path: str, others: dict[str, str], body: bytes, place: tuple[str, int]) -> None:
    """Byte by byte, for any prepared request."""
    prepared = prepare("p", method, f"https://h/{path.replace('#', '')}", others, body)
    url = str(prepared.url)[len("https://h") :]
    host, port = place
    expected = sent_by_urllib3(method, url, prepared.headers, body, HTTPConnection(host, port))
    name = expected.split(b"\r\n")[1].removeprefix(b"Host: ").decode()
    head = write_head(method, url, name, cast("Any", prepared.headers), len(body))
    assert head is not None
    assert expected == head + body


@pytest.mark.parametrize(
    ("method", "url", "headers"),
    [
        ("GET", "/", fields()),
        ("POST", "http://h/", fields()),
        ("POST", "/a b", fields()),
        ("POST", "/ä", fields()),
        ("POST", "/a\r\nX: 1", fields()),
        ("POST", "/", fields(host="other")),
        ("POST", "/", fields(transfer_encoding="chunked")),
        ("POST", "/", fields(b"another length")),
        ("POST", "/", fields(x="a\r\nY: 1")),
        ("POST", "/", fields(x="a\nY: 1")),
        ("POST", "/", fields(x="a\rY: 1")),
        ("POST", "/", fields(x="€")),
        ("POST", "/", fields(x=b"bytes")),  # type: ignore[arg-type]  # that is the point
        ("POST", "/", CaseInsensitiveDict({"Accept-Encoding": "gzip", "Content-Length": "2"})),
        ("POST", "/", dict(fields())),
    ],
    ids=["no body", "proxy", "space", "path", "path break", "host", "framing", "length", "CRLF", "LF", "CR", "euro", "bytes", "missing", "other type"],
)
def test_what_is_not_plain_is_left_to_urllib3(method: str, url: str, headers: Any) -> None:
    """It fills in what is missing, and refuses what nobody may send."""
    assert write_head(method, url, "h", headers, 2) is None


def test_a_plain_one_is_written() -> None:
    """The cases above differ from this one."""
    assert b"POST / HTTP/1.1\r\nHost: h\r\nUser-Agent: u\r\nAccept-Encoding: gzip\r\nContent-Length: 2\r\n\r\n" == write_head("POST", "/", "h", fields(), 2)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        *((http.client.HTTPConnection, name) for name in ("putrequest", "putheader", "endheaders", "send", "getresponse")),
        *((HTTPConnection, name) for name in ("request", "putrequest", "putheader", "endheaders", "send", "getresponse")),
    ],
)
def test_tracing_tools_see_each_step_of_a_request(kind: type, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sentry, Datadog and New Relic replace these methods."""
    real: Callable[..., Any] = getattr(kind, name)
    seen: list[str] = []

    def watch(self: Any, *args: Any, **options: Any) -> Any:
        seen.append(name)
        return real(self, *args, **options)

    transport = new_transport()
    with WireServer(ok(b"hi")) as server:
        for _ in range(2):
            transport.send(prepare("p", "POST", server.url, {}, b"{}"), new_call()).read()
        assert not seen
        monkeypatch.setattr(kind, name, watch)
        transport.send(prepare("p", "POST", server.url, {}, b"{}"), new_call()).read()
    assert seen


def test_debug_output_of_http_client_is_kept(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """`http.client.HTTPConnection.debuglevel = 1` shows what is sent, on pooled connections too."""
    transport = new_transport()
    with WireServer(ok(b"hi")) as server:
        for _ in range(2):
            transport.send(prepare("p", "POST", server.url, {}, b"{}"), new_call()).read()
        assert "" == capsys.readouterr().out
        monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 1)
        transport.send(prepare("p", "POST", server.url, {"X-A": "1"}, b"{}"), new_call()).read()
    assert "X-A: 1" in capsys.readouterr().out


def test_nobody_watches_by_default() -> None:
    """A plain connection is written to at once."""
    assert not is_watched(HTTPConnection("h"))


def test_the_second_request_equals_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first is written by urllib3, from which the host is learned; the others by us."""
    written: list[bytes | None] = []

    def write(method: str, url: str, host: str, headers: Any, length: int) -> bytes | None:
        written.append(write_head(method, url, host, headers, length))
        return written[-1]

    monkeypatch.setattr(pool, "write_head", write)
    transport = new_transport()
    with WireServer(ok(b"hi")) as server:
        for _ in range(3):
            transport.send(prepare("p", "POST", server.url + "/x?y=1", {"X-A": "1"}, b"{}"), new_call()).read()
        heads = [request.head + b"\r\n\r\n" for request in server.requests]
    assert 3 == len(heads)
    assert 1 == len(set(heads))
    assert heads[1:] == written


@hypothesis.given(st.lists(st.tuples(st.sampled_from(["A", "a", "B", "x-c"]), st.text(VISIBLE, max_size=5)), max_size=8))
def test_fields_are_kept_as_urllib3_keeps_them(pairs: list[tuple[str, str]]) -> None:
    """Repeated ones too."""
    ours, theirs = collect(pairs), HTTPHeaderDict(pairs)
    assert (list(theirs.iteritems()), dict(theirs), theirs) == (list(ours.iteritems()), dict(ours), ours)
