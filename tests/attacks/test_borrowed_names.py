"""Somebody sends SMS in another's name: the carrier believes whatever number is written on them."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from flows.engine import Action
from scheduler.timetable import one_round
from service.runtime import Runtime
from service.store.handover_tables import handover
from service.store.people_tables import child, household
from service.stories.talk import effects
from service.stories.talk.situation import Situation
from tests.conftest import HOOK_SECRET
from tests.cover import dial
from tests.loopback import LoopbackCarrier
from tests.people import Handset, TestClock
from tests.stories.test_recalls import enrol

THIEF = "+22360000002"


def write(handset: Handset, runtime: Runtime, *words: str) -> str:
    """These SMS one after the other, as if they came from this phone; the last answer, which goes to it."""
    for each in words:
        handset.write(each)
        one_round(runtime)
    return handset.inbox[-1]


@pytest.fixture
def thief(product: str, carrier: LoopbackCarrier) -> Handset:
    return Handset(product, carrier, THIEF, HOOK_SECRET)


def test_a_familys_messages_are_not_taken_with_sms_in_its_name(
    handset: Handset, thief: Handset, runtime: Runtime, clock: TestClock
) -> None:
    enrol(runtime, clock)
    one_round(runtime)
    answer = write(handset, runtime, "MENU", "1", "1", "4", "2", "1", THIEF[4:], "1")
    assert answer.startswith("Pour ce changement, il faut appeler : *384*223#, puis 1 et 4.")
    assert dial(thief).startswith("Laseli, santé des familles")
    with runtime.database.read() as tx:
        assert tx.execute(select(handover)).all() == []


def test_nobodys_yes_is_given_by_sms(handset: Handset, thief: Handset, runtime: Runtime, clock: TestClock) -> None:
    enrol(runtime, clock, number=THIEF)
    dial(thief, "Mon enfant", "Un changement", "Nouveau numéro", "Oui")
    thief.press(handset.number[4:])
    assert "dites oui" in thief.choose("Oui")
    assert write(handset, runtime, "MENU", "1").startswith("Laseli, santé des familles"), "it is asked in a call only"
    assert "Une famille veut recevoir" in dial(handset)


@pytest.mark.parametrize(
    ("action", "args"),
    [
        ("announce_phone", {"number": THIEF, "consent": "oui"}),
        ("accept_handover", {"consent": "oui"}),
        ("refuse_handover", {}),
        ("claim_child", {"code": 1, "birth": 1, "consent": "oui"}),
        ("not_my_child", {}),
        ("stop_child", {}),
        ("move_family", {"zone": "1"}),
        ("forget_me", {}),
    ],
)
def test_what_a_family_has_is_not_changed_by_sms(
    runtime: Runtime, clock: TestClock, action: str, args: dict[str, Any]
) -> None:
    one = enrol(runtime, clock)
    with runtime.database.begin() as tx:
        before = tx.execute(select(child)).all(), tx.execute(select(household)).all()
        situation = Situation(
            runtime, clock.now(), clock.here.date(), "+22370000001", "africastalking", "x", "x", way="sms"
        )
        name = "who" if action == "move_family" else "child"
        assert not effects.perform(tx, situation, Action(action, {name: str(one.child_id), **args})).ok
        assert (tx.execute(select(child)).all(), tx.execute(select(household)).all()) == before
