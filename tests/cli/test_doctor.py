"""`llmclient doctor`: what a call would find, without billing anything and without showing a key."""

from __future__ import annotations

import json
import pathlib
import platform
from collections.abc import Callable
from typing import Any

import pytest

import llmclient
from llmclient.cli import access
from llmclient.simulator import Simulator


def test_a_provider_that_answers_is_reachable(run: Callable[..., Any], simulator: Simulator) -> None:
    """Where its key is from, its address and whose word that is, how long it took; the key itself never."""
    done = run("doctor")
    assert 0 == done.exit_code
    assert "\nopenai\n  key: OPENAI_API_KEY\n" in done.stdout
    assert f"  address: {simulator.url}/v1 (from OPENAI_BASE_URL), no proxy\n" in done.stdout
    assert "  reachable: yes, GET models in " in done.stdout
    assert "sk-of-the-environment" not in done.output


def test_versions_pool_and_certificates_are_told(run: Callable[..., Any]) -> None:
    """What a maintainer would ask first."""
    lines = run("doctor").stdout.splitlines()
    assert lines[0].startswith(f"llmclient {llmclient.__version__}, python {platform.python_version()}, requests ")
    assert ["proxies: none", "certificates: certifi's", "pool: 100 connections a host, 1,000 hosts"] == lines[1:4]


def test_proxies_and_bundles_of_the_environment_are_told_without_their_passwords(
    run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    """A bundle that is not there is called so."""
    for name, value in {"HTTP_PROXY": "http://me:hunter22@127.0.0.1:9", "NO_PROXY": "localhost", "SSL_CERT_FILE": str(tmp_path / "ca.pem")}.items():
        monkeypatch.setenv(name, value)
    done = run("doctor", "--timeout", "5")
    assert "proxies: HTTP_PROXY=http://***@127.0.0.1:9, NO_PROXY=localhost" in done.stdout
    assert f"certificates: SSL_CERT_FILE={tmp_path / 'ca.pem'} (which is not there)" in done.stdout
    assert "through http://***@127.0.0.1:9" in done.stdout
    assert "hunter22" not in done.output


def test_a_provider_without_a_key_is_told_what_to_set(run: Callable[..., Any]) -> None:
    """The exit code is 1, since it was asked for."""
    done = run("doctor", "groq")
    assert 1 == done.exit_code
    assert "groq\n  key: none\n  address: https://api.groq.com/openai/v1, no proxy\n  reachable: no, GROQ_API_KEY is not set" in done.stdout


def test_a_refused_key_and_a_dead_address_are_told(run: Callable[..., Any], simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason is the error's own sentence, and nothing is tried twice."""
    simulator.fault("status=401")
    refused = run("doctor", "openai")
    assert (1, 1) == (refused.exit_code, len(simulator.requests))
    assert "reachable: no, openai: " in refused.stdout
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    assert "refused the connection" in run("doctor", "openai").stdout


def test_json_holds_the_same(run: Callable[..., Any], simulator: Simulator) -> None:
    """For programs."""
    found = json.loads(run("doctor", "--json").stdout)
    (openai,) = found["providers"]
    assert ("openai", "OPENAI_API_KEY", "OPENAI_BASE_URL") == (openai["name"], openai["key_found_in"], openai["address_found_in"])
    assert (True, "GET models") == (openai["reachable"], openai["checked"])
    assert (100, 0 < openai["seconds"] < 10) == (found["pool"]["connections_per_host"], True)


def test_without_any_key_the_doctor_says_how_to_go_on(run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is wrong, so the exit code is 0."""
    monkeypatch.delenv("OPENAI_API_KEY")
    done = run("doctor")
    assert 0 == done.exit_code
    assert "no provider has a key; set one, such as OPENAI_API_KEY" in done.stdout


def test_all_takes_in_what_needs_no_key(run: Callable[..., Any], simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers on this machine are tried on demand only."""
    monkeypatch.setenv("SIMULATOR_API_BASE", f"{simulator.url}/v1")
    monkeypatch.setattr("llmclient.registry.names", lambda: ("groq", "openai", "simulator"))
    assert "\nsimulator\n" not in run("doctor").stdout
    found = {entry["name"]: entry for entry in json.loads(run("doctor", "--all", "--json", "--timeout", "2").stdout)["providers"]}
    assert ["openai", "simulator"] == list(found)
    assert found["simulator"]["reachable"]


@pytest.mark.parametrize(
    ("address", "local"),
    [("http://localhost:1234/v1", True), ("http://127.0.0.2/v1", True), ("http://[::1]:1/v1", True), ("https://api.example.com", False), (None, False)],
)
def test_an_address_of_this_machine_is_local(address: str | None, *, local: bool) -> None:
    """By name or by number."""
    entry = access.find("openai")._replace(address=address)
    assert local is entry.is_local


def test_a_retired_service_is_told_of_only_when_it_is_named(run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Its key may be there for something else."""
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_made_up")
    assert "\ngithub\n" not in run("doctor").stdout
    done = run("doctor", "github")
    assert 1 == done.exit_code
    assert "reachable: no, it was retired on " in done.stdout


def test_a_provider_that_cannot_list_its_models_is_not_tried(run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """A check that would cost money is not made."""
    monkeypatch.setenv("AI21_API_KEY", "made-up")
    done = run("doctor", "ai21")
    assert 0 == done.exit_code
    assert "reachable: not tried, since it cannot list its models without a charge" in done.stdout


def test_an_unknown_provider_is_an_error_with_the_nearest_name(run: Callable[..., Any]) -> None:
    """Nothing is checked."""
    done = run("doctor", "opena")
    assert (1, "") == (done.exit_code, done.stdout)
    assert "did you mean 'openai'" in done.stderr
