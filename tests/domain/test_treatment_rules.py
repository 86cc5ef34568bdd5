"""Who is taken into weekly visits, which one comes next, and how a measure is kept."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain import treatment_rules
from service.domain.late_order import LateRule
from service.domain.muac import CannotBe, built_in_rules
from service.domain.rations import Measure, built_in_nutrition
from service.domain.reminder_ladder import built_in_ladder, next_step
from service.domain.treatment_rules import CannotWeigh

RULES, FILE = built_in_rules(), built_in_nutrition()
ADMITTED = date(2026, 11, 20)


@pytest.mark.parametrize(
    ("mm", "oedema", "age", "why"),
    [
        (114, False, 24, None),
        (115, False, 24, None),
        (124, False, 24, None),
        (125, False, 24, "green"),
        (130, True, 24, None),
        (110, False, 5, "age"),
        (110, False, 60, "age"),
        (130, True, 60, None),
        (110, False, 6, None),
        (110, False, 59, None),
    ],
)
def test_bands_and_oedema_decide_who_is_taken_in(mm: int, oedema: bool, age: int, why: str | None) -> None:
    first = treatment_rules.measured(RULES, ADMITTED, age, mm, oedema, None)
    assert treatment_rules.why_not_taken(RULES, first) == why


@pytest.mark.parametrize("mm", [0, 11, 59, 251, 1120])
def test_what_no_arm_measures_is_refused(mm: int) -> None:
    with pytest.raises(CannotBe):
        treatment_rules.measured(RULES, ADMITTED, 24, mm, False, None)


@pytest.mark.parametrize(("grams", "good"), [(0, False), (1499, False), (1500, True), (35_000, True), (64_000, False)])
def test_a_weight_in_the_wrong_unit_is_refused(grams: int, good: bool) -> None:
    if good:
        assert treatment_rules.measured(RULES, ADMITTED, 24, 112, False, grams).weight_g == grams
        return
    with pytest.raises(CannotWeigh):
        treatment_rules.measured(RULES, ADMITTED, 24, 112, False, grams)


@given(st.integers(60, 250), st.booleans(), st.none() | st.integers(1500, 35_000), st.integers(0, 120), st.dates())
def test_a_measure_is_read_as_it_was_written(mm: int, oedema: bool, weight: int | None, age: int, on: date) -> None:
    one = Measure(on, age, mm, oedema, weight_g=weight)
    assert treatment_rules.read(on, treatment_rules.written(one)) == one


def test_each_visit_counts_from_the_one_before_until_the_child_has_defaulted() -> None:
    first = treatment_rules.next_visit(FILE, ADMITTED, [ADMITTED], ADMITTED)
    assert first is not None
    assert (first.id, first.planned_on, first.lapses_on) == ("visit-1", date(2026, 11, 27), date(2026, 12, 26))
    days = [date(2026, 11, 29), ADMITTED]  # in whatever order they were told
    second = treatment_rules.next_visit(FILE, ADMITTED, days, date(2026, 11, 30))
    assert second is not None
    assert (second.id, second.planned_on) == ("visit-2", date(2026, 12, 6))
    assert treatment_rules.next_visit(FILE, ADMITTED, [ADMITTED], date(2026, 12, 25)) is not None
    assert treatment_rules.next_visit(FILE, ADMITTED, [ADMITTED], date(2026, 12, 26)) is None


def test_danger_is_sent_to_the_nearest_centre_and_seen_again_after_three_days() -> None:
    found = treatment_rules.referral_in_danger(FILE, RULES, ADMITTED)
    assert (found.referral.to, found.seen_again_on) == ("nearest_centre", ADMITTED + timedelta(3))


def test_a_visit_on_time_is_not_called_missed_and_a_week_later_a_mediator_looks() -> None:
    ladder = built_in_ladder("nutrition")
    late = FILE.protocol.number("late_days")
    assert all(step.offset_days > late for step in ladder.steps if step.phrase == "late")
    assert treatment_rules.late_rule(FILE, ladder) == LateRule(told=7, untold=3)
    noon = datetime.combine(ADMITTED + timedelta(8), time(12))
    assert next_step(ladder, ADMITTED, "J+7", noon) is None
