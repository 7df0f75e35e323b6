"""`llmclient doctor`: what a call would find: versions, proxies, certificates, keys, addresses, and whether they answer."""

from __future__ import annotations

import os
import pathlib
import platform
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

import click

from llmclient._version import __version__
from llmclient.cli.output import print_json, put
from llmclient.cli.root import Command
from llmclient.errors import redact

if TYPE_CHECKING:
    from llmclient.cli.access import Access
    from llmclient.types.context import HealthStatus

_PROXIES: Final = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")
_BUNDLES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
_AT_ONCE: Final = 16


@click.command(
    "doctor",
    cls=Command,
    short_help="Check keys, addresses, proxies and versions.",
    epilog="Example: llmclient doctor openai",
)
@click.argument("providers", nargs=-1, metavar="[PROVIDER]...")
@click.option("--all", "everyone", is_flag=True, help="Those that need no key too, such as servers on this machine.")
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), default=10.0, show_default=True, metavar="SECONDS", help="How long to wait for each.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(providers: tuple[str, ...], timeout: float, *, everyone: bool, as_json: bool) -> None:
    """Say what calls would find: versions, proxies and certificates, the pool; and for each provider where its key comes from
    and whether it answers.

    Without a PROVIDER, those that have a key are checked. Nothing is billed, and no key is shown. The exit code is 1 when one that was
    checked cannot be used.
    """
    from llmclient.cli import access

    chosen = [access.find(name) for name in providers] or [entry for entry in access.find_all() if _is_checked(entry, everyone=everyone)]
    statuses = _check(chosen, timeout)
    report = {
        "versions": versions(),
        "environment": _environment(),
        "pool": _pool(),
        "providers": [_describe(entry, status) for entry, status in zip(chosen, statuses, strict=True)],
    }
    if as_json:
        print_json(report)
    else:
        put("\n".join(_lines(report)) + "\n")
    if not all(status.healthy for status in statuses):
        click.get_current_context().exit(1)


def _is_checked(entry: Access, *, everyone: bool) -> bool:
    if entry.provider.retired is not None:
        # Its key may serve something else, as GITHUB_TOKEN does; whoever names the service is told.
        return False
    return entry.key is not None or (entry.is_configured and not entry.is_local) or (everyone and entry.problem is None)


def versions() -> dict[str, str]:
    """Return the versions that matter when something does not work."""
    import importlib.metadata
    import ssl

    return {
        "llmclient": __version__,
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in ("requests", "urllib3", "orjson")},
        "openssl": ssl.OPENSSL_VERSION.removeprefix("OpenSSL ").partition(" ")[0],
    }


def _environment() -> dict[str, str]:
    """Return the variables that change how hosts are reached; passwords of proxies are hidden."""
    names = (*_PROXIES, *(name.lower() for name in _PROXIES), *_BUNDLES)
    return {name: redact(os.environ[name]) for name in names if os.environ.get(name)}


def _pool() -> dict[str, Any]:
    from llmclient import transport

    adapter: Any = transport.session().get_adapter("https://")
    return {"connections_per_host": adapter._pool_maxsize, "hosts": adapter._pool_connections}  # requests offers no other way


def _check(chosen: Sequence[Access], timeout: float) -> list[HealthStatus]:
    from llmclient.client import Client
    from llmclient.retry import Retry
    from llmclient.types.context import HealthStatus

    client = Client(timeout=timeout, retry=Retry(max_attempts=1))

    def check(entry: Access) -> HealthStatus:
        if entry.problem is not None:
            return HealthStatus(provider=entry.name, healthy=False, reason=entry.problem, checked="configuration")
        return client.provider(entry.name).health_check()

    with ThreadPoolExecutor(_AT_ONCE) as executor:
        return list(executor.map(check, chosen))


def _describe(entry: Access, status: HealthStatus) -> dict[str, Any]:
    return {
        "name": entry.name,
        "key_found_in": entry.key,
        "address": entry.address,
        "address_found_in": entry.source,
        "proxy": _proxy(entry.address),
        "reachable": status.healthy,
        "checked": status.checked,
        "seconds": status.latency,
        "reason": status.reason,
    }


def _proxy(address: str | None) -> str | None:
    from requests.utils import get_environ_proxies, select_proxy

    found = select_proxy(address, get_environ_proxies(address)) if address else None
    return None if found is None else redact(found)


def _lines(report: dict[str, Any]) -> Iterable[str]:
    yield ", ".join(f"{name} {version}" for name, version in report["versions"].items())
    environment = report["environment"]
    yield "proxies: " + (", ".join(f"{name}={value}" for name, value in environment.items() if name.upper() in _PROXIES) or "none")
    yield "certificates: " + (", ".join(_bundle(name, value) for name, value in environment.items() if name in _BUNDLES) or "certifi's")
    yield f"pool: {report['pool']['connections_per_host']} connections a host, {report['pool']['hosts']:,} hosts"
    for provider in report["providers"]:
        yield from _provider_lines(provider)
    if not report["providers"]:
        yield "no provider has a key; set one, such as OPENAI_API_KEY, or name a provider to see what it needs"


def _bundle(name: str, value: str) -> str:
    return f"{name}={value}" + ("" if pathlib.Path(value).exists() else " (which is not there)")


def _provider_lines(found: dict[str, Any]) -> Iterable[str]:
    yield ""
    yield found["name"]
    yield f"  key: {found['key_found_in'] or 'none'}"
    source = f" (from {found['address_found_in']})" if found["address_found_in"] else ""
    yield f"  address: {found['address'] or 'unknown'}{source}, {'through ' + found['proxy'] if found['proxy'] else 'no proxy'}"
    yield f"  reachable: {_verdict(found)}"


def _verdict(found: dict[str, Any]) -> str:
    if not found["reachable"]:
        return f"no, {' '.join((found['reason'] or 'for no known reason').split())}"
    if found["seconds"] is None:
        return "not tried, since it cannot list its models without a charge"
    return f"yes, {found['checked']} in {found['seconds'] * 1_000:.0f} ms"
