"""When the list of late children goes to the mediators: once a week, on its day or the next one on which they work."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import NamedTuple

from service.domain.public_holidays import Holidays
from service.domain.sending_hours import DAYTIME

WORKDAYS = ("mon", "tue", "wed", "thu", "fri")


class ListTime(NamedTuple):
    """A day of the week (Monday is 0) and the local hour from which on the list goes out."""

    weekday: int
    at: time
    closes: time = DAYTIME.closes


def is_time(when: ListTime, local: datetime, holidays: Holidays) -> bool:
    """The list of this week may go out now. What was missed is made up for on the next working day of the week."""
    day = local.date()
    works = when.weekday <= day.weekday() < len(WORKDAYS) and not holidays.is_holiday(day)
    return works and when.at <= local.time() < when.closes


def may_have_gone(when: ListTime, local: datetime) -> bool:
    """By this moment the list of its week may have gone out."""
    return (local.weekday(), local.time()) >= (when.weekday, when.at)


def week_of(day: date) -> str:
    """'2026-W49': the week as ISO 8601 counts it, so that a list has one key across New Year too."""
    return "{}-W{:02d}".format(*day.isocalendar()[:2])
