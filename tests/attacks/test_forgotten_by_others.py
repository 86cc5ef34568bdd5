"""Somebody has a family forgotten that is not his: a thief of its messages, a husband with the handset."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from service.runtime import Runtime
from service.store.people_tables import child, household
from service.store.phone_tables import phone
from tests.conftest import HOOK_SECRET
from tests.loopback import LoopbackCarrier
from tests.people import Days, Handset, TestClock
from tests.stories.test_changes import announce, ask, claim
from tests.stories.test_next_visit import NEXT_VISIT
from tests.stories.test_privacy import forget
from tests.stories.test_recalls import enrol


@pytest.fixture
def thief(product: str, carrier: LoopbackCarrier) -> Handset:
    return Handset(product, carrier, "+22360000002", HOOK_SECRET)


def children_left(runtime: Runtime) -> int:
    with runtime.database.read() as tx:
        return len(tx.execute(select(child)).all())


def test_who_took_a_family_with_the_code_cannot_have_it_forgotten(
    handset: Handset, thief: Handset, runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    one = enrol(runtime, clock)
    assert claim(thief, one.code, "102026").startswith("C'est fait")
    clock.advance(days=20)
    assert forget(thief).startswith("C'est effacé")
    assert "ASACODAR" in ask(handset, *NEXT_VISIT), "the child is where it was"
    assert any("ASACODAR" in text for _, text in Days(runtime, clock, carrier).until("2027-01-10"))
    assert thief.inbox == []


def test_who_was_named_by_a_stolen_minute_cannot_either(
    handset: Handset, thief: Handset, runtime: Runtime, clock: TestClock
) -> None:
    enrol(runtime, clock)
    announce(handset, thief.number[4:])
    ask(thief, "Oui")
    assert forget(thief).startswith("C'est effacé")
    assert "ASACODAR" in ask(handset, *NEXT_VISIT)


def test_a_child_without_a_phone_is_not_forgotten_by_whoever_reads_its_booklet(
    handset: Handset, thief: Handset, runtime: Runtime, clock: TestClock
) -> None:
    one = enrol(runtime, clock)
    ask(handset, "Mon enfant", "Un changement", "Ce n'est pas mon enfant", "Oui")
    claim(thief, one.code, "102026")
    forget(thief)
    with runtime.database.read() as tx:
        assert tx.execute(select(household.c.preferred_phone_id)).scalar_one() is None
        assert [row.number for row in tx.execute(select(phone))] == [handset.number]
    assert children_left(runtime) == 1


def test_a_mother_who_took_her_child_back_may_have_it_forgotten(
    handset: Handset, thief: Handset, runtime: Runtime, clock: TestClock
) -> None:
    one = enrol(runtime, clock)
    claim(thief, one.code, "102026")
    clock.advance(days=1)
    claim(handset, one.code, "102026")
    assert forget(handset).startswith("C'est effacé")
    assert children_left(runtime) == 0


def test_later_the_family_is_that_phones_own(
    handset: Handset, thief: Handset, runtime: Runtime, clock: TestClock
) -> None:
    enrol(runtime, clock)
    announce(handset, thief.number[4:])
    ask(thief, "Oui")
    clock.advance(days=31)
    forget(thief)
    assert children_left(runtime) == 0
