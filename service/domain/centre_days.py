"""On which days a health centre gives which antigens, and what that makes of the day of a contact.

A centre opens some vials on some days only (BCG, measles: many doses in one vial, to be used within hours), cancels a
day, goes out on another one, runs out of stock. Where nobody told us its days, every day counts as one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import NamedTuple

LOOKED_AHEAD_DAYS = 400
"""Further ahead nobody knows a centre's days."""

Standing = Mapping[str, date | None]
"""Dose -> the day that stands for it now; None where it waits for stock."""


class WeeklyDay(NamedTuple):
    """Monday is 0. It holds from `since` to the last day `until`. Without antigens it is for all not kept to a day.

    An antigen that one line names is given only on the lines that name it.
    """

    weekday: int
    antigens: frozenset[str] = frozenset()
    since: date = date.min
    until: date | None = None


class ExtraDay(NamedTuple):
    """A day beside the week's, with outreach for instance; without antigens all are given."""

    on: date
    antigens: frozenset[str] = frozenset()


class StockOut(NamedTuple):
    """No dose of this antigen from `since` to the last day `until`; None: nobody knows until when."""

    antigen: str
    since: date
    until: date | None


class CentreDays(NamedTuple):
    """What is known of one centre. A cancelled day is stronger than all else."""

    weekly: tuple[WeeklyDay, ...] = ()
    cancelled: frozenset[date] = frozenset()
    extra: tuple[ExtraDay, ...] = ()
    stock_outs: tuple[StockOut, ...] = ()

    def gives(self, antigen: str, day: date) -> bool:
        return day not in self.cancelled and not self._outs(antigen, day) and self._is_day_for(antigen, day)

    def first_day(self, antigens: Collection[str], start: date) -> date | None:
        """The first day on or after `start` on which all of these are given; None when nobody knows of one."""
        day, last = start, start + timedelta(LOOKED_AHEAD_DAYS)
        while day <= last:
            outs = [out for antigen in antigens for out in self._outs(antigen, day)]
            if any(out.until is None for out in outs):
                return None
            if not outs and all(self.gives(antigen, day) for antigen in antigens):
                return day
            day = max([day, *(out.until for out in outs if out.until)]) + timedelta(1)
        return None

    def is_held_up(self, antigen: str, today: date) -> bool:
        """The next day of its week does not give it: cancelled, or out of stock."""
        usual = CentreDays(self.weekly).first_day([antigen], today)
        found = self.first_day([antigen], today)
        return found is None or (usual is not None and found > usual)

    def weekdays(self, day: date) -> tuple[int, ...]:
        """The days of the week that hold then, Monday 0; none when nobody told us."""
        return tuple(sorted({one.weekday for one in self._in_force(day)}))

    def _outs(self, antigen: str, day: date) -> list[StockOut]:
        return [
            out
            for out in self.stock_outs
            if out.antigen == antigen and out.since <= day and (out.until is None or day <= out.until)
        ]

    def _is_day_for(self, antigen: str, day: date) -> bool:
        if any(one.on == day and (not one.antigens or antigen in one.antigens) for one in self.extra):
            return True
        lines = self._in_force(day)
        named = [one for one in lines if antigen in one.antigens]
        whole = [one for one in lines if not one.antigens]
        fits = named or whole or lines
        return not fits or any(one.weekday == day.weekday() for one in fits)

    def _in_force(self, day: date) -> list[WeeklyDay]:
        return [one for one in self.weekly if one.since <= day and (one.until is None or day <= one.until)]


NOTHING_KNOWN = CentreDays()


class Together(NamedTuple):
    """How a contact may be split: all on one day if the first part waits no longer than `within_days` for it.

    Two live injectable vaccines are given on one day, or so many days apart (R6, WHO's tables).
    """

    within_days: int
    live: frozenset[str]
    live_spacing_days: int


class Meeting(NamedTuple):
    """Doses that are given on one day; `on` None: nobody knows when, they are out of stock."""

    doses: tuple[str, ...]
    on: date | None


def meetings(
    days: CentreDays,
    doses: Mapping[str, str],
    anchor_on: date,
    today: date,
    rule: Together,
    standing: Standing | None = None,
    settled: Collection[str] = (),
) -> tuple[Meeting, ...]:
    """On which days the doses of one contact (dose -> antigen) are given, the earliest first.

    Nothing known: the anchor. A day to come is the first one from the anchor on. A day that has passed stands, so that
    whoever is late stays late, unless the next day for these antigens is cancelled or they are out of stock; for the
    `settled`, whose reminders have all been told, even then.
    """
    if days == NOTHING_KNOWN:
        return (Meeting(tuple(sorted(doses)), anchor_on),)
    plan = _Plan(days, doses, rule)
    on = {dose: day for dose, day in (standing or {}).items() if dose in doses}
    if anchor_on < today:
        on |= plan.days_from([dose for dose in doses if dose not in on], anchor_on)
    kept = {
        dose: day
        for dose, day in on.items()
        if day is not None and day < today and (dose in settled or not days.is_held_up(doses[dose], today))
    }
    rest = [dose for dose in doses if dose not in kept]
    return _by_day(kept | plan.days_from(rest, max(anchor_on, today), kept))


class _Plan(NamedTuple):
    days: CentreDays
    antigen_of: Mapping[str, str]
    rule: Together

    def days_from(
        self, doses: Collection[str], start: date, kept: Mapping[str, date] | None = None
    ) -> dict[str, date | None]:
        """The day of each, all on one if that is soon, else each as early as it can be."""
        alone = {dose: self._first([dose], start) for dose in doses}
        live = [dose for dose in doses if self.antigen_of[dose] in self.rule.live]
        held = [day for dose, day in (kept or {}).items() if self.antigen_of[dose] in self.rule.live]
        if not held:
            known = [dose for dose, day in alone.items() if day is not None]
            joint = self._joint(known, start)
            if joint is not None:
                return alone | dict.fromkeys(known, joint)
        free_from = max([start, *(day + timedelta(self.rule.live_spacing_days) for day in held)])
        return alone | self._live_apart(live, free_from)

    def _joint(self, doses: Collection[str], start: date) -> date | None:
        """The day for all of them, when the first of them need not wait long for it."""
        day = self._first(doses, start) if doses else None
        soonest = min((first for dose in doses if (first := self._first([dose], start))), default=None)
        if day is None or soonest is None or (day - soonest).days > self.rule.within_days:
            return None
        return day

    def _live_apart(self, live: Collection[str], start: date) -> dict[str, date | None]:
        found: dict[str, date | None] = {}
        left = list(live)
        while left:
            firsts = {dose: first for dose in left if (first := self._first([dose], start)) is not None}
            if not firsts:
                return found | dict.fromkeys(left)
            day = self._joint(list(firsts), start) or min(firsts.values())
            now = [dose for dose in firsts if self.days.gives(self.antigen_of[dose], day)]
            found |= dict.fromkeys(now, day)
            left = [dose for dose in left if dose not in now]
            start = day + timedelta(self.rule.live_spacing_days)
        return found

    def _first(self, doses: Iterable[str], start: date) -> date | None:
        return self.days.first_day({self.antigen_of[dose] for dose in doses}, start)


def _by_day(on: Mapping[str, date | None]) -> tuple[Meeting, ...]:
    groups: dict[date | None, list[str]] = {}
    for dose, day in on.items():
        groups.setdefault(day, []).append(dose)
    return tuple(Meeting(tuple(sorted(doses)), day) for day, doses in sorted(groups.items(), key=_unknown_last))


def _unknown_last(group: tuple[date | None, list[str]]) -> tuple[bool, date]:
    return group[0] is None, group[0] or date.max


Meet = Callable[[tuple[str, ...], date], Iterable[Meeting]]
"""What becomes of the doses of a contact with this anchor."""


def on_the_anchor(doses: tuple[str, ...], anchor_on: date) -> Iterator[Meeting]:
    """Where no centre's days are asked."""
    yield Meeting(doses, anchor_on)
