"""Complaints and suggestions, each followed by its number."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Column, String, Table, func, select, update
from sqlalchemy.engine import Connection

from service.store.columns import Instant, Sealed, id_column, metadata, new_id, reference, upsert, wrote
from service.store.phone_tables import phone

feedback = Table(
    "feedback",
    metadata,
    id_column(),
    Column("number", String(12), nullable=False, unique=True),
    reference("phone_id", "phone.id", nullable=True, index=True),
    Column("kind", String(12), nullable=False),  # complaint, suggestion
    Column("words", Sealed("feedback.words"), nullable=False),
    Column("answer", Sealed("feedback.answer")),
    Column("state", String(12), nullable=False),  # received, in_hand, answered
    Column("created_at", Instant, nullable=False),
    Column("state_at", Instant, nullable=False),
)
c = feedback.c


class Feedback(NamedTuple):
    """One word to us. `phone_number` is None when nobody is to be answered."""

    id: int
    number: str
    kind: str
    words: str
    answer: str | None
    state: str
    created_at: int
    phone_id: int | None
    phone_number: str | None
    phone_number_idx: bytes | None
    language: str | None


_COLUMNS = (
    c.id,
    c.number,
    c.kind,
    c.words,
    c.answer,
    c.state,
    c.created_at,
    c.phone_id,
    phone.c.number,
    phone.c.number_idx,
    phone.c.language,
)
_FOUND = select(*_COLUMNS).select_from(feedback.outerjoin(phone, phone.c.id == c.phone_id))


def add_feedback(tx: Connection, **values: object) -> bool:
    """False when another one has this number already."""
    return wrote(tx, upsert(tx, feedback).values(id=new_id(), **values).on_conflict_do_nothing())


def find_feedback(tx: Connection, number: str) -> Feedback | None:
    row = tx.execute(_FOUND.where(c.number == number).with_for_update(of=feedback)).first()
    return Feedback._make(row) if row else None


def feedback_of_phone(tx: Connection, phone_id: int, number: str) -> tuple[str, str | None] | None:
    """(state, answer) of this number, only if this very phone wrote it."""
    which = (c.number == number) & (c.phone_id == phone_id)
    row = tx.execute(select(c.state, c.answer).where(which)).first()
    return (row[0], row[1]) if row else None


def unanswered_feedback(tx: Connection, limit: int) -> list[Feedback]:
    """What still waits for an answer, oldest first."""
    rows = tx.execute(_FOUND.where(c.state != "answered").order_by(c.created_at, c.id).limit(limit))
    return [Feedback._make(row) for row in rows]


def written_since(tx: Connection, phone_id: int, since: int) -> int:
    """How many this phone wrote since then."""
    return int(tx.execute(select(func.count()).where(c.phone_id == phone_id, c.created_at > since)).scalar_one())


def set_feedback(tx: Connection, feedback_id: int, now: int, **values: object) -> None:
    tx.execute(update(feedback).where(c.id == feedback_id).values(state_at=now, **values))
