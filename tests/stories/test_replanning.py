"""What changes while a message waits: a dose, a stop, a second child, and the same thing asked twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from scheduler.timetable import one_round
from service.runtime import Runtime
from service.store.care_tables import appointment
from service.store.message_tables import message, send_attempt
from service.store.people_tables import child
from service.store.recall_tables import message_appointment
from service.stories.delivery import dispatcher
from service.stories.homes import families
from service.stories.homes.families import Enrolled
from service.stories.recall import recalls
from service.stories.talk import opt_outs
from tests.loopback import LoopbackCarrier
from tests.people import Days, TestClock
from tests.stories.test_recalls import (
    MOTHER,
    check_promises,
    enrol,
    give,
    messages,
    on_days,
    plans,
    steps_told,
)

W6 = ("PENTA", "OPV", "PCV", "ROTA")


def stop_child(runtime: Runtime, clock: TestClock, one: Enrolled) -> None:
    with runtime.database.begin() as tx:
        families.stop_child(tx, runtime, one.child_id, clock.now())


def stop(runtime: Runtime, clock: TestClock, number: str = MOTHER) -> None:
    with runtime.database.begin() as tx:
        opt_outs.stop(tx, runtime, number, "test", clock.now())


def start(runtime: Runtime, clock: TestClock, number: str = MOTHER) -> None:
    with runtime.database.begin() as tx:
        opt_outs.start(tx, runtime, number, clock.now())


def replan(runtime: Runtime, clock: TestClock, one: Enrolled) -> None:
    with runtime.database.begin() as tx:
        recalls.replan(tx, runtime, one.child_id, clock.now())


def everything(runtime: Runtime) -> tuple[list[Any], list[Any], list[Any]]:
    with runtime.database.read() as tx:
        tables = (appointment, message_appointment, message)
        return tuple(sorted(map(tuple, tx.execute(select(table)))) for table in tables)  # type: ignore[return-value]


# --- the plan -----------------------------------------------------------------------------------------------


def test_planning_again_changes_nothing(runtime: Runtime, clock: TestClock, days: Days) -> None:
    one = enrol(runtime, clock)
    days.until("2026-11-22")
    clock.set("2026-11-23T06:00")
    recalls.queue_recalls(runtime)
    before = everything(runtime)
    for _ in range(3):
        replan(runtime, clock, one)
        recalls.queue_recalls(runtime)
    assert everything(runtime) == before


def test_a_contact_given_in_part_is_not_told_of_again_the_same_evening(
    runtime: Runtime, clock: TestClock, days: Days
) -> None:
    """The centre had no PCV on that day: the family has just been there, and hears again on the seventh day."""
    one = enrol(runtime, clock)
    days.until("2026-11-24")
    clock.set("2026-11-25T09:30")
    one_round(runtime)
    clock.set("2026-11-25T12:00")
    give(runtime, clock, one, "PENTA", "OPV", "ROTA")
    assert plans(runtime, one)["PCV1"] == "2026-11-23"
    assert on_days(days.until("2026-12-01")) == ["11-30"]


# --- a message that waits -----------------------------------------------------------------------------------


def test_one_child_of_two_is_stopped_while_the_message_waits(runtime: Runtime, clock: TestClock, days: Days) -> None:
    first = enrol(runtime, clock)
    second = enrol(runtime, clock, born="2026-10-13")
    days.until("2026-11-22")
    clock.set("2026-11-23T06:00")
    assert recalls.queue_recalls(runtime) == 1
    stop_child(runtime, clock, first)
    sent = days.until("2026-12-09")
    assert on_days(sent) == ["11-23", "11-24", "11-26", "12-01", "12-08"]
    assert all("24/11" in text for _, text in sent[:2])
    assert all("23/11" not in text for _, text in sent)
    assert plans(runtime, first) == {}
    assert plans(runtime, second)


def test_a_message_taken_up_again_keeps_its_key_and_fence_and_begins_its_tries_anew(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    first = enrol(runtime, clock, born="2026-06-20", last_visit="none")
    second = enrol(runtime, clock, born="2026-05-20", last_visit="none")
    recalls.queue_recalls(runtime)
    (old,) = messages(runtime)
    carrier.next("429", times=3)
    for _ in range(3):
        dispatcher.send_due(runtime)
        clock.advance(minutes=16)
    assert (messages(runtime)[0].state, messages(runtime)[0].attempts) == ("queued", 3)
    stop_child(runtime, clock, first)
    assert messages(runtime)[0].state == "cancelled"
    recalls.queue_recalls(runtime)
    (new,) = messages(runtime)
    assert (new.id, new.key, new.state) == (old.id, old.key, "queued")
    assert new.attempts == 0, "it is another message: it has all its tries"
    assert new.fence == 3, "a call of the old one that ends late is still refused"
    assert dispatcher.send_due(runtime) == 1
    assert messages(runtime)[0].state == "accepted"
    assert steps_told(runtime, first) == []
    assert steps_told(runtime, second) == [("J", "accepted")]


def test_a_message_that_may_have_left_is_never_called_cancelled(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    """It waits to be sent once more after a cut connection; then the sibling is told in a message of another day."""
    first = enrol(runtime, clock, born="2026-06-20", last_visit="none")
    second = enrol(runtime, clock, born="2026-05-20", last_visit="none")
    carrier.next("drop")
    one_round(runtime)
    clock.advance(hours=6, minutes=1)
    dispatcher.look_after(runtime)
    assert (messages(runtime)[0].state, messages(runtime)[0].resends) == ("queued", 1)
    stop_child(runtime, clock, first)
    assert messages(runtime)[0].state == "unresolved"
    one_round(runtime)
    assert len(carrier.accepted) == 1, "one message on one day"
    assert steps_told(runtime, second) == [("J", "unresolved")]


def test_who_is_stopped_while_nobody_knows_whether_it_left_is_not_written_to_again(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, days: Days
) -> None:
    """A death may be behind the stop: the second try of a cut call must not follow it."""
    one = enrol(runtime, clock, born="2026-06-20", last_visit="none")
    carrier.next("drop")
    one_round(runtime)
    assert messages(runtime)[0].state == "unknown"
    stop_child(runtime, clock, one)
    days.until("2026-11-22")
    assert len(carrier.accepted) == 1


def test_who_is_stopped_during_the_call_is_not_tried_again(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, days: Days
) -> None:
    one = enrol(runtime, clock, born="2026-06-20", last_visit="none")
    recalls.queue_recalls(runtime)
    carrier.next("429")
    original = runtime.routes[0].send

    def stopped_meanwhile(outgoing: Any) -> Any:
        stop_child(runtime, clock, one)
        return original(outgoing)

    runtime.routes[0].send = stopped_meanwhile  # type: ignore[method-assign]
    dispatcher.send_due(runtime)
    runtime.routes[0].send = original  # type: ignore[method-assign]
    days.until("2026-11-22")
    assert carrier.accepted == []


def test_who_is_stopped_while_a_try_waits_hears_nothing(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, days: Days
) -> None:
    one = enrol(runtime, clock)
    carrier.next("429")
    one_round(runtime)
    stop_child(runtime, clock, one)
    days.until("2026-11-22")
    assert carrier.accepted == []


def test_stop_between_planning_and_sending(runtime: Runtime, clock: TestClock, days: Days) -> None:
    one = enrol(runtime, clock)
    recalls.queue_recalls(runtime)
    stop(runtime, clock)
    assert messages(runtime)[0].state == "suppressed"
    assert days.until("2026-11-24") == []
    start(runtime, clock)
    start(runtime, clock)
    assert on_days(days.until("2026-12-08")) == ["11-25", "11-30", "12-07"]
    assert steps_told(runtime, one)[0] == ("J-3", "suppressed")


def test_stop_while_a_planner_has_not_committed_yet(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planner asked before the STOP and wrote after it: the claim asks again."""
    enrol(runtime, clock)
    monkeypatch.setattr("service.store.recall_tables.who_refused", lambda tx, numbers: set())
    stop(runtime, clock)
    assert recalls.queue_recalls(runtime) == 1
    assert dispatcher.send_due(runtime) == 0
    assert carrier.accepted == []


# --- anything in any order ----------------------------------------------------------------------------------

AGES = (3, 39, 41, 42, 67, 160, 275)
OPERATIONS = st.one_of(
    st.tuples(st.just("enrol"), st.sampled_from(AGES)),
    st.tuples(st.just("dose"), st.integers(0, 3)),
    st.tuples(st.just("part"), st.integers(0, 3)),
    st.tuples(st.just("stop_child"), st.integers(0, 3)),
    st.tuples(st.sampled_from(["stop", "start", "plan", "busy"]), st.just(0)),
    st.tuples(st.just("later"), st.sampled_from((1, 5, 13, 24, 59))),
)


class Household:
    """One telephone, its children, and what hypothesis makes happen to them."""

    def __init__(self, runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, number: str) -> None:
        self.runtime, self.clock, self.carrier, self.number = runtime, clock, carrier, number
        self.children: list[Enrolled] = []

    def do(self, name: str, value: int) -> None:
        what: Callable[[int], object] = getattr(self, name)
        what(value)

    def enrol(self, age: int) -> None:
        born = date.fromordinal(self.clock.here.toordinal() - age).isoformat()
        last = "birth" if age < 60 else "none"
        self.children.append(enrol(self.runtime, self.clock, number=self.number, born=born, last_visit=last))

    def _with(self, place: int, act: Callable[[Enrolled], object]) -> None:
        if self.children:
            act(self.children[place % len(self.children)])

    def dose(self, place: int) -> None:
        self._with(place, lambda one: give(self.runtime, self.clock, one, "BCG", *W6, "IPV"))

    def part(self, place: int) -> None:
        self._with(place, lambda one: give(self.runtime, self.clock, one, "PENTA"))

    def stop_child(self, place: int) -> None:
        self._with(place, lambda one: stop_child(self.runtime, self.clock, one))

    def stop(self, _: int) -> None:
        stop(self.runtime, self.clock, self.number)

    def start(self, _: int) -> None:
        start(self.runtime, self.clock, self.number)

    def plan(self, _: int) -> None:
        recalls.queue_recalls(self.runtime)

    def busy(self, _: int) -> None:
        self.carrier.next("429")

    def later(self, hours: int) -> None:
        self.clock.advance(hours=hours)
        one_round(self.runtime)

    def leave(self) -> None:
        with self.runtime.database.begin() as tx:
            tx.execute(update(appointment).values(state="closed", next_step=None, next_step_on=None))
            tx.execute(update(message).where(message.c.state == "queued").values(state="expired"))


def called_after_the_stop(runtime: Runtime) -> list[Any]:
    with runtime.database.read() as tx:
        rows = tx.execute(
            select(send_attempt.c.id)
            .join(message_appointment, message_appointment.c.message_id == send_attempt.c.message_id)
            .join(appointment, appointment.c.id == message_appointment.c.appointment_id)
            .join(child, child.c.person_id == appointment.c.child_id)
            .where(child.c.status == "stopped", send_attempt.c.at > child.c.stopped_at)
        )
        return list(rows)


def test_whatever_happens_in_whatever_order(runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier) -> None:
    numbers = (f"+223700100{place:02d}" for place in range(1, 99))

    @settings(max_examples=20, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(OPERATIONS, min_size=4, max_size=14))
    def live(operations: list[tuple[str, int]]) -> None:
        home = Household(runtime, clock, carrier, next(numbers))
        home.enrol(39)
        for name, value in operations:
            home.do(name, value)
        home.later(24)
        check_promises(runtime)
        assert called_after_the_stop(runtime) == []
        home.leave()
        clock.set(f"{clock.here:%Y-%m-%d}T10:00")
        clock.advance(days=1)

    live()
