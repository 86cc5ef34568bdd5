"""Making a database ready: migrations, then the data it starts with."""

from __future__ import annotations

from sqlalchemy.engine import Connection

from service.clock import REHEARSAL_MARK
from service.runtime import Runtime
from service.store import phone_tables, schema, system_tables
from service.store.vault import CannotOpen
from service.stories import releases, starting_data

KEY_CHECK = "key_check"


class NotEmpty(Exception):
    """Only a database without people may be marked for rehearsals."""


class Unsettled(Exception):
    """A backup is no database before a restore has settled it."""


class WrongKeys(Exception):
    """The keys of the settings are not those that this database was made with; serving would ignore every STOP."""


def check_keys(tx: Connection, runtime: Runtime) -> None:
    """Raise WrongKeys unless the settings' keys are this database's."""
    kept = system_tables.read_mark(tx, KEY_CHECK)
    index, _, sealed = (kept or "").partition(" ")
    if kept and index != runtime.vault.index(KEY_CHECK).hex():
        raise WrongKeys("LASELI_KEYS__INDEX is not the key that this database was made with")
    try:
        if kept:
            runtime.vault.open(KEY_CHECK, bytes.fromhex(sealed))
    except CannotOpen:
        raise WrongKeys("LASELI_KEYS__IDENTITY lacks the key that this database was made with") from None


def _keep_key_check(tx: Connection, runtime: Runtime) -> None:
    if system_tables.read_mark(tx, KEY_CHECK) is None:
        vault = runtime.vault
        system_tables.mark(tx, KEY_CHECK, f"{vault.index(KEY_CHECK).hex()} {vault.seal(KEY_CHECK, 'ok').hex()}")


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
        check_keys(tx, runtime)
        _keep_key_check(tx, runtime)
        starting_data.load(tx, runtime)
        hint = releases.publish_shipped(tx, runtime, runtime.now())
        if rehearsal and system_tables.read_mark(tx, REHEARSAL_MARK) is None:
            if phone_tables.any_phone(tx):
                raise NotEmpty("this database already holds people; rehearse on a new one")
            system_tables.mark(tx, REHEARSAL_MARK, "time may be moved")
    return hint
