"""Who is in which arm, and what may be tried at all."""

from __future__ import annotations

import math
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain.experiments import TRIED, USUAL, Experiment, NotSound, arm_of, check, days_ahead, takes_part
from service.domain.reminder_ladder import built_in_ladder

LADDER = built_in_ladder()
TODAY = date(2026, 11, 16)
IDS = st.integers(1, 2**62)


def an_experiment(**changes: Any) -> Experiment:
    usual = Experiment(
        id=1,
        programme_id=1,
        name="early-2026",
        kind="hold-out",
        steps=("J-3", "J-1", "J"),
        wording="",
        share=20,
        seed="ab" * 32,
        starts_on=date(2026, 11, 20),
        ends_on=date(2027, 5, 31),
        within_days=28,
        declared_at=1000,
    )
    return usual._replace(**changes)


# --- the draw -------------------------------------------------------------------------------------------------


@given(IDS, st.text(min_size=1), st.integers(1, 99))
def test_a_family_is_in_the_same_arm_for_ever(household: int, seed: str, share: int) -> None:
    """Whatever else was asked before, and whatever else of the experiment differs."""
    one = an_experiment(seed=seed, share=share)
    before = arm_of(one, household)
    arm_of(one, household + 1)
    assert arm_of(one._replace(name="another", id=7, declared_at=5), household) == before


@settings(max_examples=30, deadline=None)
@given(st.binary(min_size=8, max_size=8), st.integers(1, 99), st.integers(0, 2**60))
def test_arms_are_as_large_as_they_were_to_be(seed: bytes, share: int, first: int) -> None:
    """Households one after the other, as a database that counts would number them, and still no pattern."""
    one = an_experiment(seed=seed.hex(), share=share)
    families = 4000
    tried = sum(arm_of(one, first + place) == TRIED for place in range(families))
    spread = math.sqrt(families * share / 100 * (1 - share / 100))
    assert abs(tried - families * share / 100) < 5.5 * spread + 1


def test_a_larger_share_keeps_those_who_were_in() -> None:
    small, large = an_experiment(share=10), an_experiment(share=20)
    assert all(arm_of(large, home) == TRIED for home in range(2000) if arm_of(small, home) == TRIED)


def test_two_experiments_do_not_draw_the_same_families() -> None:
    one, other = an_experiment(share=50), an_experiment(share=50, seed="cd" * 32)
    both = sum(arm_of(one, home) == arm_of(other, home) for home in range(4000))
    assert 1800 < both < 2200


# --- who takes part -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("enrolled_at", "precision", "on", "takes"),
    [
        (1000, "day", date(2026, 11, 20), True),
        (1000, "day", date(2027, 5, 31), True),
        (1001, "day", date(2026, 11, 20), False),  # enrolled after it was declared
        (1000, "month", date(2026, 11, 20), False),  # its doses are not counted: nothing is tried on it
        (1000, "day", date(2026, 11, 19), False),
        (1000, "day", date(2027, 6, 1), False),
    ],
)
def test_only_what_is_counted_is_tried(enrolled_at: int, precision: str, on: date, takes: bool) -> None:
    assert takes_part(an_experiment(), enrolled_at, precision, on) is takes


# --- what may be tried ----------------------------------------------------------------------------------------


def test_what_is_sound_passes() -> None:
    check(an_experiment(), LADDER, TODAY, 20)
    check(an_experiment(kind="wording", steps=(), wording="recall.before.plan", share=50), LADDER, TODAY, 20)
    check(an_experiment(ends_on=date(2027, 11, 20)), LADDER, TODAY, 20)
    assert days_ahead(LADDER) == 3


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"steps": ("J-3", "J+2")}, "'J+2' comes when a child is late, and is never left out"),
        ({"steps": ("J+14",)}, "never left out"),
        ({"steps": ("J-9",)}, "'J-9' is no step; there are J-3, J-1, J"),
        ({"steps": ()}, "name the steps that are left out: J-3, J-1, J"),
        ({"share": 21}, "a hold-out is of 1 to 20 families of a hundred, not 21"),
        ({"share": 0}, "1 to 20 families"),
        ({"kind": "wording", "share": 100}, "1 to 99 families"),
        ({"starts_on": date(2026, 11, 19)}, "it begins on 2026-11-20 at the earliest"),
        ({"ends_on": date(2026, 11, 19)}, "it ends on 2026-11-19, before it begins"),
        ({"ends_on": date(2027, 11, 21)}, "12 months at most: it ends on 2027-11-20 or before"),
        ({"within_days": 121}, "0 to 120 days"),
        ({"name": "Été"}, "is no name"),
    ],
)
def test_what_is_not_sound_is_refused_with_the_reason(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(NotSound) as refused:
        check(an_experiment(**changes), LADDER, TODAY, 20)
    assert told in str(refused.value)


def test_the_usual_arm_is_all_the_others() -> None:
    assert an_experiment(share=15).arms == ((USUAL, 85), (TRIED, 15))
