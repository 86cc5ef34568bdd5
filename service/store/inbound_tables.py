"""What reached us, once each. The key is kept 400 days to know a repeat; the body, sealed, 30 days."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import Column, LargeBinary, String, Table, delete, insert, select
from sqlalchemy.engine import Connection

from service.store.columns import Instant, Sealed, id_column, metadata, new_id, upsert, vault_of, wrote
from service.store.receipt_tables import unmatched_receipt

# One NOT NULL hash: in a composite key a NULL status would let doubles in.
inbound_event = Table(
    "inbound_event",
    metadata,
    Column("key_hash", LargeBinary(32), primary_key=True),
    Column("channel", String(20), nullable=False),
    Column("kind", String(12), nullable=False),
    Column("at", Instant, nullable=False, index=True),
)

inbound_body = Table(
    "inbound_body",
    metadata,
    id_column(),
    Column("key_hash", LargeBinary(32), nullable=False),
    Column("number_idx", LargeBinary(16), index=True),
    Column("body", Sealed("inbound_body.body"), nullable=False),
    Column("at", Instant, nullable=False, index=True),
)


def first_time(tx: Connection, channel: str, kind: str, now: int, *key: str) -> bytes | None:
    """The event's key when it is new; None for a repeat. In the transaction that applies the event's effect."""
    key_hash = vault_of(tx).event_key(channel, kind, *key)
    event = {"key_hash": key_hash, "channel": channel, "kind": kind, "at": now}
    return key_hash if wrote(tx, upsert(tx, inbound_event).values(event).on_conflict_do_nothing()) else None


def keep_body(tx: Connection, key_hash: bytes, number_idx: bytes | None, body: str, now: int) -> None:
    tx.execute(insert(inbound_body).values(id=new_id(), key_hash=key_hash, number_idx=number_idx, body=body, at=now))


class Body(NamedTuple):
    key_hash: bytes
    number_idx: bytes | None
    body: str
    at: int


def known_events(tx: Connection, keys: Collection[bytes]) -> set[bytes]:
    """Which of these events have taken effect."""
    events = inbound_event.c
    return {bytes(key) for key in tx.execute(select(events.key_hash).where(events.key_hash.in_(keys))).scalars()}


def bodies_since(tx: Connection, numbers: Collection[bytes], since: int) -> list[Body]:
    """What these numbers wrote since then."""
    bodies = inbound_body.c
    which = bodies.number_idx.in_(numbers) & (bodies.at >= since)
    rows = tx.execute(select(bodies.key_hash, bodies.number_idx, bodies.body, bodies.at).where(which))
    return [Body(bytes(row.key_hash), row.number_idx, row.body, row.at) for row in rows]


def forget_inbound(tx: Connection, bodies_before: int, keys_before: int, receipts_before: int) -> int:
    return sum(
        tx.execute(delete(table).where(table.c.at < before)).rowcount
        for table, before in (
            (inbound_body, bodies_before),
            (inbound_event, keys_before),
            (unmatched_receipt, receipts_before),
        )
    )
