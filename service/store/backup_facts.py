"""What a backup's header says about the database: how many rows, and which keys seal something in it."""

from __future__ import annotations

from sqlalchemy import Column, LargeBinary, Table, func, select, union
from sqlalchemy.engine import Connection

from service.store.columns import Sealed, metadata
from service.store.conversation_tables import conversation
from service.store.phone_tables import opt_out, phone


def rows_by_table(tx: Connection) -> dict[str, int]:
    return {
        table.name: int(tx.execute(select(func.count()).select_from(table)).scalar_one())
        for table in metadata.sorted_tables
    }


def sealing_keys(tx: Connection) -> set[int]:
    """The numbers of the keys that seal a value somewhere: the first octet of each says it."""
    numbers: set[int] = set()
    for table, column in sealed_columns():
        first = func.substr(column, 1, 1, type_=LargeBinary())
        found = tx.execute(select(first).select_from(table).where(column.is_not(None)).distinct()).scalars()
        numbers |= {octet[0] for octet in found if octet}
    return numbers


def index_keys(tx: Connection) -> set[int]:
    """The numbers of the keys under whose index a phone or a refusal stands."""
    versions = union(select(phone.c.index_version), select(opt_out.c.index_version))
    return set(tx.execute(versions).scalars())


def sealed_columns() -> list[tuple[Table, Column[object]]]:
    declared = [
        (table, column)
        for table in metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, Sealed)
    ]
    return [*declared, (conversation, conversation.c.progress)]  # sealed by the story, on the hot path
