"""Pardon: a household that heard the day of a round hears that it was moved or called off, before it goes in vain."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date

from sqlalchemy.engine import Connection

from service.runtime import Runtime
from service.store import centre_tables, home_tables, recall_tables, round_tables
from service.store.care_tables import ROUND, Appointment
from service.store.home_tables import Home
from service.store.people_tables import Child
from service.store.recall_tables import SORRY, Told
from service.store.round_tables import Announced
from service.stories.care.round_plans import Fell
from service.stories.delivery.outbox import Letter, put_many
from service.stories.recall import pardons
from service.stories.recall.reminders import apology_text

CALLED_OFF = "apology.called_off"


def waiting_in(tx: Connection, homes: Sequence[int]) -> set[int]:
    """The households whose pardon of an earlier word on a round has not left: asked before they are planned anew."""
    return centre_tables.with_an_apology_waiting(tx, homes)


def ask_pardon(
    tx: Connection, runtime: Runtime, one: Announced, gone: Sequence[Fell], waiting: set[int], now: int
) -> int:
    """Say once to each of these households that a day it heard of is no more, with the new one; gives how many.

    A day on which the household is expected for something else is none of them: it comes anyway.
    """
    spoken_of = {fell.child.id: fell.child for fell in gone if not fell.child.is_quiet(runtime.today(now))}
    stands = _expected(tx, one, list(spoken_of))
    in_vain = _in_vain(tx, gone, spoken_of, stands, waiting, runtime.today(now))
    homes = pardons.reached(tx, home_tables.homes_of(tx, list(in_vain))) if in_vain else []
    reached = {home.household_id: home for home in homes}
    instead = {id: [row for each in in_vain[id] for row in stands.get(each, ())] for id in reached}
    letters = {
        id: _letter(runtime, one, home, _days(in_vain[id]), [row.anchor_on for row in instead[id]], now)
        for id, home in reached.items()
    }
    queued = put_many(tx, now, list(letters.values()))
    said = [(queued[letter.key], id) for id, letter in letters.items() if letter.key in queued]
    recall_tables.tell(tx, [Told(message_id, row.id, SORRY) for message_id, home in said for row in instead[home]])
    return len(said)


def _expected(tx: Connection, one: Announced, children: Sequence[int]) -> dict[int, list[Appointment]]:
    """child -> its appointments of this round, as it stands now."""
    found = round_tables.expected(tx, children)
    return {each: [row for row in rows if row.doses.startswith(one.contacts)] for each, rows in found.items()}


def _in_vain(
    tx: Connection,
    gone: Sequence[Fell],
    spoken_of: Mapping[int, Child],
    stands: Mapping[int, Sequence[Appointment]],
    waiting: set[int],
    today: date,
) -> dict[int, dict[int, list[date]]]:
    """household -> child -> the days it heard of, on which nobody of it is expected any more."""
    heard = centre_tables.heard_of(tx, [fell.row.id for fell in gone])
    told = [(each.id, row.anchor_on) for each, row in gone if row.id in heard and _goes_on(row, today)]
    again = [each for each in spoken_of.values() if each.household_id in waiting]
    earlier = centre_tables.days_heard_before(tx, [each.id for each in again], today, ROUND)
    told += [(each.child_id, each.on) for each in earlier]
    still = centre_tables.days_still_told(tx, sorted({each.household_id for each in spoken_of.values()}))
    found: dict[int, dict[int, list[date]]] = defaultdict(dict)
    for child_id, day in dict.fromkeys(told):
        home = spoken_of[child_id].household_id if child_id in spoken_of else None
        same = any(row.anchor_on == day for row in stands.get(child_id, ()))
        if home is not None and not same and (home, day) not in still:
            found[home].setdefault(child_id, []).append(day)
    return found


def _goes_on(row: Appointment, today: date) -> bool:
    """The family may still come."""
    return row.lapses_on is None or row.lapses_on > today


def _days(of_child: Mapping[int, Sequence[date]]) -> list[date]:
    return sorted({day for days in of_child.values() for day in days})


def _letter(
    runtime: Runtime, one: Announced, home: Home, fell_away: Sequence[date], instead: Sequence[date], now: int
) -> Letter:
    text = apology_text(runtime, home.language, home.centre, fell_away, instead, CALLED_OFF)
    last = max(*fell_away, runtime.today(now))
    return pardons.letter(runtime, home, text, f"{one.id}.{one.turn}", last, runtime.round_ladder.window.closes, now)
