"""What a backup's header says about the database: how many rows, and which keys seal something in it."""

from __future__ import annotations

from sqlalchemy import func, select, union
from sqlalchemy.engine import Connection

from service.store.columns import metadata
from service.store.phone_tables import opt_out, phone
from service.store.resealing import count_by_key, sealed_places


def rows_by_table(tx: Connection) -> dict[str, int]:
    return {
        table.name: int(tx.execute(select(func.count()).select_from(table)).scalar_one())
        for table in metadata.sorted_tables
    }


def sealing_keys(tx: Connection) -> set[int]:
    """The numbers of the keys that seal a value somewhere."""
    return {number for place in sealed_places() for number in count_by_key(tx, place)}


def index_keys(tx: Connection) -> set[int]:
    """The numbers of the keys under whose index a phone or a refusal stands."""
    versions = union(select(phone.c.index_version), select(opt_out.c.index_version))
    return set(tx.execute(versions).scalars())
