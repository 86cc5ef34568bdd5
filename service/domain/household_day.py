"""What one message tells a household of which several contacts are due: one clear day, or as few as there can be.

A late child comes whenever its centre gives what is due, so it goes along with whoever else is expected soon.
Of those who are expected on different days the nearest is told; the others have their own turn, while it says the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from typing import Literal, NamedTuple

MOST_DAYS = 3
"""More do not fit beside the rest in one SMS."""
MOST_LATE_DAYS = 2
GOES_ALONG_DAYS = 3
"""Whoever is late waits no longer than this for the day of another child (hypothesis: the longest step is J-3)."""
SATURDAY = 5

Words = Literal["before", "late", "from"]
"""before: who is expected; late: this week; from: from that day on, for whoever is late, alone or beside others."""


class OneDue(NamedTuple):
    """A contact with a step to be told. `on` is its own day, past when it is `late`.

    `can_wait`: told tomorrow the step is the same one, and as useful. `given_from` gives the first day from one on
    that its centre gives what is due, None where nobody knows of one; `any_day`: nobody told us the centre's days.
    """

    on: date
    late: bool
    can_wait: bool
    given_from: Callable[[date], date | None] = lambda day: day
    any_day: bool = True

    def day_among(self, named: Sequence[date]) -> date:
        """The day on which it is given what is due, of those that a message names."""
        return next((day for day in named if self.given_from(day) == day), named[0])


class Told(NamedTuple):
    """`told` are the places of those whom the message is about; the others wait for tomorrow."""

    told: tuple[int, ...]
    days: tuple[date, ...]
    words: Words


def household_day(dues: Sequence[OneDue], today: date, since: date) -> Told:
    """What is told today of these; `since` is the first day on which the reader can still come.

    At least one is told. Nobody waits whose step would not be told tomorrow, but where four different days press.
    """
    late = [(place, one, _first_day(one, since)) for place, one in enumerate(dues) if one.late]
    coming = _days_to_come(dues)
    days = set(coming or [_best_day(late)])
    told = {place for place, one in enumerate(dues) if not one.late and one.on in days}
    for place, one, first in sorted(late, key=lambda each: each[2]):
        if not _goes_along(one, first, days, since):
            if one.can_wait:
                continue
            if len(days) < (MOST_DAYS if coming else MOST_LATE_DAYS):
                days.add(first)
        told.add(place)
    return Told(tuple(sorted(told)), tuple(sorted(days)), _words([dues[place] for place in told], days, today))


def any_weekday(since: date) -> date:
    """Where nobody told us a centre's days: the next from Monday to Friday (hypothesis)."""
    return since + timedelta(7 - since.weekday() if since.weekday() >= SATURDAY else 0)


def _days_to_come(dues: Sequence[OneDue]) -> list[date]:
    """The nearest day that somebody is expected, and those of which nothing can be said tomorrow."""
    coming = sorted({one.on for one in dues if not one.late})
    pressing = sorted({one.on for one in dues if not one.late and not one.can_wait})
    days = [day for day in coming if day == coming[0] or day in pressing]
    return days if len(days) <= MOST_DAYS else pressing[:MOST_DAYS]


def _best_day(late: Sequence[tuple[int, OneDue, date]]) -> date:
    """The day that suits most of them, the nearest of these."""

    def suits(day: date) -> int:
        return sum(_goes_along(one, first, {day}, first) for _, one, first in late)

    return min((first for _, _, first in late), key=lambda day: (-suits(day), day))


def _first_day(one: OneDue, since: date) -> date:
    start = any_weekday(since) if one.any_day else since
    return one.given_from(start) or any_weekday(since)


def _goes_along(one: OneDue, first: date, days: Iterable[date], since: date) -> bool:
    """Whether it is given what is due on one of these days, and that is soon."""
    soon = first + timedelta(GOES_ALONG_DAYS)
    return any(since <= day <= soon and (day == first or one.given_from(day) == day) for day in days)


def _words(told: Sequence[OneDue], days: Iterable[date], today: date) -> Words:
    if not any(one.late for one in told):
        return "before"
    alone = all(one.late for one in told)
    return "late" if alone and {_week(day) for day in days} == {_week(today)} else "from"


def _week(day: date) -> tuple[int, int]:
    return day.isocalendar()[:2]
