"""Organisations, programmes, quartiers and health centres."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Column, String, Table, Text, select
from sqlalchemy.engine import Connection

from service.store.columns import id_column, metadata, new_id, reference, upsert

organisation = Table(
    "organisation",
    metadata,
    id_column(),
    Column("code", String(40), nullable=False, unique=True),
    Column("name", Text, nullable=False),
)

programme = Table(
    "programme",
    metadata,
    id_column(),
    reference("organisation_id", "organisation.id"),
    Column("code", String(40), nullable=False, unique=True),
    Column("name", Text, nullable=False),
)

health_centre = Table(
    "health_centre",
    metadata,
    id_column(),
    Column("code", String(20), nullable=False, unique=True),
    Column("name", Text, nullable=False),
)

zone = Table(
    "zone",
    metadata,
    id_column(),
    Column("code", String(60), nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("district", Text, nullable=False),
    # Three quartiers of Commune III have no known centre.
    reference("centre_id", "health_centre.id", nullable=True),
)


class Programme(NamedTuple):
    id: int
    organisation_id: int


def put_row(tx: Connection, table: Table, code: str, **values: object) -> int:
    """The id of the row with this code, made or brought up to date."""
    row = {"code": code, **values}
    statement = upsert(tx, table).values(id=new_id(), **row)
    statement = statement.on_conflict_do_update(index_elements=["code"], set_=values or {"code": code})
    return int(tx.execute(statement.returning(table.c.id)).scalar_one())


def programme_of_code(tx: Connection, code: str) -> Programme | None:
    row = tx.execute(select(programme.c.id, programme.c.organisation_id).where(programme.c.code == code)).one_or_none()
    return Programme(*row) if row else None


def zones(tx: Connection) -> list[tuple[int, str]]:
    """(id, name) of every quartier, in the order of the alphabet."""
    return [(row.id, row.name) for row in tx.execute(select(zone.c.id, zone.c.name).order_by(zone.c.name))]


def centre_of_zone(tx: Connection, zone_id: int) -> int | None:
    return tx.execute(select(zone.c.centre_id).where(zone.c.id == zone_id)).scalar_one_or_none()


def district_of_zone(tx: Connection, zone_id: int) -> str | None:
    return tx.execute(select(zone.c.district).where(zone.c.id == zone_id)).scalar_one_or_none()


def zone_exists(tx: Connection, zone_id: int) -> bool:
    return tx.execute(select(zone.c.id).where(zone.c.id == zone_id)).first() is not None
