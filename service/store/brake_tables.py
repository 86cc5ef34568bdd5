"""What the brakes ask of the outbox."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, String, bindparam, func, select, update
from sqlalchemy.engine import Connection

from service.domain.sending_hours import ANY
from service.store.columns import among
from service.store.message_tables import message, send_attempt
from service.store.people_tables import child, household
from service.store.prepared import Prepared

m = message.c
_other, _tried = message.alias("other"), send_attempt.alias("tried")
other, tried = _other.c, _tried.c
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
    """For each of these messages: how many others of these purposes were called for its number since then, those left
    out that may leave at any hour, as an answer to what somebody has just done.

    Until we commit the numbers are ours: two workers do not both send the last message of a day. SQLite has one writer.
    """
    others = _others_numbers(tx, ids) if tx.dialect.name == "postgresql" else set()
    rows = _LEFT.rows(tx, ids=ids, purposes=purposes, outcomes=MAY_HAVE_LEFT, since=since)
    return {row[0]: Heard._make((*row[1:], row[1] not in others)) for row in rows}


def _left(_: Any) -> Any:
    calls = (
        select(func.count(tried.message_id.distinct()))
        .select_from(_other)
        .join(_tried, tried.message_id == other.id)
        .where(
            other.number_idx == m.number_idx,
            other.id != m.id,
            among(other.purpose, "purposes", String),
            other.hours != ANY,
            other.state_at >= bindparam("since"),  # every call moves it: of older ones no try need be looked at
            tried.at >= bindparam("since"),
            among(tried.outcome, "outcomes", String),
        )
        .correlate(message)
        .scalar_subquery()
    )
    return select(m.id, m.number_idx, m.purpose, m.hours, m.useful_until, calls).where(among(m.id, "ids", BigInteger))


_LEFT = Prepared(_left)


def _others_numbers(tx: Connection, ids: Sequence[int]) -> set[bytes]:
    """The numbers of these messages that another worker has locked; the others are ours from now on.

    Nobody waits: a claim holds rows, and whoever waits while he holds something makes a deadlock one day. A lock on the
    phone's row itself would meet callers.
    """
    return {number_idx for number_idx, got in _TAKE_NUMBERS.rows(tx, ids=ids) if not got}


def _take_numbers(_: Any) -> Any:
    numbers = select(m.number_idx).where(among(m.id, "ids", BigInteger)).distinct().subquery()
    key = func.hashtext(func.encode(numbers.c.number_idx, "hex"))
    return select(numbers.c.number_idx, func.pg_try_advisory_xact_lock(PHONES, key))


_TAKE_NUMBERS = Prepared(_take_numbers)


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
