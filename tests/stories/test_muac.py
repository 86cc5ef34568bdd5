"""A mother measures her child's arm: what she is told, what is kept, and who looks after it."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from service.runtime import Runtime
from service.store.message_tables import message
from service.store.people_tables import consent
from service.store.screening_tables import screening
from service.store.task_tables import task
from tests.people import Handset, TestClock
from tests.stories.test_changes import MOTHER, tasks
from tests.stories.test_next_visit import ask
from tests.stories.test_recalls import enrol

ARM = ("Mon enfant", "Mesurer son bras")
TWO_YEARS = {"born": "2024-11-03", "last_visit": "none"}


def all_of(runtime: Runtime, table: Any) -> list[Any]:
    with runtime.database.read() as tx:
        return list(tx.execute(select(table)))


def measure_arm(handset: Handset, shown: str, *, hollow: str = "Non", signs: str = "Non") -> str:
    ask(handset, *ARM, "Oui")
    if shown.isdecimal():
        handset.choose("Je donne les mm")
        handset.press(shown)
    else:
        handset.choose(shown)
    handset.choose(hollow)
    return handset.choose(signs)


def test_a_red_arm_is_shown_within_a_day_and_a_mediator_knows(
    handset: Handset, runtime: Runtime, clock: TestClock
) -> None:
    one = enrol(runtime, clock, **TWO_YEARS)
    last = measure_arm(handset, "114")
    assert last.startswith("Montrez l'enfant vite : au CSCom ASACODAR, dans les 24 heures, avec le carnet.")
    [kept] = all_of(runtime, screening)
    assert (kept.child_id, kept.measured_on, kept.muac_mm) == (one.child_id, date(2026, 11, 20), 114)
    assert (kept.band, kept.oedema, kept.source) == ("red", False, "mother")
    [line] = tasks(runtime, "muac_referral")
    assert (line.zone, line.number, line.due_on) == ("Darsalam", MOTHER, date(2026, 11, 21))
    told = json.loads(line.details or "")
    assert (told["Code de l'enfant"], told["Ruban"], told["Vers"]) == (one.code, "rouge, 114 mm", "URENAS")
    assert "Awa" not in str(told)
    assert all_of(runtime, message) == [], "nothing of it goes out as an SMS"
    assert [row.purpose for row in all_of(runtime, consent)].count("screening") == 1


@pytest.mark.parametrize(
    ("shown", "hollow", "signs", "said", "band", "due"),
    [
        ("Jaune", "Non", "Non", "dans la semaine", "yellow", date(2026, 11, 27)),
        ("124", "Non", "Non", "dans la semaine", "yellow", date(2026, 11, 27)),
        ("115", "Non", "Non", "dans la semaine", "yellow", date(2026, 11, 27)),
        ("Rouge", "Non", "Non", "dans les 24 heures", "red", date(2026, 11, 21)),
        ("Vert", "Oui", "Non", "dans les 24 heures", "green", date(2026, 11, 20)),
        ("Vert", "Non", "Oui", "Allez maintenant", "green", date(2026, 11, 20)),
        ("125", "Non", "Non", "La mesure est bonne.", "green", None),
        ("Vert", "Non", "Non", "La mesure est bonne.", "green", None),
    ],
)
def test_what_is_said_and_by_when_somebody_looks(
    handset: Handset,
    runtime: Runtime,
    clock: TestClock,
    shown: str,
    hollow: str,
    signs: str,
    said: str,
    band: str,
    due: date | None,
) -> None:
    enrol(runtime, clock, **TWO_YEARS)
    assert said in measure_arm(handset, shown, hollow=hollow, signs=signs)
    assert [row.band for row in all_of(runtime, screening)] == [band]
    assert [line.due_on for line in tasks(runtime, "muac_referral")] == ([due] if due else [])


def test_measured_twice_on_one_day_is_one_line_on_the_list(
    handset: Handset, runtime: Runtime, clock: TestClock
) -> None:
    enrol(runtime, clock, **TWO_YEARS)
    measure_arm(handset, "112")
    measure_arm(handset, "111")
    assert len(all_of(runtime, screening)) == 2
    assert len(all_of(runtime, task)) == 1


def test_a_no_keeps_nothing(handset: Handset, runtime: Runtime, clock: TestClock) -> None:
    enrol(runtime, clock, **TWO_YEARS)
    assert ask(handset, *ARM, "Non").startswith("Rien n'est gardé.")
    assert all_of(runtime, screening) == []
    assert all_of(runtime, task) == []


def test_a_baby_is_not_measured(handset: Handset, runtime: Runtime, clock: TestClock) -> None:
    enrol(runtime, clock, born="2026-05-21", last_visit="none")
    assert ask(handset, *ARM).startswith("Le ruban sert de 6 mois à 5 ans."), "six months less one day"
    clock.advance(days=1)
    assert ask(handset, *ARM).startswith("Nous gardons la mesure")


def test_where_no_centre_is_known_the_nearest_one_is_meant(
    handset: Handset, runtime: Runtime, clock: TestClock
) -> None:
    enrol(runtime, clock, quartier="Koulouniko", **TWO_YEARS)
    assert "au centre de santé, dans les 24 heures" in measure_arm(handset, "Rouge")


def test_centimetres_are_asked_again(handset: Handset, runtime: Runtime, clock: TestClock) -> None:
    enrol(runtime, clock, **TWO_YEARS)
    ask(handset, *ARM, "Oui", "Je donne les mm")
    for typed in ("11,4", "12"):
        assert handset.press(typed).startswith("Un nombre de 60 à 250, en mm : 12,5 cm font 125.")
    assert handset.press("114").startswith("Appuyez avec le pouce")
