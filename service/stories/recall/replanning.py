"""Every followed child planned anew, as after a new calendar: a job that shows its progress, and stops when told to.

It walks over the households in short transactions. Each page writes down how far it is in the same transaction, so a
killed worker, two workers, or a stop at any moment leave no child out and plan none twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.engine import Connection

from service import jobs
from service.runtime import Runtime
from service.store import centre_tables, people_tables, replan_tables
from service.store.replan_tables import Run
from service.stories.keeping import paged_work
from service.stories.keeping.paged_work import Page
from service.stories.recall import recalls

JOB = "replan"
MOST_HOUSEHOLDS = 100
"""In one transaction: a caller's keystroke waits for it on SQLite."""


class Refused(Exception):
    """It cannot be started, stopped or resumed now; the text says why."""


def start(runtime: Runtime, by: str) -> int:
    """Have every followed child planned anew by a worker; gives how many children that is."""
    now, calendar = runtime.now(), runtime.calendar
    if not by.strip():
        raise Refused("say who orders it, with --by NAME: it is written down")
    with runtime.database.begin() as tx:
        known = replan_tables.open_run(tx)
        if known is not None:
            raise Refused(f"one is {known.state} already: `laseli replan status` shows it")
        children = people_tables.count_followed(tx)
        run_id = replan_tables.add_run(
            tx, now, calendar=calendar.name, version=calendar.latest_source, children=children, by=by.strip()
        )
        jobs.later(tx, JOB, lock=JOB, run_id=run_id)
    return children


def stop(runtime: Runtime) -> Run:
    """Nothing more after the page at hand; what was planned anew stays so."""
    return _turn(runtime, "running", "stopped")


def resume(runtime: Runtime) -> Run:
    """Go on where it was stopped."""
    return _turn(runtime, "stopped", "running")


def _turn(runtime: Runtime, was: str, becomes: str) -> Run:
    with runtime.database.begin() as tx:
        found = replan_tables.open_run(tx)
        if found is None or found.state != was:
            raise Refused(f"none is {was}: it is {found.state}" if found else f"none is {was}")
        replan_tables.set_state(tx, found.id, becomes, runtime.now())
        if becomes == "running":
            jobs.later(tx, JOB, lock=JOB, run_id=found.id)
    return found._replace(state=becomes)


def status(runtime: Runtime) -> tuple[Run | None, int]:
    """The last run, and how many followed children have a plan of another calendar or version."""
    calendar = runtime.calendar
    with runtime.database.read() as tx:
        older = replan_tables.planned_otherwise(tx, calendar.name, calendar.latest_source)
        return replan_tables.last_run(tx), older


def carry_on(runtime: Runtime, run_id: int) -> None:
    """The job: page after page until all is done, it is stopped, or this worker is told to end."""
    with runtime.database.read() as tx:
        found = replan_tables.last_run(tx)
    if found is None or found.id != run_id or found.state != "running":
        return
    walk = _Walk(runtime, run_id, found.after_household)
    for page in paged_work.in_pages(runtime.database, walk.find, walk.act, found.after_household, most=MOST_HOUSEHOLDS):
        if walk.is_taken:
            return
        if page.place is not None and runtime.stopping.is_set():
            with runtime.database.begin() as tx:  # the next worker goes on
                jobs.later(tx, JOB, lock=JOB, run_id=run_id)
            return
    with runtime.database.begin() as tx:
        replan_tables.set_state(tx, run_id, "done", runtime.now())


class _Walk:
    """`is_taken`: the run was stopped, or another worker has gone on with it."""

    def __init__(self, runtime: Runtime, run_id: int, after: int) -> None:
        self.runtime, self.run_id, self.after = runtime, run_id, after
        self.is_taken = False

    def find(self, tx: Connection, after: int, limit: int) -> Page:
        if self.is_taken:
            return Page((), None)
        return paged_work.walked(replan_tables.households_after(tx, after, limit), limit)

    def act(self, tx: Connection, homes: Sequence[int]) -> int:
        now = self.runtime.now()
        if not replan_tables.take_page(tx, self.run_id, self.after, homes[-1], now):
            self.is_taken = True
            return 0
        children, changed = plan_page(tx, self.runtime, homes, now)
        replan_tables.add_done(tx, self.run_id, children, changed)
        self.after = homes[-1]
        return children


def plan_page(tx: Connection, runtime: Runtime, homes: Sequence[int], now: int) -> tuple[int, int]:
    """(children, of them changed) of these households, planned anew."""
    centre_tables.lock_households(tx, homes)
    children = replan_tables.followed_in(tx, homes)
    changed = recalls.replan_page(tx, runtime, children, now)
    ids = [one.id for one in children]
    replan_tables.set_calendar(tx, ids, runtime.calendar.name, runtime.calendar.latest_source)
    return len(children), changed


# --- only to know -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Foreseen:
    children: int
    changed: int


class _Undone(Exception):
    pass


def foresee(runtime: Runtime, progress: Callable[[int], None] = lambda children: None) -> Foreseen:
    """What `start` would come to; nothing is changed. `progress` hears how many children were looked at."""
    children = changed = after = 0
    while True:
        with runtime.database.read() as tx:
            homes = replan_tables.households_after(tx, after, paged_work.AT_LEAST)
        if not homes:
            return Foreseen(children, changed)
        try:
            with runtime.database.begin() as tx:
                some, otherwise = plan_page(tx, runtime, homes, runtime.now())
                raise _Undone
        except _Undone:
            children, changed, after = children + some, changed + otherwise, homes[-1]
        progress(children)
