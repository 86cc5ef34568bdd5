"""A coarse job for tests that writes down that it was done, and what is known of the jobs that wait."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import text

from service import jobs
from service.runtime import Runtime
from service.store import system_tables
from service.store.job_tables import Listed
from tests.people import TestClock

HOUR = 3_600_000
CANARY = "Zanzibar"


class Diary:
    """A job that writes down that it was done, and fails when told to."""

    def __init__(self) -> None:
        self.done: list[int] = []
        self.fails = 0
        self.meanwhile: Callable[[], None] = lambda: None

    def write(self, runtime: Runtime, page: int) -> None:
        self.meanwhile()
        if self.fails:
            self.fails -= 1
            raise RuntimeError(f"{CANARY} +22370000001 page {page}")
        self.done.append(page)


def add(runtime: Runtime, page: int, **how: Any) -> None:
    with runtime.database.begin() as tx:
        jobs.later(tx, "write", page=page, **how)


def listed(runtime: Runtime) -> list[Listed]:
    with runtime.database.read() as tx:
        return jobs.listed(tx)


def counted(runtime: Runtime) -> dict[str, int]:
    with runtime.database.read() as tx:
        return {name: value for name, value in system_tables.counters(tx).items() if name.startswith("jobs_")}


def an_hour_later(runtime: Runtime, clock: TestClock) -> None:
    """Whatever waits for its time waits no more; Procrastinate knows the server's clock only."""
    clock.advance(hours=1)
    if not runtime.database.is_sqlite:
        with runtime.database.begin() as tx:
            tx.execute(text("UPDATE procrastinate_jobs SET scheduled_at = scheduled_at - interval '1 hour'"))
