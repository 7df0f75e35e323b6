"""Each benchmark runs once with next to no calls, so that none of them rots; and the report says what was measured."""

from __future__ import annotations

import json
import pathlib
import shutil
import sys
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import urllib3

from benchmarks import benches, canned, cold, contestants, measure, native, peers, report, server
from benchmarks.__main__ import main
from benchmarks.benches import BENCHES, Bench, Result
from benchmarks.measure import Sample
from benchmarks.run import Outcome, Plan, run

NGINX = [False, pytest.param(True, marks=pytest.mark.skipif(shutil.which("nginx", path="/usr/sbin:/usr/bin") is None, reason="nginx is not installed"))]
WARM = [bench for bench in BENCHES if bench.clock is not None]


@pytest.fixture(scope="module")
def addresses() -> Iterator[server.Addresses]:
    """The server of a process of our own."""
    with server.running(nginx=False) as running:
        yield running


@pytest.fixture(scope="module", params=list(contestants.LOCAL))
def contestant(request: pytest.FixtureRequest, addresses: server.Addresses) -> object:
    """Each contestant that runs in this process."""
    return contestants.LOCAL[request.param](addresses._asdict())


def bench(**changes: object) -> Bench:
    """A benchmark in milliseconds, held to at most the double of the reference."""
    return BENCHES[0]._replace(**{"unit": benches.MILLISECONDS, "budget": 2.0, **changes})


def result(own: float, other: float, **changes: object) -> Result:
    """A result of three equal rounds, in seconds."""
    samples = {"urllib3": [Sample(other, other)] * 3, "llmclient": [Sample(own, own)] * 3}
    return Result(bench(**changes), samples, samples["urllib3"])


@pytest.mark.parametrize("nginx", NGINX, ids=["own", "nginx"])
def test_the_server_answers_posts_with_the_canned_bytes(nginx: bool) -> None:
    """Every page comes whole, twice over one connection."""
    with server.running(nginx=nginx) as running, urllib3.PoolManager() as pool:
        for page in (*canned.pages(), *native.pages()):
            base: str = getattr(running, page.path.split("/")[1])
            url = base + page.path.removeprefix(urlsplit(base).path) + "?alt=sse"
            for _ in range(2):
                response = pool.request("POST", url, body=b"{}" * 1_000)
                assert (200, page.body, page.media_type) == (response.status, response.data, response.headers["content-type"])


def test_the_stream_has_2003_chunks() -> None:
    """The role, 2,000 words, the finish reason and the usage; then the end marker."""
    events = [event.removeprefix(b"data: ") for event in canned.stream_events()]
    parsed = [json.loads(event) for event in events[:-1]]
    assert (2_003, b"[DONE]\n\n") == (len(parsed), events[-1])
    assert "".join(canned.words()) == "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in parsed[1:-2])


def test_other_vendors_streams_have_2003_events_too() -> None:
    """So that a ratio compares dialects, not answers."""
    assert [2_003] * 3 == [len(page.pieces) for page in native.pages()]


@pytest.mark.parametrize("chosen", WARM, ids=lambda chosen: chosen.name)
def test_each_contestant_reads_the_right_answers(contestant: object, chosen: Bench) -> None:
    """What is measured is right, for every benchmark in which it takes part."""
    if not hasattr(contestant, chosen.method):
        assert chosen.beside
        return
    contestants.verify(contestant, chosen.name)
    assert chosen.clock is not None
    assert chosen.clock(getattr(contestant, chosen.method), 1).wall > 0


def test_a_wrong_answer_is_not_measured(addresses: server.Addresses) -> None:
    """A contestant that reads something else is refused."""
    contestant = contestants.Urllib3(addresses._asdict())
    contestant.chat = lambda: "42"  # type: ignore[method-assign]
    with pytest.raises(ValueError, match="Urllib3 read a wrong answer in chat"):
        contestants.verify(contestant, "chat")


def test_a_peer_is_driven_line_by_line(addresses: server.Addresses) -> None:
    """A contestant in another process lists its methods, verifies, measures, and reports failures."""
    with peers.started("urllib3", sys.executable, addresses._asdict()) as peer:
        assert {"chat", "stream", "embed"} <= set(peer.ask())
        assert peer.ask(verify="chat") is None
        assert peer.sample("alone", "chat", 2).wall > 0
        with pytest.raises(RuntimeError, match="urllib3: AttributeError"):
            peer.sample("alone", "sing", 1)


def test_starts_and_memory_are_measured_in_new_interpreters(addresses: server.Addresses) -> None:
    """Import, first call and resident set come out for all, with requests as the reference."""
    pythons = dict.fromkeys(contestants.LOCAL, sys.executable)
    chosen = [entry for entry in BENCHES if entry.clock is None]
    results = [*cold.measure_starts(chosen, pythons, addresses.chat, 1), cold.measure_memory(chosen[-1], pythons, addresses.chat, 1, 2)]
    assert ["import", "first", "memory"] == [entry.bench.name for entry in results]
    assert all(entry.ratio() is not None for entry in results)
    assert results[-1].wall("python") > 1_000_000


def test_threads_make_all_calls_and_pass_on_failures() -> None:
    """Every thread does its share; an exception in one is raised."""
    calls: list[int] = []
    measure.together(lambda: calls.append(1), 10, workers=4)
    assert 12 == len(calls)
    with pytest.raises(ZeroDivisionError):
        measure.together(lambda: 1 / 0, 2, workers=2)


@pytest.mark.parametrize(
    ("own", "at_least", "word"),
    [(1.9, False, "pass"), (2.1, False, "close"), (2.3, False, "**miss**"), (0.4, True, "pass"), (0.51, True, "close"), (0.6, True, "**miss**")],
)
def test_a_budget_is_passed_close_or_missed(own: float, word: str, *, at_least: bool) -> None:
    """Up to the budget passes, up to 10 % beyond is close; of speeds more is better."""
    unit = benches.CALLS_A_SECOND if at_least else benches.MILLISECONDS
    assert word == report.verdict(result(own, 1.0, at_least=at_least, unit=unit))


def test_without_the_reference_there_is_no_verdict() -> None:
    """Nothing is claimed of what was not measured."""
    lonely = Result(bench(), {"llmclient": [Sample(1.0, 1.0)]}, [])
    assert (None, None, "–") == (lonely.ratio(), lonely.cpu_ratio(), report.verdict(lonely))


def test_the_table_shows_wall_and_cpu_times_and_ratios() -> None:
    """A row has each contestant's figures, the ratio, the budget and the verdict."""
    assert "| chat call, ms | 1.0 (1.0) | 1.5 (1.5) | 1.50 (1.50) | ≤ 2 × bare urllib3 + json | pass |" == report.table([result(0.0015, 0.001)])[-1]


def test_a_small_run_writes_the_page_and_the_plot(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The command measures, prints, writes both files, and `--check` decides about the exit code."""
    pytest.importorskip("matplotlib")
    outcome = run(Plan(only=("chat",), scale=100, nginx=False, contestants=("urllib3", "requests")))
    slow = Outcome([*outcome.results, result(3.0, 1.0)], outcome.server, outcome.pythons)
    monkeypatch.setattr("benchmarks.__main__.run", lambda plan: slow)
    assert 1 == main(["--check", "--output", str(tmp_path)])
    assert 0 == main(["--quick"])
    assert "chat: the budget is missed by more than 10 % (ratio 3.00, budget 2)" in capsys.readouterr().err
    page = (tmp_path / "benchmarks.md").read_text(encoding="utf-8")
    assert "Written by `make bench`" in page
    assert "**miss**" in page
    assert (tmp_path / "benchmarks.png").read_bytes().startswith(b"\x89PNG")


def test_an_unknown_benchmark_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    """`--only` names what there is."""
    with pytest.raises(SystemExit, match="2"):
        main(["--only", "chatt"])
    assert "unknown: chatt; known are chat, stream" in capsys.readouterr().err


def test_the_page_in_the_documentation_was_written_by_a_run(root: pathlib.Path) -> None:
    """docs/benchmarks.md has a row for each benchmark, with the budgets as they are now."""
    page = (root / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line.startswith("| ")]
    assert [f"{entry.title}, {entry.unit.name}" for entry in BENCHES] == [row[0] for row in rows[2:]]
    empty = {name: [] for name in contestants.LOCAL}
    assert [report.budget(Result(entry, empty, [])) for entry in BENCHES] == [row[-2] for row in rows[2:]]
