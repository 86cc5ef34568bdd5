"""Coarse jobs in a table of our own: all of them on SQLite; on PostgreSQL only those that were given up.

A job holds ids and small words, never a person's name, number or text. What moves one is a statement each, guarded by
state and fence: a worker that lost its lease neither finishes nor fails what another has taken.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Column, Index, Integer, String, Table, Text, delete, func, insert, or_, select, update
from sqlalchemy.engine import Connection

from service.store.columns import Instant, database_now, id_column, lease_is_over, metadata, new_id, upsert
from service.store.dialects import only_rows

LEASE_MS = 20_000
"""How long a worker may be silent about a job before another takes it up. It says every five seconds that it lives."""

job = Table(
    "job",
    metadata,
    id_column(),
    Column("name", String(40), nullable=False),
    Column("args", Text, nullable=False),
    Column("lock", String(120)),  # while one waits under this word no second one is added
    Column("state", String(8), nullable=False),  # waiting, running, failed; one that is done is deleted
    Column("run_at", Instant),  # not before; empty: at once
    Column("tries", Integer, nullable=False),  # that failed, or whose worker died
    Column("fence", Integer, nullable=False),
    Column("lease_until", Instant),
    Column("error", String(120)),  # the kind of the last one, never its text
    Column("added_at", Instant, nullable=False),  # by the database's clock, as the lease: it only orders
    Column("ended_at", Instant),
)
j = job.c
_waiting = j.state == "waiting"
Index("uq_job_lock", j.lock, unique=True, **only_rows(_waiting))
Index("ix_job_state", j.state, j.added_at)


class Taken(NamedTuple):
    """A job that this worker carries out now."""

    id: int
    fence: int
    name: str
    args: dict[str, Any]
    tries: int


class Listed(NamedTuple):
    """A job as a person sees it. `at`: when it is due (waiting) or was given up (failed); None: at once, or now."""

    id: int
    name: str
    state: str
    tries: int
    at: int | None
    error: str | None
    args: dict[str, Any]


def add_job(tx: Connection, name: str, args: Mapping[str, object], lock: str | None, run_at: int | None) -> None:
    """Add one, unless one waits under the same word."""
    row = {
        "id": new_id(),
        "name": name,
        "args": json.dumps(args),
        "lock": lock,
        "state": "waiting",
        "run_at": run_at,
        "tries": 0,
        "fence": 0,
        "added_at": database_now(),
    }
    statement = upsert(tx, job).values(row)
    tx.execute(statement.on_conflict_do_nothing(index_elements=["lock"], index_where=_waiting))


def any_due(tx: Connection, now: int, names: Sequence[str]) -> bool:
    return tx.execute(select(j.id).where(_due(now, names)).limit(1)).first() is not None


def take_job(tx: Connection, now: int, names: Sequence[str]) -> Taken | None:
    """The oldest job that is due, for this worker alone until its lease ends. A name that we do not know stays."""
    oldest = select(j.id).where(_due(now, names)).order_by(j.added_at, j.id).limit(1)
    taken = (
        update(job)
        .where(j.id.in_(oldest.scalar_subquery()))
        .values(state="running", fence=j.fence + 1, lease_until=database_now() + LEASE_MS)
        .returning(j.id, j.fence, j.name, j.args, j.tries)
    )
    row = tx.execute(taken).first()
    return Taken(row.id, row.fence, row.name, json.loads(row.args), row.tries) if row else None


def _due(now: int, names: Sequence[str]) -> Any:
    return _waiting & or_(j.run_at.is_(None), j.run_at <= now) & j.name.in_(names)


def _held(job_id: int, fence: int) -> Any:
    return (j.id == job_id) & (j.fence == fence) & (j.state == "running")


def keep_job(tx: Connection, job_id: int, fence: int) -> None:
    """Its worker lives: the lease begins anew."""
    tx.execute(update(job).where(_held(job_id, fence)).values(lease_until=database_now() + LEASE_MS))


def finish_job(tx: Connection, job_id: int, fence: int) -> bool:
    return tx.execute(delete(job).where(_held(job_id, fence))).rowcount == 1


def put_back(tx: Connection, job_id: int, fence: int, run_at: int, error: str) -> bool:
    """It failed and is tried again at `run_at`; its word is free, so that what happens meanwhile need not wait."""
    again = {"state": "waiting", "tries": j.tries + 1, "run_at": run_at, "error": error, "lock": None}
    return tx.execute(update(job).where(_held(job_id, fence)).values(again)).rowcount == 1


def give_up(tx: Connection, job_id: int, fence: int, now: int, error: str) -> bool:
    ended = {"state": "failed", "tries": j.tries + 1, "ended_at": now, "error": error}
    return tx.execute(update(job).where(_held(job_id, fence)).values(ended)).rowcount == 1


def any_running(tx: Connection) -> bool:
    return tx.execute(select(j.id).where(j.state == "running").limit(1)).first() is not None


def abandoned(tx: Connection) -> list[Taken]:
    """Jobs whose lease ran out: their worker died, or sleeps."""
    rows = tx.execute(
        select(j.id, j.fence, j.name, j.args, j.tries)
        .where(j.state == "running", lease_is_over(j.lease_until, LEASE_MS))
        .with_for_update(skip_locked=True)
    )
    return [Taken(row.id, row.fence, row.name, json.loads(row.args), row.tries) for row in rows]


# --- those that were given up -------------------------------------------------------------------------------


def bury(
    tx: Connection, name: str, args: Mapping[str, object], lock: str | None, tries: int, now: int, error: str
) -> None:
    """Keep a job of another engine as given up."""
    row = {"id": new_id(), "name": name, "args": json.dumps(args), "lock": lock, "tries": tries, "error": error}
    tx.execute(insert(job).values(**row, state="failed", fence=0, added_at=database_now(), ended_at=now))


def take_up(tx: Connection, job_id: int) -> tuple[str, dict[str, Any], str | None] | None:
    """Take a job that was given up out of the table: its name, arguments and word; None when there is none."""
    gone = delete(job).where(j.id == job_id, j.state == "failed").returning(j.name, j.args, j.lock)
    row = tx.execute(gone).first()
    return (row.name, json.loads(row.args), row.lock) if row else None


def listed(tx: Connection, limit: int) -> list[Listed]:
    """The oldest first."""
    at = func.coalesce(j.ended_at, j.run_at)
    rows = tx.execute(
        select(j.id, j.name, j.state, j.tries, at, j.error, j.args).order_by(j.added_at, j.id).limit(limit)
    )
    return [Listed(*row[:6], json.loads(row[6])) for row in rows]


def count_jobs(tx: Connection) -> dict[str, int]:
    return {row[0]: row[1] for row in tx.execute(select(j.state, func.count()).group_by(j.state))}
