"""`llmclient embed`: texts from arguments, a file or a pipe; vectors as JSON."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Callable
from typing import Any

import pytest

from llmclient.simulator import Simulator


def lines(text: str) -> list[dict[str, Any]]:
    """Parse JSONL."""
    return [json.loads(line) for line in text.splitlines()]


def test_each_text_gives_a_line(run: Callable[..., Any]) -> None:
    """Index and vector, in order."""
    done = run("embed", "openai/embed", "one", "two", "--dimensions", "8")
    assert [(0, 8), (1, 8)] == [(row["index"], len(row["embedding"])) for row in lines(done.stdout)]


def test_texts_come_from_a_file_or_a_pipe(run: Callable[..., Any], tmp_path: pathlib.Path) -> None:
    """A text a line, blank ones left out; a byte order mark is no part of the text."""
    (tmp_path / "texts.txt").write_text("one\n\ntwo\n", encoding="utf-8-sig")
    given = run("embed", "openai/embed", "one", "two").stdout
    assert given == run("embed", "openai/embed", "--input", str(tmp_path / "texts.txt")).stdout
    assert given == run("embed", "openai/embed", input="one\ntwo\n").stdout


def test_many_texts_go_in_batches(run: Callable[..., Any], simulator: Simulator) -> None:
    """The index counts through."""
    done = run("embed", "openai/embed", "a", "b", "c", "--batch", "2", "-v")
    assert ([0, 1, 2], 2) == ([row["index"] for row in lines(done.stdout)], len(simulator.requests))
    assert 2 == done.stderr.count("tokens, ")


def test_json_prints_the_whole_response(run: Callable[..., Any]) -> None:
    """In OpenAI's shape, with usage and cost."""
    found = json.loads(run("embed", "openai/text-embedding-3-small", "a", "--json").stdout)
    assert ("list", 1, True) == (found["object"], len(found["data"]), found["cost"] > 0)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ((), "there are no texts: the input is empty"),
        (("a", "--input", "-"), "give TEXTS or --input, not both"),
        (("a", "b", "--json", "--batch", "1"), "--json prints the response of one call, and 2 texts are more than --batch 1"),
    ],
)
def test_a_wrong_use_is_a_usage_error(run: Callable[..., Any], args: tuple[str, ...], message: str) -> None:
    """Exit code 2 and one sentence."""
    done = run("embed", "openai/embed", *args)
    assert 2 == done.exit_code
    assert message in done.stderr


def test_a_terminal_is_not_waited_for(run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without texts, and with nothing piped in, the command says how to give some."""
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda self: True, raising=False)
    assert "there are no texts; give some, or a file with --input, or pipe them in" in run("embed", "openai/embed").stderr
