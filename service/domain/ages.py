"""Ages and the days they fall on. A child's age is counted on the calendar, as people count it."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date, timedelta
from typing import Literal, NamedTuple

AgeUnit = Literal["weeks", "months", "years"]


def add_months(day: date, months: int) -> date:
    """The same day of the month, `months` later; where it does not exist, the first of the month after (R1).

    31 May + 9 months = 1 March: a child never comes before the age is full.
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    try:
        return date(year, month + 1, day.day)
    except ValueError:
        if day.day <= 28:  # every month has 28 days: it is the year that does not exist
            raise
        return date(year, month + 2, 1)  # December is never too short


class Span(NamedTuple):
    """A length of time as the calendars write it: whole months (a year is twelve) and days."""

    days: int
    months: int = 0

    def after(self, day: date) -> date:
        """The day on which this much time has passed since `day` (R1)."""
        moved = add_months(day, self.months) if self.months else day
        return moved + timedelta(self.days) if self.days else moved

    def __str__(self) -> str:
        return f"{self.months}m" if self.months else f"{self.days}d"


def read_span(written: str) -> Span | None:
    """'42 days', '9 months' or '10 years' as a Span; None when it is none of these."""
    found = re.fullmatch(r"(\d{1,5}) (day|week|month|year)s?", written)
    if not found:
        return None
    number = int(found[1])
    spans = {"day": Span(number), "week": Span(number * 7), "month": Span(0, number), "year": Span(0, number * 12)}
    return spans[found[2]]


def months_before(day: date, months: int) -> date:
    """The latest day whose `months`-month anniversary has come by `day`."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def birth_of_age(today: date, number: int, unit: AgeUnit) -> date:
    """The latest birth date of a child said to be `number` weeks, months or years old today.

    The latest one, so that nobody is called too young; the caller keeps the unit as the date's precision.
    """
    if number < 0:
        raise ValueError("an age is never negative")
    if unit == "weeks":
        return today - timedelta(weeks=number)
    return months_before(today, number * 12 if unit == "years" else number)
