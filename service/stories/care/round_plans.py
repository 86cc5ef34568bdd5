"""The appointments of announced malaria rounds: beside a child's others, in the same household message and words.

Whether a child took it is not written down here, so nothing more is said when its round is over.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy.engine import Connection

from service.domain import malaria_rounds
from service.domain.malaria_rounds import Invitation, Malaria, Round
from service.domain.places import plain_name
from service.runtime import Runtime
from service.store import care_tables, place_tables, round_tables
from service.store.care_tables import ROUND, Appointment, NextStep
from service.store.people_tables import Child
from service.store.round_tables import Announced
from service.stories.recall import ladder_steps, unsaid


class Fell(NamedTuple):
    """An appointment of a round that was closed; `row` is as it stood."""

    child: Child
    row: Appointment


def replan(
    tx: Connection,
    runtime: Runtime,
    children: Sequence[Child],
    now: int,
    *,
    is_new: bool = False,
    is_asking: bool = False,
) -> list[Fell]:
    """Make their appointments of rounds say what is announced now; what waited to be sent about others is cancelled.

    `children` is a page at most, their households are locked. `is_new`: none of them has an appointment yet.
    `is_asking`: by the job that asks pardon; anybody else leaves it what it has still to ask about. Gives those that
    were closed. Where nobody confirmed the figures nothing is wanted.
    """
    today = runtime.today(now)
    coming = round_tables.coming(tx, today) if runtime.config.follow_ups else []
    if is_new and not coming:
        return []
    standing = {} if is_new else round_tables.expected(tx, [one.id for one in children])
    waits = bool(standing) and runtime.config.follow_ups is not None and not is_asking
    asked_later = round_tables.being_asked(tx, today) if waits else []
    gone: list[Fell] = []
    kept: list[tuple[Child, Appointment]] = []
    new: list[tuple[Child, Invitation]] = []
    for one in children:
        wanted = {(each.contact, each.on, each.lapses_on): each for each in _wanted(tx, runtime, one, coming, today)}
        stands = {(row.doses, row.anchor_on, row.lapses_on): row for row in standing.get(one.id, ())}
        left = _left_to_ask(tx, one, asked_later, [row for key, row in stands.items() if key not in wanted])
        gone += [Fell(one, row) for key, row in stands.items() if key not in wanted and row.doses not in left]
        new += [(one, each) for key, each in wanted.items() if key not in stands and each.contact not in left]
        kept += [(one, row) for key, row in stands.items() if key in wanted]
    # While they are open: which of their steps were told is asked.
    not_said = unsaid.unsay_appointments(tx, runtime, [row.id for _, row in gone], now)
    care_tables.close_appointments(tx, [row.id for _, row in gone], now)
    heard = {(one.id, row.doses, row.anchor_on): not_said.get(row.id, row.last_step) for one, row in gone}
    rows = [_row(runtime, one, each, heard.get((one.id, each.contact, each.on)), now) for one, each in new]
    care_tables.add_appointments(tx, rows, now)
    _go_on(tx, runtime, kept, now)
    return gone


def _left_to_ask(
    tx: Connection, one: Child, asked_later: Sequence[Announced], falling: Sequence[Appointment]
) -> set[str]:
    """The contacts among these that its district's families are still asked about: held back, they tell nobody."""
    if not asked_later or not falling or one.status != "followed" or one.zone_id is None:
        return set()
    place = place_tables.place_of_zone(tx, one.zone_id)
    here = [each.contacts for each in asked_later if place is not None and each.district == plain_name(place.district)]
    return {row.doses for row in falling if row.doses.startswith(tuple(here))}


def _go_on(tx: Connection, runtime: Runtime, kept: Sequence[tuple[Child, Appointment]], now: int) -> None:
    """Those that stand as before go on with their ladder: they were held back while the families were asked."""
    steps = []
    for one, row in kept:
        if row.next_step is None:
            step = ladder_steps.step_of(runtime, one, ROUND, row.on, row.lapses_on, row.last_step, now)
            steps += [NextStep(row.id, row.last_step, step.step, step.on)] if step else []
    care_tables.set_next_steps(tx, steps, now)


def _wanted(
    tx: Connection, runtime: Runtime, one: Child, coming: Sequence[Announced], today: date
) -> Sequence[Invitation]:
    place = place_tables.place_of_zone(tx, one.zone_id) if coming and one.zone_id is not None else None
    if place is None or one.status != "followed":
        return ()
    return invited(runtime.malaria, one, place.district, coming, today)


def invited(
    malaria: Malaria, one: Child, district: str, coming: Sequence[Announced], today: date
) -> Sequence[Invitation]:
    """The contacts of these rounds at which a child of this district is expected."""
    where = plain_name(district)
    rounds = [as_round(each) for each in coming if each.district == where]
    known = malaria_rounds.announced(malaria, district, rounds)
    return malaria_rounds.invitations(known, one.born_on, district, known.seasons, one.enrolled_on, today)


def as_round(one: Announced) -> Round:
    return Round(one.number, one.first_on, one.last_on, None)


def _row(runtime: Runtime, one: Child, each: Invitation, told: str | None, now: int) -> dict[str, object]:
    step = ladder_steps.step_of(runtime, one, ROUND, each.on, each.lapses_on, told, now)
    return {
        "organisation_id": one.organisation_id,
        "programme_id": one.programme_id,
        "child_id": one.id,
        "household_id": one.household_id,
        "kind": ROUND,
        "doses": each.contact,
        "anchor_on": each.on,
        "lapses_on": each.lapses_on,
        "last_step": told,
        **ladder_steps.step_columns(step),
    }
