"""What is known of models: limits, abilities and prices; and what a call cost.

Facts come as constant rows, so that importing an adapter makes no object; a row becomes a `ModelInfo` when it is asked for.
Money is Decimal, made from strings and never rounded. What is unknown is None, never 0.
"""

from __future__ import annotations

import datetime
import decimal
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Literal, Self, TypeAlias, TypeVar

import attrs

if TYPE_CHECKING:
    from llmclient.types.usage import Usage

T = TypeVar("T")

ModelRow: TypeAlias = tuple[str, str, int | None, int | None, str, str, str, str]
"""Id; display name ("" for the id); context and longest answer in tokens; mode; abilities; prices; further facts.

The last three are words separated by blanks: `"tools vision"`, `"input=2.5 output=10 input>200000=5 batch.input=1.25"`,
`"released=2024-05-13 retired=2026-10-23"`. `name>tokens` is the price once the prompt is longer than so many tokens, and
`rate.name` the price at another rate.
"""

MODES: Final = frozenset("chat completion embed image moderate ocr other realtime rerank speech transcribe video".split())
"""What a model is for: the name of the operation where the library has it."""

ABILITIES: Final = frozenset("audio_input audio_output caching json_schema pdf_input reasoning tools video_input vision web_search".split())

_DATED: Final = r"[-@](?:\d{4}-\d{2}-\d{2}|\d{8})$"
_MILLION: Final = 6
_VARIES: Final = {"time": "the price depends on the hour", "search": "the fee depends on the depth of the search"}
_ROUND_NOTHING: Final = decimal.Context(prec=200, traps=[decimal.InvalidOperation, decimal.Overflow])

Varies: TypeAlias = Literal["time", "search"]


def _amount(value: object) -> Decimal | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise TypeError(f"a price must be a str or a Decimal, got {type(value).__name__}")
    try:
        amount = Decimal(value)
    except decimal.InvalidOperation as error:
        raise ValueError(f"a price must be a number from 0, got {value!r}") from error
    if not amount.is_finite() or amount < 0:
        raise ValueError(f"a price must be a number from 0, got {value!r}")
    return amount


@attrs.frozen(kw_only=True)
class Price:
    """What a model costs, per million tokens unless the name says otherwise. None is unknown, 0 is free."""

    input: Decimal | None = attrs.field(default=None, converter=_amount)
    output: Decimal | None = attrs.field(default=None, converter=_amount)
    cache_read: Decimal | None = attrs.field(default=None, converter=_amount)
    cache_write: Decimal | None = attrs.field(default=None, converter=_amount)
    cache_write_1h: Decimal | None = attrs.field(default=None, converter=_amount)
    """For what is kept an hour instead of minutes."""
    reasoning: Decimal | None = attrs.field(default=None, converter=_amount)
    """Where thinking has a price of its own; otherwise it is billed as output."""
    audio_input: Decimal | None = attrs.field(default=None, converter=_amount)
    audio_output: Decimal | None = attrs.field(default=None, converter=_amount)
    image_input: Decimal | None = attrs.field(default=None, converter=_amount)
    image_output: Decimal | None = attrs.field(default=None, converter=_amount)
    per_image: Decimal | None = attrs.field(default=None, converter=_amount)
    per_second: Decimal | None = attrs.field(default=None, converter=_amount)
    per_character: Decimal | None = attrs.field(default=None, converter=_amount)
    per_request: Decimal | None = attrs.field(default=None, converter=_amount)
    """A fee for each call, whatever it holds."""
    per_search: Decimal | None = attrs.field(default=None, converter=_amount)
    """For each search, query or other unit that the provider counts."""
    tiers: tuple[tuple[int, Price], ...] = ()
    """Other prices for the whole call, once the prompt is longer than so many tokens."""
    rates: tuple[tuple[str, Price], ...] = ()
    """Prices of the same model at other rates, such as batch, flex and priority."""
    currency: str = "USD"
    varies: Varies | None = None
    """What else the price depends on, so that a cost is an estimate."""

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read the prices of a model row; None when there are none.

        Raises ValueError for a word that is no price.
        """
        base: dict[str, Any] = {}
        tiers: dict[int, dict[str, Any]] = {}
        rates: dict[str, list[str]] = {}
        for word in text.split():
            name, _, value = word.partition("=")
            head, dot, tail = name.partition(".")
            if dot:
                rates.setdefault(head, []).append(f"{tail}={value}")
                continue
            name, above, tokens = name.partition(">")
            if name not in _PRICE_WORDS or not value:
                raise ValueError(f"{word!r} is no price")
            target = tiers.setdefault(int(tokens), {}) if above else base
            target[name] = value
        if not (base or tiers or rates):
            return None
        return cls._make(base, tiers, {name: cls.parse(" ".join(words)) for name, words in rates.items()})

    @classmethod
    def _make(cls, base: dict[str, Any], tiers: dict[int, dict[str, Any]], rates: dict[str, Self | None]) -> Self:
        plain = cls(**base)
        higher = tuple((tokens, attrs.evolve(plain, **changes)) for tokens, changes in sorted(tiers.items()))
        return attrs.evolve(plain, tiers=higher, rates=tuple((name, price) for name, price in rates.items() if price is not None))

    def at(self, prompt_tokens: int) -> Price:
        """Return the prices that hold for a prompt of so many tokens: those of the highest tier that it is beyond."""
        reached = [tier for tier in self.tiers if prompt_tokens > tier[0]]
        return max(reached, key=lambda tier: tier[0])[1] if reached else self

    def rate(self, name: str) -> Price | None:
        """Return the prices at another rate, None if they are not known."""
        return next((price for rate, price in self.rates if rate == name), None)


_PRICE_WORDS: Final = frozenset(field.name for field in attrs.fields(Price)) - {"tiers", "rates"}


@attrs.frozen(kw_only=True)
class ModelInfo:
    """What is known of a model. It informs and never blocks: a model that is not listed can be called all the same."""

    model_id: str
    display_name: str
    provider: str
    context_length: int | None = None
    """Tokens of prompt and answer together."""
    max_output_tokens: int | None = None
    max_input_tokens: int | None = None
    """Where it is less than the context."""
    mode: str = "chat"
    """What it is for, one of `MODES`."""
    abilities: frozenset[str] = frozenset()
    """Some of `ABILITIES`."""
    price: Price | None = None
    """None where it is unknown."""
    dimensions: int | None = None
    """Of an embedding."""
    api: str | None = None
    """The chat API that it needs, where it is not the provider's usual one."""
    efforts: tuple[str, ...] = ()
    """The values that it takes for reasoning_effort."""
    rejects: frozenset[str] = frozenset()
    """Parameters that it refuses."""
    knowledge: str | None = None
    """The month or day at which its training data end."""
    released: datetime.date | None = None
    """The first of the month where only that is known."""
    deprecated: bool = False
    """Whether the provider advises against it, or has shut it down."""
    retired_on: datetime.date | None = None
    """The last day, or the first without it."""

    @classmethod
    def from_row(cls, row: ModelRow, provider: str) -> Self:
        """Read a row of an adapter; raises ValueError for one that is malformed."""
        model, title, context, longest, mode, abilities, prices, more = row
        facts = dict(word.split("=", 1) for word in more.split())
        return cls(
            model_id=model,
            display_name=title or model,
            provider=provider,
            context_length=context,
            max_output_tokens=longest,
            max_input_tokens=_whole(facts.get("max_input")),
            mode=mode,
            abilities=frozenset(abilities.split()),
            price=Price.parse(prices),
            dimensions=_whole(facts.get("dimensions")),
            api=facts.get("api"),
            efforts=tuple(facts["efforts"].split(",")) if "efforts" in facts else (),
            rejects=frozenset(facts["rejects"].split(",")) if "rejects" in facts else frozenset(),
            knowledge=facts.get("knowledge"),
            released=_date(facts.get("released")),
            deprecated="deprecated" in facts,
            retired_on=_date(facts.get("retired")),
        )

    @property
    def supports_tools(self) -> bool:
        """Whether it can call tools."""
        return "tools" in self.abilities

    @property
    def supports_vision(self) -> bool:
        """Whether it reads images."""
        return "vision" in self.abilities

    @property
    def is_embedding(self) -> bool:
        """Whether it makes embeddings."""
        return self.mode == "embed"

    @property
    def input_cost_per_million(self) -> Decimal | None:
        """US dollars for a million tokens of prompt; None where it is unknown, or in another currency."""
        return self.price.input if self.price and self.price.currency == "USD" else None

    @property
    def output_cost_per_million(self) -> Decimal | None:
        """US dollars for a million tokens of answer; None where it is unknown, or in another currency."""
        return self.price.output if self.price and self.price.currency == "USD" else None


def _whole(text: str | None) -> int | None:
    return None if text is None else int(text)


def _date(text: str | None) -> datetime.date | None:
    if text is None:
        return None
    return datetime.date.fromisoformat(text if len(text) > len("2026-01") else f"{text}-01")


def without_date(model: str) -> str:
    """Return a model's name without the date that pins its version: `-2024-07-18`, `-20240718` or `@20240718`."""
    return re.sub(_DATED, "", model)


def find(index: Mapping[str, T], model: str) -> T | None:
    """Return what the index holds for a model: under its exact name, else under its name without a date; None if neither."""
    found = index.get(model)
    return index.get(without_date(model)) if found is None else found


def find_row(rows: Iterable[ModelRow], model: str) -> ModelRow | None:
    """Return the row of a model: that of its exact name, else that of its name without a date; None if there is neither."""
    undated = without_date(model)
    near: ModelRow | None = None
    for row in rows:
        if row[0] == model:
            return row
        if row[0] == undated:
            near = row
    return near


def cost_of(priced: ModelInfo | Price | None, usage: Usage | None, *, rate: str | None = None) -> Decimal | None:
    """Return US dollars, never rounded; None when a price or a count is unknown (`explain_cost` says which)."""
    if isinstance(priced, Price):
        return _explain(priced, usage, "chat", "this price", rate)[0]
    return explain_cost(priced, usage, rate=rate)[0]


def explain_cost(info: ModelInfo | None, usage: Usage | None, *, rate: str | None = None) -> tuple[Decimal | None, str | None]:
    """Return US dollars and a note: why they are None, that the provider reported them, or what they were estimated from.

    The note is None where every price and count was known. `rate` is that of another way to be served, such as "batch".
    """
    if info is None:
        return _explain(None, usage, "chat", "this model", rate)
    return _explain(info.price, usage, info.mode, info.model_id, rate)


def _explain(price: Price | None, usage: Usage | None, mode: str, name: str, rate: str | None) -> tuple[Decimal | None, str | None]:
    if usage is not None and usage.cost is not None:
        return usage.cost, "reported by the provider"
    if price is None:
        return None, f"no price is known for {name}"
    if usage is None:
        return None, "the provider gave no usage"
    notes = [_VARIES[price.varies]] if price.varies else []
    if rate is not None:
        other = price.rate(rate)
        if other is None:
            notes.append(f"no {rate} price is known, the usual one was taken")
        price = other or price
    if price.currency != "USD":
        return None, f"the price of {name} is in {price.currency}"
    if usage.billed_prompt_tokens is not None or usage.billed_completion_tokens is not None:
        usage = attrs.evolve(usage, prompt_tokens=usage.billed_prompt_tokens, completion_tokens=usage.billed_completion_tokens)
    with decimal.localcontext(_ROUND_NOTHING):
        bill = _Bill(price.at(usage.prompt_tokens or 0), mode, name, notes)
        total = bill.total(usage)
    if total is None:
        return None, bill.problem()
    return total, "estimated: " + "; ".join(notes) if notes else None


class _Bill:
    """Adds up one call. Counts of a kind are taken out of the whole that holds them, and what is left has the plain price."""

    def __init__(self, price: Price, mode: str, name: str, notes: list[str]) -> None:
        self._price = price
        self._mode = mode
        self._name = name
        self._notes = notes
        self._sum = Decimal(0)
        self._counted = False
        self._missing: list[str] = []

    def total(self, usage: Usage) -> Decimal | None:
        """Return the sum, None when something is missing."""
        price = self._price
        if _has_tokens(usage) and _prices_tokens(price):
            self._prompt(usage)
            self._completion(usage)
        else:
            for count, each in ((usage.images, price.per_image), (usage.seconds, price.per_second), (usage.characters, price.per_character)):
                if count is not None and each is not None:
                    self._add(count, each)
        self._fees(usage)
        return self._sum if self._counted and not self._missing else None

    def problem(self) -> str:
        """Say why there is no total."""
        if self._missing:
            return self._missing[0]
        price = self._price
        units = {"images": price.per_image, "seconds": price.per_second, "characters": price.per_character, "searches": price.per_search}
        wanted = [unit for unit, each in units.items() if each is not None] + (["tokens"] if _prices_tokens(price) else [])
        return f"the provider gave no number of {' or '.join(wanted)}" if wanted else f"no price is known for {self._name}"

    def _prompt(self, usage: Usage) -> None:
        price = self._price
        if usage.prompt_tokens is None:
            if price.input:
                self._missing.append("the provider gave no number of prompt tokens")
            return
        whole = _Whole(usage.prompt_tokens)
        kept = whole.take(usage.cache_write_1h_tokens)
        self._tokens("cache_write_1h", kept, "cache_write", "input")
        self._tokens("cache_write", whole.take((usage.cache_write_tokens or 0) - kept), "input")
        self._tokens("cache_read", whole.take(usage.cached_tokens), "input")
        self._tokens("audio_input", whole.take(usage.prompt_audio_tokens), "input")
        self._tokens("image_input" if price.image_input is not None else "input", whole.take(usage.image_tokens))
        self._tokens("input", whole.left)

    def _completion(self, usage: Usage) -> None:
        price = self._price
        plain = "output"
        if self._mode == "image" and price.image_output is not None:
            plain = "image_output"
        elif self._mode == "speech" and price.audio_output is not None:
            plain = "audio_output"
        if usage.completion_tokens is None:
            if getattr(price, plain):
                self._missing.append("the provider gave no number of completion tokens")
            return
        whole = _Whole(usage.completion_tokens)
        self._tokens("audio_output", whole.take(usage.completion_audio_tokens), "output")
        self._tokens("reasoning" if price.reasoning is not None else plain, whole.take(usage.reasoning_tokens))
        self._tokens(plain, whole.left)

    def _tokens(self, name: str, count: int, *instead: str) -> None:
        """Add so many tokens at the named price; where it is unknown, at the first known one of `instead`."""
        self._counted = True
        if count <= 0:
            return
        known = next((each for each in (name, *instead) if getattr(self._price, each) is not None), None)
        if known is None:
            self._missing.append(f"no {instead[-1] if instead else name} price is known for {self._name}")
            return
        if known != name:
            self._notes.append(f"no {name} price is known, the {known} price was taken")
        self._add(count, getattr(self._price, known).scaleb(-_MILLION))

    def _fees(self, usage: Usage) -> None:
        price = self._price
        if price.per_search is not None:
            if usage.requests is not None:
                self._add(usage.requests, price.per_search)
            elif self._mode == "rerank":
                self._notes.append("the provider gave no number of searches, one was taken")
                self._add(1, price.per_search)
        if price.per_request is not None and (self._counted or not _prices_tokens(price)):
            self._add(1, price.per_request)

    def _add(self, count: float, each: Decimal) -> None:
        self._counted = True
        self._sum += max(Decimal(repr(count)), Decimal(0)) * each


class _Whole:
    """A count of which parts are taken, never more than there is."""

    def __init__(self, count: int) -> None:
        self.left = max(count, 0)

    def take(self, count: int | None) -> int:
        """Take out up to so many; returns how many there were."""
        taken = min(max(count or 0, 0), self.left)
        self.left -= taken
        return taken


def _has_tokens(usage: Usage) -> bool:
    return usage.prompt_tokens is not None or usage.completion_tokens is not None


def _prices_tokens(price: Price) -> bool:
    return any(each is not None for each in (price.input, price.output, price.audio_input, price.audio_output, price.image_input, price.image_output))
