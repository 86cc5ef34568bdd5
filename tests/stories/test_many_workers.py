"""Several planners and senders at once, some of them killed; and time that is moved, in a demo or a rehearsal only."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.engine import Connection

import scheduler.worker
from scheduler.worker import walk_demo_clock
from service.clock import DAY_MS, DEMO_MARK, DemoClock
from service.config import Config
from service.runtime import Runtime, build_runtime
from service.store import recall_tables, system_tables
from service.store.care_tables import appointment
from service.store.message_tables import message, send_attempt
from service.store.recall_tables import message_appointment
from service.stories.delivery import dispatcher, outbox
from service.stories.delivery.outbox import Letter
from service.stories.homes import families
from service.stories.recall import recall_day, recalls
from service.stories.talk import opt_outs
from tests.conftest import a_config
from tests.cover import command
from tests.loopback import LoopbackCarrier
from tests.people import TestClock
from tests.stories.test_recalls import MOTHER, check_promises, enrol, give, messages, plans

HOUSEHOLDS = 40


@pytest.fixture
def another(settings: Config, clock: TestClock) -> Iterator[Callable[[], Runtime]]:
    """One more process, as far as the database can tell: its own runtime, connections and locks."""
    opened: list[Runtime] = []

    def build() -> Runtime:
        opened.append(build_runtime(settings, at=clock))
        return opened[-1]

    yield build
    for one in opened:
        one.database.close()


@pytest.fixture
def short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recalls, "PAGE", 7)


def enrol_many(runtime: Runtime, clock: TestClock) -> None:
    """Households of one or two children, every one with a step due today."""
    for place in range(HOUSEHOLDS):
        for born in ("2026-06-20", "2026-05-20")[: 1 + place % 2]:
            enrol(runtime, clock, number=f"+223700200{place:02d}", born=born, last_visit="none")


def all_at_once(calls: list[Callable[[], Any]]) -> list[Any]:
    ready = threading.Barrier(len(calls))

    def go(call: Callable[[], Any]) -> Any:
        ready.wait(10)
        return call()

    with ThreadPoolExecutor(len(calls)) as threads:
        running: list[Future[Any]] = [threads.submit(go, call) for call in calls]
        return [one.result(60) for one in running]


def due_left(runtime: Runtime) -> int:
    with runtime.database.read() as tx:
        waiting = appointment.c.next_step_on <= runtime.today(runtime.now())
        return int(tx.execute(select(func.count()).select_from(appointment).where(waiting)).scalar_one())


def links(runtime: Runtime) -> int:
    with runtime.database.read() as tx:
        return int(tx.execute(select(func.count()).select_from(message_appointment)).scalar_one())


# --- planners -----------------------------------------------------------------------------------------------


def test_three_planners_at_once_write_each_message_once(
    runtime: Runtime, clock: TestClock, another: Callable[[], Runtime], short_pages: None
) -> None:
    enrol_many(runtime, clock)
    planners = [another() for _ in range(3)]
    for _ in range(3):
        queued = all_at_once([lambda one=one: recalls.queue_recalls(one) for one in planners])
    assert sum(queued) == 0
    assert due_left(runtime) == 0
    assert len(messages(runtime)) == HOUSEHOLDS
    assert links(runtime) == HOUSEHOLDS + HOUSEHOLDS // 2


class Killed(BaseException):
    """What a killed process never sees itself."""


def test_a_planner_killed_in_the_middle_of_a_page_leaves_nothing_behind(
    runtime: Runtime, clock: TestClock, short_pages: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol_many(runtime, clock)
    tell, pages = recall_tables.tell, [2]

    def killed_on_the_way(*args: Any) -> None:
        """The messages of the page are in the queue, and it is not noted yet of what they tell."""
        pages[0] -= 1
        if pages[0] < 0:
            raise Killed
        tell(*args)

    monkeypatch.setattr(recall_tables, "tell", killed_on_the_way)
    with pytest.raises(Killed):
        recalls.queue_recalls(runtime)
    assert len(messages(runtime)) == 14, "two whole pages, and nothing of the third"
    check_promises(runtime)
    monkeypatch.setattr(recall_tables, "tell", tell)
    assert recalls.queue_recalls(runtime) == HOUSEHOLDS - 14
    assert len(messages(runtime)) == HOUSEHOLDS
    assert due_left(runtime) == 0


def while_planning(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch, what: Callable[[], object]
) -> Callable[[], object]:
    """Plan, and let another process do `what` between the planner's reading and its writing, as far as it can."""
    put_many = recall_day.put_many
    threads = ThreadPoolExecutor(1)
    begun: list[Future[object]] = []

    def slowly(tx: Connection, now: int, letters: list[Letter]) -> dict[str, int]:
        if not begun:
            begun.append(threads.submit(what))
            wait(begun, 0.7)  # or it waits for us: so it should
        return put_many(tx, now, letters)

    monkeypatch.setattr(recall_day, "put_many", slowly)
    recalls.queue_recalls(runtime)
    try:
        return begun[0].result(20)  # type: ignore[return-value]
    finally:
        threads.shutdown()


def test_a_child_stopped_while_the_planner_reads_is_never_recalled(
    runtime: Runtime,
    clock: TestClock,
    another: Callable[[], Runtime],
    monkeypatch: pytest.MonkeyPatch,
    carrier: LoopbackCarrier,
) -> None:
    one = enrol(runtime, clock)
    elsewhere = another()

    def stop_it() -> None:
        with elsewhere.database.begin() as tx:
            families.stop_child(tx, elsewhere, one.child_id, clock.now())

    while_planning(runtime, monkeypatch, stop_it)
    for _ in range(20):
        recalls.queue_recalls(runtime)
        dispatcher.send_due(runtime)
        clock.advance(days=1)
    assert carrier.accepted == []
    assert plans(runtime, one) == {}
    with runtime.database.read() as tx:
        assert list(tx.execute(select(appointment.c.id).where(appointment.c.next_step_on.is_not(None)))) == []


def test_a_dose_recorded_while_the_planner_reads_neither_waits_for_ever_nor_is_lost(
    runtime: Runtime,
    clock: TestClock,
    another: Callable[[], Runtime],
    monkeypatch: pytest.MonkeyPatch,
    carrier: LoopbackCarrier,
) -> None:
    """A deadlock would make the database throw one of the two away."""
    one = enrol(runtime, clock, born="2026-06-20", last_visit="none")
    elsewhere = another()
    while_planning(runtime, monkeypatch, lambda: give(elsewhere, clock, one, "PENTA", "OPV", "PCV", "ROTA", "BCG"))
    dispatcher.send_due(runtime)
    with runtime.database.read() as tx:
        stale = list(
            tx.execute(
                select(message.c.state)
                .join(message_appointment, message_appointment.c.message_id == message.c.id)
                .join(appointment, appointment.c.id == message_appointment.c.appointment_id)
                .where(appointment.c.state == "closed", message.c.state != "cancelled")
            )
        )
    assert stale == [], "a message about doses that were given"


def test_an_enrolment_does_not_wait_for_a_planner(
    runtime: Runtime, clock: TestClock, another: Callable[[], Runtime], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A keystroke has seconds; on PostgreSQL a second child of the household is written beside the planner."""
    if runtime.database.is_sqlite:
        pytest.skip("SQLite has one writer at a time: the page is short instead")
    enrol(runtime, clock)
    elsewhere = another()
    put_many, threads, waited = recall_day.put_many, ThreadPoolExecutor(1), []

    def meanwhile(tx: Connection, now: int, letters: list[Letter]) -> dict[str, int]:
        if not waited:
            enrolling = threads.submit(enrol, elsewhere, clock, born="2026-06-20")
            waited.append(not wait([enrolling], 2).done)
        return put_many(tx, now, letters)

    monkeypatch.setattr(recall_day, "put_many", meanwhile)
    recalls.queue_recalls(runtime)
    threads.shutdown()
    assert waited == [False]


# --- senders ------------------------------------------------------------------------------------------------


def test_two_senders_send_each_message_once(
    runtime: Runtime, clock: TestClock, another: Callable[[], Runtime], carrier: LoopbackCarrier
) -> None:
    enrol_many(runtime, clock)
    recalls.queue_recalls(runtime)
    calls = all_at_once([lambda one=one: dispatcher.send_due(one) for one in (another(), another())])
    assert sum(calls) == HOUSEHOLDS
    assert len({sms.to for sms in carrier.accepted}) == len(carrier.accepted) == HOUSEHOLDS
    check_promises(runtime)


@pytest.mark.parametrize("pause", [0.0, 0.01, 0.03, 0.06])
def test_nothing_is_claimed_after_the_stop(
    runtime: Runtime, clock: TestClock, another: Callable[[], Runtime], carrier: LoopbackCarrier, pause: float
) -> None:
    with runtime.database.begin() as tx:
        letters = [
            Letter(
                to=MOTHER,
                text="Laseli",
                key=f"k{number}",
                purpose="reminder",
                klass="must-arrive",
                not_before=clock.now(),
                useful_until=clock.now() + DAY_MS,
            )
            for number in range(60)
        ]
        outbox.put_many(tx, clock.now(), letters)
    senders = [another(), another()]
    claimed: list[int] = []

    def stop() -> None:
        threading.Event().wait(pause)
        with runtime.database.begin() as tx:
            opt_outs.stop(tx, runtime, MOTHER, "test", clock.now())
        with runtime.database.read() as tx:
            claimed.append(int(tx.execute(select(func.count()).select_from(send_attempt)).scalar_one()))

    all_at_once([lambda one=one: dispatcher.send_due(one) for one in senders] + [stop])
    with runtime.database.read() as tx:
        calls = int(tx.execute(select(func.count()).select_from(send_attempt)).scalar_one())
    assert calls == claimed[0], "claimed after the STOP was on disk"
    assert len(carrier.accepted) == calls
    assert {one.state for one in messages(runtime)} <= {"accepted", "suppressed"}


# --- time that is moved -------------------------------------------------------------------------------------


def contents(runtime: Runtime) -> list[Any]:
    with runtime.database.read() as tx:
        tables = (appointment, message, message_appointment, send_attempt, system_tables.counter)
        return [sorted(map(tuple, tx.execute(select(table)))) for table in tables]


def test_a_dry_run_says_how_many_and_changes_nothing(settings: Config, runtime: Runtime, clock: TestClock) -> None:
    enrol_many(runtime, clock)
    before = contents(runtime)
    done = command(settings, "tick", "--dry-run", "--at", "2026-11-20T10:00")
    assert json.loads(done.output) == {"would_plan": HOUSEHOLDS, "sent": 0}
    done = command(settings, "tick", "--dry-run", "--at", "2026-11-19T10:00")
    assert json.loads(done.output) == {"would_plan": 0, "sent": 0}
    assert contents(runtime) == before
    assert recalls.queue_recalls(runtime) == HOUSEHOLDS


def test_time_is_moved_in_a_rehearsal_and_nowhere_else(settings: Config, runtime: Runtime, clock: TestClock) -> None:
    enrol(runtime, clock)
    with runtime.database.begin() as tx:
        system_tables.drop_marks(tx, "rehearsal")
    before = contents(runtime)
    refused = command(settings, "tick", "--at", "2026-11-23T09:30")
    assert refused.exit_code == 1
    assert "neither a demo nor a rehearsal" in refused.output
    assert command(settings, "tick", "--at", "next Monday").exit_code == 2
    assert json.loads(command(settings, "tick", "--dry-run", "--at", "2026-11-23T09:30").output)["would_plan"] == 1
    assert contents(runtime) == before
    with runtime.database.begin() as tx:
        system_tables.mark(tx, "rehearsal", "time may be moved")
    done = command(settings, "tick", "--at", "2026-11-23T09:30")
    assert json.loads(done.output)["planned"] == 1


@pytest.fixture
def demo(database_url: str) -> Iterator[Runtime]:
    built = build_runtime(a_config(database_url, demo_secret="s" * 32))
    with built.database.begin() as tx:
        system_tables.mark(tx, DEMO_MARK, "invented families")
    yield built
    built.database.close()


def test_the_demo_clock_looks_in_at_every_stop_and_never_goes_back(
    demo: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = demo.clock
    assert isinstance(clock, DemoClock)
    looks = [clock.now()]
    monkeypatch.setattr(scheduler.worker, "one_round", lambda runtime: looks.append(runtime.now()))
    wanted = clock.now() + 7 * DAY_MS
    assert clock.ask_for(7 * DAY_MS) == 7 * DAY_MS
    walk_demo_clock(demo)
    assert looks == sorted(looks)
    assert abs(clock.now() - wanted) < 10_000
    first, last = demo.today(looks[0]), demo.today(looks[-1])
    skipped = [first + timedelta(days) for days in range(1, (last - first).days)]
    for day in skipped:
        hours = [f"{demo.local(look):%H:%M}" for look in looks if demo.today(look) == day]
        assert hours == ["09:30", "17:30"], day
    walk_demo_clock(demo)
    assert len(looks) == len([look for look in looks if look <= clock.now()]), "a second walk goes nowhere"


def test_a_reader_of_the_demo_clock_does_not_bring_back_the_time_before_the_walk(
    demo: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sender reads the offset while the walk moves it: what it read is old by the time it is kept."""
    clock = demo.clock
    assert isinstance(clock, DemoClock)
    offset = clock.offset

    def read_slowly() -> int:
        found = offset()
        monkeypatch.setattr(clock, "offset", offset)
        clock.move(DAY_MS)
        return found

    before = clock.now()
    clock._read_at = -1.0
    monkeypatch.setattr(clock, "offset", read_slowly)
    clock.now()
    assert clock.now() >= before + DAY_MS
