"""Somebody who knows a child's code, guesses one, or uses our SMS to trouble others."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import func, select

from flows.engine import Action
from service.runtime import Runtime
from service.store.handover_tables import attempt, handover
from service.store.message_tables import message
from service.store.people_tables import child, household, person_phone
from service.store.screening_tables import screening
from service.store.task_tables import task
from service.stories.homes import handovers
from service.stories.homes.consents import Words
from service.stories.talk import effects, opt_outs
from service.stories.talk.situation import Situation
from tests.attacks.test_doubled_effects import at_once
from tests.conftest import HOOK_SECRET
from tests.loopback import LoopbackCarrier
from tests.people import Days, Handset, TestClock
from tests.stories.test_changes import CHANGE, announce, ask, claim, tasks
from tests.stories.test_muac import measure_arm
from tests.stories.test_recalls import enrol

STRANGER = "+22360000002"


@pytest.fixture
def stranger(product: str, carrier: LoopbackCarrier) -> Handset:
    return Handset(product, carrier, STRANGER, HOOK_SECRET)


def rows(runtime: Runtime, table: Any) -> int:
    with runtime.database.read() as tx:
        return tx.execute(select(func.count()).select_from(table)).scalar_one()


def test_after_five_tries_even_the_right_code_is_for_people(
    stranger: Handset, runtime: Runtime, clock: TestClock
) -> None:
    code = enrol(runtime, clock).code
    claim(stranger, "11112222", "102026")
    for month in ("12026", "22026", "3", "4"):
        assert stranger.press("1", code, month).startswith("Code ou date : rien de tel.")
    assert stranger.press("1", code, "102026") == "Demandez au centre de santé, avec le carnet de l'enfant."
    assert claim(stranger, code, "102026").startswith("Demandez au centre de santé"), "another call is the same day"
    [line] = tasks(runtime, "code_tries")
    assert line.number == STRANGER
    clock.advance(days=1)
    assert claim(stranger, code, "102026").startswith("C'est fait")


def test_whoever_reads_the_code_does_not_try_the_twelve_months_with_three_phones(
    handset: Handset, stranger: Handset, product: str, runtime: Runtime, clock: TestClock
) -> None:
    code = enrol(runtime, clock).code
    phones = [Handset(product, handset.carrier, f"+2236000001{number}", HOOK_SECRET) for number in range(3)]
    for month in range(1, 7):
        assert claim(phones[month // 3], code, str(month)).startswith("Code ou date : rien de tel.")
    assert claim(stranger, code, "102026").startswith("Code ou date : rien de tel.")
    assert len(tasks(runtime, "code_tries")) == 1
    clock.advance(days=1)
    assert claim(stranger, code, "102026").startswith("C'est fait")


def test_guesses_made_at_once_are_counted_one_by_one(runtime: Runtime, clock: TestClock) -> None:
    enrol(runtime, clock)

    def guess(number: int) -> str:
        with runtime.database.begin() as tx:
            consent = Words("test", "fr", "ussd")
            return handovers.claim(tx, runtime, STRANGER, number, 102026, consent, runtime.now())

    answers = at_once([lambda number=number: guess(number) for number in range(1, 13)])
    assert sorted(answers) == ["enough"] * 7 + ["no"] * 5
    with runtime.database.read() as tx:
        assert tx.execute(select(attempt.c.times)).scalar_one() == 12
    assert rows(runtime, task) == 1


@pytest.mark.parametrize(
    ("action", "args"),
    [
        ("not_my_child", {}),
        ("stop_child", {}),
        ("next_visit", {}),
        ("can_be_measured", {}),
        ("screen_arm", {"colour": "red", "mm": None, "oedema": "non", "danger": "non", "consent": "oui"}),
        ("move_family", {"zone": "1"}),
    ],
)
def test_a_childs_id_put_into_a_progress_gets_nothing(
    stranger: Handset, runtime: Runtime, clock: TestClock, action: str, args: dict[str, Any]
) -> None:
    """Ids are sealed in the progress; were one changed all the same, each action asks whose child it is."""
    theirs = enrol(runtime, clock)
    enrol(runtime, clock, number=STRANGER, quartier="Same")
    with runtime.database.begin() as tx:
        situation = Situation(
            runtime, clock.now(), clock.here.date(), STRANGER, "africastalking", "1:1", "test:hash", "fr"
        )
        for strange in (str(theirs.child_id), "1", "", "all'--", "٣"):
            name = "who" if action == "move_family" else "child"
            outcome = effects.perform(tx, situation, Action(action, {name: strange, **args}))
            assert not outcome.ok
            assert outcome.values == {}
    assert rows(runtime, task) == rows(runtime, screening) == 0
    with runtime.database.read() as tx:
        assert set(tx.execute(select(child.c.status)).scalars()) == {"followed"}


@pytest.mark.parametrize("zone", ["1", "", "x", "9" * 30, "-1"])
def test_a_quartier_that_is_none_of_ours_moves_nobody(runtime: Runtime, clock: TestClock, zone: str) -> None:
    one = enrol(runtime, clock)
    with runtime.database.begin() as tx:
        before = tx.execute(select(child)).one()
        situation = Situation(
            runtime, clock.now(), clock.here.date(), "+22370000001", "africastalking", "1:1", "test:hash", "fr"
        )
        for name, args in (
            ("move_family", {"who": str(one.child_id), "zone": zone}),
            ("centre_of_quartier", {"zone": zone}),
        ):
            assert not effects.perform(tx, situation, Action(name, args)).ok
        assert tx.execute(select(child)).one() == before


def test_a_phone_cannot_be_made_to_trouble_many_others(
    handset: Handset, runtime: Runtime, clock: TestClock, days: Days
) -> None:
    enrol(runtime, clock)
    for number in range(3):
        assert "dites oui" in announce(handset, f"6000001{number}")
    for number in range(3, 6):
        assert announce(handset, f"6000001{number}").startswith("Trop de numéros pour un jour.")
    days.until("2026-11-20")
    sent = [sms.to for sms in handset.carrier.accepted if sms.to.startswith("+2236000001")]
    assert sorted(sent) == ["+22360000010", "+22360000011", "+22360000012"]


def test_many_phones_cannot_trouble_one(
    handset: Handset, product: str, runtime: Runtime, clock: TestClock, days: Days
) -> None:
    for number in range(1, 5):
        phone = Handset(product, handset.carrier, f"+2237000000{number}", HOOK_SECRET)
        enrol(runtime, clock, number=phone.number)
        announce(phone, "60000002")
        announce(phone, "60000002")
    days.until("2026-11-20")
    assert len([sms for sms in handset.carrier.accepted if sms.to == STRANGER]) == 1


def test_who_said_stop_is_not_written_to_because_somebody_named_the_number(
    handset: Handset, stranger: Handset, runtime: Runtime, clock: TestClock, days: Days
) -> None:
    with runtime.database.begin() as tx:
        opt_outs.stop(tx, runtime, STRANGER, "sms", clock.now())
    enrol(runtime, clock)
    assert "dites oui" in announce(handset), "whoever asks does not learn that this number said STOP"
    days.until("2026-11-21")
    assert stranger.inbox == []


@pytest.mark.parametrize("number", ["+33612345678", "+22320200001", "15", "", "x"])
def test_no_number_abroad_and_no_fixed_line_is_ever_written_to(
    handset: Handset, runtime: Runtime, clock: TestClock, number: str
) -> None:
    enrol(runtime, clock)
    with runtime.database.begin() as tx:
        assert handovers.announce(tx, runtime, handset.number, number, "fr", clock.now()) == "none"
    assert rows(runtime, message) == rows(runtime, handover) == 0


def test_a_stranger_without_a_child_announces_nothing(stranger: Handset, runtime: Runtime, clock: TestClock) -> None:
    ask(stranger)
    with runtime.database.begin() as tx:
        assert handovers.announce(tx, runtime, STRANGER, "+22370000009", "fr", clock.now()) == "none"
        assert not handovers.accept(tx, runtime, STRANGER, Words("x", "fr", "ussd"), clock.now())
        assert not handovers.refuse(tx, STRANGER, clock.now())
    assert rows(runtime, handover) == 0


def test_a_code_on_a_leaflet_says_no_yes_for_anybody(
    handset: Handset, stranger: Handset, runtime: Runtime, clock: TestClock
) -> None:
    enrol(runtime, clock)
    announce(handset)
    ask(stranger)
    stranger.session, stranger.typed = "leaflet", "1"
    assert stranger.send_step().startswith("Une famille veut recevoir")
    with runtime.database.read() as tx:
        assert tx.execute(select(handover.c.state)).scalar_one() == "announced"


def test_two_who_say_yes_at_once_make_one_handover(
    handset: Handset, stranger: Handset, runtime: Runtime, clock: TestClock
) -> None:
    enrol(runtime, clock)
    announce(handset)

    def accept() -> bool:
        with runtime.database.begin() as tx:
            return handovers.accept(tx, runtime, STRANGER, Words("x", "fr", "ussd"), clock.now())

    assert sorted(at_once([accept] * 4)) == [False, False, False, True]
    with runtime.database.read() as tx:
        open_now = tx.execute(select(func.count()).where(person_phone.c.until.is_(None))).scalar_one()
        assert open_now == 1
        assert len(set(tx.execute(select(household.c.preferred_phone_id)).scalars())) == 1


HEALTH = re.compile(
    r"enfant|b[ée]b[ée]|vaccin|malnutri|nutrition|bras|muac|danger|maladi|soin|dose|sida|gross|viol|den\b|child", re.I
)


def test_no_sms_of_all_this_has_a_word_of_health_or_of_a_child(
    handset: Handset, stranger: Handset, runtime: Runtime, clock: TestClock, days: Days
) -> None:
    one = enrol(runtime, clock, born="2025-05-05", last_visit="none")
    measure_arm(handset, "110", hollow="Oui", signs="Oui")
    ask(handset, *CHANGE, "J'ai déménagé", "Dravela Bolibana", "Oui")
    announce(handset)
    ask(stranger, "Oui")
    claim(handset, one.code, "52025")
    third = Handset(handset.product, handset.carrier, "+22360000003", HOOK_SECRET)
    claim(third, one.code, "52025")
    ask(third, *CHANGE, "Ce n'est pas mon enfant", "Oui")
    days.until("2026-12-20")
    with runtime.database.read() as tx:
        texts = list(tx.execute(select(message.c.text)).scalars())
    assert len(texts) >= 3
    for text in texts:
        assert not HEALTH.search(text), text
        assert one.code not in text
