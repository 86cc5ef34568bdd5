"""Whom a mediator is asked to visit, and whom first."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

import pytest

from service.domain.late_order import LateRule, most_urgent_first, needs_visit

RULE = LateRule(told=14, untold=28)
LONG_LADDER = LateRule(told=60, untold=28)


class One(NamedTuple):
    code: str
    days_late: int
    born_on: date


@pytest.mark.parametrize(
    ("rule", "days", "climbed", "reached", "visit"),
    [
        (RULE, 14, True, True, False),  # the last reminder is of this very day: the family has time to come
        (RULE, 15, True, True, True),
        (RULE, 15, False, True, False),  # a step is still to be told
        (RULE, 15, True, False, True),  # nobody hears it, and it is told to nobody
        (RULE, 400, False, True, False),
        (LONG_LADDER, 28, False, False, False),
        (LONG_LADDER, 29, False, False, True),  # the ladder would go on, but to nobody
        (LONG_LADDER, 29, True, True, False),
    ],
)
def test_a_visit_is_called_for_when_reminders_end(
    rule: LateRule, days: int, climbed: bool, reached: bool, visit: bool
) -> None:
    assert needs_visit(rule, days, is_climbed=climbed, is_reached=reached) is visit


def test_who_waits_longest_comes_first_then_the_youngest() -> None:
    old, young = date(2025, 1, 1), date(2026, 6, 1)
    children = [One("4", 16, old), One("3", 16, young), One("2", 40, old), One("1", 16, old)]
    assert [one.code for one in most_urgent_first(children)] == ["2", "3", "1", "4"]
    assert most_urgent_first(reversed(children)) == most_urgent_first(children)
