"""Figures about many children: who stops on the way, who comes in time."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from service.domain.vaccine_calendar import Calendar


class DropOut(NamedTuple):
    """`percent` is None when nobody began. A negative value is kept: it points to a data problem."""

    percent: float | None
    negative: bool


def drop_out(first: int, last: int) -> DropOut:
    """How many of those who had the first dose did not have the last, in percent, one decimal, half up (R15)."""
    if first == 0:
        return DropOut(None, negative=False)
    exact = Decimal(first - last) * 100 / Decimal(first)
    rounded = exact.quantize(Decimal("0.1"), rounding=ROUND_HALF_UP)
    return DropOut(float(rounded) + 0.0, negative=last > first)  # + 0.0: never "-0.0"


def is_timely(calendar: Calendar, dose: str, dob: date, given: date, *, grace_days: int | None = None) -> bool | None:
    """A valid dose given soon enough after its recommended age (R16). None for a dose recommended by season.

    A dose given before its minimum age is not valid, hence not timely.
    """
    _, rule = calendar.dose(dose)
    if rule.recommended is None:
        return None
    grace = timedelta(calendar.settings.grace_days if grace_days is None else grace_days)
    latest = rule.recommended.after(dob) + timedelta(calendar.settings.timely_within_days)
    return rule.min_age.after(dob) <= given + grace and given <= latest
