"""Keys that are exchanged for a token: fetched at the first request, kept, renewed, and never shown."""

from __future__ import annotations

import os
import threading
import time
import urllib.parse

import pytest
import requests
import responses

from llmclient import errors
from llmclient.auth_exchange import CopilotToken, IBMToken
from llmclient.types.config import ProviderConfig

IBM = "https://iam.cloud.ibm.com/identity/token"
GITHUB = "https://api.github.com/copilot_internal/v2/token"


@pytest.fixture
def mocked():
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def config(key="secret-1", **extra):
    return ProviderConfig(provider="acme", api_key=key, extra=extra)


def header(signer):
    """Return what a signed request carries."""
    return signer(requests.Request("POST", "https://x.test/").prepare()).headers["Authorization"]


def ibm(token="t1", seconds=3600):
    return {"access_token": token, "expiration": time.time() + seconds}


def test_ibm_exchanges_the_key_once(mocked):
    """The key goes as a form to IBM, and the token to every request."""
    mocked.post(IBM, json=ibm())
    signer = IBMToken().bind(config())
    assert (header(signer), header(signer)) == ("Bearer t1", "Bearer t1")
    (call,) = mocked.calls
    assert urllib.parse.parse_qs(call.request.body) == {"grant_type": ["urn:ibm:params:oauth:grant-type:apikey"], "apikey": ["secret-1"]}
    assert "Authorization" not in call.request.headers


def test_binding_sends_nothing(mocked):
    """Nothing is fetched before the first request."""
    mocked.post(IBM, json=ibm())
    IBMToken().bind(config())
    CopilotToken().bind(config())
    assert not mocked.calls


def test_a_token_is_renewed_before_it_ends(mocked):
    """One that has less than a minute is not used for another request."""
    mocked.post(IBM, json=ibm("short", 30))
    mocked.post(IBM, json=ibm("long"))
    signer = IBMToken().bind(config())
    assert [header(signer) for _ in range(3)] == ["Bearer short", "Bearer long", "Bearer long"]


def test_a_ready_token_needs_no_exchange(mocked):
    """Of IBM by the option, of Copilot by how it begins."""
    assert header(IBMToken().bind(config(None, token="ready"))) == "Bearer ready"
    assert header(CopilotToken().bind(config("tid=1;exp=2"))) == "Bearer tid=1;exp=2"
    assert not mocked.calls


def test_copilot_exchanges_githubs_token(mocked):
    """The GitHub token goes to GitHub only."""
    mocked.get(GITHUB, json={"token": "tid=9", "expires_at": time.time() + 1500})
    assert header(CopilotToken().bind(config("gho_1"))) == "Bearer tid=9"
    assert mocked.calls[0].request.headers["Authorization"] == "token gho_1"


def test_netrc_does_not_replace_our_header(mocked, tmp_path, monkeypatch):
    """A password for GitHub in .netrc is not what we were given."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine api.github.com login me password wrong\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    mocked.get(GITHUB, json={"token": "tid=9", "expires_at": time.time() + 1500})
    header(CopilotToken().bind(config("gho_1")))
    assert mocked.calls[0].request.headers["Authorization"] == "token gho_1"


@pytest.mark.parametrize("auth", [IBMToken(), CopilotToken()])
def test_a_missing_key_names_its_variable(auth):
    """It is said when the signer is bound, before anything is sent."""
    with pytest.raises(errors.ConfigurationError, match="ACME_KEY is not set"):
        auth.bind(config(None), ("ACME_KEY",))


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ({"status": 400, "json": {"errorMessage": "no such key"}}, errors.AuthenticationError),
        ({"status": 401, "body": ""}, errors.AuthenticationError),
        ({"status": 429, "body": ""}, errors.NetworkError),
        ({"status": 503, "body": ""}, errors.NetworkError),
        ({"status": 302, "headers": {"Location": "https://evil.test/"}}, errors.NetworkError),
        ({"body": "<html>"}, errors.NetworkError),
        ({"body": requests.ConnectionError("secret-1")}, errors.NetworkError),
        ({"json": []}, errors.ResponseParsingError),
        ({"json": {"access_token": "t"}}, errors.ResponseParsingError),
        ({"json": {"access_token": "a\nb", "expiration": 9}}, errors.ResponseParsingError),
        ({"json": {"access_token": "t", "expiration": True}}, errors.ResponseParsingError),
    ],
)
def test_a_failed_exchange_is_one_of_our_errors(mocked, answer, kind):
    """By its status, and without the key."""
    mocked.post(IBM, **answer)
    with pytest.raises(errors.ProviderError) as caught:
        header(IBMToken().bind(config()))
    assert type(caught.value) is kind
    assert "secret-1" not in str(caught.value)
    assert caught.value.provider == "acme"


def test_threads_wait_for_one_exchange(mocked):
    """Sixteen threads that need a token at once fetch one."""
    gate = threading.Barrier(16)
    mocked.post(IBM, json=ibm())
    signer = IBMToken().bind(config())
    found = []

    def sign():
        gate.wait()
        found.append(header(signer))

    threads = [threading.Thread(target=sign) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["Bearer t1"] * 16
    assert len(mocked.calls) == 1


def test_a_lock_held_over_a_fork_does_not_block_the_child(mocked, monkeypatch):
    """The child takes a lock of its own."""
    mocked.post(IBM, json=ibm())
    signer = IBMToken().bind(config())
    assert signer._lock.acquire(blocking=False)
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert header(signer) == "Bearer t1"


def test_nothing_shows_the_token(mocked):
    """Neither the signer nor what is masked in logs."""
    mocked.post(IBM, json=ibm("visible"))
    signer = IBMToken().bind(config())
    header(signer)
    assert "visible" not in repr(signer)
    assert IBMToken().secret_headers == CopilotToken().secret_headers == {"authorization"}
