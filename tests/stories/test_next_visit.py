"""When is my child's next visit, and how late are we? Asked on a basic phone, over real HTTP."""

from __future__ import annotations

import re

import pytest

from service.runtime import Runtime
from tests.people import Handset, TestClock
from tests.stories.test_recalls import enrol, give

NAMED = re.compile(r"vaccin|penta|bcg|opv|polio|retard|oubli", re.IGNORECASE)


def ask(handset: Handset, *labels: str) -> str:
    """Dial, in French unless the phone's language is known, and choose these lines one after the other."""
    handset.dial()
    if handset.screen.startswith("Langue"):
        handset.choose("Français")
    for label in labels:
        handset.choose(label)
    return handset.screen


NEXT_VISIT = ("Mon enfant", "Prochain rendez-vous")


@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("2026-11-20", "rendez-vous à partir du 23/11/26, au CSCom ASACODAR, avec le carnet."),
        ("2026-11-23", "rendez-vous ouvert depuis le 23/11/26, au CSCom ASACODAR, avec le carnet."),
        ("2026-12-12", "attendu depuis le 23/11/26 (19 jours) au CSCom ASACODAR, avec le carnet."),
    ],
)
def test_it_tells_the_day_and_how_long_it_has_been_open(
    handset: Handset, runtime: Runtime, clock: TestClock, day: str, said: str
) -> None:
    code = enrol(runtime, clock).code
    clock.set(f"{day}T10:00")
    thanks = " Si c'est fait, merci." if "attendu" in said else ""
    assert ask(handset, *NEXT_VISIT) == f"Enfant 1, née 10/2026 : {said}{thanks} Code {code}."
    assert not NAMED.search(handset.screen)
    assert not handset.open


def test_the_visit_that_was_made_is_no_longer_expected(handset: Handset, runtime: Runtime, clock: TestClock) -> None:
    one = enrol(runtime, clock)
    clock.set("2026-12-12T10:00")
    give(runtime, clock, one, "PENTA", "OPV", "PCV", "ROTA")
    assert "à partir du 09/01/27" in ask(handset, *NEXT_VISIT)


def test_who_joins_late_is_late_from_that_day_on(handset: Handset, runtime: Runtime, clock: TestClock) -> None:
    """The messages told of that day; what was missed before is no reproach."""
    enrol(runtime, clock, born="2026-05-01")
    clock.advance(days=1)
    assert "ouvert depuis le 20/11/26" in ask(handset, *NEXT_VISIT)
    clock.advance(days=9)
    assert "attendu depuis le 20/11/26 (10 jours)" in ask(handset, *NEXT_VISIT)


def test_a_mother_of_two_chooses_the_child_by_its_month(handset: Handset, runtime: Runtime, clock: TestClock) -> None:
    enrol(runtime, clock)
    clock.advance(minutes=1)
    enrol(runtime, clock, born="2025-02-03", last_visit="w14")
    ask(handset, *NEXT_VISIT)
    assert handset.choose("Enfant 1, née 10/2026").startswith(
        "Enfant 1, née 10/2026 : rendez-vous à partir du 23/11/26"
    )


def test_in_english_the_same(handset: Handset, runtime: Runtime, clock: TestClock) -> None:
    code = enrol(runtime, clock).code
    enrol(runtime, clock, number="+22370000003", quartier="Koulouniko")
    clock.set("2026-12-12T10:00")
    handset.dial()
    handset.choose("English")
    handset.choose("My child")
    assert handset.choose("Next visit") == (
        "Child 1, born 10/2026: expected since 23/11/26 (19 days) at the CSCom ASACODAR, with the booklet. "
        f"If done, thank you. Code {code}."
    )
    handset.number = "+22370000003"
    handset.dial()
    handset.choose("English")
    handset.choose("My child")
    assert "at the health centre, with the booklet" in handset.choose("Next visit")


def test_without_a_child_it_says_how_to_register_one(handset: Handset) -> None:
    assert ask(handset, *NEXT_VISIT).startswith("Aucun enfant n'est encore inscrit avec ce téléphone.")
    assert "*384*223#, puis 1 et 1" in handset.screen
