"""The demo shows four calls and what they took."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from llmclient import client as client_module
from llmclient.models import ModelInfo, Price
from llmclient.simulator import Simulator, demo


@pytest.fixture(autouse=True)
def default_client() -> Iterator[None]:
    """Let the default client read the environment anew."""
    client_module._defaults.clear()
    yield
    client_module._defaults.clear()


def test_the_demo_runs_on_the_simulator(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a key it asks, streams, embeds and fans out 200 prompts on the simulator, and adds up."""
    assert 0 == demo.main()
    out = capsys.readouterr().out
    assert "on the built-in simulator" in out
    assert re.search(r"3 vectors of \d+ numbers", out)
    assert re.search(r"200 answers, 0 failed, [\d,]+ calls a second", out)
    assert re.search(r"In all: [\d,]+ tokens, (\$[\d.]+|cost unknown \(.+\))\n", out)


def test_a_key_chooses_its_provider(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """With the key of a provider the demo asks its cheapest model, ten times."""
    with Simulator() as simulator:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-made-up")
        monkeypatch.setenv("OPENAI_BASE_URL", simulator.url + "/v1")
        assert 0 == demo.main()
    out = capsys.readouterr().out
    assert "on a real model" in out
    assert 'llmclient.chat("openai/' in out
    assert "10 answers, 0 failed" in out
    assert re.search(r"In all: [\d,]+ tokens, \$0\.\d+\n", out)


def test_a_key_can_be_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """LLMCLIENT_DEMO=simulator spends nobody's money."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-made-up")
    monkeypatch.setenv("LLMCLIENT_DEMO", "simulator")
    assert demo.SIMULATED == demo.plan()


def test_a_failure_is_one_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A refused key ends the demo with status 1 and the error's own words."""
    with Simulator(api_key="another") as simulator:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-made-up")
        monkeypatch.setenv("OPENAI_BASE_URL", simulator.url + "/v1")
        assert 1 == demo.main()
    out = capsys.readouterr().out
    assert "Traceback" not in out
    assert "sk-made-up" not in out


def model(name: str, price: str | None, mode: str = "chat", abilities: str = "tools", *, deprecated: bool = False, context: int | None = 8192) -> ModelInfo:
    """Return what is known of a made-up model."""
    return ModelInfo(
        model_id=name,
        display_name=name,
        provider="p",
        mode=mode,
        context_length=context,
        abilities=frozenset(abilities.split()),
        price=price and Price(input=price, output=price),
        deprecated=deprecated,
    )


def test_the_cheapest_model_is_chosen() -> None:
    """Models of another kind, that reason, without a price, little known, or no longer offered do not count."""
    models = [
        model("dear", "3"),
        model("cheap", "0.2"),
        model("old", "0.1", deprecated=True),
        model("thinking", "0.1", abilities="tools reasoning"),
        model("guard", "0.1", abilities=""),
        model("little known", "0.1", context=None),
        model("unknown", None),
        model("embed", "0.01", "embed"),
    ]
    found = demo.cheapest(models, "chat")
    assert found is not None
    assert "cheap" == found.model_id
    assert demo.cheapest([], "chat") is None
