"""What time it is, for the doors only: below them `now` and `today` are arguments."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from service.domain.clock_judgement import TOLERANCE_MS
from service.store.database import Database
from service.store.system_tables import mark, read_mark

DAY_MS = 86_400_000
DEMO_MARK = "demo"  # this database holds invented families: time may be moved
REHEARSAL_MARK = "rehearsal"  # and this one holds nobody real either
OFFSET, TARGET = "clock_offset_ms", "clock_target_ms"


class Clock(Protocol):
    def now(self) -> int:
        """This moment in UTC milliseconds since 1970."""


class SystemClock:
    def now(self) -> int:
        return time.time_ns() // 1_000_000


class DemoClock:
    """The system's clock plus an offset that web and worker read from the database, at most four times a second."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._offset, self._read_at = 0, -1.0

    def now(self) -> int:
        if time.monotonic() - self._read_at > 0.25:
            # It only goes forwards: what was read while somebody moved it is old.
            self._offset, self._read_at = max(self.offset(), self._offset), time.monotonic()
        return SystemClock().now() + self._offset

    def offset(self) -> int:
        with self._database.read() as tx:
            return int(read_mark(tx, OFFSET) or 0)

    def target(self) -> int:
        """The offset that somebody asked for; the worker walks there day by day."""
        with self._database.read() as tx:
            return int(read_mark(tx, TARGET) or 0)

    def move(self, offset: int) -> None:
        with self._database.begin() as tx:
            mark(tx, OFFSET, str(offset))
        self._offset = max(offset, self._offset)
        self.look_again()

    def look_again(self) -> None:
        """The next `now` reads the offset from the database, however lately it was read."""
        self._read_at = -1.0

    def ask_for(self, milliseconds: int) -> int:
        """Ask for time to go on by so much; gives the offset that the worker will reach."""
        with self._database.begin() as tx:
            target = max(int(read_mark(tx, TARGET) or 0), int(read_mark(tx, OFFSET) or 0)) + milliseconds
            mark(tx, TARGET, str(target))
        return target


class FixedClock:
    """A moment that stays: for `tick --at` and for tests, which may set `moment`."""

    def __init__(self, moment: int) -> None:
        self.moment = moment

    def now(self) -> int:
        return self.moment


class Watch:
    """What the time should be, by a counter that nobody can set, since a clock was believed last.

    `accepted` is the word of the person who confirmed the time last, as this process has heard it.
    """

    def __init__(self, counter: Callable[[], int] | None = None) -> None:
        self._counter = counter or _counted
        self._believed: tuple[int, int] | None = None
        self.accepted = ""

    def expected(self) -> int | None:
        """The time by the counter; None before a clock was believed."""
        if self._believed is None:
            return None
        now, counted = self._believed
        return now + self._counter() - counted

    def believe(self, now: int, accepted: str) -> None:
        self._believed, self.accepted = (now, self._counter()), accepted

    def forget(self) -> None:
        self._believed = None

    def has_moved(self, now: int, tolerance_ms: int = TOLERANCE_MS) -> bool:
        """The wall's clock and the counter no longer say the same: somebody should look."""
        expected = self.expected()
        return expected is None or abs(now - expected) > tolerance_ms


def _counted() -> int:
    """Milliseconds since the machine started, its sleep included where the system tells."""
    return time.clock_gettime_ns(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)) // 1_000_000


def is_demo(database: Database) -> bool:
    with database.read() as tx:
        return read_mark(tx, DEMO_MARK) is not None
