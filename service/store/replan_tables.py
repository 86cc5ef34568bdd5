"""Plans of all children made anew: how far each run is, so that it can be looked at, stopped, and gone on with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Column, Index, Integer, String, Table, func, insert, select, update
from sqlalchemy.engine import Connection

from service.store.columns import Id, Instant, id_column, metadata, new_id
from service.store.dialects import only_rows
from service.store.people_tables import CHILD_COLUMNS, Child, child, household, person

replan_run = Table(
    "replan_run",
    metadata,
    id_column(),
    Column("calendar", String(40), nullable=False),
    Column("calendar_version", String(20), nullable=False),
    Column("state", String(8), nullable=False),  # running, stopped, done
    Column("after_household", Id, nullable=False),  # everything up to it is done
    Column("children", Integer, nullable=False),  # of them so many, of those to do when it began
    Column("children_in_all", Integer, nullable=False),
    Column("changed", Integer, nullable=False),  # children some of whose appointments fell away
    Column("started_by", String(60), nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("moved_at", Instant, nullable=False),  # when its last page was done, or its state changed
)
r = replan_run.c
_is_open = r.state != "done"
Index("uq_replan_run_open", r.calendar, unique=True, **only_rows(_is_open))


class Run(NamedTuple):
    id: int
    calendar_version: str
    state: str
    after_household: int
    children: int
    children_in_all: int
    changed: int
    started_by: str
    started_at: int
    moved_at: int


_COLUMNS = tuple(r[name] for name in Run._fields)


def last_run(tx: Connection) -> Run | None:
    """The newest run, whatever became of it."""
    row = tx.execute(select(*_COLUMNS).order_by(r.started_at.desc(), r.id.desc()).limit(1)).one_or_none()
    return Run._make(row) if row else None


def open_run(tx: Connection) -> Run | None:
    """The one that is running or stopped; ours until the commit."""
    row = tx.execute(select(*_COLUMNS).where(_is_open).with_for_update()).one_or_none()
    return Run._make(row) if row else None


def add_run(tx: Connection, now: int, *, calendar: str, version: str, children: int, by: str) -> int:
    run_id = new_id()
    row = {
        "id": run_id,
        "calendar": calendar,
        "calendar_version": version,
        "state": "running",
        "after_household": 0,
        "children": 0,
        "children_in_all": children,
        "changed": 0,
        "started_by": by,
        "started_at": now,
        "moved_at": now,
    }
    tx.execute(insert(replan_run).values(row))
    return run_id


def set_state(tx: Connection, run_id: int, state: str, now: int) -> None:
    tx.execute(update(replan_run).where(r.id == run_id).values(state=state, moved_at=now))


def take_page(tx: Connection, run_id: int, after: int, until: int, now: int) -> bool:
    """Go on from `after` to `until`, unless the run was stopped or somebody else has gone on from there."""
    mine = (r.id == run_id) & (r.state == "running") & (r.after_household == after)
    return tx.execute(update(replan_run).where(mine).values(after_household=until, moved_at=now)).rowcount > 0


def add_done(tx: Connection, run_id: int, children: int, changed: int) -> None:
    done = {"children": r.children + children, "changed": r.changed + changed}
    tx.execute(update(replan_run).where(r.id == run_id).values(done))


# --- the families ---------------------------------------------------------------------------------------------


def households_after(tx: Connection, after: int, limit: int) -> list[int]:
    return list(
        tx.execute(select(household.c.id).where(household.c.id > after).order_by(household.c.id).limit(limit)).scalars()
    )


def followed_in(tx: Connection, homes: Sequence[int]) -> list[Child]:
    """The followed children of these households, a household's together."""
    which = child.c.household_id.in_(homes) & (child.c.status == "followed")
    rows = select(*CHILD_COLUMNS).join(person, person.c.id == child.c.person_id).where(which)
    return [Child._make(row) for row in tx.execute(rows.order_by(child.c.household_id, child.c.person_id))]


def set_calendar(tx: Connection, children: Sequence[int], calendar: str, version: str) -> None:
    """Their plans say what this version of the calendar says."""
    values = {"calendar": calendar, "calendar_version": version}
    tx.execute(update(child).where(child.c.person_id.in_(children)).values(values))


def planned_otherwise(tx: Connection, calendar: str, version: str) -> int:
    """How many followed children have a plan that another calendar, or another version of it, made."""
    other = (child.c.calendar != calendar) | (child.c.calendar_version != version)
    return int(tx.execute(select(func.count()).where(child.c.status == "followed", other)).scalar_one())
