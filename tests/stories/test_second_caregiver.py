"""A second caregiver agrees by her own phone, and hears only while the first one hears nothing."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from flows.sms_text import fold
from service.runtime import Runtime
from service.store import consent_tables, phone_tables
from service.store.message_tables import message
from service.store.people_tables import caregiver, household
from service.stories.delivery import dead_numbers, dispatcher
from service.stories.keeping import erasure
from service.stories.recall import recalls
from service.stories.talk import opt_outs
from tests.caregivers import AUNT, SETTINGS, about_visits, choose_explicit, kill, name_second, said, stand_beside
from tests.conftest import HOOK_SECRET
from tests.cover import dial
from tests.loopback import LoopbackCarrier
from tests.people import Days, Handset, TestClock
from tests.stories.test_explicit_words import behind
from tests.stories.test_recalls import MOTHER, NEIGHBOUR, enrol


@pytest.fixture
def aunt(product: str, carrier: LoopbackCarrier) -> Handset:
    return Handset(product, carrier, AUNT, HOOK_SECRET)


def test_nothing_is_sent_to_a_second_number_before_it_says_yes_itself(
    handset: Handset, aunt: Handset, runtime: Runtime, clock: TestClock, days: Days
) -> None:
    enrol(runtime, clock)
    name_second(handset)
    kill(runtime, clock)
    days.until("2026-11-25")
    assert len(aunt.inbox) == 1, "the one question without content"
    assert fold("pour recevoir nos messages sur ce téléphone, faites *384*223#") in aunt.inbox[0]
    dial(aunt)
    assert "rien ne sera envoyé ici" in aunt.choose("Non")
    days.until("2026-11-30")
    assert len(aunt.inbox) == 1


@pytest.mark.parametrize("answer", ["Oui", "Non"])
def test_whoever_answered_by_call_in_the_evening_is_not_asked_in_the_morning(
    handset: Handset, aunt: Handset, runtime: Runtime, clock: TestClock, days: Days, answer: str
) -> None:
    enrol(runtime, clock)
    clock.set("2026-11-20T20:00")
    name_second(handset)
    dial(aunt)
    aunt.choose(answer)
    days.until("2026-11-22")
    assert [text for text in aunt.inbox if "pour recevoir nos messages" in text] == []


@pytest.mark.parametrize("how", ["dead", "stopped", "reminders refused", "not hers any more"])
def test_the_next_caregiver_hears_while_the_first_hears_nothing_and_never_both(
    handset: Handset, aunt: Handset, runtime: Runtime, clock: TestClock, days: Days, how: str
) -> None:
    enrol(runtime, clock)
    stand_beside(handset, aunt)
    days.until("2026-11-20")
    assert (len(about_visits(handset)), len(about_visits(aunt))) == (1, 0)
    assert "un autre numéro recevra nos messages si celui-ci ne recoit rien" in str(handset.inbox)

    with runtime.database.begin() as tx:
        if how == "stopped":
            opt_outs.stop(tx, runtime, MOTHER, "sms", clock.now())
        elif how == "reminders refused":
            opt_outs.stop(tx, runtime, MOTHER, "ussd", clock.now(), purpose="reminder")
        elif how == "not hers any more":
            tx.execute(update(household).values(preferred_phone_id=None))
    if how == "dead":
        kill(runtime, clock)
    days.until("2026-11-23")
    assert (len(about_visits(handset)), len(about_visits(aunt))) == (1, 2)

    with runtime.database.begin() as tx:
        if how == "dead":
            dead_numbers.heard_from(tx, runtime, MOTHER, clock.now())
        elif how == "not hers any more":
            tx.execute(update(household).values(preferred_phone_id=behind(runtime, clock, MOTHER)[1]))
        else:
            opt_outs.start(tx, runtime, MOTHER, clock.now())
    days.until("2026-11-30")
    assert (len(about_visits(handset)), len(about_visits(aunt))) == (3, 2), "the first one hears again"


def test_what_waits_for_a_phone_that_stops_is_told_to_the_second_one_the_same_day(
    handset: Handset, aunt: Handset, runtime: Runtime, clock: TestClock, days: Days
) -> None:
    enrol(runtime, clock)
    enrol(runtime, clock, number=NEIGHBOUR)
    stand_beside(handset, aunt)
    days.until("2026-11-21")
    clock.set("2026-11-22T06:00")
    assert recalls.queue_recalls(runtime) == 2, "they wait for their hour"
    before = len(about_visits(aunt))
    for number in (MOTHER, NEIGHBOUR):
        with runtime.database.begin() as tx:
            opt_outs.stop(tx, runtime, number, "sms", clock.now())
    days.until("2026-11-22")
    assert len(about_visits(aunt)) == before + 1
    with runtime.database.read() as tx:
        waited = tx.execute(select(message.c.state).where(message.c.key.contains("2026-11-22"))).scalars()
        assert sorted(waited) == ["accepted", "suppressed"], "nobody hears in the neighbour's place"


@pytest.mark.parametrize(("word", "heard"), [("Oui", 1), ("NON merci", 0)])
def test_a_second_number_answers_by_sms_too(
    handset: Handset, aunt: Handset, runtime: Runtime, clock: TestClock, days: Days, word: str, heard: int
) -> None:
    enrol(runtime, clock)
    name_second(handset)
    aunt.write(word)
    dispatcher.send_due(runtime)
    told = {
        "Oui": "nos messages viennent ici si l'autre téléphone ne recoit rien",
        "NON merci": "rien ne sera envoyé ici",
    }
    assert told[word] in str(aunt.inbox)
    assert [row for row in said(runtime) if row[3] == "sms"] == [("reminder", True, "discreet", "sms")] * heard
    kill(runtime, clock)
    days.until("2026-11-23")
    assert bool(about_visits(aunt)) == bool(heard)


def test_a_number_that_would_take_the_place_of_the_first_says_yes_in_a_call(
    handset: Handset, aunt: Handset, runtime: Runtime, clock: TestClock
) -> None:
    enrol(runtime, clock)
    dial(handset, "Mon enfant", "Un changement", "Nouveau numéro", "Oui")
    handset.press("60000002")
    handset.choose("Oui")
    aunt.write("OUI")
    dispatcher.send_due(runtime)
    assert "pour répondre à cette demande, faites *384*223# avec ce téléphone" in str(aunt.inbox)
    assert behind(runtime, clock, MOTHER)[1] == preferred(runtime)


def preferred(runtime: Runtime) -> int | None:
    with runtime.database.read() as tx:
        return tx.execute(select(household.c.preferred_phone_id)).scalar_one()


def test_a_second_caregiver_who_says_arret_hears_nothing_either(
    handset: Handset, aunt: Handset, runtime: Runtime, clock: TestClock, days: Days
) -> None:
    enrol(runtime, clock)
    stand_beside(handset, aunt)
    aunt.write("ARRET")
    kill(runtime, clock)
    days.until("2026-11-30")
    assert about_visits(aunt) == []
    assert about_visits(handset) == []


def test_the_words_that_the_mother_chose_are_not_the_second_ones(
    handset: Handset, aunt: Handset, runtime: Runtime, clock: TestClock, days: Days
) -> None:
    enrol(runtime, clock)
    choose_explicit(handset)
    stand_beside(handset, aunt)
    kill(runtime, clock)
    days.until("2026-11-23")
    assert about_visits(aunt)
    assert "Awa" not in str(aunt.inbox)


def test_the_mother_takes_the_second_number_away(
    handset: Handset, aunt: Handset, runtime: Runtime, clock: TestClock, days: Days
) -> None:
    enrol(runtime, clock)
    stand_beside(handset, aunt)
    clock.set("2026-11-22T06:00")
    kill(runtime, clock)
    recalls.queue_recalls(runtime)
    dial(handset, SETTINGS, "Deuxième numéro")
    assert "plus rien n'est envoyé au deuxième numéro" in handset.choose("L'enlever")
    kill(runtime, clock)
    days.until("2026-11-30")
    assert about_visits(aunt) == [], "what waited for it is not sent"
    assert dial(aunt, "Mon enfant", "Prochain rendez-vous").startswith("Aucun enfant"), "and it sees them no more"


def test_another_second_number_takes_the_place_of_the_one_before(
    handset: Handset, aunt: Handset, runtime: Runtime, clock: TestClock, product: str, carrier: LoopbackCarrier
) -> None:
    enrol(runtime, clock)
    stand_beside(handset, aunt)
    uncle = Handset(product, carrier, "+22360000003", HOOK_SECRET)
    dial(handset, SETTINGS, "Deuxième numéro", "En donner un autre", "Oui")
    handset.press("60000003")
    handset.choose("Oui")
    dial(uncle, "Oui")
    with runtime.database.read() as tx:
        [only] = consent_tables.carers_beside(tx, behind(runtime, clock, MOTHER)[2])
        assert phone_tables.phone_of_id(tx, only.phone_id).number == "+22360000003"


def test_a_mother_who_leaves_with_the_code_leaves_the_second_number_behind_too(
    handset: Handset, aunt: Handset, runtime: Runtime, clock: TestClock, product: str, carrier: LoopbackCarrier
) -> None:
    one = enrol(runtime, clock)
    stand_beside(handset, aunt)
    new = Handset(product, carrier, "+22360000004", HOOK_SECRET)
    dial(new, "Mon enfant", "Un changement", "Oui, j'ai le code", "Oui")
    assert new.press(one.code, "102026").startswith("C'est fait")
    assert dial(aunt, "Mon enfant", "Prochain rendez-vous").startswith("Aucun enfant")
    assert dial(handset, "Mon enfant", "Prochain rendez-vous").startswith("Aucun enfant")


def test_who_is_forgotten_leaves_the_second_one_and_the_other_way_round(
    handset: Handset, aunt: Handset, runtime: Runtime, clock: TestClock, days: Days
) -> None:
    enrol(runtime, clock)
    stand_beside(handset, aunt)
    with runtime.database.begin() as tx:
        erasure.forget_phone(tx, runtime, AUNT, "ussd", clock.now())
    with runtime.database.read() as tx:
        assert len(tx.execute(select(caregiver.c.person_id)).all()) == 1
    days.until("2026-11-22")
    assert len(about_visits(handset)) == 2


def test_one_question_more_only_for_households_whose_first_phone_hears_nothing(
    runtime: Runtime, clock: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol(runtime, clock)
    asked: list[str] = []
    for name in ("next_carers", "explicit_homes", "names_of"):
        monkeypatch.setattr(consent_tables, name, lambda *_, name=name: asked.append(name) or [])
    recalls.queue_recalls(runtime)
    assert asked == []
