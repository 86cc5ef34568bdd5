"""A worker for tests whose clock is moved by hand, and what it does meanwhile."""

from __future__ import annotations

from functools import partial

from sqlalchemy import delete, select

from scheduler.timetable import TIMETABLE
from scheduler.worker import Worker
from service.clock import FixedClock, Watch
from service.runtime import Runtime
from service.store.message_tables import message
from service.store.system_tables import marker
from service.stories.delivery import dispatch_gate, outbox
from service.stories.delivery.outbox import Letter
from tests.people import TestClock

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
MOTHER = "+22370000001"
NOW = TestClock("2026-11-20T10:00").moment
JUMPS = {"an hour back": -HOUR, "ninety days ahead": 90 * DAY, "1970": -NOW + 30_000, "six hours ahead": 6 * HOUR}


class Hands(Worker):
    """The worker's own heartbeat and entries, called by hand; time passes for its counter too, unless it jumps."""

    def __init__(self, runtime: Runtime, clock: FixedClock) -> None:
        super().__init__(runtime)
        self.clock, self.counted = clock, 0
        self._watch = Watch(lambda: self.counted)
        self.ticks = [partial(self._tick, entry) for entry in TIMETABLE]
        self._beat()

    def pass_time(self, milliseconds: int) -> None:
        self.clock.moment += milliseconds
        self.counted += milliseconds

    def jump(self, milliseconds: int) -> None:
        self.clock.moment += milliseconds

    def tick(self) -> None:
        """Every entry, at a moment when the next heartbeat is still to come."""
        for tick in self.ticks:
            tick()

    def beat_and_tick(self) -> None:
        self._beat()
        self.tick()

    def live(self, milliseconds: int, step: int = 10 * MINUTE) -> None:
        for _ in range(milliseconds // step):
            self.pass_time(step)
            self.tick()
            self._beat()


def make_real(runtime: Runtime) -> None:
    """Take the mark of rehearsals away: this database is a ministry's."""
    with runtime.database.begin() as tx:
        tx.execute(delete(marker).where(marker.c.name == "rehearsal"))


def closed(runtime: Runtime) -> list[str]:
    with runtime.database.read() as tx:
        return [one.detail for one in dispatch_gate.closed(tx)]


def write_to(runtime: Runtime, key: str, purpose: str = "reply", useful: int = 48 * HOUR) -> None:
    now = runtime.now()
    with runtime.database.begin() as tx:
        outbox.put(tx, now, Letter(MOTHER, key, key, purpose, "once", now, now + useful))


def state_of(runtime: Runtime, key: str) -> str:
    with runtime.database.read() as tx:
        return str(tx.execute(select(message.c.state).where(message.c.key == key)).scalar_one())
