"""The carrier's ids of earlier sendings of a message that a person had sent again: a late receipt still finds it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Column, String, Table, insert, select
from sqlalchemy.engine import Connection

from service.store.columns import Id, Instant, id_column, metadata, new_id
from service.store.message_tables import message

former_carrier_id = Table(
    "former_carrier_id",
    metadata,
    id_column(),
    Column("message_id", Id, nullable=False, index=True),
    Column("channel", String(20), nullable=False),
    Column("carrier_id", String(100), nullable=False, index=True),
    Column("at", Instant, nullable=False, index=True),
)
m = message.c


def named(tx: Connection, ids: Sequence[int]) -> dict[int, tuple[str, str]]:
    """message -> (channel, the carrier's id) of those that have one; they are ours until the commit."""
    which = m.id.in_(ids) & m.carrier_id.is_not(None) & m.channel.is_not(None)
    rows = tx.execute(select(m.id, m.channel, m.carrier_id).where(which).order_by(m.id).with_for_update())
    return {row.id: (row.channel, row.carrier_id) for row in rows}


def keep(tx: Connection, names: dict[int, tuple[str, str]], now: int) -> None:
    rows = [
        {"id": new_id(), "message_id": message_id, "channel": channel, "carrier_id": carrier_id, "at": now}
        for message_id, (channel, carrier_id) in names.items()
    ]
    if rows:
        tx.execute(insert(former_carrier_id), rows)
