"""One wire request on its way out: prepared, signed and checked for each attempt, and its failure read."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast
from urllib.parse import quote, urlsplit

from llmclient.dialects.failure import request_id
from llmclient.endpoints import Endpoint, mask
from llmclient.errors import ProviderError
from llmclient.redaction import Secrets, of_headers
from llmclient.types.answer import Sent
from llmclient.types.context import WireRequest
from llmclient.types.making import maker
from llmclient.types.reply import Reply
from llmclient.wire import jsons

if TYPE_CHECKING:
    from llmclient.auth import Signer
    from llmclient.deadline import Call
    from llmclient.transport import Exchange, Transport


_make_sent: Final = maker(Sent)


class Sender:
    """Sends one wire request, each time afresh: prepared, signed and checked."""

    __slots__ = ("_body", "_endpoint", "_error", "_headers", "_idempotency", "_label", "_signed", "_url", "_wire")

    def __init__(
        self,
        label: str,
        endpoint: Endpoint,
        wire: WireRequest,
        extra: Mapping[str, str],
        error: Callable[[int, Mapping[str, str], bytes], ProviderError],
        idempotency_header: str | None,
    ) -> None:
        self._label = label
        self._endpoint = endpoint
        self._wire = wire
        self._error = error
        self._idempotency = {idempotency_header: uuid.uuid4().hex} if idempotency_header and wire.method == "POST" else None
        body = wire.body
        self._body = body if isinstance(body, bytes) or body is None else jsons.dumps(body)
        plain = body is not None and not wire.headers and not extra and self._idempotency is None
        self._headers = endpoint.json_headers if plain else self._collect(wire.headers, extra)
        self._signed: Mapping[str, str] | None = None
        url = endpoint.url + wire.path
        if wire.query:
            url += "?" + "&".join(f"{quote(k, safe='')}={quote(v, safe='')}" for k, v in wire.query.items())
        self._url = url

    def _collect(self, own: Mapping[str, str], extra: Mapping[str, str]) -> dict[str, str]:
        """Return all headers but the signer's; the caller's win over the dialect's, those over the provider's."""
        headers: dict[str, str] = {"Content-Type": "application/json"} if self._body is not None else {}
        headers.update(self._endpoint.headers)
        headers.update(own)
        if self._idempotency:
            headers.update(self._idempotency)
        # A dialect that sets a header which the caller gave too has taken the caller's value in (as with anthropic-beta).
        taken = {name.lower() for name in own} if extra and own else ()
        headers.update((name, value) for name, value in extra.items() if name.lower() not in taken)
        return headers

    def __call__(self, transport: Transport, call: Call) -> Exchange:
        """Make one attempt and return the answer whose head has come with a 2xx status; raises ProviderError."""
        from llmclient.transport import check_headers, prepare

        prepared = prepare(self._label, self._wire.method, self._url, self._headers, self._body)
        self._endpoint.sign(prepared)
        if not self._endpoint.is_constant:
            check_headers(self._label, cast("Mapping[str, str]", prepared.headers))
        self._signed = cast("Mapping[str, str]", prepared.headers)
        exchange = transport.send(prepared, call)
        if 200 <= exchange.status < 300:
            return exchange
        raise self._failure(exchange)

    def _failure(self, exchange: Exchange) -> ProviderError:
        status, headers = exchange.status, exchange.headers
        if 300 <= status < 400:
            exchange.close()
            target = _host(headers.get("location") or "")
            message = f"the provider redirects{f' to {target}' if target else ''}; redirects are not followed, so set api_base to the right address"
            return ProviderError.api_error(self._label, status, message, request_id=request_id(headers))
        error = self._error(status, headers, exchange.read_error())
        return error.with_facts(status=status, request_id=request_id(headers))

    def secrets(self) -> Secrets:
        """Return the secrets of the account, of the caller's headers, and of those that the last attempt was signed with."""
        secret = self._endpoint.secret
        return self._endpoint.secrets | (*of_headers(self._headers, secret), *of_headers(self._signed or {}, secret))

    def sent(self) -> Sent:
        """Return what was sent, secrets masked."""
        endpoint = self._endpoint
        if self._headers is endpoint.json_headers:
            return _make_sent(self._wire.method, self._url, endpoint.json_masked, self._body)
        secrets = self.secrets()
        masked = {name: mask(name, value, secrets) for name, value in self._headers.items()}
        masked.update(endpoint.masked)
        return _make_sent(self._wire.method, self._url, masked, self._body)


def _host(address: str) -> str | None:
    """Return the host of a redirect's target, None where it has none or is malformed."""
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None


class PlainDialect:
    """Stands in for a dialect where the caller speaks the wire format; its errors are those of a real one."""

    def __init__(self, dialect: Any) -> None:
        self.error = dialect.error
        self.base_url = dialect.base_url
        self.auth = dialect.auth

    def decode(self, raw: bytes, model: str, request_id: str) -> Reply:
        """Return a reply; its bytes are attached later."""
        return Reply()


class NoRequest:
    """A request without a model."""

    model = ""
    headers: ClassVar[Mapping[str, str]] = {}


class _Blank:
    """A request on which a signer shows what it adds to every one."""

    def __init__(self) -> None:
        self.method = "GET"
        self.url = "https://localhost/"
        self.headers: dict[str, str] = {}
        self.body = None


def is_constant(provider: str, sign: Signer) -> bool:
    """Return whether a signer adds the same to every request; if so, raises ConfigurationError for what HTTP cannot carry."""
    if not getattr(sign, "is_constant", False):
        return False
    from llmclient.transport import check_headers

    blank = _Blank()
    sign(blank)
    check_headers(provider, blank.headers)
    return True
