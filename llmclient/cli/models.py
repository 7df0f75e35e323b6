"""`llmclient models`: what is known of models, and which of them a key may use."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

import click

from llmclient.cli.options import account, drop_none
from llmclient.cli.output import note, print_json, print_table
from llmclient.cli.root import Command

if TYPE_CHECKING:
    from llmclient.models import ModelInfo

_COLUMNS: Final = (("model", False), ("context", True), ("max output", True), ("$/M in", True), ("$/M out", True), ("mode", False), ("abilities", False))


@click.command(
    "models",
    cls=Command,
    short_help="List models: context, prices, abilities.",
    epilog="Example: llmclient models openai --json",
)
@click.argument("provider", required=False)
@click.option("--live", is_flag=True, help="Ask the provider which models the key may use, instead of listing what is known.")
@account
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(provider: str | None, *, live: bool, as_json: bool, **given: Any) -> None:
    """List the models of PROVIDER, or of all providers: context, longest answer, prices and abilities.

    A dash means that it is not known. A model that is not listed can be used all the same.
    """
    from llmclient import registry

    options = drop_none(given)
    if not live and options:
        raise click.UsageError(f"--{next(iter(options)).replace('_', '-')} goes with --live")
    if live:
        if provider is None:
            raise click.UsageError("--live needs a PROVIDER")
        found = list(_ask(provider, options))
    else:
        names = registry.names() if provider is None else (registry.canonical(provider),)
        found = [info for name in names for info in registry.adapter(name)().models]
    if as_json:
        print_json([_describe(info) for info in found])
    elif found:
        print_table(_COLUMNS, (_row(info) for info in found))
    else:
        note(f"no models of {provider} are listed; --live asks the provider")


def _ask(provider: str, options: dict[str, Any]) -> Iterable[ModelInfo]:
    from llmclient.client import Client
    from llmclient.models import ModelInfo

    client = Client()
    trait = client.provider(provider)
    for model in client.list_models(provider, **options).models:
        yield trait.model_info(model.id) or ModelInfo(model_id=model.id, display_name=model.id, provider=trait.name, mode="")


def _describe(info: ModelInfo) -> dict[str, Any]:
    return {
        "id": info.model_id,
        "provider": info.provider,
        "name": info.display_name,
        "mode": info.mode or None,
        "context_length": info.context_length,
        "max_output_tokens": info.max_output_tokens,
        "abilities": sorted(info.abilities),
        "input_cost_per_million": info.input_cost_per_million,
        "output_cost_per_million": info.output_cost_per_million,
        "deprecated": info.deprecated,
        "retired_on": info.retired_on,
    }


def _row(info: ModelInfo) -> tuple[str, ...]:
    counts = (f"{count:,}" if count else "–" for count in (info.context_length, info.max_output_tokens))
    prices = (f"{price.normalize():f}" if price is not None else "–" for price in (info.input_cost_per_million, info.output_cost_per_million))
    words = [*sorted(info.abilities), *(["(deprecated)"] if info.deprecated else [])]
    return (f"{info.provider}/{info.model_id}", *counts, *prices, info.mode or "–", " ".join(words) or "–")
