"""The same conversations by SMS: a word begins one, the next SMS answers it, and nothing breaks it."""

from __future__ import annotations

import json

import pytest

from scheduler.timetable import one_round
from service.runtime import Runtime
from service.store import system_tables, task_tables
from service.stories.delivery import outbox
from tests.loopback import LoopbackCarrier
from tests.people import Handset, TestClock, publish
from tests.stories.forms import SMALL_LINE


@pytest.fixture(autouse=True)
def small_line(runtime: Runtime) -> None:
    publish(runtime, SMALL_LINE, whole=True)


class Texter:
    """Somebody who writes SMS and reads the answers."""

    def __init__(self, handset: Handset, runtime: Runtime) -> None:
        self.handset, self.runtime = handset, runtime

    def write(self, *words: str) -> str:
        """Send each of these once the answer to the one before was read; gives the last answer."""
        for each in words:
            before = len(self.handset.inbox)
            self.handset.write(each)
            one_round(self.runtime)
            new = self.handset.inbox[before:]
        assert len(new) == 1, new
        return new[0]

    def is_silent_after(self, words: str) -> bool:
        before = len(self.handset.inbox)
        self.handset.write(words)
        one_round(self.runtime)
        return len(self.handset.inbox) == before


@pytest.fixture
def texter(handset: Handset, runtime: Runtime) -> Texter:
    return Texter(handset, runtime)


def test_a_father_joins_by_sms(texter: Texter, handset: Handset, runtime: Runtime) -> None:
    assert texter.write("Adhésion svp").startswith("D'accord ?\n1 Oui\n2 Non")
    assert texter.write("1").startswith("Votre nom ?")
    assert texter.write("Moussa Keïta").startswith("Combien de personnes ?")
    assert texter.write("7").startswith("Moussa Keita, 7 ?")
    handset.write("oui")
    one_round(runtime)
    assert sorted(handset.inbox[-2:]) == ["C'est noté.", "Demande de 7 personnes. Gardez ce SMS."]


@pytest.mark.parametrize(
    "word", ["AVIS", "avis", "A.V.I.S", "Aviss", "avis3", "Bonjour je voudrais avis", "a vis", "AVÏS"]
)
def test_the_word_is_read_kindly(texter: Texter, word: str) -> None:
    assert texter.write(word).startswith("Votre note ?")


def test_retour_at_the_first_question_is_no_wrong_answer(texter: Texter) -> None:
    first = texter.write("avis")
    for _ in range(4):
        assert texter.write("RETOUR") == first


def test_retour_goes_back_and_suite_turns(texter: Texter) -> None:
    texter.write("avis", "3")
    assert texter.write("Retour").startswith("Votre note ?")
    assert texter.write("4", "bien") == "Merci bien, 4."


def test_a_word_of_another_conversation_asks_before_leaving(texter: Texter) -> None:
    texter.write("adhesion", "1")
    asked = texter.write("AVIS")
    assert asked == "Adhésion : pas fini. Si vous laissez, vos réponses sont effacées.\n1 Continuer\n2 Laisser"
    assert texter.write("peut-etre") == "Tapez 1 à 2.\n" + asked
    assert texter.write("1").startswith("Votre nom ?")
    texter.write("AVIS")
    assert texter.write("2").startswith("Votre note ?")


def test_in_the_first_menu_nothing_is_lost_by_leaving(texter: Texter) -> None:
    assert texter.write("MENU").startswith("Que voulez-vous ?")
    assert texter.write("AVIS").startswith("Votre note ?")


def test_the_words_of_a_choice_are_an_answer_before_they_are_a_keyword(texter: Texter) -> None:
    texter.write("MENU")
    assert texter.write("avis").startswith("Votre note ?")
    texter.write("3")
    assert texter.write("MENU").startswith("Avis : pas fini.")


def test_what_must_not_lie_in_an_inbox_is_not_offered(texter: Texter) -> None:
    assert texter.write("MENU") == "Que voulez-vous ?\n1 Adhésion\n2 Avis"
    assert texter.write("2").startswith("Votre note ?"), "the numbers are those that were shown"


def test_a_reminder_does_not_break_a_conversation_under_way(
    texter: Texter, handset: Handset, runtime: Runtime, clock: TestClock
) -> None:
    texter.write("adhesion", "1", "Moussa")
    with runtime.database.begin() as tx:
        now = runtime.now()
        letter = outbox.Letter(
            to=handset.number, text="Laseli: rendez-vous.", key="recall:test", purpose="reminder", klass="must-arrive",
            not_before=now, useful_until=now + 3_600_000,
        )  # fmt: skip
        outbox.put(tx, now, letter)
    one_round(runtime)
    assert handset.inbox[-1] == "Laseli: rendez-vous."
    assert texter.write("7").startswith("Moussa, 7 ?")


def test_the_same_sms_twice_is_one_answer(handset: Handset, runtime: Runtime) -> None:
    fields = {"date": "2026-11-20 08:15:00", "from": handset.number, "id": "one-id", "linkId": "", "to": "99000"}
    for _ in range(3):
        assert handset.post("sms-in", fields | {"text": "AVIS", "networkCode": "61001"}).status_code == 200
    one_round(runtime)
    assert len(handset.inbox) == 1


def test_a_stop_ends_the_conversation(texter: Texter, handset: Handset, runtime: Runtime) -> None:
    texter.write("adhesion", "1")
    assert "plus de SMS" in texter.write("STOP")
    assert texter.write("Moussa").startswith("Laseli: message non compris")


def test_who_stopped_our_messages_is_answered_when_he_writes(texter: Texter) -> None:
    texter.write("STOP")
    assert texter.write("AVIS").startswith("Votre note ?")


def test_half_a_day_later_the_question_is_forgotten(texter: Texter, clock: TestClock) -> None:
    texter.write("avis")
    clock.advance(hours=13)
    assert texter.write("3").startswith("Laseli: message non compris. Envoyez MENU ou")


def test_a_form_left_by_sms_is_found_by_the_mediator(texter: Texter, runtime: Runtime, clock: TestClock) -> None:
    texter.write("adhesion", "1", "Moussa")
    clock.advance(hours=1, minutes=1)
    one_round(runtime)
    with runtime.database.read() as tx:
        [task] = task_tables.tasks(tx)
    assert json.loads(task.details or "")["answers"] == [["Votre nom ?", "Moussa"]]


def test_a_call_does_not_go_on_where_an_sms_stopped(texter: Texter, handset: Handset) -> None:
    texter.write("adhesion", "1")
    assert handset.dial().startswith("Que voulez-vous ?")


def test_thanks_are_not_answered(texter: Texter) -> None:
    for words in ("Merci", "merci beaucoup", "ok d'accord", "I ni ce"):
        assert texter.is_silent_after(words)


def test_a_machine_that_answers_our_answers_is_let_go(
    handset: Handset, runtime: Runtime, carrier: LoopbackCarrier, clock: TestClock
) -> None:
    """Whatever it is told it sends back, as an echo does."""
    handset.write("MENU")
    for _ in range(60):
        one_round(runtime)
        clock.advance(seconds=20)
        handset.write(handset.inbox[-1])
    assert len(handset.inbox) < 12


def test_a_machine_that_knows_our_words_costs_no_more_than_forty_answers_an_hour(
    handset: Handset, runtime: Runtime, clock: TestClock
) -> None:
    for _ in range(60):
        handset.write("MENU")
        clock.advance(seconds=20)
    one_round(runtime)
    assert len(handset.inbox) == 40
    with runtime.database.read() as tx:
        assert system_tables.counters(tx)["replies_held_back"] == 20


def test_a_number_abroad_is_not_answered(handset: Handset, runtime: Runtime) -> None:
    handset.number = "+33612345678"
    handset.write("AVIS")
    one_round(runtime)
    assert handset.inbox == []
