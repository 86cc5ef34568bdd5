"""A family's messages on their way to another phone, and how often somebody tried a code that was not theirs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import (
    Column,
    Date,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    bindparam,
    insert,
    select,
    update,
)
from sqlalchemy.engine import Connection

from service.store.columns import Instant, id_column, metadata, new_id, reference, upsert
from service.store.prepared import Prepared

handover = Table(
    "handover",
    metadata,
    id_column(),
    reference("household_id", "household.id", index=True),
    reference("old_phone_id", "phone.id", nullable=True, index=True),
    reference("new_phone_id", "phone.id", index=True),
    Column("kind", String(8), nullable=False, server_default="instead"),  # in the place of the first number, or beside
    Column("state", String(12), nullable=False),  # announced, accepted, refused, replaced
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
)

# By blind index and day: a row here says nothing of who it was.
attempt = Table(
    "attempt",
    metadata,
    Column("number_idx", LargeBinary(16), nullable=False),  # or a child's, by its code: the month tried with any phone
    Column("kind", String(20), nullable=False),  # child_code, handover, child_month, report_code
    Column("day", Date, nullable=False, index=True),
    Column("times", Integer, nullable=False),
    PrimaryKeyConstraint("number_idx", "kind", "day"),
)

h = handover.c


class Handover(NamedTuple):
    id: int
    household_id: int
    old_phone_id: int | None
    kind: str


_EXPECTED = Prepared(
    lambda _: (
        select(h.id)
        .where(h.new_phone_id == bindparam("phone_id"), h.state == "announced", h.expires_at > bindparam("now"))
        .limit(1)
    )
)


def is_expected(tx: Connection, phone_id: int, now: int) -> bool:
    """Whether a family waits for this phone's yes."""
    return _EXPECTED.first(tx, phone_id=phone_id, now=now) is not None


def next_handover(tx: Connection, phone_id: int, now: int) -> Handover | None:
    """The oldest family that waits for this phone's yes."""
    rows = (
        select(h.id, h.household_id, h.old_phone_id, h.kind)
        .where(h.new_phone_id == phone_id, h.state == "announced", h.expires_at > now)
        .order_by(h.created_at, h.id)
        .limit(1)
    )
    row = tx.execute(rows).first()
    return Handover._make(row) if row else None


def phones_before(tx: Connection, households: Sequence[int], since: int) -> dict[int, int | None]:
    """The phone that had each household's messages before they changed hands since then; None when no phone had them.

    Households whose messages did not change hands are not there.
    """
    which = h.household_id.in_(households) & (h.state == "accepted") & (h.kind == "instead") & (h.created_at > since)
    rows = tx.execute(select(h.household_id, h.old_phone_id).where(which).order_by(h.created_at.desc(), h.id.desc()))
    return {row.household_id: row.old_phone_id for row in rows}  # of several the first stays: it had them before all


def add_handover(tx: Connection, **values: object) -> None:
    tx.execute(insert(handover).values(id=new_id(), **values))


def close_handover(tx: Connection, handover_id: int, state: str) -> bool:
    """Accepted, refused, or replaced when things changed meanwhile; False when somebody settled it before."""
    which = (h.id == handover_id) & (h.state == "announced")
    return tx.execute(update(handover).where(which).values(state=state)).rowcount == 1


def replace_announced(tx: Connection, household_id: int, kind: str | None = None) -> None:
    """What this household announced before, of this kind or of any, counts no more: a number mistyped gets nothing."""
    which = (h.household_id == household_id) & (h.state == "announced")
    if kind is not None:
        which &= h.kind == kind
    tx.execute(update(handover).where(which).values(state="replaced"))


def count_try(tx: Connection, number_idx: bytes, kind: str, day: date) -> int:
    """Count one try of this phone; gives how many there were on this day, this one among them."""
    statement = upsert(tx, attempt).values(number_idx=number_idx, kind=kind, day=day, times=1)
    counted = statement.on_conflict_do_update(
        index_elements=["number_idx", "kind", "day"], set_={"times": attempt.c.times + 1}
    )
    return int(tx.execute(counted.returning(attempt.c.times)).scalar_one())


def tries(tx: Connection, number_idx: bytes, kind: str, day: date) -> int:
    """How many were counted on this day."""
    a = attempt.c
    which = (a.number_idx == number_idx) & (a.kind == kind) & (a.day == day)
    return tx.execute(select(a.times).where(which)).scalar_one_or_none() or 0
