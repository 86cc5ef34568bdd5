"""Organisations, programmes, quartiers and health centres."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Column, String, Table, Text, bindparam, select
from sqlalchemy.engine import Connection

from service.store.columns import id_column, metadata, new_id, reference, upsert
from service.store.prepared import Prepared

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
    Column("vaccination_days", String(40)),  # "mon,wed"; NULL when nobody told us
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


class Place(NamedTuple):
    """Where a zone lies and which health centre serves it, if one is known."""

    district: str
    centre_id: int | None
    centre: str | None


_PROGRAMME = Prepared(
    lambda _: select(programme.c.id, programme.c.organisation_id).where(programme.c.code == bindparam("code"))
)
_ZONES = Prepared(lambda _: select(zone.c.id, zone.c.name).order_by(zone.c.name))
_PLACE = Prepared(
    lambda _: (
        select(zone.c.district, zone.c.centre_id, health_centre.c.name)
        .select_from(zone)
        .outerjoin(health_centre, health_centre.c.id == zone.c.centre_id)
        .where(zone.c.id == bindparam("zone_id"))
    )
)
_CENTRE = Prepared(lambda _: select(health_centre.c.name).where(health_centre.c.id == bindparam("centre_id")))


def programme_of_code(tx: Connection, code: str) -> Programme | None:
    row = _PROGRAMME.first(tx, code=code)
    return Programme._make(row) if row else None


def zones(tx: Connection) -> list[tuple[int, str]]:
    """(id, name) of every quartier, in the order of the alphabet."""
    return [(zone_id, name) for zone_id, name in _ZONES.rows(tx)]


def place_of_zone(tx: Connection, zone_id: int) -> Place | None:
    row = _PLACE.first(tx, zone_id=zone_id)
    return Place._make(row) if row else None


def centre_name(tx: Connection, centre_id: int) -> str:
    row = _CENTRE.first(tx, centre_id=centre_id)
    assert row is not None
    return str(row[0])


def zones_of_centre(tx: Connection, centre_id: int) -> list[int]:
    """The quartiers that this health centre serves."""
    return list(tx.execute(select(zone.c.id).where(zone.c.centre_id == centre_id).order_by(zone.c.name)).scalars())


def zone_name(tx: Connection, zone_id: int) -> str:
    return str(tx.execute(select(zone.c.name).where(zone.c.id == zone_id)).scalar_one())
