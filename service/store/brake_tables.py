"""What the brakes ask of the outbox, and how they put back what may not leave now."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import BigInteger, ColumnElement, bindparam, case, func, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import Connection

from service.domain.sending_hours import ANY
from service.store.message_tables import message, send_attempt
from service.store.people_tables import child, household

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
    calls = (
        select(func.count(tried.message_id.distinct()))
        .select_from(_other)
        .join(_tried, tried.message_id == other.id)
        .where(
            other.number_idx == m.number_idx,
            other.purpose.in_(purposes),
            other.hours != ANY,
            other.state_at >= since,  # every call moves it: of older ones no try need be looked at
            tried.at >= since,
            tried.outcome.in_(MAY_HAVE_LEFT),
            ~_among(tx, other.id, ids),
        )
        .correlate(message)
        .scalar_subquery()
    )
    rows = tx.execute(
        select(m.id, m.number_idx, m.purpose, m.hours, m.useful_until, calls).where(_among(tx, m.id, ids))
    )
    return {row[0]: Heard._make((*row[1:], row.number_idx not in others)) for row in rows}


def _among(tx: Connection, column: ColumnElement[int], ids: Sequence[int]) -> ColumnElement[bool]:
    """`column IN (ids)`. On PostgreSQL as one array: a hundred parameters cost more than the question itself."""
    if tx.dialect.name == "postgresql":
        return column == func.any(bindparam(None, list(ids), type_=ARRAY(BigInteger)))
    return column.in_(ids)


def _others_numbers(tx: Connection, ids: Sequence[int]) -> set[bytes]:
    """The numbers of these messages that another worker has locked; the others are ours from now on.

    Nobody waits: a claim holds rows, and whoever waits while he holds something makes a deadlock one day. A lock on the
    phone's row itself would meet callers.
    """
    numbers = select(m.number_idx).where(_among(tx, m.id, ids)).distinct().subquery()
    key = func.hashtext(func.encode(numbers.c.number_idx, "hex"))
    got = func.pg_try_advisory_xact_lock(PHONES, key).label("got")
    return {row.number_idx for row in tx.execute(select(numbers.c.number_idx, got)) if not row.got}


def put_back(tx: Connection, held: Iterable[tuple[int, int | None, str]], now: int) -> None:
    """Claimed messages (id, when, why) that may not leave now wait until then, the claim undone; without a moment at
    which they would still be useful they expire (or are "unresolved", when they may have left before)."""
    rows = [{"held": message_id, "until": until, "why": why} for message_id, until, why in held]
    moment = bindparam("until", type_=m.not_before.type)
    statement = (
        update(message)
        .where(m.id == bindparam("held"), m.state == "sending")
        .values(
            state=case((moment.is_not(None), "queued"), (m.resends > 0, "unresolved"), else_="expired"),
            not_before=func.coalesce(moment, m.not_before),
            attempts=m.attempts - 1,
            lease_until=None,
            reason=bindparam("why"),
            state_at=now,
        )
    )
    if rows:
        tx.execute(statement, rows)


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
