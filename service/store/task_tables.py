"""The mediators' to-do list: visits asked for, forms left unfinished, referrals. What is written there is sealed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import Column, Date, Index, String, Table, func, select, update
from sqlalchemy.engine import Connection

from service.store import columns
from service.store.columns import Instant, Sealed, id_column, metadata, new_id, reference, upsert, wrote
from service.store.phone_tables import phone
from service.store.place_tables import zone

task = Table(
    "task",
    metadata,
    id_column(),
    Column("key", String(120), nullable=False, unique=True),  # the same reason makes one task, however often it is told
    Column("kind", String(24), nullable=False),  # unfinished, ramed_visit, muac_referral, wrong_family, complaint ...
    reference("zone_id", "zone.id", nullable=True),
    reference("phone_id", "phone.id", nullable=True, index=True),
    reference("person_id", "person.id", nullable=True, index=True),  # the child or the person it is about
    Column("details", Sealed("task.details")),  # what a mediator needs to know, as JSON of label and words
    Column("due_on", Date),
    Column("state", String(8), nullable=False),  # open, done, dropped
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, index=True),  # an unfinished form is kept 14 days, done or not
    Column("closed_at", Instant),
    Column("closed_by", String(60)),
)
Index("ix_task_state", task.c.state, task.c.created_at)


class Task(NamedTuple):
    """One line of the list. `number` is whom to call, None when nobody's; `details` is JSON."""

    id: int
    kind: str
    zone: str | None
    number: str | None
    person_id: int | None
    details: str | None
    due_on: object
    state: str
    created_at: int


def add_task(tx: Connection, now: int, *, key: str, kind: str, **values: object) -> bool:
    """Put a line on the list; False when this very reason is on it, or was, already."""
    row = {"id": new_id(), "key": key, "kind": kind, "state": "open", "created_at": now, **values}
    return wrote(tx, upsert(tx, task).values(**row).on_conflict_do_nothing())


def tasks(tx: Connection, *, state: str = "open", limit: int = 200) -> list[Task]:
    """The list, oldest first."""
    rows = tx.execute(
        select(
            task.c.id,
            task.c.kind,
            zone.c.name,
            phone.c.number,
            task.c.person_id,
            task.c.details,
            task.c.due_on,
            task.c.state,
            task.c.created_at,
        )
        .outerjoin(zone, zone.c.id == task.c.zone_id)
        .outerjoin(phone, phone.c.id == task.c.phone_id)
        .where(task.c.state == state)
        .order_by(task.c.created_at, task.c.id)
        .limit(limit)
    )
    return [Task._make(row) for row in rows]


def close_task(tx: Connection, task_id: int, state: str, by: str, now: int) -> bool:
    """Take a line off the list; False when it was not open."""
    which = (task.c.id == task_id) & (task.c.state == "open")
    return tx.execute(update(task).where(which).values(state=state, closed_by=by, closed_at=now)).rowcount > 0


def close_task_of(tx: Connection, key: str, state: str, by: str, now: int) -> bool:
    """The same by the reason that put it there."""
    which = (task.c.key == key) & (task.c.state == "open")
    return tx.execute(update(task).where(which).values(state=state, closed_by=by, closed_at=now)).rowcount > 0


def close_tasks_of_phone(tx: Connection, kind: str, phone_id: int, state: str, by: str, now: int) -> int:
    """The same of every open line of this kind about this phone; gives how many."""
    which = (task.c.kind == kind) & (task.c.phone_id == phone_id) & (task.c.state == "open")
    return tx.execute(update(task).where(which).values(state=state, closed_by=by, closed_at=now)).rowcount


def close_tasks_of_person(
    tx: Connection, person_id: int, state: str, by: str, now: int, *, kinds: Iterable[str] = (), but: Iterable[str] = ()
) -> int:
    """The same of every open line about this person, or of these kinds, but those kinds; gives how many."""
    which = (task.c.person_id == person_id) & (task.c.state == "open") & task.c.kind.not_in(list(but))
    if kinds:
        which &= task.c.kind.in_(list(kinds))
    return tx.execute(update(task).where(which).values(state=state, closed_by=by, closed_at=now)).rowcount


def open_task_of_phone(tx: Connection, kind: str, phone_id: int) -> str | None:
    """The key of the oldest open task of this kind about this phone."""
    which = (task.c.kind == kind) & (task.c.phone_id == phone_id) & (task.c.state == "open")
    return tx.execute(select(task.c.key).where(which).order_by(task.c.created_at).limit(1)).scalar_one_or_none()


def is_open_since(tx: Connection, kind: str, phone_id: int, since: int) -> bool:
    """Whether a line of this kind about this phone was put on the list since then, and still stands there."""
    which = (task.c.kind == kind) & (task.c.phone_id == phone_id) & (task.c.state == "open")
    return tx.execute(select(task.c.id).where(which, task.c.created_at > since).limit(1)).first() is not None


def count_of_phone(tx: Connection, kind: str, phone_id: int, since: int) -> int:
    """How many lines of this kind about this phone were put on the list since then."""
    which = (task.c.kind == kind) & (task.c.phone_id == phone_id) & (task.c.created_at > since)
    return int(tx.execute(select(func.count()).where(which)).scalar_one())


def count_open_tasks(tx: Connection) -> int:
    return int(tx.execute(select(func.count()).where(task.c.state == "open")).scalar_one())


def ids_starting_with(tx: Connection, digits: str) -> list[int]:
    """A few of the ids that begin with these digits, as staff type them."""
    return columns.ids_starting_with(tx, task.c.id, digits)
