"""`llmclient chat`: where the prompt comes from, what is sent, and what is printed where."""

from __future__ import annotations

import base64
import json
import os
import pathlib
import pty
import signal
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from llmclient.cli import chat, output
from llmclient.simulator import Simulator

PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")


def sent(simulator: Simulator) -> dict[str, Any]:
    """Return the body of the last request."""
    body = simulator.requests[-1].body
    assert isinstance(body, dict)
    return body


def test_an_answer_is_streamed_to_standard_output(run: Callable[..., Any], simulator: Simulator) -> None:
    """The text alone is on standard output, with a line end; nothing on standard error."""
    done = run("chat", "openai/echo", "Why is the sky blue?")
    assert (0, "Why is the sky blue?\n", "") == (done.exit_code, done.stdout, done.stderr)
    assert True is sent(simulator)["stream"]


@pytest.mark.parametrize(
    ("args", "piped", "asked"),
    [
        (("given",), "", "given"),
        (("-",), "piped\n", "piped"),
        ((), "piped\n", "piped"),
        (("given",), "piped\n", "given\n\npiped"),
        (("given",), " \n", "given"),
    ],
    ids=["argument", "dash", "stdin", "both", "blank"],
)
def test_the_prompt_comes_from_the_argument_from_standard_input_or_both(
    run: Callable[..., Any], simulator: Simulator, args: tuple[str, ...], piped: str, asked: str
) -> None:
    """What is piped in stands after the argument, a blank line between them."""
    assert 0 == run("chat", "openai/echo", *args, input=piped).exit_code
    assert [{"role": "user", "content": asked}] == sent(simulator)["messages"]


@pytest.mark.parametrize("args", [(), ("",), ("-",)])
def test_an_empty_prompt_is_a_usage_error(run: Callable[..., Any], simulator: Simulator, args: tuple[str, ...]) -> None:
    """Nothing is sent for nothing."""
    done = run("chat", "openai/echo", *args, input="\n")
    assert (2, []) == (done.exit_code, simulator.requests)
    assert "the prompt is empty" in done.stderr


def test_a_terminal_is_not_waited_for(start: Callable[..., subprocess.Popen[str]]) -> None:
    """Without a prompt, and with nothing piped in, the command says how to give one."""
    leader, follower = pty.openpty()
    _, errors = start("chat", "openai/echo", stdin=follower).communicate(timeout=30)
    os.close(leader)
    os.close(follower)
    assert "there is no prompt; give one, or pipe it in" in errors


def test_an_inherited_socket_is_not_waited_for() -> None:
    """Standard input that is neither pipe, file nor terminal may never end, so it is not read besides a prompt."""
    with open(os.devnull, encoding="utf-8") as device:  # noqa: PTH123 - a device, not a path
        assert not output.is_piped(device)


def test_a_missing_standard_input_counts_as_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service may be started without one."""
    monkeypatch.setattr("sys.stdin", None)
    assert "" == output.stdin().read()


def test_options_reach_the_request(run: Callable[..., Any], simulator: Simulator, tmp_path: pathlib.Path) -> None:
    """Named options, options by name=value, and names that only the provider knows."""
    schema = tmp_path / "city.json"
    schema.write_text('{"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": false}')
    args = ("-s", "Be brief.", "--temperature", "0", "--max-tokens", "99", "--schema", str(schema), "-o", "seed=7", "-o", "user=me", "-o", 'x_flag={"a": [1]}')
    done = run("chat", "openai/echo", "hi", *args)
    body = sent(simulator)
    assert (0, {"a"}) == (done.exit_code, set(json.loads(done.stdout)))
    assert [("system", "Be brief."), ("user", "hi")] == [(message["role"], message["content"]) for message in body["messages"]]
    assert (0, 99, 7, "me", {"a": [1]}) == (body["temperature"], body["max_completion_tokens"], body["seed"], body["user"], body["x_flag"])
    form = body["response_format"]
    assert ("json_schema", "city", True) == (form["type"], form["json_schema"]["name"], form["json_schema"]["strict"])


def test_a_file_may_hold_the_whole_response_format(run: Callable[..., Any], simulator: Simulator, tmp_path: pathlib.Path) -> None:
    """It is sent as it is."""
    whole = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}
    (tmp_path / "format.json").write_text(json.dumps(whole))
    assert 0 == run("chat", "openai/echo", "hi", "--schema", str(tmp_path / "format.json")).exit_code
    assert whole == sent(simulator)["response_format"]


def test_extra_and_unknown_names_go_out_together(run: Callable[..., Any], simulator: Simulator) -> None:
    """`-o extra={…}` keeps what it holds."""
    assert 0 == run("chat", "openai/echo", "hi", "-o", 'extra={"x_one": 1}', "-o", "x_two=2").exit_code
    assert (1, 2) == (sent(simulator)["x_one"], sent(simulator)["x_two"])


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("-o", "seed"), "'seed' is not of the form name=value"),
        (("--temperature", "1", "-o", "temperature=0"), "--option temperature says again what --temperature says"),
        (("--schema", "broken.json"), "broken.json is not JSON"),
        (("--schema", "list.json"), "list.json must hold a JSON object"),
        (("--image", "nowhere.png"), "there is no file 'nowhere.png'"),
        (("--temperatur", "1"), "No such option"),
    ],
)
def test_a_wrong_option_is_a_usage_error(
    run: Callable[..., Any], simulator: Simulator, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, args: tuple[str, ...], message: str
) -> None:
    """Exit code 2, one sentence, and nothing is sent."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "list.json").write_text("[]")
    done = run("chat", "openai/echo", "hi", *args)
    assert (2, []) == (done.exit_code, simulator.requests)
    assert message in done.stderr


def test_pictures_and_files_are_attached(run: Callable[..., Any], simulator: Simulator, tmp_path: pathlib.Path) -> None:
    """Pictures by path and by address, documents as files; a text file becomes part of the prompt."""
    (tmp_path / "dot.png").write_bytes(PNG)
    (tmp_path / "notes.txt").write_text("buy milk")
    (tmp_path / "paper.pdf").write_bytes(b"%PDF-1.4 text")
    (tmp_path / "odd.bin").write_bytes(b"\xff\x00")
    (tmp_path / "beep.wav").write_bytes(b"RIFF\x00\x00\x00\x00WAVE")
    files = [arg for name in ("dot.png", "notes.txt", "paper.pdf", "odd.bin", "beep.wav") for arg in ("-f", str(tmp_path / name))]
    done = run("chat", "openai/echo", "Look:", "-i", str(tmp_path / "dot.png"), "-i", "https://example.test/cat.png", *files)
    assert 0 == done.exit_code, done.stderr
    content = sent(simulator)["messages"][0]["content"]
    assert ["text", "image_url", "image_url", "image_url", "file", "file", "input_audio"] == [part["type"] for part in content]
    assert "Look:\n\nnotes.txt:\nbuy milk" == content[0]["text"]
    assert "https://example.test/cat.png" == content[2]["image_url"]["url"]


def test_json_holds_the_response_with_usage_and_cost(run: Callable[..., Any], simulator: Simulator) -> None:
    """`to_dict` of the response, and what it leaves out."""
    found = json.loads(run("chat", "openai/echo", "hi", "--json").stdout)
    assert ("hi", "stop") == (found["choices"][0]["message"]["content"], found["choices"][0]["finish_reason"])
    assert (True, None, 1, []) == (found["usage"]["total_tokens"] > 0, found["cost"], found["attempts"], found["warnings"])
    assert {"cost_note", "request_id", "provider"} <= found.keys()
    assert "stream" not in sent(simulator)


def test_no_stream_prints_the_same_text(run: Callable[..., Any], simulator: Simulator) -> None:
    """The answer comes at once, and the request asks for no stream."""
    assert "hi\n" == run("chat", "openai/echo", "hi", "--no-stream").stdout
    assert "stream" not in sent(simulator)


@pytest.mark.parametrize("how", [(), ("--no-stream",)])
def test_verbose_tells_usage_cost_and_time(run: Callable[..., Any], how: tuple[str, ...]) -> None:
    """On standard error, in one line."""
    done = run("chat", "openai/gpt-4o-mini", "hi", "-v", *how)
    assert "hi\n" == done.stdout
    assert 1 == len(done.stderr.splitlines())
    assert "prompt + " in done.stderr
    assert ", $0.0" in done.stderr
    assert ", request " in done.stderr
    assert ("first text after" in done.stderr) is not bool(how)


def test_retries_show_in_verbose(run: Callable[..., Any], simulator: Simulator) -> None:
    """A call that was made twice says so."""
    simulator.fault("status=500;retry-after-ms=1")
    assert "2 attempts" in run("chat", "openai/echo", "hi", "-v").stderr


def test_a_cut_off_answer_is_called_so(run: Callable[..., Any]) -> None:
    """The text is printed, and a note says that it is not all."""
    done = run("chat", "openai/lorem", "hi", "--max-tokens", "5")
    assert 0 == done.exit_code
    assert done.stdout.strip()
    assert "the answer was cut off; allow more with --max-tokens" in done.stderr


def test_tool_calls_are_told(run: Callable[..., Any]) -> None:
    """An answer without text does not look like none."""
    done = run("chat", "openai/echo", "hi", "-o", 'tools=[{"type": "function", "function": {"name": "look_up"}}]')
    assert "the model wants to call look_up; --json shows with which arguments" in done.stderr


def test_a_dropped_parameter_is_told(run: Callable[..., Any], simulator: Simulator) -> None:
    """Warnings of the response go to standard error."""
    done = run("chat", "openai/echo", "hi", "--temperature", "0", "-o", 'extra={"temperature": 1}')
    assert "warning: temperature was replaced by extra" in done.stderr


def test_a_stream_that_breaks_keeps_what_came_and_fails(run: Callable[..., Any], simulator: Simulator) -> None:
    """The text so far ends its line, the sentence says that it is not all, the exit code is 1."""
    done = run("chat", "openai/fault/truncate=3", "one two three four")
    assert (1, "one two\n") == (done.exit_code, done.stdout)
    assert "what was printed is not the whole answer" in done.stderr


def test_the_key_and_the_address_may_be_given(run: Callable[..., Any], simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """They win over the environment."""
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    with Simulator(api_key="sk-given") as other:
        done = run("chat", "openai/echo", "hi", "--api-key", "sk-given", "--api-base", f"{other.url}/v1", "--timeout", "20")
        assert (0, 1) == (done.exit_code, len(other.requests))


def test_characters_beyond_the_terminals_encoding_do_not_stop_the_answer(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    """They become question marks."""
    with (tmp_path / "out.txt").open("w", encoding="ascii") as out:
        monkeypatch.setattr("sys.stdout", out)
        output.put("naïve\n")
    assert "na?ve\n" == (tmp_path / "out.txt").read_text()


def test_chunks_are_printed_as_they_come(start: Callable[..., subprocess.Popen[str]]) -> None:
    """The first words can be read while the stream stands still."""
    process = start("chat", "openai/fault/stall=4", "one two three four")
    assert process.stdout is not None
    assert "one two" == process.stdout.read(7)
    assert process.poll() is None


def test_ctrl_c_ends_the_stream_with_130(start: Callable[..., subprocess.Popen[str]], simulator: Simulator) -> None:
    """No traceback; the line is ended, and the connection is closed."""
    process = start("chat", "openai/fault/stall=4", "one two three four")
    assert process.stdout is not None
    process.stdout.read(7)
    process.send_signal(signal.SIGINT)
    rest, errors = process.communicate(timeout=30)
    assert (130, True, "interrupted\n") == (process.returncode, rest.endswith("\n"), errors)


def test_a_closed_pipe_is_quiet(start: Callable[..., subprocess.Popen[str]]) -> None:
    """`| head` is no error that anybody must read about."""
    process = start("chat", "openai/lorem", "hi", "--max-tokens", "20000")
    assert process.stdout is not None
    process.stdout.read(5)
    process.stdout.close()
    assert process.stderr is not None
    assert "" == process.stderr.read()
    assert 141 == process.wait(30)


def test_only_the_first_of_several_answers_is_printed(run: Callable[..., Any]) -> None:
    """Interleaved answers could not be read."""
    assert "hi\n" == run("chat", "openai/echo", "hi", "-o", "n=2").stdout


def test_every_end_but_a_plain_one_has_a_remark() -> None:
    """The table knows the finish reasons that a reader must hear of."""
    assert {"length", "content_filter", "error", "unknown"} == set(chat._ADVICE)
