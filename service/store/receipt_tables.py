"""Receipts that fitted no message when they came: they may have overtaken our own answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Column, Index, LargeBinary, String, Table, Text, delete, insert, select
from sqlalchemy.engine import Connection

from service.domain.message_states import ReceiptState
from service.store.columns import Id, Instant, among, id_column, metadata, new_id
from service.store.message_tables import message
from service.store.prepared import Prepared

unmatched_receipt = Table(
    "unmatched_receipt",
    metadata,
    id_column(),
    Column("channel", String(20), nullable=False),
    Column("carrier_id", String(100), nullable=False, index=True),
    Column("number_idx", LargeBinary(16)),
    Column("message_id", Id),
    Column("network", String(12)),
    Column("state", String(12), nullable=False),
    Column("detail", Text, nullable=False),
    Column("at", Instant, nullable=False, index=True),
    Column("looked_at", Instant),  # when it was last held against the outbox; empty for what has just come
)
kept = unmatched_receipt.c
_new = kept.looked_at.is_(None)
Index("ix_unmatched_receipt_new", kept.at, sqlite_where=_new, postgresql_where=_new)


class KeptReceipt(NamedTuple):
    id: int
    channel: str
    carrier_id: str
    number_idx: bytes | None
    state: ReceiptState
    detail: str
    at: int


_COLUMNS = (kept.id, kept.channel, kept.carrier_id, kept.number_idx, kept.state, kept.detail, kept.at)


def keep_receipt(tx: Connection, **values: object) -> None:
    tx.execute(insert(unmatched_receipt).values(id=new_id(), **values))


_EARLY = Prepared(lambda _: select(*_COLUMNS).where(among(kept.carrier_id, "names", String)).order_by(kept.at))


def early_receipts(tx: Connection, carrier_ids: Sequence[str]) -> list[KeptReceipt]:
    """Receipts that came before we knew these ids, in the order in which they came."""
    return [KeptReceipt._make(row) for row in _EARLY.rows(tx, names=carrier_ids)] if carrier_ids else []


def receipts_for_unknown(tx: Connection, limit: int = 500) -> list[KeptReceipt]:
    """Kept receipts to whose number a message of unknown fate, and without a carrier's id, went on that channel."""
    fits = (
        (message.c.number_idx == kept.number_idx)
        & (message.c.channel == kept.channel)
        & (message.c.state == "unknown")
        & message.c.carrier_id.is_(None)
    )
    rows = tx.execute(select(*_COLUMNS).join(message, fits).distinct().order_by(kept.at).limit(limit))
    return [KeptReceipt._make(row) for row in rows]


def drop_receipts(tx: Connection, ids: Sequence[int]) -> None:
    if ids:
        tx.execute(delete(unmatched_receipt).where(kept.id.in_(ids)))
