"""Requests filled by hand: addresses in their normal form, headers that HTTP can carry, and nothing else."""

from __future__ import annotations

from typing import Any

import hypothesis
import hypothesis.strategies as st
import pytest
import requests

from llmclient._version import __version__
from llmclient.errors import ConfigurationError
from llmclient.prepared import check_headers, origin_of, prepare

URL = "https://api.example/v1/chat"


def get(url: str = URL, headers: dict[str, Any] | None = None, method: str = "POST", body: bytes | None = b"{}") -> requests.PreparedRequest:
    """Prepare a request."""
    return prepare("groq", method, url, headers or {}, body)


def test_a_request_holds_what_was_given_and_our_own_headers() -> None:
    """Method, address, headers and body, a length, our name, and the encodings that can be undone."""
    request = get(headers={"Authorization": "Bearer k", "Content-Type": "application/json"})
    assert ("POST", URL, b"{}") == (request.method, request.url, request.body)
    assert {
        "User-Agent": f"llmclient/{__version__}",
        "Accept-Encoding": "gzip, deflate",
        "Authorization": "Bearer k",
        "Content-Type": "application/json",
        "Content-Length": "2",
    } == dict(request.headers)


def test_requests_can_do_with_it_whatever_it_does_with_its_own() -> None:
    """Hooks, copies and the path are there."""
    request = get(URL + "?a=b")
    assert ({"response": []}, "/v1/chat?a=b") == (request.hooks, request.path_url)
    assert request.headers == request.copy().headers


def test_our_headers_can_be_replaced_in_any_case() -> None:
    """A caller's own name and encodings win."""
    headers = get(headers={"user-agent": "mine", "ACCEPT-ENCODING": "identity"}).headers
    assert ("mine", "identity", 3) == (headers["User-Agent"], headers["Accept-Encoding"], len(headers))


@pytest.mark.parametrize(("method", "length"), [("POST", "0"), ("put", "0"), ("PATCH", "0"), ("GET", None), ("DELETE", None)])
def test_a_request_without_a_body_says_so_where_one_is_usual(method: str, length: str | None) -> None:
    """Servers wait for a body of POST, PUT and PATCH unless they are told that there is none."""
    request = get(method=method, body=None)
    assert (method.upper(), length) == (request.method, request.headers.get("Content-Length"))


def test_an_empty_body_has_a_length() -> None:
    """b"" is a body."""
    assert "0" == get(method="GET", body=b"").headers["Content-Length"]


@pytest.mark.parametrize("method", ["", "PO ST", "GET\r\n", "GÉT"])
def test_a_method_is_a_token(method: str) -> None:
    """Nothing can be smuggled in by way of the method."""
    with pytest.raises(ConfigurationError, match="is not an HTTP method"):
        get(method=method)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://api.example", "https://api.example/"),
        ("https://api.example?x=1", "https://api.example/?x=1"),
        ("HTTPS://API.Example:8443/V1", "https://api.example:8443/V1"),
        ("http://127.0.0.1:9/a%20b/%2F", "http://127.0.0.1:9/a%20b/%2F"),
        ("http://[::1]:8080/v1", "http://[::1]:8080/v1"),
        ("http://localhost/v1/models/gpt 4ö", "http://localhost/v1/models/gpt%204%C3%B6"),
        ("http://localhost/a?q=b c&d=e", "http://localhost/a?q=b%20c&d=e"),
        ("http://bücher.example/v1", "http://xn--bcher-kva.example/v1"),
        ("http://localhost/v1/models/a:b@c", "http://localhost/v1/models/a:b@c"),
    ],
)
def test_an_address_is_brought_into_its_normal_form(url: str, expected: str) -> None:
    """Scheme and host in lower case, a path at least, what is no ASCII quoted, what is quoted left alone."""
    assert expected == get(url).url
    assert expected.startswith(origin_of(expected))
    assert "/" not in origin_of(expected)[8:]


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("xyz", "api_base 'xyz' is not a URL: it must begin with https:// or http://"),
        ("", "api_base '' is not a URL: it must begin with https:// or http://"),
        ("ftp://host/x", "it must begin with https:// or http://"),
        ("//host/x", "it must begin with https:// or http://"),
        ("https:///v1", "it has no host"),
        ("https://", "it has no host"),
        ("https://?x", "it has no host"),
        ("https://host:99999/v1", "its host or port is malformed"),
        ("https://host:x/v1", "its host or port is malformed"),
        ("https://[::1/v1", "its host or port is malformed"),
        ("https://ho st/v1", "it holds a space or control character"),
        ("https://host\r\n/v1", "it holds a space or control character"),
        ("https://host/v1\r\nX: y", "holds a control character"),
        ("https://host/v1#part", "holds a fragment"),
    ],
)
def test_what_is_no_address_is_a_mistake_in_the_configuration(url: str, message: str) -> None:
    """The error shows the address and says what is wrong with it."""
    with pytest.raises(ConfigurationError) as caught:
        get(url)
    assert message in caught.value.message
    assert "groq" == caught.value.provider


def test_an_address_with_a_password_is_refused_without_showing_it() -> None:
    """Credentials in an address would be logged by whoever logs addresses."""
    with pytest.raises(ConfigurationError, match="must not hold a user name or password") as caught:
        get("https://me:topsecret@host/v1")
    assert "topsecret" not in str(caught.value)


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({"X-Key": "a\nb"}, "header 'X-Key' holds a control character"),
        ({"X-Key": "a\r"}, "header 'X-Key' holds a control character"),
        ({"X-Key": "a\0"}, "header 'X-Key' holds a control character"),
        ({"X-Key": "a\x85"}, "header 'X-Key' holds a control character"),
        ({"X-Key": "a\u2028"}, "header 'X-Key' holds a character outside of latin-1"),
        ({"X-Key": "schlüssel…"}, "header 'X-Key' holds a character outside of latin-1"),
        ({"X-Key": b"bytes"}, "header 'X-Key' must be a str, got bytes"),
        ({"X-Key": None}, "header 'X-Key' must be a str, got NoneType"),
        ({"X Key": "a"}, "'X Key' is not a header name"),
        ({"X-Key:": "a"}, "'X-Key:' is not a header name"),
        ({"": "a"}, "'' is not a header name"),
        ({"X-Key\n": "a"}, "'X-Key\\\\n' is not a header name"),
        ({b"X-Key": "a"}, "b'X-Key' is not a header name"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("way", ["prepare", "check"])
def test_a_header_that_http_cannot_carry_is_refused(headers: Any, message: str, way: str) -> None:
    """The error names the header, never its value."""
    with pytest.raises(ConfigurationError, match=message) as caught:
        get(headers=headers) if way == "prepare" else check_headers("groq", headers)
    assert not any(isinstance(value, str) and len(value) > 1 and value in str(caught.value) for value in headers.values())


@pytest.mark.parametrize("value", ["", "a\tb", "café", "Bearer sk-1"])
def test_a_header_that_http_can_carry_is_taken(value: str) -> None:
    """Tabs and Latin-1 are allowed."""
    check_headers("groq", {"X-A": value})
    assert value == get(headers={"X-A": value}).headers["x-a"]


@pytest.mark.parametrize("name", ["Content-Length", "transfer-encoding", "HOST", "Connection"])
def test_headers_that_frame_the_request_are_ours(name: str) -> None:
    """A caller's own length could make one request look like two."""
    with pytest.raises(ConfigurationError, match="is set by the library"):
        get(headers={name: "5"})


@hypothesis.given(st.text(max_size=12), st.text(max_size=12))
def test_whatever_passes_goes_on_the_wire_as_one_line(name: str, value: str) -> None:
    """No name and no value that is accepted can break out of its line."""
    try:
        check_headers("groq", {name: value})
    except ConfigurationError:
        return
    line = f"{name}: {value}".encode("latin-1")
    assert 1 == len(line.splitlines())
    assert name.isascii()


@hypothesis.given(st.text(max_size=20))
def test_whatever_path_passes_is_one_word_of_ascii(path: str) -> None:
    """No path that is accepted can end the request line."""
    try:
        url = get(f"https://host/{path}").url
    except ConfigurationError:
        return
    assert url is not None
    assert url.isascii()
    assert 1 == len(url.split())
    assert url.startswith("https://host/")
