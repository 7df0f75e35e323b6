"""What is known of models, and what a call cost."""

from __future__ import annotations

import datetime
import decimal
import pickle
from decimal import Decimal

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmclient.models import ABILITIES, MODES, ModelInfo, ModelRow, Price, cost_of, explain_cost, find, find_row, without_date
from llmclient.types.usage import Usage

ROW: ModelRow = (
    "gpt-x",
    "GPT X",
    400_000,
    128_000,
    "chat",
    "json_schema tools vision",
    "input=1.25 output=10 cache_read=0.125 input>272000=2.5 output>272000=15 batch.input=0.625 batch.output=5",
    "released=2026-03-05 retired=2027-01-31 knowledge=2025-08 max_input=272000 api=responses efforts=low,high rejects=temperature,top_p",
)
PLAIN = Price(input="2", output="10")
MILLION = 1_000_000


def usage(prompt: int | None = None, completion: int | None = None, **more) -> Usage:
    return Usage(prompt_tokens=prompt, completion_tokens=completion, **more)


def test_a_row_becomes_model_info():
    """Every column of a row has its field."""
    info = ModelInfo.from_row(ROW, "acme")
    assert info == ModelInfo(
        model_id="gpt-x",
        display_name="GPT X",
        provider="acme",
        context_length=400_000,
        max_output_tokens=128_000,
        max_input_tokens=272_000,
        abilities=frozenset({"json_schema", "tools", "vision"}),
        price=Price.parse(ROW[6]),
        api="responses",
        efforts=("low", "high"),
        rejects=frozenset({"temperature", "top_p"}),
        knowledge="2025-08",
        released=datetime.date(2026, 3, 5),
        retired_on=datetime.date(2027, 1, 31),
    )


def test_an_empty_row_says_that_nothing_is_known():
    """What a row leaves out is None, empty or the id, never a made-up value."""
    info = ModelInfo.from_row(("m", "", None, None, "chat", "", "", ""), "acme")
    assert info == ModelInfo(model_id="m", display_name="m", provider="acme")
    assert (info.price, info.context_length, info.input_cost_per_million, info.output_cost_per_million) == (None, None, None, None)


def test_the_usual_names_are_answered():
    """The names that users of other libraries know exist."""
    info = ModelInfo.from_row(ROW, "acme")
    assert (info.supports_tools, info.supports_vision, info.is_embedding) == (True, True, False)
    assert (info.input_cost_per_million, info.output_cost_per_million) == (Decimal("1.25"), Decimal(10))


def test_an_embedding_model_has_dimensions():
    """Mode `embed` makes a model an embedding model, and its width is known."""
    info = ModelInfo.from_row(("e", "", 8192, None, "embed", "", "input=0.02", "dimensions=1536"), "acme")
    assert (info.is_embedding, info.dimensions, info.supports_tools, info.supports_vision) == (True, 1536, False, False)


def test_a_month_is_read_as_its_first_day():
    """A release of which only the month is known is dated on its first day."""
    assert ModelInfo.from_row(("m", "", None, None, "chat", "", "", "released=2025-06"), "acme").released == datetime.date(2025, 6, 1)


def test_deprecated_is_read_without_a_date():
    """A model can be deprecated although nobody says when it goes."""
    info = ModelInfo.from_row(("m", "", None, None, "chat", "", "", "deprecated=yes"), "acme")
    assert info.deprecated
    assert info.retired_on is None


def test_model_info_pickles_and_hashes():
    """Model information travels to workers, and can be a key."""
    info = ModelInfo.from_row(ROW, "acme")
    assert pickle.loads(pickle.dumps(info)) == info
    assert hash(info) == hash(ModelInfo.from_row(ROW, "acme"))


def test_the_vocabularies_are_lower_case_words():
    """Modes and abilities can stand in a row, where blanks separate them."""
    assert all(word.replace("_", "").isalpha() and word == word.lower() for word in MODES | ABILITIES)


@pytest.mark.parametrize("text", ["inptu=1", "input", "input=", "input=x", "input=-1", "input=NaN", "input>x=1", "batch.inptu=1", "input=Infinity"])
def test_a_bad_price_is_an_error(text):
    """A row with a price that is none is refused, not taken for free."""
    with pytest.raises(ValueError, match=r"price|literal"):
        Price.parse(text)


@pytest.mark.parametrize("value", [0.1, True, b"1"], ids=["float", "bool", "bytes"])
def test_a_price_is_never_made_from_a_float(value):
    """A float is not the number that somebody wrote, so it is refused."""
    with pytest.raises(TypeError, match="a price must be a str or a Decimal"):
        Price(input=value)


def test_a_price_takes_strings_ints_and_decimals():
    """Three exact forms give the same price."""
    assert Price(input="2") == Price(input=2) == Price(input=Decimal(2))


def test_a_tier_changes_only_what_it_names():
    """What a tier does not name keeps its price."""
    price = Price.parse("input=1 output=4 cache_read=0.1 input>100=2 input>200=3 output>200=9")
    assert price is not None
    assert [(above, tier.input, tier.output, tier.cache_read) for above, tier in price.tiers] == [
        (100, Decimal(2), Decimal(4), Decimal("0.1")),
        (200, Decimal(3), Decimal(9), Decimal("0.1")),
    ]


def test_the_highest_tier_wins_in_any_order():
    """Tiers given by hand need not be sorted."""
    price = Price(input="1", tiers=((200, Price(input="3")), (100, Price(input="2"))))
    assert [price.at(tokens).input for tokens in (100, 101, 200, 201)] == [1, 2, 2, 3]


def test_a_rate_is_found_by_name():
    """The rates of a row are prices of their own."""
    price = Price.parse("input=1 batch.input=0.5 batch.input>100=0.7")
    assert price is not None
    assert price.rate("batch") == Price(input="0.5", tiers=((100, Price(input="0.7")),))
    assert price.rate("flex") is None


def test_no_prices_are_none():
    """A row without prices has no Price."""
    assert Price.parse("") is None


# What a call cost.


@pytest.mark.parametrize(
    ("price", "used", "cost"),
    [
        (PLAIN, usage(1000, 100), "0.003"),
        (PLAIN, usage(0, 0), "0"),
        (Price(input="0", output="0"), usage(1000, 100), "0"),
        (Price(input="2", output="10", cache_read="0.2"), usage(1000, 100, cached_tokens=400), "0.00228"),
        (Price(input="2", output="10", cache_read="0"), usage(1000, 100, cached_tokens=400), "0.0022"),
        (Price(input="2", output="10", cache_write="2.5", cache_write_1h="4"), usage(1000, 0, cache_write_tokens=300, cache_write_1h_tokens=100), "0.0023"),
        (Price(input="2", output="10", reasoning="3"), usage(0, 100, reasoning_tokens=60), "0.00058"),
        (PLAIN, usage(0, 100, reasoning_tokens=60), "0.001"),
        (Price(input="2", output="10", audio_input="40", audio_output="80"), usage(100, 100, prompt_audio_tokens=50, completion_audio_tokens=10), "0.0038"),
        (Price(input="2", output="10", image_input="8"), usage(100, 0, image_tokens=50), "0.0005"),
        (PLAIN, usage(100, 0, image_tokens=50), "0.0002"),
        (Price(input="0.02", output="0"), usage(MILLION), "0.02"),
        (Price(input="0.02"), usage(MILLION), "0.02"),
        (Price(output="5"), usage(None, MILLION), "5"),
        (Price(per_second="0.0001"), usage(seconds=12.5), "0.00125"),
        (Price(per_character="0.000015"), usage(characters=2000), "0.03"),
        (Price(per_image="0.04"), usage(images=3), "0.12"),
        (Price(per_search="0.002"), usage(requests=3), "0.006"),
        (Price(input="2", output="10", per_request="0.005"), usage(1000, 100), "0.008"),
        (Price(input="2", output="10", per_search="0.01"), usage(1000, 100, requests=2), "0.023"),
        (Price(input="2", output="10", per_search="0.01"), usage(1000, 100), "0.003"),
        (Price(input="2", output="10", per_second="0.0001"), usage(1000, 100, seconds=9.0), "0.003"),
        (Price(input="2", output="10", per_second="0.0001"), usage(seconds=10.0), "0.001"),
        (Price(input="1", output="1", tiers=((200, Price(input="2", output="3")),)), usage(200, 100), "0.0003"),
        (Price(input="1", output="1", tiers=((200, Price(input="2", output="3")),)), usage(201, 100), "0.000702"),
        (Price(input="0.123456789123456789", output="0"), usage(123_456_789_123, 0), "15241.578780617284812375706047"),
    ],
    ids=[
        "plain",
        "nothing used",
        "free",
        "cache read is taken out of the prompt",
        "a cache read may be free",
        "two kinds of cache write",
        "thinking at its own price",
        "thinking as output",
        "audio",
        "images at their own price",
        "images as text",
        "embedding with a price for answers of 0",
        "embedding without a price for answers",
        "answers only",
        "seconds",
        "characters",
        "images",
        "searches",
        "a fee for each call",
        "searches beside tokens",
        "searches that were not counted",
        "tokens before seconds",
        "seconds where there are no tokens",
        "at the threshold",
        "beyond the threshold",
        "never rounded",
    ],
)
def test_cost(price, used, cost):
    """The sum is exact, and nothing is counted twice."""
    assert cost_of(price, used) == Decimal(cost)


def test_cost_ignores_the_callers_decimal_context():
    """A program that works with six digits gets the exact cost all the same."""
    with decimal.localcontext() as context:
        context.prec = 2
        assert cost_of(Price(input="1.23456789", output="0"), usage(MILLION, 0)) == Decimal("1.23456789")


def info(price: Price | None, mode: str = "chat") -> ModelInfo:
    return ModelInfo(model_id="m", display_name="m", provider="acme", price=price, mode=mode)


@pytest.mark.parametrize(
    ("model", "used", "note"),
    [
        (None, usage(1, 1), "no price is known for this model"),
        (info(None), usage(1, 1), "no price is known for m"),
        (info(None), None, "no price is known for m"),
        (info(PLAIN), None, "the provider gave no usage"),
        (info(PLAIN), Usage(), "the provider gave no number of tokens"),
        (info(PLAIN), usage(10), "the provider gave no number of completion tokens"),
        (info(PLAIN), usage(None, 10), "the provider gave no number of prompt tokens"),
        (info(Price(output="10")), usage(10, 10), "no input price is known for m"),
        (info(Price(input="10")), usage(10, 10), "no output price is known for m"),
        (info(Price(output="10", cache_write="1")), usage(10, 0, cached_tokens=10), "no input price is known for m"),
        (info(Price(per_image="0.04")), usage(seconds=1.0), "the provider gave no number of images"),
        (info(Price(per_second="1", per_character="1")), Usage(), "the provider gave no number of seconds or characters"),
        (info(Price(per_search="1")), usage(5, 5), "the provider gave no number of searches"),
        (info(Price(rates=(("batch", PLAIN),))), usage(5, 5), "no price is known for m"),
        (info(Price(input="2", output="3", currency="EUR")), usage(5, 5), "the price of m is in EUR"),
        (info(Price(input="2", output="10", per_request="1")), Usage(), "the provider gave no number of tokens"),
    ],
)
def test_an_unknown_cost_is_none_and_says_why(model, used, note):
    """Where a price or a count is unknown there is no number, above all not 0."""
    assert explain_cost(model, used) == (None, note)


@pytest.mark.parametrize(
    ("model", "used", "cost", "note"),
    [
        (info(PLAIN), usage(1000, 0, cached_tokens=400), "0.002", "no cache_read price is known, the input price was taken"),
        (info(PLAIN), usage(1000, 0, cache_write_tokens=400), "0.002", "no cache_write price is known, the input price was taken"),
        (
            info(Price(input="2", output="10", cache_write="3")),
            usage(1000, 0, cache_write_tokens=400, cache_write_1h_tokens=400),
            "0.0024",
            "no cache_write_1h price is known, the cache_write price was taken",
        ),
        (
            info(PLAIN),
            usage(10, 10, prompt_audio_tokens=10, completion_audio_tokens=10),
            "0.00012",
            "no audio_input price is known, the input price was taken; no audio_output price is known, the output price was taken",
        ),
        (info(Price(input="2", output="10", varies="time")), usage(1000, 0), "0.002", "the price depends on the hour"),
        (info(Price(per_search="0.002"), "rerank"), usage(10, None), "0.002", "the provider gave no number of searches, one was taken"),
    ],
)
def test_an_estimate_says_what_it_was_made_from(model, used, cost, note):
    """Where another price had to do, the cost is given and the note says so."""
    assert explain_cost(model, used) == (Decimal(cost), f"estimated: {note}")


def test_a_cost_that_was_computed_has_no_note():
    """Known prices and counts need no explanation."""
    assert explain_cost(info(PLAIN), usage(1000, 100)) == (Decimal("0.003"), None)


@pytest.mark.parametrize("model", [None, info(None), info(PLAIN)], ids=["no model", "no price", "a price"])
def test_what_the_provider_reports_wins(model):
    """A cost from the provider is the bill; ours would be a guess."""
    assert explain_cost(model, usage(1000, 100, cost=Decimal("0.5"))) == (Decimal("0.5"), "reported by the provider")
    assert cost_of(model, usage(cost=Decimal(0))) == 0


@pytest.mark.parametrize(("mode", "cost"), [("chat", "10"), ("image", "40"), ("speech", "80")])
def test_an_answer_has_the_price_of_its_kind(mode, cost):
    """What an image or speech model answers is image or sound, though it counts plain tokens."""
    price = Price(input="1", output="10", image_output="40", audio_output="80")
    assert cost_of(info(price, mode), usage(0, MILLION)) == Decimal(cost)


@pytest.mark.parametrize("mode", ["image", "speech"])
def test_an_image_or_speech_model_may_have_plain_prices(mode):
    """Where no price of the kind is known, that of output holds."""
    assert cost_of(info(PLAIN, mode), usage(0, MILLION)) == Decimal(10)


def test_another_rate_has_its_own_prices():
    """A batch is cheaper where the provider says so."""
    model = ModelInfo.from_row(ROW, "acme")
    assert explain_cost(model, usage(MILLION // 10, 0), rate="batch") == (Decimal("0.0625"), None)
    assert cost_of(model.price, usage(MILLION // 10, 0), rate="batch") == Decimal("0.0625")


def test_an_unknown_rate_is_an_estimate():
    """Without a price for the rate the usual one is taken, with a note."""
    expected = Decimal("0.125"), "estimated: no flex price is known, the usual one was taken"
    assert explain_cost(ModelInfo.from_row(ROW, "acme"), usage(MILLION // 10, 0), rate="flex") == expected


@pytest.mark.parametrize(
    ("used", "cost"),
    [
        (usage(100, 0, cached_tokens=500), "0.00001"),
        (usage(100, 0, cached_tokens=80, cache_write_tokens=80), "0.000252"),
        (usage(100, 10, cached_tokens=-5), "0.0003"),
        (usage(-100, 10), "0.0001"),
        (usage(0, 10, reasoning_tokens=50), "0.0001"),
    ],
)
def test_counts_that_do_not_add_up_never_exceed_the_whole(used, cost):
    """A provider's wrong subset neither makes a cost negative nor bills a token twice."""
    assert cost_of(Price(input="2", output="10", cache_read="0.1", cache_write="3.125"), used) == Decimal(cost)


counts = st.integers(min_value=0, max_value=10**9)
amounts = st.none() | st.decimals(min_value=0, max_value=1000, places=6)


@st.composite
def prices(draw: st.DrawFn) -> Price:
    names = ("cache_read", "cache_write", "cache_write_1h", "reasoning", "audio_input", "audio_output", "image_input", "per_request", "per_search")
    return Price(input=draw(amounts.filter(bool)), output=draw(amounts.filter(bool)), **{name: draw(amounts) for name in names})


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    names = (
        "cached_tokens",
        "cache_write_tokens",
        "cache_write_1h_tokens",
        "reasoning_tokens",
        "prompt_audio_tokens",
        "completion_audio_tokens",
        "image_tokens",
    )
    return Usage(prompt_tokens=draw(counts), completion_tokens=draw(counts), **{name: draw(st.none() | counts) for name in names})


@given(prices(), usages())
def test_cost_is_never_negative(price, used):
    """Whatever is counted, nobody is paid for calling."""
    cost = cost_of(price, used)
    assert cost is not None
    assert cost >= 0


@given(prices(), usages(), counts, counts)
def test_cost_is_monotone(price, used, prompt, completion):
    """More tokens, with the same subsets, never cost less."""
    more = attrs.evolve(used, prompt_tokens=used.prompt_tokens + prompt, completion_tokens=used.completion_tokens + completion)
    assert cost_of(price, more) >= cost_of(price, used)


@given(st.tuples(*[st.decimals(0, 1000, places=6)] * 2), st.tuples(counts, counts), st.tuples(counts, counts))
def test_cost_is_additive(each, first, second):
    """Two calls cost what one call with the sum of their tokens costs."""
    price = Price(input=each[0], output=each[1])
    together = cost_of(price, usage(first[0] + second[0], first[1] + second[1]))
    assert together == cost_of(price, usage(*first)) + cost_of(price, usage(*second))


@given(prices(), usages())
def test_prompt_and_answer_are_billed_apart(price, used):
    """The cost of a call is that of its prompt and that of its answer, and the fee once."""
    price = attrs.evolve(price, per_request=None)
    prompt = attrs.evolve(used, completion_tokens=0)
    answer = attrs.evolve(used, prompt_tokens=0)
    assert cost_of(price, used) == cost_of(price, prompt) + cost_of(price, answer)


# Lookup.


@pytest.mark.parametrize(
    ("model", "plain"),
    [
        ("gpt-x-2024-07-18", "gpt-x"),
        ("claude-x-20240718", "claude-x"),
        ("claude-x@20240718", "claude-x"),
        ("claude-x@2024-07-18", "claude-x"),
        ("gpt-4-0613", "gpt-4-0613"),
        ("gpt-x", "gpt-x"),
        ("2024-07-18", "2024-07-18"),
        ("model-123456789", "model-123456789"),
    ],
)
def test_a_date_is_taken_off(model, plain):
    """Only a whole date at the end is a date."""
    assert without_date(model) == plain


@pytest.mark.parametrize(
    ("model", "found"),
    [("gpt-x", "gpt-x"), ("gpt-x-2026-01-01", "gpt-x"), ("gpt-y-2026-01-01", "gpt-y-2026-01-01"), ("gpt-y", None), ("gpt-y-2025-01-01", None)],
)
def test_lookup_prefers_the_exact_name(model, found):
    """A pinned version has its own facts where there are any, else those of the undated name."""
    names = ("gpt-x", "gpt-y-2026-01-01")
    rows = tuple((name, "", None, None, "chat", "", "", "") for name in names)
    row = find_row(rows, model)
    assert (row[0] if row else None) == found
    assert find({name: name for name in names}, model) == found


def test_an_exact_row_wins_over_an_undated_one_before_it():
    """The order of rows does not decide."""
    rows = tuple((name, "", None, None, "chat", "", "", "") for name in ("gpt-x", "gpt-x-2026-01-01"))
    assert find_row(rows, "gpt-x-2026-01-01") is rows[1]
    assert find_row(rows[::-1], "gpt-x-2026-01-01") is rows[1]


def test_what_is_billed_decides_where_it_differs():
    """Some providers read more than they bill, such as a preamble of their own."""
    price = Price(input="1", output="2")
    usage = Usage(prompt_tokens=502, completion_tokens=10, total_tokens=512, billed_prompt_tokens=7, billed_completion_tokens=10)
    assert cost_of(price, usage) == Decimal("0.000027")
