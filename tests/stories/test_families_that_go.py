"""A child that grew up, left or was refused goes with its family; what reports count still adds up."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from service.runtime import Runtime
from service.store import family_changes, people_tables, phone_tables
from service.store.message_tables import message
from service.store.people_tables import child, household, person
from service.store.phone_tables import opt_out, phone
from service.store.tally_tables import care_tally
from service.store.task_tables import task
from service.stories.delivery import dispatcher
from service.stories.delivery.outbox import put
from service.stories.homes import memberships
from service.stories.homes.families import Enrolled, stop_child
from service.stories.keeping import erasure, retention
from service.stories.recall import recalls
from service.stories.talk import opt_outs
from tests.conftest import HOOK_SECRET
from tests.cover import everything, number_on, rows_of
from tests.loopback import LoopbackCarrier
from tests.people import Handset, TestClock
from tests.stories.test_feedback import ANSWER, complain
from tests.stories.test_feedback import answer as answer_feedback
from tests.stories.test_mutual import join
from tests.stories.test_recalls import MOTHER, NEIGHBOUR, enrol, give
from tests.years import counted, how_many, letter, years_later

# --- children -----------------------------------------------------------------------------------------------


def test_at_63_months_a_child_and_its_family_are_counts(runtime: Runtime, clock: TestClock) -> None:
    one = enrol(runtime, clock)
    clock.advance(weeks=2)
    give(runtime, clock, one, "PENTA", "OPV", "PCV", "ROTA")
    recalls.queue_recalls(runtime)
    dispatcher.send_due(runtime)
    years_later(clock, "2026-10-12")
    retention.purge(runtime)
    assert how_many(runtime, child) == 1
    before = counted(runtime, clock.now())
    clock.advance(days=1)
    done = retention.purge(runtime)
    assert done["grown_children"] == done["people"] == done["households"] == done["phones"] == 1
    for empty in (child, person, household, phone, message):
        assert how_many(runtime, empty) == 0, empty.name
    assert counted(runtime, clock.now()) == before
    measures = {row.measure: row.times for row in rows_of(runtime, care_tally)}
    assert measures["children"] == measures["dose:PENTA:1"] == 1
    assert {row.born_in for row in rows_of(runtime, care_tally)} == {2026}


def test_a_younger_sibling_keeps_the_family(runtime: Runtime, clock: TestClock) -> None:
    enrol(runtime, clock)
    clock.advance(days=200)
    enrol(runtime, clock, born="2027-05-01", last_visit="none")
    years_later(clock, "2026-10-12")
    clock.advance(days=1)
    assert retention.purge(runtime)["grown_children"] == 1
    assert how_many(runtime, child) == how_many(runtime, household) == how_many(runtime, phone) == 1
    with runtime.database.read() as tx:
        assert phone_tables.find_phone(tx, MOTHER)


def test_a_child_for_whom_stop_was_said_goes_after_thirty_days(runtime: Runtime, clock: TestClock) -> None:
    one, other = enrol(runtime, clock), enrol(runtime, clock, number=NEIGHBOUR)
    with runtime.database.begin() as tx:
        stop_child(tx, runtime, one.child_id, clock.now())
    clock.advance(days=29)
    assert retention.purge(runtime)["left_children"] == 0
    clock.advance(days=2)
    assert retention.purge(runtime)["left_children"] == 1
    assert [row.person_id for row in rows_of(runtime, child)] == [other.child_id]


class TestWhoRefusedEverything:
    @pytest.fixture
    def one(self, runtime: Runtime, clock: TestClock) -> Enrolled:
        followed = enrol(runtime, clock)
        with runtime.database.begin() as tx:
            opt_outs.stop(tx, runtime, MOTHER, "sms", clock.now())
        return followed

    def test_goes_after_thirty_days_and_the_refusal_stays(
        self, one: Enrolled, runtime: Runtime, clock: TestClock
    ) -> None:
        clock.advance(days=29)
        assert retention.purge(runtime)["refused_children"] == 0
        clock.advance(days=2)
        before = counted(runtime, clock.now())
        done = retention.purge(runtime)
        assert done["refused_children"] == done["people"] == done["phones"] == 1
        assert counted(runtime, clock.now()) == before
        for empty in (child, person, household, phone, message):
            assert how_many(runtime, empty) == 0, empty.name
        assert [row.purpose for row in rows_of(runtime, opt_out)] == ["all"]

    def test_stays_when_it_is_taken_back_in_time(self, one: Enrolled, runtime: Runtime, clock: TestClock) -> None:
        clock.advance(days=29)
        with runtime.database.begin() as tx:
            opt_outs.start(tx, runtime, MOTHER, clock.now())
        clock.advance(days=20)
        assert retention.purge(runtime)["refused_children"] == 0

    def test_stays_when_another_phone_hears_of_the_child(
        self, one: Enrolled, runtime: Runtime, clock: TestClock
    ) -> None:
        with runtime.database.begin() as tx:
            home = people_tables.find_child(tx, id=one.child_id)
            assert home
            ids = {"organisation_id": home.organisation_id, "household_id": home.household_id}
            father = people_tables.add_person(tx, created_at=clock.now(), **ids)
            his = phone_tables.ensure_phone(tx, NEIGHBOUR, clock.now())
            people_tables.add_person_phone(tx, father, his.id, runtime.today(clock.now()))
        clock.advance(days=60)
        assert retention.purge(runtime)["refused_children"] == 0
        with runtime.database.begin() as tx:
            opt_outs.stop(tx, runtime, NEIGHBOUR, "sms", clock.now())
        clock.advance(days=31)
        assert retention.purge(runtime)["refused_children"] == 1

    def test_one_purpose_is_not_everything(self, runtime: Runtime, clock: TestClock) -> None:
        enrol(runtime, clock)
        with runtime.database.begin() as tx:
            opt_outs.stop(tx, runtime, MOTHER, "sms", clock.now(), purpose="campaign")
        clock.advance(days=60)
        assert retention.purge(runtime)["refused_children"] == 0


def test_what_waits_to_be_said_of_a_sibling_is_said_anew(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    gone, stays = enrol(runtime, clock), enrol(runtime, clock, born="2026-06-20", last_visit="none")
    recalls.queue_recalls(runtime)
    with runtime.database.begin() as tx:
        erasure.forget_children(tx, runtime, [gone.child_id], clock.now())
    recalls.queue_recalls(runtime)
    dispatcher.send_due(runtime)
    assert len(carrier.accepted) == 1
    assert [row.person_id for row in rows_of(runtime, child)] == [stays.child_id]


# --- who is left over ---------------------------------------------------------------------------------------


def test_a_request_to_the_mutual_keeps_its_family(handset: Handset, runtime: Runtime, clock: TestClock) -> None:
    number = number_on(join(handset))
    clock.advance(days=200)
    dispatcher.look_after(runtime)  # what was never sent expires
    retention.purge(runtime)
    assert how_many(runtime, household) == how_many(runtime, person) == how_many(runtime, phone) == 1
    with runtime.database.begin() as tx:
        memberships.refuse(tx, number, "test", clock.now())
    clock.advance(days=91)
    done = retention.purge(runtime)
    assert done["requests"] == done["closed_tasks"] == done["people"] == done["households"] == done["phones"] == 1


def test_an_answered_opinion_goes_after_ninety_days_and_one_that_waits_does_not(
    handset: Handset, runtime: Runtime, clock: TestClock
) -> None:
    number = number_on(complain(handset))
    clock.advance(days=300)
    assert retention.purge(runtime)["feedback"] == 0
    answer_feedback(runtime, clock, number, ANSWER)
    clock.advance(days=91)
    assert retention.purge(runtime)["feedback"] == 1
    assert how_many(runtime, task) == 0


def test_a_number_that_only_called_is_forgotten_and_its_stop_is_not(
    handset: Handset, runtime: Runtime, clock: TestClock
) -> None:
    handset.dial()
    handset.choose("Français")
    with runtime.database.begin() as tx:
        opt_outs.stop(tx, runtime, NEIGHBOUR, "sms", clock.now(), purpose="campaign")
    clock.advance(days=89)
    assert retention.purge(runtime)["phones"] == 0
    clock.advance(days=2)
    assert retention.purge(runtime)["phones"] == 2
    assert how_many(runtime, opt_out) == 1
    with runtime.database.begin() as tx:
        again = phone_tables.ensure_phone(tx, NEIGHBOUR, clock.now())
        assert phone_tables.opted_out(tx, again.number_idx, "campaign")


def test_a_number_somebody_gave_up_is_forgotten(runtime: Runtime, clock: TestClock) -> None:
    one = enrol(runtime, clock)
    with runtime.database.begin() as tx:
        known = people_tables.find_child(tx, id=one.child_id)
        old, new = phone_tables.find_phone(tx, MOTHER), phone_tables.ensure_phone(tx, NEIGHBOUR, clock.now())
        carer = family_changes.first_caregiver(tx, known.household_id) if known else None
        assert known
        assert old
        assert carer
        family_changes.take_phone(tx, known.household_id, old.id, runtime.today(clock.now()))
        family_changes.prefer_phone(tx, known.household_id, new.id)
        family_changes.give_phone(tx, carer, new.id, runtime.today(clock.now()))
    clock.advance(days=89)
    assert retention.purge(runtime)["former_phones"] == 0
    clock.advance(days=3)
    done = retention.purge(runtime)
    assert done["former_phones"] == done["phones"] == 1
    with runtime.database.read() as tx:
        assert phone_tables.find_phone(tx, MOTHER) is None
        assert phone_tables.find_phone(tx, NEIGHBOUR)


def test_a_refusal_of_an_unknown_number_is_proof_for_five_years(runtime: Runtime, clock: TestClock) -> None:
    with runtime.database.begin() as tx:
        erasure.forget_phone(tx, runtime, MOTHER, "ussd", clock.now())
        opt_outs.stop(tx, runtime, NEIGHBOUR, "sms", clock.now())
    clock.advance(days=5 * 365 - 1)
    with runtime.database.begin() as tx:
        put(tx, clock.now(), letter(clock, to=NEIGHBOUR))  # somebody we know: her STOP stands as long as she is known
    assert retention.purge(runtime)["refusals"] == 0
    clock.advance(days=2)
    assert retention.purge(runtime)["refusals"] == 1
    with runtime.database.read() as tx:
        (left,) = tx.execute(select(opt_out)).all()
        assert left.number_idx == runtime.vault.index(NEIGHBOUR)


def test_the_neighbours_handset_is_answered_the_same(
    product: str, carrier: LoopbackCarrier, runtime: Runtime, clock: TestClock
) -> None:
    """Who is known and in use is left alone by every rule."""
    mine = Handset(product, carrier, MOTHER, HOOK_SECRET)
    enrol(runtime, clock)
    join(mine)
    clock.advance(days=30)
    before = everything(runtime, "marker", "counter", "conversation")
    retention.purge(runtime)
    assert everything(runtime, "marker", "counter", "conversation") == before
