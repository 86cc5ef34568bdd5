"""Persons, households, phones, and the roles that persons have.

A phone is not a person: several people share one, one person changes it. A child, a caregiver, a mediator are roles of
a person. Names and numbers are sealed; a phone is found by its blind index.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    bindparam,
    func,
    select,
    update,
)
from sqlalchemy.engine import Connection

from service.store.columns import Instant, Sealed, id_column, metadata, new_id, reference
from service.store.phone_tables import index_of, phone
from service.store.prepared import Prepared, inserting

household = Table(
    "household",
    metadata,
    id_column(),
    reference("organisation_id", "organisation.id"),
    reference("preferred_phone_id", "phone.id", nullable=True, index=True),
    Column("created_at", Instant, nullable=False),
)

person = Table(
    "person",
    metadata,
    id_column(),
    reference("organisation_id", "organisation.id"),
    reference("household_id", "household.id", nullable=True, index=True),
    Column("name", Sealed("person.name")),
    Column("sex", String(1)),
    Column("born_on", Date),
    Column("created_at", Instant, nullable=False),
)

person_phone = Table(
    "person_phone",
    metadata,
    reference("person_id", "person.id"),
    reference("phone_id", "phone.id", index=True),
    Column("since", Date, nullable=False),
    Column("until", Date),
    PrimaryKeyConstraint("person_id", "phone_id"),
)

child = Table(
    "child",
    metadata,
    reference("person_id", "person.id", primary_key=True, autoincrement=False),
    Column("code", String(8), nullable=False, unique=True),
    reference("organisation_id", "organisation.id"),
    reference("programme_id", "programme.id"),
    reference("household_id", "household.id", index=True),
    reference("zone_id", "zone.id", nullable=True),
    reference("centre_id", "health_centre.id", nullable=True),
    Column("calendar", String(40), nullable=False),
    Column("calendar_version", String(20), nullable=False),
    Column("profile", String(40), nullable=False),
    Column("birth_precision", String(8), nullable=False),
    Column("status", String(12), nullable=False),  # followed, stopped
    Column("enrolled_on", Date, nullable=False),
    Column("enrolled_at", Instant, nullable=False),
    Column("stopped_at", Instant),
    Column("stopped_why", String(8)),  # family, moved, dead; NULL while it is followed
    # Followed, and nothing is sent about it: until a day, or until its family asks again where there is none.
    Column("quiet_why", String(8)),  # refused, hospital, doubt
    Column("quiet_until", Date),
)

caregiver = Table(
    "caregiver",
    metadata,
    reference("child_id", "child.person_id"),
    reference("person_id", "person.id", index=True),
    Column("position", Integer, nullable=False),
    Column("since", Date, nullable=False),
    Column("until", Date),
    PrimaryKeyConstraint("child_id", "person_id"),
)

consent = Table(
    "consent",
    metadata,
    id_column(),
    reference("person_id", "person.id", index=True),
    reference("programme_id", "programme.id"),
    Column("purpose", String(20), nullable=False),
    Column("given", Boolean, nullable=False),
    Column("wording", String(10), nullable=False),  # discreet, explicit
    Column("words_version", String(120), nullable=False),  # flow and content hash: the words shown are kept there
    Column("language", String(8), nullable=False),
    Column("how", String(20), nullable=False),
    Column("recorded_by", String(60), nullable=False),
    Column("at", Instant, nullable=False),
)

Index("ix_child_followed", child.c.status, child.c.person_id)
Index("ix_child_zone", child.c.zone_id, child.c.status)  # the list of late children of a mediator's quartiers
Index("ix_child_centre", child.c.centre_id, child.c.household_id)  # the families that a change of its days touches


class Caller(NamedTuple):
    """Who may be behind a phone: its row, the person who first called with it, and that person's household."""

    phone_id: int
    language: str | None
    person_id: int | None
    household_id: int | None


class Child(NamedTuple):
    id: int
    code: str
    household_id: int
    programme_id: int
    organisation_id: int
    zone_id: int | None
    centre_id: int | None
    profile: str
    status: str
    enrolled_on: date
    born_on: date
    sex: str | None
    birth_precision: str
    quiet_why: str | None = None
    quiet_until: date | None = None

    def is_quiet(self, today: date) -> bool:
        """Whether nothing is sent about it on this day."""
        return self.quiet_why is not None and (self.quiet_until is None or self.quiet_until > today)


CHILD_COLUMNS = (
    child.c.person_id,
    child.c.code,
    child.c.household_id,
    child.c.programme_id,
    child.c.organisation_id,
    child.c.zone_id,
    child.c.centre_id,
    child.c.profile,
    child.c.status,
    child.c.enrolled_on,
    person.c.born_on,
    person.c.sex,
    child.c.birth_precision,
    child.c.quiet_why,
    child.c.quiet_until,
)


_FIND_CALLER = Prepared(
    lambda _: (
        select(phone.c.id, phone.c.language, person.c.id, person.c.household_id)
        .select_from(phone)
        .outerjoin(person_phone, (person_phone.c.phone_id == phone.c.id) & person_phone.c.until.is_(None))
        .outerjoin(person, person.c.id == person_phone.c.person_id)
        .where(phone.c.number_idx == bindparam("idx"))
        .order_by(person.c.created_at, person.c.id)
        .limit(1)
    )
)


def find_caller(tx: Connection, number: str) -> Caller | None:
    """The phone and, when somebody enrolled with it, that person (the first one) and the household."""
    row = _FIND_CALLER.first(tx, idx=index_of(tx, number))
    return Caller._make(row) if row else None


def _served_by(phone_id: Any) -> Any:
    """Ids of the children of a phone: of the households that prefer it, and of the caregivers who have it.

    Two questions that each follow an index: as one OR, the whole registry would be read at every call.
    """
    at_home = (
        select(child.c.person_id)
        .join(household, household.c.id == child.c.household_id)
        .where(household.c.preferred_phone_id == phone_id)
    )
    in_care = (
        select(caregiver.c.child_id)
        .join(person_phone, person_phone.c.person_id == caregiver.c.person_id)
        .where(person_phone.c.phone_id == phone_id, person_phone.c.until.is_(None), caregiver.c.until.is_(None))
    )
    return at_home.union(in_care)


_CHILDREN_ON_PHONE = Prepared(
    lambda _: (
        select(*CHILD_COLUMNS)
        .join(person, person.c.id == child.c.person_id)
        .where(child.c.person_id.in_(_served_by(bindparam("phone_id"))), child.c.status == "followed")
        .order_by(child.c.enrolled_at, child.c.person_id)
    )
)


def children_on_phone(tx: Connection, phone_id: int) -> list[Child]:
    """Every followed child of the households that this phone serves, oldest enrolment first."""
    return [Child._make(row) for row in _CHILDREN_ON_PHONE.rows(tx, phone_id=phone_id)]


def find_child(tx: Connection, *, id: int | None = None, code: str | None = None) -> Child | None:
    """A child by id or by code; its household is locked on PostgreSQL, so that replans and the planner take turns."""
    which = child.c.person_id == id if id is not None else child.c.code == code
    # Locked before it is read: what stands after the wait counts. `key_share`: an enrolment does not wait.
    home = select(household.c.id).join(child, child.c.household_id == household.c.id).where(which)
    tx.execute(home.with_for_update(of=household, key_share=True))
    row = tx.execute(select(*CHILD_COLUMNS).join(person, person.c.id == child.c.person_id).where(which)).one_or_none()
    return Child._make(row) if row else None


def children_of_codes(tx: Connection, codes: Sequence[str]) -> list[Child]:
    """The children with these codes, followed or not, a household's together."""
    which = select(*CHILD_COLUMNS).join(person, person.c.id == child.c.person_id).where(child.c.code.in_(codes))
    rows = tx.execute(which.order_by(child.c.household_id, child.c.person_id))
    return [Child._make(row) for row in rows]


_ADD_HOUSEHOLD = inserting(household, "id", "organisation_id", "preferred_phone_id", "created_at")
_ADD_PERSON = inserting(person, "id", "organisation_id", "household_id", "name", "sex", "born_on", "created_at")
_ADD_PERSON_PHONE = inserting(person_phone, "person_id", "phone_id", "since")
_ADD_CHILD = inserting(
    child,
    "person_id",
    "code",
    "organisation_id",
    "programme_id",
    "household_id",
    "zone_id",
    "centre_id",
    "calendar",
    "calendar_version",
    "profile",
    "birth_precision",
    "status",
    "enrolled_on",
    "enrolled_at",
    once=True,
)
_ADD_CAREGIVER = inserting(caregiver, "child_id", "person_id", "position", "since")
_ADD_CONSENT = inserting(
    consent,
    "id",
    "person_id",
    "programme_id",
    "purpose",
    "given",
    "wording",
    "words_version",
    "language",
    "how",
    "recorded_by",
    "at",
)


def add_household(tx: Connection, organisation_id: int, phone_id: int | None, now: int) -> int:
    household_id = new_id()
    _ADD_HOUSEHOLD.run(
        tx, id=household_id, organisation_id=organisation_id, preferred_phone_id=phone_id, created_at=now
    )
    return household_id


def add_person(
    tx: Connection,
    *,
    organisation_id: int,
    created_at: int,
    household_id: int | None = None,
    name: str | None = None,
    sex: str | None = None,
    born_on: date | None = None,
) -> int:
    person_id = new_id()
    _ADD_PERSON.run(
        tx,
        id=person_id,
        organisation_id=organisation_id,
        household_id=household_id,
        name=name,
        sex=sex,
        born_on=born_on,
        created_at=created_at,
    )
    return person_id


def name_person(tx: Connection, person_id: int, name: str) -> None:
    """Write down the name of somebody who had none."""
    tx.execute(update(person).where(person.c.id == person_id, person.c.name.is_(None)).values(name=name))


def add_person_phone(tx: Connection, person_id: int, phone_id: int, since: date) -> None:
    _ADD_PERSON_PHONE.run(tx, person_id=person_id, phone_id=phone_id, since=since)


def add_child(tx: Connection, one: Child, calendar: str, calendar_version: str, now: int) -> bool:
    """False when another child has this code already."""
    row = _ADD_CHILD.first(
        tx,
        person_id=one.id,
        code=one.code,
        organisation_id=one.organisation_id,
        programme_id=one.programme_id,
        household_id=one.household_id,
        zone_id=one.zone_id,
        centre_id=one.centre_id,
        calendar=calendar,
        calendar_version=calendar_version,
        profile=one.profile,
        birth_precision=one.birth_precision,
        status=one.status,
        enrolled_on=one.enrolled_on,
        enrolled_at=now,
    )
    return row is not None


def add_caregiver(tx: Connection, child_id: int, person_id: int, position: int, since: date) -> None:
    _ADD_CAREGIVER.run(tx, child_id=child_id, person_id=person_id, position=position, since=since)


def add_consent(tx: Connection, **values: object) -> None:
    _ADD_CONSENT.run(tx, id=new_id(), **values)


def followed_children(tx: Connection, limit: int) -> list[tuple[Child, str | None]]:
    """The latest enrolled children that are followed, each with its household's number."""
    rows = tx.execute(
        select(*CHILD_COLUMNS, phone.c.number)
        .join(person, person.c.id == child.c.person_id)
        .join(household, household.c.id == child.c.household_id)
        .outerjoin(phone, phone.c.id == household.c.preferred_phone_id)
        .where(child.c.status == "followed")
        .order_by(child.c.enrolled_at.desc(), child.c.person_id)
        .limit(limit)
    )
    return [(Child._make(row[:-1]), row[-1]) for row in rows]


def count_followed(tx: Connection) -> int:
    return int(tx.execute(select(func.count()).where(child.c.status == "followed")).scalar_one())
