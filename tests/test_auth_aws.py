"""Amazon's credentials: where they come from, what they sign, and what becomes of those that cannot be had."""

from __future__ import annotations

import datetime
import hashlib
import hmac
import importlib
import json
import os
import pickle
import re
import subprocess
import sys
import threading
import urllib.parse
from typing import Any

import pytest
import responses

import llmclient
from llmclient.adapters.bedrock import Bedrock
from llmclient.auth_aws import SigV4, region_of
from llmclient.errors import AuthenticationError, ConfigurationError, NetworkError
from llmclient.transport import prepare
from llmclient.types.config import ProviderConfig

KEYS = {"access_key_id": "AKIDEXAMPLE", "secret_access_key": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
URL = "https://bedrock-runtime.us-east-1.amazonaws.com/model/anthropic.claude-v2%3A1/converse"


@pytest.fixture(autouse=True)
def nowhere(monkeypatch, tmp_path):
    """Hide the files and the metadata service of the machine that runs the tests."""
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    return tmp_path


def config(**settings: Any) -> ProviderConfig:
    """Return the settings of a provider; names that are no field are its own."""
    return ProviderConfig.of("bedrock", {"region": "us-east-1"} | settings, Bedrock.option_names())


def sign(settings: ProviderConfig, url: str = URL, body: bytes | None = b"{}", method: str = "POST", **headers: str) -> Any:
    """Return a request that was signed with these settings."""
    request = prepare("bedrock", method, url, {"Content-Type": "application/json", **headers}, body)
    return SigV4().bind(settings)(request)


def check(request: Any, secret: str = KEYS["secret_access_key"], region: str = "us-east-1", service: str = "bedrock") -> list[str]:
    """Check a signature by the standard library alone, and return the names of the signed headers."""
    found = re.fullmatch(
        rf"AWS4-HMAC-SHA256 Credential=[^/]+/\d{{8}}/{region}/{service}/aws4_request, SignedHeaders=([^,]+), Signature=(\w{{64}})",
        request.headers["Authorization"],
    )
    assert found is not None, request.headers["Authorization"]
    parts = urllib.parse.urlsplit(request.url)
    headers = {name.lower(): value for name, value in request.headers.items()} | {"host": parts.netloc}
    path = "/".join(urllib.parse.quote(step, safe="-_.~") for step in parts.path.split("/"))
    query = "&".join(sorted(parts.query.split("&"))) if parts.query else ""
    signed = found[1].split(";")
    body = hashlib.sha256(request.body or b"").hexdigest()
    canonical = "\n".join([request.method, path, query, *(f"{name}:{headers[name]}" for name in signed), "", found[1], body])
    date = headers["x-amz-date"]
    told = "\n".join(["AWS4-HMAC-SHA256", date, f"{date[:8]}/{region}/{service}/aws4_request", hashlib.sha256(canonical.encode()).hexdigest()])
    key = ("AWS4" + secret).encode()
    for part in (date[:8], region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    assert hmac.new(key, told.encode(), hashlib.sha256).hexdigest() == found[2]
    return signed


def write_files(folder: Any, credentials: str = "", settings: str = "") -> None:
    """Write the files in which AWS keeps profiles."""
    (folder / "credentials").write_text(credentials)
    (folder / "config").write_text(settings)


# Signatures.


def test_peers_39_a_signature():
    """39: The path is encoded once more for it; only headers that no proxy changes are signed."""
    assert ["content-type", "host", "x-amz-date"] == check(sign(config(**KEYS)))


def test_the_token_of_a_session():
    """It is sent, and signed."""
    request = sign(config(**KEYS, session_token="T+/="))
    assert ("T+/=", True) == (request.headers["X-Amz-Security-Token"], "x-amz-security-token" in check(request))


def test_a_request_without_a_body():
    """A query is signed in order, and so are Amazon's own headers."""
    request = sign(config(**KEYS), "https://bedrock.us-east-1.amazonaws.com/foundation-models?byProvider=A&a=b%20c", None, "GET", **{"X-Amzn-Bedrock-Trace": "ENABLED"})
    assert "x-amzn-bedrock-trace" in check(request)


def test_a_port_that_is_not_the_usual_one():
    """It is part of the host."""
    check(sign(config(**KEYS), "http://127.0.0.1:8199/model/a/converse"))


def test_each_attempt_is_signed_anew():
    """A request that is sent again later has the date of then."""
    signer = SigV4().bind(config(**KEYS))
    first = signer(prepare("bedrock", "POST", URL, {}, b"{}"))
    again = signer(prepare("bedrock", "POST", URL, {}, b"{}"))
    check(first)
    check(again)


def test_nothing_secret_is_shown():
    """Neither by the signer, nor as a header that was sent."""
    signer = SigV4().bind(config(**KEYS))
    assert KEYS["secret_access_key"] not in repr(signer)
    assert {"authorization", "x-amz-security-token"} == SigV4().secret_headers
    assert KEYS["secret_access_key"] not in repr(config(**KEYS))


def test_another_service():
    """Its name is part of the signature."""
    request = SigV4(service="bedrock-mantle").bind(config(**KEYS))(prepare("bedrock", "POST", URL, {}, b"{}"))
    check(request, service="bedrock-mantle")


# Where credentials come from.


def test_peers_39_an_api_key_goes_as_a_bearer_token():
    """39: Without botocore, and whatever else there is."""
    assert "Bearer k" == sign(config(api_key="k")).headers["Authorization"]
    assert "Bearer k" == sign(config(api_key="k", **KEYS)).headers["Authorization"]


def test_what_was_given_in_code_goes_before_the_environment():
    """An access key or a profile before the API key that the environment holds."""
    found = Bedrock.env
    filled = config(**KEYS).filled(found, {"AWS_BEARER_TOKEN_BEDROCK": "k"})
    check(sign(filled))
    assert "Bearer k" == sign(config().filled(found, {"AWS_BEARER_TOKEN_BEDROCK": "k"})).headers["Authorization"]
    assert "Bearer b" == sign(config().filled(found, {"BEDROCK_API_KEY": "b"})).headers["Authorization"]


def test_the_environment(monkeypatch):
    """Its variables are found by botocore."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "env-secret")
    request = sign(config())
    assert "AKIDENV" in request.headers["Authorization"]
    check(request, "env-secret")


def test_a_profile(nowhere, monkeypatch):
    """Given in code it goes before the environment's keys; its region is used where none is given."""
    write_files(nowhere, "[work]\naws_access_key_id = AKIDWORK\naws_secret_access_key = s\n", "[profile work]\nregion = eu-west-3\n")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "env-secret")
    request = sign(config(profile="work", region=None, api_base="https://proxy.example"))
    assert "AKIDWORK" in request.headers["Authorization"]
    check(request, "s", "eu-west-3")


def test_keys_without_a_region(nowhere):
    """The region is the address's own, or that of the default profile."""
    check(sign(config(**KEYS, region=None, api_base="https://bedrock-runtime.us-gov-west-1.amazonaws.com")), region="us-gov-west-1")
    write_files(nowhere, settings="[default]\nregion = eu-north-1\n")
    check(sign(config(**KEYS, region=None, api_base="http://127.0.0.1:1")), region="eu-north-1")


@pytest.mark.parametrize(
    ("address", "region"),
    [
        ("https://bedrock-runtime.us-east-1.amazonaws.com", "us-east-1"),
        ("https://bedrock-runtime-fips.us-gov-west-1.amazonaws.com/x", "us-gov-west-1"),
        ("https://vpce-1.bedrock-runtime.ap-southeast-2.vpce.amazonaws.com", "ap-southeast-2"),
        ("http://127.0.0.1:8199", None),
        ("https://example.com/us-east-1.x/", None),
        ("", None),
    ],
)
def test_the_region_in_an_address(address, region):
    """It stands between dots of the host."""
    assert region == region_of(address)


class Expiring:
    """Credentials that a service renews, as botocore keeps them."""

    def __init__(self) -> None:
        self.fetched = 0

    def fetch(self) -> dict[str, str]:
        """Return new ones, which are about to expire."""
        self.fetched += 1
        later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=5)
        return {"access_key": f"AKID{self.fetched}", "secret_key": "s", "token": "t", "expiry_time": later.isoformat()}


@pytest.fixture
def expiring(monkeypatch):
    """Let botocore find credentials that expire."""
    source = Expiring()
    credentials = importlib.import_module("botocore.credentials")
    made = credentials.RefreshableCredentials.create_from_metadata(source.fetch(), source.fetch, "test")
    session = importlib.import_module("botocore.session")
    monkeypatch.setattr(session.Session, "get_credentials", lambda self: made)
    return source


def test_credentials_that_expire_are_renewed(expiring):
    """When a request is signed with them."""
    signer = SigV4().bind(config())
    seen = [signer(prepare("bedrock", "POST", URL, {}, b"{}")).headers["Authorization"].split("/")[0][-5:] for _ in range(2)]
    assert (["AKID2", "AKID3"], 3) == (seen, expiring.fetched)


def test_many_threads_look_for_credentials_once(monkeypatch):
    """The others wait for the one that does."""
    found = []
    session = importlib.import_module("botocore.session")
    keys = importlib.import_module("botocore.credentials").Credentials("AKID", "s")
    barrier = threading.Barrier(8)
    monkeypatch.setattr(session.Session, "get_credentials", lambda self: found.append(1) or keys)
    signer = SigV4().bind(config())

    def run():
        barrier.wait()
        signer(prepare("bedrock", "POST", URL, {}, b"{}"))

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [1] == found


def test_a_forked_child_looks_for_itself(monkeypatch):
    """A lock that was held in the parent is not waited for."""
    signer = SigV4().bind(config(**KEYS))
    signer(prepare("bedrock", "POST", URL, {}, b"{}"))
    signer._lock.acquire()
    monkeypatch.setattr(os, "getpid", lambda: -1)
    check(signer(prepare("bedrock", "POST", URL, {}, b"{}")))


# What goes wrong.


@pytest.mark.parametrize("half", KEYS)
def test_half_of_a_key(half):
    """The error tells which is missing."""
    other = next(name for name in KEYS if name != half)
    with pytest.raises(ConfigurationError, match=other):
        SigV4().bind(config(**{half: "x"}))


def test_no_credentials_at_all():
    """The error tells all ways to set some, when the first request is made."""
    with pytest.raises(ConfigurationError, match=r"AWS_BEARER_TOKEN_BEDROCK.*access_key_id=.*profile="):
        sign(config())


def test_no_region():
    """The error tells how to set one."""
    with pytest.raises(ConfigurationError, match="AWS_REGION"):
        sign(config(**KEYS, region=None, api_base="http://127.0.0.1:1"))


def test_a_profile_that_is_not_there():
    """It is named."""
    with pytest.raises(ConfigurationError, match="nope"):
        sign(config(profile="nope"))


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("MetadataRetrievalError", {"error_msg": "x"}, NetworkError),
        ("ConnectTimeoutError", {"endpoint_url": "x"}, NetworkError),
        ("UnauthorizedSSOTokenError", {}, AuthenticationError),
        ("TokenRetrievalError", {"provider": "sso", "error_msg": "x"}, AuthenticationError),
        ("CredentialRetrievalError", {"provider": "x", "error_msg": "x"}, AuthenticationError),
        ("PartialCredentialsError", {"provider": "env", "cred_var": "x"}, ConfigurationError),
        ("ClientError", {"error_response": {"Error": {"Code": "AccessDenied"}}, "operation_name": "AssumeRole"}, AuthenticationError),
    ],
)
def test_credentials_that_cannot_be_had(monkeypatch, name, arguments, expected):
    """Each failure of botocore has its class; what may pass is retryable."""
    kind = getattr(importlib.import_module("botocore.exceptions"), name)

    def fail(self):
        raise kind(**arguments)

    monkeypatch.setattr(importlib.import_module("botocore.session").Session, "get_credentials", fail)
    with pytest.raises(expected) as caught:
        sign(config())
    assert (type(caught.value), "bedrock", expected is NetworkError) == (expected, caught.value.provider, caught.value.retryable)


def test_without_botocore(monkeypatch):
    """The error tells how to install it; an API key needs none."""
    real = importlib.import_module

    def absent(name):
        if name.startswith("botocore"):
            raise ImportError(name)
        return real(name)

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(ConfigurationError, match=r"llmclient\[aws\]"):
        SigV4().bind(config(**KEYS))
    assert "Bearer k" == sign(config(api_key="k")).headers["Authorization"]


def test_importing_the_adapter_imports_no_botocore(root):
    """Nor does binding an API key."""
    script = (
        "import sys; from llmclient.adapters.bedrock import Bedrock; from llmclient.types.config import ProviderConfig; "
        "Bedrock.auth.bind(ProviderConfig(api_key='k')); assert not [name for name in sys.modules if name.startswith('botocore')]"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=root)


# Through the provider.


def test_addresses():
    """The region is part of the host, and lists of models come from another one; both are checked."""
    provider = llmclient.Client(providers={"bedrock": {"api_key": "k", "region": "eu-west-3"}}).provider("bedrock")
    assert "https://bedrock-runtime.eu-west-3.amazonaws.com" == provider.address()
    assert "https://bedrock.eu-west-3.amazonaws.com" == provider.address(provider.list_models.base_url)
    evil = llmclient.Client(providers={"bedrock": {"api_key": "k", "region": "x.evil.com/"}}).provider("bedrock")
    with pytest.raises(ConfigurationError, match="region"):
        evil.address()


def test_the_names_of_the_provider(monkeypatch):
    """Its aliases, its variables, and the settings that it takes."""
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "from-env")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-northeast-1")
    provider = llmclient.Client().provider("amazon-bedrock")
    assert ("bedrock", "https://bedrock-runtime.ap-northeast-1.amazonaws.com") == (provider.name, provider.address())
    assert "from-env" not in json.dumps(str(pickle.dumps(provider.config)))


def test_a_secret_is_masked_in_what_was_sent(responses_of):
    """The request that an answer remembers shows neither signature nor token."""
    client = llmclient.Client(providers={"bedrock": {**KEYS, "session_token": "token-12345", "region": "us-east-1", "api_base": responses_of}})
    response = client.chat("bedrock/amazon.nova-lite-v1:0", "hi")
    assert ("***", "***") == (response.request.headers["authorization"], response.request.headers["x-amz-security-token"])
    assert "token-12345" not in str(response.request)


@pytest.fixture
def responses_of():
    """An address that answers every request of Converse."""
    answer = {"output": {"message": {"role": "assistant", "content": [{"text": "hello"}]}}, "stopReason": "end_turn", "usage": {}}
    with responses.RequestsMock() as mock:
        mock.add("POST", re.compile(r"http://127\.0\.0\.1:9/.*"), json=answer)
        yield "http://127.0.0.1:9"
