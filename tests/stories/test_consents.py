"""Each purpose is agreed to and taken back by itself."""

from __future__ import annotations

from sqlalchemy import select

from service.runtime import Runtime
from service.store import consent_tables, phone_tables
from service.store.people_tables import child
from service.stories.homes import consents
from tests.caregivers import SETTINGS, may_visit, said
from tests.cover import dial
from tests.people import Days, Handset, TestClock
from tests.stories.test_recalls import MOTHER, NEIGHBOUR, enrol


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
