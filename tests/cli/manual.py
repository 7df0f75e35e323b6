"""Writes docs/cli.md from the commands' own help: `python tests/cli/manual.py`."""

from __future__ import annotations

import pathlib

import click

from llmclient.cli.root import COMMANDS, root

PAGE = pathlib.Path(__file__).parent.parent.parent / "docs" / "cli.md"
WIDTH = 100
HEAD = """# Command line

`pip install "llmclient[cli]"` brings the command `llmclient`; `python -m llmclient` is the same.

```bash
llmclient chat openai/gpt-4o-mini "Why is the sky blue?"
echo "Why is the sky blue?" | llmclient chat openai/gpt-4o-mini --system "Be brief." -v
printf 'one\\ntwo\\n' | llmclient map openai/gpt-4o-mini --output answers.jsonl
llmclient embed openai/text-embedding-3-small "a text" "another text" --dimensions 256
llmclient models openai
llmclient providers --configured
llmclient doctor openai
```

Models are named `provider/model`, keys come from the environment (`OPENAI_API_KEY`, …) or from `--api-key`. Answers go to standard
output as they come, everything else to standard error, so that pipes get text or JSON and nothing else.

## Exit codes

| code | meaning |
|---|---|
| 0 | all went well |
| 1 | a call failed, or with `map` any of its rows; one sentence on standard error says what to do next |
| 2 | the command line is wrong, or the extra `[cli]` is not installed |
| 130 | interrupted by Ctrl-C; open connections are closed |
| 141 | whoever read the output has left, as `head` does |

A traceback is shown with `--debug` only.

## Rows of map

Each answer is a line of JSON, written at once and whole:

```json
{"index": 0, "id": null, "input": "Why?", "ok": true, "text": "Because.", "finish_reason": "stop",
 "usage": {"prompt_tokens": 8, "completion_tokens": 2, "total_tokens": 10}, "cost": 0.0000024, "error": null}
```

`error` is null, or an object with `type`, `message` and `retry_after`; `cost` is an exact number of US dollars, or null where the
price is unknown. `index` counts the rows of the input that are not blank, from 0. An answer that calls tools has `tool_calls` too.

A run that was killed has left whole rows, and at worst one torn last line. The same command with `--resume` cuts that off and asks for
what is missing; it refuses an output that answers another input. A missing key, and a key that is refused at the first row, end the run
without writing rows.

"""


def write() -> str:
    """Return the page."""
    group = click.Context(root, info_name="llmclient", help_option_names=["-h", "--help"])
    parts = [HEAD + section("llmclient", help_of(root, "llmclient", group))]
    for name in COMMANDS:
        command = root.get_command(group, name)
        assert command is not None
        parts.append(section(f"llmclient {name}", help_of(command, name, group)))
    return "\n".join(parts)


def section(title: str, text: str) -> str:
    """Return one command's part."""
    return f"## {title}\n\n```text\n{text}\n```\n"


def help_of(command: click.Command, name: str, parent: click.Context) -> str:
    """Return the help in the same width everywhere."""
    own = None if command is root else parent
    names = parent.help_option_names
    context = click.Context(command, info_name=name, parent=own, terminal_width=WIDTH, max_content_width=WIDTH, help_option_names=names)
    return "\n".join(line.rstrip() for line in command.get_help(context).strip().splitlines())


if __name__ == "__main__":
    PAGE.write_text(write(), encoding="utf-8")
