"""One TLS context per trust store and client certificate: building one reads the whole CA bundle, which costs 14 ms."""

from __future__ import annotations

import functools
import pathlib
import ssl

from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.util.ssl_ import create_urllib3_context

from llmclient.errors import ConfigurationError

_EXPIRED = 10
_NOT_YET_VALID = 9
_SELF_SIGNED = frozenset({18, 19})
_WRONG_HOST = frozenset({62, 64})
_UNKNOWN_ISSUER = frozenset({2, 20, 21})


def context(verify: bool | str = True, cert: str | tuple[str, str] | None = None) -> ssl.SSLContext:
    """Return the shared context; `verify` is a CA file or folder, True for certifi's, False for none.

    Raises ConfigurationError for files that are missing or hold no certificate.
    """
    return _context(verify, cert)


@functools.lru_cache(maxsize=64)
def _context(verify: bool | str, cert: str | tuple[str, str] | None) -> ssl.SSLContext:
    built = create_urllib3_context(cert_reqs=ssl.CERT_NONE if verify is False else ssl.CERT_REQUIRED)
    if verify is not False:
        _load_authorities(built, verify if isinstance(verify, str) else DEFAULT_CA_BUNDLE_PATH)
    if cert is not None:
        _load_certificate(built, cert)
    return built


def _load_authorities(built: ssl.SSLContext, path: str) -> None:
    try:
        built.load_verify_locations(**({"capath": path} if pathlib.Path(path).is_dir() else {"cafile": path}))
    except OSError as error:
        problem = str(error)
    else:
        return
    raise ConfigurationError("llmclient", f"the CA bundle {path!r} cannot be used: {problem}")


def _load_certificate(built: ssl.SSLContext, cert: str | tuple[str, str]) -> None:
    files = (cert, None) if isinstance(cert, str) else cert
    try:
        built.load_cert_chain(*files)
    except OSError as error:
        problem = str(error)
    else:
        return
    raise ConfigurationError("llmclient", f"the client certificate {files[0]!r} cannot be used: {problem}")


def explain(error: ssl.SSLError, host: str) -> tuple[str, bool]:
    """Return what went wrong in a sentence, and whether another try may help."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the TLS certificate of {host} {_certificate_problem(error)}", False
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return f"{host} closed the TLS connection", True
    return f"TLS with {host} failed: {getattr(error, 'reason', None) or error}", False


def _certificate_problem(error: ssl.SSLCertVerificationError) -> str:
    code = error.verify_code
    if code == _EXPIRED:
        return "has expired"
    if code == _NOT_YET_VALID:
        return "is not valid yet; is the clock right?"
    if code in _SELF_SIGNED:
        return "is self-signed; pass verify= with your CA bundle if that is right"
    if code in _WRONG_HOST:
        return f"is for another host: {error.verify_message}"
    if code in _UNKNOWN_ISSUER:
        return "comes from an unknown authority; pass verify= with your CA bundle if that is right"
    return f"is not valid: {error.verify_message}"
