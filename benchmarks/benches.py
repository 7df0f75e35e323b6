"""What is measured, and the budgets that it is held to."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from benchmarks.measure import Sample, alone, together, whole


class Unit(NamedTuple):
    """How a figure is written: `factor` turns seconds a call (or bytes) into it; a rate is the inverse."""

    name: str
    factor: float
    digits: int = 0
    rate: bool = False

    def of(self, value: float) -> float:
        """Return the figure."""
        return self.factor / value if self.rate else value * self.factor

    def write(self, value: float) -> str:
        """Return the figure as text, without the unit's name."""
        return f"{self.of(value):,.{self.digits}f}"


MICROSECONDS: Final = Unit("µs", 1e6)
MILLISECONDS: Final = Unit("ms", 1e3, 1)
CALLS_A_SECOND: Final = Unit("calls/s", 1.0, rate=True)
MEGABYTES: Final = Unit("MB", 1e-6, 1)


class Bench(NamedTuple):
    """One kind of work. `budget` is a ratio to the reference, an upper bound unless `at_least`."""

    name: str
    title: str
    unit: Unit
    calls: int
    """In a round."""
    rounds: int
    clock: Callable[..., Sample] | None = None
    """How a round is timed; None where each call needs a fresh interpreter."""
    method: str = ""
    """The contestant's method."""
    reference: str = "urllib3"
    budget: float | None = None
    at_least: bool = False
    beside: str = ""
    """Another method of llmclient that is the reference."""


_OPENAI_STREAM: Final = "OpenAI stream"
BENCHES: Final = (
    Bench("chat", "chat call", MICROSECONDS, 300, 15, alone, "chat", budget=1.1),
    Bench("stream", "stream of 2,003 chunks", MILLISECONDS, 5, 15, alone, "stream", budget=0.8),
    Bench("chunked", "stream, a chunk an event", MILLISECONDS, 5, 15, alone, "chunked", budget=1.2),
    *(
        Bench(name, f"stream of 2,003 events, {vendor}", MILLISECONDS, 5, 15, alone, name, _OPENAI_STREAM, budget=1.5, beside="stream")
        for name, vendor in (("anthropic", "Anthropic"), ("gemini", "Gemini"), ("bedrock", "Bedrock"))
    ),
    Bench("embed", "64 embeddings × 1,536, floats", MILLISECONDS, 5, 15, alone, "embed", budget=0.45),
    Bench("base64", "64 embeddings × 1,536, base64", MILLISECONDS, 10, 15, alone, "base64"),
    Bench("fanout", "64 threads", CALLS_A_SECOND, 1_280, 15, together, "chat", budget=1.0, at_least=True),
    Bench("map", "map, 64 workers", CALLS_A_SECOND, 1_280, 9, whole, "map"),
    Bench("tls", "chat call, new TLS connection", MICROSECONDS, 20, 15, alone, "tls", budget=1.1),
    Bench("import", "import", MILLISECONDS, 1, 15, reference="requests", budget=0.5),
    Bench("first", "import and first call", MILLISECONDS, 1, 15, reference="import requests", budget=2.0),
    Bench("memory", "RSS after 1,000 calls", MEGABYTES, 1_000, 3, reference="requests", budget=1.35),
)
NOTES: Final = {
    "chat": "one connection, kept alive; the median call",
    "stream": "framed by Content-Length; llmclient makes typed chunks and the assembled response, the bare clients parse each event",
    "chunked": "the same events, each an HTTP chunk of its own; the Python process serves it, since nginx cannot",
    "anthropic": "the Messages API; held to llmclient's stream of OpenAI's chunks in the same run",
    "gemini": "streamGenerateContent, with counts in each event; likewise",
    "bedrock": "ConverseStream, in Amazon's event stream with its checksums; likewise",
    "embed": "the vectors come as JSON numbers",
    "base64": "the vectors come in base64, which is what llmclient asks of OpenAI",
    "fanout": "chat calls of 64 threads that share one client; in brackets the CPU time of a call",
    "map": "`client.map`, and a `ThreadPoolExecutor` around the bare clients",
    "tls": "bare urllib3 shares one SSL context among its connections; bare requests does what requests does",
    "import": "above bare Python, in a new interpreter each",
    "first": "above bare Python, in a new interpreter each; the reference is `import requests` without a call",
    "memory": "of the whole process, bare Python included",
}
NAMES: Final = tuple(bench.name for bench in BENCHES)
PEER_ROUNDS: Final = 5
PEER_SHARE: Final = 5
"""Peers, being slower, take part in the first rounds only, with a fifth of the calls."""
SLACK: Final = 1.1
"""`--check` forgives a miss of up to 10 %: shared machines are noisy."""


class Result(NamedTuple):
    """The samples of one benchmark, round by round, the contestants of a round side by side."""

    bench: Bench
    samples: Mapping[str, Sequence[Sample]]
    reference: Sequence[Sample]

    def wall(self, name: str) -> float:
        """Return the median over the rounds."""
        return statistics.median(sample.wall for sample in self.samples[name])

    def cpu(self, name: str) -> float:
        """Return the median over the rounds."""
        return statistics.median(sample.cpu for sample in self.samples[name])

    def ratio(self, name: str = "llmclient") -> float | None:
        """Return the median of the rounds' ratios to the reference; of speeds where the unit is a rate; None without a reference."""
        pairs = list(zip(self.samples.get(name, ()), self.reference, strict=False))
        if not pairs:
            return None
        ratio = statistics.median(own.wall / other.wall for own, other in pairs)
        return 1 / ratio if self.bench.unit.rate else ratio

    def cpu_ratio(self, name: str = "llmclient") -> float | None:
        """Return the same of CPU times (never of speeds); None where they were not taken."""
        pairs = list(zip(self.samples.get(name, ()), self.reference, strict=False))
        if not pairs or not all(own.cpu and other.cpu for own, other in pairs):
            return None
        return statistics.median(own.cpu / other.cpu for own, other in pairs)

    def holds(self, slack: float = 1.0) -> bool | None:
        """Whether llmclient keeps its budget, `slack` times over; None where there is no budget or no figure."""
        ratio, budget = self.ratio(), self.bench.budget
        if ratio is None or budget is None:
            return None
        return ratio >= budget / slack if self.bench.at_least else ratio <= budget * slack
