"""The arithmetic of an experiment: by hand on small figures, and with simulated families where the truth is known."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.experiment_results import (
    Family,
    Sums,
    Z,
    compare,
    design_effect,
    least_effect,
    sums_of,
)

FAMILY = st.integers(1, 12).flatmap(
    lambda due: st.builds(Family, st.just(due), st.integers(0, due), st.integers(0, 20_000))
)


# --- by hand --------------------------------------------------------------------------------------------------


def test_a_tiny_example_recomputed_by_hand() -> None:
    usual = sums_of([Family(4, 4, 3000), Family(2, 1, 3000), Family(4, 2, 6000)])
    tried = sums_of([Family(3, 1, 1500), Family(5, 2, 1500), Family(2, 1, 3000)])
    assert (usual.share, tried.share) == (0.7, 0.4)
    # Residuals on time: 4-2.8, 1-1.4, 2-2.8 and 1-1.2, 2-2, 1-0.8; n/(n-1) = 1.5; 10 doses each.
    assert usual.variances()[0] == pytest.approx(1.5 * (1.2**2 + 0.4**2 + 0.8**2) / 100)
    assert tried.variances()[0] == pytest.approx(1.5 * (0.2**2 + 0.2**2) / 100)
    # The cost of a dose is 1200 and 600: residuals -1800, 600, 1200 and -300, -1500, 1800.
    assert usual.variances()[1] == pytest.approx(1.5 * (1800**2 + 600**2 + 1200**2) / 100)
    assert usual.variances()[2] == pytest.approx(1.5 * (-1800 * 1.2 + 600 * -0.4 + 1200 * -0.8) / 100)
    found = compare(usual, tried)
    error = 1.959964 * math.sqrt(1.5 * (2.24 + 0.08) / 100)
    assert found.effect is not None
    assert found.effect == pytest.approx((30, 30 - 100 * error, 30 + 100 * error), rel=1e-6)
    assert (found.price, found.unpriced) == (None, "no difference")


def test_the_price_of_a_clear_difference() -> None:
    usual = sums_of([Family(10, 8 + place % 2, 4000 + 500 * (place % 3)) for place in range(60)])
    tried = sums_of([Family(10, 5 + place % 2, 1000 + 500 * (place % 3)) for place in range(60)])
    found = compare(usual, tried)
    assert found.effect is not None
    assert found.price is not None
    assert found.effect.value == pytest.approx(30)
    assert found.price.value == pytest.approx(3000 / 3 / 100), "30 francs for 3 doses more in ten"
    assert found.price.low < found.price.value < found.price.high
    # Fieller's limits: where the difference in cost less R times the gain is just one error from nought.
    came, cost, both = (x + y for x, y in zip(usual.variances(), tried.variances(), strict=True))
    for limit in (100 * found.price.low, 100 * found.price.high):
        distance = 300 - limit * 0.3
        assert distance**2 == pytest.approx(Z * Z * (cost - 2 * limit * both + limit**2 * came))


@pytest.mark.parametrize(
    ("more", "less", "why"),
    [
        ([Family(10, 5 + n % 2, 100) for n in range(50)], [Family(10, 5 + n % 2) for n in range(50)], "no difference"),
        ([Family(10, 2 + n % 2, 100) for n in range(50)], [Family(10, 6 + n % 2) for n in range(50)], "fewer on time"),
        ([Family(10, 8 + n % 2) for n in range(50)], [Family(10, 2 + n % 2) for n in range(50)], "no cost"),
        ([Family(10, 8, 100)], [Family(10, 2 + n % 2) for n in range(50)], "too few"),
        ([Family(10, 10, 100)] * 50, [Family(10, 0)] * 50, "too few"),  # all alike: no interval to be had
        ([], [], "too few"),
    ],
)
def test_where_there_is_no_price_it_says_why(more: list[Family], less: list[Family], why: str) -> None:
    found = compare(sums_of(more), sums_of(less))
    assert found.price is None
    assert found.unpriced == why


def test_a_family_without_a_dose_is_no_witness() -> None:
    assert sums_of([Family(0, 0, 500), Family(2, 1, 100)]) == sums_of([Family(2, 1, 100)])


@given(st.lists(FAMILY, min_size=2, max_size=30))
def test_sums_say_what_the_families_say(families: list[Family]) -> None:
    """The variances from the sums are those from the residuals of each family, and never negative."""
    found = sums_of(families)
    n, due = len(families), sum(one.due for one in families)
    p, k = sum(one.on_time for one in families) / due, sum(one.cost for one in families) / due
    scale = n / (n - 1) / due**2
    came = scale * sum((one.on_time - p * one.due) ** 2 for one in families)
    cost = scale * sum((one.cost - k * one.due) ** 2 for one in families)
    both = scale * sum((one.on_time - p * one.due) * (one.cost - k * one.due) for one in families)
    assert found.variances() == pytest.approx((came, cost, both), rel=1e-6, abs=1e-4)


# --- simulated: families whose doses go together ------------------------------------------------------------------


def families(dice: random.Random, how_many: int, on_time: float) -> list[Family]:
    """Some families come nearly always and some hardly ever; doses of one visit come together; each reminder costs."""
    found = []
    for _ in range(how_many):
        diligence = dice.betavariate(2 * on_time, 2 * (1 - on_time))
        visits = dice.choice((1, 1, 2, 3))
        came = sum(4 * (dice.random() < diligence) for _ in range(visits))
        found.append(Family(4 * visits, came, 1500 * sum(dice.randint(1, 4) for _ in range(visits))))
    return found


def times(rounds: int, holds: Callable[[random.Random], bool]) -> float:
    dice = random.Random(20261126)
    return sum(holds(dice) for _ in range(rounds)) / rounds


def test_without_an_effect_the_interval_holds_nought_95_times_of_a_hundred() -> None:
    def holds(dice: random.Random) -> bool:
        found = compare(sums_of(families(dice, 240, 0.6)), sums_of(families(dice, 60, 0.6)))
        assert found.effect is not None
        return found.effect.low <= 0 <= found.effect.high

    assert 0.93 <= times(700, holds) <= 0.97


def test_with_an_effect_the_interval_holds_it_as_often() -> None:
    def holds(dice: random.Random) -> bool:
        found = compare(sums_of(families(dice, 240, 0.7)), sums_of(families(dice, 60, 0.55)))
        assert found.effect is not None
        return found.effect.low <= 15 <= found.effect.high

    assert 0.93 <= times(700, holds) <= 0.97


def test_doses_taken_for_witnesses_would_have_lied() -> None:
    """Why it is done between families: the usual formula of two proportions misses far more often."""

    def holds(dice: random.Random) -> bool:
        one, other = sums_of(families(dice, 240, 0.6)), sums_of(families(dice, 60, 0.6))
        error = Z * math.sqrt(sum(arm.share * (1 - arm.share) / arm.due for arm in (one, other)))
        return abs(one.share - other.share) <= error

    assert times(600, holds) < 0.75


def test_the_limits_of_the_price_hold_the_true_one() -> None:
    """Where a price is given at all: 3,000 hundredths of a franc more for each visit, 0.25 more doses on time."""

    def one_round(dice: random.Random) -> bool | None:
        more = [one._replace(cost=one.cost + 3000 * one.due // 4) for one in families(dice, 300, 0.75)]
        found = compare(sums_of(more), sums_of(families(dice, 300, 0.5)))
        return None if found.price is None else found.price.low <= 3000 / 4 / 0.25 / 100 <= found.price.high

    dice = random.Random(7)
    told = [holds for _ in range(500) if (holds := one_round(dice)) is not None]
    assert len(told) > 490
    assert 0.93 <= sum(told) / len(told) <= 0.97


# --- beforehand ---------------------------------------------------------------------------------------------------


def test_the_design_effect_is_one_for_single_doses_and_their_number_for_doses_that_go_together() -> None:
    single = sums_of([Family(1, place % 2) for place in range(400)])
    together = sums_of([Family(4, 4 * (place % 2)) for place in range(400)])
    assert design_effect(single) == pytest.approx(1, abs=0.01)
    assert design_effect(together) == pytest.approx(4, abs=0.02)
    assert design_effect(sums_of([Family(2, 2)] * 50)) is None
    assert design_effect(Sums()) is None


def test_the_least_effect_as_the_textbook_has_it() -> None:
    """Two arms of 388, half of whom come: ten points, 80 times of a hundred."""
    assert least_effect(0.5, 776, 1.0, 50, 80) == pytest.approx(10.06, abs=0.01)
    assert least_effect(0.5, 776, 4.0, 50, 80) == pytest.approx(20.11, abs=0.02), "twice, with a design effect of four"
    assert least_effect(0.5, 776, 1.0, 20, 80) > least_effect(0.5, 776, 1.0, 50, 80)


def test_the_least_effect_is_seen_as_often_as_promised() -> None:
    dice = random.Random(3)
    design = design_effect(sums_of(families(dice, 5_000, 0.6)))
    assert design is not None
    doses = 600 * 4 * 1.75
    gain = least_effect(0.6, doses, design, 20, 80) / 100

    def seen(dice: random.Random) -> bool:
        found = compare(sums_of(families(dice, 480, 0.6)), sums_of(families(dice, 120, 0.6 - gain)))
        assert found.effect is not None
        return found.effect.low > 0

    assert 0.74 <= times(400, seen) <= 0.86
