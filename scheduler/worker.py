"""The worker process: a clock that calls the timetable, a lease that says who leads, and the demo's walking clock."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy.exc import DBAPIError

from scheduler.timetable import TIMETABLE, Entry, one_round
from service.clock import DemoClock, Watch
from service.domain import local_time
from service.logs import log
from service.metrics import WORKER_LEASE
from service.runtime import Runtime
from service.store import system_tables
from service.stories import brakes, clock_guard

LEASE_MS = 30_000
HEARTBEAT_S = 5
DEMO_STOPS = (time(9, 30), time(17, 30))
"""While the demo's clock walks it looks in twice a day: after the morning steps and after the evening one."""


class Worker:
    """Runs until told to stop. Any number of them may run: one leads (plans), all send."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        self.leads = False
        self.time_is_right = False  # until the clock was looked at
        self._watch = Watch()
        self._beating = threading.Lock()
        self._stop = threading.Event()
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(len(TIMETABLE) + 2)},
            # A tick that could not run on time runs once, when it can.
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )

    def run(self) -> None:
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, self._end)
        self._beat()
        self._know_the_hours()
        soon = datetime.now(UTC) + timedelta(seconds=0.2)
        self._every(HEARTBEAT_S, "heartbeat", self._beat, soon)
        for entry in TIMETABLE:
            self._every(entry.every_s, entry.name, self._safely(entry), soon)
        if isinstance(self.runtime.clock, DemoClock):
            threading.Thread(target=self._walk, name="demo clock", daemon=True).start()
        self._scheduler.start()
        log.info("worker_started", worker=self.name)
        self._stop.wait()
        self._scheduler.shutdown(wait=True)
        self._give_back()
        log.info("worker_stopped", worker=self.name)

    def _end(self, *_: object) -> None:
        self.runtime.stopping.set()
        self._stop.set()

    def _every(self, seconds: float, name: str, call: Callable[[], None], first: datetime) -> None:
        self._scheduler.add_job(call, "interval", seconds=seconds, id=name, name=name, next_run_time=first)

    def _safely(self, entry: Entry) -> Callable[[], None]:
        """One entry of the timetable; an error is logged and the next tick tries again."""

        def tick() -> None:
            try:
                if not self._may_work(entry):
                    return
                entry.run(self.runtime)
            except DBAPIError as error:
                log.error("database_unavailable", entry=entry.name, error=type(error).__name__)
            except Exception:
                log.exception("timetable_entry_failed", entry=entry.name)

        return tick

    def _may_work(self, entry: Entry) -> bool:
        """Nothing is done by a clock that nobody looked at, or that was moved since."""
        if self._watch.has_moved(self.runtime.now()):
            self._beat()
        return self.time_is_right and (self.leads or not entry.leader_only)

    def _beat(self) -> None:
        try:
            with self._beating, self.runtime.database.begin() as tx:
                self.leads = system_tables.take_lease(tx, WORKER_LEASE, self.name, LEASE_MS)
                self.time_is_right = clock_guard.look(tx, self.runtime, self._watch) is None
        except DBAPIError as error:
            self.leads = False
            log.error("database_unavailable", entry="heartbeat", error=type(error).__name__)

    def _know_the_hours(self) -> None:
        try:
            brakes.know_the_hours(self.runtime)
        except DBAPIError as error:
            log.error("database_unavailable", entry="hours", error=type(error).__name__)

    def _give_back(self) -> None:
        with self.runtime.database.begin() as tx:
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
