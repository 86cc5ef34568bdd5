"""Every place where something is sealed, found in the tables themselves, and sealing it anew with the first key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    Column,
    ColumnElement,
    LargeBinary,
    Table,
    bindparam,
    func,
    literal_column,
    select,
    type_coerce,
    update,
)
from sqlalchemy.engine import Connection

from service.store.columns import Sealed, metadata, vault_of
from service.store.vault import CannotOpen


class SealedPlace(NamedTuple):
    """A column with sealed values; `name` is bound into each of them."""

    table: Table
    column: Column[Any]
    name: str

    @property
    def raw(self) -> Any:
        return type_coerce(self.column, LargeBinary)

    @property
    def key(self) -> Any:
        """The first octet of a value: the number of its key."""
        one: ColumnElement[int] = literal_column(
            "1"
        )  # not a value of its own each time: PostgreSQL groups by what is written the same
        return func.substr(self.raw, one, one)


class Resealed(NamedTuple):
    """`rows` were sealed anew; `closed` are ids whose value no key of the ring opens."""

    rows: int
    closed: list[int]


def sealed_places() -> list[SealedPlace]:
    """All of them, in the order of the alphabet."""
    found = (
        SealedPlace(table, column, column.type.column if isinstance(column.type, Sealed) else column.info["sealed_as"])
        for table in metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, Sealed) or "sealed_as" in column.info
    )
    return sorted(found, key=lambda place: place.name)


def count_by_key(tx: Connection, place: SealedPlace) -> dict[int, int]:
    """How many values each key of the ring sealed."""
    rows = tx.execute(select(place.key, func.count()).where(place.column.is_not(None)).group_by(place.key))
    return {bytes(row[0])[0]: row[1] for row in rows}


def sealed_otherwise(tx: Connection, place: SealedPlace, after: int, limit: int) -> list[int]:
    """The next rows whose value is sealed with another key than the one that writes."""
    ids = place.table.c.id
    other = place.key != bytes([vault_of(tx).writing])
    return list(tx.execute(select(ids).where(ids > after, other).order_by(ids).limit(limit)).scalars())


def reseal(tx: Connection, place: SealedPlace, ids: Sequence[int]) -> Resealed:
    """Seal these values with the key that writes.

    Whoever changes a row at this moment is not waited for: what he writes is sealed with that key. Nor is his change
    undone: only the very octets that were read are replaced.
    """
    vault, table = vault_of(tx), place.table
    mine = select(table.c.id, place.raw).where(table.c.id.in_(ids), place.column.is_not(None))
    found = tx.execute(mine.with_for_update(skip_locked=True, key_share=True)).all()
    changed, closed = [], []
    for row_id, sealed in found:
        if sealed[0] == vault.writing:
            continue
        try:
            changed.append(
                {"row": row_id, "old": sealed, "new": vault.seal(place.name, vault.open(place.name, sealed))}
            )
        except CannotOpen:
            closed.append(row_id)
    if changed:
        as_read = (table.c.id == bindparam("row")) & (place.raw == bindparam("old", type_=LargeBinary))
        anew = update(table).where(as_read).values({place.column: bindparam("new", type_=LargeBinary)})
        tx.execute(anew, changed)
    return Resealed(len(changed), closed)
