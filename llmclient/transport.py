"""HTTP: one shared requests session with 100 pooled connections a host, and the way of one request through it.

Every call goes through `Session.send`, so that tools that hook into requests (responses, requests-mock, vcrpy, session
hooks, OpenTelemetry) see it. What requests would look up for each call (environment, netrc, cookies, CA bundle,
redirects) is looked up once a host, or not at all.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

import requests
import requests.adapters
import requests.utils
from requests.structures import CaseInsensitiveDict
from urllib3._collections import HTTPHeaderDict

from llmclient import tls
from llmclient.dialer import socket_options
from llmclient.errors import ConfigurationError, ProviderError
from llmclient.exchange import Exchange
from llmclient.failures import FAULTS, explain
from llmclient.idle import IdleConnections, keep_for_ever
from llmclient.parser import Answer
from llmclient.pool import POOLS, drop
from llmclient.prepared import NO_COOKIES, check_headers, origin_of, prepare

if TYPE_CHECKING:
    from urllib3.connectionpool import HTTPConnectionPool

    from llmclient.deadline import Call

__all__ = ["Exchange", "PooledAdapter", "Transport", "check_headers", "prepare", "session"]

MAX_CONNECTIONS = 100
MAX_HOSTS = 1000

_CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


class PooledAdapter(requests.adapters.HTTPAdapter):
    """Sends through our pools, found by one look into a dict. In a forked child it starts afresh."""

    def __init__(self, max_connections: int = MAX_CONNECTIONS) -> None:
        super().__init__(pool_connections=MAX_HOSTS, pool_maxsize=max_connections, pool_block=True)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = True, **pool_kwargs: Any) -> None:
        """Make the pool manager; called by requests, and again in a forked child."""
        super().init_poolmanager(connections, maxsize, block, socket_options=socket_options(), **pool_kwargs)
        self.poolmanager.pool_classes_by_scheme = POOLS
        self._trust: bool | str = True
        self._lock = threading.RLock()
        self._pools: dict[tuple[Any, ...], HTTPConnectionPool] = {}
        self._pid = os.getpid()

    def _enter_child(self) -> None:
        with _Process.lock:
            if self._pid != os.getpid():
                keep_for_ever(self.poolmanager, self.proxy_manager, self._pools, self._lock)
                self.proxy_manager = {}
                self.init_poolmanager(self._pool_connections, self._pool_maxsize, self._pool_block)

    def get_connection_with_tls_context(self, request: requests.PreparedRequest, verify: Any, proxies: Any = None, cert: Any = None) -> HTTPConnectionPool:
        """Return the pool for the request's host and these settings."""
        if self._pid != os.getpid():
            self._enter_child()
        url = cast("str", request.url)
        key = (origin_of(url), verify, cert, *proxies.items()) if proxies else (origin_of(url), verify, cert)
        return self._pools.get(key) or self._add_pool(key, request, verify, proxies, cert)

    def _add_pool(self, key: tuple[Any, ...], request: requests.PreparedRequest, verify: Any, proxies: Any, cert: Any) -> HTTPConnectionPool:
        with self._lock:
            if len(self._pools) >= MAX_HOSTS:
                self._pools.clear()
            self._trust = verify
            pool: HTTPConnectionPool = super().get_connection_with_tls_context(request, verify, proxies, cert)
            self._pools[key] = pool
            return pool

    def build_connection_pool_key_attributes(self, request: requests.PreparedRequest, verify: Any, cert: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return what identifies the pool; the trust store and the client certificate are in a shared TLS context."""
        host, settings = super().build_connection_pool_key_attributes(request, verify, cert)
        if host["scheme"] == "https":
            settings = {"ssl_context": tls.context(verify, cert), "cert_reqs": "CERT_NONE" if verify is False else "CERT_REQUIRED"}
        return host, settings

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> Any:
        """Return the manager of the pools behind a proxy."""
        if proxy in self.proxy_manager:
            return self.proxy_manager[proxy]
        if proxy.lower().startswith("https"):
            proxy_kwargs.setdefault("proxy_ssl_context", tls.context(self._trust))
        if not proxy.lower().startswith("socks"):
            proxy_kwargs.setdefault("socket_options", socket_options())
        manager = super().proxy_manager_for(proxy, **proxy_kwargs)
        if not proxy.lower().startswith("socks"):
            manager.pool_classes_by_scheme = POOLS
        return manager

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Do nothing: it is all in the TLS context."""

    def request_url(self, request: requests.PreparedRequest, proxies: Any) -> str:
        """Return what stands in the request line: the path, or the whole address for a proxy that forwards."""
        url = cast("str", request.url)
        if proxies and not url.startswith("https"):
            return super().request_url(request, proxies)
        return url[len(origin_of(url)) :]

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        """Return requests' view of an answer, without parsing cookies."""
        if isinstance(getattr(resp, "_fp", None), Answer) and not req.hooks["response"]:
            # Without it requests looks for no cookies. Nobody reads it before `Transport` has put it back.
            resp._original_response = None
        response = requests.Response.__new__(requests.Response)
        headers = resp.headers if isinstance(resp.headers, HTTPHeaderDict) else CaseInsensitiveDict(resp.headers)
        response.__dict__.update(_BLANK, history=[])
        response.status_code = resp.status
        response.headers = cast("Any", headers)
        response.encoding = _charset(headers.get("content-type"))
        response.raw = resp
        response.reason = resp.reason
        response.url = cast("str", req.url)
        response.request = req
        response.connection = self
        return response

    def close(self) -> None:
        """Close every connection that is not in use."""
        if self._pid == os.getpid():
            # urllib3 leaves that to the collector, which does not come while an error or an answer refers to the pool.
            for pool in list(self._pools.values()):
                if isinstance(pool.pool, IdleConnections):
                    pool.pool.clear()
        super().close()
        self._pools.clear()


_BLANK = {**requests.Response().__dict__, "cookies": NO_COOKIES}


@functools.lru_cache(maxsize=256)
def _charset(content_type: str | None) -> str | None:
    return requests.utils.get_encoding_from_headers(cast("Any", {"content-type": content_type} if content_type else {}))


class _Session(requests.Session):
    """A session that takes nothing from the environment, keeps no cookies, and follows no redirect."""

    def __init__(self, max_connections: int = MAX_CONNECTIONS) -> None:
        super().__init__()
        self.trust_env = False
        self.cookies = NO_COOKIES
        adapter = PooledAdapter(max_connections)
        self.mount("https://", adapter)
        self.mount("http://", adapter)

    def resolve_redirects(self, *args: Any, **kwargs: Any) -> Iterator[Any]:  # type: ignore[override]  # the arguments do not matter
        """Return nothing: `Session.send` would work out the next request even where redirects are not followed."""
        return iter(())


class _Process:
    """What this process shares: the session, and the lock under which it is made."""

    session: requests.Session | None = None
    pid = 0
    lock = threading.Lock()


def session() -> requests.Session:
    """Return the process's shared session; a forked child gets its own."""
    if _Process.session is not None and _Process.pid == os.getpid():
        return _Process.session
    with _Process.lock:
        if _Process.session is None or _Process.pid != os.getpid():
            keep_for_ever(_Process.session)
            _Process.session, _Process.pid = _Session(), os.getpid()
        return _Process.session


def _enter_child() -> None:
    _Process.lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_enter_child)


class Route:
    """How to reach one host."""

    __slots__ = ("cert", "proxies", "verify")

    def __init__(self, proxies: dict[str, str], verify: bool | str, cert: str | tuple[str, str] | None) -> None:
        self.proxies = proxies
        self.verify = verify
        self.cert = cert


def _environment_bundle() -> str | None:
    return next((os.environ[name] for name in _CA_VARIABLES if os.environ.get(name)), None)


class Transport:
    """One way to send: a session, and its proxies, trust store and client certificate, worked out once a host.

    Without arguments it shares the process's session; with any of the others it has a session of its own, which `close`
    closes. A session that is given is used as it is, for its hooks, adapters, proxies, verify and cert; its auth,
    cookies and params are not used, and it is never closed. Where such a session brings other adapters than
    `PooledAdapter`, only what those can do is promised: timeouts hold for each wait, and cancelling is seen at the next.

    `proxies` maps schemes to addresses, as in requests, and replaces the proxies of the environment (also when empty).
    """

    def __init__(
        self,
        session: requests.Session | None = None,
        *,
        max_connections: int = MAX_CONNECTIONS,
        proxies: Mapping[str, str] | None = None,
        verify: bool | str | None = None,
        cert: str | tuple[str, str] | None = None,
    ) -> None:
        if isinstance(max_connections, bool) or not isinstance(max_connections, int) or max_connections < 1:
            raise ConfigurationError("llmclient", f"max_connections must be a whole number from 1, got {max_connections!r}")
        self._given = session
        self._own: requests.Session | None = None
        if session is None and (max_connections, proxies, verify, cert) != (MAX_CONNECTIONS, None, None, None):
            self._own = _Session(max_connections)
        self._proxies = None if proxies is None else dict(proxies)
        self._verify = verify
        self._cert = cert
        self._routes: dict[str, Route] = {}

    def send(self, request: requests.PreparedRequest, call: Call) -> Exchange:
        """Send one attempt and return the answer once its head has come, whatever its status.

        Raises NetworkError, RequestTimeoutError, PoolTimeoutError, CancelledError or ConfigurationError. What a hook or
        a test tool raises on purpose passes through.
        """
        call.begin_attempt()
        outcome = self._attempt(request, call)
        if isinstance(outcome, ProviderError):
            # Raised here, where nothing is at hand that could hold a key.
            raise outcome.with_traceback(None)
        return outcome

    def _attempt(self, request: requests.PreparedRequest, call: Call) -> Exchange | ProviderError:
        url = cast("str", request.url)
        try:
            return Exchange(self._respond(request, url, call), call)
        except ProviderError as error:
            return error
        except FAULTS as error:
            return explain(error, call, url)
        finally:
            _settle(call)

    def _respond(self, request: requests.PreparedRequest, url: str, call: Call) -> requests.Response:
        through = self._given or self._own or session()
        route = self._routes.get(origin_of(url)) or self._add_route(url)
        hook: Any = through.hooks.get("response")
        if hook:
            request.hooks = {"response": hook}
        response = through.send(
            request, stream=True, allow_redirects=False, proxies=route.proxies, verify=route.verify, cert=route.cert, timeout=cast("Any", call)
        )
        answer = call.answer
        if answer is not None and response.raw is answer:
            call.answer = None
            source: Any = getattr(answer, "_fp", None)
            if isinstance(source, Answer):
                answer._original_response = source
        return response

    def close(self) -> None:
        """Close the session, if it is ours alone."""
        if self._own is not None:
            self._own.close()

    def _add_route(self, url: str) -> Route:
        route = self._given_route(self._given, url) if self._given is not None else self._own_route(url)
        if url.startswith("https"):
            tls.context(route.verify, route.cert)
        if len(self._routes) >= MAX_HOSTS:
            self._routes.clear()
        self._routes[origin_of(url)] = route
        return route

    def _own_route(self, url: str) -> Route:
        proxies = requests.utils.get_environ_proxies(url) if self._proxies is None else self._proxies
        verify = self._verify if self._verify is not None else _environment_bundle() or True
        if verify is True:
            verify = _environment_bundle() or True
        return Route(_chosen(url, proxies), verify, self._cert)

    def _given_route(self, given: requests.Session, url: str) -> Route:
        settings = given.merge_environment_settings(url, dict(self._proxies or {}), True, self._verify, cast("Any", self._cert))
        # requests lets the environment's bundle win over a session's own verify.
        verify = settings["verify"] if self._verify is not None or given.verify is True else given.verify
        return Route(dict(settings["proxies"]), cast("bool | str", verify), settings["cert"])


def _settle(call: Call) -> None:
    """Drop an answer that has come but was not returned, since a hook raised, or returned another in its place."""
    if call.answer is not None:
        drop(call.answer)
        call.answer = None


def _chosen(url: str, proxies: Mapping[str, str]) -> dict[str, str]:
    """Return the one proxy for this address, keyed as the adapter looks it up; empty for none."""
    proxy = requests.utils.select_proxy(url, dict(proxies))
    return {url.partition(":")[0]: proxy} if proxy else {}
