"""When people may be written to: hours by name. Everything is the reader's local time, without a zone.

A name is a purpose ("reminder"), or a purpose in a quartier that has hours or a market of its own ("reminder@banconi");
"day" and "any" are always there. A message holds its name, and the dispatcher asks which names are open.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple

from service.domain import local_time
from service.domain.public_holidays import Holidays

PURPOSES = ("reminder", "campaign", "notice", "staff", "reply", "talk")
ANY, DAY = "any", "day"
LOOK_AHEAD_DAYS = 31
FRIDAY = 4


class Window(NamedTuple):
    """From `opens` on, before `closes`, every day."""

    opens: time
    closes: time


Hours = tuple[Window, ...]
"""The windows of one day, in order; none: people wait."""

DAYTIME = Window(time(8), time(19))
WHOLE_DAY = Window(time.min, time.max)


class Market(NamedTuple):
    """The days of a market: these weekdays (Monday is 0), or every so many days from a first one."""

    weekdays: frozenset[int] = frozenset()
    every: int = 0
    first: date = date.min

    def is_on(self, day: date) -> bool:
        if self.every:
            return (day - self.first).days % self.every == 0
        return day.weekday() in self.weekdays


class Profile(NamedTuple):
    """The hours of one name. A kind of day without hours of its own has the usual ones.

    A day of several kinds (a feast that falls on a Friday) is open when each of them is.
    """

    usual: Hours
    friday: Hours | None = None
    holiday: Hours | None = None
    market_day: Hours | None = None
    market: Market | None = None

    def hours_of(self, day: date, holidays: Holidays) -> Hours:
        """What is open on this day, from the earliest hour."""
        kinds: list[Hours] = []
        if self.friday is not None and day.weekday() == FRIDAY:
            kinds.append(self.friday)
        if self.market_day is not None and self.market is not None and self.market.is_on(day):
            kinds.append(self.market_day)
        if self.holiday is not None and holidays.is_holiday(day):
            kinds.append(self.holiday)
        if not kinds:
            return self.usual
        hours = kinds[0]
        for other in kinds[1:]:
            hours = _both(hours, other)
        return hours


def _both(some: Hours, others: Hours) -> Hours:
    shared = [Window(max(a.opens, b.opens), min(a.closes, b.closes)) for a in some for b in others]
    return tuple(sorted(window for window in shared if window.opens < window.closes))


ALWAYS = Profile((WHOLE_DAY,))
"""An answer to who just wrote, an alarm to who is on duty."""


@dataclass(frozen=True, eq=False)
class HoursTable:
    """Every name with its hours. It does not change: a new file is a new table."""

    name: str
    profiles: Mapping[str, Profile]
    holidays: Holidays

    def name_for(self, purpose: str, zone_code: str | None = None) -> str:
        """The name that a message of this purpose to this quartier is held under."""
        name = f"{purpose}@{zone_code}"
        return name if zone_code is not None and name in self.profiles else purpose

    def profile(self, name: str) -> Profile:
        """A name that this table no longer has means its purpose, and an unknown purpose the day."""
        return self.profiles.get(name) or self.profiles.get(name.partition("@")[0]) or self.profiles[DAY]

    def is_open(self, name: str, local: datetime) -> bool:
        """People may be written to under this name at this moment."""
        profile = self.profile(name)
        return profile is ALWAYS or any(
            window.opens <= local.time() < window.closes for window in profile.hours_of(local.date(), self.holidays)
        )

    def open_names(self, local: datetime) -> frozenset[str]:
        """Every name that is open at this moment; asked as often as one likes, worked out once a minute."""
        return _open_names(self, local.replace(second=0, microsecond=0))

    def next_opening(self, name: str, local: datetime) -> datetime | None:
        """This moment when it is open, else the next one at which it opens; None when that is a month away."""
        profile = self.profile(name)
        if profile is ALWAYS:
            return local
        for ahead in range(LOOK_AHEAD_DAYS):
            day = local.date() + timedelta(ahead)
            for window in profile.hours_of(day, self.holidays):
                if ahead == 0 and local.time() >= window.closes:
                    continue
                opening = datetime.combine(day, window.opens)
                # In an hour that comes twice we are in the second one, and so is what is left of that day.
                return opening.replace(fold=local.fold) if opening > local.replace(fold=0) else local
        return None

    def good_moment(self, name: str, since: datetime, until: datetime) -> datetime | None:
        """The first moment from `since` on at which it may leave; None when it would no longer be useful then."""
        opening = self.next_opening(name, since)
        return opening if opening is not None and opening < until else None

    def good_instant(self, name: str, zone: str, since: int, until: int) -> int | None:
        """The same in UTC milliseconds for readers who live in this zone; exact on the days when clocks change."""
        moment = since
        while moment < until:
            here = local_time.local(moment, zone)
            if self.is_open(name, here):
                return moment
            opening = self.next_opening(name, here)
            if opening is None:
                return None
            # An opening that the clocks jump over is none: we look on from where they landed.
            moment = max(local_time.instant(opening, zone), moment + 1)
        return None


@lru_cache(maxsize=16)
def _open_names(table: HoursTable, minute: datetime) -> frozenset[str]:
    return frozenset(name for name in table.profiles if table.is_open(name, minute))


def read_window(written: str) -> Window:
    """'08:00-19:00' as a Window. Raises ValueError for anything else, or when it does not open before it closes."""
    found = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)", written.strip())
    if not found:
        raise ValueError(f"sending hours must be written like 08:00-19:00, not {written!r}")
    hours = [int(number) for number in found.groups()]
    window = Window(time(hours[0], hours[1]), time(hours[2], hours[3]))
    if window.opens >= window.closes:
        raise ValueError(f"sending hours must open before they close, not {written!r}")
    return window


def within(now_local: datetime, window: Window = DAYTIME) -> bool:
    """This moment lies in the window."""
    return window.opens <= now_local.time() < window.closes
