"""`llmclient providers`: who can be called, and with which key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from llmclient.cli.output import note, print_json, print_table
from llmclient.cli.root import Command

if TYPE_CHECKING:
    from llmclient.cli.access import Access

_COLUMNS: Final = (("provider", False), ("title", False), ("key", False), ("operations", False), ("status", False))
_OPERATIONS: Final = {
    "chat_completion": "chat",
    "embeddings": "embed",
    "rerank": "rerank",
    "image_generation": "image",
    "text_to_speech": "speech",
    "speech_to_text": "transcribe",
    "moderation": "moderate",
    "list_models": "models",
}


@click.command(
    "providers",
    cls=Command,
    short_help="List providers, and which have a key.",
    epilog="Example: llmclient providers --configured",
)
@click.option("--configured", is_flag=True, help="Only those that a key or an address was set for.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(*, configured: bool, as_json: bool) -> None:
    """List the providers, what each can do, and which variable holds or would hold its key.

    A key that is set is marked with an asterisk; the key itself is never shown.
    """
    from llmclient.cli import access

    found = [entry for entry in access.find_all() if entry.is_configured or not configured]
    if as_json:
        print_json([_describe(entry) for entry in found])
    elif found:
        print_table(_COLUMNS, (_row(entry) for entry in found))
    else:
        note("no provider has a key; set one, such as OPENAI_API_KEY")


def _operations(entry: Access) -> list[str]:
    able = entry.provider.capabilities
    return [word for capability, word in _OPERATIONS.items() if capability in able]


def _describe(entry: Access) -> dict[str, Any]:
    provider = entry.provider
    return {
        "name": entry.name,
        "title": provider.title,
        "aliases": list(provider.aliases),
        "status": provider.status,
        "docs": provider.docs,
        "configured": entry.is_configured,
        "key_found_in": entry.key,
        "key_variables": list(provider.env.get("api_key", ())),
        "address": entry.address,
        "problem": entry.problem,
        "capabilities": sorted(provider.capabilities),
    }


def _row(entry: Access) -> tuple[str, ...]:
    provider = entry.provider
    variables = provider.env.get("api_key", ())
    key = f"{entry.key} *" if entry.key else variables[0] if variables else "–"
    return (entry.name, provider.title, key, " ".join(_operations(entry)) or "–", provider.status)
