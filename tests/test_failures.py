"""What failures below requests mean."""

from __future__ import annotations

import http.client
import socket
import zlib

import pytest
import requests
import urllib3

from llmclient.errors import CancelledError, ConfigurationError, NetworkError, ProviderError, RequestTimeoutError
from llmclient.failures import explain
from tests.sending import new_call

URL = "https://api.example:8443/v1?key=topsecret"


def of(error: BaseException) -> ProviderError:
    """Explain an error of a call."""
    return explain(error, new_call(), URL)


@pytest.mark.parametrize(
    ("error", "message", "cause"),
    [
        (requests.ConnectionError(ConnectionRefusedError(111, "Connection refused")), "refused the connection", "ConnectionRefusedError"),
        (requests.ConnectionError(urllib3.exceptions.ProtocolError("aborted", ConnectionResetError(104, "reset"))), "broke off", "ConnectionResetError"),
        (http.client.RemoteDisconnected("gone"), "closed the connection without an answer", "RemoteDisconnected: gone"),
        (BrokenPipeError(32, "Broken pipe"), "broke off the connection", "BrokenPipeError"),
        (socket.gaierror(-2, "Name or service not known"), "could not be looked up: Name or service not known", "gaierror"),
        (http.client.BadStatusLine("SSH"), "did not answer in HTTP", "BadStatusLine"),
        (http.client.IncompleteRead(b"x", 9), "ended early", "IncompleteRead(1 bytes read, 9 more expected)"),
        (zlib.error("bad"), "not what its content-encoding says", "error: bad"),
        (OSError(101, "Network is unreachable"), "no answer from api.example:8443: [Errno 101] Network is unreachable", "OSError"),
        (OSError(), "no answer from api.example:8443: OSError", "OSError"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_failure_of_the_network_is_told_in_a_sentence(error: BaseException, message: str, cause: str) -> None:
    """The sentence names the host, the cause is kept as text, and the address with its key in neither."""
    explained = of(error)
    assert type(explained) is NetworkError
    assert message in explained.message
    assert cause in (explained.cause or "")
    assert explained.retryable
    assert ("groq", "m") == (explained.provider, explained.model)
    assert "topsecret" not in f"{explained.message} {explained.cause}"


def test_what_is_wrapped_is_found_however_it_is_wrapped() -> None:
    """requests and urllib3 put causes into arguments, into `reason`, and behind each other."""
    inner = ConnectionRefusedError(111, "Connection refused")
    outer = urllib3.exceptions.MaxRetryError(None, "/v1?key=topsecret", inner)  # type: ignore[arg-type]  # a pool is not needed
    chained = requests.ConnectionError("failed")
    chained.__cause__ = outer
    assert "refused" in of(chained).message


def test_a_chain_without_end_is_not_followed_for_ever() -> None:
    """Two errors that name each other are an odd pair, but no trap."""
    one, other = OSError("one"), OSError("other")
    one.__cause__, other.__cause__ = other, one
    assert isinstance(of(one), NetworkError)


@pytest.mark.parametrize(
    ("error", "limit"),
    [
        (requests.ConnectTimeout("slow"), "connect"),
        (requests.ReadTimeout("slow"), "read"),
        (requests.Timeout("slow"), "read"),
        (urllib3.exceptions.EmptyPoolError(None, "busy"), "pool"),  # type: ignore[arg-type]  # a pool is not needed
        (TimeoutError("timed out"), "read"),
    ],
    ids=["connect", "read", "plain", "pool", "socket"],
)
def test_a_foreign_timeout_gets_the_name_of_a_limit(error: BaseException, limit: str) -> None:
    """Timeouts of pools that know no calls are named after ours."""
    explained = of(error)
    assert isinstance(explained, RequestTimeoutError)
    assert limit == explained.limit


def test_a_timeout_of_the_system_is_a_failure_of_the_network() -> None:
    """ETIMEDOUT is no limit of ours."""
    assert type(of(TimeoutError(110, "Connection timed out"))) is NetworkError


@pytest.mark.parametrize("kind", [requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, requests.exceptions.InvalidProxyURL])
def test_a_bad_address_is_a_mistake_in_the_configuration(kind: type[Exception]) -> None:
    """It is not worth another try."""
    explained = of(kind("odd"))
    assert isinstance(explained, ConfigurationError)
    assert "api.example:8443: odd" == explained.message


def test_a_failure_after_cancelling_is_the_cancelling() -> None:
    """Whatever the socket said, the call was closed by us."""
    call = new_call()
    call.cancel()
    assert isinstance(explain(ConnectionResetError(104, "reset"), call, URL), CancelledError)
