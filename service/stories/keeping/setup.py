"""Making a database ready: migrations, then the data it starts with."""

from __future__ import annotations

from service.clock import REHEARSAL_MARK
from service.runtime import Runtime
from service.store import phone_tables, schema, system_tables
from service.stories.keeping import key_checks, starting_data
from service.stories.talk import releases


class NotEmpty(Exception):
    """Only a database without people may be marked for rehearsals."""


class Unsettled(Exception):
    """A backup is no database before a restore has settled it."""


def prepare(runtime: Runtime, *, rehearsal: bool = False) -> str:
    """Bring the schema, the places and the conversations up to date; gives a hint for people, or "".

    `rehearsal` lets `tick --at` move this database's time.
    """
    with runtime.database.read() as tx:
        if schema.is_unsettled(tx):
            raise Unsettled(
                "this is a backup that was put here by hand, or whose restore was killed: it would say again what it "
                "has said since. Use `laseli db restore`."
            )
    schema.upgrade(runtime.database)
    with runtime.database.begin() as tx:
        key_checks.check(tx, runtime.vault)
        key_checks.keep(tx, runtime.vault)
        starting_data.load(tx, runtime)
        hint = releases.publish_shipped(tx, runtime, runtime.now())
        if rehearsal and system_tables.read_mark(tx, REHEARSAL_MARK) is None:
            if phone_tables.any_phone(tx):
                raise NotEmpty("this database already holds people; rehearse on a new one")
            system_tables.mark(tx, REHEARSAL_MARK, "time may be moved")
    return hint
