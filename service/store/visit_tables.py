"""Visits of mediators at home: what was found, by whom and when. What follows from it is the stories' to do."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy import Column, ColumnElement, Date, Index, String, Table, UniqueConstraint, exists, update
from sqlalchemy.engine import Connection

from service.store.columns import Id, Instant, id_column, metadata, new_id, reference, upsert, wrote

visit = Table(
    "visit",
    metadata,
    id_column(),
    reference("organisation_id", "organisation.id"),
    reference("child_id", "child.person_id", nullable=True),  # NULL: the child was forgotten, the visit still counts
    # No foreign key: the account is forgotten some time after she left, and its number stays, as with doses.
    Column("mediator_id", Id, nullable=False),
    reference("zone_id", "zone.id"),  # where the child lived on that day
    Column("status", String(12), nullable=False),  # seen, refused, moved, dead, wrong_number, hospital
    Column("visited_on", Date, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    reference("moved_to", "zone.id", nullable=True),  # of a move to a quartier that we know
    UniqueConstraint("child_id", "mediator_id", "visited_on", "status"),
)
Index("ix_visit_day", visit.c.visited_on, visit.c.zone_id)


def add_visit(tx: Connection, **values: object) -> bool:
    """False when this mediator has said the same of this child on this day."""
    return wrote(tx, upsert(tx, visit).values(id=new_id(), **values).on_conflict_do_nothing())


def let_go_of(tx: Connection, children: Iterable[int]) -> None:
    """The visits to these children are nobody's from now on."""
    tx.execute(update(visit).where(visit.c.child_id.in_(list(children))).values(child_id=None))


def seen_since(child_id: Any, since: date) -> ColumnElement[bool]:
    """Whether a mediator has seen the child of this column on that day or later."""
    return exists().where(visit.c.child_id == child_id, visit.c.status == "seen", visit.c.visited_on >= since)
