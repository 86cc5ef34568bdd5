"""Malaria rounds as a programme announced them, how far the children of each were asked, and who is expected.

A round is announced for a district and a year by its number; moved and cancelled it stays the same row. What was said
before, and by whom, is in the book of decisions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Date,
    Integer,
    String,
    Table,
    UniqueConstraint,
    bindparam,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.engine import Connection

from service.store.care_tables import APPOINTMENT_COLUMNS, ROUND, Appointment, appointment
from service.store.columns import Id, Instant, among, id_column, metadata, new_id
from service.store.message_tables import message
from service.store.people_tables import CHILD_COLUMNS, Child, child, household, person
from service.store.place_tables import zone
from service.store.prepared import Prepared
from service.store.recall_tables import message_appointment

malaria_round = Table(
    "malaria_round",
    metadata,
    id_column(),
    Column("district", String(60), nullable=False),  # as places.plain_name writes it
    Column("year", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    Column("first_on", Date, nullable=False),
    Column("last_on", Date, nullable=False),
    Column("state", String(10), nullable=False),  # announced, cancelled
    Column("said_by", String(60), nullable=False),  # who said the last word on it, and when
    Column("said_at", Instant, nullable=False),
    Column("turn", Integer, nullable=False),  # grows with each word on it: whoever walks for an older one stops
    Column("is_walked", Boolean, nullable=False),  # all families were planned as it stands
    Column("after_household", Id, nullable=False),  # everything up to it is done
    UniqueConstraint("district", "year", "number"),
)
r = malaria_round.c
a = appointment.c
ANNOUNCED, CANCELLED = "announced", "cancelled"
HELD_MS = 60 * 60_000
"""Far longer than the job takes to come to a family."""


class Announced(NamedTuple):
    """A round as it was last said. `district` is a plain name, both days are included."""

    id: int
    district: str
    year: int
    number: int
    first_on: date
    last_on: date
    state: str
    said_by: str
    said_at: int
    turn: int
    is_walked: bool
    after_household: int

    @property
    def contacts(self) -> str:
        """How the names of its contacts begin (`malaria_rounds.Invitation`)."""
        return f"{self.year}-{self.number}-"


_COLUMNS = tuple(r[name] for name in Announced._fields)
_COMING = Prepared(
    lambda _: (
        select(*_COLUMNS)
        .where(r.state == ANNOUNCED, r.last_on >= bindparam("today"))
        .order_by(r.district, r.year, r.number)
    )
)


def coming(tx: Connection, today: date) -> list[Announced]:
    """The announced rounds of every district that are not over."""
    return [Announced._make(row) for row in _COMING.rows(tx, today=today)]


def all_rounds(tx: Connection, district: str | None = None, year: int | None = None) -> list[Announced]:
    """Every round, cancelled ones too; of this district and this year, where one is named."""
    question = select(*_COLUMNS)
    if district is not None:
        question = question.where(r.district == district)
    if year is not None:
        question = question.where(r.year == year)
    rows = tx.execute(question.order_by(r.district, r.year, r.number))
    return [Announced._make(row) for row in rows]


def find_round(tx: Connection, round_id: int) -> Announced | None:
    row = tx.execute(select(*_COLUMNS).where(r.id == round_id)).one_or_none()
    return Announced._make(row) if row else None


def unwalked(tx: Connection, today: date) -> list[int]:
    """Ids of the rounds that are not over and whose families were not all planned as they stand."""
    which = r.is_walked.is_(False) & (r.last_on >= today)
    return list(tx.execute(select(r.id).where(which).order_by(r.id)).scalars())


def being_asked(tx: Connection, today: date) -> list[Announced]:
    """Those whose families were not all planned as they stand, cancelled ones too."""
    which = r.is_walked.is_(False) & (r.last_on >= today)
    return [Announced._make(row) for row in tx.execute(select(*_COLUMNS).where(which).order_by(r.id))]


def add_round(tx: Connection, now: int, district: str, number: int, first: date, last: date, by: str) -> int:
    round_id = new_id()
    row = {"id": round_id, "district": district, "year": first.year, "number": number, "turn": 1}
    tx.execute(insert(malaria_round).values(**row, **_said(ANNOUNCED, first, last, by, now)))
    return round_id


def say_otherwise(tx: Connection, one: Announced, now: int, by: str) -> None:
    """It stands as `one` says from now on; its families are to be planned anew from the first."""
    said = _said(one.state, one.first_on, one.last_on, by, now)
    tx.execute(update(malaria_round).where(r.id == one.id).values(turn=r.turn + 1, **said))


def _said(state: str, first: date, last: date, by: str, now: int) -> dict[str, object]:
    return {
        "first_on": first,
        "last_on": last,
        "state": state,
        "said_by": by,
        "said_at": now,
        "is_walked": False,
        "after_household": 0,
    }


def take_page(tx: Connection, round_id: int, turn: int, after: int, until: int) -> bool:
    """Go on from `after` to `until`, unless something else was said since or somebody else has gone on from there."""
    mine = (r.id == round_id) & (r.turn == turn) & (r.after_household == after)
    return tx.execute(update(malaria_round).where(mine).values(after_household=until)).rowcount > 0


def set_walked(tx: Connection, round_id: int, turn: int) -> None:
    tx.execute(update(malaria_round).where(r.id == round_id, r.turn == turn).values(is_walked=True))


# --- the families -------------------------------------------------------------------------------------------


def district_names(tx: Connection) -> list[str]:
    """The districts of our quartiers."""
    return list(tx.execute(select(zone.c.district).distinct().order_by(zone.c.district)).scalars())


def zones_by_district(tx: Connection) -> list[tuple[int, str]]:
    """(quartier, its district) of every quartier."""
    return [(row[0], row[1]) for row in tx.execute(select(zone.c.id, zone.c.district))]


def followed_in(tx: Connection, homes: Sequence[int], zones: Collection[int]) -> list[Child]:
    """The followed children of these households who live in these quartiers."""
    which = child.c.household_id.in_(homes) & child.c.zone_id.in_(zones) & (child.c.status == "followed")
    question = select(*CHILD_COLUMNS).join(person, person.c.id == child.c.person_id).where(which)
    return [Child._make(row) for row in tx.execute(question.order_by(child.c.household_id, child.c.person_id))]


def with_phone(tx: Connection, homes: Sequence[int]) -> set[int]:
    """Those of the households that have a phone to be written to."""
    which = household.c.id.in_(homes) & household.c.preferred_phone_id.is_not(None)
    return set(tx.execute(select(household.c.id).where(which)).scalars())


_EXPECTED = Prepared(
    lambda _: (
        select(a.child_id, *APPOINTMENT_COLUMNS)
        .where(among(a.child_id, "ids", Id), a.kind == ROUND, a.state == "open")
        .order_by(a.child_id, a.anchor_on, a.id)
    )
)


def expected(tx: Connection, children: Sequence[int]) -> dict[int, list[Appointment]]:
    """child -> its open appointments of rounds."""
    found: dict[int, list[Appointment]] = defaultdict(list)
    for row in _EXPECTED.rows(tx, ids=children):
        found[row[0]].append(Appointment(*row[1:]))
    return found


def count_expected(tx: Connection, zones: Collection[int], contacts: str) -> int:
    """How many children of these quartiers are expected at the contacts whose names begin so."""
    question = select(func.count(a.child_id.distinct())).join(child, child.c.person_id == a.child_id)
    return int(tx.execute(question.where(_of(zones, contacts))).scalar_one())


def hold_back(tx: Connection, zones: Collection[int], contacts: str, now: int) -> None:
    """The planner tells of none of them until each was planned anew; what waits to be sent of them waits longer.

    One statement each, whatever the district: the job takes the messages back, page by page, within the hour.
    """
    theirs = select(child.c.person_id).where(child.c.zone_id.in_(zones))
    which = a.child_id.in_(theirs) & _named(contacts)
    link = message_appointment.c
    telling = select(link.message_id).join(appointment, a.id == link.appointment_id).where(which)
    waits = message.c.id.in_(telling) & (message.c.state == "queued") & (message.c.not_before < now + HELD_MS)
    tx.execute(update(message).where(waits).values(not_before=now + HELD_MS))
    tx.execute(update(appointment).where(which).values(next_step=None, next_step_on=None, updated_at=now))


def _of(zones: Collection[int], contacts: str) -> ColumnElement[bool]:
    return child.c.zone_id.in_(zones) & _named(contacts)


def _named(contacts: str) -> ColumnElement[bool]:
    return (a.kind == ROUND) & (a.state == "open") & a.doses.startswith(contacts)
