"""`llmclient chat`: one question, one answer."""

from __future__ import annotations

import mimetypes
import pathlib
import time
from typing import TYPE_CHECKING, Any, Final

import click

from llmclient.cli.options import PATH, call, read_call
from llmclient.cli.output import is_piped, note, print_response, put, stdin, tell_usage, warn
from llmclient.cli.root import Command

if TYPE_CHECKING:
    from llmclient.client import Client
    from llmclient.types.chat import ChatResponse
    from llmclient.types.messages import Message, Part

_ADVICE: Final = {
    "length": "the answer was cut off; allow more with --max-tokens",
    "content_filter": "the provider's content filter has stopped the answer",
    "error": "the provider reports an error; the answer may not be complete",
    "unknown": "the provider gave no reason why the answer ended",
}


@click.command(
    "chat",
    cls=Command,
    short_help="Ask a model, and print its answer as it comes.",
    epilog='Example: git diff | llmclient chat openai/gpt-4o-mini "Write a commit message for this:"',
)
@click.argument("model")
@click.argument("prompt", required=False)
@click.option("-i", "--image", "images", multiple=True, metavar="FILE|URL", help="A picture for the model to see; may be given again.")
@click.option("-f", "--file", "files", type=PATH, multiple=True, metavar="FILE", help="A file: text is put into the prompt, others are attached.")
@call
@click.option("--no-stream", is_flag=True, help="Print the answer when it is complete.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole response as JSON, with usage and cost.")
@click.option("-v", "--verbose", is_flag=True, help="Tell usage, cost and time on standard error.")
def command(model: str, prompt: str | None, images: tuple[str, ...], files: tuple[pathlib.Path, ...], **given: Any) -> None:
    """Ask MODEL, and print its answer as it comes.

    PROMPT is the question; "-", or nothing, reads it from standard input. What is piped in besides a PROMPT is put after it.
    """
    no_stream, as_json, verbose = (given.pop(name) for name in ("no_stream", "as_json", "verbose"))
    message = _message(_prompt(prompt), images, files)
    options = read_call(given)
    from llmclient.client import Client  # here, since it takes a while

    started = time.monotonic()
    first = None
    if no_stream or as_json:
        response = Client().chat(model, [message], **options)
        _print_whole(response, as_json=as_json)
    else:
        response, first = _stream(Client(), model, message, options, started)
    _remark(response)
    if verbose:
        tell_usage(response, time.monotonic() - started, first)


def _prompt(given: str | None) -> str:
    source = stdin()
    if given is None and source.isatty():
        raise click.UsageError('there is no prompt; give one, or pipe it in: echo "Why?" | llmclient chat MODEL')
    if given in (None, "-"):
        return _not_empty(source.read())
    piped = source.read() if is_piped(source) else ""
    return _not_empty(f"{given}\n\n{piped}" if piped.strip() else str(given))


def _not_empty(text: str) -> str:
    if not text.strip():
        raise click.UsageError("the prompt is empty")
    return text.removesuffix("\n")


def _message(prompt: str, images: tuple[str, ...], files: tuple[pathlib.Path, ...]) -> Message:
    from llmclient.types.messages import Image, Message, Text

    parts: list[Part] = [Image(url=image) if "://" in image or image.startswith("data:") else Image(path=_existing(image)) for image in images]
    for file in files:
        attached = _attach(file)
        if isinstance(attached, Text):
            prompt += attached.text
        else:
            parts.append(attached)
    return Message("user", (Text(prompt), *parts) if parts else prompt)


def _existing(image: str) -> str:
    if not pathlib.Path(image).is_file():
        raise click.UsageError(f"there is no file {image!r}")
    return image


def _attach(path: pathlib.Path) -> Part:
    from llmclient.types.messages import Audio, File, Image, Text

    kind = (mimetypes.guess_type(path.name)[0] or "").partition("/")[0]
    if kind in ("image", "audio"):
        return Image(path=path) if kind == "image" else Audio(path=path)
    data = path.read_bytes()
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return File(path=path)
    return File(path=path) if "\0" in text or text.startswith("%PDF-") else Text(f"\n\n{path.name}:\n{text}")


def _print_whole(response: ChatResponse, *, as_json: bool) -> None:
    if as_json:
        print_response(response)
    else:
        _end(response.text)


def _stream(client: Client, model: str, message: Message, options: dict[str, Any], started: float) -> tuple[ChatResponse, float | None]:
    first: float | None = None
    last = "\n"
    try:
        with client.stream(model, [message], **options) as stream:
            for chunk in stream:
                # With n > 1 the answers come interleaved; one of them can be read.
                if chunk.text and chunk.index == 0:
                    first = first or time.monotonic() - started
                    last = chunk.text
                    put(last)
            return stream.response, first
    finally:
        if not last.endswith("\n"):
            put("\n")


def _end(text: str) -> None:
    put(text if text.endswith("\n") or not text else text + "\n")


def _remark(response: ChatResponse) -> None:
    """Say what the text alone does not show."""
    warn(response.warnings)
    if response.tool_calls:
        names = ", ".join(call.function.name for call in response.tool_calls)
        note(f"the model wants to call {names}; --json shows with which arguments")
    if advice := _ADVICE.get(response.finish_reason or "unknown"):
        note(advice)
