"""A backup becomes the database again, and nothing that may have been said since is said a second time.

Until everything is settled no process of ours starts on what is being filled; when anything fails, or somebody
interrupts, what stood there stands there still.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import DBAPIError

from service.domain import backup_rules
from service.domain.backup_rules import Header
from service.logs import log
from service.runtime import Runtime
from service.store import decision_tables, postgresql_dumps, restored_tables, schema, sqlite_copies
from service.store.database import Database
from service.store.postgresql_dumps import ASIDE
from service.store.private_folder import private_folder
from service.stories.delivery import dispatch_gate
from service.stories.keeping import backups, clock_guard, key_checks
from service.stories.keeping.backups import Opening, Refused, open_backup, sqlite_file
from service.stories.recall import recalls


class Settled(NamedTuple):
    """What was done so that nothing is said twice."""

    unknown: int  # messages that may have left since the backup
    taken_as_told: int  # steps of reminders whose message may have left
    conversations: int  # that were open
    jobs: int  # that were waiting


class Restored(NamedTuple):
    header: Header
    settled: Settled
    aside: str  # where what stood there before stands now; "" when nothing did


def restore(runtime: Runtime, file: Path, private_keys: Sequence[str], replacing: str, by: str, now: int) -> Restored:
    """Fill the database of the settings from a backup and settle it. `replacing` is its name, typed, when it is in use.

    Raises Refused, with nothing changed, when that cannot be done.
    """
    way = _restore_sqlite if runtime.database.is_sqlite else _restore_postgresql
    with backups.told_as_refusal():
        done = way(runtime, file, private_keys, replacing, by, now)
    log.warning("restored", made=backup_rules.written(done.header.made_at), **done.settled._asdict())
    return done


def _made_usable(tx: Connection, runtime: Runtime, header: Header, by: str, now: int) -> Settled:
    schema.set_revision(tx, header.migration)
    schema.upgrade_within(tx)
    _keys_fit(tx, runtime)
    return settle(tx, runtime, header, by, now)


def settle(tx: Connection, runtime: Runtime, header: Header, by: str, now: int) -> Settled:
    """In the transaction that makes the restored database usable: nobody knows what left since the backup."""
    made, here = backup_rules.written(header.made_at), backup_rules.written(now)
    dispatch_gate.close_restored(
        tx, f"the backup of {made} was restored at {here}; `laseli outbox release` ends it", now
    )
    clock_guard.doubt_restored(tx, runtime, now)
    settled = Settled(
        unknown=restored_tables.nobody_knows(tx, now),
        conversations=restored_tables.end_conversations(tx),
        jobs=restored_tables.cancel_jobs(tx, now),
        taken_as_told=recalls.plan_restored_day(tx, runtime, now),
    )
    restored_tables.let_leases_go(tx)
    restored_tables.end_sessions(tx)
    decision_tables.note_decision(tx, now, by, "restore", f"the backup of {made}")
    return settled


class _Fitting(Opening):
    """Stops before the first piece of a database that cannot be restored here."""

    def __init__(self, runtime: Runtime, into: object) -> None:
        super().__init__(into)  # type: ignore[arg-type]
        self._here = backups.here_of(runtime)

    def begun(self, header: Header) -> None:
        reasons = backup_rules.why_not(header, self._here)
        if reasons:
            raise Refused("\n".join(reasons))


def _name_is_typed(name: str, replacing: str, what: str) -> None:
    if not replacing:
        raise Refused(f"{what} is not empty: to put the backup in its place, add --replace {name}")
    if replacing != name:
        raise Refused(f"--replace names '{replacing}', and the database is called {name}: nothing was replaced")


# --- SQLite: everything is done on a copy, which then takes the place -----------------------------------------


def _restore_sqlite(
    runtime: Runtime, file: Path, private_keys: Sequence[str], replacing: str, by: str, now: int
) -> Restored:
    target = sqlite_file(runtime)
    if target.exists() and target.stat().st_size == 0:
        target.unlink()  # as good as none, and whoever opens the settings makes one
    in_use = not sqlite_copies.is_empty(target)
    if in_use:
        _name_is_typed(target.name, replacing, str(target))
    with _told_when_in_use(target), private_folder(target.parent) as room:
        if in_use:
            with sqlite_copies.held(target):
                pass  # found now rather than after the work
        copy = room / "copy.db"
        with sqlite_copies.new_file(copy) as into:
            opening = _Fitting(runtime, into)
            open_backup(file, private_keys, opening)
        header = opening.header
        assert header is not None
        sqlite_copies.prove(copy)
        settled = _settle_copy(replace(runtime, database=Database(f"sqlite:///{copy}", runtime.vault)), header, by, now)
        sqlite_copies.make_whole(copy)
        aside = target.with_name(f"{target.name}.replaced-{now}") if in_use else None
        sqlite_copies.put_in_place(copy, target, aside)
    return Restored(header, settled, str(aside or ""))


def _settle_copy(runtime: Runtime, header: Header, by: str, now: int) -> Settled:
    try:
        with runtime.database.begin() as tx:
            return _made_usable(tx, runtime, header, by, now)
    finally:
        runtime.database.close()


@contextmanager
def _told_when_in_use(target: Path) -> Iterator[None]:
    try:
        yield
    except sqlite_copies.InUse:
        raise Refused(f"{target} is open in another process: stop `laseli serve` and `laseli worker` first") from None


def _keys_fit(tx: Connection, runtime: Runtime) -> None:
    try:
        key_checks.check(tx, runtime.vault)
    except key_checks.WrongKeys as reason:
        raise Refused(str(reason)) from None


# --- PostgreSQL: filled in one transaction, made usable in a second one ---------------------------------------


def _restore_postgresql(
    runtime: Runtime, file: Path, private_keys: Sequence[str], replacing: str, by: str, now: int
) -> Restored:
    opening = _Fitting(runtime, None)
    open_backup(file, private_keys, opening)  # to its end: every octet is proved before anything is touched
    header = opening.header
    assert header is not None
    database = runtime.database
    with database.read() as place:  # holds the place until all is done
        postgresql_dumps.take_your_time(place)
        tools = postgresql_dumps.find_tools(postgresql_dumps.server_major(place), runtime.config.backup.pg_dump)
        if not postgresql_dumps.only_one(place):
            raise Refused("another restore is at work on this database")
        others = postgresql_dumps.others_connected(place)  # before we open a second session ourselves
        _undo_what_was_killed(database)
        in_use = _is_replaced(database, make_url(runtime.config.database_url).database or "", replacing)
        if others:
            raise Refused(
                f"{others} other sessions are on this database: stop `laseli serve`, `laseli worker`, each psql"
            )
        if in_use:
            _change(database, postgresql_dumps.set_aside)
        try:
            with postgresql_dumps.restoring(tools, runtime.config.database_url) as filling:
                open_backup(file, private_keys, _Fitting(runtime, filling))
            with database.begin() as tx:
                postgresql_dumps.take_your_time(tx)
                settled = _made_usable(tx, runtime, header, by, now)
        except BaseException:
            _give_back(database, in_use)
            raise
    return Restored(header, settled, f"schema {ASIDE}" if in_use else "")


def _undo_what_was_killed(database: Database) -> None:
    """A restore that could not tidy up left its tables without the version that is written last."""
    with database.read() as tx:
        aside, half = postgresql_dumps.has_aside(tx), schema.is_unsettled(tx)
        undone = half or (aside and postgresql_dumps.is_empty(tx))
    if undone:
        _change(database, postgresql_dumps.put_back if aside else postgresql_dumps.clear)


def _is_replaced(database: Database, name: str, replacing: str) -> bool:
    """False for an empty place; True for a database that its typed name allows to set aside."""
    with database.read() as tx:
        if postgresql_dumps.is_empty(tx):
            return False
        _name_is_typed(name, replacing, f"the database {name}")
        if postgresql_dumps.has_aside(tx):
            raise Refused(
                f"the database {name} still keeps in the schema {ASIDE} what an earlier restore replaced: "
                f"DROP SCHEMA {ASIDE} CASCADE when nobody needs it"
            )
    return True


def _give_back(database: Database, in_use: bool) -> None:
    try:
        _change(database, postgresql_dumps.put_back if in_use else postgresql_dumps.clear)
    except DBAPIError as reason:  # the next restore does it
        log.error("restore_not_undone", error=type(reason.orig).__name__)


def _change(database: Database, change: Callable[[Connection], None]) -> None:
    with database.begin() as tx:
        postgresql_dumps.take_your_time(tx)
        change(tx)
