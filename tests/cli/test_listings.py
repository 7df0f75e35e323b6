"""`llmclient models` and `llmclient providers`: facts as tables and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

import llmclient
from llmclient.simulator import Simulator


def test_models_are_listed_with_limits_prices_and_abilities(run: Callable[..., Any]) -> None:
    """A row a model, a title a column, no line broken in a pipe."""
    head, *rows = run("models", "openai").stdout.splitlines()
    row = next(row for row in rows if row.startswith("openai/gpt-4o-mini "))
    assert head.startswith("model")
    assert "128,000" in row
    assert "0.15" in row
    assert "tools" in row


def test_models_as_json_hold_the_facts(run: Callable[..., Any]) -> None:
    """Numbers are numbers, prices to the last digit."""
    found = {model["id"]: model for model in json.loads(run("models", "openai", "--json").stdout)}
    info = llmclient.get_model_info("openai/gpt-4o-mini")
    assert info is not None
    mini = found["gpt-4o-mini"]
    assert (info.context_length, sorted(info.abilities)) == (mini["context_length"], mini["abilities"])
    assert (0.15, "chat") == (mini["input_cost_per_million"], mini["mode"])


def test_without_a_provider_the_models_of_all_are_listed(run: Callable[..., Any]) -> None:
    """Each under its provider's name."""
    names = {model["provider"] for model in json.loads(run("models", "--json").stdout)}
    assert {"openai"} < names


def test_live_lists_what_the_provider_says(run: Callable[..., Any], simulator: Simulator) -> None:
    """The simulator has models of its own, of which nothing is known."""
    found = {model["id"]: model for model in json.loads(run("models", "openai", "--live", "--json").stdout)}
    assert {"echo", "lorem"} <= found.keys()
    assert (None, None, "/v1/models") == (found["echo"]["context_length"], found["echo"]["mode"], simulator.requests[-1].path)
    assert "openai/echo" in run("models", "openai", "--live").stdout


def test_a_provider_without_listed_models_says_what_to_do(run: Callable[..., Any]) -> None:
    """An empty table would say nothing."""
    assert "no models of openai_compatible are listed; --live asks the provider" in run("models", "openai_compatible").stderr


@pytest.mark.parametrize(("args", "message"), [(("--live",), "--live needs a PROVIDER"), (("openai", "--api-key", "k"), "--api-key goes with --live")])
def test_a_wrong_use_of_models_is_a_usage_error(run: Callable[..., Any], args: tuple[str, ...], message: str) -> None:
    """Exit code 2 and one sentence."""
    done = run("models", *args)
    assert 2 == done.exit_code
    assert message in done.stderr


def test_providers_are_listed_with_the_variable_of_their_key(run: Callable[..., Any]) -> None:
    """A variable that is set is marked; the key is not shown."""
    done = run("providers")
    rows = {line.split()[0]: line for line in done.stdout.splitlines()}
    assert set(llmclient.providers()) < set(rows)
    assert "OPENAI_API_KEY *" in rows["openai"]
    assert "GROQ_API_KEY *" not in rows["groq"]
    assert "GROQ_API_KEY" in rows["groq"]
    assert "sk-of-the-environment" not in done.stdout


def test_configured_providers_are_those_that_somebody_has_set_up(run: Callable[..., Any]) -> None:
    """A local server that needs nothing is not among them."""
    assert ["openai"] == [entry["name"] for entry in json.loads(run("providers", "--configured", "--json").stdout)]


def test_providers_as_json_say_what_is_missing(run: Callable[..., Any], simulator: Simulator) -> None:
    """Address and key of those that are set up, the problem of those that are not."""
    found = {entry["name"]: entry for entry in json.loads(run("providers", "--json").stdout)}
    openai, groq = found["openai"], found["groq"]
    assert ("OPENAI_API_KEY", f"{simulator.url}/v1", None) == (openai["key_found_in"], openai["address"], openai["problem"])
    assert {"chat_completion", "embeddings"} <= set(openai["capabilities"])
    assert (None, ["GROQ_API_KEY"]) == (groq["key_found_in"], groq["key_variables"])
    assert "GROQ_API_KEY is not set" in groq["problem"]


def test_without_any_key_the_list_of_configured_ones_says_so(run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty table would say nothing."""
    monkeypatch.delenv("OPENAI_API_KEY")
    done = run("providers", "--configured")
    assert (0, "") == (done.exit_code, done.stdout)
    assert "no provider has a key" in done.stderr
