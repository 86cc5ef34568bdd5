"""The real thing: a worker whose clock is moved under its feet, on a machine set to any time zone."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from scheduler.worker import Worker
from service.clock import SystemClock
from service.config import Config
from service.runtime import Runtime, build_runtime
from tests.clocks import JUMPS, MINUTE, Hands, closed, make_real, state_of, write_to
from tests.faults.supervisor import environment
from tests.loopback import LoopbackCarrier
from tests.people import TestClock
from tests.stories.test_recalls import check_promises, enrol

# --- moved in a process of its own --------------------------------------------------------------------------


MOVED_WORKER = """
import sys
import threading
from pathlib import Path
from scheduler.worker import Worker
from service.clock import SystemClock
from service.config import Config
from service.runtime import build_runtime

class MovedClock:
    def now(self):
        return SystemClock().now() + int(Path(sys.argv[1]).read_text() or 0)

Worker(build_runtime(Config.from_env(), at=MovedClock())).run()
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("jump", "database_url"),
    [("an hour back", "sqlite"), ("ninety days ahead", "postgresql"), ("1970", "sqlite")],
    indirect=["database_url"],
)
def test_a_running_worker_stops_within_seconds_and_goes_on(
    settings: Config, carrier: LoopbackCarrier, tmp_path: Path, jump: str
) -> None:
    """A process of its own with its threads; only what it reads as the wall's clock is moved."""
    runtime = build_runtime(settings, at=SystemClock())
    make_real(runtime)
    offset = tmp_path / "offset"
    offset.write_text("0")
    command = [sys.executable, "-c", MOVED_WORKER, str(offset)]
    worker = subprocess.Popen(command, env=environment(settings) | {"TZ": "Europe/Paris"})
    try:
        write_to(runtime, "first")
        wait_for(lambda: len(carrier.accepted) == 1)
        move(offset, JUMPS[jump] if jump != "1970" else 30_000 - runtime.now())
        began = time.monotonic()
        wait_for(lambda: closed(runtime) != [], 60)
        print(f"{jump}: shut after {time.monotonic() - began:.1f} s")
        write_to(runtime, "second")
        time.sleep(3)
        assert len(carrier.accepted) == 1
        assert state_of(runtime, "second") == "queued"
        move(offset, 0)
        wait_for(lambda: len(carrier.accepted) == 2)
        assert closed(runtime) == []
    finally:
        worker.terminate()
        worker.wait(20)
        runtime.database.close()


def move(offset: Path, milliseconds: int) -> None:
    """In one step: the worker never reads half a number."""
    other = offset.with_suffix(".new")
    other.write_text(str(milliseconds))
    other.replace(offset)


def wait_for(happened: Any, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def test_what_was_planned_by_a_clock_that_ran_ahead_is_due_at_once(runtime: Runtime) -> None:
    """And again, where the scheduler wrote it down only after somebody looked; what is soon due is left alone."""
    worker = Worker(runtime)
    ran, soon = threading.Event(), threading.Event()
    ahead = datetime.now(UTC) + timedelta(days=90)
    worker._every(60, "entry", ran.set, ahead)
    worker._every(60, "soon", soon.set, datetime.now(UTC) + timedelta(seconds=50))
    worker._scheduler.start()
    try:
        for _ in range(2):
            worker._tick_on()
            assert ran.wait(10)
            ran.clear()
            worker._scheduler.get_job("entry").modify(next_run_time=ahead)
        assert not soon.is_set()
    finally:
        worker._scheduler.shutdown()


# --- the machine's own time zone ----------------------------------------------------------------------------


@pytest.fixture
def host_zone(request: pytest.FixtureRequest) -> Iterator[str]:
    """The zone that the machine itself is set to: it must not matter."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = request.param
    time.tzset()
    yield request.param
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


AUTUMN, SPRING = ("2026-09-13", "2026-10-22"), ("2027-02-14", "2027-03-25")
"""A birth, and the first of the days around one on which Paris changes its clocks; elsewhere one of them is enough."""


WATCHED = {*range(1, 8), *range(15, 20), *range(32, 37)}
"""Half hours of a day: those in which clocks change, and those around each hour at which something leaves."""


@pytest.mark.parametrize(
    ("host_zone", "database_url", "born", "first"),
    [
        ("UTC", "sqlite", *AUTUMN),
        ("Europe/Paris", "sqlite", *AUTUMN),
        ("Europe/Paris", "sqlite", *SPRING),
        ("Europe/Paris", "postgresql", *AUTUMN),
        ("Europe/Paris", "postgresql", *SPRING),
        ("Asia/Tokyo", "sqlite", *SPRING),
    ],
    indirect=["host_zone", "database_url"],
)
def test_the_machines_zone_and_its_summer_time_do_not_matter(
    host_zone: str, runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, born: str, first: str
) -> None:
    """A server rented in Paris, families in Bamako, on both days on which Paris changes its clocks."""
    make_real(runtime)
    clock.set(f"{first}T00:00")
    hands = Hands(runtime, clock)
    enrol(runtime, clock, born=born)
    heard = []
    for half_hour in range(6 * 24 * 2):
        if half_hour % 48 not in WATCHED and half_hour % 4:
            hands.pass_time(30 * MINUTE)  # of the rest every second hour is enough
            continue
        before = len(carrier.accepted)
        hands.live(30 * MINUTE, 30 * MINUTE)
        heard += [f"{clock.here:%a %H:%M}"] * (len(carrier.accepted) - before)
    assert heard == ["Thu 09:00", "Sat 17:00", "Sun 08:30", "Tue 09:00"]
    assert closed(runtime) == []
    check_promises(runtime)
