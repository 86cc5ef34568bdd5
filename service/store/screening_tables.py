"""What a mother measured on her child's arm, and what it meant that day."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Date, Integer, String, Table, insert, select
from sqlalchemy.engine import Connection

from service.store.columns import Instant, id_column, metadata, new_id, reference

screening = Table(
    "screening",
    metadata,
    id_column(),
    reference("child_id", "child.person_id", index=True),
    Column("measured_on", Date, nullable=False),
    Column("muac_mm", Integer),  # NULL when only the colour of the tape was told
    Column("band", String(8), nullable=False),  # red, yellow, green
    Column("oedema", Boolean, nullable=False),
    Column("source", String(12), nullable=False),  # mother, mediator
    Column("recorded_at", Instant, nullable=False),
)


def add_screening(tx: Connection, **values: object) -> None:
    tx.execute(insert(screening).values(id=new_id(), **values))


def bands_of(tx: Connection, child_id: int) -> list[str]:
    """The colour of every measure of this child."""
    return list(tx.execute(select(screening.c.band).where(screening.c.child_id == child_id)).scalars())
