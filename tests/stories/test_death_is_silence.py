"""A child died: nothing of any kind may reach its mother about that birth any more, nor send somebody to her door."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select

from service.config import Config
from service.runtime import Runtime
from service.store import child_states, people_tables, task_tables
from service.store.people_tables import Child, child
from service.stories.care import follow_ups, home_visits
from service.stories.delivery import dead_numbers, dispatcher
from service.stories.homes import child_tasks, families
from service.stories.recall import recalls, weekly_list
from tests.cover import rows_of
from tests.follow_ups import TODAY, WOMAN, born, digits, kept, lost, planned, pregnant, with_follow_ups
from tests.loopback import LoopbackCarrier
from tests.mediators import an_account
from tests.people import Days, TestClock
from tests.stories.test_recalls import enrol
from tests.stories.test_weekly_list import heard, until
from tests.visits import visited

OUMOU = "+22366000008"


@pytest.fixture
def settings(settings: Config) -> Config:
    return with_follow_ups(settings)


def the_child(runtime: Runtime, number: int = 0) -> Child:
    with runtime.database.begin() as tx:
        found = list(tx.execute(select(child.c.person_id).order_by(child.c.enrolled_at, child.c.person_id)).scalars())[
            number
        ]
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
    died = the_child(runtime)
    with runtime.database.begin() as tx:  # as a death stands that was noted before it ended the pregnancy too
        child_states.stop_following(tx, died.id, "dead", runtime.now())
        recalls.replan(tx, runtime, died.id, runtime.now())
    assert born(runtime, opened.code, date(2026, 11, 20)) == follow_ups.Born((), 1), "nor under a day beside it"
    assert [row.status for row in rows_of(runtime, child)] == ["stopped"]
    assert kept(runtime) == []
    assert days.until("2027-01-05") == []


def test_a_loss_closes_the_lines_that_ask_somebody_to_go_there(runtime: Runtime) -> None:
    """As a death noted at the door does."""
    opened = pregnant(runtime, week=38)
    born(runtime, opened.code, TODAY)
    newborn = the_child(runtime)
    with runtime.database.begin() as tx:
        child_tasks.put_on_list(tx, runtime.now(), "code_tries", newborn, key="a line")
    lost(runtime, opened.code, TODAY)
    assert lines_of(runtime) == []
    [row] = rows_of(runtime, child)
    assert row.stopped_why == "dead"


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


def test_another_mediators_list_does_not_send_her_to_a_child_that_died(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    """The Monday list waits while a death is noted: it is put again, with who is to be seen still."""
    one = enrol(runtime, clock)
    clock.advance(minutes=1)
    lives = enrol(runtime, clock, number="+22370000002")
    an_account(runtime)
    an_account(runtime, OUMOU)
    until(runtime, clock, "2026-12-14T07:31")
    assert weekly_list.queue_weekly_lists(runtime) == 2
    visited(runtime, the_child(runtime), "dead")
    dispatcher.send_due(runtime)
    [told] = heard(carrier, OUMOU)
    assert one.code not in told
    assert lives.code in told


def test_a_list_with_nobody_else_on_it_is_not_sent(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    enrol(runtime, clock)
    an_account(runtime)
    an_account(runtime, OUMOU)
    until(runtime, clock, "2026-12-14T07:31")
    weekly_list.queue_weekly_lists(runtime)
    visited(runtime, the_child(runtime), "dead")
    dispatcher.send_due(runtime)
    assert heard(carrier, OUMOU) == []


# --- whom the silence leaves alone ------------------------------------------------------------------------------


def test_the_twin_that_lives_is_told_of_on_and_so_are_the_weeks_after_the_birth(runtime: Runtime, days: Days) -> None:
    an_account(runtime)
    opened = pregnant(runtime, week=38)
    born(runtime, opened.code, TODAY, alive=2)
    visited(runtime, the_child(runtime), "dead")
    assert planned(runtime) != {}
    assert the_child(runtime, 1).quiet_why is None
    visited(runtime, the_child(runtime, 1), "dead")
    assert planned(runtime) == {}


def test_a_newborns_death_does_not_end_the_pregnancy_of_another_woman_on_the_phone(runtime: Runtime) -> None:
    an_account(runtime)
    first = pregnant(runtime, week=38)
    other = pregnant(runtime, week=30, another=True)
    born(runtime, first.code, TODAY)
    visited(runtime, the_child(runtime), "dead")
    assert [one.code for one in kept(runtime)] == [digits(other.code)]
    assert lines_of(runtime) == []


def test_where_nobody_noted_whose_birth_it_was_both_are_silent_and_a_person_looks(
    runtime: Runtime, clock: TestClock, days: Days
) -> None:
    an_account(runtime)
    pregnant(runtime, week=36)
    pregnant(runtime, week=37, another=True)
    enrol(runtime, clock, number=WOMAN, born="2026-11-19", last_visit="none")
    visited(runtime, the_child(runtime), "dead")
    assert kept(runtime) == []
    assert lines_of(runtime) == ["beside_doubt"]
    assert days.until("2027-01-05") == []


def test_an_older_childs_death_ends_no_pregnancy(runtime: Runtime, clock: TestClock) -> None:
    an_account(runtime)
    pregnant(runtime, week=19)
    enrol(runtime, clock, number=WOMAN, born="2025-11-19", last_visit="none")
    visited(runtime, the_child(runtime), "dead")
    assert len(kept(runtime)) == 1


# --- what may be the same child ---------------------------------------------------------------------------------


def test_what_may_be_the_same_child_is_held_until_the_supervisor_made_sure(runtime: Runtime, clock: TestClock) -> None:
    an_account(runtime)
    opened = pregnant(runtime, week=38)
    born(runtime, opened.code, date(2026, 11, 19))
    enrol(runtime, clock, number=WOMAN, born="2026-11-18", last_visit="none")
    visited(runtime, the_child(runtime), "dead")
    assert planned(runtime) == {}
    held = the_child(runtime, 1)
    assert (held.status, held.quiet_why) == ("followed", "doubt")
    visited(runtime, held, "hospital")
    visited(runtime, held, "refused")
    assert the_child(runtime, 1).quiet_why == "doubt", "no other silence, which ends by itself, takes its place"
    assert "birth_doubt" in lines_of(runtime)
    with runtime.database.begin() as tx:
        assert home_visits.resume(tx, runtime, held.code, "superviseur", runtime.now()) == "en silence dans le doute"
    assert the_child(runtime, 1).quiet_why is None
    assert "birth_doubt" not in lines_of(runtime)


def test_a_stillbirth_holds_the_child_that_the_family_enrolled(runtime: Runtime, clock: TestClock, days: Days) -> None:
    """No living child, says the midwife; the family's enrolment of these days says otherwise: a person looks."""
    opened = pregnant(runtime, week=38)
    enrol(runtime, clock, number=WOMAN, born="2026-11-19", last_visit="none")
    born(runtime, opened.code, TODAY, alive=0)
    assert the_child(runtime).quiet_why == "doubt"
    assert lines_of(runtime) == ["birth_doubt"]
    assert days.until("2027-01-05") == []


def test_a_birth_of_two_of_whom_one_is_known_to_be_dead_follows_the_other(runtime: Runtime, clock: TestClock) -> None:
    opened = pregnant(runtime, week=38)
    enrol(runtime, clock, number=WOMAN, born="2026-11-19", last_visit="none")
    died = the_child(runtime)
    with runtime.database.begin() as tx:
        child_states.stop_following(tx, died.id, "dead", runtime.now())
    found = born(runtime, opened.code, date(2026, 11, 19), alive=2)
    assert (len(found.codes), found.known) == (1, 1)
    assert sorted(row.status for row in rows_of(runtime, child)) == ["followed", "stopped"]
    assert [one.kind for one in kept(runtime)] == ["postnatal"]


def lines_of(runtime: Runtime) -> list[str]:
    with runtime.database.read() as tx:
        return sorted(one.kind for one in task_tables.tasks(tx, state="open"))
