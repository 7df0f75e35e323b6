"""`make demo`: ask a question, stream an answer, make embeddings, fan out, and print what it took.

Runs on the simulator, which needs neither key nor network. When the key of a provider is set, its cheapest model is asked instead,
with few prompts; LLMCLIENT_DEMO=simulator prevents that.
"""

from __future__ import annotations

import decimal
import os
import sys
import time
from collections.abc import Iterable

import attrs
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

import llmclient
from llmclient import errors
from llmclient.models import ModelInfo
from llmclient.types.answer import Answer

WORDS = "amber birch cedar delta ember fjord grove heron inlet jetty".split()


@attrs.frozen
class Plan:
    """Which models to ask, and how often."""

    ask: str
    chat: str
    embed: str | None
    prompts: int


@attrs.define
class Total:
    """What all calls have used."""

    tokens: int = 0
    cost: decimal.Decimal | None = None
    note: str | None = None

    def add(self, answer: Answer) -> None:
        """Count one answer."""
        self.tokens += (answer.usage and answer.usage.total_tokens) or 0
        if answer.cost is None:
            self.note = answer.cost_note
        else:
            self.cost = (self.cost or decimal.Decimal(0)) + answer.cost

    def __str__(self) -> str:
        cost = f"${self.cost.normalize():f}" if self.cost is not None else f"cost unknown ({self.note})"
        return f"{self.tokens:,} tokens, {cost}"


SIMULATED = Plan("simulator/canned", "simulator/lorem", "simulator/embed", 200)


def price(model: ModelInfo) -> decimal.Decimal:
    """Return a number to compare models by."""
    return (model.input_cost_per_million or decimal.Decimal(0)) + (model.output_cost_per_million or decimal.Decimal(0))


def cheapest(models: Iterable[ModelInfo], mode: str) -> ModelInfo | None:
    """Return the cheapest model of a kind that has a price and is still offered; None if there is none.

    A model that reasons is left out, since a short answer has no room for it, and one of which little is known, since it may be gone.
    """
    known = [model for model in models if model.mode == mode and model.context_length and price(model)]
    offered = [model for model in known if not model.deprecated and model.retired_on is None and "reasoning" not in model.abilities]
    return min((model for model in offered if mode != "chat" or model.supports_tools), key=price, default=None)


def plan() -> Plan:
    """Return a plan for the first provider whose key is set, else for the simulator."""
    if os.environ.get("LLMCLIENT_DEMO") == "simulator":
        return SIMULATED
    client = llmclient.default_client()
    for name in llmclient.providers():
        provider = client.provider(name)
        variables = [variable for variable in provider.env.get("api_key", ()) if variable.endswith("_API_KEY")]
        chat = cheapest(provider.models, "chat") if any(os.environ.get(variable) for variable in variables) else None
        if chat is not None and provider.chat is not None and provider.retired is None:
            embed = cheapest(provider.models, "embed") if provider.embed else None
            model = f"{name}/{chat.model_id}"
            return Plan(model, model, None if embed is None else f"{name}/{embed.model_id}", 10)
    return SIMULATED


def heading(console: Console, call: str) -> None:
    """Print the call that follows."""
    console.print(f"\n{call}", style="bold cyan", markup=False, highlight=False, soft_wrap=True)


def ask(console: Console, model: str, total: Total) -> None:
    """Ask one question."""
    heading(console, f'llmclient.chat("{model}", "Why is the sky blue?", max_tokens=60)')
    answer = llmclient.chat(model, "Why is the sky blue?", max_tokens=60)
    total.add(answer)
    console.print(answer.text, markup=False, highlight=False, soft_wrap=True)


def stream(console: Console, model: str, total: Total) -> None:
    """Print an answer as it comes."""
    heading(console, f'llmclient.stream("{model}", "Tell me a story", max_tokens=60)')
    with llmclient.stream(model, "Tell me a story", max_tokens=60) as chunks:
        for chunk in chunks:
            console.print(chunk.text, end="", markup=False, highlight=False, soft_wrap=True)
    total.add(chunks.response)
    console.print()


def embed(console: Console, model: str, total: Total) -> None:
    """Turn three texts into vectors and say which two are near."""
    texts = ["a red apple", "a green apple", "the stock market"]
    heading(console, f'llmclient.embed("{model}", {texts})')
    answer = llmclient.embed(model, texts)
    total.add(answer)
    vectors = [[float(number) for number in vector] for vector in answer.vectors]
    near, far = (sum(a * b for a, b in zip(vectors[0], other, strict=True)) for other in vectors[1:])
    line = f"{len(vectors)} vectors of {len(vectors[0])} numbers; apple and apple {near:.2f} alike, apple and market {far:.2f}"
    console.print(line, highlight=False, soft_wrap=True)


def fan_out(console: Console, model: str, count: int, total: Total) -> int:
    """Ask many questions at once; return how many failed."""
    heading(console, f'llmclient.map("{model}", {count} prompts, workers=32, max_tokens=40)')
    prompts = [f"Write a line about {WORDS[index % 10]} number {index}." for index in range(count)]
    failed = 0
    started = time.perf_counter()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("asking", total=count)
        for item in llmclient.map(model, prompts, workers=32, max_tokens=40):
            progress.advance(bar)
            if item.response is None:
                failed += 1
            else:
                total.add(item.response)
    seconds = time.perf_counter() - started
    console.print(f"{count - failed} answers, {failed} failed, {count / seconds:,.0f} calls a second", highlight=False)
    return failed


def main() -> int:
    """Run the demo; return the exit status."""
    console = Console()
    chosen, total = plan(), Total()
    where = "the built-in simulator; set OPENAI_API_KEY or another provider's key to ask a real model" if chosen is SIMULATED else "a real model"
    console.print(f"llmclient {llmclient.__version__} on {where}", highlight=False, soft_wrap=True)
    try:
        ask(console, chosen.ask, total)
        stream(console, chosen.chat, total)
        if chosen.embed is not None:
            embed(console, chosen.embed, total)
        failed = fan_out(console, chosen.chat, chosen.prompts, total)
    except errors.ProviderError as error:
        console.print(f"{error}", style="red", markup=False, highlight=False)
        return 1
    console.print(f"\nIn all: {total}", highlight=False)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
