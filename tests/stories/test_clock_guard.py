"""A clock that jumps: nothing is sent, planned, expired or deleted by it, somebody is told, and it mends itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import delete, select, update

from scheduler.__main__ import main
from scheduler.timetable import TIMETABLE
from scheduler.worker import Worker
from service import readiness
from service.clock import FixedClock, SystemClock, Watch
from service.config import Config
from service.domain.clock_judgement import EARLIEST_MS, Doubt, Reading, judge
from service.runtime import Runtime, build_runtime
from service.store import system_tables
from service.store.conversation_tables import conversation
from service.store.message_tables import message
from service.store.system_tables import marker
from service.stories import clock_guard, dispatch_gate, outbox
from service.stories.outbox import Letter
from tests.faults.supervisor import environment
from tests.loopback import LoopbackCarrier
from tests.people import Handset, TestClock
from tests.stories.test_recalls import check_promises, enrol, messages

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
MOTHER = "+22370000001"
NOW = TestClock("2026-11-20T10:00").moment


# --- the judgement ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reading", "doubt"),
    [
        (Reading(NOW), None),
        (Reading(30_000), Doubt("back", EARLIEST_MS)),
        (Reading(NOW, NOW - 5000, NOW), None),
        (Reading(NOW, NOW + 4 * MINUTE), None),
        (Reading(NOW, NOW + 6 * MINUTE), Doubt("back", NOW + 6 * MINUTE)),
        (Reading(NOW, NOW - 23 * HOUR), None),
        (Reading(NOW, NOW - 25 * HOUR), Doubt("ahead", NOW - 25 * HOUR)),
        (Reading(NOW, NOW - HOUR, NOW - HOUR), Doubt("jump", NOW - HOUR)),
        (Reading(NOW, NOW - HOUR, NOW - 4 * MINUTE), None),
        (Reading(NOW, NOW - HOUR, None, None, NOW - MINUTE), Doubt("jump", NOW - HOUR)),
        (Reading(NOW, NOW - HOUR, None, None, NOW + 5 * HOUR), None),
        (Reading(NOW, NOW - 90 * DAY, None, NOW - MINUTE), None),
        (Reading(NOW, NOW - HOUR, NOW - HOUR, NOW), None),
        (Reading(NOW, NOW - HOUR, NOW, NOW - 10 * MINUTE), Doubt("witness", NOW - 10 * MINUTE)),
        (Reading(NOW, NOW + HOUR, None, NOW), Doubt("back", NOW + HOUR)),
    ],
)
def test_what_is_believed(reading: Reading, doubt: Doubt | None) -> None:
    assert judge(reading) == doubt


# --- a worker without its scheduler -------------------------------------------------------------------------


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


@pytest.fixture
def hands(runtime: Runtime, clock: TestClock) -> Hands:
    make_real(runtime)
    return Hands(runtime, clock)


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


JUMPS = {"an hour back": -HOUR, "ninety days ahead": 90 * DAY, "1970": -NOW + 30_000, "six hours ahead": 6 * HOUR}


def test_a_day_passes_and_nothing_is_doubted(hands: Hands) -> None:
    hands.live(26 * HOUR, 30 * MINUTE)
    assert closed(hands.runtime) == []
    with hands.runtime.database.read() as tx:
        assert clock_guard.highest(tx) == hands.clock.moment


@pytest.mark.parametrize("jump", JUMPS.values(), ids=JUMPS.keys())
def test_a_jump_stops_everything_and_is_told(hands: Hands, jump: int, carrier: LoopbackCarrier) -> None:
    runtime = hands.runtime
    hands.live(HOUR)
    write_to(runtime, "before")
    hands.jump(jump)
    hands.tick()
    assert state_of(runtime, "before") == "queued"
    assert carrier.accepted == []
    [detail] = closed(runtime)
    assert "laseli clock accept" in detail
    assert "2026-11-20" in detail
    assert f"{runtime.local(hands.clock.moment):%Y-%m-%d %H:%M}" in detail
    gate = readiness.readiness(runtime)["dispatch"]
    assert gate == {"ok": False, "closed": ["clock"], "remedy": detail}
    with runtime.database.read() as tx:
        assert system_tables.counters(tx)["clock_doubted"] == 1


@pytest.mark.parametrize("jump", JUMPS.values(), ids=JUMPS.keys())
def test_a_clock_that_comes_back_goes_on_by_itself(hands: Hands, jump: int, carrier: LoopbackCarrier) -> None:
    write_to(hands.runtime, "before")
    hands.jump(jump)
    hands.live(HOUR)
    assert carrier.accepted == []
    hands.jump(-jump)
    hands.beat_and_tick()
    assert [sms.text for sms in carrier.accepted] == ["before"]
    assert closed(hands.runtime) == []


def test_small_corrections_are_no_jump(hands: Hands, carrier: LoopbackCarrier) -> None:
    for correction in (2 * MINUTE, -2 * MINUTE, 4 * MINUTE, -3 * MINUTE):
        hands.jump(correction)
        hands.live(HOUR)
        assert closed(hands.runtime) == []
    write_to(hands.runtime, "k")
    hands.tick()
    assert len(carrier.accepted) == 1


def test_ninety_days_ahead_expire_and_delete_nothing(hands: Hands, handset: Handset, carrier: LoopbackCarrier) -> None:
    """What would be too late, or too old, by a wrong clock is gone for good."""
    runtime = hands.runtime
    handset.dial()
    write_to(runtime, "k")
    hands.jump(90 * DAY)
    hands.live(HOUR)
    assert state_of(runtime, "k") == "queued"
    with runtime.database.read() as tx:
        assert tx.execute(select(conversation.c.id)).first() is not None


def test_a_ladder_is_climbed_as_if_the_clock_had_never_jumped(hands: Hands, carrier: LoopbackCarrier) -> None:
    """It jumps by each of these, every night and every noon, and comes back: every step once, at its hour."""
    runtime, clock = hands.runtime, hands.clock
    assert isinstance(clock, TestClock)
    enrol(runtime, clock)
    heard, jumps = [], list(JUMPS.values())
    for half_day in range(2 * 19):
        for _ in range(4):
            before = len(carrier.accepted)
            hands.live(3 * HOUR, 3 * HOUR)
            heard += [f"{clock.here:%m-%d}"] * (len(carrier.accepted) - before)
        jump = jumps[half_day % len(jumps)]
        hands.jump(jump)
        before = len(carrier.accepted)
        hands.live(HOUR // 2, HOUR // 2)
        assert len(carrier.accepted) == before
        hands.jump(-jump)
    assert heard == ["11-20", "11-22", "11-23", "11-25", "11-30", "12-07"]
    assert len(messages(runtime)) == 6
    check_promises(runtime)
    with runtime.database.read() as tx:
        assert "recall_steps_passed_over" not in system_tables.counters(tx)


def test_at_two_in_the_night_a_clock_that_says_eight_wakes_nobody(hands: Hands, carrier: LoopbackCarrier) -> None:
    runtime, clock = hands.runtime, hands.clock
    assert isinstance(clock, TestClock)
    hands.live(9 * HOUR, HOUR)
    write_to(runtime, "recall", "reminder")
    hands.live(7 * HOUR, HOUR)
    assert f"{clock.here:%H:%M}" == "02:00"
    hands.jump(7 * HOUR)
    hands.live(4 * HOUR, HOUR)
    assert carrier.accepted == []
    hands.jump(-7 * HOUR)
    hands.live(2 * HOUR + 10 * MINUTE)
    assert len(carrier.accepted) == 1
    assert f"{clock.here:%a %H:%M}" == "Sat 08:10"


# --- a worker that is started again -------------------------------------------------------------------------


def test_starting_again_washes_no_jump_away(hands: Hands, carrier: LoopbackCarrier) -> None:
    """The new process has counted nothing itself; what the old one saw is kept."""
    write_to(hands.runtime, "k")
    hands.jump(6 * HOUR)
    hands.tick()
    hands.live(HOUR)
    again = Hands(hands.runtime, hands.clock)
    again.live(HOUR)
    assert carrier.accepted == []
    again.jump(-6 * HOUR)
    third = Hands(hands.runtime, hands.clock)
    third.tick()
    assert len(carrier.accepted) == 1


def test_a_machine_that_wakes_in_1970_waits_for_its_clock(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    make_real(runtime)
    write_to(runtime, "k")
    clock.moment = 30_000
    hands = Hands(runtime, clock)
    hands.live(HOUR)
    assert carrier.accepted == []
    assert "1970-01-01" in closed(runtime)[0]
    hands.jump(NOW)
    hands.beat_and_tick()
    assert len(carrier.accepted) == 1


@pytest.mark.parametrize("away", [DAY + HOUR, 3 * DAY, 40 * DAY])
def test_after_more_than_a_day_a_person_says_that_the_clock_is_right(
    hands: Hands, settings: Config, away: int, carrier: LoopbackCarrier
) -> None:
    runtime, clock = hands.runtime, hands.clock
    assert isinstance(clock, TestClock)
    enrol(runtime, clock)
    hands.tick()
    write_to(runtime, "short", useful=2 * HOUR)
    with runtime.database.begin() as tx:
        tx.execute(update(message).where(message.c.key == "short").values(not_before=clock.moment + HOUR))
    before = len(carrier.accepted)
    clock.moment += away
    again = Hands(runtime, clock)
    again.live(HOUR)
    assert len(carrier.accepted) == before
    assert state_of(runtime, "short") == "queued"
    with runtime.database.begin() as tx:
        clock_guard.accept(tx, "Fanta", clock.moment)
    again.live(HOUR)
    assert closed(runtime) == []
    assert state_of(runtime, "short") == "expired"
    check_promises(runtime)


def test_a_few_hours_away_need_nobody(hands: Hands, carrier: LoopbackCarrier) -> None:
    write_to(hands.runtime, "k")
    hands.clock.moment += 23 * HOUR
    Hands(hands.runtime, hands.clock).tick()
    assert len(carrier.accepted) == 1


def test_a_person_is_believed_by_a_worker_that_counted_otherwise(hands: Hands, carrier: LoopbackCarrier) -> None:
    """The machine had the wrong time when it was started; somebody has set it right, six hours on."""
    write_to(hands.runtime, "k")
    hands.jump(6 * HOUR)
    hands.tick()
    assert carrier.accepted == []
    with hands.runtime.database.begin() as tx:
        clock_guard.accept(tx, "Fanta", hands.clock.moment)
    hands.tick()
    assert len(carrier.accepted) == 1
    hands.live(2 * HOUR)
    assert closed(hands.runtime) == []


# --- where it is off, and where there are several -----------------------------------------------------------


def test_in_a_rehearsal_time_is_moved_on_purpose(runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier) -> None:
    hands = Hands(runtime, clock)
    for jump in (90 * DAY, -HOUR):
        hands.jump(jump)
        hands.tick()
        assert closed(runtime) == []
    write_to(runtime, "k")
    hands.tick()
    assert len(carrier.accepted) == 1


@pytest.fixture
def on_postgresql(runtime: Runtime) -> None:
    if runtime.database.is_sqlite:
        pytest.skip("SQLite is on one machine")


def test_one_machine_with_a_wrong_clock_holds_all(
    hands: Hands, settings: Config, on_postgresql: None, monkeypatch: pytest.MonkeyPatch, carrier: LoopbackCarrier
) -> None:
    monkeypatch.setattr(clock_guard.socket, "gethostname", lambda: "wrong")
    other = FixedClock(hands.clock.moment + 90 * DAY)
    ahead = build_runtime(settings, at=other)
    bad = Hands(ahead, other)
    monkeypatch.setattr(clock_guard.socket, "gethostname", lambda: "right")
    write_to(hands.runtime, "k")
    hands._beat()
    hands.tick()
    assert carrier.accepted == []
    assert "wrong" in closed(hands.runtime)[0]
    age_doubts(hands.runtime, 4 * MINUTE)
    hands.beat_and_tick()
    assert carrier.accepted == []
    age_doubts(hands.runtime, 2 * MINUTE)  # the other machine was switched off
    hands.beat_and_tick()
    assert len(carrier.accepted) == 1
    ahead.database.close()
    del bad


def age_doubts(runtime: Runtime, milliseconds: int) -> None:
    """As if so much time had passed on the database's clock since a machine told of its doubt."""
    with runtime.database.begin() as tx:
        for name, written in system_tables.marks(tx, clock_guard.DOUBT).items():
            told = json.loads(written)
            system_tables.mark(tx, name, json.dumps(told | {"told_at": told["told_at"] - milliseconds}))


def test_the_database_s_clock_is_a_witness(
    settings: Config, on_postgresql: None, runtime: Runtime, carrier: LoopbackCarrier
) -> None:
    make_real(runtime)
    with runtime.database.read() as tx:
        true = system_tables.database_time(tx)
    seen = build_runtime(settings.model_copy(update={"clock_witness": True}), at=FixedClock(true))
    clock = seen.clock
    assert isinstance(clock, FixedClock)
    hands = Hands(seen, clock)
    assert closed(seen) == []
    with seen.database.begin() as tx:  # away for ninety days; both clocks say so
        system_tables.mark(tx, clock_guard.HIGHEST, str(true - 90 * DAY))
    Hands(seen, clock)
    assert closed(seen) == []
    hands.jump(10 * MINUTE)
    hands.tick()
    assert "the database's machine says" in closed(seen)[0]
    seen.database.close()


# --- commands -----------------------------------------------------------------------------------------------


@pytest.fixture
def as_set(settings: Config, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in environment(settings).items():
        if name.startswith("LASELI_"):
            monkeypatch.setenv(name, value)
    return


def test_the_commands_of_the_clock(runtime: Runtime, as_set: None) -> None:
    make_real(runtime)
    with runtime.database.begin() as tx:
        system_tables.mark(tx, clock_guard.HIGHEST, str(runtime.now() - 400 * DAY))
    run = CliRunner()
    refused = run.invoke(main, ["tick"])
    assert refused.exit_code == 1
    assert "laseli clock accept" in refused.output
    told = run.invoke(main, ["clock", "status"])
    assert "seen last:        2025-10-16 10:00:00" in told.output
    assert "but the worker last ran at 2025-10-16 10:00" in told.output
    assert "Accepted" in run.invoke(main, ["clock", "accept", "--by", "Fanta"]).output
    assert run.invoke(main, ["tick"]).exit_code == 0


# --- the real thing: a worker whose clock is moved under its feet -------------------------------------------

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
