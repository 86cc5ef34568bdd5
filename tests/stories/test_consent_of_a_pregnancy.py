"""The yes to follow a pregnancy is no word about a mediator at the door, and is gone when the follow-up is."""

from __future__ import annotations

import pytest

from service.config import Config
from service.runtime import Runtime
from service.store import consent_tables, phone_tables
from service.store.people_tables import consent
from service.stories.homes import consents
from service.stories.keeping import erasure
from tests.caregivers import SETTINGS, may_visit
from tests.conftest import HOOK_SECRET
from tests.cover import dial, rows_of
from tests.follow_ups import BY, TODAY, WOMAN, born, ended, kept, pregnant, with_follow_ups
from tests.loopback import LoopbackCarrier
from tests.people import Handset, TestClock
from tests.stories.test_recalls import enrol


@pytest.fixture
def settings(settings: Config) -> Config:
    return with_follow_ups(settings)


@pytest.fixture
def phone(product: str, carrier: LoopbackCarrier) -> Handset:
    return Handset(product, carrier, WOMAN, HOOK_SECRET)


def refuse_visits(runtime: Runtime, clock: TestClock) -> None:
    with runtime.database.begin() as tx:
        mine = phone_tables.ensure_phone(tx, WOMAN, clock.now())
        consents.note(tx, mine.id, ("follow_up",), False, consents.Words("w", "fr", "ussd"), clock.now())


def test_a_pregnancy_that_is_opened_does_not_undo_the_refusal_of_visits(runtime: Runtime, clock: TestClock) -> None:
    one = enrol(runtime, clock, number=WOMAN)
    clock.advance(minutes=1)
    refuse_visits(runtime, clock)
    assert may_visit(runtime, one.child_id) == set()
    clock.advance(minutes=1)
    pregnant(runtime)
    assert may_visit(runtime, one.child_id) == set()


def test_ones_own_data_is_the_same_with_and_without_a_pregnancy(
    phone: Handset, runtime: Runtime, clock: TestClock
) -> None:
    """Whoever holds the shared phone reads it there."""
    enrol(runtime, clock, number=WOMAN)
    before = dial(phone, SETTINGS, "Mes données", "Choix")
    pregnant(runtime)
    assert dial(phone, SETTINGS, "Mes données", "Choix") == before


def test_no_visits_is_no_withdrawal_of_the_consent_to_be_followed(runtime: Runtime, clock: TestClock) -> None:
    pregnant(runtime)
    clock.advance(minutes=1)
    refuse_visits(runtime, clock)
    [one] = kept(runtime)
    with runtime.database.read() as tx:
        [said] = consent_tables.standing(tx, (one.person_id,), (consent_tables.DATED_CONTACTS,))
    assert said.given, "the proof that she agreed to be followed says no now, and she is reminded all the same"


def test_who_wants_no_more_of_it_has_taken_her_yes_back(runtime: Runtime, clock: TestClock) -> None:
    code = pregnant(runtime).code
    clock.advance(minutes=1)
    ended(runtime, code, "withdrawn", TODAY)
    [one] = kept(runtime, "ended")
    with runtime.database.read() as tx:
        [said] = consent_tables.standing(tx, (one.person_id,), (consent_tables.DATED_CONTACTS,))
    assert not said.given


def test_what_tells_of_a_pregnancy_goes_with_it(runtime: Runtime, clock: TestClock) -> None:
    """A loss is forgotten after 30 days; the yes that was read to her by a midwife is not."""
    enrol(runtime, clock, number=WOMAN)
    pregnant(runtime)
    ids = [one.id for one in kept(runtime)]
    with runtime.database.begin() as tx:
        erasure.forget_follow_ups(tx, runtime, ids, runtime.now())
    assert [row.recorded_by for row in rows_of(runtime, consent)] == ["self"]


def test_the_no_says_who_wrote_it_down(runtime: Runtime, clock: TestClock) -> None:
    code = pregnant(runtime).code
    ended(runtime, code, "withdrawn", TODAY)
    assert sorted((row.given, row.recorded_by) for row in rows_of(runtime, consent)) == [(False, BY), (True, BY)]


def test_who_moved_took_nothing_back(runtime: Runtime) -> None:
    ended(runtime, pregnant(runtime).code, "moved", TODAY)
    assert [row.given for row in rows_of(runtime, consent)] == [True]


def test_the_yes_stays_while_the_weeks_after_the_birth_go_on(runtime: Runtime) -> None:
    code = pregnant(runtime, week=38).code
    born(runtime, code, TODAY)
    with runtime.database.begin() as tx:
        erasure.forget_follow_ups(tx, runtime, [one.id for one in kept(runtime, "ended")], runtime.now())
    assert consent_tables.DATED_CONTACTS in [row.purpose for row in rows_of(runtime, consent)]


def said_of_reminders(runtime: Runtime) -> list[tuple[bool, str, str, str]]:
    rows = [row for row in rows_of(runtime, consent) if row.purpose == "reminder"]
    return [(row.given, row.wording, row.words_version, row.recorded_by) for row in rows]


def test_a_newborns_reminders_stand_on_the_words_that_named_the_baby(runtime: Runtime) -> None:
    born(runtime, pregnant(runtime, week=38).code, TODAY, alive=2)
    assert said_of_reminders(runtime) == [(True, "discreet", "test", BY)]


def test_a_birth_is_no_word_where_she_said_something_of_reminders_before(runtime: Runtime, clock: TestClock) -> None:
    enrol(runtime, clock, number=WOMAN)
    clock.advance(minutes=1)
    with runtime.database.begin() as tx:
        mine = phone_tables.ensure_phone(tx, WOMAN, clock.now())
        consents.note(tx, mine.id, ("reminder",), False, consents.Words("w", "fr", "ussd"), clock.now())
    before = said_of_reminders(runtime)
    born(runtime, pregnant(runtime, week=38).code, TODAY)
    assert said_of_reminders(runtime) == before
