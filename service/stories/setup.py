"""Making a database ready: migrations, then the data it starts with."""

from __future__ import annotations

from sqlalchemy import select

from service.runtime import Runtime
from service.store import schema, system_tables
from service.store.people_tables import phone
from service.stories import starting_data

REHEARSAL_MARK = "rehearsal"


class NotEmpty(Exception):
    """Only a database without people may be marked for rehearsals."""


def prepare(runtime: Runtime, *, rehearsal: bool = False) -> None:
    """Bring the schema and the places up to date. `rehearsal` lets `tick --at` move this database's time."""
    schema.upgrade(runtime.database)
    with runtime.database.begin() as tx:
        starting_data.load(tx, runtime)
        if rehearsal and system_tables.read_mark(tx, REHEARSAL_MARK) is None:
            if tx.execute(select(phone.c.id).limit(1)).first():
                raise NotEmpty("this database already holds people; rehearse on a new one")
            system_tables.mark(tx, REHEARSAL_MARK, "time may be moved")
