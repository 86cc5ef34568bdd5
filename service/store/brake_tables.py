"""What the brakes ask of the outbox."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import func, select, update
from sqlalchemy.engine import Connection

from service.store.message_tables import message, send_attempt
from service.store.people_tables import child, household

m = message.c
PHONES = 0x6C61
"""The family of our locks on telephones, among the advisory locks of PostgreSQL."""
MAY_HAVE_LEFT = ("calling", "accepted", "ambiguous")


class Heard(NamedTuple):
    """A message, and how many others left for its phone since then, or may have. `ours` is false where another worker
    is about to write to this very phone: its message is not counted yet."""

    number_idx: bytes
    purpose: str
    hours: str
    useful_until: int
    left: int
    ours: bool


def left_since(tx: Connection, ids: Sequence[int], purposes: Sequence[str], since: int) -> dict[int, Heard]:
    """For each of these messages: how many others of these purposes were called for its number since then.

    Until we commit the numbers are ours: two workers do not both send the last message of a day. SQLite has one writer.
    """
    others = _others_numbers(tx, ids) if tx.dialect.name == "postgresql" else set()
    other, tried = message.alias("other"), send_attempt.alias("tried")
    calls = (
        select(func.count(tried.c.message_id.distinct()))
        .select_from(other)
        .join(tried, tried.c.message_id == other.c.id)
        .where(
            other.c.number_idx == m.number_idx,
            other.c.purpose.in_(purposes),
            other.c.state_at >= since,  # every call moves it: of older ones no try need be looked at
            tried.c.at >= since,
            tried.c.outcome.in_(MAY_HAVE_LEFT),
            other.c.id.not_in(ids),
        )
        .correlate(message)
        .scalar_subquery()
    )
    rows = tx.execute(select(m.id, m.number_idx, m.purpose, m.hours, m.useful_until, calls).where(m.id.in_(ids)))
    return {row[0]: Heard._make((*row[1:], row.number_idx not in others)) for row in rows}


def _others_numbers(tx: Connection, ids: Sequence[int]) -> set[bytes]:
    """The numbers of these messages that another worker has locked; the others are ours from now on.

    Nobody waits: a claim holds rows, and whoever waits while he holds something makes a deadlock one day. A lock on the
    phone's row itself would meet callers.
    """
    numbers = select(m.number_idx).where(m.id.in_(ids)).distinct().subquery()
    key = func.hashtext(func.encode(numbers.c.number_idx, "hex"))
    got = func.pg_try_advisory_xact_lock(PHONES, key).label("got")
    return {row.number_idx for row in tx.execute(select(numbers.c.number_idx, got)) if not row.got}


def rename_hours(tx: Connection, known: Collection[str]) -> int:
    """Queued messages held under a name that no table has any more go under their purpose's; gives how many."""
    lost = (m.state == "queued") & m.hours.not_in(known)
    return tx.execute(update(message).where(lost).values(hours=m.purpose)).rowcount


def zone_of_phone(tx: Connection, phone_id: int) -> int | None:
    """The quartier of the children whom this phone serves; None when there are none, or nobody said where."""
    theirs = (
        select(child.c.zone_id)
        .join(household, household.c.id == child.c.household_id)
        .where(household.c.preferred_phone_id == phone_id, child.c.zone_id.is_not(None))
    )
    return tx.execute(theirs.order_by(child.c.enrolled_at.desc()).limit(1)).scalar_one_or_none()
