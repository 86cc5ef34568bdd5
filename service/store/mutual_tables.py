"""Requests to join a mutual, and the memberships they become when the mutual has confirmed them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import Column, ColumnElement, Date, Index, Integer, String, Table, case, exists, select, update
from sqlalchemy.engine import Connection

from service.store.care_tables import APPOINTMENT_COLUMNS, Appointment, appointment
from service.store.columns import Instant, Sealed, id_column, metadata, new_id, reference, spelled, upsert, wrote
from service.store.dialects import only_rows
from service.store.people_tables import household
from service.store.phone_tables import phone

membership = Table(
    "membership",
    metadata,
    id_column(),
    Column("number", String(12), nullable=False, unique=True),  # on the receipt: the request is followed by it
    reference("organisation_id", "organisation.id"),
    reference("household_id", "household.id", index=True),
    reference("person_id", "person.id", index=True),  # who asked, with this phone
    reference("phone_id", "phone.id", index=True),
    Column("scheme", String(24), nullable=False),  # amv
    Column("package", String(24), nullable=False),
    Column("head_name", Sealed("membership.head_name")),
    Column("size", Integer, nullable=False),
    Column("monthly_fcfa", Integer),  # what was quoted; NULL when no price was confirmed by the mutual
    Column("state", String(12), nullable=False),  # requested, active, refused, ended
    Column("paid_until", Date),
    Column("requested_at", Instant, nullable=False),
    Column("state_at", Instant, nullable=False),
)
c = membership.c
STANDING = ("requested", "active")
_is_active = c.state == spelled("active")
# Whose cover ends, or ended a moment ago.
Index("ix_membership_paid_until", c.paid_until, **only_rows(_is_active))


class Membership(NamedTuple):
    """A family's request, or what it became. `monthly_fcfa` is None when no price was confirmed."""

    id: int
    number: str
    package: str
    head_name: str | None
    size: int
    monthly_fcfa: int | None
    state: str
    paid_until: date | None
    requested_at: int


_COLUMNS = (c.id, c.number, c.package, c.head_name, c.size, c.monthly_fcfa, c.state, c.paid_until, c.requested_at)


def add_membership(tx: Connection, **values: object) -> bool:
    """False when another request has this number already."""
    return wrote(tx, upsert(tx, membership).values(id=new_id(), **values).on_conflict_do_nothing())


def lock_household(tx: Connection, household_id: int) -> None:
    """Two requests of one household take turns (SQLite has one writer anyway)."""
    tx.execute(select(household.c.id).where(household.c.id == household_id).with_for_update())


def latest_membership(tx: Connection, household_id: int, scheme: str) -> Membership | None:
    """The household's request that stands, or the last one that did."""
    which = (c.household_id == household_id) & (c.scheme == scheme)
    stands = case((c.state.in_(STANDING), 0), else_=1)
    newest = select(*_COLUMNS).where(which).order_by(stands, c.requested_at.desc(), c.id).limit(1)
    row = tx.execute(newest).first()
    return Membership._make(row) if row else None


def find_membership(tx: Connection, number: str) -> Membership | None:
    """The request with this number, ours until the end of the transaction; so is its household, which comes first."""
    _lock_home(tx, c.number == number)
    row = tx.execute(select(*_COLUMNS).where(c.number == number).with_for_update()).first()
    return Membership._make(row) if row else None


class Standing(NamedTuple):
    """Where a request stands, and whose it is."""

    number: str
    household_id: int
    state: str
    paid_until: date | None


def standing_of(tx: Connection, numbers: Sequence[str]) -> dict[str, Standing]:
    """number -> where that request stands; one that nobody has is not there."""
    columns = [c[name] for name in Standing._fields]
    return {row.number: Standing._make(row) for row in tx.execute(select(*columns).where(c.number.in_(numbers)))}


def set_state(tx: Connection, membership_id: int, state: str, now: int, paid_until: date | None = None) -> None:
    """Note what the mutual decided; a day paid until is kept unless a new one is given."""
    values: dict[str, object] = {"state": state, "state_at": now}
    if paid_until is not None:
        values["paid_until"] = paid_until
    tx.execute(update(membership).where(c.id == membership_id).values(values))


class Cover(NamedTuple):
    """A membership as its cover's end needs it; `state_at` is when the mutual gave its last word."""

    id: int
    number: str
    organisation_id: int
    household_id: int
    person_id: int
    phone_id: int
    state: str
    paid_until: date | None
    state_at: int


_COVER = tuple(c[name] for name in Cover._fields)


def cover_of(tx: Connection, membership_id: int) -> Cover:
    """As it stands; its household is ours until the end of the transaction, as in a plan of its children."""
    _lock_home(tx, c.id == membership_id)
    return Cover._make(tx.execute(select(*_COVER).where(c.id == membership_id)).one())


def _lock_home(tx: Connection, which: ColumnElement[bool]) -> None:
    """Erasure and the planner take their locks in this order too."""
    home = select(household.c.id).join(membership, c.household_id == household.c.id).where(which)
    tx.execute(home.with_for_update(of=household, key_share=True))


def ended_between(tx: Connection, first: date, last: date, after: int, limit: int) -> list[Cover]:
    """The active ones whose last covered day is one of these, the next by id."""
    which = _is_active & (c.paid_until >= first) & (c.paid_until <= last) & (c.id > after)
    return [Cover._make(row) for row in tx.execute(select(*_COVER).where(which).order_by(c.id).limit(limit))]


def without_notices(tx: Connection, after_day: date, after: int, limit: int) -> list[int]:
    """Ids of active ones that last longer than this day and of whose end nothing was ever planned."""
    planned = exists().where(appointment.c.membership_id == c.id)
    which = _is_active & (c.paid_until > after_day) & ~planned & (c.id > after)
    return list(tx.execute(select(c.id).where(which).order_by(c.id).limit(limit)).scalars())


def open_notices(tx: Connection, membership_id: int) -> list[Appointment]:
    """The appointments of its end, the earliest first."""
    a = appointment.c
    which = (a.membership_id == membership_id) & (a.state == "open")
    rows = tx.execute(select(*APPOINTMENT_COLUMNS).where(which).order_by(a.anchor_on, a.id))
    return [Appointment(*row) for row in rows]


def memberships(tx: Connection, state: str, limit: int) -> list[tuple[Membership, str]]:
    """Those in this state, oldest request first, each with the number of the phone that asked."""
    rows = tx.execute(
        select(*_COLUMNS, phone.c.number)
        .join(phone, phone.c.id == c.phone_id)
        .where(c.state == state)
        .order_by(c.requested_at, c.id)
        .limit(limit)
    )
    return [(Membership._make(row[:-1]), row[-1]) for row in rows]
