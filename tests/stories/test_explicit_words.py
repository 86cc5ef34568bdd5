"""Words are discreet until somebody who reads alone chooses names and vaccines, and again once others may read."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import insert, select, update

from flows.sms_text import measure
from service.runtime import Runtime
from service.store import people_tables
from service.store.message_tables import message
from service.store.people_tables import household, person_phone
from service.stories.recall import recalls
from service.stories.talk import opt_outs
from tests.caregivers import SETTINGS, a_brother, choose_explicit, said
from tests.cover import dial
from tests.people import Days, Handset, TestClock
from tests.stories.test_recalls import MOTHER, NEIGHBOUR, enrol


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
