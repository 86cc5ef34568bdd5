"""Whose phone a pregnancy is told on, and who can make it forgotten, when the household's number changes."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from service.config import Config
from service.runtime import Runtime
from service.store import people_tables, phone_tables, task_tables
from service.store.follow_up_tables import follow_up
from service.store.message_tables import message
from service.store.people_tables import child, person
from service.stories.care import follow_up_homes
from service.stories.delivery import dispatcher
from service.stories.homes import families, handovers, number_checks
from service.stories.homes.consents import Words
from service.stories.keeping import erasure
from tests.conftest import HOOK_SECRET
from tests.cover import rows_of
from tests.follow_ups import TODAY, WOMAN, born, ended, kept, lost, pregnant, with_follow_ups
from tests.loopback import LoopbackCarrier
from tests.mediators import KADIA, Account, an_account
from tests.people import Days, Handset, TestClock
from tests.stories.test_follow_up_calls import opened
from tests.stories.test_recalls import enrol

CLAIMANT = "+22370000077"
AUNT = "+22360000002"
YES = Words("test", "fr", "ussd")


@pytest.fixture
def settings(settings: Config) -> Config:
    return with_follow_ups(settings)


def taken_with_the_booklet(runtime: Runtime, clock: TestClock) -> None:
    """A child whose next visit is at the end of December; the contact of week 20 is on 27 November."""
    one = enrol(runtime, clock, number=WOMAN, born="2026-11-15")
    pregnant(runtime)
    with runtime.database.begin() as tx:
        code = int(one.code.replace(" ", ""))
        assert handovers.claim(tx, runtime, CLAIMANT, code, 11, YES, clock.now()) == "ok"


def test_whoever_takes_the_childs_messages_with_its_code_hears_nothing_of_her_pregnancy(
    runtime: Runtime, clock: TestClock, days: Days, carrier: LoopbackCarrier
) -> None:
    taken_with_the_booklet(runtime, clock)
    days.until("2026-12-10")
    heard = [sms.text for sms in carrier.accepted if sms.to == CLAIMANT]
    assert heard == [], "the child's own reminders begin on 24 December: these days are the mother's"


def test_she_can_have_her_pregnancy_forgotten_after_somebody_took_the_childs_messages(
    runtime: Runtime, clock: TestClock
) -> None:
    """docs/follow-ups.md: whoever has her phone forgotten forgets it too."""
    taken_with_the_booklet(runtime, clock)
    with runtime.database.begin() as tx:
        erasure.forget_phone(tx, runtime, WOMAN, "test", clock.now())
    assert rows_of(runtime, follow_up) == []


def lines(runtime: Runtime) -> list[tuple[str, str | None]]:
    """Kind and words of the open lines that ask for the phone of a follow-up."""
    with runtime.database.read() as tx:
        return [(one.kind, one.details) for one in task_tables.tasks(tx) if one.kind == follow_up_homes.LINE]


def test_a_mediator_is_asked_to_find_her_phone_and_no_longer_once_it_ended(runtime: Runtime, clock: TestClock) -> None:
    taken_with_the_booklet(runtime, clock)
    [one] = kept(runtime)
    assert [words for _, words in lines(runtime)] == [f'{{"Code": "{one.code[:4]} {one.code[4:]}"}}']
    lost(runtime, one.code, TODAY)
    assert lines(runtime) == [], "nobody goes to that door"


def test_the_line_goes_with_the_follow_up(runtime: Runtime, clock: TestClock) -> None:
    taken_with_the_booklet(runtime, clock)
    with runtime.database.begin() as tx:
        erasure.forget_follow_ups(tx, runtime, [one.id for one in kept(runtime)], runtime.now())
    assert lines(runtime) == []


def test_a_birth_is_not_on_the_phone_that_took_the_other_childs_messages(runtime: Runtime, clock: TestClock) -> None:
    one = enrol(runtime, clock, number=WOMAN, born="2025-11-15")
    code = pregnant(runtime, week=38).code
    with runtime.database.begin() as tx:
        of_child = int(one.code.replace(" ", ""))
        assert handovers.claim(tx, runtime, CLAIMANT, of_child, 11, YES, clock.now()) == "ok"
    born(runtime, code, TODAY)
    with runtime.database.read() as tx:
        theirs = phone_tables.find_phone(tx, CLAIMANT)
        assert theirs is not None
        assert [each.id for each in people_tables.children_on_phone(tx, theirs.id)] == [one.child_id]
    lost(runtime, code, TODAY)
    assert sorted(row.status for row in rows_of(runtime, child)) == ["followed", "stopped"]


def test_a_number_that_she_named_herself_takes_her_contacts_along(
    runtime: Runtime, clock: TestClock, days: Days, carrier: LoopbackCarrier
) -> None:
    enrol(runtime, clock, number=WOMAN, born="2026-11-15")
    pregnant(runtime)
    with runtime.database.begin() as tx:
        assert handovers.announce(tx, runtime, WOMAN, AUNT, "fr", clock.now()) == "announced"
        assert handovers.accept(tx, runtime, AUNT, YES, clock.now())
    days.until("2026-12-10")
    assert [sms.text for sms in carrier.accepted if sms.to == AUNT and "ASACODAR" in sms.text]


def test_she_is_followed_on_the_phone_that_took_them_once_somebody_says_it_is_another(
    runtime: Runtime, clock: TestClock
) -> None:
    """The line's mediator finds her there, or another woman: the code that was set apart does not stand in the way."""
    taken_with_the_booklet(runtime, clock)
    pregnant(runtime, number=CLAIMANT, another=True)
    assert len(kept(runtime)) == 2


def test_a_pregnancy_is_not_her_husbands_who_enrolled_the_child(runtime: Runtime, clock: TestClock) -> None:
    enrol(runtime, clock, number=WOMAN)
    with runtime.database.read() as tx:
        husband = people_tables.find_caller(tx, WOMAN)
    assert husband is not None
    pregnant(runtime, another=True, name="Sira")
    [hers] = kept(runtime)
    assert hers.person_id != husband.person_id
    assert hers.household_id == husband.household_id, "they hear of it in the household's one message"


def test_another_on_a_phone_that_nobody_used_is_its_only_person(runtime: Runtime) -> None:
    pregnant(runtime, another=True)
    assert len(rows_of(runtime, person)) == 1


def test_a_stranger_who_has_his_phone_forgotten_forgets_no_pregnancy_of_hers(
    runtime: Runtime, clock: TestClock
) -> None:
    enrol(runtime, clock, number=WOMAN, born="2026-11-15")
    pregnant(runtime)
    with runtime.database.begin() as tx:
        mine = phone_tables.find_phone(tx, WOMAN)
        assert mine is not None
        number_checks.ask(tx, runtime, [mine.id], clock.now())
        assert number_checks.take_answer(tx, runtime, WOMAN, "NON", clock.now()) == "number.gone"
    with runtime.database.begin() as tx:
        erasure.forget_phone(tx, runtime, WOMAN, "test", clock.now())
    assert len(kept(runtime)) == 1


def test_a_stranger_who_says_no_hears_nothing_of_a_pregnancy_either(
    runtime: Runtime, clock: TestClock, days: Days, carrier: LoopbackCarrier
) -> None:
    """The number was asked, the only child was stopped meanwhile, then the new owner of the SIM answers NON."""
    one = enrol(runtime, clock, number=WOMAN, born="2026-11-15")
    pregnant(runtime)
    with runtime.database.begin() as tx:
        mine = phone_tables.find_phone(tx, WOMAN)
        assert mine is not None
        number_checks.ask(tx, runtime, [mine.id], clock.now())
    dispatcher.send_due(runtime)
    with runtime.database.begin() as tx:
        families.stop_child(tx, runtime, one.child_id, clock.now())
        assert number_checks.take_answer(tx, runtime, WOMAN, "NON", clock.now()) == "number.gone"
    days.until("2026-12-10")
    assert [sms.text for sms in carrier.accepted if "ASACODAR" in sms.text] == []
    assert len(lines(runtime)) == 1, "a mediator asks her for her number"


def test_the_second_number_tells_no_mediator_of_another_quartier_of_a_pregnancy(
    product: str, carrier: LoopbackCarrier, runtime: Runtime, clock: TestClock
) -> None:
    enrol(runtime, clock, number=WOMAN, quartier="Badialan 1")
    pregnant(runtime, quartier="Badialan 1")
    account: Account = an_account(runtime)
    with runtime.database.begin() as tx:
        now = clock.now()
        assert handovers.announce(tx, runtime, WOMAN, AUNT, "fr", now, kind="beside") == "announced"
        assert handovers.accept(tx, runtime, AUNT, YES, now)
    kadia = Handset(product, carrier, KADIA, HOOK_SECRET)
    opened(kadia, account, "Nouvelle grossesse")
    kadia.choose("Oui")
    kadia.press(AUNT.removeprefix("+223"))
    kadia.choose("Oui")
    kadia.press("10", "20112026")
    assert "déjà ouvert" not in kadia.choose("Oui, sûre")


def test_the_outbox_does_not_say_that_a_phone_had_a_follow_up(runtime: Runtime) -> None:
    """`reason` is not sealed, and `laseli outbox list` shows it beside the message."""
    code = pregnant(runtime).code
    ended(runtime, code, "withdrawn", TODAY)
    with runtime.database.read() as tx:
        reasons = [row.reason for row in tx.execute(select(message))]
    assert reasons
    assert not [one for one in reasons if "follow-up" in (one or "")]
