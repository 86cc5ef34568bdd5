"""From one machine to many: a SQLite file becomes the beginning of an empty PostgreSQL database."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import Connection

from service import jobs
from service.runtime import Runtime
from service.store import job_tables, row_copies, schema, system_tables
from service.store.database import Database
from service.store.job_tables import Listed
from service.stories.delivery import dispatch_gate
from service.stories.keeping import key_checks

WORKER_LEASE = "worker"


class CannotMove(Exception):
    """Nothing was copied; the text says what to do first."""


def move_from(runtime: Runtime, file: Path) -> int:
    """Copy the file into the database of the settings, which must be empty; gives the number of rows.

    From then on the file sends nothing more: the gate of its dispatcher is closed.
    """
    if not file.is_file():
        raise CannotMove(f"there is no file {file}")
    source = Database(f"sqlite:///{file.resolve()}", runtime.vault)
    try:
        return _move(runtime, source)
    finally:
        source.close()


def _move(runtime: Runtime, source: Database) -> int:
    if schema.pending(source):
        raise CannotMove("the file lacks migrations: run `laseli db upgrade` on it first")
    schema.upgrade(runtime.database)
    # Both or neither: where the copy fails, the file goes on as if nobody had asked.
    with source.begin() as old, runtime.database.begin() as new:
        key_checks.check(old, runtime.vault)
        if (system_tables.lease_age(old, WORKER_LEASE) or 0) > 0:
            raise CannotMove("a worker still runs on the file: end it and the web process first")
        if not row_copies.is_empty(new):
            raise CannotMove("the database of the settings is not empty: move into a new one")
        copied = row_copies.copy_rows(old, new)
        for one in jobs.listed(old):
            _take_along(new, one, runtime.now())
        dispatch_gate.close(old, dispatch_gate.MOVED, "this file was moved to another database", runtime.now())
    return copied


def _take_along(new: Connection, job: Listed, now: int) -> None:
    if job.state == "failed":
        job_tables.bury(new, job.name, job.args, None, job.tries, job.at or now, job.error or "")
    else:
        jobs.later(new, job.name, run_at=job.at, **job.args)
