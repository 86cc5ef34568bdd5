"""A mediator at the door: what she finds has its consequence at once, and a person can put it right."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from scheduler.timetable import one_round
from service.domain.visit_rules import Status
from service.runtime import Runtime
from service.store import mediator_tables, people_tables, phone_tables, place_tables, task_tables
from service.store.care_tables import appointment
from service.store.people_tables import Child, household
from service.store.visit_tables import visit
from service.stories.recall import centre_calendar
from service.stories.staff.mediator_doses import Refused
from tests.cover import rows_of
from tests.mediators import KADIA, Account, an_account
from tests.people import Days, Handset, TestClock
from tests.visits import FATOU, MOTHER, enrol, lines, listed, now_of, open_of, statuses, told_by, visited, zone_id


def test_a_child_that_moved_is_the_other_mediators(
    runtime: Runtime, clock: TestClock, account: Account, days: Days
) -> None:
    an_account(runtime, FATOU, ("Badialan 1",))
    one, stays = enrol(runtime, clock), enrol(runtime, clock, born="2026-09-21")
    visited(runtime, one, "moved", "Badialan 1")
    moved = now_of(runtime, one)
    assert (moved.zone_id, moved.status) == (zone_id(runtime, "Badialan 1"), "followed")
    with runtime.database.read() as tx:
        [task] = task_tables.tasks(tx)
        assert (task.kind, task.zone, task.number) == ("moved", "Badialan 1", MOTHER)
        place = place_tables.place_of_zone(tx, moved.zone_id or 0)
        assert place is not None
        assert moved.centre_id == place.centre_id
    assert now_of(runtime, stays).zone_id == zone_id(runtime, "Darsalam")
    assert not _is_served(runtime, account, moved)
    days.until("2027-01-10")
    assert moved.code not in listed(runtime)
    assert moved.code in listed(runtime, "Badialan 1")
    [row] = rows_of(runtime, visit)
    assert (row.zone_id, row.moved_to) == (zone_id(runtime, "Darsalam"), zone_id(runtime, "Badialan 1"))


def _is_served(runtime: Runtime, account: Account, one: Child) -> bool:
    with runtime.database.read() as tx:
        return mediator_tables.child_of_id(tx, account.id, one.id) is not None


def test_a_child_that_moved_to_a_place_we_do_not_know_is_the_supervisors(
    runtime: Runtime, clock: TestClock, account: Account, days: Days
) -> None:
    one = enrol(runtime, clock)
    visited(runtime, one, "moved")
    assert now_of(runtime, one).status == "stopped"
    assert lines(runtime) == [("moved_away", None)]
    assert told_by(days, "2027-01-10") == []
    assert listed(runtime) == []


def test_a_family_that_refuses_is_left_in_peace_until_it_asks_again(
    handset: Handset, runtime: Runtime, clock: TestClock, account: Account, days: Days
) -> None:
    one = enrol(runtime, clock)
    visited(runtime, one, "refused")
    assert lines(runtime) == [("visit_refused", None)]
    assert open_of(runtime, one), "it is followed on: what is given at the centre is written down"
    assert told_by(days, "2026-12-20") == []
    assert listed(runtime) == []
    visited(runtime, one, "hospital")
    assert now_of(runtime, one).quiet_why == "refused", "no hospital gives back what a family refused"
    handset.write("START")
    assert now_of(runtime, one).quiet_why is None
    one_round(runtime)
    assert told_by(days, "2027-01-20"), "what is still useful is told"


def test_a_refusal_for_one_child_leaves_the_others_their_reminders(
    runtime: Runtime, clock: TestClock, account: Account, days: Days
) -> None:
    one, sister = enrol(runtime, clock), enrol(runtime, clock, born="2026-09-21")
    visited(runtime, one, "refused")
    assert told_by(days, "2027-01-10")
    assert listed(runtime) == [sister.code]
    with runtime.database.read() as tx:
        told = {
            row.child_id
            for row in tx.execute(select(appointment.c.child_id).where(appointment.c.last_step.is_not(None)))
        }
    assert told == {sister.id}


def test_reminders_pause_while_a_child_is_in_hospital(
    runtime: Runtime, clock: TestClock, account: Account, days: Days
) -> None:
    one = enrol(runtime, clock)
    visited(runtime, one, "hospital")
    until = runtime.today(clock.now()) + timedelta(14)
    assert now_of(runtime, one).quiet_until == until
    assert told_by(days, "2026-12-03") == []
    assert listed(runtime) == []
    assert told_by(days, "2027-01-20") or listed(runtime) == [one.code], "then what is still useful goes on"
    visited(runtime, one, "hospital")
    visited(runtime, one, "seen")
    assert now_of(runtime, one).quiet_why is None, "who was seen at home is in hospital no longer"


def test_a_wrong_number_gets_nothing_more_and_the_child_stays_on_the_list(
    handset: Handset, runtime: Runtime, clock: TestClock, account: Account, days: Days
) -> None:
    one = enrol(runtime, clock)
    visited(runtime, one, "wrong_number")
    assert lines(runtime) == [("wrong_number", None)]
    assert [row.preferred_phone_id for row in rows_of(runtime, household)] == [None]
    with runtime.database.read() as tx:
        found = phone_tables.find_phone(tx, MOTHER)
        assert found is None or people_tables.children_on_phone(tx, found.id) == []
    assert told_by(days, "2027-01-10") == []
    assert listed(runtime) == [one.code]


def test_a_child_that_was_seen_is_not_listed_for_a_week(
    runtime: Runtime, clock: TestClock, account: Account, days: Days
) -> None:
    one = enrol(runtime, clock)
    days.until("2027-01-10")
    assert listed(runtime) == [one.code]
    visited(runtime, one, "seen")
    assert listed(runtime) == []
    clock.advance(days=6)
    assert listed(runtime) == []
    clock.advance(days=1)
    assert listed(runtime) == [one.code]


def test_no_pardon_is_asked_about_a_child_of_whom_nothing_is_said(
    runtime: Runtime, clock: TestClock, account: Account, days: Days
) -> None:
    """The centre cancels the day that was told before the family refused."""
    one = enrol(runtime, clock)
    days.until("2026-11-20")
    visited(runtime, one, "refused")
    told = [row for row in rows_of(runtime, appointment) if row.child_id == one.id and row.last_step]
    for row in told:
        day = row.meets_on or row.anchor_on
        if day >= runtime.today(clock.now()):
            said = centre_calendar.Said("Fatou", "grève")
            centre_calendar.cancel_day(runtime, "ASACODAR", day, said)
    assert told_by(days, "2026-12-10") == []


def test_the_same_visit_twice_is_one_and_another_day_is_another(
    runtime: Runtime, clock: TestClock, account: Account
) -> None:
    one = enrol(runtime, clock)
    for _ in range(2):
        visited(runtime, one, "seen")
    assert statuses(runtime) == ["seen"]
    visited(runtime, one, "seen", day=runtime.today(clock.now()) - timedelta(1))
    visited(runtime, one, "refused")
    assert statuses(runtime) == ["refused", "seen", "seen"]


@pytest.mark.parametrize(
    ("status", "shift", "phrase"),
    [("seen", 1, "future"), ("seen", -400, "before_birth"), ("moved", 0, "visit_same_zone")],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    runtime: Runtime, clock: TestClock, account: Account, status: Status, shift: int, phrase: str
) -> None:
    one = enrol(runtime, clock)
    day = runtime.today(clock.now()) + timedelta(shift)
    with pytest.raises(Refused) as refused:
        visited(runtime, one, status, "Darsalam" if status == "moved" else "", day=day)
    assert refused.value.phrase == phrase
    assert rows_of(runtime, visit) == []
    assert now_of(runtime, one) == one


def test_of_two_mediators_at_once_the_second_looks_anew(runtime: Runtime, clock: TestClock, account: Account) -> None:
    """One says that the child died, the other that it moved: whoever comes second finds no child to visit."""
    an_account(runtime, FATOU)
    one = enrol(runtime, clock)
    refused: list[str] = []

    def says(status: Status, by: str, zone: str) -> None:
        try:
            visited(runtime, one, status, zone, by)
        except Refused as reason:
            refused.append(reason.phrase)

    both = [("dead", KADIA, ""), ("moved", FATOU, "")]
    threads = [threading.Thread(target=says, args=each) for each in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refused == ["no_child"]
    assert len(rows_of(runtime, visit)) == 1
    assert now_of(runtime, one).status == "stopped"


def test_two_mediators_who_saw_the_same_child_are_both_written_down(
    runtime: Runtime, clock: TestClock, account: Account
) -> None:
    an_account(runtime, FATOU)
    one = enrol(runtime, clock)
    threads = [threading.Thread(target=visited, args=(runtime, one, "seen", "", by)) for by in (KADIA, FATOU)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses(runtime) == ["seen", "seen"]
