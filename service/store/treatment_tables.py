"""Malnourished children whose weekly visits are followed: one open treatment a child, and what was measured each time.

What was measured and how it ended are sealed. Its appointments are the child's own, of the kind `NUTRITION`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import Column, ColumnElement, Date, Index, String, Table, UniqueConstraint, select, update
from sqlalchemy.engine import Connection

from service.store.columns import Instant, Sealed, id_column, metadata, new_id, reference, spelled, upsert, wrote
from service.store.dialects import only_rows
from service.store.people_tables import CHILD_COLUMNS, Child, child, person
from service.store.place_tables import zone

treatment = Table(
    "treatment",
    metadata,
    id_column(),
    reference("child_id", "child.person_id", index=True),
    Column("admitted_on", Date, nullable=False),
    Column("protocol", String(40), nullable=False),
    Column("protocol_version", String(20), nullable=False),
    Column("state", String(8), nullable=False),  # open, ended
    # From that day on the child has defaulted; NULL while it was sent on, and its visits are not asked for.
    Column("lapses_on", Date),
    Column("ended_on", Date),
    Column("ended_why", Sealed("treatment.ended_why")),
    Column("opened_by", String(60), nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("ended_at", Instant, index=True),
)
c = treatment.c
_is_open = c.state == spelled("open")
# The centre and a mediator who open one for the same child at the same moment: one treatment.
Index("uq_treatment_open", c.child_id, unique=True, **only_rows(_is_open))
Index("ix_treatment_lapses", c.lapses_on, **only_rows(_is_open))

treatment_visit = Table(
    "treatment_visit",
    metadata,
    id_column(),
    reference("treatment_id", "treatment.id"),
    Column("made_on", Date, nullable=False),
    Column("measure", Sealed("treatment_visit.measure"), nullable=False),  # as treatment_rules writes it
    Column("recorded_by", String(60), nullable=False),
    Column("recorded_at", Instant, nullable=False),
    UniqueConstraint("treatment_id", "made_on"),
)
v = treatment_visit.c


class Treatment(NamedTuple):
    """An open or ended one. `lapses_on`: from that day on the child has defaulted."""

    id: int
    child_id: int
    admitted_on: date
    state: str
    lapses_on: date | None


_COLUMNS = tuple(c[name] for name in Treatment._fields)


class KeptVisit(NamedTuple):
    """What was measured on a day, as it is written, and who wrote it down."""

    made_on: date
    measure: str
    recorded_by: str


def add(
    tx: Connection, child_id: int, admitted_on: date, *, protocol: str, protocol_version: str, by: str, now: int
) -> Treatment | None:
    """None when this child has an open one."""
    one = Treatment(new_id(), child_id, admitted_on, "open", None)
    row = {**one._asdict(), "protocol": protocol, "protocol_version": protocol_version}
    statement = upsert(tx, treatment).values(**row, opened_by=by, opened_at=now)
    return one if wrote(tx, statement.on_conflict_do_nothing()) else None


def open_of(tx: Connection, child_id: int) -> Treatment | None:
    """The child's open treatment. Whoever changes it holds the child's household (`people_tables.find_child`)."""
    row = tx.execute(select(*_COLUMNS).where(c.child_id == child_id, _is_open)).one_or_none()
    return Treatment._make(row) if row else None


def set_lapse(tx: Connection, treatment_id: int, lapses_on: date | None) -> None:
    tx.execute(update(treatment).where(c.id == treatment_id, _is_open).values(lapses_on=lapses_on))


def end(tx: Connection, treatment_id: int, on: date, why: str, now: int) -> bool:
    """False when it had ended already."""
    values = {"state": "ended", "lapses_on": None, "ended_on": on, "ended_why": why, "ended_at": now}
    return tx.execute(update(treatment).where(c.id == treatment_id, _is_open).values(values)).rowcount == 1


def visits_of(tx: Connection, treatment_id: int) -> list[KeptVisit]:
    """In the order of their days; the first one is the admission's."""
    which = select(v.made_on, v.measure, v.recorded_by).where(v.treatment_id == treatment_id)
    return [KeptVisit._make(row) for row in tx.execute(which.order_by(v.made_on))]


def write_visit(tx: Connection, treatment_id: int, on: date, measure: str, by: str, now: int) -> None:
    """What was measured on that day, in the place of what stood there."""
    said = {"measure": measure, "recorded_by": by, "recorded_at": now}
    row = upsert(tx, treatment_visit).values(id=new_id(), treatment_id=treatment_id, made_on=on, **said)
    tx.execute(row.on_conflict_do_update(index_elements=["treatment_id", "made_on"], set_=said))


def lapsed(tx: Connection, today: date, limit: int) -> list[tuple[int, int]]:
    """(treatment, child) of the open ones in which nobody came for so long that the child has defaulted."""
    rows = select(c.id, c.child_id).where(_is_open, c.lapses_on <= today).order_by(c.lapses_on, c.id).limit(limit)
    return [(row.id, row.child_id) for row in tx.execute(rows)]


def all_open(tx: Connection, limit: int) -> list[tuple[Treatment, Child, str | None]]:
    """The open ones, each with its child and that child's quartier."""
    rows = tx.execute(
        select(*_COLUMNS, zone.c.name, *CHILD_COLUMNS)
        .join(child, child.c.person_id == c.child_id)
        .join(person, person.c.id == child.c.person_id)
        .outerjoin(zone, zone.c.id == child.c.zone_id)
        .where(_is_open)
        .order_by(zone.c.name, c.opened_at, c.id)
        .limit(limit)
    )
    cut = len(_COLUMNS)
    return [(Treatment._make(row[:cut]), Child._make(row[cut + 1 :]), row[cut]) for row in rows]


def of_children(tx: Connection, children: Sequence[int]) -> list[int]:
    """The treatments of these children, open or ended."""
    return list(tx.execute(select(c.id).where(c.child_id.in_(children))).scalars())


def ended_before(moment: int) -> ColumnElement[bool]:
    return (c.state == "ended") & (c.ended_at < moment)


def admitted_before(day: date) -> ColumnElement[bool]:
    """Those whose end nobody told."""
    return c.admitted_on < day
