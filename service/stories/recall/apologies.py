"""Pardon: one message for a household that was told a day on which its centre cannot give what is due after all."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy.engine import Connection

from flows import sms_text
from service.domain.centre_days import CentreDays
from service.runtime import Runtime
from service.store import centre_tables, home_tables
from service.store.care_tables import Appointment
from service.store.centre_tables import Awaited
from service.store.home_tables import Home
from service.stories.delivery import money
from service.stories.delivery.outbox import Letter, put_many
from service.stories.recall import meeting_days, pardons, recalls
from service.stories.recall.reminders import apology_text


class Moved(NamedTuple):
    """An appointment whose day fell away: a family's, of a child; `row` is as it stood."""

    household_id: int
    child_id: int
    row: Appointment


class Bill(NamedTuple):
    """How many apologies, and their rough cost in hundredths of a franc CFA."""

    messages: int
    cost: int


def told_in_vain(
    tx: Connection, moved: Sequence[Moved], still: set[tuple[int, date]], today: date
) -> dict[int, list[date]]:
    """household -> the days from today on that it was told and that fell away.

    A day on which another appointment of the household still stands (`still`) is none of them: it comes anyway.
    """
    coming = [
        one
        for one in moved
        if one.row.on is not None and one.row.on >= today and (one.household_id, one.row.on) not in still
    ]
    heard = centre_tables.heard_of(tx, [one.row.id for one in coming])
    found: dict[int, list[date]] = {}
    for one in coming:
        if one.row.id in heard and one.row.on is not None:
            found.setdefault(one.household_id, []).append(one.row.on)
    return found


def apologise(
    tx: Connection,
    runtime: Runtime,
    centre_id: int,
    fact_id: int,
    in_vain: Mapping[int, Sequence[date]],
    instead: Mapping[int, Sequence[Appointment]],
    now: int,
    also: Mapping[int, Sequence[date]],
) -> Bill:
    """Say it once to each of these households, whatever else is asked about the same fact later.

    `instead` are the appointments that took the place of what fell away. What their ladder would say by today is
    said with it. `also` are the days on which whoever is late may come.
    """
    homes = pardons.reached(tx, home_tables.homes_at_centre(tx, centre_id, list(in_vain)))
    letters = {}
    for home in homes:
        id = home.household_id
        days = [*_days(instead.get(id, ())), *also.get(id, ())]
        letters[id] = _letter(runtime, home, fact_id, in_vain[id], days, now)
    queued = put_many(tx, now, list(letters.values()))
    said = [home for home in homes if letters[home.household_id].key in queued]
    for home in said:
        leaves_on = _leaves_on(runtime, letters[home.household_id], now)
        for row in instead.get(home.household_id, ()):
            recalls.said_otherwise(tx, runtime, queued[letters[home.household_id].key], row, leaves_on, now)
    return _bill(runtime, said, letters, now)


def foresee(tx: Connection, runtime: Runtime, centre_id: int, in_vain: Mapping[int, Sequence[date]], now: int) -> Bill:
    """The same without a message: how many there would be, and what they would cost."""
    homes = pardons.reached(tx, home_tables.homes_at_centre(tx, centre_id, list(in_vain)))
    letters = {home.household_id: _letter(runtime, home, 0, in_vain[home.household_id], (), now) for home in homes}
    return _bill(runtime, homes, letters, now)


def still_to_be_told(
    tx: Connection, moved: Sequence[Moved], waiting: set[int], still: set[tuple[int, date]], today: date
) -> dict[int, list[date]]:
    """household -> the days that the apology told which was taken back with what moved: they are as vain as before."""
    rows = [one for one in moved if one.household_id in waiting]
    due = {(one.child_id, one.row.anchor_on): one.household_id for one in rows}
    found: dict[int, list[date]] = {}
    for told in centre_tables.days_heard_before(tx, sorted({one.child_id for one in rows}), today):
        home = due.get((told.child_id, told.anchor_on))
        if home is not None and (home, told.on) not in still:
            found.setdefault(home, []).append(told.on)
    return found


def add_awaited(
    runtime: Runtime,
    in_vain: dict[int, list[date]],
    awaited: Sequence[Awaited],
    days: CentreDays,
    still: set[tuple[int, date]],
    today: date,
    *,
    but: Collection[int] = (),
) -> dict[int, list[date]]:
    """The days of the late too are in vain; gives household -> the days on which they may come instead.

    `but`: not of these children, who were planned anew.
    """
    also: dict[int, list[date]] = {}
    for one in awaited:
        if (one.household_id, one.on) in still:
            continue
        in_vain[one.household_id] = sorted({*in_vain.get(one.household_id, ()), one.on})
        first = meeting_days.first_of(runtime, days, one.doses.split(","), today)
        if first is not None and one.child_id not in but:
            also.setdefault(one.household_id, []).append(first)
    return also


def _letter(
    runtime: Runtime, home: Home, fact_id: int, fell_away: Sequence[date], days: Sequence[date], now: int
) -> Letter:
    text = apology_text(runtime, home.language, home.centre, fell_away, days)
    return pardons.letter(runtime, home, text, str(fact_id), max(fell_away), runtime.ladder.window.closes, now)


def _days(instead: Sequence[Appointment]) -> list[date]:
    return [row.on for row in instead if row.on is not None and (row.lapses_on is None or row.on < row.lapses_on)]


def _leaves_on(runtime: Runtime, letter: Letter, now: int) -> date:
    """In the evening it waits for the morning."""
    good = runtime.hours.good_instant(letter.hours, runtime.zone, now, letter.useful_until)
    return runtime.today(now if good is None else good)


def _bill(runtime: Runtime, homes: Sequence[Home], letters: Mapping[int, Letter], now: int) -> Bill:
    route = runtime.routes[0].name if runtime.routes else ""
    cost = 0
    for home in homes:
        parts = sms_text.measure(sms_text.fold(letters[home.household_id].text)).parts
        cost += money.estimate(runtime, route, runtime.networks.of(home.number or ""), parts, now)
    return Bill(len(homes), cost)
