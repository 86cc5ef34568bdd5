"""What people decided about messages, sending, who serves a quartier, and ways in. Written, and never changed."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Column, String, Table, Text, insert, select
from sqlalchemy.engine import Connection

from service.store.columns import Id, Instant, id_column, metadata, new_id

decision = Table(
    "decision",
    metadata,
    id_column(),
    Column("at", Instant, nullable=False, index=True),
    Column("by", String(60), nullable=False),
    Column("what", String(20), nullable=False),  # retry, drop, hold, release, reassign, cover ended
    Column("message_id", Id, index=True),  # none for what is about all of them; it outlives the message
    Column("why", Text, nullable=False),
)


class Decision(NamedTuple):
    at: int
    by: str
    what: str
    why: str


def note_decision(tx: Connection, now: int, by: str, what: str, why: str, message_id: int | None = None) -> None:
    row = {"id": new_id(), "at": now, "by": by[:60], "what": what, "message_id": message_id, "why": why[:500]}
    tx.execute(insert(decision).values(row))


def decisions_about(tx: Connection, message_id: int) -> list[Decision]:
    d = decision.c
    rows = tx.execute(select(d.at, d.by, d.what, d.why).where(d.message_id == message_id).order_by(d.at))
    return [Decision._make(row) for row in rows]
