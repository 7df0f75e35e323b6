"""`llmclient embed`: texts in, vectors out."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, TextIO

import click

from llmclient.cli.options import account, drop_none
from llmclient.cli.output import print_response, put, stdin, tell_usage, to_json, warn
from llmclient.cli.root import Command

if TYPE_CHECKING:
    from llmclient.types.embeddings import EmbeddingResponse


@click.command(
    "embed",
    cls=Command,
    short_help="Turn texts into vectors.",
    epilog="Example: llmclient embed openai/text-embedding-3-small --dimensions 256 < passages.txt",
)
@click.argument("model")
@click.argument("texts", nargs=-1)
@click.option("--input", "source", type=click.File(encoding="utf-8-sig"), metavar="FILE", help='A text a line; "-" is standard input.')
@click.option("--dimensions", type=click.IntRange(min=1), metavar="COUNT", help="The length of the vectors, where the model can choose.")
@click.option("--batch", type=click.IntRange(min=1), default=64, show_default=True, metavar="COUNT", help="How many texts a call takes.")
@account
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document in OpenAI's shape, with usage and cost.")
@click.option("-v", "--verbose", is_flag=True, help="Tell usage, cost and time of each call on standard error.")
def command(model: str, texts: tuple[str, ...], source: TextIO | None, batch: int, *, as_json: bool, verbose: bool, **given: Any) -> None:
    """Turn TEXTS, or the lines of a file or of standard input, into vectors.

    Prints a line of JSON for each text: {"index", "embedding"}.
    """
    everything = list(_texts(texts, source))
    if as_json and len(everything) > batch:
        raise click.UsageError(f"--json prints the response of one call, and {len(everything)} texts are more than --batch {batch}")
    options = drop_none(given)
    from llmclient.client import Client  # here, since it takes a while

    client = Client()
    for start in range(0, len(everything), batch):
        began = time.monotonic()
        response = client.embed(model, everything[start : start + batch], **options)
        if as_json:
            print_response(response)
        else:
            put("".join(_lines(response, start)))
        warn(response.warnings)
        if verbose:
            tell_usage(response, time.monotonic() - began)


def _texts(given: tuple[str, ...], source: TextIO | None) -> Iterable[str]:
    if given and source is not None:
        raise click.UsageError("give TEXTS or --input, not both")
    if given:
        return given
    stream = source or stdin()
    if source is None and stream.isatty():
        raise click.UsageError("there are no texts; give some, or a file with --input, or pipe them in")
    found = [line.rstrip("\r\n") for line in stream if line.strip()]
    if not found:
        raise click.UsageError("there are no texts: the input is empty")
    return found


def _lines(response: EmbeddingResponse, start: int) -> Iterator[str]:
    for index, vector in enumerate(response.vectors, start):
        yield to_json({"index": index, "embedding": list(vector)}).decode() + "\n"
