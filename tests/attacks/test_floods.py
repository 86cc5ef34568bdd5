"""Somebody makes us write: to a phone that said STOP, to a stranger, to the mediators; or keeps us from answering."""

from __future__ import annotations

import pytest

from flows.loader import load_library
from flows.sms_keywords import keywords_of
from scheduler.timetable import one_round
from service.runtime import Runtime
from service.store import phone_tables, task_tables
from tests.conftest import HOOK_SECRET
from tests.cover import dial
from tests.people import Handset, TestClock
from tests.stories.test_ramed import ask_for_a_visit


def write(handset: Handset, runtime: Runtime, clock: TestClock, *words: str) -> list[str]:
    """What is answered to each of these, none of which may come from the phone they name."""
    before = len(handset.inbox)
    for each in words:
        clock.advance(seconds=20)
        handset.write(each)
        one_round(runtime)
    return handset.inbox[before:]


# What a word is, no database knows: every language on one of them, and the other with one language.
@pytest.mark.parametrize(
    ("database_url", "language"),
    [("sqlite", "fr"), ("sqlite", "bm"), ("sqlite", "en"), ("postgresql", "fr")],
    indirect=["database_url"],
)
def test_two_lines_of_ours_that_write_to_each_other_soon_fall_silent(
    handset: Handset, runtime: Runtime, clock: TestClock, product: str, language: str
) -> None:
    """Whatever one of them says, the other takes for the words of a person."""
    other = Handset(product, handset.carrier, "+22370000009", HOOK_SECRET)
    dial(handset, language=language)
    dial(other, language=language)
    for word in sorted(keywords_of(load_library())):
        said, waiting = 0, [(handset, other, word)]
        clock.advance(days=1)
        while waiting and said < 20:
            writer, reader, words = waiting.pop(0)
            answers = write(writer, runtime, clock, words)
            said += len(answers)
            waiting += [(reader, writer, each) for each in answers]
        assert said <= 6, word


def stopped(runtime: Runtime, number: str) -> bool:
    with runtime.database.read() as tx:
        return phone_tables.opted_out(tx, runtime.vault.index(number), "reminder")


def test_nonsense_in_her_name_does_not_take_the_answer_to_her_stop(
    handset: Handset, runtime: Runtime, clock: TestClock
) -> None:
    write(handset, runtime, clock, *["kdjfh skdjfh"] * 10)
    [answer] = write(handset, runtime, clock, "ARRET")
    assert "plus de SMS" in answer
    assert stopped(runtime, handset.number)


def test_nobody_takes_back_her_stop_in_silence(handset: Handset, runtime: Runtime, clock: TestClock) -> None:
    write(handset, runtime, clock, "kdjfh skdjfh", "kdjfh skdjfh", "ARRET")
    assert write(handset, runtime, clock, "START") == []
    assert stopped(runtime, handset.number), "it counts only where she is told"
    clock.advance(hours=1)
    [told] = write(handset, runtime, clock, "START")
    assert "reprennent" in told
    assert not stopped(runtime, handset.number)


def test_who_said_stop_is_not_flooded_in_her_own_name(handset: Handset, runtime: Runtime, clock: TestClock) -> None:
    write(handset, runtime, clock, "ARRET")
    assert len(write(handset, runtime, clock, *["MENU"] * 20)) == 15
    clock.advance(hours=2)
    assert write(handset, runtime, clock, "MENU") == []


@pytest.mark.parametrize("how", ["SMS", "call"])
def test_a_call_brings_no_sms_to_a_phone_that_said_stop(
    handset: Handset, runtime: Runtime, clock: TestClock, how: str
) -> None:
    if how == "SMS":
        write(handset, runtime, clock, "ARRET")
    else:
        dial(handset, "Langue, SMS, mes données", "Arrêter/reprendre SMS", "Tous les SMS", "Oui, arrêter")
    before = len(handset.inbox)
    assert "V-" in ask_for_a_visit(handset), "the number is on the screen"
    handset.session, handset.typed = "ATUid_form", "1*1"
    handset.send_step()
    handset.press("1", "Awa")
    clock.advance(minutes=10)
    one_round(runtime)
    assert handset.inbox[before:] == []


def cut_off(handset: Handset, runtime: Runtime, clock: TestClock, number: int) -> None:
    handset.session, handset.typed = f"ATUid_cut{number}", "1*1"
    handset.send_step()
    handset.press("1", "Awa")
    clock.advance(hours=1, minutes=1)
    one_round(runtime)


def test_a_phone_that_is_cut_off_all_day_gets_three_sms_and_fills_three_lines(
    handset: Handset, runtime: Runtime, clock: TestClock
) -> None:
    dial(handset)
    for number in range(8):
        cut_off(handset, runtime, clock, number)
    assert len(handset.inbox) == 3
    with runtime.database.read() as tx:
        assert len(task_tables.tasks(tx)) == 3
    clock.advance(days=1)
    cut_off(handset, runtime, clock, 9)
    assert len(handset.inbox) == 4
