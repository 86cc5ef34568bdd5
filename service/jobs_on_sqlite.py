"""Coarse jobs on SQLite: taken from our own table by the worker's clock, each under a lease with a fence."""

from __future__ import annotations

from sqlalchemy.engine import Connection

from service import jobs
from service.runtime import Runtime
from service.store import job_tables
from service.store.job_tables import Taken
from service.store.system_tables import count


class SqliteCarrier:
    """What the clock calls: `turn` every second, on a few threads, and `keep` every five."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._held: dict[int, int] = {}  # id -> fence of the jobs that this process carries out now

    def start(self) -> None:
        """Nothing: the clock does it."""

    def stop(self) -> None:
        """Nothing: whoever stops the clock waits for its calls."""

    def turn(self) -> None:
        while not self._runtime.stopping.is_set():
            taken = self._take()
            if taken is None:
                return
            self._held[taken.id] = taken.fence
            try:
                self._note(taken, jobs.attempt(self._runtime, taken.name, taken.args))
            finally:
                del self._held[taken.id]

    def _take(self) -> Taken | None:
        database, now, names = self._runtime.database, self._runtime.now(), list(jobs.JOBS)
        with database.read() as tx:  # the usual case, every second: nothing waits, and nobody's writing is held up
            if not job_tables.any_due(tx, now, names):
                return None
        with database.begin() as tx:
            return job_tables.take_job(tx, now, names)

    def _note(self, taken: Taken, error: str | None) -> None:
        now = self._runtime.now()
        with self._runtime.database.begin() as tx:
            if error is not None:
                _failed(tx, taken, error, jobs.try_again_at(taken.tries + 1, now), now)
            elif job_tables.finish_job(tx, taken.id, taken.fence):
                count(tx, "jobs_done")

    def keep(self) -> None:
        database, now = self._runtime.database, self._runtime.now()
        with database.read() as tx:
            if not job_tables.any_running(tx):
                return
        with database.begin() as tx:
            for job_id, fence in list(self._held.items()):
                job_tables.keep_job(tx, job_id, fence)
            for dead in job_tables.abandoned(tx):
                count(tx, "jobs_given_back")
                at_once = now if jobs.try_again_at(dead.tries + 1, now) else None
                _failed(tx, dead, "its worker died", at_once, now)


def _failed(tx: Connection, taken: Taken, error: str, again_at: int | None, now: int) -> None:
    if again_at is not None:
        job_tables.put_back(tx, taken.id, taken.fence, again_at, error)
    elif job_tables.give_up(tx, taken.id, taken.fence, now, error):
        jobs.given_up(tx, taken.name, error)
