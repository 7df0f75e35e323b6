"""What costs once a process: importing, the first call, memory. Each sample is an interpreter of its own."""

from __future__ import annotations

import json
import os
import pathlib
import resource
import statistics
import subprocess
import time
from collections.abc import Iterable, Mapping
from typing import Any, Final

from benchmarks.benches import PEER_ROUNDS, Bench, Result
from benchmarks.canned import MESSAGES, MODEL
from benchmarks.contestants import KEY, LOCAL
from benchmarks.measure import Sample

_ROOT: Final = pathlib.Path(__file__).resolve().parent.parent
_QUESTION: Final = f"model={MODEL!r}, messages={MESSAGES!r}, temperature=0"
_BODY: Final = f"dict({_QUESTION})"
_HEADERS: Final = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
PROGRAMS: Final[Mapping[str, tuple[str, str]]] = {
    "python": ("pass", "call = int"),
    "urllib3": (
        "import json, urllib3",
        f"pool = urllib3.PoolManager()\n"
        f"def post(body): return pool.request('POST', URL + '/chat/completions', body=body, headers={_HEADERS})\n"
        f"def call(): return json.loads(post(json.dumps({_BODY}).encode()).data)",
    ),
    "requests": (
        "import requests",
        f"session = requests.Session()\ndef call(): return session.post(URL + '/chat/completions', json={_BODY}, headers={_HEADERS}).json()",
    ),
    "llmclient": (
        "import llmclient",
        f"client = llmclient.Client(providers={{'openai': {{'api_key': {KEY!r}, 'api_base': URL}}}})\n"
        f"def call(): return client.chat('openai/{MODEL}', {MESSAGES!r}, temperature=0).text",
    ),
    "openai": ("import openai", f"client = openai.OpenAI(api_key={KEY!r}, base_url=URL)\ndef call(): return client.chat.completions.create({_QUESTION})"),
    "any-llm": ("import any_llm", f"def call(): return any_llm.completion({_QUESTION}, provider='openai', api_key={KEY!r}, api_base=URL)"),
    "litellm": (
        "import litellm",
        f"def call(): return litellm.completion('openai/{MODEL}', messages={MESSAGES!r}, temperature=0, api_key={KEY!r}, api_base=URL)",
    ),
}
"""The import, and what makes a call after it."""
_MEMORY: Final = """
def resident():
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * RESOURCE.getpagesize()
    except OSError:
        return RESOURCE.getrusage(RESOURCE.RUSAGE_SELF).ru_maxrss * 1024
import resource as RESOURCE
print(resident())
"""


def launch(python: str, source: str) -> tuple[Sample, str]:
    """Run a program in a new interpreter; return what it took, and its output's last line."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run([python, "-c", source], cwd=_ROOT, env=environment(), capture_output=True, text=True, check=False)
    wall, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError(f"{python} failed: {done.stderr.strip()[-2_000:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Sample(wall, cpu), done.stdout.strip().rpartition("\n")[2]


def environment() -> dict[str, str]:
    """Return the environment of every process started here: no proxies, compiled modules kept, and no downloads by a peer at its import."""
    left_out = ("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX")
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy") and name not in left_out}
    return kept | {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "ANY_LLM_DISABLE_TELEMETRY": "1", "PYTHONPATH": str(_ROOT)}


def measure_starts(benches: Iterable[Bench], pythons: Mapping[str, str], url: str, rounds: int) -> list[Result]:
    """Measure `import` and `first` of every contestant in `pythons` (name -> interpreter), side by side in each round."""
    wanted = {bench.name: bench for bench in benches if bench.name in ("import", "first")}
    if not wanted:
        return []
    # The reference of both is the import of requests.
    pairs = [(kind, name) for name in pythons for kind in ("import", "first") if kind in wanted or (kind, name) == ("import", "requests")]
    programs = [(kind, name, pythons[name]) for kind, name in pairs]
    for _, name, python in programs:
        launch(python, _program("first", name, url))
    raw: dict[tuple[str, str], list[Sample]] = {}
    for number in range(rounds):
        shift = number % len(programs)
        for kind, name, python in programs[shift:] + programs[:shift]:
            if number >= PEER_ROUNDS and name not in LOCAL:
                continue
            raw.setdefault((kind, name), []).append(launch(python, _program(kind, name, url))[0])
            raw.setdefault(("bare", python), []).append(launch(python, "pass")[0])
    taken = {key: _above(samples, raw["bare", pythons[key[1]]]) for key, samples in raw.items() if key[0] != "bare"}
    reference = taken.get(("import", "requests"), [])
    return [Result(bench, {name: taken[kind, name] for name in pythons}, reference) for kind, bench in wanted.items()]


def _above(samples: list[Sample], bare: list[Sample]) -> list[Sample]:
    wall, cpu = statistics.median(sample.wall for sample in bare), statistics.median(sample.cpu for sample in bare)
    return [Sample(max(sample.wall - wall, 1e-6), max(sample.cpu - cpu, 1e-6)) for sample in samples]


def measure_memory(bench: Bench, pythons: Mapping[str, str], url: str, rounds: int, count: int) -> Result:
    """Measure the resident set of each contestant's process after `count` calls; bare Python's stands beside it."""
    everyone = {"python": pythons["requests"], **pythons}
    samples: dict[str, list[Sample]] = {name: [] for name in everyone}
    for _ in range(rounds):
        for name, python in everyone.items():
            source = f"{_program('import', name, url)}\n{PROGRAMS[name][1]}\nfor _ in range({count}): call()\n{_MEMORY}"
            samples[name].append(Sample(float(launch(python, source)[1]), 0.0))
    return Result(bench, samples, samples["requests"])


def _program(kind: str, name: str, url: str) -> str:
    head, rest = PROGRAMS[name]
    return f"URL = {json.dumps(url)}\n{head}" + (f"\n{rest}\ncall()" if kind == "first" else "")


def versions(python: str, names: Iterable[str]) -> dict[str, Any]:
    """Return the versions of the packages installed beside an interpreter."""
    source = f"import importlib.metadata as m, json\nprint(json.dumps({{d.name: d.version for d in m.distributions() if d.name in {sorted(names)!r}}}))"
    found: dict[str, Any] = json.loads(launch(python, source)[1])
    return found
