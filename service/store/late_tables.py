"""What the list of late children asks: open appointments of some quartiers whose day has come."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlalchemy.engine import Connection

from service.store import child_states, consent_tables, visit_tables
from service.store.care_tables import NUTRITION, VACCINE, appointment
from service.store.message_tables import message
from service.store.people_tables import CHILD_COLUMNS, Child, child, household, person
from service.store.phone_tables import UNREACHABLE, opt_out, phone
from service.store.recall_tables import message_appointment
from service.store.staff_tables import Remit

a, link = appointment.c, message_appointment.c
_on = func.coalesce(a.meets_on, a.anchor_on)


class Waiting(NamedTuple):
    """An open appointment whose day `on` has come. `heard`: a message about it arrived, a receipt says."""

    child: Child
    kind: str
    doses: str
    on: date
    last_step: str | None
    next_step: str | None
    has_phone: bool
    refused: bool
    unreachable: bool
    heard: bool


def waiting_in(tx: Connection, zone_ids: Sequence[int], today: date, seen_since: date) -> list[Waiting]:
    """Those of the followed children of these quartiers, a child's together and its earliest first.

    What awaits stock has no day, and what has lapsed is given no more: neither is here. Nor is a child whom a mediator
    has seen since then, whose family refused reminders or visits at home, or who is in hospital.
    """
    if not zone_ids:
        return []
    rows = tx.execute(
        select(
            *CHILD_COLUMNS,
            a.kind,
            a.doses,
            _on,
            a.last_step,
            a.next_step,
            phone.c.id.is_not(None),
            _refuses("reminder", "all"),
            _refuses(UNREACHABLE),
            _arrived(),
        )
        .select_from(child)
        .join(person, person.c.id == child.c.person_id)
        .join(appointment, a.child_id == child.c.person_id)
        .join(household, household.c.id == child.c.household_id)
        .outerjoin(phone, phone.c.id == household.c.preferred_phone_id)
        .where(child.c.zone_id.in_(zone_ids), child.c.status == "followed")
        .where(a.kind.in_((VACCINE, NUTRITION)), a.state == "open", a.awaits_stock.is_(False), _on <= today)
        .where(or_(a.lapses_on.is_(None), a.lapses_on > today))
        .where(~child_states.is_quiet(today), ~visit_tables.seen_since(child.c.person_id, seen_since))
        .where(~consent_tables.wants_no_visit(child.c.person_id))
    )
    columns = len(CHILD_COLUMNS)
    found = [Waiting(Child._make(row[:columns]), *row[columns:]) for row in rows]
    # Not asked of the database: SQLite would read all who are followed, in their order, to save itself a sort.
    return sorted(found, key=lambda one: (one.child.id, one.on, one.doses))


class Missed(NamedTuple):
    """A child that did not come on `asked_on`. `is_climbed`: its last reminder went by."""

    child_id: int
    asked_on: date
    is_climbed: bool
    is_reached: bool


def missed_unvisited(tx: Connection, before: date) -> list[Missed]:
    """Of the children whose weekly visit was before that day, those whose family wants no mediator at the house."""
    hears = phone.c.id.is_not(None) & ~_refuses("reminder", "all", UNREACHABLE) & child.c.quiet_why.is_(None)
    rows = tx.execute(
        select(a.child_id, _on, a.next_step.is_(None), hears)
        .join(child, child.c.person_id == a.child_id)
        .join(household, household.c.id == child.c.household_id)
        .outerjoin(phone, phone.c.id == household.c.preferred_phone_id)
        .where(a.kind == NUTRITION, a.state == "open", _on < before, child.c.status == "followed")
        .where(or_(child.c.quiet_why == child_states.REFUSED, consent_tables.wants_no_visit(child.c.person_id)))
        .order_by(_on, a.id)
    )
    return [Missed(row[0], row[1], bool(row[2]), bool(row[3])) for row in rows]


def followed_in(tx: Connection, remit: Remit | None = None) -> dict[int | None, int]:
    """How many children are followed, by quartier; None: nobody said where they live."""
    counted = select(child.c.zone_id, func.count()).where(child.c.status == "followed").group_by(child.c.zone_id)
    if remit is not None:
        counted = counted.where(remit.children)
    return {row[0]: row[1] for row in tx.execute(counted)}


def lived_in(tx: Connection, centre_id: int) -> set[int]:
    """The quartiers where followed children of this centre live, whoever serves them."""
    which = (child.c.centre_id == centre_id) & (child.c.status == "followed") & child.c.zone_id.is_not(None)
    return set(tx.execute(select(child.c.zone_id).where(which).distinct()).scalars())


def names_of(tx: Connection, child_ids: Sequence[int]) -> dict[int, str]:
    """Names open their seal: for the one page that is to be kept locked."""
    rows = tx.execute(select(person.c.id, person.c.name).where(person.c.id.in_(child_ids), person.c.name.is_not(None)))
    return {row.id: row.name for row in rows}


def _refuses(*purposes: str) -> ColumnElement[bool]:
    return exists().where(opt_out.c.number_idx == phone.c.number_idx, opt_out.c.purpose.in_(purposes))


def _arrived() -> ColumnElement[bool]:
    told = link.message_id == message.c.id
    return exists().where(link.appointment_id == a.id, told, message.c.state == "delivered")
