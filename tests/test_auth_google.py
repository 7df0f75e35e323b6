"""Google's credentials."""

from __future__ import annotations

import base64
import datetime
import http.server
import importlib
import json
import pathlib
import threading
from collections.abc import Iterator, MutableMapping
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import credentials as google_credentials
from google.auth import exceptions as google_exceptions

from llmclient.auth_google import GoogleADC
from llmclient.errors import AuthenticationError, ConfigurationError, NetworkError
from llmclient.types.config import ProviderConfig


class Request:
    """What a signer needs of a prepared request."""

    method = "POST"
    url = "https://aiplatform.googleapis.com/"
    body = b""

    def __init__(self) -> None:
        self.headers: MutableMapping[str, Any] = {}


class Made(google_credentials.Credentials):  # type: ignore[misc]
    """Credentials that make their own tokens."""

    def __init__(self, error: Exception | None = None, seconds: float | None = None) -> None:
        super().__init__()
        self.token = None
        self.refreshed = 0
        self.error = error
        self.seconds = seconds
        self.entered = threading.Event()
        self.go = threading.Event()
        self.go.set()

    def refresh(self, request: Any) -> None:
        """Make a new token, or fail."""
        self.entered.set()
        assert self.go.wait(5)
        if self.error is not None:
            raise self.error
        self.refreshed += 1
        self.token = f"token-{self.refreshed}"
        if self.seconds is not None:
            self.expiry = datetime.datetime.now(datetime.UTC).replace(tzinfo=None) + datetime.timedelta(seconds=self.seconds)


def bind(**settings: Any) -> Any:
    """Return a signer."""
    extra = {"credentials": settings.pop("credentials")} if "credentials" in settings else {}
    return GoogleADC().bind(ProviderConfig(provider="vertex_ai", extra=extra, **settings))


def signed(signer: Any) -> dict[str, Any]:
    """Return the headers of a signed request, names in lower case."""
    request = Request()
    assert signer(request) is request
    return {name.lower(): value for name, value in request.headers.items()}


class TokenService(http.server.BaseHTTPRequestHandler):
    """Google's token service, as far as a service account needs it."""

    answer: tuple[int, dict[str, Any]] = (200, {})
    asked: list[bytes] = []

    def do_POST(self) -> None:
        """Answer a request for a token."""
        self.asked.append(self.rfile.read(int(self.headers["content-length"])))
        status, value = self.answer
        out = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(out)))
        self.end_headers()
        self.wfile.write(out)

    def log_message(self, format: str, *args: Any) -> None:
        """Stay quiet."""


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a token service that hands out a token for an hour."""
    monkeypatch.setattr(TokenService, "answer", (200, {"access_token": "ya29.fetched", "expires_in": 3600, "token_type": "Bearer"}))
    monkeypatch.setattr(TokenService, "asked", [])
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), TokenService)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/token"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def private_key() -> str:
    """A key for a service account."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()


@pytest.fixture
def account(service: str, private_key: str) -> dict[str, str]:
    """What a service account's file holds."""
    return {
        "type": "service_account", "project_id": "p", "private_key_id": "1", "private_key": private_key, "client_email": "a@p.iam.gserviceaccount.com",
        "client_id": "1", "token_uri": service,
    }  # fmt: skip


def test_an_api_key_goes_in_its_header() -> None:
    """Express mode."""
    signer = bind(api_key="AIzaSecret")
    assert {"x-goog-api-key": "AIzaSecret"} == signed(signer)
    assert "Secret" not in repr(signer)


def test_an_access_token_goes_as_bearer() -> None:
    """The caller fetched it."""
    signer = bind(api_key="ya29.mine")
    assert {"authorization": "Bearer ya29.mine"} == signed(signer)
    assert "mine" not in repr(signer)


def test_both_headers_are_secret() -> None:
    """They are masked wherever a request is shown."""
    assert {"authorization", "x-goog-api-key"} == GoogleADC().secret_headers


@pytest.mark.parametrize("how", ["path", "text", "mapping", "default"])
def test_a_service_account_fetches_one_token(account: dict[str, str], tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """From a file, its JSON text or mapping, or the application default credentials; the token is used until it expires."""
    path = tmp_path / "account.json"
    path.write_text(json.dumps(account), encoding="utf-8")
    if how == "default":
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
        signer = bind()
    else:
        signer = bind(credentials={"path": str(path), "text": json.dumps(account), "mapping": account}[how])
    assert [] == TokenService.asked
    assert ["Bearer ya29.fetched"] * 2 == [signed(signer)["authorization"] for _ in range(2)]
    (asked,) = TokenService.asked
    claims = asked.decode().partition("assertion=")[2].partition("&")[0].split(".")[1]
    assert "https://www.googleapis.com/auth/cloud-platform" == json.loads(base64.urlsafe_b64decode(claims + "=="))["scope"]
    assert "fetched" not in repr(signer)


def test_credentials_of_the_callers_own_are_used() -> None:
    """Whatever google-auth can make."""
    credentials = Made()
    signer = bind(credentials=credentials)
    assert ["Bearer token-1"] * 2 == [signed(signer)["authorization"] for _ in range(2)]
    assert 1 == credentials.refreshed


def test_a_token_about_to_expire_is_renewed() -> None:
    """Before a request can fail by it."""
    signer = bind(credentials=Made(seconds=60))
    assert ["Bearer token-1", "Bearer token-2"] == [signed(signer)["authorization"] for _ in range(2)]


def test_threads_share_one_refresh() -> None:
    """Those that come while one fetches wait for it."""
    credentials = Made()
    credentials.go.clear()
    signer = bind(credentials=credentials)
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(signed(signer)["authorization"])) for _ in range(8)]
    for thread in threads:
        thread.start()
    assert credentials.entered.wait(5)
    credentials.go.set()
    for thread in threads:
        thread.join(5)
    assert (["Bearer token-1"] * 8, 1) == (found, credentials.refreshed)


def test_a_forked_child_does_not_wait_for_its_parents_lock() -> None:
    """The thread that held it is not there."""
    signer = bind(credentials=Made())
    signer._lock.acquire()
    signer._pid -= 1
    assert "Bearer token-1" == signed(signer)["authorization"]


def test_the_project_that_pays_is_named() -> None:
    """Where the credentials say so."""
    credentials = Made()
    credentials._quota_project_id = "payer"
    assert "payer" == signed(bind(credentials=credentials))["x-goog-user-project"]


def test_a_missing_library_is_told_how_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the first call, before anything is sent; with an API key nobody asks for it."""

    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(ConfigurationError, match=r'pip install "llmclient\[google\]"'):
        bind()
    assert {"x-goog-api-key": "k"} == signed(bind(api_key="k"))


@pytest.mark.parametrize(
    "credentials", ["/nowhere/account.json", '{"type": "service_account", "private_key": "SECRET"}', "{SECRET", {"type": "odd"}, {"type": 7}, "/dev/null"],
    ids=["path", "fields", "json", "kind", "number", "empty"],
)
def test_credentials_that_cannot_be_read_are_told(credentials: Any) -> None:
    """Without showing them."""
    with pytest.raises(ConfigurationError, match="no Google credentials") as caught:
        signed(bind(credentials=credentials))
    assert "SECRET" not in str(caught.value)
    assert "vertex_ai" == caught.value.provider


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ({"file": "/token"}, "google.auth.identity_pool"),
        ({"executable": {"command": "x", "timeout_millis": 5000}}, "google.auth.pluggable"),
        ({"environment_id": "aws1", "regional_cred_verification_url": "https://sts.{region}.amazonaws.com"}, "google.auth.aws"),
    ],
    ids=["file", "command", "aws"],
)
def test_an_external_account_is_read_by_where_its_token_comes_from(source: dict[str, Any], kind: str) -> None:
    """Google's own dispatch, which warns."""
    audience = "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/x"
    token = {"subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "token_url": "https://sts.googleapis.com/v1/token"}
    signer = bind(credentials={"type": "external_account", "audience": audience, "credential_source": source, **token})
    assert kind == type(signer._load()).__module__


def test_no_credentials_at_all_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """With what to do."""
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/account.json")
    with pytest.raises(ConfigurationError, match="gcloud auth application-default login"):
        signed(bind())


def test_refused_credentials_are_an_authentication_error(account: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The key was revoked."""
    monkeypatch.setattr(TokenService, "answer", (400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}))
    with pytest.raises(AuthenticationError, match="Invalid JWT"):
        signed(bind(credentials=account))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (google_exceptions.TransportError("no route"), NetworkError),
        (google_exceptions.RefreshError("busy", retryable=True), NetworkError),
        (google_exceptions.RefreshError("revoked"), AuthenticationError),
        (google_exceptions.GoogleAuthError("odd"), AuthenticationError),
    ],
    ids=["transport", "busy", "revoked", "odd"],
)
def test_a_failed_refresh_has_its_class(error: Exception, kind: type[Exception]) -> None:
    """What may be tried again is a network error."""
    with pytest.raises(kind) as caught:
        signed(bind(credentials=Made(error)))
    assert kind is type(caught.value)
    assert caught.value.__cause__ is None


def test_a_refresh_that_failed_is_tried_again() -> None:
    """The next request asks anew."""
    credentials = Made(google_exceptions.TransportError("no route"))
    signer = bind(credentials=credentials)
    with pytest.raises(NetworkError):
        signed(signer)
    credentials.error = None
    assert "Bearer token-1" == signed(signer)["authorization"]


def test_what_google_auth_says_of_a_failure_shows_no_part_of_the_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """The token service's answer may quote what it was sent."""
    from google.oauth2.credentials import Credentials

    info = {"type": "authorized_user", "client_id": "x", "client_secret": "zq-client-secret-1", "refresh_token": "zq-refresh-token-1"}

    def refuse(self: Any, request: Any) -> None:
        raise google_exceptions.RefreshError(f"bad {info['refresh_token']} of {info['client_secret']}")

    monkeypatch.setattr(Credentials, "refresh", refuse)
    sign = GoogleADC().bind(ProviderConfig(provider="vertex_ai", extra={"credentials": info}))
    with pytest.raises(AuthenticationError, match=r"bad \*\*\* of \*\*\*"):
        sign(Request())
