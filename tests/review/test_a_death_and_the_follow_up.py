"""A child died: nothing of any kind may reach its mother about that birth any more, nor send somebody to her door."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select

from service.config import Config
from service.runtime import Runtime
from service.store import people_tables, task_tables
from service.store.people_tables import Child, child
from service.stories import child_tasks, dead_numbers, dispatcher, families
from tests.cover import rows_of
from tests.follow_ups import TODAY, WOMAN, born, lost, planned, pregnant, with_follow_ups
from tests.loopback import LoopbackCarrier
from tests.mediators import an_account
from tests.people import Days, TestClock
from tests.stories.test_home_visits import visited
from tests.stories.test_recalls import enrol


@pytest.fixture
def settings(settings: Config) -> Config:
    return with_follow_ups(settings)


@pytest.fixture
def days(runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier) -> Days:
    return Days(runtime, clock, carrier)


def the_child(runtime: Runtime, number: int = 0) -> Child:
    with runtime.database.begin() as tx:
        found = list(tx.execute(select(child.c.person_id).order_by(child.c.enrolled_at)).scalars())[number]
        one = people_tables.find_child(tx, id=found)
    assert one is not None
    return one


def test_a_newborn_noted_dead_at_the_door_ends_the_weeks_after_the_birth(runtime: Runtime, days: Days) -> None:
    an_account(runtime)
    opened = pregnant(runtime, week=38)
    born(runtime, opened.code, TODAY)
    visited(runtime, the_child(runtime), "dead")
    assert days.until("2027-01-05") == []
    assert planned(runtime) == {}


def test_a_newborn_that_its_family_stopped_leaves_no_sms_about_the_birth(runtime: Runtime, days: Days) -> None:
    """No family is asked why: it may be a death."""
    opened = pregnant(runtime, week=38)
    born(runtime, opened.code, TODAY)
    newborn = the_child(runtime)
    with runtime.database.begin() as tx:
        families.stop_child(tx, runtime, newborn.id, runtime.now())
    assert days.until("2027-01-05") == []


def test_a_newborn_enrolled_by_its_family_and_dead_ends_the_pregnancy(
    runtime: Runtime, clock: TestClock, days: Days
) -> None:
    """Nobody noted the birth in the follow-up; the child was enrolled by call, and died."""
    an_account(runtime)
    pregnant(runtime, week=36)
    enrol(runtime, clock, number=WOMAN, born="2026-11-19", last_visit="none")
    visited(runtime, the_child(runtime), "dead")
    assert days.until("2027-01-05") == []


def test_a_birth_noted_late_does_not_follow_a_child_that_is_known_to_be_dead(
    runtime: Runtime, clock: TestClock, days: Days
) -> None:
    """The midwife types yesterday's birth from her register; the child died this morning, and that is on record."""
    an_account(runtime)
    opened = pregnant(runtime, week=38)
    enrol(runtime, clock, number=WOMAN, born="2026-11-19", last_visit="none")
    visited(runtime, the_child(runtime), "dead")
    born(runtime, opened.code, date(2026, 11, 19))
    assert [row.status for row in rows_of(runtime, child)] == ["stopped"]
    assert days.until("2027-01-05") == []


def test_a_loss_closes_the_lines_that_ask_somebody_to_go_there(runtime: Runtime) -> None:
    """As a death noted at the door does."""
    opened = pregnant(runtime, week=38)
    born(runtime, opened.code, TODAY)
    newborn = the_child(runtime)
    with runtime.database.begin() as tx:
        child_tasks.put_on_list(tx, runtime.now(), "code_tries", newborn, key="a line")
    lost(runtime, opened.code, TODAY)
    with runtime.database.read() as tx:
        assert [one.kind for one in task_tables.tasks(tx, state="open")] == []


def test_a_loss_stops_the_same_child_that_its_family_enrolled_under_another_day(
    runtime: Runtime, clock: TestClock, days: Days
) -> None:
    """The family enrolled it by call, a day off; docs/follow-ups.md says that it is registered twice then."""
    opened = pregnant(runtime, week=38)
    born(runtime, opened.code, date(2026, 11, 19))
    enrol(runtime, clock, number=WOMAN, born="2026-11-18", last_visit="none")
    lost(runtime, opened.code, TODAY)
    # Whoever decides it, nothing may go out before a person has said that the second one lives.
    assert days.until("2027-01-05") == []


def test_the_question_about_the_number_does_not_reach_a_family_whose_only_child_just_died(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    an_account(runtime)
    enrol(runtime, clock)
    clock.advance(days=181)
    assert dead_numbers.ask_after_silent_numbers(runtime) == 1
    visited(runtime, the_child(runtime), "dead")
    dispatcher.send_due(runtime)
    assert carrier.accepted == []
