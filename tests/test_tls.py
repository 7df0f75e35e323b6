"""TLS contexts, shared, and what their failures mean."""

from __future__ import annotations

import pathlib
import ssl

import pytest

from llmclient import tls
from llmclient.errors import ConfigurationError
from tests.sending import ca_file


def test_one_context_serves_all_with_the_same_settings() -> None:
    """Building one costs 14 ms, so it is kept."""
    assert tls.context(ca_file()) is tls.context(ca_file())
    assert tls.context() is tls.context(True)
    assert tls.context() is not tls.context(ca_file())


def test_certificates_are_checked_unless_that_is_switched_off() -> None:
    """A context verifies chain and host by default."""
    checked, unchecked = tls.context(), tls.context(False)
    assert (ssl.CERT_REQUIRED, True) == (checked.verify_mode, checked.check_hostname)
    assert (ssl.CERT_NONE, False) == (unchecked.verify_mode, unchecked.check_hostname)


def test_a_folder_of_authorities_is_taken(tmp_path: pathlib.Path) -> None:
    """As OpenSSL does, certificates in a folder are looked up when needed."""
    assert [] == tls.context(str(tmp_path)).get_ca_certs()


@pytest.mark.parametrize("content", [None, "no certificate"], ids=["missing", "empty"])
def test_a_bundle_that_cannot_be_used_is_named(content: str | None, tmp_path: pathlib.Path) -> None:
    """A missing file, or one without certificates, is a mistake in the configuration."""
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ConfigurationError, match="ca.pem' cannot be used") as caught:
        tls.context(str(file))
    assert caught.value.__context__ is None


def test_a_client_certificate_that_cannot_be_used_is_named(tmp_path: pathlib.Path) -> None:
    """Likewise for the certificate that we show."""
    with pytest.raises(ConfigurationError, match="the client certificate '.*me.pem' cannot be used"):
        tls.context(True, (str(tmp_path / "me.pem"), str(tmp_path / "me.key")))


def failure(code: int) -> ssl.SSLCertVerificationError:
    """Return the error that OpenSSL's code stands for."""
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.verify_message = code, "as OpenSSL says"
    return error


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (9, "is not valid yet"),
        (10, "has expired"),
        (18, "is self-signed"),
        (19, "is self-signed"),
        (20, "comes from an unknown authority"),
        (62, "is for another host: as OpenSSL says"),
        (23, "is not valid: as OpenSSL says"),
    ],
)
def test_a_bad_certificate_is_described(code: int, words: str) -> None:
    """Each way to be wrong has its words, and none is worth another try."""
    message, retryable = tls.explain(failure(code), "api.example")
    assert message.startswith(f"the TLS certificate of api.example {words}")
    assert not retryable


@pytest.mark.parametrize("kind", [ssl.SSLEOFError, ssl.SSLZeroReturnError])
def test_a_closed_connection_may_be_tried_again(kind: type[ssl.SSLError]) -> None:
    """The end of a connection is the network's trouble, not TLS's."""
    assert ("api.example closed the TLS connection", True) == tls.explain(kind(8, "EOF"), "api.example")


def test_any_other_failure_says_what_openssl_says() -> None:
    """A reason where there is one, the whole text where there is none."""
    assert ("TLS with h failed: ('odd',)", False) == tls.explain(ssl.SSLError("odd"), "h")
