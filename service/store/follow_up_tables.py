"""Follow-ups with dates of a woman (antenatal, then postnatal), and the contacts of each that were made.

A pregnancy is the most sensitive fact we hold: no list by SMS reads these tables, and how one ended is sealed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import (
    Column,
    ColumnElement,
    Date,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Select,
    String,
    Table,
    UniqueConstraint,
    select,
    update,
)
from sqlalchemy.engine import Connection

from service.store.care_tables import APPOINTMENT_COLUMNS, Appointment, appointment
from service.store.columns import Instant, Sealed, id_column, metadata, new_id, reference, spelled, upsert, wrote
from service.store.dialects import only_rows
from service.store.mediator_tables import mediator_zone
from service.store.people_tables import CHILD_COLUMNS, Child, caregiver, child, household, person
from service.store.phone_tables import phone
from service.store.place_tables import zone

follow_up = Table(
    "follow_up",
    metadata,
    id_column(),
    # In the booklet, the same from the pregnancy to the weeks after the birth.
    Column("code", String(8), nullable=False),
    reference("organisation_id", "organisation.id"),
    reference("programme_id", "programme.id"),
    reference("person_id", "person.id", index=True),
    reference("household_id", "household.id", index=True),
    reference("zone_id", "zone.id", nullable=True),
    reference("centre_id", "health_centre.id", nullable=True),
    Column("kind", String(12), nullable=False),  # antenatal, postnatal
    Column("started_on", Date, nullable=False),  # the day that its contacts count from
    Column("give_or_take", Integer, nullable=False),  # how sure that day is, in days
    Column("protocol", String(40), nullable=False),
    Column("protocol_version", String(20), nullable=False),
    Column("state", String(8), nullable=False),  # open, ended
    Column("ended_on", Date),
    Column("ended_why", Sealed("follow_up.ended_why")),  # born, loss, death, moved, withdrawn, complete
    Column("opened_on", Date, nullable=False),
    Column("opened_by", String(60), nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("ended_at", Instant, index=True),
    Column("ended_by", String(60)),  # NULL: nobody said so, its child is followed no longer
    UniqueConstraint("code", "kind"),
)
c = follow_up.c
_is_open = c.state == spelled("open")
# Two mediators who note the same woman at the same moment: one follow-up.
Index("uq_follow_up_open", c.person_id, c.kind, unique=True, **only_rows(_is_open))

follow_up_contact = Table(
    "follow_up_contact",
    metadata,
    reference("follow_up_id", "follow_up.id"),
    Column("contact", String(12), nullable=False),  # as the protocol names it
    Column("made_on", Date, nullable=False),
    Column("recorded_by", String(60), nullable=False),
    Column("recorded_at", Instant, nullable=False),
    PrimaryKeyConstraint("follow_up_id", "contact"),
)


class FollowUp(NamedTuple):
    """One follow-up. `started_on` is its anchor, give or take some days."""

    id: int
    code: str
    organisation_id: int
    programme_id: int
    person_id: int
    household_id: int
    zone_id: int | None
    centre_id: int | None
    kind: str
    started_on: date
    give_or_take: int
    protocol: str
    protocol_version: str
    state: str
    opened_on: date
    ended_on: date | None


_COLUMNS = tuple(c[name] for name in FollowUp._fields)


def add(tx: Connection, one: FollowUp, by: str, now: int) -> bool:
    """False when this woman has an open one of the kind, or another one has the code."""
    row = upsert(tx, follow_up).values(**one._asdict(), opened_by=by, opened_at=now)
    return wrote(tx, row.on_conflict_do_nothing())


def has_open(tx: Connection, person_id: int, kind: str) -> bool:
    which = (c.person_id == person_id) & (c.kind == kind) & _is_open
    return tx.execute(select(c.id).where(which).limit(1)).first() is not None


def open_in_home(tx: Connection, household_id: int, kind: str) -> list[FollowUp]:
    """The open ones of this kind in a household, the oldest first."""
    which = (c.household_id == household_id) & (c.kind == kind) & _is_open
    return _rows(tx, select(*_COLUMNS).where(which).order_by(c.opened_at, c.id))


def open_of(tx: Connection, person_id: int | None, household_id: int | None, kind: str) -> list[FollowUp]:
    """The open ones of this kind of a woman or of anybody in her household, the oldest first."""
    which = ((c.person_id == person_id) | (c.household_id == household_id)) & (c.kind == kind) & _is_open
    return _rows(tx, select(*_COLUMNS).where(which).order_by(c.opened_at, c.id))


def of_home(tx: Connection, household_id: int) -> list[FollowUp]:
    """Those of a household, open or ended."""
    return _rows(tx, select(*_COLUMNS).where(c.household_id == household_id).order_by(c.opened_at, c.id))


def move(tx: Connection, ids: Sequence[int], household_id: int) -> None:
    """They are of this household from now on, with their appointments."""
    tx.execute(update(follow_up).where(c.id.in_(ids)).values(household_id=household_id))
    theirs = appointment.c.follow_up_id.in_(ids)
    tx.execute(update(appointment).where(theirs).values(household_id=household_id))


def line_key(follow_up_id: int) -> str:
    """The reason of the line that asks for a phone."""
    return f"follow_up_phone:{follow_up_id}"


def open_on_phone(tx: Connection, phone_id: int, kind: str) -> list[FollowUp]:
    """The open ones of this kind of the households that are written to on this phone."""
    homes = select(household.c.id).where(household.c.preferred_phone_id == phone_id)
    which = c.household_id.in_(homes) & (c.kind == kind) & _is_open
    return _rows(tx, select(*_COLUMNS).where(which).order_by(c.opened_at, c.id))


def find_open(tx: Connection, code: str, mediator_id: int | None = None) -> FollowUp | None:
    """The open follow-up with this code, in the quartiers of this mediator if one is named.

    Its household is locked on PostgreSQL: replans and the planner take turns, and two reports are read one by one.
    """
    which = c.code == code
    if mediator_id is not None:
        served = select(mediator_zone.c.zone_id).where(mediator_zone.c.mediator_id == mediator_id)
        which &= c.zone_id.in_(served)
    home = select(household.c.id).join(follow_up, c.household_id == household.c.id).where(which)
    tx.execute(home.with_for_update(of=household, key_share=True))
    found = _rows(tx, select(*_COLUMNS).where(which, _is_open).order_by(c.opened_at.desc()).limit(1))
    return found[0] if found else None


def end(tx: Connection, follow_up_id: int, on: date, why: str, by: str | None, now: int) -> bool:
    """False when it had ended already."""
    values = {"state": "ended", "ended_on": on, "ended_why": why, "ended_by": by and by[:60], "ended_at": now}
    return tx.execute(update(follow_up).where(c.id == follow_up_id, _is_open).values(values)).rowcount == 1


def contacts_made(tx: Connection, follow_up_id: int) -> dict[str, date]:
    made = follow_up_contact.c
    rows = tx.execute(select(made.contact, made.made_on).where(made.follow_up_id == follow_up_id))
    return {row.contact: row.made_on for row in rows}


def add_contact(tx: Connection, follow_up_id: int, contact: str, on: date, by: str, now: int) -> bool:
    """False when it was noted before."""
    row = upsert(tx, follow_up_contact).values(
        follow_up_id=follow_up_id, contact=contact, made_on=on, recorded_by=by, recorded_at=now
    )
    return wrote(tx, row.on_conflict_do_nothing())


def open_appointments(tx: Connection, follow_up_id: int) -> list[Appointment]:
    a = appointment.c
    which = (a.follow_up_id == follow_up_id) & (a.state == "open")
    rows = tx.execute(select(*APPOINTMENT_COLUMNS).where(which).order_by(a.anchor_on, a.id))
    return [Appointment(*row) for row in rows]


def children_of(tx: Connection, person_id: int, household_id: int) -> list[Child]:
    """The children whom this woman cares for, or who live in her household, followed or not, oldest enrolment first."""
    hers = select(caregiver.c.child_id).where(caregiver.c.person_id == person_id, caregiver.c.until.is_(None))
    return _children(tx, child.c.person_id.in_(hers) | (child.c.household_id == household_id))


def children_beside(tx: Connection, child_id: int, household_id: int) -> list[Child]:
    """The other children of this child's household, or whom somebody cares for who cared for it."""
    carers = _carers_of(child_id)
    theirs = select(caregiver.c.child_id).where(caregiver.c.person_id.in_(carers), caregiver.c.until.is_(None))
    whose = child.c.person_id.in_(theirs) | (child.c.household_id == household_id)
    return _children(tx, whose & (child.c.person_id != child_id))


def around(tx: Connection, child_id: int, household_id: int) -> list[tuple[FollowUp, bool]]:
    """Those of this child's household, and of whoever cares or cared for it, open or not; and whether it is a carer's.

    A woman whose child's messages another phone took is its mother still.
    """
    cares = c.person_id.in_(_carers_of(child_id))
    whose = (c.household_id == household_id) | cares
    rows = tx.execute(select(*_COLUMNS, cares).where(whose).order_by(c.household_id, c.id))
    return [(FollowUp._make(row[:-1]), bool(row[-1])) for row in rows]


def _carers_of(child_id: int) -> Select[tuple[int]]:
    return select(caregiver.c.person_id).where(caregiver.c.child_id == child_id)


def _children(tx: Connection, which: ColumnElement[bool]) -> list[Child]:
    rows = tx.execute(
        select(*CHILD_COLUMNS)
        .join(person, person.c.id == child.c.person_id)
        .where(which)
        .order_by(child.c.enrolled_at, child.c.person_id)
    )
    return [Child._make(row) for row in rows]


def all_open(tx: Connection, limit: int) -> list[tuple[FollowUp, str | None, str | None, str | None]]:
    """The open ones, each with its quartier, the woman's name and the number that her household is written to on."""
    rows = tx.execute(
        select(*_COLUMNS, zone.c.name, person.c.name, phone.c.number)
        .join(person, person.c.id == c.person_id)
        .join(household, household.c.id == c.household_id)
        .outerjoin(zone, zone.c.id == c.zone_id)
        .outerjoin(phone, phone.c.id == household.c.preferred_phone_id)
        .where(_is_open)
        .order_by(zone.c.name, c.opened_at, c.id)
        .limit(limit)
    )
    return [(FollowUp._make(row[:-3]), row[-3], row[-2], row[-1]) for row in rows]


def fresh(**values: object) -> FollowUp:
    """A new open one, with an id of its own."""
    return FollowUp(id=new_id(), state="open", ended_on=None, **values)  # type: ignore[arg-type]


def _rows(tx: Connection, question: Select[tuple[object, ...]]) -> list[FollowUp]:
    return [FollowUp._make(row) for row in tx.execute(question)]
