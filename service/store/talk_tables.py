"""Talks that mediators held in a quartier: theme, how many listened, and the day. Who listened is written nowhere."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from sqlalchemy import (
    Column,
    Date,
    Integer,
    String,
    Table,
    UniqueConstraint,
    delete,
    extract,
    func,
    insert,
    literal_column,
    select,
)
from sqlalchemy.engine import Connection

from service.store import columns
from service.store.columns import Id, Instant, Sealed, id_column, metadata, new_id, reference, upsert
from service.store.place_tables import zone

talk = Table(
    "talk",
    metadata,
    id_column(),
    reference("organisation_id", "organisation.id"),
    # The account's number and no reference: it is kept after the account is gone, as with doses.
    Column("mediator_id", Id, nullable=False),
    reference("zone_id", "zone.id"),
    Column("theme", String(20), nullable=False),
    Column("held_on", Date, nullable=False, index=True),
    Column("participants", Integer, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    UniqueConstraint("mediator_id", "zone_id", "theme", "held_on"),
)
t = talk.c

dropped_talk = Table(
    "dropped_talk",
    metadata,
    id_column(),
    Column("mediator_id", Id, nullable=False),
    reference("zone_id", "zone.id"),
    Column("theme", String(20), nullable=False),
    Column("held_on", Date, nullable=False, index=True),
    Column("participants", Integer, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("dropped_by", String(60), nullable=False),
    Column("dropped_at", Instant, nullable=False),
    Column("dropped_why", Sealed("dropped_talk.dropped_why"), nullable=False),
)
"""Talks that were never held, for instance told in another's name: in no report, kept with who said so and why."""


class Talk(NamedTuple):
    id: int
    mediator_id: int
    zone: str
    theme: str
    held_on: date
    participants: int


class Held(NamedTuple):
    """Talks of one theme, quartier and month (its first day), and all who listened."""

    month: date
    theme: str
    zone_id: int
    talks: int
    participants: int


def participants_of(tx: Connection, mediator_id: int, zone_id: int, theme: str, held_on: date) -> int | None:
    """How many were written down for this talk; None when it is not known yet. It is ours until the commit."""
    which = (t.mediator_id == mediator_id) & (t.zone_id == zone_id) & (t.theme == theme) & (t.held_on == held_on)
    return tx.execute(select(t.participants).where(which).with_for_update()).scalar_one_or_none()


def put_talk(
    tx: Connection,
    now: int,
    *,
    organisation_id: int,
    mediator_id: int,
    zone_id: int,
    theme: str,
    held_on: date,
    participants: int,
) -> None:
    """Write the talk down, once for each mediator, quartier, theme and day: what is said last counts."""
    row = {
        "id": new_id(),
        "organisation_id": organisation_id,
        "mediator_id": mediator_id,
        "zone_id": zone_id,
        "theme": theme,
        "held_on": held_on,
        "participants": participants,
        "recorded_at": now,
    }
    once = upsert(tx, talk).values(row)
    changed = {"participants": participants, "recorded_at": now}
    keys = ["mediator_id", "zone_id", "theme", "held_on"]
    tx.execute(once.on_conflict_do_update(index_elements=keys, set_=changed))


def drop_talk(tx: Connection, talk_id: int, by: str, why: str, now: int) -> bool:
    """Put it aside, out of every count; False when there is none with this id."""
    names = ["id", "mediator_id", "zone_id", "theme", "held_on", "participants", "recorded_at"]
    row = tx.execute(select(*(t[name] for name in names)).where(t.id == talk_id).with_for_update()).first()
    if row is None:
        return False
    aside = {"dropped_by": by[:60], "dropped_at": now, "dropped_why": why}
    tx.execute(insert(dropped_talk).values(dict(row._mapping) | aside))
    tx.execute(delete(talk).where(t.id == talk_id))
    return True


def talks_between(tx: Connection, first: date, last: date) -> list[Talk]:
    """Those held from the first to the last day, the latest first."""
    rows = tx.execute(
        select(t.id, t.mediator_id, zone.c.name, t.theme, t.held_on, t.participants)
        .join(zone, zone.c.id == t.zone_id)
        .where(t.held_on >= first, t.held_on <= last)
        .order_by(t.held_on.desc(), zone.c.name, t.theme, t.id)
    )
    return [Talk._make(row) for row in rows]


def held_between(tx: Connection, first: date, last: date, zone_id: int | None = None) -> list[Held]:
    """Counted by month, theme and quartier, in the order of the months."""
    years, months = extract("year", t.held_on), extract("month", t.held_on)
    counted = (
        select(years, months, t.theme, t.zone_id, func.count(), func.sum(t.participants))
        .where(t.held_on >= first, t.held_on <= last)
        .group_by(years, months, t.theme, t.zone_id)
        .order_by(literal_column("1"), literal_column("2"), t.theme, t.zone_id)
    )
    if zone_id is not None:
        counted = counted.where(t.zone_id == zone_id)
    return [
        Held(date(int(year), int(month), 1), theme, where, int(talks), int(listened))
        for year, month, theme, where, talks, listened in tx.execute(counted)
    ]


def ids_starting_with(tx: Connection, digits: str) -> list[int]:
    """A few of the ids that begin with these digits, as staff type them."""
    return columns.ids_starting_with(tx, t.id, digits)
