"""Writes the models of one provider's TOML file anew from a file of facts: `python -m codegen.refresh NAME --facts PATH [--as ID]`.

The facts are JSON lines, one for each provider and model, with limits, abilities, dates and `prices` in US dollars per million tokens
unless the key says otherwise. What a row cannot say, such as prices by region, is left out.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from codegen.__main__ import Places
from codegen.rules import is_date

_HEADING: Final = "\n[models]\n"
_MODES: Final = {"embedding": "embed", "tts": "speech", "stt": "transcribe", "moderation": "moderate"}
_ABILITIES: Final = {
    "tools": ("tools", None, None),
    "vision": ("vision", "input_modalities", "image"),
    "pdf_input": ("pdf_input", "input_modalities", "pdf"),
    "audio_input": ("audio_input", "input_modalities", "audio"),
    "video_input": (None, "input_modalities", "video"),
    "audio_output": ("audio_output", "output_modalities", "audio"),
    "json_schema": ("structured_output", None, None),
    "reasoning": ("reasoning", None, None),
    "caching": ("prompt_caching", None, None),
    "web_search": ("web_search", None, None),
}
"""Ability -> the fact that claims it, and the modality that implies it."""
_TOKENS: Final = {
    "input": "input",
    "output": "output",
    "cache_read": "cache_read",
    "cache_write": "cache_write",
    "cache_write_1h": "cache_write_1h",
    "reasoning": "reasoning",
    "audio_in": "audio_input",
    "audio_out": "audio_output",
    "image_in": "image_input",
    "image_out": "image_output",
}
"""Fact -> price for a million tokens."""
_UNITS: Final[Mapping[str, tuple[tuple[str, int], ...]]] = {
    "per_image": (("per_image_out", 1),),
    "per_second": (("per_second_in", 1), ("per_second", 1), ("per_second_out", 1), ("per_video_second_out", 1)),
    "per_character": (("per_character_in", 1), ("per_character_out", 1)),
    "per_request": (("per_request", 1), ("per_1k_requests", 1000)),
    "per_search": (("per_query", 1), ("web_search_per_1k", 1000)),
}
"""Price -> the facts that may give it, best first, and for how many units they do."""


def main(arguments: Sequence[str] | None = None, places: Places | None = None) -> int:
    """Run the command; returns 0 when the file was written, 1 when there is nothing to write it from."""
    parser = argparse.ArgumentParser(prog="python -m codegen.refresh", description="Write a provider's models from a file of facts.")
    parser.add_argument("name", metavar="NAME", help="the provider")
    parser.add_argument("--facts", required=True, type=pathlib.Path, metavar="PATH", help="JSON lines, one a provider and model")
    parser.add_argument("--as", dest="other", metavar="ID", help="the provider's name in the facts, where it is no alias")
    options = parser.parse_args(arguments)
    path = (places or Places()).providers / f"{options.name}.toml"
    if not path.is_file():
        print(f"there is no {path.name} in {path.parent}", file=sys.stderr)
        return 1
    text = path.read_text(encoding="utf-8")
    table = tomllib.loads(text)
    wanted = {options.other} if options.other else {table["name"], *table.get("aliases", ())}
    with options.facts.open(encoding="utf-8") as lines:
        facts = [fact for line in lines if (fact := json.loads(line, parse_float=Decimal))["provider"] in wanted]
    if not facts:
        print(f"the facts say nothing of {' or '.join(sorted(wanted))}", file=sys.stderr)
        return 1
    path.write_text(rewrite(text, facts, frozenset(table.get("chat_apis", {}))), encoding="utf-8")
    print(f"wrote {len(facts)} models to {path.name}")
    return 0


def rewrite(text: str, facts: Sequence[Mapping[str, Any]], apis: frozenset[str]) -> str:
    """Return a TOML file's text with its models, which come last, replaced by those of the facts."""
    head = text.partition(_HEADING)[0].rstrip("\n") + "\n"
    lines = [f"{json.dumps(fact['id'], ensure_ascii=False)} = {_table(fact, apis)}" for fact in sorted(facts, key=lambda fact: str(fact["id"]))]
    return head + _HEADING + "\n".join(lines) + "\n"


def _table(fact: Mapping[str, Any], apis: frozenset[str]) -> str:
    values = {key: value for key, value in _values(fact, apis).items() if value not in (None, "", False)}
    return "{ " + ", ".join(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()) + " }" if values else "{}"


def _values(fact: Mapping[str, Any], apis: frozenset[str]) -> dict[str, str | int | bool | None]:
    given: str = fact["mode"]
    mode = _MODES.get(given, given)
    context, longest = fact.get("context_length"), fact.get("max_input_tokens")
    efforts = _efforts(fact)
    return {
        "name": fact.get("name") if fact.get("name") != fact["id"] else None,
        "context": context,
        "max_output": fact.get("max_output_tokens") or None,
        "mode": mode if mode != "chat" else None,
        "abilities": " ".join(sorted(_abilities(fact))),
        "prices": "" if fact.get("suspect") else " ".join(_prices(fact.get("prices", {}), mode)),
        "released": _date(fact.get("release_date")),
        "retired": _date(fact.get("deprecation_date")),
        "deprecated": bool(fact["deprecated"]) and not fact.get("deprecation_date"),
        "knowledge": _date(fact.get("knowledge")),
        "max_input": longest if longest and context and longest < context else None,
        "dimensions": int(fact["embedding_dims"]) if "embedding_dims" in fact else None,
        "api": "responses" if fact.get("responses_only") and "responses" in apis else None,
        "efforts": ",".join(efforts),
        "rejects": _rejects(fact, efforts) if mode == "chat" else None,
    }


def _date(text: str | None) -> str | None:
    """Return a date as it is; None for one that is in no calendar."""
    return text if text is not None and is_date(text, or_month=True) else None


def _abilities(fact: Mapping[str, Any]) -> Iterator[str]:
    for ability, (claim, way, modality) in _ABILITIES.items():
        if (claim is not None and fact.get(claim)) or (way is not None and modality in fact.get(way, ())):
            yield ability


def _efforts(fact: Mapping[str, Any]) -> Sequence[str]:
    options: Sequence[Mapping[str, Any]] = fact.get("reasoning_options", ())
    listed: list[Sequence[str]] = [option["values"] for option in options if option["type"] == "effort"]
    levels: Sequence[str] | None = fact.get("reasoning_effort_levels")
    return levels or (listed[0] if listed else ())


def _rejects(fact: Mapping[str, Any], efforts: Sequence[str]) -> str | None:
    """Say which sampling parameters are refused; a model that can be told not to reason takes them then."""
    if fact.get("sampling_params") is False:
        return "temperature,top_p"
    return "temperature" if fact.get("temperature_param") is False and "none" not in efforts else None


def _prices(prices: Mapping[str, Any], mode: str) -> Iterator[str]:
    """Yield the words of a row's prices: the plain ones, those of the tiers, those at other rates, and what they vary with."""
    plain = {name: prices[fact] for fact, name in _TOKENS.items() if prices.get(fact) is not None}
    plain |= _units(prices, mode)
    yield from (f"{name}={_decimal(value)}" for name, value in plain.items())
    yield from _tiers(prices, plain)
    rates = {"batch": prices.get("batch"), **prices.get("service_tiers", {}), "off_peak": prices.get("off_peak")}
    for rate, other in rates.items():
        yield from (f"{rate}.{word}" for word in (_prices(other, mode) if other else ()))
    if "off_peak" in prices or "timed" in prices:
        yield "varies=time"
    elif "per_1k_requests" in prices:
        yield "varies=search"


def _units(prices: Mapping[str, Any], mode: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, facts in _UNITS.items():
        given = [prices[fact] / units if units > 1 else prices[fact] for fact, units in facts if prices.get(fact) is not None]
        if given:
            found[name] = next((price for price in given if price), given[0])
    if mode == "image" and "per_image" not in found and prices.get("per_image_in") is not None:
        found["per_image"] = prices["per_image_in"]  # what a request for one image costs
    searches = prices.get("web_search_per_query")
    if searches and "per_search" not in found:
        found["per_search"] = searches["search_context_size_medium"]
    return found


def _tiers(prices: Mapping[str, Any], plain: Mapping[str, Any]) -> Iterator[str]:
    listed: Sequence[Mapping[str, Any]] | Mapping[str, Any] = prices.get("tiers", ())
    if isinstance(listed, Mapping):
        tiers: dict[int, Mapping[str, Any]] = {int(above): tier for above, tier in listed.items()}
    else:
        tiers = {tier["above_tokens"]: tier for tier in listed}
    for above, tier in sorted(tiers.items()):
        for fact, name in _TOKENS.items():
            if tier.get(fact) is not None and tier[fact] != plain.get(name):
                yield f"{name}>{above}={_decimal(tier[fact])}"


def _decimal(value: Decimal | int) -> str:
    """Write a number without an exponent or useless zeros."""
    text = f"{Decimal(value):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


if __name__ == "__main__":
    sys.exit(main())
