"""Households as a letter to each of them needs them: the phone it prefers, and where its first child goes."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import Column, ColumnElement, select
from sqlalchemy.engine import Connection

from service.store.people_tables import child, household, person
from service.store.phone_tables import phone
from service.store.place_tables import health_centre, zone


class Home(NamedTuple):
    """A household and its preferred phone, None where it has none; programme, centre, zone are of its first child."""

    household_id: int
    organisation_id: int
    programme_id: int
    phone_id: int | None
    number: str | None
    number_idx: bytes | None
    language: str | None
    readers: str | None
    by_voice: bool | None
    centre: str | None
    zone: str | None


_COLUMNS = (
    household.c.id,
    child.c.organisation_id,
    child.c.programme_id,
    phone.c.id,
    phone.c.number,
    phone.c.number_idx,
    phone.c.language,
    phone.c.readers,
    phone.c.by_voice,
    health_centre.c.name,
    zone.c.code,
)


def homes_of(tx: Connection, homes: Collection[int]) -> list[Home]:
    """Those of these households with a followed child."""
    return _homes(tx, homes, child.c.status == "followed", child.c.enrolled_at)


def homes_at_centre(tx: Connection, centre_id: int, homes: Collection[int]) -> list[Home]:
    """Those of these households with a child that goes to this centre, followed or not."""
    return _homes(tx, homes, child.c.centre_id == centre_id, person.c.created_at)


def _homes(tx: Connection, homes: Collection[int], which: ColumnElement[bool], since: Column[int]) -> list[Home]:
    """Each of these households once, as the earliest (`since`) of its children with `which` has it."""
    rows = tx.execute(
        select(*_COLUMNS)
        .join(child, child.c.household_id == household.c.id)
        .join(person, person.c.id == child.c.person_id)
        .outerjoin(health_centre, health_centre.c.id == child.c.centre_id)
        .outerjoin(phone, phone.c.id == household.c.preferred_phone_id)
        .outerjoin(zone, zone.c.id == child.c.zone_id)
        .where(household.c.id.in_(homes), which)
        .order_by(household.c.id, since, person.c.id)
    )
    first: dict[int, Home] = {}
    for row in rows:
        first.setdefault(row[0], Home._make(row))
    return list(first.values())
