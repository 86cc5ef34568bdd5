"""Each purpose is agreed to and taken back by itself; words are discreet until somebody chooses; a second caregiver."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import insert, select, update

from flows.sms_text import fold, measure
from service.runtime import Runtime
from service.store import consent_tables, people_tables, phone_tables
from service.store.message_tables import message
from service.store.people_tables import caregiver, child, consent, household, person, person_phone
from service.store.phone_tables import phone
from service.stories import consents, dead_numbers, dispatcher, erasure, opt_outs, recalls
from service.stories.dead_numbers import End
from tests.conftest import HOOK_SECRET
from tests.cover import dial
from tests.loopback import LoopbackCarrier
from tests.people import Days, Handset, TestClock
from tests.stories.test_recalls import MOTHER, NEIGHBOUR, enrol

AUNT = "+22360000002"
SETTINGS = "Langue, SMS, mes données"


@pytest.fixture
def days(runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier) -> Days:
    return Days(runtime, clock, carrier)


@pytest.fixture
def aunt(product: str, carrier: LoopbackCarrier) -> Handset:
    return Handset(product, carrier, AUNT, HOOK_SECRET)


def said(runtime: Runtime) -> list[tuple[str, bool, str, str]]:
    """(purpose, given, wording, how) of every consent, in the order they were given."""
    with runtime.database.read() as tx:
        rows = tx.execute(select(consent).order_by(consent.c.at, consent.c.purpose))
        return [(row.purpose, row.given, row.wording, row.how) for row in rows]


def may_visit(runtime: Runtime, *children: int) -> set[int]:
    with runtime.database.read() as tx:
        return consent_tables.may_visit(tx, children)


def a_brother(runtime: Runtime, clock: TestClock, name: str = "Moussa Traoré") -> int:
    """Six weeks old on the same day."""
    clock.advance(minutes=1)
    one = enrol(runtime, clock)
    with runtime.database.begin() as tx:
        tx.execute(update(person).where(person.c.id == one.child_id).values(name=name))
    return one.child_id


# --- each purpose by itself ---------------------------------------------------------------------------------


def test_a_family_that_wants_no_mediator_at_home_is_left_off_and_keeps_its_reminders(
    handset: Handset, runtime: Runtime, clock: TestClock, days: Days
) -> None:
    one = enrol(runtime, clock)
    other = enrol(runtime, clock, number=NEIGHBOUR)
    assert may_visit(runtime, one.child_id, other.child_id) == {one.child_id, other.child_id}, "nobody refused"
    clock.advance(minutes=1)
    dial(handset, SETTINGS, "Arrêter/reprendre SMS", "Les passages à la maison")
    assert "plus rien pour les personnes de ce téléphone" in handset.choose("Oui, arrêter")
    assert said(runtime)[-1] == ("follow_up", False, "discreet", "ussd")
    assert may_visit(runtime, one.child_id, other.child_id) == {other.child_id}
    assert any(day == "11-22" for day, _ in days.until("2026-11-22")), "recalls go on"

    dial(handset, SETTINGS, "Arrêter/reprendre SMS", "Les passages à la maison")
    handset.choose("Oui, recommencer")
    assert may_visit(runtime, one.child_id, other.child_id) == {one.child_id, other.child_id}


def test_the_refusal_counts_in_a_query_of_many_children(runtime: Runtime, clock: TestClock) -> None:
    one, other = enrol(runtime, clock), enrol(runtime, clock, number=NEIGHBOUR)
    with runtime.database.begin() as tx:
        found = phone_tables.ensure_phone(tx, MOTHER, clock.now())
        consents.note(tx, found.id, ("follow_up",), False, consents.Words("w", "fr", "ussd"), clock.now())
        asked = select(child.c.person_id).where(~consent_tables.wants_no_visit(child.c.person_id))
        assert list(tx.execute(asked).scalars()) == [other.child_id]
        assert one.child_id != other.child_id


def test_arret_takes_back_what_comes_by_sms_and_start_gives_it_again(
    handset: Handset, runtime: Runtime, clock: TestClock
) -> None:
    enrol(runtime, clock)
    assert said(runtime) == [("reminder", True, "discreet", "test")]
    clock.advance(hours=1)
    handset.write("ARRET")
    assert said(runtime)[1:] == [("campaign", False, "discreet", "sms"), ("reminder", False, "discreet", "sms")]
    clock.advance(hours=1)
    handset.write("ARRET")
    assert len(said(runtime)) == 3, "said again it is the same word"
    handset.write("START")
    assert [row[:2] for row in said(runtime)[3:]] == [("reminder", True)], "informations were never agreed to"


def test_start_agrees_to_nothing_that_was_never_asked(handset: Handset, runtime: Runtime, clock: TestClock) -> None:
    enrol(runtime, clock)
    handset.write("START")
    assert said(runtime) == [("reminder", True, "discreet", "test")]


def test_ones_own_choices_are_told_with_their_day_and_way(handset: Handset, runtime: Runtime, clock: TestClock) -> None:
    enrol(runtime, clock)
    clock.advance(days=1)
    for answer in ("Oui, les recevoir", "Oui, arrêter"):
        dial(handset, SETTINGS, "Arrêter/reprendre SMS", "Les informations")
        handset.choose(answer)
    told = dial(handset, SETTINGS, "Mes données", "Choix")
    assert told.startswith("Rappels : oui, 20/11/26, appel. Infos : non, 21/11/26, appel. Passages : pas demandé.")
    assert "Mots : discrets." in told
    clock.advance(days=1)
    handset.write("ARRET")
    assert "Rappels : non, 22/11/26, SMS." in dial(handset, SETTINGS, "Mes données", "Choix")


def test_a_phone_without_a_family_has_nothing_to_take_back(handset: Handset, runtime: Runtime) -> None:
    dial(handset, SETTINGS, "Arrêter/reprendre SMS", "Les passages à la maison")
    assert "pas possible maintenant" in handset.choose("Oui, arrêter")
    assert said(runtime) == []


# --- the words ----------------------------------------------------------------------------------------------


def choose_explicit(handset: Handset) -> str:
    dial(handset, SETTINGS, "Mots des rappels", "Aussi prénom et vaccin")
    return handset.choose("Oui, moi seul(e)")


def test_a_mother_who_reads_alone_is_told_names_and_vaccines_of_all_her_children(
    handset: Handset, runtime: Runtime, clock: TestClock, days: Days
) -> None:
    enrol(runtime, clock)
    a_brother(runtime, clock)
    assert choose_explicit(handset).startswith("C'est fait : les rappels disent le prénom et le vaccin.")
    [(day, text)] = days.until("2026-11-20")
    assert day == "11-20"
    assert text.startswith("Laseli: à partir du 23/11 : Awa (penta 1, polio 1, pneumo 1, rota 1), Moussa (penta 1")
    assert "Traor" not in text
    assert measure(text).parts == 2
    assert measure(text).encoding == "gsm7"
    assert "CSCom ASACODAR" in text
    assert "ARRET" in text
    assert "détaillés" in dial(handset, SETTINGS, "Mes données", "Choix")


def test_who_says_that_others_read_the_phone_stays_discreet(
    handset: Handset, runtime: Runtime, clock: TestClock, days: Days
) -> None:
    enrol(runtime, clock)
    choose_explicit(handset)
    dial(handset, SETTINGS, "Mots des rappels", "Aussi prénom et vaccin")
    assert "la date et le lieu, rien d'autre" in handset.choose("Non, d'autres le lisent")
    assert "Awa" not in str(days.until("2026-11-23"))


def test_discreet_words_come_back_when_she_asks(
    handset: Handset, runtime: Runtime, clock: TestClock, days: Days
) -> None:
    enrol(runtime, clock)
    choose_explicit(handset)
    clock.advance(minutes=1)
    dial(handset, SETTINGS, "Mots des rappels")
    handset.choose("La date et le lieu seulement")
    assert said(runtime)[-1] == ("reminder", True, "discreet", "ussd")
    assert "Awa" not in str(days.until("2026-11-23"))


def test_another_child_is_no_word_on_how_they_are_spoken_of(
    handset: Handset, runtime: Runtime, clock: TestClock, days: Days
) -> None:
    enrol(runtime, clock)
    choose_explicit(handset)
    a_brother(runtime, clock)
    assert "Moussa (" in str(days.until("2026-11-20"))


def test_nobody_who_never_agreed_to_reminders_chooses_their_words(handset: Handset, runtime: Runtime) -> None:
    assert choose_explicit(handset).startswith("Pas possible ici")


def behind(runtime: Runtime, clock: TestClock, number: str) -> tuple[int, int, int]:
    """(person, phone, household) of who called first with this number."""
    with runtime.database.read() as tx:
        found = people_tables.find_caller(tx, number)
    assert found is not None
    assert found.person_id is not None
    assert found.household_id is not None
    return found.person_id, found.phone_id, found.household_id


@pytest.mark.parametrize(
    "shared", ["two people", "two households", "stopped and begun again", "moved to another phone"]
)
def test_explicit_words_fall_back_when_the_phone_is_no_longer_hers_alone(
    handset: Handset, runtime: Runtime, clock: TestClock, days: Days, shared: str
) -> None:
    enrol(runtime, clock)
    choose_explicit(handset)
    enrol(runtime, clock, number=NEIGHBOUR)
    _, mothers, home = behind(runtime, clock, MOTHER)
    neighbour, neighbours, other_home = behind(runtime, clock, NEIGHBOUR)
    clock.advance(minutes=1)
    with runtime.database.begin() as tx:
        if shared == "two people":
            row = {"person_id": neighbour, "phone_id": mothers, "since": clock.here.date()}
            tx.execute(insert(person_phone).values(**row))
        elif shared == "two households":
            tx.execute(update(household).where(household.c.id == other_home).values(preferred_phone_id=mothers))
        elif shared == "stopped and begun again":
            opt_outs.stop(tx, runtime, MOTHER, "sms", clock.now())
            clock.advance(minutes=1)
            opt_outs.start(tx, runtime, MOTHER, clock.now())
        else:
            tx.execute(update(household).where(household.c.id == home).values(preferred_phone_id=neighbours))
    sent = days.until("2026-11-23")
    assert sent
    assert "Awa" not in str(sent)


@pytest.mark.parametrize("name", ["Traoré", "Awa 2", "http://x.ml", "Abdoulayelonguement"])
def test_a_name_that_cannot_be_said_makes_the_whole_reminder_discreet(
    handset: Handset, runtime: Runtime, clock: TestClock, days: Days, name: str
) -> None:
    enrol(runtime, clock)
    a_brother(runtime, clock, name=name)
    choose_explicit(handset)
    [(_, text)] = days.until("2026-11-20")
    assert "rendez-vous" in text
    assert "Awa" not in text
    assert measure(text).parts == 1


def test_too_many_children_for_two_sms_are_told_of_discreetly(
    handset: Handset, runtime: Runtime, clock: TestClock, days: Days
) -> None:
    enrol(runtime, clock)
    for _ in range(4):
        a_brother(runtime, clock)
    choose_explicit(handset)
    [(_, text)] = days.until("2026-11-20")
    assert measure(text).parts == 1
    assert "Moussa" not in text


def test_names_stand_in_the_outbox_sealed_and_nowhere_in_the_log(
    handset: Handset, runtime: Runtime, clock: TestClock, log_lines: Any
) -> None:
    enrol(runtime, clock)
    choose_explicit(handset)
    recalls.queue_recalls(runtime)
    with runtime.database.read() as tx:
        [row] = tx.execute(select(message.c.text, message.c.key, message.c.reason)).all()
    assert "Awa (" in row.text
    assert "Awa" not in row.key
    assert "Awa" not in log_lines.getvalue()


# --- several caregivers, in order ---------------------------------------------------------------------------


def name_second(handset: Handset, number: str = "60000002") -> str:
    dial(handset, SETTINGS, "Deuxième numéro", "Oui")
    handset.press(number)
    return handset.choose("Oui")


def stand_beside(handset: Handset, aunt: Handset) -> None:
    assert "Sur ce deuxième téléphone, faites *384*223# et dites oui" in name_second(handset)
    assert dial(aunt).startswith("Une famille veut ses messages sur ce téléphone quand le sien ne recoit rien.")
    assert aunt.choose("Oui").startswith("C'est fait.")


def kill(runtime: Runtime, clock: TestClock, number: str = MOTHER) -> None:
    """Nothing arrives at this number any more."""
    with runtime.database.begin() as tx:
        one = phone_tables.ensure_phone(tx, number, clock.now())
        tx.execute(update(phone).where(phone.c.id == one.id).values(failed_days=4))
        dead_numbers.after_receipts(tx, runtime, [End(one.id, one.number_idx, "undelivered", clock.now())], clock.now())


def about_visits(phone: Handset) -> list[str]:
    return [text for text in phone.inbox if "ASACODAR" in text]


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
