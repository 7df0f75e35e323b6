"""`llmclient map`: rows in, rows out, and nothing lost when the process dies."""

from __future__ import annotations

import io
import json
import os
import pathlib
import pty
import signal
import subprocess
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

import llmclient
from llmclient.cli import rows as module
from llmclient.cli.rows import Output, Row, read_rows, recover
from llmclient.fanout import Item
from llmclient.simulator import Simulator
from llmclient.types.chat import ChatResponse

KEYS = ["index", "id", "input", "ok", "text", "finish_reason", "usage", "cost", "error"]


def rows(text: str) -> list[dict[str, Any]]:
    """Parse JSONL; fails for a line that is no JSON."""
    return [json.loads(line) for line in text.splitlines()]


def texts(path: pathlib.Path) -> dict[int, str]:
    """Return index and text of each row of a file."""
    return {row["index"]: row["text"] for row in rows(path.read_text())}


def test_lines_become_rows_in_order(run: Callable[..., Any]) -> None:
    """Each row holds what was asked and what was answered; blank lines are none."""
    done = run("map", "openai/gpt-4o-mini", "-", input="one\n\ntwo\n")
    found = rows(done.stdout)
    assert 0 == done.exit_code
    assert [KEYS, KEYS] == [list(row) for row in found]
    assert [(0, "one", "one"), (1, "two", "two")] == [(row["index"], row["input"], row["text"]) for row in found]
    assert (None, True, "stop", None) == (found[0]["id"], found[0]["ok"], found[0]["finish_reason"], found[0]["error"])
    assert found[0]["usage"]["total_tokens"] > 0
    assert 0 < found[0]["cost"] < 0.01


def test_jsonl_rows_hold_prompts_or_messages_and_keep_id_and_input(run: Callable[..., Any], simulator: Simulator) -> None:
    """Texts, objects with a prompt, objects with messages; unknown keys stay in the input."""
    given = ['{"prompt": "one", "id": "a", "note": 1}', '{"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "two"}]}', '"three"']
    found = rows(run("map", "openai/echo", input="\n".join(given)).stdout)
    assert [("a", "one"), (None, "two"), (None, "three")] == [(row["id"], row["text"]) for row in found]
    assert [json.loads(line) for line in given] == [row["input"] for row in found]
    assert ["s", "two"] in [[message["content"] for message in request.body["messages"]] for request in simulator.requests]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{broken", "row 1 is not JSON"),
        ('{"text": "no prompt"}', 'row 1 must be an object with either "prompt" or "messages"'),
        ('{"prompt": "a", "messages": []}', 'row 1 must be an object with either "prompt" or "messages"'),
        ('{"prompt": 7}', "row 1: a prompt must be a text, and messages a list"),
        ("[1]", "row 1 must be an object"),
    ],
)
def test_a_row_without_a_prompt_fails_alone(run: Callable[..., Any], simulator: Simulator, line: str, problem: str) -> None:
    """The others are answered; the row says what is wrong with it; the exit code is 1."""
    done = run("map", "openai/echo", input=f'{{"prompt": "a"}}\n{line}\n{{"prompt": "b"}}\n')
    found = rows(done.stdout)
    assert (1, [True, False, True], 2) == (done.exit_code, [row["ok"] for row in found], len(simulator.requests))
    assert ("InvalidRequestError", None, None) == (found[1]["error"]["type"], found[1]["text"], found[1]["error"]["retry_after"])
    assert problem in found[1]["error"]["message"]


def test_a_failed_call_is_a_row_with_its_error(run: Callable[..., Any], simulator: Simulator) -> None:
    """Type, message and the wait that the provider asks for; the exit code is 1."""
    done = run("map", "openai/fault/status=429;retry-after=99", input="a")
    (row,) = rows(done.stdout)
    assert (1, False, "RateLimitError", 99) == (done.exit_code, row["ok"], row["error"]["type"], row["error"]["retry_after"])
    assert done.stderr.startswith("0 ok, 1 failed, ")


@pytest.mark.parametrize(("name", "form", "wanted"), [("a.jsonl", "auto", "x"), ("a.txt", "auto", "x"), ("-", "lines", '{"prompt": "x"}'), ("-", "jsonl", "x")])
def test_the_form_of_the_input_is_told_or_guessed(name: str, form: str, wanted: str) -> None:
    """By the file's name, by the first row, or by --format."""
    assert [wanted] == [row.prompt for row in read_rows(['{"prompt": "x"}\n'], name, form)]


def test_lines_of_json_without_a_prompt_are_text() -> None:
    """A line such as 42 is a question like any other."""
    assert ["42", '{"a": 1}'] == [row.prompt for row in read_rows(["42\n", '{"a": 1}\n'], "-")]


def test_rows_are_read_as_they_are_needed(simulator: Simulator, run: Callable[..., Any]) -> None:
    """An endless input is no trouble."""
    endless = read_rows(iter(lambda: "x\n", None), "-")
    assert (0, 1) == (next(endless).index, next(endless).index)


def test_tool_calls_are_part_of_the_row(run: Callable[..., Any]) -> None:
    """An answer that is a call is no empty answer."""
    done = run("map", "openai/echo", "-o", 'tools=[{"type": "function", "function": {"name": "f"}}]', input="a")
    (row,) = rows(done.stdout)
    assert ("f", "tool_calls") == (row["tool_calls"][0]["name"], row["finish_reason"])


def test_the_summary_counts_rows_tokens_cost_and_speed(run: Callable[..., Any]) -> None:
    """One line on standard error."""
    (line,) = run("map", "openai/gpt-4o-mini", input="one\ntwo\n").stderr.splitlines()
    assert line.startswith("2 ok, 0 failed, ")
    assert " tokens, $0.0" in line
    assert line.endswith(" calls/s")


def test_unpriced_models_are_told_in_the_summary(run: Callable[..., Any]) -> None:
    """No price, no zero."""
    assert "cost unknown: no price is known" in run("map", "openai/echo", input="one\n").stderr


def test_a_sum_that_lacks_prices_says_so(monkeypatch: pytest.MonkeyPatch, run: Callable[..., Any]) -> None:
    """It is a lower bound."""
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    whole = ChatResponse.from_dict({"choices": [], "usage": {**usage, "cost": 0.5}})
    items = [Item(0, response=whole), Item(1, response=ChatResponse.from_dict({"choices": [], "usage": usage}))]

    def answer(client: llmclient.Client, model: str, prompts: Iterable[str], **options: Any) -> Iterator[Item[ChatResponse]]:
        return (item for item, _ in zip(items, list(prompts), strict=True))

    monkeypatch.setattr(llmclient.Client, "map", answer)
    assert "4 tokens, at least $0.5 (1 rows without a price: no price is known for this model)" in run("map", "openai/echo", input="a\nb\n").stderr


def test_a_terminal_is_not_waited_for(start: Callable[..., subprocess.Popen[str]]) -> None:
    """Without an input, and with nothing piped in, the command says how to give one."""
    leader, follower = pty.openpty()
    _, errors = start("map", "openai/echo", stdin=follower).communicate(timeout=30)
    os.close(leader)
    os.close(follower)
    assert "there is no INPUT; name a file, or pipe prompts in" in errors


def test_all_rows_of_many_come_once(run: Callable[..., Any], simulator: Simulator, tmp_path: pathlib.Path) -> None:
    """Unordered too, with more workers than the usual pool has connections."""
    out = tmp_path / "out.jsonl"
    prompts = "".join(f"prompt {number}\n" for number in range(300))
    assert 0 == run("map", "openai/echo", "-O", str(out), "--workers", "120", "--unordered", input=prompts).exit_code
    assert {number: f"prompt {number}" for number in range(300)} == texts(out)


def test_an_output_that_is_there_is_not_overwritten_by_accident(run: Callable[..., Any], tmp_path: pathlib.Path) -> None:
    """--resume and --overwrite say what is meant."""
    out = tmp_path / "out.jsonl"
    assert 0 == run("map", "openai/echo", "-O", str(out), input="a\n").exit_code
    refused = run("map", "openai/echo", "-O", str(out), input="b\n")
    assert 2 == refused.exit_code
    assert "--resume goes on with it, --overwrite starts again" in refused.stderr
    assert 0 == run("map", "openai/echo", "-O", str(out), "--overwrite", input="b\n").exit_code
    assert {0: "b"} == texts(out)


def test_an_empty_output_may_be_filled(run: Callable[..., Any], tmp_path: pathlib.Path) -> None:
    """There is nothing to lose."""
    (tmp_path / "out.jsonl").touch()
    assert 0 == run("map", "openai/echo", "-O", str(tmp_path / "out.jsonl"), input="a\n").exit_code


def test_resume_asks_only_for_what_is_missing(run: Callable[..., Any], simulator: Simulator, tmp_path: pathlib.Path) -> None:
    """A torn last line is cut off and asked again; whole rows stay as they are."""
    out = tmp_path / "out.jsonl"
    run("map", "openai/echo", "-O", str(out), input="a\nb\nc\n")
    whole = out.read_bytes().splitlines(keepends=True)
    out.write_bytes(whole[0] + whole[1][:20])
    simulator.clear()
    done = run("map", "openai/echo", "-O", str(out), "--resume", input="a\nb\nc\n")
    assert (0, 2, {0: "a", 1: "b", 2: "c"}) == (done.exit_code, len(simulator.requests), texts(out))
    assert done.stderr.startswith("2 ok, 0 failed, 1 done before, ")
    assert whole[0] == out.read_bytes().splitlines(keepends=True)[0]


def test_resume_without_an_output_yet_is_a_first_run(run: Callable[..., Any], tmp_path: pathlib.Path) -> None:
    """So that one command line serves for all runs."""
    assert 0 == run("map", "openai/echo", "-O", str(tmp_path / "out.jsonl"), "--resume", input="a\n").exit_code


def test_resume_leaves_failed_rows_unless_told(run: Callable[..., Any], simulator: Simulator, tmp_path: pathlib.Path) -> None:
    """They count in the exit code; --retry-failed asks for them again and keeps no second row."""
    out = tmp_path / "out.jsonl"
    simulator.fault("status=400")
    assert 1 == run("map", "openai/echo", "-O", str(out), "--workers", "1", input="a\nb\n").exit_code
    left = run("map", "openai/echo", "-O", str(out), "--resume", input="a\nb\n")
    assert 1 == left.exit_code
    assert "2 done before (1 of them failed)" in left.stderr
    again = run("map", "openai/echo", "-O", str(out), "--resume", "--retry-failed", input="a\nb\n")
    assert (0, [1, 0]) == (again.exit_code, [row["index"] for row in rows(out.read_text())])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"index": 0, "ok": true, "input": "other"}\n', "row 0 of the output answers another input"),
        ("a diary\n", "line 1 of "),
        ('{"a": 1}\n', "was not written by `llmclient map`"),
    ],
)
def test_resume_never_mixes_up_two_jobs(run: Callable[..., Any], simulator: Simulator, tmp_path: pathlib.Path, content: str, message: str) -> None:
    """An output of another input, or of no `map` at all, is refused and left alone."""
    out = tmp_path / "out.jsonl"
    out.write_text(content)
    done = run("map", "openai/echo", "-O", str(out), "--resume", input="a\n")
    assert (1, content, []) == (done.exit_code, out.read_text(), simulator.requests)
    assert message in done.stderr


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--resume",), "--resume and --overwrite need an --output"),
        (("--retry-failed",), "--retry-failed goes with --resume"),
        (("--workers", "0"), "Invalid value for '-w' / '--workers'"),
        (("nowhere.txt",), "nowhere.txt"),
    ],
)
def test_a_wrong_use_is_a_usage_error(run: Callable[..., Any], args: tuple[str, ...], message: str) -> None:
    """Exit code 2 and one sentence."""
    done = run("map", "openai/echo", *args, input="a")
    assert 2 == done.exit_code
    assert message in done.stderr


def test_a_missing_key_ends_the_run_and_writes_no_rows(run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """What every row would meet is told once."""
    monkeypatch.delenv("OPENAI_API_KEY")
    done = run("map", "openai/echo", input="a\nb\n")
    assert (1, "") == (done.exit_code, done.stdout)
    assert "OPENAI_API_KEY is not set; set it or pass --api-key" in done.stderr


def test_a_refused_key_ends_the_run(run: Callable[..., Any], simulator: Simulator) -> None:
    """Before any row was answered; later it counts as that row's own failure."""
    simulator.fault("status=401")
    done = run("map", "openai/echo", "--workers", "1", input="a\nb\n")
    assert (1, "") == (done.exit_code, done.stdout)


def test_a_key_that_is_refused_later_is_a_failed_row(run: Callable[..., Any], simulator: Simulator) -> None:
    """A hiccup at row 70,000 must not end the run."""
    simulator.fault("slow-headers=0")
    simulator.fault("status=401")
    done = run("map", "openai/echo", "--workers", "1", input="a\nb\nc\n")
    assert (1, [True, False, True]) == (done.exit_code, [row["ok"] for row in rows(done.stdout)])


class Scripted(io.RawIOBase):
    """A file that takes at most so many bytes at a time, and remembers its writes."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.writes: list[bytes] = []

    def write(self, data: Any) -> int:
        self.writes.append(bytes(data[: self.most]))
        return len(self.writes[-1])


@pytest.mark.parametrize(("most", "writes"), [(1_000_000, 1), (3, 4)], ids=["whole", "in pieces"])
def test_a_row_is_one_write_where_the_system_takes_it(most: int, writes: int, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    """So that a kill finds it written or not; a write that takes less goes on where it stopped."""
    stream = Scripted(most)
    monkeypatch.setattr(pathlib.Path, "open", lambda *args, **options: stream)
    Output(tmp_path / "out.jsonl").write({"index": 0})
    assert (b'{"index":0}\n', writes) == (b"".join(stream.writes), len(stream.writes))


@pytest.mark.parametrize("args", [("opena/echo",), ("openai/echo", "-o", "temprature=1", "-o", "n=-1")], ids=["provider", "option"])
def test_a_run_that_cannot_begin_leaves_the_output_alone(run: Callable[..., Any], tmp_path: pathlib.Path, args: tuple[str, ...]) -> None:
    """A typing error after --overwrite must not cost the answers of yesterday."""
    out = tmp_path / "out.jsonl"
    out.write_text("precious\n")
    done = run("map", *args, "-O", str(out), "--overwrite", input="a\n")
    assert (1, "precious\n", 1) == (done.exit_code, out.read_text(), len(done.stderr.splitlines()))


def test_an_input_without_rows_gives_an_output_without_rows(run: Callable[..., Any], tmp_path: pathlib.Path) -> None:
    """The file is there, so that the next step finds it."""
    out = tmp_path / "out.jsonl"
    out.write_text("old\n")
    assert 0 == run("map", "openai/echo", "-O", str(out), "--overwrite", input="\n").exit_code
    assert "" == out.read_text()


def test_recovery_reads_each_index_and_its_input(tmp_path: pathlib.Path) -> None:
    """A row that was done is known by its index and its input."""
    out = tmp_path / "out.jsonl"
    out.write_text('{"index": 0, "ok": true, "input": "a"}\n{"index": 1, "ok": false, "input": "b"}\n{"index"')
    done = recover(out)
    assert (True, True, False, 1) == (done.has(Row(0, "a", "a")), done.has(Row(1, "b", "b")), done.has(Row(2, "c", "c")), done.failed)
    assert out.read_bytes().endswith(b"}\n")


def test_nothing_was_done_without_an_output() -> None:
    """The first run skips nothing."""
    assert not module.NOTHING_DONE.has(Row(0, "a", "a"))


def test_a_killed_run_leaves_valid_rows_and_resume_completes_it(
    start: Callable[..., subprocess.Popen[str]], simulator: Simulator, tmp_path: pathlib.Path
) -> None:
    """kill -9 in the middle: all lines are whole, or the last is torn; then every row is there exactly once."""
    source, out = tmp_path / "in.txt", tmp_path / "out.jsonl"
    source.write_text("".join(f"prompt {number}\n" for number in range(400)))
    args = ("map", "openai/echo", str(source), "--output", str(out), "--workers", "4", "--unordered")
    process = start(*args)
    while not out.exists() or out.read_bytes().count(b"\n") < 20:
        assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait(30)
    written = out.read_bytes()
    whole = written[: written.rfind(b"\n") + 1].decode()
    assert 20 <= len(rows(whole)) < 400
    _, errors = (again := start(*args, "--resume")).communicate(timeout=60)
    assert 0 == again.returncode, errors
    assert 400 == len(rows(out.read_text()))
    assert {number: f"prompt {number}" for number in range(400)} == texts(out)
    assert out.read_text().startswith(whole)


def test_ctrl_c_stops_with_130_and_keeps_the_rows(start: Callable[..., subprocess.Popen[str]], tmp_path: pathlib.Path) -> None:
    """The calls that are out are cancelled, and the way on is told."""
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text('{"prompt": "hi"}\n' * 5_000)
    process = start("map", "openai/echo", str(source), "-O", str(out), "--workers", "2")
    while not out.exists() or not out.read_bytes():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert 130 == process.returncode
    assert "stopped; --resume goes on from here" in errors
    assert "Traceback" not in errors
    assert rows(out.read_text())


def test_a_bar_is_drawn_on_a_terminal_only(start: Callable[..., subprocess.Popen[str]], tmp_path: pathlib.Path) -> None:
    """Standard error shows how many of how many; standard output stays JSONL."""
    (tmp_path / "in.txt").write_text("a\n\nb\n")
    leader, follower = pty.openpty()
    process = start("map", "openai/echo", str(tmp_path / "in.txt"), stderr=follower)
    out, _ = process.communicate(timeout=30)
    os.close(follower)
    shown = b""
    while b"calls/s" not in shown:
        shown += os.read(leader, 65_536)
    os.close(leader)
    assert 2 == len(rows(out))
    assert b"/2" in shown
