"""The command above all others: finds the rest when they are named, and turns every failure into one sentence and an exit code.

0 all went well, 1 a call failed, 2 the command line is wrong, 130 interrupted, 141 whoever read the output has left.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
import traceback
from typing import Any, Final

import click

from llmclient import errors
from llmclient._version import __version__
from llmclient.errors import ProviderError

COMMANDS: Final = ("chat", "embed", "map", "models", "providers", "doctor", "simulate")
_WIDTH: Final = 110
_FAILED, _INTERRUPTED, _UNREAD = 1, 130, 141
_IN_CODE: Final = re.compile(r'pass Client\(providers=\{"[^"]*": \{"api_key": "…"\}\}\)')
_ADVICE: Final[tuple[tuple[type[ProviderError], str], ...]] = (
    (errors.PermissionDeniedError, "ask for access, or use another model or key"),
    (errors.AuthenticationError, "`llmclient doctor {provider}` says which key was used"),
    (errors.QuotaExceededError, "raise the account's budget, or use another provider"),
    (errors.RateLimitError, "try again later{after}"),
    (errors.ContextLengthExceededError, "shorten the prompt, or choose a model with a longer context"),
    (errors.ContentFilteredError, "change the prompt"),
    (errors.ModelNotFoundError, "`llmclient models {provider} --live` lists what the key may use"),
    (errors.RequestTimeoutError, "allow more time with --timeout, or try again"),
    (errors.NetworkError, "`llmclient doctor {provider}` checks the way there"),
    (errors.ProviderUnavailableError, "try again later{after}"),
    (errors.StreamTruncatedError, "what was printed is not the whole answer; try again"),
    (errors.ResponseParsingError, "check the address with `llmclient doctor {provider}`"),
    (errors.NotSupportedError, "`llmclient providers` lists what each can do"),
    (errors.InvalidRequestError, "change the request, since repeating it will not help"),
    (errors.StreamingError, "what was printed may not be the whole answer; try again"),
)
_STOP_BEFORE_FACTS: Final = re.compile(r"\.(?= \((?:status|model|request) )|\.$")


class Command(click.Command):
    """A command that takes --debug too, so that it need not stand in front."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.append(_debug_option())


class Root(click.Group):
    """The group; a command's module is imported when the command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, or None for an unknown name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"llmclient.cli.{cmd_name}").command
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; every failure ends here."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit):
            raise
        except BrokenPipeError:
            _hush()
            ctx.exit(_UNREAD)
        except (KeyboardInterrupt, click.Abort):
            _explain(ctx, "interrupted")
            ctx.exit(_INTERRUPTED)
        except Exception as error:  # noqa: BLE001 - a traceback is for those who ask for it
            _explain(ctx, sentence(error))
            ctx.exit(_FAILED)


def sentence(error: Exception) -> str:
    """Return a failure as one line that says what to do next."""
    if isinstance(error, ProviderError):
        text = _STOP_BEFORE_FACTS.sub("", " ".join(str(error).split()))
        return _IN_CODE.sub("pass --api-key", text) + _advise(error)
    if isinstance(error, OSError) and error.filename is not None:
        return f"llmclient: {error.filename}: {error.strerror}"
    if isinstance(error, TypeError | ValueError | OSError):
        return f"llmclient: {' '.join(str(error).split())}"
    return f"llmclient: {type(error).__name__}: {' '.join(str(error).split())}; run again with --debug to see where"


def _advise(error: ProviderError) -> str:
    advice = next((advice for kind, advice in _ADVICE if isinstance(error, kind)), None)
    if advice is None:
        return "; try again later" if error.retryable else ""
    after = f" (after {error.retry_after:g} s)" if error.retry_after is not None else ""
    return "; " + advice.format(provider=error.provider, after=after)


def _explain(ctx: click.Context, text: str) -> None:
    if ctx.meta.get("llmclient.debug"):
        click.echo(traceback.format_exc(), err=True, nl=False)
    click.echo(text, err=True)


def _hush() -> None:
    """Let Python's last flush of the output go nowhere; it would complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _remember(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        ctx.meta["llmclient.debug"] = True


def _debug_option() -> click.Option:
    return click.Option(["--debug"], is_flag=True, expose_value=False, callback=_remember, help="Show a traceback when something fails.")


@click.group(
    cls=Root,
    params=[_debug_option()],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": _WIDTH},
    epilog='Example: llmclient chat openai/gpt-4o-mini "Why is the sky blue?"',
)
@click.version_option(__version__, prog_name="llmclient", message="%(prog)s %(version)s")
def root() -> None:
    """Talk to language models of every provider.

    Models are named provider/model. Keys are read from the environment, such as OPENAI_API_KEY; `llmclient doctor` shows
    which were found. Answers go to standard output, everything else to standard error.
    """
