"""Models from facts: what the tool writes, and what it leaves alone."""

from __future__ import annotations

import decimal
import json
import pathlib
import subprocess
import sys
import tomllib

import pytest

from codegen.metadata import load_folder
from codegen.refresh import main, rewrite
from llmclient.models import ModelInfo

ROOT = pathlib.Path(__file__).parents[2]
HEAD = """# A comment that stays.
schema = 1
name = "acme"
title = "Acme"
docs = "https://acme.test"
checked = "2026-11-22"
status = "listed"
aliases = ["acme_ai"]
base_url = "https://api.acme.test/v1"

[chat]
dialect = "openai"
"""


def fact(**changes):
    """Return a row of facts, as small as they come."""
    return {"provider": "acme", "id": "m", "mode": "chat", "deprecated": False, **changes}


def values(**changes):
    """Return what one row of facts becomes in TOML."""
    row = json.loads(json.dumps(fact(**changes)), parse_float=decimal.Decimal)
    return tomllib.loads(rewrite(HEAD, [row], frozenset({"responses"})))["models"]["m"]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, {}),
        ({"name": "m"}, {}),
        ({"name": 'M "1"'}, {"name": 'M "1"'}),
        ({"context_length": 1000, "max_output_tokens": 0}, {"context": 1000}),
        ({"context_length": 1000, "max_input_tokens": 1000}, {"context": 1000}),
        ({"context_length": 1000, "max_input_tokens": 900, "max_output_tokens": 100}, {"context": 1000, "max_output": 100, "max_input": 900}),
        ({"mode": "embedding", "embedding_dims": 2048.0}, {"mode": "embed", "dimensions": 2048}),
        ({"mode": "tts"}, {"mode": "speech"}),
        ({"mode": "stt"}, {"mode": "transcribe"}),
        ({"mode": "moderation"}, {"mode": "moderate"}),
        ({"mode": "image"}, {"mode": "image"}),
        ({"tools": True, "vision": False, "structured_output": True, "prompt_caching": True}, {"abilities": "caching json_schema tools"}),
        (
            {"input_modalities": ["text", "image", "pdf", "audio", "video"], "output_modalities": ["audio"]},
            {"abilities": "audio_input audio_output pdf_input video_input vision"},
        ),
        ({"release_date": "2026-01", "knowledge": "2025-05-31"}, {"released": "2026-01", "knowledge": "2025-05-31"}),
        ({"release_date": "2025-25-11", "knowledge": "2025-02-31"}, {}),
        ({"deprecation_date": "2026-10-01", "deprecated": True}, {"retired": "2026-10-01"}),
        ({"deprecated": True}, {"deprecated": True}),
        ({"responses_only": True}, {"api": "responses"}),
        ({"reasoning_options": [{"type": "toggle"}, {"type": "effort", "values": ["low", "high"]}]}, {"efforts": "low,high"}),
        ({"reasoning_options": [{"type": "effort", "values": ["low"]}], "reasoning_effort_levels": ["max"]}, {"efforts": "max"}),
        ({"temperature_param": False}, {"rejects": "temperature"}),
        ({"temperature_param": False, "reasoning_effort_levels": ["none", "low"]}, {"efforts": "none,low"}),
        ({"sampling_params": False}, {"rejects": "temperature,top_p"}),
        ({"temperature_param": False, "mode": "tts"}, {"mode": "speech"}),
        ({"prices": {}}, {}),
        ({"prices": {"input": 0.0, "output": 2.50}}, {"prices": "input=0 output=2.5"}),
        ({"prices": {"input": 3e-08}}, {"prices": "input=0.00000003"}),
        ({"prices": {"input": 100}}, {"prices": "input=100"}),
        ({"prices": {"input": 1.0}, "suspect": ["prices: too high"]}, {}),
        (
            {"prices": {"input": 1.0, "tiers": [{"above_tokens": 200, "input": 2.0, "output": None}, {"above_tokens": 100, "input": 1.0}]}},
            {"prices": "input=1 input>200=2"},
        ),
        ({"prices": {"input": 1.0, "batch": {"input": 0.5, "tiers": {"100": {"input": 0.7}}}}}, {"prices": "input=1 batch.input=0.5 batch.input>100=0.7"}),
        (
            {"prices": {"input": 1.0, "service_tiers": {"flex": {"input": 0.5}, "priority": {"input": 2.0}}}},
            {"prices": "input=1 flex.input=0.5 priority.input=2"},
        ),
        ({"prices": {"input": 1.0, "off_peak": {"input": 0.5, "windows": []}}}, {"prices": "input=1 off_peak.input=0.5 varies=time"}),
        ({"prices": {"input": 1.0, "timed": []}}, {"prices": "input=1 varies=time"}),
        ({"prices": {"per_1k_requests": 12.0}}, {"prices": "per_request=0.012 varies=search"}),
        ({"prices": {"per_second_in": 0.1, "per_second_out": 0.0}, "mode": "stt"}, {"mode": "transcribe", "prices": "per_second=0.1"}),
        ({"prices": {"per_second_in": 0.0, "per_second_out": 0.2}, "mode": "stt"}, {"mode": "transcribe", "prices": "per_second=0.2"}),
        ({"prices": {"per_query": 0.0}, "mode": "rerank"}, {"mode": "rerank", "prices": "per_search=0"}),
        ({"prices": {"per_image_in": 0.02}, "mode": "image"}, {"mode": "image", "prices": "per_image=0.02"}),
        ({"prices": {"per_image_in": 0.02, "per_image_out": 0.03}, "mode": "image"}, {"mode": "image", "prices": "per_image=0.03"}),
        ({"prices": {"per_image_in": 0.02}}, {}),
        ({"prices": {"web_search_per_query": {"search_context_size_medium": 0.01}}}, {"prices": "per_search=0.01"}),
        ({"prices": {"web_search_per_1k": 10.0, "web_search_per_query": {"search_context_size_medium": 0.5}}}, {"prices": "per_search=0.01"}),
        (
            {
                "prices": {
                    "audio_in": 1.0,
                    "audio_out": 2.0,
                    "image_in": 3.0,
                    "image_out": 4.0,
                    "reasoning": 5.0,
                    "cache_read": 6.0,
                    "cache_write": 7.0,
                    "cache_write_1h": 8.0,
                }
            },
            {"prices": "cache_read=6 cache_write=7 cache_write_1h=8 reasoning=5 audio_input=1 audio_output=2 image_input=3 image_output=4"},
        ),
    ],
)
def test_a_fact_becomes_a_line(facts, expected):
    """What is known is written in the project's words; what is not is left out."""
    assert values(**facts) == expected


def test_an_api_that_the_file_does_not_have_is_left_out():
    """A model is not sent to a chat API that its provider has no dialect for."""
    assert tomllib.loads(rewrite(HEAD, [fact(responses_only=True)], frozenset()))["models"]["m"] == {}


@pytest.fixture
def facts(tmp_path):
    """Return a file of facts about two providers."""
    rows = [
        fact(id="b", prices={"input": 0.1}),
        fact(id="a", provider="acme_ai", context_length=10),
        fact(id='ü/"1"', provider="acme"),
        fact(id="other", provider="other"),
    ]
    path = tmp_path / "facts.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_the_models_come_last_and_sorted(places, facts, capsys):
    """Everything before [models] stays as it is, comments and all; the rows are sorted, also those under an alias."""
    path = places.providers / "acme.toml"
    path.write_text(HEAD, encoding="utf-8")
    assert main(["acme", "--facts", str(facts)], places) == 0
    assert path.read_text(encoding="utf-8") == HEAD + '\n[models]\n"a" = { context = 10 }\n"b" = { prices = "input=0.1" }\n"ü/\\"1\\"" = {}\n'
    assert capsys.readouterr().out == "wrote 3 models to acme.toml\n"
    (acme,) = load_folder(places.providers)
    assert list(acme.facts.models) == ["a", "b", 'ü/"1"']


def test_a_second_time_changes_nothing(places, facts):
    """The old rows are replaced, not added to."""
    path = places.providers / "acme.toml"
    path.write_text(HEAD, encoding="utf-8")
    main(["acme", "--facts", str(facts)], places)
    once = path.read_text(encoding="utf-8")
    main(["acme", "--facts", str(facts)], places)
    assert path.read_text(encoding="utf-8") == once


def test_the_facts_may_use_another_name(places, facts):
    """`--as` says under what name the facts know the provider."""
    path = places.providers / "acme.toml"
    path.write_text(HEAD, encoding="utf-8")
    assert main(["acme", "--facts", str(facts), "--as", "other"], places) == 0
    assert list(tomllib.loads(path.read_text(encoding="utf-8"))["models"]) == ["other"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["bolt"], "there is no bolt.toml in {folder}\n"),
        (["acme", "--as", "nobody"], "the facts say nothing of nobody\n"),
        (["solo"], "the facts say nothing of solo\n"),
    ],
)
def test_nothing_to_write_from(places, facts, capsys, arguments, message):
    """Without a file, or without facts, nothing is written."""
    (places.providers / "acme.toml").write_text(HEAD, encoding="utf-8")
    (places.providers / "solo.toml").write_text('name = "solo"\n', encoding="utf-8")
    assert main([*arguments, "--facts", str(facts)], places) == 1
    assert capsys.readouterr().err == message.format(folder=places.providers)
    assert (places.providers / "acme.toml").read_text(encoding="utf-8") == HEAD


def test_a_price_survives_the_way_to_a_model(places, facts):
    """What the facts say in floats is the same Decimal in the end."""
    path = places.providers / "acme.toml"
    path.write_text(HEAD, encoding="utf-8")
    main(["acme", "--facts", str(facts)], places)
    (acme,) = load_folder(places.providers)
    row = ("b", "", None, None, "chat", "", acme.facts.models["b"].prices, "")
    assert str(ModelInfo.from_row(row, "acme").price.input) == "0.1"


def test_it_is_a_command():
    """`python -m codegen.refresh` says how it is used."""
    done = subprocess.run([sys.executable, "-m", "codegen.refresh", "--help"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "python -m codegen.refresh" in done.stdout
