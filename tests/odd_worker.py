"""`python -m tests.odd_worker`: what the real command becomes, with shorter patience and a job that takes its time.

Set by the environment: ODD_LEASE_S (of the leader and of a job; a quarter of it between two signs of life) and
ODD_DIARY, a file to which the job and a leader-only entry of the timetable write a line when they begin and end.
"""

from __future__ import annotations

import os
import time
from dataclasses import replace

import scheduler.timetable
import scheduler.worker
from scheduler.timetable import Entry
from service import jobs
from service.runtime import Runtime
from service.store import job_tables, system_tables

DIARY = os.environ.get("ODD_DIARY", "")


def note(*words: object) -> None:
    """One line, whole, however many processes write: O_APPEND."""
    with open(DIARY, "a", encoding="utf-8") as file:
        file.write(" ".join(map(str, (time.monotonic(), os.getpid(), *words))) + "\n")


def sleep(runtime: Runtime, page: int, milliseconds: int) -> None:
    note("begins", page)
    time.sleep(milliseconds / 1000)
    with runtime.database.begin() as tx:
        system_tables.count(tx, f"slept_{page}")
    note("ends", page)


def lead(runtime: Runtime) -> None:
    """Leader-only work with an effect, which has no key that would forgive a second leader."""
    note("leads")
    with runtime.database.begin() as tx:
        system_tables.count(tx, "led")


def shorten(lease_s: float) -> None:
    scheduler.worker.LEASE_MS = job_tables.LEASE_MS = int(lease_s * 1000)
    scheduler.worker.HEARTBEAT_S = lease_s / 4  # type: ignore[assignment]
    if os.environ["LASELI_DATABASE_URL"].startswith("postgresql"):
        from service import jobs_on_postgresql

        jobs_on_postgresql.HEARTBEAT_S = lease_s / 4


def add_jobs() -> None:
    jobs.JOBS["sleep"] = sleep


if __name__ == "__main__":
    add_jobs()
    if DIARY:
        entries = [replace(entry, every_s=min(entry.every_s, 1)) for entry in scheduler.timetable.TIMETABLE]
        scheduler.worker.TIMETABLE = (*entries, Entry("lead", 0.2, lead, leader_only=True))
    if "ODD_LEASE_S" in os.environ:
        shorten(float(os.environ["ODD_LEASE_S"]))
    scheduler.worker.main()
