"""Procrastinate's tables on PostgreSQL, as far as we touch them ourselves: adding a job, giving back, listing.

Its worker takes and finishes jobs with functions of its own (service/jobs_on_postgresql.py). What it lacks is here:
its way of adding raises on a word that is taken, which on PostgreSQL ends the caller's transaction, and its retry of a
stalled job fails when another waits under the same word. Nothing here imports it: a web process adds jobs without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    case,
    cast,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Connection

from service.store import job_tables
from service.store.job_tables import Listed, Taken

# In a metadata of their own: they are made from Procrastinate's own file (migration 0004), and changed by no other.
_theirs = MetaData()
_STATES = ("todo", "doing", "succeeded", "failed", "cancelled", "aborting", "aborted")
_Status = postgresql.ENUM(*_STATES, name="procrastinate_job_status", create_type=False)

queued = Table(
    "procrastinate_jobs",
    _theirs,
    Column("id", BigInteger, primary_key=True),
    Column("queue_name", String(128)),
    Column("task_name", String(128)),
    Column("queueing_lock", Text),
    Column("args", JSONB),
    Column("status", _Status),
    Column("scheduled_at", DateTime(timezone=True)),
    Column("attempts", Integer),
    Column("worker_id", BigInteger),
)
worker = Table(
    "procrastinate_workers",
    _theirs,
    Column("id", BigInteger, primary_key=True),
    Column("last_heartbeat", DateTime(timezone=True)),
)
q = queued.c


def add_job(tx: Connection, name: str, args: Mapping[str, object], lock: str | None, run_at: int | None) -> None:
    """Add one, unless one waits under the same word; seen by a worker when this transaction commits, or never.

    It waits for nobody: of two open transactions that add the same, both do. One more run is harmless, and a caller
    on the telephone is not made to wait.
    """
    if lock is not None and _waits(tx, lock):
        return
    if lock is not None and not tx.execute(select(func.pg_try_advisory_xact_lock(_number_of(lock)))).scalar_one():
        lock = None
    row = {
        "queue_name": name,  # a queue for each name: a worker of an older version leaves what it does not know
        "task_name": name,
        "args": dict(args),
        "queueing_lock": lock,
        "scheduled_at": datetime.fromtimestamp(run_at / 1000, UTC) if run_at is not None else None,
    }
    adding = postgresql.insert(queued).values(row)
    free = adding.on_conflict_do_nothing(index_elements=["queueing_lock"], index_where=text("status = 'todo'"))
    if tx.execute(free.returning(literal(1))).first() is None and not _waits(tx, lock):
        tx.execute(insert(queued).values(row | {"queueing_lock": None}))  # it was committed, and taken, in between


def _waits(tx: Connection, lock: str | None) -> bool:
    """True when one waits under this word. No worker takes it before we commit: it will see what we have written."""
    same = select(q.id).where(q.queueing_lock == lock, q.status == "todo")
    return tx.execute(same.with_for_update(key_share=True, read=True, skip_locked=True)).first() is not None


def _number_of(lock: str) -> Any:
    return func.hashtextextended("laseli job " + lock, 0)


def free_lock(tx: Connection, job_id: int) -> None:
    """It failed and will wait again, which its word must not forbid when another waits under it by then."""
    tx.execute(update(queued).where(q.id == job_id).values(queueing_lock=None))


def abandoned(tx: Connection) -> list[tuple[Taken, str | None]]:
    """Running jobs whose worker is gone, or has not said for too long that it lives, each with its word."""
    alive = exists().where(
        worker.c.id == q.worker_id,
        worker.c.last_heartbeat > func.now() - timedelta(milliseconds=job_tables.LEASE_MS),
    )
    rows = tx.execute(
        select(q.id, q.task_name, q.args, q.attempts, q.queueing_lock)
        .where(q.status == "doing", ~alive)
        .with_for_update(skip_locked=True)
    )
    return [(Taken(row.id, 0, row.task_name, row.args, row.attempts), row.queueing_lock) for row in rows]


def put_back(tx: Connection, job_id: int) -> None:
    again = {"status": "todo", "attempts": q.attempts + 1, "worker_id": None, "queueing_lock": None}
    tx.execute(update(queued).where(q.id == job_id).values(again))


def drop_job(tx: Connection, job_id: int) -> None:
    tx.execute(delete(queued).where(q.id == job_id))


def any_due(tx: Connection) -> bool:
    due = or_(q.scheduled_at.is_(None), q.scheduled_at <= func.now())
    return tx.execute(select(q.id).where(q.status == "todo", due).limit(1)).first() is not None


# Its own words for a job that ended are met after a restore only: `restored_tables` cancels what was under way.
_state = case((q.status == "todo", "waiting"), (q.status == "doing", "running"), else_="failed")
_ended = q.status.not_in(("todo", "doing"))


def take_up(tx: Connection, job_id: int) -> tuple[str, dict[str, Any], str | None] | None:
    """Take a job that ended undone out of the table: its name, arguments and word; None when there is none."""
    gone = delete(queued).where(q.id == job_id, _ended).returning(q.task_name, q.args, q.queueing_lock)
    row = tx.execute(gone).first()
    return (row.task_name, row.args, row.queueing_lock) if row else None


def listed(tx: Connection, limit: int) -> list[Listed]:
    """The oldest first."""
    why = case((_ended, cast(q.status, Text)))
    columns = (q.id, q.task_name, _state, q.attempts, q.scheduled_at, why, q.args)
    rows = tx.execute(select(*columns).order_by(q.id).limit(limit))
    return [Listed(*row[:4], int(row[4].timestamp() * 1000) if row[4] else None, *row[5:]) for row in rows]


def count_jobs(tx: Connection) -> dict[str, int]:
    state = _state.label("state")
    return {row[0]: row[1] for row in tx.execute(select(state, func.count()).group_by(state))}
