"""Messages of unknown fate, as their carrier is asked about them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import BigInteger, literal, select, update
from sqlalchemy.engine import Connection

from service.store.message_tables import message, send_attempt
from service.store.phone_tables import phone

m = message.c
FIRST_ASKED_AFTER_MS = 2 * 60_000
MOST_ASKED = 12
"""Each time it waits twice as long: after 2, 4, 8 ... minutes, the last time after 68 hours."""


class Unknown(NamedTuple):
    """`called_at` is when our last call for it began."""

    id: int
    channel: str
    to: str
    text: str
    number_idx: bytes
    called_at: int


# The last call, as it was written down before it began: a worker that died noted no more.
_LAST_CALL = (send_attempt.c.message_id == m.id) & (send_attempt.c.fence == m.fence)


def to_ask(tx: Connection, channels: Collection[str], now: int, most: int) -> list[Unknown]:
    """The oldest of those whose turn it is, counted as asked: a second worker gets others."""
    patience = literal(FIRST_ASKED_AFTER_MS, BigInteger).bitwise_lshift(m.asked)
    call = send_attempt.c
    rows = tx.execute(
        select(m.id, call.channel, phone.c.number, m.text, m.number_idx, call.at)
        .join(phone, phone.c.id == m.phone_id)
        .join(send_attempt, _LAST_CALL)
        .where(m.state == "unknown", call.channel.in_(channels), m.asked < MOST_ASKED, m.state_at + patience <= now)
        .order_by(m.state_at)
        .limit(most)
        .with_for_update(of=message, skip_locked=True)
    )
    found = [Unknown._make(row) for row in rows]
    if found:
        tx.execute(update(message).where(m.id.in_([one.id for one in found])).values(asked=m.asked + 1))
    return found


def rivals(tx: Connection, one: Unknown, since: int) -> list[str]:
    """The texts of other messages of unknown fate to the same number on that channel, called for since then."""
    rows = tx.execute(
        select(m.text)
        .join(send_attempt, _LAST_CALL)
        .where(
            m.number_idx == one.number_idx,
            m.state.in_(("sending", "unknown", "unresolved")),
            m.carrier_id.is_(None),
            m.id != one.id,
            send_attempt.c.channel == one.channel,
            send_attempt.c.at >= since,
        )
    )
    return list(rows.scalars())


def already_ours(tx: Connection, channel: str, carrier_ids: Sequence[str]) -> set[str]:
    """Which of these ids we know as other messages'."""
    which = (m.channel == channel) & m.carrier_id.in_(carrier_ids)
    return {str(found) for found in tx.execute(select(m.carrier_id).where(which)).scalars()}
