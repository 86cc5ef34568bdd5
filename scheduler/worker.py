"""The worker process: a clock that calls the timetable, a lease that says who leads, and the demo's walking clock."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from datetime import time as hour
from functools import partial

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger
from sqlalchemy.exc import DBAPIError, TimeoutError

from scheduler.timetable import TIMETABLE, Entry, one_round
from service import jobs, logs
from service.clock import DemoClock, Watch
from service.config import Config
from service.domain import local_time
from service.logs import log
from service.readiness import WORKER_LEASE
from service.runtime import Runtime, build_runtime
from service.store import system_tables
from service.stories.delivery import brakes
from service.stories.keeping import clock_guard

LEASE_MS = 30_000
HEARTBEAT_S = 5
SLACK = timedelta(seconds=2)
DEMO_STOPS = (hour(9, 30), hour(17, 30))
"""While the demo's clock walks it looks in twice a day: after the morning steps and after the evening one."""


class Every(IntervalTrigger):  # type: ignore[misc]
    """So often. What was missed is made up for once; the library counts every time that was missed, one by one, which
    takes it for ever when a machine wakes in 1970 and its clock is set.
    """

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        due = now if previous_fire_time is None else previous_fire_time + self.interval
        return due if due > now else now + self.interval


class Worker:
    """Runs until told to stop. Any number of them may run: one leads (plans), all send."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        # In containers every worker may be number 1 of a machine of the same name: the dice tell them apart.
        self.name = f"{socket.gethostname()[:30]}:{os.getpid()}:{secrets.token_hex(4)}"
        self.jobs = jobs.carrier(runtime)
        self._leads_until = 0.0
        self.time_is_right = False  # until the clock was looked at
        self._watch = Watch()
        self._beating = threading.Lock()
        self._stop = threading.Event()
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(len(TIMETABLE) + jobs.AT_ONCE + 2)},
            # A tick that could not run on time runs once, when it can.
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )

    @property
    def leads(self) -> bool:
        """Only while the lease surely holds: a process that slept past its end leads no more, before anyone says so."""
        return time.monotonic() < self._leads_until

    def run(self) -> None:
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, self._end)
        self._beat()
        self._know_the_hours()
        soon = datetime.now(UTC) + timedelta(seconds=0.2)
        self._every(HEARTBEAT_S, "heartbeat", self._beat, soon)
        for entry in TIMETABLE:
            self._every(entry.every_s, entry.name, partial(self._tick, entry), soon)
        self._every(1, "carry out jobs", self.jobs.turn, soon, at_once=jobs.AT_ONCE)
        self._every(HEARTBEAT_S, "give back the jobs of the dead", self.jobs.keep, soon)
        if isinstance(self.runtime.clock, DemoClock):
            threading.Thread(target=self._walk, name="demo clock", daemon=True).start()
        self._scheduler.start()
        self.jobs.start()
        log.info("worker_started", worker=self.name)
        # With a time: a signal may be handed to another thread, and the main one, which must act on it, is not woken.
        while not self._stop.wait(1):
            self._tick_on()
        self.jobs.stop()
        self._scheduler.shutdown(wait=True)
        self._give_back()
        log.info("worker_stopped", worker=self.name)

    def _tick_on(self) -> None:
        """The scheduler waits for moments of the wall's clock: set back by an hour, it would do nothing for an hour.

        Asked of every entry, time and again: the scheduler may be at work on some while the clock is set, and write
        down what it worked out by the former one.
        """
        now = datetime.now(UTC)
        strayed = [one for one in self._scheduler.get_jobs() if one.next_run_time > now + one.trigger.interval + SLACK]
        if strayed:
            log.info("wall_clock_was_set", worker=self.name, entries=len(strayed))
        for one in strayed:
            one.modify(next_run_time=now)

    def _end(self, *_: object) -> None:
        self.runtime.stopping.set()
        self._stop.set()

    def _every(
        self, seconds: float, name: str, call: Callable[[], object], first: datetime, *, at_once: int = 1
    ) -> None:
        """Call it so often. An error is logged, and the next tick tries again."""

        def tick() -> None:
            try:
                call()
            except (DBAPIError, TimeoutError) as error:  # a line, not a page each second while it is away
                log.error("database_unavailable", entry=name, error=type(error).__name__)
            except Exception:
                log.exception("timetable_entry_failed", entry=name)

        every = Every(seconds=seconds, timezone=UTC)
        self._scheduler.add_job(tick, every, id=name, name=name, next_run_time=first, max_instances=at_once)

    def _tick(self, entry: Entry) -> None:
        if self._may_work(entry):
            entry.run(self.runtime)

    def _may_work(self, entry: Entry) -> bool:
        """Nothing is done by a clock that nobody looked at, or that was moved since."""
        if self._watch.has_moved(self.runtime.now()):
            self._beat()
        return self.time_is_right and (self.leads or not entry.leader_only)

    def _beat(self) -> None:
        asked, led, mine = time.monotonic(), self.leads, False
        try:
            with self._beating, self.runtime.database.begin() as tx:
                mine = system_tables.take_lease(tx, WORKER_LEASE, self.name, LEASE_MS)
                self.time_is_right = clock_guard.look(tx, self.runtime, self._watch) is None
        except DBAPIError as error:
            log.error("database_unavailable", entry="heartbeat", error=type(error).__name__)
        self._leads_until = asked + LEASE_MS / 1000 if mine else 0.0
        if mine != led:
            log.info("leads" if mine else "leads_no_more", worker=self.name)

    def _know_the_hours(self) -> None:
        try:
            brakes.know_the_hours(self.runtime)
        except DBAPIError as error:
            log.error("database_unavailable", entry="hours", error=type(error).__name__)

    def _give_back(self) -> None:
        """So that another leads at once, and not when the lease runs out."""
        with suppress(DBAPIError), self.runtime.database.begin() as tx:
            system_tables.give_lease_back(tx, WORKER_LEASE, self.name)

    def _walk(self) -> None:
        while not self._stop.wait(0.3):
            try:
                if self.leads:
                    walk_demo_clock(self.runtime)
            except Exception:
                log.exception("demo_clock_stumbled")


def walk_demo_clock(runtime: Runtime) -> None:
    """Bring the demo's clock to where its buttons want it, with a round at each stop on the way."""
    clock = runtime.clock
    assert isinstance(clock, DemoClock)
    target = clock.target()
    while clock.offset() < target:
        now = clock.now()
        step = min(_next_stop(runtime, now) - now, target - clock.offset())
        clock.move(clock.offset() + step)
        one_round(runtime)


def _next_stop(runtime: Runtime, now: int) -> int:
    """The next moment (UTC ms) at which the walking clock looks in."""
    here = runtime.local(now)
    for days in (0, 1):
        for stop in DEMO_STOPS:
            moment = local_time.instant(datetime.combine(here.date() + timedelta(days=days), stop), runtime.zone)
            if moment > now:
                return moment
    raise AssertionError("a day has a morning")


def main() -> None:
    """The process that `laseli worker` becomes: it has looked at settings and database, and said what is wrong."""
    settings = Config.from_env()
    logs.configure(settings.log_level)
    Worker(build_runtime(settings)).run()


if __name__ == "__main__":
    main()
