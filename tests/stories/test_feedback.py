"""Somebody complains, follows the number, and is answered on that phone alone."""

from __future__ import annotations

import pytest

from service.config import Config
from service.runtime import Runtime
from service.store.feedback_tables import feedback as feedback_table
from service.store.message_tables import message
from service.store.task_tables import tasks
from service.stories.delivery import dispatcher
from service.stories.talk import feedback
from tests.conftest import HOOK_SECRET
from tests.cover import command, dial, is_one_plain_sms, number_on, rows_of
from tests.loopback import LoopbackCarrier
from tests.people import Handset, TestClock

WORDS = "Le centre était fermé jeudi matin"
ANSWER = "Merci. Le centre ouvre aussi le samedi."


def complain(handset: Handset, words: str = WORDS) -> str:
    dial(handset, "Conseil, écoute", "Plainte ou suggestion", "Une plainte", "Oui")
    return handset.press(words, "1")


def follow(handset: Handset, number: str) -> str:
    dial(handset, "Conseil, écoute", "Plainte ou suggestion", "Suivre mon numéro")
    return handset.press(number)


@pytest.fixture
def number(handset: Handset) -> str:
    return number_on(complain(handset))


@pytest.fixture
def neighbour(product: str, carrier: LoopbackCarrier) -> Handset:
    return Handset(product, carrier, "+22370000002", HOOK_SECRET)


def answer(runtime: Runtime, clock: TestClock, number: str, words: str = ANSWER) -> bool:
    with runtime.database.begin() as tx:
        return feedback.answer(tx, runtime, number, words, "test", clock.now())


def test_a_complaint_is_read_taken_in_hand_and_answered_in_the_menu(
    handset: Handset, number: str, runtime: Runtime, clock: TestClock, settings: Config
) -> None:
    assert follow(handset, number) == f"Numéro {number} : bien recu. Une personne le lira."
    assert WORDS in command(settings, "feedback", "list").output
    assert command(settings, "feedback", "take", number).output == f"{number} is in hand.\n"
    assert "une personne s'en occupe" in follow(handset, number)

    assert answer(runtime, clock, number)
    dispatcher.send_due(runtime)
    (sms,) = handset.inbox
    assert is_one_plain_sms(sms)
    assert f"réponse à votre demande {number} : faites *384*223#" in sms
    for content in ("samedi", "centre", "plainte"):
        assert content not in sms, "the answer is read in the menu, not in an inbox"
    assert follow(handset, number) == f"Réponse : {ANSWER}"
    assert command(settings, "feedback", "list").output == "Nothing waits for an answer.\n"


def test_another_phone_reads_the_same_as_for_a_number_that_does_not_exist(
    handset: Handset, neighbour: Handset, number: str, runtime: Runtime, clock: TestClock
) -> None:
    answer(runtime, clock, number)
    another = f"{(int(number) - 100_000 + 1) % 900_000 + 100_000}"
    theirs, nobodys = follow(neighbour, number), follow(neighbour, another)
    assert theirs.replace(number, "") == nobodys.replace(another, "")
    assert "Réponse" not in theirs


def test_the_sms_goes_only_where_messages_are_wanted(
    handset: Handset, number: str, runtime: Runtime, clock: TestClock
) -> None:
    handset.write("ARRET")
    dispatcher.send_due(runtime)
    before = len(handset.inbox)
    assert not answer(runtime, clock, number)
    dispatcher.send_due(runtime)
    assert len(handset.inbox) == before
    assert follow(handset, number) == f"Réponse : {ANSWER}"


def test_a_stop_after_the_answer_still_holds_the_sms_back(
    handset: Handset, number: str, runtime: Runtime, clock: TestClock
) -> None:
    answer(runtime, clock, number)
    handset.write("ARRET")
    dispatcher.send_due(runtime)
    assert [text for text in handset.inbox if number in text] == []
    assert {one.state for one in rows_of(runtime, message) if one.purpose == "notice"} == {"suppressed"}


def test_a_corrected_answer_is_told_once(handset: Handset, number: str, runtime: Runtime, clock: TestClock) -> None:
    answer(runtime, clock, number)
    dispatcher.send_due(runtime)
    assert not answer(runtime, clock, number, "Le centre ouvre le dimanche.")
    dispatcher.send_due(runtime)
    assert len(handset.inbox) == 1
    assert "dimanche" in follow(handset, number)


def test_the_list_of_tasks_names_neither_phone_nor_words(number: str, runtime: Runtime) -> None:
    with runtime.database.read() as tx:
        (line,) = tasks(tx)
    assert (line.kind, line.number) == ("complaint", None)
    assert WORDS not in (line.details or "")


def test_a_phone_that_writes_all_day_is_asked_to_come_back(handset: Handset, runtime: Runtime) -> None:
    for _ in range(feedback.MOST_A_DAY):
        number_on(complain(handset))
    assert complain(handset).startswith("Ce n'est pas possible maintenant.")
    assert len(rows_of(runtime, feedback_table)) == feedback.MOST_A_DAY


def test_words_are_sealed_in_the_file(number: str, runtime: Runtime) -> None:
    (kept,) = rows_of(runtime, feedback_table)
    assert kept.words == WORDS
    from sqlalchemy import text

    with runtime.database.read() as tx:
        (raw,) = tx.execute(text("SELECT words FROM feedback")).scalars()
    assert b"centre" not in bytes(raw)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("answer", "100000", "Merci."), "there is no 100000"),
        (("take", "100000"), "there is no 100000"),
        (("answer", "NUMBER", "m" * 141), "an answer has 1 to 140 letters, this one 141"),
        (("answer", "NUMBER", "  "), "this one 0"),
    ],
)
def test_a_mistake_is_one_readable_line(
    number: str, runtime: Runtime, settings: Config, words: tuple[str, ...], told: str
) -> None:
    done = command(settings, "feedback", *(number if word == "NUMBER" else word for word in words))
    assert done.exit_code == 1
    assert told in done.output
    assert rows_of(runtime, feedback_table)[0].state == "received"


def test_the_command_says_whether_an_sms_goes_out(number: str, settings: Config) -> None:
    assert "an SMS without content says so" in command(settings, "feedback", "answer", number, ANSWER).output
    assert "no SMS says so" in command(settings, "feedback", "answer", number, ANSWER).output
