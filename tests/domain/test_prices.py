"""Prices by day, and what a carrier's own words about a cost mean."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.prices import PricesMistake, example_prices, load_prices

LIST = """
prices: ours
why: a contract
otherwise: 25.50
rates:
  - {currency: XOF, fcfa: 1, from: 1994-01-12, source: itself, confidence: high}
  - {currency: USD, fcfa: 600, from: 2024-01-01, source: bank, confidence: medium}
  - {currency: USD, fcfa: 610, from: 2026-06-01, source: bank, confidence: medium}
parts:
  - {channel: orange, operator: "61002", fcfa: 9.75, from: 2026-01-01, source: contract, confidence: high}
  - {channel: orange, operator: any, fcfa: 18, from: 2026-01-01, until: 2026-11-30, source: contract, confidence: high}
  - {channel: orange, operator: any, fcfa: 20, from: 2026-12-01, source: contract, confidence: high}
"""
PRICES = load_prices(LIST)
DAY = date(2026, 11, 20)


def test_the_operators_own_price_wins_then_any_then_the_price_for_all_else() -> None:
    assert PRICES.part_price("orange", "61002", DAY) == 975
    assert PRICES.part_price("orange", "61001", DAY) == PRICES.part_price("orange", "", DAY) == 1800
    assert PRICES.part_price("twilio", "61002", DAY) is None
    assert PRICES.estimate("orange", "61002", 3, DAY) == 2925
    assert PRICES.estimate("twilio", "61002", 2, DAY) == 5100, "a budget holds where nobody wrote a price"


def test_a_price_holds_on_its_days() -> None:
    assert PRICES.part_price("orange", "61001", date(2026, 11, 30)) == 1800
    assert PRICES.part_price("orange", "61001", date(2026, 12, 1)) == 2000
    assert PRICES.part_price("orange", "61001", date(2025, 12, 31)) is None


@pytest.mark.parametrize(
    ("words", "hundredths"),
    [
        ("XOF 12.0000", 1200),
        ("USD 0.0079", 482),
        ("XOF 0", 0),
        ("KES 0.8000", None),
        ("0", None),
        ("None", None),
        ("", None),
        (None, None),
        ("USD -0.0079", None),
        ("usd 1", None),
        ("USD 1e9", None),
        ("XOF 12.0000 ", None),
    ],
)
def test_what_a_carrier_says_in_francs(words: str | None, hundredths: int | None) -> None:
    assert PRICES.true_cost(words, DAY) == hundredths


def test_the_rate_is_that_of_the_day() -> None:
    assert PRICES.true_cost("USD 1", date(2026, 5, 31)) == 60_000
    assert PRICES.true_cost("USD 1", date(2023, 1, 1)) is None


@given(st.text(max_size=30))
def test_no_word_of_a_carrier_breaks_anything(words: str) -> None:
    cost = PRICES.true_cost(words, DAY)
    assert cost is None or cost >= 0


@given(st.integers(0, 9_999_999), st.integers(0, 999_999))
def test_an_amount_is_rounded_to_a_hundredth(francs: int, after: int) -> None:
    cost = PRICES.true_cost(f"XOF {francs}.{after:06d}", DAY)
    assert cost is not None
    assert abs(cost - (francs * 100 + after / 10_000)) <= 0.5


def test_the_shipped_list_says_that_it_is_an_example() -> None:
    shipped = example_prices()
    assert shipped.example
    assert not PRICES.example
    assert shipped.true_cost("EUR 1", DAY) == 65_596


def test_the_cheapest_part_is_that_of_the_routes_in_use() -> None:
    assert PRICES.cheapest_part(["orange"], DAY) == 975
    assert PRICES.cheapest_part(["twilio"], DAY) == PRICES.cheapest_part([], DAY) == 2550
    assert PRICES.cheapest_part(["orange", "twilio"], date(2026, 12, 24)) == 975


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("fcfa: 18", "fcfa: dear"), "parts 2: 'fcfa' must be an amount like 12 or 12.50"),
        (("until: 2026-11-30", "until: 2025-11-30"), "parts 2: 'until' must be no day before 'from'"),
        (("currency: XOF", "currency: F"), "rates 1: 'currency' must be three capital letters"),
        (("source: itself, ", ""), "rates 1: 'source' is missing"),
        (("otherwise: 25.50", "otherwise: -1"), "'otherwise' must be an amount"),
        (("why: a contract", "why: a contract\nsurprise: 1"), "'surprise' is not a key here"),
    ],
)
def test_a_mistake_in_the_list_is_one_sentence(change: tuple[str, str], sentence: str) -> None:
    with pytest.raises(PricesMistake) as found:
        load_prices(LIST.replace(*change))
    assert sentence in str(found.value)
