"""Azure's keys, and the tokens of Entra ID."""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import MutableMapping
from typing import Any

import attrs
import pytest
import responses
from azure.core import exceptions as azure_exceptions
from azure.identity import CredentialUnavailableError

import llmclient
from llmclient import registry
from llmclient.auth_azure import AzureAD
from llmclient.errors import AuthenticationError, ConfigurationError, NetworkError, RateLimitError
from llmclient.types.config import ProviderConfig

SCOPE = "https://cognitiveservices.azure.com/.default"
JWT = "eyJhbGciOi.eyJzdWIiOi.c2lnbmF0dXJl"


class Request:
    """What a signer needs of a prepared request."""

    method = "POST"
    url = "https://r.openai.azure.com/"
    body = b""

    def __init__(self) -> None:
        self.headers: MutableMapping[str, Any] = {}


@attrs.frozen
class Given:
    """A token as azure-identity gives it."""

    token: str
    expires_on: int


class Credential:
    """Credentials that make their own tokens."""

    def __init__(self, error: Exception | None = None, seconds: int = 3600) -> None:
        self.error = error
        self.seconds = seconds
        self.asked: list[str] = []
        self.entered = threading.Event()
        self.go = threading.Event()
        self.go.set()

    def get_token(self, *scopes: str) -> Given:
        """Return a new token, or fail."""
        self.entered.set()
        assert self.go.wait(5)
        if self.error is not None:
            raise self.error
        self.asked += scopes
        return Given(f"token-{len(self.asked)}", int(time.time()) + self.seconds)


def bind(*, auth: AzureAD | None = None, **settings: Any) -> Any:
    """Return a signer."""
    extra = {name: settings.pop(name) for name in ("azure_ad_token", "credential", "scope") if name in settings}
    config = ProviderConfig(provider="azure_openai", extra=extra, **settings)
    return (auth or AzureAD()).bind(config, ("AZURE_OPENAI_API_KEY",))


def signed(signer: Any) -> dict[str, Any]:
    """Return the headers of a signed request, names in lower case."""
    request = Request()
    assert signer(request) is request
    return {name.lower(): value for name, value in request.headers.items()}


def test_a_key_goes_in_its_header() -> None:
    """And is not shown."""
    signer = bind(api_key="secret-1")
    assert {"api-key": "secret-1"} == signed(signer)
    assert "secret" not in repr(signer)


def test_a_key_that_is_a_token_goes_as_one() -> None:
    """A JSON Web Token is told by its form."""
    assert {"authorization": f"Bearer {JWT}"} == signed(bind(api_key=JWT))
    assert {"api-key": "eyJ-but-no-token"} == signed(bind(api_key="eyJ-but-no-token"))


@pytest.mark.parametrize(
    ("host", "header"),
    [("https://n.eastus.models.ai.azure.com/v1", "authorization"), ("https://r.services.ai.azure.com/models", "api-key"), (None, "api-key")],
)
def test_some_hosts_want_a_key_as_a_token(host: str | None, header: str) -> None:
    """Serverless deployments do."""
    auth = registry.adapter("azure_ai").auth
    assert [header] == list(signed(bind(auth=auth, api_key="key-1", api_base=host)))


def test_a_token_may_be_given() -> None:
    """As text; it goes before a key."""
    signer = bind(api_key="key-1", azure_ad_token="token-1")
    assert {"authorization": "Bearer token-1"} == signed(signer)
    assert "token-1" not in repr(signer)


def test_a_token_may_be_a_callable() -> None:
    """It is asked for each request."""
    tokens = iter(["token-1", "token-2"])
    signer = bind(azure_ad_token=lambda: next(tokens))
    assert [{"authorization": "Bearer token-1"}, {"authorization": "Bearer token-2"}] == [signed(signer), signed(signer)]
    assert "token" not in repr(signer)


@pytest.mark.parametrize("nothing", [None, "", 5])
def test_a_callable_must_return_a_token(nothing: Any) -> None:
    """Anything else is an error that does not show it."""
    with pytest.raises(AuthenticationError, match="must return a str"):
        signed(bind(azure_ad_token=lambda: nothing))


def test_credentials_are_asked_for_a_token_once() -> None:
    """And again when it is about to expire."""
    credential = Credential()
    signer = bind(credential=credential)
    assert [{"authorization": "Bearer token-1"}] * 2 == [signed(signer), signed(signer)]
    assert [SCOPE] == credential.asked
    assert "token" not in repr(signer)
    expiring = Credential(seconds=299)
    signer = bind(credential=expiring)
    assert ["Bearer token-1", "Bearer token-2"] == [signed(signer)["authorization"] for _ in range(2)]


def test_credentials_go_before_a_key() -> None:
    """Which may be there for something else."""
    assert {"authorization": "Bearer token-1"} == signed(bind(api_key="key-1", credential=Credential()))


def test_the_scope_may_be_that_of_another_cloud() -> None:
    """Or an adapter's."""
    ours, theirs = Credential(), Credential()
    signed(bind(credential=ours, scope="https://cognitiveservices.azure.us/.default"))
    signed(bind(auth=AzureAD(scope="https://ai.azure.com/.default"), credential=theirs))
    assert (["https://cognitiveservices.azure.us/.default"], ["https://ai.azure.com/.default"]) == (ours.asked, theirs.asked)


def environment(**values: str) -> ProviderConfig:
    """Return settings read from an environment."""
    return ProviderConfig.from_env("azure_openai", registry.adapter("azure_openai").env, values)


def test_what_code_gives_goes_before_the_environment() -> None:
    """A token of the environment does not hide a key of the call; a key of the environment hides nothing."""
    config = attrs.evolve(environment(AZURE_OPENAI_AD_TOKEN="token-1"), api_key="key-1")
    assert {"api-key": "key-1"} == signed(AzureAD().bind(config))
    both = environment(AZURE_OPENAI_AD_TOKEN="token-1", AZURE_OPENAI_API_KEY="key-1")
    assert {"authorization": "Bearer token-1"} == signed(AzureAD().bind(both))
    config = attrs.evolve(environment(AZURE_OPENAI_API_KEY="key-1"), extra={"credential": Credential()})
    assert {"authorization": "Bearer token-1"} == signed(AzureAD().bind(config))


def test_without_any_the_default_credential_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """That of azure-identity, which is not asked before the first request."""
    made: list[Credential] = []

    def make() -> Credential:
        made.append(Credential())
        return made[-1]

    monkeypatch.setattr("azure.identity.DefaultAzureCredential", make)
    signer = bind()
    assert [[]] == [credential.asked for credential in made]
    assert {"authorization": "Bearer token-1"} == signed(signer)


def test_azure_identity_is_needed_only_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its absence is told, with the variable that would do and the command that helps."""
    real = importlib.import_module

    def importing(name: str, package: str | None = None) -> Any:
        if name.startswith("azure"):
            raise ImportError(name)
        return real(name, package)

    monkeypatch.setattr(importlib, "import_module", importing)
    assert {"api-key": "key-1"} == signed(bind(api_key="key-1"))
    assert {"authorization": "Bearer token-1"} == signed(bind(credential=Credential()))
    with pytest.raises(ConfigurationError, match=r'AZURE_OPENAI_API_KEY is not set.*pip install "llmclient\[azure\]"'):
        bind()
    with pytest.raises(ConfigurationError, match=r"there is no key"):
        AzureAD().bind(ProviderConfig(provider="azure_openai"))


@pytest.mark.parametrize(
    ("error", "expected", "words"),
    [
        (CredentialUnavailableError("nothing found\nand more"), ConfigurationError, "there are no Azure credentials: nothing found; run az login"),
        (azure_exceptions.ClientAuthenticationError("AADSTS700016: no such application"), AuthenticationError, "refused the credentials: AADSTS700016"),
        (azure_exceptions.ServiceRequestError("no route"), NetworkError, "cannot be reached: ServiceRequestError"),
        (azure_exceptions.ServiceResponseError("cut off"), NetworkError, "cannot be reached"),
        (TimeoutError(), NetworkError, "cannot be reached: TimeoutError"),
        (ValueError("secret-1"), AuthenticationError, "gave no token: ValueError"),
        (RateLimitError("azure_openai", "slow down"), RateLimitError, "slow down"),
    ],
)
def test_a_failure_has_a_class_of_ours(error: Exception, expected: type[Exception], words: str) -> None:
    """And holds nothing that the credentials may have put into theirs."""
    with pytest.raises(expected) as caught:
        signed(bind(credential=Credential(error)))
    assert type(caught.value) is expected
    assert words in str(caught.value)
    assert "secret-1" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_an_error_without_words_has_its_class_for_them() -> None:
    """So that something is told."""
    silent = type("ClientAuthenticationError", (Exception,), {})()
    with pytest.raises(AuthenticationError, match="refused the credentials: ClientAuthenticationError"):
        signed(bind(credential=Credential(silent)))


def test_credentials_of_another_make_fail_in_our_words() -> None:
    """What they give must be a token."""
    with pytest.raises(AuthenticationError, match="gave no token: AttributeError"):
        signed(bind(credential=object()))


def test_a_failed_token_is_asked_for_again() -> None:
    """Nothing is remembered of the failure."""
    credential = Credential(azure_exceptions.ServiceRequestError("no route"))
    signer = bind(credential=credential)
    with pytest.raises(NetworkError):
        signed(signer)
    credential.error = None
    assert {"authorization": "Bearer token-1"} == signed(signer)


def test_threads_share_one_token() -> None:
    """Those that come while it is fetched wait for it."""
    credential = Credential()
    credential.go.clear()
    signer = bind(credential=credential)
    found: list[dict[str, Any]] = []
    threads = [threading.Thread(target=lambda: found.append(signed(signer))) for _ in range(8)]
    for thread in threads:
        thread.start()
    assert credential.entered.wait(5)
    credential.go.set()
    for thread in threads:
        thread.join(5)
    assert [{"authorization": "Bearer token-1"}] * 8 == found
    assert [SCOPE] == credential.asked


def test_a_forked_child_does_not_wait_for_its_parents_lock() -> None:
    """A lock that was held over a fork is held there for ever, by a thread that does not exist."""
    signer = bind(credential=Credential())
    signer._lock.acquire()
    signer._pid -= 1
    assert {"authorization": "Bearer token-1"} == signed(signer)


def test_both_headers_are_secret() -> None:
    """Whichever is used."""
    assert frozenset({"api-key", "authorization"}) == AzureAD().secret_headers


@responses.activate
def test_a_call_is_signed() -> None:
    """Through the client, and the request that it shows hides it."""
    answer = {"id": "c", "choices": [{"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}]}
    responses.add("POST", "https://r.openai.azure.com/openai/v1/chat/completions", json=answer)
    client = llmclient.Client(providers={"azure_openai": {"resource": "r", "credential": Credential()}})
    response = client.chat("azure_openai/prod", "hi")
    assert "Bearer token-1" == responses.calls[0].request.headers["Authorization"]
    assert ("hello", "***") == (response.text, response.request.headers["authorization"])
