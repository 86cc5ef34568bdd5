"""Alarms of the console: somebody guesses at an account, or searches codes through. They name no child, no number."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Column, String, Table, func, insert, select
from sqlalchemy.engine import Connection

from service.store.columns import Instant, id_column, metadata, new_id, reference
from service.store.staff_tables import staff

staff_alarm = Table(
    "staff_alarm",
    metadata,
    id_column(),
    Column("at", Instant, nullable=False, index=True),
    Column("kind", String(8), nullable=False),  # door, code, former, search, address
    reference("staff_id", "staff.id", nullable=True),  # none where an address tries many accounts
)
a = staff_alarm.c


class Alarm(NamedTuple):
    """Of one account and kind: in how many hours, and when last. `login` is empty where no account is meant."""

    kind: str
    login: str
    times: int
    last_at: int


def note_alarm(tx: Connection, kind: str, staff_id: int | None, now: int, since: int) -> bool:
    """Written unless this very alarm was since then; whether it was written."""
    same = (a.kind == kind) & a.staff_id.is_not_distinct_from(staff_id) & (a.at >= since)
    if tx.execute(select(a.id).where(same).limit(1)).first() is not None:
        return False
    tx.execute(insert(staff_alarm).values(id=new_id(), at=now, kind=kind, staff_id=staff_id))
    return True


def alarms(tx: Connection, since: int, organisation_id: int | None = None) -> list[Alarm]:
    """By account and kind, the latest first; with an organisation, those of its accounts."""
    last = func.max(a.at)
    rows = select(a.kind, func.coalesce(staff.c.login, ""), func.count(), last).outerjoin(
        staff, staff.c.id == a.staff_id
    )
    if organisation_id is not None:
        rows = rows.where(staff.c.organisation_id == organisation_id)
    rows = rows.where(a.at >= since).group_by(a.kind, staff.c.login).order_by(last.desc(), a.kind)
    return [Alarm._make(row) for row in tx.execute(rows)]
